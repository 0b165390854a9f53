/*
 * Files, as they lie below the root.  Owns nothing.
 */
#include "http/core_conf.h"
#include "http/file.h"
#include "http/path.h"
#include "http/response.h"

static enum step run(struct request *r)
{
    if (!(r->in.method & (METHOD_GET | METHOD_HEAD | METHOD_POST)))
        return request_fail(r, 405);
    if (r->in.path.len && r->in.path.at[r->in.path.len - 1] == '/')
        return STEP_NEXT;
    const struct str path = path_of(r, r->in.path);
    if (path.len == 0)
        return STEP_FAIL;
    struct file *file = http_file_open(r, path);
    if (!file)
        return request_fail(r, 500);
    if (file->error)
        return http_file_failed(r, file, path);
    if (S_ISDIR(file->st.st_mode))
        return response_add_slash(r);
    if (!S_ISREG(file->st.st_mode)) {
        log_write(&r->log, LOG_CRIT, 0, "\"%.*s\" is not a regular file", STR_FMT(path));
        return request_fail(r, 404);
    }
    if (r->in.method == METHOD_POST)
        return request_fail(r, 405);
    return response_file(r, file, r->in.path);
}

static const struct phase_step steps[] = { { PHASE_CONTENT, "static", run, NULL },
                                           { 0, NULL, NULL, NULL } };

const struct http_module http_static_module = {
    .module = { .name = "ngx_http_static_module", .protocol = "http" }, .steps = steps,
};
