/* The views against a naive model: random work over the three levels, with checkpoints, undo and
 * reopening thrown in. A failure prints the seed, and `test_views SEED` runs that one again. */
#include "scratch.h"

#include "store/row.h"
#include "store/store.h"
#include "store/throttle.h"
#include "store/views_inner.h"

#define KEY_COUNT      300 /* few, so that rows meet their own past on every level */
#define VALUE_SIZE_MAX 600
#define STEP_COUNT     4000

static const enum view_table used[] = {VIEW_MEMBER, VIEW_PAIR, VIEW_DUE, VIEW_ADJACENT};

/* The whole truth: a value for each key of each table, and what the open unit changed. */
struct model_row {
    bool exists;
    uint16_t size;
    uint8_t fill;
};

struct model {
    struct model_row row[ARRAY_COUNT(used)][KEY_COUNT];
};

struct world {
    const struct scratch *scratch;
    struct store *store;
    struct model now;  /* the unit that is open included */
    struct model kept; /* as of the last unit that was kept */
    msec_t now_ms;
    uint64_t seed;
};

static uint64_t failed_seed;

/* Keys of different sizes, in no order. What lists are told apart by, the first four bytes, is the
 * same for a third of them and for a few; some differ only behind the eight bytes that follow. */
static struct slice
key_of(size_t table, size_t number, uint8_t bytes[VIEW_LIST_KEY_SIZE_MAX])
{
    memset(bytes, 0, VIEW_LIST_KEY_SIZE_MAX);
    bytes[0] = (uint8_t)(number % 3);
    bytes[1] = (uint8_t)(number % 3 * (number % 5 * 30));
    size_t at = number % 4 ? 4 : 14;
    put_be16(bytes + at, (uint16_t)(number * 7919));
    return slice_of(bytes, at + 2 + (number + table) % (VIEW_LIST_KEY_SIZE_MAX - at - 1));
}

/* At least as much of @key as a scan of the table has to ask for. */
static struct slice
prefix_of(struct world *world, size_t table, struct slice key)
{
    size_t least = view_tables[used[table]].owner_size;
    return slice_of(key.data, least + random_below(&world->seed, 6 - least));
}

static struct slice
value_of(const struct model_row *row, uint8_t bytes[VALUE_SIZE_MAX])
{
    memset(bytes, row->fill, row->size);
    return row->exists ? slice_of(bytes, row->size) : slice_of(NULL, 0);
}

static bool
same(struct slice a, struct slice b)
{
    return (a.data == NULL) == (b.data == NULL) && slice_equal(a, b);
}

static void
world_check(const struct world *world, bool holds, const char *what)
{
    (void)world;
    if (!holds)
        fail_msg("seed %llu: %s", (unsigned long long)failed_seed, what);
}

static void
world_open(struct world *world, uint64_t overlay_size)
{
    world->store = scratch_open_with(&(struct store_options){.dir = world->scratch->data,
                                                             .map_size = SCRATCH_MAP_SIZE,
                                                             .overlay_size = overlay_size,
                                                             .checkpoint_events = 20,
                                                             .checkpoint_ms = 1000});
}

static void
put_one(struct world *world, size_t table, size_t number, const struct model_row *row)
{
    uint8_t key[VIEW_LIST_KEY_SIZE_MAX], value[VALUE_SIZE_MAX];
    struct slice name = key_of(table, number, key);
    if (row->exists)
        views_put(store_views(world->store), used[table], name, value_of(row, value));
    else
        views_del(store_views(world->store), used[table], name);
    world->now.row[table][number] = *row;
}

static void
step_put(struct world *world)
{
    size_t table = random_below(&world->seed, ARRAY_COUNT(used));
    size_t number = random_below(&world->seed, KEY_COUNT);
    struct model_row row = {true, (uint16_t)random_below(&world->seed, VALUE_SIZE_MAX),
                            (uint8_t)random_next(&world->seed)};
    if (random_below(&world->seed, 4) == 0)
        row = (struct model_row){0};
    else if (random_below(&world->seed, 8) == 0)
        row.size = 0; /* an empty value is not an absent one */
    put_one(world, table, number, &row);
}

static void
check_get(struct world *world, size_t table, size_t number)
{
    uint8_t key[VIEW_LIST_KEY_SIZE_MAX], value[VALUE_SIZE_MAX];
    struct slice found =
        views_get(store_views(world->store), used[table], key_of(table, number, key));
    world_check(world, same(found, value_of(&world->now.row[table][number], value)), "views_get");
}

