/*
 * Lists in request fields: qualities and entity tags as RFC 9110 has them, cookies as nginx 1.22
 * finds them.
 * Owns nothing.
 */
#include "http/accept.c"

#include "t/unit/tap.h"

/* Of exactly its size, so that a sanitizer sees a byte too far. */
static struct str exact(const char *text)
{
    const size_t len = strlen(text);
    char *const copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, text, len);
    return str_of(len ? copy : copy + 1, len);
}

static void drop(struct str s)
{
    free((void *)(s.len ? s.at : s.at - 1));
}

enum { NO = ACCEPT_NOT_NAMED };

static const struct {
    const char *value;
    int gzip;
} qualities[] = {
    { "gzip", 1000 }, { "GZIP", 1000 }, { "x-gzip", 1000 }, { "X-GZip;q=0.2", 200 },
    { "*", 1000 }, { "*;q=0.3", 300 }, { "gzip;q=0", 0 }, { "gzip;q=0.0", 0 },
    { "gzip;q=0.000", 0 }, { "gzip;q=0.001", 1 }, { "gzip;q=0.5", 500 }, { "gzip;q=0.25", 250 },
    { "gzip;q=0.999", 999 }, { "gzip;q=1", 1000 }, { "gzip;q=1.000", 1000 }, { "gzip;q=0.", 0 },
    { "gzip;q=1.", 1000 }, { "gzip ; q=0", 0 }, { "gzip;Q=0.1", 100 }, { " gzip\t;\tq=0.1 ", 100 },
    { "br,gzip", 1000 }, { "br, gzip;q=0.5", 500 }, { "gzip,br;q=0", 1000 },
    { "br;q=1,gzip;q=0.7,x", 700 }, { ",gzip", 1000 }, { ",, ,gzip,", 1000 },
    { "gzip;q=0, gzip", 0 }, { "gzip, gzip;q=0", 1000 },
    { "gzip, *;q=0", 1000 }, { "*;q=0, gzip", 1000 }, { "*, gzip;q=0", 0 }, { "*;q=0", 0 },
    { "br, *;q=0.1, *;q=0.9", 100 },
    { "", NO }, { ",", NO }, { "br", NO }, { "identity", NO }, { "gzipx", NO }, { "xgzip", NO },
    { "x-gzipx", NO }, { "gz", NO }, { "\"gzip\"", NO }, { "br gzip", NO }, { "gzip br", NO },
    { "br;gzip", NO }, { "**", NO },
    /* A malformed element names nothing; the others do. */
    { "gzip;q=1.001", NO }, { "gzip;q=0.0001", NO }, { "gzip;q=2", NO }, { "gzip;q=10", NO },
    { "gzip;q=00.5", NO }, { "gzip;q=.5", NO }, { "gzip;q=.", NO }, { "gzip;q=-1", NO },
    { "gzip;q=abc", NO }, { "gzip;q=0.5x", NO }, { "gzip;q=0 .5", NO }, { "gzip;q=", NO },
    { "gzip;q", NO }, { "gzip;", NO }, { "gzip;x=1", NO }, { "gzip;q=0;x", NO },
    { "gzip;q=0.5;q=0", NO }, { "gzip;q =0", NO }, { "gzip;q= 0", NO }, { "gzip;qq=0", NO },
    { "gzip;q=1.5, *;q=0.5", 500 }, { "*;q=x, gzip;q=0.5", 500 }, { "gzip;q=x, gzip;q=0.5", 500 },
    { "gzip;q=0.18446744073709551616", NO }, { "gzip;q=18446744073709551617", NO },
};

