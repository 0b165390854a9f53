/*
 * ngx_http_autoindex_module: the listing of a folder.  It is read in slices once the head has left,
 * and written in blocks that live until they are sent.  The descriptor goes with the request.
 */
#include "core/date.h"
#include "http/core_conf.h"
#include "http/listing.h"
#include "http/path.h"
#include "http/response.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { SLICE = 256, BLOCK = 16 << 10, TITLE_MOST = 64 << 10 };

struct autoindex_conf {
    struct conf_set set;
    bool on, local, exact;
    unsigned format;
};

static const struct conf_name format_names[] = {
    { "html", LISTING_HTML }, { "json", LISTING_JSON }, { "jsonp", LISTING_JSONP },
    { "xml", LISTING_XML }, { NULL, 0 }
};

#define ROW(name, type, member, def, arg, help) \
    { name, IN_HSL, 1, 1, type, FIELD(autoindex_conf, member), INHERIT, def, arg, NULL, help, NULL }

static const struct directive rows[] = {
    ROW("autoindex", &conf_type_flag, on, "off", NULL, "lists folders without an index"),
    ROW("autoindex_localtime", &conf_type_flag, local, "off", NULL, "times in HTML are local"),
    ROW("autoindex_exact_size", &conf_type_flag, exact, "on", NULL, "sizes in HTML are in bytes"),
    ROW("autoindex_format", &conf_type_enum, format, "html", format_names, "of listings"),
};

