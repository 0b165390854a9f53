/*
 * Files that a worker has looked at lately: what stat() says, small contents, open descriptors.
 *
 *     path --hash--> struct file { state, content or descriptor, users }
 *                      in a list by last use; the oldest goes first
 *
 * An entry is believed for `valid` milliseconds; after that one stat() shows whether it is still
 * the same file (device, inode, size, mtime, ctime), else it is opened anew.  With valid < 0 that
 * stat() comes in each turn of the loop, so that requests which came after a change see it; content
 * younger than two seconds is not kept, since a file may change twice within one tick of its clock,
 * and what is kept is read again after a second, since who writes by mmap() changes no clock.
 *
 * A file in use outlives its entry.  One worker's: no locks.
 */
#ifndef CORE_FILE_CACHE_H
#define CORE_FILE_CACHE_H

#include "core/list.h"
#include "core/siphash.h"

#include <sys/stat.h>

enum {
    FILE_CONTENT_MOST = 64 << 10,       /* of one file */
    FILE_CONTENTS_MOST = 16 << 20,      /* of all */
    FILE_ENTRIES_MOST = 4096,           /* when nothing is said, and descriptors are plenty */
};

struct file {
    struct file *next;                  /* of its bucket */
    struct list_link used;
    uint64_t hash;
    struct str path;
    int error;                          /* errno of the open; the rest means nothing then */
    int fd;                             /* -1: content is there, or it is a folder */
    struct stat st;
    const char *content;                /* all of it; NULL: to be read */
    unsigned users, min_uses;
    int64_t inactive;                   /* unused for so long, it goes */
    bool cached;
    int64_t opened, checked, last_use;  /* milliseconds */
    uint64_t turn;                      /* of the loop, when it was checked */
    uint64_t uses;
};

struct file_options {
    int64_t valid;                      /* milliseconds; < 0: checked each time */
    int64_t inactive;                   /* unused for so long, it goes */
    size_t most;                        /* entries; 0: a quarter of the descriptors there may be */
    unsigned min_uses;                  /* before a descriptor is kept */
    bool descriptors, errors;           /* are kept */
    bool contents;
    bool apart;                         /* neither found in the cache nor left there */
};

struct file_cache {
    struct file **buckets;
    size_t nbuckets, count;
    size_t most;                        /* entries, when nothing is said; 0: not known yet */
    size_t contents;                    /* bytes */
    uint64_t turn;                      /* of the loop: the worker keeps it */
    struct list files;                  /* least recently used first */
    struct siphash_key key;
};

bool file_cache_init(struct file_cache *cache);
void file_cache_free(struct file_cache *cache);         /* what is in use lives on */

/* Opens by `open` (which may be stricter than open(2)), or finds.  `path` has a NUL behind; `now`
 * is the real time in milliseconds.  NULL: no memory.  Give it back with file_put. */
struct file *file_get(struct file_cache *cache, struct str path,
                      const struct file_options *options, int64_t now,
                      int (*open)(const char *path, void *data), void *data);
void file_put(struct file *file);
/* Lets go of what nobody has asked for, so that no descriptor keeps a file that was removed; to be
 * called now and then.  False: nothing is left. */
bool file_cache_sweep(struct file_cache *cache, int64_t now);

#endif
