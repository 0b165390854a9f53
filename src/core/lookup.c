/*
 * Names to addresses, by the system.  Owns nothing: addresses lie in the pool that was given.
 */
#include "core/lookup.h"

#include <netdb.h>

static unsigned length(const struct addrinfo *list)
{
    unsigned n = 0;
    for (; list; list = list->ai_next)
        n++;
    return n;
}

static bool is_there(const struct inet_address *list, unsigned count,
                     const struct inet_address *address)
{
    for (unsigned i = 0; i < count; i++)
        if (inet_eq(&list[i], address))
            return true;
    return false;
}

static void add_family(struct inet_address *list, unsigned *count, const struct addrinfo *from,
                       int family, uint16_t port)
{
    for (; from; from = from->ai_next) {
        struct inet_address *address = &list[*count];
        if (from->ai_family != family
            || !inet_from_sockaddr(address, from->ai_addr, from->ai_addrlen))
            continue;
        inet_set_port(address, port);
        *count += !is_there(list, *count, address);
    }
}

/* RFC 6761: this name needs no resolver, and a small system has none that knows it. */
static struct inet_address *localhost(struct pool *pool, uint16_t port, unsigned *count)
{
    struct inet_address *address = pool_new(pool, struct inet_address);
    *count = inet_parse_host(STR("127.0.0.1"), port, address);
    return address;
}

struct inet_address *lookup_host(struct pool *pool, struct str name, uint16_t port,
                                 unsigned *count)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    *count = 0;
    if (getaddrinfo(pool_cstr(pool, name), NULL, &hints, &found) != 0)
        return str_eq(name, STR("localhost")) ? localhost(pool, port, count) : NULL;
    struct inet_address *list = pool_array(pool, length(found) + 1, sizeof(*list));
    add_family(list, count, found, AF_INET, port);
    add_family(list, count, found, AF_INET6, port);
    freeaddrinfo(found);
    return *count ? list : NULL;
}
