/*
 * Fuzz target: any bytes as what a server sends to a request by HTTP/1.
 * Owns an exchange for each way of cutting an input.
 *
 * The first byte says how it was asked.  Whole and cut at every byte, the status, the data, the
 * trailers and the end are the same; and who may be asked again has sent an answer that is whole.
 */
#include "t/unit/http/upstream/h1_exchange.h"

enum { INPUT_MOST = 16 << 10, EACH_CUT = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_as(struct exchange *x, unsigned how)
{
    exchange_open(x);
    x->q.bodiless = how & 1;
    x->q.upgrade = how & 2;
    x->conf.pass_trailers = how & 4;
    x->q.minor = !(how & 8);
}

static void check_one(const struct exchange *x)
{
    if (x->result != DECODE_END && x->result != DECODE_MORE)
        return;
    if (x->answering && upstream_http1.reusable(&x->u))
        ASSERT(x->result == DECODE_END);
    if (x->answering && x->u.head.length >= 0)
        ASSERT(x->q.bodiless || x->data.len <= (uint64_t)x->u.head.length);
    if (x->answering && x->u.head.bodiless)
        ASSERT(x->data.len == 0);
}

static void check_same(struct exchange *a, struct exchange *b)
{
    const struct fields *x = &a->u.head.trailers, *y = &b->u.head.trailers;
    ASSERT(a->result == b->result && a->answering == b->answering);
    ASSERT(a->interims == b->interims && a->u.head.status == b->u.head.status);
    ASSERT(!a->data.failed && str_eq(fmt_done(&a->data), fmt_done(&b->data)));
    ASSERT(exchange_whole(a) == exchange_whole(b) && x->count == y->count);
    for (unsigned i = 0; i < x->count; i++)
        ASSERT(str_eq(x->at[i].name, y->at[i].name) && str_eq(x->at[i].value, y->at[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exchange whole, other;
    struct str bytes;
    if (size < 1 || size > INPUT_MOST)
        return 0;
    ASSERT(str_sub(str_of(data, size), 1, size - 1, &bytes));
    const size_t step = bytes.len > EACH_CUT ? 1 + bytes.len / 32 : 1;
    open_as(&whole, data[0]);
    exchange_run(&whole, bytes, 0, false);
    check_one(&whole);
    open_as(&other, data[0]);
    for (size_t cut = 1; cut < bytes.len; cut += step) {
        exchange_run(&other, bytes, cut, false);
        check_one(&other);
        check_same(&whole, &other);
    }
    exchange_run(&other, bytes, 0, true);
    check_one(&other);
    check_same(&whole, &other);
    exchange_close(&other);
    exchange_close(&whole);
    return 0;
}
