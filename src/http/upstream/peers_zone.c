/*
 * What lies in a zone of peers: found, made, freed.  Owns nothing but what is in the zone.
 */
#include "http/upstream/peers_zone.h"

#include "http/upstream/health.h"

#include <sys/random.h>

enum { HEAD = 128, PROCESSES = 64, NAMED = 32, BASE = 24 << 10 };

_Static_assert(sizeof(struct peers_zone) <= HEAD, "the slab begins behind it");

/* --- memory ----------------------------------------------------------------------------------- */

static void init(const struct zone *zone)
{
    struct peers_zone *z = zone_data(zone);
    *z = (struct peers_zone){ .deaths = zone_deaths() };
    ASSERT(getrandom(&z->epoch, sizeof(z->epoch), 0) == (ssize_t)sizeof(z->epoch));
    ASSERT(zone->size > HEAD);
    z->slab = slab_init((char *)z + HEAD, zone->size - HEAD);
    ASSERT(z->slab);
}

void peers_drop_checks(struct peers_zone *z, struct peer *peer, unsigned generation)
{
    for (struct peer_check **at = &peer->checks, *check; (check = *at) != NULL;) {
        if (generation && check->generation >= generation) {
            at = &check->next;
            continue;
        }
        *at = check->next;
        slab_free(z->slab, check);
    }
}

static void free_unshared(struct peers_zone *z, struct group_state *state)
{
    for (struct peer **at = &state->peers, *peer; (peer = *at) != NULL;) {
        if (peer->shares) {
            at = &peer->next;
            continue;
        }
        *at = peer->next;
        peers_drop_checks(z, peer, 0);
        slab_free(z->slab, peer);
    }
}

static void free_name(struct peers_zone *z, struct peer_name *name)
{
    if (name->at)
        slab_free(z->slab, name->at);
    slab_free(z->slab, name);
}

/* Everything that nobody shares, but for what is in use just now. */
static void sweep(struct peers_zone *z, const struct group_state *keep)
{
    z->sweeps++;
    for (struct group_state **at = &z->groups, *state; (state = *at) != NULL;) {
        if (state != keep)
            free_unshared(z, state);
        if (state == keep || state->peers) {
            at = &state->next;
            continue;
        }
        *at = state->next;
        for (struct peer_name *name = state->names, *next; name; name = next) {
            next = name->next;
            free_name(z, name);
        }
        slab_free(z->slab, state);
    }
}

static void *alloc(struct peers_zone *z, const struct group_state *keep, size_t size)
{
    void *at = slab_alloc(z->slab, size);
    if (at)
        return at;
    sweep(z, keep);
    return slab_alloc(z->slab, size);
}

/* `text` behind a thing of `size` bytes. */
static void *alloc_named(struct peers_zone *z, const struct group_state *keep, size_t size,
                         struct str text, struct str *copy)
{
    size_t all;
    char *at = add_overflows(size, text.len, &all) ? NULL : alloc(z, keep, all);
    if (!at)
        return NULL;
    if (text.len)
        memcpy(at + size, text.at, text.len);
    *copy = str_of(at + size, text.len);
    return at;
}

/* Generously: pages that nobody touches cost nothing. */
size_t peers_zone_need(const struct group *group)
{
    const unsigned checks = group->health ? group->health->count : 0;
    const size_t peer = sizeof(struct peer) + PROCESSES * sizeof(struct peer_share)
                        + checks * sizeof(struct peer_check);
    size_t need = sizeof(struct group_state) + group->name.len + BASE;
    for (unsigned i = 0; i < group->nservers; i++) {
        const struct group_server *s = &group->servers[i];
        const size_t names = NAMED * (peer + sizeof(struct name_address)) + s->question.len;
        need += s->look_up ? names : s->naddresses * peer;
    }
    return need;
}

/* --- groups and names ------------------------------------------------------------------------- */

static struct group_state *find_state(const struct peers_zone *z, struct str name)
{
    struct group_state *state = z->groups;
    while (state && !str_eq(state->name, name))
        state = state->next;
    return state;
}

