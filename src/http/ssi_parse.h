/*
 * Server-side includes: commands in a text, found as the text comes.
 *
 *     text <!--#include virtual="/a" wait="yes" --> text
 *          ^opening                             ^end
 *     SSI_TEXT  SSI_COMMAND name, params          SSI_TEXT
 *
 * Pure.  Wherever the text is cut, the same commands come of it; only SSI_TEXT comes in pieces.
 * What a command says is kept in fixed room, so it ends by being too long, never by taking memory.
 */
#ifndef HTTP_SSI_PARSE_H
#define HTTP_SSI_PARSE_H

#include "core/fmt.h"

enum {
    SSI_NAME_MOST = 32,                 /* bytes of a command's or a parameter's name */
    SSI_PARAMS_MOST = 16,
    SSI_VALUES_MOST = 4,                /* longest values that all parameters have room for */
};

enum ssi_event {
    SSI_MORE,                           /* all was read */
    SSI_TEXT,                           /* *text */
    SSI_COMMAND,                        /* name, params: until the next call */
    SSI_BROKEN,                         /* a command that is none; `why` */
};

enum ssi_state {
    SSI_OUTSIDE,                        /* so far: `opened` bytes of "<!--#" */
    SSI_BEFORE_NAME,
    SSI_NAME,
    SSI_BEFORE_PARAM,
    SSI_PARAM,
    SSI_BEHIND_PARAM,
    SSI_BEFORE_VALUE,
    SSI_VALUE,
    SSI_VALUE_ESCAPE,
    SSI_BEHIND_VALUE,
    SSI_END_DASH,                       /* "-" */
    SSI_END_DASHES,                     /* "--" */
    SSI_SKIPPING,                       /* to the end of what is broken */
    SSI_SKIPPING_DASH,
    SSI_SKIPPING_DASHES,
};

struct ssi_param {
    char name_room[SSI_NAME_MOST];
    size_t name_len, from, len;         /* of the value, in `values` */
    char quote;
};

struct ssi_parser {
    enum ssi_state state;
    unsigned opened;
    char name_room[SSI_NAME_MOST];
    size_t name_len;
    struct ssi_param params[SSI_PARAMS_MOST];
    unsigned nparams;
    char *room;
    struct fmt values;                  /* of all parameters, one behind the other; as written */
    size_t value_most;
    struct fmt why;
    char why_room[320];
};

/* `room` is for SSI_VALUES_MOST times value_most bytes, and one more. */
void ssi_parser_init(struct ssi_parser *p, char *room, size_t value_most);
/* Reads on from *text; what was read is taken off it. */
enum ssi_event ssi_parse(struct ssi_parser *p, struct str *rest, struct str *text);
/* Nothing follows: what was held back for a command that did not come. */
struct str ssi_parse_end(struct ssi_parser *p);

struct str ssi_name(const struct ssi_parser *p);
struct str ssi_param_name(const struct ssi_parser *p, unsigned i);
struct str ssi_param_value(const struct ssi_parser *p, unsigned i);
/* The command as text again. */
void ssi_command_text(const struct ssi_parser *p, struct fmt *f);

/* --- values ----------------------------------------------------------------------------------- */

enum ssi_piece {
    SSI_PIECE_END,
    SSI_PIECE_TEXT,
    SSI_PIECE_VARIABLE,                 /* *piece is its name */
    SSI_PIECE_NO_NAME,                  /* "$" without one */
    SSI_PIECE_OPEN,                     /* "${name" */
};

/* The next part of "text$name${name}\$"; it is taken off *rest. */
enum ssi_piece ssi_next_piece(struct str *rest, struct str *piece);

/* "$a", "$a = text", "$a != /regex/". */
struct ssi_condition {
    struct str left, right;
    bool compares;                      /* false: there is only `left` */
    bool regex;                         /* `right` is one */
    bool negated;
};

WARN_UNUSED bool ssi_condition_parse(struct str text, struct ssi_condition *condition);

#endif
