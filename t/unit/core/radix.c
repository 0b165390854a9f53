/*
 * The radix tree against a list of networks that is searched from end to end.  Owns nothing.
 */
#include "core/radix.c"

#include "t/unit/tap.h"

enum { MOST = 400 };

struct net {
    unsigned char key[16];
    unsigned bits;
    const void *value;
};

struct rig {
    struct pool pool;
    struct radix radix;
    struct net nets[MOST];
    unsigned count;
    uint32_t seed;
};

static unsigned next(struct rig *rig, unsigned below)
{
    rig->seed = rig->seed * 1664525 + 1013904223;
    return (rig->seed >> 8) % below;
}

static bool lies_in(const struct net *net, const unsigned char *key)
{
    for (unsigned i = 0; i < net->bits; i++)
        if (((net->key[i / 8] ^ key[i / 8]) >> (7 - i % 8)) & 1)
            return false;
    return true;
}

/* Few values for each byte, so that networks lie in each other. */
static void random_key(struct rig *rig, unsigned char *key)
{
    static const unsigned char few[] = { 0, 1, 127, 128, 129, 255 };
    for (unsigned i = 0; i < rig->radix.bytes; i++)
        key[i] = few[next(rig, countof(few))];
}

static const void *naive_get(const struct rig *rig, const unsigned char *key)
{
    const struct net *best = NULL;
    for (unsigned i = 0; i < rig->count; i++) {
        const struct net *net = &rig->nets[i];
        if (net->value && lies_in(net, key) && (!best || net->bits >= best->bits))
            best = net;
    }
    return best ? best->value : NULL;
}

static struct net *naive_find(struct rig *rig, const struct net *like)
{
    for (unsigned i = 0; i < rig->count; i++)
        if (rig->nets[i].bits == like->bits && lies_in(&rig->nets[i], like->key))
            return &rig->nets[i];
    return NULL;
}

/* Every other network has bits behind its prefix, which do not count. */
static bool add_one(struct rig *rig)
{
    struct net net = { .bits = next(rig, rig->radix.bytes * 8 + 1) };
    random_key(rig, net.key);
    const struct str key = str_of(net.key, rig->radix.bytes);
    struct net *there = naive_find(rig, &net);
    const void **slot = radix_find(&rig->radix, key, net.bits);
    if (there && (!slot || *slot != there->value))
        return false;
    if (!there && slot && *slot)
        return false;
    if (!there) {
        there = &rig->nets[rig->count++];
        *there = net;
    }
    there->value = next(rig, 8) == 0 ? NULL : there;
    slot = radix_slot(&rig->radix, &rig->pool, key, net.bits);
    *slot = there->value;
    return radix_find(&rig->radix, key, net.bits) == slot;
}

static void test_random(unsigned bytes)
{
    struct rig rig = { .radix = { .bytes = bytes }, .seed = bytes };
    unsigned wrong = 0, found = 0;
    pool_init(&rig.pool, &pool_heap);
    for (unsigned i = 0; i < MOST; i++) {
        unsigned char key[16];
        wrong += !add_one(&rig);
        for (unsigned j = 0; j < 20; j++) {
            random_key(&rig, key);
            const void *want = naive_get(&rig, key);
            wrong += radix_get(&rig.radix, str_of(key, bytes)) != want;
            found += want != NULL;
        }
    }
    is_int(wrong, 0, "%u bytes: as a list has it", bytes);
    ok(found > 1000, "of which enough lie in a network");
    pool_free(&rig.pool);
}

static void test_edges(void)
{
    static const int all = 1, one = 2, half = 3;
    struct radix radix = { .bytes = 4 };
    struct pool pool;
    pool_init(&pool, &pool_heap);
    ok(radix_get(&radix, STR("\0\0\0\0")) == NULL, "an empty tree has nothing");
    ok(radix_find(&radix, STR("\0\0\0\0"), 0) == NULL, "not even everything");
    *radix_slot(&radix, &pool, STR("\xff\xff\xff\xff"), 32) = &one;
    ok(radix_get(&radix, STR("\xff\xff\xff\xff")) == &one, "one address");
    ok(radix_get(&radix, STR("\xff\xff\xff\xfe")) == NULL, "and not its neighbour");
    *radix_slot(&radix, &pool, STR("\1\2\3\4"), 0) = &all;
    ok(radix_get(&radix, STR("\xff\xff\xff\xfe")) == &all, "everything, whatever its bits");
    *radix_slot(&radix, &pool, STR("\x80\0\0\0"), 1) = &half;
    ok(radix_get(&radix, STR("\xff\xff\xff\xfe")) == &half, "half of everything, between both");
    ok(radix_get(&radix, STR("\x7f\xff\xff\xff")) == &all, "the other half");
    ok(radix_get(&radix, STR("\xff\xff\xff\xff")) == &one, "one address is still there");
    *radix_find(&radix, STR("\x80\0\0\0"), 1) = NULL;
    ok(radix_get(&radix, STR("\xff\xff\xff\xfe")) == &all, "what is taken away has no value");
    pool_free(&pool);
}

int main(void)
{
    test_edges();
    test_random(4);
    test_random(16);
    return done_testing();
}
