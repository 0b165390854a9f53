/*
 * JSON: commas, nesting, numbers, and strings that hold anything.
 * Owns nothing.
 */
#include "core/json.c"

#include "t/unit/tap.h"

static char buffer[1024];
static struct fmt f;
static struct json j;

static void start(void)
{
    fmt_init(&f, buffer, sizeof(buffer));
    json_init(&j, &f);
}

static void test_structure(void)
{
    start();
    json_object_begin(&j);
    json_object_end(&j);
    is_str(fmt_done(&f).at, "{}", "an empty object");
    start();
    json_object_begin(&j);
    json_key(&j, STR("a"));
    json_u64(&j, UINT64_MAX);
    json_key(&j, STR("b"));
    json_array_begin(&j);
    json_array_begin(&j);
    json_array_end(&j);
    json_bool(&j, true);
    json_bool(&j, false);
    json_null(&j);
    json_object_begin(&j);
    json_key(&j, STR("c\"d"));
    json_str(&j, STR("e"));
    json_object_end(&j);
    json_str(&j, STR_NONE);
    json_array_end(&j);
    json_key(&j, STR(""));
    json_object_begin(&j);
    json_object_end(&j);
    json_object_end(&j);
    is_str(fmt_done(&f).at,
           "{\"a\":18446744073709551615,\"b\":[[],true,false,null,"
           "{\"c\\\"d\":\"e\"},\"\"],\"\":{}}",
           "everything nested");
    is_int(j.depth, 0, "and closed");
    fmt_init(&f, buffer, 4);
    json_init(&j, &f);
    json_str(&j, STR("too long"));
    ok(f.failed && fmt_done(&f).len == 0, "no room: the builder has failed");
}

static void test_strings(void)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        { STR_INIT("plain /text/"), "\"plain /text/\"" },
        { STR_INIT("a\"b\\c\n\x01\x1f"), "\"a\\\"b\\\\c\\n\\u0001\\u001F\"" },
        { STR_INIT("a\0b"), "\"a\\u0000b\"" },
        { STR_INIT("\x7f"), "\"\x7f\"" },
        /* characters of two, three and four bytes, the first and the last of each */
        { STR_INIT("\xc2\x80\xdf\xbf"), "\"\xc2\x80\xdf\xbf\"" },
        { STR_INIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
          "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"" },
        { STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
        /* and what is none: one U+FFFD a byte */
        { STR_INIT("a\x80" "b\xff"), "\"a\\ufffdb\\ufffd\"" },
        { STR_INIT("\xc0\x80"), "\"\\ufffd\\ufffd\"" },
        { STR_INIT("\xc1\xbf"), "\"\\ufffd\\ufffd\"" },
        { STR_INIT("\xe0\x9f\xbf"), "\"\\ufffd\\ufffd\\ufffd\"" },
        { STR_INIT("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"" },
        { STR_INIT("\xf0\x8f\xbf\xbf"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { STR_INIT("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { STR_INIT("\xf5\x80\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { STR_INIT("\xc3"), "\"\\ufffd\"" },
        { STR_INIT("\xe2\x82"), "\"\\ufffd\\ufffd\"" },
        { STR_INIT("\xf0\x9f\x98"), "\"\\ufffd\\ufffd\\ufffd\"" },
        { STR_INIT("\xc3\"\xe2\x82\n"), "\"\\ufffd\\\"\\ufffd\\ufffd\\n\"" },
        { STR_INIT("\xe2\x82\xac\xff\xe2\x82\xac"), "\"\xe2\x82\xac\\ufffd\xe2\x82\xac\"" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char *copy = malloc(rows[i].text.len);  /* so that a sanitizer sees a byte too far */
        memcpy(copy, rows[i].text.at, rows[i].text.len);
        start();
        json_str(&j, str_of(copy, rows[i].text.len));
        is_str(fmt_done(&f).at, rows[i].want, "string row %zu", i);
        free(copy);
    }
}

int main(void)
{
    test_structure();
    test_strings();
    return done_testing();
}
