/*
 * Spools: order over memory and file, limits, a file that cannot be had, marks.
 * Owns a pool a test, and files without names in /tmp.
 */
#include "core/spool.c"

#include <signal.h>
#include <sys/resource.h>

#include "t/unit/tap.h"

static const struct temp_path temp = { .path = STR_INIT("/tmp"), .levels = { 0 } };
static const struct temp_path nowhere = { .path = STR_INIT("/tmp/is/not/there"),
                                          .levels = { 0 } };

static int marks, unsent;

static void passed(struct buf *mark, bool sent)
{
    marks++;
    unsent += !sent;
    free(mark->data);
}

/* `n` bytes that tell where they belong, with a mark that frees them. */
static void make(struct chain *chain, struct pool *pool, uint32_t from, size_t n)
{
    char *bytes = malloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((from + i) * 7919 >> 3);
    chain_init(chain);
    chain_add(chain, pool, str_of(bytes, n));
    chain_add_mark(chain, pool, passed, bytes);
}

/* Whether the chain has the bytes from `from` on. */
static bool check(const struct chain *chain, uint32_t from)
{
    for (const struct buf *buf = chain->first; buf; buf = buf->next) {
        for (size_t i = 0; i < buf->len; i++, from++) {
            char c = 0;
            if (buf->kind == BUF_MEMORY)
                c = buf->at[i];
            else if (pread(buf->fd, &c, 1, buf->off + (off_t)i) != 1)
                return false;
            if (c != (char)(from * 7919 >> 3))
                return false;
        }
    }
    return true;
}

static void test_order(unsigned seed, size_t memory, int64_t file)
{
    struct pool pool;
    struct spool spool;
    uint32_t in = 0, out = 0;
    bool good = true, limited = true, filed = false;
    int made = 0;
    marks = unsent = 0;
    pool_init(&pool, &pool_heap);
    spool_init(&spool, &pool, &temp, memory, file);
    for (int i = 0; i < 400; i++) {
        struct chain chain;
        seed = seed * 1103515245 + 12345;
        const size_t n = seed >> 8 & 1023;
        if (seed >> 20 & 1) {
            make(&chain, &pool, in, n);
            made++;
            in += (uint32_t)n;
            const enum spool_result result = spool_put(&spool, &chain);
            good = good && result != SPOOL_ERROR && chain_empty(&chain);
            limited = limited && (result == SPOOL_FULL || spool.memory.bytes < memory
                                  || spool.end < file);
        } else {
            chain_init(&chain);
            spool_take(&spool, n, &chain);
            good = good && chain.bytes <= n && check(&chain, out);
            out += (uint32_t)chain.bytes;
            chain_drop(&chain);
        }
        filed = filed || spool.filed;
        good = good && spool_bytes(&spool) == in - out && spool_empty(&spool) == (in == out
               && chain_empty(&spool.memory));
    }
    while (!spool_empty(&spool)) {
        struct chain chain;
        chain_init(&chain);
        spool_take(&spool, 100, &chain);
        good = good && check(&chain, out);
        out += (uint32_t)chain.bytes;
        chain_drop(&chain);
    }
    ok(good && in == out, "%u bytes pass in order (memory %zu, file %lld)", in, memory,
       (long long)file);
    ok(limited, "full is said at the limits");
    ok(file == 0 ? !filed : true, "a file is used only where there may be one");
    is_int(marks, made, "each mark is called once");
    pool_free(&pool);
}

static void test_limits(void)
{
    struct pool pool;
    struct spool spool;
    struct chain chain;
    pool_init(&pool, &pool_heap);
    spool_init(&spool, &pool, &temp, 100, 200);
    make(&chain, &pool, 0, 60);
    is_int(spool_put(&spool, &chain), SPOOL_OK, "60 bytes fit in a memory of 100");
    make(&chain, &pool, 60, 60);
    is_int(spool_put(&spool, &chain), SPOOL_OK, "60 more go to the file");
    ok(spool.filed && spool.memory.bytes == 60 && spool.end == 60, "and only these");
    make(&chain, &pool, 120, 150);
    is_int(spool_put(&spool, &chain), SPOOL_FULL, "150 more are taken, but are the last");
    chain_init(&chain);
    spool_take(&spool, 1000, &chain);
    is_uint(chain.bytes, 60, "memory comes first");
    chain_drop(&chain);
    spool_take(&spool, 1000, &chain);
    is_uint(chain.bytes, 210, "then what is in the file");
    ok(check(&chain, 60), "as it was put");
    chain_drop(&chain);
    make(&chain, &pool, 270, 50);
    is_int(spool_put(&spool, &chain), SPOOL_OK, "an empty file makes room in memory again");
    ok(spool.memory.bytes == 50 && spool.end == 210, "the file is not written again");
    spool_drop(&spool);
    ok(spool_empty(&spool), "what is dropped is gone");
    pool_free(&pool);
}

static void test_no_file(void)
{
    struct pool pool;
    struct spool spool;
    struct chain chain;
    pool_init(&pool, &pool_heap);
    spool_init(&spool, &pool, &nowhere, 100, 1000);
    make(&chain, &pool, 0, 90);
    is_int(spool_put(&spool, &chain), SPOOL_OK, "memory needs no folder");
    make(&chain, &pool, 90, 90);
    is_int(spool_put(&spool, &chain), SPOOL_ERROR, "a file does");
    ok(chain_empty(&chain), "the bytes are taken all the same");
    make(&chain, &pool, 180, 90);
    is_int(spool_put(&spool, &chain), SPOOL_FULL, "and it goes on without one");
    chain_init(&chain);
    spool_take(&spool, 270, &chain);
    ok(chain.bytes == 270 && check(&chain, 0), "nothing is lost");
    chain_drop(&chain);
    pool_free(&pool);
}

/* A disk that is full in the middle of a piece, with others before it in memory and file. */
static void test_full_disk(void)
{
    const struct rlimit limit = { 250, RLIM_INFINITY };
    struct pool pool;
    struct spool spool;
    struct chain chain;
    struct rlimit before;
    uint32_t out = 0;
    bool good = true;
    marks = unsent = 0;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    pool_init(&pool, &pool_heap);
    spool_init(&spool, &pool, &temp, 100, 10000);
    for (uint32_t i = 0; i < 6; i++) {
        make(&chain, &pool, i * 100, 100);
        const enum spool_result result = spool_put(&spool, &chain);
        is_int(result, i < 3 ? SPOOL_OK : i == 3 ? SPOOL_ERROR : SPOOL_FULL, "piece %u", i);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    is_uint(spool_bytes(&spool), 600, "all of it is there");
    while (!spool_empty(&spool)) {
        chain_init(&chain);
        spool_take(&spool, 70, &chain);
        good = good && check(&chain, out);
        out += (uint32_t)chain.bytes;
        chain_drop(&chain);
    }
    ok(good && out == 600, "once, and in order");
    is_int(marks, 6, "each mark is called once");
    pool_free(&pool);
}

int main(void)
{
    static const struct {
        size_t memory;
        int64_t file;
    } limits[] = { { 0, 0 }, { 4096, 0 }, { 0, 1 << 20 }, { 2000, 1 << 20 }, { 2000, 5000 } };
    pool_reserve_init();
    for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        for (unsigned seed = 1; seed <= 3; seed++)
            test_order(seed * 7 + i, limits[i].memory, limits[i].file);
    test_limits();
    test_no_file();
    test_full_disk();
    return done_testing();
}
