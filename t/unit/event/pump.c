/*
 * Pumps between two connections in one loop: bytes both ways, half-close, bounds, failures, cancel.
 * Owns one loop for all tests; a tunnel a test.
 */
#include "event/pump.h"

static void *tested_malloc(size_t size);
#define malloc tested_malloc
#include "event/pump.c"
#undef malloc

#include "t/unit/tap.h"

#include <fcntl.h>

static struct loop loop;
static bool no_memory;

static void *tested_malloc(size_t size)
{
    return no_memory ? NULL : malloc(size);
}

/* far[0] <-> conn[0] ===pumps=== conn[1] <-> far[1] */
struct tunnel {
    int far[2];
    struct conn *conn[2];
    struct conn_sink sink[2];           /* of conn[i] */
    struct pump pump[2];                /* from conn[i] to the other */
    struct timer timer;
    int done[2], errors[2], timeouts;
    bool in_call, nested;
};

static unsigned side(const struct tunnel *t, const struct conn *c)
{
    return t->conn[1] == c;
}

static void on_ready(struct conn *c)
{
    struct tunnel *t = c->data;
    pump_run(&t->pump[side(t, c)]);
}

static void on_drained(struct conn *c)
{
    (void)c;
}

static void on_error(struct conn *c)
{
    struct tunnel *t = c->data;
    t->errors[side(t, c)]++;
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_error = on_error,
};

static void done_0(struct task *task)
{
    struct tunnel *t = container_of(task, struct tunnel, pump[0].done);
    t->done[0]++;
    t->nested = t->nested || t->in_call;
}

static void done_1(struct task *task)
{
    struct tunnel *t = container_of(task, struct tunnel, pump[1].done);
    t->done[1]++;
    t->nested = t->nested || t->in_call;
}

static void timed_out(struct timer *timer)
{
    container_of(timer, struct tunnel, timer)->timeouts++;
}

static void turns(unsigned n)
{
    while (n--)
        loop_turn(&loop, 0);
}

static void pair_local(int fd[2])
{
    ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
}

static void pair_tcp(int fd[2])
{
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(name);
    ASSERT(bind(listener, (struct sockaddr *)&name, len) == 0 && listen(listener, 1) == 0);
    ASSERT(getsockname(listener, (struct sockaddr *)&name, &len) == 0);
    fd[1] = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT(connect(fd[1], (struct sockaddr *)&name, len) == 0);
    fd[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    ASSERT(fd[0] >= 0 && fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
    close(listener);
}

static void tunnel_open(struct tunnel *t, void (*pair)(int fd[2]))
{
    const struct inet_address nobody = { .len = 0 };
    *t = (struct tunnel){ .timer.fire = timed_out };
    for (int i = 0; i < 2; i++) {
        int fd[2];
        pair(fd);
        t->far[i] = fd[1];
        t->conn[i] = conn_new(&loop, fd[0], &nobody);
        ASSERT(t->conn[i]);
        t->conn[i]->handler = &handler;
        t->conn[i]->data = t;
        conn_sink_init(&t->sink[i], t->conn[i]);
    }
    for (int i = 0; i < 2; i++) {
        t->pump[i].from = t->conn[i];
        t->pump[i].to = &t->sink[1 - i].sink;
        t->pump[i].timer = &t->timer;
        t->pump[i].idle = 60000;
        t->pump[i].done.run = i ? done_1 : done_0;
        pump_start(&t->pump[i]);
    }
    turns(2);
}

static void far_close(struct tunnel *t, int i)
{
    if (t->far[i] >= 0)
        close(t->far[i]);
    t->far[i] = -1;
}

static void tunnel_close(struct tunnel *t)
{
    for (int i = 0; i < 2; i++) {
        pump_cancel(&t->pump[i]);
        conn_close(t->conn[i]);
        far_close(t, i);
    }
    timer_cancel(&loop, &t->timer);
    turns(3);
}

static bool far_has(struct tunnel *t, int i, const char *text)
{
    char bytes[256];
    ssize_t n = -1;
    for (int k = 0; k < 100 && (n = read(t->far[i], bytes, sizeof(bytes))) < 0 && errno == EAGAIN;
         k++)
        loop_turn(&loop, 5);
    return n == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)n) == 0;
}

static void far_says(struct tunnel *t, int i, const char *text)
{
    ASSERT(write(t->far[i], text, strlen(text)) == (ssize_t)strlen(text));
    turns(2);
}

static void test_both_ways(void)
{
    struct tunnel t;
    tunnel_open(&t, pair_local);
    far_says(&t, 0, "question");
    ok(far_has(&t, 1, "question"), "there");
    far_says(&t, 1, "the answer");
    ok(far_has(&t, 0, "the answer"), "and back");
    ok(t.pump[0].read == 8 && t.pump[0].taken == 8 && t.pump[1].taken == 10, "counted");
    ok(t.pump[0].blocks == 0 && !t.pump[0].flight, "an idle tunnel holds no memory");
    ok(t.done[0] + t.done[1] == 0, "it goes on");
    tunnel_close(&t);
    is_int(t.done[0] + t.done[1], 0, "a pump that is cancelled tells nothing");
}

