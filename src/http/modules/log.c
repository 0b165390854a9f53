/*
 * ngx_http_log_module: the access log, one line a request.
 * Owns nothing: log files are handles.
 */
#include "core/escape.h"
#include "core/generation.h"
#include "core/log_conf.h"
#include "http/core_conf.h"

#include "config.h"

struct log_format {
    struct log_format *next;
    struct str name;
    struct template text;
    template_escape_fn *escape;
    struct str missing;
};

struct access_log {
    struct access_log *next;
    const struct log_format *format;
    unsigned slot;                      /* of the file; syslog when that is set */
    struct log_syslog *syslog;
};

struct formats_conf {
    struct conf_set set;
    struct log_format *formats;
};

struct access_conf {
    struct conf_set set;
    struct access_log *logs;
    bool off;
};

enum { LINE_MOST = 64 << 10 };

static struct section formats_section, section;

static void escape_nothing(struct fmt *f, struct str text)
{
    fmt_str(f, text);
}

/* --- log_format ------------------------------------------------------------------------------- */

static bool parse_format(struct conf *cf, void *field, const void *arg)
{
    struct log_format **list = field, *format = pool_new(cf->pool, struct log_format);
    struct fmt f;
    unsigned i = 2;
    (void)arg;
    format->name = pool_str(cf->pool, conf_arg(cf, 1));
    format->escape = escape_log;
    format->missing = STR("-");
    for (const struct log_format *other = *list; other; other = other->next)
        if (str_eq(other->name, format->name))
            return conf_error(cf, 1, "duplicate", "duplicate \"log_format\" name \"%.*s\"",
                              STR_FMT(format->name));
    if (str_starts(conf_arg(cf, 2), STR("escape="))) {
        const struct str how = conf_arg(cf, i++);
        format->missing = STR("");
        if (str_eq(how, STR("escape=json")))
            format->escape = escape_json;
        else if (str_eq(how, STR("escape=none")))
            format->escape = escape_nothing;
        else if (str_eq(how, STR("escape=default")))
            format->missing = STR("-");
        else
            return conf_error(cf, 2, "invalid-value", "unknown log format escaping \"%.*s\"",
                              STR_FMT(how));
    }
    fmt_init_pool(&f, cf->temp, 256, 1 << 20);
    for (; i <= conf_nargs(cf); i++)
        fmt_str(&f, conf_arg(cf, i));
    format->next = *list;
    *list = format;
    return template_compile(cf, &format->text, fmt_done(&f), 2);
}
static const struct conf_type type_format = { "name [escape=...] string ...",
                                              sizeof(struct log_format *), true, parse_format,
                                              false };

static bool add_combined(struct conf *cf, struct formats_conf *conf)
{
    static const char source[] = "$remote_addr - $remote_user [$time_local] \"$request\" $status "
                               "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
    struct log_format *format = pool_new(cf->pool, struct log_format);
    format->name = STR("combined");
    format->escape = escape_log;
    format->missing = STR("-");
    format->next = conf->formats;
    conf->formats = format;
    return template_compile(cf, &format->text, str_from(source), 0);
}

/* The http block's own structure, wherever in it the statement at hand stands. */
static struct formats_conf *formats_of(struct conf *cf)
{
    const struct conf_block *block = cf->block;
    while (block->scope != IN_HTTP)
        block = block->parent;
    return conf_of(block, formats_section);
}

/* --- access_log ------------------------------------------------------------------------------- */

static bool find_format(struct conf *cf, struct access_log *log, struct str name, unsigned arg)
{
    const struct formats_conf *formats = formats_of(cf);
    const struct log_format *f = formats ? formats->formats : NULL;
    while (f && !str_eq(f->name, name))
        f = f->next;
    log->format = f;
    if (f || str_eq(name, STR("combined")))     /* which finish() adds */
        return true;
    return conf_error(cf, arg, "unknown-format", "unknown log format \"%.*s\"", STR_FMT(name));
}

