/*
 * The configuration engine's tables: sections get their numbers, rows are checked and indexed; and
 * what modules ask of the engine: places, errors, names of blocks, paths.
 * Owns the index of rows, which is made once; all else lies in the pools of the run.
 */
#include "core/conf_engine.h"

enum { SCOPES = 12, LEAST_BUCKETS = 64 };

_Static_assert(IN_ALL == (1 << SCOPES) - 1, "each kind of block has a list of slots");

/* Of the process: made by conf_register before anything else, constant afterwards. */
static struct {
    struct pool pool;
    const struct module *const *modules;
    struct conf_plan *plans;            /* by slot */
    unsigned nsections;
    struct {
        unsigned *at, count;
    } slots[SCOPES];
    struct conf_row **buckets;
    size_t nbuckets;
} engine;

static const struct conf_type include_type = { .name = "file | mask", .repeat = true };
const struct directive conf_include_row = {
    .name = "include", .where = IN_ALL, .min = 1, .max = 1, .type = &include_type,
    .help = "the statements of another file, or of all files that match",
    .module = "ngx_core_module",
};

/* --- checks of the tables --------------------------------------------------------------------- */

/* What is wrong with the tables is wrong in every process: it ends here, and says which row. */
static void require(bool condition, const struct section *section, const struct directive *d,
                    const char *what)
{
    char text[256];
    struct fmt f;
    if (condition)
        return;
    fmt_init_cut(&f, text, sizeof(text));
    fmt_print(&f, "section \"%s\", row \"%s\": %s", section->name ? section->name : "",
              d && d->name ? d->name : "-", what);
    base_assert_failed(fmt_done(&f).at, __FILE__, __LINE__);
}

static void check_section(const struct section *section)
{
    require(section->name != NULL, section, NULL, "it has no name");
    require(section->where && !(section->where & ~(unsigned)IN_ALL), section, NULL,
            "it is in no block");
    require(section->size >= sizeof(struct conf_set), section, NULL,
            "its structure does not begin with struct conf_set");
    require(section->nrows <= CONF_SECTION_ROWS, section, NULL, "it has too many rows");
    for (unsigned slot = 0; slot < engine.nsections; slot++)
        require(engine.plans[slot].section != section, section, NULL, "it is registered twice");
}

static bool is_block_type(const struct conf_type *type)
{
    return type == &conf_type_block || type == &conf_type_block_once;
}

static bool has_field(const struct directive *d)
{
    return d->type->size > 0 && !d->inert;
}

static void check_argument(const struct section *section, const struct directive *d)
{
    const struct conf_block_kind *kind = d->arg;
    if (is_block_type(d->type))
        require(kind && kind->scope && !(kind->scope & (kind->scope - 1)), section, d,
                "its arg must be a struct conf_block_kind for one kind of block");
    if (d->type == &conf_type_enum || d->type == &conf_type_mask || d->type == &conf_type_absent)
        require(d->arg != NULL, section, d, "its type needs an arg");
}

static void check_row(const struct section *section, const struct directive *d)
{
    require(d->name && *d->name, section, d, "it has no name");
    require(d->help != NULL, section, d, "it has no help line");
    require(d->where != 0, section, d, "it is in no block");
    require(!(d->where & ~section->where), section, d, "it is in blocks without the section");
    require(d->min <= d->max, section, d, "it takes at least more arguments than at most");
    require(d->type && d->type->name && d->type->parse, section, d, "its type is incomplete");
    require(d->type != &conf_type_ignored || d->inert, section, d,
            "a value that is ignored needs an inert reason");
    require(d->inherit <= NAMELESS, section, d, "it is inherited in no known way");
    require(!d->def || !d->type->block, section, d, "a block has no default");
    if (has_field(d)) {
        require(d->offset >= sizeof(struct conf_set), section, d, "its field is the set itself");
        require(d->type->size <= section->size && d->offset <= section->size - d->type->size,
                section, d, "its field is not inside the structure");
    }
    check_argument(section, d);
}

static bool apart(const struct directive *a, const struct directive *b)
{
    return (size_t)a->offset + a->type->size <= b->offset
        || (size_t)b->offset + b->type->size <= a->offset;
}

