/*
 * ngx_http_log_module: access logs, a line for each request.
 * Owns, in a worker, a writer for each file of the configuration, and the files of names that have
 * variables while they are kept open.
 *
 *     access_log --> format: template           --> line in the buffer of the file's log_writer
 *                    file | name with variables --> line written to what is opened for it
 *                    syslog                     --> one datagram
 *
 * Of a request that becomes a tunnel the line is made then, with holes for what only the end of the
 * tunnel knows, and written when that comes, to whatever its log is by then.
 */
#include "core/escape.h"
#include "core/file_cache.h"
#include "core/generation.h"
#include "core/log_conf.h"
#include "core/number.h"
#include "event/log_writer.h"
#include "event/worker.h"
#include "http/core_conf.h"
#include "http/path.h"
#include "http/remnant.h"

#include "config.h"

#include <fcntl.h>

struct log_format {
    struct log_format *next;
    struct str name;
    struct template text;
    template_escape_fn *escape;         /* NULL: none */
    struct str missing;
};

struct access_log {                     /* one of file, path, syslog */
    struct access_log *next;
    const struct log_format *format;
    const struct log_file *file;
    const struct template *path;
    const struct log_syslog *syslog;
    const struct template *condition;   /* NULL: always */
};

struct log_cache {                      /* open_log_file_cache */
    struct file_options options;
    unsigned index;
};

struct main_conf {
    struct conf_set set;
    struct log_format *formats;
    struct log_file *files;
    unsigned nfiles, ncaches;
};

struct access_conf {
    struct conf_set set;
    struct access_log *logs;
    struct log_cache *cache;            /* NULL: off */
    bool off;
};

struct log_local {                      /* of a worker, for a generation */
    struct log_writer *writers;         /* by the file's index */
    struct file_cache *caches;
    unsigned nwriters, ncaches;
    int64_t complained;                 /* about files whose names have variables */
};

enum {
    LINE_MOST = 1 << 20,
    LINE_FIRST = 512,
    BUFFER = 64 << 10,                  /* of gzip, when no size is given */
    LEVEL = 1,
    INACTIVE = 10000, VALID = 60000, MIN_USES = 1,
};

static struct section main_section, section;

/* --- log_format ------------------------------------------------------------------------------- */

static bool set_escape(struct conf *cf, struct log_format *format, struct str how)
{
    format->missing = STR("");
    format->escape = NULL;
    if (str_eq(how, STR("none")))
        return true;
    format->escape = escape_json;
    if (str_eq(how, STR("json")))
        return true;
    format->missing = STR("-");
    format->escape = escape_log;
    return str_eq(how, STR("default")) ||
           conf_error(cf, 2, "invalid-value", "unknown log format escaping \"%.*s\"",
                      STR_FMT(how));
}

static bool parse_format(struct conf *cf, void *field, const void *arg)
{
    struct log_format **list = field, *format = pool_new(cf->pool, struct log_format);
    struct str how = STR("default");
    struct fmt f;
    unsigned i = 2;
    (void)arg;
    format->name = pool_str(cf->pool, conf_arg(cf, 1));
    bool known = str_eq(format->name, STR("combined"));
    for (const struct log_format *other = *list; other; other = other->next)
        known = known || str_eq(other->name, format->name);
    if (known)
        return conf_error(cf, 1, "duplicate", "duplicate \"log_format\" name \"%.*s\"",
                          STR_FMT(format->name));
    if (str_starts(conf_arg(cf, 2), STR("escape=")))
        ASSERT(str_from_off(conf_arg(cf, i++), strlen("escape="), &how));
    if (!set_escape(cf, format, how))
        return false;
    fmt_init_pool(&f, cf->temp, LINE_FIRST, LINE_MOST);
    for (; i <= conf_nargs(cf); i++)
        fmt_str(&f, conf_arg(cf, i));
    format->next = *list;
    *list = format;
    return template_compile_log(cf, &format->text, fmt_done(&f), conf_nargs(cf));
}
static const struct conf_type type_format = { "name [escape=default|json|none] string ...",
                                              sizeof(struct log_format *), true, parse_format,
                                              false };

