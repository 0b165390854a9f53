/*
 * What every file of the house may use: assertions, checked arithmetic, containers.
 * Owns nothing.
 */
#ifndef CORE_BASE_H
#define CORE_BASE_H

#include "os/unix/platform.h"

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* Stays on in release: a broken invariant ends this worker, and its siblings go on. */
#define ASSERT(condition) \
    ((condition) ? (void)0 : base_assert_failed(#condition, __FILE__, __LINE__))

NORETURN void base_assert_failed(const char *condition, const char *file, int line);

/* Checked arithmetic: true when the result does not fit; then *out must not be used. */
#define add_overflows(a, b, out) __builtin_add_overflow(a, b, out)
#define sub_overflows(a, b, out) __builtin_sub_overflow(a, b, out)
#define mul_overflows(a, b, out) __builtin_mul_overflow(a, b, out)

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
