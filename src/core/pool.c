/*
 * Memory with one lifetime, cut from chunks of a source, with a reserve for when there are none.
 * Owns the reserve of this process; a pool owns its chunks until pool_free.
 */
#include "core/pool.h"

enum {
    ALIGN = 16,
    HEAP_CHUNK = 4096,
    RESERVE_BLOCK = 4096,
    RESERVE_BLOCKS = 256,
};

/* Of the process, not of a configuration: what is left when the kernel has no more to give.  A
 * chunk from here is one or more whole blocks, and pool_free puts them back. */
static struct {
    _Alignas(RESERVE_BLOCK) char at[RESERVE_BLOCKS][RESERVE_BLOCK];
    bool taken[RESERVE_BLOCKS];
} reserve;

/* Fault injection: only tests and the fault build set it. */
static struct {
    unsigned quiet, every, count;
} faults;

/* --- the heap as a source --------------------------------------------------------------------- */

static void *heap_take(const struct pool_source *source, struct pool *pool, size_t *size)
{
    (void)source;
    (void)pool;
    return calloc(1, *size);
}

static void heap_give(const struct pool_source *source, struct pool *pool, void *at, size_t size)
{
    (void)source;
    (void)pool;
    (void)size;
    free(at);
}

const struct pool_source pool_heap = { HEAP_CHUNK, heap_take, heap_give };

/* Sanitizer builds: every allocation has a chunk of its own, so that what runs over shows. */
static bool each_alone(const struct pool *pool)
{
#ifdef POOL_MALLOC
    return pool->source == &pool_heap;
#else
    (void)pool;
    return false;
#endif
}

/* --- the reserve ------------------------------------------------------------------------------ */

/* Touches every page (again after a fork, where they are shared until written), so that the
 * kernel's promise is a promise no longer. */
void pool_reserve_init(void)
{
    for (size_t i = 0; i < RESERVE_BLOCKS; i++) {
        volatile char *page = reserve.at[i];
        page[0] = page[0];
    }
}

void pool_fail_chunks(unsigned n, unsigned every)
{
    faults.quiet = n;
    faults.every = every;
    faults.count = 0;
}

static bool fault(void)
{
    if (faults.every == 0)
        return false;
    if (faults.quiet > 0) {
        faults.quiet--;
        return false;
    }
    return ++faults.count % faults.every == 0;
}

static void *reserve_take(size_t *size)
{
    const size_t want = *size / RESERVE_BLOCK + (*size % RESERVE_BLOCK != 0);
    size_t seen = 0;
    for (size_t i = 0; i < RESERVE_BLOCKS; i++) {
        seen = reserve.taken[i] ? 0 : seen + 1;
        if (seen < want)
            continue;
        const size_t first = i + 1 - want;
        memset(&reserve.taken[first], true, want);
        *size = want * RESERVE_BLOCK;
        return memset(reserve.at[first], 0, *size);
    }
    return NULL;
}

/* False: it is not of the reserve. */
static bool reserve_give(const void *at, size_t size)
{
    const uintptr_t offset = (uintptr_t)at - (uintptr_t)reserve.at;
    if (offset >= sizeof(reserve.at))
        return false;
    memset(&reserve.taken[offset / RESERVE_BLOCK], false, size / RESERVE_BLOCK);
    return true;
}

/* --- chunks ----------------------------------------------------------------------------------- */

static struct pool_chunk *chunk_add(struct pool *pool, struct pool_chunk *chunk, size_t size)
{
    chunk->size = size;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->used += size;
    return chunk;
}

static struct pool_chunk *chunk_take(struct pool *pool, size_t least)
{
    size_t size = each_alone(pool) ? least : size_max(least, pool->source->chunk_size);
    struct pool_chunk *chunk = fault() ? NULL : pool->source->take(pool->source, pool, &size);
    return chunk ? chunk_add(pool, chunk, size) : NULL;
}

static struct pool_chunk *chunk_reserved(struct pool *pool, size_t least)
{
    size_t size = least;
    struct pool_chunk *chunk = reserve_take(&size);
    ASSERT(chunk != NULL);
    pool->failed = true;
    return chunk_add(pool, chunk, size);
}

