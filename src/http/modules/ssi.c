/*
 * ngx_http_ssi_module: server-side includes.
 *
 *     body --ssi_parse--> text     shown, or a part of a block, or hidden by an `if`
 *                         command  runs: text, a variable, or a subrequest in the output
 *
 * Variables, captures and blocks are those of the main request: what a page sets, what it includes
 * sees.  Owns nothing: all of it lies in the main request's pool.
 */
#include "core/escape.h"
#include "http/core_conf.h"
#include "http/response.h"
#include "http/ssi_parse.h"
#include "http/subrequest.h"
#include "http/transform.h"
#include "http/uri.h"
#include "http/vars.h"

#include <time.h>

enum {
    IFS_MOST = 32,                      /* within one another */
    INCLUDES_MOST = 64,                 /* at a time */
    BLOCK_MOST = 256 << 10,
    ARGS_MOST = 5,
};

struct ssi_conf {
    struct conf_set set;
    struct http_type_set types;
    size_t value_length;
    bool on, silent, last_modified;
};

struct variable_set {
    struct variable_set *next;
    struct str name, value;
};

struct block {
    struct block *next;
    struct str name, text;
};

struct shared {                         /* of a main request */
    struct variable_set *variables;
    struct block *blocks;
    struct regex_captures captures;
};

struct condition {
    bool shown;
    bool over;                          /* one of its branches was shown, or none will be */
    bool last;                          /* `else` was there */
};

struct ssi {
    struct transform transform;
    struct ssi_parser parser;
    struct request *request;
    const struct ssi_conf *conf;
    struct shared *shared;
    struct str error_text;
    const char *time_format;
    struct condition ifs[IFS_MOST];
    unsigned nifs;
    struct block *block;                /* that is being read */
    struct fmt block_text;
    struct subrequest *awaited;         /* nothing is read until it ends */
    struct str into;                    /* the variable that its text becomes; at NULL: none */
    unsigned includes;                  /* that have not ended */
};

static const char shared_key, key;

#define COMPLAIN(ssi, ...) log_write(&(ssi)->request->log, LOG_ERROR, 0, __VA_ARGS__)
/* A command cannot be carried out: false. */
#define FAIL(ssi, ...) (COMPLAIN(ssi, __VA_ARGS__), false)

/* --- configuration ---------------------------------------------------------------------------- */

static const struct directive rows[] = {
    { "ssi", IN_HSL | IN_LOCATION_IF, 1, 1, &conf_type_flag, FIELD(ssi_conf, on), INHERIT, "off",
      NULL, NULL, "commands in pages are carried out", NULL },
    { "ssi_silent_errors", IN_HSL, 1, 1, &conf_type_flag, FIELD(ssi_conf, silent), INHERIT, "off",
      NULL, NULL, "errors of commands are only logged", NULL },
    { "ssi_types", IN_HSL, 1, CONF_MANY, &http_type_type_set, FIELD(ssi_conf, types), INHERIT,
      "text/html", NULL, NULL, "content types that have commands", NULL },
    { "ssi_value_length", IN_HSL, 1, 1, &conf_type_size, FIELD(ssi_conf, value_length), INHERIT,
      "256", NULL, NULL, "most of a command's parameter", NULL },
    { "ssi_min_file_chunk", IN_HSL, 1, 1, &conf_type_size, 0, INHERIT, "1k", NULL,
      "pages with commands are read, never sent from their file",
      "the least that is sent from a page's file", NULL },
    { "ssi_last_modified", IN_HSL, 1, 1, &conf_type_flag, FIELD(ssi_conf, last_modified), INHERIT,
      "off", NULL, NULL, "Last-Modified stays as it was", NULL },
};
static struct section section = {
    .name = "ssi", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct ssi_conf), .rows = rows, .nrows = countof(rows),
};

static bool enabled(const struct conf_block *block)
{
    const struct ssi_conf *conf = conf_of(block, section);
    return conf && conf->on;
}

/* --- variables -------------------------------------------------------------------------------- */

static struct variable_set *find_variable(const struct ssi *ssi, struct str name)
{
    struct variable_set *v = ssi->shared->variables;
    while (v && !str_eq_ci(v->name, name))
        v = v->next;
    return v;
}

