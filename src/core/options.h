/*
 * The command line, as nginx's users type it.
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include "core/str.h"

struct options {
    bool help, version, configure;      /* -h, -v, -V */
    bool test, dump, quiet, json;       /* -t, -T, -q, --json */
    const char *signal;                 /* -s; NULL: none */
    struct str prefix, conf, error_log, global;
    bool has_error_log;
    uint64_t no_warn;                   /* --no-warn: for diag_list.silent */
    const char *command;                /* "directives", "variables", "generations"; NULL: serve */
};

/* False: what is wrong was printed. */
bool options_parse(struct options *o, int argc, char **argv);
void options_print_help(void);
void options_print_version(bool configure);

#endif
