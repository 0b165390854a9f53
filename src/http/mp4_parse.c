/*
 * MP4 heads: boxes are found, tables of samples are cut, offsets are moved.
 * Pure: owns nothing.
 */
#include "http/mp4_parse.h"

enum { DEPTH_MOST = 4 };

enum leaf { TKHD, MDHD, HDLR, VMHD, SMHD, DINF, STSD, STTS, STSS, CTTS, STSC, STSZ, STCO, CO64,
            LEAVES };

struct table {                          /* rows of 32 bits each */
    struct str rows;
    uint32_t count;
    unsigned columns;
};

struct times {                          /* of mvhd, mdhd, tkhd */
    bool wide;
    size_t at;                          /* of the duration, in the box with its head */
    uint32_t scale;
    uint64_t duration;
};

struct track {
    struct str all[LEAVES], body[LEAVES];       /* with and without the head */
    struct times track, media;
    struct table stts, stss, ctts, stsc, sizes, chunks;
    uint32_t size;                      /* of every sample; 0: see `sizes` */
    uint32_t nsizes;
    uint32_t from, to;                  /* samples */
    uint64_t prefix;                    /* ticks between the key frame and what was asked for */
    bool left_out;
    size_t offsets_at;                  /* in the new head, and how many */
    uint32_t noffsets;
};

struct movie {
    const struct mp4_cut *cut;
    struct mp4_part *part;
    struct fmt *out;
    struct str mvhd;
    struct times times;
    struct track tracks[MP4_TRACKS_MOST];
    unsigned ntracks;
};

static const uint32_t leaf_types[LEAVES] = {
    [TKHD] = MP4_TYPE('t', 'k', 'h', 'd'), [MDHD] = MP4_TYPE('m', 'd', 'h', 'd'),
    [HDLR] = MP4_TYPE('h', 'd', 'l', 'r'), [VMHD] = MP4_TYPE('v', 'm', 'h', 'd'),
    [SMHD] = MP4_TYPE('s', 'm', 'h', 'd'), [DINF] = MP4_TYPE('d', 'i', 'n', 'f'),
    [STSD] = MP4_TYPE('s', 't', 's', 'd'), [STTS] = MP4_TYPE('s', 't', 't', 's'),
    [STSS] = MP4_TYPE('s', 't', 's', 's'), [CTTS] = MP4_TYPE('c', 't', 't', 's'),
    [STSC] = MP4_TYPE('s', 't', 's', 'c'), [STSZ] = MP4_TYPE('s', 't', 's', 'z'),
    [STCO] = MP4_TYPE('s', 't', 'c', 'o'), [CO64] = MP4_TYPE('c', 'o', '6', '4'),
};

/* --- reading ---------------------------------------------------------------------------------- */

static bool fail(struct mp4_part *part, const char *before, const char *after)
{
    part->before = before;
    part->after = after;
    return false;
}

static bool get(struct str s, size_t at, unsigned bytes, uint64_t *value)
{
    struct str part;
    *value = 0;
    if (!str_sub(s, at, bytes, &part))
        return false;
    for (unsigned i = 0; i < bytes; i++)
        *value = *value << 8 | (unsigned char)part.at[i];
    return true;
}

static bool get32(struct str s, size_t at, uint32_t *value)
{
    uint64_t wide;
    const bool good = get(s, at, 4, &wide);
    *value = (uint32_t)wide;
    return good;
}

bool mp4_box_head(struct str bytes, uint64_t left, struct mp4_box *box)
{
    uint32_t size;
    if (!get32(bytes, 0, &size) || !get32(bytes, 4, &box->type))
        return false;
    box->head = 8;
    box->size = size;
    if (size == 1) {
        box->head = 16;
        if (!get(bytes, 8, 8, &box->size))
            return false;
    } else if (size == 0)
        box->size = left;
    return box->size >= box->head && box->size <= left;
}

/* Takes a box off the front of *rest. */
static bool next_box(struct str *rest, uint32_t *type, struct str *all, struct str *body)
{
    struct mp4_box box;
    if (!mp4_box_head(*rest, rest->len, &box) || !str_sub(*rest, 0, (size_t)box.size, all)
        || !str_from_off(*all, box.head, body) || !str_from_off(*rest, (size_t)box.size, rest))
        return false;
    *type = box.type;
    return true;
}

