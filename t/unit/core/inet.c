/*
 * Addresses: what nginx 1.22 takes and how it words what it refuses, printing, networks.
 * Owns nothing.
 */
#include "core/inet.c"

#include "t/unit/tap.h"

static char buffer[INET_TEXT + 64];

static const char *text_of(const struct inet_address *address, bool port)
{
    struct fmt f;
    fmt_init(&f, buffer, sizeof(buffer));
    inet_write(&f, address, port);
    return fmt_done(&f).at;
}

/* want: the address as text, "=NAME" for a name, or what is wrong. */
struct row {
    const char *text, *want;
    unsigned port, last;
};

static void check(const struct row *row, enum inet_syntax syntax)
{
    struct inet_target t;
    char *copy = strdup(row->text);             /* so that a sanitizer sees a byte too far */
    const struct str text = str_of(copy, strlen(copy));
    const char *error = inet_parse_target(text, 80, syntax, &t);
    const char *kind = syntax == INET_LISTEN ? "listen" : "plain";
    if (error)
        is_str(error, row->want, "%s \"%s\" is refused", kind, row->text);
    else if (t.address.len == 0)
        ok(row->want[0] == '=' && str_eq(t.host, str_from(row->want + 1)) && t.port == row->port &&
               t.last_port == row->last,
           "%s \"%s\" is a name", kind, row->text);
    else
        ok(is_str(text_of(&t.address, true), row->want, "%s \"%s\"", kind, row->text) &&
               t.port == row->port && t.last_port == row->last,
           "%s \"%s\": ports", kind, row->text);
    free(copy);
}

#define NAME_107 \
    "/1234567890123456789012345678901234567890123456789" \
    "012345678901234567890123456789012345678901234567890123456"

static const struct row in_both[] = {
    { "127.0.0.1", "127.0.0.1:80", 80, 80 },
    { "127.0.0.1:8080", "127.0.0.1:8080", 8080, 8080 },
    { "127.0.0.1:1", "127.0.0.1:1", 1, 1 },
    { "127.0.0.1:65535", "127.0.0.1:65535", 65535, 65535 },
    { "127.0.0.1:00080", "127.0.0.1:80", 80, 80 },
    { "127.0.0.1:0", "invalid port", 0, 0 },
    { "127.0.0.1:65536", "invalid port", 0, 0 },
    { "127.0.0.1:4294967376", "invalid port", 0, 0 },
    { "127.0.0.1:18446744073709551696", "invalid port", 0, 0 },
    { "127.0.0.1:", "invalid port", 0, 0 },
    { "127.0.0.1:80x", "invalid port", 0, 0 },
    { "127.0.0.1:+80", "invalid port", 0, 0 },
    { "127.0.0.1:-80", "invalid port", 0, 0 },
    { "127.0.0.1:80:80", "invalid port", 0, 0 },
    { "127.0.0.1/x", "invalid host", 0, 0 },
    { "127.0.0.1:80/x", "invalid host", 0, 0 },
    { "a?b:80", "invalid host", 0, 0 },
    { "localhost", "=localhost", 80, 80 },
    { "localhost:81", "=localhost", 81, 81 },
    { "localhost:", "invalid port", 0, 0 },
    { "localhost:x", "invalid port", 0, 0 },
    { "127.1:81", "=127.1", 81, 81 },
    { "127.0.0.1.:81", "=127.0.0.1.", 81, 81 },
    { "256.0.0.1", "=256.0.0.1", 80, 80 },
    { "1.2.3.4.5", "=1.2.3.4.5", 80, 80 },
    { "1x", "=1x", 80, 80 },
    { "80-x", "=80-x", 80, 80 },
    { "127.0.0.01", "127.0.0.1:80", 80, 80 },
    { "[::1]", "[::1]:80", 80, 80 },
    { "[::1]:81", "[::1]:81", 81, 81 },
    { "[2001:DB8:0:0::A]:81", "[2001:db8::a]:81", 81, 81 },
    { "[::ffff:127.0.0.1]:81", "[::ffff:127.0.0.1]:81", 81, 81 },
    { "[::]", "[::]:80", 80, 80 },
    { "[::1]:", "invalid port", 0, 0 },
    { "[::1]:0", "invalid port", 0, 0 },
    { "[::1", "invalid host", 0, 0 },
    { "[", "invalid host", 0, 0 },
    { "[::1]x", "invalid host", 0, 0 },
    { "[::1]80", "invalid host", 0, 0 },
    { "[::1]:80/x", "invalid host", 0, 0 },
    { "[]", "no host", 0, 0 },
    { "[]:80", "no host", 0, 0 },
    { "[127.0.0.1]:80", "invalid IPv6 address", 0, 0 },
    { "[fe80::1%lo]:80", "invalid IPv6 address", 0, 0 },
    { "[1:2:3:4:5:6:7:8:9]", "invalid IPv6 address", 0, 0 },
    { "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]", "invalid IPv6 address", 0, 0 },
    { "::1", "invalid port", 0, 0 },
    { "", "no host", 0, 0 },
    { ":80", "no host", 0, 0 },
    { ":", "invalid port", 0, 0 },
    { "unix:/tmp/x", "unix:/tmp/x", 0, 0 },
    { "UNIX:rel", "unix:rel", 0, 0 },
    { "unix:/tmp/x:80", "unix:/tmp/x:80", 0, 0 },
    { "unix:/a?b", "unix:/a?b", 0, 0 },
    { "unix:", "no path in the unix domain socket", 0, 0 },
    { "unix:" NAME_107, "unix:" NAME_107, 0, 0 },
    { "unix:" NAME_107 "x", "too long path in the unix domain socket", 0, 0 },
    { "unix", "=unix", 80, 80 },
};

