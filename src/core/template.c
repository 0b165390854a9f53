/*
 * Templates: text with variables, taken apart once, put together in one pass.
 * Owns nothing: the parts lie in the generation, values in the subject's pool.
 */
#include "core/template.h"

enum { FIRST_LEAST = 64, FIRST_MOST = 1024 };           /* bytes, before the first growth */

/* --- compiling -------------------------------------------------------------------------------- */

struct reader {
    struct conf *cf;
    struct template *t;
    struct str rest;
    unsigned arg;
    bool groups;                        /* "$1" is one */
};

static struct template_part *add(struct template *t, enum template_kind kind)
{
    struct template_part *part = &t->parts[t->nparts++];
    part->kind = kind;
    return part;
}

/* Room for a text and a reference for each "$", and a text behind the last.  NULL: no memory, and
 * the pool is failed. */
static struct template_part *parts_for(struct conf *cf, struct str source)
{
    size_t count = 1, size;
    for (size_t i = 0; i < source.len; i++)
        count += source.at[i] == '$' ? 2 : 0;
    struct template_part *parts = mul_overflows(count, sizeof(*parts), &size)
        ? NULL : pool_try(cf->pool, size);
    cf->pool->failed |= !parts;
    return parts;
}

static bool name_char(char c)
{
    c = str_lower_char(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static struct str leading_name(struct str s)
{
    size_t len = 0;
    while (len < s.len && name_char(s.at[len]))
        len++;
    return str_of(s.at, len);
}

static bool no_name(const struct reader *r)
{
    struct conf *cf = r->cf;
    struct diag *d = r->groups
        ? conf_diag(cf, DIAG_EMERG, r->arg, "invalid-variable", "invalid variable name")
        : conf_diag(cf, DIAG_EMERG, r->arg, "invalid-variable", "invalid parameter \"%.*s\"",
                    STR_FMT(r->rest));
    diag_note(cf->diag, d, "a name must follow each \"$\": letters, digits and \"_\"");
    return false;
}

static bool no_bracket(const struct reader *r, struct str name)
{
    return conf_error(r->cf, r->arg, "invalid-variable",
                      "the closing bracket in \"%.*s\" variable is missing", STR_FMT(name));
}

static struct str drop(struct str s, size_t count)
{
    struct str rest;
    ASSERT(str_from_off(s, count, &rest));
    return rest;
}

/* r->rest begins with the "$". */
static bool read_reference(struct reader *r)
{
    struct str after = drop(r->rest, 1);
    if (r->groups && after.len > 0 && after.at[0] >= '1' && after.at[0] <= '9') {
        add(r->t, TEMPLATE_GROUP)->number = (unsigned)(after.at[0] - '0');
        r->t->groups = true;
        r->rest = drop(after, 1);
        return true;
    }
    const bool brackets = str_starts(after, STR("{"));
    if (brackets)
        after = drop(after, 1);
    if (after.len == 0)
        return no_name(r);
    const struct str name = leading_name(after);
    after = drop(after, name.len);
    if (brackets && !str_starts(after, STR("}")))
        return no_bracket(r, name);
    if (name.len == 0)
        return no_name(r);
    add(r->t, TEMPLATE_VARIABLE)->number = vars_use(r->cf, name, r->arg);
    r->rest = drop(after, brackets);
    return true;
}

static bool read_all(struct reader *r)
{
    while (r->rest.len > 0) {
        const ssize_t dollar = str_chr(r->rest, '$');
        const size_t len = dollar == STR_NPOS ? r->rest.len : (size_t)dollar;
        if (len > 0)
            add(r->t, TEMPLATE_TEXT)->text = str_of(r->rest.at, len);
        r->rest = drop(r->rest, len);
        if (r->rest.len > 0 && !read_reference(r))
            return false;
    }
    return true;
}

static bool compile(struct conf *cf, struct template *t, struct str source, unsigned arg,
                    bool groups)
{
    *t = (struct template){ .source = pool_str(cf->pool, source) };
    t->constant = str_chr(source, '$') == STR_NPOS;
    if (t->constant) {
        t->text = t->source;
        return true;
    }
    struct reader r = { .cf = cf, .t = t, .rest = t->source, .arg = arg, .groups = groups };
    t->parts = parts_for(cf, source);
    return t->parts && read_all(&r);
}

bool template_compile(struct conf *cf, struct template *t, struct str source, unsigned arg)
{
    return compile(cf, t, source, arg, true);
}

bool template_compile_log(struct conf *cf, struct template *t, struct str source, unsigned arg)
{
    return compile(cf, t, source, arg, false);
}

static bool parse_template(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return template_compile(cf, field, conf_arg(cf, 1), 1);
}

const struct conf_type conf_type_template = {
    .name = "text with variables",
    .size = sizeof(struct template),
    .parse = parse_template,
};

static bool parse_conditions(struct conf *cf, void *field, const void *arg)
{
    struct conditions *conditions = field;
    (void)arg;
    conditions->count = conf_nargs(cf);
    conditions->at = pool_array(cf->pool, conditions->count, sizeof(*conditions->at));
    for (unsigned i = 0; i < conditions->count; i++)
        if (!template_compile(cf, &conditions->at[i], conf_arg(cf, i + 1), i + 1))
            return false;
    return true;
}

const struct conf_type conf_type_conditions = {
    .name = "string ...",
    .size = sizeof(struct conditions),
    .parse = parse_conditions,
};

/* --- evaluating ------------------------------------------------------------------------------- */

struct writer {
    struct subject *s;
    struct fmt *f;
    template_escape_fn *escape;
    struct str missing;
    struct regex_captures captures;     /* a copy: variables on the way may match regexes too */
};

static void put(struct writer *w, struct str text)
{
    if (w->escape)
        w->escape(w->f, text);
    else
        fmt_str(w->f, text);
}

static bool put_variable(struct writer *w, unsigned index)
{
    struct value value;
    if (vars_append(w->s, index, w->f))
        return true;
    if (!vars_get(w->s, index, &value))
        return false;
    if (value.found)
        put(w, value.text);
    else
        fmt_str(w->f, w->missing);
    return true;
}

static bool put_part(struct writer *w, const struct template_part *part)
{
    switch (part->kind) {
    case TEMPLATE_TEXT:
        fmt_str(w->f, part->text);
        return true;
    case TEMPLATE_VARIABLE:
        return put_variable(w, part->number);
    case TEMPLATE_GROUP:
        put(w, regex_group(&w->captures, part->number));
        return true;
    }
    return false;
}

static bool fits(const struct fmt *f)
{
    return !f->failed || f->cut;
}

bool template_append(const struct template *t, struct subject *s, struct fmt *f,
                     template_escape_fn *escape, struct str missing)
{
    struct writer w;
    if (t->constant) {
        fmt_str(f, t->text);
        return fits(f);
    }
    w.s = s;
    w.f = f;
    w.escape = escape;
    w.missing = missing;
    w.captures.count = 0;
    if (t->groups && s->captures)
        w.captures = *s->captures;
    for (unsigned i = 0; i < t->nparts && !f->failed; i++)
        if (!put_part(&w, &t->parts[i]))
            return false;
    return fits(f);
}

/* A variable alone is its own value: nothing is copied. */
static bool eval_variable(const struct template_part *part, struct subject *s, struct str *out)
{
    struct value value;
    if (!vars_get(s, part->number, &value))
        return false;
    *out = value.found ? value.text : STR("");
    return true;
}

bool template_eval(const struct template *t, struct subject *s, struct str *out)
{
    struct fmt f;
    *out = t->text;
    if (t->constant)
        return true;
    if (t->nparts == 1 && t->parts[0].kind == TEMPLATE_VARIABLE)
        return eval_variable(&t->parts[0], s, out);
    const size_t first = size_min(size_max(t->source.len, FIRST_LEAST), FIRST_MOST);
    fmt_init_pool(&f, s->pool, first, TEMPLATE_LIMIT);
    if (!template_append(t, s, &f, NULL, STR_NONE))
        return false;
    *out = fmt_done(&f);
    return true;
}

bool conditions_hold(const struct conditions *conditions, struct subject *s)
{
    struct str text;
    for (unsigned i = 0; i < conditions->count; i++)
        if (template_eval(&conditions->at[i], s, &text) && text_is_true(text))
            return true;
    return false;
}
