/*
 * error_log and debug_connection: reading them, and opening what they name.
 * Owns nothing: targets lie in the generation, log files are handles.
 */
#include "core/log_conf.h"

#include "config.h"
#include "core/core_conf.h"
#include "core/generation.h"
#include "core/lookup.h"
#include "core/number.h"
#include "os/unix/file.h"
#include "os/unix/shmem.h"

#include <sys/stat.h>

static const char *const facilities[] = {
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv",
    "ftp", "ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
};
static const char *const severities[] = { "emerg", "alert", "crit", "error", "warn", "notice",
                                          "info", "debug" };

enum { LOCAL7 = 23, SEVERITY_INFO = 6, MEMORY_LEAST = 4096 };

static int index_of(const char *const *names, unsigned count, struct str name)
{
    for (unsigned i = 0; i < count; i++)
        if (str_eq(name, str_from(names[i])))
            return (int)i;
    return -1;
}

static bool tag_is_clean(struct str tag)
{
    for (size_t i = 0; i < tag.len; i++) {
        const char c = str_lower_char(tag.at[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static bool syslog_server(struct conf *cf, unsigned arg, struct str text, struct log_syslog *s)
{
    struct inet_target target;
    const char *why = inet_parse_target(text, 514, INET_PLAIN, &target);
    unsigned count = 1;
    const struct inet_address *server = &target.address;
    if (!why && server->len == 0)
        server = lookup_host(cf->temp, target.host, target.port, &count);
    if (!why && !server)
        why = "host not found";
    if (!why)
        s->server = *server;
    return !why || conf_error(cf, arg, "syslog", "%s in syslog server \"%.*s\"", why,
                              STR_FMT(text));
}

static bool syslog_tag(struct conf *cf, unsigned arg, struct str text, struct log_syslog *s)
{
    if (text.len > 32)
        return conf_error(cf, arg, "syslog", "syslog tag length exceeds 32");
    if (!tag_is_clean(text))
        return conf_error(cf, arg, "syslog",
                          "syslog \"tag\" only allows alphanumeric characters and underscore");
    s->tag = pool_str(cf->pool, text);
    return true;
}

static bool syslog_parameter(struct conf *cf, unsigned arg, struct str word, struct log_syslog *s,
                             unsigned *seen)
{
    static const char *const parameters[] = { "server", "facility", "severity", "tag" };
    struct str name, value;
    if (str_eq(word, STR("nohostname"))) {
        s->host = STR_NONE;
        return true;
    }
    const int which = str_cut(word, '=', &name, &value)
                          ? index_of(parameters, countof(parameters), name) : -1;
    if (which < 0)
        return conf_error(cf, arg, "syslog", "unknown syslog parameter \"%.*s\"", STR_FMT(word));
    if (*seen & 1u << which)
        return conf_error(cf, arg, "syslog", "duplicate syslog \"%.*s\"", STR_FMT(name));
    *seen |= 1u << which;
    if (str_eq(name, STR("server")))
        return syslog_server(cf, arg, value, s);
    if (str_eq(name, STR("tag")))
        return syslog_tag(cf, arg, value, s);
    const bool facility = str_eq(name, STR("facility"));
    const int n = facility ? index_of(facilities, countof(facilities), value)
                           : index_of(severities, countof(severities), value);
    if (n < 0)
        return conf_error(cf, arg, "syslog", "unknown syslog %.*s \"%.*s\"", STR_FMT(name),
                          STR_FMT(value));
    *(facility ? &s->facility : &s->severity) = (unsigned)n;
    return true;
}

struct log_syslog *log_syslog_parse(struct conf *cf, unsigned arg, struct str text)
{
    struct log_syslog *s = pool_new(cf->pool, struct log_syslog);
    struct str rest, word;
    char host[256] = "";
    unsigned seen = 0;
    bool more;
    gethostname(host, sizeof(host) - 1);
    s->facility = LOCAL7;
    s->severity = SEVERITY_INFO;
    s->tag = pool_str(cf->pool, STR("weir"));
    s->host = pool_str(cf->pool, str_from(host));
    if (!str_from_off(text, strlen("syslog:"), &rest))
        return NULL;
    do {
        more = str_cut(rest, ',', &word, &rest);
        if (!syslog_parameter(cf, arg, word, s, &seen))
            return NULL;
    } while (more);
    if (s->server.len == 0) {
        conf_error(cf, arg, "syslog", "no syslog server specified");
        return NULL;
    }
    return s;
}

/* --- log files -------------------------------------------------------------------------------- */

static int open_file(struct conf *cf, struct str path, void *data)
{
    const unsigned arg = *(const unsigned *)data;
    const int fd = file_open_log(path.at);
    if (fd < 0)
        conf_error(cf, arg, "cannot-open", "open() \"%.*s\" failed (%d: %s)", STR_FMT(path), errno,
                   strerror(errno));
    return fd;
}

int log_file_handle(struct conf *cf, unsigned arg, struct str path)
{
    if (!cf->testing)
        return generation_handle(cf, HANDLE_LOG, path, open_file, &arg);
    if (!file_could_append(path.at))
        conf_error(cf, arg, "cannot-open", "open() \"%.*s\" failed (%d: %s)", STR_FMT(path), errno,
                   strerror(errno));
    return -1;
}

void log_reopen_files(uint32_t uid, void (*renewed)(unsigned slot, void *data), void *data)
{
    static const char kind[] = "log:";
    for (unsigned slot = 0; slot < handles.count; slot++) {
        if (handles.at[slot].kind != HANDLE_LOG)
            continue;
        const char *path = handles.at[slot].key + strlen(kind);
        const int fd = file_open_log(path);
        if (fd < 0) {
            log_write(log_process, LOG_EMERG, errno, "open() \"%s\" failed", path);
            continue;
        }
        struct stat st;
        if (geteuid() == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
            && fchown(fd, uid, (gid_t)-1) < 0)
            log_write(log_process, LOG_EMERG, errno, "fchown() \"%s\" failed", path);
        handle_put(slot, HANDLE_LOG, fd);
        handle_renewed(slot);
        if (renewed)
            renewed(slot, data);
    }
    log_redirect_stderr();
}

static int open_memory(struct conf *cf, struct str name, void *data)
{
    const size_t size = *(const size_t *)data;
    const int fd = shmem_create("weir-log", size);
    if (fd < 0)
        conf_error(cf, 1, "no-memory", "no memory for \"%.*s\"", STR_FMT(name));
    return fd;
}

static bool memory_target(struct conf *cf, struct log_target *target, struct str text)
{
    struct str size;
    size_t bytes;
    if (!str_from_off(text, strlen("memory:"), &size) || !number_conf_size(size, &bytes) ||
        bytes < MEMORY_LEAST)
        return conf_error(cf, 1, "invalid-value", "invalid buffer size \"%.*s\"", STR_FMT(size));
    target->kind = LOG_TO_MEMORY;
    if (cf->testing)
        return true;
    const int slot = generation_handle(cf, HANDLE_MEMORY, size, open_memory, &bytes);
    target->slot = (unsigned)slot;
    return slot >= 0;
}

static bool file_target(struct conf *cf, struct log_target *target, struct str path, unsigned arg)
{
    target->kind = LOG_TO_FILE;
    target->path = conf_full_path(cf, path);
    const int slot = log_file_handle(cf, arg, target->path);
    target->slot = slot < 0 ? 0 : (unsigned)slot;
    return slot >= 0 || cf->testing;
}

static bool level_argument(struct conf *cf, struct log_target *target)
{
    target->level = LOG_ERROR;
    for (unsigned i = 2; i <= conf_nargs(cf); i++) {
        const int level = index_of(severities, countof(severities), conf_arg(cf, i));
        if (level < 0 || i > 2)
            return conf_error(cf, i, "invalid-value", "%s log level \"%.*s\"",
                              level < 0 ? "invalid" : "duplicate", STR_FMT(conf_arg(cf, i)));
        target->level = LOG_EMERG + (unsigned)level;
    }
    return true;
}

static bool parse_error_log(struct conf *cf, void *field, const void *arg)
{
    struct log_target **end = field, *target = pool_new(cf->pool, struct log_target);
    const struct str where = conf_arg(cf, 1);
    bool good;
    (void)arg;
    if (where.len == 0 || str_eq(where, STR("stderr"))) {
        target->kind = LOG_TO_STDERR;
        good = true;
    } else if (str_starts(where, STR("syslog:"))) {
        target->kind = LOG_TO_SYSLOG;
        target->syslog = log_syslog_parse(cf, 1, where);
        good = target->syslog != NULL;
    } else if (str_starts(where, STR("memory:"))) {
        good = memory_target(cf, target, where);
    } else {
        good = file_target(cf, target, where, 1);
    }
    while (*end)
        end = &(*end)->next;
    *end = target;
    return level_argument(cf, target) && good;
}
static const struct conf_type type_error_log = { "file [level]", sizeof(struct log_target *), true,
                                                 parse_error_log, false };

/* --- debug_connection ------------------------------------------------------------------------- */

static bool parse_debug_connection(struct conf *cf, void *field, const void *arg)
{
    struct log_debug **list = field, *debug = pool_new(cf->pool, struct log_debug);
    const struct str text = conf_arg(cf, 1);
    bool meaningless = false;
    (void)arg;
    debug->unix_sockets = str_eq(text, STR("unix:"));
    if (!debug->unix_sockets && !inet_cidr_parse(text, &debug->cidr, &meaningless))
        return conf_error(cf, 1, "invalid-value", "host not found in debug_connection \"%.*s\"",
                          STR_FMT(text));
    if (meaningless)
        conf_diag(cf, DIAG_WARN, 1, "low-bits",
                  "low address bits of %.*s are meaningless", STR_FMT(text));
    debug->next = *list;
    *list = debug;
    return true;
}
const struct conf_type log_type_debug_connection = { "address | CIDR | unix:",
                                                     sizeof(struct log_debug *), true,
                                                     parse_debug_connection, false };

bool log_debug_matches(const struct log_debug *list, const struct inet_address *client)
{
    for (; list; list = list->next)
        if (list->unix_sockets ? client->any.sa_family == AF_UNIX
                               : inet_cidr_match(&list->cidr, client))
            return true;
    return false;
}

/* --- the section ------------------------------------------------------------------------------ */

static const struct directive rows[] = {
    { "error_log", IN_MAIN | IN_HSL | IN_STREAM | IN_STREAM_SERVER, 1, CONF_MANY, &type_error_log,
      FIELD(log_block, targets), INHERIT, NULL, NULL, NULL, "where errors are written", NULL },
};

/* Without any error_log: the compiled-in file, or what -e gave. */
static bool default_target(struct conf *cf, struct log_block *block)
{
    struct log_target *target = pool_new(cf->pool, struct log_target);
    const struct str path = cf->paths->error_log;
    target->level = LOG_ERROR;
    block->targets = target;
    if (path.len == 0 || str_eq(path, STR("stderr"))) {
        target->kind = LOG_TO_STDERR;
        return true;
    }
    return file_target(cf, target, path, 0);
}

static bool finish(struct conf *cf, void *conf, const void *parent)
{
    struct log_block *block = conf;
    if (!parent && !block->targets && !default_target(cf, block))
        return false;
    block->conf.targets = block->targets;
    for (const struct log_target *t = block->targets; t; t = t->next)
        if (t->level > block->conf.level)
            block->conf.level = t->level;
    return true;
}

struct section log_section = {
    .name = "log", .where = IN_MAIN | IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT | IN_STREAM |
                            IN_STREAM_SERVER,
    .size = sizeof(struct log_block), .rows = rows, .nrows = countof(rows), .finish = finish,
};

const struct log_conf *log_conf_of(const struct conf_block *block)
{
    const struct log_block *own = conf_of(block, log_section);
    return &own->conf;
}
