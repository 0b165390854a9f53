/*
 * Streams of zstd: what is packed in any slices into any blocks unpacks to the same; flushes;
 * streams that were not finished; the window of high levels.
 * Owns the buffers of the cases.
 */
#include "core/zstd.c"

#include "t/unit/tap.h"

#ifdef HAVE_ZSTD

enum { BIG = 1 << 20 };

static struct pool pool;

static struct str material(size_t len)
{
    char *at = pool_alloc(&pool, len);
    uint32_t noise = 12345;
    for (size_t i = 0; i < len; i++) {
        noise = noise * 1664525u + 1013904223u;
        at[i] = i % 4096 < 2048 ? "GET /index.html HTTP/1.1\n"[i % 25] : (char)(noise >> 24);
    }
    return str_of(at, len);
}

/* All of `in`, `slice` bytes a call, with this mark behind each, into blocks of `block` bytes. */
static enum deflate_result through(struct zstd *z, struct str in, enum deflate_mark between,
                                   size_t slice, size_t block, struct fmt *all)
{
    char *room = pool_alloc(&pool, block + 1);
    enum deflate_result result = DEFLATE_GO_ON;
    while (result == DEFLATE_GO_ON || (result == DEFLATE_HUNGRY && in.len)) {
        struct str some;
        struct fmt out;
        const size_t n = size_min(slice, in.len);
        ASSERT(str_sub(in, 0, n, &some));
        fmt_init(&out, room, block + 1);
        result = zstd_run(z, &some, n == in.len ? DEFLATE_FINISH : between, &out);
        ASSERT(result != DEFLATE_HUNGRY || some.len == 0);
        fmt_str(all, fmt_done(&out));
        ASSERT(str_from_off(in, n - some.len, &in));
    }
    return result;
}

static bool same(struct str packed, struct str text)
{
    char *at = pool_alloc(&pool, text.len + 1);
    const size_t n = ZSTD_decompress(at, text.len + 1, packed.at, packed.len);
    return !ZSTD_isError(n) && n == text.len && memcmp(at, text.at, n) == 0;
}

static void slices(struct zstd *z, struct str text, int64_t length)
{
    static const size_t sizes[] = { SIZE_MAX, 65536, 1000, 17 };
    static const size_t blocks[] = { 32768, 100, 16 };
    for (unsigned i = 0; i < countof(sizes); i++)
        for (unsigned k = 0; k < countof(blocks); k++) {
            struct fmt all;
            fmt_init_pool(&all, &pool, 1024, (size_t)BIG * 2);
            zstd_begin(z, 1 + i, length);
            is_int(through(z, text, DEFLATE_MORE, sizes[i], blocks[k], &all), DEFLATE_END,
                   "%zu bytes in slices of %zu into blocks of %zu", text.len, sizes[i], blocks[k]);
            ok(same(fmt_done(&all), text), "unpacks to the same");
        }
}

static void flushes(struct zstd *z)
{
    const struct str text = material(100000);
    char *at = pool_alloc(&pool, text.len);
    struct str rest, first;
    struct fmt out;
    fmt_init_pool(&out, &pool, BIG, BIG);
    ASSERT(fmt_need(&out, BIG / 2));
    zstd_begin(z, 3, -1);
    ASSERT(str_sub(text, 0, 5000, &first));
    rest = first;
    is_int(zstd_run(z, &rest, DEFLATE_FLUSH, &out), DEFLATE_HUNGRY, "a flush");
    ZSTD_DCtx *reader = ZSTD_createDCtx();
    ZSTD_inBuffer from = { out.at, out.len, 0 };
    ZSTD_outBuffer to = { at, text.len, 0 };
    ok(!ZSTD_isError(ZSTD_decompressStream(reader, &to, &from)), "can be read");
    is_mem(at, to.pos, first.at, first.len, "all that was there");
    ZSTD_freeDCtx(reader);

    struct fmt all;
    fmt_init_pool(&all, &pool, 1024, (size_t)BIG * 2);
    zstd_begin(z, 3, -1);
    is_int(through(z, text, DEFLATE_FLUSH, 999, 20, &all), DEFLATE_END, "flushes, small blocks");
    ok(same(fmt_done(&all), text), "unpack to the same");
}

static void other(struct zstd *z)
{
    struct fmt out;
    const struct str text = material(3000);
    struct str rest = text;
    char room[8];
    fmt_init(&out, room, 1);
    zstd_begin(z, 1, -1);
    is_int(zstd_run(z, &rest, DEFLATE_FINISH, &out), DEFLATE_GO_ON, "no room");
    is_uint(rest.len, 3000, "takes nothing");

    fmt_init_pool(&out, &pool, 1024, (size_t)BIG * 2);
    zstd_begin(z, 1, 2999);
    is_int(through(z, text, DEFLATE_MORE, 1000, 100, &out), DEFLATE_BROKEN, "another length");

    fmt_init_pool(&out, &pool, 1024, (size_t)BIG * 2);
    zstd_begin(z, ZSTD_LEVEL_MOST, -1);
    rest = material(1000);
    is_int(through(z, rest, DEFLATE_MORE, 500, 100, &out), DEFLATE_END, "after an error, at 22");
    const struct str packed = fmt_done(&out);
    /* RFC 8878, 3.1.1.1.2: the window's exponent stands in five bits behind the descriptor. */
    ok(packed.len > 6 && ((unsigned char)packed.at[5] >> 3) + 10 <= 23, "8 MiB of window at most");
    ok(zstd_memory(z) > 0, "it takes memory");
}

int main(void)
{
    pool_reserve_init();
    pool_init(&pool, &pool_heap);
    struct zstd *z = zstd_packer();
    slices(z, material(200000), -1);
    slices(z, material(30000), 30000);
    slices(z, STR(""), 0);
    flushes(z);
    other(z);
    zstd_free(z);
    zstd_free(NULL);
    pool_free(&pool);
    return done_testing();
}

#else

int main(void)
{
    printf("1..0 # SKIP no libzstd\n");
    return 0;
}

#endif
