/*
 * Readiness of descriptors: the seam to epoll.
 *
 *     descriptor --event--> watch { readable, writable, hangup, error } --> ready()
 *
 * A watch is edge-triggered and registered once, for reading and writing: afterwards readiness is
 * remembered in the flags, and whoever got EAGAIN clears the flag.  `ready` is called from the loop
 * when a flag was raised; it posts tasks or handles the event, under the loop's fairness rules.
 */
#ifndef EVENT_POLLER_H
#define EVENT_POLLER_H

#include "core/base.h"

struct loop;

struct watch {
    int fd;                             /* -1: not watched */
    bool readable, writable;            /* until somebody gets EAGAIN */
    bool hangup;                        /* the peer closed its sending side, or more */
    bool error;
    void (*ready)(struct watch *watch);
};

enum poll_mode {
    POLL_EDGE,                          /* connections */
    POLL_LEVEL,                         /* channels, signalfd, eventfd: read side only */
    POLL_SHARED,                        /* listeners that several workers wait on: EPOLLEXCLUSIVE */
};

struct poller {
    int fd;
};

bool poller_init(struct poller *poller);                /* false: logged */
void poller_free(struct poller *poller);
/* False: errno, logged. */
bool poller_add(struct loop *loop, struct watch *watch, enum poll_mode mode);
/* Before close(), always: another process may hold a duplicate of the descriptor.  Events of this
 * watch that were fetched in this turn are dropped. */
void poller_remove(struct loop *loop, struct watch *watch);
/* The same for a descriptor that nobody else holds, right before its close(), which does the
 * rest. */
void poller_forget(struct loop *loop, struct watch *watch);
/* Waits at most `msec` (-1: for ever), reads the time, and calls ready() of what came.  False:
 * epoll failed (logged). */
bool poller_wait(struct loop *loop, int64_t msec);

#endif
