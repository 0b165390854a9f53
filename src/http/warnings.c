/*
 * Warnings about configurations that nginx takes without a word: each has been somebody's mistake.
 * Owns nothing: what it makes lies in the temporary pool of the run.
 */
#include "http/warnings.h"

#include "core/number.h"
#include "core/regex.h"
#include "core/regex_shape.h"
#include "http/http.h"

struct level {
    const struct level *up;
    const struct conf_block *block;
    const struct conf_node *nodes;      /* all that stands in it */
    const struct conf_node **at;        /* those without a block */
    unsigned count;
};

/* --- looking at statements -------------------------------------------------------------------- */

static bool is(const struct conf_node *node, const char *name)
{
    return str_eq(node->words[0].text, str_from(name));
}

static bool is_one_of(const struct conf_node *node, const char *const *names)
{
    for (; *names; names++)
        if (is(node, *names))
            return true;
    return false;
}

static struct str word(const struct conf_node *node, unsigned i)
{
    return i < node->nwords ? node->words[i].text : STR("");
}

static const struct conf_node *find(const struct level *level, const char *name)
{
    for (unsigned i = 0; i < level->count; i++)
        if (is(level->at[i], name))
            return level->at[i];
    return NULL;
}

/* Here, or in what is around it. */
static const struct conf_node *find_up(const struct level *level, const char *name)
{
    const struct conf_node *found = NULL;
    for (; level && !found; level = level->up)
        found = find(level, name);
    return found;
}

static struct level *new_level(struct conf *cf, const struct level *up,
                               const struct conf_block *block)
{
    struct level *level = pool_new(cf->temp, struct level);
    unsigned count = 0;
    level->up = up;
    level->block = block;
    level->nodes = block->node->children;
    for (const struct conf_node *n = level->nodes; n; n = n->next)
        count += !n->block;
    level->at = pool_array(cf->temp, count, sizeof(*level->at));
    for (const struct conf_node *n = level->nodes; n; n = n->next)
        if (!n->block)
            level->at[level->count++] = n;
    return level;
}

/* The place of the warning: a word of this statement. */
#define WARN(cf, statement, i, code, ...) \
    ((cf)->node = (statement), conf_diag(cf, DIAG_WARN, i, code, __VA_ARGS__))

/* --- lost-add-header -------------------------------------------------------------------------- */

static struct str inherit_mode(const struct level *level)
{
    const struct conf_node *node = find_up(level, "add_header_inherit");
    return node ? word(node, 1) : STR("on");
}

static bool adds(const struct level *level, struct str name, const struct conf_node *before)
{
    for (unsigned i = 0; i < level->count && level->at[i] != before; i++)
        if (is(level->at[i], "add_header") && str_eq_ci(word(level->at[i], 1), name))
            return true;
    return false;
}

/* Appends what `outer` adds and `level` does not; the first of these. */
static const struct conf_node *list_lost(const struct level *level, const struct level *outer,
                                         struct fmt *f)
{
    const struct conf_node *first = NULL;
    for (unsigned i = 0; i < outer->count; i++) {
        const struct conf_node *node = outer->at[i];
        const struct str name = word(node, 1);
        if (!is(node, "add_header") || str_empty(word(node, 2)) || adds(level, name, NULL)
            || adds(outer, name, node))
            continue;
        fmt_print(f, "%s\"%.*s\"", f->len ? ", " : "", STR_FMT(name));
        first = first ? first : node;
    }
    return first;
}

