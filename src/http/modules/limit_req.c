/*
 * ngx_http_limit_req_module: requests of one key pass at a steady rate, with bursts.
 * Owns the timers of delayed requests; what is known of a key lies in its zone.
 *
 *     zone: key -> { excess, last }      excess: how far ahead of the rate, in 1/1000 requests
 *
 * A request that finds `excess` above the burst is refused, and counts nowhere; with several limits
 * it counts in each of them only when all let it pass.
 */
#include "core/number.h"
#include "core/zone.h"
#include "core/zone_table.h"
#include "http/limit.h"
#include "http/vars.h"

enum { IDLE_A_REQUEST = 2 };

struct rate_zone {
    struct limit_zone zone;
    uint64_t rate;                      /* 1/1000 requests a second */
};

struct rate_limit {
    struct limit limit;
    uint64_t burst, undelayed;          /* 1/1000 requests */
};

struct state {                          /* of a key */
    uint64_t excess;
    int64_t last;                       /* monotonic ms; 0: nothing was counted yet */
};

struct note {
    struct str status;                  /* empty: no limit looked at it yet */
    struct request *request;
    struct op op;
    struct timer timer;
};

static struct section zones_section, section;

static const struct rate_limit *rate_limit_of(const struct limit *limit)
{
    return container_of(limit, struct rate_limit, limit);
}

static uint64_t rate_of(const struct limit *limit)
{
    return container_of(limit->conf, struct rate_zone, zone)->rate;
}

/* --- counting --------------------------------------------------------------------------------- */

static void init_zone(const struct zone *zone)
{
    zone_table_init(zone_data(zone), zone->size, sizeof(struct state));
}

static void migrate_zone(const struct zone *zone, const struct zone *from)
{
    zone_table_copy(zone_data(zone), zone_data(from));
}

static const struct zone_type zone_type = { "limit_req", init_zone, migrate_zone };

/* What flowed off since the last request. */
static uint64_t drained(const struct state *state, uint64_t rate, int64_t now)
{
    uint64_t n;
    if (now <= state->last)             /* the clocks of workers stand still for a turn */
        return 0;
    return mul_overflows(rate, (uint64_t)(now - state->last), &n) ? UINT64_MAX : n / 1000;
}

static uint64_t excess_with_one(const struct state *state, uint64_t rate, int64_t now)
{
    const uint64_t gone = drained(state, rate, now), all = state->excess + 1000;
    return state->last && all > gone ? all - gone : 0;
}

/* Those that make no difference any more, oldest first; and where there is no room still, the
 * oldest whatever it is. */
static struct zone_node *add(struct zone_table *t, const struct limit *limit, struct str key,
                             int64_t now)
{
    struct zone_node *oldest;
    for (unsigned i = 0; i < IDLE_A_REQUEST && (oldest = zone_table_oldest(t)) != NULL; i++) {
        if (excess_with_one(zone_node_data(oldest), rate_of(limit), now) > 0)
            break;
        zone_table_remove(t, oldest);
    }
    struct zone_node *node = zone_table_add(t, key);
    if (node || !(oldest = zone_table_oldest(t)))
        return node;
    zone_table_remove(t, oldest);
    return zone_table_add(t, key);
}

/* Under the lock. */
static enum limit_verdict weigh(struct zone_table *t, const struct limit *limit, struct str key,
                          int64_t now, bool count, uint64_t *excess)
{
    zone_table_bind(t, limit->conf->key.source);
    struct zone_node *node = zone_table_find(t, key, NULL);
    if (node)
        zone_table_touch(t, node);
    else if (!(node = add(t, limit, key, now)))
        return LIMIT_FULL;
    struct state *state = zone_node_data(node);
    *excess = excess_with_one(state, rate_of(limit), now);
    if (*excess > rate_limit_of(limit)->burst)
        return LIMIT_REFUSE;
    if (count) {
        state->excess = *excess;
        state->last = now > state->last ? now : state->last;
    }
    return LIMIT_PASS;
}

