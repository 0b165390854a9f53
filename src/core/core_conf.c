/*
 * The directives of the main and the events context.
 * Owns nothing: what it makes lies in the generation.
 */
#include "core/core_conf.h"

#include "config.h"
#include "core/generation.h"
#include "core/inet.h"
#include "core/log_conf.h"
#include "core/number.h"
#include "os/unix/file.h"
#include "os/unix/process.h"

#include <sys/resource.h>

enum { CONNECTIONS_MOST = 65536, POOL_THREADS = 32, POOL_QUEUE = 65536 };

/* --- types of their own ----------------------------------------------------------------------- */

static bool parse_workers(struct conf *cf, void *field, const void *arg)
{
    int64_t *count = field;
    uint32_t n;
    (void)arg;
    if (str_eq(conf_arg(cf, 1), STR("auto"))) {
        *count = 0;
        return true;
    }
    if (!number_u32(conf_arg(cf, 1), &n) || n > 1024)
        return conf_error(cf, 1, "invalid-value", "\"worker_processes\" directive invalid value");
    *count = n ? n : 1;
    return true;
}
static const struct conf_type type_workers = { "number | auto", sizeof(int64_t), false,
                                               parse_workers, false };

static bool parse_priority(struct conf *cf, void *field, const void *arg)
{
    struct str text = conf_arg(cf, 1);
    const bool minus = str_starts(text, STR("-"));
    uint32_t n;
    (void)arg;
    if (minus && !str_from_off(text, 1, &text))
        return false;
    if (!number_u32(text, &n) || n > 20)
        return conf_error(cf, 1, "invalid-value", "\"worker_priority\" directive invalid number");
    *(int64_t *)field = minus ? -(int64_t)n : (int64_t)n;
    return true;
}
static const struct conf_type type_priority = { "-20 .. 20", sizeof(int64_t), false,
                                                parse_priority, false };

static bool parse_user(struct conf *cf, void *field, const void *arg)
{
    struct core_user *user = field;
    const struct str name = conf_arg(cf, 1);
    const struct str group = conf_nargs(cf) > 1 ? conf_arg(cf, 2) : name;
    uint32_t uid, gid;
    (void)arg;
    if (!process_find_user(pool_cstr(cf->temp, name), &uid))
        return conf_error(cf, 1, "no-such-user", "getpwnam(\"%.*s\") failed", STR_FMT(name));
    if (!process_find_group(pool_cstr(cf->temp, group), &gid))
        return conf_error(cf, conf_nargs(cf) > 1 ? 2 : 1, "no-such-group",
                          "getgrnam(\"%.*s\") failed", STR_FMT(group));
    *user = (struct core_user){ pool_str(cf->pool, name), pool_str(cf->pool, group), uid, gid,
                                true };
    return true;
}
static const struct conf_type type_user = { "user [group]", sizeof(struct core_user), false,
                                            parse_user, false };

static bool parse_mask(struct conf *cf, unsigned i, uint64_t mask[16])
{
    const struct str text = conf_arg(cf, i);
    if (text.len > 1024)
        return conf_error(cf, i, "invalid-value",
                          "\"worker_cpu_affinity\" supports up to 1024 CPUs only");
    for (size_t at = 0; at < text.len; at++) {
        const size_t cpu = text.len - 1 - at;
        if (text.at[at] == '1')
            mask[cpu / 64] |= 1ull << (cpu % 64);
        else if (text.at[at] != '0')
            return conf_error(cf, i, "invalid-value",
                              "invalid character \"%c\" in \"worker_cpu_affinity\"", text.at[at]);
    }
    return true;
}

