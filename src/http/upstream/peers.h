/*
 * Peers: what all workers know of each address of a group, and the choice of one.
 *
 *     zone of a group (shared)                      struct peer_list (a worker's, of a generation)
 *       version, changes with the members  <======   version   made anew when they differ
 *       names: "c.test" -> addresses, until           members -> [ server | peer | mine ] ...
 *       peers: struct peer, by (server, address) <---------------------/
 *         conns, fails, weights, times, health        primaries first, then backups
 *
 * Everything here happens under the zone's lock, which is held for one scan of the members.  What a
 * process has of a peer, lists and connections, is its share: those of a dead process are taken
 * off, and a peer that nobody shares is freed when the newest generation makes a list without it.
 * So whoever holds a pick may keep the pointer, if the zone is still the one it was (`epoch`).
 *
 *     a request:  pick_init -> pick_next -> (connects, asks) -> pick_done -> pick_next -> ...
 */
#ifndef HTTP_UPSTREAM_PEERS_H
#define HTTP_UPSTREAM_PEERS_H

#include "core/list.h"
#include "core/vars.h"
#include "event/task.h"
#include "http/upstream/group.h"

enum peer_health {
    PEER_UNCHECKED,                     /* nobody checks it: it is as good as others */
    PEER_CHECKING,                      /* `mandatory`: not before its first check has passed */
    PEER_HEALTHY,
    PEER_UNHEALTHY,
};

enum { PEER_MARK = 16 };

struct peer_share {                     /* of one process */
    struct peer_share *next;
    uint32_t process;                   /* zone_process() */
    uint32_t conns, lists;
    int64_t begun;                      /* the sum of when its connections were picked */
};

struct peer_check {                     /* of one health_check: health.h */
    struct peer_check *next;
    uint64_t key;
    unsigned generation;                /* the newest that has it; 0: it was made just now */
    enum peer_health health;            /* CHECKING, HEALTHY or UNHEALTHY */
    uint32_t passes, lapses;            /* in a row */
    int64_t due;
};

struct peer {                           /* in the zone; times are of the monotonic clock, msec */
    struct peer *next;
    struct inet_address address;
    unsigned twin;                      /* the group has this address before: so often */
    uint64_t serial;                    /* no other peer ever has it */
    int64_t weight;                     /* as configured when effective_weight was set */
    uint32_t conns;                     /* in use, by all; the sum of the shares */
    uint32_t fails;
    int64_t failed_at, checked_at;      /* last failure; last time it was tried again after one */
    int64_t current_weight, effective_weight;   /* of the smooth round robin */
    int64_t slow_since;                 /* slow_start: when it came back; 0: long ago */
    double header_time, last_byte_time; /* means that forget: msec */
    uint64_t requests, failures;        /* ever */
    enum peer_health health;            /* of all its checks */
    struct peer_check *checks;
    unsigned char mark[PEER_MARK];      /* of sticky: MD5 of the address, when it is `marked` */
    bool marked;
    struct peer_share *shares;
};

struct group_state;
struct group_queue;

struct member {
    const struct group_server *server;
    struct peer *peer;
    struct peer_share *mine;
    int64_t weight;                     /* configured, or of its SRV record; by list->scale */
    unsigned index;
    bool backup;
};

struct peer_list {
    const struct group *group;
    struct group_state *state;
    uint64_t serial;                    /* of the lists of this group here, from 1 */
    uint64_t epoch, sweeps, version;    /* of the zone when it was made */
    struct member *members;
    unsigned primaries, count;
    int64_t weight;                     /* of the primaries */
    int64_t scale;                      /* of the weights: more than 1 for slow_start's fractions */
    void *table;                        /* the balancer's, made of the members: malloc */
};

/* One request's way through the peers. */
struct pick {
    struct subject *subject;
    const struct log *log;
    struct local *local;
    const struct group *group;
    struct peer_list *list;             /* inside pick_next only */
    uint64_t serial_tried;              /* of the list that `tried` is about */
    uint64_t *tried;                    /* a bit for each member */
    size_t tried_words;
    bool begun;                         /* the balancer has what it needs */
    bool looking;                       /* BUSY: since a name is being looked up */
    struct str key;                     /* hash: of this request */
    uint32_t hash;
    unsigned rehash;
    struct str sticky;                  /* a route or session that was asked for; empty: none */
    /* the one that was picked: */
    struct peer *peer;                  /* NULL: none */
    struct peer_share *mine;
    const struct group_server *server;
    uint64_t epoch, serial;
    struct inet_address address;
    int64_t since;
    bool single;                        /* it is the only one: never given up */
};

enum picked {
    PICKED,                             /* pick.address is where to go */
    PICK_BUSY,                          /* pick_wait may help: those that live have max_conns, or
                                           a name is being looked up for the first time */
    PICK_NONE,                          /* "no live upstreams", which the caller says */
    PICK_FAILED,                        /* evaluation failed, no memory */
};

enum outcome {
    OUTCOME_GOOD,                       /* an answer came */
    OUTCOME_FAILED,                     /* counts against max_fails */
    OUTCOME_NOTHING,                    /* it says nothing of the peer: the client went */
};

/* `p` is zero but for subject, log, local, group, or was used before for another request. */
void pick_init(struct pick *p);
/* One that was not tried yet. */
enum picked pick_next(struct pick *p);
/* How many members there are: what proxy_next_upstream_tries 0 allows. */
unsigned pick_members(struct pick *p);
/* The peer is let go; times in msec, -1: not known.  Idempotent. */
void pick_done(struct pick *p, enum outcome outcome, int64_t header_time, int64_t all_time);

/* Beyond the request and its generation: the peer has answered, and stays in use. */
struct pick_kept {
    struct peer *peer;                  /* NULL: none */
    struct peer_share *mine;
    uint64_t epoch;                     /* of the zone: whichever group has that one */
    int64_t since;
};
void pick_keep(struct pick *p, int64_t header_time, struct pick_kept *kept);
struct worker;
void pick_let_go(struct pick_kept *kept, struct worker *w);

/* For those who wait: their task is posted when a peer of the group was let go, or may have been
 * elsewhere; they try again, and stay where they are in the queue until pick_wait_end. */
struct pick_wait {
    struct list_link link;
    struct group_queue *queue;
    struct task *task;
};
/* False: the queue is full, or there is none.  True as well when it waits already. */
bool pick_wait(struct pick *p, struct pick_wait *wait);
void pick_wait_end(struct pick_wait *wait);

/* module.prepare and release. */
bool peers_prepare(struct local *local, const char **why);
void peers_release(struct local *local);

/* The list as it is now, and the group's zone is locked: the caller unlocks it.  NULL: no memory,
 * and it is not. */
struct peer_list *peers_lock(struct local *local, const struct group *group);

/* --- for balancers: under the lock ------------------------------------------------------------ */

/* Whether it may be asked now: not tried, not down, not failed too often, not full, healthy.
 * *busy is set when only max_conns is against it. */
bool member_is_free(const struct pick *p, const struct member *m, int64_t now, bool *busy);
/* Its weight now, less while it starts slowly. */
int64_t member_weight(const struct pick *p, const struct member *m, int64_t now);

#endif
