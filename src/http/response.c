/*
 * Responses: text and redirects.  What is sent lies in the request's pool.
 */
#include "http/response.h"

#include "core/escape.h"
#include "http/core_conf.h"

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

static void add_origin(struct request *r, struct fmt *f)
{
    const struct http_location_conf *conf = http_location_conf(r);
    const bool own = conf->server_name_in_redirect || r->in.host.len == 0;
    struct inet_address local;
    struct str host = own ? r->server->name : r->in.host;
    conn_local(r->subject.conn, &local);
    const unsigned port = inet_port(&local);
    fmt_text(f, "http://");
    if (host.len == 0)
        inet_write(f, &local, false);
    fmt_str(f, host);
    if (conf->port_in_redirect && port && port != 80)
        fmt_print(f, ":%u", port);
}

enum step response_redirect(struct request *r, unsigned status, struct str to)
{
    struct fmt f;
    r->out.location = to;
    if (to.len && to.at[0] == '/' && http_location_conf(r)->absolute_redirect) {
        fmt_init_pool(&f, r->subject.pool, to.len + 64, 65536);
        add_origin(r, &f);
        fmt_str(&f, to);
        r->out.location = fmt_done(&f);
    }
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
