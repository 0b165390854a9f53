/*
 * One question to one peer: a connection, and for HTTP a request and its answer.
 *
 *     probe_begin --dial--> CONNECTING --> HEAD --> BODY --> done(p, NULL or what was wrong)
 *                     \---- a connection that was kept ----^
 *
 * `done` comes once, unless probe_cancel was called; probe_begin may call it itself.  Afterwards
 * the probe may begin again, on the connection that it has kept, or is cancelled.
 */
#ifndef HTTP_UPSTREAM_HEALTH_PROBE_H
#define HTTP_UPSTREAM_HEALTH_PROBE_H

#include "core/log_conf.h"
#include "http/upstream/health.h"
#include "http/v1/h1_chunked.h"
#include "http/v1/h1_response.h"

enum probe_state { PROBE_IDLE, PROBE_CONNECTING, PROBE_HEAD, PROBE_BODY };

struct probe {
    struct list_link link;              /* of its owner */
    struct local *local;
    const struct health_check *check;
    struct inet_address address;        /* where to: with the port of the check */
    uint64_t epoch, serial;             /* the peer: see peers.h */
    void (*done)(struct probe *p, const char *why);
    void *data;                         /* of the owner */

    struct log log;
    enum probe_state state;
    struct conn *c;                     /* IDLE: one that was kept, or NULL */
    int64_t until;                      /* monotonic msec: then it took too long */
    bool ours;                          /* what was wrong is not the peer's fault */
    int error;                          /* an errno that belongs to what was wrong; 0: none */
    bool pooled;                        /* it carried another probe before */
    struct pool pool;                   /* while it is not IDLE */
    struct fmt head;
    size_t at, seen;                    /* of it: behind the heads of 1xx; looked at */
    unsigned interims;
    struct h1_response answer;
    struct h1_chunked chunked;
    int64_t left;                       /* of the body; -1: until the server closes */
    bool complete, excess;
    struct fmt body;
};

/* `p` is zero but for the first part. */
void probe_begin(struct probe *p);
/* Whatever it was about; its connection is closed. */
void probe_cancel(struct probe *p);
/* "peer is unhealthy while health checking, health check "m" of peer 127.0.0.1:80 in ..." */
void probe_tell(const struct probe *p, enum log_level level, const char *what);
/* Why it did not pass, after done(). */
void probe_blame(const struct probe *p, const char *why);

#endif
