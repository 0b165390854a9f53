/*
 * Variables of a request and its connection.  Texts live in the request's pool or with its head.
 */
#include "core/date.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/path.h"

#include "config.h"
#include "core/version.h"
#include "os/unix/clock.h"

static struct request *of(struct subject *s)
{
    return container_of(s, struct request, subject);
}

static bool give(struct value *out, struct str text)
{
    *out = (struct value){ text, true };
    return true;
}

static bool none(struct value *out)
{
    *out = (struct value){ STR_NONE, false };
    return true;
}

static bool some(struct value *out, struct str text)
{
    return text.len ? give(out, text) : none(out);
}

#define GETTER(name) \
    static bool get_##name(struct subject *s, const struct vars_entry *entry, struct value *out)
#define UNUSED_ENTRY (void)entry

/* --- the connection --------------------------------------------------------------------------- */

static struct str address_text(struct subject *s, const struct inet_address *a, bool with_port)
{
    struct fmt f;
    fmt_init_pool(&f, s->pool, 64, INET_TEXT + 1);
    inet_write(&f, a, with_port);
    return fmt_done(&f);
}

GETTER(remote_addr)
{
    struct inet_address peer;
    UNUSED_ENTRY;
    conn_peer(s->conn, &peer);
    return give(out, address_text(s, &peer, false));
}

GETTER(remote_port)
{
    struct inet_address peer;
    UNUSED_ENTRY;
    conn_peer(s->conn, &peer);
    const unsigned port = inet_port(&peer);
    return port ? give(out, fmt_pool(s->pool, "%u", port)) : give(out, STR(""));
}

GETTER(server_addr)
{
    struct inet_address local;
    UNUSED_ENTRY;
    conn_local(s->conn, &local);
    return give(out, address_text(s, &local, false));
}

GETTER(server_port)
{
    struct inet_address local;
    UNUSED_ENTRY;
    conn_local(s->conn, &local);
    return give(out, fmt_pool(s->pool, "%u", inet_port(&local)));
}

GETTER(connection)
{
    UNUSED_ENTRY;
    return give(out, fmt_pool(s->pool, "%llu", (unsigned long long)s->conn->log.connection));
}

GETTER(connection_requests)
{
    UNUSED_ENTRY;
    return give(out, fmt_pool(s->pool, "%u", s->conn->requests));
}

/* --- the head --------------------------------------------------------------------------------- */

/* data: where in struct request_head the text stands. */
GETTER(head)
{
    const struct str *text = (const void *)((const char *)&of(s)->in + entry->data);
    return some(out, *text);
}

GETTER(host)
{
    const struct request *r = of(s);
    UNUSED_ENTRY;
    return give(out, r->in.host.len ? r->in.host : r->server ? r->server->name : STR(""));
}

GETTER(is_args)
{
    UNUSED_ENTRY;
    return give(out, of(s)->in.args.len ? STR("?") : STR(""));
}

static bool same_name(struct str field, struct str variable)
{
    if (field.len != variable.len)
        return false;
    for (size_t i = 0; i < field.len; i++) {
        const char c = field.at[i] == '-' ? '_' : str_lower_char(field.at[i]);
        if (c != variable.at[i])
            return false;
    }
    return true;
}

/* $http_NAME: several fields of that name are joined by ", ". */
GETTER(http_field)
{
    const struct fields *fields = &of(s)->in.fields;
    struct str text = STR_NONE;
    bool found = false;
    for (unsigned i = 0; i < fields->count; i++) {
        if (!same_name(fields->at[i].name, entry->tail))
            continue;
        text = found ? fmt_pool(s->pool, "%.*s, %.*s", STR_FMT(text), STR_FMT(fields->at[i].value))
                     : fields->at[i].value;
        found = true;
    }
    return found ? give(out, text) : none(out);
}

GETTER(argument)
{
    struct str rest = of(s)->in.args, pair, name, value;
    while (rest.len) {
        str_cut(rest, '&', &pair, &rest);
        if (str_cut(pair, '=', &name, &value) && str_eq_ci(name, entry->tail))
            return give(out, value);
    }
    return none(out);
}

GETTER(content_length)
{
    const struct field *field = fields_find(&of(s)->in.fields, STR("content-length"));
    UNUSED_ENTRY;
    return field ? give(out, field->value) : none(out);
}

GETTER(request_length)
{
    UNUSED_ENTRY;
    return give(out, fmt_pool(s->pool, "%zu", of(s)->in.length));
}

GETTER(nothing)
{
    (void)s;
    UNUSED_ENTRY;
    return none(out);
}

GETTER(constant)
{
    (void)s;
    return give(out, str_from((const char *)entry->data));
}

/* --- the location ----------------------------------------------------------------------------- */

GETTER(server_name)
{
    UNUSED_ENTRY;
    return give(out, of(s)->server->name);
}

GETTER(document_root)
{
    const struct str root = path_root(of(s));
    UNUSED_ENTRY;
    return root.at && give(out, root);
}

GETTER(request_filename)
{
    struct request *r = of(s);
    const unsigned status = r->out.status;
    const struct str path = path_of(r, r->in.path);
    UNUSED_ENTRY;
    r->out.status = status;
    return path.len && give(out, path);
}

/* --- the response ----------------------------------------------------------------------------- */

GETTER(status)
{
    UNUSED_ENTRY;
    return give(out, fmt_pool(s->pool, "%03u", of(s)->out.status));
}

