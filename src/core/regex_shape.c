/*
 * The shape of a regular expression: a parser for what configurations use of PCRE, and questions
 * to its tree.  Owns nothing: the tree lies on the stack.
 */
#include "core/regex_shape.h"

enum { NODES = 400, DEPTH = 24 };

struct bytes {
    uint64_t bits[4];
};

enum node_kind {
    NODE_SET,
    NODE_GROUP,
    NODE_START,
    NODE_END,
    NODE_LOOK,                          /* ahead or behind: a group that takes no text */
    NODE_OPAQUE,                        /* \b, \1: of which nothing is known */
};

/* Children are a list; those of one alternative stand together. */
struct node {
    enum node_kind kind;
    int parent, previous, first, last;  /* -1: none; `first` and `last`: of a group */
    int next;
    unsigned alternative;               /* of the parent's */
    unsigned alternatives;              /* of a group */
    size_t from, to;                    /* in the pattern, its quantifier included */
    bool optional, unbounded, quantified;
    bool kept;                          /* what it took is not given back: a++, (?>...) */
    bool any;                           /* "." */
    struct bytes set;
};

struct parser {
    struct str pattern;
    size_t at;
    bool caseless, bad;
    int group;                          /* what is open */
    unsigned depth;
    int count;
    struct node nodes[NODES];
};

/* --- sets of bytes ---------------------------------------------------------------------------- */

static void set_add(struct bytes *set, unsigned c)
{
    set->bits[c / 64 & 3] |= UINT64_C(1) << (c % 64);
}

static bool set_has(const struct bytes *set, unsigned c)
{
    return set->bits[c / 64 & 3] >> (c % 64) & 1;
}

static void set_range(struct bytes *set, unsigned low, unsigned high)
{
    for (unsigned c = low; c <= high && c < 256; c++)
        set_add(set, c);
}

static void set_negate(struct bytes *set)
{
    for (unsigned i = 0; i < countof(set->bits); i++)
        set->bits[i] = ~set->bits[i];
}

static bool set_meets(const struct bytes *a, const struct bytes *b)
{
    for (unsigned i = 0; i < countof(a->bits); i++)
        if (a->bits[i] & b->bits[i])
            return true;
    return false;
}

static void set_join(struct bytes *set, const struct bytes *other)
{
    for (unsigned i = 0; i < countof(set->bits); i++)
        set->bits[i] |= other->bits[i];
}

static unsigned set_size(const struct bytes *set)
{
    unsigned n = 0;
    for (unsigned i = 0; i < countof(set->bits); i++)
        n += (unsigned)__builtin_popcountll(set->bits[i]);
    return n;
}

static void set_fold(struct bytes *set)
{
    for (unsigned c = 'a'; c <= 'z'; c++)
        if (set_has(set, c) || set_has(set, c - 'a' + 'A')) {
            set_add(set, c);
            set_add(set, c - 'a' + 'A');
        }
}

/* --- reading ---------------------------------------------------------------------------------- */

/* -1: the end. */
static int peek(const struct parser *p, size_t ahead)
{
    const size_t at = p->at + ahead;
    return at < p->pattern.len ? (unsigned char)p->pattern.at[at] : -1;
}

static bool take(struct parser *p, struct str text)
{
    struct str rest;
    if (!str_from_off(p->pattern, p->at, &rest) || !str_starts(rest, text))
        return false;
    p->at += text.len;
    return true;
}

/* Up to and with `end`, which must come. */
static void skip_to(struct parser *p, char end)
{
    while (peek(p, 0) >= 0 && peek(p, 0) != end)
        p->at++;
    if (!take(p, str_of(&end, 1)))
        p->bad = true;
}

