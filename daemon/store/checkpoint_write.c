/* Writing a frozen overlay: rows go table by table in the order of their keys, so that each page of
 * LMDB is found and copied once.
 *
 * LMDB holds what a transaction copies in memory, and keeps the memory for the next; and where each
 * copy goes in its list takes the longer the longer that is. So when enough is changed it is
 * committed as a part (store/rollback.h). */

#include <errno.h>

#include "base/assert.h"
#include "base/endian.h"
#include "store/checkpoint.h"
#include "store/rollback.h"

/* A new filter has room for this many times the keys that there are: making it reads them all. */
#define FILTER_GROWTH 4

/* How much was changed since the last commit. LMDB does not say, but values lie in their pages: one
 * that does not lie within a page's size of those before it is in another page. Now and then two
 * pages lie so that they are taken for one. */
struct tally {
    size_t page_size, size; /* bytes */
    uintptr_t low, high;    /* of the values in the page */
};

/* One table being written, with the transaction's sticky error. */
struct writer {
    struct env_txn *txn;
    const struct checkpoint_tables *tables;
    MDB_cursor *cursor;
    struct tally tally;
    size_t part_size;            /* as much is committed; SIZE_MAX: all at once */
    struct checkpoint_mark base; /* what was found */
    const struct overlay *overlay;
    enum view_table table;
    struct checkpoint_mark *mark;
    struct sort *sort;
    struct filter **filters; /* one a table */
    uint8_t last[VIEW_KEY_SIZE_MAX];
    size_t last_size; /* of the last key in LMDB when the table was opened; 0 if it was empty */
    struct filter *filter;
    bool is_beyond; /* our keys are above it from here on: they are appended */
};

static void
fail(struct writer *writer, int rc)
{
    if (writer->txn->rc == 0)
        writer->txn->rc = rc;
}

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
        fail(writer, rc);
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
        fail(writer, mdb_cursor_open(writer->txn->txn, writer->tables->rows[writer->table],
                                     &writer->cursor));
}

static void
cursor_close(struct writer *writer)
{
    if (writer->cursor)
        mdb_cursor_close(writer->cursor);
    writer->cursor = NULL;
}

static void
writer_begin(struct writer *writer, enum view_table table)
{
    MDB_val key, value;
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
        fail(writer, rc);
    else
        writer->filter = filter_of(writer);
}

/* Commit what there is so far, as a part. */
static void
part_commit(struct writer *writer)
{
    struct checkpoint_mark part = *writer->mark;
    cursor_close(writer);
    if (!writer->base.is_part)
        rollback_note(writer->txn, writer->tables->meta);
    writer->base.is_part = part.is_part = true;
    part.applied = writer->base.applied;
    part.chain = writer->base.chain;
    checkpoint_mark_put(writer->txn, writer->tables->meta, &part);
    env_commit_part(writer->txn);
    writer->tally.size = 0;
    cursor_open(writer);
}

/* Between two rows: none that belong together are parted. */
static void
part_end(struct writer *writer)
{
    if (writer->tally.size >= writer->part_size && writer->txn->rc == 0)
        part_commit(writer);
}

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

/* The row that stands in LMDB, whose value is @stored, goes. */
static void
stored_leave(struct writer *writer, uint64_t key_hash, MDB_val stored)
{
    uint64_t hash = 0;
    struct slice value = env_slice(stored);
    if (!value_check(key_hash, &value, &hash))
        fail(writer, MDB_CORRUPTED);
    writer->mark->sums[writer->table] -= hash;
    writer->mark->rows[writer->table]--;
}

/* LMDB makes the room, and the value is written there. */
static void
value_write(struct writer *writer, struct slice key, struct slice value)
{
    uint64_t name_hash = key_hash((uint8_t)writer->table, key);
    uint64_t hash = value_hash(name_hash, value);
    MDB_val name = env_val(key), stored = {.mv_size = value.size + ROW_TRAILER_SIZE};
    if (writer->filter)
        filter_expect(writer->filter, name_hash);
    int rc = mdb_cursor_put(writer->cursor, &name, &stored,
                            MDB_RESERVE | (writer->is_beyond ? MDB_APPEND : MDB_NOOVERWRITE));
    if (rc == MDB_KEYEXIST && !writer->is_beyond) {
        /* The cursor stands on the old row, and `stored` is its value: no second search. */
        stored_leave(writer, name_hash, stored);
        stored = (MDB_val){.mv_size = value.size + ROW_TRAILER_SIZE};
        rc = mdb_cursor_put(writer->cursor, &name, &stored, MDB_RESERVE | MDB_CURRENT);
    } else if (writer->filter) {
        filter_add(writer->filter, name_hash); /* it knows what was there before */
    }
    if (rc != 0) {
        fail(writer, rc);
        return;
    }
    tally_add(&writer->tally, stored);
    memcpy(stored.mv_data, value.data, value.size);
    put_be32((uint8_t *)stored.mv_data + value.size, (uint32_t)hash);
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
        stored_leave(writer, key_hash((uint8_t)writer->table, key), stored);
        tally_add(&writer->tally, stored);
        rc = mdb_cursor_del(writer->cursor, 0);
    }
    if (rc != 0)
        fail(writer, rc);
}

