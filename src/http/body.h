/*
 * The body of a request, whatever its framing.
 *
 *     codec --body_deliver--> memory (client_body_buffer_size) --> temp file
 *           --body_delivered                                        \--> reader: body_read()
 *                         \-> or as it comes: body_stream() -> struct body_reader
 *
 *     WAITING --body_read, body_discard--> READING --> COMPLETE
 *                                               \----> FAILED
 *
 * The limit is checked before anything is stored.  An answer that says that all is well waits for
 * the end of a body that nobody wants, so that it is never given to half a request; an error does
 * not wait, and what follows is passed over behind it.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "core/temp_file.h"
#include "http/request.h"

enum body_state { BODY_WAITING, BODY_READING, BODY_COMPLETE, BODY_FAILED };

/* Who takes a body as it comes. */
struct body_reader {
    struct sink sink;                   /* FULL: no more until body_resume; LAST: it is complete */
    void (*failed)(struct body_reader *reader, unsigned status);        /* it never will be */
};

struct body {
    struct request *request;
    struct body_reader *reader;         /* NULL: it is kept */
    bool paused;                        /* the reader is full */
    enum body_state state;
    unsigned status;                    /* FAILED: why */
    int64_t length;                     /* announced; -1: chunked */
    int64_t got;
    char *memory;                       /* what is not in the file */
    size_t len, room;
    int fd;                             /* -1: all of it is in memory */
    int64_t file_size;
    struct str path;                    /* of the file, when it has a name */
    bool clean;                         /* the file goes with the request */
    bool drop;                          /* read, but not kept */
    struct op reading;
};

extern struct section http_body_section;

struct http_body_conf {
    struct conf_set set;
    int64_t max_size;                   /* 0: no limit */
    size_t buffer_size;
    int64_t timeout;
    bool single_buffer;
    unsigned file_only;                 /* off, on, clean */
    struct temp_path temp;
};

/* The head announced one: -1 for chunked.  Before request_start. */
void body_init(struct request *r, int64_t length);
/* In a step: STEP_NEXT when all of it is there (or there is none), STEP_WAIT, STEP_FAIL. */
enum step body_read(struct request *r);
/* Each piece goes to the reader from now on, none in this call.  There is a body, and nobody has
 * asked for it before. */
void body_stream(struct request *r, struct body_reader *reader);
/* After FULL. */
void body_resume(struct request *r);
/* The reader is gone: what is left of the body belongs to nobody. */
void body_stop(struct request *r);
/* Nobody wants it, and the answer is due: STEP_NEXT, STEP_WAIT (the request is woken) or
 * STEP_FAIL. */
enum step body_discard(struct request *r);
/* 413 when the announced length is more than the location allows. */
enum step body_check(struct request *r);
/* All of it as one text, read back from the file if need be; empty when it is not there. */
struct str body_text(struct request *r);
/* The same for somebody who sends it, as often as he likes: memory, or a range of the file. */
void body_chain(struct request *r, struct chain *out);
/* Bytes of it that are there; -1: not all of it is. */
int64_t body_size(const struct request *r);
/* A source of its own over what is there. */
struct source *body_source(struct request *r);

int64_t body_timeout(const struct request *r);

/* The codec's side.  False: no more is wanted, `status` says why; or not now, when it is paused:
 * want_body() comes again. */
WARN_UNUSED bool body_deliver(struct request *r, struct str bytes);
void body_delivered(struct request *r);
/* So many bytes are known to follow: false like body_deliver. */
WARN_UNUSED bool body_announce(struct request *r, uint64_t bytes);
/* The body is not read: the limit alone.  False: r->out.status. */
WARN_UNUSED bool body_allows(struct request *r, uint64_t bytes);
void body_fail(struct request *r, unsigned status);

#endif
