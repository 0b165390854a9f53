/*
 * The file cache of a worker.  Owns entries, contents and descriptors.
 */
#include "core/file_cache.h"

#include "core/base.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>

enum { FIRST_BUCKETS = 256, YOUNG_MS = 2000, CONTENT_MS = 1000, SWEEP_MOST = 8 };

bool file_cache_init(struct file_cache *cache)
{
    *cache = (struct file_cache){ .nbuckets = FIRST_BUCKETS };
    list_init(&cache->files);
    cache->buckets = calloc(FIRST_BUCKETS, sizeof(*cache->buckets));
    return cache->buckets
           && getrandom(&cache->key, sizeof(cache->key), 0) == (ssize_t)sizeof(cache->key);
}

/* --- entries ---------------------------------------------------------------------------------- */

static void destroy(struct file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free((char *)(uintptr_t)file->content);
    free(file);
}

static struct file **place_of(struct file_cache *cache, uint64_t hash, struct str path)
{
    struct file **at = &cache->buckets[hash & (cache->nbuckets - 1)];
    while (*at && ((*at)->hash != hash || !str_eq((*at)->path, path)))
        at = &(*at)->next;
    return at;
}

static void forget(struct file_cache *cache, struct file *file)
{
    struct file **at = place_of(cache, file->hash, file->path);
    ASSERT(*at == file);
    *at = file->next;
    list_remove(&file->used);
    file->cached = false;
    cache->count--;
    if (file->content)
        cache->contents -= (size_t)file->st.st_size;
    if (file->users == 0)
        destroy(file);
}

void file_cache_free(struct file_cache *cache)
{
    while (!list_empty(&cache->files))
        forget(cache, container_of(list_first(&cache->files), struct file, used));
    free(cache->buckets);
    cache->buckets = NULL;
}

static void grow(struct file_cache *cache)
{
    const size_t wanted = cache->nbuckets * 2;
    struct file **grown = calloc(wanted, sizeof(*grown));
    if (!grown)
        return;
    for (size_t i = 0; i < cache->nbuckets; i++)
        for (struct file *file = cache->buckets[i], *next; file; file = next) {
            next = file->next;
            file->next = grown[file->hash & (wanted - 1)];
            grown[file->hash & (wanted - 1)] = file;
        }
    free(cache->buckets);
    cache->buckets = grown;
    cache->nbuckets = wanted;
}

static void keep(struct file_cache *cache, struct file *file)
{
    struct file **bucket = &cache->buckets[file->hash & (cache->nbuckets - 1)];
    file->next = *bucket;
    *bucket = file;
    file->cached = true;
    list_push(&cache->files, &file->used);
    cache->count++;
    if (file->content)
        cache->contents += (size_t)file->st.st_size;
    if (cache->count > cache->nbuckets * 2)
        grow(cache);
}

static void touch(struct file_cache *cache, struct file *file, int64_t now)
{
    file->last_use = now;
    file->uses++;
    list_remove(&file->used);
    list_push(&cache->files, &file->used);
}

/* The limit of descriptors is that of the worker, which is set behind file_cache_init(). */
static size_t entries_most(struct file_cache *cache)
{
    struct rlimit limit;
    if (cache->most == 0) {
        cache->most = FILE_ENTRIES_MOST;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < FILE_ENTRIES_MOST)
            cache->most = (size_t)limit.rlim_cur / 4 + 1;
    }
    return cache->most;
}

