#include "store/views.h"

#include "base/assert.h"
#include "store/throttle.h"
#include "store/views_inner.h"

/* ---- Reading ---- */

/* Where the row with this hash was found last, in what the reader sees. */
static struct found *
found_slot(struct views *views, uint64_t hash)
{
    return &views->found[hash & (FOUND_COUNT - 1)];
}

/* Find a row where it was found before, without a search. The checksum is seeded with the key: a
 * row of another key that shares its hash does not pass. */
static bool
found_get(struct views *views, const struct overlay_key *wanted, struct slice *value)
{
    const struct found *found = found_slot(views, wanted->hash);
    if (found->hash != wanted->hash || found->renewals != views->env.renewals ||
        !views->env.reader_live)
        return false;
    *value = found->stored;
    return row_check((uint8_t)wanted->table, wanted->key, value, NULL);
}

static struct slice
disk_search(struct views *views, enum view_table table, struct slice key, struct slice *stored)
{
    MDB_val name = env_val(key), found;
    MDB_txn *txn = env_reader(&views->env);
    int rc = txn ? mdb_get(txn, views->tables.rows[table], &name, &found) : MDB_CORRUPTED;
    if (rc == MDB_NOTFOUND)
        return (struct slice){0};
    struct slice value = *stored = rc == 0 ? env_slice(found) : (struct slice){0};
    if (rc != 0 || !row_check((uint8_t)table, key, &value, NULL)) {
        views->err = KITH_INTERNAL;
        return (struct slice){0};
    }
    return value;
}

struct slice
views_disk_search(struct views *views, enum view_table table, struct slice key)
{
    struct slice stored;
    return disk_search(views, table, key, &stored);
}

static struct slice
disk_get(struct views *views, const struct overlay_key *wanted)
{
    const struct filter *filter = views->filters[wanted->table];
    struct slice stored, value;
    if (view_tables[wanted->table].kind == VIEW_KIND_LIST)
        return disk_search(views, wanted->table, wanted->key, &stored);
    if (filter && !filter_may_have(filter, wanted->hash))
        return (struct slice){0};
    if (found_get(views, wanted, &value))
        return value;
    value = disk_search(views, wanted->table, wanted->key, &stored);
    if (value.data)
        *found_slot(views, wanted->hash) =
            (struct found){wanted->hash, views->env.renewals, stored};
    return value;
}

static struct slice
overlay_value(const struct overlay *overlay, const struct row *row)
{
    return row->state == ROW_VALUE ? row_value(&overlay->arena, row) : (struct slice){0};
}

struct slice
views_get(struct views *views, enum view_table table, struct slice key)
{
    if (views->err == KITH_INTERNAL)
        return (struct slice){0};
    struct overlay_key wanted = overlay_key_of(table, key);
    const struct row *row = overlay_find(views->active, &wanted);
    if (row)
        return overlay_value(views->active, row);
    row = views->frozen ? overlay_find(views->frozen, &wanted) : NULL;
    if (row)
        return overlay_value(views->frozen, row);
    return disk_get(views, &wanted);
}

void
views_expect(struct views *views, enum view_table table, struct slice key)
{
    struct overlay_key wanted = overlay_key_of(table, key);
    hash_expect(overlay_index(views->active, table), (uint32_t)wanted.hash);
    if (view_tables[table].kind == VIEW_KIND_LIST)
        return;
    if (views->frozen)
        hash_expect(&views->frozen->points, (uint32_t)wanted.hash);
    if (views->filters[table])
        filter_expect(views->filters[table], wanted.hash);
    __builtin_prefetch(found_slot(views, wanted.hash));
}

static void
expect_row(const struct overlay *overlay, const struct overlay_key *key)
{
    uint32_t place = hash_first(overlay_index(overlay, key->table), (uint32_t)key->hash);
    if (place == 0)
        return;
    const uint8_t *row = arena_at(&overlay->arena, place);
    __builtin_prefetch(row);
    __builtin_prefetch(row + 64);
    __builtin_prefetch(row + 128);
}

void
views_expect_row(struct views *views, enum view_table table, struct slice key)
{
    struct overlay_key wanted = overlay_key_of(table, key);
    expect_row(views->active, &wanted);
    if (view_tables[table].kind == VIEW_KIND_LIST)
        return;
    if (views->frozen)
        expect_row(views->frozen, &wanted);
    const struct found *found = found_slot(views, wanted.hash);
    if (found->hash == wanted.hash)
        __builtin_prefetch(found->stored.data);
}

enum kith_err
views_error(const struct views *views)
{
    return views->err;
}

