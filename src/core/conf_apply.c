/*
 * Statements to structures: each finds its row, fills its field, or says why it cannot.
 * Owns nothing: blocks and structures lie in the generation's pool.
 */
#include "config.h"
#include "core/conf_engine.h"
#include "core/generation.h"

/* --- what is wrong with a statement ----------------------------------------------------------- */

/* Beyond the limit diagnostics are only counted: no search for words that nobody reads. */
static bool is_heard(const struct conf *cf)
{
    return cf->diag->errors <= cf->diag->limit;
}

/* configure's option that leaves a module out is its name behind "ngx_". */
static void note_absent(struct conf *cf, struct diag *d, const struct conf_absent *absent)
{
    const struct str option = fmt_pool(cf->temp, "--without-%s", absent->module + 4);
    if (absent->never)
        diag_note(cf->diag, d, "it belongs to %s, which weir leaves out", absent->module);
    else if (str_find(STR(CONFIGURE_ARGS), option) >= 0)
        diag_note(cf->diag, d, "it belongs to %s, and weir was built with %s", absent->module,
                  option.at);
    else
        diag_note(cf->diag, d, "it belongs to %s, which is not built into weir yet",
                  absent->module);
}

static bool report_unknown(struct conf *cf, struct str name)
{
    const struct conf_absent *absent = conf_absent(name);
    struct diag *d = conf_diag(cf, DIAG_EMERG, 0, absent ? "not-built" : "unknown-directive",
                               "unknown directive \"%.*s\"", STR_FMT(name));
    const enum conf_scope here = cf->block->scope;
    if (absent) {
        note_absent(cf, d, absent);
        return false;
    }
    const char *near = is_heard(cf) ? conf_nearest(name, here) : NULL;
    if (!near && is_heard(cf))
        near = conf_nearest(name, IN_ALL);
    if (near)
        diag_note(cf->diag, d, "did you mean \"%s\"?", near);
    return false;
}

static bool report_misplaced(struct conf *cf, struct str name, const struct conf_row *row)
{
    const struct conf_node *opened = cf->block->node;
    const char *here = conf_scope_name(cf->block->scope);
    unsigned scopes = 0;
    struct fmt f;
    struct diag *d = conf_diag(cf, DIAG_EMERG, 0, "not-allowed",
                               "\"%.*s\" directive is not allowed here", STR_FMT(name));
    if (!is_heard(cf))
        return false;
    for (; row; row = row->same)
        scopes |= row->directive->where;
    fmt_init_pool(&f, cf->temp, 128, 1024);
    fmt_print(&f, "\"%.*s\" is allowed in ", STR_FMT(name));
    conf_scopes_text(&f, scopes);
    if (opened)
        diag_note_at(cf->diag, d, opened->words[0].place, "%s; you are in %s", fmt_done(&f).at,
                     here);
    else
        diag_note(cf->diag, d, "%s; you are in %s", fmt_done(&f).at, here);
    return false;
}

static bool report_duplicate(struct conf *cf, struct str name)
{
    const struct conf_node *first = cf->nodes;
    struct diag *d = conf_diag(cf, DIAG_EMERG, 0, "duplicate", "\"%.*s\" directive is duplicate",
                               STR_FMT(name));
    if (!is_heard(cf))
        return false;
    while (first && !str_eq(first->words[0].text, name))
        first = first->next;
    if (first)
        diag_note_at(cf->diag, d, first->words[0].place, "the first one stands here");
    return false;
}

static void arguments_text(struct fmt *f, const struct directive *d)
{
    if (d->max == 0)
        fmt_text(f, "no arguments");
    else if (d->min == d->max)
        fmt_print(f, "%u argument%s", d->min, d->min == 1 ? "" : "s");
    else if (d->max != CONF_MANY)
        fmt_print(f, "%u %s %u arguments", d->min, d->max - d->min == 1 ? "or" : "to", d->max);
    else if (d->min == 0)
        fmt_text(f, "any number of arguments");
    else
        fmt_print(f, "at least %u argument%s", d->min, d->min == 1 ? "" : "s");
}

/* "gzip" takes 1 argument: on | off (compresses answers) */
static void note_usage(struct conf *cf, struct diag *diag, const struct directive *d)
{
    struct fmt f;
    if (!is_heard(cf))
        return;
    fmt_init_pool(&f, cf->temp, 128, 4096);
    fmt_print(&f, "\"%s\" takes ", d->name);
    arguments_text(&f, d);
    if (d->type->block) {
        fmt_text(&f, " and a block");
    } else if (d->max > 0 && d->type != &conf_type_ignored) {
        fmt_text(&f, ": ");
        conf_type_describe(d, &f);
    }
    fmt_print(&f, " (%s)", d->help);
    diag_note(cf->diag, diag, "%s", fmt_done(&f).at);
}

/* --- one statement ---------------------------------------------------------------------------- */

static bool check_shape(struct conf *cf, const struct directive *d)
{
    const struct str name = conf_arg(cf, 0);
    const unsigned n = conf_nargs(cf);
    struct diag *diag;
    if (d->type->block && !cf->node->block)
        diag = conf_diag(cf, DIAG_EMERG, n, "no-block", "directive \"%.*s\" has no opening \"{\"",
                         STR_FMT(name));
    else if (!d->type->block && cf->node->block)
        diag = conf_diag(cf, DIAG_EMERG, n, "not-terminated",
                         "directive \"%.*s\" is not terminated by \";\"", STR_FMT(name));
    else if (n < d->min || (d->max != CONF_MANY && n > d->max))
        diag = conf_diag(cf, DIAG_EMERG, n < d->min ? 0 : d->max + 1, "argument-count",
                         "invalid number of arguments in \"%.*s\" directive", STR_FMT(name));
    else
        return true;
    note_usage(cf, diag, d);
    return false;
}

