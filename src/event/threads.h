/*
 * Thread pools: blocking work beside the loop, results as tasks in it.
 *
 *     loop --threads_run(job)--> queue --> a thread runs job->work --> done list, eventfd
 *     loop <-- job->task is posted <-- the loop reads the done list
 */
#ifndef EVENT_THREADS_H
#define EVENT_THREADS_H

#include "event/loop.h"

struct threads;

struct thread_job {
    struct thread_job *next;
    void (*work)(struct thread_job *job);       /* in a thread: touches nothing but the job */
    struct task task;                           /* posted when it is done */
};

/* NULL: errno. Threads start as jobs come. */
struct threads *threads_new(struct loop *loop, unsigned count, unsigned most_queued);
/* False: `most_queued` jobs wait already, or no thread could be started (logged). */
bool threads_run(struct threads *threads, struct thread_job *job);
/* Waits for the jobs that run; no thread is left.  Jobs that wait are not run, and the tasks of
 * those that were not seen by the loop are not posted. */
void threads_free(struct threads *threads);

#endif
