/*
 * From a request's path to a file's: the one function that every module uses for it.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "http/request.h"

#include <dirent.h>

/* The location's root or alias with `path` behind it, with a NUL behind.  Empty: it cannot be had
 * (no memory, a variable failed); r->out.status says why. */
struct str path_of(struct request *r, struct str path);
/* The folder that the request's path, which ends in "/", stands for; *name is its path, without
 * that.  NULL: it cannot be had, which was logged; r->out.status says why. */
DIR *path_open_folder(struct request *r, struct str *name);
/* The folder that path_of puts before it. */
struct str path_root(struct request *r);
/* How much of `path` the folder replaces: alias. */
size_t path_skip(const struct request *r);

#endif
