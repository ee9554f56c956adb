/* Writing a frozen overlay: rows go table by table in the order of their keys, so that each page of
 * LMDB is found and copied once. */

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/endian.h"
#include "store/checkpoint.h"

/* A new filter has room for this many times the keys that there are: making it reads them all. */
#define FILTER_GROWTH 4

/* One table being written, with the transaction's sticky error. */
struct writer {
    struct env_txn *txn;
    MDB_cursor *cursor;
    const struct overlay *overlay;
    enum view_table table;
    struct checkpoint_mark *mark;
    struct filter **filters; /* one a table */
    struct buf stored;       /* a value and its trailer */
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
writer_begin(struct writer *writer, MDB_dbi table_id, enum view_table table)
{
    MDB_val key, value;
    writer->table = table;
    writer->filter = NULL;
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
    else
        writer->filter = filter_of(writer);
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
    if (writer->filter)
        filter_add(writer->filter, key_hash((uint8_t)writer->table, key));
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

/* ---- The order of point rows ---- */

/* How far ahead rows are fetched into the cache: they lie anywhere. */
#define AHEAD_COUNT 16

/* A row to be sorted: most comparisons need no look at the row itself. */
struct entry {
    uint64_t word; /* first the table, then the 8 bytes behind what all keys of the table share */
    uint32_t place;
};

struct points {
    struct entry *entries;        /* by table, then by key; NULL if there are none */
    size_t end[VIEW_TABLE_COUNT]; /* where the rows of each table end */
};

/* What sorting one table needs to know. */
struct order {
    const struct arena *arena;
    size_t shared_size; /* the bytes with which all keys begin */
};

static const struct row *
entry_row(const struct arena *arena, const struct entry *entry)
{
    return arena_at(arena, entry->place);
}

/* Gather all point rows, in no order. False if memory is short. */
static bool
points_gather(struct points *points, const struct overlay *overlay)
{
    const struct hash *hash = &overlay->points;
    size_t count = 0;
    points->entries = hash->count ? calloc(hash->count, sizeof(struct entry)) : NULL;
    if (!points->entries)
        return hash->count == 0;
    for (uint32_t i = 0; i <= hash->mask; i++) {
        if (hash->slots[i].place != 0)
            points->entries[count++].place = hash->slots[i].place;
    }
    assert(count == hash->count);
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD_COUNT < count)
            __builtin_prefetch(entry_row(&overlay->arena, &points->entries[i + AHEAD_COUNT]));
        uint8_t table = entry_row(&overlay->arena, &points->entries[i])->table;
        points->entries[i].word = table;
        points->end[table]++;
    }
    for (size_t i = 1; i < VIEW_TABLE_COUNT; i++)
        points->end[i] += points->end[i - 1];
    return true;
}

static int
word_compare(const void *a, const void *b)
{
    uint64_t left = ((const struct entry *)a)->word, right = ((const struct entry *)b)->word;
    return (left > right) - (left < right);
}

static int
entry_compare(const void *a, const void *b, void *context)
{
    const struct entry *left = a, *right = b;
    const struct order *order = context;
    if (left->word != right->word)
        return left->word < right->word ? -1 : 1;
    return key_compare(row_key(entry_row(order->arena, left)),
                       row_key(entry_row(order->arena, right)));
}

/* How many bytes all keys of these rows begin with: ids made by one scheme often share a lot. */
static size_t
shared_size(const struct arena *arena, const struct entry *entries, size_t count)
{
    const struct row *first = entry_row(arena, &entries[0]);
    size_t size = first->key_size;
    for (size_t i = 1; i < count && size > 0; i++) {
        if (i + AHEAD_COUNT < count)
            __builtin_prefetch(entry_row(arena, &entries[i + AHEAD_COUNT]));
        const struct row *row = entry_row(arena, &entries[i]);
        size_t same = 0, limit = row->key_size < size ? row->key_size : size;
        while (same < limit && row->key[same] == first->key[same])
            same++;
        size = same;
    }
    return size;
}

/* Sort the rows of one table by their keys. */
static void
table_sort(const struct arena *arena, struct entry *entries, size_t count)
{
    struct order order = {arena, shared_size(arena, entries, count)};
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD_COUNT < count)
            __builtin_prefetch(entry_row(arena, &entries[i + AHEAD_COUNT]));
        const struct row *row = entry_row(arena, &entries[i]);
        uint8_t bytes[8] = {0};
        size_t size = row->key_size - order.shared_size;
        memcpy(bytes, row->key + order.shared_size, size < sizeof(bytes) ? size : sizeof(bytes));
        entries[i].word = get_be64(bytes);
    }
    qsort_r(entries, count, sizeof(*entries), entry_compare, &order);
}

