/* store/writer.h: what a checkpoint writes its rows with: one table after the other, each in the
 * order of its keys, so that each page of LMDB is found and copied once.
 *
 * LMDB holds the pages that a transaction changes in memory, keeps that memory for the next one,
 * and notes each page in a sorted list, which takes the longer the longer the list is. So once
 * enough is changed it is committed as a part (rollback.h), and the next transaction goes on.
 *
 * Errors stick in the transaction: behind the first one every call does nothing.
 *
 * Layer: store (internal). Thread: the checkpoint's. Blocking: the note before the first part
 * waits for the disk.
 */
#ifndef KITH_STORE_WRITER_H
#define KITH_STORE_WRITER_H

#include "store/checkpoint.h"

/* How much was changed since the last commit. LMDB does not say, but values lie in their pages: one
 * that does not lie within a page's size of those before it is in another page. Where each page has
 * a single value, every third is so taken for its neighbour; branch pages are not counted. */
struct tally {
    size_t page_size, size; /* bytes */
    uintptr_t low, high;    /* of the values in the page */
};

/* Open, as a part of its user. */
struct writer {
    struct env_txn *txn; /* borrowed until the end, like all of these */
    const struct checkpoint_tables *tables;
    struct checkpoint_mark *mark; /* its counts and sums are those of what is there */
    struct filter **filters;      /* one a table; made anew when full */

    struct checkpoint_mark base; /* what was found */
    bool is_resumed;             /* some of ours is there already, of a try that failed */
    bool is_parted;              /* there is a way back, and parts may be committed */
    size_t part_size;            /* as much is committed as one; SIZE_MAX: all at once */
    _Atomic uint64_t *written;   /* the checkpoint's */
    struct tally tally;

    enum view_table table; /* that is being written */
    MDB_cursor *cursor;    /* NULL between two, and behind an error */
    struct filter *filter;
    uint8_t last[VIEW_KEY_SIZE_MAX];
    size_t last_size; /* of the last key in LMDB when the table was begun; 0 if it was empty */
    bool is_beyond;   /* our keys are above it from here on: they are appended */
};

/* Begin to write over what is there, under @checkpoint's mark. */
void writer_init(struct writer *writer, struct checkpoint *checkpoint, struct env_txn *txn);
/* Put the mark: with the commit behind it the checkpoint is whole. */
void writer_finish(struct writer *writer);

void writer_begin(struct writer *writer, enum view_table table);
void writer_end(struct writer *writer);

/* Within a table, the keys of all but a feed's rising from call to call. */
void writer_put(struct writer *writer, struct slice key, struct slice value);
void writer_del(struct writer *writer, struct slice key);
/* The value, without its trailer; absent where there is none. Borrowed until the next change. */
struct slice writer_get(struct writer *writer, struct slice key);

/* Between two rows, wherever what is written so far may be written again: end the part that is
 * full. */
void writer_part(struct writer *writer);

/* The feeds of an overlay, sorted with @sort. */
void checkpoint_write_feeds(struct writer *writer, const struct feeds *feeds, struct sort *sort);

/* One more of its rows and entries is written. */
static inline void
writer_count(struct writer *writer)
{
    /* Nobody else writes it, so this need not be one step. */
    uint64_t before = atomic_load_explicit(writer->written, memory_order_relaxed);
    atomic_store_explicit(writer->written, before + 1, memory_order_relaxed);
}

static inline void
writer_fail(struct writer *writer, int rc)
{
    if (writer->txn->rc == 0)
        writer->txn->rc = rc;
}

#endif
