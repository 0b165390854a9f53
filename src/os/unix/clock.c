/*
 * Clocks.  Owns nothing.
 */
#include "os/unix/clock.h"

#include <time.h>

static int64_t read_usec(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_msec(void)
{
    return read_usec(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_usec(void)
{
    return read_usec(CLOCK_MONOTONIC);
}

int64_t clock_real_msec(void)
{
    return read_usec(CLOCK_REALTIME) / 1000;
}
