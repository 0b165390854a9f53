/*
 * Regular expressions: compiled in the master to find their errors, again in each worker to be run,
 * and every match bounded in time.
 * Owns the compiled code and the match memory of a worker's part of a generation.
 */
#include "core/regex.h"

#include "core/generation.h"
#include "core/regex_shape.h"
#include "core/vars.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <time.h>

/*
 * PCRE2 counts steps against its match limit for one place of the subject where a match may begin,
 * and anew for the next: `a*a*b` runs for seconds over 8 KiB of "a" below any limit.  So the search
 * goes on in slices of such places.  All places of a slice together get one budget of steps; where
 * that is too little for one of them, each has the whole budget for a while.  Between slices the
 * clock is asked.  A step was measured to take 1 to 2 ns with JIT and 8 to 60 ns without, but some
 * walk over all of the subject: the longer it is, the smaller are the slices.
 */
enum {
    JIT_BUDGET = 1000000,
    INTERPRETER_BUDGET = 50000,
    SLICE_LEAST = 64,                   /* of the largest slice; shrinking goes below */
    SLICE_MOST = 1024,
    SLICE_WORK = 4 << 20,               /* places times bytes */
    UNSLICED_SHARE = 16,                /* of a budget for each place, where slices cannot be */
    SEARCH_NS = 3000000,
    QUICK_NS = SEARCH_NS / 16,
    HEAP_KIB = 4096,
    JIT_STACK_FIRST = 32 << 10,
    JIT_STACK_MAX = 256 << 10,
    FIRST_ROOM = 16,
};

/* Stands before gen->regexes, which points to its last member. */
struct book {
    unsigned room;                      /* a power of two; as many buckets */
    uint32_t *buckets;                  /* the newest with this hash, as index + 1; 0: none */
    struct regex *at[];
};

struct code {
    pcre2_code *pcre;                   /* NULL: not compiled yet */
    bool jit;
};

struct regex_local {
    unsigned count;
    bool jit;
    pcre2_match_data *data;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;             /* NULL: PCRE2 takes 32 KiB of ours */
    struct code code[];
};

/* --- all regexes of a generation -------------------------------------------------------------- */

static struct book *book_of(const struct generation *gen)
{
    return gen->regexes ? container_of(gen->regexes, struct book, at) : NULL;
}

static void book_enter(struct book *book, struct regex *regex)
{
    uint32_t *bucket = &book->buckets[regex->hash & (book->room - 1)];
    regex->next = *bucket;
    *bucket = regex->index + 1;
    book->at[regex->index] = regex;
}

static struct book *book_grow(struct conf *cf)
{
    const struct book *old = book_of(cf->gen);
    const unsigned room = old ? old->room * 2 : FIRST_ROOM;
    struct book *book = pool_try(cf->pool, sizeof(*book) + room * sizeof(book->at[0]));
    uint32_t *buckets = pool_try(cf->pool, room * sizeof(*buckets));
    if (!book || !buckets) {
        cf->pool->failed = true;
        return NULL;
    }
    book->room = room;
    book->buckets = buckets;
    for (unsigned i = 0; i < cf->gen->nregexes; i++)
        book_enter(book, old->at[i]);
    cf->gen->regexes = book->at;
    return book;
}

static struct regex *book_find(const struct generation *gen, const struct regex *like)
{
    const struct book *book = book_of(gen);
    uint32_t next = book ? book->buckets[like->hash & (book->room - 1)] : 0;
    while (next) {
        struct regex *regex = book->at[next - 1];
        if (regex->hash == like->hash && regex->caseless == like->caseless
            && regex->table == like->table && str_eq(regex->pattern, like->pattern))
            return regex;
        next = regex->next;
    }
    return NULL;
}

/* False: no memory. */
static bool book_add(struct conf *cf, struct regex *regex)
{
    struct book *book = book_of(cf->gen);
    if (!book || cf->gen->nregexes == book->room)
        book = book_grow(cf);
    if (!book)
        return false;
    regex->index = cf->gen->nregexes++;
    book_enter(book, regex);
    return true;
}

