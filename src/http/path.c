/*
 * From a request's path to a file's.  Builds into the request's pool.
 */
#include "http/path.h"

#include "core/generation.h"
#include "http/core_conf.h"

struct str path_root(struct request *r)
{
    const struct http_location_conf *conf = http_location_conf(r);
    struct str root;
    if (conf->root.constant)
        return conf->root.text;
    if (!template_eval(&conf->root, &r->subject, &root)) {
        r->out.status = 500;
        return STR_NONE;
    }
    if (root.len && root.at[0] == '/')
        return root;
    return fmt_pool(r->subject.pool, "%.*s%.*s", STR_FMT(r->subject.local->generation->prefix),
                    STR_FMT(root));
}

size_t path_skip(const struct request *r)
{
    const size_t alias = http_location_conf(r)->alias;
    return alias == ALIAS_ALL ? r->in.path.len : size_min(alias, r->in.path.len);
}

/* location /img { alias /data/; }: with "/img../x" the rest would lead out of the folder. */
static bool leads_out(struct str root, struct str name, struct str rest)
{
    return name.len && str_starts(rest, STR("..")) && str_ends(root, STR("/"))
           && !str_ends(name, STR("/"));
}

struct str path_of(struct request *r, struct str path)
{
    const size_t alias = http_location_conf(r)->alias;
    const struct str root = path_root(r);
    struct str name = STR(""), rest = STR("");
    struct fmt f;
    if (!root.at)
        return STR_NONE;
    if (alias == ALIAS_ALL && r->below_alias)
        rest = path;
    if (alias != ALIAS_ALL && (!str_sub(path, 0, size_min(alias, path.len), &name)
                               || !str_from_off(path, name.len, &rest)))
        return STR_NONE;
    if (leads_out(root, name, rest)) {
        r->out.status = 404;
        return STR_NONE;
    }
    fmt_init_pool(&f, r->subject.pool, root.len + rest.len, root.len + rest.len);
    fmt_str(&f, root);
    fmt_str(&f, rest);
    if (f.failed)
        r->out.status = 500;
    return fmt_done(&f);
}

DIR *path_open_folder(struct request *r, struct str *name)
{
    *name = path_of(r, r->in.path);
    if (name->len == 0)
        return NULL;
    if (name->len > 1)
        *name = pool_str(r->subject.pool, str_of(name->at, name->len - 1));
    DIR *dir = opendir(name->at);
    if (dir)
        return dir;
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
    r->out.status = missing ? 404 : error == EACCES ? 403 : 500;
    log_write(&r->log, r->out.status == 500 ? LOG_CRIT : LOG_ERROR, error,
              "opendir() \"%.*s\" failed", STR_FMT(*name));
    return NULL;
}
