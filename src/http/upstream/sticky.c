/*
 * `sticky`: cookies, routes and sessions that bind clients to servers.
 * Owns the zones of sessions; everything else lies in the generation or in a request's pool.
 *
 *     zone: session text --> struct session { MD5 of a server's address, when it was used last }
 */
#include "http/upstream/sticky.h"

#include "core/date.h"
#include "core/digest.h"
#include "core/generation.h"
#include "core/number.h"
#include "core/zone_table.h"
#include "event/worker.h"
#include "http/accept.h"
#include "http/response.h"
#include "http/upstream/upstream.h"
#include "http/vars.h"

enum {
    SESSION_MOST = 1024,                /* bytes of its text */
    COOKIE_MOST = 4096,
    TIMEOUT = 10 * 60 * 1000,
    EXPIRES_MAX = -1,
    MAKE_ROOM = 64,                     /* sessions that a new one may cost */
    SWEEP = 2,                          /* sessions that end, at most, when one is used */
};

enum sticky_kind { STICKY_COOKIE, STICKY_ROUTE, STICKY_LEARN };

struct variables {
    struct template *at;
    unsigned count;
};

struct sticky {
    enum sticky_kind kind;
    struct str name;                    /* cookie */
    struct str domain, path;
    int64_t expires;                    /* seconds; 0: not said, EXPIRES_MAX */
    bool httponly, secure;
    struct template samesite;           /* source.len 0: none */
    struct variables lookup, create;    /* route: the variables */
    const struct zone *zone;            /* learn */
    int64_t timeout;                    /* msec */
};

struct session {
    unsigned char server[PEER_MARK];
    int64_t used;                       /* monotonic, msec */
};

/* --- names of servers ------------------------------------------------------------------------- */

static bool mark_of(const struct inet_address *address, unsigned char mark[PEER_MARK])
{
    unsigned char md5[DIGEST_MOST];
    char text[INET_TEXT];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    inet_write(&f, address, true);
    if (!digest_of(DIGEST_MD5, fmt_done(&f), md5))
        return false;
    memcpy(mark, md5, PEER_MARK);
    return true;
}

static struct str hex(struct pool *pool, const unsigned char mark[PEER_MARK])
{
    struct fmt f;
    fmt_init_pool(&f, pool, 2 * PEER_MARK + 1, 2 * PEER_MARK + 1);
    fmt_hex_bytes(&f, str_of(mark, PEER_MARK));
    return fmt_done(&f);
}

/* Made once for each peer, as it takes a while. */
static bool has_mark(struct peer *peer, struct str name)
{
    char text[2 * PEER_MARK + 1];
    struct fmt f;
    if (!peer->marked && !mark_of(&peer->address, peer->mark))
        return false;
    peer->marked = true;
    fmt_init(&f, text, sizeof(text));
    fmt_hex_bytes(&f, str_of(peer->mark, PEER_MARK));
    return str_eq(fmt_done(&f), name);
}

static bool has_name(const struct sticky *sticky, const struct member *m, struct str name)
{
    if (sticky->kind != STICKY_LEARN && m->server->route.len)
        return str_eq(m->server->route, name);
    return has_mark(m->peer, name);
}

/* --- sessions --------------------------------------------------------------------------------- */

static void init_zone(const struct zone *zone)
{
    zone_table_init(zone_data(zone), zone->size, sizeof(struct session));
}

static void migrate_zone(const struct zone *zone, const struct zone *from)
{
    zone_table_copy(zone_data(zone), zone_data(from));
}

static const struct zone_type zone_type = { "sticky", init_zone, migrate_zone };

static bool has_ended(const struct sticky *sticky, struct zone_node *node, int64_t now)
{
    const struct session *session = zone_node_data(node);
    return now - session->used >= sticky->timeout;
}

static void sweep(const struct sticky *sticky, struct zone_table *t, int64_t now)
{
    struct zone_node *node = zone_table_oldest(t);
    for (unsigned i = 0; i < SWEEP && node && has_ended(sticky, node, now); i++) {
        zone_table_remove(t, node);
        node = zone_table_oldest(t);
    }
}

static void use_node(struct zone_table *t, struct zone_node *node, int64_t now)
{
    ((struct session *)zone_node_data(node))->used = now;
    zone_table_touch(t, node);
}

