/*
 * Addresses that proxies pass on: lists, several fields, what is no address.  Owns nothing.
 */
#include "http/forwarded.c"

#include "t/unit/tap.h"

struct rig {
    struct pool pool;
    struct inet_cidr proxies[2];
    struct forwarded_from from;
};

static void init(struct rig *rig)
{
    bool loose;
    pool_init(&rig->pool, &pool_heap);
    rig->from = (struct forwarded_from){ .proxies = rig->proxies, .count = 2 };
    if (!inet_cidr_parse(STR("127.0.0.0/8"), &rig->proxies[0], &loose)
        || !inet_cidr_parse(STR("::1"), &rig->proxies[1], &loose))
        abort();
}

/* What comes of it, as text; fields are parted by "|". */
static const char *follow(struct rig *rig, const char *peer, const char *given, bool recursive)
{
    struct fields fields = { 0 };
    struct inet_address address;
    struct str rest = str_from(given), value;
    struct fmt f;
    while (rest.len) {
        str_cut(rest, '|', &value, &rest);
        fields_add(&fields, &rig->pool, STR("X-Forwarded-For"), value);
        fields_add(&fields, &rig->pool, STR("X-Real-IP"), STR("203.0.113.1"));
    }
    if (!inet_parse_host(str_from(peer), 0, &address))
        abort();
    rig->from.recursive = recursive;
    forwarded_address(&fields, FIELD_X_FORWARDED_FOR, &rig->from, &address);
    fmt_init_pool(&f, &rig->pool, 64, 64);
    inet_write(&f, &address, false);
    return fmt_done(&f).at;
}

static void test_lists(struct rig *rig)
{
    static const struct {
        const char *given, *last, *all;
    } rows[] = {
        { "", "127.0.0.1", "127.0.0.1" },
        { "192.0.2.1", "192.0.2.1", "192.0.2.1" },
        { "192.0.2.1, 192.0.2.2", "192.0.2.2", "192.0.2.2" },
        { "192.0.2.1, 127.0.0.9", "127.0.0.9", "192.0.2.1" },
        { "192.0.2.1,127.0.0.9,::1", "::1", "192.0.2.1" },
        { " ,192.0.2.1 ,, 127.0.0.9 , ", "127.0.0.9", "192.0.2.1" },
        { "127.0.0.8, 127.0.0.9", "127.0.0.9", "127.0.0.8" },
        { ", ,", "127.0.0.1", "127.0.0.1" },
        { ",127.0.0.9", "127.0.0.9", "127.0.0.9" },
        { "192.0.2.1|127.0.0.9", "127.0.0.9", "192.0.2.1" },
        { "192.0.2.1|x", "127.0.0.1", "127.0.0.1" },
        { "192.0.2.1, x, 127.0.0.9", "127.0.0.9", "127.0.0.9" },
        { "x|127.0.0.9", "127.0.0.9", "127.0.0.9" },
        { "192.0.2.1:8080", "192.0.2.1", "192.0.2.1" },
        { "[2001:db8::1]:80", "2001:db8::1", "2001:db8::1" },
        { "2001:db8::1", "2001:db8::1", "2001:db8::1" },
        { "unix:", "127.0.0.1", "127.0.0.1" },
        { "unix:/run/x", "127.0.0.1", "127.0.0.1" },
    };
    for (unsigned i = 0; i < countof(rows); i++) {
        is_str(follow(rig, "127.0.0.1", rows[i].given, false), rows[i].last, "last of \"%s\"",
               rows[i].given);
        is_str(follow(rig, "127.0.0.1", rows[i].given, true), rows[i].all, "all of \"%s\"",
               rows[i].given);
    }
}

/* By one value, and from somebody who came by a socket file. */
static void test_value(struct rig *rig)
{
    struct inet_address address, local;
    if (!inet_parse_host(STR("127.0.0.1"), 0, &address) || !inet_parse(STR("unix:/a"), 0, &local))
        abort();
    rig->from.recursive = true;
    ok(forwarded_trusts(&rig->from, &address), "trusted");
    forwarded_value(STR("192.0.2.1:80, 127.0.0.9"), &rig->from, &address);
    ok(!forwarded_trusts(&rig->from, &address), "not trusted");
    is_int(inet_port(&address), 80, "the port that the value has");
    forwarded_value(STR("192.0.2.2"), &rig->from, &address);
    is_int(inet_port(&address), 80, "and stays for who is not trusted");
    address = local;
    forwarded_value(STR("192.0.2.1"), &rig->from, &address);
    ok(inet_eq(&address, &local), "a socket file is not trusted");
    rig->from.local = true;
    forwarded_value(STR("192.0.2.1:81"), &rig->from, &address);
    is_int(inet_port(&address), 81, "until it is");
    rig->from.local = false;
}

int main(void)
{
    struct rig rig;
    init(&rig);
    test_lists(&rig);
    test_value(&rig);
    is_str(follow(&rig, "192.0.2.7", "192.0.2.1", true), "192.0.2.7", "who is no proxy");
    is_str(follow(&rig, "::ffff:127.0.0.1", "192.0.2.1", true), "192.0.2.1", "a mapped proxy");
    rig.from.count = 0;
    is_str(follow(&rig, "127.0.0.1", "192.0.2.1", true), "127.0.0.1", "no proxy is trusted");
    pool_free(&rig.pool);
    return done_testing();
}
