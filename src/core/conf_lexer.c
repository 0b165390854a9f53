/*
 * nginx's configuration grammar: where each word begins and ends, and what it says.
 * Owns nothing: all state is in the caller's struct conf_lexer.
 */
#include "core/conf_lexer.h"

enum {
    END = -1,
    ENV_DEPTH = 8,
};

static int byte_at(struct str text, size_t at)
{
    return at < text.len ? (unsigned char)text.at[at] : END;
}

static int peek(const struct conf_lexer *lexer)
{
    return byte_at(lexer->text, lexer->at);
}

static void step(struct conf_lexer *lexer)
{
    if (lexer->text.at[lexer->at++] != '\n')
        return;
    lexer->line++;
    lexer->line_start = lexer->at;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_quote(int c)
{
    return c == '"' || c == '\'';
}

static void begin(const struct conf_lexer *lexer, struct conf_token *token)
{
    *token = (struct conf_token){
        .kind = CONF_TOKEN_END,
        .offset = lexer->at,
        .line = lexer->line,
        .column = (unsigned)size_min(lexer->at - lexer->line_start, UINT_MAX - 1) + 1,
    };
}

static void skip_blanks(struct conf_lexer *lexer)
{
    for (;; step(lexer)) {
        if (peek(lexer) == '#')
            while (peek(lexer) != END && peek(lexer) != '\n')
                step(lexer);
        if (!is_blank(peek(lexer)))
            return;
    }
}

static void fail(struct conf_token *token, enum conf_lexer_error error, size_t len)
{
    token->kind = CONF_TOKEN_ERROR;
    token->error = error;
    token->len = len;
}

static void fail_nul(struct conf_lexer *lexer, struct conf_token *token)
{
    begin(lexer, token);
    fail(token, CONF_LEXER_NUL, 1);
    lexer->at = lexer->text.len;
}

/* A backslash and what it protects. */
static void step_escape(struct conf_lexer *lexer)
{
    step(lexer);
    if (peek(lexer) != END && peek(lexer) != '\0')
        step(lexer);
}

static void scan_unquoted(struct conf_lexer *lexer, struct conf_token *token)
{
    for (;;) {
        const int c = peek(lexer);
        if (c == END || is_blank(c) || c == ';' || c == '{')
            break;
        if (c == '\0') {
            fail_nul(lexer, token);
            return;
        }
        if (c == '\\') {
            step_escape(lexer);
            continue;
        }
        step(lexer);
        if (c == '$' && peek(lexer) == '{')
            step(lexer);
    }
    token->len = lexer->at - token->offset;
}

/* Where to go on in a line whose quote is never closed: at the ";" or "{" that ends it. */
static size_t line_ending(struct str text, size_t from)
{
    struct str line = STR_NONE;
    ASSERT(str_from_off(text, from, &line));
    str_cut(line, '\n', &line, &(struct str){ 0 });
    while (line.len > 0 && is_blank((unsigned char)line.at[line.len - 1]))
        line.len--;
    const int last = line.len > 1 ? (unsigned char)line.at[line.len - 1] : END;
    return last == ';' || last == '{' ? from + line.len - 1 : text.len;
}

static void scan_quoted(struct conf_lexer *lexer, struct conf_token *token, int quote)
{
    const struct conf_lexer opened = *lexer;
    token->quoted = true;
    step(lexer);
    while (peek(lexer) != quote) {
        if (peek(lexer) == END) {
            fail(token, CONF_LEXER_UNCLOSED_QUOTE, lexer->at - token->offset);
            *lexer = opened;
            lexer->at = line_ending(lexer->text, lexer->at);
            return;
        }
        if (peek(lexer) == '\0') {
            fail_nul(lexer, token);
            return;
        }
        if (peek(lexer) == '\\')
            step_escape(lexer);
        else
            step(lexer);
    }
    step(lexer);
    token->len = lexer->at - token->offset;
    lexer->behind_quote = true;
}

static void scan_word(struct conf_lexer *lexer, struct conf_token *token, int first)
{
    token->kind = CONF_TOKEN_WORD;
    if (is_quote(first))
        scan_quoted(lexer, token, first);
    else
        scan_unquoted(lexer, token);
}

static void scan_mark(struct conf_lexer *lexer, struct conf_token *token, enum conf_token_kind kind)
{
    step(lexer);
    token->kind = kind;
    token->len = 1;
}

void conf_lexer_init(struct conf_lexer *lexer, struct str text)
{
    *lexer = (struct conf_lexer){ .text = text, .line = 1 };
    if (str_starts(text, STR("\xef\xbb\xbf")))
        lexer->at = lexer->line_start = 3;
}

/* --- recovery --------------------------------------------------------------------------------- */

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* The length of {2}, {2,} or {2,3} at `at`; 0 when there is no such thing. */
static size_t quantifier(struct str text, size_t at)
{
    size_t end = at + 1;
    if (byte_at(text, at) != '{' || !is_digit(byte_at(text, end)))
        return 0;
    while (is_digit(byte_at(text, end)) || byte_at(text, end) == ',')
        end++;
    return byte_at(text, end) == '}' ? end + 1 - at : 0;
}

bool conf_lexer_quantifier(struct conf_lexer *lexer, struct conf_token *word)
{
    const size_t end = word->offset + word->len;
    if (word->quoted || quantifier(lexer->text, end) == 0)
        return false;
    lexer->at = end;
    for (size_t len; (len = quantifier(lexer->text, lexer->at)) > 0;) {
        lexer->at += len;
        scan_unquoted(lexer, word);
        if (word->kind == CONF_TOKEN_ERROR)
            break;
    }
    return true;
}

/* To behind the closing quote; false when there is none. */
static bool skip_quoted(struct conf_lexer *lexer)
{
    const int quote = peek(lexer);
    step(lexer);
    while (peek(lexer) != quote) {
        if (peek(lexer) == END)
            return false;
        if (peek(lexer) == '\\')
            step_escape(lexer);
        else
            step(lexer);
    }
    step(lexer);
    return true;
}

/* To behind the matching brace; a ";" on the way says that this is a block after all. */
static bool skip_braces(struct conf_lexer *lexer)
{
    for (size_t depth = 1; depth > 0;) {
        const int c = peek(lexer);
        if (c == END || c == ';')
            return false;
        if (is_quote(c)) {
            if (!skip_quoted(lexer))
                return false;
            continue;
        }
        depth += c == '{';
        depth -= c == '}';
        step(lexer);
    }
    return true;
}

bool conf_lexer_skip_object(struct conf_lexer *lexer)
{
    struct conf_lexer ahead = *lexer;
    while (is_blank(peek(&ahead)))
        step(&ahead);
    if (!is_quote(peek(&ahead)) || !skip_quoted(&ahead) || peek(&ahead) != ':')
        return false;
    if (!skip_braces(&ahead))
        return false;
    *lexer = ahead;
    return true;
}

bool conf_lexer_reopen(struct conf_lexer *lexer, const struct conf_token *word)
{
    struct str rest = STR_NONE;
    if (!word->quoted || word->line == lexer->line)
        return false;
    const size_t quote = word->offset + word->len - 1;
    ASSERT(str_from_off(lexer->text, quote + 1, &rest));
    str_cut(rest, '\n', &rest, &(struct str){ 0 });
    if (str_chr(rest, lexer->text.at[quote]) == STR_NPOS)
        return false;
    lexer->at = quote;
    return true;
}

void conf_lexer_end(const struct conf_lexer *lexer, struct conf_token *end)
{
    struct conf_lexer last;
    conf_lexer_init(&last, lexer->text);
    while (peek(&last) != END)
        step(&last);
    begin(&last, end);
}

/* --- the text of a word ----------------------------------------------------------------------- */

struct unquoting {
    struct str word;                    /* as written */
    const struct conf_env *env;
    struct fmt *out;
    struct conf_text_fault *fault;
};

static bool fault(struct unquoting *u, enum conf_lexer_error error, size_t from, size_t to,
                  struct str name)
{
    *u->fault = (struct conf_text_fault){ error, from, to - from, name };
    return false;
}

static char unescaped(int c)
{
    switch (c) {
    case '"':
    case '\'':
    case '\\':
        return (char)c;
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    default:
        return '\0';
    }
}

/* The "}" that belongs to the "${" before `from`; `end` when there is none. */
static size_t closing(struct str word, size_t from, size_t end)
{
    size_t depth = 1;
    for (size_t at = from; at < end; at++) {
        const int c = byte_at(word, at);
        if (c == '\\')
            at++;
        else if (c == '$' && at + 1 < end && byte_at(word, at + 1) == '{')
            depth++;
        else if (c == '}' && --depth == 0)
            return at;
    }
    return end;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = str_lower_char(name.at[i]);
        if (!(c >= 'a' && c <= 'z') && c != '_' && !(i > 0 && is_digit(c)))
            return false;
    }
    return name.len > 0;
}

