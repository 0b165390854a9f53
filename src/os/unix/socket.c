/*
 * Sockets.  Owns nothing: descriptors are the caller's.
 */
#include "os/unix/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static bool set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static int open_one(const struct sockaddr *address, const struct socket_options *o)
{
    const int protocol = o->multipath && address->sa_family != AF_UNIX ? IPPROTO_MPTCP : 0;
    return socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int fail(int fd)
{
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A socket that nobody listens on any more is of a server that was killed.  Not waited for: the
 * backlog of one that lives may be full.  Other files refuse connections as well. */
static bool is_stale(const struct sockaddr *address, socklen_t len)
{
    const struct sockaddr_un *u = (const void *)address;
    struct stat st;
    if (lstat(u->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool refused = fd >= 0 && connect(fd, address, len) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

static int bind_unix(int fd, const struct sockaddr *address, socklen_t len)
{
    const struct sockaddr_un *u = (const void *)address;
    if (bind(fd, address, len) < 0) {
        if (errno != EADDRINUSE)
            return fail(fd);
        if (!is_stale(address, len)) {
            errno = EADDRINUSE;
            return fail(fd);
        }
        unlink(u->sun_path);
        if (bind(fd, address, len) < 0)
            return fail(fd);
    }
    chmod(u->sun_path, 0666);
    return fd;
}

int socket_bind(const struct sockaddr *address, socklen_t len, const struct socket_options *o)
{
    const int fd = open_one(address, o);
    if (fd < 0)
        return -1;
    if (address->sa_family == AF_UNIX)
        return bind_unix(fd, address, len);
    if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
        (o->reuseport && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)))
        return fail(fd);
    if (address->sa_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->ipv6only != SOCKET_OFF);
    return bind(fd, address, len) < 0 ? fail(fd) : fd;
}

bool socket_listen(int fd, const struct socket_options *o)
{
    if (o->rcvbuf)
        set(fd, SOL_SOCKET, SO_RCVBUF, o->rcvbuf);
    if (o->sndbuf)
        set(fd, SOL_SOCKET, SO_SNDBUF, o->sndbuf);
    if (o->keepalive != SOCKET_UNSET)
        set(fd, SOL_SOCKET, SO_KEEPALIVE, o->keepalive == SOCKET_ON);
    if (o->keepalive_idle)
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, o->keepalive_idle);
    if (o->keepalive_interval)
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, o->keepalive_interval);
    if (o->keepalive_count)
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, o->keepalive_count);
    /* What is accepted has it too.  A unix socket has no such thing, and needs none. */
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (listen(fd, o->backlog ? o->backlog : SOMAXCONN) < 0)
        return false;
    if (o->fastopen)
        set(fd, IPPROTO_TCP, TCP_FASTOPEN, o->fastopen);
    set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->deferred);
    return true;
}

bool socket_probe(const struct sockaddr *address, socklen_t len, const struct socket_options *o)
{
    struct socket_options plain = *o;
    if (address->sa_family == AF_UNIX)
        return true;
    plain.reuseport = false;
    const int fd = socket_bind(address, len, &plain);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

bool socket_has_reuseport(int fd)
{
    int on = 0;
    socklen_t len = sizeof(on);
    return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &len) == 0 && on;
}

bool socket_is_stream(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

bool socket_local(int fd, struct sockaddr *address, socklen_t *len)
{
    return getsockname(fd, address, len) == 0;
}

void socket_unlink(int fd)
{
    struct {
        struct sockaddr_un address;
        char zero;                      /* the longest path has none at its end */
    } at = { 0 };
    socklen_t len = sizeof(at.address);
    if (socket_local(fd, (void *)&at.address, &len) && at.address.sun_family == AF_UNIX &&
        at.address.sun_path[0])
        unlink(at.address.sun_path);
}

void socket_delay(int fd)
{
    set(fd, IPPROTO_TCP, TCP_NODELAY, 0);
}

void socket_reset_at_close(int fd)
{
    const struct linger linger = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

enum socket_accept socket_accept(int listener, void *address, socklen_t room, socklen_t *len,
                                 int *fd)
{
    for (;;) {
        *len = room;
        *fd = accept4(listener, address, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (*fd >= 0)
            return SOCKET_OK;
        if (errno == EAGAIN)
            return SOCKET_AGAIN;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return SOCKET_EXHAUSTED;
        if (errno != EINTR && errno != ECONNABORTED)
            return SOCKET_ERROR;
    }
}

/* A bound address without a port leaves the choice of it to connect(), which knows both ends. */
static bool bind_for_connect(int fd, const struct socket_dial *how)
{
#ifdef IP_BIND_ADDRESS_NO_PORT
    if (how->any_port && how->bind->sa_family != AF_UNIX)
        set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
#endif
    if (how->transparent) {
        const bool six = how->bind->sa_family == AF_INET6;
        if (!set(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1))
            return false;
    }
    return bind(fd, how->bind, how->bind_len) == 0;
}

int socket_dial(const struct sockaddr *to, socklen_t len, const struct socket_dial *how,
                bool *pending)
{
    const int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *pending = false;
    if (fd < 0)
        return -1;
    if (how->rcvbuf)
        set(fd, SOL_SOCKET, SO_RCVBUF, how->rcvbuf);
    if (how->sndbuf)
        set(fd, SOL_SOCKET, SO_SNDBUF, how->sndbuf);
    if (how->keepalive)
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (to->sa_family != AF_UNIX)
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (how->bind && !bind_for_connect(fd, how))
        return fail(fd);
    if (connect(fd, to, len) == 0)
        return fd;
    *pending = errno == EINPROGRESS;
    return *pending ? fd : fail(fd);
}

int socket_udp(const struct sockaddr *to, socklen_t len)
{
    const int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    return connect(fd, to, len) < 0 ? fail(fd) : fd;
}

int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

bool socket_at_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}
