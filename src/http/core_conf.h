/*
 * http {}, server {}, location {}: what their statements say (ngx_http_core_module).
 *
 *     http block --> server blocks --> location blocks, nested; each with the structures below
 *
 * Rows that belong to one room alone live there (listen.c, error.c, body.c, file.c, types.c).
 */
#ifndef HTTP_CORE_CONF_H
#define HTTP_CORE_CONF_H

#include "core/listening.h"
#include "core/log_conf.h"
#include "core/wildcard.h"
#include "http/request.h"

/* --- addresses: listen.c ---------------------------------------------------------------------- */

struct http_listen {                    /* one listen directive */
    struct http_listen *next;
    struct inet_address address;
    struct str text, place;
    struct socket_options options;
    bool default_server, proxy_protocol, own_options;
    struct server *server;
};

struct http_regex_name {
    const struct regex *regex;
    const struct server *server;
};

struct http_address {                   /* data of a listening */
    struct str text;
    const struct server *default_server;
    bool default_given, options_given;
    struct wildcard names;              /* -> struct server */
    struct http_regex_name *regexes;    /* in the order of the configuration */
    unsigned nregexes;
};

extern const struct conf_type http_type_listen;         /* struct http_listen *, a list */
extern const struct conf_type http_type_server_name;    /* struct http_name *, a list */

struct http_name {
    struct http_name *next;
    struct str text;                    /* "~..." is a regex */
    const struct regex *regex;
};

/* Of every server: its addresses, and the names there.  False: reported. */
bool http_listen_finish(struct conf *cf, struct server *servers);

/* --- structures ------------------------------------------------------------------------------- */

struct http_main_conf {                 /* of the http block */
    struct conf_set set;
};

struct http_server_conf {
    struct conf_set set;
    struct http_listen *listens;
    struct http_name *names;
    int64_t client_header_timeout;
    size_t client_header_buffer_size;
    struct conf_bufs large_buffers;
    int64_t max_headers;
    bool ignore_invalid, underscores, merge_slashes;
};

enum { ALIAS_ALL = UINT16_MAX };        /* it is the whole path: in a regex location */
enum { SATISFY_ALL, SATISFY_ANY };
enum { LINGERING_OFF, LINGERING_ON, LINGERING_ALWAYS };
enum { TOKENS_OFF, TOKENS_ON, TOKENS_BUILD, TOKENS_TEXT };
enum { MODIFIED_OFF, MODIFIED_EXACT, MODIFIED_BEFORE };
enum { DISABLE_NONE = 1, DISABLE_MSIE6 = 2, DISABLE_SAFARI = 4 };

struct http_types;
struct resolver_conf;

struct http_location_conf {
    struct conf_set set;
    struct template root;               /* alias too */
    size_t alias;                       /* bytes of a path that it replaces; 0: none, a root */
    struct http_types *types;
    struct str default_type;
    int64_t keepalive_timeout;          /* and the next one: inherited together */
    int64_t keepalive_header;           /* seconds; 0: not told */
    int64_t keepalive_requests, keepalive_time, keepalive_min_timeout;
    unsigned keepalive_disable;
    int64_t send_timeout;
    unsigned lingering_close;
    int64_t lingering_time, lingering_timeout;
    struct template limit_rate, limit_rate_after;
    bool unlimited;                     /* limit_rate 0 */
    unsigned satisfy;
    unsigned tokens;
    struct template tokens_text;
    bool absolute_redirect, port_in_redirect, server_name_in_redirect;
    bool tcp_nodelay, reset_timedout, chunked, internal, log_not_found, log_subrequest;
    bool recursive_error_pages, msie_padding, msie_refresh, etag;
    unsigned if_modified_since;
    int64_t max_ranges;                 /* -1: no limit */
    int64_t auth_delay;
    size_t subrequest_buffer;
    const struct resolver_conf *resolver;       /* NULL: the system's */
    int64_t resolver_timeout;
    struct conditions early_hints;
    struct str server_field;            /* "Server: weir/1\r\n", made once; empty: evaluated */
};

extern struct section http_server_section, http_location_section;

#define http_location_conf(r) \
    ((const struct http_location_conf *)request_conf(r, http_location_section))
#define http_server_conf(server) \
    ((const struct http_server_conf *)conf_of((server)->block, http_server_section))

/* --- plan.c ----------------------------------------------------------------------------------- */

/* The HTTP module from *at on (conf_modules() at first); NULL: none is left. */
const struct http_module *http_next_module(const struct module *const **at);
/* The plan of a location, and of what is inside. */
void http_plan(struct conf *cf, struct location *location);

/* --- server.c, location.c, types.c ------------------------------------------------------------ */

/* By the Host; r->address says where.  NULL: a regex failed (logged). */
const struct server *http_choose_server(struct request *r);

/* Opens a location block: conf_block_kind.open. */
bool http_location_open(struct conf *cf, struct conf_block *block);
bool http_limit_except_open(struct conf *cf, struct conf_block *block);
/* For blocks of modules (`if`): an implicit location in the block at hand. */
struct location *http_location_implicit(struct conf *cf, struct conf_block *block,
                                        enum location_kind kind);
/* Trees, regexes and plans of all locations below.  False: reported. */
bool http_locations_finish(struct conf *cf, struct locations *list);

enum locate {
    LOCATE_FOUND,
    LOCATE_NONE,                        /* outside every location */
    LOCATE_SLASH,                       /* "/x" for "/x/": a redirect */
    LOCATE_ERROR,
};
enum locate http_choose_location(struct request *r, const struct location **found);
const struct location *http_named_location(const struct server *server, struct str name);

extern const struct conf_type http_type_types;          /* struct http_types * */
struct http_types *http_types_default(struct conf *cf);
void http_types_freeze(struct conf *cf, struct http_types *types);
/* Content types that a filter works on ("*": all); text/html is always among them. */
struct http_type_set {
    struct str *at;
    unsigned count;
    bool all;
};
extern const struct conf_type http_type_type_set;       /* struct http_type_set */
/* Parameters of the type do not count. */
bool http_type_in_set(const struct http_type_set *set, struct str type);
/* By the extension; default_type when it is unknown. */
struct str http_type_of(const struct request *r, struct str path);

/* ---------------------------------------------------------------------------------------------- */

/* "weir/0.1.0", or what server_tokens makes of it. */
struct str http_server_text(struct request *r);
/* ", client: ..., server: ..., request: ..., host: ..." */
void http_log_context(const struct log *log, struct fmt *f);

extern const struct variable http_variables[];

#endif
