/*
 * ngx_http_slice_module: a large answer is asked for in slices of one size, one after the other, so
 * that a cache can keep them apart.
 * Owns nothing: what it keeps lies in the main request's pool.
 *
 *     client:  Range: bytes=35-70                 slice 30;  proxy_set_header Range $slice_range;
 *     main request    bytes=30-59   206 --> [30 35------60)      [ what the client gets )
 *     a subrequest    bytes=60-89   206 --> [60---71 90)         starts when the one before it ends
 *
 * The first filter makes 200 of a slice's 206, as if there were the whole; so those behind it see
 * what they always see.  The second one knows whether the client gets a part of it, cuts the bytes
 * to that and asks for what follows.
 */
#include "core/number.h"
#include "http/core_conf.h"
#include "http/range.h"
#include "http/response.h"
#include "http/subrequest.h"
#include "http/vars.h"

struct slice_conf {
    struct conf_set set;
    size_t size;                        /* 0: off */
};

struct slices {                         /* of a main request */
    int64_t size, total;                /* of a slice; of all of it, when the first has come */
    int64_t from, to;                   /* what the client gets */
    int64_t next;                       /* where the slice begins that is asked for next */
    struct str etag;
};

struct slice {                          /* of a request or subrequest */
    struct slices *all;
    int64_t start, at, end;             /* end 0: its answer was not seen, or is none of a slice */
    bool over;                          /* no slice, or the last of them */
    bool bad;                           /* it does not go with the others */
    bool dropped;                       /* nobody wanted it: the client gets all from the start */
    bool plain;                         /* its bytes come as they are to where they are cut */
};

static const char key;

static struct section section;

/* --- configuration ---------------------------------------------------------------------------- */

static const struct directive rows[] = {
    { "slice", IN_HSL, 1, 1, &conf_type_size, FIELD(slice_conf, size), INHERIT, "0", NULL, NULL,
      "size of the parts that an answer is asked for in; 0: it is asked for as a whole", NULL },
};
static struct section section = {
    .name = "slice", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct slice_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct slice_conf *conf = conf_of(block, section);
    return conf && conf->size > 0 && conf->size <= INT32_MAX;
}

/* --- what is asked for ------------------------------------------------------------------------ */

static struct slice *slice_of(struct request *r)
{
    return request_note(r, &key, 0);
}

static struct slice *add_slice(struct request *r, struct slices *all, int64_t start)
{
    struct slice *slice = request_note(r, &key, sizeof(*slice));
    *slice = (struct slice){ .all = all, .start = start, .at = start };
    return slice;
}

static int64_t aligned(const struct slices *all, int64_t at)
{
    return at - at % all->size;
}

/* Where the client's part begins, as far as that can be known before the size: 0 when it cannot. */
static int64_t wanted_start(const struct request *r)
{
    const struct str value = fields_value(&r->in.fields, FIELD_RANGE), unit = STR("bytes=");
    struct str rest;
    uint64_t start;
    if (fields_known(&r->in.fields, FIELD_IF_RANGE) || !str_starts_ci(value, unit)
        || !str_from_off(value, unit.len, &rest) || str_chr(rest, ',') >= 0
        || !number_take(&rest, &start) || start > INT64_MAX / 2 || !str_starts(rest, STR("-")))
        return 0;
    return (int64_t)start;
}

/* A subrequest of others is no slice of ours, and one that was answered already is none, either. */
GETTER(range)
{
    struct request *r = request_of(s);
    const struct slice_conf *conf = request_conf(r, section);
    struct slice *slice = slice_of(r);
    (void)entry;
    if (!slice && (conf->size == 0 || conf->size > INT32_MAX || r->parent || r->out.status))
        return value_none(out);
    if (!slice) {
        struct slices *all = pool_new(&r->pool, struct slices);
        all->size = (int64_t)conf->size;
        slice = add_slice(r, all, aligned(all, wanted_start(r)));
    }
    if (slice->over)
        return value_none(out);
    return value_give(out, fmt_pool(s->pool, "bytes=%lld-%lld", (long long)slice->start,
                                    (long long)(slice->start + slice->all->size - 1)));
}

