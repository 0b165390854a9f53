/*
 * Digests, by OpenSSL.  Owns the library's state between digest_begin and digest_end.
 */
#include "core/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const EVP_MD *library(enum digest_kind kind)
{
    switch (kind) {
    case DIGEST_MD5:
        return EVP_md5();
    case DIGEST_SHA1:
        return EVP_sha1();
    case DIGEST_SHA256:
        break;
    }
    return EVP_sha256();
}

size_t digest_size(enum digest_kind kind)
{
    return (size_t)EVP_MD_get_size(library(kind));
}

static void fail(struct digest *d)
{
    EVP_MD_CTX_free(d->state);
    d->state = NULL;
}

void digest_begin(struct digest *d, enum digest_kind kind)
{
    d->kind = kind;
    d->state = EVP_MD_CTX_new();
    if (d->state && !EVP_DigestInit_ex(d->state, library(kind), NULL))
        fail(d);
}

void digest_add(struct digest *d, struct str bytes)
{
    if (d->state && !EVP_DigestUpdate(d->state, bytes.at, bytes.len))
        fail(d);
}

bool digest_end(struct digest *d, unsigned char *out)
{
    const bool good = d->state && EVP_DigestFinal_ex(d->state, out, NULL);
    fail(d);
    return good;
}

bool digest_of(enum digest_kind kind, struct str bytes, unsigned char *out)
{
    struct digest d;
    digest_begin(&d, kind);
    digest_add(&d, bytes);
    return digest_end(&d, out);
}

bool digest_hmac(enum digest_kind kind, struct str key, struct str bytes, unsigned char *out)
{
    if (key.len > INT_MAX)
        return false;
    /* Without a key the library would go on with that of the call before. */
    return HMAC(library(kind), key.len ? key.at : "", (int)key.len,
                (const unsigned char *)bytes.at, bytes.len, out, NULL) != NULL;
}

bool digest_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

const char *digest_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}
