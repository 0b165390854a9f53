/*
 * Idle connections over socketpairs: what is found again, limits, ends, and what is learned of
 * servers.  Time is moved by hand: by when a connection says that it became idle.
 * Owns one worker with a real loop.
 */
#include "http/upstream/reuse.c"

#include "t/unit/tap.h"

#include <fcntl.h>

static struct worker worker;
static struct pool pool;
static unsigned gone;                   /* connections that were freed */

static const struct group_keepalive usual = { .connections = 4, .requests = 100, .time = 3600000,
                                              .timeout = 60000 };

static void turns(unsigned n)
{
    while (n--)
        loop_turn(&worker.loop, 0);
}

static void closed(struct conn *c)
{
    (void)c;
    gone++;
}

static struct inet_address address_of(const char *text)
{
    struct inet_address address;
    ASSERT(inet_parse(str_from(text), 80, &address));
    return address;
}

/* A connection to `address`, as an owner has it that gives it away; its other end. */
static struct conn *connect_to(const struct inet_address *address, int *far)
{
    int fd[2];
    ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    struct conn *c = conn_new(&worker.loop, fd[0], address);
    ASSERT(c);
    c->worker = &worker;
    c->began = worker.loop.real;
    c->closed = closed;
    *far = fd[1];
    return c;
}

static struct reuse_key key_of(const char *group, const struct inet_address *address,
                               uint64_t place)
{
    static const struct inet_address anywhere;
    return (struct reuse_key){ str_from(group), address, &anywhere, place };
}

/* Gives a new one, and lets the loop see it. */
static struct conn *give(const struct reuse_key *key, const struct group_keepalive *limits,
                         int *far)
{
    struct conn *c = connect_to(key->address, far);
    reuse_give(&worker, key, c, limits);
    turns(2);
    return c;
}

static void aged(struct conn *c, int64_t msec)
{
    struct idle_conn *idle = c->data;
    idle->since -= msec;
}

static int64_t time_left(const struct conn *c)
{
    return c->timer.deadline - worker.loop.now;
}

static void close_taken(struct conn *c, int far)
{
    ASSERT(c);
    c->handler = &handler;
    conn_close(c);
    turns(2);
    close(far);
}

