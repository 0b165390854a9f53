/*
 * Idle connections to servers, by group, address and whatever else must be equal.
 * Owns the connections while they lie here, and what is known of how long servers let them idle.
 */
#include "http/upstream/reuse.h"

#include "core/list.h"
#include "core/siphash.h"
#include "event/worker.h"

#include <sys/random.h>

enum { BUCKETS = 256, SERVERS_MOST = 1024 };

/* What was learned of a server is forgotten in steps of a 64th, one in each time that it allows.
 * Less than a second is nothing that somebody has configured: it restarts, or closes after each
 * answer.  Of what closes together, as at a restart, the one that was idle longest counts. */
enum { FORGET = 64, LEAST_MSEC = 1000, TOGETHER_MSEC = 100 };

struct idle_group {
    struct list_link link;              /* of the bucket of its name */
    struct list conns;                  /* the first is idle for longest */
    unsigned count;
    struct str name;                    /* behind this struct */
};

struct idle_conn {
    struct list_link all, mine, bucket; /* of the worker, of its group, of its key */
    struct reuse *reuse;
    struct conn *c;
    struct idle_group *group;
    struct inet_address bind;
    uint64_t place, hash;
    int64_t since;                      /* monotonic, msec */
};

struct idle_server {
    struct list_link link, age;         /* of the bucket of its address; of all */
    struct inet_address address;
    int64_t lasts;                      /* it closes what was idle for so long, msec */
    int64_t changed;                    /* when that was said, or was forgotten a bit */
};

struct reuse {
    struct worker *worker;
    struct siphash_key hash_key;
    struct list all;                    /* the first is idle for longest */
    unsigned count, nservers;
    struct list ages;                   /* of servers: the first is forgotten next */
    struct list conns[BUCKETS];         /* the last was used last */
    struct list groups[BUCKETS], servers[BUCKETS];
};

/* --- how long servers let connections idle ---------------------------------------------------- */

static uint64_t address_hash(const struct reuse *reuse, const struct inet_address *address)
{
    return siphash_13(&reuse->hash_key, inet_host(address)) + inet_port(address);
}

static struct idle_server *find_server(const struct reuse *reuse,
                                       const struct inet_address *address)
{
    const struct list *bucket = &reuse->servers[address_hash(reuse, address) % BUCKETS];
    list_each(bucket, link) {
        struct idle_server *s = container_of(link, struct idle_server, link);
        if (inet_eq(&s->address, address))
            return s;
    }
    return NULL;
}

static struct idle_server *add_server(struct reuse *reuse, const struct inet_address *address)
{
    struct idle_server *s;
    if (reuse->nservers < SERVERS_MOST) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return NULL;
        reuse->nservers++;
    } else {
        s = container_of(list_pop(&reuse->ages), struct idle_server, age);
        list_remove(&s->link);
    }
    s->address = *address;
    list_push(&reuse->servers[address_hash(reuse, address) % BUCKETS], &s->link);
    list_push(&reuse->ages, &s->age);
    return s;
}

static void set_lasts(struct reuse *reuse, struct idle_server *s, int64_t msec)
{
    s->lasts = msec;
    s->changed = reuse->worker->loop.now;
    list_remove(&s->age);
    list_push(&reuse->ages, &s->age);
}

/* The server closed it after so long. */
static void learn(struct reuse *reuse, const struct inet_address *address, int64_t msec)
{
    struct idle_server *s = find_server(reuse, address);
    if (msec < LEAST_MSEC
        || (s && msec < s->lasts && reuse->worker->loop.now - s->changed < TOGETHER_MSEC))
        return;
    if (!s)
        s = add_server(reuse, address);
    if (s)
        set_lasts(reuse, s, msec);
}

/* We did: that the server would have closed it may not be true any more. */
static void outlived(struct reuse *reuse, const struct inet_address *address, int64_t msec)
{
    struct idle_server *s = find_server(reuse, address);
    if (s && msec >= s->lasts)
        set_lasts(reuse, s, msec + 1);
    else if (s && reuse->worker->loop.now - s->changed >= s->lasts)
        set_lasts(reuse, s, s->lasts + s->lasts / FORGET + 1);
}

static int64_t time_to_idle(const struct reuse *reuse, const struct inet_address *address,
                            int64_t most)
{
    const struct idle_server *s = find_server(reuse, address);
    if (!s)
        return most;
    const int64_t msec = s->lasts - s->lasts / 10;
    return msec < most ? msec : most;
}

