/*
 * Lists in request fields: encodings with their quality, entity tags, cookies.  Pure.
 */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include "core/str.h"

enum { ACCEPT_NOT_NAMED = -1 };

/* "gzip;q=0.5, br, *;q=0": the quality of `coding` in thousandths; ACCEPT_NOT_NAMED when neither it
 * nor "*" is there.  The first that names it counts; a malformed element names nothing. */
int accept_quality(struct str value, struct str coding);
/* "*" stands for nothing but itself. */
int accept_quality_named(struct str value, struct str coding);

/* Whether a list of entity tags (or "*") has `etag`, which is as in an ETag field: "a" with its
 * quotes, W/"a".  `weak`: W/ makes no difference; else a tag with it equals none. */
bool accept_etag(struct str list, struct str etag, bool weak);

/* `name`, in any case, in one Cookie field.  ";" and "," begin a cookie, ";" alone ends a value;
 * quotes mean nothing.  The value may be empty, and keeps blanks at its end. */
bool accept_cookie(struct str value, struct str name, struct str *out);

#endif
