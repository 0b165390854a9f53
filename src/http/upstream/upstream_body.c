/*
 * The body of an answer: from the connection, or the spool, to whoever pulls it.
 * Owns the block that is read into, and the spool.
 */
#include "core/number.h"
#include "http/upstream/upstream.h"
#include "http/upstream/upstream_block.h"

enum { PIECE = 16 << 10, LARGE_PIECE = 64 << 10 };

/* --- decoding --------------------------------------------------------------------------------- */

static void complete(struct upstream *u)
{
    u->ended = true;
    u->excess = u->excess || u->rest.len > 0;
    if (u->excess)
        log_write(&u->request->log, LOG_WARN, 0, "upstream sent more data than it announced");
    upstream_store_end(u, true);
    upstream_let_go(u, u->outcome);
}

static void lose(struct upstream *u)
{
    u->ended = u->broken = true;
    u->request->out.truncated = u->request->out.truncated || !u->orphan;
    upstream_store_end(u, false);
    upstream_let_go(u, OUTCOME_FAILED);
}

/* One piece of decoded data, in a row of slices that is done when it is full. */
static bool keep(struct upstream *u, struct upstream_slices **s, struct str data,
                 struct chain *out)
{
    u->body_bytes += data.len;
    if (u->stored)
        upstream_store_add(u, data);
    if (u->orphan)
        return true;
    if (*s && slices_add(*s, data))
        return true;
    if (*s)
        slices_done(*s, out);
    *s = block_slices(u->reading);
    return *s && slices_add(*s, data);
}

/* What is there: u->rest, up to its end or to that of the body. */
static void decode(struct upstream *u, struct chain *out)
{
    struct upstream_slices *s = NULL;
    while (!u->ended) {
        struct str data = STR_NONE;
        const enum decode result = u->protocol->decode_body(u, &u->rest, &data);
        if (result == DECODE_DATA && keep(u, &s, data, out))
            continue;
        if (result == DECODE_MORE)
            break;
        if (result == DECODE_END)
            complete(u);
        else {
            log_write(&u->request->log, LOG_ERROR, 0, "%s", result == DECODE_DATA
                      ? "no memory for an answer" : u->why);
            lose(u);
        }
    }
    if (s)
        slices_done(s, out);
    u->try->length = u->body_bytes;
}

/* --- reading ---------------------------------------------------------------------------------- */

static size_t room_of(const struct upstream *u)
{
    const int64_t left = u->head.length < 0 ? LARGE_PIECE
                         : u->head.length - (int64_t)u->body_bytes;
    const bool full = u->reading->len == u->reading->size;
    return left > PIECE && full ? LARGE_PIECE : PIECE;
}

/* 0: not now; the timer is set. */
static size_t allowed(struct upstream *u, size_t room)
{
    const int64_t now = request_loop(u->request)->now;
    if (u->rate == 0)
        return room;
    int64_t most;
    if (mul_overflows(u->rate, (now - u->rate_since) / 1000 + 1, &most))
        return room;
    most -= (int64_t)u->body_bytes;
    if (most > 0)
        return most < (int64_t)room ? (size_t)most : room;
    timer_set(request_loop(u->request), &u->timer, -most * 1000 / u->rate + 1);
    conn_timer(u->c, 0);
    return 0;
}

static void use_block(struct upstream *u, struct upstream_block *b)
{
    if (u->reading)
        block_release(u->reading);
    u->reading = b;
    u->rest = b ? str_of(b->bytes, b->len) : STR_NONE;
}

/* The server waits, or has nothing more to say just now. */
static bool nothing_yet(struct upstream *u)
{
    if (u->c->failed && !u->c->watch.readable) {
        log_write(&u->request->log, LOG_ERROR, 0, "upstream prematurely closed connection");
        lose(u);
        return true;
    }
    if (u->c->failed)
        loop_post(request_loop(u->request), &u->task);
    conn_timer(u->c, u->conf->read_timeout);
    return false;
}

