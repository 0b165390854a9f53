/*
 * HTTP/1 request heads (RFC 9112, RFC 9110).  Pure: owns nothing.
 */
#include "http/v1/h1_parse.h"

#include "core/number.h"

static bool is_token(char c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    const char low = str_lower_char(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
           (c && memchr(marks, c, sizeof(marks) - 1));
}

static bool all_tokens(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token(s.at[i]))
            return false;
    return s.len > 0;
}

static enum h1_result bad(struct h1_head *head, unsigned status, const char *why)
{
    head->status = status;
    head->why = why;
    return H1_BAD;
}

/* The next line without its end; false: it is not there yet. */
static bool next_line(struct str *rest, struct str *line)
{
    if (!str_cut(*rest, '\n', line, rest))
        return false;
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* --- the request line ------------------------------------------------------------------------- */

static enum h1_result parse_version(struct str version, struct h1_head *head)
{
    uint32_t major, minor;
    struct str numbers, a, b;
    if (!str_starts(version, STR("HTTP/")) || !str_from_off(version, 5, &numbers) ||
        !str_cut(numbers, '.', &a, &b) || !number_u32(a, &major) || !number_u32(b, &minor) ||
        a.len > 1 || b.len > 1)
        return bad(head, 400, "client sent invalid request");
    if (major != 1)
        return bad(head, major > 1 ? 505 : 400, "client sent invalid version");
    head->minor = minor;
    return H1_DONE;
}

static enum h1_result parse_line(struct str line, struct h1_head *head)
{
    struct str rest, version;
    head->line = line;
    if (!str_cut(line, ' ', &head->method, &rest) || !all_tokens(head->method))
        return bad(head, 400, "client sent invalid method");
    for (size_t i = 0; i < head->method.len; i++)
        if (!(head->method.at[i] >= 'A' && head->method.at[i] <= 'Z') &&
            head->method.at[i] != '_' && head->method.at[i] != '-')
            return bad(head, 400, "client sent invalid method");
    if (rest.len == 0)
        return bad(head, 400, "client sent invalid request");
    head->simple = !str_cut(rest, ' ', &head->target, &version);
    for (size_t i = 0; i < head->target.len; i++)
        if ((unsigned char)head->target.at[i] <= ' ' || head->target.at[i] == 0x7f)
            return bad(head, 400, "client sent invalid request");
    if (head->target.len == 0)
        return bad(head, 400, "client sent invalid request");
    if (head->simple)
        return str_eq(head->method, STR("GET")) ? H1_DONE
                                                : bad(head, 400, "client sent invalid request");
    return parse_version(version, head);
}

/* --- fields ----------------------------------------------------------------------------------- */

static bool clean_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char c = (unsigned char)value.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool has_word(struct str list, struct str word)
{
    while (list.len) {
        struct str item;
        str_cut(list, ',', &item, &list);
        if (str_eq_ci(str_trim(item), word))
            return true;
    }
    return false;
}

static enum h1_result known_field(struct h1_head *head, struct str name, struct str value)
{
    uint64_t length;
    if (str_eq_ci(name, STR("host"))) {
        if (head->host.at)
            return bad(head, 400, "client sent duplicate host header");
        head->host = value;
    } else if (str_eq_ci(name, STR("content-length"))) {
        if (head->length >= 0)
            return bad(head, 400, "client sent duplicate \"Content-Length\" header");
        if (!number_u64(value, &length) || length > INT64_MAX)
            return bad(head, 400, "client sent invalid \"Content-Length\" header");
        head->length = (int64_t)length;
    } else if (str_eq_ci(name, STR("transfer-encoding"))) {
        if (head->chunked)
            return bad(head, 400, "client sent duplicate \"Transfer-Encoding\" header");
        if (head->minor == 0)
            return bad(head, 400, "client sent HTTP/1.0 request with \"Transfer-Encoding\" header");
        if (!str_eq_ci(value, STR("chunked")))
            return bad(head, 501, "client sent unknown \"Transfer-Encoding\"");
        head->chunked = true;
    } else if (str_eq_ci(name, STR("connection"))) {
        head->close = head->close || has_word(value, STR("close"));
        head->keep_alive = head->keep_alive || has_word(value, STR("keep-alive"));
    }
    return H1_DONE;
}

static enum h1_result parse_field(struct str line, struct pool *pool, struct h1_head *head)
{
    struct str name, value;
    if (!str_cut(line, ':', &name, &value) || !all_tokens(name))
        return bad(head, 400, "client sent invalid header line");
    value = str_trim(value);
    if (!clean_value(value))
        return bad(head, 400, "client sent invalid header line");
    if (head->fields.count == H1_FIELDS_MOST)
        return bad(head, 400, "client sent too many header lines");
    fields_add(&head->fields, pool, name, value);
    return known_field(head, name, value);
}

static enum h1_result check(struct h1_head *head)
{
    if (head->chunked && head->length >= 0)
        return bad(head, 400, "client sent \"Content-Length\" and \"Transfer-Encoding\" headers "
                              "at the same time");
    if (head->minor > 0 && !head->host.at)
        return bad(head, 400, "client sent HTTP/1.1 request without \"Host\" header");
    return H1_DONE;
}

enum h1_result h1_parse(struct str bytes, struct pool *pool, struct h1_head *head)
{
    struct str rest = bytes, line;
    enum h1_result result;
    *head = (struct h1_head){ .length = -1 };
    do {                                /* empty lines before a request are passed over */
        if (!next_line(&rest, &line))
            return H1_MORE;
    } while (line.len == 0);
    result = parse_line(line, head);
    while (result == H1_DONE && !head->simple) {
        if (!next_line(&rest, &line))
            return H1_MORE;
        if (line.len == 0)
            break;
        result = parse_field(line, pool, head);
    }
    head->size = bytes.len - rest.len;
    if (result != H1_DONE || head->simple)
        return result;
    return check(head);
}
