/*
 * A table from strings to pointers, filled while configuration is read and constant afterwards.
 *
 *     cells  [ "html" -> T1 ][  ][ "css" -> T2 ][  ] ...     open addressing, linear probing
 *
 * map_init, map_add ... (in the pool of the run), map_freeze (cells and keys move to the
 * generation's pool, as many cells as are needed), then map_get in any process.  Clients choose
 * what is looked up, so the hash is SipHash-1-3 under a key of the generation.
 */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include "core/pool.h"
#include "core/siphash.h"

enum { MAP_CASELESS_MAX = 1024 };       /* the longest key of a caseless map */

struct map_cell {
    struct str key;                     /* at NULL: an empty cell */
    uint64_t hash;
    const void *value;
};

struct map {
    struct map_cell *cells;
    size_t room;                        /* of cells: a power of two, or 0 */
    size_t count;
    size_t longest;                     /* key: what is longer is not here */
    bool caseless;                      /* keys are in lower case, and found in any */
    struct siphash_key hash_key;
    struct pool *pool;                  /* while it is filled */
};

enum map_result {
    MAP_ADDED,
    MAP_THERE,                          /* nothing was changed; *there has the value */
    MAP_TOO_LONG,                       /* only in caseless maps */
};

void map_init(struct map *m, struct pool *temp, const struct siphash_key *hash_key, bool caseless);

/* The key must live until map_freeze, which copies it; `value` is not NULL.  Without memory the
 * pool is failed and the key left out. */
enum map_result map_add(struct map *m, struct str key, const void *value, const void **there);

void map_freeze(struct map *m, struct pool *pool);

/* NULL: not there.  Before map_freeze too. */
const void *map_get(const struct map *m, struct str key);

#endif
