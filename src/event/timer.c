/*
 * Timers of a loop: set, cancelled and fired.
 * Owns the heap; timers belong to those who embed them.
 */
#include "event/loop.h"

enum { ROOM_LEAST = 64 };

static const int64_t MSEC_MOST = INT64_C(1) << 40;      /* 34 years */

void timers_init(struct timers *timers)
{
    *timers = (struct timers){ 0 };
}

void timers_free(struct timers *timers)
{
    heap_free(&timers->heap);
    timers_init(timers);
}

bool timers_reserve(struct timers *timers, size_t count)
{
    size_t room;
    if (add_overflows(timers->reserved + ROOM_LEAST, count, &room)
        || !heap_reserve(&timers->heap, room))
        return false;
    timers->reserved += count;
    return true;
}

void timers_unreserve(struct timers *timers, size_t count)
{
    ASSERT(count <= timers->reserved);
    timers->reserved -= count;
}

void timer_set(struct loop *loop, struct timer *timer, int64_t msec)
{
    struct heap *heap = &loop->timers.heap;
    msec = msec < 1 ? 1 : msec > MSEC_MOST ? MSEC_MOST : msec;
    timer->deadline = loop->now + msec;
    if (!timer->set) {
        timer->set = true;
        loop->timers.set++;
        ASSERT(heap_push(heap, &timer->node, timer->deadline));
    } else if (timer->deadline < heap_key(heap, &timer->node))
        heap_update(heap, &timer->node, timer->deadline);
}

void timer_cancel(struct loop *loop, struct timer *timer)
{
    if (!timer->set)
        return;
    timer->set = false;
    loop->timers.set--;
    heap_remove(&loop->timers.heap, &timer->node);
}

int64_t timers_wait(const struct timers *timers, int64_t now)
{
    const struct heap_node *first = heap_min(&timers->heap);
    if (!first)
        return -1;
    const int64_t due = heap_key(&timers->heap, first);
    return due > now ? due - now : 0;
}

void timers_run(struct loop *loop)
{
    struct heap *heap = &loop->timers.heap;
    struct heap_node *first;
    while ((first = heap_min(heap)) && heap_key(heap, first) <= loop->now) {
        struct timer *timer = container_of(first, struct timer, node);
        if (timer->deadline > loop->now) {
            heap_update(heap, first, timer->deadline);
            continue;
        }
        timer_cancel(loop, timer);
        timer->fire(timer);
    }
}
