/*
 * Lists of members, their shares, and who waits: in one process, and with others that die.
 * Owns nothing.
 */
#include "http/upstream/peers.c"

#include "t/unit/http/upstream/fixture.h"

#include <sys/wait.h>

static struct peers_zone *zone_of(const struct fixture *f)
{
    return zone_data(f->groups.first->zone);
}

static unsigned count_peers(const struct fixture *f)
{
    unsigned n = 0;
    for (const struct group_state *state = zone_of(f)->groups; state; state = state->next)
        for (const struct peer *peer = state->peers; peer; peer = peer->next)
            n++;
    return n;
}

/* --- counts ----------------------------------------------------------------------------------- */

static void test_conns(void)
{
    struct fixture f;
    struct pick a, b, c;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "conns", &balance_round_robin);
    fixture_servers(&f, group, 2);
    group->servers[0].max_conns = group->servers[1].max_conns = 1;
    fixture_start(&f);
    fixture_pick(&f, group, &a);
    fixture_pick(&f, group, &b);
    fixture_pick(&f, group, &c);
    is_uint(pick_members(&a), 2, "two members");
    is_int(pick_next(&a), PICKED, "the first");
    is_int(pick_next(&b), PICKED, "the second");
    ok(a.peer != b.peer && a.serial != b.serial, "are two");
    is_int(pick_next(&c), PICK_BUSY, "there is no third");
    ok(!c.looking && !c.peer, "and nothing was picked");
    pick_done(&a, OUTCOME_NOTHING, -1, -1);
    ok(!a.peer, "let go");
    pick_done(&a, OUTCOME_FAILED, -1, -1);
    is_int(pick_next(&c), PICKED, "now it is free");
    is_uint(c.peer->fails, 0, "letting go twice is nothing");
    is_uint(c.peer->conns, 1, "one connection");
    pick_done(&c, OUTCOME_GOOD, 10, 20);
    ok(c.peer == NULL, "gone");
    pick_done(&b, OUTCOME_GOOD, -1, 8);
    const struct peer *first = zone_of(&f)->groups->peers, *second = first->next;
    ok(first->header_time > 9 && first->header_time < 11 && first->last_byte_time > 19, "times");
    ok(second->header_time < 1 && second->last_byte_time > 7, "those that are known");
    is_uint(first->conns + second->conns, 0, "nobody is left");
    is_uint(first->requests, 2, "all requests of the first");
    fixture_close(&f);
}

static void test_hundred(void)
{
    struct fixture f;
    struct pick p[101];
    unsigned picked = 0, twice = 0;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "hundred", &balance_round_robin);
    fixture_servers(&f, group, 100);
    for (unsigned i = 0; i < 100; i++)
        group->servers[i].max_conns = 1;
    fixture_start(&f);
    for (unsigned i = 0; i < 101; i++) {
        fixture_pick(&f, group, &p[i]);
        picked += pick_next(&p[i]) == PICKED;
        for (unsigned j = 0; j < i; j++)
            twice += p[i].peer && p[i].peer == p[j].peer;
    }
    is_uint(picked, 100, "each once");
    is_uint(twice, 0, "and none twice");
    for (unsigned i = 0; i < 101; i++)
        pick_done(&p[i], OUTCOME_FAILED, -1, -1);
    is_int(pick_next(&p[0]), PICK_NONE, "all of them failed");
    f.worker.loop.now += 10001;
    is_int(pick_next(&p[0]), PICKED, "after a while one is tried again");
    ok(p[0].tried_words == 2, "the bits of a hundred");
    pick_done(&p[0], OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

/* --- failures --------------------------------------------------------------------------------- */

static void test_failures(void)
{
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "failures", &balance_round_robin);
    fixture_servers(&f, group, 2);
    group->servers[1].down = true;
    group->servers[0].max_fails = 2;
    fixture_start(&f);
    for (unsigned i = 0; i < 2; i++) {
        fixture_pick(&f, group, &p);
        is_int(pick_next(&p), PICKED, "failure %u", i);
        pick_done(&p, OUTCOME_FAILED, -1, -1);
        is_int(pick_next(&p), PICK_NONE, "none is tried twice");
    }
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_NONE, "two failures are enough");
    f.worker.loop.now += 10000;
    is_int(pick_next(&p), PICK_NONE, "for ten seconds");
    f.worker.loop.now++;
    is_int(pick_next(&p), PICKED, "then it is tried once");
    struct pick other;
    fixture_pick(&f, group, &other);
    is_int(pick_next(&other), PICK_NONE, "by one request");
    pick_done(&p, OUTCOME_NOTHING, -1, -1);
    is_int(pick_next(&other), PICK_NONE, "that says nothing of it");
    f.worker.loop.now += 10001;
    is_int(pick_next(&other), PICKED, "the next one");
    pick_done(&other, OUTCOME_GOOD, -1, -1);
    is_uint(zone_of(&f)->groups->peers->fails, 0, "a good answer forgives");
    fixture_close(&f);
}

