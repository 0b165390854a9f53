/*
 * Groups of servers: their blocks are read, and single addresses become groups of one.
 * Owns nothing: everything lies in the generation.
 */
#include "http/upstream/group.h"

#include "core/generation.h"
#include "core/lookup.h"
#include "core/number.h"
#include "event/resolver.h"
#include "http/core_conf.h"
#include "http/upstream/balancer.h"
#include "http/upstream/peers_zone.h"
#include "http/upstream/sticky.h"


enum { PORT = 80, WEIGHT_MOST = INT32_MAX, QUEUE_TIMEOUT = 60000 };

/* --- addresses of a server -------------------------------------------------------------------- */

/* A name that is not known now may be later: workers go on asking. */
static void find_host(struct conf *cf, struct group_server *server, unsigned arg)
{
    server->addresses = lookup_host(cf->pool, server->host, server->port, &server->naddresses);
    if (server->naddresses)
        return;
    conf_diag(cf, DIAG_WARN, arg, "host-not-found", "host not found in upstream \"%.*s\"",
              STR_FMT(server->text));
    server->look_up = true;
}

static bool parse_target(struct conf *cf, struct str text, uint16_t port, unsigned arg,
                         struct inet_target *target)
{
    const char *wrong = inet_parse_target(text, port, INET_PLAIN, target);
    return !wrong || conf_error(cf, arg, "invalid-address", "%s in upstream \"%.*s\"", wrong,
                                STR_FMT(text));
}

static void set_target(struct conf *cf, struct group_server *server,
                       const struct inet_target *target)
{
    server->port = target->port;
    server->host = pool_str(cf->pool, target->host);
    if (target->address.len == 0)
        return;
    server->addresses = pool_new(cf->pool, struct inet_address);
    *server->addresses = target->address;
    server->naddresses = 1;
}

/* The addresses are known, or will be asked for. */
static void complete_server(struct conf *cf, struct group_server *server, unsigned arg)
{
    if (server->naddresses)
        server->look_up = false;
    else if (!server->look_up)
        find_host(cf, server, arg);
    if (server->look_up)
        server->question = fmt_pool(cf->pool, "%.*s:%u %.*s", STR_FMT(server->host), server->port,
                                    STR_FMT(server->service));
}

/* --- the groups of a generation --------------------------------------------------------------- */

static struct groups *groups_here(struct conf *cf)
{
    struct conf_block *here = cf->block;
    cf->block = conf_outer(here, IN_HTTP);
    struct groups *groups = conf_own(cf, &groups_section);
    cf->block = here;
    return groups;
}

/* What the rows have as defaults: a group without a block has no rows. */
static struct group *add_group(struct conf *cf, struct groups *groups, struct str name)
{
    struct group *group = pool_new(cf->pool, struct group);
    group->name = pool_str(cf->pool, name);
    group->index = groups->count++;
    group->balancer = &balance_round_robin;
    group->keepalive = (struct group_keepalive){ 32, true, 1000, 3600 * 1000, 60 * 1000 };
    group->resolver_timeout = 30 * 1000;
    group->queue_timeout = QUEUE_TIMEOUT;
    if (groups->last)
        groups->last->next = group;
    else
        groups->first = group;
    groups->last = group;
    return group;
}

static struct group_server *add_server(struct conf *cf, struct group *group, struct str text)
{
    const unsigned n = group->nservers;
    if ((n & (n - 1)) == 0) {
        struct group_server *grown = pool_array(cf->pool, n ? n * 2 : 1, sizeof(*grown));
        if (n)
            memcpy(grown, group->servers, n * sizeof(*grown));
        group->servers = grown;
    }
    struct group_server *server = &group->servers[group->nservers++];
    *server = (struct group_server){ .text = pool_str(cf->pool, text), .weight = 1,
                                     .max_fails = 1, .fail_timeout = 10 * 1000 };
    return server;
}

static struct group *find_block(const struct groups *groups, struct str name)
{
    struct group *group = groups->first;
    while (group && (group->implicit || !str_eq_ci(group->name, name)))
        group = group->next;
    return group;
}

/* Whether an upstream block of this name stands further down, not read yet. */
static bool is_ahead(const struct conf *cf, struct str name)
{
    const struct conf_node *node = cf->node;
    while (node && !(node->block && str_eq(node->words[0].text, STR("http"))))
        node = node->parent;
    for (node = node ? node->children : NULL; node; node = node->next)
        if (node->block && node->nwords == 2 && str_eq(node->words[0].text, STR("upstream"))
            && str_eq_ci(node->words[1].text, name))
            return true;
    return false;
}

