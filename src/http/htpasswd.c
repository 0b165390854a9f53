/*
 * Password files: finding a line, comparing a password with its hash.
 * Owns what libcrypt works in, for the time of one hash.
 */
#include "http/htpasswd.h"

#include "core/base64.h"
#include "core/digest.h"

#include <crypt.h>
#include <fcntl.h>

enum { SHA1 = 20, MD5 = 16, APR1_ROUNDS = 1000, APR1_SALT_MOST = 8, APR1_TEXT = 22 };

/* --- what the client says --------------------------------------------------------------------- */

bool htpasswd_credentials(struct str authorization, struct pool *pool, struct str *user,
                          struct str *password)
{
    struct str scheme, rest;
    struct fmt f;
    str_cut(authorization, ' ', &scheme, &rest);
    rest = str_trim(rest);
    if (!str_eq_ci(scheme, STR("basic")) || rest.len == 0)
        return false;
    fmt_init_pool(&f, pool, rest.len, rest.len);
    if (!base64_decode(&f, rest, false))
        return false;
    const struct str both = fmt_done(&f);
    if (str_chr(both, '\0') >= 0 || !str_cut(both, ':', user, password) || user->len == 0)
        return false;
    *user = pool_str(pool, *user);
    return true;
}

/* --- lines ------------------------------------------------------------------------------------ */

void htpasswd_begin(struct htpasswd_search *search, struct str user)
{
    *search = (struct htpasswd_search){ .user = user, .state = HTPASSWD_BEGIN };
}

static void name_byte(struct htpasswd_search *search, char c)
{
    if (search->state == HTPASSWD_BEGIN) {
        search->matched = 0;
        search->state = c == '#' ? HTPASSWD_SKIP : HTPASSWD_NAME;
    }
    if (search->state == HTPASSWD_SKIP)
        return;
    if (search->matched < search->user.len && c == search->user.at[search->matched])
        search->matched++;
    else
        search->state = c == ':' && search->matched == search->user.len ? HTPASSWD_HASH
                                                                        : HTPASSWD_SKIP;
}

static void hash_byte(struct htpasswd_search *search, char c)
{
    if (c == ':' || c == '\r') {
        search->state = HTPASSWD_FOUND;
        return;
    }
    if (search->len < HTPASSWD_HASH_MOST)
        search->hash[search->len] = c;
    if (search->len <= HTPASSWD_HASH_MOST)
        search->len++;
}

bool htpasswd_feed(struct htpasswd_search *search, struct str bytes)
{
    for (size_t i = 0; i < bytes.len && search->state != HTPASSWD_FOUND; i++) {
        const char c = bytes.at[i];
        if (c == '\n')
            search->state = search->state == HTPASSWD_HASH ? HTPASSWD_FOUND : HTPASSWD_BEGIN;
        else if (search->state == HTPASSWD_HASH)
            hash_byte(search, c);
        else
            name_byte(search, c);
    }
    return search->state != HTPASSWD_FOUND;
}

bool htpasswd_end(struct htpasswd_search *search, struct str *hash)
{
    if (search->state != HTPASSWD_HASH && search->state != HTPASSWD_FOUND)
        return false;
    if (search->len > HTPASSWD_HASH_MOST)
        search->len = 0;
    search->hash[search->len] = '\0';
    *hash = str_of(search->hash, search->len);
    return true;
}

/* --- hashes ----------------------------------------------------------------------------------- */

static enum htpasswd_result same(bool equal)
{
    return equal ? HTPASSWD_MATCHES : HTPASSWD_DIFFERS;
}

/* SHA-1 of the password, and of the salt that stands behind the digest. */
static enum htpasswd_result check_sha(struct str text, struct str password, bool salted)
{
    char bytes[HTPASSWD_HASH_MOST + 1];
    unsigned char want[DIGEST_MOST];
    struct str digest, salt;
    struct digest d;
    struct fmt f;
    fmt_init(&f, bytes, sizeof(bytes));
    if (!base64_decode(&f, text, false))
        return HTPASSWD_DIFFERS;
    const struct str all = fmt_done(&f);
    if (!str_sub(all, 0, SHA1, &digest) || !str_from_off(all, SHA1, &salt)
        || (!salted && salt.len))
        return HTPASSWD_DIFFERS;
    digest_begin(&d, DIGEST_SHA1);
    digest_add(&d, password);
    digest_add(&d, salt);
    if (!digest_end(&d, want))
        return HTPASSWD_NO_DIGEST;
    return same(digest_equal(digest, str_of(want, SHA1)));
}

