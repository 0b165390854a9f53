/*
 * more_set_headers and its kin, as the module headers-more has them: any field of a response or a
 * request is replaced or removed.  Owns nothing.
 */
#include "core/number.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/uri.h"

struct change {
    struct str name;
    struct template value;              /* empty: removed */
    bool prefix;                        /* removes what begins with the name */
};

/* One statement. */
struct rule {
    struct rule *next;
    struct change *changes;
    unsigned nchanges;
    unsigned *statuses;                 /* none: any */
    unsigned nstatuses;
    struct str *types;
    unsigned ntypes;
    bool replace;                       /* only what is there */
    bool append;
};

/* Those of the levels above come first. */
struct rules {
    struct rule *own;
    const struct rules *outer;
};

struct more_conf {
    struct conf_set set;
    struct rules output, input;
};

/* --- configuration ---------------------------------------------------------------------------- */

enum { OUTPUT = 1, CLEAR = 2 };         /* of rows */

static unsigned count_words(struct str text)
{
    unsigned n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] != ' ' && (i == 0 || text.at[i - 1] == ' ');
    return n;
}

/* "text/html text/plain" */
static void add_types(struct conf *cf, struct rule *rule, struct str list)
{
    const unsigned all = rule->ntypes + count_words(list);
    struct str *types = pool_array(cf->pool, all, sizeof(*types)), word;
    for (unsigned i = 0; i < rule->ntypes; i++)
        types[i] = rule->types[i];
    rule->types = types;
    while (list.len) {
        str_cut(list, ' ', &word, &list);
        if (word.len)
            rule->types[rule->ntypes++] = pool_str(cf->pool, word);
    }
}

static bool add_statuses(struct conf *cf, struct rule *rule, unsigned arg)
{
    struct str list = conf_arg(cf, arg), word;
    const unsigned all = rule->nstatuses + count_words(list);
    unsigned *statuses = pool_array(cf->pool, all, sizeof(*statuses));
    for (unsigned i = 0; i < rule->nstatuses; i++)
        statuses[i] = rule->statuses[i];
    rule->statuses = statuses;
    while (list.len) {
        uint32_t status;
        str_cut(list, ' ', &word, &list);
        if (word.len == 0)
            continue;
        if (!number_u32(word, &status) || status > 999)
            return conf_error(cf, arg, "invalid-value", "invalid status code \"%.*s\"",
                              STR_FMT(word));
        rule->statuses[rule->nstatuses++] = status;
    }
    return true;
}

/* What frames a message is not for configuration to say. */
static bool is_framing(struct str name)
{
    return str_eq_ci(name, STR("Connection")) || str_eq_ci(name, STR("Transfer-Encoding"));
}

static bool add_change(struct conf *cf, struct rule *rule, unsigned arg, unsigned kind)
{
    struct change *change = &rule->changes[rule->nchanges];
    struct str name, value;
    str_cut(conf_arg(cf, arg), ':', &name, &value);
    name = str_trim(name);
    value = kind & CLEAR ? STR("") : str_trim(value);
    if (name.len == 0)
        return conf_error(cf, arg, "invalid-value", "invalid header name in \"%.*s\"",
                          STR_FMT(conf_arg(cf, arg)));
    if (is_framing(name) || (str_eq_ci(name, STR("Content-Length")) && value.len)) {
        conf_diag(cf, DIAG_WARN, arg, "no-effect",
                  "the field \"%.*s\" is what the message needs: it is not changed", STR_FMT(name));
        return true;
    }
    if (name.at[name.len - 1] == '*' && value.len == 0) {
        change->prefix = true;
        name.len--;
    }
    change->name = pool_str(cf->pool, name);
    if (!template_compile(cf, &change->value, value, arg))
        return false;
    rule->nchanges++;
    return true;
}

