/*
 * `listen` and `server_name`: addresses, and the names at each.
 *
 *     server { listen 80; server_name a *.b ~^c; }  -->  http_address 0.0.0.0:80
 *                                                          names: "a", "*.b"; regexes: "^c"
 *
 * Owns nothing: all of it lies in the generation.
 */
#include "core/generation.h"
#include "core/lookup.h"
#include "core/number.h"
#include "http/codec.h"
#include "http/core_conf.h"

/* --- listen ----------------------------------------------------------------------------------- */

/* "on", "off", or "idle:interval:count", any of which may be left out, but not all. */
static bool keepalive_times(struct str value, struct socket_options *o)
{
    struct str idle, interval;
    uint32_t count = 0;
    int64_t seconds[2] = { 0, 0 };
    str_cut(value, ':', &idle, &value);
    str_cut(value, ':', &interval, &value);
    if ((idle.len && !number_conf_sec(idle, &seconds[0]))
        || (interval.len && !number_conf_sec(interval, &seconds[1]))
        || (value.len && !number_u32(value, &count))
        || seconds[0] > INT_MAX || seconds[1] > INT_MAX || count > INT_MAX)
        return false;
    o->keepalive = SOCKET_ON;
    o->keepalive_idle = (int)seconds[0];
    o->keepalive_interval = (int)seconds[1];
    o->keepalive_count = (int)count;
    return seconds[0] || seconds[1] || count;
}

static bool keepalive_parameter(struct conf *cf, unsigned i, struct str value,
                                struct socket_options *o)
{
    if (str_eq(value, STR("on")) || str_eq(value, STR("off"))) {
        o->keepalive = value.len == 2 ? SOCKET_ON : SOCKET_OFF;
        return true;
    }
    return keepalive_times(value, o)
           || conf_error(cf, i, "invalid-value", "invalid so_keepalive value: \"%.*s\"",
                         STR_FMT(value));
}

enum number { NUMBER, POSITIVE, SIZE };

