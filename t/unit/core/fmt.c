/*
 * The bounded builder: limits to the byte, growth, cutting, numbers at their ends.
 * Owns nothing.
 */
#include "core/fmt.c"

#include "t/unit/tap.h"

static void is_built(struct fmt *f, const char *want, const char *what)
{
    const struct str got = fmt_done(f);
    is_mem(got.at, got.len, want, strlen(want), "%s", what);
    is_int(got.at[got.len], 0, "%s: a NUL behind", what);
}

static void test_limit(void)
{
    char buffer[8] = "xxxxxxx";
    struct fmt f;
    fmt_init(&f, buffer, 6);
    fmt_text(&f, "abcd");
    fmt_char(&f, 'e');
    ok(!f.failed, "five fit into six with the NUL");
    is_built(&f, "abcde", "full");
    is_int(buffer[6], 'x', "nothing behind the buffer is written");
    fmt_char(&f, 'f');
    ok(f.failed, "a sixth does not fit");
    is_built(&f, "", "failed is empty");
    fmt_init(&f, buffer, 6);
    fmt_text(&f, "abcdef");
    ok(f.failed && f.len == 0, "what does not fit is not begun");
    fmt_text(&f, "a");
    ok(f.failed && f.len == 0, "and nothing follows a failure");
    fmt_init(&f, buffer, 1);
    is_built(&f, "", "room for the NUL only");
    fmt_char(&f, 'a');
    ok(f.failed, "no room at all");
    fmt_init(&f, buffer, 4);
    fmt_str(&f, STR_NONE);
    fmt_text(&f, NULL);
    fmt_repeat(&f, 'a', 0);
    ok(!f.failed && f.len == 0, "nothing appends nothing");
}

static void test_cut(void)
{
    char buffer[8];
    struct fmt f;
    fmt_init_cut(&f, buffer, 6);
    fmt_text(&f, "abc");
    fmt_text(&f, "defgh");
    is_built(&f, "abcde", "cut: what fits");
    ok(f.failed, "cut: and it says so");
    fmt_text(&f, "z");
    is_built(&f, "abcde", "cut: nothing follows");
    fmt_init_cut(&f, buffer, 6);
    fmt_print(&f, "%s-%d", "abc", 12345);
    is_built(&f, "abc-1", "cut: print");
    fmt_init_cut(&f, buffer, 6);
    fmt_print(&f, "%s", "abcde");
    ok(!f.failed, "cut: a print that just fits is whole");
    fmt_init_cut(&f, buffer, 6);
    fmt_text(&f, "ab");
    fmt_repeat(&f, '.', 100);
    is_built(&f, "ab...", "cut: repeat");
    fmt_init_cut(&f, buffer, 6);
    fmt_text(&f, "ab");
    ok(fmt_need(&f, 4) == NULL, "cut: room is all or nothing");
    is_built(&f, "ab", "cut: after that");
    fmt_init_cut(&f, buffer, 6);
    fmt_u64(&f, 1234567);
    is_built(&f, "12345", "cut: a number");
}

static void test_numbers(void)
{
    char buffer[256];
    struct fmt f;
    fmt_init(&f, buffer, sizeof(buffer));
    fmt_u64(&f, 0);
    fmt_char(&f, ' ');
    fmt_u64(&f, UINT64_MAX);
    fmt_char(&f, ' ');
    fmt_i64(&f, INT64_MIN);
    fmt_char(&f, ' ');
    fmt_i64(&f, INT64_MAX);
    fmt_char(&f, ' ');
    fmt_i64(&f, -1);
    is_built(&f, "0 18446744073709551615 -9223372036854775808 9223372036854775807 -1", "decimal");
    fmt_init(&f, buffer, sizeof(buffer));
    fmt_u64_width(&f, 7, 3);
    fmt_u64_width(&f, 1234, 3);
    fmt_u64_width(&f, 0, 2);
    fmt_u64_width(&f, UINT64_MAX, 20);
    fmt_u64_width(&f, 1, 20);
    is_built(&f, "0071234001844674407370955161500000000000000000001", "with leading zeros");
    fmt_init(&f, buffer, sizeof(buffer));
    fmt_hex(&f, 0);
    fmt_hex(&f, 0xdeadbeef0);
    fmt_hex(&f, UINT64_MAX);
    fmt_hex_bytes(&f, str_of("\x00\x9f\xff", 3));
    is_built(&f, "0deadbeef0ffffffffffffffff009fff", "hex");
    fmt_init(&f, buffer, sizeof(buffer));
    fmt_lower(&f, STR("ABZ[@az\xc3\x84"));
    is_built(&f, "abz[@az\xc3\x84", "lower case");
    fmt_init(&f, buffer, 21);
    fmt_u64(&f, UINT64_MAX);
    ok(!f.failed, "20 digits fit into 21");
    fmt_init(&f, buffer, 20);
    fmt_u64(&f, UINT64_MAX);
    ok(f.failed, "but not into 20");
}

