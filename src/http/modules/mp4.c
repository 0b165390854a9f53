/*
 * ngx_http_mp4_module: MP4 files from one time to another.  The head of the file is read and made
 * anew in a thread, in memory that goes with the request.
 */
#include "core/number.h"
#include "event/threads.h"
#include "event/worker.h"
#include "http/core_conf.h"
#include "http/file_part.h"
#include "http/mp4_parse.h"
#include "http/response.h"

enum { BOXES_MOST = 1000, FTYP_MOST = 1024 };

struct mp4_conf {
    struct conf_set set;
    bool on, key_frame;
    size_t buffer_size, max_buffer_size;
};

/* Bytes of a file that are at hand; the only way to any of them is need(). */
struct window {
    const struct file *file;
    char *bytes;
    size_t len, room;
    uint64_t off;                       /* of the first */
    size_t least, most;                 /* read at once */
    int error;
};

struct mp4_job {
    struct thread_job job;
    struct op op;
    struct request *request;
    struct file *file;
    struct mp4_cut cut;
    struct window window;
    char ftyp[FTYP_MOST + MP4_HEAD_MOST];
    struct str ftyp_box;
    uint64_t moov, moov_size;           /* moov_size 0: not found yet */
    bool mdat;
    char *memory;                       /* of the new head */
    struct str head;
    struct mp4_part part;
    const char *hint;                   /* behind part.after and the number */
    uint64_t number;
    bool good;
};

struct mp4_note {
    struct mp4_job *job;                /* NULL: nothing has begun */
};

static const char key;

/* --- configuration ---------------------------------------------------------------------------- */

static bool parse(struct conf *cf, void *field, const void *arg)
{
    (void)cf;
    (void)arg;
    return *(bool *)field = true;
}
static const struct conf_type type = { "", sizeof(bool), true, parse, false };

#define ROW(name, type, member, def, help) \
    { name, IN_HSL, 1, 1, type, FIELD(mp4_conf, member), INHERIT, def, NULL, NULL, help, NULL }

static const struct directive rows[] = {
    { "mp4", IN_LOCATION, 0, 0, &type, FIELD(mp4_conf, on), NAMELESS, NULL, NULL, NULL,
      "sends parts of MP4 files", NULL },
    ROW("mp4_buffer_size", &conf_type_size, buffer_size, "512K", "read at once of a file's head"),
    ROW("mp4_max_buffer_size", &conf_type_size, max_buffer_size, "10M",
        "largest head of a file"),
    ROW("mp4_start_key_frame", &conf_type_flag, key_frame, "off",
        "parts begin with a key frame"),
};
static struct section section = {
    .name = "mp4", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct mp4_conf), .rows = rows, .nrows = countof(rows), .per_block = true,
};

