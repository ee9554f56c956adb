#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/verify_pages.h"
#include "store/views_inner.h"

#define MAP_SIZE_DEFAULT          ((uint64_t)1 << 40)
#define OVERLAY_SIZE_DEFAULT      ((uint64_t)512 * 1024 * 1024)
#define CHECKPOINT_EVENTS_DEFAULT 50000
#define CHECKPOINT_MS_DEFAULT     1000

/* In some tenths of a second: a row that is damaged, or that no longer lies where its key is looked
 * for, is found before it is missed. */
#define CHECKED_ROWS_DEFAULT 1000000

struct store {
    char *dir;
    int lock_fd;
    struct secrets secrets;
    struct env log_env;
    struct log *log;
    struct keys *keys;
    struct state *state;
    struct views *views;
    bool in_batch;
    uint64_t commits, commit_failures, commit_last_us;
};

struct log *
store_log(struct store *store)
{
    return store->log;
}

struct views *
store_views(struct store *store)
{
    return store->views;
}

struct keys *
store_keys(struct store *store)
{
    return store->keys;
}

struct state *
store_state(struct store *store)
{
    return store->state;
}

const struct secrets *
store_secrets(const struct store *store)
{
    return &store->secrets;
}

/* ---- Opening ---- */

/* The path of @name in the data directory; free with free(). NULL if memory is short. */
static char *
path_of(const struct store *store, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", store->dir, name) < 0 ? NULL : path;
}

static enum kith_err
out_of_memory(struct fault *fault)
{
    fault_set(fault, "out of memory");
    return KITH_UNAVAILABLE;
}

static enum kith_err
directory_open(struct store *store, struct fault *fault)
{
    struct stat stat_buf;
    if (mkdir(store->dir, 0700) != 0 && errno != EEXIST) {
        fault_set(fault, "%s: cannot make the data directory: %s", store->dir, strerror(errno));
        return KITH_UNAVAILABLE;
    }
    if (stat(store->dir, &stat_buf) != 0 || !S_ISDIR(stat_buf.st_mode)) {
        fault_set(fault, "%s: not a directory", store->dir);
        return KITH_UNAVAILABLE;
    }
    return KITH_OK;
}

/* Say in the file who has the lock, for whoever meets it. */
static void
lock_sign(int fd)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    /* Only a courtesy: the lock holds without it. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        return;
}

static void
lock_refused(const char *path, int fd, struct fault *fault)
{
    char text[32] = "?";
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    if (size > 0)
        text[strcspn(text, "\n")] = 0;
    fault_set(fault, "%s: another kithd (process %s) has this data directory: stop it first", path,
              text);
}

enum kith_err
store_lock(const char *dir, int *fd, struct fault *fault)
{
    char *path;
    *fd = -1;
    if (asprintf(&path, "%s/LOCK", dir) < 0)
        return out_of_memory(fault);
    enum kith_err err = KITH_UNAVAILABLE;
    *fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0) {
        fault_set(fault, "%s: %s", path, strerror(errno));
    } else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        lock_refused(path, *fd, fault);
    } else {
        lock_sign(*fd);
        err = KITH_OK;
    }
    free(path);
    return err;
}

/* Secrets are made together with the log, never behind one that was written with others. */
static enum kith_err
secrets_load(struct store *store, struct fault *fault)
{
    enum kith_err err;
    char *path = path_of(store, "secrets"), *log_path = path_of(store, "log/data.mdb");
    if (!path || !log_path)
        err = out_of_memory(fault);
    else
        err = secrets_open(path, access(log_path, F_OK) != 0, &store->secrets, fault);
    free(path);
    free(log_path);
    return err;
}

/* LMDB begins a file with two pages, in one write. What is shorter never had a commit. */
static bool
has_content(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_size >= 2 * sysconf(_SC_PAGESIZE);
}

/* A log is always made before the views, so that views without one mean that it was lost; to begin
 * anew in their place would hide it. Without them it is a first start that was cut short. */
