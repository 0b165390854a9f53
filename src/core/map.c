/*
 * A hash table that is filled once: open addressing, at most two thirds full.
 * Owns nothing: cells and keys lie in the pool it was given.
 */
#include "core/map.h"

enum { FIRST_ROOM = 8 };

static uint64_t hash_caseless(const struct map *m, struct str key, char *lower)
{
    ASSERT(key.len <= MAP_CASELESS_MAX);
    for (size_t i = 0; i < key.len; i++)
        lower[i] = str_lower_char(key.at[i]);
    return siphash_13(&m->hash_key, str_of(lower, key.len));
}

static uint64_t hash(const struct map *m, struct str key)
{
    char lower[MAP_CASELESS_MAX];
    return m->caseless ? hash_caseless(m, key, lower) : siphash_13(&m->hash_key, key);
}

/* The cell of this key, or the empty one where it would be. */
static struct map_cell *cell_of(const struct map *m, struct str key, uint64_t hash)
{
    size_t i = hash & (m->room - 1);
    while (m->cells[i].key.at) {
        const struct map_cell *cell = &m->cells[i];
        if (cell->hash == hash
            && (m->caseless ? str_eq_ci(cell->key, key) : str_eq(cell->key, key)))
            break;
        i = (i + 1) & (m->room - 1);
    }
    return &m->cells[i];
}

static bool enough(size_t room, size_t count)
{
    return count <= room - room / 3;
}

/* False: no memory, and the pool is failed. */
static bool make_room(struct map *m, struct pool *pool, size_t count)
{
    const struct map old = *m;
    size_t room = FIRST_ROOM, size;
    while (!enough(room, count))
        room *= 2;
    m->cells = mul_overflows(room, sizeof(*m->cells), &size) ? NULL : pool_try(pool, size);
    if (!m->cells) {
        m->cells = old.cells;
        pool->failed = true;
        return false;
    }
    m->room = room;
    for (size_t i = 0; i < old.room; i++)
        if (old.cells[i].key.at)
            *cell_of(m, old.cells[i].key, old.cells[i].hash) = old.cells[i];
    return true;
}

void map_init(struct map *m, struct pool *temp, const struct siphash_key *hash_key, bool caseless)
{
    *m = (struct map){ .pool = temp, .caseless = caseless, .hash_key = *hash_key };
}

enum map_result map_add(struct map *m, struct str key, const void *value, const void **there)
{
    ASSERT(m->pool && value);
    if (m->caseless && key.len > MAP_CASELESS_MAX)
        return MAP_TOO_LONG;
    if (!enough(m->room, m->count + 1) && !make_room(m, m->pool, m->count + 1))
        return MAP_ADDED;
    const uint64_t h = hash(m, key);
    struct map_cell *cell = cell_of(m, key, h);
    if (cell->key.at) {
        *there = cell->value;
        return MAP_THERE;
    }
    *cell = (struct map_cell){ str_of(key.at ? key.at : "", key.len), h, value };
    m->count++;
    m->longest = size_max(m->longest, key.len);
    return MAP_ADDED;
}

void map_freeze(struct map *m, struct pool *pool)
{
    ASSERT(m->pool);
    m->pool = NULL;
    if (m->count == 0) {
        m->cells = NULL;
        m->room = 0;
        return;
    }
    if (!make_room(m, pool, m->count)) {
        *m = (struct map){ 0 };         /* the old cells are not of this pool */
        return;
    }
    for (size_t i = 0; i < m->room; i++) {
        struct map_cell *cell = &m->cells[i];
        if (cell->key.at)
            cell->key = pool_str(pool, cell->key);
    }
}

const void *map_get(const struct map *m, struct str key)
{
    if (m->count == 0 || key.len > m->longest)
        return NULL;
    const struct map_cell *cell = cell_of(m, key, hash(m, key));
    return cell->key.at ? cell->value : NULL;
}
