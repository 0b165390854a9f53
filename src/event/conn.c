/*
 * Connections: readiness to tasks, budgets for reading and sending, one send a turn, posted end.
 * Owns the descriptor, the queue of output (not the memory in it) and the struct itself.
 */
#include "event/conn.h"

#include "os/unix/socket.h"

enum { TIMERS = 2 };                    /* reserved for each: its own, and one of what it carries */

/* --- addresses -------------------------------------------------------------------------------- */

static struct inet_address *address_outside(const struct conn_address *address)
{
    struct inet_address *outside = NULL;
    if (address->len > sizeof(address->at))
        memcpy(&outside, address->at, sizeof(outside));
    return outside;
}

static void address_get(const struct conn_address *address, struct inet_address *to)
{
    const struct inet_address *outside = address_outside(address);
    *to = (struct inet_address){ .len = address->len };
    if (outside)
        *to = *outside;
    else
        memcpy(to, address->at, address->len);
}

static bool address_set(struct conn_address *address, const struct inet_address *from)
{
    struct inet_address *old = address_outside(address), *outside = NULL;
    ASSERT(from->len <= offsetof(struct inet_address, len));
    if (from->len > sizeof(address->at)) {
        outside = malloc(sizeof(*outside));
        if (!outside)
            return false;
        *outside = *from;
        memcpy(address->at, &outside, sizeof(outside));
    } else
        memcpy(address->at, from, from->len);
    address->len = from->len;
    free(old);
    return true;
}

/* The bytes that repeated lines of the log are counted for. */
static struct str client_of(const struct conn_address *address)
{
    sa_family_t family = AF_UNIX;
    if (address->len >= sizeof(struct sockaddr_in) && address->len <= sizeof(address->at))
        memcpy(&family, address->at + offsetof(struct sockaddr, sa_family), sizeof(family));
    if (family == AF_INET)
        return str_of(address->at + offsetof(struct sockaddr_in, sin_addr), 4);
    if (family == AF_INET6)
        return str_of(address->at + offsetof(struct sockaddr_in6, sin6_addr), 16);
    return STR("unix:");
}

/* --- tasks ------------------------------------------------------------------------------------ */

/* The only end. */
static void destroy(struct conn *c)
{
    poller_forget(c->loop, &c->watch);
    chain_drop(&c->out);
    c->transport->close(c);
    close(c->watch.fd);
    if (c->closed)
        c->closed(c);
    timer_cancel(c->loop, &c->timer);
    loop_unpost(c->loop, &c->flush_task);
    loop_unpost(c->loop, &c->ready_task);
    timers_unreserve(&c->loop->timers, TIMERS);
    free(address_outside(&c->peer));
    free(address_outside(&c->local));
    free(c->proxy);
    free(c);
}

static void run_ready(struct task *task)
{
    struct conn *c = container_of(task, struct conn, ready_task);
    if (c->drained && !c->failed && !c->closing) {
        c->drained = false;
        c->handler->on_drained(c);
    }
    if (c->closing)
        destroy(c);
    else if (!c->failed)
        c->handler->on_ready(c);
    else if (!c->reported) {
        c->reported = true;
        c->handler->on_error(c);
    }
}

static void fail(struct conn *c)
{
    c->failed = true;
    c->full = false;
    loop_unpost(c->loop, &c->flush_task);
    loop_post(c->loop, &c->ready_task);
    chain_drop(&c->out);
}

/* As much as the kernel and the budget of a turn allow. */
static bool send_out(struct conn *c)
{
    size_t left = CONN_SEND_MOST;
    while (left > 0 && c->out.bytes > 0 && c->watch.writable) {
        size_t sent = 0;
        const enum io io = c->transport->send(c, &c->out, &sent);
        if (io != IO_OK && io != IO_AGAIN)
            return false;
        c->sent += sent;
        if (sent)
            c->moved = c->loop->now;
        left -= size_min(left, sent);
        chain_consume(&c->out, sent, true);
    }
    return true;
}

/* What came before this is reported at once. */
static bool start_watching(struct conn *c)
{
    c->watched = poller_add(c->loop, &c->watch, POLL_EDGE);
    if (!c->watched)
        fail(c);
    return c->watched;
}

static void flush(struct conn *c)
{
    if (!c->connecting && !send_out(c)) {
        fail(c);
        return;
    }
    if (!c->watched && !c->closing && !start_watching(c))
        return;
    chain_consume(&c->out, 0, true);
    if (c->shut && chain_empty(&c->out)) {
        c->shut = false;
        c->transport->shutdown(c);
    }
    if (c->full && c->out.bytes <= CONN_LOW) {
        c->full = false;
        c->drained = true;
        loop_post(c->loop, &c->ready_task);
    }
    if (c->out.bytes > 0 && c->watch.writable)
        loop_post_flush(c->loop, &c->flush_task);
}

