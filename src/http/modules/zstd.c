/*
 * zstd, zstd_types, zstd_comp_level, zstd_min_length: bodies compressed on the fly, where the
 * library was there.
 * A worker keeps a few contexts for each generation, as gzip does, unless they have become large.
 * Owns those that are kept, and gives each that is in use to one request.
 */
#include "config.h"
#include "core/generation.h"
#include "core/zstd.h"
#include "http/encoding.h"
#include "http/vars.h"

#define MODULE "weir_http_zstd_module"

#ifdef HAVE_ZSTD

enum { KEPT_MOST = 4, KEPT_SIZE = 4 << 20 };

struct kept {
    struct zstd *at[KEPT_MOST];
    unsigned count;
};

static const struct conf_range levels = { 1, ZSTD_LEVEL_MOST };

static const struct directive rows[] = {
    { "zstd", IN_HSL | IN_LOCATION_IF, 1, 1, &conf_type_flag, FIELD(encoder_conf, on), INHERIT,
      "off", NULL, NULL, "compress responses with zstd", NULL },
    { "zstd_types", IN_HSL, 1, CONF_MANY, &http_type_type_set, FIELD(encoder_conf, types), INHERIT,
      "text/html", NULL, NULL, "content types that are compressed", NULL },
    { "zstd_min_length", IN_HSL, 1, 1, &conf_type_size, FIELD(encoder_conf, min_length), INHERIT,
      "20", NULL, NULL, "length from which on a body is compressed", NULL },
    { "zstd_comp_level", IN_HSL, 1, 1, &conf_type_int, FIELD(encoder_conf, level), INHERIT, "1",
      &levels, NULL, "how hard to try: 1 to 22", NULL },
    { "zstd_buffers", IN_HSL, 2, 2, &conf_type_bufs, 0, OWN, NULL, NULL,
      "memory is taken as it is needed", "for what is compressed", NULL },
};

static struct section section = {
    .name = "zstd", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct encoder_conf), .rows = rows, .nrows = countof(rows),
};

static struct kept *kept_of(const struct request *r)
{
    void **state = r->subject.local->state_of;
    return state ? state[section.slot] : NULL;      /* NULL: the process ends */
}

static void *open_stream(struct request *r, int64_t length)
{
    const struct encoder_conf *conf = request_conf(r, section);
    struct kept *kept = kept_of(r);
    struct zstd *z = kept && kept->count ? kept->at[--kept->count] : zstd_packer();
    if (z)
        zstd_begin(z, (unsigned)conf->level, length);
    return z;
}

static enum deflate_result run(void *stream, struct str *in, enum deflate_mark mark,
                               struct fmt *out)
{
    return zstd_run(stream, in, mark, out);
}

static void close_stream(struct request *r, void *stream)
{
    struct kept *kept = kept_of(r);
    if (kept && kept->count < KEPT_MOST && zstd_memory(stream) <= KEPT_SIZE)
        kept->at[kept->count++] = stream;
    else
        zstd_free(stream);
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
    while (kept && kept->count)
        zstd_free(kept->at[--kept->count]);
    free(kept);
    local->state_of[section.slot] = NULL;
}

const struct encoder http_zstd_encoder = {
    &section, { "zstd", open_stream, run, close_stream },
};

GETTER(ratio)
{
    (void)entry;
    return encoding_ratio(request_of(s), &http_zstd_encoder, out);
}

static const struct variable variables[] = {
    { "zstd_ratio", get_ratio, VARS_VOLATILE, 0, "how much smaller zstd has made the body", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_zstd_module = {
    .module = { .name = MODULE, .protocol = "http", .sections = sections, .variables = variables,
                .prepare = prepare, .release = release },
};

#else

#define ROW(name, max) \
    { name, IN_HSL | IN_LOCATION_IF, 1, max, &conf_type_absent, 0, OWN, NULL, \
      "this weir was built without libzstd", NULL, "compress responses with zstd", NULL }

static const struct directive rows[] = {
    ROW("zstd", 1), ROW("zstd_types", CONF_MANY), ROW("zstd_min_length", 1),
    ROW("zstd_comp_level", 1), ROW("zstd_buffers", 2),
};

static struct section section = {
    .name = "zstd", .where = IN_HSL | IN_LOCATION_IF, .size = sizeof(struct encoder_conf),
    .rows = rows, .nrows = countof(rows),
};

static struct section *const sections[] = { &section, NULL };

const struct encoder http_zstd_encoder;

const struct http_module http_zstd_module = {
    .module = { .name = MODULE, .protocol = "http", .sections = sections },
};

#endif
