/*
 * ngx_http_rewrite_module: rewrite, if, set, break, return.
 * Owns nothing: rules lie in the generation, values in the request's pool.
 *
 *     server or location --> rule -> rule -> if -> rule -> rule -> rule
 *                                            \----- not true ------^
 *
 * The rules of a block are one list in the order of the text, those inside an `if` among them: what
 * stands behind an `if` is run too.  An `if` in a location is an implicit location besides, and the
 * request goes on in the last one that was true.
 */
#include "core/escape.h"
#include "core/generation.h"
#include "core/number.h"
#include "http/core_conf.h"
#include "http/file.h"
#include "http/response.h"
#include "http/trace.h"

enum rewrite_flag { FLAG_NONE, FLAG_LAST, FLAG_BREAK };

struct rewriting {
    const struct regex *regex;
    struct template path, args;         /* what is before and behind the first "?" */
    bool has_args;                      /* there is one */
    bool drops_args;                    /* it ends in "?": those of the request go */
    unsigned status;                    /* of a redirect; 0: it is none */
    enum rewrite_flag flag;
};

enum condition_kind { CONDITION_TRUE, CONDITION_EQUAL, CONDITION_REGEX, CONDITION_FILE };

struct condition {
    enum condition_kind kind;
    bool negative;
    unsigned variable;                  /* but for files */
    const struct regex *regex;
    struct template text;               /* what it is compared with; the path of a file */
    char test;                          /* -f -d -e -x */
};

enum rule_kind { RULE_REWRITE, RULE_IF, RULE_SET, RULE_BREAK, RULE_RETURN };

struct rule {
    struct rule *next;
    enum rule_kind kind;
    struct str text, file;              /* the statement, and where it stands: for traces */
    unsigned line;
    union {
        struct rewriting rewriting;
        struct {
            struct condition condition;
            const struct rule *last;    /* inside the block; the `if` itself: it is empty */
            const struct location *location;    /* NULL: an `if` of a server */
        };
        struct {
            unsigned variable;
            struct template value;
        };
        struct {
            unsigned status;
            bool has_text;
            struct template answer;
        };
    };
};

struct rules {
    struct rule *first, *last;
};

struct rewrite_conf {
    struct conf_set set;
    struct rules rules;                 /* empty in an `if`: they are its parent's */
    bool log, warn;
};

static struct section section;

/* --- rules of the configuration --------------------------------------------------------------- */

static struct str statement_text(struct conf *cf)
{
    struct fmt f;
    fmt_init_pool(&f, cf->pool, 64, 65536);
    for (unsigned i = 0; i < cf->node->nwords; i++) {
        if (i > 0)
            fmt_char(&f, ' ');
        fmt_str(&f, conf_arg(cf, i));
    }
    return fmt_done(&f);
}

static struct str file_name(struct conf *cf)
{
    const struct str path = cf->node->words[0].place.file->path;
    return str_eq(path, cf->block->file) ? cf->block->file : pool_str(cf->pool, path);
}

static struct rules *rules_of(const struct conf_block *block)
{
    if (block->scope & (IN_SERVER_IF | IN_LOCATION_IF))
        block = block->parent;
    return &((struct rewrite_conf *)conf_of(block, section))->rules;
}

static struct rule *add_rule(struct conf *cf, enum rule_kind kind)
{
    struct rules *rules = rules_of(cf->block);
    struct rule *rule = pool_new(cf->pool, struct rule);
    rule->kind = kind;
    rule->text = statement_text(cf);
    rule->file = file_name(cf);
    rule->line = cf->node->words[0].place.line;
    if (rules->last)
        rules->last->next = rule;
    else
        rules->first = rule;
    rules->last = rule;
    return rule;
}

static const struct regex *add_regex(struct conf *cf, struct str pattern, bool caseless,
                                     unsigned arg)
{
    struct regex *regex = regex_add(cf, pattern, caseless, arg);
    return regex && vars_define_groups(cf, regex, arg) ? regex : NULL;
}

