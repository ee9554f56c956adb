/* Writing a frozen overlay: rows go table by table in the order of their keys, so that each page of
 * LMDB is found and copied once. */

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/endian.h"
#include "store/checkpoint.h"

/* One table being written, with the transaction's sticky error. */
struct writer {
    struct env_txn *txn;
    MDB_cursor *cursor;
    const struct overlay *overlay;
    enum view_table table;
    struct checkpoint_mark *mark;
    struct buf stored; /* a value and its trailer */
    uint8_t last[VIEW_KEY_SIZE_MAX];
    size_t last_size; /* of the last key in LMDB when the table was opened; 0 if it was empty */
    bool is_beyond;   /* our keys are above it from here on: they are appended */
};

static void
fail(struct writer *writer, int rc)
{
    if (writer->txn->rc == 0)
        writer->txn->rc = rc;
}

static void
writer_begin(struct writer *writer, MDB_dbi table_id, enum view_table table)
{
    MDB_val key, value;
    writer->table = table;
    writer->last_size = 0;
    writer->is_beyond = false;
    if (writer->txn->rc != 0)
        return;
    int rc = mdb_cursor_open(writer->txn->txn, table_id, &writer->cursor);
    if (rc == 0)
        rc = mdb_cursor_get(writer->cursor, &key, &value, MDB_LAST);
    if (rc == 0 && key.mv_size <= sizeof(writer->last)) {
        memcpy(writer->last, key.mv_data, key.mv_size);
        writer->last_size = key.mv_size;
    } else if (rc == 0) {
        rc = MDB_CORRUPTED;
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        fail(writer, rc);
}

static void
writer_end(struct writer *writer)
{
    if (writer->cursor)
        mdb_cursor_close(writer->cursor);
    writer->cursor = NULL;
}

/* The hash of the row that stands in LMDB, whose value is @stored. */
static uint64_t
stored_hash(struct writer *writer, struct slice key, MDB_val stored)
{
    uint64_t hash = 0;
    struct slice value = env_slice(stored);
    if (!row_check((uint8_t)writer->table, key, &value, &hash))
        fail(writer, MDB_CORRUPTED);
    return hash;
}

static void
value_write(struct writer *writer, struct slice key, struct slice value)
{
    uint64_t hash = row_hash((uint8_t)writer->table, key, value);
    uint8_t trailer[ROW_TRAILER_SIZE];
    put_be32(trailer, (uint32_t)hash);
    buf_clear(&writer->stored);
    buf_append(&writer->stored, value.data, value.size);
    buf_append(&writer->stored, trailer, sizeof(trailer));
    if (writer->stored.failed) {
        fail(writer, ENOMEM);
        return;
    }
    MDB_val name = env_val(key), stored = env_val(buf_slice(&writer->stored));
    int rc = mdb_cursor_put(writer->cursor, &name, &stored,
                            writer->is_beyond ? MDB_APPEND : MDB_NOOVERWRITE);
    if (rc == MDB_KEYEXIST && !writer->is_beyond) {
        /* The cursor stands on the old row, and `stored` is its value: no second search. */
        writer->mark->sums[writer->table] -= stored_hash(writer, key, stored);
        writer->mark->rows[writer->table]--;
        stored = env_val(buf_slice(&writer->stored));
        rc = mdb_cursor_put(writer->cursor, &name, &stored, MDB_CURRENT);
    }
    if (rc != 0)
        fail(writer, rc);
    writer->mark->sums[writer->table] += hash;
    writer->mark->rows[writer->table]++;
}

static void
value_delete(struct writer *writer, struct slice key)
{
    MDB_val name = env_val(key), stored;
    if (writer->is_beyond)
        return;
    int rc = mdb_cursor_get(writer->cursor, &name, &stored, MDB_SET);
    if (rc == MDB_NOTFOUND)
        return;
    if (rc == 0) {
        writer->mark->sums[writer->table] -= stored_hash(writer, key, stored);
        writer->mark->rows[writer->table]--;
        rc = mdb_cursor_del(writer->cursor, 0);
    }
    if (rc != 0)
        fail(writer, rc);
}

static void
row_write(struct writer *writer, uint32_t place)
{
    const struct arena *arena = &writer->overlay->arena;
    const struct row *row = arena_at(arena, place);
    struct slice key = row_key(row);
    assert(row->table == writer->table);
    if (writer->txn->rc != 0)
        return;
    if (!writer->is_beyond)
        writer->is_beyond = key_compare(key, slice_of(writer->last, writer->last_size)) > 0;

    switch ((enum row_state)row->state) {
    case ROW_NONE:
        break;
    case ROW_VALUE:
        value_write(writer, key, row_value(arena, row));
        break;
    case ROW_DELETED:
        value_delete(writer, key);
        break;
    }
}

/* ---- The order of point rows ---- */

/* A row to be sorted: most comparisons need no look at the row itself. */
struct entry {
    uint64_t prefix; /* table, and the first bytes of the key */
    uint32_t place;
};

static uint64_t
key_prefix(const struct row *row)
{
    uint8_t bytes[8] = {row->table};
    memcpy(bytes + 1, row->key, row->key_size < 7 ? row->key_size : 7);
    return get_be64(bytes);
}

static int
entry_compare(const void *a, const void *b, void *arena)
{
    const struct entry *left = a, *right = b;
    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    const struct row *left_row = arena_at(arena, left->place);
    const struct row *right_row = arena_at(arena, right->place);
    return key_compare(row_key(left_row), row_key(right_row));
}

/* All point rows in the order of table and key, as many as overlay->points.count; free with free().
 * NULL if memory is short, or there are none. */
static struct entry *
points_sort(const struct overlay *overlay)
{
    const struct hash *points = &overlay->points;
    struct entry *entries = points->count ? calloc(points->count, sizeof(*entries)) : NULL;
    if (!entries)
        return NULL;
    size_t count = 0;
    for (uint32_t i = 0; i <= points->mask; i++) {
        uint32_t place = points->slots[i].place;
        if (place == 0)
            continue;
        assert(count < points->count);
        entries[count++] = (struct entry){key_prefix(arena_at(&overlay->arena, place)), place};
    }
    assert(count == points->count);
    struct arena arena = overlay->arena;
    qsort_r(entries, count, sizeof(*entries), entry_compare, &arena);
    return entries;
}

static void
lists_write(struct writer *writer, const struct checkpoint_tables *tables)
{
    const struct overlay *overlay = writer->overlay;
    for (unsigned table = 0; table < VIEW_TABLE_COUNT; table++) {
        const struct tree *tree = &overlay->lists[table];
        if (tree->count == 0)
            continue;
        writer_begin(writer, tables->rows[table], table);
        struct tree_cursor cursor = tree_seek(tree, &overlay->arena, NULL);
        for (uint32_t place; (place = tree_next(&cursor, &overlay->arena)) != 0;)
            row_write(writer, place);
        writer_end(writer);
    }
}

static void
points_write(struct writer *writer, const struct checkpoint_tables *tables)
{
    const struct overlay *overlay = writer->overlay;
    size_t count = overlay->points.count;
    struct entry *entries = points_sort(overlay);
    if (count > 0 && !entries)
        fail(writer, ENOMEM);
    for (size_t i = 0; i < count && writer->txn->rc == 0; i++) {
        const struct row *row = arena_at(&overlay->arena, entries[i].place);
        if (!writer->cursor || writer->table != row->table) {
            writer_end(writer);
            writer_begin(writer, tables->rows[row->table], row->table);
        }
        row_write(writer, entries[i].place);
    }
    writer_end(writer);
    free(entries);
}

enum kith_err
checkpoint_write(struct env *env, const struct checkpoint_tables *tables,
                 const struct overlay *overlay, struct checkpoint_mark *mark, struct fault *fault)
{
    struct env_txn txn;
    env_begin(&txn, env);
    struct writer writer = {.txn = &txn, .overlay = overlay, .mark = mark};
    points_write(&writer, tables);
    lists_write(&writer, tables);
    buf_fini(&writer.stored);
    checkpoint_mark_put(&txn, tables->meta, mark);
    enum kith_err err = env_commit(&txn, fault);
    if (err == KITH_OK)
        env_pad(env);
    return err;
}
