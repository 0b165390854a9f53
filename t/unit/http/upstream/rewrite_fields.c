/*
 * Rules over Location, Refresh and Set-Cookie: what the configuration may say, and what becomes of
 * values; each row as nginx answers it, unless it says otherwise.
 * Owns one rig for the time of a group of rows.
 */
#include "http/upstream/rewrite_fields.c"

#include "t/unit/http/upstream/rewrite_rig.h"
#include "t/unit/tap.h"

/* --- values ---------------------------------------------------------------------------------- */

struct row {
    const char *conf;                   /* NULL: as in the row before it */
    const char *value, *result;         /* NULL: it is not changed */
};

typedef enum rewritten rewrite_fn(struct rig *rig, struct str value, struct str *out);

static enum rewritten location(struct rig *rig, struct str value, struct str *out)
{
    return rewrite_location(&rig->redirects, &rig->s, value, out);
}

static enum rewritten refresh(struct rig *rig, struct str value, struct str *out)
{
    return rewrite_refresh(&rig->redirects, &rig->s, value, out);
}

static enum rewritten cookie(struct rig *rig, struct str value, struct str *out)
{
    return rewrite_cookie(&rig->cookies, &rig->s, value, out);
}

/* The bytes behind the value are not readable as a part of it. */
static void check(struct rig *rig, rewrite_fn *rewrite, const char *conf, const struct row *row)
{
    struct str out = STR_NONE;
    const size_t len = strlen(row->value);
    char *copy = malloc(len ? len : 1);
    ASSERT(copy);
    memcpy(copy, row->value, len);
    const enum rewritten result = rewrite(rig, str_of(copy, len), &out);
    ok(result == (row->result ? REWRITTEN : REWRITTEN_NOT), "%s \"%s\": %s", conf, row->value,
       row->result ? "changed" : "not changed");
    if (result == REWRITTEN && row->result)
        is_str(out.at, row->result, "and what it becomes");
    free(copy);
}

static void check_rows(rewrite_fn *rewrite, const struct row *at, size_t count)
{
    const char *conf = NULL;
    struct rig rig;
    for (size_t i = 0; i < count; i++) {
        if (at[i].conf) {
            if (conf)
                rig_end(&rig);
            conf = at[i].conf;
            rig_begin(&rig);
            ok(rig_configure(&rig, conf), "%s", conf);
        }
        check(&rig, rewrite, conf, &at[i]);
    }
    rig_end(&rig);
}

static const struct row locations[] = {
    { "proxy_redirect default;", "http://127.0.0.1:1/two/a", "/one/a" },
    { NULL, "http://127.0.0.1:1/two/", "/one/" },
    { NULL, "http://127.0.0.1:1/two", NULL },
    { NULL, "HTTP://127.0.0.1:1/two/", NULL },
    { NULL, "/two/a", NULL },
    { NULL, "", NULL },
    { "proxy_redirect off;", "http://127.0.0.1:1/two/a", NULL },
    { "proxy_redirect http://x/ /; proxy_redirect http://x/b /c; proxy_redirect default; "
      "proxy_redirect / /pre/;", "http://x/b", "/b" },
    { NULL, "http://127.0.0.1:1/two/a", "/one/a" },
    { NULL, "/a", "/pre/a" },
    { NULL, "//a/b", "/pre//a/b" },
    { "proxy_redirect ~^http://([^/]+)/(.*)$ https://$1.$host/$2?;", "http://x/b#f",
      "https://x.fr/b#f?" },
    { NULL, "HTTP://x/b", NULL },
    { "proxy_redirect ~*^http://([^/]+)/ https://$1/;", "HTTP://X/b", "https://X/" },
    { "proxy_redirect ~*(?<n>b+) -$n-;", "http://x/bBc", "-bB-" },
    { "proxy_redirect http://$host/ https://z/; proxy_redirect $none /EMPTY;", "http://fr/b",
      "https://z/b" },
    { NULL, "http://frr/b", "/EMPTYhttp://frr/b" },
    { "proxy_redirect '' /EMPTY;", "", "/EMPTY" },
    { "proxy_redirect / '';", "/b", "b" },
    { "proxy_redirect http://a/ $1/;", "http://a/b", "/b" },
    { "proxy_redirect '~ x' y;", "http://a/b xc", "y" },
    { "proxy_redirect ~ $none;", "http://a/", "" },
    { "proxy_redirect ~* x;", "http://a/", "x" },
    { "proxy_redirect off x; proxy_redirect default y;", "offer", "xer" },
    { NULL, "default", "y" },
};

