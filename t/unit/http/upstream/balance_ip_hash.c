/*
 * Where addresses go, as nginx sends them: each line is the first of 5,000 and a checksum of all.
 * Owns nothing.
 */
#include "http/upstream/balance_ip_hash.c"

#include "t/unit/http/upstream/fixture.h"

enum { CLIENTS = 5000, TEXT = 16384 };

struct expectation {
    const char *name;
    unsigned servers;
    int64_t (*weight)(unsigned i);
    bool (*down)(unsigned i);
    bool failing, v6;
    uint32_t all;
    const char *first;
};

static int64_t even(unsigned i)
{
    (void)i;
    return 1;
}

static int64_t fifths(unsigned i)
{
    return i % 5 + 1;
}

static bool fourth(unsigned i)
{
    return i == 3;
}

static bool most(unsigned i)
{
    return i == 1 || i == 3 || i == 4 || i == 6;
}

static int64_t of_most(unsigned i)
{
    return most(i) ? 1 : (int64_t)i + 1;
}

static bool nearly_all(unsigned i)
{
    return i != 7 && i != 31;
}

static int64_t of_nearly_all(unsigned i)
{
    return nearly_all(i) ? 1 : i / 10 + 1;
}

static const struct expectation expectations[] = {
    { "7 servers", 7, even, NULL, false, false, 0xd2060edf, "\"%&&''!!\"$%%&&''$&&'!!\"\"" },
    { "97 servers", 97, even, NULL, false, false, 0xdf79f3aa, "%Mic\x7fy4.J(D>ZTpjS1+Gc]ys" },
    { "97 servers, IPv6", 97, even, NULL, false, true, 0xee48f147, "o%Z.AvJ\x7fS2g;N\"W+B!V*_" },
    { "weights", 20, fifths, NULL, false, false, 0x829a0fb8, "4)4#/1)*\"3*,$%233/1)4#." },
    { "one down", 7, even, fourth, false, false, 0xc85edfba, "\"%&&''!!\"&%%&&''#&&'!!\"" },
    { "most down", 7, of_most, most, false, false, 0xd0885a3e, "&##&#&&&&####!&&&&!&&&&&" },
    { "nearly all down", 40, of_nearly_all, nearly_all, false, false, 0xa4416734,
      "@@(@@@@(@(@(@@@@@@@(@@@@" },
    { "two fail", 7, even, NULL, true, false, 0x01671161, "\"&%&&''!!\"'$&%%&&''$#&&" },
};

static void address_of(unsigned n, bool v6, struct inet_address *address)
{
    char text[64];
    if (v6)
        snprintf(text, sizeof(text), "2001:db8:%x:%x::%x", n & 0xffff, n * 7919 & 0xffff,
                 n % 100 + 1);
    else
        snprintf(text, sizeof(text), "%u.%u.%u.7", n * 7919 >> 16 & 255, n * 7919 >> 8 & 255,
                 n * 7919 & 255);
    ASSERT(inet_parse_host(str_from(text), 0, address));
}

static void test_distribution(const struct expectation *e)
{
    static char text[TEXT];
    struct fixture f;
    struct inet_address client;
    struct fmt got;
    fixture_open(&f);
    struct group *group = fixture_group(&f, e->name, &balance_ip_hash);
    for (unsigned i = 0; i < e->servers; i++) {
        const bool fails = e->failing && (i == 1 || i == 3);
        snprintf(text, sizeof(text), "127.0.0.1:%u", fails ? i + 1 : FIXTURE_FIRST + i);
        struct group_server *s = fixture_server(&f, group, text);
        s->weight = e->weight(i);
        s->down = e->down && e->down(i);
        s->max_fails = e->failing ? 0 : 1;
    }
    fixture_start(&f);
    f.request.client = &client;
    fmt_init(&got, text, sizeof(text));
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct pick p;
        address_of(i, e->v6, &client);
        fixture_pick(&f, group, &p);
        fixture_request(&p, &got);
    }
    const struct str s = fmt_done(&got);
    is_mem(s.at, size_min(s.len, strlen(e->first)), e->first, strlen(e->first), "%s: the first",
           e->name);
    is_uint(crc32_add(0, s), e->all, "%s: all of them", e->name);
    fixture_close(&f);
}

static void test_socket(void)
{
    struct inet_address client;
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "socket", &balance_ip_hash);
    fixture_servers(&f, group, 97);
    fixture_start(&f);
    ASSERT(inet_parse(STR("unix:/a"), 0, &client));
    f.request.client = &client;
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "a client of a socket");
    is_uint(inet_port(&p.address), 21004, "goes where 0.0.0.x does");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

int main(void)
{
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    for (unsigned i = 0; i < countof(expectations); i++)
        test_distribution(&expectations[i]);
    test_socket();
    return done_testing();
}
