/*
 * A wire protocol as a request sees it: HTTP/1 now; HTTP/2, HTTP/3 and "parent" (of a subrequest)
 * are further rows.  The only way in which a response leaves and a body comes in.
 */
#ifndef HTTP_CODEC_H
#define HTTP_CODEC_H

#include "event/flow.h"
#include "http/fields.h"
#include "http/http.h"

struct request;

enum ending {
    ENDING_KEEP,                        /* the stream may carry another request */
    ENDING_CLOSE,
    ENDING_RESET,                       /* the response is not whole: the client must see that */
    ENDING_SILENT,                      /* closed without an answer: return 444 */
};

struct codec {
    const char *name;
    /* From r->out: the head.  Once. */
    void (*head)(struct request *r, enum mark mark);
    /* Takes the chain.  After LAST, request_sent() is called when the last byte has left. */
    enum flow (*body)(struct request *r, struct chain *data, enum mark mark);
    /* 100, 103: leaves at once. */
    void (*informational)(struct request *r, unsigned status, const struct fields *fields);
    /* The body is wanted now: body_deliver() and body_delivered() follow, never in this call. */
    void (*want_body)(struct request *r);
    /* It is not wanted: what has arrived of it is thrown away.  STEP_WAIT: more is to come, and is
     * passed over behind the answer.  STEP_FAIL: it is malformed, or more than the location
     * allows; r->out.status says what to answer. */
    enum step (*discard)(struct request *r);
    /* The request has ended and will be freed: the stream forgets it. */
    void (*finish)(struct request *r, enum ending how);
    /* No request that came before it on its connection is left; the last one that goes wakes it. */
    bool (*alone)(const struct request *r);
    /* It is alone, becomes a tunnel, and all of its body was read: the head leaves, in memory of
     * its own, and the connection is the caller's, without handler, data and timer, but still one
     * of its worker's.  What has come behind the request goes to `early`, likewise.  NULL: no
     * memory, and nothing has happened.  Both rows are NULL where that cannot be. */
    struct conn *(*detach)(struct request *r, struct chain *early);
};

/* A listening's `accepted` for plain connections: the codec of http/v1, which is a room above. */
struct conn;
void h1_accepted(struct conn *c);

#endif