static const struct row refreshes[] = {
    { "proxy_redirect default;", "5", NULL },
    { NULL, "5; url=http://127.0.0.1:1/two/a", "5; url=/one/a" },
    { NULL, "5; UrL=http://127.0.0.1:1/two/a", "5; UrL=/one/a" },
    { NULL, "url=http://127.0.0.1:1/two/", "url=/one/" },
    { NULL, "5;url='http://127.0.0.1:1/two/a'", NULL },
    { NULL, "5;url = http://127.0.0.1:1/two/a", NULL },
    { NULL, "5, http://127.0.0.1:1/two/a", NULL },
    { NULL, "0; xurl=http://127.0.0.1:1/two/a; url=http://127.0.0.1:1/two/",
      "0; xurl=/one/a; url=http://127.0.0.1:1/two/" },
    { NULL, "0; url=x; url=http://127.0.0.1:1/two/a", NULL },
    { NULL, "ururl=http://127.0.0.1:1/two/a", "ururl=/one/a" },
    { NULL, "5; url=", NULL },
    { NULL, "url", NULL },
    { NULL, "", NULL },
    { "proxy_redirect '' /z;", "5; url=", "5; url=/z" },
    { NULL, "5", NULL },
    { "proxy_redirect ~^http://(.*)$ [$1];", "1; url=http://x/b", "1; url=[x/b]" },
};

static const struct row domains[] = {
    { "proxy_cookie_domain localhost example.org;", "a=b; domain=localhost",
      "a=b; domain=example.org" },
    { NULL, "a=b; Domain=LOCALHOST; Path=/", "a=b; Domain=example.org; Path=/" },
    { NULL, "a=b;domain=localhost;path=/", "a=b; domain=example.org; path=/" },
    { NULL, "a=b; domain=.localhost", "a=b; domain=.example.org" },
    { NULL, "a=b; domain = localhost ; x = y ;z", "a=b; domain=example.org; x=y; z" },
    { NULL, "a=b; domain=x.localhost", NULL },
    { NULL, "a=b; domain=localhost.x", NULL },
    { NULL, "a=b; domain=\"localhost\"", NULL },
    { NULL, "domain=localhost", NULL },
    { NULL, "a=domain=localhost", NULL },
    { NULL, "a=b; xdomain=localhost", NULL },
    { NULL, "a=b; domain=localhost; domain=localhost",
      "a=b; domain=example.org; domain=example.org" },
    { NULL, "a=b; domain", NULL },
    { NULL, "a=b; domain=", NULL },
    { NULL, "a=\"x; domain=localhost\"; domain=localhost",
      "a=\"x; domain=localhost\"; domain=example.org" },
    { NULL, "a=b;\tdomain\t=\tlocalhost\t", "a=b; domain=example.org" },    /* nginx: no tabs */
    { NULL, "a=b; domain=localhost=", NULL },
    { NULL, "a=b;", NULL },
    { NULL, "", NULL },
    { NULL, ";", NULL },
    { NULL, "a=b; ; domain=localhost;", "a=b; ; domain=example.org; " },
    { "proxy_cookie_domain .localhost .example.org;", "a=b; domain=localhost",
      "a=b; domain=example.org" },
    { NULL, "a=b; domain=.localhost", "a=b; domain=.example.org" },
    { NULL, "a=b; domain=..localhost", NULL },
    { "proxy_cookie_domain ~\\.?([a-z]+)\\.com$ $1.org;", "a=b; domain=.y.x.COM",
      "a=b; domain=x.org" },
    { "proxy_cookie_domain ~^(.*)$ .[$1];", "a=b; domain=.x ; z", "a=b; domain=.[.x]; z" },
    { NULL, "a=b; domain=", "a=b; domain=.[]" },
    { NULL, "a=b; domain", NULL },
    { "proxy_cookie_domain $host $1.z;", "a=b; domain=FR", "a=b; domain=z" },
    { NULL, "a=b; domain=.fr", "a=b; domain=.z" },
    { "proxy_cookie_domain $dotted x$dotted;", "a=b; domain=fr", "a=b; domain=x.fr" },  /* no */
    { "proxy_cookie_domain a b; proxy_cookie_domain b c; proxy_cookie_domain a d;",
      "a=b; domain=a; domain=b", "a=b; domain=b; domain=c" },
    { "proxy_cookie_domain off;", "a=b; domain=a", NULL },
    { "proxy_cookie_domain a '';", "a=b; domain=a; x", "a=b; domain=; x" },
    { "proxy_cookie_domain '' x;", "a=b; domain=.; x", "a=b; domain=.x; x" },
};