static bool finish_main(struct conf *cf, void *data, const void *parent)
{
    struct main_conf *conf = data;
    struct log_format *format = pool_new(cf->pool, struct log_format);
    (void)parent;
    format->name = STR("combined");
    format->next = conf->formats;
    conf->formats = format;
    return set_escape(cf, format, STR("default")) &&
           template_compile_log(cf, &format->text,
                                STR("$remote_addr - $remote_user [$time_local] \"$request\" "
                                    "$status $body_bytes_sent \"$http_referer\" "
                                    "\"$http_user_agent\""), 0);
}

/* The http block's structure, wherever in it the statement at hand stands. */
static struct main_conf *main_of(struct conf *cf)
{
    struct conf_block *const here = cf->block;
    cf->block = conf_outer(here, IN_HTTP);
    struct main_conf *conf = conf_own(cf, &main_section);
    cf->block = here;
    return conf;
}

/* --- access_log ------------------------------------------------------------------------------- */

/* One for each path.  NULL: reported. */
static struct log_file *file_of(struct conf *cf, struct str path, unsigned arg)
{
    struct main_conf *conf = main_of(cf);
    struct log_file *file = conf->files;
    while (file && !str_eq(file->path, path))
        file = file->next;
    if (file)
        return file;
    const int slot = log_file_handle(cf, arg, path);
    if (slot < 0 && !cf->testing)
        return NULL;
    file = pool_new(cf->pool, struct log_file);
    file->path = pool_str(cf->pool, path);
    file->slot = slot < 0 ? 0 : (unsigned)slot;
    file->index = conf->nfiles++;
    file->next = conf->files;
    conf->files = file;
    return file;
}

static const struct template *new_template(struct conf *cf, struct str text, unsigned arg)
{
    struct template *t = pool_new(cf->pool, struct template);
    return template_compile(cf, t, text, arg) ? t : NULL;
}

static bool open_target(struct conf *cf, struct access_log *log, struct str where)
{
    if (str_starts(where, STR("syslog:")))
        return (log->syslog = log_syslog_parse(cf, 1, where)) != NULL;
    if (str_chr(where, '$') < 0)
        return (log->file = file_of(cf, conf_full_path(cf, where), 1)) != NULL;
    return (log->path = new_template(cf, conf_full_path(cf, where), 1)) != NULL;
}

static bool find_format(struct conf *cf, struct access_log *log)
{
    const struct str name = conf_nargs(cf) > 1 ? conf_arg(cf, 2) : STR("combined");
    const struct log_format *f = main_of(cf)->formats;
    while (f && !str_eq(f->name, name))
        f = f->next;
    log->format = f;
    if (f || str_eq(name, STR("combined")))     /* which finish_main adds */
        return true;
    return conf_error(cf, 2, "unknown-format", "unknown log format \"%.*s\"", STR_FMT(name));
}

static bool buffer_parameter(struct conf *cf, unsigned i, struct str name, struct str value,
                             struct log_file *wanted)
{
    uint32_t level = LEVEL;
    if (str_eq(name, STR("buffer"))) {
        return (number_conf_size(value, &wanted->size) && wanted->size > 0) ||
               conf_error(cf, i, "invalid-value", "invalid buffer size \"%.*s\"", STR_FMT(value));
    } else if (str_eq(name, STR("flush"))) {
        return (number_conf_msec(value, &wanted->flush) && wanted->flush > 0) ||
               conf_error(cf, i, "invalid-value", "invalid flush time \"%.*s\"", STR_FMT(value));
    }
    if (value.at && (!number_u32(value, &level) || level < 1 || level > 9))
        return conf_error(cf, i, "invalid-value", "invalid compression level \"%.*s\"",
                          STR_FMT(value));
    wanted->level = level;
    if (wanted->size == 0)
        wanted->size = BUFFER;
    return true;
}

