/*
 * The lexer of configuration text: tokens, places, the text of words, environment references.
 * Owns nothing.
 */
#include "core/conf_lexer.c"

#include "t/unit/tap.h"

/* SET is "a;b c", EMPTY is empty, DOLLAR is "$host", everything else is unset. */
static bool test_env(void *data, struct str name, struct str *value)
{
    (*(unsigned *)data)++;
    *value = str_eq(name, STR("SET")) ? STR("a;b c")
        : str_eq(name, STR("DOLLAR")) ? STR("$host") : STR("");
    return value->len > 0 || str_eq(name, STR("EMPTY"));
}

static void show_word(struct fmt *f, struct str text, const struct conf_token *token)
{
    char buffer[512];
    struct fmt out;
    struct conf_text_fault fault;
    struct str raw = STR_NONE;
    unsigned asked = 0;
    const struct conf_env env = { test_env, &asked };
    fmt_init(&out, buffer, sizeof(buffer));
    if (!str_sub(text, token->offset, token->len, &raw))
        fmt_text(f, "OUTSIDE");
    else if (conf_lexer_text(raw, token->quoted, &env, &out, &fault))
        fmt_print(f, token->quoted ? "<%s>" : "[%s]", fmt_done(&out).at);
    else
        fmt_print(f, "[!%d %zu+%zu %.*s]", fault.error, fault.offset, fault.len,
                  STR_FMT(fault.name));
}

static void show_token(struct fmt *f, struct str text, const struct conf_token *token)
{
    switch (token->kind) {
    case CONF_TOKEN_WORD:
        show_word(f, text, token);
        break;
    case CONF_TOKEN_SEMICOLON:
        fmt_char(f, ';');
        break;
    case CONF_TOKEN_OPEN:
        fmt_char(f, '{');
        break;
    case CONF_TOKEN_CLOSE:
        fmt_char(f, '}');
        break;
    case CONF_TOKEN_ERROR:
        fmt_print(f, "!%d@%zu+%zu", token->error, token->offset, token->len);
        break;
    case CONF_TOKEN_END:
        fmt_char(f, '.');
        break;
    }
}

/* Words as [text], quoted ones as <text>, errors as !code@offset+length, "." at the end. */
static void tokens(struct fmt *f, struct str text)
{
    struct conf_lexer lexer;
    struct conf_token token;
    conf_lexer_init(&lexer, text);
    do {
        conf_lexer_next(&lexer, &token);
        show_token(f, text, &token);
    } while (token.kind != CONF_TOKEN_END);
}

