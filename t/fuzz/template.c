/*
 * Templates of any text, with any values and captures, in builders of any size: what comes out is
 * what an evaluator without slices, numbers and builders makes of the same.
 * Owns nothing.
 *
 * An input:  limit, flags, then parts that end in 0xff: the template, the subject of the captures,
 * the values of four variables; the rest is pairs of offsets, one for each group.
 */
#include "core/generation.h"
#include "core/template.h"

#include <stdio.h>

enum {
    VALUES = 4,
    FULL = 1 << 20,                     /* what the naive evaluator has room for */
    /* flags */
    IN_LOG = 1,                         /* template_compile_log */
    CUT = 2,                            /* a builder that cuts */
    POOL = 4,                           /* a builder that grows */
    ESCAPE = 8,
    MISSING = 16,
};

struct input {
    unsigned limit, flags;
    struct str source, subject, values[VALUES];
    struct regex_captures captures;
};

struct run {
    struct input in;
    struct pool pool;
    struct subject s;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- variables: every name is known, and says itself what it is ------------------------------ */

enum what { VALUE_0, VALUE_1, VALUE_2, VALUE_3, NOT_FOUND, NEW_CAPTURES, WORN_CAPTURES, FAILS };

static enum what what_of(const char *name, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += (unsigned char)str_lower_char(name[i]);
    return (enum what)(sum % 8);
}

static bool get(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    struct run *run = container_of(s, struct run, s);
    const enum what what = what_of(entry->name.at, entry->name.len);
    switch (what) {
    case VALUE_0:
    case VALUE_1:
    case VALUE_2:
    case VALUE_3:
        *out = (struct value){ run->in.values[what], true };
        return true;
    case NOT_FOUND:
        return true;
    case NEW_CAPTURES:
        s->captures = NULL;
        *out = (struct value){ STR("new"), true };
        return true;
    case WORN_CAPTURES:
        memset(&run->in.captures, 0, sizeof(run->in.captures));
        *out = (struct value){ STR("worn"), true };
        return true;
    case FAILS:
        break;
    }
    return false;
}

static const struct variable rows[] = {
    { "", get, VARS_PREFIX, 0, "", NULL }, { "vol", get, VARS_PREFIX | VARS_VOLATILE, 0, "", NULL },
    { .name = NULL },
};
static const struct module module = { .name = "fuzz", .protocol = "http", .variables = rows };
static const struct module *const modules[] = { &module, NULL };

static void escape(struct fmt *f, struct str text)
{
    fmt_hex_bytes(f, text);
}

/* --- the naive evaluator --------------------------------------------------------------------- */

struct naive {
    char *at;
    size_t len;
    bool bad, failed;                   /* no template; a variable failed, behind `len` bytes */
};

static void naive_put(struct naive *n, const struct input *in, const char *at, size_t len,
                      bool value)
{
    for (size_t i = 0; i < len; i++) {
        if (n->len + 2 > FULL)
            abort();
        if (value && (in->flags & ESCAPE))
            n->len += (size_t)snprintf(n->at + n->len, 3, "%02x", (unsigned char)at[i]);
        else
            n->at[n->len++] = at[i];
    }
}

static void naive_variable(struct naive *n, const struct input *in, const char *name, size_t len)
{
    switch (what_of(name, len)) {
    case VALUE_0:
        naive_put(n, in, in->values[0].at, in->values[0].len, true);
        return;
    case VALUE_1:
        naive_put(n, in, in->values[1].at, in->values[1].len, true);
        return;
    case VALUE_2:
        naive_put(n, in, in->values[2].at, in->values[2].len, true);
        return;
    case VALUE_3:
        naive_put(n, in, in->values[3].at, in->values[3].len, true);
        return;
    case NOT_FOUND:
        naive_put(n, in, "missing", in->flags & MISSING ? 7 : 0, false);
        return;
    case NEW_CAPTURES:
        naive_put(n, in, "new", 3, true);
        return;
    case WORN_CAPTURES:
        naive_put(n, in, "worn", 4, true);
        return;
    case FAILS:
        n->failed = true;
    }
}

static void naive_group(struct naive *n, const struct input *in, unsigned group)
{
    const struct regex_captures *c = &in->captures;
    if (group < c->count && c->group[group].from <= c->group[group].to
        && c->group[group].to <= c->subject.len)
        naive_put(n, in, c->subject.at + c->group[group].from,
                  c->group[group].to - c->group[group].from, true);
}

static bool naive_name_char(int c)
{
    return strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", c) && c;
}

/* From the "$" at `i`; the place behind it, or 0 when it is bad. */
static size_t naive_reference(struct naive *n, const struct input *in, size_t i)
{
    const char *at = in->source.at;
    const size_t len = in->source.len;
    const bool brackets = ++i < len && at[i] == '{';
    if (!(in->flags & IN_LOG) && i < len && at[i] >= '1' && at[i] <= '9') {
        if (!n->failed)
            naive_group(n, in, (unsigned)(at[i] - '0'));
        return i + 1;
    }
    i += brackets;
    const size_t name = i;
    while (i < len && naive_name_char(at[i]))
        i++;
    if (i == name || (brackets && (i == len || at[i] != '}')))
        return 0;
    if (!n->failed)
        naive_variable(n, in, at + name, i - name);
    return i + brackets;
}

static void naive_eval(struct naive *n, const struct input *in)
{
    for (size_t i = 0; i < in->source.len && !n->bad;) {
        if (in->source.at[i] != '$') {
            if (!n->failed)
                naive_put(n, in, &in->source.at[i], 1, false);
            i++;
            continue;
        }
        i = naive_reference(n, in, i);
        n->bad = i == 0;
    }
}

/* --- the run --------------------------------------------------------------------------------- */

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

static unsigned take_byte(struct str *rest)
{
    const unsigned byte = rest->len ? (unsigned char)rest->at[0] : 0;
    if (rest->len && !str_from_off(*rest, 1, rest))
        abort();
    return byte;
}

static void read_input(struct input *in, struct str rest)
{
    in->limit = take_byte(&rest);
    in->flags = take_byte(&rest);
    if (in->flags & 128)
        in->limit *= 64;
    str_cut(rest, '\xff', &in->source, &rest);
    str_cut(rest, '\xff', &in->subject, &rest);
    for (size_t i = 0; i < VALUES; i++)
        str_cut(rest, '\xff', &in->values[i], &rest);
    in->captures.subject = in->subject;
    while (rest.len > 0 && in->captures.count < REGEX_CAPTURES) {
        const unsigned from = take_byte(&rest), to = take_byte(&rest);
        in->captures.group[in->captures.count].from = from == 255 ? UINT32_MAX : from;
        in->captures.group[in->captures.count++].to = to == 255 ? UINT32_MAX : to;
    }
}

static bool compile(struct run *run, struct generation *gen, struct template *t)
{
    struct diag_list list;
    struct conf_word words[2] = { { .text = STR_INIT("return") }, { .text = run->in.source } };
    struct conf_node node = { .words = words, .nwords = 2 };
    struct conf cf = { .pool = &run->pool, .temp = &run->pool, .diag = &list, .gen = gen,
                       .node = &node };
    diag_init(&list, &run->pool);
    vars_init(&cf);
    const bool good = (run->in.flags & IN_LOG ? template_compile_log : template_compile)
        (&cf, t, run->in.source, 1);
    MUST(good == (list.errors == 0));
    MUST(!good || vars_finish(&cf));
    return good;
}

static void new_subject(struct run *run, const struct generation *gen, const struct input *in)
{
    run->in = *in;
    run->s = (struct subject){ .pool = &run->pool, .table = gen->vars_http,
                               .captures = &run->in.captures };
}

static void check_append(struct run *run, const struct template *t, const struct naive *want)
{
    const struct input *in = &run->in;
    const unsigned flags = in->flags;
    struct fmt f;
    char *buffer = malloc(in->limit + 1);
    MUST(buffer);
    if (flags & POOL)
        fmt_init_pool(&f, &run->pool, in->limit / 2, in->limit);
    else if (flags & CUT)
        fmt_init_cut(&f, buffer, in->limit + 1);
    else
        fmt_init(&f, buffer, in->limit + 1);
    const bool cut = !(flags & POOL) && (flags & CUT), full = want->len > in->limit;
    const bool good = template_append(t, &run->s, &f, flags & ESCAPE ? escape : NULL,
                                      flags & MISSING ? STR("missing") : STR_NONE);
    MUST(good == (full ? cut : !want->failed));
    if (good) {
        const struct str got = fmt_done(&f);
        MUST(str_eq(got, str_of(want->at, size_min(want->len, in->limit))));
        MUST(got.at[got.len] == '\0');
    }
    MUST(run->s.asking == 0);
    free(buffer);
}

/* Without escapes, missing texts and a limit that could be met. */
static void check_eval(struct run *run, const struct template *t, const struct input *in,
                       struct naive *want)
{
    struct input plain = *in;
    struct str got;
    plain.flags &= IN_LOG;
    want->len = 0;
    want->failed = false;
    naive_eval(want, &plain);
    MUST(template_eval(t, &run->s, &got) == !want->failed);
    MUST(want->failed || str_eq(got, str_of(want->at, want->len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .in = { 0 } };
    struct input in = { 0 };
    struct generation gen = { 0 };
    struct template t;
    struct naive want = { .at = malloc(FULL) };
    MUST(want.at);
    if (!conf_modules())
        conf_register(modules);
    if (size <= 2048) {
        pool_init(&run.pool, &pool_heap);
        read_input(&in, str_of(data, size));
        run.in = in;
        naive_eval(&want, &in);
        const bool good = compile(&run, &gen, &t);
        MUST(good == !want.bad);
        if (good) {
            new_subject(&run, &gen, &in);
            check_append(&run, &t, &want);
            new_subject(&run, &gen, &in);
            check_eval(&run, &t, &in, &want);
        }
        pool_free(&run.pool);
    }
    free(want.at);
    return 0;
}
