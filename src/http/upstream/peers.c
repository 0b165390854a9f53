/*
 * Lists of members, and the choice of one for a request.
 * Owns the lists of a worker; what they count lies in zones.
 */
#include "http/upstream/peers.h"

#include "core/generation.h"
#include "core/log.h"
#include "event/worker.h"
#include "http/upstream/balancer.h"
#include "http/upstream/health.h"
#include "http/upstream/peers_zone.h"
#include "http/upstream/reuse.h"
#include "http/upstream/sticky.h"

enum { LOOK_MSEC = 100, SLOW_SCALE = 256, FORGET = 8 };

static int64_t now_of(const struct pick *p)
{
    return p->local->worker->loop.now;
}

static struct group_queue *queue_of(const struct pick *p)
{
    return &peers_local(p->local)->queues[p->group->index];
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Under the lock, if the zone is still the one the list was made in. */
static void unhold(struct peers_zone *z, struct peer_list *list)
{
    for (unsigned i = 0; i < list->count && list->epoch == z->epoch; i++) {
        struct peer_share *mine = list->members[i].mine;
        ASSERT(mine->lists > 0);
        mine->lists--;
        peers_unhold(z, list->members[i].peer, mine);
    }
}

static void free_list(struct peer_list *list)
{
    if (list)
        free(list->table);
    free(list);
}

static unsigned count_addresses(struct peers_zone *z, struct group_state *state,
                                const struct group *group)
{
    unsigned count = 0;
    for (unsigned i = 0; i < group->nservers; i++) {
        const struct group_server *s = &group->servers[i];
        const struct peer_name *name = s->look_up ? peers_name(z, state, s->question) : NULL;
        count += name ? name->count : s->naddresses;
    }
    return count;
}

static unsigned count_twins(const struct peer_list *list, const struct inet_address *address)
{
    unsigned twins = 0;
    for (unsigned i = 0; i < list->count; i++)
        twins += inet_eq(&list->members[i].peer->address, address);
    return twins;
}

static void add_member(struct peers_zone *z, struct group_state *state, struct peer_list *list,
                       const struct group_server *server, const struct name_address *at,
                       bool backup)
{
    struct member *m = &list->members[list->count];
    *m = (struct member){ .server = server, .index = list->count, .backup = backup };
    m->weight = (at->weight ? at->weight : server->weight) * list->scale;
    m->peer = peers_hold(z, state, &at->address, count_twins(list, &at->address), &m->mine);
    if (!m->peer)
        return;
    m->mine->lists++;
    if (m->peer->weight != m->weight)
        m->peer->effective_weight = m->peer->weight = m->weight;
    list->count++;
}

/* Of SRV records those of the lowest priority are the primaries. */
static unsigned lowest(const struct peer_name *name)
{
    unsigned low = UINT16_MAX;
    for (unsigned i = 0; i < name->count; i++)
        low = name->at[i].priority < low ? name->at[i].priority : low;
    return low;
}

static void add_server(struct peers_zone *z, struct group_state *state, struct peer_list *list,
                       const struct group_server *s, bool backups)
{
    if (s->backup && !backups)
        return;
    if (!s->look_up) {
        for (unsigned i = 0; i < s->naddresses && s->backup == backups; i++)
            add_member(z, state, list, s, &(struct name_address){ s->addresses[i], 0, 0 }, backups);
        return;
    }
    const struct peer_name *name = peers_name(z, state, s->question);
    const unsigned low = name ? lowest(name) : 0;
    for (unsigned i = 0; name && i < name->count; i++)
        if ((s->backup || name->at[i].priority > low) == backups)
            add_member(z, state, list, s, &name->at[i], backups);
}

static bool starts_slowly(const struct group *group)
{
    for (unsigned i = 0; i < group->nservers && !group->balancer->steady; i++)
        if (group->servers[i].slow_start)
            return true;
    return false;
}

/* Under the lock.  NULL: no memory. */
static struct peer_list *make_list(struct peers_zone *z, struct group_state *state,
                                   const struct group *group)
{
    const unsigned room = count_addresses(z, state, group);
    struct peer_list *list = calloc(1, sizeof(*list) + room * sizeof(struct member));
    if (!list)
        return NULL;
    list->group = group;
    list->members = (struct member *)(list + 1);
    list->scale = starts_slowly(group) ? SLOW_SCALE : 1;
    for (unsigned i = 0; i < group->nservers; i++)
        add_server(z, state, list, &group->servers[i], false);
    list->primaries = list->count;
    for (unsigned i = 0; i < group->nservers; i++)
        add_server(z, state, list, &group->servers[i], true);
    ASSERT(list->count <= room);
    if (list->count < room)
        log_write(log_process, LOG_CRIT, 0, "no memory in the zone of upstream \"%.*s\": %u of "
                  "%u servers are not used", STR_FMT(group->name), room - list->count, room);
    for (unsigned i = 0; i < list->primaries; i++)
        list->weight += list->members[i].weight;
    list->state = state;
    list->epoch = z->epoch;
    list->sweeps = z->sweeps;
    list->version = state->version;
    return list;
}

/* The state of the group may have been thrown away, when nobody had a peer of it. */
static bool is_fresh(struct peers_zone *z, struct peer_list *list)
{
    if (!list || list->epoch != z->epoch)
        return false;
    if (list->sweeps != z->sweeps) {
        if (!(list->state = peers_state(z, list->group->key)))
            return false;
        list->sweeps = z->sweeps;
    }
    return list->version == list->state->version;
}

/* Another list instead of the one there is; lets the lock go.  False: no memory. */
static bool remake(const struct pick *p, struct group_queue *queue, struct peers_zone *z)
{
    const struct group *group = p->group;
    struct group_state *state = peers_state(z, group->key);
    struct peer_list *list = state ? make_list(z, state, group) : NULL;
    if (list && queue->list)
        unhold(z, queue->list);
    if (list && p->local->id >= state->generation) {
        for (unsigned i = 0; i < list->count; i++)
            health_settle(z, group, list->members[i].peer);
        state->generation = p->local->id;
        peers_collect(z, state, group);
    }
    zone_unlock(group->zone);
    if (!list) {
        log_write(p->log, LOG_CRIT, 0, "no memory for the servers of upstream \"%.*s\"",
                  STR_FMT(group->name));
        return false;
    }
    list->serial = ++queue->lists;
    free_list(queue->list);
    queue->list = list;
    if (!group->balancer->prepare || group->balancer->prepare(list))
        return true;
    list->version = ~list->version;     /* it is not fresh */
    return false;
}

/* The list as it is now, and the lock is held.  NULL: no memory, and it is not. */
static struct peer_list *lock_list(struct pick *p)
{
    struct group_queue *queue = queue_of(p);
    struct peers_zone *z = zone_data(p->group->zone);
    for (;;) {
        zone_lock(p->group->zone);
        if (is_fresh(z, queue->list)) {
            peers_bury(z);
            return queue->list;
        }
        if (!remake(p, queue, z))
            return NULL;
    }
}

struct peer_list *peers_lock(struct local *local, const struct group *group)
{
    return lock_list(&(struct pick){ .log = log_process, .local = local, .group = group });
}

/* --- for balancers ---------------------------------------------------------------------------- */

static bool is_given_up(const struct member *m, int64_t now)
{
    const struct group_server *s = m->server;
    return s->max_fails && m->peer->fails >= s->max_fails
           && now - m->peer->checked_at <= s->fail_timeout;
}

bool member_is_free(const struct pick *p, const struct member *m, int64_t now, bool *busy)
{
    const struct group_server *s = m->server;
    const struct peer *peer = m->peer;
    if (p->tried[m->index / 64] >> m->index % 64 & 1)
        return false;
    if (s->down || (s->drain && p->sticky.len == 0))
        return false;
    if (peer->health == PEER_UNHEALTHY || peer->health == PEER_CHECKING)
        return false;
    if (p->list->count > 1 && is_given_up(m, now))
        return false;
    if (s->max_conns && peer->conns >= s->max_conns) {
        *busy = true;
        return false;
    }
    return true;
}

int64_t member_weight(const struct pick *p, const struct member *m, int64_t now)
{
    const int64_t slow = m->server->slow_start, since = m->peer->slow_since;
    if (p->list->scale == 1 || since == 0 || slow == 0 || now - since >= slow)
        return m->weight;
    const int64_t weight = (int64_t)((double)m->weight * (double)(now - since) / (double)slow);
    return weight > 0 ? weight : 1;
}

/* --- picking ---------------------------------------------------------------------------------- */

void pick_init(struct pick *p)
{
    p->serial_tried = 0;
    p->begun = false;
    p->hash = p->rehash = 0;
}

unsigned pick_members(struct pick *p)
{
    const struct peer_list *list = lock_list(p);
    if (!list)
        return 0;
    const unsigned count = list->count;
    zone_unlock(p->group->zone);
    return count;
}

/* Under the lock. */
static bool begin_tried(struct pick *p)
{
    const size_t words = (size_t)p->list->count / 64 + 1;
    if (p->serial_tried == p->list->serial)
        return true;
    if (p->tried_words < words && !(p->tried = pool_try(p->subject->pool, words * 8)))
        return false;
    p->tried_words = size_max(words, p->tried_words);
    memset(p->tried, 0, p->tried_words * 8);
    p->serial_tried = p->list->serial;
    return true;
}

static struct member *choose(struct pick *p, int64_t now, bool *busy)
{
    const struct peer_list *list = p->list;
    const struct balancer *balancer = p->group->balancer;
    struct member *m = p->sticky.len ? sticky_member(p, 0, list->count, now, busy) : NULL;
    if (m)
        return m;
    p->sticky = STR_NONE;
    m = balancer->choose(p, 0, list->primaries, now, busy);
    if (m || list->primaries == list->count)
        return m;
    return balancer->choose(p, list->primaries, list->count, now, busy);
}

static void take(struct pick *p, const struct member *m, int64_t now)
{
    struct peer *peer = m->peer;
    p->tried[m->index / 64] |= UINT64_C(1) << m->index % 64;
    if (now - peer->checked_at > m->server->fail_timeout)
        peer->checked_at = now;
    peer->conns++;
    peer->requests++;
    m->mine->conns++;
    m->mine->begun += now;
    p->peer = peer;
    p->mine = m->mine;
    p->server = m->server;
    p->epoch = p->list->epoch;
    p->serial = peer->serial;
    p->address = peer->address;
    p->since = now;
    p->single = p->list->count == 1;
}

/* Whether some name was never answered. */
static bool is_looking(const struct pick *p, struct peers_zone *z)
{
    for (unsigned i = 0; i < p->group->nservers; i++) {
        const struct group_server *s = &p->group->servers[i];
        const struct peer_name *name =
            s->look_up ? peers_name(z, p->list->state, s->question) : NULL;
        if (name && !name->settled)
            return true;
    }
    return false;
}

static enum picked pick_locked(struct pick *p)
{
    const int64_t now = now_of(p);
    bool busy = false;
    if (!begin_tried(p))
        return PICK_FAILED;
    const struct member *m = choose(p, now, &busy);
    if (m) {
        take(p, m, now);
        return PICKED;
    }
    p->looking = is_looking(p, zone_data(p->group->zone));
    return busy || p->looking ? PICK_BUSY : PICK_NONE;
}

enum picked pick_next(struct pick *p)
{
    const struct balancer *balancer = p->group->balancer;
    ASSERT(!p->peer);
    if (!p->begun && balancer->begin && !balancer->begin(p))
        return PICK_FAILED;
    if (!p->begun && p->group->sticky && !sticky_begin(p))
        return PICK_FAILED;
    p->begun = true;
    p->looking = false;
    if (!(p->list = lock_list(p)))
        return PICK_FAILED;
    const enum picked picked = pick_locked(p);
    p->list = NULL;
    zone_unlock(p->group->zone);
    if (p->looking)
        names_hurry(peers_local(p->local), p->group);
    return picked;
}

/* --- letting go ------------------------------------------------------------------------------- */

static void forget_slowly(double *mean, int64_t msec)
{
    if (msec < 0)
        return;
    *mean = *mean > 0 ? *mean + ((double)msec - *mean) / FORGET : (double)msec;
}

static void succeed(const struct pick *p, struct peer *peer, int64_t now)
{
    if (peer->failed_at >= peer->checked_at)
        return;
    if (p->server->max_fails && peer->fails >= p->server->max_fails && !p->single)
        peer->slow_since = now;
    peer->fails = 0;
}

/* True: that was once too often. */
static bool count_failure(const struct pick *p, struct peer *peer, int64_t now)
{
    peer->failures++;
    if (p->single)
        return false;
    peer->fails++;
    peer->failed_at = peer->checked_at = now;
    if (p->server->max_fails == 0)
        return false;
    peer->effective_weight -= peer->weight / p->server->max_fails;
    if (peer->effective_weight < 0)
        peer->effective_weight = 0;
    return peer->fails >= p->server->max_fails;
}

/* Under the lock.  True: it is given up for a while. */
static bool let_go(struct pick *p, struct peers_zone *z, enum outcome outcome,
                   int64_t header_time, int64_t all_time)
{
    struct peer *peer = p->peer;
    struct peer_share *mine = p->mine;
    const int64_t now = now_of(p);
    bool given_up = false;
    ASSERT(peer->serial == p->serial && mine->conns > 0 && mine->process == zone_process());
    if (outcome == OUTCOME_GOOD)
        succeed(p, peer, now);
    else if (outcome == OUTCOME_FAILED)
        given_up = count_failure(p, peer, now);
    forget_slowly(&peer->header_time, header_time);
    forget_slowly(&peer->last_byte_time, all_time);
    peer->conns--;
    mine->begun -= p->since;
    mine->conns--;
    peers_unhold(z, peer, mine);
    return given_up;
}

static void wake(struct group_queue *queue, const struct list_link *link)
{
    const struct pick_wait *wait = container_of(link, struct pick_wait, link);
    loop_post(&queue->peers->local->worker->loop, wait->task);
}

static void wake_first(struct group_queue *queue)
{
    const struct list_link *first = list_first(&queue->waits);
    if (first)
        wake(queue, first);
}

void pick_done(struct pick *p, enum outcome outcome, int64_t header_time, int64_t all_time)
{
    const struct zone *zone = p->group->zone;
    struct peers_zone *z = zone_data(zone);
    bool given_up = false;
    if (!p->peer)
        return;
    zone_lock(zone);
    if (p->epoch == z->epoch)
        given_up = let_go(p, z, outcome, header_time, all_time);
    zone_unlock(zone);
    p->peer = NULL;
    p->mine = NULL;
    if (given_up)
        log_write(p->log, LOG_WARN, 0, "upstream server temporarily disabled");
    wake_first(queue_of(p));
}

void pick_keep(struct pick *p, int64_t header_time, struct pick_kept *kept)
{
    const struct zone *zone = p->group->zone;
    const struct peers_zone *z = zone_data(zone);
    *kept = (struct pick_kept){ p->peer, p->mine, p->epoch, p->since };
    zone_lock(zone);
    if (p->peer && p->epoch == z->epoch) {
        succeed(p, p->peer, now_of(p));
        forget_slowly(&p->peer->header_time, header_time);
    }
    zone_unlock(zone);
    p->peer = NULL;
    p->mine = NULL;
}

/* False: the peer is in another zone. */
static bool let_kept_go(const struct pick_kept *kept, const struct zone *zone)
{
    struct peers_zone *z = zone_data(zone);
    struct peer *peer = kept->peer;
    struct peer_share *mine = kept->mine;
    if (z->epoch != kept->epoch)        /* a first look, which costs no lock */
        return false;
    zone_lock(zone);
    const bool here = z->epoch == kept->epoch;
    if (here) {
        ASSERT(mine->conns > 0 && mine->process == zone_process());
        peer->conns--;
        mine->begun -= kept->since;
        mine->conns--;
        peers_unhold(z, peer, mine);
    }
    zone_unlock(zone);
    return here;
}

/* The group may be another one now, or its generation gone: the zone is what matters. */
void pick_let_go(struct pick_kept *kept, struct worker *w)
{
    bool done = kept->peer == NULL;
    for (const struct local *l = w->all; l && !done; l = l->next) {
        struct peers_local *peers = peers_local(l);
        const struct group *group = peers ? peers->groups->first : NULL;
        for (; group && !done; group = group->next)
            if (let_kept_go(kept, group->zone)) {
                wake_first(&peers->queues[group->index]);
                done = true;
            }
    }
    kept->peer = NULL;
}

/* --- waiting ---------------------------------------------------------------------------------- */

void peers_wake(struct group_queue *queue)
{
    list_each(&queue->waits, link)
        wake(queue, link);
}

/* Other processes tell nobody that they let go. */
static void look(struct timer *timer)
{
    struct peers_local *peers = container_of(timer, struct peers_local, look);
    bool any = false;
    for (unsigned i = 0; i < peers->groups->count; i++) {
        any = any || peers->queues[i].waiting > 0;
        peers_wake(&peers->queues[i]);
    }
    if (any)
        timer_set(&peers->local->worker->loop, timer, LOOK_MSEC);
}

bool pick_wait(struct pick *p, struct pick_wait *wait)
{
    struct group_queue *queue = queue_of(p);
    struct peers_local *peers = queue->peers;
    if (list_linked(&wait->link))
        return true;
    if (!p->looking && queue->waiting >= p->group->queue)
        return false;
    list_push(&queue->waits, &wait->link);
    queue->waiting++;
    wait->queue = queue;
    if (!peers->look.set)
        timer_set(&p->local->worker->loop, &peers->look, LOOK_MSEC);
    return true;
}

/* The next one may find what this one did not take. */
void pick_wait_end(struct pick_wait *wait)
{
    if (!list_linked(&wait->link))
        return;
    list_remove(&wait->link);
    wait->queue->waiting--;
    wake_first(wait->queue);
}

/* --- of a worker ------------------------------------------------------------------------------ */

bool peers_prepare(struct local *local, const char **why)
{
    const struct groups *groups = groups_of(local->generation);
    struct loop *loop = &local->worker->loop;
    if (!groups)
        return true;
    *why = "no memory for the servers of upstreams";
    struct peers_local *peers = calloc(1, sizeof(*peers) + groups->count * sizeof(*peers->queues));
    if (!peers || !timers_reserve(&loop->timers, 1)) {
        free(peers);
        return false;
    }
    peers->local = local;
    peers->groups = groups;
    peers->queues = (struct group_queue *)(peers + 1);
    peers->look.fire = look;
    peers->look.idle = true;
    for (unsigned i = 0; i < groups->count; i++) {
        peers->queues[i].peers = peers;
        list_init(&peers->queues[i].waits);
    }
    local->state_of[groups_section.slot] = peers;
    return names_prepare(peers) && health_prepare(peers);
}

static void release_list(const struct group *group, struct peer_list *list)
{
    if (!list)
        return;
    zone_lock(group->zone);
    unhold(zone_data(group->zone), list);
    zone_unlock(group->zone);
    free_list(list);
}

/* What is looked up may be there. */
static bool is_known(const void *generation, struct str name, const struct inet_address *address)
{
    const struct groups *groups = groups_of(generation);
    for (const struct group *group = groups->first; group; group = group->next) {
        if (!str_eq(group->name, name))
            continue;
        for (unsigned i = 0; i < group->nservers; i++) {
            const struct group_server *s = &group->servers[i];
            for (unsigned j = 0; j < s->naddresses; j++)
                if (inet_eq(&s->addresses[j], address))
                    return true;
            if (s->look_up)
                return true;
        }
    }
    return false;
}

void peers_release(struct local *local)
{
    struct peers_local *peers = peers_local(local);
    struct worker *w = local->worker;
    struct loop *loop = &w->loop;
    if (!peers)
        return;
    if (w->current && w->current != local)
        reuse_prune(w, is_known, w->current->generation);
    names_release(peers);
    health_release(peers);
    for (const struct group *group = peers->groups->first; group; group = group->next) {
        struct group_queue *queue = &peers->queues[group->index];
        list_each(&queue->waits, link)
            list_remove(link);
        release_list(group, queue->list);
    }
    timer_cancel(loop, &peers->look);
    timers_unreserve(&loop->timers, 1);
    free(peers);
    local->state_of[groups_section.slot] = NULL;
}