static void test_half_close(void)
{
    struct tunnel t;
    tunnel_open(&t, pair_tcp);
    far_says(&t, 0, "last words");
    shutdown(t.far[0], SHUT_WR);
    ok(far_has(&t, 1, "last words"), "bytes first");
    ok(far_has(&t, 1, ""), "then the end, on the other side");
    turns(2);
    ok(t.done[0] == 1 && t.pump[0].end == PUMP_FINISHED && t.pump[0].eof, "one half is done");
    ok(t.done[1] == 0, "the other is not");
    far_says(&t, 1, "I am still talking");
    ok(far_has(&t, 0, "I am still talking"), "and works");
    far_close(&t, 1);
    ok(far_has(&t, 0, ""), "until its end comes");
    turns(2);
    ok(t.done[1] == 1 && t.pump[1].end == PUMP_FINISHED, "both are done");
    turns(3);
    ok(t.done[0] == 1 && t.done[1] == 1 && !t.nested, "each told once");
    tunnel_close(&t);
}

/* An end that comes behind bytes which the other side does not take yet. */
static void test_end_waits(void)
{
    enum { LEN = 2 << 20 };
    struct tunnel t;
    static char bytes[LEN], back[LEN + 1];
    size_t in = 0, out = 0, most = 0;
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (char)(i * 7 + (i >> 9));
    tunnel_open(&t, pair_local);
    for (int still = 0; still < 20; still++) {
        const ssize_t n = write(t.far[0], bytes + in, LEN - in);
        if (n > 0) {
            in += (size_t)n;
            still = 0;
        }
        turns(1);
        most = size_max(most, t.conn[1]->out.bytes);
    }
    ok(in < LEN, "a side that does not read holds up the one that writes");
    ok(most > 0 && most <= PUMP_BLOCKS * PUMP_BLOCK, "what lies between is bounded (%zu bytes)",
       most);
    is_uint(t.pump[0].blocks, PUMP_BLOCKS, "every block is in flight");
    for (unsigned i = 0; i < 100000 && out < LEN; i++) {
        const size_t room = size_min(5000, sizeof(back) - out);
        ssize_t n = read(t.far[1], back + out, room);
        out += n > 0 ? (size_t)n : 0;
        n = in < LEN ? write(t.far[0], bytes + in, LEN - in) : 0;
        in += n > 0 ? (size_t)n : 0;
        if (in == LEN && t.far[0] >= 0) {
            shutdown(t.far[0], SHUT_WR);
            turns(1);
            ok(t.done[0] == 0, "the end waits for the bytes before it");
            in++;
        }
        turns(1);
    }
    ok(out == LEN && memcmp(bytes, back, LEN) == 0, "everything arrives in order");
    ok(far_has(&t, 1, ""), "and then the end");
    turns(1);
    ok(t.done[0] == 1 && t.pump[0].end == PUMP_FINISHED, "which is told");
    ok(t.pump[0].read == LEN && t.pump[0].taken == LEN, "with the counts");
    tunnel_close(&t);
}

