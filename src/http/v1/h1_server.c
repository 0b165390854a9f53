/*
 * The server side of HTTP/1.  Owns the stream of a connection and its read buffer; the request
 * that is served owns itself and tells when it ends.
 */
#include "http/v1/h1_server.h"

#include "core/date.h"
#include "event/listener.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/uri.h"
#include "http/v1/h1_parse.h"

#include <time.h>

enum { LINGER_MS = 5000, BUFFER_FIRST = 1024, HEAD_MOST = 64 << 10, SKIP_MOST = 1 << 20 };

enum h1_state { H1_WAITING, H1_READING, H1_BUSY, H1_LINGERING };

struct h1 {
    struct conn *c;
    struct request *request;            /* BUSY */
    enum h1_state state;
    char *buffer;                       /* NULL: nothing was read */
    size_t len, room;
    bool keep;                          /* the client and the request allow another one */
    int64_t keepalive_timeout;
    int64_t send_timeout;
    uint64_t sent;                      /* of the connection, when the timer was set */
    int64_t skip;                       /* bytes of a body that nobody read */
};

/* --- the end ---------------------------------------------------------------------------------- */

static void drop_buffer(struct h1 *h)
{
    free(h->buffer);
    h->buffer = NULL;
    h->len = h->room = 0;
}

static void end(struct h1 *h)
{
    drop_buffer(h);
    h->c->data = NULL;
    h->c->handler = NULL;
    conn_close(h->c);
    free(h);
}

/* What the client still sends is read and thrown away for a while: closing at once would make the
 * kernel answer with a reset, which can overtake the response. */
static void linger(struct h1 *h)
{
    drop_buffer(h);
    h->state = H1_LINGERING;
    conn_shutdown(h->c);
    conn_timer(h->c, LINGER_MS);
}

