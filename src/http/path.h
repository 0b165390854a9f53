/*
 * From a request's path to a file's: the one function that every module uses for it.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "http/request.h"

/* The location's root and `path`, with a NUL behind. */
struct str path_of(struct request *r, struct str path);

#endif
