/*
 * Files for processes.  Owns nothing.
 */
#include "os/unix/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int file_open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

static bool folder_is_writable(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof(folder)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    return faccessat(AT_FDCWD, !slash ? "." : len ? folder : "/", W_OK | X_OK, AT_EACCESS) == 0;
}

bool file_could_append(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            errno = EISDIR;
            return false;
        }
        return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
    }
    return errno == ENOENT && folder_is_writable(path);
}

/* A device keeps its place: "/dev/null" must not become a file. */
static bool write_there(const char *path, const char *text, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const bool written = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    if (fd >= 0)
        close(fd);
    return written;
}

bool file_write_whole(const char *path, const char *text, size_t len, unsigned mode)
{
    char temp[PATH_MAX];
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_there(path, text, len);
    const int n = snprintf(temp, sizeof(temp), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(temp)) {
        errno = ENAMETOOLONG;
        return false;
    }
    const int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return false;
    const bool written = write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0;
    close(fd);
    if (written && rename(temp, path) == 0)
        return true;
    unlink(temp);
    return false;
}

ssize_t file_read_small(const char *path, char *buffer, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    if (fd < 0)
        return -1;
    do
        n = read(fd, buffer, size - 1);
    while (n < 0 && errno == EINTR);
    close(fd);
    if (n >= 0)
        buffer[n] = '\0';
    return n;
}
