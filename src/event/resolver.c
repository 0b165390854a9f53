/*
 * The resolver: questions, the cache of lookups, the files of the system.
 * Owns the lookups; a question belongs to who asks, but for the pool of its answer.
 */
#include "event/resolver.h"

#include "core/log.h"
#include "core/lookup.h"
#include "core/number.h"
#include "core/vec.h"
#include "event/dns_client.h"
#include "event/hosts.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
    DNS_PORT = 53,
    BUCKETS = 1024,
    LOOKUPS_MOST = 10000,
    ADDRESSES_MOST = 256,               /* of a lookup */
    TARGETS_MOST = 64,
    ANSWER_MOST = 512,                  /* addresses of an answer: of many targets, the first */
    RETRY_MS = 1000,
    OTHER_MS = 2500,                    /* a second try of the other family, and its answer */
    NONE_MS = 5000,                     /* there are no such records */
    VALID_MOST = 10 * 365 * 24 * 3600,  /* seconds: what is longer is for ever */
    FAILED_MS = 1000,                   /* nobody could say */
    TTL_MOST = 24 * 3600,               /* seconds */
    STALE_MS = 24 * 3600 * 1000,        /* how long the last known records serve */
    TRIES_LEAST = 2,                    /* before servers count as silent */
    TIMEOUT_MOST = 24 * 3600 * 1000,
    FILES_MS = 1000,                    /* between two looks at the files of the system */
    FILE_MOST = 4 << 20,
    TEXT_MOST = 1024,                   /* a name with its service and search domain */
};

struct resolve_target {
    uint16_t priority, weight, port;
    struct dns_name name;
};

struct lookup {
    struct lookup *next;                /* of its bucket */
    struct list_link idle;              /* nobody waits for it: the oldest may go */
    struct list waits;
    struct resolver *rs;
    struct dns_ask *ask;                /* NULL: it is not being asked */
    unsigned aliases;                   /* that were followed so far */
    uint32_t ttl;                       /* the least of them, seconds */
    enum resolve_status status;         /* of the last answer */
    int64_t expires;                    /* until then it is believed */
    int64_t stale;                      /* until then the records may serve, whatever the status */
    unsigned count;
    unsigned char (*hosts)[16];         /* A (the first four bytes), AAAA */
    struct resolve_target *targets;     /* SRV */
    enum dns_type type;
    struct dns_name name;
};

struct file_seen {                      /* what it was when it was read */
    const char *path;
    struct stat st;                     /* all zeros: it was not there */
    struct pool pool;                   /* what was made of it, and its text */
};

struct resolver {
    struct resolver *next;
    struct loop *loop;
    struct str text;                    /* of the configuration; none: the system's */
    struct dns_servers servers;
    struct inet_address *addresses;
    bool ipv4, ipv6;
    int64_t valid_ms;
    unsigned turn;                      /* answers so far: which address comes first */
    struct list questions, idle;
    struct lookup *buckets[BUCKETS];
    unsigned count;
    struct siphash_key key;
    struct file_seen hosts_file, resolv_file;
    int64_t looked;                     /* at the files */
    struct hosts hosts;
    struct resolv_conf resolv;
};

const char *resolve_reason(enum resolve_status status)
{
    switch (status) {
    case RESOLVE_OK:
        return "Success";
    case RESOLVE_FORMAT:
        return "Format error";
    case RESOLVE_FAILED:
        return "Server failure";
    case RESOLVE_NOT_FOUND:
        return "Host not found";
    case RESOLVE_UNIMPLEMENTED:
        return "Unimplemented";
    case RESOLVE_REFUSED:
        return "Operation refused";
    case RESOLVE_TIMED_OUT:
        return "Operation timed out";
    }
    return "Unknown error";
}

static enum resolve_status status_of(unsigned code)
{
    switch (code) {
    case DNS_FORMAT_ERROR:
        return RESOLVE_FORMAT;
    case DNS_NO_NAME:
        return RESOLVE_NOT_FOUND;
    case DNS_NOT_IMPLEMENTED:
        return RESOLVE_UNIMPLEMENTED;
    case DNS_REFUSED:
        return RESOLVE_REFUSED;
    default:
        return RESOLVE_FAILED;
    }
}

/* --- lookups ---------------------------------------------------------------------------------- */

