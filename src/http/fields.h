/*
 * Header fields: a list of (name, value) slices in their order.
 *
 *     at -> [ HOST "Host" "a" ][ OTHER "X-A" "1" ][ COOKIE "Cookie" "a=b" ] ...
 *     first[FIELD_COOKIE] = 3           place + 1 of the first of a known name; 0: none
 *
 * Names are compared without case; a known one (field.def) is found in no time.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "core/pool.h"

enum field_id {
    FIELD_OTHER,
#define KNOWN_FIELD(id, name) FIELD_##id,
#include "http/field.def"
#undef KNOWN_FIELD
    FIELD_IDS,
};

struct field {
    struct str name, value;
    enum field_id id;
};

struct fields {
    struct field *at;
    unsigned count, room;
    uint16_t first[FIELD_IDS];
};

enum { FIELDS_MOST = 65000 };

enum field_id field_id(struct str name);

void fields_add(struct fields *f, struct pool *pool, struct str name, struct str value);
/* Instead of any of that name. */
void fields_set(struct fields *f, struct pool *pool, struct str name, struct str value);
void fields_remove(struct fields *f, struct str name);
/* Without those in the places [from, to). */
void fields_cut(struct fields *f, unsigned from, unsigned to);
/* The first of that name; NULL: none. */
const struct field *fields_find(const struct fields *f, struct str name);
/* The next of the same name behind `field`; NULL: none. */
const struct field *fields_next(const struct fields *f, const struct field *field);
/* The value of the first; empty: none, or empty. */
struct str fields_value(const struct fields *f, enum field_id id);

/* Whether a list such as Connection's, "a, b", has the word; without case. */
bool field_has_word(struct str list, struct str word);
/* Whether the letters and digits of a name are these, in lower case: another reader, who takes odd
 * bytes for nothing, would see that name. */
bool field_has_letters(struct str name, struct str letters);

static inline const struct field *fields_known(const struct fields *f, enum field_id id)
{
    return f->first[id] ? &f->at[f->first[id] - 1] : NULL;
}

#endif
