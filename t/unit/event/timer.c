/*
 * Timers with a clock that the test moves: order, lazy postponing, changes while firing, limits.
 * Owns one loop, whose poller is not used.
 */
#include "event/timer.c"

#include "t/unit/tap.h"

static struct loop loop;

struct probe {
    struct timer timer;
    int fired;
    int64_t at;
    struct probe *other;                /* what `then` works on */
    void (*then)(struct probe *probe);
};

static void fire(struct timer *timer)
{
    struct probe *probe = container_of(timer, struct probe, timer);
    probe->fired++;
    probe->at = loop.now;
    if (probe->then)
        probe->then(probe);
}

static void run_at(int64_t now)
{
    loop.now = now;
    timers_run(&loop);
}

static void test_order(void)
{
    struct probe a = { .timer.fire = fire }, b = a, c = a;
    is_int(timers_wait(&loop.timers, 0), -1, "no timer, no deadline");
    loop.now = 1000;
    timer_set(&loop, &a.timer, 30);
    timer_set(&loop, &b.timer, 10);
    timer_set(&loop, &c.timer, 10);
    is_uint(loop.timers.set, 3, "three are set");
    is_int(timers_wait(&loop.timers, 1000), 10, "the nearest counts");
    is_int(timers_wait(&loop.timers, 1004), 6, "from now");
    is_int(timers_wait(&loop.timers, 5000), 0, "one that is late is due");
    run_at(1009);
    ok(a.fired + b.fired + c.fired == 0, "nothing fires early");
    run_at(1010);
    ok(b.fired == 1 && c.fired == 1 && a.fired == 0, "equal deadlines fire together");
    ok(!b.timer.set && !heap_has(&b.timer.node), "and are not set any more");
    run_at(1030);
    ok(a.fired == 1 && b.fired == 1, "the last one");
    ok(loop.timers.set == 0 && timers_wait(&loop.timers, 1030) == -1, "none is left");
}

static void test_lazy(void)
{
    struct probe a = { .timer.fire = fire };
    loop.now = 0;
    timer_set(&loop, &a.timer, 100);
    loop.now = 50;
    timer_set(&loop, &a.timer, 100);
    is_int(heap_key(&loop.timers.heap, &a.timer.node), 100, "moving later leaves the heap alone");
    is_int(a.timer.deadline, 150, "the deadline is the new one");
    is_uint(loop.timers.set, 1, "it is one timer");
    run_at(100);
    ok(a.fired == 0 && a.timer.set, "the old time is not the deadline");
    is_int(timers_wait(&loop.timers, 100), 50, "put back for what is left");
    timer_set(&loop, &a.timer, 20);
    is_int(timers_wait(&loop.timers, 100), 20, "moving nearer counts at once");
    run_at(119);
    is_int(a.fired, 0, "not before");
    run_at(120);
    is_int(a.fired, 1, "but then");
    run_at(150);
    is_int(a.fired, 1, "and once");
}

static void test_cancel(void)
{
    struct probe a = { .timer.fire = fire }, b = a;
    loop.now = 0;
    timer_cancel(&loop, &a.timer);
    is_uint(loop.timers.set, 0, "cancelling what was never set");
    timer_set(&loop, &a.timer, 10);
    timer_set(&loop, &b.timer, 10);
    timer_cancel(&loop, &a.timer);
    timer_cancel(&loop, &a.timer);
    is_uint(loop.timers.set, 1, "cancelling twice counts once");
    run_at(10);
    ok(a.fired == 0 && b.fired == 1, "only the other fires");
    timer_cancel(&loop, &b.timer);
    is_uint(loop.timers.set, 0, "cancelling what has fired");
}

static void set_itself(struct probe *probe)
{
    timer_set(&loop, &probe->timer, 0);
}

static void cancel_other(struct probe *probe)
{
    timer_cancel(&loop, &probe->other->timer);
}

static void set_other(struct probe *probe)
{
    timer_set(&loop, &probe->other->timer, 5);
}

