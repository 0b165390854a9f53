/*
 * A tunnel: what a client and a server become after 101.
 *
 *     client's conn --side.pump--> server's conn      one timer for both ways, that of the server's
 *     client's conn <--side.pump-- server's conn      silence; each connection's own one while it
 *                                                     does not take what is sent to it
 *
 * Owns both connections, the place at the peer, and what is left of the request; nothing of it
 * lies in the request's pool, it pins no generation, and it has no buffers while nothing moves.
 */
#include "event/pump.h"
#include "event/worker.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/output.h"
#include "http/remnant.h"
#include "http/upstream/upstream.h"

enum { CONTEXT_MOST = 2048 };

struct side {
    struct tunnel *tunnel;
    struct conn *c;
    struct conn_sink sink;
    struct pump pump;                   /* from here to the other side */
    int64_t send_timeout;
    uint64_t sent;                      /* when its timer was set */
    uint64_t sent_before, received_before;
};

struct tunnel {
    struct side client, server;
    struct timer timer;
    struct worker *worker;
    struct log log;                     /* of the client's connection before */
    struct pick_kept pick;
    struct remnant *remnants;
    uint64_t head_size;                 /* of the 101 */
    int64_t request_began, server_began;        /* realtime; monotonic */
    size_t context_len;
    char context[];                     /* ", client: 10.0.0.1, server: a, request: ..." */
};

static struct side *other(struct side *side)
{
    struct tunnel *t = side->tunnel;
    return side == &t->client ? &t->server : &t->client;
}

/* --- the error log ---------------------------------------------------------------------------- */

static void write_context(const struct log *log, struct fmt *f)
{
    const struct tunnel *t = log->data;
    fmt_str(f, str_of(t->context, t->context_len));
}

/* Everything is said on the client's connection, whose log follows reloads. */
static void take_log(struct tunnel *t, const struct log_conf *conf)
{
    static const struct log_conf silent = { .targets = NULL };
    struct conn *c = t->client.c;
    t->log = c->log;
    c->log.conf = conf;
    c->log.action = "proxying upgraded connection";
    c->log.context = write_context;
    c->log.data = t;
    t->server.c->log = (struct log){ .conf = &silent };
}

static void give_log_back(const struct tunnel *t)
{
    struct log *log = &t->client.c->log;
    const struct log_conf *conf = log->conf;
    *log = t->log;
    log->conf = conf;
}

/* --- the end ---------------------------------------------------------------------------------- */

static uint64_t sent_by(const struct side *side)
{
    const uint64_t sent = side->c->sent, before = side->sent_before;
    return sent > before ? sent - before : 0;
}

static void end_remnants(const struct tunnel *t)
{
    const struct conn *c = t->client.c, *server = t->server.c;
    const uint64_t sent = sent_by(&t->client);
    const struct tunnel_end how = {
        .worker = t->worker,
        .log = &c->log,
        .sent = sent,
        .body_sent = sent > t->head_size ? sent - t->head_size : 0,
        .server_sent = sent_by(&t->server),
        .server_received = server->received - t->server.received_before,
        .request_time = c->loop->real - t->request_began,
        .connection_time = c->loop->real - c->began,
        .server_time = c->loop->now - t->server_began,
    };
    remnants_end(t->remnants, &how);
}

/* What the kernel still takes is the peer's. */
static void stop(struct side *side)
{
    pump_cancel(&side->pump);
    side->c->handler = NULL;
    side->c->data = NULL;
    conn_flush(side->c);
}

static void end(struct tunnel *t)
{
    struct loop *loop = t->client.c->loop;
    stop(&t->client);
    stop(&t->server);
    end_remnants(t);
    pick_let_go(&t->pick, t->worker);
    give_log_back(t);
    conn_close(t->client.c);
    conn_close(t->server.c);
    timer_cancel(loop, &t->timer);
    timers_unreserve(&loop->timers, 1);
    free(t);
}

