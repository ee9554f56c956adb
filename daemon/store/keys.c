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

/* The changes of one batch. */
struct changes {
    struct arena arena;
    struct hash rows;
};

struct keys {
    struct env *env;
    MDB_dbi table;
    struct changes changes[2];
    unsigned open; /* the changes of the open batch; the others are the sealed batch's */
    bool failed;   /* memory ran out within the open batch */
};

/* What a batch made of a key, copied to @key if it has one; false if the batch did not touch it. */
static bool
changes_get(const struct changes *changes, struct slice member, uint8_t key[SEAL_KEY_SIZE],
            enum kith_err *err)
{
    uint32_t hash = (uint32_t)key_hash(KEYS_TABLE, member);
    uint32_t place = hash_find(&changes->rows, &changes->arena, hash, KEYS_TABLE, member);
    if (place == 0)
        return false;
    const struct row *row = arena_at(&changes->arena, place);
    *err = row->state == ROW_DELETED ? KITH_NOT_FOUND : KITH_OK;
    if (row->state != ROW_DELETED)
        memcpy(key, row_value(&changes->arena, row).data, SEAL_KEY_SIZE);
    return true;
}

static void
changes_clear(struct changes *changes)
{
    if (changes->arena.used > ARENA_UNIT)
        sodium_memzero(arena_at(&changes->arena, 1), changes->arena.used - ARENA_UNIT);
    arena_clear(&changes->arena, PENDING_KEEP_SIZE);
    hash_clear(&changes->rows);
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
    enum kith_err err;
    if (changes_get(&keys->changes[keys->open], member, key, &err) ||
        changes_get(&keys->changes[!keys->open], member, key, &err))
        return err;
    err = stored_get(keys, member, &value);
    if (err == KITH_OK)
        memcpy(key, value.data, SEAL_KEY_SIZE);
    return err;
}

/* The row to change, made if need be; NULL if memory is short. */
static struct row *
pending_row(struct keys *keys, struct slice member)
{
    struct changes *changes = &keys->changes[keys->open];
    struct arena *arena = &changes->arena;
    if (!hash_ensure(&changes->rows) || !arena_ensure(arena, row_size(member, SEAL_KEY_SIZE)))
        return NULL;
    uint32_t hash = (uint32_t)key_hash(KEYS_TABLE, member);
    uint32_t *slot = hash_slot(&changes->rows, arena, hash, KEYS_TABLE, member);
    if (*slot == 0)
        *slot = row_make(arena, KEYS_TABLE, member, SEAL_KEY_SIZE);
    return arena_at(arena, *slot);
}

static void
change(struct keys *keys, struct slice member, enum row_state state, struct slice value)
{
    assert(member.size > 0 && member.size <= KITH_MEMBER_SIZE_MAX);
    struct row *row = keys->failed ? NULL : pending_row(keys, member);
    if (!row || !row_set(&keys->changes[keys->open].arena, row, value))
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
    return keys->changes[keys->open].rows.count > 0;
}

bool
keys_failed(const struct keys *keys)
{
    return keys->failed;
}

void
keys_seal(struct keys *keys)
{
    assert(!keys->failed && keys->changes[!keys->open].rows.count == 0);
    keys->open = !keys->open;
}

static void
row_write(const struct keys *keys, struct env_txn *txn, const struct changes *changes,
          const struct row *row)
{
    uint8_t stored[SEAL_KEY_SIZE + ROW_TRAILER_SIZE];
    struct slice member = row_key(row), value = row_value(&changes->arena, row);
    if (row->state == ROW_DELETED) {
        env_del(txn, keys->table, member);
        return;
    }
    assert(row->state == ROW_VALUE && value.size == SEAL_KEY_SIZE);
    memcpy(stored, value.data, SEAL_KEY_SIZE);
    put_be32(stored + SEAL_KEY_SIZE, (uint32_t)row_hash(KEYS_TABLE, member, value));
    env_put(txn, keys->table, member, slice_of(stored, sizeof(stored)));
}

void
keys_write(const struct keys *keys, struct env_txn *txn)
{
    const struct changes *changes = &keys->changes[!keys->open];
    if (changes->rows.count == 0)
        return;
    for (uint32_t i = 0; i <= changes->rows.mask; i++) {
        uint32_t place = changes->rows.slots[i].place;
        if (place != 0)
            row_write(keys, txn, changes, arena_at(&changes->arena, place));
    }
}

void
keys_settle(struct keys *keys)
{
    changes_clear(&keys->changes[!keys->open]);
}

void
keys_drop(struct keys *keys)
{
    changes_clear(&keys->changes[keys->open]);
    keys->failed = false;
}

enum kith_err
keys_open(struct keys **out, struct env *env, struct fault *fault)
{
    struct keys *keys = calloc(1, sizeof(*keys));
    if (!keys || !arena_init(&keys->changes[0].arena, PENDING_SIZE_MAX) ||
        !arena_init(&keys->changes[1].arena, PENDING_SIZE_MAX)) {
        keys_close(keys);
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
    for (unsigned i = 0; i < ARRAY_COUNT(keys->changes); i++) {
        changes_clear(&keys->changes[i]);
        arena_fini(&keys->changes[i].arena);
        hash_fini(&keys->changes[i].rows);
    }
    free(keys);
}
