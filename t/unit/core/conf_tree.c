/*
 * Configuration files to trees: what nginx says about broken files, recovery, includes, -g.
 * Owns a temporary folder, removed at the end.
 */
#include "core/conf_tree.c"

#include "t/unit/tap.h"

#include <stdio.h>

struct run {
    struct pool pool;
    struct diag_list list;
    struct conf_paths paths;
    struct conf cf;
    struct conf_node *nodes;
};

static void write_file(const char *folder, const char *name, struct str text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(text.at, 1, text.len, file) != text.len || fclose(file) != 0)
        abort();
}

static void begin_run(struct run *run, const char *folder)
{
    memset(run, 0, sizeof(*run));
    pool_init(&run->pool, &pool_heap);
    diag_init(&run->list, &run->pool);
    run->paths.conf_prefix = fmt_pool(&run->pool, "%s/", folder);
    run->cf.pool = run->cf.temp = &run->pool;
    run->cf.diag = &run->list;
    run->cf.paths = &run->paths;
}

static void read_named(struct run *run, const char *folder, const char *name, const char *global)
{
    begin_run(run, folder);
    run->nodes = conf_tree_read(&run->cf, fmt_pool(&run->pool, "%s/%s", folder, name),
                                str_from(global));
}

static void read_conf(struct run *run, const char *folder, struct str text, const char *global)
{
    write_file(folder, "t.conf", text);
    read_named(run, folder, "t.conf", global);
}

/* a[b]{c[d]} for "a b { c d; }", ! where a broken statement was left out. */
static void show_nodes(struct fmt *f, const struct conf_node *node)
{
    for (; node; node = node->next) {
        for (unsigned i = 0; i < node->nwords; i++)
            fmt_print(f, i ? "[%.*s]" : "%.*s", STR_FMT(node->words[i].text));
        if (node->block) {
            fmt_char(f, '{');
            show_nodes(f, node->children);
            fmt_text(f, node->partial ? "!}" : "}");
        }
        if (node->next)
            fmt_char(f, ' ');
    }
}

static const char *shown(struct run *run)
{
    struct fmt f;
    fmt_init_pool(&f, &run->pool, 256, 1 << 20);
    show_nodes(&f, run->nodes);
    return fmt_done(&f).at;
}

static const char *replaced(struct run *run, struct str text, const char *folder)
{
    struct fmt f;
    const struct str name = str_from(folder);
    fmt_init_pool(&f, &run->pool, 256, 1 << 20);
    for (ssize_t at; (at = str_find(text, name)) >= 0;) {
        fmt_str(&f, str_of(text.at, (size_t)at));
        fmt_char(&f, '@');
        text = str_of(text.at + at + name.len, text.len - (size_t)at - name.len);
    }
    fmt_str(&f, text);
    return fmt_done(&f).at;
}

/* All messages as people see their first lines, with the folder as "@". */
static const char *lines(struct run *run, const char *folder)
{
    struct fmt f;
    fmt_init_pool(&f, &run->pool, 256, 1 << 20);
    for (const struct diag *d = run->list.first; d; d = d->next) {
        fmt_text(&f, "weir: [emerg] ");
        diag_line(d, &f);
        if (d->next)
            fmt_char(&f, '\n');
    }
    return replaced(run, fmt_done(&f), folder);
}

static const char *details(struct run *run, const char *folder)
{
    struct fmt f;
    fmt_init_pool(&f, &run->pool, 256, 1 << 20);
    for (const struct diag *d = run->list.first; d; d = d->next)
        diag_details(d, &f);
    return replaced(run, fmt_done(&f), folder);
}

/* The files that every configuration of the tables may include. */
static void write_files(const char *folder)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/sub", folder);
    if (mkdir(path, 0700) != 0)
        abort();
    write_file(folder, "good.inc", STR("x y;\nz { }\n"));
    write_file(folder, "empty.inc", STR(""));
    write_file(folder, "end.inc", STR("daemon on\n"));
    write_file(folder, "close.inc", STR("a; }\nb;"));
    write_file(folder, "open.inc", STR("http {\n server {\n"));
    write_file(folder, "quote.inc", STR("daemon \"x"));
    write_file(folder, "missing.inc", STR("include none.inc;"));
    write_file(folder, "self.inc", STR("a;\ninclude self.inc;"));
    write_file(folder, "ping.inc", STR("include pong.inc;"));
    write_file(folder, "pong.inc", STR("include ping.inc;"));
    write_file(folder, "sub/b.conf", STR("b;"));
    write_file(folder, "sub/a.conf", STR("a;"));
    write_file(folder, "sub/B.conf", STR("B;"));
    write_file(folder, "sub/.h.conf", STR("hidden;"));
    write_file(folder, "[x].inc", STR("brackets;"));
}

