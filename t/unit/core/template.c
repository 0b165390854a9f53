/*
 * Templates: what the text may say, nginx's errors, evaluation with captures, limits and escapes.
 * Owns nothing.
 */
#include "core/template.c"

#include "core/generation.h"
#include "t/unit/tap.h"

struct rig {
    struct pool pool;
    struct diag_list list;
    struct generation gen;
    struct conf_word words[2];
    struct conf_node node;
    struct conf_block block;
    struct conf cf;
    struct subject s;
    struct regex_captures captures;
    unsigned appended;
};

/* --- rows ------------------------------------------------------------------------------------ */

static bool get_name(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)s;
    *out = (struct value){ entry->name, true };
    return true;
}

static bool get_nothing(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)s;
    (void)entry;
    (void)out;
    return true;
}

static bool get_failure(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)s;
    (void)entry;
    (void)out;
    return false;
}

/* A map whose regex matched: the captures are others now; a careless one changes them in place. */
static bool get_swap(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    struct rig *rig = container_of(s, struct rig, s);
    struct regex_captures *others = pool_new(s->pool, struct regex_captures);
    *others = (struct regex_captures){ .subject = STR_INIT("XYZ"), .count = 2,
                                       .group = { { 0, 3 }, { 1, 2 } } };
    rig->captures.subject = STR("gone");
    rig->captures.count = 1;
    s->captures = entry->data ? others : NULL;
    *out = (struct value){ STR("swapped"), true };
    return true;
}

static bool get_long(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)entry;
    char *at = pool_try(s->pool, TEMPLATE_LIMIT);
    *out = (struct value){ str_of(at, TEMPLATE_LIMIT), at != NULL };
    return at != NULL;
}

static bool append_count(struct subject *s, const struct vars_entry *entry, struct fmt *f)
{
    struct rig *rig = container_of(s, struct rig, s);
    (void)entry;
    fmt_u64(f, ++rig->appended);
    return true;
}

static bool append_nothing(struct subject *s, const struct vars_entry *entry, struct fmt *f)
{
    (void)s;
    (void)entry;
    (void)f;
    return false;
}

static const struct variable rows[] = {
    { "count", vars_get_appended, VARS_VOLATILE, (uintptr_t)append_count, "", NULL },
    { "once", vars_get_appended, 0, (uintptr_t)append_count, "", NULL },
    { "absent", vars_get_appended, 0, (uintptr_t)append_nothing, "", NULL },
    { "host", get_name, 0, 0, "", NULL },        { "a", get_name, 0, 0, "", NULL },
    { "a1", get_name, 0, 0, "", NULL },          { "_x", get_name, 0, 0, "", NULL },
    { "1", get_name, 0, 0, "", NULL },           { "0", get_name, 0, 0, "", NULL },
    { "1a", get_name, 0, 0, "", NULL },          { "10", get_name, 0, 0, "", NULL },
    { "nothing", get_nothing, 0, 0, "", NULL },  { "failure", get_failure, 0, 0, "", NULL },
    { "swap", get_swap, 0, 1, "", NULL },        { "drop", get_swap, 0, 0, "", NULL },
    { "long", get_long, 0, 0, "", NULL },        { .name = NULL },
};
static const struct module module = { .name = "m", .protocol = "http", .variables = rows };
static const struct module *const modules[] = { &module, NULL };

/* --- the rig --------------------------------------------------------------------------------- */

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){ .words = { { .text = STR_INIT("return") } } };
    pool_init(&rig->pool, &pool_heap);
    diag_init(&rig->list, &rig->pool);
    rig->node = (struct conf_node){ .words = rig->words, .nwords = 2 };
    rig->block.scope = IN_HTTP;
    rig->cf = (struct conf){ .pool = &rig->pool, .temp = &rig->pool, .diag = &rig->list,
                             .gen = &rig->gen, .block = &rig->block, .node = &rig->node };
    rig->captures = (struct regex_captures){
        .subject = STR_INIT("abcdefghij"), .count = 4,
        .group = { { 0, 10 }, { 0, 2 }, { UINT32_MAX, UINT32_MAX }, { 4, 5 } },
    };
    vars_init(&rig->cf);
}

static void rig_work(struct rig *rig)
{
    rig->s = (struct subject){ .pool = &rig->pool, .table = rig->gen.vars_http,
                               .captures = &rig->captures };
}

