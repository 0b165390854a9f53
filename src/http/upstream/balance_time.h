/*
 * Times of a peer, for the balancers that compare them.
 */
#ifndef HTTP_UPSTREAM_BALANCE_TIME_H
#define HTTP_UPSTREAM_BALANCE_TIME_H

#include "http/upstream/balancer.h"

enum time_kind { TIME_HEADER, TIME_LAST_BYTE };

static inline bool time_kind(struct str word, enum time_kind *kind)
{
    *kind = str_eq(word, STR("header")) ? TIME_HEADER : TIME_LAST_BYTE;
    return *kind == TIME_HEADER || str_eq(word, STR("last_byte"));
}

/* Milliseconds; 0: it was never measured. */
static inline double time_mean(const struct peer *peer, enum time_kind kind, bool inflight,
                               int64_t now)
{
    const double mean = kind == TIME_HEADER ? peer->header_time : peer->last_byte_time;
    int64_t begun = 0;
    if (!inflight || peer->conns == 0)
        return mean;
    for (const struct peer_share *share = peer->shares; share; share = share->next)
        begun += share->begun;
    const double waits = (double)now - (double)begun / peer->conns;
    return waits > mean ? waits : mean;
}

#endif
