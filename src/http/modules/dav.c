/*
 * ngx_http_dav_module: PUT, DELETE, MKCOL, COPY and MOVE change files.
 * What touches the disk runs in a thread, on a job that lies in the request's pool; what is made
 * has a name of its own until it is complete, so nobody sees a part of it.
 */
#include "core/escape.h"
#include "core/file_tree.h"
#include "event/threads.h"
#include "event/worker.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/path.h"
#include "http/response.h"
#include "http/store_access.h"
#include "http/uri.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

struct dav_conf {
    struct conf_set set;
    unsigned methods;                   /* METHOD_ bits */
    unsigned access;                    /* mode of new files */
    bool make_way;                      /* create_full_put_path */
    int64_t min_depth;                  /* min_delete_depth */
};

struct dav_job {
    struct thread_job job;
    struct op op;
    struct request *request;
    const char *name;                   /* of the method */
    const char *from, *to;              /* paths, without slash at their ends */
    const char *temp, *aside;           /* beside `to` */
    struct str destination;             /* as the client wrote it */
    bool folder;                        /* the client means a folder */
    bool overwrite, make_way;
    bool shallow;                       /* COPY of a folder without what is in it */
    unsigned mode;
    int64_t time;                       /* of a new file; -1: now */
    int fd;                             /* the body; -1: it is `bytes` */
    struct str bytes;
    const char *body_name;              /* of a file that would stay; NULL: none */
    unsigned status;                    /* the outcome, and what is to be logged about it */
    enum log_level level;
    int error;
    char text[1200];
};

struct dav_note {
    struct dav_job *job;                /* NULL: nothing has begun */
};

static const char key;

/* --- configuration ---------------------------------------------------------------------------- */

static const struct conf_name method_names[] = {
    { "off", 0 }, { "PUT", METHOD_PUT }, { "DELETE", METHOD_DELETE }, { "MKCOL", METHOD_MKCOL },
    { "COPY", METHOD_COPY }, { "MOVE", METHOD_MOVE }, { NULL, 0 }
};
static const struct conf_range depths = { 0, INT64_MAX };

#define ROW(name, max, type, member, def, arg, help) \
    { name, IN_HSL, 1, max, type, FIELD(dav_conf, member), INHERIT, def, arg, NULL, help, NULL }

static const struct directive rows[] = {
    ROW("dav_methods", CONF_MANY, &conf_type_mask, methods, "off", method_names,
        "methods that change files"),
    ROW("dav_access", 3, &http_type_store_access, access, "user:rw", NULL, "who may use new files"),
    ROW("create_full_put_path", 1, &conf_type_flag, make_way, "off", NULL,
        "PUT makes the folders on the way"),
    ROW("min_delete_depth", 1, &conf_type_int, min_depth, "0", &depths,
        "parts that the path of a DELETE has at least"),
};
static struct section section = {
    .name = "dav", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct dav_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct dav_conf *conf = conf_of(block, section);
    return conf && conf->methods;
}

/* --- in the thread: the outcome --------------------------------------------------------------- */

static __attribute__((format(printf, 4, 5))) void say(struct dav_job *j, enum log_level level,
                                                      int error, const char *format, ...)
{
    struct fmt f;
    va_list args;
    j->level = level;
    j->error = error;
    fmt_init_cut(&f, j->text, sizeof(j->text));
    va_start(args, format);
    fmt_vprint(&f, format, args);
    va_end(args);
    fmt_done(&f);
}

static enum log_level level_of(unsigned status)
{
    return status >= 500 ? LOG_CRIT : LOG_ERROR;
}

static bool is_missing(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
}

/* Of what exists, or of a folder. */
static unsigned status_of(int error)
{
    if (is_missing(error))
        return 404;
    if (error == ENOSPC || error == EDQUOT)
        return 507;
    if (error == EINVAL)
        return 409;                     /* into itself */
    return error == EACCES || error == EPERM || error == EROFS ? 403 : 500;
}

