/* Who has what of a subscription that several workers share: bytes, order, giving back, parking. */
#include "words.h"

#include "core/share.h"

static struct share share, back;

static struct share_entry
entry(seq_t seq, uint64_t pair)
{
    return (struct share_entry){.seq = seq, .pair = pair, .worker = slice_str("w")};
}

static int
setup(void **state)
{
    (void)state;
    memset(&share, 0, sizeof(share));
    return 0;
}

static void
put(struct share_list *list, seq_t seq, uint64_t pair)
{
    struct share_entry one = entry(seq, pair);
    assert_true(share_insert(list, &one));
}

static void
test_there_and_back(void **state)
{
    (void)state;
    struct buf row = {0};
    share.taken = 9;
    put(&share.open, 5, 1);
    put(&share.open, 3, 0);
    share.open.at[0].is_out = true;
    share.open.at[0].due_ms = NOW;
    put(&share.parked, 1, 2);
    share.parked.at[0].tries = 5;
    share_encode(&row, &share);
    assert_true(share_decode(buf_slice(&row), &back));
    assert_int_equal(back.taken, 9);
    assert_int_equal(back.open.count, 2);
    assert_int_equal(back.open.at[0].seq, 3);
    assert_true(back.open.at[0].is_out && back.open.at[0].due_ms == NOW);
    assert_int_equal(back.open.at[1].pair, 1);
    assert_int_equal(back.parked.at[0].tries, 5);
    assert_true(slice_is(back.parked.at[0].worker, "w"));
    buf_fini(&row);
}

/* A row that this program did not write is refused, wherever it differs. */
static void
test_what_is_no_row(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "7",
        "[1]",
        "[1, 2]",
        "[1, [], []]", /* good */
        "[1, [], [], 4]",
        "[a, [], []]",
        "[1, a, []]",
        "[1, [], a]",
        "[1, [[1]], []]",
        "[1, [[1, 2, 3, 4, true, w]], []]", /* good */
        "[1, [[1, 2, 3, 4, true, 5]], []]",
        "[1, [[2, 2, 3, 4, true, w], [1, 2, 3, 4, true, w]], []]", /* out of order */
        "[1, [[1, 2, 3, 4, true, w]], [[1, 2, 3, 4, 5, w], [1, 2, 3, 4, true, w]]]",
    };
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf row = {0};
        words_write(&row, rows[i]);
        assert_int_equal(share_decode(buf_slice(&row), &back), i == 3 || i == 9);
        buf_fini(&row);
    }
    /* More than ever are open; and bytes behind the row. */
    struct buf row = {0};
    write_array(&row, 3);
    write_uint(&row, 1);
    write_array(&row, KITH_OPEN_COUNT_MAX + 1);
    for (unsigned i = 0; i <= KITH_OPEN_COUNT_MAX; i++)
        words_write(&row, "[1, 2, 3, 4, true, w]");
    assert_false(share_decode(buf_slice(&row), &back));
    buf_clear(&row);
    words_write(&row, "[1, [], []]");
    write_nil(&row);
    assert_false(share_decode(buf_slice(&row), &back));
    buf_fini(&row);
}

static void
test_a_pair_has_no_order(void **state)
{
    (void)state;
    struct event there = {.from = slice_str("ada"), .to = slice_str("bob")};
    struct event again = {.from = slice_str("bob"), .to = slice_str("ada")};
    struct event other = {.member = slice_str("cyd")}, none = {.type = EVENT_COMMAND_NOTED};
    assert_true(share_pair(&there) == share_pair(&again));
    assert_true(share_pair(&there) != share_pair(&other));
    assert_int_equal(share_pair(&none), 0);
}

static void
test_in_the_order_of_sequences(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KITH_OPEN_COUNT_MAX; i++)
        put(&share.open, 2 * (i * 7 % KITH_OPEN_COUNT_MAX) + 1, 0);
    for (unsigned i = 0; i < KITH_OPEN_COUNT_MAX; i++) {
        assert_int_equal(share.open.at[i].seq, 2 * i + 1);
        assert_int_equal(share_find(&share.open, 2 * i + 1), i);
        assert_int_equal(share_find(&share.open, 2 * i), share.open.count);
    }
    assert_int_equal(share_find(&share.open, 2 * KITH_OPEN_COUNT_MAX + 1), share.open.count);
    struct share_entry one = entry(2, 0);
    assert_false(share_insert(&share.open, &one)); /* full */
    share_remove(&share.open, 0);
    assert_int_equal(share.open.at[0].seq, 3);
    assert_true(share_insert(&share.open, &one));
    assert_int_equal(share.open.at[0].seq, 2);
}

static void
test_ready(void **state)
{
    (void)state;
    put(&share.open, 1, 5);
    put(&share.open, 2, 5); /* behind the first of its pair */
    put(&share.open, 3, 6);
    put(&share.open, 4, 0); /* of no pair: waits for nobody */
    put(&share.open, 5, 0);
    assert_true(share_is_ready(&share, 0, NOW));
    assert_false(share_is_ready(&share, 1, NOW));
    assert_true(share_is_ready(&share, 2, NOW));
    assert_true(share_is_ready(&share, 4, NOW));
    share.open.at[2].is_out = true;
    assert_false(share_is_ready(&share, 2, NOW));
    share.open.at[3].due_ms = NOW + 1;
    assert_false(share_is_ready(&share, 3, NOW));
    assert_true(share_is_ready(&share, 3, NOW + 1));
}

static void
test_what_is_overdue_comes_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        put(&share.open, i + 1, 0);
        share.open.at[i].is_out = i != 2;
        share.open.at[i].due_ms = NOW + (i == 1);
        share.open.at[i].tries = i == 3 ? KITH_TRIES_MAX : 1;
    }
    share_expire(&share, NOW);
    assert_int_equal(share.open.count, 3);
    assert_false(share.open.at[0].is_out);
    assert_true(share.open.at[1].is_out); /* has a millisecond left */
    assert_int_equal(share.parked.count, 1);
    assert_int_equal(share.parked.at[0].seq, 4);
}

static void
test_where_too_many_are_parked_all_are_tried_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHARE_PARKED_MAX; i++)
        put(&share.parked, i + 1, 0);
    put(&share.open, 5000, 0);
    share.open.at[0].tries = KITH_TRIES_MAX;
    share.open.at[0].is_out = true;
    assert_false(share_give_back(&share, 0, NOW + 7));
    assert_false(share.open.at[0].is_out);
    assert_int_equal(share.open.at[0].due_ms, NOW + 7);
    share_remove(&share.parked, 0);
    assert_true(share_give_back(&share, 0, NOW));
    assert_int_equal(share.open.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_there_and_back, setup),
        cmocka_unit_test_setup(test_what_is_no_row, setup),
        cmocka_unit_test_setup(test_a_pair_has_no_order, setup),
        cmocka_unit_test_setup(test_in_the_order_of_sequences, setup),
        cmocka_unit_test_setup(test_ready, setup),
        cmocka_unit_test_setup(test_what_is_overdue_comes_back, setup),
        cmocka_unit_test_setup(test_where_too_many_are_parked_all_are_tried_on, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
