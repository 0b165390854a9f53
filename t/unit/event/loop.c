/*
 * The loop and its poller with real descriptors: order of tasks, flushing, fairness, edges.
 * Owns one loop a test.
 */
#include "event/loop.c"

#include "core/log.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static struct loop loop;
static char story[256];                 /* what ran, in order: a letter each */

static void tell(char c)
{
    const size_t len = strlen(story);
    if (len + 1 < sizeof(story))
        story[len] = c;
}

static void begin(void)
{
    memset(story, 0, sizeof(story));
    ASSERT(loop_init(&loop));
}

struct step {
    struct task task;
    char name;
    void (*then)(struct step *step);
    struct step *other;
    int count;
};

static void run_step(struct task *task)
{
    struct step *step = container_of(task, struct step, task);
    tell(step->name);
    step->count++;
    if (step->then)
        step->then(step);
}

#define STEP(c) { .task.run = run_step, .name = (c) }

static void post_other(struct step *step)
{
    loop_post(&loop, &step->other->task);
}

static void post_itself(struct step *step)
{
    loop_post(&loop, &step->task);
}

static void unpost_other(struct step *step)
{
    loop_unpost(&loop, &step->other->task);
}

static void flush_itself(struct step *step)
{
    loop_post_flush(&loop, &step->task);
}

static void spin(int64_t usec)
{
    const int64_t end = clock_usec() + usec;
    while (clock_usec() < end)
        ;
}

static void spin_a_while(struct step *step)
{
    (void)step;
    spin(1200);
}

static void test_tasks(void)
{
    struct step a = STEP('a'), b = STEP('b'), c = STEP('c');
    begin();
    loop_post(&loop, &a.task);
    loop_post(&loop, &b.task);
    loop_post(&loop, &a.task);
    ok(task_posted(&a.task) && !task_posted(&c.task), "posted or not");
    loop_turn(&loop, 0);
    is_str(story, "ab", "in order, and once");
    ok(!task_posted(&a.task), "what ran is not posted");
    a.then = post_other;
    a.other = &c;
    loop_post(&loop, &a.task);
    loop_turn(&loop, 0);
    is_str(story, "aba", "what is posted while tasks run waits");
    loop_turn(&loop, 1000);
    is_str(story, "abac", "for the next turn, which does not wait for events");
    c.then = post_itself;
    loop_post(&loop, &c.task);
    loop_turn(&loop, 0);
    loop_turn(&loop, 0);
    is_str(story, "abaccc", "a task may post itself, and runs once a turn");
    loop_unpost(&loop, &c.task);
    loop_free(&loop);
}

static void test_unpost(void)
{
    struct step a = STEP('a'), b = STEP('b'), c = STEP('c');
    begin();
    loop_unpost(&loop, &a.task);
    loop_post(&loop, &a.task);
    loop_post(&loop, &b.task);
    loop_post(&loop, &c.task);
    loop_unpost(&loop, &b.task);
    loop_turn(&loop, 0);
    is_str(story, "ac", "out of the middle");
    loop_post(&loop, &a.task);
    loop_post(&loop, &b.task);
    loop_unpost(&loop, &b.task);
    loop_post(&loop, &c.task);
    loop_turn(&loop, 0);
    is_str(story, "acac", "the last, and the queue still has an end");
    loop_post(&loop, &a.task);
    loop_unpost(&loop, &a.task);
    loop_turn(&loop, 0);
    is_str(story, "acac", "the only one");
    a.then = b.then = unpost_other;
    a.other = &b;
    b.other = &a;
    loop_post(&loop, &a.task);
    loop_post(&loop, &b.task);
    loop_turn(&loop, 0);
    is_str(story, "acaca", "out of the batch that runs, at its end");
    loop_post(&loop, &a.task);
    loop_post(&loop, &b.task);
    loop_post(&loop, &c.task);
    loop_turn(&loop, 0);
    is_str(story, "acacaac", "and in its middle");
    loop_post_flush(&loop, &a.task);
    loop_post_flush(&loop, &b.task);
    loop_turn(&loop, 0);
    is_str(story, "acacaaca", "out of the flushes that run");
    loop_post_flush(&loop, &b.task);
    loop_unpost(&loop, &b.task);
    loop_post_flush(&loop, &c.task);
    loop_turn(&loop, 0);
    is_str(story, "acacaacac", "out of the flushes that wait");
    loop_free(&loop);
}

