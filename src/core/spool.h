/*
 * A spool: bytes in their order, in memory up to a limit, then in a file without a name.
 *
 *     put --> [ memory ............ ][ file: off .. end )[ behind ] --> take, oldest first
 *
 * What was put in the file stays there until it was taken; memory is used again when the file is
 * empty.  The file is never written twice at one place, since what was taken may still be on its
 * way out of it.  One that cannot be written is not written again: what comes then is kept behind
 * it, in memory.
 */
#ifndef CORE_SPOOL_H
#define CORE_SPOOL_H

#include "core/buf.h"
#include "core/temp_file.h"

enum spool_result {
    SPOOL_OK,
    SPOOL_FULL,                         /* taken; memory and file are at their limits */
    SPOOL_ERROR,                        /* the same, since the file cannot be written; said once,
                                           with errno */
};

struct spool {
    struct pool *pool;                  /* of bufs; the file is closed with it */
    const struct temp_path *temp;
    size_t memory_most;
    int64_t file_most;                  /* 0: no file, or none any more */
    struct chain memory, behind;
    int fd;                             /* -1: none yet */
    bool filed;                         /* there was a file */
    int64_t off, end;                   /* of what is in it and not taken */
};

void spool_init(struct spool *spool, struct pool *pool, const struct temp_path *temp,
                size_t memory_most, int64_t file_most);
/* Takes the chain, whose marks are called when its bytes were taken out or written to the file. */
enum spool_result spool_put(struct spool *spool, struct chain *data);
/* The oldest `most` bytes, or fewer, to the end of `out`: memory, or a range of the file. */
void spool_take(struct spool *spool, size_t most, struct chain *out);
void spool_drop(struct spool *spool);

static inline bool spool_empty(const struct spool *spool)
{
    return chain_empty(&spool->memory) && spool->off == spool->end;     /* and so is `behind` */
}

static inline uint64_t spool_bytes(const struct spool *spool)
{
    return spool->memory.bytes + (uint64_t)(spool->end - spool->off) + spool->behind.bytes;
}

#endif