static bool is_url(struct str s)
{
    return str_starts(s, STR("http://")) || str_starts(s, STR("https://")) ||
           str_starts(s, STR("$scheme"));
}

/* --- rewrite ---------------------------------------------------------------------------------- */

static bool parse_flag(struct conf *cf, struct rewriting *w)
{
    const struct str word = conf_arg(cf, 3);
    if (str_eq(word, STR("last")))
        w->flag = FLAG_LAST;
    else if (str_eq(word, STR("break")))
        w->flag = FLAG_BREAK;
    else if (str_eq(word, STR("redirect")))
        w->status = 302;
    else if (str_eq(word, STR("permanent")))
        w->status = 301;
    else
        return conf_error(cf, 3, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(word));
    return true;
}

static bool parse_replacement(struct conf *cf, struct rewriting *w)
{
    struct str path = conf_arg(cf, 2), args;
    if (path.len == 0)
        return conf_error(cf, 2, "invalid-value", "empty replacement");
    w->status = is_url(path) ? 302 : 0;
    w->drops_args = path.at[path.len - 1] == '?';
    path.len -= w->drops_args;
    w->has_args = str_cut(path, '?', &path, &args);
    return template_compile(cf, &w->path, path, 2) && template_compile(cf, &w->args, args, 2);
}

static bool parse_rewrite(struct conf *cf, void *field, const void *arg)
{
    struct rewriting *w = &add_rule(cf, RULE_REWRITE)->rewriting;
    (void)field;
    (void)arg;
    w->regex = add_regex(cf, conf_arg(cf, 1), false, 1);
    return w->regex && parse_replacement(cf, w) && (conf_nargs(cf) == 2 || parse_flag(cf, w));
}

/* --- set, break, return ----------------------------------------------------------------------- */

static bool get_unset(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    const struct request *r = container_of(s, struct request, subject);
    const struct rewrite_conf *conf = request_conf(r, section);
    if (conf->warn)
        log_write(&r->log, LOG_WARN, 0, "using uninitialized \"%.*s\" variable",
                  STR_FMT(entry->name));
    *out = (struct value){ STR(""), true };
    return true;
}

/* What has a value without being set keeps it: $arg_x, $args, those of a map. */
static bool define(struct conf *cf, unsigned arg, unsigned *variable)
{
    struct str name;
    if (!vars_arg(cf, arg, &name))
        return false;
    *variable = vars_use(cf, name, arg);
    if (cf->pool->failed)
        return false;
    const struct vars_entry *entry = vars_table(cf)->at[*variable];
    if (entry->get && (entry->flags & VARS_CHANGEABLE) && !(entry->flags & VARS_WEAK))
        return true;
    return vars_define(cf, name, arg, get_unset, 0, 0) != NULL;
}

static bool parse_set(struct conf *cf, void *field, const void *arg)
{
    struct rule *rule = add_rule(cf, RULE_SET);
    (void)field;
    (void)arg;
    return define(cf, 1, &rule->variable) &&
           template_compile(cf, &rule->value, conf_arg(cf, 2), 2);
}

static bool parse_break(struct conf *cf, void *field, const void *arg)
{
    (void)field;
    (void)arg;
    add_rule(cf, RULE_BREAK);
    return true;
}

static bool parse_return(struct conf *cf, void *field, const void *arg)
{
    struct rule *rule = add_rule(cf, RULE_RETURN);
    const struct str first = conf_arg(cf, 1);
    uint32_t status = 302;
    unsigned text = 2;
    (void)field;
    (void)arg;
    if (conf_nargs(cf) == 1 && is_url(first))
        text = 1;
    else if (!number_u32(first, &status) || status > 999)
        return conf_error(cf, 1, "invalid-value", "invalid return code \"%.*s\"",
                          STR_FMT(first));
    rule->status = status;
    rule->has_text = conf_nargs(cf) >= text;
    return !rule->has_text || template_compile(cf, &rule->answer, conf_arg(cf, text), text);
}

