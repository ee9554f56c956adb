/* The gate: what closes it, what opens it, and how long messages are held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/gate.h"

static void
test_a_full_disk_closes_it(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    assert_int_equal(gate_look(&gate, 100, 100), GATE_SAME);
    assert_int_equal(gate_refusal(&gate), KITH_OK);
    assert_int_equal(gate_look(&gate, 99, 100), GATE_CLOSED);
    assert_int_equal(gate_look(&gate, 99, 100), GATE_SAME);
    assert_int_equal(gate_refusal(&gate), KITH_UNAVAILABLE);
    assert_int_equal(gate_look(&gate, 124, 100), GATE_SAME); /* it opens a quarter above */
    assert_int_equal(gate_refusal(&gate), KITH_UNAVAILABLE);
    assert_int_equal(gate_look(&gate, 125, 100), GATE_OPENED);
    assert_int_equal(gate_refusal(&gate), KITH_OK);
}

static void
test_no_reserve_never_closes_it(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    assert_int_equal(gate_look(&gate, 0, 0), GATE_SAME);
    assert_int_equal(gate_refusal(&gate), KITH_OK);
}

static void
test_a_reserve_taken_back_opens_it(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    assert_int_equal(gate_look(&gate, 50, 100), GATE_CLOSED);
    assert_int_equal(gate_look(&gate, 50, 0), GATE_OPENED);
}

static void
test_full_views_hold_then_refuse(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    assert_int_equal(gate_hold(&gate, false, 1000), 0);
    assert_int_equal(gate_hold(&gate, true, 1000), GATE_HOLD_MS_MAX);
    assert_int_equal(gate_refusal(&gate), KITH_BUSY);
    assert_int_equal(gate_hold(&gate, true, 1000 + GATE_HOLD_MS_MAX - 1), 1);
    assert_int_equal(gate_hold(&gate, true, 1000 + GATE_HOLD_MS_MAX), 0);
    assert_int_equal(gate_hold(&gate, true, 999999), 0);
    assert_int_equal(gate_refusal(&gate), KITH_BUSY);
    assert_int_equal(gate_hold(&gate, false, 1000000), 0);
    assert_int_equal(gate_refusal(&gate), KITH_OK);
    assert_int_equal(gate_hold(&gate, true, 1000001), GATE_HOLD_MS_MAX);
}

static void
test_a_full_disk_is_the_stronger_reason(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    gate_look(&gate, 0, 1);
    gate_hold(&gate, true, 0);
    assert_int_equal(gate_refusal(&gate), KITH_UNAVAILABLE);
}

static void
test_what_is_left_for_long_is_more_than_can_be_done(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    assert_int_equal(gate_limit(&gate, 100, 5000), GATE_NO_LIMIT); /* nothing was ever left */
    gate_left(&gate, true, 1000);
    assert_int_equal(gate_limit(&gate, 100, 1000), GATE_NO_LIMIT);
    gate_left(&gate, true, 1150); /* still, not anew */
    assert_int_equal(gate_limit(&gate, 100, 1199), GATE_NO_LIMIT);
    assert_int_equal(gate_limit(&gate, 100, 1200), 100);
    assert_int_equal(gate_limit(&gate, 100, 999999), 100);
    /* It goes by the wait that is allowed now. */
    assert_int_equal(gate_limit(&gate, 1000, 1200), GATE_NO_LIMIT);
}

static void
test_once_something_is_turned_away_less_is_allowed(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    gate_left(&gate, true, 1000);
    assert_int_equal(gate_limit(&gate, 100, 2000), 100);
    gate_shed(&gate, 2000);
    gate_left(&gate, true, 2000);
    assert_int_equal(gate_limit(&gate, 100, 2000), 25);
    assert_int_equal(gate_limit(&gate, 3, 2000), 1); /* never nothing */
    gate_left(&gate, false, 2010); /* once there was nothing left, though more comes at once */
    assert_int_equal(gate_limit(&gate, 100, 2010), 25);
    gate_shed(&gate, 2100);
    gate_left(&gate, true, 2100);
    gate_left(&gate, true, 2290);
    assert_int_equal(gate_limit(&gate, 100, 2299), 25);
    assert_int_equal(gate_limit(&gate, 100, 2300), 100); /* nothing was turned away for long */
}

/* Somebody who waits for a slow disk, and is turned away for it, does not keep it up. */
static void
test_where_no_turn_leaves_anything_it_ends(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    gate_left(&gate, true, 1000);
    gate_shed(&gate, 2000);
    gate_left(&gate, true, 2000);
    for (msec_t at_ms = 2012; at_ms < 2200; at_ms += 12) {
        assert_int_equal(gate_limit(&gate, 100, at_ms), 25);
        gate_shed(&gate, at_ms);
        gate_left(&gate, false, at_ms);
    }
    assert_int_equal(gate_limit(&gate, 100, 2200), GATE_NO_LIMIT);
}

static void
test_one_turn_that_leaves_nothing_ends_it(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    gate_left(&gate, true, 1000);
    assert_int_equal(gate_limit(&gate, 100, 2000), 100);
    gate_left(&gate, false, 2000);
    assert_int_equal(gate_limit(&gate, 100, 2000), GATE_NO_LIMIT);
    gate_left(&gate, true, 2010);
    assert_int_equal(gate_limit(&gate, 100, 2209), GATE_NO_LIMIT);
    assert_int_equal(gate_limit(&gate, 100, 2210), 100);
}

static void
test_messages_left_close_it_to_no_command(void **state)
{
    struct gate gate;
    (void)state;
    gate_init(&gate);
    gate_left(&gate, true, 0);
    assert_int_equal(gate_refusal(&gate), KITH_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk_closes_it),
        cmocka_unit_test(test_no_reserve_never_closes_it),
        cmocka_unit_test(test_a_reserve_taken_back_opens_it),
        cmocka_unit_test(test_full_views_hold_then_refuse),
        cmocka_unit_test(test_a_full_disk_is_the_stronger_reason),
        cmocka_unit_test(test_what_is_left_for_long_is_more_than_can_be_done),
        cmocka_unit_test(test_once_something_is_turned_away_less_is_allowed),
        cmocka_unit_test(test_where_no_turn_leaves_anything_it_ends),
        cmocka_unit_test(test_one_turn_that_leaves_nothing_ends_it),
        cmocka_unit_test(test_messages_left_close_it_to_no_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
