/*
 * Temporary files.  Owns nothing: descriptors and names are the caller's.
 */
#include "core/temp_file.h"

#include "core/core_conf.h"
#include "core/generation.h"
#include "core/number.h"
#include "os/unix/clock.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { TRIES = 1000, NAME_MOST = 1000000000 };

static bool parse(struct conf *cf, void *field, const void *arg)
{
    struct temp_path *temp = field;
    struct temp_folder *folder = pool_new(cf->pool, struct temp_folder);
    (void)arg;
    temp->path = conf_full_path(cf, conf_arg(cf, 1));
    for (unsigned i = 2; i <= conf_nargs(cf); i++) {
        uint32_t digits;
        if (!number_u32(conf_arg(cf, i), &digits) || digits < 1 || digits > 3)
            return conf_error(cf, i, "invalid-value", "invalid value \"%.*s\"",
                              STR_FMT(conf_arg(cf, i)));
        temp->levels[i - 2] = digits;
    }
    folder->path = temp->path;
    folder->next = cf->gen->temp_folders;
    cf->gen->temp_folders = folder;
    return true;
}
const struct conf_type conf_type_temp_path = { "path [level1 [level2 [level3]]]",
                                               sizeof(struct temp_path), false, parse, false };

bool temp_folders_make(struct conf *cf)
{
    const struct core_user *user = &cf->gen->core->user;
    for (const struct temp_folder *f = cf->gen->temp_folders; f && !cf->testing; f = f->next) {
        if (mkdir(f->path.at, 0700) < 0) {
            if (errno == EEXIST)
                continue;
            diag_add(cf->diag, DIAG_EMERG, "temp-folder", (struct diag_place){ 0 },
                     "mkdir() \"%s\" failed (%d: %s)", f->path.at, errno, strerror(errno));
            return false;
        }
        if (geteuid() == 0 && chown(f->path.at, user->uid, (gid_t)-1) < 0)
            diag_add(cf->diag, DIAG_WARN, "temp-folder", (struct diag_place){ 0 },
                     "chown() \"%s\" failed (%d: %s)", f->path.at, errno, strerror(errno));
    }
    return true;
}

/* The last digits of the number name the folders, from the end. */
static void build_name(struct fmt *f, const struct temp_path *temp, uint32_t number, bool make)
{
    char digits[16];
    struct fmt text;
    fmt_init(&text, digits, sizeof(digits));
    fmt_u64_width(&text, number, 10);
    size_t end = fmt_done(&text).len;
    fmt_str(f, temp->path);
    for (unsigned i = 0; i < TEMP_LEVELS && temp->levels[i]; i++) {
        end -= temp->levels[i];
        fmt_char(f, '/');
        fmt_str(f, str_of(digits + end, temp->levels[i]));
        if (make)
            mkdir(fmt_done(f).at, 0700);
    }
    fmt_print(f, "/%s", digits);
}

static int open_named(const struct temp_path *temp, struct pool *pool, struct str *name)
{
    uint32_t number = (uint32_t)(clock_usec() % NAME_MOST);
    for (int i = 0; i < TRIES; i++, number++) {
        struct fmt f;
        fmt_init_pool(&f, pool, temp->path.len + 32, 4096);
        build_name(&f, temp, number % NAME_MOST, i > 0);
        *name = fmt_done(&f);
        const int fd = open(name->at, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || (errno != EEXIST && (errno != ENOENT || i > 0)))
            return fd;
    }
    return -1;
}

int temp_file_open(const struct temp_path *temp, bool named, struct pool *pool, struct str *name)
{
    if (named)
        return open_named(temp, pool, name);
    const int fd = open(temp->path.at, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    struct str at;
    const int named_fd = open_named(temp, pool, &at);
    if (named_fd >= 0)
        unlink(at.at);
    return named_fd;
}