static const struct {
    struct str text;
    const char *tokens;
} grammar[] = {
    /* Plain words and marks. */
    { STR_INIT(""), "." },
    { STR_INIT(" \t\r\n"), "." },
    { STR_INIT("a"), "[a]." },
    { STR_INIT("listen 80;"), "[listen][80];." },
    { STR_INIT("a\tb\r\nc\n;"), "[a][b][c];." },
    { STR_INIT("events{}"), "[events]{}." },
    { STR_INIT("events\r\n{\r\n}\r\n"), "[events]{}." },
    { STR_INIT(";;{}{"), ";;{}{." },
    { STR_INIT("a;}b"), "[a];}[b]." },
    { STR_INIT("a}b;"), "[a}b];." },
    { STR_INIT("}b;"), "}[b];." },
    { STR_INIT("a{b}c;"), "[a]{[b}c];." },
    { STR_INIT("a\vb\fc\1"), "[a\vb\fc\1]." },
    { STR_INIT("(a) b)"), "[(a)][b)]." },
    { STR_INIT("\xe4\xff\xfe;"), "[\xe4\xff\xfe];." },
    /* Comments. */
    { STR_INIT("#"), "." },
    { STR_INIT("# x { ; \" \na"), "[a]." },
    { STR_INIT("a#b #c\nd;#e"), "[a#b][d];." },
    { STR_INIT("#a\rb\n#c\n\n#d"), "." },
    { STR_INIT("#\0\na"), "[a]." },
    { STR_INIT("\\#a"), "[\\#a]." },
    { STR_INIT("a;#b\n}#c"), "[a];}." },
    /* Quotes. */
    { STR_INIT("\"a b\";"), "<a b>;." },
    { STR_INIT("'a;{}#\"b'{"), "<a;{}#\"b>{." },
    { STR_INIT("\"\" '' ;"), "<><>;." },
    { STR_INIT("\"a\nb\";"), "<a\nb>;." },
    { STR_INIT("a\"b c\"d;"), "[a\"b][c\"d];." },
    { STR_INIT("it's"), "[it's]." },
    { STR_INIT("(\"a\")"), "[(\"a\")]." },
    { STR_INIT("\"a\")b {"), "<a>[)b]{." },
    { STR_INIT("\"a\"\tb\n'c'\r;"), "<a>[b]<c>;." },
    { STR_INIT("\"a\""), "<a>." },
    /* What follows a closing quote. */
    { STR_INIT("\"a\"b;"), "<a>!2@3+1[b];." },
    { STR_INIT("\"a\"\"b\";"), "<a>!2@3+1<b>;." },
    { STR_INIT("'a'#b"), "<a>!2@3+1." },
    { STR_INIT("\"a\"}"), "<a>!2@3+1}." },
    { STR_INIT("'it's';"), "<it>!2@4+1[s'];." },
    /* Quotes that are not closed; the rest of the line is the only thing that may be read on. */
    { STR_INIT("a \"b"), "[a]!1@2+2." },
    { STR_INIT("a \"b;\nc;"), "[a]!1@2+6;[c];." },
    { STR_INIT("a \"b {  \r\nc;"), "[a]!1@2+10{[c];." },
    { STR_INIT("a \"b\nc;"), "[a]!1@2+5." },
    { STR_INIT("\""), "!1@0+1." },
    { STR_INIT("\"\\\""), "!1@0+3." },
    { STR_INIT("\"a\\"), "!1@0+3." },
    /* Escapes. */
    { STR_INIT("\"a\\tb\\rc\\nd\\\"e\\'f\\\\g\""), "<a\tb\rc\nd\"e'f\\g>." },
    { STR_INIT("'a\\tb\\rc\\nd\\\"e\\'f\\\\g'"), "<a\tb\rc\nd\"e'f\\g>." },
    { STR_INIT("a\\tb\\rc\\nd\\\"e\\'f\\\\g"), "[a\tb\rc\nd\"e'f\\g]." },
    { STR_INIT("\\q\\$\\x \"\\q\\$\\x\""), "[\\q\\$\\x]<\\q\\$\\x>." },
    { STR_INIT("a\\ b a\\;b a\\{b a\\}b"), "[a\\ b][a\\;b][a\\{b][a\\}b]." },
    { STR_INIT("\\\"a b\\\""), "[\"a][b\"]." },
    { STR_INIT("\\'a"), "['a]." },
    { STR_INIT("a\\\nb"), "[a\\\nb]." },
    { STR_INIT("a\\"), "[a\\]." },
    { STR_INIT("\\\\\\"), "[\\\\]." },
    { STR_INIT("a\\;"), "[a\\;]." },
    /* Variables. */
    { STR_INIT("${a} a${b}c $${a};"), "[${a}][a${b}c][$${a}];." },
    { STR_INIT("$a{b"), "[$a]{[b]." },
    { STR_INIT("\\${a"), "[\\$]{[a]." },
    { STR_INIT("$ {a"), "[$]{[a]." },
    { STR_INIT("${a b} ${a;b}"), "[${a][b}][${a];[b}]." },
    { STR_INIT("${ ${} ${a}{"), "[${][${}][${a}]{." },
    { STR_INIT("\"$\"{"), "<$>{." },
    { STR_INIT("a$"), "[a$]." },
    /* NUL is no text; nothing behind it is read. */
    { STR_INIT("\0"), "!3@0+1." },
    { STR_INIT("a b\0c;d"), "[a]!3@3+1." },
    { STR_INIT("a \"b\0c\";d"), "[a]!3@4+1." },
    { STR_INIT("a\\\0b;"), "!3@2+1." },
    { STR_INIT("\"a\"\0"), "<a>!2@3+1!3@3+1." },
    { STR_INIT("\xff\xfe" "e\0v\0"), "!3@3+1." },
    /* A byte order mark is skipped, at the beginning only. */
    { STR_INIT("\xef\xbb\xbf" "a;"), "[a];." },
    { STR_INIT("\xef\xbb\xbf#a\n"), "." },
    { STR_INIT("\xef\xbb\xbf"), "." },
    { STR_INIT("\xef\xbb"), "[\xef\xbb]." },
    { STR_INIT("a \xef\xbb\xbf"), "[a][\xef\xbb\xbf]." },
    /* The environment. */
    { STR_INIT("${env:SET};"), "[a;b c];." },
    { STR_INIT("x${env:SET}y \"x ${env:SET} y\""), "[xa;b cy]<x a;b c y>." },
    { STR_INIT("${env:SET}${env:SET}"), "[a;b ca;b c]." },
    { STR_INIT("${env:SET:-no} ${env:NONE:-d} ${env:EMPTY:-d} ${env:NONE:-}"), "[a;b c][d][d][]." },
    { STR_INIT("${env:EMPTY}x"), "[x]." },
    { STR_INIT("${env:DOLLAR}${host}"), "[$host${host}]." },
    { STR_INIT("\"${env:NONE:-a b;{}\""), "<a b;{>." },
    { STR_INIT("\"${env:NONE:-a\\\"\\n\\}b}\""), "<a\"\n\\}b>." },
    { STR_INIT("${env:NONE:-${host}}x"), "[${host}x]." },
    { STR_INIT("${env:SET:-${host}}x"), "[a;b cx]." },
    { STR_INIT("${env:NONE:-<${env:NONE:-${env:SET}}>}!"), "[<a;b c>!]." },
    { STR_INIT("\\${env:SET}"), "[\\$]{[env:SET}]." },
    { STR_INIT("\"\\${env:SET}\""), "<\\${env:SET}>." },
    { STR_INIT("\"$${env:SET}\""), "<$a;b c>." },
    { STR_INIT("${environ} ${env} ${ENV:SET}"), "[${environ}][${env}][${ENV:SET}]." },
    { STR_INIT("#${env:NONE}"), "." },
    { STR_INIT("a${env:NONE}"), "[!6 1+11 NONE]." },
    { STR_INIT("\"a${env:NONE}b\""), "[!6 2+11 NONE]." },
    { STR_INIT("${env:NONE:-${env:OTHER}}"), "[!6 12+12 OTHER]." },
    { STR_INIT("a${env:X b}"), "[!4 1+7 X][b}]." },
    { STR_INIT("\"${env:X\""), "[!4 1+7 X]." },
    { STR_INIT("${env:X:-${a}"), "[!4 0+13 X:-${a}]." },
    { STR_INIT("${env:}"), "[!5 0+7 ]." },
    { STR_INIT("${env:1A}"), "[!5 0+9 1A]." },
    { STR_INIT("${env:A-b}"), "[!5 0+10 A-b]." },
    { STR_INIT("${env::-b}"), "[!5 0+10 ]." },
};

