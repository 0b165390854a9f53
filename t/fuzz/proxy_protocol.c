/*
 * Any bytes as a PROXY head: the parser stays inside them, a cut changes nothing, what it gives can
 * be asked for TLVs and written again.
 * Owns a copy of the input of exactly its size.
 */
#include "event/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cut(struct str bytes, size_t len, enum proxy_result whole, size_t head_len)
{
    struct proxy_head head;
    const char *why;
    const enum proxy_result part = proxy_protocol_parse(str_of(bytes.at, len), &head, &why);
    if (whole == PROXY_DONE && len >= head_len)
        ASSERT(part == PROXY_DONE && head.len == head_len);
    else if (whole == PROXY_BAD)
        ASSERT(part != PROXY_DONE);
    else
        ASSERT(part == PROXY_MORE);
}

static void check_tlvs(struct str bytes, struct str tlvs)
{
    struct str value;
    uint32_t verify;
    ASSERT(tlvs.len == 0 || (tlvs.at >= bytes.at && tlvs.at + tlvs.len <= bytes.at + bytes.len));
    for (unsigned type = 0; type < 256; type++) {
        if (proxy_protocol_tlv(tlvs, (uint8_t)type, &value))
            ASSERT(value.len < tlvs.len);
        if (proxy_protocol_ssl_tlv(tlvs, (uint8_t)type, &value))
            ASSERT(value.len < tlvs.len);
    }
    const bool ssl = proxy_protocol_tlv(tlvs, 0x20, &value);
    ASSERT(proxy_protocol_ssl_verify(tlvs, &verify) == ssl);
}

/* What is written for the addresses of a head means the same addresses. */
static void check_write(const struct proxy_head *head)
{
    char line[PROXY_LINE_MOST + 1];
    struct proxy_head again;
    struct fmt f;
    const char *why;
    fmt_init(&f, line, sizeof(line));
    proxy_protocol_write(&f, &head->source, &head->destination);
    const struct str written = fmt_done(&f);
    ASSERT(!f.failed && proxy_protocol_parse(written, &again, &why) == PROXY_DONE);
    ASSERT(again.len == written.len);
    if (!again.local)
        ASSERT(inet_eq(&again.source, &head->source)
               && inet_eq(&again.destination, &head->destination));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_head head;
    const char *why;
    char *copy = malloc(size ? size : 1);
    ASSERT(copy);
    if (size)
        memcpy(copy, data, size);
    const struct str bytes = str_of(copy, size);
    const enum proxy_result result = proxy_protocol_parse(bytes, &head, &why);
    ASSERT((result == PROXY_BAD) == (why != NULL));
    ASSERT(result != PROXY_DONE || (head.len > 0 && head.len <= size));
    for (size_t len = 0; len < size; len += size > 512 ? 1 + size / 64 : 1)
        check_cut(bytes, len, result, head.len);
    if (result == PROXY_DONE) {
        ASSERT(head.local == (head.source.len == 0) && head.local == (head.destination.len == 0));
        check_tlvs(bytes, head.tlvs);
        check_write(&head);
    }
    free(copy);
    return 0;
}
