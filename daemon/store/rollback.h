/* store/rollback.h: the way back from a checkpoint of which only parts were committed.
 *
 * A checkpoint that changes many pages is committed in parts, since LMDB holds the pages of one
 * transaction in memory. Between the first part and the last the views are no longer what they were
 * and not yet what they will be; and parts are not synced, so that behind a power cut the file may
 * be anything. So before the first one the heads of the file are written down in a file beside it,
 * and a start that finds that puts them back. Nothing they lead to is missing: a reader held their
 * snapshot all the while, and no page of it was used again. The changes are in the log.
 *
 * The file is gone, durably, before the reader moves on and pages are used again.
 *
 * Layer: store (internal). Thread: any, one at a time. Blocking: waits for the disk.
 */
#ifndef KITH_STORE_ROLLBACK_H
#define KITH_STORE_ROLLBACK_H

#include "store/env.h"

#define ROLLBACK_NAME "rollback" /* of the file, beside data.mdb */

/* Before the first part. 0, or an errno: then nothing may be committed in parts. */
int rollback_note(const struct env *env);
/* Behind the last one. 0, or an errno: then the checkpoint is not done. */
int rollback_forget(const char *dir);

/* Where it cannot be known, true. */
bool rollback_exists(const char *dir);

/* Before the environment in @dir is opened: go back, if there is something to go back from.
 * KITH_INTERNAL if there is no way, and the views are of no use: it is damaged, or one of another
 * file, for in a copy pages may have been used again while it was made; or another process has the
 * environment open, may look at pages of a part, and keeps in memory which commit was the last.
 * (Who opens it from here on may keep that as well: see env_is_level().) KITH_UNAVAILABLE if the
 * system refuses. Both with @fault. */
enum kith_err rollback_apply(const char *dir, struct fault *fault);

#endif
