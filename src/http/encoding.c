/*
 * Choosing an encoding, and the filter that encodes on the fly.  Owns nothing.
 */
#include "http/encoding.h"

#include "core/date.h"
#include "http/accept.h"
#include "http/response.h"
#include "http/vars.h"

#ifdef WITHOUT_HTTP_GZIP
const struct encoder http_gzip_encoder = { .section = NULL };
#endif

static const struct {
    struct str token, suffix;
    const struct encoder *encoder;
} encodings[ENCODINGS] = {
#define ENCODING(id, module, token, suffix) \
    { STR_INIT(token), STR_INIT(suffix), &http_##module##_encoder },
#include "http/encoding.def"
#undef ENCODING
};

struct str encoding_suffix(enum encoding e)
{
    return encodings[e].suffix;
}

/* --- what the client accepts ------------------------------------------------------------------ */

/* The first field that names it counts. */
static int quality(const struct fields *in, struct str coding)
{
    const struct field *field = fields_known(in, FIELD_ACCEPT_ENCODING);
    int found = ACCEPT_NOT_NAMED;
    for (; field && found == ACCEPT_NOT_NAMED; field = fields_next(in, field))
        found = accept_quality_named(field->value, coding);
    return found;
}

enum encoding encoding_pick(const struct fields *in, unsigned offered)
{
    enum encoding best = ENCODING_NONE;
    int best_quality = 0;
    if (offered == 0 || !fields_known(in, FIELD_ACCEPT_ENCODING))
        return ENCODING_NONE;
    const int others = quality(in, STR("*"));
    const int identity = quality(in, STR("identity"));
    const bool refused = identity == 0 || (identity == ACCEPT_NOT_NAMED && others == 0);
    for (enum encoding e = 0; e < ENCODINGS; e++) {
        if (!(offered & 1u << e))
            continue;
        int q = quality(in, encodings[e].token);
        if (q == ACCEPT_NOT_NAMED && refused)
            q = others;
        if (q > best_quality) {
            best = e;
            best_quality = q;
        }
    }
    return identity > best_quality ? ENCODING_NONE : best;
}

/* --- when gzip may be used -------------------------------------------------------------------- */

enum {
    PROXIED_OFF = 1,
    PROXIED_EXPIRED = 2,
    PROXIED_NO_CACHE = 4,
    PROXIED_NO_STORE = 8,
    PROXIED_PRIVATE = 16,
    PROXIED_NO_LAST_MODIFIED = 32,
    PROXIED_NO_ETAG = 64,
    PROXIED_AUTH = 128,
    PROXIED_ANY = 256,
};

struct regexes {
    const struct regex **at;
    unsigned count;
};

struct encoding_conf {
    struct conf_set set;
    unsigned minor;                     /* of HTTP/1.x, at least */
    unsigned proxied;
    struct regexes disabled;
    bool vary;
};

static const struct conf_name versions[] = { { "1.0", 0 }, { "1.1", 1 }, { NULL, 0 } };
static const struct conf_name proxied_names[] = {
    { "off", PROXIED_OFF }, { "expired", PROXIED_EXPIRED }, { "no-cache", PROXIED_NO_CACHE },
    { "no-store", PROXIED_NO_STORE }, { "private", PROXIED_PRIVATE },
    { "no_last_modified", PROXIED_NO_LAST_MODIFIED }, { "no_etag", PROXIED_NO_ETAG },
    { "auth", PROXIED_AUTH }, { "any", PROXIED_ANY }, { NULL, 0 },
};

/* Two words are no regexes: "msie6", of which the last release is good, and "degradation", which
 * belongs to a module that is not here. */
static bool parse_disable(struct conf *cf, void *field, const void *arg)
{
    struct regexes *list = field;
    const struct regex **at = pool_array(cf->pool, list->count + conf_nargs(cf), sizeof(*at));
    (void)arg;
    if (list->count)
        memcpy(at, list->at, list->count * sizeof(*at));
    list->at = at;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct str word = conf_arg(cf, i);
        const bool msie6 = str_eq(word, STR("msie6"));
        if (str_eq(word, STR("degradation")))
            continue;
        const struct regex *regex = regex_add(cf, msie6 ? STR("MSIE [4-6]\\.(?!.*SV1)") : word,
                                              !msie6, i);
        if (!regex)
            return false;
        at[list->count++] = regex;
    }
    return true;
}
static const struct conf_type type_disable = { "regex ... | msie6", sizeof(struct regexes), true,
                                               parse_disable, false };

