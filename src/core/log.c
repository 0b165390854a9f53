/*
 * Writing the error log: one bounded line, to every target that wants its level.
 * Owns the process's log, its syslog sockets, and the table of lines that repeat.
 */
#include "core/log.h"

#include "core/date.h"
#include "core/escape.h"
#include "core/handle.h"
#include "core/log_conf.h"
#include "os/unix/clock.h"
#include "os/unix/file.h"
#include "os/unix/io.h"
#include "os/unix/shmem.h"
#include "os/unix/thread.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

enum { LINE = 2048, LIMITS = 256, LIMIT_PER_SECOND = 10 };

/* Of the process: there is one log from before its first line to after its last. */
static struct log_target start_target = { .kind = LOG_TO_STDERR, .level = LOG_NOTICE };
static struct log_conf start_conf = { &start_target, LOG_NOTICE };
static struct log the_log = { .conf = &start_conf };
static struct {
    int start_fd;                       /* of the log before configuration; -1: standard error */
    bool quiet;                         /* no copies to standard error any more */
    int syslog_fd;
    int syslog_family;
} state = { .start_fd = -1, .syslog_fd = -1 };

struct log *log_process = &the_log;

static const char *const names[] = { "stderr", "emerg",  "alert", "crit", "error",
                                     "warn",   "notice", "info",  "debug" };

const char *log_level_name(enum log_level level)
{
    ASSERT(level < countof(names));
    return names[level];
}

/* --- lines that repeat ------------------------------------------------------------------------ */

struct limit {
    uint32_t key;
    int64_t second;
    unsigned lines, left_out;
};

/* Of the process: (message, client) pairs, by hash; a collision only shares an allowance. */
static struct limit limits[LIMITS];

/* At most ten a second for each (message, client); the next line after a pause tells how many were
 * left out.  `refused` lines (denials, limits) are counted by client only through their text. */
static bool allowed(const struct log *log, enum log_level level, const char *format,
                    unsigned *left_out)
{
    *left_out = 0;
    if (level >= LOG_INFO || log->connection == 0 || log->client.len == 0)
        return true;
    const uint32_t key = str_hash(log->client) ^ (uint32_t)((uintptr_t)format * 2654435761u);
    struct limit *l = &limits[key % LIMITS];
    const int64_t second = clock_msec() / 1000;
    if (l->key != key || l->second != second) {
        *left_out = l->key == key ? l->left_out : 0;
        *l = (struct limit){ key, second, 0, 0 };
    }
    if (l->lines++ < LIMIT_PER_SECOND)
        return true;
    l->left_out++;
    return false;
}

/* --- targets ---------------------------------------------------------------------------------- */

static void write_fd(int fd, struct str line)
{
    if (fd >= 0)
        (void)!write(fd, line.at, line.len);
}

/* What stands before the text. */
static void write_syslog_head(struct fmt *f, const struct log_syslog *to, unsigned severity)
{
    char date[32];
    struct tm tm;
    const time_t now = time(NULL);
    localtime_r(&now, &tm);
    const size_t n = strftime(date, sizeof(date), "%b %e %H:%M:%S", &tm);
    fmt_print(f, "<%u>%.*s ", to->facility * 8 + severity, (int)n, date);
    if (to->host.len)
        fmt_print(f, "%.*s ", STR_FMT(to->host));
    fmt_print(f, "%.*s: ", STR_FMT(to->tag));
}

/* The lines of access logs have any length: they are not copied, and not cut. */
void log_syslog_send(const struct log_syslog *to, unsigned severity, struct str text)
{
    char head[512];
    struct fmt f;
    const int family = to->server.any.sa_family;
    if (state.syslog_fd >= 0 && state.syslog_family != family) {
        close(state.syslog_fd);
        state.syslog_fd = -1;
    }
    if (state.syslog_fd < 0) {
        state.syslog_fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        state.syslog_family = family;
    }
    if (state.syslog_fd < 0)
        return;
    fmt_init_cut(&f, head, sizeof(head));
    write_syslog_head(&f, to, severity);
    struct iovec iov[2] = { { head, fmt_done(&f).len }, { (char *)(uintptr_t)text.at, text.len } };
    const struct msghdr message = {
        .msg_name = (struct sockaddr *)(uintptr_t)&to->server.any, .msg_namelen = to->server.len,
        .msg_iov = iov, .msg_iovlen = countof(iov),
    };
    (void)!sendmsg(state.syslog_fd, &message, MSG_NOSIGNAL);
}

/* A ring: eight bytes that count what was ever written, then the text. */
static void write_memory(int fd, struct str line)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || (size_t)st.st_size <= sizeof(uint64_t) + line.len)
        return;
    char *ring = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED)
        return;
    const size_t room = (size_t)st.st_size - sizeof(uint64_t);
    const uint64_t from = __atomic_fetch_add((uint64_t *)(void *)ring, line.len, __ATOMIC_RELAXED);
    for (size_t i = 0; i < line.len; i++)
        ring[sizeof(uint64_t) + (from + i) % room] = line.at[i];
    munmap(ring, (size_t)st.st_size);
}