static bool parse_affinity(struct conf *cf, void *field, const void *arg)
{
    struct core_affinity *a = field;
    const unsigned n = conf_nargs(cf);
    (void)arg;
    a->automatic = str_eq(conf_arg(cf, 1), STR("auto"));
    if (a->automatic && n > 2)
        return conf_error(cf, 0, "arity",
                          "invalid number of arguments in \"worker_cpu_affinity\" directive");
    a->count = a->automatic ? n - 1 : n;
    a->masks = pool_array(cf->pool, a->count ? a->count : 1, sizeof(*a->masks));
    for (unsigned i = 0; i < a->count; i++)
        if (!parse_mask(cf, i + (a->automatic ? 2 : 1), a->masks[i]))
            return false;
    return true;
}
static const struct conf_type type_affinity = { "cpumask ... | auto [cpumask]",
                                                sizeof(struct core_affinity), false,
                                                parse_affinity, false };

static bool parse_thread_pool(struct conf *cf, void *field, const void *arg)
{
    struct core_thread_pool **list = field, *pool = pool_new(cf->pool, struct core_thread_pool);
    (void)arg;
    pool->name = pool_str(cf->pool, conf_arg(cf, 1));
    pool->max_queue = POOL_QUEUE;
    for (const struct core_thread_pool *p = *list; p; p = p->next)
        if (str_eq(p->name, pool->name))
            return conf_error(cf, 1, "duplicate", "duplicate thread pool \"%.*s\"",
                              STR_FMT(pool->name));
    for (unsigned i = 2; i <= conf_nargs(cf); i++) {
        const struct str word = conf_arg(cf, i);
        struct str name, value;
        str_cut(word, '=', &name, &value);
        if (str_eq(name, STR("threads"))) {
            if (!number_u32(value, &pool->threads) || pool->threads == 0 || pool->threads > 4096)
                return conf_error(cf, i, "invalid-value", "invalid threads value \"%.*s\"",
                                  STR_FMT(word));
        } else if (str_eq(name, STR("max_queue"))) {
            if (!number_u32(value, &pool->max_queue))
                return conf_error(cf, i, "invalid-value", "invalid max_queue value \"%.*s\"",
                                  STR_FMT(word));
        } else {
            return conf_error(cf, i, "invalid-parameter", "invalid parameter \"%.*s\"",
                              STR_FMT(word));
        }
    }
    if (pool->threads == 0)
        return conf_error(cf, 0, "missing", "\"%.*s\" must have \"threads\" parameter",
                          STR_FMT(conf_arg(cf, 0)));
    pool->next = *list;
    *list = pool;
    return true;
}
static const struct conf_type type_thread_pool = { "name threads=number [max_queue=number]",
                                                   sizeof(struct core_thread_pool *), true,
                                                   parse_thread_pool, false };

static bool parse_watchdog(struct conf *cf, void *field, const void *arg)
{
    if (str_eq(conf_arg(cf, 1), STR("off"))) {
        *(int64_t *)field = 0;
        return true;
    }
    return conf_type_msec.parse(cf, field, arg);
}
static const struct conf_type type_watchdog = { "time | off", sizeof(int64_t), false,
                                                parse_watchdog, false };

static bool parse_use(struct conf *cf, void *field, const void *arg)
{
    (void)field;
    (void)arg;
    if (str_eq(conf_arg(cf, 1), STR("epoll")))
        return true;
    struct diag *d = conf_diag(cf, DIAG_EMERG, 1, "invalid-value", "invalid event type \"%.*s\"",
                               STR_FMT(conf_arg(cf, 1)));
    diag_note(cf->diag, d, "weir knows epoll only, which it uses by itself");
    return false;
}
static const struct conf_type type_use = { "epoll", sizeof(unsigned), false, parse_use, false };

static bool parse_connections(struct conf *cf, void *field, const void *arg)
{
    uint32_t n;
    (void)arg;
    if (!number_u32(conf_arg(cf, 1), &n) || n > (1u << 24))
        return conf_error(cf, 1, "invalid-value", "invalid number \"%.*s\"",
                          STR_FMT(conf_arg(cf, 1)));
    if (n == 0)
        return conf_error(cf, 1, "invalid-value", "0 worker_connections are not enough");
    *(unsigned *)field = n;
    return true;
}
static const struct conf_type type_connections = { "number", sizeof(unsigned), false,
                                                   parse_connections, false };

