/*
 * Health checks of all groups: whose turn it is, what becomes of a peer, and who asks at all.
 * Owns the probes of a worker; what they find out lies in the zones.
 *
 *     health_local
 *       timer    fires when the next check is due, and now and then to look at the leases
 *       probes   that run: HEALTH_PROBES_MOST at a time, those first that are due longest
 *       kept     the others, with connections that are used again
 *
 * One process asks for all: it has the lease of the group, and renews it.  Another one takes it
 * when that process is gone or does not come to it, or belongs to an older generation.
 */
#include "http/upstream/health.h"

#include "core/generation.h"
#include "core/number.h"
#include "event/worker.h"
#include "http/upstream/health_probe.h"
#include "http/upstream/peers_zone.h"

#include <sys/random.h>

enum {
    LEASE_MSEC = 5000, LOOK_MSEC = 1000, PREPARED_MSEC = 100, TURN_MSEC = 5,
    SPREAD_MSEC = 10,                   /* between the first checks of two peers */
};

struct due {                            /* a check that is to be made now */
    int64_t at;
    const struct health_check *check;
    struct inet_address address;
    uint64_t epoch, serial;
};

struct health_local {
    struct peers_local *peers;
    struct timer timer;
    struct list probes, kept;
    unsigned running;
    uint64_t random;                    /* never 0 */
    struct due due[HEALTH_PROBES_MOST];         /* of one turn; the earliest first */
    unsigned ndue;
};

static struct local *local_of(const struct health_local *health)
{
    return health->peers->local;
}

static struct loop *loop_of(const struct health_local *health)
{
    return &local_of(health)->worker->loop;
}

/* From 0 to `most`. */
static int64_t draw(struct health_local *health, int64_t most)
{
    return (int64_t)((number_draw(&health->random) >> 1) % ((uint64_t)most + 1));
}

static int64_t interval(struct health_local *health, const struct health_check *check)
{
    return check->interval + draw(health, check->jitter);
}

/* --- what is known of a peer ------------------------------------------------------------------ */

/* Those that are not checked any more must not stay what they were. */
void health_settle(struct peers_zone *z, const struct group *group, struct peer *peer)
{
    if (!group->health) {
        peer->health = PEER_UNCHECKED;
        peers_drop_checks(z, peer, 0);
    } else if (peer->health == PEER_UNCHECKED)
        peer->health = group->health->mandatory ? PEER_CHECKING : PEER_HEALTHY;
}

static enum peer_health sum_up(const struct peer *peer)
{
    enum peer_health sum = PEER_HEALTHY;
    for (const struct peer_check *c = peer->checks; c; c = c->next) {
        if (c->health == PEER_UNHEALTHY)
            return PEER_UNHEALTHY;
        if (c->health == PEER_CHECKING)
            sum = PEER_CHECKING;
    }
    return sum;
}

/* A peer that was away begins slowly, and what its last requests were like is forgotten. */
static void update(struct peer *peer, int64_t now)
{
    const enum peer_health before = peer->health;
    peer->health = sum_up(peer);
    if (peer->health == PEER_HEALTHY && before != PEER_HEALTHY && before != PEER_UNCHECKED) {
        peer->slow_since = now;
        peer->fails = 0;
    }
}

static enum peer_health first_health(const struct health_check *check, const struct peer *peer)
{
    if (!check->mandatory || (check->persistent && peer->health == PEER_HEALTHY))
        return PEER_HEALTHY;
    return PEER_CHECKING;
}

/* What is known of this check, made when it is new here; under the lock.  NULL: the zone is full.
 * Another generation may say otherwise how it begins. */
static struct peer_check *adopt(struct health_local *health, struct peer_list *list,
                                const struct health_check *check, struct peer *peer)
{
    const unsigned id = local_of(health)->id;
    const int64_t now = loop_of(health)->now;
    struct peers_zone *z = zone_data(list->group->zone);
    struct peer_check *c = peers_check(z, list->state, peer, check->key);
    if (!c || c->generation == id)
        return c;
    const int64_t spread = (int64_t)list->count * SPREAD_MSEC;
    const int64_t most = check->interval < spread ? check->interval : spread;
    if (c->generation == 0) {
        c->health = first_health(check, peer);
        c->due = now + draw(health, most);
    } else if (check->mandatory && !check->persistent) {
        c->health = PEER_CHECKING;
        c->passes = c->lapses = 0;
        c->due = now + draw(health, most);
    } else if (c->due > now + check->interval)
        c->due = now + check->interval;
    c->generation = id;
    return c;
}

/* True: it has become another one by this. */
static bool count(struct peer_check *c, const struct health_check *check, bool passed)
{
    const enum peer_health before = c->health;
    uint32_t *row = passed ? &c->passes : &c->lapses;
    *(passed ? &c->lapses : &c->passes) = 0;
    *row += *row < UINT32_MAX;
    if (passed && (before == PEER_CHECKING || c->passes >= check->passes))
        c->health = PEER_HEALTHY;
    else if (!passed && c->lapses >= check->fails)
        c->health = PEER_UNHEALTHY;
    return c->health != before;
}

