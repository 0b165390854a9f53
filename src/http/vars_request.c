/*
 * Variables of a request and of its response (ngx_http_core_module).
 * Owns nothing: texts lie in the request's pool or with its head.
 */
#include "core/date.h"
#include "core/number.h"
#include "http/accept.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/htpasswd.h"
#include "http/path.h"
#include "http/vars.h"

#include <sys/random.h>

/* --- the head --------------------------------------------------------------------------------- */

static struct str *head_text(struct subject *s, const struct vars_entry *entry)
{
    return (struct str *)(void *)((char *)&request_of(s)->in + entry->data);
}

/* data: where in struct request_head the text stands. */
GETTER(head)
{
    return value_some(out, *head_text(s, entry));
}

static bool set_head(struct subject *s, const struct vars_entry *entry, struct str text)
{
    *head_text(s, entry) = text;
    request_of(s)->target_stale = true;
    return true;
}

/* A subrequest has that of the main one, whatever it is. */
GETTER(request_method)
{
    (void)entry;
    return value_some(out, request_of(s)->main->in.method_name);
}

GETTER(host)
{
    const struct request *r = request_of(s);
    (void)entry;
    return value_give(out, r->in.host.len ? r->in.host : r->server ? r->server->name : STR(""));
}

GETTER(request_port)
{
    const struct request *r = request_of(s);
    (void)entry;
    return r->in.port ? value_give(out, fmt_pool(s->pool, "%u", r->in.port)) : value_none(out);
}

GETTER(is_request_port)
{
    (void)entry;
    return value_give(out, request_of(s)->in.port ? STR(":") : STR(""));
}

GETTER(is_args)
{
    (void)entry;
    return value_give(out, request_of(s)->in.args.len ? STR("?") : STR(""));
}

GETTER(argument)
{
    struct str rest = request_of(s)->in.args, pair, name, value;
    while (rest.len) {
        str_cut(rest, '&', &pair, &rest);
        if (str_cut(pair, '=', &name, &value) && str_eq_ci(name, entry->tail))
            return value_give(out, value);
    }
    return value_none(out);
}

/* --- fields of both heads --------------------------------------------------------------------- */

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

bool vars_join_fields(struct subject *s, const struct fields *fields, struct str name,
                      struct str between, struct value *out)
{
    struct fmt f;
    unsigned found = 0;
    for (unsigned i = 0; i < fields->count; i++) {
        const struct str value = fields->at[i].value;
        if (!same_name(fields->at[i].name, name))
            continue;
        if (found == 0)
            value_give(out, value);
        else {
            if (found == 1) {
                fmt_init_pool(&f, s->pool, out->text.len + value.len + 2, TEMPLATE_LIMIT);
                fmt_str(&f, out->text);
            }
            fmt_str(&f, between);
            fmt_str(&f, value);
        }
        found++;
    }
    if (found > 1)
        out->text = fmt_done(&f);
    return found < 2 || !f.failed;
}

GETTER(http_field)
{
    const struct str between = str_eq(entry->tail, STR("cookie")) ? STR("; ") : STR(", ");
    return vars_join_fields(s, &request_of(s)->in.fields, entry->tail, between, out);
}

GETTER(cookie)
{
    const struct fields *fields = &request_of(s)->in.fields;
    const struct field *field = fields_known(fields, FIELD_COOKIE);
    struct str value;
    for (; field; field = fields_next(fields, field))
        if (accept_cookie(field->value, entry->tail, &value))
            return value_give(out, value);
    return value_none(out);
}

/* data: an enum field_id. */
GETTER(known_field)
{
    const struct field *field =
        fields_known(&request_of(s)->in.fields, (enum field_id)entry->data);
    return field ? value_give(out, field->value) : value_none(out);
}

/* "Basic dXNlcjpwYXNz": what is before the colon. */
GETTER(remote_user)
{
    const struct str field = fields_value(&request_of(s)->in.fields, FIELD_AUTHORIZATION);
    struct str user, password;
    (void)entry;
    return htpasswd_credentials(field, s->pool, &user, &password) ? value_give(out, user)
                                                                  : value_none(out);
}

/* Fields that the response does not have in its list.  False: it is none of these, or not sent. */
static bool sent_known(struct request *r, struct str name, struct str *text)
{
    const struct response *o = &r->out;
    const long long told = http_location_conf(r)->keepalive_header;
    struct pool *pool = r->subject.pool;
    char date[DATE_HTTP];
    *text = STR_NONE;
    if (str_eq(name, STR("content_type")))
        *text = o->charset.len && o->content_type.len
                    ? fmt_pool(pool, "%.*s; charset=%.*s", STR_FMT(o->content_type),
                               STR_FMT(o->charset))
                    : o->content_type;
    else if (str_eq(name, STR("content_length")) && o->length >= 0 && !o->chunked)
        *text = fmt_pool(pool, "%lld", (long long)o->length);
    else if (str_eq(name, STR("last_modified")) && o->last_modified >= 0)
        *text = pool_str(pool, date_http(o->last_modified, date));
    else if (str_eq(name, STR("location")))
        *text = o->location;
    else if (str_eq(name, STR("etag")))
        *text = o->etag;
    else if (str_eq(name, STR("transfer_encoding")) && o->chunked)
        *text = STR("chunked");
    else if (str_eq(name, STR("keep_alive")) && o->keep && told)
        *text = fmt_pool(pool, "timeout=%lld", told);
    else if (str_eq(name, STR("connection")) && o->head_sent)
        *text = o->status == 101 ? STR("upgrade") : o->keep ? STR("keep-alive") : STR("close");
    return text->len > 0;
}

