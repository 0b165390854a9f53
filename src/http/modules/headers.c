/*
 * ngx_http_headers_module: fields and trailers that configuration adds, and when an answer expires.
 * Owns nothing.
 */
#include "core/date.h"
#include "core/number.h"
#include "http/core_conf.h"
#include "http/response.h"

enum { DAY = 86400 };

enum expires_kind {
    EXPIRES_OFF,
    EXPIRES_EPOCH,
    EXPIRES_MAX,
    EXPIRES_AFTER,                      /* seconds after now, or after the last change */
    EXPIRES_DAILY,                      /* at that second of the day */
};

struct expires {
    enum expires_kind kind;
    int64_t seconds;
    bool modified;
    bool variable;                      /* what the template gives is one of the above */
    struct template text;
};

enum header_kind { HEADER_ADD, HEADER_SET };

struct header {
    struct header *next;
    enum header_kind kind;
    struct str name;
    struct template value;
    bool always;                        /* for errors too */
};

enum { HEADERS_ON, HEADERS_OFF, HEADERS_MERGE };

/* Those that are given here, behind those that are inherited. */
struct headers {
    struct header *own;
    const struct headers *outer;        /* NULL: none, or not inherited */
};

struct headers_conf {
    struct conf_set set;
    struct headers fields, trailers;
    unsigned inherit_fields, inherit_trailers;
    struct expires expires;
};

/* --- configuration ---------------------------------------------------------------------------- */

enum expires_error { EXPIRES_OK, EXPIRES_INVALID, EXPIRES_LATE, EXPIRES_DAILY_MODIFIED };

/* The words are only for a value without "modified". */
static enum expires_error parse_value(struct str text, struct expires *e)
{
    if (!e->modified) {
        e->kind = str_eq(text, STR("epoch")) ? EXPIRES_EPOCH
                  : str_eq(text, STR("max")) ? EXPIRES_MAX : EXPIRES_OFF;
        if (e->kind != EXPIRES_OFF || str_eq(text, STR("off")))
            return EXPIRES_OK;
    }
    const char sign = text.len ? text.at[0] : '\0';
    if (sign == '@' && e->modified)
        return EXPIRES_DAILY_MODIFIED;
    if ((sign == '@' || sign == '-' || sign == '+') && !str_from_off(text, 1, &text))
        return EXPIRES_INVALID;
    e->kind = sign == '@' ? EXPIRES_DAILY : EXPIRES_AFTER;
    if (!number_conf_sec(text, &e->seconds))
        return EXPIRES_INVALID;
    if (sign == '@' && e->seconds > DAY)
        return EXPIRES_LATE;
    if (sign == '-')
        e->seconds = -e->seconds;
    return EXPIRES_OK;
}

static bool parse_expires(struct conf *cf, void *field, const void *arg)
{
    struct expires *e = field;
    const unsigned last = conf_nargs(cf);
    (void)arg;
    if (last == 2 && !str_eq(conf_arg(cf, 1), STR("modified")))
        return conf_error(cf, 1, "invalid-value", "\"expires\" directive invalid value");
    e->modified = last == 2;
    if (!template_compile(cf, &e->text, conf_arg(cf, last), last))
        return false;
    e->variable = !e->text.constant;
    switch (e->variable ? EXPIRES_OK : parse_value(e->text.text, e)) {
    case EXPIRES_OK:
        break;
    case EXPIRES_INVALID:
        return conf_error(cf, last, "invalid-value", "\"expires\" directive invalid value");
    case EXPIRES_LATE:
        return conf_error(cf, last, "invalid-value", "\"expires\" directive daily time value must "
                          "be less than 24 hours");
    case EXPIRES_DAILY_MODIFIED:
        return conf_error(cf, last, "invalid-value", "\"expires\" directive daily time cannot be "
                          "used with \"modified\" parameter");
    }
    return true;
}
static const struct conf_type type_expires = {
    "[modified] time | @time | epoch | max | off", sizeof(struct expires), false, parse_expires,
    false
};

static bool parse_header(struct conf *cf, void *field, const void *arg)
{
    struct header **end = field, *header = pool_new(cf->pool, struct header);
    (void)arg;
    header->name = pool_str(cf->pool, conf_arg(cf, 1));
    if (!template_compile(cf, &header->value, conf_arg(cf, 2), 2))
        return false;
    if (str_eq_ci(header->name, STR("Last-Modified")) || str_eq_ci(header->name, STR("ETag")))
        header->kind = HEADER_SET;
    if (conf_nargs(cf) == 3) {
        if (!str_eq(conf_arg(cf, 3), STR("always")))
            return conf_error(cf, 3, "invalid-parameter", "invalid parameter \"%.*s\"",
                              STR_FMT(conf_arg(cf, 3)));
        header->always = true;
    }
    while (*end)
        end = &(*end)->next;
    *end = header;
    return true;
}
static const struct conf_type type_header = { "name value [always]", sizeof(struct header *), true,
                                              parse_header, false };

static const struct conf_name inherit_names[] = { { "on", HEADERS_ON }, { "off", HEADERS_OFF },
                                                  { "merge", HEADERS_MERGE }, { NULL, 0 } };

#define ROW(name, min, max, type, member, inherit, def, arg, help) \
    { name, IN_HSL | IN_LOCATION_IF, min, max, type, FIELD(headers_conf, member), inherit, def, \
      arg, NULL, help, NULL }

