/*
 * Unit test of http/mp4_parse.c: heads of boxes, and one small movie, whole and broken.
 * Owns nothing.
 *
 *     ten samples of 100 ms in chunks of four, 10 + n bytes each, the first chunk at 1000
 */
#include "http/mp4_parse.c"
#include "t/unit/tap.h"

struct options {
    uint32_t scale, duration, samples, first_chunk, size, offset;
    bool no_sizes, two_sizes, wide;
};

static const struct options good = { .scale = 1000, .duration = 1000, .samples = 10,
                                     .first_chunk = 1, .offset = 1000 };

static void times(struct fmt *f, uint32_t type, uint32_t scale, uint32_t duration)
{
    const size_t box = begin_box(f, type);
    put(f, 0, 8);
    put(f, 0, 4);
    put(f, scale, 4);                   /* of a track: its number, */
    if (type == leaf_types[TKHD])
        put(f, 0, 4);                   /* and nothing */
    put(f, duration, 4);
    end_box(f, box);
}

static void sizes(struct fmt *f, const struct options *o)
{
    const size_t box = begin_table(f, STSZ);
    put(f, o->size, 4);
    put(f, 10, 4);
    for (unsigned i = 0; i < 10 && !o->size; i++)
        put(f, 10 + i, 4);
    end_box(f, box);
}

static void tables(struct fmt *f, const struct options *o)
{
    const size_t stbl = begin_box(f, MP4_TYPE('s', 't', 'b', 'l'));
    end_box(f, begin_table(f, STSD));
    const size_t stts = begin_table(f, STTS);
    put(f, 1, 4);
    put(f, o->samples, 4);
    put(f, o->scale / 10, 4);
    end_box(f, stts);
    const size_t stsc = begin_table(f, STSC);
    put(f, 1, 4);
    put(f, o->first_chunk, 4);
    put(f, 4, 4);
    put(f, 1, 4);
    end_box(f, stsc);
    for (unsigned i = o->no_sizes; i < 1U + o->two_sizes; i++)
        sizes(f, o);
    const size_t stco = begin_table(f, o->wide ? CO64 : STCO);
    put(f, 3, 4);
    for (uint32_t i = 0; i < 3; i++)
        put(f, o->wide ? UINT64_MAX - i : o->offset + 100 * i, o->wide ? 8 : 4);
    end_box(f, stco);
    end_box(f, stbl);
}

static struct str movie(struct fmt *f, const struct options *o)
{
    f->len = 0;
    const size_t moov = begin_box(f, MP4_TYPE('m', 'o', 'o', 'v'));
    times(f, MP4_TYPE('m', 'v', 'h', 'd'), 1000, o->duration);
    const size_t trak = begin_box(f, MP4_TYPE('t', 'r', 'a', 'k'));
    times(f, leaf_types[TKHD], 1, o->duration);
    const size_t mdia = begin_box(f, MP4_TYPE('m', 'd', 'i', 'a'));
    times(f, leaf_types[MDHD], o->scale, o->scale);
    const size_t minf = begin_box(f, MP4_TYPE('m', 'i', 'n', 'f'));
    tables(f, o);
    end_box(f, minf);
    end_box(f, mdia);
    end_box(f, trak);
    end_box(f, moov);
    return fmt_done(f);
}

static bool cut_to(struct str moov, const struct mp4_cut *cut, size_t room, struct fmt *out,
                   struct mp4_part *part)
{
    static char memory[8192];
    ASSERT(room <= sizeof(memory));
    fmt_init(out, memory, room);
    return mp4_cut(STR(""), moov, cut, out, part);
}

static void test_heads(void)
{
    static const struct { struct str bytes; uint64_t left; bool good; size_t head; uint64_t size; }
    cases[] = {
        { STR_INIT("\0\0\0\x08" "free"), 8, true, 8, 8 },
        { STR_INIT("\0\0\0\x07" "free"), 8, false, 0, 0 },
        { STR_INIT("\0\0\0\x09" "free"), 8, false, 0, 0 },
        { STR_INIT("\0\0\0\0" "free"), 99, true, 8, 99 },
        { STR_INIT("\xff\xff\xff\xff" "free"), UINT32_MAX, true, 8, UINT32_MAX },
        { STR_INIT("\0\0\0\x08" "fre"), 8, false, 0, 0 },
        { STR_INIT(""), 0, false, 0, 0 },
        { STR_INIT("\0\0\0\x01" "free\0\0\0\0\0\0\0\x10"), 16, true, 16, 16 },
        { STR_INIT("\0\0\0\x01" "free\0\0\0\0\0\0\0\x0f"), 16, false, 0, 0 },
        { STR_INIT("\0\0\0\x01" "free\0\0\0\0\0\0\0"), 16, false, 0, 0 },
        { STR_INIT("\0\0\0\x01" "free\0\0\0\x01\0\0\0\0"), 1ULL << 32, true, 16, 1ULL << 32 },
        { STR_INIT("\0\0\0\x01" "free\xff\xff\xff\xff\xff\xff\xff\xff"), 1ULL << 63, false, 0, 0 },
    };
    for (unsigned i = 0; i < countof(cases); i++) {
        struct mp4_box box;
        const bool is = mp4_box_head(cases[i].bytes, cases[i].left, &box);
        ok(is == cases[i].good && (!is || (box.head == cases[i].head && box.size == cases[i].size)),
           "head %u", i);
    }
}