/* What weir has built in is a notice, so that a distribution's modules-enabled/ runs. */
static bool parse_load_module(struct conf *cf, void *field, const void *arg)
{
    const struct str path = conf_arg(cf, 1);
    const struct module *const *m = conf_modules();
    struct str name = path;
    const ssize_t slash = str_rchr(path, '/');
    (void)field;
    (void)arg;
    if (slash >= 0 && !str_from_off(path, (size_t)slash + 1, &name))
        return false;
    if (str_ends(name, STR(".so")))
        name.len -= 3;
    for (; *m; m++) {
        if (!str_eq(str_from((*m)->name), name))
            continue;
        conf_diag(cf, DIAG_NOTICE, 1, "built-in", "module \"%.*s\" is built in", STR_FMT(name));
        return true;
    }
    struct diag *d = conf_diag(cf, DIAG_EMERG, 1, "not-built",
                               "module \"%.*s\" cannot be loaded", STR_FMT(path));
    diag_note(cf->diag, d, "weir has no loadable modules; what it has is built in");
    return false;
}
static const struct conf_type type_load_module = { "file", 0, true, parse_load_module, false };

/* --- rows ------------------------------------------------------------------------------------- */

static const struct conf_name debug_points[] = { { "stop", CORE_DEBUG_STOP },
                                                 { "abort", CORE_DEBUG_ABORT },
                                                 { NULL, 0 } };

static bool open_events(struct conf *cf, struct conf_block *block)
{
    (void)cf;
    (void)block;
    return true;
}
static const struct conf_block_kind events_kind = { IN_EVENTS, open_events, NULL };

#define MAIN_ROW(name, min, max, type, member, def, arg, inert, help) \
    { name, IN_MAIN, min, max, type, FIELD(core_conf, member), OWN, def, arg, inert, help, NULL }

static const struct directive main_rows[] = {
    MAIN_ROW("daemon", 1, 1, &conf_type_flag, daemon, "on", NULL, NULL,
             "whether the server goes into the background"),
    MAIN_ROW("master_process", 1, 1, &conf_type_flag, master_process, "on", NULL, NULL,
             "off: one process serves, for development"),
    MAIN_ROW("pcre_jit", 1, 1, &conf_type_flag, pcre_jit, "on", NULL, NULL,
             "whether regular expressions are compiled to machine code"),
    MAIN_ROW("worker_processes", 1, 1, &type_workers, worker_processes, "1", NULL, NULL,
             "number of workers; auto: one for each CPU that may be used"),
    MAIN_ROW("worker_priority", 1, 1, &type_priority, worker_priority, "0", NULL, NULL,
             "nice value of the workers"),
    MAIN_ROW("worker_rlimit_nofile", 1, 1, &conf_type_int, worker_rlimit_nofile, "-1",
             (&(const struct conf_range){ -1, INT32_MAX }), NULL,
             "limit of open descriptors of a worker"),
    MAIN_ROW("worker_rlimit_core", 1, 1, &conf_type_offset, worker_rlimit_core, NULL, NULL, NULL,
             "largest core file of a worker; unset: workers leave none"),
    MAIN_ROW("worker_shutdown_timeout", 1, 1, &conf_type_msec, worker_shutdown_timeout, "0", NULL,
             NULL, "how long a worker may take to finish, and a request to stay on an old "
                   "configuration"),
    MAIN_ROW("worker_watchdog", 1, 1, &type_watchdog, worker_watchdog, "10s", NULL, NULL,
             "a worker whose loop has not turned for that long is replaced"),
    MAIN_ROW("timer_resolution", 1, 1, &conf_type_msec, timer_resolution, "0", NULL,
             "time is read once a turn of the loop", "interval of reading the clock"),
    MAIN_ROW("worker_cpu_affinity", 1, CONF_MANY, &type_affinity, affinity, NULL, NULL, NULL,
             "CPUs of each worker"),
    MAIN_ROW("user", 1, 2, &type_user, user, NULL, NULL, NULL, "who the workers are"),
    MAIN_ROW("pid", 1, 1, &conf_type_path, pid, PID_PATH, NULL, NULL, "file of the process id"),
    MAIN_ROW("lock_file", 1, 1, &conf_type_path, lock_file, LOCK_PATH, NULL,
             "locks are in shared memory", "prefix of lock files"),
    MAIN_ROW("working_directory", 1, 1, &conf_type_path, working_directory, NULL, NULL, NULL,
             "current folder of the workers: where core files go"),
    MAIN_ROW("debug_points", 1, 1, &conf_type_enum, debug_points, NULL, debug_points,
             "a broken invariant always ends the worker, with a core file where allowed",
             "what to do at a debug point"),
    MAIN_ROW("env", 1, 1, &conf_type_str_list, env, NULL, NULL, NULL,
             "environment variables that workers keep, or get"),
    MAIN_ROW("thread_pool", 2, 3, &type_thread_pool, thread_pools, NULL, NULL, NULL,
             "a pool of threads for blocking work"),
    { "load_module", IN_MAIN, 1, 1, &type_load_module, 0, OWN, NULL, NULL, NULL,
      "accepted for what is built in", NULL },
    { "ssl_engine", IN_MAIN, 1, 1, &conf_type_absent, 0, OWN, NULL,
      "OpenSSL 3 has providers instead of engines, and TLS is not built yet", NULL,
      "device of an OpenSSL engine", NULL },
    { "ssl_object_cache_inheritable", IN_MAIN, 1, 1, &conf_type_ignored, 0, OWN, NULL, NULL,
      "certificates are part of a generation and read with it", "keep certificates on reload",
      NULL },
    { "events", IN_MAIN, 0, 0, &conf_type_block_once, 0, OWN, NULL, &events_kind, NULL,
      "how connections are handled", NULL },
};

