/* app/wakes.h: who waits for what: from a key to all that wait under it.
 *
 * A key is 64 bits, made by hashing (core/wake.h). All nodes of one key are a list, and only its
 * first is in the table: so finding a key costs the same however many wait under it, or under
 * others.
 *
 * Layer: app. Thread: loop thread only. Blocking: no.
 */
#ifndef KITH_APP_WAKES_H
#define KITH_APP_WAKES_H

#include "base/types.h"

struct parked_query;

/* Embedded by who waits. */
struct wakes_node {
    uint64_t key;
    struct parked_query *query;
    struct wakes_node *next, *prev; /* of the same key; prev is NULL of the first */
    struct wakes_node *chained;     /* of the first: the next key in this place of the table */
};

struct wakes {
    struct wakes_node **table;
    uint32_t key_count, mask;
};

void wakes_fini(struct wakes *wakes); /* a zeroed struct is allowed, and empty */

/* Make room for @count more keys; false, and nothing changed, if memory is short. */
bool wakes_reserve(struct wakes *wakes, uint32_t count);

/* Let go of a table that has become far too large. */
void wakes_shrink(struct wakes *wakes);

/* Add a node, whose key and query are set; there is room. @node: borrowed until wakes_del. */
void wakes_add(struct wakes *wakes, struct wakes_node *node);
void wakes_del(struct wakes *wakes, struct wakes_node *node);

/* The first node under @key, or NULL. */
struct wakes_node *wakes_find(const struct wakes *wakes, uint64_t key);

#endif
