/*
 * Numbers from text: digits only, and never a value that does not fit.
 *
 *     "1h 30m"  ->  digits, unit, digits, unit   each unit smaller than the one before it
 *      ^1 ^h        "30" at the end: seconds
 *
 * All of these return false, and leave *out alone, for an empty text, a sign, a blank, a letter, or
 * a value beyond the type.
 */
#ifndef CORE_NUMBER_H
#define CORE_NUMBER_H

#include "core/str.h"

WARN_UNUSED bool number_u64(struct str s, uint64_t *out);
WARN_UNUSED bool number_u32(struct str s, uint32_t *out);
WARN_UNUSED bool number_size(struct str s, size_t *out);
WARN_UNUSED bool number_i64(struct str s, int64_t *out);  /* 0 to 2^63 - 1: lengths, offsets */

/* xorshift64*, of a state that is not 0: for what nobody gains anything by guessing. */
static inline uint64_t number_draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Digits of both cases, without "0x". */
WARN_UNUSED bool number_hex(struct str s, uint64_t *out);

/* "1.5" with 3 digits is 1500.  More digits than that behind the point are an error; ".5" and "5."
 * are numbers, "." is none. */
WARN_UNUSED bool number_fixed(struct str s, unsigned digits, int64_t *out);

/* The digits at the beginning of *s, which moves behind them.  False: none, or too many. */
WARN_UNUSED bool number_take(struct str *s, uint64_t *out);

/* Sizes of configuration: k and m (and g for an offset), of both cases. */
WARN_UNUSED bool number_conf_size(struct str s, size_t *out);
WARN_UNUSED bool number_conf_offset(struct str s, int64_t *out);

/* Times of configuration: y M w d h m s ms, from large to small, blanks between them, a last number
 * without a unit counts seconds.  As in nginx, milliseconds have no y and M, seconds have no ms. */
WARN_UNUSED bool number_conf_msec(struct str s, int64_t *out);
WARN_UNUSED bool number_conf_sec(struct str s, int64_t *out);

#endif