static const struct row in_plain[] = {
    { "80", "=80", 80, 80 },
    { "*", "=*", 80, 80 },
    { "*:80", "=*", 80, 80 },
    { "8080-8082", "=8080-8082", 80, 80 },
    { "127.0.0.1:80-81", "invalid port", 0, 0 },
};

static const struct row in_listen[] = {
    { "80", "0.0.0.0:80", 80, 80 },
    { "8080", "0.0.0.0:8080", 8080, 8080 },
    { "0", "invalid port", 0, 0 },
    { "65536", "invalid port", 0, 0 },
    { "99999999999999999999", "invalid port", 0, 0 },
    { "*", "0.0.0.0:80", 80, 80 },
    { "*:81", "0.0.0.0:81", 81, 81 },
    { "*:0", "invalid port", 0, 0 },
    { "*x:81", "=*x", 81, 81 },
    { "[*]:80", "invalid IPv6 address", 0, 0 },
    { "8080-8082", "0.0.0.0:8080", 8080, 8082 },
    { "*:8080-8080", "0.0.0.0:8080", 8080, 8080 },
    { "127.0.0.1:8080-8082", "127.0.0.1:8080", 8080, 8082 },
    { "[::1]:8080-8082", "[::1]:8080", 8080, 8082 },
    { "localhost:8080-8082", "=localhost", 8080, 8082 },
    { "*:8082-8080", "invalid port range", 0, 0 },
    { "8082-8080", "invalid port range", 0, 0 },
    { "80-65536", "invalid port", 0, 0 },
    { "0-80", "invalid port", 0, 0 },
    { "*:8080-", "invalid port", 0, 0 },
    { "*:-8080", "invalid port", 0, 0 },
    { "*:1-2-3", "invalid port", 0, 0 },
    { "8080-", "=8080-", 80, 80 },
    { "-80", "=-80", 80, 80 },
    { "1-2-3", "=1-2-3", 80, 80 },
};

static void test_targets(void)
{
    for (size_t i = 0; i < countof(in_both); i++) {
        check(&in_both[i], INET_PLAIN);
        check(&in_both[i], INET_LISTEN);
    }
    for (size_t i = 0; i < countof(in_plain); i++)
        check(&in_plain[i], INET_PLAIN);
    for (size_t i = 0; i < countof(in_listen); i++)
        check(&in_listen[i], INET_LISTEN);
}

