/*
 * Diagnostics: collected in the order of the text, printed for people and for tools.
 * Owns nothing: diagnostics and notes lie in the pool of their list.
 */
#include "core/conf.h"
#include "core/json.h"

enum {
    ERROR_LIMIT = 25,
    MESSAGE_MAX = 2048,                 /* a word of megabytes may be part of a message */
    WINDOW = 120,                       /* bytes of a long line that are shown */
    BEFORE = 60,                        /* of these, how many before the place */
    NEAREST_MAX = 48,
};

static const struct {
    const char *code, *what;
} warnings[] = {
#define WARNING(code, what) { code, what },
#include "core/warning.def"
#undef WARNING
};

_Static_assert(countof(warnings) <= 64, "diag_list.silent has a bit for each");

/* --- text that people see --------------------------------------------------------------------- */

static unsigned byte_at(struct str s, size_t at)
{
    return at < s.len ? (unsigned char)s.at[at] : 0;
}

static bool utf8_tails(struct str s, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if ((byte_at(s, i) & 0xc0) != 0x80)
            return false;
    return len <= s.len;
}

/* The length of the character that `s` begins with, and its code; 1 and no code for a byte that
 * begins none. */
static size_t utf8_char(struct str s, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned first = byte_at(s, 0);
    const size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
        : first < 0xf5 ? 4 : 0;
    *code = UINT32_MAX;
    if (len == 0 || !utf8_tails(s, len))
        return 1;
    uint32_t all = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        all = all << 6 | (byte_at(s, i) & 0x3f);
    if (all < least[len] || all > 0x10ffff || (all >= 0xd800 && all <= 0xdfff))
        return 1;
    *code = all;
    return len;
}

static bool between(uint32_t code, uint32_t low, uint32_t high)
{
    return code >= low && code <= high;
}

/* Neither controls, nor what has no width or turns the direction of the line. */
static bool printable(uint32_t code)
{
    return code != UINT32_MAX && code >= 0x20 && !between(code, 0x7f, 0x9f) && code != 0xad
        && !between(code, 0x200b, 0x200f) && !between(code, 0x2028, 0x202e)
        && !between(code, 0x2060, 0x206f) && code != 0xfeff;
}

/* Appends the first character of `s` so that it can be seen; returns its bytes. */
static size_t show_char(struct fmt *f, struct str s, size_t *columns)
{
    uint32_t code;
    const size_t len = utf8_char(s, &code);
    *columns = 1;
    if (printable(code)) {
        fmt_str(f, str_of(s.at, len));
        return len;
    }
    for (size_t i = 0; i < len; i++)
        fmt_print(f, "\\x%02X", byte_at(s, i));
    *columns = 4 * len;
    return len;
}

static void show_text(struct fmt *f, struct str s)
{
    size_t columns;
    while (s.len > 0) {
        const size_t len = show_char(f, s, &columns);
        s = str_of(s.at + len, s.len - len);
    }
}

/* --- the excerpt ------------------------------------------------------------------------------ */

struct excerpt {
    struct str line;                    /* what is shown of it */
    size_t from, len;                   /* the place, within that */
    bool cut_before, cut_behind;
};

/* A long line is cut around the place, between characters. */
static void cut_long(struct excerpt *e)
{
    const struct str line = e->line;
    size_t start = e->from > BEFORE ? e->from - BEFORE : 0;
    if (line.len <= WINDOW)
        return;
    while (start < e->from && (byte_at(line, start) & 0xc0) == 0x80)
        start++;
    size_t end = size_min(line.len, start + WINDOW);
    while (end < line.len && (byte_at(line, end) & 0xc0) == 0x80)
        end++;
    e->cut_before = start > 0;
    e->cut_behind = end < line.len;
    e->from -= start;
    e->len = size_min(e->len, end - start - e->from);
    ASSERT(str_sub(line, start, end - start, &e->line));
}