/* It will be written: fetch it. Place 0, behind the last one, does no harm. */
static void
row_expect(const struct writer *writer, uint32_t place)
{
    const uint8_t *row = arena_at(&writer->overlay->arena, place);
    __builtin_prefetch(row);
    __builtin_prefetch(row + 64);
}

static void
row_write(struct writer *writer, uint32_t place)
{
    const struct arena *arena = &writer->overlay->arena;
    const struct row *row = arena_at(arena, place);
    struct slice key = row_key(row);
    assert(row->table == writer->table);
    if (writer->txn->rc != 0 || !writer->cursor)
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

/* Through what is sorted of a table: its point rows, or its lists and each one's rows. */
struct walk {
    size_t at, end; /* of the entries that are left */
    struct run_cursor cursor;
};

/* The next row; 0 at the end. */
typedef uint32_t walk_fn(const struct writer *writer, struct walk *walk);

static uint32_t
next_point(const struct writer *writer, struct walk *walk)
{
    return walk->at < walk->end ? writer->sort->entries[walk->at++].place : 0;
}

static uint32_t
next_of_lists(const struct writer *writer, struct walk *walk)
{
    const struct arena *arena = &writer->overlay->arena;
    const struct sort_entry *heads = writer->sort->entries;
    uint32_t place = run_next(&walk->cursor, arena);
    while (place == 0 && walk->at < walk->end) {
        if (walk->at + SORT_AHEAD_COUNT < walk->end)
            row_expect(writer, heads[walk->at + SORT_AHEAD_COUNT].place);
        walk->cursor = run_first(arena, heads[walk->at++].place);
        place = run_next(&walk->cursor, arena);
    }
    return place;
}

/* Write the rows of all tables that @hash leads to. */
static void
rows_write(struct writer *writer, const struct hash *hash, walk_fn *next)
{
    const struct sort *sort = writer->sort;
    size_t at = 0;
    if (!sort_rows(writer->sort, hash, &writer->overlay->arena)) {
        fail(writer, ENOMEM);
        return;
    }
    for (unsigned table = 0; table < VIEW_TABLE_COUNT; at = sort->end[table++]) {
        if (sort->end[table] == at)
            continue;
        writer_begin(writer, table);
        /* A second walk goes ahead of the first: it fetches the rows. */
        struct walk walk = {.at = at, .end = sort->end[table]}, ahead = walk;
        for (unsigned i = 0; i < SORT_AHEAD_COUNT; i++)
            row_expect(writer, next(writer, &ahead));
        for (uint32_t place; (place = next(writer, &walk)) != 0;) {
            row_expect(writer, next(writer, &ahead));
            row_write(writer, place);
            part_end(writer);
        }
        cursor_close(writer);
    }
}

/* ---- Feeds ---- */

/* The chunk of a feed that grows: its length, then what follows the last whole chunk. */
struct tail {
    uint8_t value[FEED_ITEM_SIZE + FEED_CHUNK_SIZE];
    size_t size;
};

static struct slice
feed_key_slice(const struct feed_entry *entry)
{
    return slice_of(entry->key.bytes, sizeof(entry->key.bytes));
}

static void
tail_load(struct writer *writer, const struct feed_entry *entry, struct tail *tail)
{
    MDB_val name = env_val(feed_key_slice(entry)), stored;
    *tail = (struct tail){.size = FEED_ITEM_SIZE};
    int rc = mdb_cursor_get(writer->cursor, &name, &stored, MDB_SET);
    if (rc == MDB_NOTFOUND)
        return;
    struct slice value = rc == 0 ? env_slice(stored) : (struct slice){0};
    if (rc != 0 || !row_check((uint8_t)writer->table, feed_key_slice(entry), &value, NULL) ||
        value.size < FEED_ITEM_SIZE || value.size >= sizeof(tail->value)) {
        fail(writer, rc ? rc : MDB_CORRUPTED);
        return;
    }
    memcpy(tail->value, value.data, value.size);
    tail->size = value.size;
}

static void
chunk_name(const struct feed_entry *entry, uint64_t chunk, uint8_t name[FEED_CHUNK_KEY_SIZE])
{
    memcpy(name, entry->key.bytes, sizeof(entry->key.bytes));
    put_be32(name + sizeof(entry->key.bytes), (uint32_t)chunk);
}

static void
tail_append(struct writer *writer, const struct feed_entry *entry, struct tail *tail)
{
    uint64_t length = get_be64(tail->value);
    put_be64(tail->value, length + 1);
    put_be64(tail->value + tail->size, entry->seq);
    tail->size += FEED_ITEM_SIZE;
    if (tail->size < sizeof(tail->value))
        return;
    uint8_t name[FEED_CHUNK_KEY_SIZE];
    chunk_name(entry, length / FEED_CHUNK_COUNT, name);
    value_write(writer, slice_of(name, sizeof(name)),
                slice_of(tail->value + FEED_ITEM_SIZE, FEED_CHUNK_SIZE));
    tail->size = FEED_ITEM_SIZE;
}

static const struct feed_entry *
feed_sorted(const struct writer *writer, uint32_t i)
{
    return &writer->overlay->feeds.entries[writer->sort->entries[i].place];
}

static bool
feed_same(const struct feed_entry *a, const struct feed_entry *b)
{
    return memcmp(&a->key, &b->key, sizeof(a->key)) == 0;
}

/* The last item of the feed on disk; 0 if it has none. */
static seq_t
tail_last(struct writer *writer, const struct feed_entry *entry, const struct tail *tail)
{
    uint64_t length = get_be64(tail->value);
    if (tail->size > FEED_ITEM_SIZE || length == 0)
        return length == 0 ? 0 : get_be64(tail->value + tail->size - FEED_ITEM_SIZE);
    uint8_t name[FEED_CHUNK_KEY_SIZE];
    chunk_name(entry, length / FEED_CHUNK_COUNT - 1, name);
    MDB_val key = env_val(slice_of(name, sizeof(name))), stored;
    int rc = mdb_cursor_get(writer->cursor, &key, &stored, MDB_SET);
    if (rc != 0 || stored.mv_size < FEED_CHUNK_SIZE) {
        fail(writer, rc == 0 || rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc);
        return 0;
    }
    return get_be64((uint8_t *)stored.mv_data + FEED_CHUNK_SIZE - FEED_ITEM_SIZE);
}

static void
feeds_write(struct writer *writer)
{
    const struct feeds *feeds = &writer->overlay->feeds;
    const struct feed_entry *before = NULL;
    bool is_resumed = writer->base.is_part, is_there = false;
    struct tail tail;
    if (feeds->count == 0)
        return;
    if (!sort_feeds(writer->sort, feeds)) {
        fail(writer, ENOMEM);
        return;
    }
    writer_begin(writer, VIEW_FEED);
    for (uint32_t i = 0; i < feeds->count && writer->txn->rc == 0; i++) {
        const struct feed_entry *entry = feed_sorted(writer, i);
        bool is_last = i + 1 == feeds->count || !feed_same(entry, feed_sorted(writer, i + 1));
        if (i + SORT_AHEAD_COUNT < feeds->count)
            __builtin_prefetch(feed_sorted(writer, i + SORT_AHEAD_COUNT));
        if (!before || !feed_same(entry, before)) {
            tail_load(writer, entry, &tail);
            /* Unlike rows, items cannot be written twice. */
            is_there = is_resumed && tail_last(writer, entry, &tail) >= entry->seq;
        }
        before = entry;
        if (is_there || writer->txn->rc != 0)
            continue;
        tail_append(writer, entry, &tail);
        if (is_last && writer->txn->rc == 0)
            value_write(writer, feed_key_slice(entry), slice_of(tail.value, tail.size));
        if (is_last)
            part_end(writer);
    }
    cursor_close(writer);
}

/* The counts and sums go on from what is there, be it a part of this very checkpoint. */
static void
base_load(struct writer *writer)
{
    struct checkpoint_mark *base = &writer->base;
    if (writer->txn->rc != 0)
        return;
    if (!checkpoint_mark_get(writer->txn, writer->tables->meta, base))
        fail(writer, MDB_CORRUPTED);
    memcpy(writer->mark->rows, base->rows, sizeof(base->rows));
    memcpy(writer->mark->sums, base->sums, sizeof(base->sums));
}

enum kith_err
checkpoint_write(struct checkpoint *checkpoint)
{
    struct env_txn txn;
    env_begin(&txn, checkpoint->env);
    struct writer writer = {.txn = &txn,
                            .tables = checkpoint->tables,
                            .tally = {.page_size = env_page_size(checkpoint->env)},
                            .part_size = checkpoint->is_pinned ? checkpoint->part_size : SIZE_MAX,
                            .overlay = checkpoint->overlay,
                            .mark = &checkpoint->mark,
                            .sort = &checkpoint->sort,
                            .filters = checkpoint->filters};
    trickle_begin(&checkpoint->hurry);
    base_load(&writer);
    rows_write(&writer, &writer.overlay->points, next_point);
    rows_write(&writer, &writer.overlay->runs.heads, next_of_lists);
    feeds_write(&writer);
    sort_clear(&checkpoint->sort);
    if (writer.base.is_part)
        rollback_forget(&txn, checkpoint->tables->meta);
    checkpoint_mark_put(&txn, checkpoint->tables->meta, &checkpoint->mark);
    enum kith_err err = env_commit(&txn, &checkpoint->fault);
    checkpoint->trickled += trickle_end();
    if (err == KITH_OK)
        env_pad(checkpoint->env);
    return err;
}
