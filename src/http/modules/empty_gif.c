/*
 * ngx_http_empty_gif_module: one transparent pixel.  Owns nothing.
 */
#include "http/response.h"

struct gif_conf {
    struct conf_set set;
    bool on;
};

static const char pixel[] = "GIF89a\x01\0\x01\0\x80\x01\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\x01\0"
                            ",\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0;";

enum { MODIFIED = 23349600 };           /* a day in 1970 */

static bool parse(struct conf *cf, void *field, const void *arg)
{
    (void)cf;
    (void)arg;
    return *(bool *)field = true;
}
static const struct conf_type type = { "", sizeof(bool), false, parse, false };

static const struct directive rows[] = {
    { "empty_gif", IN_LOCATION, 0, 0, &type, FIELD(gif_conf, on), NAMELESS, NULL, NULL, NULL,
      "answers with one transparent pixel", NULL },
};

static struct section section = {
    .name = "empty_gif", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct gif_conf), .rows = rows, .nrows = countof(rows), .per_block = true,
};

static bool enabled(const struct conf_block *block)
{
    const struct gif_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

static enum step run(struct request *r)
{
    if (!(r->in.method & (METHOD_GET | METHOD_HEAD)))
        return request_fail(r, 405);
    r->out.last_modified = MODIFIED;
    return response_text(r, 200, STR("image/gif"), str_of(pixel, sizeof(pixel) - 1));
}

static const struct phase_step steps[] = { { PHASE_HANDLER, "empty_gif", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_empty_gif_module = {
    .module = { .name = "ngx_http_empty_gif_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
