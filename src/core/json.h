/*
 * A writer of JSON: commas come by themselves, strings are always valid.
 *
 *     json_object_begin(&j); json_key(&j, STR("a")); json_u64(&j, 1); json_object_end(&j);
 *     {"a":1}
 *
 * Strings are UTF-8; each byte that is not part of valid UTF-8 becomes U+FFFD, since JSON has no
 * bytes and a Latin-1 reading would claim to know what was meant.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/fmt.h"

struct json {
    struct fmt *f;
    unsigned depth;
    bool comma;                         /* something stands before the next value */
};

void json_init(struct json *j, struct fmt *f);

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);

void json_key(struct json *j, struct str key);
void json_str(struct json *j, struct str s);
void json_u64(struct json *j, uint64_t n);
void json_bool(struct json *j, bool b);
void json_null(struct json *j);

#endif