static enum kith_err
loss_check(const struct store *store, struct fault *fault)
{
    enum kith_err err = KITH_OK;
    char *log_path = path_of(store, "log/data.mdb"), *views_path = path_of(store, "views/data.mdb");
    if (!log_path || !views_path) {
        err = out_of_memory(fault);
    } else if (!has_content(log_path) && has_content(views_path)) {
        fault_set(
            fault,
            "%s is missing or empty, but there are views of one: restore it from a backup, or "
            "remove the whole data directory to begin anew",
            log_path);
        err = KITH_INTERNAL;
    } else if (has_content(log_path) && !pages_heads_are_sound(log_path)) {
        fault_set(fault, "%s is damaged, and its last commit may be lost: restore it from a backup",
                  log_path);
        err = KITH_INTERNAL;
    } else if (!has_content(log_path) && unlink(log_path) != 0 && errno != ENOENT) {
        fault_set(fault, "%s: cannot remove it: %s", log_path, strerror(errno));
        err = KITH_UNAVAILABLE;
    }
    free(log_path);
    free(views_path);
    return err;
}

static enum kith_err
log_load(struct store *store, uint64_t map_size, struct fault *fault)
{
    char *path = path_of(store, "log");
    if (!path)
        return out_of_memory(fault);
    enum kith_err err = loss_check(store, fault);
    if (err == KITH_OK)
        err = env_open(&store->log_env, path, map_size, 0, fault);
    if (err == KITH_OK)
        err = log_open(&store->log, &store->log_env, fault);
    if (err == KITH_OK)
        err = keys_open(&store->keys, &store->log_env, fault);
    if (err == KITH_OK)
        err = state_open(&store->state, &store->log_env, fault);
    free(path);
    return err;
}

static enum kith_err
views_load(struct store *store, const struct store_options *options, struct fault *fault)
{
    char *path = path_of(store, "views");
    if (!path)
        return out_of_memory(fault);
    struct views_options inner = {
        .dir = path,
        .map_size = options->map_size,
        .overlay_size = options->overlay_size,
        .checkpoint_events = options->checkpoint_events,
        .checkpoint_ms = options->checkpoint_ms,
        .checked_rows = options->checked_rows,
        .rows_version = options->rows_version,
    };
    enum kith_err err = views_open(&store->views, store->log, &inner, fault);
    free(path);
    return err;
}

/* The names of new files are on disk before anybody is promised anything. */
static enum kith_err
names_sync(const struct store *store, struct fault *fault)
{
    const char *const dirs[] = {store->dir, store->log_env.dir};
    for (size_t i = 0; i < ARRAY_COUNT(dirs); i++) {
        int fd = open(dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int rc = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
        if (fd >= 0)
            close(fd);
        if (rc != 0) {
            fault_set(fault, "%s: %s", dirs[i], strerror(rc));
            return KITH_UNAVAILABLE;
        }
    }
    return KITH_OK;
}

static struct store_options
with_defaults(struct store_options options)
{
    if (options.map_size == 0)
        options.map_size = MAP_SIZE_DEFAULT;
    if (options.overlay_size == 0)
        options.overlay_size = OVERLAY_SIZE_DEFAULT;
    if (options.checkpoint_events == 0)
        options.checkpoint_events = CHECKPOINT_EVENTS_DEFAULT;
    if (options.checkpoint_ms == 0)
        options.checkpoint_ms = CHECKPOINT_MS_DEFAULT;
    if (options.checked_rows == 0)
        options.checked_rows = CHECKED_ROWS_DEFAULT;
    return options;
}

static enum kith_err
parts_open(struct store *store, const struct store_options *options, struct fault *fault)
{
    enum kith_err err = directory_open(store, fault);
    if (err == KITH_OK)
        err = store_lock(store->dir, &store->lock_fd, fault);
    if (err == KITH_OK)
        err = secrets_load(store, fault);
    if (err == KITH_OK)
        err = log_load(store, options->map_size, fault);
    if (err == KITH_OK)
        err = names_sync(store, fault);
    if (err == KITH_OK)
        err = views_load(store, options, fault);
    return err;
}

static void
parts_close(struct store *store)
{
    views_close(store->views);
    state_close(store->state);
    keys_close(store->keys);
    log_close(store->log);
    env_close(&store->log_env);
    sodium_memzero(&store->secrets, sizeof(store->secrets));
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store->dir);
    free(store);
}