/* --- if --------------------------------------------------------------------------------------- */

/* The words of a condition, without the brackets around them. */
struct words {
    struct str first, last;
    unsigned at, count;                 /* the number of the first; how many there are */
};

static bool invalid_condition(struct conf *cf, const struct words *w)
{
    return conf_error(cf, w->at, "invalid-condition", "invalid condition \"%.*s\"",
                      STR_FMT(w->first));
}

static bool take_brackets(struct conf *cf, struct words *w)
{
    unsigned end = conf_nargs(cf);
    *w = (struct words){ .first = conf_arg(cf, 1), .at = 1 };
    if (!str_starts(w->first, STR("(")))
        return invalid_condition(cf, w);
    if (w->first.len > 1)
        (void)!str_from_off(w->first, 1, &w->first);
    else if (w->at == end)
        return invalid_condition(cf, w);
    else
        w->first = conf_arg(cf, ++w->at);
    w->last = end == w->at ? w->first : conf_arg(cf, end);
    if (!str_ends(w->last, STR(")")))
        return invalid_condition(cf, w);
    if (w->last.len > 1)
        w->last.len--;
    else if (end-- == w->at)
        return invalid_condition(cf, w);
    else
        w->last = end == w->at ? w->first : conf_arg(cf, end);
    w->count = end - w->at + 1;
    if (w->count == 1)
        w->first = w->last;
    return true;
}

static bool parse_comparison(struct conf *cf, const struct words *w, struct condition *c)
{
    struct str operator = conf_arg(cf, w->at + 1);
    const unsigned arg = w->at + 2;
    c->negative = str_starts(operator, STR("!"));
    if (c->negative)
        (void)!str_from_off(operator, 1, &operator);
    if (str_eq(operator, STR("="))) {
        c->kind = CONDITION_EQUAL;
        return template_compile(cf, &c->text, w->last, arg);
    }
    c->kind = CONDITION_REGEX;
    if (!str_eq(operator, STR("~")) && !str_eq(operator, STR("~*")))
        return conf_error(cf, w->at + 1, "invalid-condition", "unexpected \"%.*s\" in condition",
                          STR_FMT(conf_arg(cf, w->at + 1)));
    c->regex = add_regex(cf, w->last, operator.len == 2, arg);
    return c->regex != NULL;
}

static bool parse_file_test(struct conf *cf, const struct words *w, struct condition *c)
{
    struct str test = w->first;
    c->kind = CONDITION_FILE;
    c->negative = str_starts(test, STR("!"));
    if (c->negative)
        (void)!str_from_off(test, 1, &test);
    if (w->count != 2 || test.len != 2 || test.at[0] != '-' || str_chr(STR("fdex"), test.at[1]) < 0)
        return invalid_condition(cf, w);
    c->test = test.at[1];
    return template_compile(cf, &c->text, w->last, w->at + 1);
}

static bool parse_condition(struct conf *cf, struct condition *c)
{
    struct words w;
    struct str name;
    if (!take_brackets(cf, &w))
        return false;
    if (w.first.len < 2 || w.first.at[0] != '$')
        return parse_file_test(cf, &w, c);
    if (w.count != 1 && w.count != 3)
        return invalid_condition(cf, &w);
    (void)!str_from_off(w.first, 1, &name);
    c->kind = CONDITION_TRUE;
    c->variable = vars_use(cf, name, w.at);
    return w.count == 1 || parse_comparison(cf, &w, c);
}

static bool open_in_location(struct conf *cf, struct conf_block *block)
{
    http_location_implicit(cf, block, LOCATION_IF);
    rules_of(block)->last->location = block->data;
    return true;
}

static const struct conf_block_kind if_in_server = { IN_SERVER_IF, NULL, NULL };
static const struct conf_block_kind if_in_location = { IN_LOCATION_IF, open_in_location, NULL };