/* Goes on where the main one is: what chose that place, and what has changed the path, is done. */
static bool ask_next(struct request *main, struct slices *all)
{
    struct subrequest *s = subrequest_start(main, SUBREQUEST_INLINE, false, main->in.path,
                                            main->in.args);
    if (!s)
        return false;
    struct request *r = s->request;
    r->in.method = main->in.method;
    r->in.method_name = main->in.method_name;
    r->internal = main->internal;
    r->below_alias = main->below_alias;
    r->target_stale = main->target_stale;
    r->path_stays = main->path_stays;
    r->phase = PHASE_HANDLER;
    request_enter(r, main->location);
    add_slice(r, all, all->next);
    all->next += all->size;
    return true;
}

/* --- the head of a slice ---------------------------------------------------------------------- */

static bool same_etag(const struct request *r, struct slices *all)
{
    if (all->etag.len && !str_eq(all->etag, r->out.etag)) {
        log_write(&r->log, LOG_ERROR, 0, "etag mismatch in slice response");
        return false;
    }
    all->etag = r->out.etag;
    return true;
}

static bool expected_range(const struct request *r, struct slice *slice)
{
    const struct field *field = fields_find(&r->out.fields, STR("Content-Range"));
    struct slices *all = slice->all;
    struct range range;
    int64_t total;
    if (!field || !range_parse_content(field->value, &range, &total)) {
        log_write(&r->log, LOG_ERROR, 0, "invalid range in slice response");
        return false;
    }
    if (total < 0) {
        log_write(&r->log, LOG_ERROR, 0, "no complete length in slice response");
        return false;
    }
    const int64_t end = total - slice->start > all->size ? slice->start + all->size : total;
    if (range.from != slice->start || range.to != end || (all->total && all->total != total)) {
        log_write(&r->log, LOG_ERROR, 0, "unexpected range in slice response: %lld-%lld",
                  (long long)range.from, (long long)range.to);
        return false;
    }
    if (r->out.length >= 0 && r->out.length != end - slice->start) {
        log_write(&r->log, LOG_ERROR, 0, "unexpected length in slice response: %lld",
                  (long long)r->out.length);
        return false;
    }
    all->total = total;
    slice->end = end;
    return true;
}

static bool is_expected(const struct request *r, struct slice *slice)
{
    if (r->out.status == 206)
        return same_etag(r, slice->all) && expected_range(r, slice);
    log_write(&r->log, LOG_ERROR, 0, "unexpected status code %u in slice response",
              r->out.status);
    return false;
}

/* Other answers to the first one are answers to the client. */
static enum join head(struct request *r, struct filter *f)
{
    struct slice *slice = slice_of(r);
    (void)f;
    if (!slice || slice->over)
        return JOIN_PASS;
    if (r->out.status != 206 && !r->parent) {
        slice->over = true;
        return JOIN_PASS;
    }
    slice->bad = !is_expected(r, slice);
    if (slice->bad && !r->parent) {
        slice->over = true;
        fields_remove(&r->out.fields, STR("Content-Range"));
        r->out.status = 502;
        return JOIN_REFUSE;
    }
    if (slice->bad)
        return JOIN_PASS;
    fields_remove(&r->out.fields, STR("Content-Range"));
    fields_remove(&r->out.fields, STR("Accept-Ranges"));
    r->out.status = 200;
    r->out.reason_of = 0;
    r->out.length = slice->all->total;
    r->out.ranges = true;
    return JOIN_PASS;
}

const struct filter_type http_slice_filter = { .name = "slice", .enabled = enabled, .head = head };

/* --- what the client gets --------------------------------------------------------------------- */

