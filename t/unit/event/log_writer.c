/*
 * The writer of log files: what is written when, with buffers, packed, to pipes, to full disks, to
 * a file that is replaced.
 * Owns a folder of files, one loop, and the handles.
 */
#include "event/log_writer.c"

#include "t/unit/tap.h"

static struct loop loop;
static char folder[] = "/tmp/weir-log-XXXXXX", path[64];
static struct pool pool;

static int open_log(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static struct str text_of(const char *name)
{
    char *at = pool_alloc(&pool, 1 << 20);
    const int fd = open_log(name);
    const ssize_t n = pread(fd, at, (1 << 20) - 1, 0);
    close(fd);
    return str_of(at, n > 0 ? (size_t)n : 0);
}

static void begin(struct log_writer *w, struct log_file *file, const char *name, int fd)
{
    file->slot = handle_add(HANDLE_LOG, name, fd);
    file->path = str_from(name);
    ASSERT(log_writer_init(w, &loop, file));
}

static void end(struct log_writer *w)
{
    const unsigned slot = w->file->slot;
    log_writer_free(w);
    handle_close(slot);
}

/* A line as requests make it. */
static void line(struct log_writer *w, struct str text)
{
    struct fmt f;
    log_writer_begin(w, &f);
    fmt_str(&f, text);
    if (f.failed)
        log_writer_add(w, text);
    else
        log_writer_end(w, &f);
}

static void lines(struct log_writer *w, unsigned from, unsigned to, size_t len)
{
    for (unsigned i = from; i <= to; i++) {
        struct fmt f;
        fmt_init_pool(&f, &pool, len + 32, len + 32);
        fmt_print(&f, "%u ", i);
        fmt_repeat(&f, 'x', len);
        fmt_char(&f, '\n');
        line(w, fmt_done(&f));
    }
}

static unsigned count(struct str text)
{
    unsigned n = 0;
    struct str one;
    while (str_cut(text, '\n', &one, &text))
        n++;
    return text.len ? UINT_MAX : n;
}

static void test_turn(void)
{
    struct log_file file = { .size = 0 };
    struct log_writer w;
    begin(&w, &file, "turn", open_log("turn"));
    line(&w, STR("one\n"));
    line(&w, STR("two\n"));
    is_str(text_of("turn").at, "", "nothing is written at once");
    loop_turn(&loop, 0);
    is_str(text_of("turn").at, "one\ntwo\n", "but at the end of the turn");
    lines(&w, 1, 2000, 100);
    ok(count(text_of("turn")) > 2, "or when the buffer is full");
    loop_turn(&loop, 0);
    is_uint(count(text_of("turn")), 2002, "all is there, in whole lines");
    line(&w, STR("last\n"));
    end(&w);
    ok(str_ends(text_of("turn"), STR("\nlast\n")), "what waits at the end is written");
    loop_turn(&loop, 0);
}

static void test_buffer(void)
{
    struct log_file file = { .size = 100, .flush = 3600000 };
    struct log_writer w;
    begin(&w, &file, "buffer", open_log("buffer"));
    line(&w, STR("one\n"));
    loop_turn(&loop, 0);
    is_str(text_of("buffer").at, "", "a buffer outlives turns");
    ok(w.timer.set, "its time runs");
    timer_set(&loop, &w.timer, 1);
    while (w.timer.set)
        loop_turn(&loop, 5);
    is_str(text_of("buffer").at, "one\n", "until its time is over");
    lines(&w, 1, 1, 60);
    ok(w.len > 60, "the next waits again");
    lines(&w, 2, 2, 60);
    is_uint(count(text_of("buffer")), 2, "until one does not fit");
    lines(&w, 3, 3, 1000);
    is_uint(count(text_of("buffer")), 4, "a long one goes at once, behind the others");
    lines(&w, 4, 4, 97);
    is_uint(count(text_of("buffer")), 5, "one that fills it exactly");
    end(&w);
}

static void test_packed(void)
{
    static const size_t sizes[] = { 1000, 200000 };
    for (size_t i = 0; i < countof(sizes); i++) {
        struct log_file file = { .size = sizes[i], .level = 6 };
        const struct deflate_limits none = { .most = 0 };
        const char *name = i ? "large.gz" : "small.gz";
        struct log_writer w;
        unsigned members = 0;
        struct fmt out;
        begin(&w, &file, name, open_log(name));
        lines(&w, 1, 2500, 100);
        lines(&w, 2501, 2501, 300000);
        line(&w, STR("last\n"));
        end(&w);
        struct str in = text_of(name);
        struct deflate *d = deflate_unpacker(DEFLATE_GZIP, &none);
        fmt_init_pool(&out, &pool, 1 << 20, 1 << 20);
        while (in.len) {
            enum deflate_result result = DEFLATE_GO_ON;
            while (result == DEFLATE_GO_ON)
                result = deflate_run(d, &in, DEFLATE_MORE, &out);
            if (!ok(result == DEFLATE_END, "a whole member"))
                break;
            members++;
            deflate_again(d);
        }
        deflate_free(d);
        const struct str text = fmt_done(&out);
        is_uint(count(text), 2502, "buffer of %zu: all lines", sizes[i]);
        ok(str_starts(text, STR("1 xxx")) && str_ends(text, STR("x\nlast\n")), "in order");
        ok(i ? members >= 2 && members <= 4 : members > 200, "%u members", members);
    }
}

static void test_renewed(void)
{
    struct log_file file = { .size = 1000 };
    struct log_writer w;
    begin(&w, &file, "old", open_log("old"));
    line(&w, STR("one\n"));
    ok(handle_put(file.slot, HANDLE_LOG, open_log("new")), "another file");
    is_str(text_of("old").at, "one\n", "what waited is in the old one");
    line(&w, STR("two\n"));
    end(&w);
    is_str(text_of("new").at, "two\n", "and what comes in the new one");
    is_str(text_of("old").at, "one\n", "only there");
}

static void test_full_disk(void)
{
    struct log_file file = { .size = 0 };
    struct log_writer w;
    const int fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        return;
    begin(&w, &file, "/dev/full", fd);
    const int64_t before = w.complained;
    lines(&w, 1, 2000, 100);
    loop_turn(&loop, 0);
    ok(before == -1 && w.complained == loop.now / 1000, "a full disk is said");
    is_uint(w.len, 0, "and the lines are gone");
    end(&w);
}

static struct str drain(int fd, struct fmt *f)
{
    for (;;) {
        char *at = fmt_need(f, 4096);
        const ssize_t n = at ? read(fd, at, 4096) : 0;
        if (n <= 0)
            return str_of(f->at, f->len);
        fmt_advance(f, (size_t)n);
    }
}

static void test_pipe(void)
{
    struct log_file file = { .size = 0 };
    struct log_writer w;
    struct fmt f;
    int ends[2];
    ASSERT(pipe2(ends, O_CLOEXEC) == 0);
    ASSERT(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    fmt_init_pool(&f, &pool, 1 << 10, 1 << 20);
    begin(&w, &file, "pipe", ends[1]);
    lines(&w, 1, 1000, 200);            /* more than both hold, and nothing waits */
    loop_turn(&loop, 0);
    ok(w.len > 0 && w.len <= w.size && w.timer.set, "what the pipe does not take waits");
    ok(w.complained >= 0, "what has no room is said");
    const struct str first = drain(ends[0], &f);
    ok(count(first) != UINT_MAX, "whole lines are in the pipe");
    while (w.len)
        loop_turn(&loop, 100);
    const struct str all = drain(ends[0], &f);
    ok(count(all) > count(first) && count(all) < 1000, "the rest follows by itself");
    ok(str_starts(all, STR("1 xx")), "the oldest lines are those that stay");
    lines(&w, 1, 1, 10000);
    end(&w);
    is_uint(count(drain(ends[0], &f)), count(all) + 1, "a line longer than a piece");
    close(ends[0]);
}

int main(void)
{
    static const struct log_conf quiet = { NULL, LOG_STDERR };
    ASSERT(mkdtemp(folder) && loop_init(&loop));
    log_use(&quiet);
    pool_init(&pool, &pool_heap);
    test_turn();
    test_buffer();
    test_packed();
    test_renewed();
    test_full_disk();
    test_pipe();
    struct log_writer unused = { .file = NULL };
    log_writer_free(&unused);
    static const char *const names[] = { "turn", "buffer", "small.gz", "large.gz", "old", "new" };
    for (size_t i = 0; i < countof(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    is_int(rmdir(folder), 0, "no other file was made");
    pool_free(&pool);
    loop_free(&loop);
    free(handles.at);
    return done_testing();
}
