/*
 * HTTP/1 response heads of a backend, and trailers (RFC 9112, RFC 9110).  Pure: owns nothing.
 *
 * A line is judged in two steps: its form (no controls, a name, a colon), then what it means for
 * the message.  What is kept of it goes on to the client as it is, so nothing that a reader behind
 * could take for the end of a line, or for other framing, gets that far.
 */
#include "http/v1/h1_response.h"

#include "core/fmt.h"
#include "core/number.h"

enum { OPTIONS_MOST = 100 };            /* words of Connection */

/* What a byte may be a part of; none of them: a control. */
enum { TOKEN = 1, OTHER_TEXT = 2, TEXT = TOKEN | OTHER_TEXT };

static const uint8_t classes[256] = {
    ['\t'] = OTHER_TEXT,
    [' '] = OTHER_TEXT,
    ['!'] = TOKEN,
    ['"'] = OTHER_TEXT,
    ['#' ... '\''] = TOKEN,
    ['(' ... ')'] = OTHER_TEXT,
    ['*' ... '+'] = TOKEN,
    [','] = OTHER_TEXT,
    ['-' ... '.'] = TOKEN,
    ['/'] = OTHER_TEXT,
    ['0' ... '9'] = TOKEN,
    [':' ... '@'] = OTHER_TEXT,
    ['A' ... 'Z'] = TOKEN,
    ['[' ... ']'] = OTHER_TEXT,
    ['^' ... 'z'] = TOKEN,
    ['{'] = OTHER_TEXT,
    ['|'] = TOKEN,
    ['}'] = OTHER_TEXT,
    ['~'] = TOKEN,
    [0x80 ... 0xff] = OTHER_TEXT,
};

struct reading {
    struct h1_response *out;
    struct pool *pool;
    struct field length, coding;        /* Content-Length and Transfer-Encoding; no name: none */
    struct str *options;                /* room for OPTIONS_MOST */
    unsigned noptions, lines;
};

static enum h1_result bad(struct reading *r, const char *why)
{
    r->out->why = why;
    return H1_BAD;
}

static enum h1_result bad_about(struct reading *r, const char *why, struct str culprit)
{
    r->out->culprit = culprit;
    return bad(r, why);
}

/* The first byte that is not of the class, or the length. */
static size_t pass(struct str s, unsigned class)
{
    size_t at = 0;
    while (at < s.len && (classes[(unsigned char)s.at[at]] & class))
        at++;
    return at;
}

/* The line at the front of *rest, without its end.  False: it has none yet. */
static bool take_line(struct str *rest, struct str *line)
{
    if (!str_cut(*rest, '\n', line, rest))
        return false;
    if (str_ends(*line, STR("\r")))
        line->len--;
    return true;
}

/* --- the form of a field ---------------------------------------------------------------------- */

enum form { FORM_GOOD, FORM_ODD_NAME, FORM_BAD };

/* *fault: with FORM_BAD, the byte at which it is seen. */
static enum form split(struct str line, struct str *name, struct str *value, size_t *fault)
{
    const size_t end = pass(line, TOKEN);
    if (str_has_controls(line) && (*fault = pass(line, TEXT)) < line.len)
        return FORM_BAD;
    *fault = 0;
    if (line.len == 0 || line.at[0] == ' ' || line.at[0] == '\t' || line.at[0] == ':')
        return FORM_BAD;
    *fault = line.len;
    if (!str_cut(line, ':', name, value))
        return FORM_BAD;
    *value = str_trim(*value);
    return end == name->len ? FORM_GOOD : FORM_ODD_NAME;
}

static bool hides_framing(struct str name)
{
    return field_has_letters(name, STR("contentlength")) ||
           field_has_letters(name, STR("transferencoding")) ||
           field_has_letters(name, STR("connection"));
}

/* As nginx shows it: the line up to the byte that is wrong. */
static enum h1_result bad_line(struct reading *r, struct str line, size_t fault)
{
    struct fmt f;
    line.len = size_min(line.len, fault + 1);
    fmt_init_pool(&f, r->pool, line.len + sizeof("..."), line.len + sizeof("..."));
    fmt_str(&f, line);
    fmt_text(&f, "...");
    return bad_about(r, "upstream sent invalid header", fmt_done(&f));
}