static void test_flush(void)
{
    struct step a = STEP('a'), f = STEP('F'), g = STEP('G'), again = STEP('.');
    begin();
    loop_post_flush(&loop, &f.task);
    loop_post_flush(&loop, &f.task);
    loop_post(&loop, &a.task);
    loop_turn(&loop, 0);
    is_str(story, "aF", "flushes come after the tasks, once");
    g.then = flush_itself;
    loop_post_flush(&loop, &g.task);
    loop_turn(&loop, 1000);
    is_str(story, "aFG", "a flush that posts itself waits for the next turn");
    g.then = NULL;
    const int64_t before = clock_msec();
    loop_turn(&loop, 2000);
    ok(clock_msec() - before < 1000, "which does not wait for events");
    is_str(story, "aFGG", "and runs it");

    again.then = post_itself;
    loop_post(&loop, &again.task);
    const int64_t from = clock_usec();
    loop_post_flush(&loop, &f.task);
    loop_turn(&loop, 0);
    const bool early = f.count == 2 && clock_usec() - from < FLUSH_WITHIN;
    while (f.count < 2)
        loop_turn(&loop, 0);
    const int64_t took = clock_usec() - from;
    ok(!early, "as long as there are tasks, output waits");
    ok(took >= FLUSH_WITHIN && took < 50 * FLUSH_WITHIN, "but for a millisecond only");
    loop_unpost(&loop, &again.task);
    loop_free(&loop);
}

static void flush_other(struct step *step)
{
    loop_post_flush(&loop, &step->other->task);
}

static void test_flush_in_long_batch(void)
{
    struct step a = STEP('a'), b = STEP('b'), c = STEP('c'), f = STEP('F');
    begin();
    a.then = flush_other;
    a.other = &f;
    b.then = spin_a_while;
    loop_post(&loop, &a.task);
    loop_post(&loop, &b.task);
    loop_post(&loop, &c.task);
    loop_turn(&loop, 0);
    is_str(story, "abFc", "a long batch does not hold back output");
    loop_free(&loop);
}

/* --- descriptors ---------------------------------------------------------------------------------
 */

struct port {
    struct watch watch;
    int far;
    int calls;
    struct port *victim;                /* removed, and freed, when this one is called */
};

static void port_ready(struct watch *watch)
{
    struct port *port = container_of(watch, struct port, watch);
    struct port *victim = port->victim;
    port->calls++;
    tell('e');
    if (victim) {
        poller_remove(&loop, &victim->watch);
        close(victim->watch.fd);
        close(victim->far);
        victim->watch.fd = -1;
        if (victim != port)
            victim->victim = NULL;
    }
}

static void port_open(struct port *port, enum poll_mode mode)
{
    int fd[2];
    ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    *port = (struct port){ .watch = { .fd = fd[0], .ready = port_ready }, .far = fd[1] };
    ASSERT(poller_add(&loop, &port->watch, mode));
}

static void port_close(struct port *port)
{
    poller_remove(&loop, &port->watch);
    close(port->watch.fd);
    if (port->far >= 0)
        close(port->far);
}

static void poke(const struct port *port)
{
    ASSERT(write(port->far, "x", 1) == 1);
}

static void test_edges(void)
{
    struct port p;
    char byte;
    begin();
    port_open(&p, POLL_EDGE);
    loop_turn(&loop, 0);
    ok(p.calls == 1 && p.watch.writable && !p.watch.readable, "writable from the start");
    loop_turn(&loop, 0);
    is_int(p.calls, 1, "and told once");
    poke(&p);
    loop_turn(&loop, 1000);
    ok(p.calls == 2 && p.watch.readable && !p.watch.hangup, "readable");
    loop_turn(&loop, 0);
    is_int(p.calls, 2, "what was not read is not told again");
    ASSERT(read(p.watch.fd, &byte, 1) == 1);
    p.watch.readable = false;
    shutdown(p.far, SHUT_WR);
    loop_turn(&loop, 1000);
    ok(p.watch.readable && p.watch.hangup && !p.watch.error, "the peer's end is read as well");
    close(p.far);
    p.far = -1;
    p.watch.writable = false;
    loop_turn(&loop, 1000);
    ok(p.watch.hangup && p.watch.writable, "a peer that is gone does not block writing");
    port_close(&p);
    loop_free(&loop);
}

