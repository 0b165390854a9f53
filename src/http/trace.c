/*
 * Why a request is answered as it is, in the debug log: a line for each step that is reported.
 * Owns nothing: a tracer lies in the request's pool.
 */
#include "http/trace.h"

struct tracer {
    struct trace trace;
    const struct request *request;
};

static void write_step(struct trace *t, enum trace_kind kind, struct str what, struct str why,
                       struct str file, unsigned line)
{
    const struct log *log = &container_of(t, struct tracer, trace)->request->log;
    if (line)
        log_write(log, LOG_DEBUG, 0, "%s: \"%.*s\" %.*s in %.*s:%u", trace_kind_name(kind),
                  STR_FMT(what), STR_FMT(why), STR_FMT(file), line);
    else
        log_write(log, LOG_DEBUG, 0, "%s: \"%.*s\" %.*s", trace_kind_name(kind), STR_FMT(what),
                  STR_FMT(why));
}

void http_trace(struct request *r)
{
    if (r->trace && (r->trace->step != write_step
                     || container_of(r->trace, struct tracer, trace)->request == r))
        return;
    struct tracer *tracer = pool_new(r->subject.pool, struct tracer);
    tracer->trace.step = write_step;
    tracer->request = r;
    r->trace = &tracer->trace;
}

struct str http_trace_name(const struct request *r, const struct location *l)
{
    static const char *const marks[] = {
        [LOCATION_PREFIX] = "", [LOCATION_NO_REGEX] = "^~ ", [LOCATION_EXACT] = "= ",
        [LOCATION_REGEX] = "~ ", [LOCATION_NAMED] = "", [LOCATION_OUTSIDE] = "server ",
        [LOCATION_IF] = "if in ", [LOCATION_LIMITED] = "limit_except in ",
    };
    const bool caseless = l->kind == LOCATION_REGEX && l->regex->caseless;
    const struct str name = l->kind == LOCATION_OUTSIDE ? r->server->name : l->name;
    return fmt_pool(r->subject.pool, "%s%.*s", caseless ? "~* " : marks[l->kind], STR_FMT(name));
}
