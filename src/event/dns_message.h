/*
 * DNS messages: a question is built, an answer is read; pure functions over bytes.
 *
 *     head: id, flags, four counts | question | answers | authorities | additions
 *                                    name, type, class
 *                                               name, type, class, TTL, length, data
 *
 *     a.example  CNAME  b.example        the answer's name is the end of the chain: b.example;
 *     b.example  A      192.0.2.1        its records are walked with dns_answer_next()
 *
 * No EDNS: every server understands the plain question, and an answer beyond 512 bytes comes by
 * TCP, so that no answer comes in fragments, of which the later ones can be forged.  Only the
 * answers are used: other sections are not about what was asked.  An alias without records may have
 * some that this server does not know, unless the answer is `final` (RFC 2308, 2.2).
 */
#ifndef EVENT_DNS_MESSAGE_H
#define EVENT_DNS_MESSAGE_H

#include "core/inet.h"

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_AAAA = 28,
    DNS_SRV = 33,
};

enum {
    DNS_HEAD = 12,
    DNS_TEXT_MOST = 253,                /* of a name, without a dot at its end */
    DNS_NAME_MOST = 255,                /* as it is sent */
    DNS_QUERY_MOST = DNS_HEAD + DNS_NAME_MOST + 4,
    DNS_UDP_MOST = 1232,                /* what fits through every network in one piece */
    DNS_JUMPS_MOST = 128,
    DNS_RECORDS_MOST = 512,             /* what is behind them is not looked at */
    DNS_ALIASES_MOST = 10,
};

/* As it is sent, in lower case: each label with its length before it, a zero at the end. */
struct dns_name {
    uint8_t len;
    char at[DNS_NAME_MOST];
};

/* Of letters, digits, "-" and "_"; one dot may stand at the end.  False: it is no such name. */
WARN_UNUSED bool dns_name_parse(struct str text, struct dns_name *name);
/* As text without a dot at the end; bytes that no name of ours has as \DDD. */
void dns_name_write(struct fmt *f, const struct dns_name *name);

static inline bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
    return str_eq(str_of(a->at, a->len), str_of(b->at, b->len));
}

/* Recursion is desired. */
void dns_query_write(struct fmt *f, uint16_t id, enum dns_type type, const struct dns_name *name);

enum dns_result {
    DNS_ANSWER,                         /* of this question, whatever its code is */
    DNS_TRUNCATED,                      /* the same, but more was to be said */
    DNS_FOREIGN,                        /* of no question, or of another */
    DNS_MALFORMED,                      /* of this question, and broken */
};

enum dns_code {                         /* others are possible */
    DNS_OK,
    DNS_FORMAT_ERROR,
    DNS_SERVER_FAILURE,
    DNS_NO_NAME,
    DNS_NOT_IMPLEMENTED,
    DNS_REFUSED,
};

struct dns_answer {
    unsigned code;
    struct dns_name name;               /* what was asked for, or the end of its aliases */
    unsigned aliases;
    uint32_t ttl;                       /* seconds: the least of aliases and records */
    unsigned count;                     /* records of the type asked for, of this name */
    bool final;                         /* there are no others: the zone's SOA says so */
    enum dns_type type;
    struct str message;                 /* private, as what follows: of the walk */
    size_t at;
    unsigned left;
};

struct dns_record {
    struct inet_address address;        /* A, AAAA; without a port */
    uint16_t priority, weight, port;    /* SRV */
    struct dns_name target;             /* SRV, PTR */
};

/* The answer refers to the bytes.  MALFORMED, FOREIGN: `*why` says so in a few words. */
enum dns_result dns_answer_read(struct str message, uint16_t id, enum dns_type type,
                                const struct dns_name *name, struct dns_answer *answer,
                                const char **why);
/* False: there is no other. */
bool dns_answer_next(struct dns_answer *answer, struct dns_record *record);

#endif
