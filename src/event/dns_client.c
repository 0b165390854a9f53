/*
 * Questions on their way to DNS servers.
 * Owns the memory and the sockets of each question.
 */
#include "event/dns_client.h"

#include "core/log.h"
#include "os/unix/io.h"
#include "os/unix/socket.h"

#include <sys/random.h>

enum {
    WAIT_MOST = 5000,                   /* milliseconds, of a try */
    TCP_MOST = 5000,                    /* of a try by TCP */
    STRANGERS_MOST = 16,
    TCP_LENGTH = 2,                     /* bytes before a message */
};

struct dns_tcp {
    struct watch watch;
    struct dns_ask *ask;
    uint16_t id;
    char out[TCP_LENGTH + DNS_QUERY_MOST + 1];
    size_t out_len, sent;
    unsigned char head[TCP_LENGTH];
    size_t got;                         /* bytes of head and message */
    char *message;                      /* NULL: its length is not known yet */
    size_t len;
};

static const struct inet_address *server_of(const struct dns_ask *a)
{
    return &a->servers->at[a->server % a->servers->count];
}

static uint16_t draw_id(void)
{
    uint16_t id;
    ASSERT(getrandom(&id, sizeof(id), 0) == (ssize_t)sizeof(id));
    return id;
}

/* --- what is said of it ----------------------------------------------------------------------- */

static void write_server(const struct log *log, struct fmt *f)
{
    fmt_text(f, ", resolver: ");
    inet_write(f, server_of(log->data), true);
}

/* Once a second at most: a server that is down, or one who forges, would fill the log.  Without an
 * error it is about what was received. */
static void complain(struct dns_ask *a, int error, const char *what)
{
    struct log log = *log_process;
    char name[DNS_NAME_MOST * 4];
    struct fmt f;
    const int64_t second = a->loop->now / 1000 + 1;
    if (a->servers->complained == second)
        return;
    a->servers->complained = second;
    log.action = "resolving";
    log.context = write_server;
    log.data = a;
    fmt_init_cut(&f, name, sizeof(name));
    dns_name_write(&f, &a->name);
    if (error)
        log_write(&log, LOG_ERROR, error, "%s failed", what);
    else
        log_write(&log, LOG_ERROR, 0, "%s in a DNS response for %.*s", what,
                  STR_FMT(fmt_done(&f)));
}

/* --- sockets ---------------------------------------------------------------------------------- */

static void close_watch(struct dns_ask *a, struct watch *watch)
{
    if (watch->fd < 0)
        return;
    poller_remove(a->loop, watch);
    close(watch->fd);
    watch->fd = -1;
}

/* What was read of a message stays: see end(). */
static void close_tcp(struct dns_ask *a)
{
    if (a->tcp)
        close_watch(a, &a->tcp->watch);
}

static void close_all(struct dns_ask *a)
{
    for (size_t i = 0; i < countof(a->ports); i++)
        close_watch(a, &a->ports[i].watch);
    close_tcp(a);
    timer_cancel(a->loop, &a->timer);
    timers_unreserve(&a->loop->timers, 1);
}

static void free_tcp(struct dns_ask *a)
{
    close_tcp(a);
    if (a->tcp)
        free(a->tcp->message);
    free(a->tcp);
    a->tcp = NULL;
}

/* The answer may lie in what came by TCP. */
static void end(struct dns_ask *a, struct dns_answer *answer)
{
    close_all(a);
    a->done(a, answer);
    free_tcp(a);
    free(a);
}

/* The code of the last server that said so. */
static void end_refused(struct dns_ask *a)
{
    struct dns_answer answer = { .code = a->refusal, .type = a->type, .name = a->name };
    end(a, &answer);
}

/* --- trying ----------------------------------------------------------------------------------- */

