/*
 * Zones: their addresses, their memory, their locks.
 * Owns the reserved range of addresses; the descriptor of a zone belongs to its handle.
 */
#include "core/zone.h"

#include "core/generation.h"
#include "core/log.h"
#include "os/unix/thread.h"

#include <pthread.h>
#include <sys/mman.h>

enum { ZONE_STEP = 64 << 10, SPINS = 200, CONTENDED = 1 << 30 };

/* A cache line of its own, so that waiting does not disturb the data. */
struct zone_head {
    int lock;                           /* owner's pid, | CONTENDED; 0: free */
    bool ready;                         /* the data was initialised, and not wiped since */
    bool migrated;                      /* once is enough, also when it was wiped afterwards */
    uint32_t wiped;                     /* how often */
    char rest[52];
};

_Static_assert(sizeof(struct zone_head) == 64, "one cache line");

enum { PROCESSES = 1024 };

/* Shared by all: who counts in zones.  A number is (how many there were before it, place). */
struct processes {
    uint32_t deaths, last;
    struct {
        int pid;                        /* 0: free */
        uint32_t number;                /* 0: it has none yet, or is gone */
    } at[PROCESSES];
};

/* Of the process: where zones may lie, the same range in the master and in each worker. */
static struct {
    char *base;
    size_t size;
    struct processes *processes;
    int pid;                            /* whose number it is: a child is another process */
    uint32_t number;
} space;

/* Asked from the kernel once a process: each lock is taken in its name. */
static int self(void)
{
    if (space.pid == 0)
        space.pid = (int)getpid();
    return space.pid;
}

static void in_child(void)
{
    space.pid = 0;
    space.number = 0;
}

bool zone_space_init(size_t most, size_t least)
{
    void *base = MAP_FAILED;
    size_t size = most * 2;
    while (base == MAP_FAILED && size > least) {
        size /= 2;
        base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    void *processes = mmap(NULL, sizeof(struct processes), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || processes == MAP_FAILED)
        return false;
    if ((errno = pthread_atfork(NULL, NULL, in_child)) != 0)
        return false;
    space.processes = processes;
    space.base = base;
    space.size = size;
    return true;
}

/* --- memory ----------------------------------------------------------------------------------- */

static size_t mapped_size(size_t data)
{
    const size_t size = size_min(data, space.size) + sizeof(struct zone_head);
    return (size + ZONE_STEP - 1) / ZONE_STEP * ZONE_STEP;
}

static bool map(unsigned slot, void *at, size_t size)
{
    struct handle *h = &handles.at[slot];
    if (h->mapped)
        return true;
    if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, h->fd, 0) == MAP_FAILED)
        return false;
    madvise(at, size, MADV_DONTDUMP);   /* sessions, keys of clients */
    h->mapped = at;
    h->mapped_size = size;
    return true;
}

/* The first gap between the zones that live. */
static void *find_room(size_t size)
{
    char *at = space.base;
    bool moved;
    do {
        moved = false;                  /* those looked at before may be in the way then */
        for (unsigned slot = 0; slot < handles.count; slot++) {
            const struct handle *h = &handles.at[slot];
            char *low = h->mapped;
            if (!low || low >= at + size || low + h->mapped_size <= at)
                continue;
            at = low + h->mapped_size;
            moved = true;
        }
    } while (moved);
    return size <= space.size - (size_t)(at - space.base) ? at : NULL;
}

