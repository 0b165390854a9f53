/*
 * Names with wildcards as three maps, asked label by label.
 * Owns nothing: the maps lie in the pools they were given.
 */
#include "core/wildcard.h"

enum kind { EXACT, LEADING, TRAILING, BOTH, INVALID };

static struct str drop_first(struct str name, size_t count)
{
    struct str rest;
    ASSERT(str_from_off(name, count, &rest));
    return rest;
}

static struct str drop_last(struct str name, size_t count)
{
    struct str rest;
    ASSERT(count <= name.len && str_sub(name, 0, name.len - count, &rest));
    return rest;
}

/* What kind of name this is; *key is what its map is asked for. */
static enum kind kind_of(struct str name, struct str *key)
{
    const bool leading = str_starts(name, STR("*.")), trailing = str_ends(name, STR(".*"));
    *key = name;
    if (str_find(name, STR("..")) != STR_NPOS)
        return INVALID;
    if (leading)
        *key = drop_first(name, 2);
    else if (str_starts(name, STR(".")))
        *key = drop_first(name, 1);
    else if (trailing)
        *key = drop_last(name, 2);
    if (key->len < name.len && (key->len == 0 || (leading && trailing)))
        return INVALID;
    if (str_chr(*key, '*') != STR_NPOS)
        return INVALID;
    return leading ? LEADING : key->len == name.len ? EXACT : key->at != name.at ? BOTH : TRAILING;
}

void wildcard_init(struct wildcard *w, struct pool *temp, const struct siphash_key *hash_key)
{
    map_init(&w->exact, temp, hash_key, true);
    map_init(&w->leading, temp, hash_key, true);
    map_init(&w->trailing, temp, hash_key, true);
}

static enum wildcard_result result(enum map_result added)
{
    switch (added) {
    case MAP_ADDED:
        return WILDCARD_ADDED;
    case MAP_THERE:
        return WILDCARD_THERE;
    case MAP_TOO_LONG:
        break;
    }
    return WILDCARD_INVALID;
}

/* Both or none: the leading one is looked for before the exact one is entered. */
static enum wildcard_result add_both(struct wildcard *w, struct str key, const void *value,
                                     const void **there)
{
    const void *old = map_get(&w->leading, key);
    if (old) {
        *there = old;
        return WILDCARD_THERE;
    }
    const enum map_result added = map_add(&w->exact, key, value, there);
    return result(added == MAP_ADDED ? map_add(&w->leading, key, value, there) : added);
}

enum wildcard_result wildcard_add(struct wildcard *w, struct str name, const void *value,
                                  const void **there)
{
    struct str key;
    switch (kind_of(name, &key)) {
    case EXACT:
        return result(map_add(&w->exact, key, value, there));
    case LEADING:
        return result(map_add(&w->leading, key, value, there));
    case TRAILING:
        return result(map_add(&w->trailing, key, value, there));
    case BOTH:
        return add_both(w, key, value, there);
    case INVALID:
        break;
    }
    return WILDCARD_INVALID;
}

void wildcard_freeze(struct wildcard *w, struct pool *pool)
{
    map_freeze(&w->exact, pool);
    map_freeze(&w->leading, pool);
    map_freeze(&w->trailing, pool);
}

static const void *get_leading(const struct map *m, struct str host)
{
    struct str label;
    while (m->count > 0 && str_cut(host, '.', &label, &host)) {
        const void *value = map_get(m, host);
        if (value)
            return value;
    }
    return NULL;
}

static const void *get_trailing(const struct map *m, struct str host)
{
    ssize_t dot = m->count > 0 ? str_rchr(host, '.') : STR_NPOS;
    while (dot != STR_NPOS) {
        ASSERT(str_sub(host, 0, (size_t)dot, &host));
        const void *value = map_get(m, host);
        if (value)
            return value;
        dot = str_rchr(host, '.');
    }
    return NULL;
}

const void *wildcard_get(const struct wildcard *w, struct str host)
{
    const void *value = map_get(&w->exact, host);
    if (!value)
        value = get_leading(&w->leading, host);
    return value ? value : get_trailing(&w->trailing, host);
}
