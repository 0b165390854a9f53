/*
 * From a request's path to a file's.  Builds into the request's pool.
 */
#include "http/path.h"

#include "core/generation.h"
#include "http/core_conf.h"

enum { PATH_MOST = 4096 };

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

struct str path_of(struct request *r, struct str path)
{
    const size_t alias = http_location_conf(r)->alias;
    const struct str root = path_root(r);
    struct str rest = STR("");
    struct fmt f;
    if (!root.at)
        return STR_NONE;
    if (alias != ALIAS_ALL)
        (void)!str_from_off(path, size_min(alias, path.len), &rest);
    r->out.status = 414;
    fmt_init_pool(&f, r->subject.pool, root.len + rest.len + 1, PATH_MOST);
    fmt_str(&f, root);
    fmt_str(&f, rest);
    return fmt_done(&f);
}
