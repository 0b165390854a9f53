/*
 * Groups of servers, as configured: `upstream name { ... }`, and one for each address that a
 * directive such as proxy_pass names by itself.
 *
 *     struct group (generation)
 *       servers -> [ "a:80" weight=2 | addresses ] [ "b:80" backup ] [ "c.test" resolve ] ...
 *       balancer, its settings           how one of them is chosen      (balancer.h)
 *       zone                             what is known of their peers   (peers.h), of all workers
 *       index                            each worker's list of members is found by it
 *
 * A server is what was written; a peer is one address of it.
 */
#ifndef HTTP_UPSTREAM_GROUP_H
#define HTTP_UPSTREAM_GROUP_H

#include "core/inet.h"
#include "core/map.h"
#include "core/template.h"
#include "core/zone.h"

struct balancer;
struct group;
struct health_conf;
struct request;
struct resolver_conf;
struct sticky;

struct group_server {
    struct str text;                    /* as written, without parameters: "backend:8080" */
    struct inet_address *addresses;     /* known when the configuration was read */
    unsigned naddresses;
    bool look_up;                       /* `resolve`, or its name was not known then: workers ask */
    struct str host, service;           /* what they ask for */
    struct str question;                /* the same as one text, in the zone */
    uint16_t port;
    int64_t weight, max_conns, max_fails;       /* max_conns 0: any; max_fails 0: never counted */
    int64_t fail_timeout, slow_start;           /* milliseconds */
    struct str route;                   /* of sticky; empty: made of the address */
    bool backup, down, drain;
};

struct group_keepalive {
    int64_t connections;                /* idle ones a worker keeps; 0: none */
    bool local;                         /* not shared by locations */
    int64_t requests, time, timeout;    /* of one connection; milliseconds */
};

struct group {
    struct conf_set set;
    struct group *next;
    struct str name;                    /* of the block, or the address as written */
    bool implicit;                      /* no block: a single address of a directive */
    bool read;                          /* its block is being read, or was */
    unsigned index;                     /* in its generation */
    struct str key;                     /* the name in its zone; that of one without a block has the
                                           port behind it */
    struct str host;                    /* implicit: what with its port makes it this one */
    uint16_t port;
    struct group_server *servers;
    unsigned nservers;
    const struct balancer *balancer;
    void *balancing;                    /* its settings */
    const struct sticky *sticky;        /* NULL: none */
    struct group_keepalive keepalive;
    int64_t queue, queue_timeout;       /* 0: nobody waits */
    struct zone *zone;
    const struct resolver_conf *resolver;       /* NULL: the system's */
    int64_t resolver_timeout;
    const struct health_conf *health;   /* NULL: not checked */
};

struct groups {                         /* of a generation: the structure of its http block */
    struct conf_set set;
    struct group *first, *last;
    unsigned count;
    struct map by_name;                 /* the blocks */
};

/* Sections of the http block and of upstream blocks.  Other files may have sections in upstream
 * blocks, too: conf_block.data of these is the group. */
extern struct section groups_section, group_section;

/* module.finish: every group gets its zone. */
bool groups_finish(struct conf *cf);
/* Of the generation; NULL: it has no http block. */
const struct groups *groups_of(const struct generation *gen);

/* While configuration is read: the group of this name, or one made for this address (`port` when
 * it has none).  The upstream block may come later: it is looked for among what is not read yet.
 * NULL: reported at argument `arg`. */
struct group *group_use(struct conf *cf, struct str name, uint16_t port, unsigned arg);

/* At run time, by a name that came out of variables; NULL: no block is called so. */
const struct group *group_find(const struct local *local, struct str name);

#endif
