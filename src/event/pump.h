/*
 * A pump: bytes from a connection into a sink, until the connection's end.  Two make a tunnel.
 *
 *     from --conn_recv--> [block] [block] ... --write--> to
 *                            at most PUMP_BLOCKS in flight; the mark behind each comes back when
 *                            its bytes were taken, and makes room for the next
 *
 * The end of `from` is passed on as LAST, so a half-closed tunnel stays half open.  Progress sets
 * the timer again, which both halves of a tunnel may share.  The owner keeps the handler of the
 * connection: it calls pump_run when `from` is ready and pump_cancel before it frees the pump.
 */
#ifndef EVENT_PUMP_H
#define EVENT_PUMP_H

#include "event/conn.h"

enum {
    PUMP_BLOCKS = 4,
    PUMP_BLOCK = 16 << 10,
};

enum pump_end {
    PUMP_RUNS,
    PUMP_FINISHED,                      /* the end of `from` came, and every byte was taken */
    PUMP_FROM_FAILED,
    PUMP_TO_FAILED,                     /* bytes were thrown away */
    PUMP_NO_MEMORY,
    PUMP_CANCELLED,
};

struct pump_block;

struct pump {
    struct conn *from;
    struct sink *to;
    struct timer *timer;                /* set to `idle` with each progress; NULL: none */
    int64_t idle;                       /* milliseconds */
    struct task done;                   /* posted at the end; `run` is the owner's */
    enum pump_end end;
    bool eof;                           /* of `from`; what is in flight still counts */
    uint64_t read, taken;               /* bytes */
    struct loop *loop;
    struct task task;
    struct pump_block *flight;
    unsigned blocks;
};

/* Fields up to `done.run` are the owner's, set before; the rest is zero.  Posts the first round. */
void pump_start(struct pump *pump);
/* Moves what can be moved. */
void pump_run(struct pump *pump);
/* Nothing is posted any more; what is in flight goes its way without the pump. */
void pump_cancel(struct pump *pump);

/* The sending side of a connection as a sink; LAST ends it. */
struct conn_sink {
    struct sink sink;
    struct conn *conn;
};

void conn_sink_init(struct conn_sink *sink, struct conn *c);

#endif
