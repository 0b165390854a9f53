/*
 * What is allowed in http {} and probably not meant.
 *
 *     level HTTP     <--  level SERVER   <--  level LOCATION      one a block, in the run's pool
 *       statements          statements          statements        without a block of their own
 *
 * A warning may need what several modules read, so the text is looked at, not their structures.
 */
#ifndef HTTP_WARNINGS_H
#define HTTP_WARNINGS_H

#include "core/conf.h"

/* When everything else is known to be right, while blocks still have their nodes. */
void http_warnings(struct conf *cf);

#endif
