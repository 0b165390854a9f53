/*
 * The types of values that rows name.  Owns nothing: values lie in the generation.
 */
#include "core/conf.h"
#include "core/number.h"

static bool invalid(struct conf *cf, unsigned i)
{
    struct diag *d = conf_diag(cf, DIAG_EMERG, i, "invalid-value", "invalid value \"%.*s\"",
                               STR_FMT(conf_arg(cf, i)));
    diag_note(cf->diag, d, "\"%s\" takes %s", cf->row->name, cf->row->type->name);
    return false;
}

static bool invalid_directive(struct conf *cf, unsigned i, const char *what)
{
    struct diag *d = conf_diag(cf, DIAG_EMERG, i, "invalid-value", "\"%s\" directive invalid %s",
                               cf->row->name, what);
    diag_note(cf->diag, d, "\"%s\" takes %s", cf->row->name, cf->row->type->name);
    return false;
}

static bool parse_flag(struct conf *cf, void *field, const void *arg)
{
    const struct str value = conf_arg(cf, 1);
    (void)arg;
    if (!str_eq_ci(value, STR("on")) && !str_eq_ci(value, STR("off")))
        return conf_error(cf, 1, "invalid-value", "invalid value \"%.*s\" in \"%s\" directive, "
                          "it must be \"on\" or \"off\"",
                          STR_FMT(value), cf->row->name);
    *(bool *)field = value.len == 2;
    return true;
}

static bool parse_int(struct conf *cf, void *field, const void *arg)
{
    const struct conf_range *range = arg;
    struct str text = conf_arg(cf, 1);
    const bool minus = range && range->low < 0 && str_starts(text, STR("-"));
    int64_t n;
    if (minus && !str_from_off(text, 1, &text))
        return invalid_directive(cf, 1, "number");
    if (!number_i64(text, &n))
        return invalid_directive(cf, 1, "number");
    n = minus ? -n : n;
    if (range && n < range->low)
        return conf_error(cf, 1, "out-of-range",
                          "value must be equal to or greater than %lld", (long long)range->low);
    if (range && n > range->high)
        return conf_error(cf, 1, "out-of-range", "value must be equal to or less than %lld",
                          (long long)range->high);
    *(int64_t *)field = n;
    return true;
}

static bool parse_size(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return number_conf_size(conf_arg(cf, 1), field) || invalid_directive(cf, 1, "value");
}

static bool parse_offset(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return number_conf_offset(conf_arg(cf, 1), field) || invalid_directive(cf, 1, "value");
}

static bool parse_msec(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return number_conf_msec(conf_arg(cf, 1), field) || invalid_directive(cf, 1, "value");
}

static bool parse_sec(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    return number_conf_sec(conf_arg(cf, 1), field) || invalid_directive(cf, 1, "value");
}

static bool parse_str(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    *(struct str *)field = pool_str(cf->pool, conf_arg(cf, 1));
    return true;
}

static bool parse_strs(struct conf *cf, void *field, const void *arg)
{
    struct conf_strs *list = field;
    const unsigned more = conf_nargs(cf);
    struct str *at = pool_array(cf->pool, list->count + more, sizeof(*at));
    (void)arg;
    if (list->count)
        memcpy(at, list->at, list->count * sizeof(*at));
    for (unsigned i = 1; i <= more; i++)
        at[list->count + i - 1] = pool_str(cf->pool, conf_arg(cf, i));
    list->at = at;
    list->count += more;
    return true;
}

static bool parse_pairs(struct conf *cf, void *field, const void *arg)
{
    struct conf_pairs *list = field;
    struct conf_pair *at = pool_array(cf->pool, list->count + 1, sizeof(*at));
    (void)arg;
    if (list->count)
        memcpy(at, list->at, list->count * sizeof(*at));
    at[list->count] = (struct conf_pair){ pool_str(cf->pool, conf_arg(cf, 1)),
                                          pool_str(cf->pool, conf_arg(cf, 2)) };
    list->at = at;
    list->count++;
    return true;
}

