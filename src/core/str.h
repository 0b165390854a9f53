/*
 * A slice of bytes: a pointer and a length, never owned, never assumed to end in NUL.
 *
 *     "GET /a HTTP/1.1"            every way to a part of a slice is here and checked: a part that
 *      ^at          len = 15       does not lie inside fails (returns false) instead of wrapping.
 */
#ifndef CORE_STR_H
#define CORE_STR_H

#include "core/base.h"

struct str {
    const char *at;
    size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal) { "" literal, sizeof(literal) - 1 }
#define STR_NONE ((struct str){ NULL, 0 })

/* For "%.*s". */
#define STR_FMT(s) (int)((s).len > INT_MAX ? INT_MAX : (s).len), (s).at ? (s).at : ""

enum { STR_NPOS = -1 };

static inline struct str str_from(const char *text)
{
    return (struct str){ text, text ? strlen(text) : 0 };
}

static inline struct str str_of(const void *bytes, size_t len)
{
    return (struct str){ bytes, len };
}

static inline bool str_empty(struct str s)
{
    return s.len == 0;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline char str_lower_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Bytewise order; a prefix comes before what it begins. */
int str_cmp(struct str a, struct str b);

/* ASCII case only. */
bool str_eq_ci(struct str a, struct str b);

/* Whether there is a byte below the blank, or DEL. */
bool str_has_controls(struct str s);

bool str_starts(struct str s, struct str prefix);
bool str_starts_ci(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* The part of `s` from `off`, `len` bytes; false when it does not lie inside. */
WARN_UNUSED bool str_sub(struct str s, size_t off, size_t len, struct str *out);

/* All of `s` from `off` on; false when `off` is past the end. */
WARN_UNUSED bool str_from_off(struct str s, size_t off, struct str *out);

/* The first place of `c`, or of `needle`; STR_NPOS when there is none. */
ssize_t str_chr(struct str s, char c);
ssize_t str_rchr(struct str s, char c);
ssize_t str_find(struct str s, struct str needle);

/* Splits at the first `c`: `head` before it, `tail` behind it.  False when there is no `c`: then
 * `head` is all of `s` and `tail` is empty.  `head` or `tail` may be the address of `s` itself. */
bool str_cut(struct str s, char c, struct str *head, struct str *tail);

/* Without the blanks (space, tab) at both ends. */
struct str str_trim(struct str s);

/* FNV-1a, for tables that only configuration fills; what clients choose is hashed with siphash. */
uint32_t str_hash(struct str s);
uint32_t str_hash_ci(struct str s);

#endif
