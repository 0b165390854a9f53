/*
 * Links that are signed: by MD5 of what the configuration says, or of the path and a secret.
 * Owns nothing.
 *
 *     secure_link $arg_md5,$arg_expires     MD5 in base64, a "," and a time of 1970, or no such
 *     secure_link_secret word               /prefix/MD5 in hex/link
 */
#include "core/base64.h"
#include "core/digest.h"
#include "core/number.h"
#include "http/vars.h"
#include "os/unix/clock.h"

enum { MD5_SIZE = 16, BASE64_MOST = 24, HEX_SIZE = 32 };

struct secure_link_conf {
    struct conf_set set;
    struct template link, md5;
    struct str secret;
    bool has_link, has_secret;
};

/* --- reading ---------------------------------------------------------------------------------- */

static struct section section;

static bool finish(struct conf *cf, void *conf, const void *parent)
{
    struct secure_link_conf *own = conf;
    const bool link = conf_is_set(own, &section, "secure_link")
        || conf_is_set(own, &section, "secure_link_md5");
    (void)parent;
    if (link && conf_is_set(own, &section, "secure_link_secret"))
        return conf_block_error(cf, cf->block, "mixed",
                                "\"secure_link_secret\" cannot be mixed with \"secure_link\" and "
                                "\"secure_link_md5\"");
    own->has_link = own->link.source.at && own->md5.source.at;
    own->has_secret = own->secret.at;
    return true;
}

static const struct directive rows[] = {
    { "secure_link", IN_HSL, 1, 1, &conf_type_template, FIELD(secure_link_conf, link), INHERIT,
      NULL, NULL, NULL, "the signature of a link, and when it ends", NULL },
    { "secure_link_md5", IN_HSL, 1, 1, &conf_type_template, FIELD(secure_link_conf, md5), INHERIT,
      NULL, NULL, NULL, "what the signature is the MD5 of", NULL },
    { "secure_link_secret", IN_HSL, 1, 1, &conf_type_str, FIELD(secure_link_conf, secret),
      INHERIT, NULL, NULL, NULL, "secret word of signatures within paths", NULL },
};

static struct section section = {
    .name = "secure_link", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct secure_link_conf), .rows = rows, .nrows = countof(rows),
    .finish = finish,
};

/* --- a signature that is given apart ---------------------------------------------------------- */

struct signature {
    struct str text;                    /* base64 */
    struct str expires;                 /* empty: never */
    uint64_t end;
};

/* Sets *good when it has the right shape.  False: evaluation failed. */
static bool read_signature(const struct secure_link_conf *conf, struct subject *s,
                           struct signature *signature, bool *good)
{
    struct str text;
    *good = conf->has_link;
    *signature = (struct signature){ .end = UINT64_MAX };
    if (!*good)
        return true;
    if (!template_eval(&conf->link, s, &text))
        return false;
    if (str_cut(text, ',', &signature->text, &signature->expires))
        *good = number_u64(signature->expires, &signature->end) && signature->end > 0
            && signature->end <= INT64_MAX;
    return true;
}

static bool matches(struct str text, const unsigned char *md5)
{
    char room[MD5_SIZE + 3];
    struct fmt f;
    fmt_init(&f, room, sizeof(room));
    return text.len <= BASE64_MOST && base64_decode(&f, text, true)
        && digest_equal(fmt_done(&f), str_of(md5, MD5_SIZE));
}

static bool check_signature(const struct secure_link_conf *conf, struct subject *s,
                            struct value *out)
{
    struct signature signature;
    struct str text;
    unsigned char md5[DIGEST_MOST];
    bool good;
    if (!read_signature(conf, s, &signature, &good))
        return false;
    if (!good)
        return value_none(out);
    if (!template_eval(&conf->md5, s, &text) || !digest_of(DIGEST_MD5, text, md5))
        return false;
    if (!matches(signature.text, md5))
        return value_none(out);
    const uint64_t now = (uint64_t)(clock_real_msec() / 1000);
    return value_give(out, signature.end < now ? STR("0") : STR("1"));
}

/* --- a signature within the path -------------------------------------------------------------- */

/* The path as it was sent, with its arguments.  False: it has another shape. */
static bool cut_path(struct str path, struct str *hex, struct str *link)
{
    struct str rest;
    return str_from_off(path, size_min(path.len, 1), &rest) && str_cut(rest, '/', &path, &rest)
        && str_cut(rest, '/', hex, link) && hex->len == HEX_SIZE && link->len > 0;
}

/* Digits of both cases. */
static bool matches_hex(struct str hex, const unsigned char *md5)
{
    char given[HEX_SIZE + 1], wanted[HEX_SIZE + 1];
    struct fmt f, g;
    fmt_init(&f, given, sizeof(given));
    fmt_lower(&f, hex);
    fmt_init(&g, wanted, sizeof(wanted));
    fmt_hex_bytes(&g, str_of(md5, MD5_SIZE));
    return digest_equal(fmt_done(&f), fmt_done(&g));
}

static bool check_path(const struct secure_link_conf *conf, const struct request *r,
                       struct value *out)
{
    struct str hex, link;
    struct digest d;
    unsigned char md5[DIGEST_MOST];
    if (!cut_path(r->in.target, &hex, &link))
        return value_none(out);
    digest_begin(&d, DIGEST_MD5);
    digest_add(&d, link);
    digest_add(&d, conf->secret);
    if (!digest_end(&d, md5))
        return false;
    return matches_hex(hex, md5) ? value_give(out, link) : value_none(out);
}

/* --- variables -------------------------------------------------------------------------------- */

GETTER(link)
{
    const struct request *r = request_of(s);
    const struct secure_link_conf *conf = request_conf(r, section);
    (void)entry;
    return conf->has_secret ? check_path(conf, r, out) : check_signature(conf, s, out);
}

GETTER(expires)
{
    const struct secure_link_conf *conf = request_conf(request_of(s), section);
    struct signature signature;
    bool good;
    (void)entry;
    if (conf->has_secret)
        return value_none(out);
    if (!read_signature(conf, s, &signature, &good))
        return false;
    return good ? value_some(out, signature.expires) : value_none(out);
}

static const struct variable variables[] = {
    { "secure_link", get_link, 0, 0, "whether the link is signed, or the link behind its signature",
      NULL },
    { "secure_link_expires", get_expires, 0, 0, "until when the link is good", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_secure_link_module = {
    .module = { .name = "ngx_http_secure_link_module", .protocol = "http", .sections = sections,
                .variables = variables },
};
