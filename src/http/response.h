/*
 * Setting a response: a status, fields, and a source for the body.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/request.h"

const char *response_reason(unsigned status);   /* NULL: it has none */
bool response_is_redirect(unsigned status);     /* 301, 302, 303, 307, 308 */

/* A body in memory that lives as long as the request; `type` empty: none. */
enum step response_text(struct request *r, unsigned status, struct str type, struct str body);
/* `to` as it stands; a path is completed with scheme, host and port as the location wants it. */
void response_location(struct request *r, struct str to);
enum step response_redirect(struct request *r, unsigned status, struct str to);
/* The path of the request with a "/" behind it, and its arguments. */
enum step response_add_slash(struct request *r);
/* Any source; status, length and fields were set. */
enum step response_source(struct request *r, struct source *source);
/* "W/" before the tag, since the bytes are not the same any more. */
void response_weaken_etag(struct request *r);
/* The bytes of the body change on their way: no length, no ranges, a weak tag. */
void response_transformed(struct request *r);

void response_add(struct request *r, struct str name, struct str value);
/* Instead of any of that name, wherever the response keeps it; an empty value removes it.  A
 * Content-Length can only be removed. */
void response_set(struct request *r, struct str name, struct str value);

/* For filters: a body in memory, with the text as its only bytes. */
struct source *response_text_source(struct request *r, struct str body);

#endif
