/*
 * Tables in zones: a hash with a key of its own, and a list by age.
 * Owns nothing: everything lies in the zone.
 */
#include "core/zone_table.h"

#include "core/number.h"
#include "core/zone.h"

#include <sys/random.h>

enum { BYTES_A_BUCKET = 128, BUCKETS_MOST = 1 << 28, TABLE_HEAD = 128 };

_Static_assert(sizeof(struct zone_table) <= TABLE_HEAD, "the slab begins behind the table");
_Static_assert(sizeof(struct zone_node) % 8 == 0, "data of nodes are aligned");

static struct zone_node *node_of(const struct zone_table *t, struct list_link *link)
{
    struct zone_node *node = link ? container_of(link, struct zone_node, link) : NULL;
    ASSERT(!node || slab_holds(t->slab, node, sizeof(*node)));
    return node;
}

static bool is_link(const struct zone_table *t, const struct list_link *link)
{
    return link == &t->nodes.end || slab_holds(t->slab, link, sizeof(*link));
}

/* Its neighbours are written to. */
static void unlink_node(struct zone_table *t, struct zone_node *node)
{
    const struct list_link *link = &node->link;
    ASSERT(is_link(t, link->prev) && is_link(t, link->next));
    ASSERT(link->prev->next == link && link->next->prev == link);
    list_remove(&node->link);
}

static uint32_t hash(const struct zone_table *t, struct str key)
{
    return (uint32_t)siphash_13(&t->hash_key, key);
}

/* --- the whole table -------------------------------------------------------------------------- */

void zone_table_init(struct zone_table *t, size_t size, size_t data_size)
{
    uint32_t buckets = 16;
    *t = (struct zone_table){ .size = size, .data_size = (uint32_t)(data_size + 7) / 8 * 8 };
    ASSERT(getrandom(&t->hash_key, sizeof(t->hash_key), 0) == (ssize_t)sizeof(t->hash_key));
    ASSERT(getrandom(&t->epoch, sizeof(t->epoch), 0) == (ssize_t)sizeof(t->epoch));
    list_init(&t->nodes);
    while (buckets < BUCKETS_MOST && (size_t)buckets * 2 <= size / BYTES_A_BUCKET)
        buckets *= 2;
    t->mask = buckets - 1;
    ASSERT(size > TABLE_HEAD);
    t->slab = slab_init((char *)t + TABLE_HEAD, size - TABLE_HEAD);
    ASSERT(t->slab);
    t->buckets = slab_alloc(t->slab, buckets * sizeof(*t->buckets));
    ASSERT(t->buckets);
}

void zone_table_bind(struct zone_table *t, struct str text)
{
    const uint32_t meaning = str_hash(text) | 1;
    if (t->meaning != meaning && t->meaning)
        zone_table_init(t, t->size, t->data_size);
    t->meaning = meaning;
}

/* --- nodes ------------------------------------------------------------------------------------ */

struct zone_node *zone_table_find(const struct zone_table *t, struct str key,
                                  const struct zone_node *after)
{
    const uint32_t h = after ? after->hash : hash(t, key);
    struct zone_node *node = after ? after->next : t->buckets[h & t->mask];
    for (size_t steps = 0; node; node = node->next) {
        ASSERT(steps++ < t->count && slab_holds(t->slab, node, sizeof(*node)));
        if (node->hash == h && str_eq(zone_node_key(t, node), key))
            return node;
    }
    return NULL;
}

struct zone_node *zone_table_add(struct zone_table *t, struct str key)
{
    struct zone_node *node;
    if (key.len > ZONE_TABLE_KEY_MAX)
        return NULL;
    node = slab_alloc(t->slab, sizeof(*node) + t->data_size + key.len);
    if (!node)
        return NULL;
    node->hash = hash(t, key);
    node->key_len = (uint16_t)key.len;
    if (key.len)
        memcpy((char *)(node + 1) + t->data_size, key.at, key.len);
    struct zone_node **bucket = &t->buckets[node->hash & t->mask];
    node->next = *bucket;
    *bucket = node;
    list_push(&t->nodes, &node->link);
    t->count++;
    return node;
}

void zone_table_remove(struct zone_table *t, struct zone_node *node)
{
    struct zone_node **at = &t->buckets[node->hash & t->mask];
    for (size_t steps = 0; *at != node; at = &(*at)->next)
        ASSERT(steps++ < t->count && slab_holds(t->slab, *at, sizeof(**at)));
    *at = node->next;
    unlink_node(t, node);
    t->count--;
    slab_free(t->slab, node);
}

void zone_table_touch(struct zone_table *t, struct zone_node *node)
{
    unlink_node(t, node);
    list_push(&t->nodes, &node->link);
}

struct zone_node *zone_table_oldest(const struct zone_table *t)
{
    return node_of(t, list_first(&t->nodes));
}

struct zone_node *zone_table_newer(const struct zone_table *t, const struct zone_node *node)
{
    return node_of(t, list_next(&t->nodes, &node->link));
}

void zone_table_copy(struct zone_table *t, const struct zone_table *from)
{
    struct zone_node *newest = node_of(from, list_last(&from->nodes));
    const struct list_link *end = &from->nodes.end;
    ASSERT(t->data_size == from->data_size && t->count == 0);
    t->meaning = from->meaning;
    for (const struct zone_node *old = newest; old;
         old = old->link.prev == end ? NULL : node_of(from, old->link.prev)) {
        struct zone_node *node = zone_table_add(t, zone_node_key(from, old));
        if (!node)
            return;
        memcpy(zone_node_data(node), old + 1, t->data_size);
        unlink_node(t, node);           /* older than those before it */
        list_insert_before(t->nodes.end.next, &node->link);
    }
}

/* --- configuration ---------------------------------------------------------------------------- */

bool zone_table_arg(struct conf *cf, unsigned arg, struct str *name, size_t *size)
{
    const struct str text = conf_arg(cf, arg);
    struct str value, number;
    ASSERT(str_from_off(text, sizeof("zone=") - 1, &value));
    if (!str_cut(value, ':', name, &number) || !number_conf_size(number, size))
        return conf_error(cf, arg, "invalid-value", "invalid zone size \"%.*s\"", STR_FMT(text));
    if (name->len == 0)
        return conf_error(cf, 0, "missing-parameter", "\"%.*s\" must have \"zone\" parameter",
                          STR_FMT(conf_arg(cf, 0)));
    if (*size < ZONE_LEAST)
        return conf_error(cf, arg, "zone-size", "zone \"%.*s\" is too small", STR_FMT(text));
    return true;
}