static void remove_files(const char *folder)
{
    static const char *const names[] = {
        "t.conf", "good.inc", "empty.inc", "end.inc", "close.inc", "open.inc", "quote.inc",
        "missing.inc", "self.inc", "ping.inc", "pong.inc", "sub/b.conf", "sub/a.conf",
        "sub/B.conf", "sub/.h.conf", "[x].inc", "sub",
    };
    char path[256];
    for (size_t i = 0; i < countof(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        if (remove(path) != 0)
            abort();
    }
    if (rmdir(folder) != 0)
        abort();
}

/* --- broken files: nginx's words, one error for one cause ------------------------------------ */

struct broken {
    struct str text;
    const char *global;
    const char *line, *nodes;
};

#define END_STATEMENT "unexpected end of file, expecting \";\" or \"}\" in "
#define END_BLOCK "unexpected end of file, expecting \"}\" in "
#define END_PARAMETER "unexpected end of parameter, expecting \";\" in command line"
#define NOT_FOUND "failed (2: No such file or directory) in "

static const struct broken broken[] = {
    /* The text ends too early: nginx's line is the last one. */
    { STR_INIT("events{"), "", END_BLOCK "@/t.conf:1", "" },
    { STR_INIT("events {\n"), "", END_BLOCK "@/t.conf:2", "" },
    { STR_INIT("events {\n  a;\n"), "", END_BLOCK "@/t.conf:3", "events{a!}" },
    { STR_INIT("events {\r\n  a;\r\n"), "", END_BLOCK "@/t.conf:3", "events{a!}" },
    { STR_INIT("events { # }\n"), "", END_BLOCK "@/t.conf:2", "" },
    { STR_INIT("http {\n server {\n  location / {\n  }\n }\n"), "", END_BLOCK "@/t.conf:6",
      "http{server{location[/]{}}!}" },
    { STR_INIT("events"), "", END_STATEMENT "@/t.conf:1", "" },
    { STR_INIT("daemon on\n"), "", END_STATEMENT "@/t.conf:2", "" },
    { STR_INIT("a b\n\n"), "", END_STATEMENT "@/t.conf:3", "" },
    { STR_INIT("daemon \"on\""), "", END_STATEMENT "@/t.conf:1", "" },
    { STR_INIT("daemon on\\"), "", END_STATEMENT "@/t.conf:1", "" },
    { STR_INIT("daemon ${"), "", END_STATEMENT "@/t.conf:1", "" },
    { STR_INIT("events{} a"), "", END_STATEMENT "@/t.conf:1", "events{}" },
    { STR_INIT("daemon a\\;\nevents"), "", END_STATEMENT "@/t.conf:2", "" },
    { STR_INIT("events { daemon"), "", END_STATEMENT "@/t.conf:1", "" },
    { STR_INIT("events{}\ninclude"), "", END_STATEMENT "@/t.conf:2", "events{}" },
    { STR_INIT("events{}\ninclude a.inc"), "", END_STATEMENT "@/t.conf:2", "events{}" },
    { STR_INIT("daemon \"on"), "", END_STATEMENT "@/t.conf:1", "" },
    { STR_INIT("events{}\n\"a\n\n"), "", END_STATEMENT "@/t.conf:4", "events{}" },
    { STR_INIT("events { \""), "", END_STATEMENT "@/t.conf:1", "events{!}" },
    { STR_INIT("daemon \"a\\;\nevents{}\n"), "", END_STATEMENT "@/t.conf:3", "events{}" },
    { STR_INIT("http {\n a \"b;\n c;\n}\nd;\n"), "", END_STATEMENT "@/t.conf:6", "http{c!} d" },
    /* A mark where it may not stand. */
    { STR_INIT("}"), "", "unexpected \"}\" in @/t.conf:1", "" },
    { STR_INIT("events{}}"), "", "unexpected \"}\" in @/t.conf:1", "events{}" },
    { STR_INIT("daemon on;}events{}"), "", "unexpected \"}\" in @/t.conf:1", "daemon[on]" },
    { STR_INIT("events{ } } foo;}}"), "", "unexpected \"}\" in @/t.conf:1", "events{}" },
    { STR_INIT("events { a }"), "", "unexpected \"}\" in @/t.conf:1", "events{!}" },
    { STR_INIT("events { a;\nb\n}\nc;"), "", "unexpected \"}\" in @/t.conf:3", "events{a!} c" },
    { STR_INIT("daemon on }"), "", "unexpected \"}\" in @/t.conf:1", "" },
    { STR_INIT("events{}\ninclude a.inc }"), "", "unexpected \"}\" in @/t.conf:2", "events{}" },
    { STR_INIT(";"), "", "unexpected \";\" in @/t.conf:1", "" },
    { STR_INIT("daemon on;;"), "", "unexpected \";\" in @/t.conf:1", "daemon[on]" },
    { STR_INIT("events{};"), "", "unexpected \";\" in @/t.conf:1", "events{}" },
    { STR_INIT("{}"), "", "unexpected \"{\" in @/t.conf:1", "" },
    { STR_INIT("events {}{ a { } b; } c;"), "", "unexpected \"{\" in @/t.conf:1", "events{} c" },
    { STR_INIT("events {} {}"), "", "unexpected \"{\" in @/t.conf:1", "events{}" },
    { STR_INIT("http {\n  server {\n    a;\n    }\n    b;\n  }\n}\nc;"), "",
      "unexpected \"}\" in @/t.conf:7", "http{server{a}!}" },
    { STR_INIT("http {\n  a;\n  server {\n    b;\n  server {\n    c;\n  }\n}\nd;"), "",
      END_BLOCK "@/t.conf:9", "http{a!}" },
    { STR_INIT("a {\n{ b; }\nc;"), "", "unexpected \"{\" in @/t.conf:2", "" },
    /* Behind a closing quote. */
    { STR_INIT("daemon \"a\"\"b\";e;"), "", "unexpected \"\"\" in @/t.conf:1", "e" },
    { STR_INIT("daemon \"a\"b;e;"), "", "unexpected \"b\" in @/t.conf:1", "e" },
    { STR_INIT("daemon \"a\"#x\n;e;"), "", "unexpected \"#\" in @/t.conf:1", "e" },
    { STR_INIT("daemon \"a\"'b';e;"), "", "unexpected \"'\" in @/t.conf:1", "e" },
    { STR_INIT("x { daemon \"a\"}e;"), "", "unexpected \"}\" in @/t.conf:1", "x{!} e" },
    { STR_INIT("a \"b\"\xc3\xa9\xa9;"), "", "unexpected \"\xc3\xa9\\xA9\" in @/t.conf:1", "" },
    { STR_INIT("daemon \"a\"];"), "", "unexpected \"]\" in @/t.conf:1", "" },
    { STR_INIT("events{}\n\n daemon\n\n \"a\nb\"c;"), "", "unexpected \"c\" in @/t.conf:6",
      "events{}" },
    { STR_INIT("add_header X 'it's';\na;"), "", "unexpected \"s\" in @/t.conf:1", "a" },
    { STR_INIT("add_header X \"a;\nadd_header Y \"b\";\na;"), "", "unexpected \"b\" in @/t.conf:2",
      "a" },
    { STR_INIT("add_header X \"a;\nadd_header Y \"\";\na \"b\";"), "",
      "unexpected \"\"\" in @/t.conf:2", "a[b]" },
    { STR_INIT("location \"a\"b { c \"d\"e; }\nf;"), "",
      "unexpected \"b\" in @/t.conf:1\nunexpected \"e\" in @/t.conf:1", "f" },
    /* An unquoted brace: the words of nginx depend on the directive. */
    { STR_INIT("server {\nlocation ~ ^/a{2}$ { b; } }"), "",
      "unknown directive \"2}$\" in @/t.conf:2", "server{location[~][^/a{2}$]{b}}" },
    { STR_INIT("location ~ ^/x/[0-9]{1,3}/y{2} { root /a; }"), "",
      "unknown directive \"1,3}/y\" in @/t.conf:1",
      "location[~][^/x/[0-9]{1,3}/y{2}]{root[/a]}" },
    { STR_INIT("if ($uri ~ ^/x/ab{2}c) { }"), "", "invalid condition \"^/x/ab\" in @/t.conf:1",
      "if[($uri][~][^/x/ab{2}c)]{}" },
    { STR_INIT("rewrite ^/([0-9]{4})/(.*)$ /x last;"), "",
      "directive \"rewrite\" is not terminated by \";\" in @/t.conf:1",
      "rewrite[^/([0-9]{4})/(.*)$][/x][last]" },
    { STR_INIT("map $uri $b {\n ~a{2}$ x; }"), "", "unexpected \"{\" in @/t.conf:2",
      "map[$uri][$b]{~a{2}$[x]}" },
    { STR_INIT("location / { return 200 {\"a\":\"b\",\"c\":{\"d\":2}}; }"), "",
      "directive \"return\" is not terminated by \";\" in @/t.conf:1", "location[/]{!}" },
    { STR_INIT("include good.inc {}\na;"), "",
      "directive \"include\" is not terminated by \";\" in @/t.conf:1", "a" },
    /* Includes. */
    { STR_INIT("events{}\ninclude no.inc;\n"), "", "open() \"@/no.inc\" " NOT_FOUND "@/t.conf:2",
      "events{}" },
    { STR_INIT("types { include no.inc; a; }"), "", "open() \"@/no.inc\" " NOT_FOUND "@/t.conf:1",
      "types{a!}" },
    { STR_INIT("include /no/x;\n"), "", "open() \"/no/x\" " NOT_FOUND "@/t.conf:1", "" },
    { STR_INIT("include no\\ x;"), "", "open() \"@/no\\ x\" " NOT_FOUND "@/t.conf:1", "" },
    { STR_INIT("include \"{no,b}\";"), "", "open() \"@/{no,b}\" " NOT_FOUND "@/t.conf:1", "" },
    { STR_INIT("include missing.inc;"), "", "open() \"@/none.inc\" " NOT_FOUND "@/missing.inc:1",
      "" },
    { STR_INIT("include;"), "",
      "invalid number of arguments in \"include\" directive in @/t.conf:1",
      "" },
    { STR_INIT("include a b;"), "",
      "invalid number of arguments in \"include\" directive in @/t.conf:1", "" },
    { STR_INIT("include sub;"), "", "read() \"@/sub\" failed (21: Is a directory) in @/t.conf:1",
      "" },
    { STR_INIT("include end.inc;a;"), "", END_STATEMENT "@/end.inc:2", "a" },
    { STR_INIT("events {\n include close.inc; c;\n}\n"), "", "unexpected \"}\" in @/close.inc:1",
      "events{a c!}" },
    { STR_INIT("events {\n include open.inc; c;\n}\n"), "", END_BLOCK "@/open.inc:3",
      "events{http{!} c!}" },
    { STR_INIT("a { include end.inc; b; }"), "", END_STATEMENT "@/end.inc:2", "a{b!}" },
    { STR_INIT("include quote.inc;a;"), "", END_STATEMENT "@/quote.inc:1", "a" },
    { STR_INIT("include close.inc; b { include close.inc; }"), "",
      "unexpected \"}\" in @/close.inc:1",
      "a b{a!}" },
    /* -g. */
    { STR_INIT("a;"), "daemon", END_PARAMETER, "a" },
    { STR_INIT("a;"), "daemon \"x;", END_PARAMETER, "a" },
    { STR_INIT("a;"), "bad; daemon on", END_PARAMETER, "bad a" },
    { STR_INIT("a;"), "}", "unexpected \"}\" in command line", "a" },
    { STR_INIT("a;"), "daemon on }", "unexpected \"}\" in command line", "a" },
    { STR_INIT("a;"), ";", "unexpected \";\" in command line", "a" },
    { STR_INIT("a;"), "{", "unexpected \"{\" in command line", "a" },
    { STR_INIT("a;"), "\ndaemon \"on\"x;", "unexpected \"x\" in command line", "a" },
    { STR_INIT("a;"), "b; events { c",
      "block directives are not supported in -g option in command line",
      "b a" },
    { STR_INIT("a;"), "include no.inc;", "open() \"@/no.inc\" " NOT_FOUND "command line", "a" },
    { STR_INIT("a;"), "include end.inc;", END_STATEMENT "@/end.inc:2", "a" },
    /* What nginx has no words for. */
    { STR_INIT("a b\0c; d {"), "", "unexpected NUL byte in @/t.conf:1", "" },
    { STR_INIT("location ~ a{2}\0 { }"), "", "unexpected NUL byte in @/t.conf:1", "" },
    { STR_INIT("\xff\xfe" "a\0;\0"), "", "unexpected NUL byte in @/t.conf:1", "" },
    { STR_INIT("a ${env:WEIR_T_NONE}; b;"), "",
      "environment variable \"WEIR_T_NONE\" is not set in @/t.conf:1", "b" },
    { STR_INIT("a\n\"b\n ${env:WEIR_T_SET}${env:b c}\"; b;"), "",
      "invalid environment variable name \"b c\" in @/t.conf:3", "b" },
    { STR_INIT("a ${env:B c;"), "",
      "the closing bracket in \"env:B\" variable is missing in @/t.conf:1",
      "" },
    { STR_INIT("include self.inc;"), "", "\"@/self.inc\" includes itself in @/self.inc:2", "a" },
    { STR_INIT("b; c { include ping.inc; d; } e;"), "",
      "\"@/ping.inc\" includes itself in @/pong.inc:1", "b c{!}" },
    { STR_INIT("include t.conf;"), "", "\"@/t.conf\" includes itself in @/t.conf:1", "" },
    /* Independent errors of one run, in the order of the text. */
    { STR_INIT("a;; \"b\"c; { d; } include no.inc;\ne {\n"), "",
      "unexpected \";\" in @/t.conf:1\nunexpected \"c\" in @/t.conf:1\n"
      "unexpected \"{\" in @/t.conf:1\n"
      "open() \"@/no.inc\" " NOT_FOUND "@/t.conf:1\n" END_BLOCK "@/t.conf:3", "a" },
    { STR_INIT("include close.inc;\n;\ninclude end.inc;"), "b;;",
      "unexpected \";\" in command line\nunexpected \"}\" in @/close.inc:1\n"
      "unexpected \";\" in @/t.conf:2\n" END_STATEMENT "@/end.inc:2", "b a" },
};

/* Each line of `want` stands for "weir: [emerg] " and that line. */
static const char *expected(struct run *run, const char *want)
{
    struct fmt f;
    struct str rest = str_from(want), line;
    fmt_init_pool(&f, &run->pool, 256, 1 << 20);
    for (bool more = true; more;) {
        more = str_cut(rest, '\n', &line, &rest);
        fmt_print(&f, "weir: [emerg] %.*s%s", STR_FMT(line), more ? "\n" : "");
    }
    return fmt_done(&f).at;
}

static void test_broken(const char *folder)
{
    for (size_t i = 0; i < countof(broken); i++) {
        struct run run;
        read_conf(&run, folder, broken[i].text, broken[i].global);
        is_str(lines(&run, folder), expected(&run, broken[i].line), "broken file %zu", i);
        is_str(shown(&run), broken[i].nodes, "what is left of it, %zu", i);
        ok(details(&run, folder) != NULL, "its details, %zu", i);
        pool_free(&run.pool);
    }
}

/* --- files that are right -------------------------------------------------------------------- */

static const struct {
    struct str text;
    const char *global, *nodes;
} right[] = {
    { STR_INIT(""), "", "" },
    { STR_INIT("\n# x"), " ", "" },
    { STR_INIT("\xef\xbb\xbf" "a;"), "#x", "a" },
    { STR_INIT("events{}#x"), "", "events{}" },
    { STR_INIT("\"events\"{} 'a' \"b c\" ;"), "", "events{} a[b c]" },
    { STR_INIT("a { b { c d; } e; } f;"), "g h; i;", "g[h] i a{b{c[d]} e} f" },
    { STR_INIT("log x 'a'\n 'b'\n;"), "", "log[x][a][b]" },
    { STR_INIT("if ($a = \"b\") { }"), "", "if[($a][=][b][)]{}" },
    { STR_INIT("map $a $b { default 0; \"x\" ${a}; }"), "", "map[$a][$b]{default[0] x[${a}]}" },
    { STR_INIT("a ${env:WEIR_T_SET}; ${env:WEIR_T_NONE:-b c;"), "", NULL },
    { STR_INIT("a ${env:WEIR_T_SET}; b \"${env:WEIR_T_NONE:-c;d}\";"), "", "a[v;{ w] b[c;d]" },
    { STR_INIT("${env:WEIR_T_SET} x;"), "", "v;{ w[x]" },
    { STR_INIT("include good.inc;"), "", "x[y] z{}" },
    { STR_INIT("a; b { include good.inc; c; } d;"), "include good.inc;",
      "x[y] z{} a b{x[y] z{} c} d" },
    { STR_INIT("'include' \"good.inc\"; include good.inc;"), "", "x[y] z{} x[y] z{}" },
    { STR_INIT("include ${env:WEIR_T_NAME}.inc;"), "", "x[y] z{}" },
    { STR_INIT("include empty.inc; a;"), "include empty.inc;", "a" },
    { STR_INIT("a; include sub/*.conf; c;"), "", "a B a b c" },
    { STR_INIT("include sub/[ab].conf; include sub/?.conf;"), "", "a b B a b" },
    { STR_INIT("include no*.inc; include no[x; include no?; include no/*.conf; a;"), "", "a" },
    { STR_INIT("include \"\\\\[x].inc\";"), "", "brackets" },
    { STR_INIT("include /dev/null; a;"), "", "a" },
    { STR_INIT("\\include x;"), "", "\\include[x]" },
};

static void test_right(const char *folder)
{
    for (size_t i = 0; i < countof(right); i++) {
        struct run run;
        read_conf(&run, folder, right[i].text, right[i].global);
        if (right[i].nodes) {
            is_uint(run.list.errors, 0, "right file %zu", i);
            is_str(lines(&run, folder), "", "nothing is said");
            is_str(shown(&run), right[i].nodes, "its nodes");
        } else
            ok(run.list.errors > 0, "file %zu is not right", i);
        pool_free(&run.pool);
    }
}

/* A folder whose name looks like a pattern is meant as it is written. */
static void test_odd_folder(const char *folder)
{
    char odd[256], path[512];
    struct run run;
    snprintf(odd, sizeof(odd), "%s/[s]*", folder);
    if (mkdir(odd, 0700) != 0)
        abort();
    write_file(odd, "a.conf", STR("odd;"));
    read_conf(&run, odd, STR("include a*.conf;"), "");
    is_str(lines(&run, odd), "", "a folder with wildcards in its name");
    is_str(shown(&run), "odd", "its files are found");
    pool_free(&run.pool);
    snprintf(path, sizeof(path), "%s/a.conf", odd);
    remove(path);
    snprintf(path, sizeof(path), "%s/t.conf", odd);
    remove(path);
    if (rmdir(odd) != 0)
        abort();
}

static void test_no_file(const char *folder)
{
    struct run run;
    read_named(&run, folder, "none.conf", "a;");
    is_str(lines(&run, folder),
           "weir: [emerg] open() \"@/none.conf\" failed (2: No such file or directory)",
           "the file itself is missing: no place");
    is_str(shown(&run), "a", "what -g said is there");
    ok(run.cf.files == NULL, "no file was read");
    pool_free(&run.pool);
    read_named(&run, folder, "sub", "");
    is_str(lines(&run, folder), "weir: [emerg] read() \"@/sub\" failed (21: Is a directory)",
           "the file itself is a folder");
    pool_free(&run.pool);
}

/* A pipe has no size, and all of it is read. */
static void test_pipe(void)
{
    enum { SIZE = 60000 };
    static char bytes[SIZE];
    int ends[2];
    struct pool pool;
    struct str text = STR_NONE;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i % 251);
    pool_init(&pool, &pool_heap);
    if (pipe(ends) != 0 || write(ends[1], bytes, SIZE) != SIZE || close(ends[1]) != 0)
        abort();
    ok(read_descriptor(&pool, ends[0], &text), "a pipe is read");
    is_mem(text.at, text.len, bytes, SIZE, "its bytes");
    close(ends[0]);
    ok(!read_descriptor(&pool, ends[0], &text), "a descriptor that is closed");
    is_int(errno, EBADF, "its error");
    pool_free(&pool);
}