/* --- the lease -------------------------------------------------------------------------------- */

static bool is_mine(const struct health_local *health, const struct health_lease *lease)
{
    return lease->process == zone_process() && lease->generation == local_of(health)->id;
}

/* True: this process asks for the group. */
static bool claim(const struct health_local *health, const struct group *group)
{
    const int64_t now = loop_of(health)->now;
    const unsigned id = local_of(health)->id;
    bool mine = false;
    zone_lock(group->zone);
    struct group_state *state = peers_state(zone_data(group->zone), group->key);
    if (state && state->lease.generation <= id) {
        struct health_lease *lease = &state->lease;
        mine = is_mine(health, lease) || lease->generation < id || now >= lease->until
               || !zone_process_lives(lease->process);
        if (mine)
            *lease = (struct health_lease){ zone_process(), id, now + LEASE_MSEC };
    }
    zone_unlock(group->zone);
    return mine;
}

static void give_up(const struct health_local *health, const struct group *group)
{
    zone_lock(group->zone);
    struct group_state *state = peers_state(zone_data(group->zone), group->key);
    if (state && is_mine(health, &state->lease))
        state->lease = (struct health_lease){ .generation = state->lease.generation };
    zone_unlock(group->zone);
}

/* --- probes ----------------------------------------------------------------------------------- */

static bool is_about(const struct probe *p, const struct health_check *check, uint64_t epoch,
                     uint64_t serial)
{
    return p->check == check && p->serial == serial && p->epoch == epoch;
}

static struct probe *find_probe(const struct list *list, const struct health_check *check,
                                uint64_t epoch, uint64_t serial)
{
    list_each(list, link) {
        struct probe *p = container_of(link, struct probe, link);
        if (is_about(p, check, epoch, serial))
            return p;
    }
    return NULL;
}

static void free_probe(struct probe *p)
{
    list_remove(&p->link);
    probe_cancel(p);
    free(p);
}

/* The result, under the lock; *is: the check as it is now.  False: it is nobody's business any
 * more. */
static bool apply(struct health_local *health, const struct probe *p, struct peer_list *list,
                  bool passed, struct peer_check *is, bool *changed)
{
    const int64_t now = loop_of(health)->now;
    for (unsigned i = 0; i < list->count; i++) {
        struct peer *peer = list->members[i].peer;
        if (peer->serial != p->serial || list->epoch != p->epoch)
            continue;
        struct peer_check *c = adopt(health, list, p->check, peer);
        if (!c)
            return false;
        *changed = !p->ours && count(c, p->check, passed);
        c->due = now + interval(health, p->check);
        update(peer, now);
        *is = *c;
        return true;
    }
    return false;
}

static bool report(struct health_local *health, const struct probe *p, bool passed,
                   struct peer_check *is, bool *changed)
{
    const struct group *group = p->check->group;
    struct peer_list *list = peers_lock(local_of(health), group);
    if (!list)
        return false;
    const bool counts = is_mine(health, &list->state->lease)
                        && apply(health, p, list, passed, is, changed);
    zone_unlock(group->zone);
    return counts;
}

static void tell(const struct probe *p, const struct peer_check *is, const char *why, bool changed)
{
    if (why && (is->lapses == 1 || p->ours))
        probe_blame(p, why);
    if (changed && is->health == PEER_UNHEALTHY)
        probe_tell(p, LOG_WARN, "peer is unhealthy");
    else if (changed)
        probe_tell(p, LOG_INFO, "peer is healthy");
}

/* The next turn, if that is sooner. */
static void hurry(struct health_local *health, int64_t at)
{
    const int64_t now = loop_of(health)->now;
    if (at < now + TURN_MSEC)
        at = now + TURN_MSEC;
    if (at < health->timer.deadline)
        timer_set(loop_of(health), &health->timer, at - now);
}

static void done(struct probe *p, const char *why)
{
    struct health_local *health = p->data;
    struct peer_check is;
    bool changed = false;
    if (health->running-- == HEALTH_PROBES_MOST)
        hurry(health, 0);               /* others wait */
    list_remove(&p->link);
    if (report(health, p, !why, &is, &changed)) {
        tell(p, &is, why, changed);
        hurry(health, is.due);
        if (changed)
            peers_wake(&health->peers->queues[p->check->group->index]);
    }
    if (p->c)
        list_push(&health->kept, &p->link);
    else
        free_probe(p);
}

static struct probe *make_probe(struct health_local *health, const struct due *due)
{
    struct probe *p = find_probe(&health->kept, due->check, due->epoch, due->serial);
    if (p) {
        list_remove(&p->link);
        return p;
    }
    if (!(p = calloc(1, sizeof(*p))))
        return NULL;
    p->local = local_of(health);
    p->check = due->check;
    p->address = due->address;
    p->epoch = due->epoch;
    p->serial = due->serial;
    p->done = done;
    p->data = health;
    if (due->check->port && p->address.any.sa_family != AF_UNIX)
        inet_set_port(&p->address, due->check->port);
    return p;
}

