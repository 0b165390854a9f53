/*
 * Request targets and hosts: checked, decoded and normalised in one pass.
 * Pure: owns nothing, and builds into the caller's pool only what had to be changed.
 */
#include "http/uri.h"

#include "core/inet.h"
#include "core/number.h"

/* The byte that "%XX" at the beginning of `s` means; -1: it is no such thing. */
static int escaped_byte(struct str s)
{
    struct str digits;
    uint64_t byte;
    return str_sub(s, 1, 2, &digits) && number_hex(digits, &byte) ? (int)byte : -1;
}

/* Without a branch for each byte: this runs over each target. */
static bool has_control(struct str s, unsigned char least)
{
    bool found = false;
    for (size_t i = 0; i < s.len; i++)
        found |= (unsigned char)s.at[i] < least || s.at[i] == 0x7f;
    return found;
}

/* Whether normalising would leave `path` as it is; false may also mean that nobody knows. */
static bool is_normal(struct str path, bool merge)
{
    bool slash = false;
    for (size_t i = 0; i < path.len; i++) {
        const char c = path.at[i];
        if (c == '%' || (slash && (c == '.' || (merge && c == '/'))))
            return false;
        slash = c == '/';
    }
    return true;
}

/* A segment, which begins at `begin`, is complete: "." and ".." go, and so does an empty one when
 * slashes are merged.  `slash`: one follows.  False: above the root. */
static bool close_segment(struct fmt *f, size_t *begin, bool slash, bool merge)
{
    const struct str segment = str_of(f->at + *begin, f->len - *begin);
    if (str_eq(segment, STR(".."))) {
        if (*begin == 1)
            return false;
        *begin = (size_t)str_rchr(str_of(f->at, *begin - 1), '/') + 1;
        f->len = *begin;
    } else if (str_eq(segment, STR("."))) {
        f->len = *begin;
    } else if (slash && (segment.len > 0 || !merge)) {
        fmt_char(f, '/');
        *begin = f->len;
    }
    return !f->failed;
}

/* `raw` begins with a slash.  What is built is never longer, and its first slash stays. */
static bool normalise(struct str raw, bool merge, struct pool *pool, struct str *path)
{
    struct fmt f;
    size_t begin = 1;
    fmt_init_pool(&f, pool, raw.len, raw.len);
    fmt_char(&f, '/');
    if (f.failed)
        return false;
    for (size_t i = 1; i < raw.len; i++) {
        int byte = (unsigned char)raw.at[i];
        if (byte == '%') {
            struct str escape;
            byte = str_from_off(raw, i, &escape) ? escaped_byte(escape) : -1;
            i += 2;
        }
        if (byte <= 0)
            return false;
        if (byte != '/')
            fmt_char(&f, (char)byte);
        else if (!close_segment(&f, &begin, true, merge))
            return false;
    }
    if (!close_segment(&f, &begin, false, merge))
        return false;
    *path = fmt_done(&f);
    return true;
}

static bool parse_path(struct str text, bool merge, struct pool *pool, struct uri *uri)
{
    struct str raw;
    uri->has_args = str_cut(text, '?', &raw, &uri->args);
    if (raw.len == 0 || raw.at[0] != '/')
        return false;
    uri->path = raw;
    return is_normal(raw, merge) || normalise(raw, merge, pool, &uri->path);
}

/* Takes "http://host:port" off `rest`; what remains is empty, or begins with one of "/?#". */
static bool take_authority(struct str *rest, struct uri *uri)
{
    size_t end = 0;
    if (str_starts_ci(*rest, STR("http://")))
        uri->scheme = STR("http");
    else if (str_starts_ci(*rest, STR("https://")))
        uri->scheme = STR("https");
    else
        return false;
    if (!str_from_off(*rest, uri->scheme.len + 3, rest))
        return false;
    while (end < rest->len && rest->at[end] != '/' && rest->at[end] != '?' && rest->at[end] != '#')
        end++;
    return end > 0 && str_sub(*rest, 0, end, &uri->authority) &&
           str_chr(uri->authority, '@') < 0 && str_from_off(*rest, end, rest);
}

static const unsigned char name_bytes[256] = {
    ['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1, ['-'] = 1, ['.'] = 1, ['_'] = 1,
    ['~'] = 1, ['!'] = 1, ['$'] = 1, ['&'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1, ['*'] = 1,
    ['+'] = 1, [','] = 1, [';'] = 1, ['='] = 1, ['%'] = 1, [0x80 ... 0xff] = 1,
};

/* A name of RFC 3986, 3.2.2, or an IPv4 address, which looks like one.  Bytes of other alphabets
 * pass as they are, since some clients send names that way; empty labels do not, but at the
 * beginning. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        struct str rest;
        if (!name_bytes[(unsigned char)name.at[i]] || !str_from_off(name, i, &rest) ||
            str_starts(rest, STR("..")) || (rest.at[0] == '%' && escaped_byte(rest) < 0))
            return false;
    }
    return name.len > 0 && !str_eq(name, STR("."));
}

/* "[::1]". */
static bool is_ipv6(struct str literal)
{
    struct inet_address address;
    struct str inside;
    return literal.len > 2 && str_sub(literal, 1, literal.len - 2, &inside) &&
           inet_parse_host(inside, 0, &address) && address.any.sa_family == AF_INET6;
}

/* ":80" and ":" alone are good behind a host, as is nothing. */
static bool is_port(struct str text)
{
    struct str digits;
    uint32_t port;
    if (text.len == 0)
        return true;
    return text.at[0] == ':' && str_from_off(text, 1, &digits) &&
           (digits.len == 0 || (number_u32(digits, &port) && port <= UINT16_MAX));
}

static bool to_lower(struct str text, struct pool *pool, struct str *out)
{
    struct fmt f;
    size_t i = 0;
    while (i < text.len && str_lower_char(text.at[i]) == text.at[i])
        i++;
    *out = text;
    if (i == text.len)
        return true;
    fmt_init_pool(&f, pool, text.len, text.len);
    fmt_lower(&f, text);
    *out = fmt_done(&f);
    return !f.failed;
}

bool uri_parse(struct str target, bool merge, struct pool *pool, struct uri *uri)
{
    struct str rest = target, fragment;
    *uri = (struct uri){ 0 };
    if (target.len == 0 || has_control(target, ' ' + 1))
        return false;
    if (target.at[0] != '/' && !take_authority(&rest, uri))
        return false;
    const bool no_path = rest.len == 0 || rest.at[0] == '?';
    str_cut(rest, '#', &rest, &fragment);
    if (!no_path)
        return parse_path(rest, merge, pool, uri);
    uri->has_args = str_cut(rest, '?', &rest, &uri->args);
    uri->path = STR("/");
    return true;
}

bool uri_parse_path(struct str text, bool merge, struct pool *pool, struct uri *uri)
{
    *uri = (struct uri){ 0 };
    return !has_control(text, ' ') && parse_path(text, merge, pool, uri);
}

bool uri_host(struct str text, struct pool *pool, struct str *host)
{
    struct str name, port;
    const bool literal = text.len > 0 && text.at[0] == '[';
    ssize_t end = str_chr(text, literal ? ']' : ':');
    if (literal)
        end++;
    else if (end < 0)
        end = (ssize_t)text.len;
    if (!str_sub(text, 0, (size_t)end, &name) || !str_from_off(text, (size_t)end, &port) ||
        !(literal ? is_ipv6(name) : is_name(name)) || !is_port(port))
        return false;
    if (name.at[name.len - 1] == '.')
        name.len--;
    return to_lower(name, pool, host);
}