static int open_memory(struct conf *cf, struct str name, void *data)
{
    const size_t size = *(const size_t *)data;
    const int fd = memfd_create("weir-zone", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
        return fd;
    diag_add(cf->diag, DIAG_EMERG, "zone-memory", (struct diag_place){ 0 },
             "no memory for zone \"%.*s\" (%d: %s)", STR_FMT(name), errno, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static struct str key_of(struct conf *cf, const struct zone *zone, size_t size)
{
    return fmt_pool(cf->temp, "%s:%.*s:%zu", zone->type->name, STR_FMT(zone->name), size);
}

/* The newest of the same type and name, and of another size. */
static void find_older(struct conf *cf, struct zone *zone)
{
    const struct str key = fmt_pool(cf->temp, "zone:%s:%.*s:", zone->type->name,
                                    STR_FMT(zone->name));
    uint32_t newest = 0;
    for (unsigned slot = 0; slot < handles.count; slot++) {
        const struct handle *h = &handles.at[slot];
        if (!h->mapped || h->serial < newest || !str_starts(str_from(h->key), key))
            continue;
        newest = h->serial;
        zone->from = h->mapped;
        zone->from_size = h->mapped_size;
    }
}

static bool give_memory(struct conf *cf, struct zone *zone)
{
    size_t size = mapped_size(zone->size);
    const int slot = generation_handle(cf, HANDLE_ZONE, key_of(cf, zone, size), open_memory,
                                       &size);
    if (slot < 0)
        return false;
    zone->slot = (unsigned)slot;
    void *at = handles.at[slot].mapped;
    if (!at)
        find_older(cf, zone);
    if (!at && !(at = find_room(size)))
        errno = ENOMEM;
    if (!at || !map(zone->slot, at, size)) {
        diag_add(cf->diag, DIAG_EMERG, "zone-memory", (struct diag_place){ 0 },
                 "no address space for zone \"%.*s\" (%d: %s)", STR_FMT(zone->name), errno,
                 strerror(errno));
        return false;
    }
    zone->at = at;
    return true;
}

/* --- configuration ---------------------------------------------------------------------------- */

static struct zone *find(const struct generation *gen, struct str name)
{
    struct zone *zone = gen->zones;
    while (zone && !str_eq(zone->name, name))
        zone = zone->next;
    return zone;
}

struct zone *zone_add(struct conf *cf, const struct zone_type *type, struct str name, size_t size,
                      unsigned arg)
{
    struct zone *zone = find(cf->gen, name);
    if (zone && zone->type != type) {
        conf_error(cf, arg, "zone-type", "the shared memory zone \"%.*s\" is already declared "
                   "for a different use", STR_FMT(name));
        return NULL;
    }
    if (zone && size && zone->size && zone->size != size) {
        conf_error(cf, arg, "zone-size", "the size %zu of shared memory zone \"%.*s\" conflicts "
                   "with already declared size %zu", size, STR_FMT(name), zone->size);
        return NULL;
    }
    if (!zone) {
        struct zone **at = &cf->gen->zones;
        while (*at)
            at = &(*at)->next;
        *at = zone = pool_new(cf->pool, struct zone);
        zone->name = pool_str(cf->pool, name);
        zone->type = type;
    }
    if (size)
        zone->size = size;
    return zone;
}

bool zones_finish(struct conf *cf)
{
    bool good = true;
    for (struct zone *zone = cf->gen->zones; zone; zone = zone->next) {
        if (zone->size == 0) {
            diag_add(cf->diag, DIAG_EMERG, "zone-size", (struct diag_place){ 0 },
                     "zero size shared memory zone \"%.*s\"", STR_FMT(zone->name));
            good = false;
        } else if (!cf->testing)
            good = give_memory(cf, zone) && good;
    }
    return good;
}

/* --- locks ------------------------------------------------------------------------------------ */

static void lock(struct zone_head *head)
{
    const int me = self();
    for (unsigned spins = 0; spins < SPINS; spins++) {
        int none = 0;
        if (__atomic_compare_exchange_n(&head->lock, &none, me, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return;
        thread_pause();
    }
    for (;;) {
        int seen = __atomic_load_n(&head->lock, __ATOMIC_RELAXED);
        /* Whoever has waited cannot know whether others wait still. */
        if (seen == 0) {
            if (__atomic_compare_exchange_n(&head->lock, &seen, me | CONTENDED, false,
                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return;
        } else if (seen & CONTENDED
                   || __atomic_compare_exchange_n(&head->lock, &seen, seen | CONTENDED, false,
                                                  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            thread_wait_while(&head->lock, seen | CONTENDED);
    }
}

static void unlock(struct zone_head *head)
{
    if (__atomic_exchange_n(&head->lock, 0, __ATOMIC_RELEASE) & CONTENDED)
        thread_wake_one(&head->lock);
}

/* It may have gone meanwhile, with the last generation that named it. */
static bool is_here(const struct zone_head *at)
{
    for (unsigned slot = 0; slot < handles.count; slot++)
        if (at && handles.at[slot].mapped == at)
            return true;
    return false;
}

static void initialise(const struct zone *zone)
{
    const struct zone from = { .name = zone->name, .type = zone->type, .at = zone->from,
                               .size = zone->from_size - sizeof(struct zone_head) };
    zone->type->init(zone);
    zone->at->ready = true;
    if (zone->at->migrated)
        return;
    zone->at->migrated = true;
    if (!zone->type->migrate || !is_here(zone->from))
        return;
    lock(from.at);
    if (from.at->ready)
        zone->type->migrate(zone, &from);
    unlock(from.at);
}

void zone_lock(const struct zone *zone)
{
    lock(zone->at);
    if (__builtin_expect(!zone->at->ready, 0))
        initialise(zone);
}

void zone_unlock(const struct zone *zone)
{
    unlock(zone->at);
}

bool zone_is_locked(const struct zone *zone)
{
    return (__atomic_load_n(&zone->at->lock, __ATOMIC_RELAXED) & ~CONTENDED) == self();
}

void *zone_data(const struct zone *zone)
{
    return zone->at + 1;
}

/* --- processes -------------------------------------------------------------------------------- */

static uint32_t register_self(int me)
{
    struct processes *all = space.processes;
    for (unsigned i = 0; i < PROCESSES; i++) {
        int none = 0;
        if (!__atomic_compare_exchange_n(&all->at[i].pid, &none, me, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
            continue;
        const uint32_t last = __atomic_add_fetch(&all->last, 1, __ATOMIC_RELAXED);
        const uint32_t number = last * PROCESSES + i;
        __atomic_store_n(&all->at[i].number, number, __ATOMIC_RELEASE);
        return number;
    }
    ASSERT(!"fewer processes than there may be workers");
    return 0;
}

uint32_t zone_process(void)
{
    if (space.number == 0)
        space.number = register_self(self());
    return space.number;
}

bool zone_process_lives(uint32_t number)
{
    const uint32_t *at = &space.processes->at[number % PROCESSES].number;
    return __atomic_load_n(at, __ATOMIC_ACQUIRE) == number;
}

uint32_t zone_deaths(void)
{
    return __atomic_load_n(&space.processes->deaths, __ATOMIC_ACQUIRE);
}

static void unregister(int pid)
{
    struct processes *all = space.processes;
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (__atomic_load_n(&all->at[i].pid, __ATOMIC_ACQUIRE) != pid)
            continue;
        __atomic_store_n(&all->at[i].number, 0, __ATOMIC_RELEASE);
        __atomic_add_fetch(&all->deaths, 1, __ATOMIC_RELEASE);
        __atomic_store_n(&all->at[i].pid, 0, __ATOMIC_RELEASE);
    }
}

bool zones_map(const struct generation *gen)
{
    for (const struct zone *zone = gen->zones; zone; zone = zone->next)
        if (!map(zone->slot, zone->at, mapped_size(zone->size)))
            return false;
    return true;
}

void zones_use(const struct generation *gen)
{
    for (const struct zone *zone = gen->zones; zone; zone = zone->next) {
        zone_lock(zone);
        zone_unlock(zone);
    }
}

/* The owner cannot come back, and nobody else gets in: the data are the master's for a moment. */
static void wipe(const struct handle *h)
{
    struct zone_head *head = h->mapped;
    memset(head + 1, 0, ZONE_STEP - sizeof(*head));
    ASSERT(madvise((char *)h->mapped + ZONE_STEP, h->mapped_size - ZONE_STEP, MADV_REMOVE) == 0);
    head->ready = false;
    head->wiped++;
    unlock(head);
}

void zones_owner_died(pid_t pid)
{
    unregister((int)pid);
    for (unsigned slot = 0; slot < handles.count; slot++) {
        const struct handle *h = &handles.at[slot];
        struct zone_head *head = h->mapped;
        if (!head)
            continue;
        thread_wake_one(&head->lock);   /* it may have died between waking and taking the lock */
        if ((__atomic_load_n(&head->lock, __ATOMIC_ACQUIRE) & ~CONTENDED) != (int)pid)
            continue;
        log_write(log_process, LOG_ALERT, 0,
                  "worker process %d died while it changed shared memory: %s was emptied",
                  (int)pid, h->key);
        wipe(h);
    }
}
