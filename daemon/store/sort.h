/* store/sort.h: the order in which a checkpoint writes what lies in memory in no order.
 *
 * Each key is sorted by 8 bytes of it as one number, a digit at a time (LSD radix sort), which
 * compares nothing; where keys are the same in these, they go by their next 8. The memory for it is
 * kept from one checkpoint to the next.
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

/* A zeroed struct is empty. */
struct sort {
    struct sort_entry *entries, *spare; /* each has room for `capacity` */
    size_t capacity;
    size_t end[VIEW_TABLE_COUNT]; /* of sort_rows(): where the rows of each table end */
};

void sort_fini(struct sort *sort);
/* What is sorted is used no more: keep memory for the next time, unless it is very much. */
void sort_clear(struct sort *sort);

/* All rows of a hash, by table, then by key: entries[].place is in the arena. False if memory is
 * short. */
bool sort_rows(struct sort *sort, const struct hash *hash, const struct arena *arena);

/* All entries of feeds, by key, then as they were added: entries[].place is an index. False if
 * memory is short. */
bool sort_feeds(struct sort *sort, const struct feeds *feeds);

/* How far ahead rows are fetched into the cache: they lie anywhere. */
#define SORT_AHEAD_COUNT 16

#endif
