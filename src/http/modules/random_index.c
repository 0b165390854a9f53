/*
 * ngx_http_random_index_module: a path that ends in "/" means any of the files there.
 * The folder is read in slices; its descriptor goes with the request.
 */
#include "http/core_conf.h"
#include "http/path.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { SLICE = 512 };

struct random_conf {
    struct conf_set set;
    bool on;
};

static const struct directive rows[] = {
    { "random_index", IN_LOCATION, 1, 1, &conf_type_flag, FIELD(random_conf, on), INHERIT, "off",
      NULL, NULL, "a random file stands for a folder", NULL },
};

static struct section section = {
    .name = "random_index", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct random_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct random_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

/* Each of the `seen` files is `chosen` with the same chance, however many will follow. */
struct choice {
    DIR *dir;
    struct str path, name;              /* of the folder: as requested, and its file name */
    uint64_t seen;
    char chosen[NAME_MAX + 1];
};

static void close_folder(void *data)
{
    struct choice *c = data;
    if (c->dir)
        closedir(c->dir);
    c->dir = NULL;
}

static bool is_file(const struct choice *c, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_name[0] == '.' || strlen(entry->d_name) > NAME_MAX)
        return false;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_REG;
    return fstatat(dirfd(c->dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static void consider(struct choice *c, const struct dirent *entry)
{
    uint64_t random;
    struct fmt f;
    if (!is_file(c, entry))
        return;
    c->seen++;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = (uint64_t)entry->d_ino;
    if (random % c->seen)
        return;
    fmt_init(&f, c->chosen, sizeof(c->chosen));
    fmt_text(&f, entry->d_name);
    fmt_done(&f);
}

/* STEP_WAIT: there is more to read. */
static enum step read_slice(struct request *r, struct choice *c)
{
    for (unsigned i = 0; i < SLICE; i++) {
        errno = 0;
        const struct dirent *entry = readdir(c->dir);
        if (!entry && errno) {
            log_write(&r->log, LOG_CRIT, errno, "readdir() \"%.*s\" failed", STR_FMT(c->name));
            close_folder(c);
            return request_fail(r, 500);
        }
        if (!entry) {
            close_folder(c);
            return STEP_NEXT;
        }
        consider(c, entry);
    }
    request_wake(r);
    return STEP_WAIT;
}

static enum step open_folder(struct request *r, struct choice *c)
{
    c->path = r->in.path;
    c->seen = 0;
    c->dir = path_open_folder(r, &c->name);
    return c->dir ? STEP_NEXT : STEP_FAIL;
}

static enum step run(struct request *r)
{
    struct choice *c = request_note(r, &section, 0);
    enum step step = STEP_NEXT;
    if (r->in.path.len == 0 || r->in.path.at[r->in.path.len - 1] != '/'
        || !(r->in.method & (METHOD_GET | METHOD_HEAD | METHOD_POST)))
        return STEP_NEXT;
    if (!c) {
        c = request_note(r, &section, sizeof(*c));
        pool_on_free(r->subject.pool, close_folder, c);
    }
    if (!c->dir)
        step = open_folder(r, c);
    if (step == STEP_NEXT)
        step = read_slice(r, c);
    if (step != STEP_NEXT || c->seen == 0)
        return step;
    const struct str path = fmt_pool(r->subject.pool, "%.*s%s", STR_FMT(c->path), c->chosen);
    return request_redirect(r, path, r->in.args);
}

static const struct phase_step steps[] = { { PHASE_CONTENT, "random_index", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_random_index_module = {
    .module = { .name = "ngx_http_random_index_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
