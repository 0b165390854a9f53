/*
 * `map`: a variable whose value depends on another text, found by name, by host name, by regex.
 * Owns nothing: tables lie in the generation, values in the subject's pool.
 *
 *     map "$host$uri" $x { ... }
 *       source    --eval-->  text
 *       names     text in any case -> value; with `hostnames` also wildcards
 *       rules     regexes, in their order, when no name fits
 *       fallback  `default`; NULL: an empty text
 */
#include "core/generation.h"
#include "core/wildcard.h"
#include "http/http.h"

struct map_rule {
    struct map_rule *next;
    const struct regex *regex;
    struct template value;
};

struct value_map {
    struct template source;
    struct wildcard names;              /* -> struct template */
    struct map_rule *rules, **rules_end;
    const struct template *fallback;
    bool hostnames, is_volatile;
};

/* --- reading ---------------------------------------------------------------------------------- */

static bool parse_flag(struct conf *cf, struct value_map *map)
{
    const struct str word = conf_arg(cf, 0);
    if (str_eq(word, STR("hostnames")))
        map->hostnames = true;
    else if (str_eq(word, STR("volatile")))
        map->is_volatile = true;
    else
        return conf_error(cf, 0, "argument-count", "invalid number of the map parameters");
    return true;
}

static bool add_rule(struct conf *cf, struct value_map *map, struct str pattern)
{
    struct map_rule *rule = pool_new(cf->pool, struct map_rule);
    const bool caseless = str_starts(pattern, STR("*")) && str_from_off(pattern, 1, &pattern);
    struct regex *regex = regex_add(cf, pattern, caseless, 0);
    if (!regex || !vars_define_groups(cf, regex, 0)
        || !template_compile(cf, &rule->value, conf_arg(cf, 1), 1))
        return false;
    rule->regex = regex;
    *map->rules_end = rule;
    map->rules_end = &rule->next;
    return true;
}

/* Names that stand before `hostnames` have no wildcards. */
static enum wildcard_result enter(struct value_map *map, struct str name,
                                  const struct template *value)
{
    const void *there;
    if (map->hostnames)
        return wildcard_add(&map->names, name, value, &there);
    switch (map_add(&map->names.exact, name, value, &there)) {
    case MAP_ADDED:
        return WILDCARD_ADDED;
    case MAP_THERE:
        return WILDCARD_THERE;
    case MAP_TOO_LONG:
        break;
    }
    return WILDCARD_INVALID;
}

static bool add_name(struct conf *cf, struct value_map *map, struct str name)
{
    struct template *value = pool_new(cf->pool, struct template);
    if (!template_compile(cf, value, conf_arg(cf, 1), 1))
        return false;
    switch (enter(map, name, value)) {
    case WILDCARD_ADDED:
        return true;
    case WILDCARD_THERE:
        return conf_error(cf, 0, "duplicate", "conflicting parameter \"%.*s\"", STR_FMT(name));
    case WILDCARD_INVALID:
        break;
    }
    if (name.len > MAP_CASELESS_MAX)
        return conf_error(cf, 0, "invalid-value", "a name in a map is longer than %d bytes",
                          MAP_CASELESS_MAX);
    return conf_error(cf, 0, "invalid-value", "invalid hostname or wildcard \"%.*s\"",
                      STR_FMT(name));
}

static bool set_fallback(struct conf *cf, struct value_map *map)
{
    struct template *value = pool_new(cf->pool, struct template);
    if (map->fallback)
        return conf_error(cf, 0, "duplicate", "duplicate default map parameter");
    map->fallback = value;
    return template_compile(cf, value, conf_arg(cf, 1), 1);
}

static bool parse_line(struct conf *cf, void *data)
{
    struct value_map *map = data;
    struct str key = conf_arg(cf, 0);
    if (conf_nargs(cf) == 0)
        return parse_flag(cf, map);
    if (conf_nargs(cf) != 1)
        return conf_error(cf, 0, "argument-count", "invalid number of the map parameters");
    if (str_eq(key, STR("default")))
        return set_fallback(cf, map);
    /* "\default" is a name, and so is whatever stands behind a backslash. */
    if (str_starts(key, STR("\\")) && str_from_off(key, 1, &key))
        return add_name(cf, map, key);
    if (str_starts(key, STR("~")) && str_from_off(key, 1, &key))
        return add_rule(cf, map, key);
    return add_name(cf, map, key);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* False: a regex failed.  *value stays NULL when nothing fits. */
static bool find(const struct value_map *map, struct subject *s, struct str text,
                 const struct template **value)
{
    struct str name = text;
    if (map->hostnames && str_ends(name, STR(".")))
        name.len--;
    *value = wildcard_get(&map->names, name);
    for (const struct map_rule *rule = map->rules; rule && !*value; rule = rule->next)
        switch (vars_match(s, rule->regex, text)) {
        case REGEX_MATCH:
            *value = &rule->value;
            break;
        case REGEX_ERROR:
            return false;
        case REGEX_NO_MATCH:
            break;
        }
    if (!*value)
        *value = map->fallback;
    return true;
}

static bool get_value(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    const struct value_map *map = (const void *)entry->data;
    const struct template *value;
    struct str text;
    if (!template_eval(&map->source, s, &text) || !find(map, s, text, &value))
        return false;
    *out = (struct value){ STR(""), true };
    return !value || template_eval(value, s, &out->text);
}

/* --- the directive ---------------------------------------------------------------------------- */

static bool parse_map(struct conf *cf, void *field, const void *arg)
{
    struct value_map *map = pool_new(cf->pool, struct value_map);
    struct str name;
    (void)field;
    (void)arg;
    map->rules_end = &map->rules;
    wildcard_init(&map->names, cf->temp, &cf->gen->hash_key);
    if (!template_compile(cf, &map->source, conf_arg(cf, 1), 1) || !vars_arg(cf, 2, &name))
        return false;
    struct vars_entry *entry = vars_define(cf, name, 2, get_value, (uintptr_t)map, 0);
    if (!entry || !conf_each(cf, parse_line, map))
        return false;
    if (map->is_volatile)
        entry->flags |= VARS_VOLATILE;
    wildcard_freeze(&map->names, cf->pool);
    return true;
}
static const struct conf_type type_map = {
    .name = "string $variable { ... }", .repeat = true, .parse = parse_map, .block = true,
};

#define HASH "tables size themselves"
#define INERT(name, help) \
    { name, IN_HTTP, 1, 1, &conf_type_int, 0, OWN, NULL, NULL, HASH, help, NULL }
static const struct directive rows[] = {
    { "map", IN_HTTP, 2, 2, &type_map, 0, OWN, NULL, NULL, NULL,
      "a variable whose value depends on another", NULL },
    INERT("map_hash_max_size", "size of the tables of maps"),
    INERT("map_hash_bucket_size", "bucket of the tables of maps"),
};

struct map_conf {
    struct conf_set set;
};

static struct section section = {
    .name = "map", .where = IN_HTTP, .size = sizeof(struct map_conf), .rows = rows,
    .nrows = countof(rows),
};
static struct section *const sections[] = { &section, NULL };

const struct http_module http_map_module = {
    .module = { .name = "ngx_http_map_module", .protocol = "http", .sections = sections },
};
