/*
 * A wire protocol as a request sees it: HTTP/1 now; HTTP/2, HTTP/3 and "parent" (of a subrequest)
 * are further rows.  The only way in which a response leaves.
 */
#ifndef HTTP_CODEC_H
#define HTTP_CODEC_H

#include "event/flow.h"

struct request;

enum ending {
    ENDING_KEEP,                        /* the stream may carry another request */
    ENDING_CLOSE,
    ENDING_RESET,                       /* the response is not whole: the client must see that */
};

struct codec {
    const char *name;
    /* From r->status and r->out: the head.  Once. */
    void (*head)(struct request *r, enum mark mark);
    /* Takes the chain.  After LAST, request_sent() is called when the last byte has left. */
    enum flow (*body)(struct request *r, struct chain *data, enum mark mark);
    /* The request has ended and will be freed: the stream forgets it. */
    void (*finish)(struct request *r, enum ending how);
};

/* A listening's `accepted` for plain connections: the codec of http/v1, which is a room above. */
struct conn;
void h1_accepted(struct conn *c);

#endif