static void start_probes(struct health_local *health)
{
    for (unsigned i = 0; i < health->ndue; i++) {
        struct probe *p = make_probe(health, &health->due[i]);
        if (!p) {
            log_write(log_process, LOG_CRIT, ENOMEM, "no memory for a health check");
            return;
        }
        list_push(&health->probes, &p->link);
        health->running++;
        probe_begin(p);
    }
}

/* Connections that were kept for peers which are checked no more, or whose time is over. */
static void end_kept(struct health_local *health, bool all)
{
    const int64_t real = loop_of(health)->real;
    list_each(&health->kept, link) {
        struct probe *p = container_of(link, struct probe, link);
        if (all || !p->c || real - p->c->began >= p->check->keepalive_time)
            free_probe(p);
    }
}

/* --- whose turn it is ------------------------------------------------------------------------- */

/* Keeps the earliest ones, as many as may begin. */
static void add_due(struct health_local *health, const struct due *due)
{
    const unsigned room = HEALTH_PROBES_MOST - health->running;
    unsigned at = health->ndue;
    if (at == room && (at == 0 || health->due[at - 1].at <= due->at))
        return;
    if (at == room)
        at--;
    else
        health->ndue++;
    for (; at > 0 && health->due[at - 1].at > due->at; at--)
        health->due[at] = health->due[at - 1];
    health->due[at] = *due;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When a check of this peer is due next, if that is not now. */
static int64_t scan_peer(struct health_local *health, struct peer_list *list, struct peer *peer,
                         int64_t next)
{
    const int64_t now = loop_of(health)->now;
    const struct health_conf *conf = list->group->health;
    for (const struct health_check *check = conf->first; check; check = check->next) {
        const struct peer_check *c = adopt(health, list, check, peer);
        if (!c)
            continue;
        if (c->due > now)
            next = sooner(next, c->due);
        else if (!find_probe(&health->probes, check, list->epoch, peer->serial))
            add_due(health, &(struct due){ c->due, check, peer->address, list->epoch,
                                           peer->serial });
    }
    peers_drop_checks(zone_data(list->group->zone), peer, local_of(health)->id);
    update(peer, now);
    return next;
}

static int64_t scan(struct health_local *health, const struct group *group, int64_t next)
{
    struct peer_list *list = peers_lock(local_of(health), group);
    if (!list)
        return next;
    for (unsigned i = 0; i < list->count; i++)
        if (!list->members[i].server->down)
            next = scan_peer(health, list, list->members[i].peer, next);
    zone_unlock(group->zone);
    return next;
}

static void stop(struct health_local *health)
{
    list_each(&health->probes, link)
        free_probe(container_of(link, struct probe, link));
    health->running = 0;
    end_kept(health, true);
    for (const struct group *group = health->peers->groups->first; group; group = group->next)
        if (group->health && local_of(health)->state != LOCAL_PREPARED)
            give_up(health, group);
}

/* Before the generation is the current one its zones are not used; afterwards the next one asks. */
static void fire(struct timer *timer)
{
    struct health_local *health = container_of(timer, struct health_local, timer);
    const struct local *local = local_of(health);
    const int64_t now = loop_of(health)->now;
    int64_t next = now + LOOK_MSEC;
    if (local->state == LOCAL_RETIRED || local->worker->quitting) {
        stop(health);
        return;
    }
    if (local->state == LOCAL_PREPARED) {
        timer_set(loop_of(health), timer, PREPARED_MSEC);
        return;
    }
    end_kept(health, false);
    health->ndue = 0;
    for (const struct group *group = health->peers->groups->first; group; group = group->next)
        if (group->health && claim(health, group) && health->running < HEALTH_PROBES_MOST)
            next = scan(health, group, next);
    timer_set(loop_of(health), timer, next - now < TURN_MSEC ? TURN_MSEC : next - now);
    start_probes(health);
}

/* --- of a worker ------------------------------------------------------------------------------ */

static bool has_checks(const struct groups *groups)
{
    for (const struct group *group = groups->first; group; group = group->next)
        if (group->health)
            return true;
    return false;
}

bool health_prepare(struct peers_local *peers)
{
    struct loop *loop = &peers->local->worker->loop;
    if (!has_checks(peers->groups))
        return true;
    struct health_local *health = calloc(1, sizeof(*health));
    if (!health || !timers_reserve(&loop->timers, 1)) {
        free(health);
        return false;
    }
    ASSERT(getrandom(&health->random, sizeof(health->random), 0)
           == (ssize_t)sizeof(health->random));
    health->random |= 1;
    health->peers = peers;
    list_init(&health->probes);
    list_init(&health->kept);
    health->timer.fire = fire;
    health->timer.idle = true;
    peers->health = health;
    timer_set(loop, &health->timer, 1);
    return true;
}

void health_release(struct peers_local *peers)
{
    struct health_local *health = peers->health;
    if (!health)
        return;
    stop(health);
    timer_cancel(loop_of(health), &health->timer);
    timers_unreserve(&loop_of(health)->timers, 1);
    peers->health = NULL;
    free(health);
}
