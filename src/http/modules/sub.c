/*
 * ngx_http_sub_module: strings in bodies are replaced, whatever their case.
 *
 *     ... held | bytes       `held` is the end of what came before: it may be the beginning of a
 *         ^from   ^at        string, so it is shorter than the longest one
 *
 * Where several strings fit, the one that begins first is taken, then the one that was given first.
 * Owns nothing: all of it lies in the request's pool.
 */
#include "http/core_conf.h"
#include "http/response.h"
#include "http/transform.h"

struct pair {
    struct pair *next;
    struct template search, replacement;
};

struct sub_conf {
    struct conf_set set;
    struct pair *pairs;                 /* as written */
    struct http_type_set types;
    bool once, last_modified;
};

struct pattern {
    struct str text;
    const struct template *replacement;
    struct str with;
    bool known;                         /* `with` is */
    bool used;                          /* once is enough */
};

struct sub {
    struct transform transform;
    struct request *request;
    struct pattern *patterns;
    unsigned count;
    bool once;
    bool begins[256];                   /* bytes that a string may begin with */
    struct str held;                    /* in one of these */
    char *room[2];
};

/* --- configuration ---------------------------------------------------------------------------- */

static bool parse_pair(struct conf *cf, void *field, const void *arg)
{
    struct pair **end = field, *pair = pool_new(cf->pool, struct pair);
    (void)arg;
    if (conf_arg(cf, 1).len == 0)
        return conf_error(cf, 1, "empty-pattern", "empty search pattern");
    if (!template_compile(cf, &pair->search, conf_arg(cf, 1), 1)
        || !template_compile(cf, &pair->replacement, conf_arg(cf, 2), 2))
        return false;
    while (*end)
        end = &(*end)->next;
    *end = pair;
    return true;
}
static const struct conf_type type_pair = { "string replacement", sizeof(struct pair *), true,
                                            parse_pair, false };

static const struct directive rows[] = {
    { "sub_filter", IN_HSL, 2, 2, &type_pair, FIELD(sub_conf, pairs), INHERIT, NULL, NULL, NULL,
      "a string, and what stands for it in bodies", NULL },
    { "sub_filter_types", IN_HSL, 1, CONF_MANY, &http_type_type_set, FIELD(sub_conf, types),
      INHERIT, "text/html", NULL, NULL, "content types where sub_filter works", NULL },
    { "sub_filter_once", IN_HSL, 1, 1, &conf_type_flag, FIELD(sub_conf, once), INHERIT, "on", NULL,
      NULL, "only the first of each string is replaced", NULL },
    { "sub_filter_last_modified", IN_HSL, 1, 1, &conf_type_flag, FIELD(sub_conf, last_modified),
      INHERIT, "off", NULL, NULL, "Last-Modified stays as it was", NULL },
};
static struct section section = {
    .name = "sub", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct sub_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct sub_conf *conf = conf_of(block, section);
    return conf && conf->pairs;
}

/* --- matching --------------------------------------------------------------------------------- */

enum fit { FIT_NOT, FIT_SO_FAR, FIT_ALL };

/* `a` and then `b`, as if they were one. */
struct window {
    struct str a, b;
};

/* From..to, as its parts of `a` and `b`. */
static struct window part_of(const struct window *w, size_t from, size_t to)
{
    struct window part = { STR_NONE, STR_NONE };
    const size_t a = w->a.len, begin = size_max(from, a), end = size_max(to, a);
    if (from < a)
        ASSERT(str_sub(w->a, from, size_min(to, a) - from, &part.a));
    ASSERT(str_sub(w->b, begin - a, end - begin, &part.b));
    return part;
}

static enum fit fits(const struct window *w, size_t at, struct str text)
{
    const size_t n = size_min(text.len, w->a.len + w->b.len - at);
    const struct window part = part_of(w, at, at + n);
    struct str first, rest;
    ASSERT(str_sub(text, 0, part.a.len, &first));
    ASSERT(str_sub(text, part.a.len, part.b.len, &rest));
    if (!str_eq_ci(part.a, first) || !str_eq_ci(part.b, rest))
        return FIT_NOT;
    return n == text.len ? FIT_ALL : FIT_SO_FAR;
}

/* The first string that fits here, or may when more is known; NULL: none. */
static struct pattern *find(const struct sub *sub, const struct window *w, size_t at, bool final,
                            enum fit *fit)
{
    for (unsigned i = 0; i < sub->count; i++) {
        struct pattern *p = &sub->patterns[i];
        *fit = p->used ? FIT_NOT : fits(w, at, p->text);
        if (*fit == FIT_ALL || (*fit == FIT_SO_FAR && !final))
            return p;
    }
    return NULL;
}

