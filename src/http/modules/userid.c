/*
 * `userid`: a cookie by which a client is known again.
 * Owns nothing.
 *
 *     16 bytes    service | time | random | random and version     in base64; the first "=" may be
 *       on          network byte order, version 2 last              the mark
 *       v1          the other byte order, version 1 first
 */
#include "core/base64.h"
#include "core/date.h"
#include "core/number.h"
#include "core/template.h"
#include "http/accept.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/vars.h"
#include "os/unix/clock.h"

#include <sys/random.h>

enum { USERID_OFF, USERID_LOG, USERID_V1, USERID_ON };
enum { EXPIRES_OFF = 0, EXPIRES_MAX = -1 };
enum { ID_SIZE = 16, DIGITS = 22, COOKIE_MOST = 16 << 10 };
enum {
    FLAG_OFF = 1,
    FLAG_SECURE = 2,
    FLAG_HTTPONLY = 4,
    FLAG_STRICT = 8,
    FLAG_LAX = 16,
    FLAG_NONE = 32,
};

struct userid_mode {
    unsigned kind;
    unsigned reset;                     /* $uid_reset, where ids are set */
};

struct userid_service {
    bool given;
    int64_t number;
};

struct userid_conf {
    struct conf_set set;
    struct userid_mode mode;
    struct userid_service service;
    struct str name, domain, path, p3p;
    int64_t expires;                    /* seconds, or EXPIRES_ */
    unsigned flags;
    char mark;                          /* 0: none */
};

/* What is known of a request's id. */
struct userid {
    bool looked, decided;               /* the cookie was read; a new one, or none, was made */
    bool got, given;
    bool marked;                        /* the mark is as it should be */
    unsigned char old[ID_SIZE], new[ID_SIZE];
};
static const char userid_key;

/* --- reading ---------------------------------------------------------------------------------- */

static const struct conf_name modes[] = { { "off", USERID_OFF }, { "log", USERID_LOG },
                                          { "v1", USERID_V1 }, { "on", USERID_ON }, { NULL, 0 } };

static bool parse_mode(struct conf *cf, void *field, const void *arg)
{
    struct userid_mode *mode = field;
    (void)arg;
    if (!conf_type_enum.parse(cf, &mode->kind, modes))
        return false;
    if (mode->kind >= USERID_V1)
        mode->reset = vars_use(cf, STR("uid_reset"), 1);
    return true;
}
static const struct conf_type type_mode = {
    .name = "on | v1 | log | off", .size = sizeof(struct userid_mode), .parse = parse_mode,
};

static bool parse_service(struct conf *cf, void *field, const void *arg)
{
    static const struct conf_range range = { 0, UINT32_MAX };
    struct userid_service *service = field;
    (void)arg;
    service->given = true;
    return conf_type_int.parse(cf, &service->number, &range);
}
static const struct conf_type type_service = {
    .name = "number", .size = sizeof(struct userid_service), .parse = parse_service,
};

/* "none" is an empty text. */
static bool parse_text(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    if (str_eq(conf_arg(cf, 1), STR("none")))
        return true;
    return conf_type_str.parse(cf, field, NULL);
}
static const struct conf_type type_text = {
    .name = "string | none", .size = sizeof(struct str), .parse = parse_text,
};

static bool parse_expires(struct conf *cf, void *field, const void *arg)
{
    int64_t *expires = field;
    (void)arg;
    *expires = EXPIRES_OFF;
    if (str_eq(conf_arg(cf, 1), STR("off")))
        return true;
    if (!str_eq(conf_arg(cf, 1), STR("max")))
        return conf_type_sec.parse(cf, field, NULL);
    *expires = EXPIRES_MAX;
    return true;
}
static const struct conf_type type_expires = {
    .name = "time | max | off", .size = sizeof(int64_t), .parse = parse_expires,
};

