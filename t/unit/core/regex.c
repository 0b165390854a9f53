/*
 * Regular expressions: what is learned of a pattern, errors, captures, limits, searching in slices.
 * Owns nothing.  The clocks are the test's own: they advance by `tick` each time they are read, so
 * that no result depends on the machine.
 */
#include <time.h>

static int test_clock(clockid_t clock, struct timespec *t);
#define clock_gettime test_clock
#include "core/regex.c"
#undef clock_gettime

#include "t/unit/tap.h"

static const struct module *const no_modules[] = { NULL };

static int64_t ticks, tick;             /* ns */
static unsigned clock_reads;

static int test_clock(clockid_t clock, struct timespec *t)
{
    (void)clock;
    clock_reads++;
    ticks += tick;
    *t = (struct timespec){ .tv_sec = ticks / 1000000000, .tv_nsec = ticks % 1000000000 };
    return 0;
}

struct rig {
    struct pool pool;
    struct diag_list list;
    struct generation gen;
    struct conf_word words[2];
    struct conf_node node;
    struct conf_block block;
    struct conf cf;
    struct local local;
};

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){ .words = { { .text = STR_INIT("location") } } };
    pool_init(&rig->pool, &pool_heap);
    diag_init(&rig->list, &rig->pool);
    rig->node = (struct conf_node){ .words = rig->words, .nwords = 2 };
    rig->block.scope = IN_HTTP;
    rig->cf = (struct conf){ .pool = &rig->pool, .temp = &rig->pool, .diag = &rig->list,
                             .gen = &rig->gen, .block = &rig->block, .node = &rig->node };
    vars_init(&rig->cf);
}

static void rig_work(struct rig *rig, bool jit)
{
    rig->local.regexes = regex_local_new(rig->gen.nregexes, jit);
    if (!rig->local.regexes)
        abort();
}

static void rig_close(struct rig *rig)
{
    regex_local_free(rig->local.regexes, rig->gen.nregexes);
    pool_free(&rig->pool);
}

static struct regex *add(struct rig *rig, const char *pattern, bool caseless)
{
    return regex_add(&rig->cf, str_from(pattern), caseless, 1);
}

/* --- compiling ------------------------------------------------------------------------------- */

static void test_errors(void)
{
    static const char *const cases[][2] = {
        { "(", "pcre2_compile() failed: missing closing parenthesis in \"(\"" },
        { "[a", "pcre2_compile() failed: missing terminating ] for character class in \"[a\"" },
        { "a**", "pcre2_compile() failed: quantifier does not follow a repeatable item in "
                 "\"a**\" at \"*\"" },
        { "x{2,1}", "pcre2_compile() failed: numbers out of order in {} quantifier in "
                    "\"x{2,1}\" at \"}\"" },
        { "(?<1a>x)", "pcre2_compile() failed: subpattern name must start with a non-digit in "
                      "\"(?<1a>x)\" at \"1a>x)\"" },
        { "(?<a>.)|(?<a>.)", "pcre2_compile() failed: two named subpatterns have the same name "
                             "(PCRE2_DUPNAMES not set) in \"(?<a>.)|(?<a>.)\" at \".)\"" },
    };
    struct rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < countof(cases); i++) {
        diag_init(&rig.list, &rig.pool);
        ok(!add(&rig, cases[i][0], false), "%s is refused", cases[i][0]);
        is_str(rig.list.first ? rig.list.first->message.at : NULL, cases[i][1], "in nginx's words");
        is_uint(rig.list.errors, 1, "once");
    }
    is_uint(rig.gen.nregexes, 0, "nothing of it is kept");
    rig_close(&rig);
}

