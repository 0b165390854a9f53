/*
 * An array that grows, from a pool: for what configuration repeats.
 *
 *     struct vec { at -> [ 0 ][ 1 ][ 2 ][   ]   len 3, room 4 }
 *
 * Growing moves the elements, so pointers to them last only until the next push; the old place
 * stays in the pool, at most as much again as the array.  An empty vec is all zeros.
 */
#ifndef CORE_VEC_H
#define CORE_VEC_H

#include "core/pool.h"

struct vec {
    void *at;
    size_t len, room;
};

/* A new last element, zeroed.  `size` is the same in every call. */
static inline void *vec_push(struct pool *pool, struct vec *v, size_t size)
{
    if (v->len == v->room) {
        size_t room = 4;
        ASSERT(v->room == 0 || !mul_overflows(v->room, 2, &room));
        void *at = pool_array(pool, room, size);
        if (v->len)
            memcpy(at, v->at, v->len * size);
        v->at = at;
        v->room = room;
    }
    return (char *)v->at + v->len++ * size;
}

static inline void *vec_get(const struct vec *v, size_t i, size_t size)
{
    ASSERT(i < v->len);
    return (char *)v->at + i * size;
}

#define vec_add(pool, v, type) ((type *)vec_push(pool, v, sizeof(type)))
#define vec_at(v, i, type) ((type *)vec_get(v, i, sizeof(type)))

#endif