/* `head`: bytes before the number of rows. */
static bool open_table(struct str body, size_t head, unsigned columns, struct table *table)
{
    table->columns = columns;
    return get32(body, head, &table->count)
           && str_sub(body, head + 4, (size_t)table->count * columns * 4, &table->rows);
}

/* Zero for what is not there. */
static uint32_t cell(const struct table *table, uint32_t row, unsigned column)
{
    uint32_t value;
    get32(table->rows, ((size_t)row * table->columns + column) * 4, &value);
    return value;
}

static bool read_times(struct str all, struct str body, bool of_track, struct times *times)
{
    uint32_t version;
    if (!get32(body, 0, &version))
        return false;
    times->wide = version >> 24 == 1;
    const size_t scale_at = times->wide ? 20 : 12;
    const size_t at = of_track ? (times->wide ? 28 : 20) : scale_at + 4;
    times->at = all.len - body.len + at;
    return (of_track || get32(body, scale_at, &times->scale))
           && get(body, at, times->wide ? 8 : 4, &times->duration);
}

/* --- tracks ----------------------------------------------------------------------------------- */

static bool is_container(uint32_t type)
{
    return type == MP4_TYPE('m', 'd', 'i', 'a') || type == MP4_TYPE('m', 'i', 'n', 'f')
           || type == MP4_TYPE('s', 't', 'b', 'l');
}

static bool find_leaves(struct str rest, struct track *t, unsigned depth)
{
    struct str all, body;
    uint32_t type;
    while (rest.len) {
        if (depth == DEPTH_MOST || !next_box(&rest, &type, &all, &body)
            || (is_container(type) && !find_leaves(body, t, depth + 1)))
            return false;
        for (unsigned i = 0; i < LEAVES; i++) {
            if (leaf_types[i] != type)
                continue;
            if (t->all[i].at)
                return false;           /* which one is true? */
            t->all[i] = all;
            t->body[i] = body;
        }
    }
    return true;
}

static bool open_sizes(struct track *t)
{
    const struct str body = t->body[STSZ];
    return get32(body, 4, &t->size) && get32(body, 8, &t->nsizes)
           && (t->size || open_table(body, 8, 1, &t->sizes));
}

static bool open_track(struct movie *m, struct track *t)
{
    static const struct { enum leaf leaf; const char *text; } needed[] = {
        { TKHD, "no mp4 tkhd atoms were found in " }, { MDHD, "no mp4 mdhd atoms were found in " },
        { STSD, "no mp4 stsd atoms were found in " }, { STTS, "no mp4 stts atoms were found in " },
        { STSC, "no mp4 stsc atoms were found in " }, { STSZ, "no mp4 stsz atoms were found in " },
    };
    for (unsigned i = 0; i < countof(needed); i++)
        if (!t->all[needed[i].leaf].at)
            return fail(m->part, needed[i].text, "");
    if (!t->all[STCO].at == !t->all[CO64].at)
        return fail(m->part, "no mp4 stco or co64 atoms were found in ", "");
    if (read_times(t->all[TKHD], t->body[TKHD], true, &t->track)
        && read_times(t->all[MDHD], t->body[MDHD], false, &t->media) && t->media.scale
        && open_table(t->body[STTS], 4, 2, &t->stts) && open_table(t->body[STSC], 4, 3, &t->stsc)
        && (!t->all[STSS].at || open_table(t->body[STSS], 4, 1, &t->stss))
        && (!t->all[CTTS].at || open_table(t->body[CTTS], 4, 2, &t->ctts)) && open_sizes(t)
        && (t->all[CO64].at ? open_table(t->body[CO64], 4, 2, &t->chunks)
                            : open_table(t->body[STCO], 4, 1, &t->chunks)))
        return true;
    return fail(m->part, "", " mp4 atom too small");
}

