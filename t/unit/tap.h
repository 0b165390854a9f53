/*
 * Test results in TAP for one test program: a numbered line a check, the plan at the end.
 * Owns the two counters of the program that includes it.
 *
 *     int main(void)
 *     {
 *         ok(str_empty(STR("")), "an empty slice is empty");
 *         is_int(str_chr(STR("abc"), 'c'), 2, "place of %c", 'c');
 *         is_str(name, "weir", "name");
 *         is_mem(s.at, s.len, "a\0b", 3, "bytes");
 *         return done_testing();
 *     }
 *
 * Each check returns whether it held. plan(N) may come first: then another number of checks fails.
 */
#ifndef T_UNIT_TAP_H
#define T_UNIT_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int run;
    int failed;
    int planned;
} tap;

#define ok(condition, ...) tap_ok(__FILE__, __LINE__, (condition), __VA_ARGS__)
#define is_int(got, want, ...) \
    tap_is_int(__FILE__, __LINE__, (intmax_t)(got), (intmax_t)(want), __VA_ARGS__)
#define is_uint(got, want, ...) \
    tap_is_uint(__FILE__, __LINE__, (uintmax_t)(got), (uintmax_t)(want), __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str(__FILE__, __LINE__, got, want, __VA_ARGS__)
#define is_mem(got, got_len, want, want_len, ...) \
    tap_is_mem(__FILE__, __LINE__, got, got_len, want, want_len, __VA_ARGS__)

#define TAP_PRINTF(fmt) __attribute__((format(printf, fmt, fmt + 1)))
#define TAP_VPRINTF(fmt) __attribute__((format(printf, fmt, 0)))

/* A line that a reader sees next to the results. */
TAP_PRINTF(1) static inline void diag(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("# ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* The number of checks to come; a child process that ended early shows as a missing one. */
static inline void plan(int count)
{
    tap.planned = count;
    printf("1..%d\n", count);
    fflush(stdout);
}

/* Flushed at once: a fork must not print a line twice, a crash must not lose one. */
TAP_VPRINTF(4)
static inline bool tap_result(const char *file, int line, bool good, const char *format,
                              va_list args)
{
    printf("%sok %d - ", good ? "" : "not ", ++tap.run);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    if (!good) {
        tap.failed++;
        diag("failed at %s:%d", file, line);
    }
    return good;
}

TAP_PRINTF(4)
static inline bool tap_ok(const char *file, int line, bool good, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(file, line, good, format, args);
    va_end(args);
    return good;
}

TAP_PRINTF(5)
static inline bool tap_is_int(const char *file, int line, intmax_t got, intmax_t want,
                              const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(file, line, got == want, format, args);
    va_end(args);
    if (got != want)
        diag("got %" PRIdMAX ", expected %" PRIdMAX, got, want);
    return got == want;
}

TAP_PRINTF(5)
static inline bool tap_is_uint(const char *file, int line, uintmax_t got, uintmax_t want,
                               const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(file, line, got == want, format, args);
    va_end(args);
    if (got != want)
        diag("got %" PRIuMAX ", expected %" PRIuMAX, got, want);
    return got == want;
}

/* Two null pointers are equal. */
TAP_PRINTF(5)
static inline bool tap_is_str(const char *file, int line, const char *got, const char *want,
                              const char *format, ...)
{
    const bool good = got && want ? strcmp(got, want) == 0 : got == want;
    va_list args;

    va_start(args, format);
    tap_result(file, line, good, format, args);
    va_end(args);
    if (!good) {
        diag("got      %s%s%s", got ? "\"" : "", got ? got : "NULL", got ? "\"" : "");
        diag("expected %s%s%s", want ? "\"" : "", want ? want : "NULL", want ? "\"" : "");
    }
    return good;
}

static inline void tap_show_bytes(const char *label, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    fprintf(stderr, "# %s %zu bytes \"", label, len);
    for (size_t i = 0; i < len && i < 1024; i++) {
        if (at[i] >= ' ' && at[i] < 127 && at[i] != '"' && at[i] != '\\')
            fputc(at[i], stderr);
        else
            fprintf(stderr, "\\x%02X", at[i]);
    }
    fputs(len > 1024 ? "\"...\n" : "\"\n", stderr);
}

TAP_PRINTF(7)
static inline bool tap_is_mem(const char *file, int line, const void *got, size_t got_len,
                              const void *want, size_t want_len, const char *format, ...)
{
    const bool good = got_len == want_len && (got_len == 0 || memcmp(got, want, got_len) == 0);
    va_list args;

    va_start(args, format);
    tap_result(file, line, good, format, args);
    va_end(args);
    if (!good) {
        tap_show_bytes("got     ", got, got ? got_len : 0);
        tap_show_bytes("expected", want, want ? want_len : 0);
    }
    return good;
}

/* Prints the plan where plan() did not; the exit status of the program. */
static inline int done_testing(void)
{
    if (tap.planned == 0)
        printf("1..%d\n", tap.run);
    else if (tap.planned != tap.run)
        diag("planned %d checks but ran %d", tap.planned, tap.run);
    fflush(stdout);
    if (tap.failed > 0)
        diag("%d of %d checks failed", tap.failed, tap.run);
    return tap.failed == 0 && tap.run > 0 && (tap.planned == 0 || tap.planned == tap.run) ? 0 : 1;
}

#endif
