/*
 * `geo`: a variable whose value depends on an address, by networks or by ranges.
 * Owns nothing: tables lie in the generation.
 *
 *     networks   two radix trees, the longest network wins
 *     ranges     of IPv4, sorted, none lies in another: a range within another splits it
 *
 * What is no address at all is looked for as 255.255.255.255.
 */
#include "core/generation.h"
#include "core/map.h"
#include "core/radix.h"
#include "http/forwarded.h"
#include "http/vars.h"

struct geo_range {
    uint32_t first, last;
    const struct str *value;
};

struct geo {
    unsigned variable;                  /* the address is its value */
    bool given;                         /* there is such a variable: not the client's address */
    bool by_range;
    struct radix v4, v6;                /* -> struct str */
    struct geo_range *ranges;
    size_t nranges;
    const struct str *fallback;         /* of ranges */
    struct forwarded_from from;
};

/* The first of sorted ranges that does not end before `address`. */
static size_t place_in(const struct geo_range *ranges, size_t count, uint32_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ranges[middle].last < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- ranges, while they are read -------------------------------------------------------------- */

/* Those within one block of 64 Ki addresses, in their order.  A range over several blocks is in
 * each of them with its part, so that inserting moves little. */
struct block {
    struct geo_range *at;
    unsigned count, room;
};
enum { BLOCK_BITS = 16, BLOCKS = 1 << 16, FIRST_ROOM = 4 };

struct reader {
    struct conf *cf;
    struct geo *geo;
    struct map values;                  /* each text once: -> struct str */
    struct block *blocks;               /* made with `ranges` */
    bool networks;                      /* there was one */
    bool is_volatile;
};

/* False: no memory, and the pool is failed. */
static bool make_blocks(struct reader *r)
{
    if (!r->blocks)
        r->blocks = pool_try(r->cf->temp, BLOCKS * sizeof(*r->blocks));
    r->cf->pool->failed |= !r->blocks;
    return r->blocks;
}

static bool make_room(struct reader *r, struct block *block, unsigned more)
{
    if (block->count + more <= block->room)
        return true;
    const unsigned room = block->room ? block->room * 2 : FIRST_ROOM;
    struct geo_range *at = pool_try(r->cf->temp, room * sizeof(*at));
    if (!at) {
        r->cf->pool->failed = true;
        return false;
    }
    if (block->count)
        memcpy(at, block->at, block->count * sizeof(*at));
    block->at = at;
    block->room = room;
    return true;
}

/* Room for `count` ranges at `i`, which the caller fills. */
static void open_gap(struct block *block, size_t i, unsigned count)
{
    ASSERT(block->count + count <= block->room);
    memmove(&block->at[i + count], &block->at[i], (block->count - i) * sizeof(block->at[0]));
    block->count += count;
}

static struct str range_text(struct conf *cf, const struct geo_range *range)
{
    const uint32_t a = range->first, b = range->last;
    return fmt_pool(cf->temp, "%u.%u.%u.%u-%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255,
                    a & 255, b >> 24, b >> 16 & 255, b >> 8 & 255, b & 255);
}

/* `part` lies in the range at `i`: what is left of that stays before and behind it. */
static void split_range(struct block *block, size_t i, const struct geo_range *part)
{
    const struct geo_range whole = block->at[i];
    const bool before = whole.first < part->first, behind = whole.last > part->last;
    open_gap(block, i, (unsigned)before + behind);
    if (before) {
        block->at[i] = (struct geo_range){ whole.first, part->first - 1, whole.value };
        i++;
    }
    block->at[i] = *part;
    if (behind)
        block->at[i + 1] = (struct geo_range){ part->last + 1, whole.last, whole.value };
}

static bool add_part(struct reader *r, struct block *block, const struct geo_range *part)
{
    struct conf *cf = r->cf;
    const size_t i = place_in(block->at, block->count, part->first);
    if (!make_room(r, block, 2))
        return false;
    struct geo_range *there = i < block->count ? &block->at[i] : NULL;
    if (!there || there->first > part->last) {
        open_gap(block, i, 1);
        block->at[i] = *part;
    } else if (there->first == part->first && there->last == part->last) {
        conf_diag(cf, DIAG_WARN, 0, "duplicate",
                  "duplicate range \"%.*s\", value: \"%.*s\", old value: \"%.*s\"",
                  STR_FMT(conf_arg(cf, 0)), STR_FMT(*part->value), STR_FMT(*there->value));
        there->value = part->value;
    } else if (there->first <= part->first && there->last >= part->last) {
        split_range(block, i, part);
    } else {
        return conf_error(cf, 0, "overlap", "range \"%.*s\" overlaps \"%.*s\"",
                          STR_FMT(conf_arg(cf, 0)), STR_FMT(range_text(cf, there)));
    }
    return true;
}

static bool delete_part(struct reader *r, struct block *block, const struct geo_range *part)
{
    const size_t i = place_in(block->at, block->count, part->first);
    (void)r;
    if (i == block->count || block->at[i].first != part->first || block->at[i].last != part->last)
        return false;
    memmove(&block->at[i], &block->at[i + 1], (block->count - i - 1) * sizeof(block->at[0]));
    block->count--;
    return true;
}

/* False when it was false for one part. */
static bool for_parts(struct reader *r, const struct geo_range *range,
                      bool (*each)(struct reader *r, struct block *block,
                                   const struct geo_range *part))
{
    bool good = true;
    for (uint32_t i = range->first >> BLOCK_BITS; i <= range->last >> BLOCK_BITS && good; i++) {
        const uint32_t from = i << BLOCK_BITS, to = from | (BLOCKS - 1);
        const struct geo_range part = { range->first > from ? range->first : from,
                                        range->last < to ? range->last : to, range->value };
        good = each(r, &r->blocks[i], &part);
    }
    return good;
}

/* All blocks as one list, without the seams between them. */
static void join_ranges(struct reader *r)
{
    struct geo *geo = r->geo;
    size_t most = 0, size;
    for (unsigned i = 0; i < BLOCKS; i++)
        most += r->blocks[i].count;
    geo->ranges = mul_overflows(most, sizeof(*geo->ranges), &size) ? NULL
        : pool_try(r->cf->pool, size);
    if (!geo->ranges) {
        r->cf->pool->failed = true;
        return;
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        for (unsigned j = 0; j < r->blocks[i].count; j++) {
            const struct geo_range *range = &r->blocks[i].at[j];
            struct geo_range *last = geo->nranges ? &geo->ranges[geo->nranges - 1] : NULL;
            if (last && last->value == range->value && last->last + 1 == range->first)
                last->last = range->last;
            else
                geo->ranges[geo->nranges++] = *range;
        }
    pool_resize(r->cf->pool, (char *)geo->ranges, size, geo->nranges * sizeof(*geo->ranges));
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint32_t number_of(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool parse_end(struct str text, uint32_t *address)
{
    struct inet_address parsed;
    if (!inet_parse_host(text, 0, &parsed) || parsed.any.sa_family != AF_INET)
        return false;
    *address = ntohl(parsed.v4.sin_addr.s_addr);
    return true;
}

static bool parse_range(struct conf *cf, struct str text, struct geo_range *range, unsigned arg)
{
    struct str first, last;
    if (!str_cut(text, '-', &first, &last) || !parse_end(first, &range->first)
        || !parse_end(last, &range->last) || range->first > range->last)
        return conf_error(cf, arg, "invalid-value", "invalid range \"%.*s\"", STR_FMT(text));
    return true;
}

static bool parse_network(struct conf *cf, struct str text, struct inet_cidr *cidr, unsigned arg)
{
    bool loose;
    if (!inet_cidr_parse(text, cidr, &loose))
        return conf_error(cf, arg, "invalid-value", "invalid network \"%.*s\"", STR_FMT(text));
    if (loose)
        conf_diag(cf, DIAG_WARN, arg, "low-bits", "low address bits of %.*s are meaningless",
                  STR_FMT(text));
    return true;
}

static const struct str *value_of(struct reader *r, struct str text)
{
    const void *there = map_get(&r->values, text);
    if (there)
        return there;
    struct str *value = pool_new(r->cf->pool, struct str);
    *value = pool_str(r->cf->pool, text);
    map_add(&r->values, *value, value, &there);
    return value;
}

static struct radix *tree_of(struct geo *geo, const struct inet_cidr *cidr)
{
    return cidr->family == AF_INET ? &geo->v4 : &geo->v6;
}

static void add_network(struct reader *r, const struct inet_cidr *cidr, const struct str *value)
{
    struct radix *tree = tree_of(r->geo, cidr);
    const void **slot = radix_slot(tree, r->cf->pool, str_of(cidr->at, tree->bytes), cidr->bits);
    const struct str *old = *slot;
    if (old)
        conf_diag(r->cf, DIAG_WARN, 0, "duplicate",
                  "duplicate network \"%.*s\", value: \"%.*s\", old value: \"%.*s\"",
                  STR_FMT(conf_arg(r->cf, 0)), STR_FMT(*value), STR_FMT(*old));
    *slot = value;
    r->networks = true;
}

static bool set_fallback(struct reader *r)
{
    static const struct inet_cidr all[] = { { .family = AF_INET }, { .family = AF_INET6 } };
    const struct str *value = value_of(r, conf_arg(r->cf, 1)), *old = r->geo->fallback;
    if (!r->geo->by_range) {
        add_network(r, &all[0], value);
        add_network(r, &all[1], value);
        return true;
    }
    if (old)
        conf_diag(r->cf, DIAG_WARN, 0, "duplicate",
                  "duplicate default geo range value: \"%.*s\", old value: \"%.*s\"",
                  STR_FMT(*value), STR_FMT(*old));
    r->geo->fallback = value;
    return true;
}

static bool delete_range(struct reader *r)
{
    const struct str text = conf_arg(r->cf, 1);
    struct geo_range range = { .value = NULL };
    if (!parse_range(r->cf, text, &range, 1))
        return false;
    if (!for_parts(r, &range, delete_part))
        conf_diag(r->cf, DIAG_WARN, 1, "nothing-to-delete",
                  "no address range \"%.*s\" to delete", STR_FMT(text));
    return true;
}

static bool delete_network(struct reader *r)
{
    const struct str text = conf_arg(r->cf, 1);
    struct inet_cidr cidr;
    if (!parse_network(r->cf, text, &cidr, 1))
        return false;
    const struct radix *tree = tree_of(r->geo, &cidr);
    const void **slot = radix_find(tree, str_of(cidr.at, tree->bytes), cidr.bits);
    if (!slot || !*slot)
        conf_diag(r->cf, DIAG_WARN, 1, "nothing-to-delete", "no network \"%.*s\" to delete",
                  STR_FMT(text));
    else
        *slot = NULL;
    return true;
}

static bool add_proxy(struct reader *r)
{
    struct inet_cidr proxy;
    if (!parse_network(r->cf, conf_arg(r->cf, 1), &proxy, 1))
        return false;
    forwarded_trust(&r->geo->from, r->cf->pool, &proxy);
    return true;
}

static bool parse_flag(struct reader *r)
{
    struct conf *cf = r->cf;
    const struct str word = conf_arg(cf, 0);
    if (str_eq(word, STR("ranges"))) {
        if (r->networks)
            return conf_error(cf, 0, "misplaced", "the \"ranges\" directive must be the first "
                              "directive inside \"geo\" block");
        r->geo->by_range = true;
        return make_blocks(r);
    } else if (str_eq(word, STR("proxy_recursive"))) {
        r->geo->from.recursive = true;
    } else if (str_eq(word, STR("volatile"))) {
        r->is_volatile = true;
    } else {
        return conf_error(cf, 0, "argument-count", "invalid number of the geo parameters");
    }
    return true;
}

static bool add_range(struct reader *r)
{
    struct geo_range range = { .value = value_of(r, conf_arg(r->cf, 1)) };
    return parse_range(r->cf, conf_arg(r->cf, 0), &range, 0) && for_parts(r, &range, add_part);
}

static bool parse_line(struct conf *cf, void *data)
{
    struct reader *r = data;
    struct inet_cidr cidr;
    const struct str word = conf_arg(cf, 0);
    if (conf_nargs(cf) == 0)
        return parse_flag(r);
    if (conf_nargs(cf) != 1)
        return conf_error(cf, 0, "argument-count", "invalid number of the geo parameters");
    if (str_eq(word, STR("default")))
        return set_fallback(r);
    if (str_eq(word, STR("proxy")))
        return add_proxy(r);
    if (str_eq(word, STR("delete")))
        return r->geo->by_range ? delete_range(r) : delete_network(r);
    if (r->geo->by_range)
        return add_range(r);
    if (!parse_network(cf, word, &cidr, 0))
        return false;
    add_network(r, &cidr, value_of(r, conf_arg(cf, 1)));
    return true;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* IPv4 in IPv6 clothes is IPv4.  Empty: neither. */
static struct str host_of(const struct inet_address *address)
{
    if (address->len && address->any.sa_family == AF_INET)
        return str_of(&address->v4.sin_addr, 4);
    if (!address->len || address->any.sa_family != AF_INET6)
        return STR_NONE;
    struct str host = str_of(&address->v6.sin6_addr, 16);
    if (IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
        ASSERT(str_from_off(host, 12, &host));
    return host;
}

static const struct str *find_range(const struct geo *geo, uint32_t address)
{
    const size_t i = place_in(geo->ranges, geo->nranges, address);
    return i < geo->nranges && geo->ranges[i].first <= address ? geo->ranges[i].value
        : geo->fallback;
}

static const struct str *find(const struct geo *geo, const struct inet_address *address)
{
    struct str host = host_of(address);
    if (host.len == 0 || (geo->by_range && host.len != 4))
        host = STR("\xff\xff\xff\xff");
    if (geo->by_range)
        return find_range(geo, number_of((const unsigned char *)host.at));
    return radix_get(host.len == 4 ? &geo->v4 : &geo->v6, host);
}

/* False: evaluation failed. */
static bool address_of(const struct geo *geo, struct subject *s, struct inet_address *address)
{
    struct value value;
    if (!geo->given) {
        request_client(request_of(s), address);
        return true;
    }
    if (!vars_get(s, geo->variable, &value))
        return false;
    if (!inet_parse_host(value.text, 0, address))
        *address = (struct inet_address){ .len = 0 };
    return true;
}

GETTER(value)
{
    const struct geo *geo = (const void *)entry->data;
    struct inet_address address;
    if (!address_of(geo, s, &address))
        return false;
    forwarded_address(&request_of(s)->in.fields, FIELD_X_FORWARDED_FOR, &geo->from, &address);
    const struct str *text = find(geo, &address);
    return value_give(out, text ? *text : STR(""));
}

/* --- the directive ---------------------------------------------------------------------------- */

static bool parse_geo(struct conf *cf, void *field, const void *arg)
{
    struct geo *geo = pool_new(cf->pool, struct geo);
    struct reader reader = { .cf = cf, .geo = geo };
    struct str name;
    const unsigned last = conf_nargs(cf);
    (void)field;
    (void)arg;
    geo->v4.bytes = 4;
    geo->v6.bytes = 16;
    map_init(&reader.values, cf->temp, &cf->gen->hash_key, false);
    geo->given = last == 2;
    if (geo->given && !vars_arg(cf, 1, &name))
        return false;
    if (geo->given)
        geo->variable = vars_use(cf, name, 1);
    if (!vars_arg(cf, last, &name))
        return false;
    struct vars_entry *entry = vars_define(cf, name, last, get_value, (uintptr_t)geo, 0);
    if (!entry || !conf_each(cf, parse_line, &reader))
        return false;
    if (geo->by_range)
        join_ranges(&reader);
    if (reader.is_volatile)
        entry->flags |= VARS_VOLATILE;
    return true;
}
static const struct conf_type type_geo = {
    .name = "[$address] $variable { ... }", .repeat = true, .parse = parse_geo, .block = true,
};

static const struct directive rows[] = {
    { "geo", IN_HTTP, 1, 2, &type_geo, 0, OWN, NULL, NULL, NULL,
      "a variable whose value depends on an address", NULL },
};

struct geo_conf {
    struct conf_set set;
};

static struct section section = {
    .name = "geo", .where = IN_HTTP, .size = sizeof(struct geo_conf), .rows = rows,
    .nrows = countof(rows),
};
static struct section *const sections[] = { &section, NULL };

const struct http_module http_geo_module = {
    .module = { .name = "ngx_http_geo_module", .protocol = "http", .sections = sections },
};
