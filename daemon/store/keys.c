#include "store/keys.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/endian.h"
#include "proto/limits.h"
#include "store/hash.h"
#include "store/parts.h"

#define KEYS_TABLE 0 /* seed of the rows' hashes */

/* A batch changes a key for each member it registers at most. */
#define PENDING_SIZE_MAX  ((size_t)256 * 1024 * 1024)
#define PENDING_KEEP_SIZE ((size_t)4 * 1024 * 1024)

struct keys {
    struct env *env;
    MDB_dbi table;
    struct arena arena; /* the pending rows */
    struct hash pending;
    bool failed; /* memory ran out within this batch */
};

static const struct row *
pending_find(const struct keys *keys, struct slice member)
{
    uint32_t hash = (uint32_t)key_hash(KEYS_TABLE, member);
    uint32_t place = hash_find(&keys->pending, &keys->arena, hash, KEYS_TABLE, member);
    return place ? arena_at(&keys->arena, place) : NULL;
}

/* The stored row; KITH_NOT_FOUND, or KITH_INTERNAL if it is damaged or cannot be read. */
static enum kith_err
stored_get(struct keys *keys, struct slice member, struct slice *value)
{
    MDB_val name = env_val(member), data;
    MDB_txn *txn = env_reader(keys->env);
    int rc = txn ? mdb_get(txn, keys->table, &name, &data) : MDB_CORRUPTED;
    if (rc == MDB_NOTFOUND)
        return KITH_NOT_FOUND;
    if (rc != 0)
        return KITH_INTERNAL;
    *value = env_slice(data);
    bool sound = row_check(KEYS_TABLE, member, value, NULL) && value->size == SEAL_KEY_SIZE;
    return sound ? KITH_OK : KITH_INTERNAL;
}

enum kith_err
keys_get(struct keys *keys, struct slice member, uint8_t key[SEAL_KEY_SIZE])
{
    assert(member.size > 0 && member.size <= KITH_MEMBER_SIZE_MAX);
    struct slice value;
    const struct row *row = pending_find(keys, member);
    if (row && row->state == ROW_DELETED)
        return KITH_NOT_FOUND;
    if (row) {
        value = row_value(&keys->arena, row);
    } else {
        enum kith_err err = stored_get(keys, member, &value);
        if (err != KITH_OK)
            return err;
    }
    assert(value.size == SEAL_KEY_SIZE);
    memcpy(key, value.data, SEAL_KEY_SIZE);
    return KITH_OK;
}

/* The row to change, made if need be; NULL if memory is short. */
static struct row *
pending_row(struct keys *keys, struct slice member)
{
    struct arena *arena = &keys->arena;
    if (!hash_ensure(&keys->pending) || !arena_ensure(arena, row_size(member, SEAL_KEY_SIZE)))
        return NULL;
    uint32_t hash = (uint32_t)key_hash(KEYS_TABLE, member);
    uint32_t *slot = hash_slot(&keys->pending, arena, hash, KEYS_TABLE, member);
    if (*slot == 0)
        *slot = row_make(arena, KEYS_TABLE, member, SEAL_KEY_SIZE);
    return arena_at(arena, *slot);
}

static void
change(struct keys *keys, struct slice member, enum row_state state, struct slice value)
{
    assert(member.size > 0 && member.size <= KITH_MEMBER_SIZE_MAX);
    struct row *row = keys->failed ? NULL : pending_row(keys, member);
    if (!row || !row_set(&keys->arena, row, value))
        keys->failed = true;
    else
        row->state = (uint8_t)state;
}

void
keys_put(struct keys *keys, struct slice member, const uint8_t key[SEAL_KEY_SIZE])
{
    change(keys, member, ROW_VALUE, slice_of(key, SEAL_KEY_SIZE));
}

void
keys_del(struct keys *keys, struct slice member)
{
    change(keys, member, ROW_DELETED, slice_of(NULL, 0));
}

bool
keys_has_pending(const struct keys *keys)
{
    return keys->pending.count > 0;
}

bool
keys_failed(const struct keys *keys)
{
    return keys->failed;
}

static void
row_write(const struct keys *keys, struct env_txn *txn, const struct row *row)
{
    uint8_t stored[SEAL_KEY_SIZE + ROW_TRAILER_SIZE];
    struct slice member = row_key(row), value = row_value(&keys->arena, row);
    if (row->state == ROW_DELETED) {
        env_del(txn, keys->table, member);
        return;
    }
    assert(row->state == ROW_VALUE && value.size == SEAL_KEY_SIZE);
    memcpy(stored, value.data, SEAL_KEY_SIZE);
    put_be32(stored + SEAL_KEY_SIZE, (uint32_t)row_hash(KEYS_TABLE, member, value));
    env_put(txn, keys->table, member, slice_of(stored, sizeof(stored)), 0);
}

void
keys_write(const struct keys *keys, struct env_txn *txn)
{
    assert(!keys->failed);
    if (keys->pending.count == 0)
        return;
    for (uint32_t i = 0; i <= keys->pending.mask; i++) {
        uint32_t place = keys->pending.slots[i].place;
        if (place != 0)
            row_write(keys, txn, arena_at(&keys->arena, place));
    }
}

void
keys_settle(struct keys *keys)
{
    if (keys->arena.used > ARENA_UNIT)
        sodium_memzero(arena_at(&keys->arena, 1), keys->arena.used - ARENA_UNIT);
    arena_clear(&keys->arena, PENDING_KEEP_SIZE);
    hash_clear(&keys->pending);
    keys->failed = false;
}

enum kith_err
keys_open(struct keys **out, struct env *env, struct fault *fault)
{
    struct keys *keys = calloc(1, sizeof(*keys));
    if (!keys || !arena_init(&keys->arena, PENDING_SIZE_MAX)) {
        free(keys);
        fault_set(fault, "%s: out of memory", env->dir);
        return KITH_UNAVAILABLE;
    }
    keys->env = env;
    struct env_txn txn;
    env_begin(&txn, env);
    keys->table = env_table_of(&txn, "keys", KEYS_COMMIT);
    enum kith_err err = env_commit(&txn, fault);
    if (err != KITH_OK) {
        keys_close(keys);
        return err;
    }
    *out = keys;
    return KITH_OK;
}

void
keys_close(struct keys *keys)
{
    if (!keys)
        return;
    keys_settle(keys);
    arena_fini(&keys->arena);
    hash_fini(&keys->pending);
    free(keys);
}
