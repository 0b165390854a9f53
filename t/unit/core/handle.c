/*
 * Handles: slots by key, users, descriptors that are replaced, mappings that go with them.
 * Owns a few memfds.
 */
#include "core/handle.c"

#include "t/unit/tap.h"

#include <sys/stat.h>

static int memory(void)
{
    const int fd = memfd_create("test", MFD_CLOEXEC);
    ok(fd >= 0 && ftruncate(fd, 4096) == 0, "a descriptor");
    return fd;
}

static ino_t inode(int fd)
{
    struct stat st = { 0 };
    fstat(fd, &st);
    return st.st_ino;
}

static void test_slots(void)
{
    const unsigned a = handle_add(HANDLE_LOG, "log:a", memory());
    const unsigned b = handle_add(HANDLE_LOG, "log:b", memory());
    is_int(handle_find("log:a"), a, "found by its key");
    is_int(handle_find("log:"), -1, "and by nothing less");
    ok(handles.at[a].serial != handles.at[b].serial, "serials differ");
    handle_use(a);
    handle_use(a);
    ok(!handle_unuse(a) && handle_unuse(a), "the last user is told");
    const int fd = handle_fd(a);
    handle_close(a);
    ok(fcntl(fd, F_GETFD) < 0, "its descriptor is closed");
    is_int(handle_find("log:a"), -1, "and its key forgotten");
    handle_close(a);
    handle_close(handles.count + 1000);
    ok(fcntl(handle_fd(b), F_GETFD) >= 0, "closing what is not there changes nothing");
    const uint32_t serial = handles.at[b].serial;
    const unsigned c = handle_add(HANDLE_ZONE, "zone:c", memory());
    is_uint(c, a, "a free slot is used again");
    ok(handles.at[c].serial > serial && handles.at[c].users == 0, "by somebody new");
    handle_renewed(b);
    ok(handles.at[b].serial > handles.at[c].serial, "renewed: newer than all");
    handle_close(b);
    handle_close(c);
}

static void test_replaced(void)
{
    const int first = memory(), second = memory();
    const ino_t wanted = inode(second);
    ok(handle_put(40, HANDLE_LOG, first), "behind a slot far away");
    is_int(handle_fd(40), first, "its number");
    ok(handle_put(40, HANDLE_LOG, second), "replaced");
    is_int(handle_fd(40), first, "the number stays");
    ok(inode(first) == wanted, "what is behind it does not");
    ok(fcntl(second, F_GETFD) < 0, "the other number is closed");
    ok(fcntl(first, F_GETFD) & FD_CLOEXEC, "not for programs that are executed");
    handle_close(40);
}

static void test_mapped(void)
{
    struct handle *h;
    unsigned char present;
    handle_put(2, HANDLE_ZONE, memory());
    h = &handles.at[2];
    h->mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
    h->mapped_size = 4096;
    void *at = h->mapped;
    memset(at, 1, 4096);
    handle_close(2);
    ok(handles.at[2].mapped == NULL, "not mapped any more");
    ok(mincore(at, 4096, &present) == 0, "the addresses stay reserved");
    munmap(at, 4096);
}

int main(void)
{
    test_slots();
    test_replaced();
    test_mapped();
    return done_testing();
}
