/*
 * Request targets: decoded once, normalised once, never above the root.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "core/fmt.h"

/* "/a/%62/../c?x=1" becomes path "/a/c" and args "x=1"; an absolute form gives its authority, else
 * `authority` is empty.  False: not a target, a bad escape, NUL, or above the root.  The path is
 * built from `pool`. */
bool uri_parse(struct str target, struct pool *pool, struct str *path, struct str *args,
               struct str *authority);

/* The host of "Example.COM:80", in lower case; false: it is no host. */
bool uri_host(struct str text, struct pool *pool, struct str *host);

#endif