static bool is_mark(char c)
{
    const char lower = str_lower_char(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '=';
}

static bool parse_mark(struct conf *cf, void *field, const void *arg)
{
    const struct str word = conf_arg(cf, 1);
    (void)arg;
    if (str_eq(word, STR("off")))
        return true;
    if (word.len != 1 || !is_mark(word.at[0]))
        return conf_error(cf, 1, "invalid-value", "\"userid_mark\" directive value must be "
                          "\"off\" or a single letter, digit or \"=\"");
    *(char *)field = word.at[0];
    return true;
}
static const struct conf_type type_mark = {
    .name = "letter | digit | = | off", .size = sizeof(char), .parse = parse_mark,
};

static const struct conf_name flags[] = {
    { "off", FLAG_OFF },
    { "secure", FLAG_SECURE },
    { "httponly", FLAG_HTTPONLY },
    { "samesite=strict", FLAG_STRICT },
    { "samesite=lax", FLAG_LAX },
    { "samesite=none", FLAG_NONE },
    { NULL, 0 },
};

#define ROW(name, max, type, member, def, arg, help) \
    { name, IN_HSL, 1, max, type, FIELD(userid_conf, member), INHERIT, def, arg, NULL, help, NULL }
static const struct directive rows[] = {
    ROW("userid", 1, &type_mode, mode, "off", NULL, "cookies by which clients are known again"),
    ROW("userid_service", 1, &type_service, service, NULL, NULL, "number of who gave the id"),
    ROW("userid_name", 1, &conf_type_str, name, "uid", NULL, "name of the cookie"),
    ROW("userid_domain", 1, &type_text, domain, "none", NULL, "domain of the cookie"),
    ROW("userid_path", 1, &conf_type_str, path, "/", NULL, "path of the cookie"),
    ROW("userid_expires", 1, &type_expires, expires, "off", NULL, "how long it is kept"),
    ROW("userid_flags", 3, &conf_type_mask, flags, "off", flags, "attributes of the cookie"),
    ROW("userid_p3p", 1, &type_text, p3p, "none", NULL, "P3P field that goes with the cookie"),
    ROW("userid_mark", 1, &type_mark, mark, "off", NULL,
        "a character that cookies must have, or they are sent again"),
};

static struct section section = {
    .name = "userid", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct userid_conf), .rows = rows, .nrows = countof(rows),
};

/* --- the id that the client sent -------------------------------------------------------------- */

static bool decode(const struct request *r, struct str name, struct str cookie, struct userid *id)
{
    char room[ID_SIZE + 1];
    struct str digits;
    struct fmt f;
    if (!str_sub(cookie, 0, DIGITS, &digits)) {
        log_write(&r->log, LOG_ERROR, 0, "client sent too short userid cookie \"%.*s=%.*s\"",
                  STR_FMT(name), STR_FMT(cookie));
        return false;
    }
    fmt_init(&f, room, sizeof(room));
    if (!base64_decode(&f, digits, false) || f.len != ID_SIZE) {
        log_write(&r->log, LOG_ERROR, 0, "client sent invalid userid cookie \"%.*s=%.*s\"",
                  STR_FMT(name), STR_FMT(cookie));
        return false;
    }
    memcpy(id->old, room, ID_SIZE);
    return true;
}

static bool is_marked(struct str cookie, char mark)
{
    struct str end;
    return mark == 0 || (str_sub(cookie, DIGITS, 2, &end) && end.at[0] == mark && end.at[1] == '=');
}

static struct userid *look(struct request *r, const struct userid_conf *conf)
{
    struct userid *id = request_note(r->main, &userid_key, sizeof(*id));
    if (id->looked)
        return id;
    id->looked = true;
    const struct fields *fields = &r->main->in.fields;
    const struct field *field = fields_known(fields, FIELD_COOKIE);
    for (; field; field = fields_next(fields, field)) {
        struct str cookie;
        if (!accept_cookie(field->value, conf->name, &cookie))
            continue;
        id->got = decode(r, conf->name, cookie, id);
        id->marked = is_marked(cookie, conf->mark);
        break;
    }
    return id;
}

/* --- a new one -------------------------------------------------------------------------------- */

