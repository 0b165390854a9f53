/*
 * Bytes on their way: memory, a range of a file, or a mark between them.
 *
 *     struct chain  first -> [memory 120 bytes] -> [file 7, 0..8192) -> [mark] -> NULL
 *                   bytes = 8312
 *
 * A buf is in exactly one chain; moving bytes moves bufs between chains, nothing is shared.
 * The memory behind it belongs to whoever made the buf and stays until the buf was consumed: a mark
 * behind the last one tells when that is so.  Bufs themselves come from the maker's pool.
 *
 * A mark's callback finds every chain in order and may append to any.  It may free its own memory
 * and what lies before it, but not other marks that may be reached with it: what ends more than
 * that is posted.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include "core/pool.h"

enum buf_kind { BUF_MEMORY, BUF_FILE, BUF_MARK };

struct buf {
    struct buf *next;
    enum buf_kind kind;
    const char *at;                     /* memory: what is left of it */
    size_t len;                         /* bytes left; a mark has none */
    int fd;                             /* file */
    off_t off;
    void (*passed)(struct buf *mark, bool sent);        /* mark; sent false: thrown away */
    void *data;                         /* of the mark */
};

struct chain {
    struct buf *first, **end;
    size_t bytes;
};

void chain_init(struct chain *chain);
bool chain_empty(const struct chain *chain);            /* no buf at all, marks included */
void chain_append(struct chain *chain, struct buf *buf);
void chain_move(struct chain *to, struct chain *from);  /* all of it, to the end */
void chain_add(struct chain *chain, struct pool *pool, struct str bytes);   /* not copied */
void chain_add_copy(struct chain *chain, struct pool *pool, struct str bytes);
/* A copy on the heap, which frees itself: no pool has to live so long.  False: no memory. */
WARN_UNUSED bool chain_add_heap(struct chain *chain, struct str bytes);
void chain_add_file(struct chain *chain, struct pool *pool, int fd, off_t off, size_t len);
void chain_add_mark(struct chain *chain, struct pool *pool,
                    void (*passed)(struct buf *mark, bool sent), void *data);
/* A mark behind bufs that lie in memory of malloc(), as it does itself: all of that is freed. */
void chain_add_free(struct chain *chain, struct buf *mark, void *memory);
/* Takes `n` bytes off the front, n <= bytes; marks that are reached are called with sent. */
void chain_consume(struct chain *chain, size_t n, bool sent);
/* The first `n` bytes of `from`, n <= its bytes, to the end of `to`; a buf that is split is copied
 * from `pool`.  Marks behind the last of them stay. */
void chain_take(struct chain *to, struct chain *from, size_t n, struct pool *pool);
/* Throws everything away; marks are called with sent false. */
void chain_drop(struct chain *chain);

#endif
