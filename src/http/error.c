/*
 * Errors: error_page, and the built-in pages, in nginx's words.  Owns nothing.
 */
#include "http/error.h"

#include "core/number.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/subrequest.h"
#include "http/trace.h"
#include "http/uri.h"

enum { ANSWERED = 0, AS_IT_IS = -1 };

struct error_page {
    struct error_page *next;
    unsigned code;
    int status;                         /* of the answer; ANSWERED: the page's own; AS_IT_IS */
    struct template uri;
};

struct error_conf {
    struct conf_set set;
    struct error_page *pages;
};

/* --- error_page ------------------------------------------------------------------------------- */

static bool parse_code(struct conf *cf, unsigned arg, uint32_t *code)
{
    if (!number_u32(conf_arg(cf, arg), code) || *code == 499)
        return conf_error(cf, arg, "invalid-value", "invalid value \"%.*s\"",
                          STR_FMT(conf_arg(cf, arg)));
    if (*code < 300 || *code > 599)
        return conf_error(cf, arg, "invalid-value", "value \"%.*s\" must be between 300 and 599",
                          STR_FMT(conf_arg(cf, arg)));
    return true;
}

static bool parse_status(struct conf *cf, unsigned arg, int *status)
{
    struct str text;
    uint32_t n;
    *status = ANSWERED;
    if (!str_from_off(conf_arg(cf, arg), 1, &text) || text.len == 0)
        return true;
    if (!number_u32(text, &n) || n > 999)
        return conf_error(cf, arg, "invalid-value", "invalid value \"%.*s\"",
                          STR_FMT(conf_arg(cf, arg)));
    *status = (int)n;
    return true;
}

static bool parse_page(struct conf *cf, void *field, const void *arg)
{
    struct error_page **end = field;
    unsigned codes = conf_nargs(cf) - 1;
    struct template uri;
    int status = AS_IT_IS;
    (void)arg;
    if (conf_arg(cf, codes).at[0] == '=' && !parse_status(cf, codes--, &status))
        return false;
    if (codes == 0)
        return conf_error(cf, 1, "invalid-value", "invalid value \"%.*s\"",
                          STR_FMT(conf_arg(cf, 1)));
    if (!template_compile(cf, &uri, conf_arg(cf, conf_nargs(cf)), conf_nargs(cf)))
        return false;
    while (*end)
        end = &(*end)->next;
    for (unsigned i = 1; i <= codes; i++) {
        struct error_page *page = pool_new(cf->pool, struct error_page);
        uint32_t code;
        if (!parse_code(cf, i, &code))
            return false;
        page->code = code;
        page->status = status == AS_IT_IS && (code == 494 || code == 495 || code == 496
                                              || code == 497) ? 400 : status;
        page->uri = uri;
        *end = page;
        end = &page->next;
    }
    return true;
}
static const struct conf_type type_page = { "code ... [=[status]] uri", sizeof(struct error_page *),
                                            true, parse_page, false };

static const struct directive rows[] = {
    { "error_page", IN_HSL | IN_LOCATION_IF, 2, CONF_MANY, &type_page, FIELD(error_conf, pages),
      INHERIT, NULL, NULL, NULL, "what answers instead of an error", NULL },
};
struct section http_error_section = {
    .name = "error_page", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct error_conf), .rows = rows, .nrows = countof(rows),
};

/* --- built-in pages --------------------------------------------------------------------------- */

static bool is_msie(const struct request *r)
{
    const struct str agent = fields_value(&r->in.fields, FIELD_USER_AGENT);
    return str_find(agent, STR("MSIE ")) != STR_NPOS && str_find(agent, STR("Opera")) == STR_NPOS;
}

static bool is_chrome(const struct request *r)
{
    return str_find(fields_value(&r->in.fields, FIELD_USER_AGENT), STR("Chrome/")) != STR_NPOS;
}

/* Where the page has other words than the status line. */
static const char *title_of(unsigned status)
{
    switch (status) {
    case 302:
        return "Found";
    case 401:
        return "Authorization Required";
    default:
        return response_reason(status);
    }
}

/* Titles of what is a 400 outside. */
static const char *detail_of(unsigned status)
{
    switch (status) {
    case 494:
        return "Request Header Or Cookie Too Large";
    case 495:
        return "The SSL certificate error";
    case 496:
        return "No required SSL certificate was sent";
    case 497:
        return "The plain HTTP request was sent to HTTPS port";
    default:
        return NULL;
    }
}

static void add_padding(struct fmt *f)
{
    for (int i = 0; i < 6; i++)
        fmt_text(f, "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n");
}

