/*
 * Addresses that a generation listens on: rows of descriptors, as the master sees them.
 *
 *     listening 127.0.0.1:80     slots  [4] [5] [6] [7]     one SO_REUSEPORT socket a worker
 *     listening unix:/run/a      slots  [8]                 shared by all
 *     listening [::]:443         slots  [9]                 shared: inherited from another program
 *
 * Sockets belong to the master and outlive workers and reloads.  With fewer workers than sockets,
 * socket j is accepted from by worker j % workers, so no connection in a backlog is lost.
 * What is done with a connection is the protocol's: `accepted` and `data` are opaque here.
 */
#ifndef CORE_LISTENING_H
#define CORE_LISTENING_H

#include "core/conf.h"
#include "core/inet.h"
#include "os/unix/socket.h"

struct conn;

struct listening {
    struct listening *next;
    struct inet_address address;
    struct str text;                    /* as nginx writes it: "127.0.0.1:80" */
    struct socket_options options;
    bool separate;                      /* `reuseport`, or by default: a socket for each worker */
    bool proxy_protocol;
    void (*accepted)(struct conn *c);
    void *data;                         /* of the protocol: the servers on this address */
    struct str place;                   /* " in FILE:LINE" of the directive */

    unsigned *slots;
    unsigned nslots;
    bool bound;                         /* some of them anew, not found or inherited */
};

/* Master, while a generation is made: adds one (http, stream; after their blocks were read). */
struct listening *listening_add(struct conf *cf, const struct inet_address *address);

/* Master: finds or binds the sockets of every listening of `gen` for `workers` workers; new ones
 * are bound, not yet listening.  False: reported in `diag`; what was bound is closed again. */
bool listening_open(struct generation *gen, unsigned workers, struct diag_list *diag);

/* Master: `gen` will not be used after all; leaves no files of sockets behind. */
void listening_abandon(const struct generation *gen);

/* Master, at commit: clients get in.  False: errno; at `*which`. */
bool listening_start(const struct generation *gen, const struct listening **which);

/* Master, at its start: sockets that came with the environment.  `list` is "3;4:" (WEIR, NGINX),
 * where ":" follows one that is lent; `count` sockets from descriptor 3 on (LISTEN_FDS), all lent:
 * whoever passed them keeps them, and their files.  False: a bad number was met (logged). */
bool listening_inherit(const char *list);
void listening_inherit_activated(unsigned count);
/* Closes what was inherited and is not used, and says so. */
void listening_inherit_end(void);
bool listening_is_lent(int fd);
/* Removes the file of a unix socket, unless it is lent. */
void listening_unlink(int fd);

#endif
