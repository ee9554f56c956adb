/* store/overlay.h: the changed rows of all views since a freeze, with undo.
 *
 * Point rows are found through a hash, list rows through a tree for each table; the rows themselves
 * lie in one arena. Within a unit of change the first touch of a row saves what it was.
 *
 * Layer: store. Thread: one at a time; a frozen overlay may be read by several. Blocking: no.
 */
#ifndef KITH_STORE_OVERLAY_H
#define KITH_STORE_OVERLAY_H

#include "base/assert.h"
#include "store/feeds.h"
#include "store/hash.h"
#include "store/row.h"
#include "store/tables.h"
#include "store/tree.h"

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
    struct tree lists[VIEW_TABLE_COUNT];
    struct feeds feeds;
    struct overlay_unit units[2];
    unsigned open;    /* the unit that is open; the other one may be sealed */
    uint32_t numbers; /* of units, so far */
    size_t keep_size; /* bytes of the arena that are held on to while it is empty */
};

/* A key made ready to be looked up in any overlay. */
struct overlay_key {
    enum view_table table;
    struct slice key; /* borrowed */
    union {
        uint64_t hash;        /* of a point row */
        struct tree_key tree; /* of a list row */
    };
};

/* @size: address space for the rows, and as much for their undo. False if memory is short. */
bool overlay_init(struct overlay *overlay, size_t size);
void overlay_fini(struct overlay *overlay); /* a zeroed struct is allowed */

/* Forget everything; keep as much memory for the next use as was used lately. */
void overlay_clear(struct overlay *overlay);

static inline struct overlay_key
overlay_key_of(enum view_table table, struct slice key)
{
    assert(table < VIEW_TABLE_COUNT && view_tables[table].kind != VIEW_KIND_FEED);
    assert(key.size > 0 && key.size <= VIEW_KEY_SIZE_MAX);
    if (view_tables[table].kind == VIEW_KIND_LIST)
        return (struct overlay_key){.table = table, .key = key, .tree = tree_key_of(key)};
    return (struct overlay_key){.table = table, .key = key, .hash = key_hash((uint8_t)table, key)};
}

/* The row, or NULL where this overlay says nothing about it. */
const struct row *overlay_find(const struct overlay *overlay, const struct overlay_key *key);

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
