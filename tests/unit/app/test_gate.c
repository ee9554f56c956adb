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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_disk_closes_it),
        cmocka_unit_test(test_no_reserve_never_closes_it),
        cmocka_unit_test(test_a_reserve_taken_back_opens_it),
        cmocka_unit_test(test_full_views_hold_then_refuse),
        cmocka_unit_test(test_a_full_disk_is_the_stronger_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