/* Apache's variant of the MD5 hash of FreeBSD; it has no other description than what it does. */
static bool apr1_digest(struct str password, struct str salt, unsigned char *out)
{
    const struct str last = str_of(out, MD5);
    struct digest d;
    digest_begin(&d, DIGEST_MD5);
    digest_add(&d, password);
    digest_add(&d, salt);
    digest_add(&d, password);
    bool good = digest_end(&d, out);
    digest_begin(&d, DIGEST_MD5);
    digest_add(&d, password);
    digest_add(&d, STR("$apr1$"));
    digest_add(&d, salt);
    for (size_t left = password.len; left > 0; left -= size_min(left, MD5))
        digest_add(&d, str_of(out, size_min(left, MD5)));
    for (size_t bits = password.len; bits > 0; bits >>= 1)
        digest_add(&d, str_of(bits & 1 ? "" : password.at, 1));
    good = digest_end(&d, out) && good;
    for (unsigned i = 0; i < APR1_ROUNDS && good; i++) {
        digest_begin(&d, DIGEST_MD5);
        digest_add(&d, i & 1 ? password : last);
        if (i % 3)
            digest_add(&d, salt);
        if (i % 7)
            digest_add(&d, password);
        digest_add(&d, i & 1 ? last : password);
        good = digest_end(&d, out);
    }
    return good;
}

/* Its own alphabet and order; least significant bits first. */
static void apr1_text(struct fmt *f, const unsigned char *digest)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const unsigned char order[5][3] = { { 0, 6, 12 }, { 1, 7, 13 }, { 2, 8, 14 },
                                               { 3, 9, 15 }, { 4, 10, 5 } };
    for (unsigned i = 0; i < 6; i++) {
        uint32_t bits = i < 5 ? (uint32_t)digest[order[i][0]] << 16
                                    | (uint32_t)digest[order[i][1]] << 8 | digest[order[i][2]]
                              : digest[11];
        for (unsigned n = i < 5 ? 4 : 2; n > 0; n--, bits >>= 6)
            fmt_char(f, digits[bits & 0x3f]);
    }
}

/* `text`: behind "$apr1$". */
static enum htpasswd_result check_apr1(struct str text, struct str password)
{
    unsigned char digest[DIGEST_MOST] = { 0 };
    char buffer[APR1_TEXT + 1];
    struct str salt, want;
    struct fmt f;
    if (!str_cut(text, '$', &salt, &want) || salt.len > APR1_SALT_MOST)
        return HTPASSWD_DIFFERS;
    if (!apr1_digest(password, salt, digest))
        return HTPASSWD_NO_DIGEST;
    fmt_init(&f, buffer, sizeof(buffer));
    apr1_text(&f, digest);
    return same(digest_equal(want, fmt_done(&f)));
}

/* One that libcrypt does not know makes a text which begins with "*", or none. */
static enum htpasswd_result check_crypt(struct str hash, struct str password)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    if (!data)
        return HTPASSWD_NO_DIGEST;
    const char *made = crypt_r(password.at, hash.at, data);
    const bool equal = made && *made != '*' && digest_equal(str_from(made), hash);
    explicit_bzero(data, sizeof(*data));
    free(data);
    return same(equal);
}

enum htpasswd_result htpasswd_check(struct str hash, struct str password)
{
    struct str rest;
    if (str_starts(hash, STR("{PLAIN}")) && str_from_off(hash, 7, &rest))
        return same(digest_equal(rest, password));
    if (str_starts(hash, STR("{SHA}")) && str_from_off(hash, 5, &rest))
        return check_sha(rest, password, false);
    if (str_starts(hash, STR("{SSHA}")) && str_from_off(hash, 6, &rest))
        return check_sha(rest, password, true);
    if (str_starts(hash, STR("$apr1$")) && str_from_off(hash, 6, &rest))
        return check_apr1(rest, password);
    if (hash.len == 0 || str_chr(hash, '\0') >= 0)
        return HTPASSWD_DIFFERS;
    return check_crypt(hash, password);
}

/* --- files ------------------------------------------------------------------------------------ */

static enum htpasswd_result search_file(int fd, struct htpasswd_search *search)
{
    char block[4096];
    off_t at = 0;
    for (;;) {
        const ssize_t n = pread(fd, block, sizeof(block), at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return HTPASSWD_NO_TEXT;
        if (n == 0 || !htpasswd_feed(search, str_of(block, (size_t)n)))
            return HTPASSWD_MATCHES;
        at += n;
    }
}

enum htpasswd_result htpasswd_ask(const char *path, struct str user, struct str password)
{
    struct htpasswd_search search;
    struct str hash;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return HTPASSWD_NO_FILE;
    htpasswd_begin(&search, user);
    const enum htpasswd_result read = search_file(fd, &search);
    const int error = errno;
    close(fd);
    errno = error;
    if (read != HTPASSWD_MATCHES)
        return read;
    if (!htpasswd_end(&search, &hash))
        return HTPASSWD_NO_USER;
    return htpasswd_check(hash, password);
}
