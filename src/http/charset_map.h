/*
 * Conversions between charsets: a table of bytes, or one to and from UTF-8.
 *
 *     to bytes:  bytes[0xE0] = 0xC1          what is not there is "?"
 *     to UTF-8:  utf8[0xC1] = D0 B0          the same
 *     from it:   codes[] = { U+0430, 0xC1 }  by code; what is not there is "&#1072;"
 *
 * Pure: text in, text out.  A broken UTF-8 sequence is one "?", and what breaks it is read anew.
 */
#ifndef HTTP_CHARSET_MAP_H
#define HTTP_CHARSET_MAP_H

#include "core/fmt.h"

enum {
    CHARSET_UTF8_MOST = 4,              /* bytes of a sequence */
    CHARSET_GROWS = 10,                 /* no byte becomes more than so many: "&#1114111;" */
};

struct charset_sequence {
    uint8_t len;                        /* 0: none */
    char at[CHARSET_UTF8_MOST];
};

struct charset_code {
    uint32_t code;
    uint8_t byte;
};

struct charset_map {
    bool utf8;                          /* the second one is; else `bytes` and `back` are used */
    uint8_t bytes[256], back[256];
    struct charset_sequence utf8_of[256];
    struct charset_code codes[256];     /* sorted */
    unsigned ncodes;
};

enum charset_direction {
    CHARSET_BYTES,
    CHARSET_BYTES_BACK,
    CHARSET_TO_UTF8,
    CHARSET_FROM_UTF8,
};

void charset_map_init(struct charset_map *map, bool utf8);
/* One line of the configuration: "E0", "D0B0".  The number of the text that is wrong, from 1; 0:
 * added. */
unsigned charset_map_add(struct charset_map *map, struct str from, struct str to);

/* `part` is the beginning of a sequence that stood at the end of the text before. */
void charset_convert(const struct charset_map *map, enum charset_direction direction,
                     struct charset_sequence *part, struct str text, struct fmt *out);
/* The text has ended. */
void charset_convert_end(struct charset_sequence *part, struct fmt *out);

#endif
