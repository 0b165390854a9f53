/*
 * Probes: how a peer is asked whether it is well.  Owns the connection of each, and its memory
 * while it runs.
 */
#include "http/upstream/health_probe.h"

#include "core/generation.h"
#include "event/dial.h"
#include "event/worker.h"
#include "http/upstream/reuse.h"
#include "http/upstream/upstream.h"

enum { READ_SIZE = 8 << 10, INTERIMS_MOST = 100 };

static const char out_of_memory[] = "no memory for a health check";

/* --- the log ---------------------------------------------------------------------------------- */

static void log_context(const struct log *log, struct fmt *f)
{
    const struct probe *p = log->data;
    fmt_print(f, ", health check \"%.*s\" of peer ", STR_FMT(p->check->match_name));
    inet_write(f, &p->address, true);
    fmt_print(f, " in upstream \"%.*s\"", STR_FMT(p->check->group->name));
}

void probe_tell(const struct probe *p, enum log_level level, const char *what)
{
    struct log log = p->log;
    log.action = "health checking";
    log_write(&log, level, 0, "%s", what);
}

void probe_blame(const struct probe *p, const char *why)
{
    if (p->answer.status)
        log_write(&p->log, LOG_ERROR, p->error, "%s, the answer's status is %u", why,
                  p->answer.status);
    else
        log_write(&p->log, LOG_ERROR, p->error, "%s", why);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void drop_conn(struct probe *p)
{
    struct conn *c = p->c;
    p->c = NULL;
    if (!c)
        return;
    c->handler = NULL;
    c->data = NULL;
    c->log = (struct log){ .conf = log_process->conf };
    conn_abandon(c);
}

static bool may_keep(const struct probe *p)
{
    const struct conn *c = p->c;
    const struct h1_response *a = &p->answer;
    return p->check->keepalive_time && p->complete && !p->excess && !c->failed && !a->close
           && c->out.bytes == 0 && !c->watch.hangup && !c->watch.error
           && (a->keep_alive || a->minor == 1);
}

static void finish(struct probe *p, const char *why)
{
    if (p->c && may_keep(p))
        conn_timer(p->c, 0);
    else
        drop_conn(p);
    if (p->pool.failed)
        why = out_of_memory;
    p->ours = p->ours || why == out_of_memory;
    p->state = PROBE_IDLE;
    pool_free(&p->pool);
    p->done(p, why);
}

/* No wait is without end, and neither are many. */
static void wait_most(struct probe *p, int64_t msec)
{
    const int64_t left = p->until - p->c->loop->now;
    msec = msec < left ? msec : left;
    conn_timer(p->c, msec > 0 ? msec : 1);
}

/* --- asking ----------------------------------------------------------------------------------- */

static const struct conn_handler handler;

/* The request has left to its end: now it is the peer's turn. */
static void request_left(struct buf *mark, bool sent)
{
    struct probe *p = mark->data;
    if (sent && p->c && p->state == PROBE_HEAD)
        wait_most(p, p->check->conf->read_timeout);
}

static void send_request(struct probe *p)
{
    struct chain out;
    p->log.action = "reading response header from upstream";
    p->state = PROBE_HEAD;
    chain_init(&out);
    chain_add(&out, &p->pool, p->check->request);
    chain_add_mark(&out, &p->pool, request_left, p);
    wait_most(p, p->check->conf->send_timeout);
    p->c->requests++;
    conn_send(p->c, &out);
}

static void connected(struct probe *p)
{
    if (p->check->request.len)
        send_request(p);
    else
        finish(p, NULL);
}

static void connect_failed(struct probe *p, int error)
{
    p->error = error;
    finish(p, "connect() failed");
}

static void bind_address(const struct probe *p, struct dial *how)
{
    const struct upstream_bind *bind = &p->check->conf->bind;
    if (bind->address.source.len == 0 || !bind->address.constant
        || !inet_parse(bind->address.text, 0, &how->bind))
        return;
    how->bind_port = inet_port(&how->bind) != 0;
    how->transparent = bind->transparent;
}

static void use_conn(struct probe *p, struct conn *c)
{
    p->c = c;
    c->handler = &handler;
    c->data = p;
    c->log.conf = p->log.conf;
}

/* We have too little of something. */
static bool is_ours(int error)
{
    return error == EUSERS || error == EMFILE || error == ENFILE || error == ENOMEM
           || error == ENOBUFS;
}

static void dial_peer(struct probe *p)
{
    const struct upstream_conf *conf = p->check->conf;
    struct dial how = { .to = p->address, .keepalive = conf->socket_keepalive,
                        .sndbuf = (int)conf->sndbuf, .rcvbuf = (int)conf->rcvbuf };
    p->pooled = false;
    p->state = PROBE_CONNECTING;
    p->log.action = "connecting to upstream";
    bind_address(p, &how);
    struct conn *c = dial(p->local->worker, &how);
    if (!c && is_ours(errno) && reuse_evict(p->local->worker))
        c = dial(p->local->worker, &how);
    if (!c) {
        p->ours = is_ours(errno);
        connect_failed(p, errno);
        return;
    }
    use_conn(p, c);
    switch (dial_result(c)) {
    case DIAL_DONE:
        connected(p);
        break;
    case DIAL_PENDING:
        wait_most(p, conf->connect_timeout);
        break;
    case DIAL_FAILED:
        connect_failed(p, errno);
        break;
    }
}

/* --- `require` -------------------------------------------------------------------------------- */

static void note_try(const struct probe *p, struct upstream *u)
{
    struct upstream_try *try = pool_new(u->request->subject.pool, struct upstream_try);
    struct upstream_log *log = upstream_log(u->request);
    *try = (struct upstream_try){ .upstream = u, .address = p->address,
                                  .name = p->check->group->name, .status = p->answer.status,
                                  .connect_time = -1, .header_time = -1, .response_time = -1,
                                  .queue_time = -1 };
    *log->end = try;
    log->end = &try->next;
}

/* Variables belong to requests, so there is one: of nobody, never begun, in the location that has
 * the check; the client's end of its connection is the peer. */
static struct request *make_request(const struct probe *p, struct pool *pool)
{
    const struct location *location = p->check->location;
    struct request *r = pool_new(pool, struct request);
    r->pool = *pool;
    r->subject = (struct subject){ .pool = &r->pool, .local = p->local, .conn = p->c,
                                   .table = p->local->generation->vars_http, .log = &r->log };
    r->log = p->log;
    r->main = r;
    r->server = conf_outer(location->block, IN_SERVER)->data;
    r->location = location;
    r->conf = location->conf;
    r->in = (struct request_head){ .method = METHOD_GET, .method_name = STR("GET"),
                                   .target = STR("/"), .path = STR("/"), .minor = 1,
                                   .protocol = STR("HTTP/1.1"), .line = STR("GET / HTTP/1.1") };
    r->out.length = -1;
    r->out.last_modified = -1;
    r->began = p->c->loop->real;
    r->bytes_sent = p->c->sent;
    return r;
}

static const char *check_requires(const struct probe *p)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    struct request *r = make_request(p, &pool);
    struct upstream *u = upstream_new(r, NULL, p->check->conf, NULL);
    u->head = (struct upstream_head){ .status = p->answer.status, .reason = p->answer.reason,
                                      .fields = p->answer.fields, .length = p->answer.length };
    note_try(p, u);
    const char *const why = health_match_requires(p->check->match, &r->subject);
    pool = r->pool;
    const bool failed = pool.failed;
    pool_free(&pool);
    return failed ? out_of_memory : why;
}

