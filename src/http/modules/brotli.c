/*
 * brotli, brotli_types, brotli_comp_level, brotli_min_length, brotli_window: bodies compressed on
 * the fly, where the library was there.  Owns nothing: each stream is one request's.
 */
#include "config.h"
#include "core/brotli.h"
#include "http/encoding.h"
#include "http/vars.h"

#define MODULE "weir_http_brotli_module"

#ifdef HAVE_BROTLI

struct brotli_conf {
    struct encoder_conf common;
    unsigned window;                    /* bits */
};

static bool parse_window(struct conf *cf, void *field, const void *arg)
{
    size_t size;
    (void)arg;
    if (!conf_type_size.parse(cf, &size, NULL))
        return false;
    for (unsigned bits = BROTLI_WINDOW_LEAST; bits <= BROTLI_WINDOW_MOST; bits++)
        if (size == (size_t)1 << bits) {
            *(unsigned *)field = bits;
            return true;
        }
    return conf_error(cf, 0, "invalid-value",
                      "\"brotli_window\" directive must be a power of two from 1k to 16m");
}
static const struct conf_type type_window = { "size", sizeof(unsigned), false, parse_window,
                                              false };

static const struct conf_range levels = { 0, BROTLI_LEVEL_MOST };

static const struct directive rows[] = {
    { "brotli", IN_HSL | IN_LOCATION_IF, 1, 1, &conf_type_flag, FIELD(encoder_conf, on), INHERIT,
      "off", NULL, NULL, "compress responses with brotli", NULL },
    { "brotli_types", IN_HSL, 1, CONF_MANY, &http_type_type_set, FIELD(encoder_conf, types),
      INHERIT, "text/html", NULL, NULL, "content types that are compressed", NULL },
    { "brotli_min_length", IN_HSL, 1, 1, &conf_type_size, FIELD(encoder_conf, min_length), INHERIT,
      "20", NULL, NULL, "length from which on a body is compressed", NULL },
    { "brotli_comp_level", IN_HSL, 1, 1, &conf_type_int, FIELD(encoder_conf, level), INHERIT, "6",
      &levels, NULL, "how hard to try: 0 to 11", NULL },
    { "brotli_window", IN_HSL, 1, 1, &type_window, FIELD(brotli_conf, window), INHERIT, "512k",
      NULL, NULL, "how far back repetitions are looked for", NULL },
    { "brotli_buffers", IN_HSL, 2, 2, &conf_type_bufs, 0, OWN, NULL, NULL,
      "memory is taken as it is needed", "for what is compressed", NULL },
};

static struct section section = {
    .name = "brotli", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct brotli_conf), .rows = rows, .nrows = countof(rows),
};

static void *open_stream(struct request *r, int64_t length)
{
    const struct brotli_conf *conf = request_conf(r, section);
    return brotli_packer((unsigned)conf->common.level, conf->window, length);
}

static enum deflate_result run(void *stream, struct str *in, enum deflate_mark mark,
                               struct fmt *out)
{
    return brotli_run(stream, in, mark, out);
}

static void close_stream(struct request *r, void *stream)
{
    (void)r;
    brotli_free(stream);
}

const struct encoder http_brotli_encoder = {
    &section, { "brotli", open_stream, run, close_stream },
};

GETTER(ratio)
{
    (void)entry;
    return encoding_ratio(request_of(s), &http_brotli_encoder, out);
}

static const struct variable variables[] = {
    { "brotli_ratio", get_ratio, VARS_VOLATILE, 0, "how much smaller brotli has made the body",
      NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_brotli_module = {
    .module = { .name = MODULE, .protocol = "http", .sections = sections,
                .variables = variables },
};

#else

#define ROW(name, max) \
    { name, IN_HSL | IN_LOCATION_IF, 1, max, &conf_type_absent, 0, OWN, NULL, \
      "this weir was built without libbrotlienc", NULL, "compress responses with brotli", NULL }

static const struct directive rows[] = {
    ROW("brotli", 1), ROW("brotli_types", CONF_MANY), ROW("brotli_min_length", 1),
    ROW("brotli_comp_level", 1), ROW("brotli_window", 1), ROW("brotli_buffers", 2),
};

static struct section section = {
    .name = "brotli", .where = IN_HSL | IN_LOCATION_IF, .size = sizeof(struct encoder_conf),
    .rows = rows, .nrows = countof(rows),
};

static struct section *const sections[] = { &section, NULL };

const struct encoder http_brotli_encoder;

const struct http_module http_brotli_module = {
    .module = { .name = MODULE, .protocol = "http", .sections = sections },
};

#endif
