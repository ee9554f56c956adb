/* store/hash.h: rows by their key, or by what it begins with: the busiest memory of the daemon.
 *
 * Open addressing with linear probing. A slot is 8 bytes, the hash and the place of the row, eight
 * to a cache line: a row that is not there costs one cache miss, a row that is there one more for
 * key and value. Rows are never removed one by one; a hash is cleared as a whole.
 *
 * Layer: store. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_STORE_HASH_H
#define KITH_STORE_HASH_H

#include "store/row.h"

struct hash_slot {
    uint32_t hash;
    uint32_t place; /* of the row; 0 means the slot is free */
};

/* Open for iteration: slots[0 .. mask], free ones included. A zeroed struct is an empty hash. */
struct hash {
    struct hash_slot *slots; /* NULL, or mask + 1 of them */
    uint32_t mask;
    uint32_t count;
};

void hash_fini(struct hash *hash);

/* Forget all rows. Keeps the memory, but halves what was mostly unused. */
void hash_clear(struct hash *hash);

/* Whether a row is the one that is looked for: row_is(), or another that is written down here, so
 * that a search costs no call. */
typedef bool hash_is_fn(const struct row *row, uint8_t table, struct slice key);

/* The place of the row of @table that @is says is @key's, whose key_hash() is @key_hash, or 0. */
static inline uint32_t
hash_find_by(const struct hash *hash, const struct arena *arena, uint32_t key_hash, uint8_t table,
             struct slice key, hash_is_fn *is)
{
    if (hash->count == 0)
        return 0;
    for (uint32_t i = key_hash & hash->mask;; i = (i + 1) & hash->mask) {
        const struct hash_slot *slot = &hash->slots[i];
        if (slot->place == 0)
            return 0;
        if (slot->hash == key_hash && is(arena_at(arena, slot->place), table, key))
            return slot->place;
    }
}

static inline uint32_t
hash_find(const struct hash *hash, const struct arena *arena, uint32_t key_hash, uint8_t table,
          struct slice key)
{
    return hash_find_by(hash, arena, key_hash, table, key, row_is);
}

/* The place of the first row with this hash, which may be of another key; 0 if there is none. */
static inline uint32_t
hash_first(const struct hash *hash, uint32_t key_hash)
{
    if (hash->count == 0)
        return 0;
    for (uint32_t i = key_hash & hash->mask;; i = (i + 1) & hash->mask)
        if (hash->slots[i].place == 0 || hash->slots[i].hash == key_hash)
            return hash->slots[i].place;
}

/* hash_find() will be asked for it: fetch its slot. */
static inline void
hash_expect(const struct hash *hash, uint32_t key_hash)
{
    if (hash->count > 0)
        __builtin_prefetch(&hash->slots[key_hash & hash->mask]);
}

/* Twice the slots; false if memory is short. */
bool hash_grow(struct hash *hash);

/* Make sure that one more row fits; false if memory is short. At most 5/8 full: a probe then meets
 * less than two rows in the mean. */
static inline bool
hash_ensure(struct hash *hash)
{
    if (hash->slots && (uint64_t)hash->count * 8 < ((uint64_t)hash->mask + 1) * 5)
        return true;
    return hash_grow(hash);
}

/* Where the place of the row is held, after hash_ensure(): 0 is there if the row is new, and the
 * caller sets it. Valid until the next hash_ensure(). */
static inline uint32_t *
hash_slot_by(struct hash *hash, const struct arena *arena, uint32_t key_hash, uint8_t table,
             struct slice key, hash_is_fn *is)
{
    for (uint32_t i = key_hash & hash->mask;; i = (i + 1) & hash->mask) {
        struct hash_slot *slot = &hash->slots[i];
        if (slot->place == 0) {
            slot->hash = key_hash;
            hash->count++;
            return &slot->place;
        }
        if (slot->hash == key_hash && is(arena_at(arena, slot->place), table, key))
            return &slot->place;
    }
}

static inline uint32_t *
hash_slot(struct hash *hash, const struct arena *arena, uint32_t key_hash, uint8_t table,
          struct slice key)
{
    return hash_slot_by(hash, arena, key_hash, table, key, row_is);
}

/* Bytes of memory in use. */
size_t hash_size(const struct hash *hash);

#endif
