/*
 * The configuration engine over a small set of modules: what registration refuses, every error and
 * its notes, blocks, sharing, the three kinds of inheritance, defaults, the order of finish.
 */
#include "core/conf.c"
#include "core/conf_apply.c"
#include "core/conf_resolve.c"

#include "t/unit/tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* --- what happened, in order ------------------------------------------------------------------ */

static struct {
    char text[4096];
    struct fmt f;
    const char *fail;                   /* the event that fails; NULL: none */
} events;

static void events_clear(void)
{
    fmt_init_cut(&events.f, events.text, sizeof(events.text));
    events.fail = NULL;
}

/* "name(of) ": true unless it is the one that shall fail. */
static bool event(const char *name, const char *of)
{
    char text[64];
    struct fmt f;
    fmt_init_cut(&f, text, sizeof(text));
    fmt_print(&f, "%s(%s)", name, of);
    fmt_print(&events.f, "%s ", fmt_done(&f).at);
    return !events.fail || strcmp(events.fail, fmt_done(&f).at) != 0;
}

/* --- the modules ------------------------------------------------------------------------------ */

struct main_conf {
    struct conf_set set;
    bool daemon;
    int64_t workers;
    struct str user;
};

struct server_conf {
    struct conf_set set;
    struct conf_strs names;
    int64_t timeout;
    unsigned finished;
};

struct location_conf {
    struct conf_set set;
    struct str root, handler;
    struct conf_strs try, types, rules;
    int64_t depth, level;
    unsigned satisfy, next;
    bool internal;
    const void *parent;
};

struct each_conf {
    struct conf_set set;
    int64_t number;
};

struct only_conf {
    struct conf_set set;
    int64_t number;
};

struct gap_conf {
    struct conf_set set;
    int64_t number;
};

struct upstream_conf {
    struct conf_set set;
    struct str peer;
};

struct words_conf {
    struct conf_set set;
    unsigned nwords, nfree;
    unsigned defaults;                  /* how often the default was parsed */
};

static const char *name_of(const struct conf_block *block)
{
    return block->nwords > 1 ? block->words[1].at : conf_scope_name(block->scope);
}

static bool open_block(struct conf *cf, struct conf_block *block)
{
    ok(cf->block == block && cf->node == block->node, "open: the block, and its statement");
    block->data = block;
    return event("open", name_of(block))
        || conf_error(cf, 1, "test", "open failed for %s", name_of(block));
}

static bool close_block(struct conf *cf, struct conf_block *block)
{
    ok(cf->block == block && cf->node == block->node
       && block->data == (block->scope == IN_HTTP ? NULL : block), "close: the same, and the data");
    return event("close", name_of(block))
        || conf_error(cf, 0, "test", "close failed for %s", name_of(block));
}

static const struct conf_block_kind events_kind = { IN_EVENTS, NULL, NULL };
static const struct conf_block_kind http_kind = { IN_HTTP, NULL, close_block };
static const struct conf_block_kind server_kind = { IN_SERVER, open_block, close_block };
static const struct conf_block_kind location_kind = { IN_LOCATION, open_block, close_block };
static const struct conf_block_kind if_kind = { IN_LOCATION_IF, NULL, NULL };
static const struct conf_block_kind server_if_kind = { IN_SERVER_IF, NULL, NULL };
static const struct conf_block_kind except_kind = { IN_LIMIT_EXCEPT, NULL, NULL };
static const struct conf_block_kind upstream_kind = { IN_UPSTREAM, NULL, NULL };

/* A type that fills its structure by itself. */
static bool parse_words(struct conf *cf, void *field, const void *arg)
{
    struct words_conf *conf = cf->conf;
    (void)arg;
    ok(!field, "no field without a size");
    conf->nwords += conf_nargs(cf);
    conf->defaults += cf->node->words[0].place.file == NULL;
    return true;
}
static const struct conf_type type_words = { .name = "word ...", .parse = parse_words };

static bool add_word(struct conf *cf, void *data)
{
    unsigned *count = data;
    (*count)++;
    if (str_eq(conf_arg(cf, 0), STR("bad")))
        return conf_error(cf, 0, "test", "bad word");
    return true;
}

static bool parse_free(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return conf_each(cf, add_word, field);
}
static const struct conf_type type_free = {
    .name = "words", .size = sizeof(unsigned), .repeat = true, .parse = parse_free, .block = true
};

#define ROW(...) { __VA_ARGS__, .help = "help" }
#define BLOCK_ROW(text, in, n, m, k) \
    ROW(.name = text, .where = in, .min = n, .max = m, .type = &conf_type_block, .arg = &k)