static bool open_port(struct dns_ask *a, struct dns_port *port)
{
    const struct inet_address *to = server_of(a);
    const int fd = socket_udp(&to->any, to->len);
    if (fd < 0) {
        complain(a, errno, "connect()");
        return false;
    }
    port->watch = (struct watch){ .fd = fd, .ready = port->watch.ready };
    port->server = a->server;
    port->serial = a->servers->serial;
    port->strangers = 0;
    port->id = draw_id();
    if (poller_add(a->loop, &port->watch, POLL_EDGE))
        return true;
    close(fd);
    port->watch.fd = -1;
    return false;
}

/* The one that this server was asked by already, whose answer may still come; else that of the
 * server before the last. */
static struct dns_port *port_of(struct dns_ask *a)
{
    for (size_t i = 0; i < countof(a->ports); i++) {
        struct dns_port *port = &a->ports[i];
        if (port->watch.fd >= 0 && port->server == a->server
            && port->serial == a->servers->serial)
            return port;
    }
    a->port = (a->port + 1) % countof(a->ports);
    struct dns_port *port = &a->ports[a->port];
    close_watch(a, &port->watch);
    return open_port(a, port) ? port : NULL;
}

static bool send_query(struct dns_ask *a)
{
    char query[DNS_QUERY_MOST + 1];
    struct dns_port *port = port_of(a);
    struct fmt f;
    size_t sent;
    if (!port)
        return false;
    fmt_init(&f, query, sizeof(query));
    dns_query_write(&f, port->id, a->type, &a->name);
    const struct str bytes = fmt_done(&f);
    const struct iovec iov = { query, bytes.len };
    if (io_writev(port->watch.fd, &iov, 1, false, &sent) != IO_ERROR)
        return true;
    complain(a, errno, "send()");
    close_watch(a, &port->watch);
    return false;
}

/* The first tries are as long as it takes to ask each server once. */
static int64_t wait_of(const struct dns_ask *a)
{
    const int64_t first = a->servers->retry_ms;
    const int64_t most = first > WAIT_MOST ? first : WAIT_MOST;
    int64_t wait = first;
    for (unsigned n = a->waits / a->servers->count; n > 0 && wait < most; n--)
        wait *= 2;
    return wait < most ? wait : most;
}

/* One that cannot be sent to is passed over; is there no other, the same are tried after a wait. */
static void ask_next(struct dns_ask *a)
{
    bool sent = false;
    free_tcp(a);
    while (!sent && a->failed < a->servers->count) {
        a->server = (a->server + 1) % a->servers->count;
        a->tries++;
        sent = send_query(a);
        if (!sent)
            a->failed++;
    }
    timer_set(a->loop, &a->timer, wait_of(a));
}

/* The question may be gone after this. */
static void server_failed(struct dns_ask *a)
{
    if (++a->failed >= a->servers->count && a->refusal)
        end_refused(a);
    else
        ask_next(a);
}

/* Only the server that was asked last takes the question further by failing.  The question may be
 * gone after this. */
static void take_answer(struct dns_ask *a, unsigned server, struct dns_answer *answer)
{
    if (answer->code == DNS_OK || answer->code == DNS_NO_NAME) {
        end(a, answer);
    } else if (server == a->server) {
        a->refusal = answer->code;
        server_failed(a);
    }
}

static void timer_fires(struct timer *timer)
{
    struct dns_ask *a = container_of(timer, struct dns_ask, timer);
    const unsigned count = a->servers->count, rounds = a->servers->rounds;
    const bool over = rounds && a->tries >= rounds * count;
    a->waits++;
    a->failed = 0;
    if (a->refusal && (over || a->tries >= 2 * count))
        end_refused(a);
    else if (over || !a->wanted(a))
        end(a, NULL);
    else
        ask_next(a);
}

/* --- TCP -------------------------------------------------------------------------------------- */

static void tcp_failed(struct dns_ask *a, int error, const char *what)
{
    complain(a, error, what);
    server_failed(a);
}

static void take_message(struct dns_ask *a)
{
    struct dns_tcp *t = a->tcp;
    struct dns_answer answer;
    const char *why;
    switch (dns_answer_read(str_of(t->message, t->len), t->id, a->type, &a->name, &answer, &why)) {
    case DNS_ANSWER:
        take_answer(a, a->server, &answer);
        return;
    case DNS_TRUNCATED:
        why = "a cut message";
        break;
    case DNS_FOREIGN:
    case DNS_MALFORMED:
        break;
    }
    tcp_failed(a, 0, why);
}

