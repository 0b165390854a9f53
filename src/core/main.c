/*
 * The program: command line, first generation, and the wiring of everything.
 * The only file that sees all rooms.
 */
#include "config.h"
#include "core/version.h"
#include "core/conf_print.h"
#include "core/core_conf.h"
#include "core/generation.h"
#include "core/listening.h"
#include "core/log.h"
#include "core/master.h"
#include "core/number.h"
#include "core/options.h"
#include "core/report.h"
#include "core/zone.h"
#include "event/worker.h"
#include "http/http.h"
#include "os/unix/file.h"
#include "os/unix/notify.h"
#include "os/unix/process.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { FAILED = 1, BAD_START = 2, BIND_TRIES = 5 };

/* Address space, not memory. */
static const size_t arena_size = (size_t)4 << 30;
static const size_t zone_space = (size_t)64 << 30, zone_space_least = (size_t)256 << 20;

#ifdef WITH_FAULTS
extern const struct http_module http_fault_module;      /* t/faults */
#endif

static const struct module *const modules[] = {
    &core_module,
#define HTTP_MODULE(name) &http_##name##_module.module,
#include "http/modules.def"
#undef HTTP_MODULE
#ifdef WITH_FAULTS
    &http_fault_module.module,
#endif
    NULL,
};

static const struct master_hooks hooks = { .worker = worker_main };

/* --- paths ------------------------------------------------------------------------------------ */

static struct str join(struct pool *pool, struct str folder, struct str name)
{
    const bool absolute = name.len && name.at[0] == '/';
    return fmt_pool(pool, "%.*s%.*s", STR_FMT(absolute ? STR_NONE : folder), STR_FMT(name));
}

static void set_paths(struct conf_paths *paths, const struct options *o, struct pool *pool)
{
    const bool slash = o->prefix.len && o->prefix.at[o->prefix.len - 1] == '/';
    paths->prefix = fmt_pool(pool, "%.*s%s", STR_FMT(o->prefix), slash ? "" : "/");
    paths->conf_file = join(pool, paths->prefix, o->conf);
    const ssize_t end = str_rchr(paths->conf_file, '/');
    paths->conf_prefix = str_of(paths->conf_file.at, (size_t)(end + 1));
    paths->error_log = o->error_log;
    if (o->error_log.len && !str_eq(o->error_log, STR("stderr")))
        paths->error_log = join(pool, paths->prefix, o->error_log);
}

/* --- a first look at the configuration -------------------------------------------------------- */

static void print_diagnostics(const struct diag_list *diag, bool json, bool quiet)
{
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, 4096, 8 << 20);
    for (const struct diag *d = diag->first; d; d = d->next) {
        if (quiet && d->level == DIAG_NOTICE)
            continue;
        if (json) {
            diag_json(d, &f);
            fmt_char(&f, '\n');
        } else {
            report_text(d, &f);
        }
    }
    const struct str text = fmt_done(&f);
    fwrite(text.at, 1, text.len, json ? stdout : stderr);
    pool_free(&pool);
}

static void dump(const struct conf_file *file)
{
    for (; file; file = file->next) {
        if (str_eq(file->path, STR("command line")))
            continue;
        printf("# configuration file %.*s:\n", STR_FMT(file->path));
        fwrite(file->text.at, 1, file->text.len, stdout);
        putchar('\n');
    }
}

static int test(const struct options *o, const struct conf_paths *paths)
{
    struct pool temp;
    struct diag_list diag;
    struct conf_file *files = NULL;
    pool_init(&temp, &pool_heap);
    diag_init(&diag, &temp);
    diag.silent = o->no_warn;
    struct generation *gen = generation_make(1, paths, o->global, true, &temp, &diag, &files);
    print_diagnostics(&diag, o->json, o->quiet);
    if (gen && !o->quiet && !o->json)
        fprintf(stderr,
                "weir: the configuration file %.*s syntax is ok\n"
                "weir: configuration file %.*s test is successful\n",
                STR_FMT(paths->conf_file), STR_FMT(paths->conf_file));
    if (!gen && !o->json)
        fprintf(stderr, "weir: configuration file %.*s test failed\n", STR_FMT(paths->conf_file));
    if (gen && o->dump)
        dump(files);
    if (gen)
        generation_free(gen);
    pool_free(&temp);
    return gen ? 0 : FAILED;
}