/* As large and as slow as a configuration can say. */
static void test_slowest(void)
{
    struct group_server server = { .slow_start = INT64_MAX };
    struct peer peer = { .slow_since = 1 };
    struct peer_list list = { .scale = SLOW_SCALE };
    const struct pick p = { .list = &list };
    const struct member m = { .server = &server, .peer = &peer,
                              .weight = (int64_t)INT32_MAX * SLOW_SCALE };
    is_int(member_weight(&p, &m, INT64_MAX / 2), m.weight / 2, "after half of all time");
    is_int(member_weight(&p, &m, 1), 1, "never nothing");
}

static void test_slow_start(void)
{
    struct fixture f;
    struct pick p;
    unsigned first = 0;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "slow", &balance_round_robin);
    fixture_servers(&f, group, 2);
    group->servers[0].slow_start = 100000;
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "the first");
    pick_done(&p, OUTCOME_FAILED, -1, -1);
    f.worker.loop.now += 10001;
    fixture_pick(&f, group, &p);
    while (pick_next(&p) == PICKED && p.server != &group->servers[0])
        pick_done(&p, OUTCOME_GOOD, -1, -1);
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    f.worker.loop.now += 10000;
    for (unsigned i = 0; i < 110; i++) {
        fixture_pick(&f, group, &p);
        is_int(pick_next(&p), PICKED, "request %u", i);
        first += p.server == &group->servers[0];
        pick_done(&p, OUTCOME_GOOD, -1, -1);
    }
    ok(first >= 8 && first <= 12, "a tenth of its weight: %u of 110", first);
    f.worker.loop.now += 90000;
    first = 0;
    for (unsigned i = 0; i < 1000; i++) {
        fixture_pick(&f, group, &p);
        ASSERT(pick_next(&p) == PICKED);
        first += p.server == &group->servers[0];
        pick_done(&p, OUTCOME_GOOD, -1, -1);
    }
    ok(first >= 495 && first <= 505, "and all of it: %u of 1000", first);
    fixture_close(&f);
}

static void test_drain_and_health(void)
{
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "drain", &balance_round_robin);
    fixture_servers(&f, group, 1);
    group->servers[0].drain = true;
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_NONE, "only for those who ask for it");
    group->servers[0].drain = false;
    is_int(pick_next(&p), PICKED, "for all");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    zone_of(&f)->groups->peers->health = PEER_UNHEALTHY;
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_NONE, "for nobody, when it is unhealthy");
    fixture_close(&f);
}

/* --- processes that die ----------------------------------------------------------------------- */

/* A child picks `count` servers and is gone, in the lock or not. */
static pid_t pick_and_die(struct fixture *f, const struct group *group, unsigned count, bool locked)
{
    int status;
    const pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid > 0) {
        ASSERT(waitpid(pid, &status, 0) == pid);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? pid : -1;
    }
    peers_local(&f->local)->queues[group->index].list = NULL;    /* that one is its parent's */
    for (unsigned i = 0; i < count; i++) {
        struct pick p;
        fixture_pick(f, group, &p);
        if (pick_next(&p) != PICKED)
            _exit(1);
    }
    if (locked)
        zone_lock(group->zone);
    _exit(0);
}

