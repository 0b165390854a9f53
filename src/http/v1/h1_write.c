/*
 * HTTP/1 responses: heads, chunks, trailers.  Builds into the request's pool; owns nothing.
 */
#include "http/v1/h1_write.h"

#include "core/date.h"
#include "event/worker.h"
#include "http/core_conf.h"
#include "http/response.h"

enum { HEAD_FIRST = 512, HEAD_MOST = 256 << 10 };

struct line {
    unsigned status;
    struct str text;
};

static const struct line lines[] = {
#define STATUS(code, reason) { code, STR_INIT("HTTP/1.1 " #code " " reason "\r\n") },
#include "http/status.def"
#undef STATUS
};

static void add_line(struct fmt *f, unsigned status, struct str reason)
{
    if (reason.len) {
        fmt_str(f, STR("HTTP/1.1 "));
        fmt_u64_width(f, status, 3);
        fmt_char(f, ' ');
        fmt_str(f, reason);
        fmt_str(f, STR("\r\n"));
        return;
    }
    if (status == 200) {
        fmt_str(f, STR("HTTP/1.1 200 OK\r\n"));
        return;
    }
    for (unsigned i = 0; i < countof(lines); i++)
        if (lines[i].status == status) {
            fmt_str(f, lines[i].text);
            return;
        }
    fmt_print(f, "HTTP/1.1 %03u \r\n", status);
}

/* No field of a response can end its line: what configuration or a backend puts there is cut at
 * the first CR, LF or NUL. */
static struct str clean(struct str value)
{
    if (!str_has_controls(value))
        return value;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0')
            return str_of(value.at, i);
    return value;
}

static void add_field(struct fmt *f, struct str name, struct str value)
{
    fmt_str(f, clean(name));
    fmt_str(f, STR(": "));
    fmt_str(f, clean(value));
    fmt_str(f, STR("\r\n"));
}

static void add_fields(struct fmt *f, const struct fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++)
        add_field(f, fields->at[i].name, fields->at[i].value);
}

static void add_server(struct request *r, struct fmt *f)
{
    const struct http_location_conf *conf = http_location_conf(r);
    if (r->out.anonymous || fields_find(&r->out.fields, STR("Server")))
        return;
    if (conf->server_field.at) {
        fmt_str(f, conf->server_field);
        return;
    }
    const struct str text = http_server_text(r);
    if (text.len)
        add_field(f, STR("Server"), text);
}

static void add_type(const struct request *r, struct fmt *f)
{
    if (r->out.content_type.len == 0)
        return;
    fmt_str(f, STR("Content-Type: "));
    fmt_str(f, clean(r->out.content_type));
    if (r->out.charset.len) {
        fmt_str(f, STR("; charset="));
        fmt_str(f, clean(r->out.charset));
    }
    fmt_str(f, STR("\r\n"));
}

static void add_framing(const struct request *r, struct fmt *f, const struct h1_framing *how)
{
    if (how->chunked)
        fmt_str(f, STR("Transfer-Encoding: chunked\r\n"));
    if (!how->keep)
        fmt_str(f, how->upgrade ? STR("Connection: upgrade\r\n") : STR("Connection: close\r\n"));
    else {
        fmt_str(f, STR("Connection: keep-alive\r\n"));
        if (http_location_conf(r)->keepalive_header)
            fmt_print(f, "Keep-Alive: timeout=%lld\r\n",
                      (long long)http_location_conf(r)->keepalive_header);
    }
}

void h1_write_head(struct request *r, const struct h1_framing *how, struct chain *to)
{
    struct worker *w = r->subject.conn->worker;
    struct fmt f;
    char date[DATE_HTTP];
    fmt_init_pool(&f, r->subject.pool, HEAD_FIRST, HEAD_MOST);
    add_line(&f, r->out.status, r->out.reason_of == r->out.status ? r->out.reason : STR_NONE);
    add_server(r, &f);
    if (r->out.fields.count == 0 || !fields_known(&r->out.fields, FIELD_DATE)) {
        fmt_str(&f, STR("Date: "));
        fmt_str(&f, worker_http_date(w));
        fmt_str(&f, STR("\r\n"));
    }
    add_type(r, &f);
    if (r->out.length >= 0 && !how->chunked) {
        fmt_str(&f, STR("Content-Length: "));
        fmt_i64(&f, r->out.length);
        fmt_str(&f, STR("\r\n"));
    }
    if (r->out.last_modified >= 0) {
        fmt_str(&f, STR("Last-Modified: "));
        fmt_str(&f, r->out.modified_text.len && r->out.modified_of == r->out.last_modified
                ? clean(r->out.modified_text) : date_http(r->out.last_modified, date));
        fmt_str(&f, STR("\r\n"));
    }
    if (r->out.location.len)
        add_field(&f, STR("Location"), r->out.location);
    add_framing(r, &f, how);
    if (r->out.etag.len)
        add_field(&f, STR("ETag"), r->out.etag);
    add_fields(&f, &r->out.fields);
    fmt_str(&f, STR("\r\n"));
    const struct str head = fmt_done(&f);
    if (f.failed) {
        log_write(&r->log, LOG_ERROR, 0, "the head of a response is too large");
        request_abort(r);
    }
    chain_add(to, r->subject.pool, head);
}

/* What is sent before the answer may outlive the request: one that ends without an answer does not
 * wait for it. */
void h1_write_informational(struct request *r, unsigned status, const struct fields *fields,
                            struct chain *to)
{
    struct fmt f;
    fmt_init_pool(&f, r->subject.pool, 64, HEAD_MOST);
    add_line(&f, status, STR_NONE);
    if (fields)
        add_fields(&f, fields);
    fmt_str(&f, STR("\r\n"));
    (void)!chain_add_heap(to, fmt_done(&f));    /* clients do without */
}

/* Around the bytes of a chunk, of which an answer may have any number. */
struct frame {
    struct buf head, tail, mark;
    char size[20];
};

static void add_chunk(struct request *r, struct chain *data, struct chain *to)
{
    struct frame *frame = malloc(sizeof(*frame));
    struct fmt f;
    if (!frame) {
        log_write(&r->log, LOG_ALERT, ENOMEM, "no memory for a chunk of a response");
        request_abort(r);
        chain_drop(data);
        return;
    }
    fmt_init(&f, frame->size, sizeof(frame->size));
    fmt_print(&f, "%zx\r\n", data->bytes);
    const struct str size = fmt_done(&f);
    frame->head = (struct buf){ .kind = BUF_MEMORY, .at = size.at, .len = size.len, .fd = -1 };
    frame->tail = (struct buf){ .kind = BUF_MEMORY, .at = "\r\n", .len = 2, .fd = -1 };
    chain_append(to, &frame->head);
    chain_move(to, data);
    chain_append(to, &frame->tail);
    chain_add_free(to, &frame->mark, frame);
}

void h1_write_chunk(struct request *r, struct chain *data, struct chain *to, bool last)
{
    struct pool *pool = r->subject.pool;
    struct fmt f;
    if (data->bytes)
        add_chunk(r, data, to);
    else
        chain_move(to, data);
    if (!last)
        return;
    if (r->out.trailers.count == 0) {
        chain_add(to, pool, STR("0\r\n\r\n"));
        return;
    }
    fmt_init_pool(&f, pool, 128, HEAD_MOST);
    fmt_str(&f, STR("0\r\n"));
    add_fields(&f, &r->out.trailers);
    fmt_str(&f, STR("\r\n"));
    chain_add(to, pool, fmt_done(&f));
}
