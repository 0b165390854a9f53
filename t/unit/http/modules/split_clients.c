/*
 * The hash of split_clients, and the ends of its parts.  Owns nothing.
 */
#include "http/modules/split_clients.c"

#include "t/unit/tap.h"

/* Keys of all lengths that leave a rest; those of 8 bytes were made for their hash. */
static void test_hash(void)
{
    static const struct {
        const char *text;
        uint32_t hash;
    } keys[] = {
        { "", 0 },
        { "9cZd656-", 0xc7cd2696 },
        { "a7Y568Y2Y.Y50a48-df-0d1~747", 0x71afe8bf },
        { "Xd6a34_a~5ZY9d1aaa-8a3.X", 0x8371c719 },
        { "0096739b6Y34", 0x007f289c },
        { "28~.2c5.7df", 0x4e6f642f },
        { "7e78X4b6298X746242a88__1", 0x8d6ad08f },
        { "_aY-f89fc8Zb.cca5aZYZd_f20cff", 0x4cd5de94 },
        { "c1B.A0G-", 0x7ffffffe },
        { "gOo.ch13", 0x7fffffff },
        { "xMSQyPm7", 0xffffffff },
    };
    for (unsigned i = 0; i < countof(keys); i++)
        is_uint(murmur(str_from(keys[i].text)), keys[i].hash, "hash of \"%s\"", keys[i].text);
    ok(murmur(str_of("\x80\xff", 2)) != murmur(str_of("\x80\x7f", 2)), "bytes have no sign");
    ok(murmur(str_of("a\0", 2)) != murmur(STR("a")), "the length counts");
}

static void test_parts(void)
{
    struct part last = { .rest = true, .text = STR_INIT("rest") };
    struct part second = { .next = &last, .end = 20, .text = STR_INIT("two") };
    struct part first = { .next = &second, .end = 10, .text = STR_INIT("one") };
    const struct split split = { .parts = &first };
    is_str(choose(&split, 0).at, "one", "the first hash");
    is_str(choose(&split, 9).at, "one", "the last of a part");
    is_str(choose(&split, 10).at, "two", "the first of the next");
    is_str(choose(&split, 20).at, "rest", "behind the last end");
    is_str(choose(&split, UINT32_MAX).at, "rest", "the largest hash");
    second.next = NULL;
    is_str(choose(&split, 20).at, "", "behind the last end, without a rest");
}

int main(void)
{
    test_hash();
    test_parts();
    return done_testing();
}