static void warn_of_lost_headers(struct conf *cf, const struct level *level)
{
    const struct conf_node *const own = find(level, "add_header"), *lost = NULL;
    struct fmt f;
    if (!own || !str_eq(inherit_mode(level), STR("on")))
        return;
    fmt_init_pool(&f, cf->temp, 64, 4096);
    for (const struct level *outer = level->up; outer; outer = outer->up) {
        const struct conf_node *first = list_lost(level, outer, &f);
        lost = lost ? lost : first;
        const struct str mode = inherit_mode(outer);
        if (str_eq(mode, STR("off"))
            || (find(outer, "add_header") && !str_eq(mode, STR("merge"))))
            break;
    }
    if (!lost)
        return;
    struct diag *d = WARN(cf, own, 0, "lost-add-header", "with \"add_header\" here, the outer %s "
                          "%s not added", fmt_done(&f).at,
                          str_chr(fmt_done(&f), ',') < 0 ? "is" : "are");
    diag_note_at(cf->diag, d, lost->words[0].place,
                 "this is for places that have no \"add_header\" of their own");
    diag_note(cf->diag, d, "\"add_header_inherit merge;\" adds both; or repeat it here");
}

/* --- if-pitfall ------------------------------------------------------------------------------- */

static bool redirects(const struct conf_node *rewrite)
{
    static const struct str urls[] = { STR_INIT("http://"), STR_INIT("https://"),
                                       STR_INIT("$scheme") };
    const struct str flag = word(rewrite, 3);
    for (unsigned i = 0; i < countof(urls); i++)
        if (str_starts(word(rewrite, 2), urls[i]))
            return true;
    return str_eq(flag, STR("redirect")) || str_eq(flag, STR("permanent"));
}

/* The request goes on in the `if`, which is a location of its own. */
static bool stays(const struct conf_node *block)
{
    for (const struct conf_node *n = block->children; n; n = n->next)
        if (is(n, "return") || (is(n, "rewrite") && !str_eq(word(n, 3), STR("break"))))
            return false;
    return true;
}

/* A directive of the block that is no rule. */
static const struct conf_node *next_setting(const struct conf_node *node)
{
    static const char *const rules[] = { "set", "break", "rewrite", "return", "rewrite_log",
                                         "uninitialized_variable_warn", NULL };
    while (node && is_one_of(node, rules))
        node = node->next;
    return node;
}

static const struct conf_node *child(const struct conf_node *block, struct str name)
{
    const struct conf_node *n = block->children;
    while (n && !str_eq(n->words[0].text, name))
        n = n->next;
    return n;
}

/* "$x" of "($x = 1)"; of a file, its test. */
static struct str subject_of(const struct conf_node *condition)
{
    struct str first = word(condition, 1);
    if (str_starts(first, STR("(")) && first.len > 1)
        (void)!str_from_off(first, 1, &first);
    else
        first = word(condition, 2);
    if (str_ends(first, STR(")")))
        first.len--;
    return first;
}

/* What the earlier `if` says and the later one does not.  Conditions about one thing are often
 * such that only one of them can be true. */
static const struct conf_node *overruled(const struct conf_node *early,
                                         const struct conf_node *late)
{
    static const char *const lists[] = { "add_header", "add_trailer", NULL };
    const struct str subject = subject_of(early);
    if (!stays(late) || (str_starts(subject, STR("$")) && str_eq(subject, subject_of(late))))
        return NULL;
    for (const struct conf_node *n = next_setting(early->children); n; n = next_setting(n->next))
        if (is_one_of(n, lists) || !child(late, n->words[0].text))
            return n;
    return NULL;
}

static void warn_of_several_ifs(struct conf *cf, const struct conf_node *early)
{
    if (!stays(early) || child(early, STR("break")))
        return;
    for (const struct conf_node *late = early->next; late; late = late->next) {
        const struct conf_node *lost = is(late, "if") ? overruled(early, late) : NULL;
        if (!lost)
            continue;
        struct diag *d = WARN(cf, lost, 0, "if-pitfall", "\"%.*s\" does nothing when a later "
                              "\"if\" is true too", STR_FMT(word(lost, 0)));
        diag_note_at(cf->diag, d, late->words[0].place,
                     "a request goes on in the last \"if\" that is true, without the others");
        diag_note(cf->diag, d, "give a variable its value by \"map\" or \"set\", and use it "
                  "outside of \"if\"");
        return;
    }
}

