/*
 * Tables in zones: keys, ages, a full one, a larger and a smaller copy, damage, two processes.
 * Owns the memory they lie in.
 */
#include "core/zone_table.c"

#include "core/zone.h"
#include "t/unit/tap.h"

#include <sys/mman.h>
#include <sys/wait.h>

enum { SIZE = 256 << 10, SMALL = 32 << 10 };

static _Alignas(64) char memory[SIZE], other[SIZE];

static struct zone_table *make(void *at, size_t size)
{
    struct zone_table *t = at;
    zone_table_init(t, size, sizeof(int));
    return t;
}

static struct str key_of(char *buffer, size_t size, unsigned n)
{
    struct fmt f;
    fmt_init(&f, buffer, size);
    fmt_print(&f, "key%u", n);
    return fmt_done(&f);
}

static struct zone_node *put(struct zone_table *t, unsigned n)
{
    char buffer[32];
    struct zone_node *node = zone_table_add(t, key_of(buffer, sizeof(buffer), n));
    if (node)
        *(int *)zone_node_data(node) = (int)n;
    return node;
}

static int get(const struct zone_table *t, unsigned n)
{
    char buffer[32];
    struct zone_node *node = zone_table_find(t, key_of(buffer, sizeof(buffer), n), NULL);
    return node ? *(int *)zone_node_data(node) : -1;
}

static void test_keys(void)
{
    struct zone_table *t = make(memory, SIZE);
    struct zone_node *a = zone_table_add(t, STR("a\0b")), *b = zone_table_add(t, STR("a\0c"));
    ok(a && b && zone_table_find(t, STR("a\0b"), NULL) == a
       && zone_table_find(t, STR("a\0c"), NULL) == b, "NUL is a byte as others");
    ok(!zone_table_find(t, STR("a"), NULL) && !zone_table_find(t, STR(""), NULL), "no prefixes");
    struct zone_node *c = zone_table_add(t, STR("a\0b"));
    const struct zone_node *first = zone_table_find(t, STR("a\0b"), NULL),
                           *second = zone_table_find(t, STR("a\0b"), first);
    ok((first == a && second == c) || (first == c && second == a), "a key with two nodes");
    ok(!zone_table_find(t, STR("a\0b"), second), "and no third");
    is_uint(t->count, 3, "three");
    zone_table_remove(t, a);
    ok(zone_table_find(t, STR("a\0b"), NULL) == c && !zone_table_find(t, STR("a\0b"), c),
       "one is left");
    struct zone_node *none = zone_table_add(t, STR(""));
    ok(none && zone_table_find(t, STR(""), NULL) == none, "an empty key is one");
    ok(!zone_table_add(t, str_of(memory, ZONE_TABLE_KEY_MAX + 1)), "too long");
    ok(zone_table_add(t, str_of(memory, ZONE_TABLE_KEY_MAX)) != NULL, "the longest");
    is_mem(zone_node_key(t, b).at, zone_node_key(t, b).len, "a\0c", 3, "the key of a node");
}

static void test_age(void)
{
    struct zone_table *t = make(memory, SIZE);
    ok(!zone_table_oldest(t), "nothing is oldest");
    struct zone_node *a = put(t, 1), *b = put(t, 2), *c = put(t, 3);
    ok(zone_table_oldest(t) == a && zone_table_newer(t, a) == b && zone_table_newer(t, b) == c
       && !zone_table_newer(t, c), "in the order of coming");
    zone_table_touch(t, a);
    ok(zone_table_oldest(t) == b && zone_table_newer(t, c) == a, "touched: the newest");
    zone_table_remove(t, b);
    ok(zone_table_oldest(t) == c, "the oldest goes");
}

static void test_binding(void)
{
    struct zone_table *t = make(memory, SIZE);
    zone_table_bind(t, STR("$a"));
    put(t, 1);
    const uint64_t epoch = t->epoch;
    zone_table_bind(t, STR("$a"));
    ok(get(t, 1) == 1 && t->epoch == epoch, "the same key text changes nothing");
    zone_table_bind(t, STR("$b"));
    ok(get(t, 1) == -1 && t->count == 0 && t->epoch != epoch, "another empties it");
    ok(put(t, 1) && get(t, 1) == 1, "and it works");
}

static void test_random(void)
{
    static bool there[3000];
    struct zone_table *t = make(memory, SIZE);
    uint32_t seed = 7;
    size_t count = 0;
    bool right = true;
    memset(there, 0, sizeof(there));
    for (unsigned step = 0; step < 100000; step++) {
        seed = seed * 1664525 + 1013904223;
        const unsigned n = (seed >> 8) % countof(there);
        right &= get(t, n) == (there[n] ? (int)n : -1);
        if (there[n]) {
            char buffer[32];
            zone_table_remove(t, zone_table_find(t, key_of(buffer, sizeof(buffer), n), NULL));
            count--;
        } else if (put(t, n))
            count++;
        else
            continue;
        there[n] = !there[n];
    }
    ok(right, "each is found while it is there");
    is_uint(t->count, count, "counted");
    size_t listed = 0;
    for (const struct zone_node *node = zone_table_oldest(t); node;
         node = zone_table_newer(t, node))
        listed++;
    is_uint(listed, count, "listed");
}

