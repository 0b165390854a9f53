/*
 * HTTP/1 response heads of a backend, and trailers: pure functions over a slice.
 *
 *     bytes --h1_find_end-------> where the head ends     (http/v1/h1_parse.h)
 *     head  --h1_parse_response-> struct h1_response      (once, when it is complete)
 *     trailer section --h1_parse_trailers-> struct fields
 *
 * What could be read in two ways is refused, never mended; a bare LF ends a line and never leaves
 * as such.  What one connection has to itself is not in `fields` but in the struct: framing, and
 * what the Connection field says.
 *
 *     a name that is no token, or has a blank before its colon      the field is dropped
 *     such a name with the letters of Content-Length,
 *     Transfer-Encoding or Connection; a line without colon         H1_BAD
 *     Connection: X                                                 X is removed; see h1_response.c
 */
#ifndef HTTP_V1_H1_RESPONSE_H
#define HTTP_V1_H1_RESPONSE_H

#include "http/v1/h1_parse.h"

enum { H1_RESPONSE_FIELDS = 1000 };     /* lines of a head, or of trailers, at most */

struct h1_response {
    unsigned status;                    /* 100 to 599 */
    unsigned minor;                     /* of HTTP/1.x: 0 or 1 */
    struct str line;                    /* the status line, without its end */
    struct str reason;                  /* may be empty */
    struct fields fields;               /* end to end only; values without blanks around them */
    struct fields dropped;              /* with names that are not valid */
    int64_t length;                     /* Content-Length; -1: none */
    bool chunked;
    bool close, keep_alive;             /* Connection has these words */
    bool upgrade_named;                 /* and "upgrade" */
    struct str upgrade;                 /* value of the first Upgrade; at NULL: none was sent */
    size_t size;                        /* bytes of the whole head */
    const char *why;                    /* H1_BAD: for the log, as nginx says it */
    struct str culprit;                 /* what it is about, in quotes behind it; at NULL: none */
};

/* `bytes` begins with a complete head (H1_MORE: it does not).  Slices in `out` point into it; lists
 * of fields lie in `pool`.  H1_BAD: out->why is set; nothing else in `out` is to be relied on. */
enum h1_result h1_parse_response(struct str bytes, struct pool *pool, struct h1_response *out);

/* The lines of a trailer section, each with its end, in as many pieces as it was put together of;
 * an empty line at its end may be missing.  Adds those that may be trailers to `out`: no framing,
 * routing, authentication, Content-*, hop-by-hop or cookie fields (RFC 9110, 6.5.1).  False: some
 * line is no field, or there are too many; nothing of it is to be passed on. */
bool h1_parse_trailers(struct str section, struct pool *pool, struct fields *out);

/* What a Connection field cannot take for its own: it is meant for who is behind a proxy. */
bool h1_is_end_to_end(struct str name);

#endif
