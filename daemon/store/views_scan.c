/* Walking a list: the three levels are merged in the order of their keys; of equal keys the upper
 * level counts, and a tombstone there hides what is below. A level that has left the prefix is at
 * its end, so that it costs nothing more: most lists have all their rows in LMDB. */

#include "base/assert.h"
#include "store/views_inner.h"

static struct views_scan *
scan_take(struct views *views)
{
    for (size_t i = 0; i < SCAN_COUNT_MAX; i++) {
        if (views->scans[i].is_open)
            continue;
        views->scan_count++;
        views->scans[i].is_open = true;
        views->scans[i].views = views;
        return &views->scans[i];
    }
    assert(!"more walks are open than anything here needs: one was not ended");
    return NULL;
}

/* ---- One overlay ---- */

static struct slice
scan_prefix(const struct views_scan *scan)
{
    return slice_of(scan->prefix, scan->prefix_size);
}

/* Move on to the next row under the prefix about which this overlay says something. */
static void
level_next(const struct views_scan *scan, struct scan_level *level)
{
    uint32_t place;
    do {
        place = run_next(&level->cursor, level->arena);
        level->row = place ? arena_at(level->arena, place) : NULL;
    } while (level->row && level->row->state == ROW_NONE);
    if (level->row && !key_has_prefix(row_key(level->row), scan_prefix(scan)))
        level->row = NULL;
}

static void
level_seek(const struct views_scan *scan, struct scan_level *level, const struct overlay *overlay,
           const struct overlay_key *start)
{
    *level = (struct scan_level){0};
    if (!overlay)
        return;
    level->arena = &overlay->arena;
    level->cursor = overlay_seek(overlay, start);
    level_next(scan, level);
}

/* ---- LMDB ---- */

/* This walk's cursor for the table, as of the reader; NULL if it cannot be had. */
static MDB_cursor *
disk_cursor(struct views_scan *scan)
{
    struct views *views = scan->views;
    MDB_cursor **cursor = &scan->cursors[scan->table];
    MDB_txn *txn = views->err == KITH_INTERNAL ? NULL : env_reader(&views->env);
    if (!txn)
        return NULL;
    int rc = 0;
    if (!*cursor)
        rc = mdb_cursor_open(txn, views->tables.rows[scan->table], cursor);
    else if (scan->renewals[scan->table] != views->env.renewals)
        rc = mdb_cursor_renew(txn, *cursor);
    scan->renewals[scan->table] = views->env.renewals;
    return rc == 0 ? *cursor : NULL;
}

static void
disk_move(struct views_scan *scan, struct slice start, MDB_cursor_op op)
{
    MDB_val key = env_val(start), value;
    scan->disk_key = scan->disk_value = (struct slice){0};
    int rc = scan->disk ? mdb_cursor_get(scan->disk, &key, &value, op) : MDB_CORRUPTED;
    if (rc == 0 && key_has_prefix(env_slice(key), scan_prefix(scan))) {
        scan->disk_key = env_slice(key);
        scan->disk_value = env_slice(value);
    } else if (rc != 0 && rc != MDB_NOTFOUND) {
        scan->views->err = KITH_INTERNAL;
    }
}

/* ---- Where a list begins ---- */

static struct slice
start_key(const struct scan_start *start)
{
    return slice_of(start->key, start->key_size);
}

static bool
start_is_of(const struct scan_start *start, struct slice prefix)
{
    return start->is_known && slice_equal(slice_of(start->prefix, start->prefix_size), prefix);
}

static void
start_set(struct scan_start *start, struct slice key)
{
    assert(key.size <= sizeof(start->key));
    start->is_none = key.data == NULL;
    start->key_size = (uint8_t)key.size;
    if (key.data)
        memcpy(start->key, key.data, key.size);
}

/* What the walk found first; absent: nothing. */
static void
start_note(struct views_scan *scan, struct slice key)
{
    struct scan_start *start = &scan->views->starts[scan->table];
    scan->is_first = false;
    if (scan->views->err == KITH_INTERNAL || scan->puts != scan->views->puts)
        return;
    start->is_known = true;
    start->prefix_size = scan->prefix_size;
    memcpy(start->prefix, scan->prefix, scan->prefix_size);
    start_set(start, key);
}

void
views_start_lower(struct views *views, enum view_table table, struct slice key)
{
    struct scan_start *start = &views->starts[table];
    views->puts++;
    if (!start->is_known || !key_has_prefix(key, slice_of(start->prefix, start->prefix_size)))
        return;
    if (start->is_none || key_compare(key, start_key(start)) < 0)
        start_set(start, key);
}

void
views_starts_forget(struct views *views)
{
    memset(views->starts, 0, sizeof(views->starts));
}

/* ---- All three ---- */

