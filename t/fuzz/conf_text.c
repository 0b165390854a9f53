/*
 * Fuzz target: any bytes as configuration text, through the lexer and through the tree.
 * Owns one pool for the time of an input.
 *
 * Each token lies inside the text and behind the one before it; a word that is read again by
 * itself says the same; each place of the tree is where its line and column say; each diagnostic
 * can be printed, its first line being one line.
 */
#include "core/conf.h"
#include "core/conf_lexer.h"

enum { LIMIT = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names of even length are set. */
static bool some_env(void *data, struct str name, struct str *value)
{
    (void)data;
    *value = name.len > 2 ? STR("a b;\"${x}") : STR("");
    return name.len % 2 == 0;
}

static const struct conf_env env = { some_env, NULL };

static bool text_of(struct pool *pool, struct str raw, bool quoted, struct str *text)
{
    struct fmt f;
    struct conf_text_fault fault;
    fmt_init_pool(&f, pool, raw.len, LIMIT);
    if (conf_lexer_text(raw, quoted, &env, &f, &fault)) {
        *text = fmt_done(&f);
        return true;
    }
    ASSERT(fault.error != CONF_LEXER_OK);
    ASSERT(fault.offset <= raw.len && fault.len <= raw.len - fault.offset);
    return false;
}

/* Behind a blank, since at the very beginning a byte order mark is none of the word. */
static void check_word(struct pool *pool, struct str raw, bool quoted)
{
    struct conf_lexer lexer;
    struct conf_token token;
    struct str again = STR_NONE, text = STR_NONE, other = STR_NONE;
    const struct str alone = fmt_pool(pool, " %.*s", STR_FMT(raw));
    ASSERT(alone.len == raw.len + 1);
    conf_lexer_init(&lexer, alone);
    conf_lexer_next(&lexer, &token);
    ASSERT(token.kind == CONF_TOKEN_WORD && token.offset == 1 && token.len == raw.len);
    ASSERT(token.quoted == quoted && str_from_off(alone, 1, &again));
    ASSERT(text_of(pool, raw, quoted, &text) == text_of(pool, again, quoted, &other));
    ASSERT(str_eq(text, other));
    conf_lexer_next(&lexer, &token);
    ASSERT(token.kind == CONF_TOKEN_END);
}

static void check_tokens(struct pool *pool, struct str text)
{
    struct conf_lexer lexer;
    struct conf_token token;
    struct str raw = STR_NONE;
    size_t past = 0;
    conf_lexer_init(&lexer, text);
    do {
        conf_lexer_next(&lexer, &token);
        ASSERT(token.offset >= past && str_sub(text, token.offset, token.len, &raw));
        ASSERT((token.len > 0) == (token.kind != CONF_TOKEN_END));
        ASSERT(token.line > 0 && token.column > 0 && token.column - 1 <= token.offset);
        if (token.kind == CONF_TOKEN_WORD)
            check_word(pool, raw, token.quoted);
        if (token.kind != CONF_TOKEN_ERROR)
            past = token.offset + token.len;
    } while (token.kind != CONF_TOKEN_END);
}

/* The lines before the place end in the newline before its line. */
static void check_place(struct str text, const struct diag_place *place)
{
    struct str part = STR_NONE;
    const size_t mark = str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0;
    ASSERT(place->line > 0 && place->column > 0 && place->column - 1 <= place->offset);
    ASSERT(str_sub(text, place->offset, place->len, &part));
    const size_t start = place->offset - (place->column - 1);
    ASSERT(place->line == 1 ? start == mark : start > 0 && text.at[start - 1] == '\n');
}

static void check_nodes(struct str text, const struct conf_node *nodes)
{
    for (const struct conf_node *node = nodes; node; node = node->next) {
        unsigned word = 0;
        ASSERT(node->nwords > 0);
        ASSERT(node->block || !node->children);
        for (unsigned i = 0; i < node->nwords; i++) {
            check_place(text, &node->words[i].place);
            ASSERT(node->words[i].text.at[node->words[i].text.len] == '\0');
        }
        ASSERT(!conf_node_swallowed(node, &word) || (word > 0 && word < node->nwords));
        for (const struct conf_node *child = node->children; child; child = child->next)
            ASSERT(child->parent == node);
        check_nodes(text, node->children);
    }
}

static void check_diag(struct pool *pool, struct str text, const struct diag *d)
{
    struct fmt line, details, json;
    fmt_init_pool(&line, pool, 256, LIMIT);
    fmt_init_pool(&details, pool, 1024, LIMIT);
    fmt_init_pool(&json, pool, 1024, LIMIT);
    if (d->place.file)
        check_place(text, &d->place);
    for (const struct diag_note *note = d->notes; note; note = note->next)
        if (note->place.file)
            check_place(text, &note->place);
    diag_line(d, &line);
    diag_details(d, &details);
    diag_json(d, &json);
    ASSERT(!line.failed && !details.failed && !json.failed);
    const struct str shown = fmt_done(&line);
    for (size_t i = 0; i < shown.len; i++)
        ASSERT((unsigned char)shown.at[i] >= ' ');
    ASSERT(str_chr(fmt_done(&json), '\n') == STR_NPOS);
}

static void check_tree(struct pool *pool, struct str text)
{
    struct diag_list list;
    unsigned kept = 0;
    diag_init(&list, pool);
    struct conf cf = { .pool = pool, .temp = pool, .diag = &list };
    const struct conf_node *nodes = conf_tree_text(&cf, STR("fuzz"), text);
    check_nodes(text, nodes);
    for (const struct diag *d = list.first; d; d = d->next) {
        check_diag(pool, text, d);
        kept++;
    }
    /* The last statement may have had one too many. */
    ASSERT(kept == size_min(list.errors, list.limit));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool pool;
    const struct str text = str_of(data, size);
    pool_init(&pool, &pool_heap);
    check_tokens(&pool, text);
    check_tree(&pool, text);
    pool_free(&pool);
    return 0;
}
