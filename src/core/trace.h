/*
 * The one hook through which matching tells why: whoever decides reports each step to it.
 *
 *     server, location, rewrite, ... --trace_step--> struct trace: the debug log, `weir explain`,
 *                                                    the request record
 *
 * Owns nothing.  Off is a null pointer, and then a step costs one test; what must first be built to
 * be told is built under `if (trace_on(t))`.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/str.h"

enum trace_kind {
    TRACE_SERVER,
    TRACE_LOCATION,
    TRACE_REWRITE,
    TRACE_ACCESS,
    TRACE_FILE,
    TRACE_ERROR,
    TRACE_UPSTREAM,
    TRACE_CACHE,
};

struct trace {
    /* `what` was looked at ("location ^~ /images/"), `why` is what came of it ("longest prefix so
     * far"); file and line are those of the configuration, line 0 when there is no such place. */
    void (*step)(struct trace *t, enum trace_kind kind, struct str what, struct str why,
                 struct str file, unsigned line);
};

static inline bool trace_on(const struct trace *t)
{
    return __builtin_expect(t != NULL, 0);
}

static inline void trace_step(struct trace *t, enum trace_kind kind, struct str what,
                              struct str why, struct str file, unsigned line)
{
    if (trace_on(t))
        t->step(t, kind, what, why, file, line);
}

const char *trace_kind_name(enum trace_kind kind);      /* "server" */

#endif
