/*
 * Cutting a range from a source that has no slices: which bytes pass, and that memory is given back
 * behind them and not before.  Owns the pool of each try.
 */
#include "http/range_filter.c"

#include "t/unit/tap.h"

enum { PIECES = 5, PIECE = 10 };

static struct {
    struct source source;
    struct sink sink;
    char bytes[PIECES][PIECE];
    unsigned given, freed, cancelled, lasts, behind_last;
    struct chain kept;                  /* what has passed, not yet sent */
    bool early;                         /* freed before that */
    enum flow flow;
} t;

static void piece_passed(struct buf *mark, bool sent)
{
    (void)mark;
    t.early = t.early || !sent;
    t.freed++;
}

static struct pool pool;

/* As a source does that listens to nobody. */
static void give_all(struct source *source, struct sink *sink)
{
    (void)source;
    while (t.given < PIECES) {
        struct chain data;
        char *bytes = t.bytes[t.given];
        for (unsigned i = 0; i < PIECE; i++)
            bytes[i] = (char)('a' + (t.given * PIECE + i) % 26);
        chain_init(&data);
        chain_add(&data, &pool, str_of(bytes, PIECE));
        chain_add_mark(&data, &pool, piece_passed, NULL);
        t.given++;
        t.flow = sink->write(sink, &data, t.given == PIECES ? LAST : MORE);
    }
}

static void give_up(struct source *source)
{
    (void)source;
    t.cancelled++;
}

static enum flow take(struct sink *sink, struct chain *data, enum mark mark)
{
    (void)sink;
    t.behind_last += t.lasts > 0;
    t.lasts += mark == LAST;
    chain_move(&t.kept, data);
    return FLOW_OK;
}

static void cut_range(int64_t from, int64_t to)
{
    static struct request r;
    struct range range = { from, to };
    pool_init(&pool, &pool_heap);
    memset(&t, 0, sizeof(t));
    chain_init(&t.kept);
    t.source = (struct source){ give_all, give_up, NULL };
    t.sink.write = take;
    r = (struct request){ .subject = { .pool = &pool }, .source = &t.source };
    struct range_source *s = wrap(&r, &range, 1);
    s->source.pull(&s->source, &t.sink);
}

static void check(int64_t from, int64_t to)
{
    char wanted[PIECES * PIECE], got[PIECES * PIECE + 1];
    size_t n = 0, len = 0;
    cut_range(from, to);
    for (int64_t i = from; i < to; i++)
        wanted[len++] = (char)('a' + i % 26);
    for (const struct buf *buf = t.kept.first; buf; buf = buf->next)
        for (size_t i = 0; i < buf->len && n < sizeof(got); i++)
            got[n++] = buf->at[i];
    ok(n == len && memcmp(got, wanted, n) == 0, "bytes %d to %d", (int)from, (int)to);
    is_int(t.kept.bytes, n, "are as many as the chain says");
    ok(t.lasts == 1 && t.behind_last == 0, "and nothing comes behind their end");
    const unsigned first = (unsigned)from / PIECE, behind = ((unsigned)to - 1) / PIECE + 1;
    is_int(t.freed, first + PIECES - behind, "memory of other pieces is given back");
    t.early = false;
    chain_consume(&t.kept, t.kept.bytes, true);
    ok(t.freed == PIECES && !t.early, "that of these when they have passed");
    pool_free(&pool);
}

int main(void)
{
    check(0, 50);
    check(0, 1);
    check(3, 7);
    check(3, 10);
    check(10, 20);
    check(9, 11);
    check(12, 38);
    check(49, 50);
    is_int(t.flow, FLOW_FULL, "nobody asks for more then");
    return done_testing();
}
