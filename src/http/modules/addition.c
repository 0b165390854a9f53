/*
 * ngx_http_addition_module: the answers to two subrequests around a body.
 * Owns nothing.
 */
#include "http/core_conf.h"
#include "http/response.h"
#include "http/subrequest.h"

struct addition_conf {
    struct conf_set set;
    struct str before, after;           /* empty: none */
    struct http_type_set types;
};

static const struct directive rows[] = {
    { "add_before_body", IN_HSL, 1, 1, &conf_type_str, FIELD(addition_conf, before), INHERIT, NULL,
      NULL, NULL, "what is asked for, and put before a body", NULL },
    { "add_after_body", IN_HSL, 1, 1, &conf_type_str, FIELD(addition_conf, after), INHERIT, NULL,
      NULL, NULL, "what is asked for, and put behind a body", NULL },
    { "addition_types", IN_HSL, 1, CONF_MANY, &http_type_type_set, FIELD(addition_conf, types),
      INHERIT, "text/html", NULL, NULL, "content types to which something is added", NULL },
};
static struct section section = {
    .name = "addition", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct addition_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct addition_conf *conf = conf_of(block, section);
    return conf && (conf->before.len || conf->after.len);
}

struct addition {
    bool begun;
};

static enum join head(struct request *r, struct filter *f)
{
    const struct addition_conf *conf = request_conf(r, section);
    if (r->out.status != 200 || r->parent || !http_type_in_set(&conf->types, r->out.content_type))
        return JOIN_PASS;
    f->data = pool_new(r->subject.pool, struct addition);
    response_transformed(r);
    return JOIN_IN;
}

/* What cannot be asked for is missing, and was logged. */
static void add(struct request *r, struct str path)
{
    if (path.len)
        subrequest_start(r, SUBREQUEST_INLINE, false, path, STR(""));
}

static enum flow body(struct filter *f, struct chain *data, enum mark mark)
{
    struct request *r = f->request;
    struct addition *addition = f->data;
    const struct addition_conf *conf = request_conf(r, section);
    if (!addition->begun)
        add(r, conf->before);
    addition->begun = true;
    if (mark != LAST || conf->after.len == 0)
        return f->to->write(f->to, data, mark);
    f->to->write(f->to, data, MORE);
    add(r, conf->after);
    return f->to->write(f->to, data, LAST);
}

const struct filter_type http_addition_filter = {
    .name = "addition", .enabled = enabled, .head = head, .body = body, .subrequests = true,
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_addition_module = {
    .module = { .name = "ngx_http_addition_module", .protocol = "http", .sections = sections },
};