static void check_qualities(void)
{
    for (size_t i = 0; i < countof(qualities); i++) {
        const struct str value = exact(qualities[i].value);
        is_int(accept_quality(value, STR("gzip")), qualities[i].gzip, "gzip in \"%s\"",
               qualities[i].value);
        is_int(accept_quality(value, STR("x-gzip")), qualities[i].gzip, "and by its old name");
        drop(value);
    }
    is_int(accept_quality(STR("gzip, br;q=0.1"), STR("br")), 100, "br beside gzip");
    is_int(accept_quality(STR("gzip"), STR("br")), ACCEPT_NOT_NAMED, "br is not gzip");
    is_int(accept_quality_named(STR("*;q=0.3"), STR("br")), ACCEPT_NOT_NAMED, "* names nothing");
    is_int(accept_quality_named(STR("*;q=0.3, br;q=0.2"), STR("br")), 200, "br names br");
    is_int(accept_quality_named(STR("br, *;q=0.3"), STR("*")), 300, "* names itself");
}

/* found: "w" by weak comparison, "s" also by the strong one. */
static const struct {
    const char *list, *etag, *found;
} etags[] = {
    { "\"a\"", "\"a\"", "ws" }, { "*", "\"a\"", "ws" }, { " *\t", "\"a\"", "ws" },
    { "*", "W/\"a\"", "ws" }, { "W/\"a\"", "\"a\"", "w" }, { "\"a\"", "W/\"a\"", "w" },
    { "W/\"a\"", "W/\"a\"", "w" }, { "W/\"a\", \"a\"", "\"a\"", "ws" },
    { "\"x\",\"a\"", "\"a\"", "ws" }, { "\"x\" ,\t\"a\" , \"y\"", "\"a\"", "ws" },
    { "W/\"x\", W/\"a\"", "\"a\"", "w" }, { ",, \"a\"", "\"a\"", "ws" },
    { "\"\", \"a\"", "\"a\"", "ws" }, { "\"\"", "\"\"", "ws" },
    { "\"a,b\"", "\"a,b\"", "ws" }, { "\"x,y\", \"a\"", "\"a\"", "ws" },
    { "\"x,\",\"a\"", "\"a\"", "ws" }, { "W/\"x,y\",W/\"a,b\"", "\"a,b\"", "w" },
    { "\"x\\\", \"a\"", "\"a\"", "ws" }, { "\"W/\"", "\"W/\"", "ws" },
    /* What is between two quotes is one tag. */
    { "\"x,W/\", \"y\"", "W/\", \"", "" }, { "\"x,\"", "\"\"", "" },
    /* What is no tag is passed by, to the next comma. */
    { "x, \"a\"", "\"a\"", "ws" }, { "\"x, \"a\"", "\"a\"", "ws" }, { "**, \"a\"", "\"a\"", "ws" },
    { "w/\"x\", \"a\"", "\"a\"", "ws" },
    { "\"x\"\"a\"", "\"a\"", "" }, { "\"x\" \"a\"", "\"a\"", "" }, { "\"x\"; \"a\"", "\"a\"", "" },
    { "\"a\"x", "\"a\"", "" }, { "\"a\" \"x\"", "\"a\"", "" }, { "\"a\";", "\"a\"", "" },
    { "\"xa\"", "\"a\"", "" }, { "\"ax\"", "\"a\"", "" }, { "\"A\"", "\"a\"", "" },
    { "a", "\"a\"", "" }, { "\"a", "\"a\"", "" }, { "a\"", "\"a\"", "" }, { "\"", "\"a\"", "" },
    { "w/\"a\"", "\"a\"", "" }, { "W/ \"a\"", "\"a\"", "" }, { "W/a", "\"a\"", "" },
    { "W/", "\"a\"", "" }, { "W", "\"a\"", "" }, { "*, \"x\"", "\"a\"", "" },
    { "\"x\", *", "\"a\"", "" }, { "\"*\"", "\"a\"", "" }, { "", "\"a\"", "" },
    { ",", "\"a\"", "" }, { "\"a\"", "", "" }, { "", "", "" }, { "\"a\"", "a", "" },
    { "\"a\"", "\"a", "" },
};

static void check_etags(void)
{
    for (size_t i = 0; i < countof(etags); i++) {
        const struct str list = exact(etags[i].list), etag = exact(etags[i].etag);
        const char *const found = etags[i].found;
        ok(accept_etag(list, etag, true) == (strchr(found, 'w') != NULL), "weakly: %s %s %s",
           etags[i].etag, *found ? "in" : "not in", etags[i].list);
        ok(accept_etag(list, etag, false) == (strchr(found, 's') != NULL), "strongly");
        drop(list);
        drop(etag);
    }
}

