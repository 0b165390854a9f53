/*
 * Inheritance: top-down, each structure gets what was not said here from its parent's, or the
 * defaults; then it is finished.  Where nothing differs from the parent's, there is no structure.
 *
 *     HTTP      own    <- defaults, finish
 *     SERVER    own    <- fields of HTTP's that are not set here, finish
 *     LOCATION  shared    the pointer of SERVER's
 *
 * Owns nothing.
 */
#include "core/conf_engine.h"

static void *parent_structure(const struct conf_block *block, unsigned slot)
{
    for (block = block->parent; block; block = block->parent)
        if (block->conf[slot])
            return block->conf[slot];
    return NULL;
}

static bool is_nameless(const struct conf_block *block)
{
    return block->scope & (IN_SERVER_IF | IN_LOCATION_IF | IN_LIMIT_EXCEPT);
}

static bool flows(const struct directive *d, const struct conf_block *into)
{
    return d->inherit == INHERIT || (d->inherit == NAMELESS && is_nameless(into));
}

/* Does the parent's structure hold values that end there? */
static bool must_differ(const struct conf_plan *plan, const struct conf_block *block,
                        const struct conf_set *parent)
{
    if (conf_set_meets(parent, &plan->own))
        return true;
    if (is_nameless(block))
        return false;
    /* A nameless block may have inherited what its bits do not tell. */
    return conf_set_meets(parent, &plan->nameless)
        || (is_nameless(block->parent) && (plan->nameless.bits[0] || plan->nameless.bits[1]));
}

static void parse_default(struct conf *cf, const struct conf_plan *plan, unsigned i)
{
    const struct directive *d = &plan->section->rows[i];
    const unsigned errors = cf->diag->errors;
    cf->node = plan->defaults[i];
    cf->row = d;
    const bool good = d->type->parse(cf, d->type->size ? (char *)cf->conf + d->offset : NULL,
                                     d->arg);
    ASSERT(good || cf->diag->errors > errors);
    cf->node = NULL;
    cf->row = NULL;
}

static void fill(struct conf *cf, const struct conf_plan *plan, const struct conf_set *parent)
{
    for (unsigned i = 0; i < plan->section->nrows; i++) {
        const struct directive *d = &plan->section->rows[i];
        if (d->inert || conf_set_meets(cf->conf, &plan->sharing[i]))
            continue;
        if (parent && d->type->size > 0 && flows(d, cf->block))
            memcpy((char *)cf->conf + d->offset, (const char *)parent + d->offset, d->type->size);
        else if (plan->defaults[i] && (!parent || d->type->size > 0))
            parse_default(cf, plan, i);
    }
}

static void resolve_section(struct conf *cf, unsigned slot)
{
    const struct conf_plan *plan = conf_plan_of(slot);
    void **conf = &cf->block->conf[slot], *parent = parent_structure(cf->block, slot);
    if (!*conf && parent && !plan->section->per_block && !must_differ(plan, cf->block, parent)) {
        *conf = parent;
        return;
    }
    cf->conf = conf_own(cf, plan->section);
    fill(cf, plan, parent);
    cf->conf = NULL;
}

static bool finish_section(struct conf *cf, unsigned slot)
{
    const struct section *section = conf_plan_of(slot)->section;
    void *conf = cf->block->conf[slot];
    const void *parent = parent_structure(cf->block, slot);
    if (conf == parent || !section->finish)
        return true;
    cf->conf = conf;
    const bool good = section->finish(cf, conf, parent);
    cf->conf = NULL;
    return good;
}

static bool resolve_block(struct conf *cf, struct conf_block *block)
{
    const unsigned errors = cf->diag->errors;
    unsigned count;
    const unsigned *slots = conf_slots(block->scope, &count);
    bool good = true;
    cf->block = block;
    for (unsigned i = 0; i < count; i++)
        resolve_section(cf, slots[i]);
    /* The second step needs all of the first. */
    if (cf->diag->errors > errors)
        return false;
    for (unsigned i = 0; i < count; i++)
        good = finish_section(cf, slots[i]) && good;
    if (!good || cf->diag->errors > errors)
        return false;
    for (struct conf_block *child = block->children; child; child = child->next)
        good = resolve_block(cf, child) && good;
    return good;
}

bool conf_resolve(struct conf *cf)
{
    return resolve_block(cf, cf->root);
}
