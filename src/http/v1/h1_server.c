/*
 * The server side of HTTP/1.  Owns the stream of a connection and its read buffer; requests own
 * themselves and tell when they end.
 */
#include "http/v1/h1_server.h"

#include "event/listener.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/uri.h"
#include "http/v1/h1_chunked.h"
#include "http/v1/h1_parse.h"
#include "http/v1/h1_write.h"
#include "os/unix/socket.h"

enum {
    BODY_ROOM = 16 << 10,
    BODY_ROOM_MOST = 64 << 10,          /* once a body has filled the other */
    REQUESTS_A_TURN = 16,
    PENDING_MOST = 64,                  /* answers that wait to be sent, each with its memory */
    TIMEOUT_WITHOUT_ADDRESS = 60000,
};

enum h1_state {
    H1_WAITING,
    H1_READING,
    H1_BUSY,
    H1_SKIPPING,
    H1_CLOSING,
    H1_LINGERING,
    H1_GONE,
};

struct h1 {
    struct conn *c;
    struct request *active;             /* being read or answered */
    struct request *first, **end;       /* those that have not ended: being sent, then it */
    unsigned pending;                   /* how many they are */
    enum h1_state state;
    bool inside;                        /* go_on() is at work, and frees what is GONE */
    bool answered;                      /* the active request's last byte was queued */
    bool keep;                          /* another request may follow the active one */
    bool expect;                        /* the client waits for 100 before it sends the body */
    bool want;                          /* the body is read for the request, not skipped */
    bool chunked_in, chunked_out;
    bool linger;
    uint8_t lingering_close;
    char *buffer;                       /* NULL: nothing was read */
    uint32_t at, len, room;             /* bytes [at, len) are to be read */
    size_t seen, checked;               /* of an incomplete head */
    int64_t left;                       /* of the body, -1: until the decoder says so; 0: none */
    struct h1_chunked chunked;
    uint64_t sent;                      /* of the connection, when the timer was set */
    int64_t idle_since;
    int64_t keepalive_timeout, keepalive_min, lingering_time, lingering_timeout, send_timeout;
};

/* --- deadlines -------------------------------------------------------------------------------- */

/* No wait is without end: a time of 0 passes at once. */
static void deadline(struct h1 *h, int64_t msec)
{
    conn_timer(h->c, msec > 0 ? msec : 1);
}