static void test_facts(void)
{
    struct rig rig;
    rig_open(&rig);
    const struct regex *r = add(&rig, "^/(?<year>\\d{4})/(.)(?<Day>..)?$", true);
    is_uint(r->ngroups, 3, "groups");
    is_uint(r->nnames, 2, "names");
    ok(str_eq(r->names[0].name, STR("Day")) && r->names[0].group == 3, "Day is 3");
    ok(str_eq(r->names[1].name, STR("year")) && r->names[1].group == 1, "year is 1");
    ok(r->anchored && !r->sliced && !r->utf && r->caseless, "anchored, of bytes, caseless");
    r = add(&rig, "(*UCP)(*UTF8)a.b", false);
    ok(r->utf && r->sliced && !r->anchored, "characters, and it can be sliced");
    ok(add(&rig, "(*UTF)a", false)->utf, "the newer name");
    ok(!add(&rig, "a(*SKIP)b|c", false)->sliced, "a verb forbids slices");
    ok(!add(&rig, "a|\\Gb", false)->sliced, "so does \\G");
    ok(add(&rig, "", false) != NULL, "empty");
    r = regex_add(&rig.cf, STR_NONE, false, 1);
    ok(r && r == add(&rig, "", false), "empty, without an address");
    r = add(&rig, "(?J)(?<a>x)|(?<a>y)", false);
    ok(r->nnames == 2 && r->names[0].group == 1 && r->names[1].group == 2, "one name, two groups");
    rig_close(&rig);
}

static void test_warning(void)
{
    struct rig rig;
    rig_open(&rig);
    ok(add(&rig, "^(a+b)+$", false) && !rig.list.first, "nothing to say");
    ok(add(&rig, "^/(a+)+$", false) && add(&rig, "^/(a+)+$", false), "this is accepted");
    is_uint(rig.list.warnings, 1, "with one warning");
    is_str(rig.list.first->code, "exploding-regex", "of this code");
    is_uint(rig.list.errors, 0, "and no error");
    ok(!add(&rig, "(a+)+(", false), "one that cannot be compiled");
    is_uint(rig.list.warnings, 1, "is not judged");
    rig_close(&rig);
}

static void test_many_groups(void)
{
    char pattern[256];
    struct rig rig;
    struct fmt f;
    rig_open(&rig);
    fmt_init(&f, pattern, sizeof(pattern));
    for (int i = 1; i < REGEX_CAPTURES; i++)
        fmt_text(&f, "()");
    fmt_text(&f, "(?<n>)");
    ok(!add(&rig, fmt_done(&f).at, false), "a name for group 32 is refused");
    is_str(rig.list.first->message.at, "the named group \"n\" is number 32 of its regex, and only "
           "the first 31 can be used", "and said");
    fmt_init(&f, pattern, sizeof(pattern));
    for (int i = 0; i < 40; i++)
        fmt_text(&f, "(.)");
    const struct regex *r = add(&rig, fmt_done(&f).at, false);
    struct regex_captures captures = { .count = 0 };
    const char *why = NULL;
    rig_work(&rig, true);
    is_int(regex_match(&rig.local, r, STR("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH"),
                       &captures, &why),
           REGEX_MATCH, "40 groups match");
    is_uint(captures.count, REGEX_CAPTURES, "as many as there is room for are kept");
    ok(str_eq(regex_group(&captures, 31), STR("u")), "the last of them");
    ok(str_empty(regex_group(&captures, 32)), "behind it nothing");
    rig_close(&rig);
}

static void test_dedupe(void)
{
    enum { MANY = 2000 };
    struct rig rig;
    bool same = true, indexed = true;
    rig_open(&rig);
    const struct regex *a = add(&rig, "a", false), *ci = add(&rig, "a", true);
    ok(a != ci, "caseless is another regex");
    ok(add(&rig, "a", false) == a && add(&rig, "a", true) == ci, "equal ones are one");
    rig.block.scope = IN_STREAM_SERVER;
    const struct regex *stream = add(&rig, "a", false);
    ok(stream != a && stream->table == rig.gen.vars_stream, "stream has its own: its variables");
    rig.block.scope = IN_HTTP;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < MANY; i++) {
            const struct regex *r = add(&rig, fmt_pool(&rig.pool, "x%u", i).at, false);
            same &= r->index == i + 3;
            indexed &= rig.gen.regexes[i + 3] == r;
        }
    ok(same, "the second time the same as the first");
    ok(indexed, "each where its index says");
    is_uint(rig.gen.nregexes, MANY + 3, "each once");
    rig_close(&rig);
}

