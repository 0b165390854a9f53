/*
 * Request heads: where they end, what they say, and what is refused with which status; each of them
 * in one piece and in pieces cut at every byte.
 * Owns one pool for the time of a head.
 */
#include "http/v1/h1_parse.c"

#include "core/fmt.h"

#include "t/unit/tap.h"

/* Bytes of a literal, with its NULs. */
#define BYTES(literal) { literal, sizeof(literal) - 1 }

static const struct h1_limits usual = { .line = 8192, .fields = 100 };

struct piece {
    const char *at;
    size_t len;
};

static struct str str_from_piece(struct piece p)
{
    return str_of(p.at, p.len);
}

/* --- in pieces -------------------------------------------------------------------------------- */

/* What the server does with bytes that come one by one: the result, and that of the check. */
static enum h1_result in_pieces(struct str bytes, const struct h1_limits *limits, struct pool *pool,
                                struct h1_head *head)
{
    size_t seen = 0, checked = 0;
    for (size_t len = 0; len <= bytes.len; len++) {
        struct str sofar;
        size_t end;
        ASSERT(str_sub(bytes, 0, len, &sofar));
        end = h1_find_end(sofar, &seen);
        if (end) {
            sofar.len = end;
            return h1_parse(sofar, limits, pool, head);
        }
        if (h1_check(sofar, limits, &checked, head) == H1_BAD)
            return H1_BAD;
    }
    return H1_MORE;
}

static bool same_answers(const struct h1_head *a, const struct h1_head *b, enum h1_result result)
{
    if (result == H1_BAD)
        return a->status == b->status && strcmp(a->why, b->why) == 0;
    return result == H1_MORE ||
           (str_eq(a->line, b->line) && str_eq(a->method, b->method) && a->size == b->size &&
            str_eq(a->target, b->target) && a->minor == b->minor && a->length == b->length &&
            a->fields.count == b->fields.count);
}

enum { DIFFERENT = -1 };                /* no answer of the parser */

/* The answer to the whole, which is that to its pieces. */
static int parse(struct str bytes, const struct h1_limits *limits, struct pool *pool,
                 struct h1_head *head)
{
    struct h1_head other = { .status = 0 };
    struct str whole = bytes;
    size_t seen = 0, checked = 0;
    const size_t end = h1_find_end(bytes, &seen);
    enum h1_result result, pieces;
    *head = (struct h1_head){ .status = 0 };
    if (end) {
        whole.len = end;
        result = h1_parse(whole, limits, pool, head);
    } else
        result = h1_check(whole, limits, &checked, head);
    pieces = in_pieces(bytes, limits, pool, &other);
    if (result == pieces && same_answers(head, &other, result))
        return (int)result;
    diag("whole %d %u %s", (int)result, head->status, head->why ? head->why : "");
    diag("in pieces %d %u %s", (int)pieces, other.status, other.why ? other.why : "");
    return DIFFERENT;
}

/* --- the end of a head ------------------------------------------------------------------------ */

