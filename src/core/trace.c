/*
 * The names of the kinds of trace steps.
 * Owns nothing.
 */
#include "core/trace.h"

static const char *const kind_names[] = {
    [TRACE_SERVER] = "server", [TRACE_LOCATION] = "location", [TRACE_REWRITE] = "rewrite",
    [TRACE_ACCESS] = "access", [TRACE_FILE] = "file",         [TRACE_ERROR] = "error",
    [TRACE_UPSTREAM] = "upstream", [TRACE_CACHE] = "cache",
};

const char *trace_kind_name(enum trace_kind kind)
{
    ASSERT((size_t)kind < countof(kind_names));
    return kind_names[kind];
}
