/*
 * Digests: MD5, SHA-1 and SHA-256 of bytes that come in pieces, and HMAC.
 *
 *     struct digest d;
 *     digest_begin(&d, DIGEST_MD5); digest_add(&d, text); ... digest_end(&d, out)   16 bytes
 *
 * Memory may run out at any step, and a library may refuse MD5: digest_end says whether all of it
 * was good.  It is always called, since it frees.  Any thread may make digests of its own.
 */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include "core/str.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256 };

enum { DIGEST_MOST = 32 };              /* bytes of the longest */

struct digest {
    void *state;                        /* of the library; NULL: it has failed */
    enum digest_kind kind;
};

size_t digest_size(enum digest_kind kind);

void digest_begin(struct digest *d, enum digest_kind kind);
void digest_add(struct digest *d, struct str bytes);
/* Writes digest_size() bytes.  False: they are not to be used. */
WARN_UNUSED bool digest_end(struct digest *d, unsigned char *out);

/* All at once. */
WARN_UNUSED bool digest_of(enum digest_kind kind, struct str bytes, unsigned char *out);
WARN_UNUSED bool digest_hmac(enum digest_kind kind, struct str key, struct str bytes,
                             unsigned char *out);

/* Takes the same time wherever the first difference is; a different length is no secret. */
bool digest_equal(struct str a, struct str b);

/* "OpenSSL 3.0.11 19 Sep 2023": what runs. */
const char *digest_library(void);

#endif