static struct lookup **bucket_of(struct resolver *rs, enum dns_type type,
                                 const struct dns_name *name)
{
    const uint64_t hash = siphash_13(&rs->key, str_of(name->at, name->len));
    return &rs->buckets[(hash + type) % BUCKETS];
}

static void drop_records(struct lookup *l)
{
    free(l->hosts);
    free(l->targets);
    l->hosts = NULL;
    l->targets = NULL;
    l->count = 0;
}

static void lookup_free(struct lookup *l)
{
    struct lookup **at = bucket_of(l->rs, l->type, &l->name);
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    list_remove(&l->idle);
    if (l->ask)
        dns_ask_cancel(l->ask);
    drop_records(l);
    l->rs->count--;
    free(l);
}

/* NULL: no memory, or too much is being asked. */
static struct lookup *lookup_new(struct resolver *rs, enum dns_type type,
                                 const struct dns_name *name)
{
    struct list_link *oldest = list_first(&rs->idle);
    if (rs->count >= LOOKUPS_MOST) {
        if (!oldest)
            return NULL;
        lookup_free(container_of(oldest, struct lookup, idle));
    }
    struct lookup *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->rs = rs;
    l->type = type;
    l->name = *name;
    l->status = RESOLVE_FAILED;
    list_init(&l->waits);
    struct lookup **bucket = bucket_of(rs, type, name);
    l->next = *bucket;
    *bucket = l;
    rs->count++;
    return l;
}

static struct lookup *lookup_get(struct resolver *rs, enum dns_type type,
                                 const struct dns_name *name)
{
    struct lookup *l = *bucket_of(rs, type, name);
    while (l && !(l->type == type && dns_name_eq(&l->name, name)))
        l = l->next;
    return l ? l : lookup_new(rs, type, name);
}

static bool is_usable(const struct lookup *l)
{
    return l->count > 0 && l->rs->loop->now < l->stale;
}

/* Nobody waits, nothing is asked: it is only kept. */
static void rest(struct lookup *l)
{
    if (!l->ask && list_empty(&l->waits) && !list_linked(&l->idle))
        list_push(&l->rs->idle, &l->idle);
}

/* --- what a question learns ------------------------------------------------------------------- */

static bool is_over(const struct resolve *q)
{
    for (unsigned i = 0; i < q->nwaits; i++)
        if (!q->waits[i].over)
            return false;
    return true;
}

static bool has_address(const struct resolve *q)
{
    for (unsigned i = 0; i < q->nwaits; i++) {
        const struct lookup *l = q->waits[i].lookup;
        if (q->waits[i].over && l && l->hosts && is_usable(l))
            return true;
    }
    return false;
}

/* Some of what it waits for may be over: it goes on in its task, or waits less for the rest. */
static void review(struct resolve *q)
{
    struct loop *loop = q->resolver->loop;
    if (is_over(q)) {
        loop_post(loop, &q->task);
    } else if (has_address(q) && q->deadline > loop->now + OTHER_MS) {
        q->deadline = loop->now + OTHER_MS;
        timer_set(loop, &q->timer, OTHER_MS);
    }
}