static void test_no_memory(void)
{
    struct rig rig;
    rig_open(&rig);
    for (unsigned i = 0; i < 250; i++)
        add(&rig, fmt_pool(&rig.pool, "y%u", i).at, false);
    pool_fail_chunks(0, 1);
    const struct regex *r = &(struct regex){ 0 };
    for (unsigned i = 0; i < 20 && r; i++)
        r = add(&rig, fmt_pool(&rig.pool, "z%u", i).at, false);
    pool_fail_chunks(0, 0);
    ok(!r && rig.pool.failed, "no room for the table: no regex, and the pool is failed");
    ok(add(&rig, "y7", false)->index == 7, "what was there is still there");
    rig_close(&rig);
}

/* --- matching -------------------------------------------------------------------------------- */

struct match_case {
    const char *pattern;
    bool caseless;
    struct str subject;
    enum regex_result result;
    const char *groups;                 /* each as [text], from the whole match on */
};

#define MATCH(...) REGEX_MATCH, __VA_ARGS__
#define NONE REGEX_NO_MATCH, ""

static const struct match_case match_cases[] = {
    { "^/a.b$", false, STR_INIT("/a\nb"), NONE },                       /* a dot is no newline */
    { "^/c$", false, STR_INIT("/c\n"), MATCH("[/c]") },                 /* a last one is ignored */
    { "^/c$", false, STR_INIT("/c\nd"), NONE },                         /* lines do not count */
    { "^/e.e$", false, STR_INIT("/e\xc3\xa9""e"), NONE },               /* bytes, not characters */
    { "(*UTF8)^/e.e$", false, STR_INIT("/e\xc3\xa9""e"), MATCH("[/e\xc3\xa9""e]") },
    { "(*UTF8)^/\xc3\x89$", true, STR_INIT("/\xc3\xa9"), MATCH("[/\xc3\xa9]") },
    { "^/\xc3\x89$", true, STR_INIT("/\xc3\xa9"), NONE },
    { "\\.PHP$", true, STR_INIT("/x.php"), MATCH("[.php]") },
    { "\\.PHP$", false, STR_INIT("/x.php"), NONE },
    { "^/(.)(.)(.)?", false, STR_INIT("/ab"), MATCH("[/ab][a][b]") },
    { "(a)|(b)|(c)", false, STR_INIT("b"), MATCH("[b][][b]") },
    { "a.b", false, STR_INIT("xa\0b"), MATCH("[a\0b]") },
    { "", false, STR_INIT(""), MATCH("[]") },
    { "^$", false, STR_INIT("x"), NONE },
    { "b$", false, STR_INIT("ab"), MATCH("[b]") },
    { "x*$", false, STR_INIT("ab"), MATCH("[]") },                      /* at the very end */
    { "a\\Kb", false, STR_INIT("zab"), MATCH("[b]") },
    { "(?<=foo)bar(?<rest>.*)", false, STR_INIT("foobarbaz"), MATCH("[barbaz][baz]") },
    { "a(*COMMIT)b", false, STR_INIT("acab"), NONE },
    { "ab\\Gc|\\Gab", false, STR_INIT("xab"), NONE },
};

static void show(struct fmt *f, const struct regex_captures *captures)
{
    for (unsigned i = 0; i < captures->count; i++) {
        fmt_char(f, '[');
        fmt_str(f, regex_group(captures, i));
        fmt_char(f, ']');
    }
}

static void check_match(struct rig *rig, const struct match_case *c, const struct regex *regex,
                        bool jit)
{
    char buffer[256];
    struct fmt f;
    struct regex_captures captures = { .count = 0 };
    const char *why = NULL;
    const enum regex_result result = regex_match(&rig->local, regex, c->subject, &captures, &why);
    fmt_init(&f, buffer, sizeof(buffer));
    show(&f, &captures);
    const struct str got = fmt_done(&f);
    is_int(result, c->result, "%s on %.*s%s", c->pattern, STR_FMT(c->subject), jit ? ", JIT" : "");
    is_mem(got.at, strlen(got.at), c->groups, strlen(c->groups), "its groups");
}