/* --- the body of the answer ------------------------------------------------------------------- */

static bool wants_body(const struct probe *p)
{
    const struct health_match *match = p->check->match;
    return p->check->keepalive_time || (match && match->bodies);
}

static void keep_body(struct probe *p, struct str data)
{
    const struct health_match *match = p->check->match;
    struct str part;
    if (match && match->bodies
        && str_sub(data, 0, size_min(data.len, HEALTH_BODY_MOST - p->body.len), &part))
        fmt_str(&p->body, part);
}

static void body_complete(struct probe *p, struct str rest)
{
    p->complete = true;
    p->excess = rest.len > 0;
}

/* False: it is malformed. */
static bool take_chunked(struct probe *p, struct str in)
{
    struct str data;
    for (;;)
        switch (h1_chunked(&p->chunked, &in, &data)) {
        case H1_CHUNKED_MORE:
            return true;
        case H1_CHUNKED_DATA:
            keep_body(p, data);
            break;
        case H1_CHUNKED_TRAILERS:
            break;
        case H1_CHUNKED_END:
            body_complete(p, in);
            return true;
        case H1_CHUNKED_BAD:
            return false;
        }
}

static bool take_body(struct probe *p, struct str in)
{
    struct str data;
    if (p->answer.chunked && !p->complete)
        return take_chunked(p, in);
    const size_t most = p->left < 0 || (uint64_t)p->left > in.len ? in.len : (size_t)p->left;
    ASSERT(str_sub(in, 0, most, &data) && str_from_off(in, most, &in));
    keep_body(p, data);
    p->left -= p->left < 0 ? 0 : (int64_t)most;
    if (p->left == 0)
        body_complete(p, in);
    return true;
}

