/*
 * A connection that was accepted, or dialled.
 *
 *     struct conn
 *       watch       readiness              -> ready task: on_ready
 *       out         queued output          -> flush task: one send a turn
 *       timer       the current deadline   -> on_timeout
 *       listener    who accepted it (worker's heap, survives reloads; see event/listener.h)
 *
 * The poller hears of it at the end of its first turn, and never of one that ends with that.
 * It points to nothing in a generation: idle connections do not pin one.  The callbacks come from
 * the loop, never in the stack of a call into this file; one task brings what is owed: the end, the
 * error, the drain, readiness.  Closing is posted as well, so a connection is never freed under a
 * caller; its number tells a stale reference.
 */
#ifndef EVENT_CONN_H
#define EVENT_CONN_H

#include "core/inet.h"
#include "core/log.h"
#include "event/flow.h"
#include "event/loop.h"
#include "event/transport.h"

struct conn;
struct listener;
struct proxy_head;
struct worker;

struct conn_handler {
    void (*on_ready)(struct conn *c);           /* readable, closed by the peer, or for no reason */
    void (*on_drained)(struct conn *c);         /* output went below the low mark after FULL */
    void (*on_timeout)(struct conn *c);
    void (*on_error)(struct conn *c);           /* sending failed; output is gone. Once, the last */
    /* The worker wants the connection gone: it is idle, or `now`. True: it will close by itself. */
    bool (*on_drain)(struct conn *c, bool now);
    /* What began under this generation or an older one has had its time; or NULL. */
    void (*on_retire)(struct conn *c, unsigned generation);
    /* Whether it waits for its peer, to send or to take something; or NULL: it does not. */
    bool (*awaits)(const struct conn *c);
};

/* An address at rest: conns are many, and the longest kind (a unix path) is large and rare. */
struct conn_address {
    socklen_t len;                      /* 0: none; more than fits: `at` has a pointer to it */
    unsigned char at[sizeof(struct sockaddr_in6)];
};

struct conn {
    struct watch watch;
    struct loop *loop;
    const struct transport *transport;
    void *layer;                        /* of the transport: its own state */
    const struct conn_handler *handler;
    void *data;                         /* of the handler */
    struct worker *worker;
    struct listener *listener;
    struct conn *next, *prev;           /* of the worker's list */
    void (*closed)(struct conn *c);     /* the last call, right before it is freed; or NULL */
    struct chain out;
    struct task ready_task, flush_task;
    struct timer timer;
    struct log log;                     /* its `connection` is the number for logs: "*12" */
    struct conn_address peer, local;    /* realip may replace `peer` */
    struct proxy_head *proxy;           /* what the PROXY head said; or NULL */
    uint64_t sent, received;            /* bytes */
    int64_t began;                      /* realtime, milliseconds */
    int64_t moved;                      /* when bytes came or went last, monotonic milliseconds */
    int64_t since;                      /* on the worker's list that it is on, milliseconds */
    uint32_t requests;
    uint32_t turn, budget;              /* bytes that may still be read in that turn */
    int error;                          /* of the call that failed last */
    bool full;                          /* FULL was answered; on_drained is owed */
    bool drained;                       /* on_drained is on its way */
    bool shut;                          /* the sending side ends when `out` is empty */
    bool closing, failed, idle;
    bool reported;                      /* failed, and on_error was called */
    bool watched;                       /* the poller knows it */
    bool connecting;                    /* this side began it, and the other has not answered */
    uint8_t stage;                      /* enum conn_stage, of a client's */
};

enum {
    CONN_HIGH = 128 << 10,              /* marks of the output queue */
    CONN_LOW = 32 << 10,
    CONN_READ_MOST = 64 << 10,          /* a turn */
    CONN_SEND_MOST = 2 << 20,           /* a turn, about */
};

/* Takes ownership of fd, which is non-blocking. NULL: no memory (fd is closed). */
struct conn *conn_new(struct loop *loop, int fd, const struct inet_address *peer);
/* False: no memory, and it is the one it was. */
WARN_UNUSED bool conn_set_peer(struct conn *c, const struct inet_address *peer);
void conn_peer(const struct conn *c, struct inet_address *peer);
/* Our side, asked from the kernel when it is first wanted; its len is 0 when there is none. */
void conn_local(struct conn *c, struct inet_address *local);

/* Reads what there is, up to `room` > 0 and to the budget of this turn.  IO_AGAIN: on_ready comes
 * when there is more, also when only the budget was used up. */
enum io conn_recv(struct conn *c, void *to, size_t room, size_t *got);
/* Queues; FULL above CONN_HIGH.  Leaves `data` empty.  Bytes for a failed connection are dropped
 * (their marks are called), and nobody is to make more of them: FULL. */
enum flow conn_send(struct conn *c, struct chain *data);
/* Sends now instead of at the end of the turn: 1xx, the end of a connection. */
void conn_flush(struct conn *c);
/* Ends the sending side when what is queued has left. */
void conn_shutdown(struct conn *c);
/* What is queued is thrown away now, for an owner whose memory it is; nothing more is sent. */
void conn_abandon(struct conn *c);
/* Posted; the descriptor is closed and the memory freed when the loop gets to it. What is queued
 * is dropped. Idempotent. */
void conn_close(struct conn *c);
void conn_timer(struct conn *c, int64_t msec);          /* 0: off */

#endif
