/*
 * try_files: the first of several files that is there, or else a path, a named location, a status.
 * Owns nothing.
 */
#include "core/number.h"
#include "http/core_conf.h"
#include "http/file.h"
#include "http/path.h"
#include "http/trace.h"

struct try {
    struct template text;
    bool folder;                        /* ends in "/": a folder is looked for */
};

struct try_conf {
    struct conf_set set;
    struct try *tries;
    unsigned count;                     /* with the last, which is not looked for */
    unsigned status;                    /* of the last: "=404"; 0: it is a path */
};

static bool parse(struct conf *cf, void *field, const void *arg)
{
    struct try_conf *conf = container_of((struct try **)field, struct try_conf, tries);
    const unsigned n = conf_nargs(cf);
    struct str code;
    uint32_t status;
    (void)arg;
    conf->tries = pool_array(cf->pool, n, sizeof(*conf->tries));
    conf->count = n;
    for (unsigned i = 1; i <= n; i++) {
        struct try *try = &conf->tries[i - 1];
        struct str text = conf_arg(cf, i);
        if (i < n && text.len > 1 && text.at[text.len - 1] == '/') {
            try->folder = true;
            text.len--;
        }
        if (!template_compile(cf, &try->text, text, i))
            return false;
    }
    const struct str last = conf_arg(cf, n);
    if (last.len == 0 || last.at[0] != '=' || !str_from_off(last, 1, &code))
        return true;
    if (!number_u32(code, &status) || status > 999)
        return conf_error(cf, n, "invalid-value", "invalid code \"%.*s\"", STR_FMT(last));
    conf->status = status;
    return true;
}
static const struct conf_type type = { "file ... uri | =code", sizeof(struct try *), false, parse,
                                       false };

static const struct directive rows[] = {
    { "try_files", IN_SERVER | IN_LOCATION, 2, CONF_MANY, &type, FIELD(try_conf, tries), OWN, NULL,
      NULL, NULL, "the first file that is there", "ngx_http_core_module" },
};
static struct section section = {
    .name = "try_files", .where = IN_HSL, .size = sizeof(struct try_conf), .rows = rows,
    .nrows = countof(rows), .per_block = true,
};

static bool enabled(const struct conf_block *block)
{
    const struct try_conf *conf = (block->scope & IN_HSL) ? conf_of(block, section) : NULL;
    return conf && conf->count > 0;
}

static enum step last(struct request *r, const struct try_conf *conf)
{
    struct str to, args;
    http_tell(r, TRACE_FILE, conf->tries[conf->count - 1].text.source,
              "is taken: no file of try_files is there");
    if (conf->status)
        return request_fail(r, conf->status);
    if (!template_eval(&conf->tries[conf->count - 1].text, &r->subject, &to))
        return request_fail(r, 500);
    if (to.len && to.at[0] == '@')
        return request_redirect_named(r, to);
    str_cut(to, '?', &to, &args);
    return request_redirect(r, to, args);
}

/* As a path of the request: below an alias a fixed name does not repeat the location's, and one
 * with variables, such as $uri, mostly does. */
static struct str as_path(struct request *r, const struct template *text, struct str name)
{
    const size_t alias = http_location_conf(r)->alias;
    const struct str skipped = str_of(r->in.path.at, path_skip(r));
    if (alias == 0 || alias == ALIAS_ALL || (!text->constant && str_starts(name, skipped)))
        return name;
    return fmt_pool(r->subject.pool, "%.*s%.*s", STR_FMT(skipped), STR_FMT(name));
}

static enum step run(struct request *r)
{
    const struct try_conf *conf = request_conf(r, section);
    for (unsigned i = 0; i + 1 < conf->count; i++) {
        struct str name;
        if (!template_eval(&conf->tries[i].text, &r->subject, &name))
            return request_fail(r, 500);
        r->below_alias = name.len > 0;
        const struct str path = as_path(r, &conf->tries[i].text, name);
        const struct str at = path_of(r, path);
        if (at.len == 0)
            return STEP_FAIL;
        const struct file *file = http_file_open(r, at);
        if (!file)
            return request_fail(r, 500);
        if (file->error == EACCES)
            return http_file_failed(r, file, at);
        const bool fits = !file->error && (bool)S_ISDIR(file->st.st_mode) == conf->tries[i].folder;
        http_tell(r, TRACE_FILE, at, fits ? "is there" : !file->error ? "is of another kind"
                                                                      : "is not there");
        if (!fits)
            continue;
        if (path.len)                   /* a folder's without "/" is redirected later */
            r->in.path = path;
        return STEP_NEXT;
    }
    r->below_alias = false;
    return last(r, conf);
}

static const struct phase_step steps[] = { { PHASE_PRECONTENT, "try_files", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_try_files_module = {
    .module = { .name = "ngx_http_try_files_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