/* --- compiling -------------------------------------------------------------------------------- */

static pcre2_code *compile(const struct regex *regex, int *error, PCRE2_SIZE *offset)
{
    const uint32_t options = PCRE2_USE_OFFSET_LIMIT | (regex->caseless ? PCRE2_CASELESS : 0);
    const char *at = regex->pattern.len ? regex->pattern.at : "";
    return pcre2_compile((PCRE2_SPTR)at, regex->pattern.len, options, error, offset, NULL);
}

static void report(struct conf *cf, const struct regex *regex, int error, size_t offset,
                   unsigned arg)
{
    PCRE2_UCHAR words[256];
    struct str rest;
    if (pcre2_get_error_message(error, words, sizeof(words)) < 0)
        words[0] = '\0';
    if (str_from_off(regex->pattern, offset, &rest) && rest.len > 0)
        conf_error(cf, arg, "regex", "pcre2_compile() failed: %s in \"%.*s\" at \"%.*s\"",
                   (const char *)words, STR_FMT(regex->pattern), STR_FMT(rest));
    else
        conf_error(cf, arg, "regex", "pcre2_compile() failed: %s in \"%.*s\"",
                   (const char *)words, STR_FMT(regex->pattern));
}

/* Several of these may begin a pattern, in any order. */
static bool skip_setting(struct str *pattern)
{
    static const struct str settings[] = {
        STR_INIT("(*UTF8)"), STR_INIT("(*UTF)"), STR_INIT("(*UCP)"),
    };
    for (size_t i = 0; i < countof(settings); i++)
        if (str_starts(*pattern, settings[i]))
            return str_from_off(*pattern, settings[i].len, pattern);
    return false;
}

/* A control verb, or \G, means something else when the search begins anew. */
static bool can_be_sliced(struct str pattern)
{
    while (skip_setting(&pattern))
        continue;
    return str_find(pattern, STR("(*")) == STR_NPOS && str_find(pattern, STR("\\G")) == STR_NPOS;
}

static uint32_t info(const pcre2_code *code, uint32_t what)
{
    uint32_t n = 0;
    ASSERT(pcre2_pattern_info(code, what, &n) == 0);
    return n;
}

/* An entry of PCRE2's name table: two bytes of group number, the name, NUL. */
static void collect_names(struct pool *pool, struct regex *regex, const pcre2_code *code)
{
    PCRE2_SPTR table = NULL;
    const size_t size = info(code, PCRE2_INFO_NAMEENTRYSIZE);
    regex->nnames = info(code, PCRE2_INFO_NAMECOUNT);
    if (regex->nnames == 0)
        return;
    ASSERT(pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table) == 0);
    regex->names = pool_array(pool, regex->nnames, sizeof(regex->names[0]));
    for (unsigned i = 0; i < regex->nnames; i++) {
        PCRE2_SPTR entry = &table[i * size];
        regex->names[i].name = pool_str(pool, str_from((const char *)&entry[2]));
        regex->names[i].group = (unsigned)entry[0] << 8 | entry[1];
    }
}

static bool names_can_be_used(struct conf *cf, const struct regex *regex, unsigned arg)
{
    for (unsigned i = 0; i < regex->nnames; i++) {
        const struct regex_name *name = &regex->names[i];
        if (name->group >= REGEX_CAPTURES)
            return conf_error(cf, arg, "regex-groups", "the named group \"%.*s\" is number %u of "
                              "its regex, and only the first %d can be used",
                              STR_FMT(name->name), name->group, REGEX_CAPTURES - 1);
    }
    return true;
}