/* --- what nodes hold ------------------------------------------------------------------------- */

static void test_nodes(const char *folder)
{
    struct run run;
    read_conf(&run, folder, STR("a 'b c' d {\n\te \\n;\n}\n"), "");
    const struct conf_node *a = run.nodes, *e = a->children;
    is_uint(a->nwords, 3, "words of a block");
    ok(a->block && !a->parent && !a->partial, "a block at the top");
    ok(!a->words[0].quoted && a->words[1].quoted && !a->words[2].quoted, "quoted words");
    is_str(a->words[1].text.at, "b c", "text with a NUL behind it");
    is_uint(a->words[1].place.offset, 2, "place: offset");
    is_uint(a->words[1].place.len, 5, "place: length, with quotes");
    is_uint(a->words[1].place.column, 3, "place: column");
    is_uint(a->close.line, 3, "the closing brace: line");
    is_uint(a->close.column, 1, "the closing brace: column");
    ok(e && e->parent == a && !e->block && !e->children, "a statement in a block");
    is_uint(e->words[0].place.line, 2, "its line");
    is_uint(e->words[0].place.column, 2, "its column");
    is_mem(e->words[1].text.at, e->words[1].text.len, "\n", 1, "its argument");
    ok(e->words[0].place.file == run.cf.files, "its file");
    pool_free(&run.pool);
}