/* Rows that fill one field are one matter for inheritance. */
static void find_sharing(struct conf_plan *plan, unsigned i)
{
    const struct section *section = plan->section;
    const struct directive *d = &section->rows[i];
    conf_set_add(&plan->sharing[i], i);
    for (unsigned k = 0; has_field(d) && k < section->nrows; k++) {
        const struct directive *other = &section->rows[k];
        if (k == i || !has_field(other) || apart(d, other))
            continue;
        require(d->offset == other->offset && d->type->size == other->type->size, section, d,
                "its field overlaps another row's");
        require(d->inherit == other->inherit, section, d,
                "it shares a field and is inherited in another way");
        require(!d->def || !other->def, section, d, "it shares a field and both have a default");
        conf_set_add(&plan->sharing[i], k);
    }
}

/* --- defaults --------------------------------------------------------------------------------- */

/* False at the end, or at a quote that is not closed: then some text is left. */
static bool next_word(struct str *text, struct str *word)
{
    struct str rest = *text = str_trim(*text);
    if (str_empty(rest))
        return false;
    const char quote = *rest.at;
    if (quote != '"' && quote != '\'') {
        str_cut(*text, ' ', word, text);
        return true;
    }
    if (!str_from_off(rest, 1, &rest) || !str_cut(rest, quote, word, &rest))
        return false;
    *text = rest;
    return true;
}

/* Blanks between the words, quotes around one, no escapes: it is part of the program. */
static struct conf_node *split_default(const struct section *section, const struct directive *d)
{
    struct conf_node *node = pool_new(&engine.pool, struct conf_node);
    struct str text = str_from(d->def), word;
    node->words = pool_array(&engine.pool, 1 + text.len, sizeof(struct conf_word));
    node->words[node->nwords++].text = str_from(d->name);
    while (next_word(&text, &word))
        node->words[node->nwords++].text = pool_str(&engine.pool, word);
    require(str_empty(text), section, d, "a quote of its default is not closed");
    const unsigned n = node->nwords - 1;
    require(n >= d->min && (d->max == CONF_MANY || n <= d->max), section, d,
            "its default has another number of words");
    return node;
}

static void try_default(const struct section *section, const struct directive *d,
                        const struct conf_node *node)
{
    static const struct conf_paths paths = { STR_INIT(""), STR_INIT(""), STR_INIT(""),
                                             STR_INIT("") };
    struct pool pool;
    struct diag_list list;
    pool_init(&pool, &pool_heap);
    diag_init(&list, &pool);
    struct conf cf = { .pool = &pool, .temp = &pool, .diag = &list, .paths = &paths, .row = d,
                       .node = node };
    void *field = d->type->size ? pool_alloc(&pool, d->type->size) : NULL;
    require(d->type->parse(&cf, field, d->arg) && !list.first, section, d,
            "its default is not a value of its type");
    pool_free(&pool);
}

/* The default of an inert row, or of one that is not built, is for readers only. */
static void plan_default(struct conf_plan *plan, unsigned i)
{
    const struct directive *d = &plan->section->rows[i];
    if (!d->def || d->type == &conf_type_absent)
        return;
    struct conf_node *node = split_default(plan->section, d);
    if (conf_type_is_plain(d->type))
        try_default(plan->section, d, node);
    if (!d->inert)
        plan->defaults[i] = node;
}

/* --- registration ----------------------------------------------------------------------------- */

static void index_row(const struct module *module, const struct section *section, unsigned bit)
{
    const struct directive *d = &section->rows[bit];
    const struct str name = str_from(d->name);
    struct conf_row *row = pool_new(&engine.pool, struct conf_row), **at;
    *row = (struct conf_row){ .directive = d, .section = section, .module = module, .bit = bit };
    at = &engine.buckets[str_hash(name) & (engine.nbuckets - 1)];
    while (*at && !str_eq(str_from((*at)->directive->name), name))
        at = &(*at)->next;
    for (; *at; at = &(*at)->same)
        require(!((*at)->directive->where & d->where), section, d,
                "another row has this name in the same blocks");
    *at = row;
}

