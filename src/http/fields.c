/*
 * Header fields.  The list lies in the pool of whoever adds to it.
 */
#include "http/fields.h"

/* The first of the names of each length. */
enum {
#define KNOWN_FIELD(id, name) PLACE_##id,
#define FIELD_LENGTH(length) PLACE_OF_LENGTH_##length, BACK_##length = PLACE_OF_LENGTH_##length - 1,
    PLACE_OTHER,
#include "http/field.def"
#undef KNOWN_FIELD
};

static const uint8_t first_of[] = {
#define KNOWN_FIELD(id, name)
#define FIELD_LENGTH(length) [length] = PLACE_OF_LENGTH_##length,
#include "http/field.def"
#undef KNOWN_FIELD
};

static const struct str known[FIELD_IDS + 1] = {        /* one that has no length at the end */
    STR_INIT(""),
#define KNOWN_FIELD(id, name) STR_INIT(name),
#include "http/field.def"
#undef KNOWN_FIELD
};

enum field_id field_id(struct str name)
{
    unsigned id = name.len < countof(first_of) ? first_of[name.len] : 0;
    const char first = id ? str_lower_char(name.at[0]) : '\0';
    for (; id && known[id].len == name.len; id++)
        if (known[id].at[0] == first && str_eq_ci(name, known[id]))
            return (enum field_id)id;
    return FIELD_OTHER;
}

static void grow(struct fields *f, struct pool *pool)
{
    const unsigned room = f->room ? f->room * 2 : 16;
    struct field *grown = pool_array(pool, room, sizeof(*grown));
    ASSERT(f->count < FIELDS_MOST);
    if (f->count)
        memcpy(grown, f->at, f->count * sizeof(*grown));
    f->at = grown;
    f->room = room;
}

static void put(struct fields *f, struct field field)
{
    f->at[f->count++] = field;
    if (field.id && !f->first[field.id])
        f->first[field.id] = (uint16_t)f->count;
}

static unsigned empty(struct fields *f)
{
    const unsigned count = f->count;
    memset(f->first, 0, sizeof(f->first));
    f->count = 0;
    return count;
}

void fields_add(struct fields *f, struct pool *pool, struct str name, struct str value)
{
    if (f->count == f->room)
        grow(f, pool);
    put(f, (struct field){ name, value, field_id(name) });
}

void fields_set(struct fields *f, struct pool *pool, struct str name, struct str value)
{
    fields_remove(f, name);
    fields_add(f, pool, name, value);
}

void fields_remove(struct fields *f, struct str name)
{
    const unsigned count = empty(f);
    for (unsigned i = 0; i < count; i++)
        if (!str_eq_ci(f->at[i].name, name))
            put(f, f->at[i]);
}

void fields_cut(struct fields *f, unsigned from, unsigned to)
{
    const unsigned count = empty(f);
    for (unsigned i = 0; i < count; i++)
        if (i < from || i >= to)
            put(f, f->at[i]);
}

const struct field *fields_find(const struct fields *f, struct str name)
{
    for (unsigned i = 0; i < f->count; i++)
        if (str_eq_ci(f->at[i].name, name))
            return &f->at[i];
    return NULL;
}

const struct field *fields_next(const struct fields *f, const struct field *field)
{
    for (const struct field *next = field + 1; next < f->at + f->count; next++)
        if (str_eq_ci(next->name, field->name))
            return next;
    return NULL;
}

struct str fields_value(const struct fields *f, enum field_id id)
{
    const struct field *field = fields_known(f, id);
    return field ? field->value : STR_NONE;
}

bool field_has_word(struct str list, struct str word)
{
    while (list.len) {
        struct str item;
        str_cut(list, ',', &item, &list);
        if (str_eq_ci(str_trim(item), word))
            return true;
    }
    return false;
}

bool field_has_letters(struct str name, struct str letters)
{
    size_t same = 0;
    for (size_t i = 0; i < name.len; i++) {
        const char c = str_lower_char(name.at[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if (same == letters.len || c != letters.at[same])
            return false;
        same++;
    }
    return same == letters.len;
}
