/*
 * /etc/hosts and /etc/resolv.conf as people and programs leave them behind.
 * Owns the pool of each test.
 */
#include "event/hosts.c"

#include "t/unit/tap.h"

static struct pool pool;
static const struct siphash_key key;

static const char *text_of(const struct inet_address *address, bool with_port)
{
    static char text[INET_TEXT];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    inet_write(&f, address, with_port);
    return fmt_done(&f).at;
}

/* All addresses of a name, with blanks between. */
static const char *find(const struct hosts *hosts, const char *name)
{
    static char all[256];
    struct fmt f;
    const struct hosts_name *n = hosts_find(hosts, str_from(name));
    if (!n)
        return NULL;
    fmt_init(&f, all, sizeof(all));
    for (const struct hosts_address *a = n->first; a; a = a->next) {
        fmt_text(&f, a == n->first ? "" : " ");
        fmt_text(&f, text_of(&a->address, false));
    }
    return fmt_done(&f).at;
}

static void test_hosts(void)
{
    static const struct str text = STR_INIT(
        "# a comment\n"
        "127.0.0.1\tlocalhost  Alias.Example\r\n"
        "\n"
        "   ::1 localhost ip6-localhost # and more names\n"
        "#192.0.2.9 hidden\n"
        "192.0.2.1 half#way\n"
        "not-an-address some.name\n"
        "192.0.2.256 wrong\n"
        "192.0.2.2\n"
        "192.0.2.3 dotted. localhost\n"
        "fe80::1%eth0 scoped\n"
        "192.0.2.4 last");
    struct hosts hosts;
    char *copy = malloc(text.len);
    memcpy(copy, text.at, text.len);
    pool_init(&pool, &pool_heap);
    hosts_parse(&hosts, &pool, &key, str_of(copy, text.len));
    free(copy);
    ok(!pool.failed, "read, and the text is gone");
    is_str(find(&hosts, "localhost"), "127.0.0.1 ::1 192.0.2.3", "addresses in their order");
    is_str(find(&hosts, "alias.example"), "127.0.0.1", "any case");
    is_str(find(&hosts, "ALIAS.EXAMPLE."), "127.0.0.1", "asked for with a dot");
    is_str(find(&hosts, "dotted"), "192.0.2.3", "written with a dot");
    is_str(find(&hosts, "ip6-localhost"), "::1", "a name behind another");
    is_str(find(&hosts, "half"), "192.0.2.1", "a comment ends a line");
    is_str(find(&hosts, "last"), "192.0.2.4", "a last line without its end");
    static const char *const none[] = { "hidden", "way", "some.name", "wrong", "and", "scoped", "",
                                        ".", "192.0.2.2", "nowhere", "#" };
    for (size_t i = 0; i < countof(none); i++)
        is_str(find(&hosts, none[i]), NULL, "\"%s\" is not there", none[i]);
    pool_free(&pool);

    pool_init(&pool, &pool_heap);
    hosts_parse(&hosts, &pool, &key, STR_NONE);
    is_str(find(&hosts, "localhost"), NULL, "nothing is in an empty file");
    pool_free(&pool);
}

/* A name longer than any can be, and many names. */
static void test_many_hosts(void)
{
    struct hosts hosts;
    struct pool text;
    struct fmt f;
    char name[32];
    unsigned found = 0;
    pool_init(&pool, &pool_heap);
    pool_init(&text, &pool_heap);
    fmt_init_pool(&f, &text, 1024, 1 << 20);
    for (unsigned i = 0; i < 5000; i++)
        fmt_print(&f, "10.0.%u.%u h%u\n", i / 256, i % 256, i);
    fmt_text(&f, "10.1.1.1 ");
    fmt_repeat(&f, 'x', 5000);
    fmt_text(&f, " short\n");
    hosts_parse(&hosts, &pool, &key, fmt_done(&f));
    for (unsigned i = 0; i < 5000; i++) {
        char want[32];
        snprintf(name, sizeof(name), "h%u", i);
        snprintf(want, sizeof(want), "10.0.%u.%u", i / 256, i % 256);
        const char *got = find(&hosts, name);
        found += got && strcmp(got, want) == 0;
    }
    is_int(found, 5000, "each of many names");
    is_str(find(&hosts, "short"), "10.1.1.1", "behind one that is too long");
    pool_free(&text);
    pool_free(&pool);
}

static void parse(struct resolv_conf *conf, const char *text)
{
    resolv_conf_parse(conf, str_from(text));
}

static void test_resolv_conf(void)
{
    struct resolv_conf conf;
    parse(&conf, "");
    is_int(conf.nservers, 1, "nothing: one server");
    is_str(text_of(&conf.servers[0], true), "127.0.0.1:53", "on this host");
    ok(conf.ndots == 1 && conf.nsearch == 0 && conf.timeout == 0 && conf.attempts == 0,
       "and defaults");

    parse(&conf, "nameserver 192.0.2.1\n"
                 "; nameserver 192.0.2.9\n"
                 "# nameserver 192.0.2.9\n"
                 " nameserver\t2001:db8::1  # behind\r\n"
                 "nameserver\n"
                 "nameserver host\n"
                 "nameserver192.0.2.8\n"
                 "nameserver 192.0.2.3\n"
                 "nameserver 192.0.2.4\n"
                 "search one.example two.example\n"
                 "options ndots:5 timeout:2 attempts:3 rotate unknown:x");
    is_int(conf.nservers, 3, "three servers at most");
    is_str(text_of(&conf.servers[0], true), "192.0.2.1:53", "the first");
    is_str(text_of(&conf.servers[1], true), "[2001:db8::1]:53", "the second");
    is_str(text_of(&conf.servers[2], true), "192.0.2.3:53", "the third");
    is_int(conf.nsearch, 2, "two domains");
    ok(str_eq(conf.search[0], STR("one.example")) && str_eq(conf.search[1], STR("two.example")),
       "in their order");
    ok(conf.ndots == 5 && conf.timeout == 2 && conf.attempts == 3, "options");

    parse(&conf, "search a b\ndomain c d\n");
    ok(conf.nsearch == 1 && str_eq(conf.search[0], STR("c")), "the last of domain and search");
    parse(&conf, "domain c\nsearch 1 2 3 4 5 6 7 8\n");
    ok(conf.nsearch == RESOLV_SEARCH && str_eq(conf.search[5], STR("6")), "six at most");
    parse(&conf, "search a\nsearch\n");
    is_int(conf.nsearch, 0, "an empty search ends it");
    parse(&conf, "options ndots:99 timeout:4294967295 attempts:77\noptions ndots:\n"
                 "options ndots:-1 timeout:x attempts:99999999999");
    ok(conf.ndots == RESOLV_NDOTS_MOST && conf.timeout == RESOLV_TIMEOUT_MOST
           && conf.attempts == RESOLV_ATTEMPTS_MOST,
       "numbers have limits, and what is none changes nothing");
    parse(&conf, "options ndots:0");
    is_int(conf.ndots, 0, "ndots may be 0");
}

int main(void)
{
    test_hosts();
    test_many_hosts();
    test_resolv_conf();
    return done_testing();
}
