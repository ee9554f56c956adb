#include "store/state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/endian.h"
#include "store/parts.h"
#include "store/row.h"

/* One row: as it is on disk, and as it will be. An item that is neither is gone with the batch. */
struct item {
    bool is_stored, is_live, is_changed;
    bool is_damaged; /* on disk */
    struct buf stored, live;
    uint8_t table, name_size;
    uint8_t name[STATE_NAME_SIZE_MAX];
};

/* Pointers, so that an item stays where it is. */
struct items {
    struct item **at;
    size_t count, capacity;
};

struct state {
    struct env *env;
    MDB_dbi dbi[STATE_TABLE_COUNT];
    struct items tables[STATE_TABLE_COUNT]; /* each in the order of names */
    size_t live[STATE_TABLE_COUNT];
    struct items changed; /* within this batch */
    bool failed;          /* memory ran out within this batch */
};

static struct slice
name_of(const struct item *item)
{
    return slice_of(item->name, item->name_size);
}

/* The place of the first item whose name is not below @name. */
static size_t
place_of(const struct items *items, struct slice name)
{
    size_t low = 0, high = items->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_compare(name_of(items->at[middle]), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct item *
find(const struct state *state, enum state_table table, struct slice name)
{
    const struct items *items = &state->tables[table];
    size_t place = place_of(items, name);
    if (place == items->count || !slice_equal(name_of(items->at[place]), name))
        return NULL;
    return items->at[place];
}

static bool
items_insert(struct items *items, size_t place, struct item *item)
{
    assert(place <= items->count);
    if (items->count == items->capacity) {
        size_t capacity = items->capacity ? 2 * items->capacity : 16;
        struct item **at = realloc(items->at, capacity * sizeof(struct item *));
        if (!at)
            return false;
        items->at = at;
        items->capacity = capacity;
    }
    memmove(&items->at[place + 1], &items->at[place],
            (items->count - place) * sizeof(struct item *));
    items->at[place] = item;
    items->count++;
    return true;
}

static void
item_destroy(struct item *item)
{
    buf_fini(&item->stored);
    buf_fini(&item->live);
    free(item);
}

/* A new item, which nobody has set yet; NULL if memory is short. */
static struct item *
item_add(struct state *state, enum state_table table, struct slice name)
{
    assert(name.size > 0 && name.size <= STATE_NAME_SIZE_MAX);
    struct item *item = calloc(1, sizeof(*item));
    if (!item)
        return NULL;
    item->table = (uint8_t)table;
    item->name_size = (uint8_t)name.size;
    memcpy(item->name, name.data, name.size);
    struct items *items = &state->tables[table];
    if (items_insert(items, place_of(items, name), item))
        return item;
    item_destroy(item);
    return NULL;
}

/* ---- Reading ---- */

enum kith_err
state_get(const struct state *state, enum state_table table, struct slice name, struct slice *value)
{
    assert(table < STATE_TABLE_COUNT);
    const struct item *item = find(state, table, name);
    if (!item || !item->is_live)
        return KITH_NOT_FOUND;
    if (item->is_damaged && !item->is_changed)
        return KITH_INTERNAL;
    *value = buf_slice(&item->live);
    return KITH_OK;
}

size_t
state_count(const struct state *state, enum state_table table)
{
    assert(table < STATE_TABLE_COUNT);
    return state->live[table];
}

bool
state_next(const struct state *state, enum state_table table, struct slice after,
           struct state_row *out)
{
    assert(table < STATE_TABLE_COUNT);
    const struct items *items = &state->tables[table];
    size_t place = after.data ? place_of(items, after) : 0;
    for (; place < items->count; place++) {
        const struct item *item = items->at[place];
        if (!item->is_live || (after.data && slice_equal(name_of(item), after)))
            continue;
        bool is_sound = !item->is_damaged || item->is_changed;
        *out = (struct state_row){name_of(item),
                                  is_sound ? buf_slice(&item->live) : (struct slice){0}};
        return true;
    }
    return false;
}

/* ---- Changing ---- */

static void
set_live(struct state *state, struct item *item, bool is_live)
{
    state->live[item->table] += is_live;
    state->live[item->table] -= item->is_live;
    item->is_live = is_live;
}

/* The item to change, noted as changed; NULL if memory is short. */
static struct item *
item_to_change(struct state *state, enum state_table table, struct slice name)
{
    struct item *item = state->failed ? NULL : find(state, table, name);
    if (!item && !state->failed)
        item = item_add(state, table, name);
    if (item && !item->is_changed && !items_insert(&state->changed, state->changed.count, item))
        item = NULL;
    if (item)
        item->is_changed = true;
    else
        state->failed = true;
    return item;
}

static void
item_set(struct state *state, struct item *item, struct slice value)
{
    buf_clear(&item->live);
    buf_append(&item->live, value.data, value.size);
    if (item->live.failed)
        state->failed = true;
    set_live(state, item, true);
}

void
state_put(struct state *state, enum state_table table, struct slice name, struct slice value)
{
    assert(table < STATE_TABLE_COUNT);
    assert(value.size > 0);
    struct item *item = item_to_change(state, table, name);
    if (item)
        item_set(state, item, value);
}

void
state_del(struct state *state, enum state_table table, struct slice name)
{
    assert(table < STATE_TABLE_COUNT);
    if (!find(state, table, name))
        return;
    struct item *item = item_to_change(state, table, name);
    if (item)
        set_live(state, item, false);
}

/* ---- The end of the batch ---- */

bool
state_has_pending(const struct state *state)
{
    return state->changed.count > 0;
}

bool
state_failed(const struct state *state)
{
    return state->failed;
}

void
state_write(const struct state *state, struct env_txn *txn)
{
    assert(!state->failed);
    struct buf row = {0};
    for (size_t i = 0; i < state->changed.count && txn->rc == 0; i++) {
        const struct item *item = state->changed.at[i];
        struct slice name = name_of(item), value = buf_slice(&item->live);
        if (!item->is_live) {
            env_del(txn, state->dbi[item->table], name);
            continue;
        }
        uint8_t trailer[ROW_TRAILER_SIZE];
        put_be32(trailer, (uint32_t)row_hash(item->table, name, value));
        buf_clear(&row);
        buf_append(&row, value.data, value.size);
        buf_append(&row, trailer, sizeof(trailer));
        if (row.failed)
            txn->rc = ENOMEM;
        else
            env_put(txn, state->dbi[item->table], name, buf_slice(&row));
    }
    buf_fini(&row);
}

/* Forget an item that is neither stored nor live. */
static void
item_drop(struct state *state, struct item *item)
{
    struct items *items = &state->tables[item->table];
    size_t place = place_of(items, name_of(item));
    assert(items->at[place] == item);
    items->count--;
    memmove(&items->at[place], &items->at[place + 1],
            (items->count - place) * sizeof(struct item *));
    item_destroy(item);
}

void
state_keep(struct state *state)
{
    assert(!state->failed);
    for (size_t i = 0; i < state->changed.count; i++) {
        struct item *item = state->changed.at[i];
        item->is_changed = item->is_damaged = false;
        item->is_stored = item->is_live;
        buf_clear(&item->stored);
        buf_append(&item->stored, item->live.data, item->is_live ? item->live.size : 0);
        if (!item->is_stored)
            item_drop(state, item);
    }
    state->changed.count = 0;
}

void
state_drop(struct state *state)
{
    for (size_t i = 0; i < state->changed.count; i++) {
        struct item *item = state->changed.at[i];
        item->is_changed = false;
        set_live(state, item, item->is_stored);
        buf_clear(&item->live);
        buf_append(&item->live, item->stored.data, item->stored.size);
        if (!item->is_stored)
            item_drop(state, item);
    }
    state->changed.count = 0;
    state->failed = false;
}

/* ---- Opening ---- */

static bool
item_load(struct state *state, enum state_table table, struct slice name, struct slice value)
{
    if (name.size == 0 || name.size > STATE_NAME_SIZE_MAX)
        return true; /* none of ours */
    struct item *item = item_add(state, table, name);
    if (!item)
        return false;
    item->is_damaged = !row_check((uint8_t)table, name, &value, NULL);
    item->is_stored = true;
    set_live(state, item, true);
    if (!item->is_damaged) {
        buf_append(&item->stored, value.data, value.size);
        buf_append(&item->live, value.data, value.size);
    }
    return !item->stored.failed && !item->live.failed;
}

static enum kith_err
table_load(struct state *state, enum state_table table, struct fault *fault)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    bool has_room = true;
    MDB_txn *txn = env_reader(state->env);
    int rc = txn ? mdb_cursor_open(txn, state->dbi[table], &cursor) : MDB_CORRUPTED;
    while (rc == 0 && has_room && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
        has_room = item_load(state, table, env_slice(key), env_slice(value));
    if (cursor)
        mdb_cursor_close(cursor);
    if (!has_room) {
        fault_set(fault, "%s: out of memory", state->env->dir);
        return KITH_UNAVAILABLE;
    }
    if (rc == MDB_NOTFOUND)
        return KITH_OK;
    fault_set(fault, "%s/data.mdb is damaged: restore it from a backup", state->env->dir);
    return KITH_INTERNAL;
}

static enum kith_err
tables_open(struct state *state, struct fault *fault)
{
#define X(id, name) name,
    static const char *const names[] = {STATE_TABLE_LIST(X)};
#undef X
    struct env_txn txn;
    env_begin(&txn, state->env);
    for (unsigned i = 0; i < STATE_TABLE_COUNT; i++)
        state->dbi[i] = env_table(&txn, names[i]);
    enum kith_err err = env_commit(&txn, fault);
    for (unsigned i = 0; i < STATE_TABLE_COUNT && err == KITH_OK; i++)
        err = table_load(state, (enum state_table)i, fault);
    return err;
}

enum kith_err
state_open(struct state **out, struct env *env, struct fault *fault)
{
    struct state *state = calloc(1, sizeof(*state));
    if (!state) {
        fault_set(fault, "%s: out of memory", env->dir);
        return KITH_UNAVAILABLE;
    }
    state->env = env;
    enum kith_err err = tables_open(state, fault);
    if (err != KITH_OK) {
        state_close(state);
        return err;
    }
    *out = state;
    return KITH_OK;
}

void
state_close(struct state *state)
{
    if (!state)
        return;
    for (unsigned i = 0; i < STATE_TABLE_COUNT; i++) {
        for (size_t k = 0; k < state->tables[i].count; k++)
            item_destroy(state->tables[i].at[k]);
        free(state->tables[i].at);
    }
    free(state->changed.at);
    free(state);
}
