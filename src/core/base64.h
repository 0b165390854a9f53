/*
 * Base64 (RFC 4648), from text to bytes.  Pure.
 */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include "core/fmt.h"

/* Appends the bytes.  The text ends at its first "=", which may be missing.  `url`: - and _ are
 * digits instead of + and /.  False: another character stands in it, one digit is left over, or the
 * builder has failed. */
WARN_UNUSED bool base64_decode(struct fmt *f, struct str text, bool url);

#endif
