/*
 * What the directives have in common that pass requests to other servers: proxy_*, memcached_*,
 * and later fastcgi_*, uwsgi_*, scgi_*, grpc_*.
 *
 *     struct proxy_conf { struct upstream_conf up; ... its own }      `up` is the first member
 *     rows: UPSTREAM_CONNECT_ROWS("proxy_"), UPSTREAM_NEXT_ROWS("proxy_", names), ...
 *
 *     CONNECT NEXT SIZE    all              HEAD SOCKET         all but memcached
 *     BUFFER BODY          proxy fastcgi uwsgi scgi             HASH: proxy fastcgi uwsgi scgi grpc
 *
 * The rows exist once, as macros that take the prefix; a protocol names the sets that it has.
 */
#ifndef HTTP_UPSTREAM_UPSTREAM_CONF_H
#define HTTP_UPSTREAM_UPSTREAM_CONF_H

#include "core/temp_file.h"
#include "core/template.h"
#include "http/fields.h"
#include "http/store_access.h"

/* *_next_upstream: what else than a good answer makes it try the next server. */
enum upstream_next {
    NEXT_ERROR = 1 << 0,
    NEXT_TIMEOUT = 1 << 1,
    NEXT_INVALID = 1 << 2,              /* invalid_header, invalid_response */
    NEXT_NON_IDEMPOTENT = 1 << 3,
    NEXT_500 = 1 << 4,
    NEXT_502 = 1 << 5,
    NEXT_503 = 1 << 6,
    NEXT_504 = 1 << 7,
    NEXT_403 = 1 << 8,
    NEXT_404 = 1 << 9,                  /* not_found too */
    NEXT_429 = 1 << 10,
    NEXT_OFF = 1 << 11,
};

/* *_ignore_headers */
enum upstream_ignore {
    IGNORE_ACCEL_REDIRECT = 1 << 0,
    IGNORE_ACCEL_EXPIRES = 1 << 1,
    IGNORE_ACCEL_LIMIT_RATE = 1 << 2,
    IGNORE_ACCEL_BUFFERING = 1 << 3,
    IGNORE_ACCEL_CHARSET = 1 << 4,
    IGNORE_EXPIRES = 1 << 5,
    IGNORE_CACHE_CONTROL = 1 << 6,
    IGNORE_SET_COOKIE = 1 << 7,
    IGNORE_VARY = 1 << 8,
};

enum upstream_buffering { BUFFERING_OFF, BUFFERING_ON, BUFFERING_AUTO };

struct upstream_bind {
    struct template address;            /* source.len 0: none; `off` is none as well */
    bool transparent;
};

struct upstream_store {
    bool on;
    struct template path;               /* source.len 0: as root and alias say */
};

struct upstream_conf {
    struct conf_set set;
    /* connect */
    struct upstream_bind bind;
    int64_t connect_timeout, send_timeout, read_timeout;
    bool socket_keepalive;
    int64_t sndbuf, rcvbuf;             /* 0: as the system has it */
    /* next */
    unsigned next;                      /* enum upstream_next */
    int64_t next_tries, next_timeout;   /* 0: no limit */
    /* the head of the answer */
    size_t buffer_size;
    struct conf_strs hide, pass;
    unsigned ignore;                    /* enum upstream_ignore */
    bool intercept_errors, force_ranges, pass_trailers;
    uint64_t hidden_known;              /* what does not pass: bits of enum field_id, and names */
    struct conf_strs hidden;
    /* its body */
    unsigned buffering;                 /* enum upstream_buffering */
    struct conf_bufs buffers;
    size_t busy_size, temp_write_size;  /* 0: not said */
    int64_t max_temp_file;
    struct temp_path temp;
    struct template limit_rate;
    bool ignore_abort;
    struct upstream_store store;
    unsigned store_access;
    /* the request */
    bool request_buffering;
    bool pass_headers, pass_body;
    uint64_t place;                     /* a hash of what makes connections different */
    uint64_t home;                      /* of where it stands, for `keepalive ... local` */
    /* where to, and for health checks: the request that asks for `uri`; NULL: there is none in this
     * protocol, so that being connected is enough */
    struct group *group;                /* NULL: variables say where to */
    struct str (*probe)(struct conf *cf, const struct upstream_conf *conf, struct str uri,
                        bool keep);
};