static bool parse_if(struct conf *cf, void *field, const void *arg)
{
    struct rule *rule = add_rule(cf, RULE_IF);
    (void)field;
    (void)arg;
    const bool good = parse_condition(cf, &rule->condition);
    const bool inside = conf_enter(cf, cf->block->scope == IN_SERVER ? &if_in_server
                                                                     : &if_in_location, NULL);
    rule->last = rules_of(cf->block)->last;
    return good && inside;
}

/* --- what a replacement becomes --------------------------------------------------------------- */

/* Whether the path was sent with escapes, or with what they are often used for. */
static bool was_escaped(const struct request *r)
{
    const struct str target = r->in.target;
    for (size_t i = 0; i < target.len && target.at[i] != '?' && target.at[i] != '#'; i++)
        if (target.at[i] == '%' || target.at[i] == '+')
            return true;
    return false;
}

static bool escape_groups(const struct regex_captures *from, struct pool *pool,
                          struct regex_captures *to)
{
    struct fmt f;
    fmt_init_pool(&f, pool, 64, TEMPLATE_LIMIT);
    to->count = from->count;
    for (unsigned i = 0; i < from->count; i++) {
        to->group[i].from = (uint32_t)f.len;
        if (i > 0)                      /* the whole match has no name in templates */
            escape_uri(&f, regex_group(from, i), ESCAPE_ARGS);
        to->group[i].to = (uint32_t)f.len;
    }
    to->subject = fmt_done(&f);
    return !f.failed;
}

/* With these groups, also when variables on the way match regexes; what the last of those left is
 * for the statements that follow. */
static bool eval_with(struct subject *s, const struct template *t,
                      const struct regex_captures *groups, struct str *out)
{
    const struct regex_captures *const before = s->captures;
    s->captures = groups;
    const bool good = template_eval(t, s, out);
    if (s->captures == groups)
        s->captures = before;
    return good;
}

/* The groups of the path are text of a decoded path; in arguments they are escaped, and in all of a
 * redirect. */
static bool evaluate(struct request *r, const struct rewriting *w, struct str *path,
                     struct str *args)
{
    const struct regex_captures *const plain = r->subject.captures;
    struct regex_captures escaped;
    const bool escapes = (w->path.groups || w->args.groups) && was_escaped(r);
    if (escapes && !escape_groups(plain, r->subject.pool, &escaped))
        return false;
    const struct regex_captures *const in_args = escapes ? &escaped : plain;
    return eval_with(&r->subject, &w->path, w->status ? in_args : plain, path) &&
           eval_with(&r->subject, &w->args, in_args, args);
}

static int hex_digit(char c)
{
    uint64_t digit;
    return number_hex(str_of(&c, 1), &digit) ? (int)digit : -1;
}

/* The path of a redirect is made of escaped and other text: escapes that a path need not have go,
 * up to the arguments.  What is no escape loses its "%", and a digit without another. */
static void unescape_path(struct fmt *f, struct str s)
{
    struct str rest;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '%' && ++i < s.len) {
            const int high = hex_digit(s.at[i]);
            const int low = high < 0 || ++i == s.len ? -1 : hex_digit(s.at[i]);
            const int byte = low < 0 ? -1 : high << 4 | low;
            if (high < 0)
                fmt_char(f, s.at[i]);
            else if (byte > '%' && byte < 0x7f)
                fmt_char(f, (char)byte);
            else if (byte >= 0)
                fmt_str(f, str_of(s.at + i - 2, 3));
            c = byte == '?' ? '?' : '%';
        } else if (c != '%')
            fmt_char(f, c);
        if (c == '?' && str_from_off(s, i + 1, &rest)) {
            fmt_str(f, rest);
            return;
        }
    }
}

/* The replacement's own arguments, and behind them those of the request. */
static void add_args(struct fmt *f, const struct request *r, const struct rewriting *w,
                     struct str args)
{
    fmt_str(f, args);
    if (w->drops_args || r->in.args.len == 0)
        return;
    if (w->has_args)
        fmt_char(f, '&');
    fmt_str(f, r->in.args);
}

