/*
 * Header fields.  The list lies in the pool of whoever adds to it.
 */
#include "http/fields.h"

void fields_add(struct fields *f, struct pool *pool, struct str name, struct str value)
{
    if (f->count == f->room) {
        const unsigned room = f->room ? f->room * 2 : 16;
        struct field *grown = pool_array(pool, room, sizeof(*grown));
        if (f->count)
            memcpy(grown, f->at, f->count * sizeof(*grown));
        f->at = grown;
        f->room = room;
    }
    f->at[f->count++] = (struct field){ name, value };
}

const struct field *fields_find(const struct fields *f, struct str name)
{
    for (unsigned i = 0; i < f->count; i++)
        if (str_eq_ci(f->at[i].name, name))
            return &f->at[i];
    return NULL;
}
