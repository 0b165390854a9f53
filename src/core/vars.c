/*
 * Variables: found by name in the tables of modules while configuration is read, asked by number at
 * run time, each at most once for a subject.
 * Owns nothing: entries lie in the generation, cells in the subject's pool.
 */
#include "core/vars.h"

#include "core/generation.h"
#include "core/log.h"

enum {
    FIRST_BUCKETS = 64,
    FIRST_ROOM = 16,
    ASKING_MAX = 100,                   /* maps that need maps: the stack has an end */
    APPENDED_FIRST = 32, APPENDED_MOST = 1024,          /* bytes */
};

/* --- tables ----------------------------------------------------------------------------------- */

struct vars_table *vars_table(const struct conf *cf)
{
    const unsigned stream = IN_STREAM | IN_STREAM_SERVER | IN_STREAM_UPSTREAM;
    return cf->block && (cf->block->scope & stream) ? cf->gen->vars_stream : cf->gen->vars_http;
}

static struct vars_entry **bucket_of(const struct vars_table *table, struct str name)
{
    return &table->buckets[str_hash_ci(name) & (table->nbuckets - 1)];
}

static struct vars_entry *find(const struct vars_table *table, struct str name)
{
    struct vars_entry *entry = *bucket_of(table, name);
    while (entry && !str_eq_ci(entry->name, name))
        entry = entry->next;
    return entry;
}

static void *room_for(struct conf *cf, size_t count, size_t size)
{
    void *at = mul_overflows(count, size, &size) ? NULL : pool_try(cf->pool, size);
    cf->pool->failed |= !at;
    return at;
}

static void link_entry(struct vars_table *table, struct vars_entry *entry)
{
    struct vars_entry **bucket = bucket_of(table, entry->name);
    entry->next = *bucket;
    *bucket = entry;
}

/* Without memory the buckets stay as they are, and lists get longer. */
static void grow_buckets(struct conf *cf, struct vars_table *table)
{
    struct vars_entry **buckets = room_for(cf, (size_t)table->nbuckets * 2, sizeof(*buckets));
    if (!buckets)
        return;
    table->buckets = buckets;
    table->nbuckets *= 2;
    for (unsigned i = 0; i < table->count; i++)
        link_entry(table, table->at[i]);
}

/* False: no memory, and the pool is failed. */
static bool grow_entries(struct conf *cf, struct vars_table *table)
{
    if (table->count != 0 && (table->count < FIRST_ROOM || (table->count & (table->count - 1))))
        return true;                    /* full at each power of two */
    const size_t room = table->count ? (size_t)table->count * 2 : FIRST_ROOM;
    struct vars_entry **at = room_for(cf, room, sizeof(*at));
    if (!at)
        return false;
    if (table->count)
        memcpy(at, table->at, table->count * sizeof(*at));
    table->at = at;
    return true;
}

/* The row of this name, or the one with the longest prefix of it. */
static const struct variable *find_row(const char *protocol, struct str name)
{
    const struct variable *best = NULL;
    for (const struct module *const *module = conf_modules(); *module; module++) {
        if (!(*module)->variables || strcmp((*module)->protocol, protocol) != 0)
            continue;
        for (const struct variable *row = (*module)->variables; row->name; row++) {
            const bool prefix = row->flags & VARS_PREFIX;
            if (!prefix && str_eq_ci(str_from(row->name), name))
                return row;
            if (prefix && str_starts_ci(name, str_from(row->name))
                && (!best || strlen(row->name) > strlen(best->name)))
                best = row;
        }
    }
    return best;
}

static void take_row(struct vars_entry *entry, const struct variable *row)
{
    entry->get = row->get;
    entry->set = row->set;
    entry->data = row->data;
    entry->flags = row->flags;
    if (!(row->flags & VARS_PREFIX))
        return;
    entry->flags |= VARS_CHANGEABLE;
    ASSERT(str_from_off(entry->name, strlen(row->name), &entry->tail));
}

static struct str lower(struct pool *pool, struct str name)
{
    struct fmt f;
    fmt_init_pool(&f, pool, name.len, name.len);
    fmt_lower(&f, name);
    return fmt_done(&f);
}

/* The entry of this name, made when it is the first to ask; without memory one that is in no table,
 * and the pool is failed. */
static struct vars_entry *entry_of(struct conf *cf, struct str name, unsigned arg)
{
    struct vars_table *table = vars_table(cf);
    struct vars_entry *entry = find(table, name);
    if (entry)
        return entry;
    entry = pool_new(cf->pool, struct vars_entry);
    entry->name = lower(cf->pool, name);
    entry->place = conf_place(cf, arg);
    const struct variable *row = find_row(table->protocol, name);
    if (row)
        take_row(entry, row);
    if (!grow_entries(cf, table))
        return entry;
    if (table->count == table->nbuckets)
        grow_buckets(cf, table);
    entry->index = table->count;
    table->at[table->count++] = entry;
    link_entry(table, entry);
    return entry;
}

/* --- while configuration is read -------------------------------------------------------------- */

