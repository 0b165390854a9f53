/*
 * The two files of the system that say where names are looked up.
 * Owns nothing: names and addresses lie in the caller's pool.
 */
#include "event/hosts.h"

#include "core/number.h"

enum { DNS_PORT = 53 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word of a line.  False: there is no other. */
static bool take_word(struct str *line, struct str *word)
{
    size_t from = 0, to;
    while (from < line->len && is_blank(line->at[from]))
        from++;
    for (to = from; to < line->len && !is_blank(line->at[to]);)
        to++;
    return str_sub(*line, from, to - from, word) && str_from_off(*line, to, line) && word->len > 0;
}

/* Takes the next line, without its comment.  False: the text is over. */
static bool take_line(struct str *text, struct str *line)
{
    struct str comment;
    if (text->len == 0)
        return false;
    str_cut(*text, '\n', line, text);
    str_cut(*line, '#', line, &comment);
    return true;
}

/* --- /etc/hosts ------------------------------------------------------------------------------- */

static void add_name(struct map *map, struct pool *pool, struct str text,
                     const struct inet_address *address)
{
    const void *there;
    struct hosts_name *name;
    if (str_ends(text, STR(".")))
        text.len--;
    if (text.len == 0 || text.len > MAP_CASELESS_MAX)
        return;
    name = (struct hosts_name *)(uintptr_t)map_get(map, text);
    if (!name) {
        name = pool_new(pool, struct hosts_name);
        name->end = &name->first;
        if (map_add(map, text, name, &there) != MAP_ADDED)
            return;
    }
    struct hosts_address *a = pool_new(pool, struct hosts_address);
    a->address = *address;
    *name->end = a;
    name->end = &a->next;
}

void hosts_parse(struct hosts *hosts, struct pool *pool, const struct siphash_key *key,
                 struct str text)
{
    struct str line, word;
    struct inet_address address;
    struct pool temp;
    pool_init(&temp, &pool_heap);
    map_init(&hosts->names, &temp, key, true);
    while (take_line(&text, &line)) {
        if (!take_word(&line, &word) || !inet_parse_host(word, 0, &address))
            continue;
        while (take_word(&line, &word))
            add_name(&hosts->names, pool, word, &address);
    }
    map_freeze(&hosts->names, pool);
    pool->failed = pool->failed || temp.failed;
    pool_free(&temp);
}

const struct hosts_name *hosts_find(const struct hosts *hosts, struct str name)
{
    if (str_ends(name, STR(".")))
        name.len--;
    return map_get(&hosts->names, name);
}

/* --- /etc/resolv.conf ------------------------------------------------------------------------- */

static void set_search(struct resolv_conf *conf, struct str line, unsigned most)
{
    struct str word;
    conf->nsearch = 0;
    while (conf->nsearch < most && take_word(&line, &word))
        conf->search[conf->nsearch++] = word;
}

static void set_option(struct str word, unsigned most, unsigned *value)
{
    struct str name, number;
    uint32_t n;
    if (str_cut(word, ':', &name, &number) && number_u32(number, &n))
        *value = n < most ? n : most;
}

static void set_options(struct resolv_conf *conf, struct str line)
{
    struct str word;
    while (take_word(&line, &word)) {
        if (str_starts(word, STR("ndots:")))
            set_option(word, RESOLV_NDOTS_MOST, &conf->ndots);
        else if (str_starts(word, STR("timeout:")))
            set_option(word, RESOLV_TIMEOUT_MOST, &conf->timeout);
        else if (str_starts(word, STR("attempts:")))
            set_option(word, RESOLV_ATTEMPTS_MOST, &conf->attempts);
    }
}

static void add_server(struct resolv_conf *conf, struct str line)
{
    struct str word;
    if (conf->nservers < RESOLV_SERVERS && take_word(&line, &word)
        && inet_parse_host(word, DNS_PORT, &conf->servers[conf->nservers]))
        conf->nservers++;
}

void resolv_conf_parse(struct resolv_conf *conf, struct str text)
{
    struct str line, word;
    *conf = (struct resolv_conf){ .ndots = 1 };
    while (take_line(&text, &line)) {
        /* A comment may begin with ";" here, and only at the beginning of a line. */
        if (!take_word(&line, &word) || str_starts(word, STR(";")))
            continue;
        if (str_eq(word, STR("nameserver")))
            add_server(conf, line);
        else if (str_eq(word, STR("search")))
            set_search(conf, line, RESOLV_SEARCH);
        else if (str_eq(word, STR("domain")))
            set_search(conf, line, 1);
        else if (str_eq(word, STR("options")))
            set_options(conf, line);
    }
    if (conf->nservers == 0)
        conf->nservers = inet_parse_host(STR("127.0.0.1"), DNS_PORT, &conf->servers[0]);
}
