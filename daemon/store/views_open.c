/* Opening the views: whatever does not fit the log is dropped, since the log can rebuild it. */

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/files.h"
#include "store/rollback.h"
#include "store/throttle.h"
#include "store/views_inner.h"

/* Address space for the rows of an overlay: the limit holds between batches, and one batch may
 * overshoot it. */
#define OVERLAY_FACTOR   4
#define OVERLAY_SIZE_MIN ((uint64_t)1024 * 1024 * 1024)

/* Every row of a table is sound, and together they are those that the mark tells of. */
static bool
table_is_sound(const struct views *views, MDB_txn *txn, enum view_table table)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t sum = 0;
    int rc = mdb_cursor_open(txn, views->tables.rows[table], &cursor);
    if (rc != 0)
        return false;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        MDB_val found;
        uint64_t hash;
        struct slice plain = env_slice(value);
        /* A branch page may lead elsewhere than the leaves do. */
        if (mdb_get(txn, views->tables.rows[table], &key, &found) != 0 ||
            found.mv_data != value.mv_data ||
            !row_check((uint8_t)table, env_slice(key), &plain, &hash))
            break;
        sum += hash;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND && sum == views->mark.sums[table];
}

static bool
tables_are_sound(const struct views *views, MDB_txn *txn)
{
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++) {
        if (!table_is_sound(views, txn, (enum view_table)i))
            return false;
    }
    return true;
}

/* A child looks, for LMDB may be ended by a signal over a damaged page: that, too, is an answer. It
 * only reads, within the transaction that is open here. */
static bool
rows_are_sound(const struct views *views, MDB_txn *txn)
{
    uint64_t count = 0;
    int status;
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++)
        count += views->mark.rows[i];
    if (count == 0 || count > views->options.checked_rows)
        return true; /* what is read is checked when it is read */
    pid_t pid = fork();
    if (pid == 0)
        _exit(tables_are_sound(views, txn) ? EXIT_SUCCESS : EXIT_FAILURE);
    if (pid < 0)
        return tables_are_sound(views, txn);
    while (waitpid(pid, &status, 0) != pid) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* The log has the record that the views end with, and every table has the rows it should. */
static bool
fits(struct views *views, struct env_txn *txn)
{
    const struct checkpoint_mark *mark = &views->mark;
    uint64_t chain = 0;
    bool is_ours = mark->epoch == log_epoch(views->log);
    views->is_ahead = is_ours && mark->applied > log_last(views->log);
    if (!is_ours || views->is_ahead || mark->rows_version != views->options.rows_version)
        return false;
    if (mark->applied > 0 &&
        (log_checksum(views->log, mark->applied, &chain) != KITH_OK || chain != mark->chain))
        return false;
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++) {
        MDB_stat stat;
        if (mdb_stat(txn->txn, views->tables.rows[i], &stat) != 0 ||
            stat.ms_entries != mark->rows[i])
            return false;
    }
    return rows_are_sound(views, txn->txn);
}

/* Read the mark, or make it in a new environment. KITH_INTERNAL if these views do not fit. */
static enum kith_err
mark_load(struct views *views, struct env_txn *txn)
{
    MDB_stat stat;
    if (txn->rc != 0)
        return txn->rc == MDB_CORRUPTED ? KITH_INTERNAL : KITH_OK; /* else env_commit() says so */
    if (mdb_stat(txn->txn, views->tables.meta, &stat) != 0)
        return KITH_INTERNAL;
    if (stat.ms_entries == 0) {
        views->mark = (struct checkpoint_mark){.rows_version = views->options.rows_version,
                                               .epoch = log_epoch(views->log)};
        checkpoint_mark_put(txn, views->tables.meta, &views->mark);
    } else if (!checkpoint_mark_get(txn, views->tables.meta, &views->mark)) {
        return KITH_INTERNAL;
    }
    if (views->mark.is_part)
        return KITH_INTERNAL; /* without its way back: a copy */
    return txn->rc != 0 || fits(views, txn) ? KITH_OK : KITH_INTERNAL;
}

static enum kith_err
tables_open(struct views *views, struct fault *fault)
{
    struct env_txn txn;
    env_begin(&txn, &views->env);
    if (!env_is_level(&txn)) {
        env_abort(&txn);
        return KITH_INTERNAL;
    }
    views->tables.meta = env_table(&txn, "meta");
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++)
        views->tables.rows[i] = env_table(&txn, view_tables[i].name);
    enum kith_err err = mark_load(views, &txn);
    if (err != KITH_OK) {
        env_abort(&txn);
        return err;
    }
    return env_commit(&txn, fault);
}

static enum kith_err
disk_open(struct views *views, struct fault *fault)
{
    views->mark = (struct checkpoint_mark){0};
    enum kith_err err = rollback_apply(views->dir, &views->fault);
    if (err == KITH_UNAVAILABLE)
        fault_set(fault, "%s", views->fault.text);
    /* Rows are read at random, and read-ahead would drag in 30 pages for each. */
    if (err == KITH_OK)
        err = env_open(&views->env, views->dir, views->options.map_size, MDB_NORDAHEAD, fault);
    if (err != KITH_OK)
        return err;
    err = views->env.truncated ? KITH_INTERNAL : tables_open(views, fault);
    if (err != KITH_OK)
        env_close(&views->env);
    return err;
}