/* --- talking to a running server -------------------------------------------------------------- */

/* The pid file that the configuration names.  Only that is looked for: a server can be stopped also
 * while its configuration is broken. */
static struct str pid_path(const struct options *o, const struct conf_paths *paths,
                           struct pool *temp)
{
    struct diag_list diag;
    struct conf cf = { .pool = temp, .temp = temp, .diag = &diag, .paths = paths,
                       .testing = true };
    struct str path = STR(PID_PATH);
    diag_init(&diag, temp);
    cf.files_end = &cf.files;
    for (const struct conf_node *n = conf_tree_read(&cf, paths->conf_file, o->global); n;
         n = n->next)
        if (str_eq(n->words[0].text, STR("pid")) && n->nwords == 2)
            path = n->words[1].text;
    if (!cf.files || (diag.errors && !cf.files->text.at)) {
        print_diagnostics(&diag, false, false);
        return STR_NONE;
    }
    return join(temp, paths->prefix, path);
}

static bool read_pid(struct str path, uint32_t *pid)
{
    char text[64];
    const ssize_t n = file_read_small(path.at, text, sizeof(text));
    if (n < 0) {
        log_write(log_process, LOG_ERROR, errno, "open() \"%s\" failed", path.at);
        return false;
    }
    struct str digits = str_of(text, (size_t)n);
    while (digits.len && (digits.at[digits.len - 1] == '\n' || digits.at[digits.len - 1] == '\r'))
        digits.len--;
    if (number_u32(digits, pid) && *pid > 0 && *pid <= INT_MAX)
        return true;
    log_write(log_process, LOG_ERROR, 0, "invalid PID number \"%.*s\" in \"%s\"", STR_FMT(digits),
              path.at);
    return false;
}

static int send_signal(const char *name, uint32_t pid)
{
    const int number = strcmp(name, "stop") == 0   ? SIGTERM
                       : strcmp(name, "quit") == 0 ? SIGQUIT
                       : strcmp(name, "reopen") == 0 ? SIGUSR1
                                                     : SIGHUP;
    if (kill((pid_t)pid, number) == 0)
        return 0;
    log_write(log_process, LOG_ALERT, errno, "kill(%u, %d) failed", pid, number);
    return FAILED;
}

static int ask(const struct options *o, const struct conf_paths *paths)
{
    struct pool temp;
    uint32_t pid;
    int status = FAILED;
    pool_init(&temp, &pool_heap);
    const struct str path = pid_path(o, paths, &temp);
    if (path.len && o->signal)
        log_write(log_process, LOG_NOTICE, 0, "signal process started");
    if (path.len && read_pid(path, &pid)) {
        const bool reload = !o->signal || strcmp(o->signal, "reload") == 0;
        const char *command = o->signal ? "reload" : o->command;
        status = reload ? control_ask(path.at, command) : -1;
        if (status < 0 && o->signal)            /* another server, or not a reload */
            status = send_signal(o->signal, pid);
        else if (status < 0)
            fprintf(stderr, "weir: nobody answers at %s.control\n", path.at);
    }
    pool_free(&temp);
    return status < 0 ? FAILED : status;
}

/* --- serving ---------------------------------------------------------------------------------- */

/* All that is wrong: somebody else has an address, perhaps a server that is about to end. */
static bool only_in_use(const struct diag_list *diag)
{
    for (const struct diag *d = diag->first; d; d = d->next)
        if (d->level == DIAG_EMERG && strcmp(d->code, "address-in-use") != 0)
            return false;
    return diag->errors > 0;
}

