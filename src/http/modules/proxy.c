/*
 * ngx_http_proxy_module: requests are passed to other servers by HTTP/1.
 * Owns nothing: settings lie in the generation, what is made for a request in its pool.
 *
 *     proxy_pass http://group/uri;    struct proxy_target: group, and what replaces the location
 *     proxy_pass http://$host;        the same at run time: a group's name, an address, or a name
 *     proxy_set_header ...            struct proxy_lines: [same bytes][name: value][same bytes] ...
 *
 * The head of a request is made once, in one pass: request line, lines of the configuration, how
 * the body is framed, and those fields of the client that nothing of this replaces.
 */
#include "core/escape.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/upstream/proto_h1.h"
#include "http/vars.h"

#include "config.h"

enum { HEAD_MOST = 256 << 10, PORT = 80, NOMINATED_MOST = 100 };

enum proxy_upgrade { UPGRADE_OFF, UPGRADE_AUTO, UPGRADE_ON };

/* What a proxy_pass says, or its variables say for one request. */
struct proxy_target {
    struct template url;
    const struct group *group;          /* NULL: host and port below, of a request only */
    struct str name;                    /* host, with the port if that is not 80: $proxy_host */
    struct str port_text;               /* $proxy_port */
    struct str uri;                     /* safe to send; empty: there is none */
    struct str location;                /* what it replaces */
    struct str host;
    uint16_t port;
};

struct proxy_header {                   /* a proxy_set_header */
    struct proxy_header *next;
    struct str name;
    struct template value;
};

struct proxy_line {
    struct str before;                  /* lines that are always the same */
    struct str name;                    /* then "Name: " and its value, unless that is empty */
    const struct template *value;       /* NULL: the last one, which has no more */
    enum field_id id;
};

struct proxy_lines {
    struct proxy_line *at;
    unsigned count;
    uint64_t known;                     /* fields of clients that do not pass: bits of field_id */
    struct conf_strs others;            /* and these */
    bool host, length, connection, upgrade;     /* such a line is configured, be it empty */
    bool close, upgrades;               /* "close" or a protocol is always said */
};

struct proxy_conf {
    struct upstream_conf up;
    const struct proxy_target *target;  /* NULL: nothing is passed on */
    const struct proxy_header *headers;
    struct template method, body;       /* source.at NULL: the client's */
    unsigned minor;                     /* of HTTP/1.x */
    unsigned upgrade;                   /* enum proxy_upgrade */
    struct rewrites redirects;
    struct cookie_rewrites cookies;
    struct proxy_lines lines;           /* made of `headers` */
};

static struct section section;

/* --- text ------------------------------------------------------------------------------------- */

/* Nothing that ends a request line, wherever it came from. */
static void add_safe(struct fmt *f, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char byte = (unsigned char)s.at[i];
        if (byte <= ' ' || byte == 0x7f)
            fmt_print(f, "%%%02X", byte);
        else
            fmt_char(f, s.at[i]);
    }
}

/* Up to the first byte that would end the line. */
static size_t line_length(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0')
            return i;
    return s.len;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char low = str_lower_char(s.at[i]);
        if (!((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9')
              || str_chr(STR("!#$%&'*+-.^_`|~"), low) >= 0))
            return false;
    }
    return s.len > 0;
}

/* --- proxy_pass ------------------------------------------------------------------------------- */

/* "http://host:80/uri" in its parts.  False: it is no such thing. */
static bool split_url(struct str url, struct str *host, struct str *uri)
{
    const struct str scheme = STR("http://");
    struct str rest, tail;
    size_t end = 0;
    if (!str_starts_ci(url, scheme) || !str_from_off(url, scheme.len, &rest))
        return false;
    *host = rest;
    *uri = STR("");
    if (str_starts_ci(rest, STR("unix:"))) {
        (void)!str_from_off(rest, 5, &tail);
        const ssize_t colon = str_chr(tail, ':');
        if (colon >= 0)
            (void)!(str_from_off(tail, (size_t)colon + 1, uri)
                    && str_sub(rest, 0, 5 + (size_t)colon, host));
        return true;
    }
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    return str_sub(rest, 0, end, host) && str_from_off(rest, end, uri);
}

