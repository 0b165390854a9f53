/*
 * Heads of backends' responses: what is read of them, what is refused and in which words, what one
 * connection keeps to itself; and trailers.
 * Owns a copy of each head, of just its size, and one pool for the time of a case.
 */
#include "http/v1/h1_response.c"

#include "t/unit/tap.h"

/* Bytes of a literal, with its NULs. */
#define BYTES(literal) { literal, sizeof(literal) - 1 }

struct rig {
    struct pool pool;
    char *copy;
    struct h1_response out;
    struct fields trailers;
};

static void begin(struct rig *rig)
{
    *rig = (struct rig){ .copy = NULL };
    pool_init(&rig->pool, &pool_heap);
}

static void give_up(struct rig *rig)
{
    free(rig->copy);
    pool_free(&rig->pool);
}

static struct str copy(struct rig *rig, struct str bytes)
{
    free(rig->copy);
    rig->copy = malloc(bytes.len ? bytes.len : 1);
    ASSERT(rig->copy);
    if (bytes.len)
        memcpy(rig->copy, bytes.at, bytes.len);
    return str_of(rig->copy, bytes.len);
}

static enum h1_result parse(struct rig *rig, struct str bytes)
{
    return h1_parse_response(copy(rig, bytes), &rig->pool, &rig->out);
}

static const char *text(struct rig *rig, struct str s)
{
    return pool_cstr(&rig->pool, s);
}

/* "A: b|C: d" */
static const char *fields_text(struct rig *rig, const struct fields *fields)
{
    struct fmt f;
    fmt_init_pool(&f, &rig->pool, 64, 1 << 20);
    for (unsigned i = 0; i < fields->count; i++) {
        fmt_text(&f, i ? "|" : "");
        fmt_str(&f, fields->at[i].name);
        fmt_text(&f, ": ");
        fmt_str(&f, fields->at[i].value);
    }
    return text(rig, fmt_done(&f));
}

/* --- status lines ----------------------------------------------------------------------------- */

static void test_status(void)
{
    static const struct {
        const char *line;
        unsigned status, minor;
        const char *reason;
    } good[] = {
        { "HTTP/1.1 200 OK", 200, 1, "OK" },
        { "HTTP/1.0 404 Not Found", 404, 0, "Not Found" },
        { "HTTP/1.1 200", 200, 1, "" },
        { "HTTP/1.1 200 ", 200, 1, "" },
        { "HTTP/1.1 100 Continue", 100, 1, "Continue" },
        { "HTTP/1.1 599 x", 599, 1, "x" },
        { "HTTP/1.2 200 OK", 200, 1, "OK" },
        { "HTTP/1.9 200 \t\xe9\xff \"a\" ", 200, 1, "\xe9\xff \"a\"" },
    };
    static const struct str bad_lines[] = {
        BYTES("hello world this is not http"), BYTES(""), BYTES("HTTP/1.1"), BYTES("HTTP/1.1 "),
        BYTES("HTTP/1.1 20"), BYTES("HTTP/1.1 20 OK"), BYTES("HTTP/1.1 1000 OK"),
        BYTES("HTTP/1.1 099 OK"), BYTES("HTTP/1.1 000 OK"), BYTES("HTTP/1.1 600 OK"),
        BYTES("HTTP/1.1 999 OK"), BYTES("HTTP/1.1 2x0 OK"), BYTES("HTTP/1.1 +20 OK"),
        BYTES("HTTP/1.1 -20 OK"), BYTES("HTTP/1.1 200.1 OK"), BYTES("HTTP/1.1 200OK"),
        BYTES("HTTP/1.1 200\tOK"), BYTES("HTTP/1.1  200 OK"), BYTES("HTTP/1.1\t200 OK"),
        BYTES(" HTTP/1.1 200 OK"), BYTES("HTTP/2.0 200 OK"), BYTES("HTTP/0.9 200 OK"),
        BYTES("HTTP/1.10 200 OK"), BYTES("HTTP/1. 200 OK"), BYTES("HTTP/1.x 200 OK"),
        BYTES("HTTP/11 200 OK"), BYTES("http/1.1 200 OK"), BYTES("HTTPS/1.1 200 OK"),
        BYTES("ICY 200 OK"), BYTES("HTTP/1.1 200 O\rK"), BYTES("HTTP/1.1 200 O\0K"),
        BYTES("HTTP/1.1 200 O\x01K"), BYTES("HTTP/1.1 200 O\x7fK"), BYTES("HTTP/1.1 200 OK\r"),
        BYTES("HTTP/1.1 20\0 OK"),
    };
    struct rig rig;
    begin(&rig);
    for (unsigned i = 0; i < countof(good); i++) {
        const struct str head = fmt_pool(&rig.pool, "%s\r\n\r\n", good[i].line);
        is_int(parse(&rig, head), H1_DONE, "%s", good[i].line);
        is_uint(rig.out.status, good[i].status, "its status");
        is_uint(rig.out.minor, good[i].minor, "its version");
        is_str(text(&rig, rig.out.reason), good[i].reason, "its reason");
        is_str(text(&rig, rig.out.line), good[i].line, "its line");
        is_uint(rig.out.size, head.len, "its size");
    }
    for (unsigned i = 0; i < countof(bad_lines); i++) {
        struct fmt f;
        fmt_init_pool(&f, &rig.pool, 64, 256);
        fmt_str(&f, bad_lines[i]);
        fmt_text(&f, "\r\n\r\n");
        is_int(parse(&rig, fmt_done(&f)), H1_BAD, "\"%.*s\" is none", STR_FMT(bad_lines[i]));
        is_str(rig.out.why, "upstream sent no valid HTTP/1.0 header", "in nginx's words");
        ok(!rig.out.culprit.at, "and no more");
    }
    give_up(&rig);
}

