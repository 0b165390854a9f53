/*
 * Rules of rewrite on any path: what the path, the arguments and the target of a redirect become is
 * what an evaluator without slices, templates and builders makes of the same.
 * Owns the rules and the worker's part of them, made at the first input and kept.
 *
 * An input: parts that end in 0xff: the numbers of the rules to run, the path, the arguments, the
 * target as it was sent.
 */
#include "http/modules/rewrite.c"

#include <stdio.h>

enum { RULES_MOST = 8, INPUT_MOST = 1024, PATH_MOST = 4096, FULL = 256 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *regex, *replacement;
} cases[] = {
    { "^/(.*)$", "/x/$1" },
    { "(.)(.)(.*)", "/$3$2$1?$1=$2&$3" },
    { "^/([^/]*)/(.*)$", "http://h/$2/$1?a=$1" },
    { "^(?<name>.*)$", "/$name?$name?" },
    { "^/((.)*)$", "/$2$1$path$1$args$2" },
    { "^(.*)(.*)$", "$changes$1$2$changes?$1$changes$2" },
    { ".", "/%41$1%3f$2%zz%4?" },
    { "^/?(%+)(.*)", "https://$2%$1%4" },
    { "^", "$args" },
    { "(?=(.*))(.)(?<!(x))", "/$1?$3$2$1$1$1?" },
    { "a\\Kb(c)?(d)?", "${path}?b?$1?$2??" },
    { "^/?$", "?" },
};

static struct {
    struct pool pool;
    struct generation gen;
    struct local local;
    struct rewriting rules[countof(cases)];
    const struct regex *changes;
} rig;

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

/* --- variables ------------------------------------------------------------------------------- */

static struct request *request_of(struct subject *s)
{
    return container_of(s, struct request, subject);
}

static bool get_path(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    const struct request *r = request_of(s);
    *out = (struct value){ entry->data ? r->in.args : r->in.path, true };
    return true;
}

/* As a map does: its regex has groups of its own. */
static bool get_changes(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)entry;
    if (vars_match(s, rig.changes, request_of(s)->in.target) != REGEX_MATCH)
        return true;
    *out = (struct value){ regex_group(s->captures, 1), true };
    return true;
}

static const struct variable fuzz_rows[] = {
    { .name = "path", .get = get_path, .flags = VARS_VOLATILE },
    { .name = "args", .get = get_path, .flags = VARS_VOLATILE, .data = 1 },
    { .name = "changes", .get = get_changes, .flags = VARS_VOLATILE },
    { .name = NULL },
};
static const struct module variables = { .name = "fuzz", .protocol = "http",
                                        .variables = fuzz_rows };
static const struct module *const modules[] = { &variables, &http_rewrite_module.module, NULL };

/* --- the rules ------------------------------------------------------------------------------- */

static void make_rule(struct conf *cf, struct conf_word *words, unsigned i)
{
    words[1].text = str_from(cases[i].regex);
    words[2].text = str_from(cases[i].replacement);
    MUST(parse_rewrite(cf, NULL, NULL));
    rig.rules[i] = rules_of(cf->block)->last->rewriting;
}

static void make_rig(void)
{
    struct diag_list list;
    struct conf_file file = { .path = STR("fuzz") };
    struct conf_word words[3] = { { .text = STR_INIT("rewrite"), .place = { .file = &file } } };
    struct conf_node node = { .words = words, .nwords = countof(words) };
    struct conf_block block = { .scope = IN_SERVER };
    conf_register(modules);
    pool_init(&rig.pool, &pool_heap);
    diag_init(&list, &rig.pool);
    struct conf cf = { .pool = &rig.pool, .temp = &rig.pool, .diag = &list, .gen = &rig.gen,
                       .node = &node, .block = &block };
    block.conf = pool_array(&rig.pool, conf_nsections(), sizeof(void *));
    conf_own(&cf, &section);
    vars_init(&cf);
    for (unsigned i = 0; i < countof(cases); i++)
        make_rule(&cf, words, i);
    rig.changes = regex_add(&cf, STR("^(..?)"), false, 1);
    MUST(rig.changes && vars_finish(&cf) && list.errors == 0);
    rig.local.generation = &rig.gen;
    rig.local.regexes = regex_local_new(rig.gen.nregexes, false);
    MUST(rig.local.regexes);
}