static void test_grammar(void)
{
    for (size_t i = 0; i < countof(grammar); i++) {
        char buffer[1024];
        struct fmt f;
        fmt_init(&f, buffer, sizeof(buffer));
        tokens(&f, grammar[i].text);
        const struct str got = fmt_done(&f);
        is_mem(got.at, got.len, grammar[i].tokens, strlen(grammar[i].tokens), "tokens, row %zu", i);
    }
}

static const struct {
    const char *text;
    unsigned lines[8], columns[8];
} places[] = {
    { "a b;", { 1, 1, 1, 1 }, { 1, 3, 4, 5 } },
    { "\ta\n\n  b;\n", { 1, 3, 3, 4 }, { 2, 3, 4, 1 } },
    { "'a\nb' c\\\nd e", { 1, 2, 3, 3 }, { 1, 4, 3, 4 } },
    { "#x\r\na\r\n{", { 2, 3, 3 }, { 1, 1, 2 } },
    { "\xef\xbb\xbf" "a\nb", { 1, 2, 2 }, { 1, 1, 2 } },
    { "\xc3\xa9 b", { 1, 1, 1 }, { 1, 4, 5 } },
};

static void test_places(void)
{
    for (size_t i = 0; i < countof(places); i++) {
        struct conf_lexer lexer;
        struct conf_token token;
        unsigned n = 0;
        conf_lexer_init(&lexer, str_from(places[i].text));
        do {
            conf_lexer_next(&lexer, &token);
            is_uint(token.line, places[i].lines[n], "line, row %zu token %u", i, n);
            is_uint(token.column, places[i].columns[n], "column, row %zu token %u", i, n);
            n++;
        } while (token.kind != CONF_TOKEN_END);
        ok(n == 8 || places[i].lines[n] == 0, "number of tokens, row %zu", i);
    }
}

