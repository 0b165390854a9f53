/*
 * What becomes of a peer by its checks, who makes them, and which are next; nothing is asked here.
 * Owns nothing.
 */
#include "http/upstream/health.c"

#include "t/unit/http/upstream/fixture.h"

#include <sched.h>
#include <sys/wait.h>

static const struct location nowhere;

struct setting {
    struct fixture f;
    struct group *group;
    struct health_conf conf;
    struct health_check check[2];
    struct health_local *health;
};

static void open_setting(struct setting *s, unsigned servers, bool mandatory)
{
    memset(s, 0, sizeof(*s));
    fixture_open(&s->f);
    s->group = fixture_group(&s->f, "checked", &balance_round_robin);
    fixture_servers(&s->f, s->group, servers);
    for (unsigned i = 0; i < 2; i++)
        s->check[i] = (struct health_check){ .key = i + 1, .group = s->group, .interval = 5000,
                                             .fails = 2, .passes = 3, .location = &nowhere,
                                             .mandatory = mandatory };
    s->conf = (struct health_conf){ .first = &s->check[0], .count = 1, .mandatory = mandatory };
    s->group->health = &s->conf;
    fixture_start(&s->f);
    s->health = peers_local(&s->f.local)->health;
}

static void close_setting(struct setting *s)
{
    fixture_close(&s->f);
}

static struct loop *the_loop(struct setting *s)
{
    return &s->f.worker.loop;
}

static struct peer *peer_at(struct setting *s, unsigned i)
{
    struct peer_list *list = peers_lock(&s->f.local, s->group);
    struct peer *peer = list->members[i].peer;
    zone_unlock(s->group->zone);
    return peer;
}

/* All that is due; the probes of it are not begun. */
static int64_t look(struct setting *s)
{
    s->health->ndue = 0;
    ASSERT(claim(s->health, s->group));
    return scan(s->health, s->group, INT64_MAX);
}

/* The result of a check of this server; what it was before is in *is. */
static bool result(struct setting *s, const struct health_check *check, unsigned i, bool passed)
{
    struct peer_list *list = peers_lock(&s->f.local, s->group);
    const struct peer *peer = list->members[i].peer;
    const struct probe p = { .check = check, .epoch = list->epoch, .serial = peer->serial };
    struct peer_check is;
    bool changed = false;
    zone_unlock(s->group->zone);
    ok(report(s->health, &p, passed, &is, &changed), "a result");
    return changed;
}

/* --- a peer ----------------------------------------------------------------------------------- */

static void test_counts(void)
{
    struct setting s;
    struct pick p;
    open_setting(&s, 1, false);
    look(&s);
    struct peer *peer = peer_at(&s, 0);
    is_int(peer->health, PEER_HEALTHY, "good at first");
    ok(!result(&s, &s.check[0], 0, false), "one failure");
    ok(!result(&s, &s.check[0], 0, true) && !result(&s, &s.check[0], 0, false), "and another");
    is_int(peer->health, PEER_HEALTHY, "are not in a row");
    peer->fails = 7;
    ok(result(&s, &s.check[0], 0, false), "two are");
    is_int(peer->health, PEER_UNHEALTHY, "it is ill");
    ok(!result(&s, &s.check[0], 0, false), "that it still is, is no news");
    fixture_pick(&s.f, s.group, &p);
    is_int(pick_next(&p), PICK_NONE, "nobody asks it");
    ok(!result(&s, &s.check[0], 0, true) && !result(&s, &s.check[0], 0, true), "two passes");
    the_loop(&s)->now += 10;
    ok(result(&s, &s.check[0], 0, true), "three");
    is_int(peer->health, PEER_HEALTHY, "it is well");
    is_int(peer->slow_since, the_loop(&s)->now, "it begins slowly");
    is_uint(peer->fails, 0, "what its requests were like is forgotten");
    is_int(pick_next(&p), PICKED, "it is asked");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    close_setting(&s);
}

static void test_ours(void)
{
    struct setting s;
    open_setting(&s, 1, false);
    s.check[0].fails = 1;
    look(&s);
    struct peer_list *list = peers_lock(&s.f.local, s.group);
    const struct probe p = { .check = &s.check[0], .epoch = list->epoch, .ours = true,
                             .serial = list->members[0].peer->serial };
    struct peer_check is;
    bool changed = true;
    zone_unlock(s.group->zone);
    ok(report(s.health, &p, false, &is, &changed), "a failure that is ours");
    ok(!changed && is.lapses == 0, "is none of the peer");
    is_int(is.due, the_loop(&s)->now + 5000, "it is tried again");
    close_setting(&s);
}

