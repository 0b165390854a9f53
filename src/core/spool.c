/*
 * Spools.  Owns the file; the memory belongs to whoever made the bufs.
 */
#include "core/spool.h"

#include <fcntl.h>

static void close_file(void *data)
{
    const struct spool *spool = data;
    if (spool->fd >= 0)
        close(spool->fd);
}

void spool_init(struct spool *spool, struct pool *pool, const struct temp_path *temp,
                size_t memory_most, int64_t file_most)
{
    *spool = (struct spool){ .pool = pool, .temp = temp, .memory_most = memory_most,
                             .file_most = file_most, .fd = -1 };
    chain_init(&spool->memory);
    chain_init(&spool->behind);
}

static bool open_file(struct spool *spool)
{
    if (spool->fd >= 0)
        return true;
    spool->fd = temp_file_open(spool->temp, false, spool->pool, NULL);
    if (spool->fd < 0)
        return false;
    pool_on_free(spool->pool, close_file, spool);
    return true;
}

static bool write_all(struct spool *spool, struct str bytes)
{
    while (bytes.len) {
        const ssize_t n = pwrite(spool->fd, bytes.at, bytes.len, spool->end);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        spool->end += n;
        (void)!str_from_off(bytes, (size_t)n, &bytes);
    }
    return true;
}

/* All of it, or nothing. */
static bool to_file(struct spool *spool, struct chain *data)
{
    const int64_t end = spool->end;
    for (const struct buf *buf = data->first; buf; buf = buf->next) {
        ASSERT(buf->kind != BUF_FILE);
        if (buf->kind == BUF_MEMORY && !write_all(spool, str_of(buf->at, buf->len))) {
            spool->end = end;
            return false;
        }
    }
    chain_consume(data, data->bytes, true);
    return true;
}

static bool is_full(const struct spool *spool)
{
    return spool->memory.bytes >= spool->memory_most && spool->end >= spool->file_most;
}

enum spool_result spool_put(struct spool *spool, struct chain *data)
{
    const bool fits = spool->memory.bytes + data->bytes <= spool->memory_most;
    const bool room = data->bytes > 0 && spool->end + (int64_t)data->bytes <= spool->file_most;
    const bool used = spool->off != spool->end;
    if (!used && (fits || !room)) {
        chain_move(&spool->memory, data);
        return is_full(spool) || !fits ? SPOOL_FULL : SPOOL_OK;
    }
    const bool writable = spool->file_most > 0;
    if (!writable || !open_file(spool) || !to_file(spool, data)) {
        spool->file_most = 0;
        chain_move(used ? &spool->behind : &spool->memory, data);
        return writable ? SPOOL_ERROR : SPOOL_FULL;
    }
    spool->filed = true;
    return spool->end >= spool->file_most ? SPOOL_FULL : SPOOL_OK;
}

void spool_take(struct spool *spool, size_t most, struct chain *out)
{
    if (!chain_empty(&spool->memory)) {
        if (most >= spool->memory.bytes)
            chain_move(out, &spool->memory);
        else
            chain_take(out, &spool->memory, most, spool->pool);
        return;
    }
    const uint64_t left = (uint64_t)(spool->end - spool->off);
    const size_t n = left < most ? (size_t)left : most;
    if (n == 0)
        return;
    chain_add_file(out, spool->pool, spool->fd, spool->off, n);
    spool->off += (int64_t)n;
    if (spool->off == spool->end)
        chain_move(&spool->memory, &spool->behind);
}

void spool_drop(struct spool *spool)
{
    chain_drop(&spool->memory);
    chain_drop(&spool->behind);
    spool->off = spool->end;
}