static void register_section(const struct module *module, struct section *section)
{
    struct conf_plan *plan = &engine.plans[engine.nsections];
    check_section(section);
    plan->section = section;
    plan->sharing = pool_array(&engine.pool, section->nrows, sizeof(*plan->sharing));
    plan->defaults = pool_array(&engine.pool, section->nrows, sizeof(struct conf_node *));
    for (unsigned i = 0; i < section->nrows; i++)
        check_row(section, &section->rows[i]);
    for (unsigned i = 0; i < section->nrows; i++) {
        find_sharing(plan, i);
        plan_default(plan, i);
        if (has_field(&section->rows[i]) && section->rows[i].inherit == OWN)
            conf_set_add(&plan->own, i);
        if (has_field(&section->rows[i]) && section->rows[i].inherit == NAMELESS)
            conf_set_add(&plan->nameless, i);
        index_row(module, section, i);
    }
    section->slot = engine.nsections++;
    for (unsigned scope = 0; scope < SCOPES; scope++)
        if (section->where & 1u << scope)
            engine.slots[scope].at[engine.slots[scope].count++] = section->slot;
}

static void make_room(unsigned nsections, unsigned nrows)
{
    engine.plans = pool_array(&engine.pool, nsections, sizeof(*engine.plans));
    for (unsigned scope = 0; scope < SCOPES; scope++)
        engine.slots[scope].at = pool_array(&engine.pool, nsections, sizeof(unsigned));
    engine.nbuckets = LEAST_BUCKETS;
    while (engine.nbuckets < 2 * (size_t)nrows)
        engine.nbuckets *= 2;
    engine.buckets = pool_array(&engine.pool, engine.nbuckets, sizeof(struct conf_row *));
}

void conf_register(const struct module *const *modules)
{
    unsigned nsections = 0, nrows = 0;
    if (engine.pool.source)
        pool_free(&engine.pool);
    memset(&engine, 0, sizeof(engine));
    pool_init(&engine.pool, &pool_heap);
    engine.modules = modules;
    for (const struct module *const *m = modules; *m; m++)
        for (struct section *const *s = (*m)->sections; s && *s; s++) {
            nsections++;
            nrows += (*s)->nrows;
        }
    make_room(nsections, nrows);
    for (const struct module *const *m = modules; *m; m++) {
        ASSERT((*m)->name && (*m)->protocol);
        for (struct section *const *s = (*m)->sections; s && *s; s++)
            register_section(*m, *s);
    }
}

/* --- the tables, for others ------------------------------------------------------------------- */

const struct module *const *conf_modules(void)
{
    return engine.modules;
}

unsigned conf_nsections(void)
{
    return engine.nsections;
}

unsigned conf_each_row(void (*each)(const struct module *module, const struct section *section,
                                    const struct directive *row, void *data),
                       void *data)
{
    unsigned n = 0;
    for (const struct module *const *m = engine.modules; *m; m++)
        for (struct section *const *s = (*m)->sections; s && *s; s++)
            for (unsigned i = 0; i < (*s)->nrows; i++, n++)
                each(*m, *s, &(*s)->rows[i], data);
    return n;
}

const struct conf_row *conf_find(struct str name)
{
    const struct conf_row *row = engine.buckets[str_hash(name) & (engine.nbuckets - 1)];
    while (row && !str_eq(str_from(row->directive->name), name))
        row = row->next;
    return row;
}

const struct conf_plan *conf_plan_of(unsigned slot)
{
    ASSERT(slot < engine.nsections);
    return &engine.plans[slot];
}

const unsigned *conf_slots(enum conf_scope scope, unsigned *count)
{
    const unsigned i = (unsigned)__builtin_ctz(scope);
    ASSERT(i < SCOPES);
    *count = engine.slots[i].count;
    return engine.slots[i].at;
}

bool conf_is_set(const void *conf, const struct section *section, const char *row)
{
    for (unsigned i = 0; i < section->nrows; i++)
        if (strcmp(section->rows[i].name, row) == 0)
            return conf_set_has(conf, i);
    base_assert_failed(row, __FILE__, __LINE__);
}

/* --- names ------------------------------------------------------------------------------------ */

const struct conf_absent *conf_absent(struct str name)
{
    static const struct conf_absent absent[] = {
#define ABSENT(name, module) { name, module, false },
#define NEVER(name, module) { name, module, true },
#include "core/absent.def"
#undef ABSENT
#undef NEVER
    };
    for (unsigned i = 0; i < countof(absent); i++)
        if (str_eq(name, str_from(absent[i].name)))
            return &absent[i];
    return NULL;
}

struct names {
    unsigned slot, row, scopes;
    bool begun;
};

