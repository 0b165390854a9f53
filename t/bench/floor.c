/*
 * The floor below every server: answers any request with the same 1 KiB body, one recv and one
 * send each, and knows nothing else. What it costs is the kernel's share of a request.
 * Owns its listener and the connections that clients open; lives until it is killed.
 *
 *     floor PORT [close]          with `close` it ends each connection after the first answer
 *     floor PORT relay ORIGIN     what comes from a client goes to a connection to the port ORIGIN
 *                                 that is its own, and back: the kernel's share of a proxy
 *
 * Requests that came together are answered together. A request is taken to arrive whole: the
 * clients of the benchmark send theirs in one segment.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY = 1024, HEAD_MOST = 256, TOGETHER = 64, EVENTS = 256, PORTS = 65536 };

struct answers {
    char bytes[TOGETHER * (HEAD_MOST + BODY)];
    size_t len;                 /* of one */
};

/* relay: the other connection of each descriptor. */
static int other[PORTS];

static void fail(const char *const what)
{
    perror(what);
    exit(1);
}

static void make_answers(struct answers *const a, const int once)
{
    const int head = snprintf(a->bytes, HEAD_MOST,
        "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "Content-Type: text/plain\r\nContent-Length: %d\r\n"
        "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: \"5e0be100-400\"\r\n"
        "Accept-Ranges: bytes\r\nConnection: %s\r\n\r\n", BODY, once ? "close" : "keep-alive");

    if (head < 0 || head >= HEAD_MOST)
        abort();
    a->len = (size_t)head + BODY;
    memset(a->bytes + head, 'x', BODY);
    for (size_t i = 1; i < TOGETHER; i++)
        memcpy(a->bytes + i * a->len, a->bytes, a->len);
}

static int listen_on(const unsigned long port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((in_port_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        fail("socket");
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 511) != 0)
        fail("listen");
    return fd;
}

static void watch(const int epoll, const int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
}

static void dial(const int epoll, const int client, const unsigned long origin)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((in_port_t)origin), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    if (client >= PORTS || fd >= PORTS)
        fail("too many connections");
    other[client] = fd;
    other[fd] = client;
    watch(epoll, fd);
}

static void welcome(const int epoll, const int listener, const unsigned long origin)
{
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0)
        return;
    watch(epoll, fd);
    if (origin)
        dial(epoll, fd, origin);
}

static void relay(const int fd)
{
    char buffer[16384];
    const ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got > 0 && send(other[fd], buffer, (size_t)got, MSG_NOSIGNAL) == got)
        return;
    close(other[fd]);
    close(fd);
}

static size_t requests_in(const char *at, size_t len)
{
    size_t count = 0;

    for (const char *end; (end = memmem(at, len, "\r\n\r\n", 4)); count++) {
        len -= (size_t)(end + 4 - at);
        at = end + 4;
    }
    return count;
}

/* The answers to what has arrived; a client that does not read them is not waited for. */
static void serve(const int fd, const struct answers *const a, const int once)
{
    char buffer[16384];
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);

    if (got < 0 && errno == EAGAIN)
        return;
    const size_t count = got > 0 ? requests_in(buffer, (size_t)got) : 0;
    const size_t len = count * a->len;
    if (count == 0 || count > TOGETHER || send(fd, a->bytes, len, MSG_NOSIGNAL) != (ssize_t)len ||
        once)
        close(fd);
}

int main(const int argc, char **const argv)
{
    struct answers a;
    struct epoll_event events[EVENTS];
    const unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    const unsigned long origin = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    const int once = argc == 3;

    if (port == 0 || port >= PORTS || origin >= PORTS) {
        fputs("usage: floor PORT [close | relay ORIGIN]\n", stderr);
        return 2;
    }
    make_answers(&a, once);
    const int listener = listen_on(port);
    const int epoll = epoll_create1(0);
    if (epoll < 0)
        fail("epoll_create1");
    watch(epoll, listener);
    for (;;) {
        const int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            const int fd = events[i].data.fd;
            if (fd == listener)
                welcome(epoll, listener, origin);
            else if (origin)
                relay(fd);
            else
                serve(fd, &a, once);
        }
    }
}
