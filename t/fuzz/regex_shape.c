/*
 * Fuzz target: the shape of a regular expression.  What explodes is a repeated group of it, and
 * stays the same inside a group; the dot is one.
 * Owns the copy of one input.
 *
 *     "i" or another byte, then the pattern
 */
#include "core/regex_shape.h"

#include "core/fmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str pattern, const struct regex_shape *shape)
{
    struct str rest;
    if (shape->exploding.len) {
        ASSERT(shape->exploding.at >= pattern.at);
        ASSERT(str_from_off(pattern, (size_t)(shape->exploding.at - pattern.at), &rest));
        ASSERT(str_starts(rest, shape->exploding) && str_starts(rest, STR("(")));
        ASSERT(str_chr(STR("*+}?"), rest.at[shape->exploding.len - 1]) >= 0);
    }
    ASSERT(shape->dot < 0 || pattern.at[shape->dot] == '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct regex_shape shape, inside;
    struct str pattern;
    struct pool pool;
    struct fmt f;
    if (!str_from_off(str_of(data, size), 1, &pattern))
        return 0;
    const bool caseless = *data == 'i';
    if (!regex_shape(pattern, caseless, &shape)) {
        ASSERT(shape.exploding.len == 0 && shape.dot == -1);
        return 0;
    }
    check(pattern, &shape);
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, pattern.len + 4, SIZE_MAX / 2);
    fmt_text(&f, "(?:");
    fmt_str(&f, pattern);
    fmt_char(&f, ')');
    const struct str group = fmt_done(&f);
    if (regex_shape(group, caseless, &inside)) {
        ASSERT(str_eq(shape.exploding, inside.exploding) && shape.literal == inside.literal);
        ASSERT(shape.open_start == inside.open_start && shape.open_end == inside.open_end);
    }
    pool_free(&pool);
    return 0;
}
