/*
 * ngx_http_gunzip_module: bodies that come as gzip are unpacked for clients that cannot.
 * Owns nothing: each stream is one request's.
 *
 * Several members make one body, as RFC 1952 (2.2) has it.  What grows beyond GUNZIP_MOST, or by
 * GUNZIP_RATIO once it is large, is no body but an attack, and breaks off.
 */
#include "http/encoding.h"
#include "http/gunzip.h"
#include "http/response.h"

struct gunzip_conf {
    struct conf_set set;
    bool on;
};

static const struct directive rows[] = {
    { "gunzip", IN_HSL, 1, 1, &conf_type_flag, FIELD(gunzip_conf, on), INHERIT, "off", NULL, NULL,
      "unpack gzip for clients that do not accept it", NULL },
    { "gunzip_buffers", IN_HSL, 2, 2, &conf_type_bufs, 0, OWN, NULL, NULL,
      "memory is taken as it is needed", "for what is unpacked", NULL },
};

static struct section section = {
    .name = "gunzip", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct gunzip_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct gunzip_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

static void *open_stream(struct request *r, int64_t length)
{
    (void)r;
    (void)length;
    return gunzip_new();
}

static enum deflate_result run(void *stream, struct str *in, enum deflate_mark mark,
                               struct fmt *out)
{
    return gunzip_run(stream, in, mark, out);
}

static void close_stream(struct request *r, void *stream)
{
    (void)r;
    gunzip_free(stream);
}

static const struct recoder codec = { "inflate()", open_stream, run, close_stream };

static enum join head(struct request *r, struct filter *f)
{
    const struct field *field = fields_find(&r->out.fields, STR("Content-Encoding"));
    if (!r->out.encoded || !field || !str_eq_ci(field->value, STR("gzip")))
        return JOIN_PASS;
    encoding_vary(r);
    if (encoding_gzip_accepted(r))
        return JOIN_PASS;
    recode_join(pool_new(r->subject.pool, struct recode), r, f, &codec);
    fields_remove(&r->out.fields, STR("Content-Encoding"));
    r->out.encoded = false;
    response_transformed(r);
    return JOIN_IN;
}

const struct filter_type http_gunzip_filter = {
    .name = "gunzip", .enabled = enabled, .head = head, .body = recode_body,
    .resume = recode_resume, .needs_memory = true,
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_gunzip_module = {
    .module = { .name = "ngx_http_gunzip_module", .protocol = "http", .sections = sections },
};