static struct group *add_implicit(struct conf *cf, struct groups *groups, struct str name,
                                  const struct inet_target *target, unsigned arg)
{
    struct group *group = add_group(cf, groups, name);
    struct group_server *server = add_server(cf, group, name);
    group->implicit = true;
    group->port = target->port;
    set_target(cf, server, target);
    complete_server(cf, server, arg);
    group->host = server->host;
    group->key = fmt_pool(cf->pool, "%.*s %u", STR_FMT(name), group->port);
    return group;
}

struct group *group_use(struct conf *cf, struct str name, uint16_t port, unsigned arg)
{
    struct groups *groups = groups_here(cf);
    struct inet_target target;
    if (!parse_target(cf, name, port, arg, &target))
        return NULL;
    struct group *group = find_block(groups, target.host);
    if (!group && is_ahead(cf, target.host))
        group = add_group(cf, groups, target.host);
    if (group && target.has_port) {
        conf_error(cf, arg, "upstream-port", "upstream \"%.*s\" may not have port %u",
                   STR_FMT(target.host), target.port);
        return NULL;
    }
    if (group)
        return group;
    for (group = groups->first; group; group = group->next)
        if (group->implicit && group->port == target.port && str_eq_ci(group->host, target.host))
            return group;
    return add_implicit(cf, groups, name, &target, arg);
}

static const struct conf_block *http_block(const struct conf_block *root)
{
    const struct conf_block *block = root->children;
    while (block && block->scope != IN_HTTP)
        block = block->next;
    return block;
}

const struct groups *groups_of(const struct generation *gen)
{
    const struct conf_block *http = http_block(gen->root);
    return http ? conf_of(http, groups_section) : NULL;
}

const struct group *group_find(const struct local *local, struct str name)
{
    const struct groups *groups = groups_of(local->generation);
    return groups ? map_get(&groups->by_name, name) : NULL;
}

/* --- upstream name { } ------------------------------------------------------------------------ */

static bool open_group(struct conf *cf, struct conf_block *block)
{
    struct groups *groups = groups_here(cf);
    const struct str name = conf_arg(cf, 1);
    struct group *group = find_block(groups, name);
    if (group && group->read)
        return conf_error(cf, 1, "duplicate", "duplicate upstream \"%.*s\"", STR_FMT(name));
    if (!group)
        group = add_group(cf, groups, name);
    group->name = group->key = pool_str(cf->pool, name);
    group->read = true;
    block->data = group;
    block->conf[group_section.slot] = group;
    return true;
}

static bool close_group(struct conf *cf, struct conf_block *block)
{
    const struct group *group = block->data;
    unsigned backups = 0;
    if (group->nservers == 0) {
        diag_add(cf->diag, DIAG_EMERG, "no-servers", cf->node->close,
                 "no servers are inside upstream");
        return false;
    }
    for (unsigned i = 0; i < group->nservers; i++)
        backups += group->servers[i].backup;
    if (backups == group->nservers)
        return conf_error(cf, 0, "no-servers", "no servers in upstream \"%.*s\"",
                          STR_FMT(group->name));
    return !group->balancer->check || group->balancer->check(cf, group);
}

static const struct conf_block_kind group_kind = { IN_UPSTREAM, open_group, close_group };

/* --- server ----------------------------------------------------------------------------------- */

static bool set_number(struct str text, int64_t least, int64_t *out)
{
    int64_t n;
    if (!number_i64(text, &n) || n < least || n > WEIGHT_MOST)
        return false;
    *out = n;
    return true;
}

static bool set_text(struct conf *cf, struct str text, struct str *out)
{
    *out = pool_str(cf->pool, text);
    return text.len > 0;
}

static bool set_flag(bool *flag)
{
    *flag = true;
    return true;
}

/* "backup" and slow_start are nothing for balancers that always choose the same server. */
static bool is_supported(struct conf *cf, const struct group *group, unsigned arg,
                         const char *name)
{
    return !group->balancer->steady
           || conf_error(cf, arg, "not-supported", "balancing method does not support parameter "
                         "\"%s\"", name);
}

/* `text` is the value of "name=value" where there is one.  False: it is wrong, or not known. */
static bool set_parameter(struct conf *cf, struct group_server *s, struct str name,
                          struct str value)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = { { "backup", &s->backup }, { "down", &s->down }, { "drain", &s->drain },
                  { "resolve", &s->look_up } };
    for (unsigned i = 0; i < countof(flags) && !value.at; i++)
        if (str_eq(name, str_from(flags[i].name)))
            return set_flag(flags[i].flag);
    if (!value.at)
        return false;
    if (str_eq(name, STR("weight")))
        return set_number(value, 1, &s->weight);
    if (str_eq(name, STR("max_conns")))
        return set_number(value, 0, &s->max_conns);
    if (str_eq(name, STR("max_fails")))
        return set_number(value, 0, &s->max_fails);
    if (str_eq(name, STR("fail_timeout")))
        return number_conf_msec(value, &s->fail_timeout);
    if (str_eq(name, STR("slow_start")))
        return number_conf_msec(value, &s->slow_start);
    if (str_eq(name, STR("service")))
        return set_text(cf, value, &s->service);
    return str_eq(name, STR("route")) && set_text(cf, value, &s->route);
}

