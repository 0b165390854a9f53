/*
 * Pools: alignment, zeros, chunks, cleanups, the reserve, and faults at the chunk layer.
 * Owns a counting source, so that what is taken is seen to be given back.
 */
#include "core/pool.c"

#include "t/unit/tap.h"

#include <signal.h>
#include <sys/wait.h>

/* --- a source that counts, refuses, and is generous ------------------------------------------- */

static struct {
    unsigned taken, given;
    size_t bytes, last;
    bool refuse;
    size_t more;                /* what it adds to each chunk */
    const struct pool *pool;
} seen;

static void *count_take(const struct pool_source *source, struct pool *pool, size_t *size)
{
    (void)source;
    seen.pool = pool;
    seen.last = *size;
    if (seen.refuse || *size > 1 << 30)
        return NULL;
    *size += seen.more;
    seen.taken++;
    seen.bytes += *size;
    return calloc(1, *size);
}

static void count_give(const struct pool_source *source, struct pool *pool, void *at, size_t size)
{
    (void)source;
    (void)pool;
    seen.given++;
    seen.bytes -= size;
    free(at);
}

static const struct pool_source counting = { 1024, count_take, count_give };

static void reset(void)
{
    memset(&seen, 0, sizeof(seen));
}

static bool zeros(const void *at, size_t size)
{
    const char *byte = at;
    for (size_t i = 0; i < size; i++)
        if (byte[i])
            return false;
    return true;
}

/* Volatile: the compiler knows that what pool_alloc gave is read by nobody afterwards. */
static void soil(volatile char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (char)0xee;
}

static unsigned reserve_used(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < RESERVE_BLOCKS; i++)
        n += reserve.taken[i];
    return n;
}

/* Whether a child that runs it ends by an assertion. */
static bool dies(void (*run)(void))
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        run();
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGABRT;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_alloc(const struct pool_source *source, const char *name)
{
    struct pool pool;
    bool aligned = true, zeroed = true;
    pool_init(&pool, source);
    ok(pool.used == 0 && !pool.failed, "%s: a new pool has nothing", name);
    for (size_t i = 0; i < 300; i++) {
        const size_t size = i * 37 % 700;
        char *text = pool_bytes(&pool, i % 7);
        char *at = pool_alloc(&pool, size);
        aligned = aligned && (uintptr_t)at % 16 == 0;
        zeroed = zeroed && zeros(at, size);
        soil(at, size);
        soil(text, i % 7);
    }
    ok(aligned, "%s: aligned to 16", name);
    ok(zeroed, "%s: zeroed, whatever was written before", name);
    ok(pool.used > 300 * 300, "%s: used counts what the source gave", name);
    ok(!pool.failed, "%s: not failed", name);
    pool_free(&pool);
    ok(pool.used == 0 && !pool.chunks && !pool.bump && pool.source == source,
       "%s: empty after pool_free", name);
    ok(zeros(pool_alloc(&pool, 100), 100), "%s: and usable again", name);
    pool_free(&pool);
}

static void test_chunks(void)
{
    struct pool pool;
    reset();
    pool_init(&pool, &counting);
    pool_alloc(&pool, 16);
    is_uint(seen.last, 1024, "the first chunk has the source's size");
    ok(seen.pool == &pool, "the source is told for whom");
    char *before = pool.bump;
    char *large = pool_alloc(&pool, 5000);
    is_uint(seen.last, 5000 + sizeof(struct pool_chunk), "what is large gets just what it needs");
    ok(pool.bump == before, "and the chunk at hand stays at hand");
    soil(large, 5000);
    pool_alloc(&pool, 900);
    is_uint(seen.taken, 2, "which is used to its end");
    pool_alloc(&pool, 1024 - sizeof(struct pool_chunk));
    is_uint(seen.taken, 3, "what fills a whole chunk takes one");
    ok(pool.used == seen.bytes, "used is the sum");
    seen.more = 4099;
    pool_alloc(&pool, 1000);
    seen.more = 0;
    pool_alloc(&pool, 4000);
    is_uint(seen.taken, 4, "what the source gave beyond the request is used");
    pool_bytes(&pool, (size_t)(pool.end - pool.bump) - 1);
    pool_alloc(&pool, 1);
    is_uint(seen.taken, 5, "what aligning would push over the end goes into another");
    pool_free(&pool);
    ok(seen.given == seen.taken && seen.bytes == 0, "all chunks are given back, with their size");
}

