/*
 * The Range field: a small grammar and the arithmetic of offsets.
 * Pure: owns nothing; the list it gives lies in the caller's pool.
 */
#include "http/range.h"

#include "core/number.h"

/* Spaces only: a tab between ranges is an error. */
static void skip_spaces(struct str *rest)
{
    while (rest->len && rest->at[0] == ' ' && str_from_off(*rest, 1, rest))
        continue;
}

static bool take_char(struct str *rest, char c)
{
    return rest->len && rest->at[0] == c && str_from_off(*rest, 1, rest);
}

static bool take_offset(struct str *rest, int64_t *out)
{
    uint64_t n;
    if (!number_take(rest, &n) || n > INT64_MAX)
        return false;
    *out = (int64_t)n;
    return true;
}

/* One of "5-9", "5-", "-5", with the spaces around it.  What it gives may be empty. */
static bool take_range(struct str *rest, int64_t size, struct range *range)
{
    int64_t last = INT64_MAX, suffix;
    skip_spaces(rest);
    if (take_char(rest, '-')) {
        if (!take_offset(rest, &suffix))
            return false;
        *range = (struct range){ suffix < size ? size - suffix : 0, size };
        skip_spaces(rest);
        return true;
    }
    if (!take_offset(rest, &range->from))
        return false;
    skip_spaces(rest);
    if (!take_char(rest, '-'))
        return false;
    skip_spaces(rest);
    if (rest->len && rest->at[0] != ',' && !take_offset(rest, &last))
        return false;
    skip_spaces(rest);
    range->to = last < size ? last + 1 : size;
    return true;
}

/* As many as the field can name, and no more than are wanted. */
static struct range *make_room(struct str rest, unsigned most, struct pool *pool, size_t *room)
{
    size_t bytes;
    *room = 1;
    for (size_t i = 0; i < rest.len; i++)
        *room += rest.at[i] == ',';
    *room = size_min(*room, most);
    return mul_overflows(*room, sizeof(struct range), &bytes) ? NULL : pool_try(pool, bytes);
}

enum range_result range_parse(struct str value, int64_t size, unsigned most, struct pool *pool,
                              struct range **ranges, unsigned *count)
{
    const struct str unit = STR("bytes=");
    struct str rest;
    struct range range;
    int64_t sum = 0;
    bool too_much = false;
    size_t room;
    ASSERT(size >= 0);
    *count = 0;
    *ranges = NULL;
    if (most == 0 || !str_starts_ci(value, unit) || !str_from_off(value, unit.len, &rest) ||
        rest.len == 0 || !(*ranges = make_room(rest, most, pool, &room)))
        return RANGE_IGNORE;
    do {
        if (!take_range(&rest, size, &range) || (rest.len && rest.at[0] != ','))
            return RANGE_NOT_SATISFIABLE;
        if (range.from < range.to) {
            if (*count == room)
                return RANGE_IGNORE;
            (*ranges)[(*count)++] = range;
            too_much |= add_overflows(sum, range.to - range.from, &sum) || sum > size;
        } else if (range.from == 0) {
            return RANGE_IGNORE;        /* of an empty file: all of it is what was asked for */
        }
    } while (take_char(&rest, ','));
    if (*count == 0)
        return RANGE_NOT_SATISFIABLE;
    /* Not worth it: the whole is less than its parts. */
    return too_much ? RANGE_IGNORE : RANGE_OK;
}

bool range_parse_content(struct str value, struct range *range, int64_t *size)
{
    const struct str unit = STR("bytes ");
    struct str rest;
    if (!str_starts_ci(value, unit) || !str_from_off(value, unit.len, &rest))
        return false;
    skip_spaces(&rest);
    if (!take_offset(&rest, &range->from) || !take_char(&rest, '-')
        || !take_offset(&rest, &range->to) || range->to == INT64_MAX || !take_char(&rest, '/'))
        return false;
    range->to++;
    *size = -1;
    if (!take_char(&rest, '*') && !take_offset(&rest, size))
        return false;
    return rest.len == 0 && range->from < range->to && (*size < 0 || range->to <= *size);
}
