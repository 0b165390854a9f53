/*
 * The bounded builder: the one way in which byte strings are made at run time.
 *
 *     at[0 .. len)   what was appended; always followed by room for one NUL
 *     room           bytes that fit
 *     pool           grows from here, up to `limit`; NULL: the room is all there is
 *
 * An append that does not fit appends nothing, and neither does any after it: `failed` stays set.
 * Text is never cut without notice, unless the builder was told to cut (fmt_init_cut), as for log
 * lines: then `failed` only says that something was left out.
 */
#ifndef CORE_FMT_H
#define CORE_FMT_H

#include "core/pool.h"

struct fmt {
    char *at;
    size_t len, room, limit;
    struct pool *pool;
    bool failed, cut;
};

void fmt_init(struct fmt *f, char *buffer, size_t size);        /* size counts the NUL */
void fmt_init_cut(struct fmt *f, char *buffer, size_t size);    /* keeps what fits */
void fmt_init_pool(struct fmt *f, struct pool *pool, size_t first, size_t limit);

void fmt_char(struct fmt *f, char c);
void fmt_str(struct fmt *f, struct str s);
void fmt_text(struct fmt *f, const char *text);
void fmt_u64(struct fmt *f, uint64_t n);
void fmt_i64(struct fmt *f, int64_t n);
void fmt_u64_width(struct fmt *f, uint64_t n, unsigned digits);         /* leading zeros */
void fmt_hex(struct fmt *f, uint64_t n);                        /* lower case, no zeros ahead */
void fmt_hex_bytes(struct fmt *f, struct str bytes);
void fmt_print(struct fmt *f, const char *format, ...) PRINTF_LIKE(2, 3);
void fmt_vprint(struct fmt *f, const char *format, va_list args) PRINTF_LIKE(2, 0);
void fmt_repeat(struct fmt *f, char c, size_t count);
void fmt_lower(struct fmt *f, struct str s);

/* Room for `size` more bytes that the caller writes and then claims with fmt_advance; NULL when
 * they do not fit (and `failed` is set). */
WARN_UNUSED char *fmt_need(struct fmt *f, size_t size);
void fmt_advance(struct fmt *f, size_t size);

/* What was built, with a NUL behind it. Empty when `failed` (unless it cuts). */
struct str fmt_done(struct fmt *f);

/* Built from `pool` in one call. */
struct str fmt_pool(struct pool *pool, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
