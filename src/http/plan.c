/*
 * Plans: what a request walks through in a location, decided once.
 * Owns nothing: plans lie in the generation.
 */
#include "http/core_conf.h"

enum { STEPS_MOST = 64 };

const struct http_module *http_next_module(const struct module *const **at)
{
    while (**at && strcmp((**at)->protocol, "http") != 0)
        (*at)++;
    return **at ? container_of(*(*at)++, struct http_module, module) : NULL;
}

static const struct phase_step *find_handler(const struct conf_block *block)
{
    const struct phase_step *found = NULL;
    const struct module *const *at = conf_modules();
    for (const struct http_module *module; (module = http_next_module(&at)) != NULL;)
        for (const struct phase_step *s = module->steps; s && s->name; s++)
            if (s->phase == PHASE_HANDLER && s->enabled(block)
                && (!found || !s->enabled(block->parent)))
                found = s;
    return found;
}

static void plan_steps(struct conf *cf, struct plan *plan, const struct conf_block *block)
{
    const struct phase_step *found[STEPS_MOST], *handler = find_handler(block);
    unsigned count = 0;
    for (enum phase phase = 0; phase < PHASES; phase++) {
        const struct module *const *at = conf_modules();
        plan->begin[phase] = (uint8_t)count;
        for (const struct http_module *module; (module = http_next_module(&at)) != NULL;)
            for (const struct phase_step *s = module->steps; s && s->name; s++)
                if (s->phase == phase && (!s->enabled || s->enabled(block))
                    && (phase != PHASE_HANDLER || s == handler)) {
                    ASSERT(count < countof(found));
                    found[count++] = s;
                }
    }
    plan->begin[PHASES] = (uint8_t)count;
    plan->steps = pool_array(cf->pool, count, sizeof(*plan->steps));
    if (count)
        memcpy(plan->steps, found, count * sizeof(*plan->steps));
}

static void plan_filters(struct conf *cf, struct plan *plan, const struct conf_block *block)
{
    static const struct filter_type *const all[] = {
#define FILTER(name) &http_##name##_filter,
#define SLOTS NULL,
#include "http/filters.def"
#undef FILTER
#undef SLOTS
    };
    plan->filters = pool_array(cf->pool, countof(all), sizeof(*plan->filters));
    plan->nfilters = 0;
    for (unsigned i = 0; i < countof(all); i++) {
        if (!all[i])
            plan->upper = plan->nfilters;
        else if (!all[i]->enabled || all[i]->enabled(block))
            plan->filters[plan->nfilters++] = all[i];
    }
}

void http_plan(struct conf *cf, struct location *location)
{
    location->conf = location->block->conf;
    plan_steps(cf, &location->plan, location->block);
    plan_filters(cf, &location->plan, location->block);
    for (struct location *l = location->implied; l; l = l->next_implied)
        http_plan(cf, l);
}