/* The client has nothing to do but to take the answers before. */
static void await_sending(struct h1 *h)
{
    if (h->c->out.bytes)
        deadline(h, h->send_timeout);
    else
        conn_timer(h->c, 0);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void drop_buffer(struct h1 *h)
{
    free(h->buffer);
    h->buffer = NULL;
    h->at = h->len = h->room = 0;
    h->seen = h->checked = 0;
}

static void end(struct h1 *h)
{
    ASSERT(h->pending == 0);
    if (h->state == H1_GONE)
        return;
    drop_buffer(h);
    h->state = H1_GONE;
    h->c->data = NULL;
    h->c->handler = NULL;
    conn_close(h->c);
    if (!h->inside)
        free(h);
}

/* What the client still sends is read and thrown away for a while: closing at once would make the
 * kernel answer with a reset, which can overtake the response. */
static void leave(struct h1 *h)
{
    const bool unread = h->linger || h->len > h->at || h->left != 0;
    if (h->c->failed || h->lingering_close == LINGERING_OFF
        || (h->lingering_close == LINGERING_ON && !unread)) {
        end(h);
        return;
    }
    drop_buffer(h);
    h->state = H1_LINGERING;
    h->idle_since = h->c->loop->now;
    conn_shutdown(h->c);
    deadline(h, h->lingering_timeout);
    worker_idle(h->c, true);            /* whoever has something to ask may have its place */
}

/* How long a connection between two requests may wait for the next. */
static int64_t patience(const struct h1 *h)
{
    const int64_t waited = h->c->loop->now - h->idle_since;
    const bool ends = worker_closes_idle(h->c);
    return (ends && h->keepalive_min < h->keepalive_timeout ? h->keepalive_min
                                                            : h->keepalive_timeout) - waited;
}

static void rest(struct h1 *h)
{
    const int64_t most = patience(h);
    if (most > 0) {
        conn_timer(h->c, most);
        worker_idle(h->c, true);
        return;
    }
    h->state = H1_CLOSING;
    leave(h);
}

/* Nothing is on its way any more. */
static void settle(struct h1 *h)
{
    if (h->pending > 0)
        return;
    if (h->state == H1_WAITING || h->state == H1_READING)
        worker_stage(h->c, h->len > h->at ? CONN_READING : CONN_WAITING);
    if (h->state == H1_CLOSING)
        leave(h);
    else if (h->state == H1_WAITING && !h->c->idle) {
        h->idle_since = h->c->loop->now;
        rest(h);
    }
}

static void discard(struct h1 *h)
{
    char bytes[4096];
    size_t got;
    enum io io;
    while ((io = conn_recv(h->c, bytes, sizeof(bytes), &got)) == IO_OK)
        ;
    if (io != IO_AGAIN || h->c->loop->now - h->idle_since >= h->lingering_time)
        end(h);
    else
        deadline(h, h->lingering_timeout);
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool client_cannot_keep(const struct request *r, const struct http_location_conf *conf)
{
    const struct str agent = fields_value(&r->in.fields, FIELD_USER_AGENT);
    if ((conf->keepalive_disable & DISABLE_MSIE6) && r->in.method == METHOD_POST
        && str_find(agent, STR("MSIE ")) != STR_NPOS
        && (str_find(agent, STR("MSIE 6")) != STR_NPOS || str_find(agent, STR("MSIE 5")) != STR_NPOS
            || str_find(agent, STR("MSIE 4")) != STR_NPOS))
        return true;
    return (conf->keepalive_disable & DISABLE_SAFARI)
           && str_find(agent, STR("Safari/")) != STR_NPOS
           && str_find(agent, STR("Mac OS X")) != STR_NPOS
           && str_find(agent, STR("Chrome/")) == STR_NPOS;
}

static bool may_keep(const struct h1 *h, const struct request *r)
{
    const struct http_location_conf *conf = http_location_conf(r);
    return h->keep && !r->out.close && conf->keepalive_timeout > 0
           && h->c->requests < conf->keepalive_requests
           && h->c->loop->real - h->c->began < conf->keepalive_time && !worker_wants_close(h->c)
           && !(h->expect && h->left != 0)
           && !(conf->keepalive_disable != DISABLE_NONE && client_cannot_keep(r, conf));
}

static void remember(struct h1 *h, const struct http_location_conf *conf)
{
    if (!conf->tcp_nodelay && h->c->requests == 1)
        socket_delay(h->c->watch.fd);
    h->keepalive_timeout = conf->keepalive_timeout;
    h->keepalive_min = conf->keepalive_min_timeout;
    h->lingering_close = (uint8_t)conf->lingering_close;
    h->lingering_time = conf->lingering_time;
    h->lingering_timeout = conf->lingering_timeout;
    h->send_timeout = conf->send_timeout;
}

static void send_head(struct request *r, enum mark mark)
{
    struct h1 *h = r->stream;
    const struct http_location_conf *conf = http_location_conf(r);
    struct chain data;
    (void)mark;
    remember(h, conf);
    h->chunked_out = false;
    if ((r->out.length < 0 || r->out.trailers_due) && !r->out.bodiless)
        h->chunked_out = conf->chunked && r->in.minor > 0;
    if (r->out.length < 0 && !r->out.bodiless)
        h->keep = h->keep && h->chunked_out;
    h->keep = may_keep(h, r);
    r->out.keep = h->keep;
    r->out.chunked = h->chunked_out;
    const struct h1_framing framing = { .keep = h->keep, .chunked = h->chunked_out };
    chain_init(&data);
    h1_write_head(r, &framing, &data);
    conn_send(h->c, &data);
}

static void last_passed(struct buf *mark, bool sent)
{
    request_sent(mark->data, sent);
}

/* The client has to see that the answer is not whole: there is no last chunk, or bytes are missing;
 * and where closing is how an answer ends, this one ends by a reset. */
static void cut_short(struct h1 *h, const struct request *r)
{
    h->keep = false;
    h->lingering_close = LINGERING_OFF;
    if (!h->chunked_out && r->out.length < 0)
        socket_reset_at_close(h->c->watch.fd);
}

static enum flow send_body(struct request *r, struct chain *data, enum mark mark)
{
    struct h1 *h = r->stream;
    struct chain chunks;
    chain_init(&chunks);
    const bool whole = mark == LAST && !r->out.truncated;
    if (h->chunked_out && (data->bytes || whole) && !r->out.bodiless) {
        h1_write_chunk(r, data, &chunks, whole);
        data = &chunks;
    }
    if (mark == LAST) {
        if (r->out.truncated)
            cut_short(h, r);
        chain_add_mark(data, r->subject.pool, last_passed, r);
        h->answered = true;
    }
    h->sent = h->c->sent;
    deadline(h, http_location_conf(r)->send_timeout);
    return conn_send(h->c, data);
}

static void send_informational(struct request *r, unsigned status, const struct fields *fields)
{
    struct h1 *h = r->stream;
    struct chain data;
    if (r->in.minor == 0)
        return;
    chain_init(&data);
    h1_write_informational(r, status, fields, &data);
    conn_send(h->c, &data);
    conn_flush(h->c);
}

static void want_body(struct request *r)
{
    struct h1 *h = r->stream;
    h->want = true;
    if (h->expect && h->left != 0 && h->len == h->at)
        send_informational(r, 100, NULL);
    h->expect = false;
    deadline(h, body_timeout(r));
    if (!h->inside)
        loop_post(h->c->loop, &h->c->ready_task);
}

static void forget(struct h1 *h, struct request *r)
{
    struct request **at = &h->first;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (!*at)
        h->end = at;
    if (h->pending-- == PENDING_MOST)
        loop_post(h->c->loop, &h->c->ready_task);
    if (h->active && h->active == h->first && h->active->state == REQUEST_ROUTING)
        request_wake(h->active);        /* it may wait to be alone */
}

static void finish(struct request *r, enum ending how)
{
    struct h1 *h = r->stream;
    if (how == ENDING_RESET)
        chain_drop(&h->c->out);         /* theirs ends as well: each is counted until it has */
    forget(h, r);
    if (h->active == r) {
        h->active = NULL;
        h->want = false;
        if (!h->answered)
            h->state = H1_CLOSING;
        else if (!h->inside)            /* it was answered from elsewhere: what comes next? */
            loop_post(h->c->loop, &h->c->ready_task);
    }
    if (how == ENDING_RESET || how == ENDING_SILENT) {
        h->state = H1_CLOSING;
        h->lingering_close = LINGERING_OFF;
    }
    if (!h->inside)
        settle(h);
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* False: no more just now.  True: something was read, or the end was. */
static bool read_some(struct h1 *h)
{
    size_t got = 0;
    if (h->len > h->at)
        return true;
    const bool filled = h->room >= BODY_ROOM && h->len == h->room;
    const uint32_t room = filled ? BODY_ROOM_MOST : BODY_ROOM;
    if (h->room < room) {
        char *grown = realloc(h->buffer, room);
        if (!grown) {
            h->state = H1_CLOSING;
            return false;
        }
        h->buffer = grown;
        h->room = room;
    }
    h->at = h->len = 0;
    const enum io io = conn_recv(h->c, h->buffer, h->room, &got);
    h->len = (uint32_t)got;
    if (io == IO_OK)
        return true;
    if (io == IO_AGAIN)
        return false;
    log_write(&h->c->log, LOG_INFO, io == IO_ERROR ? errno : 0,
              "client prematurely closed connection");
    if (h->active && !h->answered) {
        h->active->out.status = 400;
        request_abort(h->active);
    }
    h->state = H1_CLOSING;
    h->lingering_close = LINGERING_OFF;
    return false;
}

/* The next piece of the body from the buffer.  False: it is malformed. */
static bool decode(struct h1 *h, struct str *data)
{
    struct str in = str_of(h->buffer + h->at, h->len - h->at);
    *data = STR_NONE;
    if (!h->chunked_in) {
        const size_t n = in.len < (uint64_t)h->left ? in.len : (size_t)h->left;
        *data = str_of(in.at, n);
        h->at += (uint32_t)n;
        h->left -= (int64_t)n;
        return true;
    }
    const enum h1_chunked_result result = h1_chunked(&h->chunked, &in, data);
    h->at = h->len - (uint32_t)in.len;
    if (result == H1_CHUNKED_END)
        h->left = 0;
    return result != H1_CHUNKED_BAD;
}

static void refuse_body(struct h1 *h)
{
    log_write(&h->c->log, LOG_INFO, 0, "client sent invalid chunked body");
    h->keep = false;
    h->linger = true;
    h->want = false;
}

static enum step discard_body(struct request *r)
{
    struct h1 *h = r->stream;
    struct str data;
    while (h->left != 0 && h->len > h->at) {
        if (!decode(h, &data)) {
            refuse_body(h);
            r->out.status = 400;
            return STEP_FAIL;
        }
        if (h->chunked_in && !body_allows(r, h->chunked.left)) {
            h->linger = true;
            return STEP_FAIL;
        }
        r->body->got += (int64_t)data.len;
    }
    return h->left != 0 ? STEP_WAIT : STEP_NEXT;
}

/* False: nothing more can be done now. */
static bool feed(struct h1 *h)
{
    struct request *r = h->active;
    struct str data;
    while (h->left != 0) {
        if (!read_some(h))
            return false;
        if (!decode(h, &data)) {
            refuse_body(h);
            body_fail(r, 400);
            return false;
        }
        if (h->chunked_in && !body_announce(r, data.len + h->chunked.left)) {
            h->want = h->keep = false;
            return false;
        }
        if (data.len && !body_deliver(r, data)) {
            h->want = false;
            h->keep = h->keep && r->body->paused;
            await_sending(h);
            return false;
        }
        deadline(h, body_timeout(r));
    }
    h->want = false;
    await_sending(h);
    body_delivered(r);
    return false;
}

/* What is left of a body that nobody wanted, behind its answer. */
static bool skip(struct h1 *h)
{
    struct str data;
    while (h->left != 0) {
        if (!read_some(h))
            return false;
        deadline(h, h->lingering_timeout);
        if (!decode(h, &data)) {
            log_write(&h->c->log, LOG_INFO, 0, "client sent invalid chunked body");
            h->linger = true;
            h->state = H1_CLOSING;
        } else if (h->c->loop->now - h->idle_since > h->lingering_time)
            h->state = H1_CLOSING;
        if (h->state == H1_CLOSING)
            return false;
    }
    h->state = H1_WAITING;
    return true;
}

/* The active request's answer is complete. */
static void answered(struct h1 *h)
{
    h->active = NULL;
    h->answered = h->want = false;
    h->state = !h->keep ? H1_CLOSING : h->left != 0 ? H1_SKIPPING : H1_WAITING;
    h->idle_since = h->c->loop->now;
    if (h->state == H1_SKIPPING)
        deadline(h, h->lingering_timeout);
}

/* --- tunnels ---------------------------------------------------------------------------------- */

static void finish_tunnel(struct request *r, enum ending how)
{
    (void)r;
    (void)how;
}

/* Of a request whose connection is another's. */
static const struct codec detached = { .name = "http/1", .finish = finish_tunnel };

/* In one piece, which does not lie in the request's pool. */
static bool make_tunnel_head(struct request *r, struct chain *to)
{
    const struct h1_framing framing = { .upgrade = true };
    struct chain head;
    chain_init(&head);
    h1_write_head(r, &framing, &head);
    return head.first && chain_add_heap(to, str_of(head.first->at, head.first->len));
}

static bool alone(const struct request *r)
{
    const struct h1 *h = r->stream;
    return h->pending == 1;
}

static struct conn *detach(struct request *r, struct chain *early)
{
    struct h1 *h = r->stream;
    struct conn *c = h->c;
    struct chain head;
    ASSERT(h->active == r && alone(r) && h->left == 0 && !h->answered);
    chain_init(&head);
    if (!make_tunnel_head(r, &head)
        || !chain_add_heap(early, str_of(h->buffer + h->at, h->len - h->at))) {
        chain_drop(&head);
        return NULL;
    }
    conn_send(c, &head);
    conn_timer(c, 0);
    c->handler = NULL;
    c->data = NULL;
    r->codec = &detached;
    r->stream = NULL;
    drop_buffer(h);
    h->state = H1_GONE;
    if (!h->inside)
        free(h);
    return c;
}

static const struct codec codec = {
    .name = "http/1", .head = send_head, .body = send_body, .informational = send_informational,
    .want_body = want_body, .discard = discard_body, .finish = finish, .alone = alone,
    .detach = detach,
};

/* --- heads ------------------------------------------------------------------------------------ */

static void fill(struct request *r, const struct h1_head *head)
{
    struct request_head *in = &r->in;
    in->line = head->line;
    in->method_name = head->method;
    in->target = head->target;
    in->minor = head->minor;
    if (head->target.at)
        in->protocol = head->minor ? STR("HTTP/1.1") : STR("HTTP/1.0");
    in->fields = head->fields;
    in->length = head->size;
    in->method = request_method(head->method, str_eq);
}

static bool split_host(struct request *r, struct str text)
{
    const ssize_t colon = str_rchr(text, ':'), bracket = str_rchr(text, ']');
    struct str digits;
    if (text.len == 0)
        return true;
    if (!uri_host(text, &r->pool, &r->in.host))
        return false;
    if (colon > bracket && str_from_off(text, (size_t)colon + 1, &digits))
        for (size_t i = 0; i < digits.len; i++)
            r->in.port = (uint16_t)(r->in.port * 10 + (digits.at[i] - '0'));
    return true;
}

/* What follows scheme and authority in an absolute target. */
static struct str behind(struct str target, const struct uri *uri)
{
    struct str rest = STR_NONE;
    ASSERT(str_from_off(target, uri->scheme.len + 3 + uri->authority.len, &rest));
    return rest.len ? rest : STR("/");
}

/* 0, or the status to answer with. */
static unsigned route_names(struct request *r, const struct h1_head *head, bool merge)
{
    struct uri uri;
    if (r->in.method == METHOD_TRACE) {
        log_write(&r->log, LOG_INFO, 0, "client sent TRACE method");
        return 405;
    }
    if (r->in.method == METHOD_CONNECT) {
        log_write(&r->log, LOG_INFO, 0, "client sent CONNECT method");
        return 405;
    }
    if (!uri_parse(head->target, merge, &r->pool, &uri)) {
        r->log.action = "reading client request line";
        log_write(&r->log, LOG_INFO, 0, "client sent invalid request");
        return 400;
    }
    r->in.path = uri.path;
    r->in.args = uri.args;
    if (uri.authority.len)
        r->in.target = behind(head->target, &uri);
    const bool empty = head->host.at && head->host.len == 0 && uri.authority.len == 0;
    if (!empty && split_host(r, uri.authority.len ? uri.authority : head->host))
        return 0;
    log_write(&r->log, LOG_INFO, 0, "client sent invalid host header");
    return 400;
}

static void tell_dropped(const struct request *r, const struct fields *dropped)
{
    for (unsigned i = 0; i < dropped->count; i++)
        log_write(&r->log, LOG_INFO, 0, "client sent invalid header line: \"%.*s: %.*s\"",
                  STR_FMT(dropped->at[i].name), STR_FMT(dropped->at[i].value));
}

static void begin(struct h1 *h, const struct h1_head *head, struct pool *pool, unsigned bad)
{
    const struct http_address *at = h->c->listener->listening->data;
    struct request *r = request_new(&codec, h, h->c, h->c->worker->current, pool);
    h->active = r;
    *h->end = r;
    h->end = &r->next;
    r->pipelined = h->pending++ > 0;
    worker_stage(h->c, CONN_WRITING);
    h->state = H1_BUSY;
    h->answered = h->want = h->linger = false;
    r->number = ++h->c->requests;
    await_sending(h);
    fill(r, head);
    if ((head->target.at && head->status != 505) || h->checked)
        r->log.action = "reading client request headers";
    if (bad && head->culprit.at)
        log_write(&r->log, LOG_INFO, 0, "%s: \"%.*s\"", head->why, STR_FMT(head->culprit));
    else if (bad)
        log_write(&r->log, LOG_INFO, bad == 408 ? ETIMEDOUT : 0, "%s", head->why);
    tell_dropped(r, &head->dropped);
    if (!bad)
        bad = route_names(r, head, http_server_conf(at->default_server)->merge_slashes);
    h->c->log.action = r->log.action = NULL;
    h->chunked_in = head->chunked;
    h->chunked = (struct h1_chunked){ 0 };
    h->left = bad ? 0 : head->chunked ? -1 : head->length > 0 ? head->length : 0;
    h->expect = head->expect_continue && head->minor > 0;
    h->keep = !bad && !head->close && (head->minor > 0 || head->keep_alive);
    if (bad)
        h->linger = true;
    if (h->left != 0)
        body_init(r, h->left);
    if (bad == 408)
        request_drop(r, bad);
    else
        request_start(r, bad);
}

static const struct http_server_conf *conf_of_address(const struct h1 *h)
{
    const struct listening *listening = h->c->listener->listening;
    const struct http_address *at = listening ? listening->data : NULL;
    return at ? http_server_conf(at->default_server) : NULL;
}

/* The bytes of a head move to the request's pool: the buffer is for what comes next. */
static void take_head(struct h1 *h, const struct h1_limits *limits, size_t size)
{
    struct pool pool;
    struct h1_head head;
    pool_init(&pool, &pool_heap);
    const struct str copy = pool_str(&pool, str_of(h->buffer + h->at, size));
    const enum h1_result result = h1_parse(copy, limits, &pool, &head);
    h->at += (uint32_t)size;
    h->seen = h->checked = 0;
    if (h->at == h->len)
        h->at = h->len = 0;
    begin(h, &head, &pool, result == H1_DONE ? 0 : head.status);
}

static void refuse_head(struct h1 *h, struct h1_head *head)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    head->line = pool_str(&pool, head->line);
    if (head->culprit.at)
        head->culprit = pool_str(&pool, head->culprit);
    head->fields = (struct fields){ 0 };
    head->method = head->target = head->host = STR_NONE;
    h->at = h->len = 0;
    begin(h, head, &pool, head->status);
}

static bool make_room(struct h1 *h, const struct http_server_conf *conf)
{
    const size_t most = conf->client_header_buffer_size
                        + conf->large_buffers.count * conf->large_buffers.size;
    size_t room = h->room ? (size_t)h->room * 2 : conf->client_header_buffer_size;
    if (h->at > 0) {
        memmove(h->buffer, h->buffer + h->at, h->len - h->at);
        h->len -= h->at;
        h->at = 0;
    }
    if (h->len < h->room)
        return true;
    room = size_min(room, most);
    char *grown = room > h->room ? realloc(h->buffer, room) : NULL;
    if (!grown)
        return false;
    h->buffer = grown;
    h->room = (uint32_t)room;
    return true;
}

static void too_large(struct h1 *h)
{
    struct h1_head head = { .length = -1, .status = h->checked ? 494 : 414,
                            .why = h->checked ? "client sent too large request"
                                              : "client sent too long URI" };
    refuse_head(h, &head);
}

static void start_reading(struct h1 *h, const struct http_server_conf *conf)
{
    h->state = H1_READING;
    h->c->log.action = "reading client request line";
    worker_idle(h->c, false);
    deadline(h, conf->client_header_timeout);
}

static void connection_ends(struct h1 *h, enum io io)
{
    if (h->len > h->at)
        log_write(&h->c->log, LOG_INFO, io == IO_ERROR ? errno : 0,
                  "client prematurely closed connection");
    h->state = H1_CLOSING;
    h->lingering_close = LINGERING_OFF;
}

/* True: a request has begun, or the connection ends. */
static bool next_head(struct h1 *h)
{
    const struct http_server_conf *conf = conf_of_address(h);
    if (!conf) {                        /* a reload took the address away */
        h->state = H1_CLOSING;
        return true;
    }
    const struct h1_limits limits = { size_max(conf->large_buffers.size,
                                               conf->client_header_buffer_size),
                                      (unsigned)conf->max_headers,
                                      conf->underscores, !conf->ignore_invalid };
    for (;;) {
        const struct str bytes = str_of(h->buffer + h->at, h->len - h->at);
        struct h1_head head = { .length = -1 };
        size_t got = 0;
        if (bytes.len) {
            const size_t size = h1_find_end(bytes, &h->seen);
            if (size) {
                take_head(h, &limits, size);
                return true;
            }
            if (h->state == H1_WAITING)
                start_reading(h, conf);
            if (h->checked)
                h->c->log.action = "reading client request headers";
            if (h1_check(bytes, &limits, &h->checked, &head) == H1_BAD) {
                refuse_head(h, &head);
                return true;
            }
        }
        if (!make_room(h, conf)) {
            too_large(h);
            return true;
        }
        const enum io io = conn_recv(h->c, h->buffer + h->len, h->room - h->len, &got);
        if (io == IO_AGAIN) {
            if (h->len == h->at)
                drop_buffer(h);
            return false;
        }
        if (io != IO_OK) {
            connection_ends(h, io);
            return true;
        }
        if (h->c->idle)
            worker_idle(h->c, false);
        h->len += (uint32_t)got;
    }
}

/* --- the connection's events ------------------------------------------------------------------ */

/* One step; false: nothing more can be done now. */
static bool step(struct h1 *h, unsigned *requests)
{
    switch (h->state) {
    case H1_WAITING:
    case H1_READING:
        if (h->c->full || h->pending >= PENDING_MOST)
            return false;               /* its answers have to leave first */
        if (*requests == REQUESTS_A_TURN) {
            loop_post(h->c->loop, &h->c->ready_task);
            return false;
        }
        ++*requests;
        return next_head(h);
    case H1_BUSY:
        if (h->answered) {
            answered(h);
            return true;
        }
        return h->want && feed(h);
    case H1_SKIPPING:
        return skip(h);
    case H1_LINGERING:
        discard(h);
        return false;
    case H1_CLOSING:
    case H1_GONE:
        break;
    }
    return false;
}

static void go_on(struct h1 *h)
{
    unsigned requests = 0;
    if (h->inside)
        return;
    h->inside = true;
    while (step(h, &requests))
        ;
    if (h->state != H1_GONE)
        settle(h);
    h->inside = false;
    if (h->state == H1_GONE)
        free(h);
}

/* It has closed, or at least sends nothing more: not waiting for an answer that has to be asked for
 * is what users expect then.  Bytes that it has sent before are another matter. */
static bool gone(const struct h1 *h)
{
    const struct conn *c = h->c;
    if (!c->watch.hangup || !h->active->abandonable || h->len > h->at
        || !socket_at_end(c->watch.fd))
        return false;
    log_write(&h->active->log, LOG_INFO, 0,
              "client prematurely closed connection, so upstream connection is closed too");
    return true;
}

static void on_ready(struct conn *c)
{
    struct h1 *h = c->data;
    if (h->state == H1_BUSY && h->active && !h->answered && (c->watch.error || gone(h)))
        request_abort(h->active);
    go_on(h);
}

static void on_drained(struct conn *c)
{
    struct h1 *h = c->data;
    if (h->active && !h->answered)
        request_drained(h->active);
    else
        loop_post(c->loop, &c->ready_task);
}

/* Whatever has begun ends now. */
static void break_off(struct h1 *h)
{
    for (struct request *r = h->first; r; r = r->next)
        request_abort(r);
    h->lingering_close = LINGERING_OFF;
    h->state = h->active ? h->state : H1_CLOSING;
    h->inside = true;
    chain_drop(&h->c->out);
    h->inside = false;
    settle(h);
}

static void give_up(struct h1 *h)
{
    const struct conn *c = h->c;
    log_write(&c->log, LOG_INFO, ETIMEDOUT, "client timed out");
    if (h->active) {
        if (http_location_conf(h->active)->reset_timedout)
            socket_reset_at_close(c->watch.fd);
        if (h->want)
            h->active->out.status = 408;
    }
    break_off(h);
}

/* In the middle of a head: once its first line is there it is a request, and is logged. */
static void head_timed_out(struct h1 *h)
{
    struct h1_head head = { .length = -1, .status = 408, .why = "client timed out" };
    const struct http_server_conf *conf = conf_of_address(h);
    if (!conf || h->checked == 0) {
        log_write(&h->c->log, LOG_INFO, ETIMEDOUT, "client timed out");
        end(h);
        return;
    }
    str_cut(str_of(h->buffer + h->at, h->len - h->at), '\n', &head.line, &head.culprit);
    head.culprit = STR_NONE;
    if (str_ends(head.line, STR("\r")))
        head.line.len--;
    h->inside = true;
    refuse_head(h, &head);
    h->inside = false;
    loop_post(h->c->loop, &h->c->ready_task);
}

static void on_timeout(struct conn *c)
{
    struct h1 *h = c->data;
    if (h->pending && !h->want && c->out.bytes == 0 && h->state != H1_READING
        && h->state != H1_SKIPPING)
        return;                         /* it is not the client who is waited for */
    if (h->pending && !h->want && c->sent != h->sent) {     /* slow, but it takes something */
        h->sent = c->sent;
        deadline(h, h->send_timeout);
        return;
    }
    if (h->pending) {
        give_up(h);
        return;
    }
    if (h->state == H1_READING)
        head_timed_out(h);
    else
        end(h);
}

static void on_error(struct conn *c)
{
    struct h1 *h = c->data;
    if (h->active && !h->answered)
        request_abort(h->active);
    h->state = h->state == H1_BUSY && h->active ? H1_BUSY : H1_CLOSING;
    settle(h);
}

/* What would be read to its end without the client is not waited for either. */
static void cut_off(struct h1 *h)
{
    for (struct request *r = h->first; r; r = r->next)
        request_cut(r);
    break_off(h);
}

static bool on_drain(struct conn *c, bool now)
{
    struct h1 *h = c->data;
    if (now && h->pending)
        cut_off(h);
    else if (now)
        end(h);
    else if (h->state == H1_WAITING && h->pending == 0)
        rest(h);
    return true;
}

/* The oldest is first, and so is what it holds. */
static void on_retire(struct conn *c, unsigned generation)
{
    struct h1 *h = c->data;
    if (!h->first || h->first->subject.local->id > generation)
        return;
    log_write(&c->log, LOG_INFO, 0, "its request is older than worker_shutdown_timeout allows");
    cut_off(h);
}

static bool awaits(const struct conn *c)
{
    const struct h1 *h = c->data;
    return c->out.bytes > 0 || h->want || h->state == H1_SKIPPING;
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_timeout = on_timeout,
    .on_error = on_error, .on_drain = on_drain, .awaits = awaits, .on_retire = on_retire,
};

void h1_accepted(struct conn *c)
{
    struct h1 *h = calloc(1, sizeof(*h));
    if (!h) {
        conn_close(c);
        return;
    }
    h->c = c;
    h->end = &h->first;
    h->lingering_close = LINGERING_ON;
    c->handler = &handler;
    c->data = h;
    start_reading(h, conf_of_address(h));
    loop_post(c->loop, &c->ready_task);
}
