/*
 * Subrequests: their codec, and the places of their output in the parent's.
 * Owns nothing: all of it lies in the main request's pool.
 */
#include "http/subrequest.h"

#include "http/core_conf.h"

struct slot {
    struct slot *next;
    struct subrequest *subrequest;
    struct chain kept;                  /* of the subrequest, until it is its turn */
    struct chain data;                  /* of the parent, behind the subrequest's output */
    bool ended;                         /* the subrequest's output is complete */
};

struct slots {                          /* of a request, when a subrequest stands in its output */
    struct slot *first, **end;
    bool last;                          /* the parent's own LAST has come */
};

static const char slots_key;

static struct filter *slots_filter_of(const struct request *r)
{
    struct filter *f = r->filters;
    while (f && strcmp(f->type->name, "slots") != 0)
        f = f->above;
    return f;
}

static struct slots *slots_of(struct request *r)
{
    struct slots *slots = request_note(r, &slots_key, 0);
    if (slots)
        return slots;
    slots = request_note(r, &slots_key, sizeof(*slots));
    slots->end = &slots->first;
    return slots;
}

/* --- the parent's output ---------------------------------------------------------------------- */

static void add_slot(struct request *parent, struct subrequest *s)
{
    struct slots *slots = slots_of(parent);
    struct slot *slot = pool_new(parent->subject.pool, struct slot);
    chain_init(&slot->kept);
    chain_init(&slot->data);
    slot->subrequest = s;
    s->slot = slot;
    *slots->end = slot;
    slots->end = &slot->next;
    slots_filter_of(parent)->waiting = true;
}

enum flow slots_write(struct request *r, struct chain *data, enum mark mark)
{
    struct filter *f = slots_filter_of(r);
    struct slots *slots = slots_of(r);
    if (!slots->first)
        return f->to->write(f->to, data, mark);
    chain_move(&container_of(slots->end, struct slot, next)->data, data);
    slots->last = slots->last || mark == LAST;
    return FLOW_FULL;
}

/* Everything up to the first subrequest that still writes; it may go on then. */
void slots_resume(struct request *r)
{
    struct filter *f = slots_filter_of(r);
    struct slots *slots = slots_of(r);
    while (slots->first && !r->full) {
        struct slot *slot = slots->first;
        if (slot->kept.bytes)
            f->to->write(f->to, &slot->kept, MORE);
        if (!slot->ended) {
            request_drained(slot->subrequest->request);
            break;
        }
        slots->first = slot->next;
        if (!slots->first)
            slots->end = &slots->first;
        const bool last = slots->last && !slots->first;
        if (last || slot->data.bytes)
            f->to->write(f->to, &slot->data, last ? LAST : MORE);
    }
    f->waiting = slots->first != NULL;
}

/* --- the codec -------------------------------------------------------------------------------- */

static void sub_head(struct request *r, enum mark mark)
{
    (void)r;
    (void)mark;
}

static enum flow keep_text(struct subrequest *s, struct chain *data)
{
    struct request *r = s->request;
    const size_t most = http_location_conf(r)->subrequest_buffer;
    struct fmt f;
    if (s->text.len + data->bytes > most) {
        log_write(&r->log, LOG_ERROR, 0, "too big subrequest response: %zu",
                  s->text.len + data->bytes);
        s->failed = true;
        chain_drop(data);
        return FLOW_OK;
    }
    fmt_init_pool(&f, r->subject.pool, s->text.len + data->bytes + 1, most + 1);
    fmt_str(&f, s->text);
    for (const struct buf *buf = data->first; buf; buf = buf->next)
        if (buf->kind == BUF_MEMORY)
            fmt_str(&f, str_of(buf->at, buf->len));
    s->text = fmt_done(&f);
    chain_drop(data);
    return FLOW_OK;
}

static enum flow through_slot(struct subrequest *s, struct chain *data, enum mark mark)
{
    struct request *parent = s->parent;
    struct slots *slots = slots_of(parent);
    struct filter *f = slots_filter_of(parent);
    enum flow flow = FLOW_OK;
    if (parent->state != REQUEST_RESPONDING) {
        chain_drop(data);
        return FLOW_OK;
    }
    if (slots->first != s->slot || s->slot->kept.bytes) {
        chain_move(&s->slot->kept, data);
        return mark == LAST ? FLOW_OK : FLOW_FULL;
    }
    if (data->bytes)
        flow = f->to->write(f->to, data, MORE);
    return flow;
}

static enum flow sub_body(struct request *r, struct chain *data, enum mark mark)
{
    struct subrequest *s = r->stream;
    enum flow flow = FLOW_OK;
    if (s->kind == SUBREQUEST_INLINE)
        flow = through_slot(s, data, mark);
    else if (s->kind == SUBREQUEST_TEXT)
        flow = keep_text(s, data);
    else
        chain_drop(data);
    if (mark == LAST)
        request_sent(r, true);
    return flow;
}

static void sub_informational(struct request *r, unsigned status, const struct fields *fields)
{
    (void)r;
    (void)status;
    (void)fields;
}

/* The body is the main request's, and was read before. */
static void sub_want_body(struct request *r)
{
    (void)r;
}

static enum step sub_discard(struct request *r)
{
    (void)r;
    return STEP_NEXT;
}

static void sub_finish(struct request *r, enum ending how)
{
    struct subrequest *s = r->stream;
    struct request *holder = s->kind == SUBREQUEST_BACKGROUND ? s->parent->main : s->parent;
    s->request = NULL;
    s->status = r->out.status;
    s->failed = s->failed || how == ENDING_RESET;
    holder->main->subrequests--;
    if (s->slot)
        s->slot->ended = true;
    if (s->done && !s->parent->aborted)
        s->done(s);
    request_op_done(holder, &s->op);
}

static const struct codec parent_codec = { "parent", sub_head, sub_body, sub_informational,
                                           sub_want_body, sub_discard, sub_finish };

/* --- starting --------------------------------------------------------------------------------- */

static bool cancel(struct op *op)
{
    struct subrequest *s = container_of(op, struct subrequest, op);
    if (s->request)
        request_abort(s->request);
    return false;
}

static unsigned depth_of(const struct request *r)
{
    unsigned depth = 0;
    for (; r->parent; r = r->parent)
        depth++;
    return depth;
}

struct subrequest *subrequest_start(struct request *parent, enum subrequest_kind kind, bool holds,
                                    struct str path, struct str args)
{
    if (depth_of(parent) >= SUBREQUESTS_MOST) {
        log_write(&parent->log, LOG_ERROR, 0, "subrequests cycle while processing \"%.*s\"",
                  STR_FMT(path));
        return NULL;
    }
    struct subrequest *s = pool_new(parent->subject.pool, struct subrequest);
    struct request *r = request_new_sub(parent, &parent_codec);
    struct request *holder = kind == SUBREQUEST_BACKGROUND ? parent->main : parent;
    s->request = r;
    s->parent = parent;
    s->kind = kind;
    r->stream = s;
    r->in.path = path;
    r->in.args = args;
    r->in_memory = kind == SUBREQUEST_TEXT;
    parent->main->subrequests++;
    request_op_start(holder, &s->op, "a subrequest", holds, cancel);
    if (kind == SUBREQUEST_INLINE)
        add_slot(parent, s);
    request_wake(r);
    return s;
}
