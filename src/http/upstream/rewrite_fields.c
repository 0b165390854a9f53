/*
 * Location, Refresh and Set-Cookie of a backend's answer: rules, and their use.
 * Owns nothing: rules lie in the generation, results in the subject's pool.
 */
#include "http/upstream/rewrite_fields.h"

enum { FLAGS_MOST = 3, ROOM = 128, VALUE_MOST = TEMPLATE_LIMIT };

struct rewrite_rule {
    struct rewrite_rule *next;
    const struct regex *regex;          /* NULL: `text` is the pattern */
    struct template text;
    struct template to[FLAGS_MOST];
    unsigned nto;
};

/* How a text matches a value; a regex matches in one way. */
enum by { BY_BEGINNING, BY_DOMAIN, BY_NAME };

/* --- configuration ---------------------------------------------------------------------------- */

static void append(struct rewrites *list, struct rewrite_rule *rule)
{
    struct rewrite_rule *last = (struct rewrite_rule *)(uintptr_t)list->first;
    if (!last) {
        list->first = rule;
        return;
    }
    while (last->next)
        last = last->next;
    last->next = rule;
}

static struct template constant(struct pool *pool, struct str text)
{
    text = pool_str(pool, text);
    return (struct template){ .source = text, .constant = true, .text = text };
}

static void append_pair(struct conf *cf, struct rewrites *list, struct str from, struct str to)
{
    struct rewrite_rule *rule = pool_new(cf->pool, struct rewrite_rule);
    rule->text = constant(cf->pool, from);
    rule->to[rule->nto++] = constant(cf->pool, to);
    append(list, rule);
}

static bool parse_regex(struct conf *cf, struct rewrite_rule *rule, bool caseless)
{
    struct str pattern = conf_arg(cf, 1);
    const bool star = !caseless && str_starts(pattern, STR("~*"));
    ASSERT(str_from_off(pattern, star ? 2 : 1, &pattern));
    struct regex *regex = regex_add(cf, pattern, caseless || star, 1);
    rule->regex = regex;
    return regex && vars_define_groups(cf, regex, 1);
}

static bool parse_rule(struct conf *cf, struct rewrites *list, bool caseless)
{
    struct rewrite_rule *rule = pool_new(cf->pool, struct rewrite_rule);
    const bool good = str_starts(conf_arg(cf, 1), STR("~"))
                          ? parse_regex(cf, rule, caseless)
                          : template_compile(cf, &rule->text, conf_arg(cf, 1), 1);
    if (!good)
        return false;
    for (unsigned i = 2; i <= conf_nargs(cf); i++) {
        ASSERT(rule->nto < FLAGS_MOST);
        if (!template_compile(cf, &rule->to[rule->nto++], conf_arg(cf, i), i))
            return false;
    }
    append(list, rule);
    return true;
}

static bool parse_default(struct conf *cf, struct rewrites *list,
                          const struct redirect_default *meaning)
{
    struct str from, to;
    switch (meaning->pair(cf, &from, &to)) {
    case REDIRECT_DEFAULT:
        append_pair(cf, list, from, to);
        break;
    case REDIRECT_DEFAULT_EARLY:
        return conf_error(cf, 0, "misplaced", "\"proxy_redirect default\" should be placed after "
                          "the \"proxy_pass\" directive");
    case REDIRECT_DEFAULT_VARIABLES:
        return conf_error(cf, 0, "misplaced", "\"proxy_redirect default\" cannot be used with "
                          "\"proxy_pass\" directive with variables");
    }
    return true;
}

