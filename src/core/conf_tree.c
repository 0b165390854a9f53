/*
 * Configuration files to a tree of statements and blocks, with includes resolved and every
 * independent error of the text reported.
 * Owns nothing: nodes, words and texts lie in the temporary pool of the run.
 */
#include "core/conf.h"
#include "core/conf_lexer.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

enum {
    BLOCK_DEPTH = 256,
    INCLUDE_DEPTH = 64,
    FILE_BUCKETS = 256,
    FIRST_WORDS = 16,
    READ_LEAST = 4096,
};

#define UNKNOWN SIZE_MAX
#define WORD_LIMIT (SIZE_MAX / 4)

struct read_file {
    struct read_file *next;
    struct conf_file *file;
};

/* One run over all files. */
struct tree {
    struct conf *cf;
    struct conf_word *words;            /* of the statement at hand */
    unsigned room;
    bool includes, stop;
    struct read_file *files[FILE_BUCKETS];
};

/* An open block.  Its node hangs at *end; a block that makes no sense is read and hangs nowhere. */
struct frame {
    struct frame *up;
    struct conf_node *node, **end;
    struct diag_place open;
    size_t indent, inner;               /* of its statement, and of the first inside; or UNKNOWN */
    unsigned depth;
    bool surplus;                       /* a "{" too many, here or inside, took its "}" perhaps */
};

/* Where the indentation first disagrees with the braces. */
struct guess {
    struct conf_node *node, **end;
    struct diag_place place;
    unsigned line;                      /* 0: it never did */
};

/* One file; those it was included from are behind `up`, and go on when it is at its end. */
struct parser {
    struct parser *up;
    struct tree *tree;
    struct conf_file *file;
    struct conf_node *parent;           /* what the file's statements stand in */
    struct conf_node **first, **end;    /* where its nodes begin, where the next one goes */
    struct frame *frame;
    unsigned level, depth, nwords;      /* includes and blocks around the file */
    struct conf_lexer lexer;
    struct conf_token token, word;      /* at hand; the last word */
    bool bad;                           /* the statement at hand is reported already */
    bool behind_block;
    bool done, unclosed;
    struct conf_node **stray;           /* what stands behind a "}" too many goes here */
    struct guess missing, extra;
    struct conf_node *include;          /* the statement, and the names that it stands for */
    struct str *names;
    size_t nnames, next_name;
};

/* --- places and reports ----------------------------------------------------------------------- */

static struct diag_place place_of(const struct parser *p, const struct conf_token *token)
{
    return (struct diag_place){ p->file, token->line, token->column, token->offset, token->len };
}

