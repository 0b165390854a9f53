/*
 * Fuzz target: bodies of gzip.  Whatever comes, the limits hold, each call makes progress, and how
 * the bytes are cut into slices and blocks does not change what comes out.
 * Owns the streams and builders of one input.
 *
 *     a byte: the size of slices and blocks; the body
 */
#include "http/gunzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 4096, MOST = 1 << 20 };

static enum deflate_result run(struct str in, size_t slice, size_t block, struct fmt *all)
{
    struct gunzip *g = gunzip_new();
    enum deflate_result result = DEFLATE_GO_ON;
    uint64_t made = 0, taken = 0;
    char room[BLOCK];
    ASSERT(g);
    while (result == DEFLATE_GO_ON || (result == DEFLATE_HUNGRY && in.len)) {
        struct fmt out;
        struct str some;
        const size_t n = size_min(slice, in.len);
        const enum deflate_mark mark = n == in.len ? DEFLATE_FINISH : DEFLATE_MORE;
        ASSERT(str_sub(in, 0, n, &some));
        fmt_init(&out, room, block);
        result = gunzip_run(g, &some, mark, &out);
        made += out.len;
        taken += n - some.len;
        ASSERT(made <= GUNZIP_FREE + BLOCK || made <= taken * GUNZIP_RATIO + BLOCK);
        ASSERT(result != DEFLATE_HUNGRY || (some.len == 0 && mark == DEFLATE_MORE));
        ASSERT(result != DEFLATE_GO_ON || out.len || some.len < n);
        ASSERT(str_from_off(in, n - some.len, &in));
        if (all->len + out.len < MOST)
            fmt_str(all, fmt_done(&out));
    }
    ASSERT(result != DEFLATE_END || in.len == 0);
    gunzip_free(g);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fmt whole, parts;
    struct pool pool;
    if (size < 1)
        return 0;
    pool_init(&pool, &pool_heap);
    const struct str in = str_of(data + 1, size - 1);
    fmt_init_pool(&whole, &pool, 1024, MOST * 2);
    fmt_init_pool(&parts, &pool, 1024, MOST * 2);
    const enum deflate_result a = run(in, SIZE_MAX, BLOCK, &whole);
    const enum deflate_result b = run(in, 1u + data[0] % 16, 2u + data[0] / 2, &parts);
    if (a != DEFLATE_TOO_MUCH && b != DEFLATE_TOO_MUCH && whole.len < MOST / 2) {
        ASSERT((a == DEFLATE_END) == (b == DEFLATE_END));
        ASSERT(a != DEFLATE_END || str_eq(fmt_done(&whole), fmt_done(&parts)));
    }
    pool_free(&pool);
    return 0;
}