static void
check_all(struct world *world)
{
    for (size_t table = 0; table < ARRAY_COUNT(used); table++) {
        for (size_t number = 0; number < KEY_COUNT; number++)
            check_get(world, table, number);
    }
}

/* The number of the first existing key of the model above @above and with @prefix. */
static size_t
model_next(const struct world *world, size_t table, struct slice prefix, struct slice above)
{
    uint8_t key[VIEW_LIST_KEY_SIZE_MAX], best_key[VIEW_LIST_KEY_SIZE_MAX];
    size_t best = KEY_COUNT, best_size = 0;
    for (size_t number = 0; number < KEY_COUNT; number++) {
        struct slice name = key_of(table, number, key);
        if (!world->now.row[table][number].exists || !key_has_prefix(name, prefix) ||
            (above.data && key_compare(name, above) <= 0))
            continue;
        if (best < KEY_COUNT && key_compare(name, slice_of(best_key, best_size)) > 0)
            continue;
        best = number;
        best_size = name.size;
        memcpy(best_key, key, sizeof(key));
    }
    return best;
}

/* The first row of a list that is asked for over and over, as what is worked off in order is. */
static void
check_first(struct world *world)
{
    uint8_t name[VIEW_LIST_KEY_SIZE_MAX], bytes[VALUE_SIZE_MAX];
    static const uint8_t start[6] = {1, 30};
    size_t table = 2 + random_below(&world->seed, 2);
    struct slice prefix = prefix_of(world, table, slice_of(start, sizeof(start)));
    struct slice none = {0}, key, value;

    size_t expected = model_next(world, table, prefix, none);
    struct views_scan *scan =
        views_scan_begin(store_views(world->store), used[table], prefix, none);
    bool found = views_scan_next(scan, &key, &value);
    views_scan_end(scan);
    world_check(world, found == (expected < KEY_COUNT), "whether a list is empty");
    if (!found)
        return;
    world_check(world, same(key, key_of(table, expected, name)), "the first key of a list");
    world_check(world, same(value, value_of(&world->now.row[table][expected], bytes)),
                "the first value of a list");
}

/* Take away the first rows of a list, down to the last of them now and then. */
static void
step_work_off(struct world *world)
{
    size_t table = 2 + random_below(&world->seed, 2);
    struct slice none = {0};
    for (uint64_t left = random_below(&world->seed, 2 * KEY_COUNT); left > 0; left--) {
        size_t first = model_next(world, table, none, none);
        if (first == KEY_COUNT)
            break;
        put_one(world, table, first, &(struct model_row){.exists = false});
        if (left % 8 == 0)
            check_first(world);
    }
    check_first(world);
}

static void
check_scan(struct world *world)
{
    uint8_t start[VIEW_LIST_KEY_SIZE_MAX], above[VIEW_LIST_KEY_SIZE_MAX], bytes[VALUE_SIZE_MAX];
    size_t table = 2 + random_below(&world->seed, 2);
    struct slice prefix =
        prefix_of(world, table, key_of(table, random_below(&world->seed, KEY_COUNT), start));
    struct slice after = {0}, key, value;
    if (random_below(&world->seed, 2))
        after = key_of(table, random_below(&world->seed, KEY_COUNT), above);

    struct views_scan *scan =
        views_scan_begin(store_views(world->store), used[table], prefix, after);
    for (uint64_t left = random_below(&world->seed, 2 * KEY_COUNT); left > 0; left--) {
        size_t expected = model_next(world, table, prefix, after);
        bool found = views_scan_next(scan, &key, &value);
        world_check(world, found == (expected < KEY_COUNT), "where a scan ends");
        if (!found)
            break;
        uint8_t name[VIEW_LIST_KEY_SIZE_MAX];
        world_check(world, same(key, key_of(table, expected, name)), "a scan's key");
        world_check(world, same(value, value_of(&world->now.row[table][expected], bytes)),
                    "a scan's value");
        memcpy(above, key.data, key.size);
        after = slice_of(above, key.size);
    }
    views_scan_end(scan);
}

static void
step_end(struct world *world)
{
    struct fault fault;
    if (random_below(&world->seed, 4) == 0) {
        store_abort(world->store);
        world->now = world->kept;
    } else {
        log_append(store_log(world->store), 1, slice_str("x"));
        assert_int_equal(store_end(world->store, &fault), KITH_OK);
        world->kept = world->now;
    }
}

