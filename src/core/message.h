/*
 * What the master and a worker say to each other, over one SOCK_SEQPACKET channel.
 *
 *     master                                worker
 *       DESCRIPTORS (slots, fds) ...  -->     handle_put
 *       CLOSE (slot)                  -->     handle_close
 *       PREPARE (generation, runs)    -->     opens the runs, prepares
 *                                     <--     PREPARED | REFUSED (why)
 *       COMMIT | ABORT                -->     switches | forgets
 *                                     <--     COMMITTED
 *                                     <--     RELEASED (generation)       when its last pin is gone
 *       PING                          -->     turns its loop: the heartbeat moves
 *       ADOPT, DISOWN (worker)        -->     accepts for a sibling: stalled, full, dead
 *       QUIT (with or without heir)   -->     answers what it has, and exits
 *       STATUS                        -->     <-- PINS (generation, count) for each, and STATUS
 *                                     <--     FULL, ROOM: it cannot accept, it can again
 *                                     <--     REOPEN: somebody sent it USR1
 *
 * The master trusts nothing in a worker's message but type and numbers it checks.
 */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "core/arena.h"

struct generation;

enum message_type {
    MESSAGE_DESCRIPTORS,
    MESSAGE_CLOSE,
    MESSAGE_PREPARE,
    MESSAGE_COMMIT,
    MESSAGE_ABORT,
    MESSAGE_PING,
    MESSAGE_ADOPT,
    MESSAGE_DISOWN,
    MESSAGE_QUIT,
    MESSAGE_STATUS,
    MESSAGE_PREPARED,
    MESSAGE_REFUSED,
    MESSAGE_COMMITTED,
    MESSAGE_RELEASED,
    MESSAGE_PINS,
    MESSAGE_FULL,
    MESSAGE_ROOM,
    MESSAGE_REOPEN,
};

enum { MESSAGE_DESCRIPTORS_MOST = 200, MESSAGE_WHY = 200 };

struct message {
    enum message_type type;
    unsigned generation;                /* its id */
    unsigned number;                    /* a worker; a count; QUIT: there is an heir */
    union {
        struct {
            const struct generation *at;
            struct arena_runs runs;
            unsigned workers;
        } prepare;
        struct {
            unsigned count;
            struct {
                uint32_t slot, kind;
            } row[MESSAGE_DESCRIPTORS_MOST];
        } descriptors;
        char why[MESSAGE_WHY];
    };
};

#endif
