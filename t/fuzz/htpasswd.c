/*
 * Fuzz target: password files.  A line is found the same however the text is cut, and hashes of
 * kinds that cost little are compared without harm.
 * Owns the pool of one input.
 *
 *     Authorization field "\n" user "\n" text of the file
 */
#include "http/htpasswd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool find(struct htpasswd_search *search, struct str text, struct str user, size_t piece,
                 struct str *hash)
{
    struct str part;
    htpasswd_begin(search, user);
    for (size_t at = 0; str_sub(text, at, size_min(piece, text.len - at), &part) && part.len;
         at += part.len)
        if (!htpasswd_feed(search, part))
            break;
    return htpasswd_end(search, hash);
}

static void check_lines(struct str text, struct str user, struct str *hash)
{
    static struct htpasswd_search whole, cut;
    const bool found = find(&whole, text, user, SIZE_MAX, hash);
    for (size_t piece = 1; piece < 8; piece++) {
        struct str again;
        ASSERT(find(&cut, text, user, piece, &again) == found);
        ASSERT(!found || str_eq(again, *hash));
    }
    if (!found)
        *hash = STR_NONE;
    ASSERT(hash->len <= HTPASSWD_HASH_MOST);
    ASSERT(str_chr(*hash, ':') < 0 && str_chr(*hash, '\n') < 0 && str_chr(*hash, '\r') < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of(data, size), field, user, hash, name, password;
    struct pool pool;
    if (!str_cut(rest, '\n', &field, &rest) || !str_cut(rest, '\n', &user, &rest) || !user.len)
        return 0;
    pool_init(&pool, &pool_heap);
    check_lines(rest, user, &hash);
    if (htpasswd_credentials(field, &pool, &name, &password)) {
        ASSERT(name.len && str_chr(name, '\0') < 0 && str_chr(name, ':') < 0);
        ASSERT(password.at[password.len] == '\0' && strlen(password.at) == password.len);
        if (hash.len && (hash.at[0] == '{' || str_starts(hash, STR("$apr1$"))))
            ASSERT(htpasswd_check(hash, password) != HTPASSWD_NO_DIGEST);
    }
    pool_free(&pool);
    return 0;
}
