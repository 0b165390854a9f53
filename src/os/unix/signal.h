/*
 * Signals as descriptors.
 */
#ifndef OS_UNIX_SIGNAL_H
#define OS_UNIX_SIGNAL_H

#include "os/unix/platform.h"

/* Blocks these signals in this process, ignores PIPE and SYS, and opens a descriptor that has them;
 * -1: errno. */
int signal_open(const int *signals, unsigned count);
/* As a program expects it at its start: nothing blocked, everything by default. */
void signal_restore(void);
const char *signal_name(int signal);    /* "SIGHUP" */

#endif
