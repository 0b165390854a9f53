/*
 * Shared memory.  Owns nothing.
 */
#include "os/unix/shmem.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int shmem_create(const char *name, size_t size)
{
    const int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fchmod(fd, 0600) == 0 && ftruncate(fd, (off_t)size) == 0 &&
        fallocate(fd, 0, 0, (off_t)size) == 0)
        return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}
