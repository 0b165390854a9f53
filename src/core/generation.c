/*
 * Making a generation from configuration text, in the master; a worker's private part of one.
 * Owns the arena pool of what it makes until generation_free.
 */
#include "core/generation.h"

#include "core/core_conf.h"
#include "core/log.h"
#include "core/regex.h"
#include "core/temp_file.h"
#include "core/vars.h"
#include "core/zone.h"

#include <sys/random.h>

/* --- a worker's part -------------------------------------------------------------------------- */

static bool prepare(struct local *local, const char **why)
{
    for (const struct module *const *module = conf_modules(); *module; module++)
        if ((*module)->prepare && !(*module)->prepare(local, why))
            return false;
    return true;
}

void local_leave(struct local *local)
{
    if (!local->state_of)
        return;
    for (const struct module *const *module = conf_modules(); *module; module++)
        if ((*module)->release)
            (*module)->release(local);
    free(local->state_of);
    local->state_of = NULL;
}

struct local *local_open(struct worker *worker, const struct generation *gen, unsigned id,
                         const struct arena_runs *runs, const char **why)
{
    struct local *local = calloc(1, sizeof(*local));
    *why = "no memory";
    if (!local || !arena_open_runs(runs)) {
        free(local);
        return NULL;
    }
    local->generation = gen;
    local->id = id;
    local->worker = worker;
    local->state = LOCAL_PREPARED;
    local->runs = *runs;
    local->state_of = calloc(conf_nsections(), sizeof(*local->state_of));
    local->regexes = regex_local_new(gen->nregexes, gen->core->pcre_jit);
    if (local->regexes && local->state_of && zones_map(gen) && prepare(local, why))
        return local;
    local_close(local);
    return NULL;
}

void local_close(struct local *local)
{
    ASSERT(local->pins == 0);
    local_leave(local);
    regex_local_free(local->regexes, local->generation->nregexes);
    arena_close_runs(&local->runs);
    free(local);
}

/* --- making one ------------------------------------------------------------------------------- */

static void add_slot(struct generation *gen, unsigned slot)
{
    for (unsigned i = 0; i < gen->nhandles; i++)
        if (gen->handles[i] == slot)
            return;
    if ((gen->nhandles & (gen->nhandles - 1)) == 0) {           /* full at each power of two */
        const unsigned room = gen->nhandles ? gen->nhandles * 2 : 4;
        unsigned *grown = pool_array(&gen->pool, room, sizeof(*grown));
        if (gen->nhandles)
            memcpy(grown, gen->handles, gen->nhandles * sizeof(*grown));
        bool *listeners = pool_array(&gen->pool, room, sizeof(*listeners));
        if (gen->nhandles)
            memcpy(listeners, gen->listeners, gen->nhandles * sizeof(*listeners));
        gen->handles = grown;
        gen->listeners = listeners;
    }
    gen->listeners[gen->nhandles] = handles.at[slot].kind == HANDLE_LISTENER;
    gen->handles[gen->nhandles++] = slot;
}

void generation_use_handle(struct generation *gen, unsigned slot)
{
    add_slot(gen, slot);
}

void generation_use(const struct generation *gen, bool listeners)
{
    for (unsigned i = 0; i < gen->nhandles; i++)
        if (gen->listeners[i] == listeners)
            handle_use(gen->handles[i]);
}

void generation_unuse(const struct generation *gen, bool listeners,
                      void (*close)(unsigned slot, void *data), void *data)
{
    for (unsigned i = 0; i < gen->nhandles; i++) {
        const unsigned slot = gen->handles[i];
        if (gen->listeners[i] == listeners && handle_unuse(slot))
            close(slot, data);
    }
}

static const char *const kind_names[] = {
    [HANDLE_FREE] = "free", [HANDLE_LISTENER] = "listener", [HANDLE_LOG] = "log",
    [HANDLE_MEMORY] = "memory", [HANDLE_ZONE] = "zone",
};

int generation_handle(struct conf *cf, enum handle_kind kind, struct str name,
                      int (*open)(struct conf *cf, struct str name, void *data), void *data)
{
    const struct str key = fmt_pool(cf->temp, "%s:%.*s", kind_names[kind], STR_FMT(name));
    int slot = handle_find(key.at);
    if (slot < 0) {
        const int fd = open(cf, name, data);
        if (fd < 0)
            return -1;
        slot = (int)handle_add(kind, key.at, fd);
    }
    add_slot(cf->gen, (unsigned)slot);
    return slot;
}

/* What was opened for a configuration that was refused in the end. */
static void sweep(void)
{
    for (unsigned slot = 0; slot < handles.count; slot++)
        if (handles.at[slot].kind != HANDLE_FREE && handles.at[slot].users == 0)
            handle_close(slot);
}

#ifdef POOL_MALLOC
#define CHECK_CONTAINED 1
#else
#define CHECK_CONTAINED 0
#endif

static void check_contained(const struct generation *gen)
{
    void *where[2];
    if (!CHECK_CONTAINED && !getenv("WEIR_CHECK_ARENA"))
        return;
    if (arena_self_contained(&gen->pool, where))
        return;
    log_write(log_process, LOG_EMERG, 0,
              "a pointer at %p leaves its generation for %p: it would fail after a reload",
              where[0], where[1]);
    abort();
}

struct generation *generation_make(unsigned id, const struct conf_paths *paths, struct str global,
                                   bool testing, struct pool *temp, struct diag_list *diag,
                                   struct conf_file **files)
{
    struct pool pool;
    pool_init(&pool, &pool_arena);
    struct generation *gen = pool_new(&pool, struct generation);
    struct conf cf = { .pool = &gen->pool, .temp = temp, .diag = diag, .gen = gen,
                       .paths = paths, .testing = testing };
    cf.files_end = &cf.files;
    gen->pool = pool;
    gen->id = id;
    gen->conf_file = pool_str(&gen->pool, paths->conf_file);
    gen->prefix = pool_str(&gen->pool, paths->prefix);
    if (getrandom(&gen->hash_key, sizeof(gen->hash_key), 0) != (ssize_t)sizeof(gen->hash_key))
        diag_add(diag, DIAG_EMERG, "no-random", (struct diag_place){ 0 }, "getrandom() failed");
    vars_init(&cf);
    struct conf_node *nodes = conf_tree_read(&cf, paths->conf_file, global);
    if (conf_apply(&cf, nodes)) {
        vars_finish(&cf);
        zones_finish(&cf);
        temp_folders_make(&cf);
    }
    if (files)
        *files = cf.files;
    if (gen->pool.failed || temp->failed)
        diag_add(diag, DIAG_EMERG, "no-memory", (struct diag_place){ 0 },
                 "the configuration needs more memory than there is");
    if (diag->errors) {
        generation_free(gen);
        return NULL;
    }
    check_contained(gen);
    return gen;
}

void generation_seal(const struct generation *gen)
{
    arena_seal(&gen->pool);
}

void generation_free(struct generation *gen)
{
    struct pool pool = gen->pool;               /* which lies in its own memory */
    pool_free(&pool);
    sweep();
}
