/*
 * Numbers from text: one parser of digits for all of them.
 * Owns nothing: pure functions.
 */
#include "core/number.h"

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return UINT_MAX;
}

/* Digits from the beginning of *s, as many as there are, none too: then *n is 0.  False: more than
 * `most`. */
static bool digits(struct str *s, unsigned base, uint64_t most, uint64_t *n)
{
    uint64_t sum = 0;
    for (; s->len && digit_of(*s->at) < base; *s = str_of(s->at + 1, s->len - 1)) {
        if (mul_overflows(sum, base, &sum) || add_overflows(sum, digit_of(*s->at), &sum))
            return false;
        if (sum > most)
            return false;
    }
    *n = sum;
    return true;
}

static bool whole(struct str s, unsigned base, uint64_t most, uint64_t *out)
{
    uint64_t n;
    if (s.len == 0 || !digits(&s, base, most, &n) || s.len > 0)
        return false;
    *out = n;
    return true;
}

bool number_u64(struct str s, uint64_t *out)
{
    return whole(s, 10, UINT64_MAX, out);
}

bool number_hex(struct str s, uint64_t *out)
{
    return whole(s, 16, UINT64_MAX, out);
}

bool number_u32(struct str s, uint32_t *out)
{
    uint64_t n;
    if (!whole(s, 10, UINT32_MAX, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

bool number_size(struct str s, size_t *out)
{
    uint64_t n;
    if (!whole(s, 10, SIZE_MAX, &n))
        return false;
    *out = (size_t)n;
    return true;
}

bool number_i64(struct str s, int64_t *out)
{
    uint64_t n;
    if (!whole(s, 10, INT64_MAX, &n))
        return false;
    *out = (int64_t)n;
    return true;
}

bool number_take(struct str *s, uint64_t *out)
{
    struct str rest = *s;
    uint64_t n;
    if (!digits(&rest, 10, UINT64_MAX, &n) || rest.len == s->len)
        return false;
    *s = rest;
    *out = n;
    return true;
}

bool number_fixed(struct str s, unsigned places, int64_t *out)
{
    struct str before, behind;
    uint64_t n = 0, fraction = 0;
    str_cut(s, '.', &before, &behind);
    if (before.len + behind.len == 0 || behind.len > places)
        return false;
    if (before.len && !whole(before, 10, INT64_MAX, &n))
        return false;
    if (behind.len && !whole(behind, 10, INT64_MAX, &fraction))
        return false;
    for (unsigned i = 0; i < places; i++) {
        if (mul_overflows(n, 10, &n))
            return false;
        if (i >= behind.len && mul_overflows(fraction, 10, &fraction))
            return false;
    }
    if (add_overflows(n, fraction, &n) || n > INT64_MAX)
        return false;
    *out = (int64_t)n;
    return true;
}

/* --- units of configuration ------------------------------------------------------------------- */

static unsigned size_shift(char unit, bool giga)
{
    switch (str_lower_char(unit)) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return giga ? 30 : 0;
    default:
        return 0;
    }
}

static bool bytes(struct str s, bool giga, int64_t *out)
{
    const unsigned shift = s.len ? size_shift(s.at[s.len - 1], giga) : 0;
    int64_t n;
    if (!number_i64(str_of(s.at, s.len - (shift > 0)), &n))
        return false;
    return !mul_overflows(n, INT64_C(1) << shift, out);
}

bool number_conf_size(struct str s, size_t *out)
{
    int64_t n;
    if (!bytes(s, false, &n))
        return false;
    *out = (size_t)n;
    return true;
}

bool number_conf_offset(struct str s, int64_t *out)
{
    int64_t n;
    if (!bytes(s, true, &n))
        return false;
    *out = n;
    return true;
}

struct unit {
    struct str name;
    int64_t msec;
};

/* From large to small.  A blank, or the end, makes seconds too. */
static const struct unit units[] = {
    { STR_INIT("y"), INT64_C(365) * 86400 * 1000 },
    { STR_INIT("M"), INT64_C(30) * 86400 * 1000 },
    { STR_INIT("w"), INT64_C(7) * 86400 * 1000 },
    { STR_INIT("d"), 86400 * 1000 },
    { STR_INIT("h"), 3600 * 1000 },
    { STR_INIT("m"), 60 * 1000 },
    { STR_INIT("s"), 1000 },
    { STR_INIT("ms"), 1 },
    { STR_INIT(" "), 1000 },
    { STR_INIT(""), 1000 },
};

enum { YEAR = 0, WEEK = 2, SECOND = 6, MSEC = 7, BLANK = 8, END = 9 };

static unsigned take_unit(struct str *s)
{
    unsigned at = END;
    if (s->len == 0)
        return END;
    for (unsigned i = YEAR; i < END; i++)
        if (str_starts(*s, units[i].name) && (at == END || units[i].name.len > units[at].name.len))
            at = i;
    if (at < END)
        *s = str_of(s->at + units[at].name.len, s->len - units[at].name.len);
    return at;
}

/* May `unit` come when `next` is the largest that still may?  A blank counts as seconds where
 * seconds may come, and nothing but a last number follows it. */
static bool in_order(unsigned unit, unsigned next)
{
    return unit == BLANK ? next <= SECOND : unit >= next;
}

/* As nginx reads it: a unit may stand without digits ("1h m"), if there is one anywhere.  `scale`:
 * milliseconds in what is counted. */
static bool duration(struct str s, unsigned largest, int64_t scale, int64_t *out)
{
    int64_t sum = 0, part;
    unsigned next = largest;
    bool seen = false;
    while (s.len) {
        const size_t before = s.len;
        uint64_t n;
        if (!digits(&s, 10, INT64_MAX, &n))
            return false;
        seen = seen || s.len < before;
        const size_t rest = s.len;
        const unsigned unit = take_unit(&s);
        if (!in_order(unit, next) || (unit == END && rest) || (unit == MSEC && scale > 1))
            return false;
        next = unit + 1;
        if (mul_overflows((int64_t)n, units[unit].msec / scale, &part))
            return false;
        if (add_overflows(sum, part, &sum))
            return false;
        while (s.len && *s.at == ' ')
            s = str_of(s.at + 1, s.len - 1);
    }
    if (!seen)
        return false;
    *out = sum;
    return true;
}

bool number_conf_msec(struct str s, int64_t *out)
{
    return duration(s, WEEK, 1, out);
}

bool number_conf_sec(struct str s, int64_t *out)
{
    return duration(s, YEAR, 1000, out);
}