/* --- groups ----------------------------------------------------------------------------------- */

static struct list *group_bucket(struct reuse *reuse, struct str name)
{
    return &reuse->groups[siphash_13(&reuse->hash_key, name) % BUCKETS];
}

static struct idle_group *get_group(struct reuse *reuse, struct str name)
{
    struct list *bucket = group_bucket(reuse, name);
    list_each(bucket, link) {
        struct idle_group *group = container_of(link, struct idle_group, link);
        if (str_eq(group->name, name))
            return group;
    }
    struct idle_group *group = calloc(1, sizeof(*group) + name.len);
    if (!group)
        return NULL;
    if (name.len)
        memcpy(group + 1, name.at, name.len);
    group->name = str_of(group + 1, name.len);
    list_init(&group->conns);
    list_push(bucket, &group->link);
    return group;
}

static void leave_group(struct idle_group *group)
{
    if (group->count > 0)
        return;
    list_remove(&group->link);
    free(group);
}

/* --- a connection that is idle ---------------------------------------------------------------- */

static struct conn *let_go(struct idle_conn *idle)
{
    struct conn *c = idle->c;
    list_remove(&idle->all);
    list_remove(&idle->mine);
    list_remove(&idle->bucket);
    idle->reuse->count--;
    idle->group->count--;
    leave_group(idle->group);
    free(idle);
    c->data = NULL;
    return c;
}

static void end(struct idle_conn *idle)
{
    conn_close(let_go(idle));
}

static int64_t idle_for(const struct idle_conn *idle)
{
    return idle->c->loop->now - idle->since;
}

static void end_by_server(struct idle_conn *idle)
{
    struct inet_address address;
    conn_peer(idle->c, &address);
    learn(idle->reuse, &address, idle_for(idle));
    end(idle);
}

/* Its log lines belong to nobody: the configuration that it was dialled under may be gone. */
static void own_log(struct conn *c)
{
    c->log.conf = log_process->conf;
    c->log.context = NULL;
    c->log.data = NULL;
    c->log.action = NULL;
    c->log.debug = false;
}

/* Bytes that nobody has asked for may come before the end: an answer 408, often. */
static enum io look(struct conn *c, bool *bytes)
{
    char some[512];
    size_t got;
    enum io io = conn_recv(c, some, sizeof(some), &got);
    *bytes = io == IO_OK;
    return *bytes ? conn_recv(c, some, sizeof(some), &got) : io;
}

static void on_ready(struct conn *c)
{
    bool bytes;
    own_log(c);
    const enum io io = look(c, &bytes);
    if (io == IO_EOF || io == IO_ERROR)
        end_by_server(c->data);
    else if (bytes)
        end(c->data);
}

static void on_drained(struct conn *c)
{
    (void)c;
}

static void on_timeout(struct conn *c)
{
    struct idle_conn *idle = c->data;
    struct inet_address address;
    conn_peer(c, &address);
    own_log(c);
    outlived(idle->reuse, &address, idle_for(idle));
    end(idle);
}

static void on_error(struct conn *c)
{
    own_log(c);
    end_by_server(c->data);
}

static const struct conn_handler handler = {
    .on_ready = on_ready, .on_drained = on_drained, .on_timeout = on_timeout, .on_error = on_error,
};

/* --- all of them ------------------------------------------------------------------------------ */

static void free_all(struct reuse *reuse)
{
    struct list_link *link;
    while ((link = list_first(&reuse->all)))
        end(container_of(link, struct idle_conn, all));
    while ((link = list_pop(&reuse->ages)))
        free(container_of(link, struct idle_server, age));
    free(reuse);
}

static void worker_quits(struct worker *w)
{
    free_all(w->reuse);
    w->reuse = NULL;
    w->reuse_end = NULL;
}

static struct reuse *reuse_of(struct worker *w)
{
    struct reuse *reuse = w->reuse ? NULL : calloc(1, sizeof(*reuse));
    if (!reuse)
        return w->reuse;
    reuse->worker = w;
    list_init(&reuse->all);
    list_init(&reuse->ages);
    for (unsigned i = 0; i < BUCKETS; i++) {
        list_init(&reuse->conns[i]);
        list_init(&reuse->groups[i]);
        list_init(&reuse->servers[i]);
    }
    if (getrandom(&reuse->hash_key, sizeof(reuse->hash_key), 0) < 0)
        memcpy(&reuse->hash_key, &w->loop.real, sizeof(w->loop.real));
    w->reuse = reuse;
    w->reuse_end = worker_quits;
    return reuse;
}

