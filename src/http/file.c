/*
 * Files as responses.  A request gives back the file that it has opened when its pool goes.
 */
#include "http/file.h"

#include "core/core_conf.h"
#include "core/number.h"
#include "event/threads.h"
#include "event/worker.h"
#include "http/core_conf.h"
#include "http/response.h"

#include <fcntl.h>

enum { READ_BLOCK = 32 << 10, READ_SMALL = 32 << 10, BLOCK_ALIGN = 4096 };

/* A file that was removed keeps its place on the disk no longer than that behind its last use. */
enum { BRIEFLY_MS = 2000 };

/* --- configuration ---------------------------------------------------------------------------- */

static bool parse_directio(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    if (str_eq(conf_arg(cf, 1), STR("off"))) {
        *(int64_t *)field = -1;
        return true;
    }
    return conf_type_offset.parse(cf, field, NULL);
}
static const struct conf_type type_directio = { "size | off", sizeof(int64_t), false,
                                                parse_directio, false };

/* "on" would be the kernel's own interface, which has no use with buffered files: threads. */
static bool parse_aio(struct conf *cf, void *field, const void *arg)
{
    struct str *pool = field, name = conf_arg(cf, 1);
    (void)arg;
    *pool = STR_NONE;
    if (str_eq(name, STR("off")))
        return true;
    *pool = STR("default");
    if (str_eq(name, STR("on")) || str_eq(name, STR("threads")))
        return true;
    if (!str_starts(name, STR("threads=")) || !str_from_off(name, 8, &name) || name.len == 0)
        return conf_error(cf, 1, "invalid-value", "\"aio\" directive invalid value");
    *pool = pool_str(cf->pool, name);
    core_thread_pool_use(cf, *pool, 1);
    return true;
}
static const struct conf_type type_aio = { "on | off | threads[=pool]", sizeof(struct str), false,
                                           parse_aio, false };

static bool parse_symlinks(struct conf *cf, void *field, const void *arg)
{
    struct http_file_conf *conf = container_of((unsigned *)field, struct http_file_conf, symlinks);
    bool given = false;
    (void)arg;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        struct str word = conf_arg(cf, i);
        if (str_eq(word, STR("off")) && conf_nargs(cf) == 1)
            return true;
        if (str_eq(word, STR("on"))) {
            conf->symlinks = SYMLINKS_NONE;
            given = true;
        } else if (str_eq(word, STR("if_not_owner"))) {
            conf->symlinks = SYMLINKS_OWNED;
            given = true;
        } else if (str_starts(word, STR("from=")) && str_from_off(word, 5, &word)) {
            if (!template_compile(cf, &conf->symlinks_from, word, i))
                return false;
        } else
            return conf_error(cf, i, "invalid-parameter", "invalid parameter \"%.*s\"",
                              STR_FMT(word));
    }
    if (!given)
        return conf_error(cf, 0, "missing-parameter",
                          "\"disable_symlinks\" must have \"off\", \"on\" or \"if_not_owner\" "
                          "parameter");
    return true;
}
static const struct conf_type type_symlinks = {
    "off | on | if_not_owner [from=part]",
    offsetof(struct http_file_conf, options) - offsetof(struct http_file_conf, symlinks), false,
    parse_symlinks, false
};

static bool parse_cache(struct conf *cf, void *field, const void *arg)
{
    struct http_file_conf *conf = container_of((struct file_options *)field, struct http_file_conf,
                                               options);
    struct file_options *o = &conf->options;
    (void)arg;
    o->inactive = 60000;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct str word = conf_arg(cf, i);
        struct str name, value;
        str_cut(word, '=', &name, &value);
        if (str_eq(word, STR("off"))) {
            conf->cache = false;
            return true;
        }
        if (str_eq(name, STR("max")) && number_size(value, &o->most) && o->most)
            continue;
        if (str_eq(name, STR("inactive")) && number_conf_msec(value, &o->inactive))
            continue;
        return conf_error(cf, i, "invalid-value", "invalid \"open_file_cache\" parameter "
                          "\"%.*s\"", STR_FMT(word));
    }
    if (o->most == 0)
        return conf_error(cf, 0, "missing-parameter",
                          "\"open_file_cache\" must have the \"max\" parameter");
    return conf->cache = true;
}
static const struct conf_type type_cache = {
    "off | max=N [inactive=time]",
    offsetof(struct http_file_conf, cache_valid) - offsetof(struct http_file_conf, options), false,
    parse_cache, false
};

