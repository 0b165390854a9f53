/*
 * ngx_http_upstream_hc_module: `health_check` and `match`, as nginx's commercial version has them.
 * Reads them and gives the groups their checks; asking is upstream/health.h.
 * Owns nothing: everything lies in the generation.
 */
#include "core/generation.h"
#include "core/number.h"
#include "http/http.h"
#include "http/upstream/health.h"
#include "http/upstream/upstream_conf.h"

enum { STATUS_LEAST = 100, STATUS_MOST = 599 };

struct pending {                        /* a health_check, until all of the configuration is read */
    struct pending *next;
    struct health_check *check;
    struct diag_place place, match_place;
    struct str uri;
    bool tcp;
};

struct hc_main_conf {
    struct conf_set set;
    struct health_match *matches;
    struct pending *first, *last;
};

struct hc_conf {
    struct conf_set set;
};

static struct section main_section;

static struct hc_main_conf *main_conf(struct conf *cf)
{
    struct conf_block *here = cf->block;
    cf->block = conf_outer(here, IN_HTTP);
    struct hc_main_conf *conf = conf_own(cf, &main_section);
    cf->block = here;
    return conf;
}

static struct health_match *find_match(const struct hc_main_conf *conf, struct str name)
{
    struct health_match *match = conf->matches;
    while (match && !str_eq(match->name, name))
        match = match->next;
    return match;
}

static bool bad_parameter(struct conf *cf, unsigned arg)
{
    return conf_error(cf, arg, "invalid-parameter", "invalid parameter \"%.*s\"",
                      STR_FMT(conf_arg(cf, arg)));
}

/* --- match ------------------------------------------------------------------------------------ */

static bool parse_code(struct str text, unsigned *code)
{
    uint32_t n;
    if (!number_u32(text, &n) || n < STATUS_LEAST || n > STATUS_MOST)
        return false;
    *code = n;
    return true;
}

static bool parse_status(struct conf *cf, struct health_match *match)
{
    const unsigned nargs = conf_nargs(cf);
    if (match->nstatuses)
        return conf_error(cf, 0, "duplicate", "\"status\" directive is duplicate");
    match->other_statuses = str_eq(conf_arg(cf, 1), STR("!"));
    match->statuses = pool_array(cf->pool, nargs, sizeof(*match->statuses));
    for (unsigned i = match->other_statuses ? 2 : 1; i <= nargs; i++) {
        struct health_range *range = &match->statuses[match->nstatuses++];
        struct str from, to;
        if (!str_cut(conf_arg(cf, i), '-', &from, &to))
            to = from;
        if (!parse_code(from, &range->from) || !parse_code(to, &range->to)
            || range->from > range->to)
            return conf_error(cf, i, "invalid-value", "invalid status \"%.*s\"",
                              STR_FMT(conf_arg(cf, i)));
    }
    return match->nstatuses || bad_parameter(cf, 1);
}

static bool parse_test(struct conf *cf, unsigned arg, enum health_test *test)
{
    static const struct conf_name tests[] = {
        { "=", HEALTH_IS }, { "!=", HEALTH_IS_NOT }, { "~", HEALTH_LIKE },
        { "!~", HEALTH_UNLIKE }, { NULL, 0 },
    };
    for (const struct conf_name *t = tests; t->name; t++)
        if (str_eq(conf_arg(cf, arg), str_from(t->name))) {
            *test = (enum health_test)t->value;
            return true;
        }
    return bad_parameter(cf, arg);
}

static bool is_regex(enum health_test test)
{
    return test == HEALTH_LIKE || test == HEALTH_UNLIKE;
}

static bool parse_header(struct conf *cf, struct health_match *match)
{
    struct health_header *h = pool_new(cf->pool, struct health_header);
    const unsigned nargs = conf_nargs(cf);
    *match->headers_end = h;
    match->headers_end = &h->next;
    if (nargs == 2 && !str_eq(conf_arg(cf, 1), STR("!")))
        return bad_parameter(cf, 2);
    h->test = nargs == 2 ? HEALTH_LACKS : HEALTH_HAS;
    h->name = pool_str(cf->pool, conf_arg(cf, nargs == 2 ? 2 : 1));
    if (nargs < 3)
        return true;
    if (!parse_test(cf, 2, &h->test))
        return false;
    if (is_regex(h->test))
        return (h->regex = regex_add(cf, conf_arg(cf, 3), false, 3)) != NULL;
    h->value = pool_str(cf->pool, conf_arg(cf, 3));
    return true;
}

static bool parse_body(struct conf *cf, struct health_match *match)
{
    struct health_body *b = pool_new(cf->pool, struct health_body);
    *match->bodies_end = b;
    match->bodies_end = &b->next;
    if (!parse_test(cf, 1, &b->test))
        return false;
    if (!is_regex(b->test))
        return bad_parameter(cf, 1);
    return (b->regex = regex_add(cf, conf_arg(cf, 2), false, 2)) != NULL;
}