/* After the end there is only the end. */
static void test_end_stays(void)
{
    struct conf_lexer lexer;
    struct conf_token token, end;
    conf_lexer_init(&lexer, STR("a\n \"b"));
    conf_lexer_end(&lexer, &end);
    is_uint(end.line, 2, "line of the end");
    is_uint(end.column, 4, "column of the end");
    is_uint(end.offset, 5, "offset of the end");
    is_uint(lexer.at, 0, "looking for the end moves nothing");
    for (unsigned i = 0; i < 6; i++)
        conf_lexer_next(&lexer, &token);
    is_int(token.kind, CONF_TOKEN_END, "still the end");
    is_uint(token.offset, 5, "its offset");
}

/* The word before the first "{" of the text, and whether it went on behind it. */
static bool quantified(const char *text, struct str *word)
{
    struct conf_lexer lexer;
    struct conf_token token, last = { 0 };
    conf_lexer_init(&lexer, str_from(text));
    for (;;) {
        conf_lexer_next(&lexer, &token);
        if (token.kind != CONF_TOKEN_WORD)
            break;
        last = token;
    }
    const size_t before = lexer.at;
    const bool found = conf_lexer_quantifier(&lexer, &last);
    ok(found ? lexer.at == last.offset + last.len : lexer.at == before, "%s: position", text);
    return str_sub(str_from(text), last.offset, last.len, word) && found;
}

static void test_quantifier(void)
{
    static const struct {
        const char *text, *word;
        bool found;
    } rows[] = {
        { "location ~ ^/a{2}$ {", "^/a{2}$", true },
        { "~ [0-9]{1,3}\\.b{2,}{", "[0-9]{1,3}\\.b{2,}", true },
        { "a{2}", "a{2}", true },
        { "a{2}{3}b c", "a{2}{3}b", true },
        { "a{2};", "a{2}", true },
        { "a {2}", "a", false },
        { "a{2", "a", false },
        { "a{}", "a", false },
        { "a{,2}", "a", false },
        { "a{b}", "a", false },
        { "a{ 2}", "a", false },
        { "'a'{2}", "'a'", false },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct str word = STR_NONE;
        ok(quantified(rows[i].text, &word) == rows[i].found, "%s: found", rows[i].text);
        is_mem(word.at, word.len, rows[i].word, strlen(rows[i].word), "%s: word", rows[i].text);
    }
}

