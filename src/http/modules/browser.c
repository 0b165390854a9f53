/*
 * Whether the User-Agent is that of a modern or of an ancient browser.
 * Owns nothing.
 *
 *     modern_browser   a version for each browser; the first one that the text names decides
 *     ancient_browser  texts, looked for when none is named
 *     unlisted         what all others are
 */
#include "core/number.h"
#include "http/vars.h"

enum { BROWSERS = 5, OPERA = 0, PARTS = 4 };

struct version {
    uint64_t part[PARTS];
};

struct modern {
    bool given[BROWSERS], any;
    struct version from[BROWSERS];
    bool unlisted;
};

struct browser_conf {
    struct conf_set set;
    struct modern modern;
    struct conf_strs ancient;
    struct str modern_value, ancient_value;
};

/* In the order in which they are looked for: Opera calls itself MSIE, and all of them Mozilla.  The
 * text begins with what is no name: "Mozilla/4.0 (compatible; ", "Mozilla/5.0 (". */
static const struct {
    struct str word, text;
    size_t begin, skip;                 /* where the text may stand; from it to the version */
} browsers[BROWSERS] = {
    { STR_INIT("opera"), STR_INIT("Opera"), 0, 6 },
    { STR_INIT("msie"), STR_INIT("MSIE "), 25, 5 },
    { STR_INIT("gecko"), STR_INIT("rv:"), 13, 3 },
    { STR_INIT("safari"), STR_INIT("Safari/"), 13, 7 },
    { STR_INIT("konqueror"), STR_INIT("Konqueror/"), 25, 10 },
};

/* --- versions --------------------------------------------------------------------------------- */

/* "1.8.0.3", as far as it goes; an empty part is 0.  Returns what is left. */
static struct str read_version(struct str text, struct version *version)
{
    *version = (struct version){ { 0 } };
    for (unsigned i = 0; i < PARTS; i++) {
        if (!number_take(&text, &version->part[i]))
            version->part[i] = 0;
        if (!str_starts(text, STR(".")) || !str_from_off(text, 1, &text))
            break;
    }
    return text;
}

static bool is_older(const struct version *version, const struct version *than)
{
    for (unsigned i = 0; i < PARTS; i++)
        if (version->part[i] != than->part[i])
            return version->part[i] < than->part[i];
    return false;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool is_version(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '.' && (text.at[i] < '0' || text.at[i] > '9'))
            return false;
    return true;
}

static bool parse_modern(struct conf *cf, void *field, const void *arg)
{
    struct modern *modern = field;
    const struct str word = conf_arg(cf, 1);
    unsigned i = 0;
    (void)arg;
    if (conf_nargs(cf) == 1) {
        if (str_eq(word, STR("unlisted")))
            modern->unlisted = true;
        else
            conf_diag(cf, DIAG_WARN, 1, "no-effect",
                      "\"%.*s\" without a version has no effect", STR_FMT(word));
        return true;
    }
    while (i < BROWSERS && !str_eq_ci(word, browsers[i].word))
        i++;
    if (i == BROWSERS)
        return conf_error(cf, 1, "invalid-value", "unknown browser name \"%.*s\"", STR_FMT(word));
    if (!is_version(conf_arg(cf, 2)))
        return conf_error(cf, 2, "invalid-value", "invalid browser version \"%.*s\"",
                          STR_FMT(conf_arg(cf, 2)));
    if (!modern->given[i])
        read_version(conf_arg(cf, 2), &modern->from[i]);
    modern->given[i] = modern->any = true;
    return true;
}
static const struct conf_type type_modern = {
    .name = "msie | gecko | opera | safari | konqueror version, or unlisted",
    .size = sizeof(struct modern), .repeat = true, .parse = parse_modern,
};

#define ROW(name, max, type, member, def, help) \
    { name, IN_HSL, 1, max, type, FIELD(browser_conf, member), INHERIT, def, NULL, NULL, help, \
      NULL }
static const struct directive rows[] = {
    ROW("modern_browser", 2, &type_modern, modern, NULL, "from which version browsers are modern"),
    ROW("ancient_browser", CONF_MANY, &conf_type_str_list, ancient, NULL,
        "texts that ancient browsers say"),
    ROW("modern_browser_value", 1, &conf_type_str, modern_value, "1", "value of $modern_browser"),
    ROW("ancient_browser_value", 1, &conf_type_str, ancient_value, "1",
        "value of $ancient_browser"),
};

static struct section section = {
    .name = "browser", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct browser_conf), .rows = rows, .nrows = countof(rows),
};

/* --- asking ----------------------------------------------------------------------------------- */

/* False: the text does not name it. */
static bool find_browser(struct str agent, unsigned i, struct version *version)
{
    struct str rest;
    if (!str_from_off(agent, browsers[i].begin, &rest))
        return false;
    const ssize_t at = str_find(rest, browsers[i].text);
    if (at == STR_NPOS || !str_from_off(rest, (size_t)at + browsers[i].skip, &rest))
        return false;
    read_version(rest, version);
    return true;
}

static bool is_netscape4(struct str agent)
{
    struct str version;
    return str_starts(agent, STR("Mozilla/")) && str_sub(agent, 8, 1, &version)
        && version.at[0] >= '1' && version.at[0] <= '4';
}

static bool is_listed_ancient(const struct conf_strs *list, struct str agent)
{
    for (unsigned i = 0; i < list->count; i++)
        if (str_eq(list->at[i], STR("netscape4")) ? is_netscape4(agent)
            : str_find(agent, list->at[i]) != STR_NPOS)
            return true;
    return false;
}

/* Opera is looked for even if it is not given: it would pass for another. */
static bool is_modern(const struct browser_conf *conf, struct str agent)
{
    const struct modern *modern = &conf->modern;
    struct version version;
    if (agent.len == 0)
        return modern->unlisted;
    for (unsigned i = 0; modern->any && i < BROWSERS; i++)
        if ((modern->given[i] || i == OPERA) && find_browser(agent, i, &version))
            return modern->given[i] && !is_older(&version, &modern->from[i]);
    return !is_listed_ancient(&conf->ancient, agent) && modern->unlisted;
}

/* data: whether it is $modern_browser. */
GETTER(browser)
{
    const struct request *r = request_of(s);
    const struct browser_conf *conf = request_conf(r, section);
    const bool modern = is_modern(conf, fields_value(&r->in.fields, FIELD_USER_AGENT));
    if (modern != (bool)entry->data)
        return value_give(out, STR(""));
    return value_give(out, modern ? conf->modern_value : conf->ancient_value);
}

/* At least three bytes of a version stand behind the name. */
GETTER(msie)
{
    const struct str agent = fields_value(&request_of(s)->in.fields, FIELD_USER_AGENT);
    const ssize_t at = str_find(agent, STR("MSIE "));
    (void)entry;
    const bool msie = at != STR_NPOS && agent.len - (size_t)at >= sizeof("MSIE 6.0") - 1
        && str_find(agent, STR("Opera")) == STR_NPOS;
    return value_give(out, msie ? STR("1") : STR(""));
}

static const struct variable variables[] = {
    { "modern_browser", get_browser, VARS_CHANGEABLE, true, "set when the browser is modern",
      NULL },
    { "ancient_browser", get_browser, VARS_CHANGEABLE, false, "set when the browser is ancient",
      NULL },
    { "msie", get_msie, VARS_CHANGEABLE, 0, "1 when the browser is Internet Explorer", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_browser_module = {
    .module = { .name = "ngx_http_browser_module", .protocol = "http", .sections = sections,
                .variables = variables },
};
