/*
 * ngx_http_auth_basic_module: a name and a password, compared with those of a file in a thread.
 * Owns nothing: what a thread works with lies in the request's pool, and the op holds the request.
 */
#include "event/threads.h"
#include "event/worker.h"
#include "http/core_conf.h"
#include "http/htpasswd.h"
#include "http/response.h"

struct auth_conf {
    struct conf_set set;
    struct template realm, file;
};

/* The asking of one user; kept for the request, since it may be asked in another place again. */
struct attempt {
    struct op op;
    struct thread_job job;
    struct request *request;
    struct str path, user, password;
    enum htpasswd_result result;
    int error;
    bool asked;
};

static const char key;

/* --- configuration ---------------------------------------------------------------------------- */

/* Relative to the configuration file, unless it begins with a variable. */
static bool parse_file(struct conf *cf, void *field, const void *arg)
{
    struct str path = conf_arg(cf, 1);
    (void)arg;
    if (!str_starts(path, STR("$")))
        path = conf_full_conf_path(cf, path);
    return template_compile(cf, field, path, 1);
}
static const struct conf_type type_file = { "path", sizeof(struct template), false, parse_file,
                                            false };

static const struct directive rows[] = {
    { "auth_basic", IN_HSL | IN_LIMIT_EXCEPT, 1, 1, &conf_type_template, FIELD(auth_conf, realm),
      INHERIT, "off", NULL, NULL, "realm that clients have to give a password for", NULL },
    { "auth_basic_user_file", IN_HSL | IN_LIMIT_EXCEPT, 1, 1, &type_file, FIELD(auth_conf, file),
      INHERIT, NULL, NULL, NULL, "file of names and hashes of passwords", NULL },
};
static struct section section = {
    .name = "auth_basic", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct auth_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct auth_conf *conf = conf_of(block, section);
    return conf && conf->file.source.at
        && !(conf->realm.constant && str_eq(conf->realm.text, STR("off")));
}

/* --- in a thread ------------------------------------------------------------------------------ */

static void work(struct thread_job *job)
{
    struct attempt *a = container_of(job, struct attempt, job);
    a->result = htpasswd_ask(a->path.at, a->user, a->password);
    a->error = errno;
}

static void worked(struct task *task)
{
    struct attempt *a = container_of(task, struct attempt, job.task);
    request_op_done(a->request, &a->op);
}

static bool cancel(struct op *op)
{
    (void)op;
    return false;                       /* the thread still works with it */
}

static enum step ask(struct request *r, struct attempt *a)
{
    const struct auth_conf *conf = request_conf(r, section);
    if (!template_eval(&conf->file, &r->subject, &a->path))
        return request_fail(r, 500);
    a->path = pool_str(r->subject.pool, a->path);
    a->request = r;
    a->job.work = work;
    a->job.task.run = worked;
    struct threads *threads = worker_pool(r->subject.conn->worker, STR("default"));
    if (!threads || !threads_run(threads, &a->job)) {
        log_write(&r->log, LOG_CRIT, 0, "no thread can look for a password");
        return request_fail(r, 500);
    }
    a->asked = true;
    request_op_start(r, &a->op, "looking for a password", true, cancel);
    return STEP_WAIT;
}

/* --- the answer ------------------------------------------------------------------------------- */

static enum step challenge(struct request *r, struct str realm)
{
    fields_set(&r->out.fields, r->subject.pool, STR("WWW-Authenticate"),
               fmt_pool(r->subject.pool, "Basic realm=\"%.*s\"", STR_FMT(realm)));
    return request_fail(r, 401);
}

static enum step no_file(struct request *r, const struct attempt *a)
{
    const bool missing = a->error == ENOENT;
    log_write(&r->log, missing ? LOG_ERROR : LOG_CRIT, a->error, "open() \"%.*s\" failed",
              STR_FMT(a->path));
    return request_fail(r, missing ? 403 : 500);
}

static enum step answer(struct request *r, const struct attempt *a, struct str realm)
{
    switch (a->result) {
    case HTPASSWD_MATCHES:
        return STEP_ALLOW;
    case HTPASSWD_DIFFERS:
        log_write(&r->log, LOG_ERROR, 0, "user \"%.*s\": password mismatch", STR_FMT(a->user));
        return challenge(r, realm);
    case HTPASSWD_NO_USER:
        log_write(&r->log, LOG_ERROR, 0, "user \"%.*s\" was not found in \"%.*s\"",
                  STR_FMT(a->user), STR_FMT(a->path));
        return challenge(r, realm);
    case HTPASSWD_NO_FILE:
        return no_file(r, a);
    case HTPASSWD_NO_TEXT:
        log_write(&r->log, LOG_CRIT, a->error, "pread() \"%.*s\" failed", STR_FMT(a->path));
        break;
    case HTPASSWD_NO_DIGEST:
        log_write(&r->log, LOG_CRIT, 0, "the password of user \"%.*s\" could not be hashed",
                  STR_FMT(a->user));
        break;
    }
    return request_fail(r, 500);
}

static enum step run(struct request *r)
{
    const struct auth_conf *conf = request_conf(r, section);
    struct attempt *a = request_note(r, &key, sizeof(*a));
    struct str realm;
    if (!template_eval(&conf->realm, &r->subject, &realm))
        return request_fail(r, 500);
    if (str_eq(realm, STR("off")))
        return STEP_NEXT;
    if (a->asked) {
        a->asked = false;
        return answer(r, a, realm);
    }
    if (htpasswd_credentials(fields_value(&r->in.fields, FIELD_AUTHORIZATION), r->subject.pool,
                             &a->user, &a->password))
        return ask(r, a);
    log_write(&r->log, LOG_INFO, 0, "no user/password was provided for basic authentication");
    return challenge(r, realm);
}

static const struct phase_step steps[] = { { PHASE_ACCESS, "auth_basic", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_auth_basic_module = {
    .module = { .name = "ngx_http_auth_basic_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
