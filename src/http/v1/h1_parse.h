/*
 * HTTP/1 request heads: pure functions over a slice.
 *
 *     bytes --h1_find_end--> where the head ends     (each byte is looked at once)
 *           --h1_check-----> early: is what is there already wrong?   (heads that come in pieces)
 *     head  --h1_parse-----> struct h1_head          (once, when it is complete)
 *
 * Strict where two readers could disagree (framing, field names, line ends), lenient in one place:
 * a bare LF ends a line, since real clients send it; it never leaves as such.
 *
 *     a name of                         by default    keep_invalid
 *     letters, digits, "-"              kept          kept
 *     these and "_"                     dropped, unless `underscores`
 *     other bytes of tokens: X.Y        dropped       kept
 *     what is no token: X(Y, X\xe9       dropped       400
 *     the last two, with the letters of Content-Length, Transfer-Encoding or Host: 400
 *     blanks, controls                  400           400
 */
#ifndef HTTP_V1_H1_PARSE_H
#define HTTP_V1_H1_PARSE_H

#include "http/fields.h"

enum h1_result { H1_MORE, H1_DONE, H1_BAD };

struct h1_limits {
    size_t line;                        /* bytes of the longest line with its end; at least 2 */
    unsigned fields;                    /* max_headers */
    bool underscores;                   /* names with "_" are valid */
    bool keep_invalid;                  /* ignore_invalid_headers off; see below */
};

struct h1_head {
    struct str line;                    /* the request line, without its end */
    struct str method, target;
    unsigned minor;                     /* of HTTP/1.x */
    struct fields fields;               /* values without blanks around them */
    struct str host;                    /* at NULL: none was sent */
    int64_t length;                     /* Content-Length; -1: none */
    bool chunked, close, keep_alive;
    bool expect_continue;               /* HTTP/1.1 with a body, and the client waits */
    size_t size;                        /* bytes of the whole head */
    unsigned status;                    /* H1_BAD: what to answer: 400, 414, 494, 501, 505 */
    const char *why;                    /* H1_BAD: for the log, as nginx says it */
    struct str culprit;                 /* the line that it is about; at NULL: none is told */
    struct fields dropped;              /* fields with names that are not valid */
};

/* Bytes up to and with the empty line that ends a head; empty lines before it belong to it.  0: it
 * is not there yet.  *seen (0 at first) remembers what was looked at: bytes may be appended. */
size_t h1_find_end(struct str bytes, size_t *seen);

/* Of a head without end: H1_BAD with status, why and line in `head` as soon as no more bytes of the
 * last line could make it right, or it is too long; else H1_MORE.  What h1_parse would say of the
 * complete head is the same.  *checked (0 at first) is where the last line begins that was not
 * complete.  What takes several lines to see (two Hosts, too many fields) is left to h1_parse. */
enum h1_result h1_check(struct str bytes, const struct h1_limits *limits, size_t *checked,
                        struct h1_head *head);

/* `bytes` is a complete head (H1_MORE: it is none).  Slices in `head` point into it; the list of
 * fields lies in `pool`.  H1_BAD: `line` is set, and what was read before the fault. */
enum h1_result h1_parse(struct str bytes, const struct h1_limits *limits, struct pool *pool,
                        struct h1_head *head);

#endif
