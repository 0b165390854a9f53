/*
 * gzip as a body is sent: one member after the other, within limits.  Pure.
 *
 *     [member][member]...      each as RFC 1952 has it, and nothing else behind the last
 */
#ifndef HTTP_GUNZIP_H
#define HTTP_GUNZIP_H

#include "core/deflate.h"

/* The ratio counts when GUNZIP_FREE bytes were made: little that is much smaller harms nobody. */
#define GUNZIP_MOST ((uint64_t)64 << 30)
enum { GUNZIP_RATIO = 512, GUNZIP_FREE = 16 << 20 };

struct gunzip;

struct gunzip *gunzip_new(void);                /* NULL: no memory */
void gunzip_free(struct gunzip *g);
/* deflate_run's contract; DEFLATE_FINISH says that no more comes, so what is cut off is broken. */
enum deflate_result gunzip_run(struct gunzip *g, struct str *in, enum deflate_mark mark,
                               struct fmt *out);

#endif