static const struct row paths[] = {
    { "proxy_cookie_path /two/ /;", "a=b; path=/two/x", "a=b; path=/x" },
    { NULL, "a=b; Path=/two/", "a=b; Path=/" },
    { NULL, "a=b; path=/two", NULL },
    { NULL, "a=b; path=/TWO/x", NULL },
    { NULL, "a=b; path = /two/x ; y", "a=b; path=/x; y" },
    { NULL, "a=b; path=\"/two/x\"", NULL },
    { NULL, "path=/two/; PATH=/two/; path=/two/z", "path=/two/; PATH=/; path=/z" },
    { "proxy_cookie_path / /one/;", "a=b", NULL },
    { NULL, "a=b;path=/;secure", "a=b; path=/one/; secure" },
    { NULL, "a=b; path=; x", NULL },
    { NULL, "a=b; path", NULL },
    { "proxy_cookie_path ~^/(.*)$ /$1/z;", "a=b; Path=/Q; secure", "a=b; Path=/Q/z; secure" },
    { NULL, "a=b; path=x", NULL },
    { "proxy_cookie_path ~^/user/ /u;", "a=b; path=/USER/q", NULL },
    { "proxy_cookie_path ~*^/user/([^/]+) /u/$1;", "a=b; path=/USER/q/r", "a=b; path=/u/q" },
    { "proxy_cookie_path / '/; secure; HttpOnly';", "a=b; path=/",
      "a=b; path=/; secure; HttpOnly" },
    { "proxy_cookie_path '' /x;", "a=b; path=/; secure", "a=b; path=/x/; secure" },
    { "proxy_cookie_path off;", "a=b; path=/", NULL },
};

