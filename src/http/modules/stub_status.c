/*
 * ngx_http_stub_status_module: connections and requests of all workers, counted where all of them
 * can read (struct worker_score).  Owns nothing.
 */
#include "event/worker.h"
#include "http/response.h"

struct status_conf {
    struct conf_set set;
    bool on;
};

/* Once it had an argument, whose value never mattered. */
static bool parse(struct conf *cf, void *field, const void *arg)
{
    (void)cf;
    (void)arg;
    return *(bool *)field = true;
}
static const struct conf_type type = { "", sizeof(bool), false, parse, false };

static const struct directive rows[] = {
    { "stub_status", IN_SERVER | IN_LOCATION, 0, 1, &type, FIELD(status_conf, on), NAMELESS, NULL,
      NULL, NULL, "answers with counts of connections and requests", NULL },
};

static struct section section = {
    .name = "stub_status", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct status_conf), .rows = rows, .nrows = countof(rows), .per_block = true,
};

static bool enabled(const struct conf_block *block)
{
    const struct status_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

static unsigned active(const struct worker_score *sum)
{
    unsigned all = 0;
    for (unsigned i = 0; i < CONN_STAGES; i++)
        all += sum->stages[i];
    return all;
}

static enum step run(struct request *r)
{
    struct worker_score sum;
    if (!(r->in.method & (METHOD_GET | METHOD_HEAD)))
        return request_fail(r, 405);
    worker_sum(r->subject.conn->worker, &sum);
    const struct str text = fmt_pool(
        r->subject.pool,
        "Active connections: %u \nserver accepts handled requests\n %llu %llu %llu \n"
        "Reading: %u Writing: %u Waiting: %u \n",
        active(&sum), (unsigned long long)sum.accepted, (unsigned long long)sum.handled,
        (unsigned long long)sum.requests, sum.stages[CONN_READING], sum.stages[CONN_WRITING],
        sum.stages[CONN_WAITING]);
    return response_text(r, 200, STR("text/plain"), text);
}

/* --- variables -------------------------------------------------------------------------------- */

enum { ACTIVE = CONN_STAGES };

/* data: which stage, or ACTIVE. */
static bool get(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    struct worker_score sum;
    worker_sum(s->conn->worker, &sum);
    const unsigned n = entry->data == ACTIVE ? active(&sum) : sum.stages[entry->data];
    *out = (struct value){ fmt_pool(s->pool, "%u", n), true };
    return true;
}

static const struct variable variables[] = {
    { "connections_active", get, VARS_VOLATILE, ACTIVE, "connections of clients", NULL },
    { "connections_reading", get, VARS_VOLATILE, CONN_READING, "those that send a head", NULL },
    { "connections_writing", get, VARS_VOLATILE, CONN_WRITING, "those that are answered", NULL },
    { "connections_waiting", get, VARS_VOLATILE, CONN_WAITING, "those without a request", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static const struct phase_step steps[] = { { PHASE_HANDLER, "stub_status", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_stub_status_module = {
    .module = { .name = "ngx_http_stub_status_module", .protocol = "http", .sections = sections,
                .variables = variables },
    .steps = steps,
};
