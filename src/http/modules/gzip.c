/*
 * ngx_http_gzip_module: bodies compressed on the fly.
 *
 *     request --open--> struct packer --close--> kept, to be used again
 *
 * A worker keeps a few packers for each generation: to make one costs as much as to compress
 * 20 KiB, to begin another stream with it next to nothing.  So all are of full size, whatever the
 * length of a body.  Owns those that are kept, and gives each that is in use to one request.
 */
#include "core/generation.h"
#include "http/encoding.h"
#include "http/vars.h"

enum { KEPT_MOST = 8 };

struct gzip_conf {
    struct encoder_conf common;
    unsigned window, memory;            /* 0: the default */
};

struct packer {
    struct packer *next;
    struct deflate *deflate;
    struct deflate_packing how;
};

struct kept {
    struct packer *first;
    unsigned count;
};

/* --- configuration ---------------------------------------------------------------------------- */

struct size_row {
    unsigned least, most;               /* bits */
    unsigned less;                      /* of the field than of the size */
    const char *list;
};

/* A power of two, kept as a number of bits. */
static bool parse_bits(struct conf *cf, void *field, const void *arg)
{
    const struct size_row *row = arg;
    size_t size;
    if (!conf_type_size.parse(cf, &size, NULL))
        return false;
    for (unsigned bits = row->least; bits <= row->most; bits++)
        if (size == (size_t)1 << bits) {
            *(unsigned *)field = bits - row->less;
            return true;
        }
    return conf_error(cf, 0, "invalid-value", "\"%.*s\" directive must be %s",
                      STR_FMT(conf_arg(cf, 0)), row->list);
}
static const struct conf_type type_bits = { "size", sizeof(unsigned), false, parse_bits, false };

static const struct size_row window_row = { 9, 15, 0, "512, 1k, 2k, 4k, 8k, 16k, or 32k" };
static const struct size_row hash_row = {
    9, 17, 8, "512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k"
};
static const struct conf_range levels = { 1, 9 };

static const struct directive rows[] = {
    { "gzip", IN_HSL | IN_LOCATION_IF, 1, 1, &conf_type_flag, FIELD(encoder_conf, on), INHERIT,
      "off", NULL, NULL, "compress responses with gzip", NULL },
    { "gzip_types", IN_HSL, 1, CONF_MANY, &http_type_type_set, FIELD(encoder_conf, types), INHERIT,
      "text/html", NULL, NULL, "content types that are compressed", NULL },
    { "gzip_min_length", IN_HSL, 1, 1, &conf_type_size, FIELD(encoder_conf, min_length), INHERIT,
      "20", NULL, NULL, "length from which on a body is compressed", NULL },
    { "gzip_comp_level", IN_HSL, 1, 1, &conf_type_int, FIELD(encoder_conf, level), INHERIT, "1",
      &levels, NULL, "how hard to try: 1 to 9", NULL },
    { "gzip_window", IN_HSL, 1, 1, &type_bits, FIELD(gzip_conf, window), INHERIT, "32k",
      &window_row, NULL, "how far back repetitions are looked for", NULL },
    { "gzip_hash", IN_HSL, 1, 1, &type_bits, FIELD(gzip_conf, memory), INHERIT, "64k", &hash_row,
      NULL, "size of the table of what was seen", NULL },
    { "gzip_buffers", IN_HSL, 2, 2, &conf_type_bufs, 0, OWN, NULL, NULL,
      "memory is taken as it is needed", "for what is compressed", NULL },
    { "gzip_no_buffer", IN_HSL, 1, 1, &conf_type_flag, 0, OWN, NULL, NULL,
      "what is compressed is passed on at the end of each turn", "pass on at once", NULL },
    { "postpone_gzipping", IN_HSL, 1, 1, &conf_type_size, 0, OWN, NULL, NULL,
      "compression begins with the first bytes", "how much to wait for", NULL },
};

static struct section section = {
    .name = "gzip", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct gzip_conf), .rows = rows, .nrows = countof(rows),
};

/* --- packers ---------------------------------------------------------------------------------- */

static bool same(const struct deflate_packing *a, const struct deflate_packing *b)
{
    return a->level == b->level && a->window == b->window && a->memory == b->memory;
}

static struct packer *take(struct kept *kept, const struct deflate_packing *how)
{
    for (struct packer **link = &kept->first; *link; link = &(*link)->next)
        if (same(&(*link)->how, how)) {
            struct packer *p = *link;
            *link = p->next;
            kept->count--;
            return p;
        }
    return NULL;
}

static void packer_free(struct packer *p)
{
    deflate_free(p->deflate);
    free(p);
}

static struct packer *packer_new(const struct deflate_packing *how)
{
    struct packer *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->how = *how;
    p->deflate = deflate_packer(how);
    if (p->deflate)
        return p;
    free(p);
    return NULL;
}

static struct kept *kept_of(const struct request *r)
{
    void **state = r->subject.local->state_of;
    return state ? state[section.slot] : NULL;      /* NULL: the process ends */
}

static void *open_stream(struct request *r, int64_t length)
{
    const struct gzip_conf *conf = request_conf(r, section);
    struct kept *kept = kept_of(r);
    const struct deflate_packing how = { DEFLATE_GZIP, (unsigned)conf->common.level, conf->window,
                                         conf->memory };
    struct packer *p = kept ? take(kept, &how) : NULL;
    (void)length;
    return p ? p : packer_new(&how);
}

static enum deflate_result run(void *stream, struct str *in, enum deflate_mark mark,
                               struct fmt *out)
{
    const struct packer *p = stream;
    return deflate_run(p->deflate, in, mark, out);
}

static void close_stream(struct request *r, void *stream)
{
    struct kept *kept = kept_of(r);
    struct packer *p = stream;
    if (!kept || kept->count == KEPT_MOST) {
        packer_free(p);
        return;
    }
    deflate_again(p->deflate);
    p->next = kept->first;
    kept->first = p;
    kept->count++;
}

static bool prepare(struct local *local, const char **why)
{
    *why = "no memory";
    local->state_of[section.slot] = calloc(1, sizeof(struct kept));
    return local->state_of[section.slot];
}

static void release(struct local *local)
{
    struct kept *kept = local->state_of[section.slot];
    if (!kept)
        return;
    for (struct packer *p = kept->first, *next; p; p = next) {
        next = p->next;
        packer_free(p);
    }
    free(kept);
    local->state_of[section.slot] = NULL;
}

const struct encoder http_gzip_encoder = {
    &section, { "deflate()", open_stream, run, close_stream },
};

/* ---------------------------------------------------------------------------------------------- */

GETTER(ratio)
{
    (void)entry;
    return encoding_ratio(request_of(s), &http_gzip_encoder, out);
}

static const struct variable variables[] = {
    { "gzip_ratio", get_ratio, VARS_VOLATILE, 0, "how much smaller gzip has made the body", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_gzip_module = {
    .module = { .name = "ngx_http_gzip_module", .protocol = "http", .sections = sections,
                .variables = variables, .prepare = prepare, .release = release },
};
