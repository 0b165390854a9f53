/*
 * The Range field (RFC 9110, 14.2): "bytes=0-99,-5" against a size.
 *
 *     "bytes=0-9,200-,-5" of 100 bytes  ->  [0, 10) [95, 100)      one that is outside is left out
 *     "bytes=200-"  "bytes=0-9,x"       ->  not satisfiable        none is left, or one is no range
 *     "items=0-9"   "bytes=0-60,40-"    ->  ignored                unknown, more than all of it
 *
 * Pure, but for range_wanted.
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "core/pool.h"

struct range {
    int64_t from, to;                   /* bytes [from, to) */
};

enum range_result {
    RANGE_IGNORE,                       /* not understood, not worth it, too many, no memory */
    RANGE_OK,
    RANGE_NOT_SATISFIABLE,
};

/* `most`: of ranges; RANGE_OK gives count >= 1 of them, in the order of the field, from `pool`. */
WARN_UNUSED enum range_result range_parse(struct str value, int64_t size, unsigned most,
                                          struct pool *pool, struct range **ranges,
                                          unsigned *count);

/* Content-Range: "bytes 0-9/100"; *size is -1 for "*".  False: it is no range of a body. */
WARN_UNUSED bool range_parse_content(struct str value, struct range *range, int64_t *size);

struct request;

/* range_filter.c: which parts the client wants of a response of r->out.length bytes, as far as that
 * concerns ranges; all of it: RANGE_IGNORE.  At most `most` of them. */
enum range_result range_wanted(struct request *r, unsigned most, struct range **ranges,
                               unsigned *count);

#endif
