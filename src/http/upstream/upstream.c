/*
 * The engine: one request's way to a server, from the choice of it to the head of its answer.
 * Owns the connection while it is used; everything else lies in the request's pool.
 */
#include "http/upstream/upstream.h"

#include "core/generation.h"
#include "event/dial.h"
#include "event/worker.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/upstream/reuse.h"
#include "http/upstream/upstream_block.h"

static const char notes;                /* the key of struct upstream_log */

struct upstream_log *upstream_log(struct request *r)
{
    return request_note(r, &notes, 0);
}

static struct loop *loop_of(const struct upstream *u)
{
    return request_loop(u->request);
}

static struct worker *worker_of(const struct upstream *u)
{
    return u->request->subject.local->worker;
}

static void enter(struct upstream *u, enum upstream_state state, const char *action)
{
    u->state = state;
    u->request->log.action = action;
}

/* --- letting go ------------------------------------------------------------------------------- */

static uint64_t place_of(const struct upstream *u)
{
    return u->conf->place + (u->group->keepalive.local ? u->conf->home : 0);
}

static struct reuse_key key_of(const struct upstream *u)
{
    return (struct reuse_key){ .group = u->group->name, .address = &u->try->address,
                               .bind = &u->bind, .place = place_of(u) };
}

static void drop_conn(struct upstream *u)
{
    struct conn *c = u->c;
    u->c = NULL;
    c->handler = NULL;
    c->data = NULL;
    conn_abandon(c);
}

static void keep_conn(struct upstream *u)
{
    struct conn *c = u->c;
    const struct reuse_key key = key_of(u);
    u->c = NULL;
    c->handler = NULL;
    c->data = NULL;
    c->log = (struct log){ .conf = log_process->conf };
    conn_timer(c, 0);
    reuse_give(worker_of(u), &key, c, &u->group->keepalive);
}

static bool may_keep(const struct upstream *u)
{
    const struct conn *c = u->c;
    return u->group && u->ended && !u->broken && !u->excess
           && u->sent_all && !u->send_failed && !c->failed
           && c->out.bytes == 0 && !c->watch.hangup && !c->watch.error
           && u->group->keepalive.connections > 0 && u->protocol->reusable(u);
}

void upstream_let_go(struct upstream *u, enum outcome outcome)
{
    struct upstream_try *try = u->try;
    const int64_t now = loop_of(u)->now;
    body_stop(u->request);
    if (u->c) {
        try->sent = u->c->sent - u->sent_before;
        try->received = u->c->received - u->received_before;
        try->response_time = now - try->began;
        if (outcome != OUTCOME_NOTHING && may_keep(u))
            keep_conn(u);
        else
            drop_conn(u);
    }
    if (u->group)
        pick_done(&u->pick, outcome, try ? try->header_time : -1, try ? try->response_time : -1);
}

/* Nobody comes back to it: its memory may go. */
static void stop(struct upstream *u)
{
    u->state = UPSTREAM_DONE;
    pick_wait_end(&u->wait);
    timer_cancel(loop_of(u), &u->timer);
    timers_unreserve(&loop_of(u)->timers, 1);
    loop_unpost(loop_of(u), &u->task);
}

/* The end of its work for the request, which may go on without it. */
void upstream_finish(struct upstream *u)
{
    stop(u);
    u->request->log.action = NULL;
    u->request->abandonable = false;
    request_op_done(u->request, &u->op);
}

static void fail(struct upstream *u, unsigned status)
{
    u->status = status;
    upstream_finish(u);
    u->state = UPSTREAM_FAILED;
}

/* --- one try ---------------------------------------------------------------------------------- */

static const struct conn_handler handler;

static void begin_try(struct upstream *u)
{
    struct upstream_log *log = upstream_log(u->request);
    struct upstream_try *try = pool_new(u->request->subject.pool, struct upstream_try);
    try->upstream = u;
    try->name = u->group ? u->group->name : u->host;
    try->began = loop_of(u)->now;
    try->connect_time = try->header_time = try->response_time = try->queue_time = -1;
    *log->end = try;
    log->end = &try->next;
    u->try = try;
}

