/*
 * The types of values: what nginx 1.22 takes, what it refuses and how it words that.
 */
#include "core/conf_types.c"

#include "t/unit/tap.h"

#include <inttypes.h>

/* --- one statement ---------------------------------------------------------------------------- */

struct run {
    struct pool pool, temp;
    struct diag_list list;
    struct conf_paths paths;
    struct conf cf;
};

static void begin(struct run *run)
{
    *run = (struct run){ .paths = { STR("/prefix/"), STR("/etc/"), STR("/etc/x"), STR("") } };
    pool_init(&run->pool, &pool_heap);
    pool_init(&run->temp, &pool_heap);
    diag_init(&run->list, &run->temp);
    run->cf = (struct conf){ .pool = &run->pool, .temp = &run->temp, .diag = &run->list,
                             .paths = &run->paths };
    run->cf.files_end = &run->cf.files;
}

static void end(struct run *run)
{
    pool_free(&run->pool);
    pool_free(&run->temp);
}

/* "x WORDS;" read by a type. */
static bool parse(struct run *run, const struct conf_type *type, const char *words, const void *arg,
                  void *field)
{
    run->cf.node = conf_tree_text(&run->cf, STR("f"), fmt_pool(&run->temp, "x %s;", words));
    ASSERT(run->cf.node && run->list.errors == 0);
    return type->parse(&run->cf, field, arg);
}

/* The diagnostics, each with the argument it is about and its notes. */
static const char *report_of(struct run *run)
{
    struct fmt f;
    fmt_init_pool(&f, &run->temp, 256, 1 << 16);
    for (const struct diag *d = run->list.first; d; d = d->next) {
        fmt_print(&f, "%s%.*s", d->level == DIAG_WARN ? "warn: " : "", STR_FMT(d->message));
        for (unsigned i = 0; i < run->cf.node->nwords; i++)
            if (run->cf.node->words[i].place.offset == d->place.offset)
                fmt_print(&f, " @%u", i);
        for (const struct diag_note *n = d->notes; n; n = n->next)
            fmt_print(&f, " (%.*s)", STR_FMT(n->text));
        fmt_char(&f, '\n');
    }
    fmt_char(&f, '\0');
    return fmt_done(&f).at;
}

struct number {
    const char *words;
    int64_t value;                      /* -1: refused */
};

/* Refused ones leave the field alone. */
static void check_numbers(const struct conf_type *type, const char *name, const char *report,
                          const struct number *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct run run;
        int64_t field = -77;
        begin(&run);
        const bool good = parse(&run, type, rows[i].words, NULL, &field);
        ok(good == (rows[i].value >= 0), "%s %s: %s", name, rows[i].words,
           rows[i].value >= 0 ? "taken" : "refused");
        is_int(field, rows[i].value >= 0 ? rows[i].value : -77, "its value");
        is_str(report_of(&run), rows[i].value >= 0 ? "" : report, "its report");
        end(&run);
    }
}

#define NUMBERS(type, report, rows) \
    check_numbers(&conf_type_##type, #type, report, rows, countof(rows))

/* --- numbers ---------------------------------------------------------------------------------- */

static void test_flag(void)
{
    static const struct {
        const char *words;
        int value;
    } rows[] = { { "on", 1 }, { "off", 0 }, { "ON", 1 }, { "oFF", 0 }, { "\"on\"", 1 } };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        bool field = !rows[i].value;
        begin(&run);
        ok(parse(&run, &conf_type_flag, rows[i].words, NULL, &field), "flag %s", rows[i].words);
        is_int(field, rows[i].value, "its value");
        end(&run);
    }
    static const char *const wrong[] = { "yes", "o", "onn", "1", "", "of" };
    for (size_t i = 0; i < countof(wrong); i++) {
        struct run run;
        bool field = true;
        begin(&run);
        ok(!parse(&run, &conf_type_flag, fmt_pool(&run.temp, "'%s'", wrong[i]).at, NULL, &field),
           "flag '%s'", wrong[i]);
        is_str(report_of(&run),
               fmt_pool(&run.temp, "invalid value \"%s\" in \"x\" directive, it must be \"on\" or "
                        "\"off\" @1\n", wrong[i]).at, "nginx's words");
        ok(field, "left alone");
        end(&run);
    }
}

static void test_int(void)
{
    static const struct number rows[] = {
        { "0", 0 }, { "1", 1 }, { "007", 7 }, { "4294967296", INT64_C(4294967296) },
        { "9223372036854775807", INT64_MAX }, { "9223372036854775808", -1 },
        { "18446744073709551616", -1 }, { "-1", -1 }, { "+1", -1 }, { "1.5", -1 }, { "1k", -1 },
        { "\"\"", -1 }, { "' 1'", -1 }, { "'1 '", -1 }, { "x", -1 }, { "0x1", -1 },
    };
    NUMBERS(int, "\"x\" directive invalid number @1 (expected a whole number)\n", rows);
}

