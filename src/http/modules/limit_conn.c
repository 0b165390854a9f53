/*
 * ngx_http_limit_conn_module: so many requests of one key at a time.
 * Owns what a request holds, until its pool is freed.
 *
 *     zone: key, worker process --> { requests now }         a key's number: the sum over its nodes
 *     request -> hold -> hold       one a limit: the node to count down
 *
 * Only its own worker changes a node, and what a dead worker counted is dropped by the next request
 * that looks.  When a reload gives a zone another size, the new one begins with what the old one
 * counts as `carried`, and requests that end count down there too.
 */
#include "core/generation.h"
#include "core/number.h"
#include "core/zone.h"
#include "core/zone_table.h"
#include "event/worker.h"
#include "http/core_conf.h"
#include "http/limit.h"
#include "http/remnant.h"
#include "http/response.h"
#include "http/vars.h"

enum { KEY_MOST = 255, LIMIT_MOST = 65535 };

struct conn_limit {
    struct limit limit;
    uint32_t most;
};

struct count {
    uint32_t process, now, carried;
};

struct hold {
    struct hold *next;
    const struct zone *zone;
    struct zone_node *node;
    uint64_t epoch;                     /* of the table that the node is in */
    struct str key;
};

struct note {
    struct str status;                  /* empty: no limit looked at it yet */
    struct hold *holds;
    const struct local *local;
    struct request *request;            /* it waits for those before it */
    struct op op;
};

static struct section zones_section, section;

/* --- zones ------------------------------------------------------------------------------------ */

static void init_zone(const struct zone *zone)
{
    zone_table_init(zone_data(zone), zone->size, sizeof(struct count));
}

static void migrate_zone(const struct zone *zone, const struct zone *from)
{
    struct zone_table *t = zone_data(zone);
    zone_table_copy(t, zone_data(from));
    for (struct zone_node *node = zone_table_oldest(t); node; node = zone_table_newer(t, node)) {
        struct count *count = zone_node_data(node);
        count->carried += count->now;
        count->now = 0;
    }
}

static const struct zone_type zone_type = { "limit_conn", init_zone, migrate_zone };

static void drop_if_idle(struct zone_table *t, struct zone_node *node)
{
    const struct count *count = zone_node_data(node);
    if (count->now == 0 && count->carried == 0)
        zone_table_remove(t, node);
}

/* Those of processes that are gone. */
static void sweep(struct zone_table *t)
{
    const uint32_t deaths = zone_deaths();
    struct zone_node *node = zone_table_oldest(t), *newer;
    if (t->own == deaths)
        return;
    for (; node; node = newer) {
        newer = zone_table_newer(t, node);
        if (!zone_process_lives(((const struct count *)zone_node_data(node))->process))
            zone_table_remove(t, node);
    }
    t->own = deaths;
}

/* --- a hold ----------------------------------------------------------------------------------- */

/* Under the lock. */
static enum limit_verdict take(struct zone_table *t, const struct conn_limit *limit,
                               struct hold *hold)
{
    const uint32_t self = zone_process();
    struct zone_node *mine = NULL;
    uint64_t all = 0;
    zone_table_bind(t, limit->limit.conf->key.source);
    sweep(t);
    for (struct zone_node *node = zone_table_find(t, hold->key, NULL); node;
         node = zone_table_find(t, hold->key, node)) {
        const struct count *count = zone_node_data(node);
        all += (uint64_t)count->now + count->carried;
        if (count->process == self)
            mine = node;
    }
    if (all >= limit->most)
        return LIMIT_REFUSE;
    if (!mine && !(mine = zone_table_add(t, hold->key)))
        return LIMIT_FULL;
    struct count *count = zone_node_data(mine);
    count->process = self;
    count->now++;
    hold->node = mine;
    hold->epoch = t->epoch;
    return LIMIT_PASS;
}