static bool receive(struct upstream *u, struct chain *out)
{
    if (!u->c->watch.readable)
        return nothing_yet(u);
    const size_t room = allowed(u, room_of(u));
    if (room == 0)
        return false;
    struct upstream_block *b = block_new(room);
    if (!b) {
        log_write(&u->request->log, LOG_ALERT, ENOMEM, "no memory for an answer");
        lose(u);
        return true;
    }
    switch (conn_recv(u->c, b->bytes, b->size, &b->len)) {
    case IO_OK:
        use_block(u, block_fit(b));
        decode(u, out);
        return true;
    case IO_AGAIN:
        block_release(b);
        return nothing_yet(u);
    case IO_EOF:
        block_release(b);
        if (u->protocol->ends_at_close(u)) {
            complete(u);
            return true;
        }
        log_write(&u->request->log, LOG_ERROR, 0, "upstream prematurely closed connection");
        break;
    case IO_ERROR:
        block_release(b);
        break;
    }
    lose(u);
    return true;
}

/* False: nothing more now.  True: something, or the end. */
static bool read_some(struct upstream *u, struct chain *out)
{
    if (u->rest.len == 0)
        return receive(u, out);
    decode(u, out);
    return true;
}

/* --- passing on ------------------------------------------------------------------------------- */

static void put(struct upstream *u, struct chain *data)
{
    const bool filed = u->spool.filed;
    const enum spool_result result = spool_put(&u->spool, data);
    if (!filed && u->spool.filed)
        log_write(&u->request->log, LOG_WARN, 0,
                  "an upstream response is buffered to a temporary file");
    if (result == SPOOL_ERROR)          /* the client is served all the same, as fast as it reads */
        log_write(&u->request->log, LOG_CRIT, errno, "writing to a temporary file failed");
    u->held = result != SPOOL_OK;
}

/* For filters that look at every byte. */
static void load(struct upstream *u, struct chain *file, struct chain *out)
{
    const struct buf *buf = file->first;
    struct upstream_block *b = block_new(buf->len);
    struct upstream_slices *s = b ? block_slices(b) : NULL;
    if (s && pread(buf->fd, b->bytes, buf->len, buf->off) == (ssize_t)buf->len) {
        b->len = buf->len;
        (void)slices_add(s, str_of(b->bytes, b->len));
        slices_done(s, out);
    } else {
        if (s)
            b->refs--;
        log_write(&u->request->log, LOG_CRIT, errno, "reading a temporary file failed");
        u->broken = u->request->out.truncated = true;
        spool_drop(&u->spool);
    }
    if (b)
        block_release(b);
    chain_drop(file);
}

static void take(struct upstream *u, struct chain *out)
{
    struct chain part;
    chain_init(&part);
    spool_take(&u->spool, LARGE_PIECE, &part);
    if (part.first && part.first->kind == BUF_FILE && u->request->in_memory)
        load(u, &part, out);
    else
        chain_move(out, &part);
    u->held = false;
}

/* The next bytes for the client; false: there are none now. */
static bool next(struct upstream *u, struct chain *out)
{
    const size_t least = u->buffering == BUFFERING_ON ? u->conf->buffer_size : 1;
    while (!u->ended && spool_bytes(&u->spool) < least) {
        if (!read_some(u, out))
            return false;
        if (least == 1 && spool_empty(&u->spool))
            return true;
        put(u, out);
    }
    take(u, out);
    return true;
}

static void end(struct upstream *u)
{
    use_block(u, NULL);
    upstream_finish(u);
}

/* The client takes less than the server gives. */
static void stall(struct upstream *u)
{
    u->stalled = true;
    if (u->ended)
        return;
    if (u->buffering != BUFFERING_OFF)
        loop_post(request_loop(u->request), &u->task);
    else
        conn_timer(u->c, 0);
}