static enum limit_verdict ask(const struct limit *limit, struct str key, int64_t now, bool count,
                              uint64_t *excess)
{
    struct zone_table *t = zone_data(limit->zone);
    zone_lock(limit->zone);
    const enum limit_verdict verdict = weigh(t, limit, key, now, count, excess);
    zone_unlock(limit->zone);
    return verdict;
}

/* --- a request -------------------------------------------------------------------------------- */

struct question {                       /* of one request, to each limit in turn */
    struct request *request;
    const struct limit_conf *conf;
    struct limit *const *limits;        /* those that have a key, */
    struct str *keys;                   /* and the keys */
    unsigned count;
    const struct limit *slowest;        /* which delays it most, */
    uint64_t excess, delay;             /* with this excess, so long (ms) */
};

/* False: evaluation failed. */
static bool collect(struct question *q, struct limit **limits)
{
    struct request *r = q->request;
    q->limits = limits;
    for (struct limit *l = q->conf->limits; l; l = l->next) {
        struct str key;
        if (!limit_key(r, l, ZONE_TABLE_KEY_MAX, &key))
            return false;
        if (key.len == 0)
            continue;
        limits[q->count] = l;
        q->keys[q->count++] = key;
    }
    return true;
}

/* The last one counts at once, those before it when it agrees. */
static enum limit_verdict ask_all(struct question *q)
{
    const int64_t now = request_loop(q->request)->now;
    for (unsigned i = 0; i < q->count; i++) {
        const struct limit *l = q->limits[i];
        const uint64_t undelayed = rate_limit_of(l)->undelayed;
        uint64_t excess = 0, delay = 0;
        const enum limit_verdict verdict = ask(l, q->keys[i], now, i + 1 == q->count, &excess);
        if (verdict == LIMIT_PASS && excess > undelayed
            && mul_overflows(excess - undelayed, 1000, &delay))
            delay = UINT64_MAX;
        if (verdict == LIMIT_PASS && delay / rate_of(l) <= q->delay)
            continue;
        q->slowest = l;
        q->excess = excess;
        q->delay = delay / rate_of(l);
        if (verdict != LIMIT_PASS)
            return verdict;
    }
    for (unsigned i = 0; i + 1 < q->count; i++) {
        uint64_t excess;
        (void)ask(q->limits[i], q->keys[i], now, true, &excess);
    }
    return LIMIT_PASS;
}

static void fire(struct timer *timer)
{
    struct note *note = container_of(timer, struct note, timer);
    timers_unreserve(&request_loop(note->request)->timers, 1);
    request_op_done(note->request, &note->op);
}

static bool cancel(struct op *op)
{
    struct note *note = container_of(op, struct note, op);
    timer_cancel(request_loop(note->request), &note->timer);
    timers_unreserve(&request_loop(note->request)->timers, 1);
    return true;
}

static enum step delay(const struct question *q, struct note *note)
{
    struct request *r = q->request;
    const enum log_level refused = q->conf->log_level;
    const bool dry = q->conf->dry_run;
    log_write(&r->log, refused < LOG_INFO ? refused + 1 : LOG_INFO, 0,
              "delaying request%s, excess: %llu.%03u, by zone \"%.*s\"", dry ? ", dry run" : "",
              (unsigned long long)(q->excess / 1000), (unsigned)(q->excess % 1000),
              STR_FMT(q->slowest->zone->name));
    note->status = dry ? STR("DELAYED_DRY_RUN") : STR("DELAYED");
    if (dry)
        return STEP_NEXT;
    if (!timers_reserve(&request_loop(r)->timers, 1))
        return request_fail(r, 500);
    note->request = r;
    note->timer.fire = fire;
    request_op_start(r, &note->op, "limit_req", true, cancel);
    timer_set(request_loop(r), &note->timer, q->delay < INT32_MAX ? (int64_t)q->delay : INT32_MAX);
    return STEP_WAIT;
}