static void test_deaths(void)
{
    struct fixture f;
    struct pick p, held;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "deaths", &balance_round_robin);
    fixture_servers(&f, group, 2);
    group->servers[0].max_conns = 3;
    group->servers[1].max_conns = 2;
    fixture_start(&f);
    fixture_pick(&f, group, &held);
    is_int(pick_next(&held), PICKED, "one of ours");
    const pid_t pid = pick_and_die(&f, group, 4, false);
    ok(pid > 0, "four of a child");
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_BUSY, "together they are all there may be");
    zones_owner_died(pid);
    for (unsigned i = 0; i < 4; i++) {
        fixture_pick(&f, group, &p);
        is_int(pick_next(&p), PICKED, "what the child had is free: %u", i);
    }
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_BUSY, "but no more");
    is_uint(held.peer->shares->process, zone_process(), "only we have shares");
    ok(!held.peer->shares->next, "the child has none");
    pick_done(&held, OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

static void test_wiped(void)
{
    struct fixture f;
    struct pick p, held;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "wiped", &balance_round_robin);
    fixture_servers(&f, group, 2);
    fixture_start(&f);
    fixture_pick(&f, group, &held);
    is_int(pick_next(&held), PICKED, "one");
    const pid_t pid = pick_and_die(&f, group, 1, true);
    zones_owner_died(pid);
    pick_done(&held, OUTCOME_FAILED, 1, 1);
    ok(!held.peer, "its peer is forgotten");
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "a new beginning");
    is_uint(p.peer->conns, 1, "that knows of no other");
    is_uint(count_peers(&f), 2, "two peers");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void test_generations(void)
{
    struct fixture f;
    struct local next;
    void *state[1];
    struct pick old, new;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "reload", &balance_round_robin);
    fixture_servers(&f, group, 3);
    fixture_start(&f);
    fixture_pick(&f, group, &old);
    is_int(pick_next(&old), PICKED, "of the old generation");
    const struct peer *first = old.peer;
    is_uint(count_peers(&f), 3, "three peers");
    /* The new one has the first and another one. */
    group->servers[1] = group->servers[2];
    group->nservers = 1;
    fixture_server(&f, group, "127.0.0.1:22000");
    group->servers[0].max_conns = 1;
    fixture_local(&f, &next, state, 2);
    new = (struct pick){ .subject = old.subject, .log = old.log, .local = &next, .group = group };
    is_int(pick_next(&new), PICKED, "the new one");
    is_uint(inet_port(&new.address), 22000, "the first has its connection still");
    is_uint(count_peers(&f), 4, "the old list holds its peers");
    pick_done(&old, OUTCOME_FAILED, -1, -1);
    is_uint(first->fails, 1, "the same peer for both");
    pick_done(&new, OUTCOME_GOOD, -1, -1);
    /* What the old generation alone had goes with the next list of the new one. */
    peers_release(&f.local);
    is_uint(count_peers(&f), 4, "not at once");
    zone_of(&f)->groups->version++;
    fixture_pick(&f, group, &new);
    new.local = &next;
    is_int(pick_next(&new), PICKED, "again");
    is_uint(count_peers(&f), 2, "two are left");
    is_uint(first->fails, 1, "of the first all is known");
    pick_done(&new, OUTCOME_GOOD, -1, -1);
    peers_release(&next);
    fixture_close(&f);
}

static void set_name(struct fixture *f, struct group *group, const char *const *texts,
                     const uint16_t *priorities)
{
    struct peers_zone *z = zone_of(f);
    struct resolved at[8] = { 0 };
    unsigned count = 0;
    for (; texts[count]; count++) {
        ASSERT(inet_parse(str_from(texts[count]), 0, &at[count].address));
        at[count].priority = priorities ? priorities[count] : 0;
        at[count].weight = priorities ? 5 : 0;
    }
    zone_lock(group->zone);
    struct group_state *state = peers_state(z, group->key);
    struct peer_name *name = peers_name(z, state, group->servers[0].question);
    ok(peers_answer(z, state, name, at, count), "an answer of %u", count);
    zone_unlock(group->zone);
}