extern const struct conf_type upstream_type_bind;       /* struct upstream_bind */
extern const struct conf_type upstream_type_store;      /* struct upstream_store */
extern const struct conf_type upstream_type_rate;       /* struct template */
extern const struct conf_name upstream_ignore_names[], upstream_buffering_names[];

/* To be called in the finish() of a protocol's section: derived values, checks with nginx's words.
 * `prefix` is that of its directives. */
bool upstream_conf_finish(struct conf *cf, struct upstream_conf *conf, const char *prefix);

static inline bool upstream_hides(const struct upstream_conf *conf, const struct field *field)
{
    if (field->id != FIELD_OTHER)
        return conf->hidden_known >> field->id & 1;
    for (unsigned i = 0; i < conf->hidden.count; i++)
        if (str_eq_ci(conf->hidden.at[i], field->name))
            return true;
    return false;
}

/* --- rows ------------------------------------------------------------------------------------- */

#define UPSTREAM_ROW_OF(name, min, max, type, member, def, arg, help) \
    { name, IN_HSL, min, max, type, FIELD(upstream_conf, member), INHERIT, def, arg, NULL, help, \
      NULL }
#define UPSTREAM_ROW(name, type, member, def, arg, help) \
    UPSTREAM_ROW_OF(name, 1, 1, type, member, def, arg, help)
/* Checked, and dropped. */
#define UPSTREAM_INERT_ROW(name, type, def, inert, help) \
    { name, IN_HSL, 1, 1, type, 0, INHERIT, def, NULL, inert, help, NULL }

#define UPSTREAM_CONNECT_ROWS(P) \
    UPSTREAM_ROW_OF(P "bind", 1, 2, &upstream_type_bind, bind, NULL, NULL, \
                    "own address of connections to servers"), \
    UPSTREAM_ROW(P "connect_timeout", &conf_type_msec, connect_timeout, "60s", NULL, \
                 "how long connecting to a server may take"), \
    UPSTREAM_ROW(P "send_timeout", &conf_type_msec, send_timeout, "60s", NULL, \
                 "how long the next bytes of a request may take"), \
    UPSTREAM_ROW(P "read_timeout", &conf_type_msec, read_timeout, "60s", NULL, \
                 "how long the next bytes of an answer may take"), \
    UPSTREAM_ROW(P "socket_keepalive", &conf_type_flag, socket_keepalive, "off", NULL, \
                 "TCP keepalive on connections to servers")

#define UPSTREAM_SOCKET_ROWS(P) \
    UPSTREAM_ROW(P "socket_rcvbuf", &conf_type_offset, rcvbuf, NULL, NULL, \
                 "SO_RCVBUF of connections to servers"), \
    UPSTREAM_ROW(P "socket_sndbuf", &conf_type_offset, sndbuf, NULL, NULL, \
                 "SO_SNDBUF of connections to servers")

#define UPSTREAM_NEXT_ROWS(P, names) \
    UPSTREAM_ROW_OF(P "next_upstream", 1, CONF_MANY, &conf_type_mask, next, "error timeout", \
                    names, "when another server is tried"), \
    UPSTREAM_ROW(P "next_upstream_tries", &conf_type_int, next_tries, "0", NULL, \
                 "how many servers are tried; 0: all"), \
    UPSTREAM_ROW(P "next_upstream_timeout", &conf_type_msec, next_timeout, "0", NULL, \
                 "how long another one may be tried; 0: as long as it takes")

