/*
 * Compressed streams of Brotli (RFC 7932): the one wrapper around libbrotlienc.
 *
 *     slices --brotli_run--> struct fmt      one struct brotli a stream; the contract is
 *                                            deflate_run's
 * Packing only.
 */
#ifndef CORE_BROTLI_H
#define CORE_BROTLI_H

#include "core/deflate.h"

enum { BROTLI_LEVEL_MOST = 11, BROTLI_WINDOW_LEAST = 10, BROTLI_WINDOW_MOST = 24 };

struct brotli;

/* `window` in bits; `length` of what will be packed, -1: not known.  NULL: no memory. */
struct brotli *brotli_packer(unsigned level, unsigned window, int64_t length);
void brotli_free(struct brotli *b);             /* at any time; NULL is fine */
enum deflate_result brotli_run(struct brotli *b, struct str *in, enum deflate_mark mark,
                               struct fmt *out);

#endif
