/*
 * The slab: places, runs, a random run against a model, a full one, misuse, two processes.
 * Owns the memory it makes slabs in.
 */
#include "core/slab.c"

#include "t/unit/tap.h"

#include <sys/mman.h>
#include <sys/wait.h>

enum { SIZE = 1 << 20, MANY = 4000 };

static _Alignas(64) char memory[SIZE];

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static bool is_empty(const struct slab *slab)
{
    bool empty = slab->free_pages == slab->npages && slab->first_free == 0
        && slab->pages[0].length == slab->npages;
    for (unsigned i = 0; i <= SLAB_CLASSES; i++)
        empty &= slab->classes[i].used == 0 && slab->classes[i].pages == 0
            && (i == RUNS || slab->classes[i].first == SLAB_NONE);
    return empty;
}

static void test_sizes(void)
{
    struct slab *slab = slab_init(memory, SIZE);
    bool right = true;
    for (unsigned i = 0; i < SLAB_CLASSES; i++) {
        right &= class_sizes[i] % 16 == 0 && (i == 0 || class_sizes[i] > class_sizes[i - 1]);
        right &= places(i) <= SLAB_BITS * 64 && places(i) > 1;
        right &= class_of(class_sizes[i]) == i && class_of(class_sizes[i] + 1u) == i + 1;
    }
    ok(right, "the classes");
    is_uint(class_of(0), 0, "no bytes are some");
    char *const a = slab_alloc(slab, 1), *const b = slab_alloc(slab, 16);
    ok(b == a + 16 && (uintptr_t)a % 16 == 0, "neighbours");
    memset(a, 'x', 16);
    slab_free(slab, a);
    ok(slab_alloc(slab, 16) == a && a[0] == 0 && a[15] == 0, "a place again, zeroed");
    char *const run = slab_alloc(slab, SLAB_PAGE + 1);
    ok(run && (size_t)(run - slab->base) % SLAB_PAGE == 0, "a run begins with a page");
    is_uint(slab->classes[RUNS].pages, 2, "of two pages");
    ok(slab_holds(slab, run, SLAB_PAGE) && slab_holds(slab, slab->base, SIZE / 2), "inside");
    ok(!slab_holds(slab, slab, 1) && !slab_holds(slab, slab->base, SIZE)
       && !slab_holds(slab, slab->base - 1, 1)
       && !slab_holds(slab, slab->base + (size_t)slab->npages * SLAB_PAGE, 0)
       && !slab_holds(slab, run, SIZE_MAX), "outside");
    slab_free(slab, run);
    slab_free(slab, a);
    slab_free(slab, b);
    ok(is_empty(slab), "all is free, in one run");
}

static void test_small(void)
{
    ok(!slab_init(memory, 0) && !slab_init(memory, SLAB_PAGE), "too small");
    for (size_t size = SLAB_PAGE; size < 4 * SLAB_PAGE; size += 16) {
        struct slab *slab = slab_init(memory, size);
        if (slab && (slab->npages == 0
                     || slab->base + (size_t)slab->npages * SLAB_PAGE > memory + size)) {
            ok(false, "%zu bytes: the pages lie inside", size);
            return;
        }
    }
    ok(true, "whatever the size, the pages lie inside");
    struct slab *slab = slab_init(memory, 2 * SLAB_PAGE);
    is_uint(slab->npages, 1, "one page");
    ok(!slab_alloc(slab, SLAB_PAGE + 1) && !slab_alloc(slab, SIZE_MAX), "more than there is");
    char *page = slab_alloc(slab, SLAB_PAGE);
    ok(page && !slab_alloc(slab, 1), "all of it");
    slab_free(slab, page);
    ok(is_empty(slab), "and free again");
}

/* --- against a model -------------------------------------------------------------------------- */

struct thing {
    unsigned char *at;
    size_t size;
    unsigned char mark;
};

static bool is_marked(const struct thing *thing)
{
    for (size_t i = 0; i < thing->size; i++)
        if (thing->at[i] != thing->mark)
            return false;
    return true;
}

static size_t random_size(uint32_t *seed)
{
    const uint32_t n = next_random(seed);
    return n % 16 == 0 ? n / 16 % 20000 : n % 16 < 4 ? n / 16 % 2100 : n / 16 % 150;
}

/* The free runs of the list are those of the pages, and none is beside another. */
static bool is_consistent(const struct slab *slab)
{
    uint32_t listed = 0, runs = 0, counted = 0, found = 0;
    for (uint32_t i = slab->first_free; i != SLAB_NONE; i = slab->pages[i].next, runs++)
        listed += slab->pages[i].length;
    for (uint32_t i = 0; i < slab->npages; i++) {
        if (slab->pages[i].kind != PAGE_FREE)
            continue;
        counted++;
        found += i == 0 || slab->pages[i - 1].kind != PAGE_FREE;
    }
    return listed == slab->free_pages && counted == slab->free_pages && found == runs;
}

