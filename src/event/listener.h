/*
 * Accepting: an address as this worker sees it, across generations.
 *
 *     listener 127.0.0.1:80 --> listening (current generation; NULL: the address is gone)
 *       socket 0   slot 4   own        watched
 *       socket 1   slot 5   worker 1's watched only while worker 1 is stalled or full
 *
 * Connections point to the listener, which lives as long as they do.
 */
#ifndef EVENT_LISTENER_H
#define EVENT_LISTENER_H

#include "core/listening.h"
#include "event/worker.h"

struct listener_socket {
    struct watch watch;
    struct listener *listener;
    unsigned owner;                     /* worker index; of a shared one: everybody's */
    unsigned batch;                     /* how many the next event is expected to bring */
    uint64_t turn;                      /* of the last one */
};

struct listener {
    struct listener *next;
    const struct listening *listening;
    struct inet_address address;
    struct worker *worker;
    struct listener_socket **sockets;   /* pointers: a watch must not move */
    unsigned nsockets;
    unsigned conns;
};

/* The addresses of the current generation, after it became current: what is new is accepted from,
 * what is gone is not. */
void listener_update(struct worker *w);
/* Watches what this worker should accept from just now (adoption, full, quitting), and no more. */
void listener_review(struct worker *w);
/* Accepting has paused for a while: it goes on where it can. */
void listener_resume(struct worker *w);
unsigned listener_count(const struct worker *w);        /* connections of clients */

#endif