/* False: it is not known. */
static bool find_session(const struct sticky *sticky, struct str text, int64_t now,
                         unsigned char server[PEER_MARK])
{
    struct zone_table *t = zone_data(sticky->zone);
    zone_lock(sticky->zone);
    sweep(sticky, t, now);
    struct zone_node *node = zone_table_find(t, text, NULL);
    const bool found = node && !has_ended(sticky, node, now);
    if (found) {
        memcpy(server, ((struct session *)zone_node_data(node))->server, PEER_MARK);
        use_node(t, node, now);
    }
    zone_unlock(sticky->zone);
    return found;
}

/* In the place of the oldest when there is no room.  False: there is none all the same. */
static bool keep_session(const struct sticky *sticky, struct str text, int64_t now,
                         const unsigned char server[PEER_MARK])
{
    struct zone_table *t = zone_data(sticky->zone);
    zone_lock(sticky->zone);
    sweep(sticky, t, now);
    struct zone_node *node = zone_table_find(t, text, NULL), *oldest;
    for (unsigned i = 0; !node && !(node = zone_table_add(t, text)) && i < MAKE_ROOM; i++)
        if ((oldest = zone_table_oldest(t)))
            zone_table_remove(t, oldest);
    if (node) {
        memcpy(((struct session *)zone_node_data(node))->server, server, PEER_MARK);
        use_node(t, node, now);
    }
    zone_unlock(sticky->zone);
    return node != NULL;
}

/* --- a request -------------------------------------------------------------------------------- */

static struct str cookie_of(const struct sticky *sticky, const struct request *r)
{
    const struct fields *fields = &r->in.fields;
    const struct field *field = fields_known(fields, FIELD_COOKIE);
    struct str value;
    for (; field; field = fields_next(fields, field))
        if (accept_cookie(field->value, sticky->name, &value))
            return value;
    return STR_NONE;
}

/* The first that is not empty. */
static bool evaluate(const struct variables *list, struct subject *s, struct str *text)
{
    *text = STR_NONE;
    for (unsigned i = 0; i < list->count && text->len == 0; i++)
        if (!template_eval(&list->at[i], s, text))
            return false;
    return true;
}

static bool look_up(struct pick *p, const struct sticky *sticky)
{
    unsigned char server[PEER_MARK];
    struct str text;
    if (!evaluate(&sticky->lookup, p->subject, &text))
        return false;
    if (text.len && text.len <= SESSION_MOST
        && find_session(sticky, text, p->local->worker->loop.now, server))
        p->sticky = hex(p->subject->pool, server);
    return true;
}

bool sticky_begin(struct pick *p)
{
    const struct sticky *sticky = p->group->sticky;
    p->sticky = STR_NONE;
    switch (sticky->kind) {
    case STICKY_COOKIE:
        p->sticky = cookie_of(sticky, request_of(p->subject));
        break;
    case STICKY_ROUTE:
        return evaluate(&sticky->lookup, p->subject, &p->sticky);
    case STICKY_LEARN:
        return look_up(p, sticky);
    }
    return true;
}

struct member *sticky_member(const struct pick *p, unsigned from, unsigned to, int64_t now,
                             bool *busy)
{
    for (unsigned i = from; i < to && p->sticky.len; i++) {
        struct member *m = &p->list->members[i];
        if (has_name(p->group->sticky, m, p->sticky) && member_is_free(p, m, now, busy))
            return m;
    }
    return NULL;
}

/* --- an answer -------------------------------------------------------------------------------- */

static void add_expires(const struct sticky *sticky, const struct request *r, struct fmt *f)
{
    int64_t end = r->subject.conn->loop->real / 1000;
    char date[DATE_HTTP];
    if (sticky->expires == EXPIRES_MAX)
        fmt_text(f, "; expires=Thu, 31 Dec 2037 23:55:55 GMT");
    else if (sticky->expires) {
        if (add_overflows(end, sticky->expires, &end))
            end = INT64_MAX;            /* the last date there is */
        fmt_print(f, "; expires=%.*s; max-age=%lld", STR_FMT(date_http(end, date)),
                  (long long)sticky->expires);
    }
}

