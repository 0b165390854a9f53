/*
 * Listings of folders, byte for byte as nginx writes them.  Owns the slots of the heap.
 */
#include "http/listing.h"

#include "core/date.h"
#include "core/escape.h"

enum { NAME_WIDTH = 50, NAME_CUT = 47, EXACT_WIDTH = 19, ROUND_WIDTH = 7, ROUND_FROM = 10000 };

/* --- the order -------------------------------------------------------------------------------- */

static bool before(const struct listing_entry *a, const struct listing_entry *b)
{
    const bool folder = a->kind == LISTING_FOLDER;
    if (folder != (b->kind == LISTING_FOLDER))
        return folder;
    return str_cmp(a->name, b->name) < 0;
}

bool listing_push(struct listing_heap *heap, struct listing_entry *entry)
{
    size_t i = heap->count;
    if (i == heap->room) {
        const size_t room = heap->room ? heap->room * 2 : 64;
        struct listing_entry **grown = reallocarray(heap->at, room, sizeof(*grown));
        if (!grown)
            return false;
        heap->at = grown;
        heap->room = room;
    }
    heap->count++;
    for (; i > 0 && before(entry, heap->at[(i - 1) / 2]); i = (i - 1) / 2)
        heap->at[i] = heap->at[(i - 1) / 2];
    heap->at[i] = entry;
    return true;
}

struct listing_entry *listing_pop(struct listing_heap *heap)
{
    if (heap->count == 0)
        return NULL;
    struct listing_entry *first = heap->at[0], *moved = heap->at[--heap->count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < heap->count) {
        if (child + 1 < heap->count && before(heap->at[child + 1], heap->at[child]))
            child++;
        if (!before(heap->at[child], moved))
            break;
        heap->at[i] = heap->at[child];
        i = child;
    }
    heap->at[i] = moved;
    return first;
}

void listing_free(struct listing_heap *heap)
{
    free(heap->at);
    *heap = (struct listing_heap){ 0 };
}

/* --- HTML ------------------------------------------------------------------------------------- */

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The first `most` characters of a name, or bytes; how many there are in all. */
static size_t measure(struct str name, bool utf8, size_t most, struct str *cut)
{
    size_t n = 0;
    *cut = name;
    for (size_t i = 0; i < name.len; i++) {
        if (utf8 && i > 0 && continues(name.at[i]))
            continue;
        if (n++ == most)
            *cut = str_of(name.at, i);
    }
    return n;
}

static void add_date(struct fmt *f, int64_t time)
{
    struct date date;
    date_split(time, &date);
    fmt_print(f, "%02u-%s-%04d %02u:%02u", date.day, date_months[date.month - 1], date.year,
              date.hour, date.minute);
}

static void add_right(struct fmt *f, int width, int64_t size, const char *unit)
{
    fmt_print(f, " %*lld%s", unit[0] ? width - 1 : width, (long long)size, unit);
}

/* To the nearest, halves up. */
static int64_t rounded(int64_t size, unsigned shift)
{
    return (size >> shift) + ((size >> (shift - 1)) & 1);
}

static void add_size(struct fmt *f, const struct listing_entry *entry, bool exact)
{
    if (entry->kind == LISTING_FOLDER)
        fmt_print(f, " %*s", exact ? EXACT_WIDTH : ROUND_WIDTH, "-");
    else if (exact)
        add_right(f, EXACT_WIDTH, entry->size, "");
    else if (entry->size >= 1 << 30)
        add_right(f, ROUND_WIDTH, rounded(entry->size, 30), "G");
    else if (entry->size >= 1 << 20)
        add_right(f, ROUND_WIDTH, rounded(entry->size, 20), "M");
    else if (entry->size >= ROUND_FROM)
        add_right(f, ROUND_WIDTH, rounded(entry->size, 10), "K");
    else
        add_right(f, ROUND_WIDTH, entry->size, "");
}

