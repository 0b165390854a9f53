/*
 * The master's loop: signals, channels, the control socket, and the ticks.
 * Owns the signal descriptor and the pid file.
 */
#include "core/master.h"

#include "core/log_conf.h"
#include "os/unix/clock.h"
#include "os/unix/notify.h"
#include "os/unix/process.h"
#include "os/unix/signal.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

enum { TERMINATE_MS = 1000, IDLE_MS = 1000 };

static const int handled[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH,
                               SIGCHLD, SIGALRM, SIGIO };

static void each_worker(struct master *m, void (*act)(struct master *m, struct worker_row *row))
{
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].channel >= 0)
            act(m, &m->rows[i]);
}

static void terminate_one(struct master *m, struct worker_row *row)
{
    (void)m;
    if (!row->reaped)
        kill(row->pid, m->killed ? SIGKILL : SIGTERM);
}

/* With two masters the service goes on, under the other. */
static void tell_end(const struct master *m)
{
    if (m->new_binary)
        return;
    if (upgrade_is_open(m))
        notify_send("MAINPID=%d", (int)m->old_master);
    else
        notify_send("STOPPING=1");
}

static void terminate(struct master *m)
{
    if (m->terminating)
        return;
    m->terminating = true;
    m->terminate_at = clock_msec() + TERMINATE_MS;
    tell_end(m);
    each_worker(m, terminate_one);
}

static void quit_one(struct master *m, struct worker_row *row)
{
    if (row->state == ROW_LIVE)
        workers_quit(m, row, m->new_binary != 0 || m->draining);
}

static void quit(struct master *m)
{
    if (m->quitting)
        return;
    m->quitting = true;
    tell_end(m);
    workers_forget_dead(m, 0);
    each_worker(m, quit_one);
}

/* The workers only: the master and its sockets stay, for the new binary's sake. */
static void drain(struct master *m)
{
    if (!m->daemonized)
        return;
    m->draining = true;
    workers_forget_dead(m, 0);
    each_worker(m, quit_one);
}

static void reload(struct master *m)
{
    if (m->draining) {
        m->draining = false;
        if (m->new_binary) {            /* back out of an upgrade: as it was, not read again */
            workers_spawn_missing(m, clock_msec());
            return;
        }
    }
    m->reload_pending = true;
}

/* A log keeps its slot and gets another descriptor behind it, in every process. */
static void resend_log(unsigned slot, void *data)
{
    struct master *m = data;
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].channel >= 0 && !workers_send_handles(&m->rows[i], &slot, 1))
            workers_kill(m, &m->rows[i]);
}

static void reopen_logs(struct master *m)
{
    m->reopen = false;
    log_reopen_files(m->current->generation->core->user.uid, resend_log, m);
}

static const char *meaning(const struct master *m, int signal)
{
    switch (signal) {
    case SIGHUP:
        return ", reconfiguring";
    case SIGINT:
    case SIGTERM:
        return ", exiting";
    case SIGQUIT:
        return ", shutting down";
    case SIGUSR1:
        return ", reopening logs";
    case SIGUSR2:
        if (m->old_master && getppid() == m->old_master)
            return ", ignoring";
        return m->new_binary ? ", ignoring" : ", changing binary";
    case SIGWINCH:
        return m->daemonized ? ", stop accepting connections" : ", ignoring";
    default:
        return "";
    }
}

static void on_signal(struct master *m, const struct signalfd_siginfo *info)
{
    const int signal = (int)info->ssi_signo;
    if (info->ssi_pid)
        log_write(log_process, LOG_NOTICE, 0, "signal %d (%s) received from %u%s", signal,
                  signal_name(signal), info->ssi_pid, meaning(m, signal));
    else
        log_write(log_process, LOG_NOTICE, 0, "signal %d (%s) received%s", signal,
                  signal_name(signal), meaning(m, signal));
    switch (signal) {
    case SIGHUP:
        reload(m);
        break;
    case SIGINT:
    case SIGTERM:
        terminate(m);
        break;
    case SIGQUIT:
        quit(m);
        break;
    case SIGUSR1:
        m->reopen = true;
        break;
    case SIGUSR2:
        m->upgrade = true;
        break;
    case SIGWINCH:
        drain(m);
        break;
    default:                            /* SIGCHLD, and those that mean nothing */
        break;
    }
}

static void read_signals(struct master *m)
{
    struct signalfd_siginfo info;
    while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        on_signal(m, &info);
    workers_reap(m);
}

