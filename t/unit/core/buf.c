/*
 * Chains: order, counting, consuming inside and across bufs, marks, moves.
 * Owns a pool a test.
 */
#include "core/buf.c"

#include "t/unit/tap.h"

static struct {
    int calls, sent, order[8];
    struct chain *append_to;
    struct pool *pool;
} seen;

static void passed(struct buf *mark, bool sent)
{
    seen.order[seen.calls++ % 8] = (int)(intptr_t)mark->data;
    seen.sent += sent;
    if (seen.append_to) {
        struct chain *chain = seen.append_to;
        seen.append_to = NULL;
        chain_add(chain, seen.pool, STR("late"));
        chain_add_mark(chain, seen.pool, passed, (void *)9);
    }
}

static void seen_reset(void)
{
    memset(&seen, 0, sizeof(seen));
}

/* Bytes by walking, and whether `end` is where it must be. */
static bool sound(const struct chain *chain)
{
    size_t bytes = 0;
    struct buf *const *link = &chain->first;
    for (; *link; link = &(*link)->next)
        bytes += (*link)->len;
    return bytes == chain->bytes && link == chain->end;
}

static void test_build(struct pool *pool)
{
    struct chain chain;
    char text[] = "copied";
    chain_init(&chain);
    ok(chain_empty(&chain) && sound(&chain), "a new chain is empty");
    chain_add(&chain, pool, STR(""));
    chain_add_copy(&chain, pool, STR_NONE);
    chain_add_file(&chain, pool, 7, 0, 0);
    ok(chain_empty(&chain), "nothing is added for no bytes");
    chain_add_copy(&chain, pool, str_from(text));
    text[0] = 'X';
    is_mem(chain.first->at, chain.first->len, "copied", 6, "a copy is a copy");
    chain_add(&chain, pool, STR("hello"));
    chain_add_file(&chain, pool, 7, 100, 1000);
    is_uint(chain.bytes, 1011, "bytes of memory and file");
    ok(sound(&chain), "links are sound");
    chain_drop(&chain);
    ok(chain_empty(&chain) && chain.bytes == 0 && sound(&chain), "nothing is left after a drop");
}

/* Freed too early it is read below, too late it leaks: a sanitizer sees both. */
static void test_free(void)
{
    struct block {
        struct buf data, mark;
        char text[8];
    } *blocks[2];
    struct chain chain;
    chain_init(&chain);
    for (unsigned i = 0; i < countof(blocks); i++) {
        blocks[i] = malloc(sizeof(*blocks[i]));
        memcpy(blocks[i]->text, "memory", 6);
        blocks[i]->data = (struct buf){ .kind = BUF_MEMORY, .at = blocks[i]->text, .len = 6,
                                        .fd = -1 };
        chain_append(&chain, &blocks[i]->data);
        chain_add_free(&chain, &blocks[i]->mark, blocks[i]);
    }
    chain_consume(&chain, 5, true);
    is_mem(chain.first->at, chain.first->len, "y", 1, "memory stays until its last byte");
    chain_consume(&chain, 1, true);
    ok(chain.first == &blocks[1]->data && sound(&chain), "then it goes, and its bufs with it");
    chain_drop(&chain);
    ok(chain_empty(&chain) && sound(&chain), "and when it is thrown away");
}

static void test_consume(struct pool *pool)
{
    struct chain chain;
    chain_init(&chain);
    chain_add(&chain, pool, STR("0123456789"));
    chain_add_file(&chain, pool, 7, (off_t)1 << 40, (size_t)1 << 33);
    chain_add(&chain, pool, STR("tail"));
    chain_consume(&chain, 0, true);
    is_uint(chain.first->len, 10, "consuming nothing changes nothing");
    chain_consume(&chain, 4, true);
    is_mem(chain.first->at, chain.first->len, "456789", 6, "part of a memory buf");
    chain_consume(&chain, 6 + 5, true);
    ok(chain.first->kind == BUF_FILE && chain.first->off == ((off_t)1 << 40) + 5, "into the file");
    is_uint(chain.first->len, ((size_t)1 << 33) - 5, "what is left of the file");
    ok(sound(&chain), "sound in the middle");
    chain_consume(&chain, ((size_t)1 << 33) - 5 + 3, true);
    is_mem(chain.first->at, chain.first->len, "l", 1, "across a whole file buf");
    chain_consume(&chain, 1, true);
    ok(chain_empty(&chain) && sound(&chain), "all of it");
}

static void test_marks(struct pool *pool)
{
    struct chain chain;
    seen_reset();
    chain_init(&chain);
    chain_add_mark(&chain, pool, passed, (void *)1);
    chain_add(&chain, pool, STR("ab"));
    chain_add_mark(&chain, pool, passed, (void *)2);
    chain_add_mark(&chain, pool, passed, (void *)3);
    chain_add(&chain, pool, STR("cd"));
    chain_add_mark(&chain, pool, passed, (void *)4);
    chain_consume(&chain, 0, true);
    is_int(seen.calls, 1, "a mark at the front needs no bytes");
    chain_consume(&chain, 1, true);
    is_int(seen.calls, 1, "the byte before a mark is missing");
    chain_consume(&chain, 1, true);
    is_int(seen.calls, 3, "marks go with the last byte before them");
    ok(seen.order[0] == 1 && seen.order[1] == 2 && seen.order[2] == 3, "in order");
    chain_drop(&chain);
    is_int(seen.calls, 4, "a dropped mark is called");
    is_int(seen.sent, 3, "and is told that its bytes were not sent");
    chain_add_mark(&chain, pool, passed, (void *)5);
    ok(!chain_empty(&chain) && chain.bytes == 0, "a lone mark is not nothing");
    chain_consume(&chain, 0, true);
    ok(chain_empty(&chain) && seen.sent == 4, "and is passed with no bytes");
    chain_add_mark(&chain, pool, NULL, NULL);
    chain_drop(&chain);
    ok(chain_empty(&chain), "a mark that nobody listens to");
}

