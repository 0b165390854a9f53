/*
 * The configuration engine: text becomes statements, statements fill structures, blocks inherit.
 *
 *   text --conf_lexer--> tokens --conf_tree--> struct conf_node (statements and blocks, temp pool)
 *        --conf_apply--> struct conf_block, one a block, with a structure for each section
 *        --conf_resolve--> every field set, inherited or defaulted; then finish() of each section
 *
 *     block HTTP      conf[slot of http_core.main] conf[..server] conf[..location] conf[gzip] ...
 *       block SERVER    -                          conf[..server] conf[..location] conf[gzip]
 *         block LOCATION  -                        -              conf[..location] conf[gzip]
 *
 * A *section* is a structure that exists in certain kinds of blocks, with the rows that fill it.
 * A module has one or more.  A structure begins with struct conf_set: one bit a row, so zero is a
 * value.  A block in which no row of a section is used shares its parent's structure (same
 * pointer) unless the section is per_block; so a thousand locations cost what they say.
 *
 * Everything here is made by the master, in the generation's pool (the arena), and constant
 * afterwards; the tree and the diagnostics lie in the temporary pool of the run.
 */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include "core/diag.h"

struct core_pool_use;
struct generation;
struct local;
struct conf;
struct conf_node;
struct conf_block;

/* The kinds of blocks: bits, for rows and sections to name several.  Names in conf_scope_name(). */
enum conf_scope {
    IN_MAIN = 1 << 0,
    IN_EVENTS = 1 << 1,
    IN_HTTP = 1 << 2,
    IN_SERVER = 1 << 3,
    IN_LOCATION = 1 << 4,
    IN_SERVER_IF = 1 << 5,
    IN_LOCATION_IF = 1 << 6,
    IN_LIMIT_EXCEPT = 1 << 7,
    IN_UPSTREAM = 1 << 8,
    IN_STREAM = 1 << 9,
    IN_STREAM_SERVER = 1 << 10,
    IN_STREAM_UPSTREAM = 1 << 11,
    IN_ALL = (1 << 12) - 1,
};
#define IN_HSL (IN_HTTP | IN_SERVER | IN_LOCATION)

/* --- the tree --------------------------------------------------------------------------------- */

struct conf_file {
    struct str path;                            /* full name; "command line" for -g */
    struct str text;                            /* all of it, as read */
    const struct conf_node *included_by;        /* the include statement; NULL: the first file */
    struct conf_file *next;                     /* in the order of reading (for -T) */
    bool command_line;                          /* the text of -g: not listed, and has no lines */
    bool repeated;                              /* it is included in several places */
};

struct conf_word {
    struct str text;                    /* unquoted, ${env:..} expanded, NUL behind it */
    struct diag_place place;            /* with its quotes */
    bool quoted;
};

/* words[0] is the name.  `children` is only there for a statement with a block. */
struct conf_node {
    struct conf_node *next, *parent, *children;
    struct conf_word *words;
    unsigned nwords;
    bool block;
    bool partial;                       /* a broken statement inside was reported and left out */
    struct diag_place close;            /* of the "}" */
};

/* --- rows ------------------------------------------------------------------------------------- */

/* First member of every structure that rows fill. */
struct conf_set {
    uint64_t bits[2];
};

enum conf_inherit {
    INHERIT,            /* the value, or the whole list, when none is given here */
    OWN,                /* never: proxy_pass, return, try_files */
    NAMELESS,           /* handlers: flow only into if and limit_except */
};

/* How a value is read.  `parse` reports by conf_error and returns false when it cannot.  `field` is
 * zero when the statement is the first of its row here; NULL when size is 0.  A field of size 0
 * (a type that fills the structure by itself) has a default at the top, but is not inherited. */
struct conf_type {
    const char *name;                   /* for people: "on | off", "size" */
    size_t size;                        /* of the field, for inheriting; 0: no field */
    bool repeat;                        /* the directive may be given several times */
    bool (*parse)(struct conf *cf, void *field, const void *arg);
    bool block;                         /* the statement has { ... } instead of ";" */
};

enum { CONF_MANY = 255 };

struct directive {
    const char *name;
    unsigned where;                     /* conf_scope bits, within the section's */
    uint8_t min, max;                   /* arguments; CONF_MANY: no upper limit */
    const struct conf_type *type;
    uint16_t offset;                    /* of the field */
    uint8_t inherit;
    const char *def;                    /* as configuration text; where nothing is inherited */
    const void *arg;                    /* of the type: names, bounds, a struct conf_block_kind */
    const char *inert;                  /* accepted without effect, and why; NULL: it works.  The
                                         * value is checked and dropped: no field is needed */
    const char *help;                   /* one line */
    const char *module;                 /* overrides the module's name in `weir directives` */
};

