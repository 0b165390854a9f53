/*
 * Request targets: decoded once, normalised once, never above the root.
 *
 *     "http://A/a/%62/../c?x=1"  ->  scheme "http", authority "A", path "/a/c", args "x=1"
 *
 * Pure: slices point into the target.  Only a path or a host that had to be changed is built from
 * the pool; a path is left alone when it has no "%", no "/." and, where slashes merge, no "//".
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "core/fmt.h"

struct uri {
    struct str scheme, authority;       /* of an absolute form; in lower case, as sent */
    struct str path, args;              /* decoded and normalised; as sent */
    bool has_args;                      /* a "?" stood there, also with nothing behind it */
};

/* The forms "/path" and "http(s)://authority/path".  A fragment is dropped.  False: another form, a
 * user in the authority, a bad escape, a control, a space, "%00", or above the root; or no memory.
 * Escapes are decoded before dots are looked for.  `merge`: "//" is "/". */
WARN_UNUSED bool uri_parse(struct str target, bool merge, struct pool *pool, struct uri *uri);

/* Text that configuration or a backend gave ("/a/../b?c"): split at "?", the path decoded and
 * normalised like that of a target.  Spaces may stand in it (also in the arguments), and "#" is a
 * byte like others.  False: not safe to use. */
WARN_UNUSED bool uri_parse_path(struct str text, bool merge, struct pool *pool, struct uri *uri);

/* The host of "Example.COM:80" in lower case, without the dot at its end; an IPv6 address stays in
 * its brackets.  The authority of a target goes the same way.  False: it is no host, or the port is
 * none. */
WARN_UNUSED bool uri_host(struct str text, struct pool *pool, struct str *host);

#endif
