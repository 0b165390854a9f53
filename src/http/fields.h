/*
 * Header fields: a list of (name, value) slices in their order.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "core/pool.h"

struct field {
    struct str name, value;
};

struct fields {
    struct field *at;
    unsigned count, room;
};

void fields_add(struct fields *f, struct pool *pool, struct str name, struct str value);
/* The first of that name (ASCII case ignored); NULL: none. */
const struct field *fields_find(const struct fields *f, struct str name);

#endif