/* `meaning` of "default"; NULL: there is none. */
static bool parse(struct conf *cf, struct rewrites *list, bool caseless,
                  const struct redirect_default *meaning)
{
    const struct str word = conf_arg(cf, 1);
    const bool alone = conf_nargs(cf) == 1, off = alone && str_eq(word, STR("off"));
    if (list->off || (off && list->first))
        return conf_error(cf, 0, "duplicate", "\"%.*s\" directive is duplicate",
                          STR_FMT(conf_arg(cf, 0)));
    list->off = off;
    if (off)
        return true;
    if (!alone)
        return parse_rule(cf, list, caseless);
    if (meaning && str_eq(word, STR("default")))
        return parse_default(cf, list, meaning);
    return conf_error(cf, 1, "invalid-parameter", "invalid parameter \"%.*s\"", STR_FMT(word));
}

static bool parse_redirect(struct conf *cf, void *field, const void *arg)
{
    return parse(cf, field, false, arg);
}
const struct conf_type conf_type_redirects = { "default | off | text | ~regex replacement",
                                               sizeof(struct rewrites), true, parse_redirect,
                                               false };

static bool parse_path(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return parse(cf, field, false, NULL);
}
const struct conf_type conf_type_cookie_path = { "off | path | ~regex replacement",
                                                 sizeof(struct rewrites), true, parse_path, false };

static bool parse_caseless(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return parse(cf, field, true, NULL);
}
const struct conf_type conf_type_cookie_domain = { "off | domain | ~regex replacement",
                                                   sizeof(struct rewrites), true, parse_caseless,
                                                   false };
const struct conf_type conf_type_cookie_flags = { "off | cookie | ~regex [flag ...]",
                                                  sizeof(struct rewrites), true, parse_caseless,
                                                  false };

void rewrites_finish(struct conf *cf, struct rewrites *redirects, struct str from, struct str to)
{
    if (!redirects->off && !redirects->first)
        append_pair(cf, redirects, from, to);
}

/* --- which rule ------------------------------------------------------------------------------- */

static struct str without_dot(struct str domain)
{
    if (str_starts(domain, STR(".")))
        ASSERT(str_from_off(domain, 1, &domain));
    return domain;
}

static bool is_equal(enum by by, struct str value, struct str text)
{
    switch (by) {
    case BY_BEGINNING: return str_starts(value, text);
    case BY_DOMAIN: return str_eq_ci(without_dot(value), without_dot(text));
    case BY_NAME: break;
    }
    return str_eq_ci(value, text);
}

/* *covered: the bytes of the value that the rule takes the place of. */
static enum regex_result match(const struct rewrite_rule *rule, enum by by, struct subject *s,
                               struct str value, size_t *covered)
{
    struct str text;
    *covered = value.len;
    if (rule->regex)
        return vars_match(s, rule->regex, value);
    if (!template_eval(&rule->text, s, &text))
        return REGEX_ERROR;
    if (by == BY_BEGINNING)
        *covered = text.len;
    return is_equal(by, value, text) ? REGEX_MATCH : REGEX_NO_MATCH;
}

/* The first rule that matches; NULL: none, and *result says whether something failed. */
static const struct rewrite_rule *find(const struct rewrites *list, enum by by, struct subject *s,
                                       struct str value, size_t *covered, enum rewritten *result)
{
    const struct rewrite_rule *rule = list->first;
    enum regex_result matched = REGEX_NO_MATCH;
    while (rule && (matched = match(rule, by, s, value, covered)) == REGEX_NO_MATCH)
        rule = rule->next;
    *result = matched == REGEX_ERROR ? REWRITE_FAILED : rule ? REWRITTEN : REWRITTEN_NOT;
    return matched == REGEX_MATCH ? rule : NULL;
}

/* Appends what becomes of the value; nothing when it is not changed. */
static enum rewritten change(const struct rewrites *list, enum by by, struct subject *s,
                             struct str value, struct fmt *f)
{
    enum rewritten result;
    size_t covered;
    struct str to, rest;
    const struct rewrite_rule *rule = find(list, by, s, value, &covered, &result);
    if (!rule)
        return result;
    if (!template_eval(&rule->to[0], s, &to))
        return REWRITE_FAILED;
    if (by == BY_DOMAIN && !rule->regex) {
        to = without_dot(to);
        if (str_starts(value, STR(".")))
            fmt_char(f, '.');
    }
    ASSERT(str_from_off(value, covered, &rest));
    fmt_str(f, to);
    fmt_str(f, rest);
    return REWRITTEN;
}

