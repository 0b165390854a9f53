/*
 * A worker process: its start, its messages, the generations it holds, its end.
 * Owns the loop, the channel to the master, and the worker's part of each generation.
 */
#include "event/worker.h"

#include "core/core_conf.h"
#include "core/log_conf.h"
#include "core/zone.h"
#include "event/listener.h"
#include "event/resolver.h"
#include "event/threads.h"
#include "os/unix/channel.h"
#include "os/unix/notify.h"
#include "os/unix/process.h"
#include "os/unix/sandbox.h"
#include "os/unix/signal.h"
#include "os/unix/socket.h"

#include <signal.h>
#include <sys/signalfd.h>

enum { STATUS_CANNOT_START = 2, POOL_THREADS = 32, POOL_QUEUE = 65536, SWEEP_MS = 1000 };

/* --- the end ---------------------------------------------------------------------------------- */

static void drain(struct conn_list *list, bool now)
{
    for (struct conn *c = list->first, *next; c; c = next) {
        next = c->next;
        if (c->handler && c->handler->on_drain)
            c->handler->on_drain(c, now);
    }
}

static void shutdown_fires(struct timer *timer)
{
    struct worker *w = container_of(timer, struct worker, shutdown);
    drain(&w->conns, true);
    drain(&w->heads, true);
    drain(&w->idle, true);
}

/* When the next generation has had its time. */
static void set_retire(struct worker *w)
{
    int64_t next = INT64_MAX;
    for (const struct local *l = w->all; l; l = l->next)
        if (l->state == LOCAL_RETIRED && l->deadline > w->loop.now && l->deadline < next)
            next = l->deadline;
    timer_cancel(&w->loop, &w->retire);
    if (next != INT64_MAX)
        timer_set(&w->loop, &w->retire, next - w->loop.now);
}

static void retire_fires(struct timer *timer)
{
    struct worker *w = container_of(timer, struct worker, retire);
    unsigned newest = 0;
    for (const struct local *l = w->all; l; l = l->next)
        if (l->state == LOCAL_RETIRED && l->deadline && l->deadline <= w->loop.now)
            newest = l->id > newest ? l->id : newest;
    for (struct conn *c = w->conns.first, *next; newest && c; c = next) {
        next = c->next;
        if (c->handler && c->handler->on_retire)
            c->handler->on_retire(c, newest);
    }
    set_retire(w);
}

/* Who holds a socket keeps clients waiting in its backlog, and its address from others. */
static void close_listeners(const struct worker *w)
{
    for (unsigned slot = 0; slot < handles.count; slot++) {
        if (handles.at[slot].kind != HANDLE_LISTENER)
            continue;
        if (w->single)
            listening_unlink(handles.at[slot].fd);
        handle_close(slot);
    }
}

/* With an heir, idle connections get one more answer, which says close: closing them now would
 * break a request that is on its way. */
static void quit(struct worker *w, bool heir)
{
    const int64_t most = w->current->generation->core->worker_shutdown_timeout;
    if (w->quitting)
        return;
    w->quitting = true;
    w->heir = heir;
    log_write(&w->log, LOG_NOTICE, 0, "gracefully shutting down");
    process_title("weir: worker process is shutting down");
    listener_review(w);
    close_listeners(w);
    drain(&w->conns, false);
    drain(&w->heads, false);
    if (!heir)
        drain(&w->idle, false);
    if (w->reuse_end)
        w->reuse_end(w);
    if (most)
        timer_set(&w->loop, &w->shutdown, most);
    if (listener_count(w) == 0)
        w->loop.stop = true;
}

bool worker_closes_idle(const struct conn *c)
{
    return c->worker->quitting && !c->worker->heir;
}

bool worker_wants_close(const struct conn *c)
{
    return c->worker->quitting || !c->listener->listening;
}

static struct worker_dates *dates(struct worker *w)
{
    const int64_t second = w->loop.real / 1000;
    if (w->dates.second != second) {
        const int offset = date_local_offset(second);
        w->dates.second = second;
        date_http(second, w->dates.http);
        date_clf(second, offset, w->dates.clf);
        date_iso(second, offset, w->dates.iso);
    }
    return &w->dates;
}

struct str worker_http_date(struct worker *w)
{
    return str_of(dates(w)->http, DATE_HTTP - 1);
}

struct str worker_clf_date(struct worker *w)
{
    return str_of(dates(w)->clf, DATE_CLF - 1);
}

struct str worker_iso_date(struct worker *w)
{
    return str_of(dates(w)->iso, DATE_ISO - 1);
}