static void test_find_end(void)
{
    static const struct {
        struct piece bytes;
        size_t end;
    } rows[] = {
        { BYTES(""), 0 },
        { BYTES("\r"), 0 },
        { BYTES("\n"), 0 },
        { BYTES("\r\n"), 0 },
        { BYTES("\r\n\r\n"), 0 },
        { BYTES("\n\n\n"), 0 },
        { BYTES("a"), 0 },
        { BYTES("a\n"), 0 },
        { BYTES("a\r\n"), 0 },
        { BYTES("a\r\n\r"), 0 },
        { BYTES("a\r\n\r\n"), 5 },
        { BYTES("a\n\n"), 3 },
        { BYTES("a\n\r\n"), 4 },
        { BYTES("a\r\n\n"), 4 },
        { BYTES("\r\na\r\n\r\n"), 7 },
        { BYTES("\n\r\n\na\n\n"), 7 },
        { BYTES("a\r\n\r\nb\r\n\r\n"), 5 },
        { BYTES("a\r\r\n\n"), 5 },
        { BYTES("a\r\rb\r\n\rc\r\n\r\n"), 12 },
        { BYTES("a\r\n\r\r\n\n"), 7 },
        { BYTES("\r\r\na\n\n"), 6 },
        { BYTES("\n\r\r\n\n"), 5 },
        { BYTES("\r\0\n\r\n"), 5 },
        { BYTES("a: b\nc: d\r\n\r\nrest"), 13 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct str bytes = str_from_piece(rows[i].bytes);
        size_t seen = 0, found = 0;
        is_uint(h1_find_end(bytes, &seen), rows[i].end, "end of row %zu", i);
        seen = 0;
        for (size_t len = 0; len <= bytes.len && !found; len++) {
            struct str sofar;
            ASSERT(str_sub(bytes, 0, len, &sofar));
            found = h1_find_end(sofar, &seen);
            ASSERT(seen <= len);
        }
        is_uint(found, rows[i].end, "end of row %zu, byte by byte", i);
    }
}

/* Nothing in front of the place that was reached is looked at again. */
static void test_find_end_resumes(void)
{
    char bytes[] = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    size_t seen = 0;
    is_uint(h1_find_end(str_of(bytes, 20), &seen), 0, "no end yet");
    is_uint(seen, 20, "all of it was seen");
    bytes[3] = bytes[4] = bytes[5] = '\n';
    is_uint(h1_find_end(str_of(bytes, sizeof(bytes) - 1), &seen), 33, "the rest is looked at");
}

/* --- what is understood ----------------------------------------------------------------------- */

static void test_plain(void)
{
    static const char text[] =
        "\r\n\nGET /a?b=\xc3\xa9#c HTTP/1.1\r\nHost: \t example.com:80 \t\r\n"
        "X-Empty:\r\nX-Blank: \t \r\nX-Tab: a\tb\n"
        "connection: Upgrade ,, CLOSE,keep-alive\r\nX: \xe9\r\n\r\n";
    struct h1_head head;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    is_int(parse(str_of(text, sizeof(text) - 1), &usual, &pool, &head), H1_DONE, "a head");
    is_mem(head.line.at, head.line.len, "GET /a?b=\xc3\xa9#c HTTP/1.1", 22, "its line");
    is_mem(head.method.at, head.method.len, "GET", 3, "its method");
    is_mem(head.target.at, head.target.len, "/a?b=\xc3\xa9#c", 9, "its target");
    is_uint(head.minor, 1, "its version");
    is_uint(head.size, sizeof(text) - 1, "its size, with the empty lines before it");
    is_mem(head.host.at, head.host.len, "example.com:80", 14, "its host");
    is_int(head.length, -1, "no length");
    ok(!head.chunked && !head.expect_continue, "no body");
    ok(head.close && head.keep_alive, "words of Connection");
    is_uint(head.fields.count, 6, "fields");
    const struct str tab = head.fields.at[3].value;
    is_mem(tab.at, tab.len, "a\tb", 3, "a tab within a value");
    is_mem(head.fields.at[5].value.at, head.fields.at[5].value.len, "\xe9", 1, "a byte from 0x80");
    ok(head.fields.at[1].value.len == 0 && head.fields.at[2].value.len == 0, "empty values");
    ok(head.fields.at[1].value.at != NULL, "an empty value is in its place");
    pool_free(&pool);
}

static void test_body(void)
{
    static const struct {
        const char *text;
        int64_t length;
        bool chunked, expect, close, keep_alive;
        unsigned minor;
    } rows[] = {
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 5, .minor = 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:   005\t\r\n\r\n", 5, .minor = 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0, .minor = 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2147483648\r\n\r\n",
          INT64_C(1) << 31, .minor = 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4294967296\r\n\r\n",
          INT64_C(1) << 32, .minor = 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
          INT64_MAX, .minor = 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tCHUNKED \r\n\r\n",
          -1, .chunked = true, .minor = 1 },
        { "POST / HTTP/1.2\r\nHost: a\r\ntransfer-encoding:chunked\r\nExpect: 100-Continue\r\n\r\n",
          -1, .chunked = true, .expect = true, .minor = 2 },
        { "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
          5, .expect = true, .minor = 1 },
        { "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 5, .minor = 0 },
        { "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", -1, .minor = 1 },
        { "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
          0, .minor = 1 },
        { "PUT / HTTP/1.1\r\nHost: a\r\nExpect: y 100-continue\r\nContent-Length: 5\r\n\r\n",
          5, .minor = 1 },
        { "PUT / HTTP/1.1\r\nHost: a\r\nExpect: foo\r\nContent-Length: 5\r\n\r\n", 5, .minor = 1 },
        { "GET / HTTP/1.0\r\n\r\n", -1, .minor = 0 },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", -1, .keep_alive = true, .minor = 0 },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, xclose\r\n\r\n", -1, .minor = 1 },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n",
          -1, .close = true, .minor = 1 },
        { "GET / HTTP/1.9\nHost:\n\n", -1, .minor = 9 },
        { "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\n",
          5, .minor = 1 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct h1_head head;
        struct pool pool;
        pool_init(&pool, &pool_heap);
        const int result = parse(str_from(rows[i].text), &usual, &pool, &head);
        is_int(result, H1_DONE, "row %zu: %s", i, head.why ? head.why : "good");
        ok(head.length == rows[i].length && head.chunked == rows[i].chunked &&
               head.expect_continue == rows[i].expect && head.close == rows[i].close &&
               head.keep_alive == rows[i].keep_alive && head.minor == rows[i].minor,
           "what row %zu says", i);
        pool_free(&pool);
    }
}