/* "if=...", or one of how to buffer: these become `wanted`. */
static bool parameter(struct conf *cf, unsigned i, struct access_log *log, struct log_file *wanted)
{
    const struct str word = conf_arg(cf, i);
    struct str name, value;
    const bool equals = str_cut(word, '=', &name, &value);
    if (!equals)
        value = STR_NONE;
    if (equals && str_eq(name, STR("if")))
        return (log->condition = new_template(cf, value, i)) != NULL;
    if (str_eq(name, STR("gzip")) ||
        (equals && (str_eq(name, STR("buffer")) || str_eq(name, STR("flush")))))
        return buffer_parameter(cf, i, name, value, wanted);
    return conf_error(cf, i, "invalid-parameter", "invalid parameter \"%.*s\"", STR_FMT(word));
}

/* All that write to a file share one buffer; those that ask for none get that of the others. */
static bool set_buffer(struct conf *cf, const struct access_log *log,
                       const struct log_file *wanted)
{
    const struct str where = conf_arg(cf, 1);
    if (wanted->flush && wanted->size == 0)
        return conf_error(cf, 1, "no-buffer", "no buffer is defined for access_log \"%.*s\"",
                          STR_FMT(where));
    if (wanted->size == 0)
        return true;
    if (log->path)
        return conf_error(cf, 1, "buffer", "buffered logs cannot have variables in name");
    if (log->syslog)
        return conf_error(cf, 1, "buffer", "logs to syslog cannot be buffered");
    struct log_file *file = file_of(cf, log->file->path, 1);
    if (file->size && (file->size != wanted->size || file->flush != wanted->flush ||
                       file->level != wanted->level))
        return conf_error(cf, 1, "conflict",
                          "access_log \"%.*s\" already defined with conflicting parameters",
                          STR_FMT(where));
    file->size = wanted->size;
    file->flush = wanted->flush;
    file->level = wanted->level;
    return true;
}

static bool parse_log(struct conf *cf, void *field, const void *arg)
{
    struct access_log **end = field;
    struct access_conf *conf = container_of(end, struct access_conf, logs);
    const struct str where = conf_arg(cf, 1);
    struct log_file wanted = { .size = 0 };
    (void)arg;
    if (str_eq(where, STR("off"))) {
        if (conf_nargs(cf) > 1)
            return conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"",
                              STR_FMT(conf_arg(cf, 2)));
        return conf->off = true;
    }
    struct access_log *log = pool_new(cf->pool, struct access_log);
    if (!open_target(cf, log, where) || !find_format(cf, log))
        return false;
    for (unsigned i = 3; i <= conf_nargs(cf); i++)
        if (!parameter(cf, i, log, &wanted))
            return false;
    while (*end)
        end = &(*end)->next;
    *end = log;
    return set_buffer(cf, log, &wanted);
}
static const struct conf_type type_log = {
    "path [format [buffer=size] [gzip[=level]] [flush=time] [if=condition]] | off",
    sizeof(struct access_log *), true, parse_log, false,
};

/* --- open_log_file_cache ---------------------------------------------------------------------- */

static bool cache_parameter(struct str word, struct log_cache *cache)
{
    struct str name, value;
    uint32_t uses;
    if (!str_cut(word, '=', &name, &value))
        return false;
    if (str_eq(name, STR("max")))
        return number_size(value, &cache->options.most) && cache->options.most > 0;
    if (str_eq(name, STR("inactive")))
        return number_conf_msec(value, &cache->options.inactive);
    if (str_eq(name, STR("valid")))
        return number_conf_msec(value, &cache->options.valid);
    if (!str_eq(name, STR("min_uses")) || !number_u32(value, &uses))
        return false;
    cache->options.min_uses = uses;
    return true;
}