uint64_t
views_moment(const struct views *views)
{
    return views->moment;
}

seq_t
views_applied(const struct views *views)
{
    return views->applied;
}

seq_t
views_checkpointed(const struct views *views)
{
    return views->mark.applied;
}

/* ---- Changing ---- */

static void
change(struct views *views, enum view_table table, struct slice key, enum row_state state,
       struct slice value)
{
    assert(views->in_unit);
    if (views->err != KITH_OK)
        return;
    views->moment++;
    struct overlay_key wanted = overlay_key_of(table, key);
    if (!overlay_put(views->active, &wanted, state, value))
        views->err = KITH_UNAVAILABLE;
}

void
views_put(struct views *views, enum view_table table, struct slice key, struct slice value)
{
    assert(value.size <= VIEW_VALUE_SIZE_MAX);
    change(views, table, key, ROW_VALUE, value);
    views_start_lower(views, table, key);
}

struct slice
views_row(struct views *views, const struct buf *made)
{
    if (!made->failed)
        return buf_slice(made);
    if (views->err == KITH_OK)
        views->err = KITH_UNAVAILABLE;
    return (struct slice){0};
}

void
views_del(struct views *views, enum view_table table, struct slice key)
{
    change(views, table, key, ROW_DELETED, (struct slice){0});
}

void
views_begin(struct views *views)
{
    assert(!views->in_unit);
    if (views->err == KITH_UNAVAILABLE)
        views->err = KITH_OK; /* the unit that ran out of memory is undone */
    overlay_begin(views->active);
    views->in_unit = true;
}

void
views_keep(struct views *views, seq_t applied)
{
    assert(views->in_unit && applied >= views->applied);
    if (views->err != KITH_OK) {
        views_undo(views);
        return;
    }
    views->applied = applied;
    views->in_unit = false;
}

void
views_undo(struct views *views)
{
    assert(views->in_unit);
    overlay_undo(views->active);
    views_starts_forget(views);
    views->moment++;
    views->in_unit = false;
}

void
views_seal(struct views *views, seq_t applied)
{
    assert(views->in_unit && !views->is_sealed && views->err == KITH_OK);
    overlay_seal(views->active);
    views->sealed = applied;
    views->is_sealed = true;
    views->in_unit = false;
}

void
views_settle(struct views *views)
{
    assert(views->is_sealed);
    views->applied = views->sealed;
    views->is_sealed = false;
}

void
views_undo_sealed(struct views *views)
{
    assert(views->is_sealed && !views->in_unit);
    overlay_undo_sealed(views->active);
    views_starts_forget(views);
    views->moment++;
    views->is_sealed = false;
}

/* ---- Checkpoints ---- */

/* What is not durable in the log must not become so here. */
static void
freeze(struct views *views)
{
    assert(!views->frozen && !views->in_unit && !views->is_sealed);
    struct checkpoint_mark *mark = &views->frozen_mark;
    *mark = views->mark;
    mark->applied = views->applied;
    if (views->applied == 0)
        mark->chain = 0;
    else if (log_checksum(views->log, views->applied, &mark->chain) != KITH_OK)
        return; /* the log is damaged there, and says so itself */

    views->frozen = views->active;
    views->active = &views->overlays[views->frozen == &views->overlays[0]];
    assert(views->active->arena.used == ARENA_UNIT);
    views->begun_size = overlay_size(views->active);
}

/* Write what is frozen, after freezing what is active if nothing is. */
static void
start(struct views *views)
{
    if (!views->frozen)
        freeze(views);
    if (!views->frozen)
        return;
    memcpy(views->checkpoint.filters, views->filters, sizeof(views->filters));
    /* The reader sees the last whole checkpoint, and what is frozen lies over it; so it stays there
     * until this one is whole, be it at the first try or not. */
    bool is_pinned = env_reader(&views->env) != NULL;
    checkpoint_start(&views->checkpoint, views->frozen, &views->frozen_mark, is_pinned);
}

/* What the thread made anew knows all that is in LMDB, whether its write came to pass or not. */
void
views_take_filters(struct views *views)
{
    for (unsigned i = 0; i < VIEW_TABLE_COUNT; i++) {
        struct filter *filter = views->checkpoint.filters[i];
        if (filter != views->filters[i])
            filter_destroy(views->filters[i]);
        views->filters[i] = filter;
    }
}

