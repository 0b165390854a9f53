/*
 * Threads.  Owns nothing.
 */
#include "os/unix/thread.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>

enum { STACK = 256 << 10 };

int thread_id(void)
{
    return gettid();
}

bool thread_start(pthread_t *thread, void *(*run)(void *data), void *data)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const int error = pthread_create(thread, &attributes, run, data);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    errno = error;
    return error == 0;
}

void thread_wait_while(int *word, int value)
{
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void thread_wake_one(int *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