static enum step refuse(const struct question *q, struct note *note, enum limit_verdict verdict)
{
    struct request *r = q->request;
    const bool dry = q->conf->dry_run;
    if (verdict == LIMIT_FULL)
        log_write(&r->log, LOG_ALERT, 0, "could not allocate node in limit_req zone \"%.*s\"",
                  STR_FMT(q->slowest->zone->name));
    else
        log_write(&r->log, q->conf->log_level, 0,
                  "limiting requests%s, excess: %llu.%03u by zone \"%.*s\"",
                  dry ? ", dry run" : "", (unsigned long long)(q->excess / 1000),
                  (unsigned)(q->excess % 1000), STR_FMT(q->slowest->zone->name));
    note->status = dry ? STR("REJECTED_DRY_RUN") : STR("REJECTED");
    return dry ? STEP_NEXT : request_fail(r, (unsigned)q->conf->status);
}

/* Once a request, wherever it is routed, and again when it was delayed. */
static enum step run(struct request *r)
{
    struct note *note = request_note(r->main, &section, sizeof(*note));
    struct question q = { .request = r, .conf = request_conf(r, section) };
    unsigned count = 0;
    if (note->status.len)
        return STEP_NEXT;
    for (const struct limit *l = q.conf->limits; l; l = l->next)
        count++;
    q.keys = pool_array(r->subject.pool, count, sizeof(*q.keys));
    if (!collect(&q, pool_array(r->subject.pool, count, sizeof(*q.limits))))
        return request_fail(r, 500);
    if (q.count == 0)
        return STEP_NEXT;
    const enum limit_verdict verdict = ask_all(&q);
    if (verdict != LIMIT_PASS)
        return refuse(&q, note, verdict);
    if (q.delay)
        return delay(&q, note);
    note->status = STR("PASSED");
    return STEP_NEXT;
}

/* --- configuration ---------------------------------------------------------------------------- */

/* "rate=5r/s", "rate=30r/m"; without a unit they are seconds. */
static bool parse_rate(struct conf *cf, struct rate_zone *z, unsigned arg)
{
    struct str text;
    uint64_t n, scale = 1;
    ASSERT(str_from_off(conf_arg(cf, arg), sizeof("rate=") - 1, &text));
    if (str_ends(text, STR("r/m")))
        scale = 60;
    if (str_ends(text, STR("r/s")) || scale > 1)
        text.len -= 3;
    if (!number_u64(text, &n) || n == 0 || n > INT64_MAX / 1000)
        return conf_error(cf, arg, "invalid-rate", "invalid rate \"%.*s\"",
                          STR_FMT(conf_arg(cf, arg)));
    z->rate = n * 1000 / scale;
    return true;
}

static bool parse_zone(struct conf *cf, void *field, const void *arg)
{
    struct rate_zone *z = pool_new(cf->pool, struct rate_zone);
    struct str name = STR_NONE;
    size_t size = 0;
    unsigned zone_at = 0;
    (void)arg;
    z->rate = 1000;
    if (!template_compile(cf, &z->zone.key, conf_arg(cf, 1), 1))
        return false;
    for (unsigned i = 2; i <= conf_nargs(cf); i++) {
        if (str_starts(conf_arg(cf, i), STR("zone="))) {
            if (!zone_table_arg(cf, zone_at = i, &name, &size))
                return false;
        } else if (str_starts(conf_arg(cf, i), STR("rate="))) {
            if (!parse_rate(cf, z, i))
                return false;
        } else
            return conf_error(cf, i, "invalid-parameter", "invalid parameter \"%.*s\"",
                              STR_FMT(conf_arg(cf, i)));
    }
    if (name.len == 0)
        return conf_error(cf, 0, "missing-parameter",
                          "\"limit_req_zone\" must have \"zone\" parameter");
    return limit_zone_add(cf, field, &z->zone, &zone_type, name, size, zone_at);
}
static const struct conf_type type_zone = { "key zone=name:size rate=rate",
                                            sizeof(struct limit_zone *), true, parse_zone, false };

