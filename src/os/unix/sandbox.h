/*
 * The system calls that a worker never makes are refused to it.
 */
#ifndef OS_UNIX_SANDBOX_H
#define OS_UNIX_SANDBOX_H

#include "os/unix/platform.h"

/* For this process and its threads, for good.  False: errno; ENOSYS, EINVAL: the kernel has no
 * filters.  no_new_privs must be set. */
bool sandbox_enter(void);

#endif
