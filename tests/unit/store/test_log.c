/* The event log: order, chain, batches, and what it makes of damage. */
#include "scratch.h"

#include "store/store.h"

/* Views of these tests are empty, and so up to date with nothing done. */
static struct store *
reopen(struct store *store, const struct scratch *scratch)
{
    store_close(store);
    store = scratch_open(scratch, SCRATCH_MAP_SIZE);
    views_begin(store_views(store));
    views_keep(store_views(store), log_last(store_log(store)));
    return store;
}

/* The body of record @seq: its length and content follow from the number. */
static struct slice
body_of(seq_t seq, uint8_t *bytes)
{
    size_t size = seq % 7 == 0 ? 5000 : seq % 97; /* some on overflow pages, some empty */
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(seq * 31 + i);
    return slice_of(bytes, size);
}

static void
append(struct store *store, uint64_t count)
{
    uint8_t bytes[5000];
    for (uint64_t i = 0; i < count; i++) {
        seq_t seq = log_last(store_log(store)) + 1;
        assert_int_equal(log_append(store_log(store), (msec_t)seq * 10, body_of(seq, bytes)), seq);
    }
}

static void
append_batch(struct store *store, uint64_t count)
{
    struct fault fault;
    store_begin(store);
    append(store, count);
    assert_int_equal(store_end(store, &fault), KITH_OK);
}

static void
check_record(const struct log_record *record, seq_t seq)
{
    uint8_t bytes[5000];
    assert_int_equal(record->seq, seq);
    assert_int_equal(record->at_ms, seq * 10);
    check(slice_equal(record->body, body_of(seq, bytes)));
}

static void
check_read(struct store *store, seq_t seq)
{
    struct log_record record;
    assert_int_equal(log_read(store_log(store), seq, &record), KITH_OK);
    check_record(&record, seq);
}

/* A walk behind @after finds each record to the end. */
static void
check_scan(struct store *store, seq_t after)
{
    struct log_scan scan;
    struct log_record record;
    log_scan_begin(&scan, store_log(store), after);
    for (seq_t seq = after + 1; seq <= log_last(store_log(store)); seq++) {
        check(log_scan_next(&scan, &record));
        check_record(&record, seq);
    }
    assert_false(log_scan_next(&scan, &record));
    assert_int_equal(scan.err, KITH_OK);
    log_scan_end(&scan);
}

static void
test_a_new_log_is_empty(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct log *log = store_log(store);
    struct log_record record;
    seq_t seq = 99;
    assert_int_equal(log_first(log), 1);
    assert_int_equal(log_last(log), 0);
    assert_int_equal(log_last_at(log), 0);
    assert_int_equal(log_read(log, 0, &record), KITH_NOT_FOUND);
    assert_int_equal(log_read(log, 1, &record), KITH_NOT_FOUND);
    assert_int_equal(log_find_time(log, 0, &seq), KITH_OK);
    assert_int_equal(seq, 1);
    check_scan(store, 0);
    store_close(store);
}

static void
test_records_are_read_before_and_after_the_commit(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct fault fault;
    append_batch(store, 20);
    store_begin(store);
    append(store, 20);
    for (seq_t seq = 1; seq <= 40; seq++)
        check_read(store, seq);
    for (seq_t after = 0; after <= 40; after++)
        check_scan(store, after);
    assert_int_equal(store_end(store, &fault), KITH_OK);
    for (seq_t seq = 1; seq <= 40; seq++)
        check_read(store, seq);
    struct log_record record;
    assert_int_equal(log_read(store_log(store), 41, &record), KITH_NOT_FOUND);
    store_close(store);
}

static void
test_a_body_stays_put_until_the_batch_ends(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct log_record stored, pending;
    append_batch(store, 1);
    store_begin(store);
    append(store, 1);
    assert_int_equal(log_read(store_log(store), 1, &stored), KITH_OK);
    assert_int_equal(log_read(store_log(store), 2, &pending), KITH_OK);
    append(store, 5000);
    check_record(&stored, 1);
    check_record(&pending, 2);
    store_abort(store);
    store_close(store);
}

static void
test_the_log_survives_closing(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    append_batch(store, 100);
    append_batch(store, 50);
    uint64_t epoch = log_epoch(store_log(store));
    store = reopen(store, *state);
    assert_int_equal(log_last(store_log(store)), 150);
    assert_int_equal(log_last_at(store_log(store)), 1500);
    check(log_epoch(store_log(store)) == epoch);
    check_scan(store, 0);
    append_batch(store, 10); /* the chain goes on */
    store = reopen(store, *state);
    check_scan(store, 0);
    assert_int_equal(log_last(store_log(store)), 160);
    store_close(store);
}

static void
test_a_scan_sees_what_is_appended_meanwhile(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct log_scan scan, beyond;
    struct log_record record;
    append_batch(store, 10);
    store_begin(store);
    log_scan_begin(&scan, store_log(store), 10);
    log_scan_begin(&beyond, store_log(store), 11);
    assert_false(log_scan_next(&scan, &record));
    append(store, 2);
    check(log_scan_next(&scan, &record));
    check_record(&record, 11);
    assert_false(log_scan_next(&beyond, &record));
    assert_int_equal(beyond.err, KITH_OK);
    log_scan_end(&beyond);
    log_scan_end(&scan);
    store_abort(store);
    store_close(store);
}

static void
test_an_aborted_batch_leaves_nothing(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    append_batch(store, 10);
    store_begin(store);
    append(store, 5);
    store_abort(store);
    assert_int_equal(log_last(store_log(store)), 10);
    assert_int_equal(log_last_at(store_log(store)), 100);
    append_batch(store, 3);
    check_scan(store, 0);
    store = reopen(store, *state);
    assert_int_equal(log_last(store_log(store)), 13);
    check_scan(store, 0);
    store_close(store);
}

