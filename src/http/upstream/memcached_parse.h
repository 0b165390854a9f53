/*
 * The answer of memcached to "get KEY": pure functions over slices.
 *
 *     "VALUE KEY 0 5\r\n"   memcached_parse_head: VALUE, flags 0, length 5
 *     "hello"               memcached_parse_body: DATA
 *     "\r\nEND\r\n"         in whatever pieces: MORE ... END
 *
 *     "END\r\n"             MISSING: there is nothing of this key
 */
#ifndef HTTP_UPSTREAM_MEMCACHED_PARSE_H
#define HTTP_UPSTREAM_MEMCACHED_PARSE_H

#include "core/str.h"

enum memcached_head {
    MEMCACHED_MORE,
    MEMCACHED_VALUE,
    MEMCACHED_MISSING,
    MEMCACHED_BAD,                      /* another line, or a broken one: SERVER_ERROR ... */
    MEMCACHED_BAD_KEY,                  /* the value is not of this key */
    MEMCACHED_BAD_FLAGS,
    MEMCACHED_BAD_LENGTH,
};

struct memcached_answer {
    struct str line;                    /* the first one, without its end; of all but MORE */
    size_t size;                        /* with its end */
    uint64_t flags;
    int64_t length;
};

enum memcached_head memcached_parse_head(struct str bytes, struct str key,
                                         struct memcached_answer *out);

enum memcached_body {
    MEMCACHED_BODY_MORE,                /* all of *in is used up */
    MEMCACHED_BODY_DATA,                /* *data is a part of it, not empty */
    MEMCACHED_BODY_END,
    MEMCACHED_BODY_BAD,                 /* what follows the value is no end of it */
};

struct memcached_value {                /* how far it was read */
    int64_t left;                       /* of the length, at first */
    size_t ended;                       /* bytes of the end that have come; 0 at first */
};

/* Takes from the front of *in; again while it is DATA. */
enum memcached_body memcached_parse_body(struct memcached_value *v, struct str *in,
                                         struct str *data);

#endif