/* A pipe says only that it broke, not that writing would not block. */
static void test_broken(void)
{
    struct port p = { .watch = { .ready = port_ready } };
    int fd[2];
    begin();
    ASSERT(pipe2(fd, O_NONBLOCK) == 0);
    while (write(fd[1], story, sizeof(story)) > 0)
        ;
    p.watch.fd = fd[1];
    ASSERT(poller_add(&loop, &p.watch, POLL_EDGE));
    close(fd[0]);
    loop_turn(&loop, 1000);
    ok(p.watch.error && p.watch.readable && p.watch.writable, "whoever tries learns of the error");
    poller_remove(&loop, &p.watch);
    close(fd[1]);
    loop_free(&loop);
}

static void test_level(void)
{
    struct port p;
    char byte;
    begin();
    port_open(&p, POLL_LEVEL);
    loop_turn(&loop, 0);
    is_int(p.calls, 0, "nobody asked whether it is writable");
    poke(&p);
    loop_turn(&loop, 1000);
    loop_turn(&loop, 1000);
    is_int(p.calls, 2, "told until it is read");
    ASSERT(read(p.watch.fd, &byte, 1) == 1);
    loop_turn(&loop, 0);
    is_int(p.calls, 2, "and then not");
    port_close(&p);
    loop_free(&loop);
}

/* Two loops stand for two workers. */
static void test_shared(void)
{
    struct loop other;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    socklen_t len = sizeof(name);
    begin();
    ASSERT(loop_init(&other));
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ASSERT(bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0);
    ASSERT(listen(listener, 8) == 0);
    ASSERT(getsockname(listener, (struct sockaddr *)&name, &len) == 0);
    struct port a = { .watch = { .fd = listener, .ready = port_ready } }, b = a;
    ok(poller_add(&loop, &a.watch, POLL_SHARED) && poller_add(&other, &b.watch, POLL_SHARED),
       "one descriptor in two loops");
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT(connect(client, (struct sockaddr *)&name, len) == 0);
    loop_turn(&loop, 0);
    loop_turn(&other, 0);
    ok(a.calls + b.calls >= 1, "somebody is told of a connection");
    const int before = a.calls + b.calls;
    loop_turn(&loop, 0);
    loop_turn(&other, 0);
    ok(a.calls + b.calls > before, "until it is accepted");
    poller_remove(&loop, &a.watch);
    poller_remove(&other, &b.watch);
    close(client);
    close(listener);
    loop_free(&other);
    loop_free(&loop);
}

static void test_remove(void)
{
    struct port a, b;
    begin();
    port_open(&a, POLL_EDGE);
    port_open(&b, POLL_EDGE);
    a.victim = &b;
    b.victim = &a;
    loop_turn(&loop, 0);
    is_int(a.calls + b.calls, 1, "the event of a watch that was removed in its turn is dropped");
    port_close(a.calls ? &a : &b);

    port_open(&a, POLL_EDGE);
    a.victim = &a;
    loop_turn(&loop, 0);
    ok(a.calls == 1 && a.watch.fd == -1, "a watch may remove itself");
    loop_turn(&loop, 0);
    is_int(a.calls, 1, "and is silent then");
    loop_free(&loop);
}

static void test_many(void)
{
    enum { COUNT = 300 };
    static struct port ports[COUNT];
    int called = 0;
    begin();
    for (int i = 0; i < COUNT; i++) {
        ports[i] = (struct port){ .watch = { .ready = port_ready } };
        ports[i].watch.fd = eventfd(1, EFD_NONBLOCK);
        ASSERT(ports[i].watch.fd >= 0 && poller_add(&loop, &ports[i].watch, POLL_EDGE));
    }
    loop_turn(&loop, 0);
    for (int i = 0; i < COUNT; i++)
        called += ports[i].calls;
    is_int(called, 256, "a fetch has an end");
    loop_turn(&loop, 0);
    called = 0;
    for (int i = 0; i < COUNT; i++)
        called += ports[i].calls == 1;
    is_int(called, COUNT, "the next one brings the others, and nobody twice");
    for (int i = 0; i < COUNT; i++) {
        poller_remove(&loop, &ports[i].watch);
        close(ports[i].watch.fd);
    }
    loop_free(&loop);
}

