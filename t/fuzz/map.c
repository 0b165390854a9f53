/*
 * Maps of any text, asked for any key: whatever is wrong is reported, and a map of plain names
 * gives what a search from end to end finds.
 * Owns nothing.
 *
 * An input: the lines of the block, then keys; parts end in 0xff.
 */
#include "http/modules/map.c"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

enum { INPUT_MOST = 4096 };

struct run {
    struct pool pool;
    struct diag_list list;
    struct generation gen;
    struct conf_block block;
    struct conf cf;
    struct local local;
    struct subject s;
    struct str key;
};

static bool get_key(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)entry;
    *out = (struct value){ container_of(s, struct run, s)->key, true };
    return true;
}

static const struct variable variables[] = {
    { "k", get_key, VARS_VOLATILE, 0, "", NULL }, { NULL, NULL, 0, 0, NULL, NULL },
};
static const struct module module = { .name = "fuzz", .protocol = "http",
                                      .variables = variables };
static const struct module *const modules[] = { &module, NULL };

/* NULL: it is not one block and nothing else. */
static const struct conf_node *read_block(struct run *run, struct str lines)
{
    struct fmt f;
    fmt_init_pool(&f, &run->pool, lines.len + 64, INPUT_MOST + 64);
    fmt_text(&f, "map $k $v {");
    fmt_str(&f, lines);
    fmt_text(&f, "\n}");
    const struct conf_node *node = conf_tree_text(&run->cf, STR("fuzz"), fmt_done(&f));
    if (run->list.errors > 0 || !node || node->next || !node->block || node->nwords != 3)
        return NULL;
    return node;
}

static bool is_plain(const struct conf_node *block)
{
    for (const struct conf_node *node = block->children; node; node = node->next)
        if (node->nwords != 2 || str_starts(node->words[0].text, STR("~"))
            || str_chr(node->words[1].text, '$') != STR_NPOS)
            return false;
    return true;
}

static struct str naive(const struct conf_node *block, struct str key)
{
    struct str fallback = STR("");
    for (const struct conf_node *node = block->children; node; node = node->next) {
        struct str name = node->words[0].text;
        if (str_eq(name, STR("default"))) {
            fallback = node->words[1].text;
            continue;
        }
        if (str_starts(name, STR("\\")) && !str_from_off(name, 1, &name))
            abort();
        if (str_eq_ci(name, key))
            return node->words[1].text;
    }
    return fallback;
}

static void ask(struct run *run, const struct conf_node *block, unsigned index, struct str key)
{
    struct value value;
    run->key = key;
    run->s = (struct subject){ .pool = &run->pool, .local = &run->local,
                               .table = run->gen.vars_http };
    if (!vars_get(&run->s, index, &value))
        return;
    MUST(value.found && value.text.at && run->s.asking == 0);
    if (is_plain(block))
        MUST(str_eq(value.text, naive(block, key)));
}

static void try_map(struct run *run, struct str lines, struct str keys)
{
    const struct conf_node *block = read_block(run, lines);
    if (!block)
        return;
    run->cf.node = block;
    const bool good = parse_map(&run->cf, NULL, NULL);
    MUST(good == (run->list.errors == 0));
    if (!good)
        return;
    const unsigned index = vars_use(&run->cf, STR("v"), 2);
    run->cf.node = NULL;
    if (!vars_finish(&run->cf))
        return;
    run->local.regexes = regex_local_new(run->gen.nregexes, false);
    MUST(run->local.regexes);
    while (keys.len > 0) {
        struct str key;
        str_cut(keys, '\xff', &key, &keys);
        ask(run, block, index, key);
    }
    regex_local_free(run->local.regexes, run->gen.nregexes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .block = { .scope = IN_HTTP } };
    struct str lines, keys;
    if (size > INPUT_MOST)
        return 0;
    if (!conf_modules())
        conf_register(modules);
    pool_init(&run.pool, &pool_heap);
    diag_init(&run.list, &run.pool);
    run.cf = (struct conf){ .pool = &run.pool, .temp = &run.pool, .diag = &run.list,
                            .gen = &run.gen, .block = &run.block };
    vars_init(&run.cf);
    run.local.generation = &run.gen;
    str_cut(str_of(data, size), '\xff', &lines, &keys);
    try_map(&run, lines, keys);
    pool_free(&run.pool);
    return 0;
}
