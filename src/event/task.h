/*
 * A task: something to do in the next batch of this turn.  Intrusive and idempotent: posting one
 * that waits already does nothing, and posting never allocates.  Waking anything is posting its
 * task; nobody calls up the stack.
 */
#ifndef EVENT_TASK_H
#define EVENT_TASK_H

#include "core/base.h"

struct task {
    struct task *next;
    struct task **prev;                 /* NULL: not posted */
    void (*run)(struct task *task);
};

struct task_queue {
    struct task *first, **end;
};

static inline bool task_posted(const struct task *task)
{
    return task->prev != NULL;
}

#endif
