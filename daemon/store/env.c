#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/files.h"

/* Larger than anything a commit that met a full disk can have left unwritten by chance. */
#define PROBE_SIZE ((size_t)256 * 1024)

static uint64_t
file_size(const struct env *env)
{
    int fd;
    struct stat stat;
    if (mdb_env_get_fd(env->mdb, &fd) != 0 || fstat(fd, &stat) != 0)
        return 0;
    return (uint64_t)stat.st_size;
}

uint64_t
env_size(const struct env *env)
{
    return file_size(env);
}

size_t
env_page_size(const struct env *env)
{
    MDB_stat stat;
    int rc = mdb_env_stat(env->mdb, &stat);
    assert(rc == 0); /* of an open environment */
    return stat.ms_psize;
}

/* How long the file has to be for all pages that its last transaction may point to. */
static uint64_t
promised_size(const struct env *env)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(env->mdb, &info) != 0 || mdb_env_stat(env->mdb, &stat) != 0)
        return 0;
    return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

void
env_pad(struct env *env)
{
    int fd;
    uint64_t size = promised_size(env);
    if (file_size(env) < size && mdb_env_get_fd(env->mdb, &fd) == 0) {
        /* Sparse, so a full disk does not matter; failure leaves things as they were. */
        if (ftruncate(fd, (off_t)size) != 0)
            return;
    }
}

unsigned
env_reap_readers(struct env *env)
{
    int dead = 0;
    return mdb_reader_check(env->mdb, &dead) == 0 ? (unsigned)dead : 0;
}

static bool
is_damage(int rc)
{
    return rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND;
}

static int
directory_make(const char *dir)
{
    return mkdir(dir, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

static enum kith_err
open_failed(struct env *env, int rc, struct fault *fault)
{
    bool damaged = is_damage(rc);
    if (damaged)
        fault_set(fault, "%s/data.mdb is damaged or no LMDB file (%s): restore it from a backup",
                  env->dir, mdb_strerror(rc));
    else
        fault_set(fault, "%s: cannot open the database: %s", env->dir, mdb_strerror(rc));
    env_close(env);
    return damaged ? KITH_INTERNAL : KITH_UNAVAILABLE;
}

enum kith_err
env_open(struct env *env, const char *dir, uint64_t map_size, unsigned flags, struct fault *fault)
{
    assert(map_size > 0);
    *env = (struct env){.dir = strdup(dir)};
    int rc = env->dir ? directory_make(dir) : ENOMEM;
    if (rc != 0) {
        fault_set(fault, "%s: cannot make the directory: %s", dir, mdb_strerror(rc));
        env_close(env);
        return KITH_UNAVAILABLE;
    }
    rc = mdb_env_create(&env->mdb);
    if (rc == 0)
        rc = mdb_env_set_mapsize(env->mdb, map_size);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env->mdb, ENV_TABLES_MAX);
    if (rc == 0)
        rc = mdb_env_open(env->mdb, dir, flags | MDB_NOTLS, 0600);
    if (rc == 0) {
        int dead;
        rc = mdb_reader_check(env->mdb, &dead);
    }
    if (rc != 0)
        return open_failed(env, rc, fault);

    MDB_envinfo info;
    if (mdb_env_info(env->mdb, &info) == 0)
        env->commits = info.me_last_txnid;
    /* A page beyond the end of the file would be a SIGBUS; a page of zeros is an error code. */
    env->truncated = file_size(env) < promised_size(env);
    env_pad(env);
    return KITH_OK;
}

void
env_close(struct env *env)
{
    if (env->reader)
        mdb_txn_abort(env->reader);
    if (env->mdb)
        mdb_env_close(env->mdb);
    free(env->dir);
    *env = (struct env){0};
}

MDB_txn *
env_reader_renew(struct env *env)
{
    assert(!env->reader_live);
    int rc = env->reader ? mdb_txn_renew(env->reader)
                         : mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &env->reader);
    if (rc != 0)
        return NULL;
    env->reader_live = true;
    env->renewals++;
    return env->reader;
}

void
env_refresh(struct env *env)
{
    if (!env->reader_live)
        return;
    mdb_txn_reset(env->reader);
    env->reader_live = false;
}

void
env_begin(struct env_txn *txn, struct env *env)
{
    *txn = (struct env_txn){.env = env};
    txn->rc = mdb_txn_begin(env->mdb, NULL, 0, &txn->txn);
}

bool
env_is_level(const struct env_txn *txn)
{
    MDB_envinfo info;
    if (txn->rc != 0)
        return true; /* nothing follows anything, and whoever commits is told */
    return mdb_env_info(txn->env->mdb, &info) == 0 &&
           mdb_txn_id(txn->txn) == (size_t)txn->env->commits + 1;
}

MDB_dbi
env_table(struct env_txn *txn, const char *name)
{
    MDB_dbi table = 0;
    if (txn->rc == 0)
        txn->rc = mdb_dbi_open(txn->txn, name, MDB_CREATE, &table);
    env_refresh(txn->env); /* a reader does not know a table that was opened after it began */
    return table;
}

