/*
 * Fuzz target: request targets and hosts.  What was normalised is normal: escaped again and parsed
 * again it is the same path, without a way to its parent.
 * Owns the pool of one input.
 */
#include "http/uri.h"

#include "core/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct str part, struct str all)
{
    return part.at >= all.at && part.at + part.len <= all.at + all.len;
}

static void check_path(struct str path, bool merge)
{
    struct str segment, rest;
    ASSERT(path.len > 0 && path.at[0] == '/' && str_chr(path, '\0') < 0);
    ASSERT(!merge || str_find(path, STR("//")) < 0);
    for (rest = path; str_cut(rest, '/', &segment, &rest);)
        ASSERT(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
    ASSERT(!str_eq(rest, STR(".")) && !str_eq(rest, STR("..")));
}

static void check_again(const struct uri *uri, bool merge, struct pool *pool)
{
    struct uri again;
    struct fmt f;
    fmt_init_pool(&f, pool, 64, SIZE_MAX / 2);
    escape_uri(&f, uri->path, ESCAPE_URI);
    const struct str path = fmt_done(&f);
    ASSERT(uri_parse(path, merge, pool, &again) && str_eq(again.path, uri->path));
    ASSERT(!again.has_args && again.args.len == 0 && again.authority.len == 0);
    ASSERT(uri_parse_path(path, merge, pool, &again) && str_eq(again.path, uri->path));
}

static void check_host(struct str text, struct pool *pool)
{
    struct str host, again;
    if (!uri_host(text, pool, &host))
        return;
    ASSERT(host.len > 0 && host.len <= text.len && str_starts_ci(text, host));
    for (size_t i = 0; i < host.len; i++)
        ASSERT(str_lower_char(host.at[i]) == host.at[i] && (unsigned char)host.at[i] > ' ');
    ASSERT(uri_host(host, pool, &again) && again.at == host.at && str_eq(again, host));
}

static void check_target(struct str target, bool merge, struct pool *pool)
{
    struct uri uri;
    if (uri_parse(target, merge, pool, &uri)) {
        check_path(uri.path, merge);
        check_again(&uri, merge, pool);
        ASSERT(uri.args.len == 0 || (uri.has_args && lies_in(uri.args, target)));
        ASSERT((uri.scheme.len == 0) == (uri.authority.len == 0));
        check_host(uri.authority, pool);
    }
    if (uri_parse_path(target, merge, pool, &uri)) {
        check_path(uri.path, merge);
        check_again(&uri, merge, pool);
        ASSERT(uri.scheme.len == 0 && uri.authority.len == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = str_of(data, size);
    struct pool pool;
    pool_init(&pool, &pool_heap);
    check_target(text, true, &pool);
    check_target(text, false, &pool);
    check_host(text, &pool);
    pool_free(&pool);
    return 0;
}
