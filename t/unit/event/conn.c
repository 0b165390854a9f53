/*
 * Connections over socketpairs and loopback TCP: budgets, one send a turn, back-pressure, marks,
 * failures, the posted end.
 * Owns one loop for all tests.
 */
#include "event/conn.c"

#include "t/unit/tap.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/mman.h>

static struct loop loop;
static struct pool pool;
static const struct inet_address nobody;

/* --- a probe: a connection whose callbacks are counted -------------------------------------------
 */

struct probe {
    struct conn *c;
    int far;
    int ready, drained, timeouts, errors, closed;
    bool in_call;                       /* a callback now would come up the stack */
    bool nested;
    bool read;                          /* take what comes */
    size_t got, most_a_turn, this_turn;
    uint64_t turn;
    bool eof;
    struct conn *close_too;
};

static struct probe *probe_of(struct conn *c)
{
    struct probe *p = c->data;
    p->nested = p->nested || p->in_call;
    return p;
}

static void read_all(struct probe *p)
{
    char bytes[10000];
    size_t got;
    enum io io;
    if (p->turn != loop.turns)
        p->this_turn = 0;
    p->turn = loop.turns;
    while ((io = conn_recv(p->c, bytes, sizeof(bytes), &got)) == IO_OK) {
        p->got += got;
        p->this_turn += got;
    }
    p->most_a_turn = size_max(p->most_a_turn, p->this_turn);
    p->eof = p->eof || io == IO_EOF;
}

static void on_ready(struct conn *c)
{
    struct probe *p = probe_of(c);
    p->ready++;
    if (p->read)
        read_all(p);
    if (p->close_too) {
        conn_close(p->close_too);
        p->close_too = NULL;
    }
}

static void on_drained(struct conn *c)
{
    probe_of(c)->drained++;
}

static void on_timeout(struct conn *c)
{
    probe_of(c)->timeouts++;
}

static void on_error(struct conn *c)
{
    probe_of(c)->errors++;
}

static void on_closed(struct conn *c)
{
    probe_of(c)->closed++;
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_timeout = on_timeout, .on_error = on_error,
};

static void turns(unsigned n)
{
    while (n--)
        loop_turn(&loop, 0);
}

static void probe_on(struct probe *p, int near, int far)
{
    *p = (struct probe){ .far = far };
    fcntl(near, F_SETFL, fcntl(near, F_GETFL) | O_NONBLOCK);
    fcntl(far, F_SETFL, fcntl(far, F_GETFL) | O_NONBLOCK);
    p->c = conn_new(&loop, near, &nobody);
    ASSERT(p->c);
    p->c->handler = &handler;
    p->c->data = p;
    p->c->closed = on_closed;
    turns(1);
}

static void probe_pair(struct probe *p)
{
    int fd[2];
    ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    probe_on(p, fd[0], fd[1]);
}

static void probe_tcp(struct probe *p)
{
    const int listener = socket(AF_INET, SOCK_STREAM, 0), far = socket(AF_INET, SOCK_STREAM, 0);
    struct inet_address name = { .len = sizeof(name.v4) };
    name.v4.sin_family = AF_INET;
    name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT(bind(listener, &name.any, name.len) == 0 && listen(listener, 1) == 0);
    ASSERT(getsockname(listener, &name.any, &name.len) == 0);
    ASSERT(connect(far, &name.any, name.len) == 0);
    const int near = accept(listener, NULL, NULL);
    ASSERT(near >= 0);
    close(listener);
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    probe_on(p, near, far);
}

static void probe_end(struct probe *p)
{
    if (!p->closed) {
        conn_close(p->c);
        turns(2);
    }
    if (p->far >= 0)
        close(p->far);
}

/* What has arrived at the far side; adds to *len. */
static void far_read(struct probe *p, char *to, size_t room, size_t *len)
{
    ssize_t n;
    while (*len < room && (n = read(p->far, to + *len, room - *len)) > 0)
        *len += (size_t)n;
}