static bool parse_cache(struct conf *cf, void *field, const void *arg)
{
    struct log_cache **at = field, *cache = pool_new(cf->pool, struct log_cache);
    bool off = false;
    (void)arg;
    cache->options = (struct file_options){ .valid = VALID, .inactive = INACTIVE,
                                            .min_uses = MIN_USES, .descriptors = true };
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct str word = conf_arg(cf, i);
        if (str_eq(word, STR("off")))
            off = true;
        else if (!cache_parameter(word, cache))
            return conf_error(cf, i, "invalid-parameter",
                              "invalid \"open_log_file_cache\" parameter \"%.*s\"", STR_FMT(word));
    }
    if (off)
        return true;
    if (cache->options.most == 0)
        return conf_error(cf, 0, "missing-parameter",
                          "\"open_log_file_cache\" must have \"max\" parameter");
    cache->index = main_of(cf)->ncaches++;
    *at = cache;
    return true;
}
static const struct conf_type type_cache = {
    "max=number [inactive=time] [min_uses=number] [valid=time] | off", sizeof(struct log_cache *),
    false, parse_cache, false,
};

/* --- sections --------------------------------------------------------------------------------- */

static const struct directive main_rows[] = {
    { "log_format", IN_HTTP, 2, CONF_MANY, &type_format, FIELD(main_conf, formats), OWN, NULL,
      NULL, NULL, "the text of an access log's lines", NULL },
};
static const struct directive rows[] = {
    { "access_log", IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT, 1, CONF_MANY, &type_log,
      FIELD(access_conf, logs), INHERIT, NULL, NULL, NULL, "where requests are logged", NULL },
    { "open_log_file_cache", IN_HSL, 1, 4, &type_cache, FIELD(access_conf, cache), INHERIT, NULL,
      NULL, NULL, "log files whose names have variables stay open", NULL },
};

static const struct log_format *combined(struct conf *cf)
{
    const struct log_format *f = main_of(cf)->formats;
    while (!str_eq(f->name, STR("combined")))
        f = f->next;
    return f;
}

static bool finish(struct conf *cf, void *conf, const void *parent)
{
    struct access_conf *access = conf;
    if (!access->logs && !access->off && parent)
        access->off = ((const struct access_conf *)parent)->off;
    if (!access->logs && !access->off && !parent) {
        access->logs = pool_new(cf->pool, struct access_log);
        access->logs->file = file_of(cf, conf_full_path(cf, STR(HTTP_LOG_PATH)), 0);
        if (!access->logs->file)
            return false;
    }
    if (access->off)
        access->logs = NULL;
    for (struct access_log *log = access->logs; log; log = log->next)
        if (!log->format)
            log->format = combined(cf);
    return true;
}

