/* store/runs.h: the list rows of an overlay, each list's in the order of their keys: its run.
 *
 * What the keys of a list begin with (owner_size, tables.h) finds its run through a hash. Most
 * lists change little between two checkpoints. Two of three have one row, and the hash leads to it;
 * the runs of the others are arrays of a cache line or two, where a B+tree of all lists would have
 * to be searched from its root for each row. A run that grows beyond becomes a tree of its own
 * (tree.h), so that no list is slow because it is long. Runs and rows lie in one arena; nothing is
 * removed, all is forgotten with it.
 *
 * Layer: store. Thread: one at a time; several may read. Blocking: no.
 */
#ifndef KITH_STORE_RUNS_H
#define KITH_STORE_RUNS_H

#include "store/hash.h"
#include "store/overlay_key.h"
#include "store/tree.h"

/* A zeroed struct is empty. */
struct runs {
    /* For each list its only row, or a row in state ROW_RUN, whose key is what the list's keys
     * begin with and whose value is the run. */
    struct hash heads;
};

/* Where a walk stands. Valid until its run changes. */
struct run_cursor {
    uint32_t only; /* the place of the only row; 0: of none */
    uint32_t run;  /* that of an array, likewise */
    uint32_t index;
    struct tree_cursor tree;
};

void runs_fini(struct runs *runs);
/* Forget all of them, with the arena. */
void runs_clear(struct runs *runs);

/* The place of the row with @key, or 0. */
uint32_t runs_find(const struct runs *runs, const struct arena *arena,
                   const struct overlay_key *key);

/* Make sure that a row can be added, and @more bytes of the arena be had; false if memory is short.
 */
bool runs_ensure(struct runs *runs, struct arena *arena, size_t more);

/* Where the place of the row with @key is held, after runs_ensure(): 0 is there if the row is new,
 * and the caller sets it. Valid until the next call. */
uint32_t *runs_slot(struct runs *runs, struct arena *arena, const struct overlay_key *key);

/* Stand at the first row of its list whose key is at least @key. */
struct run_cursor runs_seek(const struct runs *runs, const struct arena *arena,
                            const struct overlay_key *key);

/* Stand at the first row of the list that what is at @head, as one of `heads`, leads to. */
struct run_cursor run_first(const struct arena *arena, uint32_t head);

/* The place of the row here, and move on; 0 at the end of the list. */
uint32_t run_next(struct run_cursor *cursor, const struct arena *arena);

/* Bytes of memory in use, the arena's aside. */
size_t runs_size(const struct runs *runs);

#endif
