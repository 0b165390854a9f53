/*
 * The master's rows of workers: forking, messages, death, replacement, the watchdog.
 * Owns the master's ends of the channels and the list of what each worker was sent.
 */
#include "core/listening.h"
#include "core/log.h"
#include "core/master.h"
#include "core/zone.h"
#include "os/unix/channel.h"
#include "os/unix/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { SOON_MS = 5000, BACKOFF_MOST_MS = 30000, TICK_MS = 1000, STALL_TICKS = 2,
       KILL_TRIES = 500, READ_BATCH = 64 };

void workers_init(struct master *m)
{
    const size_t size = MASTER_ROWS * sizeof(*m->scores);
    m->scores = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(m->scores != MAP_FAILED);
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        m->rows[i].channel = -1;
}

static uint64_t living_bit(const struct master *m, const struct living *living)
{
    return 1ull << (living - m->living);
}

bool workers_send(struct worker_row *row, const struct message *message)
{
    return row->channel >= 0 &&
           channel_send(row->channel, message, sizeof(*message), NULL, 0, true);
}

static void remember(struct worker_row *row, unsigned slot, uint32_t serial)
{
    if (slot >= row->nhas) {
        const unsigned count = slot + 64;
        row->has = realloc(row->has, count * sizeof(*row->has));
        ASSERT(row->has);
        memset(row->has + row->nhas, 0, (count - row->nhas) * sizeof(*row->has));
        row->nhas = count;
    }
    row->has[slot] = serial;
}

/* A message with descriptors may have to wait until the worker has read the ones before it. */
static bool send_patiently(struct worker_row *row, const struct message *message, const int *fds,
                           unsigned count)
{
    for (int tries = 0; tries < 20; tries++) {
        if (channel_send(row->channel, message, sizeof(*message), fds, count, true))
            return true;
        if (errno != EAGAIN && errno != ETOOMANYREFS)
            return false;
        struct pollfd p = { .fd = row->channel, .events = POLLOUT };
        poll(&p, 1, 100);
    }
    return false;
}

bool workers_send_handles(struct worker_row *row, const unsigned *slots, unsigned count)
{
    struct message message = { .type = MESSAGE_DESCRIPTORS };
    int fds[MESSAGE_DESCRIPTORS_MOST];
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        const unsigned slot = slots[i];
        const struct handle *h = &handles.at[slot];
        if (slot < row->nhas && row->has[slot] == h->serial)
            continue;
        message.descriptors.row[n].slot = slot;
        message.descriptors.row[n].kind = h->kind;
        fds[n++] = h->fd;
        remember(row, slot, h->serial);
        if (n < MESSAGE_DESCRIPTORS_MOST && i + 1 < count)
            continue;
        message.descriptors.count = n;
        if (!send_patiently(row, &message, fds, n))
            return false;
        n = 0;
    }
    message.descriptors.count = n;
    return n == 0 || send_patiently(row, &message, fds, n);
}

void workers_close_handle(struct master *m, unsigned slot)
{
    struct message message = { .type = MESSAGE_CLOSE, .number = slot };
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        struct worker_row *row = &m->rows[i];
        if (row->channel < 0 || slot >= row->nhas || row->has[slot] != handles.at[slot].serial)
            continue;
        row->has[slot] = 0;
        /* Not buried here: that may free generations, and this is how one is freed. */
        if (!send_patiently(row, &message, NULL, 0) && !row->reaped)
            kill(row->pid, SIGKILL);
    }
    if (handles.at[slot].kind == HANDLE_LISTENER && !upgrade_is_open(m))
        listening_unlink(handles.at[slot].fd);
    handle_close(slot);
}

/* Siblings accept for a worker that does not: it is stalled, full, or dead and not replaced yet. */
static void review_adoption(struct master *m, struct worker_row *row)
{
    const bool weak = row->state == ROW_DEAD ||
                      (row->state == ROW_LIVE && (row->stalled || row->full));
    const struct message message = { .type = weak ? MESSAGE_ADOPT : MESSAGE_DISOWN,
                                     .number = row->index };
    if (weak == row->adopted)
        return;
    row->adopted = weak;
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].state == ROW_LIVE && &m->rows[i] != row)
            workers_send(&m->rows[i], &message);
}

