/*
 * Fuzz target: base64.  As many bytes as the digits make, no digit is passed over, and a text that
 * is cut behind whole groups gives the same bytes.
 * Owns the pool of one input.
 */
#include "core/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool decode(struct str text, bool url, struct pool *pool, struct str *bytes)
{
    struct fmt f;
    fmt_init_pool(&f, pool, text.len, text.len);
    const bool good = base64_decode(&f, text, url);
    *bytes = fmt_done(&f);
    return good;
}

static void check(struct str text, bool url, struct pool *pool)
{
    struct str bytes, again, head, tail, first, second, digits, rest;
    const bool good = decode(text, url, pool, &bytes);
    str_cut(text, '=', &digits, &rest);
    ASSERT(decode(digits, url, pool, &again) == good);
    if (!good)
        return;
    ASSERT(str_eq(bytes, again) && bytes.len == digits.len / 4 * 3 + (digits.len % 4 * 3 / 4));
    ASSERT(str_chr(digits, url ? '+' : '-') < 0 && str_chr(digits, ' ') < 0);
    ASSERT(str_sub(digits, 0, digits.len / 8 * 4, &head));
    ASSERT(str_from_off(digits, head.len, &tail));
    ASSERT(decode(head, url, pool, &first) && decode(tail, url, pool, &second));
    ASSERT(str_starts(bytes, first) && str_ends(bytes, second));
    ASSERT(first.len + second.len == bytes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    check(str_of(data, size), false, &pool);
    check(str_of(data, size), true, &pool);
    pool_free(&pool);
    return 0;
}
