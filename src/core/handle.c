/*
 * The table of descriptors that generations refer to by slot.
 * Owns the descriptors in it, in each process its own.
 */
#include "core/handle.h"

#include <fcntl.h>
#include <sys/mman.h>

struct handle_table handles;

static uint32_t next_serial = 1;

static void grow(unsigned slot)
{
    if (slot < handles.count)
        return;
    const unsigned count = slot + 16;
    struct handle *at = realloc(handles.at, count * sizeof(*at));
    ASSERT(at);
    for (unsigned i = handles.count; i < count; i++)
        at[i] = (struct handle){ .fd = -1 };
    handles.at = at;
    handles.count = count;
}

void handle_watch(unsigned slot, struct handle_watch *watch)
{
    ASSERT(slot < handles.count);
    watch->next = handles.at[slot].watches;
    handles.at[slot].watches = watch;
}

void handle_unwatch(unsigned slot, struct handle_watch *watch)
{
    ASSERT(slot < handles.count);
    struct handle_watch **at = &handles.at[slot].watches;
    while (*at != watch) {
        ASSERT(*at);
        at = &(*at)->next;
    }
    *at = watch->next;
}

bool handle_put(unsigned slot, enum handle_kind kind, int fd)
{
    grow(slot);
    struct handle *h = &handles.at[slot];
    h->kind = kind;
    if (h->fd < 0) {
        h->fd = fd;
        return true;
    }
    for (struct handle_watch *watch = h->watches; watch; watch = watch->next)
        watch->before(watch);
    const bool replaced = dup3(fd, h->fd, O_CLOEXEC) >= 0;
    close(fd);
    return replaced;
}

/* The addresses stay reserved: a stale pointer faults. */
static void unmap(const struct handle *h)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    ASSERT(mmap(h->mapped, h->mapped_size, PROT_NONE, flags, -1, 0) != MAP_FAILED);
}

void handle_close(unsigned slot)
{
    if (slot >= handles.count)
        return;
    struct handle *h = &handles.at[slot];
    if (h->mapped)
        unmap(h);
    if (h->fd >= 0)
        close(h->fd);
    free(h->key);
    *h = (struct handle){ .fd = -1 };
}

int handle_find(const char *key)
{
    for (unsigned i = 0; i < handles.count; i++)
        if (handles.at[i].key && strcmp(handles.at[i].key, key) == 0)
            return (int)i;
    return -1;
}

unsigned handle_add(enum handle_kind kind, const char *key, int fd)
{
    unsigned slot = 0;
    while (slot < handles.count && handles.at[slot].kind != HANDLE_FREE)
        slot++;
    grow(slot);
    handles.at[slot] = (struct handle){ .kind = kind, .fd = fd, .key = strdup(key),
                                         .serial = next_serial++ };
    ASSERT(handles.at[slot].key);
    return slot;
}

void handle_use(unsigned slot)
{
    ASSERT(slot < handles.count && handles.at[slot].kind != HANDLE_FREE);
    handles.at[slot].users++;
}

bool handle_unuse(unsigned slot)
{
    ASSERT(slot < handles.count && handles.at[slot].users > 0);
    return --handles.at[slot].users == 0;
}

void handle_renewed(unsigned slot)
{
    ASSERT(slot < handles.count);
    handles.at[slot].serial = next_serial++;
}