static void test_mandatory(void)
{
    struct setting s;
    struct pick p;
    open_setting(&s, 1, true);
    fixture_pick(&s.f, s.group, &p);
    is_int(pick_next(&p), PICK_NONE, "not before its first check");
    look(&s);
    is_int(peer_at(&s, 0)->health, PEER_CHECKING, "which is to come");
    ok(!result(&s, &s.check[0], 0, false), "one failure says nothing");
    ok(result(&s, &s.check[0], 0, true), "one pass is enough");
    is_int(peer_at(&s, 0)->health, PEER_HEALTHY, "it is well");
    is_int(pick_next(&p), PICKED, "it is asked");
    pick_done(&p, OUTCOME_GOOD, -1, -1);
    close_setting(&s);
}

static void test_two_checks(void)
{
    struct setting s;
    open_setting(&s, 1, false);
    s.check[0].next = &s.check[1];
    s.conf.count = 2;
    look(&s);
    for (unsigned i = 0; i < 2; i++) {
        result(&s, &s.check[i], 0, false);
        ok(result(&s, &s.check[i], 0, false), "check %u fails", i);
        is_int(peer_at(&s, 0)->health, PEER_UNHEALTHY, "ill");
    }
    for (unsigned i = 0; i < 3; i++)
        result(&s, &s.check[0], 0, true);
    is_int(peer_at(&s, 0)->health, PEER_UNHEALTHY, "one of two is not enough");
    for (unsigned i = 0; i < 3; i++)
        result(&s, &s.check[1], 0, true);
    is_int(peer_at(&s, 0)->health, PEER_HEALTHY, "both are");
    close_setting(&s);
}

/* --- generations ------------------------------------------------------------------------------ */

static void set_generation(struct setting *s, unsigned id)
{
    peers_release(&s->f.local);
    fixture_local(&s->f, &s->f.local, s->f.state, id);
    s->health = peers_local(&s->f.local)->health;
}

static void test_generations(void)
{
    struct setting s;
    struct pick held;
    open_setting(&s, 1, false);
    fixture_pick(&s.f, s.group, &held);
    is_int(pick_next(&held), PICKED, "somebody keeps the peer");
    look(&s);
    result(&s, &s.check[0], 0, false);
    result(&s, &s.check[0], 0, false);
    set_generation(&s, 2);
    look(&s);
    is_int(peer_at(&s, 0)->health, PEER_UNHEALTHY, "the next one knows it");
    is_uint(peer_at(&s, 0)->checks->lapses, 2, "and how often it failed");
    s.check[0].mandatory = s.conf.mandatory = true;
    set_generation(&s, 3);
    look(&s);
    is_int(peer_at(&s, 0)->health, PEER_CHECKING, "mandatory begins anew");
    result(&s, &s.check[0], 0, true);
    s.check[0].persistent = true;
    set_generation(&s, 4);
    look(&s);
    is_int(peer_at(&s, 0)->health, PEER_HEALTHY, "not with persistent");
    s.check[0].key = 9;
    set_generation(&s, 5);
    look(&s);
    is_int(peer_at(&s, 0)->health, PEER_HEALTHY, "nor with another check");
    ok(peer_at(&s, 0)->checks->key == 9 && !peer_at(&s, 0)->checks->next, "the only one");
    result(&s, &s.check[0], 0, false);
    result(&s, &s.check[0], 0, false);
    is_int(peer_at(&s, 0)->health, PEER_UNHEALTHY, "it is ill");
    s.group->health = NULL;
    set_generation(&s, 6);
    ok(!s.health, "nobody checks");
    is_int(peer_at(&s, 0)->health, PEER_UNCHECKED, "so it is as good as others");
    ok(!peer_at(&s, 0)->checks, "nothing is left");
    pick_done(&held, OUTCOME_NOTHING, -1, -1);
    close_setting(&s);
}

static void test_size(void)
{
    struct setting s;
    open_setting(&s, 2, false);
    look(&s);
    result(&s, &s.check[0], 1, false);
    struct generation gen = { .id = 2 };
    pool_init(&gen.pool, &pool_heap);
    s.f.cf.gen = &gen;
    struct zone *zone = zone_add(&s.f.cf, &peers_zone_type, STR("test"), 2 << 20, 0);
    ok(zone && zones_finish(&s.f.cf) && zone->from == s.group->zone->at, "another zone");
    zone_lock(zone);
    const struct peers_zone *z = zone_data(zone);
    const struct peer *second = z->groups->peers->next;
    ok(second->checks && !second->checks->next, "it has the checks");
    is_uint(second->checks->lapses, 1, "with their counts");
    zone_unlock(zone);
    pool_free(&gen.pool);
    close_setting(&s);
}

/* --- the lease -------------------------------------------------------------------------------- */