static bool open_movie(struct movie *m, struct str moov)
{
    struct str rest = moov, all, body;
    uint32_t type;
    if (!next_box(&rest, &type, &all, &body) || rest.len)
        return fail(m->part, "", " mp4 file truncated");
    rest = body;
    while (rest.len) {
        if (!next_box(&rest, &type, &all, &body))
            return fail(m->part, "", " mp4 atom too large");
        if (type == MP4_TYPE('m', 'v', 'h', 'd')) {
            m->mvhd = all;
            if (!read_times(all, body, false, &m->times) || !m->times.scale)
                return fail(m->part, "", " mp4 mvhd atom too small");
        } else if (type == MP4_TYPE('t', 'r', 'a', 'k')) {
            if (m->ntracks == MP4_TRACKS_MOST)
                return fail(m->part, "too many mp4 trak atoms in ", "");
            struct track *t = &m->tracks[m->ntracks++];
            if (!find_leaves(body, t, 0))
                return fail(m->part, "", " mp4 atom too large");
            if (!open_track(m, t))
                return false;
        }
    }
    if (!m->ntracks)
        return fail(m->part, "no mp4 trak atoms were found in ", "");
    return m->mvhd.at || fail(m->part, "no mp4 mvhd atom was found in ", "");
}

/* --- choosing samples ------------------------------------------------------------------------- */

/* Milliseconds in ticks; more than any duration when that would overflow. */
static uint64_t ticks_of(uint64_t time, uint32_t scale)
{
    uint64_t ticks;
    return mul_overflows(time, (uint64_t)scale, &ticks) ? UINT64_MAX : ticks / 1000;
}

/* What remains of a duration; 0: nothing. */
static uint64_t remains(const struct mp4_cut *cut, uint64_t duration, uint32_t scale)
{
    const uint64_t start = ticks_of(cut->start, scale), length = ticks_of(cut->length, scale);
    if (duration <= start)
        return 0;
    return cut->length && length < duration - start ? length : duration - start;
}

/* The sample that is `ticks` behind the beginning of `from`; at most the end of all. */
static uint64_t advance(const struct table *stts, uint32_t from, uint64_t ticks)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < stts->count; i++) {
        const uint64_t count = cell(stts, i, 0), delta = cell(stts, i, 1);
        const uint64_t skip = at >= from ? 0 : from - at < count ? from - at : count;
        if (skip < count && delta && ticks / delta < count - skip)
            return at + skip + ticks / delta;
        ticks -= (count - skip) * delta;
        at += count;
    }
    return at;
}

static uint64_t duration_between(const struct table *stts, uint64_t from, uint64_t to)
{
    uint64_t at = 0, ticks = 0;
    for (uint32_t i = 0; i < stts->count && at < to; i++) {
        const uint64_t next = at + cell(stts, i, 0);
        const uint64_t first = at > from ? at : from, last = next < to ? next : to;
        if (first < last)
            ticks += (last - first) * cell(stts, i, 1);
        at = next;
    }
    return ticks;
}

/* The last key frame that is not behind `sample`. */
static uint32_t key_before(const struct table *stss, uint32_t sample)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < stss->count; i++) {
        const uint32_t key = cell(stss, i, 0);
        if (key > best && key - 1 <= sample)
            best = key;
    }
    return best ? best - 1 : sample;
}

static bool choose(struct movie *m, struct track *t)
{
    const struct mp4_cut *cut = m->cut;
    uint64_t total = 0, start = 0, length;
    for (uint32_t i = 0; i < t->stts.count; i++)
        total += cell(&t->stts, i, 0);
    if (total > UINT32_MAX)
        return fail(m->part, "", " mp4 stts atom is too large");
    if (cut->start)
        start = advance(&t->stts, 0, ticks_of(cut->start, t->media.scale));
    t->left_out = !remains(cut, t->media.duration, t->media.scale) || start >= total;
    if (t->left_out)
        return true;
    t->from = (uint32_t)start;
    if (cut->key_frame && t->all[STSS].at)
        t->from = key_before(&t->stss, t->from);
    t->prefix = duration_between(&t->stts, t->from, start);
    t->to = (uint32_t)total;
    if (cut->length
        && !add_overflows(ticks_of(cut->length, t->media.scale), t->prefix, &length))
        t->to = (uint32_t)advance(&t->stts, t->from, length);
    if (t->to <= t->nsizes && (!t->stsc.count || cell(&t->stsc, 0, 0) == 1))
        return true;
    return fail(m->part, "", " mp4 stsz or stsc atom is not like the others");
}

