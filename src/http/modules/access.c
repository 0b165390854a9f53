/*
 * ngx_http_access_module: allow and deny by the address of the client; the first rule that fits
 * decides.  Owns nothing.
 */
#include "http/core_conf.h"
#include "http/trace.h"

enum rule_kind { RULE_ALL, RULE_LOCAL, RULE_NETWORK };

struct rule {
    struct rule *next;
    enum rule_kind kind;
    bool deny;
    struct inet_cidr network;
    struct str text, file;              /* as written, and where it stands: for traces */
    unsigned line;
};

struct rules {                          /* as written */
    struct rule *first, *last;
};

struct access_conf {
    struct conf_set set;
    struct rules rules;
};

/* Rules that block many stand in few files. */
static void set_place(struct conf *cf, struct rule *rule, const struct rule *before)
{
    const struct diag_place place = conf_place(cf, 0);
    const struct str near = before ? before->file : cf->block->file;
    rule->text = pool_str(cf->pool, conf_arg(cf, 1));
    rule->file = str_eq(place.file->path, near) ? near : pool_str(cf->pool, place.file->path);
    rule->line = place.line;
}

/* arg: of deny. */
static bool parse(struct conf *cf, void *field, const void *arg)
{
    struct rules *rules = field;
    struct rule *rule = pool_new(cf->pool, struct rule);
    const struct str text = conf_arg(cf, 1);
    bool loose = false;
    rule->deny = arg != NULL;
    if (str_eq(text, STR("all")))
        rule->kind = RULE_ALL;
    else if (str_eq(text, STR("unix:")))
        rule->kind = RULE_LOCAL;
    else if (inet_cidr_parse(text, &rule->network, &loose))
        rule->kind = RULE_NETWORK;
    else
        return conf_error(cf, 1, "invalid-value", "invalid parameter \"%.*s\"", STR_FMT(text));
    if (loose)
        conf_diag(cf, DIAG_WARN, 1, "low-bits", "low address bits of %.*s are meaningless",
                  STR_FMT(text));
    set_place(cf, rule, rules->last);
    *(rules->last ? &rules->last->next : &rules->first) = rule;
    rules->last = rule;
    return true;
}
static const struct conf_type type = { "address | network | unix: | all", sizeof(struct rules),
                                       true, parse, false };

static const struct directive rows[] = {
    { "allow", IN_HSL | IN_LIMIT_EXCEPT, 1, 1, &type, FIELD(access_conf, rules), INHERIT, NULL,
      NULL, NULL, "who may have this", NULL },
    { "deny", IN_HSL | IN_LIMIT_EXCEPT, 1, 1, &type, FIELD(access_conf, rules), INHERIT, NULL,
      "deny", NULL, "who may not have this", NULL },
};
static struct section section = {
    .name = "access", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct access_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct access_conf *conf = conf_of(block, section);
    return conf && conf->rules.first;
}

static bool fits(const struct rule *rule, const struct inet_address *client)
{
    switch (rule->kind) {
    case RULE_ALL:
        return true;
    case RULE_LOCAL:
        return client->any.sa_family == AF_UNIX;
    case RULE_NETWORK:
        break;
    }
    return inet_cidr_match(&rule->network, client);
}

static enum step run(struct request *r)
{
    const struct access_conf *conf = request_conf(r, section);
    const struct rule *rule = conf->rules.first;
    struct inet_address client;
    request_client(r, &client);
    while (rule && !fits(rule, &client))
        rule = rule->next;
    if (!rule)
        return STEP_NEXT;
    trace_step(r->trace, TRACE_ACCESS, rule->text,
               rule->deny ? STR("is denied") : STR("is allowed"), rule->file, rule->line);
    if (!rule->deny)
        return STEP_ALLOW;
    if (http_location_conf(r)->satisfy == SATISFY_ALL)
        log_write(&r->log, LOG_ERROR, 0, "access forbidden by rule");
    return request_fail(r, 403);
}

static const struct phase_step steps[] = { { PHASE_ACCESS, "access", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_access_module = {
    .module = { .name = "ngx_http_access_module", .protocol = "http", .sections = sections },
    .steps = steps,
};
