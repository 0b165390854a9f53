/*
 * The transport of a connection: plain TCP or unix now; TLS and QUIC streams come as further rows.
 * The only way in which connection bytes are received and sent.
 *
 *     conn --recv, send, shutdown, close--> transport --> descriptor, conn.layer
 */
#ifndef EVENT_TRANSPORT_H
#define EVENT_TRANSPORT_H

#include "core/buf.h"
#include "os/unix/io.h"

struct conn;

struct transport {
    const char *name;
    /* What there is, up to `room`; clears watch.readable at EAGAIN or a short read. */
    enum io (*recv)(struct conn *c, void *to, size_t room, size_t *got);
    /* One step: what is at the front of `out` (one writev of memory, or a sendfile), which the
     * caller consumes by *sent.  IO_OK: go on.  IO_AGAIN: the kernel is full (*sent may be more
     * than 0); watch.writable is cleared.  IO_ERROR: logged. */
    enum io (*send)(struct conn *c, const struct chain *out, size_t *sent);
    void (*shutdown)(struct conn *c);           /* of the sending side */
    void (*close)(struct conn *c);              /* frees conn.layer; the descriptor is the conn's */
};

extern const struct transport transport_tcp;

#endif
