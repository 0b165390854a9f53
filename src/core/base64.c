/*
 * Base64, both ways.  Owns nothing.
 */
#include "core/base64.h"

/* -1: it is no digit. */
static int digit(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

bool base64_decode(struct fmt *f, struct str text, bool url)
{
    uint32_t bits = 0;
    unsigned count = 0;                 /* of the bits that are no byte yet */
    str_cut(text, '=', &text, &(struct str){ 0 });
    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const int value = digit(text.at[i], url);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            fmt_char(f, (char)(bits >> count & 0xff));
        }
    }
    return !f->failed;
}

void base64_encode(struct fmt *f, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned count = 0;                 /* of the bits that are in no digit yet */
    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | (unsigned char)bytes.at[i];
        for (count += 8; count >= 6; count -= 6)
            fmt_char(f, digits[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        fmt_char(f, digits[bits << (6 - count) & 63]);
    fmt_repeat(f, '=', (3 - bytes.len % 3) % 3);
}
