/*
 * Responses: text, error pages, redirects, files.
 * Owns, through the request's pool, the file that is being sent.
 */
#include "http/response.h"

#include "http/core_conf.h"

#include <time.h>

enum { FILE_CHUNK = 1 << 20 };

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

/* --- text ------------------------------------------------------------------------------------- */

struct text_source {
    struct source source;
    struct request *request;
    struct str body;
};

static void text_pull(struct source *source, struct sink *sink)
{
    struct text_source *t = container_of(source, struct text_source, source);
    struct chain data;
    chain_init(&data);
    if (t->body.len)
        chain_add(&data, &t->request->pool, t->body);
    sink->write(sink, &data, LAST);
}

static void no_cancel(struct source *source)
{
    (void)source;
}

enum step response_text(struct request *r, unsigned status, struct str type, struct str body)
{
    struct text_source *t = pool_new(&r->pool, struct text_source);
    t->source = (struct source){ text_pull, no_cancel };
    t->request = r;
    t->body = body;
    r->source = &t->source;
    r->out.status = status;
    r->out.content_type = type;
    r->out.length = (int64_t)body.len;
    return STEP_DONE;
}

enum step response_error(struct request *r, unsigned status)
{
    const char *reason = response_reason(status);
    struct fmt f;
    if (status == 494)
        status = 400;
    r->out.fields.count = 0;
    r->out.last_modified = -1;
    r->out.etag = STR_NONE;
    if (!reason)
        return response_text(r, status, STR("text/html"), STR_NONE);
    fmt_init_pool(&f, &r->pool, 256, 1024);
    fmt_print(&f, "<html>\r\n<head><title>%u %s</title></head>\r\n<body>\r\n<center><h1>%u %s</h1>"
                  "</center>\r\n<hr><center>%s</center>\r\n</body>\r\n</html>\r\n",
              status, reason, status, reason, http_server_name(r));
    return response_text(r, status, STR("text/html"), fmt_done(&f));
}

/* --- redirects -------------------------------------------------------------------------------- */

static bool default_port(unsigned port)
{
    return port == 80;
}

enum step response_redirect(struct request *r, unsigned status, struct str to)
{
    const enum step step = response_error(r, status);
    struct inet_address local;
    struct fmt f;
    conn_local(r->subject.conn, &local);
    const unsigned port = inet_port(&local);
    if (to.len == 0 || to.at[0] != '/') {
        r->out.location = to;
        return step;
    }
    fmt_init_pool(&f, &r->pool, 128, 65536);
    fmt_print(&f, "http://%.*s", STR_FMT(r->in.host.len ? r->in.host : r->server->name));
    if (port && !default_port(port))
        fmt_print(&f, ":%u", port);
    fmt_str(&f, to);
    r->out.location = fmt_done(&f);
    return step;
}

/* --- files ------------------------------------------------------------------------------------ */

struct file_source {
    struct source source;
    struct request *request;
    int fd;
    int64_t at, size;
};

static void file_pull(struct source *source, struct sink *sink)
{
    struct file_source *s = container_of(source, struct file_source, source);
    struct chain data;
    enum flow flow = FLOW_OK;
    do {
        const int64_t left = s->size - s->at;
        const size_t n = left > FILE_CHUNK ? FILE_CHUNK : (size_t)left;
        chain_init(&data);
        if (n)
            chain_add_file(&data, &s->request->pool, s->fd, (off_t)s->at, n);
        s->at += (int64_t)n;
        flow = sink->write(sink, &data, s->at == s->size ? LAST : MORE);
    } while (flow == FLOW_OK && s->at < s->size);
}

static void close_file(void *data)
{
    const struct file_source *s = data;
    close(s->fd);
}

enum step response_file(struct request *r, int fd, struct str path, int64_t size, time_t modified)
{
    struct file_source *s = pool_new(&r->pool, struct file_source);
    s->source = (struct source){ file_pull, no_cancel };
    s->request = r;
    s->fd = fd;
    s->size = size;
    pool_on_free(&r->pool, close_file, s);
    r->source = &s->source;
    r->out.status = 200;
    r->out.content_type = http_type_of(r, path);
    r->out.length = size;
    r->out.last_modified = modified;
    r->out.etag = fmt_pool(&r->pool, "\"%llx-%llx\"", (unsigned long long)modified,
                           (unsigned long long)size);
    return STEP_DONE;
}
