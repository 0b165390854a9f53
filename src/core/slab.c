/*
 * The allocator of shared zones: size classes with bitmaps, runs of pages.
 * Owns nothing: the memory is its caller's.
 */
#include "core/slab.h"

enum { SLAB_NONE = UINT32_MAX, RUNS = SLAB_CLASSES };

enum page_kind { PAGE_FREE, PAGE_THINGS, PAGE_RUN, PAGE_REST };

struct slab_page {
    uint64_t taken[SLAB_BITS];          /* of things; bits behind the last place are set */
    uint32_t next, prev;                /* of its class with room, or of free runs */
    uint32_t length;                    /* of a run: in its first page, of a free one in its last */
    uint16_t used;
    uint8_t kind, class;
};

/* Each fills a page as well as a multiple of 16 can. */
static const uint16_t class_sizes[SLAB_CLASSES] = {
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 672, 816, 1024, 1360,
    2048,
};

static unsigned places(unsigned class)
{
    return SLAB_PAGE / class_sizes[class];
}

static struct slab_page *page_at(struct slab *slab, uint32_t index)
{
    ASSERT(index < slab->npages);
    return &slab->pages[index];
}

/* --- lists ------------------------------------------------------------------------------------ */

static void link_page(struct slab *slab, uint32_t *first, uint32_t index)
{
    struct slab_page *page = page_at(slab, index);
    page->next = *first;
    page->prev = SLAB_NONE;
    if (*first != SLAB_NONE)
        page_at(slab, *first)->prev = index;
    *first = index;
}

static void unlink_page(struct slab *slab, uint32_t *first, uint32_t index)
{
    const struct slab_page *page = page_at(slab, index);
    uint32_t *before = page->prev == SLAB_NONE ? first : &page_at(slab, page->prev)->next;
    ASSERT(*before == index);
    *before = page->next;
    if (page->next != SLAB_NONE) {
        ASSERT(page_at(slab, page->next)->prev == index);
        page_at(slab, page->next)->prev = page->prev;
    }
}

/* --- runs ------------------------------------------------------------------------------------- */

static void set_free(struct slab *slab, uint32_t first, uint32_t length)
{
    page_at(slab, first)->length = length;
    page_at(slab, first + length - 1)->length = length;
}

/* From the end of the first free run that is long enough. */
static uint32_t take_run(struct slab *slab, uint32_t length, enum page_kind kind)
{
    uint32_t first = slab->first_free;
    while (first != SLAB_NONE && slab->pages[first].length < length)
        first = page_at(slab, first)->next;
    if (first == SLAB_NONE)
        return SLAB_NONE;
    const struct slab_page *page = page_at(slab, first);
    ASSERT(page->kind == PAGE_FREE && page->length <= slab->free_pages);
    const uint32_t left = page->length - length;
    if (left)
        set_free(slab, first, left);
    else
        unlink_page(slab, &slab->first_free, first);
    for (uint32_t i = 0; i < length; i++)
        page_at(slab, first + left + i)->kind = (uint8_t)(i ? PAGE_REST : kind);
    page_at(slab, first + left)->length = length;
    slab->free_pages -= length;
    return first + left;
}

/* Joins the free runs on both sides. */
static void give_run(struct slab *slab, uint32_t first, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        page_at(slab, first + i)->kind = PAGE_FREE;
    slab->free_pages += length;
    const uint32_t behind = first + length;
    if (behind < slab->npages && page_at(slab, behind)->kind == PAGE_FREE) {
        unlink_page(slab, &slab->first_free, behind);
        length += page_at(slab, behind)->length;
    }
    if (first > 0 && page_at(slab, first - 1)->kind == PAGE_FREE) {
        const uint32_t before = page_at(slab, first - 1)->length;
        ASSERT(before > 0 && before <= first && page_at(slab, first - before)->length == before);
        first -= before;
        length += before;
    } else
        link_page(slab, &slab->first_free, first);
    set_free(slab, first, length);
}

/* --- things ----------------------------------------------------------------------------------- */

static bool new_page(struct slab *slab, unsigned class)
{
    const uint32_t index = take_run(slab, 1, PAGE_THINGS);
    if (index == SLAB_NONE)
        return false;
    struct slab_page *page = page_at(slab, index);
    page->class = (uint8_t)class;
    page->used = 0;
    for (unsigned i = 0; i < SLAB_BITS; i++) {
        const unsigned before = i * 64, all = places(class);
        page->taken[i] = before >= all ? UINT64_MAX
                         : all - before >= 64 ? 0 : UINT64_MAX << (all - before);
    }
    link_page(slab, &slab->classes[class].first, index);
    slab->classes[class].pages++;
    return true;
}