static bool parse_require(struct conf *cf, struct health_match *match)
{
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        struct health_require *r = pool_new(cf->pool, struct health_require);
        struct str name;
        *match->requires_end = r;
        match->requires_end = &r->next;
        if (!vars_arg(cf, i, &name) || !template_compile(cf, &r->value, conf_arg(cf, i), i))
            return false;
    }
    return true;
}

static bool parse_line(struct conf *cf, void *data)
{
    static const struct {
        const char *name;
        unsigned min, max;
        bool (*parse)(struct conf *cf, struct health_match *match);
    } tests[] = {
        { "status", 1, CONF_MANY, parse_status }, { "header", 1, 3, parse_header },
        { "body", 2, 2, parse_body }, { "require", 1, CONF_MANY, parse_require },
    };
    const struct str word = conf_arg(cf, 0);
    const unsigned nargs = conf_nargs(cf);
    for (unsigned i = 0; i < countof(tests); i++) {
        if (!str_eq(word, str_from(tests[i].name)))
            continue;
        if (nargs < tests[i].min || nargs > tests[i].max)
            return conf_error(cf, 0, "argument-count", "invalid number of arguments in \"%.*s\" "
                              "directive", STR_FMT(word));
        return tests[i].parse(cf, data);
    }
    return conf_error(cf, 0, "unknown-directive", "unknown directive \"%.*s\"", STR_FMT(word));
}

static bool parse_match(struct conf *cf, void *field, const void *arg)
{
    struct hc_main_conf *conf = main_conf(cf);
    const struct str name = conf_arg(cf, 1);
    struct health_match *match = pool_new(cf->pool, struct health_match);
    (void)field;
    (void)arg;
    if (find_match(conf, name))
        return conf_error(cf, 1, "duplicate", "duplicate match \"%.*s\"", STR_FMT(name));
    match->name = pool_str(cf->pool, name);
    match->headers_end = &match->headers;
    match->bodies_end = &match->bodies;
    match->requires_end = &match->requires;
    match->next = conf->matches;
    conf->matches = match;
    return conf_each(cf, parse_line, match);
}
static const struct conf_type type_match = {
    .name = "name { ... }", .repeat = true, .parse = parse_match, .block = true,
};

/* --- health_check ----------------------------------------------------------------------------- */

static bool set_number(struct str text, int64_t most, int64_t *out)
{
    return number_i64(text, out) && *out >= 1 && *out <= most;
}

static bool set_msec(struct str text, int64_t least, int64_t *out)
{
    return number_conf_msec(text, out) && *out >= least && *out <= INT32_MAX;
}

static bool set_port(struct str text, uint16_t *port)
{
    int64_t n;
    if (!set_number(text, UINT16_MAX, &n))
        return false;
    *port = (uint16_t)n;
    return true;
}

/* It goes into a request line as it is. */
static bool set_uri(struct conf *cf, struct str text, struct str *uri)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
            return false;
    *uri = pool_str(cf->pool, text);
    return str_starts(text, STR("/"));
}

static bool set_type(struct conf *cf, unsigned arg, struct str text, struct pending *p)
{
    p->tcp = str_eq(text, STR("tcp"));
    if (p->tcp || str_eq(text, STR("http")))
        return true;
    if (str_eq(text, STR("grpc")))
        return conf_error(cf, arg, "not-built", "health checks of type \"grpc\" are not built into "
                          "weir yet: \"type\" is \"http\" or \"tcp\"");
    return bad_parameter(cf, arg);
}

/* False: it is wrong, or not known. */
static bool set_value(struct conf *cf, struct pending *p, unsigned arg, struct str name,
                      struct str value)
{
    struct health_check *check = p->check;
    if (str_eq(name, STR("interval")))
        return set_msec(value, 1, &check->interval);
    if (str_eq(name, STR("jitter")))
        return set_msec(value, 0, &check->jitter);
    if (str_eq(name, STR("keepalive_time")))
        return set_msec(value, 1, &check->keepalive_time);
    if (str_eq(name, STR("fails")))
        return set_number(value, INT32_MAX, &check->fails);
    if (str_eq(name, STR("passes")))
        return set_number(value, INT32_MAX, &check->passes);
    if (str_eq(name, STR("port")))
        return set_port(value, &check->port);
    if (str_eq(name, STR("uri")))
        return set_uri(cf, value, &p->uri);
    if (!str_eq(name, STR("match")))
        return false;
    check->match_name = pool_str(cf->pool, value);
    p->match_place = conf_place(cf, arg);
    return value.len > 0;
}

static bool parse_parameter(struct conf *cf, struct pending *p, unsigned arg)
{
    const struct str word = conf_arg(cf, arg);
    struct str name, value;
    if (!str_cut(word, '=', &name, &value)) {
        struct health_check *check = p->check;
        bool *flag = str_eq(word, STR("mandatory")) ? &check->mandatory
                     : str_eq(word, STR("persistent")) ? &check->persistent : NULL;
        if (!flag)
            return bad_parameter(cf, arg);
        return *flag = true;
    }
    if (str_eq(name, STR("type")))
        return set_type(cf, arg, value, p);
    return set_value(cf, p, arg, name, value) || bad_parameter(cf, arg);
}

