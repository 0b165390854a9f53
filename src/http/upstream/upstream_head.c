/*
 * The head of a server's answer becomes the response: fields, and what X-Accel-* ask for.
 * Owns nothing: texts lie in the head's block, which lives as long as the request.
 */
#include "core/date.h"
#include "core/number.h"
#include "http/core_conf.h"
#include "http/error.h"
#include "http/response.h"
#include "http/upstream/sticky.h"
#include "http/upstream/upstream.h"
#include "http/uri.h"

/* --- fields ----------------------------------------------------------------------------------- */

static bool is_plain_charset(struct str charset)
{
    for (size_t i = 0; i < charset.len; i++)
        if (str_chr(STR("\"; \t,"), charset.at[i]) >= 0)
            return false;
    return charset.len > 0;
}

/* Only what h1_write puts together in the same way is taken apart: other forms pass as they are. */
static void set_type(struct request *r, struct str value)
{
    const struct str between = STR("; charset=");
    const ssize_t at = str_find(value, between);
    struct str type, charset;
    r->out.content_type = value;
    r->out.charset = STR_NONE;
    if (at < 0 || !str_sub(value, 0, (size_t)at, &type)
        || !str_from_off(value, (size_t)at + between.len, &charset) || str_chr(type, ';') >= 0
        || !is_plain_charset(charset))
        return;
    r->out.content_type = type;
    r->out.charset = charset;
}

/* Filters know it as a time; the text stays the server's. */
static bool set_last_modified(struct request *r, struct str value)
{
    int64_t date;
    if (r->out.last_modified >= 0 || !date_parse(value, r->began / 1000, &date))
        return false;
    r->out.last_modified = r->out.modified_of = date;
    r->out.modified_text = value;
    return true;
}

/* False: it is one of the others, which are all alike. */
static bool set_known(struct upstream *u, const struct field *field, struct str value)
{
    struct request *r = u->request;
    if (field->id == FIELD_CONTENT_TYPE) {
        set_type(r, value);
        return true;
    }
    if (field->id == FIELD_ACCEPT_RANGES)
        return u->conf->force_ranges;
    if (field->id == FIELD_LAST_MODIFIED)
        return set_last_modified(r, value);
    if (field->id == FIELD_ETAG && r->out.etag.len == 0) {
        r->out.etag = value;
        return value.len > 0;
    }
    if (field->id == FIELD_LOCATION && r->out.location.len == 0) {
        r->out.location = value;
        return value.len > 0;
    }
    if (field->id == FIELD_CONTENT_ENCODING)
        r->out.encoded = true;
    return false;
}

static bool pass_field(struct upstream *u, const struct field *field)
{
    struct request *r = u->request;
    struct str value = field->value;
    switch (u->protocol->edit_field ? u->protocol->edit_field(u, field, &value) : REWRITTEN_NOT) {
    case REWRITTEN_NOT:
        break;
    case REWRITTEN:
        if (field->id == FIELD_LOCATION && r->out.location.len == 0) {
            response_location(r, value);        /* it is ours now */
            return true;
        }
        break;
    case REWRITE_FAILED:
        return false;
    }
    if (!set_known(u, field, value))
        response_add(r, field->name, value);
    return true;
}

/* --- X-Accel-* -------------------------------------------------------------------------------- */

static struct str accel(const struct upstream *u, enum field_id id, enum upstream_ignore ignored)
{
    return u->conf->ignore & ignored ? STR_NONE : fields_value(&u->head.fields, id);
}

static void obey(struct upstream *u)
{
    struct request *r = u->request;
    const struct str rate = accel(u, FIELD_X_ACCEL_LIMIT_RATE, IGNORE_ACCEL_LIMIT_RATE);
    const struct str buffering = accel(u, FIELD_X_ACCEL_BUFFERING, IGNORE_ACCEL_BUFFERING);
    uint64_t number;
    if (number_u64(rate, &number))
        *(uint64_t *)request_note(r, &http_limit_rate_filter, sizeof(number)) = number;
    if (str_eq_ci(buffering, STR("yes")))
        u->buffering = BUFFERING_ON;
    else if (str_eq_ci(buffering, STR("no")))
        u->buffering = BUFFERING_OFF;
    r->out.wanted_charset = accel(u, FIELD_X_ACCEL_CHARSET, IGNORE_ACCEL_CHARSET);
}