static uint64_t key_hash(const struct reuse *reuse, const struct reuse_key *key)
{
    const uint64_t group = siphash_13(&reuse->hash_key, key->group);
    return group + address_hash(reuse, key->address) * 31 + address_hash(reuse, key->bind) * 37
           + key->place;
}

static bool is_alike(const struct idle_conn *idle, const struct reuse_key *key, uint64_t hash)
{
    struct inet_address address;
    if (idle->hash != hash || idle->place != key->place || !inet_eq(&idle->bind, key->bind)
        || !str_eq(idle->group->name, key->group))
        return false;
    conn_peer(idle->c, &address);
    return inet_eq(&address, key->address);
}

/* What has happened to it in this turn is for on_ready. */
static bool is_alive(const struct conn *c)
{
    return !c->failed && !c->watch.readable && !c->watch.hangup && !c->watch.error;
}

/* Nothing is on its way in either direction, and it may go on. */
static bool may_idle(struct worker *w, struct conn *c, const struct group_keepalive *limits)
{
    bool bytes;
    if (w->quitting || limits->connections <= 0 || limits->timeout <= 0
        || c->requests >= limits->requests || w->loop.real - c->began >= limits->time
        || c->failed || c->closing || c->shut || !chain_empty(&c->out))
        return false;
    return look(c, &bytes) == IO_AGAIN && !bytes;
}

static struct idle_conn *add(struct reuse *reuse, const struct reuse_key *key, struct conn *c)
{
    struct idle_conn *idle = calloc(1, sizeof(*idle));
    if (!idle)
        return NULL;
    idle->group = get_group(reuse, key->group);
    if (!idle->group) {
        free(idle);
        return NULL;
    }
    idle->reuse = reuse;
    idle->c = c;
    idle->bind = *key->bind;
    idle->place = key->place;
    idle->hash = key_hash(reuse, key);
    idle->since = reuse->worker->loop.now;
    list_push(&reuse->all, &idle->all);
    list_push(&idle->group->conns, &idle->mine);
    list_push(&reuse->conns[idle->hash % BUCKETS], &idle->bucket);
    idle->group->count++;
    reuse->count++;
    return idle;
}

struct conn *reuse_take(struct worker *w, const struct reuse_key *key)
{
    const struct reuse *reuse = w->reuse;
    if (!reuse)
        return NULL;
    const uint64_t hash = key_hash(reuse, key);
    const struct list *bucket = &reuse->conns[hash % BUCKETS];
    struct list_link *link = list_last(bucket);
    for (; link; link = link->prev == &bucket->end ? NULL : link->prev) {
        struct idle_conn *idle = container_of(link, struct idle_conn, bucket);
        if (!is_alike(idle, key, hash) || !is_alive(idle->c))
            continue;
        struct conn *c = let_go(idle);
        conn_timer(c, 0);
        c->handler = NULL;
        return c;
    }
    return NULL;
}

void reuse_give(struct worker *w, const struct reuse_key *key, struct conn *c,
                const struct group_keepalive *limits)
{
    own_log(c);
    c->handler = &handler;
    struct reuse *reuse = may_idle(w, c, limits) ? reuse_of(w) : NULL;
    struct idle_conn *idle = reuse ? add(reuse, key, c) : NULL;
    c->data = idle;
    if (!idle) {
        conn_abandon(c);
        return;
    }
    conn_timer(c, time_to_idle(reuse, key->address, limits->timeout));
    while (idle->group->count > limits->connections)
        end(container_of(list_first(&idle->group->conns), struct idle_conn, mine));
}

bool reuse_evict(struct worker *w)
{
    struct list_link *first = w->reuse ? list_first(&w->reuse->all) : NULL;
    if (first)
        end(container_of(first, struct idle_conn, all));
    return first != NULL;
}

void reuse_prune(struct worker *w,
                 bool (*known)(const void *data, struct str group, const struct inet_address *to),
                 const void *data)
{
    struct list_link *link = w->reuse ? list_first(&w->reuse->all) : NULL;
    while (link) {
        struct idle_conn *idle = container_of(link, struct idle_conn, all);
        struct inet_address address;
        link = link->next == &w->reuse->all.end ? NULL : link->next;
        conn_peer(idle->c, &address);
        if (!known(data, idle->group->name, &address))
            end(idle);
    }
}

unsigned reuse_count(const struct worker *w)
{
    return w->reuse ? w->reuse->count : 0;
}
