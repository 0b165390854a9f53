/*
 * Request targets and hosts: what nginx 1.22 answers, and what the rules of RFC 9112 and RFC 3986
 * refuse although nginx does not.
 * Owns nothing.
 */
#include "http/uri.c"

#include "t/unit/tap.h"

enum origin { BUILT, SLICE };

/* args NULL: no "?" stands there.  SLICE: the path is a part of the target. */
struct row {
    const char *target, *path, *args;
    enum origin origin;
};

static const struct row merged[] = {
    { "/", "/", NULL, SLICE },
    { "/a", "/a", NULL, SLICE },
    { "/a/b.c/d?x=1", "/a/b.c/d", "x=1", SLICE },
    { "/a..b/c.", "/a..b/c.", NULL, SLICE },
    { "/a\\..\\b", "/a\\..\\b", NULL, SLICE },
    { "/a;../b+c", "/a;../b+c", NULL, SLICE },
    { "/\xe9\xff", "/\xe9\xff", NULL, SLICE },
    { "/a?", "/a", "", SLICE },
    { "/?", "/", "", SLICE },
    { "/a?b?c", "/a", "b?c", SLICE },
    { "/a?%zz%00", "/a", "%zz%00", SLICE },
    { "/a?/../..//", "/a", "/../..//", SLICE },
    { "/a#b", "/a", NULL, SLICE },
    { "/a#b?c", "/a", NULL, SLICE },
    { "/a?b#c", "/a", "b", SLICE },
    { "/?#", "/", "", SLICE },
    { "/#//%zz", "/", NULL, SLICE },
    { "/a//b", "/a/b", NULL, BUILT },
    { "//a", "/a", NULL, BUILT },
    { "///", "/", NULL, BUILT },
    { "/a//?x", "/a/", "x", BUILT },
    { "/a/./b", "/a/b", NULL, BUILT },
    { "/a/.", "/a/", NULL, BUILT },
    { "/.", "/", NULL, BUILT },
    { "/a/..", "/", NULL, BUILT },
    { "/a/../", "/", NULL, BUILT },
    { "/a/b/..", "/a/", NULL, BUILT },
    { "/a/b/../c", "/a/c", NULL, BUILT },
    { "/a/b/c/../../../", "/", NULL, BUILT },
    { "/a/b//..//c", "/a/c", NULL, BUILT },
    { "/a/..//", "/", NULL, BUILT },
    { "/a/..?x", "/", "x", BUILT },
    { "/a/.?x", "/a/", "x", BUILT },
    { "/a/..#x", "/", NULL, BUILT },
    { "/a/.../b", "/a/.../b", NULL, BUILT },
    { "/a/..b", "/a/..b", NULL, BUILT },
    { "/.a/.b/", "/.a/.b/", NULL, BUILT },
    { "/a/..;/b", "/a/..;/b", NULL, BUILT },
    { "/%61%62", "/ab", NULL, BUILT },
    { "/a%3fb%23c?d", "/a?b#c", "d", BUILT },
    { "/a%252e", "/a%2e", NULL, BUILT },
    { "/a%0ab%7F", "/a\nb\x7f", NULL, BUILT },
    { "/a/%2e%2E/b", "/b", NULL, BUILT },
    { "/a/.%2e", "/", NULL, BUILT },
    { "/a/%2e", "/a/", NULL, BUILT },
    { "/a%2fb", "/a/b", NULL, BUILT },
    { "/a%2F..%2fb", "/b", NULL, BUILT },
    { "/%2f%2fa", "/a", NULL, BUILT },
    { "/a//../b", "/b", NULL, BUILT },
};

static const char *const merged_refused[] = {
    "", "*", "a", "a:80", "?x", "#x", "./a", "%2fa", "\\a", "/a b",
    "/a?b c", "/%00", "/a%00b", "/%", "/%4", "/%zz", "/%4g", "/%+1", "/% 1",
    "/%4?1", "/..", "/../", "/../x", "/./..", "/a/../..", "//..", "/a///../../b", "/%2F../x",
    "/..%2f..%2fx", "/%2e%2e/%2e%2e/x", "/a/b/c/../../../..", "/a%2f%2e%2e%2f%2e%2e",
};