/* A client's own connection has told. */
static void side_failed(struct side *side, const char *call)
{
    struct tunnel *t = side->tunnel;
    if (side == &t->server)
        log_write(&t->client.c->log, LOG_ERROR, side->c->error, "%s failed", call);
    end(t);
}

static void time_out(struct side *side)
{
    struct tunnel *t = side->tunnel;
    log_write(&t->client.c->log, LOG_INFO, ETIMEDOUT, "%s timed out",
              side == &t->server ? "upstream" : "client");
    end(t);
}

static void way_ended(struct task *task)
{
    struct side *side = container_of(task, struct side, pump.done);
    switch (side->pump.end) {
    case PUMP_FINISHED:
        if (other(side)->pump.end == PUMP_FINISHED)
            end(side->tunnel);
        break;
    case PUMP_FROM_FAILED:
        side_failed(side, "recv()");
        break;
    case PUMP_TO_FAILED:
        side_failed(other(side), "writev()");
        break;
    case PUMP_NO_MEMORY:
        log_write(&side->tunnel->client.c->log, LOG_ALERT, ENOMEM, "no memory for a tunnel");
        end(side->tunnel);
        break;
    case PUMP_RUNS:
    case PUMP_CANCELLED:
        break;
    }
}

/* --- events ----------------------------------------------------------------------------------- */

/* It has to take some of what is sent to it. */
static void watch_sending(struct side *side)
{
    if (side->c->out.bytes == 0 || side->c->timer.set)
        return;
    side->sent = side->c->sent;
    conn_timer(side->c, side->send_timeout);
}

static void on_ready(struct conn *c)
{
    struct side *side = c->data;
    pump_run(&side->pump);
    watch_sending(other(side));
    if (side->pump.eof && c->watch.error) {     /* nobody reads it, to be told */
        c->error = socket_error(c->watch.fd);
        side_failed(side, "recv()");
    }
}

static void on_drained(struct conn *c)
{
    (void)c;                            /* pumps know by their marks */
}

static void on_timeout(struct conn *c)
{
    struct side *side = c->data;
    if (c->out.bytes == 0 && !other(side)->c->watch.readable)
        return;
    if (c->out.bytes && c->sent == side->sent) {
        time_out(side);
        return;
    }
    side->sent = c->sent;
    conn_timer(c, side->send_timeout);
}

static void on_error(struct conn *c)
{
    side_failed(c->data, "writev()");
}

static bool on_drain(struct conn *c, bool now)
{
    struct side *side = c->data;
    if (now)
        end(side->tunnel);
    return now;
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_timeout = on_timeout,
    .on_error = on_error, .on_drain = on_drain,
};

static void nothing_moved(struct timer *timer)
{
    struct tunnel *t = container_of(timer, struct tunnel, timer);
    time_out(&t->server);
}

/* --- the beginning ---------------------------------------------------------------------------- */

/* With what the error log says of its request.  NULL: no memory. */
static struct tunnel *new_tunnel(const struct request *r)
{
    char text[CONTEXT_MOST];
    struct fmt f;
    fmt_init_cut(&f, text, sizeof(text));
    r->log.context(&r->log, &f);
    const struct str context = fmt_done(&f);
    if (!timers_reserve(&request_loop(r)->timers, 1))
        return NULL;
    struct tunnel *t = calloc(1, sizeof(*t) + context.len);
    if (!t) {
        timers_unreserve(&request_loop(r)->timers, 1);
        return NULL;
    }
    memcpy(t->context, context.at, context.len);
    t->context_len = context.len;
    t->timer.fire = nothing_moved;
    t->request_began = r->began;
    return t;
}

static void free_unused(struct tunnel *t, struct loop *loop)
{
    if (t)
        timers_unreserve(&loop->timers, 1);
    free(t);
}

static void take_side(struct tunnel *t, struct side *side, struct conn *c, int64_t send_timeout)
{
    side->tunnel = t;
    side->c = c;
    side->send_timeout = send_timeout;
    conn_sink_init(&side->sink, c);
    c->handler = &handler;
    c->data = side;
}

