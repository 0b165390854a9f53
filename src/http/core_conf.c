/*
 * The directives of ngx_http_core_module, and what is derived from them: servers, addresses, plans.
 * Owns nothing: everything lies in the generation.
 */
#include "http/core_conf.h"

#include "core/generation.h"
#include "core/number.h"
#include "core/version.h"
#include "http/codec.h"

/* --- listen ----------------------------------------------------------------------------------- */

static bool keepalive_parameter(struct conf *cf, unsigned i, struct str value,
                                struct socket_options *o)
{
    struct str word;
    int *const times[] = { &o->keepalive_idle, &o->keepalive_interval, &o->keepalive_count };
    if (str_eq(value, STR("on")) || str_eq(value, STR("off"))) {
        o->keepalive = value.len == 2 ? SOCKET_ON : SOCKET_OFF;
        return true;
    }
    for (unsigned k = 0; k < countof(times); k++) {
        uint32_t n = 0;
        int64_t seconds;
        str_cut(value, ':', &word, &value);
        if (word.len == 0)
            continue;
        if (k == 2 ? !number_u32(word, &n) : !number_conf_sec(word, &seconds))
            return conf_error(cf, i, "invalid-value", "invalid so_keepalive value: \"%.*s\"",
                              STR_FMT(conf_arg(cf, i)));
        *times[k] = k == 2 ? (int)n : (int)seconds;
    }
    o->keepalive = SOCKET_ON;
    return true;
}

static bool number_parameter(struct conf *cf, unsigned i, struct str value, int *out)
{
    uint32_t n;
    if (!number_u32(value, &n) || n == 0 || n > INT_MAX) {
        struct str name, rest;
        str_cut(conf_arg(cf, i), '=', &name, &rest);
        return conf_error(cf, i, "invalid-value", "invalid %.*s \"%.*s\"", STR_FMT(name),
                          STR_FMT(value));
    }
    *out = (int)n;
    return true;
}

static bool size_parameter(struct conf *cf, unsigned i, struct str value, int *out)
{
    size_t n;
    if (!number_conf_size(value, &n) || n == 0 || n > INT_MAX) {
        struct str name, rest;
        str_cut(conf_arg(cf, i), '=', &name, &rest);
        return conf_error(cf, i, "invalid-value", "invalid %.*s \"%.*s\"", STR_FMT(name),
                          STR_FMT(value));
    }
    *out = (int)n;
    return true;
}

static bool absent_parameter(struct conf *cf, unsigned i)
{
    struct diag *d = conf_diag(cf, DIAG_EMERG, i, "not-built",
                               "the \"%.*s\" parameter of \"listen\" is not built into weir yet",
                               STR_FMT(conf_arg(cf, i)));
    diag_note(cf->diag, d, "without it this address would answer in plain HTTP/1");
    return false;
}

static bool listen_parameter(struct conf *cf, unsigned i, struct http_listen *l)
{
    static const char *const absent[] = { "ssl", "http2", "spdy", "quic" };
    const struct str word = conf_arg(cf, i);
    struct socket_options *o = &l->options;
    struct str name, value;
    for (unsigned k = 0; k < countof(absent); k++)
        if (str_eq(word, str_from(absent[k])))
            return absent_parameter(cf, i);
    if (str_eq(word, STR("default_server")) || str_eq(word, STR("default"))) {
        l->default_server = true;
        return true;
    }
    if (str_eq(word, STR("proxy_protocol"))) {
        l->proxy_protocol = true;
        return true;
    }
    l->own_options = true;
    str_cut(word, '=', &name, &value);
    if (str_eq(word, STR("bind")) || str_eq(word, STR("reuseport")))
        return true;
    if (str_eq(word, STR("deferred")))
        return o->deferred = true;
    if (str_eq(word, STR("multipath")))
        return o->multipath = true;
    if (str_eq(name, STR("backlog")))
        return number_parameter(cf, i, value, &o->backlog);
    if (str_eq(name, STR("fastopen")))
        return number_parameter(cf, i, value, &o->fastopen);
    if (str_eq(name, STR("rcvbuf")))
        return size_parameter(cf, i, value, &o->rcvbuf);
    if (str_eq(name, STR("sndbuf")))
        return size_parameter(cf, i, value, &o->sndbuf);
    if (str_eq(name, STR("so_keepalive")))
        return keepalive_parameter(cf, i, value, o);
    if (str_eq(name, STR("ipv6only"))) {
        if (!str_eq(value, STR("on")) && !str_eq(value, STR("off")))
            return conf_error(cf, i, "invalid-value", "invalid ipv6only flags \"%.*s\"",
                              STR_FMT(value));
        o->ipv6only = value.len == 2 ? SOCKET_ON : SOCKET_OFF;
        return true;
    }
    if (str_eq(name, STR("setfib")) || str_eq(name, STR("accept_filter")))
        return conf_error(cf, i, "not-here",
                          "\"%.*s\" is not supported on this platform, ignored", STR_FMT(name));
    return conf_error(cf, i, "invalid-parameter", "invalid parameter \"%.*s\"", STR_FMT(word));
}

