/*
 * Host names with wildcards, as the running nginx matches them; conflicts; names that cannot be.
 * Owns nothing.
 */
#include "core/wildcard.c"

#include "core/fmt.h"
#include "t/unit/tap.h"

static const struct siphash_key hash_key = { "fedcba987654321" };

struct rig {
    struct pool pool;
    struct wildcard w;
};

/* The value of each name is the name itself. */
static enum wildcard_result add(struct rig *rig, const char *name, const char **there)
{
    const void *old = NULL;
    const enum wildcard_result result = wildcard_add(&rig->w, str_from(name),
                                                     pool_cstr(&rig->pool, str_from(name)), &old);
    *there = old;
    return result;
}

static void rig_open(struct rig *rig)
{
    pool_init(&rig->pool, &pool_heap);
    wildcard_init(&rig->w, &rig->pool, &hash_key);
}

static void test_lookup(void)
{
    static const char *const names[] = {
        "*.Example.com", "www.example.*", "example.org", ".dot.com", "*.a.example.com", "a.b.*",
        "a.*", "", "*.x.", "localhost",
    };
    static const char *const cases[][2] = {
        { "example.com", NULL },
        { ".example.com", "*.Example.com" },
        { "a.example.com", "*.Example.com" },
        { "A.EXAMPLE.COM", "*.Example.com" },
        { "a.b.example.com", "*.Example.com" },
        { "a.a.example.com", "*.a.example.com" },
        { "x.y.a.example.com", "*.a.example.com" },
        { "a.example.com", "*.Example.com" },           /* "*." wants a label of its own */
        { "a..example.com", "*.Example.com" },
        { "..example.com", "*.Example.com" },
        { "www.example.com", "*.Example.com" },         /* leading before trailing */
        { "www.example.org", "www.example.*" },
        { "www.example.org.uk", "www.example.*" },
        { "www.example..x", "www.example.*" },
        { "WWW.example.", "www.example.*" },
        { "www.example", NULL },
        { "example.org", "example.org" },
        { "x.example.org", NULL },
        { "dot.com", ".dot.com" },
        { "x.dot.com", ".dot.com" },
        { ".dot.com", ".dot.com" },
        { "xdot.com", NULL },
        { "a.b.c", "a.b.*" },
        { "a.b", "a.*" },
        { "a.c.d", "a.*" },
        { "a", NULL },
        { "xexample.com", NULL },
        { "com", NULL },
        { ".", NULL },
        { "", "" },
        { "a.x.", "*.x." },
        { "localhost", "localhost" },
        { "local.host", NULL },
    };
    struct rig rig;
    struct pool pool;
    const char *there;
    rig_open(&rig);
    pool_init(&pool, &pool_heap);
    for (size_t i = 0; i < countof(names); i++)
        is_int(add(&rig, names[i], &there), WILDCARD_ADDED, "\"%s\" is added", names[i]);
    wildcard_freeze(&rig.w, &pool);
    for (size_t i = 0; i < countof(cases); i++)
        is_str(wildcard_get(&rig.w, str_from(cases[i][0])), cases[i][1], "\"%s\"", cases[i][0]);
    pool_free(&rig.pool);
    pool_free(&pool);
}

static void test_conflicts(void)
{
    static const struct {
        const char *first, *second;
        const char *exact, *below;      /* then the values of example.com and a.example.com */
    } cases[] = {
        { "example.com", "example.com", "example.com", NULL },
        { "example.com", "EXAMPLE.com", "example.com", NULL },
        { "example.com", ".example.com", "example.com", NULL },
        { ".example.com", "example.com", ".example.com", ".example.com" },
        { ".example.com", "*.example.com", ".example.com", ".example.com" },
        { "*.example.com", ".example.com", NULL, "*.example.com" },
        { "*.example.com", "*.Example.com", NULL, "*.example.com" },
        { "example.*", "Example.*", "example.*", NULL },
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct rig rig;
        const char *there;
        rig_open(&rig);
        add(&rig, cases[i].first, &there);
        is_int(add(&rig, cases[i].second, &there), WILDCARD_THERE, "%s, then %s", cases[i].first,
               cases[i].second);
        is_str(there, cases[i].first, "what is in the way");
        is_str(wildcard_get(&rig.w, STR("example.com")), cases[i].exact, "nothing was changed");
        is_str(wildcard_get(&rig.w, STR("a.example.com")), cases[i].below, "below neither");
        pool_free(&rig.pool);
    }
}

static void test_no_conflicts(void)
{
    static const char *const cases[][2] = {
        { "*.example.com", "example.com" }, { "a.*", "a" }, { "*.a", "a.*" },
        { "*.example.com", "*.a.example.com" }, { "example.com", "example.com." },
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct rig rig;
        const char *there;
        rig_open(&rig);
        add(&rig, cases[i][0], &there);
        is_int(add(&rig, cases[i][1], &there), WILDCARD_ADDED, "%s beside %s", cases[i][1],
               cases[i][0]);
        pool_free(&rig.pool);
    }
}

static void test_invalid(void)
{
    static const char *const names[] = {
        "*", "*.", ".", "*.*", "a.*.b", "www*.x", "*x.com", "x.com*", "*.com.*", "..x", "*..x",
        "a..b", "a..*", "a.*.", "**.x", "*.x*", "a..", "..", ".*",
    };
    struct rig rig;
    const char *there;
    rig_open(&rig);
    for (size_t i = 0; i < countof(names); i++)
        is_int(add(&rig, names[i], &there), WILDCARD_INVALID, "\"%s\" is invalid", names[i]);
    char *longest = pool_array(&rig.pool, 1, MAP_CASELESS_MAX + 4);
    memset(longest, 'a', MAP_CASELESS_MAX + 3);
    is_int(add(&rig, longest, &there), WILDCARD_INVALID, "far too long");
    memcpy(longest, "*.", 2);
    is_int(add(&rig, longest, &there), WILDCARD_INVALID, "with a wildcard");
    memcpy(longest, ".a", 2);
    is_int(add(&rig, longest, &there), WILDCARD_INVALID, "of both kinds");
    is_uint(rig.w.exact.count + rig.w.leading.count + rig.w.trailing.count, 0, "none was added");
    pool_free(&rig.pool);
}

/* A host of nothing but dots is looked up quickly: only what can be a key is hashed. */
static void test_long_host(void)
{
    struct rig rig;
    struct fmt f;
    const char *there;
    rig_open(&rig);
    add(&rig, "*.example.com", &there);
    add(&rig, "www.*", &there);
    fmt_init_pool(&f, &rig.pool, 64, 1 << 20);
    fmt_repeat(&f, '.', 100000);
    ok(!wildcard_get(&rig.w, fmt_done(&f)), "100,000 dots");
    fmt_text(&f, ".example.com");
    is_str(wildcard_get(&rig.w, fmt_done(&f)), "*.example.com", "and a name behind them");
    pool_free(&rig.pool);
}

int main(void)
{
    test_lookup();
    test_conflicts();
    test_no_conflicts();
    test_invalid();
    test_long_host();
    return done_testing();
}
