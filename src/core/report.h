/*
 * Diagnostics for a person, for the log, and for the caller of a reload.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "core/diag.h"

/* "weir: [emerg] ..." and what stands below it. */
void report_text(const struct diag *d, struct fmt *f);
void report_all(const struct diag_list *list, struct fmt *f);
/* The first lines, each at its level. */
void report_log(const struct diag_list *list);
/* Without its level; empty when there is no error. */
struct str report_first_error(const struct diag_list *list);

#endif
