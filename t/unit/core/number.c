/*
 * Numbers: the limits of each type, what is no number, and the units of configuration.
 * Owns nothing.
 */
#include "core/number.c"

#include "t/unit/tap.h"

#define NONE UINT64_C(0x5555555555555555)

static void test_u64(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "7", true, 7 },
        { "00000000000000000000000000000042", true, 42 },
        { "2147483647", true, INT32_MAX },
        { "2147483648", true, UINT64_C(1) << 31 },
        { "4294967295", true, UINT32_MAX },
        { "4294967296", true, UINT64_C(1) << 32 },
        { "9223372036854775807", true, INT64_MAX },
        { "9223372036854775808", true, UINT64_C(1) << 63 },
        { "18446744073709551615", true, UINT64_MAX },
        { "18446744073709551616", false, NONE },
        { "18446744073709551617", false, NONE },
        { "18446744073709551620", false, NONE },
        { "184467440737095516150", false, NONE },
        { "99999999999999999999999999", false, NONE },
        { "", false, NONE },
        { "-1", false, NONE },
        { "+1", false, NONE },
        { " 1", false, NONE },
        { "1 ", false, NONE },
        { "1.0", false, NONE },
        { "0x10", false, NONE },
        { "1a", false, NONE },
        { "a", false, NONE },
        { "\xd9\xa1", false, NONE },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        uint64_t n = NONE;
        const bool good = number_u64(str_from(rows[i].text), &n);
        ok(good == rows[i].good && n == rows[i].value, "u64 \"%s\"", rows[i].text);
    }
    uint64_t n = NONE;
    ok(!number_u64(str_of("1\0", 2), &n) && n == NONE, "u64 with a NUL");
    ok(number_u64(str_of("123", 2), &n) && n == 12, "u64 ends with its slice");
    ok(!number_u64(STR_NONE, &n) && n == 12, "u64 of nothing");
}

static void test_narrow(void)
{
    uint32_t u = 5;
    int64_t i = 5;
    size_t s = 5;
    ok(number_u32(STR("4294967295"), &u) && u == UINT32_MAX, "u32: 2^32 - 1");
    u = 5;
    ok(!number_u32(STR("4294967296"), &u) && u == 5, "u32: 2^32");
    ok(!number_u32(STR("4294967297"), &u) && u == 5, "u32: 2^32 + 1");
    ok(!number_u32(STR("18446744073709551616"), &u) && u == 5, "u32: 2^64");
    ok(number_i64(STR("9223372036854775807"), &i) && i == INT64_MAX, "i64: 2^63 - 1");
    i = 5;
    ok(!number_i64(STR("9223372036854775808"), &i) && i == 5, "i64: 2^63");
    ok(!number_i64(STR("18446744073709551615"), &i) && i == 5, "i64: 2^64 - 1");
    ok(!number_i64(STR("-5"), &i) && i == 5, "i64: no sign");
    ok(number_size(STR("18446744073709551615"), &s) && s == SIZE_MAX, "size: 2^64 - 1");
    s = 5;
    ok(!number_size(STR("18446744073709551616"), &s) && s == 5, "size: 2^64");
}

static void test_hex(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "aF", true, 0xaf },
        { "7fffffff", true, 0x7fffffff },
        { "80000000", true, 0x80000000 },
        { "ffffffffffffffff", true, UINT64_MAX },
        { "0000000000000000000000ff", true, 255 },
        { "10000000000000000", false, NONE },
        { "10000000000000001", false, NONE },
        { "fffffffffffffffff", false, NONE },
        { "g", false, NONE },
        { "0x1", false, NONE },
        { "1 ", false, NONE },
        { "-1", false, NONE },
        { "@", false, NONE },
        { "", false, NONE },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        uint64_t n = NONE;
        const bool good = number_hex(str_from(rows[i].text), &n);
        ok(good == rows[i].good && n == rows[i].value, "hex \"%s\"", rows[i].text);
    }
}

static void test_take(void)
{
    struct str s = STR("12-34");
    uint64_t n = NONE;
    ok(number_take(&s, &n) && n == 12 && str_eq(s, STR("-34")), "take the digits");
    ok(!number_take(&s, &n) && n == 12 && str_eq(s, STR("-34")), "none: nothing moves");
    s = STR("18446744073709551616;");
    ok(!number_take(&s, &n) && n == 12 && s.len == 21, "too large: nothing moves");
    s = STR("9");
    ok(number_take(&s, &n) && n == 9 && s.len == 0, "all of it");
}

