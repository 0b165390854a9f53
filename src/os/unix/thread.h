/*
 * Threads: only what the house needs of them.
 */
#ifndef OS_UNIX_THREAD_H
#define OS_UNIX_THREAD_H

#include "os/unix/platform.h"

#include <pthread.h>

int thread_id(void);                    /* of the calling thread, as the system counts */
/* With every signal blocked and a small stack.  False: errno. */
bool thread_start(pthread_t *thread, void *(*run)(void *data), void *data);

#endif
