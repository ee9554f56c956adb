/* unit/store/scratch.h: a data directory for one test, and damage done to it.
 *
 * Each test program is one file, so these are static and inline.
 */
#ifndef KITH_TEST_SCRATCH_H
#define KITH_TEST_SCRATCH_H

#include <ftw.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/types.h"
#include "store/store.h"

/* The message of the last line that failed is cmocka's; this one is for conditions without values.
 */
#define check(expr) assert_true(expr)

#define SCRATCH_PATH_MAX 256
#define SCRATCH_MAP_SIZE ((uint64_t)256 * 1024 * 1024)

struct scratch {
    char dir[SCRATCH_PATH_MAX];  /* made for this test */
    char data[SCRATCH_PATH_MAX]; /* within it, not made */
};

static inline void
scratch_path(const struct scratch *scratch, const char *name, char out[SCRATCH_PATH_MAX])
{
    int size = snprintf(out, SCRATCH_PATH_MAX, "%.200s/%.50s", scratch->dir, name);
    check(size > 0 && size < SCRATCH_PATH_MAX);
}

static inline int
scratch_setup(void **state)
{
    struct scratch *scratch = calloc(1, sizeof(*scratch));
    const char *parent = getenv("TMPDIR");
    check(scratch != NULL);
    snprintf(scratch->dir, sizeof(scratch->dir), "%.200s/kith-store-XXXXXX",
             parent ? parent : "/tmp");
    check(mkdtemp(scratch->dir) != NULL);
    scratch_path(scratch, "data", scratch->data);
    *state = scratch;
    return 0;
}

static inline int
scratch_remove(const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)stat, (void)type, (void)place;
    return remove(path);
}

static inline int
scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    nftw(scratch->dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(scratch);
    return 0;
}

/* A store, which has to open. */
static inline struct store *
scratch_open_with(const struct store_options *options)
{
    struct fault fault = {0};
    struct store *store = NULL;
    if (store_open(&store, options, &fault) != KITH_OK)
        fail_msg("%s", fault.text);
    return store;
}

/* The store in it, made if need be, with so much address space. */
static inline struct store *
scratch_open(const struct scratch *scratch, uint64_t map_size)
{
    return scratch_open_with(&(struct store_options){.dir = scratch->data, .map_size = map_size});
}

/* Wait for a child; its exit status, or 128 and the signal that ended it. */
static inline int
scratch_wait(pid_t child)
{
    int status;
    check(child > 0);
    check(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define scratch_test(function) \
    cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

/* splitmix64: a seed says everything about a run. */
static inline uint64_t
random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static inline uint64_t
random_below(uint64_t *state, uint64_t limit)
{
    return random_next(state) % limit;
}

/* ---- Damage, done behind the store's back while it is closed ---- */

struct mdb_place {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
};

static inline struct mdb_place
mdb_place_open(const struct scratch *scratch, const char *name, const char *table)
{
    struct mdb_place place;
    char path[SCRATCH_PATH_MAX];
    scratch_path(scratch, name, path);
    check(mdb_env_create(&place.env) == 0);
    check(mdb_env_set_maxdbs(place.env, 32) == 0);
    check(mdb_env_set_mapsize(place.env, SCRATCH_MAP_SIZE) == 0);
    check(mdb_env_open(place.env, path, 0, 0600) == 0);
    check(mdb_txn_begin(place.env, NULL, 0, &place.txn) == 0);
    check(mdb_dbi_open(place.txn, table, 0, &place.table) == 0);
    return place;
}

static inline void
mdb_place_close(struct mdb_place *place)
{
    check(mdb_txn_commit(place->txn) == 0);
    mdb_env_close(place->env);
}

/* Flip one bit of the value of @key, @from_end bytes before its end. */
static inline void
damage_value(const struct scratch *scratch, const char *name, const char *table, struct slice key,
             size_t from_end)
{
    uint8_t copy[1024];
    struct mdb_place place = mdb_place_open(scratch, name, table);
    MDB_val mdb_key = {key.size, (void *)(uintptr_t)key.data}, value;
    check(mdb_get(place.txn, place.table, &mdb_key, &value) == 0);
    check(value.mv_size <= sizeof(copy) && from_end < value.mv_size);
    memcpy(copy, value.mv_data, value.mv_size);
    copy[value.mv_size - 1 - from_end] ^= 0x10;
    value.mv_data = copy;
    check(mdb_put(place.txn, place.table, &mdb_key, &value, 0) == 0);
    mdb_place_close(&place);
}

static inline void
damage_delete(const struct scratch *scratch, const char *name, const char *table, struct slice key)
{
    struct mdb_place place = mdb_place_open(scratch, name, table);
    MDB_val mdb_key = {key.size, (void *)(uintptr_t)key.data};
    check(mdb_del(place.txn, place.table, &mdb_key, NULL) == 0);
    mdb_place_close(&place);
}

#endif
