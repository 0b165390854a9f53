/*
 * Names of servers that are looked up at run time, by one worker for all of them.
 * Owns the questions of a worker; answers lie in the zones.
 *
 *     names_local -> question (group, server) -> struct resolve
 *       timer        when the next is due
 *
 * Who finds that a name is due moves the time when it is, so that the others find it is not; if
 * that process dies, the name is due once more when the answer should have been there.  The zone is
 * looked at only for questions whose time has come as far as this worker knows, and a few are asked
 * at a time: each has sockets of its own.
 */
#include "core/generation.h"
#include "core/log.h"
#include "event/worker.h"
#include "http/upstream/peers_zone.h"

enum { AGAIN_MSEC = 5000, LEAST_MSEC = 1000, MARGIN_MSEC = 1000, MOST_MSEC = 60000,
       PREPARED_MSEC = 100, ASKING_MOST = 100 };

static const int64_t DAY_MSEC = 24 * 3600 * 1000;

struct question {
    struct resolve resolve;
    struct names_local *names;
    const struct group *group;
    const struct group_server *server;
    int64_t due;                        /* when to look again whether it is */
    bool asking;
};

struct names_local {
    struct peers_local *peers;
    struct timer timer;
    unsigned count, asking;
    unsigned turn;                      /* who comes first when not all can be asked */
    struct question at[];
};

static struct loop *loop_of(const struct names_local *names)
{
    return &names->peers->local->worker->loop;
}

