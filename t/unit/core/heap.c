/*
 * The heap against a plain array: any mix of pushes, removals and updates, and the order out.
 * Owns nothing.
 */
#include "core/heap.c"

#include "t/unit/tap.h"

enum { ITEMS = 2000, STEPS = 200000 };

struct item {
    int64_t key;
    struct heap_node node;
};

static struct item items[ITEMS];
static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static struct item *least(const struct heap *heap)
{
    struct heap_node *node = heap_min(heap);
    return node ? container_of(node, struct item, node) : NULL;
}

/* No child before its parent, every node where it believes to be. */
static bool sound(const struct heap *heap)
{
    for (size_t i = 0; i < heap->len; i++) {
        const struct heap_slot *slot = &heap->slots[i];
        if (slot->node->place != i + 1)
            return false;
        if (slot->key != container_of(slot->node, struct item, node)->key)
            return false;
        if (i > 0 && heap->slots[(i - 1) / WAYS].key > slot->key)
            return false;
    }
    return heap->len <= heap->room;
}

static void test_few(void)
{
    struct heap heap = { .len = 0 };
    struct item a = { .key = 5 }, b = { .key = 3 };
    struct item c = { .key = INT64_MIN }, d = { .key = INT64_MAX };
    ok(heap_min(&heap) == NULL, "an empty heap has no least");
    heap_remove(&heap, &a.node);
    ok(heap_push(&heap, &a.node, a.key) && heap_push(&heap, &b.node, b.key), "two");
    ok(least(&heap) == &b && heap_key(&heap, &a.node) == 5, "the smaller is the least");
    ok(heap_push(&heap, &c.node, c.key) && heap_push(&heap, &d.node, d.key), "the extremes");
    ok(least(&heap) == &c, "the smallest of all");
    a.key = INT64_MIN;
    heap_update(&heap, &a.node, a.key);
    heap_remove(&heap, &c.node);
    ok(!heap_has(&c.node) && heap_has(&a.node), "one left");
    ok(least(&heap) == &a && sound(&heap), "an update moves it to the top");
    heap_remove(&heap, &c.node);
    is_uint(heap.len, 3, "leaving twice is harmless");
    heap_remove(&heap, &a.node);
    heap_remove(&heap, &b.node);
    ok(least(&heap) == &d, "the largest is the last");
    heap_remove(&heap, &d.node);
    ok(heap.len == 0 && heap_min(&heap) == NULL, "empty again");
    heap_free(&heap);
    heap_free(&heap);
    ok(heap.room == 0, "freeing twice is harmless");
}

/* Draws from few keys now and then, so that there are many equal ones. */
static int64_t random_key(void)
{
    return chance(4) ? (int64_t)chance(1u << 31) - (1 << 30) : (int64_t)chance(10);
}

static void test_random(void)
{
    struct heap heap = { .len = 0 };
    unsigned bad = 0;
    size_t in = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        struct item *item = &items[chance(step % 20000 < 10000 ? ITEMS : ITEMS / 20)];
        if (!heap_has(&item->node)) {
            item->key = random_key();
            bad += !heap_push(&heap, &item->node, item->key);
            in++;
        } else if (chance(2)) {
            item->key = random_key();
            heap_update(&heap, &item->node, item->key);
        } else {
            heap_remove(&heap, &item->node);
            in--;
        }
        if (step % 500 == 0)
            bad += !sound(&heap) || heap.len != in;
    }
    is_int(bad, 0, "sound through %d random steps", STEPS);
    int64_t last = INT64_MIN;
    while (heap.len > 0) {
        struct item *item = least(&heap);
        bad += item->key < last;
        last = item->key;
        heap_remove(&heap, &item->node);
        in--;
    }
    ok(bad == 0 && in == 0, "and everything comes out in order");
    heap_free(&heap);
}

static void test_sorted(void)
{
    struct heap heap = { .len = 0 };
    unsigned bad = 0;
    for (int i = 0; i < ITEMS; i++)
        bad += !heap_push(&heap, &items[i].node, items[i].key = i);
    ok(bad == 0 && sound(&heap), "rising keys");
    for (int i = 0; i < ITEMS; i++)
        heap_update(&heap, &items[i].node, items[i].key = ITEMS - i);
    ok(sound(&heap) && least(&heap) == &items[ITEMS - 1], "turned around");
    for (int i = ITEMS - 1; i >= 0; i--) {
        bad += least(&heap) != &items[i];
        heap_remove(&heap, &items[i].node);
    }
    is_int(bad, 0, "falling keys come out in order");
    heap_free(&heap);
}

static void test_reserve(void)
{
    struct heap heap = { .len = 0 };
    ok(heap_reserve(&heap, 1000) && heap.room == 1024, "room by doubling");
    const struct heap_slot *slots = heap.slots;
    unsigned bad = 0;
    for (int i = 0; i < 1000; i++)
        bad += !heap_push(&heap, &items[i].node, items[i].key = 1000 - i);
    ok(bad == 0 && heap.slots == slots, "as many do not move it");
    ok(!heap_reserve(&heap, SIZE_MAX), "too much is refused");
    ok(!heap_reserve(&heap, SIZE_MAX / 4), "also where only the bytes overflow");
    ok(heap.len == 1000 && sound(&heap), "and nothing is lost");
    while (heap.len)
        heap_remove(&heap, heap_min(&heap));
    heap_free(&heap);
}

int main(void)
{
    test_few();
    test_random();
    test_sorted();
    test_reserve();
    return done_testing();
}
