/*
 * Addresses and networks as text: parsing, printing, matching.
 * Owns nothing: pure functions.
 */
#include "core/inet.h"

#include "core/number.h"

#include <arpa/inet.h>

/* --- hosts ------------------------------------------------------------------------------------ */

/* Four decimal numbers; leading zeros do not make them octal.  What is shorter is a name. */
static bool parse_v4(struct str text, unsigned char at[4])
{
    for (unsigned i = 0; i < 4; i++) {
        struct str part;
        uint32_t n;
        const bool dot = str_cut(text, '.', &part, &text);
        if (dot != (i < 3) || part.len > 3 || !number_u32(part, &n) || n > 255)
            return false;
        at[i] = (unsigned char)n;
    }
    return true;
}

static bool parse_v6(struct str text, struct in6_addr *out)
{
    char buffer[INET6_ADDRSTRLEN];
    struct fmt f;
    if (str_chr(text, '\0') >= 0)
        return false;
    fmt_init(&f, buffer, sizeof(buffer));
    fmt_str(&f, text);
    return !f.failed && inet_pton(AF_INET6, fmt_done(&f).at, out) == 1;
}

static void set_v4(struct inet_address *address, const unsigned char at[4], uint16_t port)
{
    *address = (struct inet_address){ .len = sizeof(address->v4) };
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(port);
    memcpy(&address->v4.sin_addr, at, 4);
}

static void set_v6(struct inet_address *address, const struct in6_addr *at, uint16_t port)
{
    *address = (struct inet_address){ .len = sizeof(address->v6) };
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(port);
    address->v6.sin6_addr = *at;
}

bool inet_parse_host(struct str text, uint16_t port, struct inet_address *address)
{
    unsigned char v4[4];
    struct in6_addr v6;
    if (parse_v4(text, v4)) {
        set_v4(address, v4, port);
        return true;
    }
    if (!parse_v6(text, &v6))
        return false;
    set_v6(address, &v6, port);
    return true;
}

/* --- hosts with ports ------------------------------------------------------------------------- */

static bool parse_port(struct str text, uint16_t *port)
{
    uint32_t n;
    if (!number_u32(text, &n) || n < 1 || n > 65535)
        return false;
    *port = (uint16_t)n;
    return true;
}

static const char *parse_ports(struct str text, enum inet_syntax syntax, struct inet_target *t)
{
    struct str first, last;
    const bool range = syntax == INET_LISTEN && str_cut(text, '-', &first, &last);
    if (!parse_port(range ? first : text, &t->port))
        return "invalid port";
    t->last_port = t->port;
    if (range && !parse_port(last, &t->last_port))
        return "invalid port";
    t->has_port = true;
    return t->last_port < t->port ? "invalid port range" : NULL;
}

/* "80", "8080-8082", and also "99999", so that it is a bad port and not a host of that name. */
static bool is_only_ports(struct str text)
{
    struct str first, last;
    const bool range = str_cut(text, '-', &first, &last);
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '-' && (text.at[i] < '0' || text.at[i] > '9'))
            return false;
    return first.len > 0 && (!range || (last.len > 0 && str_chr(last, '-') < 0));
}

static const char *parse_local(struct str text, struct inet_target *t)
{
    struct str path;
    if (!str_from_off(text, strlen("unix:"), &path) || path.len == 0)
        return "no path in the unix domain socket";
    if (path.len >= sizeof(t->address.local.sun_path))
        return "too long path in the unix domain socket";
    if (str_chr(path, '\0') >= 0)
        return "invalid path in the unix domain socket";
    t->address.local.sun_family = AF_UNIX;
    memcpy(t->address.local.sun_path, path.at, path.len);
    t->address.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    t->host = text;
    t->port = t->last_port = 0;
    return NULL;
}

static const char *parse_bracketed(struct str text, enum inet_syntax syntax, struct inet_target *t)
{
    const ssize_t close = str_chr(text, ']');
    struct str inside, behind;
    struct in6_addr v6;
    if (close < 0 || !str_sub(text, 1, (size_t)close - 1, &inside) ||
        !str_from_off(text, (size_t)close + 1, &behind) || (behind.len && *behind.at != ':'))
        return "invalid host";
    if (str_chr(behind, '/') >= 0 || str_chr(behind, '?') >= 0)
        return "invalid host";
    if (behind.len) {
        const char *error = parse_ports(str_of(behind.at + 1, behind.len - 1), syntax, t);
        if (error)
            return error;
    }
    if (inside.len == 0)
        return "no host";
    if (!parse_v6(inside, &v6))
        return "invalid IPv6 address";
    set_v6(&t->address, &v6, t->port);
    t->host = str_of(text.at, (size_t)close + 1);
    return NULL;
}

static const char *parse_plain(struct str text, enum inet_syntax syntax, struct inet_target *t)
{
    static const unsigned char any[4];
    unsigned char v4[4];
    struct str host, port;
    if (str_chr(text, '/') >= 0 || str_chr(text, '?') >= 0 || str_chr(text, '\0') >= 0)
        return "invalid host";
    const bool only_ports = syntax == INET_LISTEN && is_only_ports(text);
    bool has_port = str_cut(text, ':', &host, &port);
    if (only_ports) {
        host = STR("*");
        port = text;
        has_port = true;
    }
    if (has_port) {
        const char *error = parse_ports(port, syntax, t);
        if (error)
            return error;
    }
    if (host.len == 0)
        return "no host";
    t->host = host;
    t->wildcard = syntax == INET_LISTEN && str_eq(host, STR("*"));
    if (t->wildcard)
        set_v4(&t->address, any, t->port);
    else if (parse_v4(host, v4))
        set_v4(&t->address, v4, t->port);
    return NULL;
}

