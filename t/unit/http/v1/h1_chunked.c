/*
 * Chunked bodies: what is data, where they end, and what is refused; each of them in one piece, in
 * two, and byte by byte, by those who want trailers and those who do not.
 * Owns one buffer for the data of a body and one for its trailers.
 */
#include "http/v1/h1_chunked.c"

#include "t/unit/tap.h"

/* Bytes of a literal, with its NULs. */
#define BYTES(literal) { literal, sizeof(literal) - 1 }

struct piece {
    const char *at;
    size_t len;
};

struct body {
    struct h1_chunked c;
    char data[1024], trailers[1024];
    size_t len, trailers_len;
    size_t rest;                        /* bytes behind it */
};

static void take(char *at, size_t *len, struct str data)
{
    ASSERT(data.len > 0 && data.len <= 1024 - *len);
    memcpy(at + *len, data.at, data.len);
    *len += data.len;
}

/* One piece; what comes of it is added to the body. */
static enum h1_chunked_result feed(struct body *b, struct str in)
{
    enum h1_chunked_result result;
    struct str data;
    while ((result = h1_chunked(&b->c, &in, &data)) == H1_CHUNKED_DATA ||
           result == H1_CHUNKED_TRAILERS) {
        if (result == H1_CHUNKED_DATA)
            take(b->data, &b->len, data);
        else
            take(b->trailers, &b->trailers_len, data);
    }
    ASSERT(result != H1_CHUNKED_MORE || in.len == 0);
    b->rest += in.len;
    return result;
}

/* In two pieces cut at `cut`, or byte by byte. */
static enum h1_chunked_result decode(struct str bytes, size_t cut, bool single, bool trailers,
                                     struct body *b)
{
    enum h1_chunked_result result = H1_CHUNKED_MORE;
    struct str rest = bytes, piece;
    *b = (struct body){ .c = { .want_trailers = trailers } };
    while (rest.len && result == H1_CHUNKED_MORE) {
        const size_t len = single ? 1 : rest.len == bytes.len && cut ? cut : rest.len;
        ASSERT(str_sub(rest, 0, len, &piece) && str_from_off(rest, len, &rest));
        result = feed(b, piece);
    }
    b->rest += rest.len;
    return result;
}

static bool is_same(const struct body *a, const struct body *b, bool end)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0 &&
           (!end || a->rest == b->rest);
}

/* The answer to a body, which is the same however it is cut; -1: it is not. */
static int decode_all(struct str bytes, struct body *b)
{
    const enum h1_chunked_result whole = decode(bytes, 0, false, true, b);
    for (size_t i = 0; i < 2 * bytes.len; i++) {
        const size_t cut = i / 2;
        const bool trailers = i % 2;
        struct body other;
        const enum h1_chunked_result result = decode(bytes, cut, cut == 0, trailers, &other);
        const size_t len = trailers ? b->trailers_len : 0;
        if (result != whole || !is_same(b, &other, result == H1_CHUNKED_END) ||
            other.trailers_len != len || memcmp(other.trailers, b->trailers, len) != 0) {
            diag("%d and %zu bytes of data, cut at %zu %d and %zu", (int)whole, b->len, cut,
                 (int)result, other.len);
            return -1;
        }
    }
    return (int)whole;
}

