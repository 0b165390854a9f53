/*
 * HTTP/1 request heads (RFC 9112, RFC 9110).  Pure: owns nothing.
 *
 * A line is read once, byte by byte, through a table of classes.  What may be read of it is its
 * window: the bytes that are there, but no more than a line may have.  A byte is judged only by
 * those before it, so a head that comes in pieces gets the answer of one that comes at once.
 */
#include "http/v1/h1_parse.h"

#include "core/fmt.h"
#include "core/number.h"

/* What a byte may be a part of.  The last four are the parts of a name. */
enum {
    METHOD = 1,
    TARGET = 2,
    VALUE = 4,
    NAME = 8,
    UNDERSCORE = 16,
    TOKEN = 32,                         /* RFC 9110 has it in names, nginx has not */
    STRANGE = 64,                       /* in no name, but it does not end one either */
    IN_NAME = NAME | UNDERSCORE | TOKEN | STRANGE,
};

static const uint8_t classes[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = TARGET | VALUE | TOKEN,
    ['"'] = TARGET | VALUE | STRANGE,
    ['#' ... '\''] = TARGET | VALUE | TOKEN,
    ['(' ... ')'] = TARGET | VALUE | STRANGE,
    ['*' ... '+'] = TARGET | VALUE | TOKEN,
    [','] = TARGET | VALUE | STRANGE,
    ['-'] = METHOD | TARGET | VALUE | NAME,
    ['.'] = TARGET | VALUE | TOKEN,
    ['/'] = TARGET | VALUE | STRANGE,
    ['0' ... '9'] = TARGET | VALUE | NAME,
    [':'] = TARGET | VALUE,
    [';' ... '@'] = TARGET | VALUE | STRANGE,
    ['A' ... 'Z'] = METHOD | TARGET | VALUE | NAME,
    ['[' ... ']'] = TARGET | VALUE | STRANGE,
    ['^'] = TARGET | VALUE | TOKEN,
    ['_'] = METHOD | TARGET | VALUE | UNDERSCORE,
    ['`'] = TARGET | VALUE | TOKEN,
    ['a' ... 'z'] = TARGET | VALUE | NAME,
    ['{'] = TARGET | VALUE | STRANGE,
    ['|'] = TARGET | VALUE | TOKEN,
    ['}'] = TARGET | VALUE | STRANGE,
    ['~'] = TARGET | VALUE | TOKEN,
    [0x80 ... 0xff] = TARGET | VALUE | STRANGE,
};

struct line {
    struct str name, value;             /* of a field; no name: the empty line */
    bool drop;
    size_t size;                        /* with its end */
};

static enum h1_result bad(struct h1_head *head, unsigned status, const char *why)
{
    head->status = status;
    head->why = why;
    return H1_BAD;
}

static unsigned class_at(struct str s, size_t at)
{
    return classes[(unsigned char)s.at[at]];
}

