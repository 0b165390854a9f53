/*
 * The resolver against servers on loopback that are served between turns of the loop: caching,
 * sharing, loss, forged and broken answers, TCP, failing servers, SRV, the files of the system.
 * Owns the loop, the servers and the questions of all tests.
 */
#include "event/resolver.c"

#include "t/unit/tap.h"

#include "os/unix/clock.h"

#include <stdio.h>

enum {
    SOON = 20, LATE = 60000, PATIENCE = 20000,  /* milliseconds */
    STRANGERS_SEEN = 16,                /* before TCP */
};

static struct loop loop;
static struct resolver *list;

/* --- servers ---------------------------------------------------------------------------------- */

struct server {
    int udp, listener, tcp;
    int stranger;                       /* another socket, to forge answers with */
    struct inet_address address;
    unsigned queries, by_tcp;           /* that came */
    unsigned drop;                      /* so many are not answered */
    unsigned code;                      /* of all answers */
    unsigned forged, wrong_ids, broken; /* sent before the answer, of each kind */
    bool only_a;                        /* nothing is said to AAAA */
    bool cut_tcp;                       /* closed amid the answer */
    char last[256];                     /* the name of the last question */
    uint32_t ttl;
};

static struct server servers[2];

static int open_socket(int type, struct inet_address *address, uint16_t port)
{
    socklen_t len = sizeof(address->v4);
    const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && inet_parse_host(STR("127.0.0.1"), port, address));
    if (bind(fd, &address->any, address->len) < 0) {
        close(fd);
        return -1;
    }
    ASSERT(getsockname(fd, &address->any, &len) == 0);
    return fd;
}

/* TCP and UDP on one port. */
static void open_server(struct server *s)
{
    struct inet_address same;
    *s = (struct server){ .tcp = -1, .ttl = 300 };
    do {
        s->listener = open_socket(SOCK_STREAM, &s->address, 0);
        s->udp = open_socket(SOCK_DGRAM, &same, inet_port(&s->address));
        if (s->udp < 0)
            close(s->listener);
    } while (s->udp < 0);
    s->stranger = open_socket(SOCK_DGRAM, &same, 0);
    ASSERT(listen(s->listener, 8) == 0);
}

static void close_server(struct server *s)
{
    close(s->udp);
    close(s->listener);
    close(s->stranger);
    if (s->tcp >= 0)
        close(s->tcp);
}

static void put_u16(struct fmt *f, unsigned n)
{
    fmt_char(f, (char)(n >> 8));
    fmt_char(f, (char)(n & 255));
}

static void put_record(struct fmt *f, enum dns_type type, uint32_t ttl, struct str data)
{
    put_u16(f, 0xc00c);
    put_u16(f, type);
    put_u16(f, 1);
    put_u16(f, ttl >> 16);
    put_u16(f, ttl & 0xffff);
    put_u16(f, (unsigned)data.len);
    fmt_str(f, data);
}

static void put_a(struct fmt *f, uint32_t ttl, unsigned last)
{
    const char host[4] = { 10, 0, 0, (char)last };
    put_record(f, DNS_A, ttl, str_of(host, 4));
}

static void put_srv(struct fmt *f, uint32_t ttl, unsigned priority, unsigned port, const char *to)
{
    char data[300];
    struct dns_name name = { .len = 1 };
    struct fmt d;
    ASSERT(!*to || dns_name_parse(str_from(to), &name));
    fmt_init(&d, data, sizeof(data));
    put_u16(&d, priority);
    put_u16(&d, 7);
    put_u16(&d, port);
    fmt_str(&d, str_of(name.at, name.len));
    put_record(f, DNS_SRV, ttl, fmt_done(&d));
}

/* The records of a name: how many. */
static unsigned put_records(const struct server *s, struct fmt *f, const char *name,
                            enum dns_type type)
{
    static const char six[16] = { 0x20, 1, 0xd, (char)0xb8, [15] = 1 };
    const bool a = type == DNS_A;
    if (strcmp(name, "three.test") == 0 && a) {
        for (unsigned i = 1; i <= 3; i++)
            put_a(f, s->ttl, i);
        return 3;
    }
    if (strcmp(name, "both.test") == 0 && type == DNS_AAAA) {
        put_record(f, DNS_AAAA, s->ttl, str_of(six, 16));
        return 1;
    }
    if ((strcmp(name, "both.test") == 0 || strncmp(name, "one", 3) == 0) && a) {
        put_a(f, s->ttl, 9);
        return 1;
    }
    if (strcmp(name, "big.test") == 0 && a) {
        for (unsigned i = 0; i < 300; i++)
            put_a(f, s->ttl, i % 256);
        return 300;
    }
    if (strcmp(name, "alias.test") == 0) {
        put_record(f, DNS_CNAME, 30, STR("\3one\4test\0"));
        return 1;
    }
    if (strcmp(name, "_wide._tcp.srv.test") == 0 && type == DNS_SRV) {
        for (unsigned i = 0; i < 3; i++)
            put_srv(f, 40, 1, 8000 + i, "big.test");
        return 3;
    }
    if (strcmp(name, "_http._tcp.srv.test") == 0 && type == DNS_SRV) {
        put_srv(f, 40, 20, 8020, "one.test");
        put_srv(f, 40, 10, 8010, "both.test");
        put_srv(f, 40, 5, 8005, "");
        put_srv(f, 40, 10, 8011, "none.test");
        return 4;
    }
    return 0;
}