static void test_lease(void)
{
    struct setting s;
    int fds[2];
    char byte = 'x';
    open_setting(&s, 1, false);
    look(&s);
    struct peers_zone *z = zone_data(s.group->zone);
    struct health_lease *lease = &z->groups->lease;
    is_uint(lease->process, zone_process(), "it is ours");
    ok(claim(s.health, s.group), "and stays it");
    ASSERT(pipe(fds) == 0);
    const pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        *lease = (struct health_lease){ zone_process(), 1, the_loop(&s)->now + LEASE_MSEC };
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    while (__atomic_load_n(&lease->process, __ATOMIC_ACQUIRE) == zone_process())
        sched_yield();
    ok(!claim(s.health, s.group), "another process has it");
    struct peer_list *list = peers_lock(&s.f.local, s.group);
    struct probe p = { .check = &s.check[0], .epoch = list->epoch,
                       .serial = list->members[0].peer->serial };
    struct peer_check is;
    bool changed;
    zone_unlock(s.group->zone);
    ok(!report(s.health, &p, false, &is, &changed), "what we still hear does not count");
    the_loop(&s)->now += LEASE_MSEC - 1;
    ok(!claim(s.health, s.group), "for a while");
    the_loop(&s)->now++;
    const struct health_lease before = *lease;
    ok(claim(s.health, s.group), "it did not renew it");
    *lease = before;
    lease->until += LEASE_MSEC;
    close(fds[1]);
    ASSERT(waitpid(pid, NULL, 0) == pid);
    zones_owner_died(pid);
    ok(claim(s.health, s.group), "it is dead");
    p.serial++;
    ok(!report(s.health, &p, false, &is, &changed), "a peer that is gone");
    lease->generation = 2;
    ok(!claim(s.health, s.group), "a newer generation asks");
    set_generation(&s, 3);
    ok(claim(s.health, s.group), "a newer one than that");
    give_up(s.health, s.group);
    is_uint(lease->process, 0, "given up");
    close(fds[0]);
    close_setting(&s);
}

/* --- whose turn it is ------------------------------------------------------------------------- */

static void test_turns(void)
{
    struct setting s;
    open_setting(&s, 100, false);
    const int64_t begin = the_loop(&s)->now, next = look(&s);
    is_uint(s.health->ndue + (next > begin), 1 + s.health->ndue, "most are later");
    ok(s.health->ndue < 20 && next - begin <= 1000, "first checks are spread");
    the_loop(&s)->now += 1000;
    ok(look(&s) == INT64_MAX, "after a second all are due");
    is_uint(s.health->ndue, HEALTH_PROBES_MOST, "as many as may be");
    for (unsigned i = 1; i < HEALTH_PROBES_MOST; i++)
        ok(s.health->due[i - 1].at <= s.health->due[i].at, "the earliest first: %u", i);
    unsigned later = 0;
    for (unsigned i = 0; i < 100; i++)
        later += peer_at(&s, i)->checks->due >= s.health->due[HEALTH_PROBES_MOST - 1].at;
    ok(later >= 100 - HEALTH_PROBES_MOST, "the others are no earlier");
    s.health->running = HEALTH_PROBES_MOST - 1;
    look(&s);
    is_uint(s.health->ndue, 1, "room for one");
    s.health->running = 0;
    s.check[0].jitter = 100;
    for (unsigned i = 0; i < 100; i++)
        result(&s, &s.check[0], i, true);
    const int64_t later_by = look(&s) - the_loop(&s)->now;
    is_uint(s.health->ndue, 0, "all were made");
    ok(later_by >= 5000 && later_by <= 5100, "the next is an interval later");
    s.group->servers[3].down = true;
    the_loop(&s)->now += 5100;
    s.health->running = 0;
    look(&s);
    for (unsigned i = 0; i < s.health->ndue; i++)
        ok(inet_port(&s.health->due[i].address) != FIXTURE_FIRST + 3, "what is down is not asked");
    close_setting(&s);
}

static void test_draw(void)
{
    struct health_local health = { .random = 1 };
    unsigned seen[4] = { 0 };
    for (unsigned i = 0; i < 1000; i++) {
        const int64_t n = draw(&health, 3);
        ASSERT(n >= 0 && n <= 3);
        seen[n]++;
    }
    for (unsigned i = 0; i < 4; i++)
        ok(seen[i] > 150 && seen[i] < 350, "%u comes as often as others", i);
    is_int(draw(&health, 0), 0, "no choice");
}

int main(void)
{
    ASSERT(zone_space_init((size_t)1 << 30, (size_t)1 << 24));
    test_counts();
    test_ours();
    test_mandatory();
    test_two_checks();
    test_generations();
    test_size();
    test_lease();
    test_turns();
    test_draw();
    return done_testing();
}
