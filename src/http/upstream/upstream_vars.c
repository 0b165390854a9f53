/*
 * The $upstream_ variables: what is known of every server that a request was passed on to.
 * Owns nothing: texts lie in the request's pool.
 *
 *     tries of one upstream: "a, b"; behind them those of another, which an internal redirect or an
 *     error page has led to: "a, b : c"
 */
#include "http/upstream/upstream_vars.h"

#include "http/upstream/upstream.h"
#include "http/vars.h"

enum { LIST_LIMIT = 64 << 10 };

/* --- lists ------------------------------------------------------------------------------------ */

/* Text of one try. */
typedef void write_fn(struct fmt *f, const struct upstream_try *try);

/* The connection of the try at hand is still in use. */
static const struct upstream *in_use(const struct upstream_try *try)
{
    const struct upstream *u = try->upstream;
    return u->try == try && u->c ? u : NULL;
}

static void write_unknown(struct fmt *f)
{
    fmt_char(f, '-');
}

static void write_msec(struct fmt *f, int64_t msec)
{
    if (msec < 0) {
        write_unknown(f);
        return;
    }
    fmt_i64(f, msec / 1000);
    fmt_char(f, '.');
    fmt_u64_width(f, (uint64_t)(msec % 1000), 3);
}

static void write_addr(struct fmt *f, const struct upstream_try *try)
{
    if (try->address.len)
        inet_write(f, &try->address, true);
    else
        fmt_str(f, try->name);
}

static void write_status(struct fmt *f, const struct upstream_try *try)
{
    if (try->status)
        fmt_u64(f, try->status);
    else
        write_unknown(f);
}

static void write_connect_time(struct fmt *f, const struct upstream_try *try)
{
    write_msec(f, try->connect_time);
}

static void write_header_time(struct fmt *f, const struct upstream_try *try)
{
    write_msec(f, try->header_time);
}

static void write_response_time(struct fmt *f, const struct upstream_try *try)
{
    write_msec(f, try->response_time);
}

static void write_queue_time(struct fmt *f, const struct upstream_try *try)
{
    write_msec(f, try->queue_time);
}

static void write_length(struct fmt *f, const struct upstream_try *try)
{
    fmt_u64(f, try->length);
}

static void write_sent(struct fmt *f, const struct upstream_try *try)
{
    const struct upstream *u = in_use(try);
    fmt_u64(f, u ? u->c->sent - u->sent_before : try->sent);
}

static void write_received(struct fmt *f, const struct upstream_try *try)
{
    const struct upstream *u = in_use(try);
    fmt_u64(f, u ? u->c->received - u->received_before : try->received);
}

/* data: a write_fn. */
GETTER(list)
{
    const struct upstream_log *log = upstream_log(request_of(s));
    write_fn *write = (write_fn *)entry->data;
    const struct upstream_try *before = NULL;
    struct fmt f;
    if (!log || !log->first)
        return value_none(out);
    fmt_init_pool(&f, s->pool, 64, LIST_LIMIT);
    for (const struct upstream_try *try = log->first; try; before = try, try = try->next) {
        if (before)
            fmt_text(&f, before->upstream == try->upstream ? ", " : " : ");
        write(&f, try);
    }
    return value_give(out, fmt_done(&f)) && !f.failed;
}

/* --- the last server -------------------------------------------------------------------------- */

/* NULL: none was chosen. */
static const struct upstream_try *last_chosen(struct request *r)
{
    const struct upstream_log *log = upstream_log(r);
    const struct upstream_try *last = NULL;
    for (const struct upstream_try *try = log ? log->first : NULL; try; try = try->next)
        if (try->address.len)
            last = try;
    return last;
}

/* As it was written, without its port. */
GETTER(last_server_name)
{
    const struct upstream_try *try = last_chosen(request_of(s));
    struct inet_target target;
    (void)entry;
    if (!try)
        return value_none(out);
    const bool good = !inet_parse_target(try->name, 0, INET_PLAIN, &target) && target.host.len;
    return value_give(out, good ? target.host : try->name);
}

GETTER(last_addr)
{
    const struct upstream_try *try = last_chosen(request_of(s));
    struct fmt f;
    (void)entry;
    if (!try)
        return value_none(out);
    fmt_init_pool(&f, s->pool, 64, INET_TEXT + 1);
    write_addr(&f, try);
    return value_give(out, fmt_done(&f));
}

/* --- the last answer -------------------------------------------------------------------------- */

/* NULL: there is none. */
static const struct upstream_head *last_head(struct request *r)
{
    const struct upstream_log *log = upstream_log(r);
    return log && log->current ? &log->current->head : NULL;
}

/* How long the body is, is no field in the list. */
GETTER(http_field)
{
    const struct upstream_head *head = last_head(request_of(s));
    if (!head)
        return value_none(out);
    if (head->status && head->length >= 0 && str_eq(entry->tail, STR("content_length")))
        return value_give(out, fmt_pool(s->pool, "%lld", (long long)head->length));
    return vars_join_fields(s, &head->fields, entry->tail, STR(", "), out);
}

GETTER(trailer)
{
    const struct upstream_head *head = last_head(request_of(s));
    return head ? vars_join_fields(s, &head->trailers, entry->tail, STR(", "), out)
                : value_none(out);
}

/* "name=value; path=/": the first of that name. */
GETTER(cookie)
{
    const struct upstream_head *head = last_head(request_of(s));
    const struct field *field = head ? fields_find(&head->fields, STR("Set-Cookie")) : NULL;
    struct str pair, name, value;
    for (; field; field = fields_next(&head->fields, field)) {
        str_cut(field->value, ';', &pair, &value);
        if (str_cut(pair, '=', &name, &value) && str_eq_ci(name, entry->tail))
            return value_give(out, value);
    }
    return value_none(out);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define LIST(name) "upstream_" #name, get_list, VARS_VOLATILE, (uintptr_t)write_##name

const struct variable upstream_variables[] = {
    { LIST(addr), "addresses of the servers that were asked", NULL },
    { LIST(status), "status of each server's answer", NULL },
    { LIST(connect_time), "seconds until each was connected", NULL },
    { LIST(header_time), "seconds until each answer's head was there", NULL },
    { LIST(response_time), "seconds until each answer's end", NULL },
    { LIST(queue_time), "seconds that the request waited for a server", NULL },
    { "upstream_response_length", get_list, VARS_VOLATILE, (uintptr_t)write_length,
      "bytes of each answer's body", NULL },
    { "upstream_bytes_sent", get_list, VARS_VOLATILE, (uintptr_t)write_sent,
      "bytes that were sent to each server", NULL },
    { "upstream_bytes_received", get_list, VARS_VOLATILE, (uintptr_t)write_received,
      "bytes that came from each server", NULL },
    { "upstream_last_server_name", get_last_server_name, VARS_VOLATILE, 0,
      "name of the server that was chosen last", NULL },
    { "upstream_last_addr", get_last_addr, VARS_VOLATILE, 0,
      "address of the server that was chosen last", NULL },
    { "upstream_http_", get_http_field, VARS_PREFIX | VARS_VOLATILE, 0,
      "a field of the last server's answer", NULL },
    { "upstream_cookie_", get_cookie, VARS_PREFIX | VARS_VOLATILE, 0,
      "a cookie that the last server has set", NULL },
    { "upstream_trailer_", get_trailer, VARS_PREFIX | VARS_VOLATILE, 0,
      "a trailer of the last server's answer", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