static const char *file_names(struct run *run, const char *folder)
{
    struct fmt f;
    fmt_init_pool(&f, &run->pool, 256, 1 << 20);
    for (const struct conf_file *file = run->cf.files; file; file = file->next)
        fmt_print(&f, "%.*s ", STR_FMT(file->path));
    return replaced(run, fmt_done(&f), folder);
}

static void test_files(const char *folder)
{
    struct run run;
    const struct str text = STR("include good.inc;\n"
                                "a {\n include good.inc; include sub/*.conf; }\n");
    read_conf(&run, folder, text, "include empty.inc; g;");
    is_str(file_names(&run, folder),
           "@/empty.inc @/t.conf @/good.inc @/sub/B.conf @/sub/a.conf @/sub/b.conf ",
           "files in the order of reading, each once, without -g");
    const struct conf_file *main_file = run.cf.files->next;
    is_mem(main_file->text.at, main_file->text.len, text.at, text.len, "their bytes");
    ok(!main_file->included_by && !main_file->command_line, "the file itself");
    const struct conf_node *x = run.nodes->next, *a = x->next->next;
    const struct conf_file *once = x->words[0].place.file;
    const struct conf_file *again = a->children->words[0].place.file;
    ok(once != again && str_eq(once->path, again->path), "a file that is included twice");
    is_uint(once->included_by->words[0].place.line, 1, "first included from line 1");
    is_uint(again->included_by->words[0].place.line, 3, "then from line 3");
    ok(again->included_by->parent == a && a->children->parent == a, "inside the block");
    ok(once->repeated && again->repeated, "both know of it");
    ok(!main_file->repeated && !run.cf.files->repeated, "others are there once");
    ok(run.nodes->words[0].place.file->command_line, "a statement of -g");
    is_str(run.nodes->words[0].place.file->path.at, "command line", "its file's name");
    pool_free(&run.pool);
}