static void test_fixed(void)
{
    static const struct {
        const char *text;
        unsigned digits;
        int64_t value;                  /* -1: no number */
    } rows[] = {
        { "1.5", 3, 1500 },
        { "1", 3, 1000 },
        { "1.234", 3, 1234 },
        { "1.2345", 3, -1 },
        { "0.5", 2, 50 },
        { "0.05", 2, 5 },
        { ".5", 2, 50 },
        { "5.", 2, 500 },
        { ".", 2, -1 },
        { "", 2, -1 },
        { "1.5.5", 2, -1 },
        { "1..5", 2, -1 },
        { "-1", 2, -1 },
        { "1.-5", 2, -1 },
        { "+1", 2, -1 },
        { "1e1", 2, -1 },
        { "10.0x", 2, -1 },
        { "00.50", 2, 50 },
        { "7", 0, 7 },
        { "7.", 0, 7 },
        { "7.0", 0, -1 },
        { "9223372036854775.807", 3, INT64_MAX },
        { "9223372036854775.808", 3, -1 },
        { "9223372036854776", 3, -1 },
        { "18446744073709551.616", 3, -1 },
        { "9223372036854775807", 0, INT64_MAX },
        { "9223372036854775807", 1, -1 },
        { "99999999999999999999.5", 2, -1 },
        { "0.9999999999999999999", 19, -1 },
        { "0.000000000000000001", 18, 1 },
        { "1", 18, INT64_C(1000000000000000000) },
        { "1", 30, -1 },
        { "0", 30, 0 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t n = -1;
        const bool good = number_fixed(str_from(rows[i].text), rows[i].digits, &n);
        ok(good == (rows[i].value >= 0) && n == rows[i].value, "fixed \"%s\", %u digits",
           rows[i].text, rows[i].digits);
    }
}

static void test_sizes(void)
{
    static const struct {
        const char *text;
        int64_t size, offset;           /* -1: refused */
    } rows[] = {
        { "0", 0, 0 },
        { "1", 1, 1 },
        { "1k", 1024, 1024 },
        { "1K", 1024, 1024 },
        { "8m", 8 << 20, 8 << 20 },
        { "8M", 8 << 20, 8 << 20 },
        { "1g", -1, 1 << 30 },
        { "1G", -1, 1 << 30 },
        { "1t", -1, -1 },
        { "", -1, -1 },
        { "k", -1, -1 },
        { "g", -1, -1 },
        { "1kk", -1, -1 },
        { "1 k", -1, -1 },
        { " 1", -1, -1 },
        { "-1", -1, -1 },
        { "1.5m", -1, -1 },
        { "2147483647", INT32_MAX, INT32_MAX },
        { "2147483648", INT64_C(1) << 31, INT64_C(1) << 31 },
        { "4194304k", INT64_C(1) << 32, INT64_C(1) << 32 },
        { "9223372036854775807", INT64_MAX, INT64_MAX },
        { "9223372036854775808", -1, -1 },
        { "9007199254740991k", INT64_MAX - 1023, INT64_MAX - 1023 },
        { "9007199254740992k", -1, -1 },
        { "18014398509481984k", -1, -1 },
        { "8796093022207m", INT64_MAX - ((1 << 20) - 1), INT64_MAX - ((1 << 20) - 1) },
        { "8796093022208m", -1, -1 },
        { "8589934591g", -1, INT64_MAX - ((1 << 30) - 1) },
        { "8589934592g", -1, -1 },
        { "18446744073709551616", -1, -1 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        size_t size = (size_t)-1;
        int64_t offset = -1;
        const struct str text = str_from(rows[i].text);
        ok(number_conf_size(text, &size) == (rows[i].size >= 0) && size == (size_t)rows[i].size,
           "size \"%s\"", rows[i].text);
        ok(number_conf_offset(text, &offset) == (rows[i].offset >= 0) && offset == rows[i].offset,
           "offset \"%s\"", rows[i].text);
    }
}

/* As nginx 1.22 reads them, asked by its timers and its Keep-Alive field. */
static void test_times(void)
{
    static const struct {
        const char *text;
        int64_t msec, sec;              /* -1: refused */
    } rows[] = {
        { "10", 10000, 10 },
        { "0", 0, 0 },
        { "00010", 10000, 10 },
        { "1ms", 1, -1 },
        { "1s", 1000, 1 },
        { "1m", 60000, 60 },
        { "1h", 3600000, 3600 },
        { "1d", 86400000, 86400 },
        { "1w", 604800000, 604800 },
        { "1M", -1, 2592000 },
        { "1y", -1, 31536000 },
        { "1h30m", 5400000, 5400 },
        { "1h 30m", 5400000, 5400 },
        { "1h  30m", 5400000, 5400 },
        { "1h 30", 3630000, 3630 },
        { "1h30", 3630000, 3630 },
        { "1w 2d 3h 4m 5s 6ms", 788645006, -1 },
        { "1h30m15s7ms", 5415007, -1 },
        { "1y1M1w1d1h1m1s", -1, 31536000 + 2592000 + 604800 + 86400 + 3600 + 60 + 1 },
        { "5m 5ms", 300005, -1 },
        { "5ms 5", 5005, -1 },
        { "1ms 2", 2001, -1 },
        { "1s20", 21000, 21 },
        { "5s 2", 7000, 7 },
        { "10 20", 30000, 30 },
        { "1 0", 1000, 1 },
        { " 10", 10000, 10 },
        { "10 ", 10000, 10 },
        { "1m  1 ", 61000, 61 },
        { "1h ", 3600000, 3600 },
        { "1h m", 3600000, 3600 },
        { "1hm", 3600000, 3600 },
        { "h 1", 1000, 1 },
        { "1hms", 3600000, -1 },
        { "1h ms 3", 3603000, -1 },
        { "0h", 0, 0 },
        { "", -1, -1 },
        { " ", -1, -1 },
        { "h", -1, -1 },
        { "ms", -1, -1 },
        { " s", -1, -1 },
        { " 1h", -1, -1 },
        { "1 h", -1, -1 },
        { "1 ms", -1, -1 },
        { "1 2m", -1, -1 },
        { "1 2 3", -1, -1 },
        { "1s 2 3", -1, -1 },
        { "1s 2 ", -1, -1 },
        { "1s 1ms 1 ", -1, -1 },
        { "1m 2 3 ", -1, -1 },
        { "10 20 ", -1, -1 },
        { " 5 6", -1, -1 },
        { " 5s", -1, -1 },
        { "1m 2 3", 65000, 65 },
        { "m 2 3", 5000, 5 },
        { "1d  5  6", 86411000, 86411 },
        { "1s 1ms 1", 2001, -1 },
        { "30m 1h", -1, -1 },
        { "1m 1m", -1, -1 },
        { "1ms 1s", -1, -1 },
        { "1s s", -1, -1 },
        { "1msx", -1, -1 },
        { "1h\t1m", -1, -1 },
        { "1S", -1, -1 },
        { "1H", -1, -1 },
        { "1MS", -1, -1 },
        { "-1", -1, -1 },
        { "+1", -1, -1 },
        { "1.5s", -1, -1 },
        { "9223372036854775", INT64_C(9223372036854775000), INT64_C(9223372036854775) },
        { "9223372036854776", -1, INT64_C(9223372036854776) },
        { "9223372036854775807ms", INT64_MAX, -1 },
        { "9223372036854775808ms", -1, -1 },
        { "9223372036854775s 807ms", INT64_MAX, -1 },
        { "9223372036854775s 808ms", -1, -1 },
        { "9223372036854775s 808", -1, INT64_C(9223372036854775) + 808 },
        { "106751991167d", INT64_C(106751991167) * 86400000, INT64_C(106751991167) * 86400 },
        { "106751991168d", -1, INT64_C(106751991168) * 86400 },
        { "9223372036854775807", -1, INT64_MAX },
        { "9223372036854775808", -1, -1 },
        { "292471208677y", -1, INT64_C(292471208677) * 31536000 },
        { "292471208678y", -1, -1 },
        { "18446744073709551616s", -1, -1 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t msec = -1, sec = -1;
        const struct str text = str_from(rows[i].text);
        ok(number_conf_msec(text, &msec) == (rows[i].msec >= 0) && msec == rows[i].msec,
           "msec \"%s\"", rows[i].text);
        ok(number_conf_sec(text, &sec) == (rows[i].sec >= 0) && sec == rows[i].sec, "sec \"%s\"",
           rows[i].text);
    }
}

int main(void)
{
    test_u64();
    test_narrow();
    test_hex();
    test_take();
    test_fixed();
    test_sizes();
    test_times();
    return done_testing();
}
