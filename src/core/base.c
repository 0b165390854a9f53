/*
 * The end of a process whose invariant is broken.
 * Owns nothing; writes to standard error, which is the error log once a server runs.
 */
#include "core/base.h"

#include <stdio.h>

NORETURN void base_assert_failed(const char *condition, const char *file, int line)
{
    dprintf(STDERR_FILENO, "weir: assertion failed: %s at %s:%d\n", condition, file, line);
    abort();
}