/* The parts of a target that only tell.  NULL, or what is wrong. */
static const char *set_names(struct proxy_target *t, struct str host, struct str uri,
                             struct pool *pool)
{
    struct inet_target target;
    struct fmt f;
    if (str_starts_ci(host, STR("unix:"))) {
        t->name = STR("localhost");
        t->port_text = STR("");
        t->host = host;
    } else {
        const char *const why = inet_parse_target(host, PORT, INET_PLAIN, &target);
        if (why)
            return why;
        t->host = target.host;
        t->port = target.port;
        t->name = target.port == PORT ? target.host
                  : fmt_pool(pool, "%.*s:%u", STR_FMT(target.host), target.port);
        t->port_text = fmt_pool(pool, "%u", target.port);
    }
    fmt_init_pool(&f, pool, uri.len + 1, HEAD_MOST);
    if (uri.len && uri.at[0] != '/')
        fmt_char(&f, '/');
    add_safe(&f, uri);
    t->uri = fmt_done(&f);
    return f.failed ? "URI too long" : NULL;
}

static bool no_tls(struct conf *cf)
{
    struct diag *d = conf_diag(cf, DIAG_EMERG, 1, "not-built", "https protocol requires TLS to "
                               "servers, which is not built into weir yet");
    diag_note(cf->diag, d, "use \"http://\" where the way to the server is safe");
    return false;
}

static bool may_have_uri(struct conf *cf)
{
    const struct location *location = cf->block->data;
    if (cf->block->scope == IN_LOCATION && location->kind != LOCATION_REGEX
        && location->kind != LOCATION_NAMED)
        return true;
    return conf_error(cf, 1, "misplaced", "\"proxy_pass\" cannot have URI part in location given "
                      "by regular expression, or inside named location, or inside \"if\" "
                      "statement, or inside \"limit_except\" block");
}

/* --- health checks ---------------------------------------------------------------------------- */

/* What a check says of itself, and what makes no sense without a request. */
static bool is_for_probes(const struct proxy_header *header, enum field_id id)
{
    return header->value.constant && header->value.text.len > 0 && id != FIELD_CONNECTION
           && id != FIELD_UPGRADE && id != FIELD_TE && id != FIELD_EXPECT
           && id != FIELD_CONTENT_LENGTH && id != FIELD_TRANSFER_ENCODING;
}

/* With those fields of the location that need no request to be known. */
static struct str make_probe(struct conf *cf, const struct upstream_conf *up, struct str uri,
                             bool keep)
{
    const struct proxy_conf *conf = (const void *)up;
    bool host = false, agent = false;
    struct fmt f;
    fmt_init_pool(&f, cf->pool, 0, HEAD_MOST);
    fmt_print(&f, "GET %.*s HTTP/1.%u\r\n", STR_FMT(uri), conf->minor);
    for (const struct proxy_header *h = conf->headers; h; h = h->next) {
        const enum field_id id = field_id(h->name);
        if (!is_for_probes(h, id))
            continue;
        host = host || id == FIELD_HOST;
        agent = agent || id == FIELD_USER_AGENT;
        fmt_print(&f, "%.*s: %.*s\r\n", (int)line_length(h->name), h->name.at,
                  (int)line_length(h->value.text), h->value.text.at);
    }
    if (!host)
        fmt_print(&f, "Host: %.*s\r\n", STR_FMT(conf->target->name));
    if (!agent)
        fmt_text(&f, "User-Agent: weir (health check)\r\n");
    fmt_print(&f, "Connection: %s\r\n\r\n", keep ? "keep-alive" : "close");
    return fmt_done(&f);
}

/* --- where to, as configured ------------------------------------------------------------------ */

static bool set_target(struct conf *cf, struct proxy_target *t)
{
    struct str host, uri;
    const char *why;
    if (!split_url(t->url.text, &host, &uri))
        return conf_error(cf, 1, "invalid-url", "invalid URL prefix");
    if (host.len == 0 || (host.at[0] == ':' && !str_starts(host, STR("::"))))
        return conf_error(cf, 1, "no-host", "no host in upstream \"%.*s%.*s\"", STR_FMT(host),
                          STR_FMT(uri));
    if (uri.len && !may_have_uri(cf))
        return false;
    struct upstream_conf *up = cf->conf;
    t->group = up->group = group_use(cf, host, PORT, 1);
    if (!t->group)
        return false;
    up->probe = make_probe;
    why = set_names(t, host, uri, cf->pool);
    return !why || conf_error(cf, 1, "invalid-url", "%s in upstream \"%.*s\"", why, STR_FMT(host));
}