/* The values of the cookies "a" and "ab"; NULL: not there. */
static const struct {
    const char *field, *a, *ab;
} cookies[] = {
    { "a=1", "1", NULL }, { "ab=2", NULL, "2" }, { "a=1;ab=2", "1", "2" },
    { "a=1; ab=2", "1", "2" }, { "ab=2; a=1", "1", "2" }, { "A=1; aB=2", "1", "2" },
    { "a =1", "1", NULL }, { "a= 1", "1", NULL }, { "a  =  1", "1", NULL },
    { "a=1 ; ab=2", "1 ", "2" }, { "a=1\t;ab=2", "1\t", "2" }, { "a=1 2;ab=3", "1 2", "3" },
    { "a=\"1\"", "\"1\"", NULL }, { "a=\"1;2\"", "\"1", NULL }, { "a=\"1,2\"", "\"1,2\"", NULL },
    { "a=", "", NULL }, { "a=;ab=", "", "" }, { "a=  ;ab=2", "", "2" }, { "a==2", "=2", NULL },
    { "a=1=2", "1=2", NULL }, { "a=1; a=2", "1", NULL }, { "; a=1", "1", NULL },
    { ";;,a=1", "1", NULL }, { ";  a=1", "1", NULL }, { "b=1 ; a=2 ;", "2 ", NULL },
    { "xa=1; a=2", "2", NULL }, { "b=a=1;a=2", "2", NULL }, { "x a=1; a=2", "2", NULL },
    { "ab;a=1", "1", NULL }, { "xx=ab; a=1", "1", NULL }, { "$Version=1; a=2", "2", NULL },
    { "x=\"; a=9\"; a=2", "9\"", NULL }, { "a=\x80\xff", "\x80\xff", NULL },
    /* A comma separates as well, but ends no value. */
    { "b=1,a=3", "3", NULL }, { "b=1 , a=3", "3", NULL }, { "ab,a=1", "1", NULL },
    { "a=1,ab=2", "1,ab=2", "2" }, { "a=1,", "1,", NULL },
    /* A name without a value is none. */
    { "a", NULL, NULL }, { "a;ab=3", NULL, "3" }, { "a; a=1", "1", NULL }, { "a;a=1", "1", NULL },
    { "", NULL, NULL }, { "=1", NULL, NULL }, { "xa=1", NULL, NULL }, { "b=a=1", NULL, NULL },
    { "b=1 a=2", NULL, NULL }, { "x a=1", NULL, NULL }, { "ab a=1", NULL, NULL },
    { ";\ta=1", NULL, NULL }, { "a\t=1", NULL, NULL }, { "a=\t1", "\t1", NULL },
    { "a :1", NULL, NULL }, { "a;=1", NULL, NULL }, { "x;a", NULL, NULL }, { ";", NULL, NULL },
    { "a ", NULL, NULL }, { "=a=1", NULL, NULL },
};

static void check_cookie(struct str field, struct str name, const char *want)
{
    struct str value = STR("unset");
    const bool found = accept_cookie(field, name, &value);
    if (found && want)
        is_mem(value.at, value.len, want, strlen(want), "cookie %.*s in \"%.*s\"", STR_FMT(name),
               STR_FMT(field));
    else
        ok(!found && !want, "no cookie %.*s in \"%.*s\"", STR_FMT(name), STR_FMT(field));
}

static void check_cookies(void)
{
    for (size_t i = 0; i < countof(cookies); i++) {
        const struct str field = exact(cookies[i].field);
        check_cookie(field, STR("a"), cookies[i].a);
        check_cookie(field, STR("ab"), cookies[i].ab);
        drop(field);
    }
}

int main(void)
{
    check_qualities();
    check_etags();
    check_cookies();
    return done_testing();
}
