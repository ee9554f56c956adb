/* What a checkpoint writes over: rows whose values change in size, from nothing to many pages. */
#include "scratch.h"

#include "store/row.h"
#include "store/store.h"

#define ROW_COUNT  200
#define ROUNDS     12
#define VALUE_SIZE ((size_t)20000) /* five pages */

static const size_t sizes[] = {0, 1, 12, 300, 1990, 2040, 4096, 9000, VALUE_SIZE};

/* The value of a row after a round; absent in some. */
static struct slice
value_of(unsigned round, size_t number, uint8_t bytes[VALUE_SIZE])
{
    size_t size = sizes[(round * 5 + number * (1 + round % 3)) % ARRAY_COUNT(sizes)];
    memset(bytes, (int)(round + number), VALUE_SIZE);
    return (round + number) % 7 == 0 ? slice_of(NULL, 0) : slice_of(bytes, size);
}

static struct slice
key_of(size_t number, uint8_t bytes[8])
{
    put_be64(bytes, number * UINT64_C(0x9e3779b97f4a7c15));
    return slice_of(bytes, 8);
}

static const enum view_table used[] = {VIEW_MEMBER, VIEW_DUE};

static void
round_write(struct store *store, unsigned round)
{
    static uint8_t value[VALUE_SIZE];
    uint8_t key[8];
    struct fault fault;
    store_begin(store);
    log_append(store_log(store), 1, slice_str("x"));
    for (size_t i = 0; i < ARRAY_COUNT(used) * ROW_COUNT; i++) {
        struct slice name = key_of(i / 2, key), stored = value_of(round, i, value);
        if (stored.data)
            views_put(store_views(store), used[i % 2], name, stored);
        else
            views_del(store_views(store), used[i % 2], name);
    }
    assert_int_equal(store_end(store, &fault), KITH_OK);
    assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
}

static void
round_check(struct store *store, unsigned round)
{
    static uint8_t value[VALUE_SIZE];
    uint8_t key[8];
    uint64_t rows[2] = {0}, sums[2] = {0};
    struct views_stats stats;
    for (size_t i = 0; i < ARRAY_COUNT(used) * ROW_COUNT; i++) {
        struct slice name = key_of(i / 2, key), expected = value_of(round, i, value);
        struct slice found = views_get(store_views(store), used[i % 2], name);
        check((found.data != NULL) == (expected.data != NULL));
        check(slice_equal(found, expected));
        if (!expected.data)
            continue;
        rows[i % 2]++;
        sums[i % 2] += row_hash((uint8_t)used[i % 2], name, expected);
    }
    views_stats(store_views(store), &stats);
    for (size_t i = 0; i < ARRAY_COUNT(used); i++) {
        assert_int_equal(stats.rows[used[i]], rows[i]);
        assert_int_equal(stats.sums[used[i]], sums[i]);
    }
}

static void
test_values_of_every_size_replace_each_other(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        round_write(store, round);
        round_check(store, round);
        if (round % 4 == 3) { /* what is known of the tables is gone */
            store_close(store);
            store = scratch_open(*state, SCRATCH_MAP_SIZE);
            round_check(store, round);
        }
    }
    store_close(store);
}

/* LMDB's sync of the pages goes through ours: or else a checkpoint is in everybody's way. */
static void
test_each_sync_trickles(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct views_stats stats;
    for (unsigned round = 0; round < 3; round++) {
        round_write(store, round);
        views_stats(store_views(store), &stats);
        assert_int_equal(stats.checkpoints, round + 1);
        assert_int_equal(stats.checkpoint_syncs, round + 1);
    }
    store_close(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_each_sync_trickles),
        scratch_test(test_values_of_every_size_replace_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