static void discard(struct h1 *h)
{
    char bytes[4096];
    size_t got;
    enum io io;
    while ((io = conn_recv(h->c, bytes, sizeof(bytes), &got)) == IO_OK)
        ;
    if (io != IO_AGAIN)
        end(h);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void add_field(struct fmt *f, const char *name, struct str value)
{
    if (!value.len)
        return;
    fmt_text(f, name);
    fmt_text(f, ": ");
    fmt_str(f, value);
    fmt_text(f, "\r\n");
}

static void add_connection(struct fmt *f, const struct h1 *h, int64_t header)
{
    fmt_text(f, h->keep ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    if (h->keep && header)
        fmt_print(f, "Keep-Alive: timeout=%lld\r\n", (long long)header);
}

static void add_date(struct fmt *f, const char *name, time_t when)
{
    char date[DATE_HTTP];
    fmt_print(f, "%s: %.*s\r\n", name, STR_FMT(date_http(when, date)));
}

static void send_head(struct request *r, enum mark mark)
{
    struct h1 *h = r->stream;
    const struct http_location_conf *conf = http_location_conf(r);
    const char *reason = response_reason(r->out.status);
    struct chain data;
    struct fmt f;
    (void)mark;
    if (r->out.close || r->out.length < 0 || worker_wants_close(h->c) ||
        conf->keepalive_timeout == 0 || h->c->requests >= conf->keepalive_requests)
        h->keep = false;
    h->keepalive_timeout = conf->keepalive_timeout;
    fmt_init_pool(&f, &r->pool, 512, HEAD_MOST);
    fmt_print(&f, "HTTP/1.1 %u %s\r\nServer: %s\r\n", r->out.status, reason ? reason : "",
              http_server_name(r));
    add_date(&f, "Date", (time_t)(r->began / 1000));
    if (r->out.status != 204 && r->out.status != 304)
        add_field(&f, "Content-Type", r->out.content_type);
    if (r->out.length >= 0 && r->out.status != 204)
        fmt_print(&f, "Content-Length: %lld\r\n", (long long)r->out.length);
    if (r->out.last_modified >= 0)
        add_date(&f, "Last-Modified", r->out.last_modified);
    add_field(&f, "Location", r->out.location);
    add_connection(&f, h, conf->keepalive_header);
    add_field(&f, "ETag", r->out.etag);
    for (unsigned i = 0; i < r->out.fields.count; i++)
        add_field(&f, r->out.fields.at[i].name.at, r->out.fields.at[i].value);
    fmt_text(&f, "\r\n");
    chain_init(&data);
    chain_add(&data, &r->pool, fmt_done(&f));
    conn_send(h->c, &data);
}

static void last_passed(struct buf *mark, bool sent)
{
    request_sent(mark->data, sent);
}

static enum flow send_body(struct request *r, struct chain *data, enum mark mark)
{
    struct h1 *h = r->stream;
    if (mark == LAST)
        chain_add_mark(data, &r->pool, last_passed, r);
    h->send_timeout = http_location_conf(r)->send_timeout;
    h->sent = h->c->sent;
    conn_timer(h->c, h->send_timeout);
    return conn_send(h->c, data);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void wait_for_next(struct h1 *h)
{
    h->state = H1_WAITING;
    conn_timer(h->c, h->keepalive_timeout);
    if (h->len == 0)
        drop_buffer(h);
    worker_idle(h->c, true);
    loop_post(h->c->loop, &h->c->ready_task);
}

static void finish(struct request *r, enum ending how)
{
    struct h1 *h = r->stream;
    h->request = NULL;
    if (how == ENDING_RESET) {
        chain_drop(&h->c->out);         /* what is left of it lies in the request's pool */
        end(h);
    } else if (how == ENDING_CLOSE || !h->keep)
        linger(h);
    else
        wait_for_next(h);
}

static const struct codec codec = {
    .name = "http/1", .head = send_head, .body = send_body, .finish = finish,
};

/* Texts of the head move to the request's pool: the buffer is for what comes next. */
static void fill(struct request *r, const struct h1_head *head)
{
    struct request_head *in = &r->in;
    in->line = head->line;
    in->method_name = head->method;
    in->target = head->target;
    in->method = str_eq(head->method, STR("GET"))    ? METHOD_GET
                 : str_eq(head->method, STR("HEAD")) ? METHOD_HEAD
                                                     : METHOD_OTHER;
    in->protocol = head->simple ? STR("HTTP/0.9")
                   : head->minor ? STR("HTTP/1.1") : STR("HTTP/1.0");
    in->fields = head->fields;
    in->length = head->size;
}

/* 0, or the status to answer with. */
static unsigned route_names(struct request *r, const struct h1_head *head)
{
    struct str authority, host = head->host;
    if (!uri_parse(head->target, &r->pool, &r->in.path, &r->in.args, &authority))
        return 400;
    if (authority.len)
        host = authority;
    return uri_host(host, &r->pool, &r->in.host) ? 0 : 400;
}

static void begin(struct h1 *h, const struct h1_head *head, struct pool *pool, unsigned status)
{
    struct request *r = request_new(&codec, h, h->c, h->c->worker->current, pool);
    h->request = r;
    h->state = H1_BUSY;
    h->c->requests++;
    conn_timer(h->c, 0);
    fill(r, head);
    if (status)
        log_write(&h->c->log, LOG_INFO, 0, "%s", head->why);
    else if ((status = route_names(r, head)) != 0)
        log_write(&h->c->log, LOG_INFO, 0, "client sent invalid request");
    h->c->log.action = r->log.action = NULL;
    h->skip = head->length > 0 ? head->length : 0;
    h->keep = !status && !head->simple && h->skip <= SKIP_MOST && !head->chunked && !head->close &&
              (head->minor > 0 || head->keep_alive);
    request_start(r, status);
}

static void took(struct h1 *h, size_t n)
{
    ASSERT(n <= h->len);
    h->len -= n;
    if (h->len)
        memmove(h->buffer, h->buffer + n, h->len);
}

/* Parses what is there, from a copy in the new request's pool, which the slices then point to. */
static bool try_head(struct h1 *h)
{
    struct pool pool;
    struct h1_head head;
    if (!memchr(h->buffer, '\n', h->len))
        return false;
    pool_init(&pool, &pool_heap);
    const struct str copy = pool_str(&pool, str_of(h->buffer, h->len));
    const enum h1_result result = h1_parse(copy, &pool, &head);
    if (result == H1_MORE) {
        pool_free(&pool);
        return false;
    }
    if (!h->c->listener->listening) {           /* a reload took the address away */
        pool_free(&pool);
        end(h);
        return true;
    }
    took(h, result == H1_DONE ? head.size : h->len);
    begin(h, &head, &pool, result == H1_DONE ? 0 : head.status);
    return true;
}

static bool make_room(struct h1 *h)
{
    const size_t room = h->room ? h->room * 2 : BUFFER_FIRST;
    char *grown;
    if (h->len < h->room)
        return true;
    if (room > HEAD_MOST || !(grown = realloc(h->buffer, room)))
        return false;
    h->buffer = grown;
    h->room = room;
    return true;
}

static void too_large(struct h1 *h)
{
    struct pool pool;
    struct h1_head head = { .length = -1, .status = 400,
                            .why = "client sent too large request" };
    if (!h->c->listener->listening) {
        end(h);
        return;
    }
    pool_init(&pool, &pool_heap);
    h->len = 0;
    begin(h, &head, &pool, 400);
}

static void start_reading(struct h1 *h)
{
    const struct listening *listening = h->c->listener->listening;
    const struct http_address *at = listening ? listening->data : NULL;
    const struct http_server_conf *conf =
        at ? conf_of(at->default_server->block, http_server_section) : NULL;
    h->state = H1_READING;
    h->c->log.action = "reading client request line";
    worker_idle(h->c, false);
    conn_timer(h->c, conf ? conf->client_header_timeout : 60000);
}

/* A body that was not wanted, in front of the next request. */
static void skip_body(struct h1 *h)
{
    const size_t n = size_min(h->len, (size_t)h->skip);
    took(h, n);
    h->skip -= (int64_t)n;
}

static void read_more(struct h1 *h)
{
    while (h->state == H1_WAITING || h->state == H1_READING) {
        size_t got = 0;
        skip_body(h);
        if (h->len && h->state == H1_WAITING)
            start_reading(h);
        if (h->len && try_head(h))
            return;
        if (!make_room(h)) {
            too_large(h);
            return;
        }
        const enum io io = conn_recv(h->c, h->buffer + h->len, h->room - h->len, &got);
        if (io == IO_AGAIN) {
            if (h->len == 0)
                drop_buffer(h);
            return;
        }
        if (io != IO_OK) {
            if (h->len)
                log_write(&h->c->log, LOG_INFO, io == IO_ERROR ? errno : 0,
                          "client prematurely closed connection");
            end(h);
            return;
        }
        h->len += got;
    }
}

/* --- the connection's events ------------------------------------------------------------------ */

static void on_ready(struct conn *c)
{
    struct h1 *h = c->data;
    if (h->state == H1_BUSY) {
        if (c->watch.error)
            request_abort(h->request);
        return;
    }
    if (h->state == H1_LINGERING)
        discard(h);
    else
        read_more(h);
}

static void on_drained(struct conn *c)
{
    const struct h1 *h = c->data;
    if (h->request)
        request_drained(h->request);
}

static void on_timeout(struct conn *c)
{
    struct h1 *h = c->data;
    if (h->state == H1_BUSY && c->sent != h->sent) {    /* slow, but it takes something */
        h->sent = c->sent;
        conn_timer(c, h->send_timeout);
        return;
    }
    if (h->state == H1_BUSY) {
        log_write(&c->log, LOG_INFO, ETIMEDOUT, "client timed out");
        request_abort(h->request);
        chain_drop(&c->out);
        return;
    }
    if (h->state == H1_READING)
        log_write(&c->log, LOG_INFO, ETIMEDOUT, "client timed out");
    end(h);
}

static void on_error(struct conn *c)
{
    struct h1 *h = c->data;
    if (h->request)
        request_abort(h->request);
    else
        end(h);
}

static bool on_drain(struct conn *c, bool now)
{
    struct h1 *h = c->data;
    if (h->state == H1_BUSY) {
        if (now) {
            request_abort(h->request);
            chain_drop(&c->out);
        }
        return true;
    }
    if (now || h->state == H1_WAITING)
        end(h);
    return true;
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_timeout = on_timeout,
    .on_error = on_error, .on_drain = on_drain,
};

void h1_accepted(struct conn *c)
{
    struct h1 *h = calloc(1, sizeof(*h));
    if (!h) {
        conn_close(c);
        return;
    }
    h->c = c;
    h->state = H1_WAITING;
    c->handler = &handler;
    c->data = h;
    start_reading(h);
    h->state = H1_READING;
    loop_post(c->loop, &c->ready_task);
}