/* A write has ended: let go of the overlay, or keep it to be written again. */
static void
settle(struct views *views)
{
    struct checkpoint *checkpoint = &views->checkpoint;
    views->took_ms = checkpoint->took_ms;
    views->syncs = checkpoint->trickled;
    views_take_filters(views);
    if (checkpoint->err != KITH_OK) {
        views->fault = checkpoint->fault;
        views->has_failed = true;
        views->failures++;
        if (checkpoint->err != KITH_UNAVAILABLE)
            views->err = KITH_INTERNAL;
        checkpoint_again(checkpoint);
        return;
    }
    views->checkpoints++;
    if (!views->has_failed) /* else some of it was there already */
        views->sync_share =
            throttle_sync_share(views->sync_share, checkpoint->sync_ms, checkpoint->took_ms);
    views->has_failed = false;
    views->is_warm = true;
    views->mark = checkpoint->mark;
    views->frozen = NULL;
    views->moment++;
    env_refresh(&views->env);
    checkpoint_clean(checkpoint);
}

static bool
is_time(const struct views *views, msec_t now_ms)
{
    if (views->frozen)
        return now_ms - views->began_ms >= views->options.checkpoint_ms; /* it failed */
    if (views->applied == views->mark.applied)
        return false;
    return views->applied - views->mark.applied >= views->options.checkpoint_events ||
           now_ms - views->began_ms >= views->options.checkpoint_ms ||
           overlay_size(views->active) >= views->options.overlay_size / 2;
}

static uint64_t
memory_size(const struct views *views)
{
    return overlay_size(views->active) + (views->frozen ? overlay_size(views->frozen) : 0);
}

bool
views_is_due(struct views *views, msec_t now_ms)
{
    return checkpoint_phase(&views->checkpoint) == CHECKPOINT_IDLE && views->err != KITH_INTERNAL &&
           is_time(views, now_ms);
}

void
views_tick(struct views *views, msec_t now_ms)
{
    assert(!views->in_unit && views->scan_count == 0);
    if (!views->has_ticked) {
        views->has_ticked = true;
        views->began_ms = now_ms;
    }
    if (checkpoint_phase(&views->checkpoint) == CHECKPOINT_WRITTEN)
        settle(views);
    if (!views->is_sealed && views_is_due(views, now_ms)) {
        views->began_ms = now_ms;
        start(views);
    }
    /* Before memory is used up and commands wait for it, they had better wait for the disk. */
    checkpoint_hurry(&views->checkpoint,
                     memory_size(views) >= views->options.overlay_size / 4 * 3 ||
                         views_throttled(views));
}

void
views_wait(struct views *views)
{
    assert(!views->in_unit && views->scan_count == 0);
    if (checkpoint_wait(&views->checkpoint) == CHECKPOINT_WRITTEN)
        settle(views);
    checkpoint_wait(&views->checkpoint);
}

enum kith_err
views_checkpoint(struct views *views)
{
    views_wait(views);
    /* Twice at most: what had failed before and is still frozen, then what is active. */
    while (views->err != KITH_INTERNAL && views->applied != views->mark.applied) {
        uint64_t failures = views->failures;
        start(views);
        if (!views->frozen)
            return KITH_INTERNAL;
        views_wait(views);
        if (views->failures != failures && views->err != KITH_INTERNAL)
            return KITH_UNAVAILABLE;
    }
    return views->err == KITH_INTERNAL ? KITH_INTERNAL : KITH_OK;
}

bool
views_full(const struct views *views)
{
    return views->frozen && memory_size(views) >= views->options.overlay_size;
}

bool
views_throttled(const struct views *views)
{
    /* The first one reads whole tables for their filters, and tells of nothing meanwhile. */
    if (!views->frozen || views->has_failed || !views->is_warm)
        return views_full(views);
    uint64_t all = views->options.overlay_size;
    uint64_t begun = overlay_size(views->frozen) + views->begun_size;
    uint64_t room = begun < all ? all - begun : 0;
    double done = checkpoint_done(&views->checkpoint, views->sync_share);
    return overlay_size(views->active) >= views->begun_size + throttle_limit(room, done);
}

int
views_fd(const struct views *views)
{
    return views->checkpoint.worker.fd;
}

const struct fault *
views_fault(const struct views *views)
{
    return &views->fault;
}

void
views_stats(const struct views *views, struct views_stats *out)
{
    *out = (struct views_stats){
        .overlay_size = memory_size(views),
        .checkpoints = views->checkpoints,
        .checkpoint_failures = views->failures,
        .has_failed = views->has_failed,
        .checkpoint_last_ms = views->took_ms,
        .checkpoint_syncs = views->syncs,
    };
    memcpy(out->rows, views->mark.rows, sizeof(out->rows));
    memcpy(out->sums, views->mark.sums, sizeof(out->sums));
}
