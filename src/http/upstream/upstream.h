/*
 * The engine that passes a request to another server and its answer to the client, whatever the
 * protocol between them.
 *
 *     module's content step:  upstream_new, then upstream_step, again each time it is woken
 *
 *     IDLE --pick--> QUEUED, RESOLVING, CONNECTING --> AWAITING --head--> ANSWERING --> DONE
 *       ^                          |                      |                   \--> TUNNEL
 *       \----- next server --------+----------------------/
 *                                  \--> FAILED: upstream_step answers with its status
 *
 *     request:  encode_head, then the body (memory, file, or as it comes) --> conn
 *     answer:   conn --> head block --decode_head--> u->head --> r->out
 *               conn --> blocks --decode_body--> pull ---------------------------> filters, client
 *                                           \--> spool (memory, temp file) -----/
 *
 * One try at a time: `c` is its connection, `picked` its peer.  The request waits by `op`, from
 * the first try until the connection was let go.  All of it lies in the request's pool but for the
 * blocks, which marks free.
 */
#ifndef HTTP_UPSTREAM_UPSTREAM_H
#define HTTP_UPSTREAM_UPSTREAM_H

#include "core/spool.h"
#include "event/resolver.h"
#include "http/body.h"
#include "http/upstream/peers.h"
#include "http/upstream/rewrite_fields.h"
#include "http/upstream/upstream_conf.h"

struct upstream;

enum decode {
    DECODE_MORE,                        /* all that was there is used up */
    DECODE_DATA,                        /* body: *data is a part of what was there, not empty */
    DECODE_END,                         /* the head, or the body, is complete */
    DECODE_INTERIM,                     /* head: a 1xx was used up; u->head has it */
    DECODE_UPGRADED,                    /* head: from now on it is a tunnel */
    DECODE_BAD,                         /* u->why says what is wrong */
};

/* A protocol, as a codec of requests and answers. */
struct upstream_protocol {
    const char *name;                   /* "http/1", for logs */
    /* Adds the head of the request, in the pool of the request; once a try.  False: the request
     * fails with 500. */
    bool (*encode_head)(struct upstream *u, struct chain *out);
    /* The body that is there before the request is sent, unframed; NULL: there is none. */
    void (*body)(struct upstream *u, struct chain *out);
    /* Frames a piece of the body; `out` gets it.  NULL: it is passed as it is. */
    void (*encode_body)(struct upstream *u, struct chain *body, struct chain *out, bool last);
    /* `bytes` begin with the head of the answer; *used of them belong to it.  Fills u->head, whose
     * texts may point into them. */
    enum decode (*decode_head)(struct upstream *u, struct str bytes, size_t *used);
    /* Takes from the front of *in; again until it is not DATA. */
    enum decode (*decode_body)(struct upstream *u, struct str *in, struct str *data);
    /* The server closed: whether the body is complete by that. */
    bool (*ends_at_close)(const struct upstream *u);
    /* The answer is complete: whether the connection may carry another request. */
    bool (*reusable)(const struct upstream *u);
    /* What the client gets instead of the value of Location, Refresh, Set-Cookie; or NULL. */
    enum rewritten (*edit_field)(struct upstream *u, const struct field *field, struct str *value);
};

/* The head of an answer. */
struct upstream_head {
    unsigned status;
    struct str reason;
    struct fields fields;
    struct fields trailers;             /* when the body is complete */
    int64_t length;                     /* -1: not known */
    bool bodiless;                      /* nothing follows: HEAD, 204, 304, a length of 0 */
    bool trailers_due;                  /* `trailers` may be there then */
};

enum upstream_state {
    UPSTREAM_IDLE,
    UPSTREAM_RETRYING,                  /* another server is asked in the next turn */
    UPSTREAM_QUEUED,
    UPSTREAM_RESOLVING,
    UPSTREAM_CONNECTING,
    UPSTREAM_AWAITING,                  /* the request leaves; the answer's head is not complete */
    UPSTREAM_ANSWERING,
    UPSTREAM_FAILED,                    /* u->status: what to answer */
    UPSTREAM_DONE,                      /* let go of */
};

/* For the $upstream_ variables; times in msec, -1: not known. */
struct upstream_try {
    struct upstream_try *next;
    struct upstream *upstream;          /* the first of another one follows a " : " */
    struct inet_address address;        /* len 0: there was none, `name` is the group's */
    struct str name;
    unsigned status;                    /* 0: none */
    int64_t began, connect_time, header_time, response_time, queue_time;
    uint64_t sent, received, length;
};

/* All that one request has passed on, to variables. */
struct upstream_log {
    struct upstream_try *first, **end;
    struct upstream *current;           /* the last one: $upstream_http_, $upstream_cookie_ */
};
struct upstream_log *upstream_log(struct request *r);   /* NULL: it has none */

struct upstream_block;

struct upstream {
    struct request *request;
    const struct upstream_protocol *protocol;
    const struct upstream_conf *conf;
    void *data;                         /* of the protocol */
    enum upstream_state state;
    struct op op;
    struct task task;                   /* something is to be done without an event of `c` */
    struct timer timer;                 /* of the queue, of limit_rate */

