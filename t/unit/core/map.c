/*
 * The frozen table: adding, freezing, looking up, case, memory failures.
 * Owns nothing.
 */
#include "core/map.c"

#include "core/fmt.h"
#include "t/unit/tap.h"

static const struct siphash_key hash_key = { "0123456789abcde" };
static const int values[4] = { 10, 11, 12, 13 };

static int got(const struct map *m, const char *key)
{
    const int *value = map_get(m, str_from(key));
    return value ? *value : -1;
}

static void test_basics(void)
{
    struct pool temp, pool;
    struct map m;
    const void *there = NULL;
    pool_init(&temp, &pool_heap);
    pool_init(&pool, &pool_heap);
    map_init(&m, &temp, &hash_key, false);
    is_int(got(&m, "a"), -1, "nothing in an empty one");
    char key[] = "html";
    is_int(map_add(&m, str_from(key), &values[0], &there), MAP_ADDED, "html");
    is_int(map_add(&m, STR("HTML"), &values[1], &there), MAP_ADDED, "HTML is another");
    is_int(map_add(&m, STR_NONE, &values[2], &there), MAP_ADDED, "the empty key");
    ok(!there, "nothing was in the way");
    is_int(map_add(&m, STR("html"), &values[3], &there), MAP_THERE, "html again");
    ok(there == &values[0], "the value that is there");
    is_int(got(&m, "html"), 10, "found while it is filled");
    map_freeze(&m, &pool);
    memset(key, 'x', sizeof(key));
    pool_free(&temp);
    is_int(got(&m, "html"), 10, "html");
    is_int(got(&m, "HTML"), 11, "HTML");
    is_int(got(&m, ""), 12, "the empty key");
    ok(map_get(&m, STR_NONE) == &values[2], "without an address");
    is_int(got(&m, "htm"), -1, "a beginning is no key");
    is_int(got(&m, "htmlx"), -1, "nor something longer");
    ok(!m.pool, "it keeps no pointer to the pool of the run");
    is_uint(m.count, 3, "three");
    pool_free(&pool);
}

static void test_nul(void)
{
    struct pool pool;
    struct map m;
    const void *there;
    pool_init(&pool, &pool_heap);
    map_init(&m, &pool, &hash_key, false);
    map_add(&m, STR("a\0b"), &values[0], &there);
    map_add(&m, STR("a\0c"), &values[1], &there);
    map_freeze(&m, &pool);
    ok(map_get(&m, STR("a\0b")) == &values[0], "NUL is a byte as others");
    ok(map_get(&m, STR("a\0c")) == &values[1], "and so is what follows");
    is_int(got(&m, "a"), -1, "it ends nothing");
    pool_free(&pool);
}

static void test_caseless(void)
{
    char longest[MAP_CASELESS_MAX + 1];
    struct pool pool;
    struct map m;
    const void *there = NULL;
    pool_init(&pool, &pool_heap);
    memset(longest, 'A', sizeof(longest));
    map_init(&m, &pool, &hash_key, true);
    is_int(map_add(&m, STR("Example.COM"), &values[0], &there), MAP_ADDED, "Example.COM");
    is_int(map_add(&m, STR("eXAMPLE.com"), &values[1], &there), MAP_THERE, "in another case");
    is_int(map_add(&m, str_of(longest, MAP_CASELESS_MAX), &values[2], &there), MAP_ADDED,
           "the longest");
    is_int(map_add(&m, str_of(longest, sizeof(longest)), &values[3], &there), MAP_TOO_LONG,
           "one byte more");
    map_freeze(&m, &pool);
    is_int(got(&m, "example.com"), 10, "lower");
    is_int(got(&m, "EXAMPLE.COM"), 10, "upper");
    is_int(got(&m, "example-com"), -1, "another name");
    is_int(got(&m, "EXAMPLE\x0e" "COM"), -1, "only letters have case");
    longest[5] = 'a';
    ok(map_get(&m, str_of(longest, MAP_CASELESS_MAX)) == &values[2], "the longest is found");
    ok(!map_get(&m, str_of(longest, sizeof(longest))), "what is too long is not");
    pool_free(&pool);
}

static void test_many(void)
{
    enum { MANY = 20000 };
    struct pool temp, pool;
    struct map m;
    const void *there;
    bool added = true, twice = true, found = true, absent = true;
    pool_init(&temp, &pool_heap);
    pool_init(&pool, &pool_heap);
    map_init(&m, &temp, &hash_key, true);
    int *numbers = pool_array(&pool, MANY, sizeof(*numbers));
    for (int i = 0; i < MANY; i++) {
        numbers[i] = i;
        added &= map_add(&m, fmt_pool(&temp, "Key%d", i), &numbers[i], &there) == MAP_ADDED;
        twice &= map_add(&m, fmt_pool(&temp, "kEY%d", i / 2), &m, &there) == MAP_THERE
            && *(const int *)there == i / 2;
    }
    map_freeze(&m, &pool);
    pool_free(&temp);
    for (int i = 0; i < MANY; i++) {
        char key[16];
        struct fmt f;
        fmt_init(&f, key, sizeof(key));
        fmt_print(&f, "keY%d", i);
        found &= map_get(&m, fmt_done(&f)) == &numbers[i];
        fmt_init(&f, key, sizeof(key));
        fmt_print(&f, "kez%d", i);
        absent &= !map_get(&m, fmt_done(&f));
    }
    ok(added && twice, "%d keys are added, each once", MANY);
    ok(found && absent, "each is found, and no other");
    ok(m.room <= 2 * (size_t)MANY && m.room > MANY, "%zu cells", m.room);
    pool_free(&pool);
}

static void test_no_memory(void)
{
    struct pool temp, pool;
    struct map m;
    const void *there;
    pool_init(&temp, &pool_heap);
    pool_init(&pool, &pool_heap);
    map_init(&m, &temp, &hash_key, false);
    map_add(&m, STR("first"), &values[0], &there);
    pool_fail_chunks(0, 1);
    for (int i = 0; i < 200; i++)
        map_add(&m, fmt_pool(&pool, "k%d", i), &values[1], &there);
    ok(temp.failed, "no memory: the pool of the run is failed");
    is_int(got(&m, "first"), 10, "what was there is there");
    pool_free(&pool);
    map_freeze(&m, &pool);
    pool_fail_chunks(0, 0);
    ok(pool.failed, "nor to freeze: the other one is failed");
    pool_free(&temp);
    is_int(got(&m, "first"), -1, "and nothing points to the first");
    pool_free(&pool);

    pool_init(&temp, &pool_heap);
    map_init(&m, &temp, &hash_key, false);
    map_freeze(&m, &temp);
    is_int(got(&m, ""), -1, "an empty one, frozen");
    pool_free(&temp);
}

int main(void)
{
    test_basics();
    test_nul();
    test_caseless();
    test_many();
    test_no_memory();
    return done_testing();
}
