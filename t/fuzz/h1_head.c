/*
 * Fuzz target: any bytes as the head of a request; the first byte of an input says which limits.
 * Owns a copy of each part of an input, of just its size, and one pool for the time of each.
 *
 * A head has the same end, and gives the same answer, whole and cut at every byte.  What is in it
 * lies inside its bytes and has none that could be taken for another line.  Written again from its
 * parts it says the same.
 */
#include "core/fmt.h"
#include "http/v1/h1_parse.h"

enum { LIMIT = 1 << 20, EACH_CUT = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct h1_limits limits_of(unsigned byte)
{
    static const size_t lines[] = { 8192, 64, 20, 2 };
    static const unsigned fields[] = { 100, 65000, 3, 0 };
    return (struct h1_limits){
        .line = lines[byte & 3], .fields = fields[byte >> 2 & 3],
        .underscores = byte & 16, .keep_invalid = byte & 32,
    };
}

/* The end by its definition: an empty line behind one that is not. */
static size_t plain_end(struct str bytes)
{
    bool begun = false;
    struct str line, rest = bytes;
    while (str_cut(rest, '\n', &line, &rest)) {
        if (line.len > 0 && !str_eq(line, STR("\r")))
            begun = true;
        else if (begun)
            return bytes.len - rest.len;
    }
    return 0;
}

static void check_inside(struct str bytes, struct str part)
{
    const uintptr_t from = (uintptr_t)bytes.at, at = (uintptr_t)part.at;
    ASSERT(part.at && at >= from && at - from <= bytes.len);
    ASSERT(part.len <= bytes.len - (at - from));
}

static void check_text(struct str bytes, struct str text)
{
    check_inside(bytes, text);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        ASSERT((c >= ' ' || c == '\t') && c != 0x7f);
    }
}

static void check_good(struct str bytes, const struct h1_limits *limits, const struct h1_head *head)
{
    unsigned hosts = 0;
    ASSERT(head->size == bytes.len && !head->why && head->status == 0);
    check_text(bytes, head->line);
    check_text(bytes, head->method);
    check_text(bytes, head->target);
    ASSERT(head->method.len && head->target.len && str_chr(head->target, ' ') == STR_NPOS);
    ASSERT(str_chr(head->method, ' ') == STR_NPOS && head->minor <= 9);
    ASSERT(head->fields.count <= limits->fields && !(head->chunked && head->length >= 0));
    for (unsigned i = 0; i < head->fields.count; i++) {
        const struct field *field = &head->fields.at[i];
        check_text(bytes, field->name);
        check_text(bytes, field->value);
        ASSERT(field->name.len && str_chr(field->name, ' ') == STR_NPOS);
        ASSERT(str_chr(field->name, ':') == STR_NPOS && str_chr(field->name, '\t') == STR_NPOS);
        ASSERT(limits->underscores || str_chr(field->name, '_') == STR_NPOS);
        ASSERT(str_trim(field->value).len == field->value.len);
        hosts += str_eq_ci(field->name, STR("host"));
    }
    ASSERT(hosts <= 1 && (hosts == 1) == (head->host.at != NULL));
    ASSERT(hosts == 1 || head->minor == 0);
}

static void check_bad(struct str bytes, const struct h1_head *head)
{
    ASSERT(head->why && *head->why);
    ASSERT(head->status == 400 || head->status == 414 || head->status == 494 ||
           head->status == 501 || head->status == 505);
    check_inside(bytes, head->line);
    ASSERT(str_chr(head->line, '\n') == STR_NPOS);
}

static bool same_fields(const struct fields *a, const struct fields *b)
{
    if (a->count != b->count || memcmp(a->first, b->first, sizeof(a->first)) != 0)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (!str_eq(a->at[i].name, b->at[i].name) || !str_eq(a->at[i].value, b->at[i].value))
            return false;
    return true;
}