static void rig_close(struct rig *rig)
{
    pool_free(&rig->pool);
}

/* The value, or the message of the error. */
static const char *eval(struct rig *rig, struct str source)
{
    struct template t;
    struct str out;
    if (!template_compile(&rig->cf, &t, source, 1))
        return rig->list.first->message.at;
    rig_work(rig);
    return template_eval(&t, &rig->s, &out) ? pool_cstr(&rig->pool, out) : "failed";
}

/* --- compiling ------------------------------------------------------------------------------- */

static const struct {
    const char *source, *result;        /* a value, or nginx's error */
    const char *log;                    /* the same in log_format; NULL: no other */
} syntax_cases[] = {
    { "", "", NULL },
    { "text", "text", NULL },
    { "\\n\\$host", "\\n\\host", NULL },                /* the lexer's escapes are not ours */
    { "$host", "host", NULL },
    { "$HOST", "host", NULL },
    { "${HoSt}x", "hostx", NULL },
    { "x$host", "xhost", NULL },
    { "$host$host", "hosthost", NULL },
    { "$a-b", "a-b", NULL },
    { "$a1.", "a1.", NULL },
    { "${a}1", "a1", NULL },
    { "$_x", "_x", NULL },
    { "$host}", "host}", NULL },
    { "$host[1]", "host[1]", NULL },
    { "{$host}", "{host}", NULL },
    { "$nothing.", ".", "-." },
    { "$1", "ab", "1" },
    { "$10", "ab0", "10" },                             /* one digit is the group */
    { "$1a", "aba", "1a" },
    { "$2|$3|$4|$9", "|e||", "invalid" },
    { "${1}", "1", NULL },                              /* in braces: a variable, as in nginx */
    { "${10}", "10", NULL },
    { "${1a}", "1a", NULL },
    { "$0", "0", NULL },
    { "$", "invalid variable name", "invalid parameter \"$\"" },
    { "$$", "invalid variable name", "invalid parameter \"$$\"" },
    { "$$host", "invalid variable name", "invalid parameter \"$$host\"" },
    { "a$", "invalid variable name", "invalid parameter \"$\"" },
    { "$ x", "invalid variable name", "invalid parameter \"$ x\"" },
    { "$-", "invalid variable name", "invalid parameter \"$-\"" },
    { "$.a", "invalid variable name", "invalid parameter \"$.a\"" },
    { "$\xc3\xa9", "invalid variable name", "invalid parameter \"$\xc3\xa9\"" },
    { "${", "invalid variable name", "invalid parameter \"${\"" },
    { "${}", "invalid variable name", "invalid parameter \"${}\"" },
    { "$host$", "invalid variable name", "invalid parameter \"$\"" },
    { "${a", "the closing bracket in \"a\" variable is missing", NULL },
    { "${host x}", "the closing bracket in \"host\" variable is missing", NULL },
    { "${a-b}", "the closing bracket in \"a\" variable is missing", NULL },
    { "${$host}", "the closing bracket in \"\" variable is missing", NULL },
    { "${1", "the closing bracket in \"1\" variable is missing", NULL },
};

static void test_syntax(void)
{
    for (size_t i = 0; i < countof(syntax_cases); i++) {
        struct rig rig;
        rig_open(&rig);
        is_str(eval(&rig, str_from(syntax_cases[i].source)), syntax_cases[i].result, "\"%s\"",
               syntax_cases[i].source);
        ok(rig.list.errors <= 1, "one error at most");
        rig_close(&rig);
    }
}

/* The value with "-" for what is not found, or the error. */
static const char *eval_log(struct rig *rig, struct str source)
{
    struct template t;
    struct fmt f;
    if (!template_compile_log(&rig->cf, &t, source, 1))
        return rig->list.first->message.at;
    rig_work(rig);
    if (!vars_finish(&rig->cf))
        return "invalid";
    fmt_init_pool(&f, &rig->pool, 16, 4096);
    return template_append(&t, &rig->s, &f, NULL, STR("-")) ? fmt_done(&f).at : "failed";
}

static void test_log_syntax(void)
{
    for (size_t i = 0; i < countof(syntax_cases); i++) {
        struct rig rig;
        const char *want = syntax_cases[i].log ? syntax_cases[i].log : syntax_cases[i].result;
        rig_open(&rig);
        is_str(eval_log(&rig, str_from(syntax_cases[i].source)), want, "log_format \"%s\"",
               syntax_cases[i].source);
        rig_close(&rig);
    }
}

