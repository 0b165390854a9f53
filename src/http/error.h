/*
 * Errors: error_page, and the built-in pages.
 */
#ifndef HTTP_ERROR_H
#define HTTP_ERROR_H

#include "http/request.h"

extern struct section http_error_section;

/* The answer to a status: what error_page says (STEP_ROUTE, or STEP_DONE for a redirect), or the
 * page of the house (STEP_DONE).  444 and what has no page answers with no body. */
enum step error_answer(struct request *r, unsigned status);

/* Whether error_page says something of this status here. */
bool error_has_page(const struct request *r, unsigned status);

#endif
