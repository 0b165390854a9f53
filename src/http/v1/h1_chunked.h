/*
 * The chunked transfer coding (RFC 9112, 7.1) on its way in: a pure, resumable decoder.
 *
 *     "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"  ->  "hello", end, and what stands behind
 *
 * Strict: CRLF only, at most 16 hex digits and 2^63 - 1, and no more bytes of extensions and
 * trailers (without their CRLFs) than of data and 16 KiB.  Both are checked and thrown away, but
 * trailers are given to those who want them.  What comes in pieces, however cut, gives the same
 * data, the same trailers and the same end.
 */
#ifndef HTTP_V1_H1_CHUNKED_H
#define HTTP_V1_H1_CHUNKED_H

#include "core/str.h"

struct h1_chunked {                     /* all zeros at first */
    unsigned state;
    unsigned digits;                    /* of the size that is being read */
    uint32_t extra;                     /* bytes of extensions and trailers beyond those of data */
    uint64_t left;                      /* of the chunk, known before its first byte */
    bool want_trailers;                 /* set by the caller before the first byte */
};

enum h1_chunked_result {
    H1_CHUNKED_MORE,                    /* all of `in` was used up */
    H1_CHUNKED_DATA,                    /* *data is a part of `in`, not empty */
    H1_CHUNKED_TRAILERS,                /* the same, of their lines: name, value, CRLF as they came,
                                           at most 32 KiB in all; not the empty line behind them */
    H1_CHUNKED_END,                     /* the body is complete; *in is what stands behind it */
    H1_CHUNKED_BAD,                     /* for good: nothing behind it can be trusted */
};

/* Takes from the front of *in; call again until it is neither DATA nor TRAILERS. */
enum h1_chunked_result h1_chunked(struct h1_chunked *c, struct str *in, struct str *data);

#endif
