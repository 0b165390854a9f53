/*
 * The statements of http {}, server {} and location {} that concern no single room.
 * Owns nothing: everything lies in the generation.
 */
#include "http/core_conf.h"

#include "core/generation.h"
#include "core/number.h"
#include "core/version.h"
#include "event/resolver.h"
#include "http/body.h"
#include "http/error.h"
#include "http/file.h"
#include "http/warnings.h"

#include "config.h"

enum { LARGE_BUFFER_LEAST = 512 };      /* what nginx calls its connection_pool_size */

/* --- values of their own ---------------------------------------------------------------------- */

/* "75s 60s": the timeout, and the seconds that the Keep-Alive field tells. */
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

/* They are made of it. */
static bool check_root(struct conf *cf, const struct template *t, const char *directive)
{
    static const struct str names[] = { STR_INIT("document_root"), STR_INIT("realpath_root") };
    for (unsigned i = 0; i < t->nparts; i++)
        for (unsigned k = 0; k < countof(names); k++)
            if (t->parts[i].kind == TEMPLATE_VARIABLE
                && str_eq(vars_table(cf)->at[t->parts[i].number]->name, names[k]))
                return conf_error(cf, 1, "invalid-variable", "the $%.*s variable cannot be used in "
                                  "the \"%s\" directive", STR_FMT(names[k]), directive);
    return true;
}

static void warn_of_slash(struct conf *cf, struct str path, const struct location *location)
{
    const bool prefix = location->kind == LOCATION_PREFIX || location->kind == LOCATION_NO_REGEX;
    if (!prefix || !str_ends(path, STR("/")) || str_ends(location->name, STR("/")))
        return;
    struct diag *d = conf_diag(cf, DIAG_WARN, 1, "alias-traversal", "\"alias\" ends in a slash and "
                               "location \"%.*s\" does not", STR_FMT(location->name));
    const struct conf_node *opened = cf->block->node;
    diag_note_at(cf->diag, d, opened->words[opened->nwords - 1].place, "write \"%.*s/\" here",
                 STR_FMT(location->name));
    diag_note(cf->diag, d, "in nginx a request for \"%.*s../x\" leads out of the folder; weir "
              "answers 404", STR_FMT(location->name));
}

