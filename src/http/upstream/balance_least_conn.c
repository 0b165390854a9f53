/*
 * least_conn: the server with the fewest requests for its weight; those that are equal take turns.
 * Owns nothing.
 */
#include "http/upstream/balancer.h"

struct least {
    const struct pick *pick;
    const struct member *member;
    int64_t now;
};

/* Conns of `a` for its weight, against those of `b`: negative, 0, positive. */
static int compare(const struct pick *p, const struct member *a, const struct member *b,
                   int64_t now)
{
    const int64_t left = (int64_t)a->peer->conns * member_weight(p, b, now);
    const int64_t right = (int64_t)b->peer->conns * member_weight(p, a, now);
    return left < right ? -1 : left > right;
}

static bool is_least(const struct member *m, const void *data)
{
    const struct least *least = data;
    return compare(least->pick, m, least->member, least->now) == 0;
}

static struct member *choose(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy)
{
    struct least least = { p, NULL, now };
    for (unsigned i = from; i < to; i++) {
        const struct member *m = &p->list->members[i];
        if (member_is_free(p, m, now, busy)
            && (!least.member || compare(p, m, least.member, now) < 0))
            least.member = m;
    }
    return least.member ? round_robin(p, from, to, now, busy, is_least, &least) : NULL;
}

const struct balancer balance_least_conn = { .name = "least_conn", .choose = choose };