/* What was said before this worker started. */
static void repeat_adoptions(const struct master *m, struct worker_row *row)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        const struct message message = { .type = MESSAGE_ADOPT, .number = m->rows[i].index };
        if (m->rows[i].adopted)
            workers_send(row, &message);
    }
}

static void child(struct master *m, struct worker_row *row, int channel)
{
    struct worker_start start = {
        .index = row->index,
        .workers = m->workers,
        .channel = channel,
        .generation = m->current->generation,
        .id = m->current->id,
        .runs = m->current->runs,
        .score = &m->scores[row - m->rows],
        .scores = m->scores,
        .nscores = MASTER_ROWS,
    };
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].channel >= 0)
            close(m->rows[i].channel);
    close(m->signals);
    if (m->control >= 0)
        close(m->control);
    control_forget_clients(m);
    m->hooks->worker(&start);
}

/* What it counted stays; what it had is gone. */
static void clear_score(struct worker_score *score)
{
    score->heartbeat = 0;
    for (unsigned i = 0; i < CONN_STAGES; i++)
        score->stages[i] = 0;
}

static void spawn(struct master *m, struct worker_row *row, int64_t now)
{
    int pair[2];
    ASSERT(m->transaction == TRANSACTION_IDLE);
    if (!channel_pair(pair)) {
        log_write(log_process, LOG_ALERT, errno, "socketpair() failed while spawning a worker");
        row->respawn_at = now + TICK_MS;
        return;
    }
    clear_score(&m->scores[row - m->rows]);
    const pid_t pid = fork();
    if (pid < 0) {
        log_write(log_process, LOG_ALERT, errno, "fork() failed while spawning a worker");
        close(pair[0]);
        close(pair[1]);
        row->respawn_at = now + TICK_MS;
        return;
    }
    if (pid == 0) {
        close(pair[0]);
        row->channel = -1;
        child(m, row, pair[1]);
    }
    close(pair[1]);             /* so that the worker's death reads as end of file */
    row->state = ROW_LIVE;
    row->pid = pid;
    row->reaped = row->stalled = row->full = row->aborted = false;
    row->channel = pair[0];
    row->holds = living_bit(m, m->current);
    row->started = now;
    row->heartbeat = 0;
    row->silent = 0;
    for (unsigned slot = 0; slot < handles.count; slot++)
        remember(row, slot, handles.at[slot].kind == HANDLE_FREE ? 0 : handles.at[slot].serial);
    review_adoption(m, row);
    repeat_adoptions(m, row);
    log_write(log_process, LOG_NOTICE, 0, "start worker process %d", (int)pid);
}

static struct worker_row *find_index(struct master *m, unsigned index)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        struct worker_row *row = &m->rows[i];
        if ((row->state == ROW_LIVE || row->state == ROW_DEAD) && row->index == index)
            return row;
    }
    return NULL;
}

static struct worker_row *free_row(struct master *m)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].state == ROW_FREE)
            return &m->rows[i];
    return NULL;
}

void workers_spawn_missing(struct master *m, int64_t now)
{
    if (m->transaction != TRANSACTION_IDLE || m->quitting || m->terminating || m->draining)
        return;
    for (unsigned index = 0; index < m->workers; index++) {
        struct worker_row *row = find_index(m, index);
        if (row && row->state == ROW_LIVE)
            continue;
        if (row && row->respawn_at > now)
            continue;
        if (!row && !(row = free_row(m)))
            return;
        row->index = index;
        spawn(m, row, now);
    }
}

static void free_the_row(struct master *m, struct worker_row *row)
{
    row->state = ROW_FREE;
    review_adoption(m, row);
    free(row->has);
    *row = (struct worker_row){ .channel = -1 };
}

void workers_forget_dead(struct master *m, unsigned first)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].state == ROW_DEAD && m->rows[i].index >= first)
            free_the_row(m, &m->rows[i]);
}

/* The first replacement comes at once; one that dies soon after its start is waited for longer and
 * longer, but never given up. */
