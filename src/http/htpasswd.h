/*
 * Password files of basic authentication.
 *
 *     # a comment
 *     name:hash                    the first line of a name counts; a hash ends at ":", CR or LF
 *     name:hash:what else
 *
 *     hash   {PLAIN}text   {SHA}base64   {SSHA}base64   $apr1$salt$...   or any of crypt(3)
 *
 * All of this may block and takes long on purpose: it is for threads, and touches nothing else.
 */
#ifndef HTTP_HTPASSWD_H
#define HTTP_HTPASSWD_H

#include "core/pool.h"

enum { HTPASSWD_HASH_MOST = 1023 };     /* a longer one fits no password */

/* Looks for a user in text that comes in pieces. */
struct htpasswd_search {
    struct str user;
    size_t matched;                     /* bytes of it, in this line */
    enum { HTPASSWD_BEGIN, HTPASSWD_NAME, HTPASSWD_SKIP, HTPASSWD_HASH, HTPASSWD_FOUND } state;
    char hash[HTPASSWD_HASH_MOST + 1];
    size_t len;                         /* of the hash; more than HTPASSWD_HASH_MOST: too long */
};

enum htpasswd_result {
    HTPASSWD_MATCHES,
    HTPASSWD_DIFFERS,
    HTPASSWD_NO_USER,
    HTPASSWD_NO_FILE,                   /* errno: it cannot be opened */
    HTPASSWD_NO_TEXT,                   /* errno: it cannot be read */
    HTPASSWD_NO_DIGEST,                 /* no memory */
};

/* The name and password of an Authorization field, in memory of the pool, each with a NUL behind.
 * False: it is of another scheme, broken, without a name, or has a NUL. */
bool htpasswd_credentials(struct str authorization, struct pool *pool, struct str *user,
                          struct str *password);

/* The user is not empty. */
void htpasswd_begin(struct htpasswd_search *search, struct str user);
/* False: no more is needed. */
bool htpasswd_feed(struct htpasswd_search *search, struct str bytes);
/* The text is complete.  False: there is no such user.  A hash that is too long is empty. */
bool htpasswd_end(struct htpasswd_search *search, struct str *hash);

/* MATCHES, DIFFERS or NO_DIGEST.  The password has a NUL behind it. */
enum htpasswd_result htpasswd_check(struct str hash, struct str password);

/* All of it, by a file. */
enum htpasswd_result htpasswd_ask(const char *path, struct str user, struct str password);

#endif