/* --- framing ---------------------------------------------------------------------------------- */

#define HEAD "HTTP/1.1 200 OK\r\n"

static void test_framing(void)
{
    static const struct {
        const char *head;
        int64_t length;
        bool chunked;
    } rows[] = {
        { HEAD "\r\n", -1, false },
        { HEAD "Content-Length: 0\r\n\r\n", 0, false },
        { HEAD "content-LENGTH:\t 5 \t\r\n\r\n", 5, false },
        { HEAD "Content-Length: 0000000000000000000000005\r\n\r\n", 5, false },
        { HEAD "Content-Length: 9223372036854775807\r\n\r\n", INT64_MAX, false },
        { HEAD "Transfer-Encoding: chunked\r\n\r\n", -1, true },
        { HEAD "transfer-encoding:CHUNKED\r\n\r\n", -1, true },
        { "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", 7, false },
        { "HTTP/1.1 200 OK\nContent-Length: 7\n\n", 7, false },
        { "HTTP/1.1 200 OK\nContent-Length: 7\r\n\n", 7, false },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 5, false },
    };
    struct rig rig;
    begin(&rig);
    for (unsigned i = 0; i < countof(rows); i++) {
        is_int(parse(&rig, str_from(rows[i].head)), H1_DONE, "head %u", i);
        is_int(rig.out.length, rows[i].length, "its length");
        is_int(rig.out.chunked, rows[i].chunked, "whether it is chunked");
        is_uint(rig.out.fields.count, 0, "framing is in no field");
        is_uint(rig.out.size, strlen(rows[i].head), "its size");
    }
    is_int(parse(&rig, STR(HEAD "\r\nHTTP/1.1 201 C\r\n\r\n")), H1_DONE, "two heads");
    is_uint(rig.out.size, sizeof(HEAD) - 1 + 2, "the second is not looked at");
    give_up(&rig);
}

