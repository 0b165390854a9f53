/*
 * Password files: credentials, lines in pieces of any size, hashes of every kind, files.
 * Owns its pools and one folder of files.
 */
#include "http/htpasswd.c"

#include "t/unit/tap.h"

static const char *credentials(const char *field)
{
    static char text[256];
    struct str user, password;
    struct pool pool;
    struct fmt f;
    pool_init(&pool, &pool_heap);
    fmt_init(&f, text, sizeof(text));
    if (htpasswd_credentials(str_from(field), &pool, &user, &password)) {
        ok(user.at[user.len] == '\0' && password.at[password.len] == '\0', "NUL behind both");
        fmt_print(&f, "%.*s|%.*s", STR_FMT(user), STR_FMT(password));
    } else
        fmt_text(&f, "none");
    pool_free(&pool);
    return fmt_done(&f).at;
}

static void test_credentials(void)
{
    is_str(credentials("Basic dXNlcjpwYXNz"), "user|pass", "name and password");
    is_str(credentials("bAsIc   dXNlcjpwYXNz  "), "user|pass", "case and blanks");
    is_str(credentials("Basic dXNlcjphOmI="), "user|a:b", "the first colon counts");
    is_str(credentials("Basic dXNlcjo="), "user|", "an empty password");
    is_str(credentials("Basic OnBhc3M="), "none", "no name");
    is_str(credentials("Basic dXNlcg=="), "none", "no colon");
    is_str(credentials("Basic dXNlcgA6cGFzcw=="), "none", "a NUL in the name");
    is_str(credentials("Basic dXNlcjpwAHNz"), "none", "a NUL in the password");
    is_str(credentials("Basic dXNl*jpwYXNz"), "none", "no base64");
    is_str(credentials("Digest dXNlcjpwYXNz"), "none", "another scheme");
    is_str(credentials("Basic"), "none", "only a scheme");
    is_str(credentials("Basic\tdXNlcjpwYXNz"), "none", "a tab");
    is_str(credentials(""), "none", "nothing");
}

/* --- lines ------------------------------------------------------------------------------------ */

static const char *find(struct str text, const char *user, size_t piece)
{
    static struct htpasswd_search search;
    struct str hash, part;
    htpasswd_begin(&search, str_from(user));
    for (size_t at = 0; str_sub(text, at, size_min(piece, text.len - at), &part) && part.len;
         at += part.len)
        if (!htpasswd_feed(&search, part))
            break;
    return htpasswd_end(&search, &hash) ? hash.at : "none";
}

