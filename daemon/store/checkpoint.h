/* store/checkpoint.h: the thread that writes a frozen overlay into the views' environment.
 *
 * The phase says whom the overlay and the fields marked so belong to: the thread while WRITING and
 * CLEANING, the loop otherwise. An overlay that is being written is read by both.
 *
 * Layer:    store (internal).
 * Thread:   the loop calls all of these; the thread is inside.
 * Blocking: checkpoint_wait() and checkpoint_close() wait for the thread.
 */
#ifndef KITH_STORE_CHECKPOINT_H
#define KITH_STORE_CHECKPOINT_H

#include "store/env.h"
#include "store/filter.h"
#include "store/overlay.h"
#include "store/sort.h"
#include "store/trickle.h"
#include "store/worker.h"

enum checkpoint_phase {
    CHECKPOINT_IDLE,
    CHECKPOINT_WRITING,
    CHECKPOINT_WRITTEN, /* or failed: look at err, then checkpoint_clean() or checkpoint_again() */
    CHECKPOINT_CLEANING
};

/* What the views' environment knows of itself: one row of its table "meta". */
struct checkpoint_mark {
    bool is_part; /* of the rows behind it some are there and some are not: rollback.h */
    uint32_t rows_version;
    uint64_t epoch; /* of the log that the views derive from */
    seq_t applied;
    uint64_t chain; /* checksum of that record in the log, 0 for none */
    uint64_t rows[VIEW_TABLE_COUNT];
    uint64_t sums[VIEW_TABLE_COUNT];
};

struct checkpoint_tables {
    MDB_dbi meta;
    MDB_dbi rows[VIEW_TABLE_COUNT];
};

/* Open, as a part of struct views. */
struct checkpoint {
    struct env *env;                        /* borrowed until closed */
    const struct checkpoint_tables *tables; /* likewise */
    size_t part_size;                       /* bytes of pages that are changed before a commit */
    struct worker worker;
    bool is_cleaning;   /* what the worker does, or did last */
    _Atomic bool hurry; /* somebody waits for its end: it may be in the way of others */

    /* The thread tells how far it is: rows and entries of feeds that are written, and how much of
     * them is synced, of TRICKLE_WHOLE. */
    _Atomic uint64_t written;
    _Atomic unsigned synced;

    /* These belong to whom the phase says. */
    struct overlay *overlay;
    struct checkpoint_mark mark; /* what to write; counts and sums are those of what is there */
    bool is_pinned; /* a reader holds the snapshot that this begins with: it may be committed in
                       parts */
    struct filter *filters[VIEW_TABLE_COUNT]; /* of point tables; full ones are made anew */
    struct sort sort;
    enum kith_err err;
    struct fault fault;
    msec_t took_ms, sync_ms;
    uint64_t trickled; /* syncs that were done in steps, so far */
};

/* Start the thread. KITH_UNAVAILABLE with @fault if the system refuses. */
enum kith_err checkpoint_open(struct checkpoint *checkpoint, struct env *env,
                              const struct checkpoint_tables *tables, size_t part_size,
                              struct fault *fault);
void checkpoint_close(struct checkpoint *checkpoint); /* a zeroed struct is allowed */

enum checkpoint_phase checkpoint_phase(struct checkpoint *checkpoint);

/* IDLE to WRITING: write @overlay (borrowed until clean or again) under @mark. */
void checkpoint_start(struct checkpoint *checkpoint, struct overlay *overlay,
                      const struct checkpoint_mark *mark, bool is_pinned);
/* WRITTEN to CLEANING: clear the overlay, which nobody reads any more. */
void checkpoint_clean(struct checkpoint *checkpoint);
/* WRITTEN to IDLE: leave the overlay as it is, to be written again later. */
void checkpoint_again(struct checkpoint *checkpoint);

/* Wait until the thread has nothing to do, and return the phase: IDLE or WRITTEN. */
enum checkpoint_phase checkpoint_wait(struct checkpoint *checkpoint);

/* Let a write go on without regard for others, or with it, until this is said again. */
void checkpoint_hurry(struct checkpoint *checkpoint, bool hurry);

/* How much of what was started is done, 0 to 1, where a sync is so much of it; not once it is
 * being cleaned. */
double checkpoint_done(const struct checkpoint *checkpoint, double sync_share);

/* What the thread does while WRITING: one transaction, or some where it is large. Where it fails
 * behind the first of them, what is there is a part, and the same overlay is written over it. */
enum kith_err checkpoint_write(struct checkpoint *checkpoint);

void checkpoint_mark_put(struct env_txn *txn, MDB_dbi meta, const struct checkpoint_mark *mark);
/* False if there is none, or none that this program wrote. */
bool checkpoint_mark_get(struct env_txn *txn, MDB_dbi meta, struct checkpoint_mark *mark);
/* There is a sound one, which a program with other tables wrote. */
bool checkpoint_mark_is_foreign(struct env_txn *txn, MDB_dbi meta);

#endif
