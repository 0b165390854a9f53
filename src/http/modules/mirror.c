/*
 * ngx_http_mirror_module: requests are also sent elsewhere, in the background, and nobody looks at
 * the answers.  Owns nothing.
 */
#include "http/body.h"
#include "http/core_conf.h"
#include "http/subrequest.h"

struct mirror_uri {
    struct mirror_uri *next;
    struct str uri;
};

struct mirror_list {
    struct mirror_uri *first;
    bool off;
};

struct mirror_conf {
    struct conf_set set;
    struct mirror_list list;
    bool body;
};

static bool parse(struct conf *cf, void *field, const void *arg)
{
    struct mirror_list *list = field;
    struct mirror_uri **end = &list->first, *uri;
    const bool off = str_eq(conf_arg(cf, 1), STR("off"));
    (void)arg;
    if (list->off || (off && list->first))
        return conf_error(cf, 0, "duplicate-directive", "\"mirror\" directive is duplicate");
    list->off = off;
    if (off)
        return true;
    while (*end)
        end = &(*end)->next;
    uri = pool_new(cf->pool, struct mirror_uri);
    uri->uri = pool_str(cf->pool, conf_arg(cf, 1));
    *end = uri;
    return true;
}
static const struct conf_type type = { "uri | off", sizeof(struct mirror_list), true, parse,
                                       false };

static const struct directive rows[] = {
    { "mirror", IN_HSL, 1, 1, &type, FIELD(mirror_conf, list), INHERIT, "off", NULL, NULL,
      "where a copy of each request goes", NULL },
    { "mirror_request_body", IN_HSL, 1, 1, &conf_type_flag, FIELD(mirror_conf, body), INHERIT,
      "on", NULL, NULL, "copies have the body, which is read first", NULL },
};
static struct section section = {
    .name = "mirror", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct mirror_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct mirror_conf *conf = conf_of(block, section);
    return conf && conf->list.first;
}

static enum step run(struct request *r)
{
    const struct mirror_conf *conf = request_conf(r, section);
    const enum step step = r->parent || !conf->body ? STEP_NEXT : body_read(r);
    if (r->parent || step != STEP_NEXT)
        return step;
    for (const struct mirror_uri *uri = conf->list.first; uri; uri = uri->next) {
        struct subrequest *s = subrequest_start(r, SUBREQUEST_BACKGROUND, false, uri->uri,
                                                r->in.args);
        if (!s)
            return request_fail(r, 500);
        s->request->in.method = r->in.method;
        s->request->in.method_name = r->in.method_name;
    }
    return STEP_NEXT;
}

static const struct phase_step steps[] = { { PHASE_PRECONTENT, "mirror", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_mirror_module = {
    .module = { .name = "ngx_http_mirror_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
