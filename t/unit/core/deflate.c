/*
 * Compressed streams: what is packed in any slices unpacks to the same in any slices; limits; the
 * ends of streams; what is broken.
 * Owns the buffers of the cases.
 */
#include "core/deflate.c"

#include "t/unit/tap.h"

enum { BIG = 1 << 20 };

static struct pool pool;

/* Text with repetitions, and without: the second half is noise. */
static struct str material(size_t len)
{
    char *at = pool_alloc(&pool, len);
    uint32_t noise = 12345;
    for (size_t i = 0; i < len; i++) {
        noise = noise * 1664525u + 1013904223u;
        at[i] = i < len / 2 ? "GET /index.html HTTP/1.1\n"[i % 25] : (char)(noise >> 24);
    }
    return str_of(at, len);
}

/* All of `in`, `slice` bytes a call, into blocks of `block` bytes; the last result in *result. */
static struct str through(struct deflate *d, struct str in, enum deflate_mark last, size_t slice,
                          size_t block, enum deflate_result *result)
{
    struct fmt all, out;
    char *room = pool_alloc(&pool, block + 1);
    fmt_init_pool(&all, &pool, 1024, (size_t)BIG * 8);
    *result = DEFLATE_HUNGRY;
    while (*result == DEFLATE_HUNGRY || *result == DEFLATE_GO_ON) {
        struct str some;
        const size_t n = size_min(slice, in.len);
        const enum deflate_mark mark = n == in.len ? last : DEFLATE_MORE;
        if (!str_sub(in, 0, n, &some))
            break;
        fmt_init(&out, room, block + 1);
        *result = deflate_run(d, &some, mark, &out);
        fmt_str(&all, fmt_done(&out));
        if (!str_from_off(in, n - some.len, &in))
            break;
        if (*result == DEFLATE_HUNGRY && in.len == 0)
            break;
    }
    return fmt_done(&all);
}

static struct str packed(struct str text, enum deflate_format format, unsigned level)
{
    const struct deflate_packing how = { .format = format, .level = level };
    struct deflate *d = deflate_packer(&how);
    enum deflate_result result;
    const struct str out = through(d, text, DEFLATE_FINISH, SIZE_MAX, BIG, &result);
    ok(result == DEFLATE_END, "packing ends");
    deflate_free(d);
    return out;
}

static struct str unpacked(struct str bytes, enum deflate_format format, size_t slice,
                           size_t block, struct deflate_limits limits,
                           enum deflate_result *result)
{
    struct deflate *d = deflate_unpacker(format, &limits);
    const struct str out = through(d, bytes, DEFLATE_MORE, slice, block, result);
    deflate_free(d);
    return out;
}

static const struct deflate_limits none;

static void test_round_trips(void)
{
    static const size_t lengths[] = { 0, 1, 100, DEFLATE_STEP - 1, DEFLATE_STEP, DEFLATE_STEP + 1,
                                      300000 };
    static const size_t slices[] = { 1, 7, 4096, SIZE_MAX };
    enum deflate_result result;
    for (size_t i = 0; i < countof(lengths); i++) {
        const struct str text = material(lengths[i]);
        for (unsigned format = DEFLATE_RAW; format <= DEFLATE_GZIP; format++) {
            const struct str bytes = packed(text, (enum deflate_format)format, 1 + (unsigned)i);
            bool same = true;
            for (size_t s = 0; s < countof(slices); s++) {
                if (slices[s] == 1 && text.len > 100)
                    continue;
                const struct str out = unpacked(bytes, (enum deflate_format)format, slices[s],
                                                size_min(slices[s] * 3, BIG), none, &result);
                same = same && result == DEFLATE_END && str_eq(out, text);
            }
            ok(same, "%zu bytes there and back, format %u", text.len, format);
        }
    }
}