/* A mark's callback may append to the chain that is being consumed. */
static void test_mark_appends(struct pool *pool)
{
    struct chain chain;
    seen_reset();
    chain_init(&chain);
    chain_add(&chain, pool, STR("x"));
    chain_add_mark(&chain, pool, passed, (void *)1);
    seen.append_to = &chain;
    seen.pool = pool;
    chain_consume(&chain, 1, true);
    is_uint(chain.bytes, 4, "appended while the last buf went");
    ok(sound(&chain) && seen.calls == 1, "the new mark waits for its bytes");
    seen_reset();
    chain_add_mark(&chain, pool, passed, (void *)1);
    seen.append_to = &chain;
    seen.pool = pool;
    chain_drop(&chain);
    ok(chain_empty(&chain) && sound(&chain), "a drop takes what was appended meanwhile");
    is_int(seen.calls, 3, "every mark was called once");
    is_int(seen.sent, 0, "as thrown away");
}

static void test_move(struct pool *pool)
{
    struct chain a, b;
    chain_init(&a);
    chain_init(&b);
    chain_move(&a, &b);
    ok(chain_empty(&a) && sound(&a) && sound(&b), "nothing to nothing");
    chain_add(&b, pool, STR("one"));
    chain_move(&a, &b);
    ok(a.bytes == 3 && sound(&a), "to an empty chain");
    ok(chain_empty(&b) && b.bytes == 0 && sound(&b), "the other is empty and usable");
    chain_add(&b, pool, STR("two!"));
    chain_add_mark(&b, pool, NULL, NULL);
    chain_move(&a, &b);
    chain_add(&a, pool, STR("3"));
    ok(a.bytes == 8 && sound(&a), "to the end of another");
    chain_move(&a, &b);
    is_uint(a.bytes, 8, "an empty one adds nothing");
    is_mem(a.first->next->at, a.first->next->len, "two!", 4, "order is kept");
    chain_drop(&a);
}

static void consume_more(struct buf *mark, bool sent)
{
    struct chain *chain = mark->data;
    seen.calls++;
    seen.sent += sent;
    if (chain->bytes > 0)
        chain_consume(chain, 1, sent);
}

/* A callback may even consume: it finds the chain behind all that was passed with it. */
static void test_mark_consumes(struct pool *pool)
{
    struct chain chain;
    seen_reset();
    chain_init(&chain);
    chain_add(&chain, pool, STR("ab"));
    chain_add_mark(&chain, pool, consume_more, &chain);
    chain_add(&chain, pool, STR("cdefg"));
    chain_consume(&chain, 4, true);
    is_mem(chain.first->at, chain.first->len, "fg", 2, "one byte more than was asked for");
    ok(sound(&chain) && chain.bytes == 2 && seen.calls == 1, "and none twice");
    chain_drop(&chain);
}

/* Every way to cut a consumption into two gives the same rest. */
static void test_cuts(struct pool *pool)
{
    bool good = true;
    for (size_t first = 0; first <= 12; first++) {
        struct chain chain;
        seen_reset();
        chain_init(&chain);
        for (int i = 1; i <= 4; i++) {
            chain_add(&chain, pool, STR("abc"));
            chain_add_mark(&chain, pool, passed, (void *)(intptr_t)i);
        }
        chain_consume(&chain, first, true);
        good = good && seen.calls == (int)(first / 3) && sound(&chain);
        chain_consume(&chain, 12 - first, true);
        good = good && seen.calls == 4 && chain_empty(&chain);
    }
    ok(good, "consumption can be cut anywhere");
}

/* The leak checker sees whether all is freed. */
static void test_heap(void)
{
    char bytes[] = "hello";
    struct chain chain, other;
    chain_init(&chain);
    chain_init(&other);
    ok(chain_add_heap(&chain, STR("")), "nothing is no matter");
    ok(chain_empty(&chain), "and adds nothing");
    ok(chain_add_heap(&chain, str_of(bytes, 5)) && chain_add_heap(&chain, STR("you")), "added");
    memset(bytes, 'x', sizeof(bytes));
    is_uint(chain.bytes, 8, "with their length");
    is_mem(chain.first->at, chain.first->len, "hello", 5, "a copy");
    chain_consume(&chain, 3, true);
    chain_move(&other, &chain);
    is_mem(other.first->at, other.first->len, "lo", 2, "is consumed in parts, and moved");
    chain_consume(&other, 3, true);
    is_mem(other.first->at, other.first->len, "ou", 2, "the next one");
    chain_drop(&other);
    ok(chain_empty(&other), "dropped");
    ok(!chain_add_heap(&chain, str_of(bytes, SIZE_MAX - 8)), "more than there is");
    ok(chain_empty(&chain), "adds nothing");
}

int main(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    test_build(&pool);
    test_free();
    test_consume(&pool);
    test_marks(&pool);
    test_mark_appends(&pool);
    test_mark_consumes(&pool);
    test_move(&pool);
    test_cuts(&pool);
    test_heap();
    pool_free(&pool);
    return done_testing();
}
