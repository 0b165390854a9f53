/*
 * Content types by the extension of a file's name.  Owns nothing: tables lie in the generation.
 */
#include "core/generation.h"
#include "http/core_conf.h"

struct http_types {
    struct map by_extension;            /* of struct str */
    bool frozen;
};

static struct http_types *new_types(struct conf *cf)
{
    struct http_types *types = pool_new(cf->pool, struct http_types);
    map_init(&types->by_extension, cf->temp, &cf->gen->hash_key, true);
    return types;
}

static bool add_type(struct conf *cf, void *data)
{
    struct http_types *types = data;
    const struct str type = pool_str(cf->pool, conf_arg(cf, 0));
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        struct str *value = pool_new(cf->pool, struct str);
        const void *there;
        *value = type;
        if (map_add(&types->by_extension, conf_arg(cf, i), value, &there) != MAP_THERE)
            continue;
        value = (struct str *)(uintptr_t)there;
        conf_diag(cf, DIAG_WARN, i, "duplicate-extension",
                  "duplicate extension \"%.*s\", content type: \"%.*s\", previous content "
                  "type: \"%.*s\"", STR_FMT(conf_arg(cf, i)), STR_FMT(type), STR_FMT(*value));
        *value = type;
    }
    return true;
}

static bool parse_types(struct conf *cf, void *field, const void *arg)
{
    struct http_types **types = field;
    (void)arg;
    if (!*types)
        *types = new_types(cf);
    return conf_each(cf, add_type, *types);
}
const struct conf_type http_type_types = { "{ type extension ...; }", sizeof(struct http_types *),
                                           true, parse_types, true };

struct http_types *http_types_default(struct conf *cf)
{
    static const char *const pairs[][2] = { { "html", "text/html" }, { "gif", "image/gif" },
                                            { "jpg", "image/jpeg" } };
    struct http_types *types = new_types(cf);
    for (unsigned i = 0; i < countof(pairs); i++) {
        struct str *value = pool_new(cf->pool, struct str);
        *value = str_from(pairs[i][1]);
        map_add(&types->by_extension, str_from(pairs[i][0]), value, NULL);
    }
    return types;
}

void http_types_freeze(struct conf *cf, struct http_types *types)
{
    if (!types->frozen)
        map_freeze(&types->by_extension, cf->pool);
    types->frozen = true;
}

/* --- sets of types ---------------------------------------------------------------------------- */

bool http_type_in_set(const struct http_type_set *set, struct str type)
{
    struct str parameters;
    if (set->all)
        return type.len > 0;
    if (str_cut(type, ';', &type, &parameters))
        type = str_trim(type);
    for (unsigned i = 0; i < set->count; i++)
        if (str_eq_ci(set->at[i], type))
            return true;
    return false;
}

static void warn_of_duplicate(struct conf *cf, unsigned arg)
{
    const struct str type = conf_arg(cf, arg);
    struct diag *d = conf_diag(cf, DIAG_WARN, arg, "duplicate-type",
                               "duplicate MIME type \"%.*s\"", STR_FMT(type));
    if (str_eq_ci(type, STR("text/html")))
        diag_note(cf->diag, d, "\"text/html\" is always among them: remove it");
    else
        diag_note(cf->diag, d, "remove it here");
}

static bool parse_type_set(struct conf *cf, void *field, const void *arg)
{
    struct http_type_set *set = field;
    struct str *at = pool_array(cf->pool, set->count + conf_nargs(cf) + 1, sizeof(*at));
    (void)arg;
    if (set->count)
        memcpy(at, set->at, set->count * sizeof(*at));
    else
        at[set->count++] = STR("text/html");
    set->at = at;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct str type = conf_arg(cf, i);
        if (str_eq(type, STR("*")))
            set->all = true;
        else if (!http_type_in_set(set, type))
            at[set->count++] = pool_str(cf->pool, type);
        else if (!set->all && cf->node->words[i].place.file)    /* not in a default */
            warn_of_duplicate(cf, i);
    }
    return true;
}
const struct conf_type http_type_type_set = { "mime-type ...", sizeof(struct http_type_set), true,
                                              parse_type_set, false };

/* ---------------------------------------------------------------------------------------------- */

struct str http_type_of(const struct request *r, struct str path)
{
    const struct http_location_conf *conf = http_location_conf(r);
    const ssize_t slash = str_rchr(path, '/'), dot = str_rchr(path, '.');
    struct str extension;
    if (dot > slash + 1 && str_from_off(path, (size_t)dot + 1, &extension)) {
        const struct str *type = map_get(&conf->types->by_extension, extension);
        if (type)
            return *type;
    }
    return conf->default_type;
}