static void test_names(void)
{
    static const char *const none[] = { NULL };
    static const char *const two[] = { "10.0.0.1:80", "10.0.0.2:80", NULL };
    static const char *const turned[] = { "10.0.0.2:80", "10.0.0.1:80", NULL };
    static const char *const twins[] = { "10.0.0.1:80", "10.0.0.1:80", NULL };
    static const char *const three[] = { "10.0.0.3:80", "10.0.0.2:80", "10.0.0.4:80", NULL };
    static const uint16_t priorities[] = { 2, 1, 2 };
    struct fixture f;
    struct pick p;
    struct pick_wait wait = { .queue = NULL };
    fixture_open(&f);
    struct group *group = fixture_group(&f, "names", &balance_round_robin);
    fixture_server(&f, group, "backend.test");
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICK_BUSY, "nobody knows the name yet");
    ok(p.looking && pick_wait(&p, &wait), "that is worth waiting for");
    pick_wait_end(&wait);
    set_name(&f, group, none, NULL);
    is_int(pick_next(&p), PICK_NONE, "there is none");
    ok(!p.looking && !pick_wait(&p, &wait), "no use in waiting");
    set_name(&f, group, two, NULL);
    is_uint(pick_members(&p), 2, "two addresses");
    is_int(pick_next(&p), PICKED, "one of them");
    const uint64_t version = zone_of(&f)->groups->version;
    set_name(&f, group, turned, NULL);
    is_uint(zone_of(&f)->groups->version, version, "the order is nothing new");
    set_name(&f, group, twins, NULL);
    is_uint(zone_of(&f)->groups->version, version + 1, "one twice instead of two is");
    set_name(&f, group, two, NULL);
    is_uint(zone_of(&f)->groups->version, version + 2, "and two instead of one twice");
    set_name(&f, group, three, priorities);
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    is_uint(pick_members(&p), 3, "three addresses");
    const struct peer_list *list = peers_local(&f.local)->queues[0].list;
    is_uint(list->primaries, 1, "one of the best priority");
    is_int(list->members[0].weight, 5, "with the weight of its record");
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "it is picked");
    is_str(inet_host(&p.address).at[3] == 2 ? "10.0.0.2" : "", "10.0.0.2", "first");
    pick_done(&p, OUTCOME_FAILED, -1, -1);
    is_int(pick_next(&p), PICKED, "then a backup");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    is_uint(count_peers(&f), 3, "the one that is gone is free");
    fixture_close(&f);
}

static void test_full(void)
{
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "full", &balance_round_robin);
    struct group *other = fixture_group(&f, "other", &balance_round_robin);
    fixture_servers(&f, group, 100);
    fixture_servers(&f, other, 100);
    fixture_zone(&f, ZONE_LEAST);
    ASSERT(loop_init(&f.worker.loop));
    f.worker.loop.now = 1;
    fixture_local(&f, &f.local, f.state, 1);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "of what fits");
    const unsigned room = pick_members(&p);
    ok(room > 20 && room <= 100, "%u members", room);
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    fixture_pick(&f, other, &p);
    pick_next(&p);
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    peers_release(&f.local);
    fixture_local(&f, &f.local, f.state, 2);
    fixture_pick(&f, other, &p);
    ok(pick_members(&p) >= room, "what nobody shares makes room");
    is_int(pick_next(&p), PICKED, "for others");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

static void test_migration(void)
{
    struct fixture f;
    struct pick p;
    fixture_open(&f);
    struct group *group = fixture_group(&f, "migration", &balance_round_robin);
    fixture_servers(&f, group, 3);
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "one");
    struct peer *peer = p.peer;
    peer->failures = 7;
    const struct zone *old = group->zone;
    /* As the next generation does: the same name, and another size. */
    struct generation gen = { .id = 2 };
    pool_init(&gen.pool, &pool_heap);
    f.cf.gen = &gen;
    struct zone *zone = zone_add(&f.cf, &peers_zone_type, STR("test"), 2 << 20, 0);
    ok(zone && zones_finish(&f.cf) && zone->from == old->at, "another zone");
    zone_lock(zone);
    const struct peers_zone *z = zone_data(zone);
    const struct peer *copy = z->groups->peers;
    ok(inet_eq(&copy->address, &peer->address) && copy->failures == 7, "what was known is known");
    ok(copy->conns == 0 && !copy->shares, "without connections");
    ok(copy->next && copy->next->next && !copy->next->next->next, "all three");
    zone_unlock(zone);
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    pool_free(&gen.pool);
    fixture_close(&f);
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct waiter {
    struct pick pick;
    struct pick_wait wait;
    struct task task;
    unsigned woken;
};

static void run(struct task *task)
{
    struct waiter *w = container_of(task, struct waiter, task);
    w->woken++;
    if (pick_next(&w->pick) == PICKED)
        pick_wait_end(&w->wait);
}