struct group_state *peers_state(struct peers_zone *z, struct str name)
{
    struct group_state *state = find_state(z, name);
    struct str copy;
    if (state || !(state = alloc_named(z, NULL, sizeof(*state), name, &copy)))
        return state;
    state->name = copy;
    state->next = z->groups;
    z->groups = state;
    return state;
}

struct peer_name *peers_name(struct peers_zone *z, struct group_state *state, struct str question)
{
    struct peer_name *name = state->names;
    struct str copy;
    while (name && !str_eq(name->question, question))
        name = name->next;
    if (name || !(name = alloc_named(z, state, sizeof(*name), question, &copy)))
        return name;
    name->question = copy;
    name->next = state->names;
    state->names = name;
    return name;
}

static bool is_same(const struct name_address *a, const struct inet_address *address,
                    uint16_t priority, uint16_t weight)
{
    return inet_eq(&a->address, address) && a->priority == priority && a->weight == weight;
}

/* The order says nothing: servers change it with each answer.  Targets of SRV may share an
 * address: each is there as often as before. */
static bool has_all(const struct peer_name *name, const struct resolved *at, unsigned count)
{
    bool same = count == name->count;
    for (unsigned i = 0; same && i < count; i++) {
        const struct name_address *known = &name->at[i];
        int times = 0;
        for (unsigned j = 0; j < count; j++)
            times += is_same(known, &at[j].address, at[j].priority, at[j].weight)
                     - is_same(known, &name->at[j].address, name->at[j].priority,
                               name->at[j].weight);
        same = times == 0;
    }
    return same;
}

bool peers_answer(struct peers_zone *z, struct group_state *state, struct peer_name *name,
                  const struct resolved *at, unsigned count)
{
    name->settled = true;
    if (has_all(name, at, count))
        return true;
    struct name_address *copy = alloc(z, state, size_max(count, 1) * sizeof(*copy));
    if (!copy)
        return false;
    for (unsigned i = 0; i < count; i++)
        copy[i] = (struct name_address){ at[i].address, at[i].priority, at[i].weight };
    if (name->at)
        slab_free(z->slab, name->at);
    name->at = copy;
    name->count = count;
    state->version++;
    return true;
}

static bool asks_for(const struct group *group, struct str question)
{
    for (unsigned i = 0; i < group->nservers; i++)
        if (group->servers[i].look_up && str_eq(group->servers[i].question, question))
            return true;
    return false;
}

void peers_collect(struct peers_zone *z, struct group_state *state, const struct group *group)
{
    free_unshared(z, state);
    for (struct peer_name **at = &state->names, *name; (name = *at) != NULL;) {
        if (asks_for(group, name->question)) {
            at = &name->next;
            continue;
        }
        *at = name->next;
        free_name(z, name);
    }
}

/* --- peers and shares ------------------------------------------------------------------------- */

static struct peer_share *find_share(const struct peer *peer, uint32_t process)
{
    struct peer_share *share = peer->shares;
    while (share && share->process != process)
        share = share->next;
    return share;
}

static struct peer *find_peer(const struct group_state *state, const struct inet_address *address,
                              unsigned twin)
{
    struct peer *peer = state->peers;
    while (peer && !(peer->twin == twin && inet_eq(&peer->address, address)))
        peer = peer->next;
    return peer;
}

static struct peer *add_peer(struct peers_zone *z, struct group_state *state,
                             const struct inet_address *address, unsigned twin)
{
    struct peer *peer = alloc(z, state, sizeof(*peer)), **end = &state->peers;
    if (!peer)
        return NULL;
    peer->address = *address;
    peer->twin = twin;
    peer->serial = ++z->serial;
    while (*end)
        end = &(*end)->next;
    *end = peer;
    return peer;
}

