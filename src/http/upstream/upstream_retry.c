/*
 * When another server is asked.  Owns nothing.
 */
#include "http/upstream/upstream.h"

static const struct {
    unsigned status, why;
} statuses[] = {
    { 500, NEXT_500 }, { 502, NEXT_502 }, { 503, NEXT_503 }, { 504, NEXT_504 },
    { 403, NEXT_403 }, { 404, NEXT_404 }, { 429, NEXT_429 },
};

unsigned upstream_next_of_status(unsigned status)
{
    for (unsigned i = 0; status >= 400 && i < countof(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].why;
    return 0;
}

/* RFC 9110, 9.2.2; methods that nobody knows are trusted like nginx trusts them. */
bool upstream_is_idempotent(const struct request *r)
{
    return !str_eq(r->in.method_name, STR("POST")) && !str_eq(r->in.method_name, STR("LOCK"))
           && !str_eq(r->in.method_name, STR("PATCH"));
}

bool upstream_may_retry(const struct upstream *u, unsigned why)
{
    const struct upstream_conf *conf = u->conf;
    const struct request *r = u->request;
    const bool asked = u->state == UPSTREAM_AWAITING;
    if (!(conf->next & why) || (conf->next & NEXT_OFF) || u->tries == 0 || u->body_begun)
        return false;
    if (asked && !(conf->next & NEXT_NON_IDEMPOTENT) && !upstream_is_idempotent(r))
        return false;
    return conf->next_timeout == 0
           || request_loop(r)->now - u->began < conf->next_timeout;
}
