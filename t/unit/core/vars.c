/*
 * Variables: which definition wins, names, unknown ones, caching, cycles, named groups of a regex.
 * Owns the counters of the test's rows.
 */
#include "core/vars.c"

#include "t/unit/tap.h"

struct rig {
    struct pool pool;
    struct diag_list list;
    struct generation gen;
    struct conf_word words[4];
    struct conf_file file;
    struct conf_node node;
    struct conf_block block;
    struct conf cf;
    struct local local;
    struct subject s;
    struct log log;
    struct log_conf log_conf;
    char said[256];
    unsigned lines;
    unsigned asked;                     /* calls of get_row */
    char args[32];
};

/* --- rows ------------------------------------------------------------------------------------ */

static struct rig *rig_of(struct subject *s)
{
    return container_of(s, struct rig, s);
}

/* "name:tail:data:n", n the number of the call. */
static bool get_row(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    out->text = fmt_pool(s->pool, "%.*s:%.*s:%u:%u", STR_FMT(entry->name), STR_FMT(entry->tail),
                         (unsigned)entry->data, ++rig_of(s)->asked);
    out->found = true;
    return true;
}

static bool get_nothing(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)entry;
    rig_of(s)->asked++;
    return !out->found && !out->text.at;
}

static bool get_args(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)entry;
    *out = (struct value){ str_from(rig_of(s)->args), true };
    return true;
}

static bool set_args(struct subject *s, const struct vars_entry *entry, struct str text)
{
    struct fmt f;
    (void)entry;
    fmt_init(&f, rig_of(s)->args, sizeof(rig_of(s)->args));
    fmt_str(&f, text);
    fmt_done(&f);
    return !f.failed;
}

/* Fails the first time. */
static bool get_later(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)entry;
    *out = (struct value){ STR("later"), true };
    return ++rig_of(s)->asked > 1;
}

/* "<" and the value of the variable whose number is the data, or "-". */
static bool get_other(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    struct value other;
    if (!vars_get(s, (unsigned)entry->data, &other))
        return false;
    out->text = fmt_pool(s->pool, "<%.*s", STR_FMT(other.found ? other.text : STR("-")));
    out->found = true;
    return true;
}

/* Its getter sets it, as the named group of a map's own regex does. */
static bool get_and_set(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    *out = (struct value){ STR("got"), true };
    return vars_set(s, entry->index, STR("set"));
}

static const struct variable http_rows[] = {
    { "host", get_row, 0, 1, "", NULL },
    { "args", get_args, VARS_CHANGEABLE | VARS_VOLATILE, 0, "", set_args },
    { "arg_", get_row, VARS_PREFIX, 2, "", NULL },
    { "arg_long_", get_row, VARS_PREFIX | VARS_VOLATILE, 3, "", NULL },
    { "nothing", get_nothing, 0, 0, "", NULL },
    { "later", get_later, 0, 0, "", NULL },
    { "slow", get_row, VARS_VOLATILE, 4, "", NULL },
    { "weak", get_row, VARS_WEAK | VARS_CHANGEABLE, 5, "", NULL },
    { .name = NULL },
};
static const struct variable more_http_rows[] = {
    { "http_host", get_row, 0, 6, "", NULL },
    { "http_", get_row, VARS_PREFIX, 7, "", NULL },
    { .name = NULL },
};
static const struct variable stream_rows[] = {
    { "host", get_row, 0, 8, "", NULL },
    { "protocol", get_row, 0, 9, "", NULL },
    { .name = NULL },
};
static const struct module core = { .name = "core", .protocol = "core" };
static const struct module http_a = { .name = "a", .protocol = "http", .variables = http_rows };
static const struct module http_none = { .name = "n", .protocol = "http" };
static const struct module http_b = { .name = "b",
                                      .protocol = "http",
                                      .variables = more_http_rows };
static const struct module stream = { .name = "s", .protocol = "stream", .variables = stream_rows };
static const struct module *const modules[] = {
    &core, &http_a, &http_none, &stream, &http_b, NULL,
};

/* --- the rig --------------------------------------------------------------------------------- */

