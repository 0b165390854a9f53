/*
 * Diagnostics: order, excerpts with their caret, JSON, the nearest word.
 * Owns nothing.
 */
#include "core/diag.c"

#include "t/unit/tap.h"

static struct conf_file file_of(const char *path, const char *text)
{
    return (struct conf_file){ .path = str_from(path), .text = str_from(text) };
}

/* The place of the first `word` in the file. */
static struct diag_place place_in(const struct conf_file *file, const char *word)
{
    const ssize_t at = str_find(file->text, str_from(word));
    struct diag_place place = { file, 1, 1, (size_t)at, strlen(word) };
    ASSERT(at >= 0);
    for (ssize_t i = 0; i < at; i++) {
        place.column++;
        if (file->text.at[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

static const char *print(struct pool *pool, const struct diag *d,
                         void (*how)(const struct diag *d, struct fmt *f))
{
    struct fmt f;
    fmt_init_pool(&f, pool, 256, 1 << 20);
    how(d, &f);
    return fmt_done(&f).at;
}

/* --- the excerpt ----------------------------------------------------------------------------- */

static const struct {
    const char *text, *word, *want;
} excerpts[] = {
    { "foo on;\n", "foo", "     1:1 | foo on;\n         | ^^^\n" },
    { "a;\n\tfoo on;\r\nb;", "on", "     2:6 | \tfoo on;\n         | \t    ^^\n" },
    { "a;\nb", "b", "     2:1 | b\n         | ^\n" },
    { "a \t x;", "x", "     1:5 | a \t x;\n         |   \t ^\n" },
    { "a \"b\nc\" d;", "\"b\nc\"", "     1:3 | a \"b\n         |   ^^\n" },
    { "a \x01z b", "b", "     1:6 | a \\x01z b\n         |         ^\n" },
    { "a \x01z b", "\x01z", "     1:3 | a \\x01z b\n         |   ^^^^^\n" },
    { "\xc3\xa9 b", "b", "     1:4 | \xc3\xa9 b\n         |   ^\n" },
    { "\xe9 b", "b", "     1:3 | \\xE9 b\n         |      ^\n" },
    { "\xe2\x80\xae b", "b", "     1:5 | \\xE2\\x80\\xAE b\n         |              ^\n" },
    { "\x1b[31m b", "b", "     1:7 | \\x1B[31m b\n         |          ^\n" },
    /* Overlong, a surrogate, past the last character, cut off: each byte by itself. */
    { "\xc0\xaf" "b", "b", "     1:3 | \\xC0\\xAFb\n         |         ^\n" },
    { "\xe0\x80\xaf" "b", "b", "     1:4 | \\xE0\\x80\\xAFb\n         |             ^\n" },
    { "\xed\xa0\x80" "b", "b", "     1:4 | \\xED\\xA0\\x80b\n         |             ^\n" },
    { "\xf4\x90\x80\x80" "b", "b",
      "     1:5 | \\xF4\\x90\\x80\\x80b\n         |                 ^\n" },
    { "b\xf0\x9f\x98", "b", "     1:1 | b\\xF0\\x9F\\x98\n         | ^\n" },
    { "\xf0\x9f\x98\x80" "b", "b", "     1:5 | \xf0\x9f\x98\x80" "b\n         |  ^\n" },
};

static void test_excerpts(struct pool *pool)
{
    for (size_t i = 0; i < countof(excerpts); i++) {
        const struct conf_file file = file_of("x.conf", excerpts[i].text);
        const struct diag d = { .place = place_in(&file, excerpts[i].word) };
        is_str(print(pool, &d, diag_details), excerpts[i].want, "excerpt %zu", i);
    }
}

/* Places that show nothing must not read outside of the text, either. */
static void test_odd_places(struct pool *pool)
{
    const struct conf_file file = file_of("x.conf", "events {\n  \n\n");
    struct diag d = { .place = { &file, 4, 1, 13, 0 } };
    is_str(print(pool, &d, diag_details), "", "the end behind a newline");
    d.place = (struct diag_place){ &file, 2, 3, 11, 0 };
    is_str(print(pool, &d, diag_details), "", "an empty line");
    d.place = (struct diag_place){ &file, 1, 9, 8, 0 };
    is_str(print(pool, &d, diag_details), "     1:9 | events {\n         |         ^\n",
           "the end of a line");
    d.place = (struct diag_place){ &file, 9, 1, 99, 5 };
    is_str(print(pool, &d, diag_details), "", "behind the text");
    d.place = (struct diag_place){ &file, 1, 50, 3, 5 };
    is_str(print(pool, &d, diag_details), "", "a column that the offset contradicts");
    d.place = (struct diag_place){ &file, 0, 0, 0, SIZE_MAX };
    is_str(print(pool, &d, diag_details), "     0:0 | events {\n         | ^^^^^^^^\n",
           "a length past the end");
    d.place = (struct diag_place){ 0 };
    is_str(print(pool, &d, diag_details), "", "no place");
}

/* In a long line 60 bytes before the place are shown, and 120 in all. */
static void test_long_lines(struct pool *pool)
{
    enum { LONG = 100000, AT = 50000 };
    struct fmt f;
    fmt_init_pool(&f, pool, LONG, LONG);
    fmt_repeat(&f, 'a', AT);
    fmt_text(&f, "WORD");
    fmt_repeat(&f, 'b', LONG - AT - 4);
    const struct conf_file file = file_of("x.conf", fmt_done(&f).at);
    const struct diag d = { .place = place_in(&file, "WORD") };
    const char *text = print(pool, &d, diag_details);
    const char *word = strstr(text, "WORD"), *caret = strchr(text, '^');
    const char *second = strchr(text, '\n') + 1;
    ok(strlen(text) < 400, "a long line is cut");
    ok(strncmp(text, " 1:50001 | ...aaa", 17) == 0, "before the place");
    ok(second - text > 10 && strncmp(second - 5, "b...\n", 5) == 0, "and behind it");
    is_int(caret - second, word - text, "the caret is below the word");
    is_str(caret, "^^^^\n", "all of it is underlined");
}

/* A line is never cut within a character. */
static void test_long_line_of_characters(struct pool *pool)
{
    for (size_t shift = 0; shift < 4; shift++) {
        struct fmt f;
        fmt_init_pool(&f, pool, 4096, 4096);
        fmt_repeat(&f, 'x', shift);
        for (size_t i = 0; i < 300; i++)
            fmt_text(&f, i == 150 ? "WORD" : "\xe2\x82\xac");
        const struct conf_file file = file_of("x.conf", fmt_done(&f).at);
        const struct diag d = { .place = place_in(&file, "WORD") };
        const char *text = print(pool, &d, diag_details);
        ok(!strstr(text, "\\x"), "no half characters, shift %zu", shift);
        ok(strstr(text, "WORD") != NULL, "the word is there, shift %zu", shift);
    }
}

/* --- lines, notes, includes ------------------------------------------------------------------ */

static void test_lines(struct pool *pool)
{
    struct diag_list list;
    const struct conf_file file = file_of("/etc/x.conf", "foo on;\nfop;");
    struct conf_file given = file_of("command line", "a b");
    given.command_line = true;
    diag_init(&list, pool);
    struct diag *d = diag_add(&list, DIAG_EMERG, "unknown-directive", place_in(&file, "fop"),
                              "unknown directive \"%s\"", "fop");
    is_str(print(pool, d, diag_line), "unknown directive \"fop\" in /etc/x.conf:2", "with a place");
    diag_note(&list, d, "did you mean \"%s\"?", "foo");
    diag_note_at(&list, d, place_in(&file, "on"), "another was given");
    is_str(print(pool, d, diag_details),
           "     2:1 | fop;\n         | ^^^\n    did you mean \"foo\"?\n"
           "    /etc/x.conf:1:5: another was given\n     1:5 | foo on;\n         |     ^^\n",
           "notes");
    d = diag_add(&list, DIAG_EMERG, "no-events", (struct diag_place){ 0 }, "no \"events\" section");
    is_str(print(pool, d, diag_line), "no \"events\" section", "without a place");
    is_str(print(pool, d, diag_details), "", "and without details");
    d = diag_add(&list, DIAG_EMERG, "x", place_in(&given, "b"), "x\ny \x1b[0m\t%c", 'z');
    is_str(print(pool, d, diag_line), "x\\x0Ay \\x1B[0m\\x09z in command line",
           "one line, whatever is in it");
    is_str(print(pool, d, diag_details), "      -g | a b\n         |   ^\n", "the text of -g");
}

static void test_includes(struct pool *pool)
{
    struct diag_list list;
    struct conf_file outer = file_of("a.conf", "\ninclude b.conf;"), inner = file_of("b.conf",
                                                                                     "\n\nx;");
    struct conf_file last = file_of("c.conf", "y;");
    struct conf_word first_word = { .place = place_in(&outer, "include") };
    struct conf_word second_word = { .place = place_in(&inner, "x") };
    const struct conf_node first = { .words = &first_word, .nwords = 1 };
    const struct conf_node second = { .words = &second_word, .nwords = 1 };
    inner.included_by = &first;
    last.included_by = &second;
    diag_init(&list, pool);
    struct diag *d = diag_add(&list, DIAG_WARN, "c", place_in(&last, "y"), "m");
    is_str(print(pool, d, diag_details),
           "     1:1 | y;\n         | ^\n    (--no-warn c)\n"
           "    included from b.conf:3\n    included from a.conf:2\n",
           "the include stack");
    is_str(print(pool, d, diag_json),
           "{\"level\":\"warn\",\"code\":\"c\",\"message\":\"m\",\"file\":\"c.conf\",\"line\":1,"
           "\"column\":1,\"length\":1,\"notes\":[],\"includes\":[{\"file\":\"b.conf\",\"line\":3},"
           "{\"file\":\"a.conf\",\"line\":2}]}", "as JSON");
}

static void test_json(struct pool *pool)
{
    struct diag_list list;
    const struct conf_file file = file_of("x\"\xff.conf", "a b;");
    diag_init(&list, pool);
    struct diag *d = diag_add(&list, DIAG_EMERG, "bad", place_in(&file, "b"),
                              "a \"b\"\n\\ \xc3\xa9 \xc3");
    diag_note(&list, d, "first");
    diag_note_at(&list, d, place_in(&file, "a"), "second");
    is_str(print(pool, d, diag_json),
           "{\"level\":\"emerg\",\"code\":\"bad\","
           "\"message\":\"a \\\"b\\\"\\n\\\\ \xc3\xa9 \\ufffd\","
           "\"file\":\"x\\\"\\ufffd.conf\",\"line\":1,\"column\":3,\"length\":1,\"notes\":["
           "{\"text\":\"first\"},{\"text\":\"second\","
           "\"file\":\"x\\\"\\ufffd.conf\",\"line\":1,\"column\":1,\"length\":1}],"
           "\"includes\":[]}", "strings are valid");
    d = diag_add(&list, DIAG_NOTICE, "n", (struct diag_place){ 0 }, "m");
    is_str(print(pool, d, diag_json),
           "{\"level\":\"notice\",\"code\":\"n\",\"message\":\"m\",\"notes\":[],\"includes\":[]}",
           "without a place");
}

/* --- collecting ------------------------------------------------------------------------------ */

static const char *messages(struct pool *pool, const struct diag_list *list)
{
    struct fmt f;
    fmt_init_pool(&f, pool, 256, 1 << 20);
    for (const struct diag *d = list->first; d; d = d->next)
        fmt_str(&f, d->message);
    return fmt_done(&f).at;
}

/* What stands earlier in the text comes first, whoever found it and whenever. */
static void test_order(struct pool *pool)
{
    struct diag_list list;
    struct conf_file outer = file_of("a.conf", "abcdefgh"), inner = file_of("b.conf", "xyz");
    struct conf_file given = file_of("command line", "g");
    struct conf_word word = { .place = place_in(&outer, "d") };
    const struct conf_node include = { .words = &word, .nwords = 1 };
    given.command_line = true;
    inner.included_by = &include;
    const struct {
        const struct conf_file *file;
        const char *word;
    } added[] = {
        { &outer, "f" }, { NULL, "1" }, { &outer, "c" }, { &inner, "y" }, { &inner, "x" },
        { &outer, "e" }, { &given, "g" }, { NULL, "2" }, { &outer, "h" }, { &outer, "a" },
    };
    diag_init(&list, pool);
    for (size_t i = 0; i < countof(added); i++) {
        const struct diag_place none = { 0 };
        diag_add(&list, DIAG_EMERG, "x", added[i].file ? place_in(added[i].file,
                                                                  added[i].word) : none,
                 "%s", added[i].word);
    }
    is_str(messages(pool, &list), "gacxyefh12", "the order of the text");
    struct diag *d = diag_add(&list, DIAG_WARN, "x", place_in(&outer, "a"), "A");
    is_str(messages(pool, &list), "gaAcxyefh12", "at one place, in the order of adding");
    ok(d->next && str_eq(d->next->message, STR("c")), "linked in");
    diag_add(&list, DIAG_WARN, "x", (struct diag_place){ 0 }, "3");
    is_str(messages(pool, &list), "gaAcxyefh123", "the end is still known");
    is_uint(list.errors, 10, "errors");
    is_uint(list.warnings, 2, "warnings");
}

static void test_limit(struct pool *pool)
{
    struct diag_list list;
    unsigned kept = 0;
    diag_init(&list, pool);
    is_uint(list.limit, 25, "the limit");
    for (unsigned i = 0; i < 40; i++) {
        struct diag *d = diag_add(&list, DIAG_EMERG, "x", (struct diag_place){ 0 }, "%u", i);
        ok(d != NULL, "always a diagnostic, %u", i);
        diag_note(&list, d, "a note");
        diag_add(&list, DIAG_WARN, "w", (struct diag_place){ 0 }, "w%u", i);
    }
    for (const struct diag *d = list.first; d; d = d->next)
        kept += d->level == DIAG_EMERG;
    is_uint(kept, 25, "errors are kept up to the limit");
    is_uint(list.errors, 40, "and all are counted");
    is_uint(list.warnings, 40, "warnings have no limit");
}

/* A file that is included twice says what is wrong in it once. */
static void test_twice(struct pool *pool)
{
    struct diag_list list;
    const struct conf_file one = file_of("a.conf", "a b"), same = file_of("a.conf", "a b");
    const struct conf_file other = file_of("b.conf", "a b");
    diag_init(&list, pool);
    diag_add(&list, DIAG_EMERG, "x", place_in(&one, "a"), "1");
    diag_add(&list, DIAG_EMERG, "x", place_in(&same, "a"), "1");
    is_str(messages(pool, &list), "1", "the same again");
    is_uint(list.errors, 1, "is not counted");
    diag_add(&list, DIAG_WARN, "x", place_in(&same, "a"), "1");
    diag_add(&list, DIAG_EMERG, "x", place_in(&same, "a"), "2");
    diag_add(&list, DIAG_EMERG, "x", place_in(&same, "b"), "1");
    diag_add(&list, DIAG_EMERG, "x", place_in(&other, "a"), "1");
    is_str(messages(pool, &list), "11211", "another level, message, place or file is another");
}

/* Each code has a bit of its own; a warning says how to be rid of it, and then is not there. */
static void test_silent(struct pool *pool)
{
    struct diag_list list;
    uint64_t all = 0;
    diag_init(&list, pool);
    for (unsigned i = 0; i < countof(warnings); i++) {
        const uint64_t bit = diag_warning(str_from(warnings[i].code));
        ok(bit && !(bit & (bit - 1)) && !(all & bit), "the bit of %s", warnings[i].code);
        all |= bit;
    }
    is_uint(diag_warning(STR("no-such")), 0, "no warning");
    is_uint(diag_warning(STR("")), 0, "no code");
    list.silent = diag_warning(STR("duplicate")) | diag_warning(STR("low-bits"));
    struct diag *d = diag_add(&list, DIAG_WARN, "duplicate", (struct diag_place){ 0 }, "1");
    diag_note(&list, d, "it can have notes all the same");
    diag_add(&list, DIAG_EMERG, "duplicate", (struct diag_place){ 0 }, "2");
    d = diag_add(&list, DIAG_WARN, "duplicate-value", (struct diag_place){ 0 }, "3");
    diag_add(&list, DIAG_WARN, "low-bits", (struct diag_place){ 0 }, "4");
    is_str(messages(pool, &list), "23", "an error of the name stays");
    is_uint(list.warnings, 1, "nor is it counted");
    is_str(print(pool, d, diag_details), "    (--no-warn duplicate-value)\n", "its code");
    is_str(print(pool, list.first, diag_details), "", "an error has none");
}

static void test_long_message(struct pool *pool)
{
    struct diag_list list;
    diag_init(&list, pool);
    char *word = memset(pool_bytes(pool, 1 << 20), 'a', 1 << 20);
    const struct diag *d = diag_add(&list, DIAG_EMERG, "x", (struct diag_place){ 0 },
                                    "unknown directive \"%.*s\"", 1 << 20, word);
    is_uint(d->message.len, MESSAGE_MAX - 1 + 3, "a long message is cut");
    ok(str_ends(d->message, STR("aaa...")), "and says so");
}

/* --- the nearest word ------------------------------------------------------------------------ */

static const char *next_name(void *state)
{
    const char *const **at = state;
    return *(*at)++;
}

static const char *nearest(const char *word)
{
    static const char *const names[] = {
        "listen", "server_name", "root", "gzip", "gzip_types", "location", "if", "proxy_pass",
        "a_name_that_is_longer_than_what_anybody_ever_wants_to_type", NULL,
    };
    const char *const *at = names;
    return diag_nearest(str_from(word), next_name, &at);
}

static void test_nearest(void)
{
    static const struct {
        const char *word, *want;
    } rows[] = {
        { "listne", "listen" }, { "lsiten", "listen" }, { "liste", "listen" },
        { "listenn", "listen" },
        { "Listen", "listen" }, { "LISTEN", "listen" }, { "server-name", "server_name" },
        { "servername", "server_name" }, { "sever_nmae", "server_name" }, { "rot", "root" },
        { "gzp", "gzip" }, { "gziptype", "gzip_types" }, { "proxypas", "proxy_pass" },
        { "fi", "if" },
        { "boot", "root" }, { "bolt", NULL }, { "server", NULL }, { "x", NULL }, { "", NULL },
        { "zzzzzzzzzz", NULL }, { "xlyoczatin", NULL },
        { "a_name_that_is_longer_than_what_anybody_ever_wants_to_typ", NULL },
    };
    for (size_t i = 0; i < countof(rows); i++)
        is_str(nearest(rows[i].word), rows[i].want, "nearest to \"%s\"", rows[i].word);
}

int main(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    test_excerpts(&pool);
    test_odd_places(&pool);
    test_long_lines(&pool);
    test_long_line_of_characters(&pool);
    test_lines(&pool);
    test_includes(&pool);
    test_json(&pool);
    test_order(&pool);
    test_limit(&pool);
    test_twice(&pool);
    test_silent(&pool);
    test_long_message(&pool);
    test_nearest();
    pool_free(&pool);
    return done_testing();
}