/* "backlog=511", "fastopen=0", "rcvbuf=64k". */
static bool number_parameter(struct conf *cf, unsigned i, enum number kind, int *out)
{
    struct str name, value;
    uint32_t n = 0;
    size_t size = 0;
    str_cut(conf_arg(cf, i), '=', &name, &value);
    const bool good = kind == SIZE ? number_conf_size(value, &size) : number_u32(value, &n);
    if (!good || size > INT_MAX || n > INT_MAX || (kind == POSITIVE && n == 0))
        return conf_error(cf, i, "invalid-value", "invalid %.*s \"%.*s\"", STR_FMT(name),
                          STR_FMT(conf_arg(cf, i)));
    *out = kind == SIZE ? (int)size : (int)n;
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
        return number_parameter(cf, i, POSITIVE, &o->backlog);
    if (str_eq(name, STR("fastopen")))
        return number_parameter(cf, i, NUMBER, &o->fastopen);
    if (str_eq(name, STR("rcvbuf")))
        return number_parameter(cf, i, SIZE, &o->rcvbuf);
    if (str_eq(name, STR("sndbuf")))
        return number_parameter(cf, i, SIZE, &o->sndbuf);
    if (str_eq(name, STR("so_keepalive")))
        return keepalive_parameter(cf, i, value, o);
    if (str_eq(word, STR("ipv6only=on")) || str_eq(word, STR("ipv6only=off"))) {
        o->ipv6only = value.len == 2 ? SOCKET_ON : SOCKET_OFF;
        return true;
    }
    if (str_eq(name, STR("accept_filter"))) {
        conf_diag(cf, DIAG_WARN, i, "not-here",
                  "accept filters \"%.*s\" are not supported on this platform, ignored",
                  STR_FMT(word));
        return true;
    }
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

/* What it names: one address, or all that a name has. */
static bool parse_target(struct conf *cf, struct str text, struct inet_target *target,
                         const struct inet_address **list, unsigned *count)
{
    const char *why = inet_parse_target(text, 80, INET_LISTEN, target);
    if (why)
        return conf_error(cf, 1, "invalid-address", "%s in \"%.*s\" of the \"listen\" directive",
                          why, STR_FMT(text));
    *list = &target->address;
    *count = 1;
    if (target->address.len == 0)
        *list = lookup_host(cf->temp, target->host, target->port, count);
    return *list
           || conf_error(cf, 1, "invalid-address",
                         "host not found in \"%.*s\" of the \"listen\" directive", STR_FMT(text));
}

static bool add_address(struct conf *cf, struct http_listen **list, const struct http_listen *like,
                        const struct inet_address *address)
{
    struct http_listen *l = pool_new(cf->pool, struct http_listen);
    *l = *like;
    l->address = *address;
    l->text = address_text(cf, address);
    for (; *list; list = &(*list)->next)
        if (inet_eq(&(*list)->address, address))
            return conf_error(cf, 1, "duplicate", "a duplicate listen %.*s", STR_FMT(l->text));
    *list = l;
    return true;
}

/* One of a range of ports is like a directive of its own, and so is one address of a name. */
static bool parse_listen(struct conf *cf, void *field, const void *arg)
{
    struct http_listen l = { .server = cf->block->data };
    struct inet_target target;
    const struct inet_address *list;
    unsigned count;
    bool good = true;
    (void)arg;
    options_init(&l.options);
    l.place = fmt_pool(cf->pool, " in %.*s:%u", STR_FMT(cf->node->words[0].place.file->path),
                       cf->node->words[0].place.line);
    if (!parse_target(cf, conf_arg(cf, 1), &target, &list, &count))
        return false;
    for (unsigned i = 2; i <= conf_nargs(cf); i++)
        good &= listen_parameter(cf, i, &l);
    for (unsigned port = target.port; port <= target.last_port; port++)
        for (unsigned i = 0; i < count && good; i++) {
            struct inet_address address = list[i];
            inet_set_port(&address, (uint16_t)port);
            good = add_address(cf, field, &l, &address);
        }
    return good;
}
const struct conf_type http_type_listen = { "address [parameters]", sizeof(struct http_listen *),
                                            true, parse_listen, false };

/* --- server_name ------------------------------------------------------------------------------ */

/* "*", ".", "*x" can never be right; a path in a name is a likely mistake. */
static bool check_name(struct conf *cf, unsigned arg)
{
    const struct str name = conf_arg(cf, arg);
    if (str_eq(name, STR("."))
        || (str_starts(name, STR("*")) && (name.len < 3 || name.at[1] != '.')))
        return conf_error(cf, arg, "invalid-value", "server name \"%.*s\" is invalid",
                          STR_FMT(name));
    if (str_chr(name, '/') >= 0)
        conf_diag(cf, DIAG_WARN, arg, "suspicious-name",
                  "server name \"%.*s\" has suspicious symbols", STR_FMT(name));
    return true;
}

static bool add_name(struct conf *cf, struct http_name **end, unsigned arg)
{
    struct http_name *name = pool_new(cf->pool, struct http_name);
    char host[256] = "";
    struct str pattern;
    struct fmt f;
    name->text = conf_arg(cf, arg);
    *end = name;
    if (name->text.len == 0 || name->text.at[0] != '~') {
        if (str_eq(name->text, STR("$hostname")) && gethostname(host, sizeof(host) - 1) == 0)
            name->text = str_from(host);
        fmt_init_pool(&f, cf->pool, name->text.len + 1, name->text.len + 1);
        fmt_lower(&f, name->text);
        name->text = fmt_done(&f);
        return true;
    }
    name->text = pool_str(cf->pool, name->text);
    if (!str_from_off(name->text, 1, &pattern) || pattern.len == 0)
        return conf_error(cf, arg, "invalid-value", "empty regex in server name \"%.*s\"",
                          STR_FMT(name->text));
    struct regex *regex = regex_add(cf, pattern, true, arg);
    name->regex = regex;
    return regex && vars_define_groups(cf, regex, arg);
}

static bool parse_names(struct conf *cf, void *field, const void *arg)
{
    struct http_name **end = field;
    (void)arg;
    while (*end)
        end = &(*end)->next;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        if (!check_name(cf, i) || !add_name(cf, end, i))
            return false;
        end = &(*end)->next;
    }
    return true;
}
const struct conf_type http_type_server_name = { "name ...", sizeof(struct http_name *), true,
                                                 parse_names, false };

/* --- addresses -------------------------------------------------------------------------------- */

static struct listening *find_listening(struct conf *cf, const struct inet_address *address)
{
    struct listening *l = cf->gen->listenings;
    while (l && !inet_eq(&l->address, address))
        l = l->next;
    return l;
}

