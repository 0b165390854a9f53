/*
 * The types of values that rows name: what nginx accepts, in its words where it does not.
 * Owns nothing: values lie in the generation.
 */
#include "core/conf_engine.h"
#include "core/number.h"

#define HINT_SIZE "expected bytes; 16k is 16 times 1024, 1m is 1024k"
#define HINT_OFFSET HINT_SIZE ", 1g is 1024m"
#define HINT_MSEC "expected a time such as 500ms, 30s, 1m30s, 2h or 1d; without a unit: seconds"
#define HINT_SEC "expected a time such as 30s, 1h30m, 1d, 1M or 1y; without a unit: seconds"

/* --- errors ----------------------------------------------------------------------------------- */

static bool no_value(struct conf *cf, unsigned i, const char *what, const char *hint)
{
    struct diag *d = conf_diag(cf, DIAG_EMERG, i, "invalid-value", "\"%.*s\" directive invalid %s",
                               STR_FMT(conf_arg(cf, 0)), what);
    diag_note(cf->diag, d, "%s", hint);
    return false;
}

static bool has_low(const struct conf_range *range)
{
    return range && range->low != INT64_MIN;
}

static bool has_high(const struct conf_range *range)
{
    return range && range->high != INT64_MAX;
}

static bool in_range(struct conf *cf, int64_t n, const struct conf_range *range)
{
    if (!range || (n >= range->low && n <= range->high))
        return true;
    if (has_low(range) && has_high(range))
        return conf_error(cf, 1, "out-of-range", "value must be between %lld and %lld",
                          (long long)range->low, (long long)range->high);
    return conf_error(cf, 1, "out-of-range", "value must be equal to or %s than %lld",
                      has_low(range) ? "greater" : "less",
                      (long long)(has_low(range) ? range->low : range->high));
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool parse_flag(struct conf *cf, void *field, const void *arg)
{
    const struct str word = conf_arg(cf, 1);
    const bool on = str_eq_ci(word, STR("on"));
    (void)arg;
    if (!on && !str_eq_ci(word, STR("off")))
        return conf_error(cf, 1, "invalid-value",
                          "invalid value \"%.*s\" in \"%.*s\" directive, it must be \"on\" or "
                          "\"off\"",
                          STR_FMT(word), STR_FMT(conf_arg(cf, 0)));
    *(bool *)field = on;
    return true;
}

static bool parse_int(struct conf *cf, void *field, const void *arg)
{
    const struct conf_range *range = arg;
    struct str digits = conf_arg(cf, 1);
    const bool minus = range && range->low < 0 && str_starts(digits, STR("-"))
        && str_from_off(digits, 1, &digits);
    int64_t n;
    if (!number_i64(digits, &n))
        return no_value(cf, 1, "number",
                        range && range->low < 0 ? "expected a whole number, which may be negative"
                                                : "expected a whole number");
    n = minus ? -n : n;
    if (!in_range(cf, n, range))
        return false;
    *(int64_t *)field = n;
    return true;
}

static bool parse_size(struct conf *cf, void *field, const void *arg)
{
    size_t n;
    if (!number_conf_size(conf_arg(cf, 1), &n))
        return no_value(cf, 1, "value", HINT_SIZE);
    if (!in_range(cf, (int64_t)n, arg))
        return false;
    *(size_t *)field = n;
    return true;
}

static bool parse_offset(struct conf *cf, void *field, const void *arg)
{
    int64_t n;
    if (!number_conf_offset(conf_arg(cf, 1), &n))
        return no_value(cf, 1, "value", HINT_OFFSET);
    if (!in_range(cf, n, arg))
        return false;
    *(int64_t *)field = n;
    return true;
}

static bool parse_msec(struct conf *cf, void *field, const void *arg)
{
    int64_t n;
    if (!number_conf_msec(conf_arg(cf, 1), &n))
        return no_value(cf, 1, "value", HINT_MSEC);
    if (!in_range(cf, n, arg))
        return false;
    *(int64_t *)field = n;
    return true;
}

static bool parse_sec(struct conf *cf, void *field, const void *arg)
{
    int64_t n;
    if (!number_conf_sec(conf_arg(cf, 1), &n))
        return no_value(cf, 1, "value", HINT_SEC);
    if (!in_range(cf, n, arg))
        return false;
    *(int64_t *)field = n;
    return true;
}

static bool parse_bufs(struct conf *cf, void *field, const void *arg)
{
    struct conf_bufs bufs;
    (void)arg;
    if (!number_u32(conf_arg(cf, 1), &bufs.count) || bufs.count == 0)
        return no_value(cf, 1, "value", "expected how many buffers, at least 1");
    if (!number_conf_size(conf_arg(cf, 2), &bufs.size) || bufs.size == 0)
        return no_value(cf, 2, "value", HINT_SIZE);
    *(struct conf_bufs *)field = bufs;
    return true;
}

/* --- text ------------------------------------------------------------------------------------- */

static bool parse_str(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    *(struct str *)field = pool_str(cf->pool, conf_arg(cf, 1));
    return true;
}

static bool parse_path(struct conf *cf, void *field, const void *arg)
{
    (void)arg;
    *(struct str *)field = conf_full_path(cf, conf_arg(cf, 1));
    return true;
}

/* Room for one more behind `count`.  It doubles whenever it is used up, which is when the count is
 * a power of two: so a long list costs what it holds. */
static void *one_more(struct conf *cf, void *at, unsigned count, size_t size)
{
    ASSERT(count < UINT_MAX / 2);
    if (count & (count - 1))
        return at;
    void *wider = pool_array(cf->pool, count ? 2 * (size_t)count : 1, size);
    if (count)
        memcpy(wider, at, count * size);
    return wider;
}

static bool parse_strs(struct conf *cf, void *field, const void *arg)
{
    struct conf_strs *list = field;
    (void)arg;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        list->at = one_more(cf, list->at, list->count, sizeof(*list->at));
        list->at[list->count++] = pool_str(cf->pool, conf_arg(cf, i));
    }
    return true;
}

