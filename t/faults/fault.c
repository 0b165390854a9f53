/*
 * Faults on demand, for scenarios: a worker that refuses, dies or hangs while it prepares, writes
 * to the configuration, or dies in the middle of a zone.  Only in the test build.
 * Owns the zone "fault".
 */
#include "core/number.h"
#include "core/zone.h"
#include "event/worker.h"
#include "http/http.h"
#include "http/request.h"
#include "http/response.h"

#include <signal.h>
#include <unistd.h>

enum prepare_fault { PREPARE_FINE, PREPARE_REFUSE, PREPARE_DIE, PREPARE_HANG };
enum fault { FAULT_NONE, FAULT_WRITE, FAULT_ABORT, FAULT_HANG, FAULT_COUNT, FAULT_HOLD };

struct fault_main {
    struct conf_set set;
    unsigned prepare;
    int64_t worker;
    struct zone *zone;
};

struct fault_conf {
    struct conf_set set;
    unsigned what;
};

struct counter {
    uint64_t requests, migrated_from;
};

static const struct conf_name prepare_names[] = {
    { "refuse", PREPARE_REFUSE }, { "die", PREPARE_DIE }, { "hang", PREPARE_HANG }, { NULL, 0 },
};
static const struct conf_name names[] = {
    { "write", FAULT_WRITE }, { "abort", FAULT_ABORT }, { "hang", FAULT_HANG },
    { "count", FAULT_COUNT }, { "hold", FAULT_HOLD }, { NULL, 0 },
};

static void zone_init(const struct zone *zone)
{
    struct counter *counter = zone_data(zone);
    counter->requests = 100;
}

static void zone_migrate(const struct zone *zone, const struct zone *from)
{
    struct counter *counter = zone_data(zone);
    const struct counter *older = zone_data(from);
    counter->requests = older->requests;
    counter->migrated_from = from->size;
}

static const struct zone_type zone_type = { "fault", zone_init, zone_migrate };

static bool parse_zone(struct conf *cf, void *field, const void *arg)
{
    struct zone **zone = field;
    size_t size;
    (void)arg;
    if (!number_conf_size(conf_arg(cf, 2), &size))
        return conf_error(cf, 2, "invalid-value", "invalid size");
    *zone = zone_add(cf, &zone_type, conf_arg(cf, 1), size, 1);
    return *zone != NULL;
}

static const struct conf_type type_zone = { "name size", sizeof(struct zone *), false, parse_zone,
                                            false };

static const struct directive main_rows[] = {
    { "fault_prepare", IN_MAIN, 1, 1, &conf_type_enum, FIELD(fault_main, prepare), OWN, NULL,
      prepare_names, NULL, "what a worker does when it prepares", NULL },
    { "fault_worker", IN_MAIN, 1, 1, &conf_type_int, FIELD(fault_main, worker), OWN, "0", NULL,
      NULL, "which worker", NULL },
    { "fault_zone", IN_MAIN, 2, 2, &type_zone, FIELD(fault_main, zone), OWN, NULL, NULL, NULL,
      "a zone with a counter", NULL },
};
static const struct directive rows[] = {
    { "fault", IN_LOCATION, 1, 1, &conf_type_enum, FIELD(fault_conf, what), OWN, NULL, names, NULL,
      "what a request brings about", NULL },
};
static struct section main_section = {
    .name = "fault_main", .where = IN_MAIN, .size = sizeof(struct fault_main), .rows = main_rows,
    .nrows = countof(main_rows), .per_block = true,
};
static struct section section = {
    .name = "fault", .where = IN_HSL, .size = sizeof(struct fault_conf), .rows = rows,
    .nrows = countof(rows), .per_block = true,
};

static bool prepare(struct local *local, const char **why)
{
    const struct fault_main *conf = conf_of(local->generation->root, main_section);
    if (conf->prepare == PREPARE_FINE || local->worker->index != (unsigned)conf->worker)
        return true;
    if (conf->prepare == PREPARE_DIE)
        kill(getpid(), SIGKILL);
    while (conf->prepare == PREPARE_HANG)
        pause();
    *why = "it was told to refuse";
    return false;
}

static bool enabled(const struct conf_block *block)
{
    const struct fault_conf *conf = conf_of(block, section);
    return conf->what != FAULT_NONE;
}

static enum step count(struct request *r, const struct zone *zone, bool die)
{
    struct counter *counter = zone_data(zone);
    zone_lock(zone);
    if (die)
        abort();
    counter->requests++;
    const struct str text = fmt_pool(&r->pool, "%llu from %llu\n",
                                     (unsigned long long)counter->requests,
                                     (unsigned long long)counter->migrated_from);
    zone_unlock(zone);
    return response_text(r, 200, STR("text/plain"), text);
}

static enum step run(struct request *r)
{
    const struct fault_conf *conf = request_conf(r, section);
    const struct generation *gen = r->subject.local->generation;
    const struct fault_main *main_conf = conf_of(gen->root, main_section);
    switch ((enum fault)conf->what) {
    case FAULT_WRITE:
        ((struct generation *)(uintptr_t)gen)->nhandles++;
        break;
    case FAULT_ABORT:
        abort();
    case FAULT_HANG:
        for (;;)
            pause();
    case FAULT_COUNT:
    case FAULT_HOLD:
        return count(r, main_conf->zone, conf->what == FAULT_HOLD);
    case FAULT_NONE:
        break;
    }
    return response_text(r, 200, STR("text/plain"), STR("survived\n"));
}

static const struct phase_step steps[] = { { PHASE_REWRITE, "fault", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &main_section, &section, NULL };

const struct http_module http_fault_module = {
    .module = { .name = "weir_fault_module", .protocol = "http", .sections = sections,
                .prepare = prepare },
    .steps = steps,
};
