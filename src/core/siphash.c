/*
 * SipHash-1-3 after the paper of Aumasson and Bernstein (2012).
 * Owns nothing.
 */
#include "core/siphash.h"

#include <endian.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t n, unsigned bits)
{
    return n << bits | n >> (64 - bits);
}

static inline void rounds(struct state *s, unsigned count)
{
    while (count-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

/* Little endian on every machine. */
static uint64_t load_whole(const void *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

/* Less than 8 bytes. */
static uint64_t load_rest(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

static inline void mix(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 1);
    s->v0 ^= word;
}

uint64_t siphash_13(const struct siphash_key *key, struct str text)
{
    const uint64_t k0 = load_whole(key->at), k1 = load_whole(key->at + 8);
    struct state s = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                       k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
    const uint64_t length = (uint64_t)text.len << 56;
    for (; text.len >= 8; text = str_of(text.at + 8, text.len - 8))
        mix(&s, load_whole(text.at));
    mix(&s, length | load_rest(text.at, text.len));
    s.v2 ^= 0xff;
    rounds(&s, 3);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
