/*
 * Blocks: what is not read into is given back, and marks free the rest.
 */
#include "http/upstream/upstream_block.c"

#include "t/unit/tap.h"

#include <malloc.h>

int main(void)
{
    struct upstream_block *b = block_new(16 << 10);
    struct chain chain;
    chain_init(&chain);
    ok(malloc_usable_size(b) > 16 << 10, "a block has the room that was asked for");
    memcpy(b->bytes, "hello", 5);
    b->len = 5;
    b = block_fit(b);
    ok(malloc_usable_size(b) < 1024, "little that was read takes little");
    ok(str_eq(str_of(b->bytes, b->len), STR("hello")) && b->size == 16 << 10, "and stays");
    struct upstream_slices *s = block_slices(b);
    ok(slices_add(s, str_of(b->bytes, 2)) && slices_add(s, str_of(b->bytes + 2, 3)), "two slices");
    slices_done(s, &chain);
    is_uint(chain.bytes, 5, "five bytes");
    block_release(b);
    is_uint(b->refs, 1, "the mark behind them holds the block");
    chain_drop(&chain);
    b = block_new(100);
    b->len = 60;
    ok(block_fit(b) == b && malloc_usable_size(b) >= 100, "one that is mostly used stays as it is");
    block_release(b);
    return done_testing();
}
