/*
 * Compressed streams, both ways: the one wrapper around zlib.
 *
 *     slices --deflate_run--> struct fmt      one struct deflate a stream, packing or unpacking
 *
 *     struct str in = ...;                            what there is now
 *     for (;;) {
 *         switch (deflate_run(d, &in, DEFLATE_MORE, &out)) {
 *         case DEFLATE_GO_ON:     out is full: empty it or make room; else only yield; again
 *         case DEFLATE_HUNGRY:    all of `in` was taken, and what the mark asks for is in `out`
 *         case DEFLATE_END:       the stream is complete; `in` has what stands behind it
 *         case DEFLATE_BROKEN, DEFLATE_TOO_MUCH, DEFLATE_NO_MEMORY: nothing more comes
 *         }
 *     }
 *
 * `in` moves forward over what was taken; its bytes are not needed any longer then.  `out` is a
 * builder, mostly over a block of fixed size (fmt_init): what fits into the room that it has is
 * appended, and it is never grown here: who wants one that grows calls fmt_need first.  Blocks of
 * less than 16 bytes do not do for DEFLATE_FLUSH, whose mark comes again when it does not fit.  One
 * call takes at most DEFLATE_STEP bytes and gives at most as many, so it is one slice of work;
 * whoever has more to do for a client yields between two calls.
 *
 * A stream ends when it was packed with DEFLATE_FINISH, or says so itself.  deflate_again begins
 * another with the same memory: the next member of a gzip file, the next message.
 */
#ifndef CORE_DEFLATE_H
#define CORE_DEFLATE_H

#include "core/fmt.h"

enum { DEFLATE_STEP = 64 << 10 };       /* bytes, at most, of one call */

enum deflate_format {
    DEFLATE_RAW,                        /* RFC 1951 alone */
    DEFLATE_ZLIB,                       /* RFC 1950: what HTTP calls "deflate" */
    DEFLATE_GZIP,                       /* RFC 1952; unpacked members end one by one */
};

enum deflate_mark {
    DEFLATE_MORE,                       /* more follows: bytes may be held back */
    DEFLATE_FLUSH,                      /* the reader can unpack all of it now */
    DEFLATE_FINISH,                     /* the stream ends here */
};

enum deflate_result {
    DEFLATE_HUNGRY,
    DEFLATE_GO_ON,                      /* call again with the same mark */
    DEFLATE_END,
    DEFLATE_BROKEN,                     /* unpacking: this is no such stream */
    DEFLATE_TOO_MUCH,                   /* unpacking: beyond the limits */
    DEFLATE_NO_MEMORY,
};

struct deflate_packing {
    enum deflate_format format;
    unsigned level;                     /* 1 to 9 */
    unsigned window;                    /* 9 to 15 bits; 0: 15 */
    unsigned memory;                    /* 1 to 9; 0: 8 */
};

/* Zeros: no limit.  The ratio counts from 64 KiB of output on. */
struct deflate_limits {
    uint64_t most;                      /* bytes of the unpacked stream */
    unsigned ratio;                     /* of unpacked to packed bytes; deflate reaches 1032 */
};

struct deflate;

/* NULL: no memory.  Packing takes about 256 KiB at the defaults, unpacking 44 KiB at most. */
struct deflate *deflate_packer(const struct deflate_packing *how);
struct deflate *deflate_unpacker(enum deflate_format format, const struct deflate_limits *limits);
void deflate_free(struct deflate *d);           /* at any time; NULL is fine */

/* Unpackers do not look at the mark.  Nothing follows an end or an error but deflate_again. */
enum deflate_result deflate_run(struct deflate *d, struct str *in, enum deflate_mark mark,
                                struct fmt *out);
/* The limits hold for each stream anew. */
void deflate_again(struct deflate *d);

/* The smallest window that loses nothing for a body of so many bytes, and the memory that fits. */
void deflate_fit(struct deflate_packing *how, uint64_t length);

#endif
