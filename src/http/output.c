/*
 * The way of a body: filters are joined once, when the head is due; then bytes pass.
 * Owns nothing: filters lie in the request's pool.
 */
#include "http/output.h"

#include "http/body.h"
#include "http/core_conf.h"
#include "http/subrequest.h"

static bool sending_cancel(struct op *op)
{
    (void)op;
    return false;                       /* the codec drops the output and calls request_sent */
}

static enum flow write_last(struct sink *sink, struct chain *data, enum mark mark)
{
    struct request *r = container_of(sink, struct request, last);
    if (r->state != REQUEST_RESPONDING) {
        chain_drop(data);
        return FLOW_FULL;               /* so that nobody makes more */
    }
    if (r->out.bodiless)
        chain_drop(data);
    r->out.body_sent += data->bytes;
    if (mark == LAST) {
        request_op_start(r, &r->sending, "sending", false, sending_cancel);
        r->state = REQUEST_ENDING;
    }
    const enum flow flow = r->codec->body(r, data, mark);
    if (mark == LAST && !r->parent)
        r->bytes_end = r->subject.conn->sent + r->subject.conn->out.bytes;
    r->full = flow == FLOW_FULL && mark != LAST;
    return r->full ? FLOW_FULL : FLOW_OK;
}

/* --- filters ---------------------------------------------------------------------------------- */

static enum flow filter_write(struct sink *sink, struct chain *data, enum mark mark)
{
    struct filter *f = container_of(sink, struct filter, sink);
    if (f->request->state != REQUEST_RESPONDING) {
        chain_drop(data);
        return FLOW_FULL;
    }
    return f->type->body(f, data, mark);
}

static struct filter *new_filter(struct request *r, const struct filter_type *type)
{
    struct filter *f = pool_new(r->subject.pool, struct filter);
    *f = (struct filter){ .sink = { filter_write }, .type = type, .request = r };
    return f;
}

static void join(struct request *r, struct sink ***link, struct filter *f)
{
    f->above = r->filters;
    r->filters = f;
    **link = &f->sink;
    *link = &f->to;
    if (f->type->needs_memory)
        r->in_memory = true;
}

/* A filter that did not join leaves its place to the next. */
static bool build(struct request *r)
{
    const struct plan *plan = &r->location->plan;
    const unsigned count = r->parent ? plan->upper : plan->nfilters, before = r->out.fields.count;
    struct sink **link = &r->output;
    struct filter *f = NULL;
    bool subrequests = false;
    for (unsigned i = 0; i <= count; i++) {
        if (i == plan->upper && subrequests) {
            struct filter *slots = new_filter(r, &slots_filter);
            slots_filter.head(r, slots);
            join(r, &link, slots);
        }
        if (i == count)
            break;
        if (f)
            f->type = plan->filters[i];
        else
            f = new_filter(r, plan->filters[i]);
        const unsigned fields = r->out.fields.count;
        switch (f->type->head(r, f)) {
        case JOIN_PASS:
            break;
        case JOIN_IN:
            subrequests = subrequests || f->type->subrequests;
            join(r, &link, f);
            f = NULL;
            break;
        case JOIN_REFUSE:               /* what those above have added is of this answer */
            fields_cut(&r->out.fields, before, fields);
            return false;
        }
    }
    *link = &r->last;
    return true;
}

static bool no_body(const struct request *r)
{
    const unsigned status = r->out.status;
    return r->in.method == METHOD_HEAD || status == 204 || status == 304;
}

static void forget_filters(struct request *r)
{
    r->filters = NULL;
    r->output = &r->last;
    r->in_memory = r->out.head_sent = false;
}

void output_refuse(struct request *r)
{
    r->source->cancel(r->source);
    forget_filters(r);
    request_refuse(r);
}

bool output_upgrade(struct request *r)
{
    r->out.head_sent = true;
    r->error_status = 0;
    if (build(r))
        return true;
    forget_filters(r);
    return false;
}

/* False: there is another answer, or no body, or it has to wait. */
static bool send_head(struct request *r)
{
    struct chain none;
    const enum step discarded = r->parent ? STEP_NEXT : body_discard(r);
    if (discarded != STEP_NEXT) {
        if (discarded == STEP_FAIL)
            output_refuse(r);
        return false;
    }
    r->out.head_sent = true;
    if (r->error_status) {
        r->out.status = r->error_status;
        r->error_status = r->out.reason_of = 0;
        if (r->out.status != 200) {     /* nothing to ask for again by date or range */
            r->out.last_modified = -1;
            r->out.ranges = false;
        }
    }
    if (!build(r)) {
        output_refuse(r);
        return false;
    }
    r->out.bodiless = no_body(r);
    if (r->out.status == 204) {
        r->out.length = -1;
        r->out.content_type = STR_NONE;
    }
    r->codec->head(r, r->out.bodiless ? LAST : MORE);
    if (!r->out.bodiless)
        return true;
    r->source->cancel(r->source);
    chain_init(&none);
    write_last(&r->last, &none, LAST);
    return false;
}

void output_init(struct request *r)
{
    r->last.write = write_last;
    r->output = &r->last;
}

/* From the client's end, so that nobody is given more while those behind it still hold bytes. */
void output_pump(struct request *r)
{
    if (!r->out.head_sent && !send_head(r))
        return;
    for (struct filter *f = r->filters; f && !r->full; f = f->above) {
        if (!f->waiting)
            continue;
        f->type->resume(f);
        if (f->waiting || r->state != REQUEST_RESPONDING)
            return;
    }
    if (!r->full)
        r->source->pull(r->source, r->output);
}