static void test_cuts(struct fmt *f)
{
    static const struct { uint64_t start, length, from, to; } cases[] = {
        /* chunk 1: 10 11 12 13, chunk 2: 14 15 16 17, chunk 3: 18 19 */
        { 0, 0, 1000, 1237 }, { 100, 0, 1010, 1237 }, { 399, 0, 1033, 1237 },
        { 400, 0, 1100, 1237 }, { 900, 0, 1218, 1237 }, { 999, 0, 1218, 1237 },
        { 0, 100, 1000, 1010 }, { 100, 100, 1010, 1021 }, { 300, 200, 1033, 1114 },
        { 400, 5000, 1100, 1237 },
    };
    const struct str moov = movie(f, &good);
    struct mp4_part part;
    struct fmt out;
    uint64_t offset;
    for (unsigned i = 0; i < countof(cases); i++) {
        const struct mp4_cut cut = { .start = cases[i].start, .length = cases[i].length,
                                     .file_size = 1237 };
        ok(cut_to(moov, &cut, 4096, &out, &part), "cut %u", i);
        ok(part.from == cases[i].from && part.to == cases[i].to, "cut %u: the bytes", i);
        const struct str head = fmt_done(&out);
        const ssize_t stco = str_find(head, STR("stco"));
        ok(stco > 0 && get(head, (size_t)stco + 12, 4, &offset) && offset == head.len,
           "cut %u: the first chunk is behind the head", i);
    }
    const struct mp4_cut none = { .length = 50, .file_size = 1237 };
    ok(!cut_to(moov, &none, 4096, &out, &part) && str_starts(str_from(part.before),
       STR("no data between")), "no sample is so short");
    const struct mp4_cut late = { .start = 1000, .file_size = 1237 };
    ok(!cut_to(moov, &late, 4096, &out, &part), "nothing is so late");
    const struct mp4_cut huge = { .start = UINT64_MAX, .length = UINT64_MAX, .file_size = 1237 };
    ok(!cut_to(moov, &huge, 4096, &out, &part), "nor does a time wrap");
    const struct mp4_cut shorter = { .start = 100, .file_size = 1236 };
    ok(!cut_to(moov, &shorter, 4096, &out, &part) && strstr(part.after, "truncated"),
       "a file that ends too early");
}

static void test_broken(struct fmt *f)
{
    const struct mp4_cut cut = { .start = 100, .file_size = INT64_MAX };
    struct mp4_part part;
    struct fmt out;
    const struct { const char *name; struct options o; } cases[] = {
        { "no scale", { 0, 1000, 10, 1, 0, 1000, false, false, false } },
        { "no duration", { 1000, 0, 10, 1, 0, 1000, false, false, false } },
        { "more times than sizes", { 1000, 1000, 11, 1, 0, 1000, false, false, false } },
        { "chunks from the second on", { 1000, 1000, 10, 2, 0, 1000, false, false, false } },
        { "no sizes", { 1000, 1000, 10, 1, 0, 1000, true, false, false } },
        { "sizes twice", { 1000, 1000, 10, 1, 0, 1000, false, true, false } },
        { "offsets that wrap", { 1000, 1000, 10, 1, 0, 1000, false, false, true } },
        { "samples that wrap", { 1000, 1000, 10, 1, UINT32_MAX, 1000, false, false, false } },
        { "2^32 - 1 samples", { 1000, 1000, UINT32_MAX, 1, 0, 1000, false, false, false } },
    };
    for (unsigned i = 0; i < countof(cases); i++)
        ok(!cut_to(movie(f, &cases[i].o), &cut, 4096, &out, &part), "%s", cases[i].name);
    const struct str moov = movie(f, &good);
    size_t least = 4096, passed = 0;
    while (least && cut_to(moov, &cut, least, &out, &part))
        least--;
    ok(least > 300 && least < moov.len + 40 && strstr(part.after, "too large"),
       "a builder without room");
    ok(mp4_room(STR(""), moov) > least, "and how much it needs");
    for (size_t len = 0; len < moov.len; len++)
        passed += cut_to(str_of(moov.at, len), &cut, 4096, &out, &part);
    is_uint(passed, 0, "no beginning of it is a movie");
}

int main(void)
{
    static char memory[4096];
    struct fmt f;
    fmt_init(&f, memory, sizeof(memory));
    test_heads();
    test_cuts(&f);
    test_broken(&f);
    return done_testing();
}
