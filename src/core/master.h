/*
 * The master: generations that live, workers that serve, and the signals between.
 *
 *     struct master
 *       living[64]      generations: one is `current`, at most one is `next` (a reload is open)
 *       rows[]          workers, by row; a row's bit in `holds` says which generations it may see
 *       transaction     IDLE -> PREPARING -> COMMITTING -> IDLE
 *                                   \-> IDLE (ABORT: one refused, died or was silent)
 *
 * It reads no client's byte and knows nothing of HTTP: what a worker is, main.c wires (`hooks`).
 * master.c is the loop and the signals, workers.c the rows, reload.c the transaction, upgrade.c the
 * new binary, control.c the socket that `weir -s reload` and `weir generations` talk to.
 */
#ifndef CORE_MASTER_H
#define CORE_MASTER_H

#include "core/core_conf.h"
#include "core/generation.h"
#include "core/message.h"

enum { MASTER_LIVING = 64, MASTER_ROWS = 1024 };

/* What a connection of a client is at. */
enum conn_stage { CONN_WAITING, CONN_READING, CONN_WRITING, CONN_STAGES };

/* One cache line of memory shared by all: its worker writes, the others look. */
struct worker_score {
    volatile uint64_t heartbeat;        /* turns of its loop */
    /* Since the server's start, by all workers that this row has had. */
    volatile uint64_t accepted, handled, requests;
    volatile uint32_t stages[CONN_STAGES];      /* connections, now */
    char rest[20];
};

struct worker_start {
    unsigned index, workers;
    int channel;
    const struct generation *generation;
    unsigned id;
    struct arena_runs runs;
    struct worker_score *score;
    const struct worker_score *scores;  /* of all rows */
    unsigned nscores;
};

struct master_hooks {
    /* In the child, which never returns. */
    NORETURN void (*worker)(const struct worker_start *start);
};

struct living {
    struct generation *generation;      /* NULL: this place is free */
    unsigned id;
    struct arena_runs runs;
    bool listening;                     /* its listeners count as used */
    int64_t loaded;                     /* realtime, ms */
};

enum row_state {
    ROW_FREE,
    ROW_LIVE,
    ROW_QUITTING,                       /* told to finish and exit */
    ROW_DEAD,                           /* waits for its replacement */
};

struct worker_row {
    enum row_state state;
    unsigned index;                     /* worker number: its listeners */
    pid_t pid;
    bool reaped;
    int status;                         /* of waitpid, once reaped */
    int channel;
    uint64_t holds;                     /* bits of living[] */
    uint32_t *has;                      /* by handle slot: the serial it was sent; 0: not */
    unsigned nhas;
    int64_t started, respawn_at;
    unsigned crashes;                   /* in a row, each soon after its start */
    uint64_t heartbeat;                 /* as last seen */
    unsigned silent;                    /* ticks since it moved */
    bool stalled, full, aborted;
    bool adopted;                       /* its siblings were told to accept for it */
};

enum transaction { TRANSACTION_IDLE, TRANSACTION_PREPARING, TRANSACTION_COMMITTING };

struct master_options {
    struct conf_paths paths;
    struct str global;                  /* -g */
    uint64_t no_warn;
    char **argv;
};

struct control_client;

struct master {
    const struct master_hooks *hooks;
    struct master_options options;
    struct living living[MASTER_LIVING], *current, *next;
    unsigned last_id;
    struct worker_row rows[MASTER_ROWS];
    unsigned workers;                   /* how many there should be */
    struct worker_score *scores;        /* by row */

    enum transaction transaction;
    int64_t began;                      /* of the transaction, ms */
    int64_t deadline;
    unsigned waiting;                   /* answers that are missing */
    bool awaited[MASTER_ROWS];
    char why[512];                      /* why the transaction has failed; empty: it has not */
    char *report;                       /* diagnostics for the caller; malloc'd */
    bool reload_pending, draining;      /* draining: WINCH was received, no workers wanted */

    int signals, control;
    ino_t control_inode;                /* of its file: another server's may be there later */
    struct control_client *clients;     /* who waits for an outcome */
    char *control_path;
    char *pid_path;
    unsigned named;                     /* the generation whose pid file that is */
    char *new_pid_path;                 /* what the new binary writes; NULL: no upgrade */

    pid_t new_binary;                   /* 0: none */
    pid_t old_master;                   /* we are the new binary of this one; 0: no */
    bool daemonized, quitting, terminating, killed, reopen, upgrade;
    int64_t terminate_at, tick_at;
    int64_t sign_at;                    /* a sign of life is due; -1: never */
};

/* From here on signals wait for master_run. */
void master_hold_signals(struct master *m);
/* Runs until the end of the server; returns the process's exit status.  `gen` is the first
 * generation, its listeners open; the pid file is written. */
int master_run(struct master *m, struct generation *gen);

/* --- workers.c -------------------------------------------------------------------------------- */
void workers_init(struct master *m);
void workers_spawn_missing(struct master *m, int64_t now);
void workers_read(struct master *m, struct worker_row *row);
void workers_reap(struct master *m);
bool workers_send(struct worker_row *row, const struct message *message);
bool workers_send_handles(struct worker_row *row, const unsigned *slots, unsigned count);
/* The slot is not used any more: closed in every worker, then here. */
void workers_close_handle(struct master *m, unsigned slot);
void workers_kill(struct master *m, struct worker_row *row);
void workers_quit(struct master *m, struct worker_row *row, bool heir);
/* Those with this number or a higher one are not replaced. */
void workers_forget_dead(struct master *m, unsigned first);
void workers_watch(struct master *m, int64_t now);
bool workers_any(const struct master *m);
int64_t workers_next(const struct master *m);   /* the next respawn; -1: none */

/* --- reload.c --------------------------------------------------------------------------------- */
void reload_begin(struct master *m);
void reload_answer(struct master *m, struct worker_row *row, const struct message *message);
void reload_lost(struct master *m, struct worker_row *row);     /* died, or its channel failed */
void reload_step(struct master *m, int64_t now);
void reload_collect(struct master *m);          /* frees generations that nobody holds */
struct living *reload_adopt(struct master *m, struct generation *gen);
void reload_stop_listening(struct master *m);   /* for good */

/* --- upgrade.c -------------------------------------------------------------------------------- */
void upgrade_begin(struct master *m);
void upgrade_ended(struct master *m, int status);
/* Two masters live, with one set of sockets. */
bool upgrade_is_open(const struct master *m);
bool upgrade_write_pid(struct master *m, const char *path);
/* Unless another server has written its own number there meanwhile. */
void upgrade_remove_pid(const struct master *m);

/* --- control.c -------------------------------------------------------------------------------- */
bool control_open(struct master *m);
void control_close(struct master *m);
/* To where the pid file is now. */
void control_move(struct master *m);
void control_step(struct master *m, int64_t now);
void control_accept(struct master *m);
void control_outcome(struct master *m, bool done, struct str text);
void control_status(struct master *m, struct worker_row *row, const struct message *message);
void control_forget_clients(struct master *m);
/* The client's side: sends `command`, prints what comes back; the exit status. -1: nobody there. */
int control_ask(const char *pid_path, const char *command);

#endif
