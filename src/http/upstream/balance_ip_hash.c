/*
 * ip_hash: the server is chosen by the address of the client: of IPv4 the first three octets, of
 * IPv6 all sixteen, of a unix socket three zeros.  Owns nothing.
 *
 *     hash, from 89 on, by each octet -> hash * 113 + octet, modulo 6271; modulo the sum of the
 *     weights it is a place among them; a server that cannot be asked: the octets once more
 */
#include "http/request.h"
#include "http/upstream/balancer.h"
#include "http/vars.h"

enum { START = 89, FACTOR = 113, MODULUS = 6271, TRIES = 20 };

static bool begin(struct pick *p)
{
    struct inet_address client;
    request_client(request_of(p->subject), &client);
    struct str host = inet_host(&client);
    if (client.any.sa_family == AF_INET)
        host.len = 3;
    else if (host.len == 0)
        host = str_of("\0\0", 3);
    p->key = pool_str(p->subject->pool, host);
    p->hash = START;
    return true;
}

static struct member *choose(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy)
{
    bool full = false;
    while (from == 0 && to > 0 && p->list->count > 1 && p->rehash <= TRIES) {
        for (size_t i = 0; i < p->key.len; i++)
            p->hash = (p->hash * FACTOR + (unsigned char)p->key.at[i]) % MODULUS;
        p->rehash++;
        struct member *m = primary_at(p->list, p->hash % p->list->weight);
        if (member_is_free(p, m, now, &full))
            return m;
    }
    return round_robin(p, from, to, now, busy, NULL, NULL);
}

const struct balancer balance_ip_hash = {
    .name = "ip_hash", .steady = true, .begin = begin, .choose = choose,
};