static void give(const struct hold *hold)
{
    struct zone_table *t = zone_data(hold->zone);
    zone_lock(hold->zone);
    if (t->epoch == hold->epoch) {
        struct count *count = zone_node_data(hold->node);
        ASSERT(count->now > 0 && count->process == zone_process());
        count->now--;
        drop_if_idle(t, hold->node);
    }
    zone_unlock(hold->zone);
}

static void give_carried(const struct zone *zone, struct str key)
{
    struct zone_table *t = zone_data(zone);
    zone_lock(zone);
    for (struct zone_node *node = zone_table_find(t, key, NULL); node;
         node = zone_table_find(t, key, node)) {
        struct count *count = zone_node_data(node);
        if (count->process != zone_process() || count->carried == 0)
            continue;
        count->carried--;
        drop_if_idle(t, node);
        break;
    }
    zone_unlock(zone);
}

static const struct zone *find_zone(const struct generation *gen, struct str name)
{
    const struct zone *zone = gen->zones;
    while (zone && !(zone->type == &zone_type && str_eq(zone->name, name)))
        zone = zone->next;
    return zone;
}

/* In the zones of this name that other generations have. */
static void give_elsewhere(const struct hold *hold, const struct local *local)
{
    const struct zone_head *last = hold->zone->at;
    for (const struct local *l = local->worker->all; l; l = l->next) {
        const struct zone *zone = l == local ? NULL : find_zone(l->generation, hold->zone->name);
        if (!zone || zone->at == hold->zone->at || zone->at == last)
            continue;
        last = zone->at;
        give_carried(zone, hold->key);
    }
}

static void give_all(void *data)
{
    struct note *note = data;
    for (const struct hold *hold = note->holds; hold; hold = hold->next) {
        give(hold);
        give_elsewhere(hold, note->local);
    }
    note->holds = NULL;
}

/* --- a tunnel --------------------------------------------------------------------------------- */

/* A hold that outlives its generation: the zone is known by its name and where it lies. */
struct kept {
    struct remnant remnant;
    const struct zone_head *at;
    struct hold hold;
    struct str name;
    char text[];
};

static void give_kept(struct remnant *remnant, const struct tunnel_end *how)
{
    struct kept *kept = container_of(remnant, struct kept, remnant);
    const struct zone_head *last = NULL;
    bool given = false;
    for (const struct local *l = how->worker->all; l; l = l->next) {
        const struct zone *zone = find_zone(l->generation, kept->name);
        if (!zone || zone->at == last)
            continue;
        last = zone->at;
        kept->hold.zone = zone;
        if (zone->at != kept->at)
            give_carried(zone, kept->hold.key);
        else if (!given)
            give(&kept->hold);
        given = given || zone->at == kept->at;
    }
    free(kept);
}

static bool keep(const struct hold *hold, struct remnant **list)
{
    const struct str name = hold->zone->name;
    struct kept *kept = malloc(sizeof(*kept) + name.len + hold->key.len);
    if (!kept)
        return false;
    *kept = (struct kept){ .remnant = { .end = give_kept }, .at = hold->zone->at, .hold = *hold };
    memcpy(kept->text, name.at, name.len);
    memcpy(kept->text + name.len, hold->key.at, hold->key.len);
    kept->name = str_of(kept->text, name.len);
    kept->hold.key = str_of(kept->text + name.len, hold->key.len);
    remnant_add(list, &kept->remnant);
    return true;
}

/* Without memory the place is free when the request ends. */
static void leave(struct request *r, struct remnant **list)
{
    struct note *note = request_note(r, &section, 0);
    while (note && note->holds && keep(note->holds, list))
        note->holds = note->holds->next;
}

/* --- a request -------------------------------------------------------------------------------- */

static enum limit_verdict hold_one(struct request *r, const struct conn_limit *limit,
                                   struct note *note, struct str key)
{
    const struct zone *zone = limit->limit.zone;
    struct hold *hold = pool_new(&r->main->pool, struct hold);
    hold->zone = zone;
    hold->key = pool_str(&r->main->pool, key);
    zone_lock(zone);
    const enum limit_verdict verdict = take(zone_data(zone), limit, hold);
    zone_unlock(zone);
    if (verdict == LIMIT_PASS) {
        hold->next = note->holds;
        note->holds = hold;
    }
    return verdict;
}