static void reset_far(struct tunnel *t, int i)
{
    const struct linger hard = { .l_onoff = 1 };
    setsockopt(t->far[i], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    far_close(t, i);
}

static void test_failures(void)
{
    struct tunnel t;
    tunnel_open(&t, pair_tcp);
    reset_far(&t, 0);
    for (int i = 0; i < 100 && !t.done[0]; i++)
        loop_turn(&loop, 5);
    ok(t.pump[0].end == PUMP_FROM_FAILED && t.done[0] == 1, "a reset by the one that is read");
    far_says(&t, 1, "anybody there?");
    for (int i = 0; i < 100 && !t.done[1]; i++)
        loop_turn(&loop, 5);
    ok(t.pump[1].end == PUMP_TO_FAILED && t.done[1] == 1, "bytes for it are an error as well");
    ok(t.errors[0] == 1 && t.errors[1] == 0, "of that connection");
    ok(t.pump[1].taken == 0 && t.pump[1].blocks == 0 && !t.nested, "nothing was taken");
    pump_run(&t.pump[1]);
    turns(2);
    is_int(t.done[1], 1, "what has ended does not end again");
    tunnel_close(&t);

    tunnel_open(&t, pair_local);
    no_memory = true;
    far_says(&t, 0, "too much");
    no_memory = false;
    ok(t.pump[0].end == PUMP_NO_MEMORY && t.done[0] == 1, "no memory ends it");
    tunnel_close(&t);
}

static void fill(struct tunnel *t, int i)
{
    static const char zeros[65536];
    for (int still = 0; still < 10; still++) {
        while (write(t->far[i], zeros, sizeof(zeros)) > 0)
            still = 0;
        turns(1);
    }
}

static void test_cancel_in_flight(void)
{
    struct tunnel t;
    tunnel_open(&t, pair_local);
    fill(&t, 0);
    is_uint(t.pump[0].blocks, PUMP_BLOCKS, "blocks are in flight");
    pump_cancel(&t.pump[0]);
    ok(t.pump[0].end == PUMP_CANCELLED && t.pump[0].blocks == 0, "they go on without the pump");
    memset(&t.pump[0], 0xa5, sizeof(t.pump[0]));
    char bytes[65536];
    while (t.conn[1]->out.bytes > 0) {
        ASSERT(read(t.far[1], bytes, sizeof(bytes)) > 0);
        turns(1);
    }
    ok(chain_empty(&t.conn[1]->out), "and arrive");
    t.pump[0] = (struct pump){ .from = t.conn[0], .to = &t.sink[1].sink, .done.run = done_0 };
    pump_start(&t.pump[0]);
    turns(1);
    fill(&t, 0);
    is_uint(t.pump[0].blocks, PUMP_BLOCKS, "a second pump on the same connections");
    tunnel_close(&t);
    ok(t.pump[0].blocks == 0, "may be dropped with the connection");
}

static void test_idle(void)
{
    struct tunnel t;
    tunnel_open(&t, pair_local);
    ok(t.timer.set, "the timer runs from the start");
    t.pump[0].idle = t.pump[1].idle = 300;
    const int64_t before = t.timer.deadline;
    far_says(&t, 0, "x");
    ok(t.timer.deadline < before, "reading sets it anew");
    int64_t last = t.timer.deadline;
    loop_turn(&loop, 3);
    loop_turn(&loop, 3);
    far_says(&t, 1, "y");
    ok(t.timer.deadline > last && t.timeouts == 0, "both directions do");
    last = t.timer.deadline;
    for (int i = 0; i < 100 && !t.timeouts; i++)
        loop_turn(&loop, 10);
    ok(t.timeouts == 1 && loop.now >= last, "without progress it fires");
    tunnel_close(&t);
}

/* A sink that keeps what it is given until it is let go. */
struct holding {
    struct sink sink;
    struct chain chain;
};

static enum flow hold(struct sink *sink, struct chain *data, enum mark mark)
{
    (void)mark;
    chain_move(&container_of(sink, struct holding, sink)->chain, data);
    return FLOW_OK;
}

/* Reading is progress, and so is being taken. */
static void test_progress(void)
{
    struct tunnel t;
    struct holding holding = { .sink.write = hold };
    chain_init(&holding.chain);
    tunnel_open(&t, pair_local);
    t.pump[0].to = &holding.sink;
    t.timer.deadline = 0;
    far_says(&t, 0, "x");
    ok(holding.chain.bytes == 1 && t.timer.deadline > 0, "what was read");
    t.timer.deadline = 0;
    chain_consume(&holding.chain, 1, true);
    ok(t.pump[0].taken == 1 && t.timer.deadline > 0, "what was taken");
    t.timer.deadline = 0;
    shutdown(t.far[0], SHUT_WR);
    turns(2);
    ok(t.pump[0].eof && t.timer.deadline > 0, "the end");
    far_says(&t, 1, "y");
    tunnel_close(&t);
}

static void test_cancel_at_the_end(void)
{
    struct tunnel t;
    tunnel_open(&t, pair_local);
    far_close(&t, 0);
    for (int i = 0; i < 100 && t.pump[0].end == PUMP_RUNS; i++) {
        poller_wait(&loop, 5);
        pump_run(&t.pump[0]);
    }
    ok(t.pump[0].end == PUMP_FINISHED && t.done[0] == 0, "finished, and not told yet");
    pump_cancel(&t.pump[0]);
    turns(2);
    is_int(t.done[0], 0, "nor is it told after being cancelled");
    tunnel_close(&t);
}

/* A pump outlives the connection it read from when that has ended. */
static void test_from_goes_first(void)
{
    struct tunnel t;
    tunnel_open(&t, pair_local);
    fill(&t, 0);
    far_close(&t, 0);
    char bytes[65536];
    while (!t.pump[0].eof) {
        ASSERT(read(t.far[1], bytes, sizeof(bytes)) > 0);
        turns(2);
    }
    ok(t.done[0] == 0 && t.pump[0].blocks > 0, "the end was read, bytes are in flight");
    pump_cancel(&t.pump[1]);
    conn_close(t.conn[0]);
    turns(2);
    while (t.done[0] == 0) {
        ASSERT(read(t.far[1], bytes, sizeof(bytes)) > 0);
        turns(2);
    }
    is_int(t.pump[0].end, PUMP_FINISHED, "they are brought to their end");
    conn_close(t.conn[1]);
    far_close(&t, 1);
    timer_cancel(&loop, &t.timer);
    turns(2);
}

int main(void)
{
    static const struct log_conf silent;
    log_use(&silent);                   /* the lines of faults that are meant would only confuse */
    ASSERT(loop_init(&loop));
    test_both_ways();
    test_half_close();
    test_end_waits();
    test_failures();
    test_cancel_in_flight();
    test_idle();
    test_progress();
    test_cancel_at_the_end();
    test_from_goes_first();
    ok(loop.timers.set == 0 && loop.timers.reserved == 0, "nothing is left behind");
    loop_free(&loop);
    return done_testing();
}