/* `name` may lie in the parser. */
static void set_variable(struct ssi *ssi, struct str name, struct str value)
{
    struct pool *pool = ssi->request->subject.pool;
    struct variable_set *v = find_variable(ssi, name);
    if (!v) {
        v = pool_new(pool, struct variable_set);
        v->name = pool_str(pool, name);
        v->next = ssi->shared->variables;
        ssi->shared->variables = v;
    }
    v->value = value;
}

/* False: it failed. */
static bool get_variable(const struct ssi *ssi, struct str name, struct value *value)
{
    const struct variable_set *v = find_variable(ssi, name);
    const struct regex_captures *captures = &ssi->shared->captures;
    *value = (struct value){ STR_NONE, false };
    if (v)
        *value = (struct value){ v->value, true };
    else if (name.len == 1 && name.at[0] >= '0' && name.at[0] <= '9') {
        const unsigned group = (unsigned)(name.at[0] - '0');
        *value = (struct value){ regex_group(captures, group), group < captures->count };
    } else if (name.len)
        return vars_get_named(&ssi->request->subject, name, value);
    return true;
}

/* "text$name": false: reported. */
static bool evaluate(const struct ssi *ssi, struct str text, struct str *out)
{
    struct str rest = text, piece;
    struct value value;
    struct fmt f;
    fmt_init_pool(&f, ssi->request->subject.pool, text.len + 1, TEMPLATE_LIMIT);
    for (;;)
        switch (ssi_next_piece(&rest, &piece)) {
        case SSI_PIECE_END:
            *out = fmt_done(&f);
            return !f.failed;
        case SSI_PIECE_TEXT:
            fmt_str(&f, piece);
            break;
        case SSI_PIECE_VARIABLE:
            if (!get_variable(ssi, piece, &value))
                return false;
            if (value.found)
                fmt_str(&f, value.text);
            break;
        case SSI_PIECE_NO_NAME:
            return FAIL(ssi, "invalid variable name in \"%.*s\"", STR_FMT(text));
        case SSI_PIECE_OPEN:
            return FAIL(ssi, "the closing bracket in \"%.*s\" variable is missing",
                        STR_FMT(piece));
        }
}

/* --- echo, set, config ------------------------------------------------------------------------ */

static bool run_echo(struct ssi *ssi, const struct str *args)
{
    const struct str encoding = args[2];
    struct str text = args[1].at ? args[1] : STR("(none)");
    struct value value;
    struct fmt f;
    if (!get_variable(ssi, args[0], &value))
        return false;
    if (value.found)
        text = value.text;
    if (str_eq(encoding, STR("none"))) {
        transform_add(&ssi->transform, text);
        return true;
    }
    fmt_init_pool(&f, ssi->request->subject.pool, text.len + 1, TEMPLATE_LIMIT);
    if (str_eq(encoding, STR("url")))
        escape_uri(&f, text, ESCAPE_LINK);
    else
        escape_html(&f, text);
    if (encoding.at && !str_eq(encoding, STR("url")) && !str_eq(encoding, STR("entity")))
        COMPLAIN(ssi, "unknown encoding \"%.*s\" in the \"echo\" command", STR_FMT(encoding));
    transform_add(&ssi->transform, fmt_done(&f));
    return true;
}

static bool run_set(struct ssi *ssi, const struct str *args)
{
    struct str value;
    if (!evaluate(ssi, args[1], &value))
        return false;
    set_variable(ssi, args[0], value);
    return true;
}

static bool run_config(struct ssi *ssi, const struct str *args)
{
    struct pool *pool = ssi->request->subject.pool;
    if (args[0].at)
        ssi->time_format = pool_cstr(pool, args[0]);
    if (args[1].at)
        ssi->error_text = pool_str(pool, args[1]);
    return true;
}

/* --- if, elif, else, endif -------------------------------------------------------------------- */

static bool shown(const struct ssi *ssi)
{
    return ssi->nifs == 0 || ssi->ifs[ssi->nifs - 1].shown;
}