static void hear(const struct log *log, struct fmt *f)
{
    struct rig *rig = log->data;
    struct fmt said;
    rig->lines++;
    fmt_init_cut(&said, rig->said, sizeof(rig->said));
    fmt_str(&said, str_of(f->at, f->len));
    fmt_done(&said);
}

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){
        .words = { { .text = STR_INIT("set") }, { .text = STR_INIT("$x") },
                   { .text = STR_INIT("y") }, { .text = STR_INIT("$") } },
        .file = { .path = STR_INIT("t.conf"), .text = STR_INIT("set $x y $;\n") },
        .args = "a=1",
    };
    pool_init(&rig->pool, &pool_heap);
    diag_init(&rig->list, &rig->pool);
    for (unsigned i = 0; i < countof(rig->words); i++)
        rig->words[i].place = (struct diag_place){ &rig->file, 1, i + 1, i, 1 };
    rig->node = (struct conf_node){ .words = rig->words, .nwords = countof(rig->words) };
    rig->block.scope = IN_HTTP;
    rig->cf = (struct conf){ .pool = &rig->pool, .temp = &rig->pool, .diag = &rig->list,
                             .gen = &rig->gen, .block = &rig->block, .node = &rig->node };
    vars_init(&rig->cf);
}

/* Configuration is read: a request comes. */
static void rig_work(struct rig *rig)
{
    rig->log_conf.level = LOG_DEBUG;
    rig->log = (struct log){ .conf = &rig->log_conf, .context = hear, .data = rig };
    rig->local.regexes = regex_local_new(rig->gen.nregexes, true);
    rig->s = (struct subject){ .pool = &rig->pool, .local = &rig->local,
                               .table = rig->gen.vars_http, .log = &rig->log };
}

static void rig_close(struct rig *rig)
{
    regex_local_free(rig->local.regexes, rig->gen.nregexes);
    pool_free(&rig->pool);
}

static unsigned use(struct rig *rig, const char *name)
{
    return vars_use(&rig->cf, str_from(name), 1);
}

static struct vars_entry *define(struct rig *rig, const char *name, vars_get_fn *get,
                                 uintptr_t data, unsigned flags)
{
    return vars_define(&rig->cf, str_from(name), 1, get, data, flags);
}

/* "-" when it is not found, "!" when it failed. */
static const char *value(struct rig *rig, unsigned index)
{
    struct value v;
    if (!vars_get(&rig->s, index, &v))
        return "!";
    return v.found ? pool_cstr(&rig->pool, v.text) : "-";
}

static const char *message(const struct rig *rig)
{
    return rig->list.first ? rig->list.first->message.at : NULL;
}

/* --- while configuration is read ------------------------------------------------------------- */

static void test_names(void)
{
    struct rig rig;
    rig_open(&rig);
    const unsigned host = use(&rig, "host");
    is_uint(use(&rig, "HoSt"), host, "case does not matter");
    ok(str_eq(rig.gen.vars_http->at[host]->name, STR("host")), "lower case is kept");
    const unsigned x = use(&rig, "Arg_X");
    ok(str_eq(rig.gen.vars_http->at[x]->tail, STR("x")), "and in what follows a prefix");
    rig_work(&rig);
    is_str(value(&rig, host), "host::1:1", "a row");
    is_str(value(&rig, x), "arg_x:x:2:2", "a prefix");
    rig_close(&rig);

    rig_open(&rig);
    const unsigned longer = use(&rig, "arg_long_x"), bare = use(&rig, "arg_");
    const unsigned exact = use(&rig, "http_host"), other = use(&rig, "http_host2");
    const unsigned shorter = use(&rig, "arg_longx");
    ok(vars_finish(&rig.cf), "all are known");
    rig_work(&rig);
    is_str(value(&rig, longer), "arg_long_x:x:3:1", "the longest prefix wins");
    is_str(value(&rig, bare), "arg_::2:2", "nothing behind a prefix");
    is_str(value(&rig, exact), "http_host::6:3", "a whole name beats a prefix");
    is_str(value(&rig, other), "http_host2:host2:7:4", "but only itself");
    is_str(value(&rig, shorter), "arg_longx:longx:2:5", "the shorter prefix");
    rig_close(&rig);
}

static void test_protocols(void)
{
    struct rig rig;
    rig_open(&rig);
    const unsigned scopes[] = { IN_STREAM, IN_STREAM_SERVER, IN_STREAM_UPSTREAM };
    for (unsigned i = 0; i < countof(scopes); i++) {
        rig.block.scope = scopes[i];
        ok(vars_table(&rig.cf) == rig.gen.vars_stream, "scope %u is of stream", scopes[i]);
    }
    const unsigned protocol = use(&rig, "protocol");
    rig.block.scope = IN_LOCATION_IF;
    use(&rig, "protocol");
    rig.cf.block = NULL;
    ok(vars_table(&rig.cf) == rig.gen.vars_http, "without a block it is http");
    ok(!vars_finish(&rig.cf), "http does not know it");
    is_uint(rig.list.errors, 1, "stream does");
    ok(rig.gen.vars_stream->at[protocol]->data == 9, "its row");
    rig_close(&rig);
}

