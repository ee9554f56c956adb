/* store/verify.h: look at all that a data directory keeps, and change nothing.
 *
 * Also beside a daemon that serves it: then what is looked at are snapshots of LMDB's, which the
 * daemon's writer respects (verify_place.h). LMDB has no checksums and may end the process over a
 * damaged page, so that the caller runs each of these in a process of its own.
 *
 * Layer:    store.
 * Thread:   any, one at a time.
 * Blocking: reads everything from the disk.
 */
#ifndef KITH_STORE_VERIFY_H
#define KITH_STORE_VERIFY_H

#include "base/fault.h"
#include "store/log.h"

/* Something that is not as it was written. */
struct verify_finding {
    seq_t first, last; /* the events concerned; 0 if it is not about single events */
    const char *text;  /* borrowed for the call */
};

/* What was seen; it lies where the caller can read it even if the process has ended meanwhile. */
struct verify_state {
    seq_t first_seq, last_seq; /* of the log, as of its first snapshot */
    uint64_t epoch;
    uint64_t events, keys, rows;      /* looked at so far; rows are those of the views */
    uint64_t events_count, row_count; /* how many there are to be looked at; 0: not yet known */
    uint64_t bytes;                   /* of keys and values looked at so far */
    seq_t at;                         /* the event looked at last */
    bool has_views;                   /* the three below are of them */
    bool has_mark;
    bool is_foreign; /* another version of kithd wrote them: it is no damage, and they are made anew
                      */
    bool is_part;  /* a checkpoint of them is under way; or one ended half way, which the next start
                      takes back: then they are not looked at */
    seq_t applied; /* how far they go on disk, that not counted */
    uint64_t views_epoch, views_chain; /* the log that they derive from; its checksum there */
    unsigned findings;
    struct fault fault;                 /* why something could not be looked at; "" if all could */
    uint64_t unseen_rows, unseen_bytes; /* since progress was told last */
};

struct verify {
    const char *dir;            /* the data directory, borrowed */
    uint64_t map_size;          /* 0: 1 TiB */
    uint32_t rows_version;      /* as in struct store_options */
    bool is_online;             /* a daemon may be running, or come: look at snapshots */
    struct verify_state *state; /* borrowed; zeroed by the caller */
    void (*found)(void *context, const struct verify_finding *finding);
    /* Every few thousand rows, for one who waits, or who wants it to be slower. */
    void (*progress)(void *context);
    /* Whether the body is an event that can be read. */
    bool (*decodes)(void *context, const struct log_record *record);
    void *context;
};

/* The views: every row's checksum, and the tables' counts and sums against the mark of the same
 * snapshot; that every row is found by its key; that no page is both used and free. There is a
 * snapshot a table, and pages that a daemon frees meanwhile are kept as long. */
void verify_views(const struct verify *verify);

/* The log, behind verify_views() with the same state, so that it has seen all that they have: its
 * format, every record up to the last one there was at the beginning, its checksum and its place in
 * the chain, that none is missing; the members' keys and the state; rows and pages as above; that
 * the views belong to this log and are not ahead of it. The snapshot is renewed on the way, which
 * changes nothing for a log that only grows. */
void verify_log(const struct verify *verify);

/* Compare the views in two directories: KITH_OK; KITH_INTERNAL with the first differing table in
 * @fault where they are not the same rows; KITH_UNAVAILABLE if one cannot be read. */
enum kith_err verify_compare(const struct verify *verify, const char *other_dir,
                             struct fault *fault);

#endif