/* Why, as a bit of *_next_upstream, and what to answer when nobody else is asked.  The next try is
 * a task, so that a hundred servers that refuse are no hundred calls deep. */
void upstream_try_failed(struct upstream *u, unsigned why, unsigned status)
{
    const bool retry = upstream_may_retry(u, why);
    if (u->try->status == 0)
        u->try->status = status;
    if (u->try->response_time < 0)
        u->try->response_time = loop_of(u)->now - u->try->began;
    upstream_let_go(u, why == NEXT_403 || why == NEXT_404 ? OUTCOME_GOOD : OUTCOME_FAILED);
    if (!retry) {
        fail(u, status);
        return;
    }
    u->tries--;
    u->state = UPSTREAM_RETRYING;
    loop_post(loop_of(u), &u->task);
}

/* It was closed by its server while nobody looked, or so it seems: nothing of an answer came.
 * What may be asked twice is asked again, of the same server by a connection of its own. */
static bool second_chance(struct upstream *u)
{
    if (!u->pooled || u->second_chance || u->c->received != u->received_before || u->body_begun
        || !(upstream_is_idempotent(u->request) || (u->conf->next & NEXT_NON_IDEMPOTENT)))
        return false;
    u->second_chance = true;
    drop_conn(u);
    return true;
}

/* The request has left to its end: now it is the server's turn. */
static void request_left(struct buf *mark, bool sent)
{
    struct upstream *u = mark->data;
    if (!sent || !u->c)
        return;
    if (u->state == UPSTREAM_AWAITING) {
        u->request->log.action = "reading response header from upstream";
        conn_timer(u->c, u->conf->read_timeout);
    }
}

static void send_body_part(struct upstream *u, struct chain *data, struct chain *out, bool last)
{
    if (u->protocol->encode_body)
        u->protocol->encode_body(u, data, out, last);
    else
        chain_move(out, data);
    if (last) {
        u->sent_all = true;
        chain_add_mark(out, u->request->subject.pool, request_left, u);
    }
}

/* Without memory the request was given up on the way, and this with it. */
static enum flow pass_to_server(struct upstream *u, struct chain *out)
{
    if (u->c)
        return conn_send(u->c, out);
    chain_drop(out);
    return FLOW_FULL;
}

static enum flow take_body(struct sink *sink, struct chain *data, enum mark mark)
{
    struct upstream *u = container_of(sink, struct upstream, reader.sink);
    struct chain out;
    if (!u->c) {
        chain_drop(data);
        return FLOW_FULL;
    }
    if (u->state == UPSTREAM_AWAITING && u->c->out.bytes == 0)
        conn_timer(u->c, u->conf->send_timeout);
    chain_init(&out);
    send_body_part(u, data, &out, mark == LAST);
    return pass_to_server(u, &out);
}

/* The client breaks its body off, or it is too long. */
static void body_failed(struct body_reader *reader, unsigned status)
{
    struct upstream *u = container_of(reader, struct upstream, reader);
    u->body_status = status;
    loop_post(loop_of(u), &u->task);
}

static void send_request(struct upstream *u)
{
    struct request *r = u->request;
    struct chain out, body;
    chain_init(&out);
    chain_init(&body);
    u->sent_all = u->send_failed = false;
    u->sent_before = u->c->sent;
    u->received_before = u->c->received;
    u->c->requests++;
    upstream_body_reset(u);
    enter(u, UPSTREAM_AWAITING, "sending request to upstream");
    if (!u->protocol->encode_head(u, &out)) {
        upstream_let_go(u, OUTCOME_NOTHING);
        fail(u, 500);
        return;
    }
    if (!u->stream_body) {
        if (u->protocol->body)
            u->protocol->body(u, &body);
        send_body_part(u, &body, &out, true);
    }
    if (u->c)
        conn_timer(u->c, u->conf->send_timeout);
    pass_to_server(u, &out);
    if (u->stream_body && u->c) {
        u->body_begun = true;
        body_stream(r, &u->reader);
    }
}