/* What the answer to another request keeps of this one. */
static bool outlives(const struct field *field)
{
    return field->id == FIELD_CONTENT_TYPE || field->id == FIELD_SET_COOKIE
           || field->id == FIELD_CACHE_CONTROL || field->id == FIELD_EXPIRES
           || field->id == FIELD_ACCEPT_RANGES
           || str_eq_ci(field->name, STR("Content-Disposition"));
}

static enum step redirect(struct upstream *u, struct str to)
{
    struct request *r = u->request;
    struct pool *pool = r->subject.pool;
    struct uri uri;
    for (unsigned i = 0; i < u->head.fields.count; i++)
        if (outlives(&u->head.fields.at[i]) && !pass_field(u, &u->head.fields.at[i]))
            return request_fail(r, 500);
    to = pool_str(pool, to);
    if (to.len && to.at[0] == '@')
        return request_redirect_named(r, to);
    if (!uri_parse_path(to, false, pool, &uri)) {
        log_write(&r->log, LOG_ERROR, 0, "unsafe URI \"%.*s\" was detected", STR_FMT(to));
        return request_fail(r, 404);
    }
    if (r->in.method != METHOD_HEAD) {
        r->in.method = METHOD_GET;
        r->in.method_name = STR("GET");
    }
    return request_redirect(r, uri.path, uri.args);
}

/* --- errors ----------------------------------------------------------------------------------- */

static enum step intercept(struct upstream *u)
{
    const struct fields *fields = &u->head.fields;
    const struct field *field =
        u->head.status == 401 ? fields_known(fields, FIELD_WWW_AUTHENTICATE) : NULL;
    for (; field; field = fields_next(fields, field))
        response_add(u->request, field->name, field->value);
    return request_fail(u->request, u->head.status);
}

static bool is_intercepted(const struct upstream *u)
{
    return u->conf->intercept_errors && u->head.status >= 300
           && error_has_page(u->request, u->head.status);
}

/* ---------------------------------------------------------------------------------------------- */

/* A method of ours may be HEAD, where the client's is not: nothing follows then. */
static int64_t length_of(const struct upstream *u)
{
    const unsigned status = u->head.status;
    const bool none = u->head.bodiless && status != 204 && status != 304;
    return none && u->request->in.method != METHOD_HEAD ? 0 : u->head.length;
}

enum step upstream_answer_head(struct upstream *u)
{
    struct request *r = u->request;
    const struct fields *fields = &u->head.fields;
    const bool accel_redirect = !(u->conf->ignore & IGNORE_ACCEL_REDIRECT)
                                && fields_known(fields, FIELD_X_ACCEL_REDIRECT);
    obey(u);
    if (is_intercepted(u))
        return intercept(u);
    if (accel_redirect)
        return redirect(u, fields_value(fields, FIELD_X_ACCEL_REDIRECT));
    r->out.last_modified = -1;
    r->out.location = r->out.etag = STR_NONE;
    for (unsigned i = 0; i < fields->count; i++)
        if (!upstream_hides(u->conf, &fields->at[i]) && !pass_field(u, &fields->at[i]))
            return request_fail(r, 500);
    r->out.status = r->out.reason_of = u->head.status;
    r->out.reason = u->head.reason;
    r->out.length = length_of(u);
    r->out.ranges = u->conf->force_ranges;
    r->out.unconditional = true;
    r->out.trailers_due = u->head.trailers_due;
    sticky_answered(u);
    return STEP_NEXT;
}

void upstream_interim(struct upstream *u)
{
    struct request *r = u->request;
    const struct fields *fields = &u->head.fields;
    struct fields passed = { 0 };
    if (u->head.status != 103 || r->parent
        || !conditions_hold(&http_location_conf(r)->early_hints, &r->subject))
        return;
    for (unsigned i = 0; i < fields->count; i++)
        if (!upstream_hides(u->conf, &fields->at[i]))
            fields_add(&passed, r->subject.pool, fields->at[i].name, fields->at[i].value);
    r->codec->informational(r, 103, &passed);
}