/* Gather and sort; free points->entries with free(). False if memory is short. */
static bool
points_sort(struct points *points, const struct overlay *overlay)
{
    if (!points_gather(points, overlay))
        return false;
    if (!points->entries)
        return true;
    qsort(points->entries, overlay->points.count, sizeof(struct entry), word_compare);
    for (size_t table = 0, at = 0; table < VIEW_TABLE_COUNT; at = points->end[table++]) {
        if (points->end[table] > at)
            table_sort(&overlay->arena, points->entries + at, points->end[table] - at);
    }
    return true;
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
    const struct arena *arena = &writer->overlay->arena;
    struct points points = {0};
    if (!points_sort(&points, writer->overlay))
        fail(writer, ENOMEM);
    size_t at = 0;
    for (unsigned table = 0; table < VIEW_TABLE_COUNT && points.entries; table++) {
        if (points.end[table] == at)
            continue;
        writer_begin(writer, tables->rows[table], table);
        for (; at < points.end[table]; at++) {
            if (at + AHEAD_COUNT < points.end[table])
                __builtin_prefetch(entry_row(arena, &points.entries[at + AHEAD_COUNT]));
            row_write(writer, points.entries[at].place);
        }
        writer_end(writer);
    }
    free(points.entries);
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
tail_append(struct writer *writer, const struct feed_entry *entry, struct tail *tail)
{
    uint64_t length = get_be64(tail->value);
    put_be64(tail->value, length + 1);
    put_be64(tail->value + tail->size, entry->seq);
    tail->size += FEED_ITEM_SIZE;
    if (tail->size < sizeof(tail->value))
        return;
    uint8_t name[FEED_CHUNK_KEY_SIZE];
    memcpy(name, entry->key.bytes, sizeof(entry->key.bytes));
    put_be32(name + sizeof(entry->key.bytes), (uint32_t)(length / FEED_CHUNK_COUNT));
    value_write(writer, slice_of(name, sizeof(name)),
                slice_of(tail->value + FEED_ITEM_SIZE, FEED_CHUNK_SIZE));
    tail->size = FEED_ITEM_SIZE;
}

static int
feed_compare(const void *a, const void *b)
{
    const struct feed_entry *left = *(const struct feed_entry *const *)a;
    const struct feed_entry *right = *(const struct feed_entry *const *)b;
    int order = memcmp(&left->key, &right->key, sizeof(left->key));
    return order ? order : (left > right) - (left < right);
}

/* All entries, feed by feed; free with free(). NULL if memory is short. */
static const struct feed_entry **
feeds_sort(const struct feeds *feeds)
{
    const struct feed_entry **entries = calloc(feeds->count, sizeof(*entries));
    if (!entries)
        return NULL;
    for (uint32_t i = 0; i < feeds->count; i++)
        entries[i] = &feeds->entries[i];
    qsort(entries, feeds->count, sizeof(*entries), feed_compare);
    return entries;
}

static void
feeds_write(struct writer *writer, const struct checkpoint_tables *tables)
{
    const struct feeds *feeds = &writer->overlay->feeds;
    const struct feed_entry **entries = feeds->count > 0 ? feeds_sort(feeds) : NULL;
    struct tail tail;
    if (feeds->count > 0 && !entries)
        fail(writer, ENOMEM);
    if (!entries)
        return;
    writer_begin(writer, tables->rows[VIEW_FEED], VIEW_FEED);
    for (uint32_t i = 0; i < feeds->count && writer->txn->rc == 0; i++) {
        const struct feed_entry *entry = entries[i];
        bool is_last = i + 1 == feeds->count ||
                       memcmp(&entry->key, &entries[i + 1]->key, sizeof(entry->key)) != 0;
        if (i == 0 || memcmp(&entry->key, &entries[i - 1]->key, sizeof(entry->key)) != 0)
            tail_load(writer, entry, &tail);
        if (writer->txn->rc == 0)
            tail_append(writer, entry, &tail);
        if (is_last && writer->txn->rc == 0)
            value_write(writer, feed_key_slice(entry), slice_of(tail.value, tail.size));
    }
    writer_end(writer);
    free(entries);
}

enum kith_err
checkpoint_write(struct checkpoint *checkpoint)
{
    struct env_txn txn;
    env_begin(&txn, checkpoint->env);
    struct writer writer = {.txn = &txn,
                            .overlay = checkpoint->overlay,
                            .mark = &checkpoint->mark,
                            .filters = checkpoint->filters};
    points_write(&writer, checkpoint->tables);
    lists_write(&writer, checkpoint->tables);
    feeds_write(&writer, checkpoint->tables);
    buf_fini(&writer.stored);
    checkpoint_mark_put(&txn, checkpoint->tables->meta, &checkpoint->mark);
    enum kith_err err = env_commit(&txn, &checkpoint->fault);
    if (err == KITH_OK)
        env_pad(checkpoint->env);
    return err;
}
