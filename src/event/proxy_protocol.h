/*
 * The PROXY protocol, versions 1 and 2 with TLVs: a pure parser of the bytes before everything.
 *
 *     "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n" rest
 *     signature  version,command  family,transport  length | addresses | TLV TLV ... | rest
 *
 * Exactly the head's length is consumed; what follows belongs to the next layer.  However the bytes
 * are cut, the result is the same: MORE until the head is complete or known to be bad.
 */
#ifndef EVENT_PROXY_PROTOCOL_H
#define EVENT_PROXY_PROTOCOL_H

#include "core/inet.h"

enum proxy_result { PROXY_DONE, PROXY_MORE, PROXY_BAD };

enum {
    PROXY_LINE_MOST = 107,              /* of v1, with its CR LF */
    PROXY_HEAD_MOST = 4096,             /* of v2 with its TLVs */
};

struct proxy_head {
    size_t len;                         /* bytes of the head: consume these */
    bool local;                         /* LOCAL, UNKNOWN, not a stream: the connection's own
                                           addresses stay, and those here are not set */
    struct inet_address source, destination;
    struct str tlvs;                    /* v2: checked to be well formed; empty otherwise.  Lies in
                                           the bytes that were parsed */
};

/* PROXY_BAD: `*why` says so in a few words. */
enum proxy_result proxy_protocol_parse(struct str bytes, struct proxy_head *head, const char **why);

/* A copy that does not depend on the bytes; to be freed with free(). NULL: no memory. */
struct proxy_head *proxy_protocol_keep(const struct proxy_head *head);

/* Where a TLV is looked for. */
enum proxy_tlv_place {
    PROXY_TLV_HEAD,
    PROXY_TLV_SSL,                      /* inside the SSL TLV */
    PROXY_TLV_SSL_VERIFY,               /* the 32 bits of the SSL TLV that are no TLV */
};

/* The first TLV of a type; of the SSL TLV's sub-TLVs by proxy_protocol_ssl_tlv. */
bool proxy_protocol_tlv(struct str tlvs, uint8_t type, struct str *value);
bool proxy_protocol_ssl_tlv(struct str tlvs, uint8_t type, struct str *value);
/* 0: the client gave a certificate and it was verified. False: there is no SSL TLV. */
bool proxy_protocol_ssl_verify(struct str tlvs, uint32_t *result);
/* Type by its configuration name: "alpn", "authority", "unique_id", "ssl", "netns", "0xEA", and
 * with "ssl_" before them "version", "cn", "cipher", "sig_alg", "key_alg", "verify", "0x21". */
bool proxy_protocol_tlv_type(struct str name, uint8_t *type, enum proxy_tlv_place *place);

/* A v1 line for an upstream: "PROXY TCP4 ...\r\n". */
void proxy_protocol_write(struct fmt *f, const struct inet_address *source,
                          const struct inet_address *destination);

#endif