static void test_matches(bool jit)
{
    const struct regex *regexes[countof(match_cases)];
    struct rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < countof(match_cases); i++)
        regexes[i] = add(&rig, match_cases[i].pattern, match_cases[i].caseless);
    rig_work(&rig, jit);
    for (unsigned round = 0; round < 2; round++)        /* compiled, then found compiled */
        for (size_t i = 0; i < countof(match_cases); i++)
            check_match(&rig, &match_cases[i], regexes[i], jit);
    rig_close(&rig);
}

static void test_snapshot(void)
{
    struct rig rig;
    struct regex_captures first, second;
    const char *why = NULL;
    rig_open(&rig);
    const struct regex *r = add(&rig, "(.)(.)", false), *none = add(&rig, "zzz", false);
    rig_work(&rig, true);
    regex_match(&rig.local, r, STR("ab"), &first, &why);
    second = first;
    regex_match(&rig.local, r, STR("cd"), &second, &why);
    is_int(regex_match(&rig.local, none, STR("cd"), &second, &why), REGEX_NO_MATCH, "no match");
    is_int(regex_match(&rig.local, r, STR("ef"), NULL, &why), REGEX_MATCH, "without captures");
    ok(str_eq(regex_group(&first, 1), STR("a")), "the first is as it was");
    ok(str_eq(regex_group(&second, 2), STR("d")), "no match changed nothing");
    is_int(regex_match(&rig.local, r, STR_NONE, &second, &why), REGEX_NO_MATCH, "no subject");
    rig_close(&rig);
}

static void test_refused_subjects(bool jit)
{
    static char some[8];
    struct rig rig;
    const char *why = NULL;
    rig_open(&rig);
    const struct regex *r = add(&rig, "(*UTF8)^/e.e$", false);
    rig_work(&rig, jit);
    is_int(regex_match(&rig.local, r, STR("/e\xc3" "e"), NULL, &why), REGEX_ERROR, "broken UTF-8");
    is_str(why, "the text is not valid UTF-8", "is said");
    is_int(regex_match(&rig.local, r, str_of(some, UINT32_MAX), NULL, &why), REGEX_ERROR,
           "4 GiB are not read");
    is_str(why, "the text is too long", "is said");
    rig_close(&rig);
}

/* --- limits ---------------------------------------------------------------------------------- */

/* What a slice may cost is bounded by its budget; how many there may be, by the clock: with one
 * that advances 200 us at each reading, a few dozens. */
enum { SLOW_TICK = 200 * 1000, READS_MOST = 2 * SEARCH_NS / SLOW_TICK + 4 };

/* `filler` n times, then `tail`, in which the characters stand that a search would stop without. */
static struct str long_subject(struct pool *pool, char filler, size_t n, const char *tail)
{
    struct fmt f;
    fmt_init_pool(&f, pool, n + 64, n + 64);
    fmt_repeat(&f, filler, n);
    fmt_text(&f, tail);
    return fmt_done(&f);
}

static const struct {
    const char *pattern;
    char filler;
    bool error;                         /* however long it may take: it cannot end in time */
} slow_cases[] = {
    { "(a+)+$", 'a', true }, { "^(a+)+$", 'a', true }, { "(a|aa)+$", 'a', true },
    { "^(([a-z])+.)+[A-Z]([a-z])+$", 'a', true }, { "(x+x+)+y$", 'x', true },
    { "^(.*?,){11}P$", ',', true }, { "(?:.|a)*zz", 'a', true }, { "(a*)*?b$", 'a', true },
    { "a*a*b$", 'a', false }, { "a*a*a*b$", 'a', false }, { "/.*\\.php", '/', false },
    { "(?=(a+))a*b\\1", 'a', false }, { "(*UTF8)a*a*a*b$", 'a', false },
    { "(*UTF8)(a+)+$", 'a', true },
};