static struct listening *new_listening(struct conf *cf, const struct http_listen *listen)
{
    struct listening *l = listening_add(cf, &listen->address);
    struct http_address *at = pool_new(cf->pool, struct http_address);
    l->text = listen->text;
    l->options = listen->options;
    l->place = listen->place;
    l->separate = listen->address.any.sa_family != AF_UNIX;
    l->accepted = h1_accepted;
    l->data = at;
    at->text = listen->text;
    at->default_server = listen->server;
    wildcard_init(&at->names, cf->temp, &cf->gen->hash_key);
    return l;
}

static bool add_regex(struct conf *cf, struct http_address *at, const struct http_name *name,
                      const struct server *server)
{
    struct http_regex_name *grown = pool_array(cf->pool, at->nregexes + 1, sizeof(*grown));
    if (at->nregexes)
        memcpy(grown, at->regexes, at->nregexes * sizeof(*grown));
    grown[at->nregexes++] = (struct http_regex_name){ name->regex, server };
    at->regexes = grown;
    return true;
}

static bool add_host(struct conf *cf, struct http_address *at, const struct http_name *name,
                     const struct server *server)
{
    const void *there;
    if (name->regex)
        return add_regex(cf, at, name, server);
    switch (wildcard_add(&at->names, name->text, server, &there)) {
    case WILDCARD_ADDED:
        return true;
    case WILDCARD_THERE:
        diag_add(cf->diag, DIAG_WARN, "conflicting-name", (struct diag_place){ 0 },
                 "conflicting server name \"%.*s\" on %.*s, ignored", STR_FMT(name->text),
                 STR_FMT(at->text));
        return true;
    case WILDCARD_INVALID:
        break;
    }
    return conf_block_error(cf, server->block, "invalid-value",
                            "invalid server name or wildcard \"%.*s\" on %.*s",
                            STR_FMT(name->text), STR_FMT(at->text));
}

static bool refuse(struct conf *cf, const struct http_listen *listen, const char *code,
                   const char *what)
{
    diag_add(cf->diag, DIAG_EMERG, code, (struct diag_place){ 0 }, "%s %.*s%.*s", what,
             STR_FMT(listen->text), STR_FMT(listen->place));
    return false;
}

static bool add_listen(struct conf *cf, const struct http_listen *listen)
{
    static const struct http_name unnamed = { .text = STR_INIT("") };
    const struct http_server_conf *conf = http_server_conf(listen->server);
    struct listening *l = find_listening(cf, &listen->address);
    if (!l)
        l = new_listening(cf, listen);
    else if (listen->own_options)
        l->options = listen->options;
    struct http_address *at = l->data;
    if (listen->own_options && at->options_given)
        return refuse(cf, listen, "duplicate-options", "duplicate listen options for");
    at->options_given = at->options_given || listen->own_options;
    l->proxy_protocol = l->proxy_protocol || listen->proxy_protocol;
    if (listen->default_server && at->default_given)
        return refuse(cf, listen, "duplicate-default", "a duplicate default server for");
    if (listen->default_server) {
        at->default_server = listen->server;
        at->default_given = true;
    }
    for (const struct http_name *name = conf->names; name; name = name->next)
        if (!add_host(cf, at, name, listen->server))
            return false;
    return conf->names || add_host(cf, at, &unnamed, listen->server);
}

static struct http_listen *default_listen(struct conf *cf, struct server *server)
{
    struct http_listen *l = pool_new(cf->pool, struct http_listen);
    options_init(&l->options);
    ASSERT(inet_parse(geteuid() == 0 ? STR("0.0.0.0:80") : STR("0.0.0.0:8000"), 80,
                      &l->address));
    l->text = address_text(cf, &l->address);
    l->server = server;
    return l;
}

bool http_listen_finish(struct conf *cf, struct server *servers)
{
    for (struct server *server = servers; server; server = server->next) {
        const struct http_listen *listen = http_server_conf(server)->listens;
        if (!listen)
            listen = default_listen(cf, server);
        for (; listen; listen = listen->next)
            if (!add_listen(cf, listen))
                return false;
    }
    for (struct listening *l = cf->gen->listenings; l; l = l->next)
        if (l->accepted == h1_accepted)
            wildcard_freeze(&((struct http_address *)l->data)->names, cf->pool);
    return true;
}
