/*
 * Whether the answer to a health check is a good one: pure functions over slices.
 * Owns nothing.
 */
#include "http/upstream/health.h"

static bool in_ranges(const struct health_match *match, unsigned status)
{
    for (unsigned i = 0; i < match->nstatuses; i++)
        if (status >= match->statuses[i].from && status <= match->statuses[i].to)
            return true;
    return false;
}

const char *health_match_status(const struct health_match *match, unsigned status)
{
    const bool good = !match ? status >= 200 && status < 400
                      : match->nstatuses == 0 || in_ranges(match, status) != match->other_statuses;
    return good ? NULL : "unexpected status";
}

/* A regex that fails has not matched, and its opposite neither. */
static bool is_like(struct local *local, enum health_test test, const struct regex *regex,
                    struct str text)
{
    const char *why;
    const enum regex_result result = regex_match(local, regex, text, NULL, &why);
    return result == (test == HEALTH_LIKE ? REGEX_MATCH : REGEX_NO_MATCH);
}

static bool fits(const struct health_header *header, struct local *local, struct str value)
{
    switch (header->test) {
    case HEALTH_HAS:
        return true;
    case HEALTH_LACKS:
        return false;
    case HEALTH_IS:
        return str_eq(value, header->value);
    case HEALTH_IS_NOT:
        return !str_eq(value, header->value);
    case HEALTH_LIKE:
    case HEALTH_UNLIKE:
        return is_like(local, header->test, header->regex, value);
    }
    return false;
}

/* The next line that is a field.  False: there is none. */
static bool next_field(struct str *head, struct str *name, struct str *value)
{
    struct str line;
    while (head->len) {
        str_cut(*head, '\n', &line, head);
        if (str_cut(line, ':', name, value)) {
            *value = str_trim(*value);
            if (str_ends(*value, STR("\r")))
                value->len--;
            *value = str_trim(*value);
            return true;
        }
    }
    return false;
}

/* What is asked for holds when it does for one of the fields of that name; what is not wanted must
 * be in none. */
static bool has_header(const struct health_header *header, struct local *local, struct str head)
{
    const bool negative = header->test == HEALTH_IS_NOT || header->test == HEALTH_UNLIKE;
    struct str status_line, name, value;
    bool found = false;
    str_cut(head, '\n', &status_line, &head);
    while (next_field(&head, &name, &value)) {
        if (!str_eq_ci(name, header->name))
            continue;
        const bool good = fits(header, local, value);
        if (good != negative)
            return good;
        found = true;
    }
    return header->test == HEALTH_LACKS ? !found : negative && found;
}

const char *health_match_headers(const struct health_match *match, struct local *local,
                                 struct str head)
{
    for (const struct health_header *h = match ? match->headers : NULL; h; h = h->next)
        if (!has_header(h, local, head))
            return "unexpected header";
    return NULL;
}

const char *health_match_body(const struct health_match *match, struct local *local,
                              struct str body)
{
    for (const struct health_body *b = match ? match->bodies : NULL; b; b = b->next)
        if (!is_like(local, b->test, b->regex, body))
            return "unexpected body";
    return NULL;
}

const char *health_match_requires(const struct health_match *match, struct subject *s)
{
    struct str text;
    for (const struct health_require *r = match ? match->requires : NULL; r; r = r->next) {
        if (!template_eval(&r->value, s, &text))
            return "failed to evaluate a required variable";
        if (!text_is_true(text))
            return "a required variable is empty or \"0\"";
    }
    return NULL;
}
