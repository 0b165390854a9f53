/*
 * Whole messages with descriptors between two processes: a pair of SOCK_SEQPACKET sockets.
 */
#ifndef OS_UNIX_CHANNEL_H
#define OS_UNIX_CHANNEL_H

#include "os/unix/io.h"

enum { CHANNEL_DESCRIPTORS = 200 };

bool channel_pair(int pair[2]);
/* False: errno; EAGAIN when `dontwait` and there is no room. */
bool channel_send(int fd, const void *message, size_t size, const int *fds, unsigned count,
                  bool dontwait);
/* Never waits.  A message of another size, or more descriptors than `most`, is IO_ERROR, and what
 * came with it is closed.  Fewer than were sent come where this process may not have more: the
 * first ones. */
enum io channel_recv(int fd, void *message, size_t size, int *fds, unsigned most, unsigned *count);

#endif
