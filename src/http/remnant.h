/*
 * What outlives a request that has become a tunnel: an access log's line, the place under a limit.
 *
 *     request_leave(r) --leave() of each module--> list: [ line ] -> [ line ] -> [ place ]
 *     ... the tunnel lives, maybe longer than the generation that it began under ...
 *     remnants_end(list, how) --end()--> written, given back
 *
 * A remnant lies on the heap and points to nothing of the request or of a generation; its end()
 * frees it.
 */
#ifndef HTTP_REMNANT_H
#define HTTP_REMNANT_H

#include "http/request.h"

/* What only the end of a tunnel knows. */
struct tunnel_end {
    struct worker *worker;
    const struct log *log;              /* where it is said when something is wrong */
    uint64_t sent, body_sent;           /* bytes to the client: all; without the head */
    uint64_t server_sent, server_received;
    int64_t request_time, connection_time, server_time;         /* milliseconds */
};

struct remnant {
    struct remnant *next;
    void (*end)(struct remnant *remnant, const struct tunnel_end *how);
};

/* At the end of the list. */
void remnant_add(struct remnant **list, struct remnant *remnant);

/* The connection is not the request's any more: it ends, without a line in logs, when the step that
 * has called this answers STEP_WAIT.  What is left of it: */
struct remnant *request_leave(struct request *r);

void remnants_end(struct remnant *list, const struct tunnel_end *how);

#endif