/* --- the naive evaluator --------------------------------------------------------------------- */

struct naive {
    const struct request *r;
    struct regex_captures groups;       /* of the rule's match */
    bool escapes;                       /* groups, where they are to be */
    char *at;
    size_t len;
};

static void put(struct naive *n, char c)
{
    MUST(n->len < FULL);
    n->at[n->len++] = c;
}

static void put_text(struct naive *n, struct str s, bool escaped)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.at[i];
        const bool plain = c > ' ' && c < 127 && !strchr("\"#%&+;<>?\\^`{|}", c);
        put(n, !escaped || plain ? (char)c : '%');
        if (escaped && !plain) {
            put(n, hex[c / 16]);
            put(n, hex[c % 16]);
        }
    }
}

static void put_group(struct naive *n, unsigned group, bool escaped)
{
    const struct regex_captures *c = &n->groups;
    if (group < c->count && c->group[group].from <= c->group[group].to
        && c->group[group].to <= c->subject.len)
        put_text(n, str_of(c->subject.at + c->group[group].from,
                           c->group[group].to - c->group[group].from), escaped);
}

/* "^(..?)" of the target. */
static struct str first_two(struct str target)
{
    size_t len = 0;
    while (len < 2 && len < target.len && target.at[len] != '\n')
        len++;
    return str_of(target.at, len);
}

/* The variables of all cases begin with other letters. */
static const char *put_variable(struct naive *n, const char *name)
{
    const char first = *name;
    while (*name >= 'a' && *name <= 'z')
        name++;
    if (first == 'p')
        put_text(n, n->r->in.path, false);
    else if (first == 'a')
        put_text(n, n->r->in.args, false);
    else if (first == 'c')
        put_text(n, first_two(n->r->in.target), false);
    else
        put_group(n, 1, false);
    return name + (*name == '}');
}

static void put_part(struct naive *n, const char *from, const char *to, bool escaped)
{
    while (from < to) {
        if (*from != '$') {
            put(n, *from++);
            continue;
        }
        from++;
        if (*from >= '1' && *from <= '9')
            put_group(n, (unsigned)(*from++ - '0'), escaped);
        else
            from = put_variable(n, from + (*from == '{'));
    }
}

/* Two digits behind a "%", or -1. */
static int naive_byte(const char *at, size_t left)
{
    char text[3] = "";
    char *end;
    if (left < 2)
        return -1;
    memcpy(text, at, 2);
    const long byte = strtol(text, &end, 16);
    const bool good = end == text + 2 && !strchr("+- \t\n\v\f\r", text[0]);
    return good ? (int)byte : -1;
}

/* In place: the result is never longer. */
static void naive_unescape(struct naive *n)
{
    const size_t all = n->len;
    size_t i = 0;
    bool raw = false;
    n->len = 0;
    while (i < all) {
        const char c = n->at[i++];
        if (raw || c != '%') {
            put(n, c);
            raw = raw || c == '?';
            continue;
        }
        const int byte = naive_byte(n->at + i, all - i);
        if (byte > 0x25 && byte < 0x7f) {
            put(n, (char)byte);
            raw = byte == '?';
            i += 2;
        } else if (byte >= 0) {
            put(n, '%');
            put(n, n->at[i++]);
            put(n, n->at[i++]);
        } else if (i < all && strchr("0123456789abcdefABCDEF", n->at[i]) && n->at[i]) {
            i += 2;                     /* a digit, and what is none: both go */
        } else if (i < all)
            put(n, n->at[i++]);
    }
}

