/*
 * Server-side includes as text: commands, what is none, limits of length, values and conditions.
 * Owns the pool and the parser of a page.
 */
#include "http/ssi_parse.c"

#include "t/unit/tap.h"

enum { VALUE_MOST = 16 };

/* Text as it is, commands as "{name p=value}", what is broken as "{!why}". */
static struct str read_page(struct pool *pool, struct str page, size_t step)
{
    struct ssi_parser *p = pool_new(pool, struct ssi_parser);
    struct fmt f;
    ssi_parser_init(p, pool_alloc(pool, SSI_VALUES_MOST * VALUE_MOST + 1), VALUE_MOST);
    fmt_init_pool(&f, pool, 256, 65536);
    while (page.len > 0) {
        struct str piece, text;
        enum ssi_event event;
        ASSERT(str_sub(page, 0, size_min(step, page.len), &piece));
        ASSERT(str_from_off(page, piece.len, &page));
        while ((event = ssi_parse(p, &piece, &text)) != SSI_MORE) {
            if (event == SSI_TEXT)
                fmt_str(&f, text);
            if (event == SSI_BROKEN)
                fmt_print(&f, "{!%.*s}", STR_FMT(fmt_done(&p->why)));
            if (event != SSI_COMMAND)
                continue;
            fmt_print(&f, "{%.*s", STR_FMT(ssi_name(p)));
            for (unsigned i = 0; i < p->nparams; i++)
                fmt_print(&f, " %.*s=%.*s", STR_FMT(ssi_param_name(p, i)),
                          STR_FMT(ssi_param_value(p, i)));
            fmt_char(&f, '}');
        }
    }
    fmt_str(&f, ssi_parse_end(p));
    return fmt_done(&f);
}

static const char *const pages[][2] = {
    { "", "" },
    { "text <b> <!-- x --> <!", "text <b> <!-- x --> <!" },
    { "a<!--#echo var=\"x\"-->b", "a{echo var=x}b" },
    { "<<!<!-<!--<!--#e--><", "<<!<!-<!--{e}<" },
    { "<!--# \r\n\techo\tvar = 'x'\n  default=\"'\" -->", "{echo var=x default='}" },
    { "<!--# a b=\"\\\"\\\\\" c='\\'' -->", "{a b=\\\"\\\\ c=\\'}" },
    { "<!--# a b=\"-->\" -->", "{a b=-->}" },
    { "<!--# a b='1' b='2' -->", "{a b=1 b=2}" },
    { "<!--# a --", "" },
    { "<!--# a b=\"", "" },
    { "<!--# -->x", "{}x" },
    { "<!--# a b -->x", "{!unexpected \"-\" symbol after \"b\" parameter in \"a\" SSI command}x" },
    { "<!--# a b c='' -->x",
      "{!unexpected \"c\" symbol after \"b\" parameter in \"a\" SSI command}x" },
    { "<!--# a b=c -->x",
      "{!unexpected \"c\" symbol before value of \"b\" parameter in \"a\" SSI command}x" },
    { "<!--# a b=\"c\"d -->x",
      "{!unexpected \"d\" symbol after \"c\" value of \"b\" parameter in \"a\" SSI command}x" },
    { "<!--# a - -- --> -->x", "{!unexpected \" \" symbol in \"a\" SSI command} -->x" },
    { "<!--# a --> b", "{a} b" },
    { "<!--# a=\"-->\" -->", "{a=\"}\" -->" },
    /* Sixteen bytes are a value's most here. */
    { "<!--# a b='0123456789abcdef' -->", "{a b=0123456789abcdef}" },
    { "<!--# a b='0123456789abcdefg' -->",
      "{!too long \"0123456789abcdefg...\" value of \"b\" parameter in \"a\" SSI command}" },
    /* All values together have room for four such. */
    { "<!--# a b='0123456789abcdef' c='0123456789abcdef' d='0123456789abcdef' "
      "e='0123456789abcdef' f='' -->",
      "{a b=0123456789abcdef c=0123456789abcdef d=0123456789abcdef e=0123456789abcdef f=}" },
    { "<!--# a b='0123456789abcdef' c='0123456789abcdef' d='0123456789abcdef' "
      "e='0123456789abcdef' f='g' -->x",
      "{!too long \"g...\" value of \"f\" parameter in \"a\" SSI command}x" },
    { "<!--# abcdefghijklmnopqrstuvwxyz012345 -->", "{abcdefghijklmnopqrstuvwxyz012345}" },
    { "<!--# abcdefghijklmnopqrstuvwxyz0123456 -->",
      "{!the \"abcdefghijklmnopqrstuvwxyz0123456...\" SSI command is too long}" },
    { "<!--# a abcdefghijklmnopqrstuvwxyz0123456='' -->",
      "{!too long \"abcdefghijklmnopqrstuvwxyz0123456...\" parameter in \"a\" SSI command}" },
    { "<!--# a b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' -->",
      "{a b= b= b= b= b= b= b= b= b= b= b= b= b= b= b= b=}" },
    { "<!--# a b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' b='' "
      "b='' -->x",
      "{!too many parameters in \"a\" SSI command}x" },
};