static enum step refuse(struct request *r, const struct limit *limit, struct note *note,
                        enum limit_verdict verdict)
{
    const struct limit_conf *conf = request_conf(r, section);
    give_all(note);
    if (verdict == LIMIT_FULL)
        log_write(&r->log, LOG_CRIT, 0, "slab_alloc() failed: no memory in limit_conn_zone "
                  "\"%.*s\"", STR_FMT(limit->zone->name));
    else
        log_write(&r->log, conf->log_level, 0, "limiting connections%s by zone \"%.*s\"",
                  conf->dry_run ? ", dry run," : "", STR_FMT(limit->zone->name));
    note->status = conf->dry_run ? STR("REJECTED_DRY_RUN") : STR("REJECTED");
    return conf->dry_run ? STEP_NEXT : request_fail(r, (unsigned)conf->status);
}

static void others_sent(struct buf *mark, bool sent)
{
    struct note *note = mark->data;
    (void)sent;
    conn_timer(note->request->subject.conn, 0);
    request_op_done(note->request, &note->op);
}

static bool stay(struct op *op)
{
    (void)op;
    return false;
}

/* In HTTP/1 the requests of a connection are one after the other, so it cannot be in its own way;
 * but this one may have begun while the bytes of those before it are still on their way. */
static bool wait_for_others(struct request *r, struct note *note)
{
    struct conn *c = r->subject.conn;
    struct chain chain;
    if (c->out.bytes == 0 || !str_starts(r->main->in.protocol, STR("HTTP/1.")))
        return false;
    give_all(note);
    note->status = STR_NONE;
    note->request = r;
    request_op_start(r, &note->op, "limit_conn", true, stay);
    chain_init(&chain);
    chain_add_mark(&chain, r->subject.pool, others_sent, note);
    conn_timer(c, http_location_conf(r)->send_timeout);
    conn_send(c, &chain);
    return true;
}

/* Once a request, wherever it is routed. */
static enum step run(struct request *r)
{
    const struct limit_conf *conf = request_conf(r, section);
    struct note *note = request_note(r->main, &section, sizeof(*note));
    if (note->status.len)
        return STEP_NEXT;
    if (!note->local) {
        note->local = r->subject.local;
        pool_on_free(&r->main->pool, give_all, note);
    }
    for (const struct limit *l = conf->limits; l; l = l->next) {
        struct str key;
        if (!limit_key(r, l, KEY_MOST, &key))
            return request_fail(r, 500);
        if (key.len == 0)
            continue;
        const enum limit_verdict verdict =
            hold_one(r, container_of(l, struct conn_limit, limit), note, key);
        if (verdict == LIMIT_REFUSE && wait_for_others(r, note))
            return STEP_WAIT;
        if (verdict != LIMIT_PASS)
            return refuse(r, l, note, verdict);
        note->status = STR("PASSED");
    }
    return STEP_NEXT;
}

/* --- configuration ---------------------------------------------------------------------------- */

/* The key is argument `key`; the zone was said in argument `at`. */
static bool bind_zone(struct conf *cf, struct limit_zone **list, unsigned key, unsigned at,
                      struct str name, size_t size)
{
    struct limit_zone *z = pool_new(cf->pool, struct limit_zone);
    return template_compile(cf, &z->key, conf_arg(cf, key), key)
           && limit_zone_add(cf, list, z, &zone_type, name, size, at);
}

static bool parse_zone(struct conf *cf, void *field, const void *arg)
{
    const struct str text = conf_arg(cf, 2);
    struct str name;
    size_t size;
    (void)arg;
    if (!str_starts(text, STR("zone=")))
        return conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"", STR_FMT(text));
    return zone_table_arg(cf, 2, &name, &size) && bind_zone(cf, field, 1, 2, name, size);
}
static const struct conf_type type_zone = { "key zone=name:size", sizeof(struct limit_zone *), true,
                                            parse_zone, false };

