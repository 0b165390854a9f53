/*
 * What is changed in fields of a backend's answer that name the backend's own addresses: Location,
 * Refresh and Set-Cookie.  Rules lie in the generation; results in the subject's pool.
 *
 *     struct rewrites -> rule -> rule -> rule          the first that matches is applied, no other
 *                        pattern: text with variables, or a regex
 *                        to:      texts with variables and groups
 *
 *     list                  the value that is matched         by text          by "~" regex
 *     proxy_redirect        Location; what follows "url="     how it begins    ~  case counts
 *                           in Refresh                                         ~* it does not
 *     proxy_cookie_path     each Path of a cookie             how it begins    the same two
 *     proxy_cookie_domain   each Domain; case does not        all of it; a     case does
 *                           count                             dot before it    not count
 *                                                             is kept
 *     proxy_cookie_flags    name of the cookie; case does     all of it        case does
 *                           not count                                          not count
 *
 * A text that matched the beginning is replaced, the rest is kept; with a regex, all is replaced.
 *
 * Rows.  The field is one list, so it is inherited whole where none is given here:
 *
 *     { "proxy_redirect", IN_HSL, 1, 2, &conf_type_redirects, FIELD(x, redirects), INHERIT, NULL,
 *       &a_struct_redirect_default, ... }             its default is rewrites_finish()
 *     { "proxy_cookie_domain", IN_HSL, 1, 2, &conf_type_cookie_domain, FIELD(x, cookies.domain),
 *       INHERIT, "off", ... }                         path 1 to 2, flags 1 to 4 arguments
 */
#ifndef HTTP_UPSTREAM_REWRITE_FIELDS_H
#define HTTP_UPSTREAM_REWRITE_FIELDS_H

#include "core/template.h"

struct rewrite_rule;

struct rewrites {
    const struct rewrite_rule *first;
    bool off;                           /* given so: there are no rules */
};

struct cookie_rewrites {
    struct rewrites domain, path, flags;
};

/* What "proxy_redirect default" stands for where it is written; arg of its row. */
struct redirect_default {
    /* The URL of proxy_pass and the name of the location, as for rewrites_finish. */
    enum redirect_default_result {
        REDIRECT_DEFAULT,
        REDIRECT_DEFAULT_EARLY,         /* no proxy_pass stands before it in this block */
        REDIRECT_DEFAULT_VARIABLES,     /* that has variables */
    } (*pair)(struct conf *cf, struct str *from, struct str *to);
};

/* All of struct rewrites, repeatable, "off" alone. */
extern const struct conf_type conf_type_redirects, conf_type_cookie_domain, conf_type_cookie_path,
    conf_type_cookie_flags;

/* The default of proxy_redirect, in finish() of a block with a proxy_pass without variables:
 * `from` becomes `to`, unless something is given here or inherited (as in nginx, also a default).
 * With URI in proxy_pass: its URL and the name of the location; without: its URL and "/", and "/".
 * Both live as long as the generation. */
void rewrites_finish(struct conf *cf, struct rewrites *redirects, struct str from, struct str to);

static inline bool cookie_rewrites_any(const struct cookie_rewrites *cookies)
{
    return cookies->domain.first || cookies->path.first || cookies->flags.first;
}

enum rewritten {
    REWRITTEN_NOT,                      /* nothing changes: the value is good as it is */
    REWRITTEN,                          /* *out is the new value */
    REWRITE_FAILED,                     /* a variable or a regex failed, or it is too long */
};

/* The value of one field; it must live as long as the subject.  A new Location that begins with "/"
 * is as if the server had made it: absolute_redirect is for it, and not for one that is not new. */
enum rewritten rewrite_location(const struct rewrites *redirects, struct subject *s,
                                struct str value, struct str *out);
enum rewritten rewrite_refresh(const struct rewrites *redirects, struct subject *s,
                               struct str value, struct str *out);
enum rewritten rewrite_cookie(const struct cookie_rewrites *cookies, struct subject *s,
                              struct str value, struct str *out);

#endif