static void test_fairness(void)
{
    struct step busy = STEP('.');
    struct port p;
    begin();
    port_open(&p, POLL_EDGE);
    busy.then = post_itself;
    loop_post(&loop, &busy.task);
    loop_turn(&loop, 0);
    p.calls = 0;
    poke(&p);
    loop_turn(&loop, 0);
    is_int(p.calls, 1, "a task that never rests does not starve descriptors");
    loop_unpost(&loop, &busy.task);
    port_close(&p);
    loop_free(&loop);
}

/* --- time, signals, the end ----------------------------------------------------------------------
 */

static void timer_tells(struct timer *timer)
{
    (void)timer;
    tell('t');
}

static void test_waiting(void)
{
    struct timer timer = { .fire = timer_tells };
    begin();
    const int64_t from = clock_usec();
    timer_set(&loop, &timer, 3);
    while (!*story)
        loop_turn(&loop, -1);
    const int64_t took = clock_usec() - from;
    ok(took >= 2000 && took < 500000, "a timer ends the waiting, not early (%d us)", (int)took);
    const int64_t now = loop.now;
    loop_turn(&loop, 2);
    ok(loop.now >= now + 2, "at most so long");
    loop_free(&loop);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms = alarms + 1;
}

static void test_interrupted(void)
{
    struct sigaction action = { .sa_handler = on_alarm }, old;
    struct itimerval in_2ms = { .it_value = { .tv_usec = 2000 } };
    begin();
    sigaction(SIGALRM, &action, &old);
    setitimer(ITIMER_REAL, &in_2ms, NULL);
    const int64_t from = clock_msec();
    loop_turn(&loop, 5000);
    ok(alarms == 1 && clock_msec() - from < 4000, "a signal interrupts the waiting");
    ok(!loop.stop, "and is no failure");
    sigaction(SIGALRM, &old, NULL);
    loop_free(&loop);
}

static unsigned ends;

static void end_of_turn(struct loop *of)
{
    ends++;
    if (of->turns >= 5)
        of->stop = true;
}

static void test_run(void)
{
    struct step busy = STEP('.');
    volatile uint64_t heartbeat = 7;
    begin();
    busy.then = post_itself;
    loop_post(&loop, &busy.task);
    loop.heartbeat = &heartbeat;
    loop.turn_end = end_of_turn;
    loop_run(&loop);
    is_str(story, ".....", "runs until it is told to stop");
    is_uint(ends, 5, "every turn has an end");
    is_uint(heartbeat, 12, "and a heartbeat");
    loop_run(&loop);
    is_uint(loop.turns, 5, "a loop that was stopped does not turn");
    loop_unpost(&loop, &busy.task);
    loop_free(&loop);
}

static void test_failures(void)
{
    struct port p = { .watch = { .ready = port_ready } };
    begin();
    FILE *plain = tmpfile();
    ASSERT(plain);
    p.watch.fd = fileno(plain);
    ok(!poller_add(&loop, &p.watch, POLL_EDGE), "a plain file cannot be watched");
    ok(errno == EPERM, "and errno says so");
    fclose(plain);
    close(loop.poller.fd);
    loop_turn(&loop, 0);
    ok(loop.stop, "a loop without its poller stops");
    loop.poller.fd = -1;
    loop_free(&loop);
}

int main(void)
{
    static const struct log_conf silent;
    log_use(&silent);                   /* the lines of faults that are meant would only confuse */
    test_tasks();
    test_unpost();
    test_flush();
    test_flush_in_long_batch();
    test_edges();
    test_broken();
    test_level();
    test_shared();
    test_remove();
    test_many();
    test_fairness();
    test_waiting();
    test_interrupted();
    test_run();
    test_failures();
    return done_testing();
}