/* NULL: it was said why; *again: another try may help. */
static struct generation *try_generation(const struct options *o, const struct conf_paths *paths,
                                         bool *again)
{
    struct pool temp;
    struct diag_list diag;
    pool_init(&temp, &pool_heap);
    diag_init(&diag, &temp);
    diag.silent = o->no_warn;
    struct generation *gen = generation_make(1, paths, o->global, false, &temp, &diag, NULL);
    if (gen && !listening_open(gen, (unsigned)gen->core->worker_processes, &diag)) {
        generation_free(gen);
        gen = NULL;
    }
    log_quiet();                        /* what goes to standard error is said once, in full */
    if (!log_is_stderr())
        report_log(&diag);
    print_diagnostics(&diag, false, false);
    *again = only_in_use(&diag);
    pool_free(&temp);
    if (gen)
        generation_seal(gen);
    return gen;
}

static struct generation *first_generation(const struct options *o, const struct conf_paths *paths)
{
    const struct timespec pause = { .tv_nsec = 500 * 1000 * 1000 };
    bool again = true;
    for (int tries = 0; tries < BIND_TRIES && again; tries++) {
        if (tries)
            nanosleep(&pause, NULL);
        struct generation *gen = try_generation(o, paths, &again);
        if (gen)
            return gen;
    }
    if (again)
        fputs("weir: [emerg] still could not bind()\n", stderr);
    return NULL;
}

/* True: this process was started by another master, which still lives. */
static bool inherit_sockets(void)
{
    const char *weir = getenv("WEIR"), *nginx = getenv("NGINX");
    const char *list = weir ? weir : nginx;
    if (!list) {
        listening_inherit_activated(notify_listen_fds());
        return false;
    }
    log_write(log_process, LOG_NOTICE, 0, "using inherited sockets from \"%s\"", list);
    listening_inherit(list);
    unsetenv("WEIR");
    unsetenv("NGINX");
    return true;
}

static bool running_already(const char *path)
{
    char text[64];
    uint32_t pid;
    const ssize_t n = file_read_small(path, text, sizeof(text));
    struct str digits = str_of(text, n > 0 ? (size_t)n : 0);
    while (digits.len && digits.at[digits.len - 1] == '\n')
        digits.len--;
    return number_u32(digits, &pid) && pid > 0 && pid <= INT_MAX && (pid_t)pid != getpid() &&
           control_ask(path, "ping") == 0;
}

static char *master_title(int argc, char **argv)
{
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, 256, 1 << 20);
    fmt_text(&f, "weir: master process");
    for (int i = 0; i < argc; i++)
        fmt_print(&f, " %s", argv[i]);
    char *title = strdup(fmt_done(&f).at);
    pool_free(&pool);
    return title;
}

static bool start_listening(const struct generation *gen, struct diag_list *diag)
{
    const struct listening *which;
    if (listening_start(gen, &which))
        return true;
    diag_add(diag, DIAG_EMERG, "cannot-listen", (struct diag_place){ 0 },
             "listen() to %.*s failed (%d: %s)", STR_FMT(which->text), errno, strerror(errno));
    listening_abandon(gen);
    return false;
}

/* The same at the start, when the terminal is to know. */
static bool first_listening(const struct generation *gen)
{
    struct pool temp;
    struct diag_list diag;
    pool_init(&temp, &pool_heap);
    diag_init(&diag, &temp);
    const bool good = start_listening(gen, &diag);
    print_diagnostics(&diag, false, false);
    pool_free(&temp);
    return good;
}

/* --- one process --- */

struct alone {
    const struct options *options;
    const struct conf_paths *paths;
    unsigned last_id;
};

static struct generation *remake(void *data)
{
    struct alone *a = data;
    struct pool temp;
    struct diag_list diag;
    pool_init(&temp, &pool_heap);
    diag_init(&diag, &temp);
    diag.silent = a->options->no_warn;
    notify_reloading();
    struct generation *gen = generation_make(++a->last_id, a->paths, a->options->global, false,
                                             &temp, &diag, NULL);
    if (gen && (!listening_open(gen, 1, &diag) || !start_listening(gen, &diag))) {
        generation_free(gen);
        gen = NULL;
    }
    report_log(&diag);
    pool_free(&temp);
    if (gen)
        generation_seal(gen);
    notify_send("READY=1");
    return gen;
}