/* The query's name as text, and where its question ends. */
static size_t question_of(struct str query, char *name, size_t room, enum dns_type *type)
{
    struct dns_name wire = { .len = 0 };
    struct fmt f;
    size_t at = DNS_HEAD;
    while (at < query.len && query.at[at])
        at += (size_t)query.at[at] + 1;
    ASSERT(at + 5 <= query.len && at + 1 - DNS_HEAD <= sizeof(wire.at));
    wire.len = (uint8_t)(at + 1 - DNS_HEAD);
    memcpy(wire.at, query.at + DNS_HEAD, wire.len);
    fmt_init(&f, name, room);
    dns_name_write(&f, &wire);
    fmt_done(&f);
    *type = (enum dns_type)(unsigned char)query.at[at + 2];
    return at + 5;
}

/* What this server says to a query. */
static struct str answer_to(struct server *s, struct str query, bool tcp, char *bytes, size_t room)
{
    char name[256];
    enum dns_type type;
    char records[16384];
    struct fmt f, r;
    const size_t end = question_of(query, name, sizeof(name), &type);
    fmt_init(&r, records, sizeof(records));
    unsigned count = put_records(s, &r, name, type);
    const bool none = strcmp(name, "none.test") == 0;
    const bool cut = !tcp && strcmp(name, "big.test") == 0 && s->code == 0 && count > 100;
    struct str body = fmt_done(&r);
    if (cut && s->ttl != 301) {         /* 301: all of it comes in a datagram that is too long */
        body = STR_NONE;
        count = 0;
    }
    fmt_init(&f, bytes, room);
    fmt_str(&f, str_of(query.at, 2));
    put_u16(&f, (cut && s->ttl != 301 ? 0x8380 : 0x8180) | (none ? 3 : s->code));
    put_u16(&f, 1);
    put_u16(&f, s->code ? 0 : count);
    put_u16(&f, 0);
    put_u16(&f, 0);
    fmt_str(&f, str_of(query.at + DNS_HEAD, end - DNS_HEAD));
    if (!s->code)
        fmt_str(&f, body);
    memcpy(s->last, name, sizeof(name));
    return fmt_done(&f);
}

/* --- serving ---------------------------------------------------------------------------------- */

static void send_to(int fd, struct str bytes, const struct inet_address *to)
{
    ASSERT(sendto(fd, bytes.at, bytes.len, 0, &to->any, to->len) == (ssize_t)bytes.len);
}

/* Before the answer: what is no answer. */
static void send_others(struct server *s, char *bytes, size_t len, const struct inet_address *to)
{
    for (unsigned i = 0; i < s->wrong_ids; i++) {
        bytes[0] = (char)(bytes[0] + 1);
        send_to(s->udp, str_of(bytes, len), to);
        bytes[0] = (char)(bytes[0] - 1);
    }
    for (unsigned i = 0; i < s->forged; i++)
        send_to(s->stranger, str_of(bytes, len), to);
    for (unsigned i = 0; i < s->broken; i++)
        send_to(s->udp, str_of(bytes, len - 1), to);
    if (s->broken)
        send_to(s->udp, str_of(bytes, 0), to);
}

static void serve_udp(struct server *s)
{
    char query[512], bytes[16384];
    struct inet_address from = { .len = sizeof(from.v4) };
    ssize_t n;
    while ((n = recvfrom(s->udp, query, sizeof(query), 0, &from.any, &from.len)) > 0) {
        const struct str answer = answer_to(s, str_of(query, (size_t)n), false, bytes,
                                            sizeof(bytes));
        const bool six = query[n - 3] == DNS_AAAA;
        s->queries++;
        if (s->drop > 0 || (s->only_a && six)) {
            s->drop -= s->drop > 0;
            continue;
        }
        send_others(s, bytes, answer.len, &from);
        send_to(s->udp, answer, &from);
    }
}

static void serve_tcp(struct server *s)
{
    char query[512], bytes[16384];
    if (s->tcp < 0)
        s->tcp = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const ssize_t n = s->tcp < 0 ? -1 : recv(s->tcp, query, sizeof(query), 0);
    if (n > 2) {
        const struct str answer = answer_to(s, str_of(query + 2, (size_t)n - 2), true, bytes,
                                            sizeof(bytes));
        const unsigned char head[2] = { (unsigned char)(answer.len >> 8),
                                        (unsigned char)answer.len };
        s->by_tcp++;
        /* In pieces: the resolver sees some of them apart. */
        ASSERT(send(s->tcp, head, 1, MSG_NOSIGNAL) == 1);
        loop_turn(&loop, 0);
        ASSERT(send(s->tcp, head + 1, 1, MSG_NOSIGNAL) == 1);
        loop_turn(&loop, 0);
        const size_t part = s->cut_tcp ? answer.len / 2 : answer.len;
        ASSERT(send(s->tcp, answer.at, part, MSG_NOSIGNAL) == (ssize_t)part);
    }
    if (n >= 0) {
        close(s->tcp);
        s->tcp = -1;
    }
}

