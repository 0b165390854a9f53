/*
 * Variables of a connection, of the clock and of the process (ngx_http_core_module).
 * Owns nothing: texts lie in the request's pool.
 */
#include "core/date.h"
#include "core/version.h"
#include "event/proxy_protocol.h"
#include "event/worker.h"
#include "http/vars.h"

/* --- addresses -------------------------------------------------------------------------------- */

static bool give_address(struct subject *s, const struct inet_address *address, struct value *out)
{
    struct fmt f;
    fmt_init_pool(&f, s->pool, 64, INET_TEXT + 1);
    inet_write(&f, address, false);
    return value_give(out, fmt_done(&f));
}

/* A socket file has no port. */
static bool give_port(struct subject *s, const struct inet_address *address, struct value *out)
{
    const unsigned port = inet_port(address);
    return value_give(out, port ? fmt_pool(s->pool, "%u", port) : STR(""));
}

GETTER(remote_addr)
{
    struct inet_address client;
    (void)entry;
    request_client(request_of(s), &client);
    return give_address(s, &client, out);
}

GETTER(binary_remote_addr)
{
    struct inet_address client;
    struct str bytes = STR_NONE;
    (void)entry;
    request_client(request_of(s), &client);
    if (client.len && client.any.sa_family == AF_INET)
        bytes = str_of(&client.v4.sin_addr, sizeof(client.v4.sin_addr));
    else if (client.len && client.any.sa_family == AF_INET6)
        bytes = str_of(&client.v6.sin6_addr, sizeof(client.v6.sin6_addr));
    else
        return give_address(s, &client, out);
    return value_give(out, pool_str(s->pool, bytes));
}

GETTER(remote_port)
{
    struct inet_address client;
    (void)entry;
    request_client(request_of(s), &client);
    return give_port(s, &client, out);
}

GETTER(server_addr)
{
    struct inet_address local;
    (void)entry;
    conn_local(s->conn, &local);
    return give_address(s, &local, out);
}

GETTER(server_port)
{
    struct inet_address local;
    (void)entry;
    conn_local(s->conn, &local);
    return give_port(s, &local, out);
}

/* --- the PROXY protocol ----------------------------------------------------------------------- */

enum { PROXY_SOURCE, PROXY_DESTINATION };

/* data: which end.  NULL: the head did not come, or does not say. */
static const struct inet_address *proxy_end(const struct subject *s,
                                            const struct vars_entry *entry)
{
    const struct proxy_head *head = s->conn->proxy;
    if (!head || head->local)
        return NULL;
    return entry->data == PROXY_SOURCE ? &head->source : &head->destination;
}

GETTER(proxy_addr)
{
    const struct inet_address *address = proxy_end(s, entry);
    return address ? give_address(s, address, out) : value_none(out);
}

GETTER(proxy_port)
{
    const struct inet_address *address = proxy_end(s, entry);
    return address ? give_port(s, address, out) : value_none(out);
}

GETTER(proxy_tlv)
{
    const struct proxy_head *head = s->conn->proxy;
    enum proxy_tlv_place place;
    struct str value;
    uint32_t result;
    uint8_t type;
    bool found = false;
    if (!head || !proxy_protocol_tlv_type(entry->tail, &type, &place))
        return value_none(out);
    switch (place) {
    case PROXY_TLV_HEAD:
        found = proxy_protocol_tlv(head->tlvs, type, &value);
        break;
    case PROXY_TLV_SSL:
        found = proxy_protocol_ssl_tlv(head->tlvs, type, &value);
        break;
    case PROXY_TLV_SSL_VERIFY:
        found = proxy_protocol_ssl_verify(head->tlvs, &result);
        if (found)
            value = fmt_pool(s->pool, "%u", result);
        break;
    }
    return found ? value_give(out, value) : value_none(out);
}

/* --- the connection --------------------------------------------------------------------------- */

static bool append_seconds(struct fmt *f, int64_t msec)
{
    msec = msec > 0 ? msec : 0;
    fmt_i64(f, msec / 1000);
    fmt_char(f, '.');
    fmt_u64_width(f, (uint64_t)(msec % 1000), 3);
    return true;
}

APPENDER(connection_requests)
{
    (void)entry;
    fmt_u64(f, request_of(s)->main->number);
    return true;
}

APPENDER(connection)
{
    (void)entry;
    fmt_u64(f, s->conn->log.connection);
    return true;
}

APPENDER(connection_time)
{
    (void)entry;
    return append_seconds(f, s->conn->loop->real - s->conn->began);
}

