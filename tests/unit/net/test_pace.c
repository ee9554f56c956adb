/* How many connections are let in within how much time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/pace.h"

static void
test_as_many_as_the_count_at_once(void **state)
{
    struct pace pace;
    (void)state;
    pace_open(&pace);
    assert_int_equal(pace_wait(&pace, 0), 0);
    for (int i = 0; i < PACE_COUNT; i++) {
        assert_int_equal(pace_wait(&pace, 1000), 0);
        pace_count(&pace, 1000);
    }
    assert_int_equal(pace_wait(&pace, 1000), PACE_MS);
    assert_int_equal(pace_wait(&pace, 1000 + PACE_MS - 1), 1);
    assert_int_equal(pace_wait(&pace, 1000 + PACE_MS), 0);
    pace_close(&pace);
}

static void
test_time_without_any_saves_nothing_up(void **state)
{
    struct pace pace;
    (void)state;
    pace_open(&pace);
    pace_count(&pace, 1000);
    for (int i = 0; i < PACE_COUNT; i++)
        pace_count(&pace, 5000);
    assert_int_equal(pace_wait(&pace, 5000), PACE_MS);
    pace_close(&pace);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_as_the_count_at_once),
        cmocka_unit_test(test_time_without_any_saves_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
