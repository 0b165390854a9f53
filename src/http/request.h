/*
 * A request: its life from the parsed head to the log line, whatever the wire protocol.
 *
 *     ROUTING --plan--> RESPONDING --last byte given--> ENDING --ops empty--> freed
 *        \----------------- request_abort, from any state ------^
 *
 * It owns a list of named pending operations and ends in exactly one place, check_end().  Waking it
 * is posting its task; nobody calls up the stack.  A subrequest is a request whose codec is its
 * parent (http/subrequest.h); it holds its parent by an op, and shares variables and fields.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "core/trace.h"
#include "core/vars.h"
#include "event/conn.h"
#include "http/codec.h"
#include "http/http.h"

struct body;

struct op {
    struct op *next;
    const char *what;                   /* for people: "sending", "reading a file" */
    bool holds;                         /* the source is not pulled while it is pending */
    /* True: it is gone now.  False: request_op_done will be called later. */
    bool (*cancel)(struct op *op);
};

enum request_state { REQUEST_ROUTING, REQUEST_RESPONDING, REQUEST_ENDING };

enum {
#define METHOD(id, name, bit) METHOD_##id = 1 << (bit),
#include "http/method.def"
#undef METHOD
    METHOD_OTHER = 0,
};

/* The METHOD_ bit of a name, which is `same` as it stands here or in any case. */
uint32_t request_method(struct str name, bool (*same)(struct str a, struct str b));

/* The head, as every protocol delivers it.  `path` and `args` change as the request is routed. */
struct request_head {
    uint32_t method;                    /* a METHOD_ bit */
    struct str method_name, target, protocol;   /* protocol: "HTTP/1.1" */
    unsigned minor;                     /* of HTTP/1.x; 1 for what came later */
    struct str line;                    /* for logs: "GET / HTTP/1.1" */
    struct str host;                    /* lower case, without port; empty: none was sent */
    uint16_t port;                      /* of the Host field; 0: none */
    struct str path, args;              /* decoded and normalised; as sent */
    struct fields fields;
    size_t length;                      /* bytes of the head */
};

struct response {
    unsigned status;
    unsigned reason_of;                 /* the status that `reason` came with; 0: none did */
    struct str reason;
    struct fields fields;               /* besides those below, in their order */
    struct fields trailers;
    struct str content_type, charset;   /* type, often without its charset; empty: none */
    struct str wanted_charset;          /* what a backend wants it recoded to; empty: nothing */
    struct str location, etag;          /* etag with its quotes */
    int64_t length;                     /* of the body; -1: not known */
    time_t last_modified;               /* -1: none */
    time_t modified_of;                 /* of this one `modified_text` is the text, if there is
                                           any: as a server has written it */
    struct str modified_text;
    uint64_t body_sent;
    bool ranges;                        /* parts of it may be asked for */
    bool unconditional;                 /* another server has seen If-Match and such */
    bool encoded;                       /* there is a Content-Encoding */
    bool close;                         /* the connection must not be kept */
    bool head_sent;
    bool truncated;                     /* its end is missing: the client must see that */
    bool bodiless;                      /* HEAD, 204, 304: known when the head leaves */
    bool trailers_due;                  /* trailers will be there when the body has passed */
    bool anonymous;                     /* no Server field */
    bool chunked, keep;                 /* the codec: how the head says that it ends; what the
                                           Connection field says */
};

/* What a module keeps for one request. */
struct request_note {
    struct request_note *next;
    const void *key;
    void *data;
};

