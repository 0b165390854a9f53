/*
 * least_time: the server with the least mean time of its answers, for as many requests as it has
 * and its weight; those that are equal take turns.  Owns nothing.
 *
 *     mean time * (requests now + 1) / weight
 *
 * `inflight`: requests that wait longer than the mean already count with the time they wait.  Of a
 * server that was never measured the mean is as good as the best one's.
 */
#include "http/upstream/balance_time.h"

struct least_conf {
    enum time_kind kind;
    bool inflight;
};

struct least {
    const struct pick *pick;
    double best, value;                 /* the best mean; the least value */
    int64_t now;
};

static const struct least_conf *conf_of_group(const struct group *group)
{
    return group->balancing;
}

static double mean_of(const struct least *least, const struct member *m)
{
    const struct least_conf *conf = conf_of_group(least->pick->group);
    return time_mean(m->peer, conf->kind, conf->inflight, least->now);
}

static double value_of(const struct least *least, const struct member *m)
{
    const double mean = mean_of(least, m);
    return (mean > 0 ? mean : least->best) * ((double)m->peer->conns + 1)
           / (double)member_weight(least->pick, m, least->now);
}

static bool is_least(const struct member *m, const void *data)
{
    const struct least *least = data;
    return value_of(least, m) <= least->value;
}

static struct member *choose(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy)
{
    struct least least = { .pick = p, .now = now };
    bool any = false;
    for (unsigned i = from; i < to; i++) {
        const double mean = mean_of(&least, &p->list->members[i]);
        if (mean > 0 && (least.best <= 0 || mean < least.best))
            least.best = mean;
    }
    if (least.best <= 0)
        least.best = 1;
    for (unsigned i = from; i < to; i++) {
        const struct member *m = &p->list->members[i];
        if (!member_is_free(p, m, now, busy))
            continue;
        const double value = value_of(&least, m);
        if (!any || value < least.value)
            least.value = value;
        any = true;
    }
    return any ? round_robin(p, from, to, now, busy, is_least, &least) : NULL;
}

static bool configure(struct conf *cf, struct group *group)
{
    struct least_conf *conf = pool_new(cf->pool, struct least_conf);
    group->balancing = conf;
    if (!time_kind(conf_arg(cf, 1), &conf->kind))
        return conf_error(cf, 1, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(conf_arg(cf, 1)));
    conf->inflight = conf_nargs(cf) == 2;
    return !conf->inflight || str_eq(conf_arg(cf, 2), STR("inflight"))
           || conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"",
                         STR_FMT(conf_arg(cf, 2)));
}

const struct balancer balance_least_time = {
    .name = "least_time", .configure = configure, .choose = choose,
};