static bool parse_check(struct conf *cf, void *field, const void *arg)
{
    struct hc_main_conf *conf = main_conf(cf);
    struct pending *p = pool_new(cf->temp, struct pending);
    struct health_check *check = pool_new(cf->pool, struct health_check);
    (void)field;
    (void)arg;
    *check = (struct health_check){ .location = cf->block->data, .interval = 5000, .fails = 1,
                                    .passes = 1, .match_name = STR("") };
    *p = (struct pending){ .check = check, .place = conf_place(cf, 0), .uri = STR("/") };
    for (unsigned i = 1; i <= conf_nargs(cf); i++)
        if (!parse_parameter(cf, p, i))
            return false;
    if (check->persistent && !check->mandatory)
        return conf_error(cf, 0, "invalid-parameter", "\"persistent\" requires \"mandatory\"");
    if (p->tcp && (check->match_name.len || p->uri.len > 1 || check->keepalive_time))
        return conf_error(cf, 0, "invalid-parameter", "a health check of type \"tcp\" has no "
                          "\"uri\", \"match\" or \"keepalive_time\"");
    if (conf->last)
        conf->last->next = p;
    else
        conf->first = p;
    conf->last = p;
    return true;
}
static const struct conf_type type_check = { "parameters", 0, false, parse_check, false };

/* --- all of the configuration is known -------------------------------------------------------- */

/* Its own number among those of the group that look the same. */
static uint64_t key_of(struct conf *cf, const struct pending *p, const struct health_conf *health)
{
    const struct health_check *check = p->check;
    const struct str text = fmt_pool(cf->temp, "%d %u %.*s %.*s", p->tcp, check->port,
                                     STR_FMT(check->match_name), STR_FMT(p->uri));
    const uint64_t hash = (uint64_t)str_hash(text) << 32;
    uint32_t twins = 1;
    for (const struct health_check *other = health->first; other; other = other->next)
        twins += (other->key ^ hash) >> 32 == 0;
    return hash | twins;
}

static void add_check(struct conf *cf, const struct pending *p, struct group *group)
{
    struct health_check *check = p->check;
    struct health_conf *health = pool_new(cf->pool, struct health_conf);
    if (group->health)
        *health = *group->health;
    check->group = group;
    check->key = key_of(cf, p, health);
    check->next = health->first;
    health->first = check;
    health->count++;
    health->mandatory = health->mandatory || check->mandatory;
    group->health = health;
}

static bool complete(struct conf *cf, const struct hc_main_conf *conf, const struct pending *p)
{
    struct health_check *check = p->check;
    const struct upstream_conf *up = check->location->upstream;
    if (!up || !up->group || up->group->implicit)
        diag_add(cf->diag, DIAG_EMERG, "no-group", p->place, "\"health_check\" needs an upstream "
                 "that this location passes requests to");
    else if (check->match_name.len && !(check->match = find_match(conf, check->match_name)))
        diag_add(cf->diag, DIAG_EMERG, "unknown-match", p->match_place, "unknown match \"%.*s\"",
                 STR_FMT(check->match_name));
    else if (!p->tcp && !up->probe)
        diag_add(cf->diag, DIAG_EMERG, "no-probe", p->place, "\"health_check\" needs "
                 "\"type=tcp\" here: upstream \"%.*s\" is not asked by HTTP",
                 STR_FMT(up->group->name));
    else {
        check->conf = up;
        check->request = p->tcp ? STR("") : up->probe(cf, up, p->uri, check->keepalive_time > 0);
        add_check(cf, p, up->group);
        return true;
    }
    return false;
}

/* Before the groups are finished: their zones must have room for it. */
static bool finish(struct conf *cf)
{
    const struct conf_block *http = cf->root->children;
    while (http && http->scope != IN_HTTP)
        http = http->next;
    struct hc_main_conf *conf = http ? conf_of(http, main_section) : NULL;
    bool good = true;
    for (const struct pending *p = conf ? conf->first : NULL; p; p = p->next)
        good = complete(cf, conf, p) && good;
    if (conf)
        conf->first = conf->last = NULL;        /* they lie in the pool of the run */
    return good;
}

/* --- the module ------------------------------------------------------------------------------- */

static const struct directive main_rows[] = {
    { "match", IN_HTTP, 1, 1, &type_match, 0, OWN, NULL, NULL, NULL,
      "what a good answer to a health check is", NULL },
};
static const struct directive rows[] = {
    { "health_check", IN_LOCATION, 0, CONF_MANY, &type_check, 0, OWN, NULL, NULL, NULL,
      "the servers of the group are asked whether they are well", NULL },
};

static struct section main_section = {
    .name = "upstream_hc_main", .where = IN_HTTP, .size = sizeof(struct hc_main_conf),
    .rows = main_rows, .nrows = countof(main_rows), .per_block = true,
};
static struct section section = {
    .name = "upstream_hc", .where = IN_LOCATION, .size = sizeof(struct hc_conf), .rows = rows,
    .nrows = countof(rows),
};
static struct section *const sections[] = { &main_section, &section, NULL };

const struct http_module http_upstream_hc_module = {
    .module = { .name = "ngx_http_upstream_hc_module", .protocol = "http", .sections = sections,
                .finish = finish },
};
