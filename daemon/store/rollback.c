#include "store/rollback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "store/row.h"

#define ROW_NAME  "rollback"
#define ROW_TABLE 0 /* seed of the row's hash */

void
rollback_note(struct env_txn *txn, MDB_dbi meta)
{
    struct heads heads;
    uint8_t row[sizeof(heads) + ROW_TRAILER_SIZE];
    struct slice name = slice_str(ROW_NAME);
    int fd;
    if (txn->rc == 0)
        txn->rc = mdb_env_get_fd(txn->env->mdb, &fd);
    if (txn->rc == 0 && !heads_read(fd, &heads))
        txn->rc = MDB_CORRUPTED;
    if (txn->rc != 0)
        return;
    memcpy(row, &heads, sizeof(heads));
    put_be32(row + sizeof(heads),
             (uint32_t)row_hash(ROW_TABLE, name, slice_of(row, sizeof(heads))));
    env_put(txn, meta, name, slice_of(row, sizeof(row)));
}

void
rollback_forget(struct env_txn *txn, MDB_dbi meta)
{
    env_del(txn, meta, slice_str(ROW_NAME));
}

bool
rollback_get(struct env_txn *txn, MDB_dbi meta, struct heads *heads)
{
    struct slice name = slice_str(ROW_NAME), row = env_get(txn, meta, name);
    if (!row.data || !row_check(ROW_TABLE, name, &row, NULL) || row.size != sizeof(*heads))
        return false;
    memcpy(heads, row.data, sizeof(*heads));
    return true;
}

/* A file of the environment, or -1. */
static int
file_open(const char *dir, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        errno = ENOMEM;
        return -1;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int rc = errno;
    free(path);
    errno = rc;
    return fd;
}

/* LMDB's own lock: every process that has the environment open shares its first byte. Whoever opens
 * it now waits until this one is let go, and begins with the heads that are there then. */
static bool
lock_alone(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_SETLK, &lock) == 0;
}

enum kith_err
rollback_apply(const char *dir, const struct heads *heads, struct fault *fault)
{
    enum kith_err err = KITH_UNAVAILABLE;
    int lock = file_open(dir, "lock.mdb"), data = file_open(dir, "data.mdb"), rc;
    if (lock < 0 || data < 0) {
        fault_set(fault, "%s: %s", dir, strerror(errno));
    } else if (!lock_alone(lock)) {
        fault_set(fault, "%s: a checkpoint ended half way, and another process looks at it", dir);
        err = KITH_INTERNAL;
    } else if ((rc = heads_write(data, heads)) != 0) {
        fault_set(fault, "%s: cannot write: %s", dir, strerror(rc));
    } else {
        err = KITH_OK;
    }
    if (data >= 0)
        close(data);
    if (lock >= 0)
        close(lock);
    return err;
}