#define ROW(name, where, max, type, member, def, help) \
    { name, where, 1, max, type, FIELD(http_file_conf, member), INHERIT, def, NULL, NULL, help, \
      NULL }
#define INERT(name, type, why, help) \
    { name, IN_HSL, 1, 1, type, 0, OWN, NULL, NULL, why, help, NULL }

static const struct directive rows[] = {
    ROW("sendfile", IN_HSL | IN_LOCATION_IF, 1, &conf_type_flag, sendfile, "off",
        "send files by the kernel"),
    ROW("sendfile_max_chunk", IN_HSL, 1, &conf_type_offset, chunk, "2m",
        "most that one call sends"),
    ROW("directio", IN_HSL, 1, &type_directio, directio, "off",
        "read files from this size on past the kernel's cache"),
    ROW("directio_alignment", IN_HSL, 1, &conf_type_size, alignment, "512",
        "what such reads are aligned to"),
    ROW("aio", IN_HSL, 1, &type_aio, aio_pool, "off", "read files in threads"),
    INERT("aio_write", &conf_type_flag, "temporary files are written when they are made",
          "write files in threads"),
    ROW("output_buffers", IN_HSL, 2, &conf_type_bufs, buffers, "2 32k", "for reading files"),
    INERT("read_ahead", &conf_type_size, "Linux reads ahead by itself", "how far to read ahead"),
    ROW("disable_symlinks", IN_HSL, 2, &type_symlinks, symlinks, "off",
        "symbolic links on the way to a file"),
    ROW("open_file_cache", IN_HSL, 2, &type_cache, options, "off", "remember what files are"),
    ROW("open_file_cache_valid", IN_HSL, 1, &conf_type_msec, cache_valid, "60s",
        "how long without looking again"),
    ROW("open_file_cache_min_uses", IN_HSL, 1, &conf_type_int, cache_min_uses, "1",
        "uses before a file stays open"),
    ROW("open_file_cache_errors", IN_HSL, 1, &conf_type_flag, cache_errors, "off",
        "remember what is not there"),
};

/* What is always kept needs a stat() each time; open_file_cache allows to do without. */
static bool finish(struct conf *cf, void *data, const void *parent)
{
    struct http_file_conf *conf = data;
    struct file_options *o = &conf->options;
    (void)cf;
    (void)parent;
    if (!conf->cache)
        *o = (struct file_options){ .valid = -1, .inactive = BRIEFLY_MS, .descriptors = true };
    else {
        o->valid = conf->cache_valid;
        o->min_uses = (unsigned)conf->cache_min_uses;
        o->errors = conf->cache_errors;
        o->descriptors = true;
    }
    o->contents = true;
    o->apart = conf->symlinks != SYMLINKS_FOLLOW;       /* each time the whole way is looked at */
    return true;
}