static bool enabled(const struct conf_block *block)
{
    const struct mp4_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

/* --- in the thread: reading ------------------------------------------------------------------- */

static bool read_at(struct window *w, size_t len)
{
    const struct file *file = w->file;
    struct str part;
    w->len = 0;
    if (file->content) {
        if (!str_sub(str_of(file->content, (size_t)file->st.st_size), (size_t)w->off, len, &part))
            return false;
        memcpy(w->bytes, part.at, part.len);
        w->len = len;
    }
    while (w->len < len) {
        const ssize_t n = pread(file->fd, w->bytes + w->len, len - w->len,
                                (off_t)(w->off + w->len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            w->error = errno;
        if (n <= 0)
            return false;
        w->len += (size_t)n;
    }
    return true;
}

/* Bytes [off, off + n) of the file, until the next call.  False: it has no such bytes, they are
 * more than may be read, or w->error. */
static bool need(struct window *w, uint64_t off, size_t n, struct str *out)
{
    const uint64_t size = (uint64_t)w->file->st.st_size;
    if (off > size || n > size - off || n > w->most)
        return false;
    if (off >= w->off && off - w->off <= w->len
        && str_sub(str_of(w->bytes, w->len), (size_t)(off - w->off), n, out))
        return true;
    const uint64_t want = size_max(n, w->least), left = size - off;
    const size_t len = (size_t)(want < left ? want : left);
    if (len > w->room) {
        char *bytes = realloc(w->bytes, len);
        if (!bytes) {
            w->error = ENOMEM;
            return false;
        }
        w->bytes = bytes;
        w->room = len;
    }
    w->off = off;
    return read_at(w, len) && str_sub(str_of(w->bytes, w->len), 0, n, out);
}

static bool fail(struct mp4_job *j, const char *before, const char *after, uint64_t number)
{
    j->part.before = before;
    j->part.after = after;
    j->number = number;
    return false;
}

static bool note_box(struct mp4_job *j, uint64_t at, const struct mp4_box *box)
{
    const uint64_t body = box->size - box->head;
    struct str bytes;
    if (box->type == MP4_TYPE('m', 'd', 'a', 't'))
        j->mdat = true;
    else if (box->type == MP4_TYPE('m', 'o', 'o', 'v')) {
        if (j->moov_size)
            return fail(j, "duplicate mp4 moov atom was found in ", "", 0);
        if (box->size > j->window.most) {
            j->hint = ", you may want to increase mp4_max_buffer_size";
            return fail(j, "", " mp4 moov atom is too large", body);
        }
        j->moov = at;
        j->moov_size = box->size;
    } else if (box->type == MP4_TYPE('f', 't', 'y', 'p') && !j->ftyp_box.at) {
        if (body > FTYP_MOST)
            return fail(j, "", " mp4 ftyp atom is too large", body);
        if (!need(&j->window, at, (size_t)box->size, &bytes))
            return fail(j, "", " mp4 file truncated", 0);
        memcpy(j->ftyp, bytes.at, bytes.len);
        j->ftyp_box = str_of(j->ftyp, bytes.len);
    }
    return true;
}

/* Goes from box to box, until the head and the media data were found. */
static bool find_boxes(struct mp4_job *j)
{
    const uint64_t size = (uint64_t)j->file->st.st_size;
    uint64_t at = 0;
    for (unsigned i = 0; i < BOXES_MOST && at < size && !(j->moov_size && j->mdat); i++) {
        const uint64_t left = size - at;
        struct mp4_box box = { 0 };
        struct str bytes;
        if (left < 8
            || !need(&j->window, at, (size_t)(left < MP4_HEAD_MOST ? left : MP4_HEAD_MOST), &bytes))
            return fail(j, "", " mp4 file truncated", 0);
        if (!mp4_box_head(bytes, left, &box))
            return fail(j, "", " mp4 atom too large", box.size);
        if (!note_box(j, at, &box))
            return false;
        at += box.size;
    }
    if (!j->moov_size)
        return fail(j, "no mp4 trak atoms were found in ", "", 0);
    return j->mdat || fail(j, "no mp4 mdat atom was found in ", "", 0);
}

static bool make_head(struct mp4_job *j)
{
    struct str moov;
    struct fmt f;
    if (!need(&j->window, j->moov, (size_t)j->moov_size, &moov))
        return fail(j, "", " mp4 file truncated", 0);
    const size_t room = mp4_room(j->ftyp_box, moov) + 1;
    j->memory = malloc(room);
    if (!j->memory) {
        j->window.error = ENOMEM;
        return false;
    }
    fmt_init(&f, j->memory, room);
    if (!mp4_cut(j->ftyp_box, moov, &j->cut, &f, &j->part))
        return false;
    j->head = fmt_done(&f);
    return true;
}

static void work(struct thread_job *job)
{
    struct mp4_job *j = container_of(job, struct mp4_job, job);
    j->good = find_boxes(j) && make_head(j);
    free(j->window.bytes);
    j->window.bytes = NULL;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void job_done(struct task *task)
{
    struct mp4_job *j = container_of(task, struct mp4_job, job.task);
    request_op_done(j->request, &j->op);
}

static bool job_cancel(struct op *op)
{
    (void)op;
    return false;                       /* the thread writes into it still */
}

static void release(void *data)
{
    const struct mp4_job *j = data;
    free(j->memory);
}

static enum step answer(struct request *r, const struct mp4_job *j)
{
    char number[32];
    struct fmt f;
    if (j->good)
        return file_part_response(r, j->file, j->head, (int64_t)j->part.from, (int64_t)j->part.to);
    if (j->window.error) {
        log_write(&r->log, LOG_CRIT, j->window.error, "reading \"%.*s\" failed",
                  STR_FMT(j->file->path));
        return request_fail(r, 500);
    }
    fmt_init(&f, number, sizeof(number));
    if (j->number)
        fmt_print(&f, ":%llu", (unsigned long long)j->number);
    fmt_done(&f);
    log_write(&r->log, LOG_ERROR, 0, "%s\"%.*s\"%s%s%s", j->part.before, STR_FMT(j->file->path),
              j->part.after, number, j->hint);
    return request_fail(r, 500);
}

/* The loop does it itself when no thread can. */
static enum step start(struct request *r, struct file *file, const struct mp4_cut *cut)
{
    const struct mp4_conf *conf = request_conf(r, section);
    struct mp4_note *note = request_note(r, &key, sizeof(*note));
    struct threads *threads = worker_pool(r->subject.conn->worker, STR("default"));
    struct mp4_job *j = pool_new(r->subject.pool, struct mp4_job);
    j->request = r;
    j->file = file;
    j->cut = *cut;
    j->window = (struct window){ .file = file, .least = conf->buffer_size,
                                 .most = size_max(conf->max_buffer_size, FTYP_MOST)
                                         + MP4_HEAD_MOST };
    j->hint = "";
    j->job.work = work;
    j->job.task.run = job_done;
    pool_on_free(r->subject.pool, release, j);
    if (!threads || !threads_run(threads, &j->job)) {
        work(&j->job);
        return answer(r, j);
    }
    note->job = j;
    request_op_start(r, &j->op, "cutting a video", true, job_cancel);
    return STEP_WAIT;
}

/* --- the step --------------------------------------------------------------------------------- */

/* "12.345678": milliseconds, 12345.  False: it is no time. */
static bool parse_time(struct str text, uint64_t *time)
{
    struct str whole, fraction, digits;
    uint64_t seconds = 0, any = 0;
    str_cut(text, '.', &whole, &fraction);
    if (text.len == 0 || (whole.len == 0 && fraction.len == 0)
        || (whole.len && !number_u64(whole, &seconds)) || mul_overflows(seconds, 1000, time))
        return false;
    for (size_t i = 0; i < fraction.len; i++) {
        if (!str_sub(fraction, i, 1, &digits) || !number_u64(digits, &any))
            return false;
        if (i < 3 && add_overflows(*time, any * (i == 0 ? 100 : i == 1 ? 10 : 1), time))
            return false;
    }
    return true;
}

static enum step run(struct request *r)
{
    const struct mp4_conf *conf = request_conf(r, section);
    struct mp4_note *note = request_note(r, &key, sizeof(*note));
    const struct mp4_job *done = note->job;
    struct mp4_cut cut = { .key_frame = conf->key_frame };
    struct file *file;
    uint64_t end;
    note->job = NULL;                   /* an error's location may have work of its own */
    if (done)
        return answer(r, done);
    const enum step step = file_part_open(r, &file);
    if (step != STEP_NEXT || !file)
        return step;
    if (!parse_time(file_part_arg(r, STR("start")), &cut.start))
        cut.start = 0;
    if (parse_time(file_part_arg(r, STR("end")), &end) && end > cut.start)
        cut.length = end - cut.start;
    if (!cut.start && !cut.length)
        return response_file(r, file, r->in.path);
    cut.file_size = (uint64_t)file->st.st_size;
    return start(r, file, &cut);
}

static const struct phase_step steps[] = { { PHASE_HANDLER, "mp4", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_mp4_module = {
    .module = { .name = "ngx_http_mp4_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