/* Of a file that could not be written. */
static unsigned write_status(int error)
{
    return error == ENOSPC || error == EDQUOT ? 507 : 500;
}

static void fail(struct dav_job *j, unsigned status, const char *call, const char *path)
{
    const int error = errno;
    j->status = status;
    say(j, level_of(status), error, "%s \"%s\" failed", call, path);
}

static void fail_tree(struct dav_job *j, const struct file_tree_failure *failure)
{
    errno = failure->error;
    fail(j, j->folder ? status_of(errno) : write_status(errno), failure->call, failure->path);
}

/* lstat() of a name that was written with a slash behind it looks behind a link. */
static int look(const char *path, bool slash, struct stat *st)
{
    if (!slash)
        return lstat(path, st);
    if (stat(path, st) < 0)
        return -1;
    errno = ENOTDIR;
    return S_ISDIR(st->st_mode) ? 0 : -1;
}

/* --- in the thread: PUT ----------------------------------------------------------------------- */

/* The file of the body gets a name here, without being copied: on the same file system. */
static bool link_body(const struct dav_job *j)
{
    char name[32];
    struct fmt f;
    if (j->fd < 0)
        return false;
    if (j->body_name)
        return rename(j->body_name, j->temp) == 0;
    fmt_init(&f, name, sizeof(name));
    fmt_print(&f, "/proc/self/fd/%d", j->fd);
    return linkat(AT_FDCWD, fmt_done(&f).at, AT_FDCWD, j->temp, AT_SYMLINK_FOLLOW) == 0;
}

