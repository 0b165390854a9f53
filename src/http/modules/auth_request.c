/*
 * ngx_http_auth_request_module: a subrequest decides; 2xx lets in, 401 and 403 do not.
 * Owns nothing.
 */
#include "http/core_conf.h"
#include "http/response.h"
#include "http/subrequest.h"

struct assignment {
    struct assignment *next;
    unsigned variable;
    struct template text;
};

struct auth_conf {
    struct conf_set set;
    struct str path;                    /* empty: off */
    struct assignment *assignments;     /* as written */
};

struct asking {
    struct subrequest *subrequest;      /* NULL: nobody was asked here */
    struct request *request;            /* of it; its memory stays when it has ended */
};

static const char key;

/* --- configuration ---------------------------------------------------------------------------- */

static bool parse_path(struct conf *cf, void *field, const void *arg)
{
    struct str *path = field;
    const struct str text = conf_arg(cf, 1);
    (void)arg;
    *path = str_eq(text, STR("off")) ? STR("") : pool_str(cf->pool, text);
    return true;
}
static const struct conf_type type_path = { "uri | off", sizeof(struct str), false, parse_path,
                                            false };

static bool get_unset(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)s;
    (void)entry;
    (void)out;
    return true;
}

static bool parse_set(struct conf *cf, void *field, const void *arg)
{
    struct assignment **end = field, *assignment = pool_new(cf->pool, struct assignment);
    struct str name;
    (void)arg;
    if (!vars_arg(cf, 1, &name))
        return false;
    const struct vars_entry *entry = vars_define(cf, name, 1, get_unset, 0, VARS_WEAK);
    if (!entry || !template_compile(cf, &assignment->text, conf_arg(cf, 2), 2))
        return false;
    assignment->variable = entry->index;
    while (*end)
        end = &(*end)->next;
    *end = assignment;
    return true;
}
static const struct conf_type type_set = { "$variable value", sizeof(struct assignment *), true,
                                           parse_set, false };

static const struct directive rows[] = {
    { "auth_request", IN_HSL, 1, 1, &type_path, FIELD(auth_conf, path), INHERIT, "off", NULL, NULL,
      "where to ask who may have this", NULL },
    { "auth_request_set", IN_HSL, 2, 2, &type_set, FIELD(auth_conf, assignments), INHERIT, NULL,
      NULL, NULL, "a variable made of those of the answer", NULL },
};
static struct section section = {
    .name = "auth_request", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct auth_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct auth_conf *conf = conf_of(block, section);
    return conf && conf->path.len;
}

/* --- the step --------------------------------------------------------------------------------- */

static enum step ask(struct request *r, const struct auth_conf *conf, struct asking *asking)
{
    asking->subrequest = subrequest_start(r, SUBREQUEST_OUTCOME, true, conf->path, STR(""));
    if (!asking->subrequest)
        return request_fail(r, 500);
    asking->request = asking->subrequest->request;
    return STEP_WAIT;
}

static bool assign(struct request *r, const struct auth_conf *conf, struct request *answer)
{
    for (const struct assignment *a = conf->assignments; a; a = a->next) {
        struct str text;
        if (!template_eval(&a->text, &answer->subject, &text)
            || !vars_set(&r->subject, a->variable, text))
            return false;
    }
    return true;
}

/* What the answer says about how to get in. */
static void pass_challenges(struct request *r, const struct request *answer)
{
    const struct fields *fields = &answer->out.fields;
    const struct field *field = fields_find(fields, STR("WWW-Authenticate"));
    for (; field; field = fields_next(fields, field))
        response_add(r, field->name, field->value);
}

static enum step run(struct request *r)
{
    const struct auth_conf *conf = request_conf(r, section);
    struct asking *asking = request_note(r, &key, sizeof(*asking));
    const struct subrequest *s = asking->subrequest;
    if (!s)
        return ask(r, conf, asking);
    if (s->request)
        return STEP_WAIT;
    asking->subrequest = NULL;          /* another place may ask again */
    if (!assign(r, conf, asking->request))
        return request_fail(r, 500);
    if (!s->failed && s->status >= 200 && s->status < 300)
        return STEP_ALLOW;
    if (!s->failed && (s->status == 401 || s->status == 403)) {
        if (s->status == 401)
            pass_challenges(r, asking->request);
        return request_fail(r, s->status);
    }
    log_write(&r->log, LOG_ERROR, 0, "auth request unexpected status: %u", s->status);
    return request_fail(r, 500);
}

static const struct phase_step steps[] = { { PHASE_ACCESS, "auth_request", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_auth_request_module = {
    .module = { .name = "ngx_http_auth_request_module", .protocol = "http",
                .sections = sections },
    .steps = steps,
};