/* On to where a string may begin. */
static size_t skip(const struct sub *sub, const struct window *w, size_t at)
{
    for (; at < w->a.len; at++)
        if (sub->begins[(uint8_t)w->a.at[at]])
            return at;
    size_t i = at - w->a.len;
    while (i < w->b.len && !sub->begins[(uint8_t)w->b.at[i]])
        i++;
    return w->a.len + i;
}

static void note_begins(struct sub *sub)
{
    memset(sub->begins, 0, sizeof(sub->begins));
    for (unsigned i = 0; i < sub->count; i++) {
        const struct pattern *p = &sub->patterns[i];
        if (p->used)
            continue;
        for (unsigned c = 0; c < 256; c++)
            sub->begins[c] |= str_lower_char((char)c) == str_lower_char(p->text.at[0]);
    }
}

/* --- replacing -------------------------------------------------------------------------------- */

static void add_part(struct sub *sub, const struct window *w, size_t from, size_t to)
{
    const struct window part = part_of(w, from, to);
    transform_add(&sub->transform, part.a);
    transform_add(&sub->transform, part.b);
}

static void replace(struct sub *sub, struct pattern *p)
{
    struct request *r = sub->request;
    if (!p->known && !template_eval(p->replacement, &r->subject, &p->with)) {
        request_abort(r);
        return;
    }
    p->known = true;
    transform_add(&sub->transform, p->with);
    if (sub->once) {
        p->used = true;
        note_begins(sub);
    }
}

static void hold(struct sub *sub, const struct window *w, size_t from)
{
    const struct window part = part_of(w, from, w->a.len + w->b.len);
    char *room = sub->room[0];
    sub->room[0] = sub->room[1];
    sub->room[1] = room;
    if (part.a.len)
        memcpy(room, part.a.at, part.a.len);
    if (part.b.len)
        memcpy(room + part.a.len, part.b.at, part.b.len);
    sub->held = str_of(room, part.a.len + part.b.len);
}

static void scan(struct sub *sub, struct str bytes, bool final)
{
    const struct window w = { sub->held, bytes };
    size_t from = 0, at = 0;
    while ((at = skip(sub, &w, at)) < w.a.len + w.b.len) {
        enum fit fit;
        struct pattern *p = find(sub, &w, at, final, &fit);
        if (!p) {
            at++;
            continue;
        }
        if (fit == FIT_SO_FAR)
            break;
        add_part(sub, &w, from, at);
        replace(sub, p);
        at += p->text.len;
        from = at;
    }
    add_part(sub, &w, from, at);
    hold(sub, &w, at);
}

static size_t feed(struct transform *t, struct str bytes)
{
    scan(container_of(t, struct sub, transform), bytes, false);
    return bytes.len;
}

static bool finish(struct transform *t)
{
    scan(container_of(t, struct sub, transform), STR(""), true);
    return true;
}

/* --- the filter ------------------------------------------------------------------------------- */

/* The strings, those left out that are empty now; the length of the longest.  False: a variable
 * failed. */
static bool make_patterns(struct sub *sub, const struct sub_conf *conf, size_t *longest)
{
    struct request *r = sub->request;
    unsigned most = 0;
    *longest = 0;
    for (const struct pair *pair = conf->pairs; pair; pair = pair->next)
        most++;
    sub->patterns = pool_array(r->subject.pool, most, sizeof(*sub->patterns));
    for (const struct pair *pair = conf->pairs; pair; pair = pair->next) {
        struct pattern *p = &sub->patterns[sub->count];
        if (!template_eval(&pair->search, &r->subject, &p->text))
            return false;
        p->replacement = &pair->replacement;
        sub->count += p->text.len > 0;
        *longest = size_max(*longest, p->text.len);
    }
    return true;
}

static enum join head(struct request *r, struct filter *f)
{
    const struct sub_conf *conf = request_conf(r, section);
    size_t longest;
    if (r->out.length == 0 || !http_type_in_set(&conf->types, r->out.content_type))
        return JOIN_PASS;
    struct sub *sub = pool_new(r->subject.pool, struct sub);
    sub->request = r;
    sub->once = conf->once;
    if (!make_patterns(sub, conf, &longest)) {
        r->out.status = 500;
        return JOIN_REFUSE;
    }
    if (sub->count == 0)
        return JOIN_PASS;
    for (int i = 0; i < 2; i++)
        sub->room[i] = pool_bytes(r->subject.pool, longest);
    note_begins(sub);
    transform_init(&sub->transform, r, f);
    sub->transform.feed = feed;
    sub->transform.finish = finish;
    response_transformed(r);
    if (!conf->last_modified) {
        r->out.last_modified = -1;
        r->out.etag = STR_NONE;
    }
    return JOIN_IN;
}

const struct filter_type http_sub_filter = {
    .name = "sub", .enabled = enabled, .head = head, .body = transform_body,
    .resume = transform_resume, .needs_memory = true,
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_sub_module = {
    .module = { .name = "ngx_http_sub_module", .protocol = "http", .sections = sections },
};
