/*
 * Charset conversion: tables, UTF-8 good and broken, wherever it is cut.
 * Owns the map of each test.
 */
#include "http/charset_map.c"

#include "t/unit/tap.h"

static struct charset_map map;

static struct str convert(enum charset_direction direction, struct str text, size_t step,
                          char *room, size_t size)
{
    struct charset_sequence part = { 0 };
    struct fmt f;
    fmt_init(&f, room, size);
    while (text.len > 0) {
        struct str piece;
        ASSERT(str_sub(text, 0, size_min(step, text.len), &piece));
        ASSERT(str_from_off(text, piece.len, &text));
        charset_convert(&map, direction, &part, piece, &f);
    }
    charset_convert_end(&part, &f);
    return fmt_done(&f);
}

static void check(enum charset_direction direction, const char *text, const char *want)
{
    char room[256];
    for (size_t step = 1; step < 6; step++) {
        const struct str got = convert(direction, str_from(text), step, room, sizeof(room));
        is_mem(got.at, got.len, want, strlen(want), "direction %d, %zu at a time", (int)direction,
               step);
    }
}

static void add(const char *from, const char *to, unsigned want)
{
    is_uint(charset_map_add(&map, str_from(from), str_from(to)), want, "%s %s", from, to);
}

static void test_bytes(void)
{
    charset_map_init(&map, false);
    add("E0", "C1", 0);
    add("e1", "2", 0);
    add("1", "E2", 0);
    add("", "1", 1);
    add("100", "1", 1);
    add("0x", "1", 1);
    add("-1", "1", 1);
    add("1", "", 2);
    add("1", "D0B0", 2);
    add("1", "g", 2);
    check(CHARSET_BYTES, "a\xE0\xE1\x01\xFF", "a\xC1\x02\xE2?");
    check(CHARSET_BYTES_BACK, "a\xC1\x02\xE2\xE0", "a\xE0\xE1\x01?");
}

static void test_to_utf8(void)
{
    charset_map_init(&map, true);
    add("C0", "D18E", 0);
    add("80", "e282ac", 0);
    add("8A", "F09F9880", 0);
    add("41", "D090", 0);
    check(CHARSET_TO_UTF8, "b\xC0\x80\x8A" "A\xFF",
          "b\xD1\x8E\xE2\x82\xAC\xF0\x9F\x98\x80\xD0\x90?");
}

static void test_from_utf8(void)
{
    check(CHARSET_FROM_UTF8, "b\xD1\x8E\xE2\x82\xAC\xF0\x9F\x98\x80\xD0\x90" "A",
          "b\xC0\x80\x8A" "AA");
    check(CHARSET_FROM_UTF8, "\xD0\xB0\xE2\x93\x90\xF4\x8F\xBF\xBF", "&#1072;&#9424;&#1114111;");
    check(CHARSET_FROM_UTF8, "\xFF\xD1 x\xD1\x8E", "?? x\xC0");
    check(CHARSET_FROM_UTF8, "\xE2\x82", "?");
    check(CHARSET_FROM_UTF8, "\xE2\x82\xD1\x8E", "?\xC0");
    check(CHARSET_FROM_UTF8, "\xC0\x80", "??");
    check(CHARSET_FROM_UTF8, "\xE0\x80\x80", "???");
    check(CHARSET_FROM_UTF8, "\xED\xA0\x80", "???");
    check(CHARSET_FROM_UTF8, "\xF4\x90\x80\x80", "????");
    check(CHARSET_FROM_UTF8, "\xF0\x8F\x80\x80", "????");
    check(CHARSET_FROM_UTF8, "\xF0\x9F\x98", "?");
}

static void test_sequences(void)
{
    static const char *const bad[] = { "", "E", "41", "80", "7F", "C3", "D0FF", "D0B", "E282",
                                       "E28280FF",
                                       "C080", "EDA080", "F4908080", "F8888080", "D0B0D0B1", "zz" };
    for (size_t i = 0; i < countof(bad); i++)
        add("C1", bad[i], 2);
    check(CHARSET_TO_UTF8, "\xC1", "?");
}

static void test_again(void)
{
    charset_map_init(&map, true);
    add("C0", "D18E", 0);
    add("C0", "D18F", 0);
    check(CHARSET_TO_UTF8, "\xC0", "\xD1\x8F");
    check(CHARSET_FROM_UTF8, "\xD1\x8F\xD1\x8E", "\xC0&#1102;");
    add("C1", "D18F", 0);
    check(CHARSET_FROM_UTF8, "\xD1\x8F", "\xC1");
    for (unsigned i = 0; i < 256; i++) {
        char from[3], to[5];
        snprintf(from, sizeof(from), "%X", i);
        snprintf(to, sizeof(to), "D%X%02X", i / 64, 0x80 | (i & 0x3F));
        ok(charset_map_add(&map, str_from(from), str_from(to)) == 0, "%s %s", from, to);
    }
    is_uint(map.ncodes, 256, "every byte has a character");
}

int main(void)
{
    test_bytes();
    test_to_utf8();
    test_from_utf8();
    test_sequences();
    test_again();
    return done_testing();
}
