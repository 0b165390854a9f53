/*
 * Streams of Brotli: what is packed in any slices into any blocks unpacks to the same; flushes;
 * streams that were not finished.
 * The decoder is another library, which need not be there: then only lengths are looked at.
 * Owns the buffers of the cases.
 */
#include "core/brotli.c"

#include "t/unit/tap.h"

#include <dlfcn.h>

#ifdef HAVE_BROTLI

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
static enum deflate_result through(struct brotli *b, struct str in, enum deflate_mark between,
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
        result = brotli_run(b, &some, n == in.len ? DEFLATE_FINISH : between, &out);
        ASSERT(result != DEFLATE_HUNGRY || some.len == 0);
        fmt_str(all, fmt_done(&out));
        ASSERT(str_from_off(in, n - some.len, &in));
    }
    return result;
}

/* BrotliDecoderDecompress; NULL: not there. */
typedef int decode_fn(size_t in_len, const uint8_t *in, size_t *out_len, uint8_t *out);

static decode_fn *find_decoder(void)
{
    void *library = dlopen("libbrotlidec.so.1", RTLD_NOW);
    decode_fn *decode = NULL;
    if (library)
        *(void **)&decode = dlsym(library, "BrotliDecoderDecompress");
    return decode;
}

static bool same(struct str packed, struct str text)
{
    decode_fn *decode = find_decoder();
    uint8_t *at = pool_alloc(&pool, text.len + 1);
    size_t n = text.len + 1;
    if (!decode)
        return packed.len > 0;
    return decode(packed.len, (const uint8_t *)packed.at, &n, at) == 1 && n == text.len
        && memcmp(at, text.at, n) == 0;
}

static void slices(struct str text, int64_t length)
{
    static const size_t sizes[] = { SIZE_MAX, 65536, 1000, 17 };
    static const size_t blocks[] = { 32768, 100, 16 };
    static const unsigned levels[] = { 0, 1, 6, 11 };
    for (unsigned i = 0; i < countof(sizes); i++)
        for (unsigned k = 0; k < countof(blocks); k++) {
            struct fmt all;
            fmt_init_pool(&all, &pool, 1024, (size_t)BIG * 2);
            struct brotli *b = brotli_packer(levels[i], 19, length);
            is_int(through(b, text, DEFLATE_MORE, sizes[i], blocks[k], &all), DEFLATE_END,
                   "%zu bytes in slices of %zu into blocks of %zu", text.len, sizes[i], blocks[k]);
            ok(same(fmt_done(&all), text), "unpacks to the same");
            brotli_free(b);
        }
}

static void flushes(void)
{
    static const size_t blocks[] = { 5, 20, 3000 };
    const struct str text = material(100000);
    for (unsigned i = 0; i < countof(blocks); i++) {
        struct brotli *b = brotli_packer(5, 16, -1);
        struct fmt all;
        fmt_init_pool(&all, &pool, 1024, (size_t)BIG * 2);
        is_int(through(b, text, DEFLATE_FLUSH, 999, blocks[i], &all), DEFLATE_END,
               "flushes, blocks of %zu", blocks[i]);
        ok(same(fmt_done(&all), text), "unpack to the same");
        brotli_free(b);
    }
}

/* Bytes that come while a flush is not over yet wait for its end. */
static void late_bytes(void)
{
    const struct str text = material(3000);
    struct brotli *b = brotli_packer(5, 16, -1);
    struct str first, rest;
    struct fmt out, all;
    char room[11];
    fmt_init_pool(&all, &pool, 1024, (size_t)BIG * 2);
    ASSERT(str_sub(text, 0, 1000, &first));
    fmt_init(&out, room, sizeof(room));
    is_int(brotli_run(b, &first, DEFLATE_FLUSH, &out), DEFLATE_GO_ON, "a flush that does not fit");
    fmt_str(&all, fmt_done(&out));
    ASSERT(str_sub(text, 1000 - first.len, 2000 + first.len, &rest));
    is_int(through(b, rest, DEFLATE_MORE, 700, 10, &all), DEFLATE_END, "and more");
    ok(same(fmt_done(&all), text), "unpack to the same");
    brotli_free(b);
}

/* Half a stream, and a block without room. */
static void other(void)
{
    struct brotli *b = brotli_packer(11, 24, -1);
    struct str rest = material(3000);
    struct fmt out;
    char room[100];
    fmt_init(&out, room, 1);
    is_int(brotli_run(b, &rest, DEFLATE_MORE, &out), DEFLATE_GO_ON, "no room");
    is_uint(rest.len, 3000, "takes nothing");
    fmt_init(&out, room, sizeof(room));
    is_int(brotli_run(b, &rest, DEFLATE_MORE, &out), DEFLATE_HUNGRY, "a part");
    brotli_free(b);
    brotli_free(NULL);
    is_uint(fit(19, -1), 19, "the window for what is not known");
    is_uint(fit(19, 0), BROTLI_WINDOW_LEAST, "for nothing");
    is_uint(fit(19, 1008), 10, "for what just fits");
    is_uint(fit(19, 1009), 11, "for more");
    is_uint(fit(19, INT64_MAX), 19, "for very much");
}

int main(void)
{
    pool_reserve_init();
    pool_init(&pool, &pool_heap);
    slices(material(200000), -1);
    slices(material(30000), 30000);
    slices(STR(""), 0);
    flushes();
    late_bytes();
    other();
    pool_free(&pool);
    return done_testing();
}

#else

int main(void)
{
    printf("1..0 # SKIP no libbrotlienc\n");
    return 0;
}

#endif