/* Four words, each as nginx's logs have it: the byte of the lowest address counts least. */
static struct str id_text(struct request *r, const struct userid_conf *conf,
                          const unsigned char *bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    struct fmt f;
    fmt_init_pool(&f, r->subject.pool, conf->name.len + 1 + 2 * ID_SIZE, COOKIE_MOST);
    fmt_str(&f, conf->name);
    fmt_char(&f, '=');
    for (unsigned i = 0; i < ID_SIZE; i++) {
        const unsigned char byte = bytes[i ^ 3];
        fmt_char(&f, digits[byte >> 4]);
        fmt_char(&f, digits[byte & 15]);
    }
    return fmt_done(&f);
}

static uint32_t word_of(const void *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return ntohl(word);
}

/* Without a number the address that was connected to, or the end of it. */
static uint32_t service_of(struct request *r, const struct userid_conf *conf)
{
    struct inet_address local;
    if (conf->service.given)
        return (uint32_t)conf->service.number;
    if (conf->mode.kind == USERID_V1)
        return 0;
    conn_local(r->subject.conn, &local);
    if (local.len && local.any.sa_family == AF_INET)
        return word_of(&local.v4.sin_addr);
    if (local.len && local.any.sa_family == AF_INET6)
        return word_of(&local.v6.sin6_addr.s6_addr[12]);
    return 0;
}

/* False: there is no randomness (logged). */
static bool make(struct request *r, const struct userid_conf *conf, unsigned char *bytes)
{
    const bool v1 = conf->mode.kind == USERID_V1;
    uint32_t words[4] = { service_of(r, conf), (uint32_t)(clock_real_msec() / 1000) };
    if (getrandom(&words[2], sizeof(words[2]) * 2, 0) != (ssize_t)sizeof(words[2]) * 2) {
        log_write(&r->log, LOG_ALERT, errno, "getrandom() failed");
        return false;
    }
    words[3] = words[3] << 8 | (v1 ? 1 : 2);
    for (unsigned i = 0; i < ID_SIZE; i++)
        bytes[i] = (unsigned char)(words[i / 4] >> 8 * (v1 ? i % 4 : 3 - i % 4));
    return true;
}

/* Whether $uid_reset asks for a new one; with "log" it is said.  False: evaluation failed. */
static bool is_reset(struct request *r, const struct userid_conf *conf, const struct userid *id,
                     bool *reset)
{
    struct value value;
    if (!vars_get(&r->subject, conf->mode.reset, &value))
        return false;
    *reset = text_is_true(value.text);
    if (*reset && id->got && str_eq(value.text, STR("log")))
        log_write(&r->log, LOG_NOTICE, 0, "userid cookie \"%.*s\" was reset",
                  STR_FMT(id_text(r, conf, id->old)));
    return true;
}

/* Decides once what the client gets: a new id, its own again with the mark, or none. */
static bool decide(struct request *r, const struct userid_conf *conf, struct userid *id)
{
    bool reset;
    if (id->decided)
        return true;
    if (!is_reset(r, conf, id, &reset))
        return false;
    id->decided = true;
    id->given = reset || !id->got || !id->marked;
    if (!id->got || reset)
        return make(r, conf, id->new);
    memcpy(id->new, id->old, ID_SIZE);
    return true;
}

/* --- the cookie ------------------------------------------------------------------------------- */

/* "Sun, 06-Nov-94 08:49:37 GMT"; two digits of the year last until 2037. */
static void put_expires(struct fmt *f, int64_t seconds)
{
    struct date d;
    if (seconds == EXPIRES_OFF)
        return;
    if (seconds == EXPIRES_MAX) {
        fmt_text(f, "; expires=Thu, 31-Dec-37 23:55:55 GMT");
        return;
    }
    date_split(clock_real_msec() / 1000 + seconds, &d);
    fmt_print(f, "; expires=%s, %02u-%s-%02d %02u:%02u:%02u GMT", date_weekdays[d.weekday], d.day,
              date_months[d.month - 1], d.year > 2037 ? d.year : d.year % 100, d.hour, d.minute,
              d.second);
}

