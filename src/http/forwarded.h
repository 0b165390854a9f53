/*
 * Who a request comes from, when proxies that are trusted pass on what they saw.
 *
 *     connection 127.0.0.1     X-Forwarded-For: 192.0.2.1, 10.0.0.7
 *       trusted: look at the last  -->  10.0.0.7
 *       recursive, and 10.0.0.7 is trusted too: at the one before it  -->  192.0.2.1
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "core/inet.h"
#include "http/fields.h"

struct forwarded_from {                 /* the trusted proxies */
    struct inet_cidr *proxies;
    unsigned count;
    bool local;                         /* and whoever comes by a unix socket */
    bool recursive;
};

/* One more that is trusted. */
void forwarded_trust(struct forwarded_from *from, struct pool *pool, const struct inet_cidr *proxy);

/* Replaces *address by what fields of this kind say of it, if it is that of a trusted proxy.  What
 * is no address ends the search. */
void forwarded_address(const struct fields *fields, enum field_id id,
                       const struct forwarded_from *from, struct inet_address *address);
/* The same by one value. */
void forwarded_value(struct str list, const struct forwarded_from *from,
                     struct inet_address *address);
bool forwarded_trusts(const struct forwarded_from *from, const struct inet_address *address);

#endif
