/*
 * Locations: opening them, ordering them, choosing one for a path.
 *
 *     tree: exact ones and prefixes, sorted by name:   "/" "/a/" "/a/b" "/img/"
 *           each knows the longest other that it begins with ("up")
 *
 * The greatest name that is not greater than the path, or one of those up from it, is the longest
 * prefix of the path.  Owns nothing: all of it lies in the generation.
 */
#include "http/core_conf.h"
#include "http/trace.h"

struct location_node {
    struct str name;
    struct location *exact, *prefix;    /* NULL: none of that kind has the name */
    int up;                             /* -1: none */
};

struct location_tree {
    struct location_node *nodes;
    unsigned count;
};

/* --- opening ---------------------------------------------------------------------------------- */

static struct locations *locations_in(const struct conf_block *block)
{
    struct server *server = block->data;
    struct location *location = block->data;
    return block->scope == IN_SERVER ? &server->locations : &location->nested;
}

static bool parse_name(struct conf *cf, struct location *l)
{
    const struct str first = conf_arg(cf, 1);
    const bool two = conf_nargs(cf) == 2;
    const unsigned arg = two ? 2 : 1;
    struct str name = conf_arg(cf, arg);
    bool caseless = false;
    l->kind = LOCATION_PREFIX;
    if (two) {
        if (str_eq(first, STR("=")))
            l->kind = LOCATION_EXACT;
        else if (str_eq(first, STR("^~")))
            l->kind = LOCATION_NO_REGEX;
        else if (str_eq(first, STR("~")) || str_eq(first, STR("~*"))) {
            l->kind = LOCATION_REGEX;
            caseless = first.len == 2;
        } else
            return conf_error(cf, 1, "invalid-parameter", "invalid location modifier \"%.*s\"",
                              STR_FMT(first));
    } else if (name.len && name.at[0] == '=') {
        l->kind = LOCATION_EXACT;
        (void)!str_from_off(name, 1, &name);
    } else if (str_starts(name, STR("^~"))) {
        l->kind = LOCATION_NO_REGEX;
        (void)!str_from_off(name, 2, &name);
    } else if (name.len && name.at[0] == '~') {
        l->kind = LOCATION_REGEX;
        caseless = name.len > 1 && name.at[1] == '*';
        (void)!str_from_off(name, caseless ? 2 : 1, &name);
    } else if (name.len && name.at[0] == '@')
        l->kind = LOCATION_NAMED;
    l->name = pool_str(cf->pool, name);
    if (l->kind != LOCATION_REGEX)
        return true;
    l->regex = regex_add(cf, name, caseless, arg);
    return l->regex && vars_define_groups(cf, (struct regex *)(uintptr_t)l->regex, arg);
}

static bool check_nesting(struct conf *cf, const struct location *l)
{
    const struct location *outer = l->outer;
    if (outer->kind == LOCATION_EXACT)
        return conf_error(cf, 0, "misplaced",
                          "location \"%.*s\" cannot be inside the exact location \"%.*s\"",
                          STR_FMT(l->name), STR_FMT(outer->name));
    if (outer->kind == LOCATION_NAMED)
        return conf_error(cf, 0, "misplaced",
                          "location \"%.*s\" cannot be inside the named location \"%.*s\"",
                          STR_FMT(l->name), STR_FMT(outer->name));
    if (l->kind == LOCATION_NAMED)
        return conf_error(cf, 0, "misplaced",
                          "named location \"%.*s\" can be on the server level only",
                          STR_FMT(l->name));
    if (l->kind != LOCATION_REGEX && !str_starts(l->name, outer->name))
        return conf_error(cf, 0, "misplaced", "location \"%.*s\" is outside location \"%.*s\"",
                          STR_FMT(l->name), STR_FMT(outer->name));
    return true;
}

static bool same_kind(enum location_kind a, enum location_kind b)
{
    const bool prefix_a = a == LOCATION_PREFIX || a == LOCATION_NO_REGEX;
    const bool prefix_b = b == LOCATION_PREFIX || b == LOCATION_NO_REGEX;
    return a == b || (prefix_a && prefix_b);
}

