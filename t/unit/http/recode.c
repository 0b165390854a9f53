/*
 * A body through a codec: the parts of a body that is flushed, small bodies, what the sink is told,
 * streams that are closed, and bodies that are never finished.
 * Owns the request, the filter and the collecting sink of each case.
 */
#include "http/recode.c"

#include "t/unit/tap.h"

static struct pool pool;

struct collected {
    struct sink sink;
    struct fmt bytes;
    unsigned writes, flushes, lasts;
};

static unsigned opened, closed;

static void *open_copy(struct request *r, int64_t length)
{
    (void)r;
    opened++;
    is_int(length, 1234, "the length that the body was to have");
    return &opened;
}

/* Says all twice, and keeps an odd byte back until it is flushed: "abc" -> "aabb", then "cc|". */
static struct { char kept; bool has; } held;

static bool put(struct fmt *out, char c)
{
    if (out->room - out->len < 2)
        return false;
    fmt_char(out, c);
    fmt_char(out, c);
    return true;
}

static enum deflate_result run_copy(void *stream, struct str *in, enum deflate_mark mark,
                                    struct fmt *out)
{
    (void)stream;
    while (in->len) {
        if (held.has && !put(out, held.kept))
            return DEFLATE_GO_ON;
        held.has = true;
        held.kept = in->at[0];
        ASSERT(str_from_off(*in, 1, in));
    }
    if (mark == DEFLATE_MORE)
        return DEFLATE_HUNGRY;
    if (held.has && !put(out, held.kept))
        return DEFLATE_GO_ON;
    held.has = false;
    if (out->room - out->len < 1)
        return DEFLATE_GO_ON;
    fmt_char(out, mark == DEFLATE_FLUSH ? '|' : '.');
    return mark == DEFLATE_FLUSH ? DEFLATE_HUNGRY : DEFLATE_END;
}

static void close_copy(struct request *r, void *stream)
{
    (void)r;
    ok(stream == &opened, "the stream is closed");
    closed++;
}

static const struct recoder codec = { "copy", open_copy, run_copy, close_copy };

static enum flow collect(struct sink *sink, struct chain *data, enum mark mark)
{
    struct collected *c = container_of(sink, struct collected, sink);
    c->writes++;
    c->flushes += mark == FLUSH;
    c->lasts += mark == LAST;
    while (data->first) {
        fmt_str(&c->bytes, str_of(data->first->at, data->first->len));
        chain_consume(data, data->first->len, true);
    }
    return FLOW_OK;
}

struct fixture {
    struct request request;
    struct filter filter;
    struct recode recode;
    struct collected to;
};

static struct fixture *begin(void)
{
    struct fixture *x = pool_new(&pool, struct fixture);
    pool_init(&x->request.pool, &pool_heap);
    x->request.subject.pool = &x->request.pool;
    x->request.out.length = 1234;
    x->to.sink.write = collect;
    fmt_init_pool(&x->to.bytes, &pool, 64, 1 << 20);
    x->filter.request = &x->request;
    x->filter.to = &x->to.sink;
    recode_join(&x->recode, &x->request, &x->filter, &codec);
    opened = closed = 0;
    held.has = false;
    return x;
}

static enum flow give(struct fixture *x, const char *text, enum mark mark)
{
    struct chain data;
    chain_init(&data);
    for (struct str rest = str_from(text), part; rest.len;) {      /* a buf for each word */
        str_cut(rest, ' ', &part, &rest);
        chain_add(&data, &x->request.pool, part);
    }
    return recode_body(&x->filter, &data, mark);
}

static void is_text(struct fixture *x, const char *want, const char *what)
{
    is_mem(x->to.bytes.at, x->to.bytes.len, want, strlen(want), "%s", what);
}

static void whole(void)
{
    struct fixture *x = begin();
    is_int(give(x, "ab c", LAST), FLOW_OK, "a body in one go");
    is_text(x, "aabbcc.", "is whole");
    is_uint(x->to.writes, 1, "in one write");
    is_uint(x->to.lasts, 1, "the last");
    ok(x->recode.whole && x->recode.taken == 3 && x->recode.given == 7, "counted");
    is_uint(opened, 1, "one stream");
    is_uint(closed, 1, "closed at once");
    pool_free(&x->request.pool);
    is_uint(closed, 1, "and once");
}

static void flushed(void)
{
    struct fixture *x = begin();
    give(x, "ab", MORE);
    is_text(x, "aa", "what is made is passed on");
    give(x, "", FLUSH);
    is_text(x, "aabb|", "a flush by itself");
    give(x, "c d", FLUSH);
    is_text(x, "aabb|ccdd|", "with bytes");
    is_uint(x->to.flushes, 2, "is passed on");
    give(x, "", MORE);
    is_uint(x->to.writes, 3, "nothing makes nothing");
    ok(!x->filter.waiting, "and nobody waits");
    give(x, "", LAST);
    is_text(x, "aabb|ccdd|.", "the end by itself");
    is_uint(x->to.lasts, 1, "is passed on");
    pool_free(&x->request.pool);
}

static void broken_off(void)
{
    struct fixture *x = begin();
    pool_free(&x->request.pool);
    is_uint(opened, 0, "without a byte there is no stream");
    x = begin();
    give(x, "abc", MORE);
    is_uint(closed, 0, "half a body");
    ok(!x->recode.whole, "is not whole");
    pool_free(&x->request.pool);
    is_uint(closed, 1, "its stream goes with the request");
    x = begin();
    give(x, "", LAST);
    is_text(x, ".", "an empty body");
    is_uint(closed, 1, "has a stream");
    pool_free(&x->request.pool);
}

/* Many blocks, ends of input and of blocks anywhere. */
static void long_ones(void)
{
    struct fixture *x = begin();
    char text[11001];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    text[sizeof(text) - 1] = '\0';
    give(x, text, LAST);
    is_uint(x->to.bytes.len, 2 * (sizeof(text) - 1) + 1, "more than a block");
    unsigned wrong = 0;
    for (size_t i = 0; i + 1 < x->to.bytes.len; i++)
        wrong += x->to.bytes.at[i] != text[i / 2];
    is_uint(wrong, 0, "in order");
    pool_free(&x->request.pool);
}

int main(void)
{
    pool_reserve_init();
    pool_init(&pool, &pool_heap);
    whole();
    flushed();
    broken_off();
    long_ones();
    pool_free(&pool);
    return done_testing();
}