static bool parse_pairs(struct conf *cf, void *field, const void *arg)
{
    struct conf_pairs *list = field;
    (void)arg;
    list->at = one_more(cf, list->at, list->count, sizeof(*list->at));
    list->at[list->count++] = (struct conf_pair){
        .key = pool_str(cf->pool, conf_arg(cf, 1)),
        .value = pool_str(cf->pool, conf_arg(cf, 2)),
    };
    return true;
}

/* --- names ------------------------------------------------------------------------------------ */

static const struct conf_name *find_name(const struct conf_name *names, struct str word)
{
    for (; names->name; names++)
        if (str_eq_ci(word, str_from(names->name)))
            return names;
    return NULL;
}

static void names_text(struct fmt *f, const struct conf_name *names)
{
    for (const struct conf_name *name = names; name->name; name++)
        fmt_print(f, "%s%s", name == names ? "" : " | ", name->name);
}

static const char *next_name(void *state)
{
    const struct conf_name **at = state;
    const char *name = (*at)->name;
    if (name)
        (*at)++;
    return name;
}

static bool unknown_name(struct conf *cf, unsigned i, const struct conf_name *names)
{
    const struct str word = conf_arg(cf, i);
    const struct conf_name *at = names;
    struct diag *d = conf_diag(cf, DIAG_EMERG, i, "invalid-value", "invalid value \"%.*s\"",
                               STR_FMT(word));
    const char *near = diag_nearest(word, next_name, &at);
    struct fmt f;
    if (near)
        diag_note(cf->diag, d, "did you mean \"%s\"?", near);
    fmt_init_pool(&f, cf->temp, 128, 4096);
    names_text(&f, names);
    diag_note(cf->diag, d, "expected %s", fmt_done(&f).at);
    return false;
}

static bool parse_enum(struct conf *cf, void *field, const void *arg)
{
    const struct conf_name *name = find_name(arg, conf_arg(cf, 1));
    if (!name)
        return unknown_name(cf, 1, arg);
    *(unsigned *)field = name->value;
    return true;
}

