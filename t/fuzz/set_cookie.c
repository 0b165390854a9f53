/*
 * Fuzz target: rules of proxy_cookie_domain, path and flags on any value of Set-Cookie.
 * Owns the rig of each set of rules, made at the first input and kept, and one pool for the time of
 * an input.
 *
 * The cookie keeps its name and value and all attributes that no rule is about, in their order;
 * those that one is about become what an evaluator without slices and builders makes of them.
 *
 * An input: the number of a set, then the value.
 */
#include "http/upstream/rewrite_fields.h"
#include "t/unit/http/upstream/rewrite_rig.h"

enum { INPUT_MOST = 4096, FULL = 16 * INPUT_MOST };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the rules do; those of flags are for the cookie "a" of either case. */
static const struct set {
    const char *conf;
    bool domain;                        /* "x" becomes "yy.z" */
    bool path;                          /* "/x" at the beginning becomes "/" */
    bool add;                           /* Secure, HttpOnly, SameSite=Lax */
    bool remove;                        /* all of them */
    bool any;                           /* flags are for cookies of all names */
} sets[] = {
    { "proxy_cookie_domain x yy.z;", .domain = true },
    { "proxy_cookie_domain ~^never$ x; proxy_cookie_domain .x .yy.z;", .domain = true },
    { "proxy_cookie_path /x /;", .path = true },
    { "proxy_cookie_path '~^/x(?s)(.*)' /$1;", .path = true },
    { "proxy_cookie_flags a secure httponly samesite=lax;", .add = true },
    { "proxy_cookie_flags a nosecure nohttponly nosamesite;", .remove = true },
    { "proxy_cookie_flags ~ secure httponly $flag;", .add = true, .any = true },
    { "proxy_cookie_domain x yy.z; proxy_cookie_path /x /; "
      "proxy_cookie_flags ~ nosecure nohttponly nosamesite;",
      .domain = true, .path = true, .remove = true, .any = true },
    { "proxy_cookie_domain x yy.z; proxy_cookie_path /x /; "
      "proxy_cookie_flags a secure httponly samesite=lax;",
      .domain = true, .path = true, .add = true },
};

static struct rig rigs[countof(sets)];

struct naive {
    char at[FULL];
    size_t len;
    bool changed;
};

/* Bytes from `at` to `to`, without blanks at both ends. */
struct span {
    const char *at, *to;
};

static struct span trim(const char *at, const char *to)
{
    while (at < to && strchr(" \t", *at) && *at)
        at++;
    while (at < to && strchr(" \t", to[-1]) && to[-1])
        to--;
    return (struct span){ at, to };
}

static void put(struct naive *n, const char *at, const char *to)
{
    const size_t len = (size_t)(to - at);
    ASSERT(len <= FULL - n->len);
    if (len)
        memcpy(n->at + n->len, at, len);
    n->len += len;
}

static void say(struct naive *n, const char *text)
{
    put(n, text, text + strlen(text));
}

static bool is(struct span span, const char *text)
{
    return (size_t)(span.to - span.at) == strlen(text) &&
           strncasecmp(span.at, text, strlen(text)) == 0;
}

static void naive_domain(struct naive *n, struct span value)
{
    const bool dot = value.at < value.to && *value.at == '.';
    const struct span bare = { value.at + dot, value.to };
    say(n, dot ? "." : "");
    if (is(bare, "x")) {
        say(n, "yy.z");
        n->changed = true;
    } else
        put(n, bare.at, bare.to);
}

static void naive_path(struct naive *n, struct span value)
{
    const bool match = value.to - value.at >= 2 && memcmp(value.at, "/x", 2) == 0;
    say(n, match ? "/" : "");
    put(n, value.at + (match ? 2 : 0), value.to);
    n->changed = n->changed || match;
}

/* Nothing for one that is removed. */
static void naive_attribute(const struct set *set, bool flagged, bool *there, struct naive *n,
                            const char *at, const char *to)
{
    static const char *const flags[] = { "secure", "httponly", "samesite" };
    const char *equal = memchr(at, '=', (size_t)(to - at));
    const struct span name = trim(at, equal ? equal : to);
    const struct span value = equal ? trim(equal + 1, to) : (struct span){ to, to };
    unsigned flag = 0;
    while (flag < 3 && !is(name, flags[flag]))
        flag++;
    if (flag < 3 && flagged && set->remove) {
        n->changed = true;
        return;
    }
    say(n, "; ");
    if (flag < 3)
        there[flag] = true;
    if (flag == 2 && flagged && set->add && !is(value, "lax")) {
        say(n, "SameSite=Lax");
        n->changed = true;
        return;
    }
    put(n, name.at, name.to);
    say(n, equal ? "=" : "");
    if (equal && set->domain && is(name, "domain"))
        naive_domain(n, value);
    else if (equal && set->path && is(name, "path"))
        naive_path(n, value);
    else
        put(n, value.at, value.to);
}

static void naive_cookie(const struct set *set, struct naive *n, const char *at, const char *to)
{
    static const char *const added[] = { "; Secure", "; HttpOnly", "; SameSite=Lax" };
    const char *end = memchr(at, ';', (size_t)(to - at));
    const char *first = end ? end : to, *equal = memchr(at, '=', (size_t)(first - at));
    const struct span name = trim(at, equal ? equal : first);
    const struct span value = equal ? trim(equal + 1, first) : (struct span){ to, to };
    const bool flagged = equal && (set->add || set->remove) && (set->any || is(name, "a"));
    bool there[3] = { false };
    put(n, name.at, name.to);
    say(n, equal ? "=" : "");
    put(n, value.at, value.to);
    while (end) {
        at = end + 1;
        end = memchr(at, ';', (size_t)(to - at));
        naive_attribute(set, flagged, there, n, at, end ? end : to);
    }
    for (unsigned i = 0; i < 3 && flagged && set->add; i++)
        if (!there[i]) {
            say(n, added[i]);
            n->changed = true;
        }
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
    struct str out = STR_NONE, again;
    if (size == 0 || size > INPUT_MOST)
        return 0;
    if (!rigs[0].pool.source)
        make_rigs();
    const unsigned set = data[0] % countof(sets);
    const struct cookie_rewrites *cookies = &rigs[set].cookies;
    struct subject s = rigs[set].s;
    char *copy = malloc(size);
    ASSERT(copy);
    memcpy(copy, data + 1, size - 1);
    pool_init(&pool, &pool_heap);
    s.pool = &pool;
    n.len = 0;
    n.changed = false;
    naive_cookie(&sets[set], &n, copy, copy + size - 1);
    const enum rewritten result = rewrite_cookie(cookies, &s, str_of(copy, size - 1), &out);
    ASSERT(result == (n.changed ? REWRITTEN : REWRITTEN_NOT));
    if (result == REWRITTEN) {
        ASSERT(str_eq(out, str_of(n.at, n.len)) && out.at[out.len] == '\0');
        if (!sets[set].path)
            ASSERT(rewrite_cookie(cookies, &s, out, &again) == REWRITTEN_NOT);
    }
    pool_free(&pool);
    free(copy);
    return 0;
}
