/*
 * A request's life.  Owns the request, its pool and its pin on a generation, until the one exit.
 */
#include "http/request.h"

#include "event/listener.h"
#include "http/body.h"
#include "http/core_conf.h"
#include "http/error.h"
#include "http/output.h"
#include "http/path.h"
#include "http/response.h"
#include "http/subrequest.h"
#include "http/trace.h"

/* What access logs show when nothing else was answered: nginx's number. */
enum { CLIENT_GONE = 499 };

enum { REDIRECTS_MOST = 10 };

uint32_t request_method(struct str name, bool (*same)(struct str a, struct str b))
{
    static const struct {
        struct str name;
        uint32_t bit;
    } methods[] = {
#define METHOD(id, name, bit) { STR_INIT(name), METHOD_##id },
#include "http/method.def"
#undef METHOD
    };
    for (unsigned i = 0; i < countof(methods); i++)
        if (same(name, methods[i].name))
            return methods[i].bit;
    return METHOD_OTHER;
}

struct loop *request_loop(const struct request *r)
{
    return r->subject.conn->loop;
}

void request_client(const struct request *r, struct inet_address *client)
{
    if (r->main->client)
        *client = *r->main->client;
    else
        conn_peer(r->subject.conn, client);
}

void request_set_client(struct request *r, const struct inet_address *client)
{
    struct inet_address *kept = pool_new(&r->main->pool, struct inet_address);
    *kept = *client;
    r->main->client = kept;
    r->log.client = r->main->log.client = inet_host(kept);
}

