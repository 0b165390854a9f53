/*
 * What is wrong with a configuration, and where: collected first, printed at the end.
 *
 *     diag_list -> diag -> diag ...     in the order of the text
 *       diag: level, code, message      one line in nginx's words
 *             place                     file, line, column, length: what the caret underlines
 *             notes                     "expected ...", "did you mean ...", "opened at ..."
 *
 * A warning ends in the code that `--no-warn` takes.  core/warning.def has all of them.
 * Printed as   weir: [emerg] unknown directive "foo" in /etc/x.conf:12     (nginx's line)
 *                  12:5 |     foo on;
 *                       |     ^^^
 *                 did you mean "fop"?
 *                 /etc/y.conf:3:1: a note with a place says "here", and has an excerpt, too
 *                 included from /etc/nginx.conf:7
 * or as one JSON object a line.  The same message at the same place of a file is kept once.
 * Owns nothing: everything lies in the pool of the run.
 */
#ifndef CORE_DIAG_H
#define CORE_DIAG_H

#include "core/fmt.h"

enum diag_level { DIAG_EMERG, DIAG_WARN, DIAG_NOTICE };

struct conf_file;

/* A stretch of a configuration file; `file` NULL: no place (the whole configuration). */
struct diag_place {
    const struct conf_file *file;
    unsigned line, column;              /* both from 1; the column counts bytes */
    size_t offset, len;                 /* into the file's text */
};

struct diag_note {
    struct diag_note *next;
    struct str text;
    struct diag_place place;            /* of another spot that matters; file NULL: none */
};

struct diag {
    struct diag *next;
    enum diag_level level;
    const char *code;                   /* stable, for tools: "unknown-directive" */
    struct str message;
    struct diag_place place;
    struct diag_note *notes, **notes_end;
};

struct diag_list {
    struct pool *pool;
    struct diag *first, **end;
    unsigned errors, warnings, limit;   /* at most `limit` errors are kept (25) */
    uint64_t silent;                    /* bits of warnings that nobody wants: diag_warning() */
};

void diag_init(struct diag_list *list, struct pool *pool);

/* Returns the diagnostic, so that notes can be added to it (never NULL). */
struct diag *diag_add(struct diag_list *list, enum diag_level level, const char *code,
                      struct diag_place place, const char *format, ...) PRINTF_LIKE(5, 6);
struct diag *diag_vadd(struct diag_list *list, enum diag_level level, const char *code,
                       struct diag_place place, const char *format, va_list args)
    PRINTF_LIKE(5, 0);
/* The bit of a warning's code in `silent`; 0: there is no such warning. */
uint64_t diag_warning(struct str code);
/* Every code with what it is about, a line each. */
void diag_list_warnings(struct fmt *f);

void diag_note(struct diag_list *list, struct diag *d, const char *format, ...) PRINTF_LIKE(3, 4);
void diag_note_at(struct diag_list *list, struct diag *d, struct diag_place place,
                  const char *format, ...) PRINTF_LIKE(4, 5);

/* The word of `words` that is nearest to `word`, if it is near enough to be meant; else NULL.
 * `next` yields the words one by one, and NULL at the end. */
const char *diag_nearest(struct str word, const char *(*next)(void *state), void *state);

/* nginx's one line: message and " in FILE:LINE", without "weir: [emerg] " before it. */
void diag_line(const struct diag *d, struct fmt *f);
/* The excerpt with its caret, the notes, the include stack; each line ends in a newline. */
void diag_details(const struct diag *d, struct fmt *f);
void diag_json(const struct diag *d, struct fmt *f);

#endif