static bool parse_mask(struct conf *cf, void *field, const void *arg)
{
    unsigned *mask = field;
    bool good = true;
    for (unsigned i = 1; i <= conf_nargs(cf); i++) {
        const struct conf_name *name = find_name(arg, conf_arg(cf, i));
        if (!name) {
            good = unknown_name(cf, i, arg);
            continue;
        }
        if (*mask & name->value)
            conf_diag(cf, DIAG_WARN, i, "duplicate-value", "duplicate value \"%.*s\"",
                      STR_FMT(conf_arg(cf, i)));
        *mask |= name->value;
    }
    return good;
}

/* --- other than values ------------------------------------------------------------------------ */

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
    (void)field;
    return conf_error(cf, 0, "not-built", "\"%.*s\" directive is not built into weir: %s",
                      STR_FMT(conf_arg(cf, 0)), (const char *)arg);
}

/* --- the types -------------------------------------------------------------------------------- */

#define TYPE(id, text, field, parser) \
    const struct conf_type conf_type_##id = { .name = text, .size = sizeof(field), .parse = parser }
#define LIST(id, text, field, parser) \
    const struct conf_type conf_type_##id = { \
        .name = text, .size = sizeof(field), .repeat = true, .parse = parser \
    }

TYPE(flag, "on | off", bool, parse_flag);
TYPE(int, "number", int64_t, parse_int);
TYPE(size, "size", size_t, parse_size);
TYPE(offset, "size", int64_t, parse_offset);
TYPE(msec, "time", int64_t, parse_msec);
TYPE(sec, "time in seconds", int64_t, parse_sec);
TYPE(str, "string", struct str, parse_str);
TYPE(strs, "string ...", struct conf_strs, parse_strs);
LIST(str_list, "string ...", struct conf_strs, parse_strs);
LIST(pairs, "name value", struct conf_pairs, parse_pairs);
TYPE(enum, "one of some words", unsigned, parse_enum);
TYPE(mask, "some of some words", unsigned, parse_mask);
TYPE(bufs, "number size", struct conf_bufs, parse_bufs);
TYPE(path, "path", struct str, parse_path);

const struct conf_type conf_type_block = {
    .name = "{ ... }", .repeat = true, .parse = parse_block, .block = true
};
const struct conf_type conf_type_block_once = {
    .name = "{ ... }", .parse = parse_block, .block = true
};
const struct conf_type conf_type_ignored = {
    .name = "anything", .repeat = true, .parse = parse_ignored
};
const struct conf_type conf_type_absent = {
    .name = "not built", .repeat = true, .parse = parse_absent
};

bool conf_type_is_plain(const struct conf_type *type)
{
    static const struct conf_type *const plain[] = {
        &conf_type_flag, &conf_type_int, &conf_type_size, &conf_type_offset, &conf_type_msec,
        &conf_type_sec, &conf_type_str, &conf_type_strs, &conf_type_str_list, &conf_type_pairs,
        &conf_type_enum, &conf_type_mask, &conf_type_bufs, &conf_type_path,
    };
    for (unsigned i = 0; i < countof(plain); i++)
        if (plain[i] == type)
            return true;
    return false;
}

static void range_text(struct fmt *f, const struct conf_range *range)
{
    if (has_low(range) && has_high(range))
        fmt_print(f, ", %lld to %lld", (long long)range->low, (long long)range->high);
    else if (has_low(range))
        fmt_print(f, ", at least %lld", (long long)range->low);
    else if (has_high(range))
        fmt_print(f, ", at most %lld", (long long)range->high);
}

static bool is_number(const struct conf_type *type)
{
    return type == &conf_type_int || type == &conf_type_size || type == &conf_type_offset
        || type == &conf_type_msec || type == &conf_type_sec;
}

void conf_type_describe(const struct directive *row, struct fmt *f)
{
    const struct conf_type *type = row->type;
    if (type == &conf_type_enum || type == &conf_type_mask) {
        names_text(f, row->arg);
        fmt_text(f, type == &conf_type_mask && row->max > 1 ? " ..." : "");
        return;
    }
    fmt_text(f, type->name);
    if (is_number(type))
        range_text(f, row->arg);
}
