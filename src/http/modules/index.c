/*
 * ngx_http_index_module: a path that ends in "/" means one of the files named by `index`.
 * Owns nothing.
 */
#include "http/core_conf.h"
#include "http/path.h"

#include <sys/stat.h>

struct index_conf {
    struct conf_set set;
    struct conf_strs names;
};

static const struct directive rows[] = {
    { "index", IN_HSL, 1, CONF_MANY, &conf_type_str_list, FIELD(index_conf, names), INHERIT,
      "index.html", NULL, NULL, "files that stand for a folder", NULL },
};

static struct section section = {
    .name = "index", .where = IN_HSL, .size = sizeof(struct index_conf), .rows = rows,
    .nrows = countof(rows),
};

/* The path becomes that of the file, in the location that the folder was found in or another. */
static enum step run(struct request *r)
{
    const struct index_conf *conf = request_conf(r, section);
    if (r->in.path.len == 0 || r->in.path.at[r->in.path.len - 1] != '/' ||
        r->in.method == METHOD_OTHER)
        return STEP_NEXT;
    for (unsigned i = 0; i < conf->names.count; i++) {
        const struct str name = fmt_pool(&r->pool, "%.*s%.*s", STR_FMT(r->in.path),
                                         STR_FMT(conf->names.at[i]));
        const struct str file = path_of(r, name);
        struct stat st;
        if (stat(file.at, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        request_redirect(r, name);
        return STEP_WAIT;
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