/* What replaying the log would do: bring rows to what they were when they were last kept. */
static void
replay(struct world *world)
{
    struct views *views = store_views(world->store);
    views_begin(views);
    for (size_t table = 0; table < ARRAY_COUNT(used); table++) {
        for (size_t number = 0; number < KEY_COUNT; number++)
            put_one(world, table, number, &world->kept.row[table][number]);
    }
    views_keep(views, log_last(store_log(world->store)));
}

static void
step_reopen(struct world *world)
{
    store_close(world->store);
    world_open(world, 0);
    world_check(world,
                views_applied(store_views(world->store)) == log_last(store_log(world->store)),
                "closing writes everything");
    if (random_below(&world->seed, 4) == 0) {
        struct fault fault;
        assert_int_equal(store_reset_views(world->store, &fault), KITH_OK);
        replay(world);
    }
}

/* Between units: a tick that may freeze or let go, a wait for the thread, or a new start. */
static void
step_between(struct world *world)
{
    struct views *views = store_views(world->store);
    switch (random_below(&world->seed, 12)) {
    case 0:
        step_reopen(world);
        break;
    case 1:
        assert_int_equal(views_checkpoint(views), KITH_OK);
        world_check(world, views_checkpointed(views) == views_applied(views), "a checkpoint");
        break;
    case 2:
    case 3:
        views_wait(views);
        break;
    default:
        world->now_ms += (msec_t)random_below(&world->seed, 600);
        views_tick(views, world->now_ms);
        break;
    }
}

static void
run_seed(const struct scratch *scratch, uint64_t seed)
{
    struct world world = {.scratch = scratch, .seed = seed};
    failed_seed = seed;
    world_open(&world, 0);
    for (int step = 0; step < STEP_COUNT / 20; step++) {
        store_begin(world.store);
        for (uint64_t i = random_below(&world.seed, 40); i > 0; i--) {
            step_put(&world);
            check_get(&world, random_below(&world.seed, ARRAY_COUNT(used)),
                      random_below(&world.seed, KEY_COUNT));
            check_first(&world);
        }
        if (step % 8 == 0)
            step_work_off(&world);
        if (step % 4 == 0)
            check_scan(&world);
        step_end(&world);
        check_scan(&world);
        step_between(&world);
        if (step % 16 == 0)
            check_all(&world);
        world_check(&world, views_error(store_views(world.store)) == KITH_OK, "views_error");
    }
    check_all(&world);
    store_close(world.store);
}

static void
test_random_work_agrees_with_the_model(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch own = *scratch;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        char name[16];
        snprintf(name, sizeof(name), "run%llu", (unsigned long long)seed);
        scratch_path(scratch, name, own.data);
        run_seed(&own, seed);
    }
}

/* The counts and sums of the mark are those of the rows that stand in LMDB. */
static void
test_counts_and_sums_are_those_of_the_rows(void **state)
{
    struct world world = {.scratch = *state, .seed = 5};
    struct views_stats stats;
    world_open(&world, 0);
    for (int round = 0; round < 20; round++) {
        store_begin(world.store);
        for (int i = 0; i < 200; i++)
            step_put(&world);
        step_end(&world);
        assert_int_equal(views_checkpoint(store_views(world.store)), KITH_OK);
        views_stats(store_views(world.store), &stats);
        for (size_t table = 0; table < ARRAY_COUNT(used); table++) {
            uint64_t rows = 0, sum = 0;
            for (size_t number = 0; number < KEY_COUNT; number++) {
                uint8_t key[VIEW_LIST_KEY_SIZE_MAX], value[VALUE_SIZE_MAX];
                const struct model_row *row = &world.now.row[table][number];
                if (!row->exists)
                    continue;
                rows++;
                sum += row_hash((uint8_t)used[table], key_of(table, number, key),
                                value_of(row, value));
            }
            assert_int_equal(stats.rows[used[table]], rows);
            check(stats.sums[used[table]] == sum);
        }
    }
    store_close(world.store);
}

