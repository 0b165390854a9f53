/*
 * Zones: where they are put, who initialises them, and locks whose owners or waiters die.
 * Owns a small range of addresses and the handles that are mapped into it.
 */
#include "core/zone.c"

#include "t/unit/tap.h"

#include <signal.h>
#include <sys/wait.h>

enum { SPACE = 16 * ZONE_STEP };

struct counts {
    int inits, migrations, value;
};

static void count_init(const struct zone *zone)
{
    struct counts *counts = zone_data(zone);
    counts->inits++;
}

static void count_migrate(const struct zone *zone, const struct zone *from)
{
    struct counts *counts = zone_data(zone);
    const struct counts *older = zone_data(from);
    counts->migrations++;
    counts->value = older->value;
}

static const struct zone_type type = { "test", count_init, count_migrate };

static struct zone make(const char *key, size_t data)
{
    const size_t size = mapped_size(data);
    const int fd = memfd_create("test", MFD_CLOEXEC);
    struct zone zone = { .name = STR("z"), .type = &type, .size = data };
    ok(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "memory for %s", key);
    zone.slot = handle_add(HANDLE_ZONE, key, fd);
    void *at = find_room(size);
    ok(at && map(zone.slot, at, size), "a place for %s", key);
    zone.at = at;
    return zone;
}

/* --- places ----------------------------------------------------------------------------------- */

static void test_places(void)
{
    is_uint(mapped_size(1), ZONE_STEP, "the least");
    is_uint(mapped_size(ZONE_STEP - 64), ZONE_STEP, "the head belongs to it");
    is_uint(mapped_size(ZONE_STEP - 63), 2 * ZONE_STEP, "one byte more takes a step more");
    ok(mapped_size(SIZE_MAX) > SPACE, "no overflow");
    ok(find_room(mapped_size(SIZE_MAX)) == NULL, "no room for everything");
    ok(find_room(SPACE) == space.base, "room for all there is");
    ok(find_room(SPACE + ZONE_STEP) == NULL, "and for no more");
    const struct zone a = make("zone:test:a:1", 1), b = make("zone:test:b:1", ZONE_STEP),
                      c = make("zone:test:c:1", 1);
    ok((char *)b.at == (char *)a.at + ZONE_STEP, "side by side");
    ok((char *)c.at == (char *)b.at + 2 * ZONE_STEP, "and again");
    handle_close(b.slot);
    ok((char *)find_room(2 * ZONE_STEP) == (char *)b.at, "a gap is filled");
    ok((char *)find_room(3 * ZONE_STEP) == (char *)c.at + ZONE_STEP, "where it is large enough");
    ok(is_here(a.at) && !is_here(b.at) && !is_here(NULL), "what is here");
    handle_close(a.slot);
    handle_close(c.slot);
}

/* --- the first user --------------------------------------------------------------------------- */

static void test_first_user(void)
{
    const struct zone older = make("zone:test:z:1", 1);
    struct zone zone = make("zone:test:z:2", ZONE_STEP);
    zone.from = older.at;
    zone.from_size = mapped_size(older.size);
    zone_lock(&older);
    ((struct counts *)zone_data(&older))->value = 7;
    zone_unlock(&older);
    struct counts *counts = zone_data(&zone);
    for (int i = 0; i < 3; i++) {
        zone_lock(&zone);
        ok(zone_is_locked(&zone) && !zone_is_locked(&older), "locked by us");
        zone_unlock(&zone);
    }
    ok(!zone_is_locked(&zone), "and free");
    is_int(counts->inits, 1, "initialised once");
    is_int(counts->migrations, 1, "migrated once");
    is_int(counts->value, 7, "from the older one");
    handle_close(zone.slot);
    handle_close(older.slot);
}

/* --- processes that die ----------------------------------------------------------------------- */

static char state_of(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    const char *paren = file && fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
    if (file)
        fclose(file);
    return paren ? paren[2] : '?';
}

static bool sleeps(pid_t pid)
{
    for (int i = 0; i < 5000; i++, usleep(1000))
        if (state_of(pid) == 'S')
            return true;
    return false;
}

static bool ended_well(pid_t pid)
{
    int status = -1;
    for (int i = 0; i < 5000; i++, usleep(1000))
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return false;
}

static void test_owner_dies(void)
{
    const struct zone zone = make("zone:test:z:1", 3 * ZONE_STEP);
    struct counts *counts = zone_data(&zone);
    char *far = (char *)zone.at + 2 * ZONE_STEP;
    const pid_t pid = fork();
    if (pid == 0) {
        zone_lock(&zone);
        counts->value = 9;
        *far = 'x';
        _exit(0);
    }
    ok(ended_well(pid), "a process died inside");
    zones_owner_died(pid + 1);
    is_int(counts->value, 9, "the death of another changes nothing");
    zones_owner_died(pid);
    ok(counts->value == 0 && *far == 0, "it was emptied");
    is_uint(zone.at->wiped, 1, "once");
    zone_lock(&zone);
    is_int(counts->inits, 1, "and is initialised again");
    is_int(counts->migrations, 0, "without another migration");
    zone_unlock(&zone);
    handle_close(zone.slot);
}

/* The lock was given to a waiter that died before it took it: the next one must not sleep on. */
static void test_waiter_dies(void)
{
    const struct zone zone = make("zone:test:z:1", 1);
    int *word = &zone.at->lock;
    zone_lock(&zone);
    const int held = __atomic_or_fetch(word, CONTENDED, __ATOMIC_RELAXED);
    const pid_t first = fork();
    if (first == 0) {
        thread_wait_while(word, held);
        _exit(0);
    }
    ok(sleeps(first), "one waits");
    const pid_t second = fork();
    if (second == 0) {
        zone_lock(&zone);
        zone_unlock(&zone);
        _exit(0);
    }
    ok(sleeps(second), "another waits behind it");
    zone_unlock(&zone);
    ok(ended_well(first), "the first one was woken, and died");
    zones_owner_died(first);
    ok(ended_well(second), "the second one got the lock");
    is_int(*word, 0, "which is free now");
    handle_close(zone.slot);
}

int main(void)
{
    ok(zone_space_init(SPACE, SPACE), "a range of addresses");
    test_places();
    test_first_user();
    test_owner_dies();
    test_waiter_dies();
    return done_testing();
}
