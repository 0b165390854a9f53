/*
 * The answer of memcached: a line, a value, the end.  Pure: owns nothing.
 */
#include "http/upstream/memcached_parse.h"

#include "core/number.h"

static const struct str end_of_value = STR_INIT("\r\nEND\r\n");

/* "KEY 0 5" */
static enum memcached_head parse_value(struct str rest, struct str key,
                                       struct memcached_answer *out)
{
    struct str flags, length;
    if (!str_starts(rest, key) || !str_from_off(rest, key.len, &rest))
        return MEMCACHED_BAD_KEY;
    if (!str_starts(rest, STR(" ")) || !str_from_off(rest, 1, &rest))
        return MEMCACHED_BAD;
    const bool whole = str_cut(rest, ' ', &flags, &length);
    if (!number_u64(flags, &out->flags))
        return MEMCACHED_BAD_FLAGS;
    if (!whole)
        return MEMCACHED_BAD;
    return number_i64(length, &out->length) ? MEMCACHED_VALUE : MEMCACHED_BAD_LENGTH;
}

enum memcached_head memcached_parse_head(struct str bytes, struct str key,
                                         struct memcached_answer *out)
{
    const struct str value = STR("VALUE ");
    const ssize_t end = str_chr(bytes, '\n');
    struct str rest;
    *out = (struct memcached_answer){ 0 };
    if (end < 0)
        return MEMCACHED_MORE;
    out->size = (size_t)end + 1;
    ASSERT(str_sub(bytes, 0, (size_t)end, &out->line));
    if (!str_ends(out->line, STR("\r")))
        return MEMCACHED_BAD;
    out->line.len--;
    if (str_eq(out->line, STR("END")))
        return MEMCACHED_MISSING;
    if (!str_starts(out->line, value) || !str_from_off(out->line, value.len, &rest))
        return MEMCACHED_BAD;
    return parse_value(rest, key, out);
}

/* As much of the end as there is. */
static bool take_end(struct memcached_value *v, struct str *in)
{
    const size_t n = size_min(end_of_value.len - v->ended, in->len);
    struct str come, wanted;
    ASSERT(str_sub(*in, 0, n, &come) && str_sub(end_of_value, v->ended, n, &wanted)
           && str_from_off(*in, n, in));
    v->ended += n;
    return str_eq(come, wanted);
}

enum memcached_body memcached_parse_body(struct memcached_value *v, struct str *in,
                                         struct str *data)
{
    *data = STR_NONE;
    if (v->left > 0) {
        const size_t n = (uint64_t)v->left < in->len ? (size_t)v->left : in->len;
        ASSERT(str_sub(*in, 0, n, data) && str_from_off(*in, n, in));
        v->left -= (int64_t)n;
        return n ? MEMCACHED_BODY_DATA : MEMCACHED_BODY_MORE;
    }
    if (!take_end(v, in))
        return MEMCACHED_BODY_BAD;
    return v->ended == end_of_value.len ? MEMCACHED_BODY_END : MEMCACHED_BODY_MORE;
}