static const struct row flags[] = {
    { "proxy_cookie_flags a secure;", "a=b", "a=b; Secure" },
    { NULL, "A=b", "A=b; Secure" },
    { NULL, "ab=c", NULL },
    { NULL, "a", NULL },
    { NULL, "a; x=y", NULL },
    { NULL, " a =b", "a=b; Secure" },
    { NULL, "a=b; secure", NULL },
    { NULL, "a=b;SECURE;", NULL },                                  /* nginx: with its blanks */
    { NULL, "a=b; secure=1", NULL },
    { NULL, "a=\"q; r\"", "a=\"q; r\"; Secure" },
    { NULL, "x=b; a=c", NULL },
    { "proxy_cookie_flags a nosecure;", "a=b", NULL },
    { NULL, "a=b;Secure;path=/", "a=b; path=/" },
    { NULL, "a=b; SECURE; secure=1; path=/", "a=b; path=/" },
    { NULL, "secure; a=b", NULL },
    { NULL, "a=b; secure;", "a=b; " },
    { NULL, "a=b; xsecure", NULL },
    { "proxy_cookie_flags a secure httponly samesite=strict;", "a=b",
      "a=b; Secure; HttpOnly; SameSite=Strict" },
    { NULL, "a=b; HttpOnly; path=/", "a=b; HttpOnly; path=/; Secure; SameSite=Strict" },
    { NULL, "a=b; SameSite=Lax; path=/", "a=b; SameSite=Strict; path=/; Secure; HttpOnly" },
    { NULL, "a=b; samesite=STRICT;secure;httponly", NULL },
    { NULL, "a=b; samesite", "a=b; SameSite=Strict; Secure; HttpOnly" },
    { NULL, "a=b; samesite = lax", "a=b; SameSite=Strict; Secure; HttpOnly" },
    { NULL, "a=b; samesite=Strict; samesite=Lax",                   /* nginx: the second stays */
      "a=b; samesite=Strict; SameSite=Strict; Secure; HttpOnly" },
    { "proxy_cookie_flags a samesite=none;", "a=b; samesite=lax", "a=b; SameSite=None" },
    { "proxy_cookie_flags a nosamesite;", "a=b; samesite=lax; q", "a=b; q" },
    { NULL, "a=b; SameSite", "a=b" },
    { "proxy_cookie_flags a nohttponly;", "a=b; HttpOnly=1; q", "a=b; q" },
    { "proxy_cookie_flags a secure nosecure;", "a=b", "a=b; Secure" },
    { "proxy_cookie_flags a nosecure secure;", "a=b; secure; x", NULL },
    { "proxy_cookie_flags a samesite=lax samesite=strict;", "a=b", "a=b; SameSite=Strict" },
    { "proxy_cookie_flags a nosamesite samesite=lax;", "a=b; samesite=none",
      "a=b; SameSite=Lax" },
    { "proxy_cookie_flags ~^x secure;", "Xa=b", "Xa=b; Secure" },
    { NULL, "ax=b", NULL },
    { "proxy_cookie_flags ~x=b secure;", "x=b", NULL },
    { "proxy_cookie_flags ~^(.)(.*)$ samesite=$2 $flag;", "xstrict=z", "xstrict=z; SameSite=Lax" },
    { "proxy_cookie_flags ~^(.)(.*)$ samesite=$2;", "xstrict=z", "xstrict=z; SameSite=Strict" },
    { NULL, "xnope=z", NULL },
    { "proxy_cookie_flags $host $flag;", "FR=b", "FR=b; SameSite=Lax" },
    { "proxy_cookie_flags a SECURE no samesite;", "a=b", "a=b; Secure" },
    { "proxy_cookie_flags a secure=1 nosecure=1 nosamesite=lax;", "a=b; secure; samesite=x", NULL },
    { "proxy_cookie_flags '' secure;", "=b", "=b; Secure" },
    { "proxy_cookie_flags ~ secure;", "", NULL },
    { NULL, "a", NULL },
    { NULL, "=", "=; Secure" },
    { "proxy_cookie_flags a x; proxy_cookie_flags ~ secure;", "a=b", NULL },
    { NULL, "c=d", "c=d; Secure" },
    { "proxy_cookie_flags off;", "a=b; secure", NULL },
    { "proxy_cookie_path / /z/; proxy_cookie_domain a b; "
      "proxy_cookie_flags ~ secure httponly samesite=lax;",
      "a=b;Domain=a;Path=/;x=y;Path=/q;HttpOnly",
      "a=b; Domain=b; Path=/z/; x=y; Path=/z/q; HttpOnly; Secure; SameSite=Lax" },
    { NULL, "a=b;  domain=c;path=x ;  q;;",
      "a=b; domain=c; path=x; q; ; ; Secure; HttpOnly; SameSite=Lax" },
};

/* --- what fails ------------------------------------------------------------------------------ */

static void test_failures(void)
{
    static const struct {
        const char *conf, *value;
        rewrite_fn *rewrite;
    } cases[] = {
        { "proxy_redirect $bad x;", "/", location },
        { "proxy_redirect / $bad;", "/", location },
        { "proxy_redirect / $big;", "/12345678", location },
        { "proxy_redirect / $big;", "1; url=/1", refresh },
        { "proxy_redirect '~^(a+)+$' x;", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
          location },
        { "proxy_cookie_domain $bad x;", "a=b; domain=c", cookie },
        { "proxy_cookie_domain c $bad;", "a=b; domain=c", cookie },
        { "proxy_cookie_path / $big;", "a=b; path=/", cookie },
        { "proxy_cookie_path / $big;", "a=b; path=/; path=/; x", cookie },
        { "proxy_cookie_flags $bad secure;", "a=b", cookie },
        { "proxy_cookie_flags a $bad;", "a=b", cookie },
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct rig rig;
        struct str out = STR("untouched");
        rig_begin(&rig);
        ok(rig_configure(&rig, cases[i].conf), "%s", cases[i].conf);
        is_int(cases[i].rewrite(&rig, str_from(cases[i].value), &out), REWRITE_FAILED,
               "%s fails", cases[i].value);
        is_str(out.at, "untouched", "no result");
        rig_end(&rig);
    }
}

