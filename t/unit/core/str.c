/*
 * Slices: comparison, search, and that no part can be had which does not lie inside.
 * Owns nothing.
 */
#include "core/str.c"

#include "t/unit/tap.h"

/* Every pair of bytes, in every place of words and between them, beside the plain definition. */
static void test_case_by_words(void)
{
    char a[21], b[21];
    unsigned wrong = 0;
    for (size_t len = 1; len <= sizeof(a); len++)
        for (size_t at = 0; at < len; at++) {
            memset(a, 'x', len);
            memset(b, 'X', len);
            for (unsigned pair = 0; pair < 0x10000; pair++) {
                a[at] = (char)(pair >> 8);
                b[at] = (char)pair;
                wrong += str_eq_ci(str_of(a, len), str_of(b, len))
                         != (str_lower_char(a[at]) == str_lower_char(b[at]));
            }
        }
    is_uint(wrong, 0, "bytes are compared alike in each place");
}

static void test_compare(void)
{
    ok(str_eq(STR("abc"), STR("abc")) && !str_eq(STR("abc"), STR("abd")), "equal or not");
    ok(!str_eq(STR("abc"), STR("ab")), "a prefix is not equal");
    ok(str_eq(STR_NONE, STR("")), "nothing equals the empty text");
    ok(str_cmp(STR("a"), STR("b")) < 0 && str_cmp(STR("b"), STR("a")) > 0, "order");
    ok(str_cmp(STR("ab"), STR("abc")) < 0 && str_cmp(STR("abc"), STR("ab")) > 0, "prefix first");
    ok(str_cmp(STR("\xff"), STR("a")) > 0, "order is by unsigned bytes");
    is_int(str_cmp(STR_NONE, STR("")), 0, "nothing and empty have the same place");
    ok(str_cmp(STR_NONE, STR("a")) < 0, "nothing comes first");
    ok(str_eq_ci(STR("Host-\xc3\x84"), STR("hOST-\xc3\x84")), "case of letters is ignored");
    ok(!str_eq_ci(STR("\xc3\x84"), STR("\xc3\xa4")), "but only of ASCII letters");
    ok(!str_eq_ci(STR("@["), STR("`{")), "neighbours of letters are no letters");
    ok(!str_eq_ci(STR("a"), STR("ab")), "length counts without case");
}

static void test_controls(void)
{
    char text[19];
    unsigned wrong = 0;
    for (size_t len = 1; len <= sizeof(text); len++)
        for (size_t at = 0; at < len; at++)
            for (unsigned c = 0; c < 256; c++) {
                memset(text, at % 2 ? 'x' : ' ', len);
                text[at] = (char)c;
                wrong += str_has_controls(str_of(text, len)) != (c < ' ' || c == 0x7f);
            }
    is_uint(wrong, 0, "controls are seen in each place, and nothing else");
    ok(!str_has_controls(STR_NONE), "nothing has none");
}