static bool parse_pass(struct conf *cf, void *field, const void *arg)
{
    struct proxy_target *t = pool_new(cf->pool, struct proxy_target);
    struct location *location = cf->block->data;
    (void)arg;
    *(const struct proxy_target **)field = t;
    if (cf->block->scope == IN_LOCATION && str_ends(location->name, STR("/")))
        location->slash = true;
    t->location = location->name;
    location->upstream = cf->conf;
    if (!template_compile(cf, &t->url, conf_arg(cf, 1), 1))
        return false;
    if (str_starts_ci(t->url.source, STR("https://")))
        return no_tls(cf);
    return !t->url.constant || set_target(cf, t);
}
static const struct conf_type type_pass = { "URL", sizeof(struct proxy_target *), false, parse_pass,
                                            false };

/* --- proxy_redirect default ------------------------------------------------------------------- */

static void redirect_pair(const struct proxy_target *t, struct pool *pool, struct str *from,
                          struct str *to)
{
    *from = t->uri.len ? t->url.text : fmt_pool(pool, "%.*s/", STR_FMT(t->url.text));
    *to = t->uri.len ? t->location : STR("/");
}

static enum redirect_default_result default_pair(struct conf *cf, struct str *from, struct str *to)
{
    const struct proxy_conf *conf = cf->conf;
    if (!conf->target)
        return REDIRECT_DEFAULT_EARLY;
    if (!conf->target->group)
        return REDIRECT_DEFAULT_VARIABLES;
    redirect_pair(conf->target, cf->pool, from, to);
    return REDIRECT_DEFAULT;
}
static const struct redirect_default redirect_default = { default_pair };

/* --- proxy_set_header ------------------------------------------------------------------------- */

static bool parse_header(struct conf *cf, void *field, const void *arg)
{
    struct proxy_header **end = field;
    struct proxy_header *header = pool_new(cf->pool, struct proxy_header);
    (void)arg;
    while (*end)
        end = &(*end)->next;
    *end = header;
    header->name = pool_str(cf->pool, conf_arg(cf, 1));
    return template_compile(cf, &header->value, conf_arg(cf, 2), 2);
}
static const struct conf_type type_header = { "field value", sizeof(struct proxy_header *), true,
                                              parse_header, false };

/* What belongs to one connection, or is said anew. */
static const enum field_id never[] = {
    FIELD_HOST, FIELD_CONNECTION, FIELD_KEEP_ALIVE, FIELD_TE, FIELD_TRAILER, FIELD_UPGRADE,
    FIELD_EXPECT, FIELD_PROXY_CONNECTION, FIELD_TRANSFER_ENCODING, FIELD_CONTENT_LENGTH,
};

/* What a line says for the whole request.  False: it is none, since its value is not for users. */
static bool note_header(struct proxy_lines *lines, const struct proxy_header *header,
                        enum field_id id)
{
    const struct template *value = &header->value;
    lines->host = lines->host || id == FIELD_HOST;
    lines->length = lines->length || id == FIELD_CONTENT_LENGTH;
    lines->connection = lines->connection || id == FIELD_CONNECTION;
    lines->upgrade = lines->upgrade || id == FIELD_UPGRADE;
    if (value->constant && id == FIELD_CONNECTION && field_has_word(value->text, STR("close")))
        lines->close = true;
    if (value->constant && id == FIELD_UPGRADE && value->text.len)
        lines->upgrades = true;
    return id != FIELD_CONTENT_LENGTH && id != FIELD_TRANSFER_ENCODING
           && !(value->constant && value->text.len == 0);
}

