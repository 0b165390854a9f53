/*
 * Slices of bytes: comparison, search, and checked ways to a part.
 * Owns nothing: a slice is valid as long as what it points to.
 */
#include "core/str.h"

int str_cmp(struct str a, struct str b)
{
    const size_t shared = size_min(a.len, b.len);
    const int order = shared ? memcmp(a.at, b.at, shared) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Eight bytes in lower case; those above 127 stay as they are. */
static uint64_t lower_word(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    const uint64_t low = word & ~high;
    const uint64_t from_a = low + ones * (0x80 - 'A'), behind_z = low + ones * (0x7f - 'Z');
    return word | ((from_a ^ behind_z) & ~word & high) >> 2;
}

/* Names of fields are compared all the time, hence by words; the last may overlap another. */
static bool equal_ci(const char *a, const char *b, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8)
        if (lower_word(a + i) != lower_word(b + i))
            return false;
    if (len >= 8)
        return i == len || lower_word(a + len - 8) == lower_word(b + len - 8);
    for (; i < len; i++)
        if (str_lower_char(a[i]) != str_lower_char(b[i]))
            return false;
    return true;
}

bool str_has_controls(struct str s)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t word;
        memcpy(&word, s.at + i, sizeof(word));
        const uint64_t del = word ^ ones * 0x7f;
        if (((word - ones * ' ') & ~word & high) || ((del - ones) & ~del & high))
            return true;
    }
    for (; i < s.len; i++)
        if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
            return true;
    return false;
}

bool str_eq_ci(struct str a, struct str b)
{
    return a.len == b.len && equal_ci(a.at, b.at, a.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

bool str_starts_ci(struct str s, struct str prefix)
{
    return s.len >= prefix.len && equal_ci(s.at, prefix.at, prefix.len);
}

bool str_ends(struct str s, struct str suffix)
{
    struct str end;
    return suffix.len <= s.len && str_from_off(s, s.len - suffix.len, &end) && str_eq(end, suffix);
}

bool str_sub(struct str s, size_t off, size_t len, struct str *out)
{
    if (off > s.len || len > s.len - off)
        return false;
    *out = str_of(s.at ? s.at + off : NULL, len);
    return true;
}

bool str_from_off(struct str s, size_t off, struct str *out)
{
    return off <= s.len && str_sub(s, off, s.len - off, out);
}

ssize_t str_chr(struct str s, char c)
{
    const char *at = s.len ? memchr(s.at, c, s.len) : NULL;
    return at ? at - s.at : STR_NPOS;
}

ssize_t str_rchr(struct str s, char c)
{
    const char *at = s.len ? memrchr(s.at, c, s.len) : NULL;
    return at ? at - s.at : STR_NPOS;
}

ssize_t str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = s.len ? memmem(s.at, s.len, needle.at, needle.len) : NULL;
    return at ? at - s.at : STR_NPOS;
}

bool str_cut(struct str s, char c, struct str *head, struct str *tail)
{
    const ssize_t at = str_chr(s, c);
    if (at < 0) {
        *head = s;
        *tail = str_of(s.at, 0);
        return false;
    }
    *head = str_of(s.at, (size_t)at);
    *tail = str_of(s.at + at + 1, s.len - (size_t)at - 1);
    return true;
}

struct str str_trim(struct str s)
{
    while (s.len && (*s.at == ' ' || *s.at == '\t'))
        s = str_of(s.at + 1, s.len - 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

uint32_t str_hash(struct str s)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.at[i]) * 16777619u;
    return hash;
}

uint32_t str_hash_ci(struct str s)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)str_lower_char(s.at[i])) * 16777619u;
    return hash;
}
