/*
 * ngx_http_charset_module: the charset of a response is told, and its body converted to it.
 *
 *     source_charset (or what the response says of itself) --charset_map--> charset
 *
 * A subrequest's body becomes what its main request's response is in.  Owns nothing.
 */
#include "http/charset_map.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/transform.h"

enum { PIECE = 400 };

struct named_map {
    struct named_map *next;
    struct str from, to;
    struct charset_map map;
};

struct charset_name {
    struct template name;
    bool given;                         /* it is not "off" */
};

struct charset_conf {
    struct conf_set set;
    struct named_map *maps;             /* of the http block */
    struct charset_name charset, source;
    struct http_type_set types;
    bool override;
};

struct converter {
    struct transform transform;
    const struct charset_map *map;
    enum charset_direction direction;
    struct charset_sequence part;
};

/* --- configuration ---------------------------------------------------------------------------- */

static bool parse_name(struct conf *cf, void *field, const void *arg)
{
    struct charset_name *name = field;
    const bool *can_be_off = arg;
    name->given = !can_be_off || !str_eq(conf_arg(cf, 1), STR("off"));
    return !name->given || template_compile(cf, &name->name, conf_arg(cf, 1), 1);
}
static const struct conf_type type_name = { "charset", sizeof(struct charset_name), false,
                                            parse_name, false };
static const bool can_be_off = true;

/* Between these two, in either direction. */
static struct named_map *find_map(struct named_map *maps, struct str from, struct str to)
{
    while (maps && !(str_eq_ci(maps->from, from) && str_eq_ci(maps->to, to))
           && !(str_eq_ci(maps->from, to) && str_eq_ci(maps->to, from)))
        maps = maps->next;
    return maps;
}

static bool add_line(struct conf *cf, void *data)
{
    struct named_map *map = data;
    if (cf->node->nwords != 2)
        return conf_error(cf, 0, "arguments", "invalid parameters number");
    const unsigned wrong = charset_map_add(&map->map, conf_arg(cf, 0), conf_arg(cf, 1));
    return wrong == 0 || conf_error(cf, wrong - 1, "invalid-value", "invalid value \"%.*s\"",
                                    STR_FMT(conf_arg(cf, wrong - 1)));
}

static bool parse_map(struct conf *cf, void *field, const void *arg)
{
    struct named_map **maps = field;
    const struct str from = conf_arg(cf, 1), to = conf_arg(cf, 2);
    (void)arg;
    if (str_eq_ci(from, to))
        return conf_error(cf, 2, "same-charset",
                          "\"charset_map\" between the same charsets \"%.*s\" and \"%.*s\"",
                          STR_FMT(from), STR_FMT(to));
    if (find_map(*maps, from, to))
        return conf_error(cf, 0, "duplicate-map",
                          "duplicate \"charset_map\" between \"%.*s\" and \"%.*s\"",
                          STR_FMT(from), STR_FMT(to));
    struct named_map *map = pool_new(cf->pool, struct named_map);
    map->from = pool_str(cf->pool, from);
    map->to = pool_str(cf->pool, to);
    charset_map_init(&map->map, str_eq_ci(to, STR("utf-8")));
    map->next = *maps;
    *maps = map;
    return conf_each(cf, add_line, map);
}
static const struct conf_type type_map = { "from to { byte bytes; ... }",
                                           sizeof(struct named_map *), true, parse_map, true };

#define TYPES "text/html text/xml text/plain text/vnd.wap.wml application/javascript " \
              "application/rss+xml"

static const struct directive rows[] = {
    { "charset", IN_HSL | IN_LOCATION_IF, 1, 1, &type_name, FIELD(charset_conf, charset), INHERIT,
      "off", &can_be_off, NULL, "the charset of responses", NULL },
    { "source_charset", IN_HSL | IN_LOCATION_IF, 1, 1, &type_name, FIELD(charset_conf, source),
      INHERIT, NULL, NULL, NULL, "the charset of what is there", NULL },
    { "override_charset", IN_HSL | IN_LOCATION_IF, 1, 1, &conf_type_flag,
      FIELD(charset_conf, override), INHERIT, "off", NULL, NULL,
      "also where the response comes with a charset of its own", NULL },
    { "charset_types", IN_HSL, 1, CONF_MANY, &http_type_type_set, FIELD(charset_conf, types),
      INHERIT, TYPES, NULL, NULL, "content types that have a charset", NULL },
    { "charset_map", IN_HTTP, 2, 2, &type_map, FIELD(charset_conf, maps), INHERIT, NULL, NULL,
      NULL, "a table between two charsets", NULL },
};