static const struct row unmerged[] = {
    { "/a//b", "/a//b", NULL, SLICE },
    { "//", "//", NULL, SLICE },
    { "//a?x", "//a", "x", SLICE },
    { "/%2f", "//", NULL, BUILT },
    { "//../a", "/a", NULL, BUILT },
    { "/a//../b", "/a/b", NULL, BUILT },
    { "/a///../../b", "/a/b", NULL, BUILT },
    { "/a/b//..//c", "/a/b//c", NULL, BUILT },
    { "/a/..//", "//", NULL, BUILT },
    { "//..", "/", NULL, BUILT },
    { "//./..//.", "//", NULL, BUILT },
};

static const char *const unmerged_refused[] = {
    "//../..", "/..//",
};

/* Of exactly its size, so that a sanitizer sees a byte too far. */
static struct str exact(struct str s)
{
    char *const copy = malloc(s.len ? s.len : 1);
    if (!copy)
        abort();
    memcpy(copy, s.at, s.len);
    return str_of(s.len ? copy : copy + 1, s.len);
}

static void drop(struct str s)
{
    free((void *)(s.len ? s.at : s.at - 1));
}

static bool inside(struct str part, struct str all)
{
    return part.at >= all.at && part.at + part.len <= all.at + all.len;
}

typedef bool parse_function(struct str text, bool merge, struct pool *pool, struct uri *uri);

static void check(const struct row *row, parse_function *parse, bool merge)
{
    const struct str target = exact(str_from(row->target));
    struct pool pool;
    struct uri uri;
    pool_init(&pool, &pool_heap);
    if (ok(parse(target, merge, &pool, &uri), "\"%s\" is taken", row->target)) {
        is_mem(uri.path.at, uri.path.len, row->path, strlen(row->path), "its path");
        is_mem(uri.args.at, uri.args.len, row->args, row->args ? strlen(row->args) : 0,
               "its arguments");
        ok(uri.has_args == (row->args != NULL), "it has%s arguments", row->args ? "" : " no");
        ok(uri.scheme.len == 0 && uri.authority.len == 0, "it is no absolute form");
        ok(inside(uri.path, target) == (row->origin == SLICE) &&
               (pool.used == 0) == (row->origin == SLICE),
           "its path is %s", row->origin == SLICE ? "a slice of it" : "built");
    }
    pool_free(&pool);
    drop(target);
}

static void check_refused(const char *const *texts, size_t count, parse_function *parse, bool merge)
{
    for (size_t i = 0; i < count; i++) {
        const struct str text = exact(str_from(texts[i]));
        struct pool pool;
        struct uri uri;
        pool_init(&pool, &pool_heap);
        ok(!parse(text, merge, &pool, &uri), "\"%s\" is refused", texts[i]);
        pool_free(&pool);
        drop(text);
    }
}

static void check_targets(void)
{
    for (size_t i = 0; i < countof(merged); i++)
        check(&merged[i], uri_parse, true);
    check_refused(merged_refused, countof(merged_refused), uri_parse, true);
    for (size_t i = 0; i < countof(unmerged); i++)
        check(&unmerged[i], uri_parse, false);
    check_refused(unmerged_refused, countof(unmerged_refused), uri_parse, false);
}

struct absolute {
    const char *target, *scheme, *authority, *path, *args;
};

static const struct absolute absolutes[] = {
    { "http://h", "http", "h", "/", "" },
    { "http://h/", "http", "h", "/", "" },
    { "HTTP://H/a", "http", "H", "/a", "" },
    { "https://h/a/../b?c", "https", "h", "/b", "c" },
    { "http://h:80/x", "http", "h:80", "/x", "" },
    { "http://h:/x", "http", "h:", "/x", "" },
    { "http://[::1]:80//a", "http", "[::1]:80", "/a", "" },
    { "http://h?x", "http", "h", "/", "x" },
    { "http://h?x#y", "http", "h", "/", "x" },
    { "http://h?x/../..", "http", "h", "/", "x/../.." },
    { "http://h/?@", "http", "h", "/", "@" },
    { "http://h/#f", "http", "h", "/", "" },
    { "http://h/a@b", "http", "h", "/a@b", "" },
};

