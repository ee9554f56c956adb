/* link.h: a doubly linked list whose links live in its items.
 *
 * Thread: the caller's lock. Allocates nothing.
 */
#ifndef KITH_CLIENT_LINK_H
#define KITH_CLIENT_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"

/* The head of a list, or the place of one item in it. Alone, or empty, it points to itself. */
struct link {
    struct link *prev, *next;
};

#define CONTAINER_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void
link_init(struct link *link)
{
    link->prev = link->next = link;
}

static inline bool
link_is_empty(const struct link *list)
{
    return list->next == list;
}

static inline void
link_append(struct link *list, struct link *item)
{
    assert(link_is_empty(item));
    item->prev = list->prev;
    item->next = list;
    list->prev->next = item;
    list->prev = item;
}

/* Take @item out of whatever list it is in, if any. */
static inline void
link_remove(struct link *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    link_init(item);
}

#endif
