/*
 * Access logs on their way to files.  Owns the buffer and the packer of each writer; descriptors
 * are handles.
 */
#include "event/log_writer.h"

#include "core/deflate.h"
#include "core/log.h"

#include <fcntl.h>
#include <sys/stat.h>

enum {
    TURN = 32 << 10,                    /* a buffer where none was asked for */
    STAGE_MOST = 64 << 10,              /* bytes that are packed at a time */
    PIPE_PIECE = 4096,                  /* what a pipe takes whole: PIPE_BUF of Linux */
    RETRY = 50,                         /* milliseconds, of a pipe that was full */
    PACKED_FIRST = 4096,
};

void log_writer_complain(int64_t *complained, const struct loop *loop, int error, struct str path)
{
    const int64_t second = loop->now / 1000;
    if (*complained == second)
        return;
    *complained = second;
    log_write(log_process, LOG_ALERT, error, "write() to \"%.*s\" failed", STR_FMT(path));
}

static void complain(struct log_writer *w, int error)
{
    log_writer_complain(&w->complained, w->loop, error, w->file->path);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Only of a file does a write never wait; a pipe keeps apart what several workers write as long as
 * it is short. */
static void look(struct log_writer *w, int fd)
{
    struct stat st;
    if (w->known)
        return;
    w->known = true;
    if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
        return;
    w->pieces = S_ISFIFO(st.st_mode);
    (void)!fcntl(fd, F_SETFL, O_WRONLY | O_APPEND | O_NONBLOCK);
}

/* Whole lines that a pipe takes at once; or one that is longer. */
static struct str piece_of(const struct log_writer *w, struct str bytes)
{
    struct str piece = bytes, rest;
    if (!w->pieces || w->file->level || bytes.len <= PIPE_PIECE)
        return bytes;
    ASSERT(str_sub(bytes, 0, PIPE_PIECE, &piece));
    const ssize_t newline = str_rchr(piece, '\n');
    if (newline >= 0) {
        ASSERT(str_sub(bytes, 0, (size_t)newline + 1, &piece));
        return piece;
    }
    str_cut(bytes, '\n', &piece, &rest);
    ASSERT(str_sub(bytes, 0, size_min(piece.len + 1, bytes.len), &piece));
    return piece;
}

/* What could not be written: all of it that is left; the error is said.  A pipe that is full leaves
 * what stays for later. */
static struct str write_out(struct log_writer *w, struct str bytes)
{
    const int fd = handle_fd(w->file->slot);
    look(w, fd);
    while (bytes.len) {
        const struct str piece = piece_of(w, bytes);
        const ssize_t n = write(fd, piece.at, piece.len);
        if (n > 0)
            ASSERT(str_from_off(bytes, (size_t)n, &bytes));
        else if (n < 0 && errno == EAGAIN)
            return bytes;
        else if (n == 0 || errno != EINTR) {
            complain(w, n < 0 ? errno : 0);
            return STR_NONE;
        }
    }
    return STR_NONE;
}

/* --- gzip ------------------------------------------------------------------------------------- */

static void drop_member(struct log_writer *w)
{
    deflate_free(w->packer);
    pool_free(&w->pool);
    w->packer = NULL;
    w->taken = 0;
}

static bool begin_member(struct log_writer *w)
{
    struct deflate_packing how = { .format = DEFLATE_GZIP, .level = w->file->level };
    deflate_fit(&how, w->file->size);
    w->packer = deflate_packer(&how);
    if (!w->packer)
        return false;
    pool_init(&w->pool, &pool_heap);
    /* Deflate makes nothing larger by more than a few bytes in each 16 KiB; one line may be far
     * longer than the buffer. */
    fmt_init_pool(&w->packed, &w->pool, PACKED_FIRST, SIZE_MAX / 4);
    return true;
}

/* False: no memory. */
static bool pack(struct log_writer *w, struct str bytes, enum deflate_mark mark)
{
    if (!w->packer && !begin_member(w))
        return false;
    w->taken += bytes.len;
    for (;;) {
        if (w->packed.len == w->packed.room && !fmt_need(&w->packed, PACKED_FIRST))
            return false;
        switch (deflate_run(w->packer, &bytes, mark, &w->packed)) {
        case DEFLATE_GO_ON:
            break;
        case DEFLATE_HUNGRY:
        case DEFLATE_END:
            return true;
        case DEFLATE_BROKEN:
        case DEFLATE_TOO_MUCH:
        case DEFLATE_NO_MEMORY:
            return false;
        }
    }
}

/* `bytes` join the member; with FINISH it is written. */
static void pack_or_drop(struct log_writer *w, struct str bytes, enum deflate_mark mark)
{
    if (bytes.len == 0 && !w->packer)
        return;
    if (!pack(w, bytes, mark)) {
        complain(w, ENOMEM);
        drop_member(w);
    } else if (mark == DEFLATE_FINISH) {
        if (write_out(w, fmt_done(&w->packed)).len)
            complain(w, EAGAIN);
        drop_member(w);
    }
}

/* --- the buffer ------------------------------------------------------------------------------- */

/* The next try of a pipe, or nothing. */
static void keep(struct log_writer *w, struct str left)
{
    if (left.len)
        memmove(w->at, left.at, left.len);
    w->len = left.len;
    if (w->len)
        timer_set(w->loop, &w->timer, RETRY);
    else
        timer_cancel(w->loop, &w->timer);
}

void log_writer_flush(struct log_writer *w)
{
    const struct str bytes = str_of(w->at, w->len);
    if (!w->len && !w->packer)
        return;
    if (!w->file->level) {
        keep(w, write_out(w, bytes));
        return;
    }
    pack_or_drop(w, bytes, DEFLATE_FINISH);
    keep(w, STR_NONE);
}

/* What waits is `more` bytes longer now. */
static void grown(struct log_writer *w, size_t more)
{
    w->len += more;
    if (!w->file->size)
        loop_post_flush(w->loop, &w->task);
    else if (w->taken + w->len >= w->file->size)
        log_writer_flush(w);
    else if (w->file->flush && !w->timer.set)
        timer_set(w->loop, &w->timer, w->file->flush);
}

/* The stage of a large compressed buffer is full: that is not its end. */
static void make_room(struct log_writer *w)
{
    if (!w->file->level || w->taken + w->len >= w->file->size) {
        log_writer_flush(w);
        return;
    }
    pack_or_drop(w, str_of(w->at, w->len), DEFLATE_MORE);
    w->len = 0;
}

static bool ready(struct log_writer *w)
{
    if (!w->at)
        w->at = malloc(w->size + 1);
    return w->at != NULL;
}

void log_writer_begin(struct log_writer *w, struct fmt *f)
{
    static const struct fmt none = { .failed = true };
    *f = none;
    if (ready(w))
        fmt_init(f, w->at + w->len, w->size - w->len + 1);
}

void log_writer_end(struct log_writer *w, const struct fmt *f)
{
    ASSERT(!f->failed && f->at == w->at + w->len && f->len <= w->size - w->len);
    grown(w, f->len);
}

/* Past the buffer, in order. */
static void add_long(struct log_writer *w, struct str line)
{
    if (w->file->level) {
        pack_or_drop(w, line, DEFLATE_MORE);
        grown(w, 0);
    } else if (w->len || write_out(w, line).len)
        complain(w, EAGAIN);
}

void log_writer_add(struct log_writer *w, struct str line)
{
    if (!ready(w)) {
        complain(w, ENOMEM);
        return;
    }
    if (line.len > w->size - w->len)
        make_room(w);
    if (line.len > w->size)
        add_long(w, line);
    else if (line.len > w->size - w->len)
        complain(w, EAGAIN);            /* the pipe is still full */
    else {
        memcpy(w->at + w->len, line.at, line.len);
        grown(w, line.len);
    }
}

/* --- a writer --------------------------------------------------------------------------------- */

static void turn_ends(struct task *task)
{
    log_writer_flush(container_of(task, struct log_writer, task));
}

static void timer_fires(struct timer *timer)
{
    log_writer_flush(container_of(timer, struct log_writer, timer));
}

static void file_changes(struct handle_watch *watch)
{
    struct log_writer *w = container_of(watch, struct log_writer, watch);
    log_writer_flush(w);
    w->known = w->pieces = false;
}

bool log_writer_init(struct log_writer *w, struct loop *loop, const struct log_file *file)
{
    if (!timers_reserve(&loop->timers, 1))
        return false;
    *w = (struct log_writer){ .file = file, .loop = loop, .complained = -1 };
    w->size = file->size ? file->size : TURN;
    if (file->level)
        w->size = size_min(w->size, STAGE_MOST);
    w->task.run = turn_ends;
    w->timer.fire = timer_fires;
    w->timer.idle = true;
    w->watch.before = file_changes;
    handle_watch(file->slot, &w->watch);
    return true;
}

void log_writer_free(struct log_writer *w)
{
    if (!w->file)
        return;
    log_writer_flush(w);
    if (w->len)
        complain(w, EAGAIN);
    timer_cancel(w->loop, &w->timer);
    timers_unreserve(&w->loop->timers, 1);
    loop_unpost(w->loop, &w->task);
    handle_unwatch(w->file->slot, &w->watch);
    free(w->at);
}