/* What a variable says may be empty, which is none, or nonsense, which is the strictest. */
static bool add_samesite(const struct sticky *sticky, struct request *r, struct fmt *f)
{
    struct str text;
    if (sticky->samesite.source.len == 0)
        return true;
    if (!template_eval(&sticky->samesite, &r->subject, &text))
        return false;
    if (text.len)
        fmt_print(f, "; samesite=%s", str_eq_ci(text, STR("lax")) ? "lax"
                  : str_eq_ci(text, STR("none")) ? "none" : "strict");
    return true;
}

static void give_cookie(const struct sticky *sticky, struct request *r, struct str name)
{
    struct fmt f;
    if (str_eq(cookie_of(sticky, r), name))
        return;
    fmt_init_pool(&f, r->subject.pool, 128, COOKIE_MOST);
    fmt_print(&f, "%.*s=%.*s", STR_FMT(sticky->name), STR_FMT(name));
    add_expires(sticky, r, &f);
    if (sticky->domain.len)
        fmt_print(&f, "; domain=%.*s", STR_FMT(sticky->domain));
    if (sticky->path.len)
        fmt_print(&f, "; path=%.*s", STR_FMT(sticky->path));
    if (sticky->httponly)
        fmt_text(&f, "; httponly");
    if (sticky->secure)
        fmt_text(&f, "; secure");
    if (add_samesite(sticky, r, &f) && !f.failed)
        response_add(r, STR("Set-Cookie"), fmt_done(&f));
}

static void learn(const struct sticky *sticky, struct request *r,
                  const unsigned char server[PEER_MARK])
{
    struct str text;
    if (!evaluate(&sticky->create, &r->subject, &text) || text.len == 0)
        return;
    if (text.len > SESSION_MOST)
        log_write(&r->log, LOG_WARN, 0, "a session of %zu bytes is not kept", text.len);
    else if (!keep_session(sticky, text, request_loop(r)->now, server))
        log_write(&r->log, LOG_CRIT, 0, "no memory in the zone \"%.*s\" of sessions",
                  STR_FMT(sticky->zone->name));
}

void sticky_answered(struct upstream *u)
{
    const struct sticky *sticky = u->group ? u->group->sticky : NULL;
    const struct group_server *server = u->pick.server;
    unsigned char mark[PEER_MARK];
    if (!sticky || sticky->kind == STICKY_ROUTE || !mark_of(&u->pick.address, mark))
        return;
    if (sticky->kind == STICKY_LEARN)
        learn(sticky, u->request, mark);
    else
        give_cookie(sticky, u->request,
                    server->route.len ? server->route : hex(u->request->subject.pool, mark));
}

/* --- configuration ---------------------------------------------------------------------------- */

static bool value_of(struct str word, const char *name, struct str *value)
{
    return str_starts(word, str_from(name)) && str_from_off(word, strlen(name), value)
        && value->len > 0;
}

static bool bad_parameter(struct conf *cf, unsigned arg)
{
    return conf_error(cf, arg, "invalid-parameter", "invalid parameter \"%.*s\"",
                      STR_FMT(conf_arg(cf, arg)));
}

static bool add_variable(struct conf *cf, struct variables *list, struct str text, unsigned arg)
{
    if (!list->at)
        list->at = pool_array(cf->pool, conf_nargs(cf), sizeof(*list->at));
    if (!str_starts(text, STR("$")))
        return conf_error(cf, arg, "invalid-variable", "invalid variable name \"%.*s\"",
                          STR_FMT(text));
    return template_compile(cf, &list->at[list->count++], text, arg);
}

static bool set_expires(struct sticky *sticky, struct str value)
{
    if (!str_eq(value, STR("max")))
        return number_conf_sec(value, &sticky->expires);
    sticky->expires = EXPIRES_MAX;
    return true;
}

static bool set_samesite(struct conf *cf, struct sticky *sticky, struct str value, unsigned arg)
{
    const bool known = str_eq_ci(value, STR("strict")) || str_eq_ci(value, STR("lax"))
        || str_eq_ci(value, STR("none")) || str_starts(value, STR("$"));
    if (!known)
        return bad_parameter(cf, arg);
    return template_compile(cf, &sticky->samesite, value, arg);
}

