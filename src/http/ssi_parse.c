/*
 * The grammar of server-side includes, a byte at a time.  Owns nothing.
 */
#include "http/ssi_parse.h"

static const struct str opening = STR_INIT("<!--#");

void ssi_parser_init(struct ssi_parser *p, char *room, size_t value_most)
{
    p->state = SSI_OUTSIDE;
    p->opened = 0;
    p->room = room;
    p->value_most = value_most;
}

struct str ssi_name(const struct ssi_parser *p)
{
    return str_of(p->name_room, p->name_len);
}

struct str ssi_param_name(const struct ssi_parser *p, unsigned i)
{
    ASSERT(i < p->nparams);
    return str_of(p->params[i].name_room, p->params[i].name_len);
}

struct str ssi_param_value(const struct ssi_parser *p, unsigned i)
{
    struct str value;
    ASSERT(i < p->nparams);
    ASSERT(str_sub(str_of(p->values.at, p->values.len), p->params[i].from, p->params[i].len,
                   &value));
    return value;
}

void ssi_command_text(const struct ssi_parser *p, struct fmt *f)
{
    fmt_str(f, opening);
    fmt_str(f, ssi_name(p));
    for (unsigned i = 0; i < p->nparams; i++) {
        fmt_char(f, ' ');
        fmt_str(f, ssi_param_name(p, i));
        fmt_char(f, '=');
        fmt_char(f, p->params[i].quote);
        fmt_str(f, ssi_param_value(p, i));
        fmt_char(f, p->params[i].quote);
    }
    fmt_text(f, " -->");
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static struct ssi_param *last_param(struct ssi_parser *p)
{
    ASSERT(p->nparams > 0);
    return &p->params[p->nparams - 1];
}

/* The end of the command is looked for from the byte at hand on. */
static void broken(struct ssi_parser *p)
{
    fmt_init_cut(&p->why, p->why_room, sizeof(p->why_room));
    p->state = SSI_SKIPPING;
}

static void unexpected(struct ssi_parser *p, char c, const char *where, bool value, bool param)
{
    broken(p);
    fmt_print(&p->why, "unexpected \"%c\" symbol %s", c, where);
    if (value)
        fmt_print(&p->why, "\"%.*s\" value of ", STR_FMT(ssi_param_value(p, p->nparams - 1)));
    if (param)
        fmt_print(&p->why, "\"%.*s\" parameter ", STR_FMT(ssi_param_name(p, p->nparams - 1)));
    fmt_print(&p->why, "in \"%.*s\" SSI command", STR_FMT(ssi_name(p)));
}

/* --- names and values ------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void add_to_name(struct ssi_parser *p, char c)
{
    if (p->name_len < SSI_NAME_MOST) {
        p->name_room[p->name_len++] = c;
        return;
    }
    broken(p);
    fmt_print(&p->why, "the \"%.*s%c...\" SSI command is too long", STR_FMT(ssi_name(p)), c);
}

static void begin_param(struct ssi_parser *p, char c)
{
    if (p->nparams == SSI_PARAMS_MOST) {
        broken(p);
        fmt_print(&p->why, "too many parameters in \"%.*s\" SSI command", STR_FMT(ssi_name(p)));
        return;
    }
    struct ssi_param *param = &p->params[p->nparams++];
    param->name_room[0] = c;
    param->name_len = 1;
    param->from = param->len = 0;
    p->state = SSI_PARAM;
}

static void add_to_param(struct ssi_parser *p, char c)
{
    struct ssi_param *param = last_param(p);
    if (param->name_len < SSI_NAME_MOST) {
        param->name_room[param->name_len++] = c;
        return;
    }
    broken(p);
    fmt_print(&p->why, "too long \"%.*s%c...\" parameter in \"%.*s\" SSI command",
              STR_FMT(ssi_param_name(p, p->nparams - 1)), c, STR_FMT(ssi_name(p)));
}

static void begin_value(struct ssi_parser *p, char quote)
{
    struct ssi_param *param = last_param(p);
    param->from = p->values.len;
    param->quote = quote;
    p->state = SSI_VALUE;
}

static void add_to_value(struct ssi_parser *p, char c)
{
    struct ssi_param *param = last_param(p);
    if (param->len < p->value_most)
        fmt_char(&p->values, c);
    if (param->len < p->value_most && !p->values.failed) {
        param->len++;
        return;
    }
    struct str shown = ssi_param_value(p, p->nparams - 1);
    shown.len = size_min(shown.len, 128);
    broken(p);
    fmt_print(&p->why, "too long \"%.*s%c...\" value of \"%.*s\" parameter in \"%.*s\" SSI command",
              STR_FMT(shown), c, STR_FMT(ssi_param_name(p, p->nparams - 1)), STR_FMT(ssi_name(p)));
}

/* --- a byte ----------------------------------------------------------------------------------- */

static void begin_command(struct ssi_parser *p)
{
    p->state = SSI_BEFORE_NAME;
    p->opened = 0;
    p->name_len = 0;
    p->nparams = 0;
    fmt_init(&p->values, p->room, SSI_VALUES_MOST * p->value_most + 1);
}

static void read_in_name(struct ssi_parser *p, char c)
{
    if (is_blank(c))
        p->state = p->state == SSI_NAME ? SSI_BEFORE_PARAM : p->state;
    else if (c == '-')
        p->state = SSI_END_DASH;
    else {
        p->state = SSI_NAME;
        add_to_name(p, c);
    }
}

static void read_in_param(struct ssi_parser *p, char c)
{
    if (c == '=')
        p->state = SSI_BEFORE_VALUE;
    else if (is_blank(c))
        p->state = SSI_BEHIND_PARAM;
    else if (p->state == SSI_BEHIND_PARAM || c == '-')
        unexpected(p, c, "after ", false, true);
    else
        add_to_param(p, c);
}

static void read_in_value(struct ssi_parser *p, char c)
{
    const bool escaped = p->state == SSI_VALUE_ESCAPE;
    p->state = SSI_VALUE;
    if (c == last_param(p)->quote && !escaped) {
        p->state = SSI_BEHIND_VALUE;
        return;
    }
    if (c == '\\' && !escaped)
        p->state = SSI_VALUE_ESCAPE;
    add_to_value(p, c);
}

static void read_in_end(struct ssi_parser *p, char c)
{
    if (p->state == SSI_END_DASH && c == '-')
        p->state = SSI_END_DASHES;
    else
        unexpected(p, c, "", false, false);
}

/* Inside a command, but for the ">" that ends it. */
static void read_byte(struct ssi_parser *p, char c)
{
    switch (p->state) {
    case SSI_OUTSIDE:
        break;
    case SSI_BEFORE_NAME:
    case SSI_NAME:
        read_in_name(p, c);
        break;
    case SSI_BEFORE_PARAM:
        if (c == '-')
            p->state = SSI_END_DASH;
        else if (!is_blank(c))
            begin_param(p, c);
        break;
    case SSI_PARAM:
    case SSI_BEHIND_PARAM:
        read_in_param(p, c);
        break;
    case SSI_BEFORE_VALUE:
        if (c == '"' || c == '\'')
            begin_value(p, c);
        else if (!is_blank(c))
            unexpected(p, c, "before value of ", false, true);
        break;
    case SSI_VALUE:
    case SSI_VALUE_ESCAPE:
        read_in_value(p, c);
        break;
    case SSI_BEHIND_VALUE:
        if (c == '-')
            p->state = SSI_END_DASH;
        else if (is_blank(c))
            p->state = SSI_BEFORE_PARAM;
        else
            unexpected(p, c, "after ", true, true);
        break;
    case SSI_END_DASH:
    case SSI_END_DASHES:
        read_in_end(p, c);
        break;
    case SSI_SKIPPING:
    case SSI_SKIPPING_DASH:
    case SSI_SKIPPING_DASHES:
        break;
    }
}

/* A byte of what is broken looks for the end, the one included that broke it. */
static void skip_byte(struct ssi_parser *p, char c)
{
    if (c != '-')
        p->state = SSI_SKIPPING;
    else if (p->state == SSI_SKIPPING)
        p->state = SSI_SKIPPING_DASH;
    else
        p->state = SSI_SKIPPING_DASHES;
}

static enum ssi_event parse_command(struct ssi_parser *p, struct str *rest)
{
    while (rest->len > 0) {
        const char c = rest->at[0];
        ASSERT(str_from_off(*rest, 1, rest));
        if (c == '>' && (p->state == SSI_END_DASHES || p->state == SSI_SKIPPING_DASHES)) {
            const bool good = p->state == SSI_END_DASHES;
            p->state = SSI_OUTSIDE;
            return good ? SSI_COMMAND : SSI_BROKEN;
        }
        read_byte(p, c);
        if (p->state >= SSI_SKIPPING)
            skip_byte(p, c);
    }
    return SSI_MORE;
}

/* --- outside ---------------------------------------------------------------------------------- */

/* How much of `text` is surely no command: up to the "<" that begins one, perhaps. */
static size_t plain(struct str text)
{
    const ssize_t at = str_chr(text, '<');
    return at < 0 ? text.len : (size_t)at;
}

/* SSI_MORE: go on with what is read now, which may be nothing. */
static enum ssi_event parse_outside(struct ssi_parser *p, struct str *rest, struct str *text)
{
    if (p->opened == 0) {
        const size_t n = plain(*rest);
        ASSERT(str_sub(*rest, 0, n, text) && str_from_off(*rest, n, rest));
        if (n > 0)
            return SSI_TEXT;
    }
    if (rest->len > 0 && rest->at[0] == opening.at[p->opened]) {
        ASSERT(str_from_off(*rest, 1, rest));
        if (++p->opened == opening.len)
            begin_command(p);
        return SSI_MORE;
    }
    if (rest->len == 0)
        return SSI_MORE;
    *text = ssi_parse_end(p);
    return SSI_TEXT;
}

enum ssi_event ssi_parse(struct ssi_parser *p, struct str *rest, struct str *text)
{
    while (rest->len > 0) {
        const enum ssi_event event = p->state == SSI_OUTSIDE ? parse_outside(p, rest, text)
                                                             : parse_command(p, rest);
        if (event != SSI_MORE)
            return event;
    }
    return SSI_MORE;
}

struct str ssi_parse_end(struct ssi_parser *p)
{
    struct str held;
    ASSERT(str_sub(opening, 0, p->opened, &held));
    p->opened = 0;
    return held;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_name(char c)
{
    const char low = str_lower_char(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t name_length(struct str text)
{
    size_t n = 0;
    while (n < text.len && is_name(text.at[n]))
        n++;
    return n;
}

/* Behind the "$". */
static enum ssi_piece next_variable(struct str *rest, struct str *name)
{
    const bool braces = str_starts(*rest, STR("{"));
    if (braces)
        ASSERT(str_from_off(*rest, 1, rest));
    const size_t n = name_length(*rest);
    ASSERT(str_sub(*rest, 0, n, name) && str_from_off(*rest, n, rest));
    if (n == 0)
        return SSI_PIECE_NO_NAME;
    if (!braces)
        return SSI_PIECE_VARIABLE;
    if (!str_starts(*rest, STR("}")))
        return SSI_PIECE_OPEN;
    ASSERT(str_from_off(*rest, 1, rest));
    return SSI_PIECE_VARIABLE;
}

/* A backslash that stands for nothing but the byte behind it. */
static bool escapes(struct str text, size_t i)
{
    struct str next;
    if (text.at[i] != '\\' || !str_sub(text, i + 1, 1, &next))
        return false;
    return next.at[0] == '$' || next.at[0] == '\\' || next.at[0] == '"' || next.at[0] == '\'';
}

enum ssi_piece ssi_next_piece(struct str *rest, struct str *piece)
{
    size_t n = 0;
    if (rest->len == 0)
        return SSI_PIECE_END;
    if (rest->at[0] == '$') {
        ASSERT(str_from_off(*rest, 1, rest));
        return next_variable(rest, piece);
    }
    if (escapes(*rest, 0)) {
        ASSERT(str_sub(*rest, 1, 1, piece) && str_from_off(*rest, 2, rest));
        return SSI_PIECE_TEXT;
    }
    while (n < rest->len && rest->at[n] != '$' && !escapes(*rest, n))
        n++;
    ASSERT(str_sub(*rest, 0, n, piece) && str_from_off(*rest, n, rest));
    return SSI_PIECE_TEXT;
}

/* A variable's name or a word, at the front. */
static bool take_operand(struct str *rest, struct str *operand)
{
    const size_t dollar = str_starts(*rest, STR("$"));
    struct str name;
    ASSERT(str_from_off(*rest, dollar, &name));
    size_t n = name_length(name);
    if (dollar && n == 0 && str_starts(name, STR("{"))) {
        const ssize_t close = str_chr(name, '}');
        n = close < 0 ? 0 : (size_t)close + 1;
    }
    ASSERT(str_sub(*rest, 0, dollar + n, operand) && str_from_off(*rest, dollar + n, rest));
    return n > 0;
}

static bool take(struct str *rest, struct str word)
{
    return str_starts(*rest, word) && str_from_off(*rest, word.len, rest);
}

static void skip_spaces(struct str *rest)
{
    while (take(rest, STR(" ")))
        continue;
}

bool ssi_condition_parse(struct str text, struct ssi_condition *condition)
{
    *condition = (struct ssi_condition){ .left = STR("") };
    if (text.len == 0)
        return true;
    if (!take_operand(&text, &condition->left))
        return false;
    skip_spaces(&text);
    if (text.len == 0)
        return true;
    condition->compares = true;
    condition->negated = take(&text, STR("!"));
    if (!take(&text, STR("=")))
        return false;
    skip_spaces(&text);
    condition->right = text;
    if (!str_starts(text, STR("/")))
        return true;
    condition->regex = true;
    return text.len >= 2 && str_ends(text, STR("/"))
           && str_sub(text, 1, text.len - 2, &condition->right);
}
