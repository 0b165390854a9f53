/*
 * What limit_req and limit_conn have in common.  Owns nothing.
 */
#include "http/limit.h"

const struct conf_name limit_levels[] = { { "info", LOG_INFO }, { "notice", LOG_NOTICE },
                                          { "warn", LOG_WARN }, { "error", LOG_ERROR },
                                          { NULL, 0 } };
const struct conf_range limit_statuses = { 400, 599 };

bool limit_zone_add(struct conf *cf, struct limit_zone **list, struct limit_zone *z,
                    const struct zone_type *type, struct str name, size_t size, unsigned at)
{
    if (!(z->zone = zone_add(cf, type, name, size, at)))
        return false;
    for (const struct limit_zone *other = *list; other; other = other->next)
        if (other->zone == z->zone)
            return conf_error(cf, at, "duplicate", "%s_zone \"%.*s\" is already bound to key "
                              "\"%.*s\"", type->name, STR_FMT(name), STR_FMT(other->key.source));
    z->next = *list;
    *list = z;
    return true;
}

bool limit_add(struct conf *cf, struct limit **list, struct limit *limit)
{
    for (; *list; list = &(*list)->next)
        if ((*list)->zone == limit->zone)
            return conf_error(cf, 0, "duplicate", "\"%s\" directive is duplicate",
                              limit->zone->type->name);
    *list = limit;
    return true;
}

/* A zone that nobody gave a key has no size either, which is reported later. */
bool limit_finish(struct conf *cf, struct limit_conf *conf, const struct section *zones)
{
    const struct limit_zones_conf *known = conf_of(conf_outer(cf->block, IN_HTTP), *zones);
    for (struct limit *l = conf->limits; l; l = l->next)
        for (const struct limit_zone *z = known->zones; z && !l->conf; z = z->next)
            if (z->zone == l->zone)
                l->conf = z;
    return true;
}

bool limit_key(struct request *r, const struct limit *limit, size_t most, struct str *key)
{
    if (!template_eval(&limit->conf->key, &r->subject, key))
        return false;
    if (key->len <= most)
        return true;
    log_write(&r->log, LOG_ERROR, 0, "the value of the \"%.*s\" key is more than %zu bytes: "
              "\"%.*s\"", STR_FMT(limit->conf->key.source), most, STR_FMT(*key));
    *key = STR_NONE;
    return true;
}
