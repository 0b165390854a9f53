/*
 * What an HTTP module is, and the configuration that requests walk through.
 *
 *     address --> names --> server --> location --> plan --> steps of phases, filters
 *
 * A plan is made once for each location: the steps and filters whose enabled() is true, in the
 * order of phases, within a phase in the order of modules.def; filters in that of filters.def.
 * A request walks it from the first step; a plain file passes one or two, and no filter.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "config.h"
#include "core/conf.h"
#include "core/template.h"
#include "event/flow.h"

struct remnant;
struct request;
struct server;
struct location;
struct upstream_conf;

/* The first two walk the server's plan, the others that of the location chosen between them; when
 * REWRITE has changed the path, a location is chosen again. */
enum phase {
    PHASE_POST_READ,
    PHASE_SERVER_REWRITE,
    PHASE_REWRITE,
    PHASE_PREACCESS,
    PHASE_ACCESS,
    PHASE_PRECONTENT,
    PHASE_HANDLER,                      /* what a directive such as proxy_pass asks for: a place has
                                           one, and in an `if` it is instead of that around it */
    PHASE_CONTENT,
    PHASE_LOG,                          /* at the end, whatever became of it */
    PHASES,
};

enum step {
    STEP_NEXT,                          /* the next step of the plan */
    STEP_WAIT,                          /* an op is pending; this step runs again when it is done */
    STEP_ALLOW,                         /* access was granted: enough for `satisfy any` */
    STEP_ROUTE,                         /* another path or location was asked for */
    STEP_DONE,                          /* the response has been set */
    STEP_FAIL,                          /* r->out.status says why: an error response */
};

struct phase_step {
    enum phase phase;
    const char *name;
    enum step (*run)(struct request *r);
    bool (*enabled)(const struct conf_block *block);    /* NULL: always */
};

/* --- filters ---------------------------------------------------------------------------------- */

enum join {
    JOIN_PASS,                          /* nothing to do for this response */
    JOIN_IN,                            /* the body goes through it (it may have edited the head) */
    JOIN_REFUSE,                        /* the error page of r->out.status is the answer instead */
};

struct filter {
    struct sink sink;                   /* what stands before it writes here */
    const struct filter_type *type;
    struct request *request;
    struct sink *to;                    /* what stands behind it */
    void *data;
    bool waiting;                       /* it holds bytes back, and resume() will move them */
    struct filter *above;               /* the one before it in the way of the body */
};

struct filter_type {
    const char *name;
    bool (*enabled)(const struct conf_block *block);    /* NULL: always */
    /* The head is about to leave: looks, edits it, joins. */
    enum join (*head)(struct request *r, struct filter *f);
    /* Passes on to f->to, now or later: FULL when the source should wait.  Bytes that it keeps and
     * can only pass on later set `waiting`.  NULL: the filter never joins. */
    enum flow (*body)(struct filter *f, struct chain *data, enum mark mark);
    /* There is room behind it again, or request_wake() was called: goes on with what it holds. */
    void (*resume)(struct filter *f);
    bool needs_memory;                  /* bytes of files are read for it */
    bool subrequests;                   /* its output has places for those of subrequests */
};

/* --- modules ---------------------------------------------------------------------------------- */

/* A module's part beyond core/conf.h's: found from its struct module. */
struct http_module {
    struct module module;
    const struct phase_step *steps;     /* ends in a row without a name */
    /* The request becomes a tunnel, and ends: adds what lasts until the tunnel's end to the list
     * (http/remnant.h); or NULL. */
    void (*leave)(struct request *r, struct remnant **list);
};

struct plan {
    const struct phase_step **steps;
    uint8_t begin[PHASES + 1];          /* of each phase in `steps` */
    const struct filter_type **filters;
    uint8_t upper, nfilters;            /* of subrequests too; of all */
};

/* --- servers and locations -------------------------------------------------------------------- */

enum location_kind {
    LOCATION_PREFIX,
    LOCATION_NO_REGEX,                  /* ^~ */
    LOCATION_EXACT,                     /* = */
    LOCATION_REGEX,
    LOCATION_NAMED,
    LOCATION_OUTSIDE,                   /* of a server: for what no location is chosen for */
    LOCATION_IF,
    LOCATION_LIMITED,                   /* limit_except */
};

/* Those of a server, or nested in another location; core: http/location.c. */
struct locations {
    struct location *first;             /* as written */
    struct location_tree *tree;         /* exact ones and prefixes */
    struct location **regexes, **named;
    unsigned nregexes, nnamed;
};

struct location {
    struct location *next;
    struct locations nested;
    enum location_kind kind;
    struct str name;                    /* the prefix, or the text of the regex */
    const struct regex *regex;
    struct conf_block *block;
    void **conf;                        /* block->conf */
    struct location *outer;             /* it is nested in; NULL: of a server */
    struct location *implied;           /* list: if blocks, limit_except; what they are in: outer */
    struct location *next_implied;
    struct location *limited;           /* one of them, for methods that are not in `methods` */
    uint32_t methods;
    const struct upstream_conf *upstream;       /* its requests are passed on; NULL: they are not */
    bool slash;                         /* "/x/" answers "/x" by a redirect: proxy_pass and such */
    struct plan plan;
};

struct server {
    struct server *next;
    struct conf_block *block;
    struct str name;                    /* the first name; empty: none */
    struct location outside;
    struct locations locations;
};

#define HTTP_MODULE(name) extern const struct http_module http_##name##_module;
#include "http/modules.def"
#undef HTTP_MODULE

#define FILTER(name) extern const struct filter_type http_##name##_filter;
#define SLOTS
#include "http/filters.def"
#undef FILTER
#undef SLOTS

#endif