static struct vars_table *new_table(struct conf *cf, const char *protocol)
{
    struct vars_table *table = pool_new(cf->pool, struct vars_table);
    table->protocol = protocol;
    table->nbuckets = FIRST_BUCKETS;
    table->buckets = pool_array(cf->pool, FIRST_BUCKETS, sizeof(*table->buckets));
    return table;
}

void vars_init(struct conf *cf)
{
    cf->gen->vars_http = new_table(cf, "http");
    cf->gen->vars_stream = new_table(cf, "stream");
}

bool vars_arg(struct conf *cf, unsigned arg, struct str *name)
{
    const struct str word = conf_arg(cf, arg);
    if (str_starts(word, STR("$")) && str_from_off(word, 1, name) && name->len > 0)
        return true;
    return conf_error(cf, arg, "invalid-variable", "invalid variable name \"%.*s\"",
                      STR_FMT(word));
}

unsigned vars_use(struct conf *cf, struct str name, unsigned arg)
{
    return entry_of(cf, name, arg)->index;
}

struct vars_entry *vars_define(struct conf *cf, struct str name, unsigned arg, vars_get_fn *get,
                               uintptr_t data, unsigned flags)
{
    struct vars_entry *entry = entry_of(cf, name, arg);
    if (entry->get && !(entry->flags & VARS_CHANGEABLE)) {
        conf_error(cf, arg, "duplicate-variable", "the duplicate \"%.*s\" variable",
                   STR_FMT(entry->name));
        return NULL;
    }
    if (entry->get && (flags & VARS_WEAK) && !(entry->flags & VARS_WEAK))
        return entry;
    entry->get = get;
    entry->data = data;
    entry->tail = STR_NONE;
    entry->flags = flags | VARS_CHANGEABLE;
    return entry;
}

/* A named group that took part in no match yet. */
static bool get_group(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)s;
    (void)entry;
    (void)out;
    return true;
}

bool vars_define_groups(struct conf *cf, struct regex *regex, unsigned arg)
{
    ASSERT(regex->nnames == 0 || regex->table == vars_table(cf));
    for (unsigned i = 0; i < regex->nnames; i++) {
        struct regex_name *name = &regex->names[i];
        const struct vars_entry *entry = vars_define(cf, name->name, arg, get_group, 0, 0);
        if (!entry)
            return false;
        name->variable = entry->index;
    }
    return true;
}

/* All names that could have been meant: the rows, then what configuration defined. */
struct names {
    const struct vars_table *table;
    const struct module *const *module;
    const struct variable *row;
    unsigned index;
};

static const char *next_row(struct names *names)
{
    while (*names->module) {
        const struct module *module = *names->module;
        if (!names->row && strcmp(module->protocol, names->table->protocol) == 0)
            names->row = module->variables;
        while (names->row && names->row->name) {
            const struct variable *row = names->row++;
            if (!(row->flags & VARS_PREFIX))
                return row->name;
        }
        names->row = NULL;
        names->module++;
    }
    return NULL;
}

static const char *next_name(void *state)
{
    struct names *names = state;
    const char *name = next_row(names);
    while (!name && names->index < names->table->count) {
        const struct vars_entry *entry = names->table->at[names->index++];
        if (entry->get)
            name = entry->name.at;
    }
    return name;
}

static bool all_digits(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < '0' || name.at[i] > '9')
            return false;
    return true;
}

/* nginx's line has no place, and the place is what people need: it is a note. */
static void report(struct conf *cf, const struct vars_table *table, const struct vars_entry *entry)
{
    struct names names = { .table = table, .module = conf_modules() };
    struct diag *d = diag_add(cf->diag, DIAG_EMERG, "unknown-variable", (struct diag_place){ 0 },
                              "unknown \"%.*s\" variable", STR_FMT(entry->name));
    diag_note_at(cf->diag, d, entry->place, "first used here");
    const char *nearest = diag_nearest(entry->name, next_name, &names);
    if (all_digits(entry->name))
        diag_note(cf->diag, d, "groups of a regex are $1 to $9, not in braces nor in log_format");
    else if (nearest)
        diag_note(cf->diag, d, "did you mean \"$%s\"?", nearest);
}

/* The places go, since they point out of the generation. */
static bool finish(struct conf *cf, struct vars_table *table)
{
    bool good = true;
    for (unsigned i = 0; i < table->count; i++) {
        struct vars_entry *entry = table->at[i];
        if (!entry->get) {
            report(cf, table, entry);
            good = false;
        }
        entry->place = (struct diag_place){ 0 };
    }
    return good;
}

bool vars_finish(struct conf *cf)
{
    const bool http = finish(cf, cf->gen->vars_http);
    return finish(cf, cf->gen->vars_stream) && http;
}

/* --- at run time ------------------------------------------------------------------------------ */

/* NULL: no memory. */
static struct vars_cell *cell_of(struct subject *s, unsigned index)
{
    ASSERT(index < s->table->count);
    if (!s->cells)
        s->cells = pool_try(s->pool, s->table->count * sizeof(*s->cells));
    return s->cells ? &s->cells[index] : NULL;
}