static void test_starts(void)
{
    ok(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")), "starts");
    ok(!str_starts(STR("a"), STR("ab")) && !str_starts(STR("ba"), STR("a")), "does not start");
    ok(str_starts(STR_NONE, STR_NONE), "nothing starts with nothing");
    ok(str_starts_ci(STR("BYTES=1"), STR("bytes=")), "starts, case ignored");
    ok(!str_starts_ci(STR("BYTE"), STR("bytes")), "too short, case ignored");
    ok(str_ends(STR("a.html"), STR(".html")) && str_ends(STR("a"), STR("")), "ends");
    ok(!str_ends(STR("html"), STR(".html")) && !str_ends(STR("a.htm"), STR(".html")),
       "does not end");
}

static void test_parts(void)
{
    const struct str s = STR("hello");
    struct str part = STR("before");
    ok(str_sub(s, 1, 3, &part) && str_eq(part, STR("ell")), "a part");
    ok(str_sub(s, 5, 0, &part) && part.len == 0, "the empty part at the end");
    part = STR("before");
    ok(!str_sub(s, 5, 1, &part), "one byte behind the end");
    ok(!str_sub(s, 6, 0, &part), "an offset behind the end, with no length");
    ok(!str_sub(s, 1, SIZE_MAX, &part), "a length that would wrap");
    ok(!str_sub(s, SIZE_MAX, 2, &part), "an offset that would wrap");
    ok(!str_sub(s, SIZE_MAX, SIZE_MAX, &part), "both");
    ok(str_eq(part, STR("before")), "a part that is refused is not written");
    ok(str_sub(STR_NONE, 0, 0, &part) && part.len == 0, "the empty part of nothing");
    ok(str_from_off(s, 2, &part) && str_eq(part, STR("llo")), "from an offset");
    ok(str_from_off(s, 5, &part) && part.len == 0, "from the end");
    ok(!str_from_off(s, 6, &part), "from behind the end");
}

static void test_search(void)
{
    const struct str s = str_of("a\0b:a", 5);
    is_int(str_chr(s, 'a'), 0, "first");
    is_int(str_rchr(s, 'a'), 4, "last");
    is_int(str_chr(s, '\0'), 1, "NUL is a byte like others");
    is_int(str_chr(s, 'x'), STR_NPOS, "not there");
    is_int(str_rchr(s, 'x'), STR_NPOS, "not there from the end");
    is_int(str_chr(str_of("abc", 2), 'c'), STR_NPOS, "the byte behind the slice is not seen");
    is_int(str_rchr(str_of("abc", 2), 'c'), STR_NPOS, "neither from the end");
    is_int(str_chr(STR_NONE, 'a'), STR_NPOS, "in nothing");
    is_int(str_find(STR("abcabd"), STR("abd")), 3, "text");
    is_int(str_find(STR("abc"), STR("abcd")), STR_NPOS, "text longer than the slice");
    is_int(str_find(STR("abc"), STR("")), 0, "the empty text is everywhere");
    is_int(str_find(STR_NONE, STR("a")), STR_NPOS, "text in nothing");
    is_int(str_find(str_of("abc", 2), STR("bc")), STR_NPOS, "text half outside");
}

static void test_cut(void)
{
    struct str head, tail;
    ok(str_cut(STR("a=b=c"), '=', &head, &tail), "cut");
    ok(str_eq(head, STR("a")) && str_eq(tail, STR("b=c")), "at the first");
    ok(str_cut(STR("="), '=', &head, &tail) && head.len == 0 && tail.len == 0, "both empty");
    ok(!str_cut(STR("abc"), '=', &head, &tail), "nothing to cut at");
    ok(str_eq(head, STR("abc")) && tail.len == 0, "all in the head then");
    tail = STR("1,2,3");
    unsigned n = 0;
    while (str_cut(tail, ',', &head, &tail))
        n++;
    is_int(n, 2, "the tail may be the slice itself");
    ok(str_eq(head, STR("3")), "and the last piece is in the head");
    head = STR("k: v");
    ok(str_cut(head, ':', &head, &tail) && str_eq(head, STR("k")) && str_eq(tail, STR(" v")),
       "the head may be the slice itself");
}

static void test_trim(void)
{
    ok(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")), "blanks at both ends");
    ok(str_eq(str_trim(STR("a\n")), STR("a\n")), "a line's end is no blank");
    is_int(str_trim(STR(" \t ")).len, 0, "only blanks");
    is_int(str_trim(STR_NONE).len, 0, "nothing");
}

static void test_hash(void)
{
    /* Published values of 32-bit FNV-1a. */
    is_uint(str_hash(STR("")), 0x811c9dc5, "of nothing");
    is_uint(str_hash(STR("a")), 0xe40c292c, "of a");
    is_uint(str_hash(STR("foobar")), 0xbf9cf968, "of foobar");
    is_uint(str_hash_ci(STR("FooBAR")), 0xbf9cf968, "without case");
    ok(str_hash(STR("FooBAR")) != str_hash(STR("foobar")), "with case");
}

int main(void)
{
    test_case_by_words();
    test_controls();
    test_compare();
    test_starts();
    test_parts();
    test_search();
    test_cut();
    test_trim();
    test_hash();
    is_str(str_from(NULL).at, NULL, "no text is no slice");
    return done_testing();
}