static void keep_match(struct ssi *ssi, const struct regex *regex,
                       const struct regex_captures *captures)
{
    ssi->shared->captures = *captures;
    for (unsigned i = 0; i < regex->nnames; i++)
        set_variable(ssi, regex->names[i].name, regex_group(captures, regex->names[i].group));
}

static bool match(struct ssi *ssi, struct str text, struct str pattern, bool *is)
{
    struct request *r = ssi->request;
    struct regex_captures captures;
    struct regex regex;
    const char *why = NULL;
    switch (regex_match_text(r->subject.local, r->subject.pool, pattern, text, &regex, &captures,
                             &why)) {
    case REGEX_MATCH:
        keep_match(ssi, &regex, &captures);
        *is = true;
        return true;
    case REGEX_NO_MATCH:
        *is = false;
        return true;
    case REGEX_ERROR:
        return FAIL(ssi, "%s", why ? why : "no memory");
    }
    return false;
}

static bool decide(struct ssi *ssi, struct str text, bool *is)
{
    struct ssi_condition condition;
    struct str left, right;
    if (!ssi_condition_parse(text, &condition))
        return FAIL(ssi, "invalid expression in \"%.*s\"", STR_FMT(text));
    if (!evaluate(ssi, condition.left, &left))
        return false;
    *is = left.len > 0;
    if (!condition.compares)
        return true;
    if (!evaluate(ssi, condition.right, &right))
        return false;
    if (!condition.regex)
        *is = str_eq(left, right);
    else if (!match(ssi, left, right, is))
        return false;
    *is = *is != condition.negated;
    return true;
}

/* What cannot be decided shows nothing. */
static bool run_if(struct ssi *ssi, const struct str *args)
{
    bool is = false, good = true;
    if (ssi->nifs == IFS_MOST)
        return FAIL(ssi, "too many \"if\" commands inside one another");
    const bool outer = shown(ssi);
    if (outer)
        good = args[0].at && decide(ssi, args[0], &is);
    ssi->ifs[ssi->nifs++] = (struct condition){ .shown = good && is,
                                                     .over = is || !good || !outer };
    return good;
}

/* NULL: there is no `if` to which it could belong, which is reported. */
static struct condition *open_if(struct ssi *ssi, const char *name)
{
    struct condition *c = ssi->nifs ? &ssi->ifs[ssi->nifs - 1] : NULL;
    if (c && (!c->last || strcmp(name, "endif") == 0))
        return c;
    COMPLAIN(ssi, "invalid context of SSI command: \"%s\"", name);
    return NULL;
}

static bool run_elif(struct ssi *ssi, const struct str *args)
{
    struct condition *c = open_if(ssi, "elif");
    bool is = false;
    if (!c)
        return false;
    const bool good = c->over || (args[0].at && decide(ssi, args[0], &is));
    c->shown = good && is;
    c->over = c->over || is || !good;
    return good;
}

static bool run_else(struct ssi *ssi, const struct str *args)
{
    struct condition *c = open_if(ssi, "else");
    (void)args;
    if (!c)
        return false;
    c->shown = !c->over;
    c->over = c->last = true;
    return true;
}

static bool run_endif(struct ssi *ssi, const struct str *args)
{
    (void)args;
    if (!open_if(ssi, "endif"))
        return false;
    ssi->nifs--;
    return true;
}

/* --- block, endblock -------------------------------------------------------------------------- */

static struct block *find_block(const struct ssi *ssi, struct str name)
{
    struct block *block = ssi->shared->blocks;
    while (block && !str_eq(block->name, name))
        block = block->next;
    return block;
}

static bool run_block(struct ssi *ssi, const struct str *args)
{
    struct pool *pool = ssi->request->subject.pool;
    ssi->block = pool_new(pool, struct block);
    ssi->block->name = pool_str(pool, args[0]);
    fmt_init_pool(&ssi->block_text, pool, 256, BLOCK_MOST);
    return true;
}

/* The first one of a name counts. */
static bool run_endblock(struct ssi *ssi, const struct str *args)
{
    struct block *block = ssi->block;
    (void)args;
    ssi->block = NULL;
    if (!block)
        return true;
    if (ssi->block_text.failed)
        return FAIL(ssi, "too large \"%.*s\" block", STR_FMT(block->name));
    block->text = fmt_done(&ssi->block_text);
    if (!find_block(ssi, block->name)) {
        block->next = ssi->shared->blocks;
        ssi->shared->blocks = block;
    }
    return true;
}

