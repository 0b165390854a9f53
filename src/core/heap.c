/*
 * A four-way heap of (key, node) slots; nodes are told where they are.
 * Owns the slots, from malloc: a heap lives as long as its loop, and grows by doubling.
 */
#include "core/heap.h"

enum { ROOM_FIRST = 64, WAYS = 4 };

static void place(struct heap *heap, size_t at, struct heap_slot slot)
{
    heap->slots[at] = slot;
    slot.node->place = at + 1;
}

static size_t place_of(const struct heap *heap, const struct heap_node *node)
{
    ASSERT(node->place != 0 && node->place <= heap->len);
    ASSERT(heap->slots[node->place - 1].node == node);
    return node->place - 1;
}

/* Moves the hole at `at` up until `slot` may fill it. */
static void sift_up(struct heap *heap, size_t at, struct heap_slot slot)
{
    while (at > 0) {
        const size_t parent = (at - 1) / WAYS;
        if (heap->slots[parent].key <= slot.key)
            break;
        place(heap, at, heap->slots[parent]);
        at = parent;
    }
    place(heap, at, slot);
}

static size_t least_child(const struct heap *heap, size_t at)
{
    const size_t first = at * WAYS + 1, end = size_min(first + WAYS, heap->len);
    size_t least = first;
    for (size_t i = first + 1; i < end; i++)
        if (heap->slots[i].key < heap->slots[least].key)
            least = i;
    return least;
}

static void sift_down(struct heap *heap, size_t at, struct heap_slot slot)
{
    while (at * WAYS + 1 < heap->len) {
        const size_t child = least_child(heap, at);
        if (heap->slots[child].key >= slot.key)
            break;
        place(heap, at, heap->slots[child]);
        at = child;
    }
    place(heap, at, slot);
}

/* Puts `slot` where it belongs, given a hole at `at`. */
static void settle(struct heap *heap, size_t at, struct heap_slot slot)
{
    if (at > 0 && heap->slots[(at - 1) / WAYS].key > slot.key)
        sift_up(heap, at, slot);
    else
        sift_down(heap, at, slot);
}

void heap_free(struct heap *heap)
{
    free(heap->slots);
    *heap = (struct heap){ .len = 0 };
}

bool heap_reserve(struct heap *heap, size_t count)
{
    size_t room = size_max(heap->room, ROOM_FIRST), size;
    while (room < count)
        if (mul_overflows(room, 2, &room))
            return false;
    if (room == heap->room)
        return true;
    if (mul_overflows(room, sizeof(*heap->slots), &size))
        return false;
    struct heap_slot *slots = realloc(heap->slots, size);
    if (!slots)
        return false;
    heap->slots = slots;
    heap->room = room;
    return true;
}

bool heap_push(struct heap *heap, struct heap_node *node, int64_t key)
{
    ASSERT(!heap_has(node));
    if (!heap_reserve(heap, heap->len + 1))
        return false;
    heap->len++;
    sift_up(heap, heap->len - 1, (struct heap_slot){ key, node });
    return true;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (!heap_has(node))
        return;
    const size_t at = place_of(heap, node);
    const struct heap_slot last = heap->slots[--heap->len];
    node->place = 0;
    if (at < heap->len)
        settle(heap, at, last);
}

void heap_update(struct heap *heap, struct heap_node *node, int64_t key)
{
    settle(heap, place_of(heap, node), (struct heap_slot){ key, node });
}

int64_t heap_key(const struct heap *heap, const struct heap_node *node)
{
    return heap->slots[place_of(heap, node)].key;
}