static void test_target_fields(void)
{
    struct inet_target t;
    ok(!inet_parse_target(STR("[::1]:81"), 80, INET_PLAIN, &t) && t.has_port &&
           str_eq(t.host, STR("[::1]")),
       "the host keeps its brackets");
    ok(!inet_parse_target(STR("[::1]"), 80, INET_PLAIN, &t) && !t.has_port, "no port was given");
    ok(!inet_parse_target(STR("80"), 1, INET_LISTEN, &t) && t.wildcard && t.has_port,
       "only a port is a wildcard");
    ok(!inet_parse_target(STR("0.0.0.0"), 1, INET_LISTEN, &t) && !t.wildcard,
       "0.0.0.0 was not written as a wildcard");
    ok(!inet_parse_target(STR("localhost"), 0, INET_PLAIN, &t) && t.port == 0, "no default port");
    ok(inet_parse_target(str_of("a\0b", 3), 80, INET_PLAIN, &t) != NULL, "NUL in a name");
    ok(inet_parse_target(str_of("unix:/a\0b", 9), 80, INET_PLAIN, &t) != NULL, "NUL in a path");
    ok(inet_parse_target(str_of("[::1\0]", 6), 80, INET_PLAIN, &t) != NULL, "NUL in IPv6");
    ok(inet_parse_target(STR_NONE, 80, INET_PLAIN, &t) != NULL, "nothing");
}

static struct inet_address address(const char *text)
{
    struct inet_address a = { .len = 0 };
    if (!inet_parse(str_from(text), 80, &a) && !inet_parse_host(str_from(text), 80, &a))
        ok(false, "\"%s\" is an address", text);
    return a;
}