/* False: it has failed, and the question may be gone. */
static bool tcp_send(struct dns_ask *a)
{
    struct dns_tcp *t = a->tcp;
    size_t sent;
    while (t->watch.writable && t->sent < t->out_len) {
        const struct iovec iov = { t->out + t->sent, t->out_len - t->sent };
        const enum io io = io_writev(t->watch.fd, &iov, 1, false, &sent);
        if (io == IO_OK) {
            t->sent += sent;
        } else if (io == IO_AGAIN) {
            t->watch.writable = false;
        } else {
            tcp_failed(a, errno, "TCP send()");
            return false;
        }
    }
    return true;
}

/* Where the next bytes belong, and how many; NULL: all are there. */
static void *room_of(struct dns_tcp *t, size_t *room)
{
    if (t->got < TCP_LENGTH) {
        *room = TCP_LENGTH - t->got;
        return t->head + t->got;
    }
    *room = t->len - (t->got - TCP_LENGTH);
    return *room > 0 ? t->message + (t->got - TCP_LENGTH) : NULL;
}

/* False: the length is wrong, or there is no memory for it. */
static bool tcp_got(struct dns_tcp *t, size_t got)
{
    t->got += got;
    if (t->got < TCP_LENGTH || t->message)
        return true;
    t->len = (size_t)t->head[0] << 8 | t->head[1];
    t->message = malloc(t->len ? t->len : 1);
    return t->message && t->len >= DNS_HEAD;
}

static void tcp_receive(struct dns_ask *a)
{
    struct dns_tcp *t = a->tcp;
    size_t room, got;
    void *to;
    while (t->watch.readable && (to = room_of(t, &room)) != NULL) {
        const enum io io = io_recv(t->watch.fd, to, room, &got);
        if (io == IO_AGAIN) {
            t->watch.readable = false;
        } else if (io == IO_EOF || (io == IO_OK && !tcp_got(t, got))) {
            tcp_failed(a, 0, "an incomplete message by TCP");
            return;
        } else if (io == IO_ERROR) {
            tcp_failed(a, errno, "TCP recv()");
            return;
        }
    }
    if (t->message && !room_of(t, &room))
        take_message(a);
}

static void tcp_ready(struct watch *watch)
{
    struct dns_ask *a = container_of(watch, struct dns_tcp, watch)->ask;
    if (tcp_send(a))
        tcp_receive(a);
}

static struct dns_tcp *tcp_new(struct dns_ask *a)
{
    char query[DNS_QUERY_MOST + 1];
    struct dns_tcp *t = calloc(1, sizeof(*t));
    struct fmt f;
    if (!t)
        return NULL;
    t->ask = a;
    t->watch = (struct watch){ .fd = -1, .ready = tcp_ready };
    t->id = draw_id();
    fmt_init(&f, query, sizeof(query));
    dns_query_write(&f, t->id, a->type, &a->name);
    const struct str bytes = fmt_done(&f);
    fmt_init(&f, t->out, sizeof(t->out));
    fmt_char(&f, (char)(bytes.len >> 8));
    fmt_char(&f, (char)(bytes.len & 0xff));
    fmt_str(&f, bytes);
    t->out_len = fmt_done(&f).len;
    return t;
}

/* The same server once more, which has a time of its own for that.  The question may be gone after
 * this. */
static void ask_by_tcp(struct dns_ask *a, unsigned server)
{
    static const struct socket_dial how;
    bool pending;
    if (a->tcp && a->tcp->watch.fd >= 0)
        return;
    free_tcp(a);
    a->server = server;
    a->tcp = tcp_new(a);
    if (!a->tcp) {
        server_failed(a);
        return;
    }
    const struct inet_address *to = server_of(a);
    a->tcp->watch.fd = socket_dial(&to->any, to->len, &how, &pending);
    if (a->tcp->watch.fd < 0) {
        tcp_failed(a, errno, "TCP connect()");
    } else if (!poller_add(a->loop, &a->tcp->watch, POLL_EDGE)) {
        close(a->tcp->watch.fd);
        a->tcp->watch.fd = -1;
        server_failed(a);
    } else {
        timer_set(a->loop, &a->timer, TCP_MOST);
    }
}

