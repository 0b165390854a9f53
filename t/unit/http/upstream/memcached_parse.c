/*
 * Answers of memcached: lines that are right and wrong, values cut in every place.
 * Owns nothing.
 */
#include "http/upstream/memcached_parse.c"

#include "t/unit/tap.h"

static struct memcached_answer answer;

static enum memcached_head parse(const char *bytes, const char *key)
{
    return memcached_parse_head(str_from(bytes), str_from(key), &answer);
}

static void test_values(void)
{
    is_int(parse("VALUE key 0 5\r\nhello\r\nEND\r\n", "key"), MEMCACHED_VALUE, "a value");
    ok(answer.flags == 0 && answer.length == 5 && answer.size == 15, "its flags, length, line");
    ok(str_eq(answer.line, STR("VALUE key 0 5")), "the line is without its end");
    is_int(parse("VALUE k 4294967295 0\r\n", "k"), MEMCACHED_VALUE, "large flags, an empty value");
    ok(answer.flags == 4294967295 && answer.length == 0, "are numbers");
    is_int(parse("VALUE k 2 007\r\n", "k"), MEMCACHED_VALUE, "leading zeros");
    is_int(answer.length, 7, "do not count");
    is_int(parse("VALUE a%20b 0 1\r\n", "a%20b"), MEMCACHED_VALUE, "the key as it was sent");
    is_int(parse("VALUE  0 1\r\n", ""), MEMCACHED_VALUE, "an empty key is compared, too");
    is_int(parse("END\r\n", "key"), MEMCACHED_MISSING, "nothing of this key");
    is_uint(answer.size, 5, "takes its line only");
    is_int(parse("VALUE k 0 9223372036854775807\r\n", "k"), MEMCACHED_VALUE, "the largest");
}

static void test_every_cut(void)
{
    const struct str all = STR("VALUE key 32 12345\r\n");
    unsigned more = 0;
    for (size_t n = 0; n < all.len; n++) {
        struct str part;
        ASSERT(str_sub(all, 0, n, &part));
        more += memcached_parse_head(part, STR("key"), &answer) == MEMCACHED_MORE;
    }
    is_uint(more, all.len, "a line that is not complete");
}

static void test_bad(void)
{
    static const struct {
        const char *bytes;
        enum memcached_head result;
    } rows[] = {
        { "\r\n", MEMCACHED_BAD },
        { "\n", MEMCACHED_BAD },
        { "END\n", MEMCACHED_BAD },
        { "ENDx\r\n", MEMCACHED_BAD },
        { "END \r\n", MEMCACHED_BAD },
        { "ERROR\r\n", MEMCACHED_BAD },
        { "SERVER_ERROR out of memory\r\n", MEMCACHED_BAD },
        { "CLIENT_ERROR bad command line format\r\n", MEMCACHED_BAD },
        { "HTTP/1.1 400 Bad Request\r\n", MEMCACHED_BAD },
        { "VALUE\r\n", MEMCACHED_BAD },
        { "value k 0 5\r\n", MEMCACHED_BAD },
        { "VALUE k 0 5\n", MEMCACHED_BAD },
        { "VALUE k\r\n", MEMCACHED_BAD },
        { "VALUE kk 0 5\r\n", MEMCACHED_BAD },
        { "VALUE k 0\r\n", MEMCACHED_BAD },
        { "VALUE \r\n", MEMCACHED_BAD_KEY },
        { "VALUE x 0 5\r\n", MEMCACHED_BAD_KEY },
        { "VALUE  k 0 5\r\n", MEMCACHED_BAD_KEY },
        { "VALUE k  0 5\r\n", MEMCACHED_BAD_FLAGS },
        { "VALUE k x 5\r\n", MEMCACHED_BAD_FLAGS },
        { "VALUE k -1 5\r\n", MEMCACHED_BAD_FLAGS },
        { "VALUE k 18446744073709551616 5\r\n", MEMCACHED_BAD_FLAGS },
        { "VALUE k 0 \r\n", MEMCACHED_BAD_LENGTH },
        { "VALUE k 0 -5\r\n", MEMCACHED_BAD_LENGTH },
        { "VALUE k 0 5 \r\n", MEMCACHED_BAD_LENGTH },
        { "VALUE k 0 5 99\r\n", MEMCACHED_BAD_LENGTH },
        { "VALUE k 0 5\r\r\n", MEMCACHED_BAD_LENGTH },
        { "VALUE k 0 9223372036854775808\r\n", MEMCACHED_BAD_LENGTH },
        { "VALUE k 0 99999999999999999999999\r\n", MEMCACHED_BAD_LENGTH },
    };
    for (unsigned i = 0; i < countof(rows); i++) {
        const enum memcached_head result = parse(rows[i].bytes, "k");
        is_int(result, rows[i].result, "%.*s", (int)strcspn(rows[i].bytes, "\r\n"), rows[i].bytes);
    }
    const struct str nul = STR("VALUE k\0 0 5\r\n");
    is_int(memcached_parse_head(nul, STR("k"), &answer), MEMCACHED_BAD, "a NUL behind the key");
}