static bool parse_log(struct conf *cf, void *field, const void *arg)
{
    struct access_log **end = field;
    struct access_conf *conf = container_of(end, struct access_conf, logs);
    const struct str where = conf_arg(cf, 1);
    const unsigned n = conf_nargs(cf);
    (void)arg;
    if (str_eq(where, STR("off"))) {
        if (n > 1)
            return conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"",
                              STR_FMT(conf_arg(cf, 2)));
        return conf->off = true;
    }
    struct access_log *log = pool_new(cf->pool, struct access_log);
    if (str_chr(where, '$') >= 0)
        return conf_error(cf, 1, "not-built",
                          "variables in the name of an access log are not built into weir yet");
    if (str_starts(where, STR("syslog:"))) {
        if (!(log->syslog = log_syslog_parse(cf, 1, where)))
            return false;
    } else {
        const int slot = log_file_handle(cf, 1, conf_full_path(cf, where));
        if (slot < 0 && !cf->testing)
            return false;
        log->slot = slot < 0 ? 0 : (unsigned)slot;
    }
    if (n > 2)
        return conf_error(cf, 3, "not-built",
                          "the \"%.*s\" parameter of \"access_log\" is not built into weir yet",
                          STR_FMT(conf_arg(cf, 3)));
    while (*end)
        end = &(*end)->next;
    *end = log;
    return find_format(cf, log, n > 1 ? conf_arg(cf, 2) : STR("combined"), 2);
}
static const struct conf_type type_log = { "path [format] | off", sizeof(struct access_log *), true,
                                           parse_log, false };

/* --- sections --------------------------------------------------------------------------------- */

static const struct directive format_rows[] = {
    { "log_format", IN_HTTP, 2, CONF_MANY, &type_format, FIELD(formats_conf, formats), OWN, NULL,
      NULL, NULL, "the text of an access log's lines", NULL },
};
static const struct directive rows[] = {
    { "access_log", IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT, 1, CONF_MANY, &type_log,
      FIELD(access_conf, logs), INHERIT, NULL, NULL, NULL, "where requests are logged", NULL },
};

static bool finish_formats(struct conf *cf, void *conf, const void *parent)
{
    (void)parent;
    return add_combined(cf, conf);
}

static const struct log_format *combined(struct conf *cf)
{
    const struct log_format *f = formats_of(cf)->formats;
    while (!str_eq(f->name, STR("combined")))
        f = f->next;
    return f;
}

static bool finish(struct conf *cf, void *conf, const void *parent)
{
    struct access_conf *access = conf;
    if (!access->logs && !access->off && parent)
        access->off = ((const struct access_conf *)parent)->off;
    if (!access->logs && !access->off && !parent) {
        struct access_log *log = pool_new(cf->pool, struct access_log);
        const int slot = log_file_handle(cf, 0, conf_full_path(cf, STR(HTTP_LOG_PATH)));
        if (slot < 0 && !cf->testing)
            return false;
        log->slot = slot < 0 ? 0 : (unsigned)slot;
        access->logs = log;
    }
    if (access->off)
        access->logs = NULL;
    for (struct access_log *log = access->logs; log; log = log->next)
        if (!log->format)
            log->format = combined(cf);
    return true;
}

static struct section formats_section = {
    .name = "log_format", .where = IN_HTTP, .size = sizeof(struct formats_conf),
    .rows = format_rows, .nrows = countof(format_rows), .finish = finish_formats, .per_block = true,
};
static struct section section = {
    .name = "access_log", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct access_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

/* --- at the end of a request ------------------------------------------------------------------ */

static void write_one(struct request *r, const struct access_log *log)
{
    struct fmt f;
    fmt_init_pool(&f, r->subject.pool, 512, LINE_MOST);
    if (!template_append(&log->format->text, &r->subject, &f, log->format->escape,
                         log->format->missing))
        return;
    if (log->syslog) {
        log_syslog_send(log->syslog, log->syslog->severity, fmt_done(&f));
        return;
    }
    fmt_char(&f, '\n');
    const struct str line = fmt_done(&f);
    if (write(handle_fd(log->slot), line.at, line.len) < 0)
        log_write(&r->log, LOG_ALERT, errno, "write() to the access log failed");
}

static void log_request(struct request *r)
{
    const struct access_conf *conf = request_conf(r, section);
    for (const struct access_log *log = conf->logs; log; log = log->next)
        write_one(r, log);
}

static struct section *const sections[] = { &formats_section, &section, NULL };

const struct http_module http_log_module = {
    .module = { .name = "ngx_http_log_module", .protocol = "http", .sections = sections },
    .log = log_request,
};
