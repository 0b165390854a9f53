/*
 * Variables: names that modules give values to, and configuration uses in templates.
 *
 *     row (a module's table)  --vars_use-->  struct vars_entry, numbered, in the generation
 *     struct subject (a request, a stream session) has one cache cell for each number
 *
 * A variable is found by name while configuration is read and by number at run time; names are in
 * lower case, however they are written.  A value is cached in the subject unless the row is
 * VARS_VOLATILE.  Those of a prefix ("arg_", "http_") are made when they are used; the part behind
 * the prefix is the entry's `tail`.
 */
#ifndef CORE_VARS_H
#define CORE_VARS_H

#include "core/conf.h"
#include "core/regex.h"

struct subject;
struct vars_entry;

enum vars_flags {
    VARS_VOLATILE = 1,                  /* asked anew each time */
    VARS_CHANGEABLE = 2,                /* configuration may define it too (set, map) */
    VARS_PREFIX = 4,                    /* the row's name is a prefix */
    VARS_WEAK = 8,                      /* gives way to any other definition, before or after */
};

struct value {
    struct str text;
    bool found;                         /* false: no such thing (logged as "-") */
};

/* Fills *out, which is "not found" before; texts live at least as long as the subject.  False:
 * evaluation failed (no memory, a regex limit): the request ends with 500. */
typedef bool vars_get_fn(struct subject *s, const struct vars_entry *entry, struct value *out);

/* For what is written more often than read: adds the text, which no escaping would change (digits,
 * dates, addresses), to what a template makes; a value is made of it only when somebody wants one.
 * The row's getter is vars_get_appended then, and its data this function.  False: nothing was
 * added, and there is no such thing. */
typedef bool vars_append_fn(struct subject *s, const struct vars_entry *entry, struct fmt *f);

vars_get_fn vars_get_appended;

struct variable {                       /* a row */
    const char *name;                   /* without "$" */
    vars_get_fn *get;
    unsigned flags;
    uintptr_t data;                     /* of the getter */
    const char *help;
    bool (*set)(struct subject *s, const struct vars_entry *entry, struct str text);  /* or NULL */
};

struct vars_entry {                     /* in the generation */
    struct str name, tail;
    unsigned index;
    unsigned flags;
    vars_get_fn *get;                   /* NULL until defined */
    bool (*set)(struct subject *s, const struct vars_entry *entry, struct str text);
    uintptr_t data;
    struct diag_place place;            /* of the first use, until vars_finish */
    struct vars_entry *next;            /* by hash */
};

struct vars_table {
    struct vars_entry **at;             /* by index; doubled at each power of two */
    unsigned count;
    struct vars_entry **buckets;
    unsigned nbuckets;                  /* a power of two */
    const char *protocol;
};

enum vars_state { VARS_ASK, VARS_ASKING, VARS_KNOWN, VARS_SET };

struct vars_cell {
    struct value value;
    enum vars_state state;              /* ASKING: a variable that needs itself is not found.  SET:
                                           by vars_set or a match, so inner subjects see it */
};

/* What variables are asked of: embedded in a request or a stream session. */
struct subject {
    struct pool *pool;
    struct local *local;                /* the generation, and this worker's part of it */
    const struct vars_table *table;
    struct vars_cell *cells;            /* table->count of them, made at first use */
    struct subject *outer;              /* of a subrequest: its parent's.  What is set is common to
                                           all, what is only remembered is not */
    const struct regex_captures *captures;      /* $1..$9; NULL: none.  Replaced, never changed */
    struct conn *conn;
    const struct log *log;              /* NULL: nothing is said */
    unsigned asking;                    /* variables that are being asked, each for the next one */
};

/* --- while configuration is read -------------------------------------------------------------- */

void vars_init(struct conf *cf);        /* both protocols' tables, from conf_modules() */

/* The table that the block at hand uses. */
struct vars_table *vars_table(const struct conf *cf);

/* Argument `arg` as the name of a variable to define, without its "$"; false: reported. */
bool vars_arg(struct conf *cf, unsigned arg, struct str *name);

/* The number of a variable that is used at argument `arg`; it may be defined later. */
unsigned vars_use(struct conf *cf, struct str name, unsigned arg);

/* Configuration defines one: set, map, geo.  NULL when it must not (reported). */
struct vars_entry *vars_define(struct conf *cf, struct str name, unsigned arg, vars_get_fn *get,
                               uintptr_t data, unsigned flags);

/* Defines the named groups of a regex that vars_match will be called with. */
bool vars_define_groups(struct conf *cf, struct regex *regex, unsigned arg);

/* Every one that is used must be defined: reports those that are not.  Once, at the end. */
bool vars_finish(struct conf *cf);

/* --- at run time ------------------------------------------------------------------------------ */

bool vars_get(struct subject *s, unsigned index, struct value *out);
/* By a name that is known only now: a page has it.  Not remembered, unless configuration uses it
 * too. */
bool vars_get_named(struct subject *s, struct str name, struct value *out);
/* For templates.  False: nothing was added, vars_get knows. */
bool vars_append(struct subject *s, unsigned index, struct fmt *f);
void vars_forget(struct subject *s, unsigned index);            /* its cached value */
bool vars_set(struct subject *s, unsigned index, struct str text);

/* On a match the subject's captures are replaced and the variables of named groups set; `text` must
 * live as long as the subject.  Errors are logged. */
enum regex_result vars_match(struct subject *s, const struct regex *regex, struct str text);

#endif
