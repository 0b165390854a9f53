/*
 * Parts of a response: 206 with one range, or with several as multipart/byteranges.
 *
 *     range_source --slice, pull--> the response's own source --> part_sink --> the filters
 *
 * It stands last, so what it cuts is what would have been sent; whoever changes bytes on their way
 * has said that there are no ranges.  Owns nothing: all of it lies in the request's pool.
 */
#include "core/date.h"
#include "http/core_conf.h"
#include "http/range.h"
#include "http/response.h"

#include <sys/random.h>

struct range_source {
    struct source source;
    struct sink part;                   /* what the inner source writes to */
    struct source *inner;
    struct sink *to;
    struct request *request;
    struct range *ranges;
    unsigned count, at;
    struct str *heads;                  /* of the parts; NULL: a single range */
    struct str end;
    bool open;                          /* the part at hand has begun */
    bool full;
    int64_t skip, left;                 /* where the inner source has no slices */
};

static enum flow end_part(struct range_source *s, struct chain *data, enum mark mark)
{
    const bool last = ++s->at == s->count;
    s->open = false;
    if (last && s->heads)
        chain_add(data, s->request->subject.pool, s->end);
    return s->to->write(s->to, data, last ? LAST : mark);
}

/* Cuts what the inner source gives in one go. */
static enum flow cut(struct range_source *s, struct chain *data)
{
    struct chain kept;
    if (s->at == s->count) {            /* it goes on, but nobody wants more */
        chain_drop(data);
        return FLOW_FULL;
    }
    const size_t before = (size_t)(s->skip < (int64_t)data->bytes ? s->skip
                                                                    : (int64_t)data->bytes);
    chain_consume(data, before, true);
    s->skip -= (int64_t)before;
    const size_t n = (size_t)(s->left < (int64_t)data->bytes ? s->left : (int64_t)data->bytes);
    chain_init(&kept);
    chain_take(&kept, data, n, s->request->subject.pool);
    s->left -= (int64_t)n;
    for (struct buf *buf = data->first; buf; buf = buf->next)
        buf->len = 0;
    data->bytes = 0;
    chain_move(&kept, data);            /* the marks behind what is kept */
    if (s->left > 0)
        return s->to->write(s->to, &kept, MORE);
    s->inner->cancel(s->inner);
    end_part(s, &kept, MORE);
    return FLOW_FULL;
}

static enum flow part_write(struct sink *sink, struct chain *data, enum mark mark)
{
    struct range_source *s = container_of(sink, struct range_source, part);
    enum flow flow;
    if (!s->inner->slice)
        flow = cut(s, data);
    else
        flow = mark == LAST ? end_part(s, data, MORE) : s->to->write(s->to, data, mark);
    s->full = flow == FLOW_FULL;
    return flow;
}

static void pull(struct source *source, struct sink *sink)
{
    struct range_source *s = container_of(source, struct range_source, source);
    s->to = sink;
    s->full = false;
    do {
        if (!s->open && s->heads) {
            struct chain data;
            chain_init(&data);
            chain_add(&data, s->request->subject.pool, s->heads[s->at]);
            sink->write(sink, &data, MORE);
        }
        if (!s->open && s->inner->slice)
            s->inner->slice(s->inner, s->ranges[s->at].from, s->ranges[s->at].to);
        s->open = true;
        s->inner->pull(s->inner, &s->part);
    } while (!s->open && !s->full && s->at < s->count);
}

static void cancel(struct source *source)
{
    struct range_source *s = container_of(source, struct range_source, source);
    s->inner->cancel(s->inner);
}

/* --- the head --------------------------------------------------------------------------------- */

/* If-Range: a tag (strong comparison), or the very date. */
static bool still_the_same(const struct request *r)
{
    const struct field *field = fields_known(&r->in.fields, FIELD_IF_RANGE);
    int64_t date;
    if (!field)
        return true;
    if (field->value.len > 1 && field->value.at[field->value.len - 1] == '"')
        return r->out.etag.len && str_eq(field->value, r->out.etag);
    return r->out.last_modified >= 0 && date_parse(field->value, r->began / 1000, &date)
           && date == r->out.last_modified;
}

