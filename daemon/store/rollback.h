/* store/rollback.h: the way back from a checkpoint of which only parts were committed.
 *
 * A checkpoint that changes many pages is committed in parts, since LMDB holds the pages of one
 * transaction in memory. Between the first part and the last the views are no longer what they were
 * and not yet what they will be. So the first one writes down the heads of the file as it found
 * them, in the table "meta", and who opens views that ended there puts these heads back. Nothing
 * they lead to is missing: a reader held that snapshot all the while, and no page of it was used
 * again. The changes are in the log.
 *
 * Layer: store (internal). Thread: of the transaction. Blocking: rollback_apply() waits for the
 * disk.
 */
#ifndef KITH_STORE_ROLLBACK_H
#define KITH_STORE_ROLLBACK_H

#include "store/env.h"
#include "store/heads.h"

/* Within the first part, before anything of it is committed. False, and nothing is written down,
 * where the heads cannot be had. */
bool rollback_note(struct env_txn *txn, MDB_dbi meta);
/* Within the last one. */
void rollback_forget(struct env_txn *txn, MDB_dbi meta);

/* False if there is none, a damaged one, or one of another file: in a copy pages may have been used
 * again while it was made. */
bool rollback_get(struct env_txn *txn, MDB_dbi meta, struct heads *heads);

/* Put the heads back in the environment in @dir, which this process has closed. KITH_INTERNAL where
 * another process has it open: it may look at pages of a part, and keeps in memory which commit was
 * the last. (Who opens it from here on may keep that as well: see env_is_level().)
 * KITH_UNAVAILABLE if the system refuses. Both with @fault. */
enum kith_err rollback_apply(const char *dir, const struct heads *heads, struct fault *fault);

#endif