#define ROW(name, max, type, member, def, arg, help) \
    { name, IN_HSL, 1, max, type, FIELD(encoding_conf, member), INHERIT, def, arg, NULL, help, \
      "ngx_http_gzip_module" }

static const struct directive rows[] = {
    ROW("gzip_http_version", 1, &conf_type_enum, minor, "1.1", versions,
        "lowest version of a request whose answer is compressed"),
    ROW("gzip_proxied", CONF_MANY, &conf_type_mask, proxied, "off", proxied_names,
        "which answers to proxies are compressed"),
    ROW("gzip_disable", CONF_MANY, &type_disable, disabled, NULL, NULL,
        "user agents that get nothing compressed"),
    ROW("gzip_vary", 1, &conf_type_flag, vary, "off", NULL,
        "tell caches that answers depend on Accept-Encoding"),
};

static struct section section = {
    .name = "encoding", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct encoding_conf), .rows = rows, .nrows = countof(rows),
};

static bool has_word(const struct fields *in, const struct field *field, struct str word)
{
    for (; field; field = fields_next(in, field))
        for (struct str rest = field->value, part; rest.len;) {
            str_cut(rest, ',', &part, &rest);
            if (str_eq_ci(str_trim(part), word))
                return true;
        }
    return false;
}

static bool expired(const struct request *r, struct str expires)
{
    const int64_t now = r->began / 1000;
    int64_t date;
    return date_parse(expires, now, &date) && date < now;
}

/* The first thing that says how cacheable the answer is decides. */
static bool proxied_allowed(const struct request *r, unsigned how)
{
    static const struct { const char *word; unsigned bit; } words[] = {
        { "no-cache", PROXIED_NO_CACHE }, { "no-store", PROXIED_NO_STORE },
        { "private", PROXIED_PRIVATE },
    };
    if (how & PROXIED_OFF)
        return false;
    if (how & PROXIED_ANY
        || (how & PROXIED_AUTH && fields_known(&r->in.fields, FIELD_AUTHORIZATION)))
        return true;
    const struct field *field = fields_find(&r->out.fields, STR("Expires"));
    if (field)
        return how & PROXIED_EXPIRED && expired(r, field->value);
    field = fields_known(&r->out.fields, FIELD_CACHE_CONTROL);
    if (field) {
        for (unsigned i = 0; i < countof(words); i++)
            if (how & words[i].bit
                && has_word(&r->out.fields, field, str_from(words[i].word)))
                return true;
        return false;
    }
    return !(how & PROXIED_NO_LAST_MODIFIED && r->out.last_modified >= 0)
        && !(how & PROXIED_NO_ETAG && r->out.etag.len);
}

static bool disabled(struct request *r, const struct regexes *list)
{
    const struct str agent = fields_value(&r->in.fields, FIELD_USER_AGENT);
    const char *why;
    for (unsigned i = 0; i < list->count && agent.len; i++)
        switch (regex_match(r->subject.local, list->at[i], agent, NULL, &why)) {
        case REGEX_NO_MATCH:
            break;
        case REGEX_MATCH:
            return true;
        case REGEX_ERROR:
            log_write(&r->log, LOG_ALERT, 0, "gzip_disable \"%.*s\": %s",
                      STR_FMT(list->at[i]->pattern), why);
            return true;
        }
    return false;
}

