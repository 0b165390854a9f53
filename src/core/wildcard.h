/*
 * Host names with wildcards: server_name, and map with `hostnames`.
 *
 *     exact      "example.com"            a name as it is
 *     leading    "*.example.com"          key "example.com": every name that ends so, with a "."
 *     trailing   "www.example.*"          key "www.example": every name that begins so, with a "."
 *     ".example.com" is an exact and a leading name in one
 *
 * The exact name wins, then the longest leading wildcard, then the longest trailing one.  Case does
 * not matter.  The dot at the end of a host name is the caller's to drop.
 */
#ifndef CORE_WILDCARD_H
#define CORE_WILDCARD_H

#include "core/map.h"

struct wildcard {
    struct map exact, leading, trailing;
};

enum wildcard_result {
    WILDCARD_ADDED,
    WILDCARD_THERE,                     /* nothing was changed; *there has the value in the way */
    WILDCARD_INVALID,                   /* a "*" or "." where none can be, or far too long */
};

void wildcard_init(struct wildcard *w, struct pool *temp, const struct siphash_key *hash_key);

/* As map_add. */
enum wildcard_result wildcard_add(struct wildcard *w, struct str name, const void *value,
                                  const void **there);

void wildcard_freeze(struct wildcard *w, struct pool *pool);

/* NULL: no name fits. */
const void *wildcard_get(const struct wildcard *w, struct str host);

#endif