static enum rewritten end(enum rewritten result, struct fmt *f, struct str *out)
{
    if (result == REWRITTEN && f->failed)
        return REWRITE_FAILED;
    if (result == REWRITTEN)
        *out = fmt_done(f);
    return result;
}

/* --- redirects -------------------------------------------------------------------------------- */

/* What stands before `value` in its field is kept. */
static enum rewritten redirect(const struct rewrites *redirects, struct subject *s,
                               struct str before, struct str value, struct str *out)
{
    struct fmt f;
    if (!redirects->first)
        return REWRITTEN_NOT;
    fmt_init_pool(&f, s->pool, ROOM, VALUE_MOST);
    fmt_str(&f, before);
    return end(change(redirects, BY_BEGINNING, s, value, &f), &f, out);
}

enum rewritten rewrite_location(const struct rewrites *redirects, struct subject *s,
                                struct str value, struct str *out)
{
    return redirect(redirects, s, STR_NONE, value, out);
}

enum rewritten rewrite_refresh(const struct rewrites *redirects, struct subject *s,
                               struct str value, struct str *out)
{
    static const struct str mark = STR_INIT("url=");
    struct str before, url;
    for (size_t at = 0; str_from_off(value, at, &url); at++) {
        if (!str_starts_ci(url, mark))
            continue;
        ASSERT(str_sub(value, 0, at + mark.len, &before));
        ASSERT(str_from_off(url, mark.len, &url));
        return redirect(redirects, s, before, url, out);
    }
    return REWRITTEN_NOT;
}

/* --- cookies ---------------------------------------------------------------------------------- */

enum { SECURE, HTTPONLY, SAMESITE, FLAGS };

static const struct str flag_names[FLAGS] = { STR_INIT("Secure"), STR_INIT("HttpOnly"),
                                              STR_INIT("SameSite") };
static const struct str same_sites[] = { STR_INIT("Strict"), STR_INIT("Lax"), STR_INIT("None") };

/* What a rule says of each flag; what it adds it does not remove. */
struct flags {
    bool add[FLAGS], remove[FLAGS];
    bool there[FLAGS];                  /* the cookie has it already */
    struct str same_site;
};

/* name = value, both without blanks around them; or a name alone. */
struct attribute {
    struct str name, value;
    bool has_value;
};

struct cookie {
    const struct cookie_rewrites *rules;
    struct subject *s;
    struct fmt f;
    struct flags flags;
    bool changed;
};

/* The first of what is left, which ends in ";".  False: there was no more. */
static bool take_attribute(struct str *rest, bool *more, struct attribute *a)
{
    struct str text;
    if (!*more)
        return false;
    *more = str_cut(*rest, ';', &text, rest);
    a->has_value = str_cut(text, '=', &a->name, &a->value);
    a->name = str_trim(a->name);
    a->value = str_trim(a->value);
    return true;
}

static void add_attribute(struct fmt *f, const struct attribute *a)
{
    fmt_str(f, a->name);
    if (a->has_value)
        fmt_char(f, '=');
    fmt_str(f, a->value);
}

/* What is no flag is left out, as in nginx: variables may say anything. */
static void read_flag(struct flags *flags, struct str text)
{
    struct str name = text, value;
    const bool has_value = str_cut(text, '=', &name, &value);
    const bool no = !has_value && str_starts_ci(name, STR("no"));
    if (no)
        ASSERT(str_from_off(name, 2, &name));
    if (has_value && str_eq_ci(name, flag_names[SAMESITE])) {
        for (unsigned i = 0; i < countof(same_sites); i++)
            if (str_eq_ci(value, same_sites[i])) {
                flags->add[SAMESITE] = true;
                flags->same_site = same_sites[i];
            }
        return;
    }
    for (unsigned i = 0; i < FLAGS && !has_value; i++)
        if (str_eq_ci(name, flag_names[i])) {
            flags->remove[i] = flags->remove[i] || no;
            flags->add[i] = flags->add[i] || (!no && i != SAMESITE);
        }
}

