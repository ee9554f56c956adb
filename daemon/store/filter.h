/* store/filter.h: which keys a table of LMDB surely does not have.
 *
 * Most commands are about what is new: an id never seen, a pair that never met. To learn from LMDB
 * that a row is absent takes as long as to find one; a Bloom filter says so from one cache line, as
 * all bits of a key lie in one block (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient
 * Bloom Filters", 2007). It may say "maybe" of what is absent, never "no" of what is there.
 *
 * The checkpoint thread adds the keys that it writes, before its commit; the loop asks meanwhile,
 * and what is being added it finds in the frozen overlay. Deleted keys stay until the filter is
 * made anew.
 *
 * Layer: store. Thread: one adds, any number ask. Blocking: no.
 */
#ifndef KITH_STORE_FILTER_H
#define KITH_STORE_FILTER_H

#include "base/types.h"

struct filter;

/* For about @count keys: at 8 bits a key 2 or 3 in a hundred absent ones are "maybe". NULL if
 * memory is short. */
struct filter *filter_create(uint64_t count);
void filter_destroy(struct filter *filter); /* NULL is allowed */

/* @hash: row.h's key_hash(). */
void filter_add(struct filter *filter, uint64_t hash);

/* False: no key with this hash was added. */
bool filter_may_have(const struct filter *filter, uint64_t hash);
/* It will be asked: fetch the cache line. */
void filter_expect(const struct filter *filter, uint64_t hash);

/* More keys were added than it was made for: a new one pays. */
bool filter_is_full(const struct filter *filter);

#endif