static struct section section = {
    .name = "autoindex", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct autoindex_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct autoindex_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

struct folder {
    struct source source;
    struct request *request;
    struct listing_style style;
    struct listing_heap heap;
    struct str path;
    DIR *dir;                           /* NULL: all of it was read */
    bool local, begun, any;
};

struct block {
    struct buf data, mark;
    char text[BLOCK];
};

/* --- reading ---------------------------------------------------------------------------------- */

/* A link that leads nowhere is shown as what it is. */
static bool look(const struct folder *d, const char *name, struct stat *st)
{
    struct request *r = d->request;
    const int at = dirfd(d->dir);
    if (fstatat(at, name, st, 0) == 0)
        return true;
    if ((errno == ENOENT || errno == ELOOP) && fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (errno != ENOENT)
        log_write(&r->log, LOG_CRIT, errno, "stat() \"%.*s/%s\" failed", STR_FMT(d->path), name);
    return false;
}

static bool add(struct folder *d, const char *name)
{
    struct pool *pool = d->request->subject.pool;
    struct stat st;
    if (name[0] == '.' || strlen(name) > LISTING_NAME_MOST || !look(d, name, &st))
        return true;
    struct listing_entry *entry = pool_new(pool, struct listing_entry);
    entry->name = pool_str(pool, str_from(name));
    entry->kind = S_ISDIR(st.st_mode) ? LISTING_FOLDER
                  : S_ISREG(st.st_mode) ? LISTING_FILE : LISTING_OTHER;
    entry->time = st.st_mtime;
    entry->offset = d->local ? date_local_offset(st.st_mtime) : 0;
    entry->size = st.st_size;
    return listing_push(&d->heap, entry);
}

static void give_up(struct folder *d, int error, const char *what)
{
    struct request *r = d->request;
    log_write(&r->log, LOG_CRIT, error, "%s \"%.*s\" failed", what, STR_FMT(d->path));
    request_abort(r);
}

static void read_slice(struct folder *d)
{
    for (unsigned i = 0; i < SLICE; i++) {
        errno = 0;
        const struct dirent *entry = readdir(d->dir);
        if (!entry && errno) {
            give_up(d, errno, "readdir()");
            return;
        }
        if (!entry) {
            closedir(d->dir);
            d->dir = NULL;
            break;
        }
        if (!add(d, entry->d_name)) {
            give_up(d, ENOMEM, "readdir()");
            return;
        }
    }
    request_wake(d->request);
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool is_utf8(struct str charset)
{
    return str_eq_ci(charset, STR("utf-8"));
}

static void begin(struct folder *d, struct chain *data)
{
    struct request *r = d->request;
    struct fmt f;
    d->begun = true;
    d->style.utf8 = is_utf8(r->out.charset);
    fmt_init_pool(&f, r->subject.pool, 256 + 2 * d->style.path.len, TITLE_MOST);
    listing_begin(&f, &d->style);
    chain_add(data, r->subject.pool, fmt_done(&f));
}

static enum flow write_block(struct folder *d, struct sink *sink)
{
    struct block *block = malloc(sizeof(*block));
    struct chain data;
    struct fmt f;
    if (!block) {
        give_up(d, ENOMEM, "listing");
        return FLOW_FULL;
    }
    chain_init(&data);
    if (!d->begun)
        begin(d, &data);
    fmt_init(&f, block->text, sizeof(block->text));
    while (d->heap.count && f.room - f.len > LISTING_ENTRY_MOST) {
        listing_add(&f, &d->style, listing_pop(&d->heap), !d->any);
        d->any = true;
    }
    const bool last = d->heap.count == 0;
    if (last)
        listing_end(&f, &d->style, !d->any);
    const struct str text = fmt_done(&f);
    ASSERT(!f.failed);
    block->data = (struct buf){ .kind = BUF_MEMORY, .at = text.at, .len = text.len, .fd = -1 };
    chain_append(&data, &block->data);
    chain_add_free(&data, &block->mark, block);
    const enum flow flow = sink->write(sink, &data, last ? LAST : MORE);
    return last ? FLOW_FULL : flow;
}

/* One slice or one block a turn. */
static void pull(struct source *source, struct sink *sink)
{
    struct folder *d = container_of(source, struct folder, source);
    if (d->dir)
        read_slice(d);
    else if (write_block(d, sink) == FLOW_OK)
        request_wake(d->request);
}

static void cancel(struct source *source)
{
    (void)source;
}

static void folder_free(void *data)
{
    struct folder *d = data;
    if (d->dir)
        closedir(d->dir);
    listing_free(&d->heap);
}

/* --- the step --------------------------------------------------------------------------------- */

/* The function that JSONP calls; without one it is JSON.  False: it is no name. */
static bool find_callback(struct request *r, struct listing_style *style)
{
    struct str rest = r->in.args, pair, name;
    if (style->format != LISTING_JSONP)
        return true;
    style->format = LISTING_JSON;
    while (rest.len) {
        str_cut(rest, '&', &pair, &rest);
        str_cut(pair, '=', &name, &style->callback);
        if (!str_eq_ci(name, STR("callback")) || style->callback.len == 0)
            continue;
        if (!listing_is_callback(style->callback)) {
            log_write(&r->log, LOG_INFO, 0, "client sent invalid callback name: \"%.*s\"",
                      STR_FMT(style->callback));
            return false;
        }
        style->format = LISTING_JSONP;
        return true;
    }
    return true;
}

static struct str type_of(enum listing_format format)
{
    switch (format) {
    case LISTING_HTML:
        break;
    case LISTING_JSON:
        return STR("application/json");
    case LISTING_JSONP:
        return STR("application/javascript");
    case LISTING_XML:
        return STR("text/xml");
    }
    return STR("text/html");
}

static enum step run(struct request *r)
{
    const struct autoindex_conf *conf = request_conf(r, section);
    struct pool *pool = r->subject.pool;
    struct listing_style style = { .format = conf->format, .exact = conf->exact,
                                   .path = r->in.path };
    struct str path;
    if (r->in.path.len == 0 || r->in.path.at[r->in.path.len - 1] != '/'
        || !(r->in.method & (METHOD_GET | METHOD_HEAD)))
        return STEP_NEXT;
    if (!find_callback(r, &style))
        return request_fail(r, 400);
    DIR *dir = path_open_folder(r, &path);
    if (!dir)
        return STEP_FAIL;
    struct folder *d = pool_new(pool, struct folder);
    *d = (struct folder){ .source = { pull, cancel, NULL }, .request = r, .style = style,
                          .path = path, .dir = dir, .local = conf->local };
    pool_on_free(pool, folder_free, d);
    r->out.status = 200;
    r->out.content_type = type_of(style.format);
    if (style.format == LISTING_XML)
        r->out.charset = STR("utf-8");
    return response_source(r, &d->source);
}

static const struct phase_step steps[] = { { PHASE_CONTENT, "autoindex", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_autoindex_module = {
    .module = { .name = "ngx_http_autoindex_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
