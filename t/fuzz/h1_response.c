/*
 * Fuzz target: any bytes as the head of a backend's response, and as a section of trailers.
 * Owns a copy of each part of an input, of just its size, and one pool for the time of each.
 *
 * A head ends where h1_find_end says; a part of it is incomplete, or wrong in the same way.  What
 * goes on of it has no byte that could be taken for another line, and no framing.  Written again
 * from its parts it says the same.
 */
#include "core/fmt.h"
#include "http/v1/h1_response.h"

enum { LIMIT = 1 << 20, EACH_CUT = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_token(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", name.at[i]))
            return false;
    return name.len > 0;
}

static void check_text(struct str bytes, struct str text)
{
    const uintptr_t from = (uintptr_t)bytes.at, at = (uintptr_t)text.at;
    ASSERT(text.at && at >= from && at - from <= bytes.len);
    ASSERT(text.len <= bytes.len - (at - from));
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        ASSERT((c >= ' ' || c == '\t') && c != 0x7f);
    }
}

static void check_fields(struct str bytes, const struct fields *fields)
{
    static const char *const never[] = { "connection", "content-length", "keep-alive",
                                         "proxy-connection", "te", "trailer", "transfer-encoding",
                                         "upgrade" };
    for (unsigned i = 0; i < fields->count; i++) {
        const struct field *field = &fields->at[i];
        check_text(bytes, field->name);
        check_text(bytes, field->value);
        ASSERT(is_token(field->name) && str_trim(field->value).len == field->value.len);
        for (unsigned k = 0; k < countof(never); k++)
            ASSERT(!str_eq_ci(field->name, str_from(never[k])));
    }
}

static void check_good(struct str bytes, const struct h1_response *out)
{
    ASSERT(!out->why && !out->culprit.at && out->size <= bytes.len);
    ASSERT(out->status >= 100 && out->status <= 599 && out->minor <= 1);
    ASSERT(out->length >= -1 && !(out->chunked && out->length >= 0));
    ASSERT(!out->chunked || out->minor == 1);
    ASSERT(out->fields.count + out->dropped.count <= H1_RESPONSE_FIELDS);
    check_text(bytes, out->line);
    check_text(bytes, out->reason);
    check_fields(bytes, &out->fields);
    if (out->upgrade.at)
        check_text(bytes, out->upgrade);
    for (unsigned i = 0; i < out->dropped.count; i++) {
        check_text(bytes, out->dropped.at[i].name);
        check_text(bytes, out->dropped.at[i].value);
        ASSERT(!is_token(out->dropped.at[i].name));
    }
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

static void check_same(const struct h1_response *a, const struct h1_response *b)
{
    ASSERT(a->status == b->status && a->minor == b->minor && str_eq(a->reason, b->reason));
    ASSERT(a->length == b->length && a->chunked == b->chunked && a->close == b->close);
    ASSERT(a->keep_alive == b->keep_alive && a->upgrade_named == b->upgrade_named);
    ASSERT(str_eq(a->upgrade, b->upgrade) && same_fields(&a->fields, &b->fields));
}

static void add_fields(struct fmt *f, const struct fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++) {
        fmt_str(f, fields->at[i].name);
        fmt_text(f, ": ");
        fmt_str(f, fields->at[i].value);
        fmt_text(f, "\n");
    }
}

/* Few enough lines that four more are not too many. */
static void check_again(struct pool *pool, const struct h1_response *out)
{
    struct h1_response again;
    struct fmt f;
    size_t seen = 0;
    fmt_init_pool(&f, pool, 1024, LIMIT);
    fmt_print(&f, "HTTP/1.%u %u ", out->minor, out->status);
    fmt_str(&f, out->reason);
    fmt_text(&f, "\nConnection:");
    fmt_text(&f, out->close ? "close," : "");
    fmt_text(&f, out->keep_alive ? "keep-alive," : "");
    fmt_text(&f, out->upgrade_named ? "upgrade\n" : "\n");
    if (out->length >= 0)
        fmt_print(&f, "Content-Length: %lld\n", (long long)out->length);
    fmt_text(&f, out->chunked ? "Transfer-Encoding: chunked\n" : "");
    if (out->upgrade.at) {
        fmt_text(&f, "Upgrade: ");
        fmt_str(&f, out->upgrade);
        fmt_text(&f, "\n");
    }
    add_fields(&f, &out->fields);
    fmt_text(&f, "\n");
    const struct str bytes = fmt_done(&f);
    ASSERT(!f.failed && h1_find_end(bytes, &seen) == bytes.len);
    ASSERT(h1_parse_response(bytes, pool, &again) == H1_DONE);
    check_same(out, &again);
}

static enum h1_result parse(struct str bytes, struct pool *pool, struct h1_response *out)
{
    char *copy = malloc(bytes.len ? bytes.len : 1);
    size_t seen = 0;
    ASSERT(copy);
    if (bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    bytes.at = copy;
    const enum h1_result result = h1_parse_response(bytes, pool, out);
    if (result == H1_BAD)
        ASSERT(out->why && *out->why && out->culprit.len <= 3 * bytes.len + 256);
    if (result == H1_DONE) {
        ASSERT(out->size == h1_find_end(bytes, &seen));
        check_good(bytes, out);
        if (out->fields.count + 4 <= H1_RESPONSE_FIELDS)
            check_again(pool, out);
    }
    free(copy);
    return result;
}

/* Those that are let through can be written behind a body, and read again. */
static void check_trailers(struct str section, struct pool *pool)
{
    struct fields fields = { 0 }, again = { 0 };
    struct fmt f;
    if (!h1_parse_trailers(section, pool, &fields))
        return;
    ASSERT(fields.count <= H1_RESPONSE_FIELDS);
    check_fields(section, &fields);
    fmt_init_pool(&f, pool, 1024, LIMIT);
    add_fields(&f, &fields);
    ASSERT(!f.failed && h1_parse_trailers(fmt_done(&f), pool, &again));
    ASSERT(same_fields(&fields, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str bytes = str_of(data, size);
    const size_t step = size > EACH_CUT ? 1 + size / 64 : 1;
    struct h1_response whole, cut;
    struct str part;
    struct pool pool;
    if (size > LIMIT / 4)
        return 0;
    pool_init(&pool, &pool_heap);
    const enum h1_result result = parse(bytes, &pool, &whole);
    for (size_t len = 0; len < size; len += step) {
        ASSERT(str_sub(bytes, 0, len, &part));
        const enum h1_result early = parse(part, &pool, &cut);
        ASSERT(early == H1_MORE || early == result);
        ASSERT(early != H1_BAD || cut.why == whole.why);
        ASSERT(early != H1_DONE || cut.size == whole.size);
    }
    check_trailers(bytes, &pool);
    pool_free(&pool);
    return 0;
}
