/* A batch that is sealed and written while the next one is open. */
#include "scratch.h"

#include <poll.h>

#include "store/store.h"

#define SMALL_MAP ((uint64_t)1024 * 1024)

/* One event with a point row, a list row and a place in a feed, all called @name. */
static void
put(struct store *store, const char *name, size_t body_size)
{
    static uint8_t body[1024 * 1024];
    struct views *views = store_views(store);
    struct feed_key feed = {{1}};
    seq_t seq = log_append(store_log(store), 1, slice_of(body, body_size));
    views_put(views, VIEW_DEDUPE, slice_str(name), slice_of(&seq, sizeof(seq)));
    views_put(views, VIEW_DUE, slice_str(name), slice_of(&seq, sizeof(seq)));
    views_feed_append(views, &feed, seq);
}

static void
put_key(struct store *store, const char *member, uint8_t byte)
{
    uint8_t key[SEAL_KEY_SIZE];
    memset(key, byte, sizeof(key));
    keys_put(store_keys(store), slice_str(member), key);
}

/* The first byte of a key; 0 if there is none. */
static uint8_t
key_byte(struct store *store, const char *member)
{
    uint8_t key[SEAL_KEY_SIZE];
    return keys_get(store_keys(store), slice_str(member), key) == KITH_OK ? key[0] : 0;
}

/* The sequence that both rows called @name hold; 0 if there is no row. */
static seq_t
row_seq(struct store *store, const char *name)
{
    seq_t seq = 0, other = 0;
    struct slice point = views_get(store_views(store), VIEW_DEDUPE, slice_str(name));
    struct slice list = views_get(store_views(store), VIEW_DUE, slice_str(name));
    if (point.data)
        memcpy(&seq, point.data, sizeof(seq));
    if (list.data)
        memcpy(&other, list.data, sizeof(other));
    assert_int_equal(seq, other);
    return seq;
}

/* Does the list begin with the row called @name? */
static bool
is_first(struct store *store, const char *name)
{
    struct slice none = {0}, key, value;
    struct views_scan *scan = views_scan_begin(store_views(store), VIEW_DUE, none, none);
    bool found = views_scan_next(scan, &key, &value) && slice_is(key, name);
    views_scan_end(scan);
    return found;
}

static uint64_t
feed_count(struct store *store)
{
    struct feed_key feed = {{1}};
    return views_feed_length(store_views(store), &feed);
}

static void
check_record(struct store *store, seq_t seq, size_t size)
{
    struct log_record record;
    assert_int_equal(log_read(store_log(store), seq, &record), KITH_OK);
    assert_int_equal(record.body.size, size);
}

/* Wait for the thread by the descriptor, as the loop does. */
static void
wait_written(struct store *store)
{
    struct pollfd pollfd = {.fd = store_fd(store), .events = POLLIN};
    assert_int_equal(poll(&pollfd, 1, -1), 1);
    check(store_is_written(store));
}

static void
seal_batch(struct store *store)
{
    struct fault fault;
    check(store_may_seal(store));
    assert_int_equal(store_seal(store, &fault), KITH_OK);
    check(store_is_sealed(store));
}

static void
test_the_next_batch_sees_the_sealed_one(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = scratch_open(scratch, SCRATCH_MAP_SIZE);
    struct fault fault;
    store_begin(store);
    put(store, "disk", 1);
    put_key(store, "disk", 1);
    assert_int_equal(store_end(store, &fault), KITH_OK);

    store_begin(store);
    put(store, "sealed", 2);
    put_key(store, "sealed", 2);
    keys_del(store_keys(store), slice_str("disk"));
    seal_batch(store);
    assert_int_equal(log_durable(store_log(store)), 1);
    assert_int_equal(views_applied(store_views(store)), 1);

    store_begin(store);
    put(store, "open", 3);
    put_key(store, "open", 3);
    assert_int_equal(log_last(store_log(store)), 3);
    for (seq_t seq = 1; seq <= 3; seq++)
        check_record(store, seq, seq);
    assert_int_equal(row_seq(store, "sealed"), 2);
    assert_int_equal(feed_count(store), 3);
    assert_int_equal(key_byte(store, "disk"), 0);
    assert_int_equal(key_byte(store, "sealed"), 2);
    assert_int_equal(key_byte(store, "open"), 3);

    wait_written(store);
    assert_int_equal(store_settle(store, &fault), KITH_OK);
    assert_int_equal(log_durable(store_log(store)), 2);
    assert_int_equal(views_applied(store_views(store)), 2);
    for (seq_t seq = 1; seq <= 3; seq++)
        check_record(store, seq, seq);
    seal_batch(store);
    assert_int_equal(store_settle(store, &fault), KITH_OK); /* without waiting before */
    store_close(store);

    store = scratch_open(scratch, SCRATCH_MAP_SIZE);
    assert_int_equal(log_last(store_log(store)), 3);
    assert_int_equal(row_seq(store, "open"), 3);
    assert_int_equal(feed_count(store), 3);
    assert_int_equal(key_byte(store, "disk"), 0);
    assert_int_equal(key_byte(store, "open"), 3);
    store_close(store);
}