/* --- include ---------------------------------------------------------------------------------- */

enum { VIRTUAL, FILE_NAME, WAIT, SET, STUB };

static bool wants_to_wait(const struct ssi *ssi, struct str value, bool *wait)
{
    *wait = str_eq(value, STR("yes"));
    return !value.at || *wait || str_eq(value, STR("no"))
           || FAIL(ssi, "invalid value \"%.*s\" in the \"wait\" parameter", STR_FMT(value));
}

/* Where it is; one that does not begin with "/" lies beside the page. */
static bool make_uri(const struct ssi *ssi, const struct str *args, struct uri *uri)
{
    struct request *r = ssi->request;
    struct str text;
    if (!args[VIRTUAL].at && !args[FILE_NAME].at)
        return FAIL(ssi, "no parameter in \"include\" SSI command");
    if (args[VIRTUAL].at && args[FILE_NAME].at)
        return FAIL(ssi, "inclusion may be either virtual=\"%.*s\" or file=\"%.*s\"",
                    STR_FMT(args[VIRTUAL]), STR_FMT(args[FILE_NAME]));
    if (!evaluate(ssi, args[VIRTUAL].at ? args[VIRTUAL] : args[FILE_NAME], &text))
        return false;
    if (!str_starts(text, STR("/"))) {
        struct str folder = r->in.path;
        folder.len = (size_t)(str_rchr(folder, '/') + 1);
        text = fmt_pool(r->subject.pool, "%.*s%.*s", STR_FMT(folder), STR_FMT(text));
    }
    if (uri_parse_path(text, http_server_conf(r->server)->merge_slashes, r->subject.pool, uri))
        return true;
    return FAIL(ssi, "unsafe URI \"%.*s\" was detected", STR_FMT(text));
}

static void include_done(struct subrequest *s)
{
    struct ssi *ssi = s->data;
    ssi->includes--;
}

static bool start(struct ssi *ssi, const struct uri *uri, const struct block *stub, bool set,
                  bool wait)
{
    transform_pass(&ssi->transform, MORE);      /* its place is behind that */
    struct subrequest *s = subrequest_start(ssi->request,
                                            set ? SUBREQUEST_TEXT : SUBREQUEST_INLINE, false,
                                            uri->path, uri->args);
    if (!s)
        return false;
    s->done = include_done;
    s->data = ssi;
    if (stub)
        s->instead = stub->text;
    ssi->includes++;
    if (set || wait)
        ssi->awaited = s;
    return true;
}

static bool run_include(struct ssi *ssi, const struct str *args)
{
    const struct block *stub = NULL;
    struct uri uri;
    bool wait;
    if (!make_uri(ssi, args, &uri) || !wants_to_wait(ssi, args[WAIT], &wait))
        return false;
    if (args[SET].at && args[STUB].at)
        return FAIL(ssi, "\"set\" and \"stub\" cannot be used together in \"include\" SSI command");
    if (args[STUB].at && !(stub = find_block(ssi, args[STUB])))
        return FAIL(ssi, "\"stub\"=\"%.*s\" for \"include\" not found", STR_FMT(args[STUB]));
    if (!start(ssi, &uri, stub, args[SET].at, wait))
        return false;
    ssi->into = args[SET].at ? pool_str(ssi->request->subject.pool, args[SET]) : STR_NONE;
    return true;
}

/* Nothing is read now. */
static bool waits(struct ssi *ssi)
{
    const struct subrequest *s = ssi->awaited;
    if (ssi->includes >= INCLUDES_MOST || (s && s->request))
        return true;
    if (s && ssi->into.at)
        set_variable(ssi, ssi->into, !s->failed && s->status < 300 ? s->text : STR(""));
    ssi->awaited = NULL;
    ssi->into = STR_NONE;
    return false;
}

/* --- commands --------------------------------------------------------------------------------- */