/* --- what is refused -------------------------------------------------------------------------- */

static const char invalid_method[] = "client sent invalid method";
static const char invalid_request[] = "client sent invalid request";
static const char invalid_version[] = "client sent invalid version";
static const char invalid_line[] = "client sent invalid header line";
static const char invalid_length[] = "client sent invalid \"Content-Length\" header";
static const char duplicate_line[] = "client sent duplicate header line";
static const char duplicate_host[] = "client sent duplicate host header";
static const char no_host[] = "client sent HTTP/1.1 request without \"Host\" header";
static const char unknown_coding[] = "client sent unknown \"Transfer-Encoding\"";
static const char both[] =
    "client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time";
static const char old_coding[] = "client sent HTTP/1.0 request with \"Transfer-Encoding\" header";

struct refusal {
    struct piece bytes;
    unsigned status;
    const char *why;
};

static void refuse(const struct refusal *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        struct h1_head head = { .status = 0 };
        struct pool pool;
        pool_init(&pool, &pool_heap);
        const int result = parse(str_from_piece(rows[i].bytes), &usual, &pool, &head);
        is_int(result, H1_BAD, "%s %zu is refused", name, i);
        is_uint(head.status, rows[i].status, "%s %zu, status", name, i);
        is_str(head.why, rows[i].why, "%s %zu, message", name, i);
        pool_free(&pool);
    }
}

