/*
 * DNS messages made by hand: names at their limits, compression, aliases, records that lie, and an
 * answer cut at every byte.
 * Owns the message that is being made.
 */
#include "event/dns_message.c"

#include "t/unit/tap.h"

static char bytes[70000];
static struct fmt made;

/* --- making messages -------------------------------------------------------------------------- */

static void put_u32(uint32_t n)
{
    write_u16(&made, n >> 16);
    write_u16(&made, n & 0xffff);
}

static void put_labels(const char *text)
{
    struct str rest = str_from(text), label;
    bool more = rest.len > 0;
    while (more) {
        more = str_cut(rest, '.', &label, &rest);
        fmt_char(&made, (char)label.len);
        fmt_str(&made, label);
    }
}

static void put_name(const char *text)
{
    put_labels(text);
    fmt_char(&made, '\0');
}

static void put_pointer(unsigned to)
{
    write_u16(&made, 0xc000 | to);
}

static void put_head(unsigned flags, unsigned answers, unsigned authorities)
{
    fmt_init(&made, bytes, sizeof(bytes));
    write_u16(&made, 0x1234);
    write_u16(&made, flags);
    write_u16(&made, 1);
    write_u16(&made, answers);
    write_u16(&made, authorities);
    write_u16(&made, 0);
}

/* The question is always at 12. */
static void put_question(const char *name, unsigned type)
{
    put_name(name);
    write_u16(&made, type);
    write_u16(&made, CLASS_IN);
}

static void put_fixed(unsigned type, uint32_t ttl, unsigned len)
{
    write_u16(&made, type);
    write_u16(&made, CLASS_IN);
    put_u32(ttl);
    write_u16(&made, len);
}

static void put_a(const char *name, uint32_t ttl, uint32_t host)
{
    put_name(name);
    put_fixed(DNS_A, ttl, 4);
    put_u32(host);
}

static void put_cname(const char *name, uint32_t ttl, const char *to)
{
    put_name(name);
    put_fixed(DNS_CNAME, ttl, (unsigned)strlen(to) + 2);
    put_name(to);
}

static struct dns_name name_of(const char *text)
{
    struct dns_name name;
    if (!dns_name_parse(str_from(text), &name))
        diag("%s is no name", text);
    return name;
}

static struct dns_answer answer;
static const char *why;

static enum dns_result read_as(const char *name, enum dns_type type)
{
    const struct dns_name asked = name_of(name);
    char *copy = malloc(made.len ? made.len : 1);
    memcpy(copy, bytes, made.len);      /* of exactly this size, for the sanitizer */
    const enum dns_result result =
        dns_answer_read(str_of(copy, made.len), 0x1234, type, &asked, &answer, &why);
    answer.message.at = bytes;
    free(copy);
    return result;
}

static const char *text_of(const struct dns_name *name)
{
    static char text[DNS_NAME_MOST * 4];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    dns_name_write(&f, name);
    return fmt_done(&f).at;
}