/* All of a redirect's replacement.  False: no memory, or too long. */
static bool make_target(struct request *r, const struct rewriting *w, struct str *to)
{
    struct str path, args;
    struct fmt f;
    if (!evaluate(r, w, &path, &args))
        return false;
    fmt_init_pool(&f, r->subject.pool, 256, TEMPLATE_LIMIT);
    unescape_path(&f, path);
    if (w->has_args || (r->in.args.len && !w->drops_args))
        fmt_char(&f, '?');
    add_args(&f, r, w, args);
    *to = fmt_done(&f);
    return !f.failed;
}

/* What the path and the arguments become. */
static bool make_path(struct request *r, const struct rewriting *w, struct str *path,
                      struct str *args)
{
    struct str own;
    struct fmt f;
    *args = r->in.args;
    if (!evaluate(r, w, path, &own))
        return false;
    if (!w->has_args && !w->drops_args)
        return true;
    fmt_init_pool(&f, r->subject.pool, 128, TEMPLATE_LIMIT);
    add_args(&f, r, w, own);
    *args = fmt_done(&f);
    return !f.failed;
}

/* --- running ---------------------------------------------------------------------------------- */

struct run {
    struct request *r;
    bool log;                           /* rewrite_log where the rules began */
    enum step step;                     /* when they end early */
};

static void tell(const struct run *run, const struct rule *rule, struct str why)
{
    trace_step(run->r->trace, TRACE_REWRITE, rule->text, why, rule->file, rule->line);
}

/* Those that run a rule say whether the next one follows. */
static bool ends_with(struct run *run, enum step step)
{
    run->step = step;
    return false;
}

static bool fail(struct run *run)
{
    return ends_with(run, request_fail(run->r, 500));
}

/* Every line, however many: somebody asked for them. */
static struct log unlimited_log(const struct request *r)
{
    struct log log = r->log;
    log.client = STR_NONE;
    return log;
}

/* Without a match there are no groups any more. */
static enum regex_result match(const struct run *run, const struct regex *regex, struct str text)
{
    struct request *r = run->r;
    const enum regex_result result = vars_match(&r->subject, regex, text);
    if (result == REGEX_NO_MATCH)
        r->subject.captures = NULL;
    if (run->log && result != REGEX_ERROR) {
        const struct log log = unlimited_log(r);
        log_write(&log, LOG_NOTICE, 0, "\"%.*s\" %s \"%.*s\"", STR_FMT(regex->pattern),
                  result == REGEX_MATCH ? "matches" : "does not match", STR_FMT(text));
    }
    return result;
}

static bool redirect(struct run *run, const struct rewriting *w)
{
    struct request *r = run->r;
    struct str to;
    if (!make_target(r, w, &to))
        return fail(run);
    if (run->log) {
        const struct log log = unlimited_log(r);
        log_write(&log, LOG_NOTICE, 0, "rewritten redirect: \"%.*s\"", STR_FMT(to));
    }
    return ends_with(run, response_redirect(r, w->status, to));
}

static bool change_path(struct run *run, const struct rewriting *w)
{
    struct request *r = run->r;
    struct str path, args;
    if (!make_path(r, w, &path, &args))
        return fail(run);
    if (run->log) {
        const struct log log = unlimited_log(r);
        log_write(&log, LOG_NOTICE, 0, "rewritten data: \"%.*s\", args: \"%.*s\"",
                  STR_FMT(path), STR_FMT(args));
    }
    if (path.len == 0) {
        log_write(&r->log, LOG_ERROR, 0, "the rewritten URI has a zero length");
        return fail(run);
    }
    http_tell(r, TRACE_REWRITE, path, "is the path now");
    r->in.path = path;
    r->in.args = args;
    r->internal = r->target_stale = true;
    r->path_changed = w->flag != FLAG_BREAK;
    r->path_stays = w->flag == FLAG_BREAK;
    return w->flag == FLAG_NONE || ends_with(run, STEP_NEXT);
}

