/* store/overlay.h: the changed rows of all views since a freeze, with undo.
 *
 * Point rows are found through a hash, list rows through the run of their list; the rows themselves
 * lie in one arena. Within a unit of change the first touch of a row saves what it was.
 *
 * Layer: store. Thread: one at a time; a frozen overlay may be read by several. Blocking: no.
 */
#ifndef KITH_STORE_OVERLAY_H
#define KITH_STORE_OVERLAY_H

#include "store/feeds.h"
#include "store/runs.h"

/* What it takes to go back to where a unit of change began. */
struct overlay_unit {
    uint32_t number;
    uint32_t feeds_count;
    struct arena undo; /* one struct undo behind the other */
};

/* Open, so that reading costs no call. */
struct overlay {
    struct arena arena;
    struct hash points;
    struct runs runs;
    struct feeds feeds;
    uint32_t rows; /* point rows and list rows, undone ones included */
    struct overlay_unit units[2];
    unsigned open;    /* the unit that is open; the other one may be sealed */
    uint32_t numbers; /* of units, so far */
    size_t keep_size; /* bytes of the arena that are held on to while it is empty */
};

/* @size: address space for the rows, and as much for their undo. False if memory is short. */
bool overlay_init(struct overlay *overlay, size_t size);
void overlay_fini(struct overlay *overlay); /* a zeroed struct is allowed */

/* Forget everything; keep as much memory for the next use as was used lately. */
void overlay_clear(struct overlay *overlay);

/* What the hash of a key of this table is looked up in. */
static inline const struct hash *
overlay_index(const struct overlay *overlay, enum view_table table)
{
    return view_tables[table].kind == VIEW_KIND_LIST ? &overlay->runs.heads : &overlay->points;
}

/* The row, or NULL where this overlay says nothing about it. */
const struct row *overlay_find(const struct overlay *overlay, const struct overlay_key *key);

/* Stand at the first row of a list (state ROW_NONE included) whose key is at least @key. */
struct run_cursor overlay_seek(const struct overlay *overlay, const struct overlay_key *key);

/* Set a row's state, and its value if that is ROW_VALUE. False, and nothing changed, if memory is
 * short. */
bool overlay_put(struct overlay *overlay, const struct overlay_key *key, enum row_state state,
                 struct slice value);

/* Begin a unit of change; then go back to its beginning, or begin the next. */
void overlay_begin(struct overlay *overlay);
void overlay_undo(struct overlay *overlay);

/* Close the open unit in such a way that it can still be undone while the next one is open, and
 * after that one was undone. Sealing the next forgets how. */
void overlay_seal(struct overlay *overlay);
void overlay_undo_sealed(struct overlay *overlay);

/* Bytes of memory in use. */
size_t overlay_size(const struct overlay *overlay);

#endif