static void test_hosts(void)
{
    static const char *const good[][2] = {
        { "0.0.0.0", "0.0.0.0" },
        { "255.255.255.255", "255.255.255.255" },
        { "010.001.000.009", "10.1.0.9" },
        { "::", "::" },
        { "1::", "1::" },
        { "::1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7" },
        { "1:0:0:3:4:0:0:0", "1:0:0:3:4::" },
        { "1:0:0:3:4:0:0:8", "1::3:4:0:0:8" },
        { "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7" },
        { "64:ff9b::1.2.3.4", "64:ff9b::102:304" },
        { "::1.2.3.4", "::1.2.3.4" },
        { "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
        { "0000:0000:0000:0000:0000:ffff:255.255.255.255", "::ffff:255.255.255.255" },
    };
    static const char *const bad[] = {
        "", "1.2.3", "1.2.3.4.", ".1.2.3.4", "1..2.3", "1.2.3.256", "1.2.3.0001", "1.2.3.4 ",
        " 1.2.3.4", "1.2.3.-4", "0x1.2.3.4", "1.2.3.4:80", "1.2.3.4/8", "4294967296.1.2.3",
        "*", "a", ":", ":::", ":::1", "1::2::3", "::00001", "::g", "::1.2.3", "::1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "12345::", "fe80::1%lo", "[::1]",
        "1111111111111111111111111111111111111111111111111111111111111111111",
    };
    struct inet_address a;
    for (size_t i = 0; i < countof(good); i++)
        ok(inet_parse_host(str_from(good[i][0]), 7, &a) && inet_port(&a) == 7 &&
               is_str(text_of(&a, false), good[i][1], "host %s", good[i][0]),
           "host %s is one", good[i][0]);
    for (size_t i = 0; i < countof(bad); i++)
        ok(!inet_parse_host(str_from(bad[i]), 7, &a), "host \"%s\" is none", bad[i]);
    ok(!inet_parse(STR("localhost:80"), 80, &a), "a name is no address");
    ok(!inet_parse(STR("*:80"), 80, &a), "nor is a star");
}

static void test_print(void)
{
    struct inet_address a = address("[::1]:443");
    is_str(text_of(&a, true), "[::1]:443", "with port and brackets");
    is_str(text_of(&a, false), "::1", "without");
    inet_set_port(&a, 65535);
    is_str(text_of(&a, true), "[::1]:65535", "another port");
    a = address("unix:/a");
    inet_set_port(&a, 5);
    is_str(text_of(&a, true), "unix:/a", "a unix socket has no port");
    is_int(inet_port(&a), 0, "really none");
    a.len = 0;
    is_str(text_of(&a, true), "", "no address, no text");
    is_int(inet_port(&a), 0, "and no port");
}

static void test_from_sockaddr(void)
{
    struct inet_address a;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(5) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(6) };
    struct sockaddr other = { .sa_family = AF_PACKET };
    const size_t head = offsetof(struct sockaddr_un, sun_path);
    ok(inet_from_sockaddr(&a, &in, sizeof(in)) && a.len == sizeof(in), "IPv4");
    is_str(text_of(&a, true), "0.0.0.0:5", "IPv4 as text");
    ok(inet_from_sockaddr(&a, &in6, sizeof(in6)) && inet_port(&a) == 6, "IPv6");
    ok(!inet_from_sockaddr(&a, &in6, sizeof(in)) && a.len == 0, "IPv6, too short");
    ok(!inet_from_sockaddr(&a, &other, sizeof(other)), "another family");
    ok(!inet_from_sockaddr(&a, NULL, 0), "no address at all");
    ok(inet_from_sockaddr(&a, &un, (socklen_t)head), "a unix client without a name");
    is_str(text_of(&a, true), "unix:", "has an empty one");
    memset(un.sun_path, 'p', sizeof(un.sun_path));
    ok(inet_from_sockaddr(&a, &un, sizeof(un)), "a path that fills its room");
    is_int(strlen(text_of(&a, true)), 5 + sizeof(un.sun_path), "without a NUL behind");
    memcpy(un.sun_path, "\0abs", 4);
    ok(inet_from_sockaddr(&a, &un, (socklen_t)head + 4), "an abstract name");
    struct fmt f;
    fmt_init(&f, buffer, sizeof(buffer));
    inet_write(&f, &a, true);
    is_mem(f.at, f.len, "unix:\0abs", 9, "is its bytes");
    memcpy(un.sun_path, "/a", 3);
    ok(inet_from_sockaddr(&a, &un, sizeof(un)), "a path in a large room");
    is_str(text_of(&a, true), "unix:/a", "ends at its NUL");
    const struct inet_address parsed = address("unix:/a");
    ok(inet_eq(&a, &parsed), "and equals the one that was parsed");
}

static void test_equal(void)
{
    static const struct {
        const char *a, *b;
        bool host, whole;
    } rows[] = {
        { "127.0.0.1:80", "127.0.0.1:80", true, true },
        { "127.0.0.1:80", "127.0.0.1:81", true, false },
        { "127.0.0.1:80", "127.0.0.2:80", false, false },
        { "[::1]:80", "[0:0::1]:80", true, true },
        { "[::1]:80", "[::2]:80", false, false },
        { "[::ffff:127.0.0.1]:80", "127.0.0.1:80", false, false },
        { "unix:/a", "unix:/a", true, true },
        { "unix:/a", "unix:/ab", false, false },
        { "unix:/a", "127.0.0.1", false, false },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct inet_address a = address(rows[i].a), b = address(rows[i].b);
        ok(inet_eq_host(&a, &b) == rows[i].host && inet_eq(&a, &b) == rows[i].whole &&
               inet_eq(&b, &a) == rows[i].whole,
           "%s and %s", rows[i].a, rows[i].b);
    }
    const struct inet_address none = { .len = 0 }, some = address("0.0.0.0");
    ok(inet_eq(&none, &none) && !inet_eq(&none, &some) && !inet_eq(&some, &none), "no address");
}

