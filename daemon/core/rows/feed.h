/* core/rows/feed.h: where a member's feed is.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_ROWS_FEED_H
#define KITH_CORE_ROWS_FEED_H

#include <xxhash.h>

#include "base/endian.h"
#include "store/feeds.h"

/* A hash of his id: his number would have to be looked up for each event. 128 bits: no two members
 * share one. */
static inline struct feed_key
feed_of(struct slice member)
{
    struct feed_key key;
    XXH128_hash_t hash = XXH3_128bits(member.data, member.size);
    put_be64(key.bytes, hash.high64);
    put_be64(key.bytes + 8, hash.low64);
    return key;
}

#endif