const char *inet_parse_target(struct str text, uint16_t port, enum inet_syntax syntax,
                              struct inet_target *target)
{
    *target = (struct inet_target){ .port = port, .last_port = port };
    if (str_starts_ci(text, STR("unix:")))
        return parse_local(text, target);
    if (str_starts(text, STR("[")))
        return parse_bracketed(text, syntax, target);
    return parse_plain(text, syntax, target);
}

bool inet_parse(struct str text, uint16_t port, struct inet_address *address)
{
    struct inet_target target;
    if (inet_parse_target(text, port, INET_PLAIN, &target) || target.address.len == 0)
        return false;
    *address = target.address;
    return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

bool inet_from_sockaddr(struct inet_address *address, const void *sockaddr, socklen_t len)
{
    sa_family_t family;
    *address = (struct inet_address){ .len = 0 };
    if (len < sizeof(family))
        return false;
    memcpy(&family, (const char *)sockaddr + offsetof(struct sockaddr, sa_family), sizeof(family));
    const socklen_t most = family == AF_INET    ? sizeof(address->v4)
                           : family == AF_INET6 ? sizeof(address->v6)
                           : family == AF_UNIX  ? sizeof(address->local)
                                                : 0;
    if (most == 0 || (family != AF_UNIX && len < most))
        return false;
    address->len = len < most ? len : most;
    memcpy(&address->any, sockaddr, address->len);
    return true;
}

uint16_t inet_port(const struct inet_address *address)
{
    if (address->len == 0)
        return 0;
    if (address->any.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : 0;
}

void inet_set_port(struct inet_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->v4.sin_port = htons(port);
    else if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
}

struct str inet_host(const struct inet_address *address)
{
    if (address->len == 0)
        return STR_NONE;
    if (address->any.sa_family == AF_INET)
        return str_of(&address->v4.sin_addr, sizeof(address->v4.sin_addr));
    if (address->any.sa_family == AF_INET6)
        return str_of(&address->v6.sin6_addr, sizeof(address->v6.sin6_addr));
    return STR_NONE;
}

/* Of a unix socket: a name that begins with NUL is an abstract one; a client mostly has none. */
static struct str local_path(const struct inet_address *address)
{
    const size_t head = offsetof(struct sockaddr_un, sun_path);
    const char *path = address->local.sun_path;
    if (address->len <= head)
        return STR_NONE;
    const size_t room = address->len - head;
    return str_of(path, *path ? strnlen(path, room) : room);
}

/* inet_ntop does it by printf, and every line of an access log has one. */
static void write_v4(struct fmt *f, struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (i)
            fmt_char(f, '.');
        fmt_u64(f, (unsigned char)host.at[i]);
    }
}

void inet_write(struct fmt *f, const struct inet_address *address, bool with_port)
{
    char buffer[INET6_ADDRSTRLEN];
    const struct str host = inet_host(address);
    if (address->len == 0)
        return;
    if (host.len == 0) {
        fmt_text(f, "unix:");
        fmt_str(f, local_path(address));
        return;
    }
    if (address->any.sa_family == AF_INET) {
        write_v4(f, host);
    } else {
        ASSERT(inet_ntop(AF_INET6, host.at, buffer, sizeof(buffer)) != NULL);
        fmt_text(f, with_port ? "[" : "");
        fmt_text(f, buffer);
        fmt_text(f, with_port ? "]" : "");
    }
    if (!with_port)
        return;
    fmt_char(f, ':');
    fmt_u64(f, inet_port(address));
}

bool inet_eq_host(const struct inet_address *a, const struct inet_address *b)
{
    if (a->len == 0 || b->len == 0)
        return a->len == b->len;
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_UNIX)
        return str_eq(local_path(a), local_path(b));
    return str_eq(inet_host(a), inet_host(b));
}

bool inet_eq(const struct inet_address *a, const struct inet_address *b)
{
    return inet_eq_host(a, b) && inet_port(a) == inet_port(b);
}

/* --- networks --------------------------------------------------------------------------------- */

static unsigned char prefix_mask(unsigned bits, unsigned byte)
{
    const unsigned before = byte * 8;
    if (bits >= before + 8)
        return 0xff;
    return bits <= before ? 0 : (unsigned char)(0xff << (8 - (bits - before)));
}

bool inet_cidr_parse(struct str text, struct inet_cidr *cidr, bool *loose)
{
    struct inet_address address;
    struct str host, bits;
    const bool prefix = str_cut(text, '/', &host, &bits);
    if (!inet_parse_host(host, 0, &address))
        return false;
    const struct str bytes = inet_host(&address);
    uint32_t n = (uint32_t)bytes.len * 8;
    const uint32_t most = n;
    if (prefix && (!number_u32(bits, &n) || n > most))
        return false;
    *cidr = (struct inet_cidr){ .family = address.any.sa_family, .bits = n };
    *loose = false;
    for (unsigned i = 0; i < bytes.len; i++) {
        const unsigned char byte = (unsigned char)bytes.at[i];
        cidr->at[i] = byte & prefix_mask(n, i);
        *loose = *loose || cidr->at[i] != byte;
    }
    return true;
}

bool inet_cidr_match(const struct inet_cidr *cidr, const struct inet_address *address)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct str host = inet_host(address);
    if (cidr->family == AF_INET && host.len == 16 && memcmp(host.at, mapped, 12) == 0)
        host = str_of(host.at + 12, 4);
    if (host.len != (cidr->family == AF_INET ? 4 : 16))
        return false;
    for (unsigned i = 0; i < host.len; i++)
        if (((unsigned char)host.at[i] & prefix_mask(cidr->bits, i)) != cidr->at[i])
            return false;
    return true;
}
