/*
 * The plain transport: TCP and unix stream sockets, without a layer of their own.
 * Owns nothing: the descriptor is the conn's.
 */
#include "core/log.h"
#include "event/conn.h"

#include <sys/socket.h>
#include <sys/uio.h>

enum {
    IOV_MOST = 64,
    FILE_MOST = 2 << 20,                /* a step of sendfile: a fast client must not keep us */
};

/* What peers do is no news; anything else is a fault of ours or of the machine. */
static void log_failure(struct conn *c, const char *call)
{
    const int error = errno;
    const bool peer = error == ECONNRESET || error == EPIPE || error == ENOTCONN
                      || error == ETIMEDOUT || error == ECONNREFUSED || error == EHOSTUNREACH
                      || error == ENETUNREACH || error == ENETDOWN || error == EHOSTDOWN;
    c->error = error;
    log_write(&c->log, peer ? LOG_INFO : LOG_ALERT, error, "%s failed", call);
}

/* A short read has emptied the socket, unless its end was announced: that is read as well. */
static enum io tcp_recv(struct conn *c, void *to, size_t room, size_t *got)
{
    const enum io io = io_recv(c->watch.fd, to, room, got);
    if (io == IO_ERROR)
        log_failure(c, "recv()");
    if (io == IO_AGAIN || (io == IO_OK && *got < room && !c->watch.hangup))
        c->watch.readable = false;
    return io;
}

/* The memory at the front, up to a file or IOV_MOST pieces. True: more follows behind it. */
static bool gather(const struct buf *buf, struct iovec *iov, int *count, size_t *bytes)
{
    for (*count = 0, *bytes = 0; buf; buf = buf->next) {
        if (buf->len == 0)
            continue;
        if (buf->kind != BUF_MEMORY || *count == IOV_MOST)
            return true;
        iov[(*count)++] = (struct iovec){ (void *)(uintptr_t)buf->at, buf->len };
        *bytes += buf->len;
    }
    return false;
}

static enum io send_memory(struct conn *c, const struct buf *first, size_t *sent)
{
    struct iovec iov[IOV_MOST];
    int count;
    size_t bytes;
    const bool more = gather(first, iov, &count, &bytes);
    const enum io io = io_writev(c->watch.fd, iov, count, more, sent);
    if (io == IO_ERROR)
        log_failure(c, "writev()");
    /* Less than all: the kernel is full, there is no need to be told so by another call. */
    return io == IO_OK && *sent < bytes ? IO_AGAIN : io;
}

static enum io send_file(struct conn *c, const struct buf *file, size_t *sent)
{
    const size_t len = size_min(file->len, FILE_MOST);
    const enum io io = io_sendfile(c->watch.fd, file->fd, file->off, len, sent);
    if (io == IO_ERROR)
        log_failure(c, "sendfile()");
    if (io != IO_EOF)
        return io;
    log_write(&c->log, LOG_ALERT, 0,
              "a file was truncated while it was sent: %zu bytes of it are missing",
              file->len);
    return IO_ERROR;
}

static enum io tcp_send(struct conn *c, const struct chain *out, size_t *sent)
{
    const struct buf *first = out->first;
    while (first && first->len == 0)
        first = first->next;
    *sent = 0;
    if (!first)
        return IO_OK;
    const enum io io = first->kind == BUF_FILE ? send_file(c, first, sent)
                                               : send_memory(c, first, sent);
    if (io == IO_AGAIN)
        c->watch.writable = false;
    return io;
}

/* A peer that is gone already needs no end. */
static void tcp_shutdown(struct conn *c)
{
    if (shutdown(c->watch.fd, SHUT_WR) < 0 && errno != ENOTCONN)
        log_failure(c, "shutdown()");
}

static void tcp_close(struct conn *c)
{
    (void)c;
}

const struct transport transport_tcp = { "tcp", tcp_recv, tcp_send, tcp_shutdown, tcp_close };
