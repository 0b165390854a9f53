/*
 * hash: the server is chosen by the hash of a text, so that the same text finds the same one.
 * Owns the points of a list.
 *
 *     hash key               a sum of hashes of the key falls into the weights, laid side by side
 *     hash key consistent    points -> sorted by hash, 160 for each weight of a server
 *                            [ 3: b ][ 17: a ][ 20: a ][ 31: c ] ...    the first at or behind the
 *                            hash of the key; other servers coming or going move few keys
 *
 * Both are compatible with clients of memcached: Cache::Memcached, and Cache::Memcached::Fast with
 * its 160 ketama points.  Points belong to a name as written: its addresses take turns.
 */
#include "core/crc32.h"
#include "http/upstream/balancer.h"

enum { POINTS = 160, POINTS_MOST = 1 << 24, WEIGHT_FREE = 1024, TRIES = 20 };

struct hash_conf {
    struct template key;
    bool consistent;
};

struct point {
    uint32_t hash, name;                /* number of a name */
};

struct ring {
    size_t count;
    uint32_t *names;                    /* of each member, in the same block behind the points */
    struct point at[];
};

static const struct hash_conf *conf_of_group(const struct group *group)
{
    return group->balancing;
}

/* --- a ring ----------------------------------------------------------------------------------- */

/* What is hashed of an address: host and port as written, of a socket its path. */
static void split(struct str text, struct str *host, struct str *port)
{
    const ssize_t colon = str_rchr(text, ':'), bracket = str_rchr(text, ']');
    *host = text;
    *port = STR("");
    if (str_starts(text, STR("unix:"))) {
        ASSERT(str_from_off(text, strlen("unix:"), host));
        return;
    }
    if (colon < 0 || colon < bracket)
        return;
    ASSERT(str_sub(text, 0, (size_t)colon, host));
    ASSERT(str_from_off(text, (size_t)colon + 1, port));
}

static void add_points(struct ring *ring, struct str text, int64_t weight, uint32_t name)
{
    unsigned char last[4] = { 0 };
    struct str host, port;
    split(text, &host, &port);
    const uint32_t base = crc32_add(crc32_add(crc32_add(0, host), str_of("", 1)), port);
    for (int64_t i = 0; i < weight * POINTS; i++) {
        const uint32_t hash = crc32_add(base, str_of(last, sizeof(last)));
        ring->at[ring->count++] = (struct point){ hash, name };
        for (unsigned byte = 0; byte < sizeof(last); byte++)
            last[byte] = (unsigned char)(hash >> 8 * byte);
    }
}

static int compare(const void *left, const void *right)
{
    const struct point *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->name < b->name ? -1 : a->name > b->name;
}

static void sort(struct ring *ring)
{
    size_t count = 0;
    qsort(ring->at, ring->count, sizeof(ring->at[0]), compare);
    for (size_t i = 0; i < ring->count; i++)
        if (count == 0 || ring->at[count - 1].hash != ring->at[i].hash)
            ring->at[count++] = ring->at[i];
    ring->count = count;
}

/* The first member of the same name. */
static uint32_t name_of(const struct peer_list *list, unsigned member)
{
    const struct group_server *server = list->members[member].server;
    unsigned i = 0;
    while (list->members[i].server != server
           && !str_eq(list->members[i].server->text, server->text))
        i++;
    return i;
}

/* Of the members of a name the one with the greatest weight says how many points there are. */
static int64_t weight_of(const struct peer_list *list, const uint32_t *names, uint32_t name)
{
    int64_t most = 0;
    for (unsigned i = name; i < list->primaries; i++)
        if (names[i] == name && list->members[i].weight > most)
            most = list->members[i].weight;
    return most;
}

/* Weights of SRV records nobody has checked: all of them together count no more than those that are
 * configured, or than this. */
static int64_t most_of(const struct group *group)
{
    int64_t most = 0;
    for (unsigned i = 0; i < group->nservers; i++)
        most += group->servers[i].weight;
    most = most > WEIGHT_FREE ? most : WEIGHT_FREE;
    return most < POINTS_MOST / POINTS ? most : POINTS_MOST / POINTS;
}

static int64_t scaled(int64_t weight, int64_t sum, int64_t most)
{
    if (sum <= most)
        return weight;
    return weight * most > sum ? weight * most / sum : 1;
}

