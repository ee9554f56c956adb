/* store/overlay_key.h: a key made ready to be looked up in any overlay.
 *
 * Layer: store. Thread: any.
 */
#ifndef KITH_STORE_OVERLAY_KEY_H
#define KITH_STORE_OVERLAY_KEY_H

#include "base/assert.h"
#include "store/row.h"
#include "store/tables.h"

_Static_assert(VIEW_VALUE_SIZE_MAX <= ROW_VALUE_SIZE_MAX, "a row may have any value");

struct overlay_key {
    enum view_table table;
    struct slice key; /* borrowed */
    uint64_t hash;    /* of the whole key; of a list's row, of what tells the list */
};

/* What the keys of a list begin with, and what its rows are told apart by. */
static inline struct slice
list_key_owner(enum view_table table, struct slice key)
{
    assert(key.size >= view_tables[table].owner_size);
    return (struct slice){key.data, view_tables[table].owner_size};
}

static inline struct slice
list_key_rest(enum view_table table, struct slice key)
{
    size_t size = view_tables[table].owner_size;
    assert(key.size >= size);
    return (struct slice){key.data + size, key.size - size};
}

static inline struct overlay_key
overlay_key_of(enum view_table table, struct slice key)
{
    assert(table < VIEW_TABLE_COUNT && view_tables[table].kind != VIEW_KIND_FEED);
    assert(key.size <= VIEW_KEY_SIZE_MAX);
    bool is_list = view_tables[table].kind == VIEW_KIND_LIST;
    struct slice hashed = is_list ? list_key_owner(table, key) : key;
    return (struct overlay_key){table, key, key_hash((uint8_t)table, hashed)};
}

#endif