static struct range_source *wrap(struct request *r, struct range *ranges, unsigned count)
{
    struct range_source *s = pool_new(r->subject.pool, struct range_source);
    s->source = (struct source){ pull, cancel, NULL };
    s->part.write = part_write;
    s->inner = r->source;
    s->request = r;
    s->ranges = ranges;
    s->count = count;
    s->skip = ranges[0].from;
    s->left = ranges[0].to - ranges[0].from;
    r->source = &s->source;
    return s;
}

static struct str content_range(struct request *r, const struct range *range, int64_t size)
{
    return fmt_pool(r->subject.pool, "bytes %lld-%lld/%lld", (long long)range->from,
                    (long long)range->to - 1, (long long)size);
}

/* False: all of it is more than can be said. */
static bool sum_up(struct range_source *s)
{
    int64_t sum = (int64_t)s->end.len;
    for (unsigned i = 0; i < s->count; i++)
        if (add_overflows(sum, (int64_t)s->heads[i].len, &sum)
            || add_overflows(sum, s->ranges[i].to - s->ranges[i].from, &sum))
            return false;
    s->request->out.length = sum;
    return true;
}

static void single(struct request *r, struct range *range, int64_t size)
{
    wrap(r, range, 1);
    r->out.length = range->to - range->from;
    response_add(r, STR("Content-Range"), content_range(r, range, size));
}

static bool several(struct request *r, struct range *ranges, unsigned count, int64_t size)
{
    struct range_source *s = wrap(r, ranges, count);
    struct pool *pool = r->subject.pool;
    const struct str type = r->out.content_type, charset = r->out.charset;
    uint64_t boundary;
    if (getrandom(&boundary, sizeof(boundary), 0) != (ssize_t)sizeof(boundary))
        boundary = (uint64_t)r->began;
    s->heads = pool_array(pool, count, sizeof(*s->heads));
    s->end = fmt_pool(pool, "\r\n--%020llu--\r\n", (unsigned long long)boundary);
    for (unsigned i = 0; i < count; i++) {
        struct fmt f;
        fmt_init_pool(&f, pool, 160, 4096);
        fmt_print(&f, "\r\n--%020llu\r\n", (unsigned long long)boundary);
        if (type.len)
            fmt_print(&f, "Content-Type: %.*s%s%.*s\r\n", STR_FMT(type),
                      charset.len ? "; charset=" : "", STR_FMT(charset));
        fmt_print(&f, "Content-Range: %.*s\r\n\r\n", STR_FMT(content_range(r, &ranges[i], size)));
        s->heads[i] = fmt_done(&f);
    }
    if (!sum_up(s)) {
        r->source = s->inner;
        return false;
    }
    r->out.content_type = fmt_pool(pool, "multipart/byteranges; boundary=%020llu",
                                   (unsigned long long)boundary);
    r->out.charset = STR_NONE;
    return true;
}

enum range_result range_wanted(struct request *r, unsigned most, struct range **ranges,
                               unsigned *count)
{
    const struct field *field = fields_known(&r->in.fields, FIELD_RANGE);
    const int64_t configured = http_location_conf(r)->max_ranges;
    if (!field || configured == 0 || !still_the_same(r))
        return RANGE_IGNORE;
    if (configured > 0 && (uint64_t)configured < most)
        most = (unsigned)configured;
    return range_parse(field->value, r->out.length, most, r->subject.pool, ranges, count);
}

static enum join head(struct request *r, struct filter *f)
{
    const int64_t size = r->out.length;
    struct range *ranges;
    unsigned count;
    (void)f;
    if (r->out.status != 200 || !r->out.ranges || size < 0
        || http_location_conf(r)->max_ranges == 0)
        return JOIN_PASS;
    switch (range_wanted(r, r->source->slice ? UINT16_MAX : 1, &ranges, &count)) {
    case RANGE_IGNORE:
        response_add(r, STR("Accept-Ranges"), STR("bytes"));
        return JOIN_PASS;
    case RANGE_NOT_SATISFIABLE:
        response_add(r, STR("Content-Range"),
                     fmt_pool(r->subject.pool, "bytes */%lld", (long long)size));
        r->out.status = 416;
        return JOIN_REFUSE;
    case RANGE_OK:
        break;
    }
    if (count == 1)
        single(r, ranges, size);
    else if (!several(r, ranges, count, size))
        return JOIN_PASS;
    r->out.status = 206;
    return JOIN_PASS;
}

const struct filter_type http_range_filter = { .name = "range", .head = head };
