#include "store/verify_place.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "store/env.h"
#include "store/heads.h"
#include "store/row.h"

#define MAP_SIZE_DEFAULT   ((uint64_t)1 << 40)
#define PROGRESS_ROW_COUNT 4096 /* between two looks at the clock, at most */
#define PROGRESS_SIZE      ((uint64_t)256 * 1024)
#define KEY_SIZE_LIMIT     512 /* more than LMDB's longest key */

/* A daemon that commits all the time may come between two looks, but not so often. */
#define TRIES_MAX 1000

void
verify_found(const struct verify *verify, seq_t first, seq_t last, const char *format, ...)
{
    char text[FAULT_SIZE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    verify->state->findings++;
    verify->found(verify->context, &(struct verify_finding){first, last, text});
}

void
verify_read(const struct verify *verify, size_t size)
{
    struct verify_state *state = verify->state;
    state->bytes += size;
    state->unseen_rows++;
    state->unseen_bytes += size;
    if (state->unseen_rows < PROGRESS_ROW_COUNT && state->unseen_bytes < PROGRESS_SIZE)
        return;
    state->unseen_rows = state->unseen_bytes = 0;
    verify->progress(verify->context);
}

/* ---- The environment ---- */

bool
place_exists(struct place *place, const struct verify *verify, const char *dir, const char *name)
{
    struct stat status;
    *place = (struct place){.verify = verify, .name = name};
    snprintf(place->dir, sizeof(place->dir), "%s/%s", dir, name);
    snprintf(place->path, sizeof(place->path), "%s/%s/data.mdb", dir, name);
    return stat(place->path, &status) == 0 && status.st_size > 0;
}

void
place_check_heads(const struct place *place)
{
    unsigned tries = place->verify->is_online ? TRIES_MAX : 1;
    while (tries > 0 && !heads_are_sound(place->path))
        tries--;
    if (tries == 0)
        verify_found(place->verify, 0, 0, "%s: one of the two heads of the file is damaged",
                     place->name);
}

/* The number of pages is that of the last commit, which may already be a later one than that of the
 * snapshot: then it is larger, and less is noticed, but nothing is taken for damage that is none.
 */
static int
snapshot_take(struct place *place)
{
    for (unsigned tries = TRIES_MAX; tries > 0; tries--) {
        MDB_envinfo info;
        int rc = mdb_txn_begin(place->mdb, NULL, MDB_RDONLY, &place->txn);
        if (rc == 0)
            rc = mdb_env_info(place->mdb, &info);
        if (rc != 0)
            return rc;
        place->page_count = (uint64_t)info.me_last_pgno + 1;
        if (info.me_last_txnid == mdb_txn_id(place->txn))
            return 0;
        if (tries > 1)
            mdb_txn_abort(place->txn);
    }
    return 0;
}

static int
place_try(struct place *place)
{
    const struct verify *verify = place->verify;
    unsigned flags = MDB_RDONLY | MDB_NOTLS | (verify->is_online ? 0 : MDB_NOLOCK);
    int rc = mdb_env_create(&place->mdb);
    if (rc == 0)
        rc =
            mdb_env_set_mapsize(place->mdb, verify->map_size ? verify->map_size : MAP_SIZE_DEFAULT);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(place->mdb, ENV_TABLES_MAX);
    if (rc == 0)
        rc = mdb_env_open(place->mdb, place->dir, flags, 0600);
    return rc == 0 ? snapshot_take(place) : rc;
}

/* A daemon that makes its views anew removes the file, then its lock file. Whoever comes between
 * the two would have the lock of another file: then the name leads elsewhere by now. */
static bool
is_still_there(const struct place *place)
{
    struct stat named, opened;
    int fd;
    return mdb_env_get_fd(place->mdb, &fd) == 0 && fstat(fd, &opened) == 0 &&
           stat(place->path, &named) == 0 && named.st_dev == opened.st_dev &&
           named.st_ino == opened.st_ino;
}

/* Negative codes are LMDB's, and speak of the file, but for these. */
static bool
is_refusal(int rc)
{
    return rc > 0 || rc == MDB_READERS_FULL || rc == MDB_MAP_RESIZED;
}

static bool
place_failed(struct place *place, int rc)
{
    const struct verify *verify = place->verify;
    if (is_refusal(rc))
        fault_set(&verify->state->fault, "%s cannot be opened: %s", place->path, mdb_strerror(rc));
    else
        verify_found(verify, 0, 0, "%s/data.mdb cannot be opened: %s", place->name,
                     mdb_strerror(rc));
    return false;
}

bool
place_open(struct place *place)
{
    for (unsigned tries = TRIES_MAX; tries > 0; tries--) {
        int rc = place_try(place);
        if (rc != 0 && (!place->verify->is_online || rc != ENOENT))
            return place_failed(place, rc);
        if (rc == 0 && is_still_there(place))
            return true;
        place_close(place);
    }
    fault_set(&place->verify->state->fault, "%s is removed again and again", place->path);
    return false;
}

void
place_close(struct place *place)
{
    if (place->txn)
        mdb_txn_abort(place->txn);
    if (place->mdb)
        mdb_env_close(place->mdb);
    place->txn = NULL;
    place->mdb = NULL;
}

bool
place_renew(struct place *place)
{
    mdb_txn_abort(place->txn);
    place->txn = NULL;
    int rc = snapshot_take(place);
    return rc == 0 || place_failed(place, rc);
}

bool
place_table(struct place *place, const char *name, MDB_dbi *table)
{
    int rc = mdb_dbi_open(place->txn, name, 0, table);
    if (rc != 0 && rc != MDB_NOTFOUND)
        verify_found(place->verify, 0, 0, "%s: the table %s cannot be opened: %s", place->name,
                     name, mdb_strerror(rc));
    return rc == 0;
}

/* ---- One table ---- */

/* A damaged branch page leads a search astray where a walk along the leaves notices nothing. */
static bool
is_found(const struct walk *walk, MDB_val key, MDB_val value)
{
    MDB_val again;
    return mdb_get(walk->place->txn, walk->table, &key, &again) == 0 &&
           again.mv_data == value.mv_data && again.mv_size == value.mv_size;
}

static bool
is_behind(struct slice key, const uint8_t *before, size_t size)
{
    return size == 0 || key_compare(slice_of(before, size), key) < 0;
}

/* All went well up to the end that @rc tells of: is it the right one? */
static void
end_check(const struct walk *walk, int rc)
{
    const struct place *place = walk->place;
    MDB_stat stat = {0};
    if (rc != MDB_NOTFOUND)
        verify_found(place->verify, 0, 0, "%s: table %s: behind row %llu: %s", place->name,
                     walk->name, (unsigned long long)walk->count, mdb_strerror(rc));
    else if (mdb_stat(place->txn, walk->table, &stat) == 0 && stat.ms_entries != walk->count)
        verify_found(place->verify, 0, 0, "%s: table %s: %llu rows of %llu are there", place->name,
                     walk->name, (unsigned long long)walk->count,
                     (unsigned long long)stat.ms_entries);
}

void
walk_run(struct walk *walk)
{
    const struct verify *verify = walk->place->verify;
    const char *where = walk->place->name;
    uint8_t before[KEY_SIZE_LIMIT];
    size_t before_size = 0;
    MDB_cursor *cursor;
    MDB_val key, value;

    int rc = mdb_cursor_open(walk->place->txn, walk->table, &cursor);
    if (rc != 0) {
        verify_found(verify, 0, 0, "%s: table %s: %s", where, walk->name, mdb_strerror(rc));
        return;
    }
    bool good = true;
    while (good && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        struct slice name = env_slice(key);
        good = name.size > 0 && name.size < sizeof(before) &&
               is_behind(name, before, before_size) && is_found(walk, key, value);
        if (good) {
            memcpy(before, name.data, before_size = name.size);
            walk->row(walk, name, env_slice(value));
        } else {
            verify_found(verify, 0, 0, "%s: table %s: row %llu is not where its key belongs", where,
                         walk->name, (unsigned long long)walk->count + 1);
        }
        walk->count++;
        verify_read(verify, key.mv_size + value.mv_size);
    }
    if (good)
        end_check(walk, rc);
    mdb_cursor_close(cursor);
}
