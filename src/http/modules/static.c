/*
 * Files.  Owns the descriptor between open() and the response, which takes it over.
 */
#include "core/escape.h"
#include "http/core_conf.h"
#include "http/path.h"
#include "http/response.h"

#include <fcntl.h>
#include <sys/stat.h>

static enum step fail(struct request *r, unsigned status)
{
    r->out.status = status;
    return STEP_FAIL;
}

static enum step cannot_open(struct request *r, struct str file)
{
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
    log_write(&r->log, missing || error == EACCES ? LOG_ERROR : LOG_CRIT, error,
              "open() \"%.*s\" failed", STR_FMT(file));
    return fail(r, missing ? 404 : error == EACCES ? 403 : 500);
}

/* A folder without its slash: the client is told where it is. */
static enum step to_folder(struct request *r)
{
    struct fmt f;
    fmt_init_pool(&f, &r->pool, 128, 65536);
    escape_uri(&f, r->in.path, ESCAPE_URI);
    fmt_char(&f, '/');
    if (r->in.args.len) {
        fmt_char(&f, '?');
        fmt_str(&f, r->in.args);
    }
    return response_redirect(r, 301, fmt_done(&f));
}

static enum step run(struct request *r)
{
    struct stat st;
    if (r->in.method == METHOD_OTHER)
        return fail(r, 405);
    const struct str file = path_of(r, r->in.path);
    if (file.len == 0)
        return fail(r, 414);
    if (r->in.path.at[r->in.path.len - 1] == '/') {
        if (stat(file.at, &st) < 0)
            return cannot_open(r, file);
        log_write(&r->log, LOG_ERROR, 0, "directory index of \"%.*s\" is forbidden", STR_FMT(file));
        return fail(r, 403);
    }
    const int fd = open(file.at, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return cannot_open(r, file);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return S_ISDIR(st.st_mode) ? to_folder(r) : fail(r, 404);
    }
    return response_file(r, fd, r->in.path, st.st_size, st.st_mtime);
}

static const struct phase_step steps[] = { { PHASE_CONTENT, "static", run, NULL },
                                           { 0, NULL, NULL, NULL } };

const struct http_module http_static_module = {
    .module = { .name = "ngx_http_static_module", .protocol = "http" }, .steps = steps,
};
