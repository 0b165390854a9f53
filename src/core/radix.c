/*
 * Networks as a tree by bits, with paths that do not part made short.
 * Owns nothing: nodes lie in the pool they were given.
 */
#include "core/radix.h"

static unsigned bit_of(struct str key, unsigned bit)
{
    ASSERT(bit / 8 < key.len);
    return ((unsigned char)key.at[bit / 8] >> (7 - bit % 8)) & 1;
}

/* How many bits both begin with, at most `most`. */
static unsigned common(struct str a, struct str b, unsigned most)
{
    unsigned bits = 0;
    ASSERT(most <= a.len * 8 && most <= b.len * 8);
    while (bits + 8 <= most && a.at[bits / 8] == b.at[bits / 8])
        bits += 8;
    while (bits < most && bit_of(a, bits) == bit_of(b, bits))
        bits++;
    return bits;
}

static struct str key_of(const struct radix *radix, const struct radix_node *node)
{
    return str_of(node->key, radix->bytes);
}

static struct radix_node *new_node(const struct radix *radix, struct pool *pool, struct str key,
                                   unsigned bits)
{
    struct radix_node *node = pool_new(pool, struct radix_node);
    memcpy(node->key, key.at, radix->bytes);
    node->bits = (uint8_t)bits;
    return node;
}

static void check(const struct radix *radix, struct str key, unsigned bits)
{
    ASSERT(radix->bytes <= RADIX_BYTES && key.len == radix->bytes && bits <= radix->bytes * 8);
}

const void **radix_find(const struct radix *radix, struct str key, unsigned bits)
{
    struct radix_node *node = radix->root;
    check(radix, key, bits);
    while (node && node->bits < bits)
        node = node->child[bit_of(key, node->bits)];
    if (!node || node->bits != bits || common(key, key_of(radix, node), bits) < bits)
        return NULL;
    return &node->value;
}

const void **radix_slot(struct radix *radix, struct pool *pool, struct str key, unsigned bits)
{
    struct radix_node **link = &radix->root;
    check(radix, key, bits);
    while (*link) {
        struct radix_node *node = *link;
        const unsigned most = node->bits < bits ? node->bits : bits;
        const unsigned same = common(key, key_of(radix, node), most);
        if (same == node->bits) {
            if (same == bits)
                return &node->value;
            link = &node->child[bit_of(key, same)];
            continue;
        }
        struct radix_node *fork = new_node(radix, pool, key, same);
        fork->child[bit_of(key_of(radix, node), same)] = node;
        *link = fork;
        if (same == bits)
            return &fork->value;
        link = &fork->child[bit_of(key, same)];
    }
    *link = new_node(radix, pool, key, bits);
    return &(*link)->value;
}

const void *radix_get(const struct radix *radix, struct str key)
{
    const struct radix_node *node = radix->root;
    const void *value = NULL;
    check(radix, key, 0);
    while (node && common(key, key_of(radix, node), node->bits) == node->bits) {
        if (node->value)
            value = node->value;
        if (node->bits == radix->bytes * 8)
            break;
        node = node->child[bit_of(key, node->bits)];
    }
    return value;
}
