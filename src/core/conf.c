/*
 * The configuration engine: statements to structures, and inheritance between blocks.
 * Owns the index of rows, which is made once; all else lies in the pools of the run.
 */
#include "core/conf.h"

#include "core/generation.h"

enum { BUCKETS = 1024, SECTION_ROWS = 128 };

struct row {
    struct row *next;                   /* of the same bucket */
    const struct directive *directive;
    const struct section *section;
    const struct module *module;
    unsigned bit;
};

/* Of the process: made by conf_register before anything else, constant afterwards. */
static struct {
    const struct module *const *modules;
    const struct section **sections;
    unsigned nsections;
    struct row *buckets[BUCKETS];
} engine;

/* --- registration ----------------------------------------------------------------------------- */

static void register_row(const struct module *module, const struct section *section, unsigned i)
{
    const struct directive *d = &section->rows[i];
    struct row **bucket = &engine.buckets[str_hash(str_from(d->name)) % BUCKETS];
    struct row *row = calloc(1, sizeof(*row));
    ASSERT(row && d->type && d->help);
    ASSERT(d->offset + d->type->size <= section->size);
    ASSERT(d->type != &conf_type_ignored || d->inert);
    *row = (struct row){ *bucket, d, section, module, i };
    *bucket = row;
}

static void register_section(const struct module *module, struct section *section)
{
    ASSERT(section->nrows <= SECTION_ROWS && section->size >= sizeof(struct conf_set));
    engine.sections = realloc(engine.sections,
                              (engine.nsections + 1) * sizeof(struct section *));
    ASSERT(engine.sections);
    section->slot = engine.nsections;
    engine.sections[engine.nsections++] = section;
    for (unsigned i = 0; i < section->nrows; i++)
        register_row(module, section, i);
}

void conf_register(const struct module *const *modules)
{
    engine.modules = modules;
    for (; *modules; modules++)
        for (struct section *const *s = (*modules)->sections; s && *s; s++)
            register_section(*modules, *s);
}

const struct module *const *conf_modules(void)
{
    return engine.modules;
}

unsigned conf_nsections(void)
{
    return engine.nsections;
}

/* --- errors ----------------------------------------------------------------------------------- */

struct diag_place conf_place(const struct conf *cf, unsigned i)
{
    if (!cf->node)
        return (struct diag_place){ 0 };
    return cf->node->words[i < cf->node->nwords ? i : 0].place;
}

bool conf_error(struct conf *cf, unsigned i, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_vadd(cf->diag, DIAG_EMERG, code, conf_place(cf, i), format, args);
    va_end(args);
    return false;
}

struct diag *conf_diag(struct conf *cf, enum diag_level level, unsigned i, const char *code,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diag *d = diag_vadd(cf->diag, level, code, conf_place(cf, i), format, args);
    va_end(args);
    return d;
}

bool conf_block_error(struct conf *cf, const struct conf_block *block, const char *code,
                      const char *format, ...)
{
    struct fmt f;
    va_list args;
    fmt_init_pool(&f, cf->temp, 256, 65536);
    va_start(args, format);
    fmt_vprint(&f, format, args);
    va_end(args);
    fmt_print(&f, " in %.*s:%u", STR_FMT(block->file), block->line);
    diag_add(cf->diag, DIAG_EMERG, code, (struct diag_place){ 0 }, "%s", fmt_done(&f).at);
    return false;
}

static const struct {
    enum conf_scope scope;
    const char *name;
} scope_names[] = {
    { IN_MAIN, "main" },          { IN_EVENTS, "events" },
    { IN_HTTP, "http" },          { IN_SERVER, "server" },
    { IN_LOCATION, "location" },  { IN_SERVER_IF, "if" },
    { IN_LOCATION_IF, "if in location" }, { IN_LIMIT_EXCEPT, "limit_except" },
    { IN_UPSTREAM, "upstream" },  { IN_STREAM, "stream" },
    { IN_STREAM_SERVER, "stream server" }, { IN_STREAM_UPSTREAM, "stream upstream" },
};

