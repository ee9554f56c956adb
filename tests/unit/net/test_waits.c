/* Since when what is read has been waiting: never too long, and too short by little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/waits.h"

static void
test_nothing_known_is_no_wait(void **state)
{
    struct waits waits;
    (void)state;
    waits_init(&waits);
    assert_true(waits_is_mark_due(&waits, 0));
    assert_int_equal(waits_read(&waits, 100, 50), 50);
    waits_mark(&waits, 0, 50); /* the kernel holds nothing */
    assert_int_equal(waits_read(&waits, 100, 60), 60);
}

static void
test_what_was_there_has_waited(void **state)
{
    struct waits waits;
    (void)state;
    waits_init(&waits);
    waits_mark(&waits, 1000, 50);
    assert_int_equal(waits_read(&waits, 999, 70), 50);
    assert_int_equal(waits_read(&waits, 1, 80), 50); /* the last byte of them */
    assert_int_equal(waits_read(&waits, 1, 90), 90); /* the first behind */
    assert_int_equal(waits_read(&waits, 1, 100), 100);
}

static void
test_marks_follow_each_other(void **state)
{
    struct waits waits;
    (void)state;
    waits_init(&waits);
    waits_mark(&waits, 100, 10);
    assert_false(waits_is_mark_due(&waits, 10 + WAITS_INTERVAL_MS - 1));
    assert_true(waits_is_mark_due(&waits, 10 + WAITS_INTERVAL_MS));
    waits_mark(&waits, 100, 20); /* nothing came since */
    waits_mark(&waits, 300, 30);
    assert_int_equal(waits_read(&waits, 100, 40), 10);
    assert_int_equal(waits_read(&waits, 100, 50), 30);
    assert_int_equal(waits_read(&waits, 101, 60), 60); /* its last byte came after the mark */
}

/* One byte a ms comes and half as many go: the wait told is never too long, and even when marks had
 * to be thinned out it is more than half of the true one. */
static void
test_long_waits_are_known_coarsely(void **state)
{
    enum { MS = 10000 };
    struct waits waits;
    (void)state;
    waits_init(&waits);
    for (msec_t now_ms = 2; now_ms < MS; now_ms += 2) {
        uint64_t came = (uint64_t)now_ms, went = came / 2;
        msec_t since_ms = waits_read(&waits, 1, now_ms); /* byte number `went`, which came then */
        assert_true(since_ms >= (msec_t)went);
        if (now_ms > 100)
            assert_true(2 * (now_ms - since_ms) > now_ms - (msec_t)went);
        if (waits_is_mark_due(&waits, now_ms))
            waits_mark(&waits, came - went, now_ms);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_known_is_no_wait),
        cmocka_unit_test(test_what_was_there_has_waited),
        cmocka_unit_test(test_marks_follow_each_other),
        cmocka_unit_test(test_long_waits_are_known_coarsely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