/* The first `size` bytes of a new chunk.  The pool goes on in whichever chunk has more room left,
 * so that a large allocation does not throw away a chunk that has just been begun. */
static void *chunk_open(struct pool *pool, struct pool_chunk *chunk, size_t size)
{
    char *at = (char *)(chunk + 1), *end = (char *)chunk + chunk->size;
    if (!each_alone(pool) && end - (at + size) > pool->end - pool->bump) {
        pool->bump = at + size;
        pool->end = end;
    }
    return at;
}

/* From the chunk at hand; NULL when it has no room. */
static char *bump(struct pool *pool, size_t align, size_t size)
{
    const size_t room = (size_t)(pool->end - pool->bump);
    const size_t skip = -(uintptr_t)pool->bump & (align - 1);
    if (!pool->bump || skip > room || size > room - skip)
        return NULL;
    char *at = pool->bump + skip;
    pool->bump = at + size;
    return at;
}

static void *take(struct pool *pool, size_t align, size_t size)
{
    size_t whole;
    size = size_max(size, 1);
    void *at = bump(pool, align, size);
    if (at)
        return at;
    ASSERT(!add_overflows(size, sizeof(struct pool_chunk), &whole));
    struct pool_chunk *chunk = chunk_take(pool, whole);
    return chunk_open(pool, chunk ? chunk : chunk_reserved(pool, whole), size);
}

/* --- the pool --------------------------------------------------------------------------------- */

void pool_init(struct pool *pool, const struct pool_source *source)
{
    *pool = (struct pool){ .source = source };
}

/* The pool may lie in one of its own chunks, so it is emptied before the first of them goes. */
void pool_free(struct pool *pool)
{
    while (pool->cleanups) {
        struct pool_cleanup *cleanup = pool->cleanups;
        pool->cleanups = cleanup->next;
        cleanup->run(cleanup->data);
    }
    struct pool_chunk *chunk = pool->chunks;
    const struct pool_source *source = pool->source;
    pool_init(pool, source);
    while (chunk) {
        struct pool_chunk *next = chunk->next;
        if (!reserve_give(chunk, chunk->size))
            source->give(source, pool, chunk, chunk->size);
        chunk = next;
    }
}

void *pool_alloc(struct pool *pool, size_t size)
{
    return take(pool, ALIGN, size);
}

void *pool_array(struct pool *pool, size_t count, size_t size)
{
    size_t whole;
    ASSERT(!mul_overflows(count, size, &whole));
    return take(pool, ALIGN, whole);
}

char *pool_bytes(struct pool *pool, size_t size)
{
    return take(pool, 1, size);
}

void *pool_try(struct pool *pool, size_t size)
{
    size_t whole;
    size = size_max(size, 1);
    void *at = bump(pool, ALIGN, size);
    if (at || add_overflows(size, sizeof(struct pool_chunk), &whole))
        return at;
    struct pool_chunk *chunk = chunk_take(pool, whole);
    return chunk ? chunk_open(pool, chunk, size) : NULL;
}

bool pool_resize(struct pool *pool, char *at, size_t size, size_t new_size)
{
    if (!at || at + size != pool->bump)
        return false;
    if (new_size > size && new_size - size > (size_t)(pool->end - pool->bump))
        return false;
    if (new_size < size)
        memset(at + new_size, 0, size - new_size);
    pool->bump = at + new_size;
    return true;
}

struct str pool_str(struct pool *pool, struct str s)
{
    size_t size;
    ASSERT(!add_overflows(s.len, 1, &size));
    char *at = pool_bytes(pool, size);
    if (s.len)
        memcpy(at, s.at, s.len);
    at[s.len] = '\0';
    return str_of(at, s.len);
}

const char *pool_cstr(struct pool *pool, struct str s)
{
    return pool_str(pool, s).at;
}

void pool_on_free(struct pool *pool, void (*run)(void *data), void *data)
{
    struct pool_cleanup *cleanup = pool_new(pool, struct pool_cleanup);
    *cleanup = (struct pool_cleanup){ pool->cleanups, run, data };
    pool->cleanups = cleanup;
}
