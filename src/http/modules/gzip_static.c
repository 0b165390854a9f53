/*
 * ngx_http_gzip_static_module: files that lie compressed beside the file itself, in any of the
 * encodings.  Owns nothing.
 *
 *     /a.html     a.html.zst, a.html.br, a.html.gz     what the client likes best of those there
 *                 "always": the file is sent though the client did not ask for it
 */
#include "http/encoding.h"
#include "http/file.h"
#include "http/path.h"
#include "http/response.h"

enum { STATIC_OFF, STATIC_ON, STATIC_ALWAYS };

struct static_conf {
    struct conf_set set;
    unsigned how[ENCODINGS];
};

static const struct conf_name modes[] = {
    { "off", STATIC_OFF }, { "on", STATIC_ON }, { "always", STATIC_ALWAYS }, { NULL, 0 }
};

#define ROW(name, id, help, module) \
    { name, IN_HSL, 1, 1, &conf_type_enum, FIELD(static_conf, how[ENCODING_##id]), INHERIT, "off", \
      modes, NULL, help, module }

static const struct directive rows[] = {
    ROW("gzip_static", GZIP, "send a .gz file instead", NULL),
    ROW("brotli_static", BR, "send a .br file instead", "weir_http_brotli_module"),
    ROW("zstd_static", ZSTD, "send a .zst file instead", "weir_http_zstd_module"),
};

static struct section section = {
    .name = "gzip_static", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct static_conf), .rows = rows, .nrows = countof(rows),
};

static unsigned set_of(const struct static_conf *conf, unsigned how)
{
    unsigned set = 0;
    for (enum encoding e = 0; e < ENCODINGS; e++)
        if (conf->how[e] >= how)
            set |= 1u << e;
    return set;
}

static bool enabled(const struct conf_block *block)
{
    const struct static_conf *conf = conf_of(block, section);
    return conf && set_of(conf, STATIC_ON);
}

/* NULL: there is no such file. */
static struct file *open_encoded(struct request *r, struct str path, enum encoding e)
{
    const struct str name = fmt_pool(r->subject.pool, "%.*s%.*s", STR_FMT(path),
                                     STR_FMT(encoding_suffix(e)));
    struct file *file = http_file_open(r, name);
    if (!file)
        return NULL;
    if (!file->error)
        return S_ISREG(file->st.st_mode) ? file : NULL;
    if (file->error != ENOENT && file->error != ENOTDIR && file->error != ENAMETOOLONG)
        log_write(&r->log, file->error == EACCES ? LOG_ERROR : LOG_CRIT, file->error,
                  "open() \"%.*s\" failed", STR_FMT(name));
    return NULL;
}

static enum step give(struct request *r, struct file *file, enum encoding e)
{
    const enum step step = response_file(r, file, r->in.path);
    r->out.ranges = false;
    encoding_vary(r);
    encoding_set(r, e);
    return step;
}

/* The next one to look for: what the client likes best, then what is sent always.  Of the others
 * only whether they are there matters: then a cache must know that there is a choice. */
static enum encoding next(struct request *r, unsigned left, unsigned asked, unsigned always,
                          bool *wanted)
{
    enum encoding e = encoding_pick(&r->in.fields, left & (asked | always));
    *wanted = true;
    if (e != ENCODING_NONE)
        return e;
    for (e = 0; e < ENCODINGS; e++)
        if (left & always & 1u << e)
            return e;
    *wanted = false;
    for (e = 0; e < ENCODINGS; e++)
        if (left & 1u << e)
            return e;
    return ENCODING_NONE;
}

static enum step run(struct request *r)
{
    const struct static_conf *conf = request_conf(r, section);
    const unsigned always = set_of(conf, STATIC_ALWAYS);
    unsigned left = set_of(conf, STATIC_ON), asked = left;
    if (!(r->in.method & (METHOD_GET | METHOD_HEAD)) || r->parent || r->in.path.len == 0
        || r->in.path.at[r->in.path.len - 1] == '/')
        return STEP_NEXT;
    const struct str path = path_of(r, r->in.path);
    if (path.len == 0)
        return STEP_FAIL;
    if (left & 1u << ENCODING_GZIP && !encoding_gzip_allowed(r))
        asked &= ~(1u << ENCODING_GZIP);
    while (left) {
        bool wanted;
        const enum encoding e = next(r, left, asked, always, &wanted);
        struct file *file = open_encoded(r, path, e);
        left &= ~(1u << e);
        if (file && wanted)
            return give(r, file, e);
        if (file)
            encoding_vary(r);
    }
    return STEP_NEXT;
}

static const struct phase_step steps[] = { { PHASE_CONTENT, "gzip_static", run, enabled },
                                           { 0, NULL, NULL, NULL } };

static struct section *const sections[] = { &section, NULL };

const struct http_module http_gzip_static_module = {
    .module = { .name = "ngx_http_gzip_static_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
