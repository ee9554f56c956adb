#include "store/row.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "base/endian.h"

static size_t
to_unit(size_t size)
{
    return (size + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT;
}

size_t
row_size(struct slice key, size_t value_size)
{
    return to_unit(offsetof(struct row, key) + key.size) + to_unit(value_size);
}

uint32_t
row_make(struct arena *arena, uint8_t table, struct slice key, size_t value_size)
{
    assert(key.size <= UINT8_MAX);
    assert(value_size <= UINT32_MAX / 2);

    size_t head = to_unit(offsetof(struct row, key) + key.size);
    size_t room = to_unit(value_size);
    uint32_t place = arena_alloc(arena, head + room);
    if (place == 0)
        return 0;

    struct row *row = arena_at(arena, place);
    *row = (struct row){.value = place + (uint32_t)(head / ARENA_UNIT),
                        .room = (uint32_t)room,
                        .table = table,
                        .key_size = (uint8_t)key.size,
                        .state = ROW_NONE};
    memcpy(row->key, key.data, key.size);
    return place;
}

bool
row_set(struct arena *arena, struct row *row, struct slice value)
{
    assert(value.size <= UINT32_MAX / 2);
    if (value.size > row->room) {
        /* Half as much again, so that a value that grows step by step leaves little behind. */
        size_t room = to_unit(value.size + value.size / 2);
        uint32_t place = arena_alloc(arena, room);
        if (place == 0)
            return false;
        row->value = place;
        row->room = (uint32_t)room;
    }
    if (value.size)
        memmove(arena_at(arena, row->value), value.data, value.size);
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
