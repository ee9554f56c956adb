/* store/views.h: everything derived from the log, as sorted key-value tables.
 *
 * Three levels, looked at in this order:
 *   active    the changes since the last freeze, in memory: point rows in a hash, list rows in a
 *             small ordered structure;
 *   frozen    the changes that the checkpoint thread is writing now; read-only;
 *   LMDB      DATA/views/data.mdb, as of the last finished checkpoint.
 * A value is absolute, never a delta; a delete is a tombstone until it is checkpointed. The
 * sequence up to which the log is applied is written together with what was applied, so that a
 * start replays exactly what is missing. Nothing here is synced per batch: the log is the truth.
 *
 * In LMDB a value ends with 4 bytes of XXH3 over key and value, checked at each read; each table
 * keeps a row count and the sum of its rows' hashes.
 *
 * Errors are sticky: after a damaged row or a failed read every get is empty, and views_error()
 * says so. The app then drops the views and rebuilds them from the log. Where memory ran out, only
 * the unit of change is lost: its further changes are ignored, reading goes on.
 *
 * Layer:    store.
 * Thread:   loop thread only; the checkpoint thread is inside.
 * Blocking: reads may wait for the disk; views_wait() and views_checkpoint() wait for a checkpoint.
 */
#ifndef KITH_STORE_VIEWS_H
#define KITH_STORE_VIEWS_H

#include "base/buf.h"
#include "base/fault.h"
#include "base/types.h"
#include "proto/error.h"
#include "store/feeds.h"
#include "store/tables.h"

struct views; /* part of struct store */

/* The value of @key, or an absent slice. Borrowed until the next views_put or views_del of the
 * same row, or the end of the batch. Not aligned. */
struct slice views_get(struct views *views, enum view_table table, struct slice key);

/* Set or delete a row. Both are borrowed and copied. Deleting what is not there is no error. */
void views_put(struct views *views, enum view_table table, struct slice key, struct slice value);
void views_del(struct views *views, enum view_table table, struct slice key);

/* What @made holds, to be put as a row or to go into one; borrowed. If memory ran out while it was
 * made, the unit of change is lost (KITH_UNAVAILABLE), and nothing comes back. */
struct slice views_row(struct views *views, const struct buf *made);

/* Walk the rows of a LIST table whose key begins with @prefix, in key order, starting behind
 * @after (a whole key; absent: from the first). The table must not be changed meanwhile.
 * The prefix and @after are copied. Costs O(log n) to begin and O(1) amortised a row. */
struct views_scan;
struct views_scan *views_scan_begin(struct views *views, enum view_table table, struct slice prefix,
                                    struct slice after);
/* False at the end. Key and value are borrowed until the next call on this scan. */
bool views_scan_next(struct views_scan *scan, struct slice *key, struct slice *value);
void views_scan_end(struct views_scan *scan);

/* A feed, which only grows: add behind its end (within a unit); how many it holds; read at most
 * @count_max but for the first @skip. Returns how many: fewer at the end, 0 where the views failed.
 * A look costs what was added since the last checkpoint; adding never reads the disk. */
void views_feed_append(struct views *views, const struct feed_key *key, seq_t seq);
uint64_t views_feed_length(struct views *views, const struct feed_key *key);
unsigned views_feed_read(struct views *views, const struct feed_key *key, uint64_t skip, seq_t *out,
                         unsigned count_max);

/* This row of a point table will be asked for soon, or that of a list table changed: have the
 * memory fetched in which it is looked up, while there is other work. Changes nothing. */
void views_expect(struct views *views, enum view_table table, struct slice key);

/* A moment behind that: where it is is known by now, so have the row itself fetched, or what lists
 * it. */
void views_expect_row(struct views *views, enum view_table table, struct slice key);

/* KITH_OK; or KITH_INTERNAL after a damaged row or failed read, until the views are reset; or
 * KITH_UNAVAILABLE after memory ran out, until the next unit begins. */
enum kith_err views_error(const struct views *views);

/* A number that grows with every change and whenever a row may have moved: while it is the same,
 * what was read is still so, and slices of it are still there. */
uint64_t views_moment(const struct views *views);

/* The sequence up to which the log is applied, in memory and on disk. */
seq_t views_applied(const struct views *views);
seq_t views_checkpointed(const struct views *views);

/* A unit of change that is kept or undone as a whole: what one batch, or one slice of a replay,
 * does. @applied is the last sequence that went into it. Neither touches the disk. A unit with an
 * error (views_error) is undone even if it is to be kept. */
void views_begin(struct views *views);
void views_keep(struct views *views, seq_t applied);
void views_undo(struct views *views);

/* The same in two steps: seal the unit, which has no error, and settle it while the next one is
 * open already. To undo it, undo that one first. One unit is sealed at a time. */
void views_seal(struct views *views, seq_t applied);
void views_settle(struct views *views);
void views_undo_sealed(struct views *views);

/* True if a checkpoint waits for a moment in which no unit is open or sealed. */
bool views_is_due(struct views *views, msec_t now_ms);

/* Between units, as often as you like: let go of a finished checkpoint, and start the next if one
 * is due: none is running, something changed, and 350 000 events or 5 s have passed since the last
 * began. @now_ms: any clock that does not jump. Renews the read transaction. */
void views_tick(struct views *views, msec_t now_ms);

/* True while the memory for changes (store_options.overlay_size) is used up because a checkpoint
 * is still being written: take no commands until it is done. */
bool views_full(const struct views *views);

/* True while more has come in than the checkpoint that is being written leaves room for until its
 * end (throttle.h): take none for a moment, and look again. Where views_full() is true this is
 * too. */
bool views_throttled(const struct views *views);

/* Readable when a checkpoint has ended (an eventfd; views_tick drains it). */
int views_fd(const struct views *views);

/* Wait for the checkpoint that is running, if one is, and let go of it. */
void views_wait(struct views *views);

/* Write everything out now and wait for it. KITH_UNAVAILABLE if the disk is full, KITH_INTERNAL if
 * the views are damaged. */
enum kith_err views_checkpoint(struct views *views);

/* Why the last checkpoint that failed did, or, until one has, why the views that were there at the
 * start were dropped; "" if nothing is known of either. Borrowed until the next call. */
const struct fault *views_fault(const struct views *views);

struct views_stats {
    uint64_t rows[VIEW_TABLE_COUNT]; /* in LMDB, as of the last checkpoint */
    uint64_t sums[VIEW_TABLE_COUNT]; /* order-free sums of row hashes, likewise */
    uint64_t overlay_size;           /* bytes of both overlays */
    uint64_t checkpoints;            /* finished since the start */
    uint64_t checkpoint_failures;    /* tried again later: the disk is full, most likely */
    bool has_failed;                 /* the last try */
    msec_t checkpoint_last_ms;       /* how long the last one took */
    uint64_t checkpoint_syncs;       /* of pages, done in steps (trickle.h), by all of them */
};
void views_stats(const struct views *views, struct views_stats *out);

#endif
