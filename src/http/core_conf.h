/*
 * http {}, server {}, location {}: their structures, and the two choices made from them.
 *
 *     listening.data -> http_address { default server, hosts: name -> server }
 *     server.ordered -> [ = /exact ][ /longest/prefix ][ /shorter ][ / ]
 */
#ifndef HTTP_CORE_CONF_H
#define HTTP_CORE_CONF_H

#include "core/listening.h"
#include "core/log_conf.h"
#include "core/map.h"
#include "http/request.h"

struct http_listen {                    /* one listen directive */
    struct http_listen *next;
    struct inet_address address;
    struct str text, place;
    struct socket_options options;
    bool default_server, proxy_protocol, own_options;
    struct server *server;
};

struct http_host {
    struct http_host *next;
    struct str name;
    struct server *server;
};

struct http_address {                   /* data of a listening */
    struct server *default_server;
    bool default_given;
    struct http_host *hosts;
    struct map by_name;                 /* host -> struct server */
};

struct http_server_conf {
    struct conf_set set;
    struct http_listen *listens;
    struct conf_strs names;
    int64_t client_header_timeout;
    size_t client_header_buffer_size;
    struct conf_bufs large_buffers;
};

struct http_types;

struct http_location_conf {
    struct conf_set set;
    struct str root;
    struct http_types *types;
    struct str default_type;
    int64_t keepalive_timeout;          /* and the next one: inherited together */
    int64_t keepalive_header;           /* seconds; 0: not told */
    int64_t keepalive_requests;
    int64_t send_timeout;
    bool server_tokens;
    bool sendfile;
    bool tcp_nodelay;
};

extern struct section http_server_section, http_location_section;

#define http_location_conf(r) \
    ((const struct http_location_conf *)request_conf(r, http_location_section))

const struct server *http_choose_server(const struct request *r);
const struct location *http_choose_location(const struct request *r);

/* "weir/0.1.0", or "weir" with server_tokens off. */
const char *http_server_name(const struct request *r);
/* By the extension; default_type when it is unknown. */
struct str http_type_of(const struct request *r, struct str path);
/* ", client: ..., server: ..., request: ..., host: ..." */
void http_log_context(const struct log *log, struct fmt *f);
/* The log steps of every module. */
void http_log_request(struct request *r);

#endif
