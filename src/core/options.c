/*
 * The command line.  Owns nothing: texts are argv's.
 */
#include "core/options.h"

#include "config.h"
#include "core/digest.h"
#include "core/diag.h"
#include "core/version.h"

#include <stdio.h>

static bool complain(const char *what, const char *option)
{
    fprintf(stderr, "weir: %s: \"%s\"\n", what, option);
    return false;
}

static bool missing(char letter, const char *what)
{
    fprintf(stderr, "weir: option \"-%c\" requires %s\n", letter, what);
    return false;
}

static bool set_signal(struct options *o, const char *name)
{
    static const char *const names[] = { "stop", "quit", "reopen", "reload" };
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0) {
            o->signal = names[i];
            return true;
        }
    fprintf(stderr, "weir: invalid option: \"-s %s\"\n", name);
    return false;
}

static bool with_argument(struct options *o, char letter, const char *value)
{
    switch (letter) {
    case 'p':
        o->prefix = str_from(value);
        return value[0] || missing(letter, "directory name");
    case 'c':
        o->conf = str_from(value);
        return value[0] || missing(letter, "file name");
    case 'e':
        o->error_log = str_from(value);
        return o->has_error_log = true;
    case 'g':
        o->global = str_from(value);
        return true;
    default:
        return set_signal(o, value);
    }
}

static const char *what_it_requires(char letter)
{
    return letter == 'p' ? "directory name" : letter == 'c' || letter == 'e' ? "file name"
                                                                             : "parameter";
}

/* One word of letters: "-tq", "-cfile", "-c file".  *i moves when the next word is taken. */
static bool parse_word(struct options *o, int argc, char **argv, int *i)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        switch (*p) {
        case 'h':
        case '?':
            o->help = o->version = true;
            continue;
        case 'v':
            o->version = true;
            continue;
        case 'V':
            o->version = o->configure = true;
            continue;
        case 't':
            o->test = true;
            continue;
        case 'T':
            o->test = o->dump = true;
            continue;
        case 'q':
            o->quiet = true;
            continue;
        case 'p':
        case 'c':
        case 'e':
        case 'g':
        case 's':
            break;
        default: {
            const char letter[] = { *p, '\0' };
            return complain("invalid option", letter);
        }
        }
        if (p[1])
            return with_argument(o, *p, p + 1);
        if (*i + 1 >= argc)
            return missing(*p, what_it_requires(*p));
        return with_argument(o, *p, argv[++*i]);
    }
    return true;
}

static bool is_command(struct options *o, const char *word)
{
    static const char *const commands[] = { "directives", "variables", "generations" };
    for (size_t i = 0; i < countof(commands); i++)
        if (strcmp(word, commands[i]) == 0) {
            o->command = commands[i];
            return true;
        }
    return false;
}

static bool add_no_warn(struct options *o, const char *code)
{
    const uint64_t bit = code ? diag_warning(str_from(code)) : 0;
    o->no_warn |= bit;
    if (!code)
        fputs("weir: option \"--no-warn\" requires the code of a warning\n", stderr);
    return bit || (code && complain("unknown warning", code));
}

bool options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){ .prefix = STR(PREFIX), .conf = STR(CONF_PATH),
                           .error_log = STR(ERROR_LOG_PATH) };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (strcmp(argv[i], "--no-warn") == 0) {
            if (!add_no_warn(o, i + 1 < argc ? argv[++i] : NULL))
                return false;
        } else if (argv[i][0] != '-' && !o->command && is_command(o, argv[i]))
            continue;
        else if (argv[i][0] != '-' || strncmp(argv[i], "--", 2) == 0)
            return complain("invalid option", argv[i]);
        else if (!parse_word(o, argc, argv, &i))
            return false;
    }
    return true;
}

void options_print_version(bool configure)
{
    fprintf(stderr, "weir version: weir/" WEIR_VERSION "%s%s%s\n", BUILD_NAME[0] ? " (" : "",
            BUILD_NAME, BUILD_NAME[0] ? ")" : "");
    if (configure)
        fprintf(stderr, "built by " COMPILER "\nbuilt with %s\nconfigure arguments:%s%s\n",
                digest_library(), CONFIGURE_ARGS[0] ? " " : "", CONFIGURE_ARGS);
}

static const char *list_warnings(char *text, size_t size)
{
    struct fmt f;
    fmt_init(&f, text, size);
    diag_list_warnings(&f);
    return fmt_done(&f).at;
}

void options_print_help(void)
{
    char text[4096];
    fputs("Usage: weir [-?hvVtTq] [-s signal] [-p prefix]\n"
          "            [-e filename] [-c filename] [-g directives]\n"
          "            [--no-warn code] ...\n"
          "       weir directives|variables [--json]\n"
          "       weir generations [-p prefix] [-c filename]\n"
          "\n"
          "Options:\n"
          "  -?,-h         : this help\n"
          "  -v            : show version and exit\n"
          "  -V            : show version and configure options then exit\n"
          "  -t            : test configuration and exit\n"
          "  -T            : test configuration, dump it and exit\n"
          "  -q            : suppress non-error messages during configuration testing\n"
          "  -s signal     : send signal to a master process: stop, quit, reopen, reload\n"
          "  -p prefix     : set prefix path\n"
          "  -e filename   : set error log file\n"
          "  -c filename   : set configuration file\n"
          "  -g directives : set global directives out of configuration file\n"
          "  --json        : with -t, directives, variables: for programs\n"
          "  --no-warn code: without these warnings:\n",
          stderr);
    fputs(list_warnings(text, sizeof(text)), stderr);
}