/* `len` bytes at `offset`, which is not before the token. */
static struct diag_place place_at(const struct parser *p, const struct conf_token *token,
                                  size_t offset, size_t len)
{
    struct diag_place place = place_of(p, token);
    const char *text = p->file->text.at;
    for (size_t at = token->offset; at < offset; at++) {
        place.column++;
        if (text[at] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    place.offset = offset;
    place.len = len;
    return place;
}

static struct diag_list *list_of(const struct parser *p)
{
    return p->tree->cf->diag;
}

static void mark_partial(struct conf_node *node)
{
    for (; node; node = node->parent)
        node->partial = true;
}

static struct conf_node *block_of(const struct parser *p)
{
    return p->frame ? p->frame->node : p->parent;
}

#define report(p, code, place, ...) diag_add(list_of(p), DIAG_EMERG, code, place, __VA_ARGS__)

static void out_of_memory(struct parser *p)
{
    report(p, "no-memory", (struct diag_place){ 0 }, "not enough memory for the configuration");
    p->tree->stop = true;
}

/* --- indentation ------------------------------------------------------------------------------ */

/* Of the line, when the token is the first on it. */
static size_t indent_of(const struct parser *p, const struct conf_token *token)
{
    const char *text = p->file->text.at;
    size_t width = 0, from = token->offset;
    while (from > 0 && (text[from - 1] == ' ' || text[from - 1] == '\t'))
        from--;
    if (token->offset - from != token->column - 1)
        return UNKNOWN;
    for (; from < token->offset; from++)
        width = text[from] == '\t' ? (width / 8 + 1) * 8 : width + 1;
    return width;
}

static void guess_missing(struct parser *p, const struct frame *frame)
{
    if (p->missing.line == 0)
        p->missing = (struct guess){ frame->node, frame->end, frame->open, p->token.line };
}

/* A statement begins: no deeper than its block, although others in the block are. */
static void watch_statement(struct parser *p)
{
    struct frame *frame = p->frame;
    const size_t indent = indent_of(p, &p->token);
    if (!frame || indent == UNKNOWN || frame->indent == UNKNOWN)
        return;
    if (frame->inner == UNKNOWN)
        frame->inner = indent;
    else if (frame->inner > frame->indent && indent <= frame->indent)
        guess_missing(p, frame);
}

/* A block ends: where an outer one began, or deeper than it began itself. */
static void watch_close(struct parser *p)
{
    const struct frame *frame = p->frame;
    const size_t indent = indent_of(p, &p->token);
    if (indent == UNKNOWN || frame->indent == UNKNOWN)
        return;
    if (indent > frame->indent && p->extra.line == 0)
        p->extra = (struct guess){ frame->node, frame->end, place_of(p, &p->token), p->token.line };
    if (indent >= frame->indent)
        return;
    for (const struct frame *up = frame->up; up; up = up->up)
        if (up->indent == indent) {
            guess_missing(p, frame);
            return;
        }
}

/* Nothing that stands behind `link`, which is in the list below `parent`, is believed. */
static void cut_from(struct parser *p, struct conf_node **link, struct conf_node *parent)
{
    *link = NULL;
    mark_partial(parent);
    for (; parent != p->parent; parent = parent->parent)
        parent->next = NULL;
}

/* Blocks were left open.  Those whose indentation agrees with the braces are kept. */
static void cut_unclosed(struct parser *p)
{
    const struct frame *victim = NULL;
    if (p->missing.line > 0) {
        cut_from(p, p->missing.end, p->missing.node->parent);
        return;
    }
    for (const struct frame *frame = p->frame; frame; frame = frame->up)
        if (frame->inner == UNKNOWN || frame->inner <= frame->indent)
            victim = frame;
    if (victim)
        cut_from(p, victim->end, victim->node->parent);
}

static void cut_stray(struct parser *p)
{
    if (p->extra.line > 0)
        cut_from(p, *p->extra.end == p->extra.node ? &p->extra.node->next : p->extra.end,
                 p->extra.node->parent);
    else
        cut_from(p, p->stray, p->parent);
}

/* --- words ------------------------------------------------------------------------------------ */

static bool get_env(void *data, struct str name, struct str *value)
{
    *value = str_from(getenv(pool_cstr(data, name)));
    return value->at != NULL;
}

static void report_text(struct parser *p, const struct conf_text_fault *fault)
{
    struct diag *d;
    const struct diag_place place =
        place_at(p, &p->word, p->word.offset + fault->offset, fault->len);
    p->bad = true;
    switch (fault->error) {
    case CONF_LEXER_ENV_UNCLOSED:
        d = report(p, "env-unclosed", place,
                   "the closing bracket in \"env:%.*s\" variable is missing",
                   STR_FMT(fault->name));
        if (!p->word.quoted)
            diag_note(list_of(p), d, "a word that holds blanks, \";\" or \"{\" must be quoted");
        return;
    case CONF_LEXER_ENV_NAME:
        report(p, "env-name", place, "invalid environment variable name \"%.*s\"",
               STR_FMT(fault->name));
        return;
    case CONF_LEXER_ENV_UNSET:
        d = report(p, "env-unset", place, "environment variable \"%.*s\" is not set",
                   STR_FMT(fault->name));
        diag_note(list_of(p), d, "with a default it may be unset: ${env:%.*s:-value}",
                  STR_FMT(fault->name));
        return;
    case CONF_LEXER_ENV_NESTED:
        report(p, "env-nested", place, "defaults of environment variables are nested too deep");
        return;
    case CONF_LEXER_MEMORY:
    case CONF_LEXER_OK:
    case CONF_LEXER_UNCLOSED_QUOTE:
    case CONF_LEXER_AFTER_QUOTE:
    case CONF_LEXER_NUL:
        out_of_memory(p);
        return;
    }
}

/* Makes the last word from p->word. */
static void fill_word(struct parser *p)
{
    struct fmt text;
    struct str raw = STR_NONE;
    struct conf_text_fault fault;
    struct conf_word *word = &p->tree->words[p->nwords - 1];
    const struct conf_env env = { get_env, p->tree->cf->temp };
    ASSERT(str_sub(p->file->text, p->word.offset, p->word.len, &raw));
    fmt_init_pool(&text, p->tree->cf->temp, raw.len, WORD_LIMIT);
    if (!conf_lexer_text(raw, p->word.quoted, &env, &text, &fault))
        report_text(p, &fault);
    *word = (struct conf_word){ fmt_done(&text), place_of(p, &p->word), p->word.quoted };
}

static bool more_room(struct tree *tree)
{
    const unsigned room = tree->room ? tree->room * 2 : FIRST_WORDS;
    size_t size;
    if (room < tree->room || mul_overflows((size_t)room, sizeof(*tree->words), &size))
        return false;
    struct conf_word *words = pool_try(tree->cf->temp, size);
    if (!words)
        return false;
    if (tree->room)
        memcpy(words, tree->words, tree->room * sizeof(*words));
    tree->words = words;
    tree->room = room;
    return true;
}

static void on_word(struct parser *p)
{
    if (p->nwords == 0 && !p->bad)
        watch_statement(p);
    if (p->nwords == p->tree->room && !more_room(p->tree)) {
        out_of_memory(p);
        return;
    }
    p->nwords++;
    p->word = p->token;
    fill_word(p);
}

static bool begins_line(const struct conf_word *word)
{
    const struct conf_word *before = word - 1;
    struct str raw = STR_NONE;
    unsigned line = before->place.line;
    ASSERT(str_sub(before->place.file->text, before->place.offset, before->place.len, &raw));
    while (str_cut(raw, '\n', &(struct str){ 0 }, &raw))
        line++;
    return word->place.line > line;
}

static bool swallowed(const struct conf_word *words, unsigned nwords, bool aligned, unsigned *word)
{
    for (unsigned i = 1; i < nwords; i++)
        if (begins_line(&words[i])
            && (!aligned || words[i].place.column <= words[0].place.column)) {
            *word = i;
            return true;
        }
    return false;
}

bool conf_node_swallowed(const struct conf_node *node, unsigned *word)
{
    return swallowed(node->words, node->nwords, true, word)
        || swallowed(node->words, node->nwords, false, word);
}

/* Behind which word, most likely, a ";" is missing. */
static void note_semicolon(struct parser *p, struct diag *d)
{
    unsigned next = p->nwords;
    swallowed(p->tree->words, p->nwords, true, &next);
    const struct diag_place *last = &p->tree->words[next - 1].place;
    const struct conf_token token = {
        .offset = last->offset, .len = last->len, .line = last->line, .column = last->column,
    };
    diag_note_at(list_of(p), d, place_at(p, &token, last->offset + last->len, 0),
                 "\";\" is missing here");
}

/* --- files ------------------------------------------------------------------------------------ */

/* On failure errno is set, and *call is what failed. */
static bool read_descriptor(struct pool *pool, int fd, struct str *text)
{
    struct stat status;
    struct fmt f;
    const size_t size = fstat(fd, &status) == 0 && status.st_size > 0 ? (size_t)status.st_size : 0;
    /* One byte more than the file has: the read that finds its end needs room, too. */
    fmt_init_pool(&f, pool, size < WORD_LIMIT ? size + 1 : 0, WORD_LIMIT);
    for (;;) {
        const size_t room = f.room > f.len ? f.room - f.len : READ_LEAST;
        char *at = fmt_need(&f, room);
        if (!at) {
            errno = ENOMEM;
            return false;
        }
        const ssize_t n = read(fd, at, room);
        if (n < 0 && errno != EINTR)
            return false;
        if (n == 0)
            break;
        if (n > 0)
            fmt_advance(&f, (size_t)n);
    }
    *text = fmt_done(&f);
    return true;
}

static bool read_text(struct pool *pool, const char *path, struct str *text, const char **call)
{
    int fd;
    *call = "open";
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return false;
    *call = "read";
    const bool done = read_descriptor(pool, fd, text);
    const int error = errno;
    close(fd);
    errno = error;
    return done;
}

/* A file that is included again has the text that was read the first time. */
static struct read_file **find_file(struct tree *tree, struct str path)
{
    struct read_file **at = &tree->files[str_hash(path) % FILE_BUCKETS];
    while (*at && !str_eq((*at)->file->path, path))
        at = &(*at)->next;
    return at;
}

static struct conf_file *new_file(struct conf *cf, struct str path, struct str text)
{
    struct conf_file *file = pool_new(cf->temp, struct conf_file);
    file->path = pool_str(cf->temp, path);
    file->text = text;
    return file;
}

static struct conf_file *again(struct conf *cf, struct conf_file *first)
{
    struct conf_file *file = new_file(cf, first->path, first->text);
    first->repeated = file->repeated = true;
    return file;
}

/* NULL: it is reported. */
static struct conf_file *open_file(struct tree *tree, struct str path, struct diag_place place)
{
    struct conf *cf = tree->cf;
    struct read_file **seen = find_file(tree, path);
    const char *call;
    struct str text;
    if (*seen)
        return again(cf, (*seen)->file);
    const char *name = pool_cstr(cf->temp, path);
    if (!read_text(cf->temp, name, &text, &call)) {
        const int error = errno;
        diag_add(cf->diag, DIAG_EMERG, "unreadable-file", place, "%s() \"%s\" failed (%d: %s)",
                 call, name, error, strerror(error));
        return NULL;
    }
    struct conf_file *file = new_file(cf, path, text);
    *seen = pool_new(cf->temp, struct read_file);
    (*seen)->file = file;
    *cf->files_end = file;
    cf->files_end = &file->next;
    return file;
}

/* --- statements ------------------------------------------------------------------------------- */

/* NULL: there is no memory, and it is reported. */
static struct conf_node *new_node(struct parser *p)
{
    struct conf_node *node = pool_new(p->tree->cf->temp, struct conf_node);
    const size_t size = p->nwords * sizeof(struct conf_word);
    node->parent = block_of(p);
    node->words = pool_try(p->tree->cf->temp, size);
    if (!node->words) {
        out_of_memory(p);
        return NULL;
    }
    if (p->nwords)
        memcpy(node->words, p->tree->words, size);
    node->nwords = p->nwords;
    return node;
}

static void next_statement(struct parser *p)
{
    p->nwords = 0;
    p->bad = false;
}

static void drop_statement(struct parser *p)
{
    struct conf_node *block = block_of(p);
    if (block)
        block->partial = true;
    next_statement(p);
}

/* --- includes --------------------------------------------------------------------------------- */

static bool is_include(const struct parser *p)
{
    return p->nwords > 0 && str_eq(p->tree->words[0].text, STR("include"));
}

static bool has_wildcard(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] == '*' || name.at[i] == '?' || name.at[i] == '[')
            return true;
    return false;
}

