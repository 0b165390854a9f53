/*
 * A binary radix tree: networks to values, asked for the longest that an address lies in.
 *
 *     0.0.0.0/0 -> D
 *       \-- 10.0.0.0/8 -> A             a node has more bits than the one above it, and those of
 *             \-- 10.1.0.0/16           the one above begin its own; one without a value is where
 *                   \-- 10.1.0.0/24 -> B      \-- 10.1.128.0/24 -> C          two ways part
 *
 * Filled while configuration is read, constant afterwards.  Keys are of one length in a tree.
 */
#ifndef CORE_RADIX_H
#define CORE_RADIX_H

#include "core/pool.h"

enum { RADIX_BYTES = 16 };

struct radix_node {
    struct radix_node *child[2];        /* by the bit behind this prefix */
    const void *value;
    uint8_t bits;
    unsigned char key[RADIX_BYTES];
};

struct radix {
    struct radix_node *root;
    unsigned bytes;                     /* of a key: 4, 16 */
};

/* The value of exactly this network, to look at or to change; *slot is NULL when there is none.
 * Made by radix_slot when it is not there. */
const void **radix_find(const struct radix *radix, struct str key, unsigned bits);
const void **radix_slot(struct radix *radix, struct pool *pool, struct str key, unsigned bits);

/* The value of the longest network that the key lies in; NULL: none. */
const void *radix_get(const struct radix *radix, struct str key);

#endif