static bool same_heads(const struct h1_head *a, const struct h1_head *b)
{
    return str_eq(a->line, b->line) && str_eq(a->method, b->method) &&
           str_eq(a->target, b->target) && a->minor == b->minor &&
           same_fields(&a->fields, &b->fields) && str_eq(a->host, b->host) &&
           a->length == b->length && a->chunked == b->chunked && a->close == b->close &&
           a->keep_alive == b->keep_alive && a->expect_continue == b->expect_continue;
}

/* A head that is made of the parts of another says the same. */
static void check_again(const struct h1_limits *limits, struct pool *pool,
                        const struct h1_head *head)
{
    const struct h1_limits roomy = {
        LIMIT, limits->fields, limits->underscores, limits->keep_invalid,
    };
    struct h1_head again;
    struct fmt f;
    size_t seen = 0;
    fmt_init_pool(&f, pool, 1024, LIMIT);
    fmt_print(&f, "%.*s %.*s HTTP/1.%u\r\n", STR_FMT(head->method), STR_FMT(head->target),
              head->minor);
    for (unsigned i = 0; i < head->fields.count; i++) {
        fmt_str(&f, head->fields.at[i].name);
        fmt_text(&f, ": ");
        fmt_str(&f, head->fields.at[i].value);
        fmt_text(&f, "\r\n");
    }
    fmt_text(&f, "\r\n");
    const struct str bytes = fmt_done(&f);
    ASSERT(!f.failed && h1_find_end(bytes, &seen) == bytes.len);
    ASSERT(h1_parse(bytes, &roomy, pool, &again) == H1_DONE && same_heads(head, &again));
}

/* The bytes come in pieces, the last of which has the end of the head, if it has one. */
struct arrival {
    struct str bytes;
    const struct h1_limits *limits;
    size_t seen, checked;
    size_t end;
    enum h1_result result;
    struct h1_head head;
};

static void arrive(struct arrival *a, size_t len, struct pool *pool)
{
    struct str part;
    char *copy = malloc(len ? len : 1);
    ASSERT(copy && str_sub(a->bytes, 0, len, &part));
    if (len)
        memcpy(copy, part.at, len);
    part.at = copy;
    a->end = h1_find_end(part, &a->seen);
    ASSERT(a->end == plain_end(part) && (a->end || a->seen <= len));
    if (a->end) {
        part.len = a->end;
        a->result = h1_parse(part, a->limits, pool, &a->head);
        ASSERT(a->result != H1_MORE);
        if (a->result == H1_DONE) {
            check_good(part, a->limits, &a->head);
            check_again(a->limits, pool, &a->head);
        }
    } else {
        a->result = h1_check(part, a->limits, &a->checked, &a->head);
        ASSERT(a->result != H1_DONE && a->checked <= len);
    }
    if (a->result == H1_BAD)
        check_bad(part, &a->head);
    free(copy);
}

static void check_same(const struct arrival *whole, const struct arrival *pieces)
{
    ASSERT(whole->result == pieces->result);
    if (whole->result == H1_BAD)
        ASSERT(whole->head.status == pieces->head.status && whole->head.why == pieces->head.why);
    if (whole->result == H1_DONE)
        ASSERT(whole->end == pieces->end && whole->head.size == pieces->head.size &&
               whole->head.minor == pieces->head.minor &&
               whole->head.length == pieces->head.length &&
               whole->head.fields.count == pieces->head.fields.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct h1_limits limits = limits_of(data[0]);
    const struct arrival none = { .bytes = str_of(data + 1, size - 1), .limits = &limits };
    struct arrival whole = none, single = none;
    const size_t step = size > EACH_CUT ? 1 + size / 64 : 1;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    arrive(&whole, none.bytes.len, &pool);
    for (size_t cut = 0; cut < none.bytes.len; cut += step) {
        struct arrival two = none;
        arrive(&two, cut, &pool);
        if (!two.end && two.result == H1_MORE)
            arrive(&two, none.bytes.len, &pool);
        check_same(&whole, &two);
        if (!single.end && single.result == H1_MORE)
            arrive(&single, cut, &pool);
    }
    if (!single.end && single.result == H1_MORE)
        arrive(&single, none.bytes.len, &pool);
    check_same(&whole, &single);
    pool_free(&pool);
    return 0;
}
