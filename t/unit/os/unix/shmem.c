/*
 * Shared memory: its size and mode, its pages, that it is shared, and sizes that cannot be.
 * Owns nothing that outlives a test.
 */
#include "os/unix/shmem.c"

#include "t/unit/tap.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void test_create(void)
{
    struct stat st;
    const int fd = shmem_create("test", 10000);
    ok(fd >= 0 && fstat(fd, &st) == 0, "created");
    is_int(st.st_size, 10000, "with its size");
    ok(st.st_blocks * 512 >= 10000, "its pages are there already");
    is_int(st.st_mode & 07777, 0600, "nobody else may open it");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "a new program does not get it");
    close(fd);
}

static void test_shared(void)
{
    int status;
    const int fd = shmem_create("test", 4096);
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ok(at != MAP_FAILED && at[0] == 0 && at[4095] == 0, "it begins with zeros");
    const pid_t child = fork();
    if (child == 0) {
        at[4095] = 'x';
        _exit(0);
    }
    waitpid(child, &status, 0);
    is_int(at[4095], 'x', "what another process writes is seen here");
    munmap(at, 4096);
    close(fd);
}

/* A mistake here would take the memory of everything else that runs, so the child may not have
 * files as large as that. */
static int error_of(const char *name, size_t size)
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit most = { 1 << 20, 1 << 20 };
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &most) < 0 || shmem_create(name, size) >= 0)
            _exit(0);
        _exit(errno);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 100; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_impossible(void)
{
    char name[300];
    const unsigned before = descriptors();
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    is_int(error_of("test", (size_t)1 << 60), ENOMEM, "no more memory than the machine has");
    is_int(error_of("test", SIZE_MAX), ENOMEM, "nor a size that is no offset");
    is_int(error_of("test", 2 << 20), EFBIG, "nor more than the process may have");
    is_int(error_of(name, 4096), EINVAL, "nor with a name that is too long");
    errno = 0;
    ok(shmem_create("test", 0) < 0 && errno == EINVAL, "nor of no size");
    is_uint(descriptors(), before, "and no descriptor is left behind");
}

int main(void)
{
    test_create();
    test_shared();
    test_impossible();
    return done_testing();
}
