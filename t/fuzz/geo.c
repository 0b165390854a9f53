/*
 * Networks and ranges of any text, asked for any address: whatever is wrong is reported, and what
 * is found is what a search through all lines finds.
 * Owns nothing.
 *
 * An input: the lines of the block, then addresses as text; parts end in 0xff.
 */
#include "http/modules/geo.c"

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
};

static const struct module module = { .name = "fuzz", .protocol = "http" };
static const struct module *const modules[] = { &module, NULL };

/* NULL: it is not one block and nothing else. */
static const struct conf_node *read_block(struct run *run, struct str lines)
{
    struct fmt f;
    fmt_init_pool(&f, &run->pool, lines.len + 64, INPUT_MOST + 64);
    fmt_text(&f, "geo $v {");
    fmt_str(&f, lines);
    fmt_text(&f, "\n}");
    const struct conf_node *node = conf_tree_text(&run->cf, STR("fuzz"), fmt_done(&f));
    if (run->list.errors > 0 || !node || node->next || !node->block || node->nwords != 2)
        return NULL;
    return node;
}

/* The newest of the longest networks. */
static struct str naive_network(const struct conf_node *block, const struct inet_address *address)
{
    struct str value = STR("");
    unsigned longest = 0;
    struct inet_cidr cidr;
    for (const struct conf_node *node = block->children; node; node = node->next) {
        const struct str word = node->words[0].text;
        bool loose;
        cidr = (struct inet_cidr){ .bits = 0 };
        if (node->nwords != 2 || str_eq(word, STR("proxy")))
            continue;
        if (!str_eq(word, STR("default"))) {
            if (!inet_cidr_parse(word, &cidr, &loose))
                continue;
            if (host_of(address).len != (cidr.family == AF_INET ? 4 : 16)
                || !inet_cidr_match(&cidr, address))
                continue;
        }
        if (cidr.bits >= longest) {
            longest = cidr.bits;
            value = node->words[1].text;
        }
    }
    return value;
}

/* The newest range: one that lies within another comes behind it. */
static struct str naive_range(const struct conf_node *block, uint32_t address)
{
    struct str value = STR(""), fallback = STR("");
    bool found = false;
    for (const struct conf_node *node = block->children; node; node = node->next) {
        uint32_t from, to;
        struct str first, last;
        if (node->nwords != 2)
            continue;
        if (str_eq(node->words[0].text, STR("default")))
            fallback = node->words[1].text;
        if (!str_cut(node->words[0].text, '-', &first, &last) || !parse_end(first, &from)
            || !parse_end(last, &to) || address < from || address > to)
            continue;
        value = node->words[1].text;
        found = true;
    }
    return found ? value : fallback;
}

static bool has_delete(const struct conf_node *block)
{
    for (const struct conf_node *node = block->children; node; node = node->next)
        if (str_eq(node->words[0].text, STR("delete")))
            return true;
    return false;
}

static void ask(const struct conf_node *block, const struct geo *geo, struct str text)
{
    struct inet_address address;
    if (!inet_parse_host(text, 0, &address))
        address.len = 0;
    const struct str *found = find(geo, &address);
    const struct str got = found ? *found : STR("");
    if (has_delete(block) || !address.len)
        return;
    const struct str host = host_of(&address);
    if (!geo->by_range)
        MUST(str_eq(got, naive_network(block, &address)));
    else if (host.len == 4)
        MUST(str_eq(got, naive_range(block, number_of((const unsigned char *)host.at))));
}

static void check_ranges(const struct geo *geo)
{
    for (size_t i = 0; i < geo->nranges; i++) {
        MUST(geo->ranges[i].first <= geo->ranges[i].last);
        MUST(i == 0 || geo->ranges[i - 1].last < geo->ranges[i].first);
    }
}

static void try_geo(struct run *run, struct str lines, struct str addresses)
{
    const struct conf_node *block = read_block(run, lines);
    if (!block)
        return;
    run->cf.node = block;
    const bool good = parse_geo(&run->cf, NULL, NULL);
    MUST(good == (run->list.errors == 0));
    if (!good)
        return;
    const unsigned index = vars_use(&run->cf, STR("v"), 1);
    const struct geo *geo = (const void *)run->gen.vars_http->at[index]->data;
    check_ranges(geo);
    while (addresses.len > 0) {
        struct str address;
        str_cut(addresses, '\xff', &address, &addresses);
        ask(block, geo, address);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .block = { .scope = IN_HTTP } };
    struct str lines, addresses;
    if (size > INPUT_MOST)
        return 0;
    if (!conf_modules())
        conf_register(modules);
    pool_init(&run.pool, &pool_heap);
    diag_init(&run.list, &run.pool);
    run.cf = (struct conf){ .pool = &run.pool, .temp = &run.pool, .diag = &run.list,
                            .gen = &run.gen, .block = &run.block };
    vars_init(&run.cf);
    str_cut(str_of(data, size), '\xff', &lines, &addresses);
    try_geo(&run, lines, addresses);
    pool_free(&run.pool);
    return 0;
}
