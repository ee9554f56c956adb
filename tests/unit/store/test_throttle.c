/* How much may come in while a checkpoint is written. */
#include "scratch.h"

#include "store/throttle.h"

#define ROOM ((uint64_t)400 * 1000)

static bool
is_about(double value, double expected)
{
    return value > expected - 1e-9 && value < expected + 1e-9;
}

static void
test_a_quarter_is_free_and_the_rest_comes_with_what_is_done(void **state)
{
    (void)state;
    assert_int_equal(throttle_limit(ROOM, 0), ROOM / 4);
    assert_int_equal(throttle_limit(ROOM, 0.5), ROOM / 4 + ROOM * 3 / 8);
    assert_int_equal(throttle_limit(ROOM, 1), ROOM);
    uint64_t before = 0;
    for (unsigned i = 0; i <= 1000; i++) {
        uint64_t now = throttle_limit(ROOM, i / 1000.0);
        assert_true(now > before && now <= ROOM);
        before = now;
    }
    assert_int_equal(throttle_limit(0, 0), 0);
    assert_int_equal(throttle_limit(0, 1), 0);
}

static void
test_rows_are_written_and_then_synced(void **state)
{
    (void)state;
    check(is_about(throttle_done(0, 100, 0, 0.4), 0));
    check(is_about(throttle_done(50, 100, 0, 0.4), 0.3));
    check(is_about(throttle_done(99, 100, 1, 0.4), 0.6 * 0.99)); /* what was synced is another */
    check(is_about(throttle_done(100, 100, 0, 0.4), 0.6));
    check(is_about(throttle_done(100, 100, 0.5, 0.4), 0.8));
    check(is_about(throttle_done(100, 100, 1, 0.4), 1));
    check(is_about(throttle_done(101, 100, 2, 0.4), 1));
    check(is_about(throttle_done(0, 0, 0, 0.4), 0.6)); /* there is nothing to write */
}

static void
test_the_share_of_a_sync_follows_what_was_seen(void **state)
{
    (void)state;
    double share = THROTTLE_SYNC_SHARE_FIRST;
    check(is_about(throttle_sync_share(share, 0, 0), share));
    check(is_about(throttle_sync_share(share, 300, 1000), 0.4));
    check(is_about(throttle_sync_share(0.4, 800, 1000), 0.6));
    for (unsigned i = 0; i < 100; i++)
        share = throttle_sync_share(share, 1000, 1000);
    check(is_about(share, 0.9)); /* rows count for something, however fast they are */
    for (unsigned i = 0; i < 100; i++)
        share = throttle_sync_share(share, 0, 1000);
    check(is_about(share, 0.1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quarter_is_free_and_the_rest_comes_with_what_is_done),
        cmocka_unit_test(test_rows_are_written_and_then_synced),
        cmocka_unit_test(test_the_share_of_a_sync_follows_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
