/*
 * The Range field: what nginx 1.22 answers to each, and the limits of its numbers.
 * Owns nothing.
 */
#include "http/range.c"

#include "core/fmt.h"
#include "t/unit/tap.h"

/* want: "0-9 20-29" (last bytes, as in the field); "-": ignored; "!": not satisfiable. */
struct row {
    const char *value, *want;
};

static const struct row of_hundred[] = {
    { "bytes=0-9", "0-9" }, { "BYTES=0-9", "0-9" }, { "bytes= 0-9", "0-9" },
    { "bytes=0 -9", "0-9" }, { "bytes=0- 9", "0-9" }, { "bytes=0-9 ", "0-9" },
    { "bytes=0-9,20-29", "0-9 20-29" }, { "bytes=0-9  ,  12-13  ", "0-9 12-13" },
    { "bytes=20-29,0-9", "20-29 0-9" }, { "bytes=0-9,5-15", "0-9 5-15" },
    { "bytes=0-9,10-99", "0-9 10-99" }, { "bytes=0-49,0-49", "0-49 0-49" },
    { "bytes=0-", "0-99" }, { "bytes=0 - ", "0-99" }, { "bytes=99-", "99-99" },
    { "bytes=5-5", "5-5" }, { "bytes=50-1000", "50-99" }, { "bytes=0-99", "0-99" },
    { "bytes=-5", "95-99" }, { "bytes= -5 ", "95-99" }, { "bytes=-1,0-98", "99-99 0-98" },
    { "bytes=-100", "0-99" }, { "bytes=-101", "0-99" },
    /* What cannot be satisfied is left out while something can. */
    { "bytes=5-4,0-1", "0-1" }, { "bytes=0-1,5-3", "0-1" }, { "bytes=100-,0-1", "0-1" },
    { "bytes=0-1,100-200,5-6", "0-1 5-6" }, { "bytes=0-1,-0", "0-1" },
    { "bytes=100-", "!" }, { "bytes=100-200", "!" }, { "bytes=100-,200-", "!" },
    { "bytes=9-0", "!" }, { "bytes=5-4", "!" }, { "bytes=-0", "!" }, { "bytes=200-100", "!" },
    /* What is no range spoils all of them. */
    { "bytes=0-9,,20-29", "!" }, { "bytes=,0-9", "!" }, { "bytes=0-9,", "!" }, { "bytes=,", "!" },
    { "bytes=-", "!" }, { "bytes=--5", "!" }, { "bytes=- 5", "!" }, { "bytes=x", "!" },
    { "bytes=0-1,x", "!" }, { "bytes=0-1x", "!" }, { "bytes=0x1-2", "!" }, { "bytes=+1-2", "!" },
    { "bytes=1", "!" }, { "bytes=1,2", "!" }, { "bytes=0-1;2", "!" }, { "bytes=0-1-2", "!" },
    { "bytes=0--1", "!" }, { "bytes=0-1 2-3", "!" }, { "bytes=-5-", "!" }, { "bytes=-5-6", "!" },
    { "bytes=1 1-13", "!" }, { "bytes=1-1 3", "!" }, { "bytes=0-9\t", "!" },
    { "bytes=\t0-9", "!" }, { "bytes==0-1", "!" }, { "bytes=0-99,0-0,x", "!" },
    /* No ranges of bytes, or not worth it. */
    { "", "-" }, { "bytes", "-" }, { "bytes=", "-" }, { "bytes =0-9", "-" }, { "bytes:0-1", "-" },
    { "items=0-1", "-" }, { "byte=0-1", "-" }, { "0-1", "-" },
    { "bytes=0-50,50-99", "-" }, { "bytes=0-49,0-50", "-" }, { "bytes=0-99,0-0", "-" },
    { "bytes=0-,-1", "-" }, { "bytes=0-,0-,0-,0-", "-" },
    /* 2^63 - 1 is the largest. */
    { "bytes=9223372036854775807-", "!" }, { "bytes=9223372036854775808-", "!" },
    { "bytes=0-9223372036854775806", "0-99" }, { "bytes=0-9223372036854775807", "0-99" },
    { "bytes=0-9223372036854775808", "!" }, { "bytes=0-18446744073709551615", "!" },
    { "bytes=0-18446744073709551616", "!" }, { "bytes=18446744073709551616-", "!" },
    { "bytes=-9223372036854775807", "0-99" }, { "bytes=-9223372036854775808", "!" },
    { "bytes=-18446744073709551617", "!" }, { "bytes=0-1,99999999999999999999-", "!" },
    { "bytes=00000000000000000000000000-0000000000000000000000000009", "0-9" },
};

static const struct row of_nothing[] = {
    { "bytes=0-", "-" }, { "bytes=0-0", "-" }, { "bytes=-1", "-" }, { "bytes=-0", "-" },
    { "bytes=0-,x", "-" }, { "bytes=5-4,0-", "-" }, { "bytes=1-", "!" }, { "bytes=5-4", "!" },
    { "bytes=x", "!" },
};

static const struct row at_most_three[] = {
    { "bytes=0-1,3-4,6-7", "0-1 3-4 6-7" }, { "bytes=0-1,3-4,6-7,9-9", "-" },
    { "bytes=0-1,3-4,100-,6-7", "0-1 3-4 6-7" }, { "bytes=0-1,3-4,6-7,100-", "0-1 3-4 6-7" },
    { "bytes=100-,101-,102-,103-,5-6", "5-6" }, { "bytes=100-,101-,102-,103-", "!" },
    { "bytes=0-1,3-4,6-7,x", "!" }, { "bytes=0-1,3-4,6-7,9-9,x", "-" },
};