static void test_random(void)
{
    static struct thing things[MANY];
    uint32_t seed = 20261121;
    struct slab *slab = slab_init(memory, SIZE);
    bool zeroed = true, intact = true, consistent = true;
    uint64_t failures = 0, used = 0;
    for (unsigned step = 0; step < 200000; step++) {
        struct thing *thing = &things[next_random(&seed) % MANY];
        if (thing->at) {
            intact &= is_marked(thing);
            slab_free(slab, thing->at);
            thing->at = NULL;
            used--;
        } else {
            thing->size = random_size(&seed);
            thing->at = slab_alloc(slab, thing->size);
            thing->mark = 0;
            failures += !thing->at;
            used += thing->at != NULL;
            zeroed &= !thing->at || is_marked(thing);
            thing->mark = (unsigned char)(step | 1);
            if (thing->at)
                memset(thing->at, thing->mark, thing->size);
        }
        if (step % 1000 == 0)
            consistent &= is_consistent(slab);
    }
    ok(zeroed, "what is given is zero");
    ok(intact, "nobody else wrote to it");
    ok(consistent, "free runs are joined and listed");
    ok(failures > 100, "it was full: %llu times", (unsigned long long)failures);
    struct slab_stats stats;
    uint64_t counted = 0, failed = 0;
    slab_stats(slab, &stats);
    for (unsigned i = 0; i <= SLAB_CLASSES; i++) {
        counted += stats.sizes[i].used;
        failed += stats.sizes[i].failures;
    }
    is_uint(counted, used, "the statistics count what is");
    is_uint(failed, failures, "and what was not given");
    for (unsigned i = 0; i < MANY; i++)
        if (things[i].at)
            slab_free(slab, things[i].at);
    ok(is_empty(slab), "all is free, in one run");
}

static void test_full(void)
{
    struct slab *slab = slab_init(memory, SIZE);
    struct slab_stats stats;
    void **list = NULL, **at;
    size_t count = 0;
    while ((at = slab_alloc(slab, 64)) != NULL) {
        *at = list;
        list = at;
        count++;
    }
    slab_stats(slab, &stats);
    is_uint(stats.free_pages, 0, "no page is free");
    is_uint(stats.sizes[3].size, 64, "the class of 64 bytes");
    ok(stats.sizes[3].used == count && stats.sizes[3].total == count
       && stats.sizes[3].failures == 1 && stats.sizes[3].requests == count + 1,
       "%zu places, each used", count);
    ok(count * 64 > SIZE / 100 * 97, "97 of 100 bytes are of use");
    ok(!slab_alloc(slab, 16), "nor is there one of another class");
    at = *list;
    slab_free(slab, list);
    ok(slab_alloc(slab, 64) == list && !slab_alloc(slab, 64), "one free, one given");
    *list = at;
    while (list) {
        at = *list;
        slab_free(slab, list);
        list = at;
    }
    ok(is_empty(slab), "all is free, in one run");
}

/* --- misuse ----------------------------------------------------------------------------------- */

static bool dies(struct slab *slab, void *at)
{
    int status = 0;
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        fclose(stderr);
        slab_free(slab, at);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_misuse(void)
{
    struct slab *slab = slab_init(memory, SIZE);
    char *a = slab_alloc(slab, 48), *b = slab_alloc(slab, 48), *run = slab_alloc(slab, 10000);
    char *freed_run = slab_alloc(slab, 5000);
    slab_free(slab, a);
    slab_free(slab, freed_run);
    ok(!dies(slab, b) && !dies(slab, run), "what is right does not die");
    ok(dies(slab, a), "freed twice");
    ok(dies(slab, b + 16), "not at its beginning");
    ok(dies(slab, run + 16) && dies(slab, run + SLAB_PAGE), "inside a run");
    ok(dies(slab, freed_run), "a run freed twice");
    ok(dies(slab, slab->base), "a page that is free");
    ok(dies(slab, memory) && dies(slab, NULL) && dies(slab, memory + SIZE), "not of the slab");
    slab->pages[slab->npages - 1].used = 0;
    ok(dies(slab, b), "bookkeeping that was damaged");
}

/* --- two processes ---------------------------------------------------------------------------- */

static void lock(int *word)
{
    int none = 0;
    while (!__atomic_compare_exchange_n(word, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        none = 0;
}

static void unlock(int *word)
{
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

/* Both put things into one list and take each other's out. */
static bool work(struct slab *slab, int *word, void ***list, uint32_t seed)
{
    bool good = true;
    for (unsigned i = 0; i < 20000; i++) {
        const uint32_t n = next_random(&seed);
        lock(word);
        if (n % 2) {
            void **at = slab_alloc(slab, 16 + n % 3000);
            if (at) {
                at[0] = *list;
                at[1] = at;
                *list = at;
            }
        } else if (*list) {
            void **at = *list;
            good &= at[1] == at;
            *list = at[0];
            slab_free(slab, at);
        }
        unlock(word);
    }
    return good;
}

static void test_processes(void)
{
    char *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *word = (int *)(void *)shared, status = 1;
    void ***list = (void ***)(void *)(shared + 64);
    ok(shared != MAP_FAILED, "shared memory");
    struct slab *slab = slab_init(shared + 128, SIZE - 128);
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0)
        _exit(work(slab, word, list, 1) ? 0 : 1);
    ok(work(slab, word, list, 2), "what both put there was whole here");
    waitpid(pid, &status, 0);
    is_int(status, 0, "and there");
    ok(is_consistent(slab), "free runs are joined and listed");
    while (*list) {
        void **at = *list;
        *list = at[0];
        slab_free(slab, at);
    }
    ok(is_empty(slab), "all is free, in one run");
    munmap(shared, SIZE);
}

int main(void)
{
    test_sizes();
    test_small();
    test_random();
    test_full();
    test_misuse();
    test_processes();
    return done_testing();
}
