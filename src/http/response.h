/*
 * Setting a response: a status, fields, and a source for the body.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/request.h"

const char *response_reason(unsigned status);

/* A body in memory that lives as long as the request; `type` empty: the location's default. */
enum step response_text(struct request *r, unsigned status, struct str type, struct str body);
/* The page of a status, in nginx's words. */
enum step response_error(struct request *r, unsigned status);
/* 301, 302, 303, 307, 308: `to` as it stands; a path is completed with scheme and host. */
enum step response_redirect(struct request *r, unsigned status, struct str to);
/* An open file, closed with the request.  Type, Last-Modified and ETag from name and state. */
enum step response_file(struct request *r, int fd, struct str path, int64_t size, time_t modified);

#endif