/* False: there is nothing to see at this place. */
static bool find_excerpt(const struct diag_place *place, struct excerpt *e)
{
    struct str rest;
    const size_t column = place->column > 0 ? place->column - 1 : 0;
    if (!place->file || column > place->offset)
        return false;
    if (!str_from_off(place->file->text, place->offset - column, &rest))
        return false;
    *e = (struct excerpt){ .from = column };
    str_cut(rest, '\n', &e->line, &rest);
    if (str_ends(e->line, STR("\r")))
        e->line.len--;
    if (column > e->line.len || str_empty(str_trim(e->line)))
        return false;
    e->len = size_min(size_max(place->len, 1), e->line.len - column);
    cut_long(e);
    return true;
}

static void show_line(struct fmt *f, const struct excerpt *e)
{
    if (e->cut_before)
        fmt_text(f, "...");
    for (struct str s = e->line; s.len > 0;) {
        size_t len = 1, columns;
        if (*s.at == '\t')
            fmt_char(f, '\t');
        else
            len = show_char(f, s, &columns);
        s = str_of(s.at + len, s.len - len);
    }
    fmt_text(f, e->cut_behind ? "...\n" : "\n");
}

/* Tabs stay tabs, so that the caret stands below its place however wide they are. */
static void show_caret(struct fmt *f, const struct excerpt *e)
{
    char unseen[64];
    fmt_repeat(f, ' ', e->cut_before ? 3 : 0);
    for (size_t at = 0; at < e->from + e->len;) {
        size_t columns = 1, len = 1;
        struct str rest = STR_NONE;
        struct fmt none;
        fmt_init(&none, unseen, sizeof(unseen));
        ASSERT(str_from_off(e->line, at, &rest));
        if (byte_at(rest, 0) != '\t')
            len = show_char(&none, rest, &columns);
        if (at >= e->from)
            fmt_repeat(f, '^', columns);
        else if (byte_at(rest, 0) == '\t')
            fmt_char(f, '\t');
        else
            fmt_repeat(f, ' ', columns);
        at += len;
    }
    fmt_text(f, e->len == 0 ? "^\n" : "\n");
}

static void show_excerpt(struct fmt *f, const struct diag_place *place)
{
    struct excerpt e;
    char gutter[32];
    struct fmt g;
    if (!find_excerpt(place, &e))
        return;
    fmt_init(&g, gutter, sizeof(gutter));
    if (place->file->command_line)
        fmt_text(&g, "-g");
    else
        fmt_print(&g, "%u:%u", place->line, place->column);
    fmt_print(f, "%8s | ", fmt_done(&g).at);
    show_line(f, &e);
    fmt_repeat(f, ' ', size_max(g.len, 8));
    fmt_text(f, " | ");
    show_caret(f, &e);
}

static void show_place(struct fmt *f, const struct diag_place *place, bool column)
{
    show_text(f, place->file->path);
    if (place->file->command_line)
        return;
    fmt_print(f, ":%u", place->line);
    if (column)
        fmt_print(f, ":%u", place->column);
}

static void show_note(struct fmt *f, const struct diag_note *note)
{
    if (note->place.file) {
        show_place(f, &note->place, true);
        fmt_text(f, ": ");
    }
    show_text(f, note->text);
}

static const struct diag_place *included_at(const struct conf_file *file)
{
    return file->included_by ? &file->included_by->words[0].place : NULL;
}

void diag_line(const struct diag *d, struct fmt *f)
{
    show_text(f, d->message);
    if (!d->place.file)
        return;
    fmt_text(f, " in ");
    show_place(f, &d->place, false);
}

void diag_details(const struct diag *d, struct fmt *f)
{
    show_excerpt(f, &d->place);
    for (const struct diag_note *note = d->notes; note; note = note->next) {
        fmt_text(f, "    ");
        show_note(f, note);
        fmt_char(f, '\n');
        show_excerpt(f, &note->place);
    }
    if (d->level == DIAG_WARN)
        fmt_print(f, "    (--no-warn %s)\n", d->code);
    if (!d->place.file)
        return;
    for (const struct diag_place *at = included_at(d->place.file); at; at = included_at(at->file)) {
        fmt_text(f, "    included from ");
        show_place(f, at, false);
        fmt_char(f, '\n');
    }
}

/* --- for tools -------------------------------------------------------------------------------- */