static bool prepare(struct peer_list *list)
{
    const unsigned n = list->primaries;
    const int64_t most = most_of(list->group);
    int64_t sum = 0, weight = 0;
    if (!conf_of_group(list->group)->consistent)
        return true;
    uint32_t *names = calloc(n + 1, sizeof(*names));
    for (unsigned i = 0; names && i < n; i++)
        names[i] = name_of(list, i);
    for (unsigned i = 0; names && i < n; i++)
        sum += names[i] == i ? weight_of(list, names, i) : 0;
    for (unsigned i = 0; names && i < n; i++)
        weight += names[i] == i ? scaled(weight_of(list, names, i), sum, most) : 0;
    const size_t points = (size_t)weight * POINTS * sizeof(struct point);
    struct ring *ring = names ? malloc(sizeof(*ring) + points + n * sizeof(*names)) : NULL;
    if (!ring) {
        free(names);
        return false;
    }
    ring->count = 0;
    ring->names = (uint32_t *)(ring->at + weight * POINTS);
    for (unsigned i = 0; i < n; i++) {
        ring->names[i] = names[i];
        if (names[i] == i)
            add_points(ring, list->members[i].server->text,
                       scaled(weight_of(list, names, i), sum, most), i);
    }
    free(names);
    sort(ring);
    list->table = ring;
    return true;
}

/* --- choosing --------------------------------------------------------------------------------- */

/* The first point that is not before the hash. */
static uint32_t find_point(const struct ring *ring, uint32_t hash)
{
    size_t low = 0, high = ring->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ring->at[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)(low == ring->count ? 0 : low);
}

struct wanted {
    const struct ring *ring;
    uint32_t name;
};

static bool has_name(const struct member *m, const void *data)
{
    const struct wanted *wanted = data;
    return wanted->ring->names[m->index] == wanted->name;
}

/* p->hash is the point that comes next. */
static struct member *choose_point(struct pick *p, unsigned to, int64_t now)
{
    const struct ring *ring = p->list->table;
    bool busy = false;
    if (p->rehash == 0)
        p->hash = find_point(ring, crc32_add(0, p->key));
    for (; p->rehash <= TRIES; p->rehash++, p->hash++) {
        const struct wanted wanted = { ring, ring->at[p->hash % ring->count].name };
        struct member *m = round_robin(p, 0, to, now, &busy, has_name, &wanted);
        if (m)
            return m;
    }
    return NULL;
}

/* The first sum is the hash of the key; each other adds that of the key with a number before it. */
static void add_hash(struct pick *p)
{
    char digits[16];
    struct fmt f;
    fmt_init(&f, digits, sizeof(digits));
    if (p->rehash > 0)
        fmt_u64(&f, p->rehash);
    p->hash += crc32_add(crc32_add(0, fmt_done(&f)), p->key) >> 16 & 0x7fff;
    p->rehash++;
}

static struct member *choose_sum(struct pick *p, int64_t now)
{
    bool busy = false;
    while (p->rehash <= TRIES) {
        add_hash(p);
        struct member *m = primary_at(p->list, p->hash % p->list->weight);
        if (member_is_free(p, m, now, &busy))
            return m;
    }
    return NULL;
}

static struct member *choose(struct pick *p, unsigned from, unsigned to, int64_t now, bool *busy)
{
    struct member *m = NULL;
    if (from == 0 && to > 0 && p->list->count > 1 && p->key.len > 0)
        m = conf_of_group(p->group)->consistent ? choose_point(p, to, now) : choose_sum(p, now);
    return m ? m : round_robin(p, from, to, now, busy, NULL, NULL);
}

/* --- configuration ---------------------------------------------------------------------------- */

static bool begin(struct pick *p)
{
    return template_eval(&conf_of_group(p->group)->key, p->subject, &p->key);
}

static bool configure(struct conf *cf, struct group *group)
{
    struct hash_conf *conf = pool_new(cf->pool, struct hash_conf);
    group->balancing = conf;
    conf->consistent = conf_nargs(cf) == 2;
    if (conf->consistent && !str_eq(conf_arg(cf, 2), STR("consistent")))
        return conf_error(cf, 2, "invalid-parameter", "invalid parameter \"%.*s\"",
                          STR_FMT(conf_arg(cf, 2)));
    return template_compile(cf, &conf->key, conf_arg(cf, 1), 1);
}

/* Each name may become as many addresses as a lookup gives at most. */
static bool check(struct conf *cf, const struct group *group)
{
    int64_t weight = 0;
    for (unsigned i = 0; i < group->nservers; i++) {
        const struct group_server *s = &group->servers[i];
        weight += s->weight * (s->naddresses ? s->naddresses : 1);
    }
    return !conf_of_group(group)->consistent || weight <= POINTS_MOST / POINTS
           || conf_error(cf, 0, "out-of-range", "the weights in upstream \"%.*s\" are too large "
                         "for a consistent hash: their sum may be %d", STR_FMT(group->name),
                         POINTS_MOST / POINTS);
}

const struct balancer balance_hash = {
    .name = "hash", .steady = true, .configure = configure, .check = check, .prepare = prepare,
    .begin = begin, .choose = choose,
};
