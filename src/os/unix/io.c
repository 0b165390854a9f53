/*
 * Bytes in and out.  Owns nothing; interrupted calls are repeated.
 */
#include "os/unix/io.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

static enum io result(ssize_t n, size_t *moved)
{
    *moved = n > 0 ? (size_t)n : 0;
    if (n > 0)
        return IO_OK;
    if (n == 0)
        return IO_EOF;
    return errno == EAGAIN || errno == EWOULDBLOCK ? IO_AGAIN : IO_ERROR;
}

enum io io_recv(int fd, void *to, size_t room, size_t *got)
{
    ssize_t n;
    do
        n = recv(fd, to, room, 0);
    while (n < 0 && errno == EINTR);
    return result(n, got);
}

enum io io_writev(int fd, const struct iovec *iov, int count, bool more, size_t *sent)
{
    const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
                                    .msg_iovlen = (size_t)count };
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    while (n < 0 && errno == EINTR);
    return result(n, sent);
}

enum io io_sendfile(int to, int from, off_t off, size_t len, size_t *sent)
{
    ssize_t n;
    do
        n = sendfile(to, from, &off, len);
    while (n < 0 && errno == EINTR);
    return result(n, sent);
}
