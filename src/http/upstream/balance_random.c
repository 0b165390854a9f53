/*
 * random: a server is drawn by the weights; with `two`, two are, and the better of them is chosen.
 * Owns the random numbers of a list.
 */
#include "core/number.h"
#include "http/upstream/balance_time.h"

#include <sys/random.h>

enum method { METHOD_ONE, METHOD_CONN, METHOD_HEADER, METHOD_LAST_BYTE };

struct random_conf {
    enum method method;
};

struct drawing {
    uint64_t state;                     /* never 0 */
};

static bool prepare(struct peer_list *list)
{
    struct drawing *drawing = malloc(sizeof(*drawing));
    list->table = drawing;
    if (!drawing || getrandom(&drawing->state, sizeof(drawing->state), 0)
                    != (ssize_t)sizeof(drawing->state))
        return false;
    drawing->state |= 1;
    return true;
}

/* One of those that are free, but not `other`; NULL: there is none. */
static struct member *draw_member(struct pick *p, unsigned from, unsigned to, int64_t now,
                                  const struct member *other, bool *busy)
{
    struct member *members = p->list->members;
    uint64_t total = 0;
    for (unsigned i = from; i < to; i++)
        if (&members[i] != other && member_is_free(p, &members[i], now, busy))
            total += (uint64_t)members[i].weight;
    if (total == 0)
        return NULL;
    struct drawing *drawing = p->list->table;
    uint64_t place = number_draw(&drawing->state) % total;
    for (unsigned i = from;; i++) {
        if (&members[i] == other || !member_is_free(p, &members[i], now, busy))
            continue;
        if (place < (uint64_t)members[i].weight)
            return &members[i];
        place -= (uint64_t)members[i].weight;
    }
}

static double load(const struct member *m, enum method method, int64_t now)
{
    const double weight = (double)m->weight;
    if (method == METHOD_CONN)
        return m->peer->conns / weight;
    const enum time_kind kind = method == METHOD_HEADER ? TIME_HEADER : TIME_LAST_BYTE;
    return time_mean(m->peer, kind, false, now) * ((double)m->peer->conns + 1) / weight;
}

static struct member *choose(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy)
{
    const struct random_conf *conf = p->group->balancing;
    struct member *one = draw_member(p, from, to, now, NULL, busy);
    struct member *two = one && conf->method != METHOD_ONE
        ? draw_member(p, from, to, now, one, busy) : NULL;
    return two && load(two, conf->method, now) < load(one, conf->method, now) ? two : one;
}

static bool configure(struct conf *cf, struct group *group)
{
    static const struct conf_name methods[] = {
        { "least_conn", METHOD_CONN }, { "least_time=header", METHOD_HEADER },
        { "least_time=last_byte", METHOD_LAST_BYTE }, { NULL, 0 },
    };
    struct random_conf *conf = pool_new(cf->pool, struct random_conf);
    const struct conf_name *method = methods;
    group->balancing = conf;
    if (conf_nargs(cf) == 0)
        return true;
    if (!str_eq(conf_arg(cf, 1), STR("two")))
        return conf_error(cf, 1, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(conf_arg(cf, 1)));
    if (conf_nargs(cf) == 2)
        while (method->name && !str_eq(conf_arg(cf, 2), str_from(method->name)))
            method++;
    if (!method->name)
        return conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(conf_arg(cf, 2)));
    conf->method = method->value;
    return true;
}

const struct balancer balance_random = {
    .name = "random", .steady = true, .configure = configure, .prepare = prepare, .choose = choose,
};