static int digit_of(int c)
{
    const int lower = c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c;
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static struct node *add_node(struct parser *p, enum node_kind kind, size_t from)
{
    struct node *group = p->count ? &p->nodes[p->group] : NULL;
    const int index = p->count;
    if (index == NODES) {
        p->bad = true;
        return NULL;
    }
    struct node *node = &p->nodes[p->count++];
    *node = (struct node){ .kind = kind, .parent = group ? p->group : -1, .first = -1, .last = -1,
                           .previous = group ? group->last : -1, .next = -1, .from = from,
                           .to = p->at, .alternative = group ? group->alternatives : 0 };
    if (!group)
        return node;
    if (group->last >= 0)
        p->nodes[group->last].next = index;
    else
        group->first = index;
    group->last = index;
    return node;
}

static void add_set(struct parser *p, struct bytes set, size_t from)
{
    struct node *node = add_node(p, NODE_SET, from);
    if (!node)
        return;
    if (p->caseless)
        set_fold(&set);
    node->set = set;
}

static void add_byte(struct parser *p, unsigned c, size_t from)
{
    struct bytes set = { { 0 } };
    set_add(&set, c);
    add_set(p, set, from);
}

/* --- escapes ---------------------------------------------------------------------------------- */

/* \d and such; false: it is none of them. */
static bool class_escape(int c, struct bytes *set)
{
    *set = (struct bytes){ { 0 } };
    switch (c | 0x20) {
    case 'd':
        set_range(set, '0', '9');
        break;
    case 'w':
        set_range(set, '0', '9');
        set_range(set, 'a', 'z');
        set_range(set, 'A', 'Z');
        set_add(set, '_');
        break;
    case 's':
        set_add(set, ' ');
        set_range(set, '\t', '\r');
        break;
    case 'h':
        set_add(set, ' ');
        set_add(set, '\t');
        break;
    case 'v':
        set_range(set, '\n', '\r');
        break;
    default:
        return false;
    }
    if (!(c & 0x20))
        set_negate(set);
    return true;
}

/* Behind "\x": two digits at most, or any number in braces. */
static unsigned hex_escape(struct parser *p)
{
    const bool braces = take(p, STR("{"));
    unsigned value = 0;
    for (unsigned n = 0; digit_of(peek(p, 0)) >= 0 && (braces || n < 2); n++, p->at++)
        value = (value << 4 | (unsigned)digit_of(peek(p, 0))) & 0xffff;
    if ((braces && !take(p, STR("}"))) || value > 255)
        p->bad = true;
    return value & 255;
}

/* The byte that an escape stands for; `c` is the letter, which has been read. */
static unsigned byte_escape(struct parser *p, int c)
{
    static const char letters[] = "tnrfea", bytes[] = "\t\n\r\f\033\a";
    for (unsigned i = 0; c > 0 && i < sizeof(letters) - 1; i++)
        if (c == letters[i])
            return (unsigned char)bytes[i];
    if (c == 'x')
        return hex_escape(p);
    /* Numbers, references, controls and what other letters mean: rare, and not worth a mistake. */
    if (c < 0 || digit_of(c) >= 0 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        p->bad = true;
    return (unsigned)c & 255;
}

static void read_escape(struct parser *p)
{
    const size_t from = p->at - 1;
    const int c = peek(p, 0);
    struct bytes set;
    p->at += c >= 0;
    if (class_escape(c, &set))
        add_set(p, set, from);
    else if (c == 'A')
        add_node(p, NODE_START, from);
    else if (c == 'z' || c == 'Z')
        add_node(p, NODE_END, from);
    else if (c == 'b' || c == 'B' || c == 'G' || c == 'K' || (c >= '1' && c <= '9'))
        add_node(p, NODE_OPAQUE, from);
    else
        add_byte(p, byte_escape(p, c), from);
}

/* --- classes ---------------------------------------------------------------------------------- */

static bool posix_class(struct parser *p, struct bytes *set)
{
    static const struct {
        struct str name;
        unsigned ranges[6];             /* ends in zeros */
    } classes[] = {
        { STR_INIT("[:alpha:]"), { 'a', 'z', 'A', 'Z' } },
        { STR_INIT("[:alnum:]"), { '0', '9', 'a', 'z', 'A', 'Z' } },
        { STR_INIT("[:digit:]"), { '0', '9' } },
        { STR_INIT("[:xdigit:]"), { '0', '9', 'a', 'f', 'A', 'F' } },
        { STR_INIT("[:lower:]"), { 'a', 'z' } },
        { STR_INIT("[:upper:]"), { 'A', 'Z' } },
        { STR_INIT("[:space:]"), { '\t', '\r', ' ', ' ' } },
    };
    for (unsigned i = 0; i < countof(classes); i++)
        if (take(p, classes[i].name)) {
            for (unsigned k = 0; k < 6 && classes[i].ranges[k]; k += 2)
                set_range(set, classes[i].ranges[k], classes[i].ranges[k + 1]);
            return true;
        }
    return false;
}

/* One end of a range, or -1 when it was a class of its own, which has been joined. */
static int class_member(struct parser *p, struct bytes *set)
{
    struct bytes inner;
    const int c = peek(p, 0);
    if (c == '[' && posix_class(p, set))
        return -1;
    p->at += c >= 0;
    if (c == '[' && (peek(p, 0) == ':' || peek(p, 0) == '.' || peek(p, 0) == '='))
        p->bad = true;
    if (c != '\\')
        return c;
    const int letter = peek(p, 0);
    p->at += letter >= 0;
    if (class_escape(letter, &inner)) {
        set_join(set, &inner);
        return -1;
    }
    return letter == 'b' ? '\b' : (int)byte_escape(p, letter);
}

static void read_class(struct parser *p)
{
    const size_t from = p->at - 1;
    const bool negative = take(p, STR("^"));
    struct bytes set = { { 0 } };
    for (bool first = true; !p->bad && (first || peek(p, 0) != ']'); first = false) {
        if (peek(p, 0) < 0) {
            p->bad = true;
            return;
        }
        const int low = class_member(p, &set);
        int high = low;
        if (low >= 0 && peek(p, 0) == '-' && peek(p, 1) >= 0 && peek(p, 1) != ']') {
            p->at++;
            high = class_member(p, &set);
        }
        if (low >= 0 && high >= 0)
            set_range(&set, (unsigned)low, (unsigned)high);
        else if (low >= 0) {
            set_add(&set, (unsigned)low);
            set_add(&set, '-');
        }
    }
    p->at++;
    if (p->caseless)
        set_fold(&set);
    if (negative)
        set_negate(&set);
    add_set(p, set, from);
}

/* --- groups ----------------------------------------------------------------------------------- */

static void open_group(struct parser *p, enum node_kind kind, bool kept, size_t from)
{
    const int index = p->count;
    struct node *node = add_node(p, kind, from);
    if (!node || ++p->depth > DEPTH) {
        p->bad = true;
        return;
    }
    node->kept = kept;
    p->group = index;
}

/* "(?i)" and "(?i:": only case matters here, and x changes what the text is. */
static void read_options(struct parser *p, size_t from)
{
    bool on = true;
    for (;; p->at++) {
        const int c = peek(p, 0);
        if (c == '-' || c == '^')
            on = c == '^';
        else if (c == 'i' && on)
            p->caseless = true;
        else if (c != 'i' && c != 'm' && c != 's' && c != 'J' && c != 'U')
            break;
    }
    if (take(p, STR(":")))
        open_group(p, NODE_GROUP, false, from);
    else if (!take(p, STR(")")))
        p->bad = true;
}

static void read_group(struct parser *p)
{
    const size_t from = p->at - 1;
    if (take(p, STR("*"))) {
        p->bad = true;
    } else if (!take(p, STR("?"))) {
        open_group(p, NODE_GROUP, false, from);
    } else if (take(p, STR("#"))) {
        skip_to(p, ')');
    } else if (take(p, STR(":")) || take(p, STR("|"))) {
        open_group(p, NODE_GROUP, false, from);
    } else if (take(p, STR(">"))) {
        open_group(p, NODE_GROUP, true, from);
    } else if (take(p, STR("=")) || take(p, STR("!")) || take(p, STR("<="))
               || take(p, STR("<!"))) {
        open_group(p, NODE_LOOK, true, from);
    } else if (take(p, STR("<")) || take(p, STR("P<"))) {
        skip_to(p, '>');
        open_group(p, NODE_GROUP, false, from);
    } else if (take(p, STR("'"))) {
        skip_to(p, '\'');
        open_group(p, NODE_GROUP, false, from);
    } else
        read_options(p, from);
}

static void close_group(struct parser *p)
{
    struct node *group = &p->nodes[p->group];
    if (group->parent < 0) {
        p->bad = true;
        return;
    }
    group->to = p->at;
    p->group = group->parent;
    p->depth--;
}

/* --- quantifiers ------------------------------------------------------------------------------ */

/* "{2,}": false when the brace stands for itself, and nothing is taken. */
static bool read_count(struct parser *p, bool *optional, bool *unbounded)
{
    size_t ahead = 1;
    bool zero = true;
    for (; peek(p, ahead) >= '0' && peek(p, ahead) <= '9'; ahead++)
        zero = zero && peek(p, ahead) == '0';
    if (ahead == 1)
        return false;
    *optional = zero;
    *unbounded = false;
    if (peek(p, ahead) == ',') {
        *unbounded = peek(p, ++ahead) == '}';
        while (peek(p, ahead) >= '0' && peek(p, ahead) <= '9')
            ahead++;
    }
    if (peek(p, ahead) != '}')
        return false;
    p->at += ahead + 1;
    return true;
}

static void read_quantifier(struct parser *p)
{
    const int c = peek(p, 0);
    const int last = p->nodes[p->group].last;
    bool optional = c == '*' || c == '?', unbounded = c == '*' || c == '+';
    if (c == '{' && !read_count(p, &optional, &unbounded)) {
        p->at++;
        add_byte(p, '{', p->at - 1);
        return;
    }
    p->at += c != '{';
    if (last < 0 || p->nodes[last].quantified) {
        p->bad = true;
        return;
    }
    struct node *node = &p->nodes[last];
    node->quantified = true;
    node->optional = optional;
    node->unbounded = unbounded;
    if (!take(p, STR("?")) && take(p, STR("+")))
        node->kept = true;
    node->to = p->at;
}

/* --- the tree --------------------------------------------------------------------------------- */

static void read_any(struct parser *p)
{
    struct bytes set = { { 0 } };
    set_add(&set, '\n');
    set_negate(&set);
    add_set(p, set, p->at - 1);
    if (!p->bad)
        p->nodes[p->count - 1].any = true;
}

static void read_one(struct parser *p)
{
    const int c = peek(p, 0);
    if (c == '*' || c == '+' || c == '?' || c == '{') {
        read_quantifier(p);
        return;
    }
    p->at++;
    if (c == '(')
        read_group(p);
    else if (c == ')')
        close_group(p);
    else if (c == '|')
        p->nodes[p->group].alternatives++;
    else if (c == '[')
        read_class(p);
    else if (c == '\\')
        read_escape(p);
    else if (c == '.')
        read_any(p);
    else if (c == '^')
        add_node(p, NODE_START, p->at - 1);
    else if (c == '$')
        add_node(p, NODE_END, p->at - 1);
    else
        add_byte(p, (unsigned)c, p->at - 1);
}

static bool read_all(struct parser *p)
{
    open_group(p, NODE_GROUP, false, 0);
    p->depth = 0;
    while (!p->bad && p->at < p->pattern.len)
        read_one(p);
    return !p->bad && p->group == 0;
}

/* --- what explodes ---------------------------------------------------------------------------- */

/* Whether it can match some text, perhaps none, of these bytes alone. */
static bool fits(const struct parser *p, const struct node *node, const struct bytes *set)
{
    if (node->optional)
        return true;
    if (node->kind == NODE_SET)
        return set_meets(&node->set, set);
    if (node->kind != NODE_GROUP)
        return false;
    for (unsigned alternative = 0; alternative <= node->alternatives; alternative++) {
        bool all = true;
        for (int i = node->first; i >= 0 && all; i = p->nodes[i].next)
            all = p->nodes[i].alternative != alternative || fits(p, &p->nodes[i], set);
        if (all)
            return true;
    }
    return false;
}

static bool others_fit(const struct parser *p, const struct node *node, const struct bytes *set)
{
    for (int i = p->nodes[node->parent].first; i >= 0; i = p->nodes[i].next) {
        const struct node *other = &p->nodes[i];
        if (other != node && other->alternative == node->alternative && !fits(p, other, set))
            return false;
    }
    return true;
}

/* What a repetition is of, when that is plain: a set, in as many brackets as may be. */
static struct bytes repeated(const struct parser *p, const struct node *node)
{
    while (node->kind == NODE_GROUP && node->first >= 0 && node->first == node->last
           && node->alternatives == 0)
        node = &p->nodes[node->first];
    return node->set;
}

/* The group around a repetition that is repeated itself, when everything beside the inner one can
 * be empty or be of its bytes: then its text is either one repetition or several. */
static const struct node *exploding(const struct parser *p, const struct node *node)
{
    const struct bytes set = repeated(p, node);
    while (!node->kept && others_fit(p, node, &set)) {
        node = &p->nodes[node->parent];
        if (node->kind != NODE_GROUP || node->parent < 0 || node->kept)
            return NULL;
        if (node->unbounded)
            return node;
    }
    return NULL;
}

static struct str find_exploding(const struct parser *p)
{
    struct str text = STR_NONE;
    for (int i = 1; i < p->count; i++) {
        const struct node *node = &p->nodes[i], *found = NULL;
        if (node->unbounded && (node->kind == NODE_SET || node->kind == NODE_GROUP))
            found = exploding(p, node);
        if (found && str_sub(p->pattern, found->from, found->to - found->from, &text))
            return text;
    }
    return STR_NONE;
}

/* --- edges and dots --------------------------------------------------------------------------- */

static bool is_literal(const struct node *node)
{
    if (node->kind != NODE_SET || set_size(&node->set) > 2 || node->any)
        return false;
    for (unsigned c = '0'; c <= 'z'; c++)
        if (set_has(&node->set, c))
            return (c <= '9' || c >= 'a' || (c >= 'A' && c <= 'Z'));
    return false;
}

static bool is_looked_at(const struct parser *p, const struct node *node)
{
    while (node->parent >= 0 && node->kind != NODE_LOOK)
        node = &p->nodes[node->parent];
    return node->kind == NODE_LOOK;
}

static bool is_dot(const struct node *node)
{
    return node->kind == NODE_SET && !node->any && set_size(&node->set) == 1
        && set_has(&node->set, '.');
}

static int next_of(const struct node *node, bool start)
{
    return start ? node->next : node->previous;
}

/* The outermost node of an alternative that is no look ahead or behind; NULL: there is none. */
static const struct node *edge_of(const struct parser *p, const struct node *group,
                                  unsigned alternative, bool start)
{
    int i = start ? group->first : group->last;
    for (; i >= 0; i = next_of(&p->nodes[i], start))
        if (p->nodes[i].alternative == alternative && p->nodes[i].kind != NODE_LOOK)
            return &p->nodes[i];
    return NULL;
}

static bool is_open(const struct parser *p, const struct node *group, bool start)
{
    for (unsigned alternative = 0; alternative <= group->alternatives; alternative++) {
        const struct node *edge = edge_of(p, group, alternative, start);
        if (!edge)
            return true;
        const bool closed = edge->kind == (start ? NODE_START : NODE_END)
            || (edge->kind == NODE_SET && (edge->unbounded || (is_dot(edge) && !edge->optional)))
            || (edge->kind == NODE_GROUP && !edge->optional && !is_open(p, edge, start));
        if (!closed)
            return true;
    }
    return false;
}

static bool beside_literal(const struct parser *p, const struct node *node)
{
    const struct node *before = node->previous >= 0 ? &p->nodes[node->previous] : NULL;
    const struct node *behind = node->next >= 0 ? &p->nodes[node->next] : NULL;
    return (before && before->alternative == node->alternative && is_literal(before))
        || (behind && behind->alternative == node->alternative && is_literal(behind));
}

bool regex_shape(struct str pattern, bool caseless, struct regex_shape *shape)
{
    struct parser p = { .pattern = pattern, .caseless = caseless };
    *shape = (struct regex_shape){ .dot = -1 };
    if (!read_all(&p))
        return false;
    shape->exploding = find_exploding(&p);
    shape->open_start = is_open(&p, &p.nodes[0], true);
    shape->open_end = is_open(&p, &p.nodes[0], false);
    for (int i = 1; i < p.count; i++) {
        const struct node *node = &p.nodes[i];
        shape->literal = shape->literal || (is_literal(node) && !is_looked_at(&p, node));
        if (shape->dot < 0 && node->any && !node->quantified && beside_literal(&p, node))
            shape->dot = (ssize_t)node->from;
    }
    return true;
}
