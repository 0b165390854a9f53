/*
 * The bounded builder: every append checks the room, grows it from the pool, or fails for good.
 * Owns nothing: the bytes lie in the caller's buffer or in the pool.
 */
#include "core/fmt.h"

#include <stdio.h>

enum {
    GROW_LEAST = 64,
    /* Below this the pool's reserve helps and marks the pool; above, the builder itself fails. */
    SMALL = 2048,
    DIGITS = 20,
};

void fmt_init(struct fmt *f, char *buffer, size_t size)
{
    ASSERT(size > 0);
    *f = (struct fmt){ .at = buffer, .room = size - 1, .limit = size - 1 };
    buffer[0] = '\0';
}

void fmt_init_cut(struct fmt *f, char *buffer, size_t size)
{
    fmt_init(f, buffer, size);
    f->cut = true;
}

static char *fresh(struct fmt *f, size_t size)
{
    return size <= SMALL ? pool_bytes(f->pool, size) : pool_try(f->pool, size);
}

void fmt_init_pool(struct fmt *f, struct pool *pool, size_t first, size_t limit)
{
    ASSERT(limit < SIZE_MAX);
    *f = (struct fmt){ .pool = pool, .limit = limit };
    first = size_min(first, limit);
    if (first == 0)
        return;
    f->at = fresh(f, first + 1);
    f->failed = !f->at;
    f->room = f->at ? first : 0;
}

static bool grow(struct fmt *f, size_t need)
{
    if (!f->pool || need > f->limit)
        return false;
    size_t room = size_max(need, GROW_LEAST), doubled;
    if (!mul_overflows(f->room, 2, &doubled))
        room = size_max(room, doubled);
    room = size_min(room, f->limit);
    if (f->at && pool_resize(f->pool, f->at, f->room + 1, room + 1)) {
        f->room = room;
        return true;
    }
    char *at = fresh(f, room + 1);
    if (!at)
        return false;
    if (f->len)
        memcpy(at, f->at, f->len);
    f->at = at;
    f->room = room;
    return true;
}

/* Room for `size` more; false: there is none, and the builder has failed. */
static bool fits(struct fmt *f, size_t size)
{
    size_t need;
    if (f->failed)
        return false;
    if (size <= f->room - f->len)
        return true;
    f->failed = add_overflows(f->len, size, &need) || !grow(f, need);
    return !f->failed;
}

static void append(struct fmt *f, const char *at, size_t len)
{
    if (f->failed || len == 0)
        return;
    if (!fits(f, len)) {
        if (!f->cut)
            return;
        len = f->room - f->len;
    }
    memcpy(f->at + f->len, at, len);
    f->len += len;
}

void fmt_char(struct fmt *f, char c)
{
    if (fits(f, 1))
        f->at[f->len++] = c;
}

void fmt_str(struct fmt *f, struct str s)
{
    append(f, s.at, s.len);
}

void fmt_text(struct fmt *f, const char *text)
{
    append(f, text, text ? strlen(text) : 0);
}

void fmt_u64_width(struct fmt *f, uint64_t n, unsigned digits)
{
    char text[DIGITS];
    size_t at = DIGITS;
    ASSERT(digits <= DIGITS);
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0 || DIGITS - at < digits);
    append(f, text + at, DIGITS - at);
}

void fmt_u64(struct fmt *f, uint64_t n)
{
    fmt_u64_width(f, n, 1);
}

void fmt_i64(struct fmt *f, int64_t n)
{
    if (n < 0)
        fmt_char(f, '-');
    fmt_u64(f, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

static const char hex_digits[16] = "0123456789abcdef";

void fmt_hex(struct fmt *f, uint64_t n)
{
    char text[16];
    size_t at = sizeof(text);
    do {
        text[--at] = hex_digits[n & 15];
        n >>= 4;
    } while (n > 0);
    append(f, text + at, sizeof(text) - at);
}

void fmt_hex_bytes(struct fmt *f, struct str bytes)
{
    for (size_t i = 0; i < bytes.len && !f->failed; i++) {
        const unsigned char byte = (unsigned char)bytes.at[i];
        const char pair[2] = { hex_digits[byte >> 4], hex_digits[byte & 15] };
        append(f, pair, 2);
    }
}

void fmt_vprint(struct fmt *f, const char *format, va_list args)
{
    va_list again;
    if (f->failed)
        return;
    const size_t room = f->room - f->len;
    va_copy(again, args);
    const int len = vsnprintf(f->at ? f->at + f->len : NULL, f->at ? room + 1 : 0, format, args);
    if (len < 0)
        f->failed = true;
    else if ((size_t)len <= room && f->at)
        f->len += (size_t)len;
    else if (fits(f, (size_t)len)) {
        if (f->at && vsnprintf(f->at + f->len, (size_t)len + 1, format, again) == len)
            f->len += (size_t)len;
    } else if (f->cut)
        f->len = f->room;
    va_end(again);
}

void fmt_print(struct fmt *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fmt_vprint(f, format, args);
    va_end(args);
}

void fmt_repeat(struct fmt *f, char c, size_t count)
{
    if (f->failed || count == 0)
        return;
    if (!fits(f, count)) {
        if (!f->cut)
            return;
        count = f->room - f->len;
    }
    memset(f->at + f->len, c, count);
    f->len += count;
}

void fmt_lower(struct fmt *f, struct str s)
{
    const size_t from = f->len;
    append(f, s.at, s.len);
    for (size_t i = from; i < f->len; i++)
        f->at[i] = str_lower_char(f->at[i]);
}

char *fmt_need(struct fmt *f, size_t size)
{
    if (!fits(f, size) || (!f->at && !grow(f, size_max(size, 1))))
        return NULL;
    return f->at + f->len;
}

void fmt_advance(struct fmt *f, size_t size)
{
    ASSERT(size <= f->room - f->len);
    f->len += size;
}

struct str fmt_done(struct fmt *f)
{
    if (!f->at || (f->failed && !f->cut))
        return STR("");
    f->at[f->len] = '\0';
    /* What was not used goes back to the pool, when nothing else was taken from it since. */
    if (f->pool && pool_resize(f->pool, f->at, f->room + 1, f->len + 1))
        f->room = f->len;
    return str_of(f->at, f->len);
}

struct str fmt_pool(struct pool *pool, const char *format, ...)
{
    struct fmt f;
    va_list args;
    fmt_init_pool(&f, pool, GROW_LEAST, INT_MAX);
    va_start(args, format);
    fmt_vprint(&f, format, args);
    va_end(args);
    return fmt_done(&f);
}
