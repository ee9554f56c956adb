/* store/throttle.h: how fast changes may come in while a checkpoint is written.
 *
 * Where more come in than a checkpoint writes, the memory for them is used up before it is done,
 * and whoever asks then would have to wait for its end, for seconds where there are many millions
 * of rows. So what comes in is slowed down from the beginning, to what the checkpoint before wrote
 * in as much time: both are to meet at the end. Where it writes faster than they come, as for most
 * it always does, nothing is. (What RocksDB calls a delayed write rate, in place of write stalls.)
 *
 * Layer: store (internal). Pure.
 */
#ifndef KITH_STORE_THROTTLE_H
#define KITH_STORE_THROTTLE_H

#include "base/types.h"

#define THROTTLE_FREE_SHARE 4 /* a quarter of the room is free at once: a burst is not slowed */

/* How long the last checkpoint took, and of what size it was; zeroed: nothing is known yet. Nor is
 * it of one that is several times as large. */
struct throttle {
    uint64_t size; /* bytes of the overlay */
    msec_t took_ms;
};

/* How many bytes of changes may have come in since a checkpoint of @size began, @elapsed_ms (0 or
 * more) ago, where there is memory for @room in all. */
uint64_t throttle_limit(const struct throttle *last, uint64_t size, uint64_t room,
                        msec_t elapsed_ms);

#endif
