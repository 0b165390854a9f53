/*
 * Fuzz target: addresses, listen targets and networks; what is read must survive being written.
 * Owns nothing.
 */
#include "core/inet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_target(struct str text, enum inet_syntax syntax)
{
    struct inet_target t;
    struct inet_address again;
    char buffer[INET_TEXT];
    struct fmt f;
    const char *error = inet_parse_target(text, 80, syntax, &t);
    if (error) {
        ASSERT(*error);
        return;
    }
    ASSERT(t.host.len > 0 && t.port <= t.last_port);
    if (t.address.len == 0)
        return;
    fmt_init(&f, buffer, sizeof(buffer));
    inet_write(&f, &t.address, true);
    ASSERT(!f.failed);
    ASSERT(inet_parse(fmt_done(&f), 1, &again) && inet_eq(&t.address, &again));
}

static void check_host(struct str text)
{
    struct inet_address address, again;
    char buffer[INET_TEXT];
    struct fmt f;
    if (!inet_parse_host(text, 80, &address))
        return;
    fmt_init(&f, buffer, sizeof(buffer));
    inet_write(&f, &address, false);
    ASSERT(!f.failed);
    ASSERT(inet_parse_host(fmt_done(&f), 80, &again) && inet_eq(&address, &again));
}

static void check_cidr(struct str text)
{
    struct inet_cidr cidr;
    struct inet_address address;
    struct str host, bits;
    bool loose;
    if (!inet_cidr_parse(text, &cidr, &loose))
        return;
    str_cut(text, '/', &host, &bits);
    ASSERT(inet_parse_host(host, 0, &address) && inet_cidr_match(&cidr, &address));
    ASSERT(cidr.bits <= (cidr.family == AF_INET ? 32 : 128));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = str_of(data, size);
    struct inet_address address;
    check_target(text, INET_PLAIN);
    check_target(text, INET_LISTEN);
    check_host(text);
    check_cidr(text);
    if (inet_from_sockaddr(&address, data, (socklen_t)size_min(size, 200))) {
        char buffer[INET_TEXT + 1];
        struct fmt f;
        fmt_init(&f, buffer, sizeof(buffer));
        inet_write(&f, &address, true);
        ASSERT(!f.failed);
    }
    return 0;
}