static const char *next_name(void *state)
{
    struct names *n = state;
    if (!n->begun) {
        n->begun = true;
        return conf_include_row.name;
    }
    for (; n->slot < engine.nsections; n->slot++, n->row = 0) {
        const struct section *section = engine.plans[n->slot].section;
        while (n->row < section->nrows) {
            const struct directive *d = &section->rows[n->row++];
            if (d->where & n->scopes)
                return d->name;
        }
    }
    return NULL;
}

const char *conf_nearest(struct str name, unsigned scopes)
{
    struct names names = { .scopes = scopes };
    return diag_nearest(name, next_name, &names);
}

static const char *const scope_names[SCOPES] = {
    "main", "events", "http", "server", "location", "if in server", "if in location",
    "limit_except", "upstream", "stream", "server in stream", "upstream in stream",
};

const char *conf_scope_name(enum conf_scope scope)
{
    const unsigned i = (unsigned)__builtin_ctz(scope);
    ASSERT(i < SCOPES);
    return scope_names[i];
}

void conf_scopes_text(struct fmt *f, unsigned scopes)
{
    const char *comma = "";
    for (unsigned i = 0; i < SCOPES; i++)
        if (scopes & 1u << i) {
            fmt_print(f, "%s%s", comma, scope_names[i]);
            comma = ", ";
        }
}

/* --- places and errors ------------------------------------------------------------------------ */

static struct diag_place place_in(const struct conf_node *node, unsigned i)
{
    if (!node)
        return (struct diag_place){ 0 };
    return node->words[i < node->nwords ? i : node->nwords - 1].place;
}

struct diag_place conf_place(const struct conf *cf, unsigned i)
{
    if (cf->node)
        return place_in(cf->node, i);
    return place_in(cf->block ? cf->block->node : NULL, 0);
}

/* A statement that goes on in a line which begins with a directive's name has probably lost its
 * ";"; other statements of several lines are well.  NULL: nothing is missing. */
static const struct conf_word *swallowed(const struct conf *cf)
{
    unsigned i;
    if (!cf->node || !cf->node->words[0].place.file || !conf_node_swallowed(cf->node, &i))
        return NULL;
    const struct conf_word *word = &cf->node->words[i];
    if (word->quoted || (!conf_find(word->text) && !conf_absent(word->text)))
        return NULL;
    return word - 1;
}

/* What else is wrong with a statement that lost its ";" comes from that: it is counted out. */
static struct diag *unheard(struct conf *cf)
{
    struct diag *d = pool_new(cf->temp, struct diag);
    d->notes_end = &d->notes;
    return d;
}

PRINTF_LIKE(5, 0)
static struct diag *report(struct conf *cf, enum diag_level level, unsigned i, const char *code,
                           const char *format, va_list args)
{
    const struct conf_word *end = level == DIAG_EMERG ? swallowed(cf) : NULL;
    if (end && cf->blamed == cf->node)
        return unheard(cf);
    struct diag *d = diag_vadd(cf->diag, level, code, conf_place(cf, i), format, args);
    if (end) {
        diag_note_at(cf->diag, d, end->place, "is a \";\" missing after \"%.*s\"?",
                     STR_FMT(end->text));
        cf->blamed = cf->node;
    }
    return d;
}

bool conf_error(struct conf *cf, unsigned i, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(cf, DIAG_EMERG, i, code, format, args);
    va_end(args);
    return false;
}

struct diag *conf_diag(struct conf *cf, enum diag_level level, unsigned i, const char *code,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diag *d = report(cf, level, i, code, format, args);
    va_end(args);
    return d;
}

bool conf_block_error(struct conf *cf, const struct conf_block *block, const char *code,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_vadd(cf->diag, DIAG_EMERG, code, place_in(block->node, 0), format, args);
    va_end(args);
    return false;
}

/* --- paths ------------------------------------------------------------------------------------ */

static struct str under(struct conf *cf, struct str folder, struct str name)
{
    if (str_starts(name, STR("/")))
        return pool_str(cf->pool, name);
    return fmt_pool(cf->pool, "%.*s%.*s", STR_FMT(folder), STR_FMT(name));
}

struct str conf_full_path(struct conf *cf, struct str name)
{
    return under(cf, cf->paths->prefix, name);
}

struct str conf_full_conf_path(struct conf *cf, struct str name)
{
    return under(cf, cf->paths->conf_prefix, name);
}
