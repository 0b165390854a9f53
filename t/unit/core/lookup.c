/*
 * Names to addresses, as far as every machine agrees about them.
 */
#include "core/lookup.c"

#include "t/unit/tap.h"

static const char *text_of(const struct inet_address *address)
{
    static char buffer[INET_TEXT + 1];
    struct fmt f;
    fmt_init(&f, buffer, sizeof(buffer));
    inet_write(&f, address, true);
    return fmt_done(&f).at;
}

/* Lists as the system gives them. */
static void test_order(void)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    struct sockaddr_un other = { .sun_family = AF_UNIX };
    struct addrinfo list[5] = {
        { .ai_family = AF_INET6, .ai_addr = (void *)&v6, .ai_addrlen = sizeof(v6) },
        { .ai_family = AF_UNIX, .ai_addr = (void *)&other, .ai_addrlen = sizeof(other) },
        { .ai_family = AF_INET, .ai_addr = (void *)&v4, .ai_addrlen = sizeof(v4) },
        { .ai_family = AF_INET, .ai_addr = (void *)&v4, .ai_addrlen = sizeof(v4) },
        { .ai_family = AF_INET6, .ai_addr = (void *)&v6, .ai_addrlen = sizeof(v6) },
    };
    struct inet_address got[6];
    unsigned count = 0;
    for (unsigned i = 0; i + 1 < countof(list); i++)
        list[i].ai_next = &list[i + 1];
    is_uint(length(list), 5, "all of a list");
    add_family(got, &count, list, AF_INET, 81);
    is_uint(count, 1, "an address that comes twice is one");
    is_str(text_of(&got[0]), "10.0.0.1:81", "with the port");
    add_family(got, &count, list, AF_INET6, 81);
    is_uint(count, 2, "and those of the other family behind it");
    is_str(text_of(&got[1]), "[::1]:81", "with the port, too");
}

int main(void)
{
    struct pool pool;
    struct inet_address *list;
    char longest[300];
    unsigned count;
    pool_init(&pool, &pool_heap);
    list = lookup_host(&pool, STR("127.1"), 81, &count);
    ok(list && count == 1, "what every resolver knows");
    is_str(list ? text_of(list) : "", "127.0.0.1:81", "its address");
    list = lookup_host(&pool, STR("localhost"), 82, &count);
    ok(list && count > 0 && inet_port(list) == 82, "localhost is always there");
    count = 7;
    ok(!lookup_host(&pool, STR("no-such-host.invalid"), 80, &count), "a name that nobody has");
    is_uint(count, 0, "has no address");
    memset(longest, 'a', sizeof(longest));
    ok(!lookup_host(&pool, str_of(longest, sizeof(longest)), 80, &count), "nor one too long");
    test_order();
    pool_free(&pool);
    return done_testing();
}
