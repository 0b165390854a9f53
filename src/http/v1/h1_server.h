/*
 * HTTP/1 on a connection: reads heads and bodies, makes requests, writes responses.
 *
 *     WAITING --bytes--> READING --head--> BUSY --answered--> WAITING, READING (pipelined)
 *        |                  |                |  \--body left--> SKIPPING --> WAITING, READING
 *        |                  |                \--no more on this connection--> CLOSING --sent--.
 *        \-- timeouts, evicted --> closed <-- LINGERING: the client's bytes are read <--------/
 *
 * One request is read and answered at a time; those before it may still be on their way out, so a
 * turn answers many pipelined ones and sends them together.  The buffer is only there while bytes
 * are; an idle connection holds none.
 */
#ifndef HTTP_V1_H1_SERVER_H
#define HTTP_V1_H1_SERVER_H

#include "event/conn.h"

/* A listening's `accepted`. */
void h1_accepted(struct conn *c);

#endif