static void test_range(void)
{
    static const struct {
        struct conf_range range;
        const char *words;
        int64_t value;
        const char *report;
    } rows[] = {
        { { 1, 9 }, "1", 1, "" },
        { { 1, 9 }, "9", 9, "" },
        { { 1, 9 }, "0", -77, "value must be between 1 and 9 @1\n" },
        { { 1, 9 }, "10", -77, "value must be between 1 and 9 @1\n" },
        { { 1, 9 }, "-1", -77, "\"x\" directive invalid number @1 (expected a whole number)\n" },
        { { 2, INT64_MAX }, "1", -77, "value must be equal to or greater than 2 @1\n" },
        { { 2, INT64_MAX }, "9223372036854775807", INT64_MAX, "" },
        { { INT64_MIN, 5 }, "6", -77, "value must be equal to or less than 5 @1\n" },
        { { INT64_MIN, 5 }, "-9223372036854775807", -INT64_MAX, "" },
        { { -20, 19 }, "-20", -20, "" },
        { { -20, 19 }, "-21", -77, "value must be between -20 and 19 @1\n" },
        { { -20, 19 }, "--1", -77, "\"x\" directive invalid number @1 (expected a whole number, "
          "which may be negative)\n" },
        { { -20, 19 }, "-", -77, "\"x\" directive invalid number @1 (expected a whole number, "
          "which may be negative)\n" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        int64_t field = -77;
        begin(&run);
        ok(parse(&run, &conf_type_int, rows[i].words, &rows[i].range, &field)
           == (*rows[i].report == '\0'), "bounds, row %zu", i);
        is_int(field, rows[i].value, "the value");
        is_str(report_of(&run), rows[i].report, "the report");
        end(&run);
    }
}

static void test_units_in_range(void)
{
    static const struct conf_range range = { 1024, 2000 };
    static const struct {
        const struct conf_type *type;
        const char *fits, *too_much;
        int64_t value;
    } rows[] = {
        { &conf_type_size, "1k", "2k", 1024 },
        { &conf_type_offset, "1k", "1g", 1024 },
        { &conf_type_msec, "2s", "3s", 2000 },
        { &conf_type_sec, "20m", "1h", 1200 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        int64_t field = -77;
        begin(&run);
        ok(!parse(&run, rows[i].type, rows[i].too_much, &range, &field) && field == -77,
           "%s is too much", rows[i].too_much);
        is_str(report_of(&run), "value must be between 1024 and 2000 @1\n", "the report");
        end(&run);
        begin(&run);
        ok(parse(&run, rows[i].type, rows[i].fits, &range, &field), "%s fits", rows[i].fits);
        is_int(field, rows[i].value, "the value");
        end(&run);
    }
}

static void test_size(void)
{
    static const struct number rows[] = {
        { "0", 0 }, { "512", 512 }, { "00001k", 1024 }, { "4K", 4096 }, { "1m", 1 << 20 },
        { "1M", 1 << 20 }, { "9223372036854775807", INT64_MAX }, { "9223372036854775808", -1 },
        { "9007199254740991k", INT64_C(9007199254740991) << 10 }, { "9007199254740992k", -1 },
        { "8796093022207m", INT64_C(8796093022207) << 20 }, { "8796093022208m", -1 },
        { "1g", -1 }, { "1kk", -1 }, { "k", -1 }, { "\"\"", -1 }, { "-1", -1 }, { "1kb", -1 },
        { "'1k '", -1 }, { "1 k", 1 },
    };
    NUMBERS(size, "\"x\" directive invalid value @1 (" HINT_SIZE ")\n", rows);
}

static void test_offset(void)
{
    static const struct number rows[] = {
        { "1g", 1 << 30 }, { "2G", INT64_C(2) << 30 }, { "3m", 3 << 20 }, { "8", 8 },
        { "8589934591g", INT64_C(8589934591) << 30 }, { "8589934592g", -1 }, { "g", -1 },
        { "1t", -1 }, { "9223372036854775808", -1 },
    };
    NUMBERS(offset, "\"x\" directive invalid value @1 (" HINT_OFFSET ")\n", rows);
}

static void test_msec(void)
{
    static const struct number rows[] = {
        { "0", 0 }, { "5", 5000 }, { "500ms", 500 }, { "30s", 30000 }, { "1m30s", 90000 },
        { "'1m 30s'", 90000 }, { "'1m  30s'", 90000 }, { "1h", 3600000 }, { "1d", 86400000 },
        { "1w1d", 8 * INT64_C(86400000) }, { "1s1ms", 1001 }, { "1m5", 65000 },
        { "9223372036854775807ms", INT64_MAX }, { "9223372036854775808ms", -1 },
        { "9223372036854775s", INT64_C(9223372036854775000) }, { "9223372036854776s", -1 },
        { "106751991167d", INT64_C(106751991167) * 86400000 }, { "106751991168d", -1 },
        { "30s1m", -1 }, { "1d1d", -1 }, { "1M", -1 }, { "1y", -1 }, { "1x", -1 }, { "x", -1 },
        { "-1", -1 }, { "\"\"", -1 }, { "1.5s", -1 }, { "' 1m'", -1 }, { "1S", -1 }, { "s", -1 },
    };
    NUMBERS(msec, "\"x\" directive invalid value @1 (" HINT_MSEC ")\n", rows);
}

static void test_sec(void)
{
    static const struct number rows[] = {
        { "5", 5 }, { "1m30s", 90 }, { "1M", 30 * 86400 }, { "1y", 365 * 86400 },
        { "1d1h", 90000 }, { "9223372036854775807", INT64_MAX }, { "9223372036854775808", -1 },
        { "292471208677y", INT64_C(292471208677) * 365 * 86400 }, { "292471208678y", -1 },
        { "1ms", -1 }, { "1s500ms", -1 }, { "1000ms", -1 }, { "30s1m", -1 }, { "-1", -1 },
        { "x", -1 }, { "\"\"", -1 },
    };
    NUMBERS(sec, "\"x\" directive invalid value @1 (" HINT_SEC ")\n", rows);
}

#define COUNT "\"x\" directive invalid value @1 (expected how many buffers, at least 1)\n"

static void test_bufs(void)
{
    static const struct {
        const char *words;
        unsigned count;
        size_t size;
        const char *report;
    } rows[] = {
        { "4 8k", 4, 8192, "" },
        { "4294967295 1", UINT_MAX, 1, "" },
        { "4294967296 1", 0, 0, COUNT },
        { "0 4k", 0, 0, COUNT },
        { "y 4k", 0, 0, COUNT },
        { "4 0", 0, 0, "\"x\" directive invalid value @2 (" HINT_SIZE ")\n" },
        { "4 -1", 0, 0, "\"x\" directive invalid value @2 (" HINT_SIZE ")\n" },
        { "4 1g", 0, 0, "\"x\" directive invalid value @2 (" HINT_SIZE ")\n" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        struct conf_bufs field = { 0 };
        begin(&run);
        ok(parse(&run, &conf_type_bufs, rows[i].words, NULL, &field) == (rows[i].count > 0),
           "buffers %s", rows[i].words);
        ok(field.count == rows[i].count && field.size == rows[i].size, "the value");
        is_str(report_of(&run), rows[i].report, "the report");
        end(&run);
    }
}

/* --- text ------------------------------------------------------------------------------------- */

static void test_text(void)
{
    struct run run;
    struct str text = STR_NONE, path = STR_NONE;
    begin(&run);
    ok(parse(&run, &conf_type_str, "'a b'", NULL, &text), "a string");
    is_mem(text.at, text.len + 1, "a b", 4, "a copy with its NUL");
    ok(text.at != conf_arg(&run.cf, 1).at, "in the generation");
    ok(parse(&run, &conf_type_str, "''", NULL, &text) && text.len == 0, "an empty one");
    ok(parse(&run, &conf_type_path, "a/b", NULL, &path), "a path");
    is_str(path.at, "/prefix/a/b", "under the prefix");
    ok(parse(&run, &conf_type_path, "/a", NULL, &path), "an absolute path");
    is_str(path.at, "/a", "as it is");
    end(&run);
}

/* Rounds of 1, 2, 3 ... words: every length passes by the places where the room doubles. */
static void test_lists(void)
{
    struct run run;
    struct conf_strs list = { 0 };
    unsigned total = 0;
    bool same = true;
    begin(&run);
    for (unsigned round = 1; round <= 20; round++) {
        struct fmt f;
        fmt_init_pool(&f, &run.temp, 64, 4096);
        for (unsigned i = 0; i < round; i++)
            fmt_print(&f, "w%u ", total++);
        ok(parse(&run, &conf_type_str_list, fmt_done(&f).at, NULL, &list), "round %u", round);
    }
    is_uint(list.count, 210, "all words");
    for (unsigned i = 0; i < list.count; i++)
        same &= str_eq(list.at[i], fmt_pool(&run.temp, "w%u", i));
    ok(same, "in order");
    list = (struct conf_strs){ 0 };
    ok(parse(&run, &conf_type_strs, "a b c", NULL, &list) && list.count == 3
       && str_eq(list.at[2], STR("c")), "all arguments");
    struct conf_pairs pairs = { 0 };
    for (unsigned i = 0; i < 5; i++)
        ok(parse(&run, &conf_type_pairs, fmt_pool(&run.temp, "k%u v%u", i, i).at, NULL, &pairs),
           "pair %u", i);
    ok(pairs.count == 5 && str_eq(pairs.at[4].key, STR("k4"))
       && str_eq(pairs.at[0].value, STR("v0")), "pairs");
    end(&run);
}

/* --- names ------------------------------------------------------------------------------------ */

static const struct conf_name names[] = { { "error", 1 }, { "timeout", 2 }, { "both", 3 },
                                          { "off", 0 }, { NULL, 0 } };

static void test_enum(void)
{
    static const struct {
        const char *words;
        unsigned value;
        const char *report;
    } rows[] = {
        { "timeout", 2, "" }, { "TimeOut", 2, "" }, { "off", 0, "" },
        { "tiemout", 77, "invalid value \"tiemout\" @1 (did you mean \"timeout\"?) "
          "(expected error | timeout | both | off)\n" },
        { "''", 77, "invalid value \"\" @1 (expected error | timeout | both | off)\n" },
        { "err", 77, "invalid value \"err\" @1 (expected error | timeout | both | off)\n" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        unsigned field = 77;
        begin(&run);
        ok(parse(&run, &conf_type_enum, rows[i].words, names, &field) == (rows[i].value != 77),
           "name %s", rows[i].words);
        is_uint(field, rows[i].value, "its value");
        is_str(report_of(&run), rows[i].report, "its report");
        end(&run);
    }
}

static void test_mask(void)
{
    static const struct {
        const char *words;
        unsigned value;
        bool good;
        const char *report;
    } rows[] = {
        { "error", 1, true, "" },
        { "error TIMEOUT", 3, true, "" },
        { "off error off", 1, true, "" },
        { "error error", 1, true, "warn: duplicate value \"error\" @2\n" },
        { "timeout both", 3, true, "warn: duplicate value \"both\" @2\n" },
        { "error bad timeuot", 1, false,
          "invalid value \"bad\" @2 (expected error | timeout | both | off)\n"
          "invalid value \"timeuot\" @3 (did you mean \"timeout\"?) "
          "(expected error | timeout | both | off)\n" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        unsigned field = 0;
        begin(&run);
        ok(parse(&run, &conf_type_mask, rows[i].words, names, &field) == rows[i].good, "names %s",
           rows[i].words);
        is_uint(field, rows[i].value, "their value");
        is_str(report_of(&run), rows[i].report, "their report");
        end(&run);
    }
}

/* --- other than values ------------------------------------------------------------------------ */

static void test_others(void)
{
    struct run run;
    begin(&run);
    ok(parse(&run, &conf_type_ignored, "a b c", NULL, NULL), "anything");
    is_str(report_of(&run), "", "without a word");
    ok(!parse(&run, &conf_type_absent, "a", "this comes later", NULL), "not built");
    is_str(report_of(&run), "\"x\" directive is not built into weir: this comes later @0\n",
           "the row's sentence");
    is_str(run.list.first->code, "not-built", "its code");
    ok(!conf_type_flag.repeat && conf_type_pairs.repeat && conf_type_block.repeat
       && !conf_type_block_once.repeat && conf_type_ignored.repeat, "what may be given twice");
    ok(conf_type_is_plain(&conf_type_path) && !conf_type_is_plain(&conf_type_block)
       && !conf_type_is_plain(&conf_type_absent), "what needs nothing but its words");
    end(&run);
}

static void test_describe(void)
{
    static const struct conf_range both = { -1, 9 }, low = { 1, INT64_MAX };
    static const struct conf_range high = { INT64_MIN, 2 };
    static const struct {
        struct directive row;
        const char *text;
    } rows[] = {
        { { .type = &conf_type_flag }, "on | off" },
        { { .type = &conf_type_int }, "number" },
        { { .type = &conf_type_int, .arg = &both }, "number, -1 to 9" },
        { { .type = &conf_type_size, .arg = &low }, "size, at least 1" },
        { { .type = &conf_type_sec, .arg = &high }, "time in seconds, at most 2" },
        { { .type = &conf_type_enum, .max = 1, .arg = names }, "error | timeout | both | off" },
        { { .type = &conf_type_mask, .max = 9, .arg = names }, "error | timeout | both | off ..." },
        { { .type = &conf_type_absent, .arg = "why" }, "not built" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char text[128];
        struct fmt f;
        fmt_init(&f, text, sizeof(text));
        conf_type_describe(&rows[i].row, &f);
        is_str(fmt_done(&f).at, rows[i].text, "described, row %zu", i);
    }
}

int main(void)
{
    static const struct module *const none[] = { NULL };
    conf_register(none);
    test_flag();
    test_int();
    test_range();
    test_units_in_range();
    test_size();
    test_offset();
    test_msec();
    test_sec();
    test_bufs();
    test_text();
    test_lists();
    test_enum();
    test_mask();
    test_others();
    test_describe();
    return done_testing();
}
