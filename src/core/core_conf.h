/*
 * The main and the events context: what the processes themselves need to know.
 */
#ifndef CORE_CORE_CONF_H
#define CORE_CORE_CONF_H

#include "core/conf.h"
#include "core/log.h"

struct core_affinity {
    uint64_t (*masks)[16];              /* 1024 bits each; worker i takes masks[i % count] */
    unsigned count;
    bool automatic;                     /* one CPU each, among those of masks[0] */
};

struct core_thread_pool {
    struct core_thread_pool *next;
    struct str name;
    unsigned threads, max_queue;
};

struct core_pool_use {                  /* of a run */
    struct core_pool_use *next;
    struct str name;
    struct diag_place place;
};

struct core_user {
    struct str name, group;
    unsigned uid, gid;
    bool set;
};

enum core_debug_points { CORE_DEBUG_STOP = 1, CORE_DEBUG_ABORT };

struct core_conf {
    struct conf_set set;
    bool daemon, master_process, pcre_jit;
    int64_t worker_processes;           /* 0: auto; after finish() never */
    int64_t worker_priority;
    int64_t worker_rlimit_nofile;       /* -1: as it is */
    int64_t worker_rlimit_core;
    int64_t worker_shutdown_timeout;    /* 0: none */
    int64_t worker_watchdog;            /* 0: off */
    int64_t timer_resolution;
    struct core_affinity affinity;
    struct core_user user;
    struct str pid, lock_file, working_directory;
    unsigned debug_points;
    struct conf_strs env;               /* "NAME" or "NAME=value" */
    struct core_thread_pool *thread_pools;
    const struct events_conf *events;
    const struct log_conf *log;         /* of the main context */
};

struct events_conf {
    struct conf_set set;
    unsigned worker_connections;        /* 0: from the descriptor limit */
    unsigned use;
    struct log_debug *debug_connections;        /* list; core/log_conf.h */
};

extern const struct module core_module;
extern struct section core_main_section, core_events_section;

/* Whether living workers cannot take over `b`: who they are, and their limits. */
bool core_needs_new_workers(const struct core_conf *a, const struct core_conf *b);

/* A name that thread_pool must have defined by the end: argument `arg` of the statement at hand. */
void core_thread_pool_use(struct conf *cf, struct str name, unsigned arg);

/* `worker_processes auto`. */
unsigned core_auto_workers(void);

#endif