MDB_dbi
env_table_of(struct env_txn *txn, const char *name, uint64_t commit)
{
    MDB_dbi table = 0;
    if (txn->env->commits < commit)
        return env_table(txn, name);
    if (txn->rc == 0) {
        int rc = mdb_dbi_open(txn->txn, name, 0, &table);
        txn->rc = rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    }
    env_refresh(txn->env);
    return table;
}

struct slice
env_get(struct env_txn *txn, MDB_dbi table, struct slice key)
{
    MDB_val name = env_val(key), value;
    if (txn->rc != 0)
        return (struct slice){0};
    int rc = mdb_get(txn->txn, table, &name, &value);
    if (rc != 0 && rc != MDB_NOTFOUND)
        txn->rc = rc;
    return rc == 0 ? env_slice(value) : (struct slice){0};
}

void
env_put(struct env_txn *txn, MDB_dbi table, struct slice key, struct slice value)
{
    MDB_val name = env_val(key), data = env_val(value);
    if (txn->rc == 0)
        txn->rc = mdb_put(txn->txn, table, &name, &data, 0);
}

MDB_cursor *
env_append_begin(struct env_txn *txn, MDB_dbi table)
{
    MDB_cursor *cursor = NULL;
    if (txn->rc == 0)
        txn->rc = mdb_cursor_open(txn->txn, table, &cursor);
    return txn->rc == 0 ? cursor : NULL;
}

void
env_append(struct env_txn *txn, MDB_cursor *cursor, struct slice key, struct slice value)
{
    MDB_val name = env_val(key), data = env_val(value);
    if (txn->rc == 0)
        txn->rc = mdb_cursor_put(cursor, &name, &data, MDB_APPEND);
}

void
env_append_end(MDB_cursor *cursor)
{
    if (cursor)
        mdb_cursor_close(cursor);
}

void
env_del(struct env_txn *txn, MDB_dbi table, struct slice key)
{
    MDB_val name = env_val(key);
    if (txn->rc != 0)
        return;
    int rc = mdb_del(txn->txn, table, &name, NULL);
    if (rc != MDB_NOTFOUND)
        txn->rc = rc;
}

void
env_abort(struct env_txn *txn)
{
    if (txn->txn)
        mdb_txn_abort(txn->txn);
    txn->txn = NULL;
}

/* True for the codes that say that space ran out, be it of disk, quota, map or memory. */
static bool
is_short(int rc)
{
    static const int codes[] = {MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EDQUOT, EFBIG, ENOMEM};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (rc == codes[i])
            return true;
    }
    return false;
}

static int
probe_write(int fd, uint64_t at)
{
    static const uint8_t zeros[4096];
    for (size_t done = 0; done < PROBE_SIZE;) {
        ssize_t size = pwrite(fd, zeros, sizeof(zeros), (off_t)(at + done));
        if (size < 0 && errno != EINTR)
            return errno;
        done += size > 0 ? (size_t)size : 0;
    }
    return 0;
}

/* LMDB reports a write that was cut short, as a full disk does, as EIO. So ask the disk: write some
 * zeros where the file would have grown, to a file of our own. */
static bool
disk_is_full(const struct env *env)
{
    char *path = path_join(env->dir, "probe");
    if (!path)
        return false;
    bool full = false;
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        full = is_short(errno);
    } else {
        full = is_short(probe_write(fd, file_size(env)));
        close(fd);
        unlink(path);
    }
    free(path);
    return full;
}

static enum kith_err
commit_failed(const struct env *env, int rc, struct fault *fault)
{
    const char *cure = "free some space";
    if (rc == MDB_MAP_FULL)
        cure = "raise map_size";
    else if (rc == ENOMEM)
        cure = "free some memory";

    if (is_short(rc) || (rc == EIO && disk_is_full(env))) {
        fault_set(fault, "%s: cannot write: %s: %s", env->dir,
                  rc == EIO ? "the disk is full" : mdb_strerror(rc), cure);
        return KITH_UNAVAILABLE;
    }
    if (is_damage(rc)) {
        fault_set(fault, "%s/data.mdb is damaged (%s): restore it from a backup", env->dir,
                  mdb_strerror(rc));
        return KITH_INTERNAL;
    }
    fault_set(fault, "%s: a write failed in a way that leaves its outcome open: %s", env->dir,
              mdb_strerror(rc));
    return KITH_INTERNAL;
}

static void
commit(struct env_txn *txn)
{
    if (txn->rc != 0)
        return;
    assert(txn->txn);
    txn->rc = mdb_txn_commit(txn->txn);
    txn->txn = NULL; /* freed on failure too */
}

enum kith_err
env_commit(struct env_txn *txn, struct fault *fault)
{
    commit(txn);
    env_abort(txn);
    return txn->rc == 0 ? KITH_OK : commit_failed(txn->env, txn->rc, fault);
}

void
env_commit_part(struct env_txn *txn)
{
    MDB_env *mdb = txn->env->mdb;
    if (txn->rc == 0)
        txn->rc = mdb_env_set_flags(mdb, MDB_NOSYNC, 1);
    commit(txn);
    int rc = mdb_env_set_flags(mdb, MDB_NOSYNC, 0);
    assert(rc == 0);
    if (txn->rc != 0)
        return;
    env_pad(txn->env);
    txn->rc = mdb_txn_begin(txn->env->mdb, NULL, 0, &txn->txn);
}