static struct section main_section = {
    .name = "log_format", .where = IN_HTTP, .size = sizeof(struct main_conf), .rows = main_rows,
    .nrows = countof(main_rows), .finish = finish_main, .per_block = true,
};
static struct section section = {
    .name = "access_log", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct access_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

/* --- a worker's part -------------------------------------------------------------------------- */

static const struct main_conf *main_conf_of(const struct generation *gen)
{
    const struct conf_block *block = gen->root->children;
    while (block && block->scope != IN_HTTP)
        block = block->next;
    return block ? conf_of(block, main_section) : NULL;
}

static bool fill(struct log_local *mine, struct loop *loop, const struct main_conf *conf)
{
    mine->complained = -1;
    mine->writers = calloc(conf->nfiles + 1, sizeof(*mine->writers));
    mine->caches = calloc(conf->ncaches + 1, sizeof(*mine->caches));
    if (!mine->writers || !mine->caches)
        return false;
    mine->nwriters = conf->nfiles;
    for (const struct log_file *file = conf->files; file; file = file->next)
        if (!log_writer_init(&mine->writers[file->index], loop, file))
            return false;
    for (; mine->ncaches < conf->ncaches; mine->ncaches++)
        if (!file_cache_init(&mine->caches[mine->ncaches]))
            return false;
    return true;
}

static bool prepare(struct local *local, const char **why)
{
    const struct main_conf *conf = main_conf_of(local->generation);
    if (!conf)
        return true;
    struct log_local *mine = calloc(1, sizeof(*mine));
    *why = "no memory";
    local->state_of[main_section.slot] = mine;
    return mine && fill(mine, &local->worker->loop, conf);
}

static void release(struct local *local)
{
    struct log_local *mine = local->state_of[main_section.slot];
    if (!mine)
        return;
    for (unsigned i = 0; i < mine->nwriters; i++)
        log_writer_free(&mine->writers[i]);
    for (unsigned i = 0; i < mine->ncaches; i++)
        file_cache_free(&mine->caches[i]);
    free(mine->writers);
    free(mine->caches);
    free(mine);
}

/* --- at the end of a request ------------------------------------------------------------------ */

static bool build(struct request *r, const struct log_format *format, struct fmt *f)
{
    if (!template_append(&format->text, &r->subject, f, format->escape, format->missing))
        return false;
    fmt_char(f, '\n');
    return !f->failed;
}

/* In the request's memory, with its newline.  False: said, here or where the cause is known. */
static bool line_of(struct request *r, const struct access_log *log, struct str *line)
{
    struct fmt f;
    fmt_init_pool(&f, r->subject.pool, LINE_FIRST, LINE_MOST);
    if (build(r, log->format, &f)) {
        *line = fmt_done(&f);
        return true;
    }
    if (f.failed)
        log_write(&r->log, LOG_ERROR, 0, "a line is too long for the access log");
    return false;
}

static void log_to_file(struct request *r, const struct access_log *log, struct log_local *mine)
{
    struct log_writer *writer = &mine->writers[log->file->index];
    struct str line;
    struct fmt f;
    log_writer_begin(writer, &f);
    if (build(r, log->format, &f))
        log_writer_end(writer, &f);
    else if (line_of(r, log, &line))
        log_writer_add(writer, line);
}

static void log_to_syslog(struct request *r, const struct access_log *log)
{
    struct str line;
    if (line_of(r, log, &line) && str_sub(line, 0, line.len - 1, &line))
        log_syslog_send(log->syslog, log->syslog->severity, line);
}

static bool climbs(struct str path)
{
    struct str name;
    while (path.len) {
        str_cut(path, '/', &name, &path);
        if (str_eq(name, STR("..")))
            return true;
    }
    return false;
}

/* Whoever sends a variable's value must not choose the folder by it. */
static bool path_is_safe(struct request *r, const struct access_log *log, struct str path)
{
    if (str_chr(path, '\0') < 0 && (!climbs(path) || climbs(log->path->source)))
        return true;
    log_write(&r->log, LOG_ERROR, 0, "the name \"%.*s\" is refused for an access log",
              STR_FMT(path));
    return false;
}

/* A site that is gone gets no files. */
static bool root_is_there(struct request *r)
{
    const unsigned status = r->out.status;
    const struct str root = path_root(r);
    struct stat st;
    r->out.status = status;
    if (!root.at)
        return false;
    if (stat(root.at, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return true;
        errno = ENOTDIR;
    }
    log_write(&r->log, LOG_ERROR, errno, "testing \"%.*s\" existence failed", STR_FMT(root));
    return false;
}

/* A pipe that nobody reads is an error instead of a wait. */
static int open_named(const char *path, void *data)
{
    (void)data;
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
}

static void write_named(const struct loop *loop, int64_t *complained, int fd, struct str path,
                        struct str line)
{
    ssize_t n;
    do
        n = write(fd, line.at, line.len);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)line.len)
        log_writer_complain(complained, loop, n < 0 ? errno : 0, path);
}

static void cannot_open(const struct log *log, struct str path, int error)
{
    log_write(log, LOG_CRIT, error, "open() \"%.*s\" failed", STR_FMT(path));
}

static void write_cached(struct request *r, struct log_local *mine, const struct log_cache *cache,
                         struct str path, struct str line)
{
    struct file_cache *files = &mine->caches[cache->index];
    files->turn = request_loop(r)->turns;
    struct file *file = file_get(files, path, &cache->options, request_loop(r)->real, open_named,
                                 NULL);
    if (!file)
        return cannot_open(&r->log, path, ENOMEM);
    if (file->error)
        cannot_open(&r->log, path, file->error);
    else
        write_named(request_loop(r), &mine->complained, file->fd, path, line);
    file_put(file);
}

