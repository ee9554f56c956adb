/* Writing a frozen overlay: rows go table by table in the order of their keys. */

#include <errno.h>

#include "base/assert.h"
#include "store/rollback.h"
#include "store/writer.h"

/* The rows of the overlay on their way to the writer. */
struct rows {
    struct writer *writer;
    const struct arena *arena;
    const struct sort *sort;
};

/* It will be written: fetch it. Place 0, behind the last one, does no harm. */
static void
row_expect(const struct rows *rows, uint32_t place)
{
    const uint8_t *row = arena_at(rows->arena, place);
    __builtin_prefetch(row);
    __builtin_prefetch(row + 64);
}

static void
row_write(const struct rows *rows, uint32_t place)
{
    const struct row *row = arena_at(rows->arena, place);
    assert(row->table == rows->writer->table);
    switch ((enum row_state)row->state) {
    case ROW_NONE:
        break;
    case ROW_VALUE:
        writer_put(rows->writer, row_key(row), row_value(rows->arena, row));
        break;
    case ROW_DELETED:
        writer_del(rows->writer, row_key(row));
        break;
    case ROW_RUN:
        assert(!"a walk gives rows");
    }
}

/* Through what is sorted of a table: its point rows, or its lists and each one's rows. */
struct walk {
    size_t at, end; /* of the entries */
    struct run_cursor cursor;
};

/* The next row; 0 at the end. */
typedef uint32_t walk_fn(const struct rows *rows, struct walk *walk);

static uint32_t
next_point(const struct rows *rows, struct walk *walk)
{
    return walk->at < walk->end ? rows->sort->entries[walk->at++].place : 0;
}

static uint32_t
next_of_lists(const struct rows *rows, struct walk *walk)
{
    const struct sort_entry *heads = rows->sort->entries;
    uint32_t place = run_next(&walk->cursor, rows->arena);
    while (place == 0 && walk->at < walk->end) {
        if (walk->at + SORT_AHEAD_COUNT < walk->end)
            row_expect(rows, heads[walk->at + SORT_AHEAD_COUNT].place);
        walk->cursor = run_first(rows->arena, heads[walk->at++].place);
        place = run_next(&walk->cursor, rows->arena);
    }
    return place;
}

/* The @count rows of one table, which are sorted. */
static void
table_write(const struct rows *rows, enum view_table table, size_t count, walk_fn *next)
{
    /* A second walk goes ahead of the first: it fetches the rows. */
    struct walk walk = {.end = count}, ahead = walk;
    writer_begin(rows->writer, table);
    for (unsigned i = 0; i < SORT_AHEAD_COUNT; i++)
        row_expect(rows, next(rows, &ahead));
    for (uint32_t place; (place = next(rows, &walk)) != 0;) {
        row_expect(rows, next(rows, &ahead));
        row_write(rows, place);
        writer_part(rows->writer);
        writer_count(rows->writer);
    }
    writer_end(rows->writer);
}

/* Those of all tables that @hash leads to. */
static void
rows_write(struct writer *writer, const struct overlay *overlay, const struct hash *hash,
           struct sort *sort, walk_fn *next)
{
    const struct rows rows = {writer, &overlay->arena, sort};
    bool has_memory = sort_rows(sort, hash, &overlay->arena);
    for (unsigned table = 0; table < VIEW_TABLE_COUNT && has_memory; table++) {
        size_t count;
        has_memory = sort_rows_of(sort, &overlay->arena, (enum view_table)table, &count);
        if (has_memory && count > 0)
            table_write(&rows, (enum view_table)table, count, next);
    }
    if (!has_memory)
        writer_fail(writer, ENOMEM);
}

/* All is there. Before anybody may use a page of what was before, there is no way back to it, not
 * even one that could not be written down as it should, and was not used. */
static enum kith_err
parts_end(struct checkpoint *checkpoint)
{
    int rc = rollback_forget(checkpoint->env->dir);
    if (rc == 0)
        return KITH_OK;
    fault_set(&checkpoint->fault, "%s/" ROLLBACK_NAME ": cannot remove it: %s",
              checkpoint->env->dir, strerror(rc));
    return KITH_UNAVAILABLE;
}

enum kith_err
checkpoint_write(struct checkpoint *checkpoint)
{
    const struct overlay *overlay = checkpoint->overlay;
    struct sort *sort = &checkpoint->sort;
    struct writer writer;
    struct env_txn txn;
    trickle_begin(&checkpoint->hurry, &checkpoint->synced);
    env_begin(&txn, checkpoint->env);
    writer_init(&writer, checkpoint, &txn);
    rows_write(&writer, overlay, &overlay->points, sort, next_point);
    rows_write(&writer, overlay, &overlay->runs.heads, sort, next_of_lists);
    checkpoint_write_feeds(&writer, &overlay->feeds, sort);
    writer_finish(&writer);
    sort_clear(sort);
    enum kith_err err = env_commit(&txn, &checkpoint->fault);
    checkpoint->trickled += trickle_end(&checkpoint->sync_ms);
    if (err == KITH_OK)
        env_pad(checkpoint->env);
    return err == KITH_OK && rollback_exists(checkpoint->env->dir) ? parts_end(checkpoint) : err;
}
