/*
 * Pumps: blocks that are read, passed on, and come back when their bytes were taken.
 * A block owns its bytes and is freed by its mark, even when the pump has gone.
 */
#include "event/pump.h"

struct pump_block {
    struct pump *pump;                  /* NULL: it went away */
    struct pump_block *next, **prev;    /* of those in flight */
    struct buf data, mark;
    size_t len;
    char bytes[PUMP_BLOCK];
};

static void progress(struct pump *pump)
{
    if (pump->timer)
        timer_set(pump->loop, pump->timer, pump->idle);
}

static void finish(struct pump *pump, enum pump_end end)
{
    if (pump->end != PUMP_RUNS)
        return;
    pump->end = end;
    loop_unpost(pump->loop, &pump->task);
    loop_post(pump->loop, &pump->done);
}

static void release(struct pump_block *block)
{
    *block->prev = block->next;
    if (block->next)
        block->next->prev = block->prev;
    block->pump->blocks--;
}

/* The mark behind a block: its memory is not needed any more. */
static void block_passed(struct buf *mark, bool sent)
{
    struct pump_block *block = mark->data;
    struct pump *pump = block->pump;
    if (pump) {
        release(block);
        if (sent) {
            pump->taken += block->len;
            progress(pump);
            if (pump->end == PUMP_RUNS)
                loop_post(pump->loop, &pump->task);
        } else
            finish(pump, PUMP_TO_FAILED);
    }
    free(block);
}

static void block_send(struct pump *pump, struct pump_block *block)
{
    struct chain chain;
    block->pump = pump;
    block->next = pump->flight;
    block->prev = &pump->flight;
    if (block->next)
        block->next->prev = &block->next;
    pump->flight = block;
    pump->blocks++;
    block->data = (struct buf){
        .kind = BUF_MEMORY, .at = block->bytes, .len = block->len, .fd = -1,
    };
    block->mark = (struct buf){
        .kind = BUF_MARK, .fd = -1, .passed = block_passed, .data = block,
    };
    chain_init(&chain);
    chain_append(&chain, &block->data);
    chain_append(&chain, &block->mark);
    /* FULL needs no answer here: what is in flight is bounded, and comes back when it was taken. */
    pump->to->write(pump->to, &chain, FLUSH);
}

static void end_of_input(struct pump *pump)
{
    struct chain none;
    pump->eof = true;
    progress(pump);
    chain_init(&none);
    pump->to->write(pump->to, &none, LAST);
}

/* One block; false: nothing more now. */
static bool step(struct pump *pump)
{
    struct pump_block *block = malloc(sizeof(*block));
    if (!block) {
        finish(pump, PUMP_NO_MEMORY);
        return false;
    }
    const enum io io = conn_recv(pump->from, block->bytes, sizeof(block->bytes), &block->len);
    if (io == IO_OK) {
        pump->read += block->len;
        progress(pump);
        block_send(pump, block);
        return true;
    }
    free(block);
    if (io == IO_EOF)
        end_of_input(pump);
    else if (io == IO_ERROR)
        finish(pump, PUMP_FROM_FAILED);
    return false;
}

void pump_run(struct pump *pump)
{
    while (pump->end == PUMP_RUNS && !pump->eof && pump->blocks < PUMP_BLOCKS
           && pump->from->watch.readable)
        if (!step(pump))
            break;
    if (pump->eof && pump->blocks == 0)
        finish(pump, PUMP_FINISHED);
}

static void run_task(struct task *task)
{
    pump_run(container_of(task, struct pump, task));
}

void pump_start(struct pump *pump)
{
    ASSERT(pump->from && pump->to && pump->done.run && !pump->flight);
    pump->loop = pump->from->loop;
    pump->task.run = run_task;
    progress(pump);
    loop_post(pump->loop, &pump->task);
}

void pump_cancel(struct pump *pump)
{
    for (struct pump_block *block = pump->flight; block; block = block->next)
        block->pump = NULL;
    pump->flight = NULL;
    pump->blocks = 0;
    if (pump->end == PUMP_RUNS)
        pump->end = PUMP_CANCELLED;
    loop_unpost(pump->loop, &pump->task);
    loop_unpost(pump->loop, &pump->done);
}

static enum flow sink_write(struct sink *sink, struct chain *data, enum mark mark)
{
    struct conn *c = container_of(sink, struct conn_sink, sink)->conn;
    const enum flow flow = conn_send(c, data);
    if (mark == LAST)
        conn_shutdown(c);
    return flow;
}

void conn_sink_init(struct conn_sink *sink, struct conn *c)
{
    sink->sink.write = sink_write;
    sink->conn = c;
}