/* The zone's part of it, under the lock; NULL: the zone is full. */
static struct peer_name *name_of(const struct question *q, struct group_state **state)
{
    struct peers_zone *z = zone_data(q->group->zone);
    *state = peers_state(z, q->group->key);
    return *state ? peers_name(z, *state, q->server->question) : NULL;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void tell(const struct question *q, bool kept)
{
    const struct resolve *r = &q->resolve;
    if (r->status != RESOLVE_OK)
        log_write(log_process, LOG_ERROR, 0, "%.*s could not be resolved (%d: %s)",
                  STR_FMT(r->name), (int)r->status, resolve_reason(r->status));
    else if (!kept)
        log_write(log_process, LOG_CRIT, 0, "no memory in the zone of upstream \"%.*s\"",
                  STR_FMT(q->group->name));
}

/* Without an answer the addresses that were known stay: what others were told may be newer than
 * what this worker knew last. */
static bool keep(const struct question *q, int64_t now)
{
    struct peers_zone *z = zone_data(q->group->zone);
    const struct resolve *r = &q->resolve;
    struct group_state *state;
    struct peer_name *name = name_of(q, &state);
    if (!name)
        return false;
    name->settled = true;
    if (r->status != RESOLVE_OK || (r->stale && name->count > 0)) {
        name->ask_at = now + AGAIN_MSEC;
        return true;
    }
    const int64_t ttl = r->ttl_ms < LEAST_MSEC ? LEAST_MSEC
                        : r->ttl_ms > DAY_MSEC ? DAY_MSEC : r->ttl_ms;
    name->ask_at = now + ttl;
    return peers_answer(z, state, name, r->at, r->count);
}

static void answered(struct resolve *resolve)
{
    struct question *q = container_of(resolve, struct question, resolve);
    struct names_local *names = q->names;
    q->asking = false;
    names->asking--;
    q->due = 0;
    zone_lock(q->group->zone);
    const bool kept = keep(q, loop_of(names)->now);
    zone_unlock(q->group->zone);
    tell(q, kept);
    peers_wake(&names->peers->queues[q->group->index]);
    timer_set(loop_of(names), &names->timer, 1);
}

/* --- questions -------------------------------------------------------------------------------- */

static void ask(struct question *q)
{
    struct worker *w = q->names->peers->local->worker;
    struct resolver *resolver = worker_resolver(w, q->group->resolver);
    if (!resolver)
        return;
    q->resolve = (struct resolve){ .name = q->server->host, .port = q->server->port,
                                   .service = q->server->service, .done = answered };
    q->asking = true;
    q->names->asking++;
    resolve_start(resolver, &q->resolve, q->group->resolver_timeout);
}

/* True: this process asks. */
static bool claim(struct question *q, int64_t now)
{
    const int64_t timeout = q->group->resolver_timeout;
    struct group_state *state;
    zone_lock(q->group->zone);
    struct peer_name *name = name_of(q, &state);
    const bool mine = name && now >= name->ask_at;
    if (mine)
        name->ask_at = now + (timeout < DAY_MSEC ? timeout : DAY_MSEC) + MARGIN_MSEC;
    q->due = name ? name->ask_at : now + AGAIN_MSEC;
    zone_unlock(q->group->zone);
    if (q->due > now + MOST_MSEC)
        q->due = now + MOST_MSEC;
    return mine;
}

/* Nobody waits for this process any more. */
static void give_back(struct question *q)
{
    struct group_state *state;
    resolve_cancel(&q->resolve);
    if (!q->asking)
        return;
    zone_lock(q->group->zone);
    struct peer_name *name = name_of(q, &state);
    if (name)
        name->ask_at = 0;
    zone_unlock(q->group->zone);
}

/* Before the generation is the current one its zones are not used; afterwards the next one asks. */
static void fire(struct timer *timer)
{
    struct names_local *names = container_of(timer, struct names_local, timer);
    const struct local *local = names->peers->local;
    const int64_t now = loop_of(names)->now;
    int64_t next = now + MOST_MSEC;
    if (local->state == LOCAL_PREPARED)
        next = now + PREPARED_MSEC;
    for (unsigned i = 0; i < names->count && local->state == LOCAL_CURRENT; i++) {
        struct question *q = &names->at[(names->turn + i) % names->count];
        if (q->asking)
            continue;
        if (q->due <= now && names->asking == ASKING_MOST) {
            names->turn = (unsigned)(q - names->at);
            break;                      /* until an answer comes */
        }
        if (q->due <= now && claim(q, now))
            ask(q);
        next = q->due < next ? q->due : next;
    }
    if (local->state != LOCAL_RETIRED)
        timer_set(loop_of(names), timer, next - now);
}

/* The zone may have been emptied since; or the one who asks has died. */
void names_hurry(struct peers_local *peers, const struct group *group)
{
    struct names_local *names = peers->names;
    if (peers->local->state != LOCAL_CURRENT || !names)
        return;
    for (unsigned i = 0; i < names->count; i++)
        if (names->at[i].group == group)
            names->at[i].due = 0;
    timer_set(loop_of(names), &names->timer, 1);
}

/* --- of a worker ------------------------------------------------------------------------------ */

static unsigned count(const struct groups *groups)
{
    unsigned n = 0;
    for (const struct group *group = groups->first; group; group = group->next)
        for (unsigned i = 0; i < group->nservers; i++)
            n += group->servers[i].look_up;
    return n;
}

static void add(struct names_local *names, const struct group *group)
{
    for (unsigned i = 0; i < group->nservers; i++)
        if (group->servers[i].look_up)
            names->at[names->count++] = (struct question){
                .names = names, .group = group, .server = &group->servers[i],
            };
}

bool names_prepare(struct peers_local *peers)
{
    const unsigned n = count(peers->groups);
    struct loop *loop = &peers->local->worker->loop;
    if (n == 0)
        return true;
    struct names_local *names = calloc(1, sizeof(*names) + n * sizeof(names->at[0]));
    if (!names || !timers_reserve(&loop->timers, 1)) {
        free(names);
        return false;
    }
    peers->names = names;
    names->peers = peers;
    names->timer.fire = fire;
    names->timer.idle = true;
    for (const struct group *group = peers->groups->first; group; group = group->next)
        add(names, group);
    timer_set(loop, &names->timer, 1);
    return true;
}

void names_release(struct peers_local *peers)
{
    struct names_local *names = peers->names;
    if (!names)
        return;
    for (unsigned i = 0; i < names->count; i++)
        give_back(&names->at[i]);
    timer_cancel(loop_of(names), &names->timer);
    timers_unreserve(&loop_of(names)->timers, 1);
    peers->names = NULL;
    free(names);
}