static const struct str env_mark = STR_INIT("${env:");
static const struct str default_mark = STR_INIT(":-");

static struct str part(struct str s, size_t from, size_t end)
{
    struct str out = STR_NONE;
    ASSERT(from <= end && str_sub(s, from, end - from, &out));
    return out;
}

/* A reference ${env:...}: its variable's value, or the stretch of the word that stands in. */
struct reference {
    size_t from, end, next;             /* the default, and what is behind the "}" */
    struct str value;
    bool use_default;
};

static bool read_reference(struct unquoting *u, size_t at, size_t end, struct reference *ref)
{
    const size_t begin_name = at + env_mark.len, close = closing(u->word, begin_name, end);
    struct str name = part(u->word, begin_name, close);
    if (close == end)
        return fault(u, CONF_LEXER_ENV_UNCLOSED, at, end, name);
    const ssize_t mark = str_find(name, default_mark);
    if (mark >= 0)
        name.len = (size_t)mark;
    if (!is_name(name))
        return fault(u, CONF_LEXER_ENV_NAME, at, close + 1, name);
    const bool found = u->env->get(u->env->data, name, &ref->value);
    if (!found && mark < 0)
        return fault(u, CONF_LEXER_ENV_UNSET, at, close + 1, name);
    ref->use_default = mark >= 0 && (!found || str_empty(ref->value));
    ref->from = ref->use_default ? begin_name + name.len + default_mark.len : close;
    ref->end = close;
    ref->next = close + 1;
    return true;
}