static void judge_body(struct probe *p)
{
    finish(p, p->body.failed ? out_of_memory
              : health_match_body(p->check->match, p->local, fmt_done(&p->body)));
}

/* As much as was asked for is there; what comes behind it is not read. */
static bool has_enough(const struct probe *p)
{
    return p->complete || p->body.len == HEALTH_BODY_MOST;
}

static void read_body(struct probe *p)
{
    char bytes[READ_SIZE];
    size_t got;
    while (!has_enough(p))
        switch (conn_recv(p->c, bytes, sizeof(bytes), &got)) {
        case IO_OK:
            wait_most(p, p->check->conf->read_timeout);
            if (!take_body(p, str_of(bytes, got))) {
                finish(p, "upstream sent invalid chunked response");
                return;
            }
            break;
        case IO_AGAIN:
            return;
        case IO_EOF:
            if (p->answer.chunked || p->left > 0) {
                finish(p, "upstream prematurely closed connection");
                return;
            }
            judge_body(p);
            return;
        case IO_ERROR:
            finish(p, "recv() failed");
            return;
        }
    judge_body(p);
}

/* --- the head of the answer ------------------------------------------------------------------- */

static bool is_bodiless(const struct h1_response *a)
{
    return a->status < 200 || a->status == 204 || a->status == 304
           || (!a->chunked && a->length == 0);
}

static void head_complete(struct probe *p, struct str head, struct str rest)
{
    const struct health_match *match = p->check->match;
    const char *why = health_match_status(match, p->answer.status);
    if (!why)
        why = health_match_headers(match, p->local, head);
    if (!why && match && match->requires)
        why = check_requires(p);
    p->state = PROBE_BODY;
    p->log.action = "reading upstream";
    p->left = p->answer.length;
    if (is_bodiless(&p->answer)) {
        p->left = 0;
        p->answer.chunked = false;
        body_complete(p, rest);
    }
    if (why || !wants_body(p))
        finish(p, why);
    else if (!take_body(p, rest))
        finish(p, "upstream sent invalid chunked response");
    else
        read_body(p);
}

/* What is no answer of HTTP/1 is known by its first bytes. */
static bool may_begin(struct str bytes)
{
    const struct str begin = STR("HTTP/1.");
    return bytes.len < begin.len ? str_starts(begin, bytes) : str_starts(bytes, begin);
}

/* False: more is to be read. */
static bool look_at_head(struct probe *p)
{
    for (;;) {
        struct str bytes, head, rest;
        size_t end;
        ASSERT(str_from_off(str_of(p->head.at, p->head.len), p->at, &bytes));
        if (!may_begin(bytes)) {
            finish(p, "upstream sent no valid HTTP/1.0 header");
            return true;
        }
        if ((end = h1_find_end(bytes, &p->seen)) == 0)
            return false;
        ASSERT(str_sub(bytes, 0, end, &head) && str_from_off(bytes, end, &rest));
        p->answer = (struct h1_response){ .length = -1 };
        if (h1_parse_response(head, &p->pool, &p->answer) != H1_DONE) {
            finish(p, p->answer.why);
            return true;
        }
        if (p->answer.status >= 200 || p->answer.status == 101) {
            head_complete(p, head, rest);
            return true;
        }
        p->seen = 0;
        p->at += end;
        if (++p->interims > INTERIMS_MOST) {
            finish(p, "upstream sent too many interim responses");
            return true;
        }
    }
}