static void run_flush(struct task *task)
{
    flush(container_of(task, struct conn, flush_task));
}

static void watch_ready(struct watch *watch)
{
    struct conn *c = container_of(watch, struct conn, watch);
    if (watch->readable || watch->hangup || watch->error || (c->connecting && watch->writable))
        loop_post(c->loop, &c->ready_task);
    if (watch->writable && c->out.bytes > 0)
        loop_post_flush(c->loop, &c->flush_task);
}

static void timer_fired(struct timer *timer)
{
    struct conn *c = container_of(timer, struct conn, timer);
    c->handler->on_timeout(c);
}

/* --- entry points ----------------------------------------------------------------------------- */

static struct conn *refuse(struct conn *c, int fd)
{
    close(fd);
    if (c)
        free(address_outside(&c->peer));
    free(c);
    return NULL;
}

struct conn *conn_new(struct loop *loop, int fd, const struct inet_address *peer)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (!c || !conn_set_peer(c, peer) || !timers_reserve(&loop->timers, TIMERS)) {
        log_write(log_process, LOG_ALERT, ENOMEM, "no memory for a connection");
        return refuse(c, fd);
    }
    /* A new socket can be written to, and often has bytes already; else it will say EAGAIN. */
    c->watch = (struct watch){ .fd = fd, .readable = true, .writable = true,
                               .ready = watch_ready };
    c->loop = loop;
    c->moved = loop->now;
    c->transport = &transport_tcp;
    c->log.conf = log_process->conf;
    c->ready_task.run = run_ready;
    c->flush_task.run = run_flush;
    c->timer.fire = timer_fired;
    c->turn = (uint32_t)loop->turns;
    c->budget = CONN_READ_MOST;
    chain_init(&c->out);
    loop_post_flush(loop, &c->flush_task);
    return c;
}

bool conn_set_peer(struct conn *c, const struct inet_address *peer)
{
    if (!address_set(&c->peer, peer))
        return false;
    c->log.client = client_of(&c->peer);
    return true;
}

void conn_peer(const struct conn *c, struct inet_address *peer)
{
    address_get(&c->peer, peer);
}

/* It is not remembered when there is no memory for it. */
void conn_local(struct conn *c, struct inet_address *local)
{
    struct inet_address name;
    socklen_t len = sizeof(name.local);
    address_get(&c->local, local);
    if (local->len == 0 && socket_local(c->watch.fd, &name.any, &len)
        && inet_from_sockaddr(local, &name.any, len))
        (void)address_set(&c->local, local);
}

enum io conn_recv(struct conn *c, void *to, size_t room, size_t *got)
{
    ASSERT(room > 0);
    *got = 0;
    if (c->turn != (uint32_t)c->loop->turns) {
        c->turn = (uint32_t)c->loop->turns;
        c->budget = CONN_READ_MOST;
    }
    if (!c->watch.readable || c->closing)
        return IO_AGAIN;
    if (c->budget == 0) {
        loop_post(c->loop, &c->ready_task);
        return IO_AGAIN;
    }
    const enum io io = c->transport->recv(c, to, size_min(room, c->budget), got);
    if (io == IO_OK) {
        c->budget -= (uint32_t)*got;
        c->received += *got;
        c->moved = c->loop->now;
    }
    return io;
}

enum flow conn_send(struct conn *c, struct chain *data)
{
    if (c->failed || c->closing) {
        chain_drop(data);
        return FLOW_FULL;
    }
    chain_move(&c->out, data);
    loop_post_flush(c->loop, &c->flush_task);
    if (c->out.bytes > CONN_HIGH)
        c->full = true;
    return c->full ? FLOW_FULL : FLOW_OK;
}

void conn_flush(struct conn *c)
{
    if (c->failed || c->closing)
        return;
    loop_unpost(c->loop, &c->flush_task);
    flush(c);
}

void conn_shutdown(struct conn *c)
{
    if (c->failed || c->closing)
        return;
    c->shut = true;
    loop_post_flush(c->loop, &c->flush_task);
}

void conn_abandon(struct conn *c)
{
    conn_close(c);
    c->full = c->drained = false;
    chain_drop(&c->out);
}

void conn_close(struct conn *c)
{
    c->closing = true;
    timer_cancel(c->loop, &c->timer);
    loop_unpost(c->loop, &c->flush_task);
    loop_post(c->loop, &c->ready_task);
}

void conn_timer(struct conn *c, int64_t msec)
{
    if (msec <= 0)
        timer_cancel(c->loop, &c->timer);
    else if (!c->closing)
        timer_set(c->loop, &c->timer, msec);
}
