/*
 * Where keys go, as nginx sends them: each line is the first of 5,000 keys and a checksum of all.
 * Owns nothing.
 */
#include "http/upstream/balance_hash.c"

#include "t/unit/http/upstream/fixture.h"

enum { KEYS = 5000, TEXT = 16384 };

struct expectation {
    const char *name;
    bool consistent;
    unsigned servers;
    int64_t (*weight)(unsigned i);
    bool (*down)(unsigned i);
    bool failing;                       /* the second and the fourth */
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

static int64_t pairs(unsigned i)
{
    return i % 2 + 1;
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
    { "7 servers", false, 7, even, NULL, false, 0xc2e3c6db, "&&'\"\"%%#''%$%'\"%##!'\"$!\"#" },
    { "101 servers", false, 101, even, NULL, false, 0x82cd62ae, "#tZZg*|R+XJ>Zvw|()nnl?}K>8" },
    { "weights", false, 20, fifths, NULL, false, 0x52a39a59, "%/4)2-,3,4%.)!.//.*3'%3\"3)" },
    { "one down", false, 7, even, fourth, false, 0x9668b25a, "&&'\"\"%%#''%\"%'\"%##!'\"'!\"#" },
    { "most down", false, 7, of_most, most, false, 0x284a9ac2, "#&&&&&#&&#&&&&&&#&!&&#!#&&" },
    { "nearly all down", false, 40, of_nearly_all, nearly_all, false, 0x48e3c910,
      "(@@@@@@@@@@(((((@@@(@@@@@@" },
    { "two fail", false, 7, even, NULL, true, 0xd1edf94b, "&&'\"%\"#%%#''%$\"&%'\"%%##!'\"" },
    { "7 servers", true, 7, even, NULL, false, 0x484d232e, "&#!%!%'&&\"'%!!'#''''&!%!'!" },
    { "101 servers", true, 101, even, NULL, false, 0xbf128947, "zfxF4U*[R\"`i!uAp'AwQ\\A(4\x81," },
    { "weights", true, 20, fifths, NULL, false, 0x3e16ff89, "-.$%3.*.*\",4(4.-'4*),($4$," },
    { "one down", true, 7, even, fourth, false, 0x4e0c4cb6, "&#!%!%'&&\"'%!!'#''''&!%!'!" },
    { "most down", true, 7, of_most, most, false, 0x5f778ebf, "&#!&!&&&&&&&!&&&&&&&&!&!&!" },
    { "nearly all down", true, 40, of_nearly_all, nearly_all, false, 0xd9e253b1,
      "@@@(@@@@(@@@@@(((@@(@((@@@" },
    { "two fail", true, 7, pairs, NULL, true, 0x40a04d81, "&#!%$!%\"$'&&%'%!$!\"'#'''$'" },
};

static void ask_all(struct fixture *f, struct group *group, struct fmt *got)
{
    char key[32];
    for (unsigned i = 0; i < KEYS; i++) {
        struct pick p;
        snprintf(key, sizeof(key), "key-%u", i);
        fixture_pick(f, group, &p);
        p.key = str_from(key);
        p.begun = true;
        fixture_request(&p, got);
        pool_free(&f->pool);
        pool_init(&f->pool, &pool_heap);
    }
}

static void check_all(struct fixture *f, struct group *group, const char *name, uint32_t all,
                      const char *first)
{
    static char text[TEXT];
    struct fmt got;
    fmt_init(&got, text, sizeof(text));
    ask_all(f, group, &got);
    const struct str s = fmt_done(&got);
    is_mem(s.at, size_min(s.len, strlen(first)), first, strlen(first), "%s: the first", name);
    is_uint(crc32_add(0, s), all, "%s: all of them", name);
}

static void test_distribution(const struct expectation *e)
{
    struct hash_conf conf = { .consistent = e->consistent };
    struct fixture f;
    char text[64];
    fixture_open(&f);
    struct group *group = fixture_group(&f, e->name, &balance_hash);
    group->balancing = &conf;
    for (unsigned i = 0; i < e->servers; i++) {
        const bool fails = e->failing && (i == 1 || i == 3);
        snprintf(text, sizeof(text), "127.0.0.1:%u", fails ? i + 1 : FIXTURE_FIRST + i);
        struct group_server *s = fixture_server(&f, group, text);
        s->weight = e->weight(i);
        s->down = e->down && e->down(i);
        s->max_fails = e->failing ? 0 : 1;
    }
    fixture_start(&f);
    check_all(&f, group, e->name, e->all, e->first);
    fixture_close(&f);
}

static void test_names(const char *name, const char *const texts[3], const int64_t weights[3],
                       uint32_t all, const char *first)
{
    struct hash_conf conf = { .consistent = true };
    struct fixture f;
    fixture_open(&f);
    struct group *group = fixture_group(&f, name, &balance_hash);
    group->balancing = &conf;
    for (unsigned i = 0; i < 3 && texts[i]; i++)
        fixture_server(&f, group, texts[i])->weight = weights[i];
    fixture_start(&f);
    check_all(&f, group, name, all, first);
    fixture_close(&f);
}

static void test_backups(bool consistent)
{
    struct hash_conf conf = { .consistent = consistent };
    struct fixture f;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "backups", &balance_hash);
    group->balancing = &conf;
    fixture_server(&f, group, "127.0.0.1:1");
    fixture_server(&f, group, "127.0.0.1:21005")->backup = true;
    fixture_server(&f, group, "127.0.0.1:21006")->backup = true;
    fixture_start(&f);
    check_all(&f, group, "backups take turns", 0x3fee6d9e, "!&'&'&'&'");
    fixture_close(&f);
}

