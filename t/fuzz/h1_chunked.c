/*
 * Fuzz target: any bytes as a chunked body.
 * Owns a copy of each piece of an input, of just its size, and the data that comes of it.
 *
 * The data, the trailers and the end are the same, whole and cut at every byte; all but the
 * trailers also when nobody wants them.  The data, sent as one chunk, and the trailers are those of
 * a body again, and the trailers are fields.
 */
#include "core/fmt.h"
#include "http/v1/h1_chunked.h"
#include "http/v1/h1_response.h"

enum { EACH_CUT = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct body {
    struct h1_chunked c;
    struct fmt data, trailers;
    size_t taken;                       /* bytes of the input, up to the end */
    enum h1_chunked_result result;
};

static void begin(struct body *b, struct pool *pool, size_t most, bool trailers)
{
    *b = (struct body){ .result = H1_CHUNKED_MORE, .c = { .want_trailers = trailers } };
    fmt_init_pool(&b->data, pool, 64, most + 64);
    fmt_init_pool(&b->trailers, pool, 64, most + 64);
}

static void feed(struct body *b, struct str piece)
{
    struct str in = piece, data;
    char *copy = malloc(piece.len ? piece.len : 1);
    ASSERT(copy);
    if (piece.len)
        memcpy(copy, piece.at, piece.len);
    in.at = copy;
    while ((b->result = h1_chunked(&b->c, &in, &data)) == H1_CHUNKED_DATA ||
           b->result == H1_CHUNKED_TRAILERS) {
        ASSERT(data.len > 0 && data.len <= piece.len && data.at >= copy);
        ASSERT((size_t)(data.at - copy) <= piece.len - data.len);
        fmt_str(b->result == H1_CHUNKED_DATA ? &b->data : &b->trailers, data);
    }
    ASSERT(in.len <= piece.len && in.at >= copy && (size_t)(in.at - copy) == piece.len - in.len);
    ASSERT(b->result != H1_CHUNKED_MORE || in.len == 0);
    ASSERT(b->c.left <= INT64_MAX);
    b->taken += piece.len - in.len;
    free(copy);
}

static void check_same(struct body *whole, struct body *pieces)
{
    ASSERT(!whole->data.failed && !pieces->data.failed);
    ASSERT(whole->result == pieces->result && whole->taken == pieces->taken);
    ASSERT(str_eq(fmt_done(&whole->data), fmt_done(&pieces->data)));
    ASSERT(str_eq(fmt_done(&pieces->trailers),
                  pieces->c.want_trailers ? fmt_done(&whole->trailers) : STR("")));
}

static void check_again(struct pool *pool, struct str data, struct str trailers)
{
    const size_t most = data.len + trailers.len + 64;
    struct fields fields = { 0 };
    struct body again;
    struct fmt f;
    begin(&again, pool, most, true);
    fmt_init_pool(&f, pool, most, most);
    if (data.len)
        fmt_print(&f, "%zx\r\n", data.len);
    fmt_str(&f, data);
    fmt_text(&f, data.len ? "\r\n0\r\n" : "0\r\n");
    fmt_str(&f, trailers);
    fmt_text(&f, "\r\n");
    ASSERT(!f.failed);
    feed(&again, fmt_done(&f));
    ASSERT(again.result == H1_CHUNKED_END && again.taken == fmt_done(&f).len);
    ASSERT(str_eq(fmt_done(&again.data), data) && str_eq(fmt_done(&again.trailers), trailers));
    if (trailers.len < H1_RESPONSE_FIELDS)
        ASSERT(h1_parse_trailers(trailers, pool, &fields));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str bytes = str_of(data, size);
    const size_t step = size > EACH_CUT ? 1 + size / 64 : 1;
    struct body whole, single;
    struct str piece, rest;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    begin(&whole, &pool, size, true);
    feed(&whole, bytes);
    for (size_t cut = 0; cut < size; cut += step) {
        struct body two;
        begin(&two, &pool, size, cut % 2);
        ASSERT(str_sub(bytes, 0, cut, &piece) && str_from_off(bytes, cut, &rest));
        feed(&two, piece);
        if (two.result == H1_CHUNKED_MORE)
            feed(&two, rest);
        check_same(&whole, &two);
    }
    begin(&single, &pool, size, true);
    for (size_t at = 0; at < size && single.result == H1_CHUNKED_MORE; at++) {
        ASSERT(str_sub(bytes, at, 1, &piece));
        feed(&single, piece);
    }
    check_same(&whole, &single);
    if (whole.result == H1_CHUNKED_END)
        check_again(&pool, fmt_done(&whole.data), fmt_done(&whole.trailers));
    pool_free(&pool);
    return 0;
}
