#include "store/writer.h"

#include "base/assert.h"
#include "base/endian.h"
#include "store/rollback.h"

/* A new filter has room for this many times the keys that there are: making it reads them all. */
#define FILTER_GROWTH 4

void
writer_init(struct writer *writer, struct checkpoint *checkpoint, struct env_txn *txn)
{
    struct checkpoint_mark *mark = &checkpoint->mark, *base = &writer->base;
    *writer = (struct writer){
        .txn = txn,
        .tables = checkpoint->tables,
        .mark = mark,
        .filters = checkpoint->filters,
        .part_size = checkpoint->is_pinned ? checkpoint->part_size : SIZE_MAX,
        .written = &checkpoint->written,
        .tally = {.page_size = env_page_size(checkpoint->env)},
    };
    if (txn->rc != 0)
        return;
    if (!checkpoint_mark_get(txn, writer->tables->meta, base))
        writer_fail(writer, MDB_CORRUPTED);
    writer->is_resumed = base->is_part || base->applied == mark->applied;
    writer->is_parted = base->is_part;
    memcpy(mark->rows, base->rows, sizeof(base->rows));
    memcpy(mark->sums, base->sums, sizeof(base->sums));
}

void
writer_finish(struct writer *writer)
{
    assert(!writer->cursor && !writer->mark->is_part);
    checkpoint_mark_put(writer->txn, writer->tables->meta, writer->mark);
}

/* ---- One table ---- */

/* Make the filter of this table anew, from what is there. Where memory is short the old one goes
 * on, or LMDB is asked for all. */
static void
filter_renew(struct writer *writer)
{
    uint64_t count = writer->mark->rows[writer->table];
    struct filter *filter = filter_create(count * FILTER_GROWTH);
    MDB_val key, value;
    if (!filter)
        return;
    int rc = mdb_cursor_get(writer->cursor, &key, &value, MDB_FIRST);
    for (; rc == 0; rc = mdb_cursor_get(writer->cursor, &key, &value, MDB_NEXT))
        filter_add(filter, key_hash((uint8_t)writer->table, env_slice(key)));
    if (rc != MDB_NOTFOUND) {
        filter_destroy(filter);
        writer_fail(writer, rc);
        return;
    }
    writer->filters[writer->table] = filter;
}

/* The filter that the keys of this table are added to; NULL if there is none. */
static struct filter *
filter_of(struct writer *writer)
{
    if (view_tables[writer->table].kind != VIEW_KIND_POINT)
        return NULL;
    struct filter **filter = &writer->filters[writer->table];
    if (!*filter || filter_is_full(*filter))
        filter_renew(writer);
    return *filter;
}

static void
cursor_open(struct writer *writer)
{
    if (writer->txn->rc == 0)
        writer_fail(writer, mdb_cursor_open(writer->txn->txn, writer->tables->rows[writer->table],
                                            &writer->cursor));
}

static void
cursor_close(struct writer *writer)
{
    if (writer->cursor)
        mdb_cursor_close(writer->cursor);
    writer->cursor = NULL;
}