static void make_lines(struct conf *cf, struct proxy_conf *conf)
{
    struct proxy_lines *lines = &conf->lines;
    unsigned count = 0;
    struct fmt f;
    for (const struct proxy_header *h = conf->headers; h; h = h->next)
        count++;
    *lines = (struct proxy_lines){ .at = pool_array(cf->pool, count + 1, sizeof(*lines->at)),
                                   .others = { pool_array(cf->pool, count + 1, sizeof(struct str)),
                                               0 } };
    for (unsigned i = 0; i < countof(never); i++)
        lines->known |= UINT64_C(1) << never[i];
    fmt_init_pool(&f, cf->pool, 0, HEAD_MOST);
    for (const struct proxy_header *h = conf->headers; h; h = h->next) {
        const enum field_id id = field_id(h->name);
        if (id == FIELD_OTHER)
            lines->others.at[lines->others.count++] = h->name;
        lines->known |= UINT64_C(1) << id;
        if (!note_header(lines, h, id))
            continue;
        fmt_print(&f, "%.*s: ", (int)line_length(h->name), h->name.at);
        if (h->value.constant) {
            fmt_str(&f, str_of(h->value.text.at, line_length(h->value.text)));
            fmt_str(&f, STR("\r\n"));
            continue;
        }
        struct proxy_line *line = &lines->at[lines->count++];
        const struct str text = fmt_done(&f);
        const size_t name = line_length(h->name) + 2;
        ASSERT(str_sub(text, 0, text.len - name, &line->before)
               && str_from_off(text, text.len - name, &line->name));
        line->value = &h->value;
        line->id = id;
        fmt_init_pool(&f, cf->pool, 0, HEAD_MOST);
    }
    lines->at[lines->count++].before = fmt_done(&f);
}

/* --- configuration ---------------------------------------------------------------------------- */

static const struct conf_name next_names[] = {
    { "error", NEXT_ERROR }, { "timeout", NEXT_TIMEOUT }, { "invalid_header", NEXT_INVALID },
    { "non_idempotent", NEXT_NON_IDEMPOTENT }, { "http_500", NEXT_500 }, { "http_502", NEXT_502 },
    { "http_503", NEXT_503 }, { "http_504", NEXT_504 }, { "http_403", NEXT_403 },
    { "http_404", NEXT_404 }, { "http_429", NEXT_429 }, { "off", NEXT_OFF }, { NULL, 0 },
};
static const struct conf_name version_names[] = { { "1.0", 0 }, { "1.1", 1 }, { NULL, 0 } };
static const struct conf_name upgrade_names[] = { { "auto", UPGRADE_AUTO }, { "off", UPGRADE_OFF },
                                                  { "on", UPGRADE_ON }, { NULL, 0 } };

static bool parse_version(struct conf *cf, void *field, const void *arg)
{
    if (str_eq(conf_arg(cf, 1), STR("2")))
        return conf_error(cf, 1, "not-built", "HTTP/2 to servers is not built into weir yet: "
                          "\"proxy_http_version\" is \"1.0\" or \"1.1\"");
    return conf_type_enum.parse(cf, field, arg);
}
static const struct conf_type type_version = { "1.0 | 1.1", sizeof(unsigned), false, parse_version,
                                               false };

#define PROXY_ROW(name, min, max, type, member, def, arg, help) \
    { name, IN_HSL, min, max, type, FIELD(proxy_conf, member), INHERIT, def, arg, NULL, help, NULL }

static const struct directive rows[] = {
    { "proxy_pass", IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT, 1, 1, &type_pass,
      FIELD(proxy_conf, target), NAMELESS, NULL, NULL, NULL, "where requests are passed to", NULL },
    PROXY_ROW("proxy_set_header", 2, 2, &type_header, headers, NULL, NULL,
              "a field of passed requests; empty: none of that name"),
    PROXY_ROW("proxy_method", 1, 1, &conf_type_template, method, NULL, NULL,
              "method of passed requests"),
    PROXY_ROW("proxy_set_body", 1, 1, &conf_type_template, body, NULL, NULL,
              "body of passed requests"),
    PROXY_ROW("proxy_http_version", 1, 1, &type_version, minor, "1.1", version_names,
              "version of HTTP to servers"),
    PROXY_ROW("proxy_upgrade", 1, 1, &conf_type_enum, upgrade, "auto", upgrade_names,
              "whether Upgrade is passed on by itself; auto: for WebSocket"),
    PROXY_ROW("proxy_pass_trailers", 1, 1, &conf_type_flag, up.pass_trailers, "off", NULL,
              "trailers of answers are passed to clients"),
    PROXY_ROW("proxy_redirect", 1, 2, &conf_type_redirects, redirects, NULL, &redirect_default,
              "what is changed in Location and Refresh"),
    PROXY_ROW("proxy_cookie_domain", 1, 2, &conf_type_cookie_domain, cookies.domain, "off", NULL,
              "what is changed in the Domain of cookies"),
    PROXY_ROW("proxy_cookie_path", 1, 2, &conf_type_cookie_path, cookies.path, "off", NULL,
              "what is changed in the Path of cookies"),
    PROXY_ROW("proxy_cookie_flags", 1, 4, &conf_type_cookie_flags, cookies.flags, "off", NULL,
              "flags of cookies that are set or removed"),
    UPSTREAM_INERT_ROW("proxy_send_lowat", &conf_type_size, "0", "Linux has no such option",
                       "SO_SNDLOWAT of connections to servers"),
    UPSTREAM_CONNECT_ROWS("proxy_"),
    UPSTREAM_SOCKET_ROWS("proxy_"),
    UPSTREAM_NEXT_ROWS("proxy_", next_names),
    UPSTREAM_SIZE_ROW("proxy_"),
    UPSTREAM_HEAD_ROWS("proxy_"),
    UPSTREAM_BUFFER_ROWS("proxy_", TEMP_PATH_PROXY),
    UPSTREAM_BODY_ROWS("proxy_"),
    UPSTREAM_HASH_ROWS("proxy_"),
};

