/* store/throttle.h: how fast changes may come in while a checkpoint is written.
 *
 * Where more come in than a checkpoint writes, the memory for them is used up before it is done,
 * and whoever asks then would have to wait for its end, for seconds where there are many millions
 * of rows. So what comes in is slowed down from the beginning, to what the checkpoint gets done: at
 * any time as much of the memory may be used as there is done of it, and both meet at its end.
 * Where it writes faster than they come, as for most it always does, nothing is. (What RocksDB
 * calls a delayed write rate, in place of write stalls.)
 *
 * Layer: store (internal). Pure.
 */
#ifndef KITH_STORE_THROTTLE_H
#define KITH_STORE_THROTTLE_H

#include "base/types.h"

#define THROTTLE_FREE_SHARE 4 /* a quarter of the room is free at once: a burst is not slowed */

/* A checkpoint writes its rows, then syncs them: what the latter has of its time, 0 to 1, before
 * any was seen. */
#define THROTTLE_SYNC_SHARE_FIRST 0.5

/* The same once another was seen to take @took_ms, @sync_ms of them for its sync. */
double throttle_sync_share(double before, msec_t sync_ms, msec_t took_ms);

/* What is done of a checkpoint, 0 to 1, that has written @rows of @rows_all, and synced so much (0
 * to 1) of what it wrote. */
double throttle_done(uint64_t rows, uint64_t rows_all, double synced, double sync_share);

/* How many bytes of changes may have come in since a checkpoint began of which so much is @done,
 * where there is memory for @room in all. */
uint64_t throttle_limit(uint64_t room, double done);

#endif
