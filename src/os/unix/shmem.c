/*
 * Shared memory.  Owns nothing.
 */
#include "os/unix/shmem.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

/* More than the machine has would not be refused page by page: other processes would be ended to
 * make room for it. */
static bool can_be_had(size_t size)
{
    struct sysinfo info;
    if (sysinfo(&info) < 0)
        return false;
    if (size / info.mem_unit < info.totalram + info.totalswap)
        return true;
    errno = ENOMEM;
    return false;
}

int shmem_create(const char *name, size_t size)
{
    const int fd = can_be_had(size) ? memfd_create(name, MFD_CLOEXEC) : -1;
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