/* The folder in front of a relative name is meant as it is written. */
static struct str make_pattern(struct pool *pool, struct str full, struct str name)
{
    struct fmt f;
    const size_t folder = str_ends(full, name) ? full.len - name.len : 0;
    fmt_init_pool(&f, pool, full.len, WORD_LIMIT);
    for (size_t i = 0; i < full.len; i++) {
        if (i < folder && strchr("*?[\\", full.at[i]))
            fmt_char(&f, '\\');
        fmt_char(&f, full.at[i]);
    }
    return fmt_done(&f);
}

static void take_names(struct parser *p, char *const *paths, size_t count)
{
    struct pool *pool = p->tree->cf->temp;
    p->names = pool_array(pool, count, sizeof(*p->names));
    p->nnames = count;
    p->next_name = 0;
    for (size_t i = 0; i < count; i++)
        p->names[i] = pool_str(pool, str_from(paths[i]));
}

static void find_names(struct parser *p, struct str full, struct str name)
{
    glob_t found = { 0 };
    const char *pattern = make_pattern(p->tree->cf->temp, full, name).at;
    const int error = glob(pattern, 0, NULL, &found);
    if (error == 0)
        take_names(p, found.gl_pathv, found.gl_pathc);
    else if (error != GLOB_NOMATCH)
        report(p, "unreadable-folder", p->include->words[1].place, "glob() \"%s\" failed", pattern);
    globfree(&found);
}

