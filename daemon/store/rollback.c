#include "store/rollback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "store/row.h"

#define ROW_NAME    "rollback"
#define ROW_TABLE   0 /* seed of the row's hash */
#define NUMBER_SIZE 8
#define ROW_SIZE    (NUMBER_SIZE + sizeof(struct heads))

/* What tells the file from its copies; 0 where that cannot be known. */
static uint64_t
file_number(struct env_txn *txn, int *fd)
{
    struct stat file;
    bool good = mdb_env_get_fd(txn->env->mdb, fd) == 0 && fstat(*fd, &file) == 0;
    return good ? file.st_ino : 0;
}

bool
rollback_note(struct env_txn *txn, MDB_dbi meta)
{
    struct heads heads;
    struct slice name = slice_str(ROW_NAME);
    uint8_t row[ROW_SIZE + ROW_TRAILER_SIZE];
    int fd;
    uint64_t number = file_number(txn, &fd);
    if (number == 0 || !heads_read(fd, &heads))
        return false;
    put_be64(row, number);
    memcpy(row + NUMBER_SIZE, &heads, sizeof(heads));
    put_be32(row + ROW_SIZE, (uint32_t)row_hash(ROW_TABLE, name, slice_of(row, ROW_SIZE)));
    env_put(txn, meta, name, slice_of(row, sizeof(row)));
    return true;
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
    int fd;
    if (!row.data || !row_check(ROW_TABLE, name, &row, NULL) || row.size != ROW_SIZE ||
        get_be64(row.data) != file_number(txn, &fd))
        return false;
    memcpy(heads, row.data + NUMBER_SIZE, sizeof(*heads));
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

/* LMDB's own lock: every process that has the environment open shares its first byte. 0, or an
 * errno. */
static int
lock_alone(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_SETLK, &lock) == 0 ? 0 : errno;
}

static enum kith_err
put_back(const char *dir, int lock, int data, const struct heads *heads, struct fault *fault)
{
    int rc = lock < 0 || data < 0 ? errno : lock_alone(lock);
    if (rc == EAGAIN || rc == EACCES) {
        fault_set(fault, "%s: a checkpoint ended half way, and another process looks at it", dir);
        return KITH_INTERNAL;
    }
    if (rc == 0)
        rc = heads_write(data, heads);
    if (rc == 0)
        return KITH_OK;
    fault_set(fault, "%s: cannot go back to the last whole checkpoint: %s", dir, strerror(rc));
    return KITH_UNAVAILABLE;
}

enum kith_err
rollback_apply(const char *dir, const struct heads *heads, struct fault *fault)
{
    int data = file_open(dir, "data.mdb"), lock = data >= 0 ? file_open(dir, "lock.mdb") : -1;
    enum kith_err err = put_back(dir, lock, data, heads, fault);
    if (data >= 0)
        close(data);
    if (lock >= 0)
        close(lock);
    return err;
}
