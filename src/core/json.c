/*
 * Writing JSON into the bounded builder.
 * Owns nothing.
 */
#include "core/json.h"

#include "core/escape.h"

void json_init(struct json *j, struct fmt *f)
{
    *j = (struct json){ .f = f };
}

/* Before a value or a key. */
static void comma(struct json *j)
{
    if (j->comma)
        fmt_char(j->f, ',');
    j->comma = true;
}

static void begin(struct json *j, char c)
{
    comma(j);
    fmt_char(j->f, c);
    j->comma = false;
    j->depth++;
}

static void end(struct json *j, char c)
{
    ASSERT(j->depth > 0);
    fmt_char(j->f, c);
    j->comma = true;
    j->depth--;
}

static unsigned char byte_at(struct str s, size_t i)
{
    return i < s.len ? (unsigned char)s.at[i] : 0;
}

/* RFC 3629: the length of the character that `s` begins with; 0: it is none.  The second byte's
 * range keeps out what is longer than needed, surrogates, and what is above U+10FFFF. */
static size_t utf8_len(struct str s)
{
    const unsigned char first = byte_at(s, 0), second = byte_at(s, 1);
    unsigned char low = 0x80, high = 0xbf;
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    const size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (second < low || second > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((byte_at(s, i) & 0xc0) != 0x80)
            return 0;
    return len;
}

static void quoted(struct json *j, struct str s)
{
    size_t good = 0;
    fmt_char(j->f, '"');
    while (s.len > good) {
        const size_t len = utf8_len(str_of(s.at + good, s.len - good));
        good += len;
        if (len > 0)
            continue;
        escape_json(j->f, str_of(s.at, good));
        fmt_text(j->f, "\\ufffd");
        s = str_of(s.at + good + 1, s.len - good - 1);
        good = 0;
    }
    escape_json(j->f, s);
    fmt_char(j->f, '"');
}

void json_object_begin(struct json *j)
{
    begin(j, '{');
}

void json_object_end(struct json *j)
{
    end(j, '}');
}

void json_array_begin(struct json *j)
{
    begin(j, '[');
}

void json_array_end(struct json *j)
{
    end(j, ']');
}

void json_key(struct json *j, struct str key)
{
    comma(j);
    quoted(j, key);
    fmt_char(j->f, ':');
    j->comma = false;
}

void json_str(struct json *j, struct str s)
{
    comma(j);
    quoted(j, s);
}

void json_u64(struct json *j, uint64_t n)
{
    comma(j);
    fmt_u64(j->f, n);
}

void json_bool(struct json *j, bool b)
{
    comma(j);
    fmt_text(j->f, b ? "true" : "false");
}

void json_null(struct json *j)
{
    comma(j);
    fmt_text(j->f, "null");
}
