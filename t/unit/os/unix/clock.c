/*
 * Clocks: they agree with the system's and with each other, and the monotonic one never goes back.
 * Owns nothing.
 */
#include "os/unix/clock.c"

#include "t/unit/tap.h"

static int64_t system_usec(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Whether the clock lies between two readings of the system's, in units of `unit` microseconds. */
static bool agrees(int64_t (*read)(void), clockid_t id, int64_t unit)
{
    const int64_t before = system_usec(id) / unit;
    const int64_t now = read();
    const int64_t after = system_usec(id) / unit;
    return before <= now && now <= after;
}

static bool never_back(int64_t (*read)(void))
{
    int64_t last = read();
    for (int i = 0; i < 10000; i++) {
        const int64_t now = read();
        if (now < last)
            return false;
        last = now;
    }
    return true;
}

int main(void)
{
    ok(agrees(clock_usec, CLOCK_MONOTONIC, 1), "microseconds are monotonic ones");
    ok(agrees(clock_msec, CLOCK_MONOTONIC, 1000), "milliseconds are monotonic ones");
    ok(agrees(clock_real_msec, CLOCK_REALTIME, 1000), "the real clock counts from 1970");
    ok(never_back(clock_usec), "microseconds never go back");
    ok(never_back(clock_msec), "milliseconds never go back");
    return done_testing();
}