/* No key, one server: the round robin. */
static void test_without_hash(void)
{
    struct hash_conf conf = { .consistent = true };
    struct fixture f;
    char text[16];
    struct fmt got;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "empty", &balance_hash);
    group->balancing = &conf;
    fixture_servers(&f, group, 3);
    group->servers[2].weight = 2;
    fixture_start(&f);
    fmt_init(&got, text, sizeof(text));
    for (unsigned i = 0; i < 8; i++) {
        struct pick p;
        fixture_pick(&f, group, &p);
        p.begun = true;
        fixture_request(&p, &got);
    }
    is_str(fmt_done(&got).at, "#!\"##!\"#", "without a key they take turns");
    fixture_close(&f);
}

static void test_ring(void)
{
    struct hash_conf conf = { .consistent = true };
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "ring", &balance_hash);
    group->balancing = &conf;
    fixture_servers(&f, group, 1);
    group->servers[0].weight = 3;
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    p.begun = true;
    is_int(pick_next(&p), PICKED, "a server");
    const struct ring *ring = peers_local(&f.local)->queues[0].list->table;
    is_uint(ring->count, 480, "all points");
    bool sorted = true;
    for (size_t i = 1; i < ring->count; i++)
        sorted = sorted && ring->at[i - 1].hash < ring->at[i].hash;
    ok(sorted, "in their order");
    is_uint(find_point(ring, ring->at[0].hash), 0, "the first");
    is_uint(find_point(ring, ring->at[0].hash + 1), 1, "the one behind it");
    is_uint(find_point(ring, ring->at[479].hash), 479, "the last");
    is_uint(find_point(ring, ring->at[479].hash + 1), 0, "round");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

/* Whatever SRV records say, rings stay small, and keep the proportions. */
static void test_weights(void)
{
    static const uint16_t weights[] = { UINT16_MAX, UINT16_MAX / 2, 1 };
    struct hash_conf conf = { .consistent = true };
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "weights", &balance_hash);
    group->balancing = &conf;
    fixture_server(&f, group, "a.test");
    fixture_server(&f, group, "b.test");
    fixture_server(&f, group, "c.test");
    fixture_start(&f);
    zone_lock(group->zone);
    struct peers_zone *z = zone_data(group->zone);
    struct group_state *state = peers_state(z, group->key);
    for (unsigned i = 0; i < 3; i++) {
        struct resolved at = { .weight = weights[i] };
        struct peer_name *name = peers_name(z, state, group->servers[i].question);
        ASSERT(inet_parse(STR("10.0.0.1:80"), 0, &at.address)
               && peers_answer(z, state, name, &at, 1));
    }
    zone_unlock(group->zone);
    fixture_pick(&f, group, &p);
    p.begun = true;
    is_int(pick_next(&p), PICKED, "the sum of the weights does not matter");
    const struct ring *ring = peers_local(&f.local)->queues[0].list->table;
    unsigned points[3] = { 0 };
    for (size_t i = 0; i < ring->count; i++)
        points[ring->at[i].name]++;
    ok(ring->count <= (WEIGHT_FREE + 3) * POINTS, "a small ring: %zu", ring->count);
    ok(points[0] > points[1] * 19 / 10 && points[0] < points[1] * 21 / 10, "twice as many");
    ok(points[2] > 0, "but some for each");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

int main(void)
{
    static const char *const sockets[3] = { "127.0.0.1:21000", "unix:/tmp/backend.sock", NULL };
    static const char *const v6[3] = { "127.0.0.1:21000", "[::1]:21001", NULL };
    static const char *const ports[3] = { "127.0.0.2", "127.0.0.1:21001", "127.0.0.1:21001" };
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    for (unsigned i = 0; i < countof(expectations); i++)
        test_distribution(&expectations[i]);
    test_names("a socket", sockets, (const int64_t[3]){ 1, 2, 0 }, 0xc671af1d, "{!!{!{{{{!!{!!{{");
    test_names("IPv6", v6, (const int64_t[3]){ 1, 2, 0 }, 0x0abb67fe, "\"!!\"\"\"\"\"\"\"!!!!\"");
    test_names("without a port, and twice", ports, (const int64_t[3]){ 1, 2, 1 }, 0x9e8be5c0,
               "\"\"!!!\"!\"\"\"\"\"\"");
    test_backups(false);
    test_backups(true);
    test_without_hash();
    test_ring();
    test_weights();
    return done_testing();
}
