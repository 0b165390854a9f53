/*
 * The PROXY protocol: the grammar of both versions, TLVs, limits, and the same answer for every
 * cut. Owns nothing.
 */
#include "event/proxy_protocol.c"

#include "t/unit/tap.h"

static char bytes[70000];

static struct str built(struct fmt *f)
{
    const struct str s = str_of(f->at, f->len);
    ASSERT(!f->failed);
    return s;
}

/* The answer for a copy that ends where the bytes end, so that reading on is seen. */
static enum proxy_result parse(struct str s, struct proxy_head *head, const char **why)
{
    char *exact = malloc(s.len ? s.len : 1);
    ASSERT(exact);
    memcpy(exact, s.at, s.len);
    const enum proxy_result result = proxy_protocol_parse(str_of(exact, s.len), head, why);
    free(exact);
    return result;
}

static bool is_bad(struct str s)
{
    struct proxy_head head;
    const char *why;
    return parse(s, &head, &why) == PROXY_BAD && why && *why;
}

static bool address_is(const struct inet_address *address, const char *text)
{
    char buffer[INET_TEXT + 10];
    struct fmt f;
    fmt_init(&f, buffer, sizeof(buffer));
    inet_write(&f, address, true);
    return str_eq(fmt_done(&f), str_from(text));
}

/* Whole, with a tail, and cut at every byte. */
static bool same_at_every_cut(struct str s)
{
    struct proxy_head whole, part;
    const char *why;
    const enum proxy_result result = parse(s, &whole, &why);
    bool done = false;
    for (size_t len = 0; len < s.len; len++) {
        const enum proxy_result now = parse(str_of(s.at, len), &part, &why);
        if (now == PROXY_DONE) {
            if (result != PROXY_DONE || part.len != whole.len || len < whole.len)
                return false;
            done = true;
        } else if (done || (now == PROXY_BAD && result != PROXY_BAD))
            return false;
    }
    return true;
}

/* --- version 1 -----------------------------------------------------------------------------------
 */

static void good_line(const char *line, const char *from, const char *to)
{
    struct proxy_head head;
    const char *why;
    struct fmt f;
    fmt_init(&f, bytes, sizeof(bytes));
    fmt_text(&f, line);
    fmt_text(&f, "\r\n");
    const size_t len = f.len;
    fmt_text(&f, "GET / HTTP/1.1\r\n");
    const enum proxy_result result = parse(built(&f), &head, &why);
    ok(result == PROXY_DONE && head.len == len && str_empty(head.tlvs), "%s", line);
    if (from)
        ok(!head.local && address_is(&head.source, from) && address_is(&head.destination, to),
           "from %s to %s", from, to);
    else
        ok(head.local && head.source.len == 0 && head.destination.len == 0, "no addresses");
    ok(same_at_every_cut(built(&f)), "at every cut");
}

static void test_lines(void)
{
    good_line("PROXY TCP4 192.0.2.1 198.51.100.2 1000 80", "192.0.2.1:1000", "198.51.100.2:80");
    good_line("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0", "255.255.255.255:65535", "0.0.0.0:0");
    good_line("PROXY TCP6 2001:DB8::1 ::2 1 2", "[2001:db8::1]:1", "[::2]:2");
    good_line("PROXY TCP6 ::ffff:192.0.2.1 ::2 1 2", "[::ffff:192.0.2.1]:1", "[::2]:2");
    good_line("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535",
              "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
              "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535");
    good_line("PROXY UNKNOWN", NULL, NULL);
    good_line("PROXY UNKNOWN ", NULL, NULL);
    good_line("PROXY UNKNOWN whatever this is", NULL, NULL);
    good_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535", NULL, NULL);
}

