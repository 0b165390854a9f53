/*
 * Blocks: the memory that answers are read into.
 *
 *     [ block: refs | .......... bytes .......... ]
 *                        ^slice       ^slice          bufs in a chain, then a mark
 *
 * One reference for each mark under way, one for whoever reads into it; the last one frees it.
 */
#ifndef HTTP_UPSTREAM_UPSTREAM_BLOCK_H
#define HTTP_UPSTREAM_UPSTREAM_BLOCK_H

#include "core/buf.h"

enum { SLICES_INSIDE = 4, SLICES_MORE = 32 };

struct upstream_slices {
    struct upstream_block *block;
    struct buf mark;
    unsigned count, room;
    struct buf *bufs;
};

struct upstream_block {
    unsigned refs;
    size_t size, len;                   /* room for `bytes` at first; what was read */
    bool inside_used;
    struct upstream_slices inside;
    struct buf bufs[SLICES_INSIDE];
    char bytes[];
};

struct upstream_block *block_new(size_t size);          /* NULL: no memory; one reference */
/* Gives back what was not read into, if that is much: the bytes may have to wait for long.  Before
 * anything points into it; it may move. */
struct upstream_block *block_fit(struct upstream_block *b);
void block_release(struct upstream_block *b);
/* Room for slices of it; NULL: no memory. */
struct upstream_slices *block_slices(struct upstream_block *b);
/* False: no room is left in these. */
bool slices_add(struct upstream_slices *s, struct str bytes);
/* To the end of `out`; the mark behind them gives everything back. */
void slices_done(struct upstream_slices *s, struct chain *out);

#endif
