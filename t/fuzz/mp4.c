/*
 * Fuzz target: heads of MP4 files.  What is made has room, is about bytes of the file, and leads to
 * the same bytes when it is cut again from its beginning.
 * Owns the memory of one input.
 *
 *     start (2 bytes) length (2) key frames (1) size of the file (4) moov box
 */
#include "http/mp4_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t number(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool run(struct str moov, const struct mp4_cut *cut, struct str *head,
                struct mp4_part *part)
{
    const struct str ftyp = STR("\0\0\0\x10" "ftypisom\0\0\2\0");
    const size_t room = mp4_room(ftyp, moov);
    char *memory = malloc(room + 1);
    struct fmt f;
    ASSERT(memory);
    fmt_init(&f, memory, room + 1);
    const bool good = mp4_cut(ftyp, moov, cut, &f, part);
    ASSERT(good || part->before || part->after);
    ASSERT(!good || (part->from < part->to && part->to <= cut->file_size));
    *head = fmt_done(&f);
    ASSERT(!good || (head->at == memory && head->len <= room));
    if (good)
        return true;
    free(memory);
    *head = STR_NONE;
    return false;
}

/* The moov box of a new head, which ends in the head of mdat. */
static struct str moov_of(struct str head)
{
    struct mp4_box ftyp, moov;
    struct str rest, box;
    ASSERT(mp4_box_head(head, head.len, &ftyp));
    ASSERT(str_from_off(head, (size_t)ftyp.size, &rest));
    ASSERT(mp4_box_head(rest, rest.len, &moov) && moov.type == MP4_TYPE('m', 'o', 'o', 'v'));
    ASSERT(str_sub(rest, 0, (size_t)moov.size, &box));
    ASSERT(rest.len - box.len == 8 || rest.len - box.len == 16);
    return box;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mp4_part part, again;
    struct str moov, head, second;
    if (size < 9 || !str_from_off(str_of(data, size), 9, &moov))
        return 0;
    const struct mp4_cut cut = { .start = number(data, 2), .length = number(data + 2, 2),
                                 .key_frame = data[4] & 1, .file_size = number(data + 5, 4) };
    if (!run(moov, &cut, &head, &part))
        return 0;
    const struct mp4_cut all = { .file_size = head.len + part.to - part.from };
    ASSERT(run(moov_of(head), &all, &second, &again));
    ASSERT(again.from == head.len && again.to == all.file_size);
    free((void *)(uintptr_t)second.at);
    free((void *)(uintptr_t)head.at);
    return 0;
}
