/*
 * HTTP/1 to servers: the protocol that proxy_pass speaks.
 *
 *     struct h1_request (u->data)
 *       head      made once by the module: "GET / HTTP/1.1\r\nHost: a\r\n...\r\n"
 *       framing   how its body is told: not at all, by a length, in chunks
 *       answer    the head that was read, and how far its body is
 *
 *     answer's body, the first that holds:   HEAD, 204, 304: none
 *                                            chunked | Content-Length | all until the server closes
 */
#ifndef HTTP_UPSTREAM_PROTO_H1_H
#define HTTP_UPSTREAM_PROTO_H1_H

#include "http/upstream/upstream.h"
#include "http/v1/h1_chunked.h"
#include "http/v1/h1_response.h"

enum h1_framing_out { H1_OUT_NONE, H1_OUT_LENGTH, H1_OUT_CHUNKED };

struct h1_request {
    struct str head;
    enum h1_framing_out framing;
    struct str body;                    /* at NULL: that of the client's request */
    unsigned minor;                     /* of the request's HTTP/1.x */
    bool bodiless;                      /* its method is HEAD */
    bool upgrade;                       /* it has an Upgrade field: 101 is an answer */
    bool close;                         /* it says that the connection ends */
    const struct rewrites *redirects;   /* NULL: Location and Refresh stay as they are */
    const struct cookie_rewrites *cookies;      /* NULL: so does Set-Cookie */

    /* the answer; the protocol's own */
    struct h1_response answer;
    size_t seen;                        /* bytes of its head that were looked at */
    unsigned interims;                  /* answers with 1xx that came before it */
    struct h1_chunked chunked;
    int64_t left;                       /* of a body with a length; -1: until the server closes */
    struct fmt trailers;
    bool complete, excess;
};

extern const struct upstream_protocol upstream_http1;

#endif
