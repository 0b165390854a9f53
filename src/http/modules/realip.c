/*
 * ngx_http_realip_module: the client's address as proxies that are trusted tell it.
 * Owns nothing: the address lies in the request's pool.
 */
#include "core/lookup.h"
#include "event/proxy_protocol.h"
#include "http/core_conf.h"
#include "http/forwarded.h"
#include "http/vars.h"

enum { PROXIES_MOST = 1 << 16 };

enum told_by { BY_FIELD, BY_FORWARDED_FOR, BY_PROXY_PROTOCOL };

struct realip_header {
    enum told_by by;
    struct str name;
};

struct realip_conf {
    struct conf_set set;
    struct forwarded_from from;
    struct realip_header header;
    bool recursive;
};

/* --- configuration ---------------------------------------------------------------------------- */

/* All addresses that the name has now. */
static bool add_host(struct conf *cf, struct forwarded_from *from, struct str name)
{
    unsigned count = 0;
    const struct inet_address *list =
        str_chr(name, '/') < 0 ? lookup_host(cf->temp, name, 0, &count) : NULL;
    for (unsigned i = 0; i < count; i++) {
        const struct str host = inet_host(&list[i]);
        struct inet_cidr cidr = { .family = list[i].any.sa_family, .bits = (unsigned)host.len * 8 };
        ASSERT(host.len <= sizeof(cidr.at));
        memcpy(cidr.at, host.at, host.len);
        forwarded_trust(from, cf->pool, &cidr);
    }
    return list || conf_error(cf, 1, "host-not-found",
                              "host not found in set_real_ip_from \"%.*s\"", STR_FMT(name));
}

static bool parse_from(struct conf *cf, void *field, const void *arg)
{
    struct forwarded_from *from = field;
    const struct str text = conf_arg(cf, 1);
    struct inet_cidr cidr;
    bool loose;
    (void)arg;
    if (from->count >= PROXIES_MOST)
        return conf_error(cf, 0, "too-many", "too many trusted proxies");
    if (str_eq(text, STR("unix:"))) {
        from->local = true;
        return true;
    }
    if (!inet_cidr_parse(text, &cidr, &loose))
        return add_host(cf, from, text);
    if (loose)
        conf_diag(cf, DIAG_WARN, 1, "low-bits", "low address bits of %.*s are meaningless",
                  STR_FMT(text));
    forwarded_trust(from, cf->pool, &cidr);
    return true;
}
static const struct conf_type type_from = { "address | network | host | unix:",
                                            sizeof(struct forwarded_from), true, parse_from,
                                            false };

static bool parse_header(struct conf *cf, void *field, const void *arg)
{
    struct realip_header *header = field;
    (void)arg;
    header->name = conf_arg(cf, 1);
    if (str_eq(header->name, STR("proxy_protocol")))
        header->by = BY_PROXY_PROTOCOL;
    else if (str_eq_ci(header->name, STR("X-Forwarded-For")))
        header->by = BY_FORWARDED_FOR;
    header->name = pool_str(cf->pool, header->name);
    return true;
}
static const struct conf_type type_header = { "field | proxy_protocol",
                                              sizeof(struct realip_header), false, parse_header,
                                              false };

static const struct directive rows[] = {
    { "set_real_ip_from", IN_HSL, 1, 1, &type_from, FIELD(realip_conf, from), INHERIT, NULL, NULL,
      NULL, "proxies that are believed", NULL },
    { "real_ip_header", IN_HSL, 1, 1, &type_header, FIELD(realip_conf, header), INHERIT,
      "X-Real-IP", NULL, NULL, "where they tell the client's address", NULL },
    { "real_ip_recursive", IN_HSL, 1, 1, &conf_type_flag, FIELD(realip_conf, recursive), INHERIT,
      "off", NULL, NULL, "the last address of a list that is no proxy's", NULL },
};

static bool finish(struct conf *cf, void *conf, const void *parent)
{
    struct realip_conf *own = conf;
    (void)cf;
    (void)parent;
    own->from.recursive = own->recursive;
    return true;
}

static struct section section = {
    .name = "realip", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct realip_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

/* --- the steps -------------------------------------------------------------------------------- */

static const struct realip_conf *in_use(const struct conf_block *block)
{
    const struct realip_conf *conf = conf_of(block, section);
    return conf && (conf->from.count || conf->from.local) ? conf : NULL;
}

static bool for_server(const struct conf_block *block)
{
    return block->scope == IN_SERVER && in_use(block);
}

/* Where it is not the server's, which has been asked already. */
static bool for_location(const struct conf_block *block)
{
    const struct realip_conf *conf = in_use(block);
    while (block->scope != IN_SERVER)
        block = block->parent;
    return conf && conf != conf_of(block, section);
}

static void ask_proxy_protocol(const struct request *r, const struct forwarded_from *from,
                               struct inet_address *address)
{
    const struct proxy_head *head = r->subject.conn->proxy;
    if (head && !head->local && forwarded_trusts(from, address))
        *address = head->source;
}

static enum step run(struct request *r)
{
    const struct realip_conf *conf = request_conf(r, section);
    struct inet_address peer, client;
    if (r->main->client)
        return STEP_NEXT;
    conn_peer(r->subject.conn, &peer);
    client = peer;
    switch (conf->header.by) {
    case BY_PROXY_PROTOCOL:
        ask_proxy_protocol(r, &conf->from, &client);
        break;
    case BY_FORWARDED_FOR:
        forwarded_address(&r->in.fields, FIELD_X_FORWARDED_FOR, &conf->from, &client);
        break;
    case BY_FIELD: {
        const struct field *field = fields_find(&r->in.fields, conf->header.name);
        if (field)
            forwarded_value(field->value, &conf->from, &client);
        break;
    }
    }
    if (!inet_eq(&client, &peer))
        request_set_client(r, &client);
    return STEP_NEXT;
}

static const struct phase_step steps[] = { { PHASE_POST_READ, "realip", run, for_server },
                                           { PHASE_PREACCESS, "realip", run, for_location },
                                           { 0, NULL, NULL, NULL } };

/* --- variables: what was there before --------------------------------------------------------- */

GETTER(peer_addr)
{
    struct inet_address peer;
    struct fmt f;
    (void)entry;
    conn_peer(s->conn, &peer);
    fmt_init_pool(&f, s->pool, 64, INET_TEXT + 1);
    inet_write(&f, &peer, false);
    return value_give(out, fmt_done(&f));
}

GETTER(peer_port)
{
    struct inet_address peer;
    (void)entry;
    conn_peer(s->conn, &peer);
    const unsigned port = inet_port(&peer);
    return value_give(out, port ? fmt_pool(s->pool, "%u", port) : STR(""));
}

static const struct variable variables[] = {
    { .name = "realip_remote_addr", .get = get_peer_addr, .help = "address of the connection" },
    { .name = "realip_remote_port", .get = get_peer_port, .help = "port of the connection" },
    { .name = NULL },
};
static struct section *const sections[] = { &section, NULL };

const struct http_module http_realip_module = {
    .module = { .name = "ngx_http_realip_module", .protocol = "http", .sections = sections,
                .variables = variables },
    .steps = steps,
};
