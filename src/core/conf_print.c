/*
 * Printing the tables of the language.  Owns nothing.
 */
#include "core/conf_print.h"

#include "core/json.h"
#include "core/vars.h"

/* As the reference names contexts: those of stream by its protocol's column. */
static const struct {
    unsigned scope;
    const char *name;
} contexts[] = {
    { IN_MAIN, "main" }, { IN_EVENTS, "events" }, { IN_HTTP, "http" },
    { IN_SERVER | IN_STREAM_SERVER, "server" }, { IN_LOCATION, "location" },
    { IN_SERVER_IF, "if" }, { IN_LOCATION_IF, "if_in_location" },
    { IN_LIMIT_EXCEPT, "limit_except" }, { IN_UPSTREAM | IN_STREAM_UPSTREAM, "upstream" },
    { IN_STREAM, "stream" },
};

static void print_contexts(struct fmt *f, unsigned where)
{
    const char *blank = "";
    for (unsigned i = 0; i < countof(contexts); i++)
        if (where & contexts[i].scope) {
            fmt_print(f, "%s%s", blank, contexts[i].name);
            blank = " ";
        }
}

/* The block that opens a protocol belongs to it, not to main's: `http`, `events`. */
static void print_row(const struct module *module, const struct section *section,
                      const struct directive *d, void *data)
{
    struct fmt *f = data;
    (void)section;
    fmt_print(f, "%s\t", d->name);
    print_contexts(f, d->where);
    fmt_print(f, "\t%u..", d->min);
    if (d->max != CONF_MANY)
        fmt_print(f, "%u", d->max);
    fmt_print(f, "\t%s\t%s\t%s", d->def ? d->def : "-", module->protocol,
              d->module ? d->module : module->name);
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

static void print_json(const struct module *module, const struct section *section,
                       const struct directive *d, void *data)
{
    struct json *j = data;
    (void)section;
    json_object_begin(j);
    json_member(j, "name", d->name);
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
    json_member(j, "type", d->type->name);
    json_member(j, "default", d->def);
    json_member(j, "protocol", module->protocol);
    json_member(j, "module", d->module ? d->module : module->name);
    json_member(j, "inert", d->inert);
    json_member(j, "help", d->help);
    json_object_end(j);
}

void conf_print_directives(struct fmt *f, bool json)
{
    struct json j;
    if (!json) {
        conf_each_row(print_row, f);
        fmt_print(f, "include\tmain\t1..1\t-\tcore\tngx_core_module\n");
        return;
    }
    json_init(&j, f);
    json_array_begin(&j);
    conf_each_row(print_json, &j);
    json_array_end(&j);
    fmt_char(f, '\n');
}

void conf_print_variables(struct fmt *f, bool json)
{
    struct json j;
    json_init(&j, f);
    if (json)
        json_array_begin(&j);
    for (const struct module *const *m = conf_modules(); *m; m++)
        for (const struct variable *v = (*m)->variables; v && v->name; v++) {
            const char *tail = v->flags & VARS_PREFIX ? "name" : "";
            if (!json) {
                fmt_print(f, "%s%s\t%s\n", v->name, tail, (*m)->protocol);
                continue;
            }
            json_object_begin(&j);
            json_key(&j, STR("name"));
            json_str(&j, str_from(v->name));
            json_member(&j, "protocol", (*m)->protocol);
            json_member(&j, "module", (*m)->name);
            json_member(&j, "help", v->help);
            json_object_end(&j);
        }
    if (json) {
        json_array_end(&j);
        fmt_char(f, '\n');
    }
}
