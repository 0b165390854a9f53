/*
 * HTTP/1 on a connection: reads heads, makes requests one after the other, writes responses.
 *
 *     WAITING --bytes--> READING --head--> BUSY --request ended--> WAITING (or READING: pipelined)
 *        |                  |                                \--> LINGERING --> closed
 *        \-- keepalive_timeout, evicted --> closed
 *
 * The buffer is only there while bytes are; an idle connection holds none.
 */
#ifndef HTTP_V1_H1_SERVER_H
#define HTTP_V1_H1_SERVER_H

#include "event/conn.h"

/* A listening's `accepted`. */
void h1_accepted(struct conn *c);

#endif