#define IN_LOC (IN_HSL | IN_SERVER_IF | IN_LOCATION_IF | IN_LIMIT_EXCEPT)
#define LOC(text, n, m, kind, member, flow, ...) \
    ROW(.name = text, .where = IN_LOC, .min = n, .max = m, .type = &conf_type_##kind, \
        .offset = FIELD(location_conf, member), .inherit = flow, ##__VA_ARGS__)

static const struct conf_name satisfy_names[] = { { "all", 1 }, { "any", 2 }, { NULL, 0 } };
static const struct conf_name next_names[] = { { "error", 1 }, { "timeout", 2 }, { "off", 4 },
                                               { NULL, 0 } };

static const struct directive main_rows[] = {
    ROW(.name = "daemon", .where = IN_MAIN, .min = 1, .max = 1, .type = &conf_type_flag,
        .offset = FIELD(main_conf, daemon), .def = "on"),
    ROW(.name = "workers", .where = IN_MAIN, .min = 1, .max = 1, .type = &conf_type_int,
        .offset = FIELD(main_conf, workers), .def = "2",
        .arg = &(const struct conf_range){ 1, 64 }),
    ROW(.name = "user", .where = IN_MAIN, .min = 1, .max = 2, .type = &conf_type_str,
        .offset = FIELD(main_conf, user)),
    ROW(.name = "hash_size", .where = IN_MAIN, .min = 1, .max = 1, .type = &conf_type_size,
        .def = "512", .inert = "tables size themselves"),
    ROW(.name = "mutex", .where = IN_MAIN, .min = 1, .max = 1, .type = &conf_type_ignored,
        .inert = "there is none"),
    ROW(.name = "engine", .where = IN_MAIN, .min = 0, .max = 0, .type = &conf_type_absent,
        .arg = "OpenSSL has providers"),
    ROW(.name = "events", .where = IN_MAIN, .type = &conf_type_block_once, .arg = &events_kind),
    ROW(.name = "http", .where = IN_MAIN, .type = &conf_type_block_once, .arg = &http_kind),
};

static const struct directive server_rows[] = {
    BLOCK_ROW("server", IN_HTTP, 0, 1, server_kind),
    BLOCK_ROW("upstream", IN_HTTP, 1, 1, upstream_kind),
    ROW(.name = "server_name", .where = IN_SERVER, .min = 1, .max = CONF_MANY,
        .type = &conf_type_str_list, .offset = FIELD(server_conf, names), .inherit = OWN),
    ROW(.name = "timeout", .where = IN_HTTP | IN_SERVER, .min = 1, .max = 1,
        .type = &conf_type_msec, .offset = FIELD(server_conf, timeout), .def = "60s"),
};

static const struct directive location_rows[] = {
    BLOCK_ROW("location", IN_SERVER | IN_LOCATION, 1, 1, location_kind),
    BLOCK_ROW("if", IN_LOCATION, 1, 1, if_kind),
    BLOCK_ROW("if", IN_SERVER, 1, 1, server_if_kind),
    ROW(.name = "limit_except", .where = IN_LOCATION, .min = 1, .max = CONF_MANY,
        .type = &conf_type_block_once, .arg = &except_kind),
    LOC("root", 1, 1, path, root, INHERIT, .def = "html"),
    LOC("handler", 1, 1, str, handler, NAMELESS),
    LOC("try", 1, CONF_MANY, strs, try, OWN),
    LOC("types", 1, CONF_MANY, str_list, types, INHERIT, .def = "text/html 'text/x y'"),
    LOC("allow", 1, 1, str_list, rules, INHERIT),
    LOC("deny", 1, 1, str_list, rules, INHERIT),
    LOC("depth", 1, 1, int, depth, OWN, .def = "7"),
    LOC("level", 1, 1, int, level, NAMELESS, .def = "3"),
    LOC("satisfy", 1, 1, enum, satisfy, INHERIT, .def = "all", .arg = satisfy_names),
    LOC("next", 1, 3, mask, next, INHERIT, .def = "error timeout", .arg = next_names),
    LOC("internal", 1, 1, flag, internal, OWN, .def = "off"),
};

static const struct directive each_rows[] = {
    ROW(.name = "each", .where = IN_HSL, .min = 1, .max = 1, .type = &conf_type_int,
        .offset = FIELD(each_conf, number), .def = "1"),
};
static const struct directive only_rows[] = {
    ROW(.name = "only", .where = IN_LOCATION, .min = 1, .max = 1, .type = &conf_type_int,
        .offset = FIELD(only_conf, number), .def = "9"),
};
static const struct directive gap_rows[] = {
    ROW(.name = "gap", .where = IN_HTTP | IN_LOCATION, .min = 1, .max = 1, .type = &conf_type_int,
        .offset = FIELD(gap_conf, number), .def = "4"),
};
static const struct directive words_rows[] = {
    ROW(.name = "words", .where = IN_HSL, .min = 0, .max = CONF_MANY, .type = &type_words,
        .def = "a b c"),
    ROW(.name = "free", .where = IN_HSL, .type = &type_free,
        .offset = FIELD(words_conf, nfree)),
};
static const struct directive upstream_rows[] = {
    ROW(.name = "server", .where = IN_UPSTREAM, .min = 1, .max = CONF_MANY,
        .type = &conf_type_str, .offset = sizeof(struct conf_set)),
};
static const struct directive events_rows[] = {
    ROW(.name = "connections", .where = IN_EVENTS, .min = 1, .max = 1, .type = &conf_type_int,
        .offset = FIELD(each_conf, number)),
};

static bool finish_server(struct conf *cf, void *conf, const void *parent)
{
    ok(cf->conf == conf && !cf->node && !cf->row, "finish: the structure, and no statement");
    ((struct server_conf *)conf)->finished = parent ? 2 : 1;
    return event("server", name_of(cf->block))
        || conf_error(cf, 0, "test", "finish failed for %s", name_of(cf->block));
}

static bool finish_location(struct conf *cf, void *conf, const void *parent)
{
    ((struct location_conf *)conf)->parent = parent;
    return event("location", name_of(cf->block))
        || conf_block_error(cf, cf->block, "test", "finish failed for %s", name_of(cf->block));
}

static bool finish_each(struct conf *cf, void *conf, const void *parent)
{
    (void)conf;
    (void)parent;
    return event("each", name_of(cf->block));
}

static bool finish_core(struct conf *cf)
{
    ok(cf->block == cf->root && !cf->node, "a module finishes at the root");
    return event("module", "core") || conf_error(cf, 0, "test", "core failed");
}

static bool finish_http(struct conf *cf)
{
    (void)cf;
    return event("module", "http");
}

#define SECTION(id, in, type, ...) \
    static struct section id##_section = { \
        .name = #id, .where = in, .size = sizeof(struct type), .rows = id##_rows, \
        .nrows = countof(id##_rows), ##__VA_ARGS__ \
    }
SECTION(main, IN_MAIN, main_conf);
SECTION(events, IN_EVENTS, each_conf);
SECTION(server, IN_HTTP | IN_SERVER, server_conf, .finish = finish_server);
SECTION(location, IN_LOC, location_conf, .finish = finish_location);
SECTION(each, IN_HSL, each_conf, .per_block = true, .finish = finish_each);
SECTION(only, IN_LOCATION, only_conf);
SECTION(gap, IN_HTTP | IN_LOCATION, gap_conf);
SECTION(words, IN_HSL, words_conf);
SECTION(upstream, IN_UPSTREAM, upstream_conf);

static struct section *const core_sections[] = { &main_section, &events_section, NULL };
static struct section *const http_sections[] = {
    &server_section, &location_section, &each_section, &only_section, &gap_section,
    &words_section, &upstream_section, NULL
};
static const struct module core_module = { .name = "ngx_core_module", .protocol = "core",
                                           .sections = core_sections, .finish = finish_core };
static const struct module http_module = { .name = "ngx_http_core_module", .protocol = "http",
                                           .sections = http_sections, .finish = finish_http };
static const struct module empty_module = { .name = "ngx_http_empty_module", .protocol = "http" };
static const struct module *const modules[] = { &core_module, &empty_module, &http_module, NULL };

/* --- a run ------------------------------------------------------------------------------------ */

struct run {
    struct pool pool, temp;
    struct diag_list list;
    struct generation gen;
    struct conf_paths paths;
    struct conf cf;
    bool good;
};

static void begin(struct run *run)
{
    *run = (struct run){ .paths = { STR("/prefix/"), STR("/etc/weir/"), STR("/etc/weir/x"),
                                    STR("") } };
    pool_init(&run->pool, &pool_heap);
    pool_init(&run->temp, &pool_heap);
    diag_init(&run->list, &run->temp);
    run->cf = (struct conf){ .pool = &run->pool, .temp = &run->temp, .diag = &run->list,
                             .gen = &run->gen, .paths = &run->paths };
    run->cf.files_end = &run->cf.files;
}

static void apply_text(struct run *run, struct str text)
{
    events_clear();
    struct conf_node *nodes = conf_tree_text(&run->cf, STR("x"), text);
    run->good = conf_apply(&run->cf, nodes);
}

static void apply(struct run *run, const char *text)
{
    begin(run);
    apply_text(run, str_from(text));
}

static void end(struct run *run)
{
    pool_free(&run->pool);
    pool_free(&run->temp);
}

/* Every diagnostic: its line, and its notes behind "- ", with the line they point to. */
static const char *report_of(struct run *run)
{
    struct fmt f;
    fmt_init_pool(&f, &run->temp, 256, 1 << 20);
    for (const struct diag *d = run->list.first; d; d = d->next) {
        fmt_print(&f, "%.*s", STR_FMT(d->message));
        if (d->place.file)
            fmt_print(&f, " @%u:%u", d->place.line, d->place.column);
        fmt_char(&f, '\n');
        for (const struct diag_note *n = d->notes; n; n = n->next) {
            fmt_print(&f, "- %.*s", STR_FMT(n->text));
            if (n->place.file)
                fmt_print(&f, " @%u:%u", n->place.line, n->place.column);
            fmt_char(&f, '\n');
        }
    }
    return fmt_done(&f).at ? fmt_done(&f).at : "";
}

/* The n-th block inside, from 0. */
static const struct conf_block *inside(const struct conf_block *block, unsigned n)
{
    block = block->children;
    while (n-- > 0)
        block = block->next;
    return block;
}

static const struct location_conf *location_of(const struct conf_block *block)
{
    return conf_of(block, location_section);
}

static const char *joined(struct run *run, struct conf_strs list)
{
    struct fmt f;
    fmt_init_pool(&f, &run->temp, 16, 4096);
    for (unsigned i = 0; i < list.count; i++)
        fmt_print(&f, "%s%.*s", i ? "," : "", STR_FMT(list.at[i]));
    fmt_char(&f, '\0');
    return fmt_done(&f).at;
}

/* --- registration ----------------------------------------------------------------------------- */

static void count_row(const struct module *module, const struct section *section,
                      const struct directive *row, void *data)
{
    unsigned *count = data;
    *count += module && section && row->name;
}

static void test_tables(void)
{
    unsigned seen = 0, count;
    is_uint(conf_nsections(), 9, "sections");
    is_uint(main_section.slot, 0, "numbered in order");
    is_uint(upstream_section.slot, 8, "up to the last");
    is_uint(conf_each_row(count_row, &seen), 34, "rows");
    is_uint(seen, 34, "each was seen");
    ok(conf_modules() == modules, "the modules");
    const struct conf_row *row = conf_find(STR("server"));
    ok(row && row->section == &server_section && row->same
       && row->same->section == &upstream_section && !row->same->same, "one name, two rows");
    ok(!conf_find(STR("serve")) && !conf_find(STR("")), "no such row");
    const unsigned *slots = conf_slots(IN_LOCATION, &count);
    is_uint(count, 5, "sections of a location");
    ok(slots[0] == location_section.slot && slots[4] == words_section.slot, "in order");
    conf_slots(IN_STREAM, &count);
    is_uint(count, 0, "no section for stream");
    is_str(conf_scope_name(IN_LOCATION_IF), "if in location", "name of a scope");
    is_str(conf_scope_name(IN_STREAM_UPSTREAM), "upstream in stream", "the last name");
    is_str(conf_nearest(STR("sever"), IN_HTTP), "server", "a near name");
    is_str(conf_nearest(STR("inclde"), IN_HTTP), "include", "include is one");
    ok(!conf_nearest(STR("conections"), IN_HTTP), "not of these blocks");
    conf_register(modules);
    is_uint(conf_nsections(), 9, "again, from the start");
}

/* What a process says that registers these modules; it must die of it. */
static void said_by(const struct module *const *wrong, char *said, size_t size)
{
    int fds[2], status = 0;
    size_t len = 0;
    ssize_t n;
    ASSERT(pipe(fds) == 0);
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        conf_register(wrong);
        _exit(0);
    }
    close(fds[1]);
    while ((n = read(fds[0], said + len, size - 1 - len)) > 0)
        len += (size_t)n;
    said[len] = '\0';
    close(fds[0]);
    ASSERT(waitpid(pid, &status, 0) == pid);
    ok(WIFSIGNALED(status), "the process ends");
}