/* Heads without an end are found out early. */
static void test_bad_lines(void)
{
    static const struct refusal rows[] = {
        { BYTES(" GET / HTTP/1.1\r\n"), 400, invalid_method },
        { BYTES("\r\r\n"), 400, invalid_method },
        { BYTES("\rGET"), 400, invalid_method },
        { BYTES("\0"), 400, invalid_method },
        { BYTES("\x16\x03\x01"), 400, invalid_method },
        { BYTES("get"), 400, invalid_method },
        { BYTES("G'ET"), 400, invalid_method },
        { BYTES("GET1 /"), 400, invalid_method },
        { BYTES("G\0T / HTTP/1.1\r\n"), 400, invalid_method },
        { BYTES("GET\t/"), 400, invalid_method },
        { BYTES("GET\r\n"), 400, invalid_method },
        { BYTES("GET\n"), 400, invalid_method },
        { BYTES("GET  / HTTP/1.1"), 400, invalid_request },
        { BYTES("GET \n"), 400, invalid_request },
        { BYTES("GET /\r"), 400, invalid_request },
        { BYTES("GET /\n"), 400, invalid_request },
        { BYTES("GET /\t"), 400, invalid_request },
        { BYTES("GET /a\0b"), 400, invalid_request },
        { BYTES("GET /\x01"), 400, invalid_request },
        { BYTES("GET /\x1f"), 400, invalid_request },
        { BYTES("GET /\x7f"), 400, invalid_request },
        { BYTES("GET /a b"), 400, invalid_request },
        { BYTES("GET / http/1.1"), 400, invalid_request },
        { BYTES("GET / HTTP/ 1.1"), 400, invalid_request },
        { BYTES("GET / HTTP/x"), 400, invalid_request },
        { BYTES("GET / HTTP/0"), 400, invalid_request },
        { BYTES("GET / HTTP/1\r"), 400, invalid_request },
        { BYTES("GET / HTTP/1.\n"), 400, invalid_request },
        { BYTES("GET / HTTP/.1"), 400, invalid_request },
        { BYTES("GET / HTTP/1.1 "), 400, invalid_request },
        { BYTES("GET / HTTP/1.10"), 400, invalid_request },
        { BYTES("GET / HTTP/1.01"), 400, invalid_request },
        { BYTES("GET / HTTP/11.1"), 400, invalid_request },
        { BYTES("GET / HTTP/1.1\r\r"), 400, invalid_request },
        { BYTES("GET / HTTP/1.1\rHost: a\r\r"), 400, invalid_request },
        { BYTES("GET / HTTP/4294967297.1\r\n"), 400, invalid_request },
        { BYTES("GET / HTTP/2.0\r\n"), 505, invalid_version },
        { BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, invalid_version },
        { BYTES("GET / HTTP/9.9\n"), 505, invalid_version },
    };
    refuse(rows, countof(rows), "request line");
}

#define TOP "POST / HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n\r\n"

static void test_bad_fields(void)
{
    static const struct refusal rows[] = {
        { BYTES("GET / HTTP/1.1\r\n Host"), 400, invalid_line },
        { BYTES(TOP "NoColon\r"), 400, invalid_line },
        { BYTES(TOP "NoColon\n"), 400, invalid_line },
        { BYTES(TOP ":"), 400, invalid_line },
        { BYTES(TOP "\t"), 400, invalid_line },
        { BYTES(TOP "\rX"), 400, invalid_line },
        { BYTES(TOP "\r\r"), 400, invalid_line },
        { BYTES(TOP "\rZGET /smuggled HTTP/1.1\r\nHost: a" END), 400, invalid_line },
        { BYTES(TOP "X "), 400, invalid_line },
        { BYTES(TOP "X\t: a"), 400, invalid_line },
        { BYTES(TOP "Content Length: 5"), 400, invalid_line },
        { BYTES(TOP "X\0Y: a"), 400, invalid_line },
        { BYTES(TOP "X\x01Y: a"), 400, invalid_line },
        { BYTES(TOP "X\x7fY: a"), 400, invalid_line },
        { BYTES(TOP "Transfer-\r\nEncoding: chunked" END), 400, invalid_line },
        { BYTES(TOP "X: a\r\n b" END), 400, invalid_line },
        { BYTES(TOP "Content-Length: 1\r\n\t0" END), 400, invalid_line },
        { BYTES(TOP "X: a\rb"), 400, invalid_line },
        { BYTES(TOP "X: a\r\r"), 400, invalid_line },
        { BYTES(TOP "X: a\0b"), 400, invalid_line },
        { BYTES(TOP "X: a\x01"), 400, invalid_line },
        { BYTES(TOP "X: a\x0b"), 400, invalid_line },
        { BYTES(TOP "X: a\x0c"), 400, invalid_line },
        { BYTES(TOP "X: a\x1f"), 400, invalid_line },
        { BYTES(TOP "X: a\x7f"), 400, invalid_line },
        { BYTES(TOP "X:\x0b"), 400, invalid_line },
        { BYTES(TOP "Transfer-Encoding: chunked\0" END), 400, invalid_line },
        { BYTES(TOP "content-length\x85: 0"), 400, invalid_line },
        { BYTES(TOP "\xa0" "Content-Length: 0"), 400, invalid_line },
        { BYTES(TOP "Content\"Length: 0"), 400, invalid_line },
        { BYTES(TOP "Content.Length: 0"), 400, invalid_line },
        { BYTES(TOP "Transfer_Encoding~: chunked"), 400, invalid_line },
        { BYTES(TOP "Host\xe9: b"), 400, invalid_line },
    };
    refuse(rows, countof(rows), "field");
}

