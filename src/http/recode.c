/*
 * Filters whose body goes through a codec.
 * Owns the stream, what came in and was not read, and what was made and has not passed.
 */
#include "http/recode.h"

/* A block with less room than BLOCK_FULL left is full: the mark of a flush fits into that. */
enum { BLOCK_LEAST = 4 << 10, BLOCK_MOST = 16 << 10, BLOCK_FULL = 64 };

struct recode_block {
    struct buf data, mark;
    char bytes[];
};

static void close_stream(struct recode *t)
{
    if (t->stream)
        t->codec->close(t->filter->request, t->stream);
    t->stream = NULL;
}

static void drop(void *data)
{
    struct recode *t = data;
    chain_drop(&t->in);
    chain_drop(&t->out);
    free(t->block);
    t->block = NULL;
    close_stream(t);
}

void recode_join(struct recode *t, struct request *r, struct filter *f,
                 const struct recoder *codec)
{
    t->filter = f;
    t->codec = codec;
    t->length = r->out.length;
    f->data = t;
    chain_init(&t->in);
    chain_init(&t->out);
    pool_on_free(r->subject.pool, drop, t);
}

/* Always false. */
static bool failed(struct recode *t, enum deflate_result result)
{
    struct request *r = t->filter->request;
    if (result == DEFLATE_NO_MEMORY)
        log_write(&r->log, LOG_ALERT, ENOMEM, "%s failed", t->codec->what);
    else
        log_write(&r->log, LOG_ERROR, 0, "%s failed: %s", t->codec->what,
                  result == DEFLATE_TOO_MUCH ? "the response grows beyond all limits"
                                             : "the response is damaged, or ends too early");
    request_abort(r);
    return false;
}

/* --- what is made ----------------------------------------------------------------------------- */

static void close_block(struct recode *t)
{
    struct recode_block *block = t->block;
    t->block = NULL;
    if (!block)
        return;
    block->data = (struct buf){ .kind = BUF_MEMORY, .at = block->bytes, .len = t->made.len,
                                .fd = -1 };
    chain_append(&t->out, &block->data);
    chain_add_free(&t->out, &block->mark, block);
}

/* A small body needs no large one. */
static bool open_block(struct recode *t)
{
    const size_t size = size_max(size_min(t->in.bytes, BLOCK_MOST), BLOCK_LEAST);
    t->block = malloc(sizeof(*t->block) + size);
    if (!t->block)
        return failed(t, DEFLATE_NO_MEMORY);
    fmt_init(&t->made, t->block->bytes, size);
    return true;
}

static enum flow pass(struct recode *t, enum mark mark)
{
    close_block(t);
    if (mark == MORE && t->out.bytes == 0)
        return FLOW_OK;
    return t->filter->to->write(t->filter->to, &t->out, mark);
}

/* --- work ------------------------------------------------------------------------------------- */

static bool prepare(struct recode *t)
{
    if (!t->stream)
        t->stream = t->codec->open(t->filter->request, t->length);
    if (!t->stream)
        return failed(t, DEFLATE_NO_MEMORY);
    return t->block || open_block(t);
}

/* The next bytes to read, and what is asked for behind them. */
static struct str next_bytes(struct recode *t, enum mark *mark)
{
    chain_consume(&t->in, 0, true);
    const struct buf *buf = t->in.first;
    ASSERT(!buf || buf->kind == BUF_MEMORY);
    const struct str bytes = buf ? str_of(buf->at, size_min(buf->len, RECODE_TURN)) : STR("");
    *mark = t->in.bytes == bytes.len ? t->mark : MORE;
    return bytes;
}

/* How far it goes in one turn; done: everything was read and made that can be. */
struct turn {
    uint64_t taken, given;
    bool done;
};

/* False: the request has been given up. */
static bool step(struct recode *t, struct turn *turn)
{
    static const enum deflate_mark marks[] = { DEFLATE_MORE, DEFLATE_FLUSH, DEFLATE_FINISH };
    enum mark mark;
    const struct str bytes = next_bytes(t, &mark);
    struct str rest = bytes;
    if (bytes.len == 0 && mark == MORE) {
        turn->done = true;
        return true;
    }
    if (!prepare(t))
        return false;
    const size_t before = t->made.len;
    const enum deflate_result result = t->codec->run(t->stream, &rest, marks[mark], &t->made);
    turn->taken += bytes.len - rest.len;
    turn->given += t->made.len - before;
    if (result > DEFLATE_END)
        return failed(t, result);
    chain_consume(&t->in, bytes.len - rest.len, true);
    t->whole = result == DEFLATE_END;
    turn->done = t->whole || (result == DEFLATE_HUNGRY && mark != MORE);
    if (t->made.room - t->made.len < BLOCK_FULL)
        close_block(t);
    return true;
}

static enum flow work(struct recode *t)
{
    struct filter *f = t->filter;
    struct turn turn = { .done = false };
    f->waiting = true;
    while (!turn.done && turn.taken < RECODE_TURN && turn.given < RECODE_TURN)
        if (!step(t, &turn))
            return FLOW_OK;
    t->taken += turn.taken;
    t->given += turn.given;
    if (!turn.done) {
        if (pass(t, MORE) == FLOW_OK)
            request_wake(f->request);   /* its turn is over */
        return FLOW_FULL;
    }
    const enum mark mark = t->mark;
    t->mark = MORE;
    f->waiting = false;
    if (t->whole)
        close_stream(t);
    return pass(t, mark);
}

enum flow recode_body(struct filter *f, struct chain *data, enum mark mark)
{
    struct recode *t = f->data;
    chain_move(&t->in, data);
    if (mark > t->mark)
        t->mark = mark;
    return f->waiting ? FLOW_FULL : work(t);
}

void recode_resume(struct filter *f)
{
    work(f->data);
}
