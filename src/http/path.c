/*
 * From a request's path to a file's.  Builds into the request's pool.
 */
#include "http/path.h"

#include "http/core_conf.h"

struct str path_of(struct request *r, struct str path)
{
    const struct str root = http_location_conf(r)->root;
    struct fmt f;
    fmt_init_pool(&f, &r->pool, root.len + path.len + 1, PATH_MAX);
    fmt_str(&f, root);
    fmt_str(&f, path);
    return fmt_done(&f);
}