static void
test_an_empty_batch_commits_nothing(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct store_stats stats;
    append_batch(store, 0);
    store_stats(store, &stats);
    assert_int_equal(stats.commits, 0);
    append_batch(store, 1);
    store_stats(store, &stats);
    assert_int_equal(stats.commits, 1);
    check(stats.log_size > 0 && stats.views_size > 0 && stats.disk_free > 0);
    store_close(store);
}

/* What a batch without a record leaves behind is what the next record stands on. */
static void
test_the_chain_goes_on_behind_an_empty_batch(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    append_batch(store, 3);
    for (unsigned i = 0; i < 2; i++) {
        store = reopen(store, *state);
        append_batch(store, 0);
        append_batch(store, 2);
        append_batch(store, 0);
        append_batch(store, 1);
        check_scan(store, 0);
    }
    store_close(store);
}

static void
test_find_time_is_the_first_at_or_after(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    append_batch(store, 30);
    store_begin(store);
    append(store, 10); /* pending ones count */
    for (msec_t at_ms = 0; at_ms <= 410; at_ms++) {
        seq_t seq = 0;
        assert_int_equal(log_find_time(store_log(store), at_ms, &seq), KITH_OK);
        assert_int_equal(seq, at_ms <= 10 ? 1 : (at_ms + 9) / 10);
    }
    store_abort(store);
    store_close(store);
}

static void
damage_record(const struct scratch *scratch, seq_t seq, size_t from_end)
{
    uint8_t key[8];
    put_be64(key, seq);
    damage_value(scratch, "data/log", "events", slice_of(key, sizeof(key)), from_end);
}

static void
test_a_damaged_body_is_found(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct log_record record;
    append_batch(store, 20);
    store_close(store);
    damage_record(*state, 9, 0);

    store = scratch_open(*state, SCRATCH_MAP_SIZE);
    assert_int_equal(log_damage(store_log(store)), 0);
    check_read(store, 8);
    assert_int_equal(log_read(store_log(store), 9, &record), KITH_INTERNAL);
    assert_int_equal(log_damage(store_log(store)), 9);
    check_read(store, 10); /* its own chain is whole */

    struct log_scan scan;
    log_scan_begin(&scan, store_log(store), 0);
    for (seq_t seq = 1; seq <= 8; seq++) {
        check(log_scan_next(&scan, &record));
        check_record(&record, seq);
    }
    assert_false(log_scan_next(&scan, &record));
    assert_int_equal(scan.err, KITH_INTERNAL);
    log_scan_end(&scan);
    store_close(store);
}

/* A record that was replaced by another sound one, or moved, breaks the chain behind it. */
static void
test_a_replaced_record_is_found(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    append_batch(store, 20);
    store_close(store);
    uint8_t key[8], copy[256];
    struct mdb_place place = mdb_place_open(*state, "data/log", "events");
    MDB_val name = {sizeof(key), key}, value;
    put_be64(key, 15);
    check(mdb_get(place.txn, place.table, &name, &value) == 0 && value.mv_size < sizeof(copy));
    memcpy(copy, value.mv_data, value.mv_size);
    value.mv_data = copy;
    put_be64(key, 5);
    check(mdb_put(place.txn, place.table, &name, &value, 0) == 0);
    mdb_place_close(&place);

    store = scratch_open(*state, SCRATCH_MAP_SIZE);
    struct log_record record;
    assert_int_equal(log_read(store_log(store), 5, &record), KITH_INTERNAL);
    assert_int_equal(log_damage(store_log(store)), 5);
    store_close(store);
}

static void
check_refused(const struct scratch *scratch, enum kith_err expected, const char *word)
{
    struct fault fault = {0};
    struct store *store = NULL;
    struct store_options options = {.dir = scratch->data, .map_size = SCRATCH_MAP_SIZE};
    assert_int_equal(store_open(&store, &options, &fault), expected);
    assert_null(store);
    if (!strstr(fault.text, word))
        fail_msg("\"%s\" says nothing of \"%s\"", fault.text, word);
}

static void
test_a_damaged_last_record_refuses_to_open(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    append_batch(store, 20);
    store_close(store);
    damage_record(*state, 20, 0);
    check_refused(*state, KITH_INTERNAL, "event 20");
}

static void
test_a_missing_record_refuses_to_open(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    append_batch(store, 20);
    store_close(store);
    uint8_t key[8];
    put_be64(key, 7);
    damage_delete(*state, "data/log", "events", slice_of(key, sizeof(key)));
    check_refused(*state, KITH_INTERNAL, "missing");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_a_new_log_is_empty),
        scratch_test(test_records_are_read_before_and_after_the_commit),
        scratch_test(test_a_body_stays_put_until_the_batch_ends),
        scratch_test(test_the_log_survives_closing),
        scratch_test(test_a_scan_sees_what_is_appended_meanwhile),
        scratch_test(test_an_aborted_batch_leaves_nothing),
        scratch_test(test_an_empty_batch_commits_nothing),
        scratch_test(test_the_chain_goes_on_behind_an_empty_batch),
        scratch_test(test_find_time_is_the_first_at_or_after),
        scratch_test(test_a_damaged_body_is_found),
        scratch_test(test_a_replaced_record_is_found),
        scratch_test(test_a_damaged_last_record_refuses_to_open),
        scratch_test(test_a_missing_record_refuses_to_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