struct views_scan *
views_scan_begin(struct views *views, enum view_table table, struct slice prefix,
                 struct slice after)
{
    assert(table < VIEW_TABLE_COUNT && view_tables[table].kind == VIEW_KIND_LIST);
    assert(prefix.size >= view_tables[table].owner_size && prefix.size <= VIEW_LIST_KEY_SIZE_MAX &&
           after.size <= VIEW_LIST_KEY_SIZE_MAX);
    struct views_scan *scan = scan_take(views);
    scan->table = table;
    scan->prefix_size = (uint8_t)prefix.size;
    if (prefix.size)
        memcpy(scan->prefix, prefix.data, prefix.size);

    /* A place before the whole list is as good as none. */
    struct slice start = slice_of(scan->prefix, prefix.size);
    const struct scan_start *known = &views->starts[table];
    bool is_after = after.data && key_compare(after, start) > 0;
    bool is_known = start_is_of(known, prefix);
    scan->puts = views->puts;
    scan->is_first = !is_after;
    scan->is_over = is_known && known->is_none;
    if (is_after)
        start = after;
    else if (is_known && !scan->is_over)
        start = start_key(known);
    struct overlay_key key = overlay_key_of(table, start);
    level_seek(scan, &scan->level[LEVEL_ACTIVE], views->active, &key);
    level_seek(scan, &scan->level[LEVEL_FROZEN], views->frozen, &key);
    scan->disk = disk_cursor(scan);
    disk_move(scan, start, start.size ? MDB_SET_RANGE : MDB_FIRST);

    for (size_t i = 0; is_after && i < LEVEL_COUNT; i++) {
        struct scan_level *level = &scan->level[i];
        if (level->row && slice_equal(row_key(level->row), after))
            level_next(scan, level);
    }
    if (is_after && scan->disk_key.data && slice_equal(scan->disk_key, after))
        disk_move(scan, (struct slice){0}, MDB_NEXT);
    return scan;
}

/* The overlay whose row is the lowest, the upper one of two; NULL where both are at their end. */
static struct scan_level *
lowest_level(struct views_scan *scan)
{
    struct scan_level *lowest = NULL;
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        struct scan_level *level = &scan->level[i];
        if (level->row && (!lowest || key_compare(row_key(level->row), row_key(lowest->row)) < 0))
            lowest = level;
    }
    return lowest;
}

/* Take the row of LMDB. False if it is damaged. */
static bool
take_disk(struct views_scan *scan, struct slice *key, struct slice *value)
{
    *key = scan->disk_key;
    *value = scan->disk_value;
    if (!row_check((uint8_t)scan->table, *key, value, NULL)) {
        scan->views->err = KITH_INTERNAL;
        return false;
    }
    disk_move(scan, (struct slice){0}, MDB_NEXT);
    return true;
}

/* Take the row of this overlay, and move all levels past its key. False if it is a tombstone. */
static bool
take_level(struct views_scan *scan, const struct scan_level *level, struct slice *key,
           struct slice *value)
{
    const struct row *row = level->row;
    *key = row_key(row);
    *value = row_value(level->arena, row);
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        struct scan_level *other = &scan->level[i];
        if (other->row && slice_equal(row_key(other->row), *key))
            level_next(scan, other);
    }
    if (scan->disk_key.data && slice_equal(scan->disk_key, *key))
        disk_move(scan, (struct slice){0}, MDB_NEXT);
    return row->state == ROW_VALUE;
}

bool
views_scan_next(struct views_scan *scan, struct slice *key, struct slice *value)
{
    assert(scan->is_open);
    while (!scan->is_over && scan->views->err != KITH_INTERNAL) {
        const struct scan_level *level = lowest_level(scan);
        if (!level && !scan->disk_key.data) {
            if (scan->is_first)
                start_note(scan, (struct slice){0});
            return false;
        }
        bool is_disk =
            !level || (scan->disk_key.data && key_compare(scan->disk_key, row_key(level->row)) < 0);
        bool found = is_disk ? take_disk(scan, key, value) : take_level(scan, level, key, value);
        if (!found || scan->views->err == KITH_INTERNAL)
            continue;
        if (scan->is_first)
            start_note(scan, *key);
        return true;
    }
    return false;
}

void
views_scan_end(struct views_scan *scan)
{
    assert(scan->is_open && scan->views->scan_count > 0);
    scan->is_open = false;
    scan->views->scan_count--;
}

void
views_scans_fini(struct views *views)
{
    assert(views->scan_count == 0);
    for (size_t i = 0; i < SCAN_COUNT_MAX; i++) {
        for (size_t table = 0; table < VIEW_TABLE_COUNT; table++) {
            if (views->scans[i].cursors[table])
                mdb_cursor_close(views->scans[i].cursors[table]);
        }
        views->scans[i] = (struct views_scan){0};
    }
}
