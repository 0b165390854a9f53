/*
 * Blocks of answers.  Each owns itself.
 */
#include "http/upstream/upstream_block.h"

#include <stdlib.h>

struct upstream_block *block_new(size_t size)
{
    struct upstream_block *b = malloc(sizeof(*b) + size);
    if (!b)
        return NULL;
    b->refs = 1;
    b->size = size;
    b->len = 0;
    b->inside_used = false;
    return b;
}

struct upstream_block *block_fit(struct upstream_block *b)
{
    ASSERT(b->refs == 1 && !b->inside_used);
    struct upstream_block *less =
        b->len < b->size / 2 ? realloc(b, sizeof(*b) + b->len) : NULL;
    return less ? less : b;
}

void block_release(struct upstream_block *b)
{
    ASSERT(b->refs > 0);
    if (--b->refs == 0)
        free(b);
}

struct upstream_slices *block_slices(struct upstream_block *b)
{
    struct upstream_slices *s = &b->inside;
    const bool inside = !b->inside_used;
    if (!inside) {
        s = malloc(sizeof(*s) + SLICES_MORE * sizeof(struct buf));
        if (!s)
            return NULL;
    }
    s->bufs = inside ? b->bufs : (struct buf *)(s + 1);
    b->inside_used = true;
    b->refs++;
    s->block = b;
    s->count = 0;
    s->room = inside ? SLICES_INSIDE : SLICES_MORE;
    return s;
}

bool slices_add(struct upstream_slices *s, struct str bytes)
{
    if (s->count == s->room)
        return false;
    s->bufs[s->count++] = (struct buf){ .kind = BUF_MEMORY, .at = bytes.at, .len = bytes.len,
                                        .fd = -1 };
    return true;
}

static void passed(struct buf *mark, bool sent)
{
    struct upstream_slices *s = mark->data;
    struct upstream_block *b = s->block;
    (void)sent;
    if (s != &b->inside)
        free(s);
    block_release(b);
}

void slices_done(struct upstream_slices *s, struct chain *out)
{
    for (unsigned i = 0; i < s->count; i++)
        chain_append(out, &s->bufs[i]);
    s->mark = (struct buf){ .kind = BUF_MARK, .fd = -1, .passed = passed, .data = s };
    chain_append(out, &s->mark);
}