static const struct conf_name *find_name(const struct conf_name *names, struct str text)
{
    for (; names->name; names++)
        if (str_eq(text, str_from(names->name)))
            return names;
    return NULL;
}

static bool parse_enum(struct conf *cf, void *field, const void *arg)
{
    const struct conf_name *name = find_name(arg, conf_arg(cf, 1));
    if (!name)
        return invalid(cf, 1);
    *(unsigned *)field = name->value;
    return true;
}

static bool parse_mask(struct conf *cf, void *field, const void *arg)
{
    unsigned *mask = field;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct conf_name *name = find_name(arg, conf_arg(cf, i));
        if (!name)
            return invalid(cf, i);
        if (*mask & name->value)
            conf_diag(cf, DIAG_WARN, i, "duplicate-value", "duplicate value \"%.*s\"",
                      STR_FMT(conf_arg(cf, i)));
        *mask |= name->value;
    }
    return true;
}

static bool parse_bufs(struct conf *cf, void *field, const void *arg)
{
    struct conf_bufs *bufs = field;
    (void)arg;
    if (!number_u32(conf_arg(cf, 1), &bufs->count) || bufs->count == 0)
        return invalid_directive(cf, 1, "value");
    if (!number_conf_size(conf_arg(cf, 2), &bufs->size) || bufs->size == 0)
        return invalid_directive(cf, 2, "value");
    return true;
}

static bool parse_path(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    *(struct str *)field = conf_full_path(cf, conf_arg(cf, 1));
    return true;
}

static bool parse_block(struct conf *cf, void *field, const void *arg)
{
    (void)field;
    return conf_enter(cf, arg, NULL);
}

static bool parse_ignored(struct conf *cf, void *field, const void *arg)
{
    (void)cf;
    (void)field;
    (void)arg;
    return true;
}

static bool parse_absent(struct conf *cf, void *field, const void *arg)
{
    struct diag *d = conf_diag(cf, DIAG_EMERG, 0, "not-built",
                               "\"%s\" is not built into weir", cf->row->name);
    (void)field;
    diag_note(cf->diag, d, "%s", (const char *)arg);
    return false;
}

const struct conf_type conf_type_flag = { "on | off", sizeof(bool), false, parse_flag, false };
const struct conf_type conf_type_int = { "number", sizeof(int64_t), false, parse_int, false };
const struct conf_type conf_type_size = { "size", sizeof(size_t), false, parse_size, false };
const struct conf_type conf_type_offset = { "size", sizeof(int64_t), false, parse_offset, false };
const struct conf_type conf_type_msec = { "time", sizeof(int64_t), false, parse_msec, false };
const struct conf_type conf_type_sec = { "time", sizeof(int64_t), false, parse_sec, false };
const struct conf_type conf_type_str = { "string", sizeof(struct str), false, parse_str, false };
const struct conf_type conf_type_strs = { "string ...", sizeof(struct conf_strs), false, parse_strs,
                                          false };
const struct conf_type conf_type_str_list = { "string ...", sizeof(struct conf_strs), true,
                                              parse_strs, false };
const struct conf_type conf_type_pairs = { "name value", sizeof(struct conf_pairs), true,
                                           parse_pairs, false };
const struct conf_type conf_type_enum = { "a word", sizeof(unsigned), false, parse_enum, false };
const struct conf_type conf_type_mask = { "words", sizeof(unsigned), false, parse_mask, false };
const struct conf_type conf_type_bufs = { "number size", sizeof(struct conf_bufs), false,
                                          parse_bufs, false };
const struct conf_type conf_type_path = { "path", sizeof(struct str), false, parse_path, false };
const struct conf_type conf_type_block = { "a block", 0, true, parse_block, true };
const struct conf_type conf_type_ignored = { "anything", 0, true, parse_ignored, false };
const struct conf_type conf_type_absent = { "nothing yet", 0, true, parse_absent, false };
