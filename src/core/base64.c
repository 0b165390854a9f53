/*
 * Base64, from text to bytes.  Owns nothing.
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