void request_wake(struct request *r)
{
    loop_post(request_loop(r), &r->task);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void run_log(struct request *r)
{
    const struct plan *plan = &r->location->plan;
    for (unsigned i = plan->begin[PHASE_LOG]; i < plan->begin[PHASE_LOG + 1]; i++)
        (void)plan->steps[i]->run(r);
}

static void check_end(struct request *r)
{
    if (r->state != REQUEST_ENDING || r->ops)
        return;
    const enum ending how = r->aborted ? ENDING_RESET : r->silent ? ENDING_SILENT
                            : r->out.close ? ENDING_CLOSE : ENDING_KEEP;
    struct local *local = r->subject.local;
    struct pool pool = r->pool;
    if (r->parent ? http_location_conf(r)->log_subrequest : !r->left)
        run_log(r);
    loop_unpost(request_loop(r), &r->task);
    if (r->parent) {
        r->codec->finish(r, how);       /* its memory is the main request's */
        return;
    }
    r->codec->finish(r, how);
    pool_free(&pool);
    local_unpin(local);
}

/* --- routing ---------------------------------------------------------------------------------- */

static bool held(const struct request *r)
{
    for (const struct op *op = r->ops; op; op = op->next)
        if (op->holds)
            return true;
    return false;
}

static void use(struct request *r, const struct location *location)
{
    r->location = location;
    r->conf = location->conf;
    r->log.conf = log_conf_of(location->block);
    if (log_on(&r->log, LOG_DEBUG))
        http_trace(r);
}

void request_enter(struct request *r, const struct location *location)
{
    use(r, location);
    r->step = location->plan.begin[r->phase];
}

static enum step slash_redirect(struct request *r, const struct location *location)
{
    use(r, location);
    return response_add_slash(r);
}

static enum step choose_location(struct request *r)
{
    const struct location *found;
    switch (http_choose_location(r, &found)) {
    case LOCATE_ERROR:
        return request_fail(r, 500);
    case LOCATE_SLASH:
        return slash_redirect(r, found);
    case LOCATE_NONE:
        found = &r->server->outside;
        break;
    case LOCATE_FOUND:
        if (((const struct http_location_conf *)conf_of(found->block, http_location_section))
                ->internal && !r->internal) {
            http_tell(r, TRACE_LOCATION, http_trace_name(r, found), "is internal: 404");
            return request_fail(r, 404);
        }
        break;
    }
    if (found->limited && !(found->methods & r->in.method))
        found = found->limited;
    use(r, found);
    return r->parent ? STEP_NEXT : body_check(r);
}

/* --- auth_delay ------------------------------------------------------------------------------- */

struct delay {
    struct op op;
    struct timer timer;
    struct request *request;
};

static bool cancel_delay(struct op *op)
{
    struct delay *d = container_of(op, struct delay, op);
    timer_cancel(request_loop(d->request), &d->timer);
    timers_unreserve(&request_loop(d->request)->timers, 1);
    return true;
}

static void end_delay(struct timer *timer)
{
    struct delay *d = container_of(timer, struct delay, timer);
    timers_unreserve(&request_loop(d->request)->timers, 1);
    request_op_done(d->request, &d->op);
}

/* False: it has passed, or there is none. */
static bool delays(struct request *r)
{
    const int64_t time = http_location_conf(r)->auth_delay;
    if (r->denied != 401 || time == 0 || r->delayed ||
        !timers_reserve(&request_loop(r)->timers, 1))
        return false;
    struct delay *d = pool_new(r->subject.pool, struct delay);
    log_write(&r->log, LOG_INFO, 0, "delaying unauthorized request");
    r->delayed = true;
    d->request = r;
    d->timer.fire = end_delay;
    request_op_start(r, &d->op, "auth_delay", true, cancel_delay);
    timer_set(request_loop(r), &d->timer, time);
    return true;
}

/* The access phase is over, and nobody let it in.  A step says itself why it is against, but under
 * `satisfy any` that counts only here. */
static enum step refuse(struct request *r)
{
    if (delays(r))
        return STEP_WAIT;
    http_tell(r, TRACE_ACCESS, r->in.path, "is refused");
    if (r->denied == 403 && http_location_conf(r)->satisfy == SATISFY_ANY)
        log_write(&r->log, LOG_ERROR, 0, "access forbidden by rule");
    return request_fail(r, r->denied);
}

/* Between two phases.  STEP_NEXT: r->phase has begun. */
static enum step next_phase(struct request *r)
{
    enum step step = STEP_NEXT;
    if (r->phase == PHASE_SERVER_REWRITE || (r->phase == PHASE_REWRITE && r->path_changed)) {
        if (r->phase == PHASE_REWRITE && r->redirects == 0) {
            log_write(&r->log, LOG_ERROR, 0, "rewrite or internal redirection cycle while "
                      "processing \"%.*s\"", STR_FMT(r->in.path));
            r->error_page = true;       /* no page for this one */
            return request_fail(r, 500);
        }
        r->redirects -= r->phase == PHASE_REWRITE;
        r->path_changed = r->path_stays = false;
        step = choose_location(r);
        r->phase = PHASE_REWRITE;
    } else if (r->phase == PHASE_ACCESS && r->denied && !r->allowed)
        return refuse(r);
    else
        r->phase++;
    if (r->phase == PHASE_ACCESS && r->parent)
        r->phase++;                     /* whoever may have the main one may have its parts */
    r->step = r->location->plan.begin[r->phase];
    return step;
}

/* What a step of the access phase answered, under `satisfy`.  STEP_WAIT: the phase is over. */
static enum step weigh_access(struct request *r, const char *name, enum step step)
{
    const bool any = http_location_conf(r)->satisfy == SATISFY_ANY;
    const bool denied = step == STEP_FAIL && (r->out.status == 401 || r->out.status == 403);
    if (denied || step == STEP_ALLOW)
        http_tell(r, TRACE_ACCESS, str_from(name), denied ? "denies" : "allows");
    if (denied && r->denied != 401)
        r->denied = (uint16_t)r->out.status;
    if (any ? denied : step == STEP_ALLOW)
        return STEP_NEXT;
    if (any && step == STEP_ALLOW) {
        http_tell(r, TRACE_ACCESS, r->in.path, "is let in by one: satisfy any");
        r->allowed = true;
        fields_remove(&r->out.fields, STR("WWW-Authenticate"));
    } else if (!denied)
        return step;
    r->step = r->location->plan.begin[PHASE_ACCESS + 1];
    return STEP_WAIT;
}

/* No step had content. */
static enum step nothing_found(struct request *r)
{
    if (r->in.path.len == 0 || r->in.path.at[r->in.path.len - 1] != '/')
        return request_fail(r, 404);
    const struct str folder = path_of(r, r->in.path);
    if (folder.len)
        log_write(&r->log, LOG_ERROR, 0, "directory index of \"%.*s\" is forbidden",
                  STR_FMT(folder));
    return request_fail(r, 403);
}

static enum step run_steps(struct request *r)
{
    for (;;) {
        const struct plan *plan = &r->location->plan;
        while (r->step < plan->begin[r->phase + 1]) {
            const struct location *before = r->location;
            const uint8_t at = r->step;
            enum step step = plan->steps[at]->run(r);
            if (r->phase == PHASE_ACCESS && step != STEP_WAIT) {
                step = weigh_access(r, plan->steps[at]->name, step);
                if (step == STEP_WAIT)
                    break;
            }
            if (step != STEP_NEXT)
                return step;
            if (r->location == before && r->step == at)
                r->step++;
            plan = &r->location->plan;
        }
        if (r->phase == PHASE_CONTENT)
            return nothing_found(r);
        const enum step step = next_phase(r);
        if (step != STEP_NEXT)
            return step;
    }
}

/* `step` is what was answered last. */
static void walk(struct request *r, enum step step)
{
    while (step == STEP_ROUTE || step == STEP_FAIL) {
        if (step == STEP_FAIL)
            step = error_answer(r, r->out.status);
        else
            step = run_steps(r);
    }
    if (step == STEP_DONE)
        r->state = REQUEST_RESPONDING;
}

void request_refuse(struct request *r)
{
    r->state = REQUEST_ROUTING;
    walk(r, STEP_FAIL);
    request_wake(r);
}

static void route_from(struct request *r, enum phase phase)
{
    r->phase = phase;
    r->path_changed = r->path_stays = r->below_alias = false;
    r->denied = 0;
    r->allowed = r->delayed = false;
    r->step = r->location->plan.begin[phase];
}

static enum step too_many(struct request *r, const char *doing, struct str to)
{
    log_write(&r->log, LOG_ERROR, 0,
              "rewrite or internal redirection cycle while %s \"%.*s\"", doing, STR_FMT(to));
    r->redirects = 0;
    r->error_page = true;               /* no page for this one */
    return request_fail(r, 500);
}

enum step request_redirect(struct request *r, struct str path, struct str args)
{
    if (r->redirects == 0)
        return too_many(r, "internally redirecting to", path);
    http_tell(r, TRACE_REWRITE, path, "is the path now: internal redirect");
    r->redirects--;
    r->in.path = path;
    r->in.args = args;
    r->internal = r->target_stale = true;
    use(r, &r->server->outside);
    route_from(r, PHASE_SERVER_REWRITE);
    return STEP_ROUTE;
}

enum step request_redirect_named(struct request *r, struct str name)
{
    const struct location *location = http_named_location(r->server, name);
    if (r->redirects == 0)
        return too_many(r, "redirect to named location", name);
    r->redirects--;
    if (!location) {
        log_write(&r->log, LOG_ERROR, 0, "could not find named location \"%.*s\"", STR_FMT(name));
        return request_fail(r, 500);
    }
    http_tell(r, TRACE_LOCATION, name, "is where it goes on: named location");
    r->internal = true;
    use(r, location);
    route_from(r, PHASE_REWRITE);
    return STEP_ROUTE;
}

enum step request_fail(struct request *r, unsigned status)
{
    r->out.status = status;
    return STEP_FAIL;
}

/* --- the task --------------------------------------------------------------------------------- */

static void go_on(struct request *r)
{
    r->running = true;
    if (r->main->pool.failed && r->state != REQUEST_ENDING) {
        log_write(&r->log, LOG_ALERT, ENOMEM, "the request is given up");
        request_abort(r);
    }
    if (r->state == REQUEST_ROUTING && !held(r))
        walk(r, STEP_ROUTE);
    if (r->state == REQUEST_RESPONDING && !held(r))
        output_pump(r);
    r->running = false;
    if (r->state == REQUEST_ENDING)     /* nothing is left to do but what ops tell of */
        loop_unpost(request_loop(r), &r->task);
    check_end(r);
}

static void run(struct task *task)
{
    go_on(container_of(task, struct request, task));
}

void request_continue(struct request *r)
{
    if (r->running)
        request_wake(r);
    else
        go_on(r);
}

static void init(struct request *r, struct pool *pool)
{
    r->subject.log = &r->log;
    r->subject.pool = pool;
    r->task.run = run;
    r->redirects = REDIRECTS_MOST;
    r->out.length = -1;
    r->out.last_modified = -1;
    output_init(r);
}

struct request *request_new(const struct codec *codec, void *stream, struct conn *c,
                            struct local *local, struct pool *pool)
{
    struct request *r = pool_new(pool, struct request);
    r->pool = *pool;
    r->main = r;
    r->codec = codec;
    r->stream = stream;
    r->subject = (struct subject){ .local = local, .table = local->generation->vars_http,
                                   .conn = c };
    r->address = c->listener->listening->data;
    r->log = c->log;
    r->log.context = http_log_context;
    r->log.data = r;
    r->began = c->loop->real;
    r->bytes_sent = c->sent + c->out.bytes;
    init(r, &r->pool);
    r->server = r->address->default_server;     /* until a name is asked for */
    use(r, &r->server->outside);
    c->worker->score->requests++;
    local_pin(local);
    return r;
}

struct request *request_new_sub(struct request *parent, const struct codec *codec)
{
    struct request *main = parent->main, *r = pool_new(&main->pool, struct request);
    r->subject = (struct subject){ .local = main->subject.local, .table = main->subject.table,
                                   .outer = &parent->subject, .conn = main->subject.conn,
                                   .captures = parent->subject.captures };
    r->main = main;
    r->parent = parent;
    r->codec = codec;
    r->log = parent->log;
    r->log.data = r;
    r->address = parent->address;
    r->server = parent->server;
    r->in = parent->in;
    r->in.method = METHOD_GET;
    r->in.method_name = STR("GET");
    r->began = parent->began;
    r->trace = parent->trace;
    r->internal = r->target_stale = true;
    init(r, &main->pool);
    use(r, &r->server->outside);
    route_from(r, PHASE_SERVER_REWRITE);
    return r;
}

void request_start(struct request *r, unsigned bad)
{
    const struct server *server = bad ? NULL : http_choose_server(r);
    if (server) {
        r->server = server;
        use(r, &server->outside);
    }
    route_from(r, PHASE_POST_READ);
    if (!server) {
        r->out.close = true;
        r->out.status = bad ? bad : 500;
        walk(r, STEP_FAIL);
    }
    go_on(r);
}

void request_drop(struct request *r, unsigned status)
{
    r->out.status = status;
    r->silent = true;
    r->state = REQUEST_ENDING;
    request_wake(r);
}

/* Marks, cancels and posts: nothing is freed under the caller. */
void request_abort(struct request *r)
{
    const bool again = r->aborted;
    if (again && !r->main->over)
        return;
    r->aborted = true;
    if (r->out.status == 0)
        r->out.status = CLIENT_GONE;
    r->state = REQUEST_ENDING;
    if (r->source && !again)
        r->source->cancel(r->source);
    for (struct op *op = r->ops, *next; op; op = next) {
        next = op->next;                /* a cancelled op may be gone */
        if (!op->cancel(op))
            continue;
        struct op **at = &r->ops;
        while (*at != op)
            at = &(*at)->next;
        *at = op->next;
    }
    request_wake(r);
}

void request_cut(struct request *r)
{
    r->over = true;
    request_abort(r);
}

/* --- operations ------------------------------------------------------------------------------- */

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
    request_wake(r);
}

void request_sent(struct request *r, bool whole)
{
    if (!whole)
        r->aborted = true;
    request_op_done(r, &r->sending);
    if (!r->running)                    /* its filters and its source are on the stack */
        check_end(r);                   /* most often it has nothing else to wait for */
}

void request_drained(struct request *r)
{
    r->full = false;
    request_wake(r);
}

void *request_note(struct request *r, const void *key, size_t size)
{
    struct request_note *note = r->notes;
    while (note && note->key != key)
        note = note->next;
    if (note || size == 0)
        return note ? note->data : NULL;
    note = pool_new(&r->main->pool, struct request_note);
    note->key = key;
    note->data = pool_alloc(&r->main->pool, size);
    note->next = r->notes;
    r->notes = note;
    return note->data;
}
