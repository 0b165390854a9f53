/*
 * Listings: their order, each format's words, names of every length, sizes at every limit.
 * Owns one builder for the time of a test.
 */
#include "http/listing.c"

#include "t/unit/tap.h"

static char bytes[64 << 10];

static struct listing_entry file(const char *name, int64_t size)
{
    return (struct listing_entry){ .name = str_from(name), .kind = LISTING_FILE,
                                   .time = 1700000000, .size = size };
}

static const char *shown(const struct listing_style *style, const struct listing_entry *entry,
                         bool first)
{
    struct fmt f;
    fmt_init(&f, bytes, sizeof(bytes));
    listing_add(&f, style, entry, first);
    return fmt_done(&f).at;
}

/* --- the order -------------------------------------------------------------------------------- */

static void test_order(void)
{
    struct listing_heap heap = { 0 };
    struct listing_entry entries[] = {
        file("b", 0), file("B", 0), file("a", 0), file("aa", 0), file("", 0), file("\xff", 0),
        file("z", 0), file("c", 0), file("10", 0), file("9", 0),
    };
    static const char *const order[] = { "c", "z", "", "10", "9", "B", "a", "aa", "b", "\xff" };
    ok(!listing_pop(&heap), "nothing in an empty heap");
    entries[6].kind = entries[7].kind = LISTING_FOLDER;
    entries[2].kind = LISTING_OTHER;
    for (unsigned i = 0; i < countof(entries); i++)
        ok(listing_push(&heap, &entries[i]), "entry %u", i);
    for (unsigned i = 0; i < countof(order); i++) {
        const struct listing_entry *entry = listing_pop(&heap);
        ok(entry && str_eq(entry->name, str_from(order[i])), "\"%s\" is number %u", order[i], i);
    }
    ok(!listing_pop(&heap), "then it is empty");
    listing_free(&heap);
}

static void test_many(void)
{
    enum { MANY = 5000 };
    struct listing_heap heap = { 0 };
    struct listing_entry *entries = calloc(MANY, sizeof(*entries));
    char (*names)[8] = calloc(MANY, sizeof(*names));
    bool pushed = true, ordered = true;
    unsigned random = 1, count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        struct fmt f;
        random = random * 1103515245 + 12345;
        fmt_init(&f, names[i], sizeof(names[i]));
        fmt_print(&f, "%u", random >> 16 & 0xfff);
        entries[i] = file(fmt_done(&f).at, 0);
        entries[i].kind = random >> 28 & 1 ? LISTING_FOLDER : LISTING_FILE;
        pushed = pushed && listing_push(&heap, &entries[i]);
    }
    ok(pushed, "many entries");
    const struct listing_entry *last = NULL, *entry;
    for (; (entry = listing_pop(&heap)) != NULL; last = entry, count++)
        ordered = ordered && (!last || !before(entry, last));
    is_uint(count, MANY, "all come back");
    ok(ordered, "in order, equal names too");
    listing_free(&heap);
    ok(heap.count == 0 && !heap.at, "a heap that was freed is empty");
    free(names);
    free(entries);
}

/* --- HTML ------------------------------------------------------------------------------------- */

static const char *size_of(int64_t size, bool exact)
{
    const struct listing_style style = { .format = LISTING_HTML, .exact = exact };
    const struct listing_entry entry = file("n", size);
    const struct str line = str_from(shown(&style, &entry, true));
    struct str end;
    if (!str_from_off(line, strlen("<a href=\"n\">n</a>") + 50 + 17, &end))
        return "";
    bytes[line.len - 2] = '\0';
    return end.at;
}

