/*
 * Idle connections to servers, which a worker keeps for its next requests, across reloads.
 *
 *     struct reuse (of a worker)
 *       groups by name: most recent first [ conn ][ conn ] ...   at most keepalive.connections
 *       peers by address: how long this server lets connections idle (learned)
 *
 * A connection here carries nothing; whatever comes on it, or its end, closes it.  How long it was
 * idle when its server closed it is remembered, if that was a second at least, and the next are
 * closed before that.  The number of its requests and when it began are those of struct conn.
 */
#ifndef HTTP_UPSTREAM_REUSE_H
#define HTTP_UPSTREAM_REUSE_H

#include "event/conn.h"
#include "http/upstream/group.h"

struct reuse_key {
    struct str group;                   /* whose limit counts */
    const struct inet_address *address;
    const struct inet_address *bind;    /* where from; it may be the client's; len 0: wherever */
    uint64_t place;                     /* a hash of what else must be equal: protocol, TLS,
                                           socket options; of the location, with `local` */
};

/* The one that was used last; nothing is read from it.  NULL: none.  It is the caller's, without
 * handler, data and timer. */
struct conn *reuse_take(struct worker *w, const struct reuse_key *key);
/* Keeps it, or closes it: it has carried too many requests, or for too long, nothing is kept for
 * this group, the worker ends.  One too many ends the one that is idle longest. */
void reuse_give(struct worker *w, const struct reuse_key *key, struct conn *c,
                const struct group_keepalive *limits);
/* Descriptors or connections ran out: ends the one that is idle longest.  False: there is none. */
bool reuse_evict(struct worker *w);
/* Ends those whose server the configuration does not know any more. */
void reuse_prune(struct worker *w,
                 bool (*known)(const void *data, struct str group, const struct inet_address *to),
                 const void *data);
unsigned reuse_count(const struct worker *w);

#endif
