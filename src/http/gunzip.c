/*
 * Unpacking the members of a body of gzip.  Owns the stream.
 */
#include "http/gunzip.h"

struct gunzip {
    struct deflate *deflate;
    bool between;                       /* no member is open */
    bool used;                          /* one has been */
    uint64_t taken, given;
};

struct gunzip *gunzip_new(void)
{
    struct gunzip *g = calloc(1, sizeof(*g));
    const struct deflate_limits none = { 0, 0 };
    if (!g)
        return NULL;
    g->between = true;
    g->deflate = deflate_unpacker(DEFLATE_GZIP, &none);
    if (g->deflate)
        return g;
    free(g);
    return NULL;
}

void gunzip_free(struct gunzip *g)
{
    if (g)
        deflate_free(g->deflate);
    free(g);
}

static bool too_much(const struct gunzip *g)
{
    uint64_t most;
    if (g->given > GUNZIP_MOST)
        return true;
    return g->given > GUNZIP_FREE
        && !mul_overflows(g->taken, (uint64_t)GUNZIP_RATIO, &most) && g->given > most;
}

static void begin_member(struct gunzip *g)
{
    if (g->used)
        deflate_again(g->deflate);
    g->used = true;
    g->between = false;
}

enum deflate_result gunzip_run(struct gunzip *g, struct str *in, enum deflate_mark mark,
                               struct fmt *out)
{
    const size_t in_before = in->len, out_before = out->len;
    if (g->between) {
        if (in->len == 0)
            return mark == DEFLATE_FINISH ? DEFLATE_END : DEFLATE_HUNGRY;
        begin_member(g);
    }
    const enum deflate_result result = deflate_run(g->deflate, in, mark, out);
    g->taken += in_before - in->len;
    g->given += out->len - out_before;
    if (result <= DEFLATE_END && too_much(g))
        return DEFLATE_TOO_MUCH;
    if (result == DEFLATE_END) {
        g->between = true;
        if (in->len)
            return DEFLATE_GO_ON;
        return mark == DEFLATE_FINISH ? DEFLATE_END : DEFLATE_HUNGRY;
    }
    return result == DEFLATE_HUNGRY && mark == DEFLATE_FINISH ? DEFLATE_BROKEN : result;
}