static void test_while_firing(void)
{
    struct probe again = { .timer.fire = fire, .then = set_itself };
    struct probe a = { .timer.fire = fire, .then = cancel_other }, b = a;
    struct probe c = { .timer.fire = fire, .then = set_other }, d = { .timer.fire = fire };
    loop.now = 0;
    timer_set(&loop, &again.timer, 10);
    run_at(10);
    is_int(again.fired, 1, "what is set while firing waits for the next call");
    run_at(11);
    is_int(again.fired, 2, "and comes then");
    timer_cancel(&loop, &again.timer);

    a.other = &b;
    b.other = &a;
    timer_set(&loop, &a.timer, 10);
    timer_set(&loop, &b.timer, 10);
    run_at(21);
    is_int(a.fired + b.fired, 1, "one that is due can be cancelled by another");

    c.other = &d;
    timer_set(&loop, &c.timer, 10);
    timer_set(&loop, &d.timer, 10);
    run_at(31);
    run_at(35);
    ok(c.fired == 1 && d.timer.set && d.at != 35, "one that is due, or was, can be set anew");
    run_at(36);
    ok(d.at == 36 && !d.timer.set, "and fires then");
}

static void test_limits(void)
{
    struct probe a = { .timer.fire = fire };
    loop.now = 7;
    timer_set(&loop, &a.timer, 0);
    is_int(a.timer.deadline, 8, "zero is one");
    timer_cancel(&loop, &a.timer);
    timer_set(&loop, &a.timer, INT64_MIN);
    is_int(a.timer.deadline, 8, "so is less");
    timer_cancel(&loop, &a.timer);
    timer_set(&loop, &a.timer, INT64_MAX);
    is_int(a.timer.deadline, 7 + MSEC_MOST, "for ever is 34 years");
    is_int(timers_wait(&loop.timers, 7), MSEC_MOST, "and can be waited for");
    timer_cancel(&loop, &a.timer);
}

static void test_reserve(void)
{
    struct timers timers;
    timers_init(&timers);
    ok(timers_reserve(&timers, 1000), "room for many");
    ok(timers.heap.room >= 1000, "is taken at once");
    const struct heap_slot *slots = timers.heap.slots;
    timers_unreserve(&timers, 400);
    ok(timers_reserve(&timers, 400) && timers.heap.slots == slots, "given back and taken again");
    ok(!timers_reserve(&timers, SIZE_MAX / 2), "more than there is");
    ok(!timers_reserve(&timers, SIZE_MAX), "more than can be counted");
    is_uint(timers.reserved, 1000, "and nothing was reserved then");
    timers_free(&timers);
}

/* Many timers, moved and cancelled at random: each fires exactly at its deadline. */
static void test_many(void)
{
    enum { COUNT = 500, STEPS = 4000 };
    static struct probe probes[COUNT];
    static int64_t want[COUNT];         /* 0: not set */
    uint32_t seed = 1;
    unsigned wrong = 0;
    for (int i = 0; i < COUNT; i++)
        probes[i].timer.fire = fire;
    for (int64_t now = 1; now <= STEPS; now++) {
        loop.now = now;
        for (int k = 0; k < 3; k++) {
            seed = seed * 1664525 + 1013904223;
            const unsigned i = (seed >> 8) % COUNT;
            const int64_t msec = 1 + (seed >> 20) % 200;
            if (seed >> 31) {
                timer_cancel(&loop, &probes[i].timer);
                want[i] = 0;
            } else {
                timer_set(&loop, &probes[i].timer, msec);
                want[i] = now + msec;
            }
        }
        loop.now = now + 1;
        timers_run(&loop);
        for (int i = 0; i < COUNT; i++) {
            const bool due = want[i] && want[i] <= now + 1;
            wrong += probes[i].fired != due || (due && probes[i].at != want[i]);
            probes[i].fired = 0;
            want[i] = due ? 0 : want[i];
        }
    }
    is_uint(wrong, 0, "every timer fired at its deadline and no other");
    for (int i = 0; i < COUNT; i++)
        timer_cancel(&loop, &probes[i].timer);
    is_uint(loop.timers.set, 0, "none is left");
}

int main(void)
{
    timers_init(&loop.timers);
    test_order();
    test_lazy();
    test_cancel();
    test_while_firing();
    test_limits();
    test_reserve();
    test_many();
    timers_free(&loop.timers);
    return done_testing();
}
