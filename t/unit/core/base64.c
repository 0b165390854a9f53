/*
 * Base64: the examples of RFC 4648, what is left over, and what is no digit.
 * Owns nothing.
 */
#include "core/base64.c"

#include "t/unit/tap.h"

enum { ROOM = 64 };

static const struct {
    const char *text, *want;            /* NULL: refused */
} rows[] = {
    { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
    { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }, { "Zg", "f" }, { "Zg=", "f" },
    { "Zm8", "fo" }, { "Zm9vYg", "foob" }, { "Zh==", "f" }, { "=", "" }, { "Zg==Zm9v", "f" },
    { "Z", NULL }, { "Z===", NULL }, { "Zm9vY", NULL }, { "Zg =", NULL }, { " Zg=", NULL },
    { "Zg\n=", NULL }, { "Z%==", NULL }, { "Zm9-", NULL }, { "Zm9_", NULL },
    { "Zm9v\x80" "AAA", NULL },
};

static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static void test_rows(void)
{
    for (unsigned i = 0; i < countof(rows); i++) {
        char bytes[ROOM];
        struct fmt f;
        fmt_init(&f, bytes, sizeof(bytes));
        const bool good = base64_decode(&f, str_from(rows[i].text), false);
        is_int(good, rows[i].want != NULL, "row %u: \"%s\"", i, rows[i].text);
        if (good && rows[i].want)
            is_mem(f.at, f.len, rows[i].want, strlen(rows[i].want), "row %u: its bytes", i);
    }
}

/* Every byte but the digits and "=" is refused; each alphabet has two digits of its own. */
static void test_digits(void)
{
    unsigned wrong = 0;
    for (unsigned c = 0; c < 256; c++) {
        const char text[4] = { (char)c, (char)c, (char)c, (char)c };
        const bool common = c && strchr(all, (int)c);
        for (unsigned url = 0; url < 2; url++) {
            char bytes[ROOM];
            struct fmt f;
            fmt_init(&f, bytes, sizeof(bytes));
            const bool own = c && strchr(url ? "-_" : "+/", (int)c);
            wrong += base64_decode(&f, str_of(text, 4), url) != (common || own || c == '=');
        }
    }
    is_uint(wrong, 0, "every byte is a digit or not");
}

static void test_values(void)
{
    char bytes[ROOM], want[48];
    struct fmt f;
    unsigned n = 0;
    fmt_init(&f, bytes, sizeof(bytes));
    for (unsigned value = 0; value < 64; value += 4) {  /* four digits are three bytes */
        const uint32_t group = value << 18 | (value + 1) << 12 | (value + 2) << 6 | (value + 3);
        want[n++] = (char)(group >> 16);
        want[n++] = (char)(group >> 8);
        want[n++] = (char)group;
    }
    ok(base64_decode(&f, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
                     false), "the whole alphabet");
    is_mem(f.at, f.len, want, n, "its values");
    fmt_init(&f, bytes, sizeof(bytes));
    ok(base64_decode(&f, STR("__--"), true), "the other alphabet");
    is_mem(f.at, f.len, "\xff\xff\xbe", 3, "its values");
}

static void test_room(void)
{
    char bytes[4];
    struct fmt f;
    fmt_init(&f, bytes, sizeof(bytes));
    ok(base64_decode(&f, STR("Zm9v"), false), "what just fits");
    fmt_init(&f, bytes, sizeof(bytes));
    ok(!base64_decode(&f, STR("Zm9vYg"), false), "one byte more does not");
    fmt_init(&f, bytes, sizeof(bytes));
    fmt_text(&f, "a:");
    ok(base64_decode(&f, STR("Zg"), false), "behind what is there");
    is_mem(f.at, f.len, "a:f", 3, "it is appended");
}

/* What is encoded is decoded to the same, for every length and rest. */
static void test_encode(void)
{
    static const char *const vectors[][2] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/" },
    };
    char text[ROOM], bytes[ROOM], raw[32];
    struct fmt f;
    unsigned wrong = 0;
    for (unsigned i = 0; i < countof(vectors); i++) {
        fmt_init(&f, text, sizeof(text));
        base64_encode(&f, str_from(vectors[i][0]));
        is_str(fmt_done(&f).at, vectors[i][1], "encoded to \"%s\"", vectors[i][1]);
    }
    for (size_t len = 0; len <= sizeof(raw); len++) {
        for (size_t i = 0; i < len; i++)
            raw[i] = (char)(len * 37 + i * 101);
        fmt_init(&f, text, sizeof(text));
        base64_encode(&f, str_of(raw, len));
        const struct str encoded = fmt_done(&f);
        fmt_init(&f, bytes, sizeof(bytes));
        wrong += encoded.len % 4 != 0 || !base64_decode(&f, encoded, false)
            || !str_eq(str_of(f.at, f.len), str_of(raw, len));
    }
    is_uint(wrong, 0, "decoded again");
    fmt_init(&f, text, 5);
    base64_encode(&f, STR("four"));
    ok(f.failed, "no room");
}

int main(void)
{
    test_rows();
    test_digits();
    test_values();
    test_room();
    test_encode();
    return done_testing();
}
