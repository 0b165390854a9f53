/*
 * Fuzz target: answers of memcached.  What the line says is what a second look at it says, and a
 * value comes out the same however it is cut.
 * Owns nothing.
 *
 *     key "\n" answer
 */
#include "http/upstream/memcached_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEEN = 64 };

struct seen {
    uint64_t bytes;
    char first[SEEN];
    enum memcached_body result;
    size_t left;                        /* of the input, behind the end */
};

static void read_value(struct str in, int64_t length, size_t piece, struct seen *seen)
{
    struct memcached_value v = { .left = length };
    *seen = (struct seen){ .result = MEMCACHED_BODY_MORE };
    while (in.len && seen->result == MEMCACHED_BODY_MORE) {
        struct str part, data;
        ASSERT(str_sub(in, 0, size_min(piece, in.len), &part) && str_from_off(in, part.len, &in));
        while ((seen->result = memcached_parse_body(&v, &part, &data)) == MEMCACHED_BODY_DATA) {
            ASSERT(data.len);
            for (size_t i = 0; i < data.len && seen->bytes + i < SEEN; i++)
                seen->first[seen->bytes + i] = data.at[i];
            seen->bytes += data.len;
        }
        ASSERT(seen->result != MEMCACHED_BODY_MORE || part.len == 0);
        seen->left = part.len + in.len;
    }
    ASSERT(seen->bytes <= (uint64_t)length && v.left == length - (int64_t)seen->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_of(data, size), key, rest;
    struct memcached_answer answer;
    struct seen whole, cut;
    if (!str_cut(all, '\n', &key, &all))
        return 0;
    const enum memcached_head result = memcached_parse_head(all, key, &answer);
    if (result == MEMCACHED_MORE) {
        ASSERT(str_chr(all, '\n') < 0);
        return 0;
    }
    ASSERT(answer.size <= all.len && all.at[answer.size - 1] == '\n');
    ASSERT(answer.line.len < answer.size && str_chr(answer.line, '\n') < 0);
    if (result != MEMCACHED_VALUE)
        return 0;
    ASSERT(str_sub(answer.line, sizeof("VALUE ") - 1, key.len, &rest) && str_eq(rest, key));
    ASSERT(answer.length >= 0 && str_from_off(all, answer.size, &rest));
    read_value(rest, answer.length, SIZE_MAX, &whole);
    for (size_t piece = 1; piece < 10; piece++) {
        read_value(rest, answer.length, piece, &cut);
        ASSERT(cut.bytes == whole.bytes && memcmp(cut.first, whole.first, SEEN) == 0);
        ASSERT(cut.result == whole.result);
        ASSERT(cut.result != MEMCACHED_BODY_END || cut.left == whole.left);
    }
    return 0;
}
