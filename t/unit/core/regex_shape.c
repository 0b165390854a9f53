/*
 * The shapes of regular expressions: those that explode and those that only look like it; edges and
 * dots; what is not understood is not judged.
 * Owns nothing.
 */
#include "core/regex_shape.c"

#include "t/unit/tap.h"

struct row {
    const char *pattern, *exploding;    /* "": none */
};

static void check(const char *pattern, bool caseless, const char *want)
{
    struct regex_shape shape;
    ok(regex_shape(str_from(pattern), caseless, &shape), "%s is understood", pattern);
    is_mem(shape.exploding.at, shape.exploding.len, want, strlen(want), "what explodes in %s",
           pattern);
}

static void test_exploding(void)
{
    static const struct row rows[] = {
        { "(a+)+", "(a+)+" }, { "(a*)*", "(a*)*" }, { "(.*)*", "(.*)*" }, { "^(a+)+$", "(a+)+" },
        { "(?:a+){2,}", "(?:a+){2,}" }, { "(a{1,})*?", "(a{1,})*?" }, { "(?<n>.+)*", "(?<n>.+)*" },
        { "^/((a+)b?)+$", "((a+)b?)+" }, { "(x|a+)*", "(x|a+)*" }, { "(a+|x)+y", "(a+|x)+" },
        { "^(\\w+\\s?)*$", "(\\w+\\s?)*" }, { "([a-z0-9]+-?)+", "([a-z0-9]+-?)+" },
        { "(\\d+[0-5])+", "(\\d+[0-5])+" }, { "(.*,)+", "(.*,)+" }, { "(.+\\.)+com", "(.+\\.)+" },
        { "((ab)+)+", "((ab)+)+" }, { "((ab)*c?)*", "((ab)*c?)*" }, { "(((a)+))*", "(((a)+))*" },
        { "^(([^/]+)*/)?$", "([^/]+)*" }, { "(([a-z])+.)+[A-Z]", "(([a-z])+.)+" },
        { "([^\"\\\\]+|\\\\.)*", "([^\"\\\\]+|\\\\.)*" }, { "(?=(a+)+b)", "(a+)+" },
        { "(?:(?:a+)?b*)+", "(?:(?:a+)?b*)+" }, { "(?>(a+)+b)", "(a+)+" },
        { "(\\x61+a)*", "(\\x61+a)*" }, { "([[:alpha:]]+[xyz])*", "([[:alpha:]]+[xyz])*" },
        { "(?i)([a-z]+[A-Z])*", "([a-z]+[A-Z])*" }, { "([]a]+)*", "([]a]+)*" },
        { "([a-]+-)*", "([a-]+-)*" }, { "(a+(?#no b)){1,}", "(a+(?#no b)){1,}" },
        { "(\\x{61}+a)*", "(\\x{61}+a)*" }, { "([\\w-]+-)*", "([\\w-]+-)*" },
    };
    for (unsigned i = 0; i < countof(rows); i++)
        check(rows[i].pattern, false, rows[i].exploding);
    check("([a-z]+[A-Z])*", true, "([a-z]+[A-Z])*");
}

/* As configurations have them: each text can be divided in one way only, or in few. */
static void test_ordinary(void)
{
    static const char *const patterns[] = {
        "", "^", "\\.php$", "^(.+\\.php)(/.+)$", "^/([^/]+)/(.*)$", "^(.*)$", ".*", "(.*)?",
        "^(/[^/]+)+$", "(\\.[a-z]+)+$", "^([a-z0-9-]+\\.)+[a-z]{2,}$", "(?:[^\"\\\\]|\\\\.)*",
        "^(?:[^/]*/)*[^/]*$", "(a|b)*", "(a|b)+c+", "^~?((a+){3})$", "(a+b)+", "(a+b+)*",
        "\\.(?:css(\\.map)?|js(\\.map)?|gif|svg|jpe?g)$", "^/(?:build|tests|config)(?:$|/)",
        "^(?<sub>[^.]+)\\.(?<domain>.+)$", "(a++)+", "(?>a+)+", "((?>a+))*", "(a+)*+x", "(a++b?)*",
        "(\\b\\w+)+", "(^a+)*", "(a+$)*", "((?!b)a+)*", "(a+\\1)*", "([a-z]+[A-Z])*", "(a+\\n)*",
        "^/\\d{4}/\\d{1,2}(/.*)?$", "(?:;[^;=]+=[^;]*)*", "^((25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}$",
        "(%[0-9a-f]{2})+", "([0-9]+,)*[0-9]+", "a{,5}", "a{x", "(a+{)*", "x*y*z*", "(([a-z]+)/)*",
    };
    for (unsigned i = 0; i < countof(patterns); i++)
        check(patterns[i], false, "");
}

