/*
 * A generation: one configuration as an immutable value, and what a worker keeps beside it.
 *
 *     struct generation (arena, shared, read-only)         struct local (a worker's heap)
 *       id, core settings, root block                        generation --> the left
 *       handles it refers to        --- slots --->           pins: requests that began under it
 *       regexes, zones, variables                            compiled regexes, by index
 *
 * life of a generation in a worker:   PREPARED -> CURRENT -> RETIRED -> gone (RELEASED is sent)
 *                                         \-> gone (ABORT)
 */
#ifndef CORE_GENERATION_H
#define CORE_GENERATION_H

#include "core/arena.h"
#include "core/conf.h"
#include "core/handle.h"
#include "core/siphash.h"

struct core_conf;
struct listening;
struct regex;
struct regex_local;
struct vars_table;
struct worker;
struct temp_folder;
struct zone;

struct generation {
    unsigned id;
    struct pool pool;                   /* the arena's; everything below lies in it */
    const struct core_conf *core;       /* main context: core/core_conf.h */
    struct conf_block *root;
    struct str conf_file;

    unsigned *handles;                  /* slots of every handle it refers to, each once */
    bool *listeners;                    /* which were listeners: a slot may be another's now */
    unsigned nhandles;
    struct listening *listenings;       /* list; event/listening.h */
    struct siphash_key hash_key;        /* of the tables in which clients choose the keys */
    struct regex **regexes;             /* by index */
    unsigned nregexes;
    struct zone *zones;                 /* list; core/zone.h */
    struct temp_folder *temp_folders;   /* list; core/temp_file.h */
    struct str prefix;                  /* of relative names; ends in "/" */
    struct vars_table *vars_http;       /* core/vars.h */
    struct vars_table *vars_stream;
};

enum local_state { LOCAL_PREPARED, LOCAL_CURRENT, LOCAL_RETIRED };

struct local {
    const struct generation *generation;
    unsigned id;                        /* a copy: readable when the generation is not */
    enum local_state state;
    unsigned pins;
    struct regex_local *regexes;        /* by regex index; core/regex.h */
    struct arena_runs runs;
    void **state_of;                    /* by section slot: what its module keeps here */
    int64_t deadline;                   /* RETIRED: what pins it ends then; 0: when it likes */
    struct local *next;                 /* of this worker, newest first */
    struct worker *worker;
};

/* A worker's side; event/worker.c drives it.  NULL: *why says why not. */
struct local *local_open(struct worker *worker, const struct generation *gen, unsigned id,
                         const struct arena_runs *runs, const char **why);
void local_close(struct local *local);
/* The process ends, whatever is pinned: modules write what they still hold. */
void local_leave(struct local *local);

static inline void local_pin(struct local *local)
{
    local->pins++;
}
/* The last pin of a retired one posts its release: event/worker.c looks for it once a turn. */
static inline void local_unpin(struct local *local)
{
    ASSERT(local->pins > 0);
    local->pins--;
}

/* --- making one: the master ------------------------------------------------------------------- */

/* Reads, applies, finishes, opens what it names (unless testing).  NULL when there were
 * errors: they are in `diag`, and nothing is left behind. */
struct generation *generation_make(unsigned id, const struct conf_paths *paths, struct str global,
                                   bool testing, struct pool *temp, struct diag_list *diag,
                                   struct conf_file **files);
/* Constant from here on: after listening_open, before the first worker sees it. */
void generation_seal(const struct generation *gen);
void generation_free(struct generation *gen);
/* Counts what it refers to as used: its listeners, or everything else. */
void generation_use(const struct generation *gen, bool listeners);
/* The opposite: `close` gets each slot that nobody uses any more. */
void generation_unuse(const struct generation *gen, bool listeners,
                      void (*close)(unsigned slot, void *data), void *data);
void generation_use_handle(struct generation *gen, unsigned slot);

/* While it is made: the handle of this kind and name, opened by `open` when it is new. Errors are
 * reported at the statement at hand. -1 then (and while testing, when nothing is opened). */
int generation_handle(struct conf *cf, enum handle_kind kind, struct str name,
                      int (*open)(struct conf *cf, struct str name, void *data), void *data);

#endif