#define EVENTS_ROW(name, type, member, def, inert, help) \
    { name, IN_EVENTS, 1, 1, type, FIELD(events_conf, member), OWN, def, NULL, inert, help, NULL }
#define EVENTS_INERT(name, why, help) \
    { name, IN_EVENTS, 1, 1, &conf_type_ignored, 0, OWN, NULL, NULL, why, help, NULL }

static const struct directive events_rows[] = {
    EVENTS_ROW("worker_connections", &type_connections, worker_connections, NULL, NULL,
               "connections of a worker; unset: from the limit of descriptors, at most 65536"),
    EVENTS_ROW("use", &type_use, use, NULL, NULL, "event method"),
    EVENTS_INERT("multi_accept", "a batch is always accepted", "accept several at once"),
    EVENTS_INERT("accept_mutex", "each worker has sockets of its own", "take turns in accepting"),
    EVENTS_INERT("accept_mutex_delay", "each worker has sockets of its own", "wait for the mutex"),
    EVENTS_INERT("worker_aio_requests", "files are read in threads", "kernel AIO requests"),
    { "debug_connection", IN_EVENTS, 1, 1, &log_type_debug_connection,
      FIELD(events_conf, debug_connections), OWN, NULL, NULL, NULL,
      "log these clients at debug level", NULL },
};

/* --- derived values --------------------------------------------------------------------------- */

unsigned core_auto_workers(void)
{
    const unsigned n = process_cpus();
    return n > 1024 ? 1024 : n;
}

static unsigned default_connections(int64_t nofile)
{
    struct rlimit limit;
    uint64_t n = CONNECTIONS_MOST;
    if (nofile > 0)
        n = (uint64_t)nofile;
    else if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        n = limit.rlim_cur;
    return n > CONNECTIONS_MOST ? CONNECTIONS_MOST : (unsigned)n;
}

static bool default_user(struct conf *cf, struct core_user *user)
{
    user->name = pool_str(cf->pool, STR(DEFAULT_USER));
    user->group = pool_str(cf->pool, STR(DEFAULT_GROUP));
    if (geteuid() != 0)
        return true;
    if (!process_find_user(DEFAULT_USER, &user->uid))
        return diag_add(cf->diag, DIAG_EMERG, "no-such-user", (struct diag_place){ 0 },
                        "getpwnam(\"" DEFAULT_USER "\") failed") == NULL;
    if (!process_find_group(DEFAULT_GROUP, &user->gid))
        return diag_add(cf->diag, DIAG_EMERG, "no-such-group", (struct diag_place){ 0 },
                        "getgrnam(\"" DEFAULT_GROUP "\") failed") == NULL;
    return true;
}