static void learn_from(struct pool *pool, struct regex *regex, const pcre2_code *code)
{
    const uint32_t options = info(code, PCRE2_INFO_ALLOPTIONS);
    regex->utf = options & PCRE2_UTF;
    regex->anchored = options & PCRE2_ANCHORED;
    regex->sliced = !regex->anchored && can_be_sliced(regex->pattern);
    regex->ngroups = info(code, PCRE2_INFO_CAPTURECOUNT);
    collect_names(pool, regex, code);
}

static bool learn(struct conf *cf, struct regex *regex, unsigned arg)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code = compile(regex, &error, &offset);
    if (!code) {
        report(cf, regex, error, offset, arg);
        return false;
    }
    learn_from(cf->pool, regex, code);
    pcre2_code_free(code);
    return names_can_be_used(cf, regex, arg);
}

/* Once for each pattern: where it stands first. */
static void warn_of_shape(struct conf *cf, const struct regex *regex, unsigned arg)
{
    struct regex_shape shape;
    if (!regex_shape(regex->pattern, regex->caseless, &shape) || shape.exploding.len == 0)
        return;
    struct diag *d = conf_diag(cf, DIAG_WARN, arg, "exploding-regex",
                               "a request can make the regex \"%.*s\" run into its limit of steps",
                               STR_FMT(regex->pattern));
    diag_note(cf->diag, d, "there are many ways to divide a text among the repetitions of "
              "\"%.*s\", and all of them are tried", STR_FMT(shape.exploding));
    diag_note(cf->diag, d, "repeat only one: \"a+\" for \"(a+)+\", \"[a-z]+(-[a-z]+)*\" for "
              "\"([a-z]+-?)+\"; or keep what was taken: \"(?>a+)\"");
}

struct regex *regex_add(struct conf *cf, struct str pattern, bool caseless, unsigned arg)
{
    const struct regex like = { .pattern = pattern, .caseless = caseless,
                                .table = vars_table(cf), .hash = str_hash(pattern) };
    struct regex *regex = book_find(cf->gen, &like);
    if (regex)
        return regex;
    regex = pool_new(cf->pool, struct regex);
    *regex = like;
    regex->pattern = pool_str(cf->pool, pattern);
    if (!learn(cf, regex, arg) || !book_add(cf, regex))
        return NULL;
    warn_of_shape(cf, regex, arg);
    return regex;
}

/* --- matching --------------------------------------------------------------------------------- */

static void use_jit(struct regex_local *own, struct code *code)
{
    if (pcre2_jit_compile(code->pcre, PCRE2_JIT_COMPLETE) != 0)
        return;                         /* not built in, or no memory for it: interpreted */
    code->jit = true;
    if (own->stack)
        return;
    own->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
    pcre2_jit_stack_assign(own->limits, NULL, own->stack);
}

/* NULL: no memory, since the master compiled it before. */
static const struct code *code_of(struct regex_local *own, const struct regex *regex)
{
    ASSERT(regex->index < own->count);
    struct code *code = &own->code[regex->index];
    int error = 0;
    PCRE2_SIZE offset = 0;
    if (code->pcre)
        return code;
    code->pcre = compile(regex, &error, &offset);
    if (!code->pcre)
        return NULL;
    if (own->jit)
        use_jit(own, code);
    return code;
}