static void log_to_named(struct request *r, const struct access_log *log, struct log_local *mine,
                         const struct log_cache *cache)
{
    struct str path, line;
    if (!root_is_there(r) || !template_eval(log->path, &r->subject, &path) ||
        !path_is_safe(r, log, path) || !line_of(r, log, &line))
        return;
    if (cache) {
        write_cached(r, mine, cache, path, line);
        return;
    }
    const int fd = open_named(path.at, NULL);
    if (fd < 0)
        return cannot_open(&r->log, path, errno);
    write_named(request_loop(r), &mine->complained, fd, path, line);
    close(fd);
}

static bool wanted(struct request *r, const struct access_log *log)
{
    struct str text;
    if (!log->condition)
        return true;
    return template_eval(log->condition, &r->subject, &text) && text_is_true(text);
}

static bool enabled(const struct conf_block *block)
{
    const struct access_conf *conf = conf_of(block, section);
    return conf && conf->logs;
}

static enum step run(struct request *r)
{
    const struct access_conf *conf = request_conf(r, section);
    struct log_local *mine = r->subject.local->state_of[main_section.slot];
    r->log.action = "logging request";
    for (const struct access_log *log = conf->logs; log; log = log->next) {
        if (!wanted(r, log))
            continue;
        if (log->file)
            log_to_file(r, log, mine);
        else if (log->syslog)
            log_to_syslog(r, log);
        else
            log_to_named(r, log, mine, conf->cache);
    }
    return STEP_NEXT;
}

/* --- a request that becomes a tunnel ---------------------------------------------------------- */

typedef void hole_fn(struct fmt *f, const struct tunnel_end *how);

static void put_seconds(struct fmt *f, int64_t msec)
{
    msec = msec > 0 ? msec : 0;
    fmt_i64(f, msec / 1000);
    fmt_char(f, '.');
    fmt_u64_width(f, (uint64_t)(msec % 1000), 3);
}

static void put_sent(struct fmt *f, const struct tunnel_end *how)
{
    fmt_u64(f, how->sent);
}

static void put_body_sent(struct fmt *f, const struct tunnel_end *how)
{
    fmt_u64(f, how->body_sent);
}

static void put_request_time(struct fmt *f, const struct tunnel_end *how)
{
    put_seconds(f, how->request_time);
}

static void put_connection_time(struct fmt *f, const struct tunnel_end *how)
{
    put_seconds(f, how->connection_time);
}

static void put_msec(struct fmt *f, const struct tunnel_end *how)
{
    put_seconds(f, how->worker->loop.real);
}

static void put_local(struct fmt *f, const struct tunnel_end *how)
{
    fmt_str(f, worker_clf_date(how->worker));
}

static void put_iso(struct fmt *f, const struct tunnel_end *how)
{
    fmt_str(f, worker_iso_date(how->worker));
}

static void put_iso_ms(struct fmt *f, const struct tunnel_end *how)
{
    worker_iso_ms(how->worker, f);
}

static void put_server_time(struct fmt *f, const struct tunnel_end *how)
{
    put_seconds(f, how->server_time);
}

static void put_server_sent(struct fmt *f, const struct tunnel_end *how)
{
    fmt_u64(f, how->server_sent);
}

static void put_server_received(struct fmt *f, const struct tunnel_end *how)
{
    fmt_u64(f, how->server_received);
}

/* Variables that only the end of a tunnel knows, all of them without bytes to escape.  Of a list,
 * "0.003, -", it is the last one. */