static const char *host_of(const struct inet_address *address)
{
    static char text[INET_TEXT];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    inet_write(&f, address, false);
    return fmt_done(&f).at;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Labels of `label` letters until there are `len` bytes in all; the last may be shorter. */
static struct str long_name(size_t len, size_t label)
{
    static char text[600];
    for (size_t i = 0; i < len; i++)
        text[i] = (i + 1) % (label + 1) == 0 && i + 1 < len ? '.' : 'a';
    return str_of(text, len);
}

static void test_names(void)
{
    struct dns_name name;
    ok(dns_name_parse(STR("WWW.Example.com"), &name), "a name");
    is_mem(name.at, name.len, "\3www\7example\3com", 17, "is kept as it is sent, in lower case");
    is_str(text_of(&name), "www.example.com", "and written again");
    ok(dns_name_parse(STR("example."), &name) && name.len == 9, "a dot at the end");
    ok(dns_name_parse(STR("_http._tcp.my_host-1"), &name), "underscores and dashes");
    static const char *const bad[] = { "", ".", "..", ".a", "a..b", "a b", "a/b", "a*", "\xc3\xa4",
                                       "a\\b", "a..", "%61" };
    for (size_t i = 0; i < countof(bad); i++)
        ok(!dns_name_parse(str_from(bad[i]), &name), "\"%s\" is no name", bad[i]);
    ok(!dns_name_parse(STR("a\0b"), &name), "nor is one with a NUL");
    ok(dns_name_parse(long_name(63, 63), &name) && name.len == 65, "a label of 63");
    ok(!dns_name_parse(long_name(64, 64), &name), "not one of 64");
    ok(dns_name_parse(long_name(253, 49), &name), "253 bytes");
    is_int(name.len, 255, "are sent as 255");
    ok(!dns_name_parse(long_name(254, 49), &name), "not 254");
    ok(!dns_name_parse(long_name(255, 49), &name), "not 255");
    ok(!dns_name_parse(long_name(256, 49), &name), "not 256");
    ok(!dns_name_parse(long_name(500, 63), &name), "not 500");
    name = (struct dns_name){ .len = 7, .at = "\4a.\\\xff\0" };
    is_str(text_of(&name), "a\\046\\092\\255", "bytes that no name has are escaped");
    name = (struct dns_name){ .len = 1 };
    is_str(text_of(&name), "", "the root has no text");
}

static void test_query(void)
{
    const struct dns_name name = name_of("a.example"), longest = { .len = DNS_NAME_MOST };
    char query[DNS_QUERY_MOST + 1];
    struct fmt f;
    fmt_init(&f, query, sizeof(query));
    dns_query_write(&f, 0xabcd, DNS_AAAA, &name);
    const struct str q = fmt_done(&f);
    is_mem(q.at, q.len, "\xab\xcd\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\x1c\0\1", 27,
           "a question: recursion desired, one name, nothing else");
    fmt_init(&f, query, sizeof(query));
    dns_query_write(&f, 1, DNS_SRV, &longest);
    is_int(fmt_done(&f).len, DNS_QUERY_MOST, "the longest fits");
}

/* --- answers ---------------------------------------------------------------------------------- */

static void test_addresses(void)
{
    struct dns_record record;
    put_head(0x8180, 3, 0);
    put_question("WWW.example.com", DNS_A);
    put_a("www.example.COM", 300, 0x7f000001);
    put_pointer(12);
    put_fixed(DNS_A, 60, 4);
    put_u32(0x7f000002);
    put_a("other.example.com", 1, 0x7f000003);
    is_int(read_as("www.example.com", DNS_A), DNS_ANSWER, "an answer, case aside");
    is_int(answer.count, 2, "two records of the name");
    is_int(answer.ttl, 60, "the least TTL of these");
    ok(dns_answer_next(&answer, &record), "the first");
    is_str(host_of(&record.address), "127.0.0.1", "its address");
    ok(dns_answer_next(&answer, &record), "the second");
    is_str(host_of(&record.address), "127.0.0.2", "its address");
    ok(!dns_answer_next(&answer, &record), "no third");
    ok(!dns_answer_next(&answer, &record), "nor later");

    /* Those behind are not even sound. */
    put_head(0x8180, DNS_RECORDS_MOST + 1, 1);
    put_question("many.example", DNS_A);
    for (unsigned i = 0; i < DNS_RECORDS_MOST; i++) {
        put_pointer(12);
        put_fixed(DNS_A, 60, 4);
        put_u32(i);
    }
    is_int(read_as("many.example", DNS_A), DNS_ANSWER, "more records than are looked at");
    is_int(answer.count, DNS_RECORDS_MOST, "the first of them");

    put_head(0x8180, 1, 0);
    put_question("six.example", DNS_AAAA);
    put_pointer(12);
    put_fixed(DNS_AAAA, 0x80000000, 16);
    for (unsigned i = 0; i < 4; i++)
        put_u32(i == 0 ? 0x20010db8 : i == 3 ? 1 : 0);
    is_int(read_as("six.example", DNS_AAAA), DNS_ANSWER, "of the other family");
    is_int(answer.ttl, 0, "a negative TTL is none");
    ok(dns_answer_next(&answer, &record), "a record");
    is_str(host_of(&record.address), "2001:db8::1", "its address");
}

static void test_services(void)
{
    struct dns_record record;
    put_head(0x8180, 2, 0);
    put_question("_http._tcp.example", DNS_SRV);
    put_pointer(12);
    put_fixed(DNS_SRV, 20, 6 + 2 + 2);
    write_u16(&made, 10);
    write_u16(&made, 65535);
    write_u16(&made, 8080);
    put_labels("b");
    put_pointer(23);                    /* "example", of the question */
    put_pointer(12);
    put_fixed(DNS_SRV, 30, 7);
    write_u16(&made, 0);
    write_u16(&made, 0);
    write_u16(&made, 0);
    put_name("");
    is_int(read_as("_http._tcp.example", DNS_SRV), DNS_ANSWER, "SRV");
    is_int(answer.count, 2, "two records");
    is_int(answer.ttl, 20, "their TTL");
    ok(dns_answer_next(&answer, &record), "the first");
    ok(record.priority == 10 && record.weight == 65535 && record.port == 8080, "its numbers");
    is_str(text_of(&record.target), "b.example", "its target");
    ok(dns_answer_next(&answer, &record), "the second");
    is_int(record.target.len, 1, "has the root as its target");

    put_head(0x8180, 1, 0);
    put_question("1.0.0.127.in-addr.arpa", DNS_PTR);
    put_pointer(12);
    put_fixed(DNS_PTR, 5, 11);
    put_name("localhost");
    is_int(read_as("1.0.0.127.in-addr.arpa", DNS_PTR), DNS_ANSWER, "PTR");
    ok(dns_answer_next(&answer, &record), "a record");
    is_str(text_of(&record.target), "localhost", "its name");
}

static void put_chain(unsigned aliases)
{
    char from[16], to[16];
    put_head(0x8180, aliases + 1, 0);
    put_question("n0", DNS_A);
    put_a("end", 100, 1);               /* the order of records means nothing */
    for (unsigned i = aliases; i > 0; i--) {
        snprintf(from, sizeof(from), "n%u", i - 1);
        snprintf(to, sizeof(to), "n%u", i);
        put_cname(from, 50 + i, i == aliases ? "end" : to);
    }
}

static void test_aliases(void)
{
    struct dns_record record;
    put_chain(10);
    is_int(read_as("n0", DNS_A), DNS_ANSWER, "ten aliases");
    is_int(answer.aliases, 10, "are followed");
    is_int(answer.ttl, 51, "TTL: the least of all");
    is_str(text_of(&answer.name), "end", "to the end");
    ok(answer.count == 1 && dns_answer_next(&answer, &record), "where the record is");
    put_chain(11);
    is_int(read_as("n0", DNS_A), DNS_MALFORMED, "eleven are too many");
    is_str(why, "too many aliases", "why");

    put_head(0x8180, 2, 0);
    put_question("a", DNS_A);
    put_cname("a", 5, "b");
    put_cname("b", 5, "a");
    is_int(read_as("a", DNS_A), DNS_MALFORMED, "aliases in a circle");

    put_head(0x8180, 1, 1);
    put_question("a", DNS_A);
    put_cname("a", 5, "b");
    put_name("");
    put_fixed(TYPE_SOA, 1, 0);
    is_int(read_as("a", DNS_A), DNS_ANSWER, "an alias alone");
    ok(answer.count == 0 && answer.aliases == 1, "has no records");
    is_str(text_of(&answer.name), "b", "but a name to ask for");
    ok(answer.final, "unless the SOA says that there are none");

    put_head(0x8180, 1, 1);
    put_question("a", DNS_A);
    put_cname("a", 5, "b");
    is_int(read_as("a", DNS_A), DNS_ANSWER, "authorities that are not there do no harm");
    ok(!answer.final, "and say nothing");

    put_head(0x8180, 2, 0);
    put_question("a", DNS_CNAME);
    put_cname("a", 5, "b");
    put_cname("b", 5, "c");
    is_int(read_as("a", DNS_CNAME), DNS_ANSWER, "what is asked for as such is not followed");
    ok(answer.count == 1 && answer.aliases == 0, "it is the record");
}

static void test_others(void)
{
    put_head(0x8180, 0, 0);
    put_question("a", DNS_A);
    is_int(read_as("a", DNS_A), DNS_ANSWER, "nothing");
    ok(answer.count == 0 && answer.ttl == 0, "no records");
    is_int(read_as("b", DNS_A), DNS_FOREIGN, "another name");
    is_int(read_as("a", DNS_AAAA), DNS_FOREIGN, "another type");
    bytes[made.len - 1] = 3;
    is_int(read_as("a", DNS_A), DNS_FOREIGN, "another class");
    bytes[made.len - 1] = 1;
    bytes[0] ^= 1;
    is_int(read_as("a", DNS_A), DNS_FOREIGN, "another id");
    static const struct {
        unsigned flags;
        enum dns_result result;
        unsigned code;
    } cases[] = {
        { 0x0180, DNS_FOREIGN, 0 },     /* a question */
        { 0x8980, DNS_FOREIGN, 0 },     /* another operation */
        { 0x8181, DNS_ANSWER, DNS_FORMAT_ERROR },
        { 0x8182, DNS_ANSWER, DNS_SERVER_FAILURE },
        { 0x8183, DNS_ANSWER, DNS_NO_NAME },
        { 0x8185, DNS_ANSWER, DNS_REFUSED },
        { 0x818f, DNS_ANSWER, 15 },
        { 0x8380, DNS_TRUNCATED, 0 },
        { 0x8382, DNS_TRUNCATED, 2 },
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct dns_record record;
        put_head(cases[i].flags, 1, 0);
        put_question("a", DNS_A);
        put_a("a", 1, 1);
        is_int(read_as("a", DNS_A), cases[i].result, "flags %04x", cases[i].flags);
        if (cases[i].result != DNS_FOREIGN)
            is_int(answer.code, cases[i].code, "code");
        ok(!dns_answer_next(&answer, &record), "no record");
    }
    put_head(0x8180, 0, 0);
    bytes[5] = 0;
    is_int(read_as("a", DNS_A), DNS_FOREIGN, "no question");
    put_head(0x8180, 0, 0);
    bytes[5] = 2;
    put_question("a", DNS_A);
    put_question("a", DNS_A);
    is_int(read_as("a", DNS_A), DNS_FOREIGN, "two questions");
}

/* --- what is broken --------------------------------------------------------------------------- */

/* An answer whose record has `name` (so many bytes) as its owner. */
static enum dns_result with_owner(const char *name, size_t len)
{
    put_head(0x8180, 1, 0);
    put_question("a", DNS_A);           /* up to 19 */
    fmt_str(&made, str_of(name, len));
    put_fixed(DNS_A, 1, 4);
    put_u32(1);
    return read_as("a", DNS_A);
}

/* An owner of labels of 49 letters, then one of `last`, with the zero: 201 + last + 1 bytes. */
static enum dns_result with_long_owner(unsigned last)
{
    put_head(0x8180, 1, 0);
    put_question("a", DNS_A);
    for (unsigned i = 0; i < 4; i++) {
        fmt_char(&made, 49);
        fmt_repeat(&made, 'x', 49);
    }
    fmt_char(&made, (char)last);
    fmt_repeat(&made, 'x', last);
    fmt_char(&made, '\0');
    put_fixed(DNS_A, 1, 4);
    put_u32(1);
    return read_as("a", DNS_A);
}

static void test_compression(void)
{
    is_int(with_owner("\xc0\x0c", 2), DNS_ANSWER, "a pointer back");
    is_int(with_owner("\xc0\x13", 2), DNS_MALFORMED, "a pointer to itself");
    is_int(with_owner("\xc0\x15\xc0\x13", 4), DNS_MALFORMED, "two that point at each other");
    is_int(with_owner("\1x\xc0\x13", 4), DNS_MALFORMED, "a circle with a label in it");
    is_int(with_owner("\xc3\xff", 2), DNS_MALFORMED, "a pointer out of the message");
    is_int(with_owner("\x40", 1), DNS_MALFORMED, "a length of 64");
    is_int(with_owner("\x80\x0c", 2), DNS_MALFORMED, "the reserved bits");
    is_int(with_long_owner(53), DNS_ANSWER, "a name of 255 bytes");
    is_int(with_long_owner(54), DNS_MALFORMED, "not one of 256");
    is_int(with_long_owner(63), DNS_MALFORMED, "nor one of 265");

    /* A tower of pointers in the data of a record nobody knows. */
    for (unsigned jumps = 127; jumps <= 129; jumps++) {
        put_head(0x8180, 2, 0);
        put_question("a", DNS_A);
        put_pointer(12);
        put_fixed(99, 1, 2 * (jumps - 1));
        const unsigned tower = (unsigned)made.len;
        for (unsigned i = 0; i < jumps - 1; i++)
            put_pointer(i == 0 ? 12 : tower + 2 * (i - 1));
        put_pointer(tower + 2 * (jumps - 2));
        put_fixed(DNS_A, 1, 4);
        put_u32(1);
        is_int(read_as("a", DNS_A), jumps <= 128 ? DNS_ANSWER : DNS_MALFORMED, "%u jumps", jumps);
    }
}

static void put_record(unsigned type, unsigned len, struct str data)
{
    put_head(0x8180, 1, 0);
    put_question("a", type);
    put_pointer(12);
    put_fixed(type, 1, len);
    fmt_str(&made, data);
}

static void test_data(void)
{
    static const char zeros[64];
    static const struct {
        enum dns_type type;
        unsigned good;
    } hosts[] = { { DNS_A, 4 }, { DNS_AAAA, 16 } };
    for (size_t i = 0; i < countof(hosts); i++)
        for (unsigned len = 0; len <= 20; len++) {
            put_record(hosts[i].type, len, str_of(zeros, len));
            is_int(read_as("a", hosts[i].type),
                   len == hosts[i].good ? DNS_ANSWER : DNS_MALFORMED, "type %u with %u bytes",
                   hosts[i].type, len);
        }
    put_record(DNS_SRV, 7, str_of(zeros, 7));
    is_int(read_as("a", DNS_SRV), DNS_ANSWER, "SRV with seven bytes");
    put_record(DNS_SRV, 6, str_of(zeros, 6));
    is_int(read_as("a", DNS_SRV), DNS_MALFORMED, "with six");
    put_record(DNS_SRV, 8, str_of(zeros, 8));
    is_int(read_as("a", DNS_SRV), DNS_MALFORMED, "with eight, one too many");
    put_record(DNS_PTR, 2, STR("\3abc"));
    is_int(read_as("a", DNS_PTR), DNS_MALFORMED, "a name beyond its record");
    put_record(DNS_A, 4, STR("abc"));
    is_int(read_as("a", DNS_A), DNS_MALFORMED, "a record beyond the message");
    put_head(0x8180, 0xffff, 0);
    put_question("a", DNS_A);
    put_a("a", 1, 1);
    is_int(read_as("a", DNS_A), DNS_MALFORMED, "more records than there are");
}

/* However it is cut: nothing is read outside, and nothing half is an answer. */
static void test_cut(void)
{
    put_chain(3);
    const size_t whole = made.len;
    unsigned wrong = 0, foreign = 0;
    for (made.len = 0; made.len < whole; made.len++) {
        const enum dns_result result = read_as("n0", DNS_A);
        wrong += result != DNS_FOREIGN && result != DNS_MALFORMED;
        foreign += result == DNS_FOREIGN;
    }
    is_int(wrong, 0, "none of %zu beginnings is an answer", whole);
    is_int(foreign, DNS_HEAD + 8, "those without the whole question are nobody's");
    is_int(read_as("n0", DNS_A), DNS_ANSWER, "the whole is");
}

int main(void)
{
    test_names();
    test_query();
    test_addresses();
    test_services();
    test_aliases();
    test_others();
    test_compression();
    test_data();
    test_cut();
    return done_testing();
}
