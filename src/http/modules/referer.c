/*
 * `valid_referers`: whether the Referer of a request names one of the sites that may link here.
 * Owns nothing: tables lie in the generation.
 *
 *     Referer: http://www.example.org:80/galleries/x
 *              skipped host          skip path          a name, and what its path begins with;
 *                     the regexes see all of it from the host on
 */
#include "core/generation.h"
#include "http/core_conf.h"
#include "http/vars.h"

struct referer_regex {
    struct referer_regex *next;
    const struct regex *regex;
};

struct referers {
    bool none, blocked, server_names;
    struct wildcard names;              /* -> struct str: the path, empty: any */
    struct referer_regex *regexes, **regexes_end;
};

struct referer_conf {
    struct conf_set set;
    struct referers *referers;          /* NULL: every one is valid */
};

static const struct str any_path = STR_INIT("");

/* --- reading ---------------------------------------------------------------------------------- */

static struct referers *new_referers(struct conf *cf)
{
    struct referers *list = pool_new(cf->pool, struct referers);
    wildcard_init(&list->names, cf->temp, &cf->gen->hash_key);
    list->regexes_end = &list->regexes;
    return list;
}

static void enter_regex(struct conf *cf, struct referers *list, const struct regex *regex)
{
    struct referer_regex *entry = pool_new(cf->pool, struct referer_regex);
    entry->regex = regex;
    *list->regexes_end = entry;
    list->regexes_end = &entry->next;
}

static bool add_regex(struct conf *cf, struct referers *list, unsigned arg)
{
    struct str pattern;
    if (!str_from_off(conf_arg(cf, arg), 1, &pattern) || pattern.len == 0)
        return conf_error(cf, arg, "invalid-value", "empty regex in \"%.*s\"",
                          STR_FMT(conf_arg(cf, arg)));
    const struct regex *regex = regex_add(cf, pattern, true, arg);
    if (regex)
        enter_regex(cf, list, regex);
    return regex;
}

static bool enter_name(struct conf *cf, struct referers *list, struct str name,
                       const struct str *path, unsigned arg)
{
    const void *there;
    switch (wildcard_add(&list->names, name, path, &there)) {
    case WILDCARD_ADDED:
        return true;
    case WILDCARD_THERE:
        return conf_error(cf, arg, "duplicate", "conflicting parameter \"%.*s\"", STR_FMT(name));
    case WILDCARD_INVALID:
        break;
    }
    return conf_error(cf, arg, "invalid-value", "invalid hostname or wildcard \"%.*s\"",
                      STR_FMT(name));
}

static bool add_name(struct conf *cf, struct referers *list, unsigned arg)
{
    const struct str word = conf_arg(cf, arg);
    const ssize_t slash = str_chr(word, '/');
    struct str name = word, path;
    if (word.len == 0)
        return conf_error(cf, arg, "invalid-value", "invalid referer \"\"");
    if (slash == STR_NPOS)
        return enter_name(cf, list, word, &any_path, arg);
    ASSERT(str_from_off(word, (size_t)slash, &path) && str_sub(word, 0, (size_t)slash, &name));
    struct str *kept = pool_new(cf->pool, struct str);
    *kept = pool_str(cf->pool, path);
    return enter_name(cf, list, name, kept, arg);
}

static bool parse_referers(struct conf *cf, void *field, const void *arg)
{
    struct referers **at = field, *list = *at ? *at : new_referers(cf);
    bool good = true;
    (void)arg;
    *at = list;
    for (unsigned i = 1; i <= conf_nargs(cf) && good; i++) {
        const struct str word = conf_arg(cf, i);
        if (str_eq(word, STR("none")))
            list->none = true;
        else if (str_eq(word, STR("blocked")))
            list->blocked = true;
        else if (str_eq(word, STR("server_names")))
            list->server_names = true;
        else if (str_starts(word, STR("~")))
            good = add_regex(cf, list, i);
        else
            good = add_name(cf, list, i);
    }
    return good;
}
static const struct conf_type type_referers = {
    .name = "none | blocked | server_names | host[/path] | ~regex ...",
    .size = sizeof(struct referers *), .repeat = true, .parse = parse_referers,
};

static bool add_server_names(struct conf *cf, struct referers *list)
{
    const struct conf_block *block = cf->block;
    bool good = true;
    while (block->scope != IN_SERVER)
        block = block->parent;
    const struct http_server_conf *conf = conf_of(block, http_server_section);
    for (const struct http_name *name = conf->names; name && good; name = name->next)
        if (name->regex)
            enter_regex(cf, list, name->regex);
        else if (name->text.len > 0)
            good = enter_name(cf, list, name->text, &any_path, 0);
    return good;
}