static void test_full(void)
{
    struct zone_table *t = make(memory, SMALL);
    unsigned n = 0;
    while (put(t, n))
        n++;
    ok(n > SMALL / 64 * 3 / 4 && n < SMALL / 48, "full with %u", n);
    zone_table_remove(t, zone_table_oldest(t));
    ok(put(t, n) && !put(t, n + 1), "one out, one in");
    ok(get(t, 0) == -1 && get(t, 1) == 1 && get(t, n) == (int)n, "the oldest was the first");

    struct zone_table *larger = make(other, SIZE);
    zone_table_copy(larger, t);
    is_uint(larger->count, t->count, "a larger one takes all");
    ok(get(larger, 1) == 1 && get(larger, n) == (int)n, "with their data");
    is_int(*(int *)zone_node_data(zone_table_oldest(larger)), 1, "in their order");
    while (put(larger, n + 2))
        n++;
    struct zone_table *smaller = make(memory, SMALL);
    zone_table_copy(smaller, larger);
    ok(smaller->count > 0 && smaller->count < larger->count && !put(smaller, 0),
       "a smaller one is full afterwards");
    ok(get(smaller, n + 1) == (int)n + 1 && get(smaller, 1) == -1, "it has the newest");
}

static bool dies(struct zone_table *t, struct zone_node *touched)
{
    int status = 0;
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        fclose(stderr);
        for (unsigned n = 0; n < 100; n++)
            get(t, n);
        zone_table_touch(t, touched);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_damage(void)
{
    struct zone_table *t = make(memory, SMALL);
    struct zone_node *node = NULL;
    for (unsigned n = 0; n < 100; n++)
        node = put(t, n);
    ok(!dies(t, node), "what is right does not die");
    struct zone_node *const next = node->next;
    node->next = (struct zone_node *)(void *)other;
    node->hash++;                       /* so that the search goes past it */
    ok(dies(t, node), "a chain that leaves the zone");
    node->next = node;
    ok(dies(t, node), "a chain without an end");
    node->next = next;
    node->hash--;
    ok(!dies(t, node), "mended");
    node->link.prev = (struct list_link *)(void *)other;
    ok(dies(t, node), "a list that leaves the zone");
    node->link.prev = node->link.next;
    ok(dies(t, node), "a list whose neighbours do not agree");
}

/* --- two processes ---------------------------------------------------------------------------- */

static void add_up(struct zone_table *t, int *word)
{
    for (unsigned i = 0; i < 20000; i++) {
        char buffer[32];
        int none = 0;
        while (!__atomic_compare_exchange_n(word, &none, 1, false, __ATOMIC_ACQUIRE,
                                            __ATOMIC_RELAXED))
            none = 0;
        const struct str key = key_of(buffer, sizeof(buffer), i % 500);
        struct zone_node *node = zone_table_find(t, key, NULL);
        if (!node)
            node = zone_table_add(t, key);
        if (node) {
            ++*(int *)zone_node_data(node);
            zone_table_touch(t, node);
        }
        __atomic_store_n(word, 0, __ATOMIC_RELEASE);
    }
}

static void test_processes(void)
{
    char *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *word = (int *)(void *)shared, status = 1;
    bool right = true;
    ok(shared != MAP_FAILED, "shared memory");
    struct zone_table *t = make(shared + 64, SIZE - 64);
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        add_up(t, word);
        _exit(0);
    }
    add_up(t, word);
    waitpid(pid, &status, 0);
    is_int(status, 0, "the other one ended well");
    for (unsigned n = 0; n < 500; n++)
        right &= get(t, n) == 80;
    ok(right && t->count == 500, "each key was counted by both");
    munmap(shared, SIZE);
}

/* What dead processes counted is told from the rest by numbers. */
static void test_numbers(void)
{
    int pair[2], status;
    uint32_t child = 0;
    ok(zone_space_init(1 << 20, 1 << 20) && pipe(pair) == 0, "a range of addresses");
    const uint32_t self = zone_process(), deaths = zone_deaths();
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        child = zone_process();
        _exit(write(pair[1], &child, sizeof(child)) == sizeof(child) ? 0 : 1);
    }
    ok(read(pair[0], &child, sizeof(child)) == sizeof(child), "a child has a number");
    waitpid(pid, &status, 0);
    ok(self && child && child != self && zone_process() == self, "its own, which stays");
    ok(zone_process_lives(self) && zone_process_lives(child), "it counts until the master knows");
    zones_owner_died(pid + 1);
    is_uint(zone_deaths(), deaths, "another death is nothing here");
    zones_owner_died(pid);
    is_uint(zone_deaths(), deaths + 1, "its death is seen");
    ok(zone_process_lives(self) && !zone_process_lives(child), "it is gone, this one is not");
    zones_owner_died(getpid());
    ok(!zone_process_lives(self), "numbers can be taken back");
    fflush(stdout);
    const pid_t next = fork();
    if (next == 0)
        _exit(zone_process() != self && zone_process() != child ? 0 : 1);
    waitpid(next, &status, 0);
    is_int(status, 0, "and are not given again");
}

int main(void)
{
    test_numbers();
    test_keys();
    test_age();
    test_binding();
    test_random();
    test_full();
    test_damage();
    test_processes();
    return done_testing();
}