GETTER(sent_field)
{
    struct request *r = request_of(s);
    struct str text;
    if (sent_known(r, entry->tail, &text))
        return value_give(out, text);
    return vars_join_fields(s, &r->out.fields, entry->tail, STR(", "), out);
}

GETTER(sent_trailer)
{
    return vars_join_fields(s, &request_of(s)->out.trailers, entry->tail, STR(", "), out);
}

/* --- the body --------------------------------------------------------------------------------- */

/* Of a body in chunks: what has come of it. */
GETTER(content_length)
{
    const struct request *r = request_of(s)->main;
    const struct field *field = fields_known(&r->in.fields, FIELD_CONTENT_LENGTH);
    (void)entry;
    if (field)
        return value_give(out, field->value);
    if (!r->body)
        return value_none(out);
    return value_give(out, fmt_pool(s->pool, "%lld", (long long)r->body->got));
}

/* It is not read back from its file for this. */
GETTER(request_body)
{
    const struct body *body = request_of(s)->main->body;
    (void)entry;
    if (!body || body->state != BODY_COMPLETE || body->fd >= 0)
        return value_none(out);
    return value_some(out, str_of(body->memory, body->len));
}

GETTER(request_body_file)
{
    const struct body *body = request_of(s)->main->body;
    (void)entry;
    return body && body->fd >= 0 ? value_some(out, body->path) : value_none(out);
}

APPENDER(request_length)
{
    const struct request *r = request_of(s)->main;
    const uint64_t body = r->body ? (uint64_t)r->body->got : 0;
    (void)entry;
    fmt_u64(f, r->in.length + body);
    return true;
}

/* --- the place -------------------------------------------------------------------------------- */

GETTER(server_name)
{
    (void)entry;
    return value_give(out, request_of(s)->server->name);
}

GETTER(document_root)
{
    const struct str root = path_root(request_of(s));
    (void)entry;
    return root.at && value_give(out, root);
}

GETTER(realpath_root)
{
    struct request *r = request_of(s);
    const struct str root = path_root(r);
    char path[PATH_MAX];
    (void)entry;
    if (!root.at)
        return false;
    if (realpath(pool_cstr(s->pool, root), path))
        return value_give(out, pool_str(s->pool, str_from(path)));
    log_write(&r->log, LOG_CRIT, errno, "realpath() \"%.*s\" failed", STR_FMT(root));
    return value_none(out);
}

GETTER(request_filename)
{
    struct request *r = request_of(s);
    const unsigned status = r->out.status;
    const struct str path = path_of(r, r->in.path);
    (void)entry;
    r->out.status = status;
    return value_some(out, path);       /* none: it would lie outside the folder */
}

/* --- the request as a whole ------------------------------------------------------------------- */

/* One for a request and its subrequests. */
struct request_id {
    unsigned char bytes[16];
    bool made;
};

GETTER(request_id)
{
    static const char key;
    struct request_id *id = request_note(request_of(s)->main, &key, sizeof(*id));
    struct fmt f;
    (void)entry;
    if (!id->made && getrandom(id->bytes, sizeof(id->bytes), 0) != (ssize_t)sizeof(id->bytes))
        return false;
    id->made = true;
    fmt_init_pool(&f, s->pool, 2 * sizeof(id->bytes), 2 * sizeof(id->bytes));
    fmt_hex_bytes(&f, str_of(id->bytes, sizeof(id->bytes)));
    return value_give(out, fmt_done(&f));
}

GETTER(pipe)
{
    (void)entry;
    return value_give(out, request_of(s)->main->pipelined ? STR("p") : STR("."));
}

/* In the access log: before, nothing is complete. */
GETTER(request_completion)
{
    const struct request *r = request_of(s)->main;
    const bool complete = r->state == REQUEST_ENDING && !r->aborted && !r->silent;
    (void)entry;
    return value_give(out, complete ? STR("OK") : STR(""));
}

/* --- the response ----------------------------------------------------------------------------- */

APPENDER(status)
{
    const struct request *r = request_of(s);
    (void)entry;
    fmt_u64_width(f, r->error_status ? r->error_status : r->out.status, 3);
    return true;
}

APPENDER(body_bytes_sent)
{
    (void)entry;
    fmt_u64(f, request_of(s)->out.body_sent);
    return true;
}