static bool far_at_end(struct probe *p)
{
    char byte;
    struct pollfd poll_far = { .fd = p->far, .events = POLLIN };
    return poll(&poll_far, 1, 1000) == 1 && read(p->far, &byte, 1) == 0;
}

/* Bytes that differ from place to place. */
static char pattern(size_t i)
{
    return (char)(i * 31 + (i >> 8) * 7);
}

static char *pattern_new(size_t len)
{
    char *at = pool_bytes(&pool, len);
    for (size_t i = 0; i < len; i++)
        at[i] = pattern(i);
    return at;
}

static bool pattern_is(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] != pattern(i))
            return false;
    return true;
}

static int file_of(size_t len)
{
    const int fd = memfd_create("file", MFD_CLOEXEC);
    const char *at = pattern_new(len);
    ASSERT(fd >= 0 && write(fd, at, len) == (ssize_t)len);
    return fd;
}

static enum flow send_text(struct probe *p, struct str text)
{
    struct chain chain;
    chain_init(&chain);
    chain_add(&chain, &pool, text);
    p->in_call = true;
    const enum flow flow = conn_send(p->c, &chain);
    p->in_call = false;
    ASSERT(chain_empty(&chain));
    return flow;
}

static struct {
    int sent, dropped;
} marks;

static void passed(struct buf *mark, bool sent)
{
    (void)mark;
    marks.sent += sent;
    marks.dropped += !sent;
}

static void add_mark(struct chain *chain)
{
    chain_add_mark(chain, &pool, passed, NULL);
}

static void marks_reset(void)
{
    marks.sent = marks.dropped = 0;
}

/* --- a transport that counts, over the real one
 * --------------------------------------------------- */

static struct {
    unsigned sends, shutdowns, closes;
    size_t bytes;
    bool swallow;                       /* takes 64 KiB a step, without a socket */
} counted;

static enum io counting_recv(struct conn *c, void *to, size_t room, size_t *got)
{
    return transport_tcp.recv(c, to, room, got);
}

static enum io counting_send(struct conn *c, const struct chain *out, size_t *sent)
{
    counted.sends++;
    if (!counted.swallow)
        return transport_tcp.send(c, out, sent);
    *sent = size_min(out->bytes, 64 << 10);
    counted.bytes += *sent;
    return IO_OK;
}

static void counting_shutdown(struct conn *c)
{
    counted.shutdowns++;
    transport_tcp.shutdown(c);
}

static void counting_close(struct conn *c)
{
    counted.closes++;
    transport_tcp.close(c);
}

static const struct transport counting = {
    "counting", counting_recv, counting_send, counting_shutdown, counting_close,
};

static void count_from_now(struct probe *p)
{
    memset(&counted, 0, sizeof(counted));
    p->c->transport = &counting;
}

/* --- addresses
 * ------------------------------------------------------------------------------------ */

static bool keeps(struct conn *c, const char *text, size_t client)
{
    struct inet_address in, out;
    ASSERT(inet_parse(str_from(text), 80, &in));
    return conn_set_peer(c, &in) && (conn_peer(c, &out), inet_eq(&in, &out))
           && in.len == out.len && c->log.client.len == client;
}

static void test_addresses(void)
{
    struct probe p;
    struct inet_address out, long_path = { .len = sizeof(long_path.local) };
    char text[INET_TEXT];
    struct fmt f;
    ok(sizeof(struct conn) + TIMERS * sizeof(struct heap_slot) <= 448,
       "an idle connection is small");
    probe_tcp(&p);
    conn_peer(p.c, &out);
    is_uint(out.len, 0, "no address is no address");
    ok(keeps(p.c, "192.0.2.7:4711", 4), "IPv4");
    ok(memcmp(p.c->log.client.at, "\xc0\0\2\7", 4) == 0, "the log knows the client");
    ok(keeps(p.c, "[2001:db8::7]:4711", 16), "IPv6");
    ok(keeps(p.c, "unix:/short", 5), "a short path");
    ok(keeps(p.c, "unix:/a/path/that/is/longer/than/an/internet/address/ever/is", 5),
       "a long path");
    long_path.local.sun_family = AF_UNIX;
    memset(long_path.local.sun_path, 'p', sizeof(long_path.local.sun_path));
    ok(conn_set_peer(p.c, &long_path), "the longest path");
    conn_peer(p.c, &out);
    ok(inet_eq(&out, &long_path) && out.len == long_path.len, "comes back whole");
    ok(keeps(p.c, "192.0.2.8:1", 4), "back to IPv4");
    ok(conn_set_peer(p.c, &long_path), "and a path again, for the end to free");
    conn_local(p.c, &out);
    fmt_init(&f, text, sizeof(text));
    inet_write(&f, &out, false);
    is_str(fmt_done(&f).at, "127.0.0.1", "our side is asked from the kernel");
    ok(inet_port(&out) > 0 && p.c->local.len == sizeof(out.v4), "and remembered");
    probe_end(&p);
}

