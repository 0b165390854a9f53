/*
 * Fuzz target: lists in request fields.  Values lie in the field, and what is put before or behind
 * a good list does not change what it says.
 * Owns the pool of one input.
 *
 *     wanted "\n" field           a coding, an entity tag or the name of a cookie
 */
#include "http/accept.h"

#include "core/fmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str join(struct pool *pool, struct str a, struct str b, struct str c)
{
    struct fmt f;
    fmt_init_pool(&f, pool, 64, SIZE_MAX / 2);
    fmt_str(&f, a);
    fmt_str(&f, b);
    fmt_str(&f, c);
    return fmt_done(&f);
}

/* Such as the names of codings, and of cookies in variables. */
static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (str_chr(STR(" \t,;=\""), s.at[i]) >= 0)
            return false;
    return s.len > 0;
}

static void check_quality(struct str list, struct str coding, struct pool *pool)
{
    const int quality = accept_quality(list, coding);
    ASSERT(quality >= ACCEPT_NOT_NAMED && quality <= 1000);
    ASSERT(accept_quality(join(pool, STR(" ,"), list, STR(" , ")), coding) == quality);
    if (quality == ACCEPT_NOT_NAMED)
        ASSERT(accept_quality(join(pool, list, STR(",*;q=0.123"), STR("")), coding) == 123);
}

static bool is_tag(struct str etag)
{
    return etag.len >= 2 && etag.at[0] == '"' &&
           str_chr(str_of(etag.at + 1, etag.len - 1), '"') == (ssize_t)etag.len - 2;
}

static void check_etag(struct str list, struct str etag, struct pool *pool)
{
    const bool weak = accept_etag(list, etag, true), strong = accept_etag(list, etag, false);
    ASSERT(weak || !strong);
    if (!is_tag(etag))
        return;
    ASSERT(accept_etag(join(pool, etag, STR(" ,"), list), etag, false));
    ASSERT(accept_etag(join(pool, STR(", W/"), etag, STR("")), etag, true));
    ASSERT(!accept_etag(join(pool, STR("W/"), etag, STR("")), etag, false));
    /* A list that says "*" is no list any more with something before it. */
    if (!str_eq(str_trim(list), STR("*")))
        ASSERT(accept_etag(join(pool, STR("\"a,b\", W/\"\" ,"), list, STR("")), etag, true) ==
               (weak || str_eq(etag, STR("\"a,b\"")) || str_eq(etag, STR("\"\""))));
}

static void check_cookie(struct str field, struct str name, struct pool *pool)
{
    struct str value, again;
    const bool found = accept_cookie(field, name, &value);
    if (found) {
        ASSERT(value.at >= field.at && value.at + value.len <= field.at + field.len);
        ASSERT(str_chr(value, ';') < 0 && (value.len == 0 || value.at[0] != ' '));
        ASSERT(accept_cookie(join(pool, STR(" ; ,"), field, STR("; b=c")), name, &again));
        ASSERT(str_eq(value, again));
    }
    ASSERT(accept_cookie(join(pool, name, STR("=v;"), field), name, &again));
    ASSERT(str_eq(again, STR("v")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str wanted, field;
    struct pool pool;
    str_cut(str_of(data, size), '\n', &wanted, &field);
    pool_init(&pool, &pool_heap);
    check_etag(field, wanted, &pool);
    if (is_name(wanted)) {
        check_quality(field, wanted, &pool);
        check_cookie(field, wanted, &pool);
    }
    pool_free(&pool);
    return 0;
}