/* Milliseconds until something has to be done without being asked. */
static int wait_time(const struct master *m, int64_t now)
{
    int64_t until = m->tick_at > now ? m->tick_at : now + IDLE_MS;
    const int64_t next = workers_next(m);
    if (m->transaction != TRANSACTION_IDLE && m->deadline < until)
        until = m->deadline;
    if (m->transaction == TRANSACTION_IDLE && next >= 0 && next < until)
        until = next;
    if (m->terminating && !m->killed && m->terminate_at < until)
        until = m->terminate_at;
    if (m->sign_at >= 0 && m->sign_at < until)
        until = m->sign_at;
    return until <= now ? 0 : (int)(until - now);
}

static void wait_and_read(struct master *m)
{
    struct pollfd p[MASTER_ROWS + 2];
    struct worker_row *rows[MASTER_ROWS];
    unsigned n = 2;
    p[0] = (struct pollfd){ .fd = m->signals, .events = POLLIN };
    p[1] = (struct pollfd){ .fd = m->transaction == TRANSACTION_IDLE ? m->control : -1,
                            .events = POLLIN };
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        if (m->rows[i].channel < 0)
            continue;
        rows[n - 2] = &m->rows[i];
        p[n++] = (struct pollfd){ .fd = m->rows[i].channel, .events = POLLIN };
    }
    if (poll(p, n, wait_time(m, clock_msec())) <= 0)
        return;
    for (unsigned i = 2; i < n; i++)
        if (p[i].revents)
            workers_read(m, rows[i - 2]);
    if (p[0].revents)
        read_signals(m);
    if (p[1].revents)
        control_accept(m);
}

static void open_control(struct master *m)
{
    if (!control_open(m))
        log_write(log_process, LOG_WARN, errno,
                  "no control socket: -s reload cannot tell the outcome");
}

/* A reload may name another pid file.  Whoever asked for it has the answer by now. */
static void move_pid_file(struct master *m)
{
    const char *path = m->current->generation->core->pid.at;
    m->named = m->current->id;
    if (strcmp(path, m->pid_path) == 0)
        return;
    char *old = strdup(m->pid_path);
    ASSERT(old);
    control_close(m);
    if (upgrade_write_pid(m, path))
        unlink(old);
    free(old);
    open_control(m);
}

static void advance(struct master *m, int64_t now)
{
    if (m->terminating) {
        if (now >= m->terminate_at && !m->killed) {
            m->killed = true;
            each_worker(m, terminate_one);
        }
        return;
    }
    reload_step(m, now);
    if (m->transaction != TRANSACTION_IDLE)
        return;
    if (m->named != m->current->id && !m->new_pid_path)
        move_pid_file(m);
    if (m->reopen)
        reopen_logs(m);
    if (m->upgrade)
        upgrade_begin(m);
    if (m->quitting)
        reload_stop_listening(m);
    else if (m->reload_pending) {
        reload_begin(m);
        reload_step(m, now);            /* there may be nobody to wait for */
    }
    workers_spawn_missing(m, now);
}

void master_hold_signals(struct master *m)
{
    m->signals = signal_open(handled, countof(handled));
    ASSERT(m->signals >= 0);
}

static void tidy(struct master *m)
{
    reload_stop_listening(m);
    control_close(m);
    upgrade_remove_pid(m);
    log_write(log_process, LOG_NOTICE, 0, "exit");
}

static void watchdog(struct master *m, int64_t now)
{
    const int64_t wait = notify_watchdog(now);
    m->sign_at = wait < 0 ? -1 : now + wait;
}

int master_run(struct master *m, struct generation *gen)
{
    m->current = reload_adopt(m, gen);
    m->last_id = m->named = gen->id;
    m->workers = (unsigned)gen->core->worker_processes;
    m->transaction = TRANSACTION_IDLE;
    workers_init(m);
    open_control(m);
    log_write(log_process, LOG_NOTICE, 0, "start worker processes");
    workers_spawn_missing(m, clock_msec());
    notify_send("READY=1\nMAINPID=%d\nSTATUS=generation %u is running", (int)getpid(), gen->id);
    while (!((m->terminating || m->quitting) && !workers_any(m))) {
        wait_and_read(m);
        const int64_t now = clock_msec();
        advance(m, now);
        workers_watch(m, now);
        control_step(m, now);
        watchdog(m, now);
    }
    tidy(m);
    return 0;
}
