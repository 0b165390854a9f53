/*
 * What a regular expression looks like, said without running it: for warnings.
 *
 *     ^([a-z]+ \.?)+ example.com      nodes: a tree of groups, sets of bytes and assertions
 *       ------------         -
 *       exploding            dot
 *
 * It errs towards silence: what is not understood (conditions, recursion, verbs, the x option) is
 * not judged at all.  Pure; owns nothing.
 */
#ifndef CORE_REGEX_SHAPE_H
#define CORE_REGEX_SHAPE_H

#include "core/str.h"

struct regex_shape {
    /* A repeated group whose text can be divided among its repetitions in many ways, so that a
     * match which fails has tried them all: "(a+)+".  Empty: none. */
    struct str exploding;
    bool literal;                       /* it has letters or digits that stand for themselves */
    /* Text may stand before or behind what it describes, and nothing says that this is meant:
     * neither "^" or "$", nor a repetition (".*"), nor "\." */
    bool open_start, open_end;
    ssize_t dot;                        /* "." beside a letter, for itself as it seems; -1: none */
};

/* False: it was not understood. */
bool regex_shape(struct str pattern, bool caseless, struct regex_shape *shape);

#endif
