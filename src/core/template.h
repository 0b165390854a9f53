/*
 * Templates: "text$variable${more}text$1", compiled once, evaluated in one pass into the builder.
 *
 *     struct template -> part[0] "text" | part[1] variable 12 | part[2] "text" | part[3] group 1
 *
 * A template without variables is constant and costs nothing to evaluate.  Captures are read from
 * the snapshot that the subject had when evaluation began.
 */
#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include "core/vars.h"

enum { TEMPLATE_LIMIT = 1 << 20 };      /* bytes of one value made by template_eval */

enum template_kind { TEMPLATE_TEXT, TEMPLATE_VARIABLE, TEMPLATE_GROUP };

struct template_part {
    enum template_kind kind;
    unsigned number;                    /* variable index or group */
    struct str text;
};

struct template {
    struct str source;
    struct template_part *parts;
    unsigned nparts;
    bool groups;                        /* some part is a group */
    bool constant;
    struct str text;                    /* then this is the value; NUL behind it */
};

/* Compiles `source`, which is argument `arg` of the statement at hand.  "$" always begins a name:
 * nothing escapes it.  False: reported ("invalid variable name", unclosed "${"), or cf->pool is
 * failed. */
bool template_compile(struct conf *cf, struct template *t, struct str source, unsigned arg);

/* The same as log_format has it: "$1" is no group there, and the errors have other words. */
bool template_compile_log(struct conf *cf, struct template *t, struct str source, unsigned arg);

/* Changes each variable's and group's text on its way (log escaping, URI escaping); NULL: not. */
typedef void template_escape_fn(struct fmt *f, struct str text);

/* Appends; a variable that is not found adds `missing` (may be empty).  False: evaluation failed,
 * or the builder has (f->failed); one that cuts does not fail. */
bool template_append(const struct template *t, struct subject *s, struct fmt *f,
                     template_escape_fn *escape, struct str missing);

/* A value that lives as long as the subject and the generation do. */
bool template_eval(const struct template *t, struct subject *s, struct str *out);

extern const struct conf_type conf_type_template;       /* struct template */

/* What conditions take for yes: neither empty nor "0". */
static inline bool text_is_true(struct str text)
{
    return text.len > 0 && !(text.len == 1 && text.at[0] == '0');
}

/* "<string> ...": it holds when one of the values is true. */
struct conditions {
    struct template *at;
    unsigned count;
};
extern const struct conf_type conf_type_conditions;     /* struct conditions */

bool conditions_hold(const struct conditions *conditions, struct subject *s);

#endif
