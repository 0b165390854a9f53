/*
 * Fuzz target: unpacking.  Whatever comes, the limits hold, each call is one step, and how the
 * bytes are cut into slices and blocks does not change what comes out.
 * Owns the builders and streams of one input.
 *
 *     a byte: the format, and the size of slices and blocks; the stream
 */
#include "core/base.h"
#include "core/deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 256 << 10, RATIO = 200 };

static enum deflate_result run(struct deflate *d, struct str in, size_t slice, size_t block,
                               struct fmt *all, size_t *left)
{
    char room[4096];
    enum deflate_result result = DEFLATE_GO_ON;
    while (result == DEFLATE_GO_ON || (result == DEFLATE_HUNGRY && in.len)) {
        struct fmt out;
        struct str some;
        const size_t n = size_min(slice, in.len);
        ASSERT(str_sub(in, 0, n, &some));
        fmt_init(&out, room, size_min(block + 1, sizeof(room)));
        result = deflate_run(d, &some, DEFLATE_MORE, &out);
        ASSERT(result != DEFLATE_HUNGRY || some.len == 0);
        ASSERT(result != DEFLATE_GO_ON || out.len || some.len < n);
        ASSERT(str_from_off(in, n - some.len, &in));
        fmt_str(all, fmt_done(&out));
    }
    *left = in.len;
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct deflate_limits limits = { .most = MOST, .ratio = RATIO };
    struct fmt whole, parts;
    struct pool pool;
    size_t left, left_parts;
    if (size < 1)
        return 0;
    pool_init(&pool, &pool_heap);
    struct deflate *d = deflate_unpacker((enum deflate_format)(data[0] % 3), &limits);
    ASSERT(d);
    const struct str in = str_of(data + 1, size - 1);
    fmt_init_pool(&whole, &pool, 1024, (size_t)MOST * 4);
    fmt_init_pool(&parts, &pool, 1024, (size_t)MOST * 4);
    const enum deflate_result a = run(d, in, SIZE_MAX, 4095, &whole, &left);
    deflate_again(d);
    const enum deflate_result b = run(d, in, 1 + data[0] / 3, 1 + data[0] % 64, &parts,
                                      &left_parts);
    ASSERT(whole.len <= MOST + 1 && parts.len <= MOST + 1);
    if (a != DEFLATE_TOO_MUCH && b != DEFLATE_TOO_MUCH) {
        ASSERT((a == DEFLATE_END) == (b == DEFLATE_END));
        ASSERT(a == DEFLATE_BROKEN || str_eq(fmt_done(&whole), fmt_done(&parts)));
        ASSERT(a != DEFLATE_END || left == left_parts);
    }
    deflate_free(d);
    pool_free(&pool);
    return 0;
}
