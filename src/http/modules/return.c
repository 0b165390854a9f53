/*
 * `return` of ngx_http_rewrite_module: a status, a text, or a redirect.
 * Owns nothing.
 */
#include "core/number.h"
#include "http/core_conf.h"
#include "http/response.h"

struct return_conf {
    struct conf_set set;
    bool given;
    unsigned status;
    bool has_text;
    struct template text;
};

static bool is_url(struct str s)
{
    return str_starts(s, STR("http://")) || str_starts(s, STR("https://")) ||
           str_starts(s, STR("$scheme"));
}

static bool parse(struct conf *cf, void *field, const void *arg)
{
    struct return_conf *conf = (struct return_conf *)(void *)((char *)field -
                                                              offsetof(struct return_conf, given));
    const struct str first = conf_arg(cf, 1);
    uint32_t status;
    (void)arg;
    conf->given = true;
    if (conf_nargs(cf) == 1 && is_url(first)) {
        conf->status = 302;
        conf->has_text = true;
        return template_compile(cf, &conf->text, first, 1);
    }
    if (!number_u32(first, &status) || status > 999)
        return conf_error(cf, 1, "invalid-value", "invalid return code \"%.*s\"", STR_FMT(first));
    conf->status = status;
    conf->has_text = conf_nargs(cf) == 2;
    return !conf->has_text || template_compile(cf, &conf->text, conf_arg(cf, 2), 2);
}
static const struct conf_type type = { "code [text] | code URL | URL", sizeof(bool), false, parse,
                                       false };

static const struct directive rows[] = {
    { "return", IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF, 1, 2, &type, FIELD(return_conf, given), OWN, NULL, NULL,
      NULL, "answers with a status, a text or a redirect", NULL },
};

static struct section section = {
    .name = "return", .where = IN_HSL | IN_SERVER_IF | IN_LOCATION_IF, .size = sizeof(struct return_conf), .rows = rows,
    .nrows = countof(rows), .per_block = true,
};

static bool given(const struct conf_block *block)
{
    const struct return_conf *conf = conf_of(block, section);
    return conf && conf->given;
}

static bool in_server(const struct conf_block *block)
{
    return (block->scope & (IN_SERVER | IN_SERVER_IF)) && given(block);
}

static bool in_location(const struct conf_block *block)
{
    return (block->scope & (IN_LOCATION | IN_LOCATION_IF)) && given(block);
}

static enum step run(struct request *r)
{
    const struct return_conf *conf = request_conf(r, section);
    struct str text = STR_NONE;
    if (conf->has_text && !template_eval(&conf->text, &r->subject, &text))
        return request_fail(r, 500);
    if (conf->has_text && response_is_redirect(conf->status))
        return response_redirect(r, conf->status, text);
    if (conf->has_text)
        return response_text(r, conf->status, http_type_of(r, r->in.path), text);
    if (conf->status < 300)
        return response_text(r, conf->status, http_type_of(r, r->in.path), STR_NONE);
    return request_fail(r, conf->status);
}

static const struct phase_step steps[] = { { PHASE_SERVER_REWRITE, "return", run, in_server },
                                           { PHASE_REWRITE, "return", run, in_location },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_return_module = {
    .module = { .name = "ngx_http_rewrite_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
