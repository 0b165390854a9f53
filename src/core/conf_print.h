/*
 * The tables of the language, for people and for tools: `weir directives`, `weir variables`.
 */
#ifndef CORE_CONF_PRINT_H
#define CORE_CONF_PRINT_H

#include "core/conf.h"

/* A line a directive: name, contexts, arity, default, protocol, module, and why it has no effect
 * where that is so; separated by tabs.  Or JSON, with more. */
void conf_print_directives(struct fmt *f, bool json);
void conf_print_variables(struct fmt *f, bool json);

#endif