static void test_refused(void)
{
    struct probe p = { .far = -1 };
    const int fd = memfd_create("plain", MFD_CLOEXEC);
    const size_t reserved = loop.timers.reserved;
    p.c = conn_new(&loop, fd, &nobody);
    ASSERT(p.c);
    p.c->handler = &handler;
    p.c->data = &p;
    p.c->closed = on_closed;
    turns(3);
    is_uint(p.errors, 1, "what cannot be watched is an error");
    conn_close(p.c);
    turns(2);
    ok(fcntl(fd, F_GETFD) < 0, "its descriptor is closed");
    is_uint(loop.timers.reserved, reserved, "and no timer is kept for it");
}

/* --- receiving -------------------------------------------------------------------------------- */

static void test_recv(void)
{
    struct probe p;
    char bytes[64];
    size_t got;
    probe_pair(&p);
    is_int(p.ready, 0, "a connection that may only be written to is not ready");
    is_int(conn_recv(p.c, bytes, sizeof(bytes), &got), IO_AGAIN, "nothing to read yet");
    ASSERT(write(p.far, "hello", 5) == 5);
    turns(1);
    is_int(p.ready, 1, "ready");
    is_int(conn_recv(p.c, bytes, 3, &got), IO_OK, "a part of it");
    ok(got == 3 && p.c->watch.readable, "more may follow");
    is_int(conn_recv(p.c, bytes, sizeof(bytes), &got), IO_OK, "the rest");
    ok(got == 2 && !p.c->watch.readable, "a short read has emptied it");
    is_int(conn_recv(p.c, bytes, sizeof(bytes), &got), IO_AGAIN, "no more");
    is_uint(p.c->received, 5, "counted");
    ASSERT(write(p.far, "end", 3) == 3);
    close(p.far);
    p.far = -1;
    turns(1);
    is_int(p.ready, 2, "ready again, once for data and end");
    ok(conn_recv(p.c, bytes, sizeof(bytes), &got) == IO_OK && got == 3, "data before the end");
    is_int(conn_recv(p.c, bytes, sizeof(bytes), &got), IO_EOF, "then the end");
    conn_close(p.c);
    is_int(conn_recv(p.c, bytes, sizeof(bytes), &got), IO_AGAIN,
           "nothing comes from one that closes");
    probe_end(&p);
}