static char *take_place(struct slab *slab, unsigned class)
{
    const uint32_t index = slab->classes[class].first;
    struct slab_page *page = page_at(slab, index);
    unsigned word = 0;
    ASSERT(page->kind == PAGE_THINGS && page->class == class);
    while (word < SLAB_BITS && page->taken[word] == UINT64_MAX)
        word++;
    ASSERT(word < SLAB_BITS);
    const unsigned bit = (unsigned)__builtin_ctzll(~page->taken[word]);
    page->taken[word] |= UINT64_C(1) << bit;
    if (++page->used == places(class))
        unlink_page(slab, &slab->classes[class].first, index);
    return slab->base + (size_t)index * SLAB_PAGE + (size_t)(word * 64 + bit) * class_sizes[class];
}

static void give_place(struct slab *slab, uint32_t index, size_t offset)
{
    struct slab_page *page = page_at(slab, index);
    ASSERT(page->class < SLAB_CLASSES);
    struct slab_class *class = &slab->classes[page->class];
    const size_t size = class_sizes[page->class], place = offset / size;
    ASSERT(offset % size == 0 && place < places(page->class));
    ASSERT(page->taken[place / 64] >> (place % 64) & 1);
    ASSERT(page->used > 0 && class->used > 0);
    const bool was_full = page->used == places(page->class);
    page->taken[place / 64] &= ~(UINT64_C(1) << (place % 64));
    class->used--;
    page->used--;
    if (was_full)
        link_page(slab, &class->first, index);
    if (page->used > 0)
        return;
    unlink_page(slab, &class->first, index);
    class->pages--;
    give_run(slab, index, 1);
}

/* --- in and out ------------------------------------------------------------------------------- */

struct slab *slab_init(void *at, size_t size)
{
    const size_t head = (sizeof(struct slab) + 63) / 64 * 64;
    struct slab *slab = at;
    if (size < head + 64 + SLAB_PAGE + sizeof(struct slab_page))
        return NULL;
    size_t n = (size - head - 64) / (SLAB_PAGE + sizeof(struct slab_page));
    n = size_min(n, SLAB_NONE - 1);
    const size_t bookkeeping = (n * sizeof(struct slab_page) + 63) / 64 * 64;
    memset(at, 0, head + bookkeeping);
    slab->pages = (struct slab_page *)(void *)((char *)at + head);
    slab->base = (char *)at + head + bookkeeping;
    slab->npages = (uint32_t)n;
    slab->first_free = SLAB_NONE;
    for (unsigned i = 0; i < SLAB_CLASSES; i++)
        slab->classes[i].first = SLAB_NONE;
    give_run(slab, 0, slab->npages);
    return slab;
}

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (class < SLAB_CLASSES && class_sizes[class] < size)
        class++;
    return class;
}

static char *alloc_run(struct slab *slab, size_t size)
{
    const size_t pages = size / SLAB_PAGE + (size % SLAB_PAGE != 0);
    const uint32_t first = pages > slab->free_pages ? SLAB_NONE
                           : take_run(slab, (uint32_t)pages, PAGE_RUN);
    if (first == SLAB_NONE)
        return NULL;
    slab->classes[RUNS].pages += (uint32_t)pages;
    return slab->base + (size_t)first * SLAB_PAGE;
}

void *slab_alloc(struct slab *slab, size_t size)
{
    struct slab_class *class = &slab->classes[class_of(size)];
    const bool run = class == &slab->classes[RUNS];
    char *at = NULL;
    class->requests++;
    if (run)
        at = alloc_run(slab, size);
    else if (class->first != SLAB_NONE || new_page(slab, class_of(size)))
        at = take_place(slab, class_of(size));
    if (!at) {
        class->failures++;
        return NULL;
    }
    class->used++;
    return memset(at, 0, size);
}

void slab_free(struct slab *slab, void *at)
{
    ASSERT(slab_holds(slab, at, 1));
    const size_t offset = (size_t)((char *)at - slab->base);
    const uint32_t index = (uint32_t)(offset / SLAB_PAGE);
    const struct slab_page *page = page_at(slab, index);
    if (page->kind == PAGE_THINGS) {
        give_place(slab, index, offset % SLAB_PAGE);
        return;
    }
    ASSERT(page->kind == PAGE_RUN && offset % SLAB_PAGE == 0);
    ASSERT(page->length > 0 && page->length <= slab->npages - index);
    slab->classes[RUNS].used--;
    slab->classes[RUNS].pages -= page->length;
    give_run(slab, index, page->length);
}

void slab_stats(const struct slab *slab, struct slab_stats *out)
{
    *out = (struct slab_stats){ .pages = slab->npages, .free_pages = slab->free_pages };
    for (unsigned i = 0; i <= SLAB_CLASSES; i++) {
        const struct slab_class *class = &slab->classes[i];
        const bool run = i == RUNS;
        out->sizes[i] = (struct slab_size){
            .size = run ? 0 : class_sizes[i],
            .used = class->used,
            .total = (uint64_t)class->pages * (run ? 1 : places(i)),
            .requests = class->requests,
            .failures = class->failures,
        };
    }
}
