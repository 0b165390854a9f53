/*
 * Base64 (RFC 4648), both ways.  Pure.
 */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include "core/fmt.h"

/* Appends the bytes.  The text ends at its first "=", which may be missing.  `url`: - and _ are
 * digits instead of + and /.  False: another character stands in it, one digit is left over, or the
 * builder has failed. */
WARN_UNUSED bool base64_decode(struct fmt *f, struct str text, bool url);

/* Appends the text, with + and / and with "=" at its end. */
void base64_encode(struct fmt *f, struct str bytes);

#endif