static void test_pages(void)
{
    for (size_t i = 0; i < countof(pages); i++)
        for (size_t step = 1; step < 120; step += step < 4 ? 1 : 29) {
            struct pool pool;
            pool_init(&pool, &pool_heap);
            const struct str got = read_page(&pool, str_from(pages[i][0]), step);
            is_mem(got.at, got.len, pages[i][1], strlen(pages[i][1]), "page %zu, %zu at a time", i,
                   step);
            pool_free(&pool);
        }
}

static void test_command_text(void)
{
    static char room[SSI_VALUES_MOST * VALUE_MOST + 1];
    static struct ssi_parser p;
    struct str rest = STR("<!--#  a  b = '\\'\"'  c=\"'\" -->"), text;
    char out[64];
    struct fmt f;
    ssi_parser_init(&p, room, VALUE_MOST);
    is_int(ssi_parse(&p, &rest, &text), SSI_COMMAND, "a command");
    fmt_init(&f, out, sizeof(out));
    ssi_command_text(&p, &f);
    is_str(fmt_done(&f).at, "<!--#a b='\\'\"' c=\"'\" -->", "it is written with its quotes");
}

/* "text", "$name"; "!": an end that is wrong. */
static const char *const values[][2] = {
    { "", "" }, { "abc", "[abc]" }, { "$a", "($a)" }, { "a$b_1.c", "[a]($b_1)[.c]" },
    { "${a}b$c", "($a)[b]($c)" }, { "\\$a", "[$][a]" }, { "\\\\$a", "[\\]($a)" },
    { "\\\"\\'", "[\"][']" }, { "\\n\\", "[\\n\\]" }, { "a\\$b", "[a][$][b]" },
    { "$1$10", "($1)($10)" },
    { "$", "!" }, { "a$ b", "[a]!" }, { "${", "!" }, { "${}", "!" }, { "${a", "!a" },
    { "${a b}", "!a" },
    { "$-", "!" },
};

static void test_values(void)
{
    for (size_t i = 0; i < countof(values); i++) {
        struct str rest = str_from(values[i][0]), piece;
        char room[128];
        struct fmt f;
        enum ssi_piece kind;
        fmt_init(&f, room, sizeof(room));
        while ((kind = ssi_next_piece(&rest, &piece)) == SSI_PIECE_TEXT ||
               kind == SSI_PIECE_VARIABLE)
            fmt_print(&f, kind == SSI_PIECE_TEXT ? "[%.*s]" : "($%.*s)", STR_FMT(piece));
        if (kind != SSI_PIECE_END)
            fmt_print(&f, "!%.*s", STR_FMT(kind == SSI_PIECE_OPEN ? piece : STR("")));
        is_str(fmt_done(&f).at, values[i][1], "value %s", values[i][0]);
    }
}

static const char *const conditions[][2] = {
    { "", "<>" }, { "$a", "<$a>" }, { "word", "<word>" }, { "$a ", "<$a>" }, { "${a}", "<${a}>" },
    { "$a = b", "<$a>=<b>" }, { "$a=b", "<$a>=<b>" }, { "$a != b c ", "<$a>!=<b c >" },
    { "$a =", "<$a>=<>" }, { "$a = /b/", "<$a>=/b/" }, { "$a != /b/", "<$a>!=/b/" },
    { "$a = //", "<$a>=//" }, { "$a = /a/b/", "<$a>=/a/b/" }, { "$a == b", "<$a>=<= b>" },
    { "a = b", "<a>=<b>" },
    { "$a = /", "bad" }, { "$a = /b", "bad" }, { "$a = /b/i", "bad" }, { "$a = /b/ ", "bad" },
    { " $a", "bad" }, { "$", "bad" }, { "${a", "bad" }, { "$a b", "bad" }, { "$a !", "bad" },
    { "$a ! = b", "bad" }, { "$a ~ b", "bad" }, { "= b", "bad" }, { "a-b = c", "bad" },
    { "$$a", "bad" },
};

static void test_conditions(void)
{
    for (size_t i = 0; i < countof(conditions); i++) {
        struct ssi_condition c;
        char room[128];
        struct fmt f;
        fmt_init(&f, room, sizeof(room));
        if (!ssi_condition_parse(str_from(conditions[i][0]), &c))
            fmt_text(&f, "bad");
        else {
            fmt_print(&f, "<%.*s>", STR_FMT(c.left));
            if (c.compares)
                fmt_print(&f, "%s%s%.*s%s", c.negated ? "!=" : "=", c.regex ? "/" : "<",
                          STR_FMT(c.right), c.regex ? "/" : ">");
        }
        is_str(fmt_done(&f).at, conditions[i][1], "condition %s", conditions[i][0]);
    }
}

int main(void)
{
    pool_reserve_init();
    test_pages();
    test_command_text();
    test_values();
    test_conditions();
    return done_testing();
}
