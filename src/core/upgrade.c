/*
 * The binary upgrade: a new program that inherits the listening sockets, and the pid files between.
 * Owns nothing that lasts: the new master is a child like another.
 */
#include "core/listening.h"
#include "core/log.h"
#include "core/master.h"
#include "core/number.h"
#include "os/unix/file.h"
#include "os/unix/notify.h"
#include "os/unix/process.h"
#include "os/unix/signal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

bool upgrade_write_pid(struct master *m, const char *path)
{
    char text[32];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    fmt_print(&f, "%d\n", (int)getpid());
    fmt_done(&f);
    if (!file_write_whole(path, text, f.len, 0644)) {
        log_write(log_process, LOG_EMERG, errno, "open() \"%s\" failed", path);
        return false;
    }
    free(m->pid_path);
    m->pid_path = strdup(path);
    ASSERT(m->pid_path);
    return true;
}

void upgrade_remove_pid(const struct master *m)
{
    char text[32];
    const ssize_t n = file_read_small(m->pid_path, text, sizeof(text));
    uint32_t pid;
    struct str line, rest;
    if (n > 0 && str_cut(str_of(text, (size_t)n), '\n', &line, &rest) && number_u32(line, &pid) &&
        pid == (uint32_t)getpid())
        unlink(m->pid_path);
}

bool upgrade_is_open(const struct master *m)
{
    return m->new_binary || (m->old_master && getppid() == m->old_master);
}

static bool old_name(const char *path, char *buffer, size_t size)
{
    struct fmt f;
    fmt_init(&f, buffer, size);
    fmt_print(&f, "%s.oldbin", path);
    fmt_done(&f);
    return !f.failed;
}

/* "WEIR=4;5:", as listening_inherit() reads it: the sockets of the current generation, in the order
 * of workers. */
static char *sockets(const struct generation *gen)
{
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, 256, 1 << 20);
    fmt_text(&f, "WEIR=");
    for (unsigned i = 0; i < gen->nhandles; i++) {
        const int fd = handle_fd(gen->handles[i]);
        if (handles.at[gen->handles[i]].kind == HANDLE_LISTENER)
            fmt_print(&f, "%d%c", fd, listening_is_lent(fd) ? ':' : ';');
    }
    char *text = strdup(fmt_done(&f).at);
    pool_free(&pool);
    return text;
}

static void exec_new(struct master *m)
{
    const struct generation *gen = m->current->generation;
    char *list = sockets(gen);
    if (!list || putenv(list) != 0)
        _exit(1);
    unsetenv("NGINX");
    for (unsigned i = 0; i < gen->nhandles; i++)
        if (handles.at[gen->handles[i]].kind == HANDLE_LISTENER)
            fcntl(handle_fd(gen->handles[i]), F_SETFD, 0);
    signal_restore();
    execvp(m->options.argv[0], m->options.argv);
    log_write(log_process, LOG_ALERT, errno, "execve() failed while executing new binary \"%s\"",
              m->options.argv[0]);
    _exit(1);
}

static void refuse(const char *why)
{
    log_write(log_process, LOG_CRIT, 0, "the changing binary signal is ignored: %s", why);
}

void upgrade_begin(struct master *m)
{
    char old[PATH_MAX];
    m->upgrade = false;
    if (m->new_binary) {
        refuse("a new binary is already running");
        return;
    }
    if (upgrade_is_open(m)) {
        refuse("you should shut down or terminate the old binary first");
        return;
    }
    if (!old_name(m->pid_path, old, sizeof(old)) || rename(m->pid_path, old) < 0) {
        log_write(log_process, LOG_ALERT, errno, "rename() \"%s\" to \"%s\" failed", m->pid_path,
                  old);
        return;
    }
    char *path = m->pid_path;
    m->pid_path = strdup(old);
    ASSERT(m->pid_path);
    control_move(m);
    const pid_t pid = fork();
    if (pid == 0)
        exec_new(m);
    m->new_binary = pid > 0 ? pid : 0;
    free(m->new_pid_path);
    m->new_pid_path = path;
    if (pid < 0) {
        log_write(log_process, LOG_ALERT, errno, "fork() failed while executing new binary");
        upgrade_ended(m, 0);
        return;
    }
    log_write(log_process, LOG_NOTICE, 0, "start new binary process %d", (int)pid);
}

/* The new master is gone: this one takes its name back, and its workers where it has none. */
void upgrade_ended(struct master *m, int status)
{
    if (m->new_binary)
        log_write(log_process, LOG_NOTICE, 0, "new binary process %d exited with code %d",
                  (int)m->new_binary, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    m->new_binary = 0;
    if (m->quitting || m->terminating || !m->new_pid_path)
        return;
    if (rename(m->pid_path, m->new_pid_path) < 0)
        log_write(log_process, LOG_ALERT, errno, "rename() \"%s\" back to \"%s\" failed",
                  m->pid_path, m->new_pid_path);
    free(m->pid_path);
    m->pid_path = m->new_pid_path;
    m->new_pid_path = NULL;
    control_move(m);
    notify_send("MAINPID=%d", (int)getpid());
    m->draining = false;
}
