/*
 * Accepting connections in batches, from one's own sockets and for siblings that cannot.
 * Owns the worker's list of listeners.
 */
#include "event/listener.h"

#include "core/core_conf.h"
#include "core/log_conf.h"
#include "event/proxy_protocol.h"
#include "os/unix/channel.h"
#include "os/unix/clock.h"
#include "os/unix/socket.h"

#include <sys/socket.h>

enum { BATCH = 32, PAUSE_MS = 500, PROXY_MS = 60000 };

/* Under pressure, how long a client surely has for its head; and for the next bytes of a body, one
 * way or the other, when it is among so many that are busy for longest. */
enum { HEAD_MS = 200, STALLED_MS = 2000, STALLED_LOOK = 256 };

/* --- the PROXY head --------------------------------------------------------------------------- */

/* Looked at without taking it, so that what follows stays for the next layer. */
static void proxy_ready(struct conn *c)
{
    char bytes[PROXY_HEAD_MOST];
    struct proxy_head head;
    const char *why = NULL;
    const ssize_t got = recv(c->watch.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        c->watch.readable = false;
        return;
    }
    const struct str text = str_of(bytes, got > 0 ? (size_t)got : 0);
    const enum proxy_result result = proxy_protocol_parse(text, &head, &why);
    if (result == PROXY_MORE && !c->watch.hangup)
        return;
    if (result != PROXY_DONE ||
        recv(c->watch.fd, bytes, head.len, MSG_DONTWAIT) != (ssize_t)head.len) {
        if (got <= 0)                   /* a probe of the port, often */
            log_write(&c->log, LOG_INFO, got ? errno : 0, "client closed connection");
        else
            log_write(&c->log, LOG_ERROR, 0, "broken header: \"%.*s\" (%s)", STR_FMT(text),
                      why ? why : "incomplete");
        conn_close(c);
        return;
    }
    c->proxy = proxy_protocol_keep(&head);      /* the client stays who it is: that is realip's */
    c->log.action = NULL;
    conn_timer(c, 0);
    if (!c->proxy || !c->listener->listening) {
        conn_close(c);
        return;
    }
    c->listener->listening->accepted(c);
}

static void proxy_timeout(struct conn *c)
{
    log_write(&c->log, LOG_INFO, ETIMEDOUT, "client timed out");
    conn_close(c);
}

static bool proxy_drain(struct conn *c, bool now)
{
    if (now)
        conn_close(c);
    return now;
}

static const struct conn_handler proxy_handler = {
    .on_ready = proxy_ready, .on_timeout = proxy_timeout, .on_error = conn_close,
    .on_drain = proxy_drain,
};

/* --- connections ------------------------------------------------------------------------------ */

static void conns_add(struct conn_list *list, struct conn *c)
{
    c->next = NULL;
    c->prev = list->last;
    if (list->last)
        list->last->next = c;
    else
        list->first = c;
    list->last = c;
    list->count++;
    c->since = c->loop->now;
}

static void conns_remove(struct conn_list *list, struct conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        list->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        list->last = c->prev;
    list->count--;
}

static struct conn_list *list_of(const struct conn *c)
{
    struct worker *w = c->worker;
    return c->idle ? &w->idle : c->stage == CONN_WRITING ? &w->conns : &w->heads;
}

static void change(struct conn *c, bool idle, enum conn_stage stage)
{
    struct conn_list *old = list_of(c);
    c->idle = idle;
    c->stage = (uint8_t)stage;
    if (list_of(c) == old)
        return;
    conns_remove(old, c);
    conns_add(list_of(c), c);
}

void worker_idle(struct conn *c, bool idle)
{
    change(c, idle, c->stage);
}

void worker_stage(struct conn *c, enum conn_stage stage)
{
    struct worker_score *score = c->worker->score;
    score->stages[c->stage]--;
    score->stages[stage]++;
    change(c, c->idle, stage);
}

void worker_sum(const struct worker *w, struct worker_score *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (unsigned i = 0; i < w->nscores; i++) {
        sum->accepted += w->scores[i].accepted;
        sum->handled += w->scores[i].handled;
        sum->requests += w->scores[i].requests;
        for (unsigned stage = 0; stage < CONN_STAGES; stage++)
            sum->stages[stage] += w->scores[i].stages[stage];
    }
}

static void listener_free(struct listener *l)
{
    struct worker *w = l->worker;
    struct listener **at = &w->listeners;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    for (unsigned j = 0; j < l->nsockets; j++)
        free(l->sockets[j]);
    free(l->sockets);
    free(l);
}

unsigned listener_count(const struct worker *w)
{
    return w->conns.count + w->heads.count + w->idle.count;
}

/* Clients get all but 5 %: an answer may need a connection to somebody else. */
static bool has_room(const struct worker *w)
{
    const unsigned kept = w->most / 20 + (w->most % 20 != 0);
    return listener_count(w) < (w->most > kept ? w->most - kept : 1);
}