static void
test_undo_brings_back_every_kind_of_row(void **state)
{
    struct world world = {.scratch = *state};
    world_open(&world, 0);
    struct views *views = store_views(world.store);
    struct slice kept = slice_str("kept"), grown = slice_str("gone"), fresh = slice_str("fresh");
    static uint8_t large[5000];
    for (size_t i = 0; i < 2; i++) {
        enum view_table table = i == 0 ? VIEW_MEMBER : VIEW_DUE;
        views_begin(views);
        views_put(views, table, kept, slice_str("one"));
        views_put(views, table, grown, slice_str("two"));
        views_del(views, table, grown);
        views_keep(views, 0);

        views_begin(views);
        views_del(views, table, kept);
        views_put(views, table, kept, slice_of(large, sizeof(large)));
        views_put(views, table, grown, slice_str("three"));
        views_put(views, table, fresh, slice_str("four"));
        views_undo(views);
        check(slice_is(views_get(views, table, kept), "one"));
        assert_null(views_get(views, table, grown).data);
        assert_null(views_get(views, table, fresh).data);

        views_begin(views); /* an undone row can be made again */
        views_put(views, table, fresh, slice_str("five"));
        views_keep(views, 0);
        check(slice_is(views_get(views, table, fresh), "five"));
    }
    store_close(world.store);
}

static void
test_a_value_may_be_put_from_itself(void **state)
{
    struct world world = {.scratch = *state};
    world_open(&world, 0);
    struct views *views = store_views(world.store);
    struct slice key = slice_str("key");
    views_begin(views);
    views_put(views, VIEW_MEMBER, key, slice_str("abcdef"));
    struct slice value = views_get(views, VIEW_MEMBER, key);
    views_put(views, VIEW_MEMBER, key, slice_of(value.data + 2, 4));
    check(slice_is(views_get(views, VIEW_MEMBER, key), "cdef"));
    views_keep(views, 0);
    store_close(world.store);
}

/* A borrowed value stays while other rows come and grow, and the thread writes. */
static void
test_a_borrowed_value_stays_put(void **state)
{
    struct world world = {.scratch = *state};
    world_open(&world, 0);
    struct views *views = store_views(world.store);
    struct slice key = slice_str("key");
    views_begin(views);
    views_put(views, VIEW_MEMBER, key, slice_str("value"));
    struct slice value = views_get(views, VIEW_MEMBER, key);
    for (uint64_t i = 0; i < 20000; i++) {
        uint8_t other[8];
        put_be64(other, i);
        views_put(views, VIEW_PAIR, slice_of(other, 8), slice_of(other, 8));
        views_put(views, VIEW_DUE, slice_of(other, 8), slice_of(other, 8));
    }
    check(slice_is(value, "value"));
    views_keep(views, 0);
    store_close(world.store);
}

static void
put_many(struct world *world, uint64_t from, uint64_t count)
{
    struct fault fault;
    store_begin(world->store);
    for (uint64_t i = from; i < from + count; i++) {
        uint8_t key[8];
        put_be64(key, i);
        log_append(store_log(world->store), 1, slice_str("x"));
        views_put(store_views(world->store), VIEW_PAIR, slice_of(key, 8), slice_of(key, 8));
        views_put(store_views(world->store), VIEW_DUE, slice_of(key, 8), slice_of(key, 8));
    }
    assert_int_equal(store_end(world->store, &fault), KITH_OK);
}

/* The loop reads and writes while the thread is at work: what the thread sanitizer is for. */
static void
test_the_loop_works_on_while_a_checkpoint_runs(void **state)
{
    struct world world = {.scratch = *state};
    struct views_stats stats;
    world_open(&world, 0);
    struct views *views = store_views(world.store);
    uint64_t next = 0;
    do {
        put_many(&world, next, 500);
        next += 500;
        for (uint64_t i = next > 3000 ? next - 3000 : 0; i < next; i++) {
            uint8_t key[8];
            put_be64(key, i);
            check(slice_equal(views_get(views, VIEW_PAIR, slice_of(key, 8)), slice_of(key, 8)));
        }
        uint64_t count = 0;
        struct slice key, value;
        struct views_scan *scan =
            views_scan_begin(views, VIEW_DUE, slice_of(NULL, 0), slice_of(NULL, 0));
        while (views_scan_next(scan, &key, &value))
            assert_int_equal(get_be64(key.data), count++);
        views_scan_end(scan);
        assert_int_equal(count, next);
        views_tick(views, world.now_ms += 1);
        views_stats(views, &stats);
    } while (stats.checkpoints < 4);
    store_close(world.store);
    world_open(&world, 0);
    assert_int_equal(views_applied(store_views(world.store)), next);
    store_close(world.store);
}

