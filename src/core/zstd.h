/*
 * Compressed streams of Zstandard (RFC 8878): the one wrapper around libzstd.
 *
 *     slices --zstd_run--> struct fmt      one struct zstd a stream; the contract is deflate_run's
 *
 * Packing only.  Windows are of 8 MiB at most, which every reader of HTTP has to have (RFC 9659).
 */
#ifndef CORE_ZSTD_H
#define CORE_ZSTD_H

#include "core/deflate.h"

enum { ZSTD_LEVEL_MOST = 22 };

struct zstd;

struct zstd *zstd_packer(void);                 /* NULL: no memory */
void zstd_free(struct zstd *z);                 /* at any time; NULL is fine */
/* Before each stream, also after one that was not finished.  `length`: of what will be packed, from
 * which memory follows; -1: not known. */
void zstd_begin(struct zstd *z, unsigned level, int64_t length);
enum deflate_result zstd_run(struct zstd *z, struct str *in, enum deflate_mark mark,
                             struct fmt *out);
size_t zstd_memory(const struct zstd *z);       /* what it takes now */

#endif
