/*
 * What directives have in common that pass requests to other servers: types, checks, what is hidden
 * of an answer.  Owns nothing: everything lies in the generation.
 */
#include "http/upstream/upstream_conf.h"

#include "core/inet.h"
#include "core/number.h"

/* The size of nginx's buffers: ours is larger, which is to make no error of what is none there. */
enum { HEAD_FREE = 8 << 10 };

_Static_assert(FIELD_IDS <= 64, "hidden_known has a bit for each known field");

const struct conf_name upstream_ignore_names[] = {
    { "X-Accel-Redirect", IGNORE_ACCEL_REDIRECT },
    { "X-Accel-Expires", IGNORE_ACCEL_EXPIRES },
    { "X-Accel-Limit-Rate", IGNORE_ACCEL_LIMIT_RATE },
    { "X-Accel-Buffering", IGNORE_ACCEL_BUFFERING },
    { "X-Accel-Charset", IGNORE_ACCEL_CHARSET },
    { "Expires", IGNORE_EXPIRES },
    { "Cache-Control", IGNORE_CACHE_CONTROL },
    { "Set-Cookie", IGNORE_SET_COOKIE },
    { "Vary", IGNORE_VARY },
    { NULL, 0 },
};

const struct conf_name upstream_buffering_names[] = {
    { "on", BUFFERING_ON }, { "off", BUFFERING_OFF }, { "auto", BUFFERING_AUTO }, { NULL, 0 },
};

/* --- types ------------------------------------------------------------------------------------ */

static bool parse_bind(struct conf *cf, void *field, const void *arg)
{
    struct upstream_bind *bind = field;
    const struct str text = conf_arg(cf, 1);
    struct inet_address address;
    (void)arg;
    if (conf_nargs(cf) == 1 && str_eq(text, STR("off")))
        return true;
    if (!template_compile(cf, &bind->address, text, 1))
        return false;
    if (bind->address.constant &&
        ((!inet_parse(text, 0, &address) && !inet_parse_host(text, 0, &address))
         || address.any.sa_family == AF_UNIX))
        return conf_error(cf, 1, "invalid-address", "invalid address \"%.*s\"", STR_FMT(text));
    bind->transparent = conf_nargs(cf) == 2;
    if (bind->transparent && !str_eq(conf_arg(cf, 2), STR("transparent")))
        return conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(conf_arg(cf, 2)));
    return true;
}
const struct conf_type upstream_type_bind = { "address [transparent] | off",
                                              sizeof(struct upstream_bind), false, parse_bind,
                                              false };

static bool parse_store(struct conf *cf, void *field, const void *arg)
{
    struct upstream_store *store = field;
    const struct str text = conf_arg(cf, 1);
    (void)arg;
    store->on = !str_eq(text, STR("off"));
    if (!store->on || str_eq(text, STR("on")))
        return true;
    return template_compile(cf, &store->path,
                            str_starts(text, STR("$")) ? text : conf_full_path(cf, text), 1);
}
const struct conf_type upstream_type_store = { "on | off | string", sizeof(struct upstream_store),
                                               false, parse_store, false };

static bool parse_rate(struct conf *cf, void *field, const void *arg)
{
    struct template *rate = field;
    size_t n;
    (void)arg;
    if (!template_compile(cf, rate, conf_arg(cf, 1), 1))
        return false;
    if (rate->constant && !number_conf_size(rate->text, &n))
        return conf_error(cf, 1, "invalid-value", "\"%.*s\" directive invalid value",
                          STR_FMT(conf_arg(cf, 0)));
    return true;
}
const struct conf_type upstream_type_rate = { "rate", sizeof(struct template), false, parse_rate,
                                              false };

/* --- what is hidden --------------------------------------------------------------------------- */

static bool in_list(const struct conf_strs *list, struct str name)
{
    for (unsigned i = 0; i < list->count; i++)
        if (str_eq_ci(list->at[i], name))
            return true;
    return false;
}

