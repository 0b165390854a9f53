/*
 * Threads.  Owns nothing.
 */
#include "os/unix/thread.h"

#include <signal.h>

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