struct peer *peers_hold(struct peers_zone *z, struct group_state *state,
                        const struct inet_address *address, unsigned twin,
                        struct peer_share **share)
{
    struct peer *peer = find_peer(state, address, twin);
    struct peer_share *mine = peer ? find_share(peer, zone_process()) : NULL;
    if (!peer && !(peer = add_peer(z, state, address, twin)))
        return NULL;
    if (!mine) {
        if (!(mine = alloc(z, state, sizeof(*mine))))
            return NULL;
        mine->process = zone_process();
        mine->next = peer->shares;
        peer->shares = mine;
    }
    *share = mine;
    return peer;
}

static void free_share(struct peers_zone *z, struct peer *peer, struct peer_share *share)
{
    struct peer_share **at = &peer->shares;
    while (*at != share)
        at = &(*at)->next;
    *at = share->next;
    ASSERT(peer->conns >= share->conns);
    peer->conns -= share->conns;
    slab_free(z->slab, share);
}

void peers_unhold(struct peers_zone *z, struct peer *peer, struct peer_share *share)
{
    ASSERT(share->process == zone_process());
    if (share->lists == 0 && share->conns == 0)
        free_share(z, peer, share);
}

struct peer_check *peers_check(struct peers_zone *z, struct group_state *state, struct peer *peer,
                               uint64_t key)
{
    struct peer_check **end = &peer->checks;
    while (*end && (*end)->key != key)
        end = &(*end)->next;
    if (!*end && (*end = alloc(z, state, sizeof(**end))) != NULL)
        (*end)->key = key;
    return *end;
}

void peers_bury(struct peers_zone *z)
{
    const uint32_t deaths = zone_deaths();
    if (z->deaths == deaths)
        return;
    for (struct group_state *state = z->groups; state; state = state->next)
        for (struct peer *peer = state->peers; peer; peer = peer->next)
            for (struct peer_share *share = peer->shares, *next; share; share = next) {
                next = share->next;
                if (!zone_process_lives(share->process))
                    free_share(z, peer, share);
            }
    z->deaths = deaths;
}

/* --- a zone of another size ------------------------------------------------------------------- */

static bool copy_checks(struct peers_zone *z, struct group_state *state, struct peer *peer,
                        const struct peer *from)
{
    for (const struct peer_check *old = from->checks; old; old = old->next) {
        struct peer_check *check = peers_check(z, state, peer, old->key);
        if (!check)
            return false;
        struct peer_check *next = check->next;
        *check = *old;
        check->next = next;
    }
    return true;
}

static bool copy_peers(struct peers_zone *z, struct group_state *state,
                       const struct group_state *from)
{
    for (const struct peer *old = from->peers; old; old = old->next) {
        struct peer *peer = add_peer(z, state, &old->address, old->twin);
        if (!peer)
            return false;
        struct peer *next = peer->next;
        const uint64_t serial = peer->serial;
        *peer = *old;
        peer->next = next;
        peer->serial = serial;
        peer->shares = NULL;
        peer->conns = 0;
        peer->checks = NULL;
        if (!copy_checks(z, state, peer, old))
            return false;
    }
    return true;
}

static bool copy_names(struct peers_zone *z, struct group_state *state,
                       const struct group_state *from)
{
    for (const struct peer_name *old = from->names; old; old = old->next) {
        struct peer_name *name = peers_name(z, state, old->question);
        if (!name)
            return false;
        name->settled = old->settled;
        if (old->count == 0)
            continue;
        if (!(name->at = alloc(z, state, old->count * sizeof(*name->at))))
            return false;
        memcpy(name->at, old->at, old->count * sizeof(*name->at));
        name->count = old->count;
    }
    return true;
}

/* What is known of peers, not the connections: who holds some counts them down where it began. */
static void migrate(const struct zone *zone, const struct zone *from)
{
    struct peers_zone *z = zone_data(zone);
    const struct peers_zone *older = zone_data(from);
    for (const struct group_state *old = older->groups; old; old = old->next) {
        struct group_state *state = peers_state(z, old->name);
        if (!state)
            return;
        state->version = old->version;
        state->generation = old->generation;
        if (!copy_names(z, state, old) || !copy_peers(z, state, old))
            return;
    }
}

const struct zone_type peers_zone_type = { "upstream", init, migrate };
