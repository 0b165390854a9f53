/*
 * Printing diagnostics.  Owns nothing.
 */
#include "core/report.h"

#include "core/log.h"

static enum log_level level_of(const struct diag *d)
{
    return d->level == DIAG_EMERG ? LOG_EMERG : d->level == DIAG_WARN ? LOG_WARN : LOG_NOTICE;
}

void report_text(const struct diag *d, struct fmt *f)
{
    fmt_print(f, "weir: [%s] ", log_level_name(level_of(d)));
    diag_line(d, f);
    fmt_char(f, '\n');
    diag_details(d, f);
}

void report_all(const struct diag_list *list, struct fmt *f)
{
    for (const struct diag *d = list->first; d; d = d->next)
        report_text(d, f);
}

static struct str line_of(const struct diag_list *list, const struct diag *d)
{
    struct fmt f;
    fmt_init_pool(&f, list->pool, 256, 65536);
    diag_line(d, &f);
    return fmt_done(&f);
}

void report_log(const struct diag_list *list)
{
    for (const struct diag *d = list->first; d; d = d->next)
        log_write(log_process, level_of(d), 0, "%.*s", STR_FMT(line_of(list, d)));
}

struct str report_first_error(const struct diag_list *list)
{
    for (const struct diag *d = list->first; d; d = d->next)
        if (d->level == DIAG_EMERG)
            return line_of(list, d);
    return STR_NONE;
}
