/*
 * Compressed streams by libzstd.  Owns its state of each stream; bytes belong to the callers.
 */
#include "config.h"

#ifdef HAVE_ZSTD

#include "core/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

/* From this level on the window would be larger than readers need to allow. */
enum { WINDOW_MOST = 23, WINDOW_LEVEL = 20 };

struct zstd {
    ZSTD_CCtx *context;
};

struct zstd *zstd_packer(void)
{
    struct zstd *z = calloc(1, sizeof(*z));
    if (!z)
        return NULL;
    z->context = ZSTD_createCCtx();
    if (z->context)
        return z;
    free(z);
    return NULL;
}

void zstd_free(struct zstd *z)
{
    if (z)
        ZSTD_freeCCtx(z->context);
    free(z);
}

static void set(struct zstd *z, ZSTD_cParameter parameter, int value)
{
    ASSERT(!ZSTD_isError(ZSTD_CCtx_setParameter(z->context, parameter, value)));
}

void zstd_begin(struct zstd *z, unsigned level, int64_t length)
{
    ASSERT(level >= 1 && level <= ZSTD_LEVEL_MOST);
    ASSERT(!ZSTD_isError(ZSTD_CCtx_reset(z->context, ZSTD_reset_session_and_parameters)));
    set(z, ZSTD_c_compressionLevel, (int)level);
    if (level >= WINDOW_LEVEL)
        set(z, ZSTD_c_windowLog, WINDOW_MOST);
    if (length >= 0)
        ASSERT(!ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(z->context, (uint64_t)length)));
}

enum deflate_result zstd_run(struct zstd *z, struct str *in, enum deflate_mark mark,
                             struct fmt *out)
{
    static const ZSTD_EndDirective marks[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
    const size_t some = size_min(in->len, DEFLATE_STEP);
    const size_t room = size_min(out->failed ? 0 : out->room - out->len, DEFLATE_STEP);
    const bool all = some == in->len;
    if (room == 0)
        return DEFLATE_GO_ON;
    char *to = fmt_need(out, room);
    ASSERT(to);
    ZSTD_inBuffer from = { in->at, some, 0 };
    ZSTD_outBuffer made = { to, room, 0 };
    const size_t left = ZSTD_compressStream2(z->context, &made, &from,
                                             all ? marks[mark] : ZSTD_e_continue);
    fmt_advance(out, made.pos);
    ASSERT(str_from_off(*in, from.pos, in));
    if (ZSTD_isError(left))
        return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? DEFLATE_NO_MEMORY
                                                                       : DEFLATE_BROKEN;
    if (!all || in->len || (mark != DEFLATE_MORE && left))
        return DEFLATE_GO_ON;
    return mark == DEFLATE_FINISH ? DEFLATE_END : DEFLATE_HUNGRY;
}

size_t zstd_memory(const struct zstd *z)
{
    return ZSTD_sizeof_CCtx(z->context);
}

#endif