static void test_lines(void)
{
    static const struct str text =
        STR_INIT("# one:comment\n\none:first\none:second\nrest:hash:more\ncr:hash\r\n:nameless\n"
                 "oneone:longer\nempty:\nnocolon\n bl:x\n#sharp:x\nbl:y\nlast:end");
    static const char *const rows[][2] = {
        { "one", "first" }, { "rest", "hash" }, { "cr", "hash" }, { "oneone", "longer" },
        { "empty", "" }, { "nocolon", "none" }, { " bl", "x" }, { "bl", "y" }, { "last", "end" },
        { "on", "none" }, { "onee", "none" }, { "# one", "none" }, { "#sharp", "none" },
        { "sharp", "none" }, { "y\nlast", "none" }, { "more", "none" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        unsigned bad = 0;
        for (size_t piece = 1; piece <= text.len; piece++)
            bad += strcmp(find(text, rows[i][0], piece), rows[i][1]) != 0;
        is_uint(bad, 0, "row %zu: \"%s\", however the text is cut", i, rows[i][1]);
    }
    is_str(find(STR_NONE, "one", 1), "none", "an empty file");
}

static void test_long_hash(void)
{
    char text[HTPASSWD_HASH_MOST + 4] = "a:";
    memset(text + 2, 'x', sizeof(text) - 2);
    is_uint(strlen(find(str_of(text, HTPASSWD_HASH_MOST + 2), "a", 100)), HTPASSWD_HASH_MOST,
            "the longest hash");
    is_str(find(str_of(text, HTPASSWD_HASH_MOST + 3), "a", 100), "", "a longer one is empty");
}

/* --- hashes ----------------------------------------------------------------------------------- */

static void check(const char *hash, const char *password, bool good)
{
    is_int(htpasswd_check(str_from(hash), str_from(password)),
           good ? HTPASSWD_MATCHES : HTPASSWD_DIFFERS, "%s and \"%s\"", hash, password);
}

static void test_hashes(void)
{
    static const char *const hashes[] = {
        "{PLAIN}pw", "{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=", "{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM",
        "{SSHA}K/qCHdTzr1rftXNEV4Ob7XsySBlzYWx0", "$apr1$1KzoiTlR$EsyKan.eDpF3QTrBxhvmw.",
        "$2y$05$0VKoQdK9jG7zetWUA8lggueeYcSZaI8CAQ5gcsIrdgzYJFnJS58Fi", "hGp9TKojeOr0s",
        "$5$abc$/LKlXd6vuvdFX3oWbf2vGk3DgflzzsvOtMZsiOxqqY5", "$1$abc$Kb85XxsXB.VXinPhbS4431",
    };
    static const char *const never[] = {
        "", "pw", "{SHA}", "{SHA}!!!", "{SHA}K/qCHdTzr1rftXNEV4Ob7XsySBlzYWx0", "{SSHA}YWJj",
        "{SSHA}", "{sha}GpHWL3ymc5liWkNopqtdSjuqYHM=", "$apr1$", "$apr1$salt", "$apr1$salt$",
        "$apr1$123456789$EsyKan.eDpF3QTrBxhvmw.", "$apr1$1KzoiTlR$EsyKan.eDpF3QTrBxhvmw.x",
        "$9$abc$def", "*", "*0", "*1", "$5$", "$2y$99$0VKoQdK9jG7zetWUA8lggu", "x",
    };
    for (size_t i = 0; i < countof(hashes); i++) {
        check(hashes[i], "pw", true);
        check(hashes[i], "pW", false);
        check(hashes[i], "", false);
    }
    for (size_t i = 0; i < countof(never); i++) {
        if (strcmp(never[i], "pw") != 0)
            check(never[i], "pw", false);
        check(never[i], never[i], false);
        check(never[i], "", false);
    }
    check("{PLAIN}", "", true);
    check("{PLAIN}", "x", false);
}

/* Passwords of other lengths than a digest has; made by openssl passwd -apr1. */
static void test_apr1(void)
{
    check("$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.", "", true);
    check("$apr1$abcdefgh$sxHfOFLANAYXeGF./FBFh.", "0123456789abcdef", true);
    check("$apr1$ab$rB9fA3nnfo6ftsrCN4ce4/", "0123456789abcdef0123456789abcdef0", true);
}

static void test_files(void)
{
    char folder[] = "/tmp/htpasswd-XXXXXX", path[64];
    struct fmt f;
    if (!mkdtemp(folder))
        abort();
    fmt_init(&f, path, sizeof(path));
    fmt_print(&f, "%s/users", folder);
    const struct str user = STR("user"), password = STR("pw");
    is_int(htpasswd_ask(path, user, password), HTPASSWD_NO_FILE, "no file");
    is_int(errno, ENOENT, "because it is not there");
    is_int(htpasswd_ask(folder, user, password), HTPASSWD_NO_TEXT, "a folder");
    is_int(errno, EISDIR, "because it is one");
    FILE *file = fopen(path, "w");
    if (!file)
        abort();
    for (unsigned i = 0; i < 2000; i++)
        fprintf(file, "user%u:{PLAIN}no\n", i);
    fputs("user:{PLAIN}pw", file);
    fclose(file);
    is_int(htpasswd_ask(path, user, password), HTPASSWD_MATCHES, "far down in a file");
    is_int(htpasswd_ask(path, user, STR("no")), HTPASSWD_DIFFERS, "another password");
    is_int(htpasswd_ask(path, STR("use"), password), HTPASSWD_NO_USER, "nobody");
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    test_credentials();
    test_lines();
    test_long_hash();
    test_hashes();
    test_apr1();
    test_files();
    return done_testing();
}
