/*
 * The fewest requests for the weight; ties take turns.  Owns nothing.
 */
#include "http/upstream/balance_least_conn.c"

#include "t/unit/http/upstream/fixture.h"

enum { REQUESTS = 40 };

static struct group *open_with(struct fixture *f, const int64_t *weights, unsigned count)
{
    fixture_open(f);
    struct group *group = fixture_group(f, "least", &balance_least_conn);
    fixture_servers(f, group, count);
    for (unsigned i = 0; i < count; i++)
        group->servers[i].weight = weights[i];
    fixture_start(f);
    return group;
}

static void test_turns(void)
{
    struct fixture f;
    char text[64];
    struct fmt got;
    struct group *group = open_with(&f, (const int64_t[]){ 5, 1, 1 }, 3);
    fmt_init(&got, text, sizeof(text));
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct pick p;
        fixture_pick(&f, group, &p);
        fixture_request(&p, &got);
    }
    is_str(fmt_done(&got).at, "!!\"!#!!!!\"!#!!!!\"!#!!!!\"!#!!!!\"!#!!!!\"!#",
           "one after the other they take turns");
    fixture_close(&f);
}

static void test_fewest(void)
{
    struct fixture f;
    struct pick p[70];
    unsigned counts[3] = { 0 };
    struct group *group = open_with(&f, (const int64_t[]){ 5, 1, 1 }, 3);
    for (unsigned i = 0; i < 70; i++) {
        fixture_pick(&f, group, &p[i]);
        ASSERT(pick_next(&p[i]) == PICKED);
        counts[p[i].server - group->servers]++;
    }
    is_uint(counts[0], 50, "at a time: by the weights");
    is_uint(counts[1], 10, "the second");
    is_uint(counts[2], 10, "the third");
    const struct peer *second = NULL;
    for (unsigned i = 0; i < 70; i++)
        if (p[i].server == &group->servers[1]) {
            second = p[i].peer;
            pick_done(&p[i], OUTCOME_GOOD, -1, -1);
        }
    for (unsigned i = 0, n = 0; i < 70; i++) {
        if (p[i].peer)
            continue;
        fixture_pick(&f, group, &p[i]);
        ASSERT(pick_next(&p[i]) == PICKED);
        ok(p[i].peer == second, "the one that has none gets the next: %u", ++n);
    }
    for (unsigned i = 0; i < 70; i++)
        pick_done(&p[i], OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

static void test_none(void)
{
    struct fixture f;
    struct pick p;
    struct group *group = open_with(&f, (const int64_t[]){ 1, 1 }, 2);
    group->servers[0].down = true;
    group->servers[1].backup = true;
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "a backup");
    ok(p.server->backup, "is asked when no other is left");
    pick_done(&p, OUTCOME_FAILED, -1, -1);
    is_int(pick_next(&p), PICK_NONE, "nothing is left");
    fixture_close(&f);
}

int main(void)
{
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    test_turns();
    test_fewest();
    test_none();
    return done_testing();
}
