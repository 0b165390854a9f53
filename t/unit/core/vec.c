/*
 * Growing arrays: zeroed elements, growth that keeps what there was, bounds.
 * Owns nothing.
 */
#include "core/vec.h"

#include "t/unit/tap.h"

#include <signal.h>
#include <sys/wait.h>

struct item {
    uint64_t number;
    char text[11];
};

static struct pool pool;

static void past_the_end(void)
{
    struct vec v = { .len = 0 };
    vec_add(&pool, &v, struct item);
    vec_at(&v, 1, struct item);
}

static bool dies(void (*run)(void))
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        run();
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGABRT;
}

int main(void)
{
    struct vec v = { .len = 0 };
    unsigned dirty = 0, bad = 0;
    pool_init(&pool, &pool_heap);
    for (unsigned i = 0; i < 1000; i++) {
        struct item *item = vec_add(&pool, &v, struct item);
        dirty += item->number != 0 || item->text[10] != 0;
        *item = (struct item){ i, "0123456789" };
        pool_bytes(&pool, i % 3);
    }
    is_uint(v.len, 1000, "length");
    ok(v.room >= 1000 && v.room < 2000, "room is less than twice of it");
    is_int(dirty, 0, "new elements are zero");
    for (unsigned i = 0; i < 1000; i++)
        bad += vec_at(&v, i, struct item)->number != i ||
               strcmp(vec_at(&v, i, struct item)->text, "0123456789") != 0;
    is_int(bad, 0, "growing keeps what there was");
    ok((uintptr_t)v.at % 16 == 0, "aligned");
    ok(dies(past_the_end), "an index past the end is a broken invariant");
    pool_free(&pool);
    return done_testing();
}
