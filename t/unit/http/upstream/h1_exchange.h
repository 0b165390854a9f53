/*
 * One exchange with a server by HTTP/1, as the engine conducts it, without a connection: bytes of
 * an answer go in, in pieces; what was decoded comes out.
 * Owns all of it until exchange_close.
 *
 *     exchange_open(&x); x.q.upgrade = true; exchange_begin(&x);
 *     exchange_feed(&x, bytes); exchange_feed(&x, bytes) ... x.result, x.data, x.u.head
 */
#ifndef T_UNIT_HTTP_UPSTREAM_H1_EXCHANGE_H
#define T_UNIT_HTTP_UPSTREAM_H1_EXCHANGE_H

#include "http/upstream/proto_h1.h"

enum { EXCHANGE_HEAD = 64 << 10 };

struct exchange {
    struct pool pool;
    struct log_conf quiet;
    struct request request;
    struct upstream_conf conf;
    struct h1_request q;
    struct upstream u;
    char *head;                         /* what came, up to the end of the head */
    size_t len, at;
    bool answering;                     /* the head is complete */
    unsigned interims;
    enum decode result;                 /* MORE, END, UPGRADED or BAD */
    struct fmt data;
};

static inline void exchange_open(struct exchange *x)
{
    memset(x, 0, sizeof(*x));
    pool_init(&x->pool, &pool_heap);
    x->request.subject.pool = &x->pool;
    x->request.main = &x->request;
    x->request.log.conf = &x->quiet;
    x->q.minor = 1;
    x->u.request = &x->request;
    x->u.conf = &x->conf;
    x->u.data = &x->q;
    x->head = malloc(EXCHANGE_HEAD);
    ASSERT(x->head);
}

/* A try: its request would leave now. */
static inline void exchange_begin(struct exchange *x)
{
    struct chain head;
    chain_init(&head);
    ASSERT(upstream_http1.encode_head(&x->u, &head));
    x->len = x->at = 0;
    x->interims = 0;
    x->answering = false;
    x->result = DECODE_MORE;
    x->u.head = (struct upstream_head){ .length = -1 };
    x->request.out.trailers = (struct fields){ 0 };
    fmt_init_pool(&x->data, &x->pool, 64, 1 << 20);
}

/* A copy of just its size, so that a byte too far is seen. */
static inline void exchange_body(struct exchange *x, struct str bytes)
{
    char *copy = malloc(bytes.len ? bytes.len : 1);
    struct str in = str_of(copy, bytes.len), data;
    ASSERT(copy);
    if (bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    while ((x->result = upstream_http1.decode_body(&x->u, &in, &data)) == DECODE_DATA) {
        ASSERT(data.len > 0 && data.at >= copy && data.len <= bytes.len);
        fmt_str(&x->data, data);
    }
    ASSERT(x->result == DECODE_BAD || in.len == 0);
    free(copy);
}

static inline void exchange_feed(struct exchange *x, struct str bytes)
{
    size_t used = 0;
    if (x->result != DECODE_MORE)
        return;
    if (x->answering) {
        exchange_body(x, bytes);
        return;
    }
    ASSERT(bytes.len <= EXCHANGE_HEAD - x->len);
    if (bytes.len)
        memcpy(x->head + x->len, bytes.at, bytes.len);
    x->len += bytes.len;
    for (;;) {
        const struct str rest = str_of(x->head + x->at, x->len - x->at);
        if (rest.len == 0)
            return;
        x->result = upstream_http1.decode_head(&x->u, rest, &used);
        if (x->result != DECODE_INTERIM && x->result != DECODE_END)
            return;
        ASSERT(used > 0 && used <= rest.len);
        x->at += used;
        if (x->result == DECODE_INTERIM) {
            x->interims++;
            x->result = DECODE_MORE;
            continue;
        }
        x->answering = true;
        exchange_body(x, str_of(x->head + x->at, x->len - x->at));
        return;
    }
}

/* In two pieces cut at `cut`, or byte by byte. */
static inline void exchange_run(struct exchange *x, struct str bytes, size_t cut, bool single)
{
    struct str rest = bytes, piece;
    exchange_begin(x);
    while (rest.len && x->result == DECODE_MORE) {
        const size_t len = single ? 1 : rest.len == bytes.len && cut ? cut : rest.len;
        ASSERT(str_sub(rest, 0, len, &piece) && str_from_off(rest, len, &rest));
        exchange_feed(x, piece);
    }
}

/* The server closes: whether the answer is whole. */
static inline bool exchange_whole(const struct exchange *x)
{
    return x->result == DECODE_END
           || (x->answering && x->result == DECODE_MORE && upstream_http1.ends_at_close(&x->u));
}

static inline void exchange_close(struct exchange *x)
{
    pool_free(&x->pool);
    free(x->head);
}

#endif