static const char *const absolutes_refused[] = {
    "http://h#x", "http://h#", "http://h/..", "http://", "http:///a", "http://?x", "http:/h/a",
    "http:", "http", "https:/", "http://u@h/", "http://u:p@h/", "http://@/", "ftp://h/a",
    "httpx://h/", "ws://h/", "://h/", "http://h /",
};

static void check_absolutes(void)
{
    for (size_t i = 0; i < countof(absolutes); i++) {
        const struct absolute *const row = &absolutes[i];
        const struct str target = exact(str_from(row->target));
        struct pool pool;
        struct uri uri;
        pool_init(&pool, &pool_heap);
        ok(uri_parse(target, true, &pool, &uri) && str_eq(uri.scheme, str_from(row->scheme)) &&
               str_eq(uri.authority, str_from(row->authority)) &&
               str_eq(uri.path, str_from(row->path)) && str_eq(uri.args, str_from(row->args)) &&
               uri.has_args == (strchr(row->target, '?') != NULL),
           "parts of \"%s\"", row->target);
        pool_free(&pool);
        drop(target);
    }
    check_refused(absolutes_refused, countof(absolutes_refused), uri_parse, true);
}

/* Text of configuration and backends: spaces may stand there, and "#" is a byte like others. */
static const struct row texts[] = {
    { "/a", "/a", NULL, SLICE },
    { "/a b?c d", "/a b", "c d", SLICE },
    { "/a#b?c#d", "/a#b", "c#d", SLICE },
    { "/\xe9?", "/\xe9", "", SLICE },
    { "/a%3fb?c", "/a?b", "c", BUILT },
    { "/a/../b//c", "/b/c", NULL, BUILT },
};

static const char *const texts_refused[] = {
    "", "a", "?x", "#", "*", "http://h/a", "/../b", "/%2e%2e/b", "/a%2f..%2f..", "/%00", "/%zz",
};

static void check_texts(void)
{
    for (size_t i = 0; i < countof(texts); i++)
        check(&texts[i], uri_parse_path, true);
    check_refused(texts_refused, countof(texts_refused), uri_parse_path, true);
}

/* A control in each part of a target; `wrong` counts bytes that are wrongly refused, or taken. */
static void check_controls(void)
{
    static const char *const patterns[] = { "/aXb", "/a?X", "/a#X", "http://h/X", "/%41X/../b" };
    struct pool pool;
    struct uri uri;
    unsigned wrong = 0, wrong_texts = 0;
    pool_init(&pool, &pool_heap);
    for (unsigned c = 0; c < 256; c++) {
        for (size_t i = 0; i < countof(patterns); i++) {
            const struct str text = pool_str(&pool, str_from(patterns[i]));
            const bool absolute = patterns[i][0] != '/', control = c < ' ' || c == 0x7f;
            *strchr((char *)text.at, 'X') = (char)c;
            if (c == '%' || c == '@')
                continue;
            wrong += uri_parse(text, true, &pool, &uri) != !(control || c == ' ');
            wrong_texts += uri_parse_path(text, true, &pool, &uri) != !(absolute || control);
        }
    }
    is_uint(wrong, 0, "bytes in targets");
    is_uint(wrong_texts, 0, "bytes in texts");
    pool_free(&pool);
}

static void check_nul(void)
{
    struct pool pool;
    struct uri uri;
    struct str host;
    pool_init(&pool, &pool_heap);
    ok(!uri_host(STR("a\0.b"), &pool, &host), "a NUL in a host");
    ok(!uri_host(STR("[::1\0]"), &pool, &host), "a NUL in an address");
    ok(!uri_parse(STR_NONE, true, &pool, &uri) && !uri_parse_path(STR_NONE, true, &pool, &uri) &&
           !uri_host(STR_NONE, &pool, &host),
       "nothing at all");
    pool_free(&pool);
}

