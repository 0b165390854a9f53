/*
 * A worker with one generation of groups, without configuration text: for tests of what chooses
 * servers.  Owns all of it until fixture_close.
 *
 *     fixture_open(&f); g = fixture_group(&f, "a", &balance_hash);
 *     fixture_server(&f, g, "1.2.3.4:5"); fixture_start(&f); fixture_pick(&f, g, &p);
 *     pick_next(&p) ...
 */
#ifndef T_UNIT_HTTP_UPSTREAM_FIXTURE_H
#define T_UNIT_HTTP_UPSTREAM_FIXTURE_H

#include "core/crc32.h"
#include "event/worker.h"
#include "http/request.h"
#include "http/upstream/balancer.h"
#include "http/upstream/peers_zone.h"
#include "t/unit/tap.h"

enum { FIXTURE_SERVERS = 128, FIXTURE_FIRST = 21000, FIXTURE_NONE = ' ', FIXTURE_CODE = '!' };

struct fixture {
    struct pool pool;
    struct diag_list diag;
    struct generation gen;
    struct conf cf;
    struct conf_block root, http;
    void *http_conf[1];
    struct groups groups;
    struct worker worker;
    struct local local;
    void *state[1];
    struct request request;
    struct log_conf quiet;
    struct log log;
};

static inline void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    pool_init(&f->pool, &pool_heap);
    diag_init(&f->diag, &f->pool);
    pool_init(&f->gen.pool, &pool_heap);
    f->gen.id = 1;
    f->cf = (struct conf){ .pool = &f->gen.pool, .temp = &f->pool, .diag = &f->diag,
                           .gen = &f->gen };
    f->http_conf[0] = &f->groups;
    f->http = (struct conf_block){ .scope = IN_HTTP, .conf = f->http_conf };
    f->root = (struct conf_block){ .scope = IN_MAIN, .children = &f->http };
    f->gen.root = &f->root;
    f->log.conf = &f->quiet;
    f->request.subject.pool = &f->pool;
    f->request.main = &f->request;
}

static inline struct group *fixture_group(struct fixture *f, const char *name,
                                          const struct balancer *balancer)
{
    struct group *group = pool_new(&f->gen.pool, struct group);
    group->name = group->key = str_from(name);
    group->index = f->groups.count++;
    group->balancer = balancer;
    group->resolver_timeout = 1000;
    group->servers = pool_array(&f->gen.pool, FIXTURE_SERVERS, sizeof(*group->servers));
    if (f->groups.last)
        f->groups.last->next = group;
    else
        f->groups.first = group;
    f->groups.last = group;
    return group;
}

static inline struct group_server *fixture_server(struct fixture *f, struct group *group,
                                                  const char *text)
{
    struct group_server *s = &group->servers[group->nservers++];
    struct inet_target target;
    ASSERT(group->nservers <= FIXTURE_SERVERS);
    ASSERT(!inet_parse_target(str_from(text), 80, INET_PLAIN, &target));
    *s = (struct group_server){ .text = pool_str(&f->gen.pool, str_from(text)), .weight = 1,
                                .max_fails = 1, .fail_timeout = 10000, .port = target.port };
    s->host = pool_str(&f->gen.pool, target.host);
    if (target.address.len) {
        s->addresses = pool_new(&f->gen.pool, struct inet_address);
        *s->addresses = target.address;
        s->naddresses = 1;
    } else {
        s->look_up = true;
        s->question = s->text;
    }
    return s;
}

/* `count` of them, 127.0.0.1:21000 and on. */
static inline void fixture_servers(struct fixture *f, struct group *group, unsigned count)
{
    char text[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "127.0.0.1:%u", FIXTURE_FIRST + i);
        fixture_server(f, group, text);
    }
}

/* A local of the worker for the groups of this fixture. */
static inline void fixture_local(struct fixture *f, struct local *local, void **state, unsigned id)
{
    const char *why;
    *local = (struct local){ .generation = &f->gen, .id = id, .state = LOCAL_CURRENT,
                             .state_of = state, .worker = &f->worker };
    state[0] = NULL;
    ASSERT(peers_prepare(local, &why));
}

static inline void fixture_zone(struct fixture *f, size_t size)
{
    struct zone *zone = zone_add(&f->cf, &peers_zone_type, STR("test"), size, 0);
    ASSERT(zone && zones_finish(&f->cf));
    for (struct group *group = f->groups.first; group; group = group->next)
        group->zone = zone;
}

static inline void fixture_start(struct fixture *f)
{
    fixture_zone(f, 1 << 20);
    ASSERT(loop_init(&f->worker.loop));
    f->worker.loop.now = 1000000;
    fixture_local(f, &f->local, f->state, 1);
}

static inline void fixture_close(struct fixture *f)
{
    peers_release(&f->local);
    loop_free(&f->worker.loop);
    for (unsigned slot = 0; slot < handles.count; slot++)
        if (handles.at[slot].kind == HANDLE_ZONE)
            handle_close(slot);
    pool_free(&f->gen.pool);
    pool_free(&f->pool);
}

static inline void fixture_pick(struct fixture *f, const struct group *group, struct pick *p)
{
    *p = (struct pick){ .subject = &f->request.subject, .log = &f->log, .local = &f->local,
                        .group = group };
    pick_init(p);
}

/* A letter for a server: its port, from 21000 on; "{" a socket, "!" the port 80. */
static inline char fixture_letter(const struct pick *p)
{
    const unsigned port = inet_port(&p->address);
    if (p->address.any.sa_family == AF_UNIX)
        return '{';
    return (char)(FIXTURE_CODE + (port >= FIXTURE_FIRST ? port - FIXTURE_FIRST
                                                        : port == 80 ? 0 : port - 1));
}

/* One request: servers with small ports fail.  Adds a letter for each that was asked. */
static inline void fixture_request(struct pick *p, struct fmt *f)
{
    enum picked picked;
    bool failed = true;
    while (failed && (picked = pick_next(p)) == PICKED) {
        failed = inet_port(&p->address) > 0 && inet_port(&p->address) < 80;
        fmt_char(f, fixture_letter(p));
        pick_done(p, failed ? OUTCOME_FAILED : OUTCOME_GOOD, -1, -1);
    }
    if (failed)
        fmt_char(f, FIXTURE_NONE);
}

#endif
