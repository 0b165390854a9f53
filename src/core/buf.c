/*
 * Chains of bytes on their way: appending, moving, consuming.
 * A chain owns nothing: bufs and the memory behind them belong to their makers.
 */
#include "core/buf.h"

void chain_init(struct chain *chain)
{
    *chain = (struct chain){ .end = &chain->first };
}

bool chain_empty(const struct chain *chain)
{
    return chain->first == NULL;
}

void chain_append(struct chain *chain, struct buf *buf)
{
    ASSERT(buf->kind != BUF_MARK || buf->len == 0);
    ASSERT(!add_overflows(chain->bytes, buf->len, &chain->bytes));
    buf->next = NULL;
    *chain->end = buf;
    chain->end = &buf->next;
}

void chain_move(struct chain *to, struct chain *from)
{
    ASSERT(to != from);
    if (!from->first)
        return;
    ASSERT(!add_overflows(to->bytes, from->bytes, &to->bytes));
    *to->end = from->first;
    to->end = from->end;
    chain_init(from);
}

void chain_add(struct chain *chain, struct pool *pool, struct str bytes)
{
    if (bytes.len == 0)
        return;
    struct buf *buf = pool_new(pool, struct buf);
    *buf = (struct buf){ .kind = BUF_MEMORY, .at = bytes.at, .len = bytes.len, .fd = -1 };
    chain_append(chain, buf);
}

void chain_add_copy(struct chain *chain, struct pool *pool, struct str bytes)
{
    if (bytes.len == 0)
        return;
    char *at = pool_bytes(pool, bytes.len);
    memcpy(at, bytes.at, bytes.len);
    chain_add(chain, pool, str_of(at, bytes.len));
}

void chain_add_file(struct chain *chain, struct pool *pool, int fd, off_t off, size_t len)
{
    off_t end;
    if (len == 0)
        return;
    ASSERT(off >= 0 && !add_overflows(off, len, &end));
    struct buf *buf = pool_new(pool, struct buf);
    *buf = (struct buf){ .kind = BUF_FILE, .len = len, .fd = fd, .off = off };
    chain_append(chain, buf);
}

void chain_add_mark(struct chain *chain, struct pool *pool,
                    void (*passed)(struct buf *mark, bool sent), void *data)
{
    struct buf *buf = pool_new(pool, struct buf);
    *buf = (struct buf){ .kind = BUF_MARK, .fd = -1, .passed = passed, .data = data };
    chain_append(chain, buf);
}

/* Unlinks before the mark is called: the call may free the mark, and may append to the chain. */
static void unlink_first(struct chain *chain, bool sent)
{
    struct buf *buf = chain->first;
    chain->first = buf->next;
    if (!chain->first)
        chain->end = &chain->first;
    buf->next = NULL;
    if (buf->kind == BUF_MARK && buf->passed)
        buf->passed(buf, sent);
}

static void shorten(struct buf *buf, size_t n)
{
    if (buf->kind == BUF_MEMORY)
        buf->at += n;
    else
        buf->off += (off_t)n;
    buf->len -= n;
}

/* What is empty at the front goes too, so that a mark is called with the last byte before it. */
void chain_consume(struct chain *chain, size_t n, bool sent)
{
    ASSERT(n <= chain->bytes);
    chain->bytes -= n;
    while (chain->first && (n > 0 || chain->first->len == 0)) {
        struct buf *buf = chain->first;
        if (n < buf->len) {
            shorten(buf, n);
            return;
        }
        n -= buf->len;
        unlink_first(chain, sent);
    }
}

/* Also what the marks append while they are called. */
void chain_drop(struct chain *chain)
{
    while (chain->first)
        chain_consume(chain, chain->bytes, false);
}
