/*
 * The error log: lines with a level, to the targets that configuration gives for this place.
 *
 *     struct log (a conn's, a request's, the process's)
 *       conf --> log_conf (arena; error_log of this block) --> target, target ...
 *       connection number, action, context callback             file | syslog | memory | stderr
 *
 * A line: "2026/11/21 01:30:50 [error] 4223#4223: *12 text (2: No such file or directory) while
 * reading request, client: 127.0.0.1, ..."; built once in a bounded buffer (2048, cut with notice
 * of the newline), escaped, written with one write to each target whose level asks for it.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/fmt.h"

enum log_level {
    LOG_STDERR,                         /* always printed; not for configuration */
    LOG_EMERG,
    LOG_ALERT,
    LOG_CRIT,
    LOG_ERROR,
    LOG_WARN,
    LOG_NOTICE,
    LOG_INFO,
    LOG_DEBUG,
};

struct log_target;
struct log_limit;

struct log_conf {                       /* in the arena, or static for the start of a process */
    const struct log_target *targets;   /* list */
    enum log_level level;               /* the highest of the targets': a first, cheap test */
};

struct log {
    const struct log_conf *conf;
    uint64_t connection;                /* 0: none */
    const char *action;                 /* "reading client request line"; NULL: none */
    /* Appends ", client: ..., server: ..." ; NULL: nothing more. */
    void (*context)(const struct log *log, struct fmt *f);
    void *data;                         /* of the callback */
    struct str client;                  /* the address that repeated lines are counted for */
    bool debug;                         /* debug_connection chose this one */
};

static inline bool log_on(const struct log *log, enum log_level level)
{
    return level <= log->conf->level || log->debug;
}

/* `error`: an errno to append as " (N: text)"; 0: none. */
void log_write(const struct log *log, enum log_level level, int error, const char *format, ...)
    PRINTF_LIKE(4, 5);
void log_vwrite(const struct log *log, enum log_level level, int error, const char *format,
                va_list args) PRINTF_LIKE(4, 0);

#ifdef WITH_DEBUG
#define log_debug(log, ...) \
    do { \
        if (log_on(log, LOG_DEBUG)) \
            log_write(log, LOG_DEBUG, 0, __VA_ARGS__); \
    } while (0)
#else
#define log_debug(log, ...) ((void)(log))
#endif

/* The log of the process itself: before configuration is read, then that of the generation. */
extern struct log *log_process;

/* Once, at the start: `path` (or standard error when empty) until configuration gives others;
 * lines of level warn and above are copied to standard error as "weir: [level] text".  Testing
 * only tells when `path` cannot be opened. */
void log_init(struct str path, bool testing);
void log_use(const struct log_conf *conf);
/* The copies to standard error end: the server runs. */
void log_quiet(void);
/* Whether the log from before the configuration is standard error. */
bool log_is_stderr(void);
/* Standard error becomes the first log file, unless standard error is itself a target. */
void log_redirect_stderr(void);

const char *log_level_name(enum log_level level);

#endif