static void json_place(struct json *j, const struct diag_place *place, bool column)
{
    if (!place->file)
        return;
    json_key(j, STR("file"));
    json_str(j, place->file->path);
    json_key(j, STR("line"));
    json_u64(j, place->line);
    if (!column)
        return;
    json_key(j, STR("column"));
    json_u64(j, place->column);
    json_key(j, STR("length"));
    json_u64(j, place->len);
}

static void json_notes(struct json *j, const struct diag *d)
{
    json_key(j, STR("notes"));
    json_array_begin(j);
    for (const struct diag_note *note = d->notes; note; note = note->next) {
        json_object_begin(j);
        json_key(j, STR("text"));
        json_str(j, note->text);
        json_place(j, &note->place, true);
        json_object_end(j);
    }
    json_array_end(j);
}

static void json_includes(struct json *j, const struct diag *d)
{
    const struct diag_place *at = d->place.file ? included_at(d->place.file) : NULL;
    json_key(j, STR("includes"));
    json_array_begin(j);
    for (; at; at = included_at(at->file)) {
        json_object_begin(j);
        json_place(j, at, false);
        json_object_end(j);
    }
    json_array_end(j);
}

static const char *level_name(enum diag_level level)
{
    switch (level) {
    case DIAG_EMERG:
        return "emerg";
    case DIAG_WARN:
        return "warn";
    case DIAG_NOTICE:
        return "notice";
    }
    return "emerg";
}

void diag_json(const struct diag *d, struct fmt *f)
{
    struct json j;
    json_init(&j, f);
    json_object_begin(&j);
    json_key(&j, STR("level"));
    json_str(&j, str_from(level_name(d->level)));
    json_key(&j, STR("code"));
    json_str(&j, str_from(d->code));
    json_key(&j, STR("message"));
    json_str(&j, d->message);
    json_place(&j, &d->place, true);
    json_notes(&j, d);
    json_includes(&j, d);
    json_object_end(&j);
}

/* --- the nearest word ------------------------------------------------------------------------- */

static size_t least_of(size_t a, size_t b, size_t c)
{
    return size_min(a, size_min(b, c));
}

/* How many letters must be changed, left out, put in or swapped with the next. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NEAREST_MAX + 1] = { { 0 } };
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *two_up = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const char c = str_lower_char(a.at[i - 1]), d = str_lower_char(b.at[j - 1]);
            row[j] = least_of(up[j] + 1, row[j - 1] + 1, up[j - 1] + (c != d));
            if (i > 1 && j > 1 && c == str_lower_char(b.at[j - 2])
                && d == str_lower_char(a.at[i - 2]))
                row[j] = size_min(row[j], two_up[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *diag_nearest(struct str word, const char *(*next)(void *state), void *state)
{
    /* One slip in a word of two to five letters, two up to nine, and so on. */
    size_t best = (word.len + 2) / 4 + 1;
    const char *nearest = NULL;
    if (word.len > NEAREST_MAX)
        return NULL;
    for (const char *name = next(state); name; name = next(state)) {
        const struct str other = str_from(name);
        if (other.len > NEAREST_MAX || other.len >= word.len + best || word.len >= other.len + best)
            continue;
        const size_t slips = distance(word, other);
        if (slips < best) {
            best = slips;
            nearest = name;
        }
    }
    return nearest;
}

/* --- collecting ------------------------------------------------------------------------------- */

static size_t include_depth(const struct conf_file *file)
{
    size_t depth = 0;
    for (; file->included_by; file = included_at(file)->file)
        depth++;
    return depth;
}

static bool read_before(const struct conf_file *a, const struct conf_file *b)
{
    while (a && a != b)
        a = a->next;
    return a != NULL;
}

/* Both places are traced back to the file that they have in common: there the order is plain, but
 * for files of the same statement (the include of a pattern). */