static void dies(struct section *section, const char *what)
{
    struct section *const sections[] = { section, NULL };
    const struct module module = { .name = "wrong", .protocol = "core", .sections = sections };
    const struct module *const wrong[] = { &module, NULL };
    char said[1024];
    said_by(wrong, said, sizeof(said));
    if (!ok(strstr(said, what) != NULL, "it says: %s", what))
        diag("it said: %s", said);
}

static const struct directive good_row = {
    .name = "x", .where = IN_HTTP, .min = 1, .max = 1, .type = &conf_type_int,
    .offset = FIELD(only_conf, number), .help = "help"
};

static void dies_of_row(const struct directive *row, const char *what)
{
    struct section section = { .name = "s", .where = IN_HTTP, .size = sizeof(struct only_conf),
                               .rows = row, .nrows = 1 };
    dies(&section, what);
}

#define WRONG(change, what) \
    do { \
        struct directive row = good_row; \
        change; \
        dies_of_row(&row, what); \
    } while (0)

static void test_wrong_rows(void)
{
    static const struct conf_block_kind two = { IN_HTTP | IN_SERVER, NULL, NULL };
    static const struct conf_range range = { 6, 7 };
    const uint16_t last = sizeof(struct only_conf) - sizeof(int64_t);
    WRONG(row.name = NULL, "row \"-\": it has no name");
    WRONG(row.help = NULL, "section \"s\", row \"x\": it has no help line");
    WRONG(row.where = 0, "it is in no block");
    WRONG(row.where = IN_HTTP | IN_SERVER, "it is in blocks without the section");
    WRONG(row.min = 2, "more arguments than at most");
    WRONG(row.type = NULL, "its type is incomplete");
    WRONG(row.offset = sizeof(struct conf_set) - 1, "its field is the set itself");
    WRONG(row.offset = last + 1, "its field is not inside");
    WRONG(row.offset = UINT16_MAX, "its field is not inside");
    WRONG(row.type = &conf_type_ignored, "needs an inert reason");
    WRONG(row.inherit = NAMELESS + 1, "inherited in no known way");
    WRONG(row.type = &conf_type_enum, "its type needs an arg");
    WRONG(row.type = &conf_type_mask, "its type needs an arg");
    WRONG(row.type = &conf_type_absent, "its type needs an arg");
    WRONG(row.type = &conf_type_block, "must be a struct conf_block_kind");
    WRONG((row.type = &conf_type_block_once, row.arg = &two), "must be a struct conf_block_kind");
    WRONG((row.type = &conf_type_block, row.arg = &http_kind, row.def = "x"),
          "a block has no default");
    WRONG(row.def = "x", "not a value of its type");
    WRONG((row.def = "5", row.arg = &range), "not a value of its type");
    WRONG((row.def = "x", row.inert = "why"), "not a value of its type");
    WRONG(row.def = "1 2", "another number of words");
    WRONG(row.def = "", "another number of words");
    WRONG(row.def = "'1", "a quote of its default is not closed");
}