static bool run_rewrite(struct run *run, const struct rule *rule)
{
    const struct rewriting *w = &rule->rewriting;
    switch (match(run, w->regex, run->r->in.path)) {
    case REGEX_MATCH:
        tell(run, rule, STR("matches"));
        return w->status ? redirect(run, w) : change_path(run, w);
    case REGEX_NO_MATCH:
        tell(run, rule, STR("does not match"));
        return true;
    case REGEX_ERROR:
        break;
    }
    return fail(run);
}

/* What is not there is no matter; what cannot be looked at is logged. */
static bool look_at(struct request *r, struct str path, struct stat *st)
{
    const struct http_file_conf *conf = request_conf(r, http_file_section);
    int error = 0;
    path = pool_str(r->subject.pool, path);
    if (str_chr(path, '\0') >= 0)
        return false;
    if (conf->symlinks != SYMLINKS_FOLLOW) {
        const struct file *file = http_file_open(r, path);
        error = file ? file->error : ENOMEM;
        *st = file ? file->st : (struct stat){ 0 };
    } else if (stat(path.at, st) < 0)
        error = errno;
    if (error && error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG)
        log_write(&r->log, LOG_CRIT, error, "%s \"%.*s\" failed",
                  conf->symlinks == SYMLINKS_FOLLOW ? "stat()" : "openat()", STR_FMT(path));
    return error == 0;
}

/* Pipes, sockets and devices are as if they were not there. */
static bool is_file(struct request *r, char test, struct str path)
{
    struct stat st;
    if (!look_at(r, path, &st))
        return false;
    const bool regular = S_ISREG(st.st_mode), folder = S_ISDIR(st.st_mode);
    switch (test) {
    case 'f':
        return regular;
    case 'd':
        return folder;
    case 'x':
        return (regular || folder) && (st.st_mode & S_IXUSR);
    default:
        return regular || folder;
    }
}

/* False: it cannot be known, and the request fails. */
static bool test(const struct run *run, const struct condition *c, bool *holds)
{
    struct subject *s = &run->r->subject;
    struct value value = { STR_NONE, false };
    struct str text = STR_NONE;
    if (c->kind != CONDITION_FILE && !vars_get(s, c->variable, &value))
        return false;
    switch (c->kind) {
    case CONDITION_TRUE:
        *holds = text_is_true(value.text);
        return true;
    case CONDITION_EQUAL:
        if (!template_eval(&c->text, s, &text))
            return false;
        *holds = str_eq(value.text, text) != c->negative;
        return true;
    case CONDITION_FILE:
        if (!template_eval(&c->text, s, &text))
            return false;
        *holds = is_file(run->r, c->test, text) != c->negative;
        return true;
    case CONDITION_REGEX:
        break;
    }
    const enum regex_result result = match(run, c->regex, value.text);
    *holds = (result == REGEX_MATCH) != c->negative;
    return result != REGEX_ERROR;
}

static bool run_if(struct run *run, const struct rule *rule, const struct rule **next)
{
    bool holds;
    if (!test(run, &rule->condition, &holds))
        return fail(run);
    tell(run, rule, holds ? STR("is true") : STR("is not true"));
    if (!holds)
        *next = rule->last->next;
    else if (rule->location)
        request_enter(run->r, rule->location);
    return true;
}

static bool run_set(struct run *run, const struct rule *rule)
{
    struct str value;
    if (!template_eval(&rule->value, &run->r->subject, &value) ||
        !vars_set(&run->r->subject, rule->variable, value))
        return fail(run);
    tell(run, rule, value);
    return true;
}

static bool run_break(struct run *run, const struct rule *rule)
{
    tell(run, rule, STR("no more rules"));
    run->r->path_changed = false;
    return ends_with(run, STEP_NEXT);
}

