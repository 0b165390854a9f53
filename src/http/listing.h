/*
 * The listing of a folder as a text, and its entries in the order in which they are shown.
 *
 *     names as they come --listing_push--> heap --listing_pop--> folders first, then by bytes
 *     listing_begin, listing_add ..., listing_end            --> HTML, JSON, JSONP or XML
 *
 * A heap, so that neither reading nor writing a large folder has a long step.
 */
#ifndef HTTP_LISTING_H
#define HTTP_LISTING_H

#include "core/fmt.h"

enum listing_format { LISTING_HTML, LISTING_JSON, LISTING_JSONP, LISTING_XML };

enum listing_kind { LISTING_FOLDER, LISTING_FILE, LISTING_OTHER };

struct listing_entry {
    struct str name;
    enum listing_kind kind;
    int64_t time;
    int offset;                         /* of the time that HTML shows, in seconds */
    int64_t size;
};

struct listing_style {
    enum listing_format format;
    bool exact;                         /* sizes in bytes */
    bool utf8;                          /* names are counted and cut by characters */
    struct str path;                    /* for the title */
    struct str callback;                /* JSONP */
};

/* All zeros is an empty heap. */
struct listing_heap {
    struct listing_entry **at;
    size_t count, room;
};

/* Bytes of a name (more than common file systems have), and of what one entry makes. */
enum { LISTING_NAME_MOST = 1024, LISTING_ENTRY_MOST = 8192 };

/* False: no memory. */
WARN_UNUSED bool listing_push(struct listing_heap *heap, struct listing_entry *entry);
/* NULL: it is empty. */
struct listing_entry *listing_pop(struct listing_heap *heap);
void listing_free(struct listing_heap *heap);           /* its slots */

void listing_begin(struct fmt *f, const struct listing_style *style);
void listing_add(struct fmt *f, const struct listing_style *style,
                 const struct listing_entry *entry, bool first);
void listing_end(struct fmt *f, const struct listing_style *style, bool empty);

/* Letters, digits, "_" and "." only. */
bool listing_is_callback(struct str name);

#endif