static const struct directive rows[] = {
    ROW("add_header", 2, 3, &type_header, fields.own, OWN, NULL, NULL, "a field of the answer"),
    ROW("add_trailer", 2, 3, &type_header, trailers.own, OWN, NULL, NULL,
        "a field behind the body"),
    ROW("add_header_inherit", 1, 1, &conf_type_enum, inherit_fields, INHERIT, "on", inherit_names,
        "whether fields of the level above are added"),
    ROW("add_trailer_inherit", 1, 1, &conf_type_enum, inherit_trailers, INHERIT, "on",
        inherit_names, "whether trailers of the level above are added"),
    ROW("expires", 1, 2, &type_expires, expires, INHERIT, "off", NULL,
        "Expires and Cache-Control of the answer"),
};

static void inherit(struct headers *h, unsigned how, const struct headers *outer)
{
    if (how == HEADERS_MERGE || (how == HEADERS_ON && !h->own))
        h->outer = outer;
}

static bool finish(struct conf *cf, void *data, const void *parent)
{
    struct headers_conf *conf = data;
    const struct headers_conf *outer = parent;
    (void)cf;
    inherit(&conf->fields, conf->inherit_fields, outer ? &outer->fields : NULL);
    inherit(&conf->trailers, conf->inherit_trailers, outer ? &outer->trailers : NULL);
    return true;
}

static struct section section = {
    .name = "headers", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct headers_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

static bool any(const struct headers *h)
{
    for (; h; h = h->outer)
        if (h->own)
            return true;
    return false;
}

static bool enabled(const struct conf_block *block)
{
    const struct headers_conf *conf = conf_of(block, section);
    return conf && (any(&conf->fields) || any(&conf->trailers) || conf->expires.variable
                    || conf->expires.kind != EXPIRES_OFF);
}

/* --- expires ---------------------------------------------------------------------------------- */

static int64_t next_daily(int64_t now, int64_t second)
{
    const int64_t local = now + date_local_offset(now);
    const int64_t at = now - local % DAY + second;
    return at > now ? at : at + DAY;
}

static int64_t later(int64_t from, int64_t seconds)
{
    int64_t sum;
    return add_overflows(from, seconds, &sum) ? INT64_MAX : sum;
}

static void set_expires(struct request *r, int64_t at, struct str control)
{
    char text[DATE_HTTP];
    response_set(r, STR("Expires"), pool_str(r->subject.pool, date_http(at, text)));
    response_set(r, STR("Cache-Control"), control);
}

static void expire(struct request *r, const struct expires *conf)
{
    const int64_t now = request_loop(r)->real / 1000;
    struct expires e = *conf;
    struct str text;
    if (e.variable && (!template_eval(&e.text, &r->subject, &text)
                       || parse_value(text, &e) != EXPIRES_OK))
        return;
    int64_t at = now;
    switch (e.kind) {
    case EXPIRES_OFF:
        return;
    case EXPIRES_EPOCH:
        set_expires(r, 1, STR("no-cache"));
        return;
    case EXPIRES_MAX:
        set_expires(r, 2145916555, STR("max-age=315360000"));   /* the end of 2037; ten years */
        return;
    case EXPIRES_AFTER:
        at = later(e.modified && r->out.last_modified >= 0 ? r->out.last_modified : now, e.seconds);
        break;
    case EXPIRES_DAILY:
        at = next_daily(now, e.seconds);
        break;
    }
    set_expires(r, at, at < now ? STR("no-cache")
                                : fmt_pool(r->subject.pool, "max-age=%lld", (long long)(at - now)));
}

/* --- fields and trailers ---------------------------------------------------------------------- */

static bool is_safe(unsigned status)
{
    return status == 200 || status == 201 || status == 204 || status == 206 || status == 304
           || response_is_redirect(status);
}

static bool applies(const struct header *header, unsigned status)
{
    return header->always || is_safe(status);
}

static void add_fields(struct request *r, const struct headers *h)
{
    if (h->outer)
        add_fields(r, h->outer);
    for (const struct header *header = h->own; header; header = header->next) {
        struct str value;
        if (!applies(header, r->out.status)
            || !template_eval(&header->value, &r->subject, &value))
            continue;
        if (header->kind == HEADER_SET)
            response_set(r, header->name, value);
        else if (value.len)
            response_add(r, header->name, value);
    }
}

static void add_trailers(struct request *r, const struct headers *h)
{
    if (h->outer)
        add_trailers(r, h->outer);
    for (const struct header *header = h->own; header; header = header->next) {
        struct str value;
        if (applies(header, r->out.status) && template_eval(&header->value, &r->subject, &value)
            && value.len)
            fields_add(&r->out.trailers, r->subject.pool, header->name, value);
    }
}

static bool has_trailers(const struct headers *h, unsigned status)
{
    for (; h; h = h->outer)
        for (const struct header *header = h->own; header; header = header->next)
            if (applies(header, status))
                return true;
    return false;
}

static enum join head(struct request *r, struct filter *f)
{
    const struct headers_conf *conf = request_conf(r, section);
    (void)f;
    if (r->parent)
        return JOIN_PASS;
    if (is_safe(r->out.status))
        expire(r, &conf->expires);
    add_fields(r, &conf->fields);
    if (!has_trailers(&conf->trailers, r->out.status))
        return JOIN_PASS;
    r->out.trailers_due = true;
    return JOIN_IN;
}

static enum flow body(struct filter *f, struct chain *data, enum mark mark)
{
    struct request *r = f->request;
    const struct headers_conf *conf = request_conf(r, section);
    if (mark == LAST)
        add_trailers(r, &conf->trailers);
    return f->to->write(f->to, data, mark);
}

const struct filter_type http_headers_filter = { .name = "headers", .enabled = enabled,
                                                 .head = head, .body = body };

static struct section *const sections[] = { &section, NULL };

const struct http_module http_headers_module = {
    .module = { .name = "ngx_http_headers_module", .protocol = "http", .sections = sections },
};
