/*
 * Memory for generations: one shared mapping, reserved before the first fork, so that an address
 * means the same in the master and in every worker.
 *
 *     arena  [ gen 7 ][ gen 7 ][  free  ][ gen 8 ][ free ................ ]
 *              run      run                run                 chunks of 256 KiB
 *
 * Who may touch what:
 *   master   a run is writable while its generation is filled, read-only once it is sealed;
 *   worker   nothing but the runs of generations it holds, and these read-only: its mapping is of a
 *            read-only descriptor, so mprotect cannot make it writable and a stray write faults.
 * Free runs have no access in any process: a stale pointer faults instead of reading zeros.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/pool.h"

enum { ARENA_CHUNK = 256 << 10, ARENA_RUNS = 32 };

struct arena_run {
    uint32_t first, count;              /* chunks */
};

struct arena_runs {
    uint32_t count;
    struct arena_run at[ARENA_RUNS];
};

extern const struct pool_source pool_arena;

/* Master, before the first fork.  `size` is address space, not memory.  False: errno. */
bool arena_init(size_t size);

/* A worker, once, after the fork: same addresses, read-only for good, nothing accessible yet. */
bool arena_enter_worker(void);

/* A worker: makes the runs of a generation readable, or inaccessible again. */
bool arena_open_runs(const struct arena_runs *runs);
void arena_close_runs(const struct arena_runs *runs);

/* The runs of a pool whose source is the arena. */
void arena_runs_of(const struct pool *pool, struct arena_runs *runs);

/* Master: the generation is complete; from here on it is constant. */
void arena_seal(const struct pool *pool);

bool arena_has(const void *pointer);

/* No word of the pool points to this process's private writable memory or into another
 * generation: for test builds, since such a pointer works at start and fails after a reload. */
bool arena_self_contained(const struct pool *pool, void *where[2]);

#endif