/* Every transport but this one is inside TLS. */
static bool is_plain(const struct conn *c)
{
    return c->transport == &transport_tcp;
}

GETTER(scheme)
{
    (void)entry;
    return value_give(out, is_plain(s->conn) ? STR("http") : STR("https"));
}

GETTER(https)
{
    (void)entry;
    return value_give(out, is_plain(s->conn) ? STR("") : STR("on"));
}

/* --- the clock, as it was when this turn of the loop began ------------------------------------ */

APPENDER(msec)
{
    (void)entry;
    return append_seconds(f, s->conn->loop->real);
}

APPENDER(request_time)
{
    (void)entry;
    return append_seconds(f, s->conn->loop->real - request_of(s)->began);
}

APPENDER(time_local)
{
    (void)entry;
    fmt_str(f, worker_clf_date(s->conn->worker));
    return true;
}

APPENDER(time_iso8601)
{
    (void)entry;
    fmt_str(f, worker_iso_date(s->conn->worker));
    return true;
}

APPENDER(time_iso8601_ms)
{
    (void)entry;
    worker_iso_ms(s->conn->worker, f);
    return true;
}

/* --- the process ------------------------------------------------------------------------------ */

GETTER(pid)
{
    (void)entry;
    return value_give(out, fmt_pool(s->pool, "%d", (int)getpid()));
}

GETTER(hostname)
{
    char name[256] = "";
    struct fmt f;
    (void)entry;
    gethostname(name, sizeof(name) - 1);
    fmt_init_pool(&f, s->pool, sizeof(name), sizeof(name));
    fmt_lower(&f, str_from(name));
    return value_give(out, fmt_done(&f));
}

GETTER(version)
{
    (void)s;
    (void)entry;
    return value_give(out, STR(WEIR_VERSION));
}

static const struct variable variables[] = {
    { "remote_addr", get_remote_addr, VARS_VOLATILE, 0, "address of the client", NULL },
    { "binary_remote_addr", get_binary_remote_addr, VARS_VOLATILE, 0, "the same as 4 or 16 bytes",
      NULL },
    { "remote_port", get_remote_port, VARS_VOLATILE, 0, "port of the client", NULL },
    { "server_addr", get_server_addr, 0, 0, "address that was connected to", NULL },
    { "server_port", get_server_port, 0, 0, "port that was connected to", NULL },
    { "proxy_protocol_addr", get_proxy_addr, 0, PROXY_SOURCE,
      "address of the client in the PROXY head", NULL },
    { "proxy_protocol_port", get_proxy_port, 0, PROXY_SOURCE,
      "port of the client in the PROXY head", NULL },
    { "proxy_protocol_server_addr", get_proxy_addr, 0, PROXY_DESTINATION,
      "address of the server in the PROXY head", NULL },
    { "proxy_protocol_server_port", get_proxy_port, 0, PROXY_DESTINATION,
      "port of the server in the PROXY head", NULL },
    { "proxy_protocol_tlv_", get_proxy_tlv, VARS_PREFIX, 0, "a TLV of the PROXY head", NULL },
    { "connection", APPENDS(connection, 0), "number of the connection", NULL },
    { "connection_requests", APPENDS(connection_requests, 0), "requests on this connection", NULL },
    { "connection_time", APPENDS(connection_time, VARS_VOLATILE),
      "seconds since the connection began", NULL },
    { "scheme", get_scheme, 0, 0, "http or https", NULL },
    { "https", get_https, 0, 0, "on when the connection is inside TLS", NULL },
    { "msec", APPENDS(msec, VARS_VOLATILE), "the time in seconds", NULL },
    { "request_time", APPENDS(request_time, VARS_VOLATILE), "seconds since the request began",
      NULL },
    { "time_local", APPENDS(time_local, VARS_VOLATILE), "the time, as access logs have it", NULL },
    { "time_iso8601", APPENDS(time_iso8601, VARS_VOLATILE), "the time in ISO 8601", NULL },
    { "time_iso8601_ms", APPENDS(time_iso8601_ms, VARS_VOLATILE), "the same with milliseconds",
      NULL },
    { "pid", get_pid, 0, 0, "process id of the worker", NULL },
    { "hostname", get_hostname, 0, 0, "name of the machine", NULL },
    { "nginx_version", get_version, 0, 0, "version of weir", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

const struct http_module http_conn_module = {
    .module = { .name = "ngx_http_core_module", .protocol = "http", .variables = variables },
};