static enum step page(struct request *r, unsigned status)
{
    const struct http_location_conf *conf = http_location_conf(r);
    const char *const detail = detail_of(status);
    const unsigned shown = detail ? 400 : status;
    const char *const title = title_of(shown);
    const bool refresh = conf->msie_refresh && is_msie(r) && (shown == 301 || shown == 302);
    struct fmt f;
    if (!title || shown < 300 || shown == 304)
        return response_text(r, shown, STR_NONE, STR_NONE);
    fmt_init_pool(&f, r->subject.pool, 512, 8192);
    if (refresh) {
        fmt_print(&f, "<html><head><meta http-equiv=\"Refresh\" content=\"0; URL=%.*s\"></head>"
                      "<body></body></html>\r\n", STR_FMT(r->out.location));
        r->out.location = STR_NONE;
        return response_text(r, 200, STR("text/html"), fmt_done(&f));
    }
    fmt_print(&f, "<html>\r\n<head><title>%u %s</title></head>\r\n<body>\r\n"
                  "<center><h1>%u %s</h1></center>\r\n",
              shown, detail ? detail : title, shown, title);
    if (detail)
        fmt_print(&f, "<center>%s</center>\r\n", detail);
    fmt_print(&f, "<hr><center>%.*s</center>\r\n</body>\r\n</html>\r\n",
              STR_FMT(http_server_text(r)));
    if (conf->msie_padding && shown >= 400 && (is_msie(r) || is_chrome(r)))
        add_padding(&f);
    return response_text(r, shown, STR("text/html"), fmt_done(&f));
}

/* --- the answer ------------------------------------------------------------------------------- */

/* Nothing of the response that failed; what access rules have added stays. */
static void reset(struct request *r)
{
    r->out.last_modified = -1;
    r->out.truncated = false;           /* that was another answer */
    r->out.length = -1;
    r->out.etag = r->out.content_type = r->out.charset = STR_NONE;
    r->out.ranges = r->out.encoded = false;
    r->out.trailers = (struct fields){ 0 };
    r->out.trailers_due = r->out.anonymous = r->out.unconditional = false;
    fields_remove(&r->out.fields, STR("Content-Encoding"));
}

static bool closes(unsigned status)
{
    return status == 400 || status == 413 || status == 414 || (status >= 494 && status <= 497)
           || status == 500 || status == 501;
}

static enum step follow(struct request *r, const struct error_page *page)
{
    struct str to, args = STR("");
    if (!template_eval(&page->uri, &r->subject, &to) || to.len == 0) {
        r->error_page = true;
        return error_answer(r, 500);
    }
    if (trace_on(r->trace))
        http_tell(r, TRACE_ERROR, fmt_pool(r->subject.pool, "error_page %u %.*s", page->code,
                                           STR_FMT(to)), "answers instead");
    r->error_status = page->status == AS_IT_IS ? (uint16_t)page->code : (uint16_t)page->status;
    if (to.at[0] == '@')
        return request_redirect_named(r, to);
    if (to.at[0] == '/') {
        str_cut(to, '?', &to, &args);
        if (r->in.method != METHOD_HEAD) {
            r->in.method = METHOD_GET;
            r->in.method_name = STR("GET");
        }
        return request_redirect(r, to, args);
    }
    const unsigned status = response_is_redirect(r->error_status) ? r->error_status : 302;
    r->error_status = 0;
    r->out.location = to;
    return error_answer(r, status);
}

static const struct error_page *find_page(const struct request *r, unsigned status)
{
    const struct error_conf *conf = request_conf(r, http_error_section);
    const struct error_page *page = conf->pages;
    while (page && page->code != status)
        page = page->next;
    return page;
}

bool error_has_page(const struct request *r, unsigned status)
{
    return find_page(r, status) != NULL;
}

enum step error_answer(struct request *r, unsigned status)
{
    const struct error_page *found = r->error_page ? NULL : find_page(r, status);
    struct str instead;
    r->error_status = 0;
    if (status == 444) {
        request_drop(r, status);
        return STEP_WAIT;
    }
    reset(r);
    if (subrequest_instead(r, &instead))
        return response_text(r, 200, r->parent->out.content_type, instead);
    if (closes(status))
        r->out.close = true;
    if (!found) {
        if (trace_on(r->trace))
            http_tell(r, TRACE_ERROR, fmt_pool(r->subject.pool, "%u", status), "has no error_page");
        return page(r, status);
    }
    if (!http_location_conf(r)->recursive_error_pages)
        r->error_page = true;
    const enum step step = follow(r, found);
    if (step != STEP_FAIL)
        return step;
    r->error_status = 0;                /* there is no way to the page */
    r->out.close = r->out.close || closes(r->out.status);
    return page(r, r->out.status);
}