/* root and alias fill one field, and a place has one of them. */
static bool parse_root(struct conf *cf, void *field, const void *arg)
{
    struct http_location_conf *conf = container_of((struct template *)field,
                                                   struct http_location_conf, root);
    const char *const name = arg ? "alias" : "root";
    const struct location *location = cf->block->data;
    struct str path = conf_arg(cf, 1);
    if (conf->root.source.at)
        return conf_error(cf, 0, "duplicate", "\"%s\" directive is duplicate, \"%s\" directive "
                          "was specified earlier", name, arg ? "root" : "alias");
    if (arg && location->kind == LOCATION_NAMED)
        return conf_error(cf, 0, "misplaced",
                          "the \"alias\" directive cannot be used inside the named location");
    if (path.at[0] != '$')
        path = conf_full_path(cf, path);
    if (!arg && path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    if (arg) {
        conf->alias = location->kind == LOCATION_REGEX ? ALIAS_ALL : location->name.len;
        warn_of_slash(cf, path, location);
    }
    return template_compile(cf, &conf->root, path, 1) && check_root(cf, &conf->root, name);
}
static const struct conf_type type_root = { "path", sizeof(struct template), false, parse_root,
                                            false };

static bool parse_tokens(struct conf *cf, void *field, const void *arg)
{
    static const struct conf_name names[] = { { "off", TOKENS_OFF }, { "on", TOKENS_ON },
                                              { "build", TOKENS_BUILD } };
    struct http_location_conf *conf = container_of((unsigned *)field, struct http_location_conf,
                                                   tokens);
    (void)arg;
    for (unsigned i = 0; i < countof(names); i++)
        if (str_eq(conf_arg(cf, 1), str_from(names[i].name))) {
            conf->tokens = names[i].value;
            return true;
        }
    conf->tokens = TOKENS_TEXT;
    return template_compile(cf, &conf->tokens_text, conf_arg(cf, 1), 1);
}
static const struct conf_type type_tokens = {
    "on | off | build | string",
    offsetof(struct http_location_conf, absolute_redirect)
        - offsetof(struct http_location_conf, tokens),
    false, parse_tokens, false
};

/* A rate or size, which may be a variable. */
static bool parse_rate(struct conf *cf, void *field, const void *arg)
{
    size_t n;
    (void)arg;
    if (str_chr(conf_arg(cf, 1), '$') < 0 && !number_conf_size(conf_arg(cf, 1), &n))
        return conf_error(cf, 1, "invalid-value", "invalid value \"%.*s\"",
                          STR_FMT(conf_arg(cf, 1)));
    return template_compile(cf, field, conf_arg(cf, 1), 1);
}
static const struct conf_type type_rate = { "rate", sizeof(struct template), false, parse_rate,
                                            false };

static bool parse_flag_word(struct conf *cf, void *field, const void *arg)
{
    (void)cf;
    (void)arg;
    *(bool *)field = true;
    return true;
}
static const struct conf_type type_present = { "", sizeof(bool), false, parse_flag_word, false };

/* --- blocks ----------------------------------------------------------------------------------- */

static bool open_server(struct conf *cf, struct conf_block *block)
{
    struct server *server = pool_new(cf->pool, struct server);
    server->block = block;
    server->outside = (struct location){ .kind = LOCATION_OUTSIDE, .block = block };
    block->data = server;
    return true;
}

static const struct conf_block_kind http_kind = { IN_HTTP, NULL, NULL };
static const struct conf_block_kind server_kind = { IN_SERVER, open_server, NULL };
static const struct conf_block_kind location_kind = { IN_LOCATION, http_location_open, NULL };
static const struct conf_block_kind except_kind = { IN_LIMIT_EXCEPT, http_limit_except_open, NULL };

/* --- rows ------------------------------------------------------------------------------------- */

static const struct conf_name satisfy_names[] = { { "all", SATISFY_ALL }, { "any", SATISFY_ANY },
                                                  { NULL, 0 } };
static const struct conf_name lingering_names[] = { { "off", LINGERING_OFF },
                                                    { "on", LINGERING_ON },
                                                    { "always", LINGERING_ALWAYS }, { NULL, 0 } };
static const struct conf_name modified_names[] = { { "off", MODIFIED_OFF },
                                                   { "exact", MODIFIED_EXACT },
                                                   { "before", MODIFIED_BEFORE }, { NULL, 0 } };
static const struct conf_name disable_names[] = { { "none", DISABLE_NONE },
                                                  { "msie6", DISABLE_MSIE6 },
                                                  { "safari", DISABLE_SAFARI }, { NULL, 0 } };

#define BLOCK(name, where, n, m, kind, help) \
    { name, where, n, m, &conf_type_block, 0, OWN, NULL, &kind, NULL, help, NULL }
#define SERVER_ROW(name, where, n, m, type, member, inherit, def, help) \
    { name, where, n, m, type, FIELD(http_server_conf, member), inherit, def, NULL, NULL, help, \
      NULL }
#define ROW(name, where, n, m, type, member, def, arg, help) \
    { name, where, n, m, type, FIELD(http_location_conf, member), INHERIT, def, arg, NULL, help, \
      NULL }
#define FLAG(name, member, def, help) \
    ROW(name, IN_HSL, 1, 1, &conf_type_flag, member, def, NULL, help)
#define MSEC(name, member, def, help) \
    ROW(name, IN_HSL, 1, 1, &conf_type_msec, member, def, NULL, help)
#define INERT(name, where, n, why, help) \
    { name, where, n, n, &conf_type_ignored, 0, OWN, NULL, NULL, why, help, NULL }

static const struct directive main_rows[] = {
    { "http", IN_MAIN, 0, 0, &conf_type_block_once, 0, OWN, NULL, &http_kind, NULL, "HTTP servers",
      NULL },
};

#define HASH "tables size themselves"
#define POOL "pools size themselves"
#define HS (IN_HTTP | IN_SERVER)
static const struct directive server_rows[] = {
    BLOCK("server", IN_HTTP, 0, 0, server_kind, "a virtual server"),
    BLOCK("location", IN_SERVER | IN_LOCATION, 1, 2, location_kind,
          "configuration for a part of the paths"),
    SERVER_ROW("listen", IN_SERVER, 1, CONF_MANY, &http_type_listen, listens, OWN, NULL,
               "an address to serve on"),
    SERVER_ROW("server_name", IN_SERVER, 1, CONF_MANY, &http_type_server_name, names, OWN, NULL,
               "names of a virtual server"),
    SERVER_ROW("client_header_timeout", HS, 1, 1, &conf_type_msec, client_header_timeout, INHERIT,
               "60s", "how long a request head may take"),
    SERVER_ROW("client_header_buffer_size", HS, 1, 1, &conf_type_size, client_header_buffer_size,
               INHERIT, "1k", "first buffer of a request head"),
    SERVER_ROW("large_client_header_buffers", HS, 2, 2, &conf_type_bufs, large_buffers, INHERIT,
               "4 8k", "most that a request head may need"),
    SERVER_ROW("max_headers", HS, 1, 1, &conf_type_int, max_headers, INHERIT, "1000",
               "most fields of a request"),
    SERVER_ROW("ignore_invalid_headers", HS, 1, 1, &conf_type_flag, ignore_invalid, INHERIT, "on",
               "fields with invalid names are dropped"),
    SERVER_ROW("underscores_in_headers", HS, 1, 1, &conf_type_flag, underscores, INHERIT, "off",
               "names of fields may have underscores"),
    SERVER_ROW("merge_slashes", HS, 1, 1, &conf_type_flag, merge_slashes, INHERIT, "on",
               "several slashes in a path are one"),
    INERT("server_names_hash_max_size", IN_HTTP, 1, HASH, "size of the table of names"),
    INERT("server_names_hash_bucket_size", IN_HTTP, 1, HASH, "bucket of the table of names"),
    INERT("variables_hash_max_size", IN_HTTP, 1, HASH, "size of the table of variables"),
    INERT("variables_hash_bucket_size", IN_HTTP, 1, HASH, "bucket of the table of variables"),
    INERT("connection_pool_size", HS, 1, POOL, "memory of a connection"),
    INERT("request_pool_size", HS, 1, POOL, "memory of a request"),
};

static const struct directive location_rows[] = {
    BLOCK("limit_except", IN_LOCATION, 1, CONF_MANY, except_kind,
          "configuration for all but the named methods"),
    ROW("root", IN_HSL | IN_LOCATION_IF, 1, 1, &type_root, root, "html", NULL,
        "folder of the files"),
    ROW("alias", IN_LOCATION, 1, 1, &type_root, root, NULL, "alias",
        "what replaces the location's name"),
    ROW("types", IN_HSL, 0, 0, &http_type_types, types, NULL, NULL, "content types by extension"),
    ROW("default_type", IN_HSL, 1, 1, &conf_type_str, default_type, "text/plain", NULL,
        "content type otherwise"),
    ROW("keepalive_timeout", IN_HSL, 1, 2, &type_keepalive, keepalive_timeout, "75s", NULL,
        "how long a connection may wait for its next request"),
    ROW("keepalive_requests", IN_HSL, 1, 1, &conf_type_int, keepalive_requests, "1000", NULL,
        "requests on one connection"),
    MSEC("keepalive_time", keepalive_time, "1h", "how long a connection may be used"),
    MSEC("keepalive_min_timeout", keepalive_min_timeout, "0",
         "how long an idle connection is spared when the worker ends"),
    ROW("keepalive_disable", IN_HSL, 1, 2, &conf_type_mask, keepalive_disable, "msie6",
        disable_names, "clients whose connections are not kept"),
    MSEC("send_timeout", send_timeout, "60s", "how long a client may take nothing"),
    ROW("lingering_close", IN_HSL, 1, 1, &conf_type_enum, lingering_close, "on", lingering_names,
        "whether what a client still sends is read before closing"),
    MSEC("lingering_time", lingering_time, "30s", "how long it is read"),
    MSEC("lingering_timeout", lingering_timeout, "5s", "how long it is waited for"),
    ROW("limit_rate", IN_HSL | IN_LOCATION_IF, 1, 1, &type_rate, limit_rate, "0", NULL,
        "bytes a second of a response"),
    ROW("limit_rate_after", IN_HSL | IN_LOCATION_IF, 1, 1, &type_rate, limit_rate_after, "0", NULL,
        "bytes before it is limited"),
    ROW("satisfy", IN_HSL, 1, 1, &conf_type_enum, satisfy, "all", satisfy_names,
        "whether all or any of the access rules must allow"),
    ROW("server_tokens", IN_HSL, 1, 1, &type_tokens, tokens, "on", NULL,
        "what the Server field and error pages tell"),
    FLAG("absolute_redirect", absolute_redirect, "on", "redirects name the host"),
    FLAG("port_in_redirect", port_in_redirect, "on", "and the port"),
    FLAG("server_name_in_redirect", server_name_in_redirect, "off",
         "the host is the server's first name"),
    FLAG("tcp_nodelay", tcp_nodelay, "on", "send small pieces at once"),
    FLAG("reset_timedout_connection", reset_timedout, "off",
         "connections that timed out are reset"),
    FLAG("chunked_transfer_encoding", chunked, "on", "bodies of unknown length are chunked"),
    { "internal", IN_LOCATION, 0, 0, &type_present, FIELD(http_location_conf, internal), OWN, NULL,
      NULL, NULL, "not for what clients ask for", NULL },
    FLAG("log_not_found", log_not_found, "on", "missing files are logged"),
    FLAG("log_subrequest", log_subrequest, "off", "subrequests have lines in the access log"),
    FLAG("recursive_error_pages", recursive_error_pages, "off",
         "an error page may have an error page"),
    FLAG("msie_padding", msie_padding, "on", "error pages for MSIE are long enough to be shown"),
    FLAG("msie_refresh", msie_refresh, "off", "MSIE is redirected by a page"),
    FLAG("etag", etag, "on", "files have entity tags"),
    ROW("if_modified_since", IN_HSL, 1, 1, &conf_type_enum, if_modified_since, "exact",
        modified_names, "how If-Modified-Since is compared"),
    ROW("max_ranges", IN_HSL, 1, 1, &conf_type_int, max_ranges, NULL, NULL,
        "most ranges of a request; 0: none"),
    MSEC("auth_delay", auth_delay, "0s", "how long a refused request waits"),
    ROW("subrequest_output_buffer_size", IN_HSL, 1, 1, &conf_type_size, subrequest_buffer, "4k",
        NULL, "most of a subrequest's answer that is kept in memory"),
    ROW("resolver", IN_HSL, 1, CONF_MANY, &conf_type_resolver, resolver, NULL, NULL,
        "who is asked for the addresses of names"),
    MSEC("resolver_timeout", resolver_timeout, "30s", "how long that may take"),
    ROW("early_hints", IN_HSL, 1, CONF_MANY, &conf_type_conditions, early_hints, NULL, NULL,
        "when 103 of a server is passed on"),
    INERT("tcp_nopush", IN_HSL, 1, "a turn's output leaves in one piece anyway",
          "fill packets before they leave"),
    INERT("postpone_output", IN_HSL, 1, "a turn's output leaves in one piece anyway",
          "least bytes that are sent"),
    INERT("send_lowat", IN_HSL, 1, "Linux has no such option", "least room to send into"),
    INERT("types_hash_max_size", IN_HSL, 1, HASH, "size of the table of types"),
    INERT("types_hash_bucket_size", IN_HSL, 1, HASH, "bucket of the table of types"),
};

/* --- derived ---------------------------------------------------------------------------------- */

static struct str tokens_of(const struct http_location_conf *conf, struct str text)
{
    switch (conf->tokens) {
    case TOKENS_OFF:
        return STR("weir");
    case TOKENS_BUILD:
        return BUILD_NAME[0] ? STR("weir/" WEIR_VERSION " (" BUILD_NAME ")")
                             : STR("weir/" WEIR_VERSION);
    case TOKENS_TEXT:
        return text;
    default:
        return STR("weir/" WEIR_VERSION);
    }
}

static bool finish_server(struct conf *cf, void *data, const void *parent)
{
    const struct http_server_conf *conf = data;
    (void)parent;
    if (conf->large_buffers.size >= LARGE_BUFFER_LEAST)
        return true;
    return conf_block_error(cf, cf->block, "invalid-value",
                            "the \"large_client_header_buffers\" size must be equal to or greater "
                            "than %u", LARGE_BUFFER_LEAST);
}

static bool finish_location(struct conf *cf, void *data, const void *parent)
{
    struct http_location_conf *conf = data;
    const struct http_location_conf *outer = parent;
    if (!conf->types)
        conf->types = http_types_default(cf);
    http_types_freeze(cf, conf->types);
    if (!conf_is_set(conf, &http_location_section, "root")
        && !conf_is_set(conf, &http_location_section, "alias") && outer)
        conf->alias = outer->alias;
    if (!conf_is_set(conf, &http_location_section, "max_ranges") && !outer)
        conf->max_ranges = -1;
    if (!conf_is_set(conf, &http_location_section, "internal") && outer
        && cf->block->scope != IN_LOCATION)
        conf->internal = outer->internal;
    conf->unlimited = conf->limit_rate.constant && str_eq(conf->limit_rate.text, STR("0"));
    if (conf->tokens != TOKENS_TEXT || conf->tokens_text.constant) {
        const struct str text = tokens_of(conf, conf->tokens_text.text);
        conf->server_field = text.len ? fmt_pool(cf->pool, "Server: %.*s\r\n", STR_FMT(text))
                                      : STR("");
    }
    return true;
}

static struct section main_section = {
    .name = "http", .where = IN_MAIN, .size = sizeof(struct conf_set), .rows = main_rows,
    .nrows = countof(main_rows),
};
struct section http_server_section = {
    .name = "http_server", .where = IN_HTTP | IN_SERVER | IN_LOCATION,
    .size = sizeof(struct http_server_conf), .rows = server_rows, .nrows = countof(server_rows),
    .finish = finish_server,
};
struct section http_location_section = {
    .name = "http_location", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct http_location_conf), .rows = location_rows,
    .nrows = countof(location_rows), .finish = finish_location,
};