static void plan_replacement(struct master *m, struct worker_row *row, int64_t now)
{
    const bool soon = now - row->started < SOON_MS;
    row->crashes = soon ? row->crashes + 1 : 0;
    row->state = ROW_DEAD;
    row->respawn_at = now;
    review_adoption(m, row);
    if (row->crashes < 2)
        return;
    const unsigned shift = row->crashes < 12 ? row->crashes - 2 : 10;
    int64_t wait = 100ll << shift;
    wait = wait > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : wait;
    row->respawn_at = now + wait;
    log_write(log_process, LOG_ALERT, 0,
              "worker %u died %u times in a row soon after its start: the next one starts in "
              "%lld ms",
              row->index, row->crashes, (long long)wait);
}

static void log_end(const struct worker_row *row)
{
    const int status = row->status;
    if (WIFSIGNALED(status))
        log_write(log_process, LOG_ALERT, 0, "worker process %d exited on signal %d%s",
                  (int)row->pid, WTERMSIG(status),
                  WCOREDUMP(status) ? " (core dumped)" : "");
    else
        log_write(log_process, WEXITSTATUS(status) ? LOG_ALERT : LOG_NOTICE, 0,
                  "worker process %d exited with code %d", (int)row->pid, WEXITSTATUS(status));
}

static void has_ended(struct worker_row *row, int status)
{
    row->reaped = true;
    row->status = status;
    log_end(row);
    zones_owner_died(row->pid);
}

/* One that the kernel does not let go, on a dead disk perhaps, is not waited for: it executes
 * nothing any more, and is reaped later. */
static void end_process(struct worker_row *row)
{
    const struct timespec pause = { .tv_nsec = 1000 * 1000 };
    int status = 0;
    kill(row->pid, SIGKILL);
    for (unsigned i = 0; i < KILL_TRIES; i++) {
        if (waitpid(row->pid, &status, WNOHANG) == row->pid) {
            has_ended(row, status);
            return;
        }
        nanosleep(&pause, NULL);
    }
    log_write(log_process, LOG_ALERT, 0, "worker process %d was killed and has not ended",
              (int)row->pid);
    zones_owner_died(row->pid);
}

/* Its channel is at its end, or broken: whatever the process is still doing, it is over. */
static void bury(struct master *m, struct worker_row *row)
{
    const int64_t now = clock_msec();
    if (!row->reaped)
        end_process(row);
    clear_score(&m->scores[row - m->rows]);
    close(row->channel);
    row->channel = -1;
    row->holds = 0;
    const bool wanted = row->state == ROW_LIVE && row->index < m->workers;
    reload_lost(m, row);
    if (row->state == ROW_LIVE && wanted && !m->quitting && !m->terminating && !m->draining)
        plan_replacement(m, row, now);
    else
        free_the_row(m, row);
    reload_collect(m);
}

void workers_kill(struct master *m, struct worker_row *row)
{
    if (row->channel >= 0)
        bury(m, row);
}

static void handle(struct master *m, struct worker_row *row, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_PREPARED:
    case MESSAGE_REFUSED:
    case MESSAGE_COMMITTED:
        reload_answer(m, row, message);
        return;
    case MESSAGE_RELEASED:
        for (unsigned i = 0; i < MASTER_LIVING; i++)
            if (m->living[i].generation && m->living[i].id == message->generation &&
                &m->living[i] != m->current)
                row->holds &= ~(1ull << i);
        reload_collect(m);
        return;
    case MESSAGE_FULL:
    case MESSAGE_ROOM:
        row->full = message->type == MESSAGE_FULL;
        review_adoption(m, row);
        return;
    case MESSAGE_REOPEN:
        m->reopen = true;
        return;
    case MESSAGE_PINS:
    case MESSAGE_STATUS:
        control_status(m, row, message);
        return;
    case MESSAGE_DESCRIPTORS:
    case MESSAGE_CLOSE:
    case MESSAGE_PREPARE:
    case MESSAGE_COMMIT:
    case MESSAGE_ABORT:
    case MESSAGE_PING:
    case MESSAGE_ADOPT:
    case MESSAGE_DISOWN:
    case MESSAGE_QUIT:
        break;
    }
    log_write(log_process, LOG_ALERT, 0, "worker process %d sent a message of type %u: ended",
              (int)row->pid, (unsigned)message->type);
    workers_kill(m, row);
}