static bool parse_cookie_parameter(struct conf *cf, struct sticky *sticky, unsigned arg)
{
    const struct str word = conf_arg(cf, arg);
    struct str value;
    if (str_eq(word, STR("httponly")))
        return sticky->httponly = true;
    if (str_eq(word, STR("secure")))
        return sticky->secure = true;
    if (value_of(word, "expires=", &value))
        return set_expires(sticky, value) || bad_parameter(cf, arg);
    if (value_of(word, "samesite=", &value))
        return set_samesite(cf, sticky, value, arg);
    if (value_of(word, "domain=", &value))
        sticky->domain = pool_str(cf->pool, value);
    else if (value_of(word, "path=", &value))
        sticky->path = pool_str(cf->pool, value);
    else
        return bad_parameter(cf, arg);
    return true;
}

static bool parse_cookie(struct conf *cf, struct sticky *sticky)
{
    sticky->kind = STICKY_COOKIE;
    sticky->name = pool_str(cf->pool, conf_arg(cf, 2));
    for (unsigned i = 3; i <= conf_nargs(cf); i++)
        if (!parse_cookie_parameter(cf, sticky, i))
            return false;
    return true;
}

static bool parse_route(struct conf *cf, struct sticky *sticky)
{
    sticky->kind = STICKY_ROUTE;
    for (unsigned i = 2; i <= conf_nargs(cf); i++)
        if (!add_variable(cf, &sticky->lookup, conf_arg(cf, i), i))
            return false;
    return true;
}

static bool set_zone(struct conf *cf, struct sticky *sticky, unsigned arg)
{
    struct str name;
    size_t size;
    if (!zone_table_arg(cf, arg, &name, &size))
        return false;
    sticky->zone = zone_add(cf, &zone_type, name, size, arg);
    return sticky->zone != NULL;
}

static bool warn_of_sync(struct conf *cf, unsigned arg)
{
    conf_diag(cf, DIAG_WARN, arg, "no-effect", "sessions are not shared with other machines, "
              "\"sync\" has no effect");
    return true;
}

/* Sessions are kept as soon as the head of an answer is there, with `header` or without. */
static bool parse_learn_parameter(struct conf *cf, struct sticky *sticky, unsigned arg)
{
    const struct str word = conf_arg(cf, arg);
    struct str value;
    if (str_eq(word, STR("header")))
        return true;
    if (str_eq(word, STR("sync")))
        return warn_of_sync(cf, arg);
    if (value_of(word, "create=", &value))
        return add_variable(cf, &sticky->create, value, arg);
    if (value_of(word, "lookup=", &value))
        return add_variable(cf, &sticky->lookup, value, arg);
    if (value_of(word, "timeout=", &value))
        return number_conf_msec(value, &sticky->timeout) || bad_parameter(cf, arg);
    return str_starts(word, STR("zone=")) ? set_zone(cf, sticky, arg) : bad_parameter(cf, arg);
}

static bool parse_learn(struct conf *cf, struct sticky *sticky)
{
    sticky->kind = STICKY_LEARN;
    sticky->timeout = TIMEOUT;
    for (unsigned i = 2; i <= conf_nargs(cf); i++)
        if (!parse_learn_parameter(cf, sticky, i))
            return false;
    const char *missing = !sticky->create.count ? "create" : !sticky->lookup.count ? "lookup"
                          : !sticky->zone ? "zone" : NULL;
    return !missing || conf_error(cf, 0, "missing-parameter", "\"sticky learn\" must have the "
                                  "\"%s\" parameter", missing);
}

static bool parse(struct conf *cf, void *field, const void *arg)
{
    struct group *group = cf->conf;
    struct sticky *sticky = pool_new(cf->pool, struct sticky);
    const struct str kind = conf_arg(cf, 1);
    (void)field;
    (void)arg;
    group->sticky = sticky;
    if (str_eq(kind, STR("cookie")))
        return parse_cookie(cf, sticky);
    if (str_eq(kind, STR("route")))
        return parse_route(cf, sticky);
    if (str_eq(kind, STR("learn")))
        return parse_learn(cf, sticky);
    return bad_parameter(cf, 1);
}
const struct conf_type sticky_type = { "cookie name ... | route $variable ... | learn ...", 0,
                                       false, parse, false };