/* The names of the server are known only now. */
static bool finish(struct conf *cf, void *conf, const void *parent)
{
    const struct referer_conf *own = conf, *outer = parent;
    struct referers *list = own->referers;
    if (!list || (outer && outer->referers == list))
        return true;
    const struct wildcard *names = &list->names;
    if (!list->server_names && !list->regexes && names->exact.count == 0
        && names->leading.count == 0 && names->trailing.count == 0)
        return conf_block_error(cf, cf->block, "no-referer",
                                "the \"none\" or \"blocked\" referers are specified in the "
                                "\"valid_referers\" directive without any valid referer");
    const bool good = !list->server_names || add_server_names(cf, list);
    wildcard_freeze(&list->names, cf->pool);
    return good;
}

#define HASH "tables size themselves"
#define INERT(name, help) \
    { name, IN_SERVER | IN_LOCATION, 1, 1, &conf_type_int, 0, OWN, NULL, NULL, HASH, help, NULL }
static const struct directive rows[] = {
    { "valid_referers", IN_SERVER | IN_LOCATION, 1, CONF_MANY, &type_referers,
      FIELD(referer_conf, referers), INHERIT, NULL, NULL, NULL, "sites that may link here", NULL },
    INERT("referer_hash_max_size", "size of the table of referers"),
    INERT("referer_hash_bucket_size", "bucket of the table of referers"),
};

static struct section section = {
    .name = "referer", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct referer_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

/* --- asking ----------------------------------------------------------------------------------- */

/* What stands behind "http://". */
static bool skip_scheme(struct str *text)
{
    static const struct str schemes[] = { STR_INIT("http://"), STR_INIT("https://") };
    for (unsigned i = 0; i < countof(schemes); i++)
        if (str_starts_ci(*text, schemes[i]))
            return str_from_off(*text, schemes[i].len, text);
    return false;
}

static void cut_host(struct str text, struct str *host, struct str *path)
{
    const ssize_t slash = str_chr(text, '/');
    *path = STR_NONE;
    if (slash != STR_NPOS)
        ASSERT(str_from_off(text, (size_t)slash, path)
               && str_sub(text, 0, (size_t)slash, &text));
    str_cut(text, ':', host, &(struct str){ 0 });
}

/* False: a regex failed. */
static bool match_regexes(const struct referers *list, struct request *r, struct str text,
                          bool *valid)
{
    for (const struct referer_regex *at = list->regexes; at && !*valid; at = at->next) {
        const char *why = NULL;
        switch (regex_match(r->subject.local, at->regex, text, NULL, &why)) {
        case REGEX_MATCH:
            *valid = true;
            break;
        case REGEX_ERROR:
            log_write(&r->log, LOG_ALERT, 0,
                      "pcre2_match() failed: %s on \"%.*s\" using \"%.*s\"", why, STR_FMT(text),
                      STR_FMT(at->regex->pattern));
            return false;
        case REGEX_NO_MATCH:
            break;
        }
    }
    return true;
}

/* False: a regex failed. */
static bool check(const struct referers *list, struct request *r, bool *valid)
{
    const struct field *field = fields_known(&r->in.fields, FIELD_REFERER);
    struct str host, path;
    *valid = list->none;
    if (!field)
        return true;
    struct str text = field->value;
    *valid = list->blocked;
    if (!skip_scheme(&text))
        return true;
    cut_host(text, &host, &path);
    const struct str *wanted = wildcard_get(&list->names, host);
    *valid = wanted && str_starts(path, *wanted);
    return wanted || match_regexes(list, r, text, valid);
}

GETTER(invalid)
{
    struct request *r = request_of(s);
    const struct referer_conf *conf = request_conf(r, section);
    bool valid = true;
    (void)entry;
    if (conf->referers && !check(conf->referers, r, &valid))
        return false;
    return value_give(out, valid ? STR("") : STR("1"));
}

static const struct variable variables[] = {
    { "invalid_referer", get_invalid, VARS_CHANGEABLE, 0,
      "1 when valid_referers does not have the Referer", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_referer_module = {
    .module = { .name = "ngx_http_referer_module", .protocol = "http", .sections = sections,
                .variables = variables },
};