static bool parse_option(struct conf *cf, struct rule *rule, unsigned *arg, unsigned kind)
{
    const struct str option = conf_arg(cf, *arg);
    const bool list = str_eq(option, STR("-t")) || (kind & OUTPUT && str_eq(option, STR("-s")));
    if (str_eq(option, STR("-r")) && kind == 0) {
        rule->replace = true;
        return true;
    }
    if (str_eq(option, STR("-a")) && kind == OUTPUT) {
        rule->append = true;
        return true;
    }
    if (!list)
        return conf_error(cf, *arg, "invalid-parameter", "invalid option name \"%.*s\"",
                          STR_FMT(option));
    if (++*arg > conf_nargs(cf))
        return conf_error(cf, *arg - 1, "invalid-parameter", "option \"%.*s\" takes an argument",
                          STR_FMT(option));
    if (option.at[1] == 's')
        return add_statuses(cf, rule, *arg);
    add_types(cf, rule, conf_arg(cf, *arg));
    return true;
}

static bool parse(struct conf *cf, void *field, const void *arg)
{
    static const unsigned kinds[] = { OUTPUT, OUTPUT | CLEAR, 0, CLEAR };
    const unsigned kind = kinds[(uintptr_t)arg], n = conf_nargs(cf);
    struct rule **end = field, *rule = pool_new(cf->pool, struct rule);
    rule->changes = pool_array(cf->pool, n, sizeof(*rule->changes));
    for (unsigned i = 1; i <= n; i++) {
        const struct str word = conf_arg(cf, i);
        const bool option = word.len && word.at[0] == '-';
        if (option ? !parse_option(cf, rule, &i, kind) : !add_change(cf, rule, i, kind))
            return false;
    }
    while (*end)
        end = &(*end)->next;
    *end = rule;
    return true;
}
static const struct conf_type type_rule = { "[-s statuses] [-t types] [-r] name[: value] ...",
                                            sizeof(struct rule *), true, parse, false };

enum { ARG_SET, ARG_CLEAR, ARG_SET_INPUT, ARG_CLEAR_INPUT };

#define ROW(name, member, which, help) \
    { name, IN_HSL | IN_LOCATION_IF, 1, CONF_MANY, &type_rule, FIELD(more_conf, member), OWN, \
      NULL, (const void *)(uintptr_t)(which), NULL, help, NULL }

static const struct directive rows[] = {
    ROW("more_set_headers", output.own, ARG_SET, "replaces fields of the answer"),
    ROW("more_clear_headers", output.own, ARG_CLEAR, "removes fields of the answer"),
    ROW("more_set_input_headers", input.own, ARG_SET_INPUT, "replaces fields of the request"),
    ROW("more_clear_input_headers", input.own, ARG_CLEAR_INPUT, "removes fields of the request"),
};

static bool finish(struct conf *cf, void *data, const void *parent)
{
    struct more_conf *conf = data;
    const struct more_conf *outer = parent;
    (void)cf;
    if (outer) {
        conf->output.outer = &outer->output;
        conf->input.outer = &outer->input;
    }
    return true;
}