static void warn_of_ifs(struct conf *cf, const struct level *level)
{
    const struct conf_node *const files = find(level, "try_files");
    if (level->block->scope != IN_LOCATION)
        return;
    for (const struct conf_node *n = level->nodes; n; n = n->next) {
        if (!is(n, "if"))
            continue;
        warn_of_several_ifs(cf, n);
        if (!files || !stays(n))
            continue;
        struct diag *d = WARN(cf, n, 0, "if-pitfall", "where this \"if\" is true, \"try_files\" of "
                              "its location does nothing");
        diag_note_at(cf->diag, d, files->words[0].place, "it is not inherited by \"if\"");
        diag_note(cf->diag, d, "give a variable its value by \"map\"; or leave the location in "
                  "\"if\", by \"return\" or \"rewrite ... last\"");
    }
}

/* --- unanchored-host-regex -------------------------------------------------------------------- */

static void warn_of_host(struct conf *cf, const struct conf_node *node, unsigned i,
                         struct str pattern, bool anchors)
{
    struct regex_shape shape;
    if (!regex_shape(pattern, true, &shape) || !shape.literal)
        return;
    const bool start = anchors && shape.open_start, end = anchors && shape.open_end;
    if (!start && !end && shape.dot < 0)
        return;
    struct diag *d = WARN(cf, node, i, "unanchored-host-regex",
                          "the regex \"%.*s\" matches more host names than it shows",
                          STR_FMT(pattern));
    if (start)
        diag_note(cf->diag, d, "without \"^\", also those that only end so: begin it with \"^\"");
    if (end)
        diag_note(cf->diag, d, "without \"$\", also those that only begin so: end it with \"$\"");
    if (shape.dot >= 0)
        diag_note(cf->diag, d, "\".\" is any character: write \"\\.\" for a dot");
}

static bool is_host(struct str variable)
{
    return str_eq(variable, STR("$host")) || str_eq(variable, STR("$http_host"));
}

static void warn_of_names(struct conf *cf, const struct conf_node *node)
{
    struct str pattern;
    for (unsigned i = 1; i < node->nwords; i++)
        if (str_starts(word(node, i), STR("~")) && str_from_off(word(node, i), 1, &pattern))
            warn_of_host(cf, node, i, pattern, true);
}

/* if ($host ~ regex): a part of the name is often what is meant, so anchors are not asked for. */
static void warn_of_condition(struct conf *cf, const struct conf_node *node)
{
    const unsigned operator = str_eq(word(node, 1), STR("(")) ? 3 : 2;
    const struct str how = word(node, operator);
    struct str pattern = word(node, operator + 1);
    if (!is_host(subject_of(node)) || str_chr(how, '~') < 0)
        return;
    if (operator + 2 == node->nwords && str_ends(pattern, STR(")")))
        pattern.len--;
    warn_of_host(cf, node, operator + 1, pattern, false);
}

static void warn_of_map(struct conf *cf, const struct conf_node *node)
{
    struct str pattern;
    if (!is_host(word(node, 1)))
        return;
    for (const struct conf_node *n = node->children; n; n = n->next)
        if (str_starts(word(n, 0), STR("~"))
            && str_from_off(word(n, 0), str_starts(word(n, 0), STR("~*")) ? 2 : 1, &pattern))
            warn_of_host(cf, n, 0, pattern, false);
}

/* --- uri-in-redirect -------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool uses(struct str text, struct str name)
{
    struct str rest = text, before;
    while (str_cut(rest, '$', &before, &rest)) {
        const bool braces = str_starts(rest, STR("{"));
        struct str behind = rest;
        if (braces)
            (void)!str_from_off(behind, 1, &behind);
        if (str_starts(behind, name) && str_from_off(behind, name.len, &behind)
            && (braces ? str_starts(behind, STR("}"))
                       : str_empty(behind) || !is_name_char(*behind.at)))
            return true;
    }
    return false;
}

static bool is_redirect(struct str status)
{
    static const struct str all[] = { STR_INIT("301"), STR_INIT("302"), STR_INIT("303"),
                                      STR_INIT("307"), STR_INIT("308") };
    for (unsigned i = 0; i < countof(all); i++)
        if (str_eq(status, all[i]))
            return true;
    return false;
}

/* There it is what the configuration says. */
static bool in_exact_location(const struct level *level)
{
    for (; level; level = level->up)
        if (level->block->scope == IN_LOCATION
            && ((const struct location *)level->block->data)->kind == LOCATION_EXACT)
            return true;
    return false;
}

