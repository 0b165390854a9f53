/*
 * How bytes move between two things that do not know each other.  Knows nothing of HTTP.
 *
 *     source --pull--> (pushes into) sink        the sink answers FULL: taken, but stop;
 *                                                 whoever drains it posts the puller's task
 */
#ifndef EVENT_FLOW_H
#define EVENT_FLOW_H

#include "core/buf.h"

enum flow {
    FLOW_OK,
    FLOW_FULL,                          /* taken; no more until drained */
};

enum mark {
    MORE,                               /* bytes follow */
    FLUSH,                              /* pass on now what there is */
    LAST,                               /* nothing follows */
};

struct sink {
    enum flow (*write)(struct sink *sink, struct chain *data, enum mark mark);
};

struct source {
    void (*pull)(struct source *source, struct sink *sink);
    void (*cancel)(struct source *source);
    /* From now on only bytes [from, to), then LAST; again for another part.  NULL: it cannot. */
    void (*slice)(struct source *source, int64_t from, int64_t to);
};

#endif
