/*
 * Addresses that proxies pass on, from the last one to the first.  Owns nothing.
 */
#include "http/forwarded.h"

void forwarded_trust(struct forwarded_from *from, struct pool *pool, const struct inet_cidr *proxy)
{
    if ((from->count & (from->count - 1)) == 0) {       /* full at each power of two */
        const size_t room = from->count ? (size_t)from->count * 2 : 1;
        struct inet_cidr *grown = pool_array(pool, room, sizeof(*grown));
        if (from->count)
            memcpy(grown, from->proxies, from->count * sizeof(*grown));
        from->proxies = grown;
    }
    from->proxies[from->count++] = *proxy;
}

bool forwarded_trusts(const struct forwarded_from *from, const struct inet_address *address)
{
    if (address->any.sa_family == AF_UNIX)
        return from->local;
    for (unsigned i = 0; i < from->count; i++)
        if (inet_cidr_match(&from->proxies[i], address))
            return true;
    return false;
}

static bool is_separator(char c)
{
    return c == ' ' || c == ',';
}

/* Takes the last word off; empty: there is none. */
static struct str take_last(struct str *list)
{
    size_t end = list->len;
    while (end > 0 && is_separator(list->at[end - 1]))
        end--;
    size_t from = end;
    while (from > 0 && !is_separator(list->at[from - 1]))
        from--;
    struct str word;
    ASSERT(str_sub(*list, from, end - from, &word) && str_sub(*list, 0, from, list));
    return word;
}

static bool parse(struct str word, struct inet_address *address)
{
    return (inet_parse_host(word, 0, address) || inet_parse(word, 0, address))
        && address->any.sa_family != AF_UNIX;
}

/* False: the search ends. */
static bool follow_list(struct str list, const struct forwarded_from *from,
                        struct inet_address *address)
{
    bool go_on;
    do {
        struct inet_address next;
        if (!parse(take_last(&list), &next))
            return false;
        *address = next;
        go_on = from->recursive && forwarded_trusts(from, address);
    } while (go_on && list.len > 0);
    return go_on;
}

void forwarded_address(const struct fields *fields, enum field_id id,
                       const struct forwarded_from *from, struct inet_address *address)
{
    bool go_on = forwarded_trusts(from, address);
    for (unsigned i = fields->count; go_on && i > 0; i--)
        if (fields->at[i - 1].id == id)
            go_on = follow_list(fields->at[i - 1].value, from, address);
}

void forwarded_value(struct str list, const struct forwarded_from *from,
                     struct inet_address *address)
{
    if (forwarded_trusts(from, address))
        follow_list(list, from, address);
}