static void test_bad_lines(void)
{
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 1.2.3.4 5.6.7.8 1000 80\r\n",
        " PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n",
        "PROXY\tTCP4 1.2.3.4 5.6.7.8 1000 80\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY  TCP4 1.2.3.4 5.6.7.8 1000 80\r\n",
        "PROXY tcp4 1.2.3.4 5.6.7.8 1000 80\r\n",
        "PROXY UDP4 1.2.3.4 5.6.7.8 1000 80\r\n",
        "PROXY TCP5 1.2.3.4 5.6.7.8 1000 80\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY UNKNOWN a\rb\r\n",
        "PROXY UNKNOWN a\nb\r\n",
        "PROXY UNKNOWN\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 \r\n",
        "PROXY TCP4 1.2.3.4\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 \r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8  80\r\n",
        "PROXY TCP4  1.2.3.4 5.6.7.8 80 81\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 81 \r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 81 82\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 81\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 81\rX\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 81\r\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 65536\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 18446744073709551617\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 -1 80\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 +1 80\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1a 80\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 0x50 80\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 080 80\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 80 00\r\n",
        "PROXY TCP4 01.2.3.4 5.6.7.8 80 81\r\n",
        "PROXY TCP4 1.2.3 5.6.7.8 80 81\r\n",
        "PROXY TCP4 1.2.3.256 5.6.7.8 80 81\r\n",
        "PROXY TCP4 1.2.3.4.5 5.6.7.8 80 81\r\n",
        "PROXY TCP4 a.b.c.d 5.6.7.8 80 81\r\n",
        "PROXY TCP4 1.2.3.4 example.com 80 81\r\n",
        "PROXY TCP4 ::1 ::2 80 81\r\n",
        "PROXY TCP4 1.2.3.4 ::2 80 81\r\n",
        "PROXY TCP6 1.2.3.4 5.6.7.8 80 81\r\n",
        "PROXY TCP6 1:2:3:4:5:6:7:8:9 ::2 80 81\r\n",
        "PROXY TCP6 1::2::3 ::2 80 81\r\n",
        "PROXY TCP6 fe80::1%lo ::2 80 81\r\n",
        "PROXY TCP6 [::1] ::2 80 81\r\n",
        "PROXY TCP6 g:: ::2 80 81\r\n",
    };
    for (size_t i = 0; i < countof(lines); i++) {
        const struct str s = str_from(lines[i]);
        ok(is_bad(s) && same_at_every_cut(s), "bad: %.*s", (int)strcspn(lines[i], "\r\n"),
           lines[i]);
    }
    ok(is_bad(STR("PROXY TCP4 1.2.3.4\0 5.6.7.8 80 81\r\n")), "a NUL in an address");
    ok(is_bad(STR("PROXY TCP6 ::1\0 ::2 80 81\r\n")), "also of IPv6");
}

static struct str line_of(size_t len)
{
    struct fmt f;
    fmt_init(&f, bytes, sizeof(bytes));
    fmt_text(&f, "PROXY UNKNOWN ");
    fmt_repeat(&f, 'a', len - f.len - 2);
    fmt_text(&f, "\r\n");
    return built(&f);
}

static void test_line_limits(void)
{
    struct proxy_head head;
    const char *why;
    is_int(parse(line_of(107), &head, &why), PROXY_DONE, "107 bytes are a line");
    ok(is_bad(line_of(108)), "108 are none");
    ok(same_at_every_cut(line_of(108)), "at every cut");
    is_int(parse(str_of(line_of(500).at, 106), &head, &why), PROXY_MORE,
           "106 bytes may become one");
    ok(is_bad(str_of(line_of(500).at, 107)), "107 without an end may not");
    is_int(parse(STR(""), &head, &why), PROXY_MORE, "nothing may become anything");
    is_int(parse(STR("PRO"), &head, &why), PROXY_MORE, "the beginning of the signature");
    ok(is_bad(STR("PRX")), "is looked at early");
    ok(is_bad(STR("\n")) && is_bad(STR("G")), "from the first byte on");
}

/* --- version 2 -----------------------------------------------------------------------------------
 */

