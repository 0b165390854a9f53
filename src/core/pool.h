/*
 * A pool: memory with one lifetime.  Allocation moves a pointer; everything is freed at once.
 *
 *     struct pool -> chunk -> chunk -> chunk      each chunk from `source`: the heap, or the arena
 *                    [####....]                   (configuration; see core/arena.h)
 *                         ^bump  ^end
 *
 * Allocation never fails for the caller: when no chunk can be had, small requests are served from
 * the process's reserve and the pool is marked `failed`; whoever owns the pool looks at the mark at
 * the end of its step and gives up the request, or the configuration.  Only with the reserve gone
 * the process aborts.  What may be as large as a chunk goes through pool_try, which can say no.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/str.h"

struct pool;

struct pool_chunk {
    struct pool_chunk *next;
    size_t size;                        /* of the whole chunk, this head included */
};

struct pool_source {
    size_t chunk_size;
    /* At least `size` bytes, zeroed; NULL when there is no memory.  May raise *size. */
    void *(*take)(const struct pool_source *source, struct pool *pool, size_t *size);
    void (*give)(const struct pool_source *source, struct pool *pool, void *at, size_t size);
};

/* Something to do when the pool is freed: newest first. */
struct pool_cleanup {
    struct pool_cleanup *next;
    void (*run)(void *data);
    void *data;
};

struct pool {
    char *bump, *end;
    struct pool_chunk *chunks;
    struct pool_cleanup *cleanups;
    const struct pool_source *source;
    size_t used;                        /* bytes taken from the source */
    bool failed;
};

extern const struct pool_source pool_heap;              /* 4 KiB chunks from malloc */

void pool_init(struct pool *pool, const struct pool_source *source);
void pool_free(struct pool *pool);              /* runs the cleanups; the pool is empty then */

/* Zeroed, aligned to 16. */
void *pool_alloc(struct pool *pool, size_t size) __attribute__((malloc, returns_nonnull));
#define pool_new(pool, type) ((type *)pool_alloc(pool, sizeof(type)))
void *pool_array(struct pool *pool, size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));

/* Not zeroed, not aligned: for text. */
char *pool_bytes(struct pool *pool, size_t size) __attribute__((malloc, returns_nonnull));

/* For sizes that someone else chose: NULL when there is no memory (and the pool is not failed). */
WARN_UNUSED void *pool_try(struct pool *pool, size_t size);

/* Makes the newest thing of the pool larger or smaller where it is; false: it is not the newest, or
 * has no room.  `size` is what was asked for it. */
bool pool_resize(struct pool *pool, char *at, size_t size, size_t new_size);

/* A copy with a NUL behind it (not counted). */
struct str pool_str(struct pool *pool, struct str s);
const char *pool_cstr(struct pool *pool, struct str s);

void pool_on_free(struct pool *pool, void (*run)(void *data), void *data);

/* Fills the reserve of this process (1 MiB); once, at its start. */
void pool_reserve_init(void);

/* Tests and the fault build: after `n` more chunks every `every`-th cannot be had; 0 ends it. */
void pool_fail_chunks(unsigned n, unsigned every);

#endif