static const struct row of_all[] = {
    { "bytes=0-", "0-9223372036854775806" }, { "bytes=-1",
      "9223372036854775806-9223372036854775806" },
    { "bytes=9223372036854775806-9223372036854775807",
      "9223372036854775806-9223372036854775806" },
    { "bytes=9223372036854775807-", "!" }, { "bytes=0-,0-0", "-" }, { "bytes=0-,0-", "-" },
    { "bytes=0-,0-,0-", "-" }, { "bytes=0-,0-,0-,0-1", "-" },
};

static struct str write_result(struct fmt *f, enum range_result result, const struct range *ranges,
                               unsigned count)
{
    if (result != RANGE_OK)
        return result == RANGE_IGNORE ? STR("-") : STR("!");
    for (unsigned i = 0; i < count; i++)
        fmt_print(f, "%s%" PRId64 "-%" PRId64, i ? " " : "", ranges[i].from, ranges[i].to - 1);
    return fmt_done(f);
}

static void check(const struct row *row, int64_t size, unsigned most)
{
    char *const copy = strdup(row->value), text[256];
    struct range *ranges;
    struct pool pool;
    struct fmt f;
    unsigned count;
    pool_init(&pool, &pool_heap);
    fmt_init(&f, text, sizeof(text));
    const enum range_result result =
        range_parse(str_of(copy, strlen(row->value)), size, most, &pool, &ranges, &count);
    const struct str got = write_result(&f, result, ranges, count);
    is_mem(got.at, got.len, row->want, strlen(row->want), "\"%s\" of %" PRId64, row->value, size);
    pool_free(&pool);
    free(copy);
}

#define CHECK_ALL(rows, size, most) \
    for (size_t i = 0; i < countof(rows); i++) \
        check(&(rows)[i], size, most)

/* "bytes=0-0,0-0,...": `number` of them. */
static enum range_result parse_many(unsigned number, unsigned most, int64_t size, unsigned *count)
{
    struct range *ranges;
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, 64, 1 << 20);
    fmt_text(&f, "bytes=0-0");
    for (unsigned i = 1; i < number; i++)
        fmt_text(&f, ",0-0");
    const enum range_result result = range_parse(fmt_done(&f), size, most, &pool, &ranges, count);
    pool_free(&pool);
    return result;
}

static void check_many(void)
{
    unsigned count;
    ok(parse_many(200, 200, 1000, &count) == RANGE_OK && count == 200, "200 of at most 200");
    is_int(parse_many(201, 200, 1000, &count), RANGE_IGNORE, "201 of at most 200");
    ok(parse_many(20000, UINT_MAX, 20000, &count) == RANGE_OK && count == 20000, "20000, no limit");
    is_int(parse_many(20001, UINT_MAX, 20000, &count), RANGE_IGNORE, "a byte more than the size");
    is_int(parse_many(1, 0, 1000, &count), RANGE_IGNORE, "at most none");
    check(&(struct row){ "bytes=x", "-" }, 100, 0);
    ok(parse_many(1, 1, 1000, &count) == RANGE_OK && count == 1, "one of at most one");
}

/* As with nothing behind it: it is then no matter of the ranges. */
static void check_no_memory(void)
{
    struct range *ranges;
    struct pool pool;
    unsigned count;
    pool_init(&pool, &pool_heap);
    pool_fail_chunks(0, 1);
    is_int(range_parse(STR("bytes=0-1"), 9, 5, &pool, &ranges, &count), RANGE_IGNORE,
           "without memory all of it is sent");
    pool_fail_chunks(0, 0);
    ok(!pool.failed, "and the request goes on");
    pool_free(&pool);
}

/* want: "from-to/size", "!": broken. */
static const struct row contents[] = {
    { "bytes 0-9/100", "0-10/100" }, { "bytes 0-0/1", "0-1/1" }, { "Bytes 5-9/*", "5-10/-1" },
    { "bytes  0-99/100", "0-100/100" },
    { "bytes 0-9223372036854775806/9223372036854775807",
      "0-9223372036854775807/9223372036854775807" },
    { "", "!" }, { "bytes", "!" }, { "bytes ", "!" }, { "bytes=0-9/100", "!" },
    { "items 0-9/100", "!" }, { "bytes */100", "!" }, { "bytes 0-9", "!" }, { "bytes 0-9/", "!" },
    { "bytes 0-/100", "!" }, { "bytes -9/100", "!" }, { "bytes 9-0/100", "!" },
    { "bytes 0-100/100", "!" }, { "bytes 0-9/100x", "!" }, { "bytes 0-9/**", "!" },
    { "bytes 0-9/100 ", "!" }, { "bytes 0 -9/100", "!" }, { "bytes 0-9,20-29/100", "!" },
    { "bytes 0-9223372036854775807/*", "!" }, { "bytes 0-9/9223372036854775808", "!" },
    { "bytes 18446744073709551616-18446744073709551617/*", "!" },
};

static void check_content(const struct row *row)
{
    struct range range;
    int64_t size;
    struct fmt f;
    char text[80];
    fmt_init(&f, text, sizeof(text));
    if (range_parse_content(str_from(row->value), &range, &size))
        fmt_print(&f, "%lld-%lld/%lld", (long long)range.from, (long long)range.to,
                  (long long)size);
    else
        fmt_text(&f, "!");
    is_str(fmt_done(&f).at, row->want, "content: %s", row->value);
}

int main(void)
{
    for (unsigned i = 0; i < countof(contents); i++)
        check_content(&contents[i]);
    CHECK_ALL(of_hundred, 100, 200);
    CHECK_ALL(of_nothing, 0, 200);
    CHECK_ALL(at_most_three, 100, 3);
    CHECK_ALL(of_all, INT64_MAX, 200);
    check_many();
    check_no_memory();
    return done_testing();
}
