/*
 * The shared memory of generations: chunks of one memfd mapping, handed out in runs.
 * Owns the mapping and, in the master, its two descriptors; generations own their runs.
 */
#include "core/arena.h"

#include "core/fmt.h"
#include "core/number.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Of the process: the same mapping in the master and in each worker. */
static struct {
    char *base;
    size_t size;
    unsigned chunks;
    unsigned char *used;                /* master: one byte a chunk */
    int fd, fd_ro;                      /* master */
} arena = { .fd = -1, .fd_ro = -1 };

static char *run_at(struct arena_run run)
{
    ASSERT(run.count && run.first <= arena.chunks && run.count <= arena.chunks - run.first);
    return arena.base + (size_t)run.first * ARENA_CHUNK;
}

static size_t run_size(struct arena_run run)
{
    return (size_t)run.count * ARENA_CHUNK;
}

static off_t run_offset(struct arena_run run)
{
    return (off_t)run.first * ARENA_CHUNK;
}

static bool map(int fd, void *at)
{
    const int flags = MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0);
    void *base = mmap(at, arena.size, PROT_NONE, flags, fd, 0);
    if (base == MAP_FAILED)
        return false;
    arena.base = base;
    /* It holds private keys; a core dump would also fill every hole. */
    madvise(base, arena.size, MADV_DONTDUMP);
    return true;
}

bool arena_init(size_t size)
{
    char self[64];
    struct fmt path;
    arena.chunks = (unsigned)(size / ARENA_CHUNK);
    arena.size = (size_t)arena.chunks * ARENA_CHUNK;
    arena.used = calloc(arena.chunks, 1);
    arena.fd = memfd_create("weir-generations", MFD_CLOEXEC);
    if (!arena.used || arena.fd < 0 || ftruncate(arena.fd, (off_t)arena.size) < 0 ||
        fchmod(arena.fd, 0600) < 0)     /* no reopening through /proc by the worker's user */
        return false;
    fmt_init(&path, self, sizeof(self));
    fmt_print(&path, "/proc/self/fd/%d", arena.fd);
    arena.fd_ro = open(fmt_done(&path).at, O_RDONLY | O_CLOEXEC);
    return arena.fd_ro >= 0 && map(arena.fd, NULL);
}

/* mprotect alone is no protection, since one call undoes it: the worker maps a descriptor that was
 * opened for reading only, and keeps neither of the two. */
bool arena_enter_worker(void)
{
    if (!map(arena.fd_ro, arena.base))
        return false;
    close(arena.fd);
    close(arena.fd_ro);
    free(arena.used);
    arena.used = NULL;
    arena.fd = arena.fd_ro = -1;
    return true;
}

bool arena_open_runs(const struct arena_runs *runs)
{
    ASSERT(runs->count <= ARENA_RUNS);
    for (unsigned i = 0; i < runs->count; i++)
        if (mprotect(run_at(runs->at[i]), run_size(runs->at[i]), PROT_READ) < 0)
            return false;
    return true;
}

void arena_close_runs(const struct arena_runs *runs)
{
    for (unsigned i = 0; i < runs->count; i++)
        ASSERT(mprotect(run_at(runs->at[i]), run_size(runs->at[i]), PROT_NONE) == 0);
}

/* First fit.  Memory is allocated here and now: a full memory is an error of this configuration,
 * not a SIGBUS in a worker later. */
static bool run_take(struct arena_run *run, unsigned count)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < arena.chunks; i++) {
        seen = arena.used[i] ? 0 : seen + 1;
        if (seen < count)
            continue;
        *run = (struct arena_run){ i + 1 - count, count };
        if (fallocate(arena.fd, 0, run_offset(*run), (off_t)run_size(*run)) < 0)
            return false;
        if (mprotect(run_at(*run), run_size(*run), PROT_READ | PROT_WRITE) < 0)
            return false;
        memset(arena.used + run->first, 1, count);
        return true;
    }
    return false;
}

static void run_give(struct arena_run run)
{
    const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    ASSERT(fallocate(arena.fd, punch, run_offset(run), (off_t)run_size(run)) == 0);
    ASSERT(mprotect(run_at(run), run_size(run), PROT_NONE) == 0);
    memset(arena.used + run.first, 0, run.count);
}

/* As much again as the pool has, so that even a configuration that fills the arena stays below
 * ARENA_RUNS runs. */