static void connected(struct upstream *u)
{
    u->try->connect_time = loop_of(u)->now - u->try->began;
    send_request(u);
}

static void use_conn(struct upstream *u, struct conn *c)
{
    u->c = c;
    c->handler = &handler;
    c->data = u;
    c->log.conf = u->request->log.conf;
}

/* Nothing is left here: no server could be asked, and this one is not to blame. */
static bool is_our_lack(int error)
{
    return error == EUSERS || error == EMFILE || error == ENFILE || error == ENOMEM
           || error == ENOBUFS;
}

static void connect_failed(struct upstream *u, int error)
{
    if (u->c)
        drop_conn(u);
    if (is_our_lack(error)) {
        upstream_let_go(u, OUTCOME_NOTHING);
        fail(u, 500);
    } else
        upstream_try_failed(u, NEXT_ERROR, 502);
}

/* What the network or the server says; anything else is a fault of this machine. */
static bool is_usual(int error)
{
    return error == ECONNREFUSED || error == ECONNRESET || error == ENETDOWN
           || error == ENETUNREACH || error == EHOSTDOWN || error == EHOSTUNREACH;
}

/* At once: nginx names the address then, and people look for that line. */
static void cannot_connect(struct upstream *u, int error)
{
    char text[INET_TEXT];
    struct fmt f;
    fmt_init_cut(&f, text, sizeof(text));
    inet_write(&f, &u->try->address, true);
    if (error == EUSERS)
        log_write(&u->request->log, LOG_ALERT, 0, "%u worker_connections are not enough",
                  worker_of(u)->most);
    else
        log_write(&u->request->log, is_usual(error) ? LOG_ERROR : LOG_CRIT, error,
                  "connect() to %.*s failed", STR_FMT(fmt_done(&f)));
    connect_failed(u, error);
}

static void refused(struct upstream *u, int error)
{
    log_write(&u->request->log, LOG_ERROR, error, "connect() failed");
    connect_failed(u, error);
}

static void dial_peer(struct upstream *u)
{
    const struct dial how = {
        .to = u->try->address, .bind = u->bind, .bind_port = inet_port(&u->bind) != 0,
        .transparent = u->conf->bind.transparent, .keepalive = u->conf->socket_keepalive,
        .sndbuf = (int)u->conf->sndbuf, .rcvbuf = (int)u->conf->rcvbuf,
    };
    u->pooled = false;
    enter(u, UPSTREAM_CONNECTING, "connecting to upstream");
    struct conn *c = dial(worker_of(u), &how);
    if (!c && is_our_lack(errno) && reuse_evict(worker_of(u))) {
        loop_post(loop_of(u), &u->task);        /* its place is free in the next turn */
        return;
    }
    if (!c) {
        cannot_connect(u, errno);
        return;
    }
    use_conn(u, c);
    switch (dial_result(c)) {
    case DIAL_DONE:
        connected(u);
        break;
    case DIAL_PENDING:
        conn_timer(c, u->conf->connect_timeout);
        break;
    case DIAL_FAILED:
        refused(u, errno);
        break;
    }
}

static void ask(struct upstream *u)
{
    struct conn *c = NULL;
    if (u->group) {
        const struct reuse_key key = key_of(u);
        c = reuse_take(worker_of(u), &key);
    }
    if (!c) {
        dial_peer(u);
        return;
    }
    u->pooled = true;
    use_conn(u, c);
    u->try->connect_time = 0;
    send_request(u);
}

/* --- whom to ask ------------------------------------------------------------------------------ */

/* `why` NULL: it was said. */
static void nobody(struct upstream *u, unsigned status, int error, const char *why)
{
    begin_try(u);
    u->try->status = status;
    u->try->response_time = 0;
    if (why)
        log_write(&u->request->log, LOG_ERROR, error, "%s", why);
    fail(u, status);
}