/* What is no part of it, or cannot be given as one by what stands between, is all of it. */
static void choose(struct request *r, const struct slice *slice)
{
    struct slices *all = slice->all;
    struct range *ranges;
    unsigned count;
    all->from = 0;
    all->to = all->total;
    if (!slice->plain || range_wanted(r, 1, &ranges, &count) != RANGE_OK)
        return;
    all->from = ranges[0].from;
    all->to = ranges[0].to;
    r->out.status = 206;
    r->out.length = all->to - all->from;
    response_add(r, STR("Content-Range"),
                 fmt_pool(r->subject.pool, "bytes %lld-%lld/%lld", (long long)all->from,
                          (long long)all->to - 1, (long long)all->total));
}

static enum join part_head(struct request *r, struct filter *f)
{
    struct slice *slice = slice_of(r);
    struct slices *all = slice ? slice->all : NULL;
    if (!slice || slice->over)
        return JOIN_PASS;
    f->data = slice;
    slice->plain = r->out.status == 200 && r->out.ranges && r->out.length == all->total;
    if (r->parent)
        return JOIN_IN;
    choose(r, slice);
    slice->dropped = slice->start > all->from;
    all->next = slice->dropped ? 0 : slice->end;
    if (aligned(all, all->from) > all->next)
        all->next = aligned(all, all->from);
    return JOIN_IN;
}

/* Leaves in `data` what the client gets of it, and the marks behind. */
static void cut(struct request *r, struct slice *slice, struct chain *data)
{
    const struct slices *all = slice->all;
    const int64_t end = slice->at + (int64_t)data->bytes;
    const int64_t to = all->to < slice->end ? all->to : slice->end;
    const int64_t before = all->from > slice->at ? all->from - slice->at : 0;
    const int64_t behind = end > to ? end - to : 0;
    struct chain kept;
    chain_consume(data, size_min((size_t)before, data->bytes), true);
    chain_init(&kept);
    chain_take(&kept, data, data->bytes - size_min((size_t)behind, data->bytes), r->subject.pool);
    for (struct buf *buf = data->first; buf; buf = buf->next)
        buf->len = 0;
    data->bytes = 0;
    chain_move(&kept, data);
    chain_move(data, &kept);
    slice->at = end;
}

static bool is_short(const struct slice *slice)
{
    return slice->bad || (slice->plain && !slice->dropped && slice->at != slice->end);
}

/* The place of the next slice is behind all bytes of this one. */
static enum flow end_slice(struct filter *f, struct slice *slice, struct chain *data)
{
    struct request *r = f->request;
    struct slices *all = slice->all;
    slice->over = true;
    r->out.truncated = r->out.truncated || is_short(slice);
    if (!r->out.truncated && all->next < all->to) {
        f->to->write(f->to, data, MORE);
        r->out.truncated = !ask_next(r->main, all);
    }
    return f->to->write(f->to, data, LAST);
}

static enum flow part_body(struct filter *f, struct chain *data, enum mark mark)
{
    struct slice *slice = f->data;
    if (slice->bad && mark != LAST) {
        chain_drop(data);
        request_abort(f->request);
        return FLOW_FULL;
    }
    if (slice->bad || slice->dropped)
        chain_consume(data, data->bytes, true);
    else if (slice->plain)
        cut(f->request, slice, data);
    return mark == LAST ? end_slice(f, slice, data) : f->to->write(f->to, data, mark);
}

const struct filter_type http_slice_part_filter = {
    .name = "slice_part", .enabled = enabled, .head = part_head, .body = part_body,
    .subrequests = true,
};

/* ---------------------------------------------------------------------------------------------- */

static const struct variable variables[] = {
    { "slice_range", get_range, VARS_VOLATILE, 0, "the part to ask for: bytes=0-1048575", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
static struct section *const sections[] = { &section, NULL };

const struct http_module http_slice_module = {
    .module = { .name = "ngx_http_slice_module", .protocol = "http", .sections = sections,
                .variables = variables },
};
