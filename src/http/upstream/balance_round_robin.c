/*
 * The smooth weighted round robin.  Owns nothing.
 *
 *     weights 5 1 1:   a a b a c a a        each turn every weight is added to its member's sum,
 *                                           the greatest sum is chosen and loses what was added
 */
#include "http/upstream/balancer.h"

/* Failures have taken from the effective weight, and each turn gives a point back. */
static int64_t add_weight(const struct pick *p, const struct member *m, int64_t now)
{
    struct peer *peer = m->peer;
    const int64_t weight = member_weight(p, m, now);
    const int64_t added = peer->effective_weight < weight ? peer->effective_weight : weight;
    peer->current_weight += added;
    if (peer->effective_weight < m->weight)
        peer->effective_weight += p->list->scale;
    if (peer->effective_weight > m->weight)
        peer->effective_weight = m->weight;
    return added;
}

struct member *round_robin(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy,
                           bool (*among)(const struct member *m, const void *data),
                           const void *data)
{
    struct member *best = NULL;
    int64_t total = 0;
    for (unsigned i = from; i < to; i++) {
        struct member *m = &p->list->members[i];
        if (!member_is_free(p, m, now, busy) || (among && !among(m, data)))
            continue;
        total += add_weight(p, m, now);
        if (!best || m->peer->current_weight > best->peer->current_weight)
            best = m;
    }
    if (best)
        best->peer->current_weight -= total;
    return best;
}

struct member *primary_at(const struct peer_list *list, int64_t place)
{
    unsigned i = 0;
    ASSERT(place >= 0 && place < list->weight);
    for (; place >= list->members[i].weight; i++)
        place -= list->members[i].weight;
    return &list->members[i];
}

static struct member *choose(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy)
{
    return round_robin(p, from, to, now, busy, NULL, NULL);
}

const struct balancer balance_round_robin = { .name = "round_robin", .choose = choose };
