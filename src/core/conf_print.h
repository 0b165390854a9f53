/*
 * The tables of the language, for people and for tools: `weir directives`, `weir variables`.
 *
 *     gzip  http server location if_in_location  1..1  off  http  ngx_http_gzip_module
 *     name  contexts, blanks between them        arity default  protocol  module  [why it is inert]
 */
#ifndef CORE_CONF_PRINT_H
#define CORE_CONF_PRINT_H

#include "core/conf.h"

/* A line a row, tabs between the columns.  Or JSON: an array of objects, which also have the type,
 * the kind of inheritance, whether it may be repeated or has a block, and the help line. */
void conf_print_directives(struct fmt *f, bool json);
void conf_print_variables(struct fmt *f, bool json);

#endif