struct edges {
    const char *pattern;
    bool start, end;                    /* open */
    int dot;
    bool literal;
};

static void test_edges(void)
{
    static const struct edges rows[] = {
        { "example.com", true, true, 7, true },
        { "example\\.com", true, true, -1, true },
        { "^example\\.com$", false, false, -1, true },
        { "^example.com$", false, false, 8, true },
        { "\\Aexample\\.com\\z", false, false, -1, true },
        { "^www\\.", false, false, -1, true },
        { "^www", false, true, -1, true },
        { "\\.example\\.com$", false, false, -1, true },
        { "(^|\\.)example\\.com$", false, false, -1, true },
        { "(^|\\.)?example\\.com$", true, false, -1, true },
        { "^a\\.com|b\\.com$", true, true, -1, true },
        { "^a\\.com$|^b\\.com$", false, false, -1, true },
        { "^(a\\.com|b\\.com)$", false, false, -1, true },
        { "(^a\\.com$|^b\\.com)", false, true, -1, true },
        { "^(www\\.)?(.+)$", false, false, -1, true },
        { "(www\\.)?example\\.com$", true, false, -1, true },
        { ".*\\.example\\.com$", false, false, -1, true },
        { "^www\\..+", false, false, -1, true },
        { "^(?!www\\.)(.+)$", false, false, -1, false },
        { "(?!www\\.)example\\.com$", true, false, -1, true },
        { "^(www.)?a\\.com$", false, false, 5, true },
        { "^[a-z]+.com$", false, false, 7, true },
        { "^.?a.*b.{2}c.+$", false, false, -1, true },
        { "^...$", false, false, -1, false },
        { ".", true, true, -1, false },
        { "^[a.]$", false, false, -1, false },
        { "^\\.?a$", false, false, -1, true },
        { "\\.?a$", true, false, -1, true },
        { "a|", true, true, -1, true },
    };
    for (unsigned i = 0; i < countof(rows); i++) {
        const struct edges *row = &rows[i];
        struct regex_shape shape;
        ok(regex_shape(str_from(row->pattern), true, &shape), "%s is understood", row->pattern);
        is_int(shape.open_start, row->start, "start of %s", row->pattern);
        is_int(shape.open_end, row->end, "end of %s", row->pattern);
        is_int(shape.dot, row->dot, "dot of %s", row->pattern);
        is_int(shape.literal, row->literal, "literal in %s", row->pattern);
    }
}

static void test_strange(void)
{
    static const char *const patterns[] = {
        "(*UTF)(a+)+", "(a+)+(?R)", "(?(1)a|b)", "(?x) ( a + ) +", "\\Qa\\E(a+)+", "\\p{L}", "(a",
        "a)", "[a", "[", "\\", "[\\", "a**", "+a", "(?", "(?<", "(?<n", "(?#", "(?i", "\\x{1234}",
        "\\x{61", "\\cA", "\\gA", "[[.a.]]", "[[:word:]]", "(?P=n)", "(?&n)",
    };
    struct regex_shape shape;
    for (unsigned i = 0; i < countof(patterns); i++) {
        ok(!regex_shape(str_from(patterns[i]), false, &shape), "%s is not judged", patterns[i]);
        ok(shape.exploding.len == 0 && shape.dot == -1 && !shape.open_start, "nothing is said");
    }
}

static void test_limits(void)
{
    char text[4 * NODES];
    struct regex_shape shape;
    memset(text, 'a', sizeof(text));
    ok(regex_shape(str_of(text, NODES - 1), false, &shape), "as many bytes as there are nodes");
    ok(!regex_shape(str_of(text, NODES), false, &shape), "one more is too much");
    memset(text, '(', DEPTH);
    memset(&text[DEPTH], ')', DEPTH);
    ok(regex_shape(str_of(text, 2 * DEPTH), false, &shape), "groups as deep as it can be");
    memset(text, '(', DEPTH + 1);
    memset(&text[DEPTH + 1], ')', DEPTH + 1);
    ok(!regex_shape(str_of(text, 2 * DEPTH + 2), false, &shape), "deeper is too deep");
}

int main(void)
{
    test_exploding();
    test_ordinary();
    test_edges();
    test_strange();
    test_limits();
    return done_testing();
}