static struct section section = {
    .name = "headers_more", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct more_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

static bool any(const struct rules *rules)
{
    for (; rules; rules = rules->outer)
        if (rules->own)
            return true;
    return false;
}

static bool changes_output(const struct conf_block *block)
{
    const struct more_conf *conf = conf_of(block, section);
    return conf && any(&conf->output);
}

static bool changes_input(const struct conf_block *block)
{
    const struct more_conf *conf = conf_of(block, section);
    return conf && any(&conf->input);
}

/* --- what applies ----------------------------------------------------------------------------- */

static bool matches_type(const struct rule *rule, struct str type)
{
    struct str parameters;
    str_cut(type, ';', &type, &parameters);
    type = str_trim(type);
    for (unsigned i = 0; i < rule->ntypes; i++)
        if (str_eq_ci(rule->types[i], type))
            return true;
    return rule->ntypes == 0;
}

static bool matches_status(const struct rule *rule, unsigned status)
{
    for (unsigned i = 0; i < rule->nstatuses; i++)
        if (rule->statuses[i] == status)
            return true;
    return rule->nstatuses == 0;
}

static void remove_prefix(struct fields *fields, struct str prefix)
{
    for (unsigned i = fields->count; i-- > 0;)
        if (str_starts_ci(fields->at[i].name, prefix))
            fields_cut(fields, i, i + 1);
}

/* --- responses -------------------------------------------------------------------------------- */

static void clear_output(struct request *r, struct str prefix)
{
    static const struct str elsewhere[] = {
        STR_INIT("Content-Length"), STR_INIT("Content-Type"), STR_INIT("ETag"),
        STR_INIT("Last-Modified"), STR_INIT("Location"), STR_INIT("Server"),
    };
    remove_prefix(&r->out.fields, prefix);
    for (unsigned i = 0; i < countof(elsewhere); i++)
        if (str_starts_ci(elsewhere[i], prefix))
            response_set(r, elsewhere[i], STR_NONE);
}

static void change_output(struct request *r, const struct rule *rule)
{
    for (unsigned i = 0; i < rule->nchanges; i++) {
        const struct change *change = &rule->changes[i];
        struct str value;
        if (!template_eval(&change->value, &r->subject, &value))
            continue;
        if (change->prefix)
            clear_output(r, change->name);
        else if (rule->append && value.len)
            response_add(r, change->name, value);
        else
            response_set(r, change->name, value);
    }
}

static void apply_output(struct request *r, const struct rules *rules)
{
    if (rules->outer)
        apply_output(r, rules->outer);
    for (const struct rule *rule = rules->own; rule; rule = rule->next)
        if (matches_status(rule, r->out.status) && matches_type(rule, r->out.content_type))
            change_output(r, rule);
}

static enum join head(struct request *r, struct filter *f)
{
    const struct more_conf *conf = request_conf(r, section);
    (void)f;
    if (!r->parent)
        apply_output(r, &conf->output);
    return JOIN_PASS;
}

const struct filter_type http_headers_more_filter = { .name = "headers_more",
                                                      .enabled = changes_output, .head = head };

/* --- requests --------------------------------------------------------------------------------- */

/* The server was chosen already; $host is what changes. */
static void set_host(struct request *r, struct str value)
{
    r->in.host = STR_NONE;
    r->in.port = 0;
    if (value.len && !uri_host(value, r->subject.pool, &r->in.host))
        r->in.host = STR_NONE;
}

static void change_input(struct request *r, const struct rule *rule)
{
    struct fields *fields = &r->in.fields;
    for (unsigned i = 0; i < rule->nchanges; i++) {
        const struct change *change = &rule->changes[i];
        struct str value;
        if ((rule->replace && !fields_find(fields, change->name))
            || !template_eval(&change->value, &r->subject, &value))
            continue;
        if (change->prefix)
            remove_prefix(fields, change->name);
        else if (value.len == 0)
            fields_remove(fields, change->name);
        else
            fields_set(fields, r->subject.pool, change->name, value);
        if (!change->prefix && str_eq_ci(change->name, STR("Host")))
            set_host(r, value);
    }
}

static void apply_input(struct request *r, const struct rules *rules)
{
    if (rules->outer)
        apply_input(r, rules->outer);
    for (const struct rule *rule = rules->own; rule; rule = rule->next)
        if (matches_type(rule, fields_value(&r->in.fields, FIELD_CONTENT_TYPE)))
            change_input(r, rule);
}

/* A subrequest's list is its parent's until here. */
static void copy_fields(struct request *r)
{
    const struct fields shared = r->in.fields;
    r->in.fields = (struct fields){ 0 };
    for (unsigned i = 0; i < shared.count; i++)
        fields_add(&r->in.fields, r->subject.pool, shared.at[i].name, shared.at[i].value);
}

/* Variables that were made of the fields as they were. */
static void forget(struct request *r)
{
    const struct vars_table *table = r->subject.table;
    for (unsigned i = 0; i < table->count; i++) {
        const struct str name = table->at[i]->name;
        if (str_starts(name, STR("http_")) || str_starts(name, STR("cookie_"))
            || str_eq(name, STR("host")) || str_eq(name, STR("content_type"))
            || str_eq(name, STR("remote_user")))
            vars_forget(&r->subject, i);
    }
}

static enum step run(struct request *r)
{
    const struct more_conf *conf = request_conf(r, section);
    copy_fields(r);
    apply_input(r, &conf->input);
    forget(r);
    return STEP_NEXT;
}

static const struct phase_step steps[] = { { PHASE_REWRITE, "headers_more", run, changes_input },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_headers_more_module = {
    .module = { .name = "ngx_http_headers_more_filter_module", .protocol = "http",
                .sections = sections },
    .steps = steps,
};
