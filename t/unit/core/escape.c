/*
 * Escaping: every byte in every set, as the nginx 1.22 that was asked does it; and decoding.
 * Owns nothing.
 */
#include "core/escape.c"

#include "t/unit/tap.h"

static char buffer[4096];

static struct str built(void (*escape_fn)(struct fmt *, struct str), struct str s)
{
    struct fmt f;
    fmt_init(&f, buffer, sizeof(buffer));
    escape_fn(&f, s);
    return fmt_done(&f);
}

static struct str encoded(struct str s, enum escape_set set)
{
    struct fmt f;
    fmt_init(&f, buffer, sizeof(buffer));
    escape_uri(&f, s, set);
    return fmt_done(&f);
}

/* The bytes from 33 to 126 that stay as they are; whether others do is in the flags. */
static void is_raw(enum escape_set set, const char *want, bool high, const char *name)
{
    char raw[128];
    size_t n = 0;
    unsigned bad = 0;
    for (unsigned c = 0; c < 256; c++) {
        const char byte = (char)c;
        char hex[4];
        const struct str out = encoded(str_of(&byte, 1), set);
        snprintf(hex, sizeof(hex), "%%%02X", c);
        const bool kept = str_eq(out, str_of(&byte, 1));
        bad += !kept && !str_eq(out, str_from(hex));
        if (c > 32 && c < 127 && kept)
            raw[n++] = byte;
        else if (c <= 32 || c > 126)
            bad += kept != (c > 126 && high);
    }
    raw[n] = '\0';
    is_str(raw, want, "%s: what stays", name);
    is_int(bad, 0, "%s: the others are %%XX, controls and the blank always", name);
}

#define ALNUM_UP "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM_LOW "abcdefghijklmnopqrstuvwxyz"

static void test_uri(void)
{
    is_raw(ESCAPE_URI, "!$&'()*+,-./0123456789:;=@" ALNUM_UP "[]_" ALNUM_LOW "~", false, "path");
    is_raw(ESCAPE_ARGS, "!$'()*,-./0123456789:=@" ALNUM_UP "[]_" ALNUM_LOW "~", false, "arguments");
    is_raw(ESCAPE_COMPONENT, "-.0123456789" ALNUM_UP "_" ALNUM_LOW "~", false, "component");
    is_raw(ESCAPE_REDIRECT,
           "!$&'()*+,-./0123456789:;<=>?@" ALNUM_UP "[\\]^_`" ALNUM_LOW "{|}~", false, "redirect");
    is_raw(ESCAPE_KEY,
           "!\"#$&'()*+,-./0123456789:;<=>?@" ALNUM_UP "[\\]^_`" ALNUM_LOW "{|}~", true, "key");
    is_str(encoded(STR("/a b/\xc3\xa4?"), ESCAPE_URI).at, "/a%20b/%C3%A4%3F", "a path");
    is_str(encoded(STR_NONE, ESCAPE_URI).at, "", "nothing");
    is_mem(encoded(str_of("a\0b", 3), ESCAPE_URI).at, 5, "a%00b", 5, "NUL");
}

static void test_log(void)
{
    unsigned bad = 0;
    for (unsigned c = 0; c < 256; c++) {
        const char byte = (char)c;
        char hex[5];
        snprintf(hex, sizeof(hex), "\\x%02X", c);
        const bool escaped = c < 32 || c > 126 || c == '"' || c == '\\';
        bad += !str_eq(built(escape_log, str_of(&byte, 1)),
                       escaped ? str_from(hex) : str_of(&byte, 1));
        bad += !str_eq(built(escape_log_controls, str_of(&byte, 1)),
                       c < 32 || c == 127 ? str_from(hex) : str_of(&byte, 1));
    }
    is_int(bad, 0, "all bytes in logs");
    is_str(built(escape_log, STR("a\"b\\c\r\n\x7f\xff" "d")).at,
           "a\\x22b\\x5Cc\\x0D\\x0A\\x7F\\xFFd", "a hostile field");
    is_str(built(escape_log_controls, STR("\"\\\x1b[2J\n\xc3\xa4")).at, "\"\\\\x1B[2J\\x0A\xc3\xa4",
           "in the error log");
}

/* Clean texts are found in words of eight bytes: each byte at each place of some words, also behind
 * and before the bytes from which a borrow or a carry could come. */
static void test_places(void)
{
    static const char others[] = { 'a', ' ', '~', '!', '#', '[' };
    unsigned bad = 0;
    for (unsigned c = 0; c < 256; c++)
        for (size_t place = 0; place < 20; place++)
            for (size_t i = 0; i < sizeof(others); i++) {
                char text[20], hex[8];
                char want[32];
                struct fmt f;
                memset(text, others[i], sizeof(text));
                text[place] = (char)c;
                fmt_init(&f, want, sizeof(want));
                snprintf(hex, sizeof(hex), "\\x%02X", c);
                fmt_repeat(&f, others[i], place);
                if (c < 32 || c > 126 || c == '"' || c == '\\')
                    fmt_text(&f, hex);
                else
                    fmt_char(&f, (char)c);
                fmt_repeat(&f, others[i], sizeof(text) - 1 - place);
                bad += !str_eq(built(escape_log, str_of(text, sizeof(text))), fmt_done(&f));
                const bool changed = !str_eq(built(escape_json, str_of(text, sizeof(text))),
                                             str_of(text, sizeof(text)));
                bad += changed != (c < 32 || c == '"' || c == '\\');
            }
    is_int(bad, 0, "all bytes at all places");
}

static void test_json(void)
{
    is_str(built(escape_json, STR("a\"b\\c\b\f\n\r\t/")).at, "a\\\"b\\\\c\\b\\f\\n\\r\\t/",
           "letters");
    is_mem(built(escape_json, str_of("\0\x1f\x0b\x7f\xff", 5)).at, 20,
           "\\u0000\\u001F\\u000B\x7f\xff", 20, "numbers, and what stays");
}

static void test_html(void)
{
    is_str(built(escape_html, STR("<a href=\"x\">&'</a>\xc3")).at,
           "&lt;a href=&quot;x&quot;&gt;&amp;'&lt;/a&gt;\xc3", "HTML");
}

static void test_room(void)
{
    struct fmt f;
    char small[8];
    fmt_init(&f, small, sizeof(small));
    escape_uri(&f, STR("ab  c"), ESCAPE_URI);
    ok(f.failed && fmt_done(&f).len == 0, "what has no room fails");
    fmt_init(&f, small, sizeof(small));
    escape_uri(&f, STR("a  "), ESCAPE_URI);
    ok(!f.failed && fmt_done(&f).len == 7, "what just fits does not");
}

int main(void)
{
    test_uri();
    test_log();
    test_places();
    test_json();
    test_html();
    test_room();
    return done_testing();
}