static void test_object(void)
{
    static const struct {
        const char *text;
        size_t skipped;                 /* 0: it is no such object */
    } rows[] = {
        { "{\"a\":1};", 7 },
        { "{ \n'a':{'b':\"}\"}};", 17 },
        { "{\"a\":1;}", 0 },
        { "{\"a\" :1}", 0 },
        { "{a:1}", 0 },
        { "{\"a\":1", 0 },
        { "{\"a", 0 },
        { "{\"a\":\"}", 0 },
        { "{", 0 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct conf_lexer lexer;
        struct conf_token token;
        conf_lexer_init(&lexer, str_from(rows[i].text));
        conf_lexer_next(&lexer, &token);
        ok(conf_lexer_skip_object(&lexer) == (rows[i].skipped > 0), "object %zu", i);
        is_uint(lexer.at, rows[i].skipped ? rows[i].skipped : 1, "object %zu: position", i);
    }
}

static void test_reopen(void)
{
    static const struct {
        const char *text;
        bool reopened;
        const char *next;
    } rows[] = {
        { "\"a;\nY \"b\";", true, "<b>" },
        { "\"a;\nY \"\";", true, "<>" },
        { "'a\nb'x y;", false, "[x]" },
        { "\"a\"b\";", false, "[b\"]" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct conf_lexer lexer;
        struct conf_token word, token;
        char buffer[64];
        struct fmt f;
        fmt_init(&f, buffer, sizeof(buffer));
        conf_lexer_init(&lexer, str_from(rows[i].text));
        conf_lexer_next(&lexer, &word);
        conf_lexer_next(&lexer, &token);
        is_int(token.error, CONF_LEXER_AFTER_QUOTE, "reopen %zu: error", i);
        ok(conf_lexer_reopen(&lexer, &word) == rows[i].reopened, "reopen %zu", i);
        conf_lexer_next(&lexer, &token);
        show_token(&f, str_from(rows[i].text), &token);
        is_str(fmt_done(&f).at, rows[i].next, "reopen %zu: next token", i);
    }
}

static void test_nested_defaults(void)
{
    for (unsigned depth = 7; depth <= 10; depth++) {
        struct pool pool;
        struct fmt text, out;
        struct conf_text_fault fault;
        unsigned asked = 0;
        const struct conf_env env = { test_env, &asked };
        pool_init(&pool, &pool_heap);
        fmt_init_pool(&text, &pool, 64, 4096);
        fmt_init_pool(&out, &pool, 64, 4096);
        for (unsigned i = 0; i < depth; i++)
            fmt_text(&text, "${env:NONE:-");
        fmt_char(&text, 'x');
        fmt_repeat(&text, '}', depth);
        const bool good = conf_lexer_text(fmt_done(&text), false, &env, &out, &fault);
        ok(good == (depth <= ENV_DEPTH), "defaults nested %u deep", depth);
        if (good)
            is_str(fmt_done(&out).at, "x", "their text");
        else
            is_int(fault.error, CONF_LEXER_ENV_NESTED, "their fault");
        pool_free(&pool);
    }
}

/* No length is special: words of megabytes, and many of them. */
static void test_long_words(void)
{
    enum { SIZE = 3 << 20 };
    struct pool pool;
    struct fmt text, out;
    struct conf_lexer lexer;
    struct conf_token token;
    struct conf_text_fault fault;
    unsigned asked = 0;
    const struct conf_env env = { test_env, &asked };
    pool_init(&pool, &pool_heap);
    fmt_init_pool(&text, &pool, 3 * SIZE, 4 * SIZE);
    fmt_repeat(&text, 'a', SIZE);
    fmt_text(&text, " \"");
    for (size_t i = 0; i < SIZE / 2; i++)
        fmt_text(&text, "\\n");
    fmt_text(&text, "\";");
    conf_lexer_init(&lexer, fmt_done(&text));
    conf_lexer_next(&lexer, &token);
    is_uint(token.len, SIZE, "a long word");
    conf_lexer_next(&lexer, &token);
    is_uint(token.len, SIZE + 2, "a long quoted word");
    fmt_init_pool(&out, &pool, token.len, SIZE_MAX / 4);
    struct str raw = STR_NONE;
    ok(str_sub(fmt_done(&text), token.offset, token.len, &raw), "it lies inside");
    ok(conf_lexer_text(raw, true, &env, &out, &fault), "its text is made");
    is_uint(fmt_done(&out).len, SIZE / 2, "each escape is one byte");
    ok(str_chr(fmt_done(&out), 'n') == STR_NPOS, "and it is the newline");
    conf_lexer_next(&lexer, &token);
    is_int(token.kind, CONF_TOKEN_SEMICOLON, "then the semicolon");
    /* A builder that is too small says so. */
    char small[16];
    fmt_init(&out, small, sizeof(small));
    ok(!conf_lexer_text(raw, true, &env, &out, &fault), "no room");
    is_int(fault.error, CONF_LEXER_MEMORY, "fault without room");
    pool_free(&pool);
}

int main(void)
{
    test_grammar();
    test_places();
    test_end_stays();
    test_quantifier();
    test_object();
    test_reopen();
    test_nested_defaults();
    test_long_words();
    return done_testing();
}
