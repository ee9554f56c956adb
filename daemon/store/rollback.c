#include "store/rollback.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/files.h"
#include "store/heads.h"

#define CHECKSUM_SIZE 16

/* What tells data.mdb from its copies, and from one that was made in its place: numbers of files
 * are used again, so when it was born counts as well, where the file system knows. */
struct identity {
    uint64_t number, born_s;
};

/* What is in the file, as the machine has it: it never leaves it. */
struct note {
    struct identity identity;
    struct heads heads;
    uint8_t checksum[CHECKSUM_SIZE]; /* of all before it */
};

static void
checksum_of(const struct note *note, uint8_t checksum[CHECKSUM_SIZE])
{
    crypto_generichash(checksum, CHECKSUM_SIZE, (const uint8_t *)note,
                       offsetof(struct note, checksum), NULL, 0);
}

static bool
is_sound(const struct note *note)
{
    uint8_t checksum[CHECKSUM_SIZE];
    checksum_of(note, checksum);
    return memcmp(checksum, note->checksum, CHECKSUM_SIZE) == 0;
}

/* 0, or an errno. */
static int
identify(int fd, struct identity *identity)
{
    struct statx file;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &file) != 0)
        return errno;
    bool is_born = file.stx_mask & STATX_BTIME;
    *identity = (struct identity){
        .number = file.stx_ino,
        .born_s = is_born ? (uint64_t)file.stx_btime.tv_sec : 0,
    };
    return 0;
}

int
rollback_note(const struct env *env)
{
    struct note note;
    int fd;
    memset(&note, 0, sizeof(note));
    if (mdb_env_get_fd(env->mdb, &fd) != 0 || !heads_read(fd, &note.heads))
        return EIO;
    int rc = identify(fd, &note.identity);
    char *path = rc == 0 ? path_join(env->dir, ROLLBACK_NAME) : NULL;
    if (!path)
        return rc ? rc : ENOMEM;
    checksum_of(&note, note.checksum);
    rc = file_replace(path, &note, sizeof(note));
    free(path);
    return rc;
}

int
rollback_forget(const char *dir)
{
    char *path = path_join(dir, ROLLBACK_NAME);
    int rc = path ? file_remove(path) : ENOMEM;
    free(path);
    return rc == 0 ? directory_sync(dir) : rc;
}

bool
rollback_exists(const char *dir)
{
    char *path = path_join(dir, ROLLBACK_NAME);
    bool is_gone = path && access(path, F_OK) != 0 && errno == ENOENT;
    free(path);
    return !is_gone;
}

/* ---- Going back ---- */

/* LMDB's own lock: every process that has the environment open shares its first byte. 0, or an
 * errno. */
static int
lock_alone(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_SETLK, &lock) == 0 ? 0 : errno;
}

static enum kith_err
no_way(const char *dir, const char *why, struct fault *fault)
{
    fault_set(fault, "%s: a checkpoint ended half way, and %s", dir, why);
    return KITH_INTERNAL;
}

static enum kith_err
refused(const char *dir, int rc, struct fault *fault)
{
    fault_set(fault,
              "%s: cannot go back to the last whole checkpoint: %s: mend that, or remove the "
              "directory, and it is made anew from the log",
              dir, strerror(rc));
    return KITH_UNAVAILABLE;
}

static enum kith_err
put_back(const char *dir, int lock, int data, const struct note *note, struct fault *fault)
{
    struct identity found;
    int rc = identify(data, &found);
    if (rc != 0)
        return refused(dir, rc, fault);
    if (memcmp(&found, &note->identity, sizeof(found)) != 0)
        return no_way(dir, "data.mdb is a copy", fault);
    rc = lock_alone(lock);
    if (rc == EAGAIN || rc == EACCES)
        return no_way(dir, "another process looks at it", fault);
    if (rc == 0)
        rc = heads_write(data, &note->heads);
    if (rc == 0)
        rc = rollback_forget(dir);
    return rc == 0 ? KITH_OK : refused(dir, rc, fault);
}

/* A file of the directory, or -1 with errno. */
static int
file_open(const char *dir, const char *name, int flags)
{
    char *path = path_join(dir, name);
    int fd = path ? open(path, flags | O_CLOEXEC, 0600) : -1;
    int rc = errno;
    free(path);
    errno = rc;
    return fd;
}

static enum kith_err
note_apply(const char *dir, const struct note *note, struct fault *fault)
{
    int data = file_open(dir, "data.mdb", O_RDWR);
    if (data < 0)
        return errno == ENOENT ? no_way(dir, "data.mdb is gone", fault)
                               : refused(dir, errno, fault);
    int lock = file_open(dir, "lock.mdb", O_RDWR | O_CREAT);
    enum kith_err err =
        lock >= 0 ? put_back(dir, lock, data, note, fault) : refused(dir, errno, fault);
    close(data);
    if (lock >= 0)
        close(lock);
    return err;
}

enum kith_err
rollback_apply(const char *dir, struct fault *fault)
{
    struct note note;
    int fd = file_open(dir, ROLLBACK_NAME, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? KITH_OK : refused(dir, errno, fault);
    ssize_t size = read(fd, &note, sizeof(note));
    int rc = errno;
    close(fd);
    if (size < 0)
        return refused(dir, rc, fault);
    if (size != (ssize_t)sizeof(note) || !is_sound(&note))
        return no_way(dir, "the note of the way back is damaged", fault);
    return note_apply(dir, &note, fault);
}
