/*
 * limit_rate: bytes pass no faster than the rate, counted from when the head left.
 * Owns what it holds back, until it passes.
 */
#include "core/number.h"
#include "http/core_conf.h"
#include "http/response.h"

struct limited {
    struct chain queue;
    struct timer timer;
    struct op op;
    struct filter *filter;
    uint64_t rate, after, passed;
    int64_t began;
    bool last, armed, begun;
};

static bool cancel_timer(struct op *op)
{
    struct limited *l = container_of(op, struct limited, op);
    timer_cancel(request_loop(l->filter->request), &l->timer);
    timers_unreserve(&request_loop(l->filter->request)->timers, 1);
    l->armed = false;
    return true;
}

static void fire(struct timer *timer)
{
    struct limited *l = container_of(timer, struct limited, timer);
    struct request *r = l->filter->request;
    l->armed = false;
    timers_unreserve(&request_loop(r)->timers, 1);
    request_op_done(r, &l->op);
}

static void drop(void *data)
{
    struct limited *l = data;
    chain_drop(&l->queue);
}

/* Milliseconds until `bytes` more may pass. */
static int64_t wait_for(const struct limited *l, uint64_t bytes)
{
    const uint64_t all = l->passed + bytes;
    if (all <= l->after)
        return 0;
    const int64_t due = (int64_t)((all - l->after) * 1000 / l->rate);
    return due - (request_loop(l->filter->request)->now - l->began);
}

static uint64_t allowed(const struct limited *l)
{
    const int64_t elapsed = request_loop(l->filter->request)->now - l->began;
    const uint64_t all = l->after + l->rate * (uint64_t)(elapsed + 1000) / 1000;
    return all > l->passed ? all - l->passed : 0;
}

static void resume(struct filter *f)
{
    struct limited *l = f->data;
    struct request *r = f->request;
    struct chain part;
    const uint64_t most = allowed(l);
    const size_t n = (size_t)(most < l->queue.bytes ? most : l->queue.bytes);
    const bool all = n == l->queue.bytes;
    if (l->armed)
        return;
    chain_init(&part);
    chain_take(&part, &l->queue, n, r->subject.pool);
    if (all)
        chain_move(&part, &l->queue);
    l->passed += n;
    f->waiting = !all;
    if (!chain_empty(&part) || (all && l->last))
        f->to->write(f->to, &part, all && l->last ? LAST : MORE);
    if (all || r->state != REQUEST_RESPONDING)
        return;
    if (!timers_reserve(&request_loop(r)->timers, 1)) {
        log_write(&r->log, LOG_ALERT, ENOMEM, "no memory for a timer");
        request_abort(r);
        return;
    }
    int64_t wait = wait_for(l, size_min(l->queue.bytes, (size_t)l->rate));
    l->armed = true;
    request_op_start(r, &l->op, "limit_rate", true, cancel_timer);
    timer_set(request_loop(r), &l->timer, wait > 1 ? wait : 1);
}

static enum flow body(struct filter *f, struct chain *data, enum mark mark)
{
    struct limited *l = f->data;
    const struct conn *c = f->request->subject.conn;
    if (!l->begun) {
        l->begun = true;                /* the head counts as well */
        l->passed = c->sent + c->out.bytes - f->request->bytes_sent;
    }
    chain_move(&l->queue, data);
    l->last = l->last || mark == LAST;
    f->waiting = true;
    resume(f);
    return f->waiting ? FLOW_FULL : FLOW_OK;
}

static bool number_of(struct request *r, const struct template *t, uint64_t *n)
{
    struct str text;
    size_t size;
    *n = 0;
    if (!template_eval(t, &r->subject, &text))
        return false;
    if (number_conf_size(text, &size))
        *n = size;
    return true;
}

static enum join head(struct request *r, struct filter *f)
{
    const struct http_location_conf *conf = http_location_conf(r);
    uint64_t rate = 0, after;
    const uint64_t *own = request_note(r, &http_limit_rate_filter, 0);
    if (!own && conf->unlimited)
        return JOIN_PASS;
    if (own)
        rate = *own;
    else if (!number_of(r, &conf->limit_rate, &rate))
        return JOIN_PASS;
    if (rate == 0 || !number_of(r, &conf->limit_rate_after, &after))
        return JOIN_PASS;
    struct limited *l = pool_new(r->subject.pool, struct limited);
    chain_init(&l->queue);
    l->timer.fire = fire;
    l->filter = f;
    l->rate = rate;
    l->after = after;
    l->began = request_loop(r)->now;
    f->data = l;
    pool_on_free(r->subject.pool, drop, l);
    return JOIN_IN;
}

/* Not in the plan where nobody can set a rate. */
const struct filter_type http_limit_rate_filter = { .name = "limit_rate", .head = head,
                                                    .body = body, .resume = resume };
