/*
 * ngx_http_index_module: a path that ends in "/" means one of the files named by `index`.
 * Owns nothing.
 */
#include "http/core_conf.h"
#include "http/file.h"
#include "http/path.h"

struct index_name {
    struct index_name *next;
    struct template text;
};

struct index_conf {
    struct conf_set set;
    struct index_name *names;
};

static bool parse(struct conf *cf, void *field, const void *arg)
{
    struct index_name **end = field;
    (void)arg;
    while (*end)
        end = &(*end)->next;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        struct index_name *name = pool_new(cf->pool, struct index_name);
        if (conf_arg(cf, i).len == 0)
            return conf_error(cf, i, "invalid-value",
                              "index \"%.*s\" in \"index\" directive is invalid",
                              STR_FMT(conf_arg(cf, i)));
        if (conf_arg(cf, i).at[0] == '/' && i < conf_nargs(cf))
            conf_diag(cf, DIAG_WARN, i, "absolute-index",
                      "only the last index in \"index\" directive should be absolute");
        if (!template_compile(cf, &name->text, conf_arg(cf, i), i))
            return false;
        *end = name;
        end = &name->next;
    }
    return true;
}
static const struct conf_type type = { "file ...", sizeof(struct index_name *), true, parse,
                                       false };

static const struct directive rows[] = {
    { "index", IN_HSL, 1, CONF_MANY, &type, FIELD(index_conf, names), INHERIT, "index.html", NULL,
      NULL, "files that stand for a folder", NULL },
};

static struct section section = {
    .name = "index", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct index_conf), .rows = rows, .nrows = countof(rows),
};

/* Not there: perhaps since the whole folder is not. */
static enum step missing(struct request *r, const struct file *file, struct str path)
{
    const ssize_t slash = str_rchr(path, '/');
    if (file->error != ENOENT)
        return http_file_failed(r, file, path);
    if (slash <= 0)
        return STEP_NEXT;
    const struct str name = pool_str(r->subject.pool, str_of(path.at, (size_t)slash));
    const struct file *folder = http_file_open(r, name);
    if (!folder)
        return request_fail(r, 500);
    const bool denied = folder->error == EACCES;
    struct stat st;
    if (!folder->error || (denied && stat(name.at, &st) == 0))      /* it need not be readable */
        return STEP_NEXT;
    log_write(&r->log, LOG_ERROR, folder->error, "\"%.*s\" is %s", STR_FMT(path),
              denied ? "forbidden" : "not found");
    return request_fail(r, denied ? 403 : 404);
}

/* The path becomes that of the file, in the location that the folder was found in or another. */
static enum step run(struct request *r)
{
    const struct index_conf *conf = request_conf(r, section);
    bool first = true;
    if (r->in.path.len == 0 || r->in.path.at[r->in.path.len - 1] != '/'
        || !(r->in.method & (METHOD_GET | METHOD_HEAD | METHOD_POST)))
        return STEP_NEXT;
    for (const struct index_name *name = conf->names; name; name = name->next) {
        struct str text;
        if (!template_eval(&name->text, &r->subject, &text))
            return request_fail(r, 500);
        if (text.len && text.at[0] == '/')
            return request_redirect(r, text, r->in.args);
        if (text.len == 0)
            return STEP_NEXT;
        const struct str path = fmt_pool(r->subject.pool, "%.*s%.*s", STR_FMT(r->in.path),
                                         STR_FMT(text));
        const struct str at = path_of(r, path);
        if (at.len == 0)
            return STEP_FAIL;
        const struct file *file = http_file_open(r, at);
        if (!file)
            return request_fail(r, 500);
        if (!file->error)
            return request_redirect(r, path, r->in.args);
        if (first || file->error != ENOENT) {
            const enum step step = missing(r, file, at);
            if (step != STEP_NEXT)
                return step;
        }
        first = false;
    }
    return STEP_NEXT;
}

static const struct phase_step steps[] = { { PHASE_CONTENT, "index", run, NULL },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_index_module = {
    .module = { .name = "ngx_http_index_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