static bool run_return(struct run *run, const struct rule *rule)
{
    struct request *r = run->r;
    struct str text = STR("");
    tell(run, rule, STR("answers"));
    if (rule->has_text && !template_eval(&rule->answer, &r->subject, &text))
        return fail(run);
    if (rule->has_text && response_is_redirect(rule->status))
        return ends_with(run, response_redirect(r, rule->status, text));
    if (rule->has_text || rule->status < 300)
        return ends_with(run, response_text(r, rule->status, http_type_of(r, r->in.path), text));
    return ends_with(run, request_fail(r, rule->status));
}

static bool run_rule(struct run *run, const struct rule *rule, const struct rule **next)
{
    switch (rule->kind) {
    case RULE_REWRITE:
        return run_rewrite(run, rule);
    case RULE_IF:
        return run_if(run, rule, next);
    case RULE_SET:
        return run_set(run, rule);
    case RULE_BREAK:
        return run_break(run, rule);
    case RULE_RETURN:
        return run_return(run, rule);
    }
    return false;
}

static enum step step(struct request *r)
{
    const struct rewrite_conf *conf = request_conf(r, section);
    struct run run = { .r = r, .log = conf->log, .step = STEP_NEXT };
    for (const struct rule *rule = conf->rules.first, *next; rule; rule = next) {
        next = rule->next;
        if (!run_rule(&run, rule, &next))
            break;
    }
    return run.step;
}

/* --- the module ------------------------------------------------------------------------------- */

#define RULES_IN (IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF)
#define SWITCHES_IN (IN_HTTP | RULES_IN)
#define RULES_TYPE(name, parse, block) { name, sizeof(struct rules), true, parse, block }

static const struct conf_type rewrite_type =
    RULES_TYPE("regex replacement [last | break | redirect | permanent]", parse_rewrite, false);
static const struct conf_type if_type = RULES_TYPE("(condition)", parse_if, true);
static const struct conf_type set_type = RULES_TYPE("$variable value", parse_set, false);
static const struct conf_type break_type = RULES_TYPE("", parse_break, false);
static const struct conf_type return_type =
    RULES_TYPE("code [text] | code URL | URL", parse_return, false);

#define RULE(name, where, min, max, type, help) \
    { name, where, min, max, &type, FIELD(rewrite_conf, rules), OWN, NULL, NULL, NULL, help, NULL }
#define SWITCH(name, member, def, help) \
    { name, SWITCHES_IN, 1, 1, &conf_type_flag, FIELD(rewrite_conf, member), INHERIT, def, NULL, \
      NULL, help, NULL }

static const struct directive rows[] = {
    RULE("rewrite", RULES_IN, 2, 3, rewrite_type, "changes paths that match a regex"),
    RULE("if", IN_SERVER | IN_LOCATION, 1, CONF_MANY, if_type,
         "configuration for requests of which something is true"),
    RULE("set", RULES_IN, 2, 2, set_type, "gives a variable a value"),
    RULE("break", RULES_IN, 0, 0, break_type, "ends the rules of this place"),
    RULE("return", RULES_IN, 1, 2, return_type, "answers with a status, a text or a redirect"),
    SWITCH("rewrite_log", log, "off", "matches and changed paths are logged as notices"),
    SWITCH("uninitialized_variable_warn", warn, "on", "variables used without a value are logged"),
};

static struct section section = {
    .name = "rewrite", .where = SWITCHES_IN | IN_LIMIT_EXCEPT, .size = sizeof(struct rewrite_conf),
    .rows = rows, .nrows = countof(rows),
};

static bool has_rules(const struct conf_block *block)
{
    const struct rewrite_conf *conf = conf_of(block, section);
    return conf->rules.first != NULL;
}

static bool in_server(const struct conf_block *block)
{
    return block->scope == IN_SERVER && has_rules(block);
}

static bool in_location(const struct conf_block *block)
{
    return block->scope == IN_LOCATION && has_rules(block);
}

static const struct phase_step steps[] = { { PHASE_SERVER_REWRITE, "rewrite", step, in_server },
                                           { PHASE_REWRITE, "rewrite", step, in_location },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_rewrite_module = {
    .module = { .name = "ngx_http_rewrite_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