/* The stretch [at, end) of the word is being read; `outer` are those around it. */
struct reading {
    size_t at, end, plain;              /* from `plain` on nothing was appended yet */
    size_t depth;
    struct { size_t next, end; } outer[ENV_DEPTH];
};

static void append_plain(struct unquoting *u, struct reading *r, size_t to, size_t next)
{
    fmt_str(u->out, part(u->word, r->plain, to));
    r->at = r->plain = next;
}

static bool enter_reference(struct unquoting *u, struct reading *r)
{
    struct reference ref;
    const size_t at = r->at;
    if (!read_reference(u, at, r->end, &ref))
        return false;
    if (!ref.use_default) {
        append_plain(u, r, at, ref.next);
        fmt_str(u->out, ref.value);
        return true;
    }
    if (r->depth == ENV_DEPTH)
        return fault(u, CONF_LEXER_ENV_NESTED, at, ref.next, STR_NONE);
    append_plain(u, r, at, ref.from);
    r->outer[r->depth].next = ref.next;
    r->outer[r->depth++].end = r->end;
    r->end = ref.end;
    return true;
}

/* False: all is read. */
static bool leave_reference(struct unquoting *u, struct reading *r)
{
    append_plain(u, r, r->end, r->end);
    if (r->depth == 0)
        return false;
    r->depth--;
    r->at = r->plain = r->outer[r->depth].next;
    r->end = r->outer[r->depth].end;
    return true;
}

/* A backslash that stays takes the next byte with it: "\${env:X}" is no reference. */
static void read_escape(struct unquoting *u, struct reading *r)
{
    const char c = unescaped(byte_at(u->word, r->at + 1));
    if (!c) {
        r->at += 2;
        return;
    }
    append_plain(u, r, r->at, r->at + 2);
    fmt_char(u->out, c);
}

bool conf_lexer_text(struct str raw, bool quoted, const struct conf_env *env, struct fmt *out,
                     struct conf_text_fault *fault_out)
{
    struct unquoting u = { raw, env, out, fault_out };
    const size_t quote = quoted ? 1 : 0;
    ASSERT(raw.len >= 2 * quote);
    struct reading r = { .at = quote, .plain = quote, .end = raw.len - quote };
    do {
        while (r.at < r.end) {
            const int c = byte_at(raw, r.at);
            if (c == '\\')
                read_escape(&u, &r);
            else if (c != '$' || !str_starts(part(raw, r.at, r.end), env_mark))
                r.at++;
            else if (!enter_reference(&u, &r))
                return false;
        }
    } while (leave_reference(&u, &r));
    return !out->failed || fault(&u, CONF_LEXER_MEMORY, 0, raw.len, STR_NONE);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static bool may_follow_quote(int c)
{
    return c == END || is_blank(c) || c == ';' || c == '{' || c == ')';
}

void conf_lexer_next(struct conf_lexer *lexer, struct conf_token *token)
{
    const bool behind_quote = lexer->behind_quote;
    lexer->behind_quote = false;
    if (behind_quote && !may_follow_quote(peek(lexer))) {
        begin(lexer, token);
        fail(token, CONF_LEXER_AFTER_QUOTE, 1);
        return;
    }
    skip_blanks(lexer);
    begin(lexer, token);
    switch (peek(lexer)) {
    case END:
        return;
    case ';':
        scan_mark(lexer, token, CONF_TOKEN_SEMICOLON);
        return;
    case '{':
        scan_mark(lexer, token, CONF_TOKEN_OPEN);
        return;
    case '}':
        scan_mark(lexer, token, CONF_TOKEN_CLOSE);
        return;
    default:
        scan_word(lexer, token, peek(lexer));
    }
}
