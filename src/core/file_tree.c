/*
 * Trees of files.  Owns nothing: descriptors live as long as a call.
 */
#include "core/file_tree.h"

#include "core/fmt.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { BLOCK = 64 << 10 };

struct place {                          /* an entry, and the way to it */
    const struct place *up;
    int dir;
    const char *name;
    unsigned depth;
};

static void add_place(struct fmt *f, const struct place *place, const char *top)
{
    if (place->up) {
        add_place(f, place->up, top);
        fmt_char(f, '/');
    }
    fmt_text(f, place->up ? place->name : top);
}

static const char *top_of(const struct place *place)
{
    while (place->up)
        place = place->up;
    return place->name;
}

/* With errno; `top` is the tree that the call was about.  Always false. */
static bool fail_in(struct file_tree_failure *failure, const char *call, const struct place *place,
                    const char *top)
{
    struct fmt f;
    failure->call = call;
    failure->error = errno;
    fmt_init_cut(&f, failure->path, sizeof(failure->path));
    add_place(&f, place, top);
    fmt_done(&f);
    return false;
}

static bool fail(struct file_tree_failure *failure, const char *call, const struct place *place)
{
    return fail_in(failure, call, place, top_of(place));
}

/* The names in a folder, which is closed then. */
static bool each(const struct place *folder, int fd, struct file_tree_failure *failure,
                 bool (*visit)(const struct place *entry, void *data,
                               struct file_tree_failure *failure),
                 void *data)
{
    const struct dirent *entry;
    DIR *dir = folder->depth < FILE_TREE_DEPTH ? fdopendir(fd) : NULL;
    bool good = true;
    if (!dir) {
        errno = folder->depth < FILE_TREE_DEPTH ? errno : ENAMETOOLONG;
        fail(failure, "opendir()", folder);
        close(fd);
        return false;
    }
    while (good && (errno = 0, entry = readdir(dir)) != NULL) {
        const struct place place = { folder, fd, entry->d_name, folder->depth + 1 };
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            good = visit(&place, data, failure);
    }
    if (good && errno)
        good = fail(failure, "readdir()", folder);
    closedir(dir);
    return good;
}

/* --- removing --------------------------------------------------------------------------------- */

