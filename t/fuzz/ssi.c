/*
 * Fuzz target: pages with server-side includes.  However the page is cut, the same commands come of
 * it; a command that is written again is read as the same; what is no command stays as it was.
 * Owns the pool of one input.
 *
 *     first byte: the longest value; then the page
 */
#include "http/ssi_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRACE_MOST = 1 << 24 };

static void check_value(struct str value)
{
    struct ssi_condition condition;
    struct str rest = value, piece;
    size_t pieces = 0;
    for (;;) {
        const enum ssi_piece kind = ssi_next_piece(&rest, &piece);
        if (kind != SSI_PIECE_TEXT && kind != SSI_PIECE_VARIABLE)
            break;
        ASSERT(piece.len > 0);
        pieces++;
    }
    ASSERT(pieces <= value.len && rest.len <= value.len);
    if (ssi_condition_parse(value, &condition))
        ASSERT(condition.left.len + condition.right.len <= value.len);
}

/* The command at hand, as text. */
static struct str write_command(const struct ssi_parser *p, struct pool *pool)
{
    struct fmt f;
    fmt_init_pool(&f, pool, 256, TRACE_MOST);
    ssi_command_text(p, &f);
    ASSERT(!f.failed);
    return fmt_done(&f);
}

static void check_again(struct str command, size_t value_most, struct pool *pool)
{
    struct ssi_parser *p = pool_new(pool, struct ssi_parser);
    struct str rest = command, text;
    ssi_parser_init(p, pool_alloc(pool, SSI_VALUES_MOST * value_most + 1), value_most);
    ASSERT(ssi_parse(p, &rest, &text) == SSI_COMMAND && rest.len == 0);
    ASSERT(str_eq(write_command(p, pool), command));
}

static void trace_event(struct ssi_parser *p, enum ssi_event event, struct str text,
                        struct fmt *trace)
{
    if (event == SSI_TEXT) {
        fmt_str(trace, text);
        return;
    }
    fmt_char(trace, event == SSI_COMMAND ? '\1' : '\2');
    if (event == SSI_BROKEN)
        return;
    const struct str command = write_command(p, trace->pool);
    check_again(command, p->value_most, trace->pool);
    fmt_str(trace, command);
    ASSERT(ssi_name(p).len <= SSI_NAME_MOST && p->nparams <= SSI_PARAMS_MOST);
    for (unsigned i = 0; i < p->nparams; i++) {
        ASSERT(ssi_param_name(p, i).len <= SSI_NAME_MOST);
        ASSERT(ssi_param_value(p, i).len <= p->value_most);
        check_value(ssi_param_value(p, i));
    }
}

static struct str trace_of(struct str page, size_t step, size_t value_most, struct pool *pool)
{
    struct ssi_parser *p = pool_new(pool, struct ssi_parser);
    struct fmt trace;
    ssi_parser_init(p, pool_alloc(pool, SSI_VALUES_MOST * value_most + 1), value_most);
    fmt_init_pool(&trace, pool, 256, TRACE_MOST);
    while (page.len > 0) {
        struct str piece, text;
        ASSERT(str_sub(page, 0, size_min(step, page.len), &piece));
        ASSERT(str_from_off(page, piece.len, &page));
        for (;;) {
            const enum ssi_event event = ssi_parse(p, &piece, &text);
            if (event == SSI_MORE)
                break;
            trace_event(p, event, text, &trace);
        }
        ASSERT(piece.len == 0);
    }
    fmt_str(&trace, ssi_parse_end(p));
    ASSERT(!trace.failed);
    return fmt_done(&trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str page;
    struct pool pool;
    if (!str_from_off(str_of(data, size), 1, &page))
        return 0;
    pool_init(&pool, &pool_heap);
    const struct str whole = trace_of(page, page.len, data[0], &pool);
    ASSERT(str_eq(whole, trace_of(page, 1, data[0], &pool)));
    ASSERT(str_eq(whole, trace_of(page, 7, data[0], &pool)));
    if (str_find(page, STR("<!--#")) == STR_NPOS)
        ASSERT(str_eq(whole, page));
    pool_free(&pool);
    return 0;
}