void worker_iso_ms(struct worker *w, struct fmt *f)
{
    const struct str date = worker_iso_date(w);
    struct str time, zone;
    ASSERT(str_sub(date, 0, sizeof("1994-11-06T08:49:37") - 1, &time));
    ASSERT(str_from_off(date, time.len, &zone));
    fmt_print(f, "%.*s.%03d%.*s", STR_FMT(time), (int)(w->loop.real % 1000), STR_FMT(zone));
}

struct worker_threads {
    struct worker_threads *next;
    struct str name;
    struct threads *threads;
};

/* A pool keeps the size that it began with. */
struct threads *worker_pool(struct worker *w, struct str name)
{
    const struct core_thread_pool *conf = w->current->generation->core->thread_pools;
    struct worker_threads *pool = w->threads;
    while (pool && !str_eq(pool->name, name))
        pool = pool->next;
    if (pool)
        return pool->threads;
    while (conf && !str_eq(conf->name, name))
        conf = conf->next;
    pool = calloc(1, sizeof(*pool) + name.len);
    if (!pool)
        return NULL;
    memcpy(pool + 1, name.at, name.len);
    pool->name = str_of(pool + 1, name.len);
    pool->threads = threads_new(&w->loop, conf ? conf->threads : POOL_THREADS,
                                conf ? conf->max_queue : POOL_QUEUE);
    if (!pool->threads) {
        free(pool);
        return NULL;
    }
    pool->next = w->threads;
    w->threads = pool;
    return pool->threads;
}

struct resolver *worker_resolver(struct worker *w, const struct resolver_conf *conf)
{
    return resolver_get(&w->resolvers, &w->loop, conf);
}

/* --- generations ------------------------------------------------------------------------------ */

static void tell(struct worker *w, enum message_type type, unsigned generation, unsigned number)
{
    struct message message = { .type = type, .generation = generation, .number = number };
    if (w->channel.fd >= 0 &&
        !channel_send(w->channel.fd, &message, sizeof(message), NULL, 0, false))
        _exit(0);                       /* the master is gone */
}

static struct local *find(struct worker *w, unsigned id)
{
    struct local *l = w->all;
    while (l && l->id != id)
        l = l->next;
    return l;
}

static struct local *hold(struct worker *w, const struct generation *gen, unsigned id,
                          const struct arena_runs *runs, const char **why)
{
    struct local *local = local_open(w, gen, id, runs, why);
    if (!local)
        return NULL;
    local->next = w->all;
    w->all = local;
    return local;
}

/* Without a master: what no generation refers to any more. */
static void close_slot(unsigned slot, void *data)
{
    (void)data;
    if (handles.at[slot].kind == HANDLE_LISTENER)
        listening_unlink(handles.at[slot].fd);
    handle_close(slot);
}

/* Without a master this process frees what it has made. */
static void free_single(const struct generation *gen, const struct arena_runs *runs)
{
    ASSERT(arena_open_runs(runs));
    generation_unuse(gen, false, close_slot, NULL);
    generation_free((struct generation *)(uintptr_t)gen);
}

static void release(struct worker *w, struct local *local)
{
    struct local **at = &w->all;
    const unsigned id = local->id;
    while (*at != local)
        at = &(*at)->next;
    *at = local->next;
    const struct generation *gen = local->generation;
    const struct arena_runs runs = local->runs;
    local_close(local);
    if (w->single)
        free_single(gen, &runs);
    tell(w, MESSAGE_RELEASED, id, 0);
}

static void turn_end(struct loop *loop)
{
    struct worker *w = loop->owner;
    for (struct local *l = w->all, *next; l; l = next) {
        next = l->next;
        if (l->state == LOCAL_RETIRED && l->pins == 0)
            release(w, l);
    }
}

/* Descriptors do not arrive where this process may not have more. */
static bool has_all(const struct worker *w, const struct generation *gen)
{
    for (unsigned i = 0; i < gen->nhandles; i++) {
        const unsigned slot = gen->handles[i];
        const bool here = slot < handles.count && handles.at[slot].fd >= 0;
        if (!here && !(w->quitting && gen->listeners[i]))
            return false;
    }
    return true;
}

static const struct local *try_hold(struct worker *w, const struct message *message,
                                    const char **why)
{
    const struct generation *gen = message->prepare.at;
    const struct arena_runs *runs = &message->prepare.runs;
    *why = "no memory";
    if (!arena_open_runs(runs))
        return NULL;
    if (has_all(w, gen))
        return hold(w, gen, message->generation, runs, why);
    arena_close_runs(runs);
    *why = "it has no descriptors left for what is new";
    return NULL;
}