static void include(struct parser *p)
{
    struct conf *cf = p->tree->cf;
    const struct diag_place place = p->tree->words[0].place;
    if (!p->tree->includes || p->nwords != 2) {
        if (p->tree->includes)
            report(p, "argument-count", place,
                   "invalid number of arguments in \"include\" directive");
        else
            report(p, "not-allowed", place, "\"include\" directive is not allowed here");
        drop_statement(p);
        return;
    }
    p->include = new_node(p);
    next_statement(p);
    if (!p->include)
        return;
    const struct str name = p->include->words[1].text, full = conf_full_conf_path(cf, name);
    if (has_wildcard(name))
        find_names(p, full, name);
    else
        take_names(p, (char *[]){ (char *)full.at }, 1);
}

static bool leads_back(const struct parser *p, struct str path)
{
    for (; p; p = p->up)
        if (str_eq(p->file->path, path))
            return true;
    return false;
}

/* Opens the next file of the include at hand; NULL: it is reported. */
static struct conf_file *open_included(struct parser *p)
{
    const struct str path = p->names[p->next_name++];
    const struct diag_place place = p->include->words[1].place;
    struct conf_file *file = NULL;
    const bool loop = leads_back(p, path);
    if (loop)
        report(p, "include-loop", place, "\"%.*s\" includes itself", STR_FMT(path));
    else if (p->level == INCLUDE_DEPTH)
        report(p, "include-depth", place, "files are included more than %d levels deep",
               INCLUDE_DEPTH);
    else
        file = open_file(p->tree, path, place);
    /* Reported once: what else such a round of files includes would be the same again. */
    p->tree->stop = loop || p->level == INCLUDE_DEPTH;
    if (file)
        file->included_by = p->include;
    else
        mark_partial(block_of(p));
    return file;
}