/* --- what a field means ----------------------------------------------------------------------- */

static enum h1_result twice(struct reading *r, const struct field *first, struct str name,
                            struct str value)
{
    return bad_about(r, "upstream sent duplicate header line",
                     fmt_pool(r->pool, "%.*s: %.*s\", previous value: \"%.*s: %.*s", STR_FMT(name),
                              STR_FMT(value), STR_FMT(first->name), STR_FMT(first->value)));
}

static enum h1_result read_length(struct reading *r, struct str name, struct str value)
{
    if (r->length.name.len)
        return twice(r, &r->length, name, value);
    r->length = (struct field){ name, value, FIELD_CONTENT_LENGTH };
    if (!number_i64(value, &r->out->length))
        return bad_about(r, "upstream sent invalid \"Content-Length\" header", value);
    return H1_DONE;
}

static enum h1_result read_coding(struct reading *r, struct str name, struct str value)
{
    if (r->coding.name.len)
        return twice(r, &r->coding, name, value);
    r->coding = (struct field){ name, value, FIELD_TRANSFER_ENCODING };
    if (r->out->minor == 0)
        return bad(r, "upstream sent HTTP/1.0 response with \"Transfer-Encoding\" header");
    if (!str_eq_ci(value, STR("chunked")))
        return bad_about(r, "upstream sent unknown \"Transfer-Encoding\"", value);
    r->out->chunked = true;
    return H1_DONE;
}

static enum h1_result read_options(struct reading *r, struct str list)
{
    struct h1_response *out = r->out;
    while (list.len) {
        struct str word;
        str_cut(list, ',', &word, &list);
        word = str_trim(word);
        if (word.len == 0)
            continue;
        if (r->noptions == OPTIONS_MOST)
            return bad(r, "upstream sent too many options in \"Connection\" header");
        r->options[r->noptions++] = word;
        out->close = out->close || str_eq_ci(word, STR("close"));
        out->keep_alive = out->keep_alive || str_eq_ci(word, STR("keep-alive"));
        out->upgrade_named = out->upgrade_named || str_eq_ci(word, STR("upgrade"));
    }
    return H1_DONE;
}

static enum h1_result understand(struct reading *r, struct str name, struct str value)
{
    const enum field_id id = field_id(name);
    if (id == FIELD_CONTENT_LENGTH)
        return read_length(r, name, value);
    if (id == FIELD_TRANSFER_ENCODING)
        return read_coding(r, name, value);
    if (id == FIELD_CONNECTION)
        return read_options(r, value);
    if (id == FIELD_UPGRADE && !r->out->upgrade.at)
        r->out->upgrade = value;
    if (id != FIELD_UPGRADE && id != FIELD_KEEP_ALIVE && id != FIELD_PROXY_CONNECTION &&
        id != FIELD_TE && id != FIELD_TRAILER)
        fields_add(&r->out->fields, r->pool, name, value);
    return H1_DONE;
}

static bool in_list(const struct str *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_ci(name, names[i]))
            return true;
    return false;
}

/* What one connection cannot have to itself: routing, authentication, who asked, and what caches
 * and readers of the content must know (RFC 9110, 7.6.1). */
bool h1_is_end_to_end(struct str name)
{
    static const struct str names[] = {
        STR_INIT("authorization"), STR_INIT("cache-control"), STR_INIT("cookie"),
        STR_INIT("forwarded"), STR_INIT("host"), STR_INIT("location"),
        STR_INIT("proxy-authenticate"), STR_INIT("proxy-authorization"), STR_INIT("set-cookie"),
        STR_INIT("vary"), STR_INIT("via"), STR_INIT("www-authenticate"), STR_INIT("x-real-ip"),
    };
    return in_list(names, countof(names), name) || str_starts_ci(name, STR("content-")) ||
           str_starts_ci(name, STR("x-forwarded-"));
}

static void remove_nominated(struct reading *r)
{
    struct fields *fields = &r->out->fields;
    for (unsigned i = 0; i < r->noptions; i++)
        if (!h1_is_end_to_end(r->options[i]) && fields_find(fields, r->options[i]))
            fields_remove(fields, r->options[i]);
}