static void prepare(struct worker *w, const struct message *message)
{
    const char *why;
    if (try_hold(w, message, &why)) {
        tell(w, MESSAGE_PREPARED, message->generation, 0);
        return;
    }
    struct message no = { .type = MESSAGE_REFUSED, .generation = message->generation };
    struct fmt f;
    fmt_init_cut(&f, no.why, sizeof(no.why));
    fmt_text(&f, why);
    fmt_done(&f);
    channel_send(w->channel.fd, &no, sizeof(no), NULL, 0, false);
    tell(w, MESSAGE_RELEASED, message->generation, 0);
}

static void relog(const struct conn_list *list, const struct log_conf *conf)
{
    for (struct conn *c = list->first; c; c = c->next)
        c->log.conf = conf;
}

static void use(struct worker *w, struct local *local)
{
    const struct core_conf *core = local->generation->core;
    struct local *old = w->current;
    w->current = local;
    local->state = LOCAL_CURRENT;
    w->workers = (unsigned)core->worker_processes;
    w->most = core->events->worker_connections;
    zones_use(local->generation);
    log_use(core->log);
    log_redirect_stderr();
    w->log.conf = log_process->conf;
    relog(&w->conns, core->log);
    relog(&w->heads, core->log);
    relog(&w->idle, core->log);
    if (!old)
        return;
    const int64_t most = old->generation->core->worker_shutdown_timeout;
    old->state = LOCAL_RETIRED;
    old->deadline = most ? w->loop.now + most : 0;
    set_retire(w);
}

static void commit(struct worker *w, unsigned id)
{
    struct local *local = find(w, id);
    ASSERT(local && local->state == LOCAL_PREPARED);
    use(w, local);
    listener_update(w);
    if (w->quitting)
        close_listeners(w);
    tell(w, MESSAGE_COMMITTED, id, 0);
}

static void status(struct worker *w)
{
    for (const struct local *l = w->all; l; l = l->next)
        tell(w, MESSAGE_PINS, l->id, l->pins);
    tell(w, MESSAGE_STATUS, 0, 0);
}

/* --- messages --------------------------------------------------------------------------------- */

static void put_handles(const struct message *message, const int *fds, unsigned n)
{
    ASSERT(message->descriptors.count >= n);    /* fewer: see has_all() */
    for (unsigned i = 0; i < n; i++)
        handle_put(message->descriptors.row[i].slot,
                   (enum handle_kind)message->descriptors.row[i].kind, fds[i]);
    log_redirect_stderr();              /* the main error log may be one of them */
}

static void adopt(struct worker *w, unsigned sibling, bool yes)
{
    const uint64_t bit = 1ull << (sibling % 64);
    if (sibling >= 1024)
        return;
    w->adopted[sibling / 64] &= ~bit;
    if (yes)
        w->adopted[sibling / 64] |= bit;
    listener_review(w);
}

static void handle(struct worker *w, const struct message *message, const int *fds, unsigned n)
{
    struct local *local;
    switch (message->type) {
    case MESSAGE_DESCRIPTORS:
        put_handles(message, fds, n);
        return;
    case MESSAGE_CLOSE:
        handle_close(message->number);
        return;
    case MESSAGE_PREPARE:
        prepare(w, message);
        return;
    case MESSAGE_COMMIT:
        commit(w, message->generation);
        return;
    case MESSAGE_ABORT:
        local = find(w, message->generation);
        if (local && local->state == LOCAL_PREPARED)
            release(w, local);
        return;
    case MESSAGE_ADOPT:
    case MESSAGE_DISOWN:
        adopt(w, message->number, message->type == MESSAGE_ADOPT);
        return;
    case MESSAGE_QUIT:
        quit(w, message->number != 0);
        return;
    case MESSAGE_STATUS:
        status(w);
        return;
    case MESSAGE_PING:
    case MESSAGE_PREPARED:
    case MESSAGE_REFUSED:
    case MESSAGE_COMMITTED:
    case MESSAGE_RELEASED:
    case MESSAGE_PINS:
    case MESSAGE_FULL:
    case MESSAGE_ROOM:
    case MESSAGE_REOPEN:
        return;                         /* a ping has done its work by waking the loop */
    }
}

