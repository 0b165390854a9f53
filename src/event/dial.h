/*
 * Connections that this side begins.
 *
 *     dial --> conn (connecting) --on_ready--> dial_result: DIAL_PENDING, DIAL_DONE, DIAL_FAILED
 *
 * What is sent before it is connected waits.  They count among the connections of the worker.
 */
#ifndef EVENT_DIAL_H
#define EVENT_DIAL_H

#include "event/conn.h"

struct dial {
    struct inet_address to;
    struct inet_address bind;           /* len 0: as the system likes */
    bool bind_port;                     /* the port of `bind` as well, not any */
    bool transparent;                   /* `bind` may be another host's */
    bool keepalive;
    int sndbuf, rcvbuf;                 /* 0: as the system has it */
};

enum dial_result {
    DIAL_PENDING,
    DIAL_DONE,
    DIAL_FAILED,                        /* errno */
};

/* NULL: errno; EUSERS when worker_connections are used up. */
struct conn *dial(struct worker *w, const struct dial *how);
/* In on_ready. */
enum dial_result dial_result(struct conn *c);

#endif
