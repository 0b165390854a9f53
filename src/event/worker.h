/*
 * A worker: one process, one loop, and what it holds for each generation.
 *
 *     struct worker
 *       loop        descriptors, timers, tasks
 *       current     the generation that new requests begin under; `all`: every one it still holds
 *       listeners   addresses; each with the sockets this worker accepts from
 *       conns       connections, each on one list: busy; heads: a head is awaited or incomplete;
 *                   idle: between two requests.  The first of each has been there longest
 *
 * Messages from the master are handled between turns' events like any other; see core/message.h.
 */
#ifndef EVENT_WORKER_H
#define EVENT_WORKER_H

#include "core/date.h"
#include "core/file_cache.h"
#include "core/generation.h"
#include "core/master.h"
#include "event/conn.h"

struct listener;

struct conn_list {
    struct conn *first, *last;
    unsigned count;
};

struct reuse;
struct resolver;
struct resolver_conf;
struct worker_threads;

struct worker_dates {                   /* as texts, made once a second */
    int64_t second;
    char http[DATE_HTTP], clf[DATE_CLF], iso[DATE_ISO];
};

struct worker {
    struct loop loop;
    unsigned index, workers;
    struct watch channel, signals;
    struct local *current, *all;
    struct listener *listeners;
    struct conn_list conns, heads, idle;
    unsigned most;                      /* connections */
    unsigned dialled;                   /* those that this side began: event/dial.h */
    uint64_t connections;               /* ever accepted: their numbers */
    bool quitting, heir;                /* heir: somebody else serves already */
    bool full;
    struct file_cache files;            /* by worker_files() */
    struct timer sweep;
    struct worker_dates dates;
    struct worker_threads *threads;     /* pools, made when they are first used */
    struct resolver *resolvers;         /* by worker_resolver() */
    struct reuse *reuse;                /* idle connections to servers: of a room above */
    void (*reuse_end)(struct worker *w);        /* when it begins to quit; or NULL */
    uint64_t adopted[16];               /* siblings whose sockets are accepted from, by bit */
    struct timer shutdown, retire;      /* worker_shutdown_timeout: of all, of an old generation */
    struct timer pause;                 /* descriptors ran out */
    struct worker_score *score;         /* of this one */
    const struct worker_score *scores;  /* of all */
    unsigned nscores;
    struct worker_score alone;          /* without a master */
    struct timer life;                  /* likewise: the next sign of it */
    const struct worker_single *single; /* NULL: there is a master */
    struct log log;
};

/* Never returns: a child of the master. */
NORETURN void worker_main(const struct worker_start *start);

/* The one process of `master_process off`: signals act on it.  `remake` gives the generation of a
 * reload, sealed and listening; NULL: it was said why not.  Returns when the server ends. */
struct worker_single {
    struct generation *(*remake)(void *data);
    void *data;
};
void worker_single(struct generation *gen, const struct worker_single *single);

/* A connection between two requests: it may be evicted, and does not hold up the end. */
void worker_idle(struct conn *c, bool idle);

void worker_stage(struct conn *c, enum conn_stage stage);
/* The counts of all workers. */
void worker_sum(const struct worker *w, struct worker_score *sum);

/* Its cache of files, which is swept from now on. */
struct file_cache *worker_files(struct worker *w);

/* The time of this turn. */
struct str worker_http_date(struct worker *w);
struct str worker_clf_date(struct worker *w);
struct str worker_iso_date(struct worker *w);
void worker_iso_ms(struct worker *w, struct fmt *f);    /* with milliseconds */

/* The thread pool of this name, as the current generation has it. NULL: errno. */
struct threads *worker_pool(struct worker *w, struct str name);

/* The resolver of this configuration, which outlives it; NULL: that of the system.  NULL: no
 * memory. */
struct resolver *worker_resolver(struct worker *w, const struct resolver_conf *conf);

/* Whether an answer should carry "Connection: close": this worker is going, or the address is. */
bool worker_wants_close(const struct conn *c);
/* Whether one between two requests should end now: nobody else will serve its next. */
bool worker_closes_idle(const struct conn *c);

#endif
