/*
 * Any bytes as a DNS message: what is read stays inside them, the walk gives as many records as
 * were counted, and names that come out of it can be asked for and written.
 * Owns a copy of the input of exactly its size.
 *
 * The first byte chooses the type that was asked for; the id and the name are those of the message,
 * so that most inputs get past the question.
 */
#include "event/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV, DNS_PTR, DNS_CNAME };

/* The name behind the head, when it stands there in one piece. */
static bool name_of(struct str message, struct dns_name *name)
{
    size_t at = DNS_HEAD;
    while (at < message.len && message.at[at] != '\0' && (unsigned char)message.at[at] < 64)
        at += (size_t)message.at[at] + 1;
    if (at >= message.len || message.at[at] != '\0' || at - DNS_HEAD >= DNS_NAME_MOST)
        return false;
    name->len = (uint8_t)(at + 1 - DNS_HEAD);
    for (size_t i = 0; i < name->len; i++)
        name->at[i] = str_lower_char(message.at[DNS_HEAD + i]);
    return true;
}

/* What a name says can be written, and asked for again. */
static void check_name(const struct dns_name *name)
{
    char text[DNS_NAME_MOST * 4], query[DNS_QUERY_MOST + 1];
    struct dns_name again;
    struct fmt f;
    ASSERT(name->len >= 1 && name->at[name->len - 1] == '\0');
    fmt_init(&f, text, sizeof(text));
    dns_name_write(&f, name);
    const struct str written = fmt_done(&f);
    ASSERT(!f.failed);
    if (dns_name_parse(written, &again))
        ASSERT(dns_name_eq(&again, name));
    fmt_init(&f, query, sizeof(query));
    dns_query_write(&f, 1, DNS_A, name);
    ASSERT(fmt_done(&f).len == DNS_HEAD + (size_t)name->len + 4);
}

static void check_answer(struct dns_answer *answer)
{
    struct dns_record record;
    unsigned count = 0;
    ASSERT(answer->aliases <= DNS_ALIASES_MOST && answer->ttl <= INT32_MAX);
    check_name(&answer->name);
    while (dns_answer_next(answer, &record)) {
        count++;
        if (answer->type == DNS_A || answer->type == DNS_AAAA)
            ASSERT(inet_host(&record.address).len == (answer->type == DNS_A ? 4 : 16));
        else
            check_name(&record.target);
    }
    ASSERT(count == answer->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_answer answer;
    struct dns_name name = { .len = 1 };
    const char *why;
    if (size < 3 || size > 65536)
        return 0;
    char *copy = malloc(size - 1);
    ASSERT(copy);
    memcpy(copy, data + 1, size - 1);
    const struct str message = str_of(copy, size - 1);
    const uint16_t id = (uint16_t)(data[1] << 8 | data[2]);
    if (name_of(message, &name))
        check_name(&name);
    switch (dns_answer_read(message, id, types[data[0] % countof(types)], &name, &answer, &why)) {
    case DNS_ANSWER:
        ASSERT(!why);
        check_answer(&answer);
        break;
    case DNS_TRUNCATED:
        ASSERT(!why && answer.left == 0);
        break;
    case DNS_FOREIGN:
    case DNS_MALFORMED:
        ASSERT(why);
        break;
    }
    free(copy);
    return 0;
}