static void test_wrong_sections(void)
{
    struct directive rows[2] = { good_row, good_row };
    struct section section = { .name = "s", .where = IN_HTTP, .size = sizeof(struct only_conf),
                               .rows = rows, .nrows = 2 };
    dies(&section, "another row has this name in the same blocks");
    rows[1].name = "y";
    rows[1].inherit = OWN;
    dies(&section, "inherited in another way");
    rows[1].inherit = INHERIT;
    rows[0].def = rows[1].def = "1";
    dies(&section, "both have a default");
    section.size += 8;
    rows[1].def = NULL;
    rows[1].offset += 4;
    dies(&section, "overlaps another row's");
    section.size = sizeof(struct conf_set) - 1;
    dies(&section, "does not begin with struct conf_set");
    section.size = sizeof(struct only_conf);
    section.nrows = 129;
    dies(&section, "it has too many rows");
    section.nrows = 0;
    section.where = IN_ALL + 1;
    dies(&section, "it is in no block");
    section.where = IN_HTTP;
    section.name = NULL;
    dies(&section, "it has no name");
    section.name = "s";
    struct section *const twice[] = { &section, &section, NULL };
    const struct module module = { .name = "wrong", .protocol = "core", .sections = twice };
    const struct module *const wrong[] = { &module, NULL };
    char said[1024];
    said_by(wrong, said, sizeof(said));
    ok(strstr(said, "it is registered twice") != NULL, "a section twice");
}

/* --- errors ----------------------------------------------------------------------------------- */

#define USAGE(name, takes) "- \"" name "\" takes " takes " (help)\n"

