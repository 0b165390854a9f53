/*
 * Sockets: those that listen and what is set on them, and those that ask somebody else.
 */
#ifndef OS_UNIX_SOCKET_H
#define OS_UNIX_SOCKET_H

#include "os/unix/platform.h"

#include <sys/socket.h>

enum socket_switch { SOCKET_UNSET, SOCKET_ON, SOCKET_OFF };

struct socket_options {
    int backlog, rcvbuf, sndbuf, fastopen;              /* 0: as the system has it */
    enum socket_switch ipv6only, keepalive;
    int keepalive_idle, keepalive_interval, keepalive_count;
    bool reuseport, deferred, multipath;
};

/* Bound, non-blocking, not listening yet; -1: errno. */
int socket_bind(const struct sockaddr *address, socklen_t len, const struct socket_options *o);
/* Begins to listen, or applies what can change while it does. */
bool socket_listen(int fd, const struct socket_options *o);
/* Whether the address is free: somebody else's listener refuses us here, even when it would
 * share the port (SO_REUSEPORT).  False: errno. */
bool socket_probe(const struct sockaddr *address, socklen_t len, const struct socket_options *o);
bool socket_has_reuseport(int fd);
bool socket_is_stream(int fd);
/* *len: room, then length. */
bool socket_local(int fd, struct sockaddr *address, socklen_t *len);
/* Removes the file of a unix socket; other sockets have none. */
void socket_unlink(int fd);
/* Small pieces may wait for the answer to those before them; accepted ones do not, at first. */
void socket_delay(int fd);
/* close() resets the connection instead of ending it. */
void socket_reset_at_close(int fd);

enum socket_accept { SOCKET_OK, SOCKET_AGAIN, SOCKET_EXHAUSTED, SOCKET_ERROR };

/* EXHAUSTED: out of descriptors or memory; errno. */
enum socket_accept socket_accept(int listener, void *address, socklen_t room, socklen_t *len,
                                 int *fd);

struct socket_dial {
    const struct sockaddr *bind;        /* NULL: as the system likes */
    socklen_t bind_len;
    bool any_port;                      /* the port of `bind` does not count */
    bool transparent, keepalive;
    int sndbuf, rcvbuf;                 /* 0: as the system has it */
};

/* A non-blocking stream that connects; -1: errno.  *pending: it does not know yet. */
int socket_dial(const struct sockaddr *to, socklen_t len, const struct socket_dial *how,
                bool *pending);
/* Non-blocking datagrams to this address, and only from it, through a port that the kernel draws.
 * -1: errno. */
int socket_udp(const struct sockaddr *to, socklen_t len);
/* What became of it: 0, or an error number. */
int socket_error(int fd);
/* The peer has sent its end, and nothing before it is unread. */
bool socket_at_end(int fd);

#endif
