/*
 * A slab: an allocator inside a piece of memory that processes share, as in a zone.
 *
 *     struct slab | struct slab_page, one a page ... | page | page | page | page | ...
 *                   [ 48 bytes each: bits ] [ run of 2 ]      [ free run of 3 ]
 *
 * Small things come from pages of one size class, with a bit for each place; what is larger than
 * half a page is a run of pages.  All bookkeeping stands apart from the things, and is checked when
 * it is used: what is freed twice, or was never here, ends the process (and with it its lock).
 *
 * The memory lies at one address in every process.  Whoever calls holds the lock.
 */
#ifndef CORE_SLAB_H
#define CORE_SLAB_H

#include "core/base.h"

enum { SLAB_PAGE = 4096, SLAB_CLASSES = 21, SLAB_BITS = SLAB_PAGE / 16 / 64 };

struct slab_page;

struct slab_class {
    uint32_t first;                     /* page with room; SLAB_NONE: there is none */
    uint32_t pages;
    uint64_t used, requests, failures;  /* things that are; ever asked for; not given */
};

struct slab {
    char *base;                         /* of the pages */
    struct slab_page *pages;
    uint32_t npages, free_pages;
    uint32_t first_free;                /* of the list of free runs */
    struct slab_class classes[SLAB_CLASSES + 1];        /* the last: runs */
};

struct slab_stats {
    size_t pages, free_pages;
    struct slab_size {
        size_t size;                    /* 0: runs */
        uint64_t used, total, requests, failures;       /* total: places; of runs: pages */
    } sizes[SLAB_CLASSES + 1];
};

/* Makes a slab of `size` bytes, whatever they contain; it begins at `at`, which is aligned to 64.
 * NULL: too small for one page. */
struct slab *slab_init(void *at, size_t size);

/* Zeroed, aligned to 16.  NULL: full. */
WARN_UNUSED void *slab_alloc(struct slab *slab, size_t size);
void slab_free(struct slab *slab, void *at);

/* Whether `size` bytes there lie inside its pages. */
static inline bool slab_holds(const struct slab *slab, const void *at, size_t size)
{
    const size_t offset = (uintptr_t)at - (uintptr_t)slab->base;
    const size_t all = (size_t)slab->npages * SLAB_PAGE;
    return offset < all && size <= all - offset;
}

void slab_stats(const struct slab *slab, struct slab_stats *out);

#endif