/* Packing in slices and small blocks is packing. */
static void test_slices(void)
{
    const struct deflate_packing how = { .format = DEFLATE_GZIP, .level = 6 };
    const struct str text = material(200000);
    enum deflate_result result;
    struct deflate *d = deflate_packer(&how);
    const struct str a = through(d, text, DEFLATE_FINISH, 777, 16, &result);
    ok(result == DEFLATE_END, "the end of many slices");
    deflate_again(d);
    const struct str b = through(d, text, DEFLATE_FINISH, SIZE_MAX, BIG, &result);
    ok(str_eq(a, b) && a.len > 0, "the slices do not show, nor that the memory was used before");
    deflate_free(d);
    ok(str_eq(unpacked(a, DEFLATE_GZIP, 1000, 100, none, &result), text), "and it is right");
}

static void test_step(void)
{
    const struct deflate_packing how = { .format = DEFLATE_RAW, .level = 1 };
    struct deflate *d = deflate_packer(&how);
    struct str in = material(3 * DEFLATE_STEP);
    const size_t all = in.len;
    struct fmt out;
    fmt_init_pool(&out, &pool, (size_t)BIG, (size_t)BIG);
    ok(deflate_run(d, &in, DEFLATE_FINISH, &out) == DEFLATE_GO_ON, "a call does not do it all");
    is_uint(all - in.len, DEFLATE_STEP, "it takes one step");
    out.len = out.room;
    const size_t left = in.len;
    ok(deflate_run(d, &in, DEFLATE_FINISH, &out) == DEFLATE_GO_ON && in.len == left,
       "without room nothing is taken");
    deflate_free(d);
    deflate_free(NULL);
}

/* What was flushed can be read before the end; what was not is kept back. */
static void test_flush(void)
{
    const struct deflate_packing how = { .format = DEFLATE_ZLIB, .level = 6 };
    struct deflate *d = deflate_packer(&how);
    enum deflate_result result;
    const struct str text = material(5000);
    const struct str quiet = through(d, text, DEFLATE_MORE, SIZE_MAX, BIG, &result);
    ok(result == DEFLATE_HUNGRY && quiet.len < 100, "MORE keeps bytes back");
    const struct str rest = through(d, STR(""), DEFLATE_FLUSH, SIZE_MAX, 16, &result);
    ok(result == DEFLATE_HUNGRY && rest.len > 100, "FLUSH gives them, in small blocks too");
    struct fmt both;
    fmt_init_pool(&both, &pool, 100, BIG);
    fmt_str(&both, quiet);
    fmt_str(&both, rest);
    const struct str out = unpacked(fmt_done(&both), DEFLATE_ZLIB, SIZE_MAX, BIG, none, &result);
    ok(result == DEFLATE_HUNGRY && str_eq(out, text), "all of it, and no end");
    deflate_free(d);
}

static void test_limits(void)
{
    enum deflate_result result;
    const struct str text = material(100000);
    char *zeros = pool_alloc(&pool, BIG);
    const struct str bytes = packed(text, DEFLATE_GZIP, 6);
    const struct str bomb = packed(str_of(zeros, BIG), DEFLATE_GZIP, 9);
    struct deflate_limits limits = { .most = 100000 };
    unpacked(bytes, DEFLATE_GZIP, 999, 1000, limits, &result);
    ok(result == DEFLATE_END, "exactly as much as is allowed");
    limits.most = 99999;
    const struct str out = unpacked(bytes, DEFLATE_GZIP, 999, 1000, limits, &result);
    ok(result == DEFLATE_TOO_MUCH && out.len <= 100000, "one byte more");
    unpacked(bytes, DEFLATE_GZIP, SIZE_MAX, BIG, limits, &result);
    ok(result == DEFLATE_TOO_MUCH, "one byte more in a large block");
    limits = (struct deflate_limits){ .ratio = 100 };
    const struct str some = unpacked(bomb, DEFLATE_GZIP, SIZE_MAX, 4096, limits, &result);
    ok(result == DEFLATE_TOO_MUCH && some.len < BIG / 2, "a bomb is seen before it is unpacked");
    unpacked(bytes, DEFLATE_GZIP, SIZE_MAX, 4096, limits, &result);
    ok(result == DEFLATE_END, "what is no bomb passes the ratio");
    limits.ratio = UINT_MAX;
    unpacked(bomb, DEFLATE_GZIP, SIZE_MAX, 4096, limits, &result);
    ok(result == DEFLATE_END, "a ratio that nothing reaches");
}

