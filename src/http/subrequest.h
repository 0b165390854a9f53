/*
 * Subrequests: requests that the server makes of itself, whose codec is their parent.
 *
 *     parent's body:  [bytes][ slot: subrequest 1 ][bytes][ slot: subrequest 2 ] ...
 *
 * A slot lets through what its subrequest writes when everything before it has gone; until then
 * the subrequest waits (FULL).  One that is only asked for its outcome has no slot: its body is
 * thrown away, or kept as a text.  When one breaks off in the middle of its part, so does its
 * parent: the client must see that the answer is not whole.
 */
#ifndef HTTP_SUBREQUEST_H
#define HTTP_SUBREQUEST_H

#include "http/request.h"

enum subrequest_kind {
    SUBREQUEST_INLINE,                  /* its body is a part of the parent's, at this place */
    SUBREQUEST_OUTCOME,                 /* its body is thrown away */
    SUBREQUEST_TEXT,                    /* its body is kept: up to subrequest_output_buffer_size */
    SUBREQUEST_BACKGROUND,              /* nobody waits for it but the main request's end */
};

struct subrequest {
    struct op op;                       /* of the parent; of the main one in the background */
    struct request *request;            /* NULL: it has ended */
    struct request *parent;
    enum subrequest_kind kind;
    unsigned status;                    /* when it has ended */
    bool failed;                        /* it broke off */
    struct str text;
    struct str instead;                 /* of an error, or of nothing: its answer; at NULL: none */
    struct slot *slot;
    void (*done)(struct subrequest *s);  /* its response is there; in the loop; or NULL */
    void *data;
};

enum { SUBREQUESTS_MOST = 51 };         /* nested */

/* `holds`: the parent's steps and source wait for it.  NULL: too many; logged. */
struct subrequest *subrequest_start(struct request *parent, enum subrequest_kind kind, bool holds,
                                    struct str path, struct str args);

struct request *request_new_sub(struct request *parent, const struct codec *codec);

/* Its answer to an error, once; false: it has none. */
bool subrequest_instead(struct request *r, struct str *text);

/* The place in a request's output where subrequests come in: between its filters. */
extern const struct filter_type slots_filter;

#endif