static void add_html(struct fmt *f, const struct listing_style *style,
                     const struct listing_entry *entry)
{
    const bool folder = entry->kind == LISTING_FOLDER;
    struct str shown;
    const size_t width = measure(entry->name, style->utf8, NAME_WIDTH, &shown);
    fmt_text(f, "<a href=\"");
    escape_uri(f, entry->name, ESCAPE_COMPONENT);
    fmt_text(f, folder ? "/\">" : "\">");
    if (width > NAME_WIDTH)
        measure(entry->name, style->utf8, NAME_CUT, &shown);
    escape_html(f, shown);
    if (width > NAME_WIDTH)
        fmt_text(f, "..&gt;</a> ");
    else {
        fmt_text(f, folder && width < NAME_WIDTH ? "/</a>" : "</a>");
        fmt_repeat(f, ' ', NAME_WIDTH + 1 - width - (folder && width < NAME_WIDTH));
    }
    add_date(f, entry->time + entry->offset);
    add_size(f, entry, style->exact);
    fmt_text(f, "\r\n");
}

/* --- JSON and XML ----------------------------------------------------------------------------- */

static const char *const kinds[] = { [LISTING_FOLDER] = "directory", [LISTING_FILE] = "file",
                                     [LISTING_OTHER] = "other" };

static void add_json(struct fmt *f, const struct listing_entry *entry, bool first)
{
    char time[DATE_HTTP];
    fmt_text(f, first ? "{ \"name\":\"" : ",\r\n{ \"name\":\"");
    escape_json(f, entry->name);
    fmt_print(f, "\", \"type\":\"%s\", \"mtime\":\"%s\"", kinds[entry->kind],
              date_http(entry->time, time).at);
    if (entry->kind == LISTING_FILE)
        fmt_print(f, ", \"size\":%lld", (long long)entry->size);
    fmt_text(f, " }");
}

static void add_xml(struct fmt *f, const struct listing_entry *entry)
{
    struct date date;
    date_split(entry->time, &date);
    fmt_print(f, "<%s mtime=\"%04d-%02u-%02uT%02u:%02u:%02uZ\"", kinds[entry->kind], date.year,
              date.month, date.day, date.hour, date.minute, date.second);
    if (entry->kind == LISTING_FILE)
        fmt_print(f, " size=\"%lld\"", (long long)entry->size);
    fmt_char(f, '>');
    escape_html(f, entry->name);
    fmt_print(f, "</%s>\r\n", kinds[entry->kind]);
}

/* ---------------------------------------------------------------------------------------------- */

void listing_begin(struct fmt *f, const struct listing_style *style)
{
    switch (style->format) {
    case LISTING_HTML:
        fmt_text(f, "<html>\r\n<head><title>Index of ");
        escape_html(f, style->path);
        fmt_text(f, "</title></head>\r\n<body>\r\n<h1>Index of ");
        escape_html(f, style->path);
        fmt_text(f, "</h1><hr><pre><a href=\"../\">../</a>\r\n");
        return;
    case LISTING_JSONP:
        fmt_print(f, "/* callback */\r\n%.*s(", STR_FMT(style->callback));
        fmt_text(f, "[\r\n");
        return;
    case LISTING_JSON:
        fmt_text(f, "[\r\n");
        return;
    case LISTING_XML:
        fmt_text(f, "<?xml version=\"1.0\"?>\r\n<list>\r\n");
        return;
    }
}

void listing_add(struct fmt *f, const struct listing_style *style,
                 const struct listing_entry *entry, bool first)
{
    switch (style->format) {
    case LISTING_HTML:
        add_html(f, style, entry);
        return;
    case LISTING_JSONP:
    case LISTING_JSON:
        add_json(f, entry, first);
        return;
    case LISTING_XML:
        add_xml(f, entry);
        return;
    }
}

void listing_end(struct fmt *f, const struct listing_style *style, bool empty)
{
    switch (style->format) {
    case LISTING_HTML:
        fmt_text(f, "</pre><hr></body>\r\n</html>\r\n");
        return;
    case LISTING_JSONP:
        fmt_text(f, empty ? "]);" : "\r\n]);");
        return;
    case LISTING_JSON:
        fmt_text(f, empty ? "]" : "\r\n]");
        return;
    case LISTING_XML:
        fmt_text(f, "</list>\r\n");
        return;
    }
}

bool listing_is_callback(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = str_lower_char(name.at[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
            return false;
    }
    return true;
}