static void
test_full_says_so_until_the_checkpoint_has_ended(void **state)
{
    struct world world = {.scratch = *state};
    struct views_stats stats;
    world_open(&world, 1024 * 1024);
    struct views *views = store_views(world.store);
    views_tick(views, 1);
    assert_false(views_full(views));
    put_many(&world, 0, 30000);
    assert_false(views_full(views)); /* nothing to wait for yet: a tick makes room */
    views_tick(views, 2);
    check(views_full(views));
    views_wait(views);
    assert_false(views_full(views));
    views_stats(views, &stats);
    assert_int_equal(stats.checkpoints, 1);
    assert_int_equal(stats.rows[VIEW_PAIR], 30000);
    check(stats.overlay_size < 64 * 1024);
    store_close(world.store);
}

/* A checkpoint that cannot begin to write, since another transaction is open; what it has done is
 * what the test says. */
static void
test_what_comes_too_fast_is_slowed_down(void **state)
{
    struct world world = {.scratch = *state};
    struct env_txn txn;
    world_open(&world, 16 * 1024 * 1024);
    struct views *views = store_views(world.store);
    struct checkpoint *checkpoint = &views->checkpoint;
    put_many(&world, 0, 100);
    env_begin(&txn, &views->env);
    views_tick(views, 1);
    uint64_t next = 1000000;
    for (; !views_full(views); next += 1000) { /* the first one tells of nothing for long */
        assert_false(views_throttled(views));
        put_many(&world, next, 1000);
    }
    assert_true(views_throttled(views));
    env_abort(&txn);
    views_wait(views);
    views_checkpoint(views);
    views->sync_share = 1.0 / 7;
    put_many(&world, 100, 1000);
    views_checkpoint(views);
    check(checkpoint->took_ms % 7 == 0 || views->sync_share != 1.0 / 7); /* it has learnt */
    views->sync_share = THROTTLE_SYNC_SHARE_FIRST;

    put_many(&world, 0, 20000);
    env_begin(&txn, &views->env);
    views_tick(views, 100000);
    uint64_t rows = views->frozen->rows;
    check(rows >= 20000);
    size_t begun = overlay_size(views->active), before = 0;
    size_t room = 16 * 1024 * 1024 - overlay_size(views->frozen) - begun;
    next = 20000;
    for (unsigned quarters = 1; quarters <= 4; quarters++) {
        /* A third of the rows: a sixth, while a sync counts for a half. So a quarter is free, and
         * an eighth more each time. */
        atomic_store(&checkpoint->written, (quarters - 1) * rows / 3 + (quarters == 4));
        assert_false(views_throttled(views));
        for (; !views_throttled(views); next += 100)
            put_many(&world, next, 100);
        size_t now = overlay_size(views->active) - begun;
        assert_in_range(now, room * (quarters + 1) / 8 - 1024,
                        room * (quarters + 1) / 8 + 1200 * 1024); /* a hash may double */
        check(now > before && !views_full(views));
        before = now;
        views->has_failed = true; /* then it says nothing that is left to do */
        assert_false(views_throttled(views));
        views->has_failed = false;
    }
    atomic_store(&checkpoint->synced, TRICKLE_WHOLE);
    assert_false(views_throttled(views));
    for (; !views_full(views); next += 100)
        put_many(&world, next, 100);
    assert_true(views_throttled(views));
    atomic_store(&checkpoint->written, 0);
    env_abort(&txn);
    views_wait(views);
    assert_false(views_throttled(views));
    assert_int_equal(checkpoint->written, rows);
    assert_int_equal(checkpoint->synced, TRICKLE_WHOLE);
    check(checkpoint->sync_ms <= checkpoint->took_ms);
    store_close(world.store);
}

