/*
 * What the files that give variables share: a getter's frame and its answers.
 *
 *     GETTER(uri) { return value_some(out, ...); }    a row:  { "uri", get_uri, flags, data, ... }
 */
#ifndef HTTP_VARS_H
#define HTTP_VARS_H

#include "http/request.h"

#define GETTER(name) \
    static bool get_##name(struct subject *s, const struct vars_entry *entry, struct value *out)

/* Rows have it by APPENDS(name); see core/vars.h. */
#define APPENDER(name) \
    static bool append_##name(struct subject *s, const struct vars_entry *entry, struct fmt *f)
#define APPENDS(name, flags) vars_get_appended, flags, (uintptr_t)append_##name

static inline struct request *request_of(struct subject *s)
{
    return container_of(s, struct request, subject);
}

static inline bool value_give(struct value *out, struct str text)
{
    *out = (struct value){ text, true };
    return true;
}

static inline bool value_none(struct value *out)
{
    *out = (struct value){ STR_NONE, false };
    return true;
}

/* An empty text is none. */
static inline bool value_some(struct value *out, struct str text)
{
    return text.len ? value_give(out, text) : value_none(out);
}

/* All fields of a name, as variables write it ("x_name"), in one value; vars_request.c. */
bool vars_join_fields(struct subject *s, const struct fields *fields, struct str name,
                      struct str between, struct value *out);

#endif
