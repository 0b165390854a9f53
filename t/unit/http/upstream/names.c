/*
 * Names that are looked up at run time: one asks for all, and answers reach every list.
 * Owns nothing.
 */
#include "http/upstream/names.c"

#include "t/unit/http/upstream/fixture.h"

static struct peer_name *name_in(const struct fixture *f)
{
    const struct peers_zone *z = zone_data(f->groups.first->zone);
    return z->groups ? z->groups->names : NULL;
}

static void close_all(struct fixture *f)
{
    resolver_free_all(&f->worker.resolvers);
    fixture_close(f);
}

static void test_found(void)
{
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "found", &balance_round_robin);
    fixture_server(&f, group, "localhost:8123");
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_BUSY, "nobody has asked yet");
    for (unsigned i = 0; i < 500 && !name_in(&f)->settled; i++)
        loop_turn(&f.worker.loop, 100);
    ok(name_in(&f)->count > 0, "there is an address");
    is_int(pick_next(&p), PICKED, "which is picked");
    is_uint(inet_port(&p.address), 8123, "with its port");
    ok(name_in(&f)->ask_at > f.worker.loop.now, "it is asked for again, but not now");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    close_all(&f);
}

/* Nobody listens there. */
static void test_failed(void)
{
    static struct inet_address nobody;
    struct resolver_conf conf = { .servers = &nobody, .nservers = 1, .ipv4 = true,
                                  .text = STR_INIT("nobody") };
    struct resolved at[1] = { 0 };
    struct fixture f;
    struct pick p;
    struct group_state *state;
    ASSERT(inet_parse(STR("127.0.0.1:1"), 0, &nobody));
    fixture_open(&f);
    struct group *group = fixture_group(&f, "failed", &balance_round_robin);
    fixture_server(&f, group, "name.invalid:80");
    group->resolver = &conf;
    group->resolver_timeout = 200;
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_BUSY, "nobody has asked yet");
    for (unsigned i = 0; i < 500 && !name_in(&f)->settled; i++)
        loop_turn(&f.worker.loop, 100);
    is_int(pick_next(&p), PICK_NONE, "that failed");
    ok(name_in(&f)->ask_at > f.worker.loop.now, "later");
    /* What is known stays when asking fails. */
    ASSERT(inet_parse(STR("10.0.0.1:80"), 0, &at[0].address));
    const struct question *q = &peers_local(&f.local)->names->at[0];
    zone_lock(group->zone);
    struct peer_name *name = name_of(q, &state);
    ok(peers_answer(zone_data(group->zone), state, name, at, 1), "an answer");
    name->ask_at = 0;
    name->settled = false;
    zone_unlock(group->zone);
    names_hurry(peers_local(&f.local), group);
    for (unsigned i = 0; i < 500 && !name_in(&f)->settled; i++)
        loop_turn(&f.worker.loop, 100);
    is_uint(pick_members(&p), 1, "the last address stays");
    close_all(&f);
}

static void test_one_asks(void)
{
    struct fixture f;
    struct local other;
    void *state[1];
    fixture_open(&f);
    struct group *group = fixture_group(&f, "one", &balance_round_robin);
    fixture_server(&f, group, "localhost:80");
    fixture_start(&f);
    fixture_local(&f, &other, state, 2);
    struct question *ours = &peers_local(&f.local)->names->at[0];
    struct question *theirs = &peers_local(&other)->names->at[0];
    ok(claim(ours, 1000), "whoever comes first asks");
    is_int(ours->due, 1000 + 1000 + MARGIN_MSEC, "until the answer should be there");
    ok(!claim(theirs, 1001), "and nobody else");
    is_int(theirs->due, 1000 + 1000 + MARGIN_MSEC, "who looks again then");
    ok(claim(theirs, theirs->due), "when there was no answer, the next one asks");
    group->resolver_timeout = INT64_MAX;
    ok(claim(ours, 100000) && ours->due == 100000 + MOST_MSEC, "nobody is trusted for ever");
    is_int(name_in(&f)->ask_at, 100000 + DAY_MSEC + MARGIN_MSEC, "but for a day");
    peers_release(&other);
    close_all(&f);
}

