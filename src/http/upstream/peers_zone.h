/*
 * What lies in a zone of peers.  All of this under its lock.
 *
 *     struct peers_zone (shared by the groups that name it)
 *       group_state "backend"   version
 *         names   "c.test:80" -> addresses, when to ask next      answers of whoever asked
 *         peers   address, twin -> struct peer -> shares          one a process
 *                                             \-> checks          one a health_check
 *       group_state ...
 *
 * When it is full, what nobody shares is thrown away.  The state of a group may be, too, when it
 * has no peers: who keeps a pointer to one compares `sweeps`.
 */
#ifndef HTTP_UPSTREAM_PEERS_ZONE_H
#define HTTP_UPSTREAM_PEERS_ZONE_H

#include "core/slab.h"
#include "event/resolver.h"
#include "http/upstream/peers.h"

struct name_address {
    struct inet_address address;
    uint16_t priority, weight;          /* SRV */
};

struct peer_name {
    struct peer_name *next;
    struct str question;
    bool settled;                       /* there was an answer once, if only that there is none */
    int64_t ask_at;                     /* by whoever comes first then, who moves it */
    struct name_address *at;
    unsigned count;
};

struct health_lease {                   /* of health.h */
    uint32_t process;                   /* who asks for all; 0: nobody */
    unsigned generation;                /* the newest that has had it */
    int64_t until;
};

struct group_state {
    struct group_state *next;
    struct str name;
    uint64_t version;
    unsigned generation;                /* the newest that has made a list */
    struct peer *peers;
    struct peer_name *names;
    struct health_lease lease;
};

struct peers_zone {
    uint64_t epoch;                     /* another one when the zone was emptied */
    uint64_t sweeps, serial;
    uint32_t deaths;
    struct slab *slab;
    struct group_state *groups;
};

extern const struct zone_type peers_zone_type;

/* Bytes that a group may need. */
size_t peers_zone_need(const struct group *group);

/* The shares of processes that are gone go, too. */
void peers_bury(struct peers_zone *z);

/* Found, or made; NULL: full. */
struct group_state *peers_state(struct peers_zone *z, struct str name);
struct peer_name *peers_name(struct peers_zone *z, struct group_state *state, struct str question);
/* With the share of this process, where the caller counts a list. */
struct peer *peers_hold(struct peers_zone *z, struct group_state *state,
                        const struct inet_address *address, unsigned twin,
                        struct peer_share **share);
/* Something was counted down there: frees it when nothing is left. */
void peers_unhold(struct peers_zone *z, struct peer *peer, struct peer_share *share);

/* Frees the peers that nobody shares, and names that this group does not ask for. */
void peers_collect(struct peers_zone *z, struct group_state *state, const struct group *group);

/* Found, or made; NULL: full. */
struct peer_check *peers_check(struct peers_zone *z, struct group_state *state, struct peer *peer,
                               uint64_t key);
/* Frees those of generations before this one; 0: all. */
void peers_drop_checks(struct peers_zone *z, struct peer *peer, unsigned generation);

/* The answer; other addresses are another version.  False: full, those before stay. */
bool peers_answer(struct peers_zone *z, struct group_state *state, struct peer_name *name,
                  const struct resolved *at, unsigned count);

/* Of a worker, for a generation. */
struct group_queue {
    struct peers_local *peers;
    struct peer_list *list;             /* NULL: not made yet */
    uint64_t lists;                     /* ever made */
    struct list waits;
    unsigned waiting;
};
struct peers_local {
    struct local *local;
    const struct groups *groups;
    struct group_queue *queues;         /* by group index */
    struct timer look;                  /* while somebody waits */
    struct names_local *names;          /* names.c */
    struct health_local *health;        /* health.c */
};

#define peers_local(local) ((struct peers_local *)(local)->state_of[groups_section.slot])

/* names.c: asks for the names of the generation while it is the current one.  False: no memory. */
bool names_prepare(struct peers_local *peers);
void names_release(struct peers_local *peers);
/* Somebody waits for one of this group that was never answered. */
void names_hurry(struct peers_local *peers, const struct group *group);
/* Those who wait for a group look again. */
void peers_wake(struct group_queue *queue);

#endif
