/*
 * Bytes in and out of non-blocking descriptors, with one answer for all of them.
 */
#ifndef OS_UNIX_IO_H
#define OS_UNIX_IO_H

#include "os/unix/platform.h"

#include <sys/uio.h>

enum io {
    IO_OK,                              /* something was moved */
    IO_AGAIN,                           /* nothing now */
    IO_EOF,                             /* the other side, or the file, is at its end */
    IO_ERROR,                           /* errno */
};

enum io io_recv(int fd, void *to, size_t room, size_t *got);
/* `more`: further bytes follow at once, so that a head and its body leave together. */
enum io io_writev(int fd, const struct iovec *iov, int count, bool more, size_t *sent);
/* IO_EOF: the file is shorter than it was. */
enum io io_sendfile(int to, int from, off_t off, size_t len, size_t *sent);

#endif
