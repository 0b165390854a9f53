/*
 * What an HTTP module is, and the configuration that requests walk through.
 *
 *     address --> host_map (names of the servers there) --> server --> location --> plan
 *
 * A plan is made once for each location: the phase steps whose enabled() is true, in the order of
 * phases, within a phase in the order of modules.def.  A request walks it from the first step; a
 * plain file passes one or two steps.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "core/conf.h"
#include "core/template.h"

struct request;
struct server;
struct location;

enum phase {
    PHASE_REWRITE,
    PHASE_ACCESS,
    PHASE_CONTENT,
    PHASE_LOG,
    PHASES,
};

enum step {
    STEP_NEXT,                          /* the next step of the plan */
    STEP_WAIT,                          /* an op is pending; this step runs again when it is done */
    STEP_DONE,                          /* the response has been set */
    STEP_FAIL,                          /* r->status says why: an error response */
};

struct phase_step {
    enum phase phase;
    const char *name;
    enum step (*run)(struct request *r);
    bool (*enabled)(const struct conf_block *block);    /* NULL: always */
};

/* A module's part beyond core/conf.h's: found from its struct module. */
struct http_module {
    struct module module;
    const struct phase_step *steps;     /* ends in a row without a name */
    void (*log)(struct request *r);     /* at the end of each request; or NULL */
};

struct plan {
    const struct phase_step **steps;
    unsigned count;
};

/* Those of a server, or nested in another location. */
struct locations {
    struct location *first;             /* as written, until they are ordered */
    struct location **ordered;          /* exact ones first, then longer prefixes before shorter */
    unsigned count;
};

struct location {
    struct location *next;
    struct locations nested;
    struct str name;                    /* the prefix */
    bool exact;
    struct conf_block *block;
    struct plan plan;
};

struct server {
    struct server *next;
    struct conf_block *block;
    struct str name;                    /* the first name; empty: none */
    struct locations locations;
    struct plan plan;                   /* outside every location */
};

#define HTTP_MODULE(name) extern const struct http_module http_##name##_module;
#include "http/modules.def"
#undef HTTP_MODULE

#endif