static void find_hidden(struct conf *cf, struct upstream_conf *conf)
{
    static const enum field_id always[] = {
        FIELD_DATE, FIELD_SERVER, FIELD_X_PAD, FIELD_X_ACCEL_EXPIRES, FIELD_X_ACCEL_REDIRECT,
        FIELD_X_ACCEL_LIMIT_RATE, FIELD_X_ACCEL_BUFFERING, FIELD_X_ACCEL_CHARSET,
    };
    conf->hidden_known = 0;
    conf->hidden = (struct conf_strs){ pool_array(cf->pool, conf->hide.count,
                                                  sizeof(struct str)), 0 };
    for (unsigned i = 0; i < countof(always); i++)
        conf->hidden_known |= UINT64_C(1) << always[i];
    for (unsigned i = 0; i < conf->hide.count; i++) {
        const enum field_id id = field_id(conf->hide.at[i]);
        conf->hidden_known |= UINT64_C(1) << id;
        if (id == FIELD_OTHER && !in_list(&conf->pass, conf->hide.at[i]))
            conf->hidden.at[conf->hidden.count++] = conf->hide.at[i];
    }
    for (unsigned i = 0; i < conf->pass.count; i++)
        conf->hidden_known &= ~(UINT64_C(1) << field_id(conf->pass.at[i]));
}

/* --- checks ----------------------------------------------------------------------------------- */

static bool check_least(struct conf *cf, const char *prefix, const char *name)
{
    return conf_error(cf, 0, "buffer-sizes", "\"%s%s\" must be equal to or greater than the "
                      "maximum of the value of \"%sbuffer_size\" and one of the \"%sbuffers\"",
                      prefix, name, prefix, prefix);
}

static bool check_sizes(struct conf *cf, const struct upstream_conf *conf, const char *prefix)
{
    const struct conf_bufs *bufs = &conf->buffers;
    const size_t least = conf->buffer_size > HEAD_FREE && conf->buffer_size > bufs->size
                         ? conf->buffer_size : bufs->size;
    const size_t busy = conf->busy_size ? conf->busy_size : 2 * least;
    if (bufs->count < 2)
        return conf_error(cf, 0, "buffer-sizes", "there must be at least 2 \"%sbuffers\"", prefix);
    if (busy < least)
        return check_least(cf, prefix, "busy_buffers_size");
    if (busy / bufs->size > bufs->count - 1 ||
        (busy / bufs->size == bufs->count - 1 && busy % bufs->size))
        return conf_error(cf, 0, "buffer-sizes", "\"%sbusy_buffers_size\" must be less than the "
                          "size of all \"%sbuffers\" minus one buffer", prefix, prefix);
    if (conf->temp_write_size && conf->temp_write_size < least)
        return check_least(cf, prefix, "temp_file_write_size");
    if (conf->max_temp_file && (uint64_t)conf->max_temp_file < least)
        return conf_error(cf, 0, "buffer-sizes", "\"%smax_temp_file_size\" must be equal to zero "
                          "to disable temporary files usage or must be equal to or greater than "
                          "the maximum of the value of \"%sbuffer_size\" and one of the "
                          "\"%sbuffers\"", prefix, prefix, prefix);
    return true;
}

/* What a connection is made with, so that only equals share one. */
static uint64_t place_of(struct conf *cf, const struct upstream_conf *conf, const char *prefix)
{
    const struct str text =
        fmt_pool(cf->temp, "%s %d %d %lld %lld %.*s", prefix, conf->bind.transparent,
                 conf->socket_keepalive, (long long)conf->sndbuf, (long long)conf->rcvbuf,
                 STR_FMT(conf->bind.address.source));
    return (uint64_t)str_hash(text) << 32;
}

bool upstream_conf_finish(struct conf *cf, struct upstream_conf *conf, const char *prefix)
{
    find_hidden(cf, conf);
    conf->place = place_of(cf, conf, prefix);
    conf->home = str_hash(fmt_pool(cf->temp, "%.*s:%u", STR_FMT(cf->block->file),
                                   cf->block->line));
    return conf->buffers.count == 0 || check_sizes(cf, conf, prefix);
}