static void put_flags(struct fmt *f, unsigned given)
{
    fmt_text(f, given & FLAG_SECURE ? "; secure" : "");
    fmt_text(f, given & FLAG_HTTPONLY ? "; httponly" : "");
    fmt_text(f, given & FLAG_STRICT ? "; samesite=strict"
             : given & FLAG_LAX ? "; samesite=lax"
             : given & FLAG_NONE ? "; samesite=none" : "");
}

/* The mark stands instead of the first "=" at the end. */
static void put_id(struct fmt *f, const unsigned char *bytes, char mark)
{
    char room[DIGITS + 3];
    struct fmt base64;
    fmt_init(&base64, room, sizeof(room));
    base64_encode(&base64, str_of(bytes, ID_SIZE));
    const struct str text = fmt_done(&base64);
    ASSERT(text.len == DIGITS + 2);
    fmt_str(f, str_of(text.at, DIGITS));
    fmt_char(f, mark ? mark : '=');
    fmt_char(f, '=');
}

static void add_cookie(struct request *r, const struct userid_conf *conf, const struct userid *id)
{
    struct fmt f;
    fmt_init_pool(&f, r->subject.pool, 128, COOKIE_MOST);
    fmt_str(&f, conf->name);
    fmt_char(&f, '=');
    put_id(&f, id->new, conf->mark);
    put_expires(&f, conf->expires);
    if (conf->domain.len)
        fmt_print(&f, "; domain=%.*s", STR_FMT(conf->domain));
    fmt_print(&f, "; path=%.*s", STR_FMT(conf->path));
    put_flags(&f, conf->flags);
    if (!f.failed)
        response_add(r, STR("Set-Cookie"), fmt_done(&f));
    if (conf->p3p.len)
        response_add(r, STR("P3P"), conf->p3p);
}

static bool enabled(const struct conf_block *block)
{
    const struct userid_conf *conf = conf_of(block, section);
    return conf && conf->mode.kind >= USERID_V1;
}

static enum join head(struct request *r, struct filter *f)
{
    const struct userid_conf *conf = request_conf(r, section);
    (void)f;
    if (r->parent)
        return JOIN_PASS;
    struct userid *id = look(r, conf);
    /* What went wrong is logged; an answer without a cookie is better than none. */
    if (decide(r, conf, id) && id->given)
        add_cookie(r, conf, id);
    return JOIN_PASS;
}

const struct filter_type http_userid_filter = { .name = "userid", .enabled = enabled,
                                                .head = head };

/* --- variables -------------------------------------------------------------------------------- */

GETTER(got)
{
    struct request *r = request_of(s);
    const struct userid_conf *conf = request_conf(r, section);
    (void)entry;
    if (conf->mode.kind == USERID_OFF)
        return value_none(out);
    const struct userid *id = look(r, conf);
    return id->got ? value_give(out, id_text(r, conf, id->old)) : value_none(out);
}

GETTER(set)
{
    struct request *r = request_of(s);
    const struct userid_conf *conf = request_conf(r, section);
    (void)entry;
    if (conf->mode.kind < USERID_V1)
        return value_none(out);
    struct userid *id = look(r, conf);
    if (!decide(r, conf, id))
        return false;
    return id->given ? value_give(out, id_text(r, conf, id->new)) : value_none(out);
}

GETTER(reset)
{
    (void)s;
    (void)entry;
    return value_give(out, STR(""));
}

static const struct variable variables[] = {
    { "uid_got", get_got, 0, 0, "the id that the client sent", NULL },
    { "uid_set", get_set, 0, 0, "the id that the client gets", NULL },
    { "uid_reset", get_reset, VARS_CHANGEABLE, 0, "set to something: the client gets a new id",
      NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_userid_module = {
    .module = { .name = "ngx_http_userid_module", .protocol = "http", .sections = sections,
                .variables = variables },
};