static void say(struct worker *w, enum message_type type)
{
    const struct message message = { .type = type };
    if (w->channel.fd >= 0)
        channel_send(w->channel.fd, &message, sizeof(message), NULL, 0, true);
}

static void set_full(struct worker *w, bool full)
{
    if (w->full == full || w->quitting)
        return;
    w->full = full;
    say(w, full ? MESSAGE_FULL : MESSAGE_ROOM);
    listener_review(w);
}

static void conn_gone(struct conn *c)
{
    struct worker *w = c->worker;
    struct listener *l = c->listener;
    w->score->stages[c->stage]--;
    conns_remove(list_of(c), c);
    if (--l->conns == 0 && !l->listening)
        listener_free(l);
    if (w->full && has_room(w))
        set_full(w, false);
    if (w->quitting && listener_count(w) == 0)
        w->loop.stop = true;
}

/* Where the connection is, as long as no request says more. */
static void log_context(const struct log *log, struct fmt *f)
{
    const struct conn *c = log->data;
    struct inet_address peer;
    conn_peer(c, &peer);
    fmt_text(f, ", client: ");
    inet_write(f, &peer, false);
    fmt_text(f, ", server: ");
    inet_write(f, &c->listener->address, true);
}

static void begin(struct listener *l, int fd, const struct inet_address *peer)
{
    struct worker *w = l->worker;
    const struct listening *listening = l->listening;
    const struct generation *gen = w->current->generation;
    struct conn *c = conn_new(&w->loop, fd, peer);
    w->score->accepted++;
    if (!c) {
        log_write(&w->log, LOG_ALERT, 0, "no memory for a connection");
        return;
    }
    c->worker = w;
    c->listener = l;
    c->closed = conn_gone;
    w->score->handled++;
    w->score->stages[c->stage = CONN_WAITING]++;
    c->log.conf = log_process->conf;
    c->log.connection = ++w->connections;
    c->log.context = log_context;
    c->log.data = c;
    c->log.debug = log_debug_matches(gen->core->events->debug_connections, peer);
    c->began = w->loop.real;
    l->conns++;
    conns_add(list_of(c), c);
    if (!listening->proxy_protocol) {
        listening->accepted(c);
        return;
    }
    c->handler = &proxy_handler;
    c->log.action = "reading PROXY protocol";
    conn_timer(c, PROXY_MS);
}

static struct conn *first_open(const struct conn_list *list)
{
    struct conn *c = list->first;
    while (c && c->closing)
        c = c->next;
    return c;
}

/* Among those that are busy for longest: one whose client has neither sent nor taken anything. */
static struct conn *stalled(const struct worker *w)
{
    struct conn *c = w->conns.first;
    for (unsigned i = 0; c && i < STALLED_LOOK; i++, c = c->next)
        if (!c->closing && c->handler && c->handler->awaits
            && w->loop.now - c->moved >= STALLED_MS && c->handler->awaits(c))
            return c;
    return NULL;
}

/* Who waits for a next request makes room for one that has one; without such, the client whose head
 * is not complete for longest; then one that has stopped in the middle of a body. */
static struct conn *victim(const struct worker *w)
{
    struct conn *c = first_open(&w->idle);
    if (c)
        return c;
    c = first_open(&w->heads);
    return c && w->loop.now - c->since >= HEAD_MS ? c : stalled(w);
}

static bool evict(struct worker *w)
{
    struct conn *c = victim(w);
    if (!c)
        return false;
    log_write(&c->log, LOG_INFO, 0, "%s connection closed to make room",
              c->idle ? "idle" : "slow");
    return c->handler->on_drain(c, true);
}

static void pause_accepting(struct worker *w, int64_t msec)
{
    set_full(w, true);
    timer_set(&w->loop, &w->pause, msec);
}

/* Until a connection ends, or there is somebody to evict. */
static void no_room(struct worker *w)
{
    log_write(&w->log, LOG_ALERT, 0, "%u worker_connections are not enough", w->most);
    pause_accepting(w, HEAD_MS);
}

/* The next try finds the descriptor of who makes room. */
static void no_descriptor(struct worker *w, int error)
{
    log_write(&w->log, LOG_CRIT, error, "accept4() failed");
    pause_accepting(w, PAUSE_MS);
    evict(w);
}

/* One connection; false: there is none, or there is no room for it. */
static bool accept_one(struct listener *l, int listening)
{
    struct worker *w = l->worker;
    struct inet_address peer;
    int fd;
    if (!has_room(w) && !evict(w)) {
        no_room(w);
        return false;
    }
    const enum socket_accept got = socket_accept(listening, &peer.any, sizeof(peer), &peer.len,
                                                 &fd);
    if (got == SOCKET_AGAIN)
        return false;
    if (got != SOCKET_OK) {
        no_descriptor(w, errno);
        return false;
    }
    begin(l, fd, &peer);
    return true;
}