/* Those of the http block alone are only defaults: a server may have no use for them. */
static bool finish(struct conf *cf, void *data, const void *parent)
{
    const struct charset_conf *conf = data;
    const struct template *from = &conf->source.name, *to = &conf->charset.name;
    if (!parent || !conf->source.given || !conf->charset.given || !from->constant
        || !to->constant || str_eq_ci(from->text, to->text)
        || find_map(conf->maps, from->text, to->text))
        return true;
    return conf_block_error(cf, cf->block, "no-charset-map",
                            "no \"charset_map\" between the charsets \"%.*s\" and \"%.*s\"",
                            STR_FMT(from->text), STR_FMT(to->text));
}

static struct section section = {
    .name = "charset", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct charset_conf), .rows = rows, .nrows = countof(rows), .finish = finish,
};

static bool enabled(const struct conf_block *block)
{
    const struct charset_conf *conf = conf_of(block, section);
    return conf && (conf->charset.given || conf->source.given);
}

/* --- converting ------------------------------------------------------------------------------- */

static size_t feed(struct transform *t, struct str bytes)
{
    struct converter *c = container_of(t, struct converter, transform);
    const size_t all = bytes.len;
    char room[PIECE * CHARSET_GROWS + 1];
    while (bytes.len > 0) {
        struct fmt f;
        struct str piece;
        ASSERT(str_sub(bytes, 0, size_min(bytes.len, PIECE), &piece));
        ASSERT(str_from_off(bytes, piece.len, &bytes));
        fmt_init(&f, room, sizeof(room));
        charset_convert(c->map, c->direction, &c->part, piece, &f);
        ASSERT(!f.failed);
        transform_add(t, fmt_done(&f));
    }
    return all;
}

static bool end(struct transform *t)
{
    struct converter *c = container_of(t, struct converter, transform);
    char room[8];
    struct fmt f;
    fmt_init(&f, room, sizeof(room));
    charset_convert_end(&c->part, &f);
    transform_add(t, fmt_done(&f));
    return true;
}

/* --- the head --------------------------------------------------------------------------------- */

static bool eval(struct request *r, const struct charset_name *name, struct str *text)
{
    *text = STR_NONE;
    return !name->given || template_eval(&name->name, &r->subject, text);
}

/* What the body is in, and what it shall be in; either may be empty. */
static bool choose(struct request *r, const struct charset_conf *conf, struct str *from,
                   struct str *to)
{
    if (!eval(r, &conf->source, from))
        return false;
    if (r->out.charset.len)
        *from = r->out.charset;
    if (r->parent) {
        *to = r->main->out.charset;
        return true;
    }
    if (!eval(r, &conf->charset, to))
        return false;
    if (r->out.charset.len && !conf->override)
        *to = STR_NONE;
    if (r->out.wanted_charset.len)
        *to = r->out.wanted_charset;
    return true;
}

/* A type that came with a charset in another form than ours is left as it is. */
static bool says_charset(struct str type)
{
    struct str word;
    while (str_cut(type, ';', &word, &type))
        if (str_starts_ci(str_trim(type), STR("charset=")))
            return true;
    return false;
}

static void convert(struct request *r, struct filter *f, const struct named_map *map,
                    struct str from)
{
    struct converter *c = pool_new(r->subject.pool, struct converter);
    const bool forth = str_eq_ci(map->from, from);
    transform_init(&c->transform, r, f);
    c->transform.feed = feed;
    c->transform.finish = end;
    c->map = &map->map;
    if (map->map.utf8)
        c->direction = forth ? CHARSET_TO_UTF8 : CHARSET_FROM_UTF8;
    else
        c->direction = forth ? CHARSET_BYTES : CHARSET_BYTES_BACK;
    if (!map->map.utf8)
        return;                         /* byte for byte: the length is the same */
    r->out.length = -1;
    r->out.ranges = false;
}

static enum join head(struct request *r, struct filter *f)
{
    const struct charset_conf *conf = request_conf(r, section);
    struct str from, to;
    if (r->out.status == 301 || r->out.status == 302 || r->out.encoded
        || !http_type_in_set(&conf->types, r->out.content_type)
        || says_charset(r->out.content_type))
        return JOIN_PASS;
    if (!choose(r, conf, &from, &to)) {
        r->out.status = 500;
        return JOIN_REFUSE;
    }
    if (to.len == 0)
        return JOIN_PASS;
    if (from.len == 0 || str_eq_ci(from, to)) {
        r->out.charset = to;
        return JOIN_PASS;
    }
    const struct named_map *map = find_map(conf->maps, from, to);
    if (!map) {
        log_write(&r->log, LOG_ERROR, 0,
                  "no \"charset_map\" between the charsets \"%.*s\" and \"%.*s\"", STR_FMT(from),
                  STR_FMT(to));
        return JOIN_PASS;
    }
    r->out.charset = to;
    convert(r, f, map, from);
    return JOIN_IN;
}

const struct filter_type http_charset_filter = {
    .name = "charset", .enabled = enabled, .head = head, .body = transform_body,
    .resume = transform_resume, .needs_memory = true,
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_charset_module = {
    .module = { .name = "ngx_http_charset_module", .protocol = "http", .sections = sections },
};