static void test_read_budget(void)
{
    struct probe fast, slow;
    const size_t len = 180 << 10;
    const char *at = pattern_new(len);
    const int room = 1 << 20;
    probe_pair(&fast);
    probe_pair(&slow);
    fast.read = slow.read = true;
    setsockopt(fast.far, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    ASSERT(write(fast.far, at, len) == (ssize_t)len);
    turns(1);
    is_uint(fast.got, CONN_READ_MOST, "a turn has a budget");
    ASSERT(write(slow.far, "x", 1) == 1);
    turns(1);
    ok(fast.got == 2 * CONN_READ_MOST && slow.got == 1,
       "who used it up comes again, beside others");
    turns(2);
    is_uint(fast.got, len, "everything arrives, without another event");
    is_uint(fast.most_a_turn, CONN_READ_MOST, "and never more than that in a turn");
    const int ready = fast.ready;
    turns(3);
    is_int(fast.ready, ready, "then it rests");
    probe_end(&fast);
    probe_end(&slow);
}

static void test_budget_at_the_end(void)
{
    struct probe p;
    const int room = 1 << 20;
    probe_pair(&p);
    p.read = true;
    setsockopt(p.far, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    ASSERT(write(p.far, pattern_new(CONN_READ_MOST), CONN_READ_MOST) == CONN_READ_MOST);
    close(p.far);
    p.far = -1;
    turns(1);
    ok(p.got == CONN_READ_MOST && !p.eof, "the budget ends with the data");
    turns(1);
    ok(p.eof, "the end is not forgotten");
    probe_end(&p);
}

/* --- sending
 * -------------------------------------------------------------------------------------- */

static void test_one_send_a_turn(void)
{
    struct probe p;
    char bytes[64];
    size_t len = 0;
    probe_pair(&p);
    count_from_now(&p);
    is_int(send_text(&p, STR("one ")), FLOW_OK, "queued");
    send_text(&p, STR("two "));
    send_text(&p, STR("three"));
    far_read(&p, bytes, sizeof(bytes), &len);
    is_uint(len, 0, "nothing leaves at once");
    turns(1);
    is_uint(counted.sends, 1, "all of a turn leaves together");
    far_read(&p, bytes, sizeof(bytes), &len);
    is_mem(bytes, len, "one two three", 13, "in order");
    is_uint(p.c->sent, 13, "counted");
    send_text(&p, STR("now"));
    conn_flush(p.c);
    far_read(&p, bytes, sizeof(bytes), &len);
    is_mem(bytes, len, "one two threenow", 16, "a flush does not wait for the end of the turn");
    turns(1);
    is_uint(counted.sends, 2, "and leaves nothing to do");
    probe_end(&p);
    is_uint(counted.closes, 1, "the transport ends with the connection");
}

static void test_many_pieces(void)
{
    enum { PIECES = 300, PIECE = 7 };
    struct probe p;
    struct chain chain;
    char bytes[PIECES * PIECE + 1];
    size_t len = 0;
    const char *at = pattern_new(PIECES * PIECE);
    probe_pair(&p);
    count_from_now(&p);
    marks_reset();
    chain_init(&chain);
    for (size_t i = 0; i < PIECES; i++) {
        chain_add(&chain, &pool, str_of(at + i * PIECE, PIECE));
        add_mark(&chain);
    }
    conn_send(p.c, &chain);
    turns(1);
    far_read(&p, bytes, sizeof(bytes), &len);
    ok(len == PIECES * PIECE && pattern_is(bytes, len), "more pieces than one call takes");
    ok(counted.sends == (PIECES + 63) / 64, "64 of them a call");
    is_int(marks.sent, PIECES, "every mark was passed");
    add_mark(&chain);
    conn_send(p.c, &chain);
    turns(1);
    is_int(marks.sent, PIECES + 1, "a mark with nothing before it is passed in the turn");
    probe_end(&p);
}

static unsigned segments_at(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    ASSERT(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
    return info.tcpi_data_segs_in;
}

static void test_file(void)
{
    struct probe p;
    struct chain chain;
    char bytes[2048];
    size_t len = 0;
    const int fd = file_of(1000);
    probe_tcp(&p);
    marks_reset();
    chain_init(&chain);
    chain_add(&chain, &pool, STR("HEAD"));
    add_mark(&chain);
    chain_add_file(&chain, &pool, fd, 100, 500);
    add_mark(&chain);
    conn_send(p.c, &chain);
    turns(1);
    far_read(&p, bytes, sizeof(bytes), &len);
    ok(len == 504 && memcmp(bytes, "HEAD", 4) == 0, "memory, then a file");
    bool same = len == 504;
    for (size_t i = 0; same && i < 500; i++)
        same = bytes[4 + i] == pattern(100 + i);
    ok(same, "the range that was asked for");
    is_uint(segments_at(p.far), 1, "they leave in one segment");
    ok(marks.sent == 2 && chain_empty(&p.c->out), "nothing is left");
    add_mark(&chain);
    chain_add_file(&chain, &pool, fd, 0, 10);
    chain_add(&chain, &pool, STR("between"));
    chain_add_file(&chain, &pool, fd, 10, 10);
    conn_send(p.c, &chain);
    turns(1);
    len = 0;
    far_read(&p, bytes, sizeof(bytes), &len);
    ok(len == 27 && memcmp(bytes + 10, "between", 7) == 0, "files and memory in turn");
    close(fd);
    probe_end(&p);
}

static void test_file_truncated(void)
{
    struct probe p;
    struct chain chain;
    char bytes[16384];
    size_t len = 0;
    const int fd = file_of(10000);
    probe_tcp(&p);
    marks_reset();
    chain_init(&chain);
    chain_add_file(&chain, &pool, fd, 0, 10000);
    add_mark(&chain);
    conn_send(p.c, &chain);
    ASSERT(ftruncate(fd, 4000) == 0);
    turns(2);
    is_int(p.errors, 1, "a file that became shorter is an error");
    ok(p.c->failed && chain_empty(&p.c->out) && marks.dropped == 1, "the rest is dropped");
    turns(3);
    is_int(p.errors, 1, "which is told once");
    conn_close(p.c);
    turns(1);
    far_read(&p, bytes, sizeof(bytes), &len);
    ok(len == 4000 && pattern_is(bytes, len), "the peer has what there was");
    close(fd);
    probe_end(&p);
}

static void test_back_pressure(void)
{
    struct probe p;
    const size_t len = 1 << 20, piece = 10000;
    const char *at = pattern_new(len);
    char *bytes = pool_bytes(&pool, len);
    size_t queued = 0, arrived = 0, most = 0;
    unsigned fulls = 0;
    probe_pair(&p);
    for (unsigned round = 0; round < 1000 && arrived < len; round++) {
        while (queued < len && !p.c->full) {
            const size_t n = size_min(piece, len - queued);
            fulls += send_text(&p, str_of(at + queued, n)) == FLOW_FULL;
            queued += n;
        }
        most = size_max(most, p.c->out.bytes);
        turns(2);
        if (p.c->full)
            ASSERT(send_text(&p, STR_NONE) == FLOW_FULL);
        far_read(&p, bytes, size_min(len, arrived + 50000), &arrived);
    }
    ok(arrived == len && pattern_is(bytes, len), "everything arrives in order");
    ok(fulls >= 2 && most <= CONN_HIGH + piece, "the queue is bounded");
    is_int(p.drained, (int)fulls, "each FULL is followed by one on_drained");
    ok(!p.nested, "and never in the stack of a call");
    probe_end(&p);
}

static void test_drained_late(void)
{
    struct probe p;
    const size_t len = 400 << 10;
    const char *at = pattern_new(len);
    char *bytes = pool_bytes(&pool, len);
    size_t arrived = 0;
    const int small = 16 << 10;
    bool between = false, early = false;
    probe_pair(&p);
    setsockopt(p.c->watch.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    count_from_now(&p);
    is_int(send_text(&p, str_of(at, len)), FLOW_FULL, "one large piece is taken, and it is full");
    turns(2);
    is_uint(counted.sends, 1, "a short write needs no second one");
    while (arrived < len) {
        far_read(&p, bytes, size_min(len, arrived + 4096), &arrived);
        turns(2);
        between = between || (p.c->out.bytes > CONN_LOW && p.c->out.bytes <= CONN_HIGH);
        early = early || (p.c->out.bytes > CONN_LOW && p.drained > 0);
    }
    ok(between && !early, "above the low mark nobody is called");
    is_int(p.drained, 1, "below it once");
    probe_end(&p);
}

/* What is on its way when the end comes is not brought any more. */
static void test_drained_never(void)
{
    struct probe p;
    const size_t len = 400 << 10;
    char *bytes = pool_bytes(&pool, len);
    size_t arrived = 0;
    probe_pair(&p);
    send_text(&p, str_of(pattern_new(len), len));
    for (unsigned i = 0; i < 10000 && !p.c->drained; i++) {
        far_read(&p, bytes, len, &arrived);
        poller_wait(&loop, 1);
        conn_flush(p.c);
    }
    ok(p.c->drained && p.drained == 0, "on_drained is on its way");
    conn_close(p.c);
    turns(2);
    ok(p.closed == 1 && p.drained == 0, "and does not come after the end");
    probe_end(&p);
}

static void test_send_budget(void)
{
    struct probe p, other;
    char bytes[16];
    size_t len = 0;
    const int fd = file_of(1);
    struct chain chain;
    probe_pair(&p);
    probe_pair(&other);
    count_from_now(&p);
    counted.swallow = true;
    chain_init(&chain);
    chain_add_file(&chain, &pool, fd, 0, 5 * CONN_SEND_MOST);
    conn_send(p.c, &chain);
    send_text(&other, STR("x"));
    turns(1);
    is_uint(counted.bytes, CONN_SEND_MOST, "a fast client does not keep the loop");
    far_read(&other, bytes, sizeof(bytes), &len);
    is_uint(len, 1, "others are served in the same turn");
    turns(4);
    is_uint(counted.bytes, 5 * CONN_SEND_MOST, "it goes on without an event");
    close(fd);
    probe_end(&p);
    probe_end(&other);
}

static void test_reset(void)
{
    struct probe p;
    struct chain chain;
    const struct linger hard = { .l_onoff = 1 };
    probe_tcp(&p);
    setsockopt(p.far, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(p.far);
    p.far = -1;
    marks_reset();
    chain_init(&chain);
    chain_add(&chain, &pool, str_of(pattern_new(200 << 10), 200 << 10));
    add_mark(&chain);
    p.in_call = true;
    is_int(conn_send(p.c, &chain), FLOW_FULL, "more than is taken at once");
    conn_flush(p.c);
    p.in_call = false;
    ok(p.c->failed && chain_empty(&p.c->out), "a peer that is gone fails the connection");
    ok(!p.c->full, "which owes no on_drained any more");
    ok(marks.dropped == 1 && marks.sent == 0, "the mark hears that nothing was sent");
    is_int(p.errors, 0, "on_error is posted");
    turns(2);
    ok(p.errors == 1 && !p.nested, "and comes from the loop");
    chain_add(&chain, &pool, STR("more"));
    add_mark(&chain);
    is_int(conn_send(p.c, &chain), FLOW_FULL, "later output is taken, and no more wanted");
    ok(marks.dropped == 2 && chain_empty(&p.c->out), "and thrown away");
    conn_flush(p.c);
    conn_shutdown(p.c);
    loop_post(&loop, &p.c->ready_task);
    const int ready = p.ready;
    turns(2);
    ok(p.errors == 1 && p.ready == ready, "nothing comes after on_error");
    probe_end(&p);
    is_int(p.closed, 1, "but the end");
}

static void test_shutdown(void)
{
    struct probe p;
    const size_t len = 400 << 10;
    char *bytes = pool_bytes(&pool, len);
    size_t arrived = 0;
    const int small = 16 << 10;
    probe_tcp(&p);
    setsockopt(p.c->watch.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    count_from_now(&p);
    p.read = true;
    send_text(&p, str_of(pattern_new(len), len));
    conn_shutdown(p.c);
    conn_shutdown(p.c);
    turns(1);
    for (unsigned i = 0; i < 10000 && arrived < len; i++) {
        far_read(&p, bytes, len, &arrived);
        turns(1);
    }
    ok(arrived == len && pattern_is(bytes, len), "what was queued leaves first");
    ok(far_at_end(&p), "then the end");
    is_uint(counted.shutdowns, 1, "once");
    ASSERT(write(p.far, "still here", 10) == 10);
    for (unsigned i = 0; i < 100 && p.got < 10; i++)
        loop_turn(&loop, 10);
    is_uint(p.got, 10, "the other direction stays open");
    probe_end(&p);
}

/* --- the end
 * -------------------------------------------------------------------------------------- */

static void test_close(void)
{
    struct probe p;
    struct chain chain;
    probe_pair(&p);
    const int fd = p.c->watch.fd;
    const size_t reserved = loop.timers.reserved;
    conn_timer(p.c, 1);
    marks_reset();
    chain_init(&chain);
    chain_add(&chain, &pool, STR("queued"));
    add_mark(&chain);
    conn_send(p.c, &chain);
    p.in_call = true;
    conn_close(p.c);
    conn_close(p.c);
    p.in_call = false;
    conn_timer(p.c, 1);
    ok(!p.closed && fcntl(fd, F_GETFD) >= 0, "closing is posted");
    chain_add(&chain, &pool, STR("late"));
    add_mark(&chain);
    conn_send(p.c, &chain);
    is_int(marks.dropped, 1, "what comes after is dropped");
    ASSERT(write(p.far, "x", 1) == 1);
    loop_turn(&loop, 5);
    ok(p.closed == 1 && fcntl(fd, F_GETFD) < 0, "and done by the loop, once");
    is_int(marks.dropped, 2, "with what was queued");
    ok(p.ready == 0 && p.timeouts == 0 && !p.nested, "no other callback comes");
    is_uint(loop.timers.reserved, reserved - TIMERS, "its timers are given back");
    char byte;
    errno = 0;
    ok(read(p.far, &byte, 1) <= 0 && errno != EAGAIN, "the peer sees the end");
    probe_end(&p);
}

static void test_close_before_timer(void)
{
    struct probe p;
    probe_pair(&p);
    conn_timer(p.c, 1);
    usleep(2000);
    conn_close(p.c);
    turns(2);
    ok(p.closed == 1 && p.timeouts == 0, "a deadline that is due does not come after the end");
    probe_end(&p);
}

static void test_close_another(void)
{
    struct probe a, b;
    probe_pair(&a);
    probe_pair(&b);
    turns(1);
    a.ready = b.ready = 0;
    a.close_too = b.c;
    b.close_too = a.c;
    ASSERT(write(a.far, "x", 1) == 1 && write(b.far, "x", 1) == 1);
    turns(1);
    is_int(a.ready + b.ready, 1, "one that is closed in a batch is not called later in it");
    turns(1);
    is_int(a.closed + b.closed, 1, "but ended");
    probe_end(&a);
    probe_end(&b);

    probe_pair(&a);
    a.close_too = a.c;
    ASSERT(write(a.far, "x", 1) == 1);
    turns(3);
    ok(a.ready == 1 && a.closed == 1, "a connection may close itself");
    probe_end(&a);
}

static void test_timer(void)
{
    struct probe p;
    probe_pair(&p);
    conn_timer(p.c, 2);
    for (unsigned i = 0; i < 100 && !p.timeouts; i++)
        loop_turn(&loop, 5);
    is_int(p.timeouts, 1, "a deadline");
    conn_timer(p.c, 1);
    conn_timer(p.c, 0);
    loop_turn(&loop, 3);
    loop_turn(&loop, 3);
    is_int(p.timeouts, 1, "0 turns it off");
    probe_end(&p);
}

int main(void)
{
    static const struct log_conf silent;
    log_use(&silent);                   /* the lines of faults that are meant would only confuse */
    ASSERT(loop_init(&loop));
    pool_init(&pool, &pool_heap);
    test_addresses();
    test_refused();
    test_recv();
    test_read_budget();
    test_budget_at_the_end();
    test_one_send_a_turn();
    test_many_pieces();
    test_file();
    test_file_truncated();
    test_back_pressure();
    test_drained_late();
    test_drained_never();
    test_send_budget();
    test_reset();
    test_shutdown();
    test_close();
    test_close_before_timer();
    test_close_another();
    test_timer();
    ok(loop.timers.set == 0 && loop.timers.reserved == 0, "nothing is left behind");
    pool_free(&pool);
    loop_free(&loop);
    return done_testing();
}
