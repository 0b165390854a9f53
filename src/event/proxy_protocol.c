/*
 * The PROXY protocol: one pass over a slice, without I/O and without allocation.
 * Owns nothing; the TLVs of a head lie in the bytes that were parsed.
 */
#include "event/proxy_protocol.h"

#include "core/number.h"

static const struct str signature = STR_INIT("\r\n\r\n\0\r\nQUIT\n");

enum {
    V2_FIXED = 16,                      /* signature, version and command, family, length */
    V2_V4 = 12,                         /* two addresses, two ports */
    V2_V6 = 36,
    V2_LOCAL = 216,                     /* two paths of 108 */
    V2_PATH = 108,
    TLV_HEAD = 3,
    TLV_SSL = 0x20,
    SSL_HEAD = 5,                       /* client bits, the result of verification */
};

/* Both are as long as the shorter one at most: what is there fits so far. */
static bool fits_so_far(struct str bytes, struct str wanted)
{
    const size_t len = size_min(bytes.len, wanted.len);
    return str_eq(str_of(bytes.at, len), str_of(wanted.at, len));
}

static enum proxy_result bad(const char **why, const char *text)
{
    *why = text;
    return PROXY_BAD;
}

/* --- TLVs ------------------------------------------------------------------------------------- */

static uint8_t byte_at(struct str s, size_t off)
{
    struct str one;
    return str_sub(s, off, 1, &one) ? (uint8_t)*one.at : 0;
}

static size_t u16_at(struct str s, size_t off)
{
    return (size_t)byte_at(s, off) << 8 | byte_at(s, off + 1);
}

/* The first of *rest, which moves behind it. False: it does not lie inside. */
static bool take_tlv(struct str *rest, uint8_t *type, struct str *value)
{
    *type = byte_at(*rest, 0);
    return rest->len >= TLV_HEAD && str_sub(*rest, TLV_HEAD, u16_at(*rest, 1), value)
           && str_from_off(*rest, TLV_HEAD + value->len, rest);
}

static bool find_tlv(struct str rest, uint8_t wanted, struct str *value)
{
    uint8_t type;
    while (rest.len > 0 && take_tlv(&rest, &type, value))
        if (type == wanted)
            return true;
    return false;
}

static bool tlvs_are_sound(struct str rest)
{
    uint8_t type;
    struct str value;
    while (rest.len > 0)
        if (!take_tlv(&rest, &type, &value))
            return false;
    return true;
}

/* Also those inside of every SSL TLV. */
static bool all_tlvs_are_sound(struct str rest)
{
    uint8_t type;
    struct str value, inner;
    if (!tlvs_are_sound(rest))
        return false;
    while (rest.len > 0 && take_tlv(&rest, &type, &value))
        if (type == TLV_SSL && (!str_from_off(value, SSL_HEAD, &inner) || !tlvs_are_sound(inner)))
            return false;
    return true;
}

/* --- version 1 -------------------------------------------------------------------------------- */

/* Decimal without leading zeros, as the protocol asks. */
static bool parse_port(struct str text, uint16_t *port)
{
    uint32_t n;
    if (!number_u32(text, &n) || n > 65535 || (text.len > 1 && *text.at == '0'))
        return false;
    *port = (uint16_t)n;
    return true;
}

/* An IPv4 address only as it would be written: other readers take 010 for eight. */
static bool parse_host(struct str text, int family, uint16_t port, struct inet_address *address)
{
    char buffer[INET_TEXT];
    struct fmt f;
    if (!inet_parse_host(text, port, address) || address->any.sa_family != family)
        return false;
    if (family == AF_INET6)
        return true;
    fmt_init(&f, buffer, sizeof(buffer));
    inet_write(&f, address, false);
    return str_eq(fmt_done(&f), text);
}

/* "source destination port port", one blank between them. */
static enum proxy_result parse_pair(struct str text, int family, struct proxy_head *head,
                                    const char **why)
{
    struct str part[3];
    uint16_t from, to;
    for (size_t i = 0; i < countof(part); i++)
        if (!str_cut(text, ' ', &part[i], &text))
            return bad(why, "a field is missing");
    if (!parse_port(part[2], &from) || !parse_port(text, &to))
        return bad(why, "invalid port");
    if (!parse_host(part[0], family, from, &head->source)
        || !parse_host(part[1], family, to, &head->destination))
        return bad(why, "invalid address");
    return PROXY_DONE;
}

/* Behind "PROXY ", without CR LF.  What follows UNKNOWN has no meaning. */
static enum proxy_result parse_words(struct str text, struct proxy_head *head, const char **why)
{
    struct str family;
    str_cut(text, ' ', &family, &text);
    if (str_eq(family, STR("TCP4")))
        return parse_pair(text, AF_INET, head, why);
    if (str_eq(family, STR("TCP6")))
        return parse_pair(text, AF_INET6, head, why);
    if (!str_eq(family, STR("UNKNOWN")))
        return bad(why, "unknown address family");
    head->local = true;
    return PROXY_DONE;
}