/* All that is written is counted: rows, undone and rewritten ones once, and entries of feeds. */
static void
test_a_checkpoint_tells_how_far_it_is(void **state)
{
    struct world world = {.scratch = *state};
    const struct feed_key feed = {{1}};
    struct fault fault;
    uint8_t key[8] = {0xff};
    world_open(&world, 0);
    struct views *views = store_views(world.store);
    struct checkpoint *checkpoint = &views->checkpoint;
    for (unsigned round = 1; round <= 4; round++) {
        put_many(&world, 0, 30); /* the same in each round */
        put_many(&world, 0, 30);
        store_begin(world.store);
        for (unsigned i = 0; i < 10 * round; i++)
            views_feed_append(views, &feed, log_append(store_log(world.store), 1, slice_str("x")));
        assert_int_equal(store_end(world.store, &fault), KITH_OK);
        views_begin(views);
        views_put(views, VIEW_PAIR, slice_of(key, 8), slice_of(key, 8));
        views_undo(views);
        assert_int_equal(views->active->rows, 61);
        assert_int_equal(views_checkpoint(views), KITH_OK);
        assert_int_equal(checkpoint->written, 61 + 10 * round);
        assert_int_equal(checkpoint->synced, TRICKLE_WHOLE);
    }
    struct views_stats stats;
    assert_int_equal(store_reset_views(world.store, &fault), KITH_OK);
    views_stats(views, &stats);
    assert_int_equal(stats.checkpoints,
                     4); /* a counter: since the start, whatever became of them */
    store_close(world.store);
}

/* An overlay that was large holds on to memory for its hashes, which no change takes again. */
static void
test_memory_that_is_held_on_to_slows_nothing_down(void **state)
{
    const size_t all = 16 * 1024 * 1024;
    struct world world = {.scratch = *state};
    struct env_txn txn;
    world_open(&world, all);
    struct views *views = store_views(world.store);
    for (uint64_t round = 0; round < 3; round++) {
        views_wait(views);
        put_many(&world, round * 100000, 90000);
        env_begin(&txn, &views->env);
        views_tick(views, (msec_t)(round + 1) * 100000);
        assert_non_null(views->frozen);
        assert_false(views_throttled(views));
        if (round == 2)
            check(overlay_size(views->active) >= (all - overlay_size(views->frozen)) / 4);
        env_abort(&txn);
    }
    store_close(world.store);
}

static void
test_a_tick_starts_what_is_due(void **state)
{
    struct world world = {.scratch = *state};
    struct views_stats stats;
    world_open(&world, 0);
    struct views *views = store_views(world.store);
    views_tick(views, 5000);
    views_wait(views);
    put_many(&world, 0, 19); /* of the 20 that make one due */
    views_tick(views, 5999);
    views_wait(views);
    assert_int_equal(views_checkpointed(views), 0);
    views_tick(views, 6000); /* but a second has passed */
    views_wait(views);
    assert_int_equal(views_checkpointed(views), 19);
    put_many(&world, 19, 20);
    views_tick(views, 6001);
    views_wait(views);
    assert_int_equal(views_checkpointed(views), 39);
    views_tick(views, 9000); /* nothing changed, nothing is written */
    views_wait(views);
    views_stats(views, &stats);
    assert_int_equal(stats.checkpoints, 2);
    store_close(world.store);
}

static void
test_the_eventfd_tells_of_an_ended_checkpoint(void **state)
{
    struct world world = {.scratch = *state};
    world_open(&world, 0);
    struct views *views = store_views(world.store);
    views_tick(views, 1);
    put_many(&world, 0, 50);
    views_tick(views, 2);
    uint64_t count = 0;
    while (read(views_fd(views), &count, sizeof(count)) < 0)
        ; /* it comes, or the test's time is up */
    assert_int_equal(count, 1);
    views_tick(views, 3);
    assert_int_equal(views_checkpointed(views), 50);
    check(read(views_fd(views), &count, sizeof(count)) < 0);
    store_close(world.store);
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        void *state;
        scratch_setup(&state);
        run_seed(state, strtoull(argv[1], NULL, 10));
        return scratch_teardown(&state);
    }
    const struct CMUnitTest tests[] = {
        scratch_test(test_random_work_agrees_with_the_model),
        scratch_test(test_counts_and_sums_are_those_of_the_rows),
        scratch_test(test_undo_brings_back_every_kind_of_row),
        scratch_test(test_a_value_may_be_put_from_itself),
        scratch_test(test_a_borrowed_value_stays_put),
        scratch_test(test_the_loop_works_on_while_a_checkpoint_runs),
        scratch_test(test_full_says_so_until_the_checkpoint_has_ended),
        scratch_test(test_what_comes_too_fast_is_slowed_down),
        scratch_test(test_a_checkpoint_tells_how_far_it_is),
        scratch_test(test_memory_that_is_held_on_to_slows_nothing_down),
        scratch_test(test_a_tick_starts_what_is_due),
        scratch_test(test_the_eventfd_tells_of_an_ended_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
