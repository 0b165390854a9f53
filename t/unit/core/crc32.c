/*
 * CRC-32: the published check value, and texts in pieces.  Owns nothing.
 */
#include "core/crc32.c"

#include "t/unit/tap.h"

int main(void)
{
    static const unsigned char bytes[4] = { 0xff, 0, 0x80, 0x7f };
    is_uint(crc32_add(0, STR("")), 0, "of nothing");
    is_uint(crc32_add(0, STR("123456789")), 0xcbf43926, "the check value");
    is_uint(crc32_add(0, STR("a")), 0xe8b7be43, "of one letter");
    is_uint(crc32_add(0, str_of("", 1)), 0xd202ef8d, "of a zero");
    is_uint(crc32_add(crc32_add(0, STR("1234")), STR("56789")), 0xcbf43926, "in two pieces");
    const uint32_t first = crc32_add(0, str_of(bytes, 1));
    is_uint(crc32_add(0, str_of(bytes, 4)), crc32_add(first, str_of(bytes + 1, 3)),
            "of all kinds of bytes");
    ok(crc32_add(0, str_of(bytes, 4)) != crc32_add(0, str_of(bytes, 3)), "each counts");
    return done_testing();
}