static bool parse_old_zone(struct conf *cf, void *field, const void *arg)
{
    size_t size;
    (void)arg;
    conf_diag(cf, DIAG_WARN, 0, "deprecated", "the \"limit_zone\" directive is deprecated, use the "
              "\"limit_conn_zone\" directive instead");
    if (!number_conf_size(conf_arg(cf, 3), &size) || size < ZONE_LEAST)
        return conf_error(cf, 3, "zone-size", "invalid size \"%.*s\" of limit_zone \"%.*s\"",
                          STR_FMT(conf_arg(cf, 3)), STR_FMT(conf_arg(cf, 1)));
    return bind_zone(cf, field, 2, 1, conf_arg(cf, 1), size);
}
static const struct conf_type type_old_zone = { "name $variable size", sizeof(struct limit_zone *),
                                                true, parse_old_zone, false };

static bool parse_limit(struct conf *cf, void *field, const void *arg)
{
    struct conn_limit *l = pool_new(cf->pool, struct conn_limit);
    const struct str number = conf_arg(cf, 2);
    uint64_t n;
    (void)arg;
    if (!(l->limit.zone = zone_add(cf, &zone_type, conf_arg(cf, 1), 0, 1)))
        return false;
    if (!number_u64(number, &n) || n == 0)
        return conf_error(cf, 2, "invalid-value", "invalid number of connections \"%.*s\"",
                          STR_FMT(number));
    if (n > LIMIT_MOST)
        return conf_error(cf, 2, "invalid-value", "connection limit must be less %d",
                          LIMIT_MOST + 1);
    l->most = (uint32_t)n;
    return limit_add(cf, field, &l->limit);
}
static const struct conf_type type_limit = { "zone number", sizeof(struct limit *), true,
                                             parse_limit, false };

static const struct directive zone_rows[] = {
    { "limit_conn_zone", IN_HTTP, 2, 2, &type_zone, FIELD(limit_zones_conf, zones), OWN, NULL,
      NULL, NULL, "a zone that counts the requests of each key that are served now", NULL },
    { "limit_zone", IN_HTTP, 3, 3, &type_old_zone, FIELD(limit_zones_conf, zones), OWN, NULL,
      NULL, NULL, "the old way to write limit_conn_zone", NULL },
};
static const struct directive rows[] = {
    { "limit_conn", IN_HSL, 2, 2, &type_limit, FIELD(limit_conf, limits), INHERIT, NULL, NULL, NULL,
      "so many requests of a key at a time", NULL },
    LIMIT_OUTCOME_ROWS("limit_conn", "level of what is said of refused requests"),
};

static bool finish(struct conf *cf, void *conf, const void *parent)
{
    (void)parent;
    return limit_finish(cf, conf, &zones_section);
}

static struct section zones_section = {
    .name = "limit_conn_zone", .where = IN_HTTP, .size = sizeof(struct limit_zones_conf),
    .rows = zone_rows, .nrows = countof(zone_rows), .per_block = true,
};
static struct section section = {
    .name = "limit_conn", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct limit_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

static bool enabled(const struct conf_block *block)
{
    const struct limit_conf *conf = conf_of(block, section);
    return conf && conf->limits;
}

GETTER(status)
{
    const struct note *note = request_note(request_of(s)->main, &section, 0);
    (void)entry;
    return value_some(out, note ? note->status : STR_NONE);
}

static const struct variable variables[] = {
    { "limit_conn_status", get_status, VARS_VOLATILE, 0, "what limit_conn did: PASSED ...", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
static const struct phase_step steps[] = { { PHASE_PREACCESS, "limit_conn", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &zones_section, &section, NULL };

const struct http_module http_limit_conn_module = {
    .module = { .name = "ngx_http_limit_conn_module", .protocol = "http", .sections = sections,
                .variables = variables },
    .steps = steps, .leave = leave,
};