static void test_good(void)
{
    static const struct {
        struct piece bytes, data;
        size_t rest;
    } rows[] = {
        { BYTES("0\r\n\r\n"), BYTES(""), 0 },
        { BYTES("5\r\nhello\r\n0\r\n\r\n"), BYTES("hello"), 0 },
        { BYTES("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\nGET /"), BYTES("hello world"), 5 },
        { BYTES("A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n"),
          BYTES("0123456789abcdefghij"), 0 },
        { BYTES("5\r\n\r\nhel\r\n0\r\n\r\n"), BYTES("\r\nhel"), 0 },
        { BYTES("3\r\n0\r\n\r\n0\r\n\r\n\r\n"), BYTES("0\r\n"), 2 },
        { BYTES("1\r\n\0\r\n0\r\n\r\n"), BYTES("\0"), 0 },
        { BYTES("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n"), BYTES("hello"), 0 },
        { BYTES("5;a=b\r\nhello\r\n0;c\r\n\r\n"), BYTES("hello"), 0 },
        { BYTES("5 \t;\ta=\"\xe9 ;\"\r\nhello\r\n0\r\n\r\n"), BYTES("hello"), 0 },
        { BYTES("5;a=\"x\r\nhello\r\n0\r\n\r\n"), BYTES("hello"), 0 },
        { BYTES("5;\r\nhello\r\n0\r\n\r\n"), BYTES("hello"), 0 },
        { BYTES("5\r\nhello\r\n0\r\nX: y\r\nx!-_9:\r\n\r\n."), BYTES("hello"), 1 },
        { BYTES("0\r\nContent-Length: 9\r\nHost: b\r\nTransfer-Encoding: x\r\n\r\n"),
          BYTES(""), 0 },
        { BYTES("0\r\nX:\t\xe9 \r\n\r\n"), BYTES(""), 0 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct body b;
        is_int(decode_all(str_of(rows[i].bytes.at, rows[i].bytes.len), &b), H1_CHUNKED_END,
               "body %zu ends", i);
        is_mem(b.data, b.len, rows[i].data.at, rows[i].data.len, "its data");
        is_uint(b.rest, rows[i].rest, "bytes behind it");
    }
}

static void test_bad(void)
{
    static const struct {
        struct piece bytes, data;
    } rows[] = {
        { BYTES("\r"), BYTES("") },
        { BYTES("\n"), BYTES("") },
        { BYTES(";a"), BYTES("") },
        { BYTES(" 5"), BYTES("") },
        { BYTES("G"), BYTES("") },
        { BYTES("0x"), BYTES("") },
        { BYTES("+5"), BYTES("") },
        { BYTES("-5"), BYTES("") },
        { BYTES("0_2e"), BYTES("") },
        { BYTES("5\n"), BYTES("") },
        { BYTES("5\0"), BYTES("") },
        { BYTES("5\rh"), BYTES("") },
        { BYTES("5\r\r"), BYTES("") },
        { BYTES("5 \r"), BYTES("") },
        { BYTES("5 5"), BYTES("") },
        { BYTES("00000000000000005"), BYTES("") },
        { BYTES("FFFFFFFFFFFFFFFF1"), BYTES("") },
        { BYTES("8000000000000000"), BYTES("") },
        { BYTES("ffffffffffffffff"), BYTES("") },
        { BYTES("10000000000000005"), BYTES("") },
        { BYTES("5;a\n"), BYTES("") },
        { BYTES("5;a\rb"), BYTES("") },
        { BYTES("5;a\0b"), BYTES("") },
        { BYTES("5;a\x7f"), BYTES("") },
        { BYTES("5;\x0b"), BYTES("") },
        { BYTES("5 ;a\r\nhello\n"), BYTES("hello") },
        { BYTES("5\r\nhelloX\r\n"), BYTES("hello") },
        { BYTES("5\r\nhello0\r\n"), BYTES("hello") },
        { BYTES("5\r\nhello\r0"), BYTES("hello") },
        { BYTES("5\r\nhello\r\r"), BYTES("hello") },
        { BYTES("4\r\nSEE-THIS"), BYTES("SEE-") },
        { BYTES("5\r\nhello\r\n\r\n"), BYTES("hello") },
        { BYTES("0\r\n\n"), BYTES("") },
        { BYTES("0\r\n\r\r"), BYTES("") },
        { BYTES("0\r\n\rX"), BYTES("") },
        { BYTES("0\r\nfoo\r\n"), BYTES("") },
        { BYTES("0\r\nfoo : x"), BYTES("") },
        { BYTES("0\r\n:"), BYTES("") },
        { BYTES("0\r\n\xe9:"), BYTES("") },
        { BYTES("0\r\nX\0:"), BYTES("") },
        { BYTES("0\r\nX: y\n"), BYTES("") },
        { BYTES("0\r\nX: y\rz"), BYTES("") },
        { BYTES("0\r\nX: y\0"), BYTES("") },
        { BYTES("0\r\nX: y\r\n z"), BYTES("") },
        { BYTES("0\r\nGET /smuggled HTTP/1.1\r\n"), BYTES("") },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct str bytes = str_of(rows[i].bytes.at, rows[i].bytes.len);
        struct body b;
        is_int(decode_all(bytes, &b), H1_CHUNKED_BAD, "body %zu is refused", i);
        is_mem(b.data, b.len, rows[i].data.at, rows[i].data.len, "its data before that");
        is_int(feed(&b, STR("0\r\n\r\n")), H1_CHUNKED_BAD, "and for good");
    }
}

static void test_incomplete(void)
{
    static const char text[] = "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n";
    struct body b;
    unsigned more = 0;
    for (size_t len = 0; len < sizeof(text) - 1; len++)
        more += decode_all(str_of(text, len), &b) == H1_CHUNKED_MORE;
    is_uint(more, sizeof(text) - 1, "no part of a body is one");
}

/* The lines as they came, without the empty one; also those before a fault. */
static void test_trailers(void)
{
    static const struct {
        struct piece bytes, trailers;
        enum h1_chunked_result result;
    } rows[] = {
        { BYTES("0\r\n\r\n"), BYTES(""), H1_CHUNKED_END },
        { BYTES("5;a\r\nhello\r\n0\r\nX: y\r\nx!-_9:\r\n\r\n."), BYTES("X: y\r\nx!-_9:\r\n"),
          H1_CHUNKED_END },
        { BYTES("0\r\nX:\t\xe9 \r\n\r\nX: z\r\n"), BYTES("X:\t\xe9 \r\n"), H1_CHUNKED_END },
        { BYTES("0\r\nX: y\r"), BYTES("X: y\r"), H1_CHUNKED_MORE },
        { BYTES("0\r\nX: y\r\n\r"), BYTES("X: y\r\n"), H1_CHUNKED_MORE },
        { BYTES("0\r\nX: y\r\n z"), BYTES("X: y\r\n"), H1_CHUNKED_BAD },
        { BYTES("0\r\nX: y\r\n\rz"), BYTES("X: y\r\n"), H1_CHUNKED_BAD },
        { BYTES("0\r\nX: y\n"), BYTES("X: y"), H1_CHUNKED_BAD },
        { BYTES("0\r\n\n"), BYTES(""), H1_CHUNKED_BAD },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct body b;
        is_int(decode_all(str_of(rows[i].bytes.at, rows[i].bytes.len), &b), (int)rows[i].result,
               "trailers %zu", i);
        is_mem(b.trailers, b.trailers_len, rows[i].trailers.at, rows[i].trailers.len, "the lines");
    }
}

/* Sizes are known, and are right, before any data. */
static void test_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t left;
    } rows[] = {
        { "7fffffff\r\n", INT32_MAX },
        { "80000000\r\n", UINT64_C(1) << 31 },
        { "FFFFFFFF\r\n", UINT32_MAX },
        { "100000000\r\n", UINT64_C(1) << 32 },
        { "7fffffffffffffff\r\n", INT64_MAX },
        { "000000000000000f\r\n", 15 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct body b = { .len = 0 };
        is_int(feed(&b, str_from(rows[i].text)), H1_CHUNKED_MORE, "size %s", rows[i].text);
        is_uint(b.c.left, rows[i].left, "is what is left");
        is_int(feed(&b, STR("abc")), H1_CHUNKED_MORE, "three bytes of it");
        is_uint(b.c.left, rows[i].left - 3, "are taken off");
    }
}