#define FIELD(type, member) ((uint16_t)offsetof(struct type, member))

/* Several rows may fill one field (allow and deny make one list): it is inherited when none of them
 * is given here.  Such rows agree in size and inherit, and one of them at most has a default. */

struct section {
    const char *name;
    unsigned where;                     /* the blocks that have this structure */
    size_t size;
    const struct directive *rows;
    unsigned nrows;                     /* at most 128 */
    bool per_block;                     /* never shared with the parent's */
    /* Derived values; `parent` NULL at the top.  After all fields are set, top-down. */
    bool (*finish)(struct conf *cf, void *conf, const void *parent);
    unsigned slot;                      /* numbered by conf_register, before the first fork */
};

/* A directive with a block: arg of conf_block_type. */
struct conf_block_kind {
    enum conf_scope scope;                                      /* of the statements inside */
    bool (*open)(struct conf *cf, struct conf_block *block);    /* arguments; NULL: nothing to do */
    bool (*close)(struct conf *cf, struct conf_block *block);   /* after the statements; or NULL */
};

struct conf_block {
    enum conf_scope scope;
    struct conf_block *parent, *children, **children_end, *next;
    struct str *words;                  /* the statement that opened it */
    unsigned nwords;
    const struct conf_node *node;       /* the same in the tree; NULL when conf_apply is done */
    struct str file;                    /* where it stands, for traces */
    unsigned line;
    void *data;                         /* of who opened it: a struct server, a struct location */
    void **conf;                        /* by section slot */
};

/* The block itself, or the one around it, that is of this kind; there is one. */
static inline struct conf_block *conf_outer(struct conf_block *block, enum conf_scope scope)
{
    while (block->scope != scope)
        block = block->parent;
    return block;
}

#define conf_of(block, section) ((block)->conf[(section).slot])

/* --- modules ---------------------------------------------------------------------------------- */

struct module {
    const char *name;                   /* "ngx_http_gzip_module": users know modules by it */
    const char *protocol;               /* "core", "http", "stream" */
    struct section *const *sections;    /* ends in NULL; may be NULL */
    const struct variable *variables;   /* ends in a row without a name; may be NULL */
    /* After everything is resolved: what concerns the whole configuration; or NULL.  Not called
     * when that of a module before it failed. */
    bool (*finish)(struct conf *cf);
    /* In a worker, which gets its part of a new generation: makes what cannot be shared.  False:
     * *why says why not, and the reload is refused everywhere.  Or NULL. */
    bool (*prepare)(struct local *local, const char **why);
    /* The opposite, also after a refusal, and at the end of the process; or NULL. */
    void (*release)(struct local *local);
};

/* Numbers the sections, checks and indexes the rows: a wrong one ends the process.  Once, first of
 * all.  `modules` ends in NULL. */
void conf_register(const struct module *const *modules);
const struct module *const *conf_modules(void);
unsigned conf_nsections(void);

/* --- one run ---------------------------------------------------------------------------------- */

struct conf_paths {
    struct str prefix;                  /* ends in "/" ; empty: the working directory */
    struct str conf_prefix;             /* directory of the configuration file, with "/" */
    struct str conf_file;               /* full name */
    struct str error_log;               /* -e or compiled in; empty: standard error */
};

struct conf {
    struct pool *pool;                  /* the generation's */
    struct pool *temp;                  /* the run's */
    struct diag_list *diag;
    struct generation *gen;
    const struct conf_paths *paths;
    bool testing;                       /* -t: nothing is bound, created or truncated */

    struct conf_file *files, **files_end;
    struct conf_block *root;
    struct conf_block *block;           /* the statement at hand stands here */
    const struct conf_node *nodes;      /* all statements of this block */
    const struct conf_node *node;       /* the statement at hand; NULL while finishing */
    const struct directive *row;        /* its row */
    void *conf;                         /* the structure that its row belongs to */
    struct core_pool_use *pool_uses;    /* thread pools that are named: core/core_conf.h */
    const struct conf_node *blamed;     /* its ";" is missing: its other errors come from that */
};

/* Text to nodes: conf_tree.c.  `global` (-g) is read before the file.  What could be read is
 * returned also when parts are broken: cf->diag->errors says whether any were, and NULL is an empty
 * configuration too.  `include` is resolved here: no node is left of it. */
struct conf_node *conf_tree_read(struct conf *cf, struct str path, struct str global);
/* The same from text that is in no file, where `include` is an error. */
struct conf_node *conf_tree_text(struct conf *cf, struct str name, struct str text);
/* True when a word behind the first begins a line: a ";" may be missing before it.  `word` is the
 * first one that stands no deeper than the statement itself, or else the first of all. */
bool conf_node_swallowed(const struct conf_node *node, unsigned *word);

