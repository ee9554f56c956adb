#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/monotonic.h"
#include "store/files.h"
#include "store/heads.h"
#include "store/views_inner.h"
#include "store/worker.h"

#define MAP_SIZE_DEFAULT     ((uint64_t)1 << 40)
#define OVERLAY_SIZE_DEFAULT ((uint64_t)320 * 1024 * 1024)
/* A checkpoint writes most pages whatever their rows have seen, so fewer ones cost less; but what
 * came since the last, half as much again while it was written included, is replayed after a crash:
 * a second or two where there are a million rows, some more where there are many. The time only
 * matters where little comes, and there is little to replay. */
#define CHECKPOINT_EVENTS_DEFAULT 350000
#define CHECKPOINT_MS_DEFAULT     5000
#define CHECKPOINT_MEMORY_DEFAULT ((uint64_t)32 * 1024 * 1024)

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
    bool is_sealed;       /* a batch is being written, or waits to be settled */
    bool is_state_sealed; /* and has changes of the state */
    uint64_t commits, commit_failures, commit_last_us;

    /* What came of the last write. They belong to the worker while it is busy. */
    struct worker worker;
    enum kith_err write_err;
    struct fault write_fault;
    uint64_t write_us;
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

static void write_job(void *context);

/* ---- Opening ---- */

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

long
store_lock_owner(int fd)
{
    char text[32] = "";
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    long owner = size > 0 ? strtol(text, NULL, 10) : 0;
    return owner > 0 ? owner : 0;
}

enum kith_err
store_lock(const char *dir, int *fd, struct fault *fault)
{
    char *path = path_join(dir, "LOCK");
    *fd = -1;
    if (!path)
        return out_of_memory(fault);
    enum kith_err err = KITH_UNAVAILABLE;
    *fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0) {
        fault_set(fault, "%s: %s", path, strerror(errno));
    } else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        fault_set(fault, "%s: another kithd (process %ld) has this data directory: stop it first",
                  path, store_lock_owner(*fd));
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
    char *path = path_join(store->dir, "secrets"),
         *log_path = path_join(store->dir, "log/data.mdb");
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
    int rc;
    char *log_path = path_join(store->dir, "log/data.mdb"),
         *views_path = path_join(store->dir, "views/data.mdb");
    if (!log_path || !views_path) {
        err = out_of_memory(fault);
    } else if (!has_content(log_path) && has_content(views_path)) {
        fault_set(
            fault,
            "%s is missing or empty, but there are views of one: restore it from a backup, or "
            "remove the whole data directory to begin anew",
            log_path);
        err = KITH_INTERNAL;
    } else if (has_content(log_path) && !heads_are_sound(log_path)) {
        fault_set(fault, "%s is damaged, and its last commit may be lost: restore it from a backup",
                  log_path);
        err = KITH_INTERNAL;
    } else if (!has_content(log_path) && (rc = file_remove(log_path)) != 0) {
        fault_set(fault, "%s: cannot remove it: %s", log_path, strerror(rc));
        err = KITH_UNAVAILABLE;
    }
    free(log_path);
    free(views_path);
    return err;
}