static void turn(void)
{
    loop_turn(&loop, 1);
    for (size_t i = 0; i < countof(servers); i++)
        if (servers[i].udp >= 0) {
            serve_udp(&servers[i]);
            serve_tcp(&servers[i]);
        }
}

/* Turns until it holds, or nobody believes any more that it will. */
#define wait_for(condition) \
    do { \
        const int64_t end_ = clock_msec() + PATIENCE; \
        while (!(condition) && clock_msec() < end_) \
            turn(); \
    } while (0)

/* --- questions -------------------------------------------------------------------------------- */

struct asked {
    struct resolve q;
    unsigned done;
    enum resolve_status status;
    unsigned count;
    int64_t ttl;
    char text[512];                     /* of the addresses: "10.0.0.1:80 [2001:db8::1]:80" */
    bool again;                         /* asks once more, in done() */
};

static void is_done(struct resolve *q)
{
    struct asked *a = container_of(q, struct asked, q);
    struct fmt f;
    a->done++;
    a->status = q->status;
    a->count = q->count;
    a->ttl = q->ttl_ms;
    fmt_init_cut(&f, a->text, sizeof(a->text));
    for (unsigned i = 0; i < q->count; i++) {
        fmt_text(&f, i ? " " : "");
        if (q->at[i].name.len)
            fmt_print(&f, "%u/%u/%.*s=", q->at[i].priority, q->at[i].weight,
                      STR_FMT(q->at[i].name));
        inet_write(&f, &q->at[i].address, true);
    }
    fmt_done(&f);
    if (a->again) {
        a->again = false;
        resolve_start(list, q, LATE);
    }
}

static void start(struct resolver *rs, struct asked *a, const char *name, int64_t timeout)
{
    *a = (struct asked){ .q = { .name = str_from(name), .port = 80, .done = is_done } };
    resolve_start(rs, &a->q, timeout);
}

static void ask(struct resolver *rs, struct asked *a, const char *name)
{
    start(rs, a, name, LATE);
    wait_for(a->done);
}

/* A new resolver of the first `count` servers, and the servers as they were at first.  It does not
 * ask twice unless a test wants it to: this host may be slow. */
static struct resolver *fresh(unsigned count, int64_t valid_ms, bool ipv6)
{
    struct inet_address at[2];
    struct resolver_conf conf = { .servers = at, .nservers = count, .valid_ms = valid_ms,
                                  .ipv4 = true, .ipv6 = ipv6, .text = STR("test") };
    resolver_free_all(&list);
    for (size_t i = 0; i < countof(servers); i++) {
        if (servers[i].udp >= 0)
            close_server(&servers[i]);
        open_server(&servers[i]);
        at[i] = servers[i].address;
    }
    struct resolver *rs = resolver_get(&list, &loop, &conf);
    rs->servers.retry_ms = LATE;
    rs->turn = 0;
    return rs;
}

static struct lookup *lookup_of(struct resolver *rs, const char *text)
{
    struct dns_name name;
    ASSERT(dns_name_parse(str_from(text), &name));
    return lookup_get(rs, DNS_A, &name);
}

/* Lookups that wait for a server. */
static unsigned asking(const struct resolver *rs)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct lookup *l = rs->buckets[i]; l; l = l->next)
            n += l->ask != NULL;
    return n;
}

