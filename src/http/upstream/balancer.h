/*
 * A balancer: how one of a group's members is chosen.  One file each, balance_*.c; balancers.def
 * lists them, and group.c makes their directives of it.
 */
#ifndef HTTP_UPSTREAM_BALANCER_H
#define HTTP_UPSTREAM_BALANCER_H

#include "http/upstream/peers.h"

struct balancer {
    const char *name;
    bool steady;                        /* its servers have neither `backup` nor slow_start */
    /* The arguments at hand, into group->balancing; NULL: there are none. */
    bool (*configure)(struct conf *cf, struct group *group);
    /* The group is complete; NULL: that is fine.  False: reported. */
    bool (*check)(struct conf *cf, const struct group *group);
    /* The members are other ones: makes list->table (heap); false: no memory.  NULL: no table. */
    bool (*prepare)(struct peer_list *list);
    /* Before the lock: evaluates what it needs of the request.  False: that failed.  Or NULL. */
    bool (*begin)(struct pick *p);
    /* Under the lock: one of the members [from, to) that is free; NULL: none.  Primaries first;
     * only when they have none, the backups.  *busy: see member_is_free. */
    struct member *(*choose)(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy);
};

/* What a group has without a directive, and what others fall back to. */
extern const struct balancer balance_round_robin;

#define BALANCER(name, min, max, help) extern const struct balancer balance_##name;
#include "http/upstream/balancers.def"
#undef BALANCER

/* The smooth weighted round robin among members that `among` says (NULL: all that are free). */
struct member *round_robin(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy,
                           bool (*among)(const struct member *m, const void *data),
                           const void *data);

/* The primary whose weight this place falls into, when weights lie side by side in their order. */
struct member *primary_at(const struct peer_list *list, int64_t place);

#endif