static void test_bad_meaning(void)
{
    static const struct refusal rows[] = {
        { BYTES("GET / HTTP/1.1\r\nX: y" END), 400, no_host },
        { BYTES("GET / HTTP/1.1\n\n"), 400, no_host },
        { BYTES(TOP "host: a" END), 400, duplicate_host },
        { BYTES("GET / HTTP/1.0\r\nHost:\r\nHost:" END), 400, duplicate_host },
        { BYTES(TOP "Content-Length: 5\r\nContent-Length: 5" END), 400, duplicate_line },
        { BYTES(TOP "Content-Length: 5\r\nX: y\r\ncontent-length: 6" END), 400, duplicate_line },
        { BYTES(TOP "Content-Length:" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 5, 5" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 5 5" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: +5" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: -1" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 0x5" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 1_0" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 5;" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 9223372036854775808" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 18446744073709551621" END), 400, invalid_length },
        { BYTES(TOP "Content-Length: 5\r\nTransfer-Encoding: chunked" END), 400, both },
        { BYTES(TOP "Transfer-Encoding: chunked\nContent-Length: 5" END), 400, both },
        { BYTES(TOP "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END),
          400, duplicate_line },
        { BYTES(TOP "Transfer-Encoding:" END), 501, unknown_coding },
        { BYTES(TOP "Transfer-Encoding: identity" END), 501, unknown_coding },
        { BYTES(TOP "Transfer-Encoding: gzip, chunked" END), 501, unknown_coding },
        { BYTES(TOP "Transfer-Encoding: chunked, chunked" END), 501, unknown_coding },
        { BYTES(TOP "Transfer-Encoding: ,chunked" END), 501, unknown_coding },
        { BYTES(TOP "Transfer-Encoding: chunked;q=1" END), 501, unknown_coding },
        { BYTES(TOP "Transfer-Encoding: \xa0" "chunked\xa0" END), 501, unknown_coding },
        { BYTES(TOP "Content-Length: 5\r\nTransfer-Encoding: cow" END), 501, unknown_coding },
        { BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked" END), 400, old_coding },
        /* A fault of form is told first, wherever it stands. */
        { BYTES(TOP "Host: a\r\nX : y" END), 400, invalid_line },
    };
    refuse(rows, countof(rows), "meaning");
}

/* --- names ------------------------------------------------------------------------------------ */

/* What becomes of a field: 'k'ept, 'd'ropped, or an error. */
static char fate(struct str name, bool underscores, bool keep_invalid)
{
    const struct h1_limits limits = { 8192, 100, underscores, keep_invalid };
    struct h1_head head = { .status = 0 };
    struct pool pool;
    char fate;
    pool_init(&pool, &pool_heap);
    const struct str bytes = fmt_pool(&pool, "GET / HTTP/1.1\r\nHost: a\r\n%.*s: v\r\nZ: z\r\n\r\n",
                                      STR_FMT(name));
    if (parse(bytes, &limits, &pool, &head) == H1_DONE) {
        fate = head.fields.count == 3 ? 'k' : 'd';
        ok(head.fields.count == 3 ? str_eq(head.fields.at[1].name, name)
                                  : head.fields.count == 2, "fields with %.*s", STR_FMT(name));
    } else
        fate = head.status == 400 && strcmp(head.why, invalid_line) == 0 ? 'e' : '?';
    pool_free(&pool);
    return fate;
}

static void test_names(void)
{
    static const struct {
        const char *name;
        const char *fates;      /* plain, underscores, keep_invalid, both */
    } rows[] = {
        { "X-Y", "kkkk" },
        { "-", "kkkk" },
        { "9", "kkkk" },
        { "X_Y", "dkkk" },
        { "Content_Length", "dkkk" },
        { "_", "dkkk" },
        { "X.Y", "ddkk" },
        { "X!#$%&'*+^`|~Y", "ddkk" },
        { "X_Y.Z", "ddkk" },
        { "X(Y", "ddee" },
        { "X/Y", "ddee" },
        { "X@Y", "ddee" },
        { "\xefoo", "ddee" },
        { "X_\x80", "ddee" },
        { "\xff", "ddee" },
        { "Hosts\x80", "ddee" },
        { "Hos\x80", "ddee" },
        { "Host1\x80", "ddee" },
        { "Ho\x80st", "eeee" },
        { "Host.", "eeee" },
        { "Content{Length", "eeee" },
        { "X\x1fY", "eeee" },
        { "X Y", "eeee" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char fates[5] = "";
        for (unsigned mode = 0; mode < 4; mode++)
            fates[mode] = fate(str_from(rows[i].name), mode & 1, mode & 2);
        is_str(fates, rows[i].fates, "name %zu, %s", i, rows[i].name);
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        const char name[] = { 'X', (char)byte, 'Y' };
        const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= 'a' && byte <= 'z') || byte == '-';
        /* The one with the colon is a field X with the value "Y: v". */
        const bool error = byte <= ' ' || byte == 0x7f;
        if (byte && byte != ':' && byte != '\n')
            is_int(fate(str_of(name, 3), false, false), plain ? 'k' : error ? 'e' : 'd',
                   "a name with byte %u", byte);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

static void limit_row(const char *text, size_t line, enum h1_result want, unsigned status)
{
    const struct h1_limits limits = { .line = line, .fields = 100 };
    struct h1_head head = { .status = 0 };
    struct pool pool;
    pool_init(&pool, &pool_heap);
    is_int(parse(str_from(text), &limits, &pool, &head), want, "a line in %zu bytes", line);
    is_uint(head.status, status, "its status");
    is_str(head.why, status == 414   ? "client sent too long URI"
                     : status == 494 ? "client sent too long header line"
                     : status        ? invalid_request
                                     : NULL, "its message");
    pool_free(&pool);
}

static void test_line_limit(void)
{
    static const char first[] = "GET /abcdef HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char bare[] = "GET /abcdef HTTP/1.1\nHost: a\n\n";
    static const char second[] = "GET / HTTP/1.1\r\nHost: abcdefghijk\r\n\r\n";
    static const char name[] = "GET / HTTP/1.1\r\nHostabcdefghijklmnop";
    limit_row(first, 22, H1_DONE, 0);
    limit_row(first, 21, H1_BAD, 414);
    limit_row(first, 20, H1_BAD, 414);
    limit_row(first, 2, H1_BAD, 414);
    limit_row(bare, 21, H1_DONE, 0);
    limit_row(bare, 20, H1_BAD, 414);
    limit_row(second, 19, H1_DONE, 0);
    limit_row(second, 18, H1_BAD, 494);
    limit_row(second, 16, H1_BAD, 494);
    limit_row(name, 21, H1_MORE, 0);
    limit_row(name, 20, H1_BAD, 494);
    /* What is wrong within the limit counts more than what comes too late. */
    limit_row("GET /\x01", 6, H1_BAD, 400);
    limit_row("GET /a\x01", 6, H1_BAD, 414);
}

static enum h1_result many(unsigned count, const char *field, unsigned most, struct h1_head *head,
                           struct pool *pool)
{
    const struct h1_limits limits = { .line = 8192, .fields = most };
    struct fmt f;
    fmt_init_pool(&f, pool, 64, 1 << 20);
    fmt_text(&f, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 1; i < count; i++)
        fmt_text(&f, field);
    fmt_text(&f, "\r\n");
    ASSERT(!f.failed);
    return h1_parse(fmt_done(&f), &limits, pool, head);
}

static void test_field_limit(void)
{
    struct h1_head head;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    is_int(many(100, "X: y\r\n", 100, &head, &pool), H1_DONE, "just as many fields as allowed");
    is_uint(head.fields.count, 100, "they are all there");
    is_int(many(101, "X: y\r\n", 100, &head, &pool), H1_BAD, "one too many");
    is_uint(head.status, 400, "the status");
    is_str(head.why, "client sent too many header lines", "the message");
    is_uint(head.fields.count, 100, "no more were kept");
    is_int(many(101, "_: y\n", 100, &head, &pool), H1_BAD, "those that are dropped count");
    is_int(many(FIELDS_MOST, "X:\n", UINT_MAX, &head, &pool), H1_DONE, "as many as a list takes");
    is_uint(head.fields.count, FIELDS_MOST, "all of them");
    is_int(many(FIELDS_MOST + 1, "X:\n", UINT_MAX, &head, &pool), H1_BAD, "more than a list takes");
    pool_free(&pool);
}

/* --- the early check -------------------------------------------------------------------------- */

static void test_check(void)
{
    static const char text[] = "\r\nGET / HTTP/1.1\r\nHost: a\r\nX : y";
    struct h1_head head;
    size_t checked = 0;
    is_int(h1_check(str_of(text, 10), &usual, &checked, &head), H1_MORE, "within the first line");
    is_uint(checked, 2, "which begins behind the empty one");
    is_int(h1_check(str_of(text, 27), &usual, &checked, &head), H1_MORE, "two lines");
    is_uint(checked, 27, "are done with");
    is_int(h1_check(str_of(text, 28), &usual, &checked, &head), H1_MORE, "a name begins");
    is_uint(checked, 27, "which is no line yet");
    is_int(h1_check(str_of(text, 29), &usual, &checked, &head), H1_BAD, "a blank behind it");
    is_mem(head.line.at, head.line.len, "GET / HTTP/1.1", 14, "the request line for the log");
    checked = 0;
    is_int(h1_check(STR("GET / HTTP/1.1 \r\nHost"), &usual, &checked, &head), H1_BAD, "a bad line");
    is_mem(head.line.at, head.line.len, "GET / HTTP/1.1 ", 15, "as it came");
    checked = 0;
    is_int(h1_check(STR("\n\n\r\n\r"), &usual, &checked, &head), H1_MORE, "empty lines only");
    is_uint(checked, 4, "up to the one that is open");
    checked = 0;
    is_int(h1_check(STR("GET / HTTP/1.1\nA: b\n\n"), &usual, &checked, &head), H1_MORE,
           "a complete head is not its business");
}

static void test_incomplete(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    struct h1_head head;
    struct pool pool;
    unsigned more = 0;
    pool_init(&pool, &pool_heap);
    for (size_t len = 0; len < sizeof(text) - 1; len++)
        more += h1_parse(str_of(text, len), &usual, &pool, &head) == H1_MORE;
    is_uint(more, sizeof(text) - 1, "no part of a head is one");
    is_int(h1_parse(str_of(text, sizeof(text) - 1), &usual, &pool, &head), H1_BAD,
           "the whole one has two hosts");
    is_int(h1_parse(STR("GET / HTTP/1.0\n\nmore"), &usual, &pool, &head), H1_DONE,
           "more behind it");
    is_uint(head.size, 16, "does not belong to it");
    pool_free(&pool);
}

int main(void)
{
    test_find_end();
    test_find_end_resumes();
    test_plain();
    test_body();
    test_bad_lines();
    test_bad_fields();
    test_bad_meaning();
    test_names();
    test_line_limit();
    test_field_limit();
    test_check();
    test_incomplete();
    return done_testing();
}
