/*
 * The order of the round robin, as nginx has it.  Owns nothing.
 */
#include "http/upstream/balance_round_robin.c"

#include "t/unit/http/upstream/fixture.h"

struct line {
    const char *address;
    int64_t weight, max_fails, fail_timeout;
    bool backup, down;
};

static void check(const char *name, const struct line *lines, unsigned count, unsigned requests,
                  const char *want)
{
    struct fixture f;
    char text[256];
    struct fmt got;
    fixture_open(&f);
    struct group *group = fixture_group(&f, name, &balance_round_robin);
    for (unsigned i = 0; i < count; i++) {
        struct group_server *s = fixture_server(&f, group, lines[i].address);
        s->weight = lines[i].weight;
        s->max_fails = lines[i].max_fails;
        s->fail_timeout = lines[i].fail_timeout;
        s->backup = lines[i].backup;
        s->down = lines[i].down;
    }
    fixture_start(&f);
    fmt_init(&got, text, sizeof(text));
    for (unsigned i = 0; i < requests; i++) {
        struct pick p;
        fixture_pick(&f, group, &p);
        fixture_request(&p, &got);
    }
    is_str(fmt_done(&got).at, want, "%s", name);
    fixture_close(&f);
}

#define GOOD(n, weight) { "127.0.0.1:2100" #n, weight, 1, 10000, false, false }

static void test_weights(void)
{
    static const struct line a[] = { GOOD(0, 5), GOOD(1, 1), GOOD(2, 1) };
    static const struct line b[] = { GOOD(0, 3), GOOD(1, 2) };
    static const struct line twice[] = { GOOD(0, 2), GOOD(1, 1), GOOD(0, 1) };
    static const struct line one[] = { { "127.0.0.1:1", 1, 1, 10000, false, false } };
    static const struct line down[] = { GOOD(0, 3), { "127.0.0.1:21001", 9, 1, 1, false, true },
                                        GOOD(2, 1) };
    check("weights 5 1 1", a, countof(a), 40, "!!\"!#!!!!\"!#!!!!\"!#!!!!\"!#!!!!\"!#!!!!\"!#");
    check("weights 3 2", b, countof(b), 20, "!\"!\"!!\"!\"!!\"!\"!!\"!\"!");
    check("the same address twice", twice, countof(twice), 13, "!\"!!!\"!!!\"!!!");
    check("a single one never goes", one, countof(one), 3, "! ! ! ");
    check("one that is down", down, countof(down), 8, "!!#!!!#!");
}

static void test_failures(void)
{
    static const struct line three[] = {
        GOOD(0, 5), { "127.0.0.1:2", 3, 3, 1000000, false, false }, GOOD(2, 2),
    };
    static const struct line always[] = {
        GOOD(0, 5), { "127.0.0.1:2", 4, 0, 10000, false, false }, GOOD(2, 2),
    };
    static const struct line heavy[] = {
        GOOD(0, 5), { "127.0.0.1:2", 9, 2, 2000, false, false }, GOOD(2, 2),
    };
    static const struct line dead[] = {
        { "127.0.0.1:1", 1, 1, 10000, false, false }, { "127.0.0.1:2", 1, 1, 10000, false, false },
    };
    check("three failures", three, countof(three), 40,
          "!\"#!!#\"!!!\"#!!!#!!#!!!#!!#!!!#!!#!!!#!!#!!!");
    check("failures that nobody counts", always, countof(always), 40,
          "!\"#!\"!#!\"!!#!\"!!\"#!\"!#!\"!!#\"!!\"!#!!\"#!\"!!#\"!!#\"!!\"!!#!");
    check("two failures of a heavy one", heavy, countof(heavy), 40,
          "\"!!#\"!!!!#!!#!!!#!!#!!!#!!#!!!#!!#!!!#!!#!");
    check("all dead: there is none", dead, countof(dead), 3, "!\"   ");
}

static void test_backups(void)
{
    static const struct line lines[] = {
        { "127.0.0.1:1", 1, 1, 10000, false, false },
        { "127.0.0.1:21001", 1, 1, 10000, true, false },
        { "127.0.0.1:21002", 3, 1, 10000, true, false },
        { "127.0.0.1:4", 1, 1, 10000, false, false },
    };
    check("backups", lines, countof(lines), 40,
          "!$#\"###\"###\"###\"###\"###\"###\"###\"###\"###\"##");
}

int main(void)
{
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    test_weights();
    test_failures();
    test_backups();
    return done_testing();
}
