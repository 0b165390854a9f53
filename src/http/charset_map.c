/*
 * Charset conversion by tables.  Owns nothing.
 */
#include "http/charset_map.h"

void charset_map_init(struct charset_map *map, bool utf8)
{
    *map = (struct charset_map){ .utf8 = utf8 };
    for (unsigned c = 0; c < 256; c++) {
        map->bytes[c] = map->back[c] = c < 128 ? (uint8_t)c : '?';
        map->utf8_of[c] = (struct charset_sequence){ 1, { c < 128 ? (char)c : '?' } };
    }
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

/* How many bytes this one begins; 0: none (RFC 3629). */
static unsigned length_of(uint8_t lead)
{
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
static bool continues(const struct charset_sequence *part, uint8_t c)
{
    uint8_t low = 0x80, high = 0xBF;
    if (part->len == 1) {
        const uint8_t lead = (uint8_t)part->at[0];
        low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : low;
        high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : high;
    }
    return c >= low && c <= high;
}

static uint32_t code_of(const struct charset_sequence *whole)
{
    static const uint8_t bits[CHARSET_UTF8_MOST + 1] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    uint32_t code = (uint8_t)whole->at[0] & bits[whole->len];
    for (unsigned i = 1; i < whole->len; i++)
        code = code << 6 | ((uint8_t)whole->at[i] & 0x3F);
    return code;
}

/* --- the map ---------------------------------------------------------------------------------- */

static int digit_of(char c)
{
    const char low = str_lower_char(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool parse_byte(struct str text, uint8_t *byte)
{
    unsigned n = 0;
    if (text.len == 0 || text.len > 2)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const int digit = digit_of(text.at[i]);
        if (digit < 0)
            return false;
        n = n << 4 | (unsigned)digit;
    }
    *byte = (uint8_t)n;
    return true;
}

/* One character that is no ASCII. */
static bool parse_sequence(struct str text, struct charset_sequence *whole)
{
    unsigned length = 0;
    *whole = (struct charset_sequence){ 0 };
    for (size_t i = 0; i < text.len; i += 2) {
        struct str pair;
        uint8_t byte;
        if (!str_sub(text, i, 2, &pair) || !parse_byte(pair, &byte))
            return false;
        if (i == 0)
            length = length_of(byte);
        else if (!continues(whole, byte))
            return false;
        if (whole->len >= length)
            return false;
        whole->at[whole->len++] = (char)byte;
    }
    return length && whole->len == length;
}

/* Sorted, and the last one given for a code counts. */
static void add_code(struct charset_map *map, uint32_t code, uint8_t byte)
{
    unsigned i = map->ncodes;
    while (i > 0 && map->codes[i - 1].code > code)
        i--;
    if (i > 0 && map->codes[i - 1].code == code) {
        map->codes[i - 1].byte = byte;
        return;
    }
    memmove(&map->codes[i + 1], &map->codes[i], (map->ncodes - i) * sizeof(map->codes[0]));
    map->codes[i] = (struct charset_code){ code, byte };
    map->ncodes++;
}

/* A byte that had another character gives it up. */
static void remove_code(struct charset_map *map, uint8_t byte)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < map->ncodes; i++)
        if (map->codes[i].byte != byte)
            map->codes[kept++] = map->codes[i];
    map->ncodes = kept;
}

unsigned charset_map_add(struct charset_map *map, struct str from, struct str to)
{
    struct charset_sequence whole;
    uint8_t a, b;
    if (!parse_byte(from, &a))
        return 1;
    if (!map->utf8) {
        if (!parse_byte(to, &b))
            return 2;
        map->bytes[a] = b;
        map->back[b] = a;
        return 0;
    }
    if (!parse_sequence(to, &whole))
        return 2;
    map->utf8_of[a] = whole;
    remove_code(map, a);
    add_code(map, code_of(&whole), a);
    return 0;
}

/* --- converting ------------------------------------------------------------------------------- */

static void add_code_text(const struct charset_map *map, uint32_t code, struct fmt *out)
{
    unsigned low = 0, high = map->ncodes;
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (map->codes[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < map->ncodes && map->codes[low].code == code)
        fmt_char(out, (char)map->codes[low].byte);
    else
        fmt_print(out, "&#%u;", code);
}

void charset_convert_end(struct charset_sequence *part, struct fmt *out)
{
    if (part->len)
        fmt_char(out, '?');
    part->len = 0;
}

static void read_byte(const struct charset_map *map, struct charset_sequence *part, char c,
                      struct fmt *out)
{
    const uint8_t byte = (uint8_t)c;
    if (part->len && !continues(part, byte))
        charset_convert_end(part, out);
    if (part->len == 0 && byte < 0x80)
        fmt_char(out, c);
    else if (part->len == 0 && length_of(byte) == 0)
        fmt_char(out, '?');
    else {
        part->at[part->len++] = c;
        if (part->len == length_of((uint8_t)part->at[0])) {
            add_code_text(map, code_of(part), out);
            part->len = 0;
        }
    }
}

void charset_convert(const struct charset_map *map, enum charset_direction direction,
                     struct charset_sequence *part, struct str text, struct fmt *out)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = (uint8_t)text.at[i];
        const struct charset_sequence *utf8 = &map->utf8_of[byte];
        switch (direction) {
        case CHARSET_BYTES:
            fmt_char(out, (char)map->bytes[byte]);
            break;
        case CHARSET_BYTES_BACK:
            fmt_char(out, (char)map->back[byte]);
            break;
        case CHARSET_TO_UTF8:
            fmt_str(out, str_of(utf8->at, utf8->len));
            break;
        case CHARSET_FROM_UTF8:
            read_byte(map, part, text.at[i], out);
            break;
        }
    }
}
