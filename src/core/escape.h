/*
 * Escaping on the way into logs, URIs, HTML and JSON.
 *
 *     one table: byte -> a bit for each set in which it must be escaped
 *
 * All append to the builder; whether that went well is the builder's `failed`.
 */
#ifndef CORE_ESCAPE_H
#define CORE_ESCAPE_H

#include "core/fmt.h"

/* Access logs: by default `"`, `\`, controls and bytes above 126 as \xXX; or for JSON strings,
 * where bytes above 127 stay as they are.  Without escaping: fmt_str. */
void escape_log(struct fmt *f, struct str s);
void escape_json(struct fmt *f, struct str s);

/* Error logs: only what could forge a line or drive a terminal, as \xXX. */
void escape_log_controls(struct fmt *f, struct str s);

void escape_html(struct fmt *f, struct str s);          /* & < > and " */

/* What is percent-encoded, besides controls, the space, `"` and (but for keys) bytes from 127. */
enum escape_set {
    ESCAPE_URI,                 /* a decoded path: % # ? < > \ ^ ` { | } */
    ESCAPE_ARGS,                /* text that becomes a value in the arguments: also & + ; */
    ESCAPE_COMPONENT,           /* a file's name in a link: all but letters, digits, - . _ ~ */
    ESCAPE_REDIRECT,            /* a Location that may hold arguments: % # only */
    ESCAPE_KEY,                 /* memcached: controls, the space and % only */
    ESCAPE_LINK,                /* a whole link in HTML: as a path, but ' and not ? */
};

void escape_uri(struct fmt *f, struct str s, enum escape_set set);

#endif
