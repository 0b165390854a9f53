/*
 * The access of stored files, as configuration says it.  Owns nothing.
 */
#include "http/store_access.h"

static bool parse_one(struct str word, unsigned *mode, bool *user)
{
    struct str who, what;
    unsigned bits;
    str_cut(word, ':', &who, &what);
    if (str_eq(what, STR("rw")))
        bits = 6;
    else if (str_eq(what, STR("r")))
        bits = 4;
    else
        return false;
    if (str_eq(who, STR("user"))) {
        *mode |= bits << 6;
        *user = true;
    } else if (str_eq(who, STR("group")))
        *mode |= bits << 3;
    else if (str_eq(who, STR("all")))
        *mode |= bits;
    else
        return false;
    return true;
}

static bool parse(struct conf *cf, void *field, const void *arg)
{
    unsigned *mode = field;
    bool user = false;
    (void)arg;
    *mode = 0;
    for (unsigned i = 1; i <= conf_nargs(cf); i++)
        if (!parse_one(conf_arg(cf, i), mode, &user))
            return conf_error(cf, i, "invalid-value", "invalid value \"%.*s\"",
                              STR_FMT(conf_arg(cf, i)));
    if (!user)
        *mode |= 0600;
    return true;
}

const struct conf_type http_type_store_access = { "users:permissions ...", sizeof(unsigned), false,
                                                  parse, false };

unsigned store_access_folder(unsigned mode)
{
    return mode | (mode & 0444) >> 2;
}
