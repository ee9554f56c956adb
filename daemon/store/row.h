/* store/row.h: one changed row in memory, and the hashes of rows.
 *
 * A row lives in an arena and never moves, so that an index holds its place and a value borrowed
 * from it stays put; a value that outgrows its room moves alone.
 *
 * Layer: store. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_STORE_ROW_H
#define KITH_STORE_ROW_H

#include "base/endian.h"
#include "base/types.h"
#include "store/arena.h"

enum row_state {
    ROW_NONE,    /* its change was undone: look at the level below */
    ROW_VALUE,   /* this is the value */
    ROW_DELETED, /* a tombstone: there is none, whatever the level below has */
    ROW_RUN      /* no row at all: it leads to the rows of a list, see runs.h */
};

/* Open for the indexes. There are millions: its fields are no larger than they must be. The key
 * follows, then the value, which may be at any byte; one that is large or that outgrew its room
 * lies apart, at a unit. */
struct row {
    uint32_t unit;  /* the last unit of change that touched it */
    uint32_t apart; /* place of the value, or 0 */
    uint32_t size : 24;
    uint32_t state : 8; /* enum row_state */
    uint16_t room;      /* for the value: bytes behind the key, units where it lies apart */
    uint8_t table, key_size;
    uint8_t key[];
};

#define ROW_VALUE_SIZE_MAX ((size_t)256 * 1024)

/* Bytes that a new row may take. */
size_t row_size(struct slice key, size_t value_size);

/* A new row in state ROW_NONE with room for @value_size bytes, as its place; 0 if memory is
 * short. @key is borrowed. */
uint32_t row_make(struct arena *arena, uint8_t table, struct slice key, size_t value_size);
/* The same, whose value lies apart, right behind it. */
uint32_t row_make_apart(struct arena *arena, uint8_t table, struct slice key, size_t value_size);

/* Set the value, which may lie within the row's own. False, and nothing changed, if memory is
 * short. */
bool row_set(struct arena *arena, struct row *row, struct slice value);

/* Where the value is, or may be put. */
static inline uint8_t *
row_bytes(const struct arena *arena, const struct row *row)
{
    if (row->apart)
        return arena_at(arena, row->apart);
    return arena->base + (row->key + row->key_size - arena->base);
}

static inline size_t
row_room(const struct row *row)
{
    return row->apart ? (size_t)row->room * ARENA_UNIT : row->room;
}

static inline struct slice
row_key(const struct row *row)
{
    return (struct slice){row->key, row->key_size};
}

static inline struct slice
row_value(const struct arena *arena, const struct row *row)
{
    return (struct slice){row_bytes(arena, row), row->size};
}

/* It is the row with this key. */
static inline bool
row_is(const struct row *row, uint8_t table, struct slice key)
{
    return row->table == table && row->key_size == key.size &&
           memcmp(row->key, key.data, key.size) == 0;
}

/* The order of LMDB: by bytes, a shorter string before a longer one that it begins. */
static inline int
key_compare(struct slice a, struct slice b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static inline bool
key_has_prefix(struct slice key, struct slice prefix)
{
    return key.size >= prefix.size &&
           (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

/* The 8 bytes of a key from @at on as one big number, with zeros behind its end. */
static inline uint64_t
key_word(struct slice key, size_t at)
{
    uint8_t bytes[8] = {0};
    size_t size = key.size > at ? key.size - at : 0;
    if (size >= sizeof(bytes))
        return get_be64(key.data + at);
    memcpy(bytes, key.data + key.size - size, size);
    return get_be64(bytes);
}

/* XXH3 of a key, seeded with its table. */
uint64_t key_hash(uint8_t table, struct slice key);

/* XXH3 of a whole row. The sum of a table is made of these; a stored value ends with the lower 32
 * bits. */
uint64_t row_hash(uint8_t table, struct slice key, struct slice value);
/* The same, of a row whose key_hash() is known. */
uint64_t value_hash(uint64_t key_hash, struct slice value);

#define ROW_TRAILER_SIZE 4

/* Check a stored value, trailer included, and cut the trailer off. False if it is damaged.
 * *hash may be NULL. */
bool row_check(uint8_t table, struct slice key, struct slice *value, uint64_t *hash);
bool value_check(uint64_t key_hash, struct slice *value, uint64_t *hash);

#endif