struct section http_file_section = {
    .name = "file", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct http_file_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

#define conf_of_request(r) ((const struct http_file_conf *)request_conf(r, http_file_section))

/* --- opening ---------------------------------------------------------------------------------- */

struct opening {
    unsigned symlinks;
    size_t from;                        /* bytes of the path that are trusted */
};

static int open_plain(const char *path, void *data)
{
    (void)data;
    return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* One component; -1 with ELOOP when it is a link that is not allowed. */
static int open_component(int at, const char *name, int flags, unsigned symlinks)
{
    struct stat link, target;
    const int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 || (errno != ELOOP && errno != ENOTDIR) || symlinks == SYMLINKS_NONE)
        return fd;
    if (fstatat(at, name, &link, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(link.st_mode))
        return -1;
    const int followed = openat(at, name, flags | O_CLOEXEC);
    if (followed < 0 || (fstat(followed, &target) == 0 && target.st_uid == link.st_uid))
        return followed;
    close(followed);
    errno = ELOOP;
    return -1;
}

/* A folder that is a link is "no folder" to O_NOFOLLOW: it is told as what it is. */
static int as_link(int at, const char *name)
{
    struct stat st;
    const int error = errno;
    if (error == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0
        && S_ISLNK(st.st_mode))
        errno = ELOOP;
    else
        errno = error;
    return -1;
}

static int open_strictly(const char *path, void *data)
{
    const struct opening *o = data;
    char part[4096];
    const size_t len = strlen(path);
    size_t at = o->from;
    if (len >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(part, path, len + 1);
    part[at] = '\0';
    int dir = open(at ? part : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    part[at] = path[at];
    while (dir >= 0) {
        at += strspn(part + at, "/");
        const size_t n = strcspn(part + at, "/");
        const bool last = part[at + n] == '\0';
        part[at + n] = '\0';
        const char *name = n ? part + at : ".";
        const int fd = open_component(dir, name, last ? O_RDONLY | O_NONBLOCK
                                                      : O_PATH | O_DIRECTORY, o->symlinks);
        const int result = fd >= 0 ? fd : as_link(dir, name);
        const int error = errno;
        close(dir);
        errno = error;
        if (last || result < 0)
            return result;
        dir = result;
        at += n + 1;
    }
    return -1;
}

static void give_back(void *data)
{
    file_put(data);
}

struct file *http_file_open(struct request *r, struct str path)
{
    const struct http_file_conf *conf = conf_of_request(r);
    struct worker *w = r->subject.conn->worker;
    struct opening opening = { .symlinks = conf->symlinks };
    struct str from;
    if (conf->symlinks != SYMLINKS_FOLLOW && conf->symlinks_from.source.at
        && template_eval(&conf->symlinks_from, &r->subject, &from) && str_starts(path, from)) {
        opening.from = from.len;
        while (opening.from > 0 && path.at[opening.from] != '/' && path.at[opening.from] != '\0')
            opening.from--;
    }
    struct file *file = file_get(worker_files(w), path, &conf->options, w->loop.real,
                                 conf->symlinks == SYMLINKS_FOLLOW ? open_plain : open_strictly,
                                 &opening);
    if (file)
        pool_on_free(r->subject.pool, give_back, file);
    return file;
}

enum step http_file_failed(struct request *r, const struct file *file, struct str path)
{
    enum log_level level = LOG_ERROR;
    unsigned status = 500;
    switch (file->error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        status = 404;
        break;
    case EACCES:
    case ELOOP:
    case EMLINK:
        status = 403;
        break;
    case ENXIO:                         /* a socket */
        return request_fail(r, 404);
    default:
        level = LOG_CRIT;
    }
    if (status != 404 || http_location_conf(r)->log_not_found)
        log_write(&r->log, level, file->error, "open() \"%.*s\" failed", STR_FMT(path));
    return request_fail(r, status);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct block {
    struct buf data, mark;
    size_t len;
    char *bytes;                        /* behind it, or aligned memory of its own */
};

struct file_source {
    struct source source;
    struct request *request;
    const struct file *file;
    int fd;                             /* the file's, or one of its own for directio */
    int64_t at, end;
    const struct http_file_conf *conf;
    bool blocks, direct;
    /* aio threads: */
    struct thread_job job;
    struct op op;
    struct block *block;                /* being read */
    int error;
    bool broken;
};

static void block_free(struct block *block)
{
    if (block->bytes != (char *)(block + 1))
        free(block->bytes);
    free(block);
}

static void block_passed(struct buf *mark, bool sent)
{
    (void)sent;
    block_free(mark->data);
}

/* Whole units, which direct reading wants. */
static size_t block_size(const struct file_source *s)
{
    const size_t size = size_max(s->conf->buffers.size, BLOCK_ALIGN);
    return size - size % BLOCK_ALIGN;
}

static struct block *block_new(const struct file_source *s)
{
    const size_t size = block_size(s);
    struct block *block = calloc(1, sizeof(*block) + (s->direct ? 0 : size));
    void *aligned;
    if (!block)
        return NULL;
    block->bytes = (char *)(block + 1);
    if (s->direct) {
        if (posix_memalign(&aligned, BLOCK_ALIGN, size) != 0) {
            free(block);
            return NULL;
        }
        block->bytes = aligned;
    }
    return block;
}

/* Reads on from s->at into the block: true and block->len, or s->error. */
static bool fill(struct file_source *s, struct block *block)
{
    const size_t size = block_size(s);
    const int64_t skip = s->direct ? s->at % BLOCK_ALIGN : 0;
    const int64_t left = s->end - s->at;
    const size_t want = s->direct ? size : size_min(size, (size_t)left);
    ssize_t n;
    do
        n = pread(s->fd, block->bytes, want, s->at - skip);
    while (n < 0 && errno == EINTR);
    s->error = n < 0 ? errno : 0;
    if (n <= skip)
        return false;
    block->len = size_min((size_t)(n - skip), (size_t)left);
    block->data = (struct buf){ .kind = BUF_MEMORY, .at = block->bytes + skip, .len = block->len,
                                .fd = -1 };
    return true;
}

static void broken(struct file_source *s)
{
    struct request *r = s->request;
    log_write(&r->log, LOG_ALERT, s->error, "reading \"%.*s\" broke off after %lld of %lld bytes",
              STR_FMT(s->file->path), (long long)s->at, (long long)s->end);
    request_abort(r);
}

static enum flow send_block(struct file_source *s, struct block *block, struct sink *sink)
{
    struct chain data;
    block->mark = (struct buf){ .kind = BUF_MARK, .fd = -1, .passed = block_passed, .data = block };
    chain_init(&data);
    chain_append(&data, &block->data);
    chain_append(&data, &block->mark);
    s->at += (int64_t)block->len;
    return sink->write(sink, &data, s->at == s->end ? LAST : MORE);
}

static bool no_memory(struct file_source *s)
{
    s->error = ENOMEM;
    broken(s);
    return false;
}

static void pull_blocks(struct file_source *s, struct sink *sink)
{
    do {
        struct block *block = block_new(s);
        if (!block) {
            no_memory(s);
            return;
        }
        if (!fill(s, block)) {
            block_free(block);
            broken(s);
            return;
        }
        if (send_block(s, block, sink) == FLOW_FULL)
            return;
    } while (s->at < s->end);
}

static void pull_sendfile(struct file_source *s, struct sink *sink)
{
    const int64_t most = s->conf->chunk > 0 ? s->conf->chunk : INT64_MAX;
    enum flow flow;
    do {
        const int64_t left = s->end - s->at;
        const size_t n = (size_t)(left < most ? left : most);
        struct chain data;
        chain_init(&data);
        chain_add_file(&data, s->request->subject.pool, s->fd, (off_t)s->at, n);
        s->at += (int64_t)n;
        flow = sink->write(sink, &data, s->at == s->end ? LAST : MORE);
    } while (flow == FLOW_OK && s->at < s->end);
}

static void pull_content(struct file_source *s, struct sink *sink)
{
    struct chain data;
    chain_init(&data);
    chain_add(&data, s->request->subject.pool,
              str_of(s->file->content + s->at, (size_t)(s->end - s->at)));
    s->at = s->end;
    sink->write(sink, &data, LAST);
}

/* --- reading in threads ----------------------------------------------------------------------- */

static void job_work(struct thread_job *job)
{
    struct file_source *s = container_of(job, struct file_source, job);
    s->broken = !fill(s, s->block);
}

static void job_done(struct task *task)
{
    struct file_source *s = container_of(task, struct file_source, job.task);
    request_op_done(s->request, &s->op);
}

/* Read, but not sent: the request was aborted. */
static void drop_block(void *data)
{
    const struct file_source *s = data;
    if (s->block)
        block_free(s->block);
}

static bool job_cancel(struct op *op)
{
    (void)op;
    return false;                       /* the thread writes into the block still */
}

/* The block that a thread has read goes out; then the next one is read. */
static void pull_threads(struct file_source *s, struct sink *sink)
{
    struct request *r = s->request;
    struct block *block = s->block;
    s->block = NULL;
    if (block && s->broken) {
        block_free(block);
        broken(s);
        return;
    }
    if (block && (send_block(s, block, sink) == FLOW_FULL || s->at == s->end))
        return;
    struct threads *threads = worker_pool(r->subject.conn->worker, s->conf->aio_pool);
    s->block = block_new(s);
    s->job.work = job_work;
    s->job.task.run = job_done;
    if (!s->block) {
        no_memory(s);
        return;
    }
    if (threads && threads_run(threads, &s->job)) {
        request_op_start(r, &s->op, "reading a file", true, job_cancel);
        return;
    }
    block_free(s->block);
    s->block = NULL;
    pull_blocks(s, sink);
}

/* --- the source ------------------------------------------------------------------------------- */

static void pull(struct source *source, struct sink *sink)
{
    struct file_source *s = container_of(source, struct file_source, source);
    struct chain none;
    if (s->at == s->end) {
        chain_init(&none);
        sink->write(sink, &none, LAST);
    } else if (s->file->content)
        pull_content(s, sink);
    else if (s->conf->aio_pool.at)
        pull_threads(s, sink);
    else if (s->blocks || s->request->in_memory || s->end - s->at <= READ_SMALL)
        pull_blocks(s, sink);
    else
        pull_sendfile(s, sink);
}

static void cancel(struct source *source)
{
    (void)source;
}

static void slice(struct source *source, int64_t from, int64_t to)
{
    struct file_source *s = container_of(source, struct file_source, source);
    s->at = from;
    s->end = to;
}

static void close_direct(void *data)
{
    const struct file_source *s = data;
    close(s->fd);
}

/* Others may be reading by the descriptor of the file, which is to stay as it is. */
static bool open_direct(struct file_source *s)
{
    struct stat st;
    const int fd = open(s->file->path.at, O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) < 0 || st.st_ino != s->file->st.st_ino || st.st_dev != s->file->st.st_dev) {
        close(fd);
        return false;
    }
    s->fd = fd;
    pool_on_free(s->request->subject.pool, close_direct, s);
    return true;
}

struct source *file_source(struct request *r, const struct file *file)
{
    struct file_source *s = pool_new(r->subject.pool, struct file_source);
    s->source = (struct source){ pull, cancel, slice };
    s->request = r;
    s->file = file;
    s->end = file->st.st_size;
    s->conf = conf_of_request(r);
    s->blocks = !s->conf->sendfile;
    s->fd = file->fd;
    s->direct = s->conf->directio >= 0 && s->end >= s->conf->directio && file->fd >= 0
                && open_direct(s);
    s->blocks = s->blocks || s->direct;
    if (s->conf->aio_pool.at)
        pool_on_free(r->subject.pool, drop_block, s);
    return &s->source;
}

static struct str file_etag(struct request *r, const struct file *file)
{
    struct fmt f;
    fmt_init_pool(&f, r->subject.pool, 40, 64);
    fmt_char(&f, '"');
    fmt_hex(&f, (uint64_t)file->st.st_mtim.tv_sec);
    fmt_char(&f, '-');
    fmt_hex(&f, (uint64_t)file->st.st_size);
    fmt_char(&f, '"');
    return fmt_done(&f);
}

enum step response_file(struct request *r, struct file *file, struct str name)
{
    r->out.status = 200;
    if (r->out.content_type.len == 0)   /* X-Accel-Redirect may have brought one */
        r->out.content_type = http_type_of(r, name);
    r->out.unconditional = false;
    r->out.length = file->st.st_size;
    r->out.last_modified = file->st.st_mtim.tv_sec;
    r->out.ranges = true;
    if (http_location_conf(r)->etag)
        r->out.etag = file_etag(r, file);
    return response_source(r, file_source(r, file));
}
