/*
 * HTTP/1 to servers: where answers end, what is passed of them, and when a connection may be used
 * again; each answer in one piece, cut at every byte, and byte by byte.
 * Owns one exchange at a time.
 */
#include "http/upstream/proto_h1.c"

#include "t/unit/http/upstream/h1_exchange.h"
#include "t/unit/tap.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH5 OK "Content-Length: 5\r\n\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

enum end { WHOLE, SHORT, BAD };

static const struct answer {
    const char *bytes, *data;
    enum end end;                       /* when the server closes behind it */
    bool reusable;
    bool head;                          /* it was asked by HEAD */
} answers[] = {
    { LENGTH5 "hello", "hello", WHOLE, true, false },
    { LENGTH5 "hell", "hell", SHORT, false, false },
    { LENGTH5, "", SHORT, false, false },
    { LENGTH5, "", WHOLE, true, true },
    { LENGTH5 "hello", "", WHOLE, false, true },
    { OK "Content-Length: 0\r\n\r\n", "", WHOLE, true, false },
    { OK "\r\n", "", WHOLE, false, false },
    { OK "\r\nhello", "hello", WHOLE, false, false },
    { OK "\r\n", "", WHOLE, true, true },
    { OK "Connection: close\r\nContent-Length: 2\r\n\r\nab", "ab", WHOLE, false, false },
    { OK "Connection: x, Close\r\nContent-Length: 2\r\n\r\nab", "ab", WHOLE, false, false },
    { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "ab", WHOLE, false, false },
    { "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", "ab", WHOLE, true,
      false },
    { "HTTP/1.0 200 OK\r\n\r\nab", "ab", WHOLE, false, false },
    { CHUNKED "5\r\nhello\r\n0\r\n\r\n", "hello", WHOLE, true, false },
    { CHUNKED "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n", "hello", WHOLE, true, false },
    { CHUNKED "0\r\n\r\n", "", WHOLE, true, false },
    { CHUNKED "5\r\nhello\r\n", "hello", SHORT, false, false },
    { CHUNKED "5\r\nhello\r\n0\r\n", "hello", SHORT, false, false },
    { CHUNKED "64\r\nhello", "hello", SHORT, false, false },
    { CHUNKED "5\r\nhellox", "hello", BAD, false, false },
    { CHUNKED "ZZ\r\nhello", "", BAD, false, false },
    { CHUNKED "5\nhello\n0\n\n", "", BAD, false, false },
    { CHUNKED "fffffffffffffffff\r\nhello", "", BAD, false, false },
    { CHUNKED "5\r\nhello\r\n0\r\n\r\nmore", "hello", WHOLE, false, false },
    { LENGTH5 "hello" OK "Content-Length: 6\r\n\r\npoison", "hello", WHOLE, false, false },
    { "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "", WHOLE, false, false },
    { "HTTP/1.1 204 No Content\r\n\r\n", "", WHOLE, true, false },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", WHOLE, true, false },
    { "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "", WHOLE, true, false },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" LENGTH5 "hello",
      "hello", WHOLE, true, false },
    { "HTTP/1.1 100 Continue\r\n\r\n", "", SHORT, false, false },
    { "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw", "", BAD, false,
      false },
    { "hello world this is not http", "", BAD, false, false },
    { "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "", BAD, false, false },
    { "\r\n" LENGTH5 "hello", "", BAD, false, false },
    { "HTTP/1.1 20 OK\r\n\r\n", "", BAD, false, false },
    { OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "", BAD, false, false },
    { OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", BAD, false,
      false },
    { "HTTP/1.1 200 OK\r\nContent-Le", "", SHORT, false, false },
    { "HTT", "", SHORT, false, false },
};

static enum end end_of(const struct exchange *x)
{
    return x->result == DECODE_BAD ? BAD : exchange_whole(x) ? WHOLE : SHORT;
}

/* Excess that has not come yet cannot be known of: one cut may leave all of it to the reader of an
 * idle connection. */
static bool is_good(struct exchange *x, const struct answer *a, bool all_came)
{
    const struct str data = fmt_done(&x->data);
    const bool reusable = x->result == DECODE_END && upstream_http1.reusable(&x->u);
    return str_eq(data, str_from(a->data)) && end_of(x) == a->end
           && (reusable == a->reusable || (reusable && !all_came));
}

static void check_answers(void)
{
    for (unsigned i = 0; i < countof(answers); i++) {
        const struct answer *a = &answers[i];
        const struct str bytes = str_from(a->bytes);
        struct exchange x;
        exchange_open(&x);
        x.q.bodiless = a->head;
        exchange_run(&x, bytes, 0, false);
        ok(is_good(&x, a, true), "answer %u", i);
        exchange_run(&x, bytes, 0, true);
        bool same = is_good(&x, a, false);
        for (size_t cut = 1; cut < bytes.len; cut++) {
            exchange_run(&x, bytes, cut, false);
            same = same && is_good(&x, a, false);
        }
        ok(same, "answer %u in all cuts", i);
        exchange_close(&x);
    }
}

static void check_requests(void)
{
    struct exchange x;
    exchange_open(&x);
    x.q.close = true;
    exchange_run(&x, STR(LENGTH5 "hello"), 0, false);
    ok(!upstream_http1.reusable(&x.u), "the request has said that it ends");
    x.q.close = false;
    x.q.minor = 0;
    exchange_run(&x, STR(LENGTH5 "hello"), 0, false);
    ok(!upstream_http1.reusable(&x.u), "asked by HTTP/1.0, it ends");
    exchange_run(&x, STR(OK "Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"), 0, false);
    ok(upstream_http1.reusable(&x.u), "unless the server says otherwise");
    exchange_close(&x);
}

static void check_interims(void)
{
    struct exchange x;
    struct fmt f;
    exchange_open(&x);
    fmt_init_pool(&f, &x.pool, 64, 64 << 10);
    for (int i = 0; i < 100; i++)
        fmt_text(&f, "HTTP/1.1 103 Early Hints\r\n\r\n");
    const size_t len = f.len;
    fmt_text(&f, LENGTH5 "hello");
    exchange_run(&x, fmt_done(&f), 0, false);
    ok(x.result == DECODE_END && x.interims == 100, "a hundred interim answers");
    f.len = len;
    fmt_text(&f, "HTTP/1.1 103 Early Hints\r\n\r\n");
    exchange_run(&x, fmt_done(&f), 0, false);
    ok(x.result == DECODE_BAD && x.u.why, "and not one more");
    exchange_close(&x);
}

static void check_upgrade(void)
{
    const struct str bytes = STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching\r\n"
                                 "Upgrade: websocket\r\nConnection: Upgrade\r\nX: 1\r\n\r\nraw");
    struct exchange x;
    exchange_open(&x);
    x.q.upgrade = true;
    exchange_run(&x, bytes, 0, false);
    const struct field *upgrade = fields_known(&x.u.head.fields, FIELD_UPGRADE);
    ok(x.result == DECODE_UPGRADED && x.u.head.status == 101, "101 that was asked for");
    ok(upgrade && str_eq(upgrade->value, STR("websocket")), "the client is told to what");
    ok(fields_find(&x.u.head.fields, STR("X")) != NULL, "and the other fields");
    exchange_run(&x, STR(LENGTH5 "hello"), 0, false);
    ok(x.result == DECODE_END, "a server may refuse");
    exchange_close(&x);
}

static void check_trailers(void)
{
    const struct str bytes = STR(CHUNKED "1\r\na\r\n0\r\nX-Sum: 1\r\nContent-Length: 3\r\n\r\n");
    struct exchange x;
    exchange_open(&x);
    exchange_run(&x, bytes, 0, false);
    ok(x.result == DECODE_END && x.u.head.trailers.count == 0 && !x.u.head.trailers_due,
       "trailers are dropped by default");
    x.conf.pass_trailers = true;
    exchange_run(&x, bytes, 0, true);
    ok(x.result == DECODE_END && x.u.head.trailers_due, "they are due");
    ok(x.request.out.trailers.count == 1 && x.u.head.trailers.count == 1
       && str_eq(x.request.out.trailers.at[0].value, STR("1")), "those that may be are passed");
    exchange_run(&x, STR(LENGTH5 "hello"), 0, false);
    ok(!x.u.head.trailers_due, "there are none without chunks");
    exchange_close(&x);
}

static struct str text_of(struct exchange *x, struct chain *chain)
{
    struct fmt f;
    fmt_init_pool(&f, &x->pool, 64, 4096);
    for (const struct buf *buf = chain->first; buf; buf = buf->next)
        if (buf->kind == BUF_MEMORY)
            fmt_str(&f, str_of(buf->at, buf->len));
    chain_drop(chain);
    return fmt_done(&f);
}

static struct str framed(struct exchange *x, enum h1_framing_out framing, struct str bytes,
                         bool last)
{
    struct chain body, out;
    chain_init(&body);
    chain_init(&out);
    if (bytes.len)
        chain_add(&body, &x->pool, bytes);
    x->q.framing = framing;
    upstream_http1.encode_body(&x->u, &body, &out, last);
    return text_of(x, &out);
}

static void check_framing(void)
{
    struct exchange x;
    struct chain out;
    exchange_open(&x);
    ok(str_eq(framed(&x, H1_OUT_LENGTH, STR("abc"), true), STR("abc")), "a body with a length");
    ok(str_eq(framed(&x, H1_OUT_CHUNKED, STR("abc"), false), STR("3\r\nabc\r\n")), "a chunk");
    ok(str_eq(framed(&x, H1_OUT_CHUNKED, STR("abc"), true), STR("3\r\nabc\r\n0\r\n\r\n")),
       "the last one");
    ok(str_eq(framed(&x, H1_OUT_CHUNKED, STR(""), true), STR("0\r\n\r\n")), "nothing at the end");
    ok(str_eq(framed(&x, H1_OUT_CHUNKED, STR(""), false), STR("")), "nothing in between: no end");
    chain_init(&out);
    x.q.body = STR("own");
    upstream_http1.body(&x.u, &out);
    ok(str_eq(text_of(&x, &out), STR("own")), "a body of the configuration");
    exchange_close(&x);
}

int main(void)
{
    check_answers();
    check_requests();
    check_interims();
    check_upgrade();
    check_trailers();
    check_framing();
    return done_testing();
}