static const struct {
    struct str name;
    hole_fn *put;
    bool list;
} holes[] = {
    { STR_INIT("bytes_sent"), put_sent, false },
    { STR_INIT("body_bytes_sent"), put_body_sent, false },
    { STR_INIT("request_time"), put_request_time, false },
    { STR_INIT("connection_time"), put_connection_time, false },
    { STR_INIT("msec"), put_msec, false },
    { STR_INIT("time_local"), put_local, false },
    { STR_INIT("time_iso8601"), put_iso, false },
    { STR_INIT("time_iso8601_ms"), put_iso_ms, false },
    { STR_INIT("upstream_response_time"), put_server_time, true },
    { STR_INIT("upstream_bytes_sent"), put_server_sent, true },
    { STR_INIT("upstream_bytes_received"), put_server_received, true },
};

struct hole {
    size_t at;                          /* in the text */
    hole_fn *put;
};

/* One piece of the heap, with its texts behind it. */
struct frozen {
    struct remnant remnant;
    struct str path;                    /* of a file or of a name */
    struct log_syslog syslog;
    bool named, sent;                   /* sent: to syslog */
    struct str text;
    unsigned nholes;
    struct hole holes[];
};

/* What it is made of, in the request's pool: the line, then the texts of where it goes. */
struct freezing {
    struct request *request;
    struct fmt f;
    struct hole *holes;
    unsigned nholes;
};

static bool add_hole(struct freezing *z, unsigned number, hole_fn *put, bool list)
{
    struct value value;
    if (list) {
        if (!vars_get(&z->request->subject, number, &value))
            return false;
        const ssize_t space = str_rchr(value.text, ' ');
        fmt_str(&z->f, str_of(value.text.at, space < 0 ? 0 : (size_t)space + 1));
    }
    z->holes[z->nholes++] = (struct hole){ z->f.len, put };
    return true;
}

static bool freeze_part(struct freezing *z, const struct log_format *format, unsigned i)
{
    struct subject *s = &z->request->subject;
    const struct template one = { .parts = &format->text.parts[i], .nparts = 1 };
    if (one.parts->kind == TEMPLATE_VARIABLE)
        for (unsigned k = 0; k < countof(holes); k++)
            if (str_eq(s->table->at[one.parts->number]->name, holes[k].name))
                return add_hole(z, one.parts->number, holes[k].put, holes[k].list);
    return template_append(&one, s, &z->f, format->escape, format->missing);
}

static bool freeze_line(struct freezing *z, const struct log_format *format)
{
    if (format->text.constant)
        fmt_str(&z->f, format->text.text);
    for (unsigned i = 0; i < format->text.nparts; i++)
        if (!freeze_part(z, format, i))
            return false;
    fmt_char(&z->f, '\n');
    return true;
}

static struct log_writer *writer_in(const struct local *local, struct str path)
{
    const struct log_local *mine = local->state_of[main_section.slot];
    for (unsigned i = 0; mine && i < mine->nwriters; i++)
        if (str_eq(mine->writers[i].file->path, path))
            return &mine->writers[i];
    return NULL;
}

/* Of the configuration of now, or of an older one that lives; NULL: nobody has this log. */
static struct log_writer *find_writer(const struct worker *w, struct str path)
{
    struct log_writer *writer = writer_in(w->current, path);
    for (const struct local *l = w->all; l && !writer; l = l->next)
        writer = writer_in(l, path);
    return writer;
}

static void thaw_to_file(const struct frozen *frozen, struct str line,
                         const struct tunnel_end *how)
{
    struct log_writer *writer = find_writer(how->worker, frozen->path);
    if (writer)
        log_writer_add(writer, line);
    else
        log_write(how->log, LOG_NOTICE, 0, "the access log \"%.*s\" is no more: a line for it is "
                  "dropped", STR_FMT(frozen->path));
}

static void thaw_to_named(const struct frozen *frozen, struct str line,
                          const struct tunnel_end *how)
{
    int64_t complained = -1;
    const int fd = open_named(frozen->path.at, NULL);
    if (fd < 0)
        return cannot_open(how->log, frozen->path, errno);
    write_named(&how->worker->loop, &complained, fd, frozen->path, line);
    close(fd);
}

