/*
 * systemd without its library: what happens is told to NOTIFY_SOCKET, sockets come by LISTEN_FDS.
 */
#ifndef OS_UNIX_NOTIFY_H
#define OS_UNIX_NOTIFY_H

#include "os/unix/platform.h"

/* Without NOTIFY_SOCKET these do nothing. */
void notify_send(const char *format, ...) PRINTF_LIKE(1, 2);
void notify_reloading(void);
/* Once, before any fork: a watchdog that waits for this process waits for its heirs as well. */
void notify_start(void);
/* Tells that we live when half of WATCHDOG_USEC has passed since the last time.  Milliseconds until
 * the next time; -1: nobody waits for it. */
int64_t notify_watchdog(int64_t now_msec);
/* How many sockets were passed, from descriptor 3 on; the variables are removed. */
unsigned notify_listen_fds(void);

#endif
