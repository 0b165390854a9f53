/*
 * Parts of files behind a head.  What is sent lies in the request's pool.
 */
#include "http/file_part.h"

#include "http/path.h"
#include "http/response.h"

struct part_source {
    struct source source;
    struct request *request;
    struct str head, rest;              /* rest: of the head, still to be sent */
    struct source *file;
    int64_t from, to;
};

static void pull(struct source *source, struct sink *sink)
{
    struct part_source *s = container_of(source, struct part_source, source);
    struct chain data;
    if (s->rest.len) {
        chain_init(&data);
        chain_add(&data, s->request->subject.pool, s->rest);
        s->rest = STR_NONE;
        if (sink->write(sink, &data, MORE) == FLOW_FULL)
            return;
    }
    s->file->pull(s->file, sink);
}

static void cancel(struct source *source)
{
    struct part_source *s = container_of(source, struct part_source, source);
    s->file->cancel(s->file);
}

static void slice(struct source *source, int64_t from, int64_t to)
{
    struct part_source *s = container_of(source, struct part_source, source);
    const int64_t head = (int64_t)s->head.len;
    const int64_t first = from < head ? from : head, last = to < head ? to : head;
    ASSERT(from <= to && str_sub(s->head, (size_t)first, (size_t)(last - first), &s->rest));
    s->file->slice(s->file, s->from + from - first, s->from + to - last);
}

enum step file_part_open(struct request *r, struct file **file)
{
    *file = NULL;
    if (!(r->in.method & (METHOD_GET | METHOD_HEAD)))
        return request_fail(r, 405);
    if (r->in.path.len == 0 || r->in.path.at[r->in.path.len - 1] == '/')
        return STEP_NEXT;
    const struct str path = path_of(r, r->in.path);
    if (path.len == 0)
        return STEP_FAIL;
    *file = http_file_open(r, path);
    if (!*file)
        return request_fail(r, 500);
    if ((*file)->error)
        return http_file_failed(r, *file, path);
    if (S_ISDIR((*file)->st.st_mode))
        return response_add_slash(r);
    if (S_ISREG((*file)->st.st_mode))
        return STEP_NEXT;
    log_write(&r->log, LOG_CRIT, 0, "\"%.*s\" is not a regular file", STR_FMT(path));
    return request_fail(r, 404);
}

enum step file_part_response(struct request *r, struct file *file, struct str head, int64_t from,
                             int64_t to)
{
    const enum step step = response_file(r, file, r->in.path);
    struct part_source *s = pool_new(r->subject.pool, struct part_source);
    s->source = (struct source){ pull, cancel, slice };
    s->request = r;
    s->head = head;
    s->file = r->source;
    s->from = from;
    s->to = to;
    r->source = &s->source;
    r->out.length = (int64_t)head.len + to - from;
    slice(&s->source, 0, r->out.length);
    if (r->out.etag.len)
        r->out.etag = fmt_pool(r->subject.pool, "\"%llx-%llx\"",
                               (unsigned long long)file->st.st_mtim.tv_sec,
                               (unsigned long long)r->out.length);
    return step;
}

struct str file_part_arg(const struct request *r, struct str name)
{
    struct str rest = r->in.args, pair, key, value;
    while (rest.len) {
        str_cut(rest, '&', &pair, &rest);
        if (str_cut(pair, '=', &key, &value) && str_eq_ci(key, name))
            return value;
    }
    return STR_NONE;
}