/* Every server of the http block, with its locations, plans and addresses. */
static bool finish(struct conf *cf)
{
    struct server *first = NULL, **end = &first;
    for (struct conf_block *http = cf->root->children; http; http = http->next) {
        if (http->scope != IN_HTTP)
            continue;
        for (struct conf_block *b = http->children; b; b = b->next) {
            if (b->scope != IN_SERVER)
                continue;
            struct server *server = b->data;
            const struct http_server_conf *conf = http_server_conf(server);
            server->name = conf->names ? conf->names->text : STR("");
            if (str_starts(server->name, STR(".")))
                (void)!str_from_off(server->name, 1, &server->name);
            if (!http_locations_finish(cf, &server->locations))
                return false;
            http_plan(cf, &server->outside);
            *end = server;
            end = &server->next;
        }
    }
    http_warnings(cf);
    return http_listen_finish(cf, first);
}

/* --- for all ---------------------------------------------------------------------------------- */

struct str http_server_text(struct request *r)
{
    const struct http_location_conf *conf = http_location_conf(r);
    struct str text = STR("");
    if (conf->tokens == TOKENS_TEXT && !template_eval(&conf->tokens_text, &r->subject, &text))
        return STR("");
    return tokens_of(conf, text);
}

void http_log_context(const struct log *log, struct fmt *f)
{
    const struct request *r = log->data;
    struct inet_address client;
    request_client(r, &client);
    fmt_text(f, ", client: ");
    inet_write(f, &client, false);
    fmt_print(f, ", server: %.*s", STR_FMT(r->server ? r->server->name : STR_NONE));
    if (r->in.line.len)
        fmt_print(f, ", request: \"%.*s\"", STR_FMT(r->in.line));
    if (r->parent)
        fmt_print(f, ", subrequest: \"%.*s\"", STR_FMT(r->in.path));
    if (r->log_passed)
        r->log_passed(r, f);
    const struct field *host = fields_known(&r->in.fields, FIELD_HOST);
    if (host)
        fmt_print(f, ", host: \"%.*s\"", STR_FMT(host->value));
    const struct field *referer = fields_known(&r->in.fields, FIELD_REFERER);
    if (referer)
        fmt_print(f, ", referrer: \"%.*s\"", STR_FMT(referer->value));
}

static struct section *const sections[] = { &main_section, &http_server_section,
                                            &http_location_section, &http_body_section,
                                            &http_file_section, &http_error_section, NULL };

const struct http_module http_core_module = {
    .module = { .name = "ngx_http_core_module", .protocol = "http", .sections = sections,
                .variables = http_variables, .finish = finish },
};
