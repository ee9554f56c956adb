/* store/verify.h: look at all that a data directory keeps, and change nothing.
 *
 * For a directory that no daemon serves. LMDB has no checksums and may end the process over a
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
    seq_t first_seq, last_seq; /* of the log */
    uint64_t epoch;
    uint64_t events, keys, rows; /* looked at so far; rows are those of the views */
    seq_t at;                    /* the event looked at last */
    seq_t applied;               /* how far the views on disk go */
    bool has_views;
    unsigned findings;
};

struct verify {
    const char *dir;            /* the data directory, borrowed */
    uint64_t map_size;          /* 0: 1 TiB */
    uint32_t rows_version;      /* as in struct store_options */
    struct verify_state *state; /* borrowed; zeroed by the caller */
    void (*found)(void *context, const struct verify_finding *finding);
    void (*progress)(void *context); /* now and then, for one who waits */
    /* Whether the body is an event that can be read. */
    bool (*decodes)(void *context, const struct log_record *record);
    void *context;
};

/* The log: its format, every record, its checksum and its place in the chain, that none is missing;
 * the members' keys; that every row is found by its key; that no page is both used and free. */
void verify_log(const struct verify *verify);

/* The views, behind verify_log() with the same state: that they belong to this log and are not
 * ahead of it, every row's checksum, and the tables' counts and sums. */
void verify_views(const struct verify *verify);

/* Compare the views in two directories: KITH_OK; KITH_INTERNAL with the first differing table in
 * @fault where they are not the same rows; KITH_UNAVAILABLE if one cannot be read. */
enum kith_err verify_compare(const struct verify *verify, const char *other_dir,
                             struct fault *fault);

#endif