void
writer_begin(struct writer *writer, enum view_table table)
{
    MDB_val key, value;
    assert(!writer->cursor);
    writer->table = table;
    writer->filter = NULL;
    writer->last_size = 0;
    writer->is_beyond = false;
    cursor_open(writer);
    if (writer->txn->rc != 0)
        return;
    int rc = mdb_cursor_get(writer->cursor, &key, &value, MDB_LAST);
    if (rc == 0 && key.mv_size <= sizeof(writer->last)) {
        memcpy(writer->last, key.mv_data, key.mv_size);
        writer->last_size = key.mv_size;
    } else if (rc == 0) {
        rc = MDB_CORRUPTED;
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        writer_fail(writer, rc);
    else
        writer->filter = filter_of(writer);
}

void
writer_end(struct writer *writer)
{
    cursor_close(writer);
}

/* ---- Parts ---- */

static void
tally_add(struct tally *tally, MDB_val value)
{
    uintptr_t at = (uintptr_t)value.mv_data;
    uintptr_t low = at < tally->low ? at : tally->low, high = at > tally->high ? at : tally->high;
    bool is_other = high - low >= tally->page_size;
    if (is_other)
        tally->size += value.mv_size + tally->page_size;
    tally->low = is_other ? at : low;
    tally->high = is_other ? at : high;
}

/* What there is so far, under a mark that says so. */
static void
part_commit(struct writer *writer)
{
    struct checkpoint_mark part = *writer->mark;
    part.is_part = true;
    part.applied = writer->base.applied;
    part.chain = writer->base.chain;
    checkpoint_mark_put(writer->txn, writer->tables->meta, &part);
    cursor_close(writer);
    env_commit_part(writer->txn);
    cursor_open(writer);
}

void
writer_part(struct writer *writer)
{
    if (writer->tally.size < writer->part_size || writer->txn->rc != 0)
        return;
    if (!writer->is_parted)
        writer->is_parted = rollback_note(writer->txn->env) == 0;
    if (writer->is_parted)
        part_commit(writer);
    else
        writer->part_size = SIZE_MAX; /* there would be no way back */
    writer->tally.size = 0;
}

/* ---- Rows ---- */

/* The row that stands in LMDB, whose value is @stored, goes. */
static void
stored_leave(struct writer *writer, uint64_t key_hash, MDB_val stored)
{
    uint64_t hash = 0;
    struct slice value = env_slice(stored);
    if (!value_check(key_hash, &value, &hash))
        writer_fail(writer, MDB_CORRUPTED);
    writer->mark->sums[writer->table] -= hash;
    writer->mark->rows[writer->table]--;
}

/* It is there already, as a checkpoint that failed behind a part has left it. To write it again
 * would copy its page, try for try, and no page of a part is used again before there is a whole
 * one. */
static bool
is_same(MDB_val stored, struct slice value, uint64_t hash)
{
    const uint8_t *data = stored.mv_data;
    return stored.mv_size == value.size + ROW_TRAILER_SIZE &&
           get_be32(data + value.size) == (uint32_t)hash &&
           (value.size == 0 || memcmp(data, value.data, value.size) == 0);
}

/* A feed's keys do not quite rise: a whole chunk's is above that of what follows it. */
static void
note_beyond(struct writer *writer, struct slice key)
{
    if (!writer->is_beyond && view_tables[writer->table].kind != VIEW_KIND_FEED)
        writer->is_beyond = key_compare(key, slice_of(writer->last, writer->last_size)) > 0;
}

/* LMDB makes the room, and the value is written there. */
void
writer_put(struct writer *writer, struct slice key, struct slice value)
{
    if (writer->txn->rc != 0)
        return;
    note_beyond(writer, key);
    uint64_t name_hash = key_hash((uint8_t)writer->table, key);
    uint64_t hash = value_hash(name_hash, value);
    MDB_val name = env_val(key), stored = {.mv_size = value.size + ROW_TRAILER_SIZE};
    if (writer->filter)
        filter_expect(writer->filter, name_hash);
    int rc = mdb_cursor_put(writer->cursor, &name, &stored,
                            MDB_RESERVE | (writer->is_beyond ? MDB_APPEND : MDB_NOOVERWRITE));
    if (rc == MDB_KEYEXIST && !writer->is_beyond) {
        /* The cursor stands on the old row, and `stored` is its value: no second search. */
        if (is_same(stored, value, hash))
            return;
        stored_leave(writer, name_hash, stored);
        stored = (MDB_val){.mv_size = value.size + ROW_TRAILER_SIZE};
        rc = mdb_cursor_put(writer->cursor, &name, &stored, MDB_RESERVE | MDB_CURRENT);
    } else if (writer->filter) {
        filter_add(writer->filter, name_hash); /* it knows what was there before */
    }
    if (rc != 0) {
        writer_fail(writer, rc);
        return;
    }
    tally_add(&writer->tally, stored);
    memcpy(stored.mv_data, value.data, value.size);
    put_be32((uint8_t *)stored.mv_data + value.size, (uint32_t)hash);
    writer->mark->sums[writer->table] += hash;
    writer->mark->rows[writer->table]++;
}

void
writer_del(struct writer *writer, struct slice key)
{
    MDB_val name = env_val(key), stored;
    if (writer->txn->rc != 0)
        return;
    note_beyond(writer, key);
    if (writer->is_beyond)
        return;
    int rc = mdb_cursor_get(writer->cursor, &name, &stored, MDB_SET);
    if (rc == MDB_NOTFOUND)
        return;
    if (rc == 0) {
        stored_leave(writer, key_hash((uint8_t)writer->table, key), stored);
        tally_add(&writer->tally, stored);
        rc = mdb_cursor_del(writer->cursor, 0);
    }
    if (rc != 0)
        writer_fail(writer, rc);
}

struct slice
writer_get(struct writer *writer, struct slice key)
{
    MDB_val name = env_val(key), stored;
    if (writer->txn->rc != 0)
        return (struct slice){0};
    int rc = mdb_cursor_get(writer->cursor, &name, &stored, MDB_SET);
    if (rc == MDB_NOTFOUND)
        return (struct slice){0};
    struct slice value = rc == 0 ? env_slice(stored) : (struct slice){0};
    if (rc == 0 && !row_check((uint8_t)writer->table, key, &value, NULL))
        rc = MDB_CORRUPTED;
    if (rc == 0)
        return value;
    writer_fail(writer, rc);
    return (struct slice){0};
}