static void check_slow(size_t n, size_t which, bool jit)
{
    struct rig rig;
    const char *why = NULL;
    rig_open(&rig);
    const struct regex *r = add(&rig, slow_cases[which].pattern, false);
    const struct str subject = long_subject(&rig.pool, slow_cases[which].filler, n,
                                            "!bxyPzc9A.phq");
    rig_work(&rig, jit);
    tick = SLOW_TICK;
    clock_reads = 0;
    const enum regex_result result = regex_match(&rig.local, r, subject, NULL, &why);
    tick = 0;
    ok(clock_reads <= READS_MOST, "%s over %zu bytes ended after %u looks at the clock%s",
       slow_cases[which].pattern, n, clock_reads, jit ? ", JIT" : "");
    if (slow_cases[which].error)
        is_int(result, REGEX_ERROR, "and was given up");
    if (result == REGEX_ERROR)
        ok(why && strstr(why, "limit)"), "by a limit");
    rig_close(&rig);
}

static void test_slow(bool jit)
{
    static const size_t lengths[] = { 40, 8000, 60000 };
    for (size_t i = 0; i < countof(lengths); i++)
        for (size_t which = 0; which < countof(slow_cases); which++)
            if (lengths[i] <= 8000 || slow_cases[which].error)
                check_slow(lengths[i], which, jit);
}

/* What must work on texts of ordinary and unusual length. */
static void test_generous(bool jit)
{
    struct rig rig;
    const char *why = "";
    rig_open(&rig);
    const struct regex *dots = add(&rig, "^(.*)/(.*)\\.html$", false);
    const struct regex *parts = add(&rig, "^(?:/[a-z]*)*\\.html$", false);
    const struct regex *end = add(&rig, "[.]html$", false);
    const struct regex *deep = add(&rig, "^(?:(/)|(a))*[.]html$", false);
    struct str text = long_subject(&rig.pool, '/', 8000, "a.html");
    rig_work(&rig, jit);
    is_int(regex_match(&rig.local, dots, text, NULL, &why), REGEX_MATCH, "8,000 slashes %s", why);
    is_int(regex_match(&rig.local, parts, text, NULL, &why), REGEX_MATCH, "in parts %s", why);
    is_int(regex_match(&rig.local, deep, text, NULL, &why), REGEX_MATCH, "in choices %s", why);
    text = long_subject(&rig.pool, '/', jit ? 1000000 : 60000, "a.html");
    is_int(regex_match(&rig.local, end, text, NULL, &why), REGEX_MATCH, "very long %s", why);
    rig_close(&rig);
}

static void test_heap(void)
{
    struct rig rig;
    const char *why = "";
    rig_open(&rig);
    const struct regex *r = add(&rig, "(a|aa)+$", false);
    const struct str text = long_subject(&rig.pool, 'a', 60000, "!");
    rig_work(&rig, false);
    is_int(regex_match(&rig.local, r, text, NULL, &why), REGEX_ERROR, "it wants all there is");
    is_str(why, "it takes too much memory (heap limit)", "but memory has a limit");
    rig_close(&rig);
}

/* The stack of the JIT is too small for this one: the interpreter takes over. */
static void test_jit_stack(void)
{
    struct rig rig;
    const char *why = "";
    struct regex_captures captures = { .count = 0 };
    rig_open(&rig);
    const struct regex *r = add(&rig, "^(?:(a)(b)?)*c$", false);
    const struct str text = long_subject(&rig.pool, 'a', 9000, "c");
    rig_work(&rig, true);
    struct regex_local *own = rig.local.regexes;
    const struct code *code = code_of(own, r);
    if (code->jit)
        is_int(search(own, r, code, text, true), PCRE2_ERROR_JIT_STACKLIMIT, "the JIT cannot");
    is_int(regex_match(&rig.local, r, text, &captures, &why), REGEX_MATCH, "the interpreter can %s",
           why);
    is_uint(captures.count, 2, "and its captures are kept");
    rig_close(&rig);
}

/* --- slices ---------------------------------------------------------------------------------- */

static int whole(struct regex_local *own, const struct regex *regex, const struct code *code,
                 struct str subject)
{
    struct search all = { .own = own, .regex = regex, .code = code, .subject = subject };
    return match(&all, 10000000, PCRE2_UNSET);
}

