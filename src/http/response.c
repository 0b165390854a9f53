/*
 * Responses: text and redirects.  What is sent lies in the request's pool.
 */
#include "http/response.h"

#include "core/date.h"
#include "core/escape.h"
#include "http/core_conf.h"
#include "http/trace.h"

const char *response_reason(unsigned status)
{
    switch (status) {
#define STATUS(code, reason) \
    case code: \
        return reason;
#include "http/status.def"
#undef STATUS
    default:
        return NULL;
    }
}

bool response_is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

enum step response_source(struct request *r, struct source *source)
{
    r->source = source;
    return STEP_DONE;
}

/* --- text ------------------------------------------------------------------------------------- */

struct text_source {
    struct source source;
    struct request *request;
    struct str body, rest;
};

static void text_pull(struct source *source, struct sink *sink)
{
    struct text_source *t = container_of(source, struct text_source, source);
    struct chain data;
    chain_init(&data);
    chain_add(&data, t->request->subject.pool, t->rest);
    sink->write(sink, &data, LAST);
}

static void text_cancel(struct source *source)
{
    (void)source;
}

static void text_slice(struct source *source, int64_t from, int64_t to)
{
    struct text_source *t = container_of(source, struct text_source, source);
    ASSERT(str_sub(t->body, (size_t)from, (size_t)(to - from), &t->rest));
}

struct source *response_text_source(struct request *r, struct str body)
{
    struct text_source *t = pool_new(r->subject.pool, struct text_source);
    t->source = (struct source){ text_pull, text_cancel, text_slice };
    t->request = r;
    t->body = t->rest = body;
    return &t->source;
}

enum step response_text(struct request *r, unsigned status, struct str type, struct str body)
{
    r->out.status = status;
    r->out.content_type = type;
    r->out.length = (int64_t)body.len;
    return response_source(r, response_text_source(r, body));
}

/* --- redirects -------------------------------------------------------------------------------- */

/* Without a name it is the address that the client came to. */
static void add_origin(struct request *r, struct fmt *f)
{
    const struct http_location_conf *conf = http_location_conf(r);
    const struct str host = conf->server_name_in_redirect ? r->server->name : r->in.host;
    struct inet_address local;
    conn_local(r->subject.conn, &local);
    const unsigned port = inet_port(&local);
    const bool brackets = host.len == 0 && local.len && local.any.sa_family == AF_INET6;
    fmt_text(f, brackets ? "http://[" : "http://");
    if (host.len)
        fmt_str(f, host);
    else
        inet_write(f, &local, false);
    if (brackets)
        fmt_char(f, ']');
    if (conf->port_in_redirect && port && port != 80)
        fmt_print(f, ":%u", port);
}

void response_location(struct request *r, struct str to)
{
    struct fmt f;
    r->out.location = to;
    if (to.len && to.at[0] == '/' && http_location_conf(r)->absolute_redirect) {
        fmt_init_pool(&f, r->subject.pool, to.len + 64, 65536);
        add_origin(r, &f);
        fmt_str(&f, to);
        r->out.location = fmt_done(&f);
    }
}

enum step response_redirect(struct request *r, unsigned status, struct str to)
{
    response_location(r, to);
    http_tell(r, TRACE_REWRITE, r->out.location, "is where the client is sent");
    return request_fail(r, status);
}

enum step response_add_slash(struct request *r)
{
    struct fmt f;
    fmt_init_pool(&f, r->subject.pool, 128, 65536);
    escape_uri(&f, r->in.path, ESCAPE_URI);
    fmt_char(&f, '/');
    if (r->in.args.len) {
        fmt_char(&f, '?');
        fmt_str(&f, r->in.args);
    }
    return response_redirect(r, 301, fmt_done(&f));
}

/* --- fields ----------------------------------------------------------------------------------- */

void response_add(struct request *r, struct str name, struct str value)
{
    fields_add(&r->out.fields, r->subject.pool, name, value);
}

/* False: it is no date, or one in another form. */
static bool set_last_modified(struct request *r, struct str value)
{
    char text[DATE_HTTP];
    int64_t date;
    r->out.last_modified = -1;
    if (!date_parse(value, r->began / 1000, &date) || !str_eq(value, date_http(date, text)))
        return false;
    r->out.last_modified = date;
    return true;
}

void response_set(struct request *r, struct str name, struct str value)
{
    fields_remove(&r->out.fields, name);
    if (str_eq_ci(name, STR("Content-Type"))) {
        r->out.content_type = value;
        r->out.charset = STR_NONE;
    } else if (str_eq_ci(name, STR("Location")))
        r->out.location = value;
    else if (str_eq_ci(name, STR("ETag")))
        r->out.etag = value;
    else if (str_eq_ci(name, STR("Content-Length")))
        r->out.length = value.len ? r->out.length : -1;
    else if (!str_eq_ci(name, STR("Last-Modified")) || !set_last_modified(r, value)) {
        if (str_eq_ci(name, STR("Server")))
            r->out.anonymous = value.len == 0;
        if (value.len)
            response_add(r, name, value);
    }
}

void response_weaken_etag(struct request *r)
{
    if (r->out.etag.len && !str_starts(r->out.etag, STR("W/")))
        r->out.etag = fmt_pool(r->subject.pool, "W/%.*s", STR_FMT(r->out.etag));
}

void response_transformed(struct request *r)
{
    r->out.length = -1;
    r->out.ranges = false;
    response_weaken_etag(r);
}