bool encoding_gzip_allowed(struct request *r)
{
    const struct encoding_conf *conf = request_conf(r, section);
    return r->in.minor >= conf->minor
        && (!fields_known(&r->in.fields, FIELD_VIA) || proxied_allowed(r, conf->proxied))
        && !disabled(r, &conf->disabled);
}

bool encoding_gzip_accepted(struct request *r)
{
    return !r->parent && encoding_gzip_allowed(r)
        && encoding_pick(&r->in.fields, 1u << ENCODING_GZIP) == ENCODING_GZIP;
}

/* --- what the answer says --------------------------------------------------------------------- */

bool encoding_there(const struct request *r)
{
    return r->out.encoded || fields_find(&r->out.fields, STR("Content-Encoding"));
}

void encoding_set(struct request *r, enum encoding e)
{
    response_add(r, STR("Content-Encoding"), encodings[e].token);
    r->out.encoded = true;
}

void encoding_vary(struct request *r)
{
    const struct encoding_conf *conf = request_conf(r, section);
    const struct field *field = fields_find(&r->out.fields, STR("Vary"));
    if (conf->vary && !r->parent && !has_word(&r->out.fields, field, STR("Accept-Encoding"))
        && !has_word(&r->out.fields, field, STR("*")))
        response_add(r, STR("Vary"), STR("Accept-Encoding"));
}

/* --- the filter ------------------------------------------------------------------------------- */

static bool enabled(const struct conf_block *block)
{
    for (enum encoding e = 0; e < ENCODINGS; e++) {
        const struct section *s = encodings[e].encoder->section;
        const struct encoder_conf *conf = s ? conf_of(block, *s) : NULL;
        if (conf && conf->on)
            return true;
    }
    return false;
}

static bool wants(const struct request *r, const struct encoder *encoder)
{
    if (!encoder->section)
        return false;
    const struct encoder_conf *conf = request_conf(r, *encoder->section);
    return conf->on && (r->out.length < 0 || (uint64_t)r->out.length >= conf->min_length)
        && http_type_in_set(&conf->types, r->out.content_type);
}

static enum join head(struct request *r, struct filter *f)
{
    const unsigned status = r->out.status;
    unsigned wanted = 0, offered;
    if ((status != 200 && status != 403 && status != 404) || encoding_there(r))
        return JOIN_PASS;
    for (enum encoding e = 0; e < ENCODINGS; e++)
        if (wants(r, encodings[e].encoder))
            wanted |= 1u << e;
    if (!wanted)
        return JOIN_PASS;
    encoding_vary(r);
    offered = wanted;
    if (wanted & 1u << ENCODING_GZIP && !encoding_gzip_allowed(r))
        offered &= ~(1u << ENCODING_GZIP);
    const enum encoding e = encoding_pick(&r->in.fields, offered);
    if (e == ENCODING_NONE)
        return JOIN_PASS;
    const struct encoder *encoder = encodings[e].encoder;
    recode_join(request_note(r, encoder, sizeof(struct recode)), r, f, &encoder->codec);
    encoding_set(r, e);
    response_transformed(r);
    return JOIN_IN;
}

const struct filter_type http_encoding_filter = {
    .name = "encoding", .enabled = enabled, .head = head, .body = recode_body,
    .resume = recode_resume, .needs_memory = true,
};

bool encoding_ratio(struct request *r, const struct encoder *encoder, struct value *out)
{
    const struct recode *t = request_note(r, encoder, 0);
    if (!t || !t->whole)
        return value_none(out);
    const uint64_t hundredths = (t->taken * 100 + t->given / 2) / t->given;
    return value_give(out, fmt_pool(r->subject.pool, "%llu.%02llu",
                                    (unsigned long long)hundredths / 100,
                                    (unsigned long long)hundredths % 100));
}

static struct section *const sections[] = { &section, NULL };

const struct http_module http_encoding_module = {
    .module = { .name = "weir_http_encoding_module", .protocol = "http", .sections = sections },
};
