/*
 * Clocks: monotonic for everything that waits, real for what people read.
 */
#ifndef OS_UNIX_CLOCK_H
#define OS_UNIX_CLOCK_H

#include "os/unix/platform.h"

int64_t clock_msec(void);               /* monotonic */
int64_t clock_usec(void);
int64_t clock_real_msec(void);

#endif
