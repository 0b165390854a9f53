/*
 * A rig for rules of http/upstream/rewrite_fields.c: a configuration with variables of its own, and
 * a subject that they are asked of.  Owns a pool and compiled regexes, from rig_begin to rig_end;
 * conf_register(rig_modules) comes before the first.
 */
#ifndef T_UNIT_HTTP_UPSTREAM_REWRITE_RIG_H
#define T_UNIT_HTTP_UPSTREAM_REWRITE_RIG_H

#include "core/generation.h"
#include "http/upstream/rewrite_fields.h"

struct rig {
    struct pool pool;
    struct diag_list list;
    struct generation gen;
    struct conf_block block;
    struct conf cf;
    struct local local;
    struct subject s;
    struct rewrites redirects;
    struct cookie_rewrites cookies;
    enum redirect_default_result meaning;
};

/* $host is "fr", $big more than fits, $bad fails, every other one is empty. */
static bool rig_get(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    if (str_eq(entry->name, STR("bad")))
        return false;
    if (str_eq(entry->name, STR("host")))
        *out = (struct value){ STR("fr"), true };
    if (str_eq(entry->name, STR("dotted")))
        *out = (struct value){ STR(".fr"), true };
    if (str_eq(entry->name, STR("flag")))
        *out = (struct value){ STR("samesite=LAX"), true };
    if (str_eq(entry->name, STR("big"))) {
        struct fmt f;
        fmt_init_pool(&f, s->pool, TEMPLATE_LIMIT, TEMPLATE_LIMIT);
        fmt_repeat(&f, 'x', TEMPLATE_LIMIT - 1);
        *out = (struct value){ fmt_done(&f), true };
    }
    return true;
}

static const struct variable rig_rows[] = { { "", rig_get, VARS_PREFIX, 0, "", NULL },
                                            { .name = NULL } };
static const struct module rig_module = { .name = "test", .protocol = "http",
                                          .variables = rig_rows };
static const struct module *const rig_modules[] = { &rig_module, NULL };

static enum redirect_default_result rig_pair(struct conf *cf, struct str *from, struct str *to)
{
    *from = STR("http://127.0.0.1:1/two/");
    *to = STR("/one/");
    return container_of(cf, struct rig, cf)->meaning;
}

static const struct redirect_default rig_default = { rig_pair };

static inline void rig_begin(struct rig *rig)
{
    *rig = (struct rig){ .block = { .scope = IN_SERVER } };
    pool_init(&rig->pool, &pool_heap);
    diag_init(&rig->list, &rig->pool);
    rig->cf = (struct conf){ .pool = &rig->pool, .temp = &rig->pool, .diag = &rig->list,
                             .gen = &rig->gen, .block = &rig->block };
    rig->block.conf = pool_array(&rig->pool, conf_nsections() + 1, sizeof(void *));
    vars_init(&rig->cf);
    rig->local.generation = &rig->gen;
}

static inline void rig_end(struct rig *rig)
{
    if (rig->local.regexes)
        regex_local_free(rig->local.regexes, rig->gen.nregexes);
    pool_free(&rig->pool);
}

static bool rig_apply(struct rig *rig)
{
    const struct str name = conf_arg(&rig->cf, 0);
    if (str_eq(name, STR("proxy_redirect")))
        return conf_type_redirects.parse(&rig->cf, &rig->redirects, &rig_default);
    if (str_eq(name, STR("proxy_cookie_domain")))
        return conf_type_cookie_domain.parse(&rig->cf, &rig->cookies.domain, NULL);
    if (str_eq(name, STR("proxy_cookie_path")))
        return conf_type_cookie_path.parse(&rig->cf, &rig->cookies.path, NULL);
    ASSERT(str_eq(name, STR("proxy_cookie_flags")));
    return conf_type_cookie_flags.parse(&rig->cf, &rig->cookies.flags, NULL);
}

/* False: with the first error, which is in rig->list. */
static inline bool rig_configure(struct rig *rig, const char *text)
{
    const struct conf_node *node = conf_tree_text(&rig->cf, STR("test"), str_from(text));
    for (; node; node = node->next) {
        rig->cf.node = node;
        if (!rig_apply(rig))
            return false;
    }
    rig->local.regexes = regex_local_new(rig->gen.nregexes, false);
    rig->s = (struct subject){ .pool = &rig->pool, .local = &rig->local,
                               .table = rig->gen.vars_http };
    return rig->list.errors == 0 && rig->local.regexes != NULL;
}

#endif