static void *take(const struct pool_source *source, struct pool *pool, size_t *size)
{
    struct arena_run run;
    const size_t want = size_max(*size, pool->used);
    (void)source;
    if (*size > arena.size)
        return NULL;
    const unsigned least = (unsigned)((*size + ARENA_CHUNK - 1) / ARENA_CHUNK);
    const unsigned count = (unsigned)((want + ARENA_CHUNK - 1) / ARENA_CHUNK);
    if (!run_take(&run, count) && !run_take(&run, least))
        return NULL;
    *size = run_size(run);
    return run_at(run);
}

static struct arena_run run_of(const void *at, size_t size)
{
    const size_t offset = (size_t)((const char *)at - arena.base);
    return (struct arena_run){ (uint32_t)(offset / ARENA_CHUNK), (uint32_t)(size / ARENA_CHUNK) };
}

static void give(const struct pool_source *source, struct pool *pool, void *at, size_t size)
{
    (void)source;
    (void)pool;
    run_give(run_of(at, size));
}

const struct pool_source pool_arena = { ARENA_CHUNK, take, give };

void arena_runs_of(const struct pool *pool, struct arena_runs *runs)
{
    runs->count = 0;
    for (const struct pool_chunk *chunk = pool->chunks; chunk; chunk = chunk->next) {
        if (!arena_has(chunk))          /* of the reserve: the pool has failed */
            continue;
        ASSERT(runs->count < ARENA_RUNS);
        runs->at[runs->count++] = run_of(chunk, chunk->size);
    }
}

void arena_seal(const struct pool *pool)
{
    struct arena_runs runs;
    arena_runs_of(pool, &runs);
    ASSERT(arena_open_runs(&runs));
}

bool arena_has(const void *pointer)
{
    const uintptr_t at = (uintptr_t)pointer, base = (uintptr_t)arena.base;
    return arena.base && at >= base && at - base < arena.size;
}

/* --- the check of test builds ----------------------------------------------------------------- */

struct span {
    uintptr_t low, high;
};

enum { SPANS = 4096 };

static const uint64_t SPAN_MOST = 1ull << 36;

/* "low-high rw-p offset device inode   name" */
static bool private_span(struct str line, struct span *span)
{
    struct str range, rest, low, high;
    uint64_t from, to;
    str_cut(line, ' ', &range, &rest);
    if (!str_cut(range, '-', &low, &high) || !number_hex(low, &from) || !number_hex(high, &to))
        return false;
    *span = (struct span){ from, to };
    /* The shadow of a sanitizer, which no pointer leads to. */
    if (to - from > SPAN_MOST || from >> 32 == 0)
        return false;
    return str_starts(rest, STR("rw-p")) && str_chr(rest, '/') < 0;
}

/* Heap and stacks: what a worker that lives already does not share with the master.  The data of
 * the program and of its libraries is at the same place everywhere, and has a file's name. */
static unsigned private_spans(struct span *spans)
{
    unsigned n = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return 0;
    while (n < SPANS && fgets(line, sizeof(line), maps))
        if (private_span(str_from(line), &spans[n]))
            n++;
    fclose(maps);
    return n;
}

static bool inside(const struct span *spans, unsigned n, uintptr_t word)
{
    unsigned low = 0, high = n;                 /* /proc/self/maps is sorted */
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (word >= spans[middle].high)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && word >= spans[low].low;
}

static bool own(const struct arena_runs *runs, uintptr_t word)
{
    for (unsigned i = 0; i < runs->count; i++)  /* one past the end is a legal pointer */
        if (word - (uintptr_t)run_at(runs->at[i]) <= run_size(runs->at[i]))
            return true;
    return false;
}

__attribute__((no_sanitize("address"))) static bool run_self_contained(
    const struct arena_runs *runs, struct arena_run run, const struct span *spans, unsigned n,
    void *where[2])
{
    const uintptr_t *word = (const void *)run_at(run);
    const uintptr_t *end = word + run_size(run) / sizeof(*word);
    for (; word < end; word++) {
        /* A small number beside padding that was copied along is no pointer either. */
        if ((*word & UINT32_MAX) < 65536 || *word >> 47 || own(runs, *word))
            continue;
        if (!inside(spans, n, *word) && !arena_has((const void *)*word))
            continue;
        where[0] = (void *)(uintptr_t)word;
        where[1] = (void *)*word;
        return false;
    }
    return true;
}

bool arena_self_contained(const struct pool *pool, void *where[2])
{
    struct arena_runs runs;
    struct span *spans = malloc(SPANS * sizeof(*spans));
    bool contained = true;
    if (!spans)
        return true;
    const unsigned n = private_spans(spans);
    arena_runs_of(pool, &runs);
    for (unsigned i = 0; i < runs.count && contained; i++)
        contained = run_self_contained(&runs, runs.at[i], spans, n, where);
    free(spans);
    return contained;
}
