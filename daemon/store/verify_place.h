/* store/verify_place.h: one environment of a data directory, read by somebody from outside.
 *
 * While a daemon runs, what is read is a snapshot of LMDB's: a slot in its lock file keeps the
 * pages of the snapshot from being written over, and those that are freed meanwhile from being used
 * again. So a snapshot is renewed wherever what is looked at allows it.
 *
 * Layer: store (internal). Thread: any, one at a time. Blocking: reads from the disk.
 */
#ifndef KITH_STORE_VERIFY_PLACE_H
#define KITH_STORE_VERIFY_PLACE_H

#include <lmdb.h>

#include "store/verify.h"

/* Tell of something that is not as it was written; @first and @last as in struct verify_finding. */
void verify_found(const struct verify *verify, seq_t first, seq_t last, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* So many bytes have been read; tells of progress now and then. */
void verify_read(const struct verify *verify, size_t size);

/* Open, as a part of what owns it. */
struct place {
    const struct verify *verify;
    const char *name; /* "log" or "views" */
    char dir[FAULT_SIZE_MAX], path[FAULT_SIZE_MAX];
    MDB_env *mdb;
    MDB_txn *txn;
    uint64_t page_count; /* of the file when the snapshot was taken, or a little later */
};

/* Whether @dir has it; fills @place in any case, so that place_close() is allowed. */
bool place_exists(struct place *place, const struct verify *verify, const char *dir,
                  const char *name);

/* Open it and take a snapshot. False where that fails: what is damaged has been told then, and what
 * the system refuses stands in verify->state->fault. */
bool place_open(struct place *place);
void place_close(struct place *place);

/* Let go of the snapshot and take one of now; tables and cursors are to be opened again. */
bool place_renew(struct place *place);

/* See that both heads of the file are sound. It need not be open. */
void place_check_heads(const struct place *place);

/* The table, or false where there is none. */
bool place_table(struct place *place, const char *name, MDB_dbi *table);

/* All rows of a table in order. */
struct walk {
    struct place *place;
    const char *name;
    MDB_dbi table;
    uint64_t count; /* rows seen so far */
    /* Called for each row that is where its key belongs. */
    void (*row)(struct walk *walk, struct slice key, struct slice value);
    void *context;
};

/* Walk, and see that each row is found by its key, and that all are there. */
void walk_run(struct walk *walk);

#endif