/* The open batch goes without the sealed one, and that one goes on. */
static void
test_the_open_batch_is_undone_alone(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct fault fault;
    store_begin(store);
    put(store, "row", 1);
    put_key(store, "ada", 1);
    seal_batch(store);
    store_begin(store);
    put(store, "row", 2);
    put(store, "other", 2);
    put_key(store, "ada", 2);
    store_abort(store);
    assert_int_equal(row_seq(store, "row"), 1);
    assert_int_equal(row_seq(store, "other"), 0);
    assert_int_equal(feed_count(store), 1);
    assert_int_equal(key_byte(store, "ada"), 1);
    assert_int_equal(store_settle(store, &fault), KITH_OK);
    assert_int_equal(log_last(store_log(store)), 1);
    assert_int_equal(row_seq(store, "row"), 1);
    store_close(store);
}

/* A sealed batch that does not fit takes the open one with it, and leaves no trace. */
static void
check_failure(struct store *store, bool is_open)
{
    struct fault fault = {0};
    struct store_stats stats;
    seq_t last = log_last(store_log(store));
    uint64_t feed = feed_count(store);
    seq_t row = row_seq(store, "row");
    store_begin(store);
    views_del(store_views(store), VIEW_DUE, slice_str("early"));
    check(is_first(store, "row"));
    for (unsigned i = 0; i < 4; i++)
        put(store, "row", 1000 * 1000);
    put_key(store, "ada", 7);
    seal_batch(store);
    if (is_open) {
        store_begin(store);
        put(store, "row", 10);
        put(store, "new", 10);
        put_key(store, "ada", 8);
    }
    assert_int_equal(store_settle(store, &fault), KITH_UNAVAILABLE);
    check(fault.text[0] != 0 && !store_is_sealed(store));
    store_stats(store, &stats);
    check(stats.commit_failures > 0);
    assert_int_equal(log_last(store_log(store)), last);
    assert_int_equal(views_applied(store_views(store)), last);
    assert_int_equal(row_seq(store, "row"), row);
    assert_int_equal(row_seq(store, "new"), 0);
    check(is_first(store, "early"));
    assert_int_equal(feed_count(store), feed);
    assert_int_equal(key_byte(store, "ada"), 1);
}

static void
test_a_failed_commit_undoes_both(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = scratch_open(scratch, SMALL_MAP);
    struct fault fault;
    for (unsigned round = 0; round < 3; round++) {
        store_begin(store);
        put(store, "row", 1);
        views_put(store_views(store), VIEW_DUE, slice_str("early"), slice_str("1"));
        put_key(store, "ada", 1);
        assert_int_equal(store_end(store, &fault), KITH_OK);
        check_failure(store, round != 1);
    }
    store_close(store);
    store = scratch_open(scratch, SMALL_MAP);
    assert_int_equal(log_last(store_log(store)), 3);
    assert_int_equal(row_seq(store, "row"), 3);
    store_close(store);
}

/* A checkpoint must not write what is not durable: it waits for the sealed batch. */
static void
test_a_checkpoint_waits_for_the_sealed_batch(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct views *views = store_views(store);
    struct fault fault;
    views_tick(views, 0);
    store_begin(store);
    put(store, "first", 1);
    assert_int_equal(store_end(store, &fault), KITH_OK);
    store_begin(store);
    put(store, "second", 1);
    seal_batch(store);
    check(views_is_due(views, 1000 * 1000));
    views_tick(views, 1000 * 1000);
    check(views_is_due(views, 1000 * 1000));
    assert_int_equal(store_settle(store, &fault), KITH_OK);
    views_tick(views, 1000 * 1000);
    views_wait(views);
    assert_int_equal(views_checkpointed(views), 2);
    store_close(store);
}

/* Nothing to write, or something of the state: only store_end() does. */
static void
test_not_every_batch_is_sealed(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct fault fault;
    struct slice value;
    store_begin(store);
    check(!store_may_seal(store));
    put(store, "row", 1);
    check(store_may_seal(store));
    seal_batch(store);
    store_begin(store);
    put(store, "row", 1);
    state_put(store_state(store), STATE_CURSOR, slice_str("cursor"), slice_str("value"));
    check(!store_may_seal(store));
    assert_int_equal(store_settle(store, &fault), KITH_OK);
    assert_int_equal(state_get(store_state(store), STATE_CURSOR, slice_str("cursor"), &value),
                     KITH_OK);
    store_abort(store);
    assert_int_equal(state_get(store_state(store), STATE_CURSOR, slice_str("cursor"), &value),
                     KITH_NOT_FOUND);
    store_close(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_the_next_batch_sees_the_sealed_one),
        scratch_test(test_the_open_batch_is_undone_alone),
        scratch_test(test_a_failed_commit_undoes_both),
        scratch_test(test_a_checkpoint_waits_for_the_sealed_batch),
        scratch_test(test_not_every_batch_is_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
