/*
 * A request: its life from the parsed head to the log line, whatever the wire protocol.
 *
 *     ROUTING --plan--> RESPONDING --source is at its end--> ENDING --ops empty--> freed
 *        \------------------- request_abort, from any state -------^
 *
 * It owns a list of named pending operations and ends in exactly one place, request_check_end().
 * Waking it is posting its task; nobody calls up the stack.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "core/vars.h"
#include "event/conn.h"
#include "http/codec.h"
#include "http/fields.h"
#include "http/http.h"

struct op {
    struct op *next;
    const char *what;                   /* for people: "sending", "reading a file" */
    bool holds;                         /* the source is not pulled while it is pending */
    /* True: it is gone now.  False: request_op_done will be called later. */
    bool (*cancel)(struct op *op);
};

enum request_state { REQUEST_ROUTING, REQUEST_RESPONDING, REQUEST_ENDING };

enum method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

/* The head, as every protocol delivers it. */
struct request_head {
    enum method method;
    struct str method_name, target, protocol;   /* protocol: "HTTP/1.1" */
    struct str line;                    /* for logs: "GET / HTTP/1.1" */
    struct str host;                    /* lower case, without port; empty: none was sent */
    struct str path, args;              /* decoded and normalised; as sent */
    struct fields fields;
    size_t length;                      /* bytes of the head */
};

struct response {
    unsigned status;
    struct fields fields;               /* those that modules add */
    struct str content_type, location, etag;
    int64_t length;                     /* -1: not known */
    time_t last_modified;               /* -1: none */
    uint64_t body_sent;
    bool close;                         /* the connection must not be kept */
    bool head_sent;
};

struct request {
    struct subject subject;             /* variables: pool, local, conn */
    struct pool pool;
    const struct codec *codec;
    void *stream;                       /* of the codec */
    const void *address;                /* of the listening: the servers there */
    const struct server *server;
    const struct location *location;    /* NULL: outside every location */
    struct request_head in;
    struct response out;
    struct source *source;
    struct sink sink;                   /* what the source writes to: filters, then the codec */
    struct op *ops;
    struct op sending;
    struct task task;
    struct log log;
    enum request_state state;
    unsigned step;                      /* of the plan */
    unsigned redirects;
    bool full, aborted, source_done;
    uint64_t bytes_sent;                /* of the connection when the head began */
    int64_t began;                      /* realtime, milliseconds */
};

/* `head` is copied; its texts live in the pool that `pool` hands over. */
struct request *request_new(const struct codec *codec, void *stream, struct conn *c,
                            struct local *local, struct pool *pool);
/* The head is complete: chooses server and location, walks the plan.  `bad`: a status to answer
 * with instead, since the head cannot be served; 0: none. */
void request_start(struct request *r, unsigned bad);
/* Another path, routed anew: index, try_files, error_page. The step that asks answers STEP_WAIT. */
void request_redirect(struct request *r, struct str path);
void request_abort(struct request *r);

void request_op_start(struct request *r, struct op *op, const char *what, bool holds,
                      bool (*cancel)(struct op *op));
void request_op_done(struct request *r, struct op *op);

/* The codec: the last byte has left, or never will. */
void request_sent(struct request *r, bool whole);
/* The codec: there is room again after FULL. */
void request_drained(struct request *r);

#define request_conf(r, section) \
    conf_of((r)->location ? (r)->location->block : (r)->server->block, section)

#endif
