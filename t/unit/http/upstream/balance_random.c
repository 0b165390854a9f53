/*
 * What is drawn follows the weights; of two the better one is chosen.  Owns nothing.
 */
#include "http/upstream/balance_random.c"

#include "t/unit/http/upstream/fixture.h"

enum { DRAWS = 20000 };

static struct group *open_with(struct fixture *f, struct random_conf *conf, unsigned count)
{
    fixture_open(f);
    struct group *group = fixture_group(f, "random", &balance_random);
    group->balancing = conf;
    fixture_servers(f, group, count);
    fixture_start(f);
    return group;
}

static void draw_all(struct fixture *f, struct group *group, unsigned *counts)
{
    for (unsigned i = 0; i < DRAWS; i++) {
        struct pick p;
        fixture_pick(f, group, &p);
        ASSERT(pick_next(&p) == PICKED);
        counts[p.server - group->servers]++;
        pick_done(&p, OUTCOME_GOOD, -1, -1);
    }
}

/* Ten times the standard deviation: that never fails by chance. */
static void near(unsigned got, unsigned parts, unsigned of, const char *what)
{
    const double want = (double)DRAWS * parts / of, room = 10 * 71;
    ok(got > want - room && got < want + room, "%s: %u of %u", what, got, DRAWS);
}

static void test_weights(void)
{
    struct random_conf conf = { METHOD_ONE };
    struct fixture f;
    unsigned counts[4] = { 0 };
    struct group *group = open_with(&f, &conf, 4);
    group->servers[1].weight = 2;
    group->servers[2].weight = 5;
    group->servers[3].down = true;
    draw_all(&f, group, counts);
    near(counts[0], 1, 8, "weight 1");
    near(counts[1], 2, 8, "weight 2");
    near(counts[2], 5, 8, "weight 5");
    is_uint(counts[3], 0, "one that is down");
    fixture_close(&f);
}

static void test_all_once(void)
{
    struct random_conf conf = { METHOD_ONE };
    struct fixture f;
    struct pick p;
    unsigned seen = 0;
    struct group *group = open_with(&f, &conf, 5);
    fixture_pick(&f, group, &p);
    for (unsigned i = 0; i < 5; i++) {
        ASSERT(pick_next(&p) == PICKED);
        seen |= 1U << (p.server - group->servers);
        pick_done(&p, OUTCOME_FAILED, -1, -1);
    }
    is_uint(seen, 31, "each once");
    is_int(pick_next(&p), PICK_NONE, "and then none");
    fixture_close(&f);
}

static void test_two(void)
{
    struct random_conf conf = { METHOD_CONN };
    struct fixture f;
    struct pick busy[2];
    unsigned counts[3] = { 0 };
    struct group *group = open_with(&f, &conf, 3);
    group->servers[1].down = group->servers[2].down = true;
    for (unsigned i = 0; i < 2; i++) {
        fixture_pick(&f, group, &busy[i]);
        is_int(pick_next(&busy[i]), PICKED, "the first is busy");
    }
    group->servers[1].down = group->servers[2].down = false;
    draw_all(&f, group, counts);
    is_uint(counts[0], 0, "the worst of three is never the better of two");
    near(counts[1], 1, 2, "the second");
    near(counts[2], 1, 2, "the third");
    pick_done(&busy[0], OUTCOME_GOOD, 500, 500);
    pick_done(&busy[1], OUTCOME_GOOD, 500, 500);
    conf.method = METHOD_HEADER;
    memset(counts, 0, sizeof(counts));
    draw_all(&f, group, counts);
    is_uint(counts[0], 0, "neither is the slowest");
    fixture_close(&f);
}

int main(void)
{
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    test_weights();
    test_all_once();
    test_two();
    return done_testing();
}
