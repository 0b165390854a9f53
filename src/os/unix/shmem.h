/*
 * Anonymous files as shared memory.
 */
#ifndef OS_UNIX_SHMEM_H
#define OS_UNIX_SHMEM_H

#include "os/unix/platform.h"

/* A memfd of this size whose pages are allocated here and now; -1: errno. */
int shmem_create(const char *name, size_t size);

#endif
