/*
 * Bodies of gzip: members, how they are cut, what is broken or cut off, and the limits.
 * Owns the buffers of the cases.
 */
#include "http/gunzip.c"

#include "t/unit/tap.h"

enum { BLOCK = 4096 };

static struct pool pool;

static struct str pack(struct str text)
{
    const struct deflate_packing how = { .format = DEFLATE_GZIP, .level = 6 };
    struct deflate *d = deflate_packer(&how);
    struct fmt out;
    enum deflate_result result;
    fmt_init_pool(&out, &pool, 1 << 16, 1 << 24);
    do {
        ASSERT(fmt_need(&out, 1 << 16));
        result = deflate_run(d, &text, DEFLATE_FINISH, &out);
    } while (result == DEFLATE_GO_ON);
    deflate_free(d);
    return fmt_done(&out);
}

/* Bytes, NULs included. */
static struct str both(struct str a, struct str b)
{
    struct fmt f;
    fmt_init_pool(&f, &pool, a.len + b.len + 1, 1 << 24);
    fmt_str(&f, a);
    fmt_str(&f, b);
    return fmt_done(&f);
}

/* `slice` bytes a call into small blocks; what came out in *text (when it is not NULL). */
static enum deflate_result unpack(struct str in, size_t slice, struct fmt *text, uint64_t *made)
{
    struct gunzip *g = gunzip_new();
    enum deflate_result result;
    char room[BLOCK];
    *made = 0;
    do {
        struct fmt out;
        struct str some;
        const size_t n = size_min(slice, in.len);
        ASSERT(str_sub(in, 0, n, &some));
        fmt_init(&out, room, sizeof(room));
        result = gunzip_run(g, &some, n == in.len ? DEFLATE_FINISH : DEFLATE_MORE, &out);
        ASSERT(str_from_off(in, n - some.len, &in));
        *made += out.len;
        if (text)
            fmt_str(text, fmt_done(&out));
    } while (result == DEFLATE_GO_ON || (result == DEFLATE_HUNGRY && in.len));
    gunzip_free(g);
    return result;
}

static void check(struct str in, enum deflate_result want, struct str text, const char *what)
{
    static const size_t slices[] = { SIZE_MAX, 1000, 7, 1 };
    for (unsigned i = 0; i < countof(slices); i++) {
        struct fmt out;
        uint64_t made;
        fmt_init_pool(&out, &pool, 1024, 1 << 24);
        is_int(unpack(in, slices[i], &out, &made), want, "%s in slices of %zu", what, slices[i]);
        const struct str got = fmt_done(&out);
        if (want == DEFLATE_END)
            is_mem(got.at, got.len, text.at, text.len, "%s: the text", what);
    }
}

static void members(void)
{
    const struct str a = pack(STR("first ")), b = pack(STR("second")), none = pack(STR(""));
    check(a, DEFLATE_END, STR("first "), "one member");
    check(both(a, b), DEFLATE_END, STR("first second"), "two");
    check(both(both(a, none), both(none, b)), DEFLATE_END, STR("first second"), "empty ones");
    check(STR(""), DEFLATE_END, STR(""), "nothing at all");
    check(both(a, STR("x")), DEFLATE_BROKEN, STR(""), "something behind");
    check(STR("plain text"), DEFLATE_BROKEN, STR(""), "no gzip");
}

static void cut_off(void)
{
    const struct str whole = both(pack(STR("the first one")), pack(STR("and the second")));
    const size_t first = pack(STR("the first one")).len;
    unsigned wrong = 0;
    for (size_t n = 1; n < whole.len; n++) {
        struct str part;
        uint64_t made;
        ASSERT(str_sub(whole, 0, n, &part));
        wrong += unpack(part, SIZE_MAX, NULL, &made) != (n == first ? DEFLATE_END
                                                                     : DEFLATE_BROKEN);
    }
    is_uint(wrong, 0, "wherever it is cut off but between members, it is broken");
}

/* 1 MiB of one byte many times over: 1000 to 1, each member alone and all together. */
static void limits(void)
{
    struct str bomb = pack(str_of(pool_alloc(&pool, 1 << 20), 1 << 20));
    uint64_t made;
    is_int(unpack(bomb, SIZE_MAX, NULL, &made), DEFLATE_END, "a little of it is let through");
    is_uint(made, 1 << 20, "whole");
    for (int i = 0; i < 5; i++)
        bomb = both(bomb, bomb);
    is_int(unpack(bomb, SIZE_MAX, NULL, &made), DEFLATE_TOO_MUCH, "much of it is not");
    ok(made > GUNZIP_FREE && made <= GUNZIP_FREE + BLOCK, "it ends where it is seen");
    char noise[60000];
    uint32_t n = 1;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)((n = n * 1664525u + 1013904223u) >> 24);
    is_int(unpack(both(pack(str_of(noise, sizeof(noise))), bomb), SIZE_MAX, NULL, &made),
           DEFLATE_END, "the ratio is that of all");
    is_uint(made, (32 << 20) + sizeof(noise), "and all of it comes out");
    const struct gunzip huge = { .taken = GUNZIP_MOST, .given = GUNZIP_MOST + 1 };
    ok(too_much(&huge), "more than the most is too much at any ratio");
    const struct gunzip large = { .taken = GUNZIP_MOST, .given = GUNZIP_MOST };
    ok(!too_much(&large), "the most is not");
}

int main(void)
{
    pool_reserve_init();
    pool_init(&pool, &pool_heap);
    members();
    cut_off();
    limits();
    pool_free(&pool);
    return done_testing();
}