/* Larger than any chunk: it must fit exactly, and fail when there is no memory for it. */
static void check_long(void)
{
    enum { LONG = 100000 };
    static char text[LONG];
    struct pool pool;
    struct uri uri;
    memset(text, 'a', LONG);
    text[0] = '/';
    text[LONG - 1] = '/';
    pool_init(&pool, &pool_heap);
    ok(uri_parse(str_of(text, LONG), true, &pool, &uri) && uri.path.at == text &&
           uri.path.len == LONG, "a long path is not copied");
    text[1] = '.';
    ok(uri_parse(str_of(text, LONG), true, &pool, &uri) &&
           str_eq(uri.path, str_of(text, LONG)) && uri.path.at != text, "a long path is built");
    pool_free(&pool);
    pool_init(&pool, &pool_heap);
    pool_fail_chunks(0, 1);
    ok(!uri_parse(str_of(text, LONG), true, &pool, &uri), "no memory for a long path");
    pool_fail_chunks(0, 0);
    pool_free(&pool);
}

struct host {
    const char *text, *want;
};

static const struct host hosts[] = {
    { "a", "a" }, { "Example.COM", "example.com" }, { "a.", "a" }, { "A.:80", "a" }, { ".a", ".a" },
    { "a:80", "a" }, { "a:", "a" }, { "a:0", "a" }, { "a:65535", "a" }, { "1.2.3.4", "1.2.3.4" },
    { "-", "-" }, { "_", "_" }, { "a_b-c", "a_b-c" }, { "*.a", "*.a" },
    { "a!$&'()*+,;=~b", "a!$&'()*+,;=~b" }, { "%41", "%41" }, { "b\xc3\xbc.de", "b\xc3\xbc.de" },
    { "[::1]", "[::1]" }, { "[::1]:80", "[::1]" }, { "[::1]:", "[::1]" }, { "[A::B]", "[a::b]" },
    { "[::FFFF:1.2.3.4]:1", "[::ffff:1.2.3.4]" },
};

static const char *const hosts_refused[] = {
    "", ".", "..", "a..", "a..b", ":", ":80", "a..:80", ".:80", "a:65536", "a:99999",
    "a:4294967376", "a:18446744073709551696", "a:x", "a:8x", "a:80:80", "a:80.", "a:-1", "a:+1",
    "a: 80", "a b", " a", "a ", "a/b", "a\\b", "u@a", "a?b", "a#b", "a\"b", "a<b", "a|b",
    "a^b", "a`b", "a{b}", "%", "%4", "a%zz", "[", "[]", "[::1", "[a]", "[1.2.3.4]",
    "[v1.a]", "[::1%eth0]", "[::1%25eth0]", "[::1]x", "[::1].", "[::1]80", "[::1]]", "[[::1]]",
    "[::1]:99999", "[::1]:80:80", "[:1:]", "[unix:a]", "a[::1]", "]", "::1", "[::1 ]", "[::1]:80 ",
};

static void check_host(const char *from, const char *want)
{
    const struct str text = exact(str_from(from));
    struct str host = STR("unset");
    struct pool pool;
    pool_init(&pool, &pool_heap);
    if (ok(uri_host(text, &pool, &host) == (want != NULL), "host \"%s\" is %s", from,
           want ? "taken" : "refused") && want) {
        is_mem(host.at, host.len, want, strlen(want), "as \"%s\"", want);
        ok(inside(host, text) == (strncmp(from, want, host.len) == 0),
           "it is copied only when its case changes");
    }
    pool_free(&pool);
    drop(text);
}

static void check_hosts(void)
{
    for (size_t i = 0; i < countof(hosts); i++)
        check_host(hosts[i].text, hosts[i].want);
    for (size_t i = 0; i < countof(hosts_refused); i++)
        check_host(hosts_refused[i], NULL);
}

/* Each byte between two letters. */
static void check_host_bytes(void)
{
    const struct str good = STR("-._~!$&'()*+,;=0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    struct pool pool;
    struct str host;
    unsigned wrong = 0;
    pool_init(&pool, &pool_heap);
    for (unsigned c = 0; c < 256; c++) {
        const char text[] = { 'a', (char)c, 'b' };
        wrong += uri_host(str_of(text, 3), &pool, &host) !=
                 (c >= 0x80 || str_chr(good, (char)c) >= 0);
    }
    is_uint(wrong, 0, "bytes that are wrongly refused, or taken");
    pool_free(&pool);
}

int main(void)
{
    check_targets();
    check_absolutes();
    check_texts();
    check_controls();
    check_nul();
    check_long();
    check_hosts();
    check_host_bytes();
    return done_testing();
}
