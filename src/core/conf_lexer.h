/*
 * Configuration text to tokens: nginx's grammar over a slice, without files and without memory.
 *
 *     listen "80" ssl ; }         at: the next byte to look at; line, line_start: of that byte
 *     ^WORD  ^WORD    ^SEMICOLON  a token is a stretch of the text, quotes included, with its place
 *                 ^WORD ^CLOSE    and conf_lexer_text() makes the word's text from that stretch
 *
 * An unquoted word ends at a blank, ";" or "{"; a "{" behind "$" belongs to the word, as does what
 * follows a backslash, and a "}" or a quote within it.  A quoted word ends at its quote, and a
 * blank, ";", "{" or ")" must follow.  "#" begins a comment where a word could begin.  Backslash
 * with " ' \ becomes that byte, with t r n the control; any other backslash stays.
 *
 * Owns nothing: tokens are valid as long as the text.
 */
#ifndef CORE_CONF_LEXER_H
#define CORE_CONF_LEXER_H

#include "core/fmt.h"

enum conf_token_kind {
    CONF_TOKEN_WORD,
    CONF_TOKEN_SEMICOLON,
    CONF_TOKEN_OPEN,
    CONF_TOKEN_CLOSE,
    CONF_TOKEN_END,
    CONF_TOKEN_ERROR,
};

enum conf_lexer_error {
    CONF_LEXER_OK,
    CONF_LEXER_UNCLOSED_QUOTE,          /* from the quote to the end of the text */
    CONF_LEXER_AFTER_QUOTE,             /* a character directly behind a closing quote */
    CONF_LEXER_NUL,                     /* nothing behind it is looked at: it is no text */
    CONF_LEXER_ENV_UNCLOSED,            /* ${env: without its } */
    CONF_LEXER_ENV_NAME,                /* not a name of a variable */
    CONF_LEXER_ENV_UNSET,
    CONF_LEXER_ENV_NESTED,              /* defaults within defaults, too deep */
    CONF_LEXER_MEMORY,                  /* the builder could not take the text */
};

struct conf_token {
    enum conf_token_kind kind;
    enum conf_lexer_error error;
    size_t offset, len;
    unsigned line, column;              /* both from 1; the column counts bytes */
    bool quoted;
};

struct conf_lexer {
    struct str text;
    size_t at, line_start;
    unsigned line;
    bool behind_quote;
};

/* A UTF-8 byte order mark is skipped. */
void conf_lexer_init(struct conf_lexer *lexer, struct str text);

/* After an error the next call goes on behind it: at the character itself (AFTER_QUOTE), or at the
 * ";" or "{" that ends the line of an unclosed quote, if there is one, else at the end. */
void conf_lexer_next(struct conf_lexer *lexer, struct conf_token *token);

/* `word` was ended by the "{" of a quantifier as in ^/a{2,3}$: takes the rest into the word, as if
 * it had been quoted.  False, and nothing is changed, when no quantifier follows the word. */
bool conf_lexer_quantifier(struct conf_lexer *lexer, struct conf_token *word);

/* Behind an OPEN: skips to behind the matching "}" when a quoted name and a ":" follow, as in
 * {"a": 1}.  False, and nothing is changed, when it is not such an object. */
bool conf_lexer_skip_object(struct conf_lexer *lexer);

/* After AFTER_QUOTE: the quoted word goes over several lines, and its closing quote seems to open
 * another on the last of them.  Goes back to that quote; false: it does not look so. */
bool conf_lexer_reopen(struct conf_lexer *lexer, const struct conf_token *word);

/* The end of the text, as a place. */
void conf_lexer_end(const struct conf_lexer *lexer, struct conf_token *end);

/* --- the text of a word ----------------------------------------------------------------------- */

struct conf_env {
    /* False: there is no such variable. */
    bool (*get)(void *data, struct str name, struct str *value);
    void *data;
};

struct conf_text_fault {
    enum conf_lexer_error error;
    size_t offset, len;                 /* within the word as written */
    struct str name;                    /* what stands behind ${env: */
};

/* Appends the text of the word `raw` (as written, with its quotes): unquoted, and with each
 * ${env:NAME} and ${env:NAME:-default} replaced; the default stands in for an unset or empty
 * variable and may itself hold ${...}.  False: fault says why. */
bool conf_lexer_text(struct str raw, bool quoted, const struct conf_env *env, struct fmt *out,
                     struct conf_text_fault *fault);

#endif