/* Two members, and bytes behind them. */
static void test_members(void)
{
    struct deflate *d = deflate_unpacker(DEFLATE_GZIP, &none);
    struct fmt f, out;
    fmt_init_pool(&f, &pool, 100, BIG);
    fmt_str(&f, packed(STR("one"), DEFLATE_GZIP, 1));
    fmt_str(&f, packed(STR("two"), DEFLATE_GZIP, 9));
    fmt_text(&f, "behind");
    struct str in = fmt_done(&f);
    fmt_init_pool(&out, &pool, 100, 100);
    ok(deflate_run(d, &in, DEFLATE_MORE, &out) == DEFLATE_END, "the first member ends");
    is_str(fmt_done(&out).at, "one", "what is in it");
    deflate_again(d);
    fmt_init_pool(&out, &pool, 100, 100);
    ok(deflate_run(d, &in, DEFLATE_MORE, &out) == DEFLATE_END, "the second member ends");
    is_str(fmt_done(&out).at, "two", "what is in it");
    is_mem(in.at, in.len, "behind", 6, "what stands behind the end is not taken");
    deflate_again(d);
    fmt_init_pool(&out, &pool, 100, 100);
    ok(deflate_run(d, &in, DEFLATE_MORE, &out) == DEFLATE_BROKEN, "which is no member");
    deflate_free(d);
}

static void test_broken(void)
{
    enum deflate_result result;
    const struct str good = packed(material(1000), DEFLATE_GZIP, 6);
    char *bad = pool_alloc(&pool, good.len);
    unpacked(STR("no gzip at all"), DEFLATE_GZIP, SIZE_MAX, 100, none, &result);
    ok(result == DEFLATE_BROKEN, "another format");
    unpacked(good, DEFLATE_ZLIB, SIZE_MAX, 100, none, &result);
    ok(result == DEFLATE_BROKEN, "gzip is not zlib's format");
    memcpy(bad, good.at, good.len);
    bad[good.len - 5] ^= 1;
    unpacked(str_of(bad, good.len), DEFLATE_GZIP, 10, 100, none, &result);
    ok(result == DEFLATE_BROKEN, "a wrong checksum");
    unpacked(str_of(good.at, good.len - 1), DEFLATE_GZIP, 10, 100, none, &result);
    ok(result == DEFLATE_HUNGRY, "what is cut off wants more");
}

static void test_fit(void)
{
    struct deflate_packing how = { .format = DEFLATE_GZIP, .level = 6 };
    deflate_fit(&how, 0);
    ok(how.window == 9 && how.memory == 2, "nothing: the least");
    deflate_fit(&how, 512);
    is_uint(how.window, 9, "512 bytes");
    deflate_fit(&how, 513);
    is_uint(how.window, 10, "513 bytes");
    deflate_fit(&how, UINT64_MAX);
    ok(how.window == 15 && how.memory == 8, "no end: the most");
    deflate_fit(&how, 600);
    struct deflate *d = deflate_packer(&how);
    enum deflate_result result;
    const struct str text = material(600);
    const struct str bytes = through(d, text, DEFLATE_FINISH, 50, 50, &result);
    ok(str_eq(unpacked(bytes, DEFLATE_GZIP, 50, 50, none, &result), text), "a small window");
    deflate_free(d);
}

int main(void)
{
    pool_init(&pool, &pool_heap);
    test_round_trips();
    test_slices();
    test_step();
    test_flush();
    test_limits();
    test_members();
    test_broken();
    test_fit();
    pool_free(&pool);
    return done_testing();
}
