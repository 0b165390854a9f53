/*
 * Subrequests: their codec, and the places of their output in the parent's.
 * Owns nothing: all of it lies in the main request's pool.
 */
#include "http/subrequest.h"

#include "http/core_conf.h"
#include "http/output.h"

struct slot {
    struct slot *next;
    struct subrequest *subrequest;
    struct chain kept;                  /* of the subrequest, until it is its turn */
    struct chain data;                  /* of the parent, behind the subrequest's output */
    bool ended;                         /* the subrequest's output is complete */
};

struct slots {                          /* data of the filter */
    struct slot *first, **end;
    bool last;                          /* the parent's own LAST has come */
};

/* NULL: no filter of this response makes subrequests. */
static struct filter *slots_of(const struct request *r)
{
    struct filter *f = r->filters;
    while (f && f->type != &slots_filter)
        f = f->above;
    return f;
}

/* --- the parent's output ---------------------------------------------------------------------- */

static void drop(void *data)
{
    const struct slots *slots = data;
    for (struct slot *slot = slots->first; slot; slot = slot->next) {
        chain_drop(&slot->kept);
        chain_drop(&slot->data);
    }
}

static enum join slots_head(struct request *r, struct filter *f)
{
    struct slots *slots = pool_new(r->subject.pool, struct slots);
    slots->end = &slots->first;
    f->data = slots;
    pool_on_free(r->subject.pool, drop, slots);
    return JOIN_IN;
}

static void add_slot(struct request *parent, struct subrequest *s)
{
    struct filter *f = slots_of(parent);
    ASSERT(f);
    struct slots *slots = f->data;
    struct slot *slot = pool_new(parent->subject.pool, struct slot);
    chain_init(&slot->kept);
    chain_init(&slot->data);
    slot->subrequest = s;
    s->slot = slot;
    *slots->end = slot;
    slots->end = &slot->next;
    f->waiting = true;
}

static enum flow slots_body(struct filter *f, struct chain *data, enum mark mark)
{
    struct slots *slots = f->data;
    if (!slots->first)
        return f->to->write(f->to, data, mark);
    chain_move(&container_of(slots->end, struct slot, next)->data, data);
    slots->last = slots->last || mark == LAST;
    return FLOW_FULL;
}

/* What the first subrequest kept until now; then it goes on by itself.  True: it has ended. */
static bool open_first(struct filter *f, struct slot *slot)
{
    struct request *r = f->request;
    if (!chain_empty(&slot->kept))
        f->to->write(f->to, &slot->kept, MORE);
    if (!slot->ended && !r->full && r->state == REQUEST_RESPONDING)
        request_drained(slot->subrequest->request);
    return slot->ended;
}

/* Everything up to the first subrequest that still writes. */
static void slots_resume(struct filter *f)
{
    struct slots *slots = f->data;
    struct request *r = f->request;
    while (slots->first && !r->full && r->state == REQUEST_RESPONDING) {
        struct slot *slot = slots->first;
        if (!open_first(f, slot))
            break;
        slots->first = slot->next;
        if (!slots->first)
            slots->end = &slots->first;
        const bool last = slots->last && !slots->first;
        if (last || !chain_empty(&slot->data))
            f->to->write(f->to, &slot->data, last ? LAST : MORE);
    }
    f->waiting = slots->first != NULL;
}

const struct filter_type slots_filter = { .name = "slots", .head = slots_head,
                                          .body = slots_body, .resume = slots_resume };

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

static enum flow through_slot(struct subrequest *s, struct chain *data)
{
    struct filter *f = slots_of(s->parent);
    const struct slots *slots = f->data;
    if (s->parent->state != REQUEST_RESPONDING) {
        chain_drop(data);
        return FLOW_OK;
    }
    if (slots->first != s->slot || !chain_empty(&s->slot->kept)) {
        chain_move(&s->slot->kept, data);
        return FLOW_FULL;
    }
    return chain_empty(data) ? FLOW_OK : f->to->write(f->to, data, MORE);
}

/* It ends behind this call, which its own task makes. */
static enum flow sub_body(struct request *r, struct chain *data, enum mark mark)
{
    struct subrequest *s = r->stream;
    enum flow flow = FLOW_OK;
    if (s->kind == SUBREQUEST_INLINE)
        flow = through_slot(s, data);
    else if (s->kind == SUBREQUEST_TEXT)
        flow = keep_text(s, data);
    else
        chain_drop(data);
    if (mark == LAST)
        request_op_done(r, &r->sending);
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
    if (s->instead.at && !r->aborted && r->out.body_sent == 0) {
        output_refuse(r);               /* it has said nothing */
        return;
    }
    struct request *holder = s->kind == SUBREQUEST_BACKGROUND ? s->parent->main : s->parent;
    s->request = NULL;
    s->status = r->out.status;
    s->failed = s->failed || r->out.truncated || how == ENDING_RESET || how == ENDING_SILENT;
    holder->main->subrequests--;
    if (s->slot)
        s->slot->ended = true;
    if (s->slot && s->failed)
        request_abort(s->parent);
    if (s->done && !s->parent->aborted)
        s->done(s);
    request_op_done(holder, &s->op);
}

static const struct codec parent_codec = {
    .name = "parent", .head = sub_head, .body = sub_body, .informational = sub_informational,
    .want_body = sub_want_body, .discard = sub_discard, .finish = sub_finish,
};

bool subrequest_instead(struct request *r, struct str *text)
{
    struct subrequest *s = r->codec == &parent_codec ? r->stream : NULL;
    if (!s || !s->instead.at)
        return false;
    *text = s->instead;
    s->instead = STR_NONE;
    return true;
}

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

/* Somebody behind the parent's slots reads the bytes of files. */
static bool read_below(const struct request *parent)
{
    const struct filter *f = parent->filters;
    if (parent->parent)
        return parent->in_memory;
    while (f && f->type != &slots_filter && !f->type->needs_memory)
        f = f->above;
    return f && f->type->needs_memory;
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
    r->in_memory = kind == SUBREQUEST_TEXT || (kind == SUBREQUEST_INLINE && read_below(parent));
    parent->main->subrequests++;
    request_op_start(holder, &s->op, "a subrequest", holds, cancel);
    if (kind == SUBREQUEST_INLINE)
        add_slot(parent, s);
    request_wake(r);
    return s;
}