    /* where to: set by the module, `group` or the three behind it */
    const struct group *group;
    struct str host;                    /* a name or an address, from variables */
    uint16_t port;
    struct inet_address *dynamic;       /* what it was resolved to */
    unsigned ndynamic, next_dynamic;
    struct str scheme, uri;             /* for logs: "http://", "/path" */
    struct inet_address bind;           /* len 0: any */
    struct resolve resolve;
    struct pick pick;
    struct pick_wait wait;
    struct upstream_try *try;
    unsigned tries;                     /* left, after this one */
    int64_t began, queued_at;           /* msec */

    /* the connection and the request on it */
    struct conn *c;
    bool pooled;                        /* it had carried another request before */
    bool second_chance;                 /* one that died in the pool was replaced already */
    bool sent_all;                      /* the request was queued to its end */
    bool send_failed;                   /* the server takes no more; it may have answered */
    bool stream_body;                   /* of the module: the body is passed on as it comes */
    bool body_begun;                    /* such a body cannot be had again */
    unsigned body_status;               /* it will never be complete: what to answer */
    struct body_reader reader;
    uint64_t sent_before, received_before, sent_seen;

    /* the answer */
    struct upstream_head head;
    enum outcome outcome;               /* what the head says of the peer */
    struct upstream_block *block;       /* the head, and what came behind it */
    size_t at;                          /* of it: the head that is read, behind those of 1xx */
    struct upstream_block *reading;     /* `rest` lies in it */
    struct str rest;                    /* not decoded yet */
    struct source source;
    struct spool spool;
    unsigned buffering;
    int64_t rate, rate_since;           /* bytes a second; 0: any */
    uint64_t body_bytes;
    bool upgraded;
    bool stalled;                       /* the client is full: answers go to the spool */
    bool held;                          /* the spool is full as well: the server waits */
    bool ended;                         /* the body is complete, or never will be */
    bool broken;                        /* it never will be */
    bool excess;                        /* there were bytes behind it */
    bool orphan;                        /* the client went, and it is read to its end without it */
    bool unflushed;                     /* bytes were passed on since the last FLUSH */
    struct upstream_stored *stored;     /* NULL: it is not stored */
    unsigned status;                    /* FAILED: what to answer */
    const char *why;                    /* BAD: for the log */
    struct str culprit;
};

/* In a content step; `data` is the protocol's. */
struct upstream *upstream_new(struct request *r, const struct upstream_protocol *protocol,
                              const struct upstream_conf *conf, void *data);
/* The one that this content step has begun and not answered with; NULL: none. */
struct upstream *upstream_of(struct request *r);
/* What the step returns. */
enum step upstream_step(struct upstream *u);

/* --- upstream_head.c: the answer's head becomes the response ---------------------------------- */

/* STEP_NEXT: r->out has it.  Otherwise what the content step returns: X-Accel-Redirect,
 * intercepted errors. */
enum step upstream_answer_head(struct upstream *u);

/* A 1xx has come; 103 may be passed on. */
void upstream_interim(struct upstream *u);

/* --- upstream_retry.c ------------------------------------------------------------------------- */

/* Why a status is no good answer, as a bit of *_next_upstream: NEXT_503 for 503; 0: it is one. */
unsigned upstream_next_of_status(unsigned status);
bool upstream_is_idempotent(const struct request *r);
/* Whether another server may be asked after this. */
bool upstream_may_retry(const struct upstream *u, unsigned why);

/* --- upstream.c, for the other files of the engine -------------------------------------------- */

/* The connection goes to the pool or is closed, the peer is let go. */
void upstream_let_go(struct upstream *u, enum outcome outcome);
/* Its op is done: the request may end, or go on without it. */
void upstream_finish(struct upstream *u);

/* --- upstream_body.c -------------------------------------------------------------------------- */

/* Before the first try.  False: no memory. */
bool upstream_body_init(struct upstream *u);
/* Another try: nothing was read yet. */
void upstream_body_reset(struct upstream *u);
/* The head is complete. */
void upstream_body_begin(struct upstream *u);
/* The connection is readable, or was lost; the last thing that its handler does. */
void upstream_body_ready(struct upstream *u);
/* The server took too long; likewise. */
void upstream_body_lost(struct upstream *u);
/* Nobody will read it: there is another answer. */
void upstream_body_abandon(struct upstream *u);
/* The client went, but the answer is still read. */
void upstream_orphan(struct upstream *u);

/* --- upstream_store.c: *_store ---------------------------------------------------------------- */

void upstream_store_begin(struct upstream *u);
void upstream_store_add(struct upstream *u, struct str bytes);
/* The file gets its name when the answer is whole, and is removed otherwise. */
void upstream_store_end(struct upstream *u, bool whole);

/* --- tunnel.c --------------------------------------------------------------------------------- */

/* After 101: both connections leave the request, which ends.  What the content step returns. */
enum step upstream_tunnel(struct upstream *u);

#endif
