/*
 * Conditional requests (RFC 9110, 13): the filter that makes 304 and 412 of an answer.
 * Owns nothing.
 */
#include "core/date.h"
#include "http/accept.h"
#include "http/core_conf.h"
#include "http/response.h"

static bool list_has(const struct request *r, enum field_id id, bool weak)
{
    const struct field *field = fields_known(&r->in.fields, id);
    for (; field; field = fields_next(&r->in.fields, field))
        if (accept_etag(field->value, r->out.etag, weak))
            return true;
    return false;
}

static bool unmodified_since(const struct request *r)
{
    int64_t date;
    if (r->out.last_modified < 0
        || !date_parse(fields_value(&r->in.fields, FIELD_IF_UNMODIFIED_SINCE),
                       r->began / 1000, &date))
        return true;
    return r->out.last_modified <= date;
}

static bool modified_since(const struct request *r)
{
    const unsigned how = http_location_conf(r)->if_modified_since;
    int64_t date;
    if (r->out.last_modified < 0 || how == MODIFIED_OFF
        || !date_parse(fields_value(&r->in.fields, FIELD_IF_MODIFIED_SINCE), r->began / 1000,
                       &date))
        return true;
    if (date == r->out.last_modified)
        return false;
    return how == MODIFIED_EXACT || date < r->out.last_modified;
}

static void bodiless(struct request *r, unsigned status)
{
    r->out.status = status;
    r->out.content_type = r->out.charset = STR_NONE;
    r->out.length = -1;
    r->out.ranges = false;
    fields_remove(&r->out.fields, STR("Content-Encoding"));
}

/* In the order of RFC 9110, 13.2.2. */
static enum join head(struct request *r, struct filter *f)
{
    const struct fields *in = &r->in.fields;
    (void)f;
    if (r->out.status != 200 || r->parent || r->error_page || r->out.unconditional)
        return JOIN_PASS;
    const bool match = fields_known(in, FIELD_IF_MATCH);
    if ((match && !list_has(r, FIELD_IF_MATCH, false))
        || (!match && fields_known(in, FIELD_IF_UNMODIFIED_SINCE) && !unmodified_since(r))) {
        r->out.status = 412;
        return JOIN_REFUSE;
    }
    const bool none = fields_known(in, FIELD_IF_NONE_MATCH);
    if (!none && !fields_known(in, FIELD_IF_MODIFIED_SINCE))
        return JOIN_PASS;
    if (none && !list_has(r, FIELD_IF_NONE_MATCH, true))
        return JOIN_PASS;
    if (fields_known(in, FIELD_IF_MODIFIED_SINCE) && modified_since(r))
        return JOIN_PASS;
    bodiless(r, 304);
    return JOIN_PASS;
}

const struct filter_type http_not_modified_filter = { .name = "not_modified", .head = head };
