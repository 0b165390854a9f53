/*
 * Lists of header fields: known names, places, growth, removal, and the first of each known name.
 * Owns one pool for the time of a test.
 */
#include "http/fields.c"

#include "core/fmt.h"
#include "t/unit/tap.h"

static const char *const names[FIELD_IDS] = {
    NULL,
#define KNOWN_FIELD(id, name) name,
#include "http/field.def"
#undef KNOWN_FIELD
};

static struct str upper(struct pool *pool, struct str s)
{
    const struct str copy = pool_str(pool, s);
    char *at = pool_bytes(pool, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        at[i] = copy.at[i] >= 'a' && copy.at[i] <= 'z' ? (char)(copy.at[i] - 0x20) : copy.at[i];
    return str_of(at, s.len);
}

static void test_ids(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    for (unsigned id = 1; id < FIELD_IDS; id++) {
        const struct str name = str_from(names[id]);
        const struct str longer = fmt_pool(&pool, "%sx", names[id]);
        struct str shorter = name;
        shorter.len--;
        is_uint(field_id(name), id, "%s is known", names[id]);
        is_uint(field_id(upper(&pool, name)), id, "also in capitals");
        ok(field_id(longer) == FIELD_OTHER, "%sx is another", names[id]);
        ok(field_id(shorter) != id, "so is one letter less");
    }
    is_uint(field_id(STR_NONE), FIELD_OTHER, "no name");
    is_uint(field_id(STR("x")), FIELD_OTHER, "an unknown name");
    is_uint(field_id(STR("hos\xd4")), FIELD_OTHER, "case is that of ASCII only");
    is_uint(field_id(STR("content_length")), FIELD_OTHER, "\"_\" is not \"-\"");
    is_uint(field_id(str_of("host\0", 5)), FIELD_OTHER, "a NUL is a byte of a name");
    pool_free(&pool);
}

/* Each known field is found by its place, and is the first one of its name. */
static bool is_consistent(const struct fields *f)
{
    for (unsigned id = 1; id < FIELD_IDS; id++) {
        const struct field *first = NULL;
        for (unsigned i = f->count; i-- > 0;)
            if (f->at[i].id == id)
                first = &f->at[i];
        if (fields_known(f, (enum field_id)id) != first ||
            fields_find(f, str_from(names[id])) != first)
            return false;
    }
    for (unsigned i = 0; i < f->count; i++)
        if (f->at[i].id != field_id(f->at[i].name))
            return false;
    return f->count <= f->room;
}

static void add(struct fields *f, struct pool *pool, const char *name, const char *value)
{
    fields_add(f, pool, str_from(name), str_from(value));
}

/* "name=value" of each, in order. */
static const char *shown(const struct fields *f, struct pool *pool)
{
    struct fmt text;
    fmt_init_pool(&text, pool, 64, 1 << 16);
    for (unsigned i = 0; i < f->count; i++)
        fmt_print(&text, "%s%.*s=%.*s", i ? " " : "", STR_FMT(f->at[i].name),
                  STR_FMT(f->at[i].value));
    return fmt_done(&text).at;
}

static void test_empty(void)
{
    struct fields f = { .count = 0 };
    ok(is_consistent(&f), "an empty list");
    ok(!fields_find(&f, STR("host")) && !fields_known(&f, FIELD_HOST), "has no host");
    ok(fields_value(&f, FIELD_HOST).len == 0, "and no value of it");
    fields_remove(&f, STR("host"));
    ok(f.count == 0 && is_consistent(&f), "nor is anything taken from it");
}

static void test_order(void)
{
    struct fields f = { .count = 0 };
    const struct field *field;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    add(&f, &pool, "X-A", "1");
    add(&f, &pool, "COOKIE", "a");
    add(&f, &pool, "Host", "h");
    add(&f, &pool, "x-a", "2");
    add(&f, &pool, "cookie", "b");
    add(&f, &pool, "X-a", "3");
    add(&f, &pool, "Via", "");
    is_str(shown(&f, &pool), "X-A=1 COOKIE=a Host=h x-a=2 cookie=b X-a=3 Via=", "order and case");
    ok(is_consistent(&f), "places of known names");
    field = fields_find(&f, STR("x-A"));
    ok(field == &f.at[0], "the first of a name");
    field = fields_next(&f, field);
    ok(field == &f.at[3], "the next one of it");
    field = fields_next(&f, field);
    ok(field == &f.at[5], "and one more");
    ok(!fields_next(&f, field), "which is the last");
    ok(fields_next(&f, fields_known(&f, FIELD_COOKIE)) == &f.at[4], "the next of a known name");
    ok(!fields_next(&f, fields_known(&f, FIELD_VIA)), "none behind the last of all");
    const struct str value = fields_value(&f, FIELD_COOKIE);
    is_mem(value.at, value.len, "a", 1, "the value of the first");
    ok(fields_known(&f, FIELD_VIA) && fields_value(&f, FIELD_VIA).len == 0, "an empty value");
    ok(!fields_find(&f, STR("X")) && !fields_find(&f, STR("")), "what is not there");
    pool_free(&pool);
}

static void test_remove(void)
{
    struct fields f = { .count = 0 };
    struct pool pool;
    pool_init(&pool, &pool_heap);
    add(&f, &pool, "Host", "h");
    add(&f, &pool, "X", "1");
    add(&f, &pool, "Via", "v");
    add(&f, &pool, "x", "2");
    add(&f, &pool, "Host", "i");
    fields_remove(&f, STR("X"));
    is_str(shown(&f, &pool), "Host=h Via=v Host=i", "all of a name go, the others stay");
    ok(is_consistent(&f), "and are found where they are now");
    fields_remove(&f, STR("none"));
    is_str(shown(&f, &pool), "Host=h Via=v Host=i", "a name that is not there");
    fields_remove(&f, STR("host"));
    is_str(shown(&f, &pool), "Via=v", "the first and the last");
    ok(is_consistent(&f), "leave one");
    add(&f, &pool, "Date", "d");
    add(&f, &pool, "Via", "w");
    fields_cut(&f, 2, 1);
    fields_cut(&f, 3, 9);
    is_uint(f.count, 3, "no places, or none that there are");
    fields_cut(&f, 0, 2);
    is_str(shown(&f, &pool), "Via=w", "the first two places");
    ok(is_consistent(&f), "leave another one");
    fields_set(&f, &pool, STR("VIA"), STR("w"));
    is_str(shown(&f, &pool), "VIA=w", "set instead");
    fields_set(&f, &pool, STR("Host"), STR("j"));
    is_str(shown(&f, &pool), "VIA=w Host=j", "set where there was none");
    add(&f, &pool, "via", "x");
    fields_set(&f, &pool, STR("Via"), STR("y"));
    is_str(shown(&f, &pool), "Host=j Via=y", "set instead of two");
    ok(is_consistent(&f), "places of known names");
    fields_remove(&f, STR("host"));
    fields_remove(&f, STR("via"));
    ok(f.count == 0 && is_consistent(&f), "none left");
    pool_free(&pool);
}

/* Places are counted in 16 bits: the last one that a list takes is found by its name. */
static void test_most(void)
{
    struct fields f = { .count = 0 };
    struct pool pool;
    unsigned kept = 0;
    pool_init(&pool, &pool_heap);
    for (unsigned i = 0; i < 16; i++)
        add(&f, &pool, i % 2 ? "A" : "B", "v");
    is_uint(f.count, 16, "the first room is full");
    add(&f, &pool, "Host", "h");
    ok(f.count == 17 && is_consistent(&f), "and grows");
    while (f.count < FIELDS_MOST - 1)
        add(&f, &pool, "A", "v");
    add(&f, &pool, "Cookie", "c");
    is_uint(f.count, FIELDS_MOST, "as many as there may be");
    ok(fields_known(&f, FIELD_COOKIE) == &f.at[FIELDS_MOST - 1], "the last is found");
    ok(is_consistent(&f), "places of known names");
    for (unsigned i = 0; i < f.count; i++)
        kept += f.at[i].value.len == 1;
    is_uint(kept, FIELDS_MOST, "nothing was lost on the way");
    fields_remove(&f, STR("A"));
    is_uint(f.count, 10, "without the many");
    ok(is_consistent(&f), "the others moved together");
    pool_free(&pool);
}

int main(void)
{
    test_ids();
    test_empty();
    test_order();
    test_remove();
    test_most();
    return done_testing();
}