/* --- what is no token ------------------------------------------------------------------------- */

/* The message for a text that ends too early; its place is the end, as in nginx. */
static struct diag *report_end(struct parser *p, bool in_statement)
{
    struct conf_token end;
    conf_lexer_end(&p->lexer, &end);
    if (p->file->command_line)
        return report(p, "unexpected-end", place_of(p, &end),
                      "unexpected end of parameter, expecting \";\"");
    return report(p, "unexpected-end", place_of(p, &end), "unexpected end of file, expecting %s",
                  in_statement ? "\";\" or \"}\"" : "\"}\"");
}

static void on_unclosed_quote(struct parser *p)
{
    struct diag_place quote = place_of(p, &p->token);
    quote.len = 1;
    diag_note_at(list_of(p), report_end(p, true), quote,
                 "the quote that begins here is not closed");
}

static void on_nul(struct parser *p)
{
    struct diag *d = report(p, "nul-byte", place_of(p, &p->token), "unexpected NUL byte");
    const bool utf16 = str_starts(p->file->text, STR("\xff\xfe"))
        || str_starts(p->file->text, STR("\xfe\xff"));
    diag_note(list_of(p), d, utf16 ? "the file is in UTF-16; it should be in UTF-8"
                                   : "this seems not to be a text file");
}