/* --- chunks ----------------------------------------------------------------------------------- */

struct chunk {                          /* the part of one that is wanted */
    uint64_t offset, bytes;
    uint32_t samples, id;
};

struct walk {
    const struct track *track;
    uint32_t next, row;                 /* chunk, row of stsc */
    uint64_t sample;                    /* the first of the chunk */
};

static uint64_t bytes_of(const struct track *t, uint64_t from, uint64_t to)
{
    uint64_t bytes = 0;
    if (t->size)
        return (to - from) * t->size;
    for (uint64_t i = from; i < to; i++)
        bytes += cell(&t->sizes, (uint32_t)i, 0);
    return bytes;
}

static uint64_t offset_of(const struct track *t, uint32_t chunk)
{
    const uint64_t first = cell(&t->chunks, chunk, 0);
    return t->chunks.columns == 1 ? first : first << 32 | cell(&t->chunks, chunk, 1);
}

/* The next one with samples that are wanted.  False: none; then w->sample has come to the last of
 * them, or tables are too short. */
static bool next_chunk(struct walk *w, struct chunk *chunk)
{
    const struct track *t = w->track;
    while (t->stsc.count && w->next < t->chunks.count && w->sample < t->to) {
        const uint32_t at = w->next++;
        while (w->row + 1 < t->stsc.count && cell(&t->stsc, w->row + 1, 0) <= at + 1)
            w->row++;
        const uint64_t begin = w->sample, end = begin + cell(&t->stsc, w->row, 1);
        const uint64_t first = begin > t->from ? begin : t->from, last = end < t->to ? end : t->to;
        w->sample = end;
        if (first >= last)
            continue;
        chunk->offset = offset_of(t, at);
        chunk->samples = (uint32_t)(last - first);
        chunk->id = cell(&t->stsc, w->row, 2);
        chunk->bytes = bytes_of(t, first, last);
        if (!add_overflows(chunk->offset, bytes_of(t, begin, first), &chunk->offset))
            return true;
        w->sample = 0;                  /* no such file: as if the tables were too short */
        return false;
    }
    return false;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put(struct fmt *f, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
        fmt_char(f, (char)(value >> (8 * i)));
}

/* Over what was written before. */
static void patch(struct fmt *f, size_t at, uint64_t value, unsigned bytes)
{
    if (f->failed)
        return;
    ASSERT(at <= f->len && bytes <= f->len - at);
    for (unsigned i = bytes; i-- > 0; value >>= 8)
        f->at[at + i] = (char)value;
}

static size_t begin_box(struct fmt *f, uint32_t type)
{
    const size_t at = f->len;
    put(f, 0, 4);
    put(f, type, 4);
    return at;
}

static void end_box(struct fmt *f, size_t at)
{
    patch(f, at, f->len - at, 4);
}

static size_t begin_table(struct fmt *f, enum leaf leaf)
{
    const size_t at = begin_box(f, leaf_types[leaf]);
    put(f, 0, 4);
    return at;
}

static bool put_times(struct movie *m, struct str all, const struct times *times,
                      uint64_t duration)
{
    const size_t at = m->out->len;
    if (!times->wide && duration > UINT32_MAX)
        return fail(m->part, "", " mp4 duration is too large");
    fmt_str(m->out, all);
    patch(m->out, at + times->at, duration, times->wide ? 8 : 4);
    return true;
}

/* The rows of (samples, value) that are about samples [from, to). */
static void put_runs(struct fmt *f, enum leaf leaf, const struct str body,
                     const struct table *table, const struct track *t)
{
    const size_t box = begin_box(f, leaf_types[leaf]), count_at = box + 12;
    uint32_t version, rows = 0;
    uint64_t at = 0;
    get32(body, 0, &version);
    put(f, version, 4);
    put(f, 0, 4);
    for (uint32_t i = 0; i < table->count && at < t->to; i++) {
        const uint64_t next = at + cell(table, i, 0);
        const uint64_t first = at > t->from ? at : t->from, last = next < t->to ? next : t->to;
        at = next;
        if (first >= last)
            continue;
        put(f, last - first, 4);
        put(f, cell(table, i, 1), 4);
        rows++;
    }
    patch(f, count_at, rows, 4);
    end_box(f, box);
}

static void put_stss(struct fmt *f, const struct track *t)
{
    const size_t box = begin_table(f, STSS);
    uint32_t rows = 0;
    put(f, 0, 4);
    for (uint32_t i = 0; i < t->stss.count; i++) {
        const uint32_t key = cell(&t->stss, i, 0);
        if (key <= t->from || key > t->to)
            continue;
        put(f, key - t->from, 4);
        rows++;
    }
    patch(f, box + 12, rows, 4);
    end_box(f, box);
}

static void put_stsc(struct fmt *f, const struct track *t)
{
    const size_t box = begin_table(f, STSC);
    struct walk w = { .track = t };
    struct chunk chunk, last = { 0 };
    uint32_t rows = 0, number = 0;
    put(f, 0, 4);
    while (next_chunk(&w, &chunk)) {
        number++;
        if (rows && chunk.samples == last.samples && chunk.id == last.id)
            continue;
        put(f, number, 4);
        put(f, chunk.samples, 4);
        put(f, chunk.id, 4);
        last = chunk;
        rows++;
    }
    patch(f, box + 12, rows, 4);
    end_box(f, box);
}

static void put_stsz(struct fmt *f, const struct track *t)
{
    const size_t box = begin_table(f, STSZ);
    struct str rows;
    put(f, t->size, 4);
    put(f, t->to - t->from, 4);
    if (!t->size && str_sub(t->sizes.rows, (size_t)t->from * 4, (size_t)(t->to - t->from) * 4,
                            &rows))
        fmt_str(f, rows);
    end_box(f, box);
}

/* Where they are in the old file; moved when the head is complete. */
static bool put_offsets(struct movie *m, struct track *t)
{
    struct mp4_part *part = m->part;
    const bool wide = t->chunks.columns == 2;
    const size_t box = begin_table(m->out, wide ? CO64 : STCO);
    struct walk w = { .track = t };
    struct chunk chunk;
    uint64_t end;
    put(m->out, 0, 4);
    t->offsets_at = m->out->len;
    while (next_chunk(&w, &chunk)) {
        if (add_overflows(chunk.offset, chunk.bytes, &end) || end > m->cut->file_size)
            return fail(part, "", " mp4 file truncated");
        if (!wide && chunk.offset > UINT32_MAX)
            return fail(part, "", " mp4 stco atom is too small");
        part->from = chunk.offset < part->from ? chunk.offset : part->from;
        part->to = end > part->to ? end : part->to;
        put(m->out, chunk.offset, wide ? 8 : 4);
        t->noffsets++;
    }
    patch(m->out, box + 12, t->noffsets, 4);
    end_box(m->out, box);
    return w.sample >= t->to || fail(part, "", " mp4 stsc or stco atom is too small");
}

/* A player shows nothing of what was only put in for the sake of a key frame. */
static void put_edits(struct fmt *f, const struct track *t, uint64_t duration)
{
    const size_t edts = begin_box(f, MP4_TYPE('e', 'd', 't', 's'));
    const size_t elst = begin_box(f, MP4_TYPE('e', 'l', 's', 't'));
    put(f, 1 << 24, 4);
    put(f, 1, 4);
    put(f, duration, 8);
    put(f, t->prefix, 8);
    put(f, 1 << 16, 4);
    end_box(f, elst);
    end_box(f, edts);
}

static bool put_tables(struct movie *m, struct track *t)
{
    struct fmt *f = m->out;
    const size_t stbl = begin_box(f, MP4_TYPE('s', 't', 'b', 'l'));
    fmt_str(f, t->all[STSD]);
    put_runs(f, STTS, t->body[STTS], &t->stts, t);
    if (t->all[STSS].at)
        put_stss(f, t);
    if (t->all[CTTS].at)
        put_runs(f, CTTS, t->body[CTTS], &t->ctts, t);
    put_stsc(f, t);
    put_stsz(f, t);
    if (!put_offsets(m, t))
        return false;
    end_box(f, stbl);
    return true;
}

static bool put_track(struct movie *m, struct track *t)
{
    struct fmt *f = m->out;
    const uint64_t shown = remains(m->cut, t->track.duration, m->times.scale);
    const size_t trak = begin_box(f, MP4_TYPE('t', 'r', 'a', 'k'));
    uint64_t media = remains(m->cut, t->media.duration, t->media.scale);
    if (!put_times(m, t->all[TKHD], &t->track, shown))
        return false;
    if (t->prefix)
        put_edits(f, t, shown);
    const size_t mdia = begin_box(f, MP4_TYPE('m', 'd', 'i', 'a'));
    if (add_overflows(media, t->prefix, &media)
        || !put_times(m, t->all[MDHD], &t->media, media))
        return fail(m->part, "", " mp4 duration is too large");
    fmt_str(f, t->all[HDLR]);
    const size_t minf = begin_box(f, MP4_TYPE('m', 'i', 'n', 'f'));
    fmt_str(f, t->all[VMHD]);
    fmt_str(f, t->all[SMHD]);
    fmt_str(f, t->all[DINF]);
    if (!put_tables(m, t))
        return false;
    end_box(f, minf);
    end_box(f, mdia);
    end_box(f, trak);
    return true;
}

static void put_mdat(struct movie *m)
{
    const uint64_t bytes = m->part->to - m->part->from;
    const bool wide = bytes > UINT32_MAX - 8;
    put(m->out, wide ? 1 : bytes + 8, 4);
    put(m->out, MP4_TYPE('m', 'd', 'a', 't'), 4);
    if (wide)
        put(m->out, bytes + 16, 8);
}

static bool move_offsets(struct movie *m, const struct track *t)
{
    const unsigned bytes = t->chunks.columns * 4;
    const struct str text = str_of(m->out->at, m->out->len);
    for (uint32_t i = 0; i < t->noffsets; i++) {
        const size_t at = t->offsets_at + (size_t)i * bytes;
        uint64_t offset;
        if (!get(text, at, bytes, &offset))
            return false;
        offset = offset - m->part->from + m->out->len;
        if (bytes == 4 && offset > UINT32_MAX)
            return fail(m->part, "", " mp4 stco atom is too small");
        patch(m->out, at, offset, bytes);
    }
    return true;
}

size_t mp4_room(struct str ftyp, struct str moov)
{
    return ftyp.len + moov.len + MP4_TRACKS_MOST * 128 + 64;
}

static bool put_movie(struct movie *m, struct str ftyp)
{
    const uint64_t shown = remains(m->cut, m->times.duration, m->times.scale);
    if (!shown)
        return fail(m->part, "", " mp4 start time exceeds file duration");
    fmt_str(m->out, ftyp);
    const size_t moov = begin_box(m->out, MP4_TYPE('m', 'o', 'o', 'v'));
    if (!put_times(m, m->mvhd, &m->times, shown))
        return false;
    for (unsigned i = 0; i < m->ntracks; i++)
        if (!choose(m, &m->tracks[i])
            || (!m->tracks[i].left_out && !put_track(m, &m->tracks[i])))
            return false;
    end_box(m->out, moov);
    if (m->part->to <= m->part->from)
        return fail(m->part, "no data between start time and end time in ", "");
    put_mdat(m);
    if (m->out->failed)
        return fail(m->part, "", " mp4 moov atom is too large");
    for (unsigned i = 0; i < m->ntracks; i++)
        if (!move_offsets(m, &m->tracks[i]))
            return false;
    return true;
}

bool mp4_cut(struct str ftyp, struct str moov, const struct mp4_cut *cut, struct fmt *out,
             struct mp4_part *part)
{
    struct movie m = { .cut = cut, .part = part, .out = out };
    *part = (struct mp4_part){ .from = UINT64_MAX, .before = "", .after = " mp4 file is broken" };
    return open_movie(&m, moov) && put_movie(&m, ftyp);
}