static void wait_in_queue(struct upstream *u)
{
    if (u->state == UPSTREAM_QUEUED)
        return;
    if (!pick_wait(&u->pick, &u->wait)) {
        nobody(u, 502, 0, "no live upstreams");
        return;
    }
    enter(u, UPSTREAM_QUEUED, "waiting for a free upstream");
    u->queued_at = loop_of(u)->now;
    timer_set(loop_of(u), &u->timer,
              u->group->queue ? u->group->queue_timeout : u->group->resolver_timeout);
}

static void next_peer(struct upstream *u)
{
    u->request->log.action = "connecting to upstream";
    switch (pick_next(&u->pick)) {
    case PICKED:
        break;
    case PICK_BUSY:
        wait_in_queue(u);
        return;
    case PICK_NONE:
        nobody(u, 502, 0, "no live upstreams");
        return;
    case PICK_FAILED:
        nobody(u, 500, 0, NULL);
        return;
    }
    begin_try(u);
    if (u->state == UPSTREAM_QUEUED) {
        pick_wait_end(&u->wait);
        timer_cancel(loop_of(u), &u->timer);
        u->try->queue_time = loop_of(u)->now - u->queued_at;
    }
    u->try->address = u->pick.address;
    u->try->name = u->pick.server->text;
    ask(u);
}

static void next_try(struct upstream *u)
{
    if (u->group) {
        next_peer(u);
        return;
    }
    begin_try(u);
    u->try->address = u->dynamic[u->next_dynamic++ % u->ndynamic];
    ask(u);
}

static void count_tries(struct upstream *u, unsigned all)
{
    const int64_t most = u->conf->next_tries;
    u->tries = most > 0 && most < all ? (unsigned)most : all;
    u->tries -= u->tries > 0;
}

static void resolved(struct resolve *q)
{
    struct upstream *u = container_of(q, struct upstream, resolve);
    struct request *r = u->request;
    if (q->status != RESOLVE_OK || q->count == 0) {
        log_write(&r->log, LOG_ERROR, 0, "%.*s could not be resolved (%d: %s)", STR_FMT(u->host),
                  (int)q->status, resolve_reason(q->status));
        nobody(u, 502, 0, NULL);
    } else {
        u->dynamic = pool_array(r->subject.pool, q->count, sizeof(*u->dynamic));
        for (unsigned i = 0; i < q->count; i++)
            u->dynamic[i] = q->at[i].address;
        u->ndynamic = q->count;
        count_tries(u, u->ndynamic);
        next_try(u);
    }
    request_continue(r);
}

/* The host came out of variables: an address, or a name to look up. */
static void begin_dynamic(struct upstream *u)
{
    const struct http_location_conf *conf = http_location_conf(u->request);
    struct inet_address address;
    if (inet_parse(u->host, u->port, &address) || inet_parse_host(u->host, u->port, &address)) {
        u->dynamic = pool_new(u->request->subject.pool, struct inet_address);
        *u->dynamic = address;
        u->ndynamic = 1;
        count_tries(u, 1);
        next_try(u);
        return;
    }
    struct resolver *resolver = worker_resolver(worker_of(u), conf->resolver);
    if (!resolver) {
        nobody(u, 500, ENOMEM, "no memory for a resolver");
        return;
    }
    enter(u, UPSTREAM_RESOLVING, "resolving upstream");
    u->resolve.name = u->host;
    u->resolve.port = u->port;
    u->resolve.done = resolved;
    resolve_start(resolver, &u->resolve, conf->resolver_timeout);
}

/* --- the head of the answer ------------------------------------------------------------------- */

static void answer_is_bad(struct upstream *u)
{
    if (u->culprit.at)
        log_write(&u->request->log, LOG_ERROR, 0, "%s: \"%.*s\"", u->why, STR_FMT(u->culprit));
    else
        log_write(&u->request->log, LOG_ERROR, 0, "%s", u->why);
    upstream_try_failed(u, NEXT_INVALID, 502);
}