static void on_garbage(struct parser *p)
{
    struct str rest = STR_NONE, raw = STR_NONE;
    size_t len = 1;
    ASSERT(str_from_off(p->file->text, p->token.offset, &rest));
    ASSERT(str_sub(p->file->text, p->word.offset, 1, &raw));
    while (len < size_min(rest.len, 4) && ((unsigned char)rest.at[0] & 0xc0) == 0xc0
           && ((unsigned char)rest.at[len] & 0xc0) == 0x80)
        len++;
    struct diag_place place = place_of(p, &p->token);
    place.len = len;
    struct diag *d = report(p, "unexpected", place, "unexpected \"%.*s\"", (int)len, rest.at);
    if (p->word.line != p->token.line)
        diag_note_at(list_of(p), d, place_of(p, &p->word),
                     "the quoted word before it begins here and goes over several lines");
    else
        diag_note(list_of(p), d, "a closing quote must be followed by a blank, \";\" or \"{\"; "
                  "a quote within the word is written \\%c", *raw.at);
    conf_lexer_reopen(&p->lexer, &p->word);
}

static void on_error(struct parser *p)
{
    if (!p->bad)
        switch (p->token.error) {
        case CONF_LEXER_AFTER_QUOTE:
            on_garbage(p);
            break;
        case CONF_LEXER_UNCLOSED_QUOTE:
            on_unclosed_quote(p);
            break;
        case CONF_LEXER_NUL:
        case CONF_LEXER_OK:
        case CONF_LEXER_ENV_UNCLOSED:
        case CONF_LEXER_ENV_NAME:
        case CONF_LEXER_ENV_UNSET:
        case CONF_LEXER_ENV_NESTED:
        case CONF_LEXER_MEMORY:
            on_nul(p);
            break;
        }
    p->bad = true;
}

/* --- the shape -------------------------------------------------------------------------------- */

static void on_semicolon(struct parser *p)
{
    if (p->bad) {
        drop_statement(p);
    } else if (p->nwords == 0) {
        struct diag *d = report(p, "unexpected", place_of(p, &p->token), "unexpected \";\"");
        if (p->behind_block)
            diag_note(list_of(p), d, "a block ends with \"}\" alone");
    } else if (is_include(p)) {
        include(p);
    } else {
        struct conf_node *node = new_node(p);
        *p->end = node;
        p->end = node ? &node->next : p->end;
        next_statement(p);
    }
}

/* A quantifier of a regular expression was taken for a block: says so in the words of nginx, which
 * depend on what the directive is, and goes on as if the word had been quoted. */
static bool on_quantifier(struct parser *p)
{
    const struct conf_word *words = p->tree->words;
    const struct str name = words[0].text, before = words[p->nwords - 1].text;
    const struct diag_place start = words[p->nwords - 1].place;
    struct diag_place place = place_of(p, &p->token);
    const bool key = p->nwords == 1;
    struct diag *d;
    struct str rest = STR_NONE, raw = STR_NONE;
    if ((key && !str_starts(name, STR("~"))) || !conf_lexer_quantifier(&p->lexer, &p->word))
        return false;
    if (p->word.kind == CONF_TOKEN_ERROR) {
        p->token = p->word;
        return false;
    }
    ASSERT(str_sub(p->file->text, place.offset + 1, p->word.offset + p->word.len - place.offset - 1,
                   &rest));
    str_cut(rest, '{', &rest, &raw);
    fill_word(p);
    if (key)
        d = report(p, "unexpected", place, "unexpected \"{\"");
    else if (str_eq(name, STR("location"))) {
        place = place_at(p, &p->token, place.offset + 1, rest.len);
        d = report(p, "unknown-directive", place, "unknown directive \"%.*s\"", STR_FMT(rest));
    } else if (str_eq(name, STR("if")))
        d = report(p, "invalid-condition", start, "invalid condition \"%.*s\"", STR_FMT(before));
    else
        d = report(p, "not-terminated", place, "directive \"%.*s\" is not terminated by \";\"",
                   STR_FMT(name));
    ASSERT(str_sub(p->file->text, p->word.offset, p->word.len, &raw));
    diag_note(list_of(p), d, "quote it: \"%.*s\"; an unquoted \"{\" starts a block", STR_FMT(raw));
    return true;
}