static bool parse_parameter(struct conf *cf, const struct group *group, struct group_server *s,
                            unsigned arg)
{
    const struct str word = conf_arg(cf, arg);
    struct str name, value;
    if (!str_cut(word, '=', &name, &value))
        value = STR_NONE;
    if (!set_parameter(cf, s, name, value))
        return conf_error(cf, arg, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(word));
    if (str_eq(name, STR("backup")))
        return is_supported(cf, group, arg, "backup");
    return !str_eq(name, STR("slow_start")) || is_supported(cf, group, arg, "slow_start");
}

static bool check_service(struct conf *cf, const struct group_server *server,
                          const struct inet_target *target)
{
    if (server->service.len == 0)
        return true;
    if (!server->look_up || server->naddresses)
        return conf_error(cf, 1, "service", "service upstream \"%.*s\" requires \"resolve\" "
                          "parameter", STR_FMT(server->text));
    return !target->has_port || conf_error(cf, 1, "service", "service upstream \"%.*s\" may not "
                                           "have port", STR_FMT(server->text));
}

static bool parse_server(struct conf *cf, void *field, const void *arg)
{
    struct group *group = cf->conf;
    struct group_server *server = add_server(cf, group, conf_arg(cf, 1));
    struct inet_target target;
    (void)field;
    (void)arg;
    for (unsigned i = 2; i <= conf_nargs(cf); i++)
        if (!parse_parameter(cf, group, server, i))
            return false;
    if (!parse_target(cf, server->text, PORT, 1, &target))
        return false;
    set_target(cf, server, &target);
    if (!check_service(cf, server, &target))
        return false;
    complete_server(cf, server, 1);
    return true;
}
static const struct conf_type type_server = { "address [parameters]", 0, true, parse_server,
                                              false };

/* --- the other directives --------------------------------------------------------------------- */

static bool parse_zone(struct conf *cf, void *field, const void *arg)
{
    struct group *group = cf->conf;
    const struct str name = conf_arg(cf, 1);
    size_t size = 0;
    (void)field;
    (void)arg;
    if (name.len == 0)
        return conf_error(cf, 1, "invalid-value", "invalid zone name \"%.*s\"", STR_FMT(name));
    if (conf_nargs(cf) == 2) {
        if (!number_conf_size(conf_arg(cf, 2), &size))
            return conf_error(cf, 2, "invalid-value", "invalid zone size \"%.*s\"",
                              STR_FMT(conf_arg(cf, 2)));
        if (size < ZONE_LEAST)
            return conf_error(cf, 2, "zone-size", "zone \"%.*s\" is too small", STR_FMT(name));
    }
    group->zone = zone_add(cf, &peers_zone_type, name, size, 1);
    return group->zone != NULL;
}
static const struct conf_type type_zone = { "name [size]", 0, true, parse_zone, false };

static bool parse_balancer(struct conf *cf, void *field, const void *arg)
{
    struct group *group = cf->conf;
    (void)field;
    if (group->balancer != &balance_round_robin)
        conf_diag(cf, DIAG_WARN, 0, "balancer-redefined", "load balancing method redefined");
    group->balancer = arg;
    return !group->balancer->configure || group->balancer->configure(cf, group);
}
static const struct conf_type type_balancer = { "parameters", 0, true, parse_balancer, false };

static bool parse_keepalive(struct conf *cf, void *field, const void *arg)
{
    struct group_keepalive *keepalive = &((struct group *)cf->conf)->keepalive;
    int64_t n;
    (void)field;
    (void)arg;
    if (!set_number(conf_arg(cf, 1), 0, &n))
        return conf_error(cf, 1, "invalid-value", "invalid value \"%.*s\" in \"keepalive\" "
                          "directive", STR_FMT(conf_arg(cf, 1)));
    keepalive->local = conf_nargs(cf) == 2;
    if (keepalive->local && !str_eq(conf_arg(cf, 2), STR("local")))
        return conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(conf_arg(cf, 2)));
    keepalive->connections = n;
    return true;
}
static const struct conf_type type_keepalive = { "connections [local]", 0, false, parse_keepalive,
                                                 false };

static bool parse_queue(struct conf *cf, void *field, const void *arg)
{
    struct group *group = cf->conf;
    struct str value;
    (void)field;
    (void)arg;
    if (!set_number(conf_arg(cf, 1), 1, &group->queue))
        return conf_error(cf, 1, "invalid-value", "invalid value \"%.*s\"",
                          STR_FMT(conf_arg(cf, 1)));
    if (conf_nargs(cf) == 1)
        return true;
    const struct str word = conf_arg(cf, 2);
    return (str_starts(word, STR("timeout=")) && str_from_off(word, strlen("timeout="), &value)
            && number_conf_msec(value, &group->queue_timeout))
           || conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"", STR_FMT(word));
}
static const struct conf_type type_queue = { "number [timeout=time]", 0, false, parse_queue,
                                             false };