static void channel_ready(struct watch *watch)
{
    struct worker *w = container_of(watch, struct worker, channel);
    for (;;) {
        struct message message;
        int fds[MESSAGE_DESCRIPTORS_MOST];
        unsigned n = 0;
        const enum io got = channel_recv(watch->fd, &message, sizeof(message), fds,
                                         MESSAGE_DESCRIPTORS_MOST, &n);
        if (got == IO_AGAIN)
            return;
        if (got != IO_OK) {             /* the master is gone: nobody could tell this one to stop */
            poller_remove(&w->loop, watch);
            close(watch->fd);
            watch->fd = -1;
            quit(w, false);
            return;
        }
        handle(w, &message, fds, n);
    }
}

/* A reload in the one process: the same steps, without anybody to ask. */
static void reload_single(struct worker *w)
{
    const struct generation *old = w->current->generation;
    struct generation *gen = w->single->remake(w->single->data);
    struct arena_runs runs;
    const char *why;
    if (!gen)
        return;
    arena_runs_of(&gen->pool, &runs);
    struct local *local = hold(w, gen, gen->id, &runs, &why);
    if (!local) {
        log_write(&w->log, LOG_ERROR, 0, "the configuration was not changed: %s", why);
        generation_free(gen);
        return;
    }
    generation_use(gen, false);
    generation_use(gen, true);
    use(w, local);
    listener_update(w);
    generation_unuse(old, true, close_slot, NULL);
}

/* Nobody but this worker was told: siblings accept what it does not, until it is replaced. */
static void quit_alone(struct worker *w)
{
    tell(w, MESSAGE_FULL, 0, 0);
    quit(w, false);
}

static void life_fires(struct timer *timer)
{
    struct worker *w = container_of(timer, struct worker, life);
    const int64_t wait = notify_watchdog(w->loop.now);
    if (wait > 0)
        timer_set(&w->loop, timer, wait);
}

static void signal_single(struct worker *w, int signal)
{
    if (signal == SIGHUP && !w->quitting)
        reload_single(w);
    else if (signal == SIGUSR1)
        log_reopen_files(w->current->generation->core->user.uid, NULL, NULL);
}

static void signals_ready(struct watch *watch)
{
    struct worker *w = container_of(watch, struct worker, signals);
    struct signalfd_siginfo info;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        const int signal = (int)info.ssi_signo;
        log_write(&w->log, LOG_NOTICE, 0, "signal %d (%s) received from %u%s", signal,
                  signal_name(signal), info.ssi_pid,
                  signal == SIGTERM || signal == SIGINT ? ", exiting"
                  : signal == SIGQUIT ? ", shutting down" : "");
        if (w->single && (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT))
            notify_send("STOPPING=1");
        if (signal == SIGTERM || signal == SIGINT)
            w->loop.stop = true;
        else if (signal == SIGQUIT)
            quit_alone(w);
        else if (w->single)
            signal_single(w, signal);
        else if (signal == SIGUSR1)
            tell(w, MESSAGE_REOPEN, 0, 0);
    }
}

static void pause_fires(struct timer *timer)
{
    listener_resume(container_of(timer, struct worker, pause));
}

/* The end of the loop is that of the process: nothing is freed, but nothing is kept either. */
static void run(struct worker *w)
{
    loop_run(&w->loop);
    for (struct local *l = w->all; l; l = l->next)
        local_leave(l);
    resolver_free_all(&w->resolvers);
    log_write(&w->log, LOG_NOTICE, 0, "exit");
}

/* Set while files are cached: by worker_files(). */
static void sweep_fires(struct timer *timer)
{
    struct worker *w = container_of(timer, struct worker, sweep);
    if (file_cache_sweep(&w->files, w->loop.real))
        timer_set(&w->loop, &w->sweep, SWEEP_MS);
}

struct file_cache *worker_files(struct worker *w)
{
    if (!w->sweep.set)
        timer_set(&w->loop, &w->sweep, SWEEP_MS);
    w->files.turn = w->loop.turns;
    return &w->files;
}

/* --- the start -------------------------------------------------------------------------------- */

NORETURN static void cannot_start(const char *what)
{
    log_write(log_process, LOG_EMERG, errno, "a new worker cannot start: %s", what);
    _exit(STATUS_CANNOT_START);
}

