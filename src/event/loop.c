/*
 * The loop of a worker: events, timers, one batch of tasks a turn, then the output of the turn.
 * Owns the poller and the timer heap; tasks and watches belong to those who embed them.
 */
#include "event/loop.h"

#include "os/unix/clock.h"

enum { FLUSH_WITHIN = 1000 };           /* microseconds */

static void queue_init(struct task_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_add(struct task_queue *queue, struct task *task)
{
    task->next = NULL;
    task->prev = queue->end;
    *queue->end = task;
    queue->end = &task->next;
}

static void queue_remove(struct task_queue *queue, struct task *task)
{
    *task->prev = task->next;
    if (task->next)
        task->next->prev = task->prev;
    else
        queue->end = task->prev;
    task->prev = NULL;
}

/* All of `from`, to the end of `to`. */
static void queue_move(struct task_queue *to, struct task_queue *from)
{
    if (!from->first)
        return;
    *to->end = from->first;
    from->first->prev = to->end;
    to->end = from->end;
    queue_init(from);
}

static void run_first(struct task_queue *queue)
{
    struct task *task = queue->first;
    queue_remove(queue, task);
    task->run(task);
}

/* What is posted for flushing meanwhile waits for the next time. */
static void run_flushes(struct loop *loop)
{
    queue_move(&loop->flushing, &loop->flushes);
    while (loop->flushing.first)
        run_first(&loop->flushing);
}

static bool flush_is_due(const struct loop *loop)
{
    return loop->flushes.first && clock_usec() - loop->first_flush >= FLUSH_WITHIN;
}

/* One batch: what is posted meanwhile waits for the next turn.  Long batches do not hold back
 * output for longer than FLUSH_WITHIN. */
static void run_tasks(struct loop *loop)
{
    loop->ended = false;
    queue_move(&loop->batch, &loop->tasks);
    while (loop->batch.first) {
        run_first(&loop->batch);
        if (flush_is_due(loop))
            run_flushes(loop);
    }
    if (loop->tasks.first)
        return;
    run_flushes(loop);
    loop->ended = loop->tasks.first != NULL;
}

static int64_t wait_at_most(const struct loop *loop, int64_t most_msec)
{
    if (loop->tasks.first || loop->flushes.first)
        return 0;
    const int64_t wait = timers_wait(&loop->timers, loop->now);
    if (wait < 0)
        return most_msec;
    return most_msec < 0 || wait < most_msec ? wait : most_msec;
}

bool loop_init(struct loop *loop)
{
    *loop = (struct loop){ .now = clock_msec(), .real = clock_real_msec() };
    if (!poller_init(&loop->poller))
        return false;
    timers_init(&loop->timers);
    queue_init(&loop->tasks);
    queue_init(&loop->batch);
    queue_init(&loop->flushes);
    queue_init(&loop->flushing);
    return true;
}

void loop_free(struct loop *loop)
{
    timers_free(&loop->timers);
    poller_free(&loop->poller);
}

void loop_turn(struct loop *loop, int64_t most_msec)
{
    loop->turns++;
    if (loop->heartbeat)
        ++*loop->heartbeat;
    if (!poller_wait(loop, wait_at_most(loop, most_msec)))
        loop->stop = true;
    timers_run(loop);
    run_tasks(loop);
    if (loop->ended)
        run_tasks(loop);
    if (loop->turn_end)
        loop->turn_end(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->stop)
        loop_turn(loop, -1);
}

void loop_post(struct loop *loop, struct task *task)
{
    if (!task_posted(task))
        queue_add(&loop->tasks, task);
}

void loop_post_flush(struct loop *loop, struct task *task)
{
    if (task_posted(task))
        return;
    if (!loop->flushes.first)
        loop->first_flush = clock_usec();
    queue_add(&loop->flushes, task);
}

/* Only the last of a queue matters to it, and `next` NULL says that a task is the last: then one of
 * the four ends points at it. */
void loop_unpost(struct loop *loop, struct task *task)
{
    struct task_queue *const queues[] = {
        &loop->tasks, &loop->batch, &loop->flushes, &loop->flushing,
    };
    struct task_queue *of = queues[0];
    if (!task_posted(task))
        return;
    for (size_t i = 0; i < countof(queues); i++)
        if (queues[i]->end == &task->next)
            of = queues[i];
    queue_remove(of, task);
}