static void lookup_over(struct lookup *l, enum resolve_status status, int64_t keep_ms)
{
    l->status = status;
    l->expires = l->rs->loop->now + keep_ms;
    list_each (&l->waits, link) {
        struct resolve_wait *wait = container_of(link, struct resolve_wait, link);
        wait->over = true;
        review(wait->q);
    }
    rest(l);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* False: no memory. */
static bool keep_records(struct lookup *l, struct dns_answer *answer)
{
    const bool srv = l->type == DNS_SRV;
    const unsigned most = srv ? TARGETS_MOST : ADDRESSES_MOST;
    const unsigned room = answer->count < most ? answer->count : most;
    struct dns_record record;
    drop_records(l);
    if (srv)
        l->targets = calloc(room, sizeof(*l->targets));
    else
        l->hosts = calloc(room, sizeof(*l->hosts));
    if (!l->targets && !l->hosts)
        return false;
    while (l->count < room && dns_answer_next(answer, &record)) {
        if (srv && record.target.len <= 1)
            continue;                   /* "." says that there is no such service */
        if (srv) {
            l->targets[l->count] = (struct resolve_target){ record.priority, record.weight,
                                                            record.port, record.target };
        } else {
            const struct str host = inet_host(&record.address);
            memcpy(l->hosts[l->count], host.at, size_min(host.len, sizeof(*l->hosts)));
        }
        l->count++;
    }
    return true;
}

static void take_records(struct lookup *l, struct dns_answer *answer)
{
    const uint32_t ttl = answer->ttl < l->ttl ? answer->ttl : l->ttl;
    const int64_t keep = l->rs->valid_ms ? l->rs->valid_ms
                                         : (int64_t)(ttl < TTL_MOST ? ttl : TTL_MOST) * 1000;
    if (keep_records(l, answer)) {
        l->stale = l->rs->loop->now + keep + STALE_MS;
        lookup_over(l, RESOLVE_OK, keep);
    } else {
        lookup_over(l, RESOLVE_FAILED, FAILED_MS);
    }
}

static void take_none(struct lookup *l)
{
    drop_records(l);
    lookup_over(l, RESOLVE_NOT_FOUND, NONE_MS);
}

/* The last known records do as long as they are not too old: see is_usable().  Servers that are
 * silent, though they had their time, are left alone for longer than those that refuse. */
static void take_failure(struct lookup *l, enum resolve_status status, unsigned tries)
{
    const bool silent = status == RESOLVE_TIMED_OUT;
    const bool early = silent && tries < TRIES_LEAST;
    lookup_over(l, status, early ? 0 : silent || is_usable(l) ? NONE_MS : FAILED_MS);
}

static bool ask_is_wanted(struct dns_ask *ask)
{
    const struct lookup *l = ask->data;
    return !list_empty(&l->waits) && !(is_usable(l) && ask->tries >= TRIES_LEAST);
}
static void ask_is_done(struct dns_ask *ask, struct dns_answer *answer)
{
    struct lookup *l = ask->data;
    l->ask = NULL;
    if (!answer) {
        take_failure(l, RESOLVE_TIMED_OUT, ask->tries);
    } else if (answer->code == DNS_OK && answer->count > 0) {
        take_records(l, answer);
    } else if (answer->code != DNS_OK && answer->code != DNS_NO_NAME) {
        take_failure(l, status_of(answer->code), ask->tries);
    } else {
        /* An alias whose records the server may have left to be asked for. */
        l->aliases += answer->aliases;
        l->ttl = answer->ttl < l->ttl ? answer->ttl : l->ttl;
        if (answer->code == DNS_OK && !answer->final && answer->aliases > 0
            && l->aliases <= DNS_ALIASES_MOST)
            l->ask = dns_ask_new(l->rs->loop, &l->rs->servers, l->type, &answer->name, ask_is_done,
                                 ask_is_wanted, l);
        if (!l->ask)
            take_none(l);
    }
}

/* --- questions -------------------------------------------------------------------------------- */

/* Asks, unless what is known is still believed. */
static void want(struct lookup *l, struct resolve_wait *wait)
{
    struct resolver *rs = l->rs;
    list_push(&l->waits, &wait->link);
    list_remove(&l->idle);
    wait->over = rs->loop->now < l->expires;
    if (wait->over || l->ask)
        return;
    l->aliases = 0;
    l->ttl = UINT32_MAX;
    l->ask = dns_ask_new(rs->loop, &rs->servers, l->type, &l->name, ask_is_done, ask_is_wanted, l);
    wait->over = !l->ask;
}

static void wait_for(struct resolve *q, unsigned i, enum dns_type type,
                     const struct dns_name *name)
{
    struct resolve_wait *wait = &q->waits[i];
    *wait = (struct resolve_wait){ .q = q, .lookup = lookup_get(q->resolver, type, name) };
    if (wait->lookup)
        want(wait->lookup, wait);
    else
        wait->over = true;
}

static void leave_waits(struct resolve *q)
{
    for (unsigned i = 0; i < q->nwaits; i++) {
        list_remove(&q->waits[i].link);
        if (q->waits[i].lookup)
            rest(q->waits[i].lookup);
    }
    q->nwaits = 0;
}

static unsigned families_of(const struct resolver *rs)
{
    return rs->ipv4 && rs->ipv6 ? 2 : 1;
}

/* A and AAAA of a name, as waits from `i` on. */
static void wait_for_addresses(struct resolve *q, unsigned i, const struct dns_name *name)
{
    if (q->resolver->ipv4)
        wait_for(q, i++, DNS_A, name);
    if (q->resolver->ipv6)
        wait_for(q, i, DNS_AAAA, name);
}

static unsigned count_dots(struct str name)
{
    unsigned n = 0;
    for (size_t i = 0; i < name.len; i++)
        n += name.at[i] == '.';
    return n;
}

/* How many domains of the search list come before the name as it stands. */
static unsigned searches_of(const struct resolve *q)
{
    const struct resolv_conf *conf = &q->resolver->resolv;
    return count_dots(q->name) < conf->ndots ? conf->nsearch : 0;
}

/* As nginx documents `service=`. */
static void write_service(struct fmt *f, struct str service)
{
    const bool whole = str_starts(service, STR("_")) || str_chr(service, '.') >= 0;
    fmt_text(f, whole ? "" : "_");
    fmt_str(f, service);
    fmt_text(f, whole ? "." : "._tcp.");
}

static bool candidate_of(const struct resolve *q, unsigned searches, struct dns_name *name)
{
    char text[TEXT_MOST];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    if (q->service.len)
        write_service(&f, q->service);
    fmt_str(&f, q->name);
    if (q->candidate < searches) {
        fmt_char(&f, '.');
        fmt_str(&f, q->resolver->resolv.search[q->candidate]);
    }
    return dns_name_parse(fmt_done(&f), name);
}

/* The name that is asked for next.  False: there is no other, or none can be one. */
static bool next_name(struct resolve *q, struct dns_name *name)
{
    const unsigned searches = searches_of(q);
    bool good = false;
    for (; !good && q->candidate <= searches; q->candidate++)
        good = candidate_of(q, searches, name);
    return good;
}

/* False: there is no name left to ask for. */
static bool ask_next_name(struct resolve *q)
{
    struct dns_name name;
    leave_waits(q);
    q->targets = NULL;
    q->waits = q->own;
    if (!next_name(q, &name))
        return false;
    q->nwaits = q->service.len ? 1 : families_of(q->resolver);
    if (q->service.len)
        wait_for(q, 0, DNS_SRV, &name);
    else
        wait_for_addresses(q, 0, &name);
    review(q);
    return true;
}

/* --- the answer of a question ----------------------------------------------------------------- */

static void set_address(struct inet_address *address, enum dns_type type,
                        const unsigned char host[16], uint16_t port)
{
    if (type == DNS_A) {
        *address = (struct inet_address){ .len = sizeof(address->v4) };
        address->v4.sin_family = AF_INET;
        memcpy(&address->v4.sin_addr, host, sizeof(address->v4.sin_addr));
    } else {
        *address = (struct inet_address){ .len = sizeof(address->v6) };
        address->v6.sin6_family = AF_INET6;
        memcpy(&address->v6.sin6_addr, host, sizeof(address->v6.sin6_addr));
    }
    inet_set_port(address, port);
}

static void take_ttl(struct resolve *q, int64_t expires)
{
    const int64_t left = expires - q->resolver->loop->now;
    const int64_t ttl = left > 0 ? left : 0;
    q->ttl_ms = ttl < q->ttl_ms ? ttl : q->ttl_ms;
}

/* Those of a wait join the answer, which has `room`; the first of all is at `first`. */
static void take_wait(struct resolve *q, unsigned i, size_t room, size_t first)
{
    const struct lookup *l = q->waits[i].lookup;
    const struct resolve_target *target =
        q->targets ? &q->targets[i / families_of(q->resolver)] : NULL;
    struct str name = STR_NONE;
    struct fmt f;
    if (!l || !l->hosts || !is_usable(l))
        return;
    if (target) {
        fmt_init_pool(&f, &q->pool, DNS_TEXT_MOST + 1, DNS_NAME_MOST * 4);
        dns_name_write(&f, &target->name);
        name = fmt_done(&f);
    }
    for (unsigned n = 0; n < l->count && q->count < room; n++) {
        struct resolved *at = &q->at[(first + q->count++) % room];
        set_address(&at->address, l->type, l->hosts[n], target ? target->port : q->port);
        at->priority = target ? target->priority : 0;
        at->weight = target ? target->weight : 0;
        at->name = name;
    }
    q->stale = q->stale || l->status != RESOLVE_OK || !q->waits[i].over;
    take_ttl(q, l->expires);
}

/* Of all that failed, what says more than that there is no such name. */
static enum resolve_status failure_of(const struct resolve *q)
{
    for (unsigned i = 0; i < q->nwaits; i++) {
        const struct lookup *l = q->waits[i].lookup;
        if (!q->waits[i].over)
            return RESOLVE_TIMED_OUT;
        if (!l)
            return RESOLVE_FAILED;
        if (l->status != RESOLVE_OK && l->status != RESOLVE_NOT_FOUND)
            return l->status;
    }
    return RESOLVE_NOT_FOUND;
}

/* Each time another address is the first; what SRV says has an order of its own. */
static void gather(struct resolve *q)
{
    size_t room = 0;
    for (unsigned i = 0; i < q->nwaits; i++) {
        const struct lookup *l = q->waits[i].lookup;
        room += l && l->hosts && is_usable(l) ? l->count : 0;
    }
    room = size_min(room, ANSWER_MOST);
    q->status = room ? RESOLVE_OK : failure_of(q);
    if (!room)
        return;
    q->at = pool_try(&q->pool, room * sizeof(*q->at));
    if (!q->at) {
        q->status = RESOLVE_FAILED;
        return;
    }
    const size_t first = q->targets ? 0 : q->resolver->turn++ % room;
    q->ttl_ms = INT64_MAX;
    q->stale = false;
    if (q->targets)
        take_ttl(q, q->expires);
    for (unsigned i = 0; i < q->nwaits; i++)
        take_wait(q, i, room, first);
}

/* Of no list and no loop any more. */
static void detach(struct resolve *q)
{
    struct loop *loop = q->resolver->loop;
    leave_waits(q);
    timer_cancel(loop, &q->timer);
    if (q->reserved)
        timers_unreserve(&loop->timers, 1);
    loop_unpost(loop, &q->task);
    list_remove(&q->link);
    q->resolver = NULL;
}

/* The question may be gone after done(), or be asked again. */
static void finish(struct resolve *q)
{
    if (!q->known)
        gather(q);
    struct pool pool = q->pool;
    if (pool.failed) {
        q->status = RESOLVE_FAILED;
        q->count = 0;
    }
    q->pool = (struct pool){ 0 };
    detach(q);
    q->done(q);
    pool_free(&pool);
}

/* --- SRV -------------------------------------------------------------------------------------- */

/* By priority; those of one stay in their order. */
static void sort_targets(struct resolve_target *at, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        const struct resolve_target moved = at[i];
        unsigned to = i;
        for (; to > 0 && at[to - 1].priority > moved.priority; to--)
            at[to] = at[to - 1];
        at[to] = moved;
    }
}

