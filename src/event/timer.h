/*
 * Timers: a heap by deadline, in monotonic milliseconds, so that clock steps change nothing.
 *
 *     timers.heap -> [ due 120 ][ due 300 ] ...   timer { deadline 900 } is put back when 120 comes
 *
 * Moving a deadline later, which every request does to its connection's timer, only writes the new
 * deadline: the heap keeps the old one, and when that comes the timer is put back (lazy).
 */
#ifndef EVENT_TIMER_H
#define EVENT_TIMER_H

#include "core/heap.h"

struct loop;

struct timer {
    struct heap_node node;              /* its key, never later than `deadline` */
    int64_t deadline;                   /* what was asked for */
    bool set;
    bool idle;                          /* does not keep a graceful exit waiting */
    void (*fire)(struct timer *timer);
};

struct timers {
    struct heap heap;
    size_t reserved;
    unsigned set;                       /* timers that are set */
};

void timers_init(struct timers *timers);
void timers_free(struct timers *timers);

/* Room for `count` more, so that setting them cannot fail; whoever is made at a peer's wish asks
 * first. False: no memory. */
WARN_UNUSED bool timers_reserve(struct timers *timers, size_t count);
void timers_unreserve(struct timers *timers, size_t count);

/* From now, at least 1 (what is to happen at once is a task); sets one that is set anew. */
void timer_set(struct loop *loop, struct timer *timer, int64_t msec);
void timer_cancel(struct loop *loop, struct timer *timer);

/* Milliseconds until the next may be due; -1: none. */
int64_t timers_wait(const struct timers *timers, int64_t now);
/* Fires what is due; what is set while firing waits for the next call. */
void timers_run(struct loop *loop);

#endif
