/*
 * Files that processes need for themselves: logs, pid files, small texts.
 */
#ifndef OS_UNIX_FILE_H
#define OS_UNIX_FILE_H

#include "os/unix/platform.h"

/* For appending, created when missing; -1: errno. */
int file_open_log(const char *path);
/* Whether file_open_log would succeed, without doing anything; false: errno. */
bool file_could_append(const char *path);
/* Written beside and renamed, so that nobody reads half of it; into what is no regular file. */
bool file_write_whole(const char *path, const char *text, size_t len, unsigned mode);
/* Up to size - 1 bytes and a NUL; -1: errno. */
ssize_t file_read_small(const char *path, char *buffer, size_t size);

#endif
