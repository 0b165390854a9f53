/*
 * The part of an MP4 file from one time on: a new head for the same samples (ISO/IEC 14496-12).
 *
 *     [ftyp][moov: tracks, tables of samples][mdat . . . . . . . . . .]
 *                                                   ^from      ^to
 *     [ftyp][moov: shorter tables][mdat head] + bytes [from, to) of the file
 *
 * Pure: reads slices by checked offsets and fails closed; builds into the caller's bounded builder.
 * Boxes that say nothing about samples, and edit lists, are left out.
 */
#ifndef HTTP_MP4_PARSE_H
#define HTTP_MP4_PARSE_H

#include "core/fmt.h"

enum { MP4_TRACKS_MOST = 16, MP4_HEAD_MOST = 16 };

#define MP4_TYPE(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

struct mp4_box {
    uint32_t type;
    size_t head;                        /* 8, or 16 */
    uint64_t size;                      /* of all, head included */
};

struct mp4_cut {
    uint64_t start, length;             /* milliseconds; length 0: to the end */
    bool key_frame;                     /* begin at the one before */
    uint64_t file_size;
};

struct mp4_part {
    uint64_t from, to;                  /* of the file, behind the new head */
    const char *before, *after;         /* what is wrong, around the file's name */
};

/* The head of a box, when `left` bytes follow from its beginning on; `bytes` are the first of them,
 * MP4_HEAD_MOST if there are so many.  False: it is none. */
WARN_UNUSED bool mp4_box_head(struct str bytes, uint64_t left, struct mp4_box *box);

/* Bytes that a new head has at most. */
size_t mp4_room(struct str ftyp, struct str moov);
/* Both boxes are complete, with their heads; ftyp may be empty.  False: part->before and after. */
WARN_UNUSED bool mp4_cut(struct str ftyp, struct str moov, const struct mp4_cut *cut,
                         struct fmt *out, struct mp4_part *part);

#endif