/* A connection that was kept, and that the peer has closed meanwhile, says nothing of it. */
static bool is_stale(const struct probe *p)
{
    return p->pooled && p->head.len == 0;
}

static void read_head(struct probe *p)
{
    struct conn *c = p->c;
    while (p->c == c && p->state == PROBE_HEAD) {
        const size_t room = p->check->conf->buffer_size - p->head.len;
        char *to = room ? fmt_need(&p->head, room) : NULL;
        size_t got;
        if (!to) {
            finish(p, room ? out_of_memory : "upstream sent too big header");
            return;
        }
        switch (conn_recv(c, to, room, &got)) {
        case IO_OK:
            fmt_advance(&p->head, got);
            wait_most(p, p->check->conf->read_timeout);
            if (look_at_head(p))
                return;
            break;
        case IO_AGAIN:
            return;
        case IO_EOF:
        case IO_ERROR:
            if (is_stale(p)) {
                drop_conn(p);
                dial_peer(p);
            } else
                finish(p, "upstream prematurely closed connection");
            return;
        }
    }
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_ready(struct conn *c)
{
    struct probe *p = c->data;
    switch (p->state) {
    case PROBE_CONNECTING:
        switch (dial_result(c)) {
        case DIAL_PENDING:
            return;
        case DIAL_FAILED:
            connect_failed(p, errno);
            return;
        case DIAL_DONE:
            connected(p);
            return;
        }
        return;
    case PROBE_HEAD:
        read_head(p);
        return;
    case PROBE_BODY:
        read_body(p);
        return;
    case PROBE_IDLE:                    /* whatever that is: the next probe has its own */
        drop_conn(p);
        return;
    }
}

/* A request is never so long that it fills the queue. */
static void on_drained(struct conn *c)
{
    (void)c;
}

static void on_timeout(struct conn *c)
{
    struct probe *p = c->data;
    p->error = ETIMEDOUT;
    finish(p, "upstream timed out");
}

/* It takes no more, but may have answered before: what there is to read says so. */
static void on_error(struct conn *c)
{
    struct probe *p = c->data;
    if (p->state == PROBE_IDLE)
        drop_conn(p);
    else if (is_stale(p)) {
        drop_conn(p);
        dial_peer(p);
    } else
        finish(p, "send() failed");
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_timeout = on_timeout,
    .on_error = on_error,
};

/* --- entry points ----------------------------------------------------------------------------- */

static bool is_too_old(const struct probe *p)
{
    return p->local->worker->loop.real - p->c->began >= p->check->keepalive_time;
}

void probe_begin(struct probe *p)
{
    const struct upstream_conf *conf = p->check->conf;
    struct conn *c = p->c;
    ASSERT(p->state == PROBE_IDLE);
    if (c && (is_too_old(p) || c->failed || c->watch.hangup || c->watch.error)) {
        drop_conn(p);
        c = NULL;
    }
    pool_init(&p->pool, &pool_heap);
    fmt_init_pool(&p->head, &p->pool, 0, conf->buffer_size);
    fmt_init_pool(&p->body, &p->pool, 0, HEALTH_BODY_MOST);
    p->log = (struct log){ .conf = log_conf_of(p->check->location->block), .context = log_context,
                           .data = p };
    p->until = p->local->worker->loop.now + conf->connect_timeout + conf->send_timeout
               + conf->read_timeout;
    p->ours = false;
    p->error = 0;
    p->answer.status = 0;
    p->at = p->seen = 0;
    p->interims = 0;
    p->chunked = (struct h1_chunked){ 0 };
    p->complete = p->excess = false;
    p->pooled = c != NULL;
    if (c)
        send_request(p);
    else
        dial_peer(p);
}

void probe_cancel(struct probe *p)
{
    drop_conn(p);
    if (p->state != PROBE_IDLE)
        pool_free(&p->pool);
    p->state = PROBE_IDLE;
}