static void pull(struct source *source, struct sink *sink)
{
    struct upstream *u = container_of(source, struct upstream, source);
    struct chain out;
    u->stalled = false;
    for (;;) {
        chain_init(&out);
        if (!next(u, &out))
            break;
        const bool last = u->ended && spool_empty(&u->spool);
        u->unflushed = true;
        const enum flow flow = sink->write(sink, &out, last ? LAST : MORE);
        if (u->state == UPSTREAM_DONE)  /* cancelled: who reads it has enough */
            return;
        if (last) {
            end(u);
            return;
        }
        if (flow == FLOW_FULL) {
            stall(u);
            return;
        }
    }
    if (u->unflushed && u->buffering != BUFFERING_ON && u->request->filters) {
        chain_init(&out);
        sink->write(sink, &out, FLUSH);
    }
    u->unflushed = false;
}

/* As much as the spool takes, while the client is slow. */
static void fill(struct upstream *u)
{
    struct chain out;
    chain_init(&out);
    while (!u->ended && !u->held && read_some(u, &out))
        put(u, &out);
    if (u->held && u->c)
        conn_timer(u->c, 0);
}

static void read_alone(struct upstream *u)
{
    struct chain none;
    chain_init(&none);
    while (!u->ended && read_some(u, &none))
        ;
    if (u->ended)
        end(u);
}

/* --- the engine's side ------------------------------------------------------------------------ */

static void release_head(void *data)
{
    block_release(data);
}

void upstream_body_abandon(struct upstream *u)
{
    if (u->state != UPSTREAM_ANSWERING)
        return;
    spool_drop(&u->spool);
    if (!u->ended) {
        upstream_store_end(u, false);
        upstream_let_go(u, u->outcome);
        u->ended = true;
    }
    end(u);
}

static void cancel(struct source *source)
{
    struct upstream *u = container_of(source, struct upstream, source);
    const bool on = u->stored || (u->request->aborted && u->conf->ignore_abort);
    if (u->state == UPSTREAM_ANSWERING && !u->ended && on)
        upstream_orphan(u);
    else
        upstream_body_abandon(u);
}

bool upstream_body_init(struct upstream *u)
{
    struct pool *pool = u->request->subject.pool;
    u->block = block_new(u->conf->buffer_size);
    if (!u->block)
        return false;
    pool_on_free(pool, release_head, u->block);
    u->source.pull = pull;
    u->source.cancel = cancel;
    return true;
}

void upstream_body_reset(struct upstream *u)
{
    u->block->len = 0;
    u->at = 0;
    u->head = (struct upstream_head){ .length = -1 };
}

void upstream_body_begin(struct upstream *u)
{
    const struct upstream_conf *conf = u->conf;
    struct request *r = u->request;
    struct str rate = STR_NONE;
    struct chain none;
    u->block->refs++;
    u->reading = u->block;
    u->buffering = conf->buffering;
    spool_init(&u->spool, r->subject.pool, &conf->temp, conf->buffers.count * conf->buffers.size,
               conf->max_temp_file);
    u->rate_since = request_loop(r)->now;
    if (!(conf->limit_rate.constant && str_eq(conf->limit_rate.text, STR("0")))
        && template_eval(&conf->limit_rate, &r->subject, &rate))
        (void)!number_conf_offset(rate, &u->rate);
    if (conf->store.on && u->head.status == 200 && (!u->head.bodiless || u->head.length == 0))
        upstream_store_begin(u);        /* not what only tells how long it would be: HEAD */
    /* One without bytes has ended already. */
    if (u->rest.len == 0 || u->head.bodiless || u->head.length == 0) {
        chain_init(&none);
        decode(u, &none);
    }
}

void upstream_orphan(struct upstream *u)
{
    u->orphan = true;
    spool_drop(&u->spool);
    loop_post(request_loop(u->request), &u->task);
}

void upstream_body_ready(struct upstream *u)
{
    if (u->orphan) {
        read_alone(u);
        return;
    }
    if (u->c && u->c->watch.readable)   /* filters may let it wait: that is not its fault */
        conn_timer(u->c, 0);
    if (!u->stalled)
        request_continue(u->request);
    else if (u->buffering != BUFFERING_OFF)
        fill(u);
}

void upstream_body_lost(struct upstream *u)
{
    struct request *r = u->request;
    const bool alone = u->orphan;
    if (!u->ended)
        lose(u);
    if (alone)
        end(u);
    request_continue(r);
}