/* --- heads ------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; "HTTP/1.1 200" is one, too. */
static enum h1_result read_status(struct reading *r, struct str line)
{
    static const char *const why = "upstream sent no valid HTTP/1.0 header";
    struct h1_response *out = r->out;
    struct str status;
    uint32_t number;
    if (pass(line, TEXT) < line.len || !str_starts(line, STR("HTTP/1.")) || line.len < 12)
        return bad(r, why);
    if (!is_digit(line.at[7]) || line.at[8] != ' ' || (line.len > 12 && line.at[12] != ' '))
        return bad(r, why);
    ASSERT(str_sub(line, 9, 3, &status) && str_from_off(line, 12, &out->reason));
    if (!number_u32(status, &number) || number < 100 || number > 599)
        return bad(r, why);
    out->line = line;
    out->reason = str_trim(out->reason);
    out->status = number;
    out->minor = line.at[7] != '0';
    return H1_DONE;
}

static enum h1_result read_field(struct reading *r, struct str line)
{
    struct str name, value;
    size_t fault;
    const enum form form = split(line, &name, &value, &fault);
    if (++r->lines > H1_RESPONSE_FIELDS)
        return bad(r, "upstream sent too many header lines");
    if (form == FORM_BAD || (form == FORM_ODD_NAME && hides_framing(name)))
        return bad_line(r, line, fault);
    if (form == FORM_GOOD)
        return understand(r, name, value);
    fields_add(&r->out->dropped, r->pool, name, value);
    return H1_DONE;
}

enum h1_result h1_parse_response(struct str bytes, struct pool *pool, struct h1_response *out)
{
    struct str options[OPTIONS_MOST];
    struct reading r = { .out = out, .pool = pool, .options = options };
    struct str rest = bytes, line;
    enum h1_result result;
    *out = (struct h1_response){ .length = -1 };
    if (!take_line(&rest, &line))
        return H1_MORE;
    for (result = read_status(&r, line); result == H1_DONE; result = read_field(&r, line)) {
        if (!take_line(&rest, &line))
            return H1_MORE;
        if (line.len == 0)
            break;
    }
    if (result == H1_BAD)
        return H1_BAD;
    out->size = bytes.len - rest.len;
    if (out->chunked && out->length >= 0)
        return bad(&r, "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the "
                       "same time");
    remove_nominated(&r);
    return H1_DONE;
}

/* --- trailers --------------------------------------------------------------------------------- */

/* What must be known before the content, or only to this connection (RFC 9110, 6.5.1). */
static bool may_trail(struct str name)
{
    static const struct str never[] = {
        STR_INIT("accept-ranges"), STR_INIT("age"), STR_INIT("cache-control"),
        STR_INIT("connection"), STR_INIT("date"), STR_INIT("expect"), STR_INIT("expires"),
        STR_INIT("keep-alive"), STR_INIT("last-modified"), STR_INIT("max-forwards"),
        STR_INIT("pragma"), STR_INIT("range"), STR_INIT("refresh"), STR_INIT("retry-after"),
        STR_INIT("server"), STR_INIT("status"), STR_INIT("te"), STR_INIT("trailer"),
        STR_INIT("transfer-encoding"), STR_INIT("upgrade"), STR_INIT("warning"),
    };
    return !h1_is_end_to_end(name) && !in_list(never, countof(never), name) &&
           !str_starts_ci(name, STR("if-")) && !str_starts_ci(name, STR("proxy-")) &&
           !str_starts_ci(name, STR("x-accel-"));
}

bool h1_parse_trailers(struct str section, struct pool *pool, struct fields *out)
{
    struct str line, name, value;
    unsigned lines = 0;
    size_t fault;
    while (section.len) {
        if (!take_line(&section, &line))
            return false;
        if (line.len == 0)
            return section.len == 0;
        if (split(line, &name, &value, &fault) != FORM_GOOD || ++lines > H1_RESPONSE_FIELDS)
            return false;
        if (may_trail(name))
            fields_add(out, pool, name, value);
    }
    return true;
}