static int sliced(struct regex_local *own, const struct regex *regex, const struct code *code,
                  struct str subject, size_t slice)
{
    struct search some = { .own = own, .regex = regex, .code = code, .subject = subject,
                           .slice = slice, .most = slice, .budget = JIT_BUDGET };
    return search_slices(&some);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A search in slices of any size finds what a search in one piece finds. */
static bool same_in_slices(struct regex_local *own, const struct regex *regex, struct str subject,
                           size_t slice)
{
    struct regex_captures one = { .count = 0 }, two = { .count = 0 };
    const struct code *code = code_of(own, regex);
    const int a = whole(own, regex, code, subject);
    if (a > 0)
        keep(own, a, subject, &one);
    const int b = sliced(own, regex, code, subject, slice);
    if (b > 0)
        keep(own, b, subject, &two);
    bool same = a == b && one.count == two.count;
    for (unsigned i = 0; same && i < one.count; i++)
        same = one.group[i].from == two.group[i].from && one.group[i].to == two.group[i].to;
    if (!same)
        diag("%s on \"%.*s\" in slices of %zu: %d and %d", regex->pattern.at, STR_FMT(subject),
             slice, a, b);
    return same;
}

static void test_slices(bool jit)
{
    static const char *const patterns[] = {
        "ab", "a+b", "b$", "^b", "(?<=a)b", "(?<!a)b", "\\bc", "(a|b)*c", ".*c", "(?m)^c", "$",
        "(*UTF8).\xc3\xa9", "(*UTF8)[^a]b", "(*UTF8)\\X$", "(a)?(b)?c", "(?s).*(b)$", "c\\Kb|ab",
    };
    static const char *const letters[] = { "a", "b", "c", "\n", "\xc3\xa9", " " };
    const struct regex *regexes[countof(patterns)];
    struct rig rig;
    uint32_t state = 12345;
    rig_open(&rig);
    for (size_t i = 0; i < countof(patterns); i++)
        regexes[i] = add(&rig, patterns[i], false);
    rig_work(&rig, jit);
    for (size_t i = 0; i < countof(patterns); i++) {
        bool same = true;
        for (unsigned round = 0; same && round < 400; round++) {
            char buffer[128];
            struct fmt f;
            fmt_init(&f, buffer, sizeof(buffer));
            for (uint32_t n = next_random(&state) % 40; n > 0; n--)
                fmt_text(&f, letters[next_random(&state) % countof(letters)]);
            same = same_in_slices(rig.local.regexes, regexes[i], fmt_done(&f),
                                  1 + next_random(&state) % 5);
        }
        ok(same, "%s finds the same in slices%s", patterns[i], jit ? ", JIT" : "");
    }
    rig_close(&rig);
}

/* Far behind the first slice, and with a budget that makes slices shrink and grow. */
static void test_far(bool jit)
{
    struct rig rig;
    struct regex_captures captures = { .count = 0 };
    const char *why = "";
    rig_open(&rig);
    const struct regex *r = add(&rig, "(a+)(b)", false);
    struct fmt f;
    fmt_init_pool(&f, &rig.pool, 64, 1 << 20);
    for (int i = 0; i < 400; i++)
        fmt_print(&f, "%.*s!", i % 40, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    const size_t from = f.len;
    fmt_text(&f, "aab.");
    rig_work(&rig, jit);
    is_int(regex_match(&rig.local, r, fmt_done(&f), &captures, &why), REGEX_MATCH, "far away %s",
           why);
    is_uint(captures.group[0].from, from, "at the right place");
    ok(str_eq(regex_group(&captures, 1), STR("aa")), "with its groups");
    rig_close(&rig);
}

int main(void)
{
    conf_register(no_modules);
    test_errors();
    test_facts();
    test_warning();
    test_many_groups();
    test_dedupe();
    test_no_memory();
    test_matches(true);
    test_matches(false);
    test_snapshot();
    test_refused_subjects(true);
    test_refused_subjects(false);
    test_slow(true);
    test_slow(false);
    test_generous(true);
    test_generous(false);
    test_heap();
    test_jit_stack();
    test_slices(true);
    test_slices(false);
    test_far(true);
    test_far(false);
    regex_local_free(NULL, 0);
    return done_testing();
}