static void start_pump(struct side *side, int64_t idle)
{
    side->pump.from = side->c;
    side->pump.to = &other(side)->sink.sink;
    side->pump.timer = &side->tunnel->timer;
    side->pump.idle = idle;
    side->pump.done.run = way_ended;
    pump_start(&side->pump);
}

/* The request has left to its end, and its memory with it: what is not sent yet points there. */
static bool is_possible(const struct upstream *u)
{
    const struct request *r = u->request;
    return r->codec->detach && r->in.minor > 0 && fields_known(&r->in.fields, FIELD_UPGRADE)
           && (!r->body || r->body->state == BODY_COMPLETE)
           && u->sent_all && !u->send_failed && chain_empty(&u->c->out);
}

/* Others need the request or its connection: mirror's copies of it, and of those before it. */
static bool must_wait(const struct upstream *u)
{
    const struct request *r = u->request;
    return r->ops != &u->op || u->op.next || (r->codec->alone && !r->codec->alone(r));
}

/* What the client sends for the tunnel is no request. */
static enum step refuse(struct upstream *u, enum outcome outcome, enum step step)
{
    u->request->out.close = true;
    upstream_let_go(u, outcome);
    upstream_finish(u);
    return step;
}

/* Both connections leave the request; from here on nothing can fail. */
static void begin(struct upstream *u, struct tunnel *t, struct conn *client)
{
    struct request *r = u->request;
    const int64_t idle = u->conf->read_timeout;
    t->worker = r->subject.local->worker;
    t->server_began = u->try->began;
    take_side(t, &t->client, client, http_location_conf(r)->send_timeout);
    take_side(t, &t->server, u->c, u->conf->send_timeout);
    t->client.sent_before = r->bytes_sent;
    t->server.sent_before = u->sent_before;
    t->server.received_before = u->received_before;
    conn_timer(u->c, 0);
    take_log(t, r->log.conf);
    t->remnants = request_leave(r);
    if (u->group)
        pick_keep(&u->pick, u->try->header_time, &t->pick);
    u->c = NULL;
    upstream_finish(u);
    start_pump(&t->client, idle);
    start_pump(&t->server, idle);
}

enum step upstream_tunnel(struct upstream *u)
{
    struct request *r = u->request;
    struct loop *loop = request_loop(r);
    struct chain early, rest;
    if (u->ended)                       /* the server was lost while others were waited for */
        return refuse(u, OUTCOME_FAILED, request_fail(r, 502));
    if (must_wait(u))
        return STEP_WAIT;
    if (!is_possible(u)) {
        log_write(&r->log, LOG_ERROR, 0, "upstream switched protocols where that cannot be");
        return refuse(u, OUTCOME_FAILED, request_fail(r, 502));
    }
    const enum step step = upstream_answer_head(u);
    if (step != STEP_NEXT)
        return refuse(u, OUTCOME_GOOD, step);
    r->out.length = -1;                 /* RFC 9110, 8.6: never said in a 101 */
    if (!output_upgrade(r))
        return refuse(u, OUTCOME_GOOD, STEP_FAIL);
    chain_init(&early);
    chain_init(&rest);
    const uint64_t before = r->subject.conn->sent + r->subject.conn->out.bytes;
    struct tunnel *t = new_tunnel(r);
    struct conn *client = t && chain_add_heap(&rest, u->rest) ? r->codec->detach(r, &early) : NULL;
    if (!client) {
        log_write(&r->log, LOG_ALERT, ENOMEM, "no memory for a tunnel");
        free_unused(t, loop);
        chain_drop(&rest);
        r->out.status = 500;
        request_abort(r);
        return STEP_WAIT;
    }
    t->head_size = client->sent + client->out.bytes - before;
    begin(u, t, client);
    conn_send(client, &rest);
    conn_send(t->server.c, &early);
    watch_sending(&t->client);
    watch_sending(&t->server);
    return STEP_WAIT;
}
