/*
 * A heap whose members know their place: the smallest key in no time, any member out in O(log n).
 *
 *     slots  [ 3 ][ 5 ][ 9 ][ 4 ][ 7 ][ 8 ] ...      four children each: 4i+1 .. 4i+4
 *              |                                     keys lie in the slots, so that finding a way
 *              v                                     through the heap touches no member
 *            node { place: 1 }                       place - 1 is its slot; 0: in no heap
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include "core/base.h"

/* In the member; all zeros before its first use. */
struct heap_node {
    size_t place;
};

struct heap_slot {
    int64_t key;
    struct heap_node *node;
};

/* All zeros is an empty heap. */
struct heap {
    struct heap_slot *slots;
    size_t len, room;
};

void heap_free(struct heap *heap);      /* its slots; members that are still in it are forgotten */

/* Room for `count` members in all, so that pushing them cannot fail.  False: no memory. */
WARN_UNUSED bool heap_reserve(struct heap *heap, size_t count);

/* The node must be in no heap.  False: no memory, and it is not in. */
WARN_UNUSED bool heap_push(struct heap *heap, struct heap_node *node, int64_t key);
void heap_remove(struct heap *heap, struct heap_node *node);            /* in none: nothing */
void heap_update(struct heap *heap, struct heap_node *node, int64_t key);

static inline bool heap_has(const struct heap_node *node)
{
    return node->place != 0;
}

/* NULL: the heap is empty. */
static inline struct heap_node *heap_min(const struct heap *heap)
{
    return heap->len ? heap->slots[0].node : NULL;
}

int64_t heap_key(const struct heap *heap, const struct heap_node *node);

#endif