static void test_unknown(void)
{
    struct rig rig;
    rig_open(&rig);
    use(&rig, "host");
    const unsigned nope = use(&rig, "hots");
    use(&rig, "10");
    use(&rig, "hots");
    use(&rig, "far_from_everything");
    ok(!vars_finish(&rig.cf), "unknown ones are found");
    is_uint(rig.list.errors, 3, "each once");
    const struct diag *d = rig.list.first;
    is_str(d->message.at, "unknown \"hots\" variable", "nginx's words");
    ok(!d->place.file, "without a place, as there");
    ok(d->notes && d->notes->place.file == &rig.file && d->notes->place.column == 2,
       "the place is a note");
    is_str(d->notes->next ? d->notes->next->text.at : NULL, "did you mean \"$host\"?",
           "a proposal");
    d = d->next;
    is_str(d->message.at, "unknown \"10\" variable", "a number in braces");
    ok(d->notes->next && strstr(d->notes->next->text.at, "$1 to $9"), "what groups are like");
    d = d->next;
    ok(!d->notes->next, "nothing is near to the third");
    ok(!rig.gen.vars_http->at[nope]->place.file, "no entry points to the text any more");
    rig_close(&rig);
}

static void test_suggests_own(void)
{
    struct rig rig;
    rig_open(&rig);
    define(&rig, "backend_pool", get_row, 0, 0);
    use(&rig, "backendpool");
    vars_finish(&rig.cf);
    is_str(rig.list.first->notes->next->text.at, "did you mean \"$backend_pool\"?",
           "what configuration defined is proposed");
    rig_close(&rig);
}

static void test_arg(void)
{
    struct rig rig;
    struct str name = STR_NONE;
    rig_open(&rig);
    ok(vars_arg(&rig.cf, 1, &name) && str_eq(name, STR("x")), "$x");
    ok(!vars_arg(&rig.cf, 2, &name), "y is none");
    is_str(message(&rig), "invalid variable name \"y\"", "nginx's words");
    ok(!vars_arg(&rig.cf, 3, &name), "$ is none");
    is_str(rig.list.first->next->message.at, "invalid variable name \"$\"", "nginx's words");
    rig_close(&rig);
}

/* Each pair of definitions, as the running nginx has it: the data of the winner. */
static void test_definitions(void)
{
    static const struct {
        const char *name;
        bool first, weak_first, second, weak_second;
        unsigned wins;
        const char *what;
    } cases[] = {
        { "a", true, false, true, false, 102, "map, map: the last" },
        { "a", true, false, true, true, 101, "map, set: the map" },
        { "a", true, true, true, false, 102, "set, map: the map" },
        { "a", true, true, true, true, 102, "set, set" },
        { "arg_x", true, false, false, false, 101, "a map of a prefix's name" },
        { "arg_x", true, true, false, false, 2, "set of a prefix's name: the prefix, until then" },
        { "arg_x", true, true, true, false, 102, "set, map of a prefix's name" },
        { "weak", true, true, false, false, 101, "set of a weak row" },
        { "weak", false, false, false, false, 5, "a weak row alone" },
    };
    for (unsigned used = 0; used < 2; used++)
        for (size_t i = 0; i < countof(cases); i++) {
            struct rig rig;
            rig_open(&rig);
            if (used)
                use(&rig, cases[i].name);
            if (cases[i].first)
                define(&rig, cases[i].name, get_row, 101, cases[i].weak_first ? VARS_WEAK : 0);
            if (cases[i].second)
                define(&rig, cases[i].name, get_row, 102, cases[i].weak_second ? VARS_WEAK : 0);
            const unsigned index = use(&rig, cases[i].name);
            is_uint(rig.gen.vars_http->at[index]->data, cases[i].wins, "%s%s", cases[i].what,
                    used ? ", used before" : "");
            is_uint(rig.gen.vars_http->count, 1, "one variable");
            is_uint(rig.gen.vars_http->at[index]->tail.len, cases[i].wins == 2, "and its tail");
            rig_close(&rig);
        }
}

