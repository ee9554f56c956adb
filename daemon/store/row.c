#include "store/row.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "base/endian.h"

_Static_assert(ROW_VALUE_SIZE_MAX / 2 * 3 <= (size_t)UINT16_MAX * ARENA_UNIT,
               "a value that grows has a room that can be told");

static size_t
to_unit(size_t size)
{
    return (size + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT;
}

static size_t
head_size(struct slice key)
{
    return offsetof(struct row, key) + key.size;
}

size_t
row_size(struct slice key, size_t value_size)
{
    return to_unit(head_size(key)) + to_unit(value_size);
}

/* Its fields, at @place. */
static void
row_init(struct arena *arena, uint32_t place, uint8_t table, struct slice key)
{
    struct row *row = arena_at(arena, place);
    assert(key.size <= UINT8_MAX);
    *row = (struct row){.table = table, .key_size = (uint8_t)key.size, .state = ROW_NONE};
    if (key.size)
        memcpy(row->key, key.data, key.size);
}

/* The value's room of a row that has none yet. */
static void
row_lead(struct row *row, uint32_t apart, size_t room)
{
    assert(room <= (size_t)UINT16_MAX * ARENA_UNIT && room % ARENA_UNIT == 0);
    row->apart = apart;
    row->room = (uint16_t)(room / ARENA_UNIT);
}

uint32_t
row_make_apart(struct arena *arena, uint8_t table, struct slice key, size_t value_size)
{
    assert(value_size <= ROW_VALUE_SIZE_MAX);
    size_t head = to_unit(head_size(key)), room = to_unit(value_size);
    uint32_t place = arena_alloc(arena, head + room);
    if (place == 0)
        return 0;
    row_init(arena, place, table, key);
    row_lead(arena_at(arena, place), place + (uint32_t)(head / ARENA_UNIT), room);
    return place;
}

uint32_t
row_make(struct arena *arena, uint8_t table, struct slice key, size_t value_size)
{
    size_t size = to_unit(head_size(key) + value_size);
    if (size > UINT16_MAX)
        return row_make_apart(arena, table, key, value_size);
    uint32_t place = arena_alloc(arena, size);
    if (place == 0)
        return 0;
    row_init(arena, place, table, key);
    struct row *row = arena_at(arena, place);
    row->room = (uint16_t)(size - head_size(key));
    return place;
}

bool
row_set(struct arena *arena, struct row *row, struct slice value)
{
    assert(value.size <= ROW_VALUE_SIZE_MAX);
    if (value.size > row_room(row)) {
        /* Half as much again, so that a value that grows step by step leaves little behind. */
        size_t room = to_unit(value.size + value.size / 2);
        uint32_t place = arena_alloc(arena, room);
        if (place == 0)
            return false;
        row_lead(row, place, room);
    }
    if (value.size)
        memmove(row_bytes(arena, row), value.data, value.size);
    row->size = (uint32_t)value.size;
    return true;
}

uint64_t
key_hash(uint8_t table, struct slice key)
{
    return XXH3_64bits_withSeed(key.data, key.size, table);
}

uint64_t
value_hash(uint64_t key_hash, struct slice value)
{
    return XXH3_64bits_withSeed(value.data, value.size, key_hash);
}

uint64_t
row_hash(uint8_t table, struct slice key, struct slice value)
{
    return value_hash(key_hash(table, key), value);
}

bool
value_check(uint64_t key_hash, struct slice *value, uint64_t *hash)
{
    if (value->size < ROW_TRAILER_SIZE)
        return false;
    struct slice plain = {value->data, value->size - ROW_TRAILER_SIZE};
    uint64_t expected = value_hash(key_hash, plain);
    if (get_be32(plain.data + plain.size) != (uint32_t)expected)
        return false;
    *value = plain;
    if (hash)
        *hash = expected;
    return true;
}

bool
row_check(uint8_t table, struct slice key, struct slice *value, uint64_t *hash)
{
    return value_check(key_hash(table, key), value, hash);
}