void *conf_own(struct conf *cf, const struct section *section)
{
    void **conf = &cf->block->conf[section->slot];
    ASSERT(section->where & cf->block->scope);
    if (!*conf)
        *conf = pool_alloc(cf->pool, section->size);
    return *conf;
}

/* The value of an inert row is read, so that what is wrong shows, and dropped. */
static void *field_of(struct conf *cf, const struct directive *d)
{
    if (d->type->size == 0)
        return NULL;
    return d->inert ? pool_alloc(cf->temp, d->type->size) : (char *)cf->conf + d->offset;
}

static bool apply_statement(struct conf *cf)
{
    const struct str name = conf_arg(cf, 0);
    const struct conf_row *first = conf_find(name), *row = first;
    while (row && !(row->directive->where & cf->block->scope))
        row = row->same;
    if (!first)
        return report_unknown(cf, name);
    if (!row)
        return report_misplaced(cf, name, first);
    const struct directive *d = row->directive;
    /* What is not built in has the shape that the text gives it. */
    if (d->type != &conf_type_absent && !check_shape(cf, d))
        return false;
    cf->row = d;
    cf->conf = conf_own(cf, row->section);
    if (conf_set_has(cf->conf, row->bit) && !d->type->repeat)
        return report_duplicate(cf, name);
    conf_set_add(cf->conf, row->bit);
    return d->type->parse(cf, field_of(cf, d), d->arg);
}

/* All of them, whatever is wrong with one. */
static bool apply_statements(struct conf *cf, const struct conf_node *nodes)
{
    const struct conf outer = *cf;
    bool good = true;
    cf->nodes = nodes;
    for (cf->node = nodes; cf->node; cf->node = cf->node->next)
        good = apply_statement(cf) && good;
    cf->nodes = outer.nodes;
    cf->node = outer.node;
    cf->row = outer.row;
    cf->conf = outer.conf;
    return good;
}

/* --- blocks ----------------------------------------------------------------------------------- */

/* Many blocks stand in few files. */
static struct str path_of(struct conf *cf, const struct conf_block *block)
{
    const struct str path = cf->node->words[0].place.file->path;
    const struct conf_block *outer = block->parent;
    if (str_eq(path, outer->file))
        return outer->file;
    if (outer->children) {
        const struct conf_block *last = container_of(outer->children_end, struct conf_block, next);
        if (str_eq(path, last->file))
            return last->file;
    }
    return pool_str(cf->pool, path);
}

static struct conf_block *new_block(struct conf *cf, enum conf_scope scope, void *data)
{
    struct conf_block *block = pool_new(cf->pool, struct conf_block);
    block->scope = scope;
    block->data = data;
    block->children_end = &block->children;
    block->conf = pool_array(cf->pool, conf_nsections(), sizeof(void *));
    return block;
}

static void link_block(struct conf *cf, struct conf_block *block)
{
    const struct conf_node *node = cf->node;
    block->parent = cf->block;
    block->node = node;
    block->nwords = node->nwords;
    block->words = pool_array(cf->pool, node->nwords, sizeof(struct str));
    for (unsigned i = 0; i < node->nwords; i++)
        block->words[i] = pool_str(cf->pool, node->words[i].text);
    block->file = path_of(cf, block);
    block->line = node->words[0].place.line;
    *block->parent->children_end = block;
    block->parent->children_end = &block->next;
}

bool conf_enter(struct conf *cf, const struct conf_block_kind *kind, void *data)
{
    struct conf_block *const outer = cf->block, *block = new_block(cf, kind->scope, data);
    const struct conf_node *node = cf->node;
    const unsigned errors = cf->diag->errors;
    link_block(cf, block);
    cf->block = block;
    bool good = !kind->open || kind->open(cf, block);
    /* What stands inside may need what open could not make. */
    good = good && apply_statements(cf, node->children);
    good = good && !node->partial && cf->diag->errors == errors;
    good = good && (!kind->close || kind->close(cf, block));
    cf->block = outer;
    return good;
}

bool conf_each(struct conf *cf, bool (*each)(struct conf *cf, void *data), void *data)
{
    const struct conf_node *outer = cf->node;
    bool good = !outer->partial;
    for (cf->node = outer->children; cf->node; cf->node = cf->node->next) {
        if (cf->node->block)
            good = conf_error(cf, conf_nargs(cf), "unexpected-block", "unexpected \"{\"");
        else
            good = each(cf, data) && good;
    }
    cf->node = outer;
    return good;
}

/* --- a run ------------------------------------------------------------------------------------ */

/* The tree goes with the run. */
static void forget_nodes(struct conf_block *block)
{
    block->node = NULL;
    for (struct conf_block *child = block->children; child; child = child->next)
        forget_nodes(child);
}

static bool finish_modules(struct conf *cf)
{
    bool good = true;
    cf->block = cf->root;
    for (const struct module *const *m = conf_modules(); *m && good; m++)
        good = !(*m)->finish || (*m)->finish(cf);
    return good;
}

bool conf_apply(struct conf *cf, struct conf_node *nodes)
{
    cf->root = cf->block = new_block(cf, IN_MAIN, NULL);
    cf->gen->root = cf->root;
    bool good = apply_statements(cf, nodes);
    cf->node = NULL;
    good = good && cf->diag->errors == 0 && conf_resolve(cf) && finish_modules(cf);
    forget_nodes(cf->root);
    ASSERT(good || cf->diag->errors > 0);
    return good && cf->diag->errors == 0;
}