struct search {
    struct regex_local *own;
    const struct regex *regex;
    const struct code *code;
    struct str subject;
    uint32_t options, budget;
    size_t at, slice, most;             /* the place at hand; how many are taken together */
    int64_t began, began_cpu;           /* the second slice; 0: not yet */
    int64_t asked;                      /* when the clock was asked last */
    bool quick;                         /* the last slice took little time */
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t = { 0 };
    ASSERT(clock_gettime(clock, &t) == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The thread's own clock decides, since others may have had the processor in between; but it costs
 * a system call, and is asked only when the clock on the wall says that it is late. */
static bool out_of_time(struct search *search)
{
    const int64_t now = clock_ns(CLOCK_MONOTONIC);
    if (search->began == 0) {
        search->began = search->asked = now;
        search->began_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    }
    search->quick = now - search->asked < QUICK_NS;
    search->asked = now;
    return now - search->began > SEARCH_NS
        && clock_ns(CLOCK_THREAD_CPUTIME_ID) - search->began_cpu > SEARCH_NS;
}

static int match(const struct search *search, uint32_t steps, size_t last)
{
    pcre2_set_match_limit(search->own->limits, steps);
    pcre2_set_offset_limit(search->own->limits, last);
    return pcre2_match(search->code->pcre, (PCRE2_SPTR)search->subject.at, search->subject.len,
                       search->at, search->options, search->own->data, search->own->limits);
}

/* The first place behind the slice: in UTF-8 not the middle of a character. */
static void next_slice(struct search *search, size_t places)
{
    search->at += places;
    if (search->regex->utf)
        while (search->at < search->subject.len
               && ((unsigned char)search->subject.at[search->at] & 0xc0) == 0x80)
            search->at++;
    search->slice = search->quick ? size_min(places * 2, search->most) : size_max(places / 2, 1);
}

static int search_slices(struct search *search)
{
    for (;;) {
        const size_t left = search->subject.len - search->at + 1;
        const size_t places = size_min(search->slice, left);
        const int rc = match(search, search->budget / (uint32_t)places, search->at + places - 1);
        const bool go_on = rc == PCRE2_ERROR_MATCHLIMIT ? places > 1
            : rc == PCRE2_ERROR_NOMATCH && places < left;
        if (!go_on)
            return rc;
        if (out_of_time(search))
            return PCRE2_ERROR_MATCHLIMIT;
        if (rc == PCRE2_ERROR_MATCHLIMIT)
            search->slice = 1;
        else
            next_slice(search, places);
        search->options |= PCRE2_NO_UTF_CHECK;          /* of all of it, the first time */
    }
}

static int search(struct regex_local *own, const struct regex *regex, const struct code *code,
                  struct str subject, bool jit)
{
    struct search search = {
        .own = own, .regex = regex, .code = code, .subject = subject,
        .budget = jit ? JIT_BUDGET : INTERPRETER_BUDGET,
        .options = jit ? 0 : PCRE2_NO_JIT,
    };
    if (regex->sliced) {
        search.most = size_min(size_max(SLICE_WORK / (subject.len + 1), SLICE_LEAST), SLICE_MOST);
        search.slice = search.most;
        return search_slices(&search);
    }
    return match(&search, regex->anchored ? search.budget : search.budget / UNSLICED_SHARE,
                 PCRE2_UNSET);
}

static const char *reason(int rc)
{
    switch (rc) {
    case PCRE2_ERROR_MATCHLIMIT:
        return "it takes too long (match limit)";
    case PCRE2_ERROR_DEPTHLIMIT:
        return "it goes too deep (depth limit)";
    case PCRE2_ERROR_HEAPLIMIT:
        return "it takes too much memory (heap limit)";
    case PCRE2_ERROR_NOMEMORY:
        return "no memory";
    default:
        return rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21
            ? "the text is not valid UTF-8" : "PCRE2 gave it up";
    }
}

static uint32_t span(PCRE2_SIZE offset)
{
    return offset == PCRE2_UNSET ? UINT32_MAX : (uint32_t)offset;
}

/* `groups`: what PCRE2 returned; 0 when there were more than it had room for. */
static void keep(const struct regex_local *own, int groups, struct str subject,
                 struct regex_captures *captures)
{
    const PCRE2_SIZE *spans = pcre2_get_ovector_pointer(own->data);
    captures->subject = subject;
    captures->count = groups > 0 ? (unsigned)groups : REGEX_CAPTURES;
    ASSERT(captures->count <= REGEX_CAPTURES);
    for (unsigned i = 0; i < captures->count; i++) {
        captures->group[i].from = span(spans[2 * i]);
        captures->group[i].to = span(spans[2 * i + 1]);
    }
}

enum regex_result regex_match(struct local *local, const struct regex *regex, struct str subject,
                              struct regex_captures *captures, const char **why)
{
    struct regex_local *own = local->regexes;
    const struct code *code = code_of(own, regex);
    if (!subject.at)
        subject = STR("");
    if (!code || subject.len >= UINT32_MAX) {
        *why = code ? "the text is too long" : reason(PCRE2_ERROR_NOMEMORY);
        return REGEX_ERROR;
    }
    int rc = search(own, regex, code, subject, code->jit);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = search(own, regex, code, subject, false);
    if (rc == PCRE2_ERROR_NOMATCH)
        return REGEX_NO_MATCH;
    if (rc < 0) {
        *why = reason(rc);
        return REGEX_ERROR;
    }
    if (captures)
        keep(own, rc, subject, captures);
    return REGEX_MATCH;
}

static const char *words_of(struct pool *pool, struct str pattern, int error)
{
    PCRE2_UCHAR words[256];
    if (pcre2_get_error_message(error, words, sizeof(words)) < 0)
        words[0] = '\0';
    return fmt_pool(pool, "pcre2_compile() failed: %s in \"%.*s\"", (const char *)words,
                    STR_FMT(pattern)).at;
}

enum regex_result regex_match_text(struct local *local, struct pool *pool, struct str pattern,
                                   struct str subject, struct regex *regex,
                                   struct regex_captures *captures, const char **why)
{
    struct regex_local *own = local->regexes;
    struct code code = { .jit = false };
    int error = 0;
    PCRE2_SIZE offset = 0;
    *regex = (struct regex){ .pattern = pattern };
    if (!subject.at)
        subject = STR("");
    code.pcre = subject.len < UINT32_MAX ? compile(regex, &error, &offset) : NULL;
    if (!code.pcre) {
        *why = error ? words_of(pool, pattern, error) : "the text is too long";
        return REGEX_ERROR;
    }
    learn_from(pool, regex, code.pcre);
    const int rc = search(own, regex, &code, subject, false);
    if (rc >= 0)
        keep(own, rc, subject, captures);
    pcre2_code_free(code.pcre);
    *why = rc < 0 ? reason(rc) : NULL;
    if (rc == PCRE2_ERROR_NOMATCH)
        return REGEX_NO_MATCH;
    return rc < 0 ? REGEX_ERROR : REGEX_MATCH;
}

struct str regex_group(const struct regex_captures *captures, unsigned group)
{
    struct str text;
    if (group >= captures->count)
        return STR("");
    const uint32_t from = captures->group[group].from, to = captures->group[group].to;
    if (from == UINT32_MAX || from > to || !str_sub(captures->subject, from, to - from, &text))
        return STR("");
    return text;
}

/* --- a worker's part of a generation ---------------------------------------------------------- */

struct regex_local *regex_local_new(unsigned count, bool jit)
{
    struct regex_local *own;
    size_t size;
    ASSERT(!mul_overflows((size_t)count, sizeof(own->code[0]), &size));
    ASSERT(!add_overflows(size, sizeof(*own), &size));
    own = calloc(1, size);
    if (!own)
        return NULL;
    own->count = count;
    own->jit = jit;
    own->data = pcre2_match_data_create(REGEX_CAPTURES, NULL);
    own->limits = pcre2_match_context_create(NULL);
    if (!own->data || !own->limits) {
        regex_local_free(own, count);
        return NULL;
    }
    pcre2_set_depth_limit(own->limits, INTERPRETER_BUDGET);
    pcre2_set_heap_limit(own->limits, HEAP_KIB);
    return own;
}

void regex_local_free(struct regex_local *own, unsigned count)
{
    if (!own)
        return;
    ASSERT(own->count == count);
    for (unsigned i = 0; i < count; i++)
        pcre2_code_free(own->code[i].pcre);
    pcre2_jit_stack_free(own->stack);
    pcre2_match_context_free(own->limits);
    pcre2_match_data_free(own->data);
    free(own);
}
