/*
 * Bytes in and out: one answer for all calls, at ends, full buffers, errors and interruptions.
 * Owns the socket pairs and the files of its tests.
 */
#include "os/unix/io.c"

#include "t/unit/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

static void pair_of(int pair[2], int flags)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | flags, 0, pair) < 0)
        abort();
}

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

static int file_of(const char *text)
{
    const int fd = memfd_create("test", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
    return fd;
}

static enum io write_text(int fd, const char *text, size_t *sent)
{
    const struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
    return io_writev(fd, &iov, 1, false, sent);
}

static void test_recv(void)
{
    char bytes[8];
    size_t got = 99;
    int pair[2];
    pair_of(pair, SOCK_NONBLOCK);
    is_int(io_recv(pair[0], bytes, sizeof(bytes), &got), IO_AGAIN, "nothing there yet");
    is_uint(got, 0, "no bytes then");
    write_text(pair[1], "0123456789", &got);
    is_int(io_recv(pair[0], bytes, sizeof(bytes), &got), IO_OK, "something there");
    is_mem(bytes, got, "01234567", 8, "as much as there is room for");
    is_int(io_recv(pair[0], bytes, sizeof(bytes), &got), IO_OK, "the rest");
    is_mem(bytes, got, "89", 2, "is short");
    close(pair[1]);
    is_int(io_recv(pair[0], bytes, sizeof(bytes), &got), IO_EOF, "the other side is gone");
    is_uint(got, 0, "no bytes at the end");
    close(pair[0]);
    got = 99;
    is_int(io_recv(pair[0], bytes, sizeof(bytes), &got), IO_ERROR, "a descriptor that is closed");
    ok(errno == EBADF && got == 0, "is an error with its errno, and no bytes");
}

static void test_writev(void)
{
    char bytes[16];
    size_t sent = 0;
    int pair[2];
    const struct iovec three[] = { { (char[]){ "ab" }, 2 }, { NULL, 0 }, { (char[]){ "cde" }, 3 } };
    pair_of(pair, SOCK_NONBLOCK);
    is_int(io_writev(pair[0], three, 3, true, &sent), IO_OK, "three pieces, more to come");
    is_uint(sent, 5, "all of them");
    is_mem(bytes, (size_t)read(pair[1], bytes, sizeof(bytes)), "abcde", 5, "in their order");
    while (write_text(pair[0], "a text that fills the buffer of the socket", &sent) == IO_OK)
        continue;
    ok(errno == EAGAIN && sent == 0, "a full socket says again, and has taken nothing");
    is_int(write_text(pair[0], "x", &sent), IO_AGAIN, "with an answer of its own");
    close(pair[1]);
    is_int(write_text(pair[0], "x", &sent), IO_ERROR, "the other side is gone: an error");
    is_int(errno, EPIPE, "and not a signal");
    close(pair[0]);
}

/* One write takes what there is room for. */
static void test_partial(void)
{
    static char large[4 << 20];
    const struct iovec iov = { large, sizeof(large) };
    size_t sent;
    int pair[2];
    pair_of(pair, SOCK_NONBLOCK);
    is_int(io_writev(pair[0], &iov, 1, false, &sent), IO_OK, "more than fits");
    ok(sent > 0 && sent < sizeof(large), "is taken in part");
    close_pair(pair);
}

static void test_sendfile(void)
{
    char bytes[16];
    size_t sent;
    int pair[2];
    const int file = file_of("0123456789");
    pair_of(pair, SOCK_NONBLOCK);
    is_int(io_sendfile(pair[0], file, 3, 4, &sent), IO_OK, "a part of a file");
    is_mem(bytes, (size_t)read(pair[1], bytes, sizeof(bytes)), "3456", 4, "from its offset on");
    is_int(lseek(file, 0, SEEK_CUR), 10, "the file's own offset stays");
    is_int(io_sendfile(pair[0], file, 8, 100, &sent), IO_OK, "past its end");
    is_uint(sent, 2, "only what there is");
    is_int(io_sendfile(pair[0], file, 10, 1, &sent), IO_EOF, "at its end");
    is_uint(sent, 0, "nothing");
    is_int(io_sendfile(pair[0], file, 1000, 1, &sent), IO_EOF, "behind its end");
    is_int(io_sendfile(pair[0], file, -1, 1, &sent), IO_ERROR, "before its beginning");
    while (io_sendfile(pair[0], file, 0, 10, &sent) == IO_OK)
        continue;
    is_int(io_sendfile(pair[0], file, 0, 10, &sent), IO_AGAIN, "into a full socket");
    close_pair(pair);
    close(file);
}

/* --- interruptions ---------------------------------------------------------------------------- */

static volatile sig_atomic_t interruptions;
static int late_end;

/* The third interruption brings what the call waits for. */
static void interrupted(int number)
{
    (void)number;
    if (++interruptions == 3)
        (void)!write(late_end, "late", 4);
}

static void interrupt_often(bool on)
{
    const struct sigaction action = { .sa_handler = on ? interrupted : SIG_IGN };
    const struct itimerval often = { { 0, on ? 2000 : 0 }, { 0, on ? 2000 : 0 } };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void test_interrupted(void)
{
    char bytes[8];
    size_t got;
    int pair[2];
    pair_of(pair, 0);
    late_end = pair[1];
    interrupt_often(true);
    const enum io io = io_recv(pair[0], bytes, sizeof(bytes), &got);
    interrupt_often(false);
    is_int(io, IO_OK, "interrupted calls are repeated");
    ok(interruptions >= 3, "they were interrupted");
    is_mem(bytes, got, "late", 4, "until there is something");
    close_pair(pair);
}

/* The child blocks in its write again and again; nothing may be lost or said twice. */
static void test_interrupted_write(void)
{
    static char large[1 << 20];
    static char chunk[65536];
    size_t whole = 0;
    ssize_t n;
    int pair[2], status = -1;
    pair_of(pair, 0);
    const pid_t child = fork();
    if (child == 0) {
        size_t all = 0, sent = 0;
        late_end = -1;
        close(pair[1]);
        interrupt_often(true);
        while (all < sizeof(large)) {
            const struct iovec iov = { large + all, sizeof(large) - all };
            if (io_writev(pair[0], &iov, 1, false, &sent) != IO_OK)
                _exit(1);
            all += sent;
        }
        _exit(all == sizeof(large) ? 0 : 2);
    }
    close(pair[0]);
    while ((n = read(pair[1], chunk, sizeof(chunk))) > 0)
        whole += (size_t)n;
    waitpid(child, &status, 0);
    is_int(status, 0, "an interrupted write goes on");
    is_uint(whole, sizeof(large), "and every byte arrives once");
    close(pair[1]);
}

int main(void)
{
    test_recv();
    test_writev();
    test_partial();
    test_sendfile();
    test_interrupted();
    test_interrupted_write();
    return done_testing();
}
