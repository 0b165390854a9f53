/*
 * Compressed streams by zlib.  Owns zlib's state of each stream; bytes belong to the callers.
 */
#include "core/deflate.h"

#include <zlib.h>

enum { WINDOW_LEAST = 9, WINDOW_MOST = 15, MEMORY = 8, MEMORY_MOST = 9, RATIO_FROM = 64 << 10 };

struct deflate {
    z_stream z;
    bool packs;
    bool over;                          /* an end or an error was told */
    struct deflate_limits limits;
    uint64_t taken, given;
};

/* How zlib has the format in the window's number of bits. */
static int window_bits(enum deflate_format format, unsigned window)
{
    switch (format) {
    case DEFLATE_RAW:
        return -(int)window;
    case DEFLATE_ZLIB:
        return (int)window;
    case DEFLATE_GZIP:
        return (int)window + 16;
    }
    return (int)window;
}

struct deflate *deflate_packer(const struct deflate_packing *how)
{
    struct deflate *d = calloc(1, sizeof(*d));
    const unsigned window = how->window ? how->window : WINDOW_MOST;
    const unsigned memory = how->memory ? how->memory : MEMORY;
    ASSERT(window >= WINDOW_LEAST && window <= WINDOW_MOST && memory <= MEMORY_MOST);
    ASSERT(how->level >= 1 && how->level <= 9);
    if (!d)
        return NULL;
    d->packs = true;
    if (deflateInit2(&d->z, (int)how->level, Z_DEFLATED, window_bits(how->format, window),
                     (int)memory, Z_DEFAULT_STRATEGY) == Z_OK)
        return d;
    free(d);
    return NULL;
}

struct deflate *deflate_unpacker(enum deflate_format format, const struct deflate_limits *limits)
{
    struct deflate *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->limits = *limits;
    if (inflateInit2(&d->z, window_bits(format, WINDOW_MOST)) == Z_OK)
        return d;
    free(d);
    return NULL;
}

void deflate_free(struct deflate *d)
{
    if (!d)
        return;
    if (d->packs)
        deflateEnd(&d->z);
    else
        inflateEnd(&d->z);
    free(d);
}

void deflate_again(struct deflate *d)
{
    ASSERT((d->packs ? deflateReset(&d->z) : inflateReset(&d->z)) == Z_OK);
    d->over = false;
    d->taken = d->given = 0;
}

/* What of the limits is left for this call; unpacking goes one byte beyond, to see that there is
 * one. */
static size_t room_for(const struct deflate *d, size_t room)
{
    if (!d->packs && d->limits.most && d->limits.most - d->given < room)
        return (size_t)(d->limits.most - d->given) + 1;
    return room;
}

static bool too_much(const struct deflate *d)
{
    uint64_t most;
    if (d->limits.most && d->given > d->limits.most)
        return true;
    if (d->limits.ratio == 0 || d->given <= RATIO_FROM)
        return false;
    return !mul_overflows(d->taken, (uint64_t)d->limits.ratio, &most) && d->given > most;
}

static enum deflate_result pack(struct deflate *d, enum deflate_mark mark, bool all)
{
    static const int flushes[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };
    const int rc = deflate(&d->z, all ? flushes[mark] : Z_NO_FLUSH);
    if (rc == Z_STREAM_END)
        return DEFLATE_END;
    ASSERT(rc == Z_OK || rc == Z_BUF_ERROR);    /* the latter: there was nothing to do */
    if (d->z.avail_out == 0 || !all || mark == DEFLATE_FINISH)
        return DEFLATE_GO_ON;
    return DEFLATE_HUNGRY;
}

static enum deflate_result unpack(struct deflate *d, bool all)
{
    switch (inflate(&d->z, Z_NO_FLUSH)) {
    case Z_STREAM_END:
        return DEFLATE_END;
    case Z_OK:
    case Z_BUF_ERROR:
        return d->z.avail_out == 0 || d->z.avail_in || !all ? DEFLATE_GO_ON : DEFLATE_HUNGRY;
    case Z_MEM_ERROR:
        return DEFLATE_NO_MEMORY;
    default:
        return DEFLATE_BROKEN;
    }
}

enum deflate_result deflate_run(struct deflate *d, struct str *in, enum deflate_mark mark,
                                struct fmt *out)
{
    const size_t some = size_min(in->len, DEFLATE_STEP);
    const size_t room = room_for(d, size_min(out->failed ? 0 : out->room - out->len,
                                             DEFLATE_STEP));
    ASSERT(!d->over);
    if (room == 0)
        return DEFLATE_GO_ON;
    d->z.next_in = (Bytef *)(uintptr_t)in->at;
    d->z.avail_in = (uInt)some;
    char *to = fmt_need(out, room);
    ASSERT(to);
    d->z.next_out = (Bytef *)to;
    d->z.avail_out = (uInt)room;
    enum deflate_result result = d->packs ? pack(d, mark, some == in->len)
                                          : unpack(d, some == in->len);
    const size_t taken = some - d->z.avail_in, given = room - d->z.avail_out;
    fmt_advance(out, given);
    ASSERT(str_from_off(*in, taken, in));
    d->taken += taken;
    d->given += given;
    if (!d->packs && result <= DEFLATE_END && too_much(d))
        result = DEFLATE_TOO_MUCH;
    d->over = result >= DEFLATE_END;
    return result;
}

void deflate_fit(struct deflate_packing *how, uint64_t length)
{
    how->window = WINDOW_LEAST;
    while (how->window < WINDOW_MOST && length > 1u << how->window)
        how->window++;
    how->memory = size_max(how->window, WINDOW_LEAST) - 7;
}