/* False: something failed. */
static bool choose_flags(struct cookie *c, struct str name)
{
    enum rewritten result;
    size_t covered;
    struct str text;
    const struct rewrite_rule *rule = find(&c->rules->flags, BY_NAME, c->s, name, &covered,
                                           &result);
    for (unsigned i = 0; rule && i < rule->nto; i++) {
        if (!template_eval(&rule->to[i], c->s, &text))
            return false;
        read_flag(&c->flags, text);
    }
    return result != REWRITE_FAILED;
}

/* A flag that is there already.  True: it has been dealt with. */
static bool change_flag(struct cookie *c, const struct attribute *a)
{
    struct flags *flags = &c->flags;
    unsigned i = 0;
    while (i < FLAGS && !str_eq_ci(a->name, flag_names[i]))
        i++;
    if (i == FLAGS || !(flags->add[i] || flags->remove[i]))
        return false;
    flags->there[i] = true;
    if (flags->add[i] && (i != SAMESITE || str_eq_ci(a->value, flags->same_site)))
        return false;
    c->changed = true;
    if (flags->add[i])
        fmt_print(&c->f, "; %.*s=%.*s", STR_FMT(flag_names[i]), STR_FMT(flags->same_site));
    return true;
}

/* False: something failed. */
static bool change_value(struct cookie *c, const struct rewrites *list, enum by by,
                         const struct attribute *a)
{
    fmt_str(&c->f, a->name);
    fmt_char(&c->f, '=');
    const enum rewritten result = change(list, by, c->s, a->value, &c->f);
    if (result == REWRITTEN_NOT)
        fmt_str(&c->f, a->value);
    c->changed = c->changed || result == REWRITTEN;
    return result != REWRITE_FAILED;
}

static bool change_attribute(struct cookie *c, const struct attribute *a)
{
    if (change_flag(c, a))
        return true;
    fmt_text(&c->f, "; ");
    if (a->has_value && str_eq_ci(a->name, STR("domain")))
        return change_value(c, &c->rules->domain, BY_DOMAIN, a);
    if (a->has_value && str_eq_ci(a->name, STR("path")))
        return change_value(c, &c->rules->path, BY_BEGINNING, a);
    add_attribute(&c->f, a);
    return true;
}

static void add_flags(struct cookie *c)
{
    for (unsigned i = 0; i < FLAGS; i++) {
        if (!c->flags.add[i] || c->flags.there[i])
            continue;
        const struct attribute a = { flag_names[i], i == SAMESITE ? c->flags.same_site : STR_NONE,
                                     i == SAMESITE };
        fmt_text(&c->f, "; ");
        add_attribute(&c->f, &a);
        c->changed = true;
    }
}

enum rewritten rewrite_cookie(const struct cookie_rewrites *cookies, struct subject *s,
                              struct str value, struct str *out)
{
    struct cookie c = { .rules = cookies, .s = s };
    struct attribute a;
    bool more = true;
    if (!cookie_rewrites_any(cookies))
        return REWRITTEN_NOT;
    fmt_init_pool(&c.f, s->pool, ROOM, VALUE_MOST);
    ASSERT(take_attribute(&value, &more, &a));
    add_attribute(&c.f, &a);
    if (a.has_value && !choose_flags(&c, a.name))
        return REWRITE_FAILED;
    while (take_attribute(&value, &more, &a))
        if (!change_attribute(&c, &a))
            return REWRITE_FAILED;
    add_flags(&c);
    return end(c.changed ? REWRITTEN : REWRITTEN_NOT, &c.f, out);
}