enum kith_err
store_open(struct store **out, const struct store_options *options, struct fault *fault)
{
    struct store_options complete = with_defaults(*options);
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return out_of_memory(fault);
    store->lock_fd = -1;
    store->dir = strdup(complete.dir);
    enum kith_err err = store->dir ? parts_open(store, &complete, fault) : out_of_memory(fault);
    if (err != KITH_OK) {
        parts_close(store);
        return err;
    }
    *out = store;
    return KITH_OK;
}

void
store_close(struct store *store)
{
    if (!store)
        return;
    assert(!store->in_batch);
    /* A failure costs a longer replay at the next start, no more. */
    (void)views_checkpoint(store->views);
    parts_close(store);
}

enum kith_err
store_reset_views(struct store *store, struct fault *fault)
{
    assert(!store->in_batch);
    return views_reset(store->views, fault);
}

/* ---- The batch ---- */

void
store_begin(struct store *store)
{
    assert(!store->in_batch);
    assert(views_applied(store->views) == log_last(store->log) || views_error(store->views));
    views_begin(store->views);
    store->in_batch = true;
}

static void
batch_keep(struct store *store)
{
    log_keep(store->log);
    keys_settle(store->keys);
    state_keep(store->state);
    views_keep(store->views, log_last(store->log));
}

static void
batch_undo(struct store *store)
{
    log_drop(store->log);
    keys_settle(store->keys);
    state_drop(store->state);
    views_undo(store->views);
}

/* Did anything go wrong while the batch gathered? Then nothing of it may be written. */
static enum kith_err
batch_check(const struct store *store, struct fault *fault)
{
    if (views_error(store->views) == KITH_INTERNAL)
        fault_set(fault, "the views are damaged and have to be rebuilt");
    else if (log_failed(store->log) || keys_failed(store->keys) || state_failed(store->state) ||
             views_error(store->views) != KITH_OK)
        fault_set(fault, "out of memory");
    else
        return KITH_OK;
    return KITH_UNAVAILABLE;
}

/* The commit. It reads what is pending and nothing else of the loop's. */
static enum kith_err
batch_write(struct store *store, struct fault *fault)
{
    struct env_txn txn;
    env_begin(&txn, &store->log_env);
    log_write(store->log, &txn);
    keys_write(store->keys, &txn);
    state_write(store->state, &txn);
    return env_commit(&txn, fault);
}

static uint64_t
clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Write the batch and let the reader see it. */
static enum kith_err
batch_commit(struct store *store, struct fault *fault)
{
    uint64_t began_us = clock_us();
    enum kith_err err = batch_write(store, fault);
    store->commit_last_us = clock_us() - began_us;
    env_refresh(&store->log_env);
    if (err == KITH_OK)
        store->commits++;
    else
        store->commit_failures++;

    if (err == KITH_UNAVAILABLE && !log_is_unchanged(store->log)) {
        fault_set(fault, "%s: a commit failed, but not wholly", store->log_env.dir);
        return KITH_INTERNAL;
    }
    return err;
}

static bool
has_pending(const struct store *store)
{
    return log_has_pending(store->log) || keys_has_pending(store->keys) ||
           state_has_pending(store->state);
}

enum kith_err
store_end(struct store *store, struct fault *fault)
{
    assert(store->in_batch);
    enum kith_err err = batch_check(store, fault);
    if (err == KITH_OK && has_pending(store))
        err = batch_commit(store, fault);
    if (err == KITH_OK)
        batch_keep(store);
    else
        batch_undo(store);
    store->in_batch = false;
    return err;
}

void
store_abort(struct store *store)
{
    assert(store->in_batch);
    batch_undo(store);
    store->in_batch = false;
}

void
store_stats(const struct store *store, struct store_stats *out)
{
    struct statvfs disk;
    *out = (struct store_stats){
        .log_size = env_size(&store->log_env),
        .views_size = env_size(&store->views->env),
        .commits = store->commits,
        .commit_failures = store->commit_failures,
        .commit_last_us = store->commit_last_us,
    };
    if (statvfs(store->dir, &disk) == 0)
        out->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
}