static void test_errors(void)
{
    static const struct {
        const char *conf, *error;
    } cases[] = {
        { "proxy_redirect on;", "invalid parameter \"on\"" },
        { "proxy_redirect off; proxy_redirect a b;", "\"proxy_redirect\" directive is duplicate" },
        { "proxy_redirect a b; proxy_redirect off;", "\"proxy_redirect\" directive is duplicate" },
        { "proxy_redirect off; proxy_redirect off;", "\"proxy_redirect\" directive is duplicate" },
        { "proxy_redirect a ${x;", "the closing bracket in \"x\" variable is missing" },
        { "proxy_redirect $ a;", "invalid variable name" },
        { "proxy_redirect ~( a;",
          "pcre2_compile() failed: missing closing parenthesis in \"(\"" },
        { "proxy_cookie_domain default;", "invalid parameter \"default\"" },
        { "proxy_cookie_domain ~*x y;", "pcre2_compile() failed: quantifier does not follow a "
                                        "repeatable item in \"*x\" at \"*x\"" },
        { "proxy_cookie_flags a;", "invalid parameter \"a\"" },
        { "proxy_cookie_flags ~*x y;", "pcre2_compile() failed: quantifier does not follow a "
                                       "repeatable item in \"*x\" at \"*x\"" },
        { "proxy_cookie_flags a secure; proxy_cookie_flags off;",
          "\"proxy_cookie_flags\" directive is duplicate" },
        { "proxy_cookie_path off; proxy_cookie_path a b;",
          "\"proxy_cookie_path\" directive is duplicate" },
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct rig rig;
        rig_begin(&rig);
        ok(!rig_configure(&rig, cases[i].conf), "%s", cases[i].conf);
        is_str(rig.list.first ? rig.list.first->message.at : NULL, cases[i].error, "its error");
        rig_end(&rig);
    }
}

/* --- default --------------------------------------------------------------------------------- */

static void test_default(void)
{
    static const struct {
        enum redirect_default_result meaning;
        const char *error;
    } cases[] = {
        { REDIRECT_DEFAULT_EARLY, "\"proxy_redirect default\" should be placed after the "
                                  "\"proxy_pass\" directive" },
        { REDIRECT_DEFAULT_VARIABLES, "\"proxy_redirect default\" cannot be used with "
                                      "\"proxy_pass\" directive with variables" },
    };
    struct rig rig;
    for (size_t i = 0; i < countof(cases); i++) {
        rig_begin(&rig);
        rig.meaning = cases[i].meaning;
        ok(!rig_configure(&rig, "proxy_redirect default;"), "default without a meaning");
        is_str(rig.list.first ? rig.list.first->message.at : NULL, cases[i].error, "its error");
        rig_end(&rig);
    }
}

static void test_finish(void)
{
    static const char *const confs[] = { "", "proxy_redirect off;", "proxy_redirect /a /b;" };
    static const char *const results[] = { "/here/x", NULL, NULL };
    for (size_t i = 0; i < countof(confs); i++) {
        const struct row row = { NULL, "http://up/x", results[i] };
        struct rig rig;
        rig_begin(&rig);
        ok(rig_configure(&rig, confs[i]), "\"%s\"", confs[i]);
        rewrites_finish(&rig.cf, &rig.redirects, STR("http://up/"), STR("/here/"));
        rewrites_finish(&rig.cf, &rig.redirects, STR("http://up/"), STR("/again/"));
        check(&rig, location, confs[i], &row);
        rig_end(&rig);
    }
}

/* Without rules nothing is looked at, and nothing allocated. */
static void test_none(void)
{
    struct rig rig;
    struct str out = STR("untouched");
    rig_begin(&rig);
    const size_t used = rig.pool.used;
    const char *const bump = rig.pool.bump;
    is_int(location(&rig, STR("/"), &out), REWRITTEN_NOT, "no redirects");
    is_int(refresh(&rig, STR("url=/"), &out), REWRITTEN_NOT, "no redirects, Refresh");
    is_int(cookie(&rig, STR("a=b; domain=c; path=/; secure"), &out), REWRITTEN_NOT, "no rules");
    ok(rig.pool.used == used && rig.pool.bump == bump, "no memory is taken");
    is_str(out.at, "untouched", "no result");
    rig_end(&rig);
}

int main(void)
{
    conf_register(rig_modules);
    check_rows(location, locations, countof(locations));
    check_rows(refresh, refreshes, countof(refreshes));
    check_rows(cookie, domains, countof(domains));
    check_rows(cookie, paths, countof(paths));
    check_rows(cookie, flags, countof(flags));
    test_failures();
    test_errors();
    test_default();
    test_finish();
    test_none();
    return done_testing();
}