static void test_nul(void)
{
    struct rig rig;
    struct template t;
    struct str out;
    rig_open(&rig);
    ok(template_compile(&rig.cf, &t, STR("a\0$host\0"), 1), "NUL is text");
    rig_work(&rig);
    ok(template_eval(&t, &rig.s, &out), "evaluated");
    is_mem(out.at, out.len, "a\0host\0", 7, "and kept");
    ok(!template_compile(&rig.cf, &t, STR("${host\0}"), 1), "but no part of a name");
    rig_close(&rig);
}

static void test_constant(void)
{
    struct rig rig;
    struct template t;
    struct str out;
    char source[] = "plain";
    rig_open(&rig);
    ok(template_compile(&rig.cf, &t, str_from(source), 1) && t.constant, "constant");
    memset(source, 'x', sizeof(source));
    rig_work(&rig);
    ok(template_eval(&t, &rig.s, &out) && out.at == t.text.at, "costs nothing");
    is_str(out.at, "plain", "is a copy, with a NUL behind it");
    ok(template_compile(&rig.cf, &t, STR_NONE, 1) && t.constant && t.text.len == 0, "nothing");
    ok(template_compile(&rig.cf, &t, STR("$host"), 1) && !t.constant, "a variable is not");
    rig_work(&rig);
    ok(template_eval(&t, &rig.s, &out), "evaluated");
    ok(out.at == rig.gen.vars_http->at[0]->name.at, "alone it is not copied");
    rig_close(&rig);
}

static void test_type(void)
{
    struct rig rig;
    struct template t;
    rig_open(&rig);
    rig.words[1].text = STR("$host:1");
    ok(conf_type_template.parse(&rig.cf, &t, NULL), "argument 1");
    is_uint(t.nparts, 2, "its parts");
    is_uint(conf_type_template.size, sizeof(t), "the size of the field");
    rig.words[1].text = STR("$");
    ok(!conf_type_template.parse(&rig.cf, &t, NULL), "an error");
    rig_close(&rig);
}

/* --- evaluating ------------------------------------------------------------------------------ */

static void test_captures(void)
{
    static const char *const sources[] = { "$1$swap$1", "$1$drop$1" };
    for (size_t i = 0; i < countof(sources); i++) {
        struct rig rig;
        rig_open(&rig);
        is_str(eval(&rig, str_from(sources[i])), "abswappedab", "%s: those of the beginning",
               sources[i]);
        rig_close(&rig);
    }
    struct rig rig;
    struct template t;
    struct str out;
    rig_open(&rig);
    ok(template_compile(&rig.cf, &t, STR("[$1]"), 1), "compiled");
    rig_work(&rig);
    rig.s.captures = NULL;
    ok(template_eval(&t, &rig.s, &out) && str_eq(out, STR("[]")), "without captures");
    rig.s.captures = &(const struct regex_captures){ .subject = STR_INIT("ab"), .count = 2,
                                                     .group = { { 0, 2 }, { 1, 3 } } };
    ok(template_eval(&t, &rig.s, &out) && str_eq(out, STR("[]")), "outside of the subject");
    rig_close(&rig);
}

static void escape_hex(struct fmt *f, struct str text)
{
    fmt_hex_bytes(f, text);
}

static void test_append(void)
{
    struct rig rig;
    struct template t;
    struct fmt f;
    char buffer[16];
    rig_open(&rig);
    ok(template_compile(&rig.cf, &t, STR("a$a|$nothing|$1"), 1), "compiled");
    rig_work(&rig);
    fmt_init_pool(&f, &rig.pool, 8, 100);
    fmt_text(&f, ">");
    ok(template_append(&t, &rig.s, &f, escape_hex, STR("none")), "appended");
    is_str(fmt_done(&f).at, ">a61|none|6162", "values are escaped, text and what is missing not");

    fmt_init(&f, buffer, 4);
    ok(!template_append(&t, &rig.s, &f, NULL, STR_NONE) && f.failed, "no room: failed");
    fmt_init_cut(&f, buffer, 4);
    ok(template_append(&t, &rig.s, &f, NULL, STR_NONE), "cutting is no failure");
    is_str(fmt_done(&f).at, "aa|", "what fits");
    ok(template_compile(&rig.cf, &t, STR("constant"), 1), "compiled");
    fmt_init(&f, buffer, 8);
    ok(!template_append(&t, &rig.s, &f, NULL, STR_NONE), "a constant that does not fit");
    fmt_init_cut(&f, buffer, 8);
    ok(template_append(&t, &rig.s, &f, NULL, STR_NONE), "cut");
    is_str(fmt_done(&f).at, "constan", "what fits of it");
    rig_close(&rig);
}

