/* store/trickle.h: a large sync in small steps.
 *
 * A checkpoint leaves some hundred megabytes of scattered pages to one fdatasync(). The kernel then
 * hands them to the disk in one go, and whoever syncs a log meanwhile, and is waited for, waits
 * behind all of them: 80 to 110 ms were seen where a commit takes one. So what is to be synced is
 * written out step by step, with a pause as long as the step took behind each, and the sync itself
 * finds nothing left. This is what others call trickle_fsync (Cassandra), bytes_per_sync (RocksDB)
 * or checkpoint_flush_after (PostgreSQL).
 *
 * LMDB calls fdatasync() between the pages and the meta page of a commit, and offers no place to do
 * anything there. So the process has a fdatasync() of its own, which libraries find before libc's;
 * it is libc's for all who have not begun to trickle. Were it not called, checkpoints would be as
 * safe as ever, and as rude: a test looks that it is.
 *
 * Layer: store (internal). Thread: what is begun is begun for the calling thread alone.
 * Blocking: syncs that trickle take up to twice as long, and TRICKLE_PAUSE_MS_MAX more in all at
 * most; 10 ms once there is a hurry.
 */
#ifndef KITH_STORE_TRICKLE_H
#define KITH_STORE_TRICKLE_H

#include <stdatomic.h>

#include "base/types.h"

/* A step is a part of the file: at first small beside what the disk does in a millisecond, larger
 * where little is found, and there are never more steps than so many, however large the file is. */
#define TRICKLE_STEP_SIZE_MIN  ((uint64_t)1024 * 1024)
#define TRICKLE_STEP_COUNT_MAX 4096

#define TRICKLE_PAUSE_MS_MAX 2000 /* in all until the end: on a slow disk more would not help */

#define TRICKLE_WHOLE 1024u

/* From here on each fdatasync() of this thread goes in steps. Both are borrowed until the end.
 * @hurry: true, which may come at any time from any thread: without pauses. @synced: so much of
 * TRICKLE_WHOLE of the file that is synced now, or was last. */
void trickle_begin(const _Atomic bool *hurry, _Atomic unsigned *synced);
/* Returns how many of them there were; *took_ms, if not NULL: how long they took in all. */
unsigned trickle_end(msec_t *took_ms);

#endif