#define ROW(name, min, max, type, def, arg, help) \
    { name, IN_UPSTREAM, min, max, type, 0, OWN, def, arg, NULL, help, NULL }
#define FIELD_ROW(name, type, member, def, help) \
    { name, IN_UPSTREAM, 1, 1, type, FIELD(group, member), OWN, def, NULL, NULL, help, NULL }

static const struct directive rows[] = {
    ROW("server", 1, CONF_MANY, &type_server, NULL, NULL, "one of the servers"),
    ROW("zone", 1, 2, &type_zone, NULL, NULL, "shared memory for the state of the servers"),
    ROW("keepalive", 1, 2, &type_keepalive, "32 local", NULL,
        "how many idle connections to the servers a worker keeps"),
    FIELD_ROW("keepalive_requests", &conf_type_int, keepalive.requests, "1000",
              "how many requests a connection carries"),
    FIELD_ROW("keepalive_time", &conf_type_msec, keepalive.time, "1h",
              "how long a connection is used"),
    FIELD_ROW("keepalive_timeout", &conf_type_msec, keepalive.timeout, "60s",
              "how long a connection stays idle"),
    ROW("queue", 1, 2, &type_queue, NULL, NULL, "how many requests wait for a free server"),
    { "resolver", IN_UPSTREAM, 1, CONF_MANY, &conf_type_resolver, FIELD(group, resolver), OWN, NULL,
      NULL, NULL, "DNS servers for names of servers", NULL },
    ROW("sticky", 2, CONF_MANY, &sticky_type, NULL, NULL, "clients stay with one server"),
    FIELD_ROW("resolver_timeout", &conf_type_msec, resolver_timeout, "30s",
              "how long finding a name may take"),
#define BALANCER(name, min, max, help) \
    ROW(#name, min, max, &type_balancer, NULL, &balance_##name, help),
#include "http/upstream/balancers.def"
#undef BALANCER
};

static const struct directive group_rows[] = {
    { "upstream", IN_HTTP, 1, 1, &conf_type_block, 0, OWN, NULL, &group_kind, NULL,
      "a group of servers", NULL },
};

struct section groups_section = {
    .name = "upstreams", .where = IN_HTTP, .size = sizeof(struct groups), .rows = group_rows,
    .nrows = countof(group_rows), .per_block = true,
};
struct section group_section = {
    .name = "upstream", .where = IN_UPSTREAM, .size = sizeof(struct group), .rows = rows,
    .nrows = countof(rows), .per_block = true,
};

/* --- the end ---------------------------------------------------------------------------------- */

/* A zone that was given its size may be too small for what we keep: then it is larger. */
static void size_zone(struct zone *zone, const struct groups *groups)
{
    size_t need = 0, size = ZONE_LEAST;
    for (const struct group *group = groups->first; group; group = group->next)
        if (group->zone == zone)
            need += peers_zone_need(group);
    while (size < need)
        size *= 2;
    zone->size = size_max(size, zone->size);
}

static void inherit_resolver(struct group *group, const struct http_location_conf *http)
{
    if (!group->resolver)
        group->resolver = http->resolver;
    if (!conf_is_set(group, &group_section, "resolver_timeout"))
        group->resolver_timeout = http->resolver_timeout;
}

/* Most groups are small and have no zone of their own: they share one, since each zone is a
 * descriptor in every process. */
bool groups_finish(struct conf *cf)
{
    const struct conf_block *http = http_block(cf->root);
    if (!http)
        return true;
    struct groups *groups = conf_of(http, groups_section);
    map_init(&groups->by_name, cf->temp, &cf->gen->hash_key, true);
    for (struct group *group = groups->first; group; group = group->next) {
        const void *there;
        struct fmt f;
        inherit_resolver(group, conf_of(http, http_location_section));
        if (!group->zone && !(group->zone = zone_add(cf, &peers_zone_type, STR("upstream {}"),
                                                     ZONE_LEAST, 0)))
            return false;
        if (group->implicit)
            continue;
        fmt_init_pool(&f, cf->temp, group->name.len + 1, group->name.len + 1);
        fmt_lower(&f, group->name);
        map_add(&groups->by_name, fmt_done(&f), group, &there);
    }
    map_freeze(&groups->by_name, cf->pool);
    for (struct zone *zone = cf->gen->zones; zone; zone = zone->next)
        if (zone->type == &peers_zone_type && zone->size > 0)
            size_zone(zone, groups);
    return true;
}
