/*
 * Which encoding is picked: qualities, the order at equal quality, "*", identity, several fields.
 * Owns the pool of the fields.
 */
#include "http/encoding.c"

#include "t/unit/tap.h"

enum {
    Z = 1 << ENCODING_ZSTD,
    B = 1 << ENCODING_BR,
    G = 1 << ENCODING_GZIP,
    ALL = Z | B | G,
};

static struct pool pool;

static enum encoding pick(const char *first, const char *second, unsigned offered)
{
    struct fields in = { 0 };
    fields_add(&in, &pool, STR("Host"), STR("a"));
    if (first)
        fields_add(&in, &pool, STR("Accept-Encoding"), str_from(first));
    if (second)
        fields_add(&in, &pool, STR("accept-encoding"), str_from(second));
    return encoding_pick(&in, offered);
}

static const struct {
    const char *value;
    unsigned offered;
    enum encoding want;
} cases[] = {
    { "gzip, deflate, br, zstd", ALL, ENCODING_ZSTD },
    { "gzip, deflate, br, zstd", B | G, ENCODING_BR },
    { "gzip, deflate, br, zstd", G, ENCODING_GZIP },
    { "gzip, deflate, br, zstd", 0, ENCODING_NONE },
    { "gzip;q=1, br;q=0.9, zstd;q=0.8", ALL, ENCODING_GZIP },
    { "gzip;q=0.8, br;q=0.9, zstd;q=0.8", ALL, ENCODING_BR },
    { "gzip;q=0.8, br;q=0.9, zstd;q=0.8", Z | G, ENCODING_ZSTD },
    { "gzip;q=0.001", ALL, ENCODING_GZIP },
    { "gzip;q=0, br;q=0, zstd;q=0", ALL, ENCODING_NONE },
    { "zstd;q=0, gzip", ALL, ENCODING_GZIP },
    { "BR", ALL, ENCODING_BR },
    { "brotli", ALL, ENCODING_NONE },
    { "x-gzip", ALL, ENCODING_GZIP },
    { "", ALL, ENCODING_NONE },
    { " , ,gzip", ALL, ENCODING_GZIP },
    { "gzip;q=2, br;q=0.1", ALL, ENCODING_BR },
    { "identity", ALL, ENCODING_NONE },
    { "identity, gzip", ALL, ENCODING_GZIP },
    { "identity, gzip;q=0.999", ALL, ENCODING_NONE },
    { "identity;q=0.5, gzip;q=0.5", ALL, ENCODING_GZIP },
    { "identity;q=0", ALL, ENCODING_NONE },
    { "identity;q=0, gzip;q=0.1", ALL, ENCODING_GZIP },
    { "identity;q=0, gzip;q=0.1, *;q=0.2", ALL, ENCODING_ZSTD },
    { "identity;q=0, gzip;q=0.3, *;q=0.2", ALL, ENCODING_GZIP },
    { "identity;q=0, zstd;q=0, *", ALL, ENCODING_BR },
    { "identity;q=0, zstd;q=0, *", Z, ENCODING_NONE },
    { "*", ALL, ENCODING_NONE },
    { "gzip;q=0.1, *", ALL, ENCODING_GZIP },
    { "*;q=0", ALL, ENCODING_NONE },
    { "*;q=0, gzip;q=0.2", ALL, ENCODING_GZIP },
    { "*;q=0, identity, gzip;q=0.2", ALL, ENCODING_NONE },
};

static void several_fields(void)
{
    is_int(pick(NULL, NULL, ALL), ENCODING_NONE, "no field");
    is_int(pick("gzip", "br", ALL), ENCODING_BR, "both are read");
    is_int(pick("deflate", "gzip", ALL), ENCODING_GZIP, "the second as well");
    is_int(pick("gzip;q=0", "gzip", ALL), ENCODING_NONE, "the first that names it counts");
    is_int(pick("gzip", "identity;q=0, gzip;q=0", ALL), ENCODING_GZIP, "also when it is liked");
    is_int(pick("identity;q=0", "*", B), ENCODING_BR, "refusal and rest in two");
}

int main(void)
{
    pool_reserve_init();
    pool_init(&pool, &pool_heap);
    for (unsigned i = 0; i < countof(cases); i++)
        is_int(pick(cases[i].value, NULL, cases[i].offered), cases[i].want, "\"%s\" of %u",
               cases[i].value, cases[i].offered);
    several_fields();
    is_mem(encoding_suffix(ENCODING_BR).at, encoding_suffix(ENCODING_BR).len, ".br", 3, "suffix");
    pool_free(&pool);
    return done_testing();
}