/* Nodes to blocks, fields, inheritance, finish: conf.c.  False when there were errors.  Fields are
 * inherited and finished only when every statement was right, since what a wrong one leaves out
 * would be reported again; and a block whose finish failed leaves out those inside it. */
bool conf_apply(struct conf *cf, struct conf_node *nodes);

/* --- for types and modules -------------------------------------------------------------------- */

/* The arguments of the statement at hand, from 1; conf_nargs() does not count the name. */
static inline unsigned conf_nargs(const struct conf *cf)
{
    return cf->node->nwords - 1;
}

static inline struct str conf_arg(const struct conf *cf, unsigned i)
{
    ASSERT(i < cf->node->nwords);
    return cf->node->words[i].text;
}

/* An error at argument `i` (0: the directive's name).  Always returns false. */
bool conf_error(struct conf *cf, unsigned i, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The same with a note for people below nginx's line. */
struct diag *conf_diag(struct conf *cf, enum diag_level level, unsigned i, const char *code,
                       const char *format, ...) PRINTF_LIKE(5, 6);
struct diag_place conf_place(const struct conf *cf, unsigned i);
/* An error that belongs to a block, while finishing; conf_error then tells of cf->block. */
bool conf_block_error(struct conf *cf, const struct conf_block *block, const char *code,
                      const char *format, ...) PRINTF_LIKE(4, 5);

/* Applies the statements of the node at hand as a block of this kind (for types of their own).
 * While open and close run, cf->block is the new block and cf->node still the statement that opens
 * it; close is not called when there were errors inside. */
bool conf_enter(struct conf *cf, const struct conf_block_kind *kind, void *data);
/* For free-form blocks (types, map): `each` is called for each statement inside, cf->node set; one
 * with a block of its own is an error. */
bool conf_each(struct conf *cf, bool (*each)(struct conf *cf, void *data), void *data);
/* This section's structure in the block at hand, made now if no row of it was used here yet. */
void *conf_own(struct conf *cf, const struct section *section);

/* "set" bits, for a finish() that must know. */
bool conf_is_set(const void *conf, const struct section *section, const char *row);

/* A name relative to the prefix, or to the configuration file's folder; NUL behind it. */
struct str conf_full_path(struct conf *cf, struct str name);
struct str conf_full_conf_path(struct conf *cf, struct str name);

/* Every row, in the order of modules; returns how many. */
unsigned conf_each_row(void (*each)(const struct module *module, const struct section *section,
                                    const struct directive *row, void *data),
                       void *data);

const char *conf_scope_name(enum conf_scope scope);     /* "http", "server", "if in location" */

/* --- the types: conf_types.c ------------------------------------------------------------------ */

struct conf_name {                      /* arg of enum and mask types; ends in { NULL, 0 } */
    const char *name;
    unsigned value;
};
struct conf_range {                     /* arg of numbers; INT64_MIN, INT64_MAX: no bound */
    int64_t low, high;
};
struct conf_strs {                      /* a list of strings, in order */
    struct str *at;
    unsigned count;
};
struct conf_pair {                      /* "key value", a list of them */
    struct str key, value;
};
struct conf_pairs {
    struct conf_pair *at;
    unsigned count;
};
struct conf_bufs {
    unsigned count;
    size_t size;
};

/* The numbers: arg may be a conf_range. */
extern const struct conf_type conf_type_flag;           /* bool */
extern const struct conf_type conf_type_int;            /* int64_t */
extern const struct conf_type conf_type_size;           /* size_t, at most INT64_MAX */
extern const struct conf_type conf_type_offset;         /* int64_t */
extern const struct conf_type conf_type_msec;           /* int64_t */
extern const struct conf_type conf_type_sec;            /* int64_t */
extern const struct conf_type conf_type_str;            /* struct str */
extern const struct conf_type conf_type_strs;           /* conf_strs: all arguments; once */
extern const struct conf_type conf_type_str_list;       /* conf_strs: repeatable, appends */
extern const struct conf_type conf_type_pairs;          /* conf_pairs: repeatable */
extern const struct conf_type conf_type_enum;           /* unsigned; arg: conf_name */
extern const struct conf_type conf_type_mask;           /* unsigned; arg: conf_name */
extern const struct conf_type conf_type_bufs;           /* conf_bufs */
extern const struct conf_type conf_type_path;           /* struct str, full name under the prefix */
extern const struct conf_type conf_type_block;          /* arg: conf_block_kind */
extern const struct conf_type conf_type_block_once;     /* the same, once in its block: http */
extern const struct conf_type conf_type_ignored;        /* for INERT rows whose value is not read */
/* A row for what is not built in: arg is the sentence that says so. */
extern const struct conf_type conf_type_absent;

/* Its values as a person would write them: "on | off", "error | timeout | off ...", "size". */
void conf_type_describe(const struct directive *row, struct fmt *f);

#endif
