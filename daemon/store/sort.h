/* store/sort.h: the order in which a checkpoint writes what lies in memory in no order.
 *
 * Each key is sorted by 8 bytes of it as one number, a digit at a time (LSD radix sort), which
 * compares nothing; where keys are the same in these, they go by their next 8. What there is falls
 * into groups that are in order as they are, and only one of them is sorted at a time, for the sake
 * of memory. That is kept from one checkpoint to the next.
 *
 * Layer: store (internal). Thread: one at a time. Blocking: no.
 */
#ifndef KITH_STORE_SORT_H
#define KITH_STORE_SORT_H

#include "store/overlay.h"

struct sort_entry {
    uint64_t word; /* the 8 bytes that are looked at, zeros behind the end of a key */
    uint32_t place;
};

#define SORT_GROUP_COUNT VIEW_TABLE_COUNT

/* Everything by its group, of which one at a time is in order. A zeroed struct is empty. */
struct sort {
    uint32_t *places; /* group by group, has room for `room` */
    size_t room;
    size_t end[SORT_GROUP_COUNT]; /* where each group ends */

    struct sort_entry *entries; /* of one group; has room for twice `capacity` */
    size_t capacity;
};

void sort_fini(struct sort *sort);
/* What is sorted is used no more: keep memory for the next time, unless it is very much. */
void sort_clear(struct sort *sort);

/* The rows of a hash, a group for each table. False if memory is short. */
bool sort_rows(struct sort *sort, const struct hash *hash, const struct arena *arena);
/* Those of one table, by key: entries[0 .. *count), whose places are in the arena. False if memory
 * is short. */
bool sort_rows_of(struct sort *sort, const struct arena *arena, enum view_table table,
                  size_t *count);

/* The entries of feeds, a group for so many of all keys, in their order. False if memory is short.
 */
#define SORT_FEED_GROUPS 16
bool sort_feeds(struct sort *sort, const struct feeds *feeds);
/* Those of one group, by key, then as they were added: entries[0 .. *count), whose places are
 * indexes. False if memory is short. */
bool sort_feeds_of(struct sort *sort, const struct feeds *feeds, unsigned group, size_t *count);

/* How far ahead rows are fetched into the cache: they lie anywhere. */
#define SORT_AHEAD_COUNT 16

#endif