const char *conf_scope_name(enum conf_scope scope)
{
    for (unsigned i = 0; i < countof(scope_names); i++)
        if (scope_names[i].scope == scope)
            return scope_names[i].name;
    return "?";
}

/* --- lookup ----------------------------------------------------------------------------------- */

static const struct row *find_row(struct str name, unsigned scope, unsigned *elsewhere)
{
    *elsewhere = 0;
    for (const struct row *r = engine.buckets[str_hash(name) % BUCKETS]; r; r = r->next) {
        if (!str_eq(name, str_from(r->directive->name)))
            continue;
        if (r->directive->where & scope)
            return r;
        *elsewhere |= r->directive->where;
    }
    return NULL;
}

struct names {
    unsigned section, row, scope;
};

static const char *next_name(void *state)
{
    struct names *n = state;
    for (; n->section < engine.nsections; n->section++, n->row = 0) {
        const struct section *s = engine.sections[n->section];
        while (n->row < s->nrows) {
            const struct directive *d = &s->rows[n->row++];
            if (d->where & n->scope)
                return d->name;
        }
    }
    return NULL;
}

static const struct {
    const char *name, *module;
} absent[] = {
#define ABSENT(name, module) { name, module },
#include "core/absent.def"
#undef ABSENT
};

static const char *module_of_absent(struct str name)
{
    for (unsigned i = 0; i < countof(absent); i++)
        if (str_eq(name, str_from(absent[i].name)))
            return absent[i].module;
    return NULL;
}

static void unknown(struct conf *cf, struct str name, unsigned scope)
{
    struct names names = { .scope = scope };
    const char *module = module_of_absent(name);
    struct diag *d = conf_diag(cf, DIAG_EMERG, 0, module ? "not-built" : "unknown-directive",
                               "unknown directive \"%.*s\"", STR_FMT(name));
    if (module) {
        diag_note(cf->diag, d, "it belongs to %s, which is not built into weir yet", module);
        return;
    }
    const char *near = diag_nearest(name, next_name, &names);
    names = (struct names){ .scope = IN_ALL };
    if (!near)
        near = diag_nearest(name, next_name, &names);
    if (near)
        diag_note(cf->diag, d, "did you mean \"%s\"?", near);
}

static void misplaced(struct conf *cf, struct str name, unsigned scope, unsigned elsewhere)
{
    struct diag *d = conf_diag(cf, DIAG_EMERG, 0, "misplaced",
                               "\"%.*s\" directive is not allowed here", STR_FMT(name));
    struct fmt f;
    fmt_init_pool(&f, cf->temp, 128, 1024);
    for (unsigned i = 0; i < countof(scope_names); i++)
        if (elsewhere & scope_names[i].scope)
            fmt_print(&f, "%s%s", f.len ? ", " : "", scope_names[i].name);
    diag_note(cf->diag, d, "it is allowed in %s; this is %s", fmt_done(&f).at,
              conf_scope_name(scope));
}

/* --- one statement ---------------------------------------------------------------------------- */

static void *structure(struct conf *cf, struct conf_block *block, const struct section *section)
{
    if (!block->conf[section->slot])
        block->conf[section->slot] = pool_alloc(cf->pool, section->size);
    return block->conf[section->slot];
}

static bool test_bit(const struct conf_set *set, unsigned bit)
{
    return set->bits[bit / 64] >> (bit % 64) & 1;
}

static void set_bit(struct conf_set *set, unsigned bit)
{
    set->bits[bit / 64] |= 1ull << (bit % 64);
}

static void note_swallowed(struct conf *cf, struct diag *d)
{
    unsigned word;
    if (conf_node_swallowed(cf->node, &word))
        diag_note_at(cf->diag, d, cf->node->words[word].place,
                     "a new line begins here: is a \";\" missing before it?");
}