/* The cell that has the value now; NULL: it is to be asked. */
static const struct vars_cell *known_cell(const struct subject *s, unsigned index)
{
    ASSERT(index < s->table->count);
    for (const struct subject *at = s; at; at = at->outer)
        if (at->cells && at->cells[index].state == VARS_SET)
            return &at->cells[index];
    return s->cells && s->cells[index].state == VARS_KNOWN ? &s->cells[index] : NULL;
}

static void warn_cycle(const struct subject *s, const struct vars_entry *entry)
{
    if (s->log)
        log_write(s->log, LOG_ERROR, 0, "cycle while evaluating variable \"%.*s\"",
                  STR_FMT(entry->name));
}

static bool ask(struct subject *s, const struct vars_entry *entry, struct vars_cell *cell,
                struct value *out)
{
    cell->state = VARS_ASKING;
    s->asking++;
    const bool good = entry->get(s, entry, out);
    s->asking--;
    if (good && !(entry->flags & VARS_VOLATILE))
        *cell = (struct vars_cell){ *out, VARS_KNOWN };
    else if (cell->state == VARS_ASKING)
        cell->state = VARS_ASK;
    return good;
}

bool vars_get(struct subject *s, unsigned index, struct value *out)
{
    const struct vars_cell *known = known_cell(s, index);
    *out = (struct value){ STR_NONE, false };
    if (known) {
        *out = known->value;
        return true;
    }
    struct vars_cell *cell = cell_of(s, index);
    if (!cell)
        return false;
    const struct vars_entry *entry = s->table->at[index];
    if (cell->state == VARS_ASKING || s->asking >= ASKING_MAX) {
        warn_cycle(s, entry);
        return true;
    }
    return ask(s, entry, cell, out);
}

bool vars_get_named(struct subject *s, struct str name, struct value *out)
{
    const struct vars_entry *known = find(s->table, name);
    const struct variable *row = known ? NULL : find_row(s->table->protocol, name);
    if (known && known->get)
        return vars_get(s, known->index, out);
    *out = (struct value){ STR_NONE, false };
    if (!row)
        return true;
    struct vars_entry entry = { .name = lower(s->pool, name) };
    take_row(&entry, row);
    return entry.get(s, &entry, out);
}

static vars_append_fn *appender_of(const struct vars_entry *entry)
{
    return (vars_append_fn *)entry->data;
}

bool vars_get_appended(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    struct fmt f;
    fmt_init_pool(&f, s->pool, APPENDED_FIRST, APPENDED_MOST);
    out->found = appender_of(entry)(s, entry, &f);
    out->text = fmt_done(&f);
    return !f.failed;
}

bool vars_append(struct subject *s, unsigned index, struct fmt *f)
{
    ASSERT(index < s->table->count);
    const struct vars_entry *entry = s->table->at[index];
    return entry->get == vars_get_appended && !known_cell(s, index) &&
           (!s->cells || s->cells[index].state == VARS_ASK) && appender_of(entry)(s, entry, f);
}

void vars_forget(struct subject *s, unsigned index)
{
    ASSERT(index < s->table->count);
    if (s->cells && s->cells[index].state >= VARS_KNOWN)
        s->cells[index].state = VARS_ASK;
}

bool vars_set(struct subject *s, unsigned index, struct str text)
{
    ASSERT(index < s->table->count);
    const struct vars_entry *entry = s->table->at[index];
    if (entry->set) {
        vars_forget(s, index);
        return entry->set(s, entry, text);
    }
    for (; s->outer; s = s->outer)
        vars_forget(s, index);
    struct vars_cell *cell = cell_of(s, index);
    if (!cell)
        return false;
    *cell = (struct vars_cell){ { text, true }, VARS_SET };
    return true;
}

/* A group that took no part is there and empty.  The setter of a row is not called. */
static bool set_groups(struct subject *s, const struct regex *regex)
{
    for (unsigned i = 0; i < regex->nnames; i++) {
        struct vars_cell *cell = cell_of(s, regex->names[i].variable);
        if (!cell)
            return false;
        const struct str text = regex_group(s->captures, regex->names[i].group);
        *cell = (struct vars_cell){ { text, true }, VARS_SET };
    }
    return true;
}

enum regex_result vars_match(struct subject *s, const struct regex *regex, struct str text)
{
    struct regex_captures captures;
    const char *why = NULL;
    const enum regex_result result = regex_match(s->local, regex, text, &captures, &why);
    if (result == REGEX_ERROR && s->log)
        log_write(s->log, LOG_ALERT, 0, "pcre2_match() failed: %s on \"%.*s\" using \"%.*s\"", why,
                  STR_FMT(text), STR_FMT(regex->pattern));
    if (result != REGEX_MATCH)
        return result;
    struct regex_captures *kept = pool_new(s->pool, struct regex_captures);
    *kept = captures;
    s->captures = kept;
    return set_groups(s, regex) ? REGEX_MATCH : REGEX_ERROR;
}