static void write_target(const struct log_target *t, enum log_level level, struct str line)
{
    switch (t->kind) {
    case LOG_TO_FILE:
        write_fd(handle_fd(t->slot), line);
        return;
    case LOG_TO_STDERR:
        write_fd(state.start_fd >= 0 && t == &start_target ? state.start_fd : STDERR_FILENO, line);
        return;
    case LOG_TO_SYSLOG:
        log_syslog_send(t->syslog, level ? (unsigned)level - 1 : 0,
                        str_of(line.at, line.len - 1));
        return;
    case LOG_TO_MEMORY:
        write_memory(handle_fd(t->slot), line);
        return;
    }
}

/* --- the line --------------------------------------------------------------------------------- */

static void begin_line(const struct log *log, struct fmt *f, enum log_level level)
{
    char date[32];
    const time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    const size_t n = strftime(date, sizeof(date), "%Y/%m/%d %H:%M:%S", &tm);
    fmt_str(f, str_of(date, n));
    fmt_print(f, " [%s] %d#%d: ", names[level], (int)getpid(), (int)thread_id());
    if (log->connection)
        fmt_print(f, "*%llu ", (unsigned long long)log->connection);
}

static void end_line(const struct log *log, struct fmt *f, enum log_level level, int error,
                     unsigned left_out)
{
    if (error)
        fmt_print(f, " (%d: %s)", error, strerror(error));
    if (left_out)
        fmt_print(f, " (%u more like this were left out)", left_out);
    if (level != LOG_DEBUG && log->action)
        fmt_print(f, " while %s", log->action);
    if (level != LOG_DEBUG && log->context)
        log->context(log, f);
}

/* Bytes that could forge a line, or drive a terminal, become \xXX. */
static struct str clean(struct str text, struct fmt *f)
{
    escape_log_controls(f, text);
    return fmt_done(f);
}

static void copy_to_stderr(enum log_level level, struct str text)
{
    char line[LINE + 64];
    struct fmt f;
    fmt_init_cut(&f, line, sizeof(line));
    fmt_print(&f, "weir: [%s] %.*s\n", names[level], STR_FMT(text));
    write_fd(STDERR_FILENO, fmt_done(&f));
}

void log_vwrite(const struct log *log, enum log_level level, int error, const char *format,
                va_list args)
{
    char raw[LINE], line[LINE + 1];
    struct fmt f, out;
    struct str text;
    unsigned left_out;
    const int saved = errno;
    if (!log_on(log, level) || !allowed(log, level, format, &left_out))
        return;
    fmt_init_cut(&f, raw, sizeof(raw));
    fmt_vprint(&f, format, args);
    end_line(log, &f, level, error, left_out);
    fmt_init_cut(&out, line, sizeof(line) - 1);
    begin_line(log, &out, level);
    const size_t message_at = out.len;
    clean(fmt_done(&f), &out);
    line[out.len++] = '\n';
    const struct str whole = str_of(line, out.len);
    for (const struct log_target *t = log->conf->targets; t; t = t->next)
        if (level <= t->level || log->debug)
            write_target(t, level, whole);
    if (!state.quiet && level <= LOG_WARN && state.start_fd >= 0 &&
        str_sub(whole, message_at, whole.len - message_at - 1, &text))
        copy_to_stderr(level, text);
    errno = saved;
}

void log_write(const struct log *log, enum log_level level, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_vwrite(log, level, error, format, args);
    va_end(args);
}

/* --- of the process --------------------------------------------------------------------------- */

void log_init(struct str path, bool testing)
{
    if (path.len == 0 || str_eq(path, STR("stderr")))
        return;
    if (!testing)
        state.start_fd = file_open_log(path.at);
    if (testing ? file_could_append(path.at) : state.start_fd >= 0)
        return;
    char line[PATH_MAX + 128];
    struct fmt f;
    fmt_init_cut(&f, line, sizeof(line));
    fmt_print(&f, "could not open error log file: open() \"%.*s\" failed (%d: %s)", STR_FMT(path),
              errno, strerror(errno));
    copy_to_stderr(LOG_ALERT, fmt_done(&f));
}

void log_use(const struct log_conf *conf)
{
    the_log.conf = conf;
}

bool log_is_stderr(void)
{
    return state.start_fd < 0;
}

void log_quiet(void)
{
    state.quiet = true;
}

/* Once the server runs, what libraries and the system print goes to the main error log. */
void log_redirect_stderr(void)
{
    for (const struct log_target *t = the_log.conf->targets; t; t = t->next)
        if (t->kind == LOG_TO_STDERR)
            return;
    for (const struct log_target *t = the_log.conf->targets; t; t = t->next)
        if (t->kind == LOG_TO_FILE) {
            dup2(handle_fd(t->slot), STDERR_FILENO);
            return;
        }
}