static void test_edges(void)
{
    struct pool pool;
    pool_init(&pool, &counting);
    ok(pool_alloc(&pool, 0) != NULL, "nothing is somewhere");
    ok(pool_bytes(&pool, 0) != NULL, "no text is somewhere");
    ok(pool_array(&pool, 0, 8) != NULL, "an array of none is somewhere");
    ok(pool_try(&pool, SIZE_MAX) == NULL, "no room for everything");
    ok(pool_try(&pool, SIZE_MAX - 8) == NULL, "nor for everything but the head");
    ok(pool_try(&pool, SIZE_MAX / 2) == NULL, "nor for half of it");
    ok(!pool.failed, "and asking does not fail the pool");
    char *at = pool_try(&pool, 100000);
    ok(at && zeros(at, 100000) && (uintptr_t)at % 16 == 0, "a large try is zeroed and aligned");
    pool_free(&pool);
}

static void array_overflow(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    pool_array(&pool, SIZE_MAX / 8 + 1, 8);
}

static void alloc_overflow(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    volatile size_t size = SIZE_MAX - 15;
    pool_alloc(&pool, size);
}

static void test_text(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    const struct str s = pool_str(&pool, str_of("a\0bcd", 4));
    is_mem(s.at, s.len, "a\0bc", 4, "a copy has the same bytes");
    is_int(s.at[4], 0, "and a NUL behind");
    is_str(pool_cstr(&pool, STR_NONE), "", "nothing becomes the empty text");
    pool_free(&pool);
}

static char order[8];
static unsigned ran;

static void note_letter(void *data)
{
    order[ran++] = *(const char *)data;
}

static struct pool *nested;

static void add_another(void *data)
{
    (void)data;
    pool_on_free(nested, note_letter, (void *)(uintptr_t)"z");
}

static void test_cleanups(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    char *letters = pool_bytes(&pool, 3);
    memcpy(letters, "abc", 3);
    nested = &pool;
    for (int i = 0; i < 3; i++)
        pool_on_free(&pool, note_letter, letters + i);
    pool_on_free(&pool, add_another, NULL);
    pool_free(&pool);
    order[ran] = '\0';
    is_str(order, "zcba", "newest first, those added meanwhile too, with the memory still there");
    pool_free(&pool);
    is_uint(ran, 4, "each only once");
}

struct owner {
    struct pool pool;
    char rest[100];
};

static void test_own_chunk(void)
{
    struct pool first;
    reset();
    pool_init(&first, &counting);
    struct owner *owner = pool_new(&first, struct owner);
    owner->pool = first;
    for (int i = 0; i < 50; i++)
        pool_alloc(&owner->pool, 200);
    pool_free(&owner->pool);
    is_uint(seen.given, seen.taken, "a pool may lie in its own chunk");
}

static void test_resize(void)
{
    struct pool pool;
    reset();
    pool_init(&pool, &counting);
    char *at = pool_bytes(&pool, 10);
    soil(at, 10);
    ok(pool_resize(&pool, at, 10, 20), "the newest grows");
    soil(at, 20);
    ok(pool_resize(&pool, at, 20, 5), "and shrinks");
    ok(pool_resize(&pool, at, 5, 5), "or stays");
    const char *next = pool_alloc(&pool, 64);
    ok(zeros(next, 64), "what it gave back is zeroed again");
    is_mem(at, 5, "\xee\xee\xee\xee\xee", 5, "what it kept is kept");
    ok(!pool_resize(&pool, at, 5, 6), "what is not the newest stays");
    ok(!pool_resize(&pool, NULL, 0, 6), "nothing cannot grow");
    at = pool_bytes(&pool, 8);
    ok(!pool_resize(&pool, at, 8, 2000), "no further than the chunk");
    ok(!pool_resize(&pool, at, 8, SIZE_MAX), "nor around the end");
    char *alone = pool_bytes(&pool, 3000);
    ok(!pool_resize(&pool, alone, 3000, 3001), "what has a chunk of its own cannot grow");
    ok(pool_resize(&pool, at, 8, 9), "the chunk at hand still can");
    pool_free(&pool);
}

