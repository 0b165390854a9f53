/*
 * What a process is: its name, its user, its limits, its CPUs, its environment.
 */
#ifndef OS_UNIX_PROCESS_H
#define OS_UNIX_PROCESS_H

#include "os/unix/platform.h"

/* Once, before anything keeps a pointer to the environment: makes room for titles.  argv must not
 * be used afterwards. */
bool process_title_init(int argc, char **argv);
void process_title(const char *title);

/* In the background: the caller returns in the child, with a session of its own and no terminal.
 * False: errno. */
bool process_daemonize(void);

bool process_find_user(const char *name, uint32_t *uid);
bool process_find_group(const char *name, uint32_t *gid);
/* Groups, gid and uid, for good: verified.  False: errno. */
bool process_become_user(uint32_t uid, uint32_t gid, const char *name);
/* No new privileges, nothing in the bounding set; not dumpable unless cores are wanted. */
void process_harden(bool cores);

bool process_limit_files(int64_t count);
bool process_limit_core(int64_t size);
bool process_priority(int nice);
/* Masks of 1024 CPUs. `nth` of those in the mask (NULL: of all that may be used). */
bool process_affinity(const uint64_t mask[16]);
bool process_affinity_nth(const uint64_t *mask, unsigned nth);
/* CPUs that may be used: affinity and the cgroup's quota; at least 1. */
unsigned process_cpus(void);

/* Keeps the names in `list`, sets the "name=value" in it, drops everything else.  Ends in NULL. */
void process_environment(const char *const *list);

/* Freed memory at the end of the heap stays for a while: requests come and go by thousands, and
 * each page given back is a fault when it is wanted again. */
void process_keep_heap(void);

#endif