static void evict_all(void)
{
    while (reuse_evict(&worker))
        continue;
    turns(2);
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Addresses of clients, where they are passed on: these two have the same FNV hash. */
static void test_bind(void)
{
    const struct inet_address a = address_of("192.0.2.1:80");
    const struct inet_address port = address_of("[2001:db8::e7c0:93bd]:5");
    struct reuse_key key = key_of("g", &a, 7);
    struct inet_address one, two;
    int far;
    ASSERT(inet_parse_host(STR("2001:db8::e7c0:93bd"), 0, &one)
           && inet_parse_host(STR("2001:db8::49ce:86ae"), 0, &two));
    ok(str_hash(str_of(&one, one.len)) == str_hash(str_of(&two, two.len)), "the same hash");
    key.bind = &one;
    struct conn *c = give(&key, &usual, &far);
    key.bind = &two;
    ok(!reuse_take(&worker, &key), "not for another client");
    key.bind = &port;
    ok(!reuse_take(&worker, &key), "nor for another port of it");
    key = key_of("g", &a, 7);
    ok(!reuse_take(&worker, &key), "nor for nobody");
    key.bind = &one;
    ok(reuse_take(&worker, &key) == c, "it is found again");
    close_taken(c, far);
}

static void test_take(void)
{
    const struct inet_address a = address_of("192.0.2.1:80"), b = address_of("192.0.2.1:81");
    const struct inet_address u = address_of("unix:/run/one"), v = address_of("unix:/run/two");
    const struct reuse_key key = key_of("g", &a, 7), other_port = key_of("g", &b, 7),
                           other_group = key_of("h", &a, 7), other_place = key_of("g", &a, 8),
                           one = key_of("g", &u, 7), two = key_of("g", &v, 7);
    int far[3];
    ok(!reuse_take(&worker, &key) && !reuse_evict(&worker) && reuse_count(&worker) == 0,
       "there is none at first");
    struct conn *c = give(&key, &usual, &far[0]);
    is_uint(reuse_count(&worker), 1, "one is kept");
    ok(!reuse_take(&worker, &other_port), "not for another port");
    ok(!reuse_take(&worker, &other_group), "not for another group");
    ok(!reuse_take(&worker, &other_place), "not for another place");
    ok(reuse_take(&worker, &key) == c, "it comes back");
    ok(!c->handler && !c->data && !c->timer.set, "without handler, data and timer");
    ok(!reuse_take(&worker, &key) && reuse_count(&worker) == 0, "once");
    reuse_give(&worker, &key, c, &usual);
    struct conn *d = give(&key, &usual, &far[1]);
    ok(reuse_take(&worker, &key) == d, "the one that was used last");
    ok(reuse_take(&worker, &key) == c, "then the one before it");
    close_taken(c, far[0]);
    close_taken(d, far[1]);
    c = give(&one, &usual, &far[2]);
    ok(!reuse_take(&worker, &two), "socket files are told apart");
    ok(reuse_take(&worker, &one) == c, "and found");
    close_taken(c, far[2]);
}

static void test_many(void)
{
    struct inet_address at[300];
    struct conn *c[300];
    int far[300];
    unsigned found = 0;
    char name[16];
    for (unsigned i = 0; i < countof(c); i++) {
        struct fmt f;
        at[i] = address_of("198.51.100.1:1");
        inet_set_port(&at[i], (uint16_t)(1000 + i));
        fmt_init(&f, name, sizeof(name));
        fmt_print(&f, "group%u", i % 150);
        ASSERT(!f.failed);
        fmt_done(&f);
        const struct reuse_key key = key_of(name, &at[i], i);
        c[i] = connect_to(&at[i], &far[i]);
        reuse_give(&worker, &key, c[i], &usual);
    }
    turns(2);
    is_uint(reuse_count(&worker), countof(c), "many groups and addresses");
    for (unsigned i = 0; i < countof(c); i++) {
        struct fmt f;
        fmt_init(&f, name, sizeof(name));
        fmt_print(&f, "group%u", i % 150);
        fmt_done(&f);
        const struct reuse_key key = key_of(name, &at[i], i);
        found += reuse_take(&worker, &key) == c[i];
    }
    is_uint(found, countof(c), "each is found");
    for (unsigned i = 0; i < countof(c); i++)
        close_taken(c[i], far[i]);
}

/* --- limits ----------------------------------------------------------------------------------- */

/* What was given goes at once. */
static void refused(const char *what, struct conn *c, const struct group_keepalive *limits, int far)
{
    const struct inet_address a = address_of("192.0.2.1:80");
    const struct reuse_key key = key_of("g", &a, 0);
    const unsigned before = gone;
    reuse_give(&worker, &key, c, limits);
    is_uint(reuse_count(&worker), 0, "%s: not kept", what);
    turns(2);
    is_uint(gone, before + 1, "%s: closed", what);
    close(far);
}

static struct conn *to_a(int *far)
{
    const struct inet_address a = address_of("192.0.2.1:80");
    return connect_to(&a, far);
}

static void test_limits(void)
{
    struct group_keepalive limits = usual;
    int far;
    struct conn *c = to_a(&far);
    c->requests = 100;
    refused("requests", c, &usual, far);
    c = to_a(&far);
    c->began -= usual.time;
    refused("time", c, &usual, far);
    limits.connections = 0;
    c = to_a(&far);
    refused("keepalive 0", c, &limits, far);
    limits = usual;
    limits.timeout = 0;
    c = to_a(&far);
    refused("timeout 0", c, &limits, far);
    c = to_a(&far);
    ASSERT(write(far, "x", 1) == 1);
    refused("bytes behind the answer", c, &usual, far);
    c = to_a(&far);
    shutdown(far, SHUT_WR);
    refused("ended by the server", c, &usual, far);
    c = to_a(&far);
    conn_shutdown(c);
    refused("ended by us", c, &usual, far);
    c = to_a(&far);
    struct chain chain;
    chain_init(&chain);
    chain_add(&chain, &pool, STR("still to be sent"));
    conn_send(c, &chain);
    refused("output is left", c, &usual, far);
    c = to_a(&far);
    worker.quitting = true;
    refused("the worker ends", c, &usual, far);
    worker.quitting = false;
    const struct inet_address a = address_of("192.0.2.1:80");
    const struct reuse_key key = key_of("g", &a, 0);
    c = to_a(&far);
    c->requests = 99;
    reuse_give(&worker, &key, c, &usual);
    ok(reuse_take(&worker, &key) == c, "one request below the limit it is kept");
    close_taken(c, far);
}

static void test_count(void)
{
    const struct inet_address a = address_of("192.0.2.1:80"), b = address_of("192.0.2.2:80");
    const struct reuse_key ka = key_of("g", &a, 0), kb = key_of("g", &b, 0),
                           other = key_of("h", &a, 0);
    const struct group_keepalive two = { 2, false, 100, 3600000, 60000 };
    int far[4];
    const unsigned before = gone;
    struct conn *first = give(&other, &two, &far[0]), *c[3];
    c[0] = give(&ka, &two, &far[1]);
    c[1] = give(&kb, &two, &far[2]);
    is_uint(reuse_count(&worker), 3, "each group has its own limit");
    c[2] = give(&kb, &two, &far[3]);
    is_uint(reuse_count(&worker), 3, "one too many of a group");
    is_uint(gone, before + 1, "ends one");
    ok(!reuse_take(&worker, &ka), "the one that was idle longest, whatever its address");
    ok(reuse_evict(&worker) && (turns(2), !reuse_take(&worker, &other)),
       "making room: the one that is idle longest of all");
    ok(reuse_take(&worker, &kb) == c[2] && reuse_take(&worker, &kb) == c[1], "the others stay");
    ok(!reuse_evict(&worker), "nothing is left to make room");
    close_taken(c[1], far[2]);
    close_taken(c[2], far[3]);
    close(far[0]);
    close(far[1]);
    (void)first;
}

/* --- ends ------------------------------------------------------------------------------------- */

static void test_end_by_server(void)
{
    const struct inet_address a = address_of("192.0.2.3:80");
    const struct reuse_key key = key_of("g", &a, 0);
    int far;
    const unsigned before = gone;
    give(&key, &usual, &far);
    close(far);
    turns(2);
    ok(reuse_count(&worker) == 0 && gone == before + 1, "closed by its server: gone");
    give(&key, &usual, &far);
    ASSERT(write(far, "HTTP/1.1 408\r\n", 14) == 14);
    turns(2);
    ok(reuse_count(&worker) == 0 && gone == before + 2, "bytes that nobody asked for: gone");
    close(far);
    struct conn *c = give(&key, &usual, &far);
    loop_post(&worker.loop, &c->ready_task);
    turns(2);
    is_uint(reuse_count(&worker), 1, "woken for no reason it stays");
    ASSERT(write(far, "x", 1) == 1);
    c->watch.readable = true;           /* the event was there in this turn */
    ok(!reuse_take(&worker, &key), "one on which something has come is not taken");
    loop_post(&worker.loop, &c->ready_task);
    turns(2);
    is_uint(reuse_count(&worker), 0, "but ended");
    close(far);
}

static void test_timeout(void)
{
    const struct inet_address a = address_of("192.0.2.4:80");
    const struct reuse_key key = key_of("g", &a, 0);
    const struct group_keepalive brief = { 4, false, 100, 3600000, 1 };
    int far;
    const unsigned before = gone;
    struct conn *c = give(&key, &usual, &far);
    ok(c->timer.set && time_left(c) > 50000, "its time is set");
    reuse_take(&worker, &key);
    reuse_give(&worker, &key, c, &brief);
    while (gone == before)
        loop_turn(&worker.loop, 10);
    is_uint(reuse_count(&worker), 0, "when it has passed it is closed");
    close(far);
}

/* --- learning --------------------------------------------------------------------------------- */

static int64_t lasts_of(const struct inet_address *address)
{
    const struct idle_server *s = find_server(worker.reuse, address);
    return s ? s->lasts : -1;
}

static int64_t next_time(const struct reuse_key *key)
{
    int far;
    struct conn *c = give(key, &usual, &far);
    const int64_t left = time_left(c);
    ASSERT(reuse_take(&worker, key) == c);
    close_taken(c, far);
    return left;
}

static void end_after(const struct reuse_key *key, int64_t msec)
{
    int far;
    aged(give(key, &usual, &far), msec);
    close(far);
    turns(2);
}

static void time_out_after(const struct reuse_key *key, int64_t msec)
{
    int far;
    struct conn *c = give(key, &usual, &far);
    aged(c, msec);
    handler.on_timeout(c);
    turns(2);
    close(far);
}

static void test_learning(void)
{
    const struct inet_address a = address_of("192.0.2.5:80"), b = address_of("192.0.2.6:80");
    const struct reuse_key key = key_of("g", &a, 0), elsewhere = key_of("g", &b, 0);
    is_int(lasts_of(&a), -1, "nothing is known of a server");
    ok(next_time(&key) > 59000, "so the configured time counts");
    end_after(&key, 20000);
    const int64_t lasts = lasts_of(&a);
    ok(lasts >= 20000 && lasts < 30000, "its server closes after 20 s");
    ok(next_time(&key) <= lasts * 9 / 10 + 1, "the next is closed before that");
    ok(next_time(&elsewhere) > 59000, "those of another server are not");
    find_server(worker.reuse, &a)->changed -= 1000;
    end_after(&key, 8000);
    ok(lasts_of(&a) < 20000, "sooner now");
    find_server(worker.reuse, &a)->lasts = 8000;
    time_out_after(&key, 7200);
    is_int(lasts_of(&a), 8000, "that it has lived a bit less is no news so soon");
    find_server(worker.reuse, &a)->changed -= 8000;
    time_out_after(&key, 7200);
    is_int(lasts_of(&a), 8000 + 8000 / FORGET + 1, "later it is forgotten a little");
    time_out_after(&key, 30000);
    ok(lasts_of(&a) >= 30001, "one that lives longer says so");
    end_after(&key, 100000);
    ok(next_time(&key) <= usual.timeout, "never more than is configured");
}

static void test_what_counts(void)
{
    const struct inet_address a = address_of("192.0.2.7:80");
    reuse_evict(&worker);
    learn(worker.reuse, &a, 999);
    is_int(lasts_of(&a), -1, "less than a second is no timeout");
    is_int(time_to_idle(worker.reuse, &a, 60000), 60000, "and changes nothing");
    learn(worker.reuse, &a, 1000);
    is_int(time_to_idle(worker.reuse, &a, 60000), 900, "a second is one");
    learn(worker.reuse, &a, 5000);
    is_int(time_to_idle(worker.reuse, &a, 60000), 4500, "we close when a tenth is left");
    is_int(time_to_idle(worker.reuse, &a, 3000), 3000, "or before, as configured");
    learn(worker.reuse, &a, 2000);
    is_int(lasts_of(&a), 5000, "of what closes together the longest counts");
    find_server(worker.reuse, &a)->changed -= 1000;
    learn(worker.reuse, &a, 2000);
    is_int(lasts_of(&a), 2000, "later the last");
}

static void test_table(void)
{
    struct inet_address a = address_of("203.0.113.1:1");
    for (unsigned port = 1; port <= SERVERS_MOST; port++) {
        inet_set_port(&a, (uint16_t)port);
        learn(worker.reuse, &a, 1000 + port);
    }
    is_uint(worker.reuse->nservers, SERVERS_MOST, "the table is bounded");
    inet_set_port(&a, 1);
    learn(worker.reuse, &a, 1011);      /* the newest now */
    inet_set_port(&a, 40000);
    learn(worker.reuse, &a, 1004);
    is_uint(worker.reuse->nservers, SERVERS_MOST, "one more takes the place");
    is_int(lasts_of(&a), 1004, "and is there");
    inet_set_port(&a, 2);
    is_int(lasts_of(&a), -1, "of the oldest");
    inet_set_port(&a, 1);
    is_int(lasts_of(&a), 1011, "what was said again is not old");
}

/* --- the end ---------------------------------------------------------------------------------- */

static void test_quit(void)
{
    const struct inet_address a = address_of("192.0.2.8:80");
    const struct reuse_key key = key_of("g", &a, 0);
    int far[2];
    const unsigned before = gone;
    give(&key, &usual, &far[0]);
    give(&key, &usual, &far[1]);
    ok(worker.reuse_end, "the worker knows whom to tell");
    worker.reuse_end(&worker);
    turns(2);
    is_uint(gone, before + 2, "when the worker quits they are closed");
    ok(!worker.reuse && !worker.reuse_end && reuse_count(&worker) == 0, "and nothing is left");
    ok(!reuse_take(&worker, &key), "nor found");
    close(far[0]);
    close(far[1]);
}

int main(void)
{
    ASSERT(loop_init(&worker.loop));
    pool_init(&pool, &pool_heap);
    turns(1);
    test_bind();
    test_take();
    test_many();
    test_limits();
    test_count();
    test_end_by_server();
    test_timeout();
    test_learning();
    test_what_counts();
    test_table();
    evict_all();
    test_quit();
    loop_free(&worker.loop);
    pool_free(&pool);
    return done_testing();
}