/* What nobody has asked for, a few at a time, and what is too much. */
static void sweep(struct file_cache *cache, const struct file_options *options, int64_t now)
{
    for (unsigned i = 0; i < SWEEP_MOST && !list_empty(&cache->files); i++) {
        struct file *oldest = container_of(list_first(&cache->files), struct file, used);
        const size_t most = options->most ? options->most : entries_most(cache);
        const bool many = cache->count > most || cache->contents > FILE_CONTENTS_MOST;
        if (!many && now - oldest->last_use < oldest->inactive)
            return;
        forget(cache, oldest);
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static int64_t msec_of(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec
           && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec
           && a->st_mode == b->st_mode;
}

static bool young(const struct stat *st, int64_t now)
{
    const int64_t changed = msec_of(&st->st_ctim), modified = msec_of(&st->st_mtim);
    return now - (changed > modified ? changed : modified) < YOUNG_MS;
}

/* All of a small file; the descriptor is not needed then. */
static void read_content(struct file *file)
{
    const size_t size = (size_t)file->st.st_size;
    struct stat st;
    char *content = malloc(size ? size : 1);
    if (!content)
        return;
    if (pread(file->fd, content, size, 0) != (ssize_t)size || fstat(file->fd, &st) < 0
        || !same(&st, &file->st)) {
        free(content);
        return;
    }
    file->content = content;
    close(file->fd);
    file->fd = -1;
}

static struct file *open_file(struct str path, uint64_t hash, int64_t now,
                              int (*open)(const char *path, void *data), void *data)
{
    struct file *file = calloc(1, sizeof(*file) + path.len + 1);
    char *name = (char *)(file + 1);
    if (!file)
        return NULL;
    memcpy(name, path.at, path.len);
    file->path = str_of(name, path.len);
    file->hash = hash;
    file->opened = file->checked = file->last_use = now;
    file->uses = 1;
    file->fd = open(name, data);
    if (file->fd < 0 || fstat(file->fd, &file->st) < 0)
        file->error = errno;
    return file;
}

/* What an entry shall hold, and whether there shall be one. */
static bool worth_keeping(struct file_cache *cache, struct file *file,
                          const struct file_options *options, int64_t now)
{
    if (file->error)
        return options->errors;
    if (S_ISDIR(file->st.st_mode)) {
        close(file->fd);
        file->fd = -1;
        return options->valid >= 0;
    }
    if (!S_ISREG(file->st.st_mode))
        return false;
    if (options->contents && file->st.st_size <= FILE_CONTENT_MOST && !young(&file->st, now)
        && cache->contents < FILE_CONTENTS_MOST)
        read_content(file);
    return file->content || options->descriptors;
}

static bool believed(const struct file_cache *cache, struct file *file,
                     const struct file_options *options, int64_t now)
{
    struct stat st;
    if (file->fd < 0 && !file->content && !file->error && S_ISREG(file->st.st_mode))
        return false;                   /* its descriptor was not kept */
    if (options->valid >= 0 && now - file->checked < options->valid && now >= file->checked)
        return true;
    if (file->turn == cache->turn)
        return true;
    if (options->valid < 0 && file->content
        && (now - file->opened >= CONTENT_MS || now < file->opened))
        return false;
    file->checked = now;
    file->turn = cache->turn;
    if (stat(file->path.at, &st) < 0)
        return file->error && errno == file->error;
    return !file->error && same(&st, &file->st);
}

struct file *file_get(struct file_cache *cache, struct str path,
                      const struct file_options *options, int64_t now,
                      int (*open)(const char *path, void *data), void *data)
{
    const uint64_t hash = siphash_13(&cache->key, path);
    struct file *file = options->apart ? NULL : *place_of(cache, hash, path);
    uint64_t uses = 1;
    if (file && believed(cache, file, options, now)) {
        touch(cache, file, now);
        file->users++;
        return file;
    }
    if (file) {
        uses = file->uses + 1;
        forget(cache, file);
    }
    file = open_file(path, hash, now, open, data);
    if (!file)
        return NULL;
    file->users = 1;
    file->uses = uses;
    file->turn = cache->turn;
    file->min_uses = options->min_uses;
    file->inactive = options->inactive;
    if (!options->apart && worth_keeping(cache, file, options, now))
        keep(cache, file);
    sweep(cache, options, now);
    return file;
}

void file_put(struct file *file)
{
    ASSERT(file->users > 0);
    if (--file->users > 0)
        return;
    if (!file->cached)
        destroy(file);
    else if (file->fd >= 0 && file->uses < file->min_uses) {
        close(file->fd);
        file->fd = -1;
    }
}

bool file_cache_sweep(struct file_cache *cache, int64_t now)
{
    list_each(&cache->files, link) {
        struct file *file = container_of(link, struct file, used);
        if (file->users == 0 && now - file->last_use >= file->inactive)
            forget(cache, file);
    }
    return cache->count > 0;
}
