/*
 * A filter whose body goes through a codec: compressed, or unpacked.
 *
 *     body() --> in (not read yet) --run--> block at hand, full ones in out --> what stands behind
 *
 * What run() promises is deflate_run's contract (core/deflate.h), whatever the codec.  At most
 * RECODE_TURN bytes are read, and as many made, in one call; then others have their turn.  Blocks
 * are freed when their bytes have passed, so memory does not grow with the body.  The stream is
 * opened with the first bytes, so that a HEAD costs none, and closed with the last.
 */
#ifndef HTTP_RECODE_H
#define HTTP_RECODE_H

#include "core/deflate.h"
#include "http/request.h"

/* About two milliseconds at gzip's level 6; most pages fit. */
enum { RECODE_TURN = 24 << 10 };

struct recoder {                        /* a codec */
    const char *what;                   /* for the log: "deflate()" */
    /* `length` of the body that comes; -1: not known.  NULL: no memory. */
    void *(*open)(struct request *r, int64_t length);
    enum deflate_result (*run)(void *stream, struct str *in, enum deflate_mark mark,
                               struct fmt *out);
    void (*close)(struct request *r, void *stream);
};

struct recode_block;

struct recode {
    struct filter *filter;
    const struct recoder *codec;
    void *stream;                       /* NULL: not open yet, or over */
    struct chain in, out;
    struct recode_block *block;         /* `made` writes into it; NULL: none */
    struct fmt made;
    enum mark mark;                     /* what has come behind `in` */
    int64_t length;                     /* that the body was to have */
    uint64_t taken, given;              /* bytes */
    bool whole;                         /* the last byte was made */
};

/* `t` is zero and lives as long as the request; it is the filter's data from now on.  The
 * response still has the length of the body that comes. */
void recode_join(struct recode *t, struct request *r, struct filter *f,
                 const struct recoder *codec);

/* For the filter's row. */
enum flow recode_body(struct filter *f, struct chain *data, enum mark mark);
void recode_resume(struct filter *f);

#endif