static void test_grow(void)
{
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, 0, 10000);
    is_built(&f, "", "nothing built, nothing taken");
    is_uint(pool.used, 0, "no memory for it");
    for (int i = 0; i < 10000; i++) {
        fmt_char(&f, (char)('a' + i % 26));
        if (i % 1000 == 0)
            pool_alloc(&pool, 8);       /* so that it cannot always grow where it is */
    }
    ok(!f.failed && f.len == 10000, "grows up to its limit");
    bool same = true;
    for (int i = 0; i < 10000; i++)
        same = same && f.at[i] == (char)('a' + i % 26);
    ok(same, "and keeps what it had");
    fmt_char(&f, 'x');
    ok(f.failed && fmt_done(&f).len == 0, "not beyond");
    fmt_init_pool(&f, &pool, 100, 50);
    fmt_repeat(&f, 'a', 50);
    ok(!f.failed, "the limit counts, not the first size");
    fmt_char(&f, 'a');
    ok(f.failed, "to the byte");
    fmt_init_pool(&f, &pool, 4, 100);
    fmt_repeat(&f, 'a', SIZE_MAX);
    ok(f.failed, "a size that would wrap");
    fmt_init_pool(&f, &pool, 4, 100);
    fmt_text(&f, "abc");
    fmt_repeat(&f, 'a', SIZE_MAX - 2);
    ok(f.failed, "a sum that would wrap");
    pool_free(&pool);
}

static void test_print(void)
{
    struct pool pool;
    struct fmt f;
    char buffer[16];
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, 4, 1000);
    fmt_print(&f, "%d %s", 12, "and a text that needs more room than there is");
    fmt_print(&f, "|%.*s|", STR_FMT(str_of("slice", 3)));
    is_built(&f, "12 and a text that needs more room than there is|sli|", "print grows");
    fmt_init_pool(&f, &pool, 0, 1000);
    fmt_print(&f, "%s", "");
    is_built(&f, "", "print of nothing into nothing");
    fmt_print(&f, "%c", 'x');
    is_built(&f, "x", "print into a builder without memory yet");
    fmt_init_pool(&f, &pool, 0, 5);
    fmt_print(&f, "%s", "abcdef");
    ok(f.failed, "print beyond the limit");
    fmt_init(&f, buffer, 4);
    fmt_print(&f, "%s", "abc");
    is_built(&f, "abc", "print that just fits");
    fmt_print(&f, "%s", "d");
    ok(f.failed, "print that does not");
    fmt_print(&f, "%s", "");
    is_built(&f, "", "nothing follows a failed print");
    struct str s = fmt_pool(&pool, "%s=%u", "a", 7u);
    is_str(s.at, "a=7", "in one call");
    char large[5000];
    memset(large, 'l', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    s = fmt_pool(&pool, "<%s>", large);
    ok(s.len == 5001 && s.at[0] == '<' && s.at[5000] == '>', "in one call, larger than a chunk");
    pool_free(&pool);
}

static void test_need(void)
{
    struct pool pool;
    struct fmt f;
    char buffer[8];
    pool_init(&pool, &pool_heap);
    fmt_init(&f, buffer, sizeof(buffer));
    char *at = fmt_need(&f, 7);
    ok(at == buffer, "room where the text goes on");
    memcpy(at, "abc", 3);
    fmt_advance(&f, 3);
    is_built(&f, "abc", "what was claimed");
    ok(fmt_need(&f, 4) != NULL && fmt_need(&f, 5) == NULL && f.failed, "no more than there is");
    fmt_init_pool(&f, &pool, 0, 100);
    at = fmt_need(&f, 0);
    ok(at != NULL, "room for nothing is somewhere");
    at = fmt_need(&f, 100);
    ok(at != NULL, "room up to the limit");
    memset(at, 'n', 100);
    fmt_advance(&f, 100);
    ok(fmt_done(&f).len == 100 && fmt_need(&f, 1) == NULL, "and then none");
    pool_free(&pool);
}

/* Each text takes about what it is long, since the builder gives back what it did not use. */
static void test_giving_back(void)
{
#ifndef POOL_MALLOC
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    for (int i = 0; i < 300; i++) {
        fmt_init_pool(&f, &pool, 1000, 1000);
        fmt_text(&f, "short");
        fmt_done(&f);
    }
    is_uint(pool.used, 4096, "300 short texts fit into one chunk");
    fmt_init_pool(&f, &pool, 100, 1000);
    fmt_text(&f, "a");
    struct str first = fmt_done(&f);
    fmt_text(&f, "b");
    is_built(&f, "ab", "a builder may go on after it was done");
    ok(fmt_done(&f).at == first.at, "in the same place, when nothing came between");
    fmt_text(&f, "c");
    memset(pool_bytes(&pool, 1000), 'x', 1000);
    fmt_text(&f, "defghijklmnopqrstuvwxyzdefghijklmnopqrstuvwxyzdefghijklmnopqrstuvwxyz");
    is_mem(fmt_done(&f).at, 6, "abcdef", 6, "or in another");
    pool_free(&pool);
#endif
}

static void test_no_memory(void)
{
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    pool_fail_chunks(0, 1);
    fmt_init_pool(&f, &pool, 64, 1 << 20);
    fmt_text(&f, "small");
    ok(pool.failed && !f.failed, "a small text is built from the reserve, and the pool has failed");
    is_built(&f, "small", "a small text");
    ok(fmt_need(&f, 100000) == NULL && f.failed, "a large one fails");
    is_built(&f, "", "a failed large text");
    fmt_init_pool(&f, &pool, 100000, 1 << 20);
    ok(f.failed, "also at its beginning");
    is_built(&f, "", "without memory");
    fmt_print(&f, "%d", 1);
    fmt_char(&f, 'a');
    ok(fmt_need(&f, 0) == NULL, "a failed builder takes nothing");
    pool_fail_chunks(0, 0);
    pool_free(&pool);
}

int main(void)
{
    test_limit();
    test_cut();
    test_numbers();
    test_grow();
    test_print();
    test_need();
    test_giving_back();
    test_no_memory();
    return done_testing();
}
