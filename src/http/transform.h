/*
 * A filter that reads a body's bytes and makes others of them.
 *
 *     body() --> in (not read yet) --feed--> out (made, in blocks) --> what stands behind
 *
 * A piece is fed at a time, and at most TRANSFORM_TURN bytes in one call: then others have their
 * turn.  What is made is copied into blocks, each freed when its bytes have passed; so memory does
 * not grow with the body.
 */
#ifndef HTTP_TRANSFORM_H
#define HTTP_TRANSFORM_H

#include "http/request.h"

enum {
    TRANSFORM_TURN = 64 << 10,
    TRANSFORM_PIECE = 16 << 10,
};

struct transform_block;

struct transform {
    struct filter *filter;
    struct chain in, out;
    struct transform_block *open;       /* the last of what is made, with room left */
    enum mark mark;                     /* FLUSH or LAST has come behind `in` */
    /* Reads bytes; how many.  Fewer than all: it waits for something that wakes the request. */
    size_t (*feed)(struct transform *t, struct str bytes);
    /* Nothing follows: makes what is left to make.  False: it waits. */
    bool (*finish)(struct transform *t);
};

/* The filter's data is the transform from now on. */
void transform_init(struct transform *t, struct request *r, struct filter *f);
void transform_add(struct transform *t, struct str bytes);
/* Passes on what was made up to here, though it be nothing. */
enum flow transform_pass(struct transform *t, enum mark mark);

/* For the filter's row. */
enum flow transform_body(struct filter *f, struct chain *data, enum mark mark);
void transform_resume(struct filter *f);

#endif
