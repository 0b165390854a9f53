/*
 * Which encoding a body is sent with: one choice between all that a location offers.
 *
 *     Accept-Encoding, what is offered --encoding_pick--> enum encoding
 *
 *     static files:  file.zst, file.br, file.gz beside the file       modules/gzip_static.c
 *     on the fly:    the filter below, with struct encoder of modules/{gzip,brotli,zstd}.c
 *
 * The best quality wins, at equal quality the order of encoding.def.  "*" alone asks for nothing:
 * it counts only for who refuses the body as it is (identity;q=0).  Who names identity with a
 * better quality than all others gets that.  What is encoded already is not encoded again.
 */
#ifndef HTTP_ENCODING_H
#define HTTP_ENCODING_H

#include "http/core_conf.h"
#include "http/recode.h"

enum encoding {
#define ENCODING(id, module, token, suffix) ENCODING_##id,
#include "http/encoding.def"
#undef ENCODING
    ENCODINGS,
    ENCODING_NONE = ENCODINGS,
};

/* Of the `offered` ones (bits 1 << encoding), by the request's fields. */
enum encoding encoding_pick(const struct fields *in, unsigned offered);

struct str encoding_suffix(enum encoding e);    /* ".gz" */

/* gzip_http_version, gzip_proxied, gzip_disable: about the request alone, and what its answer says
 * so far.  Other encodings are not asked. */
bool encoding_gzip_allowed(struct request *r);
/* The client itself would have it: for what is there encoded. */
bool encoding_gzip_accepted(struct request *r);

bool encoding_there(const struct request *r);
void encoding_set(struct request *r, enum encoding e);
/* It may depend on Accept-Encoding what is sent: told once, where gzip_vary is on. */
void encoding_vary(struct request *r);

/* --- on the fly ------------------------------------------------------------------------------- */

struct encoder_conf {                   /* first in the structure of such a module */
    struct conf_set set;
    bool on;
    struct http_type_set types;
    size_t min_length;
    int64_t level;
};

struct encoder {
    const struct section *section;      /* of encoder_conf; NULL: it is not built in */
    struct recoder codec;
};

#define ENCODING(id, module, token, suffix) extern const struct encoder http_##module##_encoder;
#include "http/encoding.def"
#undef ENCODING

/* "2.37": bytes before to bytes after, once it is known; for a getter. */
bool encoding_ratio(struct request *r, const struct encoder *encoder, struct value *out);

#endif