/* return 200 {"a":1}; */
static bool on_object(struct parser *p)
{
    const struct diag_place place = place_of(p, &p->token);
    if (p->nwords < 2 || !conf_lexer_skip_object(&p->lexer))
        return false;
    if (!p->bad) {
        struct diag *d = report(p, "not-terminated", place,
                                "directive \"%.*s\" is not terminated by \";\"",
                                STR_FMT(p->tree->words[0].text));
        diag_note(list_of(p), d, "quote it: '{...}'; an unquoted \"{\" starts a block");
    }
    p->bad = true;
    return true;
}

/* What is wrong with a block here.  Its content is read all the same. */
static bool refuse_block(struct parser *p)
{
    const struct diag_place place = place_of(p, &p->token);
    if (p->bad)
        return true;
    if (p->nwords == 0)
        report(p, "unexpected", place, "unexpected \"{\"");
    else if (p->file->command_line) {
        report(p, "block-in-parameter", place,
               "block directives are not supported in -g option");
        p->done = true;
    } else if (is_include(p))
        report(p, "not-terminated", place, "directive \"include\" is not terminated by \";\"");
    else
        return false;
    return true;
}

static bool too_deep(struct parser *p, unsigned depth)
{
    if (depth <= BLOCK_DEPTH)
        return false;
    report(p, "block-depth", place_of(p, &p->token), "blocks are nested more than %d levels deep",
           BLOCK_DEPTH);
    p->tree->stop = true;
    return true;
}

static void on_open(struct parser *p)
{
    if (p->nwords > 0 && (on_quantifier(p) || on_object(p)))
        return;
    if (p->token.kind == CONF_TOKEN_ERROR) {
        on_error(p);
        return;
    }
    struct frame *frame = pool_new(p->tree->cf->temp, struct frame);
    struct conf_node *parent = block_of(p);
    const bool refused = refuse_block(p);
    *frame = (struct frame){
        .up = p->frame,
        .node = new_node(p),
        .end = p->end,
        .open = place_of(p, &p->token),
        .indent = UNKNOWN,
        .inner = UNKNOWN,
        .depth = p->frame ? p->frame->depth + 1 : p->depth + 1,
    };
    if (!frame->node || too_deep(p, frame->depth))
        return;
    frame->node->block = true;
    if (p->nwords > 0) {
        const struct diag_place *start = &frame->node->words[0].place;
        const struct conf_token name = { .offset = start->offset, .column = start->column };
        frame->indent = indent_of(p, &name);
    }
    if (!refused)
        *p->end = frame->node;
    else if (parent)
        parent->partial = true;
    p->frame = frame;
    p->end = &frame->node->children;
    if (p->nwords == 0)
        for (; frame; frame = frame->up)
            frame->surplus = true;
    next_statement(p);
}

static void pop_block(struct parser *p)
{
    struct frame *frame = p->frame;
    watch_close(p);
    frame->node->close = place_of(p, &p->token);
    p->end = *frame->end == frame->node ? &frame->node->next : frame->end;
    p->frame = frame->up;
}

static void on_close(struct parser *p)
{
    struct diag *d = NULL;
    if (p->bad)
        drop_statement(p);
    if (p->nwords > 0 || (!p->frame && !p->stray))
        d = report(p, "unexpected", place_of(p, &p->token), "unexpected \"}\"");
    if (p->nwords > 0) {
        note_semicolon(p, d);
        drop_statement(p);
    }
    if (p->frame) {
        pop_block(p);
        return;
    }
    if (d && p->extra.line > 0)
        diag_note_at(list_of(p), d, p->extra.place,
                     "by the indentation, this may be the \"}\" that is too many");
    if (!p->stray)
        p->stray = p->end;
}

static void note_unclosed(struct parser *p, struct diag *d)
{
    diag_note_at(list_of(p), d, p->frame->open, "the block opened here is not closed");
    if (p->missing.line > 0)
        diag_note_at(list_of(p), d, p->missing.place,
                     "by the indentation, the \"}\" of the block opened here is missing "
                     "before line %u",
                     p->missing.line);
}