static void lost(struct upstream *u, const char *what)
{
    if (second_chance(u)) {
        dial_peer(u);
        return;
    }
    log_write(&u->request->log, LOG_ERROR, 0, "%s", what);
    upstream_try_failed(u, NEXT_ERROR, 502);
}

static void head_complete(struct upstream *u)
{
    const unsigned why = upstream_next_of_status(u->head.status);
    u->try->header_time = loop_of(u)->now - u->try->began;
    u->try->status = u->head.status;
    if (why && upstream_may_retry(u, why)) {
        upstream_try_failed(u, why, u->head.status);
        return;
    }
    const bool bad = (why & u->conf->next) && why != NEXT_403 && why != NEXT_404;
    u->outcome = bad ? OUTCOME_FAILED : OUTCOME_GOOD;
    enter(u, UPSTREAM_ANSWERING, "reading upstream");
    u->op.holds = false;
    upstream_body_begin(u);
}

/* False: it is to be read on. */
static bool look_at_head(struct upstream *u)
{
    for (;;) {
        struct upstream_block *b = u->block;
        size_t used = 0;
        struct str bytes = str_of(b->bytes + u->at, b->len - u->at);
        if (bytes.len == 0)
            return false;
        switch (u->protocol->decode_head(u, bytes, &used)) {
        case DECODE_MORE:
            return false;
        case DECODE_INTERIM:
            u->at += used;
            upstream_interim(u);
            continue;
        case DECODE_END:
            u->at += used;
            u->rest = str_of(b->bytes + u->at, b->len - u->at);
            head_complete(u);
            return true;
        case DECODE_UPGRADED:
            u->at += used;
            u->rest = str_of(b->bytes + u->at, b->len - u->at);
            u->try->header_time = loop_of(u)->now - u->try->began;
            u->try->status = u->head.status;
            if (u->orphan) {            /* a tunnel to nobody */
                upstream_let_go(u, OUTCOME_GOOD);
                upstream_finish(u);
                return true;
            }
            u->upgraded = true;
            enter(u, UPSTREAM_ANSWERING, "proxying upgraded connection");
            u->op.holds = false;
            return true;
        case DECODE_DATA:
        case DECODE_BAD:
            answer_is_bad(u);
            return true;
        }
    }
}

