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

static void free_memory(struct buf *mark, bool sent)
{
    (void)sent;
    free(mark->data);
}

void chain_add_free(struct chain *chain, struct buf *mark, void *memory)
{
    *mark = (struct buf){ .kind = BUF_MARK, .fd = -1, .passed = free_memory, .data = memory };
    chain_append(chain, mark);
}

/* Bytes with the mark that frees them. */
struct piece {
    struct buf data, mark;
    char text[];
};

bool chain_add_heap(struct chain *chain, struct str bytes)
{
    size_t size;
    if (bytes.len == 0)
        return true;
    struct piece *piece = add_overflows(sizeof(*piece), bytes.len, &size) ? NULL : malloc(size);
    if (!piece)
        return false;
    memcpy(piece->text, bytes.at, bytes.len);
    piece->data = (struct buf){ .kind = BUF_MEMORY, .at = piece->text, .len = bytes.len,
                                .fd = -1 };
    chain_append(chain, &piece->data);
    chain_add_free(chain, &piece->mark, piece);
    return true;
}

/* A mark goes to the end of `reached`, anything else is forgotten. */
static void unlink_first(struct chain *chain, struct chain *reached)
{
    struct buf *buf = chain->first;
    chain->first = buf->next;
    if (!chain->first)
        chain->end = &chain->first;
    if (buf->kind == BUF_MARK)
        chain_append(reached, buf);
}

static void shorten(struct buf *buf, size_t n)
{
    if (buf->kind == BUF_MEMORY)
        buf->at += n;
    else
        buf->off += (off_t)n;
    buf->len -= n;
}

/* Each may free itself, and may use the chain that it was in. */
static void call_marks(struct buf *mark, bool sent)
{
    while (mark) {
        struct buf *next = mark->next;
        if (mark->passed)
            mark->passed(mark, sent);
        mark = next;
    }
}

/* What is empty at the front goes too, so that a mark is called with the last byte before it. */
void chain_consume(struct chain *chain, size_t n, bool sent)
{
    struct chain reached;
    ASSERT(n <= chain->bytes);
    chain_init(&reached);
    chain->bytes -= n;
    while (chain->first && n >= chain->first->len) {
        n -= chain->first->len;
        unlink_first(chain, &reached);
    }
    if (n > 0)
        shorten(chain->first, n);
    call_marks(reached.first, sent);
}

/* Also what the marks append while they are called. */
void chain_drop(struct chain *chain)
{
    while (chain->first)
        chain_consume(chain, chain->bytes, false);
}

void chain_take(struct chain *to, struct chain *from, size_t n, struct pool *pool)
{
    ASSERT(n <= from->bytes);
    while (n > 0) {
        struct buf *buf = from->first;
        const size_t part = size_min(n, buf->len);
        n -= part;
        from->bytes -= part;
        if (part == buf->len) {
            from->first = buf->next;
            if (!from->first)
                from->end = &from->first;
            chain_append(to, buf);
            continue;
        }
        struct buf *copy = pool_new(pool, struct buf);
        *copy = *buf;
        copy->len = part;
        chain_append(to, copy);
        shorten(buf, part);
    }
}
