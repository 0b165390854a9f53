/*
 * /etc/hosts and /etc/resolv.conf: parsers over their text.
 *
 *     "127.0.0.1 localhost self  # here"      localhost -> 127.0.0.1, ::1
 *     "::1       localhost"                   self      -> 127.0.0.1
 *
 * What cannot be read in a line is passed over, as the C library does: these files are not ours.
 */
#ifndef EVENT_HOSTS_H
#define EVENT_HOSTS_H

#include "core/inet.h"
#include "core/map.h"

struct hosts_address {
    struct hosts_address *next;         /* in the order of the lines */
    struct inet_address address;        /* without a port */
};

struct hosts_name {
    struct hosts_address *first, **end;
};

struct hosts {
    struct map names;                   /* -> struct hosts_name; all zeros: there are none */
};

/* All of it lies in the pool, which is failed when there was no memory; the text may go. */
void hosts_parse(struct hosts *hosts, struct pool *pool, const struct siphash_key *key,
                 struct str text);
/* In any case of letters, without a dot at its end.  NULL: not there. */
const struct hosts_name *hosts_find(const struct hosts *hosts, struct str name);

enum {
    RESOLV_SERVERS = 3,
    RESOLV_SEARCH = 6,
    RESOLV_NDOTS_MOST = 15,
    RESOLV_TIMEOUT_MOST = 30,
    RESOLV_ATTEMPTS_MOST = 5,
};

struct resolv_conf {
    struct inet_address servers[RESOLV_SERVERS];        /* 127.0.0.1 when there is none */
    unsigned nservers;
    struct str search[RESOLV_SEARCH];   /* parts of the text */
    unsigned nsearch;
    unsigned ndots;                     /* 1 by default */
    unsigned timeout, attempts;         /* seconds, rounds; 0: nothing was said */
};

void resolv_conf_parse(struct resolv_conf *conf, struct str text);

#endif
