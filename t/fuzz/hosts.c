/*
 * Any text as /etc/hosts and as /etc/resolv.conf: what is found lies in limits, and in the text.
 * Owns a copy of the input of exactly its size.
 */
#include "event/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_resolv(struct str text)
{
    struct resolv_conf conf;
    resolv_conf_parse(&conf, text);
    ASSERT(conf.nservers >= 1 && conf.nservers <= RESOLV_SERVERS && conf.nsearch <= RESOLV_SEARCH);
    ASSERT(conf.ndots <= RESOLV_NDOTS_MOST && conf.timeout <= RESOLV_TIMEOUT_MOST);
    ASSERT(conf.attempts <= RESOLV_ATTEMPTS_MOST);
    for (unsigned i = 0; i < conf.nservers; i++)
        ASSERT(inet_port(&conf.servers[i]) == 53);
    for (unsigned i = 0; i < conf.nsearch; i++)
        ASSERT(conf.search[i].len > 0 && conf.search[i].at >= text.at
               && conf.search[i].at + conf.search[i].len <= text.at + text.len);
}

/* Every name that it has can be found, and has an address. */
static void check_hosts(struct str text)
{
    static const struct siphash_key key;
    struct hosts hosts;
    struct pool pool;
    pool_init(&pool, &pool_heap);
    hosts_parse(&hosts, &pool, &key, text);
    for (size_t i = 0; i < hosts.names.room; i++) {
        const struct map_cell *cell = &hosts.names.cells[i];
        const struct hosts_name *name = cell->key.at ? cell->value : NULL;
        if (!name)
            continue;
        ASSERT(hosts_find(&hosts, cell->key) == name || str_ends(cell->key, STR(".")));
        ASSERT(name->first && inet_host(&name->first->address).len > 0);
    }
    pool_free(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    ASSERT(copy);
    if (size)
        memcpy(copy, data, size);
    check_resolv(str_of(copy, size));
    check_hosts(str_of(copy, size));
    free(copy);
    return 0;
}
