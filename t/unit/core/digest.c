/*
 * Digests: the vectors of RFC 1321, FIPS 180 and RFC 4231, pieces, and comparing.
 * Owns nothing.
 */
#include "core/digest.c"

#include "core/fmt.h"
#include "t/unit/tap.h"

static const char *hex(const unsigned char *bytes, size_t size)
{
    static char text[DIGEST_MOST * 2 + 1];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    fmt_hex_bytes(&f, str_of(bytes, size));
    return fmt_done(&f).at;
}

static void whole(enum digest_kind kind, struct str bytes, const char *want, const char *what)
{
    unsigned char out[DIGEST_MOST + 1];
    memset(out, 0x5a, sizeof(out));
    ok(digest_of(kind, bytes, out), "%s", what);
    is_str(hex(out, digest_size(kind)), want, "its value");
    is_int(out[digest_size(kind)], 0x5a, "not a byte more");
}

static void vectors(void)
{
    is_uint(digest_size(DIGEST_MD5), 16, "size of MD5");
    is_uint(digest_size(DIGEST_SHA1), 20, "size of SHA-1");
    is_uint(digest_size(DIGEST_SHA256), DIGEST_MOST, "size of SHA-256");
    whole(DIGEST_MD5, STR_NONE, "d41d8cd98f00b204e9800998ecf8427e", "MD5 of nothing");
    whole(DIGEST_MD5, STR("message digest"), "f96b697d7cb7938d525a2f31aaf161d0", "MD5");
    whole(DIGEST_SHA1, STR("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d", "SHA-1");
    whole(DIGEST_SHA256, STR("abc"),
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "SHA-256");
}

static void pieces(void)
{
    char text[300];
    unsigned char once[DIGEST_MOST], parts[DIGEST_MOST];
    unsigned bad = 0;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7);
    ok(digest_of(DIGEST_SHA1, str_of(text, sizeof(text)), once), "at once");
    for (size_t cut = 0; cut <= sizeof(text); cut++) {
        struct digest d;
        digest_begin(&d, DIGEST_SHA1);
        digest_add(&d, str_of(text, cut));
        digest_add(&d, str_of(text + cut, sizeof(text) - cut));
        bad += !digest_end(&d, parts) || memcmp(once, parts, 20) != 0;
    }
    is_uint(bad, 0, "in two pieces, wherever the cut is");
}

static void hmac(void)
{
    unsigned char out[DIGEST_MOST];
    char key[131];
    memset(key, 0xaa, sizeof(key));
    ok(digest_hmac(DIGEST_SHA256, STR("Jefe"), STR("what do ya want for nothing?"), out), "HMAC");
    is_str(hex(out, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
           "its value");
    ok(digest_hmac(DIGEST_SHA256, str_of(key, sizeof(key)),
                   STR("Test Using Larger Than Block-Size Key - Hash Key First"), out),
       "HMAC with a long key");
    is_str(hex(out, 32), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
           "its value");
    ok(digest_hmac(DIGEST_SHA256, STR_NONE, STR_NONE, out), "HMAC of nothing without a key");
    is_str(hex(out, 32), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
           "its value");
}

static void failed(void)
{
    unsigned char out[DIGEST_MOST];
    struct digest d = { .state = NULL };
    digest_add(&d, STR("a"));
    ok(!digest_end(&d, out), "one that has failed stays so");
}

static void equal(void)
{
    ok(digest_equal(STR("abc"), STR("abc")), "equal");
    ok(digest_equal(STR_NONE, STR("")), "nothing and nothing");
    ok(!digest_equal(STR("abc"), STR("abd")), "the last byte differs");
    ok(!digest_equal(STR("bbc"), STR("abc")), "the first byte differs");
    ok(!digest_equal(STR("abc"), STR("ab")), "shorter");
    ok(!digest_equal(STR("a"), STR("")), "nothing and something");
}

int main(void)
{
    vectors();
    pieces();
    hmac();
    failed();
    equal();
    return done_testing();
}