static void test_failures(void)
{
    struct rig rig;
    struct template t;
    struct str out;
    struct fmt f;
    rig_open(&rig);
    is_str(eval(&rig, STR("$failure")), "failed", "a variable that fails, alone");
    is_str(eval(&rig, STR("a${failure}b")), "failed", "and in a text");
    ok(template_compile(&rig.cf, &t, STR("a$failure"), 1), "compiled");
    fmt_init_pool(&f, &rig.pool, 8, 100);
    ok(!template_append(&t, &rig.s, &f, NULL, STR_NONE) && !f.failed, "not the builder's fault");

    ok(template_compile(&rig.cf, &t, STR("$long"), 1), "compiled");
    rig_work(&rig);
    ok(template_eval(&t, &rig.s, &out) && out.len == TEMPLATE_LIMIT, "at the limit");
    ok(template_compile(&rig.cf, &t, STR("${long}$nothing"), 1), "compiled");
    rig_work(&rig);
    ok(template_eval(&t, &rig.s, &out) && out.len == TEMPLATE_LIMIT, "in two parts");
    ok(template_compile(&rig.cf, &t, STR("$long."), 1), "compiled");
    rig_work(&rig);
    ok(!template_eval(&t, &rig.s, &out), "one byte more");
    rig_close(&rig);
}

static void test_many_parts(void)
{
    enum { MANY = 5000 };
    struct rig rig;
    struct fmt f;
    rig_open(&rig);
    fmt_init_pool(&f, &rig.pool, 64, 1 << 20);
    for (int i = 0; i < MANY; i++)
        fmt_text(&f, "-$a$1");
    const char *got = eval(&rig, fmt_done(&f));
    is_uint(strlen(got), MANY * 4, "%d times four bytes", MANY);
    ok(strncmp(got, "-aab-aab", 8) == 0, "as they should be");
    struct template t;
    pool_fail_chunks(0, 1);
    ok(!template_compile(&rig.cf, &t, str_of(f.at, f.len), 1), "no memory for the parts");
    pool_fail_chunks(0, 0);
    ok(rig.pool.failed, "and the pool is failed");
    rig_close(&rig);
}

/* Those that append: into what is made, or as a value that is kept. */
static void test_appenders(void)
{
    struct rig rig;
    struct value value;
    struct fmt f;
    struct template t;
    rig_open(&rig);
    is_str(eval(&rig, STR("$count-$count")), "1-2", "each use appends anew");
    is_str(eval(&rig, STR("$count")), "3", "alone it is a value");
    is_str(eval(&rig, STR("<$absent>")), "<>", "nothing to append");
    ok(template_compile(&rig.cf, &t, STR("$once $once"), 1), "one that is cached");
    rig_work(&rig);
    ok(vars_get(&rig.s, t.parts[0].number, &value) && str_eq(value.text, STR("4")), "as a value");
    fmt_init_pool(&f, &rig.pool, 10, 100);
    ok(template_append(&t, &rig.s, &f, NULL, STR("-")), "goes");
    is_str(fmt_done(&f).at, "4 4", "it is that value from then on");
    ok(template_compile(&rig.cf, &t, STR("$absent"), 1), "one that is absent");
    rig_work(&rig);
    fmt_init_pool(&f, &rig.pool, 10, 100);
    ok(template_append(&t, &rig.s, &f, NULL, STR("-")), "goes");
    is_str(fmt_done(&f).at, "-", "it is missing");
    rig_close(&rig);
}

int main(void)
{
    conf_register(modules);
    test_syntax();
    test_log_syntax();
    test_nul();
    test_constant();
    test_type();
    test_captures();
    test_append();
    test_failures();
    test_many_parts();
    test_appenders();
    return done_testing();
}