/* The generation of who asks goes: the next one need not wait for the answer. */
static void test_given_back(void)
{
    static struct inet_address nobody;
    struct resolver_conf conf = { .servers = &nobody, .nservers = 1, .ipv4 = true,
                                  .text = STR_INIT("silent") };
    struct fixture f;
    struct local other;
    void *state[1];
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(nobody.v4);
    ASSERT(inet_parse_host(STR("127.0.0.1"), 0, &nobody) && bind(fd, &nobody.any, nobody.len) == 0
           && getsockname(fd, &nobody.any, &len) == 0);
    fixture_open(&f);
    struct group *group = fixture_group(&f, "back", &balance_round_robin);
    fixture_server(&f, group, "name.invalid:80");
    group->resolver = &conf;
    fixture_start(&f);
    fixture_local(&f, &other, state, 2);
    const int64_t now = f.worker.loop.now;
    struct question *theirs = &peers_local(&other)->names->at[0];
    fire(&peers_local(&f.local)->names->timer);
    ok(peers_local(&f.local)->names->at[0].asking, "one asks");
    ok(!claim(theirs, now), "and nobody else");
    peers_release(&f.local);
    ok(claim(theirs, now), "now the next one does");
    peers_release(&other);
    close_all(&f);
    close(fd);
}

/* Many names: few are asked at a time, and the others are not looked at before their time. */
static void test_many(void)
{
    static struct inet_address nobody;
    struct resolver_conf conf = { .servers = &nobody, .nservers = 1, .ipv4 = true,
                                  .text = STR_INIT("many") };
    struct fixture f;
    char text[32];
    unsigned asking = 0;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(nobody.v4);
    ASSERT(inet_parse_host(STR("127.0.0.1"), 0, &nobody) && bind(fd, &nobody.any, nobody.len) == 0
           && getsockname(fd, &nobody.any, &len) == 0);
    fixture_open(&f);
    struct group *group = fixture_group(&f, "many", &balance_round_robin);
    for (unsigned i = 0; i < FIXTURE_SERVERS; i++) {
        snprintf(text, sizeof(text), "n%u.invalid:80", i);
        fixture_server(&f, group, text);
    }
    group->resolver = &conf;
    group->resolver_timeout = 1;
    fixture_start(&f);
    struct names_local *names = peers_local(&f.local)->names;
    fire(&names->timer);
    for (unsigned i = 0; i < names->count; i++)
        asking += names->at[i].asking;
    is_uint(asking, ASKING_MOST, "not all at once");
    is_uint(names->asking, ASKING_MOST, "they are counted");
    for (unsigned i = 0; i < 5000 && names->at[FIXTURE_SERVERS - 1].due == 0; i++)
        loop_turn(&f.worker.loop, 10);
    ok(names->at[FIXTURE_SERVERS - 1].due > 0, "the others come after them");
    while (names->asking)
        loop_turn(&f.worker.loop, 10);
    names_hurry(peers_local(&f.local), group);
    is_int(names->at[0].due, 0, "whoever waits has them looked at");
    close_all(&f);
    close(fd);
}

/* A generation that is not the current one asks for nothing. */
static void test_states(void)
{
    struct fixture f;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "states", &balance_round_robin);
    fixture_server(&f, group, "localhost:80");
    fixture_start(&f);
    struct names_local *names = peers_local(&f.local)->names;
    f.local.state = LOCAL_PREPARED;
    fire(&names->timer);
    ok(!names->at[0].asking && names->timer.set, "not before it is the current one");
    timer_cancel(&f.worker.loop, &names->timer);
    f.local.state = LOCAL_RETIRED;
    fire(&names->timer);
    ok(!names->at[0].asking && !names->timer.set, "never again afterwards");
    names_hurry(peers_local(&f.local), group);
    ok(!names->timer.set, "whoever is in a hurry");
    f.local.state = LOCAL_CURRENT;
    fire(&names->timer);
    ok(names->at[0].asking && names->timer.set, "but in between");
    close_all(&f);
}

int main(void)
{
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    test_found();
    test_failed();
    test_one_asks();
    test_given_back();
    test_many();
    test_states();
    return done_testing();
}