/* The event comes again while somebody waits, so the call that finds nobody is saved by expecting
 * as many as came the last time; more when they came so fast that there was another event. */
static void accept_ready(struct watch *watch)
{
    struct listener_socket *s = container_of(watch, struct listener_socket, watch);
    struct listener *l = s->listener;
    const uint64_t turn = l->worker->loop.turns;
    unsigned i = 0;
    if (s->turn + 1 == turn && s->batch < BATCH)
        s->batch++;
    s->turn = turn;
    while (i < s->batch && l->listening && accept_one(l, watch->fd))
        i++;
    if (i < s->batch)
        s->batch = i ? i : 1;
}

static void accept_all(struct watch *watch)
{
    struct listener_socket *s = container_of(watch, struct listener_socket, watch);
    while (s->listener->listening && accept_one(s->listener, watch->fd))
        continue;
}

/* --- what to accept from ---------------------------------------------------------------------- */

static bool wanted(const struct listener_socket *s)
{
    const struct worker *w = s->listener->worker;
    if (!s->listener->listening || w->full || w->quitting)
        return false;
    if (s->listener->nsockets == 1 || s->owner == w->index)
        return true;
    return s->owner < 1024 && w->adopted[s->owner / 64] >> (s->owner % 64) & 1;
}

static void review_one(struct worker *w, struct listener_socket *s, int fd)
{
    const bool want = wanted(s), watched = s->watch.fd >= 0;
    if (want && !watched) {
        s->watch.fd = fd;
        if (!poller_add(&w->loop, &s->watch, POLL_SHARED))      /* which says why not */
            s->watch.fd = -1;
    } else if (!want && watched) {
        poller_remove(&w->loop, &s->watch);
        s->watch.fd = -1;
    }
}

void listener_review(struct worker *w)
{
    for (struct listener *l = w->listeners; l; l = l->next)
        for (unsigned j = 0; j < l->nsockets; j++)
            review_one(w, l->sockets[j], l->listening ? handle_fd(l->listening->slots[j]) : -1);
}

static struct listener *find(struct worker *w, const struct listening *listening)
{
    for (struct listener *l = w->listeners; l; l = l->next)
        if (inet_eq(&l->address, &listening->address))
            return l;
    return NULL;
}

/* Those in the backlog of an address that goes have been promised nothing yet, but came in time. */
static void leave(struct worker *w, struct listener *l)
{
    for (unsigned j = 0; j < l->nsockets; j++) {
        struct listener_socket *s = l->sockets[j];
        if (s->watch.fd < 0)
            continue;
        accept_all(&s->watch);
        poller_remove(&w->loop, &s->watch);
        s->watch.fd = -1;
    }
    l->listening = NULL;
}

static void match_sockets(struct listener *l)
{
    const struct listening *listening = l->listening;
    struct listener_socket **at =
        realloc(l->sockets, listening->nslots * sizeof(struct listener_socket *));
    ASSERT(at);
    l->sockets = at;
    for (unsigned j = l->nsockets; j < listening->nslots; j++) {
        at[j] = calloc(1, sizeof(*at[j]));
        ASSERT(at[j]);
        at[j]->watch = (struct watch){ .fd = -1, .ready = accept_ready };
        at[j]->listener = l;
        at[j]->batch = 1;
    }
    l->nsockets = listening->nslots;
    for (unsigned j = 0; j < l->nsockets; j++)
        at[j]->owner = j % l->worker->workers;
}

void listener_update(struct worker *w)
{
    const struct generation *gen = w->current->generation;
    for (struct listener *l = w->listeners; l; l = l->next) {
        const struct listening *same = gen->listenings;
        while (same && !inet_eq(&l->address, &same->address))
            same = same->next;
        if (!same && l->listening)
            leave(w, l);
        l->listening = same;
    }
    for (const struct listening *listening = gen->listenings; listening;
         listening = listening->next) {
        struct listener *l = find(w, listening);
        if (!l) {
            l = calloc(1, sizeof(*l));
            ASSERT(l);
            l->address = listening->address;
            l->worker = w;
            l->next = w->listeners;
            w->listeners = l;
        }
        l->listening = listening;
        match_sockets(l);
    }
    for (struct listener *l = w->listeners, *next; l; l = next) {
        next = l->next;
        if (!l->listening && l->conns == 0)
            listener_free(l);
    }
    if (has_room(w))                    /* it may be more now */
        set_full(w, false);
    listener_review(w);
}

void listener_resume(struct worker *w)
{
    if (has_room(w) || victim(w))
        set_full(w, false);
    else if (w->full)
        timer_set(&w->loop, &w->pause, HEAD_MS);
}