/* False: SRV was not asked, or there are no targets, or they are known already. */
static bool ask_targets(struct resolve *q)
{
    const struct lookup *l = q->nwaits ? q->waits[0].lookup : NULL;
    const unsigned families = families_of(q->resolver);
    if (!l || l->type != DNS_SRV || !is_usable(l))
        return false;
    const unsigned count = l->count;
    struct resolve_target *targets = pool_try(&q->pool, count * sizeof(*targets));
    struct resolve_wait *waits = pool_try(&q->pool, count * families * sizeof(*waits));
    if (!targets || !waits)
        return false;
    memcpy(targets, l->targets, count * sizeof(*targets));
    sort_targets(targets, count);
    q->expires = l->expires;
    leave_waits(q);
    q->targets = targets;
    q->waits = waits;
    q->nwaits = count * families;
    for (unsigned i = 0; i < count; i++)
        wait_for_addresses(q, i * families, &targets[i].name);
    review(q);
    return true;
}

static void task_runs(struct task *task)
{
    struct resolve *q = container_of(task, struct resolve, task);
    if (!q->known) {
        if (ask_targets(q))
            return;
        if (!has_address(q) && failure_of(q) == RESOLVE_NOT_FOUND && ask_next_name(q))
            return;
    }
    finish(q);
}