struct request {
    struct subject subject;             /* variables: pool, local, conn */
    struct pool pool;                   /* of a main request: all of its subrequests' as well */
    const struct codec *codec;
    void *stream;                       /* of the codec */
    struct request *next;               /* of the codec: the one that began after it */
    struct request *main, *parent;      /* itself and NULL, for a main one */
    const struct http_address *address; /* the servers there; NULL: answered before routing */
    const struct server *server;
    const struct location *location;
    void **conf;                        /* of the location: request_conf() */
    struct request_head in;
    struct response out;
    struct body *body;                  /* http/body.h; NULL: there is none */
    struct source *source;
    struct sink *output;                /* what the source writes to: filters, then the codec */
    struct sink last;                   /* the end of that way */
    struct filter *filters;             /* the last of them; then `above` */
    struct op *ops;
    struct op sending;
    struct task task;
    struct log log;
    const struct inet_address *client;  /* of a main one: who realip says it is; NULL: the peer */
    struct trace *trace;                /* NULL: nobody asks why */
    struct request_note *notes;
    void (*log_passed)(const struct request *r, struct fmt *f);     /* to whom; or NULL */
    enum request_state state;
    enum phase phase;
    uint8_t step;                       /* of the plan */
    uint8_t redirects;                  /* left to it, changes of its path by rules among them */
    bool internal;                      /* routed by the server, not as the client asked */
    bool path_changed;                  /* by rewrite: a location is to be chosen again */
    bool path_stays;                    /* `rewrite ... break`: its location is not the path's */
    bool target_stale;                  /* `path` and `args` are not what in.target says */
    bool error_page;                    /* it is the answer to an error */
    bool below_alias;                   /* the path goes behind a regex location's alias */
    bool full, aborted, silent;
    bool over;                          /* nothing of it goes on without its client */
    bool left;                          /* it is a tunnel now, which is logged at its end */
    bool abandonable;                   /* it ends when its client closes: no other sees it */
    bool running;                       /* its task is: it is not freed under that */
    bool pipelined;                     /* it was there before the answer to the one before it */
    bool in_memory;                     /* a filter wants the bytes of files read */
    uint16_t denied;                    /* satisfy any: the status when nobody allows */
    uint16_t error_status;              /* of error_page: what the answer's status becomes */
    bool allowed;
    bool delayed;                       /* auth_delay has passed, or does */
    unsigned subrequests;               /* of a main one: alive */
    uint32_t number;                    /* of the connection's requests, from 1 */
    uint64_t bytes_sent;                /* of the connection when the head began */
    uint64_t bytes_end;                 /* and when the last byte was given to it; 0: not yet */
    int64_t began;                      /* realtime, milliseconds */
};

/* In the memory of *pool, which the request owns from now on. */
struct request *request_new(const struct codec *codec, void *stream, struct conn *c,
                            struct local *local, struct pool *pool);
/* The head is complete: chooses server and location, walks the plan, begins to answer, all in this
 * call where nothing has to be waited for.  `bad`: a status to answer with instead, since the head
 * cannot be served; 0: none. */
void request_start(struct request *r, unsigned bad);
/* Ends it without an answer; it is logged with this status. */
void request_drop(struct request *r, unsigned status);
void request_abort(struct request *r);
/* The same for good, of a main request: nothing of it goes on without its client either. */
void request_cut(struct request *r);

/* For steps, which return what these return.  Another path, routed anew from the server's rewrite
 * phase: index, try_files, error_page; or a named location.  Ten in all. */
enum step request_redirect(struct request *r, struct str path, struct str args);
enum step request_redirect_named(struct request *r, struct str name);
enum step request_fail(struct request *r, unsigned status);

/* Instead of the response that was set and not begun: the error page of r->out.status. */
void request_refuse(struct request *r);

/* Goes on with the location, as if chosen for the path: `if`, limit_except. */
void request_enter(struct request *r, const struct location *location);

void request_op_start(struct request *r, struct op *op, const char *what, bool holds,
                      bool (*cancel)(struct op *op));
void request_op_done(struct request *r, struct op *op);
/* Its task runs soon: steps are tried again, filters resumed, the source pulled. */
void request_wake(struct request *r);
/* The same at once, for an event's handler that has nothing of the request on the stack and does
 * not touch it afterwards: it may be gone. */
void request_continue(struct request *r);

/* The codec: the last byte has left, or never will. */
void request_sent(struct request *r, bool whole);
/* The codec: there is room again after FULL. */
void request_drained(struct request *r);

/* What the owner of `key` keeps here; made of `size` zeros at first.  Size 0: NULL when there is
 * nothing. */
void *request_note(struct request *r, const void *key, size_t size);

struct loop *request_loop(const struct request *r);

/* Who it comes from: not always the other end of the connection. */
void request_client(const struct request *r, struct inet_address *client);
void request_set_client(struct request *r, const struct inet_address *client);

#define request_conf(r, section) ((r)->conf[(section).slot])

#endif
