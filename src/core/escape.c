/*
 * Escaping: runs of clean bytes are copied, the others replaced, by one table of classes.
 * Owns nothing.
 */
#include "core/escape.h"

enum class {
    URI = 1 << 0,
    ARGS = 1 << 1,
    COMPONENT = 1 << 2,
    REDIRECT = 1 << 3,
    KEY = 1 << 4,
    LOG = 1 << 5,
    LOG_CONTROL = 1 << 6,
    JSON = 1 << 7,
    HTML = 1 << 8,
    LINK = 1 << 9,
};

#define IS_CONTROL(c) ((c) < 0x20 || (c) == 0x7f)
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_LETTER(c) (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z')
#define IS_UNRESERVED(c) \
    (IS_DIGIT(c) || IS_LETTER(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~')
#define IS_REDIRECT(c) \
    (IS_CONTROL(c) || (c) > 0x7f || (c) == ' ' || (c) == '"' || (c) == '#' || (c) == '%')
#define IS_URI(c) \
    (IS_REDIRECT(c) || (c) == '<' || (c) == '>' || (c) == '?' || (c) == '\\' || (c) == '^' || \
     (c) == '`' || (c) == '{' || (c) == '|' || (c) == '}')

#define IS_LINK(c) ((IS_URI(c) && (c) != '?') || (c) == '\'')

#define CLASS(c) \
    ((IS_URI(c) ? URI : 0) | \
     (IS_URI(c) || (c) == '&' || (c) == '+' || (c) == ';' ? ARGS : 0) | \
     (IS_UNRESERVED(c) ? 0 : COMPONENT) | (IS_REDIRECT(c) ? REDIRECT : 0) | \
     ((c) <= ' ' || (c) == '%' ? KEY : 0) | \
     (IS_CONTROL(c) || (c) > 0x7f || (c) == '"' || (c) == '\\' ? LOG : 0) | \
     (IS_CONTROL(c) ? LOG_CONTROL : 0) | ((c) < 0x20 || (c) == '"' || (c) == '\\' ? JSON : 0) | \
     ((c) == '&' || (c) == '<' || (c) == '>' || (c) == '"' ? HTML : 0) | (IS_LINK(c) ? LINK : 0))

#define CLASS4(c) CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define CLASS16(c) CLASS4(c), CLASS4((c) + 4), CLASS4((c) + 8), CLASS4((c) + 12)
#define CLASS64(c) CLASS16(c), CLASS16((c) + 16), CLASS16((c) + 32), CLASS16((c) + 48)

static const uint16_t classes[256] = { CLASS64(0), CLASS64(64), CLASS64(128), CLASS64(192) };

static const char upper_hex[16] = "0123456789ABCDEF";

typedef void escape_one_fn(struct fmt *f, unsigned char c);

static void escape(struct fmt *f, struct str s, enum class set, escape_one_fn *one)
{
    size_t clean = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!(classes[(unsigned char)s.at[i]] & set))
            continue;
        fmt_str(f, str_of(s.at + clean, i - clean));
        one(f, (unsigned char)s.at[i]);
        clean = i + 1;
    }
    if (clean < s.len)
        fmt_str(f, str_of(s.at + clean, s.len - clean));
}

static void one_backslash(struct fmt *f, unsigned char c)
{
    const char text[] = { '\\', 'x', upper_hex[c >> 4], upper_hex[c & 15] };
    fmt_str(f, str_of(text, sizeof(text)));
}

/* Of eight bytes, where at least one must be escaped in a log a bit is set: control, quote or
 * backslash; without `bytes_stay` also what is above 126.  A borrow or carry from one byte to the
 * next comes only from such a byte. */
static uint64_t dirt(uint64_t word, bool bytes_stay)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
    const uint64_t quotes = word ^ (ones * '"'), slashes = word ^ (ones * '\\');
    const uint64_t dirt = ((word - ones * 0x20) & ~word) | ((quotes - ones) & ~quotes) |
                          ((slashes - ones) & ~slashes);
    return (bytes_stay ? dirt : dirt | word | (word + ones)) & tops;
}

/* Most texts are clean, and a look at eight bytes at a time shows it. */
static bool is_clean(struct str s, bool bytes_stay)
{
    uint64_t word;
    size_t i = 0;
    for (; s.len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, s.at + i, sizeof(word));
        if (dirt(word, bytes_stay))
            return false;
    }
    for (; i < s.len; i++)
        if (classes[(unsigned char)s.at[i]] & (bytes_stay ? JSON : LOG))
            return false;
    return true;
}

void escape_log(struct fmt *f, struct str s)
{
    if (is_clean(s, false))
        fmt_str(f, s);
    else
        escape(f, s, LOG, one_backslash);
}

void escape_log_controls(struct fmt *f, struct str s)
{
    escape(f, s, LOG_CONTROL, one_backslash);
}

static char json_letter(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void one_json(struct fmt *f, unsigned char c)
{
    const char letter = json_letter(c);
    const char brief[] = { '\\', letter };
    const char full[] = { '\\', 'u', '0', '0', upper_hex[c >> 4], upper_hex[c & 15] };
    fmt_str(f, letter ? str_of(brief, sizeof(brief)) : str_of(full, sizeof(full)));
}

void escape_json(struct fmt *f, struct str s)
{
    if (is_clean(s, true))
        fmt_str(f, s);
    else
        escape(f, s, JSON, one_json);
}

static void one_html(struct fmt *f, unsigned char c)
{
    fmt_text(f, c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;");
}

void escape_html(struct fmt *f, struct str s)
{
    escape(f, s, HTML, one_html);
}

static void one_percent(struct fmt *f, unsigned char c)
{
    const char text[] = { '%', upper_hex[c >> 4], upper_hex[c & 15] };
    fmt_str(f, str_of(text, sizeof(text)));
}

void escape_uri(struct fmt *f, struct str s, enum escape_set set)
{
    static const enum class sets[] = { URI, ARGS, COMPONENT, REDIRECT, KEY, LINK };
    escape(f, s, sets[set], one_percent);
}