static void test_more(void)
{
    static const struct str whole = BYTES(HEAD "A: b\r\n\r\n");
    struct rig rig;
    struct str part;
    begin(&rig);
    for (size_t len = 0; len < whole.len; len++) {
        ASSERT(str_sub(whole, 0, len, &part));
        is_int(parse(&rig, part), H1_MORE, "%zu bytes are not all", len);
    }
    is_int(parse(&rig, whole), H1_DONE, "all of it");
    give_up(&rig);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_bad(void)
{
    static const char invalid[] = "upstream sent invalid header";
    static const char duplicate[] = "upstream sent duplicate header line";
    static const char length[] = "upstream sent invalid \"Content-Length\" header";
    static const char coding[] = "upstream sent unknown \"Transfer-Encoding\"";
    static const struct {
        struct str fields;
        const char *why;
        struct str culprit;
    } rows[] = {
        { BYTES("X: a\0b\r\n"), invalid, BYTES("X: a\0...") },
        { BYTES("X: a\rSet-Cookie: evil=1\r\n"), invalid, BYTES("X: a\r...") },
        { BYTES("X: a\r\r\n"), invalid, BYTES("X: a\r...") },
        { BYTES("X: a\x01" "b\r\n"), invalid, BYTES("X: a\x01...") },
        { BYTES("X: a\x7f" "b\r\n"), invalid, BYTES("X: a\x7f...") },
        { BYTES("X\0y: a\r\n"), invalid, BYTES("X\0...") },
        { BYTES("X\x01y: a\r\n"), invalid, BYTES("X\x01...") },
        { BYTES("X: a\r\n b\r\n"), invalid, BYTES(" ...") },
        { BYTES("\tX: a\r\n"), invalid, BYTES("\t...") },
        { BYTES(" \r\n"), invalid, BYTES(" ...") },
        { BYTES(": a\r\n"), invalid, BYTES(":...") },
        { BYTES("NoColon\r\n"), invalid, BYTES("NoColon...") },
        { BYTES("\r\r\n"), invalid, BYTES("\r...") },
        { BYTES("Content-Length : 5\r\n"), invalid, BYTES("Content-Length : 5...") },
        { BYTES("Content Length: 5\r\n"), invalid, BYTES("Content Length: 5...") },
        { BYTES("Transfer-Encoding\t: chunked\r\n"), invalid,
          BYTES("Transfer-Encoding\t: chunked...") },
        { BYTES("(Transfer)Encoding: chunked\r\n"), invalid,
          BYTES("(Transfer)Encoding: chunked...") },
        { BYTES("\xe9" "Connection: x\r\n"), invalid, BYTES("\xe9" "Connection: x...") },
        { BYTES("Content-Length: 5\r\nContent-Length: 5\r\n"), duplicate,
          BYTES("Content-Length: 5\", previous value: \"Content-Length: 5") },
        { BYTES("Content-Length: 5\r\nA: b\r\ncontent-length: 7\r\n"), duplicate,
          BYTES("content-length: 7\", previous value: \"Content-Length: 5") },
        { BYTES("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), duplicate,
          BYTES("Transfer-Encoding: chunked\", previous value: \"Transfer-Encoding: chunked") },
        { BYTES("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
          "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
          { NULL, 0 } },
        { BYTES("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
          "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
          { NULL, 0 } },
        { BYTES("Transfer-Encoding: foo\r\n"), coding, BYTES("foo") },
        { BYTES("Transfer-Encoding: gzip, chunked\r\n"), coding, BYTES("gzip, chunked") },
        { BYTES("Transfer-Encoding: chunked, chunked\r\n"), coding, BYTES("chunked, chunked") },
        { BYTES("Transfer-Encoding: chunked;a=b\r\n"), coding, BYTES("chunked;a=b") },
        { BYTES("Transfer-Encoding: identity\r\n"), coding, BYTES("identity") },
        { BYTES("Transfer-Encoding:\r\n"), coding, BYTES("") },
        { BYTES("Content-Length: foo\r\n"), length, BYTES("foo") },
        { BYTES("Content-Length:\r\n"), length, BYTES("") },
        { BYTES("Content-Length: -1\r\n"), length, BYTES("-1") },
        { BYTES("Content-Length: +1\r\n"), length, BYTES("+1") },
        { BYTES("Content-Length: 5, 5\r\n"), length, BYTES("5, 5") },
        { BYTES("Content-Length: 5 5\r\n"), length, BYTES("5 5") },
        { BYTES("Content-Length: 0x5\r\n"), length, BYTES("0x5") },
        { BYTES("Content-Length: 9223372036854775808\r\n"), length, BYTES("9223372036854775808") },
        { BYTES("Content-Length: 18446744073709551616\r\n"), length,
          BYTES("18446744073709551616") },
    };
    struct rig rig;
    begin(&rig);
    for (unsigned i = 0; i < countof(rows); i++) {
        struct fmt f;
        fmt_init_pool(&f, &rig.pool, 64, 1024);
        fmt_text(&f, HEAD "First: 1\r\n");
        fmt_str(&f, rows[i].fields);
        fmt_text(&f, "Last: 1\r\n\r\n");
        is_int(parse(&rig, fmt_done(&f)), H1_BAD, "fields %u are refused", i);
        is_str(rig.out.why, rows[i].why, "why");
        is_mem(rig.out.culprit.at, rig.out.culprit.len, rows[i].culprit.at, rows[i].culprit.len,
               "what it is about");
    }
    is_int(parse(&rig, STR("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")), H1_BAD,
           "a coding in HTTP/1.0");
    is_str(rig.out.why, "upstream sent HTTP/1.0 response with \"Transfer-Encoding\" header", "why");
    give_up(&rig);
}

static enum h1_result parse_many(struct rig *rig, const char *before, const char *each,
                                 unsigned count, const char *behind)
{
    struct fmt f;
    fmt_init_pool(&f, &rig->pool, 64, 1 << 20);
    fmt_text(&f, before);
    for (unsigned i = 0; i < count; i++)
        fmt_text(&f, each);
    fmt_text(&f, behind);
    return parse(rig, fmt_done(&f));
}

static void test_bounds(void)
{
    struct rig rig;
    begin(&rig);
    is_int(parse_many(&rig, HEAD, "X: y\r\n", 1000, "\r\n"), H1_DONE, "1000 fields");
    is_uint(rig.out.fields.count, 1000, "all are there");
    is_int(parse_many(&rig, HEAD, "X: y\r\n", 1001, "\r\n"), H1_BAD, "1001 fields");
    is_str(rig.out.why, "upstream sent too many header lines", "why");
    is_int(parse_many(&rig, HEAD, "X y: z\r\n", 1001, "\r\n"), H1_BAD, "1001 that are dropped");
    is_int(parse_many(&rig, HEAD, "TE: z\r\n", 1001, "\r\n"), H1_BAD, "1001 that are removed");
    is_int(parse_many(&rig, HEAD "Connection: a", ", ,a", 99, "\r\nA: b\r\n\r\n"), H1_DONE,
           "100 options");
    is_uint(rig.out.fields.count, 0, "are understood");
    is_int(parse_many(&rig, HEAD "Connection: a", ",a", 100, "\r\nA: b\r\n\r\n"), H1_BAD,
           "101 options");
    is_str(rig.out.why, "upstream sent too many options in \"Connection\" header", "why");
    is_int(parse_many(&rig, HEAD, "Connection: a\r\n", 101, "\r\n"), H1_BAD,
           "101 options in as many lines");
    give_up(&rig);
}

/* --- fields ----------------------------------------------------------------------------------- */

static void test_fields(void)
{
    static const struct {
        const char *lines, *fields, *dropped;
    } rows[] = {
        { "X:\ta \t\r\nx:b\tc\r\nY:\r\nZ: \r\n", "X: a|x: b\tc|Y: |Z: ", "" },
        { "X_y: a\r\nX.z: 1\r\n!#$%&'*+-.^_`|~09azAZ: :\r\n",
          "X_y: a|X.z: 1|!#$%&'*+-.^_`|~09azAZ: :", "" },
        { "A: 1\r\nX : 2\r\nX\t: 3\r\nX y: 4\r\nX(y: 5\r\nX\xe9y: 6\r\n\"X\": 7\r\nB: 8\r\n",
          "A: 1|B: 8", "X : 2|X\t: 3|X y: 4|X(y: 5|X\xe9y: 6|\"X\": 7" },
        { "Content-Length-X : 5\r\n", "", "Content-Length-X : 5" },
        { "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nset-cookie: e\r\n",
          "Set-Cookie: a=b|Set-Cookie: c=d|set-cookie: e", "" },
        { "Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: x\r\nTrailer: X\r\nUpgrade: h2\r\n"
          "Connection: close\r\nA: b\r\n", "A: b", "" },
        { "X-Secret: 1\r\nConnection: close, x-SECRET\r\nA: b\r\nX-Secret: 2\r\n", "A: b", "" },
        { "Connection: , A ,,\tB\t,\r\nA: 1\r\nB: 2\r\nC: 3\r\nConnection: c\r\n", "", "" },
        { "Connection: host, content-type, Content-Encoding, set-cookie, cache-control, "
          "x-forwarded-for, Forwarded, via, x-real-ip, authorization, WWW-Authenticate, vary\r\n"
          "Host: a\r\nContent-Type: b\r\nContent-Encoding: c\r\nSet-Cookie: d\r\n"
          "Cache-Control: e\r\nX-Forwarded-For: f\r\nForwarded: g\r\nVia: h\r\nX-Real-IP: i\r\n"
          "Authorization: j\r\nWWW-Authenticate: k\r\nVary: l\r\n",
          "Host: a|Content-Type: b|Content-Encoding: c|Set-Cookie: d|Cache-Control: e|"
          "X-Forwarded-For: f|Forwarded: g|Via: h|X-Real-IP: i|Authorization: j|"
          "WWW-Authenticate: k|Vary: l", "" },
        { "Connection: a b\r\nA: 1\r\nB: 2\r\n", "A: 1|B: 2", "" },
        { "Location: http://x/\nSet-Cookie: a=b\r\n", "Location: http://x/|Set-Cookie: a=b", "" },
    };
    struct rig rig;
    begin(&rig);
    for (unsigned i = 0; i < countof(rows); i++) {
        const struct str head = fmt_pool(&rig.pool, HEAD "%s\r\n", rows[i].lines);
        is_int(parse(&rig, head), H1_DONE, "fields %u", i);
        is_str(fields_text(&rig, &rig.out.fields), rows[i].fields, "go on");
        is_str(fields_text(&rig, &rig.out.dropped), rows[i].dropped, "are dropped");
    }
    is_int(parse(&rig, STR(HEAD "ETag: x\r\nA: b\r\nSet-Cookie: c\r\nConnection: a\r\n\r\n")),
           H1_DONE, "known fields");
    is_str(text(&rig, fields_value(&rig.out.fields, FIELD_SET_COOKIE)), "c",
           "are found when one before them is removed");
    is_str(text(&rig, fields_value(&rig.out.fields, FIELD_ETAG)), "x", "and those before");
    give_up(&rig);
}

static void test_connection(void)
{
    static const struct {
        const char *lines;
        bool close, keep_alive, upgrade_named;
        const char *upgrade;            /* NULL: none */
    } rows[] = {
        { "", false, false, false, NULL },
        { "Connection: close\r\n", true, false, false, NULL },
        { "Connection: Keep-Alive\r\n", false, true, false, NULL },
        { "Connection: x,CLOSE\r\nConnection: keep-alive , y\r\n", true, true, false, NULL },
        { "Connection: closed, not-keep-alive\r\n", false, false, false, NULL },
        { "Connection: close keep-alive\r\n", false, false, false, NULL },
        { "Connection: Upgrade\r\nUpgrade: websocket\r\n", false, false, true, "websocket" },
        { "Upgrade: h2c\r\nUpgrade: b\r\n", false, false, false, "h2c" },
        { "Upgrade:\r\n", false, false, false, "" },
        { "X: close\r\nKeep-Alive: close\r\nProxy-Connection: close\r\n", false, false, false,
          NULL },
    };
    struct rig rig;
    begin(&rig);
    for (unsigned i = 0; i < countof(rows); i++) {
        const struct str head = fmt_pool(&rig.pool, "HTTP/1.1 101 S\r\n%s\r\n", rows[i].lines);
        is_int(parse(&rig, head), H1_DONE, "connection %u", i);
        is_int(rig.out.close, rows[i].close, "close");
        is_int(rig.out.keep_alive, rows[i].keep_alive, "keep-alive");
        is_int(rig.out.upgrade_named, rows[i].upgrade_named, "upgrade");
        is_str(rig.out.upgrade.at ? text(&rig, rig.out.upgrade) : NULL, rows[i].upgrade,
               "to what");
    }
    give_up(&rig);
}

/* --- trailers --------------------------------------------------------------------------------- */

static bool trailers(struct rig *rig, struct str section)
{
    rig->trailers = (struct fields){ 0 };
    return h1_parse_trailers(copy(rig, section), &rig->pool, &rig->trailers);
}

static void test_trailers(void)
{
    static const struct {
        const char *section, *fields;
    } rows[] = {
        { "", "" },
        { "\r\n", "" },
        { "A: b\r\n", "A: b" },
        { "A: b\r\n\r\n", "A: b" },
        { "A: b\nC:\t d \r\n", "A: b|C: d" },
        { "grpc-status: 0\r\ngrpc-message: x\r\nServer-Timing: a\r\nDigest: b\r\n",
          "grpc-status: 0|grpc-message: x|Server-Timing: a|Digest: b" },
        { "A: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: x\r\nB: 2\r\n"
          "Authorization: x\r\nProxy-Authenticate: x\r\nWWW-Authenticate: x\r\nSet-Cookie: x\r\n"
          "Cookie: x\r\nContent-Type: x\r\nContent-Encoding: x\r\nContent-Range: x\r\n"
          "CONTENT-X: x\r\nTrailer: x\r\nTE: x\r\nConnection: x\r\nKeep-Alive: x\r\n"
          "Upgrade: x\r\nProxy-Connection: x\r\nLocation: x\r\nCache-Control: x\r\nVary: x\r\n"
          "Expires: x\r\nDate: x\r\nAge: x\r\nX-Forwarded-For: x\r\nForwarded: x\r\nVia: x\r\n"
          "X-Real-IP: x\r\nX-Accel-Redirect: /x\r\nIf-Match: x\r\nRange: x\r\nStatus: 200\r\n"
          "Refresh: x\r\nC: 3\r\n", "A: 1|B: 2|C: 3" },
    };
    static const struct str bad_sections[] = {
        BYTES("A: b"), BYTES("A: b\r"), BYTES("A\r\n"), BYTES(": b\r\n"), BYTES(" A: b\r\n"),
        BYTES("A: b\r\n c\r\n"), BYTES("A : b\r\n"), BYTES("A b: c\r\n"), BYTES("A\xe9: c\r\n"),
        BYTES("A: b\0c\r\n"), BYTES("A: b\rc\r\n"), BYTES("A: b\x7f\r\n"),
        BYTES("\r\nA: b\r\n"), BYTES("A: b\r\n\r\n\r\n"), BYTES("A: b\r\r\n"),
    };
    struct rig rig;
    struct fmt f;
    begin(&rig);
    for (unsigned i = 0; i < countof(rows); i++) {
        ok(trailers(&rig, str_from(rows[i].section)), "trailers %u", i);
        is_str(fields_text(&rig, &rig.trailers), rows[i].fields, "what may be one");
    }
    for (unsigned i = 0; i < countof(bad_sections); i++)
        ok(!trailers(&rig, bad_sections[i]), "bad trailers %u", i);
    fmt_init_pool(&f, &rig.pool, 64, 1 << 16);
    for (unsigned i = 0; i < 1000; i++)
        fmt_text(&f, "A: b\r\n");
    ok(trailers(&rig, fmt_done(&f)) && rig.trailers.count == 1000, "1000 trailers");
    fmt_text(&f, "Date: b\r\n");
    ok(!trailers(&rig, fmt_done(&f)), "1001 are too many");
    give_up(&rig);
}

int main(void)
{
    test_status();
    test_framing();
    test_more();
    test_bad();
    test_bounds();
    test_fields();
    test_connection();
    test_trailers();
    return done_testing();
}
