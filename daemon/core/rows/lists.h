/* core/rows/lists.h: the keys of the ordered tables.
 *
 * A key is a composite of big-endian numbers, so that byte order is list order. Lists that show
 * the newest first hold the complement of a sequence.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_ROWS_LISTS_H
#define KITH_CORE_ROWS_LISTS_H

#include "base/assert.h"
#include "base/endian.h"
#include "base/types.h"
#include "store/tables.h"

struct list_key {
    uint8_t bytes[VIEW_LIST_KEY_SIZE_MAX];
    size_t size;
};

static inline struct slice
list_key_slice(const struct list_key *key)
{
    return slice_of(key->bytes, key->size);
}

static inline void
list_key_u32(struct list_key *key, uint64_t value)
{
    assert(key->size + 4 <= sizeof(key->bytes) && value <= UINT32_MAX);
    put_be32(key->bytes + key->size, (uint32_t)value);
    key->size += 4;
}

static inline void
list_key_u64(struct list_key *key, uint64_t value)
{
    assert(key->size + 8 <= sizeof(key->bytes));
    put_be64(key->bytes + key->size, value);
    key->size += 8;
}

/* A member's own part of a list: the prefix of all its keys. */
static inline struct list_key
list_of(uint64_t member)
{
    struct list_key key = {.size = 0};
    list_key_u32(&key, member);
    return key;
}

/* (member, ~seq): newest first. */
static inline struct list_key
list_by_time(uint64_t member, seq_t seq)
{
    struct list_key key = list_of(member);
    list_key_u64(&key, ~seq);
    return key;
}

/* (member, other): by number. */
static inline struct list_key
list_by_number(uint64_t member, uint64_t other)
{
    struct list_key key = list_of(member);
    list_key_u32(&key, other);
    return key;
}

#endif
