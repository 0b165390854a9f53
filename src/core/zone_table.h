/*
 * A table in a zone: from the bytes of a key to what a module keeps for it, oldest first.
 *
 *     struct zone_table
 *       buckets -> [ node -> node ][ ][ node ] ...     by the keyed hash; as many as there ever are
 *       nodes      oldest <-> ... <-> newest           zone_table_touch() makes a node the newest
 *
 *     a node, in the slab:  [ struct zone_node | data | key ]
 *
 * A key may have several nodes (one a process, say).  Everything here is done under the zone's
 * lock.  Who keeps a pointer to a node while the lock is free compares `epoch` before using it: it
 * changes whenever the table is made anew, because its zone was emptied.
 */
#ifndef CORE_ZONE_TABLE_H
#define CORE_ZONE_TABLE_H

#include "core/conf.h"
#include "core/list.h"
#include "core/siphash.h"
#include "core/slab.h"

enum { ZONE_TABLE_KEY_MAX = UINT16_MAX };

struct zone_node {
    struct zone_node *next;             /* of its bucket */
    struct list_link link;
    uint32_t hash;
    uint16_t key_len;
};

struct zone_table {
    uint64_t epoch;
    struct siphash_key hash_key;
    uint32_t meaning;                   /* of the keys: see zone_table_bind; 0: not said yet */
    uint32_t data_size, mask;
    uint64_t own;                       /* the module's, for the table as a whole; 0 at first */
    size_t count, size;                 /* of nodes; of the memory behind the table */
    struct slab *slab;
    struct zone_node **buckets;
    struct list nodes;
};

/* Makes an empty table; it and its nodes lie in `size` bytes from it on.  zone_type.init. */
void zone_table_init(struct zone_table *t, size_t size, size_t data_size);
/* The keys are values of this text.  A table that was bound to another text is emptied. */
void zone_table_bind(struct zone_table *t, struct str text);
/* Takes over nodes of an older one, the newest first, while they fit.  zone_type.migrate. */
void zone_table_copy(struct zone_table *t, const struct zone_table *from);

/* The first node of a key, or the next one after `after`; NULL: there is none. */
struct zone_node *zone_table_find(const struct zone_table *t, struct str key,
                                  const struct zone_node *after);
/* A new one, the newest; its data are zero.  NULL: full. */
WARN_UNUSED struct zone_node *zone_table_add(struct zone_table *t, struct str key);
void zone_table_remove(struct zone_table *t, struct zone_node *node);
void zone_table_touch(struct zone_table *t, struct zone_node *node);

/* In the order of age; NULL: there is none. */
struct zone_node *zone_table_oldest(const struct zone_table *t);
struct zone_node *zone_table_newer(const struct zone_table *t, const struct zone_node *node);

static inline void *zone_node_data(struct zone_node *node)
{
    return node + 1;
}

static inline struct str zone_node_key(const struct zone_table *t, const struct zone_node *node)
{
    return str_of((const char *)(node + 1) + t->data_size, node->key_len);
}

/* --- while configuration is read -------------------------------------------------------------- */

/* Argument `arg`, "zone=name:size".  False: reported. */
bool zone_table_arg(struct conf *cf, unsigned arg, struct str *name, size_t *size);

#endif