static enum proxy_result parse_line(struct str bytes, struct proxy_head *head, const char **why)
{
    const struct str name = STR("PROXY ");
    struct str text;
    if (!fits_so_far(bytes, name))
        return bad(why, "no signature");
    const struct str most = str_of(bytes.at, size_min(bytes.len, PROXY_LINE_MOST));
    const ssize_t lf = str_chr(most, '\n');
    const ssize_t cr = str_chr(most, '\r');
    if (lf < 0)
        return bytes.len < PROXY_LINE_MOST ? PROXY_MORE : bad(why, "line too long");
    if (cr != lf - 1 || !str_sub(most, name.len, (size_t)cr - name.len, &text))
        return bad(why, "invalid line end");
    head->len = (size_t)lf + 1;
    return parse_words(text, head, why);
}

/* --- version 2 -------------------------------------------------------------------------------- */

/* `text` has the bytes of the address, `port` the two of the port. */
static void set_v4(struct inet_address *address, struct str text, size_t port)
{
    *address = (struct inet_address){ .len = sizeof(address->v4) };
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    memcpy(&address->v4.sin_addr, text.at, sizeof(address->v4.sin_addr));
}

static void set_v6(struct inet_address *address, struct str text, size_t port)
{
    *address = (struct inet_address){ .len = sizeof(address->v6) };
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons((uint16_t)port);
    memcpy(&address->v6.sin6_addr, text.at, sizeof(address->v6.sin6_addr));
}

/* Zeros fill the field; a path may also use all of it, and an abstract name begins with one. */
static void set_local(struct inet_address *address, struct str path)
{
    _Static_assert(sizeof(address->local.sun_path) >= V2_PATH, "a path must fit");
    *address = (struct inet_address){ .len = offsetof(struct sockaddr_un, sun_path) };
    address->local.sun_family = AF_UNIX;
    while (path.len > 0 && path.at[path.len - 1] == '\0')
        path.len--;
    if (path.len == 0)
        return;
    memcpy(address->local.sun_path, path.at, path.len);
    address->len += (socklen_t)path.len;
}

/* `body` is what the length field covers.  False: too short for the family. */
static bool parse_addresses(struct str body, unsigned family, struct proxy_head *head,
                            struct str *tlvs)
{
    struct str from, to;
    switch (family) {
    case 1:
        if (!str_from_off(body, V2_V4, tlvs) || !str_sub(body, 0, 4, &from)
            || !str_sub(body, 4, 4, &to))
            return false;
        set_v4(&head->source, from, u16_at(body, 8));
        set_v4(&head->destination, to, u16_at(body, 10));
        return true;
    case 2:
        if (!str_from_off(body, V2_V6, tlvs) || !str_sub(body, 0, 16, &from)
            || !str_sub(body, 16, 16, &to))
            return false;
        set_v6(&head->source, from, u16_at(body, 32));
        set_v6(&head->destination, to, u16_at(body, 34));
        return true;
    default:
        if (!str_from_off(body, V2_LOCAL, tlvs) || !str_sub(body, 0, V2_PATH, &from)
            || !str_sub(body, V2_PATH, V2_PATH, &to))
            return false;
        set_local(&head->source, from);
        set_local(&head->destination, to);
        return true;
    }
}

/* A command or a family that nobody has assigned ends the connection, as the protocol asks.  For
 * LOCAL the family means nothing; a datagram's addresses are not those of a stream. */
static enum proxy_result parse_body(struct str fixed, struct str body, struct proxy_head *head,
                                    const char **why)
{
    const unsigned command = byte_at(fixed, 12) & 15;
    const unsigned family = byte_at(fixed, 13) >> 4, transport = byte_at(fixed, 13) & 15;
    struct proxy_head addresses = { .len = 0 };
    struct str tlvs;
    if (command > 1)
        return bad(why, "unknown command");
    if (command == 1 && (family > 3 || transport > 2 || (family == 0) != (transport == 0)))
        return bad(why, "unknown address family");
    head->local = command == 0 || transport != 1;
    if (command == 0 || family == 0)
        return PROXY_DONE;
    if (!parse_addresses(body, family, head->local ? &addresses : head, &tlvs))
        return bad(why, "too short for its addresses");
    if (!all_tlvs_are_sound(tlvs))
        return bad(why, "invalid TLV");
    head->tlvs = tlvs;
    return PROXY_DONE;
}

