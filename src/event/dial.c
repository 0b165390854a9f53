/*
 * Dialling: a socket that connects becomes a connection.  Owns nothing.
 */
#include "event/dial.h"

#include "event/listener.h"
#include "event/worker.h"
#include "os/unix/socket.h"

static void closed(struct conn *c)
{
    c->worker->dialled--;
}

static bool has_room(const struct worker *w)
{
    return listener_count(w) + w->dialled < w->most;
}

struct conn *dial(struct worker *w, const struct dial *how)
{
    const struct socket_dial options = {
        .bind = how->bind.len ? &how->bind.any : NULL, .bind_len = how->bind.len,
        .any_port = !how->bind_port, .transparent = how->transparent,
        .keepalive = how->keepalive, .sndbuf = how->sndbuf, .rcvbuf = how->rcvbuf,
    };
    bool pending;
    if (!has_room(w)) {
        errno = EUSERS;
        return NULL;
    }
    const int fd = socket_dial(&how->to.any, how->to.len, &options, &pending);
    if (fd < 0)
        return NULL;
    struct conn *c = conn_new(&w->loop, fd, &how->to);
    if (!c) {
        errno = ENOMEM;
        return NULL;
    }
    c->worker = w;
    c->began = w->loop.real;
    c->closed = closed;
    c->connecting = pending;
    if (pending)
        c->watch.readable = c->watch.writable = false;
    w->dialled++;
    return c;
}

enum dial_result dial_result(struct conn *c)
{
    if (!c->connecting)
        return DIAL_DONE;
    if (!c->watch.writable && !c->watch.error && !c->watch.hangup)
        return DIAL_PENDING;
    errno = socket_error(c->watch.fd);
    if (errno)
        return DIAL_FAILED;
    c->connecting = false;
    c->watch.readable = c->watch.writable = true;
    if (c->out.bytes)
        loop_post_flush(c->loop, &c->flush_task);
    return DIAL_DONE;
}
