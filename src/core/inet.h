/*
 * Addresses and networks: from text, to text, compared.  No names are looked up here.
 *
 *     "127.0.0.1:80"  "[::1]:80"  "unix:/run/a"  -->  struct inet_address { sockaddr, len }
 *     "localhost:80"  "*:80"  "8080-8082"        -->  struct inet_target: also a name, a port range
 *     "10.0.0.0/8"    "2001:db8::/32"            -->  struct inet_cidr
 */
#ifndef CORE_INET_H
#define CORE_INET_H

#include "core/fmt.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct inet_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
    socklen_t len;                      /* 0: no address */
};

/* The longest text: "unix:", a path, a NUL. */
enum { INET_TEXT = sizeof("unix:") + sizeof(((struct sockaddr_un *)NULL)->sun_path) };

struct inet_target {
    struct inet_address address;        /* len 0: `host` is a name to look up */
    struct str host;                    /* as it was written, without the port; brackets stay */
    uint16_t port, last_port;           /* both the default when none was given; equal: no range */
    bool has_port;
    bool wildcard;                      /* "*", or only a port */
};

enum inet_syntax {
    INET_PLAIN,                         /* an upstream, a resolver */
    INET_LISTEN,                        /* also "*", only a port, and ranges of ports */
};

/* NULL when it is good, otherwise what is wrong, as nginx words it: "invalid port". `text` must
 * live as long as `target->host` is used. */
WARN_UNUSED const char *inet_parse_target(struct str text, uint16_t port, enum inet_syntax syntax,
                                          struct inet_target *target);

/* Only an address, with or without a port: false for a name, and for what is wrong. */
WARN_UNUSED bool inet_parse(struct str text, uint16_t port, struct inet_address *address);

/* Only the host: "127.0.0.1", "::1" (no brackets). */
WARN_UNUSED bool inet_parse_host(struct str text, uint16_t port, struct inet_address *address);

/* From the system, which may give back more than there is room for.  False: no family of ours. */
WARN_UNUSED bool inet_from_sockaddr(struct inet_address *address, const void *sockaddr,
                                    socklen_t len);

uint16_t inet_port(const struct inet_address *address);         /* 0 for a unix socket */
void inet_set_port(struct inet_address *address, uint16_t port);
/* The host's bytes in network order; none for a unix socket. */
struct str inet_host(const struct inet_address *address);

/* "127.0.0.1:80", "[::1]:80", "unix:/path"; without the port "127.0.0.1", "::1". */
void inet_write(struct fmt *f, const struct inet_address *address, bool with_port);

bool inet_eq(const struct inet_address *a, const struct inet_address *b);
bool inet_eq_host(const struct inet_address *a, const struct inet_address *b);

struct inet_cidr {
    int family;
    unsigned bits;
    unsigned char at[16];               /* network order; what lies behind `bits` is zero */
};

/* An address alone is a network of one.  *loose: there were bits behind the prefix, which are
 * dropped ("low address bits of 10.0.0.1/8 are meaningless"). */
WARN_UNUSED bool inet_cidr_parse(struct str text, struct inet_cidr *cidr, bool *loose);

/* An IPv4 address in IPv6 clothes (::ffff:10.0.0.1) is matched by networks of both families. */
bool inet_cidr_match(const struct inet_cidr *cidr, const struct inet_address *address);

#endif