static void become(const struct core_conf *core, unsigned index)
{
    const struct core_affinity *a = &core->affinity;
    bool pinned = true;
    if (core->worker_rlimit_nofile >= 0 && !process_limit_files(core->worker_rlimit_nofile))
        log_write(log_process, LOG_ALERT, errno, "setrlimit(RLIMIT_NOFILE, %lld) failed",
                  (long long)core->worker_rlimit_nofile);
    if (core->worker_rlimit_core && !process_limit_core(core->worker_rlimit_core))
        log_write(log_process, LOG_ALERT, errno, "setrlimit(RLIMIT_CORE) failed");
    if (core->worker_priority && !process_priority((int)core->worker_priority))
        log_write(log_process, LOG_ALERT, errno, "setpriority(%lld) failed",
                  (long long)core->worker_priority);
    if (a->automatic)
        pinned = process_affinity_nth(a->count ? a->masks[0] : NULL, index);
    else if (a->count)
        pinned = process_affinity(a->masks[index < a->count ? index : a->count - 1]);
    if (!pinned)
        log_write(log_process, LOG_ALERT, errno, "sched_setaffinity() failed");
    if (core->working_directory.len && chdir(core->working_directory.at) < 0)
        log_write(log_process, LOG_ALERT, errno, "chdir(\"%s\") failed",
                  core->working_directory.at);
    if (geteuid() == 0 &&
        !process_become_user(core->user.uid, core->user.gid, core->user.name.at))
        cannot_start("changing to the worker's user");
    process_harden(core->worker_rlimit_core > 0);
    if (!sandbox_enter() && errno != ENOSYS && errno != EINVAL)
        log_write(log_process, LOG_WARN, errno, "the system call filter cannot be used");
}

static void set_environment(const struct core_conf *core)
{
    const char **list = calloc(core->env.count + 2, sizeof(*list));
    ASSERT(list);
    list[0] = "TZ";
    for (unsigned i = 0; i < core->env.count; i++)
        list[i + 1] = core->env.at[i].at;
    process_environment(list);
    free(list);
}

static void init_loop(struct worker *w)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGWINCH, SIGHUP, SIGUSR2,
                                   SIGALRM, SIGIO };
    if (!loop_init(&w->loop))
        cannot_start("epoll_create()");
    w->loop.owner = w;
    w->loop.turn_end = turn_end;
    w->shutdown.fire = shutdown_fires;
    w->shutdown.idle = true;
    w->retire.fire = retire_fires;
    w->retire.idle = true;
    w->pause.fire = pause_fires;
    w->sweep.fire = sweep_fires;
    w->sweep.idle = true;
    w->signals = (struct watch){ .fd = signal_open(signals, countof(signals)),
                                 .ready = signals_ready };
    if (!file_cache_init(&w->files))
        cannot_start("the cache of files");
    if (w->signals.fd < 0 || !poller_add(&w->loop, &w->signals, POLL_LEVEL))
        cannot_start("signalfd()");
}

NORETURN void worker_main(const struct worker_start *start)
{
    static struct worker worker;
    struct worker *w = &worker;
    const struct generation *gen = start->generation;
    const char *why;
    process_title("weir: worker process");
    process_keep_heap();
    pool_reserve_init();
    set_environment(gen->core);
    w->index = start->index;
    if (!arena_enter_worker() || !arena_open_runs(&start->runs))
        cannot_start("mapping the configuration");
    init_loop(w);
    errno = 0;
    struct local *local = hold(w, gen, start->id, &start->runs, &why);
    if (!local) {
        ASSERT(arena_open_runs(&start->runs));          /* the log's configuration is there */
        cannot_start(why);
    }
    become(gen->core, w->index);
    w->log = *log_process;
    use(w, local);
    w->score = start->score;
    w->scores = start->scores;
    w->nscores = start->nscores;
    w->loop.heartbeat = &w->score->heartbeat;
    w->channel = (struct watch){ .fd = start->channel, .ready = channel_ready };
    if (!poller_add(&w->loop, &w->channel, POLL_LEVEL))
        cannot_start("epoll_ctl()");
    listener_update(w);
    run(w);
    _exit(0);
}

void worker_single(struct generation *gen, const struct worker_single *single)
{
    static struct worker worker;
    struct worker *w = &worker;
    struct arena_runs runs;
    const char *why;
    arena_runs_of(&gen->pool, &runs);
    w->channel.fd = -1;
    w->single = single;
    w->scores = w->score = &w->alone;
    w->nscores = 1;
    init_loop(w);
    struct local *local = hold(w, gen, gen->id, &runs, &why);
    if (!local)
        cannot_start(why);
    generation_use(gen, false);
    generation_use(gen, true);
    w->log = *log_process;
    use(w, local);
    listener_update(w);
    w->life.fire = life_fires;
    life_fires(&w->life);
    run(w);
}