static void test_duplicates(void)
{
    struct rig rig;
    rig_open(&rig);
    ok(!define(&rig, "Host", get_row, 0, 0), "a row that is fixed");
    is_str(message(&rig), "the duplicate \"host\" variable", "nginx's words");
    ok(!define(&rig, "http_host", get_row, 0, VARS_WEAK), "weakly neither");
    const struct vars_entry *args = define(&rig, "args", get_row, 3, VARS_WEAK);
    ok(args && args->get == get_args && args->set == set_args, "set of $args keeps the row");
    args = define(&rig, "args", get_row, 3, 0);
    ok(args && args->get == get_row && !(args->flags & VARS_VOLATILE), "map of $args does not");
    is_uint(rig.list.errors, 2, "two errors");
    rig_close(&rig);
}

static void test_many(void)
{
    enum { MANY = 3000 };
    struct rig rig;
    bool same = true;
    rig_open(&rig);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < MANY; i++) {
            const struct str name = fmt_pool(&rig.pool, "v%u", i);
            same &= vars_use(&rig.cf, name, 1) == i && str_eq(rig.gen.vars_http->at[i]->name, name);
        }
    ok(same, "%d variables keep their numbers", MANY);
    is_uint(rig.gen.vars_http->count, MANY, "each once");
    ok(rig.gen.vars_http->nbuckets >= MANY, "in enough buckets");
    rig_close(&rig);
}

static void test_no_memory(void)
{
    struct rig rig;
    rig_open(&rig);
    for (unsigned i = 0; i < 512; i++)
        vars_use(&rig.cf, fmt_pool(&rig.pool, "v%u", i), 1);
    pool_fail_chunks(0, 1);
    for (unsigned i = 512; i < 530; i++)
        vars_use(&rig.cf, fmt_pool(&rig.pool, "v%u", i), 1);
    pool_fail_chunks(0, 0);
    ok(rig.pool.failed, "the pool is failed");
    is_uint(rig.gen.vars_http->count, 512, "and the table as it was");
    rig_close(&rig);
}

/* --- at run time ----------------------------------------------------------------------------- */

static void test_cache(void)
{
    struct rig rig;
    rig_open(&rig);
    const unsigned host = use(&rig, "host"), slow = use(&rig, "slow"), none = use(&rig, "nothing");
    const unsigned later = use(&rig, "later");
    rig_work(&rig);
    is_str(value(&rig, host), "host::1:1", "asked");
    is_str(value(&rig, host), "host::1:1", "remembered");
    vars_forget(&rig.s, host);
    is_str(value(&rig, host), "host::1:2", "forgotten, asked again");
    value(&rig, slow);
    is_str(value(&rig, slow), "slow::4:4", "volatile: asked each time");
    is_str(value(&rig, none), "-", "not found");
    value(&rig, none);
    is_uint(rig.asked, 5, "which is remembered too");
    rig.asked = 0;
    is_str(value(&rig, later), "!", "a failure");
    is_str(value(&rig, later), "later", "is not");
    is_uint(rig.s.asking, 0, "nobody is asking");
    is_uint(rig.lines, 0, "nothing was logged");
    rig_close(&rig);
}

static void test_set(void)
{
    struct rig rig;
    rig_open(&rig);
    const unsigned args = use(&rig, "args"), slow = use(&rig, "slow"), x = use(&rig, "arg_x");
    define(&rig, "mine", get_nothing, 0, VARS_WEAK);
    const unsigned mine = use(&rig, "mine");
    rig_work(&rig);
    vars_forget(&rig.s, x);
    ok(!rig.s.cells, "forgetting needs no cells");
    is_str(value(&rig, args), "a=1", "the row's own");
    ok(vars_set(&rig.s, args, STR("b=2")), "set");
    is_str(rig.args, "b=2", "by the row's setter");
    is_str(value(&rig, args), "b=2", "and read back");
    ok(!vars_set(&rig.s, args, STR("0123456789012345678901234567890123456789")), "which may fail");
    is_str(value(&rig, mine), "-", "before it is set");
    ok(vars_set(&rig.s, mine, STR("5")) && vars_set(&rig.s, x, STR("6")), "set");
    ok(vars_set(&rig.s, slow, STR("7")), "set a volatile one");
    is_str(value(&rig, mine), "5", "mine");
    is_str(value(&rig, x), "6", "a prefix's");
    value(&rig, slow);
    is_str(value(&rig, slow), "7", "it stays");
    vars_forget(&rig.s, slow);
    is_str(value(&rig, slow), "slow::4:2", "until it is forgotten");
    rig_close(&rig);
}

