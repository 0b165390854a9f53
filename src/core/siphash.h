/*
 * SipHash: a keyed hash for tables whose keys clients choose.
 * Owns nothing; the key is the caller's, random for each process or zone.
 *
 *     key (16 bytes), text  ->  64 bits
 */
#ifndef CORE_SIPHASH_H
#define CORE_SIPHASH_H

#include "core/str.h"

struct siphash_key {
    unsigned char at[16];
};

/* One round for each word and three at the end: enough for tables. */
uint64_t siphash_13(const struct siphash_key *key, struct str s);

#endif
