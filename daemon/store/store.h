/* store/store.h: the data directory: log, views, keys, and the batch that binds them.
 *
 *     DATA/LOCK             flock: one process at a time
 *     DATA/secrets          see secrets.h
 *     DATA/log/data.mdb     events, keys, state, format and epoch: the truth
 *     DATA/views/data.mdb   derived; may be deleted while stopped
 *
 * Layer:    store.
 * Thread:   loop thread only; a thread inside writes checkpoints, and another sealed batches.
 * Blocking: store_end() waits for the disk: one write transaction with full sync a batch.
 *           store_settle() waits for the thread that does the same.
 */
#ifndef KITH_STORE_STORE_H
#define KITH_STORE_STORE_H

#include "base/fault.h"
#include "store/keys.h"
#include "store/log.h"
#include "store/secrets.h"
#include "store/state.h"
#include "store/views.h"

#define STORE_FORMAT 1

struct store;

struct store_options {
    const char *dir;            /* made with mode 0700 if missing */
    uint64_t map_size;          /* address space for each environment, bytes; 0: 1 TiB */
    uint64_t overlay_size;      /* memory for changes not yet checkpointed, bytes; 0: 320 MiB */
    uint64_t checkpoint_events; /* 0: 350 000 */
    msec_t checkpoint_ms;       /* 0: 5000 */
    uint64_t checkpoint_memory; /* of pages changed at once, bytes; 0: 32 MiB */
    uint64_t checked_rows;      /* views of so many rows are all read at a start; 0: 1 000 000 */
    uint32_t rows_version;      /* what the rows mean; views of another version are dropped */
};

/* Open or make a data directory and take its lock. Views that are missing, damaged, of another
 * format, from another epoch, or not on the log's chain, are dropped and begin empty; where they
 * are ahead of their own log, it has lost something. The caller then replays the log behind
 * views_applied() before anything else.
 *
 * Returns KITH_OK with *out owned by the caller; else an error with @fault: KITH_INTERNAL if the
 * log is damaged or lost; KITH_UNAVAILABLE if another process has the lock, the format is newer,
 * the secrets are missing, the disk refuses. */
enum kith_err store_open(struct store **out, const struct store_options *options,
                         struct fault *fault);

/* Checkpoint, then close and release the lock. NULL is allowed. */
void store_close(struct store *store);

/* Take the lock of a data directory and nothing else, for who looks at it while no daemon runs.
 * KITH_UNAVAILABLE with @fault where another process has it, or, with *fd of -1, where the system
 * refuses. *fd is the caller's to close, on failure too if it is not -1. */
enum kith_err store_lock(const char *dir, int *fd, struct fault *fault);

/* The process that has signed the lock behind @fd; 0 if that cannot be read. */
long store_lock_owner(int fd);

struct log *store_log(struct store *store);
struct views *store_views(struct store *store);
struct keys *store_keys(struct store *store);
struct state *store_state(struct store *store);
const struct secrets *store_secrets(const struct store *store);

/* Begin a batch, and with it a unit of change of the views. Between begin and end, log_append,
 * views_put, keys_put and state_put gather in memory. The views must be applied up to the log's
 * end. */
void store_begin(struct store *store);

/* End the batch: one durable transaction for what was appended, none if nothing was.
 *
 * KITH_OK           everything is on disk.
 * KITH_UNAVAILABLE  nothing is: the disk or the map is full, memory ran out, or the views were
 *                   found damaged (views_error() then says so); all is undone and the store goes
 *                   on working. @fault says which.
 * KITH_INTERNAL     the disk failed in a way that leaves it open what is durable: the process must
 *                   exit now, and the next start finds out. */
enum kith_err store_end(struct store *store, struct fault *fault);

/* Undo the batch instead. */
void store_abort(struct store *store);

/* End the batch in two steps, so that the next one can be open while the disk works: seal it, and
 * settle it once it is written, or earlier and wait. The next batch sees what the sealed one did,
 * and nothing of either may be told before the sealed one is settled. One batch is sealed at a
 * time.
 *
 * store_may_seal()  false where there is nothing to write, or something that only store_end() can.
 * store_seal()      KITH_OK, or KITH_UNAVAILABLE as of store_end(), and then all is undone.
 * store_settle()    as store_end(); if it fails, the batch that is open is undone and ended, too.
 */
bool store_may_seal(const struct store *store);
enum kith_err store_seal(struct store *store, struct fault *fault);
bool store_is_sealed(const struct store *store);
bool store_is_written(struct store *store); /* store_settle() will not wait */
enum kith_err store_settle(struct store *store, struct fault *fault);

/* Readable when a sealed batch is written, or was not (an eventfd; store_settle() drains it). */
int store_fd(const struct store *store);

/* Drop the views and begin them empty (after views_error() said KITH_INTERNAL); the caller
 * replays the log. Not within a batch. */
enum kith_err store_reset_views(struct store *store, struct fault *fault);

/* Others may read the files while we write them. Give back the slots of those that have died, so
 * that the pages that they were reading are used again. Cheap enough for every second. Returns how
 * many there were. */
unsigned store_reap_readers(struct store *store);

struct store_stats {
    uint64_t log_size, views_size; /* bytes of the files on disk */
    uint64_t disk_free;            /* bytes free to us on the file system of DATA */
    uint64_t commits, commit_failures;
    uint64_t commit_last_us;
};
void store_stats(const struct store *store, struct store_stats *out);

#endif
