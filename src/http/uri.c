/*
 * Request targets.  Pure: owns nothing, builds into the caller's pool.
 */
#include "http/uri.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of the path, unescaped; `escaped` tells that it was written as %XX. */
static bool take(struct str *rest, unsigned char *byte, bool *escaped)
{
    *escaped = rest->at[0] == '%';
    *byte = (unsigned char)rest->at[0];
    if (*escaped) {
        if (rest->len < 3)
            return false;
        const int high = digit(rest->at[1]), low = digit(rest->at[2]);
        if (high < 0 || low < 0)
            return false;
        *byte = (unsigned char)(high << 4 | low);
    }
    return str_from_off(*rest, *escaped ? 3 : 1, rest) && *byte != 0;
}

/* What stands in `f` ends in a whole segment: "", ".", ".." go. */
static bool close_segment(struct fmt *f, size_t *begin, bool slash)
{
    const struct str segment = str_of(f->at + *begin, f->len - *begin);
    if (str_eq(segment, STR(".")) || (slash && segment.len == 0 && f->len > 1)) {
        f->len = *begin;
        return true;
    }
    if (!str_eq(segment, STR(".."))) {
        if (slash)
            fmt_char(f, '/');
        *begin = f->len;
        return true;
    }
    if (*begin <= 1)
        return false;
    const ssize_t parent = str_rchr(str_of(f->at, *begin - 1), '/');
    f->len = (size_t)parent + 1;
    *begin = f->len;
    return true;
}

static bool normalise(struct str rest, struct pool *pool, struct str *path)
{
    struct fmt f;
    size_t begin = 1;
    unsigned char byte;
    bool escaped;
    fmt_init_pool(&f, pool, rest.len + 2, rest.len + 2);
    fmt_char(&f, '/');
    if (!str_from_off(rest, 1, &rest))
        return false;
    while (rest.len) {
        if (!take(&rest, &byte, &escaped))
            return false;
        if (byte != '/')
            fmt_char(&f, (char)byte);
        else if (!close_segment(&f, &begin, true))
            return false;
    }
    if (!close_segment(&f, &begin, false))
        return false;
    *path = fmt_done(&f);
    return !f.failed;
}

bool uri_parse(struct str target, struct pool *pool, struct str *path, struct str *args,
               struct str *authority)
{
    struct str rest = target, raw;
    *authority = STR_NONE;
    for (size_t i = 0; i < target.len; i++)
        if ((unsigned char)target.at[i] <= ' ' || target.at[i] == 0x7f || target.at[i] == '#')
            return false;
    if (str_starts_ci(target, STR("http://")) || str_starts_ci(target, STR("https://"))) {
        const size_t off = str_starts_ci(target, STR("https")) ? 8 : 7;
        size_t n = off;
        while (n < target.len && target.at[n] != '/' && target.at[n] != '?')
            n++;
        if (!str_sub(target, off, n - off, authority) || authority->len == 0 ||
            !str_from_off(target, n, &rest))
            return false;
        if (rest.len == 0 || rest.at[0] == '?') {
            str_cut(rest, '?', &raw, args);
            *path = pool_str(pool, STR("/"));
            return true;
        }
    }
    if (rest.len == 0 || rest.at[0] != '/')
        return false;
    str_cut(rest, '?', &raw, args);
    return normalise(raw, pool, path);
}

bool uri_host(struct str text, struct pool *pool, struct str *host)
{
    struct fmt f;
    size_t n = 0;
    if (text.len && text.at[0] == '[') {
        const ssize_t end = str_chr(text, ']');
        if (end < 0)
            return false;
        n = (size_t)end + 1;
    }
    while (n < text.len && text.at[n] != ':')
        n++;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f ||
            text.at[i] == '/' || text.at[i] == '\\' || text.at[i] == '@')
            return false;
    for (size_t i = n + 1; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    struct str name = str_of(text.at, n);
    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (name.len == 0)
        return text.len == 0;
    fmt_init_pool(&f, pool, name.len + 1, name.len + 1);
    fmt_lower(&f, name);
    *host = fmt_done(&f);
    return true;
}