static void test_sizes(void)
{
    static const struct {
        int64_t size;
        const char *text;
    } sizes[] = {
        { 0, "       0" }, { 9999, "    9999" }, { 10000, "     10K" }, { 10239, "     10K" },
        { 10751, "     10K" }, { 10752, "     11K" }, { 1048063, "   1023K" },
        { 1048064, "   1024K" }, { 1048575, "   1024K" }, { 1048576, "      1M" },
        { 1572863, "      1M" }, { 1572864, "      2M" }, { 1073741823, "   1024M" },
        { 1073741824, "      1G" }, { 1610612735, "      1G" }, { 1610612736, "      2G" },
        { 1073741824000, "   1000G" }, { INT64_MAX, " 8589934592G" },
    };
    for (unsigned i = 0; i < countof(sizes); i++)
        is_str(size_of(sizes[i].size, false), sizes[i].text, "%lld rounded",
               (long long)sizes[i].size);
    is_str(size_of(1048577, true), "             1048577", "exact");
    is_str(size_of(INT64_MAX, true), " 9223372036854775807", "the largest, exact");
}

static void test_html_lines(void)
{
    const struct listing_style style = { .format = LISTING_HTML, .exact = true };
    struct listing_entry entry = file("<b>\"&'", 1);
    is_str(shown(&style, &entry, true),
           "<a href=\"%3Cb%3E%22%26%27\">&lt;b&gt;&quot;&amp;'</a>"
           "                                             14-Nov-2023 22:13"
           "                   1\r\n", "escapes do not count");
    entry.kind = LISTING_FOLDER;
    entry.offset = 19800;
    entry.name = STR("a:b");
    is_str(shown(&style, &entry, false),
           "<a href=\"a%3Ab/\">a:b/</a>                                               "
           "15-Nov-2023 03:43                   -\r\n", "a folder, five and a half hours east");
}

/* The text between ">" and "</a>", and how many blanks follow it. */
static void check_name(const char *name, size_t len, bool folder, bool utf8, const char *text,
                       unsigned blanks)
{
    const struct listing_style style = { .format = LISTING_HTML, .exact = true, .utf8 = utf8 };
    struct listing_entry entry = file("", 0);
    entry.name = str_of(name, len);
    entry.kind = folder ? LISTING_FOLDER : LISTING_FILE;
    struct str line = str_from(shown(&style, &entry, true)), rest;
    unsigned n = 0;
    const ssize_t from = str_chr(line, '>'), to = str_find(line, STR("</a>"));
    ok(from > 0 && to > from && str_sub(line, (size_t)from + 1, (size_t)(to - from) - 1, &rest),
       "there is a name");
    is_mem(rest.at, rest.len, text, strlen(text), "%zu bytes%s%s", len, folder ? ", a folder" : "",
           utf8 ? ", as UTF-8" : "");
    while (line.at[(size_t)to + 4 + n] == ' ')
        n++;
    is_uint(n, blanks, "and %u blanks", blanks);
}

#define TEN "xxxxxxxxxx"
#define FORTY TEN TEN TEN TEN
#define E7 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"

