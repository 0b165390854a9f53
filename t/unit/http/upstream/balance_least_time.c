/*
 * The least time for the requests and the weight.  Owns nothing.
 */
#include "http/upstream/balance_least_time.c"

#include "t/unit/http/upstream/fixture.h"

static struct group *open_with(struct fixture *f, struct least_conf *conf, unsigned count)
{
    fixture_open(f);
    struct group *group = fixture_group(f, "least_time", &balance_least_time);
    group->balancing = conf;
    fixture_servers(f, group, count);
    fixture_start(f);
    return group;
}

static void measure(struct fixture *f, struct group *group, unsigned server, int64_t header,
                    int64_t all)
{
    struct pick p;
    do {
        fixture_pick(f, group, &p);
        while (pick_next(&p) == PICKED && p.server != &group->servers[server])
            pick_done(&p, OUTCOME_NOTHING, -1, -1);
    } while (!p.peer);
    pick_done(&p, OUTCOME_GOOD, header, all);
}

static unsigned pick_one(struct fixture *f, struct group *group, struct pick *p)
{
    fixture_pick(f, group, p);
    ASSERT(pick_next(p) == PICKED);
    return (unsigned)(p->server - group->servers);
}

static void test_kinds(void)
{
    struct least_conf conf = { TIME_HEADER, false };
    struct fixture f;
    struct pick p[6];
    struct group *group = open_with(&f, &conf, 2);
    measure(&f, group, 0, 10, 100);
    measure(&f, group, 1, 30, 40);
    is_uint(pick_one(&f, group, &p[0]), 0, "10 against 30");
    is_uint(pick_one(&f, group, &p[1]), 0, "20 against 30");
    is_uint(pick_one(&f, group, &p[2]) + pick_one(&f, group, &p[3]), 1, "30 against 30: in turn");
    for (unsigned i = 0; i < 4; i++)
        pick_done(&p[i], OUTCOME_NOTHING, -1, -1);
    conf.kind = TIME_LAST_BYTE;
    is_uint(pick_one(&f, group, &p[0]), 1, "100 against 40");
    is_uint(pick_one(&f, group, &p[1]), 1, "100 against 80");
    is_uint(pick_one(&f, group, &p[2]), 0, "100 against 120");
    for (unsigned i = 0; i < 3; i++)
        pick_done(&p[i], OUTCOME_NOTHING, -1, -1);
    fixture_close(&f);
}

/* One that was never measured is tried, but not by all at once. */
static void test_unknown(void)
{
    struct least_conf conf = { TIME_HEADER, false };
    struct fixture f;
    struct pick p[10];
    unsigned counts[3] = { 0 };
    struct group *group = open_with(&f, &conf, 3);
    measure(&f, group, 0, 10, 10);
    measure(&f, group, 1, 40, 40);
    for (unsigned i = 0; i < 9; i++)
        counts[pick_one(&f, group, &p[i])]++;
    is_uint(counts[0], 4, "as many as the best one");
    is_uint(counts[1], 1, "fewer of the slow one");
    is_uint(counts[2], 4, "the unknown one");
    for (unsigned i = 0; i < 9; i++)
        pick_done(&p[i], OUTCOME_NOTHING, -1, -1);
    fixture_close(&f);
}

static void test_inflight(void)
{
    struct least_conf conf = { TIME_HEADER, true };
    struct fixture f;
    struct pick a, b, c;
    struct group *group = open_with(&f, &conf, 2);
    measure(&f, group, 0, 10, 10);
    measure(&f, group, 1, 50, 50);
    is_uint(pick_one(&f, group, &a), 0, "the fast one");
    f.worker.loop.now += 5;
    is_uint(pick_one(&f, group, &b), 0, "as long as it answers");
    pick_done(&b, OUTCOME_NOTHING, -1, -1);
    f.worker.loop.now += 1000;
    is_uint(pick_one(&f, group, &b), 1, "one that hangs is not fast");
    conf.inflight = false;
    is_uint(pick_one(&f, group, &c), 0, "unless that does not count");
    pick_done(&a, OUTCOME_NOTHING, -1, -1);
    pick_done(&b, OUTCOME_NOTHING, -1, -1);
    pick_done(&c, OUTCOME_NOTHING, -1, -1);
    fixture_close(&f);
}

static void test_forgets(void)
{
    struct least_conf conf = { TIME_HEADER, false };
    struct fixture f;
    struct pick p;
    struct group *group = open_with(&f, &conf, 2);
    measure(&f, group, 0, 1000, 1000);
    measure(&f, group, 1, 100, 100);
    is_uint(pick_one(&f, group, &p), 1, "one was slow once");
    pick_done(&p, OUTCOME_GOOD, 100, 100);
    group->servers[1].down = true;
    for (unsigned i = 0; i < 50; i++)
        measure(&f, group, 0, 10, 10);
    group->servers[1].down = false;
    is_uint(pick_one(&f, group, &p), 0, "that is forgotten");
    pick_done(&p, OUTCOME_GOOD, 10, 10);
    fixture_close(&f);
}

int main(void)
{
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    test_kinds();
    test_unknown();
    test_inflight();
    test_forgets();
    return done_testing();
}
