/*
 * Fuzz target: choosing an encoding.  What is picked was offered, and is picked as well when others
 * are not offered; when nothing is picked of all, none is alone.
 * Owns the pool of one input.
 *
 *     a byte: what is offered; one field a line
 */
#include "http/accept.h"
#include "http/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fields in = { 0 };
    struct pool pool;
    if (size < 1 || size > 4096)
        return 0;
    pool_init(&pool, &pool_heap);
    for (struct str rest = str_of(data + 1, size - 1), line; rest.len;) {
        str_cut(rest, '\n', &line, &rest);
        fields_add(&in, &pool, STR("Accept-Encoding"), line);
        const int named = accept_quality_named(line, STR("br"));
        const int quality = accept_quality(line, STR("br"));
        ASSERT(named >= ACCEPT_NOT_NAMED && named <= 1000 && quality >= named);
        ASSERT(named == ACCEPT_NOT_NAMED || quality == named);
    }
    const unsigned offered = data[0] % (1u << ENCODINGS);
    const enum encoding e = encoding_pick(&in, offered);
    ASSERT(e == ENCODING_NONE || offered & 1u << e);
    if (e != ENCODING_NONE) {
        ASSERT(encoding_pick(&in, 1u << e) == e);
        for (enum encoding other = 0; other < ENCODINGS; other++)
            if (other != e)
                ASSERT(encoding_pick(&in, offered & ~(1u << other)) == e);
    } else
        for (enum encoding other = 0; other < ENCODINGS; other++)
            ASSERT(encoding_pick(&in, offered & 1u << other) == ENCODING_NONE);
    ASSERT(encoding_pick(&in, 0) == ENCODING_NONE);
    pool_free(&pool);
    return 0;
}
