/* core/recent.h: two members and their pair, as they were read last.
 *
 * A command reads both and what stands between them to decide, and its first event reads them again
 * to change them. To decode three rows costs more than to copy them; so what was read last is kept
 * until something changes.
 *
 * Layer: core. Thread: loop thread only. Blocking: a load may read the disk.
 */
#ifndef KITH_CORE_RECENT_H
#define KITH_CORE_RECENT_H

#include "core/rows/pair.h"
#include "proto/limits.h"

/* A zeroed struct remembers nothing. */
struct recent {
    uint64_t moment;          /* of the views when they were read, and one */
    struct member members[2]; /* both are known */
    struct pair pair;
    uint8_t ids[2][KITH_MEMBER_SIZE_MAX]; /* theirs: whose they were may be gone */
};

/* Load @a and @b, and the pair of them if both are known, else a zeroed one. Slices as with
 * member_load(). */
void recent_load(struct recent *recent, struct views *views, struct slice a, struct slice b,
                 struct member *out_a, struct member *out_b, struct pair *pair);

#endif