static void test_end_stays(void)
{
    struct body b;
    is_int(decode(STR("0\r\n\r\nab"), 0, false, false, &b), H1_CHUNKED_END, "the end");
    is_int(feed(&b, STR("cd")), H1_CHUNKED_END, "is the end of what comes later");
    is_uint(b.rest, 4, "of which nothing is taken");
    is_int(feed(&b, STR_NONE), H1_CHUNKED_END, "also of nothing");
}

/* --- limits ----------------------------------------------------------------------------------- */

/* `head`, then so many times `text`. */
static enum h1_chunked_result repeat(struct body *b, const char *head, const char *text,
                                     unsigned count)
{
    enum h1_chunked_result result = feed(b, str_from(head));
    for (unsigned i = 0; i < count && result == H1_CHUNKED_MORE; i++) {
        b->len = b->trailers_len = 0;
        result = feed(b, str_from(text));
    }
    return result;
}

static void test_limits(void)
{
    struct body b = { .len = 0 };
    is_int(repeat(&b, "5;", "a", EXTRA_MOST - 1), H1_CHUNKED_MORE, "a long extension");
    is_int(feed(&b, STR("\r\nhello\r\n0\r\n\r\n")), H1_CHUNKED_END, "comes to its end");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "5;", "a", EXTRA_MOST), H1_CHUNKED_BAD, "a longer one does not");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "5", " ", EXTRA_MOST + 1), H1_CHUNKED_BAD, "nor do blanks");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "0\r\nX:", "a", EXTRA_MOST - 2), H1_CHUNKED_MORE, "a long trailer");
    is_int(feed(&b, STR("\r\n\r\n")), H1_CHUNKED_END, "comes to its end");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "0\r\nX:", "a", EXTRA_MOST - 1), H1_CHUNKED_BAD, "a longer one does not");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "0\r\n", "x", EXTRA_MOST + 1), H1_CHUNKED_BAD, "nor does a name");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "0\r\n", "X: y\r\n", EXTRA_MOST), H1_CHUNKED_BAD, "nor do many trailers");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "", "1;ab\r\nx\r\n", 3 * EXTRA_MOST), H1_CHUNKED_BAD, "more said than sent");
    b = (struct body){ .len = 0 };
    is_int(repeat(&b, "", "8;abcdefg\r\n01234567\r\n", 3 * EXTRA_MOST), H1_CHUNKED_MORE,
           "an extension of each chunk of a long body");
    is_int(repeat(&b, "", "1\r\nx\r\n", 3 * EXTRA_MOST), H1_CHUNKED_MORE, "any number of chunks");
    is_int(feed(&b, STR("0\r\n\r\n")), H1_CHUNKED_END, "and their end");
}

/* Wanted ones are as long as others. */
static void test_trailer_limits(void)
{
    struct body b = { .c = { .want_trailers = true } };
    is_int(repeat(&b, "0\r\nX:", "a", EXTRA_MOST - 2), H1_CHUNKED_MORE, "a long wanted trailer");
    is_int(feed(&b, STR("\r\n\r\n")), H1_CHUNKED_END, "comes to its end");
    b = (struct body){ .c = { .want_trailers = true } };
    is_int(repeat(&b, "0\r\nX:", "a", EXTRA_MOST - 1), H1_CHUNKED_BAD, "a longer one does not");
    b = (struct body){ .c = { .want_trailers = true } };
    is_int(repeat(&b, "0\r\n", "X:\r\n", EXTRA_MOST / 2), H1_CHUNKED_MORE, "8192 short ones");
    is_int(feed(&b, STR("X")), H1_CHUNKED_BAD, "and not a byte more");
}

int main(void)
{
    test_good();
    test_bad();
    test_incomplete();
    test_trailers();
    test_sizes();
    test_end_stays();
    test_limits();
    test_trailer_limits();
    return done_testing();
}