APPENDER(bytes_sent)
{
    const struct request *r = request_of(s)->main;
    const bool whole = r->bytes_end && !r->aborted;
    const uint64_t all = whole ? r->bytes_end : s->conn->sent + s->conn->out.bytes;
    (void)entry;
    fmt_u64(f, all > r->bytes_sent ? all - r->bytes_sent : 0);
    return true;
}

/* What was set for this request, else what its place says. */
GETTER(limit_rate)
{
    struct request *r = request_of(s);
    const uint64_t *own = request_note(r, &http_limit_rate_filter, 0);
    struct str text;
    size_t rate = 0;
    (void)entry;
    if (own)
        rate = *own;
    else if (!template_eval(&http_location_conf(r)->limit_rate, s, &text))
        return false;
    else if (!number_conf_size(text, &rate))
        rate = 0;
    return value_give(out, fmt_pool(s->pool, "%zu", rate));
}

/* Text that is no rate changes nothing. */
static bool set_limit_rate(struct subject *s, const struct vars_entry *entry, struct str text)
{
    size_t rate;
    (void)entry;
    if (number_conf_size(text, &rate))
        *(uint64_t *)request_note(request_of(s), &http_limit_rate_filter, sizeof(uint64_t)) = rate;
    return true;
}

#define HEAD(member) offsetof(struct request_head, member)

const struct variable http_variables[] = {
    { "request", get_head, 0, HEAD(line), "the request line", NULL },
    { "request_method", get_request_method, VARS_VOLATILE, 0, "method", NULL },
    { "request_uri", get_head, 0, HEAD(target), "target as it was sent", NULL },
    { "uri", get_head, VARS_VOLATILE, HEAD(path), "path, decoded", NULL },
    { "document_uri", get_head, VARS_VOLATILE, HEAD(path), "path, decoded", NULL },
    { "args", get_head, VARS_VOLATILE | VARS_CHANGEABLE, HEAD(args), "arguments", set_head },
    { "query_string", get_head, VARS_VOLATILE, HEAD(args), "arguments", set_head },
    { "server_protocol", get_head, 0, HEAD(protocol), "HTTP/1.0, HTTP/1.1", NULL },
    { "host", get_host, 0, 0, "host of the request, or the server's name", NULL },
    { "request_port", get_request_port, 0, 0, "port of the Host field", NULL },
    { "is_request_port", get_is_request_port, 0, 0, ": when there is one", NULL },
    { "is_args", get_is_args, VARS_VOLATILE, 0, "? when there are arguments", NULL },
    { "arg_", get_argument, VARS_PREFIX | VARS_VOLATILE, 0, "an argument", NULL },
    { "http_", get_http_field, VARS_PREFIX, 0, "a field of the request", NULL },
    { "cookie_", get_cookie, VARS_PREFIX, 0, "a cookie of the request", NULL },
    { "content_type", get_known_field, 0, FIELD_CONTENT_TYPE, "Content-Type of the request", NULL },
    { "content_length", get_content_length, VARS_VOLATILE, 0, "bytes of the request's body", NULL },
    { "remote_user", get_remote_user, 0, 0, "name given for authentication", NULL },
    { "request_body", get_request_body, VARS_VOLATILE, 0, "body of the request, from memory",
      NULL },
    { "request_body_file", get_request_body_file, VARS_VOLATILE, 0, "file of the request's body",
      NULL },
    { "request_length", APPENDS(request_length, VARS_VOLATILE), "bytes of the request", NULL },
    { "request_id", get_request_id, 0, 0, "16 random bytes in hexadecimal", NULL },
    { "request_completion", get_request_completion, VARS_VOLATILE, 0,
      "OK when the request was answered", NULL },
    { "pipe", get_pipe, 0, 0, "p when the request was pipelined, else .", NULL },
    { "server_name", get_server_name, 0, 0, "name of the server block", NULL },
    { "document_root", get_document_root, VARS_VOLATILE, 0, "root of this place", NULL },
    { "realpath_root", get_realpath_root, VARS_VOLATILE, 0, "the same without symbolic links",
      NULL },
    { "request_filename", get_request_filename, VARS_VOLATILE, 0, "path of the file", NULL },
    { "status", APPENDS(status, VARS_VOLATILE), "status of the response", NULL },
    { "body_bytes_sent", APPENDS(body_bytes_sent, VARS_VOLATILE), "bytes of the body sent", NULL },
    { "bytes_sent", APPENDS(bytes_sent, VARS_VOLATILE), "bytes sent", NULL },
    { "limit_rate", get_limit_rate, VARS_VOLATILE | VARS_CHANGEABLE, 0, "bytes a second",
      set_limit_rate },
    { "sent_http_", get_sent_field, VARS_PREFIX | VARS_VOLATILE, 0, "a field of the response",
      NULL },
    { "sent_trailer_", get_sent_trailer, VARS_PREFIX | VARS_VOLATILE, 0,
      "a trailer of the response", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