bool http_location_open(struct conf *cf, struct conf_block *block)
{
    struct locations *siblings = locations_in(block->parent);
    struct location *l = pool_new(cf->pool, struct location), **end = &siblings->first;
    l->block = block;
    block->data = l;
    l->outer = block->parent->scope == IN_SERVER ? NULL : block->parent->data;
    if (!parse_name(cf, l) || (l->outer && !check_nesting(cf, l)))
        return false;
    for (; *end; end = &(*end)->next)
        if (l->kind != LOCATION_REGEX && same_kind((*end)->kind, l->kind)
            && str_eq((*end)->name, l->name))
            return conf_error(cf, conf_nargs(cf) == 2 ? 2 : 1, "duplicate",
                              "duplicate location \"%.*s\"", STR_FMT(l->name));
    *end = l;
    return true;
}

struct location *http_location_implicit(struct conf *cf, struct conf_block *block,
                                        enum location_kind kind)
{
    struct location *l = pool_new(cf->pool, struct location), *outer = block->parent->data;
    if (block->parent->scope == IN_SERVER)
        outer = &((struct server *)block->parent->data)->outside;
    *l = *outer;                        /* what it matched */
    l->kind = kind;
    l->block = block;
    l->outer = outer;
    l->implied = l->limited = NULL;
    l->next_implied = outer->implied;
    outer->implied = l;
    block->data = l;
    return l;
}

bool http_limit_except_open(struct conf *cf, struct conf_block *block)
{
    struct location *outer = block->parent->data;
    struct location *l = http_location_implicit(cf, block, LOCATION_LIMITED);
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const uint32_t method = request_method(conf_arg(cf, i), str_eq_ci);
        if (method == METHOD_OTHER)
            return conf_error(cf, i, "invalid-parameter", "invalid method \"%.*s\"",
                              STR_FMT(conf_arg(cf, i)));
        outer->methods |= method;
    }
    if (outer->methods & METHOD_GET)
        outer->methods |= METHOD_HEAD;
    if (outer->limited)
        return conf_error(cf, 0, "duplicate", "\"limit_except\" directive is duplicate");
    outer->limited = l;
    return true;
}

/* --- ordering --------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct location_node *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

/* Locations of one name (= /a, and /a) share a node. */
static unsigned merge_nodes(struct location_node *nodes, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        struct location_node *last = kept ? &nodes[kept - 1] : NULL;
        if (last && str_eq(last->name, nodes[i].name)) {
            last->exact = last->exact ? last->exact : nodes[i].exact;
            last->prefix = last->prefix ? last->prefix : nodes[i].prefix;
        } else
            nodes[kept++] = nodes[i];
    }
    return kept;
}

static struct location_tree *make_tree(struct conf *cf, const struct locations *list,
                                       unsigned count)
{
    struct location_tree *tree = pool_new(cf->pool, struct location_tree);
    struct location_node *n = pool_array(cf->pool, count, sizeof(*n));
    unsigned i = 0;
    for (struct location *l = list->first; l; l = l->next) {
        if (l->kind == LOCATION_REGEX || l->kind == LOCATION_NAMED)
            continue;
        n[i++] = (struct location_node){ .name = l->name,
                                         .exact = l->kind == LOCATION_EXACT ? l : NULL,
                                         .prefix = l->kind == LOCATION_EXACT ? NULL : l };
    }
    if (count)
        qsort(n, count, sizeof(*n), by_name);
    tree->nodes = n;
    tree->count = merge_nodes(n, count);
    for (i = 0; i < tree->count; i++) {
        int up = (int)i - 1;
        while (up >= 0 && !str_starts(n[i].name, n[up].name))
            up = n[up].up;
        n[i].up = up;
    }
    return tree;
}

bool http_locations_finish(struct conf *cf, struct locations *list)
{
    unsigned plain = 0;
    for (struct location *l = list->first; l; l = l->next) {
        list->nregexes += l->kind == LOCATION_REGEX;
        list->nnamed += l->kind == LOCATION_NAMED;
        plain += l->kind != LOCATION_REGEX && l->kind != LOCATION_NAMED;
    }
    list->regexes = pool_array(cf->pool, list->nregexes, sizeof(*list->regexes));
    list->named = pool_array(cf->pool, list->nnamed, sizeof(*list->named));
    list->nregexes = list->nnamed = 0;
    for (struct location *l = list->first; l; l = l->next) {
        if (l->kind == LOCATION_REGEX)
            list->regexes[list->nregexes++] = l;
        else if (l->kind == LOCATION_NAMED)
            list->named[list->nnamed++] = l;
        http_plan(cf, l);
        if (!http_locations_finish(cf, &l->nested))
            return false;
    }
    list->tree = make_tree(cf, list, plain);
    return true;
}