static void timer_fires(struct timer *timer)
{
    finish(container_of(timer, struct resolve, timer));
}

/* --- the files of the system ------------------------------------------------------------------ */

/* False: it is there and cannot be read. */
static bool read_file(struct pool *pool, const char *path, struct str *text)
{
    struct stat st;
    size_t len = 0;
    ssize_t n = 1;
    *text = STR_NONE;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT;
    errno = EFBIG;
    char *at = fstat(fd, &st) == 0 && st.st_size <= FILE_MOST
                   ? pool_try(pool, (size_t)st.st_size + 1) : NULL;
    while (at && n > 0 && len < (size_t)st.st_size) {
        n = read(fd, at + len, (size_t)st.st_size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    *text = str_of(at, len);
    return at && n >= 0;
}

static bool has_changed(struct file_seen *file)
{
    struct stat st;
    if (stat(file->path, &st) < 0)
        st = (struct stat){ 0 };
    const bool same = st.st_ino == file->st.st_ino && st.st_size == file->st.st_size
                      && st.st_mtim.tv_sec == file->st.st_mtim.tv_sec
                      && st.st_mtim.tv_nsec == file->st.st_mtim.tv_nsec;
    file->st = st;
    return !same;
}

/* What was read before stays in use when the file cannot be read now; it is tried again. */
static void replace(struct file_seen *file, struct pool *pool, bool good)
{
    if (good && !pool->failed) {
        pool_free(&file->pool);
        file->pool = *pool;
        return;
    }
    log_write(log_process, LOG_ERROR, errno, "reading \"%s\" failed", file->path);
    file->st = (struct stat){ 0 };
    pool_free(pool);
}

static void read_hosts(struct resolver *rs)
{
    struct hosts hosts = { .names = { 0 } };
    struct pool pool, temp;
    struct str text;
    pool_init(&pool, &pool_heap);
    pool_init(&temp, &pool_heap);
    const bool good = read_file(&temp, rs->hosts_file.path, &text);
    if (good)
        hosts_parse(&hosts, &pool, &rs->key, text);
    pool_free(&temp);
    if (good && !pool.failed)
        rs->hosts = hosts;
    replace(&rs->hosts_file, &pool, good);
}

static void use_resolv_conf(struct resolver *rs, struct str text)
{
    resolv_conf_parse(&rs->resolv, text);
    rs->servers.at = rs->resolv.servers;
    rs->servers.count = rs->resolv.nservers;
    rs->servers.serial++;
    rs->servers.retry_ms = rs->resolv.timeout ? rs->resolv.timeout * INT64_C(1000) : RETRY_MS;
    rs->servers.rounds = rs->resolv.attempts;
}

static void read_resolv_conf(struct resolver *rs)
{
    struct pool pool;
    struct str text;
    pool_init(&pool, &pool_heap);
    const bool good = read_file(&pool, rs->resolv_file.path, &text);
    if (good)
        use_resolv_conf(rs, text);
    replace(&rs->resolv_file, &pool, good);
}

static void look_at_files(struct resolver *rs)
{
    if (rs->text.len > 0 || rs->loop->now < rs->looked + FILES_MS)
        return;
    rs->looked = rs->loop->now;
    if (has_changed(&rs->hosts_file))
        read_hosts(rs);
    if (has_changed(&rs->resolv_file))
        read_resolv_conf(rs);
}

/* --- entry points ----------------------------------------------------------------------------- */

/* The answer has room for `count` addresses now.  False: no memory. */
static bool make_room(struct resolve *q, unsigned count)
{
    q->at = pool_try(&q->pool, count * sizeof(*q->at));
    return q->at != NULL;
}

static void add_address(struct resolve *q, const struct inet_address *address)
{
    struct resolved *at = &q->at[q->count++];
    *at = (struct resolved){ .address = *address };
    inet_set_port(&at->address, q->port);
}

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]" */
static bool is_address(const struct resolve *q, struct inet_address *address)
{
    struct str host = q->name;
    if (str_starts(host, STR("[")) && str_ends(host, STR("]"))
        && !str_sub(host, 1, host.len - 2, &host))
        return false;
    return !q->service.len && inet_parse_host(host, 0, address);
}

static const struct hosts_name *find_in_hosts(const struct resolve *q)
{
    const struct resolver *rs = q->resolver;
    return rs->text.len == 0 && !q->service.len ? hosts_find(&rs->hosts, q->name) : NULL;
}

/* False: it has to be asked for. */
static bool answer_at_once(struct resolve *q)
{
    const struct hosts_name *name = find_in_hosts(q);
    struct inet_address address;
    unsigned count = 0;
    if (is_address(q, &address)) {
        q->ttl_ms = TTL_MOST * INT64_C(1000);
        if (make_room(q, 1))
            add_address(q, &address);
    } else if (name) {
        q->ttl_ms = FILES_MS;
        for (const struct hosts_address *a = name->first; a; a = a->next)
            count++;
        if (make_room(q, count))
            for (const struct hosts_address *a = name->first; a; a = a->next)
                add_address(q, &a->address);
    } else {
        return false;
    }
    q->status = q->count ? RESOLVE_OK : RESOLVE_FAILED;
    return true;
}

void resolve_start(struct resolver *rs, struct resolve *q, int64_t timeout_ms)
{
    ASSERT(!q->resolver && q->done);
    *q = (struct resolve){ .name = q->name, .port = q->port, .service = q->service,
                           .done = q->done, .resolver = rs, .status = RESOLVE_FAILED };
    q->task.run = task_runs;
    q->timer.fire = timer_fires;
    q->timer.idle = true;
    pool_init(&q->pool, &pool_heap);
    list_push(&rs->questions, &q->link);
    look_at_files(rs);
    q->reserved = timers_reserve(&rs->loop->timers, 1);
    q->known = !q->reserved || answer_at_once(q);
    if (q->known) {
        loop_post(rs->loop, &q->task);
        return;
    }
    timeout_ms = timeout_ms < TIMEOUT_MOST ? timeout_ms : TIMEOUT_MOST;
    q->deadline = rs->loop->now + timeout_ms;
    timer_set(rs->loop, &q->timer, timeout_ms);
    if (!ask_next_name(q)) {
        q->known = true;
        q->status = RESOLVE_NOT_FOUND;
        loop_post(rs->loop, &q->task);
    }
}

void resolve_cancel(struct resolve *q)
{
    if (!q->resolver)
        return;
    detach(q);
    pool_free(&q->pool);
}

/* --- resolvers -------------------------------------------------------------------------------- */

static void resolver_free(struct resolver *rs)
{
    struct list_link *link;
    while ((link = list_first(&rs->questions)))
        resolve_cancel(container_of(link, struct resolve, link));
    for (unsigned i = 0; i < BUCKETS; i++)
        while (rs->buckets[i])
            lookup_free(rs->buckets[i]);
    pool_free(&rs->hosts_file.pool);
    pool_free(&rs->resolv_file.pool);
    free(rs->addresses);
    free(rs);
}

/* The generation of the configuration will go: everything is copied.  False: no memory. */
static bool use_conf(struct resolver *rs, const struct resolver_conf *conf)
{
    const size_t servers = conf->nservers * sizeof(*rs->addresses);
    rs->addresses = malloc(servers + conf->text.len);
    if (!rs->addresses)
        return false;
    memcpy(rs->addresses, conf->servers, servers);
    memcpy(rs->addresses + conf->nservers, conf->text.at, conf->text.len);
    rs->text = str_of(rs->addresses + conf->nservers, conf->text.len);
    rs->servers.at = rs->addresses;
    rs->servers.count = conf->nservers;
    rs->servers.retry_ms = RETRY_MS;
    rs->ipv4 = conf->ipv4;
    rs->ipv6 = conf->ipv6;
    rs->valid_ms = conf->valid_ms;
    return true;
}

static struct resolver *resolver_new(struct loop *loop, const struct resolver_conf *conf)
{
    struct resolver *rs = calloc(1, sizeof(*rs));
    if (!rs)
        return NULL;
    rs->loop = loop;
    rs->ipv4 = rs->ipv6 = true;
    list_init(&rs->questions);
    list_init(&rs->idle);
    ASSERT(getrandom(&rs->key, sizeof(rs->key), 0) == (ssize_t)sizeof(rs->key));
    ASSERT(getrandom(&rs->turn, sizeof(rs->turn), 0) == (ssize_t)sizeof(rs->turn));
    rs->hosts_file.path = "/etc/hosts";
    rs->resolv_file.path = "/etc/resolv.conf";
    rs->looked = loop->now - FILES_MS;
    use_resolv_conf(rs, STR_NONE);
    if (conf && !use_conf(rs, conf)) {
        resolver_free(rs);
        return NULL;
    }
    return rs;
}

struct resolver *resolver_get(struct resolver **list, struct loop *loop,
                              const struct resolver_conf *conf)
{
    const struct str text = conf ? conf->text : STR_NONE;
    struct resolver *rs = *list;
    while (rs && !str_eq(rs->text, text))
        rs = rs->next;
    if (rs)
        return rs;
    rs = resolver_new(loop, conf);
    if (!rs)
        return NULL;
    rs->next = *list;
    *list = rs;
    return rs;
}

void resolver_free_all(struct resolver **list)
{
    while (*list) {
        struct resolver *rs = *list;
        *list = rs->next;
        resolver_free(rs);
    }
}

/* --- configuration ---------------------------------------------------------------------------- */

static bool add_by_name(struct conf *cf, unsigned arg, const struct inet_target *target,
                        struct vec *servers)
{
    unsigned count;
    const struct inet_address *list = lookup_host(cf->temp, target->host, target->port, &count);
    if (!list)
        return conf_error(cf, arg, "host-not-found", "host not found in resolver \"%.*s\"",
                          STR_FMT(conf_arg(cf, arg)));
    for (unsigned i = 0; i < count; i++)
        *vec_add(cf->pool, servers, struct inet_address) = list[i];
    return true;
}

static bool add_server(struct conf *cf, unsigned arg, struct vec *servers)
{
    struct inet_target target;
    const struct str text = conf_arg(cf, arg);
    const char *why = inet_parse_target(text, DNS_PORT, INET_PLAIN, &target);
    if (!why && target.address.len && target.address.any.sa_family == AF_UNIX)
        why = "invalid host";
    if (why)
        return conf_error(cf, arg, "invalid-value", "%s in resolver \"%.*s\"", why, STR_FMT(text));
    if (target.address.len == 0)
        return add_by_name(cf, arg, &target, servers);
    *vec_add(cf->pool, servers, struct inet_address) = target.address;
    return true;
}

static bool set_switch(struct str value, bool *on)
{
    *on = str_eq(value, STR("on"));
    return *on || str_eq(value, STR("off"));
}

/* *mine: it is a parameter, and no address. */
static bool set_parameter(struct resolver_conf *conf, struct str word, bool *mine)
{
    struct str name, value;
    int64_t seconds = 0;
    bool good = false;
    *mine = str_cut(word, '=', &name, &value);
    if (str_eq(name, STR("valid"))) {
        good = number_conf_sec(value, &seconds);
        conf->valid_ms = (seconds < VALID_MOST ? seconds : VALID_MOST) * 1000;
    } else if (str_eq(name, STR("ipv4"))) {
        good = set_switch(value, &conf->ipv4);
    } else if (str_eq(name, STR("ipv6"))) {
        good = set_switch(value, &conf->ipv6);
    } else if (str_eq(name, STR("status_zone"))) {
        good = value.len > 0;           /* there are no statistics to keep in it */
    } else {
        *mine = false;
    }
    return good;
}

/* What two of them must share to be one resolver. */
static struct str identity_of(struct conf *cf, const struct resolver_conf *conf)
{
    struct fmt f;
    fmt_init_pool(&f, cf->pool, 64, INT_MAX);
    fmt_print(&f, "%lld %d %d", (long long)conf->valid_ms, conf->ipv4, conf->ipv6);
    for (unsigned i = 0; i < conf->nservers; i++) {
        fmt_char(&f, ' ');
        inet_write(&f, &conf->servers[i], true);
    }
    return fmt_done(&f);
}

static bool parse_resolver(struct conf *cf, void *field, const void *arg)
{
    struct resolver_conf *conf = pool_new(cf->pool, struct resolver_conf);
    struct vec servers = { .len = 0 };
    bool mine;
    (void)arg;
    conf->ipv4 = conf->ipv6 = true;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct str word = conf_arg(cf, i);
        const bool good = set_parameter(conf, word, &mine);
        if (mine && !good)
            return conf_error(cf, i, "invalid-parameter", "invalid parameter: %.*s",
                              STR_FMT(word));
        if (!mine && !add_server(cf, i, &servers))
            return false;
    }
    if (servers.len == 0)
        return conf_error(cf, 0, "missing-parameter", "no name servers defined");
    if (!conf->ipv4 && !conf->ipv6)
        return conf_error(cf, 0, "invalid-parameter",
                          "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    conf->servers = servers.at;
    conf->nservers = (unsigned)servers.len;
    conf->text = identity_of(cf, conf);
    *(const struct resolver_conf **)field = conf;
    return true;
}

/* `status_zone` is without effect: no statistics are kept. */
const struct conf_type conf_type_resolver = {
    .name = "address ... [valid=time] [ipv4=on | off] [ipv6=on | off] [status_zone=zone]",
    .size = sizeof(struct resolver_conf *),
    .parse = parse_resolver,
};