struct command {
    const char *name;
    bool (*run)(struct ssi *ssi, const struct str *args);
    const char *params[ARGS_MOST];
    unsigned mandatory;                 /* so many of the first */
    bool conditional;                   /* runs also where nothing is shown */
};

static const struct command commands[] = {
    { "include", run_include, { "virtual", "file", "wait", "set", "stub" }, 0, false },
    { "echo", run_echo, { "var", "default", "encoding" }, 1, false },
    { "config", run_config, { "timefmt", "errmsg" }, 0, false },
    { "set", run_set, { "var", "value" }, 2, false },
    { "if", run_if, { "expr" }, 1, true },
    { "elif", run_elif, { "expr" }, 1, true },
    { "else", run_else, { NULL }, 0, true },
    { "endif", run_endif, { NULL }, 0, true },
    { "block", run_block, { "name" }, 1, false },
    { "endblock", run_endblock, { NULL }, 0, false },
};

static const struct command *find_command(struct str name)
{
    for (size_t i = 0; i < countof(commands); i++)
        if (str_eq(str_from(commands[i].name), name))
            return &commands[i];
    return NULL;
}

static struct str *find_arg(const struct command *command, struct str name, struct str *args)
{
    for (unsigned i = 0; i < ARGS_MOST && command->params[i]; i++)
        if (str_eq(str_from(command->params[i]), name))
            return &args[i];
    return NULL;
}

/* The parameters in the order of the table.  False: reported. */
static bool sort_args(const struct ssi *ssi, const struct command *command, struct str *args)
{
    const struct ssi_parser *p = &ssi->parser;
    for (unsigned i = 0; i < p->nparams; i++) {
        const struct str name = ssi_param_name(p, i);
        struct str *arg = find_arg(command, name, args);
        if (!arg)
            return FAIL(ssi, "invalid parameter name: \"%.*s\" in \"%s\" SSI command",
                        STR_FMT(name), command->name);
        if (arg->at)
            return FAIL(ssi, "duplicate \"%.*s\" parameter in \"%s\" SSI command", STR_FMT(name),
                        command->name);
        *arg = ssi_param_value(p, i);
    }
    for (unsigned i = 0; i < command->mandatory; i++)
        if (!args[i].at)
            return FAIL(ssi, "mandatory \"%s\" parameter is absent in \"%s\" SSI command",
                        command->params[i], command->name);
    return true;
}

/* What stands there is part of what is shown; those that end a branch are no part of it. */
static bool stands_in_view(const struct ssi *ssi, const struct command *command)
{
    const unsigned inside = command && command->conditional && command->run != run_if;
    return ssi->nifs <= inside || ssi->ifs[ssi->nifs - 1 - inside].shown;
}

/* Its outcome is known already. */
static bool is_decided(const struct ssi *ssi, const struct command *command)
{
    if (command->run == run_elif)
        return ssi->nifs && ssi->ifs[ssi->nifs - 1].over;
    return command->run == run_if && !shown(ssi);
}

/* An `if` opens its block even when it is wrong, or what belongs to it would belong to another. */
static bool run_command(struct ssi *ssi, const struct command *command)
{
    static const struct str none[ARGS_MOST];
    struct str args[ARGS_MOST] = { STR_NONE };
    if (is_decided(ssi, command) || sort_args(ssi, command, args))
        return command->run(ssi, args);
    if (command->conditional)
        command->run(ssi, none);
    return false;
}

static void tell_error(struct ssi *ssi)
{
    if (!ssi->conf->silent)
        transform_add(&ssi->transform, ssi->error_text);
}

static void on_command(struct ssi *ssi)
{
    const struct str name = ssi_name(&ssi->parser);
    const struct command *command = find_command(name);
    if (ssi->block && (!command || command->run != run_endblock)) {
        ssi_command_text(&ssi->parser, &ssi->block_text);
        return;
    }
    const bool in_view = stands_in_view(ssi, command);
    if (!in_view && (!command || !command->conditional))
        return;
    if (!command)
        COMPLAIN(ssi, "invalid SSI command: \"%.*s\"", STR_FMT(name));
    else if (run_command(ssi, command))
        return;
    if (in_view)
        tell_error(ssi);
}

