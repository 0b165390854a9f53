/*
 * A request's life.  Owns the request, its pool and its pin on a generation, until the one exit.
 */
#include "http/request.h"

#include "event/listener.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "os/unix/clock.h"

enum { REDIRECTS_MOST = 10 };

static void request_check_end(struct request *r)
{
    if (r->state != REQUEST_ENDING || r->ops)
        return;
    const enum ending how = r->aborted ? ENDING_RESET : r->out.close ? ENDING_CLOSE : ENDING_KEEP;
    struct local *local = r->subject.local;
    struct pool pool = r->pool;
    http_log_request(r);
    loop_unpost(r->subject.conn->loop, &r->task);
    r->codec->finish(r, how);
    pool_free(&pool);
    local_unpin(local);
}

static bool held(const struct request *r)
{
    for (const struct op *op = r->ops; op; op = op->next)
        if (op->holds)
            return true;
    return r->full;
}

static void respond(struct request *r)
{
    r->state = REQUEST_RESPONDING;
    loop_post(r->subject.conn->loop, &r->task);
}

static void walk(struct request *r)
{
    const struct plan *plan = r->location ? &r->location->plan : &r->server->plan;
    while (r->step < plan->count) {
        const struct phase_step *step = plan->steps[r->step];
        switch (step->run(r)) {
        case STEP_NEXT:
            r->step++;
            continue;
        case STEP_WAIT:
            return;
        case STEP_FAIL:
            response_error(r, r->out.status);
            respond(r);
            return;
        case STEP_DONE:
            respond(r);
            return;
        }
    }
    response_error(r, 404);
    respond(r);
}

static void run(struct task *task)
{
    struct request *r = container_of(task, struct request, task);
    if (r->state == REQUEST_ROUTING && !held(r))
        walk(r);
    else if (r->state == REQUEST_RESPONDING && !held(r) && !r->source_done)
        r->source->pull(r->source, &r->sink);
    request_check_end(r);
}

static bool cancel_sending(struct op *op)
{
    (void)op;
    return false;                       /* the codec drops the output and calls request_sent */
}

/* The end of filters: the codec. */
static enum flow to_codec(struct sink *sink, struct chain *data, enum mark mark)
{
    struct request *r = container_of(sink, struct request, sink);
    const bool last = mark == LAST;
    const bool bodiless = r->in.method == METHOD_HEAD || r->out.status == 204 ||
                          r->out.status == 304;
    if (r->state != REQUEST_RESPONDING) {
        chain_drop(data);
        return FLOW_OK;
    }
    if (!r->out.head_sent) {
        r->out.head_sent = true;
        r->codec->head(r, bodiless ? LAST : MORE);
    }
    if (bodiless)
        chain_drop(data);
    r->out.body_sent += data->bytes;
    r->source_done = last || bodiless;
    if (r->source_done)
        request_op_start(r, &r->sending, "sending", false, cancel_sending);
    const enum flow flow = r->codec->body(r, data, r->source_done ? LAST : mark);
    if (r->source_done)
        r->state = REQUEST_ENDING;
    r->full = flow == FLOW_FULL && !r->source_done;
    return r->full ? FLOW_FULL : FLOW_OK;
}

struct request *request_new(const struct codec *codec, void *stream, struct conn *c,
                            struct local *local, struct pool *pool)
{
    struct request *r = pool_new(pool, struct request);
    r->pool = *pool;
    r->codec = codec;
    r->stream = stream;
    r->subject = (struct subject){ .pool = &r->pool, .local = local,
                                   .table = local->generation->vars_http, .conn = c,
                                   .log = &r->log };
    r->task.run = run;
    r->sink.write = to_codec;
    r->out.length = -1;
    r->out.last_modified = -1;
    r->address = c->listener->listening->data;
    r->log = c->log;
    r->began = clock_real_msec();
    r->bytes_sent = c->sent + c->out.bytes;
    local_pin(local);
    return r;
}

void request_start(struct request *r, unsigned bad)
{
    r->server = http_choose_server(r);
    r->log.conf = log_conf_of(r->server->block);
    r->log.context = http_log_context;
    r->log.data = r;
    if (bad) {
        r->out.close = true;
        response_error(r, bad);
        respond(r);
        return;
    }
    r->location = http_choose_location(r);
    if (r->location)
        r->log.conf = log_conf_of(r->location->block);
    loop_post(r->subject.conn->loop, &r->task);
}

void request_redirect(struct request *r, struct str path)
{
    if (++r->redirects > REDIRECTS_MOST) {
        log_write(&r->log, LOG_ERROR, 0, "rewrite or internal redirection cycle to \"%.*s\"",
                  STR_FMT(path));
        response_error(r, 500);
        respond(r);
        return;
    }
    r->in.path = path;
    r->step = 0;
    r->location = http_choose_location(r);
    loop_post(r->subject.conn->loop, &r->task);
}

/* Marks, cancels and posts: nothing is freed under the caller. */
void request_abort(struct request *r)
{
    if (r->aborted)
        return;
    r->aborted = true;
    r->state = REQUEST_ENDING;
    if (r->source)
        r->source->cancel(r->source);
    for (struct op **at = &r->ops, *op; (op = *at) != NULL;) {
        struct op *next = op->next;     /* a cancelled op may be gone */
        if (op->cancel(op))
            *at = next;
        else
            at = &op->next;
    }
    loop_post(r->subject.conn->loop, &r->task);
}

void request_op_start(struct request *r, struct op *op, const char *what, bool holds,
                      bool (*cancel)(struct op *op))
{
    *op = (struct op){ .next = r->ops, .what = what, .holds = holds, .cancel = cancel };
    r->ops = op;
}

void request_op_done(struct request *r, struct op *op)
{
    struct op **at = &r->ops;
    while (*at != op) {
        ASSERT(*at);
        at = &(*at)->next;
    }
    *at = op->next;
    loop_post(r->subject.conn->loop, &r->task);
}

void request_sent(struct request *r, bool whole)
{
    if (!whole)
        r->aborted = true;
    request_op_done(r, &r->sending);
}

void request_drained(struct request *r)
{
    r->full = false;
    loop_post(r->subject.conn->loop, &r->task);
}