static void test_errors(void)
{
    static const struct {
        const char *text, *report;
    } rows[] = {
        { "foo on;", "unknown directive \"foo\" @1:1\n" },
        { "Daemon on;", "unknown directive \"Daemon\" @1:1\n- did you mean \"daemon\"?\n" },
        { "http { timeuot 1s; }",
          "unknown directive \"timeuot\" @1:8\n- did you mean \"timeout\"?\n" },
        { "timeot 1s;", "unknown directive \"timeot\" @1:1\n- did you mean \"timeout\"?\n" },
        { "brotli on; ssl_stapling x;",
          "unknown directive \"brotli\" @1:1\n"
          "unknown directive \"ssl_stapling\" @1:12\n"
          "- it belongs to ngx_http_ssl_module, which is not built into weir yet\n" },
        { "timeout 1s;",
          "\"timeout\" directive is not allowed here @1:1\n"
          "- \"timeout\" is allowed in http, server; you are in main\n" },
        { "http {\n server {\n  location / {\n   server_name a;\n}}}",
          "\"server_name\" directive is not allowed here @4:4\n"
          "- \"server_name\" is allowed in server; you are in location @3:3\n" },
        { "http { location / { server {} } }",
          "\"location\" directive is not allowed here @1:8\n"
          "- \"location\" is allowed in server, location; you are in http @1:1\n" },
        { "server { }",
          "\"server\" directive is not allowed here @1:1\n"
          "- \"server\" is allowed in http, upstream; you are in main\n" },
        { "daemon off; user a;\ndaemon on;",
          "\"daemon\" directive is duplicate @2:1\n- the first one stands here @1:1\n" },
        { "http { server { location / { root a; try b; root c; } } }",
          "\"root\" directive is duplicate @1:45\n- the first one stands here @1:30\n" },
        { "http {} http {}",
          "\"http\" directive is duplicate @1:9\n- the first one stands here @1:1\n" },
        { "daemon maybe; daemon off;",
          "invalid value \"maybe\" in \"daemon\" directive, it must be \"on\" or \"off\" @1:8\n"
          "\"daemon\" directive is duplicate @1:15\n- the first one stands here @1:1\n" },
        { "daemon off; daemon;",
          "invalid number of arguments in \"daemon\" directive @1:13\n"
          USAGE("daemon", "1 argument: on | off") },
        { "daemon on off;",
          "invalid number of arguments in \"daemon\" directive @1:11\n"
          USAGE("daemon", "1 argument: on | off") },
        { "workers 1 2 3;",
          "invalid number of arguments in \"workers\" directive @1:11\n"
          USAGE("workers", "1 argument: number, 1 to 64") },
        { "user;", "invalid number of arguments in \"user\" directive @1:1\n"
          USAGE("user", "1 or 2 arguments: string") },
        { "mutex;", "invalid number of arguments in \"mutex\" directive @1:1\n"
          USAGE("mutex", "1 argument") },
        { "http { next; }", "invalid number of arguments in \"next\" directive @1:8\n"
          USAGE("next", "1 to 3 arguments: error | timeout | off ...") },
        { "http { server { server_name; } }",
          "invalid number of arguments in \"server_name\" directive @1:17\n"
          USAGE("server_name", "at least 1 argument: string ...") },
        { "http x {}", "invalid number of arguments in \"http\" directive @1:6\n"
          USAGE("http", "no arguments and a block") },
        { "http { server { location a b c; } }",
          "directive \"location\" has no opening \"{\" @1:30\n"
          USAGE("location", "1 argument and a block") },
        { "daemon on off {}", "directive \"daemon\" is not terminated by \";\" @1:11\n"
          USAGE("daemon", "1 argument: on | off") },
        { "http { words {} }", "directive \"words\" is not terminated by \";\" @1:8\n"
          USAGE("words", "any number of arguments: word ...") },
        { "workers 65;", "value must be between 1 and 64 @1:9\n" },
        { "hash_size x;", "\"hash_size\" directive invalid value @1:11\n"
          "- expected bytes; 16k is 16 times 1024, 1m is 1024k\n" },
        { "engine a b c; engine { x; }",
          "\"engine\" directive is not built into weir: OpenSSL has providers @1:1\n"
          "\"engine\" directive is not built into weir: OpenSSL has providers @1:15\n" },
        { "http { free { a b; bad; c { d; } bad x; } }",
          "bad word @1:20\nunexpected \"{\" @1:25\nbad word @1:34\n" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        apply(&run, rows[i].text);
        ok(!run.good && run.list.errors > 0, "refused, row %zu", i);
        is_str(report_of(&run), rows[i].report, "its report");
        ok(!strstr(events.text, "module("), "nothing was finished");
        end(&run);
    }
}

static void test_never(void)
{
    struct run run;
    apply(&run, "perl x;");
    is_str(report_of(&run), "unknown directive \"perl\" @1:1\n"
           "- it belongs to ngx_http_perl_module, which weir leaves out\n", "left out for good");
    end(&run);
}

static void test_codes(void)
{
    static const char *const codes[] = {
        "unknown-directive", "not-built", "not-allowed", "duplicate", "argument-count",
        "no-block", "not-terminated", "not-built",
    };
    struct run run;
    unsigned n = 0;
    apply(&run, "foo; proxy_pass; timeout 1; user a; user b; daemon; http; daemon {} engine;");
    for (const struct diag *d = run.list.first; d && n < countof(codes); d = d->next)
        is_str(d->code, codes[n++], "code of: %s", d->message.at);
    is_uint(n, countof(codes), "all of them");
    end(&run);
}

static void test_swallowed(void)
{
    static const struct {
        const char *text, *report;
    } rows[] = {
        { "daemon off\nuser a;", "invalid number of arguments in \"daemon\" directive @2:1\n"
          "- is a \";\" missing after \"off\"? @1:8\n" USAGE("daemon", "1 argument: on | off") },
        { "daemon\n  user a {}", "directive \"daemon\" is not terminated by \";\" @2:8\n"
          "- is a \";\" missing after \"daemon\"? @1:1\n" USAGE("daemon", "1 argument: on | off") },
        { "daemon maybe\n;user a;",
          "invalid value \"maybe\" in \"daemon\" directive, it must be \"on\" or \"off\" @1:8\n" },
        { "daemon on\n   off;", "invalid number of arguments in \"daemon\" directive @2:4\n"
          USAGE("daemon", "1 argument: on | off") },
        { "daemon on\n'user' a;", "invalid number of arguments in \"daemon\" directive @2:1\n"
          USAGE("daemon", "1 argument: on | off") },
        { "daemon on\nproxy_pass a;", "invalid number of arguments in \"daemon\" directive @2:1\n"
          "- is a \";\" missing after \"on\"? @1:8\n" USAGE("daemon", "1 argument: on | off") },
        { "http { next error\n satisfy any; }",
          "invalid value \"satisfy\" @2:2\n- is a \";\" missing after \"error\"? @1:13\n"
          "- expected error | timeout | off\n" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        apply(&run, rows[i].text);
        is_str(report_of(&run), rows[i].report, "a lost \";\", row %zu", i);
        end(&run);
    }
}

static void test_no_cascades(void)
{
    static const struct {
        const char *text, *fail, *report, *events;
    } rows[] = {
        { "foo { bar; baz { quux; } } daemon x y;", NULL,
          "unknown directive \"foo\" @1:1\n"
          "invalid number of arguments in \"daemon\" directive @1:37\n"
          USAGE("daemon", "1 argument: on | off"), "" },
        { "server { bar; } location / { bar; }", NULL,
          "\"server\" directive is not allowed here @1:1\n"
          "- \"server\" is allowed in http, upstream; you are in main\n"
          "\"location\" directive is not allowed here @1:17\n"
          "- \"location\" is allowed in server, location; you are in main\n", "" },
        { "http { server a { location /x { foo; } } server b { location /y { } } }", NULL,
          "unknown directive \"foo\" @1:33\n",
          "open(a) open(/x) open(b) open(/y) close(/y) close(b) " },
        { "http { server a { foo; } server b { foo; } }", "open(a)",
          "open failed for a @1:15\nunknown directive \"foo\" @1:37\n", "open(a) open(b) " },
        { "http { server a { } server b { } }", "close(a)", "close failed for a @1:8\n",
          "open(a) close(a) open(b) close(b) " },
        { "workers 0; user; http { timeout x; server { each y; } } ", NULL,
          "value must be between 1 and 64 @1:9\n"
          "invalid number of arguments in \"user\" directive @1:12\n"
          USAGE("user", "1 or 2 arguments: string")
          "\"timeout\" directive invalid value @1:33\n"
          "- expected a time such as 500ms, 30s, 1m30s, 2h or 1d; without a unit: seconds\n"
          "\"each\" directive invalid number @1:50\n- expected a whole number\n",
          "open(server) " },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        begin(&run);
        events_clear();
        events.fail = rows[i].fail;
        struct conf_node *nodes = conf_tree_text(&run.cf, STR("x"), str_from(rows[i].text));
        ok(!conf_apply(&run.cf, nodes), "refused: %s", rows[i].text);
        is_str(report_of(&run), rows[i].report, "all that is wrong, and no more");
        is_str(events.text, rows[i].events, "what was called");
        end(&run);
    }
}

/* What the tree left out must not be missed by close, and all else is still looked at. */
static void test_partial(void)
{
    struct run run;
    apply(&run, "http { server a { ; timeout 1s; foo; } }");
    ok(!run.good, "a tree with errors");
    is_str(report_of(&run), "unexpected \";\" @1:19\nunknown directive \"foo\" @1:33\n",
           "the tree's error, and the engine's");
    end(&run);
    unsetenv("WEIR_T_NONE");
    apply(&run, "http { server a { timeout ${env:WEIR_T_NONE}; } }");
    ok(!run.good && run.list.errors == 1, "one error");
    is_str(events.text, "open(a) ", "not closed, not finished");
    end(&run);
}

static void test_finish_errors(void)
{
    static const char text[] = "http { server a { timeout 1s; location /a { root x; } }\n"
                               " server b { root y; location /b { root z; } } }";
    static const struct {
        const char *fail, *report, *events;
    } rows[] = {
        { "server(a)", "finish failed for a @1:8\n",
          "server(http) location(http) each(http) "
          "server(a) location(a) each(a) location(b) each(b) location(/b) each(/b) " },
        { "location(b)", "finish failed for b @2:2\n",
          "server(http) location(http) each(http) server(a) location(a) each(a) "
          "location(/a) each(/a) location(b) each(b) " },
        { "module(core)", "core failed\n",
          "server(http) location(http) each(http) server(a) location(a) each(a) "
          "location(/a) each(/a) location(b) each(b) location(/b) each(/b) module(core) " },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        begin(&run);
        events_clear();
        struct conf_node *nodes = conf_tree_text(&run.cf, STR("x"), str_from(text));
        run.cf.root = NULL;
        events.fail = rows[i].fail;
        ok(!conf_apply(&run.cf, nodes), "%s fails", rows[i].fail);
        is_str(report_of(&run), rows[i].report, "where");
        const char *finish = strstr(events.text, "close(http) ");
        is_str(finish ? finish + 12 : NULL, rows[i].events, "what was finished");
        end(&run);
    }
}

/* --- values ----------------------------------------------------------------------------------- */

static void test_empty(void)
{
    struct run run;
    apply(&run, "");
    ok(run.good && run.cf.root && run.gen.root == run.cf.root, "an empty configuration");
    ok(run.cf.root->scope == IN_MAIN && !run.cf.root->children && run.cf.root->nwords == 0,
       "its root");
    const struct main_conf *conf = conf_of(run.cf.root, main_section);
    ok(conf && conf->daemon && conf->workers == 2 && str_empty(conf->user), "defaults");
    ok(!conf_is_set(conf, &main_section, "daemon"), "nothing was set");
    ok(!conf_of(run.cf.root, location_section), "no structure outside of its blocks");
    is_str(events.text, "module(core) module(http) ", "modules are finished");
    end(&run);
}

static void test_main(void)
{
    struct run run;
    apply(&run, "daemon OFF; user a b; hash_size 4k; mutex on; mutex off;");
    const struct main_conf *conf = conf_of(run.cf.root, main_section);
    ok(run.good && !conf->daemon && conf->workers == 2 && str_eq(conf->user, STR("a")),
       "given, default, given");
    ok(conf_is_set(conf, &main_section, "daemon") && conf_is_set(conf, &main_section, "user")
       && conf_is_set(conf, &main_section, "mutex") && !conf_is_set(conf, &main_section, "workers"),
       "bits");
    ok(conf->set.bits[0] == 0x1d && conf->set.bits[1] == 0, "no other");
    end(&run);
}

static void test_blocks(void)
{
    struct run run;
    apply(&run, "events {}\nhttp {\n server {\n  location '/a b' { }\n }\n server { } }");
    const struct conf_block *http = inside(run.cf.root, 1), *server = inside(http, 0);
    const struct conf_block *location = inside(server, 0);
    ok(run.good && inside(run.cf.root, 0)->scope == IN_EVENTS && http->scope == IN_HTTP
       && server->scope == IN_SERVER && location->scope == IN_LOCATION, "blocks");
    ok(inside(http, 1)->scope == IN_SERVER && !inside(http, 1)->next, "the second server");
    ok(location->parent == server && server->parent == http && http->parent == run.cf.root,
       "their parents");
    is_uint(location->nwords, 2, "words");
    is_str(location->words[1].at, "/a b", "unquoted");
    is_uint(location->line, 4, "line");
    is_str(location->file.at, "x", "file");
    ok(location->file.at == http->file.at && inside(http, 1)->file.at == http->file.at,
       "one copy of its name");
    ok(!location->node && !http->node, "the tree is forgotten");
    ok(location->data == location, "data");
    is_str(events.text, "open(server) open(/a b) close(/a b) close(server) open(server) "
           "close(server) close(http) server(http) location(http) each(http) location(server) "
           "each(server) each(/a b) each(server) module(core) module(http) ",
           "the order of calls");
    end(&run);
}

static void test_sharing(void)
{
    struct run run;
    apply(&run, "http { timeout 5s; server { location /a { location /a/b { } } "
          "location /c { root c; location /c/d { } } } server { timeout 0; } }");
    const struct conf_block *http = inside(run.cf.root, 0);
    const struct conf_block *first = inside(http, 0), *second = inside(http, 1);
    const struct conf_block *a = inside(first, 0), *c = inside(first, 1);
    const struct server_conf *of_http = conf_of(http, server_section);
    const struct server_conf *of_second = conf_of(second, server_section);
    ok(run.good && conf_of(first, server_section) == of_http, "nothing said: the parent's");
    ok(of_second != of_http && of_second->timeout == 0 && of_http->timeout == 5000,
       "something said: its own, and zero is a value");
    ok(conf_is_set(of_second, &server_section, "timeout")
       && !conf_is_set(of_second, &server_section, "server"), "bits are of the block");
    ok(of_http->finished == 1 && of_second->finished == 2, "finished, each with its parent");
    ok(location_of(a) != location_of(first), "a block inside is a row that is used");
    ok(location_of(inside(a, 0)) == location_of(a), "shared by the block inside");
    ok(location_of(inside(c, 0)) == location_of(c), "so is one with values");
    ok(location_of(c)->parent == location_of(first)
       && location_of(first)->parent == location_of(http) && !location_of(http)->parent,
       "parents in finish");
    is_str(location_of(inside(c, 0))->root.at, "/prefix/c", "its value");
    is_str(location_of(a)->root.at, "/prefix/html", "the default");
    ok(location_of(a)->root.at == location_of(http)->root.at, "copied, not parsed again");
    ok(conf_of(a, each_section) != conf_of(first, each_section)
       && conf_of(first, each_section) != conf_of(http, each_section), "per block: never shared");
    ok(!conf_of(a, server_section), "not in this kind of block");
    end(&run);
}

static void test_tops(void)
{
    struct run run;
    apply(&run, "http { server { location /a { location /b { only 3; } } location /c { } } "
          "upstream u { server a; } }");
    const struct conf_block *server = inside(inside(run.cf.root, 0), 0);
    const struct conf_block *a = inside(server, 0), *c = inside(server, 1);
    const struct only_conf *of_a = conf_of(a, only_section), *of_c = conf_of(c, only_section);
    const struct only_conf *of_b = conf_of(inside(a, 0), only_section);
    ok(run.good && of_a->number == 9 && of_c->number == 9 && of_b->number == 3,
       "each topmost block has the defaults");
    ok(of_a != of_c, "two of them");
    const struct gap_conf *of_http = conf_of(inside(run.cf.root, 0), gap_section);
    ok(!conf_of(server, gap_section) && conf_of(a, gap_section) == of_http,
       "inherited over a block that has none");
    const struct upstream_conf *upstream =
        conf_of(inside(inside(run.cf.root, 0), 1), upstream_section);
    is_str(upstream->peer.at, "a", "the other \"server\"");
    end(&run);
}

static void test_own(void)
{
    struct run run;
    apply(&run, "http { server { try a b; depth 2; internal on; location /a { } "
          "location /b { root x; } location /c { try c; location /d { } } } server { } }");
    const struct conf_block *http = inside(run.cf.root, 0), *server = inside(http, 0);
    const struct location_conf *s = location_of(server), *a = location_of(inside(server, 0));
    const struct location_conf *c = location_of(inside(server, 2));
    const struct location_conf *d = location_of(inside(inside(server, 2), 0));
    is_str(joined(&run, s->try), "a,b", "given");
    ok(a != s, "what ends at the parent is not shared");
    ok(a->try.count == 0 && a->depth == 7 && !a->internal, "instead: nothing, or the default");
    ok(location_of(inside(server, 1))->try.count == 0, "nor copied");
    is_str(joined(&run, c->try), "c", "given again");
    ok(d != c && d->try.count == 0, "and not further");
    ok(location_of(inside(http, 1)) == location_of(http), "but shared where none was given");
    ok(s->depth == 2 && s->internal && location_of(http)->depth == 7, "own values");
    end(&run);
}

static void test_nameless(void)
{
    struct run run;
    apply(&run, "http { server { handler s; level 9; if x { root i; } "
          "location /a { handler h; if y { } limit_except GET { root e; } location /b { } "
          "location /c { root c; } } location /d { } } }");
    const struct conf_block *server = inside(inside(run.cf.root, 0), 0), *a = inside(server, 1);
    ok(run.good, "nameless rows");
    is_str(location_of(inside(server, 0))->handler.at, "s", "into an if of a server");
    is_int(location_of(inside(server, 0))->level, 9, "with all");
    ok(location_of(inside(a, 0)) == location_of(a), "an if that says nothing shares");
    is_str(location_of(inside(a, 1))->handler.at, "h", "into a limit_except that says something");
    ok(location_of(inside(a, 2)) != location_of(a)
       && str_empty(location_of(inside(a, 2))->handler), "not into a location");
    is_int(location_of(inside(a, 2))->level, 3, "which has the default");
    ok(str_empty(location_of(inside(a, 3))->handler), "nor into one that says something");
    ok(location_of(inside(server, 2)) != location_of(server)
       && str_empty(location_of(inside(server, 2))->handler), "nor from a server");
    is_str(location_of(a)->handler.at, "h", "its own");
    end(&run);
}

static void test_lists(void)
{
    struct run run;
    apply(&run, "http { types a b; types c; allow 1; deny 2; server { allow 3; "
          "location / { types d; } } server { satisfy any; next off; } }");
    const struct conf_block *http = inside(run.cf.root, 0), *first = inside(http, 0);
    const struct location_conf *l = location_of(inside(first, 0));
    const struct location_conf *second = location_of(inside(http, 1));
    is_str(joined(&run, location_of(http)->types), "a,b,c", "appended; no default");
    is_str(joined(&run, location_of(first)->types), "a,b,c", "inherited whole");
    is_str(joined(&run, l->types), "d", "replaced");
    is_str(joined(&run, location_of(http)->rules), "1,2", "two rows, one list");
    is_str(joined(&run, location_of(first)->rules), "3", "one of them replaces all of it");
    is_str(joined(&run, l->rules), "3", "and that is inherited");
    is_str(joined(&run, second->rules), "1,2", "or the other");
    ok(second->satisfy == 2 && second->next == 4, "names");
    ok(l->satisfy == 1 && l->next == 3, "their defaults");
    end(&run);
    apply(&run, "http { server { } }");
    is_str(joined(&run, location_of(inside(run.cf.root, 0))->types), "text/html,text/x y",
           "a default of several words, one quoted");
    end(&run);
}

static void test_fieldless(void)
{
    struct run run;
    apply(&run, "http { server { words x; } server { free { a b; c; } free { d; } } server { } }");
    const struct conf_block *http = inside(run.cf.root, 0);
    const struct words_conf *of_http = conf_of(http, words_section);
    const struct words_conf *first = conf_of(inside(http, 0), words_section);
    const struct words_conf *second = conf_of(inside(http, 1), words_section);
    ok(run.good && of_http->defaults == 1, "the default at the top");
    ok(first->nwords == 1 && first->defaults == 0, "given");
    ok(second->nwords == 0 && second->nfree == 3 && second->defaults == 0,
       "no default further down; three statements");
    ok(conf_of(inside(http, 2), words_section) == of_http, "shared");
    end(&run);
}

static void test_own_structure(void)
{
    struct run run;
    begin(&run);
    struct conf_block *block = new_block(&run.cf, IN_LOCATION, NULL);
    run.cf.block = block;
    struct only_conf *conf = conf_own(&run.cf, &only_section);
    ok(conf && conf->number == 0 && conf_of(block, only_section) == conf, "made");
    ok(conf_own(&run.cf, &only_section) == conf, "and found again");
    end(&run);
}

static void test_paths(void)
{
    struct run run;
    begin(&run);
    is_str(conf_full_path(&run.cf, STR("a/b")).at, "/prefix/a/b", "under the prefix");
    is_str(conf_full_path(&run.cf, STR("/a")).at, "/a", "absolute");
    is_str(conf_full_path(&run.cf, STR("")).at, "/prefix/", "empty");
    is_str(conf_full_conf_path(&run.cf, STR("m.types")).at, "/etc/weir/m.types", "the other");
    is_uint(conf_full_conf_path(&run.cf, STR("m.types")).len, 17, "its length");
    end(&run);
}

static void test_places(void)
{
    struct run run;
    begin(&run);
    const struct conf_node *node = conf_tree_text(&run.cf, STR("x"), STR("a bb\n ccc;"));
    run.cf.node = node;
    is_uint(conf_place(&run.cf, 2).line, 2, "an argument");
    is_uint(conf_place(&run.cf, 9).len, 3, "behind the last: the last");
    ok(conf_diag(&run.cf, DIAG_WARN, 1, "test", "careful")->place.len == 2, "a warning");
    ok(run.list.errors == 0 && run.list.warnings == 1, "is no error");
    run.cf.node = NULL;
    ok(!conf_place(&run.cf, 0).file, "nowhere");
    end(&run);
}

/* --- nothing of the run is left --------------------------------------------------------------- */

static bool in_pool(const struct pool *pool, uintptr_t word)
{
    for (const struct pool_chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
        if (word >= (uintptr_t)chunk && word - (uintptr_t)chunk < chunk->size)
            return true;
    return false;
}

static unsigned words_into(const struct pool *from, const struct pool *into)
{
    unsigned count = 0;
    for (const struct pool_chunk *chunk = from->chunks; chunk; chunk = chunk->next) {
        const uintptr_t *word = (const void *)(chunk + 1), *behind = word;
        behind += (chunk->size - sizeof(*chunk)) / sizeof(*word);
        for (; word < behind; word++)
            count += in_pool(into, *word);
    }
    return count;
}

static void test_contained(void)
{
    struct run run;
    apply(&run, "user 'a b'; http { types a b c; server n { server_name x y; timeout 3s; "
          "location /l { root x; allow 1; deny 2; try a b; if q { handler h; } } } "
          "upstream u { server a; } free { a; } }");
    ok(run.good, "a bit of everything");
    ok(words_into(&run.temp, &run.temp) > 100, "the search for pointers finds some");
    is_uint(words_into(&run.pool, &run.temp), 0, "none from the generation into the run");
    end(&run);
}

/* --- size ------------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Linear work takes milliseconds of these seconds, quadratic work minutes. */
static void test_size(void)
{
    struct run run;
    struct fmt f;
    begin(&run);
    fmt_init_pool(&f, &run.temp, 8 << 20, 64 << 20);
    fmt_text(&f, "http { server {");
    for (unsigned i = 0; i < 20000; i++)
        fmt_print(&f, "location /%u { root x%u; allow %u; deny %u; }\n", i, i, i, i);
    for (unsigned i = 0; i < 20000; i++)
        fmt_print(&f, "types t%u;\n", i);
    fmt_text(&f, "}}");
    const struct str text = fmt_done(&f);
    events_clear();
    struct conf_node *nodes = conf_tree_text(&run.cf, STR("x"), text);
    const double start = seconds();
    /* 40,000 calls of open and close would each print a line. */
    for (struct conf_node *n = nodes->children->children; n; n = n->next)
        if (n->block)
            n->words[0].text = STR("if");
    ok(conf_apply(&run.cf, nodes), "100,000 statements");
    const double took = seconds() - start;
    ok(took < 5, "in %.3f s", took);
    const struct conf_block *server = inside(inside(run.cf.root, 0), 0);
    is_uint(location_of(server)->types.count, 20000, "a list of 20,000");
    is_str(location_of(server)->types.at[19999].at, "t19999", "its last");
    end(&run);
}

static void test_many_errors(void)
{
    struct run run;
    struct fmt f;
    begin(&run);
    fmt_init_pool(&f, &run.temp, 1 << 20, 64 << 20);
    for (unsigned i = 0; i < 50000; i++)
        fmt_print(&f, "worker%u x;\ntimeout x;\ndaemon on;\n", i);
    const double start = seconds();
    apply_text(&run, fmt_done(&f));
    const double took = seconds() - start;
    ok(!run.good && took < 10, "150,000 statements, nearly all wrong, in %.3f s", took);
    is_uint(run.list.errors, 149999, "all are counted");
    end(&run);
}

int main(void)
{
    events_clear();
    conf_register(modules);
    test_tables();
    test_wrong_rows();
    test_wrong_sections();
    test_errors();
    test_never();
    test_codes();
    test_swallowed();
    test_no_cascades();
    test_partial();
    test_finish_errors();
    test_empty();
    test_main();
    test_blocks();
    test_sharing();
    test_tops();
    test_own();
    test_nameless();
    test_lists();
    test_fieldless();
    test_own_structure();
    test_paths();
    test_places();
    test_contained();
    test_size();
    test_many_errors();
    return done_testing();
}
