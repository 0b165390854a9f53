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

/* Sleeps while *word is `value`, in memory that may be shared with other processes; may also return
 * for no reason. */
void thread_wait_while(int *word, int value);
void thread_wake_one(int *word);

static inline void thread_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

#endif