static void on_broken(struct ssi *ssi)
{
    if (!shown(ssi) || ssi->block)
        return;
    COMPLAIN(ssi, "%.*s", STR_FMT(fmt_done(&ssi->parser.why)));
    tell_error(ssi);
}

static void on_text(struct ssi *ssi, struct str text)
{
    if (ssi->block)
        fmt_str(&ssi->block_text, text);
    else if (shown(ssi))
        transform_add(&ssi->transform, text);
}

static size_t feed(struct transform *t, struct str bytes)
{
    struct ssi *ssi = container_of(t, struct ssi, transform);
    struct str rest = bytes, text;
    while (!waits(ssi))
        switch (ssi_parse(&ssi->parser, &rest, &text)) {
        case SSI_MORE:
            return bytes.len;
        case SSI_TEXT:
            on_text(ssi, text);
            break;
        case SSI_COMMAND:
            on_command(ssi);
            break;
        case SSI_BROKEN:
            on_broken(ssi);
            break;
        }
    return bytes.len - rest.len;
}

/* A command that has no end is not shown. */
static bool finish(struct transform *t)
{
    struct ssi *ssi = container_of(t, struct ssi, transform);
    if (waits(ssi))
        return false;
    on_text(ssi, ssi_parse_end(&ssi->parser));
    return true;
}

/* --- the head --------------------------------------------------------------------------------- */

static enum join head(struct request *r, struct filter *f)
{
    const struct ssi_conf *conf = request_conf(r, section);
    if (r->out.length == 0 || !http_type_in_set(&conf->types, r->out.content_type))
        return JOIN_PASS;
    struct ssi *ssi = request_note(r, &key, sizeof(*ssi));
    char *room = NULL;
    size_t size;
    if (!mul_overflows(conf->value_length, (size_t)SSI_VALUES_MOST, &size)
        && !add_overflows(size, (size_t)1, &size))
        room = pool_try(r->subject.pool, size);
    if (!room) {
        r->out.status = 500;
        return JOIN_REFUSE;
    }
    *ssi = (struct ssi){ .request = r, .conf = conf };
    ssi->shared = request_note(r->main, &shared_key, sizeof(struct shared));
    ssi->error_text = STR("[an error occurred while processing the directive]");
    ssi_parser_init(&ssi->parser, room, conf->value_length);
    transform_init(&ssi->transform, r, f);
    ssi->transform.feed = feed;
    ssi->transform.finish = finish;
    response_transformed(r);
    if (!conf->last_modified) {
        r->out.last_modified = -1;
        r->out.etag = STR_NONE;
    }
    return JOIN_IN;
}

const struct filter_type http_ssi_filter = {
    .name = "ssi", .enabled = enabled, .head = head, .body = transform_body,
    .resume = transform_resume, .needs_memory = true, .subrequests = true,
};

/* --- $date_local, $date_gmt ------------------------------------------------------------------- */

GETTER(date)
{
    /* The format is a page's own. */
    size_t (*const format)(char *, size_t, const char *, const struct tm *) = strftime;
    struct request *r = request_of(s);
    const struct ssi *ssi = request_note(r, &key, 0);
    const char *how = ssi && ssi->time_format ? ssi->time_format : "%A, %d-%b-%Y %H:%M:%S %Z";
    const time_t now = (time_t)(request_loop(r)->real / 1000);
    char text[256];
    struct tm tm;
    out->found = true;
    if (strcmp(how, "%s") == 0) {
        out->text = fmt_pool(s->pool, "%lld", (long long)now);
        return true;
    }
    if (entry->data)
        gmtime_r(&now, &tm);
    else
        localtime_r(&now, &tm);
    out->text = pool_str(s->pool, str_of(text, format(text, sizeof(text), how, &tm)));
    return true;
}

static const struct variable variables[] = {
    { "date_local", get_date, VARS_VOLATILE, 0, "now, in local time", NULL },
    { "date_gmt", get_date, VARS_VOLATILE, 1, "now, in Greenwich", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};

static struct section *const sections[] = { &section, NULL };

const struct http_module http_ssi_module = {
    .module = { .name = "ngx_http_ssi_module", .protocol = "http", .sections = sections,
                .variables = variables },
};
