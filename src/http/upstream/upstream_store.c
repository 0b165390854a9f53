/*
 * proxy_store and its kin: an answer is written beside on its way, and named when it is whole.
 * Owns the file until then.
 */
#include "core/date.h"
#include "core/file_tree.h"
#include "http/path.h"
#include "http/upstream/upstream.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct upstream_stored {
    int fd;
    struct str temp, path;
    bool failed;
};

static void release(void *data)
{
    const struct upstream_stored *s = data;
    if (s->fd < 0)
        return;
    close(s->fd);
    unlink(s->temp.at);
}

void upstream_store_begin(struct upstream *u)
{
    struct request *r = u->request;
    const struct upstream_store *store = &u->conf->store;
    struct upstream_stored s = { .fd = -1 };
    if (store->path.source.len == 0)
        s.path = path_of(r, r->in.path);
    else if (!template_eval(&store->path, &r->subject, &s.path))
        return;
    if (s.path.len == 0 || s.path.at[s.path.len - 1] == '/')
        return;
    s.path = pool_str(r->subject.pool, s.path);
    s.fd = temp_file_open(&u->conf->temp, true, r->subject.pool, &s.temp);
    if (s.fd < 0) {
        log_write(&r->log, LOG_CRIT, errno, "open() of a temporary file in \"%.*s\" failed",
                  STR_FMT(u->conf->temp.path));
        return;
    }
    u->stored = pool_new(r->subject.pool, struct upstream_stored);
    *u->stored = s;
    pool_on_free(r->subject.pool, release, u->stored);
}

/* A disk that is full is no reason to keep the answer from its client. */
void upstream_store_add(struct upstream *u, struct str bytes)
{
    struct upstream_stored *s = u->stored;
    if (s->failed || file_tree_write(s->fd, bytes))
        return;
    s->failed = true;
    log_write(&u->request->log, LOG_CRIT, errno, "write() \"%s\" failed", s->temp.at);
}

static void set_time(const struct upstream *u, int fd)
{
    const struct str text = fields_value(&u->head.fields, FIELD_LAST_MODIFIED);
    int64_t t;
    if (text.len == 0 || !date_parse(text, request_loop(u->request)->real / 1000, &t))
        return;
    const struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = t } };
    (void)!futimens(fd, times);
}

/* Across file systems it is copied beside its place first, so that nobody sees half of it. */
static bool copy(const struct upstream_stored *s, struct pool *pool, unsigned mode)
{
    const struct str beside = fmt_pool(pool, "%s.%d.weir", s->path.at, (int)getpid());
    const int fd = open(beside.at, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    const bool good = file_tree_copy_bytes(s->fd, fd) && fchmod(fd, mode) == 0
                      && rename(beside.at, s->path.at) == 0;
    const int error = errno;
    if (!good)
        unlink(beside.at);
    close(fd);
    errno = error;
    return good;
}

static bool put_in_place(struct upstream *u, struct upstream_stored *s)
{
    const unsigned mode = u->conf->store_access;
    if (fchmod(s->fd, mode) < 0)
        return false;
    set_time(u, s->fd);
    if (rename(s->temp.at, s->path.at) == 0)
        return true;
    if (errno == ENOENT) {
        if (!file_tree_make_way(s->path.at, store_access_folder(mode)))
            return false;
        if (rename(s->temp.at, s->path.at) == 0)
            return true;
    }
    if (errno != EXDEV || !copy(s, u->request->subject.pool, mode))
        return false;
    unlink(s->temp.at);
    return true;
}

void upstream_store_end(struct upstream *u, bool whole)
{
    struct upstream_stored *s = u->stored;
    u->stored = NULL;
    if (!s)
        return;
    if (!whole || s->failed)
        unlink(s->temp.at);
    else if (!put_in_place(u, s)) {
        log_write(&u->request->log, LOG_CRIT, errno, "rename() \"%s\" to \"%s\" failed",
                  s->temp.at, s->path.at);
        unlink(s->temp.at);
    }
    close(s->fd);
    s->fd = -1;
}