#define UPSTREAM_SIZE_ROW(P) \
    UPSTREAM_ROW(P "buffer_size", &conf_type_size, buffer_size, "8k", NULL, \
                 "the largest head of an answer")

#define UPSTREAM_HEAD_ROWS(P) \
    UPSTREAM_ROW(P "hide_header", &conf_type_str_list, hide, NULL, NULL, \
                 "a field of answers that is not passed to clients"), \
    UPSTREAM_ROW(P "pass_header", &conf_type_str_list, pass, NULL, NULL, \
                 "a field that is passed though it is hidden otherwise"), \
    UPSTREAM_ROW_OF(P "ignore_headers", 1, CONF_MANY, &conf_type_mask, ignore, NULL, \
                    upstream_ignore_names, "fields of answers that have no effect here"), \
    UPSTREAM_ROW(P "intercept_errors", &conf_type_flag, intercept_errors, "off", NULL, \
                 "error_page answers instead of the server's errors")

#define UPSTREAM_BUFFER_ROWS(P, temp_default) \
    UPSTREAM_ROW(P "force_ranges", &conf_type_flag, force_ranges, "off", NULL, \
                 "ranges are made here, whatever Accept-Ranges says"), \
    UPSTREAM_ROW(P "buffering", &conf_type_enum, buffering, "auto", upstream_buffering_names, \
                 "answers are read ahead of clients; auto: only of those that are slow"), \
    UPSTREAM_ROW_OF(P "buffers", 2, 2, &conf_type_bufs, buffers, "8 4k", NULL, \
                    "memory of an answer that is read ahead"), \
    UPSTREAM_ROW(P "busy_buffers_size", &conf_type_size, busy_size, NULL, NULL, \
                 "checked as in nginx; it has no other effect"), \
    UPSTREAM_ROW(P "temp_file_write_size", &conf_type_size, temp_write_size, NULL, NULL, \
                 "checked as in nginx; it has no other effect"), \
    UPSTREAM_ROW(P "max_temp_file_size", &conf_type_offset, max_temp_file, "1024m", NULL, \
                 "the most of an answer that is read ahead into a file; 0: no files"), \
    UPSTREAM_ROW_OF(P "temp_path", 1, 1 + TEMP_LEVELS, &conf_type_temp_path, temp, temp_default, \
                    NULL, "where these files are"), \
    UPSTREAM_ROW(P "limit_rate", &upstream_type_rate, limit_rate, "0", NULL, \
                 "bytes in a second that are read of an answer; 0: all"), \
    UPSTREAM_ROW(P "ignore_client_abort", &conf_type_flag, ignore_abort, "off", NULL, \
                 "the answer is read to its end when the client has gone"), \
    UPSTREAM_ROW(P "store", &upstream_type_store, store, "off", NULL, \
                 "answers are kept as files"), \
    UPSTREAM_ROW_OF(P "store_access", 1, 3, &http_type_store_access, store_access, "user:rw", \
                    NULL, "who may use these files")

#define UPSTREAM_BODY_ROWS(P) \
    UPSTREAM_ROW(P "request_buffering", &conf_type_flag, request_buffering, "on", NULL, \
                 "a request's body is read before it is passed on"), \
    UPSTREAM_ROW(P "pass_request_headers", &conf_type_flag, pass_headers, "on", NULL, \
                 "fields of requests are passed on"), \
    UPSTREAM_ROW(P "pass_request_body", &conf_type_flag, pass_body, "on", NULL, \
                 "bodies of requests are passed on")

#define UPSTREAM_HASH_ROWS(P) \
    UPSTREAM_INERT_ROW(P "headers_hash_max_size", &conf_type_size, "512", \
                       "tables size themselves", "size of a table of names"), \
    UPSTREAM_INERT_ROW(P "headers_hash_bucket_size", &conf_type_size, "64", \
                       "tables size themselves", "size of a part of that table")

#endif