static unsigned queries(void)
{
    return servers[0].queries + servers[1].queries;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_plain(void)
{
    struct resolver *rs = fresh(1, 0, true);
    struct asked a;
    start(rs, &a, "Both.Test", LATE);
    is_int(a.done, 0, "not in the call");
    wait_for(a.done);
    is_int(a.status, RESOLVE_OK, "resolved");
    is_str(a.text, "10.0.0.9:80 [2001:db8::1]:80", "addresses of both families");
    ok(a.ttl > 299000 - PATIENCE && a.ttl <= 300000, "and how long they hold");
    is_int(queries(), 2, "by two questions");
    ok(!a.q.resolver, "it is over");
    start(rs, &a, "both.test", LATE);
    is_int(a.done, 0, "not in the call, though it is known");
    wait_for(a.done);
    is_str(a.text, "[2001:db8::1]:80 10.0.0.9:80", "the same, the other first");
    is_int(queries(), 2, "nobody was asked");
    ask(rs, &a, "three.test");
    char before[sizeof(a.text)];
    memcpy(before, a.text, sizeof(before));
    ask(rs, &a, "three.test");
    ok(a.count == 3 && strcmp(a.text, before) != 0, "each time another is the first");
    ask(rs, &a, "none.test");
    is_int(a.status, RESOLVE_NOT_FOUND, "no such name");
    is_int(a.count, 0, "no addresses");
    const unsigned so_far = queries();
    ask(rs, &a, "none.test");
    ok(a.status == RESOLVE_NOT_FOUND && queries() == so_far, "that is known, too");
    ask(rs, &a, "nothing.test");
    is_int(a.status, RESOLVE_NOT_FOUND, "a name without addresses");
    ask(rs, &a, "alias.test");
    is_str(a.text, "10.0.0.9:80", "an alias that has to be followed");
    ok(a.ttl <= 30000, "holds no longer than the alias");
    is_str(servers[0].last, "one.test", "its target was asked for");
    a.again = true;
    resolve_start(rs, &a.q, LATE);
    wait_for(a.done == 3);
    is_int(a.done, 3, "done() may ask again");
}

static void test_names(void)
{
    struct resolver *rs = fresh(1, 0, true);
    struct asked a;
    static const char *const bad[] = { "", "a..b", "a b", "x/y", "[127.0.0.1", "a:80", "\xff" };
    for (size_t i = 0; i < countof(bad); i++) {
        start(rs, &a, bad[i], LATE);
        const bool early = a.done;
        wait_for(a.done);
        ok(!early && a.status == RESOLVE_NOT_FOUND, "\"%s\" is not found", bad[i]);
    }
    ask(rs, &a, "192.0.2.1");
    is_str(a.text, "192.0.2.1:80", "an address");
    ask(rs, &a, "2001:db8::2");
    is_str(a.text, "[2001:db8::2]:80", "one of the other family");
    ask(rs, &a, "[2001:db8::2]");
    is_str(a.text, "[2001:db8::2]:80", "in brackets");
    is_int(queries(), 0, "none of these was asked for");
    rs = fresh(1, 0, false);
    ask(rs, &a, "both.test");
    is_str(a.text, "10.0.0.9:80", "ipv6=off");
    is_int(queries(), 1, "one question");
    rs->ipv4 = false;
    rs->ipv6 = true;
    ask(rs, &a, "both.test");
    is_str(a.text, "[2001:db8::1]:80", "ipv4=off");
}

static void test_sharing(void)
{
    struct resolver *rs = fresh(1, 0, true);
    struct asked a[3];
    for (size_t i = 0; i < 3; i++)
        start(rs, &a[i], "three.test", LATE);
    resolve_cancel(&a[1].q);
    resolve_cancel(&a[1].q);
    wait_for(a[0].done && a[2].done);
    ok(a[0].count == 3 && a[2].count == 3, "two have the answer");
    is_int(a[1].done, 0, "one was cancelled");
    is_int(queries(), 2, "all by the same questions");
    start(rs, &a[0], "three.test", LATE);
    resolve_cancel(&a[0].q);
    start(rs, &a[1], "192.0.2.1", LATE);
    resolve_cancel(&a[1].q);
    start(rs, &a[2], "one.test", LATE);
    resolve_cancel(&a[2].q);
    ask(rs, &a[2], "three.test");
    ok(a[0].done == 0 && a[1].done == 0, "also when the answer was known already");
    resolve_cancel(&a[2].q);
    wait_for(asking(rs) == 0);
    start(rs, &a[0], "one.test", LATE);
    wait_for(a[0].done);
    is_int(queries(), 4, "what nobody waits for any more still has its answer");

    servers[0].drop = 100;
    rs->servers.retry_ms = SOON;
    start(rs, &a[0], "onemore.test", LATE);
    resolve_cancel(&a[0].q);
    wait_for(asking(rs) == 0);
    servers[0].drop = 0;
    ask(rs, &a[0], "onemore.test");
    is_str(a[0].text, "10.0.0.9:80", "a try that nobody waited for says nothing of the server");
}

static void test_expiry(void)
{
    struct resolver *rs = fresh(1, 0, false);
    struct asked a;
    ask(rs, &a, "one.test");
    loop.now += 299000;
    start(rs, &a, "one.test", LATE);
    wait_for(a.done);
    is_int(queries(), 1, "believed for its TTL");
    loop.now += 301000;
    start(rs, &a, "one.test", LATE);
    wait_for(a.done);
    is_int(queries(), 2, "and no longer");
    ask(rs, &a, "none.test");
    loop.now += NONE_MS + 1;
    start(rs, &a, "none.test", LATE);
    wait_for(a.done);
    is_int(queries(), 4, "that there is none, for 5 s");
    servers[0].ttl = 0;
    ask(rs, &a, "one0.test");
    is_int(a.ttl, 0, "a TTL of 0");
    ask(rs, &a, "one0.test");
    ok(a.count == 1 && queries() == 6, "is asked for each time");

    rs = fresh(1, 10000, false);
    ask(rs, &a, "one.test");
    ok(a.ttl > 0 && a.ttl <= 10000, "`valid` is in the TTL's place");
    loop.now += 10001;
    start(rs, &a, "one.test", LATE);
    wait_for(a.done);
    is_int(queries(), 2, "when it is shorter");
    servers[0].ttl = 0;
    ask(rs, &a, "one2.test");
    ask(rs, &a, "one2.test");
    is_int(queries(), 3, "and when it is longer");
}

static void test_loss(void)
{
    struct resolver *rs = fresh(1, 0, true);
    struct asked a;
    rs->servers.retry_ms = SOON;
    servers[0].drop = 3;
    ask(rs, &a, "both.test");
    is_int(a.count, 2, "lost questions are asked again");
    ok(queries() >= 5, "as often as they are lost");

    rs = fresh(2, 0, false);
    rs->servers.retry_ms = SOON;
    servers[0].drop = 100;
    ask(rs, &a, "one.test");
    ok(a.count == 1 && servers[0].queries && servers[1].queries,
       "a silent server: the next is asked");
    rs->servers.retry_ms = LATE;
    const unsigned silent = servers[0].queries;
    ask(rs, &a, "one1.test");
    ok(a.count == 1 && servers[0].queries == silent, "questions begin with each in turn");

    rs = fresh(1, 0, false);
    rs->servers.retry_ms = SOON;
    servers[0].drop = 100;
    start(rs, &a, "one.test", 3 * SOON);
    wait_for(a.done);
    is_int(a.status, RESOLVE_TIMED_OUT, "silence");
    ok(queries() > 1, "after several tries");
    wait_for(asking(rs) == 0);
    const unsigned so_far = queries();
    ask(rs, &a, "one.test");
    ok(a.status == RESOLVE_TIMED_OUT && queries() == so_far, "silence is known for a while");
    servers[0].drop = 0;
    loop.now += NONE_MS + 1;
    start(rs, &a, "one.test", LATE);
    wait_for(a.done);
    is_int(a.status, RESOLVE_OK, "not for ever");

    rs = fresh(1, 0, false);
    rs->servers.retry_ms = SOON;
    rs->servers.rounds = 2;
    servers[0].drop = 100;
    ask(rs, &a, "one.test");
    ok(a.status == RESOLVE_TIMED_OUT && queries() == 2, "as many tries as resolv.conf allows");
}

static void test_other_family(void)
{
    struct resolver *rs = fresh(1, 0, true);
    struct asked a;
    rs->servers.retry_ms = SOON;
    servers[0].only_a = true;
    start(rs, &a, "both.test", LATE);
    const struct lookup *six = a.q.waits[1].lookup;
    wait_for(has_address(&a.q) && six->ask && six->ask->tries >= TRIES_LEAST);
    ok(!a.done && a.q.deadline <= loop.now + OTHER_MS, "one family alone waits less for the other");
    timer_cancel(&loop, &a.q.timer);
    a.q.timer.fire(&a.q.timer);
    ok(a.done && a.status == RESOLVE_OK, "then it is the answer");
    is_str(a.text, "10.0.0.9:80", "with what there is");
    wait_for(asking(rs) == 0);
    start(rs, &a, "both.test", LATE);
    ok(task_posted(&a.q.task), "next time the other is known to be silent");
    wait_for(a.done);
    is_str(a.text, "10.0.0.9:80", "the same answer");
}

static void test_last_known(void)
{
    struct resolver *rs = fresh(1, 0, false);
    struct asked a;
    ask(rs, &a, "one.test");
    servers[0].drop = 1000;
    rs->servers.retry_ms = SOON;
    lookup_of(rs, "one.test")->expires = 0;
    const unsigned so_far = queries();
    ask(rs, &a, "one.test");
    ok(a.status == RESOLVE_OK && a.count == 1, "no server answers: the last known address");
    is_int(a.ttl, NONE_MS, "for a short time");
    is_int(queries() - so_far, TRIES_LEAST, "after two tries");
    servers[0].drop = 0;
    servers[0].code = 2;
    loop.now += NONE_MS + 1;
    start(rs, &a, "one.test", LATE);
    wait_for(a.done);
    ok(a.status == RESOLVE_OK, "also when they fail");
    servers[0].code = 3;
    loop.now += NONE_MS + 1;
    start(rs, &a, "one.test", LATE);
    wait_for(a.done);
    is_int(a.status, RESOLVE_NOT_FOUND, "not when they say that the name is gone");
    servers[0].code = 0;
    ask(rs, &a, "one3.test");
    servers[0].drop = 1000;
    struct lookup *l = lookup_of(rs, "one3.test");
    is_int((l->stale - l->expires) / 3600000, 24, "they serve for a day");
    l->expires = l->stale = 0;
    start(rs, &a, "one3.test", SOON);
    wait_for(a.done);
    is_int(a.status, RESOLVE_TIMED_OUT, "not for longer");
}

static void test_forged(void)
{
    struct resolver *rs = fresh(1, 0, false);
    struct asked a;
    servers[0].wrong_ids = 5;
    servers[0].forged = 5;
    servers[0].broken = 5;
    ask(rs, &a, "one.test");
    is_str(a.text, "10.0.0.9:80", "other ids, other senders and broken answers are passed over");
    ok(queries() == 1 && servers[0].by_tcp == 0, "one question was enough");
    servers[0].wrong_ids = STRANGERS_SEEN;
    ask(rs, &a, "one1.test");
    is_str(a.text, "10.0.0.9:80", "too many of them");
    is_int(servers[0].by_tcp, 1, "and the question is asked by TCP");
    servers[0].wrong_ids = 0;
    servers[0].forged = 1000;
    ask(rs, &a, "one2.test");
    ok(a.count == 1 && servers[0].by_tcp == 1, "what others send is not even heard");
}

static void test_tcp(void)
{
    struct resolver *rs = fresh(1, 0, false);
    struct asked a;
    ask(rs, &a, "big.test");
    is_int(a.count, ADDRESSES_MOST, "a cut answer is asked for by TCP; only so many are used");
    ok(servers[0].queries == 1 && servers[0].by_tcp == 1, "with one question each");
    servers[0].ttl = 301;
    lookup_of(rs, "big.test")->expires = 0;
    ask(rs, &a, "big.test");
    is_int(servers[0].by_tcp, 2, "so is one that is too long for a datagram");

    rs = fresh(2, 0, false);
    servers[0].cut_tcp = true;
    ask(rs, &a, "big.test");
    ok(a.count == ADDRESSES_MOST && servers[0].by_tcp == 1 && servers[1].by_tcp == 1,
       "an incomplete answer: the next server");
    rs = fresh(2, 0, false);
    close(servers[0].listener);
    servers[0].listener = open_socket(SOCK_STREAM, &(struct inet_address){ 0 }, 0);
    ask(rs, &a, "big.test");
    ok(a.count == ADDRESSES_MOST && servers[0].queries == 1 && servers[1].by_tcp == 1,
       "no TCP at all: the next server");
    rs = fresh(1, 0, false);
    start(rs, &a, "big.test", LATE);
    wait_for(servers[0].queries);
    loop_turn(&loop, 0);
    resolve_cancel(&a.q);
    ok(asking(rs) == 1, "one by TCP goes with its resolver, see the end");
}

static void test_failing(void)
{
    static const struct {
        unsigned code;
        enum resolve_status status;
    } cases[] = { { 1, RESOLVE_FORMAT }, { 2, RESOLVE_FAILED }, { 4, RESOLVE_UNIMPLEMENTED },
                  { 5, RESOLVE_REFUSED }, { 9, RESOLVE_FAILED } };
    struct resolver *rs;
    struct asked a;
    for (size_t i = 0; i < countof(cases); i++) {
        rs = fresh(2, 0, false);
        servers[0].code = cases[i].code;
        ask(rs, &a, "one.test");
        ok(a.count == 1 && servers[0].queries == 1 && servers[1].queries == 1,
           "code %u: the next server at once", cases[i].code);
        servers[0].code = servers[1].code = cases[i].code;
        ask(rs, &a, "one1.test");
        is_int(a.status, cases[i].status, "code %u of all: %s", cases[i].code,
               resolve_reason(a.status));
        const unsigned so_far = queries();
        lookup_of(rs, "one1.test")->expires += LATE;    /* a moment that is long enough */
        ask(rs, &a, "one1.test");
        is_int(queries(), so_far, "known for a moment");
    }
    rs = fresh(2, 0, false);
    close(servers[0].udp);
    servers[0].udp = -1;
    ask(rs, &a, "one.test");
    ok(a.count == 1 && servers[1].queries == 1, "nobody is there: the next server at once");
    close(servers[0].listener);
    close(servers[0].stranger);
    rs = fresh(1, 0, false);
    rs->servers.retry_ms = SOON;
    close(servers[0].udp);
    servers[0].udp = -1;
    start(rs, &a, "one.test", 2 * SOON);
    wait_for(a.done);
    is_int(a.status, RESOLVE_TIMED_OUT, "nobody anywhere: it is tried until the end");
    close(servers[0].listener);
    close(servers[0].stranger);
}

static void test_services(void)
{
    struct resolver *rs = fresh(1, 0, true);
    struct asked a = { .q = { .name = STR("srv.test"), .service = STR("http"), .done = is_done } };
    static const char *const want = "10/7/both.test=10.0.0.9:8010 "
                                    "10/7/both.test=[2001:db8::1]:8010 20/7/one.test=10.0.0.9:8020";
    resolve_start(rs, &a.q, LATE);
    wait_for(a.done);
    is_str(a.text, want, "SRV: by priority, each with its port; not those without an address");
    ok(a.ttl > 0 && a.ttl <= 40000, "TTL: the least");
    a.q.service = STR("_http._tcp");
    resolve_start(rs, &a.q, LATE);
    wait_for(a.done == 2);
    is_str(a.text, want, "a service as it stands");
    a.q.service = STR("ftp");
    resolve_start(rs, &a.q, LATE);
    wait_for(a.done == 3);
    is_int(a.status, RESOLVE_NOT_FOUND, "no such service");
    servers[0].drop = 100;
    a.q.service = STR("smtp");
    resolve_start(rs, &a.q, 2 * SOON);
    wait_for(a.done == 4);
    is_int(a.status, RESOLVE_TIMED_OUT, "silence");
    servers[0].drop = 0;
    a.q.service = STR("wide");
    resolve_start(rs, &a.q, LATE);
    wait_for(a.done == 5);
    is_uint(a.count, ANSWER_MOST, "three targets of 256 addresses: no more than there is room for");
    a.q.service = STR("a/b");
    resolve_start(rs, &a.q, INT64_MAX);
    wait_for(a.done == 6);
    is_int(a.status, RESOLVE_NOT_FOUND, "no service at all");
}

/* --- the system's ----------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *const file = fopen(path, "w");
    ASSERT(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_system(void)
{
    char folder[] = "/tmp/weir-resolver-XXXXXX", hosts[64], resolv[64];
    struct asked a;
    fresh(1, 0, true);
    resolver_free_all(&list);
    ASSERT(mkdtemp(folder));
    snprintf(hosts, sizeof(hosts), "%s/hosts", folder);
    snprintf(resolv, sizeof(resolv), "%s/resolv.conf", folder);
    struct resolver *rs = resolver_get(&list, &loop, NULL);
    ok(rs && resolver_get(&list, &loop, NULL) == rs, "the system's is one");
    rs->turn = 0;
    rs->hosts_file.path = hosts;
    rs->resolv_file.path = resolv;
    is_int(rs->servers.count, 1, "without files: one server");

    write_file(hosts, "10.1.1.1 here.test here\n::1 here\n");
    write_file(resolv, "nameserver 127.0.0.1\nnameserver 127.0.0.1\nsearch no.test un*fit test\n"
                       "options ndots:2 timeout:7 attempts:3\n");
    start(rs, &a, "here", LATE);
    wait_for(a.done);
    is_str(a.text, "10.1.1.1:80 [::1]:80", "from /etc/hosts");
    ok(rs->servers.count == 2 && rs->servers.retry_ms == 7000 && rs->servers.rounds == 3,
       "servers of resolv.conf");
    inet_set_port(&rs->resolv.servers[0], inet_port(&servers[0].address));
    inet_set_port(&rs->resolv.servers[1], inet_port(&servers[0].address));
    ask(rs, &a, "both");
    is_str(a.text, "10.0.0.9:80 [2001:db8::1]:80", "a name with few dots is searched for");
    is_int(queries(), 4, "in each domain that is one");
    ask(rs, &a, "both.test.");
    is_int(a.count, 2, "not one with a dot at its end");
    is_int(queries(), 4, "which is the same name");
    ask(rs, &a, "both.test");
    is_int(a.count, 2, "at last it is taken as it stands");
    is_int(queries(), 8, "when the domains do not have it");

    write_file(hosts, "10.1.1.2 here and.more.names\n");
    loop.now += FILES_MS;
    start(rs, &a, "HERE", LATE);
    wait_for(a.done);
    is_str(a.text, "10.1.1.2:80", "a changed file is read again");
    unlink(hosts);
    unlink(resolv);
    loop.now += 2 * FILES_MS;
    start(rs, &a, "127.0.0.1", LATE);
    ok(rs->servers.count == 1 && !hosts_find(&rs->hosts, STR("here")),
       "a file that is gone is empty");
    resolve_cancel(&a.q);
    mkdir(resolv, 0700);
    loop.now += 3 * FILES_MS;
    start(rs, &a, "127.0.0.1", LATE);
    wait_for(a.done);
    is_int(a.count, 1, "one that cannot be read changes nothing");
    rmdir(resolv);
    rmdir(folder);
}

/* --- configuration ---------------------------------------------------------------------------- */

/* The identity of what is read, or the error with the number of its argument. */
static const char *configure(struct pool *pool, const char *words)
{
    static struct diag_list diags;
    struct conf_paths paths = { STR("/prefix/"), STR("/etc/"), STR("/etc/x"), STR("") };
    struct conf cf = { .pool = pool, .temp = pool, .diag = &diags, .paths = &paths };
    const struct resolver_conf *conf = NULL;
    cf.files_end = &cf.files;
    diag_init(&diags, pool);
    cf.node = conf_tree_text(&cf, STR("f"), fmt_pool(pool, "resolver %s;", words));
    ASSERT(cf.node && diags.errors == 0);
    if (conf_type_resolver.parse(&cf, &conf, NULL))
        return pool_cstr(pool, conf->text);
    ASSERT(!conf && diags.first && !diags.first->next);
    return pool_cstr(pool, diags.first->message);
}

static void test_conf(void)
{
    static const struct {
        const char *words, *result;
    } rows[] = {
        { "127.0.0.1", "0 1 1 127.0.0.1:53" },
        { "[::1]:5353 127.0.0.1:54 valid=1m", "60000 1 1 [::1]:5353 127.0.0.1:54" },
        { "valid=30s ipv6=off 127.0.0.1 valid=2", "2000 1 0 127.0.0.1:53" },
        { "ipv4=off 127.0.0.1 status_zone=z", "0 0 1 127.0.0.1:53" },
        { "ipv4=off ipv4=on ipv6=off 127.0.0.1", "0 1 0 127.0.0.1:53" },
        { "127.0.0.1 valid=99999999999999", "315360000000 1 1 127.0.0.1:53" },
        { "127.0.0.1 127.0.0.1", "0 1 1 127.0.0.1:53 127.0.0.1:53" },
        { "127.0.0.1 valid=", "invalid parameter: valid=" },
        { "127.0.0.1 valid=abc", "invalid parameter: valid=abc" },
        { "127.0.0.1 valid=5ms", "invalid parameter: valid=5ms" },
        { "127.0.0.1 ipv6=no", "invalid parameter: ipv6=no" },
        { "127.0.0.1 ipv4=ON", "invalid parameter: ipv4=ON" },
        { "127.0.0.1 status_zone=", "invalid parameter: status_zone=" },
        { "valid=5s", "no name servers defined" },
        { "127.0.0.1 ipv4=off ipv6=off", "\"ipv4\" and \"ipv6\" cannot both be \"off\"" },
        { "127.0.0.1:99999", "invalid port in resolver \"127.0.0.1:99999\"" },
        { "127.0.0.1:0", "invalid port in resolver \"127.0.0.1:0\"" },
        { "::1", "invalid port in resolver \"::1\"" },
        { "[::1", "invalid host in resolver \"[::1\"" },
        { "127.0.0.1/8", "invalid host in resolver \"127.0.0.1/8\"" },
        { "\"\"", "no host in resolver \"\"" },
        { "unix:/tmp/x", "invalid host in resolver \"unix:/tmp/x\"" },
        { "a..b", "host not found in resolver \"a..b\"" },
        { "127.0.0.1 foo=bar!", "host not found in resolver \"foo=bar!\"" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct pool pool;
        pool_init(&pool, &pool_heap);
        is_str(configure(&pool, rows[i].words), rows[i].result, "resolver %s", rows[i].words);
        pool_free(&pool);
    }
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void test_bounds(void)
{
    struct resolver *rs = fresh(1, 0, false);
    struct asked a;
    struct dns_name name, first;
    char text[32];
    ask(rs, &a, "one.test");
    start(rs, &a, "three.test", LATE);  /* is being asked: it stays */
    for (unsigned i = 0; i < LOOKUPS_MOST + 10; i++) {
        snprintf(text, sizeof(text), "n%u.test", i);
        ASSERT(dns_name_parse(str_from(text), &name));
        rest(lookup_get(rs, DNS_A, &name));
        if (i == 0)
            first = name;
    }
    is_int(rs->count, LOOKUPS_MOST, "the cache has a limit");
    const struct lookup *l = *bucket_of(rs, DNS_A, &first);
    while (l && !dns_name_eq(&l->name, &first))
        l = l->next;
    ok(!l, "the oldest goes");
    wait_for(a.done);
    is_int(a.count, 3, "not those that are waited for");
    is_int(asking(rs), 0, "all is quiet");
}

static void test_identity(void)
{
    struct inet_address at = servers[0].address;
    struct resolver_conf conf = { .servers = &at, .nservers = 1, .ipv4 = true, .text = STR("a") };
    resolver_free_all(&list);
    struct resolver *rs = resolver_get(&list, &loop, &conf);
    ok(rs && resolver_get(&list, &loop, &conf) == rs, "one configuration, one resolver");
    conf.text = STR("b");
    struct resolver *other = resolver_get(&list, &loop, &conf);
    ok(other && other != rs, "another, another");
    ok(resolver_get(&list, &loop, NULL) != rs, "and the system's");
    conf.text = STR("a");
    ok(resolver_get(&list, &loop, &conf) == rs, "the first is still there");
    ok(rs->servers.at != conf.servers && rs->text.at != conf.text.at, "it keeps copies");
}

/* Whatever is under way: nothing is called, nothing is left. */
static void test_end(void)
{
    static struct asked a[4];
    struct resolver *rs = fresh(2, 0, true);
    servers[0].drop = servers[1].drop = 1000;
    for (size_t i = 0; i < countof(a); i++)
        start(rs, &a[i], i % 2 ? "one.test" : "big.test", LATE);
    for (unsigned i = 0; i < 3; i++)
        turn();
    resolver_free_all(&list);
    ok(!list, "no resolver is left");
    is_int(loop.timers.set, 0, "no timer");
    is_int(loop.timers.reserved, 0, "no room for one");
    unsigned done = 0;
    for (size_t i = 0; i < countof(a); i++)
        done += a[i].done + (a[i].q.resolver != NULL);
    is_int(done, 0, "no question");
    for (unsigned i = 0; i < 3; i++)
        turn();
}

int main(void)
{
    for (size_t i = 0; i < countof(servers); i++)
        servers[i].udp = -1;
    if (!loop_init(&loop))
        return 1;
    test_plain();
    test_names();
    test_sharing();
    test_expiry();
    test_loss();
    test_other_family();
    test_last_known();
    test_forged();
    test_tcp();
    test_failing();
    test_services();
    test_system();
    test_bounds();
    test_identity();
    test_conf();
    test_end();
    for (size_t i = 0; i < countof(servers); i++)
        close_server(&servers[i]);
    loop_free(&loop);
    return done_testing();
}
