/*
 * Files and folders with all that is in them: removed, copied.
 *
 *     file_tree_copy("a", "b")     a/            b/
 *                                  a/x      ->   b/x           bytes, mode and time
 *                                  a/l -> x      b/l -> x      a link stays a link
 *
 * Everything goes by descriptors of folders: no link inside of a tree is followed, also when
 * somebody puts one there meanwhile.  Trees that are nested deeper than FILE_TREE_DEPTH fail.
 * These functions block, and may run in a thread: they use nothing but their arguments.
 */
#ifndef CORE_FILE_TREE_H
#define CORE_FILE_TREE_H

#include "core/str.h"

enum { FILE_TREE_DEPTH = 100 };

struct file_tree_failure {
    const char *call;                   /* "rmdir()" */
    int error;
    char path[256];                     /* inside of the tree; cut when it is longer */
};

/* A file, a link, or a folder with all that is in it. */
WARN_UNUSED bool file_tree_remove(const char *path, struct file_tree_failure *failure);
/* `to` is not there yet, and may lie inside of `from`; what was made of it stays when this fails.
 * `from` itself is followed when it is a link. */
WARN_UNUSED bool file_tree_copy(const char *from, const char *to,
                                struct file_tree_failure *failure);
/* All bytes of a file, from its beginning.  False: errno. */
WARN_UNUSED bool file_tree_copy_bytes(int from, int to);
/* All of them, at the place where the file is.  False: errno. */
WARN_UNUSED bool file_tree_write(int fd, struct str bytes);
/* The folders on the way to `path`, without the last part of it.  False: errno. */
WARN_UNUSED bool file_tree_make_way(const char *path, unsigned mode);

#endif