static void test_set_while_asked(void)
{
    struct rig rig;
    rig_open(&rig);
    const unsigned kept = use(&rig, "kept"), anew = use(&rig, "anew");
    define(&rig, "kept", get_and_set, 0, 0);
    define(&rig, "anew", get_and_set, 0, VARS_VOLATILE);
    rig_work(&rig);
    is_str(value(&rig, kept), "got", "what the getter returns");
    is_str(value(&rig, kept), "got", "is remembered");
    is_str(value(&rig, anew), "got", "a volatile one");
    is_str(value(&rig, anew), "set", "was set meanwhile, and that stays");
    rig_close(&rig);
}

static void test_cycles(void)
{
    struct rig rig;
    rig_open(&rig);
    const unsigned a = use(&rig, "a"), b = use(&rig, "b"), self = use(&rig, "self");
    define(&rig, "a", get_other, b, 0);
    define(&rig, "b", get_other, a, VARS_VOLATILE);
    define(&rig, "self", get_other, self, 0);
    rig_work(&rig);
    is_str(value(&rig, a), "<<-", "a variable that needs itself is not found");
    is_uint(rig.lines, 1, "said once");
    is_str(rig.said, "cycle while evaluating variable \"a\"", "in nginx's words");
    is_str(value(&rig, a), "<<-", "remembered");
    is_uint(rig.lines, 1, "and not said again");
    is_str(value(&rig, b), "<<<-", "the volatile one is asked anew");
    is_str(value(&rig, self), "<-", "itself");
    rig.s.log = NULL;
    vars_forget(&rig.s, self);
    is_str(value(&rig, self), "<-", "without a log");
    rig_close(&rig);
}

/* A chain of `length` variables, each of which needs the next. */
static void check_chain(unsigned length, bool whole)
{
    struct rig rig;
    rig_open(&rig);
    for (unsigned i = 0; i < length; i++)
        vars_define(&rig.cf, fmt_pool(&rig.pool, "c%u", i), 1, get_other, i + 1, 0);
    vars_define(&rig.cf, fmt_pool(&rig.pool, "c%u", length), 1, get_row, 7, 0);
    rig_work(&rig);
    const char *got = value(&rig, 0);
    ok(!strstr(got, "-") == whole, "a chain of %u is %s", length, whole ? "whole" : "cut");
    is_uint(rig.lines, whole ? 0 : 1, "and said when it is not");
    is_uint(rig.s.asking, 0, "nobody is asking");
    rig_close(&rig);
}

static void test_no_cells(void)
{
    struct rig rig;
    struct value v;
    rig_open(&rig);
    for (unsigned i = 0; i < 300; i++)
        vars_use(&rig.cf, fmt_pool(&rig.pool, "arg_%u", i), 1);
    rig_work(&rig);
    pool_fail_chunks(0, 1);
    ok(!vars_get(&rig.s, 0, &v) && !v.found, "no memory for cells");
    ok(!vars_set(&rig.s, 0, STR("x")), "nor to set one");
    pool_fail_chunks(0, 0);
    ok(vars_get(&rig.s, 0, &v) && v.found, "later there is");
    rig_close(&rig);
}

/* --- groups of a regex ----------------------------------------------------------------------- */

static struct regex *regex(struct rig *rig, const char *pattern)
{
    struct regex *r = regex_add(&rig->cf, str_from(pattern), false, 1);
    if (!r)
        abort();
    return r;
}

static void test_groups(void)
{
    struct rig rig;
    rig_open(&rig);
    struct regex *r = regex(&rig, "^/(?<Foo>[a-z]+)(?:-(?<bar>.))?(?<args>x)?");
    struct regex *plain = regex(&rig, "q(.)");
    ok(vars_define_groups(&rig.cf, r, 1) && vars_define_groups(&rig.cf, plain, 1), "defined");
    const unsigned foo = use(&rig, "foo"), bar = use(&rig, "bar"), args = use(&rig, "args");
    rig_work(&rig);
    is_str(value(&rig, foo), "-", "before any match");
    is_int(vars_match(&rig.s, r, STR("nothing")), REGEX_NO_MATCH, "no match");
    ok(!rig.s.captures, "captures stay");
    is_int(vars_match(&rig.s, r, STR("/abc")), REGEX_MATCH, "match");
    is_str(value(&rig, foo), "abc", "the group, case of the name aside");
    is_str(value(&rig, bar), "", "a group that took no part is empty and there");
    is_str(value(&rig, args), "", "also for a variable with a setter");
    is_str(rig.args, "a=1", "which is not called");
    const struct regex_captures *kept = rig.s.captures;
    is_int(vars_match(&rig.s, plain, STR("xqz")), REGEX_MATCH, "another");
    ok(str_eq(regex_group(rig.s.captures, 1), STR("z")), "replaces the captures");
    ok(str_eq(regex_group(kept, 1), STR("abc")), "those before are as they were");
    is_str(value(&rig, foo), "abc", "and so are the named ones");
    is_int(vars_match(&rig.s, plain, STR("none")), REGEX_NO_MATCH, "no match");
    ok(str_eq(regex_group(rig.s.captures, 1), STR("z")), "changes nothing");
    rig_close(&rig);

    rig_open(&rig);
    ok(!vars_define_groups(&rig.cf, regex(&rig, "(?<host>.)"), 1), "a name that is taken");
    is_str(message(&rig), "the duplicate \"host\" variable", "nginx's words");
    rig_close(&rig);
}