GETTER(body_bytes_sent)
{
    UNUSED_ENTRY;
    return give(out, fmt_pool(s->pool, "%llu", (unsigned long long)of(s)->out.body_sent));
}

GETTER(bytes_sent)
{
    const struct request *r = of(s);
    const uint64_t all = s->conn->sent + s->conn->out.bytes;
    UNUSED_ENTRY;
    return give(out, fmt_pool(s->pool, "%llu",
                              (unsigned long long)(all > r->bytes_sent ? all - r->bytes_sent : 0)));
}

/* --- time and place --------------------------------------------------------------------------- */

static struct str seconds(struct subject *s, int64_t msec)
{
    return fmt_pool(s->pool, "%lld.%03d", (long long)(msec / 1000), (int)(msec % 1000));
}

GETTER(msec)
{
    UNUSED_ENTRY;
    return give(out, seconds(s, clock_real_msec()));
}

GETTER(request_time)
{
    const int64_t took = clock_real_msec() - of(s)->began;
    UNUSED_ENTRY;
    return give(out, seconds(s, took > 0 ? took : 0));
}

GETTER(time_local)
{
    char text[DATE_CLF];
    const int64_t now = clock_real_msec() / 1000;
    UNUSED_ENTRY;
    return give(out, pool_str(s->pool, date_clf(now, date_local_offset(now), text)));
}

GETTER(time_iso8601)
{
    char text[DATE_ISO];
    const int64_t now = clock_real_msec() / 1000;
    UNUSED_ENTRY;
    return give(out, pool_str(s->pool, date_iso(now, date_local_offset(now), text)));
}

GETTER(pid)
{
    UNUSED_ENTRY;
    return give(out, fmt_pool(s->pool, "%d", (int)getpid()));
}

GETTER(hostname)
{
    char name[256] = "";
    UNUSED_ENTRY;
    gethostname(name, sizeof(name) - 1);
    return give(out, pool_str(s->pool, str_from(name)));
}

#define HEAD(member) offsetof(struct request_head, member)
#define TEXT(literal) (uintptr_t)(literal)

const struct variable http_variables[] = {
    { "remote_addr", get_remote_addr, 0, 0, "address of the client", NULL },
    { "remote_port", get_remote_port, 0, 0, "port of the client", NULL },
    { "remote_user", get_nothing, 0, 0, "name given for authentication", NULL },
    { "server_addr", get_server_addr, 0, 0, "address that was connected to", NULL },
    { "server_port", get_server_port, 0, 0, "port that was connected to", NULL },
    { "connection", get_connection, 0, 0, "number of the connection", NULL },
    { "connection_requests", get_connection_requests, 0, 0, "requests on this connection", NULL },
    { "request", get_head, 0, HEAD(line), "the request line", NULL },
    { "request_method", get_head, 0, HEAD(method_name), "method", NULL },
    { "request_uri", get_head, 0, HEAD(target), "target as it was sent", NULL },
    { "uri", get_head, VARS_VOLATILE, HEAD(path), "path, decoded", NULL },
    { "document_uri", get_head, VARS_VOLATILE, HEAD(path), "path, decoded", NULL },
    { "args", get_head, VARS_VOLATILE, HEAD(args), "arguments", NULL },
    { "query_string", get_head, VARS_VOLATILE, HEAD(args), "arguments", NULL },
    { "server_protocol", get_head, 0, HEAD(protocol), "HTTP/1.0, HTTP/1.1", NULL },
    { "host", get_host, 0, 0, "host of the request, or the server's name", NULL },
    { "is_args", get_is_args, VARS_VOLATILE, 0, "? when there are arguments", NULL },
    { "http_", get_http_field, VARS_PREFIX, 0, "a field of the request", NULL },
    { "arg_", get_argument, VARS_PREFIX | VARS_VOLATILE, 0, "an argument", NULL },
    { "content_length", get_content_length, 0, 0, "Content-Length of the request", NULL },
    { "request_length", get_request_length, 0, 0, "bytes of the request", NULL },
    { "scheme", get_constant, 0, TEXT("http"), "http or https", NULL },
    { "server_name", get_server_name, 0, 0, "name of the server block", NULL },
    { "document_root", get_document_root, VARS_VOLATILE, 0, "root of this place", NULL },
    { "request_filename", get_request_filename, VARS_VOLATILE, 0, "path of the file", NULL },
    { "status", get_status, VARS_VOLATILE, 0, "status of the response", NULL },
    { "body_bytes_sent", get_body_bytes_sent, VARS_VOLATILE, 0, "bytes of the body sent", NULL },
    { "bytes_sent", get_bytes_sent, VARS_VOLATILE, 0, "bytes sent", NULL },
    { "msec", get_msec, VARS_VOLATILE, 0, "the time in seconds", NULL },
    { "request_time", get_request_time, VARS_VOLATILE, 0, "seconds since the request began", NULL },
    { "time_local", get_time_local, VARS_VOLATILE, 0, "the time, as access logs have it", NULL },
    { "time_iso8601", get_time_iso8601, VARS_VOLATILE, 0, "the time in ISO 8601", NULL },
    { "pid", get_pid, 0, 0, "process id of the worker", NULL },
    { "hostname", get_hostname, 0, 0, "name of the machine", NULL },
    { "nginx_version", get_constant, 0, TEXT(WEIR_VERSION), "version of weir", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