static void test_reserve(void)
{
    struct pool pool, other;
    reset();
    seen.refuse = true;
    pool_init(&pool, &counting);
    pool_init(&other, &counting);
    ok(pool_try(&pool, 10) == NULL && !pool.failed, "a try does not touch the reserve");
    is_uint(reserve_used(), 0, "which is whole");
    char *at = pool_alloc(&pool, 100);
    ok(pool.failed, "from the reserve: the pool has failed");
    ok(zeros(at, 100) && (uintptr_t)at % 16 == 0, "but it got its memory");
    is_uint(reserve_used(), 1, "one block");
    soil(at, 100);
    for (int i = 0; i < 30; i++)
        pool_alloc(&pool, 100);
    is_uint(reserve_used(), 1, "more from the same block");
    at = pool_alloc(&other, 3 * RESERVE_BLOCK);
    ok(other.failed && zeros(at, 3 * RESERVE_BLOCK), "what is larger gets blocks in a row");
    soil(at, 3 * RESERVE_BLOCK);
    is_uint(reserve_used(), 5, "as many as it needs");
    seen.refuse = false;
    pool_alloc(&pool, 3500);
    is_uint(seen.taken, 1, "when there is memory again it comes from the source");
    ok(pool.failed, "but failed is failed");
    pool_free(&pool);
    ok(!pool.failed, "until the pool is freed");
    is_uint(seen.given, 1, "only its own goes back to the source");
    is_uint(reserve_used(), 4, "and the block back to the reserve");
    seen.refuse = true;
    ok(zeros(pool_alloc(&pool, 4000), 4000), "used blocks are zeroed again");
    pool_free(&pool);
    pool_free(&other);
    is_uint(reserve_used(), 0, "all blocks are back");
}

static void reserve_gone(void)
{
    struct pool pool;
    seen.refuse = true;
    pool_init(&pool, &counting);
    for (int i = 0; i <= RESERVE_BLOCKS; i++)
        pool_alloc(&pool, RESERVE_BLOCK - sizeof(struct pool_chunk));
}

static void reserve_last(void)
{
    struct pool pool;
    seen.refuse = true;
    pool_init(&pool, &counting);
    for (int i = 0; i < RESERVE_BLOCKS; i++)
        pool_alloc(&pool, RESERVE_BLOCK - sizeof(struct pool_chunk));
}

static void too_large_for_reserve(void)
{
    struct pool pool;
    seen.refuse = true;
    pool_init(&pool, &counting);
    pool_alloc(&pool, sizeof(reserve.at));
}

static void test_faults(void)
{
    struct pool pool;
    char pattern[13] = "";
    pool_init(&pool, &pool_heap);
    pool_fail_chunks(2, 3);
    for (int i = 0; i < 12; i++)
        pattern[i] = pool_try(&pool, 5000) ? '+' : '-';
    is_str(pattern, "++++-++-++-+", "two are quiet, then every third cannot be had");
    pool_fail_chunks(0, 1);
    ok(pool_try(&pool, 5000) == NULL && pool_try(&pool, 5000) == NULL, "every one");
    ok(!pool.failed, "not failed yet");
    pool_alloc(&pool, 5000);
    ok(pool.failed && reserve_used() == 2, "the reserve helps against injected faults too");
    pool_fail_chunks(0, 0);
    ok(pool_try(&pool, 5000) != NULL, "and it ends");
    pool_free(&pool);
}

static void test_each_alone(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    pool_alloc(&pool, 10);
    const size_t first = pool.used;
    pool_alloc(&pool, 10);
#ifdef POOL_MALLOC
    is_uint(first, sizeof(struct pool_chunk) + 10, "sanitizer builds: exactly what was asked for");
    is_uint(pool.used, 2 * first, "and each on its own");
#else
    is_uint(first, HEAP_CHUNK, "a chunk");
    is_uint(pool.used, first, "for more than one");
#endif
    pool_free(&pool);
}

int main(void)
{
    pool_reserve_init();
    test_alloc(&pool_heap, "heap");
    test_alloc(&counting, "counting");
    test_chunks();
    test_edges();
    ok(dies(array_overflow), "an array whose size overflows ends the process");
    ok(dies(alloc_overflow), "so does a size that has no room for a head");
    test_text();
    test_cleanups();
    test_own_chunk();
    test_resize();
    test_reserve();
    ok(!dies(reserve_last), "the reserve serves its last block");
    ok(dies(reserve_gone), "with the reserve gone the process ends");
    ok(dies(too_large_for_reserve), "also for what the reserve can never hold");
    test_faults();
    test_each_alone();
    pool_reserve_init();
    ok(reserve_used() == 0, "touching the reserve again changes nothing");
    return done_testing();
}
