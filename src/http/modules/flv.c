/*
 * ngx_http_flv_module: Flash video from the byte that "start" tells, with a head of its own.
 * Owns nothing.
 */
#include "core/number.h"
#include "http/core_conf.h"
#include "http/file_part.h"
#include "http/response.h"

struct flv_conf {
    struct conf_set set;
    bool on;
};

static const char head[] = "FLV\x01\x05\0\0\0\x09\0\0\0";      /* and one more zero */

static bool parse(struct conf *cf, void *field, const void *arg)
{
    (void)cf;
    (void)arg;
    return *(bool *)field = true;
}
static const struct conf_type type = { "", sizeof(bool), true, parse, false };

static const struct directive rows[] = {
    { "flv", IN_LOCATION, 0, 0, &type, FIELD(flv_conf, on), NAMELESS, NULL, NULL, NULL,
      "sends parts of Flash videos", NULL },
};
static struct section section = {
    .name = "flv", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct flv_conf), .rows = rows, .nrows = countof(rows), .per_block = true,
};

static bool enabled(const struct conf_block *block)
{
    const struct flv_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

static enum step run(struct request *r)
{
    struct file *file;
    int64_t start;
    const enum step step = file_part_open(r, &file);
    if (step != STEP_NEXT || !file)
        return step;
    if (!number_i64(file_part_arg(r, STR("start")), &start) || start == 0
        || start >= file->st.st_size)
        return response_file(r, file, r->in.path);
    return file_part_response(r, file, str_of(head, sizeof(head)), start, file->st.st_size);
}

static const struct phase_step steps[] = { { PHASE_HANDLER, "flv", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_flv_module = {
    .module = { .name = "ngx_http_flv_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