static enum kith_err
log_load(struct store *store, uint64_t map_size, struct fault *fault)
{
    char *path = path_join(store->dir, "log");
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
    char *path = path_join(store->dir, "views");
    if (!path)
        return out_of_memory(fault);
    struct views_options inner = {
        .dir = path,
        .map_size = options->map_size,
        .overlay_size = options->overlay_size,
        .checkpoint_events = options->checkpoint_events,
        .checkpoint_ms = options->checkpoint_ms,
        .checkpoint_memory = options->checkpoint_memory,
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
        int rc = directory_sync(dirs[i]);
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
    if (options.checkpoint_memory == 0)
        options.checkpoint_memory = CHECKPOINT_MEMORY_DEFAULT;
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
    if (err == KITH_OK)
        err = worker_open(&store->worker, "commit", write_job, store, fault);
    return err;
}

static void
parts_close(struct store *store)
{
    worker_close(&store->worker);
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
    assert(!store->in_batch && !store->is_sealed);
    /* A failure costs a longer replay at the next start, no more. */
    (void)views_checkpoint(store->views);
    parts_close(store);
}

enum kith_err
store_reset_views(struct store *store, struct fault *fault)
{
    assert(!store->in_batch && !store->is_sealed);
    return views_reset(store->views, fault);
}

/* ---- The batch ---- */

void
store_begin(struct store *store)
{
    assert(!store->in_batch);
    assert(store->is_sealed || views_applied(store->views) == log_last(store->log) ||
           views_error(store->views));
    views_begin(store->views);
    store->in_batch = true;
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

static bool
has_pending(const struct store *store)
{
    return log_has_pending(store->log) || keys_has_pending(store->keys) ||
           state_has_pending(store->state);
}

void
store_abort(struct store *store)
{
    assert(store->in_batch);
    log_drop(store->log);
    keys_drop(store->keys);
    state_drop(store->state);
    views_undo(store->views);
    store->in_batch = false;
}

/* Close the batch for writing, or undo it where something went wrong while it gathered. */
static enum kith_err
batch_seal(struct store *store, struct fault *fault)
{
    assert(store->in_batch && !store->is_sealed);
    enum kith_err err = batch_check(store, fault);
    if (err != KITH_OK) {
        store_abort(store);
        return err;
    }
    views_seal(store->views, log_last(store->log));
    log_seal(store->log);
    keys_seal(store->keys);
    store->is_state_sealed = state_has_pending(store->state);
    store->is_sealed = true;
    store->in_batch = false;
    return KITH_OK;
}

static void
sealed_keep(struct store *store)
{
    log_keep(store->log);
    keys_settle(store->keys);
    if (store->is_state_sealed)
        state_keep(store->state);
    views_settle(store->views);
    store->is_sealed = false;
}

static void
sealed_drop(struct store *store)
{
    assert(!store->in_batch);
    log_drop_sealed(store->log);
    keys_settle(store->keys);
    if (store->is_state_sealed)
        state_drop(store->state);
    views_undo_sealed(store->views);
    store->is_sealed = false;
}

/* The commit. It reads what is sealed and nothing else of the loop's. */
static void
write_job(void *context)
{
    struct store *store = context;
    struct env_txn txn;
    int64_t began_ns = monotonic_ns();
    store->write_fault.text[0] = 0;
    env_begin(&txn, &store->log_env);
    log_write(store->log, &txn);
    keys_write(store->keys, &txn);
    if (store->is_state_sealed)
        state_write(store->state, &txn);
    store->write_err = env_commit(&txn, &store->write_fault);
    store->write_us = (uint64_t)(monotonic_ns() - began_ns) / 1000;
}

/* Behind the write: let the reader see it, and keep or undo the batch. */
static enum kith_err
sealed_settle(struct store *store, struct fault *fault)
{
    enum kith_err err = store->write_err;
    store->commit_last_us = store->write_us;
    env_refresh(&store->log_env);
    if (err == KITH_OK) {
        store->commits++;
        sealed_keep(store);
        return KITH_OK;
    }
    store->commit_failures++;
    *fault = store->write_fault;
    if (err == KITH_UNAVAILABLE && !log_is_unchanged(store->log)) {
        fault_set(fault, "%s: a commit failed, but not wholly", store->log_env.dir);
        err = KITH_INTERNAL;
    }
    if (store->in_batch)
        store_abort(store);
    sealed_drop(store);
    return err;
}

enum kith_err
store_end(struct store *store, struct fault *fault)
{
    bool is_empty = !has_pending(store);
    enum kith_err err = batch_seal(store, fault);
    if (err != KITH_OK)
        return err;
    if (is_empty) {
        sealed_keep(store);
        return KITH_OK;
    }
    write_job(store);
    return sealed_settle(store, fault);
}

bool
store_may_seal(const struct store *store)
{
    assert(store->in_batch);
    return log_has_pending(store->log) && !state_has_pending(store->state);
}

enum kith_err
store_seal(struct store *store, struct fault *fault)
{
    assert(store_may_seal(store));
    enum kith_err err = batch_seal(store, fault);
    if (err == KITH_OK)
        worker_start(&store->worker);
    return err;
}

bool
store_is_sealed(const struct store *store)
{
    return store->is_sealed;
}

bool
store_is_written(struct store *store)
{
    return worker_phase(&store->worker) == WORKER_DONE;
}

enum kith_err
store_settle(struct store *store, struct fault *fault)
{
    assert(store->is_sealed);
    worker_wait(&store->worker);
    worker_take(&store->worker);
    return sealed_settle(store, fault);
}

int
store_fd(const struct store *store)
{
    return store->worker.fd;
}

unsigned
store_reap_readers(struct store *store)
{
    return env_reap_readers(&store->log_env) + env_reap_readers(&store->views->env);
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
