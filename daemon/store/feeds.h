/* store/feeds.h: lists that only grow, of what happened since a freeze.
 *
 * A feed is an array of sequences under a key. Adding one costs an entry behind the last, whatever
 * the feed; nothing is read from disk. Who asks for a feed has chains made of what was added since
 * somebody last asked, a chain for each feed: so where nobody asks, nothing is spent on it. What is
 * older is in LMDB, where the checkpoint puts the entries of each feed behind its last row.
 *
 * On disk a feed is cut into chunks. The row of the last one, which grows, is under the key alone
 * and also has the length: so any place is found by one or two looks, and what the rows are does
 * not depend on when they were written.
 *
 * Layer: store. Thread: one at a time; while one asks, another may read the entries of frozen ones.
 * Blocking: no.
 */
#ifndef KITH_STORE_FEEDS_H
#define KITH_STORE_FEEDS_H

#include "base/types.h"

#define FEED_KEY_SIZE 16

/* Large enough that a row's own cost is shared by many, small enough to be written often. */
#define FEED_CHUNK_COUNT 32

#define FEED_ITEM_SIZE      8
#define FEED_CHUNK_SIZE     (FEED_CHUNK_COUNT * FEED_ITEM_SIZE)
#define FEED_CHUNK_KEY_SIZE (FEED_KEY_SIZE + 4) /* the key, and the number of a whole chunk */

/* Made by hashing: any bytes of it are as good as others. */
struct feed_key {
    uint8_t bytes[FEED_KEY_SIZE];
};

struct feed_entry {
    struct feed_key key;
    seq_t seq;
};

/* Open for the checkpoint: entries[0 .. count) in the order of their sequences. */
struct feeds {
    struct feed_entry *entries;
    uint32_t count, capacity;

    /* Chains of the first @linked; a place counts from 1, and 0 is none. */
    uint32_t *heads;   /* the last place of each chain; NULL, or mask + 1 of them */
    uint32_t *earlier; /* the place before in its chain, of each; mask + 1 of them */
    uint32_t linked, mask;
};

void feeds_fini(struct feeds *feeds); /* a zeroed struct is allowed, and empty */
/* Forget all entries. Keeps the memory, but halves what was mostly unused. */
void feeds_clear(struct feeds *feeds);

/* False, and nothing changed, if memory is short. */
bool feeds_append(struct feeds *feeds, const struct feed_key *key, seq_t seq);

/* How many entries there are under @key. */
uint32_t feeds_count(struct feeds *feeds, const struct feed_key *key);

/* The entries under @key but for the first @skip, at most @count_max, in order. Returns how many.
 */
uint32_t feeds_read(struct feeds *feeds, const struct feed_key *key, uint64_t skip, seq_t *out,
                    uint32_t count_max);

/* Back to when there were @count entries. */
void feeds_cut(struct feeds *feeds, uint32_t count);

size_t feeds_size(const struct feeds *feeds);

#endif