static void test_swallowed(void)
{
    static const struct {
        const char *text;
        unsigned word;                  /* 0: none */
    } rows[] = {
        { "listen 80;", 0 },
        { "listen 80\nserver_name x;", 2 },
        { "  listen 80\n  server_name x;", 2 },
        { "listen\n80\nserver_name x;", 1 },
        { "log a 'b'\n      'c'\naccess d;", 4 },
        { "log a 'b'\n      'c' d;", 3 },
        { "log 'a\nb' c;", 0 },
        { "log 'a\nb'\nc;", 2 },
        { "a # b\n  c {", 1 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        unsigned word = 0;
        begin_run(&run, "");
        run.nodes = conf_tree_text(&run.cf, STR("x"),
                                   fmt_pool(&run.pool, "%s%s", rows[i].text,
                                            strchr(rows[i].text, '{') ? "}" : ""));
        ok(run.nodes && conf_node_swallowed(run.nodes, &word) == (rows[i].word > 0),
           "swallowed, row %zu", i);
        is_uint(word, rows[i].word, "which word, row %zu", i);
        pool_free(&run.pool);
    }
}

/* --- notes ----------------------------------------------------------------------------------- */

static void test_notes(const char *folder)
{
    static const struct {
        const char *text, *want;        /* a part of the details */
    } rows[] = {
        { "http {\n  server {\n", "    @/t.conf:2:10: the block opened here is not closed\n" },
        { "http {\n  server {\n    location / {\n      a;\n  }\n  server {\n  }\n}\n",
          "@/t.conf:3:16: by the indentation, the \"}\" of the block opened here is missing before "
          "line 5\n" },
        { "http {\n  server {\n    a;\n  server {\n    b;\n  }\n}\n",
          "@/t.conf:2:10: by the indentation, the \"}\" of the block opened here is missing before "
          "line 4\n" },
        { "http {\n\tserver {\n\t    a;\n        server {\n\t}\n}\n",
          "is missing before line 4\n" },
        { "http {\n  server {\n    }\n    a;\n  }\n}\n",
          "@/t.conf:3:5: by the indentation, this may be the \"}\" that is too many\n" },
        { "a;\n b \"c\nd\n", "@/t.conf:2:4: the quote that begins here is not closed\n" },
        { "a \"b;\nc \"d\";",
          "@/t.conf:1:3: the quoted word before it begins here and goes over several lines\n" },
        { "a \"b\"c;", "a quote within the word is written \\\"\n" },
        { "x {\n  listen 80\n}\n", "@/t.conf:2:12: \";\" is missing here\n" },
        { "x {\n  listen 80\n  name y\n}\n", "@/t.conf:2:12: \";\" is missing here\n" },
        { "a 'b\nc'", "@/t.conf:2:3: \";\" is missing here\n" },
        { "location ~ ^/a{2}$ {}", "quote it: \"^/a{2}$\"; an unquoted \"{\" starts a block\n" },
        { "return 200 {\"a\":1};", "quote it: '{...}'; an unquoted \"{\" starts a block\n" },
        { "a {\n};", "a block ends with \"}\" alone\n" },
        { "a ${env:WEIR_T_NONE};", "with a default it may be unset: ${env:WEIR_T_NONE:-value}\n" },
        { "a ${env:B c};", "a word that holds blanks, \";\" or \"{\" must be quoted\n" },
        { "\n  include missing.inc;", "    included from @/t.conf:2\n" },
        { "a\n\"b\n ${env:WEIR_T_NONE}\";", "     3:2 |  ${env:WEIR_T_NONE}\";\n"
          "         |  ^^^^^^^^^^^^^^^^^^\n" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct run run;
        read_conf(&run, folder, str_from(rows[i].text), "");
        is_uint(run.list.errors, 1, "one error, row %zu", i);
        const char *text = details(&run, folder);
        if (!ok(strstr(text, rows[i].want) != NULL, "its note, row %zu", i))
            diag("%s\nnot found in:\n%s", rows[i].want, text);
        pool_free(&run.pool);
    }
}

/* No hint where the indentation says nothing, and nothing is believed that may stand elsewhere. */
static void test_flat(const char *folder)
{
    struct run run;
    read_conf(&run, folder, STR("a {\nb {\nc;\nb {\nc;\n}\n}\n"), "");
    is_str(lines(&run, folder),
           "weir: [emerg] unexpected end of file, expecting \"}\" in @/t.conf:8", "a flat file");
    ok(!strstr(details(&run, folder), "indentation"), "no hint");
    is_str(shown(&run), "", "no nodes");
    pool_free(&run.pool);
}

/* --- limits ---------------------------------------------------------------------------------- */

static struct str repeated(struct pool *pool, const char *text, size_t count, const char *end)
{
    struct fmt f;
    fmt_init_pool(&f, pool, count * strlen(text), 1 << 26);
    for (size_t i = 0; i < count; i++)
        fmt_text(&f, text);
    fmt_text(&f, end);
    return fmt_done(&f);
}

static void test_depth(const char *folder)
{
    struct run run;
    begin_run(&run, folder);
    struct str text = fmt_pool(&run.pool, "%s%s", repeated(&run.pool, "a{", 256, "").at,
                               repeated(&run.pool, "}", 256, "b;").at);
    run.nodes = conf_tree_text(&run.cf, STR("x"), text);
    is_uint(run.list.errors, 0, "256 blocks deep");
    ok(run.nodes && run.nodes->next, "all of it is there");
    pool_free(&run.pool);
    begin_run(&run, folder);
    run.nodes = conf_tree_text(&run.cf, STR("x"), repeated(&run.pool, "a{", 1 << 20, ""));
    is_str(lines(&run, "x"),
           "weir: [emerg] blocks are nested more than 256 levels deep in @:1", "too deep");
    pool_free(&run.pool);
}

/* A depth of blocks goes on in the files that are included. */
static void test_depth_across_files(const char *folder)
{
    struct run run;
    begin_run(&run, folder);
    write_file(folder, "deep.inc", repeated(&run.pool, "a{", 200, repeated(&run.pool, "}", 200,
                                                                           "").at));
    write_file(folder, "t.conf", fmt_pool(&run.pool, "%sinclude deep.inc;%s",
                                          repeated(&run.pool, "b{", 57, "").at,
                                          repeated(&run.pool, "}", 57, "").at));
    pool_free(&run.pool);
    read_named(&run, folder, "t.conf", "");
    is_str(lines(&run, folder),
           "weir: [emerg] blocks are nested more than 256 levels deep in @/deep.inc:1",
           "57 and 200 blocks are too deep");
    ok(run.nodes && run.nodes->partial, "the blocks around are marked");
    pool_free(&run.pool);
    char path[256];
    snprintf(path, sizeof(path), "%s/deep.inc", folder);
    remove(path);
}

/* Files 0 to `last`, each including the next. */
static void chain(struct run *run, const char *folder, unsigned last)
{
    char name[32], text[64], path[256];
    for (unsigned i = 0; i <= last; i++) {
        snprintf(name, sizeof(name), "c%u", i);
        snprintf(text, sizeof(text), i < last ? "include c%u;" : "end%u;", i < last ? i + 1 : i);
        write_file(folder, name, str_from(text));
    }
    read_named(run, folder, "c0", "");
    for (unsigned i = 0; i <= last; i++) {
        snprintf(path, sizeof(path), "%s/c%u", folder, i);
        remove(path);
    }
}

static void test_include_depth(const char *folder)
{
    struct run run;
    chain(&run, folder, 64);
    is_uint(run.list.errors, 0, "64 levels of include");
    is_str(shown(&run), "end64", "and what stands there");
    pool_free(&run.pool);
    chain(&run, folder, 65);
    is_str(lines(&run, folder),
           "weir: [emerg] files are included more than 64 levels deep in @/c64:1", "65 levels");
    pool_free(&run.pool);
}

static void test_error_limit(const char *folder)
{
    struct run run;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    read_conf(&run, folder, repeated(&pool, ";", 1000, "include good.inc; a {"), "");
    is_uint(run.list.errors, run.list.limit, "no more errors than the limit");
    ok(run.nodes == NULL, "reading ends there");
    pool_free(&run.pool);
    pool_free(&pool);
}

static void test_no_include_in_text(void)
{
    struct run run;
    begin_run(&run, "");
    run.nodes = conf_tree_text(&run.cf, STR("default"), STR("a; include /etc/passwd; b;"));
    is_str(lines(&run, "?"),
           "weir: [emerg] \"include\" directive is not allowed here in default:1",
           "text of no file includes none");
    is_str(shown(&run), "a b", "the rest is there");
    ok(run.cf.files == NULL, "and no file is listed");
    pool_free(&run.pool);
}

static void test_large(void)
{
    enum { WORDS = 200000, SIZE = 5 << 20 };
    struct run run;
    begin_run(&run, "");
    run.nodes = conf_tree_text(&run.cf, STR("x"), repeated(&run.pool, "a ", WORDS, ";"));
    is_uint(run.nodes->nwords, WORDS, "a statement of many words");
    pool_free(&run.pool);
    begin_run(&run, "");
    run.nodes = conf_tree_text(&run.cf, STR("x"), repeated(&run.pool, "a", SIZE, " b;"));
    is_uint(run.nodes->words[0].text.len, SIZE, "a word of megabytes");
    pool_free(&run.pool);
    begin_run(&run, "");
    run.nodes = conf_tree_text(&run.cf, STR("x"), repeated(&run.pool, "a b;\n", WORDS, "c"));
    unsigned count = 0;
    for (const struct conf_node *node = run.nodes; node; node = node->next)
        count++;
    is_uint(count, WORDS, "many statements");
    is_uint(run.list.first->place.line, WORDS + 1, "the line of what is wrong behind them");
    pool_free(&run.pool);
}

/* Memory that cannot be had is an error and no crash, wherever it happens. */
static void test_no_memory(void)
{
    struct run run;
    struct pool pool;
#ifdef POOL_MALLOC
    /* Each allocation is a chunk there: so many failures would use up the reserve, which aborts. */
    ok(true, "memory is taken in single pieces in this build # SKIP");
    return;
#endif
    pool_reserve_init();
    pool_init(&pool, &pool_heap);
    const struct str text = repeated(&pool, "a \"bbbbbbbbbbbbbbbb\" c { d e; } f ${x};\n", 2000,
                                     "");
    unsigned failed = 0;
    for (unsigned quiet = 0; quiet < 40; quiet++) {
        begin_run(&run, "");
        pool_fail_chunks(quiet, 40);
        run.nodes = conf_tree_text(&run.cf, STR("x"), text);
        pool_fail_chunks(0, 0);
        failed += run.pool.failed || run.list.errors > 0;
        pool_free(&run.pool);
    }
    is_uint(failed, 40, "each run without memory knows it");
    pool_free(&pool);
}

int main(void)
{
    char folder[] = "/tmp/weir-conf-tree-XXXXXX";
    if (!mkdtemp(folder))
        abort();
    setenv("WEIR_T_SET", "v;{ w", 1);
    setenv("WEIR_T_NAME", "good", 1);
    unsetenv("WEIR_T_NONE");
    write_files(folder);
    test_broken(folder);
    test_right(folder);
    test_odd_folder(folder);
    test_no_file(folder);
    test_pipe();
    test_nodes(folder);
    test_files(folder);
    test_swallowed();
    test_notes(folder);
    test_flat(folder);
    test_depth(folder);
    test_depth_across_files(folder);
    test_include_depth(folder);
    test_error_limit(folder);
    test_no_include_in_text();
    test_large();
    test_no_memory();
    remove_files(folder);
    return done_testing();
}
