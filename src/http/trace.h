/*
 * What HTTP reports to a request's trace, and who listens when nobody else does: the debug log.
 *
 *     server, location, rewrite, access ... --r->trace--> tracer --> r->log at debug
 *
 * Owns nothing: a tracer lies in the request's pool.
 */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include "http/request.h"

/* Its log is at debug: the steps are written there, unless somebody else listens. */
void http_trace(struct request *r);

/* "^~ /images/", as a user would write it. */
struct str http_trace_name(const struct request *r, const struct location *l);

/* A step whose place is the location at hand. */
static inline void http_tell(const struct request *r, enum trace_kind kind, struct str what,
                             const char *why)
{
    if (trace_on(r->trace)) {
        const struct conf_block *block = r->location->block;
        trace_step(r->trace, kind, what, str_from(why), block->file, block->line);
    }
}

#endif