static void test_lengths(void)
{
    static const char name[] = FORTY TEN TEN;
    static const char e49[] = E7 E7 E7 E7 E7 E7 E7;
    check_name(name, 1, false, false, "x", 50);
    check_name(name, 49, false, false, FORTY "xxxxxxxxx", 2);
    check_name(name, 50, false, false, FORTY TEN, 1);
    check_name(name, 51, false, false, FORTY "xxxxxxx..&gt;", 1);
    check_name(name, 60, false, false, FORTY "xxxxxxx..&gt;", 1);
    check_name(name, 48, true, false, FORTY "xxxxxxxx/", 2);
    check_name(name, 49, true, false, FORTY "xxxxxxxxx/", 1);
    check_name(name, 50, true, false, FORTY TEN, 1);
    check_name(name, 51, true, false, FORTY "xxxxxxx..&gt;", 1);
    check_name(e49, 98, false, true, e49, 2);
    check_name(e49, 98, false, false, E7 E7 E7 "\xc3\xa9\xc3\xa9\xc3..&gt;", 1);
    check_name(E7 E7 E7 E7 E7 E7 E7 E7, 112, false, true,
               E7 E7 E7 E7 E7 E7 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9..&gt;", 1);
    check_name("\x80\x80\x80", 3, false, true, "\x80\x80\x80", 50);
}

/* --- the other formats ------------------------------------------------------------------------ */

static const char *whole(enum listing_format format, bool empty)
{
    const struct listing_style style = { .format = format, .path = STR("/<a>/"),
                                         .callback = STR("call") };
    const struct listing_entry a = file("a\"\n", 5);
    struct listing_entry b = file("b&", 6);
    struct fmt f;
    b.kind = LISTING_OTHER;
    b.time = 0;
    b.offset = 3600;
    fmt_init(&f, bytes, sizeof(bytes));
    listing_begin(&f, &style);
    if (!empty) {
        listing_add(&f, &style, &a, true);
        listing_add(&f, &style, &b, false);
    }
    listing_end(&f, &style, empty);
    return fmt_done(&f).at;
}

#define JSON "{ \"name\":\"a\\\"\\n\", \"type\":\"file\"," \
    " \"mtime\":\"Tue, 14 Nov 2023 22:13:20 GMT\", \"size\":5 },\r\n" \
    "{ \"name\":\"b&\", \"type\":\"other\", \"mtime\":\"Thu, 01 Jan 1970 00:00:00 GMT\" }"

static void test_formats(void)
{
    is_str(whole(LISTING_HTML, true),
           "<html>\r\n<head><title>Index of /&lt;a&gt;/</title></head>\r\n<body>\r\n"
           "<h1>Index of /&lt;a&gt;/</h1><hr><pre><a href=\"../\">../</a>\r\n"
           "</pre><hr></body>\r\n</html>\r\n", "an empty folder in HTML");
    is_str(whole(LISTING_JSON, true), "[\r\n]", "in JSON");
    is_str(whole(LISTING_JSONP, true), "/* callback */\r\ncall([\r\n]);", "in JSONP");
    is_str(whole(LISTING_XML, true), "<?xml version=\"1.0\"?>\r\n<list>\r\n</list>\r\n", "in XML");
    is_str(whole(LISTING_JSON, false), "[\r\n" JSON "\r\n]", "two entries in JSON");
    is_str(whole(LISTING_JSONP, false), "/* callback */\r\ncall([\r\n" JSON "\r\n]);",
           "in JSONP");
    is_str(whole(LISTING_XML, false),
           "<?xml version=\"1.0\"?>\r\n<list>\r\n"
           "<file mtime=\"2023-11-14T22:13:20Z\" size=\"5\">a&quot;\n</file>\r\n"
           "<other mtime=\"1970-01-01T00:00:00Z\">b&amp;</other>\r\n</list>\r\n", "in XML");
}

/* What one entry makes at most: the worst byte of each format, as often as a name may have it. */
static void test_most(void)
{
    static const char worst[] = { '"', '\x01', '&', '\xff' };
    char name[LISTING_NAME_MOST];
    for (unsigned i = 0; i < countof(worst); i++)
        for (int format = LISTING_HTML; format <= LISTING_XML; format++)
            for (int utf8 = 0; utf8 < 2; utf8++) {
                const struct listing_style style = { .format = (enum listing_format)format,
                                                     .utf8 = utf8, .exact = true };
                struct listing_entry entry = file("", INT64_MAX);
                memset(name, worst[i], sizeof(name));
                entry.name = str_of(name, sizeof(name));
                entry.time = INT64_MAX;
                ok(strlen(shown(&style, &entry, false)) > sizeof(name)
                   && strlen(bytes) <= LISTING_ENTRY_MOST, "byte %d in format %d", worst[i],
                   format);
            }
}

static void test_callback(void)
{
    ok(listing_is_callback(STR("my_list.Items_2")), "a name with dots");
    ok(listing_is_callback(STR("1")), "digits");
    static const char *const bad[] = { "a(b", "a b", "a-b", "$", "a[1]", "\xc3\xa9", "<", "a;",
                                       "a%41", "@", "[", "`", "{", "/", ":" };
    for (unsigned i = 0; i < countof(bad); i++)
        ok(!listing_is_callback(str_from(bad[i])), "not \"%s\"", bad[i]);
    ok(!listing_is_callback(str_of("a\0b", 3)), "nor a NUL");
}

int main(void)
{
    test_order();
    test_many();
    test_sizes();
    test_html_lines();
    test_lengths();
    test_formats();
    test_most();
    test_callback();
    return done_testing();
}