/* Where the bytes of a class end. */
static size_t pass(struct str s, size_t at, unsigned class)
{
    while (at < s.len && (class_at(s, at) & class))
        at++;
    return at;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str part(struct str s, size_t from, size_t to)
{
    struct str found;
    ASSERT(from <= to && str_sub(s, from, to - from, &found));
    return found;
}

/* --- where lines begin and end ---------------------------------------------------------------- */

/* LF or CRLF. */
static enum h1_result take_end(struct str s, size_t *at)
{
    size_t lf = *at;
    if (lf < s.len && s.at[lf] == '\r')
        lf++;
    if (lf >= s.len)
        return H1_MORE;
    if (s.at[lf] != '\n')
        return H1_BAD;
    *at = lf + 1;
    return H1_DONE;
}

/* Whether the line before `at` is empty. */
static bool empty_before(struct str s, size_t at)
{
    if (at < 1 || s.at[at - 1] != '\n')
        return false;
    if (at > 1 && s.at[at - 2] == '\r')
        at--;
    return at == 1 || s.at[at - 2] == '\n';
}

/* Whether the line at `at` is not the request line: a line with something in it precedes. */
static bool begun(struct str s, size_t at)
{
    return at > 0 && !empty_before(s, at);
}

static size_t pass_empty(struct str s, size_t at)
{
    while (take_end(s, &at) == H1_DONE)
        ;
    return at;
}

size_t h1_find_end(struct str bytes, size_t *seen)
{
    size_t at = *seen;
    struct str rest;
    ssize_t lf;
    if (!begun(bytes, at)) {
        *seen = at = pass_empty(bytes, at);
        if (take_end(bytes, &at) == H1_MORE)
            return 0;
    }
    while (str_from_off(bytes, at, &rest) && (lf = str_chr(rest, '\n')) != STR_NPOS) {
        at += (size_t)lf + 1;
        if (empty_before(bytes, at))
            return at;
    }
    *seen = bytes.len;
    return 0;
}

/* --- the request line ------------------------------------------------------------------------- */

/* Whether more bytes could make a version of it. */
static bool begins_version(struct str text)
{
    static const char pattern[] = "HTTP/0.0";
    for (size_t i = 0; i < text.len; i++)
        if (pattern[i] == '0' ? text.at[i] < '0' || text.at[i] > '9' : text.at[i] != pattern[i])
            return false;
    return text.len <= 5 || text.at[5] != '0';
}

static enum h1_result read_version(struct str window, size_t from, struct line *line,
                                   struct h1_head *head)
{
    size_t at = size_min(window.len, from + 8);
    const struct str version = part(window, from, at), text = part(window, 0, at);
    enum h1_result result;
    if (!begins_version(version))
        return bad(head, 400, "client sent invalid request");
    result = take_end(window, &at);     /* not before the eight bytes are there */
    if (result == H1_BAD)
        return bad(head, 400, "client sent invalid request");
    if (result == H1_MORE)
        return H1_MORE;
    if (version.at[5] != '1')
        return bad(head, 505, "client sent invalid version");
    head->line = text;
    head->minor = (unsigned)(version.at[7] - '0');
    line->size = at;
    return H1_DONE;
}

/* No byte of a line end is in a target, so the simple request of HTTP/0.9 ends here. */
static enum h1_result read_request(struct str window, struct line *line, struct h1_head *head)
{
    size_t at = pass(window, 0, METHOD), target;
    if (at == 0 && take_end(window, &at) == H1_MORE)
        return H1_MORE;
    if (at == window.len)
        return H1_MORE;
    if (at == 0 || window.at[at] != ' ')
        return bad(head, 400, "client sent invalid method");
    head->method = part(window, 0, at);
    target = at + 1;
    at = pass(window, target, TARGET);
    if (at == window.len)
        return H1_MORE;
    if (at == target || window.at[at] != ' ')
        return bad(head, 400, "client sent invalid request");
    head->target = part(window, target, at);
    return read_version(window, at + 1, line, head);
}

/* --- fields ----------------------------------------------------------------------------------- */

/* By these another reader, who takes odd bytes for nothing, would frame or route the message. */
static bool hides_framing(struct str name)
{
    return field_has_letters(name, STR("contentlength")) ||
           field_has_letters(name, STR("transferencoding")) ||
           field_has_letters(name, STR("host"));
}

/* False: such a name is an error. */
static bool judge_name(struct str name, unsigned kinds, const struct h1_limits *limits, bool *drop)
{
    *drop = (kinds & UNDERSCORE) && !limits->underscores && !limits->keep_invalid;
    if (!(kinds & (TOKEN | STRANGE)))
        return true;
    if (hides_framing(name) || ((kinds & STRANGE) && limits->keep_invalid))
        return false;
    *drop = *drop || !limits->keep_invalid;
    return true;
}

static enum h1_result read_value(struct str window, size_t at, struct line *line,
                                 struct h1_head *head)
{
    while (at < window.len && is_blank(window.at[at]))
        at++;
    const size_t from = at;
    size_t to = at = pass(window, at, VALUE);
    const enum h1_result result = take_end(window, &at);
    if (result == H1_BAD)
        return bad(head, 400, "client sent invalid header line");
    while (to > from && is_blank(window.at[to - 1]))
        to--;
    line->value = part(window, from, to);
    line->size = at;
    return result;
}

static enum h1_result read_field(struct str window, const struct h1_limits *limits,
                                 struct line *line, struct h1_head *head)
{
    unsigned kinds = 0, kind;
    size_t at = 0;
    while (at < window.len && (kind = class_at(window, at) & IN_NAME)) {
        kinds |= kind;
        at++;
    }
    line->name = part(window, 0, at);
    if (at == 0 && take_end(window, &line->size) != H1_BAD)
        return line->size ? H1_DONE : H1_MORE;
    if (at == window.len)
        return H1_MORE;
    if (at == 0 || window.at[at] != ':' || !judge_name(line->name, kinds, limits, &line->drop))
        return bad(head, 400, "client sent invalid header line");
    return read_value(window, at + 1, line, head);
}

static struct str first_line(struct str text)
{
    struct str rest;
    str_cut(text, '\n', &text, &rest);
    if (str_ends(text, STR("\r")))
        text.len--;
    return text;
}

static enum h1_result read_line(struct str bytes, size_t at, const struct h1_limits *limits,
                                bool first, struct line *line, struct h1_head *head)
{
    struct str window = part(bytes, at, bytes.len);
    enum h1_result result;
    *line = (struct line){ .size = 0 };
    window.len = size_min(window.len, limits->line);
    result = first ? read_request(window, line, head) : read_field(window, limits, line, head);
    if (result == H1_MORE && window.len == limits->line)
        result = first ? bad(head, 414, "client sent too long URI")
                       : bad(head, 494, "client sent too long header line");
    if (result == H1_BAD && !first)
        head->culprit = first_line(window);
    return result;
}

/* --- what fields mean ------------------------------------------------------------------------- */

static enum h1_result read_coding(struct h1_head *head, struct str value)
{
    if (head->minor == 0)
        return bad(head, 400, "client sent HTTP/1.0 request with \"Transfer-Encoding\" header");
    if (!str_eq_ci(value, STR("chunked")))
        return bad(head, 501, "client sent unknown \"Transfer-Encoding\"");
    head->chunked = true;
    return H1_DONE;
}

static enum h1_result twice(struct h1_head *head, struct pool *pool, const char *why)
{
    const struct field *field = &head->fields.at[head->fields.count - 1];
    const struct field *before = fields_known(&head->fields, field->id);
    head->culprit = fmt_pool(pool, "%.*s: %.*s\", previous value: \"%.*s: %.*s",
                             STR_FMT(field->name), STR_FMT(field->value), STR_FMT(before->name),
                             STR_FMT(before->value));
    return bad(head, 400, why);
}

/* The field that was added last. */
static enum h1_result understand(struct h1_head *head, struct pool *pool)
{
    const struct field *field = &head->fields.at[head->fields.count - 1];
    const bool again = head->fields.first[field->id] != head->fields.count;
    if (field->id == FIELD_HOST) {
        if (again)
            return twice(head, pool, "client sent duplicate host header");
        head->host = field->value;
    } else if (field->id == FIELD_CONTENT_LENGTH) {
        if (again)
            return twice(head, pool, "client sent duplicate header line");
        if (!number_i64(field->value, &head->length))
            return bad(head, 400, "client sent invalid \"Content-Length\" header");
    } else if (field->id == FIELD_TRANSFER_ENCODING) {
        if (again)
            return twice(head, pool, "client sent duplicate header line");
        return read_coding(head, field->value);
    } else if (field->id == FIELD_CONNECTION) {
        head->close = head->close || field_has_word(field->value, STR("close"));
        head->keep_alive = head->keep_alive || field_has_word(field->value, STR("keep-alive"));
    } else if (field->id == FIELD_EXPECT && str_eq_ci(field->value, STR("100-continue")))
        head->expect_continue = true;
    return H1_DONE;
}

static enum h1_result check_all(struct h1_head *head)
{
    if (head->minor > 0 && !head->host.at)
        return bad(head, 400, "client sent HTTP/1.1 request without \"Host\" header");
    if (head->chunked && head->length >= 0)
        return bad(head, 400, "client sent \"Content-Length\" and \"Transfer-Encoding\" headers "
                              "at the same time");
    if (head->minor == 0 || (!head->chunked && head->length <= 0))
        head->expect_continue = false;
    return H1_DONE;
}

/* --- heads ------------------------------------------------------------------------------------ */

/* The request line, for the log, where it could not be read or was read at another time. */
static enum h1_result tell_line(struct str bytes, const struct h1_limits *limits,
                                struct h1_head *head)
{
    struct str text = part(bytes, pass_empty(bytes, 0), bytes.len);
    text.len = size_min(text.len, limits->line);
    head->line = first_line(text);
    return H1_BAD;
}

enum h1_result h1_check(struct str bytes, const struct h1_limits *limits, size_t *checked,
                        struct h1_head *head)
{
    size_t at = *checked;
    bool first = !begun(bytes, at);
    enum h1_result result;
    struct line line;
    *head = (struct h1_head){ .length = -1 };
    if (first)
        at = pass_empty(bytes, at);
    while ((result = read_line(bytes, at, limits, first, &line, head)) == H1_DONE) {
        at += line.size;
        if (!first && line.name.len == 0)
            break;
        first = false;
    }
    *checked = at;
    return result == H1_BAD ? tell_line(bytes, limits, head) : H1_MORE;
}

/* A fault of meaning is told only when no line has one of form, which h1_check could have seen. */
enum h1_result h1_parse(struct str bytes, const struct h1_limits *limits, struct pool *pool,
                        struct h1_head *head)
{
    const unsigned most = (unsigned)size_min(limits->fields, FIELDS_MOST);
    size_t at = pass_empty(bytes, 0);
    enum h1_result result, meaning = H1_DONE;
    unsigned count = 0;
    struct line line;
    *head = (struct h1_head){ .length = -1 };
    result = read_line(bytes, at, limits, true, &line, head);
    while (result == H1_DONE) {
        at += line.size;
        result = read_line(bytes, at, limits, false, &line, head);
        if (result != H1_DONE || line.name.len == 0)
            break;
        if (meaning == H1_DONE && ++count > most)
            meaning = bad(head, 400, "client sent too many header lines");
        if (line.drop)
            fields_add(&head->dropped, pool, line.name, line.value);
        else if (meaning == H1_DONE) {
            fields_add(&head->fields, pool, line.name, line.value);
            meaning = understand(head, pool);
        }
    }
    if (result == H1_BAD)
        return tell_line(bytes, limits, head);
    if (result == H1_MORE)
        return H1_MORE;
    head->size = at + line.size;
    return meaning == H1_DONE ? check_all(head) : meaning;
}
