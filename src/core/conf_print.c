/*
 * Printing the tables of the language.  Owns nothing.
 */
#include "core/conf_print.h"

#include "core/conf_engine.h"
#include "core/json.h"
#include "core/vars.h"

/* As the reference names contexts: those of stream by its protocol's column. */
static const struct {
    unsigned scope;
    const char *name;
} contexts[] = {
    { IN_MAIN, "main" }, { IN_EVENTS, "events" }, { IN_HTTP, "http" }, { IN_STREAM, "stream" },
    { IN_SERVER | IN_STREAM_SERVER, "server" }, { IN_LOCATION, "location" },
    { IN_SERVER_IF, "if" }, { IN_LOCATION_IF, "if_in_location" },
    { IN_LIMIT_EXCEPT, "limit_except" }, { IN_UPSTREAM | IN_STREAM_UPSTREAM, "upstream" },
};

/* A row that stands in another module's section says whose it is: error_log in http is core's. */
static const char *protocol_of(const struct module *module, const struct directive *d)
{
    if (!d->module)
        return module->protocol;
    if (str_starts(str_from(d->module), STR("ngx_http_")))
        return "http";
    return str_starts(str_from(d->module), STR("ngx_stream_")) ? "stream" : "core";
}

static const char *module_of(const struct module *module, const struct directive *d)
{
    return d->module ? d->module : module->name;
}

static void print_contexts(struct fmt *f, unsigned where)
{
    const char *blank = "";
    for (unsigned i = 0; i < countof(contexts); i++)
        if (where & contexts[i].scope) {
            fmt_print(f, "%s%s", blank, contexts[i].name);
            blank = " ";
        }
}

static void print_row(const struct module *module, const struct section *section,
                      const struct directive *d, void *data)
{
    struct fmt *f = data;
    (void)section;
    fmt_print(f, "%s\t", d->name);
    print_contexts(f, d->where);
    fmt_print(f, "\t%u..", d->min);
    if (d->max != CONF_MANY)
        fmt_u64(f, d->max);
    fmt_print(f, "\t%s\t%s\t%s", d->def ? d->def : "-", protocol_of(module, d),
              module_of(module, d));
    if (d->inert)
        fmt_print(f, "\t%s", d->inert);
    fmt_char(f, '\n');
}

static void json_member(struct json *j, const char *name, const char *text)
{
    json_key(j, str_from(name));
    if (text)
        json_str(j, str_from(text));
    else
        json_null(j);
}

static const char *inherit_name(const struct directive *d)
{
    switch ((enum conf_inherit)d->inherit) {
    case INHERIT:
        return "inherit";
    case OWN:
        return "own";
    case NAMELESS:
        return "nameless";
    }
    return "own";
}

static void json_type(struct json *j, const struct directive *d)
{
    char text[1024];
    struct fmt f;
    fmt_init_cut(&f, text, sizeof(text));
    conf_type_describe(d, &f);
    json_key(j, STR("type"));
    json_str(j, fmt_done(&f));
    json_key(j, STR("repeat"));
    json_bool(j, d->type->repeat);
    json_key(j, STR("block"));
    json_bool(j, d->type->block);
}

static void json_shape(struct json *j, const struct directive *d)
{
    json_key(j, STR("contexts"));
    json_array_begin(j);
    for (unsigned i = 0; i < countof(contexts); i++)
        if (d->where & contexts[i].scope)
            json_str(j, str_from(contexts[i].name));
    json_array_end(j);
    json_key(j, STR("min"));
    json_u64(j, d->min);
    json_key(j, STR("max"));
    if (d->max == CONF_MANY)
        json_null(j);
    else
        json_u64(j, d->max);
}

static void json_row(const struct module *module, const struct section *section,
                     const struct directive *d, void *data)
{
    struct json *j = data;
    (void)section;
    json_object_begin(j);
    json_member(j, "name", d->name);
    json_shape(j, d);
    json_member(j, "default", d->def);
    json_type(j, d);
    json_member(j, "protocol", protocol_of(module, d));
    json_member(j, "module", module_of(module, d));
    json_member(j, "inherit", inherit_name(d));
    json_member(j, "inert", d->inert);
    json_member(j, "help", d->help);
    json_object_end(j);
    fmt_char(j->f, '\n');
}

void conf_print_directives(struct fmt *f, bool json)
{
    struct json j;
    if (!json) {
        print_row(NULL, NULL, &conf_include_row, f);
        conf_each_row(print_row, f);
        return;
    }
    json_init(&j, f);
    json_array_begin(&j);
    json_row(NULL, NULL, &conf_include_row, &j);
    conf_each_row(json_row, &j);
    json_array_end(&j);
    fmt_char(f, '\n');
}

static void json_variables(struct json *j, const struct module *module)
{
    for (const struct variable *v = module->variables; v && v->name; v++) {
        json_object_begin(j);
        json_member(j, "name", v->name);
        json_key(j, STR("prefix"));
        json_bool(j, v->flags & VARS_PREFIX);
        json_member(j, "protocol", module->protocol);
        json_member(j, "module", module->name);
        json_member(j, "help", v->help);
        json_object_end(j);
        fmt_char(j->f, '\n');
    }
}

void conf_print_variables(struct fmt *f, bool json)
{
    struct json j;
    if (!json) {
        for (const struct module *const *m = conf_modules(); *m; m++)
            for (const struct variable *v = (*m)->variables; v && v->name; v++)
                fmt_print(f, "%s%s\t%s\n", v->name, v->flags & VARS_PREFIX ? "name" : "",
                          (*m)->protocol);
        return;
    }
    json_init(&j, f);
    json_array_begin(&j);
    for (const struct module *const *m = conf_modules(); *m; m++)
        json_variables(&j, *m);
    json_array_end(&j);
    fmt_char(f, '\n');
}