static bool naive_escapes(struct str target)
{
    for (size_t i = 0; i < target.len && !memchr("?#", target.at[i], 2); i++)
        if (memchr("%+", target.at[i], 2))
            return true;
    return false;
}

/* The path, or all of a redirect; then the arguments begin at the returned place. */
static size_t naive_make(struct naive *n, const char *source, bool redirect)
{
    const char *end = source + strlen(source), *mark;
    const bool drops = end[-1] == '?', args = n->r->in.args.len > 0;
    end -= drops;
    mark = memchr(source, '?', (size_t)(end - source));
    n->len = 0;
    put_part(n, source, mark ? mark : end, redirect && n->escapes);
    if (redirect)
        naive_unescape(n);
    const size_t path = n->len;
    if (redirect && (mark || (!drops && args)))
        put(n, '?');
    if (mark)
        put_part(n, mark + 1, end, n->escapes);
    if (mark && !drops && args)
        put(n, '&');
    if (!drops)
        put_text(n, n->r->in.args, false);
    return path;
}

/* --- the run --------------------------------------------------------------------------------- */

static void check_target(struct request *r, const struct rewriting *rule, const char *source,
                         struct naive *n)
{
    struct rewriting w = *rule;
    struct str to;
    w.status = 302;
    naive_make(n, source, true);
    MUST(make_target(r, &w, &to));
    MUST(str_eq(to, str_of(n->at, n->len)));
    MUST(to.at[to.len] == '\0');
}

static void check_path(struct request *r, const struct rewriting *rule, const char *source,
                       struct naive *n)
{
    struct rewriting w = *rule;
    struct str path, args;
    w.status = 0;
    const size_t at = naive_make(n, source, false);
    MUST(make_path(r, &w, &path, &args));
    MUST(str_eq(path, str_of(n->at, at)));
    MUST(str_eq(args, str_of(n->at + at, n->len - at)));
    if (path.len > 0)
        r->in.path = path;
    r->in.args = args;
}

static void run_case(struct request *r, unsigned i, char *buffer)
{
    const struct rewriting *w = &rig.rules[i];
    struct naive n = { .r = r, .at = buffer, .escapes = naive_escapes(r->in.target) };
    const char *why;
    const enum regex_result result = regex_match(&rig.local, w->regex, r->in.path, &n.groups, &why);
    const struct run run = { .r = r, .step = STEP_NEXT };
    MUST(match(&run, w->regex, r->in.path) == result);
    MUST(result == REGEX_MATCH || !r->subject.captures || result == REGEX_ERROR);
    if (result != REGEX_MATCH)
        return;
    const struct regex_captures *const captures = r->subject.captures;
    check_target(r, w, cases[i].replacement, &n);
    r->subject.captures = captures;
    check_path(r, w, cases[i].replacement, &n);
    MUST(r->subject.captures && r->subject.asking == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct log_conf silent = { .level = LOG_STDERR };
    struct pool pool;
    struct str rest = str_of(data, size), rules;
    char *buffer = malloc(FULL);
    MUST(buffer);
    if (!rig.pool.source)
        make_rig();
    pool_init(&pool, &pool_heap);
    struct request *r = pool_new(&pool, struct request);
    r->subject = (struct subject){ .pool = &pool, .local = &rig.local,
                                   .table = rig.gen.vars_http };
    r->log.conf = &silent;
    str_cut(rest, '\xff', &rules, &rest);
    str_cut(rest, '\xff', &r->in.path, &rest);
    str_cut(rest, '\xff', &r->in.args, &r->in.target);
    for (size_t i = 0; i < rules.len && i < RULES_MOST && size <= INPUT_MOST
         && r->in.path.len + r->in.args.len <= PATH_MOST; i++)
        run_case(r, (unsigned char)rules.at[i] % countof(cases), buffer);
    pool_free(&pool);
    free(buffer);
    return 0;
}