static void v2_begin(struct fmt *f, unsigned command, unsigned family)
{
    fmt_init(f, bytes, sizeof(bytes));
    fmt_str(f, STR("\r\n\r\n\0\r\nQUIT\n"));
    fmt_char(f, (char)command);
    fmt_char(f, (char)family);
    fmt_str(f, STR("\0\0"));
}

/* Writes the length of what followed v2_begin. */
static struct str v2_end(struct fmt *f)
{
    const size_t len = f->len - 16;
    f->at[14] = (char)(len >> 8);
    f->at[15] = (char)len;
    return built(f);
}

#define V4_BODY STR("\xc0\0\2\1\xc6\x33\x64\2\x03\xe8\0\x50")

static struct str v2(unsigned command, unsigned family, struct str body)
{
    struct fmt f;
    v2_begin(&f, command, family);
    fmt_str(&f, body);
    return v2_end(&f);
}

static struct str zeros(size_t len)
{
    static const char none[5000];
    return str_of(none, len);
}

static void tlv(struct fmt *f, unsigned type, struct str value)
{
    fmt_char(f, (char)type);
    fmt_char(f, (char)(value.len >> 8));
    fmt_char(f, (char)value.len);
    fmt_str(f, value);
}

static void test_families(void)
{
    struct proxy_head head;
    const char *why;
    struct fmt f;
    struct str s = v2(0x21, 0x11, V4_BODY);
    ok(parse(s, &head, &why) == PROXY_DONE && !head.local && head.len == 28, "IPv4");
    ok(address_is(&head.source, "192.0.2.1:1000") &&
           address_is(&head.destination, "198.51.100.2:80"),
       "its addresses");
    ok(same_at_every_cut(s), "at every cut");

    v2_begin(&f, 0x21, 0x21);
    fmt_str(&f, STR("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"));
    fmt_str(&f, STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\xff\xff\0\x35rest"));
    f.len -= 4;
    s = v2_end(&f);
    ok(parse(s, &head, &why) == PROXY_DONE && !head.local && head.len == 52, "IPv6");
    ok(address_is(&head.source, "[2001:db8::1]:65535") && address_is(&head.destination, "[::2]:53"),
       "its addresses");
    ok(same_at_every_cut(s), "at every cut");
}

static struct str v2_paths(struct str from, struct str to)
{
    struct fmt f;
    v2_begin(&f, 0x21, 0x31);
    fmt_str(&f, from);
    fmt_repeat(&f, '\0', 108 - from.len);
    fmt_str(&f, to);
    fmt_repeat(&f, '\0', 108 - to.len);
    return v2_end(&f);
}

static void test_paths(void)
{
    struct proxy_head head;
    const char *why;
    char longest[109];
    struct fmt f;
    struct str s = v2_paths(STR("/run/from"), STR("/run/to"));
    ok(parse(s, &head, &why) == PROXY_DONE && !head.local && head.len == 232, "unix sockets");
    ok(address_is(&head.source, "unix:/run/from") && address_is(&head.destination, "unix:/run/to"),
       "their paths");
    ok(same_at_every_cut(s), "at every cut");
    fmt_init(&f, longest, sizeof(longest));
    fmt_repeat(&f, 'p', 108);
    is_int(parse(v2_paths(built(&f), STR("")), &head, &why), PROXY_DONE, "a path without NUL");
    is_uint(head.source.len, sizeof(head.source.local), "of 108 bytes");
    is_uint(head.destination.len, offsetof(struct sockaddr_un, sun_path), "and no name at all");
    is_int(parse(v2_paths(STR("\0abstract"), STR("x")), &head, &why), PROXY_DONE,
           "an abstract one");
    is_uint(head.source.len, offsetof(struct sockaddr_un, sun_path) + 9, "without the filling");
}

/* What leaves the connection's own addresses in place. */
static void test_local(void)
{
    static const struct {
        const char *name;
        unsigned command, family;
        struct str body;
    } cases[] = {
        { "LOCAL", 0x20, 0x00, STR_INIT("") },
        { "LOCAL with an address", 0x20, 0x11, STR_INIT("\1\2\3\4\5\6\7\x8\0\1\0\2") },
        { "LOCAL with anything", 0x20, 0xff, STR_INIT("abc") },
        { "UNSPEC", 0x21, 0x00, STR_INIT("") },
        { "UNSPEC with bytes", 0x21, 0x00, STR_INIT("junk") },
        { "a datagram's", 0x21, 0x12, STR_INIT("\1\2\3\4\5\6\7\x8\0\1\0\2") },
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct proxy_head head;
        const char *why;
        const struct str s = v2(cases[i].command, cases[i].family, cases[i].body);
        ok(parse(s, &head, &why) == PROXY_DONE && head.local && head.len == s.len, "%s",
           cases[i].name);
        ok(head.source.len == 0 && head.destination.len == 0 && str_empty(head.tlvs),
           "has no addresses");
        ok(same_at_every_cut(s), "at every cut");
    }
}

static void test_bad_heads(void)
{
    ok(is_bad(v2(0x11, 0x11, V4_BODY)), "version 1 in the clothes of 2");
    ok(is_bad(v2(0x31, 0x11, V4_BODY)), "version 3");
    ok(is_bad(v2(0x22, 0x11, V4_BODY)), "an unknown command");
    ok(is_bad(v2(0x2f, 0x00, STR(""))), "another one");
    ok(is_bad(v2(0x21, 0x41, V4_BODY)), "an unknown family");
    ok(is_bad(v2(0x21, 0x13, V4_BODY)), "an unknown transport");
    ok(is_bad(v2(0x21, 0x10, V4_BODY)), "a family without a transport");
    ok(is_bad(v2(0x21, 0x01, V4_BODY)), "a transport without a family");
    ok(is_bad(v2(0x21, 0x11, zeros(11))), "short for IPv4");
    ok(is_bad(v2(0x21, 0x11, zeros(0))), "empty");
    ok(is_bad(v2(0x21, 0x21, zeros(35))), "short for IPv6");
    ok(is_bad(v2(0x21, 0x31, zeros(215))), "short for paths");
    ok(is_bad(v2(0x21, 0x12, zeros(11))), "short for a datagram");
    ok(same_at_every_cut(v2(0x21, 0x21, zeros(35))), "at every cut");
    ok(is_bad(STR("\r\n\r\n\0\r\nQUIX\n\x21\x11\0\x0c")), "a damaged signature");
    ok(is_bad(STR("\r\n\r\n\1")), "is seen at its first wrong byte");
    ok(is_bad(STR("\r\n\r\n\0\r\nQUIT\n\x11")), "a wrong version as well");
}

static struct str v2_long(size_t total)
{
    struct fmt f;
    v2_begin(&f, 0x21, 0x11);
    fmt_str(&f, V4_BODY);
    tlv(&f, 0x04, zeros(total - 16 - 12 - 3));
    return v2_end(&f);
}

static void test_head_limits(void)
{
    struct proxy_head head;
    const char *why;
    ok(parse(v2_long(4096), &head, &why) == PROXY_DONE && head.len == 4096,
       "4096 bytes are a head");
    ok(is_bad(v2_long(4097)), "4097 are none");
    ok(is_bad(str_of(v2_long(4097).at, 16)), "which is known from the length field");
    is_int(parse(str_of(v2_long(4096).at, 4095), &head, &why), PROXY_MORE,
           "the last byte is missing");
    ok(is_bad(STR("\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff")), "the longest");
}

/* --- TLVs ----------------------------------------------------------------------------------------
 */

static struct str v2_tlvs(void)
{
    char inner[64];
    struct fmt f, ssl;
    fmt_init(&ssl, inner, sizeof(inner));
    fmt_str(&ssl, STR("\1\0\1\2\3"));
    tlv(&ssl, 0x21, STR("TLSv1.3"));
    tlv(&ssl, 0x22, STR("example.com"));
    v2_begin(&f, 0x21, 0x11);
    fmt_str(&f, V4_BODY);
    tlv(&f, 0x01, STR("h2"));
    tlv(&f, 0x02, STR(""));
    tlv(&f, 0x20, built(&ssl));
    tlv(&f, 0xea, STR("\1vpce-1"));
    tlv(&f, 0xea, STR("second"));
    return v2_end(&f);
}

static void test_tlvs(void)
{
    struct proxy_head head;
    const char *why;
    struct str value;
    uint32_t verify = 0;
    const struct str s = v2_tlvs();
    is_int(proxy_protocol_parse(s, &head, &why), PROXY_DONE, "a head with TLVs");
    ok(same_at_every_cut(s), "at every cut");
    ok(proxy_protocol_tlv(head.tlvs, 1, &value) && str_eq(value, STR("h2")), "the first");
    ok(proxy_protocol_tlv(head.tlvs, 2, &value) && str_empty(value), "an empty one");
    ok(proxy_protocol_tlv(head.tlvs, 0xea, &value) && str_eq(value, STR("\1vpce-1")),
       "of two the first");
    ok(!proxy_protocol_tlv(head.tlvs, 5, &value), "one that is not there");
    ok(!proxy_protocol_tlv(head.tlvs, 0x21, &value), "those inside are not outside");
    ok(proxy_protocol_ssl_tlv(head.tlvs, 0x22, &value) && str_eq(value, STR("example.com")),
       "inside");
    ok(!proxy_protocol_ssl_tlv(head.tlvs, 0x23, &value), "not inside");
    ok(!proxy_protocol_ssl_tlv(head.tlvs, 1, &value), "those outside are not inside");
    ok(proxy_protocol_ssl_verify(head.tlvs, &verify) && verify == 0x10203, "the verification");
    ok(!proxy_protocol_ssl_verify(STR(""), &verify), "of which there may be none");
    struct proxy_head *kept = proxy_protocol_keep(&head);
    ASSERT(kept);
    memset(bytes, 'x', sizeof(bytes));
    ok(proxy_protocol_tlv(kept->tlvs, 1, &value) && str_eq(value, STR("h2"))
           && address_is(&kept->source, "192.0.2.1:1000"), "a copy outlives the bytes");
    free(kept);
    is_int(parse(v2(0x20, 0, STR("")), &head, &why), PROXY_DONE, "a head without any");
    kept = proxy_protocol_keep(&head);
    ok(kept && str_empty(kept->tlvs), "is kept as well");
    free(kept);
}

static struct str v2_with(struct str tail)
{
    struct fmt f;
    v2_begin(&f, 0x21, 0x11);
    fmt_str(&f, V4_BODY);
    fmt_str(&f, tail);
    return v2_end(&f);
}

static void test_bad_tlvs(void)
{
    struct proxy_head head;
    const char *why;
    ok(is_bad(v2_with(STR("\1"))), "a type alone");
    ok(is_bad(v2_with(STR("\1\0"))), "half a length");
    ok(is_bad(v2_with(STR("\1\0\1"))), "no value");
    ok(is_bad(v2_with(STR("\1\0\5abcd"))), "a value that is short by one");
    ok(is_bad(v2_with(STR("\1\xff\xff" "abcd"))), "by much");
    ok(is_bad(v2_with(STR("\1\0\1x\2\0\1"))), "the second one");
    is_int(parse(v2_with(STR("\1\0\0")), &head, &why), PROXY_DONE, "no bytes are a value");
    ok(is_bad(v2_with(STR("\x20\0\4\1\0\0\0"))), "an SSL TLV without its head");
    is_int(parse(v2_with(STR("\x20\0\5\1\0\0\0\0")), &head, &why), PROXY_DONE, "only the head");
    ok(is_bad(v2_with(STR("\x20\0\6\1\0\0\0\0\x21"))), "a broken one inside");
    ok(is_bad(v2_with(STR("\x20\0\x08\1\0\0\0\0\x21\0\1"))), "one that reaches out of it");
    ok(is_bad(v2_with(STR("\x20\0\5\1\0\0\0\0\x20\0\1\1"))), "also in a second SSL TLV");
}

static void test_names(void)
{
    static const struct {
        const char *name;
        int type;                       /* -1: no such name */
        enum proxy_tlv_place place;
    } names[] = {
        { "alpn", 1, PROXY_TLV_HEAD },
        { "authority", 2, PROXY_TLV_HEAD },
        { "unique_id", 5, PROXY_TLV_HEAD },
        { "ssl", 0x20, PROXY_TLV_HEAD },
        { "netns", 0x30, PROXY_TLV_HEAD },
        { "ssl_version", 0x21, PROXY_TLV_SSL },
        { "ssl_cn", 0x22, PROXY_TLV_SSL },
        { "ssl_cipher", 0x23, PROXY_TLV_SSL },
        { "ssl_sig_alg", 0x24, PROXY_TLV_SSL },
        { "ssl_key_alg", 0x25, PROXY_TLV_SSL },
        { "ssl_verify", 0, PROXY_TLV_SSL_VERIFY },
        { "0xEA", 0xea, PROXY_TLV_HEAD },
        { "0x1", 1, PROXY_TLV_HEAD },
        { "0xff", 0xff, PROXY_TLV_HEAD },
        { "ssl_0x21", 0x21, PROXY_TLV_SSL },
        { "", -1, PROXY_TLV_HEAD },
        { "0x", -1, PROXY_TLV_HEAD },
        { "0x100", -1, PROXY_TLV_HEAD },
        { "EA", -1, PROXY_TLV_HEAD },
        { "0xEG", -1, PROXY_TLV_HEAD },
        { "ssl_", -1, PROXY_TLV_HEAD },
        { "ssl_0x", -1, PROXY_TLV_HEAD },
        { "ssl_alpn", -1, PROXY_TLV_HEAD },
        { "234", -1, PROXY_TLV_HEAD },
    };
    for (size_t i = 0; i < countof(names); i++) {
        uint8_t type = 0xaa;
        enum proxy_tlv_place place = PROXY_TLV_HEAD;
        const bool found = proxy_protocol_tlv_type(str_from(names[i].name), &type, &place);
        ok(found == (names[i].type >= 0)
               && (!found || (type == names[i].type && place == names[i].place)),
           "name \"%s\"", names[i].name);
    }
}

/* --- writing -------------------------------------------------------------------------------------
 */

static void writes(const char *from, const char *to, const char *want)
{
    struct inet_address source = { .len = 0 }, destination = source;
    char line[PROXY_LINE_MOST + 1];
    struct fmt f;
    ASSERT(!*from || inet_parse(str_from(from), 0, &source));
    ASSERT(!*to || inet_parse(str_from(to), 0, &destination));
    fmt_init(&f, line, sizeof(line));
    proxy_protocol_write(&f, &source, &destination);
    is_str(fmt_done(&f).at, want, "written from \"%s\" to \"%s\"", from, to);
    ok(same_at_every_cut(built(&f)) && !is_bad(built(&f)), "and can be read");
}

static void test_write(void)
{
    writes("192.0.2.1:1000", "192.0.2.2:80", "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n");
    writes("[2001:db8::1]:65535", "[::2]:80", "PROXY TCP6 2001:db8::1 ::2 65535 80\r\n");
    writes("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
           "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
           "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
    writes("192.0.2.1:1000", "[::2]:80", "PROXY UNKNOWN\r\n");
    writes("unix:/a", "unix:/b", "PROXY UNKNOWN\r\n");
    writes("", "192.0.2.2:80", "PROXY UNKNOWN\r\n");
    writes("192.0.2.2:80", "", "PROXY UNKNOWN\r\n");
}

int main(void)
{
    test_lines();
    test_bad_lines();
    test_line_limits();
    test_families();
    test_paths();
    test_local();
    test_bad_heads();
    test_head_limits();
    test_tlvs();
    test_bad_tlvs();
    test_names();
    test_write();
    return done_testing();
}