static bool write_body(const struct dav_job *j)
{
    const int fd = open(j->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    const bool good = j->fd < 0 ? file_tree_write(fd, j->bytes) : file_tree_copy_bytes(j->fd, fd);
    const int error = errno;
    if (close(fd) < 0 && good)
        return false;
    errno = error;
    return good;
}

static bool make_file(const struct dav_job *j)
{
    struct timespec times[2] = { { 0, UTIME_OMIT }, { j->time, 0 } };
    if (!link_body(j) && !write_body(j)) {
        if (errno != ENOENT || !j->make_way
            || !file_tree_make_way(j->to, store_access_folder(j->mode)) || !write_body(j))
            return false;
    }
    return chmod(j->temp, j->mode) == 0
           && (j->time < 0 || utimensat(AT_FDCWD, j->temp, times, 0) == 0);
}

static void work_put(struct thread_job *job)
{
    struct dav_job *j = container_of(job, struct dav_job, job);
    struct stat st;
    const bool there = lstat(j->to, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
        j->status = 409;
        say(j, LOG_ERROR, EISDIR, "\"%s\" could not be created", j->to);
    } else if (!make_file(j) || rename(j->temp, j->to) < 0) {
        fail(j, write_status(errno), "writing", j->to);
        unlink(j->temp);
    } else
        j->status = there ? 204 : 201;
}

/* --- in the thread: DELETE, MKCOL ------------------------------------------------------------- */

static void work_delete(struct thread_job *job)
{
    struct dav_job *j = container_of(job, struct dav_job, job);
    struct file_tree_failure failure;
    struct stat st;
    if (look(j->from, j->folder, &st) < 0)
        fail(j, errno == ENOTDIR ? 409 : status_of(errno), "lstat()", j->from);
    else if (S_ISDIR(st.st_mode) && !j->folder) {
        j->status = 409;
        say(j, LOG_ERROR, EISDIR, "DELETE \"%s\" failed", j->from);
    } else if (!file_tree_remove(j->from, &failure)) {
        errno = failure.error;
        fail(j, status_of(errno), failure.call, failure.path);
    } else
        j->status = 204;
}

static void work_mkcol(struct thread_job *job)
{
    struct dav_job *j = container_of(job, struct dav_job, job);
    if (mkdir(j->to, store_access_folder(j->mode)) == 0)
        j->status = 201;
    else if (errno == EEXIST)
        fail(j, 405, "mkdir()", j->to);
    else
        fail(j, is_missing(errno) ? 409 : status_of(errno), "mkdir()", j->to);
}

/* --- in the thread: COPY, MOVE ---------------------------------------------------------------- */

/* `from` takes the place of what is there; when it cannot, that stays.  False: errno. */
static bool install(struct dav_job *j, const char *from)
{
    struct file_tree_failure failure;
    if (rename(from, j->to) == 0)
        return true;
    if (errno != ENOTEMPTY && errno != EEXIST && errno != EISDIR && errno != ENOTDIR)
        return false;
    if (rename(j->to, j->aside) < 0)
        return false;
    if (rename(from, j->to) < 0) {
        const int error = errno;
        if (rename(j->aside, j->to) < 0)
            say(j, LOG_ALERT, errno, "rename() \"%s\" to \"%s\" failed", j->aside, j->to);
        errno = error;
        return false;
    }
    if (!file_tree_remove(j->aside, &failure))
        say(j, LOG_CRIT, failure.error, "%s \"%s\" failed", failure.call, failure.path);
    return true;
}

static void fail_move(struct dav_job *j)
{
    const int error = errno;
    j->status = j->folder ? status_of(error) : write_status(error);
    say(j, level_of(j->status), error, "rename() \"%s\" to \"%s\" failed", j->from, j->to);
}

static bool copy(struct dav_job *j)
{
    struct file_tree_failure failure, ignored;
    struct stat st;
    if (j->shallow) {
        if (stat(j->from, &st) == 0 && mkdir(j->temp, 0700) == 0
            && chmod(j->temp, st.st_mode & 0777) == 0)
            return true;
        fail(j, status_of(errno), "mkdir()", j->temp);
    } else if (file_tree_copy(j->from, j->temp, &failure))
        return true;
    else
        fail_tree(j, &failure);
    (void)!file_tree_remove(j->temp, &ignored);
    return false;
}

static bool copy_and_install(struct dav_job *j)
{
    struct file_tree_failure ignored;
    if (!copy(j))
        return false;
    if (install(j, j->temp))
        return true;
    fail_move(j);
    (void)!file_tree_remove(j->temp, &ignored);
    return false;
}

/* False: the outcome is there. */
static bool may_replace(struct dav_job *j)
{
    struct stat st;
    if (lstat(j->to, &st) < 0) {
        if (errno == ENOENT)
            return true;
        fail(j, status_of(errno), "lstat()", j->to);
        return false;
    }
    if (!j->overwrite) {
        j->status = 412;
        say(j, LOG_ERROR, EEXIST, "\"%s\" could not be created", j->to);
    } else if (S_ISDIR(st.st_mode) && !j->folder) {
        j->status = 409;
        say(j, LOG_ERROR, 0, "\"%s\" could not be %sed to collection \"%.*s\"", j->from, j->name,
            STR_FMT(j->destination));
    } else
        return true;
    return false;
}

/* `follow`: a link stands for what it leads to.  False: the outcome is there. */
static bool is_source(struct dav_job *j, bool follow)
{
    struct stat st;
    if (look(j->from, j->folder, &st) < 0
        || (follow && S_ISLNK(st.st_mode) && stat(j->from, &st) < 0)) {
        fail(j, status_of(errno), "lstat()", j->from);
        return false;
    }
    if (!S_ISDIR(st.st_mode) || j->folder)
        return true;
    j->status = 400;
    say(j, LOG_ERROR, 0, "\"%s\" is collection", j->from);
    return false;
}

static void work_copy(struct thread_job *job)
{
    struct dav_job *j = container_of(job, struct dav_job, job);
    if (may_replace(j) && is_source(j, true) && copy_and_install(j))
        j->status = j->folder ? 201 : 204;
}

static bool move(struct dav_job *j)
{
    struct file_tree_failure failure;
    if (install(j, j->from))
        return true;
    if (errno == ENOENT && !j->folder
        && file_tree_make_way(j->to, store_access_folder(j->mode)) && install(j, j->from))
        return true;
    if (errno != EXDEV) {
        fail_move(j);
        return false;
    }
    if (!copy_and_install(j))
        return false;
    if (!file_tree_remove(j->from, &failure))
        say(j, LOG_CRIT, failure.error, "%s \"%s\" failed", failure.call, failure.path);
    return true;
}

static void work_move(struct thread_job *job)
{
    struct dav_job *j = container_of(job, struct dav_job, job);
    if (may_replace(j) && is_source(j, false) && move(j))
        j->status = j->folder ? 201 : 204;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void job_done(struct task *task)
{
    struct dav_job *j = container_of(task, struct dav_job, job.task);
    request_op_done(j->request, &j->op);
}

static bool job_cancel(struct op *op)
{
    (void)op;
    return false;                       /* what has begun is brought to its end */
}

static enum step answer(struct request *r, const struct dav_job *j)
{
    struct fmt f;
    if (j->text[0])
        log_write(&r->log, j->level, j->error, "%s", j->text);
    if (j->status >= 300)
        return request_fail(r, j->status);
    if (j->status == 201 && !j->from) {
        fmt_init_pool(&f, r->subject.pool, r->in.path.len, 65536);
        escape_uri(&f, r->in.path, ESCAPE_URI);
        response_location(r, fmt_done(&f));
    }
    return response_text(r, j->status, STR_NONE, STR_NONE);
}

/* The loop does it itself when no thread can. */
static enum step start(struct request *r, struct dav_job *j, void (*work)(struct thread_job *job))
{
    struct dav_note *note = request_note(r, &key, sizeof(*note));
    struct threads *threads = worker_pool(r->subject.conn->worker, STR("default"));
    j->request = r;
    j->job.work = work;
    j->job.task.run = job_done;
    if (!threads || !threads_run(threads, &j->job)) {
        work(&j->job);
        return answer(r, j);
    }
    note->job = j;
    request_op_start(r, &j->op, "changing files", true, job_cancel);
    return STEP_WAIT;
}

/* --- the head --------------------------------------------------------------------------------- */

static bool ends_in_slash(struct str path)
{
    return path.len > 0 && path.at[path.len - 1] == '/';
}

static __attribute__((format(printf, 3, 4))) enum step refuse(struct request *r, unsigned status,
                                                              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_vwrite(&r->log, LOG_ERROR, 0, format, args);
    va_end(args);
    return request_fail(r, status);
}

/* The folder that the location stands for is not removed, replaced or moved. */
static bool is_root(struct request *r, struct str path)
{
    const size_t alias = http_location_conf(r)->alias;
    return alias != ALIAS_ALL && ends_in_slash(path) && path.len <= size_max(alias, 1);
}

static const char *file_path(struct request *r, struct str path)
{
    struct str at = path_of(r, path);
    if (at.len == 0)
        return NULL;
    while (at.len > 1 && at.at[at.len - 1] == '/')
        at.len--;
    return pool_cstr(r->subject.pool, at);
}

/* Names beside `to` that nobody else has.  False: no random bytes. */
static bool name_temps(struct request *r, struct dav_job *j)
{
    const struct str to = str_from(j->to);
    const struct str folder = str_of(to.at, (size_t)(str_rchr(to, '/') + 1));
    const char **names[] = { &j->temp, &j->aside };
    for (unsigned i = 0; i < countof(names); i++) {
        uint64_t random;
        if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
            return false;
        *names[i] = fmt_pool(r->subject.pool, "%.*s.dav-%016llx", STR_FMT(folder),
                             (unsigned long long)random).at;
    }
    return true;
}

static struct dav_job *new_job(struct request *r)
{
    const struct dav_conf *conf = request_conf(r, section);
    struct dav_job *j = pool_new(r->subject.pool, struct dav_job);
    j->name = pool_cstr(r->subject.pool, r->in.method_name);
    j->folder = ends_in_slash(r->in.path);
    j->mode = conf->access;
    j->time = -1;
    j->fd = -1;
    return j;
}

static enum step put(struct request *r)
{
    const struct dav_conf *conf = request_conf(r, section);
    if (ends_in_slash(r->in.path))
        return refuse(r, 409, "cannot PUT to a collection");
    if (fields_known(&r->in.fields, FIELD_CONTENT_RANGE))
        return refuse(r, 501, "PUT with range is unsupported");
    const enum step step = body_read(r);
    if (step != STEP_NEXT)
        return step;
    const struct body *body = r->main->body;
    struct dav_job *j = new_job(r);
    if (body && body->drop)             /* it was refused elsewhere: this is the way of an error */
        return request_fail(r, 500);
    j->to = file_path(r, r->in.path);
    if (!j->to)
        return STEP_FAIL;
    if (!name_temps(r, j))
        return request_fail(r, 500);
    j->make_way = conf->make_way;
    if (body) {
        j->fd = body->fd;
        j->bytes = str_of(body->memory, body->len);
        j->body_name = body->path.len && !body->clean ? body->path.at : NULL;
    }
    if (!date_parse(fields_value(&r->in.fields, FIELD_DATE), r->began / 1000, &j->time))
        j->time = -1;
    return start(r, j, work_put);
}

/* `zero`: 0 is good as well. */
static bool check_depth(struct request *r, bool zero, bool *shallow)
{
    const struct field *field = fields_known(&r->in.fields, FIELD_DEPTH);
    *shallow = field && zero && str_eq(field->value, STR("0"));
    if (!field || *shallow || str_eq(field->value, STR("infinity")))
        return true;
    if (!str_eq(field->value, STR("0")) && !str_eq(field->value, STR("1")))
        log_write(&r->log, LOG_ERROR, 0, "client sent invalid \"Depth\" header: \"%.*s\"",
                  STR_FMT(field->value));
    log_write(&r->log, LOG_ERROR, 0, "\"Depth\" header must be %sinfinity", zero ? "0 or " : "");
    return false;
}

static bool is_deep_enough(struct request *r, bool folder)
{
    const struct dav_conf *conf = request_conf(r, section);
    int64_t slashes = 0;
    for (size_t i = 0; i < r->in.path.len; i++)
        slashes += r->in.path.at[i] == '/';
    if (slashes - folder >= conf->min_depth)
        return true;
    log_write(&r->log, LOG_ERROR, 0, "insufficient URI depth:%lld to DELETE", (long long)slashes);
    return false;
}

static enum step delete(struct request *r)
{
    struct dav_job *j = new_job(r);
    bool shallow;
    if (r->main->body)
        return refuse(r, 415, "DELETE with body is unsupported");
    if (!is_deep_enough(r, j->folder))
        return request_fail(r, 409);
    if (!check_depth(r, !j->folder, &shallow))
        return request_fail(r, 400);
    if (is_root(r, r->in.path))
        return refuse(r, 403, "DELETE of the root is not allowed");
    j->from = file_path(r, r->in.path);
    return j->from ? start(r, j, work_delete) : STEP_FAIL;
}

static enum step mkcol(struct request *r)
{
    struct dav_job *j = new_job(r);
    if (r->main->body)
        return refuse(r, 415, "MKCOL with body is unsupported");
    if (!j->folder)
        return refuse(r, 409, "MKCOL can create a collection only");
    j->to = file_path(r, r->in.path);
    return j->to ? start(r, j, work_mkcol) : STEP_FAIL;
}

/* --- destinations ----------------------------------------------------------------------------- */

/* The path goes to the file of the source's location: an alias is for what begins as that does. */
static bool in_location(struct request *r, struct str path)
{
    struct str name;
    const size_t skip = path_skip(r);
    return skip == 0 || (skip < r->in.path.len && str_sub(r->in.path, 0, skip, &name)
                         && str_starts(path, name));
}

static bool same_host(struct request *r, struct str authority)
{
    struct str host;
    return authority.len == 0
           || (uri_host(authority, r->subject.pool, &host) && str_eq(host, r->in.host));
}

/* The path in `Destination`, or empty: it was said why not. */
static struct str read_destination(struct request *r, struct str *text)
{
    const struct field *field = fields_known(&r->in.fields, FIELD_DESTINATION);
    struct uri uri;
    if (!field) {
        log_write(&r->log, LOG_ERROR, 0, "client sent no \"Destination\" header");
        return STR_NONE;
    }
    *text = field->value;
    if (fields_next(&r->in.fields, field)
        || !uri_parse(*text, http_server_conf(r->server)->merge_slashes, r->subject.pool, &uri))
        log_write(&r->log, LOG_ERROR, 0, "client sent invalid \"Destination\" header: \"%.*s\"",
                  STR_FMT(*text));
    else if (!same_host(r, uri.authority) || !in_location(r, uri.path))
        log_write(&r->log, LOG_ERROR, 0, "\"Destination\" URI \"%.*s\" is handled by different "
                  "repository than the source URI", STR_FMT(*text));
    else
        return uri.path;
    return STR_NONE;
}

static bool read_overwrite(struct request *r, bool *overwrite)
{
    const struct field *field = fields_known(&r->in.fields, FIELD_OVERWRITE);
    *overwrite = !field || str_eq_ci(field->value, STR("T"));
    if (*overwrite || str_eq_ci(field->value, STR("F")))
        return true;
    log_write(&r->log, LOG_ERROR, 0, "client sent invalid \"Overwrite\" header: \"%.*s\"",
              STR_FMT(field->value));
    return false;
}

static enum step copy_or_move(struct request *r)
{
    const bool moves = r->in.method == METHOD_MOVE;
    struct dav_job *j = new_job(r);
    bool shallow;
    if (r->main->body)
        return refuse(r, 415, "COPY and MOVE with body are unsupported");
    const struct str to = read_destination(r, &j->destination);
    if (to.len == 0)
        return request_fail(r, 400);
    if (ends_in_slash(to) != j->folder)
        return refuse(r, 409, "both URI \"%.*s\" and \"Destination\" URI \"%.*s\" should be "
                      "either collections or non-collections", STR_FMT(r->in.path),
                      STR_FMT(j->destination));
    if (!check_depth(r, !moves, &shallow) || !read_overwrite(r, &j->overwrite))
        return request_fail(r, 400);
    if (is_root(r, to) || (moves && is_root(r, r->in.path)))
        return refuse(r, 403, "the root cannot be moved or replaced");
    j->shallow = j->folder && shallow;
    j->from = file_path(r, r->in.path);
    j->to = file_path(r, to);
    if (!j->from || !j->to)
        return STEP_FAIL;
    if (!name_temps(r, j))
        return request_fail(r, 500);
    return start(r, j, moves ? work_move : work_copy);
}

/* --- the step --------------------------------------------------------------------------------- */

static enum step run(struct request *r)
{
    const struct dav_conf *conf = request_conf(r, section);
    struct dav_note *note = request_note(r, &key, sizeof(*note));
    const struct dav_job *done = note->job;
    note->job = NULL;                   /* an error's location may have work of its own */
    if (done)
        return answer(r, done);
    switch (r->in.method & conf->methods) {
    case METHOD_PUT:
        return put(r);
    case METHOD_DELETE:
        return delete(r);
    case METHOD_MKCOL:
        return mkcol(r);
    case METHOD_COPY:
    case METHOD_MOVE:
        return copy_or_move(r);
    default:
        return STEP_NEXT;
    }
}

static const struct phase_step steps[] = { { PHASE_CONTENT, "dav", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_dav_module = {
    .module = { .name = "ngx_http_dav_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