static bool remove_entry(const struct place *entry, void *data, struct file_tree_failure *failure)
{
    (void)data;
    if (unlinkat(entry->dir, entry->name, 0) == 0)
        return true;
    if (errno != EISDIR)
        return fail(failure, "unlink()", entry);
    const int fd = openat(entry->dir, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(failure, "opendir()", entry);
    if (!each(entry, fd, failure, remove_entry, NULL))
        return false;
    return unlinkat(entry->dir, entry->name, AT_REMOVEDIR) == 0
           || fail(failure, "rmdir()", entry);
}

bool file_tree_remove(const char *path, struct file_tree_failure *failure)
{
    const struct place place = { .dir = AT_FDCWD, .name = path };
    return remove_entry(&place, NULL, failure);
}

/* --- copying ---------------------------------------------------------------------------------- */

struct target {                         /* where the entries of a folder go */
    int dir;
    const char *top;                    /* the new tree */
    dev_t dev;                          /* the tree that is made: not copied into itself */
    ino_t ino;
};

bool file_tree_write(int fd, struct str rest)
{
    while (rest.len) {
        const ssize_t n = write(fd, rest.at, rest.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || !str_from_off(rest, (size_t)n, &rest))
            return false;
    }
    return true;
}

static bool copy_by_hand(int from, int to)
{
    char *block = malloc(BLOCK);
    off_t at = 0;
    bool good = block != NULL;
    while (good) {
        const ssize_t n = pread(from, block, BLOCK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            break;
        good = n > 0 && file_tree_write(to, str_of(block, (size_t)n));
        at += n;
    }
    const int error = errno;
    free(block);
    errno = error;
    return good;
}

bool file_tree_copy_bytes(int from, int to)
{
    off_t at = 0;
    ssize_t n;
    do
        n = copy_file_range(from, &at, to, NULL, 1 << 30, 0);
    while (n > 0 || (n < 0 && errno == EINTR));
    /* Not between these two; and some file systems say zero of files that they make up. */
    if (at == 0 && (n == 0 || errno == EXDEV || errno == EINVAL || errno == ENOSYS
                    || errno == EOPNOTSUPP || errno == EPERM))
        return copy_by_hand(from, to);
    return n == 0;
}

/* The mode without what would make others of those who run it. */
static bool finish_copy(int fd, const struct stat *st)
{
    const struct timespec times[2] = { st->st_atim, st->st_mtim };
    return fchmod(fd, st->st_mode & 0777) == 0 && futimens(fd, times) == 0;
}

static const char *target_name(const struct target *to, const struct place *entry)
{
    return entry->up ? entry->name : to->top;
}

static bool copy_file(const struct place *entry, const struct target *to, const struct stat *st,
                      struct file_tree_failure *failure)
{
    const int from = openat(entry->dir, entry->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC
                            | (entry->up ? O_NOFOLLOW : 0));
    if (from < 0)
        return fail(failure, "open()", entry);
    const int fd = openat(to->dir, target_name(to, entry), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                          0600);
    bool good = fd >= 0 || fail_in(failure, "open()", entry, to->top);
    if (good && (!file_tree_copy_bytes(from, fd) || !finish_copy(fd, st)))
        good = fail_in(failure, "write()", entry, to->top);
    close(from);
    if (fd >= 0 && close(fd) < 0 && good)
        good = fail_in(failure, "close()", entry, to->top);
    return good;
}

static bool copy_link(const struct place *entry, const struct target *to,
                      struct file_tree_failure *failure)
{
    char text[4096];
    const ssize_t n = readlinkat(entry->dir, entry->name, text, sizeof(text));
    if (n < 0 || (size_t)n >= sizeof(text)) {
        errno = n < 0 ? errno : ENAMETOOLONG;
        return fail(failure, "readlink()", entry);
    }
    text[n] = '\0';
    return symlinkat(text, to->dir, target_name(to, entry)) == 0
           || fail_in(failure, "symlink()", entry, to->top);
}

/* The new folder, open; -1: reported. */
static int make_folder(const struct place *entry, const struct target *to, struct target *inside,
                       struct file_tree_failure *failure)
{
    struct stat st;
    const char *name = target_name(to, entry);
    *inside = (struct target){ .dir = -1, .top = to->top, .dev = to->dev, .ino = to->ino };
    if (mkdirat(to->dir, name, 0700) == 0)
        inside->dir = openat(to->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inside->dir >= 0 && !entry->up && fstat(inside->dir, &st) == 0) {
        inside->dev = st.st_dev;
        inside->ino = st.st_ino;
    }
    if (inside->dir < 0)
        fail_in(failure, "mkdir()", entry, to->top);
    return inside->dir;
}

/* In a function of its own: a struct stat is too large for the stack of every level. */
static __attribute__((noinline)) bool finish_folder(const struct place *entry, int to,
                                                    struct file_tree_failure *failure)
{
    struct stat st;
    const int flags = entry->up ? AT_SYMLINK_NOFOLLOW : 0;
    return (fstatat(entry->dir, entry->name, &st, flags) == 0 && finish_copy(to, &st))
           || fail(failure, "chmod()", entry);
}

enum kind { KIND_FAILED, KIND_DONE, KIND_FOLDER };

/* Everything but a folder. */
static __attribute__((noinline)) enum kind copy_plain(const struct place *entry,
                                                      const struct target *to,
                                                      struct file_tree_failure *failure)
{
    struct stat st;
    bool good;
    if (fstatat(entry->dir, entry->name, &st, entry->up ? AT_SYMLINK_NOFOLLOW : 0) < 0)
        good = fail(failure, "stat()", entry);
    else if (S_ISDIR(st.st_mode))
        return entry->up && st.st_ino == to->ino && st.st_dev == to->dev ? KIND_DONE : KIND_FOLDER;
    else if (S_ISLNK(st.st_mode))
        good = copy_link(entry, to, failure);
    else if (S_ISREG(st.st_mode))
        good = copy_file(entry, to, &st, failure);
    else {
        errno = EINVAL;                 /* a pipe, a socket, a device */
        good = fail(failure, "open()", entry);
    }
    return good ? KIND_DONE : KIND_FAILED;
}

static bool copy_entry(const struct place *entry, void *data, struct file_tree_failure *failure)
{
    const struct target *to = data;
    const enum kind kind = copy_plain(entry, to, failure);
    struct target inside;
    if (kind != KIND_FOLDER)
        return kind == KIND_DONE;
    errno = ENAMETOOLONG;               /* before there is a copy that could not be removed */
    const int from = entry->depth == FILE_TREE_DEPTH ? -1
                     : openat(entry->dir, entry->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC
                                                       | (entry->up ? O_NOFOLLOW : 0));
    if (from < 0)
        return fail(failure, "opendir()", entry);
    if (make_folder(entry, to, &inside, failure) < 0) {
        close(from);
        return false;
    }
    const bool good = each(entry, from, failure, copy_entry, &inside)
                      && finish_folder(entry, inside.dir, failure);
    close(inside.dir);
    return good;
}

bool file_tree_copy(const char *from, const char *to, struct file_tree_failure *failure)
{
    const struct place place = { .dir = AT_FDCWD, .name = from };
    struct target target = { .dir = AT_FDCWD, .top = to };
    return copy_entry(&place, &target, failure);
}

/* --- the way ---------------------------------------------------------------------------------- */

bool file_tree_make_way(const char *path, unsigned mode)
{
    char part[4096];
    struct fmt f;
    fmt_init(&f, part, sizeof(part));
    for (const char *at = path; *at; at++) {
        if (*at == '/' && f.len && mkdir(fmt_done(&f).at, mode) < 0 && errno != EEXIST
            && errno != EACCES && errno != EROFS)
            return false;
        fmt_char(&f, *at);
    }
    if (f.failed)
        errno = ENAMETOOLONG;
    return !f.failed;
}
