/*
 * The rows of the $upstream_ variables, for the module that has them.
 */
#ifndef HTTP_UPSTREAM_UPSTREAM_VARS_H
#define HTTP_UPSTREAM_UPSTREAM_VARS_H

#include "core/vars.h"

extern const struct variable upstream_variables[];      /* ends in a row without a name */

#endif