static void test_queue(void)
{
    struct fixture f;
    struct pick p;
    struct waiter w[3] = { 0 };
    fixture_open(&f);
    struct group *group = fixture_group(&f, "queue", &balance_round_robin);
    fixture_servers(&f, group, 1);
    group->servers[0].max_conns = 1;
    group->queue = 2;
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "it is full now");
    for (unsigned i = 0; i < 3; i++) {
        fixture_pick(&f, group, &w[i].pick);
        w[i].task.run = run;
        w[i].wait.task = &w[i].task;
        is_int(pick_next(&w[i].pick), PICK_BUSY, "busy");
        ok(pick_wait(&w[i].pick, &w[i].wait) == (i < 2), "two may wait: %u", i);
    }
    ok(pick_wait(&w[0].pick, &w[0].wait), "it waits already");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    loop_turn(&f.worker.loop, 0);
    ok(w[0].pick.peer && !w[1].pick.peer, "the first has it");
    ok(pick_wait(&w[2].pick, &w[2].wait), "there is room for another");
    while (w[1].woken == 0)
        loop_turn(&f.worker.loop, 1000);
    ok(!w[1].pick.peer, "those who wait look now and then");
    pick_wait_end(&w[1].wait);
    pick_wait_end(&w[1].wait);
    loop_unpost(&f.worker.loop, &w[1].task);
    pick_done(&w[0].pick, OUTCOME_GOOD, -1, -1);
    while (!w[2].pick.peer)
        loop_turn(&f.worker.loop, 1000);
    is_uint(peers_local(&f.local)->queues[0].waiting, 0, "nobody waits");
    pick_done(&w[2].pick, OUTCOME_GOOD, -1, -1);
    fixture_close(&f);
}

/* --- tunnels ---------------------------------------------------------------------------------- */

static void test_kept(void)
{
    struct fixture f;
    struct local next;
    void *state[1];
    struct pick p, q;
    struct pick_kept kept, none = { .peer = NULL };
    fixture_open(&f);
    struct group *group = fixture_group(&f, "kept", &balance_round_robin);
    fixture_servers(&f, group, 1);
    group->servers[0].max_conns = 1;
    fixture_start(&f);
    fixture_pick(&f, group, &p);
    is_int(pick_next(&p), PICKED, "the only one");
    const struct peer *peer = p.peer;
    pick_keep(&p, 30, &kept);
    ok(!p.peer && kept.peer == peer && peer->conns == 1, "is kept without its request");
    ok(peer->header_time > 29 && peer->fails == 0, "and has answered");
    pick_done(&p, OUTCOME_FAILED, -1, -1);
    is_uint(peer->fails, 0, "the request has nothing to let go");
    /* Its generation goes, and the list of the next has another server. */
    fixture_local(&f, &next, state, 2);
    f.worker.all = &next;
    fixture_pick(&f, group, &q);
    q.local = &next;
    is_int(pick_next(&q), PICK_BUSY, "it is busy in the next generation");
    peers_release(&f.local);
    group->nservers = 0;
    fixture_server(&f, group, "127.0.0.1:22000");
    zone_of(&f)->groups->version++;
    is_int(pick_next(&q), PICKED, "which has another server now");
    is_uint(count_peers(&f), 2, "the old one is still there");
    is_uint(peer->conns, 1, "in use");
    pick_let_go(&none, &f.worker);
    pick_let_go(&kept, &f.worker);
    is_uint(peer->conns, 0, "let go");
    pick_let_go(&kept, &f.worker);
    ok(!kept.peer && peer->conns == 0, "once");
    zone_of(&f)->groups->version++;
    pick_done(&q, OUTCOME_GOOD, -1, -1);
    fixture_pick(&f, group, &q);
    q.local = &next;
    is_int(pick_next(&q), PICKED, "the next list");
    is_uint(count_peers(&f), 1, "does without it");
    /* The zone was emptied meanwhile. */
    pick_keep(&q, -1, &kept);
    kept.epoch++;
    pick_let_go(&kept, &f.worker);
    ok(!kept.peer && zone_of(&f)->groups->peers->conns == 1, "another zone is not touched");
    peers_release(&next);
    fixture_close(&f);
}

int main(void)
{
    ASSERT(zone_space_init(1 << 30, 1 << 26));
    zone_process();
    test_conns();
    test_hundred();
    test_failures();
    test_slow_start();
    test_slowest();
    test_drain_and_health();
    test_deaths();
    test_wiped();
    test_generations();
    test_names();
    test_full();
    test_migration();
    test_queue();
    test_kept();
    return done_testing();
}
