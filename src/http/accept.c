/*
 * Lists in request fields: elements are cut off one by one, and nothing is kept of them.
 * Pure: owns nothing; slices it gives point into the field.
 */
#include "http/accept.h"

#include "core/number.h"

static bool take_char(struct str *rest, char c)
{
    return rest->len && rest->at[0] == c && str_from_off(*rest, 1, rest);
}

/* Old names, which RFC 9110 (8.4.1) makes equal to the new ones. */
static bool same_coding(struct str a, struct str b)
{
    if (str_eq_ci(a, STR("x-gzip")))
        a = STR("gzip");
    if (str_eq_ci(b, STR("x-gzip")))
        b = STR("gzip");
    return str_eq_ci(a, b);
}

/* "q=0.5" in thousandths, from 0 to 1 with up to three digits; false: it is no such thing. */
static bool parse_weight(struct str text, int64_t *thousandths)
{
    struct str name, value;
    if (!str_cut(str_trim(text), '=', &name, &value) || !str_eq_ci(name, STR("q")))
        return false;
    if (value.len == 0 || (value.at[0] != '0' && value.at[0] != '1') ||
        (value.len > 1 && value.at[1] != '.'))
        return false;
    return number_fixed(value, 3, thousandths) && *thousandths <= 1000;
}

/* *others: that of "*". */
static int find_quality(struct str value, struct str coding, int *others)
{
    *others = ACCEPT_NOT_NAMED;
    while (value.len) {
        struct str element, name, weight;
        int64_t quality = 1000;
        str_cut(value, ',', &element, &value);
        if (str_cut(element, ';', &name, &weight) && !parse_weight(weight, &quality))
            continue;
        name = str_trim(name);
        if (same_coding(name, coding))
            return (int)quality;
        if (*others == ACCEPT_NOT_NAMED && str_eq(name, STR("*")))
            *others = (int)quality;
    }
    return ACCEPT_NOT_NAMED;
}

int accept_quality(struct str value, struct str coding)
{
    int others;
    const int quality = find_quality(value, coding, &others);
    return quality == ACCEPT_NOT_NAMED ? others : quality;
}

int accept_quality_named(struct str value, struct str coding)
{
    int others;
    return find_quality(value, coding, &others);
}

/* A tag at the beginning of *list, with the comma behind it.  False: there is none, or something
 * else than a comma follows; then *list stays. */
static bool take_etag(struct str *list, bool *weak, struct str *tag)
{
    struct str rest = *list, opaque;
    *weak = str_starts(rest, STR("W/")) && str_from_off(rest, 2, &rest);
    if (!take_char(&rest, '"') || !str_cut(rest, '"', &opaque, &rest))
        return false;
    rest = str_trim(rest);
    if (rest.len && !take_char(&rest, ','))
        return false;
    *tag = opaque;
    *list = rest;
    return true;
}

bool accept_etag(struct str list, struct str etag, bool weak)
{
    struct str tag, wanted, ignored;
    bool is_weak, wanted_weak;
    list = str_trim(list);
    if (str_eq(list, STR("*")))
        return true;
    if (!take_etag(&etag, &wanted_weak, &wanted) || (wanted_weak && !weak))
        return false;
    while (list.len) {
        if (!take_etag(&list, &is_weak, &tag))
            str_cut(list, ',', &ignored, &list);
        else if (str_eq(tag, wanted) && (weak || !is_weak))
            return true;
        list = str_trim(list);
    }
    return false;
}

static void skip_spaces(struct str *rest)
{
    while (take_char(rest, ' '))
        continue;
}

/* Behind the next ";" or ","; false: there is none. */
static bool next_cookie(struct str *rest)
{
    while (rest->len) {
        if (take_char(rest, ';') || take_char(rest, ','))
            return true;
        if (!str_from_off(*rest, 1, rest))
            break;
    }
    return false;
}

bool accept_cookie(struct str value, struct str name, struct str *out)
{
    do {
        skip_spaces(&value);
        struct str rest = value;
        if (!str_starts_ci(rest, name) || !str_from_off(rest, name.len, &rest))
            continue;
        skip_spaces(&rest);
        if (!take_char(&rest, '='))
            continue;
        skip_spaces(&rest);
        str_cut(rest, ';', out, &rest);
        return true;
    } while (next_cookie(&value));
    return false;
}