static void test_match_error(void)
{
    struct rig rig;
    rig_open(&rig);
    const struct regex *r = regex(&rig, "^(a+)+$");
    rig_work(&rig);
    is_int(vars_match(&rig.s, r, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")), REGEX_ERROR,
           "a limit");
    is_str(rig.said, "pcre2_match() failed: it takes too long (match limit) on "
           "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\" using \"^(a+)+$\"", "is logged");
    is_uint(rig.lines, 1, "once");
    rig_close(&rig);
}

/* --- subrequests ----------------------------------------------------------------------------- */

static void rig_inner(struct rig *inner, struct rig *outer)
{
    *inner = (struct rig){ .s = outer->s };
    inner->s.cells = NULL;
    inner->s.outer = &outer->s;
    pool_init(&inner->pool, &pool_heap);
}

static void test_inner(void)
{
    struct rig rig, inner, deeper;
    rig_open(&rig);
    struct regex *groups = regex(&rig, "^/(?<group>[a-z]+)");
    ok(vars_define_groups(&rig.cf, groups, 1), "defined");
    const unsigned host = use(&rig, "host"), group = use(&rig, "group");
    define(&rig, "mine", get_nothing, 0, 0);
    define(&rig, "yours", get_nothing, 0, 0);
    const unsigned mine = use(&rig, "mine"), yours = use(&rig, "yours");
    rig_work(&rig);
    rig_inner(&inner, &rig);
    rig_inner(&deeper, &inner);
    value(&rig, host);
    is_str(value(&deeper, host), "host::1:1", "what the outer one remembers");
    is_uint(deeper.asked, 1, "the inner one asks itself");
    is_uint(inner.asked, 0, "and only itself");
    ok(!inner.s.cells, "who asks nothing has no cells");
    is_str(value(&deeper, mine), "-", "not set");
    ok(vars_set(&rig.s, mine, STR("1")), "set outside");
    is_str(value(&deeper, mine), "1", "it is set inside");
    ok(vars_set(&deeper.s, yours, STR("2")), "set inside");
    is_str(value(&rig, yours), "2", "it is set outside");
    is_str(value(&inner, yours), "2", "and in between");
    ok(vars_set(&deeper.s, mine, STR("3")), "changed inside");
    is_str(value(&rig, mine), "3", "changed outside");
    is_int(vars_match(&rig.s, groups, STR("/out")), REGEX_MATCH, "a match outside");
    is_str(value(&deeper, group), "out", "its groups are seen inside");
    is_int(vars_match(&inner.s, groups, STR("/in")), REGEX_MATCH, "a match inside");
    is_str(value(&deeper, group), "in", "counts there");
    is_str(value(&rig, group), "out", "and not outside");
    ok(vars_set(&deeper.s, group, STR("set")), "a group that is set");
    is_str(value(&inner, group), "set", "is set in between");
    is_str(value(&rig, group), "set", "and outside");
    pool_free(&inner.pool);
    pool_free(&deeper.pool);
    rig_close(&rig);
}

int main(void)
{
    conf_register(modules);
    test_names();
    test_protocols();
    test_unknown();
    test_suggests_own();
    test_arg();
    test_definitions();
    test_duplicates();
    test_many();
    test_no_memory();
    test_cache();
    test_set();
    test_set_while_asked();
    test_cycles();
    check_chain(ASKING_MAX - 1, true);
    check_chain(ASKING_MAX, false);
    check_chain(5000, false);
    test_no_cells();
    test_groups();
    test_match_error();
    test_inner();
    return done_testing();
}