static struct str address_text(struct conf *cf, const struct inet_address *address)
{
    struct fmt f;
    fmt_init_pool(&f, cf->pool, 64, INET_TEXT + 1);
    inet_write(&f, address, true);
    return fmt_done(&f);
}

static void options_init(struct socket_options *o)
{
    *o = (struct socket_options){ .backlog = 511 };
}

static bool parse_address(struct conf *cf, struct str text, struct inet_address *address)
{
    struct inet_target target;
    const char *why = inet_parse_target(text, 80, INET_LISTEN, &target);
    if (why)
        return conf_error(cf, 1, "invalid-address", "%s in \"%.*s\" of the \"listen\" directive",
                          why, STR_FMT(text));
    if (target.address.len == 0 && str_eq(target.host, STR("localhost")))
        target.address = (struct inet_address){
            .v4 = { .sin_family = AF_INET, .sin_port = htons(target.port),
                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
            .len = sizeof(struct sockaddr_in),
        };
    if (target.address.len == 0)
        return conf_error(cf, 1, "invalid-address",
                          "host not found in \"%.*s\" of the \"listen\" directive", STR_FMT(text));
    *address = target.address;
    return true;
}

static bool parse_listen(struct conf *cf, void *field, const void *arg)
{
    struct http_listen **list = field, *l = pool_new(cf->pool, struct http_listen);
    const struct str text = conf_arg(cf, 1);
    bool good = true;
    (void)arg;
    options_init(&l->options);
    l->server = cf->block->data;
    l->place = fmt_pool(cf->pool, " in %.*s:%u", STR_FMT(cf->node->words[0].place.file->path),
                        cf->node->words[0].place.line);
    if (!parse_address(cf, text, &l->address))
        return false;
    l->text = address_text(cf, &l->address);
    for (unsigned i = 2; i <= conf_nargs(cf); i++)
        good &= listen_parameter(cf, i, l);
    for (const struct http_listen *other = *list; other; other = other->next)
        if (inet_eq(&other->address, &l->address))
            return conf_error(cf, 1, "duplicate", "a duplicate listen %.*s", STR_FMT(text));
    while (*list)
        list = &(*list)->next;
    *list = l;
    return good;
}
static const struct conf_type type_listen = { "address [parameters]",
                                              sizeof(struct http_listen *), true, parse_listen,
                                              false };

/* --- types ------------------------------------------------------------------------------------ */

struct http_types {
    struct map by_extension;            /* of struct str */
};

static struct http_types *new_types(struct conf *cf)
{
    struct http_types *types = pool_new(cf->pool, struct http_types);
    map_init(&types->by_extension, cf->temp, &cf->gen->hash_key, true);
    return types;
}

static bool add_type(struct conf *cf, void *data)
{
    struct http_types *types = data;
    struct str *value = pool_new(cf->pool, struct str);
    *value = pool_str(cf->pool, conf_arg(cf, 0));
    for (unsigned i = 1; i <= conf_nargs(cf); i++)
        map_add(&types->by_extension, conf_arg(cf, i), value, NULL);
    return true;
}

static bool parse_types(struct conf *cf, void *field, const void *arg)
{
    struct http_types **types = field;
    (void)arg;
    if (!*types)
        *types = new_types(cf);
    return conf_each(cf, add_type, *types);
}
static const struct conf_type type_types = { "{ type extension ...; }",
                                             sizeof(struct http_types *), true, parse_types,
                                             true };

struct str http_type_of(const struct request *r, struct str path)
{
    const struct http_location_conf *conf = http_location_conf(r);
    const ssize_t slash = str_rchr(path, '/'), dot = str_rchr(path, '.');
    struct str extension;
    if (dot > slash && conf->types && str_from_off(path, (size_t)dot + 1, &extension)) {
        const struct str *type = map_get(&conf->types->by_extension, extension);
        if (type)
            return *type;
    }
    return conf->default_type;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static bool parse_keepalive(struct conf *cf, void *field, const void *arg)
{
    struct http_location_conf *conf =
        container_of((int64_t *)field, struct http_location_conf, keepalive_timeout);
    conf->keepalive_header = 0;
    if (conf_nargs(cf) == 2 && !number_conf_sec(conf_arg(cf, 2), &conf->keepalive_header))
        return conf_error(cf, 2, "invalid-value", "invalid value \"%.*s\"",
                          STR_FMT(conf_arg(cf, 2)));
    return conf_type_msec.parse(cf, field, arg);
}
static const struct conf_type type_keepalive = { "time [header_time]", 2 * sizeof(int64_t), false,
                                                 parse_keepalive, false };

static bool open_server(struct conf *cf, struct conf_block *block)
{
    struct server *server = pool_new(cf->pool, struct server);
    server->block = block;
    block->data = server;
    return true;
}

static struct locations *locations_in(struct conf_block *block)
{
    struct server *server = block->data;
    struct location *location = block->data;
    return block->scope == IN_SERVER ? &server->locations : &location->nested;
}

static bool open_location(struct conf *cf, struct conf_block *block)
{
    struct locations *siblings = locations_in(block->parent);
    struct location *location = pool_new(cf->pool, struct location), **end = &siblings->first;
    const struct str first = conf_arg(cf, 1);
    const bool two = conf_nargs(cf) == 2;
    location->block = block;
    block->data = location;
    if ((two && (first.at[0] == '~')) || first.at[0] == '~' || first.at[0] == '@')
        return conf_error(cf, 1, "not-built",
                          "regex and named locations are not built into weir yet");
    if (two && !str_eq(first, STR("=")) && !str_eq(first, STR("^~")))
        return conf_error(cf, 1, "invalid-parameter", "invalid location modifier \"%.*s\"",
                          STR_FMT(first));
    location->exact = two && first.at[0] == '=';
    location->name = pool_str(cf->pool, conf_arg(cf, two ? 2 : 1));
    for (; *end; end = &(*end)->next)
        if ((*end)->exact == location->exact && str_eq((*end)->name, location->name))
            return conf_error(cf, two ? 2 : 1, "duplicate", "duplicate location \"%.*s\"",
                              STR_FMT(location->name));
    *end = location;
    siblings->count++;
    if (block->parent->scope == IN_SERVER)
        return true;
    const struct location *outer = block->parent->data;
    if (outer->exact)
        return conf_error(cf, 0, "misplaced",
                          "location \"%.*s\" cannot be inside the exact location \"%.*s\"",
                          STR_FMT(location->name), STR_FMT(outer->name));
    if (!str_starts(location->name, outer->name))
        return conf_error(cf, 0, "misplaced", "location \"%.*s\" is outside location \"%.*s\"",
                          STR_FMT(location->name), STR_FMT(outer->name));
    return true;
}

static const struct conf_block_kind http_kind = { IN_HTTP, NULL, NULL };
static const struct conf_block_kind server_kind = { IN_SERVER, open_server, NULL };
static const struct conf_block_kind location_kind = { IN_LOCATION, open_location, NULL };

#define BLOCK(name, where, n, m, kind, help) \
    { name, where, n, m, &conf_type_block, 0, OWN, NULL, &kind, NULL, help, NULL }
#define SERVER_ROW(name, where, n, m, type, member, inherit, def, help) \
    { name, where, n, m, type, FIELD(http_server_conf, member), inherit, def, NULL, NULL, help, \
      NULL }
#define ROW(name, n, m, type, member, def, help) \
    { name, IN_HSL, n, m, type, FIELD(http_location_conf, member), INHERIT, def, NULL, NULL, help, \
      NULL }
#define INERT(name, where, n, why, help) \
    { name, where, n, n, &conf_type_ignored, 0, OWN, NULL, NULL, why, help, NULL }

static const struct directive main_rows[] = {
    { "http", IN_MAIN, 0, 0, &conf_type_block_once, 0, OWN, NULL, &http_kind, NULL, "HTTP servers",
      NULL },
};

#define HASH "tables size themselves"
static const struct directive server_rows[] = {
    BLOCK("server", IN_HTTP, 0, 0, server_kind, "a virtual server"),
    BLOCK("location", IN_SERVER | IN_LOCATION, 1, 2, location_kind,
          "configuration for a part of the paths"),
    SERVER_ROW("listen", IN_SERVER, 1, CONF_MANY, &type_listen, listens, OWN, NULL,
               "an address to serve on"),
    SERVER_ROW("server_name", IN_SERVER, 1, CONF_MANY, &conf_type_str_list, names, OWN, NULL,
               "names of a virtual server"),
    SERVER_ROW("client_header_timeout", IN_HTTP | IN_SERVER, 1, 1, &conf_type_msec,
               client_header_timeout, INHERIT, "60s", "how long a request head may take"),
    SERVER_ROW("client_header_buffer_size", IN_HTTP | IN_SERVER, 1, 1, &conf_type_size,
               client_header_buffer_size, INHERIT, "1k", "first buffer of a request head"),
    SERVER_ROW("large_client_header_buffers", IN_HTTP | IN_SERVER, 2, 2, &conf_type_bufs,
               large_buffers, INHERIT, "4 8k", "most that a request head may need"),
    INERT("server_names_hash_max_size", IN_HTTP, 1, HASH, "size of the table of names"),
    INERT("server_names_hash_bucket_size", IN_HTTP, 1, HASH, "bucket of the table of names"),
    INERT("variables_hash_max_size", IN_HTTP, 1, HASH, "size of the table of variables"),
    INERT("variables_hash_bucket_size", IN_HTTP, 1, HASH, "bucket of the table of variables"),
};

static const struct directive location_rows[] = {
    ROW("root", 1, 1, &conf_type_path, root, "html", "folder of the files"),
    ROW("types", 0, 0, &type_types, types, NULL, "content types by extension"),
    ROW("default_type", 1, 1, &conf_type_str, default_type, "text/plain", "content type otherwise"),
    ROW("keepalive_timeout", 1, 2, &type_keepalive, keepalive_timeout, "75s",
        "how long a connection may wait for its next request"),
    ROW("keepalive_requests", 1, 1, &conf_type_int, keepalive_requests, "1000",
        "requests on one connection"),
    ROW("send_timeout", 1, 1, &conf_type_msec, send_timeout, "60s",
        "how long a client may take nothing"),
    ROW("server_tokens", 1, 1, &conf_type_flag, server_tokens, "on", "whether versions are told"),
    { "sendfile", IN_HSL | IN_LOCATION_IF, 1, 1, &conf_type_flag,
      FIELD(http_location_conf, sendfile), INHERIT, "off", NULL,
      "files always leave by sendfile where the connection is plain", "send files by the kernel",
      NULL },
    INERT("tcp_nopush", IN_HSL, 1, "a turn's output leaves in one piece anyway",
          "fill packets before they leave"),
    ROW("tcp_nodelay", 1, 1, &conf_type_flag, tcp_nodelay, "on", "send small pieces at once"),
    INERT("types_hash_max_size", IN_HSL, 1, HASH, "size of the table of types"),
    INERT("types_hash_bucket_size", IN_HSL, 1, HASH, "bucket of the table of types"),
};

/* --- sections --------------------------------------------------------------------------------- */

static bool default_types(struct conf *cf, void *conf, const void *parent)
{
    static const char *const pairs[][2] = { { "html", "text/html" }, { "gif", "image/gif" },
                                            { "jpg", "image/jpeg" } };
    struct http_location_conf *location = conf;
    if (location->types) {
        if (!parent || ((const struct http_location_conf *)parent)->types != location->types)
            map_freeze(&location->types->by_extension, cf->pool);
        return true;
    }
    location->types = new_types(cf);
    for (unsigned i = 0; i < countof(pairs); i++) {
        struct str *value = pool_new(cf->pool, struct str);
        *value = str_from(pairs[i][1]);
        map_add(&location->types->by_extension, str_from(pairs[i][0]), value, NULL);
    }
    map_freeze(&location->types->by_extension, cf->pool);
    return true;
}

static struct section main_section = {
    .name = "http", .where = IN_MAIN, .size = sizeof(struct conf_set), .rows = main_rows,
    .nrows = countof(main_rows),
};
struct section http_server_section = {
    .name = "http_server", .where = IN_HTTP | IN_SERVER | IN_LOCATION,
    .size = sizeof(struct http_server_conf),
    .rows = server_rows, .nrows = countof(server_rows),
};
struct section http_location_section = {
    .name = "http_location", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct http_location_conf), .rows = location_rows,
    .nrows = countof(location_rows), .finish = default_types,
};

/* --- addresses -------------------------------------------------------------------------------- */

static struct listening *find_listening(struct conf *cf, const struct inet_address *address)
{
    struct listening *l = cf->gen->listenings;
    while (l && !inet_eq(&l->address, address))
        l = l->next;
    return l;
}

static bool add_host(struct conf *cf, struct http_address *at, struct str text, struct str name,
                     struct server *server)
{
    struct http_host **end = &at->hosts;
    for (; *end; end = &(*end)->next)
        if (str_eq_ci((*end)->name, name)) {
            diag_add(cf->diag, DIAG_WARN, "conflicting-name", (struct diag_place){ 0 },
                     "conflicting server name \"%.*s\" on %.*s, ignored", STR_FMT(name),
                     STR_FMT(text));
            return true;
        }
    *end = pool_new(cf->pool, struct http_host);
    (*end)->name = name;
    (*end)->server = server;
    return true;
}

static bool add_listen(struct conf *cf, const struct http_listen *listen)
{
    const struct http_server_conf *conf = conf_of(listen->server->block, http_server_section);
    struct listening *l = find_listening(cf, &listen->address);
    struct http_address *at = l ? l->data : NULL;
    if (!l) {
        l = listening_add(cf, &listen->address);
        l->text = listen->text;
        l->options = listen->options;
        l->place = listen->place;
        l->separate = listen->address.any.sa_family != AF_UNIX;
        l->accepted = h1_accepted;
        l->data = at = pool_new(cf->pool, struct http_address);
        at->default_server = listen->server;
    } else if (listen->own_options) {
        l->options = listen->options;
    }
    l->proxy_protocol = l->proxy_protocol || listen->proxy_protocol;
    if (listen->default_server && at->default_given)
        return !diag_add(cf->diag, DIAG_EMERG, "duplicate-default", (struct diag_place){ 0 },
                         "a duplicate default server for %.*s%.*s", STR_FMT(listen->text),
                         STR_FMT(listen->place));
    if (listen->default_server) {
        at->default_server = listen->server;
        at->default_given = true;
    }
    for (unsigned i = 0; i < conf->names.count; i++)
        if (!add_host(cf, at, listen->text, conf->names.at[i], listen->server))
            return false;
    if (conf->names.count == 0)
        return add_host(cf, at, listen->text, STR(""), listen->server);
    return true;
}

static struct http_listen *default_listen(struct conf *cf, struct server *server)
{
    struct http_listen *l = pool_new(cf->pool, struct http_listen);
    options_init(&l->options);
    ASSERT(inet_parse(geteuid() == 0 ? STR("*:80") : STR("*:8000"), 80, &l->address));
    l->text = address_text(cf, &l->address);
    l->server = server;
    return l;
}

/* --- plans ------------------------------------------------------------------------------------ */

/* The HTTP module from `*at` on; NULL: none is left. */
static const struct http_module *next_module(const struct module *const **at)
{
    while (**at && strcmp((**at)->protocol, "http") != 0)
        (*at)++;
    return **at ? container_of(*(*at)++, struct http_module, module) : NULL;
}

static void make_plan(struct conf *cf, struct plan *plan, const struct conf_block *block)
{
    const struct phase_step *found[64];
    for (enum phase phase = 0; phase < PHASES; phase++) {
        const struct module *const *at = conf_modules();
        for (const struct http_module *module; (module = next_module(&at)) != NULL;)
            for (const struct phase_step *s = module->steps; s && s->name; s++)
                if (s->phase == phase && (!s->enabled || s->enabled(block))) {
                    ASSERT(plan->count < countof(found));
                    found[plan->count++] = s;
                }
    }
    plan->steps = pool_array(cf->pool, plan->count, sizeof(struct phase_step *));
    if (plan->count)
        memcpy(plan->steps, found, plan->count * sizeof(struct phase_step *));
}

static int by_precedence(const void *a, const void *b)
{
    const struct location *x = *(struct location *const *)a, *y = *(struct location *const *)b;
    if (x->exact != y->exact)
        return x->exact ? -1 : 1;
    return x->name.len > y->name.len ? -1 : x->name.len < y->name.len;
}

static void finish_locations(struct conf *cf, struct locations *list)
{
    unsigned n = 0;
    list->ordered = pool_array(cf->pool, list->count, sizeof(struct location *));
    for (struct location *l = list->first; l; l = l->next) {
        make_plan(cf, &l->plan, l->block);
        finish_locations(cf, &l->nested);
        list->ordered[n++] = l;
    }
    if (n)
        qsort(list->ordered, n, sizeof(struct location *), by_precedence);
}

static void finish_server(struct conf *cf, struct server *server)
{
    const struct http_server_conf *conf = conf_of(server->block, http_server_section);
    if (conf->names.count)
        server->name = conf->names.at[0];
    make_plan(cf, &server->plan, server->block);
    finish_locations(cf, &server->locations);
}

static bool finish_addresses(struct conf *cf)
{
    for (struct listening *l = cf->gen->listenings; l; l = l->next) {
        struct http_address *at = l->data;
        if (l->accepted != h1_accepted)
            continue;
        map_init(&at->by_name, cf->temp, &cf->gen->hash_key, true);
        for (const struct http_host *h = at->hosts; h; h = h->next)
            map_add(&at->by_name, h->name, h->server, NULL);
        map_freeze(&at->by_name, cf->pool);
    }
    return true;
}

static bool finish(struct conf *cf)
{
    for (struct conf_block *http = cf->root->children; http; http = http->next) {
        if (http->scope != IN_HTTP)
            continue;
        for (struct conf_block *b = http->children; b; b = b->next) {
            if (b->scope != IN_SERVER)
                continue;
            const struct http_server_conf *conf = conf_of(b, http_server_section);
            const struct http_listen *listen =
                conf->listens ? conf->listens : default_listen(cf, b->data);
            finish_server(cf, b->data);
            for (; listen; listen = listen->next)
                if (!add_listen(cf, listen))
                    return false;
        }
    }
    return finish_addresses(cf);
}

/* --- the choices ------------------------------------------------------------------------------ */

const struct server *http_choose_server(const struct request *r)
{
    const struct http_address *at = r->address;
    const struct server *named = map_get(&at->by_name, r->in.host);
    return named ? named : at->default_server;
}

const struct location *http_choose_location(const struct request *r)
{
    const struct locations *list = &r->server->locations;
    const struct location *found = NULL;
    for (unsigned i = 0; i < list->count;) {
        const struct location *l = list->ordered[i++];
        if (!(l->exact ? str_eq(r->in.path, l->name) : str_starts(r->in.path, l->name)))
            continue;
        found = l;
        list = &l->nested;
        i = 0;
    }
    return found;
}

const char *http_server_name(const struct request *r)
{
    return http_location_conf(r)->server_tokens ? "weir/" WEIR_VERSION : "weir";
}

void http_log_context(const struct log *log, struct fmt *f)
{
    const struct request *r = log->data;
    struct inet_address peer;
    conn_peer(r->subject.conn, &peer);
    fmt_text(f, ", client: ");
    inet_write(f, &peer, false);
    fmt_print(f, ", server: %.*s", STR_FMT(r->server ? r->server->name : STR_NONE));
    if (r->in.line.len)
        fmt_print(f, ", request: \"%.*s\"", STR_FMT(r->in.line));
    const struct field *host = fields_find(&r->in.fields, STR("host"));
    if (host)
        fmt_print(f, ", host: \"%.*s\"", STR_FMT(host->value));
}

void http_log_request(struct request *r)
{
    const struct module *const *at = conf_modules();
    for (const struct http_module *module; (module = next_module(&at)) != NULL;)
        if (module->log)
            module->log(r);
}

static struct section *const sections[] = { &main_section, &http_server_section,
                                            &http_location_section, NULL };

extern const struct variable http_variables[];

const struct http_module http_core_module = {
    .module = { .name = "ngx_http_core_module", .protocol = "http", .sections = sections,
                .variables = http_variables, .finish = finish },
};
