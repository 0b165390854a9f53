/*
 * Zones: named shared memory that outlives generations (limits, sessions, peers, cache indices).
 *
 *     struct zone (arena, one in each generation that names it)
 *       name, size, type, slot --> handles.at[slot]: a memfd, mapped at `at` in every process
 *
 *     at -> [ struct zone_head: lock, ready | data: the type's ...................... ]
 *
 * All addresses lie in one range that is reserved before the first fork, so pointers into a zone
 * mean the same everywhere, and a living worker maps a new one with the generation that brings it.
 * The same type, name and size in the next generation is the same memory; another size is a new
 * zone, into which the first worker that uses it migrates what the old one had, where the type can.
 *
 * The master never runs a type's code.  A zone is initialised under its lock by the first worker
 * that uses it; the lock names its owner, and when that process has died inside, the master wipes
 * the zone, says so, and the next worker initialises it again.
 */
#ifndef CORE_ZONE_H
#define CORE_ZONE_H

#include "core/conf.h"

struct zone;

struct zone_type {
    const char *name;                   /* "limit_req" */
    /* Zeroed memory becomes an empty zone.  Under the lock. */
    void (*init)(const struct zone *zone);
    /* A fresh zone takes over what fits of an older one of another size.  Both locked; or NULL. */
    void (*migrate)(const struct zone *zone, const struct zone *from);
};

struct zone_head;

struct zone {
    struct str name;
    size_t size;                        /* of the data */
    const struct zone_type *type;
    unsigned slot;
    struct zone_head *at;
    struct zone_head *from;             /* the older one it replaces; NULL: none */
    size_t from_size;
    struct zone *next;                  /* of the generation */
};

enum { ZONE_LEAST = 32 << 10 };

/* Master, before the first fork.  `most` is address space; half of it, and so on, where a tool or a
 * limit does not let us have as much.  False: errno. */
bool zone_space_init(size_t most, size_t least);

/* While a configuration is applied.  The zone of this name, made when it is new; an error at
 * argument `arg` when it has another type or size there.  `size` 0: whatever it has, which another
 * statement must say; zones_finish reports one that nobody gave a size. NULL: reported. */
struct zone *zone_add(struct conf *cf, const struct zone_type *type, struct str name, size_t size,
                      unsigned arg);
/* Gives every zone its memory.  False: reported. */
bool zones_finish(struct conf *cf);

/* A worker: maps those of a generation that it does not have yet.  False: errno. */
bool zones_map(const struct generation *gen);
/* A worker, when the generation is committed: initialises, migrates. */
void zones_use(const struct generation *gen);

/* Short sections only: whoever waits does nothing else. */
void zone_lock(const struct zone *zone);
void zone_unlock(const struct zone *zone);
void *zone_data(const struct zone *zone);
bool zone_is_locked(const struct zone *zone);           /* by this process */

/* The number of this process, for what a zone counts by process: no other ever has it. */
uint32_t zone_process(void);
bool zone_process_lives(uint32_t number);
/* How many that had one are gone: when it has not changed, all that lived live. */
uint32_t zone_deaths(void);

/* Master: this process is gone. */
void zones_owner_died(pid_t pid);

#endif
