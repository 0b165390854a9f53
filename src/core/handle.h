/*
 * Descriptors that a generation refers to, by slot: the same number means the same thing in the
 * master and in every worker, whatever the descriptor's own number is in each of them.
 *
 *     generation (arena)          this process
 *     log { path, slot 3 } -----> handles.fd[3] = 17
 *     listening { slots 4, 5 } -> handles.fd[4] = 9, [5] = 10
 *
 * The master opens what a new generation needs under a new slot, or finds the slot of what is open
 * already by its key ("log:/var/log/a.log").  A worker that is forked inherits the descriptors;
 * a living one gets them with messages.  Reopening a log replaces the descriptor behind the slot,
 * for all generations at once.  A slot is free again when no generation refers to it.
 */
#ifndef CORE_HANDLE_H
#define CORE_HANDLE_H

#include "core/pool.h"

enum handle_kind {
    HANDLE_FREE,
    HANDLE_LISTENER,            /* a socket of one worker, or one shared by all */
    HANDLE_LOG,
    HANDLE_MEMORY,              /* a memory log: a memfd */
    HANDLE_ZONE,                /* a memfd, mapped while it is here: core/zone.h */
};

/* Someone in this process who keeps bytes for what is behind a slot: told before that changes. */
struct handle_watch {
    struct handle_watch *next;
    void (*before)(struct handle_watch *watch);
};

struct handle {
    enum handle_kind kind;
    int fd;                     /* -1: none in this process */
    uint32_t serial;            /* master only: of what is behind the slot now */
    char *key;                  /* master only: "kind:name", malloc'd */
    unsigned users;             /* master only: generations that refer to it */
    struct handle_watch *watches;
    void *mapped;               /* a zone: where; NULL: not mapped in this process */
    size_t mapped_size;
};

struct handle_table {
    struct handle *at;
    unsigned count;
};

/* This process's table; one of the few things that are global, since it is the process's. */
extern struct handle_table handles;

static inline int handle_fd(unsigned slot)
{
    ASSERT(slot < handles.count);
    return handles.at[slot].fd;
}

/* Any process: puts `fd` behind the slot; what was there is replaced by dup3 (a log reopened), so
 * that the descriptor number stays; `fd` itself is closed then. */
bool handle_put(unsigned slot, enum handle_kind kind, int fd);
void handle_close(unsigned slot);
void handle_watch(unsigned slot, struct handle_watch *watch);
void handle_unwatch(unsigned slot, struct handle_watch *watch);

/* Master: the slot of a key; -1 when nothing has it. */
int handle_find(const char *key);
unsigned handle_add(enum handle_kind kind, const char *key, int fd);
void handle_use(unsigned slot);
bool handle_unuse(unsigned slot);       /* true: that was the last user; close it everywhere */
/* Something new is behind the slot: workers must be sent it again. */
void handle_renewed(unsigned slot);

#endif
