/*
 * Filters that make other bytes of those of a body.
 * Owns what came in and was not read, and what was made and has not passed.
 */
#include "http/transform.h"

enum { BLOCK_LEAST = 4 << 10, BLOCK_MOST = 32 << 10 };

struct transform_block {
    struct buf data, mark;
    size_t room;
    char bytes[];
};

static void drop(void *data)
{
    struct transform *t = data;
    chain_drop(&t->in);
    chain_drop(&t->out);
    free(t->open);
    t->open = NULL;
}

void transform_init(struct transform *t, struct request *r, struct filter *f)
{
    t->filter = f;
    f->data = t;
    chain_init(&t->in);
    chain_init(&t->out);
    pool_on_free(r->subject.pool, drop, t);
}

/* --- what is made ----------------------------------------------------------------------------- */

static void close_block(struct transform *t)
{
    struct transform_block *block = t->open;
    t->open = NULL;
    if (!block)
        return;
    chain_append(&t->out, &block->data);
    chain_add_free(&t->out, &block->mark, block);
}

/* As large as what comes in: most bodies are small.  NULL: the request has been given up. */
static struct transform_block *open_block(struct transform *t, size_t want)
{
    const size_t room = size_min(size_max(size_max(t->in.bytes, want), BLOCK_LEAST), BLOCK_MOST);
    struct request *r = t->filter->request;
    struct transform_block *block = malloc(sizeof(*block) + room);
    if (!block) {
        log_write(&r->log, LOG_ALERT, ENOMEM, "%s filter: the request is given up",
                  t->filter->type->name);
        request_abort(r);
        return NULL;
    }
    block->data = (struct buf){ .kind = BUF_MEMORY, .at = block->bytes, .fd = -1 };
    block->room = room;
    return block;
}

void transform_add(struct transform *t, struct str bytes)
{
    while (bytes.len > 0 && t->filter->request->state == REQUEST_RESPONDING) {
        if (!t->open)
            t->open = open_block(t, bytes.len);
        struct transform_block *block = t->open;
        if (!block)
            return;
        const size_t n = size_min(bytes.len, block->room - block->data.len);
        memcpy(block->bytes + block->data.len, bytes.at, n);
        block->data.len += n;
        ASSERT(str_from_off(bytes, n, &bytes));
        if (block->data.len == block->room)
            close_block(t);
    }
}

enum flow transform_pass(struct transform *t, enum mark mark)
{
    close_block(t);
    return t->filter->to->write(t->filter->to, &t->out, mark);
}

/* --- what comes in ---------------------------------------------------------------------------- */

/* False: it waits for something. */
static bool feed(struct transform *t, size_t *left)
{
    const struct buf *buf = t->in.first;
    if (buf->kind == BUF_MARK || buf->len == 0) {
        chain_consume(&t->in, 0, true);
        return true;
    }
    ASSERT(buf->kind == BUF_MEMORY);
    const size_t n = size_min(size_min(buf->len, TRANSFORM_PIECE), *left);
    const size_t taken = t->feed(t, str_of(buf->at, n));
    *left -= n;
    chain_consume(&t->in, taken, true);
    return taken == n;
}

/* The end of what is there, unless it is not reached now. */
static enum flow work(struct transform *t)
{
    struct filter *f = t->filter;
    struct request *r = f->request;
    size_t left = TRANSFORM_TURN;
    enum flow flow = FLOW_OK;
    bool waits = false;
    f->waiting = true;
    while (t->in.first && left > 0 && flow == FLOW_OK && !waits) {
        waits = !feed(t, &left);
        if (t->out.bytes > 0)
            flow = transform_pass(t, MORE);
    }
    if (r->state != REQUEST_RESPONDING)
        return FLOW_OK;
    if (!waits && t->in.first) {
        if (flow == FLOW_OK)
            request_wake(r);            /* its turn is over */
        return FLOW_FULL;
    }
    const enum mark mark = t->mark;
    if (waits || (mark == LAST && !t->finish(t))) {
        transform_pass(t, MORE);
        return FLOW_FULL;
    }
    t->mark = MORE;
    f->waiting = false;
    if (t->open || !chain_empty(&t->out) || mark != MORE)
        flow = transform_pass(t, mark);
    return flow;
}

enum flow transform_body(struct filter *f, struct chain *data, enum mark mark)
{
    struct transform *t = f->data;
    const bool busy = f->waiting;
    chain_move(&t->in, data);
    if (mark > t->mark)
        t->mark = mark;
    return busy ? FLOW_FULL : work(t);
}

void transform_resume(struct filter *f)
{
    work(f->data);
}
