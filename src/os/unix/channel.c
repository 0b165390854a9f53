/*
 * Channels between the master and its workers.  Owns nothing.
 */
#include "os/unix/channel.h"

#include <sys/socket.h>

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(CHANNEL_DESCRIPTORS * sizeof(int))];
};

bool channel_pair(int pair[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
}

bool channel_send(int fd, const void *message, size_t size, const int *fds, unsigned count,
                  bool dontwait)
{
    union control control;
    struct iovec iov = { (void *)(uintptr_t)message, size };
    struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;
    if (count > CHANNEL_DESCRIPTORS) {
        errno = EINVAL;
        return false;
    }
    if (count) {
        memset(&control, 0, sizeof(control));
        control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
        h.msg_control = &control;
        h.msg_controllen = CMSG_SPACE(count * sizeof(int));
    }
    do
        n = sendmsg(fd, &h, MSG_NOSIGNAL | (dontwait ? MSG_DONTWAIT : 0));
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size;
}

static unsigned take(struct msghdr *h, int *fds, unsigned most, bool *over)
{
    unsigned n = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (n < most) {
                fds[n++] = fd;
            } else {
                close(fd);
                *over = true;
            }
        }
    }
    return n;
}

enum io channel_recv(int fd, void *message, size_t size, int *fds, unsigned most, unsigned *count)
{
    union control control;
    struct iovec iov = { message, size };
    struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = sizeof(control) };
    bool bad = false;
    ssize_t n;
    *count = 0;
    do
        n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? IO_AGAIN : IO_ERROR;
    *count = take(&h, fds, most, &bad);
    if (n == 0 && *count == 0)
        return IO_EOF;
    if (n == (ssize_t)size && !bad && !(h.msg_flags & MSG_TRUNC))
        return IO_OK;
    while (*count)
        close(fds[--*count]);
    errno = EBADMSG;
    return IO_ERROR;
}
