/*
 * Health checks: the servers of a group are asked by themselves, and those that do not answer well
 * get no requests.
 *
 *     location { proxy_pass http://group; health_check ...; }
 *
 *     group->health -> struct health_conf -> health_check -> health_check ...   (generation)
 *                                              match -> status, header, body, require
 *     peer->checks  -> struct peer_check ...  one of each health_check              (zone)
 *     state->lease     the one process that asks, for all workers                   (zone)
 *     struct health_local: timer, probes that run                                   (worker)
 *
 * A peer is healthy when all checks of its group say so.  What is known of it lies in the zone and
 * so survives reloads and the end of whoever asked.
 */
#ifndef HTTP_UPSTREAM_HEALTH_H
#define HTTP_UPSTREAM_HEALTH_H

#include "core/regex.h"
#include "core/template.h"
#include "http/upstream/peers.h"

struct health_local;
struct location;
struct peers_local;
struct peers_zone;
struct upstream_conf;

enum {
    HEALTH_BODY_MOST = 256 << 10,       /* of a body, what is looked at */
    HEALTH_PROBES_MOST = 64,            /* that run at a time */
};

/* --- what is a good answer: `match` ----------------------------------------------------------- */

enum health_test {
    HEALTH_HAS,                         /* header X; */
    HEALTH_LACKS,                       /* header ! X; */
    HEALTH_IS, HEALTH_IS_NOT,           /* = and != */
    HEALTH_LIKE, HEALTH_UNLIKE,         /* ~ and !~ */
};

struct health_range {
    unsigned from, to;
};

struct health_header {
    struct health_header *next;
    enum health_test test;
    struct str name, value;
    const struct regex *regex;
};

struct health_body {
    struct health_body *next;
    enum health_test test;              /* LIKE or UNLIKE */
    const struct regex *regex;
};

struct health_require {
    struct health_require *next;
    struct template value;
};

struct health_match {
    struct health_match *next;
    struct str name;
    struct health_range *statuses;
    unsigned nstatuses;                 /* 0: any will do */
    bool other_statuses;                /* "!": all but these */
    struct health_header *headers, **headers_end;
    struct health_body *bodies, **bodies_end;
    struct health_require *requires, **requires_end;
};

/* health_match.c.  NULL: it is good; else what is wrong, for the log.  `match` NULL: the status is
 * 200 to 399, and nothing else is asked for. */
const char *health_match_status(const struct health_match *match, unsigned status);
/* `head` is a whole one, and valid. */
const char *health_match_headers(const struct health_match *match, struct local *local,
                                 struct str head);
const char *health_match_body(const struct health_match *match, struct local *local,
                              struct str body);
const char *health_match_requires(const struct health_match *match, struct subject *s);

/* --- configuration ---------------------------------------------------------------------------- */

struct health_check {
    struct health_check *next;          /* of its group */
    uint64_t key;                       /* the same in the next generation, if it is the same */
    struct group *group;
    const struct location *location;
    const struct upstream_conf *conf;   /* timeouts, own address */
    const struct health_match *match;   /* NULL: none was named */
    struct str match_name;
    struct str request;                 /* empty: being connected is enough */
    int64_t interval, jitter, keepalive_time;   /* milliseconds; keepalive_time 0: one a probe */
    int64_t fails, passes;
    bool mandatory, persistent;
    uint16_t port;                      /* 0: that of the peer */
};

struct health_conf {
    struct health_check *first;
    unsigned count;
    bool mandatory;                     /* one of them is */
};

/* --- hooks ------------------------------------------------------------------------------------ */

/* Under the lock of the zone: the newest generation takes the peer into a list. */
void health_settle(struct peers_zone *z, const struct group *group, struct peer *peer);

/* Of a worker, for a generation.  False: no memory. */
bool health_prepare(struct peers_local *peers);
void health_release(struct peers_local *peers);

#endif
