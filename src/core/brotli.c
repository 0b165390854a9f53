/*
 * Compressed streams by libbrotlienc.  Owns its state of each stream; bytes belong to the callers.
 */
#include "config.h"

#ifdef HAVE_BROTLI

#include "core/brotli.h"

#include <brotli/encode.h>

/* What is packed at a time, in bits: it is also the work that cannot be interrupted. */
enum { BLOCK = 16, HINT_MOST = 1 << 30 };

struct brotli {
    BrotliEncoderState *state;
    bool flushing;                      /* a flush was begun: nothing else goes before its end */
};

static void set(struct brotli *b, BrotliEncoderParameter parameter, uint32_t value)
{
    ASSERT(BrotliEncoderSetParameter(b->state, parameter, value));
}

/* No larger than the body: the memory follows from it. */
static unsigned fit(unsigned window, int64_t length)
{
    unsigned least = BROTLI_WINDOW_LEAST;
    while (least < window && length > (INT64_C(1) << least) - 16)
        least++;
    return length < 0 ? window : least;
}

struct brotli *brotli_packer(unsigned level, unsigned window, int64_t length)
{
    struct brotli *b = calloc(1, sizeof(*b));
    ASSERT(level <= BROTLI_LEVEL_MOST);
    ASSERT(window >= BROTLI_WINDOW_LEAST && window <= BROTLI_WINDOW_MOST);
    if (!b)
        return NULL;
    b->state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    if (!b->state) {
        free(b);
        return NULL;
    }
    set(b, BROTLI_PARAM_QUALITY, level);
    set(b, BROTLI_PARAM_LGWIN, fit(window, length));
    set(b, BROTLI_PARAM_LGBLOCK, BLOCK);
    if (length >= 0)
        set(b, BROTLI_PARAM_SIZE_HINT, (uint32_t)(length < HINT_MOST ? length : HINT_MOST));
    return b;
}

void brotli_free(struct brotli *b)
{
    if (b)
        BrotliEncoderDestroyInstance(b->state);
    free(b);
}

/* False: no memory. */
static bool compress(struct brotli *b, struct str *in, BrotliEncoderOperation what,
                     struct fmt *out)
{
    const size_t room = size_min(out->room - out->len, DEFLATE_STEP);
    size_t in_left = in->len, out_left = room;
    const uint8_t *from = (const uint8_t *)in->at;
    char *to = fmt_need(out, room);
    ASSERT(to);
    uint8_t *made = (uint8_t *)to;
    if (!BrotliEncoderCompressStream(b->state, what, &in_left, &from, &out_left, &made, NULL))
        return false;
    fmt_advance(out, room - out_left);
    ASSERT(str_from_off(*in, in->len - in_left, in));
    return true;
}

/* The flush ends with its own bytes, whatever has come in behind it. */
static bool flush(struct brotli *b, struct fmt *out)
{
    struct str none = STR("");
    b->flushing = true;
    if (!compress(b, &none, BROTLI_OPERATION_FLUSH, out))
        return false;
    b->flushing = BrotliEncoderHasMoreOutput(b->state);
    return true;
}

enum deflate_result brotli_run(struct brotli *b, struct str *in, enum deflate_mark mark,
                               struct fmt *out)
{
    struct str some;
    if (out->failed || out->room == out->len)
        return DEFLATE_GO_ON;
    if (b->flushing) {
        if (!flush(b, out))
            return DEFLATE_NO_MEMORY;
        return b->flushing || in->len || mark == DEFLATE_FINISH ? DEFLATE_GO_ON : DEFLATE_HUNGRY;
    }
    ASSERT(str_sub(*in, 0, size_min(in->len, DEFLATE_STEP), &some));
    const size_t before = some.len;
    const bool finish = mark == DEFLATE_FINISH && some.len == in->len;
    if (!compress(b, &some, finish ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS, out))
        return DEFLATE_NO_MEMORY;
    ASSERT(str_from_off(*in, before - some.len, in));
    if (finish)
        return BrotliEncoderIsFinished(b->state) ? DEFLATE_END : DEFLATE_GO_ON;
    if (in->len || BrotliEncoderHasMoreOutput(b->state))
        return DEFLATE_GO_ON;
    if (mark != DEFLATE_FLUSH)
        return DEFLATE_HUNGRY;
    if (out->room == out->len)
        b->flushing = true;
    else if (!flush(b, out))
        return DEFLATE_NO_MEMORY;
    return b->flushing ? DEFLATE_GO_ON : DEFLATE_HUNGRY;
}

#endif