/* "burst=5", "delay=3": so many requests. */
static bool parse_number(struct conf *cf, unsigned arg, const char *what, uint64_t *out)
{
    struct str name, text;
    uint64_t n;
    (void)str_cut(conf_arg(cf, arg), '=', &name, &text);
    if (!number_u64(text, &n) || n == 0 || n > INT64_MAX)
        return conf_error(cf, arg, "invalid-value", "invalid %s value \"%.*s\"", what,
                          STR_FMT(conf_arg(cf, arg)));
    *out = n > INT64_MAX / 1000 ? INT64_MAX : n * 1000;
    return true;
}

static bool parse_parameters(struct conf *cf, struct rate_limit *l)
{
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct str text = conf_arg(cf, i);
        struct str name;
        if (str_starts(text, STR("zone="))) {
            ASSERT(str_from_off(text, sizeof("zone=") - 1, &name));
            if (!(l->limit.zone = zone_add(cf, &zone_type, name, 0, i)))
                return false;
        } else if (str_starts(text, STR("burst="))) {
            if (!parse_number(cf, i, "burst", &l->burst))
                return false;
        } else if (str_starts(text, STR("delay="))) {
            if (!parse_number(cf, i, "delay", &l->undelayed))
                return false;
        } else if (str_eq(text, STR("nodelay")))
            l->undelayed = INT64_MAX;
        else
            return conf_error(cf, i, "invalid-parameter", "invalid parameter \"%.*s\"",
                              STR_FMT(text));
    }
    return true;
}

static bool parse_limit(struct conf *cf, void *field, const void *arg)
{
    struct rate_limit *l = pool_new(cf->pool, struct rate_limit);
    (void)arg;
    if (!parse_parameters(cf, l))
        return false;
    if (!l->limit.zone)
        return conf_error(cf, 0, "missing-parameter", "\"limit_req\" must have \"zone\" parameter");
    return limit_add(cf, field, &l->limit);
}
static const struct conf_type type_limit = {
    "zone=name [burst=number] [nodelay | delay=number]", sizeof(struct limit *), true, parse_limit,
    false
};

static const struct directive zone_rows[] = {
    { "limit_req_zone", IN_HTTP, 3, 3, &type_zone, FIELD(limit_zones_conf, zones), OWN, NULL,
      NULL, NULL, "a zone that counts the requests of each key, and their rate", NULL },
};
static const struct directive rows[] = {
    { "limit_req", IN_HSL, 1, 3, &type_limit, FIELD(limit_conf, limits), INHERIT, NULL, NULL, NULL,
      "requests of a key pass at the zone's rate", NULL },
    LIMIT_OUTCOME_ROWS("limit_req",
                       "level of what is said of refused requests; one less for delayed ones"),
};

static bool finish(struct conf *cf, void *conf, const void *parent)
{
    (void)parent;
    return limit_finish(cf, conf, &zones_section);
}

static struct section zones_section = {
    .name = "limit_req_zone", .where = IN_HTTP, .size = sizeof(struct limit_zones_conf),
    .rows = zone_rows, .nrows = countof(zone_rows), .per_block = true,
};
static struct section section = {
    .name = "limit_req", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
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
    { "limit_req_status", get_status, VARS_VOLATILE, 0, "what limit_req did: PASSED ...", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
static const struct phase_step steps[] = { { PHASE_PREACCESS, "limit_req", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &zones_section, &section, NULL };

const struct http_module http_limit_req_module = {
    .module = { .name = "ngx_http_limit_req_module", .protocol = "http", .sections = sections,
                .variables = variables },
    .steps = steps,
};
