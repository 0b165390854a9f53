/*
 * `split_clients`: a variable whose value is drawn by the hash of another text.
 * Owns nothing: the parts lie in the generation.
 *
 *     0 ........ 50% ...... 75% ........... 2^32 - 1     the hash falls into one of the parts;
 *       "one"       "two"       * "three"                behind the last there is an empty text
 */
#include "core/number.h"
#include "http/http.h"

enum { WHOLE = 10000 };                 /* hundredths of a percent */

struct part {
    struct part *next;
    uint32_t end;                       /* of the hashes below it; `rest`: of all */
    bool rest;
    struct str text;
};

struct split {
    struct template source;
    struct part *parts;
};

/* --- the hash: MurmurHash2 of 32 bits, with the length as its seed ---------------------------- */

static const uint32_t factor = 0x5bd1e995;

/* Little-endian. */
static uint32_t word_at(struct str text, size_t from, size_t count)
{
    uint32_t word = 0;
    for (size_t i = count; i > 0; i--)
        word = word << 8 | (unsigned char)text.at[from + i - 1];
    return word;
}

static uint32_t murmur(struct str text)
{
    uint32_t h = (uint32_t)text.len;
    size_t i = 0;
    for (; text.len - i >= 4; i += 4) {
        uint32_t k = word_at(text, i, 4) * factor;
        k = (k ^ k >> 24) * factor;
        h = h * factor ^ k;
    }
    if (i < text.len)
        h = (h ^ word_at(text, i, text.len - i)) * factor;
    h = (h ^ h >> 13) * factor;
    return h ^ h >> 15;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    struct part **end;
    int64_t sum;                        /* of the shares so far */
    uint32_t last;                      /* end of the part before */
};

/* "*" is what is left, which may be nothing.  False: reported. */
static bool parse_share(struct conf *cf, const struct reader *r, int64_t *share)
{
    struct str word = conf_arg(cf, 0);
    if (str_eq(word, STR("*"))) {
        *share = WHOLE - r->sum;
        return true;
    }
    if (str_ends(word, STR("%")))
        word.len--;
    else
        word.len = 0;
    if (!number_fixed(word, 2, share) || *share == 0)
        return conf_error(cf, 0, "invalid-value", "invalid percent value \"%.*s\"",
                          STR_FMT(conf_arg(cf, 0)));
    if (*share > WHOLE - r->sum)
        return conf_error(cf, 0, "out-of-range", "percent total is greater than 100%%");
    return true;
}

/* Each share is rounded by itself, as the values of clients must not change with the server. */
static bool parse_line(struct conf *cf, void *data)
{
    struct reader *r = data;
    struct part *part = pool_new(cf->pool, struct part);
    int64_t share;
    if (conf_nargs(cf) != 1)
        return conf_error(cf, 0, "argument-count",
                          "invalid number of the split_clients parameters");
    if (!parse_share(cf, r, &share))
        return false;
    part->rest = str_eq(conf_arg(cf, 0), STR("*"));
    part->text = pool_str(cf->pool, conf_arg(cf, 1));
    part->end = r->last + (uint32_t)((uint64_t)share * UINT32_MAX / WHOLE);
    r->sum += share;
    r->last = part->end;
    *r->end = part;
    r->end = &part->next;
    return true;
}

/* --- asking ----------------------------------------------------------------------------------- */

static struct str choose(const struct split *split, uint32_t hash)
{
    for (const struct part *part = split->parts; part; part = part->next)
        if (part->rest || hash < part->end)
            return part->text;
    return STR("");
}

static bool get_value(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    const struct split *split = (const void *)entry->data;
    struct str text;
    if (!template_eval(&split->source, s, &text))
        return false;
    *out = (struct value){ choose(split, murmur(text)), true };
    return true;
}

/* --- the directive ---------------------------------------------------------------------------- */

static bool parse_split(struct conf *cf, void *field, const void *arg)
{
    struct split *split = pool_new(cf->pool, struct split);
    struct reader reader = { .end = &split->parts };
    struct str name;
    (void)field;
    (void)arg;
    return template_compile(cf, &split->source, conf_arg(cf, 1), 1) && vars_arg(cf, 2, &name)
        && vars_define(cf, name, 2, get_value, (uintptr_t)split, 0)
        && conf_each(cf, parse_line, &reader);
}
static const struct conf_type type_split = {
    .name = "string $variable { share value; ... }", .repeat = true, .parse = parse_split,
    .block = true,
};

static const struct directive rows[] = {
    { "split_clients", IN_HTTP, 2, 2, &type_split, 0, OWN, NULL, NULL, NULL,
      "a variable with a value for each share of the clients", NULL },
};

struct split_conf {
    struct conf_set set;
};

static struct section section = {
    .name = "split_clients", .where = IN_HTTP, .size = sizeof(struct split_conf), .rows = rows,
    .nrows = countof(rows),
};
static struct section *const sections[] = { &section, NULL };

const struct http_module http_split_clients_module = {
    .module = { .name = "ngx_http_split_clients_module", .protocol = "http",
                .sections = sections },
};