static bool check_shape(struct conf *cf, const struct directive *d)
{
    const bool wants_block = d->type->block;
    const unsigned n = conf_nargs(cf);
    const struct str name = conf_arg(cf, 0);
    struct diag *diag;
    if (wants_block && !cf->node->block) {
        conf_error(cf, 0, "no-block", "directive \"%.*s\" has no opening \"{\"", STR_FMT(name));
        return false;
    }
    if (!wants_block && cf->node->block) {
        diag = conf_diag(cf, DIAG_EMERG, 0, "not-terminated",
                         "directive \"%.*s\" is not terminated by \";\"", STR_FMT(name));
        note_swallowed(cf, diag);
        return false;
    }
    if (n >= d->min && (d->max == CONF_MANY || n <= d->max))
        return true;
    diag = conf_diag(cf, DIAG_EMERG, 0, "arity",
                     "invalid number of arguments in \"%.*s\" directive", STR_FMT(name));
    diag_note(cf->diag, diag, "it takes %s%s", d->max == 0 ? "no arguments" : d->type->name,
              d->type->block ? " and a block" : "");
    note_swallowed(cf, diag);
    return false;
}

static void apply_node(struct conf *cf, const struct conf_node *node)
{
    unsigned elsewhere;
    const struct conf saved = *cf;
    cf->node = node;
    const struct row *row = find_row(conf_arg(cf, 0), cf->block->scope, &elsewhere);
    if (!row && elsewhere)
        misplaced(cf, conf_arg(cf, 0), cf->block->scope, elsewhere);
    else if (!row)
        unknown(cf, conf_arg(cf, 0), cf->block->scope);
    if (row && check_shape(cf, row->directive)) {
        const struct directive *d = row->directive;
        struct conf_set *set = structure(cf, cf->block, row->section);
        cf->row = d;
        cf->conf = set;
        if (test_bit(set, row->bit) && !d->type->repeat)
            conf_error(cf, 0, "duplicate", "\"%s\" directive is duplicate", d->name);
        else if (d->type->parse(cf, (char *)set + d->offset, d->arg))
            set_bit(set, row->bit);
    }
    cf->node = saved.node;
    cf->row = saved.row;
    cf->conf = saved.conf;
}

