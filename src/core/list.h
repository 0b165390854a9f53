/*
 * A list whose links lie inside its members, so that joining and leaving never allocate.
 *
 *     struct list <-> link <-> link <-> link <-> (back to the list)
 *                     in a conn ...               container_of() gives the conn
 *
 * A link that is all zeros, or that has left, is in no list: leaving twice is harmless.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include "core/base.h"

struct list_link {
    struct list_link *next, *prev;
};

struct list {
    struct list_link end;               /* its next is the first, its prev the last */
};

static inline void list_init(struct list *list)
{
    list->end.next = list->end.prev = &list->end;
}

static inline bool list_empty(const struct list *list)
{
    return list->end.next == &list->end;
}

static inline bool list_linked(const struct list_link *link)
{
    return link->next != NULL;
}

static inline void list_insert_before(struct list_link *place, struct list_link *link)
{
    ASSERT(!list_linked(link));
    link->next = place;
    link->prev = place->prev;
    place->prev->next = link;
    place->prev = link;
}

static inline void list_push(struct list *list, struct list_link *link)
{
    list_insert_before(&list->end, link);
}

static inline void list_push_front(struct list *list, struct list_link *link)
{
    list_insert_before(list->end.next, link);
}

static inline void list_remove(struct list_link *link)
{
    if (!list_linked(link))
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* NULL: there is none. */
static inline struct list_link *list_first(const struct list *list)
{
    return list_empty(list) ? NULL : list->end.next;
}

static inline struct list_link *list_last(const struct list *list)
{
    return list_empty(list) ? NULL : list->end.prev;
}

static inline struct list_link *list_next(const struct list *list, const struct list_link *link)
{
    return link->next == &list->end ? NULL : link->next;
}

static inline struct list_link *list_pop(struct list *list)
{
    struct list_link *link = list_first(list);
    if (link)
        list_remove(link);
    return link;
}

/* Everything of `from` to the end of `list`. */
static inline void list_append(struct list *list, struct list *from)
{
    if (list_empty(from))
        return;
    from->end.next->prev = list->end.prev;
    list->end.prev->next = from->end.next;
    from->end.prev->next = &list->end;
    list->end.prev = from->end.prev;
    list_init(from);
}

/* `link` may leave its list, or be freed, in the body; the one behind it may not. */
#define list_each(list, link) \
    for (struct list_link *link = (list)->end.next, *link##_next = link->next; \
         link != &(list)->end; link = link##_next, link##_next = link->next)

#endif
