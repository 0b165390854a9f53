/*
 * Names to addresses, asked of DNS servers beside the loop.
 *
 *     struct resolve (a request's)      struct resolver (a worker's, survives reloads)
 *       name, port, service   --waits-->  lookup (name, A)     records, expires
 *       done()                 \------->  lookup (name, AAAA)  being asked: event/dns_client.h
 *
 * A question waits for one lookup of each family; with a service first for SRV, then for those of
 * each target.  A lookup is the cache's entry and the query at once, so that questions about one
 * name share it.  Once one family has answered, the other has 2.5 s left.
 *
 * Records are kept by their TTL (a day at most), or as long as `valid` says; that there are none is
 * kept for 5 s, that servers failed for 1 s.  While no server answers, the last known records serve
 * a day longer.  Of a lookup the first 256 addresses are used, or the first 64 targets; an answer
 * has 512 addresses at most.
 *
 * Without a `resolver` in the configuration it is the system's: /etc/hosts, then the servers and
 * the search list of /etc/resolv.conf; both files are looked at once a second at most.
 */
#ifndef EVENT_RESOLVER_H
#define EVENT_RESOLVER_H

#include "core/conf.h"
#include "core/inet.h"
#include "core/list.h"
#include "event/loop.h"

struct lookup;
struct resolve_target;
struct resolver;

struct resolver_conf {                  /* in the generation */
    const struct inet_address *servers; /* as written, names looked up; at least one */
    unsigned nservers;
    int64_t valid_ms;                   /* 0: the records' TTL */
    bool ipv4, ipv6;
    struct str text;                    /* all of that, for comparing */
};

/* resolver <address> ... [valid=<time>] [ipv4=on|off] [ipv6=on|off] [status_zone=<zone>]
 * The field is `const struct resolver_conf *`; NULL: none was given.  Names are looked up when the
 * configuration is read.  `status_zone` is accepted and has no effect. */
extern const struct conf_type conf_type_resolver;

/* The numbers are those of nginx's messages: "could not be resolved (3: Host not found)". */
enum resolve_status {
    RESOLVE_OK,
    RESOLVE_FORMAT = 1,
    RESOLVE_FAILED = 2,
    RESOLVE_NOT_FOUND = 3,
    RESOLVE_UNIMPLEMENTED = 4,
    RESOLVE_REFUSED = 5,
    RESOLVE_TIMED_OUT = 110,
};

const char *resolve_reason(enum resolve_status status);

struct resolved {
    struct inet_address address;        /* with its port */
    uint16_t priority, weight;          /* SRV */
    struct str name;                    /* SRV: the target */
};

struct resolve_wait {
    struct list_link link;              /* of the lookup's */
    struct lookup *lookup;
    struct resolve *q;
    bool over;                          /* the lookup has ended since */
};

/* All zeros but for what is asked. */
struct resolve {
    struct str name;                    /* or an address; these three live until done() */
    uint16_t port;                      /* of the addresses, unless SRV says which */
    struct str service;                 /* "http": SRV of _http._tcp.NAME; "_http._tcp"; or empty */
    void (*done)(struct resolve *q);    /* may free or restart the question */

    enum resolve_status status;         /* the answer, during done() only */
    struct resolved *at;                /* SRV: by priority */
    unsigned count;                     /* more than 0 if RESOLVE_OK */
    int64_t ttl_ms;                     /* may be 0 */
    bool stale;                         /* nobody could say: what this worker knew last */

    struct resolver *resolver;          /* the rest is private; NULL: it is not asking */
    struct list_link link;              /* of the resolver's */
    struct task task;
    struct timer timer;
    struct resolve_wait own[2], *waits; /* `own`, or in the pool */
    unsigned nwaits;
    struct resolve_target *targets;     /* of SRV, once they are known; or NULL */
    struct pool pool;                   /* of the answer */
    int64_t deadline;
    int64_t expires;                    /* of the SRV records */
    unsigned candidate;                 /* of the search list */
    bool known;                         /* the answer is there without asking */
    bool reserved;
};

/* done() comes later, from the loop, and once. */
void resolve_start(struct resolver *rs, struct resolve *q, int64_t timeout_ms);
/* done() will not come.  Of one that is not asking: nothing. */
void resolve_cancel(struct resolve *q);

/* The one for this configuration (NULL: the system's) in a list of them, made when it is not there;
 * worker_resolver() has the worker's list.  NULL: no memory. */
struct resolver *resolver_get(struct resolver **list, struct loop *loop,
                              const struct resolver_conf *conf);
/* All of a list; questions that are left are cancelled. */
void resolver_free_all(struct resolver **list);

#endif
