/*
 * Names in a configuration: the addresses that the system has for them now.
 * The lookup waits for the system's resolver, so it is for those who read configurations.
 */
#ifndef CORE_LOOKUP_H
#define CORE_LOOKUP_H

#include "core/inet.h"
#include "core/pool.h"

/* In the order of nginx: those of IPv4 first, each once.  NULL and *count 0: there are none. */
struct inet_address *lookup_host(struct pool *pool, struct str name, uint16_t port,
                                 unsigned *count);

#endif
