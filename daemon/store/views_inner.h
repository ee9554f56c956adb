/* store/views_inner.h: what the files of the views share, and how store.c makes them.
 *
 * Layer: store (internal). Thread, blocking: as views.h.
 */
#ifndef KITH_STORE_VIEWS_INNER_H
#define KITH_STORE_VIEWS_INNER_H

#include "store/checkpoint.h"
#include "store/parts.h"
#include "store/views.h"

/* Walks open at once: a path between members nests two or three. */
#define SCAN_COUNT_MAX 16

enum { LEVEL_ACTIVE, LEVEL_FROZEN, LEVEL_COUNT };

/* Where a walk stands in one overlay. */
struct scan_level {
    const struct arena *arena;
    struct run_cursor cursor;
    const struct row *row; /* NULL at the end */
};

/* Where the list under a prefix begins: no row under it has a lower key. Lists that are worked off
 * from their beginning (what is due first) would else be walked past the tombstones of all that was
 * done since the last checkpoint, again and again. One for each table: that of the last walk. */
struct scan_start {
    bool is_known, is_none; /* none: there is no row under the prefix */
    uint8_t prefix_size, key_size;
    uint8_t prefix[VIEW_LIST_KEY_SIZE_MAX], key[VIEW_LIST_KEY_SIZE_MAX];
};

struct views_scan {
    struct views *views;
    bool is_open;
    bool is_first; /* begun at the beginning of its list, and has given nothing yet */
    bool is_over;  /* known from the beginning to find nothing */
    uint64_t puts; /* views->puts when it was begun */
    enum view_table table;
    uint8_t prefix[VIEW_LIST_KEY_SIZE_MAX];
    uint8_t prefix_size;
    struct scan_level level[LEVEL_COUNT];
    struct slice disk_key, disk_value; /* absent at the end; the value with its trailer */
    MDB_cursor *disk;                  /* the one of `cursors` in use */
    MDB_cursor *cursors[VIEW_TABLE_COUNT];
    uint64_t renewals[VIEW_TABLE_COUNT]; /* of the reader when each was last renewed */
};

/* Rows of LMDB that were asked for lately: the members that are active right now. */
#define FOUND_COUNT 65536 /* a power of two; 2 MiB */

struct found {
    uint64_t hash;     /* of its key */
    uint64_t renewals; /* of the reader when it was found */
    struct slice stored;
};

struct views_options {
    const char *dir;
    uint64_t map_size, overlay_size;
    uint64_t checkpoint_events;
    msec_t checkpoint_ms;
    uint64_t checkpoint_memory;
    uint64_t checked_rows;
    uint32_t rows_version;
};

struct views {
    struct views_options options;
    char *dir;
    struct log *log; /* borrowed until closed */
    struct env env;
    struct checkpoint_tables tables;
    struct checkpoint checkpoint;
    struct checkpoint_mark mark; /* of what is in LMDB as the reader sees it */
    struct checkpoint_mark frozen_mark;
    struct filter *filters[VIEW_TABLE_COUNT]; /* of what is in LMDB; NULL: nothing is known */

    struct found found[FOUND_COUNT];

    struct overlay overlays[LEVEL_COUNT];
    struct overlay *active;
    struct overlay *frozen; /* NULL if none */
    bool in_unit, is_sealed;
    bool is_ahead;         /* what was found on disk has seen more than the log has */
    seq_t applied, sealed; /* in kept units; in the sealed one as well */
    enum kith_err err;

    msec_t began_ms;   /* when the last checkpoint began, on the caller's clock */
    bool has_failed;   /* the last try to write it: nothing says when it will be done */
    bool is_warm;      /* one is done: the filters of what is in LMDB are known */
    size_t begun_size; /* of the active overlay when it was: memory that it had held on to */
    double sync_share; /* throttle.h */
    bool has_ticked;
    uint64_t checkpoints, failures;
    msec_t took_ms;
    uint64_t syncs;
    struct fault fault;

    unsigned scan_count;
    struct views_scan scans[SCAN_COUNT_MAX];
    struct scan_start starts[VIEW_TABLE_COUNT];
    uint64_t puts; /* rows put so far: a walk begun before one may not see it */
    uint64_t moment;
};

/* Open or make the views in options->dir, for this log (borrowed until closed). What does not fit
 * it, or is damaged, is dropped. KITH_UNAVAILABLE with @fault if the system refuses. */
enum kith_err views_open(struct views **out, struct log *log, const struct views_options *options,
                         struct fault *fault);
void views_close(struct views *views);

/* Drop all and begin empty. On failure the views are of no use and say so by views_error(). */
enum kith_err views_reset(struct views *views, struct fault *fault);

/* Once the thread has written: take over the filters that it made anew. */
void views_take_filters(struct views *views);

void views_scans_fini(struct views *views);

/* There is a row with this key now: its list may begin with it. */
void views_start_lower(struct views *views, enum view_table table, struct slice key);
/* Rows are back that had gone. */
void views_starts_forget(struct views *views);

/* The row in LMDB, as the reader sees it; absent if there is none, or if it is damaged. */
struct slice views_disk_search(struct views *views, enum view_table table, struct slice key);

#endif
