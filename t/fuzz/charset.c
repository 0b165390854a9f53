/*
 * Fuzz target: charset conversion.  However a text is cut, the same comes of it; it grows by no
 * more than it may; what a map has in UTF-8 comes back; nothing but UTF-8 is written as UTF-8.
 * Owns the pool of one input.
 *
 *     lines "E0 D0B0" of a map; an empty line; the text
 */
#include "http/charset_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str convert(const struct charset_map *map, enum charset_direction direction,
                          struct str text, size_t step, struct pool *pool)
{
    struct charset_sequence part = { 0 };
    const size_t most = text.len * CHARSET_GROWS + 1;
    struct fmt out;
    fmt_init_pool(&out, pool, most, most);
    while (text.len > 0) {
        struct str piece;
        ASSERT(str_sub(text, 0, size_min(step, text.len), &piece));
        ASSERT(str_from_off(text, piece.len, &text));
        charset_convert(map, direction, &part, piece, &out);
        ASSERT(part.len < CHARSET_UTF8_MOST);
    }
    charset_convert_end(&part, &out);
    ASSERT(part.len == 0 && !out.failed);
    return fmt_done(&out);
}

/* Not broken, as another way of reading it sees it. */
static bool is_utf8(struct str text)
{
    for (size_t i = 0; i < text.len;) {
        const uint8_t c = (uint8_t)text.at[i++];
        size_t left = c < 0x80 ? 0 : c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
        uint32_t code = c < 0x80 ? c : c & (0x3Fu >> left);
        const uint32_t least = left == 3 ? 0x10000 : left == 2 ? 0x800 : left == 1 ? 0x80 : 0;
        if ((c >= 0x80 && c < 0xC0) || c > 0xF7)
            return false;
        for (; left > 0; left--, i++) {
            if (i == text.len || ((uint8_t)text.at[i] & 0xC0) != 0x80)
                return false;
            code = code << 6 | ((uint8_t)text.at[i] & 0x3F);
        }
        if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
            return false;
    }
    return true;
}

static void check(const struct charset_map *map, struct str text, struct pool *pool)
{
    static const enum charset_direction all[] = { CHARSET_BYTES, CHARSET_BYTES_BACK,
                                                  CHARSET_TO_UTF8, CHARSET_FROM_UTF8 };
    for (unsigned i = 0; i < countof(all); i++) {
        const struct str whole = convert(map, all[i], text, text.len, pool);
        ASSERT(str_eq(whole, convert(map, all[i], text, 1, pool)));
        ASSERT(str_eq(whole, convert(map, all[i], text, 3, pool)));
        if (all[i] == CHARSET_TO_UTF8)
            ASSERT(is_utf8(whole));
        if (all[i] == CHARSET_BYTES || all[i] == CHARSET_BYTES_BACK)
            ASSERT(whole.len == text.len);
    }
}

static void check_both_ways(const struct charset_map *map, struct pool *pool)
{
    for (unsigned i = 0; i < map->ncodes; i++) {
        const char byte = (char)map->codes[i].byte;
        const struct str utf8 = convert(map, CHARSET_TO_UTF8, str_of(&byte, 1), 1, pool);
        ASSERT(i == 0 || map->codes[i - 1].code < map->codes[i].code);
        ASSERT(str_eq(convert(map, CHARSET_FROM_UTF8, utf8, 2, pool), str_of(&byte, 1)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of(data, size), line, from, to;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    struct charset_map *utf8 = pool_new(&pool, struct charset_map);
    struct charset_map *bytes = pool_new(&pool, struct charset_map);
    charset_map_init(utf8, true);
    charset_map_init(bytes, false);
    while (str_cut(rest, '\n', &line, &rest) && line.len > 0) {
        str_cut(line, ' ', &from, &to);
        ASSERT(charset_map_add(utf8, from, to) <= 2);
        ASSERT(charset_map_add(bytes, from, to) <= 2);
        ASSERT(utf8->ncodes <= 256);
    }
    check_both_ways(utf8, &pool);
    check(utf8, rest, &pool);
    check(bytes, rest, &pool);
    pool_free(&pool);
    return 0;
}