static enum proxy_result parse_binary(struct str bytes, struct proxy_head *head, const char **why)
{
    struct str fixed, body;
    if (!fits_so_far(bytes, signature))
        return bad(why, "no signature");
    if (bytes.len > signature.len && byte_at(bytes, signature.len) >> 4 != 2)
        return bad(why, "unknown version");
    if (!str_sub(bytes, 0, V2_FIXED, &fixed))
        return PROXY_MORE;
    const size_t len = u16_at(fixed, 14);
    if (V2_FIXED + len > PROXY_HEAD_MOST)
        return bad(why, "head too long");
    if (!str_sub(bytes, V2_FIXED, len, &body))
        return PROXY_MORE;
    head->len = V2_FIXED + len;
    return parse_body(fixed, body, head, why);
}

/* --- entry points ----------------------------------------------------------------------------- */

enum proxy_result proxy_protocol_parse(struct str bytes, struct proxy_head *head, const char **why)
{
    *head = (struct proxy_head){ .len = 0 };
    *why = NULL;
    if (bytes.len == 0)
        return PROXY_MORE;
    return *bytes.at == '\r' ? parse_binary(bytes, head, why) : parse_line(bytes, head, why);
}

struct proxy_head *proxy_protocol_keep(const struct proxy_head *head)
{
    struct proxy_head *copy = malloc(sizeof(*copy) + head->tlvs.len);
    if (!copy)
        return NULL;
    *copy = *head;
    if (head->tlvs.len)
        copy->tlvs.at = memcpy(copy + 1, head->tlvs.at, head->tlvs.len);
    return copy;
}

bool proxy_protocol_tlv(struct str tlvs, uint8_t type, struct str *value)
{
    return find_tlv(tlvs, type, value);
}

bool proxy_protocol_ssl_tlv(struct str tlvs, uint8_t type, struct str *value)
{
    struct str ssl;
    return find_tlv(tlvs, TLV_SSL, &ssl) && str_from_off(ssl, SSL_HEAD, &ssl)
           && find_tlv(ssl, type, value);
}

bool proxy_protocol_ssl_verify(struct str tlvs, uint32_t *result)
{
    struct str ssl;
    if (!find_tlv(tlvs, TLV_SSL, &ssl) || ssl.len < SSL_HEAD)
        return false;
    *result = (uint32_t)(u16_at(ssl, 1) << 16 | u16_at(ssl, 3));
    return true;
}

bool proxy_protocol_tlv_type(struct str name, uint8_t *type, enum proxy_tlv_place *place)
{
    static const struct {
        struct str name;
        enum proxy_tlv_place place;
        uint8_t type;
    } names[] = {
        { STR_INIT("alpn"), PROXY_TLV_HEAD, 0x01 },
        { STR_INIT("authority"), PROXY_TLV_HEAD, 0x02 },
        { STR_INIT("unique_id"), PROXY_TLV_HEAD, 0x05 },
        { STR_INIT("ssl"), PROXY_TLV_HEAD, TLV_SSL },
        { STR_INIT("netns"), PROXY_TLV_HEAD, 0x30 },
        { STR_INIT("ssl_version"), PROXY_TLV_SSL, 0x21 },
        { STR_INIT("ssl_cn"), PROXY_TLV_SSL, 0x22 },
        { STR_INIT("ssl_cipher"), PROXY_TLV_SSL, 0x23 },
        { STR_INIT("ssl_sig_alg"), PROXY_TLV_SSL, 0x24 },
        { STR_INIT("ssl_key_alg"), PROXY_TLV_SSL, 0x25 },
        { STR_INIT("ssl_verify"), PROXY_TLV_SSL_VERIFY, 0 },
    };
    uint64_t n;
    for (size_t i = 0; i < countof(names); i++) {
        if (!str_eq(name, names[i].name))
            continue;
        *type = names[i].type;
        *place = names[i].place;
        return true;
    }
    const bool ssl = str_starts(name, STR("ssl_"));
    if (ssl && !str_from_off(name, strlen("ssl_"), &name))
        return false;
    if (!str_starts_ci(name, STR("0x")) || !str_from_off(name, 2, &name) || !number_hex(name, &n)
        || n > UINT8_MAX)
        return false;
    *type = (uint8_t)n;
    *place = ssl ? PROXY_TLV_SSL : PROXY_TLV_HEAD;
    return true;
}

void proxy_protocol_write(struct fmt *f, const struct inet_address *source,
                          const struct inet_address *destination)
{
    const sa_family_t family = source->len ? source->any.sa_family : AF_UNSPEC;
    const bool same = destination->len && destination->any.sa_family == family;
    if (!same || (family != AF_INET && family != AF_INET6)) {
        fmt_text(f, "PROXY UNKNOWN\r\n");
        return;
    }
    fmt_text(f, family == AF_INET ? "PROXY TCP4 " : "PROXY TCP6 ");
    inet_write(f, source, false);
    fmt_char(f, ' ');
    inet_write(f, destination, false);
    fmt_print(f, " %u %u\r\n", inet_port(source), inet_port(destination));
}
