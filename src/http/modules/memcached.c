/*
 * ngx_http_memcached_module: answers from memcached, by the key in $memcached_key.
 * Owns nothing: what it keeps for a request lies in the request's pool.
 *
 *     "get KEY\r\n"  -->  "VALUE KEY flags bytes\r\n" value "\r\nEND\r\n"     200
 *                         "END\r\n"                                           404
 */
#include "core/escape.h"
#include "http/core_conf.h"
#include "http/upstream/memcached_parse.h"
#include "http/upstream/upstream.h"

enum { COMMAND_MOST = 64 << 10 };

struct memcached_pass {
    const struct group *group;          /* NULL: `text` is evaluated */
    struct template text;
    bool on;
    unsigned key;                       /* number of $memcached_key */
};

struct memcached_conf {
    struct upstream_conf up;
    struct memcached_pass pass;
    int64_t gzip_flag;
};

struct memcached {                      /* of one request */
    const struct memcached_conf *conf;
    struct str command, key;            /* the key is escaped, and a part of the command */
    struct memcached_value value;
    bool complete;
};

/* --- the protocol ----------------------------------------------------------------------------- */

static bool encode_head(struct upstream *u, struct chain *out)
{
    struct memcached *m = u->data;
    m->complete = false;
    m->value = (struct memcached_value){ 0 };
    chain_add(out, u->request->subject.pool, m->command);
    return true;
}

static enum decode bad(struct upstream *u, const char *what, struct str line)
{
    const struct memcached *m = u->data;
    u->culprit = STR_NONE;
    u->why = fmt_pool(u->request->subject.pool,
                      "memcached sent invalid %s in response \"%.*s\" for key \"%.*s\"", what,
                      STR_FMT(line), STR_FMT(m->key)).at;
    return DECODE_BAD;
}

/* The type is that of the path. */
static void found(struct upstream *u, const struct memcached_answer *answer)
{
    struct request *r = u->request;
    struct memcached *m = u->data;
    const struct str type = http_type_of(r, r->in.path);
    m->value.left = answer->length;
    u->head.status = 200;
    u->head.length = answer->length;
    if (type.len)
        fields_add(&u->head.fields, r->subject.pool, STR("Content-Type"), type);
    if (answer->flags & (uint64_t)m->conf->gzip_flag)
        fields_add(&u->head.fields, r->subject.pool, STR("Content-Encoding"), STR("gzip"));
}

static void missing(struct upstream *u)
{
    struct memcached *m = u->data;
    log_write(&u->request->log, LOG_INFO, 0, "key: \"%.*s\" was not found by memcached",
              STR_FMT(m->key));
    m->complete = true;
    u->head.status = 404;
    u->head.bodiless = true;
}

static enum decode decode_head(struct upstream *u, struct str bytes, size_t *used)
{
    const struct memcached *m = u->data;
    struct memcached_answer answer;
    const enum memcached_head result = memcached_parse_head(bytes, m->key, &answer);
    *used = answer.size;
    switch (result) {
    case MEMCACHED_MORE:
        return DECODE_MORE;
    case MEMCACHED_VALUE:
        found(u, &answer);
        return DECODE_END;
    case MEMCACHED_MISSING:
        missing(u);
        return DECODE_END;
    case MEMCACHED_BAD_KEY:
        return bad(u, "key", answer.line);
    case MEMCACHED_BAD_FLAGS:
        return bad(u, "flags", answer.line);
    case MEMCACHED_BAD_LENGTH:
        return bad(u, "length", answer.line);
    case MEMCACHED_BAD:
        break;
    }
    u->why = "memcached sent invalid response";
    u->culprit = answer.line;
    return DECODE_BAD;
}

static enum decode decode_body(struct upstream *u, struct str *in, struct str *data)
{
    struct memcached *m = u->data;
    if (m->complete)
        return DECODE_END;
    switch (memcached_parse_body(&m->value, in, data)) {
    case MEMCACHED_BODY_MORE:
        return DECODE_MORE;
    case MEMCACHED_BODY_DATA:
        return DECODE_DATA;
    case MEMCACHED_BODY_END:
        m->complete = true;
        return DECODE_END;
    case MEMCACHED_BODY_BAD:
        break;
    }
    u->why = "memcached sent invalid trailer";
    u->culprit = STR_NONE;
    return DECODE_BAD;
}

static bool ends_at_close(const struct upstream *u)
{
    (void)u;
    return false;
}

static bool reusable(const struct upstream *u)
{
    const struct memcached *m = u->data;
    return m->complete;
}

static const struct upstream_protocol protocol = {
    .name = "memcached", .encode_head = encode_head, .decode_head = decode_head,
    .decode_body = decode_body, .ends_at_close = ends_at_close, .reusable = reusable,
};

/* --- the step --------------------------------------------------------------------------------- */

/* False: the request fails with 500; logged. */
static bool make_command(struct request *r, const struct memcached_conf *conf,
                         struct memcached *m)
{
    const struct str get = STR("get "), end = STR("\r\n");
    struct value key;
    struct fmt f;
    if (!vars_get(&r->subject, conf->pass.key, &key))
        return false;
    if (key.text.len == 0) {
        log_write(&r->log, LOG_ERROR, 0, "the \"$memcached_key\" variable is not set");
        return false;
    }
    fmt_init_pool(&f, r->subject.pool, key.text.len + 16, COMMAND_MOST);
    fmt_str(&f, get);
    escape_uri(&f, key.text, ESCAPE_KEY);
    fmt_str(&f, end);
    m->command = fmt_done(&f);
    if (f.failed)
        log_write(&r->log, LOG_ERROR, 0, "the \"$memcached_key\" variable is too long");
    return !f.failed && str_sub(m->command, get.len, m->command.len - get.len - end.len, &m->key);
}