static void test_cidr(void)
{
    static const struct {
        const char *text;
        int bits;                       /* -1: refused */
        bool loose;
    } rows[] = {
        { "10.0.0.0/8", 8, false },
        { "10.0.0.1/8", 8, true },
        { "10.0.0.1/08", 8, true },
        { "10.0.0.1", 32, false },
        { "10.0.0.1/32", 32, false },
        { "10.0.0.1/31", 31, true },
        { "10.0.0.0/31", 31, false },
        { "0.0.0.0/0", 0, false },
        { "10.0.0.1/0", 0, true },
        { "10.0.0.1/33", -1, false },
        { "10.0.0.1/4294967304", -1, false },
        { "10.0.0.1/", -1, false },
        { "10.0.0.1/-1", -1, false },
        { "10.0.0.1/1x", -1, false },
        { "10.0.0.0/8/8", -1, false },
        { "10.0.0.0/255.0.0.0", -1, false },
        { "10/8", -1, false },
        { "10.0.0.1:80", -1, false },
        { "/", -1, false },
        { "/8", -1, false },
        { "", -1, false },
        { "unix:", -1, false },
        { "localhost", -1, false },
        { "::1", 128, false },
        { "::1/128", 128, false },
        { "::1/129", -1, false },
        { "::1/127", 127, true },
        { "::/0", 0, false },
        { "2001:0db8::/032", 32, false },
        { "2001:db8::/29", 29, false },
        { "2001:db8::/28", 28, true },
        { "[::1]", -1, false },
        { "fe80::1%lo", -1, false },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct inet_cidr cidr = { .bits = 999 };
        bool loose = false;
        const bool good = inet_cidr_parse(str_from(rows[i].text), &cidr, &loose);
        ok(good == (rows[i].bits >= 0) && loose == rows[i].loose &&
               cidr.bits == (good ? (unsigned)rows[i].bits : 999),
           "network \"%s\"", rows[i].text);
    }
}

static void test_match(void)
{
    static const struct {
        const char *cidr, *address;
        bool match;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.1/8", "10.9.9.9", true },
        { "10.0.0.1", "10.0.0.1", true },
        { "10.0.0.1", "10.0.0.2", false },
        { "10.0.0.0/31", "10.0.0.1", true },
        { "10.0.0.0/31", "10.0.0.2", false },
        { "128.0.0.0/1", "128.0.0.0", true },
        { "128.0.0.0/1", "127.255.255.255", false },
        { "172.16.0.0/12", "172.31.255.255", true },
        { "172.16.0.0/12", "172.32.0.0", false },
        { "0.0.0.0/0", "255.255.255.255", true },
        { "0.0.0.0/0", "::1", false },
        { "0.0.0.0/0", "unix:/a", false },
        { "::/0", "::1", true },
        { "::/0", "10.0.0.1", false },
        { "::/0", "unix:/a", false },
        { "2001:db8::/32", "2001:db8:ffff::1", true },
        { "2001:db8::/32", "2001:db9::", false },
        { "2001:db8::/33", "2001:db8:8000::", false },
        { "::1/128", "::1", true },
        { "::1/128", "::2", false },
        { "10.0.0.0/8", "::ffff:10.0.0.1", true },
        { "10.0.0.0/8", "::ffff:11.0.0.1", false },
        { "10.0.0.0/8", "::fffe:10.0.0.1", false },
        { "10.0.0.0/8", "::10.0.0.1", false },
        { "::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true },
        { "::ffff:10.0.0.0/104", "::ffff:11.1.2.3", false },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct inet_cidr cidr;
        bool loose;
        const struct inet_address a = address(rows[i].address);
        ok(inet_cidr_parse(str_from(rows[i].cidr), &cidr, &loose) &&
               inet_cidr_match(&cidr, &a) == rows[i].match,
           "%s %s %s", rows[i].address, rows[i].match ? "is in" : "is not in", rows[i].cidr);
    }
    struct inet_cidr cidr;
    bool loose;
    const struct inet_address none = { .len = 0 };
    ok(inet_cidr_parse(STR("0.0.0.0/0"), &cidr, &loose) && !inet_cidr_match(&cidr, &none),
       "no address is in no network");
}

int main(void)
{
    test_targets();
    test_target_fields();
    test_hosts();
    test_print();
    test_from_sockaddr();
    test_equal();
    test_cidr();
    test_match();
    return done_testing();
}