static void thaw(struct remnant *remnant, const struct tunnel_end *how)
{
    struct frozen *frozen = container_of(remnant, struct frozen, remnant);
    struct pool pool;
    struct fmt f;
    size_t at = 0;
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, frozen->text.len + LINE_FIRST, LINE_MOST);
    for (unsigned i = 0; i < frozen->nholes; i++) {
        const struct hole *hole = &frozen->holes[i];
        fmt_str(&f, str_of(frozen->text.at + at, hole->at - at));
        hole->put(&f, how);
        at = hole->at;
    }
    fmt_str(&f, str_of(frozen->text.at + at, frozen->text.len - at));
    struct str line = fmt_done(&f);
    if (f.failed)
        log_write(how->log, LOG_ERROR, 0, "a line is too long for the access log");
    else if (frozen->named)
        thaw_to_named(frozen, line, how);
    else if (!frozen->sent)
        thaw_to_file(frozen, line, how);
    else if (str_sub(line, 0, line.len - 1, &line))
        log_syslog_send(&frozen->syslog, frozen->syslog.severity, line);
    pool_free(&pool);
    free(frozen);
}

/* `path`: of a file or a name; at NULL: it goes to syslog. */
static void keep_line(struct freezing *z, const struct access_log *log, struct str path,
                      struct remnant **list)
{
    const struct log_syslog none = { .severity = 0 };
    const struct log_syslog *syslog = log->syslog ? log->syslog : &none;
    const size_t line = z->f.len, holes_size = z->nholes * sizeof(struct hole);
    fmt_str(&z->f, path);
    fmt_char(&z->f, '\0');
    fmt_str(&z->f, syslog->tag);
    fmt_str(&z->f, syslog->host);
    const struct str all = fmt_done(&z->f);
    struct frozen *frozen =
        z->f.failed ? NULL : malloc(sizeof(*frozen) + holes_size + all.len);
    if (!frozen) {
        log_write(&z->request->log, LOG_ERROR, 0, "no line is kept for the access log: %s",
                  z->f.failed ? "it is too long" : "no memory");
        return;
    }
    *frozen = (struct frozen){ .remnant = { .end = thaw }, .syslog = *syslog,
                               .named = log->path != NULL, .sent = log->syslog != NULL,
                               .nholes = z->nholes };
    if (holes_size)
        memcpy(frozen->holes, z->holes, holes_size);
    char *text = (char *)(frozen->holes + z->nholes);
    memcpy(text, all.at, all.len);
    frozen->text = str_of(text, line);
    frozen->path = str_of(text + line, path.len);
    frozen->syslog.tag = str_of(text + line + path.len + 1, syslog->tag.len);
    frozen->syslog.host = str_of(frozen->syslog.tag.at + syslog->tag.len, syslog->host.len);
    remnant_add(list, &frozen->remnant);
}

static void freeze(struct request *r, const struct access_log *log, struct remnant **list)
{
    struct freezing z = { .request = r };
    struct str path = log->file ? log->file->path : STR_NONE;
    if (log->path && (!root_is_there(r) || !template_eval(log->path, &r->subject, &path)
                      || !path_is_safe(r, log, path)))
        return;
    z.holes = pool_array(r->subject.pool, log->format->text.nparts, sizeof(*z.holes));
    fmt_init_pool(&z.f, r->subject.pool, LINE_FIRST, LINE_MOST);
    if (freeze_line(&z, log->format))
        keep_line(&z, log, path, list);
}

static void leave(struct request *r, struct remnant **list)
{
    const struct access_conf *conf = request_conf(r, section);
    for (const struct access_log *log = conf ? conf->logs : NULL; log; log = log->next)
        if (wanted(r, log))
            freeze(r, log, list);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct phase_step steps[] = { { PHASE_LOG, "access_log", run, enabled },
                                           { 0, NULL, NULL, NULL } };

static struct section *const sections[] = { &main_section, &section, NULL };

const struct http_module http_log_module = {
    .module = { .name = "ngx_http_log_module", .protocol = "http", .sections = sections,
                .prepare = prepare, .release = release },
    .steps = steps,
    .leave = leave,
};