static void warn_of_uri(struct conf *cf, const struct level *level, const struct conf_node *node)
{
    static const struct str names[] = { STR_INIT("uri"), STR_INIT("document_uri") };
    unsigned target = 0;
    if (in_exact_location(level))
        return;
    if (is(node, "return") && (node->nwords == 2 || is_redirect(word(node, 1))))
        target = node->nwords - 1;
    else if (is(node, "rewrite") && redirects(node))
        target = 2;
    for (unsigned i = 0; target && i < countof(names); i++) {
        if (!uses(word(node, target), names[i]))
            continue;
        struct diag *d = WARN(cf, node, target, "uri-in-redirect", "\"$%.*s\" is decoded: "
                              "\"%%0d%%0a\" of a request is a line end in this redirect",
                              STR_FMT(names[i]));
        diag_note(cf->diag, d, "weir cuts the redirect there; nginx sends what follows as fields "
                  "of the answer");
        diag_note(cf->diag, d, "write \"%s\": the path and the arguments as the client sent them",
                  is(node, "return") ? "$request_uri" : "return 301 ...$request_uri;");
        return;
    }
}

/* --- no-effect -------------------------------------------------------------------------------- */

static bool is_on(const struct conf_node *node)
{
    return node && !str_eq(word(node, 1), STR("off"));
}

static bool on_inside(const struct conf_node *block, const char *name)
{
    for (const struct conf_node *n = block->children; n; n = n->next)
        if ((is(n, name) && is_on(n)) || (n->block && on_inside(n, name)))
            return true;
    return false;
}

/* A file that is included in several places may have an effect in another one. */
static void warn_of_switches(struct conf *cf, const struct level *level,
                             const struct conf_node *node)
{
    static const struct {
        const char *name, *by;
    } all[] = {
        { "gzip_types", "gzip" }, { "gzip_comp_level", "gzip" }, { "gzip_min_length", "gzip" },
        { "brotli_types", "brotli" }, { "brotli_comp_level", "brotli" },
        { "brotli_min_length", "brotli" }, { "zstd_types", "zstd" }, { "zstd_comp_level", "zstd" },
        { "zstd_min_length", "zstd" }, { "ssi_types", "ssi" }, { "ssi_silent_errors", "ssi" },
        { "ssi_last_modified", "ssi" }, { "ssi_value_length", "ssi" },
        { "sub_filter_types", "sub_filter" }, { "sub_filter_once", "sub_filter" },
        { "sub_filter_last_modified", "sub_filter" }, { "autoindex_exact_size", "autoindex" },
        { "autoindex_format", "autoindex" }, { "autoindex_localtime", "autoindex" },
        { "auth_basic_user_file", "auth_basic" }, { "auth_request_set", "auth_request" },
    };
    for (unsigned i = 0; i < countof(all); i++) {
        if (!is(node, all[i].name) || is_on(find_up(level, all[i].by))
            || on_inside(level->block->node, all[i].by) || node->words[0].place.file->repeated)
            continue;
        struct diag *d = WARN(cf, node, 0, "no-effect",
                              "\"%s\" does nothing: \"%s\" is neither on here nor inside",
                              all[i].name, all[i].by);
        diag_note(cf->diag, d, "add \"%s\", or remove this", all[i].by);
    }
}

/* Rules that may end the others, or change where the request goes. */
static bool may_break(const struct conf_node *node)
{
    if (is(node, "break") || is(node, "rewrite"))
        return true;
    for (const struct conf_node *n = is(node, "if") ? node->children : NULL; n; n = n->next)
        if (may_break(n))
            return true;
    return false;
}

