/*
 * The event loop of a worker.
 *
 *     turn:  poller_wait -> ready() of each event -> timers that are due -> a batch of tasks
 *            -> the flush tasks of connections that have output -> what these have ended and
 *            posted, as a second batch -> end-of-turn callback
 *
 * Tasks posted while a batch runs wait for the next turn, which looks at events without waiting: so
 * no task can starve the sockets.  All output of a turn leaves in one writev a connection:
 * flushing is a task in a queue of its own, run when the others are empty or 1 ms after the first
 * byte was queued, whichever is first.
 */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include "event/poller.h"
#include "event/task.h"
#include "event/timer.h"

struct loop {
    struct poller poller;
    struct timers timers;
    struct task_queue tasks, flushes;
    struct task_queue batch, flushing;  /* those of them that run now */
    int64_t now;                        /* monotonic milliseconds, read once a turn */
    int64_t real;                       /* the same of the clock on the wall */
    int64_t first_flush;                /* microseconds: when the oldest flush was posted */
    uint64_t turns;                     /* the watchdog looks at it */
    volatile uint64_t *heartbeat;       /* shared with the master; may be NULL */
    bool ended;                         /* flushing has posted the only tasks there are */
    bool stop;                          /* loop_run returns at the end of this turn */
    void *events;                       /* of the poller: the events being handled */
    unsigned nevents, event;
    void (*turn_end)(struct loop *loop);        /* once a turn; or NULL */
    void *owner;                        /* the worker */
};

bool loop_init(struct loop *loop);              /* false: logged */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);               /* until `stop` */
/* One turn; waits at most so long (-1: until something happens). */
void loop_turn(struct loop *loop, int64_t most_msec);

void loop_post(struct loop *loop, struct task *task);
void loop_post_flush(struct loop *loop, struct task *task);
void loop_unpost(struct loop *loop, struct task *task);

#endif