/* In pieces of `piece` bytes; false: bad.  What came of the value is in `got`. */
static bool read_in_pieces(struct str all, int64_t length, size_t piece, char *got, size_t *len,
                           struct str *rest)
{
    struct memcached_value v = { .left = length };
    *len = 0;
    while (all.len) {
        struct str in, data;
        enum memcached_body result;
        ASSERT(str_sub(all, 0, size_min(piece, all.len), &in) && str_from_off(all, in.len, &all));
        while ((result = memcached_parse_body(&v, &in, &data)) == MEMCACHED_BODY_DATA) {
            memcpy(got + *len, data.at, data.len);
            *len += data.len;
        }
        *rest = in;
        if (result == MEMCACHED_BODY_MORE && in.len)
            return false;               /* nothing may be left over */
        if (result != MEMCACHED_BODY_MORE)
            return result == MEMCACHED_BODY_END;
    }
    return false;
}

static void test_bodies(void)
{
    const struct str whole = STR("he\r\nEND\r\no\r\nEND\r\n");
    char got[64];
    size_t len;
    struct str rest;
    for (size_t piece = 1; piece <= whole.len; piece++) {
        const bool good = read_in_pieces(whole, 10, piece, got, &len, &rest);
        ok(good && len == 10 && memcmp(got, whole.at, 10) == 0 && rest.len == 0,
           "in pieces of %zu", piece);
    }
    for (size_t n = 0; n < whole.len; n++) {
        struct str part;
        ASSERT(str_sub(whole, 0, n, &part));
        if (read_in_pieces(part, 10, whole.len, got, &len, &rest))
            ok(false, "cut after %zu", n);
    }
    ok(read_in_pieces(STR("\r\nEND\r\n"), 0, 64, got, &len, &rest) && len == 0, "an empty value");
    ok(read_in_pieces(STR("x\r\nEND\r\nmore"), 1, 64, got, &len, &rest)
       && str_eq(rest, STR("more")), "what follows stays");
    ok(!read_in_pieces(STR("hello\r\nENX\r\n"), 5, 64, got, &len, &rest), "a wrong end");
    ok(!read_in_pieces(STR("hello\nEND\r\n"), 5, 64, got, &len, &rest), "without CR");
    ok(!read_in_pieces(STR("helloX\r\nEND\r\n"), 5, 64, got, &len, &rest), "a value too long");
    ok(!read_in_pieces(STR("hell\r\nEND\r\n"), 5, 64, got, &len, &rest), "a value too short");
    ok(!read_in_pieces(STR("hello\r\nENX\r\n"), 5, 1, got, &len, &rest), "by bytes as well");
}

int main(void)
{
    test_values();
    test_every_cut();
    test_bad();
    test_bodies();
    return done_testing();
}