static bool finish(struct conf *cf, void *data, const void *parent)
{
    struct proxy_conf *conf = data;
    struct str from, to;
    (void)parent;
    if (!upstream_conf_finish(cf, &conf->up, "proxy_"))
        return false;
    if (conf->target && conf->target->group) {
        redirect_pair(conf->target, cf->pool, &from, &to);
        rewrites_finish(cf, &conf->redirects, from, to);
    }
    make_lines(cf, conf);
    return true;
}

static struct section section = {
    .name = "proxy", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct proxy_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

static bool enabled(const struct conf_block *block)
{
    const struct proxy_conf *conf = conf_of(block, section);
    return conf && conf->target;
}

/* --- where a request goes --------------------------------------------------------------------- */

static const char key;

/* From variables.  NULL: it cannot be had, which was logged. */
static const struct proxy_target *evaluate(struct request *r, const struct proxy_target *conf)
{
    struct proxy_target *t = request_note(r, &key, sizeof(*t));
    struct str url, host, uri;
    const char *why;
    *t = (struct proxy_target){ .location = conf->location };
    if (!template_eval(&conf->url, &r->subject, &url))
        return NULL;
    if (str_starts_ci(url, STR("https://"))) {
        log_write(&r->log, LOG_ERROR, 0, "https protocol requires TLS to servers, which is not "
                  "built into weir yet: \"%.*s\"", STR_FMT(url));
        return NULL;
    }
    if (!split_url(url, &host, &uri) || host.len == 0) {
        log_write(&r->log, LOG_ERROR, 0, "invalid URL prefix in \"%.*s\"", STR_FMT(url));
        return NULL;
    }
    why = set_names(t, host, uri, r->subject.pool);
    if (why) {
        log_write(&r->log, LOG_ERROR, 0, "%s in upstream \"%.*s\"", why, STR_FMT(host));
        return NULL;
    }
    if (t->host.len == host.len)        /* without a port */
        t->group = group_find(r->subject.local, host);
    return t;
}

/* --- the head of the request ------------------------------------------------------------------ */

struct making {
    struct request *r;
    const struct proxy_conf *conf;
    const struct proxy_target *target;
    struct h1_request *q;
    struct fmt f;
    struct str upgrade;                 /* the protocol that is passed on by itself */
    struct str *nominated;              /* names of fields, in the client's Connection */
    unsigned nnominated;
    bool stream;
    unsigned status;                    /* when it cannot be made */
};

/* The target as the client has sent it, from its path on; empty: that is not to be had. */
static struct str raw_target(const struct request *r)
{
    struct str target = r->in.target, authority;
    const ssize_t scheme = str_find(target, STR("://"));
    if (target.len && target.at[0] == '/')
        return target;
    if (scheme < 0 || !str_from_off(target, (size_t)scheme + 3, &authority))
        return STR_NONE;
    const ssize_t slash = str_chr(authority, '/'), args = str_chr(authority, '?');
    if (slash < 0 || (args >= 0 && args < slash)
        || !str_from_off(authority, (size_t)slash, &target))
        return STR_NONE;
    return target;
}

static bool was_escaped(const struct request *r)
{
    struct str path, args;
    str_cut(r->in.target, '?', &path, &args);
    return str_chr(path, '%') >= 0;
}

static void add_path(struct making *m, struct str path)
{
    if (m->r->internal || was_escaped(m->r))
        escape_uri(&m->f, path, ESCAPE_URI);
    else
        add_safe(&m->f, path);
}

static void add_target(struct making *m)
{
    const struct request *r = m->r;
    const struct proxy_target *t = m->target;
    const struct str raw = r->target_stale || t->uri.len ? STR_NONE : raw_target(r);
    struct str rest = r->in.path;
    if (raw.len) {
        fmt_str(&m->f, raw);
        return;
    }
    if (t->uri.len) {
        const bool whole = !m->conf->target->group;     /* of variables: it is the whole target */
        if (whole || (!r->path_stays && str_starts(rest, t->location)))
            fmt_str(&m->f, t->uri);
        if (whole)
            return;
        if (!r->path_stays && str_starts(rest, t->location))
            (void)!str_from_off(rest, t->location.len, &rest);
    }
    add_path(m, rest);
    if (r->in.args.len) {
        fmt_char(&m->f, '?');
        add_safe(&m->f, r->in.args);
    }
}

static bool add_method(struct making *m)
{
    struct request *r = m->r;
    struct str method = r->in.method_name;
    if (m->conf->method.source.at) {
        if (!template_eval(&m->conf->method, &r->subject, &method))
            return false;
        if (method.len == 0)
            method = r->in.method_name;
    }
    if (!is_token(method)) {
        log_write(&r->log, LOG_ERROR, 0, "invalid method \"%.*s\" in \"proxy_method\"",
                  STR_FMT(method));
        return false;
    }
    m->q->bodiless = str_eq(method, STR("HEAD"));
    fmt_str(&m->f, method);
    return true;
}

/* What a line with variables says for this request. */
static void note_value(struct making *m, enum field_id id, struct str value)
{
    if (id == FIELD_CONNECTION && field_has_word(value, STR("close")))
        m->q->close = true;
    if (id == FIELD_UPGRADE)
        m->q->upgrade = true;
}

static bool add_lines(struct making *m)
{
    const struct proxy_lines *lines = &m->conf->lines;
    struct fmt *f = &m->f;
    for (unsigned i = 0; i < lines->count; i++) {
        const struct proxy_line *line = &lines->at[i];
        fmt_str(f, line->before);
        if (!line->value)
            break;
        const size_t begin = f->len;
        fmt_str(f, line->name);
        const size_t from = f->len;
        if (!template_append(line->value, &m->r->subject, f, NULL, STR("")) || f->failed)
            return false;
        const struct str value = str_of(f->at + from, f->len - from);
        f->len = from + line_length(value);
        if (f->len == from) {
            f->len = begin;
            continue;
        }
        note_value(m, line->id, str_of(f->at + from, f->len - from));
        fmt_str(f, STR("\r\n"));
    }
    m->q->close = m->q->close || lines->close || (m->q->minor == 0 && !lines->connection);
    m->q->upgrade = m->q->upgrade || lines->upgrades;
    if (!lines->host) {
        fmt_str(f, STR("Host: "));
        fmt_str(f, m->target->name);
        fmt_str(f, STR("\r\n"));
    }
    return true;
}

static void add_length(struct making *m, int64_t length)
{
    m->q->framing = length ? H1_OUT_LENGTH : H1_OUT_NONE;
    fmt_print(&m->f, "Content-Length: %lld\r\n", (long long)length);
}

/* That of a main request is nothing for a subrequest that only gets something. */
static bool has_body(const struct request *r)
{
    return r->main->body && !(r->parent && (r->in.method & (METHOD_GET | METHOD_HEAD)));
}

static bool add_framing(struct making *m)
{
    struct request *r = m->r;
    const struct proxy_conf *conf = m->conf;
    const bool asked = has_body(r) || fields_known(&r->in.fields, FIELD_CONTENT_LENGTH);
    if (conf->body.source.at) {
        if (!template_eval(&conf->body, &r->subject, &m->q->body))
            return false;
        add_length(m, (int64_t)m->q->body.len);
    } else if (m->stream && r->body->length < 0) {
        m->q->framing = H1_OUT_CHUNKED;
        fmt_str(&m->f, STR("Transfer-Encoding: chunked\r\n"));
    } else if (m->stream)
        add_length(m, r->body->length);
    else if (conf->up.pass_body && has_body(r) && body_size(r) > 0)
        add_length(m, body_size(r));
    else if (asked && !r->parent && !conf->lines.length)
        add_length(m, 0);
    return true;
}

static bool is_plain_option(struct str word)
{
    static const struct str plain[] = { STR_INIT("close"), STR_INIT("keep-alive"),
                                        STR_INIT("upgrade"), STR_INIT("te"), STR_INIT("") };
    for (unsigned i = 0; i < countof(plain); i++)
        if (str_eq_ci(word, plain[i]))
            return true;
    return false;
}

/* Options that are names of fields: those are not for the server.  False: too many, since each is
 * compared with each field. */
static bool find_nominated(struct making *m)
{
    const struct fields *fields = &m->r->in.fields;
    const struct field *field = fields_known(fields, FIELD_CONNECTION);
    for (; field; field = fields_next(fields, field)) {
        struct str list = field->value, word;
        while (list.len) {
            str_cut(list, ',', &word, &list);
            word = str_trim(word);
            if (is_plain_option(word) || h1_is_end_to_end(word))
                continue;
            if (m->nnominated == NOMINATED_MOST)
                return false;
            if (!m->nominated)
                m->nominated = pool_array(m->r->subject.pool, NOMINATED_MOST, sizeof(word));
            m->nominated[m->nnominated++] = word;
        }
    }
    return true;
}

static bool is_nominated(const struct making *m, struct str name)
{
    for (unsigned i = 0; i < m->nnominated; i++)
        if (str_eq_ci(m->nominated[i], name))
            return true;
    return false;
}

static bool passes(const struct making *m, const struct field *field)
{
    const struct proxy_lines *lines = &m->conf->lines;
    if (field->id != FIELD_OTHER) {
        if (lines->known >> field->id & 1)
            return false;
    } else
        for (unsigned i = 0; i < lines->others.count; i++)
            if (str_eq_ci(lines->others.at[i], field->name))
                return false;
    return !is_nominated(m, field->name);
}

static void add_fields(struct making *m)
{
    const struct fields *fields = &m->r->in.fields;
    if (m->upgrade.len)
        fmt_print(&m->f, "Upgrade: %.*s\r\nConnection: upgrade\r\n", STR_FMT(m->upgrade));
    for (unsigned i = 0; m->conf->up.pass_headers && i < fields->count; i++) {
        const struct field *field = &fields->at[i];
        if (!passes(m, field))
            continue;
        fmt_str(&m->f, field->name);
        fmt_str(&m->f, STR(": "));
        fmt_str(&m->f, field->value);
        fmt_str(&m->f, STR("\r\n"));
    }
}

/* The one field of that kind that a client may send to leave HTTP; h2c never passes. */
static struct str wanted_upgrade(const struct request *r, const struct proxy_conf *conf)
{
    const struct fields *fields = &r->in.fields;
    const struct field *upgrade = fields_known(fields, FIELD_UPGRADE);
    const struct field *connection = fields_known(fields, FIELD_CONNECTION);
    bool named = false;
    if (!upgrade || conf->upgrade == UPGRADE_OFF || conf->lines.upgrade || conf->lines.connection
        || conf->minor == 0 || r->in.minor == 0 || r->in.method != METHOD_GET || r->body
        || r->parent || fields_next(fields, upgrade))
        return STR_NONE;
    for (; connection; connection = fields_next(fields, connection))
        named = named || field_has_word(connection->value, STR("upgrade"));
    if (!named || !is_token(upgrade->value))
        return STR_NONE;
    if (!str_eq_ci(upgrade->value, STR("websocket"))
        && (conf->upgrade == UPGRADE_AUTO || str_starts_ci(upgrade->value, STR("h2"))))
        return STR_NONE;
    return upgrade->value;
}

/* The client has asked to leave HTTP: one that has not would take the tunnel for an answer. */
static bool may_upgrade(const struct request *r)
{
    return fields_known(&r->in.fields, FIELD_UPGRADE) && r->in.minor > 0 && !r->parent;
}

/* *target: what of the head is that.  False: it cannot be made. */
static bool make_head(struct making *m, struct str *target)
{
    struct h1_request *q = m->q;
    fmt_init_pool(&m->f, m->r->subject.pool, 1024, HEAD_MOST);
    q->minor = m->conf->minor;
    if (!add_method(m))
        return false;
    fmt_char(&m->f, ' ');
    const size_t from = m->f.len;
    add_target(m);
    const size_t to = m->f.len;
    fmt_str(&m->f, q->minor ? STR(" HTTP/1.1\r\n") : STR(" HTTP/1.0\r\n"));
    if (!add_lines(m) || !add_framing(m))
        return false;
    if (!find_nominated(m)) {
        log_write(&m->r->log, LOG_INFO, 0, "client sent too many options in \"Connection\" "
                  "header");
        m->status = 400;
        return false;
    }
    m->upgrade = wanted_upgrade(m->r, m->conf);
    q->upgrade = m->upgrade.len || (q->upgrade && may_upgrade(m->r));
    add_fields(m);
    fmt_str(&m->f, STR("\r\n"));
    q->head = fmt_done(&m->f);
    if (!m->f.failed && str_sub(q->head, from, to - from, target))
        return true;
    log_write(&m->r->log, LOG_ERROR, 0, "the head of a request to an upstream is too large");
    return false;
}

/* --- the content step ------------------------------------------------------------------------- */

/* Whether the body is passed on while it comes; if not, all of it is read first. */
static bool streams(const struct request *r, const struct proxy_conf *conf)
{
    const struct body *body = r->body;
    return body && !r->parent && !conf->up.request_buffering && conf->up.pass_body
           && !conf->body.source.at && body->state == BODY_WAITING
           && (conf->minor > 0 || body->length >= 0);
}

static enum step run(struct request *r)
{
    const struct proxy_conf *conf = request_conf(r, section);
    const bool stream = streams(r, conf);
    struct upstream *u = upstream_of(r);
    struct making m = { .r = r, .conf = conf, .target = conf->target, .stream = stream,
                        .status = 500 };
    struct str target;
    if (u)
        return upstream_step(u);
    const enum step step = stream ? STEP_NEXT : body_read(r);
    if (step != STEP_NEXT)
        return step;
    if (!conf->target->group && !(m.target = evaluate(r, conf->target)))
        return request_fail(r, 500);
    m.q = pool_new(r->subject.pool, struct h1_request);
    if (!make_head(&m, &target))
        return request_fail(r, m.status);
    m.q->redirects = conf->redirects.first ? &conf->redirects : NULL;
    m.q->cookies = cookie_rewrites_any(&conf->cookies) ? &conf->cookies : NULL;
    u = upstream_new(r, &upstream_http1, &conf->up, m.q);
    u->group = m.target->group;
    u->host = m.target->host;
    u->port = m.target->port;
    u->scheme = STR("http://");
    u->uri = target;
    u->stream_body = stream;
    return upstream_step(u);
}

/* --- variables -------------------------------------------------------------------------------- */

static const struct proxy_target *target_of(struct request *r)
{
    const struct proxy_conf *conf = request_conf(r, section);
    if (conf && conf->target && conf->target->group)
        return conf->target;
    return request_note(r, &key, 0);
}

GETTER(host)
{
    const struct proxy_target *t = target_of(request_of(s));
    (void)entry;
    return t ? value_give(out, t->name) : value_none(out);
}

GETTER(port)
{
    const struct proxy_target *t = target_of(request_of(s));
    (void)entry;
    return t ? value_give(out, t->port_text) : value_none(out);
}

GETTER(forwarded_for)
{
    struct request *r = request_of(s);
    struct inet_address client;
    struct value before = { STR_NONE, false };
    struct fmt f;
    (void)entry;
    if (!vars_join_fields(s, &r->in.fields, STR("x_forwarded_for"), STR(", "), &before))
        return false;
    fmt_init_pool(&f, s->pool, before.text.len + 48, HEAD_MOST);
    fmt_str(&f, before.text);
    fmt_text(&f, before.text.len ? ", " : "");
    request_client(r, &client);
    if (client.any.sa_family == AF_UNIX)
        fmt_text(&f, "unix:");
    else
        inet_write(&f, &client, false);
    return !f.failed && value_give(out, fmt_done(&f));
}

static const struct variable variables[] = {
    { "proxy_host", get_host, VARS_VOLATILE, 0, "where proxy_pass passes to: host and port", NULL },
    { "proxy_port", get_port, VARS_VOLATILE, 0, "its port", NULL },
    { "proxy_add_x_forwarded_for", get_forwarded_for, VARS_VOLATILE, 0,
      "X-Forwarded-For of the client with its address behind it", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static const struct phase_step steps[] = { { PHASE_HANDLER, "proxy", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_proxy_module = {
    .module = { .name = "ngx_http_proxy_module", .protocol = "http", .sections = sections,
                .variables = variables },
    .steps = steps,
};