/* --- UDP -------------------------------------------------------------------------------------- */

/* What is too long for one piece is read as far as it goes, to see whether it is an answer. */
static enum dns_result read_datagram(struct dns_port *port, struct str bytes,
                                     struct dns_answer *answer, const char **why)
{
    const struct dns_ask *a = port->ask;
    const bool cut = bytes.len > DNS_UDP_MOST;
    const enum dns_result result =
        dns_answer_read(str_of(bytes.at, size_min(bytes.len, DNS_UDP_MOST)), port->id, a->type,
                        &a->name, answer, why);
    return cut && result != DNS_FOREIGN ? DNS_TRUNCATED : result;
}

/* False: the port, or the question, may be gone. */
static bool take_datagram(struct dns_port *port, struct str bytes)
{
    struct dns_ask *a = port->ask;
    const unsigned server = port->server;
    struct dns_answer answer;
    const char *why;
    switch (read_datagram(port, bytes, &answer, &why)) {
    case DNS_ANSWER:
        take_answer(a, server, &answer);
        return false;
    case DNS_TRUNCATED:
        ask_by_tcp(a, server);
        return false;
    case DNS_MALFORMED:
        complain(a, 0, why);
        break;
    case DNS_FOREIGN:
        break;
    }
    if (++port->strangers < STRANGERS_MOST)
        return true;
    complain(a, 0, "too much else");
    close_watch(a, &port->watch);
    ask_by_tcp(a, server);
    return false;
}

static void port_failed(struct dns_port *port, int error)
{
    struct dns_ask *a = port->ask;
    const bool last = port->server == a->server;
    if (last)
        complain(a, error, "recv()");
    close_watch(a, &port->watch);
    if (last && !a->tcp)
        server_failed(a);
}

static void port_ready(struct watch *watch)
{
    struct dns_port *port = container_of(watch, struct dns_port, watch);
    char bytes[DNS_UDP_MOST + 1];
    size_t got;
    while (watch->readable) {
        switch (io_recv(watch->fd, bytes, sizeof(bytes), &got)) {
        case IO_OK:
        case IO_EOF:                    /* an empty datagram */
            if (!take_datagram(port, str_of(bytes, got)))
                return;
            break;
        case IO_AGAIN:
            watch->readable = false;
            break;
        case IO_ERROR:
            port_failed(port, errno);
            return;
        }
    }
}

/* --- entry points ----------------------------------------------------------------------------- */

struct dns_ask *dns_ask_new(struct loop *loop, struct dns_servers *servers, enum dns_type type,
                            const struct dns_name *name,
                            void (*done)(struct dns_ask *ask, struct dns_answer *answer),
                            bool (*wanted)(struct dns_ask *ask), void *data)
{
    struct dns_ask *a = calloc(1, sizeof(*a));
    if (!a || !timers_reserve(&loop->timers, 1)) {
        free(a);
        return NULL;
    }
    *a = (struct dns_ask){ .loop = loop, .servers = servers, .type = type, .name = *name,
                           .done = done, .wanted = wanted, .data = data };
    for (size_t i = 0; i < countof(a->ports); i++)
        a->ports[i] = (struct dns_port){ .watch = { .fd = -1, .ready = port_ready }, .ask = a };
    a->timer.fire = timer_fires;
    a->timer.idle = true;
    ASSERT(servers->count > 0);
    a->server = servers->next + servers->count - 1;
    servers->next = (servers->next + 1) % servers->count;
    ask_next(a);
    return a;
}

void dns_ask_cancel(struct dns_ask *a)
{
    close_all(a);
    free_tcp(a);
    free(a);
}