static void on_end(struct parser *p)
{
    p->done = true;
    if (p->bad || p->stray)
        return;
    if (p->nwords > 0) {
        struct diag *d = report_end(p, true);
        note_semicolon(p, d);
        if (p->frame)
            note_unclosed(p, d);
    } else if (p->frame && !p->frame->surplus)
        note_unclosed(p, report_end(p, false));
    p->unclosed = p->frame != NULL;
}

/* The file is at its end: what of it can be believed stays, and the file around it goes on. */
static void finish(struct parser *p)
{
    if (p->nwords > 0 || p->bad)
        drop_statement(p);
    if (p->stray)
        cut_stray(p);
    else if (p->unclosed)
        cut_unclosed(p);
    if (p->frame)
        mark_partial(p->frame->node);
    if (p->frame || p->stray)
        for (p->end = p->first; *p->end;)
            p->end = &(*p->end)->next;
    if (p->up)
        p->up->end = p->end;
}

/* --- a run ------------------------------------------------------------------------------------ */

static void on_token(struct parser *p)
{
    const bool behind_block = p->token.kind == CONF_TOKEN_CLOSE;
    switch (p->token.kind) {
    case CONF_TOKEN_WORD:
        on_word(p);
        break;
    case CONF_TOKEN_SEMICOLON:
        on_semicolon(p);
        break;
    case CONF_TOKEN_OPEN:
        on_open(p);
        break;
    case CONF_TOKEN_CLOSE:
        on_close(p);
        break;
    case CONF_TOKEN_END:
        on_end(p);
        break;
    case CONF_TOKEN_ERROR:
        on_error(p);
        break;
    }
    p->behind_block = behind_block;
}

static struct parser *new_parser(struct tree *tree, struct parser *up, struct conf_file *file)
{
    struct parser *p = pool_new(tree->cf->temp, struct parser);
    p->tree = tree;
    p->up = up;
    p->file = file;
    conf_lexer_init(&p->lexer, file->text);
    if (up) {
        p->parent = block_of(up);
        p->end = p->first = up->end;
        p->level = up->level + 1;
        p->depth = up->frame ? up->frame->depth : up->depth;
    }
    return p;
}

/* One token, or one step into the files that an include stands for or out of them. */
static struct parser *step(struct parser *p)
{
    if (p->next_name < p->nnames) {
        struct conf_file *file = open_included(p);
        return file ? new_parser(p->tree, p, file) : p;
    }
    if (p->done) {
        finish(p);
        return p->up;
    }
    conf_lexer_next(&p->lexer, &p->token);
    on_token(p);
    return p;
}

/* Returns where the next file's nodes go. */
static struct conf_node **run(struct tree *tree, struct conf_file *file, struct conf_node **end)
{
    const struct diag_list *list = tree->cf->diag;
    struct parser *const first = new_parser(tree, NULL, file);
    first->first = first->end = end;
    for (struct parser *p = first; p; p = step(p)) {
        if (list->errors >= list->limit)
            tree->stop = true;
        if (tree->stop) {
            /* No more is wanted of the files either that include this one. */
            p->done = true;
            p->next_name = p->nnames;
        }
    }
    return first->end;
}

static struct tree start(struct conf *cf, bool includes)
{
    if (!cf->files_end)
        cf->files_end = &cf->files;
    return (struct tree){ .cf = cf, .includes = includes };
}

struct conf_node *conf_tree_text(struct conf *cf, struct str name, struct str text)
{
    struct tree tree = start(cf, false);
    struct conf_node *nodes = NULL;
    run(&tree, new_file(cf, name, text), &nodes);
    return nodes;
}

struct conf_node *conf_tree_read(struct conf *cf, struct str path, struct str global)
{
    struct tree tree = start(cf, true);
    struct conf_node *nodes = NULL, **end = &nodes;
    if (!str_empty(global)) {
        struct conf_file *given = new_file(cf, STR("command line"), pool_str(cf->temp, global));
        given->command_line = true;
        end = run(&tree, given, end);
    }
    struct conf_file *file = open_file(&tree, path, (struct diag_place){ 0 });
    if (file)
        run(&tree, file, end);
    return nodes;
}