/* The `return` that every request comes to which comes here; NULL: there is none. */
static const struct conf_node *certain_return(const struct level *level)
{
    for (const struct conf_node *n = level->nodes; n && !may_break(n); n = n->next)
        if (is(n, "return"))
            return n;
    return NULL;
}

static void warn_behind_return(struct conf *cf, const struct level *level)
{
    static const char *const rules[] = { "set", "break", "rewrite", "return", "if", NULL };
    const struct conf_node *const answer = find(level, "return");
    const struct conf_node *n = answer ? answer->next : NULL;
    while (n && !is_one_of(n, rules))
        n = n->next;
    if (!n)
        return;
    struct diag *d = WARN(cf, n, 0, "no-effect", "\"%.*s\" does nothing behind \"return\"",
                          STR_FMT(word(n, 0)));
    diag_note_at(cf->diag, d, answer->words[0].place, "this answers each request that comes here");
    diag_note(cf->diag, d, "remove it, or put it before");
}

static const struct location *next_location(const struct conf_block *block)
{
    while (block && block->scope != IN_LOCATION)
        block = block->next;
    return block ? block->data : NULL;
}

/* The locations of a server or location, in the order of the text. */
#define EACH_LOCATION(l, parent) \
    (const struct location *l = next_location((parent)->children); l; \
     l = next_location(l->block->next))

static void warn_of_returning_server(struct conf *cf, const struct level *level)
{
    const struct conf_node *const answer = certain_return(level);
    if (!answer)
        return;
    for EACH_LOCATION(l, level->block) {
        if (l->kind == LOCATION_NAMED)
            continue;
        struct diag *d = WARN(cf, answer, 0, "no-effect", "with \"return\" in the server, no "
                              "location is ever chosen");
        diag_note_at(cf->diag, d, l->block->node->words[0].place, "such as this one");
        diag_note(cf->diag, d, "put the \"return\" into \"location /\"");
        return;
    }
}

/* "deny all; return 404;" is meant, and a whole place that answers 503 for a while. */
static bool refuses(const struct conf_node *answer)
{
    const struct str status = word(answer, 1);
    return status.len == 3 && (*status.at == '4' || *status.at == '5');
}

static bool is_neutral(const struct conf_node *node)
{
    return str_eq(word(node, 1), STR("off"))
        || (is(node, "allow") && str_eq(word(node, 1), STR("all")));
}

static void warn_of_returning_location(struct conf *cf, const struct level *level)
{
    static const char *const later[] = {
        "allow", "deny", "auth_basic", "auth_request", "limit_req", "limit_conn", "try_files",
        "index", "autoindex", "random_index", "stub_status", "empty_gif", "mirror", "proxy_pass",
        "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", NULL
    };
    const struct conf_node *const answer = certain_return(level);
    const struct conf_node *n = answer && !refuses(answer) ? level->nodes : NULL;
    /* What is inside inherits the directives, but not the `return`. */
    if (next_location(level->block->children) || child(level->block->node, STR("limit_except")))
        return;
    while (n && (!is_one_of(n, later) || is_neutral(n)))
        n = n->next;
    if (!n)
        return;
    struct diag *d = WARN(cf, n, 0, "no-effect", "\"%.*s\" does nothing: \"return\" answers first",
                          STR_FMT(word(n, 0)));
    diag_note_at(cf->diag, d, answer->words[0].place,
                 "it comes before access control, limits, files and other servers");
    diag_note(cf->diag, d, "remove it; or write \"try_files /- @name;\" and put the \"return\" "
              "into \"location @name\", to answer behind it");
}

static const struct location *takes_all(const struct conf_block *server)
{
    for EACH_LOCATION(l, server)
        if ((l->kind == LOCATION_PREFIX || l->kind == LOCATION_NO_REGEX)
            && str_eq(l->name, STR("/")))
            return l;
    return NULL;
}