static int serve_alone(const struct options *o, const struct conf_paths *paths,
                       struct generation *gen, bool daemonize)
{
    struct alone alone = { o, paths, gen->id };
    const struct worker_single single = { remake, &alone };
    struct master files = { .control = -1 };
    if (!first_listening(gen))
        return FAILED;
    if (daemonize && !process_daemonize())
        return BAD_START;
    log_use(gen->core->log);
    listening_inherit_end();
    if (!upgrade_write_pid(&files, gen->core->pid.at))
        return FAILED;
    log_redirect_stderr();
    notify_send("READY=1\nMAINPID=%d", (int)getpid());
    worker_single(gen, &single);
    upgrade_remove_pid(&files);
    return 0;
}

static int serve(const struct options *o, const struct conf_paths *paths, int argc, char **argv)
{
    static struct master master;
    struct master *m = &master;
    notify_start();
    const bool inherited = inherit_sockets();
    struct generation *gen = first_generation(o, paths);
    if (!gen)
        return FAILED;
    const struct core_conf *core = gen->core;
    if (running_already(core->pid.at)) {
        fprintf(stderr, "weir: [emerg] \"%s\" belongs to a server that is running\n",
                core->pid.at);
        listening_abandon(gen);
        return FAILED;
    }
    if (!core->master_process)
        return serve_alone(o, paths, gen, core->daemon && !inherited);
    m->hooks = &hooks;
    m->options.paths = *paths;
    m->options.global = o->global;
    m->options.no_warn = o->no_warn;
    m->options.argv = argv;
    m->control = -1;
    m->old_master = inherited ? getppid() : 0;
    if (!first_listening(gen))
        return FAILED;
    char *title = master_title(argc, argv);
    if (core->daemon && !inherited && !process_daemonize())
        return BAD_START;
    m->daemonized = core->daemon || inherited;
    log_use(core->log);
    listening_inherit_end();
    master_hold_signals(m);             /* before the pid file says where to send them */
    if (!upgrade_write_pid(m, core->pid.at))
        return FAILED;
    log_write(log_process, LOG_NOTICE, 0, "using the \"epoll\" event method");
    log_write(log_process, LOG_NOTICE, 0, "weir/" WEIR_VERSION);
    log_redirect_stderr();
    log_quiet();
    process_title(title);
    return master_run(m, gen);
}

/* argv must outlive the title, which takes its place. */
static char **copy_arguments(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof(*copy));
    ASSERT(copy);
    for (int i = 0; i < argc; i++)
        ASSERT((copy[i] = strdup(argv[i])) != NULL);
    return copy;
}

static int print_command(const struct options *o)
{
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&f, &pool, 65536, 8 << 20);
    if (strcmp(o->command, "directives") == 0)
        conf_print_directives(&f, o->json);
    else
        conf_print_variables(&f, o->json);
    const struct str text = fmt_done(&f);
    fwrite(text.at, 1, text.len, stdout);
    pool_free(&pool);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    struct conf_paths paths = { 0 };
    struct pool pool;
    char **arguments = copy_arguments(argc, argv);
    if (!options_parse(&o, argc, arguments))
        return FAILED;
    if (o.version)
        options_print_version(o.configure);
    if (o.help)
        options_print_help();
    if (o.version && !o.test)
        return 0;
    pool_reserve_init();
    pool_init(&pool, &pool_heap);
    set_paths(&paths, &o, &pool);
    conf_register(modules);
    if (o.command && strcmp(o.command, "generations") != 0)
        return print_command(&o);
    if (!arena_init(arena_size) || !zone_space_init(zone_space, zone_space_least)) {
        perror("weir: [emerg] no address space for configurations");
        return FAILED;
    }
    log_init(paths.error_log, o.test);
    if (o.test)
        return test(&o, &paths);
    if (o.signal || o.command)
        return ask(&o, &paths);
    if (!process_title_init(argc, argv))
        return FAILED;
    return serve(&o, &paths, argc, arguments);
}