/* --- choosing --------------------------------------------------------------------------------- */

static void tell(const struct request *r, const struct location *l, const char *why)
{
    if (trace_on(r->trace))
        trace_step(r->trace, TRACE_LOCATION, http_trace_name(r, l), str_from(why), l->block->file,
                   l->block->line);
}

/* The last node whose name is not greater than the path; -1: none. */
static int last_not_after(const struct location_tree *tree, struct str path)
{
    unsigned low = 0, high = tree->count;
    while (low < high) {
        const unsigned middle = low + (high - low) / 2;
        if (str_cmp(tree->nodes[middle].name, path) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (int)low - 1;
}

/* "/x" where "/x/" is a location that wants its slash. */
static const struct location *with_slash(const struct location_tree *tree, int at, struct str path)
{
    for (unsigned i = (unsigned)(at + 1); i < tree->count; i++) {
        const struct location_node *n = &tree->nodes[i];
        if (!str_starts(n->name, path))
            return NULL;
        if (n->name.len == path.len + 1 && n->name.at[path.len] == '/')
            return n->prefix && n->prefix->slash ? n->prefix : NULL;
    }
    return NULL;
}

static enum locate choose_plain(struct request *r, const struct locations *list,
                                const struct location **found)
{
    const struct str path = r->in.path;
    const struct location_tree *tree = list->tree;
    int at = last_not_after(tree, path);
    const struct location *slash = with_slash(tree, at, path);
    if (at >= 0 && str_eq(tree->nodes[at].name, path) && tree->nodes[at].exact) {
        *found = tree->nodes[at].exact;
        tell(r, *found, "is the path");
        return LOCATE_FOUND;
    }
    if (slash) {
        *found = slash;
        tell(r, slash, "is the path with a slash: redirect");
        return LOCATE_SLASH;
    }
    while (at >= 0 && !(tree->nodes[at].prefix && str_starts(path, tree->nodes[at].name)))
        at = tree->nodes[at].up;
    if (at < 0)
        return LOCATE_NONE;
    *found = tree->nodes[at].prefix;
    tell(r, *found, "is the longest prefix");
    return LOCATE_NONE;
}

/* Depth is that of the configuration's own nesting. */
static enum locate choose(struct request *r, const struct locations *list,
                          const struct location **found)
{
    const struct location *prefix = NULL;
    enum locate how = choose_plain(r, list, &prefix);
    if (prefix)
        *found = prefix;
    if (how != LOCATE_NONE)
        return how;
    if (prefix && prefix->nested.first) {
        how = choose(r, &prefix->nested, found);
        if (how != LOCATE_NONE)
            return how;
    }
    if (prefix && prefix->kind == LOCATION_NO_REGEX) {
        tell(r, prefix, "is ^~: no regexes beside it");
        return LOCATE_NONE;
    }
    for (unsigned i = 0; i < list->nregexes; i++) {
        const struct location *l = list->regexes[i];
        const enum regex_result result = vars_match(&r->subject, l->regex, r->in.path);
        if (result == REGEX_ERROR)
            return LOCATE_ERROR;
        tell(r, l, result == REGEX_MATCH ? "matches" : "does not match");
        if (result == REGEX_NO_MATCH)
            continue;
        *found = l;
        how = l->nested.first ? choose(r, &l->nested, found) : LOCATE_FOUND;
        return how == LOCATE_NONE ? LOCATE_FOUND : how;
    }
    return LOCATE_NONE;
}

enum locate http_choose_location(struct request *r, const struct location **found)
{
    *found = NULL;
    const enum locate how = choose(r, &r->server->locations, found);
    if (how == LOCATE_NONE)
        tell(r, *found ? *found : &r->server->outside, *found ? "is chosen" : "has no location");
    else if (how == LOCATE_FOUND)
        tell(r, *found, "is chosen");
    return how == LOCATE_NONE && *found ? LOCATE_FOUND : how;
}

const struct location *http_named_location(const struct server *server, struct str name)
{
    for (unsigned i = 0; i < server->locations.nnamed; i++)
        if (str_eq(server->locations.named[i]->name, name))
            return server->locations.named[i];
    return NULL;
}