void workers_read(struct master *m, struct worker_row *row)
{
    for (unsigned i = 0; i < READ_BATCH && row->channel >= 0; i++) {
        struct message message;
        unsigned nfds = 0;
        int fd = -1;
        const enum io got =
            channel_recv(row->channel, &message, sizeof(message), &fd, 1, &nfds);
        if (nfds)
            close(fd);
        if (got == IO_AGAIN)
            return;
        if (got != IO_OK) {             /* after all it had said: an answer before death counts */
            bury(m, row);
            return;
        }
        handle(m, row, &message);
    }
}

void workers_reap(struct master *m)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == m->new_binary) {
            upgrade_ended(m, status);
            continue;
        }
        for (unsigned i = 0; i < MASTER_ROWS; i++) {
            struct worker_row *row = &m->rows[i];
            if (row->pid != pid || row->channel < 0 || row->reaped)
                continue;
            has_ended(row, status);
            workers_read(m, row);
        }
    }
}

void workers_quit(struct master *m, struct worker_row *row, bool heir)
{
    const struct message message = { .type = MESSAGE_QUIT, .number = heir };
    row->state = ROW_QUITTING;
    review_adoption(m, row);
    if (!workers_send(row, &message))
        workers_kill(m, row);
}

bool workers_any(const struct master *m)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].channel >= 0)
            return true;
    return false;
}

int64_t workers_next(const struct master *m)
{
    int64_t next = -1;
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].state == ROW_DEAD && (next < 0 || m->rows[i].respawn_at < next))
            next = m->rows[i].respawn_at;
    return next;
}

static bool uninterruptible(pid_t pid)
{
    char path[64], line[512], state = 0;
    struct fmt f;
    fmt_init(&f, path, sizeof(path));
    fmt_print(&f, "/proc/%d/stat", (int)pid);
    const int fd = open(fmt_done(&f).at, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : read(fd, line, sizeof(line));
    if (fd >= 0)
        close(fd);
    const struct str text = str_of(line, got > 0 ? (size_t)got : 0);
    const ssize_t paren = str_rchr(text, ')');
    struct str rest;
    if (paren >= 0 && str_from_off(text, (size_t)paren + 2, &rest) && rest.len)
        state = rest.at[0];
    return state == 'D';
}

/* ABRT first, which leaves a core where those are wanted; KILL when that did not help. */
static void end_stalled(struct worker_row *row)
{
    if (uninterruptible(row->pid)) {
        log_write(log_process, LOG_ALERT, 0,
                  "worker process %d is in uninterruptible sleep for %u s: nothing can end it",
                  (int)row->pid, row->silent);
        return;
    }
    log_write(log_process, LOG_ALERT, 0,
              "worker process %d has not turned its loop for %u s: sending signal %s",
              (int)row->pid, row->silent, row->aborted ? "KILL" : "ABRT");
    kill(row->pid, row->aborted ? SIGKILL : SIGABRT);
    kill(row->pid, SIGCONT);
    row->aborted = true;
}

/* Once a second.  A worker that waits in peace does not turn either: it is asked to, and has the
 * next tick's time.  Ticks are the master's own, so a frozen container kills nobody. */
void workers_watch(struct master *m, int64_t now)
{
    const int64_t most = m->current->generation->core->worker_watchdog;
    const struct message ping = { .type = MESSAGE_PING };
    if (now < m->tick_at)
        return;
    m->tick_at = now + TICK_MS;
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        struct worker_row *row = &m->rows[i];
        if (row->channel < 0 || row->reaped)
            continue;
        const uint64_t heartbeat = m->scores[i].heartbeat;
        const bool moved = heartbeat != row->heartbeat;
        row->heartbeat = heartbeat;
        row->silent = moved ? 0 : row->silent + 1;
        if (!moved)
            workers_send(row, &ping);
        row->stalled = row->silent >= STALL_TICKS;
        review_adoption(m, row);
        if (most && row->silent * TICK_MS >= most)
            end_stalled(row);
    }
}