static enum kith_err
disk_remove(const struct views *views, struct fault *fault)
{
    /* The way back last: without it data.mdb might be taken for sound. */
    static const char *const names[] = {"data.mdb", "lock.mdb", ROLLBACK_NAME};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char *path = path_join(views->dir, names[i]);
        if (!path) {
            fault_set(fault, "%s: out of memory", views->dir);
            return KITH_UNAVAILABLE;
        }
        int rc = file_remove(path);
        if (rc != 0)
            fault_set(fault, "%s: cannot remove it: %s", path, strerror(rc));
        free(path);
        if (rc != 0)
            return KITH_UNAVAILABLE;
    }
    return KITH_OK;
}

/* What the views have seen was on disk before. A log that ends earlier has lost it: to go on would
 * hide that, and give its numbers to other events. */
static enum kith_err
refuse_loss(const struct views *views, struct fault *fault)
{
    fault_set(fault,
              "the log ends at event %llu, and the views have seen event %llu: the log is damaged, "
              "restore it from a backup; if this is the restored one, remove %s",
              (unsigned long long)log_last(views->log), (unsigned long long)views->mark.applied,
              views->dir);
    return KITH_INTERNAL;
}

/* Open what is there if it fits, else begin empty. */
static enum kith_err
levels_open(struct views *views, struct fault *fault)
{
    views->is_ahead = false;
    enum kith_err err = disk_open(views, fault);
    if (err == KITH_INTERNAL && views->is_ahead)
        return refuse_loss(views, fault);
    if (err == KITH_INTERNAL) {
        err = disk_remove(views, fault);
        if (err == KITH_OK)
            err = disk_open(views, fault);
        if (err == KITH_INTERNAL)
            fault_set(fault, "%s: even new views do not open: the disk or LMDB is at fault",
                      views->dir);
    }
    if (err == KITH_OK)
        err = checkpoint_open(&views->checkpoint, &views->env, &views->tables,
                              views->options.checkpoint_memory, fault);
    views->applied = views->mark.applied;
    return err;
}

/* Forget what is known of LMDB. The thread has ended its work by then: what it has made anew is
 * ours to free. */
static void
knowledge_drop(struct views *views)
{
    if (views->checkpoint.worker.running &&
        checkpoint_wait(&views->checkpoint) == CHECKPOINT_WRITTEN)
        views_take_filters(views);
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++)
        filter_destroy(views->filters[i]);
    memset(views->filters, 0, sizeof(views->filters));
    memset(views->found, 0, sizeof(views->found));
}

static void
levels_close(struct views *views)
{
    knowledge_drop(views);
    checkpoint_close(&views->checkpoint);
    views_scans_fini(views);
    env_close(&views->env);
}

static bool
overlays_init(struct views *views)
{
    uint64_t size = views->options.overlay_size * OVERLAY_FACTOR;
    if (size < OVERLAY_SIZE_MIN)
        size = OVERLAY_SIZE_MIN;
    views->active = &views->overlays[0];
    return overlay_init(&views->overlays[0], size) && overlay_init(&views->overlays[1], size);
}

enum kith_err
views_open(struct views **out, struct log *log, const struct views_options *options,
           struct fault *fault)
{
    assert(options->overlay_size > 0 && options->checkpoint_events > 0);
    struct views *views = calloc(1, sizeof(*views));
    if (!views) {
        fault_set(fault, "%s: out of memory", options->dir);
        return KITH_UNAVAILABLE;
    }
    views->options = *options;
    views->sync_share = THROTTLE_SYNC_SHARE_FIRST;
    views->log = log;
    views->dir = strdup(options->dir);
    if (!views->dir || !overlays_init(views)) {
        fault_set(fault, "%s: out of memory", options->dir);
        views_close(views);
        return KITH_UNAVAILABLE;
    }
    enum kith_err err = levels_open(views, fault);
    if (err != KITH_OK) {
        views_close(views);
        return err;
    }
    *out = views;
    return KITH_OK;
}

void
views_close(struct views *views)
{
    if (!views)
        return;
    levels_close(views);
    overlay_fini(&views->overlays[0]);
    overlay_fini(&views->overlays[1]);
    free(views->dir);
    free(views);
}

enum kith_err
views_reset(struct views *views, struct fault *fault)
{
    assert(!views->in_unit);
    levels_close(views);
    overlay_clear(&views->overlays[0]);
    overlay_clear(&views->overlays[1]);
    views->active = &views->overlays[0];
    views->frozen = NULL;
    views->has_failed = false;
    views->is_warm = false;
    views->moment++;
    views->mark = (struct checkpoint_mark){0};
    views_starts_forget(views);
    views->err = KITH_OK;

    enum kith_err err = disk_remove(views, fault);
    if (err == KITH_OK)
        err = levels_open(views, fault);
    if (err != KITH_OK)
        views->err = KITH_INTERNAL;
    return err;
}
