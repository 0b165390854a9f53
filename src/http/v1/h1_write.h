/*
 * HTTP/1 responses as bytes.
 */
#ifndef HTTP_V1_H1_WRITE_H
#define HTTP_V1_H1_WRITE_H

#include "http/request.h"

struct h1_framing {
    bool keep, chunked, upgrade;
};

void h1_write_head(struct request *r, const struct h1_framing *how, struct chain *to);
void h1_write_informational(struct request *r, unsigned status, const struct fields *fields,
                            struct chain *to);
/* A chunk of all of `data`, if there is any; with `last`, the end and the trailers. */
void h1_write_chunk(struct request *r, struct chain *data, struct chain *to, bool last);

#endif
