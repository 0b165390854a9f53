/*
 * The process itself.  Owns the memory of its title.
 */
#include "os/unix/process.h"

#include "os/unix/file.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { HEAP_KEPT = 4 << 20, HEAP_STEP = 256 << 10 };

/* The area that argv and the environment stood in at the start: ps reads it. */
static struct {
    char *at;
    size_t room;
} title;

extern char **environ;

bool process_title_init(int argc, char **argv)
{
    char *end = argv[0];
    for (int i = 0; i < argc; i++)
        if (argv[i] == end)
            end = argv[i] + strlen(argv[i]) + 1;
    for (char **e = environ; *e; e++) {
        if (*e == end)
            end = *e + strlen(*e) + 1;
        if (!(*e = strdup(*e)))
            return false;
    }
    title.at = argv[0];
    title.room = (size_t)(end - argv[0]);
    return true;
}

void process_title(const char *text)
{
    if (!title.at || title.room < 2)
        return;
    const size_t len = strnlen(text, title.room - 1);
    memset(title.at, 0, title.room);
    memcpy(title.at, text, len);
}

bool process_daemonize(void)
{
    const pid_t pid = fork();
    if (pid < 0)
        return false;
    if (pid > 0)
        _exit(0);
    if (setsid() < 0)
        return false;
    umask(0);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return false;
    close(null);
    return true;
}

bool process_find_user(const char *name, uint32_t *uid)
{
    const struct passwd *p = getpwnam(name);
    if (p)
        *uid = p->pw_uid;
    return p != NULL;
}

bool process_find_group(const char *name, uint32_t *gid)
{
    const struct group *g = getgrnam(name);
    if (g)
        *gid = g->gr_gid;
    return g != NULL;
}

bool process_become_user(uint32_t uid, uint32_t gid, const char *name)
{
    uid_t r, e, s;
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
        prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    if (initgroups(name, gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return false;
    if (getresuid(&r, &e, &s) < 0 || r != uid || e != uid || s != uid ||
        (uid != 0 && setuid(0) == 0)) {
        errno = EPERM;
        return false;
    }
    return true;
}

void process_harden(bool cores)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, cores ? 1 : 0, 0, 0, 0);
}

static bool limit(int what, int64_t value)
{
    const struct rlimit l = { (rlim_t)value, (rlim_t)value };
    return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

bool process_limit_files(int64_t count)
{
    return limit(RLIMIT_NOFILE, count);
}

bool process_limit_core(int64_t size)
{
    return limit(RLIMIT_CORE, size);
}

bool process_priority(int nice)
{
    return setpriority(PRIO_PROCESS, 0, nice) == 0;
}

bool process_affinity(const uint64_t mask[16])
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (unsigned cpu = 0; cpu < 1024 && cpu < CPU_SETSIZE; cpu++)
        if (mask[cpu / 64] >> (cpu % 64) & 1)
            CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}

bool process_affinity_nth(const uint64_t *mask, unsigned nth)
{
    cpu_set_t may;
    uint64_t one[16] = { 0 };
    unsigned count = 0;
    if (sched_getaffinity(0, sizeof(may), &may) < 0)
        return false;
    for (unsigned cpu = 0; cpu < 1024; cpu++)
        if (mask ? mask[cpu / 64] >> (cpu % 64) & 1 : CPU_ISSET(cpu, &may))
            count++;
    if (count == 0) {
        errno = EINVAL;
        return false;
    }
    nth %= count;
    for (unsigned cpu = 0; cpu < 1024; cpu++)
        if ((mask ? mask[cpu / 64] >> (cpu % 64) & 1 : CPU_ISSET(cpu, &may)) && nth-- == 0) {
            one[cpu / 64] |= 1ull << (cpu % 64);
            break;
        }
    return process_affinity(one);
}

/* cgroup v2: "max 100000" or "200000 100000"; of v1 two files.  Rounded up. */
static unsigned quota_cpus(void)
{
    char text[64];
    long long quota = -1, period = 0;
    char *end;
    if (file_read_small("/sys/fs/cgroup/cpu.max", text, sizeof(text)) > 0) {
        quota = strtoll(text, &end, 10);
        if (end == text)
            return 0;
        period = strtoll(end, NULL, 10);
    } else if (file_read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof(text)) > 0) {
        quota = strtoll(text, NULL, 10);
        if (file_read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", text, sizeof(text)) > 0)
            period = strtoll(text, NULL, 10);
    }
    return quota > 0 && period > 0 ? (unsigned)((quota + period - 1) / period) : 0;
}

unsigned process_cpus(void)
{
    cpu_set_t may;
    unsigned count = 1;
    if (sched_getaffinity(0, sizeof(may), &may) == 0 && CPU_COUNT(&may) > 0)
        count = (unsigned)CPU_COUNT(&may);
    const unsigned quota = quota_cpus();
    return quota && quota < count ? quota : count;
}

void process_environment(const char *const *list)
{
    size_t count = 0, n = 0;
    while (list[count])
        count++;
    char **fresh = calloc(count + 1, sizeof(*fresh));
    if (!fresh)
        return;
    for (size_t i = 0; i < count; i++) {
        const char *value = strchr(list[i], '=') ? NULL : getenv(list[i]);
        char *entry = NULL;
        if (strchr(list[i], '='))
            entry = strdup(list[i]);
        else if (value && asprintf(&entry, "%s=%s", list[i], value) < 0)
            entry = NULL;
        if (entry)
            fresh[n++] = entry;
    }
    environ = fresh;
}

void process_keep_heap(void)
{
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
    mallopt(M_TOP_PAD, HEAP_STEP);
}