static void read_head(struct upstream *u)
{
    struct conn *c = u->c;
    while (u->c == c && u->state == UPSTREAM_AWAITING) {
        struct upstream_block *b = u->block;
        size_t got;
        if (b->len == b->size) {
            log_write(&u->request->log, LOG_ERROR, 0, "upstream sent too big header");
            upstream_try_failed(u, NEXT_INVALID, 502);
            return;
        }
        switch (conn_recv(c, b->bytes + b->len, b->size - b->len, &got)) {
        case IO_OK:
            b->len += got;
            conn_timer(c, u->conf->read_timeout);
            if (look_at_head(u))
                return;
            break;
        case IO_AGAIN:
            if (u->send_failed)
                lost(u, "upstream closed the connection before it answered");
            return;
        case IO_EOF:
            lost(u, "upstream prematurely closed connection");
            return;
        case IO_ERROR:
            lost(u, "recv() failed");
            return;
        }
    }
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_ready(struct conn *c)
{
    struct upstream *u = c->data;
    struct request *r = u->request;
    switch (u->state) {
    case UPSTREAM_CONNECTING:
        switch (dial_result(c)) {
        case DIAL_PENDING:
            return;
        case DIAL_FAILED:
            refused(u, errno);
            break;
        case DIAL_DONE:
            connected(u);
            break;
        }
        break;
    case UPSTREAM_AWAITING:
        r->log.action = "reading response header from upstream";
        read_head(u);
        break;
    case UPSTREAM_ANSWERING:
        upstream_body_ready(u);
        return;
    case UPSTREAM_IDLE:
    case UPSTREAM_RETRYING:
    case UPSTREAM_QUEUED:
    case UPSTREAM_RESOLVING:
    case UPSTREAM_FAILED:
    case UPSTREAM_DONE:
        return;
    }
    if (u->state == UPSTREAM_ANSWERING && u->orphan)
        upstream_body_ready(u);
    else if (u->state == UPSTREAM_ANSWERING || u->state == UPSTREAM_FAILED)
        request_continue(r);
}

static void on_drained(struct conn *c)
{
    const struct upstream *u = c->data;
    if (u->state == UPSTREAM_AWAITING && c->out.bytes)
        conn_timer(c, u->conf->send_timeout);
    body_resume(u->request);
}

static void on_timeout(struct conn *c)
{
    struct upstream *u = c->data;
    struct request *r = u->request;
    if (u->state == UPSTREAM_AWAITING && c->out.bytes && c->sent != u->sent_seen) {
        u->sent_seen = c->sent;         /* slow, but it takes something */
        conn_timer(c, u->conf->send_timeout);
        return;
    }
    if (u->state == UPSTREAM_AWAITING && u->stream_body && !u->sent_all && c->out.bytes == 0)
        return;                         /* the client is who is waited for */
    log_write(&r->log, LOG_ERROR, ETIMEDOUT, "upstream timed out");
    if (u->state == UPSTREAM_ANSWERING) {
        upstream_body_lost(u);
        return;
    }
    upstream_try_failed(u, NEXT_TIMEOUT, 504);
    if (u->state == UPSTREAM_FAILED)
        request_continue(r);
}

/* It takes no more of the request, but may have answered before. */
static void on_error(struct conn *c)
{
    struct upstream *u = c->data;
    u->send_failed = true;
    on_ready(c);
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_timeout = on_timeout,
    .on_error = on_error,
};

static void run_task(struct task *task)
{
    struct upstream *u = container_of(task, struct upstream, task);
    struct request *r = u->request;
    if (u->body_status) {
        const unsigned status = u->body_status;
        u->body_status = 0;
        if (u->state == UPSTREAM_ANSWERING) {
            upstream_body_lost(u);
            return;
        }
        upstream_let_go(u, OUTCOME_NOTHING);
        fail(u, status);
    } else if (u->state == UPSTREAM_QUEUED)
        next_peer(u);
    else if (u->state == UPSTREAM_RETRYING)
        next_try(u);
    else if (u->state == UPSTREAM_CONNECTING && !u->c)
        dial_peer(u);
    else if (u->state == UPSTREAM_ANSWERING) {
        upstream_body_ready(u);
        return;
    }
    if (u->state == UPSTREAM_FAILED)
        request_continue(r);
}

static void timer_fired(struct timer *timer)
{
    struct upstream *u = container_of(timer, struct upstream, timer);
    struct request *r = u->request;
    if (u->state == UPSTREAM_QUEUED) {
        nobody(u, 502, ETIMEDOUT, "no upstream has become free");
        request_continue(r);
    } else if (u->state == UPSTREAM_ANSWERING)
        upstream_body_ready(u);         /* the rate allows more */
}

/* It matters without its client; but nobody waits for the rest of a body that never comes. */
static bool goes_on(const struct upstream *u)
{
    const bool answers = u->state == UPSTREAM_ANSWERING;
    const bool stores = answers ? u->stored != NULL : u->conf->store.on;
    const bool cut = u->stream_body && !u->sent_all && !answers;
    return (u->conf->ignore_abort || stores) && !u->upgraded && !cut
           && u->state != UPSTREAM_FAILED && !u->request->main->over && !worker_of(u)->quitting;
}

/* The client goes, or the server ends: false when it is read to its end all the same. */
static bool cancel(struct op *op)
{
    struct upstream *u = container_of(op, struct upstream, op);
    if (goes_on(u)) {
        upstream_orphan(u);
        return false;
    }
    if (u->state == UPSTREAM_ANSWERING) {
        upstream_body_abandon(u);
        return false;                   /* it is done already */
    }
    if (u->state == UPSTREAM_RESOLVING)
        resolve_cancel(&u->resolve);
    upstream_let_go(u, OUTCOME_NOTHING);
    upstream_store_end(u, false);
    stop(u);
    return true;
}

/* --- for content steps ------------------------------------------------------------------------ */

static void log_passed(const struct request *r, struct fmt *f)
{
    const struct upstream_log *log = upstream_log((struct request *)(uintptr_t)r);
    const struct upstream *u = log ? log->current : NULL;
    if (!u || u->state == UPSTREAM_DONE || !u->try)
        return;
    fmt_print(f, ", upstream: \"%.*s", STR_FMT(u->scheme));
    if (u->try->address.len)
        inet_write(f, &u->try->address, true);
    else
        fmt_str(f, u->try->name);
    fmt_print(f, "%s%.*s\"", u->try->address.len && u->try->address.any.sa_family == AF_UNIX
              ? ":" : "", STR_FMT(u->uri));
}

struct upstream *upstream_new(struct request *r, const struct upstream_protocol *protocol,
                              const struct upstream_conf *conf, void *data)
{
    struct upstream_log *log = request_note(r, &notes, sizeof(*log));
    struct upstream *u = pool_new(r->subject.pool, struct upstream);
    if (!log->end)
        log->end = &log->first;
    log->current = u;
    u->request = r;
    u->protocol = protocol;
    u->conf = conf;
    u->data = data;
    u->head.length = -1;
    u->task.run = run_task;
    u->timer.fire = timer_fired;
    u->wait.task = &u->task;
    u->reader.sink.write = take_body;
    u->reader.failed = body_failed;
    r->log_passed = log_passed;
    return u;
}

struct upstream *upstream_of(struct request *r)
{
    const struct upstream_log *log = upstream_log(r);
    struct upstream *u = log ? log->current : NULL;
    const bool begun = u && u->state != UPSTREAM_IDLE && u->state != UPSTREAM_DONE;
    return begun && !u->orphan ? u : NULL;
}

/* The own address, when one is given.  False: it cannot be known. */
static bool bind_address(struct upstream *u)
{
    const struct upstream_bind *bind = &u->conf->bind;
    struct str text;
    if (bind->address.source.len == 0)
        return true;
    if (!template_eval(&bind->address, &u->request->subject, &text))
        return false;
    if (text.len && !inet_parse(text, 0, &u->bind) && !inet_parse_host(text, 0, &u->bind))
        log_write(&u->request->log, LOG_ERROR, 0, "invalid local address \"%.*s\"",
                  STR_FMT(text));
    return true;
}

static bool begin(struct upstream *u)
{
    struct request *r = u->request;
    if (!bind_address(u) || !upstream_body_init(u) || !timers_reserve(&loop_of(u)->timers, 1))
        return false;
    request_op_start(r, &u->op, "waiting for another server", true, cancel);
    r->abandonable = !u->conf->ignore_abort && !u->conf->store.on && !r->parent;
    u->began = loop_of(u)->now;
    if (!u->group) {
        begin_dynamic(u);
        return true;
    }
    u->pick.subject = &r->subject;
    u->pick.log = &r->log;
    u->pick.local = r->subject.local;
    u->pick.group = u->group;
    pick_init(&u->pick);
    count_tries(u, pick_members(&u->pick));
    next_try(u);
    return true;
}

enum step upstream_step(struct upstream *u)
{
    if (u->state == UPSTREAM_IDLE && !begin(u))
        return request_fail(u->request, 500);
    if (u->state == UPSTREAM_FAILED) {
        u->state = UPSTREAM_DONE;
        return request_fail(u->request, u->status);
    }
    if (u->state != UPSTREAM_ANSWERING)
        return STEP_WAIT;
    if (u->upgraded)
        return upstream_tunnel(u);
    const enum step step = upstream_answer_head(u);
    if (step != STEP_NEXT) {
        upstream_body_abandon(u);
        return step;
    }
    return response_source(u->request, &u->source);
}