static void apply_nodes(struct conf *cf, const struct conf_node *nodes)
{
    for (; nodes; nodes = nodes->next)
        apply_node(cf, nodes);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static struct conf_block *new_block(struct conf *cf, enum conf_scope scope)
{
    struct conf_block *block = pool_new(cf->pool, struct conf_block);
    block->scope = scope;
    block->parent = cf->block;
    block->children_end = &block->children;
    block->conf = pool_array(cf->pool, engine.nsections, sizeof(void *));
    if (cf->block) {
        *cf->block->children_end = block;
        cf->block->children_end = &block->next;
    }
    return block;
}

static void copy_words(struct conf *cf, struct conf_block *block)
{
    const struct conf_node *node = cf->node;
    block->nwords = node->nwords;
    block->words = pool_array(cf->pool, node->nwords, sizeof(struct str));
    for (unsigned i = 0; i < node->nwords; i++)
        block->words[i] = pool_str(cf->pool, node->words[i].text);
    block->file = pool_str(cf->pool, node->words[0].place.file->path);
    block->line = node->words[0].place.line;
}

bool conf_enter(struct conf *cf, const struct conf_block_kind *kind, void *data)
{
    struct conf_block *outer = cf->block, *block = new_block(cf, kind->scope);
    const unsigned errors = cf->diag->errors;
    copy_words(cf, block);
    block->data = data;
    cf->block = block;
    bool good = !kind->open || kind->open(cf, block);
    apply_nodes(cf, cf->node->children);
    good = good && (!kind->close || kind->close(cf, block));
    cf->block = outer;
    return good && cf->diag->errors == errors;
}

bool conf_each(struct conf *cf, bool (*each)(struct conf *cf, void *data), void *data)
{
    const struct conf_node *outer = cf->node;
    bool good = true;
    for (const struct conf_node *n = outer->children; n; n = n->next) {
        cf->node = n;
        good = each(cf, data) && good;
    }
    cf->node = outer;
    return good;
}

/* --- inheritance ------------------------------------------------------------------------------ */

static const struct section *section_at(unsigned slot)
{
    return engine.sections[slot];
}

static void *inherited(const struct conf_block *block, unsigned slot)
{
    for (block = block->parent; block; block = block->parent)
        if (block->conf[slot])
            return block->conf[slot];
    return NULL;
}

static bool flows(const struct directive *d, enum conf_scope into)
{
    if (d->inherit == NAMELESS)
        return into & (IN_SERVER_IF | IN_LOCATION_IF | IN_LIMIT_EXCEPT);
    return d->inherit == INHERIT;
}

/* Words of a default, which is part of the program: blanks between them, no quotes. */
static struct conf_node *default_node(struct conf *cf, const struct directive *d)
{
    struct conf_node *node = pool_new(cf->temp, struct conf_node);
    struct str rest = str_from(d->def), word;
    node->words = pool_array(cf->temp, 16, sizeof(struct conf_word));
    node->words[node->nwords++].text = pool_str(cf->temp, str_from(d->name));
    while (rest.len) {
        ASSERT(node->nwords < 16);
        str_cut(rest, ' ', &word, &rest);
        node->words[node->nwords++].text = pool_str(cf->temp, word);
    }
    return node;
}

static void fill_default(struct conf *cf, void *conf, const struct section *section, unsigned i)
{
    const struct directive *d = &section->rows[i];
    if (!d->def || test_bit(conf, i))
        return;
    cf->node = default_node(cf, d);
    cf->row = d;
    cf->conf = conf;
    d->type->parse(cf, (char *)conf + d->offset, d->arg);
    cf->node = NULL;
}

static bool has_own_values(const void *conf, const struct section *section, enum conf_scope into)
{
    for (unsigned i = 0; i < section->nrows; i++)
        if (test_bit(conf, i) && !flows(&section->rows[i], into))
            return true;
    return false;
}

static void fill_from_parent(void *conf, const void *parent, const struct section *section,
                             enum conf_scope into)
{
    for (unsigned i = 0; i < section->nrows; i++) {
        const struct directive *d = &section->rows[i];
        if (test_bit(conf, i) || !flows(d, into))
            continue;
        memcpy((char *)conf + d->offset, (const char *)parent + d->offset, d->type->size);
    }
}

static bool resolve_section(struct conf *cf, struct conf_block *block, unsigned slot)
{
    const struct section *section = section_at(slot);
    void *parent = inherited(block, slot);
    if (!(section->where & block->scope))
        return true;
    if (!block->conf[slot] && parent && !section->per_block &&
        !has_own_values(parent, section, block->scope)) {
        block->conf[slot] = parent;
        return true;
    }
    void *conf = structure(cf, block, section);
    if (parent)
        fill_from_parent(conf, parent, section, block->scope);
    else
        for (unsigned i = 0; i < section->nrows; i++)
            fill_default(cf, conf, section, i);
    return !section->finish || section->finish(cf, conf, parent);
}

static bool resolve(struct conf *cf, struct conf_block *block)
{
    bool good = true;
    cf->block = block;
    for (unsigned slot = 0; slot < engine.nsections; slot++)
        good = resolve_section(cf, block, slot) && good;
    for (struct conf_block *child = block->children; child; child = child->next)
        good = resolve(cf, child) && good;
    return good;
}

bool conf_apply(struct conf *cf, struct conf_node *nodes)
{
    bool good = true;
    cf->block = NULL;
    cf->root = cf->gen->root = cf->block = new_block(cf, IN_MAIN);
    apply_nodes(cf, nodes);
    if (cf->diag->errors)
        return false;
    cf->node = NULL;
    good = resolve(cf, cf->root);
    cf->block = cf->root;
    for (const struct module *const *m = engine.modules; *m && good; m++)
        good = !(*m)->finish || (*m)->finish(cf);
    return good && cf->diag->errors == 0;
}

/* --- for modules ------------------------------------------------------------------------------ */

bool conf_is_set(const void *conf, const struct section *section, const char *row)
{
    for (unsigned i = 0; i < section->nrows; i++)
        if (strcmp(section->rows[i].name, row) == 0)
            return test_bit(conf, i);
    return false;
}

static struct str under(struct conf *cf, struct str folder, struct str name)
{
    if (name.len && name.at[0] == '/')
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