static bool finish_main(struct conf *cf, void *conf, const void *parent)
{
    struct core_conf *core = conf;
    (void)parent;
    if (core->worker_processes == 0)
        core->worker_processes = core_auto_workers();
    cf->gen->core = core;
    return core->user.set || default_user(cf, &core->user);
}

void core_thread_pool_use(struct conf *cf, struct str name, unsigned arg)
{
    struct core_pool_use *use = pool_new(cf->temp, struct core_pool_use);
    use->name = name;
    use->place = conf_place(cf, arg);
    use->next = cf->pool_uses;
    cf->pool_uses = use;
}

static bool check_pools(struct conf *cf, const struct core_conf *core)
{
    bool good = true;
    for (const struct core_pool_use *use = cf->pool_uses; use; use = use->next) {
        const struct core_thread_pool *pool = core->thread_pools;
        while (pool && !str_eq(pool->name, use->name))
            pool = pool->next;
        if (!pool && !str_eq(use->name, STR("default")))
            good = diag_add(cf->diag, DIAG_EMERG, "unknown-pool", use->place,
                            "unknown thread pool \"%.*s\"", STR_FMT(use->name)) == NULL;
    }
    return good;
}

static bool finish_all(struct conf *cf)
{
    struct core_conf *core = conf_of(cf->root, core_main_section);
    struct events_conf *events = NULL;
    for (struct conf_block *b = cf->root->children; b; b = b->next)
        if (b->scope == IN_EVENTS)
            events = conf_of(b, core_events_section);
    if (!events)
        return diag_add(cf->diag, DIAG_EMERG, "no-events", (struct diag_place){ 0 },
                        "no \"events\" section in configuration") == NULL;
    if (events->worker_connections == 0)
        events->worker_connections = default_connections(core->worker_rlimit_nofile);
    core->events = events;
    core->log = log_conf_of(cf->root);
    if (!check_pools(cf, core))
        return false;
    return file_could_append(core->pid.at) ||
           diag_add(cf->diag, DIAG_EMERG, "cannot-open", (struct diag_place){ 0 },
                    "open() \"%.*s\" failed (%d: %s)", STR_FMT(core->pid), errno,
                    strerror(errno)) == NULL;
}

static bool same_strs(const struct conf_strs *a, const struct conf_strs *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (!str_eq(a->at[i], b->at[i]))
            return false;
    return true;
}

static bool same_affinity(const struct core_affinity *a, const struct core_affinity *b)
{
    return a->automatic == b->automatic && a->count == b->count &&
           (a->count == 0 || memcmp(a->masks, b->masks, a->count * sizeof(*a->masks)) == 0);
}

bool core_needs_new_workers(const struct core_conf *a, const struct core_conf *b)
{
    return a->user.uid != b->user.uid || a->user.gid != b->user.gid ||
           a->worker_priority != b->worker_priority ||
           a->worker_rlimit_nofile != b->worker_rlimit_nofile ||
           a->worker_rlimit_core != b->worker_rlimit_core ||
           !str_eq(a->working_directory, b->working_directory) ||
           !same_strs(&a->env, &b->env) || !same_affinity(&a->affinity, &b->affinity);
}

struct section core_main_section = {
    .name = "core", .where = IN_MAIN, .size = sizeof(struct core_conf), .rows = main_rows,
    .nrows = countof(main_rows), .finish = finish_main,
};
struct section core_events_section = {
    .name = "events", .where = IN_EVENTS, .size = sizeof(struct events_conf), .rows = events_rows,
    .nrows = countof(events_rows), .per_block = true,
};
static struct section *const sections[] = { &core_main_section, &core_events_section, &log_section,
                                            NULL };

const struct module core_module = {
    .name = "ngx_core_module", .protocol = "core", .sections = sections, .finish = finish_all,
};
