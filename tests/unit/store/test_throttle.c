/* How much may come in while a checkpoint is written. */
#include "scratch.h"

#include "store/throttle.h"

#define ROOM ((uint64_t)400 * 1000)

static const struct throttle last = {.size = 1000, .took_ms = 800}; /* expected: a second */

static void
test_nothing_is_slowed_before_anything_is_known(void **state)
{
    (void)state;
    const struct throttle none = {0}, at_once = {.size = 1000};
    assert_int_equal(throttle_limit(&none, 1000, ROOM, 0), ROOM);
    assert_int_equal(throttle_limit(&none, 0, ROOM, 0), ROOM);
    assert_int_equal(throttle_limit(&at_once, 1000, ROOM, 0), ROOM);
    assert_int_equal(throttle_limit(&last, 4003, ROOM, 0), ROOM / 4);
    assert_int_equal(throttle_limit(&last, 4004, ROOM, 0), ROOM); /* it was a small one */
}

static void
test_a_quarter_is_free_and_the_rest_comes_with_time(void **state)
{
    (void)state;
    assert_int_equal(throttle_limit(&last, 1000, ROOM, 0), ROOM / 4);
    assert_int_equal(throttle_limit(&last, 1000, ROOM, 500), ROOM / 4 + ROOM * 3 / 8);
    assert_int_equal(throttle_limit(&last, 1000, ROOM, 1000), ROOM);
    assert_int_equal(throttle_limit(&last, 1000, ROOM, INT64_MAX), ROOM);
    uint64_t before = 0;
    for (msec_t ms = 0; ms <= 1000; ms++) {
        uint64_t now = throttle_limit(&last, 1000, ROOM, ms);
        assert_true(now > before && now <= ROOM);
        before = now;
    }
}

static void
test_what_is_larger_takes_longer(void **state)
{
    (void)state;
    assert_int_equal(throttle_limit(&last, 3000, ROOM, 1000),
                     throttle_limit(&last, 1000, ROOM, 500));
    assert_true(throttle_limit(&last, 3000, ROOM, 1999) < ROOM);
    assert_int_equal(throttle_limit(&last, 3000, ROOM, 2000), ROOM);
    assert_true(throttle_limit(&last, 1, ROOM, 500) < ROOM); /* pages it has all the same */
    assert_int_equal(throttle_limit(&last, 1, ROOM, 501), ROOM);
}

static void
test_where_there_is_no_room_nothing_comes_in(void **state)
{
    (void)state;
    assert_int_equal(throttle_limit(&last, 1000, 0, 0), 0);
    assert_int_equal(throttle_limit(&last, 1000, 0, 2000), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_slowed_before_anything_is_known),
        cmocka_unit_test(test_a_quarter_is_free_and_the_rest_comes_with_time),
        cmocka_unit_test(test_what_is_larger_takes_longer),
        cmocka_unit_test(test_where_there_is_no_room_nothing_comes_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
