/*
 * DNS messages after RFC 1035, SRV after RFC 2782, AAAA after RFC 3596.
 * Owns nothing; an answer that is walked lies in the bytes that were read.
 */
#include "event/dns_message.h"

enum {
    CLASS_IN = 1,
    TYPE_SOA = 6,
    LABEL_MOST = 63,
    POINTER = 0xc0,                     /* the two bits of a length that is a jump */
    FLAG_ANSWER = 0x8000,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSE = 0x0100,
    OPCODE = 0x7800,
    CODE = 0x000f,
};

/* --- names ------------------------------------------------------------------------------------ */

static bool label_is_clean(struct str label)
{
    for (size_t i = 0; i < label.len; i++) {
        const char c = str_lower_char(label.at[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return label.len > 0 && label.len <= LABEL_MOST;
}

/* In lower case.  False: the name is too long, with room kept for the zero at its end. */
static bool add_label(struct dns_name *name, struct str label)
{
    if (label.len >= sizeof(name->at) - 1 - name->len)
        return false;
    name->at[name->len++] = (char)label.len;
    for (size_t i = 0; i < label.len; i++)
        name->at[name->len++] = str_lower_char(label.at[i]);
    return true;
}

bool dns_name_parse(struct str text, struct dns_name *name)
{
    struct str label;
    bool more;
    *name = (struct dns_name){ .len = 0 };
    if (str_ends(text, STR(".")))
        text.len--;
    do {
        more = str_cut(text, '.', &label, &text);
        if (!label_is_clean(label) || !add_label(name, label))
            return false;
    } while (more);
    name->at[name->len++] = '\0';
    return true;
}

static void write_byte(struct fmt *f, unsigned char c)
{
    if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
        fmt_char(f, (char)c);
        return;
    }
    fmt_char(f, '\\');
    fmt_u64_width(f, c, 3);
}

void dns_name_write(struct fmt *f, const struct dns_name *name)
{
    struct str rest = str_of(name->at, name->len), label;
    while (rest.len > 0 && str_sub(rest, 1, (unsigned char)*rest.at, &label) && label.len > 0) {
        if (rest.at != name->at)
            fmt_char(f, '.');
        for (size_t i = 0; i < label.len; i++)
            write_byte(f, (unsigned char)label.at[i]);
        ASSERT(str_from_off(rest, label.len + 1, &rest));
    }
}

/* --- the question ----------------------------------------------------------------------------- */

static void write_u16(struct fmt *f, unsigned n)
{
    fmt_char(f, (char)(n >> 8 & 0xff));
    fmt_char(f, (char)(n & 0xff));
}

void dns_query_write(struct fmt *f, uint16_t id, enum dns_type type, const struct dns_name *name)
{
    write_u16(f, id);
    write_u16(f, FLAG_RECURSE);
    write_u16(f, 1);
    for (unsigned i = 0; i < 3; i++)
        write_u16(f, 0);
    fmt_str(f, str_of(name->at, name->len));
    write_u16(f, type);
    write_u16(f, CLASS_IN);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Where the next byte is read; `bad` once something did not lie inside: what follows is zero. */
struct reader {
    struct str bytes;
    size_t at;
    bool bad;
};

static struct str take(struct reader *r, size_t len)
{
    struct str part = STR_NONE;
    r->bad = r->bad || !str_sub(r->bytes, r->at, len, &part);
    if (r->bad)
        return STR_NONE;
    r->at += len;
    return part;
}

static unsigned take_u8(struct reader *r)
{
    const struct str one = take(r, 1);
    return one.len ? (unsigned char)*one.at : 0;
}

static unsigned take_u16(struct reader *r)
{
    const unsigned high = take_u8(r);
    return high << 8 | take_u8(r);
}

static uint32_t take_u32(struct reader *r)
{
    const uint32_t high = take_u16(r);
    return high << 16 | take_u16(r);
}

/* Expanded; the reader goes on behind the place where the name stands, not where it was led. */
static void take_name(struct reader *r, struct dns_name *name)
{
    struct reader walk = *r;
    unsigned jumps = 0;
    name->len = 0;
    for (unsigned len; (len = take_u8(&walk)) != 0 && !walk.bad;) {
        if ((len & POINTER) == POINTER) {
            const unsigned to = (len & ~(unsigned)POINTER) << 8 | take_u8(&walk);
            if (jumps == 0)
                r->at = walk.at;
            walk.at = to;
            walk.bad = walk.bad || ++jumps > DNS_JUMPS_MOST;
        } else if (len > LABEL_MOST || !add_label(name, take(&walk, len))) {
            walk.bad = true;
        }
    }
    r->bad = r->bad || walk.bad;
    if (jumps == 0)
        r->at = walk.at;
    name->at[name->len++] = '\0';
}

struct found {                          /* a record as it stands */
    struct dns_name owner;
    unsigned type, class;
    uint32_t ttl;
    size_t data;                        /* where it begins */
    size_t len;
};

static void take_record(struct reader *r, struct found *found)
{
    take_name(r, &found->owner);
    found->type = take_u16(r);
    found->class = take_u16(r);
    found->ttl = take_u32(r);
    if (found->ttl > INT32_MAX)         /* RFC 2181, 8 */
        found->ttl = 0;
    found->len = take_u16(r);
    found->data = r->at;
    take(r, found->len);
}

static void set_address(struct inet_address *address, struct str host)
{
    if (host.len == sizeof(address->v4.sin_addr)) {
        *address = (struct inet_address){ .len = sizeof(address->v4) };
        address->v4.sin_family = AF_INET;
        memcpy(&address->v4.sin_addr, host.at, sizeof(address->v4.sin_addr));
    } else {
        *address = (struct inet_address){ .len = sizeof(address->v6) };
        address->v6.sin6_family = AF_INET6;
        memcpy(&address->v6.sin6_addr, host.at, sizeof(address->v6.sin6_addr));
    }
}

/* False: not what a record of this type holds.  Names in it may refer to the whole message. */
static bool read_data(struct str message, const struct found *found, struct dns_record *record)
{
    const size_t host = found->type == DNS_A ? 4 : 16;
    struct reader r = { .bytes = message, .at = found->data };
    switch (found->type) {
    case DNS_A:
    case DNS_AAAA:
        if (found->len != host)
            return false;
        set_address(&record->address, take(&r, host));
        return true;
    case DNS_SRV:
        record->priority = (uint16_t)take_u16(&r);
        record->weight = (uint16_t)take_u16(&r);
        record->port = (uint16_t)take_u16(&r);
        break;
    case DNS_CNAME:
    case DNS_PTR:
        break;
    default:
        return true;
    }
    take_name(&r, &record->target);
    return !r.bad && r.at == found->data + found->len;
}

/* --- the answer ------------------------------------------------------------------------------- */

static struct reader walk_of(const struct dns_answer *a)
{
    return (struct reader){ .bytes = a->message, .at = a->at };
}

/* All of them are sound, also those that nobody asked for.  Of the authorities behind them only one
 * thing is of interest, which a broken one does not say. */
static bool records_are_sound(struct dns_answer *a, unsigned authorities)
{
    struct reader r = walk_of(a);
    struct dns_record record;
    struct found found;
    for (unsigned i = 0; i < a->left; i++) {
        take_record(&r, &found);
        if (r.bad || !read_data(a->message, &found, &record))
            return false;
    }
    while (authorities-- > 0 && !r.bad) {
        take_record(&r, &found);
        a->final = a->final || (!r.bad && found.type == TYPE_SOA);
    }
    return true;
}

/* The records of the type asked for, or else the alias.  False: there is no alias. */
static bool look_at_name(struct dns_answer *a, struct dns_name *alias)
{
    struct reader r = walk_of(a);
    struct dns_record record;
    struct found found;
    uint32_t ttl = a->ttl, alias_ttl = a->ttl;
    bool aliased = false;
    a->count = 0;
    for (unsigned i = 0; i < a->left; i++) {
        take_record(&r, &found);
        if (found.class != CLASS_IN || !dns_name_eq(&found.owner, &a->name))
            continue;
        if (found.type == (unsigned)a->type) {
            a->count++;
            ttl = found.ttl < ttl ? found.ttl : ttl;
        } else if (found.type == DNS_CNAME && read_data(a->message, &found, &record)) {
            *alias = record.target;
            alias_ttl = found.ttl < a->ttl ? found.ttl : a->ttl;
            aliased = true;
        }
    }
    aliased = aliased && a->count == 0;
    a->ttl = aliased ? alias_ttl : ttl;
    return aliased;
}

static enum dns_result bad(const char **why, enum dns_result result, const char *text)
{
    *why = text;
    return result;
}

static enum dns_result read_records(struct dns_answer *a, unsigned authorities, const char **why)
{
    struct dns_name alias;
    if (!records_are_sound(a, authorities))
        return bad(why, DNS_MALFORMED, "invalid record");
    a->ttl = UINT32_MAX;
    while (look_at_name(a, &alias)) {
        if (++a->aliases > DNS_ALIASES_MOST)
            return bad(why, DNS_MALFORMED, "too many aliases");
        a->name = alias;
    }
    if (a->ttl == UINT32_MAX)
        a->ttl = 0;
    return DNS_ANSWER;
}

enum dns_result dns_answer_read(struct str message, uint16_t id, enum dns_type type,
                                const struct dns_name *name, struct dns_answer *answer,
                                const char **why)
{
    struct reader r = { .bytes = message };
    struct dns_name asked;
    *answer = (struct dns_answer){ .name = *name, .type = type, .message = message };
    *why = NULL;
    const unsigned got_id = take_u16(&r), flags = take_u16(&r), questions = take_u16(&r);
    answer->left = take_u16(&r);
    unsigned authorities = take_u16(&r);
    take(&r, DNS_HEAD - r.at);
    if (r.bad || got_id != id || !(flags & FLAG_ANSWER) || (flags & OPCODE) || questions != 1)
        return bad(why, DNS_FOREIGN, "no answer to this question");
    take_name(&r, &asked);
    const unsigned asked_type = take_u16(&r), asked_class = take_u16(&r);
    if (r.bad || asked_type != (unsigned)type || asked_class != CLASS_IN
        || !dns_name_eq(&asked, name))
        return bad(why, DNS_FOREIGN, "another question");
    if (answer->left > DNS_RECORDS_MOST) {
        answer->left = DNS_RECORDS_MOST;
        authorities = 0;
    }
    answer->code = flags & CODE;
    answer->at = r.at;
    if (flags & FLAG_TRUNCATED) {
        answer->left = 0;
        return DNS_TRUNCATED;
    }
    return answer->code == DNS_OK ? read_records(answer, authorities, why) : DNS_ANSWER;
}

bool dns_answer_next(struct dns_answer *answer, struct dns_record *record)
{
    struct reader r = walk_of(answer);
    struct found found;
    bool mine = false;
    while (!mine && answer->left > 0 && answer->code == DNS_OK) {
        answer->left--;
        take_record(&r, &found);
        mine = found.class == CLASS_IN && found.type == (unsigned)answer->type
               && dns_name_eq(&found.owner, &answer->name);
    }
    answer->at = r.at;
    *record = (struct dns_record){ .port = 0 };
    return mine && read_data(answer->message, &found, record);
}