static void warn_of_server_files(struct conf *cf, const struct level *level)
{
    const struct conf_node *const files = find(level, "try_files");
    const struct location *l = files ? takes_all(level->block) : NULL;
    if (!l)
        return;
    struct diag *d = WARN(cf, files, 0, "no-effect", "\"try_files\" does nothing here: each "
                          "request has a location");
    diag_note_at(cf->diag, d, l->block->node->words[0].place,
                 "\"location /\" does not inherit it: put it there");
}

static bool matches_all(struct str regex)
{
    static const struct str all[] = {
        STR_INIT(""), STR_INIT("."), STR_INIT(".*"), STR_INIT("^"), STR_INIT("/"), STR_INIT("^/"),
        STR_INIT("^.*"), STR_INIT("^/.*"), STR_INIT("(.*)"), STR_INIT("^(.*)"), STR_INIT("^/(.*)"),
    };
    for (unsigned i = 0; i < countof(all); i++)
        if (str_eq(regex, all[i]))
            return true;
    return false;
}

/* A regex location beside it that is always chosen in its place. */
static const struct location *rival(const struct conf_block *parent, const struct location *l)
{
    const bool plain = l->kind == LOCATION_PREFIX && !next_location(l->block->children);
    if (l->kind != LOCATION_REGEX && !plain)
        return NULL;
    for EACH_LOCATION(other, parent) {
        if (other == l && !plain)
            return NULL;
        if (other->kind != LOCATION_REGEX)
            continue;
        if (matches_all(other->name)
            || (!plain && str_eq(other->name, l->name)
                && (other->regex->caseless || !l->regex->caseless)))
            return other;
    }
    return NULL;
}

static void warn_of_rivals(struct conf *cf, const struct level *level)
{
    for EACH_LOCATION(l, level->block) {
        const struct location *other = rival(level->block, l);
        if (!other)
            continue;
        const struct conf_node *node = l->block->node;
        struct diag *d = WARN(cf, node, 0, "no-effect", "location \"%.*s\" is never chosen",
                              STR_FMT(l->name));
        diag_note_at(cf->diag, d, other->block->node->words[0].place,
                     l->kind == LOCATION_REGEX ? "this regex matches all that it does, and stands "
                     "before it" : "this regex matches every path");
        if (l->kind == LOCATION_REGEX)
            diag_note(cf->diag, d, "remove it, or put it before");
        else
            diag_note(cf->diag, d, "\"location ^~ %.*s\" is chosen in spite of regexes",
                      STR_FMT(l->name));
    }
}

/* --- all blocks ------------------------------------------------------------------------------- */

static void visit_statements(struct conf *cf, const struct level *level)
{
    for (const struct conf_node *n = level->nodes; n; n = n->next) {
        if (is(n, "server_name"))
            warn_of_names(cf, n);
        else if (is(n, "if"))
            warn_of_condition(cf, n);
        else if (is(n, "map"))
            warn_of_map(cf, n);
        else if (is(n, "return") || is(n, "rewrite"))
            warn_of_uri(cf, level, n);
        else
            warn_of_switches(cf, level, n);
    }
}

static void visit(struct conf *cf, const struct level *up, const struct conf_block *block)
{
    const enum conf_scope scope = block->scope;
    if (!(scope & (IN_HSL | IN_SERVER_IF | IN_LOCATION_IF | IN_LIMIT_EXCEPT)))
        return;
    const struct level *level = new_level(cf, up, block);
    visit_statements(cf, level);
    warn_of_lost_headers(cf, level);
    warn_of_ifs(cf, level);
    warn_behind_return(cf, level);
    if (scope == IN_SERVER) {
        warn_of_returning_server(cf, level);
        warn_of_server_files(cf, level);
    }
    if (scope == IN_LOCATION)
        warn_of_returning_location(cf, level);
    if (scope & (IN_SERVER | IN_LOCATION))
        warn_of_rivals(cf, level);
    for (const struct conf_block *inner = block->children; inner; inner = inner->next)
        visit(cf, level, inner);
}

void http_warnings(struct conf *cf)
{
    for (const struct conf_block *block = cf->root->children; block; block = block->next)
        visit(cf, NULL, block);
    cf->node = NULL;
}
