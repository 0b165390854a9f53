/*
 * Fuzz target: rules of proxy_redirect on any Location and Refresh; what becomes of them is what an
 * evaluator without slices and builders makes of the same.
 * Owns the rig of each set of rules, made at the first input and kept, and one pool for the time of
 * an input.
 *
 * An input: the number of a set, then the value.
 */
#include "http/upstream/rewrite_fields.h"
#include "t/unit/http/upstream/rewrite_rig.h"

enum { INPUT_MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* `to`: "$1" is the first group, "$host" is "fr". */
static const struct set {
    const char *conf;
    struct {
        const char *from, *to;          /* from: "~" and a prefix whose rest is the group */
    } rules[3];
} sets[] = {
    { "proxy_redirect default;", { { "http://127.0.0.1:1/two/", "/one/" } } },
    { "proxy_redirect http://a/ /; proxy_redirect / http://$host/;",
      { { "http://a/", "/" }, { "/", "http://fr/" } } },
    { "proxy_redirect $host $host$host; proxy_redirect '' x;",
      { { "fr", "frfr" }, { "", "x" } } },
    { "proxy_redirect '~^http://(?s)(.*)$' $1/$1; proxy_redirect h '';",
      { { "~http://", "$1/$1" }, { "h", "" } } },
    { "proxy_redirect '~^a(?s)(.*)' [$1]; proxy_redirect '~^b(?s)(.*)' $1$1; "
      "proxy_redirect a never;",
      { { "~a", "[$1]" }, { "~b", "$1$1" }, { "a", "never" } } },
};

static struct rig rigs[countof(sets)];

struct naive {
    char at[3 * INPUT_MOST + 64];
    size_t len;
};

static void put(struct naive *n, const char *at, size_t len)
{
    ASSERT(len <= sizeof(n->at) - n->len);
    if (len)
        memcpy(n->at + n->len, at, len);
    n->len += len;
}

static bool naive_change(const struct set *set, const char *value, size_t len, struct naive *n)
{
    for (size_t i = 0; i < countof(set->rules) && set->rules[i].from; i++) {
        const bool regex = set->rules[i].from[0] == '~';
        const char *from = set->rules[i].from + regex, *to = set->rules[i].to;
        const size_t covered = strlen(from);
        if (len < covered || memcmp(value, from, covered) != 0)
            continue;
        for (; *to; to++) {
            if (to[0] == '$' && to[1] == '1') {
                put(n, value + covered, len - covered);
                to++;
            } else
                put(n, to, 1);
        }
        if (!regex)
            put(n, value + covered, len - covered);
        return true;
    }
    return false;
}

static void check(enum rewritten result, struct str out, bool changed, const struct naive *n)
{
    ASSERT(result == (changed ? REWRITTEN : REWRITTEN_NOT));
    if (changed)
        ASSERT(str_eq(out, str_of(n->at, n->len)) && out.at[out.len] == '\0');
}

static size_t naive_url(const char *value, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (strncasecmp(value + i, "url=", 4) == 0)
            return i + 4;
    return 0;
}

static void make_rigs(void)
{
    conf_register(rig_modules);
    for (size_t i = 0; i < countof(sets); i++) {
        rig_begin(&rigs[i]);
        ASSERT(rig_configure(&rigs[i], sets[i].conf));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct naive n;
    struct pool pool;
    struct str out = STR_NONE;
    if (size == 0 || size > INPUT_MOST)
        return 0;
    if (!rigs[0].pool.source)
        make_rigs();
    const struct set *set = &sets[data[0] % countof(sets)];
    const struct rewrites *redirects = &rigs[data[0] % countof(sets)].redirects;
    struct subject s = rigs[data[0] % countof(sets)].s;
    char *copy = malloc(size);
    ASSERT(copy);
    memcpy(copy, data + 1, size - 1);
    pool_init(&pool, &pool_heap);
    s.pool = &pool;
    const struct str value = str_of(copy, size - 1);

    n.len = 0;
    bool changed = naive_change(set, value.at, value.len, &n);
    check(rewrite_location(redirects, &s, value, &out), out, changed, &n);

    const size_t url = naive_url(value.at, value.len);
    n.len = 0;
    put(&n, value.at, url);
    changed = url > 0 && naive_change(set, value.at + url, value.len - url, &n);
    check(rewrite_refresh(redirects, &s, value, &out), out, changed, &n);
    pool_free(&pool);
    free(copy);
    return 0;
}
