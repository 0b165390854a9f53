/*
 * HTTP/1 request heads: a pure parser over a slice.
 *
 * Strict where two readers could disagree (framing, field names, line ends), lenient in one place:
 * a bare LF ends a line, since real clients send it; it never leaves as such.
 */
#ifndef HTTP_V1_H1_PARSE_H
#define HTTP_V1_H1_PARSE_H

#include "http/fields.h"

enum h1_result { H1_MORE, H1_DONE, H1_BAD };

enum { H1_FIELDS_MOST = 200 };

struct h1_head {
    struct str line;                    /* the request line, without its end */
    struct str method, target;
    unsigned minor;                     /* of HTTP/1.x */
    bool simple;                        /* HTTP/0.9: no version, no fields */
    struct fields fields;
    struct str host;
    int64_t length;                     /* Content-Length; -1: none */
    bool chunked, close, keep_alive;
    size_t size;                        /* bytes of the whole head */
    unsigned status;                    /* H1_BAD: what to answer */
    const char *why;                    /* H1_BAD: for the log */
};

/* Slices in `head` point into `bytes`; the list of fields lies in `pool`. */
enum h1_result h1_parse(struct str bytes, struct pool *pool, struct h1_head *head);

#endif
