/*
 * Fuzz target: the Range field.  Ranges lie in the file, are no more bytes than it has, and are
 * the same when they are written and read again.
 * Owns the pool of one input.
 *
 *     size "\n" most "\n" field           both numbers in decimal
 */
#include "http/range.h"

#include "core/fmt.h"
#include "core/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str write_field(const struct range *ranges, unsigned count, struct pool *pool)
{
    struct fmt f;
    fmt_init_pool(&f, pool, 64, SIZE_MAX / 2);
    for (unsigned i = 0; i < count; i++) {
        fmt_text(&f, i ? "," : "bytes=");
        fmt_i64(&f, ranges[i].from);
        fmt_char(&f, '-');
        fmt_i64(&f, ranges[i].to - 1);
    }
    return fmt_done(&f);
}

static void check(struct str value, int64_t size, unsigned most, struct pool *pool)
{
    struct range *ranges, *again;
    unsigned count, count_again;
    int64_t left = size;
    if (range_parse(value, size, most, pool, &ranges, &count) != RANGE_OK)
        return;
    ASSERT(count > 0 && count <= most);
    for (unsigned i = 0; i < count; i++) {
        ASSERT(ranges[i].from >= 0 && ranges[i].from < ranges[i].to && ranges[i].to <= size);
        left -= ranges[i].to - ranges[i].from;
        ASSERT(left >= 0);
    }
    const struct str field = write_field(ranges, count, pool);
    ASSERT(range_parse(field, size, count, pool, &again, &count_again) == RANGE_OK);
    ASSERT(count_again == count && memcmp(again, ranges, count * sizeof(*ranges)) == 0);
    ASSERT(range_parse(field, size, count - 1, pool, &again, &count_again) == RANGE_IGNORE);
}

static void check_content(struct str value)
{
    struct range range;
    int64_t size;
    if (range_parse_content(value, &range, &size)) {
        ASSERT(range.from >= 0 && range.from < range.to);
        ASSERT(size == -1 || range.to <= size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of(data, size), line;
    struct pool pool;
    int64_t file_size;
    uint32_t most;
    if (!str_cut(rest, '\n', &line, &rest) || !number_i64(line, &file_size) ||
        !str_cut(rest, '\n', &line, &rest) || !number_u32(line, &most))
        return 0;
    pool_init(&pool, &pool_heap);
    check(rest, file_size, most, &pool);
    check_content(rest);
    pool_free(&pool);
    return 0;
}
