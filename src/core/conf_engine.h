/*
 * What the parts of the configuration engine share, and nobody else needs.
 *
 *   name  --conf_find-->   struct conf_row -> conf_row    rows of that name, each for other blocks
 *   scope --conf_slots-->  slots of the sections that such a block has a structure of
 *   slot  --conf_plan_of-> struct conf_plan               a section, and what is known of its rows
 *
 * All of it is made by conf_register and constant afterwards.
 */
#ifndef CORE_CONF_ENGINE_H
#define CORE_CONF_ENGINE_H

#include "core/conf.h"

enum { CONF_SECTION_ROWS = 128 };

struct conf_row {
    const struct directive *directive;
    const struct section *section;
    const struct module *module;
    unsigned bit;                       /* its number within the section */
    struct conf_row *same;              /* the next row of this name */
    struct conf_row *next;              /* the next name of the bucket */
};

struct conf_plan {
    const struct section *section;
    struct conf_set own, nameless;      /* rows of this kind of inheritance */
    struct conf_set *sharing;           /* by row: the rows that fill its field, itself included */
    struct conf_node **defaults;        /* by row: its default as a statement; NULL: none */
};

/* `include` is no module's: conf_tree.c resolves it before there are rows. */
extern const struct directive conf_include_row;

/* NULL: there is no such name. */
const struct conf_row *conf_find(struct str name);
const struct conf_plan *conf_plan_of(unsigned slot);
/* In the order of registration. */
const unsigned *conf_slots(enum conf_scope scope, unsigned *count);

/* The name that is meant, of those in a block of one of these kinds; NULL: none is near. */
const char *conf_nearest(struct str name, unsigned scopes);
/* A directive of nginx that weir does not have. */
struct conf_absent {
    const char *name, *module;
    bool never;                         /* it is left out on purpose */
};
const struct conf_absent *conf_absent(struct str name);        /* NULL: nginx has none, either */

/* "http, server, location" */
void conf_scopes_text(struct fmt *f, unsigned scopes);

/* Its parse needs nothing but the words: so a default can be tried before there is a run. */
bool conf_type_is_plain(const struct conf_type *type);

/* Inheritance, defaults, finish: conf_resolve.c.  False: errors. */
bool conf_resolve(struct conf *cf);

static inline bool conf_set_has(const struct conf_set *set, unsigned bit)
{
    return set->bits[bit / 64] >> (bit % 64) & 1;
}

static inline void conf_set_add(struct conf_set *set, unsigned bit)
{
    set->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline bool conf_set_meets(const struct conf_set *a, const struct conf_set *b)
{
    return (a->bits[0] & b->bits[0]) || (a->bits[1] & b->bits[1]);
}

#endif