static bool choose_evaluated(struct request *r, const struct memcached_pass *pass,
                             struct upstream *u)
{
    struct inet_target target;
    struct str text;
    if (!template_eval(&pass->text, &r->subject, &text))
        return false;
    const char *wrong = inet_parse_target(text, 0, INET_PLAIN, &target);
    if (!wrong && (u->group = group_find(r->subject.local, target.host)))
        return true;
    u->host = target.address.len ? text : target.host;
    u->port = target.port;
    const bool local = target.address.len && target.address.any.sa_family == AF_UNIX;
    if (!wrong && target.port == 0 && !local)
        wrong = "no port";
    if (wrong)
        log_write(&r->log, LOG_ERROR, 0, "%s in upstream \"%.*s\"", wrong, STR_FMT(text));
    return !wrong;
}

/* NULL: it fails with 500, which was logged. */
static struct upstream *begin(struct request *r, const struct memcached_conf *conf)
{
    struct memcached *m = pool_new(r->subject.pool, struct memcached);
    m->conf = conf;
    if (!make_command(r, conf, m))
        return NULL;
    struct upstream *u = upstream_new(r, &protocol, &conf->up, m);
    u->scheme = STR("memcached://");
    u->group = conf->pass.group;
    return u->group || choose_evaluated(r, &conf->pass, u) ? u : NULL;
}

static struct section section;

/* What is not there has no answer of its own. */
static enum step run(struct request *r)
{
    const struct memcached_conf *conf = request_conf(r, section);
    struct upstream *u = upstream_of(r);
    if (!(r->in.method & (METHOD_GET | METHOD_HEAD)))
        return request_fail(r, 405);
    if (!u && !(u = begin(r, conf)))
        return request_fail(r, 500);
    if (u->state != UPSTREAM_ANSWERING || u->head.status != 404)
        return upstream_step(u);
    upstream_body_abandon(u);
    return request_fail(r, 404);
}

static bool enabled(const struct conf_block *block)
{
    const struct memcached_conf *conf = conf_of(block, section);
    return conf && conf->pass.on;
}

/* --- configuration ---------------------------------------------------------------------------- */

static bool parse_pass(struct conf *cf, void *field, const void *arg)
{
    struct memcached_pass *pass = field;
    const struct str text = conf_arg(cf, 1);
    struct location *location = cf->block->data;
    (void)arg;
    pass->on = true;
    pass->key = vars_use(cf, STR("memcached_key"), 0);
    if (cf->block->scope == IN_LOCATION && str_ends(location->name, STR("/")))
        location->slash = true;
    if (!template_compile(cf, &pass->text, text, 1))
        return false;
    if (!pass->text.constant)
        return true;
    struct upstream_conf *up = cf->conf;
    location->upstream = up;
    pass->group = up->group = group_use(cf, text, 0, 1);
    return pass->group != NULL;
}
static const struct conf_type type_pass = { "address", sizeof(struct memcached_pass), false,
                                            parse_pass, false };

/* What nginx has for it as well, but not as directives: nothing is read ahead, and parts of a value
 * may be asked for. */
static bool finish(struct conf *cf, void *conf, const void *parent)
{
    struct memcached_conf *own = conf;
    (void)parent;
    own->up.buffering = BUFFERING_OFF;
    own->up.force_ranges = true;
    return upstream_conf_finish(cf, &own->up, "memcached_");
}

static const struct conf_range not_negative = { 0, INT64_MAX };

static const struct conf_name next_names[] = {
    { "error", NEXT_ERROR }, { "timeout", NEXT_TIMEOUT }, { "invalid_response", NEXT_INVALID },
    { "not_found", NEXT_404 }, { "off", NEXT_OFF }, { NULL, 0 },
};

static const struct directive rows[] = {
    { "memcached_pass", IN_LOCATION | IN_LOCATION_IF, 1, 1, &type_pass,
      FIELD(memcached_conf, pass), NAMELESS, NULL, NULL, NULL, "answers come from memcached",
      NULL },
    { "memcached_gzip_flag", IN_HSL, 1, 1, &conf_type_int, FIELD(memcached_conf, gzip_flag),
      INHERIT, "0", &not_negative, NULL, "the flag of values that are compressed by gzip", NULL },
    UPSTREAM_CONNECT_ROWS("memcached_"),
    UPSTREAM_SIZE_ROW("memcached_"),
    UPSTREAM_NEXT_ROWS("memcached_", next_names),
};

static struct section section = {
    .name = "memcached", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct memcached_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

/* `set` gives it a value. */
static bool get_key(struct subject *s, const struct vars_entry *entry, struct value *out)
{
    (void)s;
    (void)entry;
    (void)out;
    return true;
}

static const struct variable variables[] = {
    { "memcached_key", get_key, VARS_CHANGEABLE | VARS_WEAK, 0, "key to ask memcached for", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
static const struct phase_step steps[] = { { PHASE_HANDLER, "memcached", run, enabled },
                                           { 0, NULL, NULL, NULL } };
static struct section *const sections[] = { &section, NULL };

const struct http_module http_memcached_module = {
    .module = { .name = "ngx_http_memcached_module", .protocol = "http", .sections = sections,
                .variables = variables },
    .steps = steps,
};
