/*
 * Regular expressions: the pattern is configuration, the compiled code is each worker's own.
 *
 *     struct regex (arena)                       struct regex_local (worker)
 *       index 3, pattern, options      ------->    code[3]: compiled and JITed at first use
 *       captures, names                            one match block, limits and JIT stack for all
 *
 * The master compiles each once to find its errors, so first use in a worker cannot fail for a
 * reason of configuration.  Match, depth and heap limits stand on every match: about 5 ms.
 * The only file that sees PCRE2.
 */
#ifndef CORE_REGEX_H
#define CORE_REGEX_H

#include "core/conf.h"

struct local;
struct vars_table;

enum { REGEX_CAPTURES = 32 };           /* groups that are kept, the whole match included */

struct regex_name {
    struct str name;
    unsigned group;
    unsigned variable;                  /* its number, once vars_define_groups was called */
};

struct regex {
    unsigned index;
    struct str pattern;
    bool caseless;
    bool utf;                           /* begins with (*UTF): offsets are those of characters */
    bool anchored;                      /* tried at the beginning of the subject only */
    bool sliced;                        /* may be searched for a stretch at a time */
    unsigned ngroups;                   /* without the whole match */
    struct regex_name *names;
    unsigned nnames;
    const struct vars_table *table;     /* whose variables its names are */
    uint32_t hash, next;                /* of the pattern; the next of its bucket, as index + 1 */
};

/* An immutable snapshot: slices into `subject`, which whoever keeps the snapshot keeps alive. */
struct regex_captures {
    struct str subject;
    unsigned count;                     /* 0: nothing matched yet */
    struct {
        uint32_t from, to;              /* UINT32_MAX: took no part */
    } group[REGEX_CAPTURES];
};

/* NULL with an error reported at argument `arg` (or with cf->pool failed).  The same pattern and
 * options, for the same protocol, give the same regex again. */
struct regex *regex_add(struct conf *cf, struct str pattern, bool caseless, unsigned arg);

enum regex_result { REGEX_MATCH, REGEX_NO_MATCH, REGEX_ERROR };

/* `captures` may be NULL; it changes only on a match.  REGEX_ERROR: a limit was hit or there was no
 * memory; `why` says so. */
enum regex_result regex_match(struct local *local, const struct regex *regex, struct str subject,
                              struct regex_captures *captures, const char **why);

/* The same with a pattern that no configuration has: compiled, and forgotten behind the match.
 * *regex has its names, from the pool; they stand for no variables. */
enum regex_result regex_match_text(struct local *local, struct pool *pool, struct str pattern,
                                   struct str subject, struct regex *regex,
                                   struct regex_captures *captures, const char **why);

/* Empty when the group took no part. */
struct str regex_group(const struct regex_captures *captures, unsigned group);

/* Of a worker's part of a generation: room for `count`, all not compiled yet.  NULL: no memory. */
struct regex_local *regex_local_new(unsigned count, bool jit);
void regex_local_free(struct regex_local *locals, unsigned count);

#endif
