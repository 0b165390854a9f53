/*
 * Lists: order, leaving from anywhere, walking while members leave, joining two.
 * Owns nothing.
 */
#include "core/list.h"

#include "t/unit/tap.h"

#include <signal.h>
#include <sys/wait.h>

struct item {
    char name;
    struct list_link link;
};

static struct list list;
static struct item items[6];

static struct item *item_of(struct list_link *link)
{
    return container_of(link, struct item, link);
}

/* Forwards, then backwards. */
static const char *names(const struct list *of)
{
    static char text[32];
    size_t n = 0;
    list_each(of, link)
        text[n++] = item_of(link)->name;
    text[n++] = ' ';
    for (const struct list_link *link = of->end.prev; link != &of->end; link = link->prev)
        text[n++] = container_of(link, const struct item, link)->name;
    text[n] = '\0';
    return text;
}

static void fresh(void)
{
    list_init(&list);
    for (unsigned i = 0; i < countof(items); i++)
        items[i] = (struct item){ .name = (char)('a' + i) };
}

static void join_twice(void)
{
    list_push(&list, &items[0].link);
    list_push(&list, &items[0].link);
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

static void test_order(void)
{
    fresh();
    ok(list_empty(&list) && !list_first(&list) && !list_last(&list) && !list_pop(&list),
       "an empty list has nothing");
    ok(!list_linked(&items[0].link), "a new link is in none");
    list_push(&list, &items[0].link);
    ok(list_first(&list) == list_last(&list) && list_linked(&items[0].link), "one is both ends");
    ok(list_next(&list, &items[0].link) == NULL, "and has no next");
    list_push(&list, &items[1].link);
    list_push_front(&list, &items[2].link);
    list_insert_before(&items[1].link, &items[3].link);
    is_str(names(&list), "cadb bdac", "at the end, in front, between");
    ok(list_next(&list, &items[2].link) == &items[0].link, "the next");
}

static void test_leaving(void)
{
    fresh();
    for (unsigned i = 0; i < countof(items); i++)
        list_push(&list, &items[i].link);
    list_remove(&items[2].link);
    list_remove(&items[0].link);
    list_remove(&items[5].link);
    is_str(names(&list), "bde edb", "from the middle and both ends");
    list_remove(&items[2].link);
    is_str(names(&list), "bde edb", "twice is harmless");
    ok(!list_linked(&items[2].link), "who left is in none");
    list_push(&list, &items[2].link);
    is_str(names(&list), "bdec cedb", "and may come back");
    ok(item_of(list_pop(&list))->name == 'b', "pop takes the first");
    list_each(&list, link)
        if (item_of(link)->name != 'e') {
            struct item *item = item_of(link);
            list_remove(link);
            memset(item, 0xee, sizeof(*item));
        }
    is_str(names(&list), "e e", "walking while members leave");
    list_remove(list_first(&list));
    ok(list_empty(&list), "empty again");
}

static void test_append(void)
{
    struct list other;
    fresh();
    list_init(&other);
    list_append(&list, &other);
    ok(list_empty(&list), "nothing to nothing");
    list_push(&other, &items[2].link);
    list_push(&other, &items[3].link);
    list_append(&list, &other);
    is_str(names(&list), "cd dc", "to nothing");
    ok(list_empty(&other), "the other is empty then");
    list_append(&list, &other);
    is_str(names(&list), "cd dc", "nothing to some");
    list_push(&other, &items[0].link);
    list_append(&list, &other);
    is_str(names(&list), "cda adc", "some to some");
    list_remove(&items[0].link);
    is_str(names(&list), "cd dc", "who moved leaves the right list");
}

int main(void)
{
    test_order();
    test_leaving();
    test_append();
    fresh();
    ok(dies(join_twice), "joining twice is a broken invariant");
    return done_testing();
}