static bool stands_before(const struct diag_place *a, const struct diag_place *b)
{
    if (!a->file || !b->file)
        return a->file && !b->file;
    const struct conf_file *from_a = a->file, *from_b = b->file;
    size_t deep_a = include_depth(a->file), deep_b = include_depth(b->file);
    while (a->file != b->file && (deep_a > 0 || deep_b > 0)) {
        const bool up_a = deep_a >= deep_b, up_b = deep_b >= deep_a;
        from_a = a->file;
        from_b = b->file;
        if (up_a) {
            a = included_at(a->file);
            deep_a--;
        }
        if (up_b) {
            b = included_at(b->file);
            deep_b--;
        }
    }
    if (a->file != b->file)
        return a->file->command_line && !b->file->command_line;
    if (a == b)
        return from_a != from_b && read_before(from_a, from_b);
    return a->offset < b->offset;
}

static bool same_file(const struct conf_file *a, const struct conf_file *b)
{
    return a == b || (a && b && str_eq(a->path, b->path));
}

/* A file that is included in many places says what is wrong in it once. */
static bool known(const struct diag_list *list, const struct diag *d)
{
    for (const struct diag *other = list->first; other; other = other->next)
        if (other->place.offset == d->place.offset && other->level == d->level
            && same_file(other->place.file, d->place.file) && str_eq(other->message, d->message))
            return true;
    return false;
}

static void insert(struct diag_list *list, struct diag *d)
{
    struct diag **at = list->end;
    const bool in_order = !list->first
        || !stands_before(&d->place, &container_of(list->end, struct diag, next)->place);
    if (!in_order)
        for (at = &list->first; !stands_before(&d->place, &(*at)->place);)
            at = &(*at)->next;
    d->next = *at;
    *at = d;
    if (!d->next)
        list->end = &d->next;
}

void diag_init(struct diag_list *list, struct pool *pool)
{
    *list = (struct diag_list){ .pool = pool, .end = &list->first, .limit = ERROR_LIMIT };
}

uint64_t diag_warning(struct str code)
{
    for (unsigned i = 0; i < countof(warnings); i++)
        if (str_eq(code, str_from(warnings[i].code)))
            return UINT64_C(1) << i;
    return 0;
}

void diag_list_warnings(struct fmt *f)
{
    for (unsigned i = 0; i < countof(warnings); i++)
        fmt_print(f, "  %-22s: %s\n", warnings[i].code, warnings[i].what);
}

PRINTF_LIKE(2, 0)
static struct str make_text(struct diag_list *list, const char *format, va_list args)
{
    char buffer[MESSAGE_MAX];
    struct fmt f;
    fmt_init_cut(&f, buffer, sizeof(buffer));
    fmt_vprint(&f, format, args);
    const struct str text = fmt_done(&f);
    return f.failed ? fmt_pool(list->pool, "%.*s...", STR_FMT(text)) : pool_str(list->pool, text);
}

struct diag *diag_vadd(struct diag_list *list, enum diag_level level, const char *code,
                       struct diag_place place, const char *format, va_list args)
{
    struct diag *d = pool_new(list->pool, struct diag);
    *d = (struct diag){
        .level = level,
        .code = code,
        .message = make_text(list, format, args),
        .place = place,
        .notes_end = &d->notes,
    };
    if (known(list, d) || (level == DIAG_WARN && list->silent & diag_warning(str_from(code))))
        return d;
    if (level == DIAG_WARN)
        list->warnings++;
    if (level == DIAG_EMERG && list->errors++ >= list->limit)
        return d;
    insert(list, d);
    return d;
}

struct diag *diag_add(struct diag_list *list, enum diag_level level, const char *code,
                      struct diag_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diag *d = diag_vadd(list, level, code, place, format, args);
    va_end(args);
    return d;
}

static void add_note(struct diag_list *list, struct diag *d, struct diag_place place,
                     struct str text)
{
    struct diag_note *note = pool_new(list->pool, struct diag_note);
    *note = (struct diag_note){ .text = text, .place = place };
    *d->notes_end = note;
    d->notes_end = &note->next;
}

void diag_note(struct diag_list *list, struct diag *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(list, d, (struct diag_place){ 0 }, make_text(list, format, args));
    va_end(args);
}

void diag_note_at(struct diag_list *list, struct diag *d, struct diag_place place,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(list, d, place, make_text(list, format, args));
    va_end(args);
}
